// SPDX-License-Identifier: Apache-2.0
//
// Sparse constants of TFLite, written out. Source: the format's SparsityParameters, after the
// tensor algebra compiler's storage of levels (Kjolstad et al., OOPSLA 2017).

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trine::model {

/// A level of the storage: all of its indices, or those between two segments of its parent's.
struct SparseLevel {
  bool dense = true;
  int size = 0;                          ///< dense: indices 0..size-1
  std::vector<std::int64_t> segments{};  ///< of parent p: places segments[p] .. segments[p + 1] - 1
  std::vector<std::int64_t> indices{};   ///< by place
};

struct Sparsity {
  /// By level the dimension: below the tensor's rank one of its own, of blocks where it has them;
  /// from there on that inside of block i, of dimension block_map[i].
  std::vector<int> order;
  std::vector<int> block_map;
  std::vector<SparseLevel> levels;
};

/// Elements of `bytes` bytes in C order, zero where the storage has none.
/// @throws Error  text only: what of the storage contradicts the shape, itself, or its values
std::vector<std::uint8_t> written_out(const Sparsity& sparsity, const std::vector<int>& shape,
                                      const std::vector<std::uint8_t>& values, std::size_t bytes);

}  // namespace trine::model
