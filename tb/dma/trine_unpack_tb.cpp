// SPDX-License-Identifier: Apache-2.0
//
// Packed streams: pairs are those of machine/packed.h, at their rows, the last one marked, one copy
// right behind the other, with beats that come late and pairs that wait. A stream that is too short
// or too long for its rows, or holds bytes that are no trits or places that are none, ends with an
// error and with the number of its copy; the next one after a clear is whole.

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

#include "Vtrine_unpack.h"
#include "machine/packed.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

using namespace trine;
using namespace trine::golden;
using isa::dma::Target;

namespace {

using Bytes = std::vector<std::uint8_t>;
constexpr unsigned kPairs = TB_PairsPerRow, kMostRows = 6, kAddresses = 1U << TB_AddrBits;

struct Copy {
  Target target;
  Bytes bytes, stream;
  unsigned local, rows, from;
};

/// A byte of a stream that can hold it: four trits, one of 16, or of so many bits.
std::uint8_t byte_of(Target target, unsigned shift, std::mt19937& random) {
  if (target == Target::kTrits) {
    unsigned byte = 0;
    for (int t = 0; t < 4; ++t) byte = byte << 2 | std::array{0U, 1U, 3U}[random() % 3];
    return static_cast<std::uint8_t>(byte);
  }
  if (target == Target::kPalette) return static_cast<std::uint8_t>(random() % 16 * 37 + shift);
  const int value = static_cast<int>(random() % 256) - 128;  // some are far from the others
  return static_cast<std::uint8_t>(value / (chance(random, 90) ? 1 << shift : 1));
}

/// A stream of any kind.
Copy copy_of(std::mt19937& random) {
  Copy c{machine::kStreams[random() % machine::kStreams.size()], {}, {}, 0, 0, 0};
  c.rows = 1 + static_cast<unsigned>(random()) % kMostRows;
  c.local = static_cast<unsigned>(random()) % (kAddresses - c.rows);
  c.from = static_cast<unsigned>(random()) % 256;
  const unsigned shift = static_cast<unsigned>(random()) % 9;
  for (unsigned i = 0; i < machine::kBlockBytes * kPairs * c.rows; ++i)
    c.bytes.push_back(byte_of(c.target, shift, random));
  if (c.target == Target::kSparse)  // any two of a word
    for (std::size_t w = 0; w < c.bytes.size(); w += 4) {
      const std::array<std::uint8_t, 2> two{c.bytes[w], c.bytes[w + 3]};
      std::fill_n(&c.bytes[w], 4, std::uint8_t{0});
      for (const std::uint8_t byte : two) c.bytes[w + random() % 4] = byte;
    }
  c.stream = *machine::packed(c.target, c.bytes);
  return c;
}

struct Bench : Clocked<Vtrine_unpack> {
  std::mt19937 random{1};
  unsigned late = 30, slow = 30;  ///< percent of cycles
  int cycles = 0;
  Bytes out;  ///< of all copies
  unsigned pairs = 0;
  std::vector<Copy> given;
  std::size_t taken_copies = 0;
  bool failed = false, wrong = false;  ///< wrong: what comes out means nothing

  /// A cycle; what comes out is compared. @return whether a beat was taken
  bool cycle() {
    dut.ready_i = !chance(random, slow);
    dut.eval();
    const bool took = dut.beat_valid_i && dut.beat_ready_o;
    if (dut.error_o) failed = true;
    if (dut.valid_o && dut.ready_i && !wrong) {
      REQUIRE(taken_copies < given.size());
      const Copy& c = given[taken_copies];
      REQUIRE(dut.addr_o == c.local + pairs / kPairs);
      for (unsigned i = 0; i < machine::kBlockBytes; ++i)
        REQUIRE(get_bits(dut.data_o, 8 * i, 8) == c.bytes[machine::kBlockBytes * pairs + i]);
      ++pairs;
      const bool last = pairs == kPairs * c.rows;
      REQUIRE(dut.last_o == last);
      if (last) {
        pairs = 0;
        ++taken_copies;
      }
    }
    tick();
    ++cycles;
    return took;
  }

  void start(const Copy& c) {
    given.push_back(c);
    dut.start_i = 1;
    dut.format_i = static_cast<unsigned>(c.target) & 3U;
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
      std::uint64_t beat;
      std::memcpy(&beat, &c.stream[at], 8);
      dut.beat_valid_i = !chance(random, late);
      dut.beat_i = beat;
      if (cycle()) at += 8;
    }
    dut.beat_valid_i = 0;
    dut.more_i = 0;
  }

  /// Until all pairs are out. @return cycles
  int drain() {
    const int before = cycles;
    for (int k = 0; k < 200 && !failed && (dut.busy_o || dut.error_o); ++k) cycle();
    return cycles - before;
  }
};

}  // namespace

TEST_CASE("trine_unpack gives the rows of one stream after the other", "[tb][unpack]") {
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
  CHECK(b.pairs == 0);
}

TEST_CASE("trine_unpack takes a beat a cycle, and gives a pair", "[tb][unpack]") {
  Bench b;
  b.late = b.slow = 0;
  const auto run = [&](Target target, unsigned bits) {
    Copy c{target, {}, {}, 0, kAddresses - 1, 7};
    for (unsigned i = 0; i < machine::kBlockBytes * kPairs * c.rows; ++i)
      c.bytes.push_back(
          target == Target::kSparse && i % 4 < 2
              ? std::uint8_t{0}
              : static_cast<std::uint8_t>(b.random() % (1U << bits) - (1U << bits) / 2));
    c.stream = *machine::packed(target, c.bytes);
    b.start(c);
    const int before = b.cycles;
    b.feed(c);
    const int beats = static_cast<int>(c.stream.size() / 8);
    const int pairs = static_cast<int>(c.bytes.size()) / machine::kBlockBytes;
    CHECK(b.cycles - before <= std::max(beats * 103 / 100, pairs) + 2);  // 3 %: four beats are few
    b.drain();
  };
  for (const unsigned bits : {1, 2, 3, 4, 5, 6}) run(Target::kShort, bits);
  run(Target::kSparse, 8);
  run(Target::kPalette, 4);
}

TEST_CASE("trine_unpack ends a wrong stream with an error", "[tb][unpack]") {
  Bench b;
  int wrong = 0;
  for (int k = 0; k < 800; ++k) {
    Copy c = copy_of(b.random);
    switch (k % 4) {
      case 0:
        c.stream.resize(c.stream.size() - 8);
        break;
      case 1:
        c.stream.resize(c.stream.size() + 8 * (1 + b.random() % 9));
        break;
      case 2:
        c.stream[b.random() % c.stream.size()] ^= static_cast<std::uint8_t>(1U << b.random() % 8);
        break;
      default:
        for (std::uint8_t& byte : c.stream) byte = static_cast<std::uint8_t>(b.random());
    }
    const auto bytes = machine::unpacked(c.target, c.stream, kPairs * c.rows);
    if (bytes) c.bytes = *bytes;
    b.wrong = !bytes;
    b.start(c);
    if (!c.stream.empty()) b.feed(c);
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
    b.pairs = 0;
    b.taken_copies = b.given.size();
    REQUIRE_FALSE(b.dut.busy_o);
  }
  CHECK(wrong > 400);
}
