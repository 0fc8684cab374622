// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "tools/cli/run/cliffs.h"
#include "tools/cli/run/rate.h"

namespace trine::cli {
namespace {

std::string percent(double part, double whole) {
  return fmt::format("{:.1f} %", whole > 0 ? 100 * part / whole : 0.0);
}

std::string verdict(const Execution& e) {
  if (e.vectors == 0) return "nothing is executed";
  if (!e.checked) return fmt::format("not checked ({})", e.why_not);
  return fmt::format("{} of {} vector{} bit-exact", e.exact, e.vectors, e.vectors == 1 ? "" : "s");
}

std::string per_image(const Execution& e) {
  const auto images = static_cast<std::uint64_t>(e.images);
  return images == 1 ? " "
                     : fmt::format(" ({} for each of {} images)\n",
                                   grouped(e.slowest.cycles / images), images);
}

std::set<int> pe_macs_of(const compiler::Program& program) {
  std::set<int> rates;
  for (const compiler::ProgramLayer& layer : program::layers_of(program))
    if (layer.macs > 0) rates.insert(layer.pe_macs);
  return rates;
}

std::size_t program_bytes(const compiler::Program& program) {
  std::size_t words = 0;
  for (const compiler::Program* segment : compiler::segments(program))
    words += segment->words.size();
  return 8 * words;
}

Clock clock_used(const compiler::Program& program, const Execution& e) {
  return e.clock_ns > 0 ? Clock{e.clock_ns} : clock_of(program.config);
}

std::string speed_text(const Execution& e) {
  if (e.seconds <= 0) return "";
  const double simulated = static_cast<double>(e.slowest.cycles) * e.vectors;
  return fmt::format("simulated in {:.2f} s ({:.0f} kHz)\n", e.seconds,
                     simulated / e.seconds / 1000);
}

/// Returns the program bytes that each inference reads, if an instruction memory keeps some of
/// them.
std::string fetch_text(const compiler::Program& program, const Execution& e) {
  const int kib = program.config.imem_kib;
  if (kib == 0) return "";
  return fmt::format(
      "program: {} bytes, of which the first inference reads {}{}; IMEM: {} KiB\n",
      grouped(program_bytes(program)), grouped(e.fetched),
      e.fetched_again ? fmt::format(", each further inference {}", grouped(*e.fetched_again)) : "",
      kib);
}

/// The figures of a line of the table.
struct RowFigures {
  std::int64_t macs = 0;
  double peak_cycles = 0;
  sim::LayerResult result;
};

RowFigures figures_of(const TableRow& row, const std::vector<compiler::ProgramLayer>& layers,
                      const sim::RunResult& run, const spec::Config& config) {
  RowFigures sum;
  for (const std::size_t i : row.layers) {
    const sim::LayerResult& result = run.layers.at(i);
    sum.macs += layers[i].macs;
    sum.peak_cycles += layers[i].peak_cycles(config);
    sum.result.cycles += result.cycles;
    for (std::size_t c = 0; c < sim::kCauses; ++c) sum.result.causes[c] += result.causes[c];
  }
  return sum;
}

std::string left(const std::string& text, int width) {
  return fmt::format("{:<{}}", fitted(text, static_cast<std::size_t>(width)), width);
}

std::string layer_rows(const compiler::Program& program, const sim::RunResult& run, bool details) {
  // At 100 columns 36 and 20; a narrow terminal shortens the names.
  const int op_width = columns() < 100 ? 14 : 20, name_width = columns() - 44 - op_width;
  std::string text = fmt::format("{} {} {:>12} {:>10} {:>7} {}\n", left("layer", name_width),
                                 left("operator", op_width), "MACs", "cycles", "util %", "bound");
  const std::vector<compiler::ProgramLayer> layers = program::layers_of(program);
  for (const TableRow& row : table_rows(layers, details)) {
    const auto [macs, peak_cycles, result] = figures_of(row, layers, run, program.config);
    text += fmt::format("{} {} {:>12} {:>10} {:>7.1f} {}\n", left(row.name, name_width),
                        left(row.op, op_width), grouped(static_cast<std::uint64_t>(macs)),
                        grouped(result.cycles), 100 * utilization(peak_cycles, result.cycles),
                        sim::bound_of(result.causes));
  }
  return text;
}

/// Returns a table with the causes of the cycles of each layer and of all layers.
std::string cause_rows(const compiler::Program& program, const sim::RunResult& run) {
  const int width = std::max(12, columns() - 8 * sim::kCauses - 1);
  const auto shares = [&](const std::string& name, const sim::LayerResult& of) {
    std::string line = left(name, width);
    const double cycles = static_cast<double>(std::max<std::uint64_t>(of.cycles, 1));
    for (const std::uint64_t cause : of.causes)
      line += fmt::format("{:>8.1f}", 100 * static_cast<double>(cause) / cycles);
    return line + "\n";
  };
  std::string text =
      "\ncauses of the cycles in %: work or waiting (docs/architecture.md, \"causes\"):\n" +
      left("layer", width);
  for (const auto& cause : csr::kCauses) text += fmt::format("{:>8}", cause.name);
  text += "\n";
  const std::vector<compiler::ProgramLayer> layers = program::layers_of(program);
  for (const TableRow& row : table_rows(layers, true)) {
    const sim::LayerResult result = figures_of(row, layers, run, program.config).result;
    if (result.cycles > 0) text += shares(row.name, result);
  }
  return text + shares("all", {run.cycles, run.causes}) + "\n";
}

/// Returns the bytes that an operator reads and writes, without constants.
std::int64_t bytes_of(const model::Graph& graph, const model::Op& op) {
  std::int64_t bytes = 0;
  for (const auto* tensors : {&op.inputs, &op.outputs})
    for (const int t : *tensors)
      if (t >= 0 && !graph.tensor(t).is_constant)
        bytes += graph.tensor(t).elements() * model::bytes_of(graph.tensor(t).type);
  return bytes;
}

/// Returns all bus traffic by its kind.
Json traffic_json(const program::Traffic& traffic, std::uint64_t fetched) {
  const auto& [moved, least] = traffic;
  return {{"program", fetched},
          {"weights", moved.constants},
          {"inputs", least.maps_read},
          {"outputs", least.maps_written},
          {"spills_read", moved.maps_read - least.maps_read},
          {"spills_written", moved.maps_written - least.maps_written}};
}

/// Returns a note if a program has no layers, because then nothing was measured.
std::string host_only(const compiler::Program& program) {
  if (!program::layers_of(program).empty()) return "";
  return "every operator ran on the host: the machine only started and stopped\n";
}

}  // namespace

std::string rate_text(const compiler::Program& program, const Execution& e) {
  return fmt::format(
      "{} cycles{}{}{}\n", grouped(e.slowest.cycles), per_image(e),
      rate_text(static_cast<double>(e.slowest.cycles), e.images, clock_used(program, e)),
      e.energy_pj ? ", " + energy_text(*e.energy_pj) : "");
}

void Shown::declare(Command command) {
  command.add_flag(
      "--details", details,
      "print the source and the error of each figure, and a row for each part\nof an operator");
  add_value(command, "--warnings W", warnings,
            "warn of layers far slower than their size suggests, with what helps:\n"
            "none, all, or some: layers with more than 5 % of all cycles (some)")
      ->check(one_of({"all", "none", "some"}));
}

void Execution::add(sim::RunResult result, bool is_exact) {
  ++vectors;
  exact += is_exact ? 1 : 0;
  if (vectors == 1)
    fetched = result.fetched_bytes;
  else
    fetched_again = std::max(fetched_again.value_or(0), result.fetched_bytes);
  if (vectors == 1 || result.cycles > slowest.cycles) slowest = std::move(result);
}

std::vector<TableRow> table_rows(const std::vector<compiler::ProgramLayer>& layers, bool details) {
  std::vector<TableRow> rows;
  std::map<std::pair<std::string, std::string>, std::size_t> known;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto [row, is_new] = known.try_emplace({layers[i].name, layers[i].op}, rows.size());
    if (is_new || details)
      rows.push_back({layers[i].title(), layers[i].op, {i}});
    else
      rows[row->second].layers.push_back(i);
  }
  for (TableRow& row : rows)
    if (row.layers.size() > 1) row.op += fmt::format(" x{}", row.layers.size());
  return rows;
}

