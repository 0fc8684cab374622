// SPDX-License-Identifier: Apache-2.0
//
// Lowers functions of one code to the lookup table. If nothing else reads the code, the layer that
// computes it also looks it up. Otherwise the lookup is a pass of the vector unit.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

/// Returns true if the operator's codes are functions of another tensor's codes.
bool is_function(const GraphFacts& facts, const Op& o);

/// Finds the functions of one code, the tensors that are stored, and the functions that the
/// preceding layer looks up.
void find_tables(GraphFacts& facts);

/// Adds a lookup table to `layer`, which computes `tensor`, if one function of the tensor is stored
/// and the tensor itself is not.
/// @return the tensor that the layer then computes
int look_up_result(const Lowering& ctx, int tensor, Layer& layer);

Problem function_problem(const Lowering& ctx, const Op& o);
void function(Lowering& ctx, const Op& o);

}  // namespace trine::compiler
