// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <filesystem>

#include "sim/arch/simulate.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/program/host.h"
#include "tools/cli/common.h"
#include "tools/cli/measure/energy_report.h"
#include "tools/cli/measure/nonzero.h"
#include "tools/cli/measure/spikes.h"
#include "tools/cli/run/check.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/perfetto.h"
#include "tools/cli/run/report.h"
#include "tools/cli/run/stream.h"

namespace trine::cli {
namespace {

struct RunArguments {
  Output output;
  NetworkOptions network;
  BackendOptions backend;
  EnergyOptions energy;
  Shown shown;
  std::vector<std::string> inputs, outputs;
  std::string memory, perfetto;
  StreamOptions stream;
};

/// Checks the number of outputs and that they can be written, before a run of minutes.
void check_outputs(const RunArguments& options, const Network& network) {
  const model::Graph* graph = edge_graph(network, false);
  const std::size_t count = graph != nullptr
                                ? graph->outputs.size()
                                : compiler::segments(network.program).back()->outputs.size();
  if (options.outputs.size() > count)
    throw_error("--output: {} files, but {} has {} output{}", options.outputs.size(),
                options.network.model, count, count == 1 ? "" : "s");
}

/// Checks that each file of the options can be written and occurs only once.
void check_files(const RunArguments& options) {
  std::vector<NamedFile> written = options.backend.written();
  for (const std::string& output : options.outputs) written.push_back({"--output", output});
  written.push_back({"--perfetto", options.perfetto});
  written.push_back({"--accelergy", options.energy.accelergy});
  written.push_back({"--ert", options.energy.ert});
  std::vector<NamedFile> read = options.network.read();
  for (const NamedFile& file : options.stream.read()) read.push_back(file);
  options.output.check(written, read);
  if (!options.memory.empty()) check_writable_folder(options.memory);
}

void write_outputs(const RunArguments& options, const std::vector<Array>& outputs) {
  for (std::size_t i = 0; i < options.outputs.size(); ++i)
    write_npy(options.outputs[i], outputs[i]);
}

std::string_view text(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Describes the memory layout of a tensor at the edge.
Json edge_json(const compiler::TensorLayout& l) {
  const compiler::Fold& f = l.fold;
  return {{"name", l.name},
          {"extents", l.extents},
          {"C", l.shape.C},
          {"H", l.shape.H},
          {"W", l.shape.W},
          {"transposed", l.transposed},
          {"fold",
           {{"rows", f.rows},
            {"pixels", f.pixels},
            {"stride_y", f.stride_y},
            {"stride_x", f.stride_x},
            {"top", f.top},
            {"left", f.left},
            {"height", f.height},
            {"width", f.width}}},
          {"steps", {{"y", l.steps.y}, {"x", l.steps.x}, {"channel", l.steps.channel}}},
          {"codes", l.codes},
          {"offset", l.offset},
          {"pitch", l.pitch},
          {"plane", l.plane},
          {"scale", l.scale},
          {"zero_point", l.zero_point},
          {"per_word", l.shape.per_word},
          {"bytes", l.bytes()}};
}

/// Writes the memory from BASE on before and after the run, including the program, and the
/// parameters that a host needs: enough for a bench of the user's own.
void write_memory(const std::filesystem::path& folder, const compiler::Program& program,
                  const std::vector<Array>& inputs) {
  if (compiler::segments(program).size() > 1)
    throw_error("--memory: {} runs in stages, with host operators in between, allowed one stage",
                program.name);
  std::vector<std::uint8_t> dram = compiler::initial_dram(program);
  compiler::write_inputs(program, inputs, dram.data());
  const auto* words = reinterpret_cast<const std::uint8_t*>(program.words.data());
  const auto with_program = [&](std::vector<std::uint8_t> memory) {
    memory.insert(memory.end(), words, words + 8 * program.words.size());
    return memory;
  };
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw_error("{}: {}", folder.string(), error.message());
  write_file(folder / "before.bin", text(with_program(dram)));
  sim::run_arch_dram(program, dram);
  write_file(folder / "after.bin", text(with_program(dram)));
  Json json;
  json["config_hash"] = fmt::format("0x{:016x}", program.config_hash);
  json["program_offset"] = program.program_offset();
  json["program_words"] = program.words.size();
  for (const compiler::TensorLayout& layout : program.inputs)
    json["inputs"].push_back(edge_json(layout));
  for (const compiler::TensorLayout& layout : program.outputs)
    json["outputs"].push_back(edge_json(layout));
  write_file(folder / "run.json", json_text(json, 2) + "\n");
}

/// Refuses options that only a single run supports.
void check_stream(const RunArguments& options) {
  options.stream.check();
  if (!options.stream.given()) return;
  const std::pair<const char*, bool> others[] = {{"--input", !options.inputs.empty()},
                                                 {"--memory", !options.memory.empty()},
                                                 {"--perfetto", !options.perfetto.empty()},
                                                 {"--batch", options.network.batch > 1}};
  for (const auto& [name, given] : others)
    if (given)
      throw_error("{}: allowed only for a single run, not with --stream or --frames", name);
}

/// Runs once. @return where the outputs differ from the golden layers', "": nowhere
/// @param values  of the golden layers
std::string run_once(const RunArguments& options, const Network& network,
                     const spec::Config& config, const reference::RoundingPolicy& policy,
                     Execution& execution, reference::Values& values) {
  const std::vector<Array> inputs =
      options.inputs.empty() ? random_inputs(network, 1)
                             : read_inputs(options.inputs, network, options.network.model);
  if (!options.memory.empty()) write_memory(options.memory, network.program, inputs);
  const Runner runner = make_runner(network.program, options.backend, inputs, options.output.quiet);
  Stopwatch watch;
  sim::RunResult result = [&] {
    const Progress progress(options.network.model + ": running", options.output.quiet);
    return runner(inputs);
  }();
  execution.seconds = watch.seconds();
  write_outputs(options, result.outputs);
  if (!options.perfetto.empty())
    write_file(options.perfetto,
               json_text(with_configuration(
                   trace_of(network.program, result, options.backend.backend), &config)) +
                   "\n");
  std::string difference;
  if (network.graph) {
    const Progress progress(options.network.model + ": golden layers", options.output.quiet);
    values = reference::run_graph(*network.graph, inputs, policy);
    difference = compiler::first_difference(network.program, result.outputs,
                                            reference::outputs_of(*network.graph, values));
  }
  execution.add(std::move(result), difference.empty());
  return difference;
}

int run(const RunArguments& options) {
  options.backend.check();
  check_stream(options);
  check_files(options);
  const energy::Table table = options.energy.read();
  const spec::Config config = options.network.design.load();
  const auto policy = options.network.policy(reference::kDoublePolicy);
  NetworkOptions wanted = options.network;
  wanted.states = wanted.states || (options.stream.given() && !is_program_file(wanted.model));
  const Network network = load_network(wanted, config, policy);
  check_outputs(options, network);
  options.output.print(network.printed);

  Execution execution;
  execution.images = network.images;
  execution.checked = network.graph.has_value();
  Json answers;
  reference::Values values;
  const std::string difference =
      options.stream.given()
          ? run_stream(options.stream, network, policy, options.backend, options.outputs,
                       options.network.model, options.output, execution, answers)
          : run_once(options, network, config, policy, execution, values);
  const EnergyReport energy =
      energy_report(network.program, execution.slowest, options.energy, table);
  execution.energy_pj = energy.sum.total();
  const auto spikes = spike_report(network, values.empty() ? nullptr : &values,
                                   static_cast<double>(execution.slowest.cycles), energy,
                                   options.energy, options.backend.bus());
  const auto nonzero =
      values.empty() ? std::vector<NonzeroRow>{} : nonzero_rows(*network.graph, values);
  options.output.print(to_text(network.program, execution, options.backend.backend, options.shown) +
                       (options.shown.details ? to_text(nonzero) : "") +
                       to_text(energy, options.shown.details) + (spikes ? to_text(*spikes) : ""));
  Json json = to_json(network.program, execution, options.backend.backend);
  add_to(json, energy);
  if (spikes) json["spiking"] = to_json(*spikes);
  if (!nonzero.empty()) json["nonzero"] = to_json(nonzero);
  if (options.stream.given()) json["answers"] = answers;
  options.output.write_json(json, &config);
  write_accelergy(energy, options.energy);
  if (difference.empty()) return kSuccess;
  fmt::print(stderr, "{}: differs from the golden reference: {}\n", options.network.model,
             difference);
  return kWrongResult;
}

}  // namespace

void add_run(Command app, Action& action) {
  const auto [command, options] = add_command<RunArguments>(
      app, action, "run", "run a model once; compare with the golden reference", run);
  options->network.declare(command);
  options->network.declare_batch(command);
  options->network.declare_print(command);
  options->network.declare_states(command);
  options->stream.declare(command);
  options->backend.declare(command);
  options->energy.declare(command);
  options->shown.declare(command);
  options->output.declare(command);
  add_value(command, "--input,-i X.npy", options->inputs,
            "NumPy file of an input, in order; random codes, seeded, if absent")
      ->allow_extra_args(false);
  add_value(command, "--output Y.npy", options->outputs, "NumPy file for an output, in order")
      ->allow_extra_args(false);
  add_value(command, "--memory DIR", options->memory,
            "folder for the memory before and after the run, with the program:\n"
            "for your own testbench");
  add_value(command, "--perfetto FILE", options->perfetto,
            "timeline of the engines, for ui.perfetto.dev (JSON)");
  command.footer(
      "The first run of a configuration on the RTL compiles it (a minute); later ones use the "
      "cache\n"
      "($TRINE_CACHE, else ~/.cache/trine). Exit code 1: an output differs from the reference.\n\n"
      "Examples:\n"
      "  trine run --config edge256 models/lenet_mnist.tflite\n"
      "  trine run --config edge64 MODEL.tflite --input x.npy --output y.npy --backend arch\n"
      "  trine run --config edge64 MODEL.tflite --trace run.fst --lockstep\n"
      "  trine run --config edge64 --set memory.dmem_kib=32 MODEL.tflite --axi-latency 100\n"
      "  trine run --config edge64 --set array.activations16=true LSTM.tflite --stream frames.npy\n"
      "One symbol at a time (docs/speech.md): the encoder's output 0 begins the decoder's state.\n"
      "  trine run --config edge256 --set array.activations16=true --input digits.npy \\\n"
      "    models/sequences/reverse_encoder.onnx --output h.npy\n"
      "  trine run --config edge256 --set array.activations16=true --frames 9 --feed 0=0 \\\n"
      "    models/sequences/reverse_decoder.onnx --carry 1=1 --begin 1=h.npy --until 10");
}

}  // namespace trine::cli
