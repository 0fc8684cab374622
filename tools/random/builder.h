// SPDX-License-Identifier: Apache-2.0
//
// Builds networks in code: a graph that grows operator by operator with random scales, zero points
// and weights.

#pragma once

#include <fmt/ranges.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sw/base/npy.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/shapes.h"
#include "tools/random/choices.h"

namespace trine::fuzz {

using model::OpKind;
using model::Padding;

/// A file that the importer read. `run` computes the outputs of the file's network, without using
/// the imported graph.
struct ImportedFile {
  std::string text;
  std::function<std::vector<Array>(const std::vector<Array>& inputs)> run;
};

/// A graph that grows operator by operator. Each method returns its output tensor.
class Builder {
 public:
  /// Draws all numbers from one stream.
  explicit Builder(unsigned seed) : random_(seed) {}

  /// Makes the network from `choices`, and the contents of constants from the data seed of
  /// `choices`. @pre `choices` outlives the builder
  explicit Builder(Choices& choices) : choices_(&choices), random_(choices.data_seed()) {}

  int number(int low, int high) { return number(low, high, high); }
  int number(int low, int high, int asked) {
    return choices_ != nullptr ? choices_->number(low, high, asked) : content(low, high);
  }

  /// Returns a number for weights or inputs, which is not recorded as a choice.
  int content(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }

  int activation(const std::string& name, const std::vector<int>& shape) {
    const model::Quantization q = any_quantization();
    const int t = add(name, shape);
    tensor(t).quantization = q;
    return t;
  }

  int input(const std::vector<int>& shape) {
    const int t = activation("input", shape);
    graph.inputs.push_back(t);
    return t;
  }

  int convolution(int from, int channels, int R, int S, int stride_h, int stride_w, int dilation_h,
                  int dilation_w, Padding padding, bool per_channel, int groups = 1) {
    const int depth = shape(from)[3] / groups;
    return sliding(OpKind::kConv2D, from, {channels, R, S, depth}, channels, stride_h, stride_w,
                   dilation_h, dilation_w, padding, per_channel);
  }

  int depthwise(int from, int multiplier, int R, int S, int stride_h, int stride_w, int dilation_h,
                int dilation_w, Padding padding, bool per_channel) {
    const int channels = shape(from)[3] * multiplier;
    return sliding(OpKind::kDepthwiseConv2D, from, {1, R, S, channels}, channels, stride_h,
                   stride_w, dilation_h, dilation_w, padding, per_channel);
  }

  int fully_connected(int from, int K, int channels) {
    const bool per_channel = number(0, 1) == 0;
    model::Op op = start(OpKind::kFullyConnected, {from});
    op.inputs = {from, weights({channels, K}, channels, per_channel), bias(channels)};
    return finish_product(op, {static_cast<int>(graph.tensor(from).elements() / K), channels});
  }

  /// Adds LayerNorm (if `center`) or RMSNorm.
  int normalization(int from, bool center) {
    model::Op op = start(OpKind::kNormalization, {from}, center ? "LAYER_NORM" : "RMS_NORM");
    op.center = center;
    // The machine adds epsilon in units of 2^-8 (scale / channels)^2 or more: 2^31 at most.
    const double unit = double{tensor(from).scale()} / shape(from).back();
    const bool held = 1e-5 / (unit * unit) < 0x1p22;
    op.epsilon = number(0, 3) == 0 || !held ? 0.0f : 1e-5f;
    const auto factors = [&](int low, int high) {
      std::vector<float> values(static_cast<std::size_t>(shape(from).back()));
      for (float& v : values) v = static_cast<float>(content(low, high)) / 100;
      return constant_of("floats", model::DataType::kFloat32, values);
    };
    op.inputs.push_back(factors(number(0, 2) == 0 ? -200 : 50, 200));
    if (number(0, 2) != 0) op.inputs.push_back(factors(-100, 100));
    const int out = finish(op, shape(from));
    tensor(out).quantization.scale = {static_cast<float>(number(2, 14)) / 127};
    return out;
  }

