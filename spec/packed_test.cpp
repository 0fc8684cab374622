// SPDX-License-Identifier: Apache-2.0
//
// Tests streams of packed weights: unpacking restores the bytes, the stream has the number of beats
// that the format defines, and invalid streams are refused.

#include "spec/packed.h"

#include <cmath>
#include <random>

#include "sw/base/catch.h"

using namespace trine::spec;
using trine::isa::dma::Target;

namespace {

using Bytes = std::vector<std::uint8_t>;

std::size_t beats(std::size_t bits) { return (bits + 63) / 64; }

}  // namespace

TEST_CASE("bytes of any values survive packing as short codes", "[machine][packed]") {
  std::mt19937 random{1};
  for (int n = 0; n < 300; ++n) {
    Bytes bytes(static_cast<std::size_t>(kBlockBytes) * (1 + random() % 9));
    const int divisor = 1 << random() % 8;
    for (std::uint8_t& byte : bytes)
      byte = static_cast<std::uint8_t>((static_cast<int>(random() % 256) - 128) / divisor);
    const Bytes stream = *packed(Target::kShort, bytes);
    CHECK(unpacked(Target::kShort, stream, std::ssize(bytes) / kBlockBytes) == bytes);
  }
}

TEST_CASE("a block of short codes has a width, a bit for each byte and the bits above",
          "[machine][packed]") {
  constexpr int kBlocks = 8;
  const auto size = [](int value, int one) {
    Bytes bytes(kBlocks * kBlockBytes, static_cast<std::uint8_t>(value));
    for (int block = 0; block < kBlocks; ++block)
      bytes[static_cast<std::size_t>(kBlockBytes * block + 3)] = static_cast<std::uint8_t>(one);
    return packed(Target::kShort, bytes)->size() / kStreamBeat;
  };
  CHECK(size(0, 0) == beats(kBlocks * 19));
  CHECK(size(0, -1) == beats(kBlocks * 20));                  // 1 bit above width 0
  CHECK(size(-8, 7) == beats(kBlocks * (19 + 3 * 16 + 16)));  // 8 + 7 bits above width 3
  CHECK(size(127, -128) == beats(kBlocks * 131));             // whole bytes
}

TEST_CASE("five trits are packed into a byte", "[machine][packed]") {
  std::mt19937 random{2};
  for (std::size_t blocks = 1; blocks <= 12; ++blocks) {
    Bytes bytes(kBlockBytes * blocks);
    for (std::uint8_t& byte : bytes)
      for (int t = 0; t < 4; ++t)
        byte = static_cast<std::uint8_t>(byte << 2 | "\0\1\3"[random() % 3]);
    const auto stream = packed(Target::kTrits, bytes);
    REQUIRE(stream);
    CHECK(stream->size() == beats(8 * (blocks / 5 * 64 + blocks % 5 * 13)) * kStreamBeat);
    CHECK(unpacked(Target::kTrits, *stream, static_cast<std::int64_t>(blocks)) == bytes);
    bytes[random() % bytes.size()] = 2;
    CHECK_FALSE(packed(Target::kTrits, bytes));
  }
}

TEST_CASE("a sparse stream packs two bytes of four and their places, ten bytes for 16",
          "[machine][packed]") {
  std::mt19937 random{3};
  for (std::size_t blocks = 1; blocks <= 12; ++blocks) {
    Bytes bytes(kBlockBytes * blocks);
    for (std::size_t word = 0; word < bytes.size(); word += 4)
      for (int i = 0; i < 2; ++i)
        bytes[word + random() % 4] = static_cast<std::uint8_t>(random() % 3 == 0 ? 0 : random());
    const auto stream = packed(Target::kSparse, bytes);
    REQUIRE(stream);
    CHECK(stream->size() == beats(80 * blocks) * kStreamBeat);
    CHECK(unpacked(Target::kSparse, *stream, static_cast<std::int64_t>(blocks)) == bytes);
    bytes[4] = bytes[5] = bytes[7] = 1;
    CHECK_FALSE(packed(Target::kSparse, bytes));
  }
  const Bytes places{1, 2, 3, 4, 5, 6, 7, 8, 0xe4, 0xcd, 0, 0, 0, 0, 0, 0};  // 0 1, 2 3, 1 3, 0 3
  CHECK(unpacked(Target::kSparse, places, 1) ==
        Bytes{1, 2, 0, 0, 0, 0, 3, 4, 0, 5, 0, 6, 7, 0, 0, 8});
}

