// SPDX-License-Identifier: Apache-2.0
//
// trine quantize: quantizes a float model with its makers' own quantizer
// (components/zoo/quantize.py) and reports which operators of the result the machine executes.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "components/accuracy/data.h"
#include "components/accuracy/mixed.h"
#include "spec/minifloat.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/model/import/formats.h"
#include "tools/cli/common.h"
#include "tools/cli/models/own_model.h"
#include "tools/cli/models/python.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/report.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;

struct QuantizeArguments {
  Output output;
  PythonOptions python;
  Preparation preparation;
  NetworkOptions network;  ///< options for compiling the result
  std::string model, calibration, type = "int8", method = "minmax", format;
  std::vector<std::string> inputs;  ///< .npy files instead of `calibration`
  std::vector<std::string> carries;
  Mixed mixed;
  bool per_tensor = false, int8_weights = false, int8_activations = false;
  std::size_t count = 100;
};

/// Returns examples stacked for the float model: enough for the ranges and for counting answers.
Array stack(const QuantizeArguments& options, const DataSet& data) {
  const std::size_t wanted =
      std::max(options.count, options.mixed.asked() ? options.mixed.answers() : 0);
  const std::size_t count = std::min(wanted, data.size());
  Array all{"f4", {static_cast<std::int64_t>(count)}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    const Array one = data.example(i);
    if (i == 0) all.shape.insert(all.shape.end(), one.shape.begin(), one.shape.end());
    if (!std::equal(one.shape.begin(), one.shape.end(), all.shape.begin() + 1, all.shape.end()))
      throw_error("{}: has a different shape than {}", data.name(i), data.name(0));
    if (one.dtype.at(0) != 'f' && !options.preparation.given())
      throw_error("{}: is {}: --mean and --scale say what its values mean (--scale 1: unchanged)",
                  data.name(i), type_and_shape(one));
    for (const double value : options.preparation.values(
             one, model::format_named(options.model).channels_first, data.name(i))) {
      const auto single = static_cast<float>(value);
      const auto* bytes = reinterpret_cast<const std::uint8_t*>(&single);
      all.bytes.insert(all.bytes.end(), bytes, bytes + sizeof(float));
    }
  }
  return all;
}

struct Quantized {
  std::string by;  ///< "by onnxruntime 1.31.1"
  std::int64_t examples = 0;
  Json losses = Json::object();  ///< from components/zoo/loss.py: bound, notes, outputs
};

