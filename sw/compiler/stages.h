// SPDX-License-Identifier: Apache-2.0
//
// Operators on the host in the middle of a graph cut it into stages: the machine's operators of a
// stage, then the host's that only need those.

#pragma once

#include <vector>

#include "machine/config.h"
#include "sw/model/graph.h"

namespace trine::compiler {

struct Stage {
  model::Graph graph;    ///< reads the outputs of the stage before, all of them
  std::vector<int> ops;  ///< of the whole graph, in the order of graph.ops
};

/// The operators `ops` with their tensors alone, and those ends.
model::Graph subgraph(const model::Graph& graph, const std::vector<int>& ops,
                      const std::vector<int>& inputs, const std::vector<int>& outputs);

/// Whether the machine has maps of it, which also pass through it.
bool is_code(const model::Tensor& tensor, const machine::Config& config);

/// Whether the machine makes int16 codes of int32 ones, or the other way round.
bool quantizes_words(const model::Graph& graph, const model::Op& op, const machine::Config& config);

/// @return at least one stage. Tensors that later stages need pass through those in between.
std::vector<Stage> stages_of(const model::Graph& graph, const machine::Config& config);

}  // namespace trine::compiler
