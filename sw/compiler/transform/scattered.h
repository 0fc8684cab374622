// SPDX-License-Identifier: Apache-2.0
//
// Layers that write every second pixel of one map, as resizes and transposed convolutions do. Where
// the map lies in DRAM, each of them would load what the others have written, and store it again.
// In stripes they write rows of the map in DMEM, which go to DRAM once all have.

#pragma once

#include <optional>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Neighbouring layers first..last that write pixels of some channels of one map, and read one map.
struct Scattered {
  int first = 0, last = 0;
};

/// All of them, in order.
std::vector<Scattered> scattered_layers(const Network& network, const machine::Config& config);

/// The network with a layer for each stripe of so many rows of the map, of each of these layers.
/// @param loads  rows of what they read come to DMEM before each stripe
/// @pre scattered_layers() has them
Network in_stripes(const Network& network, const Scattered& layers, int rows, bool loads);

}  // namespace trine::compiler
