// SPDX-License-Identifier: Apache-2.0
//
// Golden model of requantization from an int32 accumulator to an 8-bit code. It is bit-exact to
// TFLite's reference kernels: MultiplyByQuantizedMultiplier with two roundings, as in their default
// build, or with one rounding. A third mode rounds halves to even and is close to ONNX's
// quantization.
//
//   real_value = scale * (code - zero_point)
//   scale_in * scale_weight / scale_out = multiplier * 2^(shift - 31),  multiplier in [2^30, 2^31)
//
// The RTL twins are rtl/results/trine_post_lane.sv with trine_mul.sv, and trine_post_clamp.sv,
// which rounds last. Everything here is pure and total on its documented domain.

#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "spec/minifloat.h"

namespace trine::reference {

/// The rounding of a scaled accumulator.
/// kDouble: to Q31 and then to the result, as LiteRT up to 1.2.0, TFLite Micro and CMSIS-NN;
/// kSingle: floor(acc * multiplier / 2^(31 - shift) + 1/2);
/// kHalfEven: acc * multiplier / 2^(31 - shift) to nearest, ties to even, as ONNX's QuantizeLinear.
enum class Rounding { kDouble, kSingle, kHalfEven };

/// The scale of one output channel, as the mantissa and exponent that the hardware stores.
struct ChannelScale {
  std::int32_t multiplier = 0;  ///< Q31 mantissa, 0 or in [2^30, 2^31)
  int shift = 0;                ///< exponent in [-31, 30]; if positive, the shift comes first

  bool operator==(const ChannelScale& other) const {
    return multiplier == other.multiplier && shift == other.shift;
  }
};

/// The zero point and limits of an operator's output codes.
struct OutputRange {
  std::int32_t zero_point = 0;
  std::int32_t act_min = -128;                ///< lower bound after the fused activation, inclusive
  std::int32_t act_max = 127;                 ///< upper bound after the fused activation, inclusive
  spec::Format format = spec::Format::kNone;  ///< the format whose values the codes represent
};

/// Splits `scale` into mantissa and exponent, as TFLite's converter does.
/// @param scale  >= 0. Scales below 2^-32 become zero. Scales of 2^30 or more, also infinite,
/// become the largest pair
inline ChannelScale quantize_scale(double scale) {
  constexpr ChannelScale kLargest{std::numeric_limits<std::int32_t>::max(), 30};
  if (scale == 0.0) return {};
  if (!(scale < 0x1p30)) return kLargest;
  int shift = 0;
  auto mantissa = static_cast<std::int64_t>(std::round(std::frexp(scale, &shift) * 0x1p31));
  if (mantissa == std::int64_t{1} << 31) {  // frexp gave 1 - epsilon
    mantissa /= 2;
    ++shift;
  }
  if (shift < -31) return {};
  if (shift > 30) return kLargest;
  return {static_cast<std::int32_t>(mantissa), shift};
}

/// Returns why the hardware does not accept a pair, or nothing if it does. The text names the value
/// and the allowed range; the caller adds tensor and channel in front.
inline std::optional<std::string> check(const ChannelScale& s, const OutputRange& out) {
  if (s.multiplier < 0)
    return fmt::format("multiplier {} is negative, allowed 0..2147483647", s.multiplier);
  if (s.shift < -31 || s.shift > 30)
    return fmt::format("shift {} is out of range, allowed -31..30", s.shift);
  if (out.zero_point < -128 || out.zero_point > 127)
    return fmt::format("zero point {} is out of range, allowed -128..127", out.zero_point);
  if (out.act_min < -128 || out.act_max > 127 || out.act_min > out.act_max)
    return fmt::format("activation range {}..{} is empty or exceeds -128..127", out.act_min,
                       out.act_max);
  return std::nullopt;
}

/// Returns the low 32 bits, as a register keeps them.
inline std::int32_t wrap(std::int64_t x) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x & 0xffffffff));
}

/// Returns the nearest 32-bit number.
inline std::int32_t saturate(std::int64_t x) {
  using Limits = std::numeric_limits<std::int32_t>;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(x, Limits::min(), Limits::max()));
}

/// Returns x * 2^exponent, limited to 32 bits.
inline std::int32_t saturating_left(std::int32_t x, int exponent) {
  return saturate(std::int64_t{x} * (std::int64_t{1} << exponent));
}

/// Returns floor((a * b + 2^30) / 2^31), so that ties round up. Saturates the one case that
/// overflows.
inline std::int32_t rounding_doubling_high_multiply(std::int32_t a, std::int32_t b) {
  constexpr auto kMin = std::numeric_limits<std::int32_t>::min();
  if (a == kMin && b == kMin) return std::numeric_limits<std::int32_t>::max();
  const std::int64_t product = std::int64_t{a} * b;
  return static_cast<std::int32_t>((product + (std::int64_t{1} << 30)) >> 31);
}

/// Returns x / 2^exponent, rounded to nearest, ties away from zero.
/// @param exponent  0..31
inline std::int32_t rounding_divide_by_pot(std::int32_t x, int exponent) {
  const std::int64_t mask = (std::int64_t{1} << exponent) - 1;
  const std::int64_t remainder = x & mask;
  const std::int64_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return static_cast<std::int32_t>((std::int64_t{x} >> exponent) + (remainder > threshold ? 1 : 0));
}

