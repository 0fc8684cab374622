// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "sw/program/image.h"
#include "tools/cli/common.h"
#include "tools/cli/network.h"
#include "tools/cli/report.h"

namespace trine::cli {
namespace {

struct Options {
  Output output;
  NetworkOptions network;
  std::string out, image;
  bool disassemble = false;
};

/// Sums over the stages.
struct Totals {
  std::size_t layers = 0, instructions = 0, constants = 0;
  std::int64_t dram_bytes = 0;  ///< the largest
};

Totals totals_of(const compiler::Program& program) {
  Totals sum;
  for (const compiler::Program* stage : compiler::stages(program)) {
    sum.layers += stage->layers.size();
    sum.instructions += stage->words.size();
    sum.constants += stage->image.size();
    sum.dram_bytes = std::max(sum.dram_bytes, stage->dram_bytes);
  }
  return sum;
}

std::string removed_text(const program::Removed& removed) {
  if (removed.filters == 0 && removed.macs == 0) return {};
  return fmt::format("left out, as they say nothing: {} of {} filters, {} MACs\n", removed.filters,
                     removed.of_filters, grouped(static_cast<std::uint64_t>(removed.macs)));
}

std::string summary(const compiler::Program& program) {
  std::string text;
  for (const compiler::Program* stage : compiler::stages(program))
    for (const compiler::ProgramLayer& layer : stage->layers)
      text += fmt::format("{:<26} {:<20} {}\n", fitted(layer.name, 26), fitted(layer.op, 20),
                          cut(layer.placement, static_cast<std::size_t>(columns()) - 48));
  const Totals sum = totals_of(program);
  return text + host_text(program) +
         fmt::format("{} on {}: {} layers, {} MACs, {} instructions, {} bytes of constants\n",
                     program.name, program.config.name, sum.layers,
                     grouped(static_cast<std::uint64_t>(program.macs())), sum.instructions,
                     grouped(sum.constants)) +
         removed_text(program.removed);
}

Json to_json(const compiler::Program& program) {
  const Totals sum = totals_of(program);
  Json json;
  json["model"] = program.name;
  json["macs"] = program.macs();
  json["removed"] = {{"filters", program.removed.filters}, {"macs", program.removed.macs}};
  json["stages"] = program.rest.size() + 1;
  json["instructions"] = sum.instructions;
  json["constant_bytes"] = sum.constants;
  json["dram_bytes"] = sum.dram_bytes;
  json["layers"] = Json::array();
  for (const compiler::Program* stage : compiler::stages(program))
    for (const compiler::ProgramLayer& layer : stage->layers)
      json["layers"].push_back({{"name", layer.name},
                                {"op", layer.op},
                                {"macs", layer.macs},
                                {"placement", layer.placement}});
  json["host"] = host_json(program);
  return json;
}

/// What a driver without this library needs.
void write_image(const std::string& file, const compiler::Program& program) {
  if (!program.rest.empty())
    throw_error("--image: {} runs in stages, with operators on the host between", program.name);
  write_file(file, compiler::write_image(program));
}

int run(const Options& options) {
  if (options.out.empty() && options.image.empty() && !options.disassemble &&
      options.network.print_after.empty())
    throw_error("trine compile: --out, --image, --disassemble or --print-after is required");
  options.output.check({{"--out", options.out}, {"--image", options.image}},
                       options.network.read());
  const machine::Config config = options.network.design.load();
  const auto policy = options.network.policy(reference::kDoublePolicy);
  const Network network = load_network(options.network, config, policy);
  const compiler::Program& program = network.program;
  options.output.print(network.printed);
  if (!options.image.empty()) write_image(options.image, program);
  if (!options.out.empty()) compiler::write_program(options.out, program);
  for (const compiler::Program* stage : compiler::stages(program))
    if (options.disassemble) options.output.print(compiler::disassemble(*stage));
  options.output.print(summary(program));
  options.output.write_json(to_json(program), &config);
  return kSuccess;
}

}  // namespace

void add_compile(CLI::App& app, Action& action) {
  const auto [command, options] = add_command<Options>(
      app, action, "compile", "compile a model to a program for a design", run);
  options->network.declare(*command);
  options->network.declare_batch(*command);
  options->network.declare_print(*command);
  options->output.declare(*command);
  add_value(*command, "--out,-o FILE", options->out, "program to write");
  add_value(*command, "--image FILE", options->image,
            "machine image to write, for drivers: docs/program-file.md");
  command->add_flag("--disassemble", options->disassemble, "print the instructions");
  command->footer(
      "Prints where each layer lives and how it is split. A program runs only on designs of the\n"
      "configuration that it was compiled for.\n\n"
      "Examples:\n"
      "  trine compile --config edge256 models/lenet_mnist.tflite --out lenet.trine\n"
      "  trine compile --config edge256 models/lenet_mnist.tflite --disassemble\n"
      "  trine compile --config edge256 models/lenet_mnist.tflite --print-after fuse\n"
      "  trine run --config edge256 lenet.trine --input digit.npy");
}

}  // namespace trine::cli
