// SPDX-License-Identifier: Apache-2.0
//
// Takes the addition out of a convolution whose weights exceed PMEM. The post unit reads one word
// for each result, either a residual or the sum of an earlier part of the reduction. Without the
// residual, parts of the reduction can leave sums in DMEM (Tiling::sums), and a layer of the vector
// unit adds the two maps. Not in clusters, where maps contain the shares of cores.

#include <optional>
#include <utility>

#include "sw/compiler/transform/passes.h"

namespace trine::compiler {
namespace {

/// Returns true if a group of columns has more weights than a quarter of PMEM, and the layer has
/// more positions than the array has rows.
bool exceeds_pmem(const Layer& l, const spec::Config& config) {
  return 4 * l.rows_of(l.steps()) > config.pmem_rows() &&
         std::int64_t{l.window.P} * l.window.Q > l.lanes(config);
}

bool can_unfuse(const Network& network, int index, const spec::Config& config) {
  const Layer& l = network.layers[at(index)];
  return config.partial_sums && config.vector && config.cores == 1 && l.fuse_add() && !l.wide &&
         l.like < 0 && l.sweeps.size() == 1 && !l.by_rows && l.weights_map < 0 &&
         l.group_channels == 0 && l.conv().group_steps == 0 &&
         network.maps[at(l.output)].part.pixel_words == 0 && exceeds_pmem(l, config);
}

/// @pre can_unfuse(network, index, config)
Network unfused(Network network, int index) {
  Layer product = network.layers[at(index)];
  const Map& out = network.maps[at(product.output)];
  Map between = out.inner_copy();
  between.part = {};
  between.weights = false;

  Layer sum(LayerKind::kAdd);
  sum.window = {.H = out.shape.H, .W = out.shape.W, .P = out.shape.H, .Q = out.shape.W};
  sum.words = out.shape.channel_words();
  sum.label = product.label;
  sum.op = "ADD";
  sum.name = product.name;
  sum.module = product.module;
  sum.single = product.single;
  sum.half_even = product.half_even;
  sum.second = std::exchange(product.second, -1);
  sum.output = product.output;
  sum.add = std::exchange(product.add, {});
  if (const auto end = product.op.rfind("+ADD"); end != std::string::npos) product.op.erase(end);
  sum.input = product.output = network.add(std::move(between));

  network.layers[at(index)] = std::move(sum);
  network.layers.insert(network.layers.begin() + index, std::move(product));
  set_lifetimes(network);
  return network;
}

}  // namespace

std::optional<Network> unfuse(const Network& network, const spec::Config& config, int& place) {
  return at_next_layer(
      network, place, [&](const Network& n, int index) { return can_unfuse(n, index, config); },
      unfused);
}

}  // namespace trine::compiler
