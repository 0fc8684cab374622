// SPDX-License-Identifier: Apache-2.0
//
// The fewest cycles of a layer on an optimistic machine of the same size: whole tiles, columns
// drained, lanes lost at the row ends of depthwise layers, one element a lane and cycle for what is
// no product. It knows no start, no bank conflict, no map that does not fit: a layer far above it
// fell off a cliff. The rules are those of bench/cycles/plausible.py, for the layers that the
// compiler makes.

#pragma once

#include <cstdint>

#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// On the array or the vector unit, the bus left out.
std::int64_t bound_of(const Layer& layer, const Network& network, const machine::Config& config);

}  // namespace trine::compiler
