// SPDX-License-Identifier: Apache-2.0
//
// Lowers functions of one code to the lookup table. The table follows the layer that computes the
// code if no other layer reads it. Otherwise it is a pass of the vector unit.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

/// Returns true if the operator's codes are functions of another tensor's codes.
bool is_function(const GraphFacts& facts, const Op& o);

/// Finds the functions of one code, the tensors that are stored, and the functions that the layer
/// before them looks up.
void find_tables(GraphFacts& facts);

/// Adds a lookup table to the layer that computes a tensor, if only the table's function of that
/// tensor is read.
/// @return the tensor that the layer then computes
int look_up_result(const Lowering& ctx, int tensor, Layer& layer);

Problem function_problem(const Lowering& ctx, const Op& o);
void function(Lowering& ctx, const Op& o);

}  // namespace trine::compiler
