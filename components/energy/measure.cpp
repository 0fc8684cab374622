// SPDX-License-Identifier: Apache-2.0

#include "components/energy/measure.h"

#include <iterator>
#include <set>
#include <utility>

#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/process.h"
#include "synth/power/replay.h"
#include "synth/read/cells.h"
#include "synth/read/netlist.h"
#include "synth/stages.h"
#include "synth/timing/timer.h"

namespace trine::energy {
namespace fs = std::filesystem;
namespace {

/// A run of the RTL with the trace of its ports.
struct Recorded {
  fs::path vcd;
  std::vector<sim::LayerSpan> spans;
};

Recorded record(const Workload& workload, const fs::path& vcd, const MeasureOptions& options) {
  sim::RtlOptions rtl = options.rtl;
  rtl.trace_file = vcd;
  const sim::RunResult result = sim::run_rtl(*workload.program, *workload.inputs, rtl);
  return {vcd, sim::layer_spans(*workload.program, result.runs, result.cycles)};
}

/// Writes the files with which another program can repeat the measurement: the netlist with the
/// nets of its ports and the components of its cells, and the layers of each run, next to its
/// trace.
void keep_design(const synth::Inspected& design, const std::vector<int>& components,
                 const fs::path& folder) {
  write_file(folder / "design.v", design.netlist.verilog(design.cells));
  std::string ports, parts;
  for (std::size_t n = 0; n < design.netlist.nets().size(); ++n)
    if (const std::string& name = design.netlist.nets()[n].name; !name.empty())
      ports += fmt::format("{} {}\n", name, n);
  for (const int component : components)
    parts += fmt::format("{}\n", kComponentNames[static_cast<std::size_t>(component)]);
  write_file(folder / "ports.txt", ports);
  write_file(folder / "components.txt", parts);
}

void keep_run(const compiler::Program& program, const Recorded& recorded, const fs::path& file) {
  Json json;
  json["name"] = program.name;
  for (const sim::LayerSpan& span : recorded.spans)
    json["spans"].push_back({{"layer", program.layers[static_cast<std::size_t>(span.layer)].name},
                             {"begin", span.begin},
                             {"end", span.end}});
  write_file(file, json_text(json, 1) + "\n");
}

/// Replays runs on a netlist.
class Measurement {
 public:
  Measurement(const synth::Inspected& design, const MeasureOptions& options, Measured& measured)
      : netlist_(design.netlist),
        cells_(design.cells),
        wires_(design.wires),
        options_(options),
        measured_(measured) {
    for (const synth::Instance& instance : netlist_.instances())
      component_.push_back(component_of(
          netlist_.partitions().at(static_cast<std::size_t>(instance.partition)), instance.name));
    measured.clock_ns = design.clock_ns;
    measured.placed = design.wires != nullptr;
    measured.volts = cells_.volts();
    measured.cells = netlist_.instances().size();
    if (!options.keep.empty()) keep_design(design, component_, options.keep);
  }

  void run(const Workload& workload, const Recorded& recorded) {
    const compiler::Program& program = *workload.program;
    const power::EqualWires equal(options_.assumed.wire_ff);
    const synth::WireModel& wires = wires_ == nullptr ? equal : *wires_;
    synth::Timer timer(cells_, netlist_, &wires);
    timer.update();
    power::Gates gates(netlist_, cells_, timer);
    const power::Prices prices(netlist_, cells_, timer, gates, wires, options_.assumed);
    measured_.registers = gates.registers().size();
    power::Replay replay(recorded.vcd, netlist_, gates);
    std::vector<Sample> samples(program.layers.size());
    std::vector<sim::Actions> actions = sim::count_actions(program);
    const std::vector<sim::LayerSpan>& spans = recorded.spans;
    join_untimed(spans, actions);
    for (std::size_t l = 0; l < samples.size(); ++l) {
      samples[l].name = workload.name + ": " + program.layers[l].name;
      samples[l].actions = actions[l];
    }
    std::uint64_t at = 0;  // cycles of the program so far
    std::size_t span = 0;
    const auto is_timed = [&] {
      return options_.timed_every > 0 && replay.cycles() % options_.timed_every == 0;
    };
    while (replay.cycle(is_timed())) {
      if (!replay.running()) {
        if (at == 0) gates.reset_counts();
        if (at > 0) break;
        continue;
      }
      ++at;
      if (span < spans.size() && at == spans[span].end) {
        samples[static_cast<std::size_t>(spans[span++].layer)].add(
            gates.counts().cycles, prices.of(gates.counts(), component_, kComponents));
        gates.reset_counts();
      }
      if (options_.most_cycles > 0 && at >= options_.most_cycles) break;
    }
    for (Sample& sample : samples)
      if (sample.cycles > 0) measured_.samples.push_back(std::move(sample));
  }

