// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network.h"

namespace trine::compiler {
namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

}  // namespace

void set_lifetimes(Network& network) {
  for (Map& map : network.maps) map.producer = map.first_use = map.last_use = -1;
  for (int i = 0; i < static_cast<int>(network.layers.size()); ++i) {
    const Layer& layer = network.layers[at(i)];
    for (const int m : {layer.input, layer.second}) {
      if (m < 0) continue;
      Map& map = network.maps[at(m)];
      if (map.first_use < 0) map.first_use = i;
      map.last_use = i;
    }
    network.maps[at(layer.output)].producer = i;
  }
}

}  // namespace trine::compiler
