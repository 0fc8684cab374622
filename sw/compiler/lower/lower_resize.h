// SPDX-License-Identifier: Apache-2.0
//
// Lowers operators with more outputs than inputs along an axis: TRANSPOSE_CONV and the resizes.
// Outputs a few pixels apart are alike: they read pixels that are equally far apart, with the same
// weights. Each such set of outputs is computed by one layer, which scatters them over the output's
// map.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

Problem transpose_convolution_problem(const Lowering& ctx, const Op& o);
void transpose_convolution(Lowering& ctx, const Op& o);
Problem resize_problem(const Lowering& ctx, const Op& o);
void resize(Lowering& ctx, const Op& o);

}  // namespace trine::compiler
