// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_axes.h"

#include <cassert>

#include "sw/base/division.h"
#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_lines.h"
#include "sw/compiler/lower/lower_matmul.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/maps.h"
#include "sw/model/graph/view.h"

namespace trine::compiler {
namespace {

/// The step from pixel to pixel of a line: along a row or down a column.
struct PixelStep {
  int y = 0, x = 0;
};

constexpr int kIdentityPixels = 64;  ///< exchanged at once: words of reduction against copies

std::optional<Axes> reshaped(const Axes& from, const std::vector<int>& extents) {
  const auto view = model::reshaped({from.extents, from.strides}, extents);
  if (!view) return std::nullopt;
  return Axes{from.map, from.first, view->extents, view->strides};
}

/// Pixels in equidistant lines, and whole words of channels.
struct Rectangle {
  int channel, channels;
  Geometry window;
};

std::optional<Rectangle> rectangle_of(const Axes& axes, const Shape& s) {
  const auto channel = static_cast<int>(axes.first % s.C);
  const int channels = axes.extents.back();
  if ((channels > 1 && axes.strides.back() != 1) || channel % 4 != 0 || channel + channels > s.C)
    return std::nullopt;
  model::View lines = model::without_ones({{axes.extents.begin(), axes.extents.end() - 1},
                                           {axes.strides.begin(), axes.strides.end() - 1}});
  const std::int64_t row = std::int64_t{s.W} * s.C, pixel = axes.first / s.C;
  Geometry g = pointwise(s);
  g.P = g.Q = 1;
  g.pad_top = -static_cast<int>(pixel / s.W);
  g.pad_left = -static_cast<int>(pixel % s.W);
  const auto take = [&](std::int64_t unit, int& count, int& stride) {
    if (lines.extents.empty() || lines.strides.back() % unit != 0) return;
    count = lines.extents.back();
    stride = static_cast<int>(std::min<std::int64_t>(lines.strides.back() / unit, kMostStride + 1));
    lines.extents.pop_back();
    lines.strides.pop_back();
  };
  if (lines.extents.empty() || lines.strides.back() < row) take(s.C, g.Q, g.stride_x);
  take(row, g.P, g.stride_y);
  if (!lines.extents.empty() || std::max(g.stride_x, g.stride_y) > kMostStride ||
      -g.pad_left + (g.Q - 1) * g.stride_x >= s.W)
    return std::nullopt;
  return Rectangle{channel, channels, g};
}

/// The result of a RESHAPE of a tensor in another order.
enum class Reshaped {
  kMap,    ///< shares the tensor's map
  kAxes,   ///< axes again
  kOrder,  ///< last axes join to channels when they are put in order
};

Reshaped reshaped_to(const Axes& from, const Tensor& to) {
  if (reshaped(from, to.shape)) return Reshaped::kAxes;
  std::int64_t joined = 1;
  for (std::size_t i = from.extents.size(); i-- > 0 && joined < to.extent(-1);)
    joined *= from.extents[i];
  return joined == to.extent(-1) ? Reshaped::kOrder : Reshaped::kMap;
}

}  // namespace

std::vector<std::int64_t> codes_of(const Axes& axes) {
  std::vector<std::int64_t> codes{axes.first};
  for (std::size_t i = 0; i < axes.extents.size(); ++i) {
    std::vector<std::int64_t> finer;
    for (const std::int64_t code : codes)
      for (int k = 0; k < axes.extents[i]; ++k) finer.push_back(code + k * axes.strides[i]);
    codes = std::move(finer);
  }
  return codes;
}

Axes axes_of(Lowering& ctx, int tensor) {
  const auto found = ctx.axes.find(tensor);
  if (found != ctx.axes.end()) return found->second;
  const std::vector<int>& shape = ctx.graph.tensor(tensor).shape;
  return {map_of(ctx, tensor), 0, shape, model::dense_view(shape).strides};
}

Layer reading_pixels(Lowering& ctx, const Op& o, LayerKind kind) {
  const auto axes = ctx.axes.find(o.input(0));
  if (axes != ctx.axes.end() && !ctx.map_by_tensor.contains(o.input(0)))
    if (const auto found = rectangle_of(axes->second, ctx.shape(axes->second.map))) {
      Layer layer =
          start(ctx, o, kind, channels_of(ctx, axes->second.map, found->channel, found->channels));
      layer.window = found->window;
      return layer;
    }
  return start(ctx, o, kind, pixels(ctx, o, 0));
}

Problem transpose_problem(const Lowering& ctx, const Op& o) {
  return ctx.axes.contains(o.input(0)) ? std::nullopt : map_problem(ctx, o.input(0));
}

void transpose(Lowering& ctx, const Op& o) {
  const Axes from = axes_of(ctx, o.input(0));
  const model::View to =
      model::permuted({from.extents, from.strides}, *model::permutation(ctx.graph, o));
  assert(ctx.shape(from.map).per_word == 4);  // choose_packing()
  ctx.axes[o.outputs[0]] = {from.map, from.first, to.extents, to.strides};
}

Problem reshape_problem(const Lowering& ctx, const Op& o) {
  const auto axes = ctx.axes.find(o.input(0));
  if (axes == ctx.axes.end() || ctx.map_by_tensor.contains(o.input(0)))
    return map_problem(ctx, o.input(0));
  switch (reshaped_to(axes->second, ctx.graph.out(o))) {
    case Reshaped::kAxes:
      return std::nullopt;
    case Reshaped::kMap:
      return map_problem(ctx, o.input(0));
    case Reshaped::kOrder:
      break;
  }
  return first_of(out_problem(ctx, o), result_problem(ctx, o));
}

void reshape(Lowering& ctx, const Op& o) {
  const int in = o.input(0), out = o.outputs[0];
  const auto axes = ctx.axes.find(in);
  const bool lies = axes == ctx.axes.end() || ctx.map_by_tensor.contains(in);
  switch (lies ? Reshaped::kMap : reshaped_to(axes->second, ctx.graph.out(o))) {
    case Reshaped::kAxes:
      ctx.axes[out] = *reshaped(axes->second, ctx.graph.out(o).shape);
      break;
    case Reshaped::kMap:
      ctx.map_by_tensor[out] = map_of(ctx, in);
      break;
    case Reshaped::kOrder:
      put_in_order(ctx, o, axes->second, new_output(ctx, o, out_shape(ctx, o)), false);
      break;
  }
}

// ---- codes in order -----------------------------------------------------------------------------

namespace {

/// The way of each axis: from the map's pixels or channels to the new map's pixels or channels.
struct AxesOrder {
  struct Axis {
    int extent;
    std::int64_t stride;  ///< in codes of the source
    bool from_pixels, to_pixels;
    int from, to;  ///< pixels or channels from index to index, in the source and in the new map
  };
  int map;
  std::int64_t first;
  std::vector<Axis> axes;  ///< outer ones first
};

/// Returns the number of indices of an axis of pixels until the next row.
std::int64_t in_row(std::int64_t stride, const Shape& s) {
  const std::int64_t row = std::int64_t{s.C} * s.W;
  const bool splits = s.H > 1 && stride % s.C == 0 && stride < row && row % stride == 0;
  return splits ? row / stride : INT64_MAX;
}

void put_constant(Lowering& ctx, const Axes& axes, int to) {
  std::vector<std::int8_t> codes;
  for (const std::int64_t code : codes_of(axes))
    codes.push_back(ctx.net.maps[at(axes.map)].codes[at(code)]);
  ctx.net.maps[at(to)].codes = std::move(codes);
}

/// Calls visit(source code, pixel, channel of the new map) for each index of some axes.
template <typename Axis, typename Visit>
void for_each_index(const std::vector<Axis>& axes, Visit visit) {
  std::int64_t count = 1;
  for (const Axis& axis : axes) count *= axis.extent;
  for (std::int64_t n = 0; n < count; ++n) {
    std::int64_t code = 0, pixel = 0, channel = 0, outer = n;
    for (auto axis = axes.rbegin(); axis != axes.rend(); outer /= axis++->extent) {
      const std::int64_t index = outer % axis->extent;
      code += index * axis->stride;
      (axis->to_pixels ? pixel : channel) += index * axis->to;
    }
    visit(code, pixel, channel);
  }
}

/// Returns the step of a line of pixels, or nothing if the line wraps or its pixels are too far
/// apart.
std::optional<PixelStep> step_of(int pixels, int extent, const Shape& s) {
  if (extent == 1) return PixelStep{1, 1};
  if (s.H > 1 && pixels % s.W == 0 && pixels / s.W <= kMostStride)
    return PixelStep{pixels / s.W, 0};
  if (pixels > kMostStride || (s.H > 1 && s.W % (std::int64_t{pixels} * extent) != 0))
    return std::nullopt;
  return PixelStep{0, pixels};
}

/// The longest axis that is a line of pixels in both maps, except an axis that becomes channels.
/// The others are `outer`.
struct PixelLine {
  PixelLine(const AxesOrder& order, const Shape& from, const Shape& to) {
    const AxesOrder::Axis* longest = nullptr;
    for (const AxesOrder::Axis& a : order.axes)
      if (a.extent > (longest == nullptr ? 1 : longest->extent) && goes(a, from, to)) longest = &a;
    if (longest != nullptr) extent = longest->extent;
    for (const AxesOrder::Axis& a : order.axes) {
      if (!a.to_pixels && a.to == 1)
        channels = a;
      else if (&a != longest)
        outer.push_back(a);
    }
  }

