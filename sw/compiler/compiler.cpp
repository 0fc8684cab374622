// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/compiler.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/error.h"
#include "sw/compiler/emit/emitter.h"
#include "sw/compiler/lower/lower.h"
#include "sw/compiler/network/network.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/rewrite/rewrite.h"
#include "sw/compiler/schedule/schedule.h"
#include "sw/compiler/stages.h"

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
  layout.offset = 4 * place.dram.origin;
  layout.pitch = place.dram.pitch;
  layout.plane = place.dram.plane;
  layout.scale = t.scale();
  layout.zero_point = t.zero_point();
  return layout;
}

const char* where(const Placement& place) { return place.resident ? "DMEM" : "DRAM"; }

std::string describe(const Layer& layer, const Tiling& t, const Plan& plan) {
  const auto place = [&](int map) { return where(plan.maps[static_cast<std::size_t>(map)]); };
  std::string text = fmt::format("{} -> {}", place(layer.input), place(layer.output));
  if (t.rows < layer.window.P || t.cols < layer.window.Q)
    text += fmt::format(", parts of {}x{} pixels", t.rows, t.cols);
  if (layer.kind == LayerKind::kConv && t.chunk < layer.channels)
    text += fmt::format(", {} channels at a time", t.chunk);
  if (t.pieces) text += ", reduction in pieces";
  if (t.relay) text += ", weights in relay";
  return text;
}

Program compile_stage(const model::Graph& graph, const machine::Config& config,
                      const CompileOptions& options) {
  auto [network, layout] = search(lower(graph, config, options.rounding), config, options.fusion);
  Image image = make_image(network, config, layout);
  Emitter emitter(network, config, layout, image);
  emitter.run();
  std::vector<Instruction> runs = schedule_loads(std::move(emitter.instructions), config);
  insert_tokens(runs);

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
        {layer.name, layer.op, layer.macs, describe(layer, layout.tilings[i], layout)});
  }
  const auto layouts = [&](const std::vector<int>& tensors, const std::vector<int>& maps) {
    std::vector<TensorLayout> result;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const auto m = static_cast<std::size_t>(maps[i]);
      result.push_back(layout_of(graph, tensors[i], network.maps[m], layout.maps[m]));
    }
    return result;
  };
  program.inputs = layouts(network.input_tensors, network.inputs);
  program.outputs = layouts(network.output_tensors, network.outputs);
  program.before = std::move(network.before);
  program.after = std::move(network.after);
  program.rounding = options.rounding;
  return program;
}

/// Stage after stage. @throws Unsupported  with indices into graph.ops
Program compile_stages(const model::Graph& graph, const machine::Config& config,
                       const CompileOptions& options) {
  std::vector<Program> programs;
  for (const Stage& stage : stages_of(graph)) {
    try {
      programs.push_back(compile_stage(stage.graph, config, options));
    } catch (const Unsupported& e) {
      std::vector<int> ops;
      for (const int op : e.ops) ops.push_back(stage.ops[static_cast<std::size_t>(op)]);
      throw Unsupported(e, ops);
    }
  }
  Program first = std::move(programs.front());
  first.rest.assign(std::make_move_iterator(programs.begin() + 1),
                    std::make_move_iterator(programs.end()));
  return first;
}

/// @throws Refusal  with what the user can do, besides
Program compile_on_machine(const model::Graph& graph, const machine::Config& config,
                           const CompileOptions& options) try {
  return compile_stage(graph, config, options);
} catch (const Unsupported& e) {
  throw model::Refusal(
      e.reasons(),
      fmt::format("{}\n{}: --allow-host runs {} on the host, between stages of the machine",
                  e.what(), graph.file, e.ops.size() == 1 ? "this operator" : "these operators"));
}

/// Operators on floats that no table replaces, and those that give them their operands or read
/// their results.
void mark_host(model::Graph* graph) {
  std::set<int> floats;  // tensors that the host makes or reads
  const auto is_host = [&](const model::Op& op) {
    const auto found = [&](int t) { return floats.count(t) > 0; };
    const bool joins_floats = op.kind == model::OpKind::kConcatenation &&
                              graph->out(op).type == model::DataType::kFloat32;
    return op.kind == model::OpKind::kOnnx || joins_floats ||
           std::any_of(op.inputs.begin(), op.inputs.end(), found) ||
           std::any_of(op.outputs.begin(), op.outputs.end(), found);
  };
  for (bool more = true; std::exchange(more, false);)
    for (model::Op& op : graph->ops) {
      if (op.on_host || !is_host(op)) continue;
      op.on_host = more = true;
      for (const auto* tensors : {&op.inputs, &op.outputs})
        for (const int t : *tensors)
          if (t >= 0 && !graph->tensor(t).is_constant &&
              graph->tensor(t).type == model::DataType::kFloat32)
            floats.insert(t);
    }
}

}  // namespace

Program compile(const model::Graph& graph, const machine::Config& config,
                const CompileOptions& options) {
  machine::check(config);
  model::check(graph);
  model::Graph split = rewritten(graph);
  if (!options.allow_host) return compile_on_machine(split, config, options);
  mark_host(&split);
  // What the machine refuses goes to the host, until nothing is refused; or until that does not
  // help: tensors that only pass through the machine are int8, too.
  for (;;) {
    try {
      return compile_stages(split, config, options);
    } catch (const Unsupported& e) {
      bool helps = false;
      for (const int index : e.ops) {
        bool& on_host = split.ops[static_cast<std::size_t>(index)].on_host;
        helps = helps || !on_host;
        on_host = true;
      }
      if (!helps) throw;
    }
  }
}

}  // namespace trine::compiler
