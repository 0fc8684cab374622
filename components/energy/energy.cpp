// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include "components/energy/fit.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/reference/vectors/vectors.h"
#include "synth/place/place.h"
#include "tools/cli/common.h"
#include "tools/cli/models/python.h"
#include "tools/cli/run/check.h"
#include "tools/cli/run/network.h"

namespace trine::cli {
namespace {

struct EnergyArguments {
  Output output;
  Design design;
  std::vector<std::string> models, vectors, measured, shapes;
  std::string out, table;
  energy::MeasureOptions measure;
  PythonOptions python;
  bool place = false;
};

NetworkOptions network_of(const std::string& model, const std::vector<std::string>& shapes) {
  NetworkOptions options;
  options.shapes = shapes;
  options.model = model;
  options.allow_host = true;
  return options;
}

/// Formats the shares. Leakage is given as energy per cycle.
std::string share_text(const energy::Measured& measured) {
  std::string text = fmt::format(
      "{}: {} cells, {:.3f} ns{}\n{:<10}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}{:>12}\n",
      measured.config.name, measured.cells, measured.clock_ns, measured.placed ? ", placed" : "",
      "pJ/cycle", "gates", "pins", "wires", "glitches", "memories", "clock", "leakage");
  double cycles = 0;
  std::array<power::Energy, energy::kComponents> sums;
  for (const energy::Sample& sample : measured.samples) {
    cycles += static_cast<double>(sample.cycles);
    for (std::size_t c = 0; c < energy::kComponents; ++c) {
      sums[c] += sample.energy[c];
      sums[c].leakage_nw = sample.energy[c].leakage_nw;
    }
  }
  power::Energy all;
  const auto line = [&](std::string_view name, const power::Energy& e) {
    text += fmt::format("{:<10}", name);
    for (const double pj : {e.cells, e.pins, e.wires, e.glitches, e.memories, e.clock})
      text += fmt::format("{:>12.2f}", pj / cycles);
    text += fmt::format("{:>12.4f}\n", e.leakage_nw * measured.clock_ns * 1e-6);
  };
  for (std::size_t c = 0; c < energy::kComponents; ++c) {
    line(energy::kComponentNames[c], sums[c]);
    all += sums[c];
  }
  line("all", all);
  const double total =
      (all.switching() + all.clock) / cycles + all.leakage_nw * measured.clock_ns * 1e-6;
  const auto without = [&](const char* what, double pj) {
    text += fmt::format("without {:<9} {:>10.2f}\n", what, total - pj / cycles);
  };
  text += fmt::format("in all            {:>10.2f}\n", total);
  without("wires",
          all.wires * (1 + all.glitches / std::max(1e-9, all.cells + all.pins + all.wires)));
  without("glitches", all.glitches);
  without("clock", all.clock);
  return text;
}

std::string table_text(const energy::Table& table) {
  std::string text =
      fmt::format("\n{:<10}{:<14}{:>12}{:>12}\n", "component", "action", "logic pJ", "memory pJ");
  for (std::size_t a = 0; a < sim::kActions; ++a)
    text += fmt::format("{:<10}{:<14}{:>12.4f}{:>12.4f}\n", sim::kActionNames[a].component,
                        sim::kActionNames[a].name, table.logic_pj[a], table.memory_pj[a]);
  text += fmt::format("\n{:<10}{:>10}{:>10}{:>11}{:>11}{:>10}{:>11}{:>9}{:>10}{:>8}\n", "component",
                      "cycle pJ", "clock pJ", "leakage nW", "+cycle pJ", "+clock pJ", "+leak. nW",
                      "wires", "glitches", "error");
  for (std::size_t c = 0; c < energy::kComponents; ++c) {
    const energy::Cost& cost = table.costs[c];
    text += fmt::format(
        "{:<10}{:>10.4f}{:>10.4f}{:>11.2f}{:>11.4f}{:>10.4f}{:>11.2f}{:>8.1f}%{:>9.1f}%{:>7.1f}%\n",
        energy::kComponentNames[c], cost.unit.cycle_pj, cost.unit.clock_pj, cost.unit.leakage_nw,
        cost.fixed.cycle_pj, cost.fixed.clock_pj, cost.fixed.leakage_nw, 100 * cost.wires,
        100 * cost.glitches, 100 * cost.error);
  }
  return text +
         "(cycle, clock and leakage are per PE, lane, bank, ..; columns with + are for the parts "
         "that exist once)\n";
}

/// A layer, or all of a design, as measured and as the table predicts it.
struct Compared {
  std::string design, layer;
  std::uint64_t cycles = 0;
  double measured_pj = 0, table_pj = 0;

