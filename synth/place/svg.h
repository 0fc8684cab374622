// SPDX-License-Identifier: Apache-2.0
//
// Draws a placed design: macros with their names, the core colored by module.

#pragma once

#include <string>

#include "synth/place/placement.h"

namespace trine::synth {

/// Returns an SVG in which the die is 1,000 wide, with a legend of the modules with the largest
/// areas.
std::string floorplan_svg(const Netlist& netlist, const Cells& cells, const Placement& placement);

}  // namespace trine::synth
