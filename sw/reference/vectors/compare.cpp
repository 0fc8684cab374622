// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/vectors/compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "sw/reference/layers.h"
#include "sw/reference/rank.h"

namespace trine::reference {

namespace {

/// Floats in their order, each one unit in the last place from the next.
std::int64_t in_order(float x) {
  const auto bits = std::bit_cast<std::int32_t>(x);
  return bits >= 0 ? std::int64_t{bits} : std::int64_t{INT32_MIN} - bits;
}

/// Looks at two float32 that are not the same. @return whether they are equal all the same
bool nearly_equal(double actual, double expected, Deviation* d) {
  if (std::isnan(actual) || std::isnan(expected)) return std::isnan(actual) == std::isnan(expected);
  const std::int64_t ulps =
      std::abs(in_order(static_cast<float>(actual)) - in_order(static_cast<float>(expected)));
  d->ulps = std::max(d->ulps, static_cast<double>(ulps));
  if (expected != 0 && std::isfinite(actual) && std::isfinite(expected))
    d->relative = std::max(d->relative, std::abs(actual - expected) / std::abs(expected));
  if (ulps >= kFewUlps) return false;
  d->rounded += ulps > 0 ? 1 : 0;
  return true;
}

}  // namespace

void Deviation::add(const Deviation& other) {
  if (first < 0 && other.first >= 0) first = elements + other.first;
  elements += other.elements;
  differ += other.differ;
  rounded += other.rounded;
  ulps = std::max(ulps, other.ulps);
  relative = std::max(relative, other.relative);
  largest = std::max(largest, other.largest);
}

Deviation deviation(const Array& actual, const Array& expected, float scale) {
  Deviation result;
  result.elements = static_cast<std::int64_t>(actual.bytes.size() / actual.element_bytes());
  if (actual.bytes == expected.bytes) return result;
  const bool floats = actual.dtype.at(0) == 'f';
  const std::size_t size = actual.element_bytes();
  for (std::int64_t i = 0; i < result.elements; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (std::memcmp(&actual.bytes[at * size], &expected.bytes[at * size], size) == 0) continue;
    if (floats && size == 4 && nearly_equal(actual.value(at), expected.value(at), &result))
      continue;
    const double distance = std::abs(actual.value(at) - expected.value(at));
    double codes = distance;
    if (floats) codes = scale > 0 ? std::round(distance / static_cast<double>(scale)) : INFINITY;
    ++result.differ;
    if (result.first < 0) result.first = i;
    result.largest = std::max(result.largest, std::isnan(codes) ? INFINITY : codes);
  }
  return result;
}

float scale_of_output(const model::Graph& graph, int tensor) {
  for (const model::Op& op : graph.ops) {
    if (op.outputs.empty() || op.outputs[0] != tensor || op.inputs.empty()) continue;
    const model::Tensor& in = graph.in(op, 0);
    const bool codes = in.type == model::DataType::kInt8 || in.type == model::DataType::kUInt8;
    return codes && in.quantization.scale.size() == 1 ? in.scale() : 0;
  }
  return 0;
}

LayerComparison compare_layers(const model::Graph& graph, const VectorSet& vectors,
                               const RoundingPolicy& policy) {
  LayerComparison result;
  const auto recorded = std::ranges::find_if(
      vectors.cases, [&](const VectorCase& c) { return c.id == vectors.layers_case; });
  if (vectors.layers.empty() || recorded == vectors.cases.end()) return result;
  for (LayerRow& row : layer_rows(graph, run_graph(graph, recorded->inputs, policy), vectors)) {
    if (row.of_floats) continue;  // ONNX: where the graph has codes
    ++result.compared;
    if (row.deviation.differ > 0 && !result.first)
      result.first = LayerDeviation{row.op_index, row.op, row.name, row.deviation};
  }
  return result;
}

bool is_right(const Array& output, const std::vector<std::int64_t>& labels) {
  return rank_of(output, labels) == 0;
}

}  // namespace trine::reference
