// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/transform/chunks.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "base/rounding.h"

namespace trine::compiler {
namespace {

/// Some of the channels of a product.
Layer channels_of(const Layer& whole, int first, int count) {
  const auto cut = [&](auto& values, std::ptrdiff_t of_each) {
    if (std::ssize(values) != whole.channels * of_each) return;  // one for all, or none
    values = {values.begin() + first * of_each, values.begin() + (first + count) * of_each};
  };
  Layer l = whole;
  l.channels = count;
  l.macs = whole.macs / whole.channels * count;
  l.chunk = true;
  cut(l.bias, 1);
  cut(l.scales, 1);
  cut(l.conv().weights, whole.weight_at(1, 0));
  return l;
}

bool is_plain(const Network& network, const Layer& l) {
  const auto is_int8 = [&](int m) {
    const Shape& s = network.maps[at(m)].shape;
    return s.per_word == 4 && !s.wide;
  };
  return l.kind == LayerKind::kConv && l.weights_map < 0 && l.second < 0 && l.like < 0 &&
         l.passes == 1 && !l.fuses_max() && l.conv().group_steps == 0 &&
         l.conv().corrections.empty() && l.result != Output::kThresholds &&
         l.result != Output::kRaw && is_int8(l.input) && is_int8(l.output);
}

/// Whether the map is one layer's, and another's.
bool is_between(const Network& network, int m, int producer, int reader) {
  const Map& map = network.maps[at(m)];
  return network.is_private(m) && !map.kept && map.reloads < 0 && !map.weights && !map.capacity &&
         map.producer == producer && map.last_write == producer && map.first_use == reader &&
         map.last_use == reader;
}

/// Whether the layer and the next one work channel by channel on the map between.
bool can_chunk(const Network& network, int layer) {
  const Layer &wide = network.layers[at(layer)], &depthwise = network.layers[at(layer + 1)];
  const Map& out = network.maps[at(depthwise.output)];
  return is_plain(network, wide) && is_plain(network, depthwise) && wide.group_channels == 0 &&
         depthwise.former.steps > 0 && depthwise.words == 1 && depthwise.group_channels == 4 &&
         depthwise.channels == wide.channels && depthwise.input == wide.output &&
         is_between(network, wide.output, layer, layer + 1) &&
         network.is_private(depthwise.output) && out.producer == layer + 1 &&
         out.last_write == layer + 1;
}

}  // namespace

std::optional<Chunked> chunked(const Network& network, int first, int last, int chunks,
                               const machine::Config& config) {
  const int unit = std::lcm(config.cols, 4);
  Chunked result{network, last};
  Network& net = result.network;
  net.layers.clear();
  std::vector<int> place;  // of each old layer
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    place.push_back(static_cast<int>(net.layers.size()));
    const Layer& wide = network.layers[at(i)];
    const int size = round_up(divide_up(wide.channels, chunks), unit);
    if (i < first || i + 1 >= last || size >= wide.channels || !can_chunk(network, i)) {
      net.layers.push_back(wide);
      if (wide.like >= 0) net.layers.back().like = place[at(wide.like)];
      continue;
    }
    const Layer& depthwise = network.layers[at(++i)];
    place.push_back(place.back() + 1);
    for (int c = 0; c < wide.channels; c += size) {
      const int count = std::min(size, wide.channels - c);
      Layer make = channels_of(wide, c, count), use = channels_of(depthwise, c, count);
      Map between = network.maps[at(wide.output)], part = network.maps[at(depthwise.output)];
      between.shape.C = part.shape.C = count;
      part.part = {.whole = depthwise.output, .channel = c};
      make.output = use.input = net.add(std::move(between));
      use.output = net.add(std::move(part));
      net.layers.push_back(std::move(make));
      net.layers.push_back(std::move(use));
    }
  }
  const auto more = static_cast<int>(net.layers.size() - network.layers.size());
  if (more == 0) return std::nullopt;
  result.last = last + more;
  set_lifetimes(net);
  return result;
}

}  // namespace trine::compiler
