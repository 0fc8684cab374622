// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <memory>

#include "sw/base/error.h"
#include "sw/cli/check.h"
#include "sw/cli/common.h"
#include "sw/cli/network.h"
#include "sw/cli/report.h"

namespace trine::cli {
namespace {

constexpr std::size_t kShownDifferences = 10;

struct Options {
  Output output;
  NetworkOptions network;
  BackendOptions backend;
  std::string vectors;
};

int run(const Options& options) {
  options.backend.check();
  std::vector<NamedFile> read = options.network.read();
  read.push_back({"--vectors", options.vectors + "/manifest.json"});
  options.output.check(options.backend.written(), read);
  const gen::Config config = options.network.design.load();
  const reference::VectorSet vectors = reference::read_vectors(options.vectors);
  if (vectors.cases.empty()) throw_error("{}: has no cases", vectors.file);
  const Network network =
      load_network(options.network, config, options.network.policy(vectors.policy));
  if (network.graph) reference::check_vectors(vectors, *network.graph);
  const Runner runner =
      make_runner(network.program, options.backend, vectors.cases[0].inputs, options.output.quiet);
  std::vector<std::string> differences;
  const Execution execution =
      run_cases(network.program, vectors, runner, options.output.quiet, differences);
  options.output.print(to_text(network.program, execution, options.backend.backend));
  options.output.write_json(to_json(network.program, execution, options.backend.backend));
  for (std::size_t i = 0; i < differences.size() && i < kShownDifferences; ++i)
    fmt::print(stderr, "{}: {}\n", options.vectors, differences[i]);
  return differences.empty() ? kSuccess : kWrongResult;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("verify", "run recorded vectors; success only if all are bit-exact");
  options->network.declare(*command);
  command
      ->add_option("--vectors", options->vectors,
                   "folder with a manifest.json and .npy tensors of the model's own runtime")
      ->type_name("DIR")
      ->required();
  options->backend.declare(*command);
  options->output.declare(*command);
  command->footer(
      "Cycles are those of one inference, from start to interrupt, the slowest of the vectors.\n"
      "Exit code 1: a vector is not bit-exact; its first difference is on stderr.\n\n"
      "Examples:\n"
      "  trine verify --config edge256 models/lenet_mnist.tflite \\\n"
      "    --vectors models/lenet_mnist/vectors\n"
      "  trine verify --config edge64 MODEL.tflite --vectors DIR --backend arch --json out.json");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace trine::cli
