// SPDX-License-Identifier: Apache-2.0
//
// Random networks of ternary and binary codes.

#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "tools/fuzz/builder.h"

namespace trine::fuzz {

using model::Encoding;

/// A random network: products with thresholds between them, raw sums at the end.
class LowBitNet {
 public:
  explicit LowBitNet(unsigned seed)
      : own_(std::make_unique<Builder>(seed)), b_(*own_), graph(b_.graph) {
    graph.name = graph.file = "lowbit";
  }
  /// A net in the graph of that builder.
  explicit LowBitNet(Builder& b) : b_(b), graph(b.graph) {}
  LowBitNet(const LowBitNet&) = delete;
  LowBitNet& operator=(const LowBitNet&) = delete;

  int number(int low, int high) { return b_.number(low, high); }

  int input(const std::vector<int>& shape, Encoding encoding) {
    const int t = codes("input", shape, encoding);
    if (encoding == Encoding::kInt8) tensor(t).quantization.zero_point = {number(-20, 20)};
    graph.inputs = {t};
    return t;
  }

  int convolution(int from, int channels, int size, int stride, model::Padding padding,
                  Encoding weights) {
    const std::vector<int> in = tensor(from).shape;
    model::Op op = start(model::OpKind::kConv2D, "CONV_2D", from);
    op.stride_h = op.stride_w = stride;
    op.padding = padding;
    op.inputs.push_back(constant({channels, size, size, in[3]}, weights));
    const model::Window w = model::window(in[1], in[2], size, size, stride, stride, 1, 1, padding);
    return finish(op, sums({1, w.P, w.Q, channels}));
  }

  int fully_connected(int from, int channels, Encoding weights) {
    model::Op op = start(model::OpKind::kFullyConnected, "FULLY_CONNECTED", from);
    op.inputs.push_back(constant({channels, static_cast<int>(tensor(from).elements())}, weights));
    return finish(op, sums({1, channels}));
  }

  int flat(int from) {
    model::Op op = start(model::OpKind::kReshape, "RESHAPE", from);
    const int out = codes("flat", {1, static_cast<int>(tensor(from).elements())}, encoding(from));
    op.new_shape = tensor(out).shape;
    tensor(out).quantization = tensor(from).quantization;
    return finish(op, out);
  }

  int threshold(int from, Encoding encoding) {
    model::Op op = start(model::OpKind::kThreshold, "THRESHOLD", from);
    const bool binary = encoding == Encoding::kBinary;
    op.step = binary ? 2 : 1;
    op.low = encoding == Encoding::kInt4 ? -8 : encoding == Encoding::kInt2 ? -2 : -1;
    const int K = binary ? 1 : encoding == Encoding::kTernary ? 2 : 1 - 2 * op.low - 2;
    const int rows = number(0, 4) == 0 ? 1 : tensor(from).extent(-1);
    std::vector<std::int32_t> table;
    for (int r = 0; r < rows; ++r) {
      for (int k = 0; k < K; ++k) table.push_back(b_.content(-reach_, reach_));
      std::sort(table.end() - K, table.end());
    }
    model::Tensor t;
    t.name = "thresholds";
    t.type = model::DataType::kInt32;
    t.shape = {rows, K};
    t.is_constant = true;
    t.data.resize(table.size() * 4);
    std::memcpy(t.data.data(), table.data(), t.data.size());
    op.inputs.push_back(add(t));
    const int out = codes("codes", tensor(from).shape, encoding);
    if (encoding == Encoding::kInt4) tensor(out).quantization.zero_point = {number(-8, 7)};
    return finish(op, out);
  }

