// SPDX-License-Identifier: Apache-2.0
//
// Macros of one kind exchange places while that makes wires shorter: the floor plan knows nothing
// of what they talk to.

#pragma once

#include "synth/place/placement.h"

namespace trine::synth {

/// By the half perimeters of nets, cells where they are. @return exchanges
int swap_macros(const Netlist& netlist, Placement& placement);

}  // namespace trine::synth
