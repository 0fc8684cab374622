// SPDX-License-Identifier: Apache-2.0
//
// Runs a program on the architecture simulator: bit-exact outputs and predicted cycles, or the
// cycles alone.

#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "sim/arch/cluster.h"
#include "sim/arch/timeline.h"
#include "sim/result.h"

namespace trine::sim {

struct ArchOptions {
  BusOptions bus;
  bool again = false;              ///< the program has run before: IMEM has its beginning
  std::uint64_t cycles_limit = 0;  ///< CYCLES_LIMIT, 0: none
  std::function<void(const DmemWrite&)> on_dmem_write;  ///< see Cluster
};

/// @throws Error  inputs that do not fit the model; a program that does what the hardware cannot
RunResult run_arch(const compiler::Program& program, const std::vector<Array>& inputs,
                   const ArchOptions& options = {});

/// The same on DRAM contents: `dram` is what BASE points to, before and after.
/// @pre dram.size() == program.dram_bytes
RunResult run_arch_dram(const compiler::Program& program, std::span<std::uint8_t> dram,
                        const ArchOptions& options = {});

/// How a program ends, whatever its words are.
struct Ending {
  int cause = 0;         ///< code of ERROR_CAUSE, 0: done
  bool refused = false;  ///< instead: the hardware would do something undefined
  std::string text;      ///< of both, what() of the error
  std::size_t word = 0;  ///< that it stopped at; those before it were executed
  RunResult result;      ///< of a program that is done
};

/// Runs what may be no program: as run_arch_dram, but an end that is none is no error. With a limit
/// of cycles its time is bounded.
Ending run_any(const compiler::Program& program, std::vector<std::uint8_t>& dram,
               const ArchOptions& options);

/// The cycles alone, without data: what a run predicts, as values do not change them.
/// @pre the program is the compiler's: what its addresses reach is not checked
RunResult run_timing(const compiler::Program& program, const BusOptions& bus = {});

}  // namespace trine::sim
