// SPDX-License-Identifier: Apache-2.0

#include "synth/power/price.h"

#include <algorithm>
#include <map>

#include "sw/base/error.h"
#include "sw/base/index.h"
#include "synth/power/logic.h"

namespace trine::power {
namespace {

using synth::Cell;
using synth::kFall;
using synth::kRise;
using synth::Power;

bool is_register(const Cell& cell) { return !cell.storage.next.empty(); }

bool holds(std::uint64_t table, unsigned row) { return table >> row & 1; }

/// Returns true for an entry without a condition whose cause has other entries with conditions: it
/// applies to the remaining states.
bool is_rest(const Cell& cell, const Power& power) {
  return power.when.empty() &&
         std::any_of(cell.powers.begin(), cell.powers.end(), [&](const Power& p) {
           return p.pin == power.pin && p.related == power.related && !p.when.empty();
         });
}

double mean_of(double sum, int count) { return count > 0 ? sum / count : 0; }

}  // namespace

Energy& Energy::operator+=(const Energy& other) {
  cells += other.cells;
  pins += other.pins;
  wires += other.wires;
  glitches += other.glitches;
  memories += other.memories;
  clock += other.clock;
  leakage_nw += other.leakage_nw;
  return *this;
}

Prices::Prices(const synth::Netlist& netlist, const synth::Cells& cells, const synth::Timer& timer,
               const Gates& gates, const synth::WireModel& wires, const Assumptions& assumed)
    : netlist_(netlist),
      cells_(cells),
      timer_(timer),
      gates_(gates),
      assumed_(assumed),
      half_square_(cells.volts() * cells.volts() / 2) {
  if (cells.volts() <= 0) throw_error("power: the library does not define nom_voltage");
  for (int n = 0; n < static_cast<int>(netlist.nets().size()); ++n) price_net(n, wires.pf(n));
  std::map<int, ClockPrice> of_cell;
  for (const Register& reg : gates.registers()) {
    const auto [found, added] = of_cell.try_emplace(netlist.instance(reg.instance).cell);
    if (added) found->second = price_register(reg);
    clocks_.push_back(found->second);
  }
  for (const GateOf& gate : gates.clock_gates()) {
    const double tree = clock_load(gate.instance, gate.clock_pin);
    double open = 0;
    const Cell& cell = cells[netlist.instance(gate.instance).cell];
    for (std::size_t p = 0; p < cell.pins.size(); ++p)
      if (cell.pins[p].output) open += 2 * output_pj(gate.instance, static_cast<int>(p));
    gate_prices_.push_back({tree + 2 * input_pj(gate.instance, gate.clock_pin), open});
  }
  for (const MacroOf& macro : gates.macros()) {
    accesses_.push_back(price_macro(macro));
    macro_clocks_.push_back(clock_load(macro.instance, macro.clock_pin));
  }
}

/// Returns the mean transition of a net's edges.
float Prices::slew(int net) const {
  const synth::Times& t = timer_.times(net);
  float sum = 0;
  for (const auto edge : {kRise, kFall}) sum += t.slew[edge] + t.early_slew[edge];
  return std::clamp(sum / 4, 0.0f, 10.0f);
}

/// Returns the mean energy of both edges.
double Prices::mean(const Power& power, int instance) const {
  const synth::Instance& i = netlist_.instance(instance);
  const int cause = i.nets[at(power.related >= 0 ? power.related : power.pin)];
  const int out = i.nets[at(power.pin)];
  const float s = cause < 0 || netlist_.net(cause).clock ? 0 : slew(cause);
  double sum = 0;
  for (const auto edge : {kRise, kFall})
    sum += power.pj[edge].at(s, out < 0 ? 0 : timer_.load(out)[edge]);
  return sum / 2;
}

double Prices::input_pj(int instance, int pin) const {
  double sum = 0;
  int count = 0;
  const Cell& cell = cells_[netlist_.instance(instance).cell];
  for (const Power& power : cell.powers)
    if (power.pin == pin && !is_rest(cell, power)) {
      sum += mean(power, instance);
      ++count;
    }
  return mean_of(sum, count);
}

/// Returns the energy of an output change. For a register only entries caused by the clock count.
double Prices::output_pj(int instance, int pin) const {
  const Cell& cell = cells_[netlist_.instance(instance).cell];
  double sum = 0;
  int count = 0;
  for (const Power& power : cell.powers) {
    if (power.pin != pin || is_rest(cell, power)) continue;
    if (is_register(cell) && (power.related < 0 || !cell.pins[at(power.related)].clock)) continue;
    sum += mean(power, instance);
    ++count;
  }
  return mean_of(sum, count);
}

void Prices::price_net(int net, double wire_pf) {
  const synth::Net& n = netlist_.net(net);
  NetPrice& price = nets_.emplace_back();
  if (n.clock || n.constant >= 0) return;
  if (n.driver.instance >= 0) price.cells += output_pj(n.driver.instance, n.driver.pin);
  double pf = 0;
  for (const synth::PinOf& sink : n.sinks) {
    price.cells += input_pj(sink.instance, sink.pin);
    const synth::Pin& pin = cells_[netlist_.instance(sink.instance).cell].pins[at(sink.pin)];
    pf += (pin.capacitance[kRise] + pin.capacitance[kFall]) / 2;
  }
  price.pins = half_square_ * pf;
  price.wire = n.sinks.empty() ? 0 : half_square_ * wire_pf;
}

/// Returns the energy of both edges of a clock tree pin, with its wire and its share of the
/// buffers.
double Prices::clock_load(int instance, int pin) const {
  const synth::Pin& p = cells_[netlist_.instance(instance).cell].pins[at(pin)];
  const double pf = (p.capacitance[kRise] + p.capacitance[kFall]) / 2 + assumed_.wire_ff / 1000;
  return 2 * half_square_ * pf * assumed_.clock_tree;
}

/// Returns the clock energies by D and Q: the mean over all states of the other pins in which the
/// register is not cleared.
Prices::ClockPrice Prices::price_register(const Register& reg) const {
  const Cell& cell = cells_[netlist_.instance(reg.instance).cell];
  const synth::Storage& s = cell.storage;
  ClockPrice price;
  price.load = clock_load(reg.instance, reg.clock_pin);
  std::vector<std::string> names;
  for (const synth::Pin& pin : cell.pins)
    if (!pin.clock) names.push_back(pin.name);
  if (names.size() > kMostInputs)
    throw_error("power: {} has {} pins besides its clock, allowed {}", cell.name, names.size(),
                kMostInputs);
  const std::string off =
      (s.clear.empty() ? "0" : s.clear) + "|" + (s.preset.empty() ? "0" : s.preset);
  const std::uint64_t data = truth_table(s.next, names), cleared = truth_table(off, names);
  for (unsigned state = 0; state < 4; ++state) {
    int rows = 0;
    for (unsigned row = 0; row < 1u << names.size(); ++row) {
      bool fits = holds(data, row) == (state >> 1 != 0) && !holds(cleared, row);
      for (std::size_t k = 0; k < names.size(); ++k) {
        const synth::Pin& pin = cell.pins[at(cell.pin(names[k]))];
        const bool inverse = names_in(pin.function) == std::vector{s.inverse};
        if (pin.output) fits &= (row >> k & 1) == ((state & 1) ^ (inverse ? 1u : 0u));
      }
      if (!fits) continue;
      ++rows;
      const auto add = [&](const Power& power) {
        price.rise[state] += power.pj[kRise].at(0, 0);
        price.fall[state] += power.pj[kFall].at(0, 0);
      };
      bool listed = false;
      for (const Power& power : cell.powers) {
        if (power.pin != reg.clock_pin || is_rest(cell, power)) continue;
        if (!power.when.empty() && !holds(truth_table(power.when, names), row)) continue;
        add(power);
        listed = true;
      }
      for (const Power& power : cell.powers)
        if (!listed && power.pin == reg.clock_pin && is_rest(cell, power)) add(power);
    }
    price.rise[state] = mean_of(price.rise[state], rows);
    price.fall[state] = mean_of(price.fall[state], rows);
  }
  return price;
}

std::array<double, 8> Prices::price_macro(const MacroOf& macro) const {
  const Cell& cell = cells_[netlist_.instance(macro.instance).cell];
  std::array<double, 8> prices{};
  for (const Power& power : cell.powers) {
    if (power.pin != macro.clock_pin || is_rest(cell, power)) continue;
    const std::vector<std::string> names = names_in(power.when);
    const std::uint64_t table = power.when.empty() ? ~0ULL : truth_table(power.when, names);
    for (unsigned state = 0; state < 8; ++state) {
      unsigned row = 0;
      for (std::size_t k = 0; k < names.size(); ++k) {
        const char* ends[] = {"MEN", "WEN", "REN"};
        for (unsigned b = 0; b < 3; ++b)
          if (names[k].ends_with(ends[b])) row |= (state >> b & 1) << k;
      }
      if (holds(table, row)) prices[state] += power.pj[kRise].at(0, 0) + power.pj[kFall].at(0, 0);
    }
  }
  return prices;
}

std::vector<Energy> Prices::of(const Counts& counts, const std::vector<int>& group_of,
                               int groups) const {
  std::vector<Energy> energies(at(groups));
  const auto energy = [&](int instance) -> Energy& { return energies[at(group_of[at(instance)])]; };
  const double scale = counts.timed_cycles == 0 ? 0
                                                : static_cast<double>(counts.cycles) /
                                                      static_cast<double>(counts.timed_cycles);
  for (std::size_t n = 0; n < nets_.size(); ++n) {
    const synth::Net& net = netlist_.net(static_cast<int>(n));
    if (net.driver.instance < 0 && net.sinks.empty()) continue;
    Energy& e = energy(net.driver.instance >= 0 ? net.driver.instance : net.sinks[0].instance);
    const NetPrice& price = nets_[n];
    e.cells += counts.toggles[n] * price.cells;
    e.pins += counts.toggles[n] * price.pins;
    e.wires += counts.toggles[n] * price.wire;
    e.glitches += scale * counts.glitches[n] * (price.cells + price.pins + price.wire);
  }
  for (std::size_t r = 0; r < clocks_.size(); ++r) {
    Energy& e = energy(gates_.registers()[r].instance);
    std::uint64_t edges = 0;
    for (std::size_t s = 0; s < 4; ++s) {
      edges += counts.rises[r][s];
      e.clock += counts.rises[r][s] * clocks_[r].rise[s] + counts.falls[r][s] * clocks_[r].fall[s];
    }
    e.clock += static_cast<double>(edges) * clocks_[r].load;
  }
  for (std::size_t m = 0; m < accesses_.size(); ++m) {
    Energy& e = energy(gates_.macros()[m].instance);
    for (std::size_t s = 0; s < 8; ++s) e.memories += counts.accesses[m][s] * accesses_[m][s];
    e.clock += static_cast<double>(counts.cycles) * macro_clocks_[m];
  }
  for (std::size_t g = 0; g < gate_prices_.size(); ++g) {
    const GateOf& gate = gates_.clock_gates()[g];
    const auto clocked =
        gate.parent < 0 ? counts.cycles : counts.opened[static_cast<std::size_t>(gate.parent)];
    energy(gate.instance).clock += static_cast<double>(clocked) * gate_prices_[g].clocked +
                                   counts.opened[g] * gate_prices_[g].open;
  }
  for (std::size_t i = 0; i < netlist_.instances().size(); ++i)
    energy(static_cast<int>(i)).leakage_nw += cells_[netlist_.instances()[i].cell].leakage_nw;
  return energies;
}

}  // namespace trine::power
