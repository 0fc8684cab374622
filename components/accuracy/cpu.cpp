// SPDX-License-Identifier: Apache-2.0
//
// trine cpu: measures the time of a model on this computer, to compare with the machine's
// (components/zoo/cpu.py).

#include <fmt/format.h>

#include <filesystem>

#include "sw/base/file.h"
#include "sw/base/process.h"
#include "tools/cli/common.h"
#include "tools/cli/models/own_model.h"
#include "tools/cli/models/python.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/rate.h"
#include "tools/estimate/estimate.h"

namespace trine::cli {
namespace {

struct CpuArguments {
  Output output;
  PythonOptions python;
  NetworkOptions network;  ///< the model, and the machine of --config
  bool engines = false;
  std::vector<int> threads;
  int seconds = 2;
};

/// Returns the arguments of cpu.py, which writes `report`.
std::vector<std::string> arguments(const CpuArguments& options, const std::string& report) {
  std::vector<std::string> list{options.network.model, "--report", report, "--seconds",
                                std::to_string(options.seconds)};
  for (const std::string& shape : options.network.shapes)
    list.insert(list.end(), {"--shape", shape});
  if (!options.engines) return list;
  list.emplace_back("--threads");
  for (const int threads : options.threads) list.push_back(std::to_string(threads));
  return list;
}

/// Adds the machine's estimated cycles and times. @return their line in the text
/// @throws Error  the machine of --config does not support the model
std::string add_machine(const NetworkOptions& options, Json& json) {
  const spec::Config config = options.design.load();
  const Network network = load_network(options, config, options.policy(reference::kDoublePolicy));
  const auto cycles = estimate::of_program(network.program).cycles;
  json["machine"] = {{"design", design_name(config)}, {"cycles", cycles}};
  const Clock clock = clock_of(config);
  add_rate(json["machine"], static_cast<double>(cycles), network.images, clock);
  return fmt::format("{}, estimated: {} cycles {}\n", design_name(config), grouped(cycles),
                     rate_text(static_cast<double>(cycles), network.images, clock));
}

std::string milliseconds_text(const Json& milliseconds) {
  return time_text(1e6 * milliseconds.get<double>());
}

std::string fastest_text(const Json& json) {
  return fmt::format("{}: {} on one core of {} ({}), the median of {} runs; at best {}\n",
                     json["model"].get<std::string>(), milliseconds_text(json["milliseconds"]),
                     json["cpu"].get<std::string>(), json["runtime"].get<std::string>(),
                     grouped(json["runs"].get<std::uint64_t>()), milliseconds_text(json["best"]));
}

/// Returns the table of --engines.
std::string engines_text(const Json& json) {
  constexpr const char* kRow = "{:<48} {:>7} {:>9}   {}\n";
  const auto name = [](const Json& engine) {
    return engine["runtime"].get<std::string>() + ", " + engine["kernels"].get<std::string>();
  };
  std::string text = fmt::format(kRow, "engine", "threads", "time", "largest output difference");
  for (const Json& engine : json["engines"])
    text += fmt::format(kRow, name(engine), engine["threads"].get<int>(),
                        milliseconds_text(engine["milliseconds"]),
                        engine["largest_difference"].get<double>());
  for (const Json& engine : json["not_measured"])
    text += fmt::format("not measured: {}, --threads {}: {}\n", name(engine),
                        engine["threads"].get<int>(), engine["reason"].get<std::string>());
  return text;
}

int run(const CpuArguments& options) {
  const std::string& model = options.network.model;
  options.output.check({}, options.network.read());
  Json machine = Json::object();
  const std::string machine_text =
      options.network.design.config.empty() ? "" : add_machine(options.network, machine);
  const TemporaryFolder scratch(std::filesystem::temp_directory_path());
  const std::string report = (scratch.path() / "cpu.json").string();
  const Python python(options.python, recorder_of(model), options.output);
  python.run("cpu", arguments(options, report), model + ": running");
  Json json = parse_json(read_text(report), report);
  json["model"] = model;
  json.update(machine);
  options.output.print(fastest_text(json) + (options.engines ? engines_text(json) : "") +
                       machine_text);
  options.output.write_json(json, nullptr);
  return kSuccess;
}

}  // namespace

void add_cpu(Command app, Action& action) {
  const auto [command, options] = add_command<CpuArguments>(
      app, action, "cpu", "a model's time on one core of this computer", run);
  add_value(command, "MODEL", options->network.model, "TFLite or ONNX model")->required();
  add_value(command, "--seconds N", options->seconds,
            "seconds of repeated runs of an engine, at least ten runs (2)")
      ->check(range(1, 600));
  const Option engines =
      command.add_flag("--engines", options->engines,
                       "measure each engine that runs the model: LiteRT with XNNPACK, optimized\n"
                       "and reference kernels, or ONNX Runtime with and without optimizations");
  options->threads = {1, 2};
  add_value(command, "--threads N,..", options->threads,
            "threads of --engines, on as many cores; one is always measured (1,2)")
      ->check(range(1, 64))
      .delimiter(',')
      .needs(engines);
  const Option config = options->network.design.declare(command).required(false).description(
      "also estimate the time of this machine: TOML file, or name of a preset");
  command.option("--set").needs(config);
  declare_shape(command, options->network.shapes);
  options->python.declare(command);
  options->output.declare(command);
  command.footer(
      "Runs LiteRT with XNNPACK or ONNX Runtime with all optimizations, one thread, random\n"
      "inputs. The runtime is downloaded from PyPI once, as for trine record. With --config, the\n"
      "time that trine estimate predicts for the machine is next to it.\n\n"
      "Examples:\n"
      "  trine cpu models/lenet_mnist.tflite\n"
      "  trine cpu models/lenet_mnist.tflite --engines --config edge64\n"
      "  trine report --cpu --config edge256 --model models/lenet_mnist.tflite --out results");
}

}  // namespace trine::cli
