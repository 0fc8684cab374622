// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lowering.h"

namespace trine::compiler {
namespace {

/// Ranges of positions along one axis whose windows have the same number of taps inside.
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

}  // namespace

ChannelScale reciprocal(std::int64_t n) {
  int s = 30;
  while ((std::int64_t{1} << s) / n + 1 < std::int64_t{1} << 30) ++s;
  return {static_cast<std::int32_t>((std::int64_t{1} << s) / n + 1), 31 - s};
}

void Lowering::max_pool(const Op& o) {
  Layer layer = start(o, LayerKind::kMax);
  layer.input = image(o, 0);
  set_window(o, layer, o.filter_h, o.filter_w);
  // The lowest code.
  const int per_word = shape(layer.input).per_word;
  layer.pad_code = packed_byte(per_word == 4 ? -128 : -1, per_word);
  const reference::OutputRange range = reference::pool_params(graph_, o).output;
  if (range.act_min == -128 && range.act_max == 127) return add_layer(o, std::move(layer));
  const int map = add_map(o.outputs[0], {shape(layer.input).C, layer.window.P, layer.window.Q});
  add_layer_to(map, std::move(layer));
  clamp(o, map, range);
}

void Lowering::average_pool(const Op& o) {
  needs_half_even(o);
  Layer layer = start(o, LayerKind::kSum);
  layer.input = image(o, 0);
  set_window(o, layer, o.filter_h, o.filter_w);
  layer.single = true;
  const reference::PoolParams p = reference::pool_params(graph_, o);
  layer.range = p.output;
  // Sums of uint8 codes round their halves up, as those away from zero do that are not negative.
  const int offset = p.half_up ? 128 : 0;
  layer.range.zero_point -= offset;
  const Geometry& g = layer.window;
  for (const TapRange& y : tap_ranges(g.P, g.R, g.stride_y, g.pad_top, g.H))
    for (const TapRange& x : tap_ranges(g.Q, g.S, g.stride_x, g.pad_left, g.W))
      layer.regions.push_back({{y.begin, y.end, x.begin, x.end},
                               reciprocal(std::int64_t{y.taps} * x.taps),
                               offset * y.taps * x.taps});
  add_layer(o, std::move(layer));
}

void Lowering::mean(const Op& o) {
  Layer layer = start(o, LayerKind::kSum);
  layer.input = image(o, 0);
  const bool channels = set_reduction(o, layer);
  layer.half_even = needs_half_even(o);
  const reference::MeanParams p = reference::mean_params(graph_, o);
  layer.range = p.output;
  if (channels) {
    const Geometry window = layer.window;
    layer = selection(o, layer.input, {0});
    layer.window = window;
    layer.half_even = needs_half_even(o);
    layer.range = p.output;
    layer.scales = {p.scale};
    layer.bias = {p.bias};
    layer.weights.assign(at(layer.steps()) * at(layer.step_codes), 1);
    for (int c = shape(layer.input).C; c < layer.words * layer.step_codes; ++c)
      for (int ky = 0; ky < window.R; ++ky)
        for (int kx = 0; kx < window.S; ++kx) weight(layer, 0, ky, kx, c) = 0;
    set_sweeps(layer, shape(layer.input));
  } else {
    layer.regions = {{{0, layer.window.P, 0, layer.window.Q}, p.scale, p.bias}};
  }
  add_layer(o, std::move(layer));
}

/// Both axes of an image one after the other: few lanes have work in a window of both.
void Lowering::reduce_max(const Op& o) {
  Layer layer = start(o, LayerKind::kMax);
  layer.input = image(o, 0);
  if (set_reduction(o, layer))
    fail(o,
         fmt::format("tensor {} '{}': no maximum over channels", o.input(0), graph_.in(o, 0).name));
  const Geometry whole = layer.window;
  if (whole.R > 1 && whole.S > 1) {
    layer.window.S = 1;
    layer.window.Q = whole.W;
    const int rows = add_map(o.outputs[0], {shape(layer.input).C, whole.P, whole.W});
    Layer second = layer;
    add_layer_to(rows, std::move(layer));
    layer = std::move(second);
    layer.input = rows;
    layer.window = whole;
    layer.window.H = whole.P;
    layer.window.R = 1;
  }
  add_layer(o, std::move(layer));
}

/// Of a tensor that is no image, neighbouring axes but the last one can be reduced that are all
/// before, or all behind the others.
bool Lowering::set_reduction(const Op& o, Layer& layer) const {
  const std::vector<bool> axes = model::reduced_axes(graph_, o).value();
  const Tensor& t = graph_.in(o, 0);
  set_pointwise(layer);
  Geometry& g = layer.window;
  const bool channels = !axes.empty() && axes.back() && t.extent(-1) > 1;
  if (axes.size() == 4) {
    if (axes[1]) g.R = g.H;
    if (axes[2]) g.S = g.W;
    g.P = axes[1] ? 1 : g.H;
    g.Q = axes[2] ? 1 : g.W;
    return channels;
  }
  int before = 1, behind = 1;
  bool again = false;
  for (std::size_t i = 0; i + 1 < axes.size(); ++i) {
    if (t.shape[i] == 1) continue;
    again = again || (axes[i] && behind > 1);
    (axes[i] ? g.S : g.S == 1 ? before : behind) *= t.shape[i];
  }
  if (again || (before > 1 && behind > 1 && g.S > 1))
    fail(o,
         fmt::format("tensor {} '{}': the axes are between or around others", o.input(0), t.name));
  g.Q = g.W / g.S;
  g.stride_x = behind == 1 ? g.S : 1;
  g.dil_x = behind;
  return channels;
}

}  // namespace trine::compiler
