// SPDX-License-Identifier: Apache-2.0
//
// The optional stages after technology mapping: static timing and placement. The library
// trine_timing implements the stages. A program that only reports area does not link that library.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "synth/partition.h"
#include "synth/read/liberty.h"
#include "synth/read/rtlil.h"
#include "synth/synthesize.h"

namespace trine::synth {

struct Stages {
  /// Computes the clock of the whole design: time_design() of timing/clock.h.
  std::function<ClockReport(const std::filesystem::path& folder, const std::string& top,
                            const Plan& plan, const Library& library,
                            const std::vector<Macro>& macros, const SynthOptions& options,
                            const std::function<void(const std::string&)>& progress)>
      time;
  /// Places and routes a design on an ECP5: place_ecp5() of fpga/ecp5.h.
  std::function<FpgaReport(const std::filesystem::path& folder, const Module& top,
                           const std::filesystem::path& python,
                           const std::function<void(const std::string&)>& progress)>
      place_ecp5;
};

/// Returns every stage, for SynthOptions::stages. Defined in trine_timing.
const Stages& all_stages();

}  // namespace trine::synth
