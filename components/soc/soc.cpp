// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <sstream>

#include "components/soc/bitstream.h"
#include "components/soc/firmware.h"
#include "components/soc/simulation.h"
#include "components/soc/system.h"
#include "gen/generate.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/program/host.h"
#include "sw/program/image.h"
#include "tools/cli/common.h"
#include "tools/cli/models/python.h"
#include "tools/cli/run/check.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/stream.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;

constexpr const char* kRequirements = "components/soc/requirements.txt";
constexpr const char* kBoardRequirements = "components/soc/requirements_board.txt";
constexpr const char* kIbexRequirements = "components/soc/requirements_ibex.txt";
constexpr int kBoardRomKib = 32;
constexpr int kSramKib = 16;  // of the firmware, in addition to its buffer for an output

struct SocArguments {
  Output output;
  PythonOptions python;
  soc::SystemOptions system;
  std::vector<std::string> configs, settings, models, inputs, labels, app;
  std::vector<std::string> shapes;
  std::string vectors, out, fault, bitstream, data, uart;
  StreamOptions stream;
  int cases = 0;  ///< 0: all of a stream, otherwise 1
  bool no_cache_hooks = false, netlist = false;
};

/// A machine with its model, inputs and expected outputs.
struct Machine {
  std::string prefix;
  spec::Config config;
  NetworkOptions options;
  Network network;
  std::vector<std::vector<Array>> inputs, expected;  ///< of the model, case after case
  std::vector<model::Carry> carries;                 ///< of the machine's inputs and outputs
};

/// A deliberate fault: on the bus, or in the image of model 0.
struct Fault {
  soc::Fault bus;
  void (*damage)(std::string& image) = nullptr;
};

/// Offsets in an image's header: docs/program-file.md.
constexpr std::size_t kVersionAt = 12, kHashAt = 16;

void change(std::string& image, std::size_t at) {
  image[at] = static_cast<char>(image[at] ^ 1);
  program::seal_image({reinterpret_cast<std::uint8_t*>(image.data()), image.size()});
}

const std::map<std::string, Fault>& faults() {
  static const std::map<std::string, Fault> table{
      {"none", {}},  // but in a system with the fault logic
      {"other-program", {{}, [](std::string& image) { change(image, kHashAt); }}},
      {"other-version", {{}, [](std::string& image) { change(image, kVersionAt); }}},
      {"truncated-model", {{}, [](std::string& image) { image.resize(image.size() / 2); }}},
      {"read-error", {{40, 0, 0}}},
      {"write-error", {{0, 1, 0}}},
      {"dead-bus", {{0, 0, 1}}},
      {"no-interrupt", {{0, 0, 2}}},
  };
  return table;
}

/// Returns recorded cases. @throws Error  fewer than requested
std::vector<std::vector<Array>> recorded_inputs(const SocArguments& options,
                                                const Network& network) {
  const reference::VectorSet vectors = reference::read_vectors(options.vectors, true);
  check_vectors(vectors, network);
  const bool is_stream = vectors.stream || !options.stream.carries.empty();
  const std::size_t all = vectors.cases.size();
  const std::size_t count = options.cases > 0 ? static_cast<std::size_t>(options.cases)
                            : is_stream       ? all
                                              : 1;
  if (all < count) throw_error("--cases: {}, but {} contains {} cases", count, vectors.file, all);
  std::vector<std::vector<Array>> inputs;
  for (std::size_t i = 0; i < count; ++i) {
    inputs.push_back(vectors.cases[i].inputs);
    inputs.back().resize(network.graph->inputs.size());  // a stream's states follow its own inputs
  }
  return inputs;
}

/// Returns the frames of --stream.
std::vector<std::vector<Array>> frames_of(const SocArguments& options, const Network& network,
                                          const std::string& model) {
  Frames frames(options.stream, network, States(options.stream, network), model);
  std::vector<std::vector<Array>> all;
  while (options.cases == 0 || std::ssize(all) < options.cases) {
    auto one = frames.next();
    if (!one) break;
    all.push_back(std::move(*one));
  }
  if (all.empty()) throw_error("--stream {}: contains no frame", options.stream.frames[0]);
  if (std::ssize(all) < options.cases)
    throw_error("--cases: {}, but --stream {} contains {} frames", options.cases,
                options.stream.frames[0], all.size());
  return all;
}

