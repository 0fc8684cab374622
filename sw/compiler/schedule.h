// SPDX-License-Identifier: Apache-2.0
//
// From RUNs in a valid sequential order to a program: loads move ahead of the RUNs that wait for
// them, tokens order the engines, registers are only set where they change.

#pragma once

#include <vector>

#include "sw/compiler/instruction.h"

namespace trine::compiler {

/// Moves every load as far ahead as its destination is free, in their order, and no more than
/// kLoadsAhead loads before the RUN that needs the first of them (an engine's queue is short).
std::vector<Instruction> hoist_loads(std::vector<Instruction> natural);
inline constexpr int kLoadsAhead = 12;

/// Sets wait and signal so that engines running freely give the sequential result.
void insert_tokens(std::vector<Instruction>& program);

/// SETs, RUNs and END.
std::vector<isa::Word> encode(const std::vector<Instruction>& program);

}  // namespace trine::compiler
