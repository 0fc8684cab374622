// SPDX-License-Identifier: Apache-2.0
//
// From a graph to the network that the machine computes: operators become layers, tensors maps, and
// what the host does at the graph's ends is cut off.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph.h"
#include "sw/model/refusal.h"
#include "sw/reference/run.h"

namespace trine::compiler {

/// Operators that the machine cannot run, as configured: operator, index, tensor and what is
/// missing, one line for each.
class Unsupported : public model::Refusal {
 public:
  Unsupported(const model::Refusal& refusal, std::vector<int> which)
      : Refusal(refusal), ops(std::move(which)) {}
  std::vector<int> ops;  ///< indices into Graph::ops
};

/// The network; or what is refused, all of it.
struct Lowered {
  Network network;
  std::optional<Unsupported> refused;
};
Lowered try_lower(const model::Graph& graph, const machine::Config& config,
                  const reference::RoundingPolicy& rounding);

/// @throws Unsupported
Network lower(const model::Graph& graph, const machine::Config& config,
              const reference::RoundingPolicy& rounding);

}  // namespace trine::compiler
