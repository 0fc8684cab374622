// SPDX-License-Identifier: Apache-2.0
//
// Computes the coordinates and DMEM words that the lanes of a RUN reach, from its registers.
//
//   word of a tap = base(position) + cw * cw' + ky * ky' + kx * kx'
//
// This address is linear in the channel word and the tap, so its extremes are at corners. If the
// positions are P x Q, row by row, the base is linear in row and column, too.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "spec/lanes.h"

namespace trine::program {

/// The lowest and the highest of some addresses. Empty while low > high.
struct Extent {
  std::int64_t low = INT64_MAX, high = INT64_MIN;

  bool empty() const { return low > high; }
  void add(std::int64_t first, std::int64_t last);
  /// Returns the extent of all sums of an address in this extent and an address in `other`.
  Extent operator+(const Extent& other) const;
};

/// The positions and words that a RUN's lanes gather and write.
struct Walk {
  int positions = 0;    ///< positions of a tile
  bool window = false;  ///< the three right-hand neighbours of the last position gather, too
  bool first = false;   ///< only the first position of a tile is written
  Extent taps,
      written;  ///< relative to a position's first input and output word, without taps in x and y
};

/// The addresses that a RUN reaches.
struct Reached {
  std::optional<std::string> problem;  ///< a coordinate that the machine cannot hold
  Extent read, written;                ///< addresses before the wrap modulo 2^24
};

/// Returns the addresses that a RUN reaches.
/// @param visits  number of lanes that may be visited one by one; each visited lane decreases it
Reached reach(const isa::LaneRegisters& r, const Walk& walk, std::int64_t& visits);

}  // namespace trine::program
