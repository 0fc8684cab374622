// SPDX-License-Identifier: Apache-2.0

#include "sw/model/shapes.h"

#include <algorithm>

namespace trine::model {
namespace {

/// One bound of a slice: negative counts from the end, then limited to where a walk may begin or
/// end.
std::int64_t bound(std::int64_t value, std::int64_t extent, bool backward) {
  if (value < 0) value += extent;
  return backward ? std::clamp<std::int64_t>(value, -1, extent - 1)
                  : std::clamp<std::int64_t>(value, 0, extent);
}

}  // namespace

std::optional<std::vector<int>> broadcast_shape(const std::vector<int>& a,
                                                const std::vector<int>& b) {
  std::vector<int> result(std::max(a.size(), b.size()));
  for (std::size_t i = 1; i <= result.size(); ++i) {
    const int m = i <= a.size() ? a[a.size() - i] : 1;
    const int n = i <= b.size() ? b[b.size() - i] : 1;
    if (m != n && m != 1 && n != 1) return std::nullopt;
    result[result.size() - i] = m == 1 ? n : m;
  }
  return result;
}

std::optional<std::vector<bool>> reduced_axes(const Graph& graph, const Op& op) {
  const int rank = graph.in(op, 0).rank();
  std::vector<bool> reduced(static_cast<std::size_t>(rank));
  for (const std::int64_t axis : graph.in(op, 1).integers()) {
    if (axis < -rank || axis >= rank) return std::nullopt;
    reduced[axis < 0 ? axis + rank : axis] = true;
  }
  return reduced;
}

std::optional<int> searched_axis(const Graph& graph, const Op& op) {
  const int rank = graph.in(op, 0).rank();
  const std::int64_t axis = op.input(1) < 0 ? -1 : graph.in(op, 1).integers().at(0);
  if (axis < -rank || axis >= rank) return std::nullopt;
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

std::vector<std::pair<std::int64_t, std::int64_t>> paddings(const Graph& graph, const Op& op) {
  const std::vector<std::int64_t> flat = graph.in(op, 1).integers();
  std::vector<std::pair<std::int64_t, std::int64_t>> result;
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) result.emplace_back(flat[i], flat[i + 1]);
  return result;
}

std::vector<std::vector<int>> mirrored(const Graph& graph, const Op& op) {
  const auto sides = paddings(graph, op);
  const int apart = op.symmetric ? 1 : 0;
  std::vector<std::vector<int>> result(sides.size());
  for (std::size_t axis = 0; axis < sides.size(); ++axis) {
    const int extent = graph.in(op, 0).shape[axis];
    const int before = static_cast<int>(sides[axis].first);
    const int after = static_cast<int>(sides[axis].second);
    for (int i = -before; i < extent + after; ++i)
      result[axis].push_back(i < 0 ? -i - apart : i < extent ? i : 2 * (extent - 1) + apart - i);
  }
  return result;
}

std::optional<std::vector<int>> permutation(const Graph& graph, const Op& op) {
  const int rank = graph.in(op, 0).rank();
  std::vector<int> axes;
  for (const std::int64_t axis : graph.in(op, 1).integers()) {
    if (axis < -rank || axis >= rank) return std::nullopt;
    axes.push_back(static_cast<int>(axis < 0 ? axis + rank : axis));
  }
  std::vector<int> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  for (int i = 0; i < rank; ++i)
    if (sorted.size() != axes.size() || i >= static_cast<int>(sorted.size()) || sorted[i] != i)
      return std::nullopt;
  return axes;
}

std::vector<Slice> slices(const Graph& graph, const Op& op) {
  const Tensor& input = graph.in(op, 0);
  const auto begins = graph.in(op, 1).integers();
  const auto ends = graph.in(op, 2).integers();
  const auto strides = graph.in(op, 3).integers();
  std::vector<Slice> result(begins.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::int64_t extent = input.shape[i];
    const bool backward = strides[i] < 0;
    const auto masked = [i](int mask) { return (mask >> i & 1) != 0; };
    Slice& slice = result[i];
    slice.stride = strides[i];
    slice.dropped = masked(op.shrink_axis_mask);
    slice.begin =
        masked(op.begin_mask) ? (backward ? extent - 1 : 0) : bound(begins[i], extent, backward);
    if (slice.dropped) {
      slice.stride = 1;
      slice.size = slice.begin >= 0 && slice.begin < extent ? 1 : 0;
      continue;
    }
    const std::int64_t end =
        masked(op.end_mask) ? (backward ? -1 : extent) : bound(ends[i], extent, backward);
    const std::int64_t distance = backward ? slice.begin - end : end - slice.begin;
    const std::int64_t step = backward ? -slice.stride : slice.stride;
    slice.size = distance > 0 ? (distance - 1) / step + 1 : 0;
  }
  return result;
}

}  // namespace trine::model
