// SPDX-License-Identifier: Apache-2.0
//
// Handles layers that each write every second pixel of one map, as resizes and transposed
// convolutions do. If the map is in DRAM, each layer would load what the others have written and
// store it again. In stripes, the layers write rows of the map in DMEM, which are stored once all
// layers have written them.

#pragma once

#include <optional>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// A run of neighbouring layers first..last that all read one map, and all write pixels of another
/// map, in some of its channels.
struct Scattered {
  int first = 0, last = 0;
};

/// Returns all such runs, in order.
std::vector<Scattered> scattered_layers(const Network& network, const spec::Config& config);

/// Returns the network in which each of these layers is replaced by one layer for each stripe of
/// `rows` rows of the map.
/// @param loads  true: the rows that the layers read are loaded into DMEM before each stripe
/// @pre scattered_layers() returned `layers`
Network in_stripes(const Network& network, const Scattered& layers, int rows, bool loads);

}  // namespace trine::compiler
