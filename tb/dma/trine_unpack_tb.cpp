// SPDX-License-Identifier: Apache-2.0
//
// Tests packed streams: pairs equal those of spec/packed.h, at their rows, the last one marked.
// Copies follow each other without pauses; beats come late and pairs wait. A stream that is too
// short or too long for its rows, or contains bytes that are not trits or invalid positions, ends
// with an error and the number of its copy; the next copy after a clear is correct.

#include <algorithm>

#include "Vtrine_unpack.h"
#include "tb/dma/streams.h"

using namespace trine;
using namespace trine::golden;
using isa::dma::Target;

namespace {

constexpr unsigned kPairs = TB_PairsPerRow, kMostRows = 6, kAddresses = 1U << TB_AddrBits,
                   kBlock = spec::kBlockBytes;

/// Returns a byte that the stream can contain: four trits, one of 16 values, or a limited number of
/// bits.
std::uint8_t byte_of(Target target, unsigned shift, std::mt19937& random) {
  if (target == Target::kTrits) return ternary_byte(random);
  if (target == Target::kPalette) return static_cast<std::uint8_t>(random() % 16 * 37 + shift);
  const int value = static_cast<int>(random() % 256) - 128;  // some are far from the others
  return static_cast<std::uint8_t>(value / (chance(random, 90) ? 1 << shift : 1));
}

/// Returns a copy of a stream of any kind.
StreamCopy copy_of(std::mt19937& random) {
  StreamCopy c{spec::kStreams[random() % spec::kStreams.size()], {}, {}, 0, 0, 0};
  c.rows = 1 + static_cast<unsigned>(random()) % kMostRows;
  c.local = static_cast<unsigned>(random()) % (kAddresses - c.rows);
  c.from = static_cast<unsigned>(random()) % 256;
  const unsigned shift = static_cast<unsigned>(random()) % 9;
  for (unsigned i = 0; i < kBlock * kPairs * c.rows; ++i)
    c.bytes.push_back(byte_of(c.target, shift, random));
  if (c.target == Target::kSparse)  // any two bytes of a word
    for (std::size_t w = 0; w < c.bytes.size(); w += 4) {
      const std::array<std::uint8_t, 2> two{c.bytes[w], c.bytes[w + 3]};
      std::fill_n(&c.bytes[w], 4, std::uint8_t{0});
      for (const std::uint8_t byte : two) c.bytes[w + random() % 4] = byte;
    }
  c.stream = *spec::packed(c.target, c.bytes);
  return c;
}

struct Bench : StreamBench<Vtrine_unpack, spec::kStreamBeat, kBlock * kPairs> {
  unsigned pairs = 0;  ///< of the current copy

  void begins() override { pairs = 0; }
  void set_format(Target target) override { dut.format_i = static_cast<unsigned>(target) & 3U; }

  void taken(const StreamCopy& c) override {
    REQUIRE(dut.addr_o == c.local + pairs / kPairs);
    for (unsigned i = 0; i < kBlock; ++i)
      REQUIRE(get_bits(dut.data_o, 8 * i, 8) == c.bytes[kBlock * pairs + i]);
    ++pairs;
    const bool last = pairs == kPairs * c.rows;
    REQUIRE(dut.last_o == last);
    if (last) {
      pairs = 0;
      ++taken_copies;
    }
  }
};

}  // namespace

TEST_CASE("trine_unpack gives the rows of one stream after the other", "[tb][unpack]") {
  Bench b;
  b.run_whole(400, copy_of);
  CHECK(b.pairs == 0);
}

TEST_CASE("trine_unpack accepts a beat or gives a pair in each cycle", "[tb][unpack]") {
  Bench b;
  b.late = b.slow = 0;
  const auto run = [&](Target target, unsigned bits) {
    StreamCopy c{target, {}, {}, 0, kAddresses - 1, 7};
    for (unsigned i = 0; i < kBlock * kPairs * c.rows; ++i)
      c.bytes.push_back(
          target == Target::kSparse && i % 4 < 2
              ? std::uint8_t{0}
              : static_cast<std::uint8_t>(b.random() % (1U << bits) - (1U << bits) / 2));
    c.stream = *spec::packed(target, c.bytes);
    b.start(c);
    const int before = b.cycles;
    b.feed(c);
    const int beats = static_cast<int>(c.stream.size() / 8);
    const int pairs = static_cast<int>(c.bytes.size() / kBlock);
    // 3 %: four beats are too few.
    CHECK(b.cycles - before <= std::max(beats * 103 / 100, pairs) + 2);
    b.drain();
  };
  for (const unsigned bits : {1, 2, 3, 4, 5, 6}) run(Target::kShort, bits);
  run(Target::kSparse, 8);
  run(Target::kPalette, 4);
}

TEST_CASE("trine_unpack ends a wrong stream with an error", "[tb][unpack]") {
  Bench b;
  const auto flip = [](std::uint8_t& byte, std::mt19937& random) {
    byte ^= static_cast<std::uint8_t>(1U << random() % 8);
  };
  CHECK(b.run_wrong(800, copy_of, flip) > 400);
}
