// SPDX-License-Identifier: Apache-2.0
//
// Computes how many bytes a program's weights occupy in DRAM, and how many they would occupy with
// other forms of compression (memory.packed_weights).

#pragma once

#include <cstdint>
#include <vector>

#include "sw/program/program.h"

namespace trine::program {

/// The bytes of a layer's weights, each block counted once: as PMEM rows, as stored in DRAM, and as
/// other codes would store them.
struct WeightBytes {
  std::int64_t rows = 0, stored = 0;
  double entropy = 0;    ///< entropy of the byte frequencies in the layer
  double prefix = 0;     ///< Huffman codes of the bytes, without tables
  double widths = 0;     ///< 16 codes of equal width, with folded signs, after 4 bits of width
  double zero_runs = 0;  ///< one bit, followed by the length of a zero run (4 bits), or by a byte
  /// Size if only this kind of stream were used. Loads that the stream cannot represent count with
  /// their size in PMEM.
  std::int64_t sparse = 0, palette = 0;
  WeightBytes& operator+=(const WeightBytes& other);
};

/// Returns the weight bytes of each layer of all segments, in the order of layers_of().
std::vector<WeightBytes> weights_of(const Program& program);

}  // namespace trine::program
