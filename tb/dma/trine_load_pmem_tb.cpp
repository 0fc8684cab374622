// SPDX-License-Identifier: Apache-2.0
//
// Tests copies into PMEM: packed, transposed and plain ones in random order without pauses. Each
// row is written once, at the copy's address, in the order of the copies, while packed data of the
// previous copy are in progress and PMEM is busy. On wide buses a packed row comes in parts.
// Addresses of beats are formed as in trine_dma_beats. A transposed copy has up to as many lines as
// there are groups of four columns, each for the next group.

#include <algorithm>
#include <deque>
#include <vector>

#include "Vtrine_load_pmem.h"
#include "spec/packed.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine;
using namespace trine::golden;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr unsigned kRowBytes = 4 * TB_Cols, kMostRows = 9, kAddresses = 1U << TB_PmemAddrBits;
constexpr unsigned kBeat = TB_DataBits / 8, kQuads = TB_Cols / 4;
constexpr bool kWide = TB_Packed != 0 && TB_DataBits > 64;

struct Copy {
  isa::dma::Target target;
  unsigned local, rows;
  unsigned lines = 1;  ///< rows of a transposed copy, each with several PMEM rows
  Bytes bytes, beats;
  bool packed() const { return isa::is_packed({.op = static_cast<int>(target)}); }
  bool transposed() const { return target == isa::dma::Target::kTransposed; }
  unsigned row_bytes() const { return transposed() ? 16 : kRowBytes; }
};

/// Returns the beats of a line whose words are these columns, padded with tokens of 0.
Bytes transposed(Bytes columns) {
  columns.resize((columns.size() + kBeat - 1) / kBeat * kBeat);
  Bytes words(columns.size());
  for (std::size_t i = 0; i < words.size(); ++i)
    words[i] = columns[i / 16 * 16 + i % 4 * 4 + i / 4 % 4];
  return words;
}

