// SPDX-License-Identifier: Apache-2.0
//
// Tests the queue against std::deque, with stalls on both sides and clears.

#include <deque>
#include <random>

#include "Vtrine_queue.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"

using Bench = trine::golden::Clocked<Vtrine_queue>;

TEST_CASE("trine_queue keeps order and loses nothing", "[tb][queue]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto in_percent = GENERATE(100u, 50u, 10u);
  const auto out_percent = GENERATE(100u, 50u, 10u);
  CAPTURE(seed, in_percent, out_percent);
  Bench bench;
  auto& dut = bench.dut;
  std::mt19937_64 random{seed};
  constexpr std::uint64_t kMask = (std::uint64_t{1} << TB_Width) - 1;
  std::deque<std::uint64_t> expected;
  bool offered = false, was_full = false;
  int taken = 0;
  for (int cycle = 0; cycle < 5000; ++cycle) {
    if (!offered && random() % 100 < in_percent) {
      offered = true;
      dut.in_data_i = random() & kMask;
    }
    dut.in_valid_i = offered;
    dut.out_ready_i = random() % 100 < out_percent;
    dut.clear_i = random() % 1000 == 0;
    dut.eval();
    CHECK(static_cast<bool>(dut.empty_o) == expected.empty());
    was_full |= !dut.in_ready_o;
    REQUIRE((dut.in_ready_o || expected.size() >= TB_Depth));
    if (dut.out_valid_o) {
      REQUIRE(!expected.empty());
      REQUIRE(dut.out_data_o == expected.front());
      if (dut.out_ready_i) {
        expected.pop_front();
        ++taken;
      }
    }
    if (dut.in_valid_i && dut.in_ready_o) {
      expected.push_back(dut.in_data_i);
      offered = false;
    }
    if (dut.clear_i) expected.clear();
    bench.tick();
  }
  CHECK(taken > 300);
  if (in_percent > out_percent) CHECK(was_full);
}

TEST_CASE("trine_queue delivers one word a cycle while nothing comes in", "[tb][queue]") {
  Bench bench;
  auto& dut = bench.dut;
  dut.in_valid_i = 1;
  for (std::uint64_t i = 0; i < TB_Depth; ++i) {
    dut.in_data_i = i;
    dut.eval();
    REQUIRE(dut.in_ready_o);
    bench.tick();
  }
  dut.in_valid_i = 0;
  dut.out_ready_i = 1;
  for (int place = 0; place < 2; ++place) bench.tick();
  for (std::uint64_t i = 0; i < TB_Depth; ++i) {
    dut.eval();
    REQUIRE(dut.out_valid_o);
    REQUIRE(dut.out_data_o == i);
    bench.tick();
  }
  CHECK(dut.empty_o);
}
