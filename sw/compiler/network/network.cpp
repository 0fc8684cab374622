// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network/network.h"

#include <array>
#include <map>

#include "spec/packed.h"
#include "sw/program/layout.h"

namespace trine::compiler {
namespace {

void read(Map& map, int layer) {
  if (map.read.first < 0) map.read.first = layer;
  map.read.last = layer;
}

void write(Map& map, int layer) {
  if (map.written.first < 0) map.written.first = layer;
  map.written.last = layer;
}

/// Returns the first PMEM rows of a layer's weights, as if all were stored one after the other.
std::vector<std::uint8_t> first_rows(const Layer& layer, const spec::Config& config) {
  constexpr std::int64_t kEnough = 32 * 1024;  // bytes
  const Conv& conv = layer.conv();
  const int codes = conv.step_codes * conv.steps_per_row;
  const std::int64_t of_channel = std::ssize(conv.weights) / layer.channels;
  std::vector<std::uint8_t> bytes;
  for (int first = 0; first < layer.channels && std::ssize(bytes) < kEnough; first += config.cols)
    for (std::int64_t code = 0; code < of_channel; code += codes)
      for (int m = first; m < first + config.cols; ++m) {
        std::uint32_t word = 0;
        for (int i = 0; m < layer.channels && i < codes && code + i < of_channel; ++i)
          word |= program::pack_code(conv.weights[at(m * of_channel + code + i)], codes, i);
        for (int byte = 0; byte < 4; ++byte)
          bytes.push_back(static_cast<std::uint8_t>(word >> 8 * byte));
      }
  return bytes;
}

}  // namespace

Map Map::inner_copy() const {
  Map copy = *this;
  copy.codes.clear();
  copy.capacity.reset();
  copy.reloads = -1;
  copy.input = copy.output = copy.kept = copy.moved = false;
  return copy;
}

bool Network::is_private(int map) const {
  const Map& own = maps[at(map)];
  return !own.at_edge() && !own.is_loaded_again() && is_separate(map);
}

std::vector<int> equal_weights(const Network& network) {
  std::map<std::array<std::int64_t, 10>, std::vector<int>> known;  // by all but the codes
  std::vector<int> first;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const Layer& l = network.layers[at(i)];
    first.push_back(i);
    if (l.like >= 0) first.back() = first[at(l.like)];
    if (l.kind != LayerKind::kConv || l.weights_map >= 0 ||
        (l.conv().weights.empty() && l.conv().weights_like < 0))
      continue;
    std::vector<int>& alike = known[{l.channels, l.words, l.window.R, l.window.S, l.former.steps,
                                     l.group_channels, l.conv().step_codes, l.conv().steps_per_row,
                                     static_cast<int>(l.conv().precision), l.conv().weights_like}];
    const auto same = std::ranges::find_if(alike, [&](int other) {
      const Conv& conv = network.layers[at(other)].conv();
      return conv.weights == l.conv().weights && conv.factors == l.conv().factors &&
             conv.group_steps == l.conv().group_steps;
    });
    if (same == alike.end())
      alike.push_back(i);
    else
      first.back() = *same;
  }
  return first;
}

namespace {

bool same_window(const Geometry& a, const Geometry& b) {
  const auto all = [](const Geometry& g) {
    return std::array{g.H,        g.W,     g.P,     g.Q,       g.R,        g.S,       g.stride_y,
                      g.stride_x, g.dil_y, g.dil_x, g.pad_top, g.pad_left, g.reach_y, g.reach_x};
  };
  return all(a) == all(b);
}

/// Returns true if only the image's own layers determine the map's place and order.
bool is_images(const Network& network, int map) {
  const Map &own = network.maps[at(map)], &whole = network.maps[at(network.whole_of(map))];
  return !own.is_linked() && !whole.is_linked() && own.part.pixel_words == 0 &&
         !own.part.scattered(own.shape.per_word);
}

/// Returns true if layers i and j > i are the same layer for two images.
bool for_two_images(const Network& network, int i, int j) {
  const Layer &a = network.layers[at(i)], &b = network.layers[at(j)];
  if (a.kind != LayerKind::kConv || b.kind != LayerKind::kConv || a.weights_map >= 0 ||
      b.weights_map >= 0 || a.like >= 0 || b.like >= 0 || a.by_rows || b.by_rows ||
      !same_window(a.window, b.window) || a.fuse_add() != b.fuse_add() ||
      a.sweeps.size() != b.sweeps.size())
    return false;
  const Part &p = network.maps[at(a.output)].part, &q = network.maps[at(b.output)].part;
  const auto other = [&](int m) {
    return m < 0 || network.whole_of(m) != network.whole_of(a.output);
  };
  // If both wrote parts of the same words, the result would depend on their order.
  return is_images(network, a.output) && is_images(network, b.output) && p.channel == q.channel &&
         a.output != b.output && other(b.input) && other(b.second);
}

}  // namespace

std::vector<ImageRun> image_runs(const Network& network, const std::vector<int>& weights_of) {
  std::vector<ImageRun> runs;
  const auto count = static_cast<int>(network.layers.size());
  for (int first = 0; first < count;) {
    int last = first;
    const auto joins = [&](int i) {
      if (weights_of[at(i)] != weights_of[at(first)]) return false;
      for (int k = first; k < i; ++k)
        if (!for_two_images(network, k, i)) return false;
      return true;
    };
    while (last + 1 < count && joins(last + 1)) ++last;
    if (last > first) runs.push_back({first, last});
    first = last + 1;
  }
  return runs;
}

std::vector<ImageRun> runs_together(const Network& network, const std::vector<int>& weights_of,
                                    const spec::Config& config) {
  std::vector<ImageRun> of;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) of.push_back({i, i});
  if (!network.chunks_together || network.row_cores > 1) return of;
  for (const ImageRun& run : image_runs(network, weights_of)) {
    const Layer& layer = network.layers[at(run.first)];
    // The network's first layer has a special order.
    if (run.first == 0 || layer.weight_rows(config) <= config.pmem_rows()) continue;
    for (int i = run.first; i <= run.last; ++i) of[at(i)] = run;
  }
  return of;
}

void set_stored_shares(Network& network, const spec::Config& config) {
  for (Layer& layer : network.layers) {
    if (layer.kind != LayerKind::kConv || layer.conv().weights.empty()) continue;
    const std::vector<std::uint8_t> bytes = first_rows(layer, config);
    layer.conv().stored_share = static_cast<double>(spec::shortest(bytes, config).bytes.size()) /
                                static_cast<double>(bytes.size());
  }
}

void set_lifetimes(Network& network) {
  for (Map& map : network.maps) {
    map.written = map.read = {};
    map.has_parts = false;
  }
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const Layer& layer = network.layers[at(i)];
    const auto each = [&](int m, void (*visit)(Map&, int)) {
      if (m < 0) return;
      Map& map = network.maps[at(m)];
      visit(map, i);
      if (map.part.whole >= 0) visit(network.maps[at(map.part.whole)], i);
    };
    each(layer.input, read);
    each(layer.second, read);
    each(layer.weights_map, read);
    each(layer.output, write);
  }
  for (Map& map : network.maps) {
    if (map.part.whole < 0) continue;
    Map& whole = network.maps[at(map.part.whole)];
    whole.has_parts = true;
    if (map.written.first < 0) map.written.first = whole.written.first;
  }
}

}  // namespace trine::compiler
