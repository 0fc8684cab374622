// SPDX-License-Identifier: Apache-2.0

#include "tools/energy/table.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/root.h"

namespace trine::energy {
namespace fs = std::filesystem;
namespace {

using sim::kActionNames;
using sim::kActions;

/// x >= 0 with the least sum of (a x - b)^2: one coordinate after the other, until none moves.
std::vector<double> non_negative_least_squares(const std::vector<std::vector<double>>& a,
                                               const std::vector<double>& b) {
  constexpr int kRounds = 20'000;
  constexpr double kStill = 1e-10;
  const std::size_t n = a.empty() ? 0 : a[0].size();
  std::vector<std::vector<double>> normal(n, std::vector<double>(n, 0));
  std::vector<double> right(n, 0), x(n, 0);
  for (std::size_t r = 0; r < a.size(); ++r)
    for (std::size_t i = 0; i < n; ++i) {
      right[i] += a[r][i] * b[r];
      for (std::size_t j = 0; j < n; ++j) normal[i][j] += a[r][i] * a[r][j];
    }
  for (int round = 0; round < kRounds; ++round) {
    double moved = 0;
    for (std::size_t i = 0; i < n; ++i) {
      if (normal[i][i] <= 0) continue;
      double rest = right[i];
      for (std::size_t j = 0; j < n; ++j)
        if (j != i) rest -= normal[i][j] * x[j];
      const double next = std::max(0.0, rest / normal[i][i]);
      moved = std::max(moved, std::abs(next - x[i]) / (std::abs(x[i]) + 1e-12));
      x[i] = next;
    }
    if (moved < kStill) break;
  }
  return x;
}

/// The actions of a component.
std::vector<std::size_t> actions_of(std::size_t component) {
  std::vector<std::size_t> list;
  for (std::size_t a = 0; a < kActions; ++a)
    if (kActionNames[a].component == kComponentNames[component]) list.push_back(a);
  return list;
}

class Fit {
 public:
  Fit(const std::vector<Measured>& designs, Table& table) : designs_(designs), table_(table) {}

  void run(std::size_t component) {
    const std::vector<std::size_t> actions = actions_of(component);
    power::Energy sum;
    for (const Measured& design : designs_)
      for (const Sample& row : design.samples) sum += row.energy[component];
    Cost& cost = table_.costs[component];
    const double logic = sum.cells + sum.pins + sum.wires;
    const double factor = logic > 0 ? 1 + sum.glitches / logic : 1;
    cost.glitches = 1 - 1 / factor;
    cost.wires = logic > 0 ? sum.wires / logic : 0;  // glitches take the same share
    leak(component, cost);
    const std::vector<double> x = solve(
        actions, [&](const power::Energy& e) { return factor * (e.cells + e.pins + e.wires); },
        component, true);
    for (std::size_t i = 0; i < actions.size(); ++i) table_.logic_pj[actions[i]] = x[i];
    cost.unit.cycle_pj = x[actions.size()];
    if (several()) cost.fixed.cycle_pj = x.back();
    cost.error = error_;
    const std::vector<double> y = solve(
        actions, [](const power::Energy& e) { return e.memories; }, component, false);
    for (std::size_t i = 0; i < actions.size(); ++i) table_.memory_pj[actions[i]] = y[i];
    const std::vector<double> z = solve(
        actions, [](const power::Energy& e) { return e.clock; }, component, true);
    for (std::size_t i = 0; i < actions.size(); ++i) table_.clock_pj[actions[i]] = z[i];
    cost.unit.clock_pj = z[actions.size()];
    if (several()) cost.fixed.clock_pj = z.back();
  }

 private:
  /// One design does not tell what grows with its units from what does not.
  bool several() const { return designs_.size() > 1; }

  /// Leakage: of each design one figure.
  void leak(std::size_t component, Cost& cost) const {
    std::vector<std::vector<double>> a;
    std::vector<double> leakage;
    for (const Measured& design : designs_) {
      const double units = units_of(static_cast<Component>(component), design.config);
      a.push_back({1});
      if (several()) a.back().push_back(1 / units);
      leakage.push_back(design.samples.front().energy[component].leakage_nw / units);
    }
    const std::vector<double> nw = non_negative_least_squares(a, leakage);
    cost.unit.leakage_nw = nw.front();
    if (several()) cost.fixed.leakage_nw = nw.back();
  }

