// SPDX-License-Identifier: Apache-2.0
//
// Simulates a system with Verilator and passes on the UART's text as it arrives.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "components/soc/system.h"

namespace trine::soc {

/// Returns the program that simulates the system with any initial contents of its memories; builds
/// it if it is not in the cache. $TRINE_RTL_OPT is the C++ compiler's optimization (0..3), 3 if not
/// set.
/// @throws Error  Verilator fails; names the log
std::filesystem::path build_simulation(const System& system, bool quiet);

/// Does the same with the system's netlist for ECP5 (map_system()), which includes the memories'
/// contents.
std::filesystem::path build_netlist_simulation(const System& system, bool quiet);

constexpr int kOutOfTime = 124;  ///< exit code if the cycles did not suffice

/// Runs a simulation with the initial contents of the memories in `folder`.
/// @param cycles  maximum number of cycles
/// @param uart  a file with the bytes that the UART receives; empty: none
/// @param on_text  called with the text that the UART sends
/// @return the firmware's exit code, or kOutOfTime
int simulate(const std::filesystem::path& program, const std::filesystem::path& folder,
             std::uint64_t cycles, const std::filesystem::path& uart,
             const std::function<void(std::string_view)>& on_text);

}  // namespace trine::soc
