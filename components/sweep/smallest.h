// SPDX-License-Identifier: Apache-2.0
//
// The search of `trine sweep --smallest`: designs from the smallest on, until one meets the
// conditions. Area is predicted at once, so only designs below the answer are estimated.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "components/sweep/table.h"

namespace trine::sweep {

/// The keys that a search varies if the user names none: "array.rows=1,2,4,8,16,32", ...
const std::vector<std::string>& searched_keys();

/// The work of a search.
struct Searched {
  std::size_t designs = 0;   ///< all designs
  std::size_t run = 0;       ///< designs of which points ran
  std::size_t too_slow = 0;  ///< not run: slower than the goal even at the peak of their array
};

/// Runs points of the smallest designs until one design meets the goal. Points that did not run are
/// removed.
/// @throws Error  the area of each design violates a condition
/// @param run  runs all points with `chosen`, and sets Point::results or Point::failed
Searched search_smallest(std::vector<Point>& points, const Goal& goal,
                         const std::function<void()>& run);

}  // namespace trine::sweep
