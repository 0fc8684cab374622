// SPDX-License-Identifier: Apache-2.0
//
// Lays out the constants of a planned network in DRAM, after the arena: codes of maps, weights in
// PMEM's layout, biases and scales, and tables, in the order in which the network needs them.

#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "spec/isa.h"
#include "sw/compiler/emit/order.h"

namespace trine::compiler {

/// The blocks of constants of a network. `byte` counts from BASE.
struct Image {
  /// One block of constants.
  struct Block {
    std::int64_t byte = 0, words = 0;
    /// The packing of weights: unless it is kPmem, the block is a stream of `words`.
    isa::dma::Target target = isa::dma::Target::kPmem;
    std::int64_t rows = 0;  ///< PMEM rows of a block of weights

    bool operator==(const Block&) const = default;
  };
  /// The biases and scales of some channels. Layers with equal parameters share them, including
  /// their `id`.
  struct Parameters {
    std::int64_t id = 0, bias_byte = 0, scale_byte = 0;
    std::int64_t entries = 0;

    bool operator==(const Parameters&) const = default;
  };

  std::vector<std::uint8_t> bytes;
  /// Size of all blocks in bytes; exceeds bytes.size() if constants are missing (compile_shapes.h).
  std::int64_t size = 0;
  std::map<BlockKey, Block> weights;
  std::map<std::pair<int, int>, Parameters> parameters;  ///< by layer and first channel
  /// By layer; a layer without one has a block of 0 words.
  std::vector<Block> tables, exponentials;
  std::int64_t zeros = -1;  ///< byte address of a block of zeros, or -1

  /// Returns true if all blocks have the same addresses as the blocks of `other`.
  bool has_places_of(const Image& other) const;
};

/// Makes the image of all constants that the layers load.
Image make_image(const Network& network, const spec::Config& config, const Plan& plan);

}  // namespace trine::compiler
