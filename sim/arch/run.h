// SPDX-License-Identifier: Apache-2.0
//
// Runs a program on the architecture simulator: bit-exact outputs and predicted cycles.

#pragma once

#include <functional>
#include <vector>

#include "sim/arch/machine.h"
#include "sim/arch/timeline.h"
#include "sim/result.h"

namespace trine::sim {

struct ArchOptions {
  BusOptions bus;
  std::function<void(const DmemWrite&)> on_dmem_write;  ///< see Machine
};

/// @throws Error  inputs that do not fit the model; a program that does what the hardware cannot
RunResult run_arch(const compiler::Program& program, const std::vector<Array>& inputs,
                   const ArchOptions& options = {});

}  // namespace trine::sim
