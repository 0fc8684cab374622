// SPDX-License-Identifier: Apache-2.0
//
// What operators do to channels, the indices of a tensor's last axis: which go together, and an
// operator on some of them.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "sw/model/graph.h"
#include "sw/reference/run.h"

namespace trine::compiler {

/// Channel `in` of the operand at `position` alone becomes channel `out` of the result, with the
/// same channel of the other operands.
struct Tie {
  int position, in, out;
};

/// A constant operand whose axis goes along with the channels of the output, or of the input.
struct Cut {
  int position, axis;
  bool by_input = false;
};

/// What an operator does to channels.
struct Channels {
  enum class Kind {
    kFixed,    ///< anything: none can go
    kProduct,  ///< each output channel is a weighted sum of all input channels
    kEach,     ///< as the ties say
  };
  Kind kind = Kind::kFixed;
  std::vector<Tie> ties;   ///< kEach
  std::vector<int> whole;  ///< kEach: positions of computed operands without ties
  std::vector<Cut> cuts;
};

Channels channels_of(const model::Graph& graph, const model::Op& op);

/// Whether each channel stays, by tensor; a tensor that is not there keeps all.
using Kept = std::map<int, std::vector<bool>>;

/// `op` on the channels that are kept of its tensors: constants are cut, into tensors of their own.
/// The shapes of its other tensors are the caller's: cut_shape().
model::Op on_channels(model::Graph& graph, model::Op op, const Kept& kept);
void cut_shape(model::Tensor& tensor, const std::vector<bool>& kept);

/// The code that a channel has in every pixel, of each input: nothing if it is not known to have
/// one.
using ChannelCodes = std::map<int, std::vector<std::optional<std::int32_t>>>;

/// CONV_2D or FULLY_CONNECTED as a matrix over its channels.
struct Product {
  int outputs = 0, inputs = 0;     ///< M, C
  std::vector<bool> used;          ///< [M][C]: some weight is not zero
  std::vector<std::int32_t> sums;  ///< [M][C]: of the weights of all taps, less their zero point
  std::vector<std::int64_t> bias;  ///< [M]
  bool bordered = false;           ///< some window has taps outside of the image

  std::size_t index(int m, int c) const {
    return static_cast<std::size_t>(m) * static_cast<std::size_t>(inputs) +
           static_cast<std::size_t>(c);
  }
};

/// @pre channels_of() says kProduct
Product product_of(const model::Graph& graph, const model::Op& op);

/// DEPTHWISE_CONV_2D: of each output channel whether its weights are all zero. Others: nothing.
std::vector<bool> zero_filters(const model::Graph& graph, const model::Op& op);

/// The format of codes of a byte that an operator reads: kNone where they are whole numbers.
inline machine::Format value_format(const model::Graph& graph, const model::Op& op) {
  return model::of_format(graph.in(op, 0)) ? graph.in(op, 0).format : machine::Format::kNone;
}

/// Channels that are constant, and their codes, of all tensors; found by the golden layers, each
/// run on constant channels alone.
/// @param products  product_of() of each operator that is one, by its place in graph.ops
ChannelCodes constant_channels(const model::Graph& graph, const std::map<int, Product>& products,
                               reference::RoundingPolicy rounding);

}  // namespace trine::compiler
