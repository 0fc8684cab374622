// SPDX-License-Identifier: Apache-2.0
//
// Tests scrub and parameter memories together: zeros overwrite everything, also while a beat waits
// for the columns' reads.

#include <random>

#include "Vtrine_param_memories.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kChannels = TB_Channels, kDataWords = TB_DataWords, kDrain = TB_Drain;
constexpr unsigned kParamBits = 69 * kDrain;
// Fields of param_t, from its lowest bit on.
constexpr unsigned kScaleAddr = 21, kScaleValid = 37, kBiasAddr = 38, kBiasValid = 54;

struct Bench : Clocked<Vtrine_param_memories> {
  void offer(bool bias, bool scale, unsigned row, std::uint32_t word) {
    dut.param_i = 0;
    set_bits(dut.param_i, kBiasValid, 1, bias ? 1 : 0);
    set_bits(dut.param_i, kBiasAddr, 16, row);
    set_bits(dut.param_i, kScaleValid, 1, scale ? 1 : 0);
    set_bits(dut.param_i, kScaleAddr, 16, row);
    for (unsigned w = 0; w < kDataWords; ++w) set_bits(dut.param_wdata_i, 32 * w, 32, word);
  }
  void write(bool bias, unsigned row) {
    offer(bias, !bias, row, ~0u);
    do dut.eval();
    while (!dut.param_ready_o && (tick(), true));
    tick();
    dut.param_i = 0;
  }
  /// Writes ones to all bits of each channel.
  void fill() {
    for (unsigned row = 0; row < kChannels / kDataWords; ++row) write(true, row);
    for (unsigned row = 0; row < 2 * kChannels / kDataWords; ++row) write(false, row);
    tick();
  }
  std::uint64_t read(unsigned channel, unsigned at, unsigned bits) {
    dut.r_valid_i = 1;
    dut.r_next_i = 0;
    drive(dut.r_channel_i, channel);
    tick();
    dut.r_valid_i = 0;
    return get_bits(dut.params_o, at, bits);
  }
};

}  // namespace

TEST_CASE("A scrub clears all parameters while a beat waits", "[tb][scrub]") {
  const auto reads = GENERATE(0u, 1u, 2u, 3u, 4u);  // consecutive reads before the wipe
  const bool bias = GENERATE(true, false);
  Bench b;
  b.fill();
  for (unsigned d = 0; d < kParamBits; d += 23) REQUIRE(b.read(0, d, 23) == (1u << 23) - 1);
  for (unsigned cycle = 0; cycle <= reads; ++cycle) {
    b.dut.r_valid_i = cycle < reads || reads > 0;
    drive(b.dut.r_channel_i, 8 * (cycle + 1));  // not those of the waiting beat
    b.offer(cycle == 0 && bias, cycle == 0 && !bias, 0, ~0u);
    b.dut.wipe_i = cycle == reads;
    b.tick();
  }
  b.dut.wipe_i = b.dut.r_valid_i = 0;
  b.dut.param_i = 0;
  b.dut.eval();
  REQUIRE(b.dut.wiping_o);
  int cycles = 0;
  while (b.dut.wiping_o) {
    REQUIRE(++cycles < 2'000);
    b.tick();
  }
  for (unsigned channel = 0; channel < kChannels; ++channel) {
    CAPTURE(reads, bias, channel);
    for (unsigned d = 0; d < kParamBits; d += 23) REQUIRE(b.read(channel, d, 23) == 0);
  }
}
