// SPDX-License-Identifier: Apache-2.0
//
// Tests the counts of a job's remaining words and issues, for all columns of wide arrays, against
// loops over codes; and the last column's block of PEs.

#include <algorithm>
#include <random>

#include "Vtrine_drain_remaining.h"
#include "sw/base/catch.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kMostColumns = (1U << TB_LeftBits) - 1, kMostWords = (1U << TB_WordsBits) - 1;

/// Returns the number of words of `count` codes, the first of which is in that slot.
unsigned words_of(unsigned slot, unsigned count, unsigned codes_per_word) {
  unsigned words = 1;
  for (unsigned n = 1; n < count; ++n) words += (slot + n) % codes_per_word == 0 ? 1 : 0;
  return std::min(words, kMostWords);
}

/// Returns the issues of `left` columns: two together from an even slot on, where that is
/// permitted.
unsigned issues_of(unsigned slot, unsigned left, bool one_lane, bool part) {
  unsigned issues = 0;
  for (unsigned n = 0; n < left; ++issues)
    n += part ? TB_Drain : !one_lane && (slot + n) % 2 == 0 ? 2 : 1;
  return issues;
}

}  // namespace

TEST_CASE("trine_drain_remaining counts words, issues and the last column's block",
          "[tb][drain_remaining]") {
  Vtrine_drain_remaining dut;
  std::mt19937 random{7};
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  dut.rst_ni = 1;
  dut.twice_i = dut.second_i = 0;
  unsigned late = 0;
  for (unsigned left = 1; left <= kMostColumns; ++left) {
    for (int n = 0; n < 40; ++n) {
      const unsigned encoding = below(3), codes = encoding == 0 ? 4 : encoding == 1 ? 16 : 32;
      const unsigned slot = below(codes), next_slot = below(codes), count = 1 + below(kMostColumns);
      const bool part = chance(random, 20), one_lane = TB_Drain == 1 || chance(random, 30);
      drive(dut.columns_left_i, left);
      drive(dut.count_i, count);
      drive(dut.slot_i, slot);
      drive(dut.next_slot_i, next_slot);
      drive(dut.encoding_i, encoding);
      dut.one_lane_i = one_lane;
      dut.part_i = part;
      dut.eval();
      dut.clk_i = 1;  // assertions
      dut.eval();
      dut.clk_i = 0;
      CAPTURE(left, count, slot, next_slot, encoding, part, one_lane);
      REQUIRE(dut.last_slot_o == codes - 1);
      REQUIRE(dut.words_o == words_of(slot, left, codes));
      REQUIRE(dut.next_words_o == words_of(next_slot, count, codes));
      REQUIRE(dut.issue_count_o == issues_of(slot, left, one_lane, part));
      const unsigned column = count - std::min<unsigned>(count, TB_Drain);
      REQUIRE(dut.last_block_o == std::min<unsigned>(column / TB_PipeCols, TB_MaxLate));
      late += dut.last_block_o == TB_MaxLate ? 1 : 0;
    }
  }
  CHECK(late > 1'000);
}
