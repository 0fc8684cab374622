// SPDX-License-Identifier: Apache-2.0
//
// Transforms: networks that give the same codes and may take fewer cycles. A pass knows nothing of
// the network's plan; the search (search.h) walks through kPasses, plans what they give, and goes
// on with the network that it takes.

#pragma once

#include <array>
#include <optional>

#include "machine/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// When the search takes what a pass gives.
enum class Takes {
  kAlways,     ///< no plan of it is longer
  kShorter,    ///< its plan is shorter
  kUnspilled,  ///< the same, and only while maps find no place on chip
  kFinished,   ///< its plan is shorter, after the later passes on both
};

struct Pass {
  const char* name;
  Takes takes;
  /// Gives the network with one change, the first from `place` on, or nothing. The pass alone knows
  /// what it counts: layers, say.
  /// @param place  becomes that of the change
  std::optional<Network> (*next)(const Network& network, const machine::Config& config, int& place);
};

/// What `change` makes of the network at the first layer from `place` on where it `can`.
template <typename Can, typename Change>
std::optional<Network> at_next_layer(const Network& network, int& place, Can can, Change change) {
  for (; place < static_cast<int>(network.layers.size()); ++place)
    if (can(network, place)) return change(network, place);
  return std::nullopt;
}

/// Lets convolutions leave out the pixels that nobody reads.
std::optional<Network> thin(const Network& network, const machine::Config& config, int& place);
/// Cuts products around a SOFTMAX into units, so that array and vector unit work side by side.
std::optional<Network> cut_attention(const Network& network, const machine::Config& config,
                                     int& place);
/// Exchanges rows and columns of all maps.
std::optional<Network> transpose(const Network& network, const machine::Config& config, int& place);
/// Puts a MAX_POOL_2D into the convolution before it. A place is a layer.
std::optional<Network> fuse(const Network& network, const machine::Config& config, int& place);
/// Makes a pool over a concatenation one for each branch. A place is a layer.
std::optional<Network> split_pool(const Network& network, const machine::Config& config,
                                  int& place);
/// Makes a pool's window one of a row, and one of a column behind it. A place is a layer.
std::optional<Network> separate(const Network& network, const machine::Config& config, int& place);
/// Stores a residual and loads it again for its sum; place 0 are all where there are many.
std::optional<Network> reload(const Network& network, const machine::Config& config, int& place);

/// Makes convolutions of one tap over a batch's images one over all of their pixels.
std::optional<Network> stack(const Network& network, const machine::Config& config, int& place);
/// Lets images of a batch go together through the chunks of weights that exceed PMEM.
std::optional<Network> together(const Network& network, const machine::Config& config, int& place);

inline constexpr std::array<Pass, 9> kPasses{{
    {"thin", Takes::kAlways, thin},
    {"attention", Takes::kAlways, cut_attention},
    {"transpose", Takes::kFinished, transpose},
    {"split", Takes::kShorter, split_pool},
    {"fuse", Takes::kShorter, fuse},
    {"separate", Takes::kShorter, separate},
    {"reload", Takes::kUnspilled, reload},
    {"stack", Takes::kShorter, stack},
    {"together", Takes::kShorter, together},
}};

/// Behind the passes: layers in stripes (cascade.h), whose choice needs a plan.
inline constexpr const char* kCascade = "cascade";
/// Behind that: layers in another order (interleave.h), which needs a plan as well.
inline constexpr const char* kInterleave = "interleave";

}  // namespace trine::compiler
