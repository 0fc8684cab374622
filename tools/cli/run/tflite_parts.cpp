// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/run/tflite_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/index.h"
#include "sw/base/process.h"
#include "sw/compiler/compiler.h"
#include "sw/compiler/network/subgraph.h"
#include "sw/model/import/import.h"
#include "sw/model/tflite/tflite.h"
#include "sw/program/image.h"
#include "tools/cli/models/python.h"

namespace trine::cli {
namespace {
namespace fs = std::filesystem;
using model::Graph;
using model::Op;

compiler::CompileOptions compile_options(const NetworkOptions& options,
                                         reference::RoundingPolicy policy,
                                         compiler::HostPart host) {
  compiler::CompileOptions all;
  all.rounding = policy;
  all.host = host;
  all.objective = options.plan_objective();
  return all;
}

/// The operators of a file. The importer writes some of them as several operators, with tensors of
/// its own, which have the number of the file's operator.
class Operators {
 public:
  explicit Operators(const Graph& graph) : graph_(graph) {
    for (std::size_t i = 0; i < graph.ops.size(); ++i)
      places_[graph.ops[i].index].push_back(static_cast<int>(i));
  }
  const Graph& graph() const { return graph_; }
  const std::map<int, std::vector<int>>& all() const { return places_; }
  bool has(const Op& op) const {
    const auto found = places_.find(op.index);
    return found != places_.end() && std::ranges::any_of(found->second, [&](int i) {
             return graph_.ops[at(i)].kind == op.kind;
           });
  }
  /// Returns the places in the graph of some of the file's operators.
  std::vector<int> places_of(const std::vector<int>& ops) const {
    std::vector<int> places;
    for (const int op : ops)
      places.insert(places.end(), places_.at(op).begin(), places_.at(op).end());
    std::ranges::sort(places);
    return places;
  }
  /// Returns the tensors that operators read from others, and those that others read.
  std::pair<std::vector<int>, std::vector<int>> edges(const std::vector<int>& ops) const {
    std::set<int> own, inputs, outputs, read(graph_.outputs.begin(), graph_.outputs.end());
    const std::vector<int> places = places_of(ops);
    for (const int i : places)
      own.insert(graph_.ops[at(i)].outputs.begin(), graph_.ops[at(i)].outputs.end());
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
      const bool is_own = std::ranges::binary_search(places, static_cast<int>(i));
      for (const int t : graph_.ops[i].inputs) {
        if (t < 0 || graph_.tensor(t).is_constant) continue;
        if (is_own && !own.contains(t)) inputs.insert(t);
        if (!is_own) read.insert(t);
      }
    }
    std::ranges::set_intersection(own, read, std::inserter(outputs, outputs.end()));
    return {{inputs.begin(), inputs.end()}, {outputs.begin(), outputs.end()}};
  }

 private:
  const Graph& graph_;
  std::map<int, std::vector<int>> places_;  ///< by number in the file
};

/// Returns the operators that the interpreter keeps: those that the compiler gives to the host, and
/// those with a state.
std::set<int> kept_ops(const Operators& operators, const compiler::Program& program) {
  std::set<int> kept;
  for (const compiler::Program* segment : compiler::segments(program))
    for (const Graph* host : {&segment->before, &segment->after})
      for (const Op& op : host->ops)
        // The compiler adds operators that cut and join tensors under the number of their reader.
        if (operators.has(op)) kept.insert(op.index);
  for (const Op& op : operators.graph().ops)
    if (op.kind == model::OpKind::kSvdf || op.kind == model::OpKind::kLstm) kept.insert(op.index);
  return kept;
}

/// Groups the machine's operators between those that stay: a part never needs a later part.
class Division {
 public:
  Division(const Operators& operators, const std::set<int>& kept) : kept_(kept) {
    for (const auto& [op, places] : operators.all()) set_stage(operators, op);
  }

