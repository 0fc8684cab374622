// SPDX-License-Identifier: Apache-2.0
//
// Lowers LOGISTIC and TANH of int16 codes, which are interpolated on lines between the points of
// the lookup table. If their argument is a sum of two maps, as in the gates of an LSTM, the same
// layer computes the sum: each operand is a tap.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

std::optional<reference::OutputRange> range_of_sum(const GraphFacts& facts, const Op& add);
Problem line_problem(const Lowering& ctx, const Op& o);
void line(Lowering& ctx, const Op& o);

}  // namespace trine::compiler
