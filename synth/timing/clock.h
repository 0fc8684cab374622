// SPDX-License-Identifier: Apache-2.0
//
// Computes the clock of a whole design. Its mapped modules are linked with memory macros, buffered
// and sized (repair.h), and timed by OpenSTA from register to register across all borders. The
// clock has no skew, wires have the chosen load, ports switch at the clock's edge, and the reset is
// ignored.

#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "synth/partition.h"
#include "synth/read/liberty.h"
#include "synth/read/netlist.h"
#include "synth/synthesize.h"
#include "synth/timing/repair.h"

namespace trine::synth {

/// Names of ports as Netlist::verilog() prints them, for constraints(); empty if a port is missing.
struct PathPorts {
  std::string clock, reset;
};
/// Returns the names of clock and reset.
PathPorts ports_of(const Netlist& netlist);

/// Parses the longest path that OpenSTA printed, by module.
TimedPath read_path(const std::string& text, const Netlist& netlist);

/// Computes the clock.
/// @param folder  contains mapped_name().blif of each partition and effort, cells.lib, timing.lib,
/// abc_file()
/// @throws Error  a tool fails, or the library has no buffers
ClockReport time_design(const std::filesystem::path& folder, const std::string& top,
                        const Plan& plan, const Library& library, const std::vector<Macro>& macros,
                        const SynthOptions& options,
                        const std::function<void(const std::string&)>& progress);

}  // namespace trine::synth
