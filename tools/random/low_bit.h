// SPDX-License-Identifier: Apache-2.0
//
// Makes random networks of ternary and binary codes.

#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "tools/random/builder.h"

namespace trine::fuzz {

using model::Encoding;

/// A random network: products with thresholds between them, raw sums at the end.
class LowBitNet : public Builder {
 public:
  explicit LowBitNet(unsigned seed) : Builder(seed) { graph.name = graph.file = "lowbit"; }
  /// Continues the network of a builder.
  explicit LowBitNet(Builder&& b) : Builder(std::move(b)) {}

  int input(const std::vector<int>& shape, Encoding encoding) {
    const int t = codes("input", shape, encoding);
    if (encoding == Encoding::kInt8) tensor(t).quantization.zero_point = {number(-20, 20)};
    graph.inputs = {t};
    return t;
  }

  /// @param groups  divides the numbers of input and output channels
  int convolution(int from, int channels, int size, int stride, Padding padding, Encoding weights,
                  int groups = 1) {
    const std::vector<int> filter{channels, size, size, shape(from)[3] / groups};
    model::Op op = start(OpKind::kConv2D, {from, constant(filter, weights)});
    op.stride_h = op.stride_w = stride;
    op.padding = padding;
    const model::Window w = model::window(graph, op);
    return finish(op, sums({1, w.P, w.Q, channels}));
  }

  int fully_connected(int from, int channels, Encoding weights) {
    const int K = static_cast<int>(tensor(from).elements());
    const int weight = constant({channels, K}, weights);
    return finish(start(OpKind::kFullyConnected, {from, weight}), sums({1, channels}));
  }

  int flat(int from) {
    model::Op op = start(OpKind::kReshape, {from});
    op.new_shape = {1, static_cast<int>(tensor(from).elements())};
    return finish(op, codes_like(from, "flat", op.new_shape));
  }

  int threshold(int from, Encoding encoding) {
    model::Op op = start(OpKind::kThreshold, {from});
    const bool binary = encoding == Encoding::kBinary;
    op.step = binary ? 2 : 1;
    const auto [low, high] = model::range_of(encoding);
    op.low = low;
    const int K = (high - low) / op.step;
    const int rows = number(0, 4) == 0 ? 1 : tensor(from).extent(-1);
    std::vector<std::int32_t> table;
    for (int r = 0; r < rows; ++r) {
      for (int k = 0; k < K; ++k) table.push_back(content(-reach_, reach_));
      std::sort(table.end() - K, table.end());
    }
    op.inputs.push_back(constant_of("thresholds", model::DataType::kInt32, table, {rows, K}));
    const int out = codes("codes", shape(from), encoding);
    if (encoding == Encoding::kInt4) tensor(out).quantization.zero_point = {number(-8, 7)};
    return finish(op, out);
  }

  /// Joins the channels of two maps with the same quantization.
  int join(int a, int b) {
    model::Op op = start(OpKind::kConcatenation, {a, b});
    op.axis = 3;
    std::vector<int> both = shape(a);
    both[3] += shape(b)[3];
    return finish(op, codes_like(a, "both", both));
  }

  /// Adds or subtracts the first and the second half of the channels.
  int sum_of_halves(int from, bool minus) {
    const int C = shape(from)[3] / 2;
    const int x = convolution(from, C, 1, 1, Padding::kValid, Encoding::kTernary);
    std::vector<std::uint8_t>& weights = tensor(graph.ops.back().input(1)).data.edit();
    std::ranges::fill(weights, std::uint8_t{0});
    for (int m = 0; m < C; ++m) {
      weights[static_cast<std::size_t>(m * 2 * C + m)] = 1;
      weights[static_cast<std::size_t>(m * 2 * C + C + m)] = minus ? 255 : 1;
    }
    reach_ = 2;
    return x;
  }

