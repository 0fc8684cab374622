// SPDX-License-Identifier: Apache-2.0
//
// Finds the longest paths of a timed design, one for each pair of register groups. They show how
// the clock would improve if the longest path were cut, then the next, and so on. A group is the
// bits and copies of one register of a module, or the copies of one memory.

#pragma once

#include <vector>

#include "synth/read/netlist.h"
#include "synth/synthesize.h"
#include "synth/timing/timer.h"

namespace trine::synth {

/// Returns at most `count` paths, the longest first.
/// @param timer  up to date for `netlist`
std::vector<GroupPath> longest_paths(const Netlist& netlist, const Cells& cells, const Timer& timer,
                                     std::size_t count);

}  // namespace trine::synth
