// SPDX-License-Identifier: Apache-2.0
//
// Exchanges rows and columns of a whole network. Lanes compute neighbours of a row, so with short
// rows the window former loses more lanes at row ends and leaves more of them idle. With rows and
// columns exchanged in all maps and layers, a network computes the same; the host transposes its
// images when it stores them.

#include <algorithm>
#include <optional>
#include <utility>

#include "sw/compiler/network/former.h"
#include "sw/compiler/transform/passes.h"

namespace trine::compiler {
namespace {

Rect side(const Rect& r) { return {r.x0, r.x1, r.y0, r.y1}; }

/// @pre no fused pool
Geometry side(Geometry g) {
  std::swap(g.H, g.W);
  std::swap(g.P, g.Q);
  std::swap(g.R, g.S);
  std::swap(g.stride_y, g.stride_x);
  std::swap(g.dil_y, g.dil_x);
  std::swap(g.pad_top, g.pad_left);
  return g;
}

void turn(Map& map) {
  std::swap(map.shape.H, map.shape.W);
  std::swap(map.part.y, map.part.x);
  std::swap(map.part.stride_y, map.part.stride_x);
  map.transposed = !map.transposed;
}

void turn_weights(Layer& layer, const spec::Config& config) {
  const Layer before = layer;
  layer.window = side(before.window);
  if (before.window.R > 1 && before.window.dil_y == 0) {  // all steps read the same pixel
    layer.window.R = before.window.R;
    layer.window.S = before.window.S;
    layer.window.dil_y = before.window.dil_y;
    layer.window.dil_x = before.window.dil_x;
    return;
  }
  const Geometry& g = layer.window;
  const bool former = layer.former.steps > 0;
  if (former) layer.former = best_former(g, config);
  if (layer.conv().weights.empty()) return;  // only shapes
  layer.clear_weights();
  for (int m = 0; m < layer.channels; ++m)
    for (int word = 0; word < layer.words; ++word)
      for (int ky = 0; ky < g.R; ++ky)
        for (int kx = 0; kx < g.S; ++kx) {
          const auto code = [&](const Layer& l, int row, int col) {
            if (!former) return l.weight_at(m, (word * l.window.R + row) * l.window.S + col);
            const TapPlace place = *place_of(l.former, l.window, col);
            return l.weight_at(m, row * l.former.steps + place.step) + place.lane;
          };
          std::copy_n(before.conv().weights.begin() + code(before, kx, ky),
                      former ? 1 : layer.conv().step_codes,
                      layer.conv().weights.edit().begin() + code(layer, ky, kx));
        }
}

/// Returns true if weights are stored by rows, or if the pixels of a part are one pixel's channels,
/// which are consecutive in a row.
bool lies_by_rows(const Map& map) {
  return (map.weights && map.shape.pixels() > 1) || map.part.pixel_words > 0;
}

}  // namespace

std::optional<Network> transpose(const Network& network, const spec::Config& config,
                                 int& /*place*/) {
  // Nothing to do if rows and columns are alike; not possible if a map cannot have another layout.
  const bool square =
      std::ranges::all_of(network.maps, [](const Map& m) { return m.shape.H == m.shape.W; });
  const bool joins = std::ranges::any_of(network.layers, [](const Layer& l) {
    return l.kind == LayerKind::kWords && l.pool().joins;  // neighbours in a row
  });
  if (square || joins || network.tokens || std::ranges::any_of(network.maps, lies_by_rows))
    return std::nullopt;
  Network result = network;
  for (Map& map : result.maps) turn(map);
  for (Layer& layer : result.layers) {
    if (layer.kind == LayerKind::kSum)
      for (SumRegion& region : layer.pool().regions) region.rect = side(region.rect);
    if (layer.kind != LayerKind::kConv) {
      layer.window = side(layer.window);
      continue;
    }
    turn_weights(layer, config);
    set_sweeps(layer);
  }
  return result;
}

}  // namespace trine::compiler
