// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/network.h"

#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "sim/arch/run.h"
#include "sw/compiler/compiler.h"

namespace trine::cli {
namespace {

/// In two lines.
std::string stage_list() {
  const std::vector<std::string> names = compiler::stage_names();
  const auto middle = names.begin() + static_cast<std::ptrdiff_t>(names.size() / 2);
  return fmt::format("{},\n{}", fmt::join(names.begin(), middle, ", "),
                     fmt::join(middle, names.end(), ", "));
}

/// @throws Error  there is no such stage
void check_stage(const std::string& stage) {
  const std::vector<std::string> names = compiler::stage_names();
  if (!stage.empty() && std::find(names.begin(), names.end(), stage) == names.end())
    throw_error("--print-after: {} is no stage, allowed {}", stage, fmt::join(names, ", "));
}

}  // namespace

bool is_program_file(const std::string& model) {
  return !model.empty() && compiler::is_program(read_file(model));
}

void NetworkOptions::declare(CLI::App& command) {
  design.declare(command);
  command
      .add_option("MODEL", model, "quantized TFLite or ONNX model, or a program of trine compile")
      ->required();
  command
      .add_option("--rounding", rounding,
                  "auto: as the vectors' manifest says, else double\n"
                  "double: TFLite's two roundings; single: one")
      ->check(CLI::IsMember({"auto", "double", "single"}))
      ->type_name("HOW");
  command.add_flag("--allow-host", allow_host,
                   "operators that the design lacks run on the host, listed with\n"
                   "their share of the MACs (default: they are refused)");
}

void NetworkOptions::declare_print(CLI::App& command) {
  command
      .add_option("--print-after", print_after,
                  fmt::format("print the network as it is after a stage of the compiler:\n{}",
                              stage_list()))
      ->type_name("STAGE");
}

reference::RoundingPolicy NetworkOptions::policy(reference::RoundingPolicy recorded) const {
  if (rounding == "double") return reference::kDoublePolicy;
  return rounding == "single" ? reference::kSinglePolicy : recorded;
}

void BackendOptions::declare(CLI::App& command, bool golden) {
  std::vector<std::string> backends{"rtl", "netlist", "arch"};
  if (golden) backends.push_back("golden");
  command
      .add_option("--backend", backend,
                  std::string("rtl: the SystemVerilog, by Verilator\n"
                              "netlist: what Yosys maps it to, in cells of osu018 (slow: for\n"
                              "small arrays); arch: the architecture simulator") +
                      (golden ? "\ngolden: no machine" : ""))
      ->check(CLI::IsMember(backends))
      ->type_name("B");
  command.add_option("--axi-latency", axi_latency, "memory latency in cycles (32)")
      ->check(CLI::Range(1, 10'000))
      ->type_name("N");
  command
      .add_option("--axi-bytes-per-cycle", axi_bytes_per_cycle,
                  "memory bandwidth of each direction (the bus width)")
      ->check(CLI::Range(1, 64))
      ->type_name("N");
  command.add_option("--trace", trace_file, "write waveforms (rtl only)")->type_name("F.fst");
  command.add_flag("--lockstep", lockstep,
                   "compare every memory write of the RTL with the architecture simulator");
}

void BackendOptions::check() const {
  std::error_code ignored;
  const std::filesystem::file_status trace = std::filesystem::status(trace_file, ignored);
  if (!trace_file.empty() && exists(trace) && !is_regular_file(trace))
    throw_error("--trace: {} is no regular file, which waveforms need", trace_file);
  if (backend == "rtl") return;
  if (!trace_file.empty()) throw_error("--trace: needs --backend rtl");
  if (lockstep) throw_error("--lockstep: needs --backend rtl");
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

Network load_network(const NetworkOptions& options, const machine::Config& config,
                     reference::RoundingPolicy policy) {
  check_stage(options.print_after);
  const std::vector<std::uint8_t> bytes = read_file(options.model);
  Network network;
  if (compiler::is_program(bytes)) {
    if (!options.print_after.empty())
      throw_error("--print-after: {} is a program, which is compiled already", options.model);
    network.program = compiler::parse_program(bytes, options.model);
    compiler::set_configuration(network.program, config);
    return network;
  }
  network.graph = model::import_model(options.model, options.allow_host);
  compiler::CompileOptions compile_options;
  compile_options.rounding = policy;
  compile_options.allow_host = options.allow_host;
  compile_options.print_after = options.print_after;
  compile_options.printed = &network.printed;
  network.program = compiler::compile(*network.graph, config, compile_options);
  return network;
}

namespace {

/// The runner of one stage.
Runner stage_runner(const compiler::Program& program, const BackendOptions& options,
                    const std::vector<Array>& first_inputs, bool quiet) {
  sim::ArchOptions arch;
  arch.bus = {options.axi_latency, static_cast<double>(options.axi_bytes_per_cycle)};
  if (options.backend == "arch")
    return [&program, arch](const std::vector<Array>& inputs) {
      return sim::run_arch(program, inputs, arch);
    };
  sim::RtlOptions rtl = options.rtl(quiet);
  {
    const Progress progress(program.name + ": predicting the cycles", quiet);
    rtl.predicted_cycles = sim::run_arch(program, first_inputs, arch).cycles;
  }
  auto runner = std::make_shared<sim::RtlRunner>(program, rtl);
  return [runner](const std::vector<Array>& inputs) { return runner->run(inputs); };
}

}  // namespace

Runner make_runner(const compiler::Program& program, const BackendOptions& options,
                   const std::vector<Array>& first_inputs, bool quiet) {
  if (program.rest.empty()) return stage_runner(program, options, first_inputs, quiet);
  if (!options.trace_file.empty())
    throw_error("--trace: {} runs in {} stages, allowed 1 (operators on the host between them)",
                program.name, program.rest.size() + 1);
  auto runners = std::make_shared<std::vector<Runner>>();
  std::vector<Array> arrays = first_inputs;
  for (const compiler::Program* stage : compiler::stages(program)) {
    runners->push_back(stage_runner(*stage, options, arrays, quiet));
    if (stage != compiler::stages(program).back()) arrays = sim::run_arch(*stage, arrays).outputs;
  }
  return [runners](const std::vector<Array>& inputs) {
    std::vector<sim::RunResult> results;
    for (const Runner& run : *runners)
      results.push_back(run(results.empty() ? inputs : results.back().outputs));
    return sim::in_sequence(std::move(results));
  };
}

}  // namespace trine::cli
