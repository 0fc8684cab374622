// SPDX-License-Identifier: Apache-2.0

#include "sw/model/graph/dead.h"

#include <algorithm>
#include <numeric>
#include <span>

#include "sw/base/index.h"

namespace trine::model {

namespace {

/// @param codes  [outputs][taps][inputs]; for a depthwise filter the output channels are last. Zero
/// points are truncated to the codes' type.
template <typename Code>
DeadWeights dead_weights(const Graph& graph, const Op& op, std::span<const Code> codes) {
  const Tensor& filter = graph.in(op, 1);
  const bool depthwise = op.kind == OpKind::kDepthwiseConv2D;
  const int last = filter.extent(-1), outputs = depthwise ? last : filter.extent(0);
  const int rows = static_cast<int>(filter.elements() / last);
  const auto zero_of = [&](int m) { return static_cast<Code>(filter.zero_point(m)); };
  DeadWeights found{graph.out(op).name, filter.elements()};
  std::vector<char> writes(at(outputs)), reads(at(last));
  std::vector<Code> zeros(at(last));  // of a row
  for (int i = 0; i < last; ++i) zeros[at(i)] = zero_of(i);
  for (int row = 0; row < rows; ++row, codes = codes.subspan(zeros.size())) {
    const int output = row / std::max(rows / outputs, 1);
    if (!depthwise) std::ranges::fill(zeros, zero_of(output));
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

/// Returns true if dead_weights() would find a channel, without reading most weights.
template <typename Code>
bool has_dead(const Graph& graph, const Op& op, std::span<const Code> codes) {
  const Tensor& filter = graph.in(op, 1);
  const bool depthwise = op.kind == OpKind::kDepthwiseConv2D;
  const int last = filter.extent(-1), outputs = depthwise ? last : filter.extent(0);
  const int rows = static_cast<int>(filter.elements() / last), taps = std::max(rows / outputs, 1);
  std::vector<int> unread(at(last));
  std::iota(unread.begin(), unread.end(), 0);
  bool written = false;
  for (int row = 0; row < rows; ++row, codes = codes.subspan(at(last))) {
    const int output = row / taps;
    const auto is_zero = [&](int i) {
      return codes[at(i)] == static_cast<Code>(filter.zero_point(depthwise ? i : output));
    };
    std::erase_if(unread, [&](int i) { return !is_zero(i); });
    if (depthwise) continue;
    for (int i = 0; !written && i < last; ++i) written = !is_zero(i);
    if ((row + 1) % taps != 0) continue;
    if (!written) return true;
    written = false;
  }
  return !unread.empty();
}

/// @return f of the constant weights, or nothing if there are no constant integer weights
template <typename F>
auto of_weights(const Graph& graph, const Op& op, F f)
    -> std::optional<decltype(f(std::span<const std::uint8_t>()))> {
  if (!is_product(op.kind) && op.kind != OpKind::kTransposeConv) return std::nullopt;
  const Tensor& filter = graph.in(op, 1);
  if (!filter.is_constant || filter.type == DataType::kFloat32 || filter.elements() == 0)
    return std::nullopt;
  if (bytes_of(filter.type) == 1) return f(std::span<const std::uint8_t>(filter.data));
  const std::vector<std::int64_t> codes = filter.integers();
  return f(std::span<const std::int64_t>(codes));
}

}  // namespace

bool has_dead_channels(const Graph& graph, const Op& op) {
  return of_weights(graph, op, [&](auto codes) { return has_dead(graph, op, codes); })
      .value_or(false);
}

std::vector<DeadWeights> dead_weights(const Graph& graph) {
  std::vector<DeadWeights> all;
  for (const Op& op : graph.ops)
    if (auto found =
            of_weights(graph, op, [&](auto codes) { return dead_weights(graph, op, codes); }))
      all.push_back(std::move(*found));
  return all;
}

}  // namespace trine::model
