// SPDX-License-Identifier: Apache-2.0
//
// Runs a netlist of cells (synth/read/netlist.h), gates, flip-flops, clock gates and memory macros,
// cycle by cycle, and counts how often each net changes.
//
// Without delays a net changes at most once a cycle, to its last value; with them (transport
// through each gate by its own arcs, pulses shorter than the gate's delay swallowed) what a net
// does on the way, glitches, is counted apart. The values at the end of a cycle are the same.
//
// One clock, whose tree is ideal: registers and memories see what was there before its edge, and
// what they put out and the inputs of the next cycle change together.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "synth/read/netlist.h"
#include "synth/timing/timer.h"

namespace trine::power {

/// What has been counted since reset_counts().
struct Counts {
  std::uint64_t cycles = 0;
  std::uint64_t timed_cycles = 0;       ///< of those, with delays
  std::vector<std::uint32_t> toggles;   ///< by net: changes of a value from cycle to cycle
  std::vector<std::uint32_t> timed;     ///< of those, in timed cycles
  std::vector<std::uint32_t> glitches;  ///< by net: changes besides, in timed cycles
  /// By register: clock edges up and down that it saw, with D and Q as they stood: bit 1 and 0.
  std::vector<std::array<std::uint32_t, 4>> rises, falls;
  /// By memory: clock edges with bits 0, 1, 2 for enable, write, read.
  std::vector<std::array<std::uint32_t, 8>> accesses;
  std::vector<std::uint32_t> opened;  ///< by clock gate: cycles in which it let a clock through
};

/// A flip-flop.
struct Register {
  int instance = 0;
  int clock_gate = -1;  ///< that its clock comes from; -1: the clock itself
  int clock_pin = 0;
  int data = 0, state = 0;  ///< nets: of `state` one of ours
};

struct MacroOf {
  int instance = 0, clock_pin = 0;
};

struct GateOf {
  int instance = 0, clock_pin = 0, output = 0;  ///< net
  int parent = -1;  ///< the gate that its clock comes from; -1: the clock itself
};

class Gates {
 public:
  /// @param timer  updated; gives delays. @throws Error  a cell that has no function, a loop
  Gates(const synth::Netlist& netlist, const synth::Cells& cells, const synth::Timer& timer);

  /// An input of the design, from the next cycle on.
  void set(int net, bool value);
  /// One clock. @param timed  with delays
  void cycle(bool timed);
  bool value(int net) const { return values_[static_cast<std::size_t>(net)] != 0; }

  const Counts& counts() const { return counts_; }
  void reset_counts();

  const std::vector<Register>& registers() const { return registers_; }
  const std::vector<MacroOf>& macros() const { return macro_list_; }
  const std::vector<GateOf>& clock_gates() const { return gate_list_; }

 private:
  /// An output of a cell as a function of nets.
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
    std::vector<int> address, data, mask, out;  ///< nets; of `out` ours, in front of its pins
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
  std::vector<Next> nexts_;  ///< of registers
  std::vector<MacroOf> macro_list_;
  std::vector<Macro> macros_;
  std::vector<GateOf> gate_list_;
  std::vector<std::vector<int>> enables_;   ///< of clock gates: nets, each opens it
  std::vector<std::uint8_t> open_;          ///< in this cycle
  std::vector<std::size_t> gate_order_;     ///< clock gates behind their parents
  std::vector<int> first_reader_, reader_;  ///< gates by net
  std::vector<std::vector<int>> dirty_;     ///< gates by level
  std::vector<std::uint8_t> queued_;
  std::vector<std::pair<int, bool>> changes_;         ///< that the next edge brings
  std::vector<std::pair<int, std::uint8_t>> before_;  ///< timed: nets that changed, as they were
  std::vector<std::uint32_t> events_;                 ///< timed: by net, in this cycle
  Counts counts_;
};

}  // namespace trine::power
