// SPDX-License-Identifier: Apache-2.0
//
// Copies into PMEM, packed ones and others in turn, one right behind the other: each row is written
// once, where its copy says, in the order of the copies, while pairs of the copy before are on
// their way and PMEM is busy. Addresses of beats are made as trine_dma_beats makes them.

#include <catch2/catch.hpp>
#include <cstring>
#include <deque>
#include <vector>

#include "Vtrine_load_pmem.h"
#include "machine/packed.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine;
using namespace trine::golden;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr unsigned kRowBytes = 4 * TB_Cols, kMostRows = 9, kAddresses = 1U << TB_PmemAddrBits;

struct Copy {
  bool packed, trits;
  unsigned local, rows;
  Bytes bytes, beats;
};

/// Mostly zeros in half of the cases: then a beat of short codes has three blocks.
Copy copy_of(std::mt19937& random) {
  Copy c{chance(random, 60), chance(random, 50), 0, 0, {}, {}};
  c.rows = 1 + static_cast<unsigned>(random()) % kMostRows;
  c.local = static_cast<unsigned>(random()) % (kAddresses - c.rows);
  const unsigned zeros = chance(random, 50) ? 98 : 10;
  constexpr std::array<std::uint8_t, 4> kTernary{0x01, 0x03, 0x0d, 0x7f};
  for (unsigned i = 0; i < kRowBytes * c.rows; ++i)
    c.bytes.push_back(chance(random, zeros) ? std::uint8_t{0} : kTernary[random() % 4]);
  c.beats = !c.packed ? c.bytes
            : c.trits ? *machine::to_trits(c.bytes)
                      : machine::to_short_codes(c.bytes);
  return c;
}

struct Bench : Clocked<Vtrine_load_pmem> {
  std::mt19937 random{1};
  unsigned late = 0, slow = 0;  ///< percent of cycles
  unsigned row = 0, done = 0;   ///< rows of the copy in front; copies
  std::deque<Copy> written;     ///< those of which rows are to come
  unsigned addr = 0;            ///< of a beat

  /// @return whether the beat was taken
  bool cycle() {
    dut.pmem_wready_i = !chance(random, slow);
    drive(dut.addr_i, addr % kAddresses);
    dut.eval();
    if (dut.pmem_wvalid_o && dut.pmem_wready_i) {
      REQUIRE_FALSE(written.empty());
      const Copy& c = written.front();
      REQUIRE(dut.pmem_wrow_o == c.local + row);
      for (unsigned i = 0; i < kRowBytes; ++i)
        REQUIRE(get_bits(dut.pmem_wdata_o, 8 * i, 8) == c.bytes[kRowBytes * row + i]);
      const bool last = ++row == c.rows;
      REQUIRE(dut.done_o == last);
      if (last) {
        written.pop_front();
        row = 0;
        ++done;
      }
    } else {
      REQUIRE_FALSE(dut.done_o);
    }
    REQUIRE_FALSE(dut.error_o);
    const bool taken = dut.valid_i && dut.next_o;
    if (dut.bump_o) ++addr;
    tick();
    return taken;
  }

  void copy(const Copy& c) {
    written.push_back(c);
    dut.packed_i = c.packed;
    dut.trits_i = c.packed && c.trits;
    drive(dut.local_i, c.local);
    drive(dut.rows_last_i, c.rows - 1);
    dut.start_i = 1;
    cycle();
    dut.start_i = 0;
    addr = c.local;
    dut.more_i = 1;
    for (std::size_t at = 0; at < c.beats.size();) {
      std::uint64_t beat;
      std::memcpy(&beat, &c.beats[at], sizeof beat);
      dut.valid_i = !chance(random, late);
      dut.data_i = beat;
      dut.last_i = dut.row_last_i = at + sizeof beat == c.beats.size();
      if (cycle()) at += sizeof beat;
    }
    dut.valid_i = dut.more_i = 0;
  }
};

}  // namespace

TEST_CASE("trine_load_pmem writes packed rows and others in their order and place",
          "[tb][unpack]") {
  Bench b;
  b.dut.mask_i = 3;
  for (unsigned n = 1; n <= 600; ++n) {
    if (n % 50 == 0) b.late = b.slow = n % 100 == 0 ? 0 : 50;
    b.copy(copy_of(b.random));
    for (auto gap = 1 + b.random() % 3; gap > 0; --gap) b.cycle();
  }
  for (int n = 0; n < 200 && !b.written.empty(); ++n) b.cycle();
  CHECK(b.done == 600);
  CHECK_FALSE(b.dut.pending_o);
}
