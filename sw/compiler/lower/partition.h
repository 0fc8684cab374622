// SPDX-License-Identifier: Apache-2.0
//
// Which operators run on the host: those on float inputs down to the first codes, what lays an
// image of planes (N C H W) out as the machine has it, or back, and at the other end SOFTMAX that
// the machine cannot compute, DEQUANTIZE, operators on floats, and what only moves their codes.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph.h"

namespace trine::compiler {

/// Why the machine cannot compute a SOFTMAX; nothing if it can.
std::optional<std::string> softmax_problem(const model::Graph& graph, const model::Op& op,
                                           const machine::Config& config);

/// Cuts the operators for the host off. @return indices into graph.ops that the machine runs
std::vector<int> partition(const model::Graph& graph, const machine::Config& config,
                           Network& network);

}  // namespace trine::compiler
