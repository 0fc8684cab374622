// SPDX-License-Identifier: Apache-2.0
//
// Distributes one sequence over the cores of a cluster. Each core has its own pixels of a map's
// rows (the tokens of a transformer). With the same weights as the other cores, it computes all
// layers that work pixel by pixel. Maps that are weights, which are the keys and values of all
// tokens, are loaded from DRAM for all cores at once.

#pragma once

#include <optional>

#include "spec/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Returns the network with its pixel-by-pixel layers distributed over the configuration's cores.
/// Maps that pass between these layers and others go through DRAM.
/// @pre no pass has changed the network
/// @return nothing if most MACs are in other layers, or in maps of several rows
std::optional<Network> tokens_of_cores(const Network& network, const spec::Config& config);

}  // namespace trine::compiler
