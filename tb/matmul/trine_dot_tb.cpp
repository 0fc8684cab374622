// SPDX-License-Identifier: Apache-2.0
//
// Module bench: compares the dot product of a PE with plain loops, for the precisions of the build.

#include <random>

#include "Vtrine_dot.h"
#include "sw/base/catch.h"
#include "tb/golden/dot.h"
#include "tb/golden/parameters.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr bool kIncluded[] = {TB_Int8 == 1, TB_Ternary == 1, TB_Binary == 1};

std::uint32_t run(Vtrine_dot& dut, std::uint32_t base, std::uint32_t act, std::uint32_t wgt,
                  Precision precision) {
  dut.mode_i = static_cast<std::uint8_t>(precision);
  dut.base_i = base;
  dut.act_i = act;
  drive(dut.wgt_i, kBooth ? digits(wgt, precision) : wgt);
  dut.eval();
  return dut.sum_o;
}

}  // namespace

TEST_CASE("trine_dot adds the products of all lanes to its base", "[tb][dot]") {
  const auto precision = GENERATE(Precision::kInt8, Precision::kTernary, Precision::kBinary);
  const auto seed = GENERATE(1u, 2u);
  if (!kIncluded[static_cast<int>(precision)]) {
    SUCCEED("not in this design");
    return;
  }
  Vtrine_dot dut;
  std::mt19937 random{seed};
  int equal = 0;
  for (int i = 0; i < 50'000; ++i) {
    const auto act = legal_word(any_word(random), precision);
    const auto wgt = legal_word(any_word(random), precision);
    const std::uint32_t base = any_word(random);
    const std::uint32_t expected = base + static_cast<std::uint32_t>(dot(act, wgt, precision));
    const std::uint32_t actual = run(dut, base, act, wgt, precision);
    if (actual != expected) {
      CAPTURE(seed, i, static_cast<int>(precision), base, act, wgt);
      REQUIRE(actual == expected);
    }
    ++equal;
  }
  CHECK(equal == 50'000);
}

TEST_CASE("trine_dot multiplies every pair of int8 in every lane", "[tb][dot]") {
  if (TB_Int8 == 0) {
    SUCCEED("not in this design");
    return;
  }
  const auto lane = GENERATE(0, 1, 2, 3);
  Vtrine_dot dut;
  int equal = 0;
  for (std::uint32_t pair = 0; pair < 1u << 16; ++pair) {
    const std::uint32_t act = (pair & 255) << (8 * lane), wgt = (pair >> 8) << (8 * lane);
    const auto expected = static_cast<std::uint32_t>(dot(act, wgt, Precision::kInt8));
    equal += run(dut, 0, act, wgt, Precision::kInt8) == expected;
  }
  CHECK(equal == 1 << 16);
}

TEST_CASE("trine_dot reaches both ends of its range", "[tb][dot]") {
  Vtrine_dot dut;
  const auto at_zero = [&](std::uint32_t act, std::uint32_t wgt, Precision precision) {
    return static_cast<std::int32_t>(run(dut, 0, act, wgt, precision));
  };
  if (TB_Int8 == 1) {
    CHECK(at_zero(0x80808080, 0x80808080, Precision::kInt8) == 65'536);
    CHECK(at_zero(0x80808080, 0x7f7f7f7f, Precision::kInt8) == -65'024);
  }
  if (TB_Ternary == 1) {
    CHECK(at_zero(0xffffffff, 0xffffffff, Precision::kTernary) == 16);
    CHECK(at_zero(0x55555555, 0xffffffff, Precision::kTernary) == -16);
    CHECK(at_zero(0x00000000, 0xffffffff, Precision::kTernary) == 0);
  }
  if (TB_Binary == 1) {
    CHECK(at_zero(0xdeadbeef, 0xdeadbeef, Precision::kBinary) == 32);
    CHECK(at_zero(0xdeadbeef, ~0xdeadbeefu, Precision::kBinary) == -32);
  }
}

TEST_CASE("trine_dot adds nothing for a masked word of binary codes", "[tb][dot]") {
  if (TB_Binary == 0) {
    SUCCEED("not in this design");
    return;
  }
  Vtrine_dot dut;
  std::mt19937 random{1};
  for (int i = 0; i < 1'000; ++i) {
    const std::uint32_t base = any_word(random), wgt = any_word(random);
    dut.mode_i = 3;
    dut.base_i = base;
    dut.act_i = 0;
    drive(dut.wgt_i, kBooth ? digits(wgt, Precision::kBinary) : wgt);
    dut.eval();
    REQUIRE(dut.sum_o == base);
  }
}