 private:
  const synth::Netlist& netlist_;
  const synth::Cells& cells_;
  const synth::WireModel* wires_;
  const MeasureOptions& options_;
  Measured& measured_;
  std::vector<int> component_;
};

/// @throws Error  the library contains no memories
void check_memories(const synth::SynthOptions& options) {
  const fs::path liberty = synth::liberty_of(options);
  if (!options.macros.empty() && synth::read_macros(options.macros).empty())
    throw_error("energy: --macros {}: contains no memories", options.macros.string());
  if (options.macros.empty() && synth::read_macros(synth::macro_folder_of(liberty)).empty())
    throw_error("energy: {}: no folder of memories next to it; name one with --macros",
                liberty.string());
}

/// Returns the configuration from the output of all_keys().
spec::Config config_of(const Json& keys, const fs::path& file) {
  std::string toml;
  for (const auto& [key, value] : keys.items())
    toml += fmt::format("{} = {}\n", key, json_text(value));
  return spec::parse_config(toml, file.string() + ": configuration");
}

/// Visits the fields of Energy by name, in the same order for reading and writing.
template <typename Energy, typename F>
void for_each_part(Energy& energy, const F& f) {
  f("cells", energy.cells);
  f("pins", energy.pins);
  f("wires", energy.wires);
  f("glitches", energy.glitches);
  f("memories", energy.memories);
  f("clock", energy.clock);
  f("leakage_nw", energy.leakage_nw);
}

}  // namespace

void Sample::add(std::uint64_t span_cycles, const std::vector<power::Energy>& span) {
  cycles += span_cycles;
  for (std::size_t c = 0; c < kComponents; ++c) {
    energy[c] += span[c];
    energy[c].leakage_nw = span[c].leakage_nw;
  }
}

Json to_json(const Measured& measured) {
  Json json;
  json["configuration"] = spec::all_keys(measured.config);
  json["library"] = measured.library;
  json["clock_ns"] = measured.clock_ns;
  json["volts"] = measured.volts;
  json["cells"] = measured.cells;
  json["registers"] = measured.registers;
  json["placed"] = measured.placed;
  json["wire_ff"] = measured.assumed.wire_ff;
  json["clock_tree"] = measured.assumed.clock_tree;
  for (const Sample& sample : measured.samples) {
    Json layer{{"name", sample.name}, {"cycles", sample.cycles}, {"actions", sample.actions}};
    for (std::size_t c = 0; c < kComponents; ++c)
      for_each_part(sample.energy[c], [&](const char* part, const double& value) {
        layer["energy"][std::string(kComponentNames[c])][part] = value;
      });
    json["samples"].push_back(layer);
  }
  return json;
}

Measured read_measured(const fs::path& file) {
  const Json json = parse_json(read_text(file), file.string());
  Measured measured;
  try {
    measured.config = config_of(json.at("configuration"), file);
    measured.library = json.at("library");
    measured.clock_ns = json.at("clock_ns");
    measured.volts = json.at("volts");
    measured.cells = json.at("cells");
    measured.registers = json.at("registers");
    measured.placed = json.value("placed", false);
    measured.assumed = {json.at("wire_ff"), json.at("clock_tree")};
    for (const auto& layer : json.at("samples")) {
      Sample& sample = measured.samples.emplace_back();
      sample.name = layer.at("name");
      sample.cycles = layer.at("cycles");
      sample.actions = layer.at("actions").get<sim::Actions>();
      for (std::size_t c = 0; c < kComponents; ++c)
        for_each_part(sample.energy[c], [&](const char* part, double& value) {
          value = layer.at("energy").at(std::string(kComponentNames[c])).at(part);
        });
    }
  } catch (const nlohmann::json::exception& e) {
    throw_error("{}: not an output of `trine energy --json`: {}", file.string(), e.what());
  }
  return measured;
}

void join_untimed(const std::vector<sim::LayerSpan>& spans, std::vector<sim::Actions>& actions) {
  std::set<int> timed;
  for (const sim::LayerSpan& span : spans) timed.insert(span.layer);
  if (timed.empty()) return;
  for (std::size_t layer = 0; layer < actions.size(); ++layer) {
    const auto after = timed.upper_bound(static_cast<int>(layer));
    const auto to = static_cast<std::size_t>(after == timed.begin() ? *after : *std::prev(after));
    if (to == layer) continue;
    for (std::size_t a = 0; a < sim::kActions; ++a)
      actions[to][a] += std::exchange(actions[layer][a], 0);
  }
}

Measured measure(const spec::Config& config, const std::vector<Workload>& workloads,
                 const MeasureOptions& options) {
  check_memories(options.synth);
  const TemporaryFolder scratch(fs::temp_directory_path(), "trine-energy");
  const fs::path traces = options.keep.empty() ? scratch.path() : options.keep;
  fs::create_directories(traces);
  std::vector<Recorded> recorded;
  for (std::size_t w = 0; w < workloads.size(); ++w) {
    if (compiler::segments(*workloads[w].program).size() > 1)
      throw_error("{}: runs in stages, with host operators in between, allowed one stage",
                  workloads[w].program->name);
    recorded.push_back(record(workloads[w], traces / fmt::format("{}.vcd", w), options));
    if (!options.keep.empty())
      keep_run(*workloads[w].program, recorded.back(), traces / fmt::format("{}.json", w));
  }
  Measured measured;
  measured.config = config;
  measured.assumed = options.assumed;
  synth::SynthOptions synth = options.synth;
  synth.stages = &synth::all_stages();
  synth.inspect = [&](const synth::Inspected& design) {
    Measurement measurement(design, options, measured);
    for (std::size_t w = 0; w < workloads.size(); ++w) measurement.run(workloads[w], recorded[w]);
  };
  const synth::SynthReport report = synth::synthesize(config, synth);
  measured.library = report.library;
  return measured;
}

}  // namespace trine::energy
