// SPDX-License-Identifier: Apache-2.0
//
// Exchanges macros of one kind while that shortens wires, because the floor plan does not consider
// their connections.

#pragma once

#include "synth/place/placement.h"

namespace trine::synth {

/// Minimizes the half perimeters of nets with fixed cells. @return the number of exchanges
int swap_macros(const Netlist& netlist, Placement& placement);

}  // namespace trine::synth
