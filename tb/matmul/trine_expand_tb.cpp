// SPDX-License-Identifier: Apache-2.0
//
// Tests packed weights: the four int8 values of each column, packing and part against the words.

#include <algorithm>
#include <array>
#include <random>

#include "Vtrine_expand.h"
#include "sw/base/catch.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kCols = TB_Cols, kParts = TB_Parts;

/// Returns value `i` of column `c` in part `part`, packed as `bits` states.
int expected(const std::array<std::uint32_t, kCols>& row, unsigned bits, unsigned part, unsigned c,
             unsigned i) {
  const unsigned place = 4 * part + i;
  switch (bits) {
    case 1: {  // 00: 0, 01: 1, 11: -1
      constexpr std::array<int, 4> kTernary{0, 1, 0, -1};
      return kTernary.at(row[c] >> 2 * place & 3);
    }
    case 2:
      return (row[c] >> place & 1) != 0 ? 1 : -1;
    case 3:
      return static_cast<std::int8_t>(row.at(4 * part + c) >> 8 * i);
    case 4:
      return static_cast<int>((row[c] >> 4 * place & 15) ^ 8) - 8;
    default:
      return static_cast<std::int8_t>(row[c] >> 8 * i);
  }
}

}  // namespace

TEST_CASE("trine_expand gives each column its part of its word", "[tb][expand]") {
  std::mt19937 random{1};
  Vtrine_expand dut;
  for (unsigned n = 0; n < 16'000 / std::max(kCols, 8U); ++n) {
    std::array<std::uint32_t, kCols> row{};
    for (unsigned c = 0; c < kCols; ++c) {
      row[c] = any_word(random);
      row[c] &= ~((row[c] >> 1 & ~row[c] & 0x55555555) << 1);  // no ternary code 10
      set_bits(dut.packed_i, 32 * c, 32, row[c]);
    }
    const std::array<unsigned, 5> parts{1, 4, 8, kParts, 2};
    for (unsigned bits = 0; bits < 5; ++bits)
      for (unsigned part = 0; part < parts.at(bits); ++part) {
        dut.bits_i = static_cast<CData>(bits);
        dut.part_i = static_cast<CData>(part);
        dut.eval();
        CAPTURE(n, bits, part);
        for (unsigned c = 0; c < (bits == 3 ? std::min(kCols, 4U) : kCols); ++c)
          for (unsigned i = 0; i < 4; ++i) {
            const auto actual =
                static_cast<std::int8_t>(get_bits(dut.weights_o, 32 * c + 8 * i, 8));
            REQUIRE(actual == expected(row, bits, part, c, i));
          }
      }
  }
}