  int reshape(int from, const std::vector<int>& to) {
    model::Op op = start(OpKind::kReshape, {from});
    op.new_shape = to;
    return finish_like(op, to);
  }

  /// Adds an operator on two operands, which are broadcast. @param name  empty: the kind's name
  int binary(int a, int b, OpKind kind, const std::string& name = "") {
    return finish(start(kind, {a, b}, name), *model::broadcast_shape(shape(a), shape(b)));
  }

  int addition(int a, int b) { return binary(a, b, OpKind::kAdd); }

  /// Adds a maximum of codes. @pre both have the same quantization
  int maximum(int a, int b) { return binary(a, b, OpKind::kMaximum); }

  /// Adds a constant with random codes.
  int constant(const std::vector<int>& shape) {
    const int t = activation("constant", shape);
    tensor(t).is_constant = true;
    tensor(t).data = random_array(t).bytes;
    return t;
  }

  /// @pre all parts have the same quantization
  int concatenation(const std::vector<int>& parts, int axis) {
    model::Op op = start(OpKind::kConcatenation, parts);
    op.axis = axis;
    std::vector<int> out = shape(parts[0]);
    int& extent = out[static_cast<std::size_t>(axis)];
    extent = 0;
    for (const int part : parts) extent += graph.tensor(part).extent(axis);
    return finish(op, out);
  }

  int pool(int from, bool max, int R, int S, int stride_h, int stride_w, Padding padding) {
    model::Op op = start(max ? OpKind::kMaxPool2D : OpKind::kAveragePool2D, {from});
    op.filter_h = R;
    op.filter_w = S;
    op.stride_h = stride_h;
    op.stride_w = stride_w;
    op.padding = padding;
    op.activation = number(0, 3) == 0 ? model::Activation::kRelu : model::Activation::kNone;
    const model::Window w = model::window(graph, op);
    return finish_like(op, {1, w.P, w.Q, shape(from)[3]});
  }

  int mean(int from, const std::vector<int>& axes) { return reduction(from, axes, OpKind::kMean); }
  int sum(int from, const std::vector<int>& axes) { return reduction(from, axes, OpKind::kSum); }
  int reduce_max(int from, const std::vector<int>& axes) {
    return reduction(from, axes, OpKind::kReduceMax);
  }
  int reduce_min(int from, const std::vector<int>& axes) {
    return reduction(from, axes, OpKind::kReduceMin);
  }

  int reduction(int from, const std::vector<int>& axes, OpKind kind) {
    model::Op op = start(kind, {from, integers(axes)});
    op.keep_dims = true;
    std::vector<int> out = shape(from);
    for (const int a : axes) out[static_cast<std::size_t>(a)] = 1;
    const bool chooses = kind == OpKind::kReduceMax || kind == OpKind::kReduceMin;
    return chooses ? finish_like(op, out) : finish(op, out);
  }

  int pad(int from, int top, int bottom, int left, int right) {
    return pad(from, {0, 0, top, bottom, left, right, 0, 0});
  }

  /// Adds padding before and after the map along each axis.
  /// @param code  a tensor of one code; -1: the zero point
  int pad(int from, const std::vector<int>& sides, int code = -1) {
    model::Op op = start(code < 0 ? OpKind::kPad : OpKind::kPadV2, {from});
    op.inputs.push_back(integers(sides, {graph.tensor(from).rank(), 2}));
    if (code >= 0) {
      same_quantization(from, code);
      op.inputs.push_back(code);
    }
    return finish_padded(op, sides);
  }

  /// @pre sides are smaller than the extents
  int mirror_pad(int from, const std::vector<int>& sides, bool symmetric) {
    model::Op op = start(OpKind::kMirrorPad, {from});
    op.symmetric = symmetric;
    op.inputs.push_back(integers(sides, {graph.tensor(from).rank(), 2}));
    return finish_padded(op, sides);
  }

