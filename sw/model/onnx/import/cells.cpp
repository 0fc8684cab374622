// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx/import/cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "sw/base/error.h"
#include "sw/base/index.h"

namespace trine::model::onnx_file {
namespace {

using Cell = Recurrence::Kind;

constexpr float kOfGate = 0x1p-12f, kOfFunction = 0x1p-15f;

/// Weights and bias as operands, and the scale of the result.
struct Operands {
  int weights = -1, bias = -1;
  float scale = kOfGate;
};

/// The largest magnitude of an operand, and the usual one if terms have both signs.
struct Reach {
  double most = 0, usual = 0;
};

/// Returns a scale with which all sums should fit: Q3.12, or a larger one for larger weights. Sums
/// that exceed it saturate.
float scale_of_sums(const Matrix& m, Reach x) {
  double reach = 0;
  for (std::size_t row = 0; row < m.scales.size(); ++row) {
    double all = 0, squares = 0;
    for (int i = 0; i < m.columns; ++i) {
      const double w = double{m.scales[row]} * m.codes[row * at(m.columns) + at(i)];
      all += std::abs(w);
      squares += w * w;
    }
    const double bias = m.bias.empty() ? 0 : std::abs(m.bias[row]);
    reach = std::max(reach, bias + std::min(all * x.most, std::sqrt(squares) * x.usual));
  }
  return std::max(kOfGate, static_cast<float>(reach / 32767));
}

class Steps {
 public:
  Steps(Emitter* emitter, const Recurrence& r) : emit_(*emitter), r_(r) {}

  Sequence run() {
    name_ = r_.name;
    x_ = widened(&emit_, r_.x, 0, r_.node);
    for (const Gate& gate : r_.gates) {
      // Both use one scale, because the function's sum has both as taps.
      const float scale =
          std::max(scale_of_sums(gate.of_input, of_x()), scale_of_sums(gate.of_state, of_h()));
      of_inputs_.push_back(multiplied(x_, operands(gate.of_input, emit_.tensor(x_), scale)));
      of_states_.push_back(operands(gate.of_state, hidden(), scale));
    }
    if (r_.kind == Cell::kGru)
      minus_one_ = emit_.add_constant(name_ + ":-1", DataType::kInt16, {r_.batch, r_.cells},
                                      std::vector<std::int16_t>(at(r_.batch * r_.cells), INT16_MIN),
                                      {{kOfFunction}, {0}});
    Sequence result{-1, r_.h, r_.c};
    std::vector<int> rows(at(r_.steps));
    for (int i = 0; i < r_.steps; ++i) {
      const int t = r_.backwards ? r_.steps - 1 - i : i;
      name_ = fmt::format("{}/{}", r_.name, t);
      h_ = result.h, c_ = result.c;
      step(t);
      rows[at(t)] = result.h = h_;
      result.c = c_;
    }
    name_ = r_.name;
    result.rows = joined(rows);
    return result;
  }

 private:
  void step(int t) {
    inputs_.clear();
    for (const int rows : of_inputs_) inputs_.push_back(row(rows, t));
    if (r_.kind == Cell::kLstm) return lstm();
    if (r_.kind == Cell::kGru) return gru();
    const int sum = gate(0, h_ < 0 ? -1 : of_state(0));
    h_ = r_.relu ? made(OpKind::kRelu, {sum}, r_.hidden_scale) : function(OpKind::kTanh, sum);
  }

  /// Emits all products first, so that the vector unit computes gates while the array computes
  /// other products.
  void lstm() {
    constexpr int kInput = 0, kOutput = 1, kForget = 2, kCell = 3;
    int sums[4];
    for (const int g : {kInput, kCell, kForget, kOutput}) sums[g] = h_ < 0 ? -1 : of_state(g);
    const int input = function(OpKind::kLogistic, gate(kInput, sums[kInput]));
    const int cell = function(OpKind::kTanh, gate(kCell, sums[kCell]));
    const int added = made(OpKind::kMul, {input, cell}, r_.state_scale);
    if (c_ < 0) {
      c_ = added;
    } else {
      const int forget = function(OpKind::kLogistic, gate(kForget, sums[kForget]));
      const int kept = made(OpKind::kMul, {forget, c_}, r_.state_scale);
      c_ = made(OpKind::kAdd, {kept, added}, r_.state_scale);
    }
    const int state = function(OpKind::kTanh, c_);
    const int output = function(OpKind::kLogistic, gate(kOutput, sums[kOutput]));
    h_ = last(OpKind::kMul, state, output);
  }

