// SPDX-License-Identifier: Apache-2.0
//
// What is known of a library's cells: pins, loads, delays and limits as Liberty's tables give them
// (nonlinear delay model), what they compute and the energy that they take. Units: ns, pF, pJ, nW.

#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include "synth/read/liberty_groups.h"

namespace trine::synth {

/// A table of one or two variables, linear between its points and beyond them; none is 0.
struct Table {
  bool load_first = false;   ///< rows are loads, not transitions
  std::vector<float> x, y;   ///< rows, columns
  std::vector<float> value;  ///< [x][y]

  bool empty() const { return value.empty(); }
  /// @param slew  of the input (of a limit: the clock's), ns
  /// @param load  pF (of a limit: the data's transition, ns)
  float at(float slew, float load) const;
};

enum Edge { kRise = 0, kFall = 1 };
template <typename T>
using Edges = std::array<T, 2>;

/// From an input to an output, or from the clock (`launches`) to it.
struct Arc {
  int from = 0, to = 0;
  bool same = true, opposite = true;  ///< output edges that an input edge may cause
  bool launches = false;
  Edges<Table> delay, slew;  ///< by the output's edge
};

/// Calls f(input edge, output edge) for each that the arc allows.
template <typename F>
void for_each_edge(const Arc& arc, const F& f) {
  for (const int out : {kRise, kFall}) {
    if (arc.delay[static_cast<std::size_t>(out)].empty()) continue;
    if (arc.launches) {
      f(std::size_t{kRise}, static_cast<std::size_t>(out));
      continue;
    }
    if (arc.same) f(static_cast<std::size_t>(out), static_cast<std::size_t>(out));
    if (arc.opposite) f(static_cast<std::size_t>(1 - out), static_cast<std::size_t>(out));
  }
}

/// What a clock's rising edge asks of a data pin: setup or hold time, by the data's edge.
struct Limit {
  int pin = 0;
  bool hold = false;
  Edges<Table> time;
};

/// What an edge of a pin takes besides its load: Liberty's internal_power, pJ.
struct Power {
  int pin = 0;
  int related = -1;  ///< input whose edge causes it
  std::string when;  ///< expression of pins; empty: always
  Edges<Table> pj;
};

/// What a flip-flop stores, as expressions of its pins (logic.h); `next` empty: it is none.
struct Storage {
  std::string state, inverse;  ///< names of what is stored in its outputs' functions
  std::string next, clocked_on, clear, preset;
};

struct Pin {
  std::string name;
  std::string function;  ///< of an output; empty: none is told
  bool output = false, clock = false;
  Edges<float> capacitance{}, least_capacitance{};  ///< over all states of the cell
  float max_capacitance = 0, max_slew = 0;          ///< 0: no limit

  float most_capacitance() const { return std::max(capacitance[kRise], capacitance[kFall]); }
};

struct Cell {
  std::string name;
  float um2 = 0;
  bool gates_clock = false;  ///< an integrated clock gate
  std::vector<Pin> pins;
  std::vector<Arc> arcs;
  std::vector<Limit> limits;
  std::vector<Power> powers;
  Storage storage;
  float leakage_nw = 0;
  std::vector<int> sizes;  ///< cells of the same function and other strength, with itself, by area

  int pin(const std::string& name) const;  ///< -1: none
};

class Cells {
 public:
  /// Adds all cells of a library. @param file  for messages. @throws Error
  void add(const Group& library, const std::string& file);

  /// -1: none.
  int find(const std::string& name) const;
  const Cell& operator[](int index) const { return cells_[static_cast<std::size_t>(index)]; }

  double volts() const { return volts_; }  ///< of the library that was added first; 0: not told

  /// The weakest buffer (-1: none) and the slowest cell that does the same.
  int buffer() const { return buffer_; }
  int delay() const { return delay_; }

 private:
  std::vector<Cell> cells_;
  std::map<std::string, int> index_;
  std::map<std::string, std::vector<int>> families_;
  int buffer_ = -1, delay_ = -1;
  double volts_ = 0;
};

}  // namespace trine::synth
