// SPDX-License-Identifier: Apache-2.0
//
// Reorders layers so that the vector unit works at the same time as the array. Both execute their
// RUNs in order. A pool that comes after four convolutions but does not need them starts only when
// these are nearly done, and its readers wait for it.

#pragma once

#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {

/// Returns true if the network's layers may be reordered. Networks with states, with steps of an
/// LSTM or with attention keep their order.
bool can_interleave(const Network& network);

/// Returns the cycles that the network saves, compared with the sum of its layers, because array
/// and vector unit work at the same time. Time in which one waits for the other because of a map, a
/// map's place or the dispatcher does not count. While both work, they share the gather port, so
/// that only a part of that time is saved.
double cycles_beside(const Network& network, const Plan& plan);

/// Returns an order of the layers in which each begins as early as possible.
std::vector<int> interleaved(const Network& network, const Plan& plan);

/// A range of positions in which an order differs from the network's order and that no layer
/// leaves. The stripes of a cascade are in one stretch.
struct Stretch {
  int first = 0, last = 0;
};
/// Returns the stretches in which `order` differs from the network's order.
std::vector<Stretch> stretches_of(const Network& network, const std::vector<int>& order);

/// Returns the network with its layers in that order, but only within these stretches.
Network reordered(const Network& network, const std::vector<int>& order,
                  const std::vector<Stretch>& stretches);

}  // namespace trine::compiler