  /// Adds borders of 1 on all sides.
  int pad(int from, int code) {
    const std::vector<std::int32_t> sides{0, 0, 1, 1, 1, 1, 0, 0};
    const int paddings = constant_of("paddings", model::DataType::kInt32, sides, {4, 2});
    const int value = codes("border", {}, Encoding::kInt8);
    tensor(value).is_constant = true;
    tensor(value).data = {static_cast<std::uint8_t>(code)};
    same_quantization(from, value);
    const std::vector<int> in = shape(from);
    return finish(start(OpKind::kPadV2, {from, paddings, value}),
                  codes_like(from, "padded", {1, in[1] + 2, in[2] + 2, in[3]}));
  }

  int max_pool(int from, int size, int stride, Padding padding) {
    return max_pool(from, size, size, stride, stride, padding);
  }

  int max_pool(int from, int R, int S, int stride_h, int stride_w, Padding padding) {
    model::Op op = start(OpKind::kMaxPool2D, {from});
    op.filter_h = R;
    op.filter_w = S;
    op.stride_h = stride_h;
    op.stride_w = stride_w;
    op.padding = padding;
    const model::Window w = model::window(graph, op);
    return finish(op, codes_like(from, "pool", {1, w.P, w.Q, shape(from)[3]}));
  }

  Array random_input() {
    const model::Tensor& t = tensor(graph.inputs[0]);
    return {"i1", {t.shape.begin(), t.shape.end()}, random_codes(t)};
  }

  Encoding encoding(int t) { return tensor(t).encoding; }

 private:
  std::vector<std::uint8_t> random_codes(const model::Tensor& t) {
    std::vector<std::uint8_t> codes(static_cast<std::size_t>(t.elements()));
    for (std::uint8_t& code : codes) {
      int c = content(-128, 127);
      while (!holds(t.encoding, c)) c = content(-8, 7);
      code = static_cast<std::uint8_t>(c);
    }
    return codes;
  }

  int codes(const std::string& name, const std::vector<int>& shape, Encoding encoding) {
    const int t = add(name + std::to_string(graph.tensors.size()), shape);
    tensor(t).encoding = encoding;
    tensor(t).quantization = {{1.0f}, {0}, 0};
    return t;
  }

  int codes_like(int from, const std::string& name, const std::vector<int>& shape) {
    const int t = codes(name, shape, encoding(from));
    same_quantization(from, t);
    return t;
  }

  int constant(const std::vector<int>& shape, Encoding encoding) {
    const int index = codes("weights", shape, encoding);
    model::Tensor& t = tensor(index);
    t.is_constant = true;
    t.data = random_codes(t);
    // The range of thresholds follows from the range of sums.
    const double taps = static_cast<double>(t.elements()) / shape[0];
    const double values = encoding == Encoding::kInt8 ? 70 : 1;
    reach_ = 1 + static_cast<int>(2 * std::sqrt(taps) * values);
    return index;
  }

  int sums(const std::vector<int>& shape) {
    const int index = codes("sums", shape, Encoding::kInt8);
    tensor(index).type = model::DataType::kInt32;
    tensor(index).quantization = {};
    return index;
  }

  int finish(model::Op op, int out) {
    graph.outputs = {out};
    return finish_as(std::move(op), out);
  }

  int reach_ = 1;
};

inline Encoding any_encoding(LowBitNet& net, const std::vector<Encoding>& choices) {
  return any(net, choices);
}

/// Adds one to three convolutions with thresholds, sometimes pooled, and a fully connected layer.
void random_low_bit(LowBitNet& net);

/// Gives the last FULLY_CONNECTED weights of four bits with a factor for each group of `block`
/// channels.
void set_groups(Builder& b, int block);
/// Keeps at most two nonzero weights of each four neighbours.
void keep_two_of_four(Builder& b, model::Tensor& weights);
/// Limits weights to 15 values and 0, which also pads rows.
void use_table(Builder& b, model::Tensor& weights);

}  // namespace trine::fuzz
