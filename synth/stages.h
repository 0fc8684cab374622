// SPDX-License-Identifier: Apache-2.0
//
// What may follow the mapping, in a library of its own (trine_timing): clock, longest paths,
// places. Who wants the area alone links without it.

#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "synth/partition.h"
#include "synth/read/liberty.h"
#include "synth/read/rtlil.h"
#include "synth/synthesize.h"

namespace trine::synth {

struct Stages {
  /// The clock of the whole design: timing/clock.h, time_design().
  std::function<ClockReport(const std::filesystem::path& folder, const std::string& top,
                            const Plan& plan, const Library& library,
                            const std::vector<Macro>& macros, const SynthOptions& options,
                            const std::function<void(const std::string&)>& progress)>
      time;
  /// A design on an ECP5: fpga/ecp5.h, place_ecp5().
  std::function<FpgaReport(const std::filesystem::path& folder, const Module& top,
                           const std::filesystem::path& python,
                           const std::function<void(const std::string&)>& progress)>
      place_ecp5;
};

/// All of them (trine_timing), for SynthOptions::stages.
const Stages& all_stages();

}  // namespace trine::synth
