// SPDX-License-Identifier: Apache-2.0
//
// A vector lane against plain loops over the taps of a window, with gaps and folds.

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "Vtrine_vector_lane.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

enum Op { kMax, kSum, kAdd };

void tick(Vtrine_vector_lane& dut) {
  dut.clk_i = 0;
  dut.eval();
  dut.clk_i = 1;
  dut.eval();
}

int code_of(std::uint32_t word, int b) { return static_cast<std::int8_t>(word >> 8 * b); }

}  // namespace

TEST_CASE("trine_vector_lane takes maxima, sums and pairs of taps", "[tb][vector_lane]") {
  const auto op = GENERATE(kMax, kSum, kAdd);
  const auto seed = GENERATE(1u, 2u);
  std::mt19937 random{seed};
  Vtrine_vector_lane dut;
  for (int window = 0; window < 500; ++window) {
    const int taps = op == kAdd ? 2 : 1 + static_cast<int>(random() % (window == 7 ? 65'536 : 40));
    int expected[4] = {}, first[4] = {};
    for (int tap = 0; tap < taps; ++tap) {
      const std::uint32_t word = any_word(random);
      for (int b = 0; b < 4; ++b) {
        const int code = code_of(word, b);
        if (tap == 0) first[b] = code;
        if (op == kMax) expected[b] = tap == 0 ? code : std::max(expected[b], code);
        if (op == kSum) expected[b] += code;
        if (op == kAdd) expected[b] = (code & 0xff) << 8 | (first[b] & 0xff);
      }
      dut.op_i = op;
      while (chance(random, 30)) {  // a gap: whatever the other inputs are
        dut.tap_i = 0;
        dut.fold_i = 0;
        dut.first_i = random() & 1;
        dut.word_i = any_word(random);
        tick(dut);
      }
      dut.tap_i = 1;
      dut.first_i = tap == 0;
      dut.word_i = word;
      tick(dut);
    }
    dut.tap_i = 0;
    for (int folds = op == kSum ? static_cast<int>(random() % 3) : 0; folds > 0; --folds) {
      for (unsigned b = 0; b < 4; ++b) {
        const int other = static_cast<int>(random() % 100'000) - 50'000;
        set_bits(dut.other_i, 24 * b, 24, static_cast<std::uint32_t>(other));
        expected[b] += other;
      }
      dut.fold_i = 1;
      tick(dut);
      dut.fold_i = 0;
    }
    for (unsigned b = 0; b < 4; ++b) {
      CAPTURE(op, seed, window, taps, b);
      const unsigned width = op == kSum ? 24 : op == kAdd ? 16 : 8;
      const std::uint32_t mask = (1u << width) - 1;
      REQUIRE(get_bits(dut.slots_o, 24 * b, width) ==
              (static_cast<std::uint32_t>(expected[b]) & mask));
    }
  }
}
