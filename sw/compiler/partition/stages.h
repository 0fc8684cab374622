// SPDX-License-Identifier: Apache-2.0
//
// Cuts a graph with host operators in its middle into stages. A stage consists of machine
// operators, followed by the host operators that need only their results.

#pragma once

#include <vector>

#include "spec/config.h"
#include "sw/model/graph.h"

namespace trine::compiler {

/// One stage of a graph.
struct Stage {
  model::Graph graph;    ///< reads all outputs of the stage before
  std::vector<int> ops;  ///< indices into the whole graph's operators, in the order of graph.ops
};

/// Cuts the graph into stages. A tensor that a later stage reads passes through the stages in
/// between.
/// @return at least one stage
std::vector<Stage> stages_of(const model::Graph& graph, const spec::Config& config);

}  // namespace trine::compiler
