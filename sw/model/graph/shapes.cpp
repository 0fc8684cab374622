// SPDX-License-Identifier: Apache-2.0

#include "sw/model/graph/shapes.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace trine::model {
namespace {

/// Returns the axis counted from the first one, or nothing if it does not exist.
std::optional<int> axis_in(const Tensor& tensor, std::int64_t axis) {
  if (axis < -tensor.rank() || axis >= tensor.rank()) return std::nullopt;
  return static_cast<int>(axis < 0 ? axis + tensor.rank() : axis);
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
  std::vector<bool> reduced(graph.in(op, 0).shape.size());
  for (const std::int64_t given : graph.in(op, 1).integers()) {
    const auto axis = axis_in(graph.in(op, 0), given);
    if (!axis) return std::nullopt;
    reduced[*axis] = true;
  }
  return reduced;
}

std::optional<int> searched_axis(const Graph& graph, const Op& op) {
  return axis_in(graph.in(op, 0), op.input(1) < 0 ? -1 : graph.in(op, 1).integers().at(0));
}

std::vector<std::pair<std::int64_t, std::int64_t>> paddings(const Graph& graph, const Op& op) {
  const std::vector<std::int64_t> flat = graph.in(op, 1).integers();
  std::vector<std::pair<std::int64_t, std::int64_t>> result;
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) result.emplace_back(flat[i], flat[i + 1]);
  return result;
}

std::vector<std::vector<int>> mirrored(const Graph& graph, const Op& op) {
  const auto sides = paddings(graph, op);
  const int edge = op.symmetric ? 1 : 0;
  std::vector<std::vector<int>> result(sides.size());
  for (std::size_t axis = 0; axis < sides.size(); ++axis) {
    const int extent = graph.in(op, 0).shape[axis];
    const int before = static_cast<int>(sides[axis].first);
    const int after = static_cast<int>(sides[axis].second);
    for (int i = -before; i < extent + after; ++i)
      result[axis].push_back(i < 0 ? -i - edge : i < extent ? i : 2 * (extent - 1) + edge - i);
  }
  return result;
}

std::optional<std::vector<int>> permutation(const Graph& graph, const Op& op) {
  std::vector<int> axes, all(graph.in(op, 0).shape.size());
  for (const std::int64_t given : graph.in(op, 1).integers())
    axes.push_back(axis_in(graph.in(op, 0), given).value_or(-1));
  std::iota(all.begin(), all.end(), 0);
  if (!std::ranges::is_permutation(axes, all)) return std::nullopt;
  return axes;
}

Slice slice_of(std::int64_t begin, std::int64_t end, std::int64_t stride, std::int64_t extent) {
  const bool backward = stride < 0;
  const auto bound = [&](std::int64_t x) {
    if (x < 0) x += extent;
    return backward ? std::clamp<std::int64_t>(x, -1, extent - 1)
                    : std::clamp<std::int64_t>(x, 0, extent);
  };
  const std::int64_t first = bound(begin), last = bound(end);
  const std::int64_t distance = backward ? first - last : last - first;
  return {first, stride, distance > 0 ? (distance - 1) / std::abs(stride) + 1 : 0, false};
}

std::vector<Slice> slices(const Graph& graph, const Op& op) {
  constexpr std::int64_t kFar = std::int64_t{1} << 62;
  const std::vector<int>& shape = graph.in(op, 0).shape;
  const auto begins = graph.in(op, 1).integers();
  const auto ends = graph.in(op, 2).integers();
  const auto strides = graph.in(op, 3).integers();
  std::vector<Slice> result;
  for (std::size_t i = 0; i < begins.size(); ++i) {
    const auto masked = [i](int mask) { return (mask >> i & 1) != 0; };
    const std::int64_t behind = strides[i] < 0 ? -kFar : kFar;
    Slice slice = slice_of(masked(op.begin_mask) ? -behind : begins[i],
                           masked(op.end_mask) ? behind : ends[i], strides[i], shape[i]);
    if (masked(op.shrink_axis_mask))
      slice = {slice.begin, 1, slice.begin >= 0 && slice.begin < shape[i] ? 1 : 0, true};
    result.push_back(slice);
  }
  return result;
}

}  // namespace trine::model
