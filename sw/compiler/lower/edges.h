// SPDX-License-Identifier: Apache-2.0
//
// Handles the edges of the network. The host copies each input into the machine's memory and each
// output out of it, element by element. Operators next to the machine that only move codes, or look
// them up one by one, become part of these copies.

#pragma once

#include <optional>
#include <vector>

#include "sw/model/graph.h"
#include "sw/model/view.h"
#include "sw/program/program.h"

namespace trine::compiler {

/// Returns true for operators that only move elements: RESHAPE and its relatives, and TRANSPOSE.
bool only_moves(model::OpKind kind);

/// Returns the view of the result of an operator that only moves elements, given a view of its
/// operand.
/// @return nothing if the result's elements would not be equally far apart
std::optional<model::View> moved(const model::Graph& graph, const model::Op& op,
                                 const model::View& view);

/// Returns the distances between rows, columns and channels.
/// @param image  the numbers of rows, columns and channels
std::optional<Steps> steps_of(const model::View& view, const std::vector<int>& image);

/// Moves operators of program.before and program.after into the program's layouts where possible:
/// movement, and tables of 256 codes, next to the machine. If operators on single elements
/// (QUANTIZE of floats) are between movement and machine, the two are exchanged.
void lay_out_edges(Program& program);

}  // namespace trine::compiler
