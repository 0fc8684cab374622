// SPDX-License-Identifier: Apache-2.0
//
// Declares the passes. A pass changes a network into one that gives the same codes and may need
// fewer cycles. It does not use the network's plan. The search (search/search.h) runs kPasses in
// order, plans what they return, and continues with the network that it accepts.

#pragma once

#include <array>
#include <optional>

#include "spec/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// The condition under which the search accepts the result of a pass.
enum class Takes {
  kAlways,     ///< always, because no plan of the result is longer
  kShorter,    ///< if its plan is shorter
  kUnspilled,  ///< if its plan is shorter; tried only while maps find no place on chip
  kFinished,   ///< if its plan is shorter after the later passes ran on both networks
};

/// A pass of the search.
struct Pass {
  const char* name;
  Takes takes;
  /// Returns the network with one change, at the first place from `place` on, or nothing. The pass
  /// defines what a place is, for example a layer.
  /// @param place  receives the place of the change
  std::optional<Network> (*next)(const Network& network, const spec::Config& config, int& place);
};

/// Applies `change` to the first layer from `place` on for which `can` returns true.
template <typename Can, typename Change>
std::optional<Network> at_next_layer(const Network& network, int& place, Can can, Change change) {
  for (; place < static_cast<int>(network.layers.size()); ++place)
    if (can(network, place)) return change(network, place);
  return std::nullopt;
}

/// Removes from convolutions the output pixels that no layer reads.
std::optional<Network> thin(const Network& network, const spec::Config& config, int& place);
/// Cuts products around a SOFTMAX into units, so that array and vector unit work at the same time.
std::optional<Network> cut_attention(const Network& network, const spec::Config& config,
                                     int& place);
/// Exchanges rows and columns of all maps.
std::optional<Network> transpose(const Network& network, const spec::Config& config, int& place);
/// Fuses a MAX_POOL_2D into the convolution before it. A place is a layer.
std::optional<Network> fuse(const Network& network, const spec::Config& config, int& place);
/// Splits a pool over a concatenation into one pool for each branch. A place is a layer.
std::optional<Network> split_pool(const Network& network, const spec::Config& config, int& place);
/// Separates a pool's window into a row window followed by a column window. A place is a layer.
std::optional<Network> separate(const Network& network, const spec::Config& config, int& place);
/// Takes the addition out of a convolution whose weights exceed PMEM. A place is a layer.
std::optional<Network> unfuse(const Network& network, const spec::Config& config, int& place);
/// Stores a residual and loads it again for its sum. If there are many residuals, place 0 stands
/// for all of them.
std::optional<Network> reload(const Network& network, const spec::Config& config, int& place);

/// Merges convolutions of one tap over the images of a batch into one over all pixels.
std::optional<Network> stack(const Network& network, const spec::Config& config, int& place);
/// Lets the images of a batch share chunks of weights that exceed PMEM.
std::optional<Network> together(const Network& network, const spec::Config& config, int& place);

inline constexpr std::array<Pass, 10> kPasses{{
    {"thin", Takes::kAlways, thin},
    {"attention", Takes::kAlways, cut_attention},
    {"transpose", Takes::kFinished, transpose},
    {"split", Takes::kShorter, split_pool},
    {"fuse", Takes::kShorter, fuse},
    {"separate", Takes::kShorter, separate},
    {"unfuse", Takes::kShorter, unfuse},
    {"reload", Takes::kUnspilled, reload},
    {"stack", Takes::kShorter, stack},
    {"together", Takes::kShorter, together},
}};

/// The stage after the passes: layers in stripes (cascade.h). Their choice needs a plan.
inline constexpr const char* kCascade = "cascade";
/// The stage after kCascade: layers in another order (interleave.h). Its choice needs a plan too.
inline constexpr const char* kInterleave = "interleave";

}  // namespace trine::compiler
