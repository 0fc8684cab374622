// SPDX-License-Identifier: Apache-2.0
//
// Splits pools over concatenations. Such a pool waits for its last branch, and the maps of all
// branches wait for the pool. A pool for each branch follows its branch at once. If no other layer
// reads the concatenation, it never exists.

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <vector>

#include "sw/compiler/transform/passes.h"

namespace trine::compiler {
namespace {

bool reads(const Network& network, const Layer& l, int whole) {
  return std::ranges::any_of(std::initializer_list<int>{l.input, l.second, l.weights_map},
                             [&](int m) { return m >= 0 && network.whole_of(m) == whole; });
}

/// Returns true if the map is some channels, in whole words, of all pixels of its whole map.
bool is_branch(const Network& network, int m) {
  const Map& map = network.maps[at(m)];
  const Part& part = map.part;
  if (part.whole < 0) return false;
  const Shape& whole = network.maps[at(part.whole)].shape;
  const bool last = part.channel + map.shape.C == whole.C;
  return part.y == 0 && part.x == 0 && part.pixel_words == 0 && map.shape.H == whole.H &&
         map.shape.W == whole.W && !part.scattered(map.shape.per_word) &&
         (last || map.shape.C % map.shape.per_word == 0);
}

/// Returns the branches that the pool reads, or nothing if other layers use the map or it is not a
/// concatenation.
std::vector<int> branches_of(const Network& network, int pool) {
  const int whole = network.layers[at(pool)].input;
  const Map& map = network.maps[at(whole)];
  if (map.part.whole >= 0 || !map.is_on_chip() || map.weights) return {};
  std::vector<int> branches;
  int channels = 0;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const Layer& l = network.layers[at(i)];
    if (i != pool && reads(network, l, whole)) return {};
    if (network.whole_of(l.output) != whole) continue;
    if (!is_branch(network, l.output) || std::ranges::find(branches, l.output) != branches.end() ||
        i > pool || l.fuse_add())
      return {};
    branches.push_back(l.output);
    channels += network.maps[at(l.output)].shape.C;
  }
  if (branches.size() < 2 || channels != map.shape.C) return {};
  return branches;
}

bool splittable(const Network& network, int index) {
  const Layer& pool = network.layers[at(index)];
  const Part& part = network.maps[at(pool.output)].part;
  return pool.kind == LayerKind::kMax && pool.window.R * pool.window.S > 1 &&
         part.pixel_words == 0 &&
         part.channel % network.maps[at(pool.output)].shape.per_word == 0 &&
         !branches_of(network, index).empty();
}

/// Returns the network with a pool after each branch's last layer. @pre splittable(network, index)
Network split(Network network, int index) {
  const Layer pool = network.layers[at(index)];
  const std::vector<int> branches = branches_of(network, index);
  network.layers.erase(network.layers.begin() + index);
  for (const int branch : branches) {
    Map out = network.maps[at(pool.output)].inner_copy();
    Map& in = network.maps[at(branch)];
    if (out.part.whole < 0) out.part = {pool.output};
    out.part.channel += in.part.channel;
    out.shape.C = in.shape.C;
    in.part = {};
    Layer own = pool;
    own.input = branch;
    own.words = in.shape.channel_words();
    own.output = network.add(std::move(out));
    const auto writes = [&](const Layer& l) { return l.output == branch; };
    const auto behind = std::ranges::find_if(network.layers, writes) + 1;
    network.layers.insert(behind, std::move(own));
  }
  set_lifetimes(network);
  return network;
}

}  // namespace

std::optional<Network> split_pool(const Network& network, const spec::Config& /*config*/,
                                  int& place) {
  return at_next_layer(network, place, splittable, split);
}

}  // namespace trine::compiler