  /// Emits all that only needs the update gate before the last product, so that the vector unit
  /// computes it meanwhile.
  void gru() {
    constexpr int kUpdate = 0, kReset = 1, kNew = 2;
    const bool behind = r_.linear_before_reset, begun = h_ >= 0;
    const int reset_sum = begun ? of_state(kReset) : -1;
    const int update_sum = begun ? of_state(kUpdate) : -1;
    int new_sum = !behind ? -1 : begun ? of_state(kNew) : bias_alone(kNew);
    int reset = -1, kept = -1, less = -1;
    if (begun || new_sum >= 0) reset = function(OpKind::kLogistic, gate(kReset, reset_sum));
    if (begun && !behind)
      new_sum = multiplied(made(OpKind::kMul, {reset, h_}, r_.hidden_scale), of_states_[at(kNew)]);
    const int update = function(OpKind::kLogistic, gate(kUpdate, update_sum));
    if (begun) {
      kept = made(OpKind::kMul, {update, h_}, r_.hidden_scale);
      less = made(OpKind::kAdd, {update, minus_one_}, kOfFunction);
    }
    if (behind && new_sum >= 0)
      new_sum = made(OpKind::kMul, {reset, new_sum}, emit_.tensor(new_sum).scale());
    const int fresh = function(OpKind::kTanh, gate(kNew, new_sum));
    const int changed = made(OpKind::kMul, {begun ? less : update, fresh}, r_.hidden_scale);
    h_ = last(OpKind::kSub, begun ? kept : fresh, changed);
  }

  /// @param of_state  -1: no product
  int gate(int g, int of_state) {
    const int of_input = inputs_[at(g)];
    if (of_state < 0) return of_input;
    return made(OpKind::kAdd, {of_input, of_state}, emit_.tensor(of_input).scale());
  }
  int of_state(int g) { return multiplied(h_, of_states_[at(g)]); }

  /// Returns a product's value for a state of zeros, computed with an input and weights of zeros.
  /// @return -1: all zeros
  int bias_alone(int g) {
    const Matrix& state = r_.gates[at(g)].of_state;
    if (std::ranges::all_of(state.bias, [](double b) { return b == 0; })) return -1;
    const int x = row(x_, r_.backwards ? r_.steps - 1 : 0);
    Matrix zeros = state;
    zeros.columns = emit_.tensor(x).extent(-1);
    zeros.codes.assign(at(r_.cells * zeros.columns), 0);
    const float unit = emit_.tensor(x).scale() / r_.hidden_scale;
    for (float& scale : zeros.scales) scale /= unit;
    return multiplied(x, operands(zeros, emit_.tensor(x), of_states_[at(g)].scale));
  }

  /// Emits the last operator of a step, whose result is the state h.
  int last(OpKind kind, int a, int b) {
    const int h = made(kind, {a, b}, r_.hidden_scale);
    emit_.last_op().of_cell = true;
    emit_.last_op().code_min = INT16_MIN, emit_.last_op().code_max = INT16_MAX;
    return h;
  }

  Tensor hidden() const {
    Tensor h;
    h.type = DataType::kInt16;
    h.quantization = {{r_.hidden_scale}, {0}};
    return h;
  }

  /// Returns the range of the inputs. A quantizer's codes cover three standard deviations or more;
  /// states are often near their ends.
  Reach of_x() const {
    const Tensor& x = emit_.tensor(r_.x);
    const auto zero = static_cast<double>(x.zero_point());
    const double codes = x.type == DataType::kInt16 ? 32768 : std::max(128 + zero, 127 - zero);
    return {codes * double{x.scale()}, 1.5 * codes * double{x.scale()}};
  }
  Reach of_h() const {
    const double most = double{r_.hidden_scale} * 32768;
    return {most, 2 * most};
  }

