// SPDX-License-Identifier: Apache-2.0
//
// Forms that a product takes for its shapes alone, whatever its weights: inputs of few channels
// folded, groups joined. Lowering and the estimates of shape tables share them.

#pragma once

#include <optional>

#include "machine/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// An input of few channels as its only reader, a convolution, is to have it.
struct FoldedInput {
  Fold fold;
  Shape shape;
};
/// @param g  the convolution's window over the tensor
/// @param depthwise  whether channels stay apart
/// @param whole_taps  whether taps beyond the filter cannot have weights of 0
/// @return nothing where folding gains nothing
std::optional<FoldedInput> folded_input(const Shape& s, const Geometry& g, bool depthwise,
                                        bool whole_taps);
/// Makes a window over the tensor one over the folded map, whose border is in the map.
void set_folded(Geometry& g, const Fold& fold);

/// So many groups of channels are joined as fill whole words on both sides; zeros stand for what
/// they don't share. Depthwise convolutions use the window former where there is one.
/// @param depth, per_group  input and output channels of a group
void set_groups(Layer& layer, const Shape& in, int groups, int depth, int per_group,
                const machine::Config& config);

}  // namespace trine::compiler
