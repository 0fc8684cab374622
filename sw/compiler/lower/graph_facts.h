// SPDX-License-Identifier: Apache-2.0
//
// What lowering knows before it makes layers: the machine's operators, what each can take over from
// others, in what form tensors lie. Questions about an operator that need no more than that.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sw/compiler/lower/findings.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/stages.h"
#include "sw/model/refusal.h"
#include "sw/model/shapes.h"

namespace trine::compiler {

constexpr int kMostLayers = 1024;  ///< of an operator

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

/// "model.tflite: op 3 CONV_2D: tensor 4 'x'"
std::string with_tensor(const Graph& graph, const Op& op, int tensor);

/// 1/n, just above it, so that one rounding of sum/n sends halves away from zero.
ChannelScale reciprocal(std::int64_t n);

/// A window of one tap over the whole map.
inline Geometry pointwise(const Shape& s) { return {.H = s.H, .W = s.W, .P = s.H, .Q = s.W}; }

/// A shape with as many axes, the first of one element.
inline std::vector<int> aligned(std::vector<int> shape, std::size_t axes) {
  shape.insert(shape.begin(), axes - shape.size(), 1);
  return shape;
}

/// Positions of a product's activations and bias among its operands.
inline int activations_of(const Op& op) { return op.kind == OpKind::kTransposeConv ? 2 : 0; }
inline int bias_of(const Op& op) { return op.kind == OpKind::kTransposeConv ? 3 : 2; }

/// Whether a product's sums are of groups that count by factors.
inline bool has_factors(const Op& op) {
  return op.kind == OpKind::kFullyConnected && op.input(3) >= 0;
}

/// The first problem that there is.
template <typename... Others>
Problem first_of(Problem first, Others... others) {
  if constexpr (sizeof...(others) > 0)
    return first ? first : first_of(std::move(others)...);
  else
    return first;
}

class GraphFacts {
 protected:
  GraphFacts(const Graph& graph, const machine::Config& config,
             const reference::RoundingPolicy& rounding)
      : graph_(graph), config_(config), rounding_(rounding) {}

  /// Tables, fusions, packings and places that follow from the graph alone.
  void find_facts();
  const Op& op(int i) const { return graph_.ops[at(i)]; }
  int index_of(const Op& o) const { return static_cast<int>(&o - graph_.ops.data()); }
  /// "model.tflite: op 3 CONV_2D: tensor 4 'x'" and the text
  template <typename... Args>
  model::Refusal refusal(const Op& o, int tensor, Reason reason, fmt::format_string<Args...> text,
                         Args&&... args) const {
    return {reason,
            with_tensor(graph_, o, tensor) + fmt::format(text, std::forward<Args>(args)...)};
  }
  /// The tensor that reshapes make of an input for those who do more.
  int shaped_from(int tensor) const;
  bool is_wide(const Op& o) const { return graph_.out(o).type == model::DataType::kInt16; }
  /// Whether the machine has maps of such codes.
  bool is_map(int tensor) const { return is_code(graph_.tensor(tensor), config_); }
  /// Codes of a word.
  int packing_of(int tensor) const;
  /// Whether an int8 map's bytes beyond the last channel are zero: the vector unit's are not.
  bool zero_beyond(int tensor) const;
  /// The most compact precision of such weights that the configuration has.
  const machine::Precision& narrowest(model::Encoding weights) const;
  /// Precision of a product's weights, by that of its activations: the same, but int8 activations
  /// take weights of any.
  const machine::Precision& weight_precision(const Op& o,
                                             const machine::Precision& activations) const;
  /// Shape of the operator's output, as an image.
  Shape out_shape(const Op& o) const {
    return shape_of(graph_.out(o).shape, with_tensor(graph_, o, o.outputs[0]));
  }
  /// Whether the machine has to round halves to even for the operator's codes. @pre constant
  /// weights
  bool needs_half_even(const Op& o) const;
  int producer_of(int tensor) const;
  /// Indices of the machine's operators that read it.
  std::vector<int> readers_of(int tensor) const;
  /// The operator that reads it first and alone; nullptr: there is none.
  const Op* only_reader(int tensor) const;
  /// Its only reader, if that is of this kind.
  const Op* reader_of(int tensor, OpKind kind) const;
  /// Whether a THRESHOLD's codes are bits.
  bool makes_bits(const Op& t) const;
  /// The RESHAPE behind the TRANSPOSE that alone read the product; nullptr: there is none.
  const Op* joiner_of(const Op& o) const;
  /// Whether the operator's codes are functions of another tensor's.
  bool is_function(const Op& o) const;
  std::string text_of(const Function& function) const;
  /// The convolution that can take an ADD into its post unit: its code has no other reader.
  std::optional<int> fusable(const Op& add, int position);
  std::optional<reference::OutputRange> range_of_sum(const Op& add) const;
  /// Whether a convolution over the tensor has a border of its own, which is the zero point.
  bool padded_again(int tensor) const;
  bool only_convolutions_read(int tensor) const;
  /// Whether convolutions take the border as their own.
  bool folds_pad(const Op& o) const;
  /// Both bytes of a word outside of the image are one code.
  model::Refusal wide_border(const Op& o, int code) const;

  // ---- why the machine cannot do something ------------------------------------------------------

  Problem no_such_operator(const Op& o) const;
  /// Operators that only the host has.
  Problem host_problem(const Op& o) const;
  /// The configuration needs every precision in which an operator's codes are packed.
  Problem precisions_problem(const Op& o) const;
  /// Sums of convolutions may stay int32.
  Problem types_problem(const Op& o) const;
  /// @pre constant weights
  Problem half_even_problem(const Op& o) const;
  /// A tensor as an image; the operator's result as one.
  Problem tensor_problem(int tensor) const;
  Problem out_problem(const Op& o) const;
  Problem thresholds_problem(const Op& t) const;

  const Graph& graph_;
  const machine::Config& config_;
  reference::RoundingPolicy rounding_;
  Network net_;  ///< its ends and the host's graphs; Maps adds maps and layers
  std::vector<int> machine_;
  std::map<int, std::vector<int>> first_readers_;  ///< of a tensor as their input 0
  std::map<int, int> readers_, producer_;          ///< of a tensor
  std::map<int, int> threshold_of_;                ///< conv -> threshold
  std::map<int, int> packing_;                     ///< tensor -> codes of a word
  std::map<int, Function> functions_;
  std::set<int> stored_;          ///< tensors that others than functions read
  std::map<int, int> looked_up_;  ///< root -> its only function in memory, where it is not itself
  /// By tensor: the concatenation that it is written into, as tensor, and its place there.
  std::map<int, std::pair<int, Part>> concatenated_;
  /// Products that an ADD takes over, and such ADDs with the product and its position.
  std::map<int, int> fused_into_, fused_, fused_position_;

 private:
  void find_fused_thresholds();
  void find_tables();
  /// The longer reduction hides more of the second pass.
  void find_fused_additions();
  /// Finds the tensors that their producers can write right into a concatenation.
  void find_concatenated();
};

}  // namespace trine::compiler
