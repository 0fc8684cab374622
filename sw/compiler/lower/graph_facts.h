// SPDX-License-Identifier: Apache-2.0
//
// Collects what lowering knows before it makes layers: the machine's operators, what each can take
// over from others, and the form of each tensor. Answers questions about operators that need only
// these facts.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sw/compiler/lower/findings.h"
#include "sw/compiler/lower/lower.h"
#include "sw/compiler/network/codes.h"
#include "sw/compiler/network/network.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/graph/shapes.h"

namespace trine::compiler {

constexpr int kMostLayers = 1024;  ///< the most layers of an operator

using model::Graph;
using model::Op;
using model::OpKind;
using model::Reason;
using model::Tensor;
using reference::ChannelScale;

inline constexpr ChannelScale kOne{1 << 30, 1};

using model::is_product;
using model::is_requantization;
using model::is_reshape;

inline bool is_convolution(OpKind kind) {
  return kind == OpKind::kConv2D || kind == OpKind::kDepthwiseConv2D;
}

/// Returns text such as "model.tflite: op 3 CONV_2D: tensor 4 'x'".
std::string with_tensor(const Graph& graph, const Op& op, int tensor);

/// Returns the smallest scale above 1/n, so that one rounding of sum/n rounds halves away from
/// zero.
ChannelScale reciprocal(std::int64_t n);

/// Returns a window of one tap over the whole map.
inline Geometry pointwise(const Shape& s) { return {.H = s.H, .W = s.W, .P = s.H, .Q = s.W}; }

/// Returns the shape extended to `axes` axes. The new first axes have one element.
inline std::vector<int> aligned(std::vector<int> shape, std::size_t axes) {
  shape.insert(shape.begin(), axes - shape.size(), 1);
  return shape;
}

/// Return the positions of a product's activations and bias among its operands.
inline int activations_of(const Op& op) { return op.kind == OpKind::kTransposeConv ? 2 : 0; }
inline int bias_of(const Op& op) { return op.kind == OpKind::kTransposeConv ? 3 : 2; }

/// Returns true if a product adds groups that are each multiplied by a factor.
inline bool has_factors(const Op& op) {
  return op.kind == OpKind::kFullyConnected && op.input(3) >= 0;
}

/// Returns the first of these problems, or nothing if there is none.
template <typename... Others>
Problem first_of(Problem first, Others... others) {
  if constexpr (sizeof...(others) > 0)
    return first ? first : first_of(std::move(others)...);
  else
    return first;
}

/// The facts about a graph that lowering uses.
struct GraphFacts {
  GraphFacts(const Graph& graph_, const MachinePart& part_, const spec::Config& config_,
             const reference::RoundingPolicy& rounding_)
      : graph(graph_), part(part_), config(config_), rounding(rounding_) {}

  const Op& op(int i) const { return graph.ops[at(i)]; }
  int index_of(const Op& o) const { return static_cast<int>(&o - graph.ops.data()); }

  const Graph& graph;
  MachinePart part;
  const spec::Config& config;
  reference::RoundingPolicy rounding;

  std::map<int, std::vector<int>> first_readers;  ///< by tensor: operators whose input 0 it is
  std::map<int, int> readers, producer;           ///< by tensor
  std::map<int, int> threshold_of;                ///< threshold by convolution
  std::map<int, int> packing;                     ///< by tensor: codes of a word
  std::map<int, Function> functions;
  std::set<int> stored;  ///< tensors that operators other than functions read
  /// By tensor that is not stored itself: the only stored tensor that is a function of it.
  std::map<int, int> looked_up;
  /// By tensor: the concatenation into which it is written, and its place there.
  std::map<int, std::pair<int, Part>> concatenated;
  /// `fused_into`: by product, the ADD that is fused with it. By this ADD, `fused` is the product,
  /// and `fused_position` is the product's position among the operands.
  std::map<int, int> fused_into, fused, fused_position;
};

/// Returns the facts: tables, fusions, packings and concatenations, which follow from the graph
/// only. The result keeps references to `graph` and `config`.
GraphFacts find_facts(const Graph& graph, const MachinePart& part, const spec::Config& config,
                      const reference::RoundingPolicy& rounding);

/// Starts at a tensor, follows reshapes as long as each is the only reader of its operand, and
/// returns the last tensor. A reshape whose result a TRANSPOSE reads is not followed.
int shaped_from(const GraphFacts& facts, int tensor);

/// Returns the number of the tensor's codes in a word.
int packing_of(const GraphFacts& facts, int tensor);

/// Returns the precision of a product's weights, given the precision of its activations. Both are
/// equal, except that int8 activations allow weights of any precision.
const spec::Precision& weight_precision(const GraphFacts& facts, const Op& o,
                                        const spec::Precision& activations);

/// Returns true if the machine must round halves to even to give the operator's codes.
/// @pre the weights are constant
bool needs_half_even(const GraphFacts& facts, const Op& o);

/// Returns the machine's operator that makes the tensor, or -1.
int producer_of(const GraphFacts& facts, int tensor);

/// Returns the indices of the machine's operators that read the tensor.
std::vector<int> readers_of(const GraphFacts& facts, int tensor);

/// Returns the operator that reads the tensor as its first operand, if no other operator reads
/// it; else nullptr.
const Op* only_reader(const GraphFacts& facts, int tensor);

/// Returns only_reader() if it has this kind; else nullptr.
const Op* reader_of(const GraphFacts& facts, int tensor, OpKind kind);

/// Returns a refusal that begins with "model.tflite: op 3 CONV_2D: tensor 4 'x'", followed by the
/// text.
template <typename... Args>
model::Refusal refusal(const GraphFacts& facts, const Op& o, int tensor, Reason reason,
                       fmt::format_string<Args...> text, Args&&... args) {
  return {reason,
          with_tensor(facts.graph, o, tensor) + fmt::format(text, std::forward<Args>(args)...)};
}

/// Returns true if the operator's result has int16 codes.
inline bool is_wide(const GraphFacts& facts, const Op& o) {
  return facts.graph.out(o).type == model::DataType::kInt16;
}

/// Returns true if the machine can hold the tensor in a map.
inline bool is_map(const GraphFacts& facts, int tensor) {
  return is_code(facts.graph.tensor(tensor), facts.config);
}

/// Returns the shape of the operator's output, as an image.
inline Shape out_shape(const GraphFacts& facts, const Op& o) {
  return shape_of(facts.graph.out(o).shape, with_tensor(facts.graph, o, o.outputs[0]));
}

// ---- why the machine cannot do something --------------------------------------------------------

/// Returns the problem of an operator that the machine does not support.
Problem no_such_operator(const GraphFacts& facts, const Op& o);

/// Returns the problem of an operator that only the host supports.
Problem host_problem(const GraphFacts& facts, const Op& o);

/// Returns the problem of an operator whose codes are packed in a precision that the
/// configuration lacks.
Problem precisions_problem(const GraphFacts& facts, const Op& o);

/// Returns the problem of an operator's result types. Sums of convolutions may stay int32.
Problem types_problem(const GraphFacts& facts, const Op& o);

/// Returns the problem of an operator that rounds halves to even.
/// @pre the weights are constant
Problem half_even_problem(const GraphFacts& facts, const Op& o);

/// Return the problem of a tensor, or of the operator's result, as an image.
Problem tensor_problem(const GraphFacts& facts, int tensor);
Problem out_problem(const GraphFacts& facts, const Op& o);

}  // namespace trine::compiler