double utilization(double peak_cycles, std::uint64_t cycles) {
  return cycles > 0 ? peak_cycles / static_cast<double>(cycles) : 0;
}

double utilization(const compiler::Program& program, std::uint64_t cycles) {
  double peak_cycles = 0;
  for (const compiler::ProgramLayer& layer : program::layers_of(program))
    peak_cycles += layer.peak_cycles(program.config);
  return utilization(peak_cycles, cycles);
}

std::string peak_text(const std::set<int>& pe_macs, const spec::Config& config) {
  std::vector<std::string> peaks;
  for (const int rate : pe_macs.empty() ? std::set<int>{4} : pe_macs) {
    const char* codes = rate == 4 ? " int8" : rate == 16 ? " ternary" : rate == 32 ? " binary" : "";
    peaks.push_back(grouped(rate * config.pes()) + (pe_macs.size() > 1 ? codes : ""));
  }
  return fmt::format("of {} MACs per cycle", fmt::join(peaks, " and "));
}

Json host_json(const compiler::Program& program) {
  Json list = Json::array();
  std::int64_t macs = program.macs();
  const std::vector<const compiler::Program*> all = compiler::segments(program);
  for (std::size_t s = 0; s < all.size(); ++s)
    for (const model::Graph* graph : {&all[s]->before, &all[s]->after})
      for (const model::Op& op : graph->ops) {
        const bool before = graph == &all[s]->before;
        const char* when = s == 0 && before                 ? "before"
                           : s + 1 == all.size() && !before ? "after"
                                                            : "between";
        list.push_back({{"name", graph->out(op).name},
                        {"op", op.name},
                        {"when", when},
                        {"macs", model::macs(*graph, op)},
                        {"bytes", bytes_of(*graph, op)}});
        if (op.kind == model::OpKind::kLstm)
          list.back()["kernel"] =
              all[s]->rounding.lstm == reference::LstmKernel::kMicro ? "tflite-micro" : "LiteRT";
        macs += model::macs(*graph, op);
      }
  for (Json& op : list)
    op["share"] = macs > 0 ? op["macs"].get<double>() / static_cast<double>(macs) : 0.0;
  return list;
}

