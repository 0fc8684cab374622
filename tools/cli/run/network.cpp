// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/network.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <set>

#include "sim/arch/simulate.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/hash.h"
#include "sw/compiler/compiler.h"
#include "sw/model/check/check.h"
#include "sw/model/import/import.h"
#include "sw/model/rewrite/batch.h"

namespace trine::cli {
namespace {

/// Returns the stage names in two lines.
std::string stage_list() {
  const std::vector<std::string> names = compiler::stage_names();
  std::string text = names.front();
  for (std::size_t i = 1; i < names.size(); ++i) text += (i % 8 == 0 ? ",\n" : ", ") + names[i];
  return text;
}

/// @throws Error  there is no such stage
void check_stage(const std::string& stage) {
  const std::vector<std::string> names = compiler::stage_names();
  if (!stage.empty() && std::find(names.begin(), names.end(), stage) == names.end())
    throw_error("--print-after: {} is not a stage of the compiler, allowed {}", stage,
                fmt::join(names, ", "));
}

/// Draws random codes, floats in -1..1, or whole floats in 0..127. Whole numbers of 32 and 64 bits
/// are usually table indices or masks: they and truth values are 0 or 1, which every table and mask
/// contains.
Array random_input(Array shape, bool whole_floats, std::mt19937& random) {
  const auto elements = static_cast<std::size_t>(shape.elements());
  if (shape.dtype == "f4") {
    std::vector<float> values(elements);
    for (float& v : values)
      v = whole_floats ? static_cast<float>(random() >> 25)
                       : static_cast<float>(random() >> 8) * 0x1p-23f - 1;
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(values.data());
    shape.bytes.assign(bytes, bytes + 4 * elements);
    return shape;
  }
  shape.bytes.resize(elements * shape.element_bytes());
  const std::size_t size = shape.element_bytes();
  if (shape.dtype == "b1" || size >= 4)
    for (std::size_t i = 0; i < shape.bytes.size(); i += size)
      shape.bytes[i] = static_cast<std::uint8_t>(random() >> 31);
  else
    for (std::uint8_t& byte : shape.bytes) byte = static_cast<std::uint8_t>(random() >> 24);
  return shape;
}

}  // namespace

std::vector<Array> random_inputs(const Network& network, std::uint32_t seed) {
  std::mt19937 random{seed};
  const model::Graph* graph = edge_graph(network, true);
  const bool whole = graph != nullptr && std::ranges::any_of(graph->ops, &model::Op::of_whole);
  std::vector<Array> inputs;
  for (const Array& shape : input_shapes(network))
    inputs.push_back(random_input(shape, whole, random));
  return inputs;
}

std::vector<Array> read_inputs(const std::vector<std::string>& files, const Network& network,
                               const std::string& model) {
  const std::vector<Array> shapes = input_shapes(network);
  if (files.size() != shapes.size())
    throw_error("--input: {} files, {} has {} input{}", files.size(), model, shapes.size(),
                shapes.size() == 1 ? "" : "s");
  std::vector<Array> inputs;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    inputs.push_back(read_npy(files[i]));
    check_input(inputs[i], files[i], i, shapes[i], model);
  }
  return inputs;
}

bool is_program_file(const std::string& model) {
  return !model.empty() && compiler::is_program(read_file(model));
}

