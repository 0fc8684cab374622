// SPDX-License-Identifier: Apache-2.0
//
// Golden model of a softmax lane: its outputs for the post lane for each code, from a table of
// exponentials. The RTL twin is rtl/results/trine_softmax_lane.sv.

#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace trine::golden {

using Exponentials = std::array<std::uint32_t, 256>;  ///< of distances 0..255 from the largest

/// A factor for a reciprocal if codes have another scale: multiplier * 2^(shift - 31).
struct Rescale {
  std::int64_t multiplier = 0;
  int shift = 0;
};

struct SoftmaxOperands {
  std::vector<std::uint32_t> values;  ///< of the codes
  std::int64_t multiplier = 0;
  int shift = 0;
};

/// Returns x / 2^bits to nearest, halves up.
inline std::int64_t nearest(std::int64_t x, int bits) {
  return (x + (std::int64_t{1} << (bits - 1))) >> bits;
}

inline SoftmaxOperands softmax_operands(const std::vector<int>& codes, const Exponentials& table,
                                        const Rescale* rescale = nullptr) {
  SoftmaxOperands result;
  const int largest = *std::max_element(codes.begin(), codes.end());
  std::int64_t sum = 0;
  for (const int code : codes) {
    result.values.push_back(table[static_cast<std::size_t>(largest - code)]);
    sum += nearest(result.values.back(), 12);
  }
  int zeros = 1;  // of 32 bits
  std::int64_t half = sum;
  for (; half < 1 << 30; half *= 2) ++zeros;
  std::int64_t x = 1515870810 + nearest(-1010580540 * half, 31);  // 48/17 - 32/17 half
  for (int step = 0; step < 3; ++step)
    x += 4 * nearest(x * ((1 << 29) - nearest(half * x, 31)), 31);
  result.multiplier = std::min<std::int64_t>(2 * x, INT32_MAX);
  if (rescale != nullptr) result.multiplier = x * rescale->multiplier / (std::int64_t{1} << 30);
  const int shift = zeros - 35 + (rescale == nullptr ? 0 : rescale->shift);
  result.shift = std::max(shift, -32);  // beyond it, every code is 0
  return result;
}

}  // namespace trine::golden
