// SPDX-License-Identifier: Apache-2.0
//
// What counted changes of a netlist cost (pJ), by its parts:
//
//   change of a net       Liberty's internal_power of its driver's output, and of the inputs that
//   it
//                         drives, mean of both edges and of all conditions and causes;
//                         1/2 C V^2 of the pins, and of the wire
//   edge of a register's  internal_power of the pin, by what D and Q are (mean of the conditions
//   clock pin             that hold then and in which it is not cleared); C V^2 of the tree
//   access of a memory    internal_power of its clock pin, by enable, write and read
//   leakage               cell_leakage_power, nW
//
// Tables are read at the load of the net, wire included, and at the mean of the earliest and the
// latest transition (synth/timing/timer.h).

#pragma once

#include <array>
#include <string>
#include <vector>

#include "synth/power/gates.h"
#include "synth/read/netlist.h"
#include "synth/timing/timer.h"

namespace trine::power {

/// What is assumed where nothing is measured.
struct Assumptions {
  double wire_ff = 12;      ///< of each net's wire; where the design is placed, of the clock's
  double clock_tree = 1.4;  ///< what the clock's pins and wires take with the buffers of a tree

  bool operator==(const Assumptions&) const = default;
};

/// Every net has a wire of the same capacitance.
class EqualWires : public synth::WireModel {
 public:
  explicit EqualWires(double ff) : pf_(static_cast<float>(ff / 1000)) {}
  float pf(int) const override { return pf_; }
  float ns(const synth::PinOf&) const override { return 0; }

 private:
  float pf_;
};

/// pJ, and leakage in nW.
struct Energy {
  double cells = 0;     ///< internal_power of gates and registers, without clock pins
  double pins = 0;      ///< loads by pins
  double wires = 0;     ///< loads by wires
  double glitches = 0;  ///< all three for changes besides the last one of a cycle
  double memories = 0;  ///< accesses of macros
  double clock = 0;     ///< clock pins, tree and gates
  double leakage_nw = 0;

  double switching() const { return cells + pins + wires + glitches + memories; }
  Energy& operator+=(const Energy& other);
};

class Prices {
 public:
  /// @param timer  updated, with `wires`, of which the clock's are left out
  Prices(const synth::Netlist& netlist, const synth::Cells& cells, const synth::Timer& timer,
         const Gates& gates, const synth::WireModel& wires, const Assumptions& assumed);

  /// Energy by group. Glitches of the timed cycles stand for those of all.
  /// @param group_of  of each instance, 0 .. groups-1
  std::vector<Energy> of(const Counts& counts, const std::vector<int>& group_of, int groups) const;

  /// pJ of a change of a net.
  double cells_pj(int net) const { return nets_[static_cast<std::size_t>(net)].cells; }
  double pins_pj(int net) const { return nets_[static_cast<std::size_t>(net)].pins; }

 private:
  struct NetPrice {
    double cells = 0, pins = 0, wire = 0;
  };
  struct ClockPrice {
    std::array<double, 4> rise{}, fall{};
    double load = 0;  ///< of both edges
  };
  struct GatePrice {
    double clocked = 0, open = 0;  ///< pJ a cycle, and if it lets the clock through
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
  std::vector<double> macro_clocks_;  ///< pJ a cycle: the tree
};

}  // namespace trine::power
