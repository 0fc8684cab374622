// SPDX-License-Identifier: Apache-2.0
//
// Operators that only move codes: copies by the vector unit, words at a time, or convolutions of
// one tap that select channels; or no layer at all, where a map can lie in another one.

#include <numeric>

#include "sw/compiler/lowering.h"

namespace trine::compiler {

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

void Lowering::move(const Op& o, int from, int first, Geometry window, int to, int outside) {
  const int channels = shape(to).C, per_word = shape(from).per_word;
  const bool words = first % per_word == 0 && net_.maps[at(to)].position() == 0;
  Layer layer;
  if (words && config_.vector) {
    layer = start(o, LayerKind::kMax);
    layer.input = channels_of(from, first, channels);
    layer.words = shape(layer.input).channel_words();
  } else {
    // Of the words that hold the channels.
    const int begin = first / per_word * per_word;
    std::vector<int> channel_of(at(channels));
    std::iota(channel_of.begin(), channel_of.end(), first - begin);
    layer = selection(o, channels_of(from, begin, first - begin + channels), channel_of);
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
  const int dropped = 4 - out.rank();  // axes before the first one
  if (map_of_.count(o.outputs[0]) == 0)
    new_output(o, shape_of(out.shape, with_tensor(graph_, o, o.outputs[0])));
  const int whole = map_of(o.outputs[0]);
  Part part;
  for (int i = 0; i < static_cast<int>(o.inputs.size()); ++i) {
    const int from = image(o, i);
    const Shape s = shape(from);
    if (!is_part_of(from, whole, part.channel)) {
      Geometry window;
      window.H = window.P = s.H;
      window.W = window.Q = s.W;
      move(o, from, 0, window, add_part(whole, part, s), 0);
    }
    if (axis == out.rank() - 1)
      part.channel += s.C;
    else if (axis + dropped == 1)
      part.y += s.H;
    else
      part.x += s.W;
  }
}

bool Lowering::is_part_of(int map, int whole, int channel) const {
  const Part &part = net_.maps[at(map)].part, &outer = net_.maps[at(whole)].part;
  return outer.whole >= 0 ? part.whole == outer.whole && part.channel == outer.channel + channel
                          : part.whole == whole && part.channel == channel;
}

// ---- padding ------------------------------------------------------------------------------------

void Lowering::pad(const Op& o) {
  const auto sides = model::paddings(graph_, o);
  const int rank = graph_.in(o, 0).rank();
  for (int i = 0; i < rank; ++i)
    if (rank != 4 || i == 0 || i == 3)
      if (sides[at(i)].first != 0 || sides[at(i)].second != 0)
        fail(o, fmt::format("tensor {} '{}': only height and width of rank 4 can be padded",
                            o.input(0), graph_.in(o, 0).name));
  const int map = image(o, 0);
  const int top = rank == 4 ? static_cast<int>(sides[1].first) : 0;
  const int left = rank == 4 ? static_cast<int>(sides[2].first) : 0;
  const int zero_point = graph_.out(o).zero_point();
  const int code =
      o.kind == OpKind::kPadV2 ? static_cast<int>(graph_.in(o, 2).integers().at(0)) : zero_point;
  if (only_convolutions_read(o.outputs[0]) && (code == zero_point || !padded_again(o.outputs[0]))) {
    folded_pads_[o.outputs[0]] = {map, top, left, code};
    return;
  }
  if (graph_.in(o, 0).shape == graph_.out(o).shape) {
    map_of_[o.outputs[0]] = map;
    return;
  }
  const int bits = 32 / shape(map).per_word;
  if (bits == 1 ? code != -1 && code != 1 : bits == 2 && (code < -1 || code > 1))
    fail(o, fmt::format("tensor {} '{}' is padded with {}, which {} bits do not hold", o.input(0),
                        graph_.in(o, 0).name, code, bits));
  Layer layer = start(o, LayerKind::kMax);
  layer.input = map;
  set_pointwise(layer);
  layer.window.P = graph_.out(o).extent(1);
  layer.window.Q = graph_.out(o).extent(2);
  layer.window.pad_top = top;
  layer.window.pad_left = left;
  layer.pad_code = packed_byte(code, shape(map).per_word);
  add_layer(o, std::move(layer));
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
