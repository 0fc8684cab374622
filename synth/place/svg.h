// SPDX-License-Identifier: Apache-2.0
//
// A picture of a placed design: macros with their names, the core coloured by module.

#pragma once

#include <string>

#include "synth/place/placement.h"

namespace trine::synth {

/// SVG, the die 1,000 wide; a legend of the modules with the largest share of the cells' area.
std::string floorplan_svg(const Netlist& netlist, const Cells& cells, const Placement& placement);

}  // namespace trine::synth
