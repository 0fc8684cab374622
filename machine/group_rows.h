// SPDX-License-Identifier: Apache-2.0
//
// Where weights of four bits with factors by groups lie in PMEM: `int8_groups`,
// docs/architecture.md.

#pragma once

#include <cstdint>

namespace trine::machine {

/// Rows of a group of columns, whose steps are groups of `steps` of the reduction.
struct GroupRows {
  static constexpr std::int64_t kStepsOfRow = 2;  ///< of weights
  static constexpr std::int64_t kFewest = 8;  ///< steps of a group, and of whole ones a multiple
  static constexpr int kFactorBits = 16;      ///< sign and magnitude; two in a word
  static constexpr int kShift = 8;            ///< of products with factors, to the right
  static constexpr int kSumBits = 26;         ///< of their sums

  std::int64_t steps = kFewest;

  std::int64_t of_weights() const { return steps / kStepsOfRow; }
  /// Rows of so many groups: behind the weights of every even one is a row of factors, its own and
  /// the next one's.
  std::int64_t rows(std::int64_t groups) const { return groups * of_weights() + (groups + 1) / 2; }
  std::int64_t row_of_step(std::int64_t step) const {
    const std::int64_t group = step / steps;
    return rows(group) + step % steps / kStepsOfRow;
  }
  std::int64_t row_of_factor(std::int64_t group) const {
    return rows(group / 2 * 2) + of_weights();
  }
};

/// A factor as PMEM has it.
constexpr std::uint32_t packed_factor(std::int32_t factor) {
  return factor < 0 ? 0x8000U | static_cast<std::uint32_t>(-factor)
                    : static_cast<std::uint32_t>(factor);
}
constexpr std::int32_t factor_of(std::uint32_t word, std::int64_t group) {
  const std::uint32_t half = word >> (group % 2 * GroupRows::kFactorBits);
  const auto magnitude = static_cast<std::int32_t>(half & 0x7fffU);
  return (half & 0x8000U) != 0 ? -magnitude : magnitude;
}
constexpr bool is_minus(std::uint32_t word, std::int64_t group) {
  return (word >> (group % 2 * GroupRows::kFactorBits) & 0x8000U) != 0;
}

}  // namespace trine::machine