void append(Bytes& to, const Bytes& bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

/// Returns a copy. In half of the cases most bytes are zero, so that a beat of short codes contains
/// three blocks. At most two of four bytes are nonzero.
Copy copy_of(std::mt19937& random) {
  using isa::dma::Target;
  Copy c{spec::kStreams[random() % spec::kStreams.size()], 0, 0, 1, {}, {}};
  if (kWide) c.target = Target::kTrits;
  if (TB_Packed == 0 || chance(random, 40))
    c.target = chance(random, 50) ? Target::kPmem : Target::kTransposed;
  c.rows = 1 + static_cast<unsigned>(random()) % kMostRows;
  c.local = static_cast<unsigned>(random()) % (kAddresses - c.rows);
  if (c.transposed()) c.lines = 1 + static_cast<unsigned>(random()) % kQuads;
  const unsigned zeros = chance(random, 50) ? 98 : 10;
  constexpr std::array<std::uint8_t, 4> kTernary{0x01, 0x03, 0x0d, 0x7f};
  for (unsigned i = 0; i < c.row_bytes() * c.rows * c.lines; ++i)
    c.bytes.push_back(i % 4 / 2 != i / 16 % 2 || chance(random, zeros) ? std::uint8_t{0}
                                                                       : kTernary[random() % 4]);
  if (c.transposed()) {
    for (auto line = c.bytes.begin(); line != c.bytes.end(); line += 16 * c.rows)
      append(c.beats, transposed({line, line + 16 * c.rows}));
  } else {
    c.beats = c.target == Target::kPmem ? c.bytes : *spec::packed(c.target, c.bytes, kBeat);
  }
  return c;
}

struct Bench : Clocked<Vtrine_load_pmem> {
  std::mt19937 random{1};
  unsigned late = 0, slow = 0;  ///< percent of cycles
  unsigned row = 0, done = 0;   ///< rows of the current copy; completed copies
  unsigned quads = 0;           ///< written groups of the row
  std::deque<Copy> written;     ///< copies with rows that are not written yet
  unsigned addr = 0;            ///< of a beat

  /// @return true if the beat was taken
  bool cycle() {
    dut.pmem_wready_i = !chance(random, slow);
    drive(dut.addr_i, addr % kAddresses);
    dut.eval();
    if (dut.pmem_wvalid_o && dut.pmem_wready_i) {
      REQUIRE_FALSE(written.empty());
      const Copy& c = written.front();
      REQUIRE(dut.pmem_wrow_o == c.local + row % c.rows);
      const unsigned these = dut.pmem_wquads_o, all = (1U << kQuads) - 1;
      const unsigned line = row / c.rows, column = c.transposed() ? 16 * line : 0;
      for (unsigned i = 0; i < c.row_bytes(); ++i)
        if ((these >> (column + i) / 16 & 1) != 0)
          REQUIRE(get_bits(dut.pmem_wdata_o, 8 * (column + i), 8) ==
                  c.bytes[c.row_bytes() * row + i]);
      if (kWide && c.packed()) {
        REQUIRE((these != 0 && (these & quads) == 0));
        quads |= these;
      } else {
        REQUIRE(these == (c.transposed() ? 1U << line : all));
        quads = all;
      }
      if (quads == all) {
        quads = 0;
        ++row;
      }
      const bool last = row == c.rows * c.lines;
      REQUIRE(dut.done_o == (last && !c.transposed()));
      if (last) {
        written.pop_front();
        row = 0;
        ++done;
      }
    } else {
      REQUIRE_FALSE(dut.done_o);
    }
    REQUIRE_FALSE(dut.error_o);
    const bool taken = dut.valid_i && dut.beat_taken_o;
    if (dut.row_advance_o) ++addr;
    tick();
    return taken;
  }

  void copy(const Copy& c) {
    written.push_back(c);
    dut.packed_i = c.packed();
    dut.format_i = static_cast<unsigned>(c.target) & 3U;
    dut.transposed_i = c.transposed();
    drive(dut.local_i, c.local);
    drive(dut.rows_last_i, c.rows - 1);
    dut.start_i = 1;
    cycle();
    dut.start_i = 0;
    addr = c.local;
    dut.more_beats_i = 1;
    bool waits = false;  // an offered beat stays until it is taken
    const std::size_t line_beats = c.beats.size() / c.lines, line_bytes = c.bytes.size() / c.lines;
    for (std::size_t at = 0; at < c.beats.size();) {
      const std::size_t in_line = at % line_beats;
      dut.valid_i = waits || (!chance(random, late) && !(c.transposed() && dut.pending_o));
      for (unsigned i = 0; i < kBeat; ++i) set_bits(dut.data_i, 8 * i, 8, c.beats[at + i]);
      const std::size_t words = std::min<std::size_t>(kBeat, c.beats.size() - at) / 4;
      const std::size_t own = c.transposed() ? (line_bytes - in_line) / 4 : words;
      drive(dut.mask_i, (1U << std::min(words, own)) - 1);
      dut.last_i = at + kBeat == c.beats.size();
      dut.row_last_i = in_line + kBeat == line_beats;
      const bool taken = cycle();
      if (taken) at += kBeat;
      if (taken && dut.row_last_i != 0 && c.transposed()) addr = c.local;
      waits = dut.valid_i && !taken;
    }
    dut.valid_i = dut.more_beats_i = 0;
  }
};

}  // namespace

TEST_CASE("trine_load_pmem writes packed and other rows in order to their places", "[tb][unpack]") {
  Bench b;
  for (unsigned n = 1; n <= 600; ++n) {
    if (n % 50 == 0) b.late = b.slow = n % 100 == 0 ? 0 : 50;
    b.copy(copy_of(b.random));
    for (auto gap = 1 + b.random() % 3; gap > 0; --gap) b.cycle();
  }
  for (int n = 0; n < 200 && !b.written.empty(); ++n) b.cycle();
  CHECK(b.done == 600);
  CHECK_FALSE(b.dut.pending_o);
}
