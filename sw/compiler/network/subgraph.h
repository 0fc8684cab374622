// SPDX-License-Identifier: Apache-2.0
//
// Cuts operators out of a graph.

#pragma once

#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::compiler {

/// Returns a graph of the operators `ops` and their tensors only, with the given inputs and
/// outputs.
model::Graph subgraph(const model::Graph& graph, const std::vector<int>& ops,
                      const std::vector<int>& inputs, const std::vector<int>& outputs);

}  // namespace trine::compiler