std::vector<std::vector<Array>> inputs_of(const SocArguments& options, const Network& network,
                                          const std::string& model) {
  if (options.stream.given()) return frames_of(options, network, model);
  if (!options.vectors.empty()) return recorded_inputs(options, network);
  if (!options.inputs.empty()) return {read_inputs(options.inputs, network, model)};
  std::vector<std::vector<Array>> all;
  for (int i = 0; i < std::max(1, options.cases); ++i) all.push_back(random_inputs(network, i + 1));
  return all;
}

/// Returns the tensor at the graph's other edge with the same codes as `tensor`, or -1 if an
/// operator is between them.
int same_codes(const model::Graph& graph, int tensor) {
  using model::OpKind;
  for (std::size_t i = graph.ops.size(); i-- > 0;) {
    const model::Op& op = graph.ops[i];
    if (std::ranges::count(op.outputs, tensor) == 0) continue;
    if (op.kind != OpKind::kQuantize && op.kind != OpKind::kDequantize &&
        op.kind != OpKind::kReshape)
      return -1;
    tensor = op.inputs.at(0);
  }
  return tensor;
}

/// Returns the states that the firmware copies from the machine's outputs to its inputs.
/// @throws Error  their codes differ
std::vector<model::Carry> machine_carries(const compiler::Program& program,
                                          const model::Carry& carry) {
  const model::Graph &before = program.before, &after = program.after;
  const int wanted = before.inputs.at(static_cast<std::size_t>(carry.input));
  const int given = same_codes(after, after.outputs.at(static_cast<std::size_t>(carry.output)));
  const auto output =
      static_cast<std::size_t>(std::ranges::find(after.inputs, given) - after.inputs.begin());
  std::vector<model::Carry> carries;
  for (std::size_t i = 0; i < before.outputs.size() && output < after.inputs.size(); ++i) {
    if (same_codes(before, before.outputs[i]) != wanted) continue;
    const compiler::TensorLayout &to = program.inputs.at(i), &from = program.outputs.at(output);
    if (to.scale != from.scale || to.zero_point != from.zero_point)
      throw_error(
          "--carry {}={}: the input has scale {}, zero point {}, but the output {}, {}, and the "
          "firmware copies codes unchanged (trine quantize --carry makes both the same)",
          carry.input, carry.output, to.scale, to.zero_point, from.scale, from.zero_point);
    carries.push_back({static_cast<int>(i), static_cast<int>(output)});
  }
  if (carries.empty())
    throw_error(
        "--carry {}={}: a host operator is between output and input, but the firmware copies codes "
        "unchanged",
        carry.input, carry.output);
  return carries;
}

/// Computes the golden layers' outputs of each case; states are passed from one case to the next.
void expect_outputs(const SocArguments& options, const reference::RoundingPolicy& policy,
                    Machine& m) {
  States states(options.stream, m.network);
  for (std::vector<Array>& inputs : m.inputs) {
    states.put(inputs);
    m.expected.push_back(reference::outputs_of(
        *m.network.graph, reference::run_graph(*m.network.graph, inputs, policy)));
    if (!options.stream.reset) states.take(m.expected.back());
  }
  if (options.stream.reset) return;
  for (const model::Carry& carry : states.carries())
    for (const model::Carry& one : machine_carries(m.network.program, carry))
      m.carries.push_back(one);
}

Machine make_machine(const SocArguments& options, std::size_t index) {
  Machine m;
  if (index > 0) m.prefix = fmt::format("machine{}", index);
  m.options.design = {options.configs[index], options.settings};
  m.config = m.options.design.load();
  if (!options.app.empty()) return m;
  m.options.model = options.models[index];
  m.options.shapes = options.shapes;
  m.options.states =
      options.stream.given() ||
      (!options.vectors.empty() && reference::read_vectors(options.vectors, true).stream);
  const auto policy = m.options.policy(reference::kDoublePolicy);
  if (is_program_file(m.options.model))
    throw_error("{}: is a program, allowed the model that it was compiled from", m.options.model);
  m.network = load_network(m.options, m.config, policy);
  if (!m.network.program.rest.empty())
    throw_error("{}: runs in stages, with host operators in between, allowed one stage",
                m.options.model);
  m.inputs = inputs_of(options, m.network, m.options.model);
  expect_outputs(options, policy, m);
  return m;
}

