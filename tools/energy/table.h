// SPDX-License-Identifier: Apache-2.0
//
// The energy of each action by component in one technology, measured at gate level (measure.h),
// stored as JSON, and multiplied with the actions of a run (sim/arch/actions.h).
//
//   layer = sum of actions x (pJ + pJ of the clock) + cycles x (pJ a cycle + pJ of the clock) +
//           leakage x time
//
// Three values are sums of a part for each unit (a PE, a lane, a bank, ..) and a fixed part for the
// component: the energy of a cycle, the energy of its clock, and the leakage.

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

/// Parts to exclude from a sum.
struct Without {
  bool wires = false, glitches = false, clock = false;
};

/// Energy that depends only on time.
struct Standing {
  double cycle_pj = 0;  ///< energy of a cycle, whatever is done in it
  double clock_pj = 0;  ///< energy of a cycle's clock edges
  double leakage_nw = 0;
};

/// The energies of a component. Switching energies include wires and glitches.
struct Cost {
  Standing unit;                   ///< cost of each unit
  Standing fixed;                  ///< cost of the component as a whole
  double wires = 0, glitches = 0;  ///< fractions of the switching energy, without memories
  double error = 0;  ///< relative error of the fit: root mean square divided by the mean
};

/// The table of a technology.
struct Table {
  std::string technology, library;
  double volts = 0, clock_ns = 0;
  power::Assumptions assumed;
  std::array<Cost, kComponents> costs;
  std::array<double, sim::kActions> logic_pj{}, memory_pj{}, clock_pj{};  ///< energy of an action
};

/// The energy of a layer or of a run, pJ.
struct LayerEnergy {
  std::array<double, kComponents> component{};
  double clock = 0, leakage = 0;

  double total() const;
  LayerEnergy& operator+=(const LayerEnergy& other);
};

/// Returns the names of all parts with their energies, in this order.
std::vector<std::pair<std::string, double>> parts_of(const LayerEnergy& energy);

/// Returns the energy of a component in each cycle, whatever it does: switching, clock, leakage.
/// @param ns  of a cycle
double standing_pj(Component component, const spec::Config& config, const Table& table, double ns);
/// Returns the energy of an action, with its clock.
double action_pj(std::size_t action, const Table& table);

/// Returns the energy of a layer or a run. @param ns  of a cycle, for leakage
LayerEnergy energy_of(const sim::Actions& actions, std::uint64_t cycles, const spec::Config& config,
                      const Table& table, double ns, const Without& without = {});

nlohmann::ordered_json to_json(const Table& table);
/// Reads a table. @throws Error  names the file and the key
Table read_table(const std::filesystem::path& file);

/// Returns the file of a table of the project. @throws Error  the technology does not exist
std::filesystem::path table_file(const std::string& technology);

}  // namespace trine::energy
