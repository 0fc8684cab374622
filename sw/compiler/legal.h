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

/// @param graph  rewritten
/// @return at least one stage
/// @throws Refusal  what is refused and cannot go to the host, and what the user can do
std::vector<LegalStage> legal_stages(model::Graph graph, const machine::Config& config,
                                     const reference::RoundingPolicy& rounding, bool allow_host);

}  // namespace trine::compiler