std::string text_of(const Array& array) { return {array.bytes.begin(), array.bytes.end()}; }

soc::Model model_of(const Machine& m, const std::vector<std::string>& labels) {
  const compiler::Program& program = m.network.program;
  soc::Model model;
  model.name = program.name;
  model.image = compiler::write_image(program);
  model.labels = labels;
  for (const compiler::ProgramLayer& layer : program.layers)
    model.expected_cycles += static_cast<std::uint32_t>(layer.expected_cycles);
  for (const model::Carry& carry : m.carries) model.carries.emplace_back(carry.input, carry.output);
  for (const std::vector<Array>& inputs : m.inputs) {
    std::vector<Array> machine = compiler::machine_inputs(program, inputs);
    for (const model::Carry& carry : m.carries)
      machine.at(static_cast<std::size_t>(carry.input)).bytes.clear();
    for (const Array& array : machine) model.inputs.push_back(text_of(array));
  }
  return model;
}

/// Returns the KiB that hold `bytes`: for a board's block RAM the minimum, for a simulation a power
/// of two, at least 256, so that few different systems are built.
int kib_for(std::size_t bytes, bool is_board) {
  const std::size_t kib = (bytes + 1023) / 1024;
  return static_cast<int>(is_board ? kib : std::max<std::size_t>(256, std::bit_ceil(kib)));
}

std::size_t largest_output(const std::vector<Machine>& machines) {
  std::size_t most = 1024;
  for (const Machine& m : machines)
    for (const Array& array : compiler::empty_machine_outputs(m.network.program))
      most = std::max(most, array.bytes.size());
  return (most + 1023) / 1024 * 1024;
}

/// Sizes the memories for the machines and the firmware.
void size_memories(const std::vector<Machine>& machines, const std::vector<soc::Model>& models,
                   bool is_board, soc::SystemOptions& system) {
  std::size_t most = 0, flash = 0;
  for (const Machine& m : machines)
    most = std::max(most, static_cast<std::size_t>(m.network.program.dram_bytes) +
                              8 * m.network.program.words.size());
  for (const soc::Model& model : models) {
    flash += model.image.size() + 64;
    for (const std::string& input : model.inputs) flash += input.size() + 64;
  }
  system.main_kib = kib_for(machines.size() * (most + 4096), is_board);
  system.models_kib = kib_for(flash + 1024, is_board);
  if (is_board) system.rom_kib = kBoardRomKib;
}

/// Collects the outputs that the firmware prints, case after case: "output MACHINE INDEX HEX".
class Console {
 public:
  explicit Console(const Output& output) : output_(output) {}

  void take(std::string_view text) {
    output_.print(std::string(text));
    flush_stdout();  // as the UART does: a netlist takes minutes until the next line
    for (const char c : text)
      if (c == '\n')
        line(std::exchange(line_, {}));
      else if (c != '\r')
        line_ += c;
  }
  /// Returns the bytes of all outputs of a machine.
  const std::string& outputs(std::size_t machine) { return bytes_[machine]; }
  /// Returns the times and bytes that the firmware reported.
  const Json& json() const { return json_; }

