// SPDX-License-Identifier: Apache-2.0
//
// Splits a graph into parts for the machine and parts for the host. Without help from the host, the
// whole graph must run on the machine. With it, the graph becomes a sequence of stages: each stage
// runs operators on the machine, then operators on the host.

#pragma once

#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph.h"
#include "sw/reference/golden.h"

namespace trine::compiler {

/// One stage of a legal graph.
struct LegalStage {
  model::Graph graph;
  Network network;  ///< the stage's operators that run on the machine
};

/// The places where the host may run operators that the machine does not support.
enum class HostPart {
  kNowhere,   ///< only at the graph's ends, for formats
  kEnd,       ///< refused operators and all that depend on them, if none is a product
  kAnywhere,  ///< also between two stages of the machine
};

/// Cuts a graph into stages that the machine can run.
/// @param graph  a rewritten graph (rewrite/rewrite.h)
/// @return at least one stage
/// @throws Refusal  lists the operators that are refused and cannot run on the host, and what the
/// user can do
std::vector<LegalStage> partition(model::Graph graph, const spec::Config& config,
                                  const reference::RoundingPolicy& rounding, HostPart host);

}  // namespace trine::compiler
