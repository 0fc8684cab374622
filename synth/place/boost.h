// SPDX-License-Identifier: Apache-2.0
//
// Inserts buffers for late nets and for overloaded drivers: either one next to the driver for all
// sinks, or one for the sinks with slack, whichever gains more. Wires are known.

#pragma once

#include "synth/place/buffer_trees.h"

namespace trine::synth {

/// Makes one pass over all nets. The caller must update the wires after it.
WireBuffers boost(Netlist& netlist, const Cells& cells, Placement& placement, const Wires& wires);

}  // namespace trine::synth
