// SPDX-License-Identifier: Apache-2.0

#include "spec/packed.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <set>

#include "sw/base/division.h"
#include "sw/base/index.h"

namespace trine::spec {
namespace {

using Block = std::array<std::uint8_t, kBlockBytes>;

constexpr int kWidthBits = 3, kMostWidth = 7;  ///< of a block of short codes: k
constexpr int kTritsOfByte = 5, kBytesOfBlock = 13, kLastTrits = 4, kTurns = 5;
constexpr int kNoTrits = 243;
constexpr unsigned kWordBytes = 4, kOfWord = 2, kPlaceBits = 2;  ///< of sparse words
constexpr std::size_t kColours = 16;                             ///< of a palette
constexpr int kColourBits = 4;

class BitWriter {
 public:
  void put(unsigned value, int bits) {
    for (int i = 0; i < bits; ++i, ++count_) {
      if (count_ % 8 == 0) bytes_.push_back(0);
      bytes_.back() = static_cast<std::uint8_t>(bytes_.back() | (value >> i & 1) << count_ % 8);
    }
  }
  std::vector<std::uint8_t> bytes() && { return std::move(bytes_); }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t count_ = 0;
};

class BitReader {
 public:
  explicit BitReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  /// Returns the next bits, and zeros after the end.
  unsigned get(int bits) {
    unsigned value = 0;
    for (int i = 0; i < bits; ++i, ++count_)
      if (count_ / 8 < bytes_.size())
        value |= static_cast<unsigned>(bytes_[count_ / 8] >> count_ % 8 & 1) << i;
    return value;
  }
  bool beyond() const { return count_ > 8 * bytes_.size(); }
  /// Returns true if less than a beat is left.
  bool ends(int beat) const { return 8 * bytes_.size() - count_ < 8 * at(beat); }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t count_ = 0;
};

/// Maps 0, -1, 1, -2, .. to 0, 1, 2, 3, ..
std::uint8_t folded(std::uint8_t byte) {
  return static_cast<std::uint8_t>(byte << 1 ^ (byte >= 128 ? 0xff : 0));
}
std::uint8_t unfolded(unsigned code) {
  return static_cast<std::uint8_t>(code >> 1 ^ (code % 2 != 0 ? 0xff : 0));
}

/// Returns the bits of a block with codes of `width` bits and an escape; the maximum if a code
/// needs an escape above 2.
int bits_of(const Block& codes, int width) {
  int bits = kWidthBits + kBlockBytes * (width + 1);
  for (const std::uint8_t code : codes) {
    const int above = code >> width;
    if (above > 2) return std::numeric_limits<int>::max();
    if (above > 0 && width < kMostWidth) ++bits;
  }
  return bits;
}

void put(const Block& codes, BitWriter& out) {
  int width = 0;
  for (int w = 1; w <= kMostWidth; ++w)
    if (bits_of(codes, w) < bits_of(codes, width)) width = w;
  out.put(static_cast<unsigned>(width), kWidthBits);
  for (const std::uint8_t code : codes) out.put(code >> width != 0 ? 1 : 0, 1);
  for (int plane = 0; plane < width; ++plane)
    for (const std::uint8_t code : codes) out.put(code >> plane & 1U, 1);
  if (width == kMostWidth) return;
  for (const std::uint8_t code : codes)
    if (code >> width != 0) out.put(code >> width == 2 ? 1 : 0, 1);
}

Block get_codes(BitReader& in) {
  const unsigned width = in.get(kWidthBits), longer = in.get(kBlockBytes);
  Block codes{};
  for (unsigned plane = 0; plane < width; ++plane)
    for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(code | in.get(1) << plane);
  for (unsigned i = 0; i < kBlockBytes; ++i) {
    if ((longer >> i & 1) == 0) continue;
    const unsigned above = width == kMostWidth ? 1 : 1 + in.get(1);
    codes[i] = static_cast<std::uint8_t>(codes[i] | above << width);
  }
  for (std::uint8_t& code : codes) code = unfolded(code);
  return codes;
}

/// Returns true if all four trits are valid: 00, 01 or 11.
bool is_ternary(std::uint8_t byte) { return (byte >> 1 & ~byte & 0x55) == 0; }

unsigned digit_of(std::span<const std::uint8_t> bytes, int trit) {
  const unsigned code = bytes[static_cast<std::size_t>(trit / 4)] >> trit % 4 * 2 & 3U;
  return code == 3 ? 2 : code;
}

std::vector<std::uint8_t> to_short_codes(std::span<const std::uint8_t> bytes) {
  BitWriter out;
  for (std::size_t first = 0; first < bytes.size(); first += kBlockBytes) {
    Block codes;
    std::ranges::transform(bytes.subspan(first, kBlockBytes), codes.begin(), folded);
    put(codes, out);
  }
  return std::move(out).bytes();
}

/// A block's first 60 trits are its first 12 bytes; four blocks have the last four in a byte whose
/// fifth trit belongs to the fifth block, which has no such byte.
std::optional<std::vector<std::uint8_t>> to_trits(std::span<const std::uint8_t> bytes) {
  if (!std::ranges::all_of(bytes, is_ternary)) return std::nullopt;
  constexpr int kTrits = 4 * kBlockBytes;
  const int blocks = static_cast<int>(bytes.size()) / kBlockBytes;
  std::vector<std::uint8_t> out;
  const auto add = [&](int first, int count, unsigned last) {
    unsigned value = last;
    for (int i = count - 1; i >= 0; --i) value = 3 * value + digit_of(bytes, first + i);
    out.push_back(static_cast<std::uint8_t>(value));
  };
  for (int block = 0; block < blocks; ++block) {
    const int first = kTrits * block, turn = block % kTurns;
    for (int b = 0; b + 1 < kBytesOfBlock; ++b) add(first + kTritsOfByte * b, kTritsOfByte, 0);
    // The block whose last byte is spread over these blocks.
    const int fifth = block - turn + kTurns - 1;
    if (turn == kTurns - 1) continue;
    add(first + kTrits - kLastTrits, kLastTrits,
        fifth < blocks ? digit_of(bytes, kTrits * (fifth + 1) - kLastTrits + turn) : 0);
  }
  return out;
}

/// Returns the ascending indices of a word's two bytes, or nothing if more than two are not 0.
std::optional<std::array<unsigned, kOfWord>> places_of(std::span<const std::uint8_t> word) {
  std::array<unsigned, kOfWord> places{};
  unsigned count = 0;
  for (unsigned i = 0; i < kWordBytes; ++i) {
    if (word[i] == 0) continue;
    if (count == kOfWord) return std::nullopt;
    places[count++] = i;
  }
  for (unsigned i = 0; count < kOfWord; ++i)  // fills up with a 0 byte
    if (count == 0 || places[0] != i) places[count++] = i;
  std::ranges::sort(places);
  return places;
}

std::optional<std::vector<std::uint8_t>> to_sparse(std::span<const std::uint8_t> bytes) {
  BitWriter out;
  for (std::size_t first = 0; first < bytes.size(); first += kBlockBytes) {
    std::vector<unsigned> all;
    for (std::size_t w = 0; w < kBlockBytes; w += kWordBytes) {
      const auto word = bytes.subspan(first + w, kWordBytes);
      const auto places = places_of(word);
      if (!places) return std::nullopt;
      for (const unsigned place : *places) {
        out.put(word[place], 8);
        all.push_back(place);
      }
    }
    for (const unsigned place : all) out.put(place, kPlaceBits);
  }
  return std::move(out).bytes();
}

std::optional<std::vector<std::uint8_t>> to_palette(std::span<const std::uint8_t> bytes) {
  const std::set<std::uint8_t> used(bytes.begin(), bytes.end());
  if (used.size() > kColours) return std::nullopt;
  std::vector<std::uint8_t> colours(used.begin(), used.end());
  BitWriter out;
  for (std::size_t i = 0; i < kColours; ++i) out.put(i < colours.size() ? colours[i] : 0, 8);
  for (const std::uint8_t byte : bytes) {
    const auto at = std::ranges::lower_bound(colours, byte) - colours.begin();
    out.put(static_cast<unsigned>(at), kColourBits);
  }
  return std::move(out).bytes();
}

/// Unpacks a stream block by block.
class Unpacker {
 public:
  Unpacker(isa::dma::Target target, BitReader& in) : target_(target), in_(in) {
    if (target_ == isa::dma::Target::kPalette)
      for (std::uint8_t& colour : colours_) colour = static_cast<std::uint8_t>(in_.get(8));
  }

