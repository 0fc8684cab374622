// SPDX-License-Identifier: Apache-2.0
//
// Module bench: compares the carry-save product with its rounding term with 64-bit arithmetic.

#include <random>

#include "Vtrine_mul.h"
#include "sw/base/catch.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr int kWidth = TB_AWidth + TB_BWidth;  // at most 63
constexpr int kNudgeBit = 2 * ((TB_AWidth + 1) / 2) - 2;

/// Returns a * b + nudge + half + high, modulo 2^kWidth.
std::uint64_t product(std::int64_t a, std::int64_t b, bool nudge, bool half, bool high) {
  const std::int64_t term = nudge ? std::int64_t{1} << kNudgeBit : 0;
  const std::int64_t exact = a * b + (a < 0 ? -term : term) +
                             (half ? std::int64_t{1} << TB_HalfBit : 0) +
                             (high ? std::int64_t{1} << TB_HighBit : 0);
  return static_cast<std::uint64_t>(exact) & ((std::uint64_t{1} << kWidth) - 1);
}

/// Returns the low `bits` of a draw as a signed number.
std::int64_t as_signed(std::uint32_t draw, int bits) {
  const std::int64_t value = draw & ((std::uint64_t{1} << bits) - 1);
  return value < std::int64_t{1} << (bits - 1) ? value : value - (std::int64_t{1} << bits);
}

}  // namespace

TEST_CASE("trine_mul multiplies signed by unsigned and adds the nudge", "[tb][mul]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  Vtrine_mul dut;
  std::mt19937 random{seed};
  int equal = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::int64_t a =
        as_signed(any_word(random) >> (random() % 2 ? 0 : 32 - TB_AWidth), TB_AWidth);
    const std::int64_t b = any_word(random) & ((1u << TB_BWidth) - 1);
#ifdef TB_Split
    // {m, m} times a 40-bit x, or one multiplicand for both halves.
    dut.upper_i = static_cast<std::uint32_t>(b);
    if (chance(random, 50)) {
      const std::int64_t x =
          static_cast<std::int64_t>(std::uint64_t{any_word(random)} << 32 | any_word(random)) >>
          (24 + random() % 40);
      const std::uint32_t m = any_word(random) & 0x7fff;
      drive(dut.a_i, std::uint64_t{m} << 16 | m);
      drive(dut.b_i, static_cast<std::uint64_t>(x & 0xffff));
      dut.upper_i = static_cast<std::uint32_t>(x >> 16);
      dut.nudge_i = dut.half_i = dut.high_i = 0;
      dut.eval();
      const std::uint64_t actual =
          (std::uint64_t{dut.sum_o} + dut.carry_o) & ((std::uint64_t{1} << kWidth) - 1);
      CAPTURE(seed, i, x, m);
      REQUIRE(actual == product(x, m, false, false, false));
      ++equal;
      continue;
    }
#endif
    const bool nudge = chance(random, 50), half = chance(random, 50), high = chance(random, 50);
    drive(dut.a_i, static_cast<std::uint64_t>(a) & ((std::uint64_t{1} << TB_AWidth) - 1));
    drive(dut.b_i, static_cast<std::uint64_t>(b));
    dut.nudge_i = nudge;
    dut.half_i = half;
    dut.high_i = high;
    dut.eval();
    const std::uint64_t actual =
        (std::uint64_t{dut.sum_o} + dut.carry_o) & ((std::uint64_t{1} << kWidth) - 1);
    if (actual != product(a, b, nudge, half, high)) {
      CAPTURE(seed, i, a, b, nudge, half, high);
      REQUIRE(actual == product(a, b, nudge, half, high));
    }
    ++equal;
  }
  CHECK(equal == 100'000);
}
