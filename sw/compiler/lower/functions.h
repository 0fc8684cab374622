// SPDX-License-Identifier: Apache-2.0
//
// Operators that a table of 256 codes replaces. Each is evaluated by its golden layer, alone, on
// all codes that its operands can have.

#pragma once

#include <map>
#include <set>
#include <vector>

#include "base/npy.h"
#include "sw/model/graph.h"
#include "sw/reference/run.h"

namespace trine::compiler {

/// A tensor whose elements depend each on one code of `root`, which is int8 and computed or an
/// input.
struct Function {
  int root = -1;
  std::set<int> ops;  ///< that compute it from the root, indices into graph.ops
  Array values;       ///< of the root's codes 0..127, -128..-1
};
/// By tensor. Only operators in `machine` are followed.
std::map<int, Function> find_functions(const model::Graph& graph, const std::vector<int>& machine,
                                       const reference::RoundingPolicy& rounding);

}  // namespace trine::compiler
