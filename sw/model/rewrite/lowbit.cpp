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

/// Returns the float at a position of the ascending order; negative floats count backwards from -1.
float float_at(std::int64_t position) {
  const auto bits = static_cast<std::uint32_t>(position < 0 ? 0x80000000 - position - 1 : position);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// Returns the least x in low..high with f(x), or high + 1. @pre f never falls
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

/// The range of widths w for which w * y is between two numbers, for each given edge.
struct Widths {
  double least = 0, most = std::numeric_limits<double>::infinity();

  void keep(double y, double above, double below) {
    double from = above / y, to = below / y;
    if (y < 0) std::swap(from, to);
    least = std::max(least, from);
    most = std::min(most, to);
  }
  /// Returns true if the middle of the range tolerates a float32's error.
  bool has_room() const { return least < most && most - least > 0x1p-18 * least; }
  double middle() const { return std::isinf(most) ? 2 * least + 1 : (least + most) / 2; }
};

constexpr double kHalf = 0.5;

/// Returns all widths that are correct with a bias.
Widths widths_of(const std::vector<std::int32_t>& thresholds, int first, const Reached& x,
                 double bias) {
  constexpr double kAny = std::numeric_limits<double>::infinity();
  Widths widths;
  for (std::size_t k = 0; k < thresholds.size(); ++k) {
    const double t = thresholds[k], unit = x.unit;
    widths.keep(first + static_cast<int>(k) + kHalf, t <= x.low ? -kAny : unit * (t - 1) + bias,
                t > x.high ? kAny : unit * t + bias);
  }
  return widths;
}

/// Returns a bias near the correct ones, if there are any.
double likely_bias(const std::vector<std::int32_t>& thresholds, int first, const Reached& x) {
  const auto reached = [&](std::int32_t t) { return t > x.low && t <= x.high; };
  const auto begin = std::ranges::find_if(thresholds, reached);
  const auto end = std::find_if_not(begin, thresholds.end(), reached);
  const double all = x.unit * (1.0 * x.high - x.low + 2);
  const double passed = static_cast<double>(begin - thresholds.begin());
  if (begin == end) {  // only one level
    const auto always = std::ranges::count_if(thresholds, [&](auto t) { return t <= x.low; });
    return std::nearbyint(2 * all * (first + static_cast<double>(always)));
  }
  const double count = static_cast<double>(end - begin) - 1;
  const double width = count == 0 ? all : x.unit * (1.0 * end[-1] - *begin) / count;
  return std::nearbyint(width * (first + passed + kHalf) - x.unit * (*begin - kHalf));
}

/// Returns true if steps of a power of two, with halves to even, reproduce each threshold.
bool holds(const std::vector<std::int32_t>& thresholds, int first, const Reached& x,
           const EvenSteps& steps) {
  const auto above = [&](std::int64_t accumulator, int level) {
    const std::int64_t of = accumulator * x.unit + steps.bias;
    return std::nearbyint(static_cast<double>(of) / steps.width) > level;
  };
  for (int k = 0; k < static_cast<int>(thresholds.size()); ++k) {
    const std::int64_t t = thresholds[static_cast<std::size_t>(k)];
    if (t <= x.high && !above(std::max<std::int64_t>(t, x.low), first + k)) return false;
    if (t > x.low && above(std::min<std::int64_t>(t, std::int64_t{x.high} + 1) - 1, first + k))
      return false;
  }
  return true;
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

std::optional<EvenSteps> even_steps(const std::vector<std::int32_t>& thresholds, int first,
                                    const Reached& x) {
  const double likely = likely_bias(thresholds, first, x);
  const double most = std::numeric_limits<std::int32_t>::max() -
                      x.unit * std::max(std::abs(1.0 * x.low), std::abs(1.0 * x.high));
  for (int i = 0; i <= 8 * x.unit; ++i) {  // 0, -1, 1, -2, ...
    const double bias = likely + (i % 2 == 0 ? i / 2 : -(i + 1) / 2);
    const Widths widths = widths_of(thresholds, first, x, bias);
    if (std::abs(bias) >= most) continue;
    const auto whole = static_cast<std::int32_t>(bias);
    if (widths.has_room()) return EvenSteps{widths.middle(), whole};
    const EvenSteps power{std::exp2(std::nearbyint(std::log2(widths.least))), whole, true};
    if (holds(thresholds, first, x, power)) return power;
  }
  return std::nullopt;
}

}  // namespace trine::model
