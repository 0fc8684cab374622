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

#include "synth/liberty.h"
#include "synth/partition.h"
#include "synth/repair.h"
#include "synth/synthesize.h"

namespace trine::synth {

/// A memory as macros side by side and one above the other, with the ports of trine_sram: Verilog.
/// @param macro  has the buses ADDR and DIN
std::string macro_wrapper(const Memory& memory, const Tiling& tiling, const Cell& macro);

/// @param folder  has NAME.v of each partition, cells.lib, timing.lib, abc.script
/// @param paths  longest paths between registers to tell
/// @throws Error  a tool fails; a library without buffers
ClockReport time_design(const std::filesystem::path& folder, const std::string& top,
                        const Plan& plan, const Library& library, const std::vector<Macro>& macros,
                        int paths, const std::function<void(const std::string&)>& progress);

}  // namespace trine::synth
