// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/model/graph/dead.h"
#include "sw/program/image.h"
#include "sw/program/segments_image.h"
#include "sw/program/traffic.h"
#include "sw/program/weights.h"
#include "tools/cli/common.h"
#include "tools/cli/run/cliffs.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/report.h"
#include "tools/cli/run/tflite_parts.h"

namespace trine::cli {
namespace {

struct CompileArguments {
  Output output;
  NetworkOptions network;
  std::string out, image, c, stages, tflite;
  Shown shown;
  bool disassemble = false;
};

/// Sums over the segments.
struct Totals {
  std::size_t layers = 0, instructions = 0, constants = 0;
  std::int64_t dram_bytes = 0;  ///< the largest
};

Totals totals_of(const compiler::Program& program) {
  Totals sum;
  for (const compiler::Program* segment : compiler::segments(program)) {
    sum.layers += segment->layers.size();
    sum.instructions += segment->words.size();
    sum.constants += segment->image.size();
    sum.dram_bytes = std::max(sum.dram_bytes, segment->dram_bytes);
  }
  return sum;
}

std::string removed_text(const program::Removed& removed) {
  if (removed.filters == 0 && removed.macs == 0) return {};
  return fmt::format("removed {} of {} filters, {} MACs: their output is constant or unread\n",
                     removed.filters, removed.of_filters,
                     grouped(static_cast<std::uint64_t>(removed.macs)));
}

/// Returns a row as wide as the terminal. @param numbers  constants, maps read, written, compulsory
std::string traffic_row(const std::string& name, const std::string& op,
                        const std::array<std::string, 4>& numbers) {
  const std::size_t op_width = columns() < 100 ? 12 : 20,
                    name_width = static_cast<std::size_t>(columns()) - 51 - op_width;
  return fmt::format("{:<{}} {:<{}} {:>12} {:>11} {:>11} {:>12}\n", fitted(name, name_width),
                     name_width, fitted(op, op_width), op_width, numbers[0], numbers[1], numbers[2],
                     numbers[3]);
}

std::array<std::string, 4> numbers_of(const program::Traffic& t) {
  return {grouped(t.moved.constants), grouped(t.moved.maps_read), grouped(t.moved.maps_written),
          grouped(t.compulsory.all())};
}

/// Returns the bytes between DRAM and the machine.
std::string traffic_text(const std::vector<TableRow>& rows,
                         const std::vector<program::Traffic>& traffic) {
  std::string text =
      "\n" + traffic_row("bytes of DRAM", "", {"constants", "maps read", "written", "compulsory"});
  for (const TableRow& row : rows) {
    std::vector<program::Traffic> layers;
    for (const std::size_t i : row.layers) layers.push_back(traffic[i]);
    text += traffic_row(row.name, row.op, numbers_of(program::sum_of(layers)));
  }
  return text + traffic_row("all", "", numbers_of(program::sum_of(traffic))) + "\n";
}

/// Returns the zeros among the weights, and the dead channels of the network.
std::string dead_text(const std::vector<model::DeadWeights>& layers) {
  std::int64_t weights = 0, zeros = 0;
  std::string text;
  for (const model::DeadWeights& d : layers) {
    weights += d.weights;
    zeros += d.zeros;
    if (d.dead_outputs > 0)
      text += fmt::format("{}: {} of {} output channels have only zero weights\n",
                          fitted(d.layer, 40), d.dead_outputs, d.outputs);
    if (d.dead_inputs > 0)
      text += fmt::format("{}: {} of {} input channels meet only zero weights\n",
                          fitted(d.layer, 40), d.dead_inputs, d.inputs);
  }
  if (weights == 0) return text;
  const double percent = 100 * static_cast<double>(zeros) / static_cast<double>(weights);
  return fmt::format("{:.1f} % of {} weights are zeros\n", percent,
                     grouped(static_cast<std::uint64_t>(weights))) +
         text;
}

Json to_json(const std::vector<model::DeadWeights>& layers) {
  Json json = Json::array();
  for (const model::DeadWeights& d : layers)
    json.push_back({{"name", d.layer},
                    {"weights", d.weights},
                    {"zeros", d.zeros},
                    {"dead_outputs", d.dead_outputs},
                    {"dead_inputs", d.dead_inputs}});
  return json;
}

/// Returns the size of packed weights in DRAM: bytes per byte of PMEM, compared with the entropy of
/// each layer's bytes.
std::string weights_text(const compiler::Program& program) {
  if (!program.config.packed) return {};
  const auto row = [](const std::string& name, const program::WeightBytes& w) {
    const auto part = [&](double bytes) {
      return w.rows == 0 ? std::string("-")
                         : fmt::format("{:.3f}", bytes / static_cast<double>(w.rows));
    };
    return traffic_row(
        name, "",
        {grouped(w.rows), grouped(w.stored), part(static_cast<double>(w.stored)), part(w.entropy)});
  };
  const std::vector<program::WeightBytes> weights = program::weights_of(program);
  program::WeightBytes all;
  std::string text =
      traffic_row("bytes of weights", "", {"in PMEM", "in DRAM", "a byte", "entropy"});
  std::size_t i = 0;
  for (const compiler::ProgramLayer& layer : program::layers_of(program)) {
    const program::WeightBytes& w = weights[i++];
    all += w;
    if (w.rows > 0) text += row(layer.name, w);
  }
  return text + row("all", all) + "\n";
}

Json weights_json(const compiler::Program& program) {
  program::WeightBytes all;
  for (const program::WeightBytes& w : program::weights_of(program)) all += w;
  return {{"rows", all.rows},     {"stored", all.stored},  {"entropy", all.entropy},
          {"prefix", all.prefix}, {"widths", all.widths},  {"zero_runs", all.zero_runs},
          {"sparse", all.sparse}, {"palette", all.palette}};
}

Json to_json(const program::Traffic& t) {
  const auto part = [](const program::Bytes& bytes) {
    return Json{{"constants", bytes.constants},
                {"maps_read", bytes.maps_read},
                {"maps_written", bytes.maps_written}};
  };
  return {{"moved", part(t.moved)}, {"compulsory", part(t.compulsory)}};
}

std::string placement_text(const compiler::ProgramLayer& layer) {
  return layer.stripes > 1 ? fmt::format("{}, {} stripes", layer.placement, layer.stripes)
                           : layer.placement;
}

std::string summary(const compiler::Program& program, const std::vector<program::Traffic>& traffic,
                    const Shown& shown) {
  std::string text;
  const std::vector<compiler::ProgramLayer> layers = program::layers_of(program);
  const std::vector<TableRow> rows = table_rows(layers, shown.details);
  for (const TableRow& row : rows)
    text += fmt::format(
        "{:<26} {:<20} {}\n", fitted(row.name, 26), fitted(row.op, 20),
        cut(placement_text(layers[row.layers.front()]), static_cast<std::size_t>(columns()) - 48));
  const Totals sum = totals_of(program);
  return text + traffic_text(rows, traffic) + weights_text(program) + host_text(program) +
         (shown.details ? edges_text(program) : "") +
         fmt::format("{} on {}: {} layers, {} MACs, {} instructions, {} bytes of constants\n",
                     program.name, program.config.name, sum.layers,
                     grouped(static_cast<std::uint64_t>(program.macs())), sum.instructions,
                     grouped(sum.constants)) +
         removed_text(program.removed) + to_text(expected_cliffs(program, traffic), shown.warnings);
}

Json to_json(const compiler::Program& program, const std::vector<program::Traffic>& traffic) {
  const Totals sum = totals_of(program);
  Json json;
  json["model"] = program.name;
  json["macs"] = program.macs();
  json["removed"] = {{"filters", program.removed.filters}, {"macs", program.removed.macs}};
  json["stages"] = program.rest.size() + 1;
  json["instructions"] = sum.instructions;
  json["constant_bytes"] = sum.constants;
  json["dram_bytes"] = sum.dram_bytes;
  json["dram"] = to_json(program::sum_of(traffic));
  if (program.config.packed) json["weights"] = weights_json(program);
  json["layers"] = Json::array();
  for (const compiler::ProgramLayer& layer : program::layers_of(program))
    json["layers"].push_back({{"name", layer.name},
                              {"op", layer.op},
                              {"macs", layer.macs},
                              {"placement", layer.placement},
                              {"stripes", layer.stripes},
                              {"bound_cycles", layer.bound_cycles},
                              {"expected_cycles", layer.expected_cycles},
                              {"dram", to_json(traffic[json["layers"].size()])}});
  json["warnings"] = to_json(expected_cliffs(program, traffic));
  json["host"] = host_json(program);
  json["edges"] = edges_json(program);
  return json;
}

/// Writes a file for a driver without this library. @param text_of  returns the program as bytes of
/// the file
void write_for_driver(const std::string& option, const std::string& file,
                      const compiler::Program& program,
                      std::string (*text_of)(const compiler::Program&)) {
  if (file.empty()) return;
  if (!program.rest.empty())
    throw_error("{}: {} runs in stages, with host operators in between, allowed --stages", option,
                program.name);
  write_file(file, text_of(program));
}

/// Writes a TFLite model whose custom operators are the machine's parts.
int run_tflite(const CompileArguments& options, const spec::Config& config,
               reference::RoundingPolicy policy) {
  for (const auto& [given, option] : {std::pair{!options.out.empty(), "--out"},
                                      {!options.image.empty(), "--image"},
                                      {!options.c.empty(), "--c"},
                                      {!options.stages.empty(), "--stages"},
                                      {options.disassemble, "--disassemble"},
                                      {options.network.states, "--states"},
                                      {options.network.batch > 1, "--batch"},
                                      {!options.network.mapping.empty(), "--mapping"},
                                      {!options.network.print_after.empty(), "--print-after"}})
    if (given) throw_error("{}: not allowed with --tflite", option);
  const std::string& model = options.network.model;
  if (model::format_named(model).name != "TFLite")
    throw_error("--tflite: {} is not a TFLite model", model);
  const TfliteParts parts = tflite_parts(read_file(model), options.network, config, policy);
  write_tflite(parts, model, options.tflite, options.output);
  options.output.print(to_text(parts));
  options.output.write_json({{"parts", to_json(parts)}, {"refused", parts.refused}}, &config);
  return kSuccess;
}

int run(const CompileArguments& options) {
  if (options.out.empty() && options.image.empty() && options.c.empty() && options.stages.empty() &&
      options.tflite.empty() && !options.disassemble && options.network.print_after.empty() &&
      options.network.mapping.empty())
    throw_error(
        "trine compile: --out, --image, --c, --stages, --tflite, --disassemble, --mapping or "
        "--print-after is required");
  options.output.check({{"--out", options.out},
                        {"--image", options.image},
                        {"--c", options.c},
                        {"--stages", options.stages},
                        {"--tflite", options.tflite}},
                       options.network.read());
  const spec::Config config = options.network.design.load();
  const auto policy = options.network.policy(reference::kDoublePolicy);
  if (!options.tflite.empty()) return run_tflite(options, config, policy);
  const Network network = load_network(options.network, config, policy);
  const compiler::Program& program = network.program;
  options.output.print(network.printed);
  write_for_driver("--image", options.image, program, compiler::write_image);
  write_for_driver("--c", options.c, program, compiler::write_c);
  if (!options.stages.empty()) write_file(options.stages, compiler::write_segments(program));
  if (!options.out.empty()) compiler::write_program(options.out, program);
  for (const compiler::Program* segment : compiler::segments(program))
    if (options.disassemble) options.output.print(compiler::disassemble(*segment));
  const std::vector<program::Traffic> traffic = program::traffic_of(program);
  const bool shows_dead = options.shown.details || !options.output.json_file.empty();
  const auto dead = network.graph && shows_dead ? model::dead_weights(*network.graph)
                                                : std::vector<model::DeadWeights>{};
  options.output.print(summary(program, traffic, options.shown) +
                       (options.shown.details ? dead_text(dead) : ""));
  Json json = to_json(program, traffic);
  json["zero_weights"] = to_json(dead);
  options.output.write_json(json, &config);
  return kSuccess;
}

}  // namespace

void add_compile(Command app, Action& action) {
  const auto [command, options] = add_command<CompileArguments>(
      app, action, "compile", "compile a model to a program for a design", run);
  options->network.declare(command);
  options->network.declare_batch(command);
  options->network.declare_print(command);
  options->network.declare_states(command);
  options->shown.declare(command);
  options->output.declare(command);
  add_value(command, "--out,-o FILE", options->out, "program file to write");
  add_value(command, "--image FILE", options->image,
            "machine image to write, for drivers: docs/program-file.md");
  add_value(command, "--c FILE", options->c, "the same as a C array with its sizes, to include");
  add_value(command, "--stages FILE", options->stages,
            "images of all stages and the operators between them, for drivers");
  add_value(command, "--tflite FILE", options->tflite,
            "a TFLite model in which custom operators \"trine\" contain what the\n"
            "machine executes, for TFLite Micro: docs/tflite-micro.md");
  command.add_flag("--disassemble", options->disassemble, "print the instructions");
  command.footer(
      "Prints where each layer, or the first of an operator's parts (xN), is stored and split.\n"
      "A program runs only on designs of the configuration that it was compiled for.\n\n"
      "Examples:\n"
      "  trine compile --config edge256 models/lenet_mnist.tflite --out lenet.trine\n"
      "  trine compile --config edge256 models/lenet_mnist.tflite --disassemble\n"
      "  trine compile --config edge256 models/lenet_mnist.tflite --print-after fuse\n"
      "  trine compile --config edge256 models/lenet_mnist.tflite --mapping loops.toml\n"
      "  trine compile --config edge256 models/lenet_mnist.tflite --tflite lenet_trine.tflite\n"
      "  trine run --config edge256 lenet.trine --input digit.npy");
}

}  // namespace trine::cli
