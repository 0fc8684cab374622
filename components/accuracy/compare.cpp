// SPDX-License-Identifier: Apache-2.0
//
// trine compare: compares the golden layers with another runtime or the float model, layer by
// layer.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "components/accuracy/cases.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/model/import/import.h"
#include "sw/reference/layers.h"
#include "sw/reference/vectors/vectors.h"
#include "tools/cli/common.h"
#include "tools/cli/models/own_model.h"
#include "tools/cli/models/python.h"
#include "tools/cli/run/network.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;

struct CompareArguments {
  Output output;
  PythonOptions python;
  CaseOptions cases{4};
  std::string model, against, vectors, rounding = "auto", lstm = "auto";
  int tolerance = 0;
};

/// A layer over all cases, and the first case in which it differs.
struct Layer {
  reference::LayerRow row;
  std::string first_case;
  std::vector<std::int64_t> first_position;

  void add(const reference::LayerRow& other, const std::string& id) {
    if (row.deviation.first < 0 && other.deviation.first >= 0) {
      first_case = id;
      std::int64_t rest = other.deviation.first;
      for (std::size_t i = other.shape.size(); i-- > 0; rest /= other.shape[i])
        first_position.insert(first_position.begin(), rest % other.shape[i]);
    }
    row.deviation.add(other.deviation);
    row.signal += other.signal;
    row.noise += other.noise;
  }
  double share_equal() const {
    const auto& d = row.deviation;
    return d.elements == 0
               ? 1
               : static_cast<double>(d.elements - d.differ) / static_cast<double>(d.elements);
  }
};

/// All layers of all cases.
struct Layerwise {
  std::vector<Layer> layers;
  std::size_t cases = 0, recorded = 0;  ///< tensors recorded per case
  std::string against;                  ///< "onnxruntime 1.31.1"

  void add(const model::Graph& graph, const reference::VectorSet& vectors,
           reference::RoundingPolicy policy) {
    if (vectors.layers.empty())
      throw_error("{}: has no layers, allowed vectors recorded without --no-layers", vectors.file);
    for (const reference::CaseLayers& recorded_layers : vectors.layers)
      add(graph, vectors.cases.at(recorded_layers.number), recorded_layers.tensors, policy);
    against = vectors.package.empty() ? "recorded layers" : vectors.package + " " + vectors.version;
  }

  void add(const model::Graph& graph, const reference::VectorCase& one,
           const std::vector<reference::LayerVector>& tensors, reference::RoundingPolicy policy) {
    const auto values = reference::run_graph(graph, one.inputs, policy);
    const auto rows = reference::layer_rows(graph, values, tensors);
    if (cases++ == 0)
      for (const reference::LayerRow& row : rows) {
        layers.push_back({row, "", {}});
        layers.back().row.deviation = {};
        layers.back().row.signal = layers.back().row.noise = 0;
      }
    for (std::size_t i = 0; i < rows.size() && i < layers.size(); ++i)
      layers[i].add(rows[i], one.id);
    recorded = tensors.size();
  }

  /// Returns the first layer that differs, and the one that differs most; null if all are equal.
  const Layer* first() const {
    for (const Layer& layer : layers)
      if (layer.row.deviation.differ > 0) return &layer;
    return nullptr;
  }
  const Layer* worst() const {
    const Layer* found = first();
    for (const Layer& layer : layers)
      if (layer.row.deviation.differ > 0 && layer.row.snr_db() < found->row.snr_db())
        found = &layer;
    return found;
  }
  /// Returns true if the recorded tensors contain more of the model than its inputs.
  bool has_layers() const {
    return std::ranges::any_of(layers, [](const Layer& layer) { return !layer.row.is_input; });
  }
  double largest() const {
    double most = 0;
    for (const Layer& layer : layers) most = std::max(most, layer.row.deviation.largest);
    return most;
  }
};