  double error() const { return 100 * (table_pj / measured_pj - 1); }
};

std::vector<Compared> compare(const energy::Measured& measured, const energy::Table& table) {
  std::vector<Compared> lines;
  Compared all{measured.config.name, "all layers"};
  for (const energy::Sample& sample : measured.samples) {
    const double ns = measured.clock_ns;
    const double sum =
        energy::energy_of(sample.actions, sample.cycles, measured.config, table, ns).total();
    lines.push_back(
        {measured.config.name, sample.name, sample.cycles, energy::total_of(sample, ns), sum});
    all.cycles += sample.cycles;
    all.measured_pj += lines.back().measured_pj;
    all.table_pj += sum;
  }
  lines.push_back(all);
  return lines;
}

std::string compared_text(const std::vector<Compared>& lines) {
  std::string text = fmt::format("\n{:<14}{:<44}{:>9}{:>11}{:>11}{:>9}\n", "design", "layer",
                                 "cycles", "pJ/cycle", "by table", "error");
  for (const Compared& line : lines) {
    const auto cycles = static_cast<double>(line.cycles);
    text +=
        fmt::format("{:<14.13}{:<44.43}{:>9}{:>11.1f}{:>11.1f}{:>8.1f}%\n", line.design, line.layer,
                    line.cycles, line.measured_pj / cycles, line.table_pj / cycles, line.error());
  }
  return text;
}

Json compared_json(const std::vector<Compared>& lines) {
  Json json = Json::array();
  for (const Compared& line : lines)
    json.push_back({{"design", line.design},
                    {"layer", line.layer},
                    {"cycles", line.cycles},
                    {"measured_pj", line.measured_pj},
                    {"table_pj", line.table_pj}});
  return json;
}

/// Splits "DIR:CASE"; without CASE the first case is used.
std::pair<std::string, std::string> folder_and_case(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return {text, ""};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

const reference::VectorCase& case_of(const reference::VectorSet& vectors, const std::string& id) {
  for (const reference::VectorCase& c : vectors.cases)
    if (id.empty() || c.id == id) return c;
  throw_error("{}: no case {}", vectors.file, id);
}

energy::Measured measured(const EnergyArguments& options, const spec::Config& config) {
  std::vector<Network> networks;
  std::vector<std::vector<Array>> inputs;
  std::vector<std::string> names;
  for (std::size_t m = 0; m < options.models.size(); ++m) {
    const NetworkOptions network = network_of(options.models[m], options.shapes);
    names.push_back(std::filesystem::path(network.model).stem().string());
    const std::vector<std::uint8_t> bytes = read_file(network.model);
    if (options.vectors.empty() || options.vectors[m] == "random") {
      networks.push_back(load_network(bytes, network, config, reference::kDoublePolicy));
      inputs.push_back(random_inputs(networks.back(), 1));
    } else {
      const auto [folder, id] = folder_and_case(options.vectors[m]);
      const reference::VectorSet vectors = reference::read_vectors(folder);
      networks.push_back(load_network(vectors, bytes, network, config));
      inputs.push_back(case_of(vectors, id).inputs);
      names.back() += id.empty() ? "" : " (" + id + ")";
    }
  }
  std::vector<energy::Workload> workloads;
  for (std::size_t m = 0; m < networks.size(); ++m)
    workloads.push_back({names[m], &networks[m].program, &inputs[m]});
  energy::MeasureOptions measure = options.measure;
  measure.synth.quiet = options.output.quiet || !has_terminal();
  measure.rtl.build.quiet = measure.synth.quiet;
  if (options.place) {
    synth::check_placeable(measure.synth);
    measure.synth.place.python =
        Python(options.python, "synth/place/requirements.txt", options.output).program();
  }
  return energy::measure(config, workloads, measure);
}

std::vector<energy::Measured> all_measured(const EnergyArguments& options) {
  if (options.measured.empty()) return {measured(options, options.design.load())};
  std::vector<energy::Measured> designs;
  for (const std::string& file : options.measured) designs.push_back(energy::read_measured(file));
  return designs;
}

int run(const EnergyArguments& options) {
  std::vector<NamedFile> read{{"--table", options.table}};
  for (const std::string& file : options.measured) read.push_back({"--measured", file});
  for (const std::string& model : options.models) read.push_back({"MODEL", model});
  options.output.check({{"--out", options.out}}, read);
  if (options.models.empty() == options.measured.empty())
    throw_error("trine energy: MODEL or --measured is required, and not both");
  if (!options.vectors.empty() && options.vectors.size() != options.models.size())
    throw_error("--vectors: {} folders for {} models, allowed one for each", options.vectors.size(),
                options.models.size());
  if (options.measured.empty() && options.design.config.empty())
    throw_error("trine energy: --config is required");
  if (!options.measured.empty() && !options.design.config.empty())
    throw_error("--config: not allowed with --measured, whose files contain it");
  const std::vector<energy::Measured> designs = all_measured(options);
  const energy::Table table =
      options.table.empty() ? energy::fit(designs) : energy::read_table(options.table);
  std::vector<Compared> compared;
  std::string text;
  for (const energy::Measured& design : designs) {
    text += share_text(design) + "\n";
    for (const Compared& line : compare(design, table)) compared.push_back(line);
  }
  options.output.print(text + table_text(table) + compared_text(compared));
  if (!options.out.empty()) write_file(options.out, json_text(energy::to_json(table), 2) + "\n");
  Json json;
  if (options.measured.empty()) json = energy::to_json(designs.front());
  json["layers"] = compared_json(compared);
  json["table"] = energy::to_json(table);
  options.output.write_json(json, options.measured.empty() ? &designs.front().config : nullptr);
  return kSuccess;
}

}  // namespace

void add_energy(Command app, Action& action) {
  const auto [command, options] = add_command<EnergyArguments>(
      app, action, "energy", "measure the energy of actions from the netlist's toggles", run);
  add_value(command, "MODEL", options->models, "networks whose layers are measured");
  options->design.declare(command)->required(false);
  declare_shape(command, options->shapes);
  options->output.declare(command);
  add_value(command, "--vectors DIR[:CASE]", options->vectors,
            "for each MODEL a folder that trine record wrote: its first case,\n"
            "or CASE, is run; `random`, or no --vectors: seeded random codes")
      ->allow_extra_args(false);
  add_value(command, "--liberty FILE", options->measure.synth.liberty,
            "cell library, .lib or .lib.gz, with a folder of memories next to it\n"
            "(IHP sg13g2, which comes with Trine)");
  command.add_flag("--no-clock-gates", options->measure.synth.no_clock_gates,
                   "as in trine synth: the clocks of all registers run in every cycle");
  add_value(command, "--macros DIR", options->measure.synth.macros,
            "folder with Liberty files of memories (the library's own)");
  add_value(command, "--measured FILE.json", options->measured,
            "instead of MODEL and --config: files that --json wrote, of any designs;\n"
            "makes one table for all");
  add_value(command, "--table TABLE.json", options->table,
            "do not fit a table: report the errors of this table");
  add_value(command, "--out TABLE.json", options->out, "file for the table");
  add_value(command, "--keep DIR", options->measure.keep,
            "folder for the netlist and the waveforms of its ports, for a check by\n"
            "another program (components/benchmarks/silicon/energy.py)");
  add_value(command, "--wire-ff C", options->measure.assumed.wire_ff,
            "capacitance of each net's wire in fF; with --place only the clock's (12)")
      ->check(range(0.0, 1000.0));
  command.add_flag("--place", options->place,
                   "place the design (trine synth --place), and use the placed length of\n"
                   "each wire instead of one length for all");
  add_value(command, "--lef PATH", options->measure.synth.place.lef,
            "with --place: LEF of cells and macros (next to the Liberty file)");
  options->python.declare(command);
  add_value(command, "--clock-tree F", options->measure.assumed.clock_tree,
            "factor on the energy of the clock's pins and wires, for the buffers of\n"
            "the clock tree (1.4)")
      ->check(range(1.0, 10.0));
  add_value(command, "--glitch-every N", options->measure.timed_every,
            "simulate one of N cycles with delays, to count glitches; 0: none (17)")
      ->check(range(0, 1'000'000));
  command.footer(
      "The netlist is the buffered and sized one for which `trine synth` reports the clock. It\n"
      "gets the inputs of an RTL run; its outputs are compared with those of the RTL in every\n"
      "cycle (docs/energy.md).\n\n"
      "Examples:\n"
      "  trine energy --config edge32 MODEL.tflite --vectors DIR --json edge32.json\n"
      "  trine energy --measured edge32.json edge64.json --out sg13g2.json");
}

}  // namespace trine::cli
