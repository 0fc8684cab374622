// SPDX-License-Identifier: Apache-2.0
//
// Chooses the operators at the ends of a graph that run on the host, and lowers the others. At the
// inputs these are operators on floats up to the first codes. At the outputs these are SOFTMAX that
// the machine cannot compute, DEQUANTIZE, operators on floats, and operators that only move results
// of the host. At both ends, they include operators that layouts can replace (edges/edges.h).

#pragma once

#include "spec/config.h"
#include "sw/compiler/lower/lower.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph/graph.h"
#include "sw/reference/golden.h"

namespace trine::compiler {

/// A graph whose ends are cut off.
struct Ends {
  MachinePart machine;
  model::Graph before, after;  ///< the host's operators before and after the machine's
};

/// Cuts off the operators at the graph's ends that run on the host.
Ends ends_of(const model::Graph& graph, const spec::Config& config);

/// Lowers the graph between its ends, or returns why it cannot.
Lowered try_lower(const model::Graph& graph, const spec::Config& config,
                  const reference::RoundingPolicy& rounding);

/// Lowers the graph between its ends.
/// @throws Unsupported
Network lower(const model::Graph& graph, const spec::Config& config,
              const reference::RoundingPolicy& rounding);

}  // namespace trine::compiler
