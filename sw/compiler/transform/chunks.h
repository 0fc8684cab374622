// SPDX-License-Identifier: Apache-2.0
//
// Products and the depthwise layers behind them in chunks of channels: of the map between only a
// chunk is there at a time (docs/decisions/056-kept-rows.md).

#pragma once

#include <optional>

#include "machine/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

struct Chunked {
  Network network;
  int last = 0;  ///< where the layer `last` now is
};

/// The network with each such pair of the layers first..last, before the last one, in so many
/// chunks of channels. @return nothing where there is none
std::optional<Chunked> chunked(const Network& network, int first, int last, int chunks,
                               const machine::Config& config);

}  // namespace trine::compiler
