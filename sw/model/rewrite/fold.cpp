// SPDX-License-Identifier: Apache-2.0

#include "sw/model/rewrite/fold.h"

#include <algorithm>

#include "sw/model/graph/elements.h"
#include "sw/model/graph/indices.h"
#include "sw/model/graph/shapes.h"

namespace trine::model {
namespace {

constexpr std::int64_t kMostElements = 1024;                ///< of a shape or a list of positions
constexpr std::int64_t kMostValue = std::int64_t{1} << 53;  ///< limit of bytes_as()

std::vector<std::int64_t> joined(const Graph& graph, const Op& op) {
  const Tensor& out = graph.out(op);
  const int axis = axis_of(op.axis, out.rank());
  const std::vector<std::size_t> steps = steps_of(out.shape);
  std::vector<std::int64_t> values(static_cast<std::size_t>(out.elements()));
  std::size_t base = 0;
  for (const int t : op.inputs) {
    const Tensor& part = graph.tensor(t);
    const std::vector<std::int64_t> own = part.integers();
    const Indices places = walk(part.shape, steps, base);
    for (std::size_t i = 0; i < own.size(); ++i) values[places[i]] = own[i];
    base += static_cast<std::size_t>(part.extent(axis)) * steps[static_cast<std::size_t>(axis)];
  }
  return values;
}

std::vector<std::int64_t> sliced(const Graph& graph, const Op& op) {
  const std::vector<std::size_t> own = steps_of(graph.in(op, 0).shape);
  const std::vector<std::int64_t> from = graph.in(op, 0).integers();
  std::vector<int> sizes;
  std::vector<std::size_t> steps;
  std::size_t base = 0;
  for (const Slice& slice : slices(graph, op)) {
    const std::size_t step = own[sizes.size()];
    base += static_cast<std::size_t>(slice.begin) * step;
    steps.push_back(static_cast<std::size_t>(slice.stride) * step);
    sizes.push_back(static_cast<int>(slice.size));
  }
  std::vector<std::int64_t> values;
  for (const std::size_t i : walk(sizes, steps, base)) values.push_back(from.at(i));
  return values;
}

}  // namespace

bool fold_moved_integers(Graph& graph, const Op& op) {
  const DataType type = graph.out(op).type;
  const auto is_known = [&](int t) { return t < 0 || graph.tensor(t).is_constant; };
  const bool folds =
      is_reshape(op.kind) || op.kind == OpKind::kStridedSlice || op.kind == OpKind::kConcatenation;
  if (!folds || (type != DataType::kInt32 && type != DataType::kInt64) ||
      graph.out(op).elements() > kMostElements || !std::ranges::all_of(op.inputs, is_known) ||
      std::ranges::count(graph.outputs, op.outputs[0]) > 0)
    return false;
  const std::vector<std::int64_t> values = op.kind == OpKind::kConcatenation ? joined(graph, op)
                                           : op.kind == OpKind::kStridedSlice
                                               ? sliced(graph, op)
                                               : graph.in(op, 0).integers();
  const auto is_exact = [](std::int64_t v) { return v > -kMostValue && v < kMostValue; };
  if (!std::ranges::all_of(values, is_exact)) return false;
  Tensor& result = graph.tensors[static_cast<std::size_t>(op.outputs[0])];
  result.data = bytes_as(type, std::vector<double>(values.begin(), values.end()));
  result.is_constant = true;
  return true;
}

}  // namespace trine::model
