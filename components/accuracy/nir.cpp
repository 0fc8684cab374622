// SPDX-License-Identifier: Apache-2.0
//
// trine nir: converts a spiking network in NIR's format to quantized ONNX with a number of steps
// (components/zoo/spikes.py).

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/model/graph/graph.h"
#include "sw/model/import/import.h"
#include "tools/cli/common.h"
#include "tools/cli/models/own_model.h"
#include "tools/cli/models/python.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;

/// Returns the error in seconds or a scale, which components/zoo/spikes.py requires to be valid;
/// "": none.
std::string fault_of(const std::string& text) {
  const double value = std::strtod(text.c_str(), nullptr);
  return value > 0 && value < 1e9 ? "" : text + ", allowed numbers above 0 and below 1e9";
}

struct NirArguments {
  Output output;
  PythonOptions python;
  std::string model, out, reset = "zero", fires = "above";
  int steps = 0, bits = 12;
  double dt = 1e-4, input_scale = 1;
  bool delay = false;
};

int run(const NirArguments& options) {
  options.output.check({{"--out", options.out}}, {{"MODEL", options.model}});
  if (fs::path(options.out).extension() != ".onnx")
    throw_error("--out: {}, allowed names that end in .onnx", options.out);
  if (options.delay && options.reset != "subtract") throw_error("--delay: needs --reset subtract");
  read_file(options.model);
  const Python python(options.python, "components/zoo/requirements_nir.txt", options.output);
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path written = scratch.path() / fs::path(options.out).filename();
  std::vector<std::string> arguments{options.model,
                                     "--out",
                                     written.string(),
                                     "--steps",
                                     fmt::format("{}", options.steps),
                                     "--dt",
                                     fmt::format("{}", options.dt),
                                     "--reset",
                                     options.reset,
                                     "--fires",
                                     options.fires,
                                     "--bits",
                                     fmt::format("{}", options.bits),
                                     "--input-scale",
                                     fmt::format("{}", options.input_scale)};
  if (options.delay) arguments.emplace_back("--delay");
  const std::string by = python.run("spikes", arguments, options.model + ": converting");
  const std::vector<std::uint8_t> bytes = read_file(written);
  const model::Graph graph = model::parse_model(bytes, options.out);
  write_file(options.out, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  options.output.print(fmt::format("{}: {}\n", options.out, by));
  options.output.write_json({{"model", options.model},
                             {"out", options.out},
                             {"steps", options.steps},
                             {"macs", model::macs(graph)}},
                            nullptr);
  return kSuccess;
}

}  // namespace

void add_nir(Command app, Action& action) {
  const auto [command, options] =
      add_command<NirArguments>(app, action, "nir", "a spiking network (NIR) to int8 ONNX", run);
  add_value(command, "MODEL", options->model, "NIR graph: a .nir file (HDF5)")->required();
  add_value(command, "--out FILE", options->out, "the quantized network, .onnx")->required();
  add_value(command, "--steps N", options->steps, "time steps of a run")
      ->required()
      ->check(range(1, 1024));
  add_value(command, "--dt S", options->dt, "seconds per step (0.0001)")->check(checked(fault_of));
  add_value(command, "--reset HOW", options->reset,
            "what a spike does to the state: zero: sets it to 0, as NIR defines;\n"
            "subtract: subtracts the threshold; .nir files do not store this choice")
      ->check(one_of({"zero", "subtract"}));
  command.add_flag("--delay", options->delay,
                   "with --reset subtract: subtract in the next step, after the leak,\n"
                   "as snntorch's reset_delay");
  add_value(command, "--fires WHEN", options->fires,
            "above: a neuron fires above the threshold; at: also at it")
      ->check(one_of({"above", "at"}));
  add_value(command, "--bits N", options->bits, "a threshold is 2^N codes of its state (12)")
      ->check(range(4, 14));
  add_value(command, "--input-scale X", options->input_scale,
            "scale of the inputs, which are whole numbers of -128..127 times this\n"
            "scale (1)")
      ->check(checked(fault_of));
  options->python.declare(command);
  options->output.declare(command);
  command.footer(
      "docs/spikes.md lists the supported nodes and their arithmetic. h5py is downloaded from "
      "PyPI\n"
      "once, into a Python environment in $TRINE_CACHE, else ~/.cache/trine.\n\n"
      "Examples:\n"
      "  trine nir NETWORK.nir --steps 16 --dt 0.001 --out network.onnx\n"
      "  trine run --config edge64 --set array.activations16=true network.onnx");
}

}  // namespace trine::cli
