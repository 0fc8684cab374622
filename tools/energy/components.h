// SPDX-License-Identifier: Apache-2.0
//
// The parts of the machine for which energy is reported.

#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "spec/config.h"

namespace trine::energy {

/// The components, an index of kComponentNames.
enum Component : int { kPe, kLanes, kDmem, kPmem, kAgu, kDma, kControl, kComponents };

inline constexpr std::array<std::string_view, kComponents> kComponentNames{
    "pe", "lanes", "dmem", "pmem", "agu", "dma", "control"};

/// Returns the component of a cell.
/// @param module  module with which the cell was mapped
/// @param path  instances from the top
Component component_of(const std::string& module, const std::string& path);

/// Returns the indices of the component's actions (sim/arch/actions.h).
std::vector<std::size_t> actions_of(std::size_t component);

/// Returns the number of units that determine a component's energy per idle cycle: its PEs, lanes,
/// banks, ..
double units_of(Component component, const spec::Config& config);

}  // namespace trine::energy
