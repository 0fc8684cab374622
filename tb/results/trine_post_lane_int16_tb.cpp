// SPDX-License-Identifier: Apache-2.0
//
// Module bench: tests int16 codes of the post lane, which it computes from the sums of high and of
// low bytes: 40 bits with single rounding, 32 bits with double rounding or half to even; separate
// scales below 0; sums, differences and products of two codes. All follow TFLite's formulas.

#include <algorithm>
#include <deque>
#include <random>

#include "Vtrine_post_lane.h"
#include "spec/minifloat.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/post_cfg.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr int kInt16Latency = 5;

/// Returns floor(sum * m / 2^(15 - shift) + 1/2) for a 15-bit m: the product has 54 bits.
int long_code(std::int64_t sum, std::int32_t m, int shift, int low, int high) {
  const std::int64_t half = std::int64_t{1} << (14 - shift);
  const std::int64_t value = (sum * m + half) >> (15 - shift);
  return static_cast<int>(std::clamp<std::int64_t>(value, low, high));
}

/// A lane with the bounds of its codes, and the expected code of each cycle.
struct Lane16 : Clocked<Vtrine_post_lane> {
  std::mt19937 random;
  Range range{0, -32768, 32767};
  std::deque<std::pair<int, int>> expected;  ///< cycle, code
  int results = 0;

  explicit Lane16(unsigned seed) : random(seed) {
    set_cfg(dut.cfg_i, cfg::kZeroPoint, 0);
    set_cfg(dut.cfg_i, cfg::kAddZeroPoint, 0);
  }
  /// Requires the code that is due in that cycle, and no other.
  void check(int cycle) {
    dut.eval();
    CAPTURE(cycle);
    const bool due = !expected.empty() && expected.front().first == cycle;
    REQUIRE(dut.out_valid_o == due);
    if (!due) return;
    REQUIRE(dut.int16_o);
    REQUIRE(static_cast<std::int8_t>(dut.code_o) * 256 + dut.low_o == expected.front().second);
    expected.pop_front();
    ++results;
  }
  int uniform(int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  }
  int code() {
    const int corner[] = {-32768, 32767, 0, -1, 255, -256};
    return chance(random, 20) ? corner[random() % 6] : uniform(-32768, 32767);
  }
  std::int32_t multiplier() {
    const std::int32_t corner[] = {1 << 30, INT32_MAX};
    if (chance(random, 10)) return corner[random() % 2];
    return static_cast<std::int32_t>(random() >> 2 | 1u << 30);
  }
  void draw_range() {
    range = {0, -32768, 32767};
    if (chance(random, 50)) {
      range.act_min = chance(random, 50) ? 0 : uniform(-32768, 32767);
      range.act_max = uniform(range.act_min, 32767);
    }
    set_range();
  }
  void set_range() {
    set_cfg(dut.cfg_i, cfg::kActMin, range.act_min >> 8);
    set_cfg(dut.cfg_i, cfg::kAddActMin, range.act_min);
    set_cfg(dut.cfg_i, cfg::kActMax, range.act_max >> 8);
    set_cfg(dut.cfg_i, cfg::kAddActMax, range.act_max);
  }
  /// Offers a sum, split into sums of high bytes, low bytes and the bias: with 40 bits and a 15-bit
  /// multiplier (`is_long`), or with 32 bits. @param shift  of TFLite's pair
  void offer_sum(bool valid, std::int64_t sum, std::int32_t multiplier, int shift, bool is_long) {
    const auto low = static_cast<std::int32_t>(any_word(random)) >> uniform(0, 31);
    const auto high = static_cast<std::int32_t>(any_word(random)) >> uniform(0, 31);
    const std::int64_t bias = sum - std::int64_t{high} * 256 - low;
    dut.in_valid_i = valid;
    dut.in_op_i = 0;
    dut.int16_i = valid;
    dut.acc_i = static_cast<std::uint32_t>(high);
    dut.low_i = static_cast<std::uint32_t>(low);
    dut.bias_i = static_cast<std::uint32_t>(bias);
    dut.multiplier_i = static_cast<std::uint32_t>(
        is_long ? multiplier | static_cast<std::int32_t>(bias >> 32 & 0xff) << 15 : multiplier);
    dut.shift_i = static_cast<std::uint8_t>((is_long ? shift + 16 : shift) & 63);
  }
};

