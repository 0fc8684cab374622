// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/transform/stripes.h"

#include <algorithm>
#include <utility>

namespace trine::compiler {
namespace {

void set_like(const Network& net, Layer& layer, int& first) {
  layer.like = first;
  if (first < 0) first = static_cast<int>(net.layers.size());
}

}  // namespace

Rows input_rows(const Geometry& g, const Rows& out) {
  const int first = out.first * g.stride_y - g.pad_top;
  const int last = (out.last - 1) * g.stride_y - g.pad_top + g.span_y();
  // A window may be entirely in the border.
  const int begin = std::clamp(first, 0, g.H - 1);
  return {begin, std::clamp(last, begin + 1, g.H)};
}

bool moves_by_beats(const Map& map, const spec::Config& config) {
  return map.shape.per_word == 4 && !map.shape.wide && map.shape.W >= config.data_words() &&
         map.part.whole < 0 && !map.constant() && !map.is_linked() && !map.weights;
}

void add_rows(Network& net, Layer layer, const Rows& out, int& first) {
  layer.rows_of_all = layer.window.P;
  layer.window.P = out.count();
  set_like(net, layer, first);
  if (layer.like >= 0) layer.macs = 0;
  if (layer.kind == LayerKind::kConv) {
    cut_sweeps(layer, out.first, out.last);
    if (layer.like >= 0) layer.conv().weights = {};
  }
  net.layers.push_back(std::move(layer));
}

void add_copy(Network& net, int from, int to, const Layer& of, const std::string& name,
              int& first) {
  const Shape& shape = net.maps[at(from)].shape;
  Layer copy(LayerKind::kMax);
  copy.label = of.label;
  copy.op = "COPY";
  copy.name = name;
  copy.words = shape.channel_words();
  copy.window = {.H = shape.H, .W = shape.W, .P = shape.H, .Q = shape.W};
  copy.by_dma = true;
  copy.input = from;
  copy.output = to;
  set_like(net, copy, first);
  net.layers.push_back(std::move(copy));
}

void add_behind(Network& net, const Network& old, int last) {
  const std::size_t end = net.layers.size();
  const int more = static_cast<int>(end) - (last + 1);
  net.layers.insert(net.layers.end(), old.layers.begin() + last + 1, old.layers.end());
  for (std::size_t i = end; i < net.layers.size(); ++i)
    for (int* other : {&net.layers[i].like, &net.layers[i].part_of})
      if (*other > last) *other += more;
  set_lifetimes(net);
}

}  // namespace trine::compiler
