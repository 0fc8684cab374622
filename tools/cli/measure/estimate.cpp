// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/measure/estimate.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "spec/csr.h"
#include "spec/memories.h"
#include "spec/minifloat.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "tools/cli/common.h"
#include "tools/cli/measure/dataflow.h"
#include "tools/cli/measure/energy_report.h"
#include "tools/cli/measure/spikes.h"
#include "tools/cli/run/rate.h"
#include "tools/estimate/area_model.h"
#include "tools/estimate/shapes.h"
#include "tools/estimate/transformers.h"

namespace trine::cli {
namespace {

struct EstimateArguments {
  Output output;
  NetworkOptions network;
  BackendOptions memory;
  EnergyOptions energy;
  Shown shown;
  std::string table, weights, format;
  DataflowOptions dataflow;
  int tokens = 128, context = 0;
  bool growth = false;
};

constexpr const char* kEstimate = "estimate";  ///< the backend's name in reports

std::uint64_t whole(double cycles) { return static_cast<std::uint64_t>(std::llround(cycles)); }

/// The cost of a token of a language model.
struct Token {
  double per_second = 0, per_second_placed = 0;  ///< without wires, and of the placed design
  double energy_pj = 0;
  std::uint64_t bytes = 0;  ///< on the bus
};

Token token_of(const estimate::Estimate& e, const EnergyReport& energy,
               const spec::Config& config) {
  const double bytes = static_cast<double>(e.beats()) * config.axi_data_bits / 8;
  const double per_cycle = 1e9 * e.tokens / e.cycles();
  return {per_cycle / energy.clock.ns, per_cycle / energy.clock.placed_ns,
          energy.sum.total() / e.tokens, whole(bytes / e.tokens)};
}

std::set<int> pe_macs_of(const estimate::Estimate& e) {
  std::set<int> rates;
  for (const estimate::Row& row : e.rows)
    if (row.macs > 0) rates.insert(row.pe_macs);
  return rates;
}

std::string token_text(const estimate::Estimate& e, const EnergyReport& energy,
                       const spec::Config& config) {
  if (e.tokens == 0) return "";
  const Token token = token_of(e, energy, config);
  return fmt::format("{} tokens at once: {} tokens/s placed, {} and {} bytes of the bus a token\n",
                     e.tokens, short_number(token.per_second_placed), energy_text(token.energy_pj),
                     grouped(token.bytes));
}

std::string summary(const estimate::Estimate& e, const EnergyReport& energy,
                    const spec::Config& config) {
  const int width = columns() < 100 ? columns() - 68 : 26;  // of names; the other columns need 68
  std::string text = fmt::format("{:<{}} {:>5} {:>15} {:>14} {:>14} {:>7} {}\n", "layer", width,
                                 "times", "MACs", "weight bytes", "cycles", "util %", "bound");
  for (const estimate::Row& row : e.rows)
    text += fmt::format("{:<{}} {:>5} {:>15} {:>14} {:>14} {:>7.1f} {}\n",
                        fitted(row.name, static_cast<std::size_t>(width)), width, row.times,
                        grouped(row.macs), grouped(row.weight_bytes), grouped(whole(row.cycles)),
                        100 * utilization(row.peak_cycles, whole(row.cycles)), row.bound());
  text += "(each row is of one of its layers; the totals are of all)\n";
  if (e.parameters() > 0) text += fmt::format("{} parameters\n", grouped(e.parameters()));
  return text +
         fmt::format(
             "{} on {} (estimated)\n{} cycles{}{}, {}\n"
             "{} MACs, {} bytes of weights, {:.1f} % {}\n"
             "DRAM: {} bytes read, {} written\n",
             e.network, design_name(config), grouped(whole(e.cycles())),
             e.images == 1 ? " "
                           : fmt::format(" ({} for each of {} images)\n",
                                         grouped(whole(e.cycles() / e.images)), e.images),
             rate_text(e.cycles(), e.images, clock_of(config)), energy_text(energy.sum.total()),
             grouped(e.macs()), grouped(e.weight_bytes()),
             100 * utilization(e.peak_cycles(), whole(e.cycles())),
             peak_text(pe_macs_of(e), config),
             grouped(e.dram().constants + e.dram().maps_read + e.program_bytes()),
             grouped(e.dram().maps_written)) +
         token_text(e, energy, config);
}

bool is_table(const EstimateArguments& options) {
  return !options.table.empty() ||
         std::filesystem::path(options.network.model).extension() == ".csv";
}

/// Refuses options that the closed forms of a table would silently ignore.
void refuse_of_table(const EstimateArguments& options) {
  const std::string table = options.table.empty() ? options.network.model : options.table;
  const BackendOptions usual;
  const auto refuse = [&](bool given, const char* option, const char* why) {
    if (given) throw_error("{}: {} is a table of shapes, {}", option, table, why);
  };
  refuse(!options.network.shapes.empty(), "--shape", "which specifies all shapes");
  refuse(options.network.plan_objective() != compiler::Objective::kCycles, "--objective",
         "which is planned for cycles");
  refuse(!options.network.mapping.empty(), "--mapping", "whose layers have no plan to edit");
  refuse(options.memory.axi_latency != usual.axi_latency, "--axi-latency",
         "whose estimate depends only on the bus width");
  refuse(options.memory.axi_bytes_per_cycle != 0, "--axi-bytes-per-cycle",
         "whose estimate depends only on the bus width: --set bus.axi_data_bits=...");
}

/// The cycles of a token of a sequence of some length, with the keys and values of all earlier
/// tokens in a cache, and without a cache: the whole sequence again.
struct Growth {
  int length = 0;
  double cached = 0, whole = 0;
};

std::vector<Growth> growth_of(const EstimateArguments& options, const spec::Config& config) {
  std::vector<Growth> all;
  estimate::Transformer table = estimate::transformer(options.table);
  if (!options.weights.empty()) table.weights = options.weights;
  const int most = options.context > 0 ? options.context : 1024;
  for (int length = 1; length <= most; length *= 2) {
    const auto cycles = [&](int tokens) {
      return estimate::of_transformer(table, tokens, length, config, options.network.batch)
          .cycles();
    };
    all.push_back({length, cycles(1), cycles(length)});
  }
  return all;
}

std::string to_text(const std::vector<Growth>& growth) {
  std::string text = fmt::format("\n{:>8} {:>20} {:>20} {:>10}\n", "length", "cycles, cached",
                                 "not cached", "times");
  constexpr double kColumn = 0.5;  // of a bar, in doublings
  for (const Growth& g : growth) {
    const double times = g.whole / g.cached;
    text += fmt::format(
        "{:>8} {:>20} {:>20} {:>10.1f} {}\n", g.length, grouped(whole(g.cached)),
        grouped(whole(g.whole)), times,
        std::string(static_cast<std::size_t>(std::max(0.0, std::round(std::log2(times) / kColumn))),
                    '#'));
  }
  return text +
         "(of the token at this length; without a cache all tokens before it are computed again;"
         " a # is a factor of 1.4)\n";
}

Json to_json(const std::vector<Growth>& growth) {
  Json list = Json::array();
  for (const Growth& g : growth)
    list.push_back({{"length", g.length},
                    {"cycles_cached", whole(g.cached)},
                    {"cycles_not_cached", whole(g.whole)}});
  return list;
}

/// Returns the MACs by macs_by_rule(), next to those of the shapes.
std::string rule_text(const EstimateArguments& options, const estimate::Estimate& e) {
  const std::int64_t macs =
      e.images * estimate::macs_by_rule(estimate::transformer(options.table), options.tokens);
  return fmt::format("by L (M (5 D E H + 2 D FF) + 2 M M E H) + M C D: {} MACs, {:+.1f} %\n",
                     grouped(macs),
                     100.0 * (static_cast<double>(macs) / static_cast<double>(e.macs()) - 1));
}

estimate::Estimate table_of(const EstimateArguments& options, const spec::Config& config) {
  if (!options.table.empty()) {
    estimate::Transformer table = estimate::transformer(options.table);
    if (!options.weights.empty()) table.weights = options.weights;
    return estimate::of_transformer(table, options.tokens,
                                    options.context > 0 ? options.context : options.tokens, config,
                                    options.network.batch);
  }
  const std::string& file = options.network.model;
  return estimate::of_shapes(estimate::parse_shapes(read_text(file), file), config,
                             options.network.batch);
}

std::string area_text(const spec::Config& config, bool details) {
  const estimate::Area a = estimate::area_of(config);
  std::string text =
      fmt::format("area, predicted: {} gate equivalents, {} um2 of cells, {} um2 with memories\n",
                  grouped(a.gate_equivalents), grouped(a.area_um2), grouped(a.total_um2));
  for (const std::string& note : estimate::dearer_by_less(config))
    text += wrapped("note: " + note, "      ", static_cast<std::size_t>(columns()));
  if (!details) return text;
  text += wrapped(
      fmt::format(
          "Area and clock are predicted by a model that was fitted to syntheses with {}. For "
          "designs outside of the fit its error was at most {:.1f} % (area of "
          "cells), {:.1f} % (area with memories) and {:.1f} % (clock).{}",
          a.library, 100 * a.area_error, 100 * a.total_error, 100 * a.clock_error,
          a.beyond ? " This design has more or fewer rows or columns than any of those: the "
                     "error may be larger."
                   : ""),
      "", static_cast<std::size_t>(columns()));
  return text;
}

std::int64_t bits_of_memories(const spec::Config& config) {
  std::int64_t bits = 0;
  for (const spec::Memory& memory : spec::memories(config))
    bits += std::int64_t{memory.instances} * memory.width * memory.depth;
  return bits;
}

void add_area(const spec::Config& config, Json& json) {
  const estimate::Area a = estimate::area_of(config);
  json["gate_equivalents"] = a.gate_equivalents;
  for (const estimate::AreaPart& part : a.parts)
    json["area_parts"].push_back({{"name", part.name}, {"area_um2", part.um2}});
  json["area_um2"] = a.area_um2;
  json["sram_um2"] = a.sram_um2;
  json["on_chip_bytes"] = bits_of_memories(config) / 8;
  json["total_um2"] = a.total_um2;
  json["clock_ns"] = a.clock_ns;
  json["clock_placed_ns"] = a.clock_placed_ns;
  json["library"] = a.library;
  json["area_model"] = true;
  json["area_model_error"] = {
      {"area_um2", a.area_error},           {"total_um2", a.total_error},
      {"clock_ns", a.clock_error},          {"clock_placed_ns", a.placed_error},
      {"placed_designs", a.placed_designs}, {"beyond", a.beyond}};
  json["area_notes"] = estimate::dearer_by_less(config);
}

Json causes_json(const estimate::Row& row) {
  Json json;
  const auto cycles = row.causes_of_one();
  for (std::size_t c = 0; c < cycles.size(); ++c)
    json[std::string(csr::kCauses[c].name)] = whole(cycles[c]);
  return json;
}

/// Returns the report of the network in an eight-bit format if its products used int8 in passes: a
/// pass for each byte of fixed point, of the weights or of both operands. Layers that are not
/// products are unchanged.
Json passes_of(const Json& report, const spec::FormatRow& row) {
  const int bytes = row.bytes();
  const auto cycles = [&](int passes) {
    double sum = 0;
    for (const Json& layer : report.at("layers"))
      sum += layer.at("cycles").get<double>() * layer.value("times", 1) *
             (layer.at("macs").get<std::int64_t>() > 0 ? passes : 1);
    return whole(sum);
  };
  return {{"name", row.name},
          {"bits", row.bits},
          {"sum_bits", 2 * row.bits + 10},
          {"passes", {{"weights", bytes}, {"both", bytes * bytes}}},
          {"cycles", {{"weights", cycles(bytes)}, {"both", cycles(bytes * bytes)}}},
          {"machine", row.bytes() <= spec::kMostBytes},
          {"machine_weights", row.bytes() <= spec::kMostBytes}};
}

std::string passes_text(const Json& format) {
  const auto of = [&](const char* what) {
    return fmt::format("{} passes of int8, about {} cycles", format["passes"][what].get<int>(),
                       grouped(format["cycles"][what].get<std::uint64_t>()));
  };
  const bool both = format["machine"].get<bool>(), weights = format["machine_weights"].get<bool>();
  return fmt::format(
      "{}: {} bits of fixed point, {} bits for sums of 1,024 products; weights in this format: "
      "{}{}; "
      "weights and activations: {}{}\n",
      format["name"].get<std::string>(), format["bits"].get<int>(), format["sum_bits"].get<int>(),
      of("weights"), weights ? "" : " (not on this machine, whose weights have three bytes)",
      of("both"), both ? "" : " (not on this machine, whose values have three bytes)");
}

/// Prints figures, their energy, and the design's figures.
int print_report(const EstimateArguments& options, std::string text, const EnergyReport& energy,
                 Json json, const spec::Config& config) {
  if (const auto format = spec::format_named(options.format)) {
    json["format"] = passes_of(json, spec::row_of(*format));
    text += passes_text(json["format"]);
  }
  options.output.print(text + to_text(energy, options.shown.details) +
                       area_text(config, options.shown.details));
  options.output.write_json(json, &config);
  write_accelergy(energy, options.energy);
  return kSuccess;
}

int run(const EstimateArguments& options) {
  if (options.table.empty() == options.network.model.empty())
    throw_error("trine estimate: MODEL or --table is required, and not both");
  if (options.table.empty() && !options.weights.empty())
    throw_error("--weights {}: needs --table", options.weights);
  if (options.table.empty() && options.growth) throw_error("--growth: needs --table");
  options.dataflow.check(options.network);
  if (options.dataflow.given())
    for (const auto& [given, option] : {std::pair{options.growth, "--growth"},
                                        {!options.energy.accelergy.empty(), "--accelergy"},
                                        {!options.energy.ert.empty(), "--ert"}})
      if (given) throw_error("{}: not allowed with --dataflow", option);
  if (options.dataflow.given() && !options.weights.empty())
    throw_error("--weights: not allowed with --dataflow, which counts int8");
  options.output.check({{"--accelergy", options.energy.accelergy}, {"--ert", options.energy.ert}},
                       options.network.read());
  const spec::Config config = options.network.design.load();
  if (options.dataflow.given()) {
    DataflowOptions dataflow = options.dataflow;
    dataflow.table = options.table;
    dataflow.tokens = options.tokens;
    return run_dataflow(dataflow, options.network, config, options.output);
  }
  if (is_table(options)) {
    refuse_of_table(options);
    const estimate::Estimate table = table_of(options, config);
    const EnergyReport energy = energy_report(table, config, options.energy, options.energy.read());
    std::string text = summary(table, energy, config);
    Json json = to_json(table, energy, config);
    if (!options.table.empty()) {
      json["macs_by_rule"] =
          table.images *
          estimate::macs_by_rule(estimate::transformer(options.table), options.tokens);
      if (options.shown.details) text += rule_text(options, table);
    }
    if (options.growth) {
      const std::vector<Growth> growth = growth_of(options, config);
      text += to_text(growth);
      json["growth"] = to_json(growth);
    }
    return print_report(options, text + (options.shown.details ? clock_text(config) : ""), energy,
                        json, config);
  }
  const ModelEstimate model = estimate_of(read_file(options.network.model), options.network,
                                          options.memory, options.energy, config);
  const auto spikes =
      spike_report(model.network, nullptr, static_cast<double>(model.execution.slowest.cycles),
                   model.energy, options.energy, options.memory.bus());
  Json json = to_json(model);
  if (spikes) json["spiking"] = to_json(*spikes);
  return print_report(options,
                      to_text(model.network.program, model.execution, kEstimate, options.shown) +
                          (spikes ? to_text(*spikes) : ""),
                      model.energy, json, config);
}

}  // namespace

ModelEstimate estimate_of(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
                          const BackendOptions& memory, const EnergyOptions& energy,
                          const spec::Config& config) {
  const energy::Table table = energy.read();
  ModelEstimate model;
  model.network = load_network(bytes, options, config, options.policy(reference::kDoublePolicy));
  Execution& e = model.execution;
  e.slowest = estimate::of_program(model.network.program, memory.bus());
  e.images = model.network.images;
  e.fetched = e.slowest.fetched_bytes;
  e.checked = false;
  model.energy = energy_report(model.network.program, e.slowest, energy, table);
  e.energy_pj = model.energy.sum.total();
  return model;
}

Json to_json(const ModelEstimate& model) {
  Json json = to_json(model.network.program, model.execution, kEstimate);
  add_to(json, model.energy);
  add_area(model.network.program.config, json);
  return json;
}

Json to_json(const estimate::Estimate& e, const EnergyReport& energy, const spec::Config& config) {
  Json json;
  json["model"] = e.network;
  json["cycles"] = whole(e.cycles());
  json["images"] = e.images;
  add_rate(json, e.cycles(), e.images, clock_of(config));
  json["macs"] = e.macs();
  json["parameters"] = e.parameters();
  json["weight_bytes"] = e.weight_bytes();
  const program::Bytes dram = e.dram();
  json["dram_bytes_read"] = dram.constants + dram.maps_read + e.program_bytes();
  json["dram_bytes_written"] = dram.maps_written;
  json["program_bytes"] = e.program_bytes();
  json["peak_macs_per_cycle"] = config.peak_macs_per_cycle();
  json["utilization"] = utilization(e.peak_cycles(), whole(e.cycles()));
  if (e.tokens > 0) {
    const Token token = token_of(e, energy, config);
    json["tokens"] = e.tokens;
    json["tokens_per_second"] = token.per_second;
    json["tokens_per_second_placed"] = token.per_second_placed;
    json["token_energy_pj"] = token.energy_pj;
    json["token_bus_bytes"] = token.bytes;
  }
  json["layers"] = Json::array();
  for (const estimate::Row& row : e.rows)
    json["layers"].push_back({{"name", row.name},
                              {"op", row.op},
                              {"times", row.times},
                              {"macs", row.macs},
                              {"parameters", row.parameters},
                              {"weight_bytes", row.weight_bytes},
                              {"cycles", whole(row.cycles)},
                              {"utilization", utilization(row.peak_cycles, whole(row.cycles))},
                              {"peak_macs_per_cycle", row.pe_macs * config.pes()},
                              {"bound", row.bound()},
                              {"causes", causes_json(row)},
                              {"dram_bytes_read", row.dram.constants + row.dram.maps_read},
                              {"dram_bytes_constants", row.dram.constants},
                              {"dram_bytes_written", row.dram.maps_written}});
  add_to(json, energy);
  add_area(config, json);
  return json;
}

void add_estimate(Command app, Action& action) {
  const auto [command, options] = add_command<EstimateArguments>(
      app, action, "estimate", "predict a network's cycles without executing it", run);
  options->network.declare(command);
  options->network.declare_batch(command);
  command.option("MODEL")->required(false)->description(
      "quantized TFLite, ONNX or TOSA model, a compiled program,\nor a table of shapes: FILE.csv");
  options->memory.declare_memory(command);
  options->energy.declare(command);
  options->shown.declare(command);
  options->output.declare(command);
  add_value(command, "--table NAME", options->table,
            "instead of MODEL: bert-base, bert-large, gpt-2, gpt-3, llama-7b,\nllama-2-7b, "
            "llama-3.2-1b, qwen2-0.5b, bitnet-2b, or sizes:\nL=12,D=768,H=12,FF=3072,C=30522 "
            "(layers, channels, heads,\ninner channels, words; also E, KV, gate=silu)");
  add_value(command, "--weights P", options->weights,
            "weights of the blocks of --table (bitnet-2b: ternary, the others: int8)")
      ->check(one_of({"int8", "int4", "ternary"}));
  add_value(command, "--tokens N", options->tokens,
            "tokens of --table that are computed together (128)")
      ->check(range(1, 8191));
  add_value(command, "--context N", options->context,
            "tokens to which each token attends (as many as --tokens)")
      ->check(range(1, 8191));
  command.add_flag("--growth", options->growth,
                   "also print the cycles of a token of --table by length, with and without\n"
                   "a cache of keys and values, up to --context (1024)");
  add_value(command, "--format F", options->format,
            "also print the int8 passes and cycles that codes of an eight-bit format\n"
            "would take: e3m4, posit8_0, e4m3, posit8_1, e5m2")
      ->check(one_of({"e3m4", "posit8_0", "e4m3", "posit8_1", "e5m2"}));
  options->dataflow.declare(command);
  command.footer(
      "The program is compiled, and its timing is simulated without its data: the cycles are "
      "those\n"
      "of run --backend arch. A table contains shapes, no weights; equal blocks are planned "
      "once.\n\n"
      "Examples:\n"
      "  trine estimate --config edge256 models/lenet_mnist.tflite\n"
      "  trine estimate --config edge1024 models/shapes/resnet50.csv\n"
      "  trine estimate --config edge1024 models/shapes/alexnet.csv --dataflow weight --explain\n"
      "  trine estimate --config edge1024 --table bert-base --tokens 128\n"
      "  trine estimate --config edge1024 --table llama-7b --tokens 1 --context 2048");
}

}  // namespace trine::cli
