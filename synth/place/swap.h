// SPDX-License-Identifier: Apache-2.0
//
// Exchanges the places of macros of the same kind as long as wires become shorter. The floor plan
// does not consider the connections of macros.

#pragma once

#include "synth/place/placement.h"

namespace trine::synth {

/// Exchanges macros until no exchange reduces the half perimeters of their nets; other cells stay
/// in place. @return the number of exchanges
int swap_macros(const Netlist& netlist, Placement& placement);

}  // namespace trine::synth