/// Returns true if MODEL is run by the helpers' runtime instead of the float model.
bool by_runtime(const std::string& against) { return against.empty() || is_runtime(against); }

/// Records the layers of all cases.
/// @param scratch  for user data, converted to inputs of the model
/// @throws Error
void record(const CompareArguments& options, const fs::path& folder, const fs::path& scratch) {
  const std::string_view runtime = toolkit_of(options.model).runtime;
  if (!options.against.empty() && options.against != runtime && is_runtime(options.against))
    throw_error("--against: {} does not run {}, allowed {}, or the float model", options.against,
                options.model, runtime);
  std::vector<std::string> arguments{options.model, "--out", folder.string(), "--layers-of", "all"};
  if (!by_runtime(options.against)) {
    read_file(options.against);  // fails before minutes of installation
    arguments.insert(arguments.end(), {"--float", options.against});
  }
  for (const std::string& argument : options.cases.arguments(options.model, scratch))
    arguments.push_back(argument);
  const Python python(options.python, recorder_of(options.model), options.output);
  python.run("record", arguments, options.model + ": recording");
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json to_json(const CompareArguments& options, const Layerwise& c) {
  Json json{{"model", options.model},
            {"against", c.against},
            {"float_model", by_runtime(options.against) ? Json(nullptr) : Json(options.against)},
            {"cases", c.cases},
            {"layers_compared", c.layers.size()},
            {"layers_recorded", c.recorded},
            {"first", c.first() == nullptr ? Json(nullptr) : Json(c.first()->row.name)},
            {"worst", c.worst() == nullptr ? Json(nullptr) : Json(c.worst()->row.name)},
            {"layers", Json::array()}};
  for (const Layer& layer : c.layers) {
    const reference::LayerRow& row = layer.row;
    const bool differs = row.deviation.differ > 0;
    json["layers"].push_back(
        {{"op_index", row.op_index},
         {"op", row.op},
         {"name", row.name},
         {"codes", row.deviation.elements},
         {"codes_differ", row.deviation.differ},
         {"share_equal", layer.share_equal()},
         {"largest_difference", number_or_null(row.deviation.largest)},
         {"first_case", differs ? Json(layer.first_case) : Json(nullptr)},
         {"first_position", differs ? Json(layer.first_position) : Json(nullptr)},
         {"snr_db", number_or_null(row.snr_db())}});
  }
  return json;
}

std::string to_text(const CompareArguments& options, const Layerwise& c) {
  std::string text = fmt::format("{:<31} {:<18} {:>9} {:>8} {:>6} {:>7}  {}\n", "layer", "operator",
                                 "codes", "equal %", "worst", "SNR dB", "first difference");
  for (const Layer& layer : c.layers) {
    const reference::LayerRow& row = layer.row;
    const double snr = row.snr_db();
    std::string first = "-";
    if (row.deviation.differ > 0) first = fmt::format("{}", fmt::join(layer.first_position, ","));
    text += fmt::format(
        "{:<31} {:<18} {:>9} {:>8.2f} {:>6} {:>7}  {}\n", fitted(row.name, 31), fitted(row.op, 18),
        grouped(row.deviation.elements), 100 * layer.share_equal(),
        std::isfinite(row.deviation.largest) ? fmt::format("{}", row.deviation.largest) : "inf",
        std::isfinite(snr) ? fmt::format("{:.1f}", snr)
        : snr > 0          ? "inf"
                           : "-inf",
        first);
  }
  text += fmt::format("\n{} against {}{}: {} case{}, {} of {} recorded tensors\n", options.model,
                      by_runtime(options.against) ? "" : options.against + " in ", c.against,
                      c.cases, c.cases == 1 ? "" : "s", c.layers.size(), c.recorded);
  if (c.first() == nullptr) return text + "all equal\n";
  return text + fmt::format("first difference in '{}' (case {}), lowest SNR in '{}'\n",
                            c.first()->row.name, c.first()->first_case, c.worst()->row.name);
}

Layerwise compared(const CompareArguments& options, const model::Graph& graph) {
  std::optional<TemporaryFolder> scratch;
  fs::path folder = options.vectors;
  if (options.vectors.empty()) {
    scratch.emplace(fs::temp_directory_path());
    folder = scratch->path() / "vectors";
    record(options, folder, scratch->path());
  }
  const Progress progress(options.model + ": golden layers", options.output.quiet);
  const reference::VectorSet vectors = reference::read_vectors(folder);
  if (by_runtime(options.against)) reference::check_vectors(vectors, graph);
  NetworkOptions rounding;
  rounding.rounding = options.rounding;
  rounding.lstm = options.lstm;
  Layerwise comparison;
  comparison.add(graph, vectors, rounding.policy(vectors.policy));
  return comparison;
}

int run(const CompareArguments& given) {
  CompareArguments options = given;
  const CaseOptions& cases = options.cases;
  if (!options.vectors.empty() && (!options.against.empty() || !cases.inputs.empty() ||
                                   cases.count >= 0 || !cases.data.empty()))
    throw_error(
        "--vectors: inputs are recorded; not allowed with --against, --inputs, --data, --count");
  options.cases.check();
  std::vector<NamedFile> read = cases.files();
  read.push_back({"MODEL", options.model});
  if (!options.vectors.empty()) read.push_back({"--vectors", options.vectors + "/manifest.json"});
  options.output.check({}, read);
  if (is_program_file(options.model))
    throw_error("{}: is a program, allowed the model that it was compiled from", options.model);
  const model::Graph graph = model::parse_model(read_file(options.model), options.model, true,
                                                model::parse_shapes(cases.shapes));
  const Layerwise comparison = compared(options, graph);
  if (!comparison.has_layers())
    throw_error("{}: no layer has a tensor of the same name in {}", options.model,
                by_runtime(options.against) ? comparison.against : options.against);
  options.output.print(to_text(options, comparison));
  options.output.write_json(to_json(options, comparison), nullptr);
  // Codes always differ from a float model somewhere: quantization has that cost.
  const bool wrong = by_runtime(options.against) && comparison.largest() > options.tolerance;
  return wrong ? kWrongResult : kSuccess;
}

}  // namespace

