// SPDX-License-Identifier: Apache-2.0
//
// Tests the burst generator: its bursts together cover the rows, and none crosses 4 KiB.

#include <algorithm>
#include <climits>
#include <random>
#include <vector>

#include "Vtrine_dma_bursts.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"

using Bench = trine::golden::Clocked<Vtrine_dma_bursts>;

TEST_CASE("trine_dma_bursts covers every beat once, in order", "[tb][dma]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto ready_percent = GENERATE(100u, 40u);
  CAPTURE(seed, ready_percent);
  Bench bench;
  auto& dut = bench.dut;
  std::mt19937 random{seed};
  constexpr unsigned kAddrMask = 0xffffffffu / TB_BeatBytes;  // of a beat
  for (int copy = 0; copy < 500; ++copy) {
    const unsigned addr = static_cast<unsigned>(random()) & kAddrMask;
    const unsigned stride = static_cast<unsigned>(random()) & kAddrMask;
    // Rarely a long row, or many.
    const auto kind = static_cast<unsigned>(random()) % 100;
    const unsigned beats = kind == 0 ? 65'536 : kind == 1 ? 2 : kind < 50 ? 8 : 300;
    const unsigned rows = kind == 0 ? 1 : kind == 1 ? 20'000 : 6;
    const auto beats_last = static_cast<unsigned>(random()) % beats;
    const auto rows_last = static_cast<unsigned>(random()) % rows;
    const unsigned dropped = random() % 10 == 0 ? 1 + static_cast<unsigned>(random()) % 20
                                                : UINT_MAX;  // after that many cycles
    dut.addr_i = addr;
    dut.stride_i = stride;
    dut.beats_last_i = static_cast<std::uint16_t>(beats_last);
    dut.rows_last_i = static_cast<std::uint16_t>(rows_last);
    dut.start_i = 1;
    bench.tick();
    dut.start_i = 0;
    std::vector<unsigned> actual, expected;
    for (unsigned row = 0; row <= rows_last; ++row)
      for (unsigned beat = 0; beat <= beats_last; ++beat)
        expected.push_back((addr + row * stride + beat) & kAddrMask);
    int cycles = 0, bursts = 0;
    while (dut.busy_o) {
      REQUIRE(++cycles < 200'000);
      dut.ready_i = random() % 100 < ready_percent;
      dut.eval();
      REQUIRE(dut.valid_o);
      if (dut.ready_i) {
        ++bursts;
        const std::uint64_t first = dut.addr_o;
        REQUIRE(first % TB_BeatBytes == 0);
        REQUIRE(dut.len_o < TB_MaxBeats);
        REQUIRE(first >> 12 == (first + TB_BeatBytes * (dut.len_o + 1u) - 1) >> 12);
        for (unsigned beat = 0; beat <= dut.len_o; ++beat)
          actual.push_back((static_cast<unsigned>(first / TB_BeatBytes) + beat) & kAddrMask);
      }
      dut.clear_i = cycles == static_cast<int>(dropped);
      bench.tick();
      if (!dut.clear_i) continue;
      dut.clear_i = 0;
      REQUIRE(!dut.busy_o);
      expected.resize(std::min(expected.size(), actual.size()));
    }
    REQUIRE(actual == expected);
    // Ready without valid must not take anything.
    for (unsigned idle = static_cast<unsigned>(random()) % 4; idle > 0; --idle) {
      dut.ready_i = random() % 100 < ready_percent;
      bench.tick();
      REQUIRE((!dut.busy_o && !dut.valid_o));
    }
    if (ready_percent == 100) CHECK(cycles == bursts);  // no idle cycles between rows
  }
}
