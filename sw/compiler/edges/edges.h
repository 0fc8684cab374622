// SPDX-License-Identifier: Apache-2.0
//
// Handles the edges of the network. The host copies each input into the machine's memory and each
// output out of it, element by element. Operators next to the machine that only move codes, or look
// them up one by one, become part of these copies.

#pragma once

#include "sw/program/program.h"

namespace trine::compiler {

/// Moves operators of program.before and program.after into the program's layouts where possible.
/// These are operators next to the machine that move codes, or map each code by a table of 256
/// codes. If operators on single elements (QUANTIZE of floats) are between a movement and the
/// machine, movement and operators are exchanged.
void lay_out_edges(Program& program);

}  // namespace trine::compiler
