// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/requantize.h"

#include <random>

#include "sw/base/catch.h"

using namespace trine::reference;

namespace {

__extension__ using Int128 = __int128;

Int128 floor_div(Int128 n, Int128 d) { return n >= 0 ? n / d : -((-n + d - 1) / d); }

/// Computes the published definition in exact rational arithmetic, as an independent oracle. It has
/// explicit tie rules and no shifts or masks, so that it shares no expression with the code under
/// test.
Int128 exact(std::int32_t acc, const ChannelScale& s, Rounding rounding) {
  const Int128 left = Int128{1} << std::max(s.shift, 0);
  const Int128 right = Int128{1} << std::max(-s.shift, 0);
  const Int128 product = Int128{acc} * left * s.multiplier;
  Int128 value = 0;
  if (rounding == Rounding::kHalfEven) {
    const Int128 unit = (Int128{1} << 31) * right;
    value = floor_div(2 * product + unit, 2 * unit);
    if (2 * (value * unit - product) == unit && floor_div(value, 2) * 2 != value) --value;
  } else if (rounding == Rounding::kSingle) {
    const Int128 unit = (Int128{1} << 31) * right;
    value = floor_div(2 * product + unit, 2 * unit);
  } else {
    const Int128 high = floor_div(2 * product + (Int128{1} << 31), Int128{1} << 32);
    const Int128 magnitude = floor_div(2 * (high < 0 ? -high : high) + right, 2 * right);
    value = high < 0 ? -magnitude : magnitude;
  }
  return value;
}

int oracle(std::int32_t acc, const ChannelScale& s, const OutputRange& out, Rounding rounding) {
  return static_cast<int>(
      std::clamp<Int128>(exact(acc, s, rounding) + out.zero_point, out.act_min, out.act_max));
}

}  // namespace

TEST_CASE("rounding_divide_by_pot rounds ties away from zero", "[reference][requantize]") {
  struct Row {
    std::int32_t x;
    int exponent;
    std::int32_t expected;
  };
  const auto row = GENERATE(Row{5, 1, 3}, Row{-5, 1, -3},  // +-2.5
                            Row{6, 2, 2}, Row{-6, 2, -2},  // +-1.5
                            Row{4, 2, 1}, Row{-7, 2, -2},  // exact, -1.75
                            Row{7, 0, 7}, Row{-1, 31, 0},  // no shift, longest shift
                            Row{INT32_MIN, 31, -1}, Row{INT32_MAX, 31, 1});
  CAPTURE(row.x, row.exponent);
  CHECK(rounding_divide_by_pot(row.x, row.exponent) == row.expected);
}

TEST_CASE("rounding_doubling_high_multiply rounds ties up and saturates once",
          "[reference][requantize]") {
  CHECK(rounding_doubling_high_multiply(1, 1 << 30) == 1);    //  0.5 ->  1
  CHECK(rounding_doubling_high_multiply(-1, 1 << 30) == 0);   // -0.5 ->  0
  CHECK(rounding_doubling_high_multiply(-3, 1 << 30) == -1);  // -1.5 -> -1
  CHECK(rounding_doubling_high_multiply(INT32_MIN, INT32_MIN) == INT32_MAX);
}

TEST_CASE("one rounding differs from two, and rounds halves up", "[reference][requantize]") {
  // 3 * 0.5 * 2^-2 = 0.375. First rounding: 1.5 -> 2; second: 2 / 4 = 0.5 -> 1. Rounded once: 0.
  CHECK(requantize(3, {1 << 30, -2}, {}) == 1);
  CHECK(requantize(3, {1 << 30, -2}, {}, Rounding::kSingle) == 0);
  CHECK(requantize(6, {1 << 30, -1}, {}, Rounding::kSingle) == 2);    //  1.5
  CHECK(requantize(-6, {1 << 30, -1}, {}, Rounding::kSingle) == -1);  // -1.5
  CHECK(requantize(-6, {1 << 30, -1}, {}, Rounding::kDouble) == -2);
}

