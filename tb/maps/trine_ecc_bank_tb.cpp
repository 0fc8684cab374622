// SPDX-License-Identifier: Apache-2.0
//
// Tests a bank with ECC against an array: first zeros (their code is 0), then reads, whole writes
// and writes of any bits, whose merge takes two further cycles. Then words with any content, as
// after power-up: some with one error, most with more. trine_ecc_decode_tb.cpp tests which words
// those are.

#include <random>
#include <vector>

#include "Vtrine_ecc_bank.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

TEST_CASE("trine_ecc_bank merges parts of words in three cycles", "[tb][ecc]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  std::mt19937 random{seed};
  Clocked<Vtrine_ecc_bank> b;
  auto& dut = b.dut;
  std::vector<std::uint32_t> memory(TB_Depth);
  dut.en_i = dut.we_i = 1;
  dut.mask_i = ~0U;
  for (unsigned a = 0; a < TB_Depth; ++a) {
    drive(dut.addr_i, a);
    b.tick();
  }
  struct Read {
    bool valid = false;
    unsigned address = 0;
    std::uint32_t word = 0;
  };
  Read coming, told;  // of the last cycle, of the cycle before
  int busy = 0;       // remaining cycles of a merge
  unsigned merging = 0;
  std::uint32_t merged = 0;
  int merges = 0, reads = 0, cleared = 0, lost = 0;
  for (int cycle = 0; cycle < 20'000; ++cycle) {
    const bool enable = busy == 0 && chance(random, 80), write = chance(random, 60);
    const bool clear = chance(random, 2);
    const auto address = static_cast<unsigned>(random() % TB_Depth);
    const std::uint32_t mask = chance(random, 40) ? ~0U : any_word(random), data = any_word(random);
    dut.en_i = enable;
    dut.we_i = write;
    dut.clear_i = clear;
    drive(dut.addr_i, busy != 0 ? 0 : address);
    dut.mask_i = mask;
    dut.wdata_i = data;
    dut.eval();
    CAPTURE(seed, cycle, address, mask, data);
    REQUIRE((dut.busy_o != 0) == (busy != 0));
    if (told.valid) {
      REQUIRE(dut.rdata_o == told.word);
      REQUIRE(dut.addr_o == told.address);
      ++reads;
    }
    REQUIRE(!dut.corrected_o);
    REQUIRE(!dut.fatal_o);
    const bool part = enable && write && mask != ~0U;
    if (busy == 1) {
      memory[merging] = merged;
      ++merges;
    }
    told = clear ? Read{} : coming;
    coming = {enable && (!write || part) && !clear, address, memory[address]};
    if (part) {
      merging = address;
      merged = (memory[address] & ~mask) | (data & mask);
      cleared += clear ? 1 : 0;
    } else if (enable && write) {
      memory[address] = data;
    }
    lost += busy == 2 && clear ? 1 : 0;
    busy = clear ? 0 : part ? 2 : busy == 2 ? 1 : 0;
    b.tick();
    if (random() % 500 == 0) {  // a merge is dropped, the words stay
      dut.en_i = 0;
      dut.rst_ni = 0;
      dut.eval();
      b.tick();
      dut.rst_ni = 1;
      busy = 0;
      coming = told = {};
    }
  }
  CHECK(merges > 1'000);
  CHECK(reads > 1'000);
  CHECK(cleared > 10);
  CHECK(lost > 10);
}

TEST_CASE("trine_ecc_bank heals a word with one error and leaves one with two", "[tb][ecc]") {
  Verilated::randReset(2);  // memories have random contents
  int right = 0, healed = 0, broken = 0;
  for (int seed = 1; seed <= 40; ++seed) {
    Verilated::randSeed(seed);
    std::mt19937 random{static_cast<unsigned>(seed)};
    Vtrine_ecc_bank dut;
    dut.clk_i = dut.rst_ni = dut.clear_i = dut.en_i = 0;  // clears the inputs, too
    const auto tick = [&] {
      for (const int clock : {0, 1, 0}) {
        dut.clk_i = static_cast<CData>(clock);
        dut.eval();
      }
    };
    tick();
    dut.rst_ni = 1;
    const auto access = [&](unsigned address, bool write, std::uint32_t mask, std::uint32_t data) {
      dut.en_i = 1;
      dut.we_i = write;
      drive(dut.addr_i, address);
      dut.mask_i = mask;
      dut.wdata_i = data;
      tick();
      dut.en_i = 0;
      drive(dut.addr_i, TB_Depth - 1 - address);  // ignored now
      dut.eval();
      REQUIRE(!dut.corrected_o);
      REQUIRE(!dut.fatal_o);
      tick();  // the word that was read is in the register
    };
    for (unsigned address = 0; address < TB_Depth; ++address) {
      CAPTURE(seed, address);
      access(address, false, 0, 0);
      const std::uint32_t data = dut.rdata_o;
      const bool corrected = dut.corrected_o, fatal = dut.fatal_o;
      REQUIRE_FALSE((corrected && fatal));
      REQUIRE(dut.addr_o == address);
      tick();  // reported once
      REQUIRE(!dut.corrected_o);
      REQUIRE(!dut.fatal_o);
      // A read that is cancelled, in its cycle or in the next, reports nothing.
      for (const bool reset : {false, true})
        for (const bool late : {false, true}) {
          dut.en_i = 1;
          dut.we_i = 0;
          drive(dut.addr_i, address);
          if (late) tick();
          dut.en_i = !late;
          (reset ? dut.rst_ni : dut.clear_i) = reset ? 0 : 1;
          tick();
          dut.rst_ni = 1;
          dut.clear_i = dut.en_i = 0;
          for (int cycle = 0; cycle < 2; ++cycle) {
            REQUIRE(!dut.corrected_o);
            REQUIRE(!dut.fatal_o);
            tick();
          }
        }
      // Writing one bit reads the word first, which reports its error.
      const std::uint32_t mask = 1U << random() % 32, next = any_word(random);
      access(address, true, mask, next);
      REQUIRE(dut.busy_o);
      REQUIRE(dut.corrected_o == corrected);
      REQUIRE(dut.fatal_o == fatal);
      REQUIRE(dut.addr_o == address);
      tick();
      REQUIRE(!dut.busy_o);
      access(address, false, 0, 0);
      REQUIRE(dut.rdata_o == (fatal ? data : (data & ~mask) | (next & mask)));
      REQUIRE(!dut.corrected_o);
      REQUIRE(dut.fatal_o == fatal);
      // A whole word is written without reading the old one.
      access(address, true, ~0U, next);
      REQUIRE(!dut.busy_o);
      REQUIRE(!dut.corrected_o);
      REQUIRE(!dut.fatal_o);
      access(address, false, 0, 0);
      REQUIRE(dut.rdata_o == next);
      REQUIRE(!dut.corrected_o);
      REQUIRE(!dut.fatal_o);
      ++(fatal ? broken : corrected ? healed : right);
      access(address, true, ~0U, ~data);
    }
  }
  Verilated::randReset(0);
  CHECK(healed > 50);
  CHECK(broken > 50);
  CAPTURE(right);
}
