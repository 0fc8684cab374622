// SPDX-License-Identifier: Apache-2.0
//
// Lowers operators on int32 words: codes computed from words, and the sums of int16 by int16
// products, whose second operand is split into bytes.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

/// Returns the high or the low bytes of int16 codes as an int8 map.
int byte_plane(Lowering& ctx, const Op& o, int map, bool low);

/// Returns the layer that computes the codes of an int16 by int16 product from the products with
/// the high and with the low bytes of the second operand.
Layer wide_sums(Lowering& ctx, const Op& o, std::array<Layer, 2> products, bool long_sums);

Problem wide_weights_problem(const Lowering& ctx, const Op& o);
void wide_weights(Lowering& ctx, const Op& o);
Problem word_problem(const Lowering& ctx, const Op& o);
void codes_of_words(Lowering& ctx, const Op& o);
void words_of_codes(Lowering& ctx, const Op& o);

}  // namespace trine::compiler
