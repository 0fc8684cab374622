// SPDX-License-Identifier: Apache-2.0
//
// Stores maps and loads them again. A residual waits while the other operand of its sum is
// computed, which may need many layers. In DRAM it leaves its DMEM to them. Each later reader then
// has its own map, which is loaded from where the first one is stored.

#include <optional>
#include <utility>
#include <vector>

#include "sw/compiler/transform/passes.h"

namespace trine::compiler {
namespace {

/// A map, and the layer from which on its copy is read.
struct Reload {
  int map, layer;
};

/// Returns true for rows of pixels of which only the order in a plane matters, so that the two maps
/// may have different layouts.
bool can_reload(const Network& network, int m) {
  const Map& map = network.maps[at(m)];
  return map.shape.H == 1 && !map.constant() && !map.weights && !map.is_state() && !map.is_copy() &&
         network.is_separate(m);
}

/// Returns second operands that were also used more than one layer before.
std::vector<Reload> candidates(const Network& network) {
  std::vector<Reload> found;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const int m = network.layers[at(i)].second;
    if (m < 0 || m == network.layers[at(i)].input || !can_reload(network, m)) continue;
    const Map& map = network.maps[at(m)];
    const int known = map.written.first >= 0 ? map.written.first : map.read.first;
    if (known < i - 1) found.push_back({m, i});
  }
  return found;
}

bool reads(const Layer& l, int map) {
  return l.input == map || l.second == map || l.weights_map == map;
}

Network reloaded(Network network, const Reload& r) {
  const int to = network.add_copy_of(r.map, network.maps[at(r.map)].inner_copy());
  for (int i = r.layer; i < static_cast<int>(network.layers.size()); ++i) {
    Layer& l = network.layers[at(i)];
    for (int* m : {&l.input, &l.second, &l.weights_map})
      if (*m == r.map) *m = to;
  }
  set_lifetimes(network);
  return network;
}

}  // namespace

std::optional<Network> reload(const Network& network, const spec::Config& /*config*/, int& place) {
  constexpr std::size_t kTries = 8;
  std::vector<Reload> tries = candidates(network);
  // If there are many equal blocks, all are tried at once; otherwise one by one.
  if (tries.size() > kTries) {
    if (place == 0) {
      Network all = network;
      for (const Reload& r : tries)
        if (reads(all.layers[at(r.layer)], r.map)) all = reloaded(std::move(all), r);
      return all;
    }
    tries.resize(kTries);
  }
  for (const Reload& r : tries) {
    if (r.layer < place) continue;
    place = r.layer;
    return reloaded(network, r);
  }
  return std::nullopt;
}

}  // namespace trine::compiler
