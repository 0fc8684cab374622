// SPDX-License-Identifier: Apache-2.0
//
// Operators that only move codes: copies by the vector unit, words at a time, or convolutions of
// one tap that select channels; or no layer at all, where a map can lie in another one.

#include <numeric>

#include "sw/compiler/lowering.h"

namespace trine::compiler {
namespace {

using model::Slice;

constexpr int kMostStride = 255;  ///< fields stride_x, stride_y, out_skip

Slice all_channels(const Shape& s) { return {0, 1, s.C}; }

/// Elements along one axis of the image: begin, begin + stride, ...
struct Line {
  int begin = 0, stride = 1, count = 1;
};

/// What slices first..last-1 of a tensor of that shape select of these axes, taken as one.
/// @return nothing if they don't lie equally far apart
std::optional<Line> line_of(const std::vector<int>& shape, const std::vector<Slice>& slices,
                            std::size_t first, std::size_t last) {
  Line line;
  std::int64_t inner = 1;
  for (std::size_t axis = last; axis-- > first; inner *= shape[axis]) {
    const Slice& s = slices[axis];
    line.begin += static_cast<int>(s.begin * inner);
    if (s.size == 1) continue;
    const std::int64_t step = s.stride * inner;
    if (line.count > 1 && step != std::int64_t{line.stride} * line.count) return std::nullopt;
    if (line.count == 1) {
      if (step < 1 || step > kMostStride) return std::nullopt;
      line.stride = static_cast<int>(step);
    }
    line.count *= static_cast<int>(s.size);
  }
  return line;
}

/// Pixels of an image, and channels.
struct Selection {
  Line y, x;
  Slice channels;
};

/// @return nothing if pixels don't lie equally far apart
std::optional<Selection> selection_of(const std::vector<int>& shape,
                                      const std::vector<Slice>& slices) {
  if (shape.empty()) return Selection{{}, {}, {0, 1, 1, false}};
  const std::size_t last = shape.size() - 1;
  const bool image = shape.size() == 4;
  const auto y = image ? line_of(shape, slices, 1, 2) : Line{};
  const auto x = line_of(shape, slices, image ? 2 : 0, last);
  if (!y || !x) return std::nullopt;
  return Selection{*y, *x, slices[last]};
}

/// A tensor of shape `inner` inside of one of another shape, from these coordinates on.
std::vector<Slice> slices_of(const std::vector<int>& inner,
                             const std::vector<std::int64_t>& begin) {
  std::vector<Slice> slices;
  for (std::size_t axis = 0; axis < inner.size(); ++axis)
    slices.push_back({begin[axis], 1, inner[axis], false});
  return slices;
}

}  // namespace

// ---- copies -------------------------------------------------------------------------------------

Layer Lowering::selection(const Op& o, int from, const std::vector<int>& channel_of) const {
  Layer layer = start(o, LayerKind::kConv);
  layer.input = from;
  layer.channels = static_cast<int>(channel_of.size());
  set_pointwise(layer);
  layer.weights.assign(at(layer.channels) * at(layer.steps()) * at(layer.step_codes), 0);
  for (int m = 0; m < layer.channels; ++m)
    if (channel_of[at(m)] >= 0) weight(layer, m, 0, 0, channel_of[at(m)]) = 1;
  layer.bias.assign(at(layer.channels), 0);
  layer.scales.assign(at(layer.channels), kOne);
  layer.per_tensor = true;
  layer.range = {0, -128, 127};
  set_sweeps(layer, shape(from));
  return layer;
}

void Lowering::move(const Op& o, int from, const Slice& channels, const Geometry& window, int to,
                    int outside) {
  const int per_word = shape(from).per_word, count = static_cast<int>(channels.size);
  const auto first = static_cast<int>(channels.begin);
  const bool words = (channels.stride == 1 || count == 1) && first % per_word == 0 &&
                     net_.maps[at(to)].position() == 0;
  Layer layer;
  if (words && (config_.vector || per_word != 4)) {
    layer = start(o, LayerKind::kMax);
    layer.input = channels_of(from, first, count);
    layer.words = shape(layer.input).channel_words();
  } else {
    // Of the words that hold the channels.
    std::vector<int> channel_of(at(count));
    for (int i = 0; i < count; ++i)
      channel_of[at(i)] = first + i * static_cast<int>(channels.stride);
    const auto [low, high] = std::minmax(channel_of.front(), channel_of.back());
    const int begin = low / 4 * 4, end = high + 1;
    for (int& c : channel_of) c -= begin;
    layer = selection(o, channels_of(from, begin, end - begin), channel_of);
  }
  layer.window = window;
  layer.pad_code = packed_byte(outside, per_word);
  if (layer.kind == LayerKind::kConv) {
    layer.outside = outside;
    set_sweeps(layer, shape(layer.input));
  }
  add_layer_to(to, std::move(layer));
}

// ---- concatenation ------------------------------------------------------------------------------

/// What only a concatenation of channels reads from a whole word on, its producer writes there: no
/// copy. With other readers its own last word must be full, as they may count on zeros beyond the
/// last channel.
void Lowering::find_concatenated() {
  std::map<int, int> uses;
  const auto joins_channels = [&](const Op& o) {
    return o.kind == OpKind::kConcatenation && graph_.out(o).rank() > 0 &&
           (o.axis < 0 ? o.axis + graph_.out(o).rank() : o.axis) == graph_.out(o).rank() - 1;
  };
  for (const int i : machine_)
    if (op(i).kind == OpKind::kConcatenation)
      for (const int t : op(i).inputs) ++uses[t];
  const auto& outputs = net_.output_tensors;
  for (const int i : machine_) {
    if (!joins_channels(op(i))) continue;
    int channel = 0;
    for (const int t : op(i).inputs) {
      const int C = graph_.tensor(t).extent(-1);
      const bool own = std::find(outputs.begin(), outputs.end(), t) != outputs.end();
      if (channel % 4 == 0 && uses[t] == 1 && !own && (readers_[t] == 1 || C % 4 == 0))
        concatenated_[t] = {op(i).outputs[0], channel};
      channel += C;
    }
  }
}

void Lowering::concatenation(const Op& o) {
  const Tensor& out = graph_.out(o);
  const int axis = o.axis < 0 ? o.axis + out.rank() : o.axis;
  if (map_of_.count(o.outputs[0]) == 0)
    new_output(o, shape_of(out.shape, with_tensor(graph_, o, o.outputs[0])));
  const int whole = map_of(o.outputs[0]);
  std::vector<std::int64_t> begin(out.shape.size());
  for (int i = 0; i < static_cast<int>(o.inputs.size()); ++i) {
    const int from = image(o, i);
    const Shape s = shape(from);
    const std::vector<int>& part = graph_.in(o, i).shape;
    const auto place = selection_of(out.shape, slices_of(part, begin));
    if (!place)
      fail(o, fmt::format("tensor {} '{}': axis {} lies between others", o.input(i),
                          graph_.in(o, i).name, axis));
    const int channel = static_cast<int>(place->channels.begin);
    if (!is_part_of(from, whole, channel)) {
      Geometry window;
      window.H = window.P = s.H;
      window.W = window.Q = s.W;
      move(o, from, all_channels(s), window,
           add_part(whole, {-1, channel, place->y.begin, place->x.begin, 1, place->x.stride}, s),
           0);
    }
    begin[at(axis)] += part[at(axis)];
  }
}

bool Lowering::is_part_of(int map, int whole, int channel) const {
  const Part &part = net_.maps[at(map)].part, &outer = net_.maps[at(whole)].part;
  return outer.whole >= 0 ? part.whole == outer.whole && part.channel == outer.channel + channel
                          : part.whole == whole && part.channel == channel;
}

// ---- slices -------------------------------------------------------------------------------------

/// Channels from a whole word on are a part of the input: no layer.
void Lowering::strided_slice(const Op& o) {
  const Tensor& t = graph_.in(o, 0);
  const auto selected = selection_of(t.shape, model::slices(graph_, o));
  if (!selected || t.is_constant)
    fail(o, fmt::format("tensor {} '{}' {}", o.input(0), t.name,
                        t.is_constant ? "is a constant"
                                      : "is cut into pixels that don't lie equally far apart, "
                                        "1 to 255"));
  const int from = image(o, 0);
  const Shape s = shape(from);
  const auto& [y, x, channels] = *selected;
  const auto& outputs = net_.output_tensors;
  const bool own = concatenated_.count(o.outputs[0]) > 0 ||
                   std::find(outputs.begin(), outputs.end(), o.outputs[0]) != outputs.end();
  if (!own && y.count == s.H && x.count == s.W && channels.stride == 1 &&
      channels.begin % s.per_word == 0) {
    map_of_[o.outputs[0]] =
        channels_of(from, static_cast<int>(channels.begin), static_cast<int>(channels.size));
    return;
  }
  Geometry g;
  g.H = s.H;
  g.W = s.W;
  g.P = y.count;
  g.Q = x.count;
  g.stride_y = y.stride;
  g.stride_x = x.stride;
  g.pad_top = -y.begin;
  g.pad_left = -x.begin;
  move(o, from, channels, g, new_output(o, {static_cast<int>(channels.size), g.P, g.Q}), 0);
}

// ---- padding ------------------------------------------------------------------------------------

void Lowering::pad(const Op& o) {
  const Tensor &t = graph_.in(o, 0), &out = graph_.out(o);
  const int map = image(o, 0);
  if (t.shape == out.shape) {
    map_of_[o.outputs[0]] = map;
    return;
  }
  std::vector<std::int64_t> begin;
  for (const auto& [before, behind] : model::paddings(graph_, o)) begin.push_back(before);
  const auto place = selection_of(out.shape, slices_of(t.shape, begin));
  if (!place || place->x.stride != 1)
    fail(o, fmt::format("tensor {} '{}': the padded axis lies between others", o.input(0), t.name));
  const Shape s = shape(map), to = shape_of(out.shape, with_tensor(graph_, o, o.outputs[0]));
  Geometry g;
  g.H = s.H;
  g.W = s.W;
  g.P = to.H;
  g.Q = to.W;
  g.pad_top = place->y.begin;
  g.pad_left = place->x.begin;
  const int code = o.kind == OpKind::kPadV2 ? static_cast<int>(graph_.in(o, 2).integers().at(0))
                                            : out.zero_point();
  if (s.C != to.C) return pad_channels(o, map, g, static_cast<int>(place->channels.begin), code);
  if (only_convolutions_read(o.outputs[0]) &&
      (code == out.zero_point() || !padded_again(o.outputs[0]))) {
    folded_pads_[o.outputs[0]] = {map, g.pad_top, g.pad_left, code};
    return;
  }
  const int bits = 32 / s.per_word;
  if (bits == 1 ? code != -1 && code != 1 : bits == 2 && (code < -1 || code > 1))
    fail(o, fmt::format("tensor {} '{}' is padded with {}, which {} bits do not hold", o.input(0),
                        t.name, code, bits));
  move(o, map, all_channels(s), g, new_output(o, to), code);
}

void Lowering::pad_channels(const Op& o, int map, const Geometry& window, int before, int code) {
  if (shape(map).per_word != 4)
    fail(o, fmt::format("tensor {} '{}': channels of packed codes cannot be padded", o.input(0),
                        graph_.in(o, 0).name));
  std::vector<int> channel_of(at(graph_.out(o).extent(-1)), -1);
  const auto own = channel_of.begin() + before;
  std::iota(own, own + shape(map).C, 0);
  Layer layer = selection(o, map, channel_of);
  for (int m = 0; m < layer.channels; ++m)
    if (channel_of[at(m)] < 0) layer.bias[at(m)] = code;
  layer.window = window;
  layer.outside = layer.pad_code = code;
  set_sweeps(layer, shape(map));
  add_layer(o, std::move(layer));
}

/// Channels, then rows, then columns; lines that follow each other go together.
void Lowering::mirror_pad(const Op& o) {
  const Tensor &t = graph_.in(o, 0), &out = graph_.out(o);
  const std::vector<std::vector<int>> sources = model::mirrored(graph_, o);
  const std::size_t rank = sources.size(), image_axes = t.rank() == 4 ? 3 : 2;
  for (std::size_t axis = 0; axis + image_axes < rank; ++axis)
    if (out.shape[axis] != 1)
      fail(o, fmt::format("tensor {} '{}': axes before the last {} have more than one element",
                          o.input(0), t.name, image_axes));
  int map = image(o, 0);
  const Shape s = shape(map), to = shape_of(out.shape, with_tensor(graph_, o, o.outputs[0]));
  const auto next = [&](const Shape& reached) {
    return reached == to ? new_output(o, to) : add_map(o.outputs[0], reached);
  };
  if (s == to) map_of_[o.outputs[0]] = map;
  if (s.C != to.C) {
    Layer layer = selection(o, map, sources[rank - 1]);
    add_layer_to(map = next({to.C, s.H, s.W}), std::move(layer));
  }
  if (s.H != to.H) {
    const int from = map;
    map = next({to.C, to.H, s.W});
    move_lines(o, from, sources[rank - 3], true, map);
  }
  if (s.W != to.W) move_lines(o, map, sources[rank - 2], false, next(to));
}

void Lowering::move_lines(const Op& o, int from, const std::vector<int>& sources, bool rows,
                          int to) {
  const Shape s = shape(from);
  const int lines = static_cast<int>(sources.size());
  for (int first = 0, end = 0; first < lines; first = end) {
    do ++end;
    while (end < lines && sources[at(end)] == sources[at(end - 1)] + 1);
    Geometry g;
    g.H = s.H;
    g.W = s.W;
    g.P = rows ? end - first : s.H;
    g.Q = rows ? s.W : end - first;
    (rows ? g.pad_top : g.pad_left) = -sources[at(first)];
    const int part = add_part(to, {-1, 0, rows ? first : 0, rows ? 0 : first}, {s.C, g.P, g.Q});
    move(o, from, all_channels(s), g, part, 0);
  }
}

// ---- blocks of pixels and channels --------------------------------------------------------------

/// Every b-th pixel of every b-th row becomes neighbouring channels.
void Lowering::space_to_depth(const Op& o) {
  const int from = image(o, 0), b = o.block;
  const Shape s = shape(from);
  if (b > kMostStride)
    fail(o, fmt::format("tensor {} '{}': block size {}, allowed 1..{}", o.input(0),
                        graph_.in(o, 0).name, b, kMostStride));
  const int to = new_output(o, shape_of(graph_.out(o).shape, with_tensor(graph_, o, o.outputs[0])));
  Geometry g;
  g.H = s.H;
  g.W = s.W;
  g.P = s.H / b;
  g.Q = s.W / b;
  g.stride_y = g.stride_x = b;
  for (int i = 0; i < b * b; ++i) {
    g.pad_top = -(i / b);
    g.pad_left = -(i % b);
    move(o, from, all_channels(s), g, add_part(to, {-1, i * s.C}, {s.C, g.P, g.Q}), 0);
  }
}

void Lowering::depth_to_space(const Op& o) {
  const int from = image(o, 0), b = o.block;
  const Shape s = shape(from),
              out = shape_of(graph_.out(o).shape, with_tensor(graph_, o, o.outputs[0]));
  if (b > kMostStride)
    fail(o, fmt::format("tensor {} '{}': block size {}, allowed 1..{}", o.input(0),
                        graph_.in(o, 0).name, b, kMostStride));
  const int to = new_output(o, out);
  Geometry g;
  g.H = g.P = s.H;
  g.W = g.Q = s.W;
  for (int i = 0; i < b * b; ++i)
    move(o, from, {std::int64_t{i} * out.C, 1, out.C, false}, g,
         add_part(to, {-1, 0, i / b, i % b, b, b}, {out.C, s.H, s.W}), 0);
}

bool Lowering::padded_again(int tensor) const {
  return std::any_of(machine_.begin(), machine_.end(), [&](int i) {
    if (!is_convolution(op(i).kind) || op(i).input(0) != tensor) return false;
    const model::Window w = model::window(graph_, op(i));
    return w.pad_top + w.pad_bottom + w.pad_left + w.pad_right > 0;
  });
}

bool Lowering::only_convolutions_read(int tensor) {
  int count = 0;
  for (const int i : machine_)
    if (is_convolution(op(i).kind) && op(i).input(0) == tensor) ++count;
  return count > 0 && count == readers_[tensor];
}

}  // namespace trine::compiler
