// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/energy_report.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "base/file.h"

namespace trine::cli {
namespace {

using energy::kComponentNames;
using energy::LayerEnergy;

Json parts_json(const LayerEnergy& energy) {
  Json json;
  for (const auto& [name, pj] : energy::parts_of(energy)) json[name] = pj;
  return json;
}

std::string joules(double pj) {
  if (pj >= 1e9) return fmt::format("{:.2f} mJ", pj * 1e-9);
  if (pj >= 1e6) return fmt::format("{:.2f} uJ", pj * 1e-6);
  return fmt::format("{:.2f} nJ", pj * 1e-3);
}

}  // namespace

void EnergyOptions::declare(CLI::App& command) {
  add_value(command, "--energy TABLE", table,
            "energies of actions: a technology that comes with the project\n"
            "(sg13g2), or a file of `trine energy`");
  add_value(command, "--dram-pj-per-bit E", dram_pj_per_bit,
            "of what crosses the bus; told apart from the chip (20)")
      ->check(CLI::Range(0.0, 1000.0));
  add_value(command, "--accelergy FILE", accelergy,
            "file for the counts of actions, YAML as Accelergy reads it");
}

energy::Table EnergyOptions::read() const {
  const std::filesystem::path shipped = energy::table_file(table);
  return energy::read_table(std::filesystem::exists(shipped) ? shipped
                                                             : std::filesystem::path(table));
}

EnergyReport energy_report(const compiler::Program& program, const sim::RunResult& run,
                           const EnergyOptions& options, const energy::Table& table) {
  EnergyReport report;
  report.table = table;
  for (const compiler::Program* stage : compiler::stages(program))
    for (const sim::Actions& actions : sim::count_actions(*stage))
      report.actions.push_back(actions);
  const auto of = [&](std::size_t layer, const energy::Without& without) {
    return energy::energy_of(report.actions[layer], run.layers.at(layer).cycles, program.config,
                             table, table.clock_ns, without);
  };
  for (std::size_t l = 0; l < report.actions.size(); ++l) {
    report.layers.push_back(of(l, {}));
    report.sum += report.layers.back();
    report.without_wires += of(l, {.wires = true});
    report.without_glitches += of(l, {.glitches = true});
    report.without_clock += of(l, {.clock = true});
  }
  report.dram_pj_per_bit = options.dram_pj_per_bit;
  report.dram_pj = 8 * options.dram_pj_per_bit *
                   static_cast<double>(run.dram_bytes_read + run.dram_bytes_written);
  const double ns = static_cast<double>(run.cycles) * table.clock_ns;
  if (ns > 0) report.milliwatts = report.sum.total() / ns;
  if (report.sum.total() > 0)
    report.tops_per_watt = 2 * static_cast<double>(program.macs()) / report.sum.total();
  return report;
}

void add_to(Json& json, const EnergyReport& report) {
  json["energy_pj"] = report.sum.total();
  json["energy"] = {{"technology", report.table.technology},
                    {"clock_ns", report.table.clock_ns},
                    {"by_component", parts_json(report.sum)},
                    {"without_wires_pj", report.without_wires.total()},
                    {"without_glitches_pj", report.without_glitches.total()},
                    {"without_clock_pj", report.without_clock.total()},
                    {"milliwatts", report.milliwatts},
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

std::string to_text(const EnergyReport& report) {
  std::string text;
  const double total = report.sum.total();
  std::string names = fmt::format("{:<12}", "energy"), shares = fmt::format("{:<12}", "% of chip");
  for (const auto& [name, pj] : energy::parts_of(report.sum)) {
    names += fmt::format("{:>9}", name);
    shares += fmt::format("{:>9.1f}", total > 0 ? 100 * pj / total : 0);
  }
  return names + "\n" + shares + "\n" +
         fmt::format(
             "chip: {} ({}, {:.2f} ns: {:.1f} mW, {:.3f} TOPS/W); DRAM: {} at {:g} pJ a bit\n"
             "without wires {}, without glitches {}, without the clock {}\n",
             joules(total), report.table.technology, report.table.clock_ns, report.milliwatts,
             report.tops_per_watt, joules(report.dram_pj), report.dram_pj_per_bit,
             joules(report.without_wires.total()), joules(report.without_glitches.total()),
             joules(report.without_clock.total()));
}

void write_accelergy(const EnergyReport& report, const EnergyOptions& options) {
  if (options.accelergy.empty()) return;
  std::string text = "action_counts:\n  version: 0.4\n  local:\n";
  for (const std::string_view component : kComponentNames) {
    text += fmt::format("    - name: trine.{}\n      action_counts:\n", component);
    for (std::size_t a = 0; a < sim::kActions; ++a) {
      if (sim::kActionNames[a].component != component) continue;
      std::int64_t count = 0;
      for (const sim::Actions& actions : report.actions) count += actions[a];
      text += fmt::format("        - name: {}\n          counts: {}\n", sim::kActionNames[a].name,
                          count);
    }
  }
  write_file(options.accelergy, text);
}

}  // namespace trine::cli