  /// Reads begin, begin + stride, ... below end, along each axis.
  int strided_slice(int from, const std::vector<int>& begin, const std::vector<int>& end,
                    const std::vector<int>& stride) {
    std::vector<int> out;
    for (std::size_t i = 0; i < begin.size(); ++i)
      out.push_back((end[i] - begin[i] - 1) / stride[i] + 1);
    return finish_like(
        start(OpKind::kStridedSlice, {from, integers(begin), integers(end), integers(stride)}),
        out);
  }

  int transpose(int from, const std::vector<int>& order) {
    std::vector<int> out;
    for (const int axis : order) out.push_back(graph.tensor(from).extent(axis));
    return finish_like(start(OpKind::kTranspose, {from, integers(order)}), out);
  }

  int batch_matmul(int a, int b, bool adjoint_a, bool adjoint_b) {
    model::Op op = start(OpKind::kBatchMatMul, {a, b});
    op.adjoint_a = adjoint_a;
    op.adjoint_b = adjoint_b;
    const std::vector<int>&x = shape(a), &y = shape(b);
    std::vector<int> out =
        *model::broadcast_shape({x.begin(), x.end() - 2}, {y.begin(), y.end() - 2});
    out.push_back(x[x.size() - (adjoint_a ? 1 : 2)]);
    out.push_back(y[y.size() - (adjoint_b ? 2 : 1)]);
    return finish(op, out);
  }

  int resize(int from, bool bilinear, int H, int W, bool align_corners, bool half_pixel_centers) {
    model::Op op = start(bilinear ? OpKind::kResizeBilinear : OpKind::kResizeNearestNeighbor,
                         {from, integers({H, W})});
    op.align_corners = align_corners;
    op.half_pixel_centers = half_pixel_centers;
    return finish_like(op, {1, H, W, shape(from)[3]});
  }

  /// Enlarges a map to H x W pixels; adjacent pixels of the input are then a stride from each
  /// other.
  int transpose_convolution(int from, int channels, int R, int S, int stride_h, int stride_w, int H,
                            int W, Padding padding, bool per_channel) {
    model::Op op = start(OpKind::kTransposeConv, {});
    op.stride_h = stride_h;
    op.stride_w = stride_w;
    op.padding = padding;
    op.inputs = {integers({1, H, W, channels}),
                 weights({channels, R, S, shape(from)[3]}, channels, per_channel), from};
    if (number(0, 2) != 0) op.inputs.push_back(bias(channels));
    return finish(op, {1, H, W, channels});
  }

  int space_to_depth(int from, int block) {
    const std::vector<int> s = shape(from);
    return blocks(OpKind::kSpaceToDepth, from, block,
                  {1, s[1] / block, s[2] / block, s[3] * block * block});
  }

  int depth_to_space(int from, int block) {
    const std::vector<int> s = shape(from);
    return blocks(OpKind::kDepthToSpace, from, block,
                  {1, s[1] * block, s[2] * block, s[3] / block / block});
  }

  /// Adds an operator that model::expanded() replaces by other operators. Its outputs have the
  /// scale of `like`.
  std::vector<int> expandable(const std::string& name, const std::vector<int>& operands, int like,
                              const std::vector<std::vector<int>>& shapes, int axis = 0) {
    model::Op op = start(OpKind::kUnknown, operands, name);
    op.axis = axis;
    for (const std::vector<int>& shape : shapes) {
      op.outputs.push_back(next_activation(shape));
      same_quantization(like, op.outputs.back());
    }
    graph.ops.push_back(op);
    return op.outputs;
  }

  int integers(const std::vector<int>& values, const std::vector<int>& shape = {}) {
    return constant_of("integers", model::DataType::kInt32, values, shape);
  }

  /// @param name  empty: the kind's name
  int unary(int from, OpKind kind, const std::string& name = "") {
    return finish(start(kind, {from}, name), shape(from));
  }

