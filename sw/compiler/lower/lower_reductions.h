// SPDX-License-Identifier: Apache-2.0
//
// Lowers means, sums, and largest and smallest codes over any axes. Rows and columns of an image
// are two axes of a window. The pixels of any other tensor are in one row, and a window reads every
// n-th pixel of the row.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

Problem mean_problem(const Lowering& ctx, const Op& o);
void mean(Lowering& ctx, const Op& o);
Problem reduce_max_problem(const Lowering& ctx, const Op& o);
void reduce_max(Lowering& ctx, const Op& o);
/// Adds a layer whose result only other layers of the operator read.
/// @return the result's map
int add_step(Lowering& ctx, const Op& o, Layer layer);

}  // namespace trine::compiler
