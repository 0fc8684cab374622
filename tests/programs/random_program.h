// SPDX-License-Identifier: Apache-2.0
//
// Random programs (tools/random/random_program.h) on the RTL and on the architecture simulator.

#pragma once

#include <vector>

#include "sim/rtl/build.h"
#include "spec/config.h"
#include "tools/random/random_program.h"

namespace trine::tests {

using fuzz::random_program;
using fuzz::RandomProgram;

/// A design for random programs.
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
  int axi_addr_bits = 32;
};

spec::Config config_of(const RandomDesign& design);

/// Returns the designs that random_program_test and malformed_test share, so that each is built
/// with Verilator only once: a plain design, one with all precisions, one with all features, and a
/// cluster.
std::vector<RandomDesign> small_designs();

/// Runs programs on RTL and architecture simulator, which must give the same DRAM. Catch2
/// assertions. Environment variables repeat single cases, see tests/README.md.
/// @param build  random_init: other initial values for each seed; netlist
void check_random_programs(const RandomDesign& design, unsigned seeds,
                           const sim::BuildOptions& build = {});

/// Compares accesses of random programs, counted from their words for energy estimates, with the
/// counts of the RTL's memories, for all cores. Catch2 assertions.
void check_accesses(const spec::Config& config, unsigned seeds);

}  // namespace trine::tests
