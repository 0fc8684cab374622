// SPDX-License-Identifier: Apache-2.0
//
// TFLite rounds halves up, ONNX to even. Both agree unless a scaled sum lies exactly between
// two codes: acc * multiplier an odd multiple of 2^(30 - shift). Scales are rarely so even that an
// accumulator in reach does that; where one does, the machine's own mode is used.

#pragma once

#include "base/rounding.h"
#include "sw/model/graph.h"
#include "sw/reference/run.h"

namespace trine::compiler {

/// How the machine gives the codes of an operator that rounds halves to even: no sum lies halfway,
/// so that halves up do; or with its own mode; or not, as ADD's terms are rounded before.
enum class HalfEven { kNotNeeded, kNeeded, kNoWay };
/// @pre constant weights
HalfEven half_even(const model::Graph& graph, const model::Op& op);

/// Whether the machine's sum, which rounds SUB's second operand after its sign is changed, gives
/// the operator's codes, for all pairs of them. @pre ADD or SUB
bool sums_agree(const model::Graph& graph, const model::Op& op, reference::Rounding rounding);

}  // namespace trine::compiler
