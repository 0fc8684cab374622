// SPDX-License-Identifier: Apache-2.0
//
// Tests the token counters against an array of ints.

#include <array>
#include <random>
#include <utility>

#include "Vtrine_tokens.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"

using Bench = trine::golden::Clocked<Vtrine_tokens>;

TEST_CASE("trine_tokens counts each pair of engines separately", "[tb][tokens]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto give_percent = GENERATE(20u, 40u, 80u);  // the last one overflows
  CAPTURE(seed, give_percent);
  Bench bench;
  auto& dut = bench.dut;
  std::mt19937 random{seed};
  std::array<int, 16> count{};  // [4 * from + to]
  int overflows = 0;
  bool told = false;  // an overflow in the previous cycle
  for (int cycle = 0; cycle < 20'000; ++cycle) {
    unsigned give = 0, take = 0;
    bool overflow = false;
    for (unsigned from = 0; from < 4; ++from) {
      for (unsigned to = 0; to < 4; ++to) {
        const unsigned pair = 4 * from + to;
        const bool gives = random() % 100 < give_percent;
        const bool takes = count[pair] > 0 && random() % 2 == 0;
        give |= unsigned{gives} << pair;
        take |= unsigned{takes} << (4 * to + from);
        overflow |= gives && !takes && count[pair] == 63;
        count[pair] = (count[pair] + gives - takes) % 64;
      }
    }
    dut.token_push_i = static_cast<std::uint16_t>(give);
    dut.token_pop_i = static_cast<std::uint16_t>(take);
    dut.clear_i = told;  // as the machine does some cycles later
    dut.eval();
    REQUIRE(static_cast<bool>(dut.overflow_o) == told);
    bench.tick();
    const bool cleared = std::exchange(told, overflow && !told);
    if (cleared) {
      count.fill(0);
      ++overflows;
    }
    for (unsigned from = 0; from < 4; ++from)
      for (unsigned to = 0; to < 4; ++to)
        REQUIRE((dut.token_avail_o >> (4 * to + from) & 1) == (count[4 * from + to] > 0));
  }
  CHECK((overflows > 0) == (give_percent == 80));
}