TEST_CASE("two places of a word are valid only in ascending order", "[machine][packed]") {
  const Bytes bytes(kBlockBytes, 0);
  for (int word = 0; word < 4; ++word)
    for (int places = 0; places < 16; ++places) {
      Bytes stream = *packed(Target::kSparse, bytes);
      std::uint8_t& byte = stream[static_cast<std::size_t>(8 + word / 2)];
      byte = static_cast<std::uint8_t>((byte & ~(15 << word % 2 * 4)) | places << word % 2 * 4);
      CHECK(unpacked(Target::kSparse, stream, 1).has_value() == (places % 4 < places / 4));
    }
}

TEST_CASE("up to 16 different bytes are packed as a table and four bits each",
          "[machine][packed]") {
  std::mt19937 random{4};
  for (std::size_t blocks = 1; blocks <= 12; ++blocks) {
    std::array<std::uint8_t, 16> colours;
    for (std::uint8_t& colour : colours) colour = static_cast<std::uint8_t>(random());
    Bytes bytes(kBlockBytes * blocks);
    for (std::uint8_t& byte : bytes) byte = colours[random() % 16];
    const auto stream = packed(Target::kPalette, bytes);
    REQUIRE(stream);
    CHECK(stream->size() == 16 + 8 * blocks);
    CHECK(unpacked(Target::kPalette, *stream, static_cast<std::int64_t>(blocks)) == bytes);
  }
  Bytes bytes(2 * kBlockBytes);
  for (std::size_t i = 0; i < 17; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  CHECK_FALSE(packed(Target::kPalette, bytes));
}

/// The published values (arXiv:2305.14314); tests of E2M1 are in sw/reference/formats_test.cpp.
TEST_CASE("NF4, rounded to integers of eight bits, is a palette", "[machine][packed]") {
  constexpr std::array<double, 16> kNf4{-1.0,
                                        -0.6961928009986877,
                                        -0.5250730514526367,
                                        -0.39491748809814453,
                                        -0.28444138169288635,
                                        -0.18477343022823334,
                                        -0.09105003625154495,
                                        0.0,
                                        0.07958029955625534,
                                        0.16093020141124725,
                                        0.24611230194568634,
                                        0.33791524171829224,
                                        0.44070982933044434,
                                        0.5626170039176941,
                                        0.7229568362236023,
                                        1.0};
  Bytes bytes;
  for (const double value : kNf4)
    bytes.push_back(static_cast<std::uint8_t>(static_cast<int>(std::lround(value * 127))));
  const auto stream = packed(Target::kPalette, bytes);
  REQUIRE(stream);
  CHECK(unpacked(Target::kPalette, *stream, 1) == bytes);
}

TEST_CASE("the shortest stream is chosen or the bytes stay as they are", "[machine][packed]") {
  Config config = load_config("edge256", {"memory.packed_weights=true"});
  std::mt19937 random{5};
  Bytes bytes(kBlockBytes * 20);
  const auto fill = [&](auto value) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(value(i));
    return shortest(bytes, config).target;
  };
  CHECK(fill([&](std::size_t) { return random(); }) == Target::kPmem);
  CHECK(fill([&](std::size_t) { return random() % 25 - 12; }) == Target::kShort);
  CHECK(fill([&](std::size_t) { return random() % 16 * 16; }) == Target::kPalette);
  CHECK(fill([&](std::size_t i) { return i % 4 < 2 ? random() : 0; }) == Target::kSparse);
  const auto trit = [&] { return "\0\1\3"[random() % 3]; };
  const auto trits = [&](std::size_t) { return trit() | trit() << 2 | trit() << 4 | trit() << 6; };
  CHECK(fill(trits) == Target::kTrits);
  // A wide bus supports trits only, in whole beats.
  config = load_config("edge256", {"memory.packed_weights=true", "bus.axi_data_bits=256",
                                   "array.precisions=[\"int8\", \"ternary\"]"});
  CHECK(fill([&](std::size_t) { return random() % 16 * 16; }) == Target::kPmem);
  CHECK(fill(trits) == Target::kTrits);
  bytes.resize(kBlockBytes * 6);
  CHECK(shortest(bytes, config).bytes.size() == 96);  // 64 + 13
}

TEST_CASE("a stream that does not end with its blocks is invalid", "[machine][packed]") {
  const Bytes bytes(5 * kBlockBytes, 0);
  for (const Target target : kStreams) {
    Bytes stream = *packed(target, bytes);
    CHECK(unpacked(target, stream, 5));
    CHECK_FALSE(unpacked(target, stream, 9));
    stream.resize(stream.size() + kStreamBeat);
    CHECK_FALSE(unpacked(target, stream, 5));
    CHECK(unpacked(target, stream, 5, 32));
  }
  Bytes stream = *packed(Target::kTrits, bytes);
  stream[0] = 243;
  CHECK_FALSE(unpacked(Target::kTrits, stream, 5));
}
