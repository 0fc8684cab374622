// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/compiler.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>
#include <optional>
#include <utility>

#include "base/rounding.h"
#include "sw/compiler/emit/emitter.h"
#include "sw/compiler/legal.h"
#include "sw/compiler/lower/edges.h"
#include "sw/compiler/network/bound.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/rewrite/rewrite.h"
#include "sw/compiler/schedule/schedule.h"
#include "sw/compiler/shapes.h"
#include "sw/compiler/transform/passes.h"
#include "sw/model/print.h"
#include "sw/program/traffic.h"

namespace trine::compiler {
namespace {

TensorLayout layout_of(const model::Graph& graph, int tensor, const Map& map,
                       const Placement& place) {
  const model::Tensor& t = graph.tensor(tensor);
  TensorLayout layout;
  layout.name = t.name;
  layout.extents = t.shape;
  layout.shape = map.shape;
  layout.transposed = map.transposed;
  layout.fold = map.fold;
  layout.steps = layout.dense_steps();
  layout.offset = 4 * place.dram.origin;
  layout.pitch = place.dram.pitch;
  layout.plane = place.dram.plane;
  layout.scale = t.scale();
  layout.zero_point = t.zero_point();
  return layout;
}

std::string describe(const Layer& layer, const Tiling& t, const Plan& plan) {
  const auto place = [&](int map) { return plan.maps[at(map)].resident ? "DMEM" : "DRAM"; };
  std::string text = fmt::format("{} -> {}", place(layer.input), place(layer.output));
  if (t.rows < layer.window.P || t.cols < layer.window.Q)
    text += fmt::format(", parts of {}x{} pixels", t.rows, t.cols);
  if (layer.kind == LayerKind::kConv && t.chunk < layer.channels)
    text += fmt::format(", {} channels at a time", t.chunk);
  if (t.pieces) text += ", reduction in pieces";
  if (t.relay) text += ", weights in relay";
  return text;
}

/// No layer ends before its constants and the network's inputs have come, and its outputs gone.
void add_bus(Program& program) {
  const std::vector<program::Traffic> traffic = traffic_of(program);
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    std::int64_t& bound = program.layers[i].bound_cycles;
    bound = std::max(bound, 8 * traffic[i].compulsory.all() / program.config.axi_data_bits);
  }
}

/// Adds the form after a stage to what the user asks for, if it is that.
template <typename Text>
void print(const CompileOptions& options, std::string_view stage, Text text) {
  if (options.printed != nullptr && options.print_after == stage) *options.printed += text();
}

/// A stage with the network that the search has found for it.
struct PlannedStage {
  model::Graph graph;
  std::string lowered;  ///< if that is to be printed
  Planned planned;
};

/// A whole network, rewritten.
struct Candidate {
  model::Graph graph;
  Removed removed;
  std::vector<PlannedStage> stages;

  double cycles() const {
    return std::accumulate(stages.begin(), stages.end(), 0.0, [](double sum, const auto& stage) {
      return sum + stage.planned.plan.cycles;
    });
  }
};

/// Instructions, constants and layers of a planned network.
Program program_of(const Planned& planned, const machine::Config& config,
                   const CompileOptions& options) {
  const auto& [network, layout, printed] = planned;
  if (options.printed != nullptr) *options.printed += printed;
  print(options, "plan", [&, &net = network, &plan = layout] { return to_text(plan, net); });
  Image image = make_image(network, config, layout);
  Emitter emitter(network, config, layout, image);
  emitter.run();
  print(options, "emit", [&] { return to_text(emitter.instructions); });
  std::vector<Instruction> runs = schedule_loads(std::move(emitter.instructions), config);
  insert_tokens(runs);
  print(options, "schedule", [&] { return to_text(runs); });

  Program program;
  program.config = config;
  program.config_hash = config.hash();
  program.words = encode(runs, program.config_hash);
  program.image_offset = layout.arena_bytes;
  program.image = std::move(image.bytes);
  program.dram_bytes = round_up(layout.arena_bytes + image.size, std::int64_t{4096});
  std::vector<int> row;  // of the report: stripes of a layer share one
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    row.push_back(layer.like >= 0 ? row[at(layer.like)] : static_cast<int>(program.layers.size()));
    const std::int64_t expected = std::llround(layout.tilings[i].expected);
    if (layer.like < 0) {
      program.layers.push_back({layer.name, layer.op, layer.macs,
                                describe(layer, layout.tilings[i], layout),
                                bound_of(layer, network, config), expected});
    } else {
      program::ProgramLayer& whole = program.layers[at(row.back())];
      whole.expected_cycles += expected;
      ++whole.stripes;
    }
  }
  for (const Instruction& run : runs) program.run_layer.push_back(row[at(run.layer)]);
  return program;
}

