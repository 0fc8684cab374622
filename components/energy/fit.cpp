// SPDX-License-Identifier: Apache-2.0

#include "components/energy/fit.h"

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"

namespace trine::energy {
namespace {

/// Finds x >= 0 with the smallest sum of (a x - b)^2, one coordinate after the other until none
/// changes.
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
    cost.wires = logic > 0 ? sum.wires / logic : 0;  // glitches have the same share
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
  /// Returns true with several designs: a single design cannot separate costs that grow with its
  /// units from fixed costs.
  bool several() const { return designs_.size() > 1; }

  /// Fits leakage, one figure per design.
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
        // A layer's weight is the root of its cycles: long layers dominate without hiding short
        // ones. Large designs do not weigh more than small ones.
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

}  // namespace

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
      throw_error(
          "energy: {} was measured with {}, {} with {}: the cells or assumptions differ, allowed "
          "the same",
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

}  // namespace trine::energy
