// SPDX-License-Identifier: Apache-2.0
//
// A convolution and the depthwise layer behind it, some channels at a time: only so many channels
// of the map between them are there at once, and no row is computed again.

#pragma once

#include <optional>

#include "machine/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// The network with that layer and the next one in at most so many parts of channels, whole groups
/// of columns each. @return nothing where the next one needs more channels than its own, others
/// read the map between, or there would be one part
std::optional<Network> in_channel_parts(const Network& network, const machine::Config& config,
                                        int layer, int parts);

}  // namespace trine::compiler
