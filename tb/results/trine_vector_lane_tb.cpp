// SPDX-License-Identifier: Apache-2.0
//
// Tests a vector lane against plain loops over the taps of a window, with gaps and folds.

#include <random>

#include "Vtrine_vector_lane.h"
#include "sw/base/catch.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"
#include "tb/golden/taps.h"

using namespace trine::golden;
using Op = trine::isa::vector::Op;

namespace {

void tick(Vtrine_vector_lane& dut) {
  dut.clk_i = 0;
  dut.eval();
  dut.clk_i = 1;
  dut.eval();
}

}  // namespace

TEST_CASE("trine_vector_lane computes extrema, sums, pairs and triples of taps",
          "[tb][vector_lane]") {
  const auto op =
      GENERATE(Op::kMax, Op::kSum, Op::kAdd, Op::kMaxTernary, Op::kMaxBinary, Op::kMul, Op::kMin);
  const auto seed = GENERATE(1u, 2u);
  if ((op == Op::kMaxTernary && TB_Ternary == 0) || (op == Op::kMaxBinary && TB_Binary == 0))
    return;
  std::mt19937 random{seed};
  Vtrine_vector_lane dut;
  dut.op_i = static_cast<std::uint8_t>(op);
  for (int window = 0; window < 300; ++window) {
    // Only lanes for eight-bit formats add a third tap.
    std::vector<std::uint32_t> taps(is_pair(op) ? 2 + random() % (TB_Formats == 1 ? 2 : 1)
                                                : 1 + random() % (window == 7 ? 65'536 : 40));
    for (auto& tap : taps) tap = any_word(random);
    const bool invert = chance(random, 50);
    const bool low = op == Op::kSum && chance(random, 30);  // bytes of int16 codes
    dut.invert_i = invert;
    dut.low_i = low || (op != Op::kSum && chance(random, 30));
    for (std::size_t tap = 0; tap < taps.size(); ++tap) {
      while (chance(random, 30)) {  // a gap: all other inputs are random
        dut.tap_i = 0;
        dut.first_i = random() & 1;
        dut.word_i = any_word(random);
        tick(dut);
      }
      dut.tap_i = 1;
      dut.first_i = tap == 0;
      dut.third_i = tap == 2;
      dut.word_i = taps[tap];
      tick(dut);
    }
    dut.tap_i = 0;
    auto expected = slots_of(op, taps, invert, low);
    for (int folds = op == Op::kSum ? static_cast<int>(random() % 3) : 0; folds > 0; --folds) {
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
      CAPTURE(static_cast<int>(op), seed, window, taps.size(), b);
      const unsigned width = taps.size() == 3 && is_pair(op) ? 24 : slot_bits(op);
      REQUIRE(get_bits(dut.slots_o, 24 * b, width) ==
              (static_cast<std::uint32_t>(expected[b]) & ((1u << width) - 1)));
    }
  }
}
