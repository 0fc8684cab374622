// SPDX-License-Identifier: Apache-2.0
//
// A system under Verilator, with the UART's text as it comes.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string_view>

#include "soc/system.h"

namespace trine::soc {

/// The program that simulates the system, whatever its memories begin with; from the cache if it is
/// there. $TRINE_RTL_OPT is the C++ compiler's optimization (0..3), 3 if not set.
/// @throws Error  Verilator fails; names the log
std::filesystem::path build_simulation(const System& system, bool quiet);

/// The same of its netlist for ECP5 (map_system()), in which the memories' contents are.
std::filesystem::path build_netlist_simulation(const System& system, bool quiet);

constexpr int kOutOfTime = 124;  ///< exit code

/// Runs it with the memories' first contents in `folder`.
/// @param cycles  at most
/// @param uart  a file with what the UART receives; empty: nothing
/// @param on_text  what the UART sends
/// @return the firmware's exit code, or kOutOfTime
int simulate(const std::filesystem::path& program, const std::filesystem::path& folder,
             std::uint64_t cycles, const std::filesystem::path& uart,
             const std::function<void(std::string_view)>& on_text);

}  // namespace trine::soc
