// SPDX-License-Identifier: Apache-2.0
//
// Draws configurations, shapes and parts of networks for tests of the compiler and of the machine.

#pragma once

#include <vector>

#include "spec/config.h"
#include "tools/random/builder.h"
#include "tools/random/int16.h"

namespace trine::fuzz {

/// Returns a configuration that spec::check() accepts.
inline spec::Config small_config(int rows, int cols, int dmem_kib, int pmem_kib, int bus) {
  spec::Config config;
  config.name = "test";
  config.rows = rows;
  config.cols = cols;
  config.dmem_kib = dmem_kib;
  config.pmem_kib = pmem_kib;
  config.axi_data_bits = bus;
  return config;
}

/// Returns a random configuration. With small memories, layers are cut into parts and pieces.
inline spec::Config random_config(Builder& b) {
  static constexpr int kArrays[][2] = {{1, 1},  {3, 5},   {4, 4},  {8, 8}, {4, 16},
                                       {16, 4}, {16, 16}, {2, 12}, {7, 3}};
  static constexpr int kBuses[] = {32, 64, 128, 256, 512};
  static constexpr int kKib[] = {8, 8, 16, 128};
  const auto& array = kArrays[b.number(0, 8)];
  spec::Config config = small_config(array[0], array[1], kKib[b.number(0, 3)], kKib[b.number(0, 3)],
                                     kBuses[b.number(0, 4)]);
  config.param_channels = b.number(0, 1) == 0 ? 64 : 512;
  return config;
}

inline Padding random_padding(Builder& b) {
  return b.number(0, 1) == 0 ? Padding::kSame : Padding::kValid;
}

/// Returns a map made from the graph's inputs: an input, or a result of the compute or the vector
/// unit.
inline int random_map(Builder& b, const std::vector<int>& shape) {
  switch (b.number(0, 3)) {
    case 0:
      return b.unary(b.input(shape), OpKind::kRelu);
    case 1:
    case 2: {
      const int K = b.number(1, 3);
      std::vector<int> from = shape;
      from[3] = b.number(1, 12);
      return b.convolution(b.input(from), shape[3], K, K, 1, 1, 1, 1, Padding::kSame, true);
    }
    default:
      return b.input(shape);
  }
}

inline std::vector<int> random_shape(Builder& b) {
  const bool deep = b.number(0, 4) == 0;
  return {1, b.number(1, 12), b.number(1, 14), deep ? b.number(16, 90) : b.number(1, 18)};
}

/// Returns an operand with this shape, or one that is broadcast to it.
inline int random_operand(Builder& b, const std::vector<int>& shape) {
  std::vector<int> part = shape;
  for (std::size_t axis = 1; axis < 4; ++axis)
    if (b.number(0, 2) == 0) part[axis] = 1;
  if (b.number(0, 2) != 0) return random_map(b, part);
  if (part[1] == 1 && b.number(0, 1) == 0) part.erase(part.begin(), part.begin() + 2);
  return b.constant(part);
}

}  // namespace trine::fuzz
