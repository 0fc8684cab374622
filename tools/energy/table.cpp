// SPDX-License-Identifier: Apache-2.0

#include "tools/energy/table.h"

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/root.h"

namespace trine::energy {
namespace fs = std::filesystem;
namespace {

double number(const Json& json, const std::string& key, const fs::path& file) {
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number())
    throw_error("{}: {}: expected a number", file.string(), key);
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
    throw_error("{}: {}: expected an object", file.string(), key);
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

double standing_pj(Component component, const spec::Config& config, const Table& table, double ns) {
  const Cost& cost = table.costs[component];
  const double units = units_of(component, config);
  const auto of = [&](const Standing& s, double count) {
    return count * (s.cycle_pj + s.clock_pj + ns * s.leakage_nw * 1e-6);  // nW ns = 1e-18 J
  };
  return of(cost.unit, units) + of(cost.fixed, 1);
}

double action_pj(std::size_t action, const Table& table) {
  return table.logic_pj[action] + table.memory_pj[action] + table.clock_pj[action];
}

LayerEnergy energy_of(const sim::Actions& actions, std::uint64_t cycles, const spec::Config& config,
                      const Table& table, double ns, const Without& without) {
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
      component["actions"][std::string(sim::kActionNames[a].name)] = {
          {"logic_pj", table.logic_pj[a]},
          {"memory_pj", table.memory_pj[a]},
          {"clock_pj", table.clock_pj[a]}};
  }
  return json;
}

Table read_table(const fs::path& file) {
  const Json json = parse_json(read_text(file), file.string());
  if (!json.is_object() || !json.contains("technology") || !json["technology"].is_string())
    throw_error("{}: technology: expected the name of a technology", file.string());
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
      const Json& action = part(actions, sim::kActionNames[a].name, file);
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
