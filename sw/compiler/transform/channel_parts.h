// SPDX-License-Identifier: Apache-2.0
//
// Computes a convolution and the depthwise layer that follows it for some channels at a time. Only
// these channels of the map between them exist at once, and no row is computed twice.

#pragma once

#include <optional>

#include "spec/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Cuts a layer and the next layer into at most `parts` parts. Each part has the channels of one or
/// more whole groups of columns.
/// @return nothing if an output channel of the next layer needs channels of several parts, if a
/// third layer reads the map between the two, or if there would be only one part
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