/// Quantizes into FILE.
Quantized quantized(QuantizeArguments& options, const spec::Config& config) {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path result = scratch.path() / fs::path(options.network.model).filename();
  std::vector<std::string> arguments{options.model,  "--out",      result.string(),
                                     "--type",       options.type, "--method",
                                     options.method, "--count",    std::to_string(options.count)};
  const auto most = static_cast<std::int64_t>(options.count);
  std::int64_t count = 0;
  std::vector<std::string> of_mixed;
  if (options.inputs.empty()) {
    const std::string array = scratch.path() / "x.npy";
    const DataSet data(options.calibration);
    const Array examples = stack(options, data);
    count = std::min(examples.shape[0], most);
    write_npy(array, examples);
    arguments.insert(arguments.end(), {"--calibration", array});
    of_mixed = options.mixed.arguments(options.network.design, config, &data,
                                       static_cast<std::size_t>(examples.shape[0]), scratch.path());
  } else {
    const std::vector<std::int64_t> shape = read_npy(options.inputs[0]).shape;
    if (shape.empty())
      throw_error("{}: is one number, allowed examples along the leading axis", options.inputs[0]);
    count = std::min(shape[0], most);
    arguments.emplace_back("--inputs");
    arguments.insert(arguments.end(), options.inputs.begin(), options.inputs.end());
    of_mixed = options.mixed.arguments(options.network.design, config, nullptr, 0, scratch.path());
  }
  arguments.insert(arguments.end(), of_mixed.begin(), of_mixed.end());
  const Python python(options.python, toolkit_of(options.model).quantizer, options.output);
  if (options.per_tensor) arguments.emplace_back("--per-tensor");
  if (!options.format.empty()) arguments.insert(arguments.end(), {"--format", options.format});
  if (options.int8_weights) arguments.emplace_back("--int8-weights");
  if (options.int8_activations) arguments.emplace_back("--int8-activations");
  for (const std::string& carry : options.carries)
    arguments.insert(arguments.end(), {"--carry", carry});
  const fs::path losses = scratch.path() / "losses.json";
  arguments.insert(arguments.end(), {"--compared", losses.string()});
  const std::string by = python.run("quantize", arguments, options.model + ": quantizing");
  const std::vector<std::uint8_t> bytes = read_file(result);
  write_file(options.network.model, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  options.mixed.take(scratch.path(), options.network.model);
  Quantized result_of{by, count};
  if (fs::exists(losses)) result_of.losses = parse_json(read_text(losses), losses.string());
  return result_of;
}

/// Returns a line for each output, or part of an output, that lost more than the bound.
std::string losses_text(const Json& losses) {
  std::string text;
  for (const Json& one : losses.value("outputs", Json::array())) {
    if (one.at("fine").get<bool>()) continue;
    const auto part = one.at("part").get<std::string>();
    text += fmt::format(
        "output '{}'{}: {} the float model's values: the error is {:.0f} % of them (root mean "
        "squares), allowed {:.0f} %\n",
        one.at("output").get<std::string>(), part == "all" ? "" : ", part '" + part + "'",
        one.at("constant").get<bool>() ? "one constant instead of" : "far from",
        100 * one.at("error").get<double>(), 100 * losses.at("bound").get<double>());
  }
  if (!text.empty())
    text +=
        "make parts with different ranges separate outputs, or use more bits (--type int16): "
        "docs/five_steps.md\n";
  return text;
}

/// Compiles the result. @throws Error  the machine does not support an operator
compiler::Program compiled(const QuantizeArguments& options, const spec::Config& config,
                           bool allow_host) {
  NetworkOptions network = options.network;
  network.allow_host = allow_host;
  return load_network(network, config, network.policy(reference::kDoublePolicy)).program;
}

/// Reports where the result runs: on the machine, partly on the host, or nowhere, and why.
Json placed(const QuantizeArguments& options, const spec::Config& config, std::string* text) {
  Json json{{"runs", "machine"}, {"macs", nullptr}, {"host", Json::array()}, {"refused", nullptr}};
  const auto describe = [&](const compiler::Program& program) {
    json["macs"] = program.macs();
    json["host"] = host_json(program);
    *text = host_text(program);
    return fmt::format("{}, {} MACs", config.name,
                       grouped(static_cast<std::uint64_t>(program.macs())));
  };
  try {
    const std::string where = describe(compiled(options, config, false));
    *text += fmt::format("runs on {}\n", where);
    return json;
  } catch (const Error& error) {
    json["refused"] = error.what();
  }
  const auto why = json["refused"].get<std::string>();
  try {
    const std::string where = describe(compiled(options, config, true));
    *text += fmt::format("runs with --allow-host on {}; without:\n{}\n", where, why);
    json["runs"] = "host";
  } catch (const Error&) {
    *text = fmt::format("does not run on {}:\n{}\n", config.name, why);
    json["runs"] = "refused";
  }
  return json;
}

/// @throws Error  a format that the machine does not support
void check_format(const QuantizeArguments& options) {
  if (options.int8_weights && options.format.empty()) throw_error("--int8-weights: needs --format");
  if (options.int8_activations && options.format != "e4m3")
    throw_error("--int8-activations: needs --format e4m3");
  if (options.int8_activations && options.int8_weights)
    throw_error("--int8-activations, --int8-weights: allowed only one; for both use --type int8");
  if (options.format.empty()) return;
  const auto format = spec::format_named(options.format);
  if (!format)
    throw_error("--format {}: no such format, allowed e3m4 posit8_0 e4m3", options.format);
  const spec::FormatRow& row = spec::row_of(*format);
  if (row.bytes() > spec::kMostBytes)
    throw_error(
        "--format {}: its values have {} bits of fixed point, which need four bytes or more, "
        "allowed e3m4 posit8_0 e4m3; trine estimate --format gives its cycles",
        options.format, row.bits);
}

int run(const QuantizeArguments& given) {
  QuantizeArguments options = given;
  options.preparation.parse();
  const std::string& out = options.network.model;
  options.output.check(
      {{"--out", out}, {"--plot", options.mixed.plot()}, {"--mixed", options.mixed.choice_of(out)}},
      {{"MODEL", options.model},
       {"--config", options.network.design.config},
       {"--choice", options.mixed.choice()}});
  if (fs::path(options.model).extension() != fs::path(out).extension())
    throw_error("--out: {} is of a different kind than {}, allowed the same ending", out,
                options.model);
  read_file(options.model);
  const spec::Config config = options.network.design.load();
  check_format(options);
  if (options.calibration.empty() == options.inputs.empty())
    throw_error("{}: one of --calibration and --inputs is needed", options.model);
  if (!options.inputs.empty() && options.preparation.given())
    throw_error(
        "--mean, --scale: need --calibration; files of --inputs hold the values that the model "
        "reads");
  options.mixed.check(options.model, config);
  const auto [by, examples, losses] = quantized(options, config);
  std::string text, notes;
  const std::string lost = losses_text(losses);
  for (const Json& note : losses.value("notes", Json::array()))
    notes += note.get<std::string>() + "\n";
  Json json{{"model", options.model},
            {"out", out},
            {"by", by.substr(by.find(' ') + 1)},
            {"type", options.format.empty() ? options.type : options.format},
            {"examples", examples}};
  json["losses"] = losses.value("outputs", Json::array());
  json.update(placed(options, config, &text));
  json.update(options.mixed.json());
  options.output.print(fmt::format("{}: {}, {} examples\n{}{}{}", out, by, examples,
                                   options.mixed.text(), text, notes));
  options.output.write_json(json, &config);
  if (!lost.empty()) fmt::print(stderr, "{}: {}", out, lost);
  return lost.empty() && options.mixed.reached() ? kSuccess : kWrongResult;
}

}  // namespace

