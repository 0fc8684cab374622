// SPDX-License-Identifier: Apache-2.0
//
// Chooses forms of a product that depend only on its shapes, not on its weights: folded inputs of
// few channels, and joined groups. Lowering and the estimates of shape tables share these
// functions.

#pragma once

#include <optional>

#include "spec/config.h"
#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// The form of an input with few channels that suits its only reader, a convolution.
struct FoldedInput {
  Fold fold;
  Shape shape;
};
/// Folds an input.
/// @param g  the convolution's window over the tensor
/// @param depthwise  true if channels are not mixed
/// @param whole_taps  true if taps beyond the filter cannot have weights of 0
/// @return nothing if folding gains nothing
std::optional<FoldedInput> folded_input(const Shape& s, const Geometry& g, bool depthwise,
                                        bool whole_taps);
/// Turns a window over the tensor into a window over the folded map, which includes the border.
void set_folded(Geometry& g, const Fold& fold);

/// Joins as many groups of channels as fill whole words on both sides. Weights are zero between
/// channels of different groups. Depthwise convolutions use the window former if the configuration
/// has one.
/// @param depth, per_group  input and output channels of a group
void set_groups(Layer& layer, const Shape& in, int groups, int depth, int per_group,
                const spec::Config& config);

}  // namespace trine::compiler
