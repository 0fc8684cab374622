// SPDX-License-Identifier: Apache-2.0

#include "tools/estimate/estimate.h"

#include <algorithm>
#include <functional>
#include <set>

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

/// The rows of a network.
class Rows {
 public:
  /// Returns the row of a layer, by its name in the program.
  Row& of(const std::string& in_program) {
    const auto found = std::ranges::find(keys_, in_program);
    if (found != keys_.end()) return rows[static_cast<std::size_t>(found - keys_.begin())];
    keys_.push_back(in_program);
    return rows.emplace_back();
  }
  /// Returns the row of a layer of the network, with its name and operator.
  Row& of(const compiler::Layer& layer, const std::string& in_program) {
    Row& row = of(in_program);
    if (std::ranges::find(row.parts, layer.name) != row.parts.end()) return row;
    row.name += (row.parts.empty() ? "" : "+") + layer.name;
    row.op += (row.parts.empty() ? "" : "+") + layer.op;
    row.parts.push_back(layer.name);
    return row;
  }

  std::vector<Row> rows;

 private:
  std::vector<std::string> keys_;
};

/// Returns the name that a layer of the network has in the program. If it is fused into the layer
/// that reads its output, the program has that layer's name.
const std::string& name_in(const compiler::Program& program, const compiler::Network& network,
                           const compiler::Layer& layer) {
  using compiler::ProgramLayer;
  if (std::ranges::find(program.layers, layer.name, &ProgramLayer::name) != program.layers.end())
    return layer.name;
  const auto reader = std::ranges::find(network.layers, layer.output, &compiler::Layer::input);
  return reader == network.layers.end() ? layer.name : reader->name;
}

}  // namespace

std::array<double, sim::kCauses> Row::causes_of_one() const {
  double all = 0;
  for (const std::uint64_t c : causes) all += static_cast<double>(c);
  std::array<double, sim::kCauses> one{};
  for (std::size_t c = 0; all > 0 && c < one.size(); ++c)
    one[c] = static_cast<double>(causes[c]) * cycles / all;
  return one;
}

program::Bytes Estimate::dram() const {
  program::Bytes total;
  for (const Row& row : rows)
    total += {row.dram.constants * row.times, row.dram.maps_read * row.times,
              row.dram.maps_written * row.times};
  return total;
}

std::int64_t Estimate::program_bytes() const {
  std::int64_t total = 0;
  for (const Row& row : rows) total += row.program_bytes() * row.times;
  return total;
}

sim::RunResult of_program(const compiler::Program& program, const sim::BusOptions& bus) {
  std::vector<sim::RunResult> results;
  for (const compiler::Program* segment : compiler::segments(program))
    results.push_back(sim::run_timing(*segment, bus));
  return sim::in_sequence(std::move(results));
}

std::vector<Row> of_network(const compiler::Network& lowered, const spec::Config& config) {
  const compiler::Program program = compiler::compile_shapes(lowered, config);
  Rows rows;
  std::set<std::int64_t> stored;  // weights that several images share
  for (const compiler::Layer& layer : lowered.layers) {
    Row& row = rows.of(layer, name_in(program, lowered, layer));
    row.macs += layer.macs;
    const std::int64_t like =
        layer.kind == compiler::LayerKind::kConv ? layer.conv().weights_like : -1;
    if (like < 0 || stored.insert(like).second) row.weight_bytes += stored_bytes(layer);
  }
  const sim::RunResult run = of_program(program);
  const std::vector<sim::Counts> counts = sim::counts_of(program);
  const std::vector<program::Traffic> traffic = program::traffic_of(program);
  for (std::size_t i = 0; i < program.layers.size(); ++i) {
    Row& row = rows.of(program.layers[i].name);
    std::ranges::transform(row.actions, counts[i].actions, row.actions.begin(), std::plus<>());
    row.dmem += counts[i].dmem;
    if (row.parts.empty()) {  // a layer that the compiler inserted
      row.name = program.layers[i].name;
      row.op = program.layers[i].op;
    }
    row.dram += traffic[i].moved;
    row.cycles += static_cast<double>(run.layers[i].cycles);
    row.peak_cycles += program.layers[i].peak_cycles(config);
    if (program.layers[i].macs > 0) row.pe_macs = program.layers[i].pe_macs;
    for (std::size_t c = 0; c < sim::kCauses; ++c) row.causes[c] += run.layers[i].causes[c];
  }
  return std::move(rows.rows);
}

}  // namespace trine::estimate