 private:
  void line(const std::string& text) {
    unsigned machine = 0;
    unsigned long cycles = 0, handler = 0, read = 0, written = 0;
    char what[16] = {};
    const char* t = text.c_str();
    if (std::sscanf(t,
                    "machine %u: %lu cycles, %lu from start to handler, read %lu bytes, wrote %lu",
                    &machine, &cycles, &handler, &read, &written) == 5)
      json_["runs"].push_back({{"machine", machine},
                               {"cycles", cycles},
                               {"start_to_handler_cycles", handler},
                               {"dram_bytes_read", read},
                               {"dram_bytes_written", written}});
    else if (std::sscanf(t, "machine %u: %15[a-z] %lu cycles", &machine, what, &cycles) == 3)
      json_[what + std::string("_cycles")].push_back(cycles);
    else if (std::sscanf(t, "%lu cycles from reset", &cycles) == 1)
      json_["cycles_from_reset"] = cycles;
    else if (text.starts_with("output "))
      bytes(text);
  }
  void bytes(const std::string& text) {
    std::istringstream in(text);
    std::string word, hex;
    std::size_t machine = 0;
    int index = 0;
    if (!(in >> word >> machine >> index >> hex)) return;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      bytes_[machine] += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }

  const Output& output_;
  std::string line_;
  std::map<std::size_t, std::string> bytes_;
  Json json_;
};

/// Returns the first output at which the firmware differs from the golden layers, or "".
std::string difference_of(const Machine& m, const std::string& bytes) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < m.expected.size(); ++i) {
    std::vector<Array> machine = compiler::empty_machine_outputs(m.network.program);
    for (Array& array : machine) {
      if (bytes.size() - at < array.bytes.size())
        return fmt::format("case {}: the firmware printed {} bytes of outputs", i, bytes.size());
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), array.bytes.size(),
                  array.bytes.begin());
      at += array.bytes.size();
    }
    const std::string difference = compiler::first_difference(
        m.network.program, compiler::model_outputs(m.network.program, machine), m.expected[i]);
    if (!difference.empty()) return fmt::format("case {}: {}", i, difference);
  }
  return "";
}

std::vector<std::string> read_labels(const std::string& file) {
  std::istringstream in(read_text(file));
  std::vector<std::string> labels;
  for (std::string line; std::getline(in, line);) labels.push_back(line);
  return labels;
}

bool is_ibex(const SocArguments& options) { return options.system.cpu == "ibex"; }

/// Returns the Python packages that the system requires.
const char* requirements_of(const SocArguments& options) {
  if (is_ibex(options)) return kIbexRequirements;
  return options.bitstream.empty() ? kRequirements : kBoardRequirements;
}

void check(const SocArguments& options) {
  if (options.app.empty() ? options.models.empty() : !options.models.empty())
    throw_error("MODEL: required without --app, not allowed with it");
  if (options.app.empty() && options.configs.size() != options.models.size())
    throw_error("--config: {}, MODEL: {}; each machine needs one of each", options.configs.size(),
                options.models.size());
  if (options.configs.size() > 2)
    throw_error("--config: given {} times, allowed 1 or 2", options.configs.size());
  if (!options.app.empty() && !options.fault.empty() && options.fault != "none")
    throw_error("--fault {}: allowed only for models; with --app allowed only none", options.fault);
  if (!options.uart.empty() && (options.app.empty() || options.system.target != "sim"))
    throw_error("--uart: allowed only with --app, in simulations");
  if (!options.inputs.empty() && (!options.vectors.empty() || options.models.size() > 1))
    throw_error("--input: allowed only for one model, without --vectors");
  if (!options.vectors.empty() && options.models.size() > 1)
    throw_error("--vectors: allowed only for one model");
  const StreamOptions& stream = options.stream;
  stream.check(!options.vectors.empty());
  if (stream.count > 0 || !stream.feeds.empty() || !stream.begins.empty())
    throw_error("--frames, --feed, --begin: the firmware does not support them; use trine run");
  if (stream.given() && (!options.vectors.empty() || !options.inputs.empty()))
    throw_error("--stream: not allowed with --vectors and --input");
  if (stream.given() && options.models.size() != 1)
    throw_error("--stream: allowed only for one model");
  if (options.labels.size() > options.models.size())
    throw_error("--labels: {} files for {} models, allowed at most one for each",
                options.labels.size(), options.models.size());
  std::vector<NamedFile> read;
  for (const std::string& model : options.models) read.push_back({"MODEL", model});
  for (const std::string& app : options.app) read.push_back({"--app", app});
  read.push_back({"--data", options.data});
  read.push_back({"--uart", options.uart});
  for (const std::string& config : options.configs) read.push_back({"--config", config});
  for (const std::string& labels : options.labels) read.push_back({"--labels", labels});
  for (const NamedFile& file : options.stream.read()) read.push_back(file);
  options.output.check({{"--bitstream", options.bitstream}}, read);
  if ((options.system.target == "sim") != options.bitstream.empty())
    throw_error("--bitstream, --target ulx3s: each needs the other");
  if (is_ibex(options) && (options.netlist || !options.bitstream.empty()))
    throw_error(
        "--cpu ibex: allowed only in simulations, because Yosys cannot read its SystemVerilog");
  if (!options.out.empty()) check_writable_folder(options.out);
}

