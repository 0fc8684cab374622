// SPDX-License-Identifier: Apache-2.0
//
// Computes a lower bound for the cycles of a layer on an optimistic machine of the same size. The
// bound covers whole tiles, the draining of columns, lanes lost at the row ends of depthwise
// layers, and one element per lane and cycle for everything except products. It leaves out
// start-up, bank conflicts and maps that do not fit, so a layer far above its bound has a problem.
// The rules are the ones of components/benchmarks/cycles/plausible.py, applied to the layers that
// the compiler makes.

#pragma once

#include <cstdint>

#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Returns the bound in cycles of the array or the vector unit. It leaves out the bus.
std::int64_t bound_of(const Layer& layer, const Network& network, const spec::Config& config);

}  // namespace trine::compiler
