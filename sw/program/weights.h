// SPDX-License-Identifier: Apache-2.0
//
// What a program's weights take in DRAM (memory.packed_weights), beside what other codes would.

#pragma once

#include <cstdint>
#include <vector>

#include "sw/program/program.h"

namespace trine::program {

/// Bytes of a layer's rows of PMEM, each block of them once: there, in DRAM, and in codes.
struct WeightBytes {
  std::int64_t rows = 0, stored = 0;
  double entropy = 0;    ///< of the bytes' frequencies in the layer
  double prefix = 0;     ///< Huffman's codes of them, tables apart
  double widths = 0;     ///< a width of 4 bits for each 16, signs folded
  double zero_runs = 0;  ///< a bit, and 4 bits of a run's length or a byte
  /// What streams of these alone would take, loads that they cannot hold as they are.
  std::int64_t sparse = 0, palette = 0;
  WeightBytes& operator+=(const WeightBytes& other);
};

/// Those of each layer of all stages, in the order of layers_of().
std::vector<WeightBytes> weights_of(const Program& program);

}  // namespace trine::program
