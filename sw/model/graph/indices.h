// SPDX-License-Identifier: Apache-2.0
//
// Enumerates elements of dense tensors in C order, by position.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trine::model {

using Indices = std::vector<std::size_t>;

/// Returns the number of elements of a shape.
/// @return -1 if an extent is negative or the number exceeds 2^31
std::int64_t elements_of(const std::vector<int>& shape);

/// Returns the number of elements of a shape.
/// @throws Error  if it exceeds 2^31
std::size_t count_of(const std::vector<int>& shape);

/// Returns an axis. Negative axes count from the end.
/// @param rank  number of axes
int axis_of(std::int64_t axis, int rank);

/// Returns the distance of neighbours along each axis.
std::vector<std::size_t> steps_of(const std::vector<int>& shape);

/// Returns base + sum of coordinate * step, modulo 2^64, for each element of `shape`. Steps may be
/// negative.
Indices walk(const std::vector<int>& shape, const std::vector<std::size_t>& steps,
             std::size_t base = 0);

/// Returns for each element of `to` the element of a tensor of shape `from` that broadcasts to it.
Indices broadcast(const std::vector<int>& from, const std::vector<int>& to);

}  // namespace trine::model
