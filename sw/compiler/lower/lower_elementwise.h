// SPDX-License-Identifier: Apache-2.0
//
// Lowers operators on the elements of one or two maps: sums, products, maxima, changes of scale,
// SOFTMAX and normalizations.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

/// Finds ADDs to fuse with products. If both operands of an ADD are products, the product with more
/// MACs is fused: it hides more of the time that fused additions take in the post unit.
void find_fused_additions(GraphFacts& facts);

/// Returns the problem of an int16 scale that scales a signed value of `bits` bits beyond 32
/// bits.
Problem scale_problem(const Lowering& ctx, const Op& o, const ChannelScale& scale, int bits);

/// Returns the problem of a sum over more int16 codes than fit.
Problem count_problem(const Lowering& ctx, const Op& o, std::int64_t count, std::int64_t most);

Problem addition_problem(const Lowering& ctx, const Op& o);
void addition(Lowering& ctx, const Op& o);
Problem subtraction_problem(const Lowering& ctx, const Op& o);
void subtraction(Lowering& ctx, const Op& o);
Problem squared_difference_problem(const Lowering& ctx, const Op& o);
void squared_difference(Lowering& ctx, const Op& o);
Problem multiplication_problem(const Lowering& ctx, const Op& o);
void multiplication(Lowering& ctx, const Op& o);
Problem two_maps_problem(const Lowering& ctx, const Op& o);
void maximum(Lowering& ctx, const Op& o);
void minimum(Lowering& ctx, const Op& o);
/// Makes a layer of the operator's two maps.
Layer two_maps(Lowering& ctx, const Op& o, LayerKind kind);

/// Returns the map in the layout of `other`: the map itself, or a copy.
int lain_as(Lowering& ctx, const Op& o, int map, Shape other);

/// Returns an operand as a map with the output's extents. Constants are expanded, other operands
/// repeated.
int operand(Lowering& ctx, const Op& o, int position);

Problem operand_problem(const Lowering& ctx, const Op& o, int position);
/// Repeats a map's only channel, column or row wherever `to` has more.
int repeated(Lowering& ctx, const Op& o, int map, const Shape& to);

/// Makes a layer that copies a map's codes unchanged.
Layer copy(const Lowering& ctx, const Op& o, int map);

Problem requantize_problem(const Lowering& ctx, const Op& o);
void requantize(Lowering& ctx, const Op& o);
Problem softmax_problem(const Lowering& ctx, const Op& o);
void softmax(Lowering& ctx, const Op& o);
Problem normalization_problem(const Lowering& ctx, const Op& o);
void normalization(Lowering& ctx, const Op& o);

}  // namespace trine::compiler
