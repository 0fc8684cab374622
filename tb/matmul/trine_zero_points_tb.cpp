// SPDX-License-Identifier: Apache-2.0
//
// Module bench: tests the subtraction of zero points, read column by column as early and as late as
// the array permits.

#include <algorithm>
#include <random>
#include <vector>

#include "Vtrine_zero_points.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/parameters.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kRows = TB_Rows, kCols = TB_Cols, kPipeCols = TB_PipeCols;

std::uint32_t sum_of(std::uint32_t word) {
  std::uint32_t sum = 0;
  for (int b = 0; b < 4; ++b)
    sum += static_cast<std::uint32_t>(static_cast<std::int8_t>(word >> 8 * b));
  return sum;
}

struct Sums {
  std::vector<std::uint32_t> rows = std::vector<std::uint32_t>(kRows);
  std::vector<std::uint32_t> cols = std::vector<std::uint32_t>(kCols);
};

/// The columns of a tile whose last step came in cycle `last`, and the position of its reader.
struct Reading {
  Sums sums;
  int last = 0;
  unsigned col = 0;
};

}  // namespace

TEST_CASE("trine_zero_points subtracts both sums from every column", "[tb][zero_points]") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u);
  const auto read_percent = GENERATE(100u, 40u);
  Clocked<Vtrine_zero_points> bench;
  auto& dut = bench.dut;
  std::mt19937 random{seed};
  Sums sums;
  std::vector<Reading> readings;  // the one being read, and perhaps the next one
  int left = 0;
  std::uint32_t act_zero = 0, wgt_zero = 0;
  unsigned checked = 0;
  bool pairs = false;
  std::vector<std::uint32_t> act(kRows), wgt(kCols);

  for (int cycle = 0; cycle < 6'000; ++cycle) {
    // The next last step may come when column c is read by then, or c / PipeCols + 1 later.
    const bool first = left == 0;
    if (first) left = 1 + static_cast<int>(random() % 5);
    if (first || chance(random, 10)) {  // half of the tiles have none
      const bool any = chance(random, 50);
      act_zero = any && chance(random, 80) ? any_word(random) & 0xff : 0;
      wgt_zero = any && chance(random, 80) ? any_word(random) & 0xff : 0;
    }
    const bool last = left == 1;
    bool valid = chance(random, 80);
    if (last && !readings.empty()) {
      // Reading one column per cycle from now on must be fast enough.
      const Reading& r = readings.front();
      for (unsigned c = r.col; c < kCols; ++c)
        if (std::max(cycle, r.last + 1 + kPeStages) + static_cast<int>(c - r.col) >
            cycle + kPeStages + static_cast<int>(c / kPipeCols))
          valid = false;
      if (readings.size() > 1) valid = false;
    }
    dut.valid_i = valid;
    dut.first_i = first;
    dut.last_i = last;
    drive(dut.act_zero_i, valid ? act_zero : random() & 0xff);
    drive(dut.wgt_zero_i, valid ? wgt_zero : random() & 0xff);
    std::vector<std::uint32_t> column(kDrain * kRows);
    for (unsigned i = 0; i < kDrain * kRows; ++i)
      set_bits(dut.column_i, kAccBits * i, kAccBits, column[i] = any_word(random) & kAccMask);
    for (unsigned r = 0; r < kRows; ++r) {
      set_bits(dut.act_i, 32 * r, 32, act[r]);  // of the previous step
      const std::uint32_t word = act[r] = any_word(random);
      const auto zero = static_cast<std::uint32_t>(static_cast<std::int8_t>(wgt_zero));
      if (valid) sums.rows[r] = (first ? 0 : sums.rows[r]) + zero * sum_of(word);
    }
    for (unsigned c = 0; c < kCols; ++c) {
      set_bits(dut.wgt_i, 32 * c, 32, wgt[c]);
      const std::uint32_t word = wgt[c] = any_word(random);
      const auto zero = static_cast<std::uint32_t>(static_cast<std::int8_t>(act_zero));
      if (valid) sums.cols[c] = (first ? 0 : sums.cols[c]) + zero * sum_of(word);
    }
    if (valid && last) readings.push_back({sums, cycle, 0});
    if (valid) --left;

    // Once the next last step has begun, each cycle counts.
    const bool hurry = readings.size() > 1 || (valid && last);
    const bool reads = !readings.empty() && cycle >= readings.front().last + 1 + kPeStages &&
                       (hurry || chance(random, read_percent));
    const unsigned col = readings.empty() ? 0 : readings.front().col;
    for (unsigned c = 0; c < kCols; ++c) set_bits(dut.cols_i, c, 1, c >= col && c < col + kDrain);
    dut.odd_i = col & 1;
    dut.pairs_i = pairs = chance(random, 50);
    dut.eval();
    if (reads) {
      Reading& r = readings.front();
      for (unsigned i = 0; i < kDrain * kRows && col + i / kRows < kCols; ++i) {
        const bool high = kInt16 && pairs && i % kRows % 2 == 0;  // high bytes have no zero point
        const std::uint32_t other = high ? 0 : r.sums.cols[col + i / kRows];
        const std::uint32_t expected = (column[i] - r.sums.rows[i % kRows] - other) & kAccMask;
        if (get_bits(dut.column_o, kAccBits * i, kAccBits) != expected) {
          CAPTURE(seed, read_percent, cycle, i, col);
          REQUIRE(get_bits(dut.column_o, kAccBits * i, kAccBits) == expected);
        }
        ++checked;
      }
      r.col += kDrain > 1 && chance(random, 70) ? 2 : 1;
      if (r.col >= kCols) readings.erase(readings.begin());
    }
    bench.tick();
  }
  CHECK(checked > 400 * kRows);
}
