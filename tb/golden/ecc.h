// SPDX-License-Identifier: Apache-2.0
//
// Golden model of the error correcting code of a word (rtl/lib/trine_ecc_pkg.sv), computed from its
// rule. Each data bit belongs to three of the seven check bits. There are 35 such choices; without
// the three unused ones, data bit d has choice d in lexicographic order. Check bit c is bit 32 + c.

#pragma once

#include <cstdint>
#include <vector>

namespace trine::golden {

inline constexpr int kStoredBits = 39;

inline std::vector<unsigned> ecc_columns() {
  std::vector<unsigned> columns;
  for (unsigned a = 0; a < 7; ++a)
    for (unsigned b = a + 1; b < 7; ++b)
      for (unsigned c = b + 1; c < 7; ++c) {
        const unsigned name = 100 * a + 10 * b + c;
        if (name != 12 && name != 36 && name != 345) columns.push_back(1U << a | 1U << b | 1U << c);
      }
  return columns;
}

inline std::uint64_t ecc_encode(std::uint32_t data) {
  static const std::vector<unsigned> kColumns = ecc_columns();
  std::uint64_t check = 0;
  for (unsigned d = 0; d < 32; ++d)
    if ((data >> d & 1) != 0) check ^= kColumns[d];
  return check << 32 | data;
}

}  // namespace trine::golden