  std::optional<Block> block() {
    switch (target_) {
      case isa::dma::Target::kTrits:
        return trits();
      case isa::dma::Target::kSparse:
        return sparse();
      case isa::dma::Target::kPalette:
        return palette();
      default:
        return get_codes(in_);
    }
  }

 private:
  std::optional<Block> trits() {
    Block block{};
    const bool last = turn_++ % kTurns == kTurns - 1;
    const auto set = [&](int trit, unsigned code) {
      auto& byte = block[static_cast<std::size_t>(trit / 4)];
      byte = static_cast<std::uint8_t>(byte | code << trit % 4 * 2);
    };
    for (int b = 0; b < (last ? kBytesOfBlock - 1 : kBytesOfBlock); ++b) {
      unsigned value = in_.get(8);
      if (value >= kNoTrits) return std::nullopt;
      for (int i = 0; i < kTritsOfByte; ++i, value /= 3) {
        const unsigned code = value % 3 == 2 ? 3 : value % 3;
        if (b == kBytesOfBlock - 1 && i == kLastTrits)
          kept_ = kept_ >> 2 | code << 6;
        else
          set(kTritsOfByte * b + i, code);
      }
    }
    if (last) block[kBlockBytes - 1] = static_cast<std::uint8_t>(kept_);
    return block;
  }

