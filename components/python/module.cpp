// SPDX-License-Identifier: Apache-2.0
//
// trine._core provides the commands to the Python package. Arrays are passed as (NumPy's code,
// shape, bytes), reports as JSON, so that no other package's binary interface is needed. Users see
// components/python/trine/__init__.py.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <tuple>
#include <utility>
#include <variant>

#include "gen/generate.h"
#include "sim/arch/simulate.h"
#include "spec/schema.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/root.h"
#include "sw/compiler/compiler.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/model/graph/elements.h"
#include "sw/model/onnx/read/constant.h"
#include "sw/program/host.h"
#include "sw/reference/golden.h"
#include "synth/stages.h"
#include "synth/synthesize.h"
#include "tools/cli/measure/estimate.h"
#include "tools/cli/run/check.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/report.h"
#include "tools/cli/run/session.h"
#include "tools/estimate/transformers.h"
#include "tools/random/malformed_words.h"
#include "tools/random/random_program.h"

namespace trine::python {
namespace {
namespace py = pybind11;

/// Decodes a name, which a model may give in any bytes.
py::str text_of(std::string_view text) {
  return py::reinterpret_steal<py::str>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace"));
}

/// An array as it is passed: code, shape, bytes.
using Parts = std::tuple<std::string, std::vector<std::int64_t>, py::bytes>;
using PartsOut = std::tuple<std::string, std::vector<std::int64_t>, py::bytearray>;

std::vector<std::uint8_t> bytes_of(const py::bytes& bytes) {
  const std::string_view view = bytes;
  return {view.begin(), view.end()};
}

Array array_of(const Parts& parts) {
  return {std::get<0>(parts), std::get<1>(parts), bytes_of(std::get<2>(parts))};
}

std::vector<Array> arrays_of(const std::vector<Parts>& all) {
  std::vector<Array> arrays;
  for (const Parts& parts : all) arrays.push_back(array_of(parts));
  return arrays;
}

py::bytes bytes_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

py::bytes bytes_of(const std::vector<isa::Word>& words) {
  return {reinterpret_cast<const char*>(words.data()), sizeof(isa::Word) * words.size()};
}

std::vector<isa::Word> words_of(const py::bytes& bytes) {
  const std::string_view view = bytes;
  std::vector<isa::Word> words(view.size() / sizeof(isa::Word));
  std::memcpy(words.data(), view.data(), sizeof(isa::Word) * words.size());
  return words;
}

PartsOut parts_of(const Array& array) {
  return {array.dtype, array.shape,
          py::bytearray(reinterpret_cast<const char*>(array.bytes.data()), array.bytes.size())};
}

/// Ends a long run if Python received Ctrl-C.
void check_signals() {
  const py::gil_scoped_acquire lock;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

Json edge_json(const model::Tensor& t) {
  return {{"name", t.name},
          {"dtype", model::npy_code(t.type)},
          {"shape", t.shape},
          {"scale", t.scale()},
          {"zero_point", t.zero_point()}};
}

Json edge_json(const compiler::TensorLayout& t) {
  return {{"name", t.name},
          {"dtype", "i1"},
          {"shape", t.extents},
          {"scale", t.scale},
          {"zero_point", t.zero_point}};
}

/// Describes the inputs or outputs of a network.
Json edges(const cli::Network& network, bool inputs) {
  Json list = Json::array();
  if (const model::Graph* graph = cli::edge_graph(network, inputs)) {
    for (const int t : inputs ? graph->inputs : graph->outputs)
      list.push_back(edge_json(graph->tensor(t)));
    return list;
  }
  const compiler::Program& program =
      inputs ? network.program : *compiler::segments(network.program).back();
  for (const compiler::TensorLayout& t : inputs ? program.inputs : program.outputs)
    list.push_back(edge_json(t));
  return list;
}

/// Returns the figures of one run, for the arrays of counters.
Json counters(const sim::RunResult& run) {
  Json row;
  row["cycles"] = run.cycles;
  row["dram_bytes_read"] = run.dram_bytes_read;
  row["dram_bytes_written"] = run.dram_bytes_written;
  row["fetched_bytes"] = run.fetched_bytes;
  for (std::size_t i = 0; i < run.causes.size(); ++i)
    row[std::string(csr::kCauses[i].name)] = run.causes[i];
  for (std::size_t e = 0; e < run.engine_busy.size(); ++e)
    row[fmt::format("{}_busy", isa::kEngineNames[e])] = run.engine_busy[e];
  return row;
}

std::string reported(const Json& json, const spec::Config& config) {
  return json_text(cli::with_configuration(json, &config));
}

void check_range(const char* name, int value, int low, int high) {
  if (value < low || value > high)
    throw_error("trine: {}: {}, allowed {}..{}", name, value, low, high);
}

using VectorParts = std::pair<std::vector<Parts>, std::vector<Parts>>;

/// Returns a case for each pair of inputs and outputs.
reference::VectorSet vectors_of(const std::vector<VectorParts>& cases) {
  reference::VectorSet set;
  set.file = "vectors";
  for (const VectorParts& one : cases) {
    reference::VectorCase& made = set.cases.emplace_back();
    made.id = fmt::format("case{}", set.cases.size() - 1);
    made.inputs = arrays_of(one.first);
    made.outputs = arrays_of(one.second);
  }
  return set;
}

/// JSON, text, faults.
using Verified = std::tuple<std::string, py::str, std::vector<py::str>>;

/// @param backend  that executed the program
Verified verified(const cli::Verification& v, const compiler::Program& program,
                  const std::string& backend, const spec::Config& config) {
  const py::gil_scoped_acquire lock;
  std::vector<py::str> faults;
  for (const std::string& fault : v.faults) faults.push_back(text_of(fault));
  return {reported(v.json, config), text_of(cli::to_text(program, v.execution, backend) + v.text),
          faults};
}

/// A compiled model.
class Program {
 public:
  Program(const std::vector<std::uint8_t>& bytes, const cli::NetworkOptions& options,
          const spec::Config& config)
      : session_(bytes, options, config), network_(session_.network()) {}

  std::string description() const {
    Json json{{"name", network_.program.name}, {"macs", network_.program.macs()}};
    json["kept"] = network_.kept;
    json["inputs"] = edges(network_, true);
    json["outputs"] = edges(network_, false);
    json["layers"] = Json::array();
    for (const compiler::Program* segment : compiler::segments(network_.program))
      for (const compiler::ProgramLayer& layer : segment->layers)
        json["layers"].push_back({{"name", layer.name},
                                  {"op", layer.op},
                                  {"macs", layer.macs},
                                  {"placement", layer.placement}});
    json["host"] = cli::host_json(network_.program);
    return json_text(json);
  }

  py::str disassembly() const {
    std::string text;
    for (const compiler::Program* segment : compiler::segments(network_.program))
      text += compiler::disassemble(*segment);
    return text_of(text);
  }

  py::bytes serialized() const { return compiler::serialize(network_.program); }

  /// Runs one vector after the other. @return the outputs of each, JSON report, JSON counters, text
  auto run(const std::vector<std::vector<Parts>>& vectors, const cli::BackendOptions& backend) {
    std::vector<std::vector<Array>> inputs, outputs;
    for (const std::vector<Parts>& one : vectors) {
      inputs.push_back(arrays_of(one));
      session_.check_inputs(inputs.back());
    }
    cli::Execution execution;
    execution.checked = false;
    execution.why_not = "trine.verify does";
    Json rows = Json::array();
    {
      const py::gil_scoped_release unlocked;
      const cli::Stopwatch watch;
      for (const std::vector<Array>& one : inputs) {
        sim::RunResult result = session_.run(one, backend);
        outputs.push_back(result.outputs);
        rows.push_back(counters(result));
        execution.add(std::move(result), true);
        check_signals();
      }
      execution.seconds = watch.seconds();
    }
    std::vector<std::vector<PartsOut>> parts(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i)
      for (const Array& array : outputs[i]) parts[i].push_back(parts_of(array));
    return std::make_tuple(
        parts, json_text(cli::to_json(network_.program, execution, backend.backend)),
        json_text(rows), text_of(cli::to_text(network_.program, execution, backend.backend)));
  }

  Verified verify(const std::vector<VectorParts>& cases, const cli::BackendOptions& backend,
                  int tolerance) const {
    const reference::VectorSet vectors = vectors_of(cases);
    const py::gil_scoped_release unlocked;
    check_range("tolerance", tolerance, 0, 255);
    backend.check();
    cli::check_vectors(vectors, network_);
    return verified(
        cli::verify(network_, vectors, session_.policy(), backend, {.tolerance = tolerance}, true),
        network_.program, backend.backend, network_.program.config);
  }

  /// Returns the memory from BASE on before a run, and the program's words, which follow it.
  std::pair<py::bytes, py::bytes> image(const std::vector<Parts>& inputs) const {
    const compiler::Program& program = network_.program;
    if (compiler::segments(program).size() > 1)
      throw_error("image: {} runs in stages, with host operators in between, allowed one stage",
                  program.name);
    const std::vector<Array> arrays = arrays_of(inputs);
    session_.check_inputs(arrays);
    std::vector<std::uint8_t> dram = compiler::initial_dram(program);
    compiler::write_inputs(program, arrays, dram.data());
    return {bytes_of(dram), bytes_of(program.words)};
  }

  /// Returns the outputs from the memory after a run.
  std::vector<PartsOut> outputs_in(const py::bytes& dram) const {
    const std::vector<std::uint8_t> copy = bytes_of(dram);
    if (copy.size() < program::dram_size(network_.program))
      throw_error("outputs_in: {} bytes, {} has {}", copy.size(), network_.program.name,
                  program::dram_size(network_.program));
    std::vector<PartsOut> parts;
    for (const Array& array : compiler::read_outputs(network_.program, copy.data()))
      parts.push_back(parts_of(array));
    return parts;
  }

  /// Returns the golden layers' outputs.
  std::vector<PartsOut> golden(const std::vector<Parts>& inputs) const {
    if (!network_.graph)
      throw_error("golden: {} is a program, which contains no model", session_.options().model);
    const std::vector<Array> arrays = arrays_of(inputs);
    session_.check_inputs(arrays);
    std::vector<PartsOut> parts;
    for (const Array& array : reference::outputs_of(
             *network_.graph, reference::run_graph(*network_.graph, arrays, session_.policy())))
      parts.push_back(parts_of(array));
    return parts;
  }

 private:
  cli::Session session_;
  const cli::Network& network_;
};

/// Parses options like the command line, with its checks and messages.
template <typename Options, typename... More>
Options parsed(const std::vector<std::string>& arguments, More... more) {
  Options options;
  cli::parse_arguments(arguments, [&](cli::Command command) { options.declare(command, more...); });
  return options;
}

cli::NetworkOptions network_options(const std::string& name, const std::string& rounding,
                                    const std::string& lstm, bool allow_host,
                                    const std::vector<std::string>& host,
                                    const std::vector<std::string>& shapes) {
  auto options = parsed<cli::NetworkOptions>(
      {"--config=-", "--rounding=" + rounding, "--lstm=" + lstm, "--", "-"});
  options.model = name;
  options.allow_host = allow_host;
  options.host = host;
  options.shapes = shapes;
  return options;
}

std::unique_ptr<Program> compile(const py::bytes& bytes, const std::string& name,
                                 const spec::Config& config, const std::string& rounding,
                                 const std::string& lstm, bool allow_host,
                                 const std::vector<std::string>& host, bool keep_tensors,
                                 const std::vector<std::string>& shapes) {
  cli::NetworkOptions options = network_options(name, rounding, lstm, allow_host, host, shapes);
  options.keep_tensors = keep_tensors;
  const std::vector<std::uint8_t> copy = bytes_of(bytes);
  const py::gil_scoped_release unlocked;
  return std::make_unique<Program>(copy, options, config);
}

std::string generate(const spec::Config& config, const std::string& out, const std::string& prefix,
                     const std::string& kit) {
  const py::gil_scoped_release unlocked;
  gen::generate(config, out, prefix);
  if (!kit.empty()) gen::generate_kit(config, kit, prefix);
  return reported(cli::design_json(config, out, prefix), config);
}

std::string estimate(const py::bytes& bytes, const std::string& name, const spec::Config& config,
                     const std::string& rounding, const std::vector<std::string>& shapes) {
  const std::vector<std::uint8_t> copy = bytes_of(bytes);
  const py::gil_scoped_release unlocked;
  const cli::NetworkOptions options = network_options(name, rounding, "auto", false, {}, shapes);
  return reported(cli::to_json(cli::estimate_of(copy, options, {}, {}, config)), config);
}

std::string estimate_table(const std::string& table, int tokens, int context,
                           const spec::Config& config) {
  const py::gil_scoped_release unlocked;
  check_range("tokens", tokens, 1, 8191);
  check_range("context", context, 0, 8191);
  const estimate::Estimate e = estimate::of_transformer(estimate::transformer(table), tokens,
                                                        context > 0 ? context : tokens, config);
  const cli::EnergyReport energy = cli::energy_report(e, config, {}, cli::EnergyOptions{}.read());
  return reported(cli::to_json(e, energy, config), config);
}

std::pair<std::string, std::string> synthesize(const spec::Config& config,
                                               const std::string& target,
                                               const std::string& liberty,
                                               const std::string& macros,
                                               const std::string& netlist, bool timing,
                                               const std::string& wire_load, int jobs) {
  const py::gil_scoped_release unlocked;
  check_range("jobs", jobs, 1, 256);
  synth::SynthOptions options;
  options.stages = &synth::all_stages();
  options.target = synth::parse_target(target);
  options.liberty = liberty;
  options.macros = macros;
  options.netlist = netlist;
  options.timing = timing;
  options.wire_load = synth::parse_wire_load(wire_load);
  options.jobs = jobs;
  const synth::SynthReport report = synth::synthesize(config, options);
  return {reported(synth::to_json(report), config), synth::to_text(report)};
}

/// Evaluates an ONNX file without inputs on the host. @return its outputs
std::vector<PartsOut> evaluate(const py::bytes& bytes, const std::string& name) {
  namespace onnx = model::onnx_file;
  std::vector<PartsOut> parts;
  for (const onnx::ConstantPointer& c : onnx::evaluate_file(onnx::parse(bytes_of(bytes), name)))
    parts.push_back(parts_of(Array{std::string(model::npy_code(c->type)),
                                   {c->shape.begin(), c->shape.end()},
                                   model::bytes_as(c->type, c->values)}));
  return parts;
}

Verified verify(const py::bytes& bytes, const std::string& name, const spec::Config& config,
                const std::string& folder, const cli::BackendOptions& backend,
                const std::string& rounding, const std::string& lstm, bool allow_host,
                const std::vector<std::string>& host, int tolerance,
                const std::vector<std::string>& shapes) {
  const std::vector<std::uint8_t> copy = bytes_of(bytes);
  const py::gil_scoped_release unlocked;
  check_range("tolerance", tolerance, 0, 255);
  backend.check();
  const cli::NetworkOptions options =
      network_options(name, rounding, lstm, allow_host, host, shapes);
  const reference::VectorSet vectors = reference::read_vectors(folder);
  const cli::Network network = cli::load_network(vectors, copy, options, config);
  return verified(cli::verify(network, vectors, options.policy(vectors.policy), backend,
                              {.tolerance = tolerance}, true),
                  network.program, backend.backend, config);
}

/// Returns random words of all engines and the memory that they read, from BASE on; the words
/// follow the memory.
std::pair<py::bytes, py::bytes> random_program(const spec::Config& config, unsigned seed,
                                               int instructions) {
  check_range("instructions", instructions, 0, 10000);
  const fuzz::RandomProgram made = fuzz::random_program(config, seed, instructions);
  return {bytes_of(made.dram), bytes_of(made.program.words)};
}

py::bytes malformed_words(const spec::Config& config, const py::bytes& legal, unsigned n) {
  const std::vector<isa::Word> words = words_of(legal);
  if (words.size() < 3) throw_error("malformed: {} words, allowed 3 or more", words.size());
  return bytes_of(fuzz::malformed_words(words, config.features(), n));
}

/// Executes any words on the architecture simulator. @return the memory afterwards, JSON
std::pair<py::bytes, std::string> execute(const spec::Config& config, const py::bytes& dram,
                                          const py::bytes& words, std::uint64_t cycles_limit) {
  std::vector<std::uint8_t> memory = bytes_of(dram);
  compiler::Program program;
  program.config = config;
  program.config_hash = config.hash();
  program.name = "program";
  program.words = words_of(words);
  program.dram_bytes = static_cast<std::int64_t>(memory.size());
  program.layers.push_back({"all", "", 0, ""});
  program.run_layer.resize(program.words.size());
  sim::ArchOptions options;
  options.cycles_limit = cycles_limit;
  const sim::Ending ending = sim::run_any(program, memory, options);
  const Json json{{"cause", ending.cause},
                  {"refused", ending.refused},
                  {"text", ending.text},
                  {"word", ending.word},
                  {"cycles", ending.result.cycles},
                  {"bytes_read", ending.result.dram_bytes_read},
                  {"bytes_written", ending.result.dram_bytes_written},
                  {"causes", ending.result.causes},
                  {"busy", ending.result.engine_busy}};
  return {bytes_of(memory), json_text(json)};
}

cli::BackendOptions backend_options(const std::vector<std::string>& arguments) {
  return parsed<cli::BackendOptions>(arguments, false);
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.attr("version") = TRINE_VERSION;
  static py::exception<Error> error_type(m, "Error");
  error_type.attr("__module__") = "trine";
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& error) {
      PyErr_SetObject(error_type.ptr(), text_of(error.what()).ptr());
    }
  });
  m.def("set_root", [](const std::string& root) { set_project_root(root); });
  py::class_<spec::Config>(m, "Config")
      .def(py::init([](const std::string& name, const std::vector<std::string>& settings) {
        return spec::load_config(name, settings);
      }))
      .def("keys", [](const spec::Config& c) { return json_text(spec::all_keys(c)); })
      .def("hash", [](const spec::Config& c) { return c.hash(); })
      .def("identity", [](const spec::Config& c) { return c.identity(); });
  m.def("read_file", [](const std::string& path) {
    const std::vector<std::uint8_t> bytes = read_file(path);
    return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  });
  m.def("write_file", [](const std::string& path, const py::bytes& bytes) {
    write_file(path, std::string_view(bytes));
  });
  m.def("presets", &spec::preset_names);
  py::class_<cli::BackendOptions>(m, "Backend").def(py::init(&backend_options));
  py::class_<Program>(m, "Program")
      .def("description", &Program::description)
      .def("disassembly", &Program::disassembly)
      .def("serialized", &Program::serialized)
      .def("run", &Program::run)
      .def("golden", &Program::golden)
      .def("image", &Program::image)
      .def("outputs_in", &Program::outputs_in)
      .def("verify", &Program::verify);
  m.def("compile", &compile);
  m.def("evaluate", &evaluate);
  m.def("evaluates", &host::onnx::evaluates);
  m.def("random_program", &random_program);
  m.def("malformed_words", &malformed_words);
  m.def("execute", &execute);
  m.def("generate", &generate);
  m.def("estimate", &estimate);
  m.def("estimate_table", &estimate_table);
  m.def("synthesize", &synthesize);
  m.def("verify", &verify);
}

}  // namespace trine::python
