// SPDX-License-Identifier: Apache-2.0
//
// The constants of a planned network as they lie in DRAM, behind the arena: codes of maps, weights
// as PMEM holds them, biases and scales, tables; in the order in which the network needs them.

#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "machine/isa.h"
#include "sw/compiler/emit/order.h"

namespace trine::compiler {

/// Blocks of constants; `byte` counts from BASE.
struct Image {
  struct Block {
    std::int64_t byte = 0, words = 0;
    /// How weights are packed: a stream of `words`, if not kPmem.
    isa::dma::Target target = isa::dma::Target::kPmem;
    std::int64_t rows = 0;  ///< of PMEM, of weights

    bool operator==(const Block&) const = default;
  };
  /// Biases and scales of some channels; layers share what is the same, then also `id`.
  struct Parameters {
    std::int64_t id = 0, bias_byte = 0, scale_byte = 0;
    std::int64_t entries = 0;

    bool operator==(const Parameters&) const = default;
  };

  std::vector<std::uint8_t> bytes;
  std::int64_t size = 0;  ///< of all blocks; more than `bytes` where layers have no constants
  std::map<BlockKey, Block> weights;
  std::map<std::pair<int, int>, Parameters> parameters;  ///< layer, channel
  std::vector<Block> tables, exponentials;  ///< of each layer; of those without no words
  std::int64_t zeros = -1;                  ///< byte of a block of zeros, if there is one

  /// Whether all blocks lie where those of the other do.
  bool has_places_of(const Image& other) const;
};

/// Everything that the layers load.
Image make_image(const Network& network, const machine::Config& config, const Plan& plan);

}  // namespace trine::compiler
