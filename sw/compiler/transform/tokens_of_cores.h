// SPDX-License-Identifier: Apache-2.0
//
// One sequence on the cores of a cluster: each has pixels of its own of a map's rows, tokens of a
// transformer, and computes every layer that takes a pixel at a time with the same weights. Maps
// that are weights, the keys and values of all tokens, come from DRAM for all cores at once.

#pragma once

#include <optional>

#include "machine/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// The network with the layers that take a pixel at a time shared by the config's cores. What
/// others read of their maps, and the other way round, goes through DRAM.
/// @pre no pass changed the network  @return nothing where most MACs are in other layers, or maps
/// of several rows
std::optional<Network> tokens_of_cores(const Network& network, const machine::Config& config);

}  // namespace trine::compiler
