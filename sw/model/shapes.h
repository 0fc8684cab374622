// SPDX-License-Identifier: Apache-2.0
//
// What an operator's constant operands say about shapes, decoded once for check(), reference and
// compiler. The decoders expect operators that check() accepts.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "sw/model/graph.h"

namespace trine::model {

/// Shape of an elementwise operator's output: aligned at the end, extents equal or 1; else nothing.
std::optional<std::vector<int>> broadcast_shape(const std::vector<int>& a,
                                                const std::vector<int>& b);

/// MEAN, SUM, REDUCE_MAX: for each axis of the input, whether it is summed away.
/// @return nothing if an axis is outside of the input's rank
std::optional<std::vector<bool>> reduced_axes(const Graph& graph, const Op& op);

/// ARG_MAX: the axis that it searches, the last one where no operand says.
/// @return nothing if it is outside of the input's rank
std::optional<int> searched_axis(const Graph& graph, const Op& op);

/// PAD, PADV2, MIRROR_PAD: elements added before and after, for each axis.
std::vector<std::pair<std::int64_t, std::int64_t>> paddings(const Graph& graph, const Op& op);

/// MIRROR_PAD: for each axis, the input's index of each index of the output.
std::vector<std::vector<int>> mirrored(const Graph& graph, const Op& op);

/// TRANSPOSE: input axis of each output axis. @return nothing if it is no permutation
std::optional<std::vector<int>> permutation(const Graph& graph, const Op& op);

/// STRIDED_SLICE on one axis: input index = begin + stride * i, 0 <= i < size.
struct Slice {
  std::int64_t begin = 0, stride = 1, size = 0;
  bool dropped = false;  ///< shrink_axis_mask: the axis (of size 1) is not in the output
};
std::vector<Slice> slices(const Graph& graph, const Op& op);

/// A slice from `begin` to before `end`, from the axis' end where they are negative; what lies
/// outside the axis is left out. @pre stride is not 0
Slice slice_of(std::int64_t begin, std::int64_t end, std::int64_t stride, std::int64_t extent);

}  // namespace trine::model