TEST_CASE("sums of 64 bits agree with exact arithmetic", "[reference][requantize][maps16]") {
  std::mt19937_64 random{4};
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t sum = static_cast<std::int64_t>(random()) >> (16 + random() % 48);
    const bool largest = random() % 8 == 0;
    const auto low = static_cast<std::int32_t>(random() % (largest ? 1 << 16 : 1 << 30));
    const ChannelScale s{(largest ? 0x7fff0000 : 1 << 30) + low,
                         static_cast<int>(random() % 46) - 31};
    CAPTURE(sum, s.multiplier, s.shift);
    const Int128 product = sum * std::min<Int128>((Int128{s.multiplier} + 32768) / 65536, 0x7fff);
    const Int128 twice = Int128{1} << (16 - s.shift + 32);
    const Int128 nearest = floor_div((2 * product << 32) + twice / 2, twice);  // halves go up
    const auto expected = std::clamp<Int128>(nearest, INT32_MIN, INT32_MAX);
    CHECK(scaled_wide(sum, s) == static_cast<std::int32_t>(expected));
  }
  CHECK(scaled_wide(1, {1 << 30, 30}) == 1 << 29);
  CHECK(scaled_wide(-8, {1 << 30, 30}) == INT32_MIN);
  CHECK(scaled_wide(INT64_MAX, {1 << 30, -31}) == 1 << 15);  // limited to 48 bits
}

TEST_CASE("requantize adds the zero point before it clamps", "[reference][requantize]") {
  const ChannelScale half{1 << 30, 0};
  CHECK(requantize(40, half, {-10, -128, 127}) == 10);
  CHECK(requantize(-1000, half, {-10, -10, 127}) == -10);  // ReLU: lower bound is the zero point
  CHECK(requantize(INT32_MAX, half, {127, -128, 127}) == 127);
  CHECK(requantize(INT32_MIN, half, {-128, -128, 127}) == -128);
  CHECK(requantize(1000, half, {128, 0, 255}) == 255);  // uint8
}

constexpr int kDraws = 100'000;  // individual assertions would take seconds

TEST_CASE("requantize agrees with exact rational arithmetic", "[reference][requantize]") {
  const auto rounding = GENERATE(Rounding::kDouble, Rounding::kSingle);
  const auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(seed, static_cast<int>(rounding));
  std::mt19937 random{seed};
  int agree = 0;
  for (int i = 0; i < kDraws; ++i) {
    const int shift = static_cast<int>(random() % 62) - 31;
    const auto limit = std::int64_t{INT32_MAX} >> std::max(shift, 0);
    const auto acc = static_cast<std::int32_t>(random() % (2 * limit + 1) - limit);
    const ChannelScale s{static_cast<std::int32_t>(random() >> 1), shift};
    const OutputRange out{static_cast<std::int32_t>(random() % 256) - 128, -128, 127};
    if (requantize(acc, s, out, rounding) != oracle(acc, s, out, rounding)) {
      CAPTURE(i, acc, s.multiplier, s.shift, out.zero_point);
      REQUIRE(requantize(acc, s, out, rounding) == oracle(acc, s, out, rounding));
    }
    ++agree;
  }
  CHECK(agree == kDraws);
}

TEST_CASE("scaled values and ties agree with exact rational arithmetic",
          "[reference][requantize]") {
  const auto rounding = GENERATE(Rounding::kDouble, Rounding::kSingle, Rounding::kHalfEven);
  std::mt19937 random{17};
  int agree = 0;
  for (int i = 0; i < kDraws; ++i) {
    const int shift = static_cast<int>(random() % 62) - 31;
    // Few significant bits, so that products are often ties of either rounding.
    const auto multiplier = static_cast<std::int32_t>((1u << 30) | (random() % 4) << 28 |
                                                      random() % 2 << random() % 28);
    const int fits = random() % 4 != 0 ? std::max(shift, 0) : 0;  // otherwise results saturate
    const auto limit = std::int64_t{INT32_MAX} >> fits >> random() % 31;
    const auto acc = static_cast<std::int32_t>(random() % (2 * limit + 1) - limit);
    const ChannelScale s{multiplier, shift};
    const Int128 expected = std::clamp<Int128>(exact(acc, s, rounding), INT32_MIN, INT32_MAX);
    if (scaled(acc, s, rounding) != expected) {
      CAPTURE(i, static_cast<int>(rounding), acc, s.multiplier, s.shift);
      REQUIRE(scaled(acc, s, rounding) == static_cast<std::int64_t>(expected));
    }
    ++agree;
  }
  CHECK(agree == kDraws);
}

