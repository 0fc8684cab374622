// SPDX-License-Identifier: Apache-2.0
//
// Tests bias and scale memories against two arrays: beats are written, channels are read, one or
// two at once.

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "Vtrine_params.h"
#include "sw/base/catch.h"
#include "tb/golden/parameters.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kChannels = TB_Channels, kWords = TB_DataWords;
constexpr unsigned kBiasBeats = kChannels / kWords, kScaleBeats = kChannels / (kWords / 2);

/// A beat that is being written, or waits in front of the memories.
struct Beat {
  bool bias = false, scale = false;
  unsigned at = 0;
  std::vector<std::uint32_t> words = std::vector<std::uint32_t>(kWords);

  bool holds(unsigned channel) const {
    return (bias && channel / kWords == at) || (scale && channel / (kWords / 2) == at);
  }
};

}  // namespace

TEST_CASE("trine_params gives each channel its bias and scale", "[tb][params]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  // The order of reads: any channel; consecutive columns, singly or in pairs; or a mixture. Reading
  // random channels in every cycle would block all writes.
  enum Order { kAny, kColumns, kMixed };
  const auto [order, read_percent] = GENERATE(table<Order, unsigned>(
      {{kAny, 80}, {kColumns, 80}, {kColumns, 100}, {kMixed, 80}, {kMixed, 100}}));
  std::mt19937 random{seed};
  Vtrine_params dut;
  std::vector<std::uint32_t> biases(kChannels), scales_high(kChannels), scales_low(kChannels);
  std::array<std::uint32_t, kDrain> bias{};
  std::array<std::uint64_t, kDrain> scale{};
  unsigned checked = 0, written = 0, waits = 0, last = 0;
  bool read_once = false, after_last = false;  // there is no second channel
  Beat waiting, offered;  // accepted but possibly not written yet; offered but not accepted
  const auto check_outputs = [&] {
    for (unsigned d = 0; d < (after_last ? 1 : kDrain); ++d) {
      REQUIRE(get_bits(dut.bias_o, 32 * d, 32) == bias[d]);
      REQUIRE(get_bits(dut.multiplier_o, 31 * d, 31) == (scale[d] & 0x7fffffff));
      REQUIRE(get_bits(dut.shift_o, 6 * d, 6) == (scale[d] >> 31 & 63));
    }
  };
  dut.r_valid_i = dut.bias_we_i = dut.scale_we_i = 0;
  for (const int level : {0, 1}) {
    dut.rst_ni = static_cast<unsigned char>(level);
    dut.clk_i = 0;
    dut.eval();
    dut.clk_i = 1;
    dut.eval();
  }
  constexpr unsigned kFill = kBiasBeats + kScaleBeats;
  for (unsigned cycle = 0; cycle < kFill + 4'000; ++cycle) {
    // First writes everything once, then at random.
    if (!offered.bias && !offered.scale && (cycle < kFill || chance(random, 60))) {
      offered.bias = cycle < kFill ? cycle < kBiasBeats : chance(random, 50);
      offered.scale = !offered.bias;
      const unsigned beats = offered.bias ? kBiasBeats : kScaleBeats;
      offered.at = cycle < kBiasBeats ? cycle
                   : cycle < kFill    ? cycle - kBiasBeats
                                      : static_cast<unsigned>(random() % beats);
      for (auto& word : offered.words) word = any_word(random);
    }
    for (unsigned w = 0; w < kWords; ++w) set_bits(dut.wdata_i, 32 * w, 32, offered.words[w]);
    dut.bias_we_i = offered.bias;
    dut.scale_we_i = offered.scale;
    drive(dut.bias_addr_i, offered.at % kBiasBeats);
    drive(dut.scale_addr_i, offered.at);
    const bool follows = order != kAny && read_once && last + kDrain < kChannels;
    const unsigned step = order == kColumns ? kDrain : 1 + static_cast<unsigned>(random() % kDrain);
    const unsigned channel = follows         ? last + step
                             : order != kAny ? 0
                                             : static_cast<unsigned>(random() % kChannels);
    const auto of = [&](const Beat& beat) {
      return beat.holds(channel) || beat.holds((channel + kDrain - 1) % kChannels);
    };
    dut.clk_i = 0;
    dut.eval();
    if (dut.w_ready_o != 0) waiting = Beat{};  // it has been written
    const bool read =
        cycle >= kFill && chance(random, read_percent) && !of(waiting) && !of(offered);
    dut.r_valid_i = read;
    dut.r_next_i = follows;
    drive(dut.r_channel_i, channel);
    dut.eval();
    CAPTURE(seed, order, cycle, channel, offered.bias, offered.scale, offered.at);
    if (checked > 0) check_outputs();  // outputs hold until the edge
    if (dut.w_ready_o != 0 && (offered.bias || offered.scale)) {
      for (unsigned w = 0; w < kWords; ++w) {
        if (offered.bias) biases[offered.at * kWords + w] = offered.words[w];
        const unsigned entry = offered.at * (kWords / 2) + w / 2;
        if (offered.scale) (w % 2 == 0 ? scales_low : scales_high)[entry] = offered.words[w];
      }
      waiting = offered;
      offered = Beat{};
      ++written;
      waits = 0;
    } else if (order == kColumns && dut.w_ready_o == 0) {
      REQUIRE(++waits <= 2);  // a row is read in one of two cycles
    }
    for (unsigned d = 0; d < kDrain && read; ++d) {
      const unsigned at = (channel + d) % kChannels;
      bias[d] = biases[at];
      scale[d] = (std::uint64_t{scales_high[at]} << 32) | scales_low[at];
    }
    if (read) last = channel;
    if (read) after_last = channel + kDrain > kChannels;
    read_once = read_once || read;
    dut.clk_i = 1;
    dut.eval();
    if (cycle < kFill || (checked == 0 && !read)) continue;
    ++checked;
    check_outputs();
  }
  CHECK(checked > 3'000);
  CHECK(written > kFill + 500);
}
