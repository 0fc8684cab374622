// SPDX-License-Identifier: Apache-2.0
//
// Streams of packed weights: what goes in comes out, in as many beats as the format says; others
// are refused.

#include "machine/packed.h"

#include <catch2/catch.hpp>
#include <random>

using namespace trine::machine;
using trine::isa::dma::Target;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::size_t beats(std::size_t bits) { return (bits + 63) / 64; }

}  // namespace

TEST_CASE("short codes give any bytes back", "[machine][packed]") {
  std::mt19937 random{1};
  for (int n = 0; n < 300; ++n) {
    Bytes bytes(static_cast<std::size_t>(kBlockBytes) * (1 + random() % 9));
    const int divisor = 1 << random() % 8;
    for (std::uint8_t& byte : bytes)
      byte = static_cast<std::uint8_t>((static_cast<int>(random() % 256) - 128) / divisor);
    const Bytes stream = to_short_codes(bytes);
    CHECK(unpacked(Target::kShort, stream, std::ssize(bytes) / kBlockBytes) == bytes);
  }
}

TEST_CASE("a block of short codes has a width, a bit for each byte, and what is above",
          "[machine][packed]") {
  constexpr int kBlocks = 8;
  const auto size = [](int value, int one) {
    Bytes bytes(kBlocks * kBlockBytes, static_cast<std::uint8_t>(value));
    for (int block = 0; block < kBlocks; ++block)
      bytes[static_cast<std::size_t>(kBlockBytes * block + 3)] = static_cast<std::uint8_t>(one);
    return to_short_codes(bytes).size() / kStreamBeat;
  };
  CHECK(size(0, 0) == beats(kBlocks * 19));
  CHECK(size(0, -1) == beats(kBlocks * 20));                  // 1 above no bits
  CHECK(size(-8, 7) == beats(kBlocks * (19 + 3 * 16 + 16)));  // 8 + 7 above three bits
  CHECK(size(127, -128) == beats(kBlocks * 131));             // whole bytes
}

TEST_CASE("five trits are a byte", "[machine][packed]") {
  std::mt19937 random{2};
  for (std::size_t blocks = 1; blocks <= 12; ++blocks) {
    Bytes bytes(kBlockBytes * blocks);
    for (std::uint8_t& byte : bytes)
      for (int t = 0; t < 4; ++t)
        byte = static_cast<std::uint8_t>(byte << 2 | "\0\1\3"[random() % 3]);
    const auto stream = to_trits(bytes);
    REQUIRE(stream);
    const std::size_t packed = blocks / 5 * 64 + blocks % 5 * 13;
    CHECK(stream->size() == beats(8 * packed) * kStreamBeat);
    CHECK(unpacked(Target::kTrits, *stream, static_cast<std::int64_t>(blocks)) == bytes);
    bytes[random() % bytes.size()] = 2;
    CHECK_FALSE(to_trits(bytes));
  }
}

TEST_CASE("a stream that does not end with its blocks is none", "[machine][packed]") {
  const Bytes bytes(5 * kBlockBytes, 1);
  for (const Target target : {Target::kShort, Target::kTrits}) {
    Bytes stream = target == Target::kShort ? to_short_codes(bytes) : *to_trits(bytes);
    CHECK(unpacked(target, stream, 5));
    CHECK_FALSE(unpacked(target, stream, 9));
    stream.resize(stream.size() + kStreamBeat);
    CHECK_FALSE(unpacked(target, stream, 5));
  }
  Bytes stream = *to_trits(bytes);
  stream[0] = 243;
  CHECK_FALSE(unpacked(Target::kTrits, stream, 5));
}
