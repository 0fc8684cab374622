// SPDX-License-Identifier: Apache-2.0
//
// The longest paths of a timed design, one for each pair of register groups: what the clock becomes
// when the first is cut, the next, and so on. A group is the bits and copies of one register of a
// module, or the copies of one memory.

#pragma once

#include <vector>

#include "synth/read/netlist.h"
#include "synth/synthesize.h"
#include "synth/timing/timer.h"

namespace trine::synth {

/// @param timer  of `netlist`, up to date
/// @return at most `count`, the longest first
std::vector<GroupPath> longest_paths(const Netlist& netlist, const Cells& cells, const Timer& timer,
                                     std::size_t count);

}  // namespace trine::synth