  /// Borders of 1 all around.
  int pad(int from, int code) {
    model::Op op = start(model::OpKind::kPadV2, "PADV2", from);
    const std::vector<std::int32_t> sides{0, 0, 1, 1, 1, 1, 0, 0};
    model::Tensor t;
    t.name = "paddings";
    t.type = model::DataType::kInt32;
    t.shape = {4, 2};
    t.is_constant = true;
    t.data.resize(sides.size() * 4);
    std::memcpy(t.data.data(), sides.data(), t.data.size());
    op.inputs.push_back(add(t));
    const int value = codes("border", {}, Encoding::kInt8);
    tensor(value).is_constant = true;
    tensor(value).data = {static_cast<std::uint8_t>(code)};
    tensor(value).quantization = tensor(from).quantization;
    op.inputs.push_back(value);
    const std::vector<int> in = tensor(from).shape;
    const int out = codes("padded", {1, in[1] + 2, in[2] + 2, in[3]}, encoding(from));
    tensor(out).quantization = tensor(from).quantization;
    return finish(op, out);
  }

  int max_pool(int from, int size, int stride, model::Padding padding) {
    return max_pool(from, size, size, stride, stride, padding);
  }

  int max_pool(int from, int R, int S, int stride_h, int stride_w, model::Padding padding) {
    const std::vector<int> in = tensor(from).shape;
    model::Op op = start(model::OpKind::kMaxPool2D, "MAX_POOL_2D", from);
    op.filter_h = R;
    op.filter_w = S;
    op.stride_h = stride_h;
    op.stride_w = stride_w;
    op.padding = padding;
    const model::Window w = model::window(in[1], in[2], R, S, stride_h, stride_w, 1, 1, padding);
    const int out = codes("pool", {1, w.P, w.Q, in[3]}, encoding(from));
    tensor(out).quantization = tensor(from).quantization;
    return finish(op, out);
  }

  Array random_input() {
    const model::Tensor& t = tensor(graph.inputs[0]);
    Array a{"i1", {t.shape.begin(), t.shape.end()}, {}};
    for (std::int64_t i = 0; i < t.elements(); ++i)
      a.bytes.push_back(static_cast<std::uint8_t>(code(t.encoding)));
    return a;
  }

  Encoding encoding(int t) { return tensor(t).encoding; }
  model::Tensor& tensor(int t) { return graph.tensors[static_cast<std::size_t>(t)]; }

 private:
  std::unique_ptr<Builder> own_;
  Builder& b_;

 public:
  model::Graph& graph;

 private:
  int code(Encoding encoding) {
    int c = b_.content(-128, 127);
    while (!holds(encoding, c)) c = b_.content(-8, 7);
    return c;
  }

  int add(const model::Tensor& t) {
    graph.tensors.push_back(t);
    return static_cast<int>(graph.tensors.size()) - 1;
  }

  int codes(const std::string& name, const std::vector<int>& shape, Encoding encoding) {
    model::Tensor t;
    t.name = name + std::to_string(graph.tensors.size());
    t.shape = shape;
    t.encoding = encoding;
    t.quantization.scale = {1.0f};
    t.quantization.zero_point = {0};
    return add(t);
  }

  int constant(const std::vector<int>& shape, Encoding encoding) {
    const int index = codes("weights", shape, encoding);
    model::Tensor& t = tensor(index);
    t.is_constant = true;
    for (std::int64_t i = 0; i < t.elements(); ++i)
      t.data.push_back(static_cast<std::uint8_t>(code(encoding)));
    // Thresholds lie where sums do.
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

  static model::Op start(model::OpKind kind, const std::string& name, int from) {
    model::Op op;
    op.kind = kind;
    op.name = name;
    op.inputs = {from};
    return op;
  }

  int finish(model::Op op, int out) {
    op.index = static_cast<int>(graph.ops.size());
    op.outputs = {out};
    graph.ops.push_back(op);
    graph.outputs = {out};
    return out;
  }

  int reach_ = 1;
};

inline Encoding any_encoding(LowBitNet& net, const std::vector<Encoding>& choices) {
  return any(net, choices);
}

/// One to three convolutions with thresholds, sometimes pooled, and a fully connected layer.
void random_low_bit(LowBitNet& net);

}  // namespace trine::fuzz
