// SPDX-License-Identifier: Apache-2.0
//
// Golden model of a PE's dot product of two 32-bit words:
//
//   dot = sum over lanes of act[lane] * wgt[lane],  lane 0 in the lowest bits
//
// The RTL twin is rtl/matmul/trine_dot.sv.

#pragma once

#include <cstdint>

namespace trine::golden {

enum class Precision { kInt8 = 0, kTernary = 1, kBinary = 2 };

/// Returns the bits of one lane: 8, 2 or 1.
inline int lane_bits(Precision precision) {
  switch (precision) {
    case Precision::kInt8:
      return 8;
    case Precision::kTernary:
      return 2;
    case Precision::kBinary:
      return 1;
  }
  return 0;
}

/// Returns the value of a lane: two's complement, except for binary: 1 = +1, 0 = -1.
inline int lane_value(std::uint32_t word, int lane, Precision precision) {
  const int bits = lane_bits(precision);
  const int code = static_cast<int>(word >> (lane * bits)) & ((1 << bits) - 1);
  if (precision == Precision::kBinary) return code == 1 ? 1 : -1;
  return code < 1 << (bits - 1) ? code : code - (1 << bits);
}

inline int dot(std::uint32_t act, std::uint32_t wgt, Precision precision) {
  int sum = 0;
  for (int lane = 0; lane < 32 / lane_bits(precision); ++lane)
    sum += lane_value(act, lane, precision) * lane_value(wgt, lane, precision);
  return sum;
}

/// Returns the input of the body of Booth rows for a weight word
/// (rtl/matmul/trine_booth_digits.sv). An int8 byte w has four digits d = w[2k-1] + w[2k] - 2 *
/// w[2k+1]: the lower bit is set if |d| = 1, the upper is w[2k+1]; the bits for |d| = 2 start at
/// bit 32. Other words are unchanged, and the upper bits are ignored.
inline std::uint64_t digits(std::uint32_t wgt, Precision precision) {
  if (precision != Precision::kInt8) return std::uint64_t{0xffff} << 32 | wgt;
  const auto bit = [&](int at) { return static_cast<int>(wgt >> at & 1); };
  std::uint64_t word = 0;
  for (int k = 0; k < 16; ++k) {
    const int d = (k % 4 > 0 ? bit(2 * k - 1) : 0) + bit(2 * k) - 2 * bit(2 * k + 1);
    word |= std::uint64_t{d == 1 || d == -1} << 2 * k;
    word |= std::uint64_t{bit(2 * k + 1) == 1} << (2 * k + 1);
    word |= std::uint64_t{d == 2 || d == -2} << (32 + k);
  }
  return word;
}

/// Returns a word that the precision can contain: ternary has no lane 10.
inline std::uint32_t legal_word(std::uint32_t random, Precision precision) {
  if (precision != Precision::kTernary) return random;
  const std::uint32_t forbidden = (random >> 1) & ~random & 0x55555555u;
  return random & ~(forbidden << 1);
}

}  // namespace trine::golden