  int softmax(int from) {
    const int out = unary(from, OpKind::kSoftmax);
    set_quantization(out, 1.0f / 256, -128);
    return out;
  }

  model::Tensor& tensor(int t) { return graph.tensors[static_cast<std::size_t>(t)]; }
  const std::vector<int>& shape(int t) const { return graph.tensor(t).shape; }

  Array random_array(int tensor) {
    const model::Tensor& t = graph.tensor(tensor);
    Array a{"i1", {t.shape.begin(), t.shape.end()}, {}};
    a.bytes.resize(static_cast<std::size_t>(t.elements()));
    for (auto& b : a.bytes) b = static_cast<std::uint8_t>(content(0, 255));
    return a;
  }

  void set_quantization(int t, float scale, int zero_point) {
    tensor(t).quantization = {{scale}, {zero_point}, 0};
  }
  void same_quantization(int from, int to) {
    tensor(to).quantization = graph.tensor(from).quantization;
  }

  bool groups = false;  ///< true if the design has array.groups
  bool packed = false;  ///< true if the design also has memory.packed_weights
  model::Graph graph{"random", "random.tflite", {}, {}, {}, {}, {}, {}};
  bool one_scale = false;  ///< all scales are equal, as operators that move codes require
  /// True if only the host executes operators at the graph's end (--allow-host).
  bool host_at_end = false;
  std::shared_ptr<const ImportedFile> imported;  ///< file from which `graph` was read, or null

 protected:
  int add(const std::string& name, std::vector<int> shape,
          model::DataType type = model::DataType::kInt8) {
    model::Tensor& t = graph.tensors.emplace_back();
    t.name = name;
    t.shape = std::move(shape);
    t.type = type;
    return static_cast<int>(graph.tensors.size()) - 1;
  }

  /// @param shape  empty: one axis
  template <typename T>
  int constant_of(const std::string& name, model::DataType type, const std::vector<T>& values,
                  std::vector<int> shape = {}) {
    if (shape.empty()) shape = {static_cast<int>(values.size())};
    std::vector<std::uint8_t> data(values.size() * sizeof(T));
    std::memcpy(data.data(), values.data(), data.size());
    const int t = add(name, shape, type);
    tensor(t).is_constant = true;
    tensor(t).data = std::move(data);
    return t;
  }

  /// Begins the next operator. @param name  empty: the kind's name
  model::Op start(OpKind kind, const std::vector<int>& inputs, const std::string& name = "") const {
    model::Op op = model::op_of(kind, static_cast<int>(graph.ops.size()), inputs);
    if (!name.empty()) op.name = name;
    return op;
  }

  int finish_as(model::Op op, int out) {
    op.outputs = {out};
    graph.ops.push_back(std::move(op));
    return out;
  }

 private:
  /// Returns a random quantization. With choices, its zero point is often at an end of the range.
  model::Quantization any_quantization() {
    if (one_scale && !graph.tensors.empty()) return graph.tensor(0).quantization;
    const auto of = [](int thousandths, int zero_point) {
      return model::Quantization{{static_cast<float>(thousandths) / 1000.0f}, {zero_point}, 0};
    };
    if (choices_ == nullptr) {
      const int thousandths = number(5, 200);
      return of(thousandths, number(-128, 127));
    }
    const int kind = number(0, 5);
    const int zero_point = kind < 2 ? 0 : kind == 2 ? -128 : kind == 3 ? 127 : number(-128, 127);
    return of(once_in(*this, 2) ? number(5, 200) : 50, zero_point);
  }

  int next_activation(const std::vector<int>& shape) {
    return activation("t" + std::to_string(graph.tensors.size()), shape);
  }

  int finish(model::Op op, const std::vector<int>& shape) {
    return finish_as(std::move(op), next_activation(shape));
  }

