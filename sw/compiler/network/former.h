// SPDX-License-Identifier: Apache-2.0
//
// How the window former takes the taps of a filter row. In a step that starts `offset` columns into
// the row, a lane and the three to its right bring columns offset, offset + U, offset + 2U and
// offset + 3U (U: stride), of which the former makes one word for each channel. The last lanes of a
// row of positions have no neighbours: they only lend their words, so rows are longer by `halo`.
// What the last of these would bring often lies outside of the image; then the next row's first
// lanes, whose words are the pad code as well, stand in for them (`idle` remain).

#pragma once

#include <optional>

#include "machine/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Step of the filter row and neighbour (0: the lane itself) that bring tap `kx`.
struct TapPlace {
  int step, lane;
};
std::optional<TapPlace> place_of(const Former& former, const Geometry& g, int kx);
/// The former that takes the fewest cycles for the window.
Former best_former(const Geometry& g, const machine::Config& config);

}  // namespace trine::compiler
