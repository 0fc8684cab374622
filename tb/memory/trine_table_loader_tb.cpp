// SPDX-License-Identifier: Apache-2.0
//
// Tests entries of tables: each byte or word of each beat is written once, in order, at its own
// address; a beat is taken with its last entry; after a clear, entries begin again. Points of
// interpolated functions are words in the place of codes; with Int16 they are written twice.

#include <random>
#include <tuple>
#include <vector>

#include "Vtrine_table_loader.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/parameters.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kWords = TB_DataWords, kCodesOfBeat = 4 * kWords, kEntries = 256;

using Written = std::tuple<bool, unsigned, std::uint32_t>;  // is exponential; address, entry

struct Bench : Clocked<Vtrine_table_loader> {
  std::vector<std::uint32_t> beat = std::vector<std::uint32_t>(kWords);
  std::vector<Written> written;

  void cycle() {
    tick();
    REQUIRE(!(dut.table_we_o && dut.exp_we_o));
    if (dut.table_we_o || dut.exp_we_o)
      written.emplace_back(dut.exp_we_o != 0, dut.addr_o, dut.data_o);
  }
  /// Offers beat `at` for `cycles` cycles. @return true if it was taken in the last one of them
  bool offer(bool exponentials, bool points, unsigned at, unsigned cycles) {
    for (unsigned w = 0; w < kWords; ++w) set_bits(dut.data_i, 32 * w, 32, beat[w]);
    (exponentials ? dut.exp_valid_i : dut.table_valid_i) = 1;
    dut.exp_i = exponentials;
    dut.points_i = points;
    drive(exponentials ? dut.exp_addr_i : dut.table_addr_i, at);
    bool taken = false;
    for (unsigned k = 0; k < cycles; ++k) {
      REQUIRE(!taken);
      dut.eval();
      taken = dut.ready_o != 0;
      cycle();
    }
    dut.exp_valid_i = dut.table_valid_i = 0;
    return taken;
  }
};

}  // namespace

TEST_CASE("trine_table_loader writes each entry of a beat at its address", "[tb][entries]") {
  Bench b;
  std::mt19937 random{1};
  std::vector<Written> expected;
  for (int k = 0; k < 500; ++k) {
    const bool exponentials = chance(random, 50);
    const bool points = kInt16 && exponentials && chance(random, 50);
    const unsigned entries = exponentials ? kWords : kCodesOfBeat;
    const unsigned at = static_cast<unsigned>(random()) % (kEntries / entries);
    for (std::uint32_t& word : b.beat) word = any_word(random);
    // A program is dropped in the middle, a while before the clear: the next begins with entry 0.
    if (chance(random, 10)) {
      b.offer(exponentials, points, at, 1 + static_cast<unsigned>(random()) % (entries - 1));
      for (int idle = static_cast<int>(random() % 3); idle > 0; --idle) b.cycle();
      b.dut.clear_i = 1;
      b.cycle();
      b.dut.clear_i = 0;
      b.written = expected;
      continue;
    }
    REQUIRE(b.offer(exponentials, points, at, entries));
    for (unsigned e = 0; e < entries; ++e) {
      const std::uint32_t code = b.beat[e / 4] >> e % 4 * 8 & 0xff;
      expected.emplace_back(exponentials && !points, at * entries + e,
                            exponentials ? b.beat[e] : code * (kInt16 ? 0x101 : 1));
    }
    for (int idle = static_cast<int>(random() % 3); idle > 0; --idle) b.cycle();
    REQUIRE(b.written == expected);
  }
  b.cycle();
  REQUIRE(b.written == expected);
}
