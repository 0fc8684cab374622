// SPDX-License-Identifier: Apache-2.0
//
// Elements of dense tensors in C order, by position.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace trine::model {

using Indices = std::vector<std::size_t>;

/// Elements of a shape. @return -1 for a negative extent or above 2^31
std::int64_t elements_of(const std::vector<int>& shape);

/// The same. @throws Error  above 2^31
std::size_t count_of(const std::vector<int>& shape);

/// An axis, negative ones from the end. @param rank  axes to choose from
int axis_of(std::int64_t axis, int rank);

/// Distance of neighbours along each axis.
std::vector<std::size_t> steps_of(const std::vector<int>& shape);

/// For each element of `shape`, base + sum of coordinate * step, modulo 2^64: steps may be
/// negative.
Indices walk(const std::vector<int>& shape, const std::vector<std::size_t>& steps,
             std::size_t base = 0);

/// For each element of `to`, the element of a tensor of shape `from` that broadcasts to it.
Indices broadcast(const std::vector<int>& from, const std::vector<int>& to);

}  // namespace trine::model
