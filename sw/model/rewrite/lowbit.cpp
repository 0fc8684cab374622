// SPDX-License-Identifier: Apache-2.0

#include "sw/model/rewrite/lowbit.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace trine::model {
namespace {

float apply(const FloatStep& step, float x, std::size_t channel) {
  const float c = step.value[step.value.size() == 1 ? 0 : channel];
  switch (step.kind) {
    case FloatStep::Kind::kAdd:
      return x + c;
    case FloatStep::Kind::kSub:
      return x - c;
    case FloatStep::Kind::kSubFrom:
      return c - x;
    case FloatStep::Kind::kMul:
      return x * c;
    case FloatStep::Kind::kDiv:
      return x / c;
    case FloatStep::Kind::kMax:
      return std::max(x, c);
    case FloatStep::Kind::kMin:
      return std::min(x, c);
  }
  return x;
}

/// Floats in ascending order as integers: negative ones count backwards from -1.
float float_at(std::int64_t position) {
  const auto bits = static_cast<std::uint32_t>(position < 0 ? 0x80000000 - position - 1 : position);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// The least x in low..high with f(x), high + 1 where there is none. @pre f never falls
template <typename F>
std::int64_t least(std::int64_t low, std::int64_t high, const F& f) {
  while (low <= high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (f(middle))
      high = middle - 1;
    else
      low = middle + 1;
  }
  return low;
}

float rounded(QuantRule::Round round, float x) {
  switch (round) {
    case QuantRule::Round::kHalfEven:
      return std::nearbyint(x);
    case QuantRule::Round::kCeil:
      return std::ceil(x);
    case QuantRule::Round::kFloor:
      return std::floor(x);
    case QuantRule::Round::kUp:
      return std::copysign(std::ceil(std::abs(x)), x);
    case QuantRule::Round::kDown:
      return std::trunc(x);
    case QuantRule::Round::kHalfUp:
      return std::copysign(std::floor(std::abs(x) + 0.5f), x);
    case QuantRule::Round::kHalfDown:
      return std::copysign(std::ceil(std::abs(x) - 0.5f), x);
  }
  return x;
}

}  // namespace

int QuantRule::code(float x) const {
  if (kind == Kind::kBipolar) return x >= 0 ? 1 : -1;
  float y = x / scale;
  y = kind == Kind::kLinear ? std::nearbyint(y) + zero_point : y + zero_point;
  if (std::isnan(y)) return low;
  y = std::clamp(y, static_cast<float>(low), static_cast<float>(high));
  return static_cast<int>(kind == Kind::kLinear ? y : rounded(round, y));
}

float apply(const std::vector<FloatStep>& steps, float x, std::size_t channel) {
  for (const FloatStep& step : steps) x = apply(step, x, channel);
  return x;
}

Encoding smallest_encoding(const std::vector<std::int8_t>& codes) {
  for (const Encoding e : {Encoding::kBinary, Encoding::kTernary, Encoding::kInt2, Encoding::kInt4})
    if (std::ranges::all_of(codes, [&](std::int8_t c) { return holds(e, c); })) return e;
  return Encoding::kInt8;
}

std::vector<std::int32_t> thresholds(const LevelOf<std::int32_t>& level, int count,
                                     std::int32_t low, std::int32_t high) {
  std::vector<std::int32_t> result;
  for (int k = 0; k < count; ++k)
    result.push_back(static_cast<std::int32_t>(
        least(low, high, [&](std::int64_t x) { return level(static_cast<std::int32_t>(x)) > k; })));
  return result;
}

std::vector<float> float_thresholds(const LevelOf<float>& level, int count) {
  constexpr std::int64_t kLargest = 0x7f7fffff;  // position of the largest float
  std::vector<float> result;
  for (int k = 0; k < count; ++k) {
    const std::int64_t at =
        least(-kLargest - 1, kLargest, [&](std::int64_t x) { return level(float_at(x)) > k; });
    result.push_back(at > kLargest ? std::numeric_limits<float>::infinity() : float_at(at));
  }
  return result;
}

}  // namespace trine::model
