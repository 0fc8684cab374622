// SPDX-License-Identifier: Apache-2.0
//
// Packs weights in DRAM (memory.packed_weights). A stream consists of blocks of bits, each for 16
// bytes of PMEM rows. Blocks follow each other from the lowest bit of the first byte on; the last
// beat is filled up. docs/encodings.md describes the streams; rtl/dma/trine_unpack.sv and
// trine_unpack_wide.sv unpack them.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "spec/config.h"
#include "spec/isa.h"

namespace trine::spec {

/// Bytes of PMEM rows in a block of a stream.
inline constexpr int kBlockBytes = 16;
/// Bytes of a beat of a stream, unless the bus is wider.
inline constexpr int kStreamBeat = 8;

/// Kinds of streams. If two have the same length, the first one is used.
inline constexpr std::array kStreams{isa::dma::Target::kTrits, isa::dma::Target::kSparse,
                                     isa::dma::Target::kPalette, isa::dma::Target::kShort};

/// Returns true if designs with this configuration unpack such streams.
inline bool unpacks(const Config& config, isa::dma::Target target) {
  return (config.features() & (target == isa::dma::Target::kTrits ? isa::feature::kPacked
                                                                  : isa::feature::kStreams)) != 0;
}

/// Returns the stream of these bytes, or nothing if the target cannot represent them. kTrits cannot
/// represent bytes that are not trits, kSparse words with more than two bytes other than 0, and
/// kPalette more than 16 different bytes.
/// @pre whole blocks
std::optional<std::vector<std::uint8_t>> packed(isa::dma::Target target,
                                                std::span<const std::uint8_t> bytes,
                                                int beat = kStreamBeat);

/// The shortest form of some bytes: a stream, or the bytes themselves (kPmem).
struct Stored {
  isa::dma::Target target = isa::dma::Target::kPmem;
  std::vector<std::uint8_t> bytes;
};
/// Returns the shortest form among the streams that the configuration unpacks.
/// @pre whole blocks, config.packed
Stored shortest(std::span<const std::uint8_t> bytes, const Config& config);

/// Returns the first `blocks` blocks of a stream, or nothing if the stream is invalid or does not
/// end after these blocks.
std::optional<std::vector<std::uint8_t>> unpacked(isa::dma::Target target,
                                                  std::span<const std::uint8_t> stream,
                                                  std::int64_t blocks, int beat = kStreamBeat);

}  // namespace trine::spec
