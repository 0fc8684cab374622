// SPDX-License-Identifier: Apache-2.0
//
// Module bench: compares one PE with an accumulator in C++, for random reductions with gaps.

#include <random>

#include "Vtrine_pe.h"
#include "sw/base/catch.h"
#include "tb/golden/dot.h"
#include "tb/golden/parameters.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

void tick(Vtrine_pe& dut) {
  dut.clk_i = 0;
  dut.eval();
  dut.clk_i = 1;
  dut.eval();
}

}  // namespace

TEST_CASE("trine_pe accumulates and holds a result while it works on the next", "[tb][pe]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto valid_percent = GENERATE(100u, 50u);
  Vtrine_pe dut;
  std::mt19937 random{seed};
  struct Drain {
    std::uint32_t value = 0;
    bool defined = false;  // until the first result, the drain register is undefined
  };
  std::uint32_t acc = 0;
  Drain drain, before;
  int checked = 0;
  int left = 0;  // remaining steps of the current reduction
  auto precision = Precision::kInt8;

  for (int cycle = 0; cycle < 20'000; ++cycle) {
    const bool valid = chance(random, valid_percent);
    const bool first = left == 0;
    if (valid && first) {
      left = 1 + static_cast<int>(random() % (chance(random, 20) ? 60 : 4));
      precision = static_cast<Precision>(random() % 3);
    }
    const bool last = left == 1;
    const auto act = legal_word(any_word(random), precision);
    const auto wgt = legal_word(any_word(random), precision);
    dut.valid_i = valid;
    dut.first_i = first;
    dut.last_i = last;
    dut.mode_i = static_cast<std::uint8_t>(precision);
    dut.act_i = act;
    drive(dut.wgt_i, kBooth ? digits(wgt, precision) : wgt);
    tick(dut);
    before = drain;
    if (valid) {
      acc = (first ? 0 : acc) + static_cast<std::uint32_t>(dot(act, wgt, precision));
      --left;
      if (last) drain = {acc & kAccMask, true};
    }
    const Drain& seen = kPeStages == 1 ? drain : before;
    checked += seen.defined;
    if (seen.defined && dut.drain_o != seen.value) {
      CAPTURE(seed, cycle, static_cast<int>(precision));
      REQUIRE(dut.drain_o == seen.value);
    }
  }
  CHECK(checked > 19'000);
}

TEST_CASE("trine_pe wraps around at the accumulator's bits", "[tb][pe]") {
  Vtrine_pe dut;
  dut.mode_i = 0;
  dut.valid_i = 1;
  dut.act_i = 0x80808080;  // 2^16 per step
  drive(dut.wgt_i, kBooth ? digits(0x80808080, Precision::kInt8) : 0x80808080);
  for (int step = 0; step < 40'000; ++step) {
    dut.first_i = step == 0;
    dut.last_i = step == 39'999;
    tick(dut);
  }
  dut.valid_i = 0;
  for (int stage = 1; stage < kPeStages; ++stage) tick(dut);
  CHECK(dut.drain_o == (static_cast<std::uint32_t>(40'000ull * 65'536) & kAccMask));
}
