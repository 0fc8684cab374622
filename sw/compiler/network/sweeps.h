// SPDX-License-Identifier: Apache-2.0
//
// The sweeps of a convolution. A pool behind it takes the maximum over positions (ky, kx) of its
// window: output (y, x) is the largest of the convolution's (y*U - pad + ky, x*U' - pad' + kx).
// All y and x of one (ky, kx) are a convolution of their own, with the strides multiplied and the
// window moved.

#pragma once

#include "sw/compiler/network/network.h"

namespace trine::compiler {

/// Makes the sweeps of a convolution over `input`, with their corrections.
void set_sweeps(Layer& layer, const Shape& input);
/// The same with a MAX_POOL_2D fused behind it: `pool` slides over the convolution's positions.
/// @pre can_pool(layer, pool)
void set_sweeps(Layer& layer, const Shape& input, const Geometry& pool);
/// Whether the instructions can express it.
bool can_pool(const Layer& layer, const Geometry& pool);

}  // namespace trine::compiler
