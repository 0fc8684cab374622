// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network/bound.h"

#include <algorithm>

namespace trine::compiler {
namespace {

constexpr int kFormed = 4;  ///< columns of a depthwise group

/// Returns the rows of the output. The first stripe of a cascade counts for all stripes.
int rows_of(const Layer& layer) {
  return layer.rows_of_all > 0 ? layer.rows_of_all : layer.window.P;
}

/// Returns the output pixels of a product, before a pool that is fused into it.
std::int64_t pixels_of(const Layer& layer) {
  const Geometry& w = layer.window;
  if (!layer.fuses_max()) return std::int64_t{rows_of(layer)} * w.Q;
  const std::int64_t macs = std::int64_t{layer.channels} * layer.steps() * layer.conv().step_codes;
  return divide_up(layer.macs, macs);
}

std::int64_t depthwise(const Layer& layer, const spec::Config& config) {
  const Geometry& w = layer.window;
  const int P = rows_of(layer);
  const std::int64_t lanes = config.rows, busy = std::min(kFormed, config.cols);
  std::int64_t tiles = std::int64_t{P} * divide_up<std::int64_t>(w.Q, lanes);
  if (2 * w.W <= 3 * w.Q && busy == kFormed)
    tiles = divide_up(std::int64_t{P} * w.Q, lanes);
  else if (w.Q < lanes)
    tiles = divide_up<std::int64_t>(P, std::max<std::int64_t>(1, lanes / w.Q));
  const std::int64_t steps = std::int64_t{w.R} * divide_up(w.S, 4);
  return tiles * divide_up<std::int64_t>(layer.channels, busy) *
         std::max(steps, divide_up<std::int64_t>(busy, config.columns_per_cycle));
}

std::int64_t product(const Layer& layer, const spec::Config& config) {
  if (layer.former.steps > 0) return depthwise(layer, config);
  const std::int64_t tiles = divide_up<std::int64_t>(pixels_of(layer), layer.lanes(config)) *
                             divide_up<std::int64_t>(layer.channels, config.cols);
  return tiles *
         std::max<std::int64_t>(layer.steps(), divide_up(config.cols, config.columns_per_cycle));
}

}  // namespace

std::int64_t bound_of(const Layer& layer, const Network& network, const spec::Config& config) {
  // Products without MACs only reorder codes.
  if (layer.kind == LayerKind::kConv && layer.macs > 0) return product(layer, config);
  if (layer.by_dma) return 0;
  Shape out = network.maps[at(layer.output)].shape;
  if (layer.rows_of_all > 0) out.H = layer.rows_of_all;
  if (layer.kind != LayerKind::kSum)
    return divide_up<std::int64_t>(
        out.pixels() * (layer.pairs_lanes() ? 1 : out.pixel_words()) * out.C, layer.lanes(config));
  const Geometry& w = layer.window;
  const std::int64_t steps = std::max(4, w.R * divide_up(w.S, 4));
  return divide_up<std::int64_t>(out.C, 4) * steps *
         divide_up<std::int64_t>(out.pixels(), layer.lanes(config));
}

}  // namespace trine::compiler
