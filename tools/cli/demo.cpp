// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <cmath>

#include "base/root.h"
#include "gen/generate.h"
#include "synth/synthesize.h"
#include "tools/cli/common.h"
#include "tools/cli/run/check.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/report.h"

namespace trine::cli {
namespace {

struct Options {
  Output output;
  Design design;
  std::string out = "out/demo";
};

int run(const Options& options) {
  const Output& output = options.output;
  output.check({}, {{"--config", options.design.config}});
  const machine::Config config = options.design.load();
  const std::filesystem::path models = project_root() / "models";

  output.print(fmt::format("1. generate {}: {} x {} PEs\n", config.name, config.rows, config.cols));
  gen::generate(config, options.out);
  output.print(fmt::format("   SystemVerilog in {}\n\n", options.out));

  NetworkOptions network_options;
  network_options.model = (models / "lenet_mnist.tflite").string();
  const reference::VectorSet vectors = reference::read_vectors(models / "lenet_mnist" / "vectors");
  const Network network = load_network(network_options, config, vectors.policy);
  reference::check_vectors(vectors, *network.graph);
  output.print(fmt::format("2. compile lenet_mnist: {} layers, {} instructions\n\n",
                           network.program.layers.size(), network.program.words.size()));

  output.print(fmt::format("3. run {} vectors on the RTL\n", vectors.cases.size()));
  const Runner runner =
      make_runner(network.program, BackendOptions{}, vectors.cases[0].inputs, output.quiet);
  Comparison comparison;
  const Execution execution = run_cases(network.program, vectors, runner, output.quiet, comparison);
  const std::vector<std::string>& differences = comparison.differences;
  output.print(to_text(network.program, execution, "rtl") + "\n");
  for (const std::string& difference : differences) fmt::print(stderr, "{}\n", difference);

  output.print("4. synthesize\n");
  synth::SynthOptions synth_options;
  synth_options.quiet = output.quiet || !has_terminal();
  const synth::SynthReport area = synth::synthesize(config, synth_options);
  output.print(synth::to_text(area));

  output.print(fmt::format(
      "\nlenet_mnist on {}: {} of {} vectors {}, {} cycles, utilization {:.1f} %, {} GE\n",
      config.name, execution.exact, execution.vectors,
      differences.empty() ? "bit-exact" : "bit-exact, the rest WRONG",
      grouped(execution.slowest.cycles),
      100 * utilization(network.program.macs(), execution.slowest.cycles, config),
      grouped(static_cast<std::uint64_t>(std::llround(area.gate_equivalents)))));
  output.write_json(
      {{"run", to_json(network.program, execution, "rtl")}, {"synth", synth::to_json(area)}},
      &config);
  return differences.empty() ? kSuccess : kWrongResult;
}

}  // namespace

void add_demo(CLI::App& app, Action& action) {
  const auto [command, options] = add_command<Options>(
      app, action, "demo", "generate, compile, run, check and synthesize a shipped model", run);
  options->design.config = "edge64";
  options->design.declare(*command)->required(false);
  add_value(*command, "--out,-o DIR", options->out, "folder for the design (out/demo)");
  options->output.declare(*command);
  command->footer(
      "The model is models/lenet_mnist.tflite with its recorded vectors; edge64 unless --config\n"
      "says otherwise.\n\n"
      "Examples:\n"
      "  trine demo\n"
      "  trine demo --config edge256 --json demo.json");
}

}  // namespace trine::cli
