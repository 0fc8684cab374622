// SPDX-License-Identifier: Apache-2.0
//
// Cuts a graph with host operators in its middle into segments. A segment consists of machine
// operators, followed by the host operators that need only their results.

#pragma once

#include <vector>

#include "spec/config.h"
#include "sw/model/graph/graph.h"

namespace trine::compiler {

/// One segment of a graph.
struct Segment {
  model::Graph graph;    ///< reads all outputs of the segment before
  std::vector<int> ops;  ///< indices into the whole graph's operators, in the order of graph.ops
};

/// Cuts the graph into segments. A tensor that a later segment reads passes through the segments in
/// between.
/// @return at least one segment
std::vector<Segment> segments_of(const model::Graph& graph, const spec::Config& config);

}  // namespace trine::compiler
