// SPDX-License-Identifier: Apache-2.0
//
// Runs a program on the architecture simulator: either bit-exact outputs with predicted cycles, or
// only the cycles.

#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sim/arch/cluster.h"
#include "sim/arch/timeline.h"
#include "sim/result.h"

namespace trine::sim {

/// Options of a run.
struct ArchOptions {
  BusOptions bus;
  bool again = false;  ///< true if the program has run before, so that IMEM contains its beginning
  std::uint64_t cycles_limit = 0;                       ///< CYCLES_LIMIT; 0: none
  std::function<void(const DmemWrite&)> on_dmem_write;  ///< see Cluster
};

/// Runs a program from the model's inputs to its outputs.
/// @throws Error  inputs do not fit the model, or the program does what the hardware cannot do
RunResult run_arch(const compiler::Program& program, const std::vector<Array>& inputs,
                   const ArchOptions& options = {});

/// Runs a program on DRAM contents: `dram` is the memory at BASE before and after the run.
/// @pre dram.size() == program.dram_bytes
RunResult run_arch_dram(const compiler::Program& program, std::span<std::uint8_t> dram,
                        const ArchOptions& options = {});

/// The end of a program with arbitrary words.
struct Ending {
  int cause = 0;  ///< code of ERROR_CAUSE; 0: done
  /// True if the simulator refused it because the hardware's behavior would be undefined.
  bool refused = false;
  std::string text;      ///< message of the error, if there is one
  std::size_t word = 0;  ///< index of the word at which it stopped; earlier words were executed
  RunResult result;      ///< result of a program that is done
};

/// Runs arbitrary words like run_arch_dram(). An unusual end is a result, not an error. A limit of
/// cycles bounds the time.
Ending run_any(const compiler::Program& program, std::vector<std::uint8_t>& dram,
               const ArchOptions& options);

/// Predicts only the cycles. Needs no data, because cycles do not depend on values.
/// @pre the compiler made the program: the reach of its addresses is not checked
RunResult run_timing(const compiler::Program& program, const BusOptions& bus = {});

}  // namespace trine::sim
