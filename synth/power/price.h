// SPDX-License-Identifier: Apache-2.0
//
// Computes the energy (pJ) of a netlist's counted changes from these parts:
//
//   change of a net       internal_power (Liberty) of its driver's output and of the inputs that it
//                         drives, averaged over both edges, all conditions and causes;
//                         1/2 C V^2 of the pins and of the wire
//   edge of a register's  internal_power of the pin by the values of D and Q (averaged over the
//   clock pin             conditions that hold for these values and do not clear the register);
//                         C V^2 of the tree
//   access of a memory    internal_power of its clock pin, by enable, write and read
//   leakage               cell_leakage_power, nW
//
// Tables are read at the net's load, wire included, and at the mean of the earliest and the latest
// transition (synth/timing/timer.h).

#pragma once

#include <array>
#include <string>
#include <vector>

#include "synth/power/gates.h"
#include "synth/read/netlist.h"
#include "synth/timing/timer.h"

namespace trine::power {

/// Assumptions for what is not measured.
struct Assumptions {
  /// Capacitance of each net's wire; of the clock's wires only if the design is placed.
  double wire_ff = 12;
  /// Factor by which the buffers of a clock tree increase the energy of the clock's pins and wires.
  double clock_tree = 1.4;

  bool operator==(const Assumptions&) const = default;
};

/// A wire model in which every net's wire has the same capacitance.
class EqualWires : public synth::WireModel {
 public:
  explicit EqualWires(double ff) : pf_(static_cast<float>(ff / 1000)) {}
  float pf(int) const override { return pf_; }
  float ns(const synth::PinOf&) const override { return 0; }

 private:
  float pf_;
};

/// Energy in pJ, and leakage in nW.
struct Energy {
  double cells = 0;     ///< internal_power of gates and registers, without clock pins
  double pins = 0;      ///< loads of pins
  double wires = 0;     ///< loads of wires
  double glitches = 0;  ///< cells, pins and wires for changes that are not the last one of a cycle
  double memories = 0;  ///< accesses of macros
  double clock = 0;     ///< clock pins, tree and gates
  double leakage_nw = 0;

  /// Returns the energy without clock and leakage.
  double switching() const { return cells + pins + wires + glitches + memories; }
  Energy& operator+=(const Energy& other);
};

/// The energies of a netlist's events.
class Prices {
 public:
  /// Computes the prices.
  /// @param timer  updated with `wires`, except for the wires of the clock
  Prices(const synth::Netlist& netlist, const synth::Cells& cells, const synth::Timer& timer,
         const Gates& gates, const synth::WireModel& wires, const Assumptions& assumed);

  /// Returns the energy of each group. Glitches of the timed cycles are extrapolated to all cycles.
  /// @param group_of  group of each instance, 0 .. groups-1
  std::vector<Energy> of(const Counts& counts, const std::vector<int>& group_of, int groups) const;

  /// Returns the energy (pJ) that a change of a net takes in cells.
  double cells_pj(int net) const { return nets_[static_cast<std::size_t>(net)].cells; }
  /// Returns the energy (pJ) that a change of a net takes in pins.
  double pins_pj(int net) const { return nets_[static_cast<std::size_t>(net)].pins; }

 private:
  struct NetPrice {
    double cells = 0, pins = 0, wire = 0;
  };
  struct ClockPrice {
    std::array<double, 4> rise{}, fall{};
    double load = 0;  ///< energy of the load for both edges
  };
  struct GatePrice {
    /// Energy (pJ) per cycle: `clocked` in every cycle, `open` additionally if the gate lets the
    /// clock through.
    double clocked = 0, open = 0;
  };

  double mean(const synth::Power& power, int instance) const;
  float slew(int net) const;
  void price_net(int net, double wire_pf);
  double input_pj(int instance, int pin) const;
  double output_pj(int instance, int pin) const;
  ClockPrice price_register(const Register& reg) const;
  std::array<double, 8> price_macro(const MacroOf& macro) const;
  double clock_load(int instance, int pin) const;

  const synth::Netlist& netlist_;
  const synth::Cells& cells_;
  const synth::Timer& timer_;
  const Gates& gates_;
  const Assumptions assumed_;
  double half_square_ = 0;  ///< 1/2 V^2
  std::vector<NetPrice> nets_;
  std::vector<ClockPrice> clocks_;
  std::vector<GatePrice> gate_prices_;
  std::vector<std::array<double, 8>> accesses_;
  std::vector<double> macro_clocks_;  ///< pJ per cycle of the clock tree
};

}  // namespace trine::power
