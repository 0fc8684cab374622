// SPDX-License-Identifier: Apache-2.0
//
// The energy of a run, from its actions and a table (tools/energy), for `run`, `verify` and
// `estimate`.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/result.h"
#include "sw/program/program.h"
#include "tools/cli/common.h"
#include "tools/energy/table.h"
#include "tools/estimate/estimate.h"

namespace trine::cli {

/// --energy, --dram-pj-per-bit, --accelergy.
struct EnergyOptions {
  std::string table = "sg13g2";  ///< a technology that comes with the project, or a file
  double dram_pj_per_bit = 20;
  std::string accelergy;

  void declare(Command command);
  /// Reads the table, before a run of minutes. @throws Error
  energy::Table read() const;
};

/// What a run took, DRAM apart.
struct EnergyReport {
  energy::Table table;
  sim::Actions all{};                       ///< of the run
  std::vector<sim::Actions> actions;        ///< by layer, of all stages
  std::vector<energy::LayerEnergy> layers;  ///< likewise: of one, where a table has several
  energy::LayerEnergy sum, without_wires, without_glitches, without_clock;
  std::optional<double> dram_pj;
  double dram_pj_per_bit = 0;
  double clock_ns = 0;                       ///< clock_of() the design
  double milliwatts = 0, tops_per_watt = 0;  ///< of the chip, at the clock
};

EnergyReport energy_report(const compiler::Program& program, const sim::RunResult& run,
                           const EnergyOptions& options, const energy::Table& table);
/// The energy of a table of shapes, without DRAM: its traffic is not known.
EnergyReport energy_report(const estimate::Estimate& estimate, const machine::Config& config,
                           const energy::Table& table);

/// Puts it into what to_json(program, ..) gave.
void add_to(Json& json, const EnergyReport& report);
/// @param details  what is wires', glitches' and the clock's, too
std::string to_text(const EnergyReport& report, bool details);

/// Writes counts of actions in the format of Accelergy 0.4, if --accelergy says where.
void write_accelergy(const EnergyReport& report, const EnergyOptions& options);

}  // namespace trine::cli
