// SPDX-License-Identifier: Apache-2.0
//
// Module bench: tests all operations of the post lane and both roundings against TFLite's
// arithmetic, with random gaps. The value and the cycle of each result and product are checked.

#include <deque>
#include <random>

#include "Vtrine_post_lane.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/post_cfg.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

enum Op { kRequant, kAdd, kFused, kMul, kFusedMax, kSquare, kNormalize };
constexpr int kLatency[] = {5, 7, 12, 7, 5, 9, 7};  // from the module's header

/// Returns the two's complement of `value` in a port of `width` <= 8 bits.
std::uint8_t bits(int value, int width) {
  return static_cast<std::uint8_t>(value & ((1 << width) - 1));
}

struct Bench : Clocked<Vtrine_post_lane> {
  std::mt19937 random;

  explicit Bench(unsigned seed) : random(seed) {}

  int uniform(int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  }
  int code() {
    const int corner[] = {-128, 127, 0, -1};
    return chance(random, 20) ? corner[random() % 4] : uniform(-128, 127);
  }
  Range range() {
    Range r{code(), -128, 127};
    if (chance(random, 50)) {
      r.act_min = uniform(-128, 127);
      r.act_max = uniform(r.act_min, 127);
    }
    return r;
  }
  std::int32_t multiplier() {
    const std::int32_t corner[] = {0, 1 << 30, INT32_MAX, 1};
    if (chance(random, 10)) return corner[random() % 4];
    return static_cast<std::int32_t>(random() >> 1 | 1u << 30);
  }
  /// Draws magnitudes of all powers of two, most of them small enough for 32 bits after a left
  /// shift.
  std::int32_t accumulator(int shift) {
    const int left = chance(random, 80) ? std::max(shift, 0) : 0;
    if (chance(random, 5)) return (chance(random, 50) ? INT32_MAX : INT32_MIN) >> left;
    return static_cast<std::int32_t>(random()) >> std::max(uniform(0, 31), left);
  }
};

}  // namespace

