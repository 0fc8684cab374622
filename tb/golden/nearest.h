// SPDX-License-Identifier: Apache-2.0
//
// Inputs for modules that round to the values of an eight-bit format, and the expected codes.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace trine::golden {

/// Returns the code whose value is nearest to a magnitude; between two equally near codes, the even
/// one. @param borders  the border between each code and the next one
inline std::size_t nearest_code(const std::vector<double>& borders, double size) {
  const auto border = std::ranges::lower_bound(borders, size);
  const auto code = static_cast<std::size_t>(border - borders.begin());
  return border != borders.end() && *border == size ? code + code % 2 : code;
}

/// Applies all inputs t_i of `bits` bits, whose lowest bit has the value 1/2, with below_i 0 and 1.
/// Calls `check` with the number. With below_i = 1, the number is 1/4 larger, which stands for any
/// remainder between two multiples of 1/2.
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
