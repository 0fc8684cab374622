// SPDX-License-Identifier: Apache-2.0
//
// What lowering finds out about a graph before it makes layers; each question has a source of its
// own.

#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/npy.h"
#include "machine/precision.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph.h"
#include "sw/model/refusal.h"
#include "sw/reference/run.h"

namespace trine::compiler {

// ---- which operators run on the host (partition.cpp) --------------------------------------------

/// Why the machine cannot do something; nothing if it can.
using Problem = std::optional<model::Refusal>;

/// Asks about a SOFTMAX, wherever its codes lie (lower_elementwise.cpp).
Problem softmax_problem(const model::Graph& graph, const model::Op& op,
                        const machine::Config& config);

/// Cuts the operators for the host off. @return indices into graph.ops that the machine runs
std::vector<int> partition(const model::Graph& graph, const machine::Config& config,
                           Network& network);

// ---- in how many bits maps lie (packing.cpp) ----------------------------------------------------

/// In which the machine holds codes of that set: its own if the machine has it, else int8.
const machine::Precision& precision_of(model::Encoding encoding);

/// Whether a convolution may read a binary map in steps of two taps of one word (Conv::twice).
bool reads_twice(const model::Graph& graph, const model::Op& op);

/// Codes of a word for each int8 tensor that the operators `machine` read or write: as many as its
/// values allow that all its readers can multiply by. An operation has binary activations and
/// weights, ternary ones, or int8 activations and weights of any kind; everything but convolutions,
/// MAX_POOL_2D and what only moves or joins codes is int8.
std::map<int, int> choose_packing(const model::Graph& graph, const std::vector<int>& machine,
                                  const machine::Config& config);

// ---- which operators a table replaces (functions.cpp) -------------------------------------------

/// Whether an element of the result depends on no other elements of the operands.
bool is_elementwise(const model::Op& op);

/// Whether it is a constant of one element.
bool is_single(const model::Graph& graph, int tensor);

/// The position of an elementwise operator's only operand beside single constants, if it has the
/// result's elements and both have one scale; else -1.
int element_operand(const model::Graph& graph, const model::Op& op);

/// An elementwise operator over rows of 256 values, one for each operand that is no single
/// constant.
Array on_rows(const model::Graph& graph, const model::Op& op, const std::map<int, Array>& rows,
              const reference::RoundingPolicy& rounding);

/// int8 codes 0..127, -128..-1.
Array all_codes();

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

// ---- how halves are rounded (half_even.cpp) -----------------------------------------------------

/// How the machine gives the codes of an operator that rounds halves to even: no sum lies halfway,
/// so that halves up do; or with its own mode; or not, as ADD's terms are rounded before.
enum class HalfEven { kNotNeeded, kNeeded, kNoWay };
/// @pre constant weights
HalfEven half_even(const model::Graph& graph, const model::Op& op);

/// The largest size that the sum of each channel can have, over int16 codes that the operator
/// before leaves. @pre a product of constant weights
std::vector<double> largest_sums(const model::Graph& graph, const model::Op& op);
/// The lowest and the highest int16 code that a product reads, 0 among them.
std::pair<int, int> input_codes(const model::Graph& graph, const model::Op& op);

/// Whether it takes or gives int16 codes.
bool of_int16(const model::Graph& graph, const model::Op& op);

/// Whether the machine's sum, which rounds SUB's second operand after its sign is changed, gives
/// the operator's codes, for all pairs of them. @pre ADD or SUB
bool sums_agree(const model::Graph& graph, const model::Op& op, reference::Rounding rounding);

}  // namespace trine::compiler
