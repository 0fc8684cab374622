// SPDX-License-Identifier: Apache-2.0
//
// Simulates a netlist (synth/read/netlist.h) of gates, flip-flops, clock gates and memory macros
// cycle by cycle, and counts the changes of each net.
//
// Without delays a net changes at most once per cycle, to its final value. With delays (transport
// through each gate by its own arcs; pulses shorter than the gate's delay are swallowed)
// intermediate changes, glitches, are counted separately. The final values of a cycle are the same.
// There is one clock with an ideal tree: registers and memories sample the values before its edge,
// and their outputs change together with the inputs of the next cycle.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "synth/read/netlist.h"
#include "synth/timing/timer.h"

namespace trine::power {

/// The counts since reset_counts().
struct Counts {
  std::uint64_t cycles = 0;
  std::uint64_t timed_cycles = 0;       ///< cycles with delays among them
  std::vector<std::uint32_t> toggles;   ///< by net: changes of the final value from cycle to cycle
  std::vector<std::uint32_t> timed;     ///< by net: changes among them in timed cycles
  std::vector<std::uint32_t> glitches;  ///< by net: additional changes in timed cycles
  /// By register: rising and falling clock edges that reached it, by the values of D (bit 1) and Q
  /// (bit 0).
  std::vector<std::array<std::uint32_t, 4>> rises, falls;
  /// By memory: clock edges, by the values of enable, write and read (bits 0, 1, 2).
  std::vector<std::array<std::uint32_t, 8>> accesses;
  /// By clock gate: cycles in which it let a clock pulse through.
  std::vector<std::uint32_t> opened;
};

/// A flip-flop.
struct Register {
  int instance = 0;
  int clock_gate = -1;  ///< clock gate that drives its clock; -1: the clock itself
  int clock_pin = 0;
  int data = 0, state = 0;  ///< nets; `state` is a net of the simulator
};

/// A memory macro.
struct MacroOf {
  int instance = 0, clock_pin = 0;
};

/// A clock gate.
struct GateOf {
  int instance = 0, clock_pin = 0, output = 0;  ///< net of the output
  int parent = -1;  ///< clock gate that drives its clock; -1: the clock itself
};

/// The simulator.
class Gates {
 public:
  /// Builds the simulator.
  /// @param timer  updated; gives the delays
  /// @throws Error  a cell has no function, or there is a loop
  Gates(const synth::Netlist& netlist, const synth::Cells& cells, const synth::Timer& timer);

  /// Sets an input of the design from the next cycle on.
  void set(int net, bool value);
  /// Simulates one clock cycle. @param timed  with delays
  void cycle(bool timed);
  /// Returns the value of a net.
  bool value(int net) const { return values_[static_cast<std::size_t>(net)] != 0; }

  const Counts& counts() const { return counts_; }
  /// Clears all counts.
  void reset_counts();

  const std::vector<Register>& registers() const { return registers_; }
  const std::vector<MacroOf>& macros() const { return macro_list_; }
  const std::vector<GateOf>& clock_gates() const { return gate_list_; }

 private:
  /// The function of a cell's output.
  struct Gate {
    std::uint64_t table = 0;
    std::array<int, 6> in{};
    int inputs = 0, out = 0, level = 0;
    std::array<std::array<std::uint16_t, 2>, 6> delay{};  ///< ps, by input and edge of the output
    bool scheduled = false, pending = false;
    std::uint32_t stamp = 0;
  };
  struct Next {
    std::uint64_t table = 0;
    std::array<int, 6> in{};
    int inputs = 0;
  };
  struct Macro {
    int enable = -1, write = -1, read = -1;
    /// Nets; `out` are nets of the simulator in front of the output pins.
    std::vector<int> address, data, mask, out;
    std::vector<std::uint64_t> words;
  };
  struct Event {
    std::uint32_t time, stamp;
    int gate;
    bool operator>(const Event& other) const { return time > other.time; }
  };

  void add(int instance, const synth::Cell& cell);
  void add_gate(int instance, int pin, const synth::Cell& cell);
  void add_register(int instance, const synth::Cell& cell);
  void add_macro(int instance, const synth::Cell& cell);
  void find_clocks();
  void find_levels();
  void set_delays(Gate& gate, int instance, int pin, const std::vector<int>& pins);
  int new_net();
  std::uint64_t word(const std::vector<int>& nets) const;
  bool evaluate(const Gate& gate) const;
  template <typename Function>
  bool evaluate_of(const Function& f) const;
  void sample();
  void access(std::size_t m);
  void change(int net, bool value);
  void queue_readers(int net);
  bool is_clocked(const Register& reg) const {
    return reg.clock_gate < 0 || open_[static_cast<std::size_t>(reg.clock_gate)] != 0;
  }
  void settle();
  void settle_timed();

  const synth::Netlist& netlist_;
  const synth::Cells& cells_;
  const synth::Timer& timer_;
  std::vector<std::uint8_t> values_;
  std::vector<Gate> gates_;
  std::vector<Register> registers_;
  std::vector<Next> nexts_;  ///< next values of registers
  std::vector<MacroOf> macro_list_;
  std::vector<Macro> macros_;
  std::vector<GateOf> gate_list_;
  std::vector<std::vector<int>> enables_;   ///< by clock gate: nets, each of which opens it
  std::vector<std::uint8_t> open_;          ///< by clock gate: open in this cycle
  std::vector<std::size_t> gate_order_;     ///< clock gates in an order with parents first
  std::vector<int> first_reader_, reader_;  ///< gates that read each net
  std::vector<std::vector<int>> dirty_;     ///< gates to evaluate, by level
  std::vector<std::uint8_t> queued_;
  std::vector<std::pair<int, bool>> changes_;  ///< changes at the next edge
  /// timed: nets that changed, with their old values.
  std::vector<std::pair<int, std::uint8_t>> before_;
  std::vector<std::uint32_t> events_;  ///< timed: changes of each net in this cycle
  Counts counts_;
};

}  // namespace trine::power
