// SPDX-License-Identifier: Apache-2.0
//
// Layers that fell off a cliff: far above the bound of an optimistic machine, with the cause and
// what would help.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/result.h"
#include "sw/program/program.h"
#include "sw/program/traffic.h"
#include "tools/cli/common.h"

namespace trine::cli {

struct Cliff {
  std::string name, op;
  std::uint64_t cycles = 0;
  double share = 0;  ///< of all cycles
  std::uint64_t bound = 0;
  std::string cause;
  std::string advice;  ///< keys of the configuration, or what to change in the model
};

/// Layers of more than three times their bound and of at least a hundredth of all cycles, by the
/// causes of a run.
std::vector<Cliff> cliffs_of(const compiler::Program& program, const sim::RunResult& run);
/// The same by the cycles that the compiler expects and bytes of DRAM, those of all stages.
std::vector<Cliff> expected_cliffs(const compiler::Program& program,
                                   const std::vector<program::Traffic>& traffic);

/// A line each, and one or two with what would help.
/// @param which  "some": of more than a twentieth of all cycles; "all"; "none"
std::string to_text(const std::vector<Cliff>& cliffs, const std::string& which);
Json to_json(const std::vector<Cliff>& cliffs);

}  // namespace trine::cli
