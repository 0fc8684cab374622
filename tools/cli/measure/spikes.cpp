// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/measure/spikes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sw/base/error.h"
#include "sw/compiler/compiler.h"
#include "sw/model/graph/spiking.h"
#include "sw/model/rewrite/batch.h"
#include "tools/cli/run/rate.h"
#include "tools/estimate/estimate.h"

namespace trine::cli {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Tensor;

bool is_spiking(const Op& op) { return op.kind == OpKind::kSpiking; }

/// Builds the network of one step in which products give rectified int8 codes in place of the
/// currents of neurons. @return nothing if the currents come from other operators
class Dense {
 public:
  explicit Dense(Graph graph) : graph_(std::move(graph)) {}

  std::optional<Graph> run(int steps) {
    for (Tensor& t : graph_.tensors)
      if (!t.is_constant && t.rank() > 0 && t.shape[0] == steps) t.shape[0] = 1;
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) producer_[graph_.ops[i].outputs[0]] = i;
    for (Op& op : graph_.ops)
      if (is_spiking(op) && !rectify(op)) return std::nullopt;
    std::erase_if(graph_.ops, is_spiking);
    for (Op& op : graph_.ops)
      if (model::is_reshape(op.kind)) model::set_shape(graph_, op, graph_.out(op).shape);
    drop_unread();
    return std::move(graph_);
  }

 private:
  bool rectify(const Op& neuron) {
    const auto found = producer_.find(neuron.input(0));
    if (found == producer_.end() || !model::is_product(graph_.ops[found->second].kind))
      return false;
    Op& product = graph_.ops[found->second];
    const auto widening = producer_.find(product.input(0));
    if (widening != producer_.end()) {
      const Op& op = graph_.ops[widening->second];
      if (op.kind == OpKind::kQuantize && graph_.in(op, 0).type == DataType::kInt8)
        product.inputs[0] = op.input(0);
    }
    Tensor& out = graph_.tensors[static_cast<std::size_t>(neuron.outputs[0])];
    if (out.type == DataType::kInt16) out.quantization.scale[0] *= 256;
    out.type = DataType::kInt8;
    product.outputs = neuron.outputs;
    product.code_min =
        model::spiking::neuron_of(neuron).reset == model::spiking::Reset::kNone ? INT8_MIN : 0;
    product.code_max = INT8_MAX;
    return true;
  }

  void drop_unread() {
    std::erase_if(graph_.ops, [&](const Op& op) {
      const int t = op.outputs[0];
      return std::ranges::count(graph_.outputs, t) == 0 &&
             std::ranges::none_of(graph_.ops, [&](const Op& other) {
               return std::ranges::count(other.inputs, t) > 0;
             });
    });
  }

  Graph graph_;
  std::map<int, std::size_t> producer_;
};

std::int64_t others_than_zero(const Array& codes) {
  const std::size_t width = codes.dtype == "i2" ? 2 : 1;
  std::int64_t count = 0;
  for (std::size_t i = 0; i < codes.bytes.size(); i += width)
    count += codes.bytes[i] != 0 || (width == 2 && codes.bytes[i + 1] != 0) ? 1 : 0;
  return count;
}

void count_spikes(const Graph& graph, const reference::Values& values, SpikeReport& report) {
  std::int64_t spikes = 0;
  double operations = 0;
  for (const Op& op : graph.ops) {
    const bool fires = is_spiking(op) && graph.out(op).type == DataType::kInt8;
    const std::int64_t fired = fires ? others_than_zero(values.at(op.outputs[0])) : 0;
    spikes += fired;
    const auto macs = static_cast<double>(model::macs(graph, op));
    if (macs == 0) continue;
    const int of = is_spiking(op) ? op.outputs[0] : op.input(0);
    operations += macs * static_cast<double>(others_than_zero(values.at(of))) /
                  static_cast<double>(graph.tensor(of).elements());
  }
  report.spikes = spikes;
  report.operations = static_cast<std::int64_t>(operations);
}

