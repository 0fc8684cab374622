// SPDX-License-Identifier: Apache-2.0
//
// Tests streams of trits on a wide bus: rows equal those of spec/packed.h, in parts, each quad
// once. Copies follow each other without pauses; beats come late and rows wait. A stream that is
// too short or too long for its rows, or contains bytes that are not trits, ends with an error and
// the number of its copy; the next copy after a clear is correct. Without stalls a beat is taken
// each cycle if rows contain parts of at most two groups.

#include <algorithm>

#include "Vtrine_unpack_wide.h"
#include "tb/dma/streams.h"

using namespace trine;
using namespace trine::golden;
using isa::dma::Target;

namespace {

constexpr unsigned kQuads = TB_QuadsPerRow, kBeat = TB_DataBits / 8, kBlock = spec::kBlockBytes,
                   kMostRows = 9, kAddresses = 1U << TB_AddrBits;

StreamCopy copy_of(std::mt19937& random, unsigned rows) {
  StreamCopy c{Target::kTrits, Bytes(kBlock * kQuads * rows),        {}, 0,
               rows,           static_cast<unsigned>(random()) % 256};
  c.local = static_cast<unsigned>(random()) % (kAddresses - rows);
  for (std::uint8_t& byte : c.bytes) byte = ternary_byte(random);
  c.stream = *spec::packed(c.target, c.bytes, kBeat);
  return c;
}

StreamCopy any_copy(std::mt19937& random) {
  return copy_of(random, 1 + static_cast<unsigned>(random()) % kMostRows);
}

struct Bench : StreamBench<Vtrine_unpack_wide, kBeat, kBlock * kQuads> {
  unsigned row = 0, quads = 0;  ///< of the current copy; written quads of the row

  void begins() override { row = quads = 0; }

  void taken(const StreamCopy& c) override {
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
};

}  // namespace

TEST_CASE("trine_unpack_wide gives the rows of one stream after the other", "[tb][unpack]") {
  Bench b;
  b.run_whole(400, any_copy);
  CHECK(b.row == 0);
}

TEST_CASE("trine_unpack_wide accepts a beat or gives a part of a row in each cycle",
          "[tb][unpack]") {
  Bench b;
  b.late = b.slow = 0;
  const StreamCopy c = copy_of(b.random, kAddresses - 1);
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
  const auto none = [](std::uint8_t& byte, std::mt19937& random) {
    byte = static_cast<std::uint8_t>(240 + random() % 16);
  };
  CHECK(b.run_wrong(800, any_copy, none) > 400);
}
