// SPDX-License-Identifier: Apache-2.0
//
// Lowers a graph to the network that the machine computes: operators become layers, and tensors
// become maps. Operators at the graph's ends that the host executes are cut off.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph.h"
#include "sw/model/refusal.h"
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

/// The result of lowering: the network, or the complete refusal.
struct Lowered {
  Network network;
  std::optional<Unsupported> refused;
};
/// Lowers the graph, or returns why it cannot.
Lowered try_lower(const model::Graph& graph, const spec::Config& config,
                  const reference::RoundingPolicy& rounding);

/// Lowers the graph.
/// @throws Unsupported
Network lower(const model::Graph& graph, const spec::Config& config,
              const reference::RoundingPolicy& rounding);

}  // namespace trine::compiler