  /// Returns weights and bias. Sums have 32 bits, with a 31-bit scale, if all sums fit; otherwise
  /// 40 bits.
  Operands operands(const Matrix& m, const Tensor& x, float scale) {
    std::vector<std::int64_t> bias;
    double most = 0;
    for (std::size_t row = 0; row < m.scales.size(); ++row) {
      const double unit = double{x.scale()} * double{m.scales[row]};
      const double b = std::nearbyint((m.bias.empty() ? 0 : m.bias[row]) / unit);
      double sum = std::abs(b);
      for (int i = 0; i < m.columns; ++i)
        sum += 32768.0 * std::abs(m.codes[row * at(m.columns) + at(i)]);
      if (!(sum < 0x1p39)) throw_error("gate {}: its sums may need more than 40 bits", row);
      most = std::max(most, sum);
      bias.push_back(static_cast<std::int64_t>(b));
    }
    const int rows = static_cast<int>(m.scales.size());
    Quantization scales{m.scales, std::vector<std::int64_t>(m.scales.size(), 0), 0};
    Operands p;
    p.scale = scale;
    p.weights =
        emit_.add_constant(name_ + ":weights", DataType::kInt8, {rows, m.columns}, m.codes, scales);
    if (most < 0x1p31)
      p.bias = emit_.add_constant(name_ + ":bias", DataType::kInt32, {rows},
                                  std::vector<std::int32_t>(bias.begin(), bias.end()));
    else
      p.bias = emit_.add_constant(name_ + ":bias", DataType::kInt64, {rows}, bias);
    return p;
  }

  int multiplied(int rows, const Operands& p) {
    const std::vector<int> shape = {emit_.tensor(rows).extent(0), r_.cells};
    return made(OpKind::kFullyConnected, {rows, p.weights, p.bias}, p.scale, shape);
  }

  int function(OpKind kind, int of) { return made(kind, {of}, kOfFunction); }

  int made(OpKind kind, std::vector<int> inputs, float scale, std::vector<int> shape = {}) {
    if (shape.empty()) shape = emit_.tensor(inputs[0]).shape;
    const int to = emit_.add_tensor(name_, DataType::kInt16, std::move(shape), {{scale}, {0}});
    return emit_.add_op(op_of(kind, r_.node, std::move(inputs)), to);
  }

  /// Returns the rows of a step.
  int row(int rows, int t) {
    if (r_.steps == 1) return rows;
    const Tensor from = emit_.tensor(rows);
    const int columns = from.extent(-1);
    Op op = op_of(OpKind::kStridedSlice, r_.node,
                  {rows, emit_.add_integers({t * r_.batch, 0}),
                   emit_.add_integers({(t + 1) * r_.batch, columns}), emit_.add_integers({1, 1})});
    return emit_.add_move(std::move(op), name_, {r_.batch, columns});
  }

  int joined(const std::vector<int>& rows) {
    if (rows.size() == 1) return rows[0];
    return emit_.add_move(op_of(OpKind::kConcatenation, r_.node, rows), name_,
                          {r_.steps * r_.batch, r_.cells});
  }

  Emitter& emit_;
  const Recurrence& r_;
  std::string name_;            ///< for new tensors
  std::vector<int> of_inputs_;  ///< by gate: products of all steps' inputs
  std::vector<Operands> of_states_;
  std::vector<int> inputs_;  ///< by gate: the step's rows of these products
  int minus_one_ = -1;       ///< of a GRU: a constant -1 for each code of a step
  int x_ = -1, h_ = -1, c_ = -1;
};

}  // namespace

int widened(Emitter* emitter, int codes, float scale, int node) {
  const Tensor from = emitter->tensor(codes);
  if (scale == 0) scale = from.scale();
  if (from.type == DataType::kInt16 && from.scale() == scale) return codes;
  const int to = emitter->add_tensor(from.name, DataType::kInt16, from.shape, {{scale}, {0}});
  return emitter->add_op(op_of(OpKind::kQuantize, node, {codes}), to);
}

Sequence add_steps(Emitter* emitter, const Recurrence& r) { return Steps(emitter, r).run(); }

}  // namespace trine::model::onnx_file
