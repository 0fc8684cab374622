// SPDX-License-Identifier: Apache-2.0
//
// Splits a graph into parts for the machine and parts for the host. Without help from the host, the
// whole graph must run on the machine. With it, the graph becomes a sequence of segments: each
// segment runs operators on the machine, then operators on the host.

#pragma once

#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph/graph.h"
#include "sw/reference/golden.h"

namespace trine::compiler {

/// A segment of a graph whose operators all have a place to run.
struct LoweredSegment {
  model::Graph graph;
  Network network;  ///< the segment's operators that run on the machine
};

/// The places where the host may run operators that the machine does not support.
enum class HostPart {
  kNowhere,   ///< nowhere: the host only converts formats at the graph's ends
  kEnd,       ///< refused operators and all that depend on them, if none is a product
  kAnywhere,  ///< also between two segments of the machine
};

/// Cuts a graph into segments that the machine can run.
/// @param graph  a rewritten graph (rewrite/rewrite.h)
/// @return at least one segment
/// @throws Refusal  lists the operators that are refused and cannot run on the host, and what the
/// user can do
std::vector<LoweredSegment> partition(model::Graph graph, const spec::Config& config,
                                      const reference::RoundingPolicy& rounding, HostPart host);

}  // namespace trine::compiler
