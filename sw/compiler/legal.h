// SPDX-License-Identifier: Apache-2.0
//
// What the machine can run of a graph. All of it; or, where the host may help, the graph in stages:
// the machine's operators, then those for the host.

#pragma once

#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph.h"
#include "sw/reference/run.h"

namespace trine::compiler {

struct LegalStage {
  model::Graph graph;
  Network network;  ///< of its operators for the machine
};

/// Where the host may run what the machine lacks.
enum class HostPart {
  kNowhere,   ///< but for formats at the graph's ends
  kEnd,       ///< with what follows from it, if no product is among that
  kAnywhere,  ///< between stages of the machine, too
};

/// @param graph  rewritten
/// @return at least one stage
/// @throws Refusal  what is refused and cannot go to the host, and what the user can do
std::vector<LegalStage> legal_stages(model::Graph graph, const machine::Config& config,
                                     const reference::RoundingPolicy& rounding, HostPart host);

}  // namespace trine::compiler
