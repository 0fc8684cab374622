// SPDX-License-Identifier: Apache-2.0
//
// Tests the weight memory against an array: a stream of reads (mostly the next row) and a stream of
// writes that wait for the other bank. With ECC (TB_Ecc) zeros are written first: a word that is
// not written reads as zero, and no error is reported without inverted bits. With inverted bits,
// each error is reported once, together with its row, with the row and the lowest column; never
// after a clear.

#include <optional>
#include <random>
#include <vector>

#include "Vtrine_pmem.h"
#include "sw/base/catch.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"
#include "verilated_syms.h"

using namespace trine::golden;

TEST_CASE("trine_pmem reads without waiting while it is written", "[tb][pmem]") {
  const auto seed = GENERATE(1u, 2u);
  const auto read_percent = GENERATE(100u, 50u);
  const auto write_percent = GENERATE(100u, 30u);
  std::mt19937 random{seed};
  Vtrine_pmem dut;
  constexpr unsigned kCols = TB_Cols, kDepth = TB_Depth, kQuads = (kCols + 3) / 4;
  using Row = std::vector<std::uint32_t>;
  std::vector<Row> memory(kDepth, Row(kCols));
  std::vector<std::vector<bool>> written(kDepth, std::vector<bool>(kCols));
  struct Seen {
    Row data;
    std::vector<bool> known;  // written columns
  };
  Seen read_row, shown;  // in the memory's output; after it
  unsigned row = 0, write_row = 0, checked = 0, waited = 0;
  Row data(kCols);
  std::bitset<kQuads> quads;  // groups of four columns to write
  bool offered = false;
  dut.rst_ni = 1;
  const auto tick = [&dut] {
    dut.clk_i = 0;
    dut.eval();
    dut.clk_i = 1;
    dut.eval();
  };
  const auto zeros = [&] {
    dut.init_i = 1;
    for (unsigned r = 0; r < kDepth / 2; ++r) {
      drive(dut.init_row_i, r);
      tick();
    }
    dut.init_i = 0;
    for (auto& row_known : written) row_known.assign(kCols, true);
  };
  if (TB_Ecc) zeros();
  for (int cycle = 0; cycle < 4'000; ++cycle) {
    const bool read = cycle > 200 && chance(random, read_percent);
    if (read) row = chance(random, 90) ? (row + 1) % kDepth : random() % kDepth;
    if (!offered && chance(random, write_percent)) {  // held until taken
      offered = true;
      write_row = chance(random, 80) ? (write_row + 1) % kDepth : random() % kDepth;
      quads = any_mask<kQuads>(random);
      if (chance(random, 50)) quads.set();
      for (unsigned c = 0; c < kCols; ++c)
        set_bits(dut.w_data_i, 32 * c, 32, data[c] = any_word(random));
    }
    const bool next = chance(random, 70);
    dut.r_next_i = next;
    dut.r_en_i = read;
    drive(dut.r_row_i, read ? row : random() % kDepth);
    dut.w_valid_i = offered;
    drive(dut.w_row_i, offered ? write_row : random() % kDepth);
    set_mask(dut.w_quads_i, offered ? quads : any_mask<kQuads>(random));
    for (unsigned c = 0; c < kCols && !offered; ++c)  // ignored while nothing is offered
      set_bits(dut.w_data_i, 32 * c, 32, any_word(random));
    dut.clk_i = 0;
    dut.eval();
    CAPTURE(seed, read_percent, write_percent, cycle, row, write_row);
    // A write waits exactly while its bank is read.
    REQUIRE((dut.w_ready_o != 0) == !(read && row % 2 == (dut.w_row_i & 1U)));
    if (next) shown = read_row;
    if (read) read_row = {memory[row], written[row]};
    if (offered && dut.w_ready_o != 0) {
      for (unsigned c = 0; c < kCols; ++c) {
        if (!quads[c / 4]) continue;
        memory[write_row][c] = data[c];
        written[write_row][c] = true;
      }
      offered = false;
    }
    waited += offered ? 1 : 0;
    dut.clk_i = 1;
    dut.eval();
    for (unsigned c = 0; c < shown.data.size(); ++c)
      if (shown.known[c]) REQUIRE(get_bits(dut.r_data_o, 32 * c, 32) == shown.data[c]);
    REQUIRE(dut.ecc_fatal_o == 0);
    REQUIRE(get_mask<kCols>(dut.ecc_corrected_o).none());
    checked += !shown.data.empty() && shown.known[0] ? 1 : 0;
  }
  CHECK(checked > 1'000);
  CHECK(waited > 50);
  dut.r_en_i = dut.w_valid_i = 0;
  zeros();  // nothing remains
  dut.r_en_i = dut.r_next_i = 1;
  for (unsigned r = 0; r < kDepth; ++r) {
    drive(dut.r_row_i, r);
    tick();
    tick();
    CAPTURE(seed, r);
    for (unsigned c = 0; c < kCols; ++c) REQUIRE(get_bits(dut.r_data_o, 32 * c, 32) == 0);
    REQUIRE(dut.ecc_fatal_o == 0);
  }
}

#if TB_Ecc
namespace {

constexpr unsigned kWordBits = 39;  // including check bits

/// Inverts one bit of a stored word.
void invert(VerilatedContext& context, unsigned row, unsigned column, unsigned bit) {
  const VerilatedScope* scope = context.scopeFind(
      row % 2 == 0 ? "TOP.trine_pmem.gen_bank[0].u_sram" : "TOP.trine_pmem.gen_bank[1].u_sram");
  REQUIRE(scope != nullptr);
  const VerilatedVar* words = scope->varFind("mem");
  REQUIRE(words != nullptr);
  const unsigned at = column * kWordBits + bit;
  auto* bytes = static_cast<std::uint8_t*>(words->datap()) + row / 2 * words->entSize();
  bytes[at / 8] = static_cast<std::uint8_t>(bytes[at / 8] ^ 1U << at % 8);
}

}  // namespace

TEST_CASE("trine_pmem reports an uncorrectable word once and forgets it with a clear",
          "[tb][pmem][ecc]") {
  constexpr unsigned kCols = TB_Cols, kDepth = TB_Depth;
  std::mt19937 random{5};
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  VerilatedContext context;
  Vtrine_pmem dut{&context};
  const auto tick = [&dut] {
    dut.clk_i = 1;
    dut.eval();
    dut.clk_i = 0;
    dut.eval();
  };
  dut.rst_ni = 0;
  dut.eval();
  dut.rst_ni = 1;
  dut.init_i = 1;
  for (unsigned r = 0; r < kDepth / 2; ++r) {
    drive(dut.init_row_i, r);
    tick();
  }
  dut.init_i = 0;
  using Errors = std::vector<unsigned>;  // number of inverted bits of each column
  std::vector<Errors> stored(kDepth, Errors(kCols));
  for (unsigned row = 0; row < kDepth; ++row) {
    const unsigned first = below(kCols);  // lowest column with uncorrectable errors: all are drawn
    for (unsigned c = 0; c < kCols; ++c) {
      stored[row][c] = chance(random, 40) ? 0 : 1 + (c >= first ? below(2) : 0);
      const unsigned bit = below(kWordBits);
      for (unsigned k = 0; k < stored[row][c]; ++k)
        invert(context, row, c, (bit + 7 * k) % kWordBits);
    }
  }
  std::optional<unsigned> waits, came;  // the row in the memory's output; after it
  unsigned fatals = 0, corrected = 0, dropped = 0;
  for (int cycle = 0; cycle < 20'000; ++cycle) {
    const unsigned row = below(kDepth);
    const bool read = chance(random, 50), next = chance(random, 50), clear = chance(random, 5);
    dut.r_en_i = read;
    drive(dut.r_row_i, row);
    dut.r_next_i = next;
    dut.clear_i = clear;
    dut.eval();
    CAPTURE(cycle);
    std::bitset<kCols> fixed;
    std::optional<unsigned> broken;
    for (unsigned c = 0; came && c < kCols; ++c) {
      if (stored[*came][c] == 1) fixed.set(c);
      if (stored[*came][c] == 2 && !broken) broken = c;
    }
    REQUIRE(get_mask<kCols>(dut.ecc_corrected_o) == fixed);
    REQUIRE((dut.ecc_fatal_o != 0) == broken.has_value());
    if (broken) REQUIRE(dut.ecc_row_o == *came);
    if (broken) REQUIRE(dut.ecc_column_o == *broken);
    fatals += broken ? 1 : 0;
    corrected += fixed.any() ? 1 : 0;
    dropped += clear && waits ? 1 : 0;
    came = next && !clear ? waits : std::nullopt;
    if (read) waits = row;
    if (clear || (next && !read)) waits = std::nullopt;
    tick();
  }
  CHECK(fatals > 500);
  CHECK(corrected > 500);
  CHECK(dropped > 100);
}
#endif
