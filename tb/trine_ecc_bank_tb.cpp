// SPDX-License-Identifier: Apache-2.0
//
// A bank with codes against an array: zeros first, then reads, whole writes and writes of any bits,
// whose merge takes the next cycle. Errors themselves: trine_ecc_decode_tb.cpp, and `trine inject`
// in whole designs.

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "Vtrine_ecc_bank.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

TEST_CASE("trine_ecc_bank merges parts of words in two cycles", "[tb][ecc]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  std::mt19937 random{seed};
  Clocked<Vtrine_ecc_bank> b;
  auto& dut = b.dut;
  std::vector<std::uint32_t> memory(TB_Depth);
  dut.init_i = 1;
  for (unsigned a = 0; a < TB_Depth; ++a) {
    drive(dut.init_addr_i, a);
    b.tick();
  }
  dut.init_i = 0;
  bool busy = false, read = false;
  std::uint32_t expected = 0;
  unsigned last = 0;
  int merges = 0, reads = 0, cleared = 0;
  for (int cycle = 0; cycle < 20'000; ++cycle) {
    const bool enable = !busy && chance(random, 80), write = chance(random, 60);
    const bool clear = chance(random, 1);
    const auto address = static_cast<unsigned>(random() % TB_Depth);
    const std::uint32_t mask = chance(random, 40) ? ~0U : any_word(random), data = any_word(random);
    dut.en_i = enable;
    dut.we_i = write;
    dut.clear_i = clear;
    drive(dut.addr_i, busy ? 0 : address);
    dut.mask_i = mask;
    dut.wdata_i = data;
    dut.eval();
    CAPTURE(seed, cycle, address, mask, data);
    REQUIRE((dut.busy_o != 0) == busy);
    if (read) {
      REQUIRE(dut.rdata_o == expected);
      REQUIRE(dut.addr_o == last);
    }
    REQUIRE(!dut.corrected_o);
    REQUIRE(!dut.fatal_o);
    const bool part = enable && write && mask != ~0U;
    if (enable && write && !(part && clear))
      memory[address] = (memory[address] & ~mask) | (data & mask);
    read = enable && !write && !clear;
    if (enable && (!write || part)) last = address;
    expected = memory[address];
    busy = part && !clear;
    merges += busy ? 1 : 0;
    reads += read ? 1 : 0;
    cleared += part && clear ? 1 : 0;
    b.tick();
  }
  CHECK(merges > 1'000);
  CHECK(reads > 1'000);
  CHECK(cleared > 10);
}
