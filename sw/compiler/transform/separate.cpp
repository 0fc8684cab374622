// SPDX-License-Identifier: Apache-2.0
//
// Separates pools into a maximum of rows, followed by one of columns. A window of R x S taps needs
// a cycle for each tap and some more. One window of S taps and one of R taps need fewer if windows
// are large and overlap. Taps outside of the image have the same code in both, so the results are
// equal.

#include <optional>
#include <utility>

#include "spec/timing.h"
#include "sw/compiler/transform/passes.h"

namespace trine::compiler {
namespace {

/// Returns the cycles of these positions of one word.
double cycles(int rows, int cols, int taps) {
  return static_cast<double>(rows) * cols * (taps + timing::kMaximum);
}

double rows_first(const Geometry& g) { return cycles(g.H, g.Q, g.S) + cycles(g.P, g.Q, g.R); }
double columns_first(const Geometry& g) { return cycles(g.P, g.W, g.R) + cycles(g.P, g.Q, g.S); }

bool separable(const Network& network, int index) {
  const Layer& l = network.layers[at(index)];
  const Geometry& g = l.window;
  return l.kind == LayerKind::kMax && g.R > 1 && g.S > 1 && g.stride_y > 0 && g.stride_x > 0 &&
         l.like < 0 && g.P * g.Q > 1 &&
         std::min(rows_first(g), columns_first(g)) < cycles(g.P, g.Q, g.R * g.S);
}

Geometry row_of(Geometry g) {
  g.P = g.H;
  g.R = g.stride_y = g.dil_y = 1;
  g.pad_top = 0;
  return g;
}

Geometry column_of(Geometry g) {
  g.Q = g.W;
  g.S = g.stride_x = g.dil_x = 1;
  g.pad_left = 0;
  return g;
}

/// @pre separable(network, index)
Network separated(Network network, int index) {
  const Geometry g = network.layers[at(index)].window;
  const bool row = rows_first(g) <= columns_first(g);
  Layer first = network.layers[at(index)];
  first.window = row ? row_of(g) : column_of(g);
  Map between;
  const Map& out = network.maps[at(first.output)];
  between.name = out.name;
  between.shape = out.shape;
  between.shape.H = first.window.P;
  between.shape.W = first.window.Q;
  between.transposed = out.transposed;
  between.tensor = out.tensor;
  first.output = network.add(std::move(between));
  Layer& second = network.layers[at(index)];
  second.input = first.output;
  second.window = row ? column_of(g) : row_of(g);
  (row ? second.window.W : second.window.H) = row ? g.Q : g.P;
  (row ? second.window.Q : second.window.P) = row ? g.Q : g.P;
  network.layers.insert(network.layers.begin() + index, std::move(first));
  set_lifetimes(network);
  return network;
}

}  // namespace

std::optional<Network> separate(const Network& network, const spec::Config& /*config*/,
                                int& place) {
  return at_next_layer(network, place, separable, separated);
}

}  // namespace trine::compiler
