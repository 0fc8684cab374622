// SPDX-License-Identifier: Apache-2.0
//
// Describes what operators do to channels, the indices of a tensor's last axis: which channels
// belong together, and which operator remains if only some of them are kept.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sw/model/graph/graph.h"
#include "sw/reference/golden.h"

namespace trine::compiler {

/// A tie of channels: channel `out` of the result depends only on channel `in` of the operand at
/// `position`, and on the same channel of the other operands.
struct Tie {
  int position, in, out;
};

/// A constant operand with an axis that is cut together with the channels of the output, or of the
/// input.
struct Cut {
  int position, axis;
  bool by_input = false;
};

/// The relation between an operator's channels.
struct Channels {
  enum class Kind {
    kFixed,    ///< unknown: no channel can be removed
    kProduct,  ///< each output channel is a weighted sum of all input channels
    kEach,     ///< as described by the ties
  };
  Kind kind = Kind::kFixed;
  std::vector<Tie> ties;   ///< kEach
  std::vector<int> whole;  ///< kEach: positions of computed operands without ties
  std::vector<Cut> cuts;
};

/// Returns what an operator does to channels.
Channels channels_of(const model::Graph& graph, const model::Op& op);

/// The channels that stay, by tensor. Tensors that are not in the map keep all channels.
using Kept = std::map<int, std::vector<bool>>;

/// Returns `op` on the kept channels of its tensors. Constants are cut, into new tensors. The
/// caller changes the shapes of other tensors: cut_shape().
model::Op on_channels(model::Graph& graph, model::Op op, const Kept& kept);
/// Cuts the last axis of a tensor's shape to the kept channels.
void cut_shape(model::Tensor& tensor, const std::vector<bool>& kept);

/// By input: the code of each channel that has the same code in every pixel; nothing for channels
/// that may not.
using ChannelCodes = std::map<int, std::vector<std::optional<std::int32_t>>>;

/// A CONV_2D or FULLY_CONNECTED as a matrix over its channels.
struct Product {
  int outputs = 0, inputs = 0;  ///< M, C
  std::vector<bool> used;       ///< [M][C]: true if some weight is not zero
  /// [M][C]: sums of the weights of all taps minus their zero point.
  std::vector<std::int32_t> sums;
  std::vector<std::int64_t> bias;  ///< [M]
  bool bordered = false;           ///< some window has taps outside of the image

  std::size_t index(int m, int c) const {
    return static_cast<std::size_t>(m) * static_cast<std::size_t>(inputs) +
           static_cast<std::size_t>(c);
  }
};

/// Returns the operator as a matrix.
/// @pre channels_of() returns kProduct
Product product_of(const model::Graph& graph, const model::Op& op);

/// Returns for each output channel of a DEPTHWISE_CONV_2D whether its weights are all zero. Returns
/// nothing for other operators.
std::vector<bool> zero_filters(const model::Graph& graph, const model::Op& op);

/// Returns the format of the byte codes that an operator reads, or kNone if they are integers.
inline spec::Format value_format(const model::Graph& graph, const model::Op& op) {
  return model::of_format(graph.in(op, 0)) ? graph.in(op, 0).format : spec::Format::kNone;
}

/// Finds the constant channels of all tensors, and their codes. Runs each golden layer on constant
/// channels only.
/// @param products  product_of() of each operator that is a product, by its position in graph.ops
ChannelCodes constant_channels(const model::Graph& graph, const std::map<int, Product>& products,
                               reference::RoundingPolicy rounding);

}  // namespace trine::compiler
