// SPDX-License-Identifier: Apache-2.0
//
// Turns RUNs in a valid sequential order into a program. Loads move ahead of the RUNs that wait for
// them, tokens order the engines, and registers are set only where they change.

#pragma once

#include <vector>

#include "spec/config.h"
#include "sw/compiler/schedule/instruction.h"

namespace trine::compiler {

/// Moves every load to a time at which the bus is free for it, by estimated cycles. Loads stay in
/// the order in which they are needed, but a load may pass another one whose place is still in use.
/// At any time, the loads that were moved ahead have at most kReadersAhead RUNs as readers.
std::vector<Instruction> schedule_loads(std::vector<Instruction> natural,
                                        const spec::Config& config);
inline constexpr std::size_t kReadersAhead = 52;  ///< tokens are counted in 6 bits

/// Sets wait and signal so that freely running engines give the sequential result.
void insert_tokens(std::vector<Instruction>& program);

/// Encodes the program as SETs, RUNs and END.
std::vector<isa::Word> encode(const std::vector<Instruction>& program, std::uint64_t config_hash);

}  // namespace trine::compiler