std::string host_text(const compiler::Program& program) {
  std::string text;
  for (const Json& op : host_json(program))
    text +=
        fmt::format("on the host, {}: {} {} ({} MACs, {}{})\n", op["when"].get<std::string>(),
                    op["op"].get<std::string>(), fitted(op["name"].get<std::string>(), 40),
                    grouped(op["macs"].get<std::uint64_t>()), percent(op["share"].get<double>(), 1),
                    op.contains("kernel") ? ", as " + op["kernel"].get<std::string>() : "");
  return text;
}

Json edges_json(const compiler::Program& program) {
  Json list = Json::array();
  program::HostWork sum;
  for (const compiler::Program* segment : compiler::segments(program))
    for (const bool input : {true, false}) {
      const auto& layouts = input ? segment->inputs : segment->outputs;
      for (std::size_t i = 0; i < layouts.size(); ++i) {
        const compiler::TensorLayout& l = layouts[i];
        const model::DataType type =
            input ? segment->before.tensor(segment->before.outputs.at(i)).type
                  : segment->after.tensor(segment->after.inputs.at(i)).type;
        const program::HostWork work = program::host_work(l);
        list.push_back({{"name", l.name},
                        {"direction", input ? "in" : "out"},
                        {"type", model::name_of(type)},
                        {"extents", l.extents},
                        {"turned", l.steps != l.dense_steps()},
                        {"looked_up", !l.codes.empty()},
                        {"tensor_bytes", work.tensor_bytes},
                        {"plane_bytes", work.plane_bytes},
                        {"instructions", work.instructions}});
        sum.tensor_bytes += work.tensor_bytes;
        sum.plane_bytes += work.plane_bytes;
        sum.instructions += work.instructions;
      }
    }
  return {{"tensors", list},
          {"tensor_bytes", sum.tensor_bytes},
          {"plane_bytes", sum.plane_bytes},
          {"instructions", sum.instructions}};
}

std::string edges_text(const compiler::Program& program) {
  const Json edges = edges_json(program);
  std::string text;
  for (const Json& t : edges["tensors"]) {
    const bool turned = t["turned"], looked_up = t["looked_up"];
    if (!turned && !looked_up) continue;
    text += fmt::format(
        "The host copies {} {} ({}){}{}{}.\n", t["direction"] == "in" ? "input" : "output",
        fitted(t["name"], 20), fmt::join(t["extents"].get<std::vector<int>>(), "x"),
        turned ? " and transposes it" : "", turned && looked_up ? "," : "",
        looked_up ? " and looks up its " + t["type"].get<std::string>() + " codes" : "");
  }
  return text +
         fmt::format(
             "For inputs and outputs of {} bytes the host copies {} bytes of the machine's layout: "
             "about\n{} instructions of an rv32imc processor.\n",
             grouped(edges["tensor_bytes"].get<std::int64_t>()),
             grouped(edges["plane_bytes"].get<std::int64_t>()),
             grouped(edges["instructions"].get<std::int64_t>()));
}