  template <typename Part>
  std::vector<double> solve(const std::vector<std::size_t>& actions, const Part& part,
                            std::size_t component, bool with_cycles) {
    std::vector<std::vector<double>> a;
    std::vector<double> b;
    for (const Measured& design : designs_) {
      const double units = units_of(static_cast<Component>(component), design.config);
      for (const Sample& row : design.samples) {
        // A layer counts by the root of its cycles: long ones decide, short ones are not forgotten;
        // of a large design no more than of a small one.
        const double weight = std::pow(static_cast<double>(row.cycles), -0.75) / units;
        std::vector<double>& line = a.emplace_back();
        for (const std::size_t action : actions)
          line.push_back(weight * static_cast<double>(row.actions[action]));
        const double cycles = weight * static_cast<double>(row.cycles);
        if (with_cycles) line.push_back(cycles * units);
        if (with_cycles && several()) line.push_back(cycles);
        b.push_back(weight * part(row.energy[component]));
      }
    }
    const std::vector<double> x = non_negative_least_squares(a, b);
    double squares = 0, all = 0;
    for (std::size_t r = 0; r < a.size(); ++r) {
      double predicted = 0;
      for (std::size_t i = 0; i < x.size(); ++i) predicted += a[r][i] * x[i];
      squares += (predicted - b[r]) * (predicted - b[r]);
      all += b[r] * b[r];
    }
    error_ = all > 0 ? std::sqrt(squares / all) : 0;
    return x;
  }

  const std::vector<Measured>& designs_;
  Table& table_;
  double error_ = 0;
};

double number(const Json& json, const std::string& key, const fs::path& file) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number())
    throw_error("{}: {}: a number is expected", file.string(), key);
  return *found;
}

Json to_json(const Standing& standing) {
  return {{"cycle_pj", standing.cycle_pj},
          {"clock_pj", standing.clock_pj},
          {"leakage_nw", standing.leakage_nw}};
}

Standing standing(const Json& json, const fs::path& file) {
  return {number(json, "cycle_pj", file), number(json, "clock_pj", file),
          number(json, "leakage_nw", file)};
}

const Json& part(const Json& json, std::string_view key, const fs::path& file) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_object())
    throw_error("{}: {}: an object is expected", file.string(), key);
  return *found;
}

}  // namespace

double LayerEnergy::total() const {
  double sum = clock + leakage;
  for (const double pj : component) sum += pj;
  return sum;
}

LayerEnergy& LayerEnergy::operator+=(const LayerEnergy& other) {
  for (std::size_t c = 0; c < kComponents; ++c) component[c] += other.component[c];
  clock += other.clock;
  leakage += other.leakage;
  return *this;
}

std::vector<std::pair<std::string, double>> parts_of(const LayerEnergy& energy) {
  std::vector<std::pair<std::string, double>> parts;
  for (std::size_t c = 0; c < kComponents; ++c)
    parts.emplace_back(kComponentNames[c], energy.component[c]);
  parts.emplace_back("clock", energy.clock);
  parts.emplace_back("leakage", energy.leakage);
  return parts;
}

LayerEnergy energy_of(const sim::Actions& actions, std::uint64_t cycles,
                      const machine::Config& config, const Table& table, double ns,
                      const Without& without) {
  LayerEnergy energy;
  const auto all = static_cast<double>(cycles);
  for (std::size_t c = 0; c < kComponents; ++c) {
    const Cost& cost = table.costs[c];
    const double units = units_of(static_cast<Component>(c), config);
    double logic = all * (units * cost.unit.cycle_pj + cost.fixed.cycle_pj), memory = 0;
    double clock = all * (units * cost.unit.clock_pj + cost.fixed.clock_pj);
    for (const std::size_t a : actions_of(c)) {
      const auto count = static_cast<double>(actions[a]);
      logic += count * table.logic_pj[a];
      memory += count * table.memory_pj[a];
      clock += count * table.clock_pj[a];
    }
    if (without.glitches) logic *= 1 - cost.glitches;
    if (without.wires) logic *= 1 - cost.wires;
    energy.component[c] = logic + memory;
    if (!without.clock) energy.clock += clock;
    energy.leakage += all * ns * (units * cost.unit.leakage_nw + cost.fixed.leakage_nw) *
                      1e-6;  // nW ns = 1e-18 J
  }
  return energy;
}

