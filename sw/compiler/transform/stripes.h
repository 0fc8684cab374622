// SPDX-License-Identifier: Apache-2.0
//
// What layers in stripes have in common, whether they go one behind the other (cascade.h) or write
// pixels of one map (scattered.h).

#pragma once

#include <string>

#include "machine/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Rows first..last-1 of a map.
struct Rows {
  int first = 0, last = 0;

  int count() const { return last - first; }
  bool operator==(const Rows& o) const = default;
};

/// The rows of the input that those of the output read, inside of the image.
Rows input_rows(const Geometry& g, const Rows& out);

/// Whether beats can bring rows of the map to DMEM, or take them from there.
bool moves_by_beats(const Map& map, const machine::Config& config);

/// Adds the layer's stripe that makes these rows of its output. Maps and the window's place in them
/// are already the stripe's.
/// @param first  the layer of the first stripe, like which the others are; less than 0 before it
void add_rows(Network& net, Layer layer, const Rows& out, int& first);

/// Adds a layer that the DMA does: the map `from` goes to `to`, which is as large.
/// @param of  the layer for which it is
/// @param first  as above, of such copies
void add_copy(Network& net, int from, int to, const Layer& of, const std::string& name, int& first);

/// Adds the layers of `old` behind `last`, whose references to layers there move with them, and
/// sets the lifetimes of all maps.
void add_behind(Network& net, const Network& old, int last);

}  // namespace trine::compiler
