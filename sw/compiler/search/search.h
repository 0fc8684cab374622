// SPDX-License-Identifier: Apache-2.0
//
// Searches for the network with the fewest cycles. Runs all passes in order, plans each network
// that they return, and compares the estimated cycles.

#pragma once

#include <string>
#include <string_view>

#include "spec/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/verify/verify.h"

namespace trine::compiler {

enum class Fusion { kEstimated, kAlways, kNever };  ///< kEstimated: if the plan gets shorter
/// Controls whether layers are computed in stripes, pools in parts, and layers in another order.
/// kAlways, for tests: wherever possible. kNever: layers stay whole and in their order.
enum class Cascading { kEstimated, kAlways, kNever };
/// Controls whether the cores of a cluster share an image's rows or a sequence's tokens. kAlways,
/// for tests: wherever possible. kNever: all cores compute the same.
enum class Sharing { kEstimated, kAlways, kNever };

/// The options of the search. They do not change results.
struct Ways {
  Fusion fusion = Fusion::kEstimated;  ///< fusion of pools
  Cascading cascading = Cascading::kEstimated;
  Sharing sharing = Sharing::kEstimated;
};

/// A network with its plan.
struct Planned {
  Network network;
  Plan plan;
  std::string printed;  ///< the network after the pass to be printed, as text
};

/// Searches for the network with the fewest cycles.
/// @param print_after  name of a pass; other names print nothing
/// @param verify  verifies the network after each pass
/// @throws Error  with a line for each layer that does not fit, or for which the configuration has
/// no unit
Planned search(Network network, const spec::Config& config, const Ways& ways = {},
               std::string_view print_after = {}, bool verify = verifies_by_default());

}  // namespace trine::compiler
