// SPDX-License-Identifier: Apache-2.0
//
// Computes the coordinates and DMEM words that the lanes of a RUN reach, from its registers.
//
//   word of a tap = base(position) + cw * cw' + ky * ky' + kx * kx'
//
// is linear in the channel word and the tap, so its extremes lie at corners. Where the positions
// are those of P x Q, row by row, the base is linear in row and column, too.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "machine/lanes.h"

namespace trine::program {

/// The lowest and the highest of some addresses; none as long as low > high.
struct Extent {
  std::int64_t low = INT64_MAX, high = INT64_MIN;

  bool empty() const { return low > high; }
  void add(std::int64_t first, std::int64_t last);
  /// The sums of one of these and one of the others.
  Extent operator+(const Extent& other) const;
};

/// The positions and words that a RUN's lanes gather and write.
struct Walk {
  int positions = 0;    ///< of a tile
  bool window = false;  ///< the last position's three neighbours gather, too
  bool first = false;   ///< only a tile's first position is written
  Extent taps,
      written;  ///< from a position's first input and output word on: beyond taps in x and y
};

struct Reached {
  std::optional<std::string> problem;  ///< a coordinate that the machine does not hold
  Extent read, written;                ///< addresses, not yet modulo 2^24
};

/// @param visits  lanes that may be visited one by one; reduced by those that were
Reached reach(const isa::LaneRegisters& r, const Walk& walk, std::int64_t& visits);

}  // namespace trine::program
