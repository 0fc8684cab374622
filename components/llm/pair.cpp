// SPDX-License-Identifier: Apache-2.0

#include "components/llm/pair.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <set>
#include <sstream>

#include "sim/arch/simulate.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/compiler/compiler.h"
#include "sw/model/import/import.h"
#include "sw/program/host.h"
#include "tools/cli/measure/energy_report.h"
#include "tools/cli/run/rate.h"
#include "tools/cli/run/report.h"
#include "tools/cli/run/stream.h"

namespace trine::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEndings[] = {".onnx", ".tflite", ".tosa"};

/// Returns the network of that name, in any format. @return "" if there is none
std::string network_file(const fs::path& folder, const std::string& name) {
  std::vector<std::string> found;
  for (const char* ending : kEndings)
    if (fs::is_regular_file(folder / (name + ending)))
      found.push_back((folder / (name + ending)).string());
  if (found.size() > 1)
    throw_error("{}: {} are alternatives, allowed only one of them", folder.string(),
                fmt::join(found, " and "));
  return found.empty() ? "" : found[0];
}

/// The symbols of symbols.txt, one per line; the first pads a line, the second begins and ends a
/// text.
class Symbols {
 public:
  static constexpr int kFill = 0, kEnd = 1;

  explicit Symbols(const std::string& file) : file_(file) {
    std::istringstream lines(read_text(file));
    for (std::string line; std::getline(lines, line);) {
      if (line.empty())
        throw_error("{}: line {} is empty, allowed a symbol", file, texts_.size() + 1);
      texts_.push_back(line);
    }
    if (texts_.size() < 3)
      throw_error("{}: {} symbols, allowed 3 or more: one that pads, one that ends a text, ...",
                  file, texts_.size());
  }

  /// Encodes the longest symbol at each place. @throws Error  there is none
  std::vector<int> encode(const std::string& text) const {
    std::vector<int> result;
    for (std::size_t at = 0; at < text.size();) {
      std::size_t best = 0;
      for (std::size_t i = 2; i < texts_.size(); ++i)
        if (text.compare(at, texts_[i].size(), texts_[i]) == 0 &&
            (best == 0 || texts_[i].size() > texts_[best].size()))
          best = i;
      if (best == 0) throw_error("--prompt: {} has no symbol for '{}'", file_, text.substr(at));
      result.push_back(static_cast<int>(best));
      at += texts_[best].size();
    }
    return result;
  }

  const std::string& text(std::int64_t symbol) const {
    static const std::string none;
    return symbol > kEnd && symbol < size() ? texts_[static_cast<std::size_t>(symbol)] : none;
  }
  std::int64_t size() const { return std::ssize(texts_); }

 private:
  std::string file_;
  std::vector<std::string> texts_;
};

bool is_whole(const model::Graph& graph, int tensor) {
  const model::DataType type = graph.tensor(tensor).type;
  return type == model::DataType::kInt32 || type == model::DataType::kInt64;
}

/// Returns whole numbers as an input.
Array numbers_of(const model::Tensor& tensor, const std::vector<int>& numbers) {
  Array array{
      std::string(model::npy_code(tensor.type)), {tensor.shape.begin(), tensor.shape.end()}, {}};
  const std::size_t size = array.element_bytes();
  array.bytes.resize(size * static_cast<std::size_t>(array.elements()));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = static_cast<std::int64_t>(numbers[i]);
    std::memcpy(&array.bytes[i * size], &number, size);  // little endian
  }
  return array;
}

/// The output of a run, and the meaning of its codes.
struct Given {
  Array array;
  model::Quantization quantization;  ///< without scale: the values themselves
};

std::vector<Given> given_by(const model::Graph& graph, std::vector<Array> outputs) {
  std::vector<Given> given;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    given.push_back({std::move(outputs[i]), graph.tensor(graph.outputs[i]).quantization});
  return given;
}

template <typename T>
void append(Array& array, double value) {
  const auto element = static_cast<T>(value);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&element);
  array.bytes.insert(array.bytes.end(), bytes, bytes + sizeof element);
}

