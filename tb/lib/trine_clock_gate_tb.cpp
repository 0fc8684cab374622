// SPDX-License-Identifier: Apache-2.0
//
// Module bench: enable and test pin change at any time; clk_o contains exactly the complete pulses
// of the cycles that began with one of them set.

#include <random>

#include "Vtrine_clock_gate.h"
#include "sw/base/catch.h"

TEST_CASE("trine_clock_gate lets whole pulses pass", "[tb][clock]") {
  std::mt19937 random{GENERATE(1u, 2u, 3u)};
  constexpr int kSteps = 6;  // of half a cycle, in which the enable may change
  Vtrine_clock_gate dut;
  int passed = 0, stopped = 0, tested = 0;  // the last: passed only because of the test pin
  for (int cycle = 0; cycle < 2000; ++cycle) {
    bool enabled = false, test = false;
    for (const bool high : {false, true})
      for (int step = 0; step < kSteps; ++step) {
        if (high && step == 0) {
          test = dut.en_i == 0 && dut.test_en_i != 0;
          enabled = dut.en_i != 0 || test;  // the value before the edge
        } else if (random() % 3 == 0) {
          dut.en_i = random() % 2;
          dut.test_en_i = random() % 4 == 0;
        }
        dut.clk_i = high;
        dut.eval();
        REQUIRE((dut.clk_o != 0) == (high && enabled));
      }
    (enabled ? passed : stopped) += 1;
    tested += test;
  }
  CHECK((passed > 100 && stopped > 100 && tested > 100));
}