void add_dense(const Network& network, int steps, const EnergyOptions& options,
               const energy::Table& table, const sim::BusOptions& bus, SpikeReport& report) {
  const std::optional<Graph> dense = Dense(*network.graph).run(steps);
  if (!dense) return;
  try {
    const compiler::Program program = compiler::compile(*dense, network.program.config);
    const sim::RunResult run = estimate::of_program(program, bus);
    report.dense_cycles = static_cast<double>(run.cycles);
    report.dense_pj = energy_report(program, run, options, table).sum.total();
    report.dense_macs = model::macs(*dense);
  } catch (const Error&) {  // for example too small memories: there is nothing to compare with
  }
}

std::string number(double n) { return grouped(static_cast<std::uint64_t>(n)); }

}  // namespace

std::optional<SpikeReport> spike_report(const Network& network, const reference::Values* values,
                                        double cycles, const EnergyReport& energy,
                                        const EnergyOptions& options, const sim::BusOptions& bus) {
  if (!network.graph || network.images != 1) return std::nullopt;
  const Graph& graph = *network.graph;
  SpikeReport report;
  for (const Op& op : graph.ops) {
    if (!is_spiking(op)) continue;
    const int steps = graph.in(op, 0).extent(0);
    if (report.layers++ > 0 && steps != report.steps) return std::nullopt;
    report.steps = steps;
    report.neurons += graph.in(op, 0).elements() / steps;
  }
  if (report.layers == 0) return std::nullopt;
  report.macs = model::macs(graph);
  report.cycles = cycles;
  report.pj = energy.sum.total();
  if (values != nullptr) count_spikes(graph, *values, report);
  const spec::Config& config = network.program.config;
  if (config.activations16 &&
      config.vector)  // otherwise the host computes the neurons, and that time is not counted
    add_dense(network, report.steps, options, energy.table, bus, report);
  return report;
}

std::string to_text(const SpikeReport& r) {
  std::string text = fmt::format("{} steps of {} neurons in {} layers", r.steps,
                                 number(static_cast<double>(r.neurons)), r.layers);
  if (r.spikes)
    text += fmt::format(
        ": {} spikes, {:.1f} %\n{} products of codes that are not 0, {:.1f} % of the MACs; "
        "all take their cycles",
        number(static_cast<double>(*r.spikes)),
        100.0 * static_cast<double>(*r.spikes) / (r.steps * static_cast<double>(r.neurons)),
        number(static_cast<double>(*r.operations)),
        100.0 * static_cast<double>(*r.operations) /
            static_cast<double>(std::max<std::int64_t>(r.macs, 1)));
  text += "\n";
  if (r.dense_macs == 0) return text;
  return text + fmt::format(
                    "as int8 with rectifiers, one pass: {} cycles, {}, {} MACs; spikes take {:.1f} "
                    "times the cycles, {:.1f} times the energy\n"
                    "counting only products of codes that are not 0, spikes would have fewer than "
                    "int8 below {:.1f} %\n",
                    number(r.dense_cycles), energy_text(r.dense_pj),
                    number(static_cast<double>(r.dense_macs)), r.cycles / r.dense_cycles,
                    r.pj / r.dense_pj, 100 * r.pays_below());
}

Json to_json(const SpikeReport& r) {
  Json json{{"steps", r.steps},  {"layers", r.layers},    {"neurons", r.neurons}, {"macs", r.macs},
            {"spikes", nullptr}, {"operations", nullptr}, {"int8", nullptr}};
  if (r.spikes) json["spikes"] = *r.spikes;
  if (r.operations) json["operations"] = *r.operations;
  if (r.dense_macs > 0)
    json["int8"] = {{"cycles", r.dense_cycles},
                    {"energy_pj", r.dense_pj},
                    {"macs", r.dense_macs},
                    {"pays_below", r.pays_below()}};
  return json;
}

}  // namespace trine::cli
