// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cmath>

#include "sw/reference/ops.h"
#include "sw/reference/quantized_params.h"

namespace trine::reference {
namespace {

/// f(a, b) over the broadcast operands.
template <typename F>
Codes zip(const Call& call, const F& f) {
  const Codes a = call.codes(0), b = call.codes(1);
  const auto a_of = broadcast(call.in(0).shape, call.out().shape);
  const auto b_of = broadcast(call.in(1).shape, call.out().shape);
  Codes result(a_of.size());
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = f(a[static_cast<std::size_t>(a_of[i])], b[static_cast<std::size_t>(b_of[i])]);
  return result;
}

/// LiteRT's.
float logistic(float x) {
  if (x > 16.619047164916992188f) return 1.0f;
  return x < -9.0f ? std::exp(x) : 1.0f / (1.0f + std::exp(-x));
}

float float_function(model::OpKind kind, float x) {
  using model::OpKind;
  switch (kind) {
    case OpKind::kAbs:
      return std::abs(x);
    case OpKind::kCeil:
      return std::ceil(x);
    case OpKind::kCos:
      return std::cos(x);
    case OpKind::kElu:
      return x < 0 ? std::expm1(x) : x;
    case OpKind::kErf:
      return std::erf(x);
    case OpKind::kExp:
      return std::exp(x);
    case OpKind::kFloor:
      return std::floor(x);
    case OpKind::kLog:
      return std::log(x);
    case OpKind::kLogistic:
      return logistic(x);
    case OpKind::kNeg:
      return -x;
    case OpKind::kRelu:
      return std::max(x, 0.0f);
    case OpKind::kRelu6:
      return std::min(std::max(x, 0.0f), 6.0f);
    case OpKind::kReluN1To1:
      return std::min(std::max(x, -1.0f), 1.0f);
    case OpKind::kRound:
      return std::nearbyint(x);
    case OpKind::kRsqrt:
      return 1.0f / std::sqrt(x);
    case OpKind::kSin:
      return std::sin(x);
    case OpKind::kSqrt:
      return std::sqrt(x);
    case OpKind::kSquare:
      return x * x;
    default:
      return std::tanh(x);
  }
}

float float_function(model::OpKind kind, float a, float b) {
  using model::OpKind;
  switch (kind) {
    case OpKind::kAdd:
      return a + b;
    case OpKind::kDiv:
      return a / b;
    case OpKind::kMaximum:
      return std::max(a, b);
    case OpKind::kMinimum:
      return std::min(a, b);
    case OpKind::kMul:
      return a * b;
    case OpKind::kSub:
      return a - b;
    default:
      return (a - b) * (a - b);
  }
}

}  // namespace

Codes add(const Call& call) {
  const AddParams p = add_params(call.graph, call.op);
  const auto input = [&](std::size_t i, std::int32_t code) {
    return scaled((code - p.zero_point[i]) * (1 << p.left_shift), p.input[i], call.rounding);
  };
  return zip(call, [&](std::int32_t a, std::int32_t b) {
    const std::int32_t x = input(0, a), y = input(1, b);
    std::int32_t value = call.op.kind == model::OpKind::kAdd ? x + y : x - y;
    if (call.op.kind == model::OpKind::kSquaredDifference) value *= value;
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
  const bool largest = call.op.kind == model::OpKind::kMaximum;
  return zip(call, [&](std::int32_t a, std::int32_t b) {
    return largest ? std::max(a, b) : std::min(a, b);
  });
}

Codes unary(const Call& call) {
  const auto table = code_table(call.graph, call.op, call.rounding);
  Codes codes = call.codes(0, call.in(0).type == model::DataType::kUInt8 ? 0 : -128);
  for (std::int32_t& code : codes) code = table[static_cast<std::size_t>(code)];
  return codes;
}

Codes quantize(const Call& call) {
  if (call.in(0).type != model::DataType::kFloat32) return unary(call);
  const OutputRange range = output_range(call.out(), model::Activation::kNone);
  Codes codes;
  for (const float x : call.floats(0)) {
    const float ratio = x / call.out().scale();
    const float steps = call.op.half_even ? std::nearbyint(ratio) : std::round(ratio);  // else away
    const double limited = std::isnan(steps) ? -1e9 : std::clamp(double{steps}, -1e9, 1e9);
    codes.push_back(to_code(static_cast<std::int32_t>(limited), range));
  }
  return codes;
}

std::vector<float> dequantize(const Call& call) {
  std::vector<float> result;
  const double scale = double{call.in(0).scale()};
  for (const std::int32_t code : call.codes(0, call.in(0).zero_point()))
    result.push_back(static_cast<float>(scale * code));
  return result;
}

std::vector<float> float_unary(const Call& call) {
  std::vector<float> values = call.floats(0);
  for (float& x : values) x = float_function(call.op.kind, x);
  return values;
}

std::vector<float> float_binary(const Call& call) {
  const std::vector<float> a = call.floats(0), b = call.floats(1);
  const auto a_of = broadcast(call.in(0).shape, call.out().shape);
  const auto b_of = broadcast(call.in(1).shape, call.out().shape);
  std::vector<float> result(a_of.size());
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = float_function(call.op.kind, a[static_cast<std::size_t>(a_of[i])],
                               b[static_cast<std::size_t>(b_of[i])]);
  return result;
}

}  // namespace trine::reference
