// SPDX-License-Identifier: Apache-2.0
//
// Weights packed in DRAM (memory.packed_weights): streams of blocks, each of which is 16 bytes of
// PMEM rows, one behind the other from the lowest bit of the first byte on, filled up to whole
// beats of 8 bytes. docs/encodings.md describes them; rtl/dma/trine_unpack.sv unpacks them.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "machine/isa.h"

namespace trine::machine {

/// Bytes of PMEM that are a block of a stream.
inline constexpr int kBlockBytes = 16;
/// And of the beats that a stream consists of.
inline constexpr int kStreamBeat = 8;

/// Bytes in short codes. @pre whole blocks
std::vector<std::uint8_t> to_short_codes(std::span<const std::uint8_t> bytes);

/// Ternary weights, four in a byte, as five in a byte; nothing if they are none. @pre whole blocks
std::optional<std::vector<std::uint8_t>> to_trits(std::span<const std::uint8_t> bytes);

/// So many blocks of a stream, or nothing where it does not end with them or is none.
/// @param target  kShort or kTrits
std::optional<std::vector<std::uint8_t>> unpacked(isa::dma::Target target,
                                                  std::span<const std::uint8_t> stream,
                                                  std::int64_t blocks);

}  // namespace trine::machine
