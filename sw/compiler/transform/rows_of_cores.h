// SPDX-License-Identifier: Apache-2.0
//
// One image on the cores of a cluster: each computes rows of its own of a layer's output, with the
// same weights. Rows that the windows of two cores read are copied from one to the other, or loaded
// into both.

#pragma once

#include <optional>

#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// The network with every layer by rows that can be: layers of windows over maps of at least two
/// rows. A map stays in the cores' DMEM if its readers need their own rows and some of a
/// neighbour's, which the DMA copies; others go through DRAM. @return nothing where there is none
std::optional<Network> rows_of_cores(const Network& network, int cores);

}  // namespace trine::compiler
