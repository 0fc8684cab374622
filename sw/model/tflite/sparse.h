// SPDX-License-Identifier: Apache-2.0
//
// Expands sparse constants of TFLite. Source: the format's SparsityParameters, after the tensor
// algebra compiler's storage of levels (Kjolstad et al., OOPSLA 2017).

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trine::model {

/// A level of the storage. A dense level has all of its indices, a sparse one those in its parent's
/// segment.
struct SparseLevel {
  bool dense = true;
  int size = 0;  ///< dense: indices 0..size-1
  /// Parent p has the places segments[p] .. segments[p + 1] - 1.
  std::vector<std::int64_t> segments{};
  std::vector<std::int64_t> indices{};  ///< by place
};

/// The sparse storage of a tensor.
struct Sparsity {
  /// The dimension of each level. A number below the tensor's rank is a dimension of the tensor
  /// (counted in blocks, if it has any). The number rank + i is the dimension inside of block i,
  /// which belongs to dimension block_map[i].
  std::vector<int> order;
  std::vector<int> block_map;
  std::vector<SparseLevel> levels;
};

/// Expands the elements, of `bytes` bytes each, in C order. Elements that are not stored are zero.
/// @throws Error  text only: how the storage contradicts the shape, itself, or its values
std::vector<std::uint8_t> written_out(const Sparsity& sparsity, const std::vector<int>& shape,
                                      const std::vector<std::uint8_t>& values, std::size_t bytes);

}  // namespace trine::model
