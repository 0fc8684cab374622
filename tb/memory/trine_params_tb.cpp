// SPDX-License-Identifier: Apache-2.0
//
// Bias and scale memories against two arrays: beats written, channels read, one or two at once.

#include <array>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "Vtrine_params.h"
#include "tb/golden/parameters.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

TEST_CASE("trine_params gives each channel its bias and scale", "[tb][params]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  std::mt19937 random{seed};
  Vtrine_params dut;
  constexpr unsigned kChannels = TB_Channels, kWords = TB_DataWords;
  std::vector<std::uint32_t> biases(kChannels), scales_high(kChannels), scales_low(kChannels);
  std::array<std::uint32_t, kDrain> bias{};
  std::array<std::uint64_t, kDrain> scale{};
  unsigned checked = 0;
  const auto check_outputs = [&] {
    for (unsigned d = 0; d < kDrain; ++d) {
      REQUIRE(get_bits(dut.bias_o, 32 * d, 32) == bias[d]);
      REQUIRE(get_bits(dut.multiplier_o, 31 * d, 31) == (scale[d] & 0x7fffffff));
      REQUIRE(get_bits(dut.shift_o, 6 * d, 6) == (scale[d] >> 31 & 63));
    }
  };
  constexpr unsigned kFill = kChannels / kWords * 2 + kChannels / (kWords / 2);
  for (unsigned cycle = 0; cycle < kFill + 4'000; ++cycle) {
    // First everything once, then at random.
    bool write_bias = chance(random, 10), write_scale = chance(random, 10);
    unsigned bias_at = static_cast<unsigned>(random() % (kChannels / kWords));
    unsigned scale_at = static_cast<unsigned>(random() % (kChannels / (kWords / 2)));
    if (cycle < kFill) {
      write_bias = write_scale = true;
      bias_at = cycle % (kChannels / kWords);
      scale_at = cycle % (kChannels / (kWords / 2));
    }
    const bool read = cycle >= kFill && chance(random, 80);
    const unsigned channel = static_cast<unsigned>(random() % kChannels);
    std::vector<std::uint32_t> bias_beat(kWords), scale_beat(kWords);
    for (unsigned w = 0; w < kWords; ++w) {
      set_bits(dut.bias_wdata_i, 32 * w, 32, bias_beat[w] = any_word(random));
      set_bits(dut.scale_wdata_i, 32 * w, 32, scale_beat[w] = any_word(random));
    }
    dut.r_valid_i = read;
    drive(dut.r_channel_i, channel);
    dut.bias_we_i = write_bias;
    drive(dut.bias_addr_i, bias_at);
    dut.scale_we_i = write_scale;
    drive(dut.scale_addr_i, scale_at);
    dut.clk_i = 0;
    dut.eval();
    CAPTURE(seed, cycle, channel, write_bias, write_scale);
    REQUIRE((dut.r_ready_o != 0) == !(write_bias || write_scale));
    if (checked > 0) check_outputs();  // what was read holds until the edge
    for (unsigned w = 0; w < kWords; ++w) {
      if (write_bias) biases[bias_at * kWords + w] = bias_beat[w];
      const unsigned entry = scale_at * (kWords / 2) + w / 2;
      if (write_scale) (w % 2 == 0 ? scales_low : scales_high)[entry] = scale_beat[w];
    }
    const bool taken = read && dut.r_ready_o != 0;
    for (unsigned d = 0; d < kDrain && taken; ++d) {
      const unsigned at = (channel + d) % kChannels;
      bias[d] = biases[at];
      scale[d] = (std::uint64_t{scales_high[at]} << 32) | scales_low[at];
    }
    dut.clk_i = 1;
    dut.eval();
    if (cycle < kFill || (checked == 0 && !taken)) continue;
    ++checked;
    check_outputs();
  }
  CHECK(checked > 3'000);
}
