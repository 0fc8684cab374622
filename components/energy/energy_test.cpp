// SPDX-License-Identifier: Apache-2.0
//
// Checks that a fit recovers the table that made its data, the actions of a shipped network, and
// refusals.

#include <cmath>
#include <nlohmann/json.hpp>

#include "components/energy/fit.h"
#include "sw/base/catch.h"
#include "sw/base/division.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "sw/compiler/compiler.h"
#include "sw/model/import/import.h"

using namespace trine;
using namespace trine::energy;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

spec::Config edge32() { return spec::load_config("edge32", {}); }

/// Returns a table in which every number differs.
Table made_up() {
  Table table;
  table.technology = "t";
  table.volts = 1;
  table.clock_ns = 5;
  for (std::size_t c = 0; c < kComponents; ++c) {
    const auto n = static_cast<double>(c);
    table.costs[c] = {{0.5 + n, 2 + n, 100 * (1 + n)}, {3 + n, 5 + n, 50 * (1 + n)}, 0.25, 0.5, 0};
  }
  for (std::size_t a = 0; a < sim::kActions; ++a) {
    table.logic_pj[a] = 1 + static_cast<double>(a);
    table.clock_pj[a] = 20 - static_cast<double>(a);
  }
  table.memory_pj[sim::kDmemRead] = 36;
  table.memory_pj[sim::kDmemWrite] = 42;
  return table;
}

/// Returns a layer as it would be measured if the table were correct.
Sample sample_of(const Table& table, const spec::Config& config, unsigned seed) {
  Sample sample;
  sample.cycles = 1000 + 137 * seed;
  for (std::size_t a = 0; a < sim::kActions; ++a)
    sample.actions[a] = (seed * 2654435761U >> (a + 8) & 1023) + 10;
  for (std::size_t c = 0; c < kComponents; ++c) {
    const double units = units_of(static_cast<Component>(c), config);
    const auto cycles = static_cast<double>(sample.cycles);
    const auto& [unit, fixed, wires, glitches, error] = table.costs[c];
    power::Energy& e = sample.energy[c];
    double logic = (unit.cycle_pj * units + fixed.cycle_pj) * cycles;
    e.clock = (unit.clock_pj * units + fixed.clock_pj) * cycles;
    for (std::size_t a = 0; a < sim::kActions; ++a) {
      if (sim::kActionNames[a].component != kComponentNames[c]) continue;
      logic += table.logic_pj[a] * static_cast<double>(sample.actions[a]);
      e.clock += table.clock_pj[a] * static_cast<double>(sample.actions[a]);
      e.memories += table.memory_pj[a] * static_cast<double>(sample.actions[a]);
    }
    e.glitches = logic / 2;
    e.wires = logic / 8;
    e.cells = logic / 4;
    e.pins = logic / 8;
    e.leakage_nw = unit.leakage_nw * units + fixed.leakage_nw;
  }
  return sample;
}

/// Requires equal costs for that number of units.
void check_standing(const Cost& found, const Cost& wanted, double units) {
  const auto check = [&](double Standing::*part) {
    CHECK(units * found.unit.*part + found.fixed.*part ==
          Approx(units * wanted.unit.*part + wanted.fixed.*part).epsilon(2e-3));
  };
  check(&Standing::cycle_pj);
  check(&Standing::clock_pj);
  check(&Standing::leakage_nw);
}

compiler::Program lenet(const spec::Config& config) {
  const fs::path file = fs::path(TRINE_SOURCE_DIR) / "models/lenet_mnist.tflite";
  return compiler::compile(model::parse_model(read_file(file.string()), file.string()), config, {});
}

}  // namespace

TEST_CASE("the fit finds the table that the layers were computed from", "[energy]") {
  const spec::Config config = edge32();
  const Table table = made_up();
  const spec::Config larger = spec::load_config("edge256", {});
  Measured measured, other;
  measured.config = config;
  measured.clock_ns = 5;
  other.config = larger;
  other.clock_ns = 6;
  for (unsigned seed = 1; seed <= 30; ++seed)
    measured.samples.push_back(sample_of(table, config, seed));
  for (unsigned seed = 31; seed <= 40; ++seed)
    other.samples.push_back(sample_of(table, larger, seed));
  const Table found = fit({measured, other});
  for (std::size_t a = 0; a < sim::kActions; ++a) {
    INFO(sim::kActionNames[a].component << "." << sim::kActionNames[a].name);
    CHECK(found.logic_pj[a] == Approx(table.logic_pj[a]).epsilon(5e-3));
    CHECK(found.memory_pj[a] == Approx(table.memory_pj[a]).margin(1e-3));
    CHECK(found.clock_pj[a] == Approx(table.clock_pj[a]).epsilon(5e-3));
  }
  for (std::size_t c = 0; c < kComponents; ++c) {
    for (const spec::Config& design : {config, larger})
      check_standing(found.costs[c], table.costs[c], units_of(static_cast<Component>(c), design));
    CHECK(found.costs[c].wires == Approx(0.25));
    CHECK(found.costs[c].glitches == Approx(0.5));
    CHECK(found.costs[c].error < 1e-3);
  }
  // The measured values are unchanged, also after writing and reading a file.
  const TemporaryFolder scratch(fs::temp_directory_path(), "energy");
  write_file(scratch.path() / "m.json", to_json(measured).dump());
  const Measured again = read_measured(scratch.path() / "m.json");
  CHECK(to_json(fit({again, other})) == to_json(found));
  other.assumed.wire_ff = 13;
  CHECK_THROWS_WITH(fit({measured, other}), ContainsSubstring("the cells or assumptions differ"));
  const Sample& s = measured.samples[4];
  const LayerEnergy e = energy_of(s.actions, s.cycles, config, found, 5);
  double leakage = 0;
  for (const power::Energy& part : s.energy)
    leakage += part.leakage_nw * 1e-6 * 5 * static_cast<double>(s.cycles);
  CHECK(e.total() == Approx(total_of(s, 5)).epsilon(1e-3));
  CHECK(e.leakage == Approx(leakage));
}