void NetworkOptions::declare(Command command) {
  design.declare(command);
  add_value(command, "MODEL", model,
            "quantized TFLite, ONNX or TOSA model, or a program of trine compile")
      ->required();
  add_value(command, "--rounding HOW", rounding,
            "auto: what the manifest of the vectors says, else double\n"
            "double: TFLite's two roundings; single: one rounding")
      ->check(one_of({"auto", "double", "single"}));
  declare_lstm(command, lstm);
  command.add_flag("--allow-host", allow_host,
                   "operators that the design does not support run on the host, and are\n"
                   "listed with their share of the MACs (default: they are refused)");
  add_value(command, "--host OP[,OP..]", host,
            "ONNX operators that the host runs in float32, as ONNX Runtime does, even\n"
            "if the machine could (Resize, AveragePool); implies --allow-host")
      ->delimiter(',')
      ->allow_extra_args(false);
  declare_shape(command, shapes);
  add_value(command, "--objective O", objective,
            "what a plan minimizes: cycles, bytes of the bus, or energy (cycles)")
      ->check(one_of({"cycles", "bytes", "energy"}));
  add_value(command, "--mapping FILE", mapping,
            "file of each layer's loops: read if it exists, then the plan has these\n"
            "loops; written if it does not (docs/dataflows.md)");
}

void declare_shape(Command command, std::vector<std::string>& shapes) {
  add_value(command, "--shape NAME=N", shapes,
            "extent of a dimension that an ONNX file leaves open, or all extents of\n"
            "an input: INPUT=N,C,H,W; may be repeated (default: an open batch is 1;\n"
            "other open dimensions are refused)")
      ->allow_extra_args(false);
}

void declare_lstm(Command command, std::string& lstm) {
  add_value(command, "--lstm WHOSE", lstm,
            "which UNIDIRECTIONAL_SEQUENCE_LSTM to compute (on the host):\n"
            "auto: what the manifest of the vectors says, else micro\n"
            "micro: tflite-micro's; litert: LiteRT's, only int8")
      ->check(one_of({"auto", "micro", "litert"}));
}

compiler::Objective NetworkOptions::plan_objective() const {
  if (objective == "bytes") return compiler::Objective::kBytes;
  return objective == "energy" ? compiler::Objective::kEnergy : compiler::Objective::kCycles;
}

void NetworkOptions::declare_batch(Command command) {
  add_value(command, "--batch N", batch,
            "images that a run computes together, one after the other along the\n"
            "first axis of each input and output (1)")
      ->check(range(1, 256));
}

void NetworkOptions::declare_states(Command command) {
  command.add_flag("--states", states,
                   "add the states of LSTM and SVDF to the inputs and outputs, after the\n"
                   "model's own, for a caller that keeps states from run to run");
}

void NetworkOptions::declare_print(Command command) {
  add_value(
      command, "--print-after STAGE", print_after,
      fmt::format("print the network as it is after a stage of the compiler:\n{}", stage_list()));
}

reference::RoundingPolicy NetworkOptions::policy(reference::RoundingPolicy recorded) const {
  reference::RoundingPolicy policy = rounding == "double"   ? reference::kDoublePolicy
                                     : rounding == "single" ? reference::kSinglePolicy
                                                            : recorded;
  policy.lstm = lstm == "micro"    ? reference::LstmKernel::kMicro
                : lstm == "litert" ? reference::LstmKernel::kLiteRt
                                   : recorded.lstm;
  return policy;
}

void BackendOptions::declare(Command command, bool golden) {
  std::vector<std::string> backends{"rtl", "netlist", "arch"};
  if (golden) backends.push_back("golden");
  add_value(command, "--backend B", backend,
            std::string("rtl: the SystemVerilog, by Verilator\n"
                        "netlist: the cells of sg13g2 to which Yosys maps it (slow: for\n"
                        "small arrays); arch: the architecture simulator") +
                (golden ? "\ngolden: only the golden layers" : ""))
      ->check(one_of(backends));
  declare_memory(command);
  add_value(command, "--trace F.fst", trace_file,
            "write waveforms; F.vcd: only for the ports (rtl only)");
  command.add_flag("--lockstep", lockstep,
                   "compare every memory write of the RTL with the architecture simulator");
}