void add_quantize(Command app, Action& action) {
  const auto [command, options] = add_command<QuantizeArguments>(
      app, action, "quantize", "a float model to int8, by ONNX Runtime or ai-edge-quantizer", run);
  add_value(command, "MODEL", options->model, "float ONNX or TFLite model")->required();
  add_value(command, "--calibration DIR", options->calibration,
            "examples that give the ranges; folders and files as in trine accuracy,\n"
            "with or without labels");
  add_value(command, "--inputs X.npy", options->inputs,
            "instead of --calibration: a file for each input, in order, with the\n"
            "examples along the leading axis, in the model's types: token ids, masks");
  add_value(command, "--out FILE", options->network.model, "the quantized model")->required();
  add_value(command, "--count N", options->count, "most examples that are used (100)")
      ->check(range(1, 1'000'000));
  options->preparation.declare(command);
  add_value(command, "--type T", options->type,
            "type of activations: int8 or, for ONNX, uint8 or int16\n(array.activations16)")
      ->check(one_of({"int8", "uint8", "int16"}));
  add_value(command, "--format F", options->format,
            "ONNX: codes of an eight-bit format instead of --type: e3m4,\n"
            "posit8_0 or e4m3 (array.activations16, array.formats)");
  command.add_flag("--int8-weights", options->int8_weights,
                   "with --format: only for activations; weights are int8");
  command.add_flag("--int8-activations", options->int8_activations,
                   "with --format e4m3: only for weights; activations are int8");
  add_value(command, "--method M", options->method,
            "ONNX: method for ranges: minmax, entropy, percentile")
      ->check(one_of({"minmax", "entropy", "percentile"}));
  add_value(command, "--carry INPUT=OUTPUT", options->carries,
            "ONNX: a state: this output of one run is this input of the next,\n"
            "counted from 0; both get the same scale, so that codes can be copied")
      ->allow_extra_args(false);
  command.add_flag("--per-tensor", options->per_tensor,
                   "ONNX: one scale for all weights of a layer");
  options->mixed.declare(command);
  declare_shape(command, options->network.shapes);
  options->network.design.config = "edge256";
  options->network.design.declare(command)->required(false);
  options->python.declare(command);
  options->output.declare(command);
  command.footer(
      "ONNX Runtime's quantize_static quantizes .onnx (QDQ, int8 weights, a scale for each "
      "channel),\n"
      "ai-edge-quantizer quantizes .tflite (int8). Trine computes both results bit by bit. Then\n"
      "FILE is compiled for --config (edge256), to report what runs on the machine, on the host, "
      "or not\n"
      "at all. The packages are downloaded from PyPI once, into an environment in the cache.\n\n"
      "Examples:\n"
      "  trine quantize models/own_model/lenet_float.onnx --calibration models/mnist_held_back \\\n"
      "    --scale 1/255 --out lenet_int8.onnx\n"
      "  trine compare lenet_int8.onnx --against models/own_model/lenet_float.onnx\n"
      "  trine quantize models/own_model/lenet_float.onnx --calibration models/mnist_held_back \\\n"
      "    --scale 1/255 --out lenet.onnx --mixed --set array.weights4=true");
}

}  // namespace trine::cli
