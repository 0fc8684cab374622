// SPDX-License-Identifier: Apache-2.0
//
// The network's edges. The host copies each input into the machine's memory and each output out of
// it, element by element; what operators beside the machine only move, or look up code by code, it
// does on that way.

#pragma once

#include <optional>
#include <vector>

#include "sw/model/graph.h"
#include "sw/model/view.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// RESHAPE and its kin, TRANSPOSE.
bool only_moves(model::OpKind kind);

/// What an operator that only moves makes of a view of its operand. @return nothing where elements
/// would not lie equally far apart
std::optional<model::View> moved(const model::Graph& graph, const model::Op& op,
                                 const model::View& view);

/// How far apart rows, columns and channels lie. @param image  their numbers
std::optional<Steps> steps_of(const model::View& view, const std::vector<int>& image);

/// Operators of program.before and program.after that its layouts can do are in them then: movement
/// and tables of 256 codes at the border to the machine, also where operators on single elements
/// (QUANTIZE of floats) lie between: these are exchanged with it.
void lay_out_edges(Program& program);

}  // namespace trine::compiler
