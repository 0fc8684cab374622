// SPDX-License-Identifier: Apache-2.0
//
// What `estimate` says of a model, to the command line and to Python.

#pragma once

#include <cstdint>
#include <vector>

#include "tools/cli/measure/energy_report.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/report.h"
#include "tools/estimate/estimate.h"

namespace trine::cli {

/// A compiled model, the cycles of its program, of no vector, and its energy.
struct ModelEstimate {
  Network network;
  Execution execution;
  EnergyReport energy;
};

/// @param bytes  of the model's file, which `options.model` names
ModelEstimate estimate_of(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
                          const BackendOptions& memory, const EnergyOptions& energy,
                          const machine::Config& config);

Json to_json(const ModelEstimate& model);
Json to_json(const estimate::Estimate& table, const EnergyReport& energy,
             const machine::Config& config);

}  // namespace trine::cli