constexpr std::uint64_t kAppCycles = 2'000'000'000;

/// Returns a limit far above the cycles of reset, checksum, copies and the machine.
std::uint64_t cycles_for(const std::vector<soc::Model>& models, int cases) {
  std::uint64_t cycles = models.empty() ? kAppCycles : 20'000'000;
  for (const soc::Model& model : models)
    cycles += 200 * model.image.size() +
              static_cast<std::uint64_t>(cases) * 200 * std::uint64_t{model.expected_cycles};
  return cycles;
}

/// A job with checked options, ready to be built.
struct Job {
  const SocArguments& options;
  std::vector<Machine> machines;
  std::vector<soc::Model> models;
  std::vector<fs::path> designs;
  soc::SystemOptions system;
  soc::FirmwareOptions firmware;
  fs::path out;
};

Job make_job(const SocArguments& options, const fs::path& out) {
  Job job{options, {}, {}, {}, options.system, {}, out};
  for (std::size_t i = 0; i < options.configs.size(); ++i) {
    job.machines.push_back(make_machine(options, i));
    if (options.app.empty())
      job.models.push_back(model_of(job.machines[i], i < options.labels.size()
                                                         ? read_labels(options.labels[i])
                                                         : std::vector<std::string>{}));
    job.designs.push_back(out / fmt::format("machine{}", i));
    gen::generate(job.machines[i].config, job.designs[i], job.machines[i].prefix);
  }
  const std::size_t output_bytes = largest_output(job.machines);
  job.system.sram_kib = kSramKib + static_cast<int>(output_bytes / 1024);
  if (options.app.empty())
    size_memories(job.machines, job.models, options.netlist || options.system.target != "sim",
                  job.system);
  else
    job.system.models_kib = kib_for(options.data.empty() ? 0 : fs::file_size(options.data), false);
  job.system.faults = !options.fault.empty();
  job.system.python = Python(options.python, requirements_of(options), options.output).program();
  job.firmware.app.assign(options.app.begin(), options.app.end());
  job.firmware.data = options.data;
  job.firmware.cases = static_cast<int>(job.machines[0].inputs.size());
  job.firmware.output_bytes = static_cast<int>(output_bytes);
  job.firmware.cache_hooks = !options.no_cache_hooks;
  if (!options.fault.empty()) {
    const Fault& fault = faults().at(options.fault);
    job.firmware.fault = fault.bus;
    if (fault.damage != nullptr) fault.damage(job.models[0].image);
  }
  return job;
}

/// Returns the system with the firmware in its memories. A first build provides the addresses.
soc::System system_with_firmware(const Job& job) {
  soc::SystemOptions with_firmware = job.system;
  with_firmware.firmware = job.out / "firmware";
  const soc::System empty = soc::build_system(job.designs, job.system, job.out / "system");
  soc::build_firmware(empty, job.designs[0], job.designs.size(), job.models, job.firmware,
                      with_firmware.firmware);
  return soc::build_system(job.designs, with_firmware, job.out / "system");
}

