// SPDX-License-Identifier: Apache-2.0
//
// Determines how the window former reads the taps of a filter row. In a step that starts `offset`
// columns into the row, a lane and the three lanes to its right provide columns offset, offset + U,
// offset + 2U and offset + 3U (U: stride). The former makes one word of these for each channel. The
// last lanes of a row of positions have no neighbours and only lend their words, so rows are longer
// by `halo`. What the last of these lanes would provide is often outside of the image. The first
// lanes of the next row then replace these lending lanes, since the words of both are the pad code,
// and only `idle` lending lanes remain.

#pragma once

#include <optional>

#include "spec/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// The place of a tap: the step of the filter row and the neighbour lane (0: the lane itself).
struct TapPlace {
  int step, lane;
};
/// Returns the step and lane that provide tap `kx`, or nothing if none does.
std::optional<TapPlace> place_of(const Former& former, const Geometry& g, int kx);
/// Returns the former that needs the fewest cycles for the window.
Former best_former(const Geometry& g, const spec::Config& config);

}  // namespace trine::compiler
