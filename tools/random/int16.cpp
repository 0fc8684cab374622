// SPDX-License-Identifier: Apache-2.0

#include "tools/random/int16.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "tools/random/networks.h"
#include "tools/random/testing.h"

namespace trine::fuzz {
namespace {

constexpr const char* kNarrow = "narrow";      ///< name of tensors that stay int8
constexpr const char* kFraction = "fraction";  ///< name of tensors in Q0.15
constexpr const char* kWords = "words";        ///< name of int32 tensors

/// Converts a bias to int64 for sums of 40 bits, as large relative to int16 codes as before to
/// int8.
void lengthen(model::Tensor& bias) {
  std::vector<std::int64_t> values;
  for (const std::int64_t v : bias.integers()) values.push_back(256 * v);
  bias.type = model::DataType::kInt64;
  bias.data.edit().resize(8 * values.size());
  std::memcpy(bias.data.edit().data(), values.data(), bias.data.size());
}

int random_pad(Builder& b, int x, bool codes) {
  const bool channels = b.number(0, 1) == 0, code = codes && b.number(0, 1) == 0;
  std::vector<int> sides(8, 0);
  for (std::size_t i = 2; i < 8; ++i)
    if (i < 6 ? !code || !channels : channels) sides[i] = b.number(0, 3);
  return b.pad(x, sides, code ? b.constant({}) : -1);
}

int random_slice(Builder& b, int x) {
  const std::vector<int> s = b.shape(x);
  std::vector<int> begin{0}, end{1}, stride{1};
  for (std::size_t i = 1; i < 4; ++i) {
    begin.push_back(b.number(0, s[i] - 1));
    end.push_back(b.number(begin[i] + 1, s[i]));
    stride.push_back(b.number(1, 3));
  }
  return b.strided_slice(x, begin, end, stride);
}

/// Joins a map with its own product, or with itself.
int random_join(Builder& b, int x) {
  const std::vector<int> s = b.shape(x);
  const int axis = b.number(1, 3);
  int y = x;
  if (b.number(0, 2) > 0)
    y = b.convolution(x, axis == 3 ? b.number(1, 9) : s[3], 1, 1, 1, 1, 1, 1, Padding::kSame, true);
  auto& tensors = b.graph.tensors;
  const auto quantization = tensors[static_cast<std::size_t>(x)].quantization;
  std::vector<int> parts{x, y};
  if (b.number(0, 1) == 1) std::swap(parts[0], parts[1]);
  for (const int t : {y, b.concatenation(parts, axis)})
    tensors[static_cast<std::size_t>(t)].quantization = quantization;
  return b.graph.ops.back().outputs[0];
}

int random_turn(Builder& b, int x) {
  static const std::vector<std::vector<int>> kOrders{
      {0, 2, 1, 3}, {0, 1, 3, 2}, {0, 2, 3, 1}, {0, 3, 1, 2}, {0, 3, 2, 1}};
  return b.transpose(x, any(b, kOrders));
}

int random_transposed_product(Builder& b, int x) {
  const std::vector<int> s = b.shape(x);
  const int R = b.number(1, 4), S = b.number(1, 4), U = b.number(1, 3), V = b.number(1, 3);
  return b.transpose_convolution(x, b.number(1, 10), R, S, U, V, s[1] * U, s[2] * V, Padding::kSame,
                                 b.number(0, 1) == 0);
}

bool moves(Builder& b, Between between) {
  return between == Between::kMovement || (between == Between::kAny && once_in(b, 2));
}

/// Scales all activations of the same scale by a common factor, so that operators that move codes
/// stay legal.
void spread_scales(Builder& b) {
  static const std::vector<float> kFar{64, 1.0F / 64, 4096, 1.0F / 4096, 0x1p20F, 0x1p-18F};
  std::map<float, float> factors;
  for (model::Tensor& t : b.graph.tensors) {
    if (t.type != model::DataType::kInt16 || t.name == kFraction) continue;
    float& scale = t.quantization.scale[0];
    if (!factors.contains(scale)) factors[scale] = once_in(b, 12) ? any(b, kFar) : 1;
    scale *= factors[scale];
  }
}

/// Sets the largest weights, and biases that leave just enough room in 40-bit sums (int32: half of
/// the bits).
void reach_ends(Builder& b, const model::Op& op) {
  const bool transposed = op.kind == OpKind::kTransposeConv;
  model::Tensor& weights = b.tensor(op.inputs[1]);
  if (once_in(b, 8))
    for (std::uint8_t& code : weights.data.edit()) code = b.content(0, 1) == 0 ? 0x7f : 0x80;
  const int bias = op.input(transposed ? 3 : 2);
  if (bias < 0 || !once_in(b, 8)) return;
  model::Tensor& t = b.tensor(bias);
  const bool longer = t.type == model::DataType::kInt64;
  const std::int64_t taps = weights.elements() / t.elements();
  const std::int64_t most = longer ? (std::int64_t{1} << 39) - 1 - 128 * 32768 * taps : 1 << 30;
  for (std::size_t at = 0, bytes = longer ? 8 : 4; at < t.data.size(); at += bytes) {
    const std::int64_t value = b.content(0, 1) == 0 ? most : -most;
    std::memcpy(&t.data.edit()[at], &value, bytes);
  }
}

/// Sets scales, weights and biases to their limits, and uses all fused activations.
void go_to_corners(Builder& b) {
  using model::Activation;
  static const std::vector<Activation> kActivations{Activation::kNone, Activation::kRelu,
                                                    Activation::kRelu6, Activation::kReluN1To1};
  spread_scales(b);
  for (model::Op& op : b.graph.ops) {
    const bool product = model::is_product(op.kind), transposed = op.kind == OpKind::kTransposeConv;
    if (product || transposed) reach_ends(b, op);
    const bool fuses = product || model::is_binary(op.kind) || op.kind == OpKind::kAveragePool2D;
    if (fuses && once_in(b, 4)) op.activation = any(b, kActivations);
    if (op.kind == OpKind::kSoftmax)  // legal above 2^-26
      while (op.beta * b.graph.in(op, 0).scale() < 0x1p-25F) op.beta *= 1024;
  }
}

}  // namespace

void widen(Builder& b, bool onnx) {
  for (model::Tensor& t : b.graph.tensors) {
    if (t.is_constant || t.type != model::DataType::kInt8 || t.name == kNarrow) continue;
    t.type = t.name == kWords ? model::DataType::kInt32 : model::DataType::kInt16;
    t.quantization.zero_point = {0};
    for (float& scale : t.quantization.scale)
      scale = t.name == kFraction ? 0x1p-15F
              : t.name == kWords  ? scale / 256 / static_cast<float>(b.number(1, 9000))
                                  : scale / 256;
  }
  for (const model::Op& op : b.graph.ops) {
    for (const int operand : model::is_binary(op.kind) ? op.inputs : std::vector<int>{}) {
      model::Tensor& t = b.graph.tensors[static_cast<std::size_t>(operand)];
      if (!t.is_constant || t.type == model::DataType::kInt16) continue;
      t.type = model::DataType::kInt16;
      t.quantization.zero_point = {0};
      for (float& scale : t.quantization.scale) scale /= 256;
      for (std::size_t n = t.data.size(); n > 0; --n)
        t.data.edit().push_back(static_cast<std::uint8_t>(b.content(0, 255)));
    }
    const bool transposed = op.kind == OpKind::kTransposeConv;
    const int last = op.input(transposed ? 3 : 2);
    if (last < 0) continue;
    model::Tensor& t = b.graph.tensors[static_cast<std::size_t>(last)];
    if (op.kind == OpKind::kPadV2) {
      t.type = model::DataType::kInt16;
      t.quantization = b.graph.in(op, 0).quantization;
      t.data.edit().push_back(static_cast<std::uint8_t>(b.content(0, 255)));
    } else if (!onnx && (transposed || model::is_product(op.kind)) &&
               (op.kind == OpKind::kDepthwiseConv2D || b.number(0, 2) > 0)) {
      lengthen(t);
    }
  }
}

int random_movement(Builder& b, int x, bool codes) {
  const std::vector<int> s = b.shape(x);
  switch (b.number(0, 8)) {
    case 0:
      return random_pad(b, x, codes);
    case 1:
      return random_slice(b, x);
    case 2:
      return random_turn(b, x);
    case 3:
      return random_join(b, x);
    case 4:
      return b.mirror_pad(x, {0, 0, 0, std::min(1, s[1] - 1), std::min(2, s[2] - 1), 0, 0, 0},
                          false);
    case 5:
      return b.resize(x, false, b.number(1, 9), b.number(1, 9), false, b.number(0, 1) == 0);
    case 6:
      return b.reshape(x, {1, s[2], s[1], s[3]});
    case 7:
      return s[2] % 2 == 0 ? b.reshape(x, {1, s[1], s[2] / 2, 2 * s[3]})
                           : b.reshape(x, {1, 1, s[1] * s[2], s[3]});
    default:
      return random_transposed_product(b, x);
  }
}

int random_vector(Builder& b, int x) {
  const std::vector<int> s = b.shape(x);
  static const std::vector<OpKind> kOfOne{OpKind::kRelu, OpKind::kRelu6, OpKind::kLeakyRelu,
                                          OpKind::kQuantize};
  static const std::vector<OpKind> kOfTwo{OpKind::kAdd, OpKind::kSub, OpKind::kMul};
  const int kind = b.number(0, 7);
  if (kind == 7) {  // a function in Q0.15 that no other operator reads
    static const std::vector<OpKind> kFractions{OpKind::kLogistic, OpKind::kTanh, OpKind::kSoftmax};
    static const std::vector<float> kBetas{1, 0.3F, 2.5F};
    const int y = b.unary(x, any(b, kFractions));
    if (b.graph.ops.back().kind == OpKind::kSoftmax) b.graph.ops.back().beta = any(b, kBetas);
    b.tensor(y).name = kFraction;
    return b.unary(y, OpKind::kQuantize);
  }
  if (kind == 0) return b.unary(x, any(b, kOfOne));
  if (kind == 6) {
    const int narrow = b.unary(x, OpKind::kQuantize);
    b.tensor(narrow).name = kNarrow;
    return b.unary(narrow, OpKind::kQuantize);
  }
  if (kind == 1)
    return b.pool(x, false, b.number(1, std::min(3, s[1])), b.number(1, std::min(3, s[2])),
                  b.number(1, 2), b.number(1, 2), random_padding(b));
  if (kind == 2) return b.mean(x, b.number(0, 1) == 0 ? std::vector{1, 2} : std::vector{3});
  int y = x;
  if (b.number(0, 1) == 0)
    y = b.convolution(x, s[3], 1, 1, 1, 1, 1, 1, Padding::kSame, true);
  else if (b.number(0, 1) == 0)
    y = b.constant(b.number(0, 1) == 0 ? s : std::vector<int>{s[3]});
  return b.number(0, 1) == 0 ? b.binary(x, y, any(b, kOfTwo)) : b.binary(y, x, any(b, kOfTwo));
}

void random_chain(Builder& b, Between between, bool codes) {
  random_chain(b, b.input({1, b.number(1, 12), b.number(1, 12), b.number(1, 24)}), between, codes);
}

void random_chain(Builder& b, int x, Between between, bool codes) {
  for (int left = b.number(1, 4); left > 0; --left) {
    for (int n = between == Between::kNothing ? 0 : b.number(0, 2); n > 0; --n)
      x = moves(b, between) ? random_movement(b, x, codes) : random_vector(b, x);
    const std::vector<int> shape = b.shape(x);
    const int R = b.number(1, std::min(3, shape[1])), S = b.number(1, std::min(3, shape[2]));
    const auto padding = b.number(0, 1) == 0 ? model::Padding::kSame : model::Padding::kValid;
    const int stride_h = b.number(1, 2), stride_w = b.number(1, 2), kind = b.number(0, 4);
    if (kind == 0) {
      const int all = shape[1] * shape[2] * shape[3];
      x = b.fully_connected(x, b.number(0, 1) == 0 ? all : shape[3], b.number(1, 20));
      break;
    }
    const bool per_channel = b.number(0, 1) == 0;
    if (kind == 1)
      x = b.depthwise(x, b.number(1, 2), R, S, stride_h, stride_w, 1, 1, padding, per_channel);
    else
      x = b.convolution(x, b.number(1, 24), R, S, stride_h, stride_w, 1, 1, padding, per_channel);
  }
  b.graph.outputs = {x};
}

/// Returns true for operators that round int16 results once.
bool rounds_once(OpKind kind) {
  static const std::vector<OpKind> kKinds{OpKind::kAdd,
                                          OpKind::kSub,
                                          OpKind::kMul,
                                          OpKind::kMean,
                                          OpKind::kConv2D,
                                          OpKind::kQuantize,
                                          OpKind::kDepthwiseConv2D,
                                          OpKind::kFullyConnected,
                                          OpKind::kLeakyRelu,
                                          OpKind::kTransposeConv};
  return std::ranges::count(kKinds, kind) != 0;
}

/// Switches to ONNX's rounding, with 32-bit biases and clamped codes.
void round_to_even(Builder& b) {
  const auto is_wide = [](const model::Tensor& t) { return t.type == model::DataType::kInt16; };
  for (model::Op& op : b.graph.ops) {
    const bool wide = is_wide(b.graph.in(op, op.kind == OpKind::kTransposeConv ? 2 : 0));
    if (!rounds_once(op.kind) || !(wide || is_wide(b.graph.out(op)))) continue;
    op.half_even = true;
    if (!is_wide(b.graph.out(op))) continue;
    op.code_min = once_in(b, 3) ? b.number(INT16_MIN, 0) : INT16_MIN;
    op.code_max = once_in(b, 3) ? b.number(0, INT16_MAX) : INT16_MAX;  // activations begin at 0
  }
}

/// Gives weights values of the format in fixed point, some of them few and small.
void give_weights(Builder& b, spec::Format format, model::Tensor& weights) {
  const int most = once_in(b, 3) ? 255 : b.number(1, 127);
  std::vector<std::int16_t> values;
  while (values.size() < static_cast<std::size_t>(weights.elements())) {
    const auto code = static_cast<std::uint8_t>(b.content(0, most));
    if (const auto value = spec::fixed_of(format, code))
      values.push_back(static_cast<std::int16_t>(*value));
  }
  weights.type = model::DataType::kInt16;
  weights.encoding = model::Encoding::kInt8;
  weights.data.edit().resize(2 * values.size());
  std::memcpy(weights.data.edit().data(), values.data(), weights.data.size());
}

/// Converts all int16 codes, except for those of interpolated functions, to values of a format, if
/// their operators round once.
void give_format(Builder& b) {
  const auto of_int16 = [](const model::Tensor& t) {
    return t.type == model::DataType::kInt16 && t.name != kFraction;
  };
  for (const model::Op& op : b.graph.ops) {
    const model::OpClass type = model::class_of(op.kind);
    const bool moves = type == model::OpClass::kReshape || type == model::OpClass::kMovement ||
                       op.kind == OpKind::kMaxPool2D;
    if (of_int16(b.graph.out(op)) && !op.half_even && !moves) return;
  }
  const auto format = once_in(b, 2) ? spec::Format::kE3M4 : spec::Format::kPosit8;
  for (model::Tensor& t : b.graph.tensors) {
    if (!of_int16(t)) continue;
    if (!t.is_constant) {
      t.format = format;
      continue;
    }
    auto codes = t.values<std::int16_t>();
    for (std::int16_t& code : codes)
      code = static_cast<std::int16_t>(spec::nearest(format, code, 0));
    std::memcpy(t.data.edit().data(), codes.data(), t.data.size());
  }
  for (model::Op& op : b.graph.ops) {
    if (b.graph.out(op).format != format) continue;
    for (int* bound : {&op.code_min, &op.code_max})  // clamps the results
      if (*bound != INT16_MIN && *bound != INT16_MAX)
        *bound = static_cast<int>(spec::nearest(format, *bound, 0));
  }
  for (const model::Op& op : b.graph.ops) {
    if (op.kind != OpKind::kConv2D && op.kind != OpKind::kFullyConnected) continue;
    if (b.graph.in(op, 0).format == format && b.graph.out(op).format == format && once_in(b, 2) &&
        (op.kind == OpKind::kFullyConnected || model::groups(b.graph, op) == 1))
      give_weights(b, format, b.tensor(op.inputs[1]));
  }
}

/// Draws products of two maps, with int32 codes at the ends.
void make_wide_matrices(Builder& b) {
  const int batches = once_in(b, 2) ? 1 : b.number(2, 3), M = b.number(1, 20), N = b.number(1, 20);
  const int K = once_in(b, 6) ? b.number(100, 256) : b.number(1, 24);
  const bool adjoint_a = b.number(0, 1) == 1, adjoint_b = b.number(0, 1) == 1;
  const int shared = once_in(b, 3) ? 1 : batches;
  std::vector<int> a{batches, adjoint_a ? K : M, adjoint_a ? M : K};
  std::vector<int> c{shared, adjoint_b ? N : K, adjoint_b ? K : N};
  int x = b.input(a);
  if (once_in(b, 3)) {
    b.tensor(x).name = kWords;
    x = b.unary(x, OpKind::kQuantize);
  }
  int y = b.batch_matmul(x, b.input(c), adjoint_a, adjoint_b);
  if (once_in(b, 3)) y = b.unary(y, OpKind::kLeakyRelu);
  if (!once_in(b, 3)) return;
  y = b.unary(y, OpKind::kQuantize);
  b.tensor(y).name = kWords;
}

void make_int16(Builder& b) {
  if (once_in(b, 5)) {
    make_wide_matrices(b);
    widen(b, false);
    return;
  }
  if (once_in(b, 2))
    random_chain(b, Between::kAny, true);
  else
    make_wide_images(b);
  const bool known =
      std::ranges::none_of(b.graph.ops, [](const auto& op) { return op.kind == OpKind::kUnknown; });
  if (known && once_in(b, 8)) make_batch(b, b.number(1, 9));
  const bool onnx = once_in(b, 3);
  widen(b, onnx);
  if (onnx) round_to_even(b);
  go_to_corners(b);
  if (once_in(b, 3)) prune(b);
  if (onnx && once_in(b, 2)) give_format(b);
}

/// Gives products E4M3 weights in fixed point and power-of-two scales.
void give_fixed(Builder& b) {
  const auto power = [](float scale) { return std::exp2(std::round(std::log2(scale))); };
  for (model::Tensor& t : b.graph.tensors)
    for (float& scale : t.quantization.scale) scale = power(scale);
  for (model::Op& op : b.graph.ops) {
    op.half_even = true;
    if (op.kind != OpKind::kConv2D && op.kind != OpKind::kFullyConnected) continue;
    model::Tensor& weights = b.tensor(op.inputs[1]);
    const int most = once_in(b, 3) ? 255 : b.number(1, 126);
    std::vector<std::int32_t> values;
    while (values.size() < static_cast<std::size_t>(weights.elements()))
      if (const auto value =
              spec::fixed_of(spec::Format::kE4M3, static_cast<std::uint8_t>(b.content(0, most))))
        values.push_back(static_cast<std::int32_t>(*value));
    weights.type = model::DataType::kInt32;
    weights.encoding = model::Encoding::kInt8;
    weights.data.edit().resize(4 * values.size());
    std::memcpy(weights.data.edit().data(), values.data(), weights.data.size());
    for (float& scale : weights.quantization.scale) scale *= 0x1p-10F;
  }
}

/// Draws products with such weights: first of int8 codes, then of int16 codes.
void make_fixed(Builder& b) {
  int x = b.input({1, b.number(1, 10), b.number(1, 10), b.number(1, 24)});
  bool narrow = !once_in(b, 3);
  if (narrow) b.tensor(x).name = kNarrow;
  for (int left = b.number(1, 3); left > 0; --left) {
    const std::vector<int> shape = b.shape(x);
    const int R = b.number(1, std::min(3, shape[1])), S = b.number(1, std::min(3, shape[2]));
    const auto padding = b.number(0, 1) == 0 ? model::Padding::kSame : model::Padding::kValid;
    const bool last = once_in(b, 4);
    x = last ? b.fully_connected(x, shape[1] * shape[2] * shape[3], b.number(1, 20))
             : b.convolution(x, b.number(1, 24), R, S, b.number(1, 2), b.number(1, 2), 1, 1,
                             padding, once_in(b, 2));
    narrow = narrow && once_in(b, 2);
    if (narrow) b.tensor(x).name = kNarrow;
    if (last) break;
  }
  b.graph.outputs = {x};
  widen(b, true);
  round_to_even(b);
  give_fixed(b);
}

namespace {

/// Adds operators on E4M3 codes. @return true if the chain ends
bool add_of_values(Builder& b, int& x) {
  const std::vector<int> shape = b.shape(x);
  const int R = b.number(1, std::min(3, shape[1])), S = b.number(1, std::min(3, shape[2]));
  const auto padding = b.number(0, 1) == 0 ? model::Padding::kSame : model::Padding::kValid;
  switch (b.number(0, 9)) {
    case 0:
      x = b.pool(x, true, R, S, b.number(1, 2), b.number(1, 2), padding);
      return false;
    case 1:
      x = once_in(b, 2) ? b.pad(x, b.number(0, 2), b.number(0, 2), 1, b.number(0, 2))
                        : b.transpose(x, {0, 2, 1, 3});
      return false;
    case 2:
    case 3: {
      const int y = b.convolution(x, shape[3], R, S, 1, 1, 1, 1, model::Padding::kSame, true);
      x = b.binary(x, y, once_in(b, 2) ? OpKind::kAdd : OpKind::kSub);
      return false;
    }
    case 4:
      x = b.unary(x, OpKind::kQuantize);
      return false;
    case 5:
      x = b.mean(x, {1, 2});
      return true;
    case 6:
      x = b.fully_connected(x, shape[1] * shape[2] * shape[3], b.number(1, 20));
      return true;
    default:
      x = b.convolution(x, b.number(1, 24), R, S, b.number(1, 2), b.number(1, 2), 1, 1, padding,
                        once_in(b, 2));
      return false;
  }
}

/// Draws power-of-two scales that leave about as many bits of a product as codes have.
void scale_weights(Builder& b, const model::Op& op, float input, float output) {
  const auto bits_of = [&](int t) {
    const model::Tensor& tensor = b.graph.tensor(t);
    return model::of_format(tensor) ? 17 : tensor.type == model::DataType::kInt32 ? 16 : 6;
  };
  const int bits = bits_of(op.outputs[0]) - bits_of(op.inputs[0]) - bits_of(op.inputs[1]);
  for (float& scale : b.tensor(op.inputs[1]).quantization.scale)
    scale = std::ldexp(output / input, bits - b.number(0, 4) + 1);
}

/// Draws products with E4M3 codes on one or both sides, with E4M3 or int8 weights.
void make_values(Builder& b) {
  int x = b.input({1, b.number(1, 10), b.number(1, 10), b.number(1, 24)});
  const int input = x;
  for (int left = b.number(1, 4); left > 0; --left)
    if (add_of_values(b, x)) break;
  b.graph.outputs = {x};
  if (!once_in(b, 4)) give_fixed(b);
  const auto takes_int8 = [](const model::Op& op) {
    return op.kind == OpKind::kConv2D || op.kind == OpKind::kFullyConnected ||
           op.kind == OpKind::kQuantize;
  };
  const auto power = [&](int low, int high) { return std::ldexp(1.0F, b.number(low, high)); };
  const auto be_value = [&](int t) {
    model::Tensor& tensor = b.tensor(t);
    tensor.format = spec::Format::kE4M3;
    tensor.encoding = model::Encoding::kInt8;
    tensor.quantization = {{power(-16, -12)}, {0}};
  };
  const auto readers = [&](int t) {
    return std::ranges::count_if(
        b.graph.ops, [&](const model::Op& op) { return std::ranges::count(op.inputs, t) > 0; });
  };
  if (takes_int8(b.graph.ops[0]) && readers(input) == 1 && once_in(b, 4))
    b.tensor(input).quantization = {{power(-6, -4)}, {b.number(-30, 30)}};
  else
    be_value(input);
  for (model::Op& op : b.graph.ops) {
    const int y = op.outputs[0];
    const model::OpClass type = model::class_of(op.kind);
    if (type == model::OpClass::kReshape || type == model::OpClass::kMovement ||
        op.kind == OpKind::kMaxPool2D) {
      op.half_even = false;
      b.tensor(y).format = b.graph.in(op, 0).format;
      b.tensor(y).quantization = b.graph.in(op, 0).quantization;
      continue;
    }
    op.half_even = true;
    op.code_min = once_in(b, 3) ? b.number(-128, 0) : -128;
    op.code_max = once_in(b, 3) ? b.number(0, 127) : 127;
    const bool last = y == b.graph.outputs[0];
    if (last && once_in(b, 4))
      b.tensor(y).quantization = {{power(-5, 3)}, {b.number(-30, 30)}};
    else
      be_value(y);
    if (op.kind == OpKind::kConv2D || op.kind == OpKind::kFullyConnected) {
      scale_weights(b, op, b.graph.in(op, 0).scale(), b.graph.out(op).scale());
      if (op.input(2) >= 0 && model::of_format(b.graph, op) && once_in(b, 3) &&
          b.graph.in(op, 2).type == model::DataType::kInt32)
        lengthen(b.tensor(op.inputs[2]));
    }
  }
}

}  // namespace

/// Draws networks in formats: codes after a quantizer have the format, codes of an input are
/// arbitrary; or only weights have a format, or both have E4M3.
void make_formats(Builder& b) {
  if (once_in(b, 4)) return make_fixed(b);
  if (once_in(b, 3)) return make_values(b);
  int x = b.input({1, b.number(1, 12), b.number(1, 12), b.number(1, 24)});
  if (!once_in(b, 4)) {
    b.tensor(x).name = kNarrow;
    x = b.unary(x, OpKind::kQuantize);
  }
  static const std::vector<Between> kBetween{Between::kNothing, Between::kMovement, Between::kAny};
  random_chain(b, x, any(b, kBetween), true);
  if (once_in(b, 8)) make_batch(b, b.number(1, 9));
  widen(b, true);
  round_to_even(b);
  go_to_corners(b);
  if (once_in(b, 3)) prune(b);
  give_format(b);
}

}  // namespace trine::fuzz
