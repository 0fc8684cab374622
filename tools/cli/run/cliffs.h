// SPDX-License-Identifier: Apache-2.0
//
// Finds layers that are far slower than the bound of an optimistic machine, with the cause and
// advice.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/result.h"
#include "sw/program/program.h"
#include "sw/program/traffic.h"
#include "tools/cli/common.h"

namespace trine::cli {

/// A slow layer.
struct Cliff {
  std::string name, op;
  std::uint64_t cycles = 0;
  double share = 0;  ///< fraction of all cycles
  std::uint64_t bound = 0;
  std::string cause;
  std::string advice;  ///< configuration keys, or a change of the model
};

/// Returns layers with more than three times their bound and at least a hundredth of all cycles,
/// with the causes of a run.
std::vector<Cliff> cliffs_of(const compiler::Program& program, const sim::RunResult& run);
/// Returns such layers by the compiler's expected cycles and the DRAM bytes of all segments.
std::vector<Cliff> expected_cliffs(const compiler::Program& program,
                                   const std::vector<program::Traffic>& traffic);

/// Returns a line for each layer, and one or two with advice.
/// @param which  "some": layers with more than a twentieth of all cycles; "all"; "none"
std::string to_text(const std::vector<Cliff>& cliffs, const std::string& which);
Json to_json(const std::vector<Cliff>& cliffs);

}  // namespace trine::cli
