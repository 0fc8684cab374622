// SPDX-License-Identifier: Apache-2.0
//
// Golden model of a normalization: implements docs/numerics.md step by step, with quotients and
// searches instead of shifts and floating-point tables, so that it shares no expression with the
// RTL (rtl/results/trine_softmax_lane.sv) or sw/reference/ops/norm.cpp.

#pragma once

#include <cstdint>
#include <vector>

namespace trine::golden {

__extension__ using Wide = __int128;

/// Returns the largest whole number not above n / d. @pre d > 0
inline std::int64_t quotient(Wide n, Wide d) {
  Wide q = n / d;
  if (q * d > n) --q;
  return static_cast<std::int64_t>(q);
}

/// Returns 2^exponent.
inline std::int64_t power(int exponent) { return exponent == 0 ? 1 : 2 * power(exponent - 1); }

/// The parameters of a normalization in the machine's registers.
struct NormRow {
  bool center = true;        ///< LayerNorm; else RMSNorm
  int origin = 127;          ///< w = origin - code
  int channels = 1;          ///< N
  std::int64_t epsilon = 0;  ///< E, in units of 2^-F
  int value_bits = 20;       ///< B: 20 or 16

  /// Returns F: 2^F times the largest variance has 42 bits at most.
  int fraction_bits() const {
    if (channels < 32) return 8;
    if (channels < 128) return 6;
    return channels < 512 ? 4 : 0;
  }

  /// Returns L = floor(log2 N).
  int log2() const {
    int l = 0;
    while (2 * power(l) <= channels) ++l;
    return l;
  }
  /// Returns A = 2^(30+L) / N to nearest. Ties never occur: only powers of two N divide 2^(31+L),
  /// and their quotient is whole.
  std::int64_t reciprocal() const {
    std::int64_t a = 0;
    for (std::int64_t bit = power(30); bit > 0; bit /= 2)
      if ((2 * (a + bit) - 1) * channels <= power(31 + log2())) a += bit;
    return a;
  }
};

/// Returns 2^15 / sqrt((i + 1/2) / 256) to nearest, which is the largest t with
/// (t - 1/2)^2 (i + 1/2) <= 2^38. Returns 0 for i < 64.
inline std::int64_t root_start(int i) {
  if (i < 64) return 0;
  std::int64_t t = 0;
  for (std::int64_t bit = power(16); bit > 0; bit /= 2)
    if ((2 * (t + bit) - 1) * (2 * (t + bit) - 1) * (2 * i + 1) <= power(41)) t += bit;
  return t;
}

struct NormResult {
  std::int64_t mean = 0, factor = 0;  ///< steps 3 and 8
  std::vector<std::int64_t> values;   ///< mean - 2^(B+2) w, before the product of step 9
};

inline NormResult normalize(const std::vector<int>& codes, const NormRow& row) {
  NormResult result;
  Wide sum = 0, squares = 0;
  for (const int code : codes) {
    sum += row.center ? row.origin - code : 0;
    squares += (row.origin - code) * (row.origin - code);
  }
  const int L = row.log2(), G = row.fraction_bits() / 2;
  result.mean = quotient(Wide{quotient(sum * power(11 + G) * row.reciprocal(), power(30))} *
                             power(11 + row.value_bits - L - G),
                         power(20));
  for (const int code : codes)
    result.values.push_back(result.mean - power(row.value_bits + 2) * (row.origin - code));

  Wide variance = (row.channels * squares - sum * sum) * power(2 * G) + row.epsilon;
  int e = 0;
  for (; e < 21 && variance < power(40); ++e) variance *= 4;
  const std::int64_t v = quotient(variance, power(11));
  const std::int64_t t = root_start(static_cast<int>(quotient(v, power(23))));
  const std::int64_t y = power(15) * t;
  const std::int64_t d = power(30) - quotient(Wide{v} * quotient(t * t, 2), power(30));
  const std::int64_t c =
      quotient(Wide{d} * (power(30) + quotient(d, 2) + quotient(d, 4)), power(30));
  const std::int64_t root = quotient(Wide{power(30) + quotient(c, 2)} * y, power(30));
  const int places = e + L + G + 4;
  result.factor = places >= 30 ? root : quotient(root, power(30 - places));
  return result;
}

/// Returns the machine's word of a normalization's table: root_start(index) in the upper half, and
/// w^2 of the w whose low byte is `index` in the lower half.
inline std::uint32_t norm_word(int index, int origin) {
  std::uint32_t square = 0;
  for (int code = -128; code < 128; ++code)
    if (quotient(origin - code - index, 256) * 256 == origin - code - index)
      square = static_cast<std::uint32_t>((origin - code) * (origin - code));
  return static_cast<std::uint32_t>(root_start(index)) * 65536 + square;
}

}  // namespace trine::golden
