// SPDX-License-Identifier: Apache-2.0
//
// Rewrites a graph, plans it with each order of its batch, and selects the best plan.

#pragma once

#include <numeric>
#include <string>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/options.h"
#include "sw/compiler/search/search.h"
#include "sw/model/graph/graph.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// A segment with the network that the search selected.
struct PlannedSegment {
  model::Graph graph;
  std::string lowered;  ///< empty unless it is to be printed
  Planned planned;
};

/// A rewritten network, planned with one order of its batch.
struct Candidate {
  model::Graph graph;
  Removed removed;
  std::vector<PlannedSegment> segments;

  double cycles() const {
    return std::accumulate(
        segments.begin(), segments.end(), 0.0,
        [](double sum, const auto& segment) { return sum + segment.planned.plan.cycles; });
  }
};

/// Checks the graph and returns it after the rewrites that precede all others.
model::Graph prepared(const model::Graph& graph, const spec::Config& config,
                      const CompileOptions& options);

/// Returns the best candidate of a prepared graph.
/// @param cores  the number of cores that share the batch
/// @throws model::Refusal  if the machine cannot compute the graph in any order
Candidate best_order(const model::Graph& graph, const spec::Config& config,
                     const CompileOptions& options, int cores = 1);

}  // namespace trine::compiler