/// Returns a byte with random bits above it.
std::uint32_t byte_in_word(std::mt19937& random, int byte) {
  return (any_word(random) & ~0xffu) | (static_cast<unsigned>(byte) & 0xff);
}

}  // namespace

TEST_CASE("trine_post_lane adds, subtracts and multiplies int16 codes", "[tb][post_lane]") {
  enum Kind { kSums, kDifferences, kProducts };
  const auto kind = GENERATE(kSums, kDifferences, kProducts);
  const auto rounding = GENERATE(Rounding::kDouble, Rounding::kSingle, Rounding::kHalfEven);
  const auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(kind, static_cast<int>(rounding), seed);
  Lane16 lane(seed);
  auto& dut = lane.dut;
  set_cfg(dut.cfg_i, cfg::kSingle, rounding != Rounding::kDouble);
  set_cfg(dut.cfg_i, cfg::kHalfEven, rounding == Rounding::kHalfEven);
  set_cfg(dut.cfg_i, cfg::kSubtract, kind == kDifferences);
  constexpr int kPairLatency = 7;
  // The operand rounds as in the kernels; half to even only applies to the result.
  const Rounding first = rounding == Rounding::kDouble ? rounding : Rounding::kSingle;
  int inside = 0;
  for (int episode = 0; episode < 150; ++episode) {
    lane.draw_range();
    const bool a_is_half = chance(lane.random, 50), ties = chance(lane.random, 30);
    const Scale operand =
        ties ? Scale{1 << 30, -lane.uniform(0, 3)} : Scale{lane.multiplier(), -lane.uniform(0, 31)};
    const Scale sum = ties ? Scale{1 << 30, -lane.uniform(12, 16)}
                           : Scale{lane.multiplier(), -lane.uniform(10, 20)};
    const Scale product = ties ? Scale{1 << 30, -lane.uniform(0, 18)}
                               : Scale{lane.multiplier(), -lane.uniform(8, 20)};
    for (const auto field : {cfg::kAddZeroA, cfg::kAddZeroB, cfg::kKind})  // not read
      set_cfg(dut.cfg_i, field, any_word(lane.random));
    set_cfg(dut.cfg_i, cfg::kAddAIsHalf, a_is_half);
    set_cfg(dut.cfg_i, cfg::kAddOperandMultiplier, operand.multiplier);
    set_cfg(dut.cfg_i, cfg::kAddOperandShift, operand.shift);
    set_cfg(dut.cfg_i, cfg::kAddMultiplier, sum.multiplier);
    set_cfg(dut.cfg_i, cfg::kAddShift, sum.shift);
    const auto term = [&](int v, bool half) {
      return half ? v * (1 << 14) : multiply_by_scale(v * (1 << 15), operand, first);
    };
    const auto result = [&](int a, int b) {
      if (kind == kProducts) return requantize(a * b, product, lane.range, rounding);
      const std::int64_t x = term(a, a_is_half), y = term(b, !a_is_half);
      const auto value = static_cast<std::int32_t>(kind == kSums ? x + y : x - y);
      return requantize(value, sum, lane.range, rounding);
    };
    for (int cycle = 0; cycle < 130; ++cycle) {
      const bool offer = cycle < 115 && chance(lane.random, 80);
      const int a = lane.code(), b = lane.code();
      dut.in_valid_i = offer;
      dut.in_op_i = kind == kProducts ? 3 : 1;
      dut.int16_i = 1;
      dut.acc_i = byte_in_word(lane.random, a >> 8);
      dut.low_i = byte_in_word(lane.random, a);
      dut.residual_i = static_cast<std::uint8_t>(b >> 8);
      dut.low_residual_i = static_cast<std::uint8_t>(b);
      dut.bias_i = any_word(lane.random);
      dut.multiplier_i = static_cast<std::uint32_t>(product.multiplier);
      dut.shift_i = static_cast<std::uint8_t>(product.shift & 63);
      CAPTURE(episode, a_is_half, operand.multiplier, operand.shift, sum.shift);
      lane.check(cycle);
      if (offer) {
        const int code = result(a, b);
        inside += code > lane.range.act_min && code < lane.range.act_max;
        lane.expected.emplace_back(cycle + kPairLatency, code);
      }
      lane.tick();
    }
    REQUIRE(lane.expected.empty());
  }
  CHECK(lane.results > 10'000);
  CHECK(inside > 2'000);
}

TEST_CASE("trine_post_lane scales int16 codes below 0 by a separate scale", "[tb][post_lane]") {
  const auto seed = GENERATE(1u, 2u);
  const auto rounding = GENERATE(Rounding::kDouble, Rounding::kSingle);
  CAPTURE(seed, static_cast<int>(rounding));
  Lane16 lane(seed);
  auto& dut = lane.dut;
  set_cfg(dut.cfg_i, cfg::kSingle, rounding == Rounding::kSingle);
  set_cfg(dut.cfg_i, cfg::kStaticScale, 1);  // 32 bits, whatever the rounding
  set_cfg(dut.cfg_i, cfg::kLeaky, 1);
  int negative = 0;
  for (int episode = 0; episode < 100; ++episode) {
    lane.draw_range();
    const Scale above{lane.multiplier(), -lane.uniform(-2, 8)},
        below{lane.multiplier(), -lane.uniform(-2, 12)};
    set_cfg(dut.cfg_i, cfg::kAddMultiplier, below.multiplier);
    set_cfg(dut.cfg_i, cfg::kAddShift, below.shift);
    for (int cycle = 0; cycle < 60; ++cycle) {
      const bool offer = cycle < 50 && chance(lane.random, 80);
      const int code = lane.code();
      dut.in_valid_i = offer;
      dut.in_op_i = 0;
      dut.int16_i = 1;
      dut.acc_i = static_cast<std::uint32_t>(code >> 8);
      dut.low_i = static_cast<std::uint32_t>((code & 0xff) - 128);
      dut.bias_i = 128;
      dut.multiplier_i = static_cast<std::uint32_t>(above.multiplier);
      dut.shift_i = static_cast<std::uint8_t>(above.shift & 63);
      CAPTURE(episode);
      lane.check(cycle);
      if (offer) {
        negative += code < 0;
        lane.expected.emplace_back(cycle + kInt16Latency, requantize(code, code < 0 ? below : above,
                                                                     lane.range, rounding));
      }
      lane.tick();
    }
    REQUIRE(lane.expected.empty());
  }
  CHECK((negative > 1'000 && negative < lane.results - 1'000));
}

TEST_CASE("trine_post_lane computes int16 codes from the sums of two lanes", "[tb][post_lane]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto rounding = GENERATE(Rounding::kDouble, Rounding::kSingle, Rounding::kHalfEven);
  const bool is_long = rounding == Rounding::kSingle, half_even = rounding == Rounding::kHalfEven;
  CAPTURE(seed, static_cast<int>(rounding));
  Lane16 lane(seed);
  auto& dut = lane.dut;
  auto& random = lane.random;
  set_cfg(dut.cfg_i, cfg::kSingle, rounding != Rounding::kDouble);
  set_cfg(dut.cfg_i, cfg::kHalfEven, half_even);
  set_cfg(dut.cfg_i, cfg::kStaticScale, half_even);  // 32 bits, as in trine_lanes
  int clamped = 0;
  for (int episode = 0; episode < 100; ++episode) {
    lane.draw_range();
    const int low = lane.range.act_min, high = lane.range.act_max;
    for (int cycle = 0; cycle < 120; ++cycle) {
      const bool offer = cycle < 110 && chance(random, 80);
      const int shift = lane.uniform(-30, is_long ? 14 : 10);  // of TFLite's pair
      const int size = is_long ? lane.uniform(1, 40) : lane.uniform(1, 32 - std::max(shift, 0));
      const std::uint64_t draw = std::uint64_t{any_word(random)} << 32 | any_word(random);
      const bool ties = half_even && chance(random, 40);
      const std::int64_t sum = static_cast<std::int64_t>(draw) >> (64 - size);
      const std::int32_t q = ties ? 1 << 30 : lane.multiplier();
      const std::int32_t m = q < 0x7fff0000 ? (q + (1 << 15)) >> 16 : 0x7fff;
      lane.offer_sum(offer, sum, is_long ? m : q, shift, is_long);
      CAPTURE(episode);
      lane.check(cycle);
      if (offer) {
        const int code = is_long ? long_code(sum, m, shift, low, high)
                                 : requantize(static_cast<std::int32_t>(sum), {q, shift},
                                              {0, low, high}, rounding);
        clamped += code == low || code == high;
        lane.expected.emplace_back(cycle + kInt16Latency, code);
      }
      lane.tick();
    }
    REQUIRE(lane.expected.empty());
  }
  CHECK(lane.results > 8'000);
  CHECK((clamped > 1'000 && clamped < lane.results - 2'000));
}

#if TB_Formats
TEST_CASE("trine_post_lane rounds to the values of eight-bit formats", "[tb][post_lane]") {
  using trine::spec::Format;
  const Format format = GENERATE(Format::kE3M4, Format::kPosit8, Format::kE4M3);
  const bool is_long = GENERATE(false, true);
  CAPTURE(static_cast<int>(format), is_long);
  constexpr int kBelow = 4, kMost = 5000 << kBelow;  // low bits of sums without effect
  Lane16 lane(7);
  auto& dut = lane.dut;
  auto& random = lane.random;
  set_cfg(dut.cfg_i, cfg::kSingle, 1);
  set_cfg(dut.cfg_i, cfg::kFormat, static_cast<int>(format));
  const int largest = trine::spec::largest_code(format);
  int next = -kMost, cycle = 0;
  for (int episode = 0; next <= kMost || episode < 300; ++episode) {
    const bool all =
        next <= kMost;  // all sums one after the other, with a scale that is a power of two
    const bool half_even = !is_long;
    set_cfg(dut.cfg_i, cfg::kHalfEven, half_even);
    set_cfg(dut.cfg_i, cfg::kStaticScale, half_even);
    lane.range = {0, chance(random, 50) ? -largest : 0, largest};
    if (!all) lane.range.act_max = lane.uniform(lane.range.act_min, largest);
    lane.set_range();
    for (int n = 0; n < 1000; ++n, ++cycle) {
      const bool offer = n < 990 && chance(random, 90);
      // The shift is that of TFLite's pair; the product has the bits of a 40-bit sum times 15 bits,
      // or of a 32-bit sum times 31 bits.
      const int shift = all ? 1 - kBelow : lane.uniform(-24, 4);
      const std::int32_t q = all ? 1 << 30 : lane.multiplier();
      const std::int32_t m = is_long ? q < 0x7fff0000 ? (q + (1 << 15)) >> 16 : 0x7fff : q;
      const int right = (is_long ? 15 : 31) - shift;
      const int size = is_long ? lane.uniform(2, 40) : lane.uniform(2, 32);
      const std::uint64_t draw = std::uint64_t{any_word(random)} << 32 | any_word(random);
      const std::int64_t sum = all ? next : static_cast<std::int64_t>(draw) >> (64 - size);
      lane.offer_sum(offer, sum, is_long ? m : q, shift, is_long);
      CAPTURE(sum, m, right);
      lane.check(cycle);
      if (offer) {
        const int code = trine::spec::as_code(
            format, trine::spec::nearest(format, trine::spec::Exact{sum} * m, right));
        lane.expected.emplace_back(cycle + kInt16Latency,
                                   std::clamp(code, lane.range.act_min, lane.range.act_max));
        if (all) ++next;
      }
      lane.tick();
    }
    REQUIRE(lane.expected.empty());
  }
  CHECK(lane.results > 2 * kMost);
}

TEST_CASE("trine_post_lane computes codes from sums of 48 bits", "[tb][post_lane]") {
  using trine::spec::Format;
  const Format format = GENERATE(Format::kNone, Format::kE4M3);
  Lane16 lane(11);
  auto& dut = lane.dut;
  auto& random = lane.random;
  const bool half_even = format == Format::kNone;
  set_cfg(dut.cfg_i, cfg::kSingle, 1);
  set_cfg(dut.cfg_i, cfg::kHalfEven, half_even);
  set_cfg(dut.cfg_i, cfg::kStaticScale, 1);
  set_cfg(dut.cfg_i, cfg::kWords, 1);
  set_cfg(dut.cfg_i, cfg::kThird, 1);
  set_cfg(dut.cfg_i, cfg::kFifth, 1);
  set_cfg(dut.cfg_i, cfg::kFormat, static_cast<int>(format));
  const int largest = half_even ? 127 : trine::spec::largest_code(format);
  lane.range = {0, -largest, largest};
  lane.set_range();
  int inside = 0;
  for (int cycle = 0; cycle < 100'000; ++cycle) {
    const bool offer = cycle < 99'990 && chance(random, 90);
    const std::uint64_t draw = std::uint64_t{any_word(random)} << 32 | any_word(random);
    const int size = lane.uniform(2, 48),
              zeros = chance(random, 30) ? lane.uniform(0, size - 1) : 0;
    const std::int64_t sum = static_cast<std::int64_t>(draw) >> (64 - size) >> zeros << zeros;
    const std::int32_t m = chance(random, 50) ? 1 << 14 : lane.uniform(0, 0x7fff);
    const int right = std::clamp(size + 14 - lane.uniform(0, 20), 1, 62);
    const auto low = static_cast<std::int32_t>(any_word(random)) >> lane.uniform(0, 31);
    const auto top = static_cast<std::uint16_t>(any_word(random));
    const std::int64_t high =
        sum - low - static_cast<std::int64_t>(std::uint64_t{top} << 48 >> 16);  // times 256
    dut.in_valid_i = offer;
    dut.in_op_i = 0;
    dut.int16_i = offer;
    // The low word contains the remainder modulo 256.
    dut.low_i = static_cast<std::uint32_t>(low + (high & 0xff));
    const bool fits = std::int64_t{low} + (high & 0xff) <= INT32_MAX;
    dut.acc_i = static_cast<std::uint32_t>(high >> 8);
    dut.above_i = static_cast<std::uint8_t>(high >> 40);
    dut.top_i = top;
    dut.bias_i = any_word(random);
    dut.multiplier_i = static_cast<std::uint32_t>(m);
    dut.shift_i = static_cast<std::uint8_t>((31 - right) & 63);
    if (!fits) dut.in_valid_i = dut.int16_i = 0;
    lane.check(cycle);
    if (offer && fits) {
      using trine::spec::Exact;
      const Exact product = Exact{sum} * m, half = Exact{1} << (right - 1);
      Exact whole = product >> right;
      const Exact rest = product - (whole << right);
      if (rest > half || (rest == half && whole % 2 != 0)) ++whole;
      const Exact value =
          half_even
              ? whole
              : Exact{trine::spec::as_code(format, trine::spec::nearest(format, product, right))};
      const auto code = static_cast<int>(std::clamp<Exact>(value, -largest, largest));
      inside += std::abs(code) < largest && code != 0;
      lane.expected.emplace_back(cycle + kInt16Latency, code);
    }
    lane.tick();
  }
  REQUIRE(lane.expected.empty());
  CHECK(inside > 20'000);
}
#endif
