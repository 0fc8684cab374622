// SPDX-License-Identifier: Apache-2.0
//
// Fuses a MAX_POOL_2D into the convolution before it. The post unit takes the maximum with the code
// that an earlier sweep has written, so the map between the two layers never exists and the vector
// unit has nothing to do. Overlapping windows (3x3 stride 2) compute some sums several times.

#include <algorithm>
#include <optional>

#include "sw/compiler/transform/passes.h"

namespace trine::compiler {
namespace {

/// Returns true if only one layer, and nothing outside of the machine, reads the map.
bool read_once(const Network& network, int map) {
  if (network.maps[at(map)].part.whole >= 0) return false;  // a reader of the whole reads the part
  const auto is = [&](int m) {
    return m == map || (m >= 0 && network.maps[at(m)].part.whole == map);
  };
  const auto reads = [&](const Layer& l) { return is(l.input) + is(l.second) + is(l.weights_map); };
  int readers = network.maps[at(map)].is_stored() ? 1 : 0;
  for (const Layer& layer : network.layers) readers += reads(layer);
  return readers == 1;
}

bool fusable(const Network& network, int index) {
  const Layer& pool = network.layers[at(index)];
  if (pool.kind != LayerKind::kMax) return false;
  const int producer = network.maps[at(pool.input)].written.first;
  return producer >= 0 && network.layers[at(producer)].output == pool.input &&
         can_pool(network.layers[at(producer)], pool.window) && read_once(network, pool.input);
}

/// Returns true if the layer only clamps codes, as a pool with an activation does at the end.
bool only_clamps(const Layer& layer) {
  const Geometry& g = layer.window;
  return layer.kind == LayerKind::kSum && layer.result == Output::kRequantized && g.R * g.S == 1 &&
         layer.points.empty() && g.P == g.H && g.Q == g.W && layer.pool().regions.size() == 1 &&
         layer.pool().regions[0].bias == 0 && layer.range.zero_point == 0 &&
         layer.pool().regions[0].scale == reference::ChannelScale{1 << 30, 1};
}

/// Folds a clamp into the convolution, because clamping commutes with the maximum.
void fold_clamp(Network& network, Layer& conv, int index) {
  if (index >= static_cast<int>(network.layers.size()) || conv.result != Output::kRequantized)
    return;
  const Layer& clamp = network.layers[at(index)];
  if (!only_clamps(clamp) || clamp.input != conv.output || !read_once(network, conv.output)) return;
  const reference::OutputRange& limits = clamp.range;
  conv.range.act_min = std::clamp(conv.range.act_min, limits.act_min, limits.act_max);
  conv.range.act_max = std::clamp(conv.range.act_max, limits.act_min, limits.act_max);
  conv.output = clamp.output;
  network.layers.erase(network.layers.begin() + index);
}

/// Returns the network with the pool fused into the convolution before it. @pre fusable(network,
/// index)
Network fused(Network network, int index) {
  const Layer pool = network.layers[at(index)];
  Layer& conv = network.layers[at(network.maps[at(pool.input)].written.first)];
  set_sweeps(conv, pool.window);
  conv.op += "+" + pool.op;
  conv.name = pool.name;
  conv.output = pool.output;
  network.layers.erase(network.layers.begin() + index);
  fold_clamp(network, conv, index);
  set_lifetimes(network);
  return network;
}

}  // namespace

std::optional<Network> fuse(const Network& network, const spec::Config& /*config*/, int& place) {
  return at_next_layer(network, place, fusable, fused);
}

}  // namespace trine::compiler