/// Builds the program that simulates the system, in the folder job.out / "firmware".
fs::path build_simulation(const Job& job) {
  const bool quiet = job.options.output.quiet;
  if (!job.options.netlist) {
    const soc::System system = soc::build_system(job.designs, job.system, job.out / "system");
    soc::build_firmware(system, job.designs[0], job.designs.size(), job.models, job.firmware,
                        job.out / "firmware");
    return soc::build_simulation(system, quiet);
  }
  const soc::System system = system_with_firmware(job);
  Progress progress("netlist", quiet);
  soc::map_system(system, [&](const std::string& state) { progress.update(state); });
  return soc::build_netlist_simulation(system, quiet);
}

int simulate(const Job& job) {
  const Output& output = job.options.output;
  const fs::path program = build_simulation(job);
  Console console(output);
  Stopwatch watch;
  const int code =
      soc::simulate(program, job.out / "firmware", cycles_for(job.models, job.firmware.cases),
                    job.options.uart, [&](std::string_view text) { console.take(text); });
  if (code == soc::kOutOfTime) throw_error("the firmware did not end in time");
  Json json = console.json();
  json["firmware_exit_code"] = code;
  json["sim_seconds"] = watch.seconds();
  if (code != 0 || !job.options.app.empty()) {
    output.write_json(json, &job.machines[0].config);
    return code != 0 ? kWrongResult : kSuccess;
  }
  bool exact = true;
  for (std::size_t i = 0; i < job.machines.size(); ++i) {
    const std::string difference = difference_of(job.machines[i], console.outputs(i));
    if (difference.empty()) continue;
    exact = false;
    fmt::print(stderr, "{}: differs from the golden reference: {}\n", job.options.models[i],
               difference);
  }
  output.print(fmt::format("{} in {:.1f} s\n", exact ? "equal to the host, bit for bit" : "WRONG",
                           watch.seconds()));
  json["exact"] = exact;
  json["cases"] = job.firmware.cases;
  output.write_json(json, &job.machines[0].config);
  return exact ? kSuccess : kWrongResult;
}

std::string board_text(const synth::FpgaReport& fpga, double clock_mhz) {
  std::string text = fmt::format("{:.1f} MHz, {:g} MHz requested\n", fpga.mhz, clock_mhz);
  for (const auto& [type, use] : fpga.utilization)
    text += fmt::format("  {:<14} {:>8} of {}\n", type, grouped(use.first), grouped(use.second));
  return text;
}

Json board_json(const synth::FpgaReport& fpga) {
  Json json{{"mhz", fpga.mhz}};
  for (const auto& [type, use] : fpga.utilization)
    json["utilization"][type] = {use.first, use.second};
  return json;
}

int make_bitstream(const Job& job) {
  const SocArguments& options = job.options;
  const soc::System system = system_with_firmware(job);
  Progress progress(fmt::format("{}: bitstream", options.system.target), options.output.quiet);
  const synth::FpgaReport fpga = soc::build_bitstream(
      system, job.system.python, [&](const std::string& state) { progress.update(state); });
  write_file(options.bitstream, read_text(system.folder / "gateware" / "trine_soc.bit"));
  write_file(options.bitstream + ".NOTICE", read_text(system.folder / "NOTICE"));
  options.output.print(board_text(fpga, options.system.clock_mhz));
  options.output.write_json(board_json(fpga), &job.machines[0].config);
  if (fpga.mhz >= options.system.clock_mhz) return kSuccess;
  fmt::print(stderr, "{}: does not reach its clock; lower --clock-mhz\n", options.bitstream);
  return kWrongResult;
}

int run(const SocArguments& options) {
  check(options);
  const TemporaryFolder scratch(fs::temp_directory_path());
  const Job job =
      make_job(options, options.out.empty() ? scratch.path() : fs::absolute(options.out));
  return options.bitstream.empty() ? simulate(job) : make_bitstream(job);
}

/// @param per_line  0: all on one line
std::string fault_names(int per_line = 0) {
  std::string names;
  int count = 0;
  for (const auto& [name, fault] : faults()) {
    if (count > 0) names += per_line > 0 && count % per_line == 0 ? ",\n" : ", ";
    names += name;
    ++count;
  }
  return names;
}

}  // namespace

