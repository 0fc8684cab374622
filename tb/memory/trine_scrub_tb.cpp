// SPDX-License-Identifier: Apache-2.0
//
// Tests the zeros: they overwrite each row of each memory once, after a reset and on request;
// otherwise the load engine's writes pass.

#include <algorithm>
#include <random>

#include "Vtrine_scrub.h"
#include "spec/isa.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kDataWords = TB_DataWords, kBiasRows = TB_ParamChannels / kDataWords,
                   kScaleRows = 2 * TB_ParamChannels / kDataWords,
                   kEntries = trine::isa::dma::kExponentialWords;
constexpr unsigned kRows = std::max({TB_DmemRows, TB_PmemRows, int{kScaleRows}, int{kEntries}});

struct Bench : Clocked<Vtrine_scrub> {
  void wipe() {
    dut.wipe_i = 1;
    tick();
    dut.wipe_i = 0;
  }
  /// Checks the zeros from row `first` on, and that none follow.
  void check_zeros(unsigned first = 0) {
    for (unsigned row = first; row < kRows; ++row, tick()) {
      CAPTURE(row);
      dut.eval();
      const auto written = [row](bool enable, unsigned at, unsigned rows) {
        REQUIRE(enable == (row < rows));
        if (enable) REQUIRE(at == row);
      };
      REQUIRE(dut.busy_o);
      written(dut.dmem_o, dut.dmem_row_o, TB_DmemRows);
      written(dut.pmem_o, dut.pmem_row_o, TB_PmemRows);
      written(dut.bias_we_o, dut.bias_addr_o, kBiasRows);
      written(dut.scale_we_o, dut.scale_addr_o, kScaleRows);
      written(dut.table_we_o, dut.entry_addr_o, kEntries);
      written(dut.exp_we_o, dut.entry_addr_o, kEntries);
      REQUIRE(dut.entry_o == 0);
      for (unsigned w = 0; w < kDataWords; ++w) REQUIRE(get_bits(dut.wdata_o, 32 * w, 32) == 0);
    }
    check_none();
  }
  void check_none() {
    dut.eval();
    REQUIRE(!(dut.busy_o || dut.dmem_o || dut.pmem_o || dut.bias_we_o || dut.scale_we_o ||
              dut.table_we_o || dut.exp_we_o));
  }
};

}  // namespace

TEST_CASE("trine_scrub writes zeros to every row of every memory", "[tb][scrub]") {
  Bench b;
  for (unsigned w = 0; w < kDataWords; ++w) set_bits(b.dut.wdata_i, 32 * w, 32, ~0U);
  b.dut.entry_i = ~0U;
  if (TB_AtReset)
    b.check_zeros(1);  // one was written while the reset ended
  else
    b.check_none();
  b.tick();
  b.wipe();
  b.check_zeros();
  for (const bool hard : {false, true}) {  // after an interruption they begin again
    if (hard && !TB_AtReset) continue;
    b.wipe();
    for (unsigned row = 0; row < kRows - 1; ++row) b.tick();
    (hard ? b.dut.rst_ni : b.dut.wipe_i) = hard ? 0 : 1;
    b.tick();
    b.dut.rst_ni = 1;
    b.dut.wipe_i = 0;
    b.check_zeros();
  }
}

TEST_CASE("trine_scrub passes the writes of the load engine", "[tb][scrub]") {
  Bench b;
  auto& dut = b.dut;
  while (dut.busy_o) b.tick();
  std::mt19937 random{1};
  for (int cycle = 0; cycle < 2'000; ++cycle, b.tick()) {
    std::array<std::uint32_t, kDataWords> data{};
    for (unsigned w = 0; w < kDataWords; ++w)
      set_bits(dut.wdata_i, 32 * w, 32, data[w] = any_word(random));
    const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
    const unsigned which = below(16), bias = below(kBiasRows), scale = below(kScaleRows),
                   at = below(kEntries), entry = any_word(random);
    dut.bias_we_i = (which & 1) != 0;
    dut.scale_we_i = which >> 1 & 1;
    dut.table_we_i = which >> 2 & 1;
    dut.exp_we_i = which >> 3 & 1;
    drive(dut.bias_addr_i, bias);
    drive(dut.scale_addr_i, scale);
    drive(dut.entry_addr_i, at);
    dut.entry_i = entry;
    dut.eval();
    CAPTURE(cycle);
    REQUIRE((dut.bias_we_o | dut.scale_we_o << 1 | dut.table_we_o << 2 | dut.exp_we_o << 3) ==
            static_cast<int>(which));
    REQUIRE(dut.bias_addr_o == bias);
    REQUIRE(dut.scale_addr_o == scale);
    REQUIRE(dut.entry_addr_o == at);
    REQUIRE(dut.entry_o == entry);
    for (unsigned w = 0; w < kDataWords; ++w) REQUIRE(get_bits(dut.wdata_o, 32 * w, 32) == data[w]);
  }
}
