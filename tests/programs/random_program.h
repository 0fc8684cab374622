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
#include "sim/rtl/build.h"
#include "sw/compiler/schedule/instruction.h"
#include "sw/program/program.h"

namespace trine::tests {

struct RandomProgram {
  compiler::Program program;
  std::vector<compiler::Instruction> instructions;  ///< in program order
  std::vector<std::uint8_t> dram;                   ///< what BASE points to
};

/// The same seed with fewer instructions is the beginning of the same program.
/// @param instructions  besides the first loads and the last store
RandomProgram random_program(const machine::Config& config, unsigned seed, int instructions);

/// A design to run them on.
struct RandomDesign {
  int rows, cols, axi_data_bits, pipeline_rows, pipeline_cols;
  bool all_precisions = false;
  int columns_per_cycle = 1;
  bool ecc = false;
  int acc_bits = 32;
  bool clock_gates = false;
  int imem_kib = 0;
  int pe_stages = 2;
  bool activations16 = false;
  int cores = 1;
};

machine::Config config_of(const RandomDesign& design);

/// Programs on RTL and architecture simulator: DRAM must be the same at the end. Catch2 assertions.
/// The environment repeats single cases, see tests/README.md.
/// @param build  random_init: other initial values for each seed; netlist
void check_random_programs(const RandomDesign& design, unsigned seeds,
                           const sim::BuildOptions& build = {});

/// Random programs: accesses counted from their words, which energy is told from, are those that
/// the memories of the RTL count, of all cores. Catch2 assertions.
void check_accesses(const machine::Config& config, unsigned seeds);

}  // namespace trine::tests
