// SPDX-License-Identifier: Apache-2.0
//
// Collects what lowering finds out about a graph before it makes layers. Each question is answered
// in its own source file.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "spec/precision.h"
#include "sw/base/npy.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/refusal.h"
#include "sw/reference/golden.h"

namespace trine::compiler {

// ---- what the machine cannot do -----------------------------------------------------------------

/// The reason why the machine cannot do something; nothing if it can.
using Problem = std::optional<model::Refusal>;

/// Returns the problem of a SOFTMAX, wherever its codes are stored (lower_elementwise.cpp).
Problem softmax_problem(const model::Graph& graph, const model::Op& op, const spec::Config& config);

// ---- the number of bits of each map (packing.cpp) -----------------------------------------------

/// Returns the precision in which the machine holds codes of this encoding: the encoding's own if
/// the machine supports it, else int8.
const spec::Precision& precision_of(model::Encoding encoding);

/// Returns true if a convolution may read a binary map in steps of two taps of one word
/// (Conv::twice).
bool reads_twice(const model::Graph& graph, const model::Op& op);

/// Returns the number of codes in a word for each int8 tensor that the operators `machine` read or
/// write. It is the largest number that the tensor's values allow and that all readers can
/// multiply. A product has binary activations and weights, ternary ones, or int8 activations with
/// weights of any kind. Everything but convolutions, MAX_POOL_2D and operators that only move or
/// join codes is int8.
std::map<int, int> choose_packing(const model::Graph& graph, const std::vector<int>& machine,
                                  const spec::Config& config);

// ---- which operators a table replaces (functions.cpp) -------------------------------------------

/// Returns the position of an elementwise operator's only operand apart from single constants.
/// Returns -1 unless the operand has as many elements as the result and neither has a scale for
/// each channel.
int element_operand(const model::Graph& graph, const model::Op& op);

/// Runs an elementwise operator on rows of 256 values, one row for each operand that is not a
/// single constant.
Array on_rows(const model::Graph& graph, const model::Op& op, const std::map<int, Array>& rows,
              const reference::RoundingPolicy& rounding);

/// Returns the int8 codes 0..127, -128..-1.
Array all_codes();

/// A tensor of which each element depends on one code of `root`. The root is int8, and computed or
/// an input.
struct Function {
  int root = -1;
  std::set<int> ops;  ///< indices into graph.ops of the operators that compute it from the root
  Array values;       ///< for the root's codes 0..127, -128..-1
};
/// Finds the functions of one code, by tensor. Only operators in `machine` are followed.
std::map<int, Function> find_functions(const model::Graph& graph, const std::vector<int>& machine,
                                       const reference::RoundingPolicy& rounding);

// ---- how halves are rounded (half_even.cpp) -----------------------------------------------------

/// The way in which the machine matches an operator that rounds halves to even. kNotNeeded: no sum
/// is halfway between two codes, so that rounding halves up gives the same codes. kNeeded: the
/// machine must round halves to even, and can. kNoWay: the machine cannot match the operator, for
/// example an ADD whose terms are rounded before the sum.
enum class HalfEven { kNotNeeded, kNeeded, kNoWay };
/// Returns how the machine matches the rounding of the operator.
/// @pre the weights are constant
HalfEven half_even(const model::Graph& graph, const model::Op& op);

/// Returns the largest magnitude that the sum of each channel can reach, for the int16 codes that
/// the operator before `op` can give.
/// @pre a product with constant weights
std::vector<double> largest_sums(const model::Graph& graph, const model::Op& op);
/// Returns the lowest and the highest int16 code that a product reads. The range includes 0.
std::pair<int, int> input_codes(const model::Graph& graph, const model::Op& op);

/// Returns true if the operator reads or writes int16 codes.
bool of_int16(const model::Graph& graph, const model::Op& op);

/// Returns true if the machine's sum gives the operator's codes for all pairs of codes. The machine
/// rounds the second operand of SUB after its sign is changed.
/// @pre ADD or SUB
bool sums_agree(const model::Graph& graph, const model::Op& op, reference::Rounding rounding);

}  // namespace trine::compiler
