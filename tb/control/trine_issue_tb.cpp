// SPDX-License-Identifier: Apache-2.0
//
// Tests the issue unit: words stay in order, RUNs wait for their tokens, tokens are given in the
// order of RUNs.

#include <algorithm>
#include <array>
#include <deque>
#include <random>

#include "Vtrine_issue.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"

namespace {

using Bench = trine::golden::Clocked<Vtrine_issue>;

unsigned bits(std::uint64_t word, int lsb, int width) {
  return static_cast<unsigned>(word >> lsb) & ((1u << width) - 1);
}

}  // namespace

TEST_CASE("trine_issue offers RUNs with their tokens and keeps four in flight", "[tb][issue]") {
  const auto seed = GENERATE(1u, 2u, 3u, 4u);
  const auto ready_percent = GENERATE(100u, 30u);
  CAPTURE(seed, ready_percent);
  Bench bench;
  auto& dut = bench.dut;
  std::mt19937_64 random{seed};
  std::array<int, 4> tokens{};
  std::deque<unsigned> signals;  // of the RUNs in flight
  bool offered = false;
  int runs = 0, most = 0, waits = 0;
  for (int cycle = 0; cycle < 20'000; ++cycle) {
    if (!offered && random() % 4 != 0) {
      offered = true;
      dut.word_i = random() & ((std::uint64_t{1} << 61) - 1);
    }
    unsigned have = 0;
    for (unsigned e = 0; e < 4; ++e) {
      if (random() % 24 == 0) ++tokens[e];
      have |= unsigned{tokens[e] > 0} << e;
    }
    const bool retire = !signals.empty() && random() % 6 == 0;
    dut.word_valid_i = offered;
    dut.queue_empty_i = !offered;
    dut.token_avail_i = static_cast<std::uint8_t>(have);
    dut.cfg_ready_i = random() % 100 < ready_percent;
    dut.run_ready_i = random() % 100 < ready_percent;
    dut.retire_i = retire;
    dut.eval();

    const std::uint64_t word = dut.word_i;
    const bool is_run = (word >> 60 & 1) != 0;
    const unsigned wait = bits(word, 0, 4);
    const unsigned lacks = offered && is_run ? wait & ~have : 0;
    REQUIRE(dut.missing_tokens_o == lacks);
    waits += lacks != 0;
    REQUIRE(dut.cfg_valid_o == (offered && !is_run));
    REQUIRE(dut.run_valid_o == (offered && is_run && lacks == 0 && signals.size() < 4));
    const bool starts = dut.run_valid_o && dut.run_ready_i;
    const bool sets = dut.cfg_valid_o && dut.cfg_ready_i;
    REQUIRE(dut.start_o == starts);
    REQUIRE((offered && dut.word_ready_o) == (starts || sets));
    REQUIRE(dut.token_pop_o == (starts ? wait : 0));
    REQUIRE(dut.token_push_o == (retire ? signals.front() : 0));
    REQUIRE(dut.busy_o == !signals.empty());
    REQUIRE(dut.idle_o == (!offered && signals.empty()));
    if (sets) {
      REQUIRE(dut.cfg_reg_o == bits(word, 56, 4));
      REQUIRE(dut.cfg_payload_o == (word & ((std::uint64_t{1} << 56) - 1)));
    }
    if (retire) signals.pop_front();
    if (starts) {
      REQUIRE(dut.run_op_o == bits(word, 8, 8));
      REQUIRE(dut.run_flags_o == bits(word, 16, 9));
      for (unsigned e = 0; e < 4; ++e) tokens[e] -= static_cast<int>(wait >> e & 1);
      signals.push_back(bits(word, 4, 4));
      ++runs;
    }
    most = std::max(most, static_cast<int>(signals.size()));
    if (starts || sets) offered = false;
    // A soft reset in any state; tokens are not part of the unit.
    dut.clear_i = cycle % 1'000 < 20 && random() % 20 == 0;
    if (dut.clear_i) signals.clear();
    bench.tick();
  }
  CHECK(runs > 500);
  CHECK(waits > 500);
  CHECK(most == 4);
}
