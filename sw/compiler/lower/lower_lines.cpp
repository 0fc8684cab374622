// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_lines.h"

#include <algorithm>

#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/maps.h"
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

/// Returns the ADD whose operands the line reads, or nullptr.
const Op* sum_of(const Lowering& ctx, const Op& line) {
  const int producer = producer_of(ctx, line.input(0));
  return producer >= 0 && range_of_sum(ctx, ctx.op(producer)) ? &ctx.op(producer) : nullptr;
}

}  // namespace

/// Returns the bounds of the argument, if only a line reads the sum of two maps of one scale. They
/// replace the saturation of ADD's codes.
std::optional<reference::OutputRange> range_of_sum(const GraphFacts& facts, const Op& add) {
  const Tensor& sum = facts.graph.out(add);
  const Op* line = only_reader(facts, add.outputs[0]);
  if (add.kind != OpKind::kAdd || !is_wide(facts, add) || line == nullptr || !is_line(line->kind))
    return std::nullopt;
  const reference::OutputRange codes = reference::add_params(facts.graph, add).output;
  if (codes.act_min != INT16_MIN || codes.act_max != INT16_MAX) return std::nullopt;
  for (const int i : {0, 1}) {
    const Tensor& operand = facts.graph.in(add, i);
    if (operand.is_constant || operand.scale() != sum.scale() ||
        operand.elements() != sum.elements())
      return std::nullopt;
  }
  const auto least = bound(*line, sum, INT16_MIN), most = bound(*line, sum, INT16_MAX);
  if (!least || !most) return std::nullopt;
  return reference::OutputRange{0, *least, *most};
}

Problem line_problem(const Lowering& ctx, const Op& o) {
  if (!ctx.config.table)
    return refusal(ctx, o, o.outputs[0], Reason::kConfiguration,
                   " needs the lookup table (vector.table)");
  const Op* sum = sum_of(ctx, o);
  return first_of(scale_problem(ctx, o, line_scale(ctx.graph.in(o, 0)), sum != nullptr ? 17 : 16),
                  sum != nullptr ? two_maps_problem(ctx, *sum) : map_problem(ctx, o.input(0)),
                  result_problem(ctx, o));
}

void line(Lowering& ctx, const Op& o) {
  const Op* sum = sum_of(ctx, o);
  Layer layer = sum != nullptr ? two_maps(ctx, *sum, LayerKind::kSum)
                               : start(ctx, o, LayerKind::kSum, map_of(ctx, o.input(0)));
  layer.single = true;
  layer.range =
      sum != nullptr ? *range_of_sum(ctx, *sum) : reference::OutputRange{0, INT16_MIN, INT16_MAX};
  layer.pool().regions = {
      {{0, layer.window.P, 0, layer.window.Q}, line_scale(ctx.graph.in(o, 0)), 0}};
  layer.pool().curve = o.kind == OpKind::kTanh ? Curve::kTanh : Curve::kLogistic;
  const auto points = reference::sigmoid_points();
  layer.points.assign(points.begin(), points.end());
  if (sum != nullptr) {
    layer.op += "+" + o.name;
    layer.name = ctx.graph.out(o).name;
  }
  add_layer(ctx, o, std::move(layer));
}

}  // namespace trine::compiler
