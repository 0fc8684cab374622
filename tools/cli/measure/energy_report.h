// SPDX-License-Identifier: Apache-2.0
//
// Computes the energy of a run from its actions and a table (tools/energy), for `run`, `verify` and
// `estimate`.

#pragma once

#include <array>
#include <string>
#include <vector>

#include "sim/result.h"
#include "sw/program/program.h"
#include "tools/cli/common.h"
#include "tools/cli/run/rate.h"
#include "tools/energy/by_data.h"
#include "tools/energy/table.h"
#include "tools/estimate/estimate.h"

namespace trine::cli {

/// The options --energy, --dram-pj-per-bit, --accelergy and --ert.
struct EnergyOptions {
  std::string table = "sg13g2";  ///< a technology of the project, or a file
  double dram_pj_per_bit = 20;
  std::string accelergy, ert;

  void declare(Command command);
  /// Reads the table. Called before the run, so that a bad table is reported at once. @throws Error
  energy::Table read() const;
};

/// The energy of a run, DRAM separately.
struct EnergyReport {
  energy::Table table;
  sim::Actions all{};                                     ///< actions of the run
  double cycles = 0;                                      ///< cycles of the run
  std::array<double, energy::kComponents> standing_pj{};  ///< energy of a cycle, whatever is done
  sim::DataWords dmem{};                                  ///< words of DMEM, by their contents
  energy::DramBytes dram{};                               ///< bytes between DRAM and the machine
  std::vector<sim::Actions> actions;  ///< actions of each layer, of all segments
  /// Energy of each layer. If a row of a table of shapes stands for several layers: of one layer.
  std::vector<energy::LayerEnergy> layers;
  energy::LayerEnergy sum, without_wires, without_glitches, without_clock;
  double dram_pj = 0;
  double dram_pj_per_bit = 0;
  Clock clock;                               ///< clock_of() the design
  double milliwatts = 0, tops_per_watt = 0;  ///< chip only, at the clock without wires
  double milliwatts_placed = 0;              ///< chip only, at the clock of the placed design
};

/// Returns the energy of a run.
EnergyReport energy_report(const compiler::Program& program, const sim::RunResult& run,
                           const EnergyOptions& options, const energy::Table& table);
/// Returns the energy of a table of shapes.
EnergyReport energy_report(const estimate::Estimate& estimate, const spec::Config& config,
                           const EnergyOptions& options, const energy::Table& table);

/// Returns the energy by data and level, DRAM included.
energy::ByData by_data(const EnergyReport& report);

/// Adds the energy to the result of to_json(program, ..).
void add_to(Json& json, const EnergyReport& report);
/// Returns the energy as text. @param details  adds the energy by data, and the parts of wires,
/// glitches and the clock
std::string to_text(const EnergyReport& report, bool details);

/// Writes the counts of actions, and the energy of each, in the formats of Accelergy 0.4 if
/// --accelergy and --ert are given. Their products add up to the energy of the chip.
void write_accelergy(const EnergyReport& report, const EnergyOptions& options);

}  // namespace trine::cli
