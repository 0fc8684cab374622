// SPDX-License-Identifier: Apache-2.0
//
// Computes the factors of a FULLY_CONNECTED with a factor for each group of input channels
// (docs/numerics.md).

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace trine::model {

inline constexpr int kMostFactor = 1 << 14;  ///< factor of the group with a channel's largest scale
inline constexpr int kGroupShift = 8;        ///< right shift of a group's product
inline constexpr int kGroupSumBits = 26;     ///< bits of the sum of these products

/// Returns true if no input codes make a channel's sum too large.
/// @param block  weights in a group
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

/// The scale of a channel, and the factors of its groups relative to it.
struct GroupFactors {
  float scale = 1;
  std::vector<std::int16_t> factors;
};

/// Computes the scales of a channel's groups as factors of the largest scale. All factors are
/// halved until the channel's sum fits.
/// @param scales  finite; one for each group of `block` weights, of which the last may be
/// incomplete
inline GroupFactors group_factors(std::span<const std::int8_t> weights,
                                  std::span<const float> scales, int block) {
  float most = 0;
  for (const float scale : scales) most = std::max(most, std::abs(scale));
  if (most == 0) most = 1;
  int largest = kMostFactor;
  GroupFactors made{0, std::vector<std::int16_t>(scales.size())};
  do {
    for (std::size_t i = 0; i < scales.size(); ++i)
      made.factors[i] =
          static_cast<std::int16_t>(std::lround(double{scales[i]} / double{most} * largest));
  } while (!fits_group_sum(weights, made.factors, block) && (largest /= 2) > 1);
  made.scale = most * (static_cast<float>(1 << kGroupShift) / static_cast<float>(largest));
  return made;
}

}  // namespace trine::model
