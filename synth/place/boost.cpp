// SPDX-License-Identifier: Apache-2.0

#include "synth/place/boost.h"

#include <algorithm>

#include "synth/timing/repair.h"

namespace trine::synth {
namespace {

constexpr float kLate = 0.05f;        ///< of the period: nets with less slack are improved
constexpr float kBufferWins = 0.02f;  ///< ns that a buffer must save
/// Ns of slack above the worst sink's: a sink with more can wait.
constexpr float kSpare = 0.4f;

using Pins = std::vector<PinOf>;

/// Arrival time and transition of a net, per edge.
struct Signal {
  Edges<float> arrival{-1e9f, -1e9f}, slew{0, 0};
};

class Boost {
 public:
  Boost(Netlist& netlist, const Cells& cells, Placement& placement, const Wires& wires)
      : netlist_(netlist), cells_(cells), placement_(placement), timer_(cells, netlist, &wires) {}

  WireBuffers run() {
    timer_.update();
    // In reverse order, so that the timer's values for a driver's inputs are still valid. Nets of
    // new buffers are skipped.
    const std::vector<int> order(timer_.order().rbegin(), timer_.order().rend());
    for (const int i : order)
      for (std::size_t p = 0; p < netlist_.instance(i).nets.size(); ++p) {
        const int net = netlist_.instance(i).nets[p];
        if (net < 0 || !placement_.has_wire(net)) continue;
        const PinOf driver = netlist_.net(net).driver;
        if (driver.instance == i && driver.pin == static_cast<int>(p)) improve(net);
      }
    return result_;
  }

 private:
  const Cell& cell_of(const PinOf& pin) const {
    return cells_[netlist_.instance(pin.instance).cell];
  }
  float capacitance(const PinOf& pin) const {
    return cell_of(pin).pins[static_cast<std::size_t>(pin.pin)].most_capacitance();
  }

  void improve(int net) {
    const PinOf driver = netlist_.net(net).driver;
    const float most = cell_of(driver).pins[static_cast<std::size_t>(driver.pin)].max_capacitance;
    const bool overloaded = most > 0 && timer_.most_load(net) > most;
    if (!overloaded && timer_.slack(net) > kLate * timer_.period()) return;
    const Pins all = netlist_.net(net).sinks;
    if (all.empty()) return;
    const Pins spare = with_time(net, all);
    const float load = timer_.most_load(net);
    const float now = overloaded ? 1e9f : lateness(net, driven(driver, load)) - kBufferWins;
    const float share = static_cast<float>(spare.size()) / static_cast<float>(all.size());
    // Wire and pins that move to the buffer.
    float behind = share * (load - pins_pf(all)) + pins_pf(spare);
    int best_beside = -1, best_at_loads = -1;
    float beside = now, at_loads = now;
    for (const int size : cells_[cells_.buffer()].sizes) {
      const float in = input_of(size);
      const float late = lateness(net, through(size, driven(driver, in), load));
      if (late < beside) {
        beside = late;
        best_beside = size;
      }
      if (spare.empty() || spare.size() == all.size()) continue;
      const float late_at_loads = lateness(net, driven(driver, load - behind + in));
      if (late_at_loads < at_loads && drives(size, behind)) {
        at_loads = late_at_loads;
        best_at_loads = size;
      }
    }
    if (best_at_loads >= 0 && at_loads <= beside)
      insert(net, spare, best_at_loads, placement_.middle(spare));
    else if (best_beside >= 0)
      insert(net, all, best_beside, placement_.middle(driver.instance));
  }

  /// Returns the sinks with enough slack to be driven through a buffer.
  Pins with_time(int net, const Pins& sinks) const {
    Pins spare;
    for (const PinOf& sink : sinks)
      if (timer_.slack(sink) > timer_.slack(net) + kSpare) spare.push_back(sink);
    return spare;
  }

  float pins_pf(const Pins& pins) const {
    float pf = 0;
    for (const PinOf& pin : pins) pf += capacitance(pin);
    return pf;
  }

  float input_of(int buffer) const {
    return cells_[buffer]
        .pins[static_cast<std::size_t>(cells_[buffer].arcs[0].from)]
        .most_capacitance();
  }

  bool drives(int buffer, float load) const {
    const Cell& cell = cells_[buffer];
    const float most = cell.pins[static_cast<std::size_t>(cell.arcs[0].to)].max_capacitance;
    return most <= 0 || load <= most;
  }

  /// Returns the output of the driver's cell at this load, for its current inputs.
  Signal driven(const PinOf& driver, float load) const {
    Signal out;
    const Instance& instance = netlist_.instance(driver.instance);
    for (const Arc& arc : cells_[instance.cell].arcs) {
      if (arc.to != driver.pin) continue;
      const int from = instance.nets[static_cast<std::size_t>(arc.from)];
      if (!arc.launches && from < 0) continue;
      Signal in{{0, 0}, {0, 0}};
      if (!arc.launches)
        for (const Edge e : {kRise, kFall}) {
          in.arrival[e] =
              timer_.times(from).arrival[e] + timer_.wire_ns({driver.instance, arc.from});
          in.slew[e] = timer_.times(from).slew[e];
        }
      add(arc, in, load, out);
    }
    return out;
  }

  Signal through(int buffer, const Signal& in, float load) const {
    Signal out;
    add(cells_[buffer].arcs[0], in, load, out);
    return out;
  }

  static void add(const Arc& arc, const Signal& in, float load, Signal& out) {
    for (const std::size_t e : {std::size_t{kRise}, std::size_t{kFall}}) {
      if (arc.delay[e].empty()) continue;
      const auto from = [&](std::size_t f) {
        if (in.arrival[f] < 0) return;  // a constant
        out.arrival[e] =
            std::max(out.arrival[e], in.arrival[f] + arc.delay[e].at(in.slew[f], load));
        out.slew[e] = std::max(out.slew[e], arc.slew[e].at(in.slew[f], load));
      };
      if (arc.launches) {
        from(kRise);
        continue;
      }
      if (arc.same) from(e);
      if (arc.opposite) from(1 - e);
    }
  }

  float lateness(int net, const Signal& signal) const {
    float late = -1e9f;
    for (const std::size_t e : {std::size_t{kRise}, std::size_t{kFall}})
      late = std::max(
          late, signal.arrival[e] + kNextStage * signal.slew[e] - timer_.times(net).required[e]);
    return late;
  }

  void insert(int net, const Pins& sinks, int buffer, const Point& at) {
    netlist_.insert(net, sinks, buffer, cells_);
    placement_.add(at);
    ++result_.count;
    result_.um2 += cells_[buffer].um2;
  }

  Netlist& netlist_;
  const Cells& cells_;
  Placement& placement_;
  Timer timer_;
  WireBuffers result_;
};

}  // namespace

WireBuffers boost(Netlist& netlist, const Cells& cells, Placement& placement, const Wires& wires) {
  return Boost(netlist, cells, placement, wires).run();
}

}  // namespace trine::synth
