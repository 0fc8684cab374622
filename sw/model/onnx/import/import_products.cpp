// SPDX-License-Identifier: Apache-2.0
//
// Imports products, both with constant weights and of two tensors.

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <span>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/model/graph/groups.h"
#include "sw/model/graph/indices.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/onnx/import/importer.h"

namespace trine::model::onnx_file {
namespace {

constexpr int kMostFixed = (1 << 18) - 1;     ///< of fixed-point weights
constexpr int kBlocks[] = {128, 64, 32, 16};  ///< input channels of a group

/// Returns the largest group size for which neighbouring weights of all channels have one scale per
/// group.
/// @param taps  of a channel
int block_of(const std::vector<float>& scales, std::size_t taps) {
  for (const int block : kBlocks) {
    bool alike = true;
    for (std::size_t i = 1; i < scales.size() && alike; ++i)
      alike = i % taps % static_cast<std::size_t>(block) == 0 || scales[i] == scales[i - 1];
    if (alike) return block;
  }
  throw_error(
      "weights of one channel with several scales, allowed groups of 16, 32, 64 and 128; "
      "per_channel=False in quantize_static gives them one scale");
}

/// Splits weights of -16..14 (uint4 minus a zero point) into sums of two weights of four bits. Each
/// row's channels are multiplied twice, with separate groups.
/// @param scales, taps  of each weight; of a channel
/// @return true if that is possible
bool split(std::vector<float>* scales, std::size_t taps, Product* p) {
  constexpr int kLow = -8, kHigh = 7;
  const auto [low, high] = std::ranges::minmax(p->weights);
  if (low >= kLow && high <= kHigh) return false;
  if (!p->in_rows || low < 2 * kLow || high > 2 * kHigh ||
      taps % static_cast<std::size_t>(p->block) != 0)
    return false;
  std::vector<std::int8_t> weights;
  std::vector<float> twice;
  for (std::size_t first = 0; first < p->weights.size(); first += taps) {
    const auto of_channel = std::span(p->weights).subspan(first, taps);
    for (const int w : of_channel)
      weights.push_back(static_cast<std::int8_t>(std::clamp(w, kLow, kHigh)));
    for (const int w : of_channel)
      weights.push_back(static_cast<std::int8_t>(w - std::clamp(w, kLow, kHigh)));
    for (int i = 0; i < 2; ++i)
      twice.insert(twice.end(), scales->begin() + static_cast<std::ptrdiff_t>(first),
                   scales->begin() + static_cast<std::ptrdiff_t>(first + taps));
  }
  p->weights = std::move(weights);
  p->filter.back() *= 2;
  p->twice = true;
  *scales = std::move(twice);
  return true;
}

/// Sets the scales of groups as factors of the channel's largest scale. Powers of two are exact.
/// @param scales  of each weight
void set_groups(std::vector<float> scales, std::size_t taps, Product* p) {
  p->block = block_of(scales, taps);
  if (split(&scales, taps, p)) taps *= 2;
  p->scales.clear();
  for (std::size_t first = 0; first < scales.size(); first += taps) {
    std::vector<float> of_groups;
    for (std::size_t k = 0; k < taps; k += static_cast<std::size_t>(p->block))
      of_groups.push_back(scales[first + k]);
    for (const float scale : of_groups)
      if (!std::isfinite(scale)) throw_error("weights' scale {}, allowed finite numbers", scale);
    const auto weights = std::span(p->weights).subspan(first, taps);
    const GroupFactors made = group_factors(weights, of_groups, p->block);
    p->scales.push_back(made.scale);
    p->factors.insert(p->factors.end(), made.factors.begin(), made.factors.end());
  }
}

/// Makes the scale of a channel with one group positive. It may be negative (Q4_0) or, without
/// weights, 0.
void be_positive(std::size_t first, std::size_t taps, float& scale, Product* p) {
  const int sign = scale < 0 ? -1 : scale > 0 ? 1 : 0;
  for (std::int8_t& w : std::span(p->weights).subspan(first, taps))
    w = static_cast<std::int8_t>(w * sign);
  scale = scale == 0 ? 1 : std::abs(scale);
}

/// Returns the number of low bits that are 0 in all these codes.
int zeros_of(const NumberList<std::int32_t>& codes, const Indices& places) {
  std::uint32_t all = 0;
  for (const std::size_t at : places) all |= static_cast<std::uint32_t>(codes[at]);
  return all == 0 ? 0 : std::countr_zero(all);
}

using Taps = std::function<Indices(int)>;  ///< the elements of a channel's weights

/// The rule by which codes of constant weights are read.
struct WeightRule {
  bool plain = false;       ///< unquantized whole numbers
  bool narrow = false;      ///< 4-bit codes, which fit int8 without their zero points
  int shift = 0;            ///< subtracted from uint8 weights: 128
  std::vector<int> shared;  ///< by channel: low bits that are 0 in all weights, moved to the scale
  bool wide = false;        ///< fixed point of more than 8 bits
};

WeightRule rule_of(const Constant& c, const Taps& of_channel, int channels) {
  WeightRule rule;
  rule.plain = c.codes.empty();
  rule.shared.resize(static_cast<std::size_t>(channels));
  if (rule.plain) return rule;
  if (const auto [low, high] = std::ranges::minmax(c.codes); low >= 0 && high > 127 && high < 256)
    rule.shift = 128;
  const auto is_narrow = [](int code) { return code >= -8 && code <= 15; };
  rule.narrow =
      std::ranges::all_of(c.codes, is_narrow) && std::ranges::all_of(c.zero_points, is_narrow);
  const auto beyond = [](int code) { return code < -128 || code > 127; };
  if (rule.shift != 0 || rule.narrow || std::ranges::none_of(c.codes, beyond)) return rule;
  for (int m = 0; m < channels; ++m) {
    const Indices row = of_channel(m);
    if (std::ranges::any_of(row, [&](std::size_t at) { return c.zero_points[at] != 0; })) continue;
    if (std::ranges::none_of(row, [&](std::size_t at) { return beyond(c.codes[at]); })) continue;
    const int zeros = rule.shared[static_cast<std::size_t>(m)] = zeros_of(c.codes, row);
    rule.wide = rule.wide || std::ranges::any_of(
                                 row, [&](std::size_t at) { return beyond(c.codes[at] >> zeros); });
  }
  return rule;
}

/// Sets codes, scales and zero point of constant weights, channel by channel.
void set_weights(const Constant& c, const Taps& of_channel, Product* p) {
  const WeightRule rule = rule_of(c, of_channel, p->channels);
  const auto scale_of = [&](std::size_t at, std::size_t m) {
    return rule.plain ? 1.0f : std::ldexp(c.scales[at], rule.shared[m]);
  };
  if (!rule.wide) p->weights.reserve(c.elements());
  std::vector<float> scales;  // of channels
  bool in_groups = false;
  std::size_t taps = 0;
  for (int channel = 0; channel < p->channels; ++channel) {
    const auto m = static_cast<std::size_t>(channel);
    const Indices row = of_channel(channel);
    taps = row.size();
    for (const std::size_t at : row) {
      const int less = rule.plain ? 0 : rule.narrow ? c.zero_points[at] : rule.shift;
      const double code =
          rule.plain ? c.values[at] : std::ldexp(double(c.codes[at] - less), -rule.shared[m]);
      if (code != std::trunc(code) || code < (rule.wide ? -kMostFixed : -128) ||
          code > (rule.wide ? kMostFixed : 127))
        throw_error("weight {} is not a quantized value of 8 bits{}: quantize weights to int8",
                    c.values[at], rule.wide ? ", or in fixed point of 19" : "");
      const int zero_point = rule.plain || rule.narrow ? 0 : c.zero_points[at] - rule.shift;
      if (m == 0 && at == row[0]) p->zero_point = zero_point;
      if (zero_point != p->zero_point)
        throw_error("weights of one channel with several zero points, allowed one");
      if (rule.wide)
        p->wide.push_back(static_cast<std::int32_t>(code));
      else
        p->weights.push_back(static_cast<std::int8_t>(code));
      in_groups = in_groups || scale_of(at, m) != scale_of(row[0], m);
    }
    if (!row.empty()) scales.push_back(scale_of(row[0], m));
  }
  for (std::size_t m = 0; m < scales.size() && !in_groups; ++m) {
    if (rule.narrow && p->op.kind == OpKind::kFullyConnected)
      be_positive(m * taps, taps, scales[m], p);
    if (!std::isfinite(scales[m]) || scales[m] <= 0)
      throw_error("weights' scale {}, allowed above 0", scales[m]);
  }
  if (!in_groups) p->scales = std::move(scales);
  if (in_groups && p->op.kind != OpKind::kFullyConnected)
    throw_error("weights of one channel with several scales, allowed in MatMul and Gemm");
  if (in_groups) {
    std::vector<float> each;
    for (int m = 0; m < p->channels; ++m)
      for (const std::size_t at : of_channel(m))
        each.push_back(scale_of(at, static_cast<std::size_t>(m)));
    set_groups(std::move(each), taps, p);
  }
  if (p->zero_point < -128 || p->zero_point > 127)
    throw_error("weights' zero point {}, allowed -128..127", p->zero_point);
}

}  // namespace

void Importer::set_bias(std::size_t position, Product* p) const {
  if (!has(position)) return;
  const Constant& c = constant(position);
  if (c.elements() != static_cast<std::size_t>(p->channels) && c.elements() != 1)
    throw_error("bias of {} elements, allowed {}", c.elements(), p->channels);
  for (int m = 0; m < p->channels; ++m) {
    const double b = c.values[c.elements() == 1 ? 0 : static_cast<std::size_t>(m)];
    if (!std::isfinite(b)) throw_error("bias {} is not finite", b);
    p->bias.push_back(static_cast<float>(b));
  }
}

Value Importer::of_product(Product product, std::vector<int> shape) {
  Value value;
  value.shape = std::move(shape);
  const bool rows = product.op.kind == OpKind::kFullyConnected;
  value.layout = rows ? Layout::kPlain : Layout::kNhwc;
  value.channel_axis = rows ? static_cast<int>(value.shape.size()) - 1 : 1;
  value.product = std::make_shared<const Product>(std::move(product));
  return value;
}

namespace {

/// Returns a number of four bits; the first one is in a byte's low half.
/// @param row  numbers in a row, which has whole bytes
int nibble(const Constant& packed, std::size_t row, std::size_t y, std::size_t x) {
  const auto byte = static_cast<int>(packed.values[y * ((row + 1) / 2) + x / 2]);
  return x % 2 == 0 ? byte & 15 : byte >> 4;
}

}  // namespace

/// Returns the weights of MatMulNBits, [N, K].
ConstantPointer Importer::weights_of_bits() const {
  const std::int64_t bits = node_->integer("bits", 4), block = node_->integer("block_size", 0);
  const std::int64_t N = node_->integer("N", 0), K = node_->integer("K", 0);
  if (bits != 4) throw_error("{} bits, allowed 4", bits);
  if (block < 16 || block > 256 || (block & (block - 1)) != 0)
    throw_error("block_size {}, allowed 16, 32, 64, 128 and 256", block);
  if (N < 1 || K < 1 || N > INT32_MAX || K > INT32_MAX)
    throw_error("K {} and N {}, allowed 1 and above", K, N);
  if (has(4))
    throw_error("g_idx '{}', allowed none: groups must be neighbouring channels", node_->inputs[4]);
  const Constant &packed = constant(1), &scales = constant(2);
  const auto rows = static_cast<std::size_t>(N),
             blocks = static_cast<std::size_t>(K / block + (K % block != 0));
  const auto of_block = static_cast<std::size_t>(block);
  if (packed.elements() != rows * blocks * of_block / 2 || scales.elements() != rows * blocks)
    throw_error("{} bytes and {} scales do not fit K {}, N {}", packed.elements(),
                scales.elements(), K, N);
  const Constant* zeros = has(3) ? &constant(3) : nullptr;
  if (zeros != nullptr &&
      (zeros->type != DataType::kUInt8 || zeros->elements() != rows * ((blocks + 1) / 2)))
    throw_error("zero points '{}', allowed uint8, two a byte", node_->inputs[3]);
  auto result = std::make_shared<Constant>();
  result->shape = {static_cast<int>(N), static_cast<int>(K)};
  for (std::size_t n = 0; n < rows; ++n)
    for (std::size_t k = 0; k < static_cast<std::size_t>(K); ++k) {
      const std::size_t b = k / of_block;
      const int code = nibble(packed, blocks * of_block, n, k);
      const int zero = zeros == nullptr ? 8 : nibble(*zeros, blocks, n, b);
      const auto scale = static_cast<float>(scales.values[n * blocks + b]);
      result->codes.push_back(code);
      result->zero_points.push_back(zero);
      result->scales.push_back(scale);
      result->values.push_back(static_cast<float>(code - zero) * scale);
    }
  return result;
}

Value Importer::matmul() {
  const bool gemm = node_->type == "Gemm", of_bits = node_->type == "MatMulNBits";
  const bool transposed = of_bits || (gemm && node_->integer("transB", 0) != 0);
  if (gemm && (node_->integer("transA", 0) != 0 || node_->real("alpha", 1) != 1 ||
               node_->real("beta", 1) != 1))
    throw_error("transA, alpha and beta: allowed only 0, 1 and 1");
  if (node_->type == "MatMul" && (!in(1).constant || in(1).constant->rank() > 2))
    return product_of_two();
  Value input = codes_of_input();
  const ConstantPointer unpacked = of_bits ? weights_of_bits() : nullptr;
  const Constant& c = of_bits ? *unpacked : constant(1);
  if (c.rank() != 2 || input.shape.size() < 2)
    throw_error("operands of rank below 2, allowed 2 and above");
  if (input.layout == Layout::kNhwc) input = emit_.to_plain(input, node_->index);
  const int K = c.shape[transposed ? 1 : 0], M = c.shape[transposed ? 0 : 1];
  if (K < 1 || M < 1 || input.shape.back() != K)
    throw_error("{} columns times {} rows, allowed equal numbers", input.shape.back(), K);
  Product p;
  p.op = op_of(OpKind::kFullyConnected, node_->index, {input.tensor});
  p.name = out();
  p.channels = M;
  p.filter = {M, K};
  p.shape = input.shape;
  p.shape.back() = M;
  const std::vector<std::size_t> steps = steps_of(c.shape);
  const std::size_t column = steps[transposed ? 0 : 1], row = steps[transposed ? 1 : 0];
  // Pixels, and their channels, of a flattened image. ONNX's rows contain all pixels of a channel.
  const int C = input.layout == Layout::kFlat ? input.image[0] : 1, pixels = K / C;
  p.in_rows = input.layout != Layout::kFlat;
  p.weights_name = node_->inputs.at(1);
  set_weights(
      c,
      [&](int m) {
        return walk({pixels, C}, {row, row * pixels}, column * at(m));
      },
      &p);
  if (gemm || of_bits) set_bias(of_bits ? 5 : 2, &p);
  const std::vector<int> shape = p.shape;
  return of_product(std::move(p), shape);
}

/// Returns the codes of an operand of a product of two tensors. A constant gets the rank of the
/// other operand.
Value Importer::factor(std::size_t position) {
  const ConstantPointer c = in(position).constant;
  if (!c) return plain_codes(position);
  const Value& other = codes_in(1 - position);
  if (c->codes.empty())
    throw_error("input {} is a constant without a quantizer, allowed constants of codes", position);
  Value value;
  value.shape = c->shape;
  if (value.shape.size() < other.shape.size())
    value.shape.insert(value.shape.begin(), other.shape.size() - value.shape.size(), 1);
  value.tensor =
      emit_.add_code_constant(node_->inputs[position] + ":codes", *c, value.shape, is_wide(other));
  return value;
}

/// Imports a MatMul of two tensors of codes, which becomes a BATCH_MATMUL when a quantizer follows.
Value Importer::product_of_two() {
  const Value a = factor(0), b = factor(1);
  if (is_wide(a) != is_wide(b))
    throw_error("one operand is int16 and the other is not, allowed the same type");
  const std::size_t rank = a.shape.size();
  if (rank < 2 || rank != b.shape.size())
    throw_error("operands of rank {} and {}, allowed the same rank, 2 or above", rank,
                b.shape.size());
  if (a.shape[rank - 1] != b.shape[rank - 2])
    throw_error("{} columns times {} rows, allowed equal numbers", a.shape[rank - 1],
                b.shape[rank - 2]);
  auto shape =
      broadcast_shape({a.shape.begin(), a.shape.end() - 2}, {b.shape.begin(), b.shape.end() - 2});
  if (!shape) throw_error("its tensors have different shapes");
  shape->push_back(a.shape[rank - 2]);
  shape->push_back(b.shape[rank - 1]);
  if (elements_of(*shape) < 0) throw_error("more than 2^31 elements");
  return of_sum({node_->index, a.tensor, b.tensor, out(), OpKind::kBatchMatMul, hosted(out())}, a,
                *shape);
}

Value Importer::of_sum(Sum sum, Value like, std::vector<int> shape) {
  like.shape = std::move(shape);
  like.tensor = -1;
  like.sum = std::make_shared<const Sum>(std::move(sum));
  return like;
}

Value Importer::conv() {
  Value input = codes_of_input();
  if (input.shape.size() != 4) throw_error("input of rank {}, allowed 4", input.shape.size());
  input = emit_.to_nhwc(input, node_->index);
  const Constant& c = constant(1);
  if (c.rank() != 4) throw_error("weights of rank {}, allowed 4", c.rank());
  const int M = c.shape[0], filter_c = c.shape[1], C = input.shape[1];
  const std::int64_t group = node_->integer("group", 1);
  if (c.elements() == 0 || group < 1 || group > C || C != filter_c * group || M % group != 0)
    throw_error("{} input channels, weights [{}, {}, ...] and group {} do not fit", C, M, filter_c,
                group);
  const bool depthwise = group > 1 && filter_c == 1;
  const int R = c.shape[2], S = c.shape[3];
  const Windows w = windows(input, {R, S});
  Product p;
  p.name = out();
  p.channels = M;
  p.filter = depthwise ? std::vector<int>{1, R, S, M} : std::vector<int>{M, R, S, filter_c};
  const std::vector<std::size_t> steps = steps_of(c.shape);
  const auto taps = [&](int m) {
    return walk({R, S, filter_c}, {steps[2], steps[3], steps[1]}, steps[0] * at(m));
  };
  p.weights_name = node_->inputs.at(1);
  set_weights(c, taps, &p);
  set_bias(2, &p);
  p.op = windowed(depthwise ? OpKind::kDepthwiseConv2D : OpKind::kConv2D, w, 0, &input);
  p.op.depth_multiplier = depthwise ? M / C : 1;
  return placed(std::move(p), input);
}

/// Imports a transposed convolution without borders, which are removed from the codes afterwards.
/// Groups and dilations become weights of 0.
Value Importer::conv_transpose() {
  Value input = codes_of_input();
  if (input.shape.size() != 4) throw_error("input of rank {}, allowed 4", input.shape.size());
  input = emit_.to_nhwc(input, node_->index);
  const Constant& c = constant(1);
  const std::int64_t group = node_->integer("group", 1);
  const int C = input.shape[1];
  if (c.rank() != 4 || c.elements() == 0 || group < 1 || group > C || c.shape[0] != C ||
      C % group != 0 || c.shape[1] > kMaxWindow)
    throw_error("weights [{}] and group {} do not fit {} channels", fmt::join(c.shape, ", "), group,
                C);
  const int of_group = c.shape[1], M = of_group * static_cast<int>(group);
  const int R = c.shape[2], S = c.shape[3];
  const std::vector<int> image(input.shape.begin() + 2, input.shape.end());
  const Windows w = windows_over(*node_, image, {R, S});
  const std::vector<Span> spans = transposed_over(*node_, image, w);
  const Span &rows = spans[0], &cols = spans[1];
  if (double{1} * M * rows.taps * cols.taps * C > static_cast<double>(kMaxWeights))
    throw_error("more than {} weights, zeros of groups and dilations included", kMaxWeights);
  Product p;
  p.name = out();
  p.channels = M;
  const std::vector<std::size_t> steps = steps_of(c.shape);
  const int inputs = C / static_cast<int>(group);
  const auto taps = [&](int m) {
    return walk({R, S, inputs}, {steps[2], steps[3], steps[0]},
                m / of_group * inputs * steps[0] + m % of_group * steps[1]);
  };
  p.weights_name = node_->inputs.at(1);
  set_weights(c, taps, &p);
  if (!p.wide.empty())
    throw_error("weights of more than 8 bits, allowed in Conv of one group, Gemm and MatMul");
  set_bias(2, &p);
  p.filter = {M, rows.taps, cols.taps, C};
  std::vector<std::int8_t> spread(count_of(p.filter), static_cast<std::int8_t>(p.zero_point));
  const std::vector<std::size_t> to = steps_of(p.filter);
  std::size_t next = 0;
  for (int m = 0; m < M; ++m)
    for (const std::size_t at :
         walk({R, S, inputs}, {w.dilations[0] * to[1], w.dilations[1] * to[2], 1},
              m * to[0] + static_cast<std::size_t>(m / of_group * inputs)))
      spread[at] = p.weights[next++];
  p.weights = std::move(spread);
  p.op = op(OpKind::kTransposeConv);
  p.op.stride_h = w.strides[0], p.op.stride_w = w.strides[1];
  p.op.padding = Padding::kValid;
  p.shape = {input.shape[0], rows.whole, cols.whole, M};
  p.op.inputs = {emit_.add_integers(p.shape), input.tensor};
  Value whole = of_product(std::move(p), {input.shape[0], M, rows.whole, cols.whole});
  return cut(std::move(whole), rows, cols);
}

/// Cuts rows and columns out of an image, or out of its codes as soon as there are codes.
Value Importer::cut(Value value, const Span& rows, const Span& cols) {
  const auto whole = [](const Span& s) { return s.first == 0 && s.size == s.whole; };
  if (whole(rows) && whole(cols)) return value;
  const std::vector<int> shape = {value.shape[0], value.shape[1], rows.size, cols.size};
  if (is_pending(value))
    return later(
        std::move(value), shape,
        [this, rows, cols](Value codes) { return cut(std::move(codes), rows, cols); }, out());
  if (!whole(rows)) value = sliced(value, 2, rows.first, rows.size, 1, out());
  return whole(cols) ? value : sliced(value, 3, cols.first, cols.size, 1, out());
}

/// Returns a product over windows of an image. @pre its operator is set
Value Importer::placed(Product p, const Value& image) const {
  const Window w = places(p.op, image);
  const int N = image.shape[0], M = p.channels;
  p.shape = {N, w.P, w.Q, M};
  return of_product(std::move(p), {N, M, w.P, w.Q});
}

}  // namespace trine::model::onnx_file