/// Returns x / 2^exponent, rounded to nearest, ties to even.
/// @param exponent  1..62
template <typename Int>
Int half_even_divide_by_pot(Int x, int exponent) {
  const Int quotient = x >> exponent;
  const Int remainder = x - quotient * (Int{1} << exponent);
  const Int half = Int{1} << (exponent - 1);
  return quotient + (remainder > half || (remainder == half && quotient % 2 != 0) ? 1 : 0);
}

/// Returns acc * multiplier * 2^(shift - 31), rounded, saturated to 32 bits, as the machine does.
/// If acc * 2^shift exceeds 32 bits, TFLite's own result is undefined: its kernels wrap or
/// saturate.
/// @pre shift in -31..30
inline std::int32_t scaled(std::int32_t acc, const ChannelScale& s, Rounding rounding) {
  const std::int64_t product = std::int64_t{acc} * s.multiplier;
  if (rounding == Rounding::kHalfEven)
    return saturate(half_even_divide_by_pot(product, 31 - s.shift));
  if (rounding == Rounding::kSingle || s.shift >= 0)  // both are one rounding then
    return saturate((product + (std::int64_t{1} << (30 - s.shift))) >> (31 - s.shift));
  return rounding_divide_by_pot(rounding_doubling_high_multiply(acc, s.multiplier), -s.shift);
}

/// Returns the upper 15 bits of a multiplier, rounded.
inline std::int32_t short_multiplier(std::int32_t multiplier) {
  return multiplier < 0x7fff0000 ? (multiplier + (1 << 15)) >> 16 : 0x7fff;
}

/// Returns sum * multiplier / 2^right, rounded once, saturated to 32 bits.
/// @pre |sum| <= 2^47, multiplier of 15 bits, right in 1..62
inline std::int32_t scaled_short(std::int64_t sum, std::int32_t multiplier, int right) {
  return saturate((sum * multiplier + (std::int64_t{1} << (right - 1))) >> right);
}

/// Scales a 64-bit sum of 16x8 products by the multiplier's upper 15 bits, with one rounding.
/// TFLite's own result is undefined if the sum exceeds 48 bits or the result 32 bits. Here, both
/// are limited.
inline std::int32_t scaled_wide(std::int64_t sum, const ChannelScale& s) {
  constexpr std::int64_t kMost = std::int64_t{1} << 47;
  const std::int64_t limited = std::clamp(sum, -kMost, kMost - 1);
  const std::int32_t upper = short_multiplier(s.multiplier);
  const int right = 15 - s.shift;
  if (right < 1)
    return saturate(std::int64_t{saturate(limited * upper)} * (std::int64_t{1} << -right));
  return scaled_short(limited, upper, right);
}

/// Scales a sum of 16x8 products by the whole multiplier, rounded once, halves to even. Unlike in
/// scaled(), the sum may exceed 32 bits.
inline std::int32_t scaled_half_even(std::int64_t sum, const ChannelScale& s) {
  __extension__ using Wide = __int128;
  const Wide whole = half_even_divide_by_pot(Wide{sum} * s.multiplier, 31 - s.shift);
  constexpr Wide kLeast = INT32_MIN, kMost = INT32_MAX;
  return static_cast<std::int32_t>(std::clamp(whole, kLeast, kMost));
}

/// Adds the zero point, then clamps.
inline std::int32_t to_code(std::int32_t value, const OutputRange& out) {
  return static_cast<std::int32_t>(
      std::clamp<std::int64_t>(std::int64_t{value} + out.zero_point, out.act_min, out.act_max));
}

/// Returns number * 2^-right as a code, rounded once, halves to even or to the nearest value of the
/// format.
/// @pre |number| < 2^80, right in 1..80
inline std::int32_t nearest_code(spec::Exact number, int right, const OutputRange& out) {
  if (out.format != spec::Format::kNone)
    return std::clamp(spec::as_code(out.format, spec::nearest(out.format, number, right)),
                      out.act_min, out.act_max);
  const spec::Exact whole = half_even_divide_by_pot(number, right);
  constexpr spec::Exact kMost = 1 << 30;
  return to_code(static_cast<std::int32_t>(std::clamp(whole, -kMost, kMost)), out);
}

/// Returns sum * multiplier / 2^right as the nearest value of `out`'s format, clamped, with one
/// rounding.
/// @pre `out` has a format; |sum| < 2^48, multiplier of 31 bits, right in 1..62
inline std::int32_t to_format(std::int64_t sum, std::int32_t multiplier, int right,
                              const OutputRange& out) {
  const std::int64_t value = spec::nearest(out.format, spec::Exact{sum} * multiplier, right);
  return std::clamp(spec::as_code(out.format, value), out.act_min, out.act_max);
}

/// Requantizes one accumulator to one code (int8, or 0..255 if `out` has such limits).
inline std::int32_t requantize(std::int32_t acc, const ChannelScale& s, const OutputRange& out,
                               Rounding rounding = Rounding::kDouble) {
  if (out.format != spec::Format::kNone) return to_format(acc, s.multiplier, 31 - s.shift, out);
  return to_code(scaled(acc, s, rounding), out);
}

}  // namespace trine::reference