double total_of(const Sample& sample, double clock_ns) {
  double sum = 0;
  for (const power::Energy& e : sample.energy)
    sum += e.switching() + e.clock +
           static_cast<double>(sample.cycles) * clock_ns * e.leakage_nw * 1e-6;
  return sum;
}

Table fit(const std::vector<Measured>& designs) {
  for (const Measured& design : designs) {
    if (design.samples.empty()) throw_error("energy: no layer was measured");
    const Measured& first = designs.front();
    if (design.library != first.library || design.assumed != first.assumed)
      throw_error("energy: {} with {}, {} with {}: not the same cells, or not the same assumptions",
                  first.config.name, first.library, design.config.name, design.library);
  }
  const Measured& measured = designs.at(0);
  Table table;
  table.library = measured.library;
  table.technology = measured.library.substr(0, measured.library.find('_'));
  table.volts = measured.volts;
  table.clock_ns = measured.clock_ns;
  table.assumed = measured.assumed;
  Fit fit(designs, table);
  for (std::size_t c = 0; c < kComponents; ++c) fit.run(c);
  return table;
}

Json to_json(const Table& table) {
  Json json;
  json["technology"] = table.technology;
  json["library"] = table.library;
  json["volts"] = table.volts;
  json["clock_ns"] = table.clock_ns;
  json["wire_ff"] = table.assumed.wire_ff;
  json["clock_tree"] = table.assumed.clock_tree;
  for (std::size_t c = 0; c < kComponents; ++c) {
    const Cost& cost = table.costs[c];
    Json& component = json["components"][std::string(kComponentNames[c])];
    component["unit"] = to_json(cost.unit);
    component["fixed"] = to_json(cost.fixed);
    component["share_of_wires"] = cost.wires;
    component["share_of_glitches"] = cost.glitches;
    component["fit_error"] = cost.error;
    for (const std::size_t a : actions_of(c))
      component["actions"][std::string(kActionNames[a].name)] = {{"logic_pj", table.logic_pj[a]},
                                                                 {"memory_pj", table.memory_pj[a]},
                                                                 {"clock_pj", table.clock_pj[a]}};
  }
  return json;
}

Table read_table(const fs::path& file) {
  const Json json = parse_json(read_text(file), file.string());
  if (!json.is_object() || !json.contains("technology") || !json["technology"].is_string())
    throw_error("{}: technology: a table of energies names it", file.string());
  Table table;
  table.technology = json["technology"];
  table.library = json.value("library", "");
  table.volts = number(json, "volts", file);
  table.clock_ns = number(json, "clock_ns", file);
  table.assumed = {number(json, "wire_ff", file), number(json, "clock_tree", file)};
  const Json& components = part(json, "components", file);
  for (std::size_t c = 0; c < kComponents; ++c) {
    const Json& component = part(components, kComponentNames[c], file);
    table.costs[c] = {
        standing(part(component, "unit", file), file),
        standing(part(component, "fixed", file), file), number(component, "share_of_wires", file),
        number(component, "share_of_glitches", file), number(component, "fit_error", file)};
    const Json& actions = part(component, "actions", file);
    for (const std::size_t a : actions_of(c)) {
      const Json& action = part(actions, kActionNames[a].name, file);
      table.logic_pj[a] = number(action, "logic_pj", file);
      table.memory_pj[a] = number(action, "memory_pj", file);
      table.clock_pj[a] = number(action, "clock_pj", file);
    }
  }
  return table;
}

fs::path table_file(const std::string& technology) {
  return project_root() / "tools/energy/tables" / (technology + ".json");
}

}  // namespace trine::energy