  /// Returns the machine's operators of each stage.
  std::map<int, std::vector<int>> parts() const {
    std::map<int, std::vector<int>> parts;
    for (const auto& [op, stage] : stages_)
      if (!kept_.contains(op)) parts[stage].push_back(op);
    return parts;
  }

  /// Returns the operators in the order of stages: the machine's part, then what reads it.
  std::vector<int> order(const std::vector<int>& stages_of_parts) const {
    std::vector<int> order;
    int last = -1;
    for (const auto& [op, stage] : stages_) last = std::max(last, stage);
    for (int stage = -1; stage <= last; ++stage) {
      const auto part = std::ranges::find(stages_of_parts, stage);
      if (part != stages_of_parts.end())
        order.push_back(-1 - static_cast<int>(part - stages_of_parts.begin()));
      for (const auto& [op, of] : stages_)
        if (kept_.contains(op) && of == stage) order.push_back(op);
    }
    return order;
  }

 private:
  void set_stage(const Operators& operators, int op) {
    const bool stays = kept_.contains(op);
    int stage = stays ? -1 : 0;
    for (const int t : operators.edges({op}).first)
      if (const auto producer = producers_.find(t); producer != producers_.end()) {
        const int before = producer->second;
        stage = std::max(stage, stages_.at(before) + (!stays && kept_.contains(before) ? 1 : 0));
      }
    stages_[op] = stage;
    for (const int place : operators.places_of({op}))
      for (const int t : operators.graph().ops[at(place)].outputs) producers_[t] = op;
  }

  const std::set<int>& kept_;
  std::map<int, int> stages_;     ///< by operator; -1: before any part
  std::map<int, int> producers_;  ///< by tensor
};

/// Returns the positions of the machine's tensors in the list of the network's.
/// @throws Error  the host converts more than a driver does
std::vector<int> plain(const Graph& edge, const std::vector<int>& machine,
                       const std::vector<int>& network) {
  std::vector<int> positions;
  for (const int t : machine) {
    const auto found = std::ranges::find(network, t);
    if (!edge.ops.empty() || found == network.end() || machine.size() != network.size())
      throw_error("{}: the host would have to cut or join tensors", edge.name);
    positions.push_back(static_cast<int>(found - network.begin()));
  }
  return positions;
}

/// Compiles a part. @throws Error  it needs operators on the host
TflitePart compiled(const Operators& operators, const std::vector<int>& ops, int file_tensors,
                    const spec::Config& config, const compiler::CompileOptions& options) {
  const auto [inputs, outputs] = operators.edges(ops);
  for (const auto* tensors : {&inputs, &outputs})
    for (const int t : *tensors)
      if (t >= file_tensors)
        throw_error("{}: operator {} reads a tensor that the file does not have",
                    operators.graph().file, ops.front());
  TflitePart part{ops, {}, {}, {}, {}};
  part.program = compiler::compile(
      compiler::subgraph(operators.graph(), operators.places_of(ops), inputs, outputs), config,
      options);
  const Graph &before = part.program.before, &after = part.program.after;
  for (const int i : plain(before, before.outputs, before.inputs))
    part.inputs.push_back(inputs[at(i)]);
  for (const int i : plain(after, after.inputs, after.outputs))
    part.outputs.push_back(outputs[at(i)]);
  part.image = compiler::write_image(part.program);  // refuses what a driver cannot do
  return part;
}

/// Returns the values of the constants that operators read, and of outputs that are constant.
std::map<int, std::vector<std::uint8_t>> constants_of(const Operators& operators,
                                                      const std::set<int>& kept, int file_tensors) {
  const Graph& graph = operators.graph();
  std::map<int, std::vector<std::uint8_t>> constants;
  const auto add = [&](int t) {
    if (t < 0 || t >= file_tensors || !graph.tensor(t).is_constant) return;
    const auto& data = graph.tensor(t).data;
    constants[t].assign(data.begin(), data.end());
  };
  for (const int place : operators.places_of({kept.begin(), kept.end()}))
    std::ranges::for_each(graph.ops[at(place)].inputs, add);
  std::ranges::for_each(graph.outputs, add);
  return constants;
}

Json plan_of(const TfliteParts& parts) {
  Json plan;
  plan["order"] = parts.order;
  plan["parts"] = to_json(parts);
  return plan;
}

}  // namespace

