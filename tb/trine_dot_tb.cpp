// SPDX-License-Identifier: Apache-2.0
//
// Module bench: the dot product of a PE against plain loops, for the precisions of the build.

#include <catch2/catch.hpp>
#include <random>

#include "Vtrine_dot.h"
#include "tb/golden/dot.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr bool kIncluded[] = {TB_Int8 == 1, TB_Ternary == 1, TB_Binary == 1};

int run(Vtrine_dot& dut, std::uint32_t act, std::uint32_t wgt, Precision precision) {
  dut.mode_i = static_cast<std::uint8_t>(precision);
  dut.act_i = act;
  dut.wgt_i = wgt;
  dut.eval();
  const auto raw = static_cast<std::int32_t>(dut.dot_o);
  return raw < 1 << 17 ? raw : raw - (1 << 18);
}

}  // namespace

TEST_CASE("trine_dot multiplies and adds all lanes of each precision", "[tb][dot]") {
  const auto precision = GENERATE(Precision::kInt8, Precision::kTernary, Precision::kBinary);
  const auto seed = GENERATE(1u, 2u);
  if (!kIncluded[static_cast<int>(precision)]) return;
  Vtrine_dot dut;
  std::mt19937 random{seed};
  int equal = 0;
  for (int i = 0; i < 50'000; ++i) {
    const auto act = legal_word(any_word(random), precision);
    const auto wgt = legal_word(any_word(random), precision);
    const int actual = run(dut, act, wgt, precision);
    if (actual != dot(act, wgt, precision)) {
      CAPTURE(seed, i, static_cast<int>(precision), act, wgt);
      REQUIRE(actual == dot(act, wgt, precision));
    }
    ++equal;
  }
  CHECK(equal == 50'000);
}

TEST_CASE("trine_dot reaches both ends of its range", "[tb][dot]") {
  Vtrine_dot dut;
  if (TB_Int8 == 1) {
    CHECK(run(dut, 0x80808080, 0x80808080, Precision::kInt8) == 65'536);
    CHECK(run(dut, 0x80808080, 0x7f7f7f7f, Precision::kInt8) == -65'024);
  }
  if (TB_Ternary == 1) {
    CHECK(run(dut, 0xffffffff, 0xffffffff, Precision::kTernary) == 16);
    CHECK(run(dut, 0x55555555, 0xffffffff, Precision::kTernary) == -16);
    CHECK(run(dut, 0x00000000, 0xffffffff, Precision::kTernary) == 0);
  }
  if (TB_Binary == 1) {
    CHECK(run(dut, 0xdeadbeef, 0xdeadbeef, Precision::kBinary) == 32);
    CHECK(run(dut, 0xdeadbeef, ~0xdeadbeefu, Precision::kBinary) == -32);
  }
}
