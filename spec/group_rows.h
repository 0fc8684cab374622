// SPDX-License-Identifier: Apache-2.0
//
// PMEM layout of 4-bit weights with a factor for each group of input channels (`int8_groups`,
// docs/architecture.md).

#pragma once

#include <cstdint>

namespace trine::spec {

/// PMEM rows of the weights of the output channels that are computed together. The reduction is
/// divided into groups of `steps` steps each.
struct GroupRows {
  static constexpr std::int64_t kStepsOfRow = 2;  ///< steps whose weights share a row
  static constexpr std::int64_t kFewest = 8;      ///< `steps` is a multiple of this number
  /// Width of a factor, which is a sign and a magnitude. Two factors fill a word.
  static constexpr int kFactorBits = 16;
  static constexpr int kShift = 8;     ///< right shift of the products with factors
  static constexpr int kSumBits = 26;  ///< width of the sums of these products

  std::int64_t steps = kFewest;

  /// Returns the number of rows with the weights of one group of the reduction.
  std::int64_t of_weights() const { return steps / kStepsOfRow; }
  /// Returns the number of rows of the first `groups` groups. The weights of every even group are
  /// followed by a row with the factors of this group and of the next group.
  std::int64_t rows(std::int64_t groups) const { return groups * of_weights() + (groups + 1) / 2; }
  /// Returns the row of a step's weights.
  std::int64_t row_of_step(std::int64_t step) const {
    const std::int64_t group = step / steps;
    return rows(group) + step % steps / kStepsOfRow;
  }
  /// Returns the row that contains a group's factor.
  std::int64_t row_of_factor(std::int64_t group) const {
    return rows(group / 2 * 2) + of_weights();
  }
};

/// Returns a factor as it is stored in PMEM: sign and magnitude.
constexpr std::uint32_t packed_factor(std::int32_t factor) {
  return factor < 0 ? 0x8000U | static_cast<std::uint32_t>(-factor)
                    : static_cast<std::uint32_t>(factor);
}
/// Extracts the factor of a group from a word of PMEM.
constexpr std::int32_t factor_of(std::uint32_t word, std::int64_t group) {
  const std::uint32_t half = word >> (group % 2 * GroupRows::kFactorBits);
  const auto magnitude = static_cast<std::int32_t>(half & 0x7fffU);
  return (half & 0x8000U) != 0 ? -magnitude : magnitude;
}
/// Returns true if the factor of a group in a word of PMEM is negative.
constexpr bool is_minus(std::uint32_t word, std::int64_t group) {
  return (word >> (group % 2 * GroupRows::kFactorBits) & 0x8000U) != 0;
}

}  // namespace trine::spec
