// SPDX-License-Identifier: Apache-2.0
//
// trine record: vectors of a user's own model, by the model's own runtime (models/record.py).

#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "sw/reference/vectors.h"
#include "tools/cli/common.h"
#include "tools/cli/examples.h"
#include "tools/cli/own_model.h"
#include "tools/cli/python.h"

namespace trine::cli {
namespace {

constexpr std::size_t kExamples = 100;  ///< of --data, unless --count says more or less

struct Options {
  Output output;
  PythonOptions python;
  ExampleOptions examples;
  std::string model, folder, labels;
  std::vector<std::string> inputs;
  int count = -1;
  int seed = 1;
  std::vector<std::string> span;
  bool integer = false, no_layers = false;
};

/// @param scratch  for a user's data as inputs of the model
std::vector<std::string> arguments(const Options& options, const std::filesystem::path& scratch) {
  const bool random = options.examples.data.empty();
  std::vector<std::string> list{options.model, "--out", options.folder, "--seed",
                                std::to_string(options.seed)};
  const auto add = [&](const char* name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    list.emplace_back(name);
    list.insert(list.end(), values.begin(), values.end());
  };
  add("--inputs", options.inputs);
  add("--span", options.span);
  if (!options.labels.empty()) add("--labels", {options.labels});
  if (options.count >= 0 && random) add("--random", {std::to_string(options.count)});
  const auto count = options.count < 0 ? kExamples : static_cast<std::size_t>(options.count);
  for (const std::string& argument : options.examples.arguments(options.model, count, scratch))
    list.push_back(argument);
  if (options.integer) list.emplace_back("--integer");
  if (options.no_layers) list.emplace_back("--no-layers");
  return list;
}

int run(Options options) {
  std::vector<NamedFile> read{{"MODEL", options.model}, {"--labels", options.labels}};
  for (const std::string& input : options.inputs) read.push_back({"--inputs", input});
  options.output.check({}, read);
  if (!options.examples.data.empty() && (!options.inputs.empty() || !options.labels.empty()))
    throw_error("--data: allowed without --inputs and --labels");
  check_writable_folder(options.folder);
  options.examples.preparation.parse();
  const TemporaryFolder scratch(std::filesystem::temp_directory_path());
  const std::vector<std::string> list = arguments(options, scratch.path());
  const Python python(options.python, recorder_of(options.model), options.output);
  options.output.print(python.run("record", list, options.model + ": recording") + "\n");
  const reference::VectorSet vectors = reference::read_vectors(options.folder);
  options.output.write_json({{"model", options.model},
                             {"vectors", vectors.cases.size()},
                             {"folder", options.folder},
                             {"package", vectors.package},
                             {"version", vectors.version},
                             {"layers", vectors.layers.size()}},
                            nullptr);
  return kSuccess;
}

}  // namespace

void add_record(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("record", "vectors of a model by LiteRT or ONNX Runtime, for verify");
  command->add_option("MODEL", options->model, "quantized TFLite or ONNX model")->required();
  command->add_option("--out", options->folder, "folder of the vectors; those there are replaced")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("--inputs", options->inputs,
                   "a file for each input, in order, with the cases along the leading\n"
                   "axis, in the model's own type")
      ->type_name("X.npy");
  command->add_option("--labels", options->labels, "class of each case: .npy, or a number a line")
      ->type_name("F");
  command
      ->add_option("--count", options->count,
                   "random cases (4, or 0 with --inputs); of --data at most (100)")
      ->check(CLI::Range(0, 100'000))
      ->type_name("N");
  command->add_option("--seed", options->seed, "of the first random case (1)")
      ->check(CLI::Range(0, 1'000'000'000))
      ->type_name("N");
  command->add_option("--span", options->span, "range of random floats (-1 1)")
      ->expected(2)
      ->check(CLI::Number)
      ->type_name("LO HI");
  command->add_flag("--integer", options->integer, "random floats are whole numbers");
  command->add_flag("--no-layers", options->no_layers, "outputs only");
  options->examples.declare(*command);
  options->python.declare(*command);
  options->output.declare(*command);
  command->footer(
      "The runtime comes from PyPI, once, into an environment of its own in $TRINE_CACHE, else\n"
      "~/.cache/trine: ai-edge-litert for .tflite, onnxruntime (or qonnx) for .onnx.\n"
      "docs/vectors.md has the format and what verify says.\n\n"
      "Examples:\n"
      "  trine record MODEL.tflite --out vectors\n"
      "  trine record MODEL.onnx --out vectors --data images --scale 1/255\n"
      "  trine verify --config edge256 MODEL.onnx --vectors vectors");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace trine::cli
