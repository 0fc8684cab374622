// SPDX-License-Identifier: Apache-2.0
//
// Weights packed in DRAM (memory.packed_weights): streams of blocks, each of which is 16 bytes of
// PMEM rows, one behind the other from the lowest bit of the first byte on, filled up to whole
// beats. docs/encodings.md describes them; rtl/dma/trine_unpack.sv and trine_unpack_wide.sv unpack
// them.

#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "machine/config.h"
#include "machine/isa.h"

namespace trine::machine {

/// Bytes of PMEM that are a block of a stream.
inline constexpr int kBlockBytes = 16;
/// And of the beats that a stream consists of, unless the bus is wider.
inline constexpr int kStreamBeat = 8;

/// Ways to pack them: of two of the same length the first one is taken.
inline constexpr std::array kStreams{isa::dma::Target::kTrits, isa::dma::Target::kSparse,
                                     isa::dma::Target::kPalette, isa::dma::Target::kShort};

/// Whether designs of the configuration take such streams.
inline bool unpacks(const Config& config, isa::dma::Target target) {
  return (config.features() & (target == isa::dma::Target::kTrits ? isa::feature::kPacked
                                                                  : isa::feature::kStreams)) != 0;
}

/// The stream of these bytes, or nothing where they are no trits, have words of more than two
/// bytes besides 0, or more than 16 different bytes. @pre whole blocks
std::optional<std::vector<std::uint8_t>> packed(isa::dma::Target target,
                                                std::span<const std::uint8_t> bytes,
                                                int beat = kStreamBeat);

/// What makes fewest beats: a stream, or the bytes as they are (kPmem).
struct Stored {
  isa::dma::Target target = isa::dma::Target::kPmem;
  std::vector<std::uint8_t> bytes;
};
/// Only streams that the configuration unpacks. @pre whole blocks, config.packed
Stored shortest(std::span<const std::uint8_t> bytes, const Config& config);

/// So many blocks of a stream, or nothing where it does not end with them or is none.
std::optional<std::vector<std::uint8_t>> unpacked(isa::dma::Target target,
                                                  std::span<const std::uint8_t> stream,
                                                  std::int64_t blocks, int beat = kStreamBeat);

}  // namespace trine::machine
