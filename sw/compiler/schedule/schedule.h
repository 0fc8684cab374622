// SPDX-License-Identifier: Apache-2.0
//
// From RUNs in a valid sequential order to a program: loads move ahead of the RUNs that wait for
// them, tokens order the engines, registers are only set where they change.

#pragma once

#include <vector>

#include "machine/config.h"
#include "sw/compiler/schedule/instruction.h"

namespace trine::compiler {

/// Puts every load where the bus is free for it, by estimated cycles: in the order in which they
/// are needed, but past one whose place is still in use. Loads for no more than kReadersAhead RUNs
/// wait for their readers.
std::vector<Instruction> schedule_loads(std::vector<Instruction> natural,
                                        const machine::Config& config);
inline constexpr std::size_t kReadersAhead = 52;  ///< tokens are counted in 6 bits

/// Sets wait and signal so that engines running freely give the sequential result.
void insert_tokens(std::vector<Instruction>& program);

/// SETs, RUNs and END.
std::vector<isa::Word> encode(const std::vector<Instruction>& program, std::uint64_t config_hash);

}  // namespace trine::compiler
