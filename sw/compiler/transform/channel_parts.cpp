// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/transform/channel_parts.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>
#include <vector>

#include "sw/base/division.h"

namespace trine::compiler {
namespace {

/// Returns true if the layer's output channels can be computed separately.
bool makes_channels(const Layer& l) {
  if (l.kind != LayerKind::kConv) return false;
  const Conv& c = l.conv();
  return l.like < 0 && l.second < 0 && l.weights_map < 0 && l.group_channels == 0 &&
         l.former.steps == 0 && !l.wide_codes() && !l.pairs_lanes() && l.passes == 1 &&
         c.thresholds.empty() && c.group_steps == 0;
}

/// Returns true if each channel depends only on the same channel of the input.
bool keeps_channels(const Layer& l) {
  if (l.like >= 0 || l.second >= 0 || l.wide_codes() || l.pairs_lanes()) return false;
  if (l.kind == LayerKind::kConv) return l.former.steps > 0 && l.weights_map < 0;
  return (l.kind == LayerKind::kMax || l.kind == LayerKind::kSum) && l.window.P > 1;
}

/// Returns the layer's channels first..last-1.
Layer channels_of(const Layer& all, int first, int last) {
  Layer l = all;
  l.channels = last - first;
  const auto cut = [](auto& values, std::ptrdiff_t from, std::ptrdiff_t to) {
    if (std::ssize(values) >= to)  // or there are none
      values = std::vector(values.begin() + from, values.begin() + to);
  };
  if (l.kind == LayerKind::kConv) {
    cut(l.conv().weights, all.weight_at(first, 0), all.weight_at(last, 0));
    if (l.conv().weights_like >= 0) l.conv().weights_like += std::int64_t{first + 1} << 32;
    l.macs = all.macs / all.channels * l.channels;
    cut(l.bias, first, last);
    cut(l.scales, first, last);
  }
  return l;
}

}  // namespace

std::optional<Network> in_channel_parts(const Network& network, const spec::Config& config,
                                        int layer, int parts) {
  if (layer + 1 >= static_cast<int>(network.layers.size())) return std::nullopt;
  const Layer &first = network.layers[at(layer)], &second = network.layers[at(layer) + 1];
  const Map between = network.maps[at(first.output)], out = network.maps[at(second.output)];
  const int channels = between.shape.C, per_word = between.shape.per_word;
  const int size = round_up(divide_up(channels, parts), std::lcm(config.cols, per_word));
  if (!makes_channels(first) || !keeps_channels(second) || second.input != first.output ||
      !network.is_private(first.output) || between.read.first != between.read.last ||
      out.part.whole >= 0 || out.shape.C != channels || out.shape.per_word != per_word ||
      size >= channels)
    return std::nullopt;
  Network result = network;
  std::vector<Layer> made;
  for (int c = 0; c < channels; c += size) {
    const int end = std::min(channels, c + size);
    Layer a = channels_of(first, c, end), b = channels_of(second, c, end);
    Map map = between.inner_copy(), part = out.inner_copy();
    map.shape.C = part.shape.C = end - c;
    part.part.whole = second.output;
    part.part.channel = c;
    a.output = b.input = result.add(std::move(map));
    b.output = result.add(std::move(part));
    if (b.kind != LayerKind::kConv) b.words = divide_up(end - c, per_word);
    if (c > 0) std::tie(a.part_of, b.part_of) = std::pair(layer, layer + 1);
    made.push_back(std::move(a));
    made.push_back(std::move(b));
  }
  const auto place =
      result.layers.erase(result.layers.begin() + layer, result.layers.begin() + layer + 2);
  const int more = static_cast<int>(made.size()) - 2;
  result.layers.insert(place, std::make_move_iterator(made.begin()),
                       std::make_move_iterator(made.end()));
  for (std::size_t i = at(layer) + made.size(); i < result.layers.size(); ++i) {
    Layer& l = result.layers[i];
    for (int* other : {&l.like, &l.part_of})
      if (*other > layer + 1) *other += more;
  }
  set_lifetimes(result);
  return result;
}

std::optional<Chunked> chunked(const Network& network, int first, int last, int parts,
                               const spec::Config& config) {
  Chunked result{network, last};
  bool some = false;
  for (int layer = first; layer + 1 < result.last; ++layer) {
    const Layer& depthwise = result.network.layers[at(layer + 1)];
    if (depthwise.kind != LayerKind::kConv || !result.network.is_private(depthwise.output))
      continue;
    std::optional<Network> cut = in_channel_parts(result.network, config, layer, parts);
    if (!cut) continue;
    const auto more = static_cast<int>(cut->layers.size() - result.network.layers.size());
    result = {std::move(*cut), result.last + more};
    layer += more + 1;
    some = true;
  }
  if (!some) return std::nullopt;
  return result;
}

}  // namespace trine::compiler
