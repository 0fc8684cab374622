// SPDX-License-Identifier: Apache-2.0
//
// Golden model of a post lane: TFLite's int8 requantization, ADD and SQUARED_DIFFERENCE, with both
// roundings of M.
//
//   double  M(x, q, shift) = rdpot(rdhm(x << max(shift, 0), q), max(-shift, 0))
//   single  M(x, q, shift) = floor((x * q + 2^(30 - shift)) / 2^(31 - shift))
//   half even  M(x, q, shift) = x * q / 2^(31 - shift) to nearest, halves to even; the operands of
//   ADD as single
//
// The RTL twin is rtl/results/trine_post_lane.sv.

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace trine::golden {

struct Scale {
  std::int32_t multiplier = 0;  ///< Q31, non-negative
  int shift = 0;                ///< -31..30, positive is left
};

enum class Rounding { kDouble, kSingle, kHalfEven };

struct Range {
  int zero_point = 0, act_min = -128, act_max = 127;
};

/// Does not shift left first, because bits could be lost. With a left shift, both roundings are
/// equal.
inline std::int64_t multiply_by_scale(std::int64_t x, const Scale& s, Rounding rounding) {
  if (rounding == Rounding::kHalfEven) {
    const std::int64_t unit = std::int64_t{1} << (31 - s.shift), product = x * s.multiplier;
    const std::int64_t floor = product >> (31 - s.shift), rest = product - floor * unit;
    return floor + (2 * rest > unit || (2 * rest == unit && floor % 2 != 0) ? 1 : 0);
  }
  if (rounding == Rounding::kSingle || s.shift >= 0) {
    const std::int64_t half = std::int64_t{1} << (30 - s.shift);
    return (x * s.multiplier + half) >> (31 - s.shift);
  }
  const std::int64_t high = (x * s.multiplier + (std::int64_t{1} << 30)) >> 31;
  const int right = -s.shift;
  const std::int64_t magnitude = (std::abs(high) + (std::int64_t{1} << (right - 1))) >> right;
  return high < 0 ? -magnitude : magnitude;
}

inline int to_code(std::int64_t value, const Range& range) {
  return static_cast<int>(
      std::clamp<std::int64_t>(value + range.zero_point, range.act_min, range.act_max));
}

/// @param acc  accumulator plus bias, wrapped to 32 bits
inline int requantize(std::int32_t acc, const Scale& s, const Range& range, Rounding rounding) {
  return to_code(multiply_by_scale(acc, s, rounding), range);
}

/// TFLite's ADD: both operands in units of 2 * max(scale) / 2^20.
struct Add {
  int zero_a = 0, zero_b = 0;
  Scale scale_a, scale_b, scale_sum;
  Range range;
};

inline std::int64_t both_operands(int a, int b, const Add& add, int left, Rounding rounding) {
  const Rounding first = rounding == Rounding::kDouble ? rounding : Rounding::kSingle;
  const auto operand = [&](int value, const Scale& scale) {
    return multiply_by_scale(std::int64_t{value} * (1 << left), scale, first);
  };
  return operand(a - add.zero_a, add.scale_a) + operand(b - add.zero_b, add.scale_b);
}

inline int add(int a, int b, const Add& add, Rounding rounding) {
  const std::int64_t sum = both_operands(a, b, add, 20, rounding);
  return to_code(multiply_by_scale(sum, add.scale_sum, rounding), add.range);
}

/// Computes TFLite's SQUARED_DIFFERENCE, if b is the complement of its operand.
inline int squared_sum(int a, int b, const Add& add, const Scale& scale, const Range& range,
                       Rounding rounding) {
  const std::int64_t sum = both_operands(a, b, add, 7, rounding);
  return to_code(multiply_by_scale(sum * sum, scale, rounding), range);
}

}  // namespace trine::golden
