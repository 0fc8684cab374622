// SPDX-License-Identifier: Apache-2.0

#include "tools/cli/measure/dataflow.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <numeric>
#include <set>
#include <span>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/model/import/import.h"
#include "tools/estimate/dataflows.h"
#include "tools/estimate/planned_dram.h"
#include "tools/estimate/transformers.h"

namespace trine::cli {
namespace {

using estimate::Dataflow;
using estimate::Moved;
using estimate::Product;

/// A product with its plan, whose accesses to DRAM count for all orders of loops.
struct Planned {
  Product product;
  estimate::PlannedProduct plan;

  Moved moved(Dataflow flow, const estimate::Resources& r) const {
    return estimate::moved(flow, product, r, plan.dram);
  }
};

std::vector<Product> products(const DataflowOptions& options, const NetworkOptions& network) {
  if (!options.table.empty())
    return estimate::products_of(estimate::transformer(options.table), options.tokens);
  const std::string& file = network.model;
  if (std::filesystem::path(file).extension() == ".csv")
    return estimate::products_of(estimate::parse_shapes(read_text(file), file));
  return estimate::products_of(
      model::parse_model(read_file(file), file, true, model::parse_shapes(network.shapes)));
}

/// Plans products of the same shape once.
std::vector<Planned> planned(const std::vector<Product>& products, const NetworkOptions& network,
                             const spec::Config& config) {
  std::vector<Planned> all;
  for (const Product& p : products) {
    const auto same =
        std::ranges::find_if(all, [&](const Planned& o) { return o.product.shape() == p.shape(); });
    estimate::PlannedProduct plan =
        same != all.end() ? same->plan : estimate::planned(p, config, network.plan_objective());
    all.push_back({p, std::move(plan)});
  }
  return all;
}

/// Returns the energy of all products, in MACs per MAC.
double energy_of(Dataflow flow, std::span<const Planned> all, const estimate::Resources& r) {
  double energy = 0, macs = 0;
  for (const Planned& p : all) {
    const auto times = static_cast<double>(p.product.times);
    energy += times * p.moved(flow, r).energy();
    macs += times * static_cast<double>(p.product.macs());
  }
  return energy / macs;
}

double each(std::int64_t accesses, const Moved& m) {
  return static_cast<double>(accesses) / static_cast<double>(m.macs);
}

std::string parts_text(const char* level, const std::vector<estimate::Accesses>& parts) {
  std::string text;
  for (const estimate::Accesses& a : parts)
    text += fmt::format("  {:<9} {:<8} {:>15}  {}\n", text.empty() ? level : "", a.what,
                        grouped(a.count), a.why);
  return text;
}

/// Explains the counts; then the energies, of this flow by level and of the other flows.
std::string explained(const Planned& p, const Moved& m, const estimate::Resources& r) {
  std::string text =
      parts_text("DRAM", m.dram) + parts_text("buffer", m.buffer) +
      fmt::format("  {:<18} {:>15}  {}\n  {:<18} {:>15}  {}\n", "hops", grouped(m.hops), m.hops_why,
                  "registers", grouped(m.registers), m.registers_why) +
      fmt::format(
          "  energy a MAC: MAC 1.00, registers {:.2f}, hops {:.2f}, buffer {:.2f}, DRAM {:.2f}\n"
          "  each order:",
          estimate::kRegisterCost * each(m.registers, m), estimate::kHopCost * each(m.hops, m),
          estimate::kBufferCost * each(m.buffer_accesses(), m),
          estimate::kDramCost * each(m.dram_accesses(), m));
  for (std::size_t i = 0; i < estimate::kDataflows.size(); ++i)
    text += fmt::format(" {} {:.2f}", estimate::kDataflows[i],
                        energy_of(static_cast<Dataflow>(i), {&p, 1}, r));
  return text + "\n";
}

std::string file_name(std::string name) {
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name.substr(name.size() > 60 ? name.size() - 60 : 0);
}

/// Writes Timeloop's files. @return the number of problems
int write_timeloop(const std::string& folder, Dataflow flow, const std::vector<Planned>& all,
                   const estimate::Resources& r, int bus_bits) {
  std::filesystem::create_directories(folder);
  const std::filesystem::path to = folder;
  write_file(to / "architecture.yaml", estimate::timeloop_architecture(flow, r, bus_bits));
  int count = 0;
  for (const Planned& p : all) {
    const std::string name = fmt::format("{:03}_{}.yaml", count++, file_name(p.product.name));
    write_file(to / ("problem_" + name), estimate::timeloop_problem(p.product));
    if (flow == Dataflow::kOutput)
      write_file(to / ("mapping_" + name), estimate::timeloop_mapping(p.product, p.plan.nest, r));
  }
  return count;
}

Json parts_json(const std::vector<estimate::Accesses>& parts) {
  Json json;
  for (const estimate::Accesses& a : parts) json[a.what] = a.count;
  return json;
}

Json layer_json(const Product& p, const Moved& m) {
  return {{"name", p.name},
          {"times", p.times},
          {"macs", m.macs},
          {"dram", parts_json(m.dram)},
          {"buffer", parts_json(m.buffer)},
          {"hops", m.hops},
          {"registers", m.registers},
          {"energy_macs", m.energy()}};
}

}  // namespace

void DataflowOptions::declare(Command command) {
  add_value(command, "--dataflow F", flow,
            "instead of cycles: the data that each product would move on the array if\n"
            "its output, weight, input or row stayed in a PE: DRAM, buffer (DMEM and\n"
            "PMEM as one), PEs, registers, and the energy in units of a MAC's")
      ->check(one_of({estimate::kDataflows.begin(), estimate::kDataflows.end()}));
  command.add_flag("--explain", explain, "with --dataflow: explain how each count is computed");
  add_value(command, "--timeloop DIR", timeloop,
            "with --dataflow: write architecture and problems for Timeloop 0.4; for\n"
            "output, also the mappings of the plan");
}

void DataflowOptions::check(const NetworkOptions& network) const {
  if (!given() && explain) throw_error("--explain: needs --dataflow");
  if (!given() && !timeloop.empty()) throw_error("--timeloop: needs --dataflow");
  if (given() && network.batch > 1)
    throw_error("--batch {}: not allowed with --dataflow, which counts one image", network.batch);
  if (given() && !network.mapping.empty())
    throw_error("--mapping: not allowed with --dataflow, which plans each product");
}

int run_dataflow(const DataflowOptions& options, const NetworkOptions& network,
                 const spec::Config& config, const Output& output) {
  const auto flow = static_cast<Dataflow>(std::ranges::find(estimate::kDataflows, options.flow) -
                                          estimate::kDataflows.begin());
  const std::string& name = options.table.empty() ? network.model : options.table;
  const std::vector<Planned> all = planned(products(options, network), network, config);
  if (all.empty()) throw_error("{}: contains no product with weights", name);
  const estimate::Resources r = estimate::resources_of(config);
  output.print(
      fmt::format("{} stationary, {} x {} PEs{}, a buffer of {} bytes; accesses a MAC, energy "
                  "in MACs\n{:<28} {:>6} {:>15} {:>8} {:>8} {:>8} {:>9} {:>8}\n",
                  options.flow, r.rows, r.columns, config.cores > 1 ? " of one core" : "",
                  grouped(r.buffer_bytes), "layer", "times", "MACs", "DRAM", "buffer", "hops",
                  "registers", "energy"));
  Json layers = Json::array();
  for (const Planned& one : all) {
    const Product& p = one.product;
    const Moved m = one.moved(flow, r);
    output.print(fmt::format(
        "{:<28} {:>6} {:>15} {:>8.3f} {:>8.3f} {:>8.3f} {:>9.3f} {:>8.2f}\n", fitted(p.name, 28),
        grouped(p.times), grouped(m.macs), each(m.dram_accesses(), m), each(m.buffer_accesses(), m),
        each(m.hops, m), each(m.registers, m), m.energy() / static_cast<double>(m.macs)));
    if (options.explain) output.print(explained(one, m, r));
    layers.push_back(layer_json(p, m));
  }
  Json energies;
  std::string line = "all layers, energy a MAC:";
  for (std::size_t i = 0; i < estimate::kDataflows.size(); ++i) {
    const double energy = energy_of(static_cast<Dataflow>(i), all, r);
    energies[estimate::kDataflows[i]] = energy;
    line += fmt::format(" {} {:.2f}", estimate::kDataflows[i], energy);
  }
  output.print(line + " (docs/dataflows.md)\n");
  const auto dram =
      std::accumulate(all.begin(), all.end(), std::int64_t{0}, [&](auto sum, const auto& p) {
        return sum + p.product.times * p.moved(flow, r).dram_accesses();
      });
  output.print(fmt::format("{} bytes of DRAM, by a plan of each product\n", grouped(dram)));
  Json json{
      {"model", name}, {"dram_bytes", dram}, {"dataflow", options.flow}, {"energy_macs", energies}};
  json["layers"] = std::move(layers);
  if (!options.timeloop.empty()) {
    const int count = write_timeloop(options.timeloop, flow, all, r, config.axi_data_bits);
    output.print(fmt::format("{}: architecture.yaml, {} problems{}\n", options.timeloop, count,
                             flow == Dataflow::kOutput ? ", a mapping of each" : ""));
    json["timeloop_problems"] = count;
  }
  output.write_json(json, &config);
  return kSuccess;
}

}  // namespace trine::cli
