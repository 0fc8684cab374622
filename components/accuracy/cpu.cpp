// SPDX-License-Identifier: Apache-2.0
//
// trine cpu: measures the time of a model on one core of this computer, to compare with the
// machine's (components/zoo/cpu.py).

#include <fmt/format.h>

#include <filesystem>

#include "sw/base/file.h"
#include "sw/base/process.h"
#include "tools/cli/common.h"
#include "tools/cli/models/own_model.h"
#include "tools/cli/models/python.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/rate.h"

namespace trine::cli {
namespace {

struct CpuArguments {
  Output output;
  PythonOptions python;
  std::string model;
  std::vector<std::string> shapes;
  int seconds = 2;
};

int run(const CpuArguments& options) {
  options.output.check({}, {{"MODEL", options.model}});
  const TemporaryFolder scratch(std::filesystem::temp_directory_path());
  const std::string report = (scratch.path() / "cpu.json").string();
  std::vector<std::string> arguments{options.model, "--report", report, "--seconds",
                                     std::to_string(options.seconds)};
  for (const std::string& shape : options.shapes)
    arguments.insert(arguments.end(), {"--shape", shape});
  const Python python(options.python, recorder_of(options.model), options.output);
  python.run("cpu", arguments, options.model + ": running");
  Json json = parse_json(read_text(report), report);
  json["model"] = options.model;
  const auto in_ns = [&](const char* key) { return time_text(1e6 * json[key].get<double>()); };
  options.output.print(fmt::format(
      "{}: {} on one core of {} ({}), the median of {} runs; at best {}\n", options.model,
      in_ns("milliseconds"), json["cpu"].get<std::string>(), json["runtime"].get<std::string>(),
      grouped(json["runs"].get<std::uint64_t>()), in_ns("best")));
  options.output.write_json(json, nullptr);
  return kSuccess;
}

}  // namespace

void add_cpu(Command app, Action& action) {
  const auto [command, options] = add_command<CpuArguments>(
      app, action, "cpu", "a model's time on one core of this computer", run);
  add_value(command, "MODEL", options->model, "TFLite or ONNX model")->required();
  add_value(command, "--seconds N", options->seconds,
            "seconds of repeated runs, at least ten runs (2)")
      ->check(range(1, 600));
  declare_shape(command, options->shapes);
  options->python.declare(command);
  options->output.declare(command);
  command.footer(
      "Runs LiteRT with XNNPACK or ONNX Runtime with all optimizations, one thread, random\n"
      "inputs. The runtime is downloaded from PyPI once, as for trine record.\n\n"
      "Examples:\n"
      "  trine cpu models/lenet_mnist.tflite\n"
      "  trine report --cpu --config edge256 --model models/lenet_mnist.tflite --out results");
}

}  // namespace trine::cli
