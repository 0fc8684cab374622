// SPDX-License-Identifier: Apache-2.0
//
// Collects what lowering knows before it makes layers: the machine's operators, what each can take
// over from others, and the form of each tensor. Answers questions about operators that depend on
// nothing else.

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
#include "sw/model/refusal.h"
#include "sw/model/shapes.h"

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
class GraphFacts {
 protected:
  GraphFacts(const Graph& graph, const MachinePart& part, const spec::Config& config,
             const reference::RoundingPolicy& rounding)
      : graph_(graph), config_(config), rounding_(rounding), machine_(part.ops) {
    net_.input_tensors = part.inputs;
    net_.output_tensors = part.outputs;
  }

  /// Finds tables, fusions, packings and concatenations, which follow from the graph only.
  void find_facts();
  const Op& op(int i) const { return graph_.ops[at(i)]; }
  int index_of(const Op& o) const { return static_cast<int>(&o - graph_.ops.data()); }
  /// Returns a refusal that begins with "model.tflite: op 3 CONV_2D: tensor 4 'x'", followed by the
  /// text.
  template <typename... Args>
  model::Refusal refusal(const Op& o, int tensor, Reason reason, fmt::format_string<Args...> text,
                         Args&&... args) const {
    return {reason,
            with_tensor(graph_, o, tensor) + fmt::format(text, std::forward<Args>(args)...)};
  }
  /// Returns the tensor that reshapes make of an input, up to the first reader that does more.
  int shaped_from(int tensor) const;
  bool is_wide(const Op& o) const { return graph_.out(o).type == model::DataType::kInt16; }
  /// Returns true if the machine can hold the tensor in a map.
  bool is_map(int tensor) const { return is_code(graph_.tensor(tensor), config_); }
  /// Returns the number of the tensor's codes in a word.
  int packing_of(int tensor) const;
  /// Returns true if the bytes after the last channel of an int8 map are zero. The vector unit does
  /// not write zeros there.
  bool zero_beyond(int tensor) const;
  /// Returns the most compact precision of such weights that the configuration supports.
  const spec::Precision& narrowest(model::Encoding weights) const;
  /// Returns the precision of a product's weights, given the precision of its activations. Both are
  /// equal, except that int8 activations allow weights of any precision.
  const spec::Precision& weight_precision(const Op& o, const spec::Precision& activations) const;
  /// Returns the shape of the operator's output, as an image.
  Shape out_shape(const Op& o) const {
    return shape_of(graph_.out(o).shape, with_tensor(graph_, o, o.outputs[0]));
  }
  /// Returns true if the machine must round halves to even to give the operator's codes.
  /// @pre the weights are constant
  bool needs_half_even(const Op& o) const;
  /// Returns the machine's operator that makes the tensor, or -1.
  int producer_of(int tensor) const;
  /// Returns the indices of the machine's operators that read the tensor.
  std::vector<int> readers_of(int tensor) const;
  /// Returns the operator that reads the tensor as its first operand, if no other operator reads
  /// it; else nullptr.
  const Op* only_reader(int tensor) const;
  /// Returns only_reader() if it has this kind; else nullptr.
  const Op* reader_of(int tensor, OpKind kind) const;
  /// Returns true if the codes of a THRESHOLD are bits.
  bool makes_bits(const Op& t) const;
  /// Returns the RESHAPE after the TRANSPOSE that is the product's only reader, or nullptr.
  const Op* joiner_of(const Op& o) const;
  /// Returns true if the operator's codes are functions of another tensor's codes.
  bool is_function(const Op& o) const;
  std::string text_of(const Function& function) const;
  /// Returns the convolution that can compute an ADD in its post unit, because nothing else reads
  /// its result.
  std::optional<int> fusable(const Op& add, int position);
  std::optional<reference::OutputRange> range_of_sum(const Op& add) const;
  /// Returns true if a convolution over the tensor has its own border, whose code is the zero
  /// point.
  bool padded_again(int tensor) const;
  bool only_convolutions_read(int tensor) const;
  /// Returns true if convolutions can use the operator's border as their own.
  bool folds_pad(const Op& o) const;
  /// Returns the refusal of a border whose code the machine cannot represent: both bytes of a word
  /// outside of the image are one code.
  model::Refusal wide_border(const Op& o, int code) const;

  // ---- why the machine cannot do something ------------------------------------------------------

  Problem no_such_operator(const Op& o) const;
  /// Returns the problem of an operator that only the host supports.
  Problem host_problem(const Op& o) const;
  /// Returns the problem of an operator whose codes are packed in a precision that the
  /// configuration lacks.
  Problem precisions_problem(const Op& o) const;
  /// Returns the problem of an operator's result types. Sums of convolutions may stay int32.
  Problem types_problem(const Op& o) const;
  /// Returns the problem of an operator that rounds halves to even.
  /// @pre the weights are constant
  Problem half_even_problem(const Op& o) const;
  /// Return the problem of a tensor, or of the operator's result, as an image.
  Problem tensor_problem(int tensor) const;
  Problem out_problem(const Op& o) const;
  Problem thresholds_problem(const Op& t) const;

  const Graph& graph_;
  const spec::Config& config_;
  reference::RoundingPolicy rounding_;
  Network net_;  ///< its ends; Maps adds maps and layers
  std::vector<int> machine_;
  /// By tensor: operators that read it as their input 0.
  std::map<int, std::vector<int>> first_readers_;
  std::map<int, int> readers_, producer_;  ///< by tensor
  std::map<int, int> threshold_of_;        ///< threshold by convolution
  std::map<int, int> packing_;             ///< by tensor: codes of a word
  std::map<int, Function> functions_;
  std::set<int> stored_;  ///< tensors that operators other than functions read
  /// By root: its only function in memory, if the root is not stored itself.
  std::map<int, int> looked_up_;
  /// By tensor: the concatenation into which it is written, and its place there.
  std::map<int, std::pair<int, Part>> concatenated_;
  /// The products with which ADDs are fused, such ADDs with their product, and its position.
  std::map<int, int> fused_into_, fused_, fused_position_;

 private:
  void find_fused_thresholds();
  void find_tables();
  /// Finds ADDs to fuse with products. The product with the longer reduction is fused, because it
  /// hides more of the second pass.
  void find_fused_additions();
  /// Finds the tensors that their producers can write directly into a concatenation.
  void find_concatenated();
};

}  // namespace trine::compiler