Json to_json(const compiler::Program& program, const Execution& e, const std::string& backend) {
  const sim::RunResult& run = e.slowest;
  Json json;
  json["model"] = program.name;
  json["backend"] = backend;
  json["cycles"] = run.cycles;
  json["images"] = e.images;
  add_rate(json, static_cast<double>(run.cycles), e.images, clock_used(program, e));
  json["macs"] = program.macs();
  json["peak_macs_per_cycle"] = program.config.peak_macs_per_cycle();
  json["utilization"] = utilization(program, run.cycles);
  json["vectors"] = e.vectors;
  json["vectors_exact"] = e.checked ? Json(e.exact) : Json(nullptr);
  json["dram_bytes_read"] = run.dram_bytes_read;
  json["dram_bytes_written"] = run.dram_bytes_written;
  const std::vector<program::Traffic> traffic = program::traffic_of(program);
  json["traffic"] = traffic_json(program::sum_of(traffic), run.fetched_bytes);
  json["program_bytes"] = program_bytes(program);
  json["fetched_bytes"] = e.fetched;
  json["fetched_bytes_again"] = e.fetched_again ? Json(*e.fetched_again) : Json(nullptr);
  json["sim_seconds"] = e.seconds;
  for (std::size_t i = 0; i < sim::kCauses; ++i)
    json["causes"][std::string(csr::kCauses[i].name)] = run.causes[i];
  for (int i = 0; i < isa::kEngines; ++i)
    json["engines"][std::string(isa::kEngineNames[i])] = run.engine_busy[i];
  json["layers"] = Json::array();
  const std::vector<compiler::ProgramLayer> layers = program::layers_of(program);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const compiler::ProgramLayer& layer = layers[i];
    const sim::LayerResult& result = run.layers.at(i);
    Json causes;
    for (std::size_t c = 0; c < sim::kCauses; ++c)
      causes[std::string(csr::kCauses[c].name)] = result.causes[c];
    json["layers"].push_back(
        {{"name", layer.name},
         {"op", layer.op},
         {"macs", layer.macs},
         {"cycles", result.cycles},
         {"bound_cycles", layer.bound_cycles},
         {"causes", causes},
         {"utilization", utilization(layer.peak_cycles(program.config), result.cycles)},
         {"peak_macs_per_cycle", layer.pe_macs * program.config.pes()},
         {"bound", sim::bound_of(result.causes)},
         {"dram_bytes_read", traffic[i].moved.constants + traffic[i].moved.maps_read},
         {"dram_bytes_constants", traffic[i].moved.constants},
         {"dram_bytes_written", traffic[i].moved.maps_written}});
    if (!layer.module.empty()) json["layers"].back()["module"] = layer.module;
  }
  json["warnings"] = to_json(cliffs_of(program, run));
  json["host"] = host_json(program);
  json["edges"] = edges_json(program);
  return json;
}

std::string to_text(const compiler::Program& program, const Execution& e,
                    const std::string& backend, const Shown& shown) {
  const sim::RunResult& run = e.slowest;
  return layer_rows(program, run, shown.details) + host_text(program) +
         (shown.details ? edges_text(program) + cause_rows(program, run) : "\n") +
         to_text(cliffs_of(program, run), shown.warnings) +
         fmt::format(
             "{} on {} ({}): {}\n{}"
             "{} MACs, {} {}; DRAM: {} bytes read, {} written\n",
             program.name, design_name(program.config), backend, verdict(e), rate_text(program, e),
             grouped(static_cast<std::uint64_t>(program.macs())),
             percent(utilization(program, run.cycles), 1),
             peak_text(pe_macs_of(program), program.config), grouped(run.dram_bytes_read),
             grouped(run.dram_bytes_written)) +
         (shown.details && e.clock_ns == 0 ? clock_text(program.config) : "") + speed_text(e) +
         fetch_text(program, e) + host_only(program);
}

}  // namespace trine::cli