template <typename T>
void append_code(Array& array, double value, const model::Tensor& to) {
  const double code = std::nearbyint(value / to.scale()) + to.zero_point();
  append<T>(array,
            std::clamp<double>(code, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

/// Converts to the input's codes, half to even, like ONNX's quantizer; an input without codes keeps
/// the values.
Array as_input(const Given& given, const model::Tensor& to) {
  const auto& [scales, zero_points, axis] = given.quantization;
  const bool is_code = !scales.empty();
  const double scale = is_code ? scales[0] : 1;
  const auto zero_point = static_cast<double>(is_code ? zero_points.at(0) : 0);
  const bool same = !is_code || (scale == to.scale() && zero_point == to.zero_point());
  const bool has_codes =
      (to.type == model::DataType::kInt8 || to.type == model::DataType::kInt16) && to.scale() > 0;
  if (given.array.dtype == model::npy_code(to.type) && same) return given.array;
  if (to.type != model::DataType::kFloat32 && !has_codes) return given.array;
  Array array{std::string(model::npy_code(to.type)), given.array.shape, {}};
  for (std::size_t i = 0; i < static_cast<std::size_t>(array.elements()); ++i) {
    const double value = scale * (given.array.value(i) - zero_point);
    if (to.type == model::DataType::kFloat32)
      append<float>(array, value);
    else if (to.type == model::DataType::kInt8)
      append_code<std::int8_t>(array, value, to);
    else
      append_code<std::int16_t>(array, value, to);
  }
  return array;
}

/// Returns an array of 0, or of the code of 0.
Array zeros_of(const model::Tensor& tensor) {
  Array array{
      std::string(model::npy_code(tensor.type)), {tensor.shape.begin(), tensor.shape.end()}, {}};
  const bool is_code = array.element_bytes() == 1;
  array.bytes.assign(byte_count(array),
                     is_code ? static_cast<std::uint8_t>(tensor.zero_point() & 0xff) : 0);
  return array;
}

/// Runs a network of the folder on the machine and through the golden layers. All its programs use
/// the same memory.
class Machine {
 public:
  Machine(const spec::Config* config, const BackendOptions& backend, bool quiet)
      : config_(config), backend_(backend), quiet_(quiet) {}

  /// @return the outputs of the golden layers. @param difference  between them and the machine, "":
  /// none
  std::vector<Array> run(const model::Graph& graph, const std::vector<Array>& inputs,
                         std::string& difference) {
    std::vector<Array> golden =
        reference::outputs_of(graph, reference::run_graph(graph, inputs, reference::kDoublePolicy));
    if (config_ == nullptr) return golden;
    compiler::CompileOptions options;
    options.host = compiler::HostPart::kEnd;
    program_ = compiler::compile(graph, *config_, options);
    put(graph, inputs);
    sim::ArchOptions arch;
    arch.bus = backend_.bus();
    result_ = backend_.backend == "arch"
                  ? sim::run_arch_dram(program_, dram_, arch)
                  : sim::RtlRunner(program_, backend_.rtl(quiet_)).run_dram(dram_);
    difference = compiler::first_difference(program_,
                                            compiler::read_outputs(program_, dram_.data()), golden);
    return golden;
  }

  const compiler::Program& program() const { return program_; }
  const sim::RunResult& result() const { return result_; }

 private:
  /// Writes constants and inputs; the states are still in memory from the previous run.
  void put(const model::Graph& graph, const std::vector<Array>& inputs) {
    std::set<std::string> states;
    for (const model::State& state : graph.states)
      if (state.before >= 0) states.insert(graph.tensor(state.before).name);
    dram_.resize(compiler::dram_size(program_), 0xa5);
    std::ranges::copy(program_.image, dram_.begin() + program_.image_offset);
    const std::vector<Array> machine = compiler::machine_inputs(program_, inputs);
    for (std::size_t i = 0; i < machine.size(); ++i)
      if (!states.contains(program_.inputs[i].name))
        compiler::to_planar(machine[i].bytes.data(), program_.inputs[i], dram_.data());
  }

  const spec::Config* config_;
  const BackendOptions& backend_;
  bool quiet_;
  compiler::Program program_;
  sim::RunResult result_;
  std::vector<std::uint8_t> dram_;
};

/// The decoder. Its inputs are, in this order: the previous symbol; if there is a second whole
/// number, the count of previous symbols; the states, for each of which an output follows the
/// logits; and the outputs of the encoder.
class Decoder {
 public:
  Decoder(std::string file, const std::vector<Given>& line, std::int64_t symbols, int context)
      : file_(std::move(file)),
        bytes_(read_file(file_)),
        line_(line),
        symbols_(symbols),
        context_(context) {
    const std::vector<std::string> open = model::open_dimensions(bytes_, file_);
    if (open.size() > 1)
      throw_error("{}: the dimensions {} are open, allowed one, along which states grow", file_,
                  fmt::join(open, ", "));
    if (!open.empty()) open_ = open[0];
    if (!open_.empty()) find_growing();
  }

  /// Returns the graph for the symbol at that place.
  model::Graph graph(int place) {
    model::Graph graph = read(place);
    std::vector<model::Carry> carries = growing_;
    for (model::Carry& carry : carries)
      if (place == 0) carry.input = -1;
    return model::with_growing(std::move(graph), carries, context_);
  }

  /// @throws Error  nothing provides some of the inputs
  std::vector<Array> inputs(const model::Graph& graph, int symbol, int place) const {
    std::vector<Array> arrays;
    for (std::size_t i = 0; i < graph.inputs.size(); ++i) {
      const model::Tensor& tensor = graph.tensor(graph.inputs[i]);
      const std::size_t rest = graph.inputs.size() - i;
      const auto state = static_cast<std::int64_t>(i) - numbers_;
      if (state < 0)
        arrays.push_back(numbers_of(tensor, {i == 0 ? symbol : place}));
      else if (state < std::ssize(states_))
        arrays.push_back(as_input(states_[static_cast<std::size_t>(state)], tensor));
      else if (rest <= line_.size())
        arrays.push_back(as_input(line_[line_.size() - rest], tensor));
      else
        arrays.push_back(zeros_of(tensor));
      if (arrays.back().dtype != model::npy_code(tensor.type) ||
          !std::ranges::equal(arrays.back().shape, tensor.shape))
        throw_error("{}: input {} '{}' is {}, but the data for it are {}", file_, i, tensor.name,
                    type_and_shape(zeros_of(tensor)), type_and_shape(arrays.back()));
    }
    return arrays;
  }

  /// Returns the number of states that share one memory and are not copied.
  std::size_t growing() const { return growing_.size(); }

  /// Keeps the outputs of a run.
  void keep(const model::Graph& graph, std::vector<Array> outputs) {
    states_ = given_by(graph, std::move(outputs));
    states_.erase(states_.begin());
  }

 private:
  model::Graph read(int place) {
    model::GivenShapes shapes;
    if (!open_.empty()) shapes[open_] = {place};
    model::Graph graph = model::parse_model(bytes_, file_, true, shapes);
    numbers_ = 0;
    while (numbers_ < 2 && numbers_ < std::ssize(graph.inputs) &&
           is_whole(graph, graph.inputs[static_cast<std::size_t>(numbers_)]))
      ++numbers_;
    for (int i = 0; i < std::max(numbers_, 1); ++i) {
      const model::Tensor& number = graph.tensor(graph.inputs.at(static_cast<std::size_t>(i)));
      if (numbers_ == 0 || number.elements() != 1)
        throw_error("{}: input {} '{}' is {}, allowed one whole number: {}", file_, i, number.name,
                    type_and_shape(zeros_of(number)),
                    i == 0 ? "the previous symbol" : "the number of earlier symbols");
    }
    const model::Tensor& logits = graph.tensor(graph.outputs.at(0));
    if (logits.elements() != symbols_)
      throw_error("{}: output 0 '{}' is {}, allowed one element for each of {} symbols", file_,
                  logits.name, type_and_shape(zeros_of(logits)), symbols_);
    return graph;
  }

  /// Finds the states that share one memory; the others are copied from run to run.
  void find_growing() {
    model::Graph graph = read(1);
    std::vector<model::Carry> carries;
    for (int i = 0; i + 1 < std::ssize(graph.outputs); ++i)
      carries.push_back({numbers_ + i, 1 + i});
    graph = model::with_growing(std::move(graph), carries, context_);
    for (const model::Carry& carry : carries) {
      const int input = graph.inputs.at(static_cast<std::size_t>(carry.input));
      if (std::ranges::find(graph.states, input, &model::State::before) != graph.states.end())
        growing_.push_back(carry);
    }
  }

  std::string file_, open_;
  std::vector<std::uint8_t> bytes_;
  const std::vector<Given>& line_;
  std::int64_t symbols_;
  int context_, numbers_ = 0;
  std::vector<model::Carry> growing_;
  std::vector<Given> states_;
};

class PairText {
 public:
  PairText(const PairOptions& options, const Design& design, const BackendOptions& backend,
           const Output& output)
      : o_(options), backend_(backend), output_(output), symbols_(required("symbols.txt")) {
    if (backend_.backend != "golden") config_ = design.load();
  }

  int run() {
    const std::vector<Given> line = encode();
    Decoder decoder(required(network_file(o_.folder, "decoder"), "decoder"), line, symbols_.size(),
                    o_.context);
    growing_ = decoder.growing();
    Machine machine(config(), backend_, output_.quiet);
    int symbol = Symbols::kEnd;
    do {
      symbol = symbol_behind(symbol, decoder, machine);
      written_.push_back(symbol);
      output_.print(symbols_.text(symbol));
      text_ += symbols_.text(symbol);
      std::fflush(stdout);
    } while (symbol != Symbols::kEnd && steps_ < o_.tokens && steps_ < o_.context);
    output_.print("\n");
    figures(machine);
    output_.write_json(to_json(machine), config());
    if (difference_.empty()) return kSuccess;
    fmt::print(stderr, "{}: differs from the golden layers: {}\n", o_.folder, difference_);
    return kWrongResult;
  }

 private:
  const spec::Config* config() const { return config_ ? &*config_ : nullptr; }

  std::string required(const std::string& name) const {
    const fs::path path = fs::path(o_.folder) / name;
    if (!fs::is_regular_file(path))
      throw_error("{}: no {}, which a folder with an encoder needs (docs/encoder-decoder.md)",
                  o_.folder, name);
    return path.string();
  }

  std::string required(const std::string& file, const std::string& name) const {
    return file.empty() ? required(name + ".onnx") : file;
  }

  void note_difference(const std::string& where, const std::string& difference) {
    if (difference_.empty() && !difference.empty())
      difference_ = fmt::format("{}: {}", where, difference);
  }

  int symbol_behind(int symbol, Decoder& decoder, Machine& machine) try {
    const model::Graph graph = decoder.graph(steps_);
    std::string difference;
    std::vector<Array> outputs =
        machine.run(graph, decoder.inputs(graph, symbol, steps_), difference);
    note_difference(fmt::format("symbol {}", steps_), difference);
    cycles_ += machine.result().cycles;
    bytes_ += machine.result().dram_bytes_read + machine.result().dram_bytes_written;
    ++steps_;
    const int next = static_cast<int>(largest(outputs.at(0)).first);
    decoder.keep(graph, std::move(outputs));
    return next;
  } catch (const Error& error) {  // for example beyond the end of a table
    if (steps_ == 0) throw;
    output_.print("\n");
    flush_stdout();
    throw_error("{}; the text has {} symbols: with --context {} it ends there", error.what(),
                steps_, steps_);
  }

  /// Runs the encoder on the line.
  std::vector<Given> encode() {
    const std::string file = network_file(o_.folder, "encoder");
    const model::Graph graph = model::parse_model(read_file(file), file, true);
    if (graph.inputs.size() != 1 || !is_whole(graph, graph.inputs[0]))
      throw_error("{}: allowed only one input: whole numbers, the symbols of the line", file);
    const model::Tensor& places = graph.tensor(graph.inputs[0]);
    std::vector<int> line = symbols_.encode(o_.line);
    if (std::ssize(line) > places.elements())
      throw_error("--prompt: {} symbols, but {} has room for {}", line.size(), file,
                  places.elements());
    line.resize(static_cast<std::size_t>(places.elements()), Symbols::kFill);
    Machine machine(config(), backend_, output_.quiet);
    std::string difference;
    std::vector<Array> outputs = machine.run(graph, {numbers_of(places, line)}, difference);
    note_difference("encoder", difference);
    encoder_cycles_ = machine.result().cycles;
    return given_by(graph, std::move(outputs));
  }

  double mean() const { return static_cast<double>(cycles_) / steps_; }
  double per_second() const { return o_.clock_mhz * 1e6 / mean(); }
  double of_bus() const {
    return static_cast<double>(bytes_) / (config_->axi_data_bits / 8) /
           static_cast<double>(cycles_);
  }

  double energy(const Machine& machine) const {
    const EnergyOptions options;
    return energy_report(machine.program(), machine.result(), options, options.read()).sum.total();
  }

  void figures(const Machine& machine) const {
    flush_stdout();
    if (output_.quiet) return;
    if (written_.back() != Symbols::kEnd && steps_ == o_.context && steps_ < o_.tokens)
      fmt::print(stderr, "\nthe context of {} symbols is full (--context)\n", o_.context);
    if (!config_) {
      fmt::print(stderr, "\n{} symbols by the golden layers\n", steps_);
      return;
    }
    Execution e;
    e.add(machine.result(), difference_.empty());
    e.clock_ns = 1000 / o_.clock_mhz;
    if (o_.layers)
      fmt::print(stderr, "\n{}",
                 to_text(machine.program(), e, backend_.backend, {.details = true}));
    fmt::print(stderr,
               "\nencoder on {} ({}): {} cycles\n"
               "{} symbols: {} cycles a symbol, {:.0f} symbols/s at {:g} MHz, bus {:.1f} % busy\n"
               "last symbol: {} cycles, {} on {}\n{}",
               config_->name, backend_.backend, grouped(encoder_cycles_), steps_,
               grouped(static_cast<std::uint64_t>(mean())), per_second(), o_.clock_mhz,
               100 * of_bus(), grouped(machine.result().cycles), energy_text(energy(machine)),
               EnergyOptions().table,
               difference_.empty() ? "all outputs equal the golden layers'\n" : "");
  }

  Json to_json(const Machine& machine) const {
    Json json{{"model", o_.folder},
              {"backend", backend_.backend},
              {"steps", steps_},
              {"tokens", Json(written_)},
              {"text", text_}};
    json["growing_states"] = growing_;
    if (!config_) return json;
    json["exact"] = difference_.empty();
    json["encoder_cycles"] = encoder_cycles_;
    json["cycles"] = cycles_;
    json["last_cycles"] = machine.result().cycles;
    json["last_energy_pj"] = energy(machine);
    json["clock_mhz"] = o_.clock_mhz;
    json["tokens_per_second"] = per_second();
    return json;
  }

  const PairOptions& o_;
  const BackendOptions& backend_;
  const Output& output_;
  Symbols symbols_;
  std::optional<spec::Config> config_;
  int steps_ = 0;
  std::size_t growing_ = 0;
  std::vector<int> written_;
  std::string text_, difference_;
  std::uint64_t cycles_ = 0, encoder_cycles_ = 0, bytes_ = 0;
};

}  // namespace

bool is_pair(const std::string& model) {
  return fs::is_directory(model) && !network_file(model, "encoder").empty();
}

int run_pair(const PairOptions& options, const Design& design, const BackendOptions& backend,
             const Output& output) {
  return PairText(options, design, backend, output).run();
}

}  // namespace trine::cli
