// SPDX-License-Identifier: Apache-2.0
//
// Random programs: every geometry, flag and quantization that the compiler could ask for, and many
// that it would not. A program loads all memories with random bits, mixes instructions of all four
// engines, and stores DMEM.
//
// Even seeds run the instructions one after the other, each waiting for the one before. Odd seeds
// give them only the tokens that their memory regions need, so that engines overlap.

#pragma once

#include <cstdint>
#include <vector>

#include "machine/config.h"
#include "sw/compiler/schedule/instruction.h"
#include "sw/program/program.h"

namespace trine::fuzz {

struct RandomProgram {
  compiler::Program program;
  std::vector<compiler::Instruction> instructions;  ///< in program order
  std::vector<std::uint8_t> dram;                   ///< what BASE points to
};

/// The same seed with fewer instructions is the beginning of the same program.
/// @param instructions  besides the first loads and the last store
RandomProgram random_program(const machine::Config& config, unsigned seed, int instructions);

}  // namespace trine::fuzz