void add_compare(Command app, Action& action) {
  const auto [command, options] = add_command<CompareArguments>(
      app, action, "compare", "layer by layer against another runtime or the float model", run);
  add_value(command, "MODEL", options->model, "quantized TFLite or ONNX model")->required();
  add_value(command, "--against R|FLOAT", options->against,
            "litert or onnxruntime (by MODEL's kind), or the float model that\n"
            "MODEL was quantized from");
  add_value(command, "--vectors DIR", options->vectors,
            "compare with the recorded layers in this folder; only the golden layers\n"
            "run");
  add_value(command, "--tolerance N", options->tolerance,
            "most codes by which a layer may differ from the runtime's (0)")
      ->check(range(0, 255));
  add_value(command, "--rounding HOW", options->rounding,
            "as in trine verify: auto, double or single")
      ->check(one_of({"auto", "double", "single"}));
  declare_lstm(command, options->lstm);
  options->cases.declare(command);
  options->python.declare(command);
  options->output.declare(command);
  command.footer(
      "The machine computes the golden layers bit by bit. Each is compared with the corresponding\n"
      "layer of the other model: equal codes, the largest difference in codes, the first position\n"
      "that differs, signal to noise. Differences of floats are measured in codes; less than half\n"
      "a code counts as equal. Exit code 1: a layer differs from the runtime's by more than "
      "--tolerance.\n\n"
      "Examples:\n"
      "  trine compare models/lenet_mnist.tflite\n"
      "  trine compare MODEL_int8.onnx --against MODEL.onnx --data images --scale 1/255\n"
      "  trine compare MODEL.tflite --vectors vectors");
}

}  // namespace trine::cli
