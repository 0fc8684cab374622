// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/compiler.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "sw/compiler/edges.h"
#include "sw/compiler/emit/emitter.h"
#include "sw/compiler/legal.h"
#include "sw/compiler/network/bound.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/rewrite/rewrite.h"
#include "sw/compiler/schedule/schedule.h"
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

Program compile_stage(LegalStage stage, const machine::Config& config,
                      const CompileOptions& options) {
  const model::Graph& graph = stage.graph;
  print(options, "lower", [&] { return to_text(stage.network); });
  auto [network, layout, printed] =
      search(std::move(stage.network), config, options.fusion, options.print_after);
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
  program.name = graph.name;
  program.words = encode(runs, program.config_hash);
  program.image_offset = layout.arena_bytes;
  program.image = std::move(image.bytes);
  program.dram_bytes =
      (layout.arena_bytes + static_cast<std::int64_t>(program.image.size()) + 4095) / 4096 * 4096;
  for (const Instruction& run : runs) program.run_layer.push_back(run.layer);
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    program.layers.push_back(
        {layer.name, layer.op, layer.macs, describe(layer, layout.tilings[i], layout),
         bound_of(layer, network, config), std::llround(layout.tilings[i].expected)});
  }
  const auto layouts = [&](const std::vector<int>& tensors, const std::vector<int>& maps) {
    std::vector<TensorLayout> result;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const auto m = at(maps[i]);
      result.push_back(layout_of(graph, tensors[i], network.maps[m], layout.maps[m]));
    }
    return result;
  };
  program.inputs = layouts(network.input_tensors, network.inputs);
  program.outputs = layouts(network.output_tensors, network.outputs);
  program.before = std::move(network.before);
  program.after = std::move(network.after);
  program.rounding = options.rounding;
  lay_out_edges(program);
  add_bus(program);
  return program;
}

}  // namespace

std::vector<std::string> stage_names() {
  std::vector<std::string> names{"rewrite", "lower"};
  for (const Pass& pass : kPasses) names.emplace_back(pass.name);
  names.insert(names.end(), {"plan", "emit", "schedule"});
  return names;
}

Program compile(const model::Graph& graph, const machine::Config& config,
                const CompileOptions& options) {
  machine::check(config);
  model::check(graph);
  Removed removed;
  model::Graph split = rewritten(graph, options.rounding, &removed);
  print(options, "rewrite", [&] { return model::to_text(split); });
  std::vector<Program> programs;
  std::vector<LegalStage> stages =
      legal_stages(std::move(split), config, options.rounding, options.allow_host);
  for (LegalStage& stage : stages) {
    if (options.printed != nullptr && stages.size() > 1 && options.print_after != "rewrite")
      *options.printed += fmt::format("stage {} of {}\n", programs.size() + 1, stages.size());
    programs.push_back(compile_stage(std::move(stage), config, options));
  }
  Program first = std::move(programs.front());
  first.rest.assign(std::make_move_iterator(programs.begin() + 1),
                    std::make_move_iterator(programs.end()));
  first.removed = removed;
  return first;
}

}  // namespace trine::compiler
