// SPDX-License-Identifier: Apache-2.0
//
// Layers in another order, so that the vector unit works beside the array. Both take their RUNs in
// order: a pool behind four convolutions that it does not need starts when these are nearly done,
// and what reads it waits.

#pragma once

#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {

/// Whether the order of its layers may be another: no attention, whose units have theirs, no
/// states.
bool can_interleave(const Network& network);

/// Cycles that the network takes less than the sum of its layers, as array and vector unit work at
/// the same time: where neither a map nor its place, nor the dispatcher lets one wait for the
/// other. While both work they share the gather port, so only a part of that time is saved.
double cycles_beside(const Network& network, const Plan& plan);

/// The layers in the order in which each begins as early as it can.
std::vector<int> interleaved(const Network& network, const Plan& plan);

/// A range of positions where an order differs from the network's and that no layer leaves; stripes
/// of a cascade are in one.
struct Segment {
  int first = 0, last = 0;
};
std::vector<Segment> segments_of(const Network& network, const std::vector<int>& order);

/// The network with its layers in that order, in these segments alone.
Network reordered(const Network& network, const std::vector<int>& order,
                  const std::vector<Segment>& segments);

}  // namespace trine::compiler
