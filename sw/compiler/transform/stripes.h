// SPDX-License-Identifier: Apache-2.0
//
// Provides what layers in stripes have in common, both in a cascade (cascade.h) and when they write
// pixels of one map (scattered.h).

#pragma once

#include <string>

#include "spec/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// The rows first..last-1 of a map.
struct Rows {
  int first = 0, last = 0;

  int count() const { return last - first; }
  bool operator==(const Rows& o) const = default;
};

/// Returns the input rows inside of the image that the output rows `out` read.
Rows input_rows(const Geometry& g, const Rows& out);

/// Returns true if the map's rows can be moved between DRAM and DMEM in whole beats.
bool moves_by_beats(const Map& map, const spec::Config& config);

/// Adds the stripe of a layer that makes the rows `out` of its output. The layer's maps and its
/// window already belong to the stripe.
/// @param first  index of the first stripe's layer, to which later stripes refer by Layer::like. If
/// negative, the added layer is the first stripe, and `first` receives its index
void add_rows(Network& net, Layer layer, const Rows& out, int& first);

/// Adds a layer that the DMA executes: it copies the map `from` to `to`, which has the same size.
/// @param of  the layer for which the copy is made
/// @param first  as in add_rows(), for these copies
void add_copy(Network& net, int from, int to, const Layer& of, const std::string& name, int& first);

/// Adds the layers of `old` that come after `last`, corrects their references to each other, and
/// sets the lifetimes of all maps.
void add_behind(Network& net, const Network& old, int last);

}  // namespace trine::compiler
