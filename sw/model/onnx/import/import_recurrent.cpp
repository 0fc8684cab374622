// SPDX-License-Identifier: Apache-2.0
//
// Imports LSTM, GRU and RNN between quantizers.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "sw/model/onnx/import/cells.h"
#include "sw/model/onnx/import/importer.h"

namespace trine::model::onnx_file {
namespace {

constexpr int kMostSteps = 256;  ///< larger networks take minutes to plan

/// Returns `rows` rows, beginning at `first`, of weights [directions, rows, columns] of codes.
Matrix matrix_of(const Constant& c, const char* what, int first, int rows) {
  if (c.codes.empty())
    throw_error("{} are float: trine quantize makes int8 ones, which require array.activations16",
                what);
  const bool is_uint8 = c.type == DataType::kUInt8 || *std::ranges::max_element(c.codes) > 127;
  Matrix m;
  m.columns = c.shape[2];
  for (int r = first; r < first + rows; ++r)
    for (int i = 0; i < m.columns; ++i) {
      const std::size_t from = at(r) * at(m.columns) + at(i);
      const int code = c.codes[from] - c.zero_points[from];
      if (i == 0) m.scales.push_back(c.scales[from]);
      if (c.scales[from] != m.scales.back() || !std::isfinite(c.scales[from]) ||
          c.scales[from] <= 0)
        throw_error("{} with several scales in a row, allowed one above 0", what);
      if (code < -128 || code > 127)
        throw_error("{} with zero point {} do not fit int8{}", what, c.zero_points[from],
                    is_uint8 ? ", allowed int8" : "");
      m.codes.push_back(static_cast<std::int8_t>(code));
    }
  return m;
}

bool all_of(const Constant& c, double value) {
  return std::ranges::all_of(c.values, [=](double x) { return x == value; });
}

}  // namespace

/// Returns true if a tensor is only read as codes, possibly after movement.
bool Importer::ends_quantized(const std::string& tensor) const {
  static const std::set<std::string> kMoves = {"Concat",    "Flatten",  "Gather", "Identity",
                                               "Reshape",   "Slice",    "Split",  "Squeeze",
                                               "Transpose", "Unsqueeze"};
  if (std::ranges::count(file_.outputs, tensor) != 0) return false;
  return std::ranges::all_of(file_.nodes, [&](const Node& node) {
    if (std::ranges::count(node.inputs, tensor) == 0) return true;
    if (node.type == "QuantizeLinear") return true;
    return kMoves.contains(node.type) &&
           std::ranges::all_of(node.outputs, [&](const auto& out) { return ends_quantized(out); });
  });
}

/// @throws Error  if the machine's form does not support the cell; the host supports all
void Importer::require_plain_cell(int steps, int directions) const {
  const bool relu = node_->text("activations", "").starts_with("Relu");
  const std::string once = node_->type == "LSTM"  ? "Sigmoid,Tanh,Tanh"
                           : node_->type == "GRU" ? "Sigmoid,Tanh"
                           : relu                 ? "Relu"
                                                  : "Tanh";
  const std::string all = directions == 2 ? once + "," + once : once;
  if (const std::string given = node_->text("activations", all.c_str()); given != all)
    throw_error("activations {}, allowed {}", given, all);
  if (node_->attributes.contains("clip")) throw_error("clip");
  if (node_->integer("input_forget", 0) != 0) throw_error("input_forget");
  if (has(7)) throw_error("peepholes");
  if (has(4) && !all_of(constant(4), steps))
    throw_error("sequence_lens other than {}, allowed only the full length", steps);
  if (steps > kMostSteps) throw_error("{} steps, allowed at most {}", steps, kMostSteps);
}

/// Returns a power of two as the scale of the cell state: the scale of the quantizer of Y_c, or of
/// the initial state. For few steps, the number of steps bounds the state, because each step adds
/// at most 1.
float Importer::cell_scale(int steps) const {
  double most = has(6) && !in(6).constant ? reach_of(in(6)) : 0;
  for (const Node& node : file_.nodes) {
    if (node.type != "QuantizeLinear" || node_->outputs.size() < 3 || node_->outputs[2].empty() ||
        node.inputs.empty() || node.inputs[0] != node_->outputs[2])
      continue;
    const ConstantPointer& scale = value_of(node.inputs.at(1)).constant;
    const ConstantPointer zero =
        node.inputs.size() > 2 ? value_of(node.inputs[2]).constant : nullptr;
    if (!scale || scale->elements() != 1) continue;
    const bool wide = zero && zero->type == DataType::kInt16;
    const bool narrow = zero && zero->type == DataType::kInt8;
    const double codes = wide ? 32767 : narrow ? 128 + std::abs(zero->values.at(0)) : 255;
    most = std::max(most, std::abs(scale->values[0]) * codes);
  }
  if (most == 0 && steps <= 8) most = steps;
  if (!(most > 0) || !std::isfinite(most))
    throw_error(
        "Y_c needs a QuantizeLinear, which gives the cell state's scale, as trine quantize does");
  return std::ldexp(1.0f, std::ilogb(most / 32767.0 * (1 - 0x1p-20)) + 1);
}

/// Returns the largest value that the codes represent.
double Importer::reach_of(const Value& value) const {
  const Tensor& t = emit_.tensor(value.tensor);
  const double zero = static_cast<double>(t.zero_point());
  return double{t.scale()} * (emit_.is_wide(value) ? 32767 : std::max(128 + zero, 127 - zero));
}

/// Returns the initial state of a direction [directions, batch, cells] as codes, or -1 for zeros.
int Importer::initial_state(std::size_t position, int direction, float scale) {
  if (!has(position)) return -1;
  if (in(position).constant) {
    if (!all_of(*in(position).constant, 0))
      throw_error("initial states are constants other than 0, allowed only 0");
    return -1;
  }
  const Value state = plain_codes(position);
  const bool batch_first = node_->integer("layout", 0) != 0;
  const int axis = batch_first ? 1 : 0, batch = state.shape[batch_first ? 0 : 1];
  const int cells = state.shape[2];
  int tensor = state.tensor;
  if (state.shape[at(axis)] > 1)
    tensor = sliced(state, axis, direction, 1, 1, node_->inputs[position]).tensor;
  tensor = emit_.add_move(op(OpKind::kReshape, {tensor}), node_->inputs[position], {batch, cells});
  return widened(&emit_, tensor, scale, node_->index);
}

Recurrence Importer::recurrence(int direction, int x, int steps, int batch) {
  const Constant &w = constant(1), &r = constant(2);
  Recurrence all;
  all.kind = node_->type == "LSTM"  ? Recurrence::Kind::kLstm
             : node_->type == "GRU" ? Recurrence::Kind::kGru
                                    : Recurrence::Kind::kRnn;
  all.linear_before_reset = node_->integer("linear_before_reset", 0) != 0;
  all.relu = node_->text("activations", "").starts_with("Relu");
  all.backwards = direction == 1 || node_->text("direction", "forward") == "reverse";
  all.node = node_->index;
  all.steps = steps, all.batch = batch, all.cells = r.shape[2];
  all.name = node_->outputs[0].empty() ? node_->outputs.at(1) : node_->outputs[0];
  if (direction == 1) all.name += ":reverse";
  all.x = x;
  const int gates = w.shape[1] / all.cells, rows = w.shape[1];
  for (int g = 0; g < gates; ++g) {
    const int first = direction * rows + g * all.cells;
    Gate gate{matrix_of(w, "weights", first, all.cells),
              matrix_of(r, "recurrent weights", first, all.cells)};
    if (has(3)) {
      const auto bias = [&](int half) {
        const auto begin =
            constant(3).values.begin() + (2 * direction + half) * rows + g * all.cells;
        return std::vector<double>(begin, begin + all.cells);
      };
      gate.of_input.bias = bias(0), gate.of_state.bias = bias(1);
    }
    // Only the new value of a GRU that resets after the product needs separate biases.
    const bool separate = all.kind == Recurrence::Kind::kGru && all.linear_before_reset && g == 2;
    if (has(3) && !separate)
      for (std::size_t i = 0; i < gate.of_input.bias.size(); ++i)
        gate.of_input.bias[i] += std::exchange(gate.of_state.bias[i], 0);
    all.gates.push_back(std::move(gate));
  }
  return all;
}

/// Returns the scale of the largest h: from the functions' range, the initial state or, for RELU,
/// the quantizer.
float Importer::hidden_scale(bool relu) const {
  double most = has(5) && !in(5).constant ? reach_of(in(5)) : 0;
  if (relu) {
    for (const Node& node : file_.nodes)
      if (node.type == "QuantizeLinear" &&
          std::ranges::count(node_->outputs, node.inputs.at(0)) != 0)
        if (const ConstantPointer& scale = value_of(node.inputs.at(1)).constant)
          most = std::max(most, 255 * std::abs(scale->values.at(0)));
    if (most == 0) throw_error("Relu without a quantizer after it");
  } else if (most <= 1 + 0x1p-6) {  // codes of a state in -1..1
    return 0x1p-15f;
  }
  return std::ldexp(1.0f, std::ilogb(most / 32767.0 * (1 - 0x1p-20)) + 1);
}

Value Importer::recurrent() {
  const Value x = plain_codes(0);
  const Constant &w = constant(1), &r = constant(2);
  const bool batch_first = node_->integer("layout", 0) != 0;
  if (x.shape.size() != 3 || w.rank() != 3 || r.rank() != 3)
    throw_error("operands of rank {}, {} and {}, allowed 3", x.shape.size(), w.rank(), r.rank());
  const int steps = x.shape[batch_first ? 1 : 0], batch = x.shape[batch_first ? 0 : 1];
  const int inputs = x.shape[2], cells = r.shape[2], directions = w.shape[0];
  const int gates = node_->type == "LSTM" ? 4 : node_->type == "GRU" ? 3 : 1;
  const bool both = node_->text("direction", "forward") == "bidirectional";
  if (directions != (both ? 2 : 1) ||
      w.shape != std::vector<int>{directions, gates * cells, inputs} ||
      r.shape != std::vector<int>{directions, gates * cells, cells} ||
      (has(3) && constant(3).elements() != at(2 * directions * gates * cells)))
    throw_error("weights do not fit {} inputs, {} cells, {} directions", inputs, cells, directions);
  require_plain_cell(steps, directions);
  for (const std::string& output : node_->outputs)
    if (is_read(file_, output) && !ends_quantized(output))
      throw_error("output '{}' has no quantizer after it", output);

  int rows = x.tensor;
  if (batch_first && batch > 1)
    rows = emit_.add_move(op(OpKind::kTranspose, {rows, emit_.add_integers({1, 0, 2})}), out(),
                          {steps, batch, inputs});
  rows = emit_.add_move(op(OpKind::kReshape, {rows}), node_->inputs[0], {steps * batch, inputs});
  std::vector<Sequence> all;
  for (int d = 0; d < directions; ++d) {
    Recurrence one = recurrence(d, rows, steps, batch);
    one.hidden_scale = hidden_scale(one.relu);
    if (one.kind == Recurrence::Kind::kLstm) one.state_scale = cell_scale(steps);
    one.h = initial_state(5, d, one.hidden_scale);
    if (one.kind == Recurrence::Kind::kLstm) one.c = initial_state(6, d, one.state_scale);
    all.push_back(add_steps(&emit_, one));
  }
  const auto output = [&](std::size_t position, int Sequence::*which, int length) {
    if (!reads_output(position)) return;
    std::vector<int> parts;
    for (const Sequence& s : all) parts.push_back(s.*which);
    values_[node_->outputs[position]] = by_direction(parts, length, batch, position);
  };
  output(0, &Sequence::rows, steps);
  output(1, &Sequence::h, 0);
  if (gates == 4) output(2, &Sequence::c, 0);
  return values_[out()];
}

/// Returns rows [length * batch, cells] of each direction in ONNX's order. @param length  0: no
/// axis
Value Importer::by_direction(const std::vector<int>& parts, int length, int batch,
                             std::size_t position) {
  const std::string& name = node_->outputs[position];
  const bool batch_first = node_->integer("layout", 0) != 0;
  const int D = static_cast<int>(parts.size()), T = std::max(length, 1);
  const int H = emit_.tensor(parts[0]).extent(-1);
  Value rows;
  rows.tensor = parts[0];
  if (D > 1) {
    Op join = op(OpKind::kConcatenation, parts);
    join.axis = 1;
    rows.tensor = emit_.add_move(std::move(join), name, {T * batch, D * H});
  }
  rows.shape = emit_.tensor(rows.tensor).shape;
  rows.channel_axis = 1;
  // Reorders [T, B, D, H] when there are int8 codes.
  std::vector<std::int32_t> order = batch_first ? std::vector{1, 0, 2, 3} : std::vector{0, 2, 1, 3};
  const std::vector<int> lie = {T, batch, D, H};
  std::vector<int> shape;
  for (const std::int32_t axis : order) shape.push_back(lie[at(axis)]);
  if (length == 0) shape.erase(shape.begin() + (batch_first ? 1 : 0));
  const bool moves = batch_first ? T > 1 && batch > 1 : D > 1 && batch > 1;
  return later(std::move(rows), shape, [this, lie, order, shape, moves, name](Value codes) {
    Value value = std::move(codes);
    if (moves) {
      value = reshaped_to(std::move(value), lie);
      value = transposed(std::move(value), order);
    }
    return reshaped_to(std::move(value), shape);
  });
}

}  // namespace trine::model::onnx_file
