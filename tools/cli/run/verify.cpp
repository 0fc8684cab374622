// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/reference/layers.h"
#include "tools/cli/common.h"
#include "tools/cli/measure/energy_report.h"
#include "tools/cli/run/check.h"
#include "tools/cli/run/network.h"
#include "tools/cli/run/report.h"
#include "tools/cli/run/stream.h"

namespace trine::cli {
namespace {

constexpr std::ptrdiff_t kShownDifferences = 10;

struct VerifyArguments {
  Output output;
  NetworkOptions network;
  BackendOptions backend;
  EnergyOptions energy;
  Shown shown;
  std::string vectors;
  Accepted accepted;
};

/// @throws Error  the vectors belong to another model's file
void check_sha256(const reference::VectorSet& vectors, const Network& network,
                  const std::string& file) {
  // Programs of other tools may have none.
  const std::string& actual = network.program.model_sha256;
  if (!vectors.sha256.empty() && !actual.empty() && actual != vectors.sha256)
    throw_error("{}: sha256: is {}, allowed {}, the hash of {}{}: record its vectors again",
                vectors.file, fitted(vectors.sha256, 64), actual,
                network.graph ? "" : "the model of ", file);
}

Json comparison_json(const Comparison& c, const reference::LayerComparison& layers, int tolerance) {
  Json json;
  json["codes"] = c.codes.elements;
  json["codes_differ"] = c.codes.differ;
  json["codes_largest_difference"] =
      std::isfinite(c.codes.largest) ? Json(c.codes.largest) : Json(nullptr);
  json["floats_rounded"] = c.codes.rounded;
  json["floats_largest_ulps"] = c.codes.ulps;
  json["floats_largest_relative"] = c.codes.relative;
  json["tolerance"] = tolerance;
  json["layers_compared"] = layers.compared;
  json["first_layer_that_differs"] = nullptr;
  if (layers.first)
    json["first_layer_that_differs"] = {{"op_index", layers.first->op_index},
                                        {"op", layers.first->op},
                                        {"name", layers.first->name},
                                        {"codes", layers.first->deviation.elements},
                                        {"codes_differ", layers.first->deviation.differ},
                                        {"codes_at_ties", layers.first->at_ties}};
  json["separate_layers"] = nullptr;
  if (layers.cases > 0)
    json["separate_layers"] = {{"cases", layers.cases},
                               {"codes", layers.codes},
                               {"codes_differ", layers.differ},
                               {"operators_differ", layers.operators},
                               {"exact_is_trine", layers.exact.ours},
                               {"exact_is_runtime", layers.exact.runtime},
                               {"exact_is_tie", layers.exact.ties},
                               {"exact_is_neither", layers.exact.neither},
                               {"exact_is_unknown", layers.exact.unknown}};
  json["top1"] = nullptr;
  if (c.labelled > 0)
    json["top1"] = {
        {"labels", c.labelled}, {"right", c.right}, {"recorded_right", c.recorded_right}};
  return json;
}

/// Returns a note on the number of differing codes that are almost halfway between two codes.
std::string near_ties(const reference::LayerRow& l) {
  if (l.at_ties == 0) return "";
  if (l.at_ties == l.deviation.differ) return ", all near ties";
  return fmt::format(", {} of them near ties", grouped(l.at_ties));
}

/// Returns a note on the kernels that made the vectors, which TFLite's vectors name; empty for the
/// reference kernels.
std::string kernels_of(const reference::VectorSet& vectors) {
  if (vectors.resolver.empty() || vectors.resolver == reference::kReferenceKernels) return "";
  return fmt::format(
      "recorded by kernels of LiteRT that may round differently from its reference: {}, because {} "
      "lacks an operator of this model",
      vectors.resolver, reference::kReferenceKernels);
}

/// Returns the name of the runtime that computed the vectors.
std::string runtime_of(const reference::VectorSet& vectors) {
  return vectors.package.empty() ? "the runtime" : vectors.package;
}

/// Returns what exact arithmetic says about codes that differ.
std::string exact_text(const reference::Agreement& exact, const std::string& runtime) {
  std::vector<std::string> parts;
  const auto add = [&](std::int64_t count, const std::string& what) {
    if (count > 0) parts.push_back(fmt::format("{} for {}", what, grouped(count)));
  };
  add(exact.ours, "Trine's code");
  add(exact.runtime, runtime + "'s code");
  add(exact.neither, "another code");
  add(exact.ties, "an exact tie");
  if (parts.empty()) return "the vectors do not have the results of exact arithmetic";
  return fmt::format("exact arithmetic gives {}", fmt::join(parts, ", "));
}

/// @param by_reference  true if the recorded kernels round like the golden layers
std::string to_text(const reference::LayerComparison& layers, const reference::VectorSet& vectors,
                    bool by_reference) {
  if (layers.compared == 0) return "no layers were recorded that could show where";
  const std::string of = layers.cases == 1 ? "case " + vectors.cases[layers.first_case].id
                                           : fmt::format("{} cases", layers.cases);
  if (!layers.first)
    return fmt::format("layers of {}: the golden layers compute all {} layers as recorded", of,
                       layers.compared);
  const reference::LayerRow& l = *layers.first;
  return fmt::format(
      "first layer that {}, in case {}: op {} {} '{}', {} of {} codes{}\n"
      "{} {}, each with its recorded inputs ({}): {} of {} codes; {}",
      by_reference ? "differs" : "those kernels compute differently",
      vectors.cases[layers.first_case].id, l.op_index, l.op, fitted(l.name, 40),
      grouped(l.deviation.differ), grouped(l.deviation.elements), near_ties(l), layers.operators,
      layers.operators == 1 ? "layer differs" : "layers differ", of, grouped(layers.differ),
      grouped(layers.codes), exact_text(layers.exact, runtime_of(vectors)));
}

/// Returns what the recorded layers say about the cases that differ.
std::string layers_text(const Comparison& c, const reference::LayerComparison& layers,
                        const reference::VectorSet& vectors, bool by_reference) {
  if (vectors.layers.empty() || vectors.stream || layers.cases > 0)
    return to_text(layers, vectors, by_reference);
  return fmt::format(
      "only the layers of {} are recorded, and {} outputs are equal;\n"
      "to see the layers of {}, record again with --layers-of {}",
      vectors.layers.size() == 1 ? vectors.cases[vectors.layers[0].number].id
                                 : fmt::format("{} cases", vectors.layers.size()),
      vectors.layers.size() == 1 ? "its" : "their", vectors.cases[c.differing.front()].id,
      c.differing.front());
}

/// Returns a note on --tolerance where codes differ.
std::string tolerance_text(const reference::Deviation& codes, int tolerance) {
  constexpr int kNear = 2;  // codes
  if (tolerance > 0)
    return fmt::format(": {} --tolerance {}", codes.largest <= tolerance ? "within" : "more than",
                       tolerance);
  if (codes.ulps > 0 || codes.largest > kNear) return "";
  return fmt::format(" (--tolerance {} accepts this)", codes.largest);
}

std::string to_text(const Comparison& c, const reference::LayerComparison& layers,
                    const reference::VectorSet& vectors, int tolerance) {
  const std::string kernels = kernels_of(vectors);
  std::string text;
  if (c.codes.differ > 0) {
    text = fmt::format("{} of {} {}", grouped(c.codes.differ), grouped(c.codes.elements),
                       differ_text(c.codes));
    text += tolerance_text(c.codes, tolerance);
    if (c.codes.ulps > 0)
      text += fmt::format("; floats by up to {} units in the last place, {:.1e} of the value",
                          c.codes.ulps, c.codes.relative);
    text += "\n" + (kernels.empty() ? "" : kernels + "\n") +
            layers_text(c, layers, vectors, kernels.empty()) + "\n";
  }
  if (c.codes.rounded > 0)
    text += fmt::format(
        "{} floats differ by less than {} units in the last place, which counts as equal\n",
        grouped(c.codes.rounded), reference::kFewUlps);
  if (c.labelled > 0)
    text += fmt::format("top-1: {} of {} right (recorded outputs: {})\n", c.right, c.labelled,
                        c.recorded_right);
  return text;
}

int run(const VerifyArguments& options) {
  options.backend.check();
  std::vector<NamedFile> read = options.network.read();
  read.push_back({"--vectors", options.vectors + "/manifest.json"});
  std::vector<NamedFile> written = options.backend.written();
  written.push_back({"--accelergy", options.energy.accelergy});
  written.push_back({"--ert", options.energy.ert});
  options.output.check(written, read);
  const energy::Table table = options.energy.read();
  const spec::Config config = options.network.design.load();
  const reference::VectorSet vectors =
      reference::batched(reference::read_vectors(options.vectors, true), options.network.batch);
  const Network network =
      load_network(vectors, read_file(options.network.model), options.network, config);
  Verification v = verify(network, vectors, options.network.policy(vectors.policy), options.backend,
                          options.accepted, options.output.quiet);
  const EnergyReport energy =
      energy_report(network.program, v.execution.slowest, options.energy, table);
  add_to(v.json, energy);
  v.execution.energy_pj = energy.sum.total();
  options.output.print(
      to_text(network.program, v.execution, options.backend.backend, options.shown) + v.text +
      to_text(energy, options.shown.details));
  write_accelergy(energy, options.energy);
  options.output.write_json(v.json, &config);
  for (const std::string& line : v.faults) fmt::print(stderr, "{}: {}\n", options.vectors, line);
  return v.faults.empty() ? kSuccess : kWrongResult;
}

}  // namespace

Network load_network(const reference::VectorSet& vectors, const std::vector<std::uint8_t>& bytes,
                     const NetworkOptions& options, const spec::Config& config) {
  NetworkOptions wanted = options;
  wanted.states = vectors.stream;
  Network network = load_network(bytes, wanted, config, options.policy(vectors.policy));
  check_sha256(vectors, network, options.model);
  check_vectors(vectors, network);
  return network;
}

void check_vectors(const reference::VectorSet& vectors, const Network& network) {
  if (!network.graph)
    return reference::check_cases(vectors, network.program.before,
                                  compiler::segments(network.program).back()->after);
  if (network.carries.empty()) return reference::check_vectors(vectors, *network.graph);
  model::Graph own = *network.graph;  // without the stream's states
  own.inputs.resize(own.inputs.size() - network.carries.size());
  own.outputs.resize(own.outputs.size() - network.carries.size());
  reference::check_vectors(vectors, own);
}

namespace {

/// Runs the cases with the states that the previous cases left.
Runner keeping_states(const Network& network, const BackendOptions& backend, bool quiet,
                      std::vector<Array> first) {
  auto states = std::make_shared<States>(StreamOptions{}, network);
  const std::size_t inputs = input_shapes(network).size();
  first.resize(inputs);
  states->put(first);
  return [states, inputs,
          runner = make_runner(network.program, backend, first, quiet)](std::vector<Array> own) {
    own.resize(inputs);
    states->put(own);
    sim::RunResult result = runner(own);
    states->take(result.outputs);
    return result;
  };
}

}  // namespace

namespace {

/// Returns true if all differences come from the runtime's float32: from the recorded inputs of
/// each layer, exact arithmetic gives the golden layers' codes, and the machine computes these.
bool is_rounding(const Network& network, const reference::VectorSet& vectors,
                 const reference::RoundingPolicy& policy, const Comparison& c,
                 const reference::LayerComparison& layers) {
  if (!network.graph || layers.cases != std::ssize(c.differing) || layers.outputs_differ > 0 ||
      !layers.exact.is_float32())
    return false;
  for (std::size_t i = 0; i < c.differing.size(); ++i) {
    const std::vector<Array>& inputs = vectors.cases[c.differing[i]].inputs;
    const std::vector<Array> golden =
        reference::outputs_of(*network.graph, reference::run_graph(*network.graph, inputs, policy));
    for (std::size_t o = 0; o < golden.size(); ++o)
      if (golden[o].bytes != c.outputs[i].at(o).bytes) return false;
  }
  return true;
}

}  // namespace

Verification verify(const Network& network, const reference::VectorSet& vectors,
                    const reference::RoundingPolicy& policy, const BackendOptions& backend,
                    const Accepted& accepted, bool quiet) {
  const Runner runner = keeping_states(network, backend, quiet, vectors.cases[0].inputs);
  Comparison comparison;
  Execution execution = run_cases(network.program, vectors, runner, quiet, comparison);
  execution.images = network.images;
  reference::LayerComparison layers;
  if (network.graph && !vectors.stream)
    layers = reference::compare_layers(*network.graph, vectors, comparison.differing, policy);
  Verification result;
  result.text = to_text(comparison, layers, vectors, accepted.tolerance);
  result.json = to_json(network.program, execution, backend.backend);
  result.execution = std::move(execution);
  result.json.update(comparison_json(comparison, layers, accepted.tolerance));
  if (comparison.codes.largest <= accepted.tolerance) return result;
  if (accepted.rounding && is_rounding(network, vectors, policy, comparison, layers)) {
    result.text +=
        "every difference comes from the runtime's rounding: accepted by --accept-rounding\n";
    return result;
  }
  const std::vector<std::string>& all = comparison.differences;
  result.faults.assign(all.begin(), all.begin() + std::min(std::ssize(all), kShownDifferences));
  const std::string kernels = kernels_of(vectors);
  if (!kernels.empty()) result.faults.push_back(kernels);
  if (layers.first) result.faults.push_back(to_text(layers, vectors, kernels.empty()));
  return result;
}

void add_verify(Command app, Action& action) {
  const auto [command, options] = add_command<VerifyArguments>(
      app, action, "verify", "run recorded vectors; success only if all are bit-exact", run);
  options->network.declare(command);
  options->network.declare_batch(command);
  add_value(command, "--vectors DIR", options->vectors,
            "folder that trine record wrote: the outputs of the model's own\n"
            "runtime (docs/vectors.md)")
      ->required();
  add_value(command, "--tolerance N", options->accepted.tolerance,
            "most codes by which an output may differ (0: bit-exact)")
      ->check(range(0, 255));
  command.add_flag("--accept-rounding", options->accepted.rounding,
                   "accept differences that come only from the runtime's float32: in every\n"
                   "layer, exact arithmetic gives the machine's code or is halfway (ONNX)");
  options->backend.declare(command);
  options->energy.declare(command);
  options->shown.declare(command);
  options->output.declare(command);
  command.footer(
      "Cycles are those of one inference, from start to interrupt, of the slowest vector.\n"
      "With --batch N a run takes N vectors; the last run repeats the first vectors to fill up.\n"
      "Exit code 1: a vector is not bit-exact (nor accepted). Then stderr reports how\n"
      "many codes differ, by how much, where first, and the first recorded layer that the golden\n"
      "layers compute differently.\n\n"
      "Examples:\n"
      "  trine verify --config edge256 models/lenet_mnist.tflite \\\n"
      "    --vectors models/lenet_mnist/vectors\n"
      "  trine verify --config edge64 MODEL.tflite --vectors DIR --backend arch --json out.json");
}

}  // namespace trine::cli
