// SPDX-License-Identifier: Apache-2.0
//
// What modules that round to the values of an eight-bit format are asked, and the rule.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trine::golden {

/// The code nearest to a size, of two the even one. @param borders  behind each code but the last
inline std::size_t nearest_code(const std::vector<double>& borders, double size) {
  const auto border = std::ranges::lower_bound(borders, size);
  const auto code = static_cast<std::size_t>(border - borders.begin());
  return border != borders.end() && *border == size ? code + code % 2 : code;
}

/// Gives all inputs t_i, of so many bits of which one lies below the unit, and below_i. Calls
/// `check` with the number in units, between two multiples of a half with below_i.
template <typename Dut, typename Check>
void for_every_number(Dut& dut, int bits, Check check) {
  for (std::int64_t t = -(std::int64_t{1} << (bits - 1)); t < std::int64_t{1} << (bits - 1); ++t)
    for (const bool below : {false, true}) {
      dut.t_i = static_cast<std::uint32_t>(t) & ((1u << bits) - 1);
      dut.below_i = below;
      dut.eval();
      check(static_cast<double>(2 * t + (below ? 1 : 0)) / 4);
    }
}

}  // namespace trine::golden
