// SPDX-License-Identifier: Apache-2.0

#include "sw/reference/layers.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
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

/// Returns the recorded exact value of an element, in codes, if there is one.
std::optional<double> exact_value(const LayerVector& layer, std::size_t element) {
  const auto tie = std::ranges::lower_bound(layer.ties, static_cast<std::int64_t>(element));
  if (!layer.exact || tie == layer.ties.end() || *tie != static_cast<std::int64_t>(element))
    return std::nullopt;
  return (*layer.exact)[static_cast<std::size_t>(tie - layer.ties.begin())];
}

/// Returns the distance of a value in codes from the middle between two codes.
double from_middle(double codes) { return std::abs(codes - std::floor(codes) - 0.5); }

/// Judges two different codes of an element.
Agreement judged(const LayerVector& layer, std::size_t element, double ours, double theirs) {
  // Scales are float32, whose rounding moves the largest code by this much.
  const double rounding = layer.value.element_bytes() == 1 ? 0x1p-17 : 0x1p-9;
  if (!layer.exact) return {.unknown = 1};
  const std::optional<double> exact = exact_value(layer, element);
  if (!exact) return {.runtime = 1};
  if (from_middle(*exact) < rounding && std::abs(ours - theirs) == 1) return {.ties = 1};
  const double code =
      std::clamp(std::nearbyint(*exact), std::min(ours, theirs), std::max(ours, theirs));
  return code == ours     ? Agreement{.ours = 1}
         : code == theirs ? Agreement{.runtime = 1}
                          : Agreement{.neither = 1};
}

/// Returns true if the real value of a recorded code is near a tie.
bool is_near_tie(const LayerVector& layer, std::size_t element) {
  const double near = layer.value.element_bytes() == 1 ? 0x1p-10 : 0x1p-7;
  const std::optional<double> exact = exact_value(layer, element);
  if (exact) return from_middle(*exact) < near;
  return std::ranges::binary_search(layer.ties, static_cast<std::int64_t>(element));
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
    if (codes == 1 && is_near_tie(layer, i)) ++row.at_ties;
    if (!of_floats && of_codes)
      row.exact.add(judged(layer, i, actual.value(places.empty() ? i : places[i]) + shift,
                           layer.value.value(i)));
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

/// A row with the order of the recorded elements.
struct OrderedRow {
  LayerRow row;
  std::vector<std::size_t> places;  ///< as in measured()
};

/// @param index  of the tensor in the graph
std::optional<OrderedRow> row_of(const model::Graph& graph, int index, const Array& actual,
                                 const LayerVector& layer) {
  const model::Tensor& tensor = graph.tensor(index);
  const bool floats = layer.value.dtype.at(0) == 'f';
  const bool like = actual.dtype == layer.value.dtype || is_shifted(actual, layer) ||
                    (floats && tensor.quantization.scale.size() == 1);  // ONNX: else no twin
  if (!like || actual.elements() != layer.value.elements()) return {};
  const double unit = unit_of(graph, index);
  LayerRow row = measured(actual, layer, tensor, {}, unit);
  // If ONNX's manifest has a name, a tensor that is an image may have either order.
  const std::size_t axes = layer.value.shape.size();
  const bool is_line = axes == 3 && tensor.rank() == 4 && tensor.extent(1) == 1;
  if (row.noise == 0 || layer.tensor != -1 || tensor.rank() != 4 || (axes != 4 && !is_line))
    return OrderedRow{std::move(row), {}};
  std::vector<std::size_t> places = turned(tensor);
  LayerRow other = measured(actual, layer, tensor, places, unit);
  if (other.noise < row.noise) return OrderedRow{std::move(other), std::move(places)};
  return OrderedRow{std::move(row), {}};
}

/// Replaces codes by the recorded ones.
void replace(const OrderedRow& row, const LayerVector& layer, Array* codes) {
  const std::size_t size = codes->element_bytes();
  const std::uint8_t shift = is_shifted(*codes, layer) ? 0x80 : 0;
  for (std::size_t i = 0; i < layer.value.bytes.size(); ++i) {
    const std::size_t element = i / size;
    const std::size_t to = row.places.empty() ? element : row.places[element];
    codes->bytes[to * size + i % size] = layer.value.bytes[i] ^ shift;
  }
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

void Agreement::add(const Agreement& other) {
  ours += other.ours;
  runtime += other.runtime;
  ties += other.ties;
  neither += other.neither;
  unknown += other.unknown;
}

std::vector<LayerRow> layer_rows(const model::Graph& graph, const Values& values,
                                 const std::vector<LayerVector>& layers) {
  const std::set<int> inputs = inputs_in_any_form(graph);
  std::vector<LayerRow> rows;
  for (const LayerVector& layer : layers) {
    const auto value = values.find(tensor_of(layer, graph));
    if (value == values.end()) continue;
    if (auto found = row_of(graph, value->first, value->second, layer)) {
      found->row.is_input = inputs.contains(value->first);
      rows.push_back(std::move(found->row));
    }
  }
  return rows;
}

SeparateLayers separate_layers(const model::Graph& graph, const std::vector<Array>& inputs,
                               const std::vector<LayerVector>& layers,
                               const RoundingPolicy& policy) {
  std::multimap<int, const LayerVector*> recorded;
  for (const LayerVector& layer : layers) recorded.emplace(tensor_of(layer, graph), &layer);
  SeparateLayers result;
  const auto compare = [&](const model::Op& op, Array& output) {
    const auto [first, last] = recorded.equal_range(op.outputs[0]);
    for (auto layer = first; layer != last; ++layer) {
      auto found = row_of(graph, op.outputs[0], output, *layer->second);
      if (!found) continue;
      if (found->row.deviation.differ > 0 && !found->row.of_floats)
        replace(*found, *layer->second, &output);
      result.rows.push_back(std::move(found->row));
    }
  };
  result.outputs = outputs_of(graph, run_graph(graph, inputs, policy, compare));
  return result;
}

LayerComparison compare_layers(const model::Graph& graph, const VectorSet& vectors,
                               const std::vector<std::size_t>& cases,
                               const RoundingPolicy& policy) {
  LayerComparison result;
  std::set<int> operators;
  for (const CaseLayers& recorded : vectors.layers) {
    if (std::ranges::find(cases, recorded.number) == cases.end()) continue;
    const VectorCase& one = vectors.cases.at(recorded.number);
    SeparateLayers found = separate_layers(graph, one.inputs, recorded.tensors, policy);
    ++result.cases;
    result.compared = 0;
    for (LayerRow& row : found.rows) {
      if (row.of_floats) continue;  // ONNX: where the graph has codes
      ++result.compared;
      result.codes += row.deviation.elements;
      if (row.deviation.differ == 0) continue;
      result.differ += row.deviation.differ;
      result.exact.add(row.exact);
      operators.insert(row.op_index);
      if (result.first) continue;
      result.first = std::move(row);
      result.first_case = recorded.number;
    }
    for (std::size_t o = 0; o < found.outputs.size(); ++o)
      result.outputs_differ +=
          deviation(found.outputs[o], one.outputs.at(o), float_output(graph, graph.outputs[o]))
              .differ;
  }
  result.operators = static_cast<int>(operators.size());
  return result;
}

}  // namespace trine::reference