TEST_CASE("quantize_scale reproduces the scale to 31 bits", "[reference][requantize]") {
  const auto scale = GENERATE(1.0, 0.5, 0.99999999999, 0.0003921568859368563, 0x1p-31, 37.25);
  const ChannelScale s = quantize_scale(scale);
  CHECK(s.multiplier >= 1 << 30);
  CHECK(std::ldexp(s.multiplier, s.shift - 31) == Approx(scale).epsilon(0x1p-31));
  CHECK(quantize_scale(0x1p-33).multiplier == 0);
}

TEST_CASE("quantize_scale stays inside the hardware's range", "[reference][requantize]") {
  for (const double scale : {0x1p30, 1e300, std::numeric_limits<double>::infinity()})
    CHECK(quantize_scale(scale) == ChannelScale{INT32_MAX, 30});
  CHECK(quantize_scale(0x1p30 - 0x1p-3).shift <= 30);
  CHECK(quantize_scale(0.0) == ChannelScale{});
}

TEST_CASE("check names the value and the allowed range", "[reference][requantize][error]") {
  CHECK_FALSE(check({1 << 30, -5}, {}));
  CHECK(check({-1, 0}, {}) == "multiplier -1 is negative, allowed 0..2147483647");
  CHECK(check({1, 31}, {}) == "shift 31 is out of range, allowed -31..30");
  CHECK(check({1, 0}, {128, -128, 127}) == "zero point 128 is out of range, allowed -128..127");
  CHECK(check({1, 0}, {0, 5, 4}) == "activation range 5..4 is empty or exceeds -128..127");
}

TEST_CASE("half even rounds the exact product to the nearest, ties to even",
          "[reference][requantize][half_even]") {
  const ChannelScale half{1 << 30, 0};  // 0.5
  for (const auto& [acc, expected] : {std::pair{1, 0},
                                      {3, 2},
                                      {5, 2},
                                      {7, 4},
                                      {-1, 0},
                                      {-3, -2},
                                      {-5, -2},
                                      {-7, -4},
                                      {2, 1},
                                      {-2, -1},
                                      {0, 0}})
    CHECK(scaled(acc, half, Rounding::kHalfEven) == expected);

  std::mt19937 random{11};
  for (int i = 0; i < 20000; ++i) {
    const ChannelScale s{static_cast<std::int32_t>((1u << 30) + random() % (1u << 30)),
                         -static_cast<int>(random() % 20)};
    const auto acc = static_cast<std::int32_t>(random() % (1u << 24)) - (1 << 23);
    // The product has 55 bits: a long double holds it, and its division by a power of two, exactly.
    const long double exact =
        std::ldexp(static_cast<long double>(acc) * s.multiplier, s.shift - 31);
    CAPTURE(acc, s.multiplier, s.shift);
    REQUIRE(scaled(acc, s, Rounding::kHalfEven) == static_cast<std::int32_t>(std::rint(exact)));
  }
}

TEST_CASE("sums of 16x8 products round halves to even by the whole multiplier",
          "[reference][requantize][half_even]") {
  std::mt19937_64 random{12};
  for (int i = 0; i < 20000; ++i) {
    const int size = 1 + static_cast<int>(random() % 47), shift = -static_cast<int>(random() % 32);
    const bool even = i % 4 == 0;  // ties in reach
    const ChannelScale s{
        even ? 1 << 30 : static_cast<std::int32_t>((1u << 30) + random() % (1u << 30)), shift};
    const std::int64_t sum = static_cast<std::int64_t>(random()) >> (63 - size);
    CAPTURE(sum, s.multiplier, s.shift);
    const auto rounded = scaled_half_even(sum, s);
    if (sum >= INT32_MIN && sum <= INT32_MAX)
      REQUIRE(rounded == scaled(static_cast<std::int32_t>(sum), s, Rounding::kHalfEven));
    // Twice the distance is at most a step, and a tie's code is even, unless 32 bits limit it.
    const Int128 twice = 2 * (Int128{sum} * s.multiplier - (Int128{rounded} << (31 - shift)));
    const Int128 step = Int128{1} << (31 - shift);
    const bool limited = rounded == INT32_MIN || rounded == INT32_MAX;
    REQUIRE((limited || (twice >= -step && twice <= step)));
    if (!limited && (twice == step || twice == -step)) REQUIRE(rounded % 2 == 0);
  }
}
