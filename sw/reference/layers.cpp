// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/layers.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <set>

namespace trine::reference {
namespace {

int tensor_of(const LayerVector& layer, const model::Graph& graph) {
  if (layer.tensor != -1) return layer.tensor;
  const auto found = std::find_if(graph.tensors.begin(), graph.tensors.end(),
                                  [&](const model::Tensor& t) { return t.name == layer.name; });
  return found == graph.tensors.end() ? -1 : static_cast<int>(found - graph.tensors.begin());
}

/// Returns true for uint8 codes that ONNX's importer keeps as int8 codes, lower by 128.
bool is_shifted(const Array& actual, const LayerVector& layer) {
  return layer.tensor == -1 && actual.dtype == "i1" && layer.value.dtype == "u1";
}

/// Returns, for each element of an N C H W or N C W array, its index in an N H W C array.
std::vector<std::size_t> turned(const model::Tensor& tensor) {
  const auto at = [&](int axis) { return static_cast<std::size_t>(tensor.extent(axis)); };
  std::vector<std::size_t> places;
  for (std::size_t n = 0; n < at(0); ++n)
    for (std::size_t c = 0; c < at(3); ++c)
      for (std::size_t y = 0; y < at(1); ++y)
        for (std::size_t x = 0; x < at(2); ++x)
          places.push_back(((n * at(1) + y) * at(2) + x) * at(3) + c);
  return places;
}

/// Compares the real values of `actual` with the recorded ones, element by element in the recorded
/// order.
/// @param places  indices of the recorded elements in `actual`; empty: the same
/// @param unit  the value of a code; 0: none, so that any difference counts as infinitely many
/// codes
LayerRow measured(const Array& actual, const LayerVector& layer, const model::Tensor& tensor,
                  const std::vector<std::size_t>& places, double unit) {
  const bool of_floats = layer.value.dtype.at(0) == 'f', of_codes = actual.dtype.at(0) != 'f';
  LayerRow row;
  row.op_index = layer.op_index;
  row.op = layer.op;
  row.name = layer.name;
  row.shape = layer.value.shape;
  row.of_floats = of_floats && of_codes;
  const auto real = [&](double value, bool is_float) {
    return is_float ? value : (value - tensor.zero_point()) * unit;
  };
  const double shift = is_shifted(actual, layer) ? 128 : 0;
  Deviation& d = row.deviation;
  d.elements = actual.elements();
  for (std::size_t i = 0; i < static_cast<std::size_t>(d.elements); ++i) {
    const double wanted = real(layer.value.value(i) - shift, of_floats);
    const double error = real(actual.value(places.empty() ? i : places[i]), !of_codes) - wanted;
    row.signal += wanted * wanted;
    row.noise += error * error;
    if (error == 0) continue;
    // Less than half a code is the rounding to codes and not a difference.
    const double codes = unit > 0 ? std::floor(std::abs(error) / unit + 0.5) : INFINITY;
    if (codes == 0) continue;
    ++d.differ;
    if (d.first < 0) d.first = static_cast<std::int64_t>(i);
    d.largest = std::max(d.largest, std::isnan(codes) ? INFINITY : codes);
    if (codes == 1 && std::ranges::binary_search(layer.ties, static_cast<std::int64_t>(i)))
      ++row.at_ties;
  }
  return row;
}

/// Returns the value of a code of the tensor, or 1 for codes without a scale.
double unit_of(const model::Graph& graph, int index) {
  const model::Tensor& tensor = graph.tensor(index);
  if (tensor.type == model::DataType::kFloat32)
    return static_cast<double>(float_output(graph, index).scale);
  return tensor.scale() > 0 ? static_cast<double>(tensor.scale()) : 1;
}

std::optional<LayerRow> row_of(const model::Graph& graph, const Values& values,
                               const LayerVector& layer) {
  const auto found = values.find(tensor_of(layer, graph));
  if (found == values.end()) return {};
  const Array& actual = found->second;
  const model::Tensor& tensor = graph.tensor(found->first);
  const bool floats = layer.value.dtype.at(0) == 'f';
  const bool like = actual.dtype == layer.value.dtype || is_shifted(actual, layer) ||
                    (floats && tensor.quantization.scale.size() == 1);  // ONNX: else no twin
  if (!like || actual.elements() != layer.value.elements()) return {};
  const double unit = unit_of(graph, found->first);
  LayerRow row = measured(actual, layer, tensor, {}, unit);
  // If ONNX's manifest has a name, a tensor that is an image may have either order.
  const std::size_t axes = layer.value.shape.size();
  const bool is_line = axes == 3 && tensor.rank() == 4 && tensor.extent(1) == 1;
  if (row.noise == 0 || layer.tensor != -1 || tensor.rank() != 4 || (axes != 4 && !is_line))
    return row;
  LayerRow other = measured(actual, layer, tensor, turned(tensor), unit);
  return other.noise < row.noise ? other : row;
}

/// Returns the inputs of the graph, and what its first operators make of them without arithmetic:
/// their codes, in another order or shape.
std::set<int> inputs_in_any_form(const model::Graph& graph) {
  using model::OpKind;
  std::set<int> found(graph.inputs.begin(), graph.inputs.end());
  for (const model::Op& op : graph.ops) {
    const bool same = op.kind == OpKind::kQuantize || op.kind == OpKind::kReshape ||
                      op.kind == OpKind::kTranspose;
    if (same && found.contains(op.inputs.front())) found.insert(op.outputs.front());
  }
  return found;
}

}  // namespace

double LayerRow::snr_db() const {
  if (noise == 0) return INFINITY;
  return signal == 0 ? -INFINITY : 10 * std::log10(signal / noise);
}

std::vector<LayerRow> layer_rows(const model::Graph& graph, const Values& values,
                                 const VectorSet& vectors) {
  const std::set<int> inputs = inputs_in_any_form(graph);
  std::vector<LayerRow> rows;
  for (const LayerVector& layer : vectors.layers)
    if (auto row = row_of(graph, values, layer)) {
      row->is_input = inputs.contains(tensor_of(layer, graph));
      rows.push_back(std::move(*row));
    }
  return rows;
}

}  // namespace trine::reference