  /// Ends an operator whose output has the first operand's quantization.
  int finish_like(const model::Op& op, const std::vector<int>& shape) {
    const int out = finish(op, shape);
    same_quantization(op.inputs[0], out);
    return out;
  }

  int finish_padded(const model::Op& op, const std::vector<int>& sides) {
    std::vector<int> out = shape(op.inputs[0]);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += sides[2 * i] + sides[2 * i + 1];
    return finish_like(op, out);
  }

  /// Ends a product. Its output scale is chosen so that the sums deviate by some 40 codes, or
  /// occasionally by far more or fewer, so that multipliers reach the ends of their range.
  int finish_product(const model::Op& op, const std::vector<int>& shape) {
    const int out = finish(op, shape);
    if (choices_ == nullptr || one_scale) return out;
    const model::Tensor &x = graph.in(op, 0), &w = graph.in(op, 1);
    const auto taps =
        static_cast<double>(w.elements()) / w.extent(op.kind == OpKind::kDepthwiseConv2D ? 3 : 0);
    const double deviation = std::hypot(74.0, static_cast<double>(x.zero_point()));
    double scale = static_cast<double>(x.scale()) * 0.0045 * 73 * deviation * std::sqrt(taps) / 40;
    if (once_in(*this, 12)) {
      static const std::vector<double> kFar{64, 1.0 / 64, 4096, 1.0 / 4096, 0x1p20, 0x1p-18};
      scale *= any(*this, kFar);
    }
    if (once_in(*this, 6))  // a power of two if the weights have one scale
      scale = static_cast<double>(x.scale()) * static_cast<double>(w.scale()) *
              std::exp2(std::round(std::log2(scale / x.scale() / 0.0045)));
    tensor(out).quantization.scale = {static_cast<float>(scale)};
    return out;
  }

  /// Adds an operator with a window and weights of this shape.
  int sliding(OpKind kind, int from, const std::vector<int>& filter, int channels, int stride_h,
              int stride_w, int dilation_h, int dilation_w, Padding padding, bool per_channel) {
    model::Op op = start(kind, {from});
    op.stride_h = stride_h;
    op.stride_w = stride_w;
    op.dilation_h = dilation_h;
    op.dilation_w = dilation_w;
    op.padding = padding;
    op.activation = number(0, 2) == 0 ? model::Activation::kRelu : model::Activation::kNone;
    const int axis = kind == OpKind::kDepthwiseConv2D ? 3 : 0;
    op.inputs = {from, weights(filter, channels, per_channel, axis),
                 number(0, 5) == 0 ? -1 : bias(channels)};
    const model::Window w = model::window(graph, op);
    return finish_product(op, {1, w.P, w.Q, channels});
  }

  int blocks(OpKind kind, int from, int block, const std::vector<int>& shape) {
    model::Op op = start(kind, {from});
    op.block = block;
    return finish_like(op, shape);
  }

  int weights(const std::vector<int>& shape, int channels, bool per_channel, int axis = 0) {
    const int index = add("weights", shape);
    model::Tensor& t = tensor(index);
    t.is_constant = true;
    for (int i = 0; i < (per_channel ? channels : 1); ++i)
      t.quantization.scale.push_back(static_cast<float>(content(1, 90)) / 10000.0f);
    t.quantization.zero_point.assign(t.quantization.scale.size(), 0);
    t.quantization.axis = axis;
    t.data.edit().resize(static_cast<std::size_t>(t.elements()));
    for (auto& b : t.data.edit()) b = static_cast<std::uint8_t>(content(-127, 127));
    return index;
  }

  int bias(int channels) {
    std::vector<int> values(static_cast<std::size_t>(channels));
    for (int& v : values) v = content(-20000, 20000);
    return integers(values);
  }

  Choices* choices_ = nullptr;  ///< null: all numbers are content
  std::mt19937 random_;         ///< source of content
};

/// Returns "CONV_2D 0[1,4,5,3] -> 3[1,4,5,8]", a line for each operator.
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

}  // namespace trine::fuzz