  std::optional<Block> sparse() {
    std::array<std::uint8_t, kBlockBytes / kWordBytes * kOfWord> values{};
    for (std::uint8_t& value : values) value = static_cast<std::uint8_t>(in_.get(8));
    Block block{};
    for (unsigned w = 0; w < kBlockBytes / kWordBytes; ++w) {
      const unsigned first = in_.get(kPlaceBits), second = in_.get(kPlaceBits);
      if (first >= second) return std::nullopt;
      block[kWordBytes * w + first] = values[kOfWord * w];
      block[kWordBytes * w + second] = values[kOfWord * w + 1];
    }
    return block;
  }

  Block palette() {
    Block block;
    for (std::uint8_t& byte : block) byte = colours_[in_.get(kColourBits)];
    return block;
  }

  isa::dma::Target target_;
  BitReader& in_;
  int turn_ = 0;
  unsigned kept_ = 0;  ///< trits of the fifth block
  std::array<std::uint8_t, kColours> colours_{};
};

std::optional<std::vector<std::uint8_t>> stream_of(isa::dma::Target target,
                                                   std::span<const std::uint8_t> bytes) {
  switch (target) {
    case isa::dma::Target::kTrits:
      return to_trits(bytes);
    case isa::dma::Target::kSparse:
      return to_sparse(bytes);
    case isa::dma::Target::kPalette:
      return to_palette(bytes);
    default:
      return to_short_codes(bytes);
  }
}

}  // namespace

std::optional<std::vector<std::uint8_t>> packed(isa::dma::Target target,
                                                std::span<const std::uint8_t> bytes, int beat) {
  assert(bytes.size() % kBlockBytes == 0);
  auto stream = stream_of(target, bytes);
  if (stream) stream->resize(round_up(stream->size(), at(beat)));
  return stream;
}

Stored shortest(std::span<const std::uint8_t> bytes, const Config& config) {
  Stored best{isa::dma::Target::kPmem, {bytes.begin(), bytes.end()}};
  for (const isa::dma::Target target : kStreams) {
    if (!unpacks(config, target)) continue;
    auto stream = packed(target, bytes, config.data_bytes());
    if (stream && stream->size() < best.bytes.size()) best = {target, std::move(*stream)};
  }
  return best;
}

std::optional<std::vector<std::uint8_t>> unpacked(isa::dma::Target target,
                                                  std::span<const std::uint8_t> stream,
                                                  std::int64_t blocks, int beat) {
  BitReader in(stream);
  Unpacker unpacker(target, in);
  std::vector<std::uint8_t> out;
  for (std::int64_t n = 0; n < blocks; ++n) {
    const std::optional<Block> block = unpacker.block();
    if (!block || in.beyond()) return std::nullopt;
    out.insert(out.end(), block->begin(), block->end());
  }
  if (!in.ends(beat)) return std::nullopt;
  return out;
}

}  // namespace trine::spec
