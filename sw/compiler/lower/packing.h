// SPDX-License-Identifier: Apache-2.0
//
// In how many bits each feature map lies in memory.

#pragma once

#include <map>
#include <vector>

#include "sw/model/graph.h"

namespace trine::compiler {

/// Bits in which the machine holds codes of that set: 1, 2 or 8.
int bits_of(model::Encoding encoding);

/// Codes of a word for each int8 tensor that the operators `machine` read or write: as many as its
/// values allow that all its readers can multiply by. An operation has binary activations and
/// weights, ternary ones, or int8 activations and weights of any kind; everything but convolutions,
/// MAX_POOL_2D and what only moves codes is int8.
std::map<int, int> choose_packing(const model::Graph& graph, const std::vector<int>& machine);

}  // namespace trine::compiler
