// SPDX-License-Identifier: Apache-2.0
//
// What an action costs, by component, in one technology: measured at gate level (measure.h), kept
// as JSON, and multiplied with the actions of a run (sim/arch/actions.h).
//
//   layer = sum of actions x (pJ + pJ of the clock) + cycles x (pJ a cycle + pJ of the clock) +
//           leakage x time
//
// where what a cycle, its clock and leakage take is that of each unit (a PE, a lane, a bank, ..)
// and of what the component has once, whatever its size.

#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "sim/arch/actions.h"
#include "synth/power/price.h"
#include "tools/energy/components.h"

namespace trine::energy {

/// What is left out of a sum.
struct Without {
  bool wires = false, glitches = false, clock = false;
};

/// What time takes.
struct Standing {
  double cycle_pj = 0;  ///< of a cycle, whatever is done in it
  double clock_pj = 0;  ///< of a cycle's clock edges, likewise
  double leakage_nw = 0;
};

/// One component. Switching energies hold wires and glitches.
struct Cost {
  Standing unit;                   ///< of each
  Standing fixed;                  ///< of the component besides
  double wires = 0, glitches = 0;  ///< their shares of switching energy, without memories
  double error = 0;                ///< of the fit: root of the mean square, of the mean
};

struct Table {
  std::string technology, library;
  double volts = 0, clock_ns = 0;
  power::Assumptions assumed;
  std::array<Cost, kComponents> costs;
  std::array<double, sim::kActions> logic_pj{}, memory_pj{}, clock_pj{};  ///< of an action
};

/// pJ of a layer, or of a run.
struct LayerEnergy {
  std::array<double, kComponents> component{};
  double clock = 0, leakage = 0;

  double total() const;
  LayerEnergy& operator+=(const LayerEnergy& other);
};

/// Names of all parts, and the energy of each, in this order.
std::vector<std::pair<std::string, double>> parts_of(const LayerEnergy& energy);

/// @param ns  of a cycle: for leakage
LayerEnergy energy_of(const sim::Actions& actions, std::uint64_t cycles,
                      const machine::Config& config, const Table& table, double ns,
                      const Without& without = {});

nlohmann::ordered_json to_json(const Table& table);
/// @throws Error  names the file and the key
Table read_table(const std::filesystem::path& file);

/// The tables that come with the project. @throws Error  no such technology
std::filesystem::path table_file(const std::string& technology);

}  // namespace trine::energy