void add_soc(Command app, Action& action) {
  const auto [command, options] = add_command<SocArguments>(
      app, action, "soc", "put the machine into a RISC-V system and run a model there", run);
  add_value(command, "--config C", options->configs,
            "configuration file (.toml) or preset, one for each model")
      ->required()
      ->allow_extra_args(false);
  add_value(command, "--set key=value", options->settings, "change one key of all configurations")
      ->allow_extra_args(false);
  add_value(command, "MODEL", options->models,
            "model (.tflite, .onnx, .tosa); two: one for each machine");
  declare_shape(command, options->shapes);
  add_value(command, "--app F.c", options->app,
            "firmware of your own instead of models, with firmware/board.h")
      ->allow_extra_args(false);
  add_value(command, "--data F", options->data, "bytes for the firmware: soc_data of board.h");
  add_value(command, "--uart F", options->uart,
            "bytes that the firmware's UART receives, as fast as it reads them");
  add_value(command, "--main-kib N", options->system.main_kib, "main memory of the firmware (1024)")
      ->check(range(64, 65536));
  add_value(command, "--input,-i X.npy", options->inputs,
            "NumPy file of an input, in order; random codes, seeded, if absent")
      ->allow_extra_args(false);
  add_value(command, "--vectors DIR", options->vectors, "inputs of these recorded cases");
  add_value(command, "--cases N", options->cases,
            "number of cases, run one after the other (1; with a stream: all)")
      ->check(range(1, 1000));
  options->stream.declare(command);
  add_value(command, "--labels F.txt", options->labels,
            "names of the classes, one per line; one file for each model, in order")
      ->allow_extra_args(false);
  add_value(command, "--cpu NAME", options->system.cpu,
            "processor, by LiteX's name: vexriscv, picorv32, ibex, ... (vexriscv)");
  add_value(command, "--cpu-variant V", options->system.variant,
            "variant of the processor (LiteX's default)");
  command.add_flag("--sdram", options->system.sdram,
                   "main memory in SDRAM (LiteDRAM, L2 cache) instead of on the chip");
  add_value(command, "--target T", options->system.target,
            "sim: a simulation; ulx3s: the board, needs --bitstream (sim)")
      ->check(one_of({"sim", "ulx3s"}));
  add_value(command, "--bitstream F.bit", options->bitstream,
            "write the board's bitstream and F.bit.NOTICE; takes half an hour");
  add_value(command, "--clock-mhz F", options->system.clock_mhz, "clock of the board (40)")
      ->check(range(1.0, 200.0));
  command.add_flag("--netlist", options->netlist,
                   "simulate the netlist that Yosys makes for ECP5; takes minutes");
  add_value(command, "--fault F", options->fault, "fault to inject: " + fault_names(4))
      ->check(checked([](const std::string& name) {
        return faults().contains(name) ? std::string()
                                       : fmt::format("'{}', allowed: {}", name, fault_names());
      }));
  command.add_flag("--no-cache-hooks", options->no_cache_hooks,
                   "leave the driver's cache hooks empty: outputs are stale");
  add_value(command, "--out,-o DIR", options->out,
            "folder for designs, system and firmware (removed afterwards)");
  options->python.declare(command);
  options->output.declare(command);
  command.footer(
      "LiteX makes the system (components/soc/requirements.txt, installed on first use), and\n"
      "riscv64-unknown-elf-gcc with picolibc compiles the firmware. Verilator runs both. Exit\n"
      "code 1: the firmware failed, or its output differs from that of the golden layers.\n\n"
      "Examples:\n"
      "  trine soc --config edge64 models/lenet_mnist.tflite --vectors models/lenet_mnist/vectors\n"
      "  trine soc --config edge64 --cpu picorv32 models/plus_filter.tflite --out out/soc\n"
      "  trine soc --config edge64 --set array.activations16=true LSTM.tflite --stream frames.npy\n"
      "  trine soc --config edge64 --app my_firmware.c --data weights.bin --main-kib 4096\n"
      "  trine soc --config edge64 --config edge32 DIGITS.tflite KEYWORDS.tflite\n"
      "  trine soc --config edge32 --target ulx3s models/lenet_mnist.tflite --bitstream "
      "digits.bit");
}

}  // namespace trine::cli
