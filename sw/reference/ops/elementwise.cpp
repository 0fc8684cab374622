// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/reference/ops/ops.h"
#include "sw/reference/quantized_params.h"

namespace trine::reference {
namespace {

/// Returns f(a, b) over the broadcast operands.
template <typename T, typename F>
std::vector<T> zip(const Call& call, const std::vector<T>& a, const std::vector<T>& b, const F& f) {
  const auto a_of = broadcast(call.in(0).shape, call.out().shape);
  const auto b_of = broadcast(call.in(1).shape, call.out().shape);
  std::vector<T> result(a_of.size());
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = f(a[a_of[i]], b[b_of[i]]);
  return result;
}

/// Returns f(a, b) over the codes of the broadcast operands.
template <typename F>
Codes zip(const Call& call, const F& f) {
  return zip(call, call.codes(0), call.codes(1), f);
}

/// Computes LiteRT's logistic function.
float logistic(float x) {
  if (x > 16.619047164916992188f) return 1.0f;
  return x < -9.0f ? std::exp(x) : 1.0f / (1.0f + std::exp(-x));
}

using model::OpKind;

using OfOne = float (*)(float);
constexpr std::pair<OpKind, OfOne> kOfOne[] = {
    {OpKind::kAbs, [](float x) { return std::abs(x); }},
    {OpKind::kCeil, [](float x) { return std::ceil(x); }},
    {OpKind::kCos, [](float x) { return std::cos(x); }},
    {OpKind::kElu, [](float x) { return x < 0 ? std::expm1(x) : x; }},
    {OpKind::kErf, [](float x) { return std::erf(x); }},
    {OpKind::kExp, [](float x) { return std::exp(x); }},
    {OpKind::kFloor, [](float x) { return std::floor(x); }},
    {OpKind::kLog, [](float x) { return std::log(x); }},
    {OpKind::kLogistic, logistic},
    {OpKind::kNeg, [](float x) { return -x; }},
    {OpKind::kRelu, [](float x) { return std::max(x, 0.0f); }},
    {OpKind::kRelu6, [](float x) { return std::min(std::max(x, 0.0f), 6.0f); }},
    {OpKind::kReluN1To1, [](float x) { return std::min(std::max(x, -1.0f), 1.0f); }},
    {OpKind::kRound, [](float x) { return std::nearbyint(x); }},
    {OpKind::kRsqrt, [](float x) { return 1.0f / std::sqrt(x); }},
    {OpKind::kSin, [](float x) { return std::sin(x); }},
    {OpKind::kSqrt, [](float x) { return std::sqrt(x); }},
    {OpKind::kSquare, [](float x) { return x * x; }},
    {OpKind::kTanh, [](float x) { return std::tanh(x); }},
};
constexpr auto kFloatOfOne = model::table_of<OfOne>(
    kOfOne, [](OpKind kind) { return model::is_unary(kind) && model::computes_floats(kind); });

using OfTwo = float (*)(float, float);
constexpr std::pair<OpKind, OfTwo> kOfTwo[] = {
    {OpKind::kAdd, [](float a, float b) { return a + b; }},
    {OpKind::kDiv, [](float a, float b) { return a / b; }},
    {OpKind::kMaximum, [](float a, float b) { return std::max(a, b); }},
    {OpKind::kMinimum, [](float a, float b) { return std::min(a, b); }},
    {OpKind::kMul, [](float a, float b) { return a * b; }},
    {OpKind::kSquaredDifference, [](float a, float b) { return (a - b) * (a - b); }},
    {OpKind::kSub, [](float a, float b) { return a - b; }},
};
constexpr auto kFloatOfTwo = model::table_of<OfTwo>(
    kOfTwo, [](OpKind kind) { return model::is_binary(kind) && model::computes_floats(kind); });

}  // namespace

namespace {

/// Adds values of a format exactly, and rounds once. @pre neither scale is more than 2^30 times the
/// other
Codes add_values(const Call& call) {
  const double output = double{call.out().scale()};
  const ChannelScale a = quantize_scale(double{call.in(0).scale()} / output);
  const ChannelScale b = quantize_scale(double{call.in(1).scale()} / output);
  const int shift = std::min(a.shift, b.shift);
  const spec::Exact sign = call.op.kind == OpKind::kSub ? -1 : 1;
  const spec::Exact of_a = spec::Exact{a.multiplier} << (a.shift - shift);
  const spec::Exact of_b = sign * (spec::Exact{b.multiplier} << (b.shift - shift));
  const OutputRange range = add_params(call.graph, call.op).output;
  return zip(call, call.units(0), call.units(1), [&](std::int32_t x, std::int32_t y) {
    return nearest_code(of_a * x + of_b * y, 31 - shift, range);
  });
}

}  // namespace

Codes add(const Call& call) {
  if (call.of_format()) return add_values(call);
  const AddParams p = add_params(call.graph, call.op);
  const bool wide = call.out().type == model::DataType::kInt16;  // whose terms round halves up
  const Rounding terms =
      wide && call.rounding == Rounding::kHalfEven ? Rounding::kSingle : call.rounding;
  const auto input = [&](std::size_t i, std::int32_t code) {
    return scaled((code - p.zero_point[i]) * (1 << p.left_shift), p.input[i], terms);
  };
  return zip(call, [&](std::int32_t a, std::int32_t b) {
    const std::int32_t x = input(0, a), y = input(1, b);
    std::int32_t value = call.op.kind == OpKind::kAdd ? x + y : x - y;
    if (call.op.kind == OpKind::kSquaredDifference) value *= value;
    return requantize(value, p.result, p.output, call.rounding);
  });
}

Codes mul(const Call& call) {
  const MulParams p = mul_params(call.graph, call.op);
  return zip(call, [&](std::int32_t a, std::int32_t b) {
    const std::int32_t product = (a - p.zero_point[0]) * (b - p.zero_point[1]);
    return requantize(product, p.scale, p.output, call.rounding);
  });
}

Codes select(const Call& call) {
  const bool largest = call.op.kind == OpKind::kMaximum;
  return zip(call, [&](std::int32_t a, std::int32_t b) {
    return largest ? std::max(a, b) : std::min(a, b);
  });
}

Codes unary(const Call& call) {
  if (model::bytes_of(call.in(0).type) > 1) {
    if (call.op.kind == OpKind::kLogistic || call.op.kind == OpKind::kTanh)
      return interpolated(call);
    return function_codes(call.graph, call.op, call.rounding, call.codes(0));
  }
  const auto table = code_table(call.graph, call.op, call.rounding);
  Codes codes = call.codes(0, call.in(0).type == model::DataType::kUInt8 ? 0 : -128);
  for (std::int32_t& code : codes) code = table[code];
  return codes;
}

Codes quantize(const Call& call) {
  if (call.in(0).type != model::DataType::kFloat32) return unary(call);
  const OutputRange range = output_range(call.out(), model::Activation::kNone);
  const int least = range.act_min - range.zero_point, most = range.act_max - range.zero_point;
  Codes codes;
  for (const float x : call.floats(0)) {
    if (call.op.of_whole && !(x == std::nearbyint(x) && double{x} >= least && double{x} <= most))
      throw_error("{}: '{}' has no quantizer, allowed only whole numbers of {}..{}, not {}",
                  model::label(call.graph, call.op), call.in(0).name, least, most, x);
    const float ratio = x / call.out().scale();
    if (range.format != spec::Format::kNone) {
      codes.push_back(spec::as_code(range.format, spec::nearest_real(range.format, double{ratio})));
      continue;
    }
    const float steps = call.op.half_even ? std::nearbyint(ratio) : std::round(ratio);  // else away
    const double limited = std::isnan(steps) ? -1e9 : std::clamp(double{steps}, -1e9, 1e9);
    codes.push_back(to_code(static_cast<std::int32_t>(limited), range));
  }
  return codes;
}

std::vector<float> dequantize(const Call& call) {
  std::vector<float> result;
  const double scale = double{call.in(0).scale()};
  for (const std::int32_t code : call.units(0)) result.push_back(static_cast<float>(scale * code));
  return result;
}

std::vector<float> float_unary(const Call& call) {
  std::vector<float> values = call.floats(0);
  const OfOne function = kFloatOfOne[static_cast<std::size_t>(call.op.kind)];
  for (float& x : values) x = function(x);
  return values;
}

std::vector<float> float_binary(const Call& call) {
  return zip(call, call.floats(0), call.floats(1),
             kFloatOfTwo[static_cast<std::size_t>(call.op.kind)]);
}

}  // namespace trine::reference
