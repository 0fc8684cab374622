// SPDX-License-Identifier: Apache-2.0

#include "tools/estimate/estimate.h"

#include <algorithm>

#include "machine/memories.h"
#include "machine/timing.h"
#include "sw/compiler/lower/lower.h"
#include "sw/compiler/rewrite/rewrite.h"
#include "sw/compiler/transform/search.h"

namespace trine::estimate {
namespace {

std::int64_t stored_bytes(const compiler::Layer& l) {
  if (l.kind != compiler::LayerKind::kConv || l.weights_map >= 0) return 0;
  const std::int64_t codes = std::int64_t{l.channels} * l.steps() * l.conv().step_codes;
  return codes / l.conv().steps_per_row * 4 / l.conv().step_codes +
         machine::kParameterBytes * l.channels;
}

/// Cycles on the bus until the network's inputs that a layer reads first lie in DMEM.
double arrival(const compiler::Network& network, const compiler::Plan& plan, int layer,
               const machine::Config& config) {
  std::int64_t words = 0;
  for (std::size_t m = 0; m < network.maps.size(); ++m) {
    const compiler::Map& map = network.maps[m];
    if (map.input && map.first_use == layer && plan.maps[m].resident)
      words += std::int64_t{map.shape.H} * map.shape.W * map.words_of(map.shape.C);
  }
  return 32.0 * static_cast<double>(words) / config.axi_data_bits;
}

/// Weights come while layers before are computed, as far ahead as PMEM holds them all: a row's
/// cycles become those until its end.
void load_ahead(std::vector<Row>* rows, std::int64_t pmem_bytes) {
  double bus = 0, end = 0;
  std::vector<double> starts;
  std::size_t first = 0;  // whose weights are still there
  std::int64_t held = 0;
  for (Row& row : *rows) {
    starts.push_back(end);
    held += row.weight_bytes;
    while (held > pmem_bytes && first + 1 < starts.size()) held -= (*rows)[first++].weight_bytes;
    bus = std::max(bus, starts[first]) + row.bus;
    const bool apart =
        row.cycles > std::max(row.compute, row.bus) + timing::kLayerOverhead;  // do not overlap
    end = std::max(end + (apart ? row.cycles : row.compute + timing::kLayerOverhead), bus);
    row.cycles = end - starts.back();
  }
}

}  // namespace

std::vector<Row> of_layers(compiler::Network lowered, const machine::Config& config) {
  const auto [network, plan, printed] = compiler::search(std::move(lowered), config);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const compiler::Layer& layer = network.layers[i];
    const compiler::Tiling& t = plan.tilings[i];
    const compiler::Placement& in = plan.maps[static_cast<std::size_t>(layer.input)];
    Row row;
    row.name = layer.name;
    row.op = layer.op;
    row.macs = layer.macs;
    row.weight_bytes = stored_bytes(layer);
    const int pitch = in.resident ? in.dmem.pitch : in.dram.pitch;
    const auto replays = static_cast<double>(compiler::replay_cycles(layer, pitch, config));
    row.compute = t.compute + replays;
    row.bus = t.traffic + arrival(network, plan, static_cast<int>(i), config);
    row.cycles = std::max(t.expected, row.compute) + timing::kLayerOverhead;
    rows.push_back(row);
  }
  return rows;
}

std::vector<Row> of_network(compiler::Network lowered, const machine::Config& config) {
  std::vector<Row> rows = of_layers(std::move(lowered), config);
  load_ahead(&rows, std::int64_t{config.pmem_kib} * 1024);
  return rows;
}

Estimate of_graph(const model::Graph& graph, const machine::Config& config,
                  const reference::RoundingPolicy& rounding) {
  machine::check(config);
  model::check(graph);
  return {
      graph.name,
      of_network(compiler::lower(compiler::rewritten(graph, rounding), config, rounding), config),
      model::macs(graph)};
}

}  // namespace trine::estimate
