// SPDX-License-Identifier: Apache-2.0
//
// Lowers LOGISTIC and TANH of int16 codes, which are interpolated on lines between the points of
// the lookup table. The sum of a gate is added up directly before: each operand is a tap.

#include <algorithm>

#include "sw/compiler/lower/lowering.h"
#include "sw/reference/ops/ops.h"

namespace trine::compiler {
namespace {

bool is_line(OpKind kind) { return kind == OpKind::kLogistic || kind == OpKind::kTanh; }

/// Returns the scale of a line's input: code * multiplier / 2^shift in the machine's form.
ChannelScale line_scale(const Tensor& input) {
  const reference::InputScale scale = reference::input_scale(input.scale());
  int up = 15;  // bits above the multiplier
  while (up > 0 && scale.multiplier << up > INT32_MAX) --up;
  return {static_cast<std::int32_t>(scale.multiplier << up), 31 - scale.shift - up};
}

/// Returns a quarter of the argument from which on the function has the same value as for `code`.
std::optional<int> bound(const Op& line, const Tensor& input, int code) {
  const auto value = [&](std::int64_t x) {
    return line.kind == OpKind::kTanh ? reference::interpolated_tanh(x)
                                      : reference::interpolated_logistic(x);
  };
  const reference::InputScale scale = reference::input_scale(input.scale());
  const std::int64_t x =
      (code * scale.multiplier + (std::int64_t{1} << scale.shift) / 2) >> scale.shift;
  for (const std::int64_t near : {x >> 2, (x >> 2) + 1}) {
    const std::int64_t quarter = std::clamp<std::int64_t>(near, INT16_MIN, INT16_MAX);
    if (value(4 * quarter) == value(x)) return static_cast<int>(quarter);
  }
  return std::nullopt;
}

}  // namespace

/// Returns the bounds of the argument, if only a line reads the sum of two maps of one scale. They
/// replace the saturation of ADD's codes.
std::optional<reference::OutputRange> GraphFacts::range_of_sum(const Op& add) const {
  const Tensor& sum = graph_.out(add);
  const Op* line = only_reader(add.outputs[0]);
  if (add.kind != OpKind::kAdd || !is_wide(add) || line == nullptr || !is_line(line->kind))
    return std::nullopt;
  const reference::OutputRange codes = reference::add_params(graph_, add).output;
  if (codes.act_min != INT16_MIN || codes.act_max != INT16_MAX) return std::nullopt;
  for (const int i : {0, 1}) {
    const Tensor& operand = graph_.in(add, i);
    if (operand.is_constant || operand.scale() != sum.scale() ||
        operand.elements() != sum.elements())
      return std::nullopt;
  }
  const auto least = bound(*line, sum, INT16_MIN), most = bound(*line, sum, INT16_MAX);
  if (!least || !most) return std::nullopt;
  return reference::OutputRange{0, *least, *most};
}

/// Returns the ADD whose operands the line reads, or nullptr.
const Op* Lowering::sum_of(const Op& line) const {
  const int producer = producer_of(line.input(0));
  return producer >= 0 && range_of_sum(op(producer)) ? &op(producer) : nullptr;
}

Problem Lowering::line_problem(const Op& o) const {
  if (!config_.table)
    return refusal(o, o.outputs[0], Reason::kConfiguration,
                   " needs the lookup table (vector.table)");
  const Op* sum = sum_of(o);
  return first_of(scale_problem(o, line_scale(graph_.in(o, 0)), sum != nullptr ? 17 : 16),
                  sum != nullptr ? two_maps_problem(*sum) : map_problem(o.input(0)),
                  result_problem(o));
}

void Lowering::line(const Op& o) {
  const Op* sum = sum_of(o);
  Layer layer = sum != nullptr ? two_maps(*sum, LayerKind::kSum)
                               : start(o, LayerKind::kSum, map_of(o.input(0)));
  layer.single = true;
  layer.range =
      sum != nullptr ? *range_of_sum(*sum) : reference::OutputRange{0, INT16_MIN, INT16_MAX};
  layer.pool().regions = {{{0, layer.window.P, 0, layer.window.Q}, line_scale(graph_.in(o, 0)), 0}};
  layer.pool().curve = o.kind == OpKind::kTanh ? Curve::kTanh : Curve::kLogistic;
  const auto points = reference::sigmoid_points();
  layer.points.assign(points.begin(), points.end());
  if (sum != nullptr) {
    layer.op += "+" + o.name;
    layer.name = graph_.out(o).name;
  }
  add_layer(o, std::move(layer));
}

}  // namespace trine::compiler
