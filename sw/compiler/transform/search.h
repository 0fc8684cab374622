// SPDX-License-Identifier: Apache-2.0
//
// The search for the network that takes the fewest cycles: all passes in order, each network that
// they give planned and compared by its estimated cycles.

#pragma once

#include <string>
#include <string_view>

#include "machine/config.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/verify/verify.h"

namespace trine::compiler {

enum class Fusion { kEstimated, kAlways, kNever };  ///< kEstimated: where the plan gets shorter
/// Layers in stripes, pools in parts, and all of them in another order. kAlways, for tests:
/// wherever they can; kNever: a layer stays whole, and in its place.
enum class Cascading { kEstimated, kAlways, kNever };
/// Rows of an image, or tokens of a sequence, for each core of a cluster. kAlways, for tests: where
/// they can; kNever: all cores compute the same.
enum class Sharing { kEstimated, kAlways, kNever };

/// The results are the same.
struct Ways {
  Fusion fusion = Fusion::kEstimated;  ///< of pools
  Cascading cascading = Cascading::kEstimated;
  Sharing sharing = Sharing::kEstimated;
};

struct Planned {
  Network network;
  Plan plan;
  std::string printed;  ///< the network after the pass that was to be printed
};

/// @param print_after  name of a pass; of others nothing is printed
/// @param verify  verifies the network after each pass
/// @throws Error  a line for each layer that does not fit, or has no unit
Planned search(Network network, const machine::Config& config, const Ways& ways = {},
               std::string_view print_after = {}, bool verify = verifies_by_default());

}  // namespace trine::compiler
