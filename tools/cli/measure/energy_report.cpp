// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/measure/energy_report.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/program/traffic.h"
#include "tools/cli/run/rate.h"

namespace trine::cli {
namespace {

using energy::kComponentNames;
using energy::LayerEnergy;

Json parts_json(const LayerEnergy& energy) {
  Json json;
  for (const auto& [name, pj] : energy::parts_of(energy)) json[name] = pj;
  return json;
}

/// Returns the shares of wires, glitches and clock in the chip's energy.
std::string parts_text(const EnergyReport& report) {
  const double total = report.sum.total();
  return fmt::format(
      "Of the chip's energy the loads of wires take {}, glitches {} and the clock {}.\n",
      energy_text(total - report.without_wires.total()),
      energy_text(total - report.without_glitches.total()),
      energy_text(total - report.without_clock.total()));
}

/// Sums the energy of layers, each with all of its components.
class Adder {
 public:
  Adder(const spec::Config& config, const energy::Table& table) : config_(config) {
    report_.table = table;
    report_.clock = clock_of(config);
    for (std::size_t c = 0; c < energy::kComponents; ++c)
      report_.standing_pj[c] =
          energy::standing_pj(static_cast<energy::Component>(c), config, table, report_.clock.ns);
  }

  /// @param times  number of identical layers
  void add(const sim::Counts& counts, double cycles, std::int64_t times) {
    const sim::Actions& actions = counts.actions;
    report_.actions.push_back(actions);
    for (std::size_t d = 0; d < sim::kDataKinds; ++d) {
      report_.dmem.read[d] += times * counts.dmem.read[d];
      report_.dmem.written[d] += times * counts.dmem.written[d];
    }
    report_.layers.push_back(of(actions, cycles, {}));
    sim::Actions all = actions;
    for (std::size_t a = 0; a < all.size(); ++a) report_.all[a] += all[a] *= times;
    const double time = cycles * static_cast<double>(times);
    report_.cycles += time;
    report_.sum += of(all, time, {});
    report_.without_wires += of(all, time, {.wires = true});
    report_.without_glitches += of(all, time, {.glitches = true});
    report_.without_clock += of(all, time, {.clock = true});
  }

  EnergyReport report(double cycles, std::int64_t macs) const {
    EnergyReport report = report_;
    const double pj = report.sum.total();
    if (cycles > 0) report.milliwatts = pj / (cycles * report.clock.ns);
    if (cycles > 0) report.milliwatts_placed = pj / (cycles * report.clock.placed_ns);
    if (pj > 0) report.tops_per_watt = 2 * static_cast<double>(macs) / pj;
    return report;
  }

 private:
  LayerEnergy of(const sim::Actions& actions, double cycles, const energy::Without& without) const {
    return energy::energy_of(actions, static_cast<std::uint64_t>(std::llround(cycles)), config_,
                             report_.table, report_.clock.ns, without);
  }

