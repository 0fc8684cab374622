// SPDX-License-Identifier: Apache-2.0
//
// FULLY_CONNECTED with a factor for each group of input channels: what its sums are made of
// (docs/numerics.md).

#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>

namespace trine::model {

inline constexpr int kMostFactor = 1 << 14;  ///< of the group with a channel's largest scale
inline constexpr int kGroupShift = 8;        ///< of a group's product, to the right
inline constexpr int kGroupSumBits = 26;     ///< of the sum of these

/// Whether no codes make a channel's sum too large. @param block  weights of a group
inline bool fits_group_sum(std::span<const std::int8_t> weights,
                           std::span<const std::int16_t> factors, int block) {
  constexpr int kMostCode = 128;
  auto most = static_cast<std::int64_t>(factors.size()) << kGroupShift;  // rounded down
  const auto channels = static_cast<std::size_t>(block);
  for (std::size_t first = 0; first < weights.size(); first += channels) {
    std::int64_t sum = 0;
    for (const std::int8_t w : weights.subspan(first, std::min(channels, weights.size() - first)))
      sum += std::abs(w);
    most += kMostCode * sum * std::abs(factors[first / channels]);
  }
  return most >> kGroupShift < std::int64_t{1} << (kGroupSumBits - 1);
}

}  // namespace trine::model
