// SPDX-License-Identifier: Apache-2.0
//
// The clock of a whole design: its mapped modules put together with memory macros, buffered and
// sized (repair.h), and timed by OpenSTA from register to register across all borders. Clock
// without skew, wires of the chosen load, ports at the clock's edge, reset left out.

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

/// Ports of a netlist as Netlist::verilog() names them, for constraints(); empty: none.
struct PathPorts {
  std::string clock, reset;
};
PathPorts ports_of(const Netlist& netlist);

/// The longest path that OpenSTA printed, by module.
TimedPath read_path(const std::string& text, const Netlist& netlist);

/// @param folder  has mapped_name().blif of each partition and effort, cells.lib, timing.lib,
///                abc_file()
/// @throws Error  a tool fails; a library without buffers
ClockReport time_design(const std::filesystem::path& folder, const std::string& top,
                        const Plan& plan, const Library& library, const std::vector<Macro>& macros,
                        const SynthOptions& options,
                        const std::function<void(const std::string&)>& progress);

}  // namespace trine::synth