  const spec::Config& config_;
  EnergyReport report_;
};

void add_dram(EnergyReport& report, const EnergyOptions& options, const program::Bytes& moved,
              std::int64_t program) {
  report.dram = {moved.constants, moved.maps_read, moved.maps_written, program};
  report.dram_pj_per_bit = options.dram_pj_per_bit;
  report.dram_pj = 8 * options.dram_pj_per_bit * static_cast<double>(moved.all() + program);
}

Json to_json(const energy::ByData& of) {
  Json json;
  for (std::size_t use = 0; use < of.size(); ++use)
    for (std::size_t level = 0; level < of[use].size(); ++level)
      if (of[use][level] > 0)
        json[std::string(energy::kUseNames[use])][std::string(energy::kLevelNames[level])] =
            of[use][level];
  return json;
}

std::string to_text(const energy::ByData& of) {
  double all = 0;
  for (const auto& levels : of) all = std::accumulate(levels.begin(), levels.end(), all);
  std::string text = fmt::format("{:<16}", "% by data");
  for (const std::string_view level : energy::kLevelNames) text += fmt::format("{:>9}", level);
  text += fmt::format("{:>9}\n", "all");
  for (std::size_t use = 0; use < of.size(); ++use) {
    text += fmt::format("{:<16}", energy::kUseNames[use]);
    for (const double pj : of[use])
      text += pj > 0 ? fmt::format("{:>9.1f}", 100 * pj / all) : fmt::format("{:>9}", "");
    text +=
        fmt::format("{:>9.1f}\n", 100 * std::accumulate(of[use].begin(), of[use].end(), 0.0) / all);
  }
  return text;
}

}  // namespace

void EnergyOptions::declare(Command command) {
  add_value(command, "--energy TABLE", table,
            "energies of actions: a technology that comes with the project\n"
            "(sg13g2), or a file that `trine energy` wrote");
  add_value(command, "--dram-pj-per-bit E", dram_pj_per_bit,
            "energy of a bit on the bus; reported separately from the chip's (20)")
      ->check(range(0.0, 1000.0));
  add_value(command, "--accelergy FILE", accelergy,
            "file for the counts of actions, YAML as Accelergy reads it");
  add_value(command, "--ert FILE", ert,
            "file for the energy of each action in this design: Accelergy's energy\n"
            "reference table");
}

energy::Table EnergyOptions::read() const {
  const std::filesystem::path shipped = energy::table_file(table);
  return energy::read_table(std::filesystem::exists(shipped) ? shipped
                                                             : std::filesystem::path(table));
}

EnergyReport energy_report(const compiler::Program& program, const sim::RunResult& run,
                           const EnergyOptions& options, const energy::Table& table) {
  Adder adder(program.config, table);
  std::size_t layer = 0;
  for (const compiler::Program* segment : compiler::segments(program))
    for (const sim::Counts& counts : sim::counts_of(*segment))
      adder.add(counts, static_cast<double>(run.layers.at(layer++).cycles), 1);
  EnergyReport report = adder.report(static_cast<double>(run.cycles), program.macs());
  const program::Bytes moved = program::sum_of(program::traffic_of(program)).moved;
  add_dram(report, options, moved, static_cast<std::int64_t>(run.fetched_bytes));
  return report;
}

EnergyReport energy_report(const estimate::Estimate& estimate, const spec::Config& config,
                           const EnergyOptions& options, const energy::Table& table) {
  Adder adder(config, table);
  for (const estimate::Row& row : estimate.rows)
    adder.add({row.actions, row.dmem}, row.cycles, row.times);
  EnergyReport report = adder.report(estimate.cycles(), estimate.macs());
  add_dram(report, options, estimate.dram(), estimate.program_bytes());
  return report;
}

energy::ByData by_data(const EnergyReport& report) {
  return energy::by_data(report.sum, report.dmem, report.table, report.dram,
                         8 * report.dram_pj_per_bit);
}

void add_to(Json& json, const EnergyReport& report) {
  json["energy_pj"] = report.sum.total();
  json["energy"] = {{"technology", report.table.technology},
                    {"clock_ns", report.clock.ns},
                    {"by_component", parts_json(report.sum)},
                    {"by_data", to_json(by_data(report))},
                    {"without_wires_pj", report.without_wires.total()},
                    {"without_glitches_pj", report.without_glitches.total()},
                    {"without_clock_pj", report.without_clock.total()},
                    {"milliwatts", report.milliwatts},
                    {"milliwatts_placed", report.milliwatts_placed},
                    {"tops_per_watt", report.tops_per_watt},
                    {"dram_pj", report.dram_pj},
                    {"dram_pj_per_bit", report.dram_pj_per_bit}};
  for (std::size_t l = 0; l < report.layers.size(); ++l) {
    Json& layer = json["layers"].at(l);
    layer["energy_pj"] = report.layers[l].total();
    layer["energy_by_component"] = parts_json(report.layers[l]);
    for (std::size_t a = 0; a < sim::kActions; ++a)
      layer["actions"][fmt::format("{}.{}", sim::kActionNames[a].component,
                                   sim::kActionNames[a].name)] = report.actions[l][a];
  }
}

std::string to_text(const EnergyReport& report, bool details) {
  std::string text;
  const double total = report.sum.total();
  std::string names = fmt::format("{:<12}", "energy"), shares = fmt::format("{:<12}", "% of chip");
  for (const auto& [name, pj] : energy::parts_of(report.sum)) {
    names += fmt::format("{:>9}", name);
    shares += fmt::format("{:>9.1f}", total > 0 ? 100 * pj / total : 0);
  }
  const std::string dram = fmt::format("; DRAM: {} at {:g} pJ a bit", energy_text(report.dram_pj),
                                       report.dram_pj_per_bit);
  return names + "\n" + shares + "\n" +
         fmt::format("chip: {} ({}, {:.0f} MHz placed: {:.1f} mW, {:.3f} TOPS/W){}\n",
                     energy_text(total), report.table.technology, 1000 / report.clock.placed_ns,
                     report.milliwatts_placed, report.tops_per_watt, dram) +
         (details ? parts_text(report) + to_text(by_data(report)) : "");
}

namespace {

std::string counts_text(const EnergyReport& report) {
  std::string text = "action_counts:\n  version: 0.4\n  local:\n";
  for (std::size_t c = 0; c < energy::kComponents; ++c) {
    text += fmt::format("    - name: trine.{}\n      action_counts:\n", kComponentNames[c]);
    for (const std::size_t a : energy::actions_of(c))
      text += fmt::format("        - name: {}\n          counts: {}\n", sim::kActionNames[a].name,
                          report.all[a]);
    text += fmt::format("        - name: cycle\n          counts: {:.0f}\n", report.cycles);
  }
  return text;
}

std::string ert_text(const EnergyReport& report) {
  std::string text = "ERT:\n  version: 0.4\n  tables:\n";
  const auto action = [&](std::string_view name, double pj) {
    text += fmt::format("        - name: {}\n          arguments: {{}}\n          energy: {:.9g}\n",
                        name, pj);
  };
  for (std::size_t c = 0; c < energy::kComponents; ++c) {
    text += fmt::format("    - name: trine.{}\n      actions:\n", kComponentNames[c]);
    for (const std::size_t a : energy::actions_of(c))
      action(sim::kActionNames[a].name, energy::action_pj(a, report.table));
    action("cycle", report.standing_pj[c]);
  }
  return text;
}

}  // namespace

void write_accelergy(const EnergyReport& report, const EnergyOptions& options) {
  if (!options.accelergy.empty()) write_file(options.accelergy, counts_text(report));
  if (!options.ert.empty()) write_file(options.ert, ert_text(report));
}

}  // namespace trine::cli
