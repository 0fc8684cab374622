// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace trine::reference {
namespace {

/// N C H W as N H W C.
Array channels_last(const Array& recorded, const model::Tensor& tensor) {
  Array result = recorded;
  const std::size_t size = recorded.element_bytes();
  const auto at = [&](int axis) { return static_cast<std::size_t>(tensor.extent(axis)); };
  std::size_t to = 0;
  for (std::size_t n = 0; n < at(0); ++n)
    for (std::size_t y = 0; y < at(1); ++y)
      for (std::size_t x = 0; x < at(2); ++x)
        for (std::size_t c = 0; c < at(3); ++c, to += size)
          std::memcpy(&result.bytes[to],
                      &recorded.bytes[(((n * at(3) + c) * at(1) + y) * at(2) + x) * size], size);
  return result;
}

/// Where ONNX's manifests have names, a tensor that is an image may lie either way.
Deviation layer_deviation(const Array& actual, const LayerVector& layer,
                          const model::Tensor& tensor) {
  const Deviation as_recorded = deviation(actual, layer.value);
  if (layer.tensor != -1 || tensor.rank() != 4 || layer.value.shape.size() != 4) return as_recorded;
  const Deviation turned = deviation(actual, channels_last(layer.value, tensor));
  return turned.differ < as_recorded.differ ? turned : as_recorded;
}

int tensor_of(const LayerVector& layer, const model::Graph& graph) {
  if (layer.tensor != -1) return layer.tensor;
  const auto found = std::ranges::find_if(
      graph.tensors, [&](const model::Tensor& t) { return t.name == layer.name; });
  return found == graph.tensors.end() ? -1 : static_cast<int>(found - graph.tensors.begin());
}

}  // namespace

void Deviation::add(const Deviation& other) {
  if (first < 0 && other.first >= 0) first = elements + other.first;
  elements += other.elements;
  differ += other.differ;
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
  const Values values = run_graph(graph, recorded->inputs, policy);
  for (const LayerVector& layer : vectors.layers) {
    const auto found = values.find(tensor_of(layer, graph));
    if (found == values.end()) continue;
    const Array& actual = found->second;
    if (actual.dtype != layer.value.dtype || actual.bytes.size() != layer.value.bytes.size())
      continue;  // ONNX: floats, where the graph has codes
    ++result.compared;
    const Deviation d = layer_deviation(actual, layer, graph.tensor(found->first));
    if (d.differ == 0) continue;
    result.first = LayerDeviation{layer.op_index, layer.op, layer.name, d};
    break;
  }
  return result;
}

bool is_right(const Array& output, const std::vector<std::int64_t>& labels) {
  const std::size_t rows = labels.size();
  const auto elements = static_cast<std::size_t>(output.elements());
  if (rows == 0 || elements == 0 || elements % rows != 0) return false;
  const std::size_t classes = elements / rows;
  for (std::size_t row = 0; row < rows; ++row) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < classes; ++c)
      if (output.value(row * classes + c) > output.value(row * classes + best)) best = c;
    const auto answer = classes == 1  // the network ends in ARG_MAX
                            ? static_cast<std::int64_t>(output.value(row))
                            : static_cast<std::int64_t>(best);
    if (answer != labels[row]) return false;
  }
  return true;
}

}  // namespace trine::reference