void BackendOptions::declare_memory(Command command) {
  add_value(command, "--axi-latency N", axi_latency, "memory latency in cycles (32)")
      ->check(range(1, 10'000));
  add_value(command, "--axi-bytes-per-cycle N", axi_bytes_per_cycle,
            "memory bandwidth in each direction (the bus width)")
      ->check(range(1, 64));
}

void BackendOptions::check() const {
  std::error_code ignored;
  const std::filesystem::file_status trace = std::filesystem::status(trace_file, ignored);
  if (!trace_file.empty() && exists(trace) && !is_regular_file(trace))
    throw_error("--trace: {} is not a regular file, which waveforms need", trace_file);
  if (backend == "rtl") return;
  if (!trace_file.empty()) throw_error("--trace: needs --backend rtl");
  if (lockstep) throw_error("--lockstep: needs --backend rtl");
}

sim::BusOptions BackendOptions::bus() const {
  return {axi_latency, static_cast<double>(axi_bytes_per_cycle)};
}

sim::RtlOptions BackendOptions::rtl(bool quiet) const {
  sim::RtlOptions options;
  options.build.quiet = quiet;
  options.build.netlist = backend == "netlist";
  options.axi_latency = axi_latency;
  options.axi_bytes_per_cycle = axi_bytes_per_cycle;
  options.trace_file = trace_file;
  options.lockstep = lockstep;
  return options;
}

namespace {

using compiler::HostPart;

/// Returns settings that can make a design support more models: keys and their next values.
std::vector<std::pair<std::string, std::vector<std::string>>> larger_settings(
    const spec::Config& config) {
  const auto doubled = [](int value, int most) {
    std::vector<std::string> values;
    while ((value *= 2) <= most) values.push_back(std::to_string(value));
    return values;
  };
  return {{"array.activations16", {"true"}},
          {"memory.param_channels", doubled(config.param_channels, 4096)},
          {"memory.dmem_kib", doubled(config.dmem_kib, 4 * config.dmem_kib)},
          {"memory.pmem_kib", doubled(config.pmem_kib, 4 * config.pmem_kib)}};
}

/// Compiles a model's bytes to a program.
struct Compiling {
  const std::vector<std::uint8_t>& bytes;
  const NetworkOptions& options;
  const spec::Config& config;
  reference::RoundingPolicy policy;
  std::optional<compiler::Mapping> mapping;  ///< content of an existing file

  Network network(HostPart part) const {
    Network network;
    model::HostUse host = part != HostPart::kNowhere;
    host.types = {options.host.begin(), options.host.end()};
    network.graph =
        model::parse_model(bytes, options.model, host, model::parse_shapes(options.shapes));
    if (options.states) {
      if (options.batch > 1)
        throw_error("--batch: not allowed with states, which belong to one image");
      model::check(*network.graph);
      auto [graph, carries] = model::with_states(std::move(*network.graph));
      network.graph = std::move(graph);
      network.carries = std::move(carries);
    }
    if (options.batch > 1) {
      model::check(*network.graph);
      network.graph = model::batched(std::move(*network.graph), options.batch);
      network.images = options.batch;
    }
    const std::size_t own = network.graph->outputs.size();
    if (options.keep_tensors) network.graph = kept(std::move(*network.graph));
    network.kept = network.graph->outputs.size() - own;
    compiler::CompileOptions compile_options;
    compile_options.rounding = policy;
    compile_options.host = part;
    compile_options.objective = options.plan_objective();
    compile_options.print_after = options.print_after;
    compile_options.printed = &network.printed;
    if (mapping) compile_options.mapping = &*mapping;
    if (!mapping && !options.mapping.empty()) compile_options.mapping_text = &network.mapping;
    network.program = compiler::compile(*network.graph, config, compile_options);
    network.program.model_sha256 = model::digest_of_model(bytes, options.model);
    network.program.images = network.images;
    return network;
  }

  /// @return nothing if that is refused, too
  std::optional<Network> attempt(HostPart part) const try {
    return network(part);
  } catch (const compiler::MappingError&) {
    throw;
  } catch (const Error&) {
    return std::nullopt;
  }

  /// Returns the first setting of a key that a refusal names with which the machine supports the
  /// model, or "".
  std::string remedy(const std::string& refusal) const {
    for (const auto& [key, values] : larger_settings(config)) {
      if (refusal.find(key) == std::string::npos) continue;
      for (const std::string& value : values) try {
          Design design = options.design;
          design.settings.push_back(key + "=" + value);
          const spec::Config changed = design.load();
          Compiling{bytes, options, changed, policy, mapping}.network(HostPart::kNowhere);
          return design.settings.back();
        } catch (const Error&) {  // the next value, then
        }
    }
    return "";
  }

  /// Compiles without --allow-host, which a message names only if it helps.
  Network tried() const {
    try {
      return network(HostPart::kNowhere);
    } catch (const compiler::MappingError&) {
      throw;
    } catch (const Error& refused) {
      // Operators that the host lacks, too, are reported first.
      model::parse_model(bytes, options.model, true, model::parse_shapes(options.shapes));
      if (auto at_ends = attempt(HostPart::kEnd)) return std::move(*at_ends);
      std::string text = refused.what();
      if (const std::string setting = remedy(text); !setting.empty())
        text += fmt::format("\n{}: --set {} runs that on the machine", options.model, setting);
      if (attempt(HostPart::kAnywhere))
        text +=
            fmt::format("\n{}: --allow-host runs that on the host, between stages of the machine",
                        options.model);
      if (text == refused.what()) throw;
      throw Error(text);
    }
  }
};

/// Returns the content of --mapping, or nothing if there is no such file yet.
/// @throws Error  it cannot be read, or not be written later
std::optional<compiler::Mapping> mapping_of(const NetworkOptions& options) {
  if (options.mapping.empty()) return std::nullopt;
  if (std::filesystem::exists(options.mapping))
    return compiler::parse_mapping(read_text(options.mapping), options.mapping);
  check_writable(options.mapping);
  return std::nullopt;
}

}  // namespace

Network load_network(const NetworkOptions& options, const spec::Config& config,
                     reference::RoundingPolicy policy) {
  return load_network(read_file(options.model), options, config, policy);
}

Network load_network(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
                     const spec::Config& config, reference::RoundingPolicy policy) {
  check_stage(options.print_after);
  Network network;
  if (compiler::is_program(bytes)) {
    if (!options.print_after.empty())
      throw_error("--print-after: {} is a program, which is compiled already", options.model);
    if (options.keep_tensors)
      throw_error("keep_tensors: {} is a program, which is compiled already", options.model);
    if (options.batch > 1)
      throw_error("--batch: {} is a program, which is compiled already", options.model);
    if (options.states)
      throw_error("--states: {} is a program, which is compiled already", options.model);
    if (!options.host.empty())
      throw_error("--host: {} is a program, which is compiled already", options.model);
    if (!options.shapes.empty())
      throw_error("--shape: {} is a program, which is compiled already", options.model);
    if (!options.mapping.empty())
      throw_error("--mapping: {} is a program, which is compiled already", options.model);
    network.program = compiler::parse_program(bytes, options.model);
    compiler::set_configuration(network.program, config);
    network.images = network.program.images;
    return network;
  }
  const Compiling compiling{bytes, options, config, policy, mapping_of(options)};
  if (options.machine_alone) return compiling.network(HostPart::kNowhere);
  const bool anywhere = options.allow_host || !options.host.empty();
  network = anywhere ? compiling.network(HostPart::kAnywhere) : compiling.tried();
  if (!network.mapping.empty()) write_file(options.mapping, network.mapping);
  for (const std::string& note : network.graph->notes)
    fmt::print(stderr, "{}: {}\n", options.model, note);
  return network;
}

model::Graph kept(model::Graph graph) {
  std::set<int> outputs(graph.outputs.begin(), graph.outputs.end());
  for (const model::Op& op : graph.ops)
    for (const int tensor : op.outputs)
      if (graph.tensor(tensor).type == model::DataType::kInt8 && outputs.insert(tensor).second)
        graph.outputs.push_back(tensor);
  return graph;
}

const model::Graph* edge_graph(const Network& network, bool inputs) {
  if (network.graph) return &*network.graph;
  const model::Graph& host =
      inputs ? network.program.before : compiler::segments(network.program).back()->after;
  return host.tensors.empty() ? nullptr : &host;
}

namespace {

std::vector<Array> edge_shapes(const Network& network, bool inputs) {
  std::vector<Array> shapes;
  if (const model::Graph* graph = edge_graph(network, inputs)) {
    for (const int index : inputs ? graph->inputs : graph->outputs) {
      const model::Tensor& tensor = graph->tensor(index);
      shapes.push_back({std::string(model::npy_code(tensor.type)),
                        {tensor.shape.begin(), tensor.shape.end()},
                        {}});
    }
    return shapes;
  }
  for (const compiler::TensorLayout& layout :
       inputs ? network.program.inputs : compiler::segments(network.program).back()->outputs)
    shapes.push_back({"i1", {layout.extents.begin(), layout.extents.end()}, {}});
  return shapes;
}

}  // namespace

std::vector<Array> input_shapes(const Network& network) { return edge_shapes(network, true); }

std::vector<Array> output_shapes(const Network& network) { return edge_shapes(network, false); }

void check_input(const Array& array, const std::string& what, std::size_t i, const Array& shape,
                 const std::string& model) {
  if (array.dtype != shape.dtype || array.shape != shape.shape)
    throw_error("{}: is {}, but input {} of {} is {}", what, type_and_shape(array), i, model,
                type_and_shape(shape));
}

namespace {

/// Returns the runner of one segment. @param alone  the machine runs nothing else between two runs
/// of the segment
Runner segment_runner(const compiler::Program& program, const BackendOptions& options,
                      const std::vector<Array>& first_inputs, bool quiet, bool alone) {
  sim::ArchOptions arch;
  arch.bus = options.bus();
  if (options.backend == "arch")
    return [&program, arch, alone](const std::vector<Array>& inputs) mutable {
      sim::RunResult result = sim::run_arch(program, inputs, arch);
      arch.again = alone;
      return result;
    };
  sim::RtlOptions rtl = options.rtl(quiet);
  {
    const Progress progress(program.name + ": predicting the cycles", quiet);
    rtl.predicted_cycles = sim::run_arch(program, first_inputs, arch).cycles;
  }
  auto runner = std::make_shared<sim::RtlRunner>(program, rtl);
  return [runner, alone](const std::vector<Array>& inputs) {
    if (!alone) runner->load();
    return runner->run(inputs);
  };
}

}  // namespace

Runner make_runner(const compiler::Program& program, const BackendOptions& options,
                   const std::vector<Array>& first_inputs, bool quiet) {
  if (program.rest.empty()) return segment_runner(program, options, first_inputs, quiet, true);
  if (!options.trace_file.empty())
    throw_error("--trace: {} runs in {} stages, allowed 1 (operators on the host between them)",
                program.name, program.rest.size() + 1);
  auto runners = std::make_shared<std::vector<Runner>>();
  std::vector<Array> arrays = first_inputs;
  for (const compiler::Program* segment : compiler::segments(program)) {
    runners->push_back(segment_runner(*segment, options, arrays, quiet, false));
    if (segment != compiler::segments(program).back())
      arrays = sim::run_arch(*segment, arrays).outputs;
  }
  return [runners](const std::vector<Array>& inputs) {
    std::vector<sim::RunResult> results;
    for (const Runner& run : *runners)
      results.push_back(run(results.empty() ? inputs : results.back().outputs));
    return sim::in_sequence(std::move(results));
  };
}

}  // namespace trine::cli
