// SPDX-License-Identifier: Apache-2.0
//
// MAX_POOL_2D fused into the convolution before it: the post unit takes the maximum with the code
// that an earlier sweep has written, so the map between the two never exists and the vector unit
// has nothing to do. Overlapping windows (3x3 stride 2) compute some sums several times.

#pragma once

#include <optional>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"

namespace trine::compiler {

enum class Fusion { kEstimated, kAlways, kNever };  ///< kEstimated: where the plan gets shorter

/// Fuses what `fusion` wants and plans the result.
/// @return nothing where that does not fit
std::optional<Plan> fuse_and_plan(Network& network, const machine::Config& config, Fusion fusion);

/// Maps whose places long stand idle are loaded again if that makes the network's plan shorter
/// (reload.cpp).
Plan reload_and_plan(Network& network, const machine::Config& config, Plan plan);

/// The same with rows and columns exchanged if that takes fewer cycles (transpose.cpp).
/// @throws Error  the problem that plan() names
Plan orient_and_plan(Network& network, const machine::Config& config, Fusion fusion);

}  // namespace trine::compiler
