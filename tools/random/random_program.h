// SPDX-License-Identifier: Apache-2.0
//
// Makes random programs: every geometry, flag and quantization that the compiler could request, and
// many that it would not. A program loads all memories with random bits, mixes instructions of all
// four engines, and stores DMEM.
//
// Programs of even seeds run the instructions one after the other, each waiting for the previous
// one. In odd seeds the instructions only have the tokens that their memory regions require, so
// that engines overlap.

#pragma once

#include <cstdint>
#include <vector>

#include "spec/config.h"
#include "sw/compiler/schedule/instruction.h"
#include "sw/program/program.h"

namespace trine::fuzz {

/// A program and its data.
struct RandomProgram {
  compiler::Program program;
  std::vector<compiler::Instruction> instructions;  ///< all instructions in program order
  std::vector<std::uint8_t> dram;                   ///< memory at BASE
};

/// Makes a program. The same seed with fewer instructions gives the beginning of the same program.
/// @param instructions  in addition to the first loads and the last store
RandomProgram random_program(const spec::Config& config, unsigned seed, int instructions);

}  // namespace trine::fuzz
