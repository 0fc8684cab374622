// SPDX-License-Identifier: Apache-2.0
//
// Networks made in code: a graph that grows operator by operator with random scales, zero points
// and weights, and random parts of networks.

#pragma once

#include <fmt/ranges.h>

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/npy.h"
#include "machine/config.h"
#include "sw/model/graph.h"
#include "sw/model/shapes.h"
#include "tools/fuzz/choices.h"

namespace trine::fuzz {

/// A graph that grows operator by operator; each method returns its output tensor.
class Builder {
 public:
  /// Everything from one stream of numbers.
  explicit Builder(unsigned seed) : random_(seed) { set_name(); }

  /// What makes the network from `choices`, which must live on; contents of constants from its
  /// data seed.
  explicit Builder(Choices& choices) : choices_(&choices), random_(choices.data_seed()) {
    set_name();
  }

  int number(int low, int high) {
    return choices_ != nullptr ? choices_->number(low, high) : content(low, high);
  }

  /// A number of weights, inputs: what is not worth a choice.
  int content(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  int activation(const std::string& name, const std::vector<int>& shape) {
    model::Tensor t;
    t.name = name;
    t.shape = shape;
    if (one_scale && !graph.tensors.empty()) {
      t.quantization = graph.tensor(0).quantization;
    } else {
      t.quantization = choices_ == nullptr ? any_quantization() : chosen_quantization();
    }
    return add(t);
  }

  int input(const std::vector<int>& shape) {
    const int t = activation("input", shape);
    graph.inputs.push_back(t);
    return t;
  }

  int convolution(int from, int channels, int R, int S, int stride_h, int stride_w, int dilation_h,
                  int dilation_w, model::Padding padding, bool per_channel, int groups = 1) {
    const int depth = shape(from)[3] / groups;
    return sliding(model::OpKind::kConv2D, "CONV_2D", from, {channels, R, S, depth}, channels,
                   stride_h, stride_w, dilation_h, dilation_w, padding, per_channel);
  }

  int depthwise(int from, int multiplier, int R, int S, int stride_h, int stride_w, int dilation_h,
                int dilation_w, model::Padding padding, bool per_channel) {
    const int channels = shape(from)[3] * multiplier;
    return sliding(model::OpKind::kDepthwiseConv2D, "DEPTHWISE_CONV_2D", from, {1, R, S, channels},
                   channels, stride_h, stride_w, dilation_h, dilation_w, padding, per_channel);
  }

  /// A window with weights of that shape.
  int sliding(model::OpKind kind, const std::string& name, int from, const std::vector<int>& filter,
              int channels, int stride_h, int stride_w, int dilation_h, int dilation_w,
              model::Padding padding, bool per_channel) {
    const std::vector<int> in = shape(from);
    model::Op op = start(kind, name);
    op.stride_h = stride_h;
    op.stride_w = stride_w;
    op.dilation_h = dilation_h;
    op.dilation_w = dilation_w;
    op.padding = padding;
    op.activation = number(0, 2) == 0 ? model::Activation::kRelu : model::Activation::kNone;
    const model::Window w = model::window(in[1], in[2], filter[1], filter[2], stride_h, stride_w,
                                          dilation_h, dilation_w, padding);
    const int axis = kind == model::OpKind::kDepthwiseConv2D ? 3 : 0;
    op.inputs = {from, weights(filter, channels, per_channel, axis),
                 number(0, 5) == 0 ? -1 : bias(channels)};
    const int out = finish(op, {1, w.P, w.Q, channels});
    fit_product(op);
    return out;
  }

  int fully_connected(int from, int K, int channels) {
    model::Op op = start(model::OpKind::kFullyConnected, "FULLY_CONNECTED");
    op.inputs = {from, weights({channels, K}, channels, number(0, 1) == 0), bias(channels)};
    const int rows = static_cast<int>(graph.tensor(from).elements() / K);
    const int out = finish(op, {rows, channels});
    fit_product(op);
    return out;
  }

  /// LayerNorm (`center`) or RMSNorm. Normalized values up to 6 fill the output's codes.
  int normalization(int from, bool center) {
    model::Op op = start(model::OpKind::kNormalization, center ? "LAYER_NORM" : "RMS_NORM");
    op.center = center;
    op.epsilon = number(0, 3) == 0 ? 0.0f : 1e-5f;
    const int channels = shape(from).back();
    const auto factors = [&](int low, int high) {
      std::vector<float> values;
      for (int c = 0; c < channels; ++c)
        values.push_back(static_cast<float>(content(low, high)) / 100);
      return floats(values);
    };
    op.inputs = {from, factors(number(0, 2) == 0 ? -200 : 50, 200)};
    if (number(0, 2) != 0) op.inputs.push_back(factors(-100, 100));
    const int out = finish(op, shape(from));
    graph.tensors[static_cast<std::size_t>(out)].quantization.scale = {
        static_cast<float>(number(2, 14)) / 127};
    return out;
  }

  int floats(const std::vector<float>& values) {
    model::Tensor t{
        "floats", model::DataType::kFloat32, {static_cast<int>(values.size())}, {}, true, {}};
    t.data.resize(values.size() * sizeof(float));
    std::memcpy(t.data.data(), values.data(), t.data.size());
    graph.tensors.push_back(std::move(t));
    return static_cast<int>(graph.tensors.size()) - 1;
  }

  int reshape(int from, const std::vector<int>& to) {
    model::Op op = start(model::OpKind::kReshape, "RESHAPE");
    op.inputs = {from};
    op.new_shape = to;
    const int out = finish(op, to);
    same_quantization(from, out);
    return out;
  }

  int addition(int a, int b) { return binary(a, b, model::OpKind::kAdd, "ADD"); }

  /// Any of two operands, broadcast.
  int binary(int a, int b, model::OpKind kind, const std::string& name) {
    model::Op op = start(kind, name);
    op.inputs = {a, b};
    return finish(op, *model::broadcast_shape(shape(a), shape(b)));
  }

  /// The larger codes. @pre one quantization
  int maximum(int a, int b) { return binary(a, b, model::OpKind::kMaximum, "MAXIMUM"); }

  /// Random codes.
  int constant(const std::vector<int>& shape) {
    const int t = activation("constant", shape);
    model::Tensor& tensor = graph.tensors[static_cast<std::size_t>(t)];
    tensor.is_constant = true;
    tensor.data = random_array(t).bytes;
    return t;
  }

  /// @pre one quantization
  int concatenation(const std::vector<int>& parts, int axis) {
    model::Op op = start(model::OpKind::kConcatenation, "CONCATENATION");
    op.axis = axis;
    op.inputs = parts;
    std::vector<int> out = shape(parts[0]);
    int& extent = out[static_cast<std::size_t>(axis)];
    extent = 0;
    for (const int part : parts) extent += shape(part)[static_cast<std::size_t>(axis)];
    return finish(op, out);
  }

  int pool(int from, bool max, int R, int S, int stride_h, int stride_w, model::Padding padding) {
    const std::vector<int> in = shape(from);
    model::Op op = max ? start(model::OpKind::kMaxPool2D, "MAX_POOL_2D")
                       : start(model::OpKind::kAveragePool2D, "AVERAGE_POOL_2D");
    op.filter_h = R;
    op.filter_w = S;
    op.stride_h = stride_h;
    op.stride_w = stride_w;
    op.padding = padding;
    op.activation = number(0, 3) == 0 ? model::Activation::kRelu : model::Activation::kNone;
    op.inputs = {from};
    const model::Window w = model::window(in[1], in[2], R, S, stride_h, stride_w, 1, 1, padding);
    const int out = finish(op, {1, w.P, w.Q, in[3]});
    same_quantization(from, out);
    return out;
  }

  int mean(int from, const std::vector<int>& axes) {
    return reduction(from, axes, model::OpKind::kMean, "MEAN");
  }

  int sum(int from, const std::vector<int>& axes) {
    return reduction(from, axes, model::OpKind::kSum, "SUM");
  }

  int reduce_max(int from, const std::vector<int>& axes) {
    const int out = reduction(from, axes, model::OpKind::kReduceMax, "REDUCE_MAX");
    same_quantization(from, out);
    return out;
  }

  int reduce_min(int from, const std::vector<int>& axes) {
    const int out = reduction(from, axes, model::OpKind::kReduceMin, "REDUCE_MIN");
    same_quantization(from, out);
    return out;
  }

  int reduction(int from, const std::vector<int>& axes, model::OpKind kind,
                const std::string& name) {
    model::Op op = start(kind, name);
    op.keep_dims = true;
    op.inputs = {from, integers(axes)};
    std::vector<int> out = shape(from);
    for (const int a : axes) out[static_cast<std::size_t>(a)] = 1;
    return finish(op, out);
  }

  int pad(int from, int top, int bottom, int left, int right) {
    return pad(from, {0, 0, top, bottom, left, right, 0, 0});
  }

  /// Before and behind, for each axis. @param code  a tensor of one; -1: the zero point
  int pad(int from, const std::vector<int>& sides, int code = -1) {
    model::Op op =
        start(code < 0 ? model::OpKind::kPad : model::OpKind::kPadV2, code < 0 ? "PAD" : "PADV2");
    std::vector<int> out = shape(from);
    op.inputs = {from, integers(sides, {static_cast<int>(out.size()), 2})};
    if (code >= 0) {
      same_quantization(from, code);
      op.inputs.push_back(code);
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += sides[2 * i] + sides[2 * i + 1];
    const int result = finish(op, out);
    same_quantization(from, result);
    return result;
  }

  /// begin, begin + stride, ... below end, for each axis.
  int strided_slice(int from, const std::vector<int>& begin, const std::vector<int>& end,
                    const std::vector<int>& stride) {
    model::Op op = start(model::OpKind::kStridedSlice, "STRIDED_SLICE");
    op.inputs = {from, integers(begin), integers(end), integers(stride)};
    std::vector<int> out;
    for (std::size_t i = 0; i < begin.size(); ++i)
      out.push_back((end[i] - begin[i] - 1) / stride[i] + 1);
    const int result = finish(op, out);
    same_quantization(from, result);
    return result;
  }

  int transpose(int from, const std::vector<int>& order) {
    model::Op op = start(model::OpKind::kTranspose, "TRANSPOSE");
    op.inputs = {from, integers(order)};
    std::vector<int> out;
    for (const int axis : order) out.push_back(shape(from)[static_cast<std::size_t>(axis)]);
    const int result = finish(op, out);
    same_quantization(from, result);
    return result;
  }

  int batch_matmul(int a, int b, bool adjoint_a, bool adjoint_b) {
    model::Op op = start(model::OpKind::kBatchMatMul, "BATCH_MATMUL");
    op.adjoint_a = adjoint_a;
    op.adjoint_b = adjoint_b;
    op.inputs = {a, b};
    const std::vector<int>&x = shape(a), &y = shape(b);
    std::vector<int> out =
        *model::broadcast_shape({x.begin(), x.end() - 2}, {y.begin(), y.end() - 2});
    out.push_back(x[x.size() - (adjoint_a ? 1 : 2)]);
    out.push_back(y[y.size() - (adjoint_b ? 2 : 1)]);
    return finish(op, out);
  }

  int resize(int from, bool bilinear, int H, int W, bool align_corners, bool half_pixel_centers) {
    model::Op op = bilinear
                       ? start(model::OpKind::kResizeBilinear, "RESIZE_BILINEAR")
                       : start(model::OpKind::kResizeNearestNeighbor, "RESIZE_NEAREST_NEIGHBOR");
    op.align_corners = align_corners;
    op.half_pixel_centers = half_pixel_centers;
    op.inputs = {from, integers({H, W})};
    const int result = finish(op, {1, H, W, shape(from)[3]});
    same_quantization(from, result);
    return result;
  }

  /// Resizes to H x W pixels, of which the input's are every stride-th.
  int transpose_convolution(int from, int channels, int R, int S, int stride_h, int stride_w, int H,
                            int W, model::Padding padding, bool per_channel) {
    model::Op op = start(model::OpKind::kTransposeConv, "TRANSPOSE_CONV");
    op.stride_h = stride_h;
    op.stride_w = stride_w;
    op.padding = padding;
    op.inputs = {integers({1, H, W, channels}),
                 weights({channels, R, S, shape(from)[3]}, channels, per_channel), from};
    if (number(0, 2) != 0) op.inputs.push_back(bias(channels));
    return finish(op, {1, H, W, channels});
  }

  /// @pre sides below the extents
  int mirror_pad(int from, const std::vector<int>& sides, bool symmetric) {
    model::Op op = start(model::OpKind::kMirrorPad, "MIRROR_PAD");
    op.symmetric = symmetric;
    std::vector<int> out = shape(from);
    op.inputs = {from, integers(sides, {static_cast<int>(out.size()), 2})};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += sides[2 * i] + sides[2 * i + 1];
    const int result = finish(op, out);
    same_quantization(from, result);
    return result;
  }

  int space_to_depth(int from, int block) {
    model::Op op = start(model::OpKind::kSpaceToDepth, "SPACE_TO_DEPTH");
    const std::vector<int> s = shape(from);
    op.block = block;
    op.inputs = {from};
    const int out = finish(op, {1, s[1] / block, s[2] / block, s[3] * block * block});
    same_quantization(from, out);
    return out;
  }

  int depth_to_space(int from, int block) {
    model::Op op = start(model::OpKind::kDepthToSpace, "DEPTH_TO_SPACE");
    const std::vector<int> s = shape(from);
    op.block = block;
    op.inputs = {from};
    const int out = finish(op, {1, s[1] * block, s[2] * block, s[3] / block / block});
    same_quantization(from, out);
    return out;
  }

  /// An operator that model::expanded() writes as others. Outputs have the scale of `like`.
  std::vector<int> expandable(const std::string& name, const std::vector<int>& operands, int like,
                              const std::vector<std::vector<int>>& shapes, int axis = 0) {
    model::Op op = start(model::OpKind::kUnknown, name);
    op.index = static_cast<int>(graph.ops.size());
    op.inputs = operands;
    op.axis = axis;
    for (const std::vector<int>& shape : shapes) {
      op.outputs.push_back(activation("t" + std::to_string(graph.tensors.size()), shape));
      same_quantization(like, op.outputs.back());
    }
    graph.ops.push_back(op);
    return op.outputs;
  }

  int integers(const std::vector<int>& values, std::vector<int> shape = {}) {
    model::Tensor t;
    t.name = "integers";
    t.type = model::DataType::kInt32;
    t.shape = shape.empty() ? std::vector<int>{static_cast<int>(values.size())} : shape;
    t.is_constant = true;
    t.data.resize(values.size() * 4);
    std::memcpy(t.data.data(), values.data(), t.data.size());
    return add(t);
  }

  int unary(int from, model::OpKind kind, const std::string& name) {
    model::Op op = start(kind, name);
    op.inputs = {from};
    return finish(op, shape(from));
  }

  const std::vector<int>& shape(int tensor) const { return graph.tensor(tensor).shape; }

  Array random_array(int tensor) {
    const model::Tensor& t = graph.tensor(tensor);
    Array a{"i1", {t.shape.begin(), t.shape.end()}, {}};
    a.bytes.resize(static_cast<std::size_t>(t.elements()));
    for (auto& b : a.bytes) b = static_cast<std::uint8_t>(content(0, 255));
    return a;
  }

  model::Graph graph;
  bool one_scale = false;  ///< for all activations, as what moves codes needs it

  void set_quantization(int tensor, float scale, int zero_point) {
    graph.tensors[static_cast<std::size_t>(tensor)].quantization = {{scale}, {zero_point}, 0};
  }

 private:
  void set_name() {
    graph.name = "random";
    graph.file = "random.tflite";
  }

  model::Quantization any_quantization() {
    const float scale = static_cast<float>(number(5, 200)) / 1000.0f;
    return {{scale}, {number(-128, 127)}, 0};
  }

  /// Zero points at the ends, too.
  model::Quantization chosen_quantization() {
    const int kind = number(0, 5);
    const int zero_point = kind < 2 ? 0 : kind == 2 ? -128 : kind == 3 ? 127 : number(-128, 127);
    return {
        {static_cast<float>(once_in(*this, 2) ? number(5, 200) : 50) / 1000.0f}, {zero_point}, 0};
  }

  /// The output's scale makes a sum deviate by some 40 codes; now and then by far more or far less:
  /// multipliers at the ends of their range.
  void fit_product(const model::Op& op) {
    if (choices_ == nullptr || one_scale) return;
    const model::Tensor &x = graph.in(op, 0), &w = graph.in(op, 1);
    double taps = static_cast<double>(w.elements());
    taps /= op.kind == model::OpKind::kDepthwiseConv2D ? w.extent(3) : w.extent(0);
    const double deviation = std::hypot(74.0, static_cast<double>(x.zero_point()));
    double scale = static_cast<double>(x.scale()) * 0.0045 * 73 * deviation * std::sqrt(taps) / 40;
    if (once_in(*this, 12)) {
      static const std::vector<double> kFar{64, 1.0 / 64, 4096, 1.0 / 4096, 0x1p20, 0x1p-18};
      scale *= any(*this, kFar);
    }
    if (once_in(*this, 6))  // with one scale of weights a power of two
      scale = static_cast<double>(x.scale()) * static_cast<double>(w.scale()) *
              std::exp2(std::round(std::log2(scale / x.scale() / 0.0045)));
    graph.tensors[static_cast<std::size_t>(graph.ops.back().outputs[0])].quantization.scale = {
        static_cast<float>(scale)};
  }

  int add(const model::Tensor& t) {
    graph.tensors.push_back(t);
    return static_cast<int>(graph.tensors.size()) - 1;
  }

  static model::Op start(model::OpKind kind, const std::string& name) {
    model::Op op;
    op.kind = kind;
    op.name = name;
    return op;
  }

  int finish(model::Op op, const std::vector<int>& shape) {
    op.index = static_cast<int>(graph.ops.size());
    const int out = activation("t" + std::to_string(graph.tensors.size()), shape);
    op.outputs = {out};
    graph.ops.push_back(op);
    return out;
  }

  void same_quantization(int from, int to) {
    graph.tensors[static_cast<std::size_t>(to)].quantization = graph.tensor(from).quantization;
  }

  int weights(const std::vector<int>& shape, int channels, bool per_channel, int axis = 0) {
    model::Tensor t;
    t.name = "weights";
    t.shape = shape;
    t.is_constant = true;
    for (int i = 0; i < (per_channel ? channels : 1); ++i)
      t.quantization.scale.push_back(static_cast<float>(content(1, 90)) / 10000.0f);
    t.quantization.zero_point.assign(t.quantization.scale.size(), 0);
    t.quantization.axis = axis;
    t.data.resize(static_cast<std::size_t>(t.elements()));
    for (auto& b : t.data) b = static_cast<std::uint8_t>(content(-127, 127));
    return add(t);
  }

  int bias(int channels) {
    std::vector<int> values(static_cast<std::size_t>(channels));
    for (int& v : values) v = content(-20000, 20000);
    return integers(values);
  }

  Choices* choices_ = nullptr;  ///< null: all numbers are content
  std::mt19937 random_;         ///< of content
};

/// A configuration that machine::check() accepts.
inline machine::Config small_config(int rows, int cols, int dmem_kib, int pmem_kib, int bus) {
  machine::Config config;
  config.name = "test";
  config.rows = rows;
  config.cols = cols;
  config.dmem_kib = dmem_kib;
  config.pmem_kib = pmem_kib;
  config.axi_data_bits = bus;
  return config;
}

/// A configuration from a seed; `small` memories force parts and pieces.
inline machine::Config random_config(Builder& b) {
  static constexpr int kArrays[][2] = {{1, 1},  {3, 5},   {4, 4},  {8, 8}, {4, 16},
                                       {16, 4}, {16, 16}, {2, 12}, {7, 3}};
  static constexpr int kBuses[] = {32, 64, 128, 256, 512};
  static constexpr int kKib[] = {8, 8, 16, 128};
  const auto& array = kArrays[b.number(0, 8)];
  machine::Config config = small_config(array[0], array[1], kKib[b.number(0, 3)],
                                        kKib[b.number(0, 3)], kBuses[b.number(0, 4)]);
  config.param_channels = b.number(0, 1) == 0 ? 64 : 512;
  return config;
}

inline model::Padding random_padding(Builder& b) {
  return b.number(0, 1) == 0 ? model::Padding::kSame : model::Padding::kValid;
}

/// A map made from the graph's inputs: one of them, or what the compute or the vector unit writes.
inline int random_map(Builder& b, const std::vector<int>& shape) {
  switch (b.number(0, 3)) {
    case 0:
      return b.unary(b.input(shape), model::OpKind::kRelu, "RELU");
    case 1:
    case 2: {
      const int K = b.number(1, 3);
      std::vector<int> from = shape;
      from[3] = b.number(1, 12);
      return b.convolution(b.input(from), shape[3], K, K, 1, 1, 1, 1, model::Padding::kSame, true);
    }
    default:
      return b.input(shape);
  }
}

inline std::vector<int> random_shape(Builder& b) {
  const bool deep = b.number(0, 4) == 0;
  return {1, b.number(1, 12), b.number(1, 14), deep ? b.number(16, 90) : b.number(1, 18)};
}

/// "CONV_2D 0[1,4,5,3] -> 3[1,4,5,8]", a line for each operator.
inline std::string text_of(const model::Graph& graph) {
  std::string text;
  for (const model::Op& op : graph.ops) {
    text += op.name;
    for (const int t : op.inputs)
      if (t >= 0) text += fmt::format(" {}{}", t, graph.tensor(t).shape);
    text += fmt::format(" -> {}{}\n", op.outputs[0], graph.out(op).shape);
  }
  return text;
}

/// An operand that broadcasts to the shape, or has it.
inline int random_operand(Builder& b, const std::vector<int>& shape) {
  std::vector<int> part = shape;
  for (std::size_t axis = 1; axis < 4; ++axis)
    if (b.number(0, 2) == 0) part[axis] = 1;
  if (b.number(0, 2) != 0) return random_map(b, part);
  if (part[1] == 1 && b.number(0, 1) == 0) part.erase(part.begin(), part.begin() + 2);
  return b.constant(part);
}

}  // namespace trine::fuzz
