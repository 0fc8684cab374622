// SPDX-License-Identifier: Apache-2.0
//
// Module bench: int16 codes of the post lane, from the sums of high and of low bytes: 40 bits with
// one rounding, 32 bits with two, from TFLite's formulas.

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <random>

#include "Vtrine_post_lane.h"
#include "tb/golden/post_cfg.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr int kInt16Latency = 5;

/// floor(sum * m / 2^(15 - shift) + 1/2), m of 15 bits: the product has 54.
int long_code(std::int64_t sum, std::int32_t m, int shift, int low, int high) {
  const std::int64_t half = std::int64_t{1} << (14 - shift);
  const std::int64_t value = (sum * m + half) >> (15 - shift);
  return static_cast<int>(std::clamp<std::int64_t>(value, low, high));
}

}  // namespace

TEST_CASE("trine_post_lane makes int16 codes of two lanes' sums", "[tb][post_lane]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const bool is_long = GENERATE(false, true);
  CAPTURE(seed, is_long);
  std::mt19937 random{seed};
  const auto uniform = [&](int low, int high) {
    return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1));
  };
  Vtrine_post_lane dut;
  const auto tick = [&] {
    for (const int level : {0, 1}) {
      dut.clk_i = level != 0;
      dut.eval();
    }
  };
  dut.in_valid_i = 0;
  dut.rst_ni = 0;
  tick();
  dut.rst_ni = 1;
  tick();
  set_cfg(dut.cfg_i, cfg::kSingle, is_long);
  set_cfg(dut.cfg_i, cfg::kZeroPoint, 0);
  int results = 0, clamped = 0;
  for (int episode = 0; episode < 100; ++episode) {
    int low = -32768, high = 32767;
    if (chance(random, 50)) {
      low = chance(random, 50) ? 0 : uniform(-32768, 32767);
      high = uniform(low, 32767);
    }
    set_cfg(dut.cfg_i, cfg::kActMin, low >> 8);
    set_cfg(dut.cfg_i, cfg::kAddActMin, low);
    set_cfg(dut.cfg_i, cfg::kActMax, high >> 8);
    set_cfg(dut.cfg_i, cfg::kAddActMax, high);
    std::deque<std::pair<int, int>> expected;  // cycle, code
    for (int cycle = 0; cycle < 120; ++cycle) {
      const bool offer = cycle < 110 && chance(random, 80);
      const int shift = uniform(-30, is_long ? 14 : 10);  // of TFLite's pair
      const int size = is_long ? uniform(1, 40) : uniform(1, 32 - std::max(shift, 0));
      const std::uint64_t draw = std::uint64_t{any_word(random)} << 32 | any_word(random);
      const std::int64_t sum = static_cast<std::int64_t>(draw) >> (64 - size);
      const auto low_sum = static_cast<std::int32_t>(any_word(random)) >> uniform(0, 31);
      const auto high_sum = static_cast<std::int32_t>(any_word(random)) >> uniform(0, 31);
      const std::int64_t bias = sum - std::int64_t{high_sum} * 256 - low_sum;
      const std::int32_t q =
          chance(random, 10) ? INT32_MAX : static_cast<std::int32_t>(random() >> 2 | 1u << 30);
      const std::int32_t m = q < 0x7fff0000 ? (q + (1 << 15)) >> 16 : 0x7fff;
      dut.in_valid_i = offer;
      dut.in_op_i = 0;
      dut.int16_i = offer;
      dut.acc_i = static_cast<std::uint32_t>(high_sum);
      dut.low_i = static_cast<std::uint32_t>(low_sum);
      dut.bias_i = static_cast<std::uint32_t>(bias);
      dut.multiplier_i = static_cast<std::uint32_t>(
          is_long ? m | static_cast<std::int32_t>(bias >> 32 & 0xff) << 15 : q);
      dut.shift_i = static_cast<std::uint8_t>((is_long ? shift + 16 : shift) & 63);
      dut.clk_i = 0;
      dut.eval();
      const bool due = !expected.empty() && expected.front().first == cycle;
      REQUIRE(dut.out_valid_o == due);
      if (due) {
        REQUIRE(dut.int16_o);
        const int actual = static_cast<std::int8_t>(dut.code_o) * 256 + dut.low_o;
        CAPTURE(episode, cycle);
        REQUIRE(actual == expected.front().second);
        expected.pop_front();
        ++results;
      }
      if (offer) {
        const int code = is_long ? long_code(sum, m, shift, low, high)
                                 : requantize(static_cast<std::int32_t>(sum), {q, shift},
                                              {0, low, high}, Rounding::kDouble);
        clamped += code == low || code == high;
        expected.emplace_back(cycle + kInt16Latency, code);
      }
      tick();
    }
    REQUIRE(expected.empty());
  }
  CHECK(results > 8'000);
  CHECK((clamped > 1'000 && clamped < results - 2'000));
}
