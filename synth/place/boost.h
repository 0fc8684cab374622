// SPDX-License-Identifier: Apache-2.0
//
// Buffers for late nets and for drivers with more load than they may have: one beside the driver
// for all sinks, or one for those that have time, whichever brings more. Wires are known.

#pragma once

#include "synth/place/buffer_trees.h"

namespace trine::synth {

/// One pass over all nets. The wires are to be updated after it.
WireBuffers boost(Netlist& netlist, const Cells& cells, Placement& placement, const Wires& wires);

}  // namespace trine::synth
