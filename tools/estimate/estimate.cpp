// SPDX-License-Identifier: Apache-2.0

#include "tools/estimate/estimate.h"

#include <algorithm>
#include <functional>

#include "spec/memories.h"
#include "sw/compiler/compile_shapes.h"

namespace trine::estimate {
namespace {

std::int64_t stored_bytes(const compiler::Layer& l) {
  if (l.kind != compiler::LayerKind::kConv || l.weights_map >= 0) return 0;
  const std::int64_t codes = std::int64_t{l.channels} * l.steps() * l.conv().step_codes;
  return codes / l.conv().steps_per_row * 4 / l.conv().step_codes +
         spec::kParameterBytes * l.channels;
}

Row& row_of(std::vector<Row>& rows, const std::string& name) {
  const auto found = std::ranges::find(rows, name, &Row::name);
  return found != rows.end() ? *found : rows.emplace_back(Row{.name = name, .op = {}});
}

}  // namespace

sim::RunResult of_program(const compiler::Program& program, const sim::BusOptions& bus) {
  std::vector<sim::RunResult> results;
  for (const compiler::Program* segment : compiler::segments(program))
    results.push_back(sim::run_timing(*segment, bus));
  return sim::in_sequence(std::move(results));
}

std::vector<Row> of_network(compiler::Network lowered, const spec::Config& config) {
  std::vector<Row> rows;
  for (const compiler::Layer& layer : lowered.layers) {
    Row& row = row_of(rows, layer.name);
    row.op = layer.op;
    row.macs += layer.macs;
    row.weight_bytes += stored_bytes(layer);
  }
  const compiler::Program program = compiler::compile_shapes(std::move(lowered), config);
  const sim::RunResult run = of_program(program);
  const std::vector<sim::Actions> actions = sim::count_actions(program);
  for (std::size_t i = 0; i < program.layers.size(); ++i) {
    Row& row = row_of(rows, program.layers[i].name);
    std::ranges::transform(row.actions, actions[i], row.actions.begin(), std::plus<>());
    row.cycles += static_cast<double>(run.layers[i].cycles);
    for (std::size_t c = 0; c < sim::kCauses; ++c) row.causes[c] += run.layers[i].causes[c];
  }
  return rows;
}

}  // namespace trine::estimate