Program compile_stage(const PlannedStage& stage, const machine::Config& config,
                      const CompileOptions& options) {
  print(options, "lower", [&] { return stage.lowered; });
  Program program = program_of(stage.planned, config, options);
  program.name = stage.graph.name;
  const Network& network = stage.planned.network;
  const Plan& plan = stage.planned.plan;
  const auto layouts = [&](const std::vector<int>& tensors, const std::vector<int>& maps) {
    std::vector<TensorLayout> result;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const auto m = at(maps[i]);
      result.push_back(layout_of(stage.graph, tensors[i], network.maps[m], plan.maps[m]));
    }
    return result;
  };
  program.inputs = layouts(network.input_tensors, network.inputs);
  program.outputs = layouts(network.output_tensors, network.outputs);
  program.before = network.before;
  program.after = network.after;
  program.rounding = options.rounding;
  lay_out_edges(program);
  add_bus(program);
  return program;
}

void plan_stages(Candidate& candidate, const machine::Config& config,
                 const CompileOptions& options) {
  for (LegalStage& stage : legal_stages(candidate.graph, config, options.rounding, options.host)) {
    std::string lowered = options.print_after == "lower" ? to_text(stage.network) : "";
    candidate.stages.push_back({std::move(stage.graph), std::move(lowered),
                                search(std::move(stage.network), config, options.fusion,
                                       options.print_after, options.cascading)});
  }
}

bool same_order(const model::Graph& a, const model::Graph& b) {
  return std::ranges::equal(a.ops, b.ops, [](const model::Op& x, const model::Op& y) {
    return x.index == y.index && x.inputs == y.inputs && x.outputs == y.outputs;
  });
}

/// Estimates that differ by less do not say which of two plans is better.
constexpr double kAsGood = 1.005;

/// The images of a batch go through the network one after the other, or in groups that fit
/// into half of DMEM (gaps and buffers take the rest): whichever is planned to take fewer cycles,
/// groups if they are as good.
Candidate best_order(const model::Graph& graph, const machine::Config& config,
                     const CompileOptions& options, bool rows) {
  std::optional<Candidate> best;
  for (const bool groups : {false, true}) {
    if (best && !has_batch(graph)) break;
    Candidate next;
    next.graph = rewritten(graph, options.rounding, &next.removed, rows,
                           groups ? config.dmem_words() / 2 : 0);
    if (best && same_order(next.graph, best->graph)) break;
    plan_stages(next, config, options);
    if (!best || next.cycles() <= kAsGood * best->cycles()) best = std::move(next);
  }
  return std::move(*best);
}

/// A batch that mixes along axis 0 is rows; where the machine cannot compute it so, images.
Candidate best_order(const model::Graph& graph, const machine::Config& config,
                     const CompileOptions& options) {
  try {
    return best_order(graph, config, options, true);
  } catch (const model::Refusal&) {
    if (!has_batch(graph)) throw;
  }
  return best_order(graph, config, options, false);
}

/// Whether the machine computes LSTMs as tflite-micro does, whose products round twice.
bool rounds_twice(const reference::RoundingPolicy& rounding) {
  return rounding.fully_connected == reference::Rounding::kDouble &&
         rounding.others == reference::Rounding::kDouble;
}

bool has_lstm(const machine::Config& config, const reference::RoundingPolicy& rounding) {
  return config.activations16 && config.table && config.vector && rounds_twice(rounding) &&
         rounding.lstm == reference::LstmKernel::kMicro;
}

bool has_memories(const machine::Config& config, const reference::RoundingPolicy& rounding) {
  return config.activations16 && config.vector && config.zero_points() && rounds_twice(rounding);
}

}  // namespace

std::vector<std::string> stage_names() {
  std::vector<std::string> names{"rewrite", "lower"};
  for (const Pass& pass : kPasses) names.emplace_back(pass.name);
  names.insert(names.end(), {kCascade, kInterleave, "plan", "emit", "schedule"});
  return names;
}

Program compile(const model::Graph& graph, const machine::Config& config,
                const CompileOptions& options) {
  machine::check(config);
  model::check(graph);
  reference::check_policy(graph, options.rounding);
  model::Graph written =
      has_lstm(config, options.rounding) ? with_steps(graph, config.rows / 2) : graph;
  if (has_memories(config, options.rounding)) written = with_memories(std::move(written));
  if (config.activations16) written = with_narrow_products(std::move(written));
  const Candidate best = best_order(written, config, options);
  print(options, "rewrite", [&] { return model::to_text(best.graph); });
  std::vector<Program> programs;
  for (const PlannedStage& stage : best.stages) {
    if (options.printed != nullptr && best.stages.size() > 1 && options.print_after != "rewrite")
      *options.printed += fmt::format("stage {} of {}\n", programs.size() + 1, best.stages.size());
    programs.push_back(compile_stage(stage, config, options));
  }
  Program first = std::move(programs.front());
  first.rest.assign(std::make_move_iterator(programs.begin() + 1),
                    std::make_move_iterator(programs.end()));
  first.removed = best.removed;
  return first;
}

Program compile_shapes(Network network, const machine::Config& config) {
  machine::check(config);
  return program_of(search(std::move(network), config), config, {});
}

}  // namespace trine::compiler
