// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_reductions.h"

#include <bit>
#include <numeric>

#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/lower_products.h"
#include "sw/compiler/lower/lower_values.h"
#include "sw/compiler/lower/maps.h"

namespace trine::compiler {
namespace {

/// Neighbouring reduced axes of a tensor that is not an image, as pixels of its row: `taps` pixels,
/// `inner` apart, for each of `inner` pixels, `outer` times.
struct ReducedSpan {
  int outer = 1, taps = 1, inner = 1;

  bool single() const { return outer == 1 || (inner == 1 && taps <= kMostStride); }
  int pixels() const { return outer * inner; }
};

/// Returns the spans, last axes first. Each span describes the tensor after the reduction of the
/// spans before it.
std::vector<ReducedSpan> spans_of(const Lowering& ctx, const Op& o) {
  const std::vector<bool> axes = model::reduced_axes(ctx.graph, o).value();
  const std::vector<int>& extents = ctx.graph.in(o, 0).shape;
  std::vector<ReducedSpan> spans;
  int inner = 1;
  bool open = false;  // the last span continues
  for (std::size_t axis = axes.size() - std::min<std::size_t>(axes.size(), 1); axis-- > 0;) {
    if (extents[axis] == 1) continue;
    if (axes[axis] && !open) spans.push_back({1, 1, inner});
    open = axes[axis];
    if (open) {
      spans.back().taps *= extents[axis];
      continue;
    }
    inner *= extents[axis];
    for (ReducedSpan& span : spans) span.outer *= extents[axis];
  }
  // The axes before a span are not reduced yet when the span is.
  int reduced = 1;
  for (std::size_t i = spans.size(); i-- > 0;) {
    spans[i].outer *= reduced;
    reduced *= spans[i].taps;
  }
  return spans;
}

bool reduces_channels(const Lowering& ctx, const Op& o) {
  const std::vector<bool> axes = model::reduced_axes(ctx.graph, o).value();
  return !axes.empty() && axes.back() && ctx.graph.in(o, 0).extent(-1) > 1;
}

/// Returns the window of a span that one layer reduces, or of its first `inner` outputs.
Geometry window_of(const Shape& s, const ReducedSpan& span) {
  return {.H = s.H,
          .W = s.W,
          .P = s.H,
          .Q = span.single() ? span.pixels() : span.inner,
          .S = span.taps,
          .stride_x = span.single() && span.outer > 1 ? span.taps : 1,
          .dil_x = span.inner};
}

Problem parts_problem(const Lowering& ctx, const Op& o, const ReducedSpan& span) {
  if (span.single() || span.outer <= kMostLayers) return std::nullopt;
  return refusal(ctx, o, o.input(0), Reason::kShape,
                 ": is reduced in {} separate parts, allowed at most {}", span.outer, kMostLayers);
}

/// Adds a layer for each outer part, which writes into the whole map. @param layer  the layer of
/// the first part
void add_parts(Lowering& ctx, Layer layer, const ReducedSpan& span, int whole) {
  for (int i = 0; i < span.outer; ++i) {
    Layer part = layer;
    part.window.pad_left = -i * span.taps * span.inner;
    if (part.kind == LayerKind::kConv) set_sweeps(part);
    Shape to = ctx.shape(whole);
    to.W = span.inner;
    add_layer_to(ctx, add_part(ctx, whole, {-1, 0, 0, i * span.inner}, to), std::move(part));
  }
}

}  // namespace

// ---- means and sums -----------------------------------------------------------------------------

namespace {

/// Returns a convolution with weights of 1, and of 0 after the last channel.
Layer sum_of_channels(Lowering& ctx, const Op& o, int from, const Geometry& window,
                      const reference::MeanParams& p) {
  Layer layer = selection(ctx, o, from, {0});
  layer.window = window;
  layer.range = p.output;
  layer.scales = {p.scale};
  layer.bias = {p.bias};
  layer.conv().weights.edit().assign(at(layer.steps()) * at(layer.conv().step_codes), 1);
  for (int c = ctx.shape(from).C; c < layer.words * layer.conv().step_codes; ++c)
    for (int ky = 0; ky < window.R; ++ky)
      for (int kx = 0; kx < window.S; ++kx) weight(layer, 0, ky, kx, c) = 0;
  if (layer.wide) fold_low_bytes(ctx, layer);
  set_sweeps(layer);
  return layer;
}

}  // namespace

Problem mean_problem(const Lowering& ctx, const Op& o) {
  if (auto problem = image_problem(ctx, o, o.input(0))) return problem;
  if (model::of_format(ctx.graph, o)) return value_mean_problem(ctx, o);
  if (is_wide(ctx, o)) {
    const reference::MeanParams p = reference::mean_params(ctx.graph, o);
    const int bits = 17 + static_cast<int>(std::bit_width(static_cast<std::uint64_t>(p.count - 1)));
    if (reduces_channels(ctx, o) && !o.half_even &&
        ctx.rounding.of(o) != reference::Rounding::kDouble)
      return refusal(ctx, o, o.outputs[0], Reason::kRounding,
                     ": int16 channels with one rounding, but the machine's scales have only 15 "
                     "bits (--rounding double)");
    if (auto problem =
            first_of(count_problem(ctx, o, p.count, 65'535), scale_problem(ctx, o, p.scale, bits)))
      return problem;
  }
  const bool image = ctx.graph.in(o, 0).rank() == 4;
  const std::vector<ReducedSpan> spans = image ? std::vector<ReducedSpan>{} : spans_of(ctx, o);
  if (spans.size() > 1)
    return refusal(ctx, o, o.input(0), Reason::kShape,
                   ": other axes are between the reduced axes, allowed neighbouring axes");
  return first_of(half_even_problem(ctx, o), result_problem(ctx, o),
                  spans.empty() ? std::nullopt : parts_problem(ctx, o, spans[0]));
}

void mean(Lowering& ctx, const Op& o) {
  if (model::of_format(ctx.graph, o)) return value_mean(ctx, o);
  Layer layer = start(ctx, o, LayerKind::kSum, image(ctx, o, 0));
  const Shape s = ctx.shape(layer.input);
  ReducedSpan span;
  if (ctx.graph.in(o, 0).rank() == 4) {
    const std::vector<bool> axes = model::reduced_axes(ctx.graph, o).value();
    Geometry& g = layer.window;
    if (axes[1]) {
      g.R = g.H;
      g.P = 1;
    }
    if (axes[2]) {
      g.S = g.W;
      g.Q = 1;
    }
  } else {
    const std::vector<ReducedSpan> spans = spans_of(ctx, o);
    if (!spans.empty()) layer.window = window_of(s, span = spans[0]);
  }
  layer.half_even = needs_half_even(ctx, o);
  const reference::MeanParams p = reference::mean_params(ctx.graph, o);
  layer.range = p.output;
  if (reduces_channels(ctx, o)) {
    const Layer plain = std::move(layer);
    layer = sum_of_channels(ctx, o, plain.input, plain.window, p);
    layer.half_even = plain.half_even;
    layer.single |= plain.half_even;
  } else {
    layer.pool().regions = {{{0, layer.window.P, 0, layer.window.Q}, p.scale, p.bias}};
  }
  if (span.single()) return add_layer(ctx, o, std::move(layer));
  const int C = layer.kind == LayerKind::kConv ? 1 : s.C;
  add_parts(ctx, std::move(layer), span, new_output(ctx, o, {C, 1, span.pixels()}));
}

// ---- largest and smallest codes -----------------------------------------------------------------

namespace {

/// Returns a layer that computes ~x = -1 - x.
Layer complement(const Lowering& ctx, const Op& o, int map) {
  std::vector<int> channels(at(ctx.shape(map).C));
  std::iota(channels.begin(), channels.end(), 0);
  Layer layer = selection(ctx, o, map, channels);
  for (std::int8_t& weight : layer.conv().weights.edit())
    weight = static_cast<std::int8_t>(-weight);
  layer.bias.assign(layer.bias.size(), -1);
  return layer;
}

/// Compares the halves of the words, then the halves of a word's channels; some channels are read
/// twice.
/// @return the last of the layers
Layer largest_channel(Lowering& ctx, const Op& o, int map) {
  const int C = ctx.shape(map).C;
  int count = 4;
  while (count < C) count *= 2;
  const auto larger = [&](int a, int b) {
    const bool smaller = is_wide(ctx, o) && o.kind == OpKind::kReduceMin;
    Layer layer = start(ctx, o, smaller ? LayerKind::kMinimum : LayerKind::kMaximum, a);
    layer.second = b;
    return layer;
  };
  if (C != count) {
    std::vector<int> of(at(count), 0);
    std::iota(of.begin(), of.begin() + C, 0);
    map = add_step(ctx, o, selection(ctx, o, map, of));
  }
  for (; count > 4; count /= 2)
    map = add_step(
        ctx, o,
        larger(channels_of(ctx, map, 0, count / 2), channels_of(ctx, map, count / 2, count / 2)));
  const auto turned = [&](int distance) {
    std::vector<int> of(4);
    for (int i = 0; i < 4; ++i) of[at(i)] = (i + distance) % 4;
    return add_step(ctx, o, selection(ctx, o, map, of));
  };
  map = add_step(ctx, o, larger(map, turned(2)));
  const int other = turned(1);
  return larger(channels_of(ctx, map, 0, 1), channels_of(ctx, other, 0, 1));
}

}  // namespace

Problem reduce_max_problem(const Lowering& ctx, const Op& o) {
  if (auto problem = image_problem(ctx, o, o.input(0))) return problem;
  if (ctx.graph.in(o, 0).rank() != 4)
    for (const ReducedSpan& span : spans_of(ctx, o))
      if (auto problem = parts_problem(ctx, o, span)) return problem;
  return result_problem(ctx, o);
}

/// Reduces one axis after the other, because few lanes would work on a window of several axes. The
/// smallest code is the complement of the largest complement.
void reduce_max(Lowering& ctx, const Op& o) {
  int map = image(ctx, o, 0);
  const bool complements = o.kind == OpKind::kReduceMin && !is_wide(ctx, o);
  std::optional<Layer> last;  // not in a map yet, because it may be the operator's last layer
  const auto input = [&] {
    if (auto layer = std::exchange(last, std::nullopt)) map = add_step(ctx, o, std::move(*layer));
    return map;
  };
  const auto window = [&](const Geometry& g) {
    Layer layer = start(ctx, o, LayerKind::kMax, map);
    layer.window = g;
    layer.pool().smallest = !complements && o.kind == OpKind::kReduceMin;
    return layer;
  };
  if (complements) last = complement(ctx, o, map);
  if (ctx.graph.in(o, 0).rank() == 4) {
    const std::vector<bool> axes = model::reduced_axes(ctx.graph, o).value();
    for (const bool rows : {true, false}) {
      const Shape s = ctx.shape(input());
      if (!axes[rows ? 1 : 2] || (rows ? s.H : s.W) == 1) continue;
      Geometry g = pointwise(s);
      (rows ? g.P : g.Q) = 1;
      (rows ? g.R : g.S) = rows ? s.H : s.W;
      last = window(g);
    }
  } else {
    for (const ReducedSpan& span : spans_of(ctx, o)) {
      const Layer layer = window(window_of(ctx.shape(input()), span));
      if (span.single()) {
        last = layer;
        continue;
      }
      const int whole = add_map(ctx, o.outputs[0], {ctx.shape(map).C, 1, span.pixels()});
      add_parts(ctx, layer, span, whole);
      map = whole;
    }
  }
  if (reduces_channels(ctx, o)) last = largest_channel(ctx, o, input());
  if (complements) last = complement(ctx, o, input());
  if (last)
    add_layer(ctx, o, std::move(*last));
  else
    ctx.map_by_tensor[o.outputs[0]] = map;
}

int add_step(Lowering& ctx, const Op& o, Layer layer) {
  const int map = add_map(ctx, o.outputs[0], shape_after(ctx, layer));
  add_layer_to(ctx, map, std::move(layer));
  return map;
}

}  // namespace trine::compiler
