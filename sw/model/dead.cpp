// SPDX-License-Identifier: Apache-2.0

#include "sw/model/dead.h"

#include <algorithm>

#include "base/index.h"

namespace trine::model {

std::optional<DeadWeights> dead_weights(const Graph& graph, const Op& op) {
  if (!is_product(op.kind) && op.kind != OpKind::kTransposeConv) return std::nullopt;
  const Tensor& filter = graph.in(op, 1);
  if (!filter.is_constant || filter.type != DataType::kInt8 || filter.elements() == 0)
    return std::nullopt;
  const bool depthwise = op.kind == OpKind::kDepthwiseConv2D;
  // [outputs, taps, inputs]; of a depthwise filter the output channels come last.
  const int last = filter.extent(-1), outputs = depthwise ? last : filter.extent(0);
  const int rows = static_cast<int>(filter.elements() / last);
  DeadWeights found{graph.out(op).name, filter.elements()};
  std::vector<char> writes(at(outputs)), reads(at(last));
  std::vector<std::uint8_t> zeros(at(last));  // of a row
  for (int i = 0; i < last; ++i) zeros[at(i)] = static_cast<std::uint8_t>(filter.zero_point(i));
  for (int row = 0; row < rows; ++row) {
    const int output = row / std::max(rows / outputs, 1);
    if (!depthwise) std::ranges::fill(zeros, static_cast<std::uint8_t>(filter.zero_point(output)));
    const std::uint8_t* codes = &filter.data[at(row) * at(last)];
    int used = 0;
    for (std::size_t i = 0; i < zeros.size(); ++i) {
      const bool some = codes[i] != zeros[i];
      reads[i] |= static_cast<char>(some);
      used += some;
    }
    found.zeros += last - used;
    if (!depthwise && used > 0) writes[at(output)] = true;
  }
  found.outputs = outputs;
  found.inputs = depthwise ? 1 : last;
  found.dead_outputs = static_cast<int>(std::ranges::count(depthwise ? reads : writes, 0));
  if (!depthwise) found.dead_inputs = static_cast<int>(std::ranges::count(reads, 0));
  return found;
}

std::vector<DeadWeights> dead_weights(const Graph& graph) {
  std::vector<DeadWeights> all;
  for (const Op& op : graph.ops)
    if (const auto found = dead_weights(graph, op)) all.push_back(*found);
  return all;
}

}  // namespace trine::model