  Geometry window(const Shape& s, const CodePlace& place) const {
    return {.H = s.H,
            .W = s.W,
            .P = down() ? extent : 1,
            .Q = down() ? 1 : extent,
            .stride_y = down() ? there.y : 1,
            .stride_x = down() ? 1 : there.x,
            .pad_top = -place.y,
            .pad_left = -place.x};
  }

  Part part(const Shape& s, std::int64_t pixel, std::int64_t channel) const {
    return {-1,
            static_cast<int>(channel),
            static_cast<int>(pixel / s.W),
            static_cast<int>(pixel % s.W),
            down() ? here.y : 1,
            down() ? 1 : here.x};
  }

  std::vector<AxesOrder::Axis> outer;
  AxesOrder::Axis channels{1, 1, false, false, 1, 1};

 private:
  bool goes(const AxesOrder::Axis& a, const Shape& from, const Shape& to) {
    const auto source = step_of(a.from, a.extent, from), result = step_of(a.to, a.extent, to);
    if (!a.from_pixels || !a.to_pixels || !source || !result) return false;
    if ((source->x > 0) != (result->x > 0)) return false;
    there = *source;
    here = *result;
    return true;
  }
  bool down() const { return extent > 1 && here.x == 0; }

  int extent = 1;
  PixelStep there{1, 1}, here{1, 1};  ///< in the old map, in the new one
};

/// Copies each line of pixels.
void copy_lines(Lowering& ctx, const Op& o, const AxesOrder& order, int to, bool zero_behind) {
  const Shape from = ctx.shape(order.map), s = ctx.shape(to);
  const PixelLine line(order, from, s);
  const AxesOrder::Axis& channels = line.channels;
  for_each_index(line.outer, [&](std::int64_t code, std::int64_t pixel, std::int64_t channel) {
    const CodePlace place = code_place(ctx, order.map, order.first + code);
    const Geometry g = line.window(from, place);
    move(ctx, o, order.map, {place.channel, channels.stride, channels.extent, false}, g,
         add_part(ctx, to, line.part(s, pixel, channel), {channels.extent, g.P, g.Q}), 0,
         zero_behind);
  });
}

/// Exchanges int16 pixels and channels. int16 maps cannot be weights, so a convolution for each
/// channel that becomes pixels has the old pixels as taps: output channel m selects tap m.
void exchange_wide(Lowering& ctx, const Op& o, const AxesOrder& order, int to) {
  const Shape from = ctx.shape(order.map), s = ctx.shape(to);
  const PixelLine line(order, from, s);
  const int taps = line.channels.extent;
  const auto step = step_of(line.channels.from, taps, from);
  if (!step && from.H > 1) {  // in a single row they would be a line
    const Axes all{order.map, 0, {from.H * from.W, from.C}, {from.C, 1}};
    AxesOrder flat = order;
    flat.map = in_order(ctx, o, all, {from.C, 1, from.H * from.W}, false);
    return exchange_wide(ctx, o, flat, to);
  }
  std::int64_t layers = 1;
  for (const AxesOrder::Axis& a : line.outer) layers *= a.extent;
  if (!step || layers > kMostLayers)
    return note(ctx,
                refusal(ctx, o, o.outputs[0], Reason::kLayout,
                        ": its channels are pixels of the input, {} apart (allowed in int16: {}), "
                        "in {} pieces (allowed: {})",
                        line.channels.from, kMostStride, layers, kMostLayers));
  for_each_index(line.outer, [&](std::int64_t code, std::int64_t pixel, std::int64_t channel) {
    const CodePlace place = code_place(ctx, order.map, order.first + code);
    const int word = place.channel / 4 * 4, bytes = std::min(4, from.C - word);
    Layer layer =
        selection(ctx, o, channels_of(ctx, order.map, word, bytes), std::vector(at(taps), -1));
    const bool down = taps > 1 && step->x == 0;
    layer.window = line.window(from, place);
    (down ? layer.window.R : layer.window.S) = taps;
    (down ? layer.window.dil_y : layer.window.dil_x) = std::max(step->y, step->x);
    layer.clear_weights();
    for (int m = 0; m < taps; ++m)
      take_code(ctx, layer, m, down ? m : 0, down ? 0 : m, place.channel - word);
    set_sweeps(layer);
    const Shape own{taps, layer.window.P, layer.window.Q};
    add_layer_to(ctx, add_part(ctx, to, line.part(s, pixel, channel), own), std::move(layer));
  });
}

/// Returns a constant map with the codes 1 on its diagonal: `size` pixels, in a row or a column,
/// times `size` channels.
int identity(Lowering& ctx, int tensor, int size, bool column) {
  const auto [entry, is_new] = ctx.identities.try_emplace({size, column}, -1);
  if (!is_new) return entry->second;
  entry->second = add_map(ctx, tensor, {size, column ? size : 1, column ? 1 : size});
  std::vector<std::int8_t>& codes = ctx.net.maps[at(entry->second)].codes;
  codes.assign(at(size) * at(size), 0);
  for (int i = 0; i < size; ++i) codes[at(i) * at(size) + at(i)] = 1;
  return entry->second;
}

/// Exchanges pixels and channels: out[c][p] = sum over k of 1[c][k] * map[p][k]. The activations
/// are the identity. The weights are the map; pixels that are not neighbours are copied first.
void exchange(Lowering& ctx, const Op& o, const AxesOrder& order, std::size_t channel, int to) {
  if (!ctx.config.zero_points())
    return note(ctx, refusal(ctx, o, o.outputs[0], Reason::kConfiguration,
                             ": its channels are pixels of the input, which needs products of two "
                             "maps (matmul.enable)"));
  const Shape s = ctx.shape(to);
  const AxesOrder::Axis pixels = order.axes[channel];  // that become channels
  std::vector<AxesOrder::Axis> outer;
  AxesOrder::Axis swapped{1, 1, false, true, 1, 1};  // channels that become pixels
  for (std::size_t i = 0; i < order.axes.size(); ++i) {
    const AxesOrder::Axis& a = order.axes[i];
    if (!a.from_pixels && a.to_pixels && a.stride == 1 && step_of(a.to, a.extent, s))
      swapped = a;
    else if (i != channel)
      outer.push_back(a);
  }
  Axes axes{order.map, order.first, {}, {}};
  for (const AxesOrder::Axis& a : outer) {
    axes.extents.push_back(a.extent);
    axes.strides.push_back(a.stride);
  }
  std::vector<std::int64_t> first = codes_of(axes);
  const auto count = static_cast<int>(first.size());
  axes.extents.insert(axes.extents.end(), {pixels.extent, swapped.extent});
  axes.strides.insert(axes.strides.end(), {pixels.stride, swapped.stride});
  Matrices m{axes, pixels.extent, swapped.extent};
  if (!readable(ctx, m, first, true)) {
    m.axes.map = in_order(ctx, o, axes, {swapped.extent, count, pixels.extent}, false);
    for (int i = 0; i < count; ++i) first[at(i)] = std::int64_t{i} * pixels.extent * swapped.extent;
  }
  const PixelStep step = *step_of(swapped.to, swapped.extent, s);
  const bool column = swapped.extent > 1 && step.x == 0;
  std::size_t batch = 0;
  for_each_index(outer, [&](std::int64_t, std::int64_t pixel, std::int64_t above) {
    CodePlace place = code_place(ctx, m.axes.map, first[batch++]);
    for (int c = 0; c < swapped.extent; c += kIdentityPixels) {
      const int size = std::min(kIdentityPixels, swapped.extent - c);
      const int ones = identity(ctx, ctx.net.maps[at(to)].tensor, size, column);
      Layer layer = start(ctx, o, LayerKind::kConv, ones);
      layer.macs = 0;
      set_scale(layer, pixels.extent, kOne);
      set_weight_map(ctx, o, layer, m.axes.map, {place.channel + c, place.y, place.x}, size);
      set_sweeps(layer);
      const std::int64_t at_pixel = pixel + std::int64_t{c} * swapped.to;
      const Part part{-1,
                      static_cast<int>(above),
                      static_cast<int>(at_pixel / s.W),
                      static_cast<int>(at_pixel % s.W),
                      column ? step.y : 1,
                      column ? 1 : step.x};
      const int P = layer.window.P, Q = layer.window.Q;
      add_layer_to(ctx, add_part(ctx, to, part, {layer.channels, P, Q}), std::move(layer));
    }
  });
}

}  // namespace

int in_order(Lowering& ctx, const Op& o, const Axes& axes, const Shape& shape, bool zero_behind) {
  const int tensor = ctx.net.maps[at(axes.map)].tensor;
  const int map = add_map(ctx, tensor, shape);
  put_in_order(ctx, o, axes, map, zero_behind);
  return map;
}

void put_in_order(Lowering& ctx, const Op& o, const Axes& axes, int to, bool zero_behind) {
  if (ctx.net.maps[at(axes.map)].constant() && ctx.net.maps[at(to)].part.whole < 0)
    return put_constant(ctx, axes, to);
  const Shape from = ctx.shape(axes.map), s = ctx.shape(to);
  AxesOrder order{axes.map, axes.first, {}};
  // Axes that cross from channel to channel, or pixel to pixel, are split in two.
  const model::View all = model::without_ones({axes.extents, axes.strides});
  std::int64_t here = 1;  // codes of the new map, from the inner axes on
  for (std::size_t i = all.extents.size(); i-- > 0;) {
    std::int64_t stride = all.strides[i];
    int left = all.extents[i];
    while (left > 1) {
      const bool from_pixels = stride % from.C == 0, to_pixels = here % s.C == 0;
      std::int64_t part = left;
      if (!from_pixels) part = std::min(part, divide_up(from.C, stride));
      if (!to_pixels) part = std::min(part, s.C / here);
      if (part < 2 || left % part != 0 || (!to_pixels && s.C % here != 0) ||
          (!from_pixels && part < left && from.C % stride != 0))
        return note(ctx, refusal(ctx, o, o.outputs[0], Reason::kLayout,
                                 ": its new order of elements splits channels"));
      for (const std::int64_t row : {in_row(stride, from), in_row(here, s)})
        if (row < part && part % row == 0 && left % row == 0) part = row;
      order.axes.push_back({static_cast<int>(part), stride, from_pixels, to_pixels,
                            static_cast<int>(from_pixels ? stride / from.C : stride),
                            static_cast<int>(to_pixels ? here / s.C : here)});
      stride *= part;
      here *= part;
      left /= static_cast<int>(part);
    }
  }
  std::ranges::reverse(order.axes);
  const auto channel = std::ranges::find_if(
      order.axes, [](const AxesOrder::Axis& a) { return !a.to_pixels && a.to == 1; });
  if (channel != order.axes.end() && channel->from_pixels)
    return from.wide ? exchange_wide(ctx, o, order, to)
                     : exchange(ctx, o, order, at(channel - order.axes.begin()), to);
  copy_lines(ctx, o, order, to, zero_behind);
}

}  // namespace trine::compiler
