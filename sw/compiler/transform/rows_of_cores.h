// SPDX-License-Identifier: Apache-2.0
//
// Distributes the rows of one image over the cores of a cluster. Each core computes its own rows of
// a layer's output with the same weights. Rows that the windows of two cores read are copied from
// core to core, or loaded into both.

#pragma once

#include <optional>

#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Returns the network with all suitable layers distributed by rows: layers with windows over maps
/// of at least two rows. A map stays in the cores' DMEM if its readers need their own rows and some
/// rows of a neighbour, which the DMA copies. Other maps go through DRAM.
/// @return nothing if no layer is suitable
std::optional<Network> rows_of_cores(const Network& network, int cores);

}  // namespace trine::compiler
