// SPDX-License-Identifier: Apache-2.0
//
// trine record: records vectors of a user's model with the model's own runtime
// (components/zoo/record.py).

#include <fmt/format.h>

#include <filesystem>

#include "components/accuracy/cases.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/reference/vectors/vectors.h"
#include "tools/cli/common.h"
#include "tools/cli/models/own_model.h"
#include "tools/cli/models/python.h"

namespace trine::cli {
namespace {

struct RecordArguments {
  Output output;
  PythonOptions python;
  CaseOptions cases{100};
  std::string model, folder, labels;
  std::vector<std::string> span;
  bool integer = false, no_layers = false, stream = false;
  std::string layers_of;
};

/// @param scratch  for user data, converted to inputs of the model
std::vector<std::string> arguments(const RecordArguments& options,
                                   const std::filesystem::path& scratch) {
  std::vector<std::string> list{options.model, "--out", options.folder};
  const auto add = [&](const char* name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    list.emplace_back(name);
    list.insert(list.end(), values.begin(), values.end());
  };
  add("--span", options.span);
  if (!options.labels.empty()) add("--labels", {options.labels});
  for (const std::string& argument : options.cases.arguments(options.model, scratch))
    list.push_back(argument);
  if (options.integer) list.emplace_back("--integer");
  if (options.no_layers) list.emplace_back("--no-layers");
  if (!options.layers_of.empty()) add("--layers-of", {options.layers_of});
  if (options.stream) list.emplace_back("--stream");
  return list;
}

int run(const RecordArguments& given) {
  RecordArguments options = given;
  std::vector<NamedFile> read = options.cases.files();
  read.insert(read.end(), {{"MODEL", options.model}, {"--labels", options.labels}});
  options.output.check({}, read);
  options.cases.check();
  if (!options.cases.data.empty() && !options.labels.empty())
    throw_error("--data: not allowed with --labels");
  check_writable_folder(options.folder);
  const TemporaryFolder scratch(std::filesystem::temp_directory_path());
  const std::vector<std::string> list = arguments(options, scratch.path());
  const Python python(options.python, recorder_of(options.model), options.output);
  options.output.print(python.run("record", list, options.model + ": recording") + "\n");
  const reference::VectorSet vectors = reference::read_vectors(options.folder, true);
  options.output.write_json(
      {{"model", options.model},
       {"vectors", vectors.cases.size()},
       {"folder", options.folder},
       {"package", vectors.package},
       {"version", vectors.version},
       {"layers", vectors.layers.empty() ? 0 : vectors.layers[0].tensors.size()},
       {"cases_with_layers", vectors.layers.size()}},
      nullptr);
  return kSuccess;
}

}  // namespace

void add_record(Command app, Action& action) {
  const auto [command, options] = add_command<RecordArguments>(
      app, action, "record", "vectors of a model by LiteRT or ONNX Runtime, for verify", run);
  add_value(command, "MODEL", options->model, "quantized TFLite or ONNX model")->required();
  add_value(command, "--out DIR", options->folder,
            "folder for the vectors; existing ones are replaced")
      ->required();
  add_value(command, "--labels F", options->labels,
            "class of each case: .npy, or text with one number per line");
  add_value(command, "--span LO HI", options->span,
            "range of random floats (-1 1), and\n"
            "of whole numbers that index no table (0 1)")
      ->expected(2, 2)
      ->check(number());
  command.add_flag("--integer", options->integer, "make random floats whole numbers");
  command.add_flag("--no-layers", options->no_layers, "record only the outputs");
  add_value(command, "--layers-of N|all", options->layers_of,
            "record the layers of case number N, or of all cases (default: of the\n"
            "first cases, at most 64 MB)");
  command.add_flag("--stream", options->stream,
                   "the cases are one stream: states of LSTM and SVDF persist from one\n"
                   "case to the next");
  options->cases.declare(command);
  options->python.declare(command);
  options->output.declare(command);
  command.footer(
      "The runtime is downloaded from PyPI once, into a Python environment in $TRINE_CACHE, else\n"
      "~/.cache/trine: ai-edge-litert for .tflite, onnxruntime (or qonnx) for .onnx.\n"
      "docs/vectors.md describes the format and the messages of trine verify.\n\n"
      "Examples:\n"
      "  trine record MODEL.tflite --out vectors\n"
      "  trine record MODEL.onnx --out vectors --data images --scale 1/255\n"
      "  trine verify --config edge256 MODEL.onnx --vectors vectors");
}

}  // namespace trine::cli
