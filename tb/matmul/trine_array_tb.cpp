// SPDX-License-Identifier: Apache-2.0
//
// Module bench: compares the array with one accumulator for each PE. Every cycle reads a random
// column, so both the values and the documented cycle of each result are checked.

#include <deque>
#include <random>
#include <vector>

#include "Vtrine_array.h"
#include "sw/base/catch.h"
#include "tb/golden/dot.h"
#include "tb/golden/parameters.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kRows = TB_Rows, kCols = TB_Cols;
constexpr unsigned kLanes = kRows + (kWindow ? 3 : 0);
constexpr unsigned kPipeRows = TB_PipeRows, kPipeCols = TB_PipeCols;

struct Pe {
  std::uint32_t acc = 0;
  struct Result {
    int cycle;  ///< first cycle in which it must be readable
    std::uint32_t value;
  };
  std::deque<Result> coming;
  std::uint32_t drain = 0;
  bool defined = false;
};

struct Bench {
  Vtrine_array dut;

  Bench() {
    dut.valid_i = 0;
    dut.rst_ni = 0;
    tick();
    dut.rst_ni = 1;
  }
  void tick() {
    dut.clk_i = 0;
    dut.eval();
    dut.clk_i = 1;
    dut.eval();
  }
};

}  // namespace

TEST_CASE("trine_array computes every PE and drains it in the documented cycle", "[tb][array]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto valid_percent = GENERATE(100u, 60u);
  Bench bench;
  auto& dut = bench.dut;
  std::mt19937 random{seed};
  std::vector<Pe> pes(kRows * kCols);
  std::vector<std::uint32_t> act(kLanes), wgt(kCols), act_before, wgt_before;
  std::vector<bool> masked(kLanes);
  bool valid_before = false;
  int left = 0;
  bool window = false;
  unsigned checked = 0;
  auto precision = Precision::kInt8;

  for (int cycle = 0; cycle < 4'000; ++cycle) {
    const bool valid = chance(random, valid_percent);
    const bool first = left == 0;
    if (valid && first) {
      left = 1 + static_cast<int>(random() % 6);
      precision = static_cast<Precision>(random() % 3);
      window = kWindow && precision == Precision::kInt8 && chance(random, 50);
    }
    const bool last = left == 1;
    for (unsigned r = 0; r < kLanes; ++r) {
      masked[r] = precision == Precision::kBinary && chance(random, 20);
      act[r] = masked[r] ? 0 : legal_word(any_word(random), precision);
      set_bits(dut.act_i, 33 * r, 32, act[r]);
      set_bits(dut.act_i, 33 * r + 32, 1, precision == Precision::kTernary || masked[r]);
    }
    for (unsigned c = 0; c < kCols; ++c)
      set_word(dut.wgt_i, c, wgt[c] = legal_word(any_word(random), precision));
    const unsigned col = static_cast<unsigned>(random() % kCols);
    dut.valid_i = valid;
    dut.first_i = first;
    dut.last_i = last;
    dut.window_i = window;
    drive(dut.mode_i, static_cast<unsigned>(precision));
    for (unsigned c = 0; c < kCols; ++c) set_bits(dut.cols_i, c, 1, c >= col && c < col + kDrain);
    dut.odd_i = col & 1;

    if (valid_before) {
      for (unsigned r = 0; r < kRows; ++r) REQUIRE(get_word(dut.act_o, r) == act_before[r]);
      for (unsigned c = 0; c < kCols; ++c) REQUIRE(get_word(dut.wgt_o, c) == wgt_before[c]);
    }
    valid_before = valid;
    act_before = act;
    wgt_before = wgt;

    if (valid) {
      for (unsigned i = 0; i < kRows * kCols; ++i) {
        const unsigned r = i / kCols, c = i % kCols;
        auto& pe = pes[i];
        std::uint32_t word = act[r];
        if (window && c < 4) {  // byte c of four rows
          word = 0;
          for (unsigned tap = 0; tap < 4; ++tap) word |= (act[r + tap] >> 8 * c & 0xff) << 8 * tap;
        }
        pe.acc = (first ? 0 : pe.acc) +
                 (masked[r] ? 0 : static_cast<std::uint32_t>(dot(word, wgt[c], precision)));
        const int skew = static_cast<int>(r / kPipeRows + c / kPipeCols);
        if (last) pe.coming.push_back({cycle + 1 + kPeStages + skew, pe.acc});
      }
      --left;
    }

    dut.clk_i = 0;
    dut.eval();  // readable in this cycle, before its rising edge
    for (unsigned i = 0; i < kDrain * kRows; ++i) {
      const unsigned r = i % kRows, from = col + i / kRows;
      if (from >= kCols) continue;
      auto& pe = pes[r * kCols + from];
      while (!pe.coming.empty() && pe.coming.front().cycle <= cycle) {
        pe.drain = pe.coming.front().value;
        pe.defined = true;
        pe.coming.pop_front();
      }
      if (!pe.defined) continue;
      ++checked;
      const std::uint64_t seen = get_bits(dut.column_o, kAccBits * i, kAccBits);
      if (seen != (pe.drain & kAccMask)) {
        CAPTURE(seed, valid_percent, cycle, r, from);
        REQUIRE(seen == (pe.drain & kAccMask));
      }
    }
    bench.tick();
  }
  CHECK(checked > 3'500 * kRows);
}
