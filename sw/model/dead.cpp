// SPDX-License-Identifier: Apache-2.0

#include "sw/model/dead.h"

#include <algorithm>

namespace trine::model {
namespace {

DeadWeights dead_weights(const Graph& graph, const Op& op) {
  const Tensor& filter = graph.in(op, 1);
  const std::vector<std::int64_t> codes = filter.integers();
  const bool depthwise = op.kind == OpKind::kDepthwiseConv2D;
  // [outputs, taps, inputs]; of a depthwise filter the output channels come last.
  const auto last = static_cast<std::size_t>(filter.extent(-1));
  const std::size_t outputs = depthwise ? last : static_cast<std::size_t>(filter.extent(0));
  const std::size_t of_output = codes.size() / outputs;
  std::vector<bool> writes(outputs), reads(last);
  DeadWeights found{graph.out(op).name, static_cast<std::int64_t>(codes.size())};
  for (std::size_t i = 0; i < codes.size(); ++i) {
    if (codes[i] == filter.zero_point()) {
      ++found.zeros;
      continue;
    }
    writes[depthwise ? i % last : i / of_output] = true;
    reads[i % last] = true;
  }
  found.outputs = static_cast<int>(outputs);
  found.inputs = static_cast<int>(depthwise ? 1 : last);
  found.dead_outputs = static_cast<int>(std::ranges::count(writes, false));
  if (!depthwise) found.dead_inputs = static_cast<int>(std::ranges::count(reads, false));
  return found;
}

}  // namespace

std::vector<DeadWeights> dead_weights(const Graph& graph) {
  std::vector<DeadWeights> all;
  for (const Op& op : graph.ops) {
    if (!is_product(op.kind) && op.kind != OpKind::kTransposeConv) continue;
    const Tensor& filter = graph.in(op, 1);
    if (filter.is_constant && filter.type == DataType::kInt8 && filter.elements() > 0)
      all.push_back(dead_weights(graph, op));
  }
  return all;
}

}  // namespace trine::model
