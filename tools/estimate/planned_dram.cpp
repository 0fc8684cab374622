// SPDX-License-Identifier: Apache-2.0

#include "tools/estimate/planned_dram.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <optional>

#include "sw/base/error.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"
#include "tools/estimate/shapes.h"

namespace trine::estimate {
namespace {

using compiler::Layer;
using compiler::LayerKind;
using compiler::Network;
using compiler::Shape;

int narrowed(std::int64_t size) {
  if (size > std::numeric_limits<int>::max()) throw_error("{}: extent is too large", size);
  return static_cast<int>(size);
}

/// Returns the pixels above or to the left of the map that the window reaches.
int padding(std::int64_t positions, std::int64_t stride, std::int64_t taps, std::int64_t dilation,
            std::int64_t extent) {
  const std::int64_t reached = (positions - 1) * stride + (taps - 1) * dilation + 1;
  return narrowed(std::max<std::int64_t>(0, reached - extent) / 2);
}

compiler::Geometry window_of(const Product& p) {
  compiler::Geometry g{.H = narrowed(p.H),
                       .W = narrowed(p.W),
                       .P = narrowed(p.P),
                       .Q = narrowed(p.Q),
                       .R = narrowed(p.R),
                       .S = narrowed(p.S)};
  g.stride_y = p.P > 1 ? narrowed(p.stride_h) : 1;
  g.stride_x = p.Q > 1 ? narrowed(p.stride_w) : 1;
  g.dil_y = narrowed(p.dilation_h);
  g.dil_x = narrowed(p.dilation_w);
  g.pad_top = padding(p.P, p.stride_h, p.R, p.dilation_h, p.H);
  g.pad_left = padding(p.Q, p.stride_w, p.S, p.dilation_w, p.W);
  return g;
}

int add_map(Network& network, const Shape& shape, bool input) {
  compiler::Map map;
  map.name = input ? "input" : "output";
  map.shape = shape;
  map.input = input;
  map.output = !input;
  return network.add(std::move(map));
}

/// Returns the product of all groups as a network of one layer.
Network network_of(const Product& p, const spec::Config& config) {
  Network network;
  const int groups = narrowed(p.groups);
  const Shape from{groups * narrowed(p.C), narrowed(p.H), narrowed(p.W)};
  Layer l(LayerKind::kConv);
  l.label = l.name = p.name;
  l.op = "conv";
  l.window = window_of(p);
  l.channels = groups * narrowed(p.M);
  l.macs = groups * p.macs();
  l.input = add_map(network, from, true);
  l.words = from.channel_words();
  set_product(l, network.maps[at(l.input)], groups, true, config);
  l.output = add_map(network, {l.channels, l.window.P, l.window.Q}, false);
  network.inputs = {l.input};
  network.outputs = {l.output};
  network.layers.push_back(std::move(l));
  compiler::set_lifetimes(network);
  return network;
}

/// Returns the loops outside of the array: "M by 64, P by 7, Q by 14, C by 160".
std::string loops_text(const compiler::LoopNest& nest) {
  const std::string rectangles = fmt::format("P by {}, Q by {}", nest.P, nest.Q);
  std::string text = nest.chunk_outer ? fmt::format("M by {}, {}", nest.M, rectangles)
                                      : fmt::format("{}, M by {}", rectangles, nest.M);
  if (nest.C > 0) text += fmt::format(", C by {}", nest.C);
  return text;
}

std::string times_text(double times) {
  return times < 1.05 ? std::string("once") : fmt::format("{:.1f} times", times);
}

}  // namespace

PlannedProduct planned(const Product& product, const spec::Config& config,
                       compiler::Objective objective) {
  Network network = network_of(product, config);
  network.objective = objective;
  std::optional<model::Refusal> problem;
  const std::optional<compiler::Plan> plan = compiler::plan(network, config, &problem);
  if (!plan) throw model::Refusal(*problem);
  const Layer& layer = network.layers[0];
  const compiler::Tiling& t = plan->tilings[0];
  const double beat = config.axi_data_bits / 8.0;
  const auto map_bytes = [&](int map) {
    const Shape& s = network.maps[at(map)].shape;
    return 4.0 * static_cast<double>(s.pixels() * s.channel_words());
  };
  const bool reads = !plan->maps[at(layer.input)].resident;
  const bool writes = !plan->maps[at(layer.output)].resident;
  double weights = t.weights * beat, rest = t.bus * beat - weights;
  if (t.pieces && !t.sums) {  // whose plan counts only weights
    weights = t.bus * beat;
    rest = 0;
  }
  const double outputs = map_bytes(layer.output);
  const double inputs = reads ? std::max(map_bytes(layer.input), rest - (writes ? outputs : 0))
                              : map_bytes(layer.input);
  const auto each = [&](double bytes) {
    return std::llround(bytes / static_cast<double>(product.groups));
  };
  const double filters = static_cast<double>(product.groups * product.weights());
  const compiler::LoopNest nest = compiler::nest_of(t, layer, network);
  return {nest,
          {{"weights", each(weights),
            times_text(weights / std::max(filters, 1.0)) + ": " + loops_text(nest)},
           {"inputs", each(inputs), times_text(inputs / map_bytes(layer.input))},
           {"outputs", each(outputs), "once"}}};
}

}  // namespace trine::estimate
