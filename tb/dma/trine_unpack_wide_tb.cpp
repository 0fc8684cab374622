// SPDX-License-Identifier: Apache-2.0
//
// Streams of trits on a wide bus: rows are those of machine/packed.h, in parts, each quad once, one
// copy right behind the other, with beats that come late and rows that wait. A stream that is too
// short or too long for its rows, or has bytes that are no trits, ends with an error and the number
// of its copy; the next one after a clear is whole. With nothing that waits a beat is taken a cycle
// where rows have parts of two groups at most.

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "Vtrine_unpack_wide.h"
#include "machine/packed.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine;
using namespace trine::golden;
using isa::dma::Target;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr unsigned kQuads = TB_QuadsPerRow, kBeat = TB_DataBits / 8, kBlock = machine::kBlockBytes,
                   kMostRows = 9, kAddresses = 1U << TB_AddrBits;

struct Copy {
  Bytes bytes, stream;
  unsigned local, rows, from;
};

Copy copy_of(std::mt19937& random, unsigned rows) {
  Copy c{Bytes(kBlock * kQuads * rows), {}, 0, rows, static_cast<unsigned>(random()) % 256};
  c.local = static_cast<unsigned>(random()) % (kAddresses - rows);
  for (std::uint8_t& byte : c.bytes)
    for (int t = 0; t < 4; ++t)
      byte = static_cast<std::uint8_t>(byte << 2 | std::array{0U, 1U, 3U}[random() % 3]);
  c.stream = *machine::packed(Target::kTrits, c.bytes, kBeat);
  return c;
}

Copy copy_of(std::mt19937& random) {
  return copy_of(random, 1 + static_cast<unsigned>(random()) % kMostRows);
}

struct Bench : Clocked<Vtrine_unpack_wide> {
  std::mt19937 random{1};
  unsigned late = 30, slow = 30;  ///< percent of cycles
  int cycles = 0;
  std::vector<Copy> given;
  std::size_t taken_copies = 0;
  unsigned row = 0, quads = 0;         ///< of the copy in front; of that row
  bool failed = false, wrong = false;  ///< wrong: what comes out means nothing

  void part() {
    REQUIRE(taken_copies < given.size());
    const Copy& c = given[taken_copies];
    const unsigned these = dut.quads_o, all = (1U << kQuads) - 1;
    REQUIRE((these != 0 && (these & quads) == 0));
    REQUIRE(dut.addr_o == c.local + row);
    for (unsigned i = 0; i < kBlock * kQuads; ++i)
      if ((these >> i / kBlock & 1) != 0)
        REQUIRE(get_bits(dut.data_o, 8 * i, 8) == c.bytes[kBlock * kQuads * row + i]);
    quads |= these;
    if (quads == all) {
      quads = 0;
      ++row;
    }
    REQUIRE(dut.last_o == (row == c.rows));
    if (row == c.rows) {
      row = 0;
      ++taken_copies;
    }
  }

  /// @return whether a beat was taken
  bool cycle() {
    dut.ready_i = !chance(random, slow);
    dut.eval();
    const bool took = dut.beat_valid_i && dut.beat_ready_o;
    if (dut.error_o) failed = true;
    if (dut.valid_o && dut.ready_i && !wrong) part();
    tick();
    ++cycles;
    return took;
  }

  void start(const Copy& c) {
    given.push_back(c);
    dut.start_i = 1;
    drive(dut.local_i, c.local);
    drive(dut.rows_last_i, c.rows - 1);
    drive(dut.from_i, c.from);
    dut.more_i = 0;
    cycle();
    dut.start_i = 0;
  }

  /// Its beats, until they are taken or it fails.
  void feed(const Copy& c) {
    dut.more_i = 1;
    for (std::size_t at = 0; at < c.stream.size() && !failed;) {
      for (unsigned i = 0; i < kBeat; ++i) set_bits(dut.beat_i, 8 * i, 8, c.stream[at + i]);
      dut.beat_valid_i = !chance(random, late);
      if (cycle()) at += kBeat;
    }
    dut.beat_valid_i = 0;
    dut.more_i = 0;
  }

  void drain() {
    for (int k = 0; k < 200 && !failed && dut.busy_o; ++k) cycle();
  }
};

}  // namespace

TEST_CASE("trine_unpack_wide gives the rows of one stream after the other", "[tb][unpack]") {
  Bench b;
  for (int k = 0; k < 400; ++k) {
    if (k % 50 == 0) b.late = b.slow = k % 100 == 0 ? 0 : 40;
    const Copy c = copy_of(b.random);
    b.start(c);
    b.feed(c);
    if (chance(b.random, 30)) b.drain();
    REQUIRE_FALSE(b.failed);
  }
  b.drain();
  CHECK(b.taken_copies == b.given.size());
  CHECK(b.row == 0);
}

TEST_CASE("trine_unpack_wide takes a beat a cycle, or gives a part of a row", "[tb][unpack]") {
  Bench b;
  b.late = b.slow = 0;
  const Copy c = copy_of(b.random, kAddresses - 1);
  b.start(c);
  const int before = b.cycles;
  b.feed(c);
  const auto beats = static_cast<unsigned>(c.stream.size()) / kBeat;
  unsigned parts = 0;  // of rows
  for (unsigned at = 0; at < kQuads * c.rows; ++parts)
    at += std::min(5 - at % 5, kQuads - at % kQuads);
  CHECK(static_cast<unsigned>(b.cycles - before) <= std::max(beats, parts) + 3);
  b.drain();
  CHECK(b.taken_copies == 1);
}

TEST_CASE("trine_unpack_wide ends a wrong stream with an error", "[tb][unpack]") {
  Bench b;
  int wrong = 0;
  for (int k = 0; k < 800; ++k) {
    Copy c = copy_of(b.random);
    switch (k % 4) {
      case 0:
        c.stream.resize(c.stream.size() - kBeat);
        break;
      case 1:
        c.stream.resize(c.stream.size() + kBeat * (1 + b.random() % 9));
        break;
      case 2:
        c.stream[b.random() % c.stream.size()] = static_cast<std::uint8_t>(240 + b.random() % 16);
        break;
      default:
        for (std::uint8_t& byte : c.stream) byte = static_cast<std::uint8_t>(b.random());
    }
    const auto bytes = machine::unpacked(Target::kTrits, c.stream, kQuads * c.rows, kBeat);
    if (bytes) c.bytes = *bytes;
    b.wrong = !bytes;
    b.start(c);
    if (c.stream.empty())
      b.cycle();
    else
      b.feed(c);
    if (b.wrong && chance(b.random, 50)) {  // the next one waits already
      drive(b.dut.from_i, c.from + 1);
      b.dut.start_i = 1;
      b.cycle();
      b.dut.start_i = 0;
    }
    for (int n = 0; n < 200 && !b.failed && b.taken_copies < b.given.size(); ++n) b.cycle();
    for (int n = 0; n < 3 && bytes; ++n) b.cycle();
    REQUIRE(b.failed == !bytes);
    if (b.failed) CHECK(b.dut.from_o == c.from);
    wrong += b.failed ? 1 : 0;
    b.dut.clear_i = 1;
    b.tick();
    b.dut.clear_i = 0;
    b.failed = false;
    b.row = b.quads = 0;
    b.taken_copies = b.given.size();
    REQUIRE_FALSE(b.dut.busy_o);
  }
  CHECK(wrong > 400);
}
