// SPDX-License-Identifier: Apache-2.0
//
// Tests the record of errors: counts of corrected words, and the first word that was not
// correctable.

#include <random>

#include "Vtrine_ecc.h"
#include "sw/base/catch.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr std::uint32_t kCountMask = (1U << TB_CountBits) - 1;

struct Bench {
  Vtrine_ecc dut;

  Bench() {
    dut.rst_ni = 0;
    dut.eval();
    tick();
    dut.rst_ni = 1;
    dut.eval();
  }
  void tick() {
    dut.clk_i = 1;
    dut.eval();
    dut.clk_i = 0;
    dut.eval();
  }
};

}  // namespace

TEST_CASE("trine_ecc counts corrected words and keeps the first fatal one", "[tb][ecc]") {
  const auto seed = GENERATE(1u, 2u);
  std::mt19937 random{seed};
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  Bench b;
  auto& dut = b.dut;
  std::uint32_t dmem = 0, pmem = 0, dmem_late = 0, pmem_late = 0;
  bool fatal = false;
  std::uint64_t address = 0;
  int fatals = 0;
  for (int cycle = 0; cycle < 40'000; ++cycle) {
    const auto banks = any_mask<TB_Banks>(random);
    const auto columns = any_mask<TB_Cols>(random);
    // In the second half, starts are far enough apart for the counts to wrap.
    const bool start = cycle < 20'000 ? chance(random, 2) : below(5'000) == 0,
               clear = chance(random, 5);
    const bool dmem_fatal = chance(random, 4), pmem_fatal = chance(random, 4);
    const unsigned word = below(1U << TB_DmemAddrBits), column = below(256),
                   row = below(1U << TB_PmemAddrBits);
    dut.start_i = start;
    dut.clear_i = clear;
    set_mask(dut.dmem_corrected_i, banks);
    set_mask(dut.pmem_corrected_i, columns);
    dut.dmem_fatal_i = dmem_fatal;
    dut.pmem_fatal_i = pmem_fatal;
    drive(dut.dmem_addr_i, word);
    drive(dut.pmem_column_i, column);
    drive(dut.pmem_row_i, row);
    dut.eval();
    CAPTURE(seed, cycle);
    REQUIRE(dut.dmem_count_o == dmem);
    REQUIRE(dut.pmem_count_o == pmem);
    REQUIRE((dut.fatal_o != 0) == fatal);
    if (fatal) REQUIRE(dut.addr_o == address);
    dmem = start ? 0 : (dmem + dmem_late) & kCountMask;
    pmem = start ? 0 : (pmem + pmem_late) & kCountMask;
    dmem_late = static_cast<std::uint32_t>(banks.count());
    pmem_late = static_cast<std::uint32_t>(columns.count());
    if (!fatal && dmem_fatal)
      address = word;
    else if (!fatal)
      address = std::uint64_t{1} << 32 | row << 8 | column;
    fatal = !clear && (fatal || dmem_fatal || pmem_fatal);
    fatals += fatal ? 1 : 0;
    b.tick();
    if (below(2'000) == 0) {
      dut.rst_ni = 0;
      b.tick();
      dut.rst_ni = 1;
      dmem = pmem = dmem_late = pmem_late = 0;
      fatal = false;
    }
  }
  CHECK(fatals > 100);
}
