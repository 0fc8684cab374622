// SPDX-License-Identifier: Apache-2.0
//
// Tests both bodies of the memory against an array: masked writes, outputs that hold, idle cycles.

#include <random>
#include <vector>

#include "Vtrine_sram.h"
#include "sw/base/catch.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

TEST_CASE("trine_sram writes masked bits and holds what it read", "[tb][sram]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  std::mt19937_64 random{seed};
  Vtrine_sram dut;
  constexpr unsigned kWidth = TB_Width, kDepth = TB_Depth;
  constexpr std::uint64_t kAll = (std::uint64_t{1} << kWidth) - 1;
  const auto in_groups = [](std::uint64_t bits) {
    std::uint64_t mask = 0;
    for (unsigned b = 0; b < kWidth; ++b) mask |= (bits >> (b - b % TB_MaskBits) & 1) << b;
    return mask;
  };
  std::vector<std::uint64_t> memory(kDepth);
  std::uint64_t last_read = 0;
  unsigned reads = 0;
  const auto access = [&](bool enable, bool write, unsigned address, std::uint64_t mask) {
    const std::uint64_t data = random() & kAll;
    dut.en_i = enable;
    dut.we_i = write;
    drive(dut.addr_i, address);
    drive(dut.mask_i, mask);
    drive(dut.wdata_i, data);
    dut.clk_i = 0;
    dut.eval();
    dut.clk_i = 1;
    dut.eval();
    if (enable && write) memory[address] = (memory[address] & ~mask) | (data & mask);
    if (enable && !write) last_read = memory[address];
  };
  for (unsigned a = 0; a < kDepth; ++a) access(true, true, a, kAll);
  access(true, false, 0, 0);
  for (int cycle = 0; cycle < 5'000; ++cycle) {
    const bool enable = random() % 4 != 0, write = random() % 2 == 0;
    const std::uint64_t masks[] = {kAll, 0, random() & kAll, 1, kAll >> 1};
    const unsigned address = static_cast<unsigned>(random() % (cycle / 50 % 2 ? 2 : kDepth));
    access(enable, write, address, in_groups(masks[random() % 5]));
    reads += enable && !write ? 1 : 0;
    CAPTURE(seed, cycle, enable, write, address);
    REQUIRE(get_bits(dut.rdata_o, 0, kWidth) == last_read);
  }
  CHECK(reads > 1'000);
}
