// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_movement.h"

#include <functional>
#include <numeric>

#include "spec/precision.h"
#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_axes.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_lines.h"
#include "sw/compiler/lower/lower_products.h"
#include "sw/compiler/lower/maps.h"

namespace trine::compiler {
namespace {

using model::Slice;

/// The elements of an operand that a selection takes along each axis, in any order.
struct Elements {
  std::vector<int> extents;               ///< extents of the operand's axes
  std::vector<std::vector<int>> sources;  ///< by axis of the result: the operand's elements
};

Slice all_channels(const Shape& s) { return {0, 1, s.C}; }

/// Elements along one axis of the image: begin, begin + stride, ...
struct Line {
  int begin = 0, stride = 1, count = 1;
};

/// Returns the elements that slices first..last-1 select of these axes of a tensor, taken as one
/// axis.
/// @return nothing if they are not equidistant
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

/// Selected pixels of an image, and channels.
struct Selection {
  Line y, x;
  Slice channels;
};

/// @return nothing if pixels are not equidistant
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

/// Returns the slices of a tensor of shape `inner` at these coordinates of another tensor.
std::vector<Slice> slices_of(const std::vector<int>& inner,
                             const std::vector<std::int64_t>& begin) {
  std::vector<Slice> slices;
  for (std::size_t axis = 0; axis < inner.size(); ++axis)
    slices.push_back({begin[axis], 1, inner[axis], false});
  return slices;
}

/// Returns the indices of all elements, in order, for each axis.
std::vector<std::vector<int>> all_elements(const std::vector<int>& shape) {
  std::vector<std::vector<int>> all;
  for (const int extent : shape) {
    all.emplace_back(at(extent));
    std::iota(all.back().begin(), all.back().end(), 0);
  }
  return all;
}

/// Returns the pixels of a tensor that is not an image, for these elements of all axes except the
/// last.
std::vector<int> pixels_of(const std::vector<int>& shape,
                           const std::vector<std::vector<int>>& sources) {
  std::vector<int> pixels{0};
  for (std::size_t axis = 0; axis + 1 < shape.size(); ++axis) {
    std::vector<int> finer;
    for (const int pixel : pixels)
      for (const int source : sources[axis]) finer.push_back(pixel * shape[axis] + source);
    pixels = std::move(finer);
  }
  return pixels;
}

}  // namespace

// ---- copies -------------------------------------------------------------------------------------

Layer selection(const Lowering& ctx, const Op& o, int from, const std::vector<int>& channel_of) {
  Layer layer = start(ctx, o, LayerKind::kConv, from);
  layer.macs = 0;
  set_scale(layer, static_cast<int>(channel_of.size()), kOne);
  if (ctx.shape(from).wide) {
    layer.conv().precision = isa::compute::Op::kInt16;
    layer.single = false;  // sums have 32 bits
  }
  layer.clear_weights();
  for (int m = 0; m < layer.channels; ++m)
    if (channel_of[at(m)] >= 0) take_code(ctx, layer, m, 0, 0, channel_of[at(m)]);
  set_sweeps(layer);
  return layer;
}

/// Selects a code. Low bytes of int16 codes are stored 128 less than their value.
void take_code(const Lowering& ctx, Layer& layer, int m, int ky, int kx, int c) {
  weight(layer, m, ky, kx, c) = 1;
  if (ctx.shape(layer.input).wide) layer.bias[at(m)] = 128;
}

namespace {

/// Returns the refusal of a border whose code the machine cannot represent: both bytes of a word
/// outside of the image are one code.
model::Refusal wide_border(const GraphFacts& facts, const Op& o, int code) {
  return refusal(facts, o, o.outputs[0], Reason::kRange,
                 " is padded with {}, allowed 0, because convolutions reorder the int16 channels",
                 code);
}

}  // namespace

void move(Lowering& ctx, const Op& o, int from, const Slice& channels, const Geometry& window,
          int to, int outside, bool zero_behind) {
  const int per_word = ctx.shape(from).per_word, count = static_cast<int>(channels.size);
  const auto first = static_cast<int>(channels.begin);
  const bool words = (channels.stride == 1 || count == 1) && first % per_word == 0 &&
                     ctx.net.maps[at(to)].position() == 0 &&
                     !(zero_behind && count % per_word != 0);
  Layer layer;
  if (words && (ctx.config.vector || per_word != 4)) {
    layer = start(ctx, o, LayerKind::kMax, channels_of(ctx, from, first, count));
    layer.macs = 0;
  } else {
    // The channel of each lane, within the words that contain these channels.
    std::vector<int> channel_of(at(count));
    for (int i = 0; i < count; ++i)
      channel_of[at(i)] = first + i * static_cast<int>(channels.stride);
    const auto [low, high] = std::minmax(channel_of.front(), channel_of.back());
    const int begin = low / 4 * 4, end = high + 1;
    for (int& c : channel_of) c -= begin;
    layer = selection(ctx, o, channels_of(ctx, from, begin, end - begin), channel_of);
  }
  layer.window = window;
  const bool whole = ctx.shape(from).wide && layer.kind == LayerKind::kMax;
  layer.pad_code = whole ? outside : packed_byte(outside, per_word);
  if (layer.kind == LayerKind::kConv) {
    if (ctx.shape(from).wide && outside != 0) note(ctx, wide_border(ctx, o, outside));
    layer.conv().outside = outside;
    set_sweeps(layer);
  }
  add_layer_to(ctx, to, std::move(layer));
}

// ---- concatenation ------------------------------------------------------------------------------

namespace {

/// Returns true if layers make the operator's output, or rows of it, and no other tensor shares its
/// layout.
bool makes_alone(const Op& o) {
  return is_product(o.kind) || o.kind == OpKind::kBatchMatMul || model::is_requantization(o.kind) ||
         o.kind == OpKind::kMean || o.kind == OpKind::kAveragePool2D ||
         o.kind == OpKind::kMaxPool2D;
}

/// Returns the map of an operand of one pixel if the map is a row of pixels of whole words, or -1.
int row_of_pixel(Lowering& ctx, const Op& o, int position) {
  const int tensor = o.input(position);
  const Tensor& t = ctx.graph.tensor(tensor);
  if (ctx.axes.contains(tensor) || t.is_constant || !ctx.config.vector) return -1;
  const Shape own = shape_of(t.shape, with_tensor(ctx.graph, o, tensor)),
              s = ctx.shape(map_of(ctx, tensor));
  const bool row = own.pixels() == 1 && s.H == 1 && s.W > 1 && s.C % 4 == 0 && s.per_word == 4;
  return row && own.C == s.C * s.W ? map_of(ctx, tensor) : -1;
}

/// Joins along an axis between others of a tensor that is not an image, with a copy for each
/// element of the axes before.
void join_between(Lowering& ctx, const Op& o, int position, int axis, int begin) {
  const std::vector<int>& out = ctx.graph.out(o).shape;
  const int from = image(ctx, o, position), whole = map_of(ctx, o.outputs[0]);
  int outer = 1, inner = 1;
  for (int i = 0; i + 1 < static_cast<int>(out.size()); ++i)
    if (i != axis) (i < axis ? outer : inner) *= out[at(i)];
  const Shape s = ctx.shape(from);
  const int pixels = s.W / outer;
  for (int i = 0; i < outer; ++i) {
    const int x = (i * out[at(axis)] + begin) * inner;
    move(ctx, o, from, all_channels(s), {.W = s.W, .Q = pixels, .pad_left = -i * pixels},
         add_part(ctx, whole, {-1, 0, 0, x}, {s.C, 1, pixels}), 0);
  }
}

bool is_part_of(const Lowering& ctx, int map, int whole, const Part& place) {
  const Part &part = ctx.net.maps[at(map)].part, &outer = ctx.net.maps[at(whole)].part;
  return part.whole == (outer.whole >= 0 ? outer.whole : whole) &&
         part.channel == outer.channel + place.channel &&
         part.y == outer.y + place.y * outer.stride_y &&
         part.x == outer.x + place.x * outer.stride_x;
}

}  // namespace

/// Finds tensors that only a concatenation reads; their producers write into its map without a
/// copy. Channels must begin with a whole word. If they have other readers, their last word must be
/// full, because readers may rely on zeros after the last channel. Pixels must not have other
/// readers.
void find_concatenated(GraphFacts& facts) {
  std::map<int, int> uses;
  for (const int i : facts.part.ops)
    if (facts.op(i).kind == OpKind::kConcatenation)
      for (const int t : facts.op(i).inputs) ++uses[t];
  for (const int i : facts.part.ops) {
    if (facts.op(i).kind != OpKind::kConcatenation || facts.graph.out(facts.op(i)).rank() == 0)
      continue;
    const Tensor& out = facts.graph.out(facts.op(i));
    const int axis = facts.op(i).axis < 0 ? facts.op(i).axis + out.rank() : facts.op(i).axis;
    std::vector<std::int64_t> begin(out.shape.size());
    for (const int t : facts.op(i).inputs) {
      const std::vector<int>& own = facts.graph.tensor(t).shape;
      const auto place = selection_of(out.shape, slices_of(own, begin));
      const bool read = std::ranges::count(facts.part.outputs, t) > 0 || uses[t] != 1;
      const int from = producer_of(facts, t);
      const bool channels = axis == out.rank() - 1, alone = facts.readers[t] == 1;
      const bool fits = channels ? begin.back() % 4 == 0 && (alone || own.back() % 4 == 0)
                                 : place && place->x.stride == 1 && place->y.stride == 1 && alone &&
                                       from >= 0 && makes_alone(facts.op(from));
      if (!read && fits)
        facts.concatenated[t] = {facts.op(i).outputs[0],
                                 {-1, static_cast<int>(begin.back()), channels ? 0 : place->y.begin,
                                  channels ? 0 : place->x.begin}};
      begin[at(axis)] += own[at(axis)];
    }
  }
}

Problem concatenation_problem(const Lowering& ctx, const Op& o) {
  const Tensor& out = ctx.graph.out(o);
  const int axis = o.axis < 0 ? o.axis + out.rank() : o.axis;
  if (!ctx.map_by_tensor.contains(o.outputs[0]))
    if (auto problem = first_of(out_problem(ctx, o), result_problem(ctx, o))) return problem;
  const int outer = static_cast<int>(std::accumulate(out.shape.begin(), out.shape.begin() + axis,
                                                     std::int64_t{1}, std::multiplies()));
  std::vector<std::int64_t> begin(out.shape.size());
  for (const int t : o.inputs) {
    if (auto problem = image_problem(ctx, o, t)) return problem;
    const std::vector<int>& own = ctx.graph.tensor(t).shape;
    if (!selection_of(out.shape, slices_of(own, begin)) && outer > kMostLayers)
      return refusal(ctx, o, t, Reason::kShape,
                     ": is moved in {} separate pieces, allowed at most {}", outer, kMostLayers);
    begin[at(axis)] += own[at(axis)];
  }
  return std::nullopt;
}

void concatenation(Lowering& ctx, const Op& o) {
  const Tensor& out = ctx.graph.out(o);
  const int axis = o.axis < 0 ? o.axis + out.rank() : o.axis;
  if (!ctx.map_by_tensor.contains(o.outputs[0])) new_output(ctx, o, out_shape(ctx, o));
  const int whole = map_of(ctx, o.outputs[0]);
  std::vector<std::int64_t> begin(out.shape.size());
  for (int i = 0; i < static_cast<int>(o.inputs.size()); ++i) {
    const std::vector<int>& own = ctx.graph.in(o, i).shape;
    const auto place = selection_of(out.shape, slices_of(own, begin));
    // Neighbouring pixels do not share a word, because their channels begin with whole words.
    const bool aligned = place && place->channels.begin % 4 == 0;
    const int row = aligned ? row_of_pixel(ctx, o, i) : -1,
              from = row >= 0 ? row : image(ctx, o, i);
    const Shape s = ctx.shape(from);
    if (place) {
      Part part{-1, static_cast<int>(place->channels.begin), place->y.begin, place->x.begin};
      if (row >= 0)
        part.pixel_words = s.channel_words();
      else
        part.stride_x = place->x.stride;
      if (row >= 0 || !is_part_of(ctx, from, whole, part))
        move(ctx, o, from, all_channels(s), pointwise(s), add_part(ctx, whole, part, s), 0);
    } else {
      join_between(ctx, o, i, axis, static_cast<int>(begin[at(axis)]));
    }
    begin[at(axis)] += own[at(axis)];
  }
}

// ---- slices -------------------------------------------------------------------------------------

namespace {

/// Returns the elements of each axis that a STRIDED_SLICE selects.
Elements sliced(const std::vector<int>& extents, const std::vector<Slice>& slices) {
  Elements chosen{extents, {}};
  for (const Slice& slice : slices) {
    chosen.sources.emplace_back();
    for (std::int64_t i = 0; i < slice.size; ++i)
      chosen.sources.back().push_back(static_cast<int>(slice.begin + i * slice.stride));
  }
  return chosen;
}

Axes sliced_axes(Axes axes, const std::vector<Slice>& slices) {
  for (std::size_t i = 0; i < slices.size(); ++i) {
    axes.first += slices[i].begin * axes.strides[i];
    axes.strides[i] *= slices[i].stride;
    axes.extents[i] = static_cast<int>(slices[i].size);
  }
  return axes;
}

/// Returns true if all readers can read rows in any order: products of two maps, softmax.
bool read_in_any_order(const Lowering& ctx, int tensor) {
  return std::ranges::all_of(readers_of(ctx, tensor), [&](int reader) {
    const Op& o = ctx.op(reader);
    const bool view = o.kind == OpKind::kReshape || o.kind == OpKind::kTranspose;
    return o.kind == OpKind::kBatchMatMul || (o.kind == OpKind::kSoftmax && !is_wide(ctx, o)) ||
           (view && read_in_any_order(ctx, o.outputs[0]));
  });
}

}  // namespace

/// Returns the map of channels that begin with a whole word. If it is part of another map, copies
/// it.
int own_map(Lowering& ctx, int tensor) {
  const int from = map_of(ctx, tensor);
  if (ctx.net.maps[at(from)].part.whole < 0) return from;
  const Shape s = ctx.shape(from);
  const int to = add_map(ctx, tensor, s);
  move(ctx, ctx.op(producer_of(ctx, tensor)), from, all_channels(s), pointwise(s), to, 0);
  return ctx.map_by_tensor[tensor] = to;
}

namespace {

/// The selected elements as lines of an image.
struct Lines {
  explicit Lines(const Elements& e) {
    const bool is_image = e.extents.size() == 4;
    channels = e.sources.empty() ? std::vector<int>{0} : e.sources.back();
    rows = is_image ? e.sources[1] : std::vector<int>{0};
    cols = is_image ? e.sources[2] : pixels_of(e.extents, e.sources);
  }
  std::vector<int> channels, rows, cols;
};

Problem select_problem(const Lowering& ctx, const Op& o, const Elements& elements) {
  if (auto problem = image_problem(ctx, o, o.input(0))) return problem;
  if (elements.extents.size() == 4 && elements.sources[0].size() != 1)
    return refusal(ctx, o, o.outputs[0], Reason::kShape, ": batch {}, allowed 1",
                   elements.sources[0].size());
  const Lines lines(elements);
  for (const std::vector<int>* sources : {&lines.rows, &lines.cols}) {
    int runs = 1;
    for (std::size_t i = 1; i < sources->size(); ++i)
      runs += (*sources)[i] != (*sources)[i - 1] + 1 ? 1 : 0;
    if (runs > kMostLayers)
      return refusal(ctx, o, o.input(0), Reason::kShape,
                     ": is moved in {} separate pieces, allowed at most {}", runs, kMostLayers);
  }
  return result_problem(ctx, o);
}

}  // namespace

Problem strided_slice_problem(const Lowering& ctx, const Op& o) {
  const Tensor& t = ctx.graph.in(o, 0);
  if (t.is_constant) return refusal(ctx, o, o.input(0), Reason::kOperands, " is a constant");
  const std::vector<Slice> slices = model::slices(ctx.graph, o);
  if (!selection_of(t.shape, slices)) return select_problem(ctx, o, sliced(t.shape, slices));
  return first_of(image_problem(ctx, o, o.input(0)), result_problem(ctx, o));
}

namespace {

/// Returns true if the selected lines differ from all `extent` lines in order.
bool moves(const std::vector<int>& from, int extent) {
  for (std::size_t i = 0; i < from.size(); ++i)
    if (from[i] != static_cast<int>(i)) return true;
  return static_cast<int>(from.size()) != extent;
}

/// Copies row (or column) sources[i] of `from` to row (or column) i of `to`.
void move_lines(Lowering& ctx, const Op& o, int from, const std::vector<int>& sources, bool rows,
                int to) {
  const Shape s = ctx.shape(from);
  const int lines = static_cast<int>(sources.size());
  for (int first = 0, end = 0; first < lines; first = end) {
    do ++end;
    while (end < lines && sources[at(end)] == sources[at(end - 1)] + 1);
    Geometry g = pointwise(s);
    (rows ? g.P : g.Q) = end - first;
    (rows ? g.pad_top : g.pad_left) = -sources[at(first)];
    const int part =
        add_part(ctx, to, {-1, 0, rows ? first : 0, rows ? 0 : first}, {s.C, g.P, g.Q});
    move(ctx, o, from, all_channels(s), g, part, 0);
  }
}

/// Selects channels, then rows, then columns. Consecutive lines are copied together.
void select(Lowering& ctx, const Op& o, const Elements& elements) {
  int map = image(ctx, o, 0);
  const Shape s = ctx.shape(map);
  const auto& [channels, rows, cols] = Lines(elements);
  int steps = moves(channels, s.C) + moves(rows, s.H) + moves(cols, s.W);
  if (steps == 0) ctx.map_by_tensor[o.outputs[0]] = map;
  const auto next = [&](const Shape& reached) {
    return --steps == 0 ? new_output(ctx, o, reached) : add_map(ctx, o.outputs[0], reached);
  };
  const int C = static_cast<int>(channels.size()), H = static_cast<int>(rows.size()),
            W = static_cast<int>(cols.size());
  if (moves(channels, s.C)) {
    Layer layer = selection(ctx, o, map, channels);
    add_layer_to(ctx, map = next({C, s.H, s.W}), std::move(layer));
  }
  if (moves(rows, s.H)) {
    const int from = std::exchange(map, next({C, H, s.W}));
    move_lines(ctx, o, from, rows, true, map);
  }
  if (moves(cols, s.W)) move_lines(ctx, o, map, cols, false, next({C, H, W}));
}

}  // namespace

void strided_slice(Lowering& ctx, const Op& o) {
  const Tensor& t = ctx.graph.in(o, 0);
  const std::vector<Slice> slices = model::slices(ctx.graph, o);
  const auto selected = selection_of(t.shape, slices);
  // Pixels that are not equidistant, or in reverse order.
  if (!selected) return select(ctx, o, sliced(t.shape, slices));
  const int from = image(ctx, o, 0);
  const Shape s = ctx.shape(from);
  const auto& [y, x, channels] = *selected;
  const bool own = ctx.concatenated.contains(o.outputs[0]) ||
                   std::ranges::count(ctx.part.outputs, o.outputs[0]) > 0;
  if (!own && y.count == s.H && x.count == s.W && channels.stride == 1 &&
      channels.begin % s.per_word == 0) {
    ctx.map_by_tensor[o.outputs[0]] =
        channels_of(ctx, from, static_cast<int>(channels.begin), static_cast<int>(channels.size));
    return;
  }
  if (!own && ctx.graph.out(o).rank() == t.rank() && read_in_any_order(ctx, o.outputs[0])) {
    ctx.axes[o.outputs[0]] = sliced_axes(axes_of(ctx, o.input(0)), slices);
    return;
  }
  const Geometry g{.H = s.H,
                   .W = s.W,
                   .P = y.count,
                   .Q = x.count,
                   .stride_y = y.stride,
                   .stride_x = x.stride,
                   .pad_top = -y.begin,
                   .pad_left = -x.begin};
  move(ctx, o, from, channels, g, new_output(ctx, o, {static_cast<int>(channels.size), g.P, g.Q}),
       0);
}

// ---- padding ------------------------------------------------------------------------------------

namespace {

/// Returns the position of a PAD's input in its output.
/// @return nothing if pixels are not equidistant
std::optional<Selection> inside_of(const Graph& graph, const Op& o) {
  std::vector<std::int64_t> begin;
  for (const auto& [before, behind] : model::paddings(graph, o)) begin.push_back(before);
  const auto place = selection_of(graph.out(o).shape, slices_of(graph.in(o, 0).shape, begin));
  return place && place->x.stride == 1 ? place : std::nullopt;
}

int padding_code(const Graph& graph, const Op& o) {
  return o.kind == OpKind::kPadV2 ? static_cast<int>(graph.in(o, 2).integers().at(0))
                                  : graph.out(o).zero_point();
}

bool only_convolutions_read(const GraphFacts& facts, int tensor) {
  int count = 0;
  for (const int i : facts.part.ops)
    if (is_convolution(facts.op(i).kind) && facts.op(i).input(0) == tensor) ++count;
  return count > 0 && count == facts.readers.at(tensor);
}

/// Returns true if a convolution over the tensor has its own border, whose code is the zero
/// point.
bool padded_again(const GraphFacts& facts, int tensor) {
  return std::ranges::any_of(facts.part.ops, [&](int i) {
    if (!is_convolution(facts.op(i).kind) || facts.op(i).input(0) != tensor) return false;
    const model::Window w = model::window(facts.graph, facts.op(i));
    return w.pad_top + w.pad_bottom + w.pad_left + w.pad_right > 0;
  });
}

/// Returns true if convolutions can use the operator's border as their own.
bool folds_pad(const GraphFacts& facts, const Op& o) {
  const int out = o.outputs[0];
  const bool one_byte = facts.graph.out(o).type == model::DataType::kInt8;
  return facts.graph.in(o, 0).extent(-1) == facts.graph.out(o).extent(-1) &&
         only_convolutions_read(facts, out) &&
         (padding_code(facts.graph, o) == facts.graph.out(o).zero_point() ||
          (one_byte && !padded_again(facts, out)));
}

/// Pads channels in addition to rows and columns.
void pad_channels(Lowering& ctx, const Op& o, int map, const Geometry& window, int before,
                  int code) {
  std::vector<int> channel_of(at(ctx.graph.out(o).extent(-1)), -1);
  const auto own = channel_of.begin() + before;
  std::iota(own, own + ctx.shape(map).C, 0);
  Layer layer = selection(ctx, o, map, channel_of);
  for (int m = 0; m < layer.channels; ++m)
    if (channel_of[at(m)] < 0) layer.bias[at(m)] = code;
  layer.window = window;
  layer.conv().outside = layer.pad_code = ctx.shape(map).wide ? 0 : code;  // not another's
  set_sweeps(layer);
  add_layer(ctx, o, std::move(layer));
}

/// Returns the elements of a MIRROR_PAD. Axes before the axes of the image have one element.
Elements mirrored_elements(const Graph& graph, const Op& o) {
  return {graph.in(o, 0).shape, model::mirrored(graph, o)};
}

Elements broadcast_elements(const Graph& graph, const Op& o) {
  const std::vector<int>& to = graph.out(o).shape;
  const std::vector<int> from = aligned(graph.in(o, 0).shape, to.size());
  Elements all{from, all_elements(from)};
  for (std::size_t axis = 0; axis < to.size(); ++axis)
    if (from[axis] != to[axis]) all.sources[axis].assign(at(to[axis]), 0);
  return all;
}

Elements gathered_elements(const Graph& graph, const Op& o) {
  const Tensor& t = graph.in(o, 0);
  Elements all{t.shape, all_elements(t.shape)};
  std::vector<int>& chosen = all.sources[at(o.axis < 0 ? o.axis + t.rank() : o.axis)];
  chosen.clear();
  for (const std::int64_t i : graph.in(o, 1).integers()) chosen.push_back(static_cast<int>(i));
  return all;
}

}  // namespace

Problem pad_problem(const Lowering& ctx, const Op& o) {
  const Tensor &t = ctx.graph.in(o, 0), &out = ctx.graph.out(o);
  if (auto problem = image_problem(ctx, o, o.input(0)); problem || t.shape == out.shape)
    return problem;
  if (!inside_of(ctx.graph, o))
    return refusal(ctx, o, o.input(0), Reason::kShape,
                   ": the padded axis is between two other axes");
  if (auto problem = out_problem(ctx, o); problem || folds_pad(ctx, o)) return problem;
  const spec::Precision& precision = spec::precision_of_codes(packing_of(ctx, o.input(0)));
  if (t.extent(-1) != out.extent(-1) && &precision != &spec::kInt8)
    return refusal(ctx, o, o.input(0), Reason::kShape,
                   ": channels of packed codes cannot be padded");
  const int code = padding_code(ctx.graph, o);
  if (out.type == model::DataType::kInt16) {
    const Shape s = shape_of(t.shape, ""), to = out_shape(ctx, o);
    const bool border = s.H != to.H || s.W != to.W;
    if (code != 0 && border && s.C != to.C) return wide_border(ctx, o, code);
  } else if (!precision.holds(code)) {
    return refusal(ctx, o, o.input(0), Reason::kAttribute,
                   " is padded with {}, which does not fit {} bits", code, precision.bits);
  }
  return result_problem(ctx, o);
}

void pad(Lowering& ctx, const Op& o) {
  const int map = image(ctx, o, 0);
  if (ctx.graph.in(o, 0).shape == ctx.graph.out(o).shape) {
    ctx.map_by_tensor[o.outputs[0]] = map;
    return;
  }
  const auto place = inside_of(ctx.graph, o);
  const Shape s = ctx.shape(map), to = out_shape(ctx, o);
  const int top = place->y.begin, left = place->x.begin, code = padding_code(ctx.graph, o);
  const Geometry g{.H = s.H, .W = s.W, .P = to.H, .Q = to.W, .pad_top = top, .pad_left = left};
  if (s.C != to.C)
    return pad_channels(ctx, o, map, g, static_cast<int>(place->channels.begin), code);
  if (folds_pad(ctx, o))
    ctx.folded_pads[o.outputs[0]] = {map, top, left, code};
  else
    move(ctx, o, map, all_channels(s), g, new_output(ctx, o, to), code);
}

Problem mirror_pad_problem(const Lowering& ctx, const Op& o) {
  return select_problem(ctx, o, mirrored_elements(ctx.graph, o));
}

void mirror_pad(Lowering& ctx, const Op& o) { select(ctx, o, mirrored_elements(ctx.graph, o)); }

Problem broadcast_to_problem(const Lowering& ctx, const Op& o) {
  return ctx.graph.out(o).rank() == 4 ? operand_problem(ctx, o, 0)
                                      : select_problem(ctx, o, broadcast_elements(ctx.graph, o));
}

/// Broadcasts images by repeating lines, and other tensors pixel by pixel.
void broadcast_to(Lowering& ctx, const Op& o) {
  if (ctx.graph.out(o).rank() == 4)
    ctx.map_by_tensor[o.outputs[0]] = operand(ctx, o, 0);
  else
    select(ctx, o, broadcast_elements(ctx.graph, o));
}

Problem gather_problem(const Lowering& ctx, const Op& o) {
  return select_problem(ctx, o, gathered_elements(ctx.graph, o));
}

void gather(Lowering& ctx, const Op& o) { select(ctx, o, gathered_elements(ctx.graph, o)); }

// ---- blocks of pixels and channels --------------------------------------------------------------

Problem blocks_problem(const Lowering& ctx, const Op& o) {
  if (auto problem = image_problem(ctx, o, o.input(0))) return problem;
  if (o.block > kMostStride)
    return refusal(ctx, o, o.input(0), Reason::kAttribute, ": block size {}, allowed 1..{}",
                   o.block, kMostStride);
  return first_of(out_problem(ctx, o), result_problem(ctx, o));
}

/// Copies every b-th pixel of every b-th row to neighbouring channels.
void space_to_depth(Lowering& ctx, const Op& o) {
  const int from = image(ctx, o, 0), b = o.block;
  const Shape s = ctx.shape(from);
  const int to = new_output(ctx, o, out_shape(ctx, o));
  Geometry g{.H = s.H, .W = s.W, .P = s.H / b, .Q = s.W / b, .stride_y = b, .stride_x = b};
  for (int i = 0; i < b * b; ++i) {
    g.pad_top = -(i / b);
    g.pad_left = -(i % b);
    move(ctx, o, from, all_channels(s), g, add_part(ctx, to, {-1, i * s.C}, {s.C, g.P, g.Q}), 0);
  }
}

void depth_to_space(Lowering& ctx, const Op& o) {
  const int from = image(ctx, o, 0), b = o.block;
  const Shape s = ctx.shape(from), out = out_shape(ctx, o);
  const int to = new_output(ctx, o, out);
  for (int i = 0; i < b * b; ++i)
    move(ctx, o, from, {std::int64_t{i} * out.C, 1, out.C, false}, pointwise(s),
         add_part(ctx, to, {-1, 0, i / b, i % b, b, b}, {out.C, s.H, s.W}), 0);
}

}  // namespace trine::compiler
