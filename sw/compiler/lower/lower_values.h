// SPDX-License-Identifier: Apache-2.0
//
// Lowers values that have more bits than codes, byte by byte. Products of the bytes leave int32
// words in DMEM, for some channels and rows at a time. The vector unit joins the words of a sum to
// a code, rounded once, while the array makes the next words.
//
//   weights in fixed point   w = w0 + 256 w1 + 65,536 w2, signed bytes: three words for a sum
//   codes of E4M3            represent values. A map of the three bytes of each value is made first
//                            by three lookups. A sum has three words with one-byte weights, and
//                            five words with three-byte weights

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

/// Returns the k-th signed byte of a value: v = v0 + 256 v1 + 65,536 v2.
std::int8_t signed_byte(std::int64_t value, int k);

/// Merges the regions of the channels into one if all have the same scale and bias.
void be_one(std::vector<SumRegion>& regions);

Problem fixed_problem(const Lowering& ctx, const Op& o);
void fixed_weights(Lowering& ctx, const Op& o);
void be_words(const Lowering& ctx, Layer& layer);
Problem value_sum_problem(const Lowering& ctx, const Op& o);
void value_sum(Lowering& ctx, const Op& o);
Problem value_mean_problem(const Lowering& ctx, const Op& o);
void value_mean(Lowering& ctx, const Op& o);

}  // namespace trine::compiler
