// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/segment_program.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "sw/base/division.h"
#include "sw/compiler/edges/edges.h"
#include "sw/compiler/emit/emitter.h"
#include "sw/compiler/network/bound.h"
#include "sw/compiler/plan/plan.h"
#include "sw/compiler/schedule/schedule.h"
#include "sw/compiler/verify/verify.h"
#include "sw/program/traffic.h"
#include "sw/program/verify.h"

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
  if (t.pieces) text += t.sums ? ", partial sums" : ", reduction in pieces";
  if (t.relay) text += ", weights in relay";
  return text;
}

/// Raises the bounds of the layers to the time that the bus needs: a layer must load its constants
/// and the network's inputs, and store the network's outputs.
void add_bus(Program& program) {
  const std::vector<program::Traffic> traffic = traffic_of(program);
  for (std::size_t i = 0; i < traffic.size(); ++i) {
    std::int64_t& bound = program.layers[i].bound_cycles;
    bound = std::max(bound, 8 * traffic[i].compulsory.all() / program.config.axi_data_bits);
  }
}

}  // namespace

Program program_of(const Planned& planned, const spec::Config& config,
                   const CompileOptions& options) {
  const auto& [network, plan, printed] = planned;
  if (options.printed != nullptr) *options.printed += printed;
  const Verifier verifier(config, options.verify);
  verifier.verify(plan, network);
  print(options, "plan", [&, &net = network, &plan = plan] { return to_text(plan, net); });
  Image image = make_image(network, config, plan);
  Emitter emitter(network, config, plan, image);
  emitter.run();
  verifier.verify(emitter.instructions, plan, network);
  print(options, "emit", [&] { return to_text(emitter.instructions); });
  std::vector<Instruction> runs = schedule_loads(std::move(emitter.instructions), config);
  insert_tokens(runs);
  print(options, "schedule", [&] { return to_text(runs); });

  Program program;
  program.config = config;
  program.config_hash = config.hash();
  program.words = encode(runs, program.config_hash);
  program.image_offset = plan.arena_bytes;
  program.image = std::move(image.bytes);
  program.dram_bytes = round_up(plan.arena_bytes + image.size, std::int64_t{4096});
  std::vector<int> row;    // by layer: its row of the report; stripes and chunks share it
  std::vector<int> begun;  // the first layer of each row
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const Layer& layer = network.layers[i];
    const int same = layer.like >= 0 ? layer.like : layer.part_of;
    row.push_back(same >= 0 ? row[at(same)] : static_cast<int>(program.layers.size()));
    const std::int64_t expected = std::llround(plan.tilings[i].expected);
    const std::int64_t bound = layer.like >= 0 ? 0 : bound_of(layer, network, config);
    if (same < 0) {
      begun.push_back(static_cast<int>(i));
      program::ProgramLayer& added = program.layers.emplace_back();
      added.name = layer.name;
      added.module = layer.module;
      added.op = layer.op;
      added.macs = layer.macs;
      if (layer.kind == LayerKind::kConv) added.pe_macs = layer.conv().step_codes;
      added.placement = describe(layer, plan.tilings[i], plan);
      added.bound_cycles = bound;
      added.expected_cycles = expected;
    } else {
      program::ProgramLayer& whole = program.layers[at(row.back())];
      whole.macs += layer.macs;
      whole.bound_cycles += bound;
      whole.expected_cycles += expected;
      if (begun[at(row.back())] == layer.like) ++whole.stripes;
    }
  }
  for (const Instruction& run : runs) program.run_layer.push_back(row[at(run.layer)]);
  return program;
}

Program compile_segment(const PlannedSegment& segment, const spec::Config& config,
                        const CompileOptions& options) {
  print(options, "lower", [&] { return segment.lowered; });
  Program program = program_of(segment.planned, config, options);
  program.name = segment.graph.name;
  const Network& network = segment.planned.network;
  const Plan& plan = segment.planned.plan;
  const auto layouts = [&](const std::vector<int>& tensors, const std::vector<int>& maps) {
    std::vector<TensorLayout> result;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      const auto m = at(maps[i]);
      result.push_back(layout_of(segment.graph, tensors[i], network.maps[m], plan.maps[m]));
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

void verify_own(const Program& segment) {
  const auto fault = program::verify(segment.words, segment.config, segment.dram_bytes);
  if (!fault) return;
  std::size_t run = 0;  // the first RUN at or after the word
  for (std::size_t i = 1; i < fault->word; ++i)
    run += isa::opcode_of(segment.words[i]) == isa::Opcode::kRun ? 1 : 0;
  const std::string layer = run < segment.run_layer.size()
                                ? segment.layers[at(segment.run_layer[run])].name
                                : segment.name;
  throw_error("internal error: the program of layer '{}' breaks a rule of the machine: {}", layer,
              fault->text);
}

}  // namespace trine::compiler
