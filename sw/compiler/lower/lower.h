// SPDX-License-Identifier: Apache-2.0
//
// Lowers the part of a graph that runs on the machine: operators become layers, and tensors become
// maps.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/refusal.h"
#include "sw/reference/golden.h"

namespace trine::compiler {

/// The operators that the configured machine cannot run. The message has one line for each:
/// operator, index, tensor and what is missing.
class Unsupported : public model::Refusal {
 public:
  Unsupported(const model::Refusal& refusal, std::vector<int> which)
      : Refusal(refusal), ops(std::move(which)) {}
  std::vector<int> ops;  ///< indices into Graph::ops
};

/// The part of a graph that the machine computes.
struct MachinePart {
  std::vector<int> ops;      ///< indices into Graph::ops
  std::vector<int> inputs;   ///< tensors that the machine reads from outside
  std::vector<int> outputs;  ///< tensors of the machine that the host reads
};

/// The result of lowering: the network, or the complete refusal.
struct Lowered {
  Network network;
  std::optional<Unsupported> refused;
};

/// Lowers a part of the graph, or returns why it cannot. The network has no operators of the host.
/// @pre the graph is valid (model::check())
Lowered lower(const model::Graph& graph, const MachinePart& part, const spec::Config& config,
              const reference::RoundingPolicy& rounding);

}  // namespace trine::compiler