TEST_CASE("trine_post_lane requantizes, adds, multiplies, squares and normalizes",
          "[tb][post_lane]") {
  const auto op = GENERATE(kRequant, kAdd, kFused, kMul, kFusedMax, kSquare, kNormalize);
  const auto rounding = GENERATE(Rounding::kDouble, Rounding::kSingle, Rounding::kHalfEven);
  const auto seed = GENERATE(1u, 2u, 3u);
  CAPTURE(op, static_cast<int>(rounding), seed);
  if (op == kNormalize && rounding != Rounding::kSingle) {
    SUCCEED("a normalization has one rounding");
    return;
  }

  Bench bench(seed);
  auto& dut = bench.dut;
  auto& random = bench.random;
  set_cfg(dut.cfg_i, cfg::kSingle, rounding != Rounding::kDouble);
  set_cfg(dut.cfg_i, cfg::kMax, op == kFusedMax);
  set_cfg(dut.cfg_i, cfg::kSquare, op == kSquare);
  set_cfg(dut.cfg_i, cfg::kHalfEven, rounding == Rounding::kHalfEven);
  dut.normalize_i = op == kNormalize;

  struct Expected {
    int cycle, code;
    std::uint32_t acc, bias;
    Scale scale;
    int a, b;
  };
  std::deque<Expected> expected;
  std::deque<std::pair<int, std::uint64_t>> products;  // cycle, value
  std::array<Expected, 2> factors{};  // of normalized values, for the second entry of each
  /// Returns the rounded upper bits of a product to which its bias is added, or their negation.
  const auto high_part = [](const Expected& factor, const Scale& scale) {
    const std::int64_t value =
        std::int64_t{static_cast<std::int32_t>(factor.acc)} * factor.scale.multiplier;
    const auto high = static_cast<std::uint32_t>((value + (1 << 26)) >> 27);
    return (scale.shift & 32) == 0 ? 0 - high : high;
  };
  int results = 0;
  for (int episode = 0; episode < 150; ++episode) {
    const Range range = bench.range();
    Add add;
    add.zero_a = bench.code();
    add.zero_b = bench.code();
    add.range = bench.range();
    const Scale half{1 << 30, 0};
    Scale other{bench.multiplier(), -(chance(random, 50) ? bench.uniform(0, 31) : 0)};
    const int kind = bench.uniform(0, 9);
    const bool units = kind < 2, ties = kind == 2 || kind == 3;
    const bool a_is_half = !units && chance(random, 50);
    // Sums are below 2^28: the scales bring them near the int8 range.
    add.scale_sum = {bench.multiplier(),
                     chance(random, 80) ? -bench.uniform(14, 22) : bench.uniform(-31, 3)};
    if (units) {  // operand a is a few units, b is zero, and the sum's scale is near 1
      other.shift = -bench.uniform(20, 28);
      if (chance(random, 40))  // each bit of the product matters
        other = {bench.uniform(1 << 9, 1 << 13), -bench.uniform(0, 7)};
      add.scale_sum.shift = bench.uniform(-1, 2);
    }
    if (ties) {  // powers of two: one unit of an operand decides
      other = {1 << 30, -bench.uniform(0, 3)};
      add.scale_sum = {1 << 30, -bench.uniform(16, 20)};
    }

    // A product's scale is the same for all values.
    const Scale product = ties ? Scale{1 << 30, -bench.uniform(0, 12)}
                               : Scale{bench.multiplier(), bench.uniform(-20, 14)};
    Scale square = ties ? Scale{1 << 30, -bench.uniform(0, 22)}
                        : Scale{bench.multiplier(), bench.uniform(-30, 1)};
    if (op == kSquare && units) {  // one unit of the difference decides
      other.shift = -bench.uniform(5, 12);
      square.shift = -23 - 2 * other.shift + bench.uniform(0, 2);
    }
    if (op == kSquare && other.shift == 0) other.multiplier = 1 << 30;
    add.scale_a = a_is_half ? half : other;
    add.scale_b = a_is_half ? other : half;

    // Fields that the lane does not read are random.
    for (const auto field :
         {cfg::kKind, cfg::kLookup, cfg::kBias, cfg::kMultiplier, cfg::kChannels})
      set_cfg(dut.cfg_i, field, any_word(random));
    set_cfg(dut.cfg_i, cfg::kZeroPoint, range.zero_point);
    set_cfg(dut.cfg_i, cfg::kActMin, range.act_min);
    set_cfg(dut.cfg_i, cfg::kActMax, range.act_max);
    set_cfg(dut.cfg_i, cfg::kAddZeroA, add.zero_a);
    set_cfg(dut.cfg_i, cfg::kAddZeroB, add.zero_b);
    set_cfg(dut.cfg_i, cfg::kAddAIsHalf, a_is_half);
    set_cfg(dut.cfg_i, cfg::kAddOperandMultiplier, other.multiplier);
    set_cfg(dut.cfg_i, cfg::kAddOperandShift, other.shift);
    set_cfg(dut.cfg_i, cfg::kAddMultiplier, add.scale_sum.multiplier);
    set_cfg(dut.cfg_i, cfg::kAddShift, add.scale_sum.shift);
    set_cfg(dut.cfg_i, cfg::kAddZeroPoint, add.range.zero_point);
    set_cfg(dut.cfg_i, cfg::kAddActMin, add.range.act_min);
    set_cfg(dut.cfg_i, cfg::kAddActMax, add.range.act_max);

    // The last cycles only drain the pipeline.
    for (int cycle = 0; cycle < 140; ++cycle) {
      const bool offer = cycle < 125 && chance(random, 80) &&
                         ((op != kFused && op != kFusedMax) || cycle % 2 == 0) &&
                         ((op != kSquare && op != kNormalize) || cycle % 4 < 2);
      // For ties: some units of half a code, or off by one bit.
      const int shift = ties ? -bench.uniform(0, 20) : bench.uniform(-31, 30);
      Scale scale = op == kMul      ? product
                    : op == kSquare ? square
                                    : Scale{ties ? 1 << 30 : bench.multiplier(), shift};
      std::int32_t sum = ties ? bench.uniform(-300, 300) * (1 << -shift) : bench.accumulator(shift);
      if (ties && shift < 0 && chance(random, 50)) sum += 1 << bench.uniform(0, -shift - 1);
      // Products without a code are in between.
      const bool late = op == kNormalize && cycle % 4 >= 2;  // the channel's parameters
      const bool bare = op == kRequant && chance(random, 20);
      if (bare) scale.shift = bench.uniform(0, 30);
      std::uint32_t bias = any_word(random);
      if (late && chance(random, 50))  // small ones, where each bit of the product matters
        bias = static_cast<std::uint32_t>(bench.accumulator(0)) -
               high_part(factors[static_cast<std::size_t>(cycle % 2)], scale);
      const int a = bench.code(), b = units ? add.zero_b : bench.code();
      // acc + bias = sum, modulo 2^32. Additions and products read only the low byte.
      const bool pair = op == kAdd || op == kMul || op == kSquare;
      const std::uint32_t acc =
          pair ? (any_word(random) & ~0xffu) | bits(a, 8) : static_cast<std::uint32_t>(sum) - bias;
      dut.in_valid_i = offer;
      dut.in_op_i = op == kFusedMax    ? kFused
                    : op == kSquare    ? kAdd
                    : op == kNormalize ? kRequant
                                       : op;
      dut.acc_i = acc;
      dut.bias_i = bias;
      dut.multiplier_i = static_cast<std::uint32_t>(scale.multiplier);
      dut.shift_i = bits(scale.shift, 6);
      dut.residual_i = bits(b, 8);
      dut.product_i = bare;
      dut.eval();
      const bool due = !expected.empty() && expected.front().cycle == cycle;
      if (dut.out_valid_o != due) {
        CAPTURE(episode, cycle, expected.empty() ? -1 : expected.front().cycle);
        REQUIRE(dut.out_valid_o == due);
      }
      if (due) {
        const Expected e = expected.front();
        const int actual = static_cast<std::int8_t>(dut.code_o);
        if (actual != e.code) {
          CAPTURE(episode, cycle, e.acc, e.bias, e.scale.multiplier, e.scale.shift, e.a, e.b);
          CAPTURE(a_is_half, other.multiplier, other.shift, add.zero_a, add.zero_b);
          CAPTURE(add.scale_sum.multiplier, add.scale_sum.shift, range.zero_point, range.act_min);
          REQUIRE(actual == e.code);
        }
        expected.pop_front();
        ++results;
      }
      const bool product_due = !products.empty() && products.front().first == cycle;
      REQUIRE(dut.product_valid_o == product_due);
      if (product_due) {
        REQUIRE(dut.product_o == products.front().second);
        products.pop_front();
      }
      if (offer && bare) {
        const std::int64_t value = std::int64_t{sum} * scale.multiplier;
        products.emplace_back(cycle + 2, static_cast<std::uint64_t>(value) << 2 >> 22);
      }
      if (op == kNormalize) {
        const auto slot = static_cast<std::size_t>(cycle % 2);
        factors[slot].code = late ? factors[slot].code : offer;
        if (offer) factors[slot] = {cycle + kLatency[op], 1, acc, 0, scale, 0, 0};
        if (!late || factors[slot].code == 0) {
          bench.tick();
          continue;
        }
        Expected e = factors[slot];
        const std::uint32_t x = high_part(e, scale) + bias;
        e.code = requantize(static_cast<std::int32_t>(x),
                            {scale.multiplier, (scale.shift & 31) - 32}, range, rounding);
        expected.push_back(e);
        factors[slot].code = 0;
      }
      if (offer && !bare && op != kNormalize) {
        int code = op == kAdd ? a : requantize(sum, scale, range, rounding);
        if (op == kAdd || op == kFused) code = trine::golden::add(code, b, add, rounding);
        if (op == kFusedMax) code = std::max(code, b);
        if (op == kMul)
          code = requantize((a - add.zero_a) * (b - add.zero_b), product, range, rounding);
        if (op == kSquare) code = squared_sum(a, b, add, square, range, rounding);
        expected.push_back({cycle + kLatency[op], code, acc, bias, scale, a, b});
      }
      bench.tick();
    }
    REQUIRE((expected.empty() && products.empty()));
  }
  CHECK(results > 150 * (op == kRequant ? 40 : 45));
}
