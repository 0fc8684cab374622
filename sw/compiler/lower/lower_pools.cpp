// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_pools.h"

#include <tuple>

#include "spec/precision.h"
#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/maps.h"

namespace trine::compiler {
namespace {

/// A range of positions along one axis whose windows have the same number of taps inside.
struct TapRange {
  int begin, end, taps;
};

std::vector<TapRange> tap_ranges(int positions, int taps, int stride, int pad, int extent) {
  std::vector<TapRange> ranges;
  for (int p = 0; p < positions; ++p) {
    const int first = p * stride - pad;
    const int inside = std::min(first + taps, extent) - std::max(first, 0);
    if (ranges.empty() || ranges.back().taps != inside) ranges.push_back({p, p, inside});
    ranges.back().end = p + 1;
  }
  return ranges;
}

/// Adds a border of the smallest code. All taps of a maximum of int16 codes must be inside of the
/// map, so a layer whose window exceeds the map reads a copy with a border.
void add_border(Lowering& ctx, const Op& o, Layer& layer) {
  Geometry& g = layer.window;
  const Shape s = ctx.shape(layer.input);
  const int H = (g.P - 1) * g.stride_y + g.R, W = (g.Q - 1) * g.stride_x + g.S;
  if (g.pad_top == 0 && g.pad_left == 0 && H <= s.H && W <= s.W) return;
  const int whole = add_map(ctx, o.outputs[0], {s.C, H, W});
  Geometry border = pointwise(s);
  std::tie(border.P, border.Q, border.pad_top, border.pad_left) =
      std::tuple{H, W, g.pad_top, g.pad_left};
  move(ctx, o, layer.input, {.size = s.C}, border, whole, INT16_MIN);
  layer.input = whole;
  std::tie(g.H, g.W, g.pad_top, g.pad_left) = std::tuple{H, W, 0, 0};
}

}  // namespace

ChannelScale reciprocal(std::int64_t n) {
  int s = 30;
  while ((std::int64_t{1} << s) / n + 1 < std::int64_t{1} << 30) ++s;
  return {static_cast<std::int32_t>((std::int64_t{1} << s) / n + 1), 31 - s};
}

Problem max_pool_problem(const Lowering& ctx, const Op& o) {
  return first_of(image_problem(ctx, o, o.input(0)), result_problem(ctx, o));
}

void max_pool(Lowering& ctx, const Op& o) {
  Layer layer = start(ctx, o, LayerKind::kMax, image(ctx, o, 0));
  set_window(ctx, o, layer, o.filter_h, o.filter_w);
  if (is_wide(ctx, o)) {
    add_border(ctx, o, layer);
  } else {
    const int per_word = ctx.shape(layer.input).per_word;
    layer.pad_code = packed_byte(spec::precision_of_codes(per_word).lowest, per_word);
  }
  const reference::OutputRange range = reference::pool_params(ctx.graph, o).output;
  const bool all = is_wide(ctx, o) ? range.act_min == INT16_MIN && range.act_max == INT16_MAX
                                   : range.act_min == INT8_MIN && range.act_max == INT8_MAX;
  if (all) return add_layer(ctx, o, std::move(layer));
  const int map =
      add_map(ctx, o.outputs[0], {ctx.shape(layer.input).C, layer.window.P, layer.window.Q});
  add_layer_to(ctx, map, std::move(layer));
  Layer clamp = copy(ctx, o, map);
  clamp.range = range;
  add_layer(ctx, o, std::move(clamp));
}

Problem average_pool_problem(const Lowering& ctx, const Op& o) {
  constexpr std::int64_t kMostTaps = 1 << 14;  // up to here reciprocal() rounds like a division
  if (is_wide(ctx, o))
    if (auto problem = count_problem(ctx, o, std::int64_t{o.filter_h} * o.filter_w, kMostTaps - 1))
      return problem;
  return first_of(half_even_problem(ctx, o), image_problem(ctx, o, o.input(0)),
                  result_problem(ctx, o));
}

void average_pool(Lowering& ctx, const Op& o) {
  Layer layer = start(ctx, o, LayerKind::kSum, image(ctx, o, 0));
  set_window(ctx, o, layer, o.filter_h, o.filter_w);
  layer.single = true;
  const reference::PoolParams p = reference::pool_params(ctx.graph, o);
  layer.range = p.output;
  // Averages of uint8 codes round halves up. Halves away from zero do the same for sums that are
  // not negative.
  const int raised = p.half_up ? 128 : 0, offset = raised - p.zero_point;
  layer.range.zero_point -= raised;
  const Geometry& g = layer.window;
  for (const TapRange& y : tap_ranges(g.P, g.R, g.stride_y, g.pad_top, g.H))
    for (const TapRange& x : tap_ranges(g.Q, g.S, g.stride_x, g.pad_left, g.W))
      layer.pool().regions.push_back({{y.begin, y.end, x.begin, x.end},
                                      reciprocal(std::int64_t{y.taps} * x.taps),
                                      offset * y.taps * x.taps});
  add_layer(ctx, o, std::move(layer));
}

}  // namespace trine::compiler
