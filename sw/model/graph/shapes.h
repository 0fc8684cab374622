// SPDX-License-Identifier: Apache-2.0
//
// Decodes what an operator's constant operands specify about shapes, for check(), reference and
// compiler. The decoders require operators that check() accepts.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Returns the shape of an elementwise operator's output: shapes are aligned at the end, and
/// extents must be equal or 1. Returns nothing for other shapes.
std::optional<std::vector<int>> broadcast_shape(const std::vector<int>& a,
                                                const std::vector<int>& b);

/// Returns for each axis of the input of MEAN, SUM or REDUCE_MAX whether it is reduced.
/// @return nothing if an axis is outside of the input's rank
std::optional<std::vector<bool>> reduced_axes(const Graph& graph, const Op& op);

/// Returns the axis that ARG_MAX searches: the last axis if no operand names one.
/// @return nothing if it is outside of the input's rank
std::optional<int> searched_axis(const Graph& graph, const Op& op);

/// Returns for each axis the elements that PAD, PADV2 or MIRROR_PAD adds before and after.
std::vector<std::pair<std::int64_t, std::int64_t>> paddings(const Graph& graph, const Op& op);

/// Returns for each axis of a MIRROR_PAD the input index of each output index.
std::vector<std::vector<int>> mirrored(const Graph& graph, const Op& op);

/// Returns the input axis of each output axis of a TRANSPOSE.
/// @return nothing if they are not a permutation
std::optional<std::vector<int>> permutation(const Graph& graph, const Op& op);

/// The elements of a STRIDED_SLICE along one axis: input index = begin + stride * i, 0 <= i < size.
struct Slice {
  std::int64_t begin = 0, stride = 1, size = 0;
  bool dropped = false;  ///< shrink_axis_mask: the axis (of size 1) is not in the output
};
/// Returns the slice of each axis.
std::vector<Slice> slices(const Graph& graph, const Op& op);

/// Returns the slice from `begin` up to but not including `end`. Negative values count from the end
/// of the axis, and elements outside of the axis are left out.
/// @pre stride is not 0
Slice slice_of(std::int64_t begin, std::int64_t end, std::int64_t stride, std::int64_t extent);

}  // namespace trine::model
