// SPDX-License-Identifier: Apache-2.0
//
// Computes a convolution and the depthwise layer that follows it for some channels at a time. Only
// these channels of the map between them exist at once, and no row is computed twice.

#pragma once

#include <optional>

#include "spec/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Cuts a layer and the next one into at most `parts` parts of channels, which are whole groups of
/// columns each.
/// @return nothing if an output channel of the next layer needs other channels too, if another
/// layer reads the map between, or if there would be one part
std::optional<Network> in_channel_parts(const Network& network, const spec::Config& config,
                                        int layer, int parts);

/// A network whose layers are cut by chunked().
struct Chunked {
  Network network;
  int last = 0;  ///< index in the new network of the layer `last`
};

/// Cuts each product and depthwise layer of first..last, except the last layer, if only layers use
/// their outputs.
/// @return nothing if there are none
std::optional<Chunked> chunked(const Network& network, int first, int last, int parts,
                               const spec::Config& config);

}  // namespace trine::compiler