TfliteParts tflite_parts(const std::vector<std::uint8_t>& bytes, const NetworkOptions& options,
                         const spec::Config& config, reference::RoundingPolicy policy) {
  model::HostUse host = true;
  host.types = {options.host.begin(), options.host.end()};
  const Graph graph =
      model::parse_model(bytes, options.model, host, model::parse_shapes(options.shapes));
  const int file_tensors = model::tensors_of_tflite(bytes);
  const auto with = [&](compiler::HostPart host) { return compile_options(options, policy, host); };
  const Operators operators(graph);
  std::set<int> kept =
      kept_ops(operators, compiler::compile(graph, config, with(compiler::HostPart::kAnywhere)));
  TfliteParts all;
  for (bool again = true; std::exchange(again, false);) {
    all.parts.clear();
    const Division division(operators, kept);
    std::vector<int> stages;
    std::set<int> more;
    for (const auto& [stage, ops] : division.parts()) try {
        all.parts.push_back(
            compiled(operators, ops, file_tensors, config, with(compiler::HostPart::kNowhere)));
        stages.push_back(stage);
      } catch (const Error& error) {  // these operators stay, and the division is another one
        all.refused.emplace_back(error.what());
        more.insert(ops.begin(), ops.end());
      }
    all.order = division.order(stages);
    again = !more.empty();
    kept.merge(more);
  }
  all.constants = constants_of(operators, kept, file_tensors);
  if (all.parts.empty())
    throw_error("{}: the machine executes no operator of it{}{}", options.model,
                all.refused.empty() ? "" : ": ", all.refused.empty() ? "" : all.refused.front());
  return all;
}

void write_tflite(const TfliteParts& parts, const std::string& model, const std::string& file,
                  const Output& output) {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path folder = scratch.path();
  for (std::size_t i = 0; i < parts.parts.size(); ++i)
    write_file((folder / fmt::format("{}.img", i)).string(), parts.parts[i].image);
  for (const auto& [tensor, data] : parts.constants)
    write_file((folder / fmt::format("{}.const", tensor)).string(),
               std::string(data.begin(), data.end()));
  write_file((folder / "plan.json").string(), json_text(plan_of(parts), 1));
  const Python python({}, "components/zoo/requirements_litert.txt", output);
  const fs::path written = folder / "out.tflite";
  python.run("write_tflite", {model, folder.string(), written.string()}, "writing TFLite");
  const std::vector<std::uint8_t> bytes = read_file(written.string());
  write_file(file, std::string(bytes.begin(), bytes.end()));
}

std::string to_text(const TfliteParts& parts) {
  std::string text;
  for (const std::string& why : parts.refused) text += fmt::format("stays: {}\n", why);
  for (std::size_t i = 0; i < parts.parts.size(); ++i)
    text += fmt::format("custom operator {}: {} operators, {} bytes of constants, {} of memory\n",
                        i, parts.parts[i].ops.size(), grouped(parts.parts[i].program.image.size()),
                        grouped(parts.parts[i].program.dram_bytes));
  const auto stay = std::ranges::count_if(parts.order, [](int i) { return i >= 0; });
  return text + fmt::format("{} operators stay with the interpreter\n", stay);
}

Json to_json(const TfliteParts& parts) {
  Json list = Json::array();
  for (const TflitePart& part : parts.parts)
    list.push_back({{"ops", part.ops},
                    {"inputs", part.inputs},
                    {"outputs", part.outputs},
                    {"constant_bytes", part.program.image.size()},
                    {"dram_bytes", part.program.dram_bytes}});
  return list;
}

}  // namespace trine::cli
