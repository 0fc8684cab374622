// SPDX-License-Identifier: Apache-2.0
//
// The estimate of a model, for the command line and for Python.

#pragma once

#include <cstdint>
#include <vector>

#include "tools/cli/measure/energy_report.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/report.h"
#include "tools/estimate/estimate.h"

namespace trine::cli {

/// A compiled model, with the predicted cycles and energy of its program. Predicting the cycles
/// requires no vector.
struct ModelEstimate {
  Network network;
  Execution execution;
  EnergyReport energy;
};

/// Estimates a model. @param bytes  of the file that `options.model` names
ModelEstimate estimate_of(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
                          const BackendOptions& memory, const EnergyOptions& energy,
                          const spec::Config& config);

Json to_json(const ModelEstimate& model);
Json to_json(const estimate::Estimate& table, const EnergyReport& energy,
             const spec::Config& config);

}  // namespace trine::cli