TEST_CASE("spans of a layer add up, its cells leak once", "[energy]") {
  Sample sample;
  std::vector<power::Energy> span(kComponents);
  for (std::size_t c = 0; c < kComponents; ++c) {
    span[c].cells = 2;
    span[c].clock = 3;
    span[c].leakage_nw = 100;
  }
  sample.add(10, span);
  sample.add(30, span);
  CHECK(sample.cycles == 40);
  for (const power::Energy& e : sample.energy) {
    CHECK(e.cells == 4);
    CHECK(e.clock == 6);
    CHECK(e.leakage_nw == 100);
  }
}

TEST_CASE("a layer that only works in cycles of others has no span but loses no action",
          "[energy]") {
  std::vector<sim::Actions> actions(4);
  for (std::size_t l = 0; l < actions.size(); ++l)
    actions[l][sim::kLaneCode] = 1 << static_cast<int>(l);
  join_untimed({{1, 0, 7}, {3, 7, 9}}, actions);
  CHECK(actions[0][sim::kLaneCode] == 0);
  CHECK(actions[1][sim::kLaneCode] == 1 + 2 + 4);
  CHECK(actions[2][sim::kLaneCode] == 0);
  CHECK(actions[3][sim::kLaneCode] == 8);
}

TEST_CASE("components left out of a sum are left out once", "[energy]") {
  const spec::Config config = edge32();
  const Table table = made_up();
  sim::Actions actions{};
  actions[sim::kInt8] = 100;
  const auto of = [&](const Without& without) {
    return energy_of(actions, 10, config, table, 5, without);
  };
  const double logic = 100 * table.logic_pj[sim::kInt8] + 10 * (8 * 0.5 + 3);
  CHECK(of({}).component[kPe] == Approx(logic));
  CHECK(of({.glitches = true}).component[kPe] == Approx(logic / 2));
  CHECK(of({.wires = true}).component[kPe] == Approx(logic * 3 / 4));
  CHECK(of({.clock = true}).clock == 0);
  CHECK(of({}).total() - of({.clock = true}).total() == Approx(of({}).clock));
}

TEST_CASE("clock energy depends on actions as well as cycles", "[energy]") {
  const spec::Config config = edge32();
  const Table table = made_up();
  sim::Actions actions{};
  const double idle = energy_of(actions, 10, config, table, 5).clock;
  actions[sim::kInt8] = 16;
  CHECK(energy_of(actions, 10, config, table, 5).clock - idle ==
        Approx(16 * table.clock_pj[sim::kInt8]));
}

TEST_CASE("a program's actions cover its work", "[energy]") {
  const spec::Config config = edge32();
  const compiler::Program program = lenet(config);
  const std::vector<sim::Actions> actions = sim::count_actions(program);
  REQUIRE(actions.size() == program.layers.size());
  std::int64_t words = 0;
  for (std::size_t l = 0; l < actions.size(); ++l) {
    INFO(program.layers[l].name);
    const std::int64_t macs = program.layers[l].macs;
    // Four MACs per PE and step: at least the layer's MACs, and at most the MACs of whole tiles.
    CHECK(4 * actions[l][sim::kInt8] >= macs);
    if (macs > 0) CHECK(4 * actions[l][sim::kInt8] < 16 * macs);
    CHECK(actions[l][sim::kInt8] == actions[l][sim::kAddress] * (macs > 0 ? config.cols : 0));
    CHECK(actions[l][sim::kInt8Mac] == macs);
    CHECK(actions[l][sim::kTernary] + actions[l][sim::kTernaryMac] == 0);
    words += actions[l][sim::kInstruction];
  }
  CHECK(words + 1 == static_cast<std::int64_t>(program.words.size()));  // END belongs to no layer
}

TEST_CASE("a damaged table is refused by its key", "[energy][error]") {
  const TemporaryFolder scratch(fs::temp_directory_path(), "energy");
  const fs::path file = scratch.path() / "t.json";
  const auto refused = [&](const std::string& text, const std::string& message) {
    write_file(file, text);
    CHECK_THROWS_WITH(read_table(file), ContainsSubstring("t.json: " + message));
  };
  refused("{", "is not valid JSON");
  refused("[]", "technology");
  nlohmann::ordered_json json = to_json(made_up());
  json.erase("volts");
  refused(json.dump(), "volts: expected a number");
  json = to_json(made_up());
  json["components"]["pe"]["actions"].erase("int8");
  refused(json.dump(), "int8: expected an object");
  write_file(file, to_json(made_up()).dump());
  CHECK(to_json(read_table(file)) == to_json(made_up()));
  write_file(file, "{}");
  CHECK_THROWS_WITH(read_measured(file),
                    ContainsSubstring("t.json: not an output of `trine energy --json`"));
}
