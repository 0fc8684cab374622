// SPDX-License-Identifier: Apache-2.0
//
// The properties of a library's cells: pins, loads, delays and limits from Liberty's tables
// (nonlinear delay model), functions and energies. Units: ns, pF, pJ, nW.

#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include "synth/read/liberty_groups.h"

namespace trine::synth {

/// A table of one or two variables, interpolated and extrapolated linearly; an empty table is 0.
struct Table {
  bool load_first = false;   ///< true if rows are loads instead of transitions
  std::vector<float> x, y;   ///< rows, columns
  std::vector<float> value;  ///< [x][y]

  bool empty() const { return value.empty(); }
  /// Returns a value.
  /// @param slew  the input's transition (for a limit: the clock's), ns
  /// @param load  pF (for a limit: the data's transition, ns)
  float at(float slew, float load) const;
};

/// The direction of an edge, an index of Edges.
enum Edge { kRise = 0, kFall = 1 };
template <typename T>
using Edges = std::array<T, 2>;

/// A timing arc from an input to an output, or from the clock to an output (`launches`).
struct Arc {
  int from = 0, to = 0;
  bool same = true, opposite = true;  ///< output edges that an input edge may cause
  bool launches = false;
  Edges<Table> delay, slew;  ///< tables by the output's edge
};

/// Calls f(input edge, output edge) for each pair that the arc allows.
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

/// Setup or hold time of a data pin at the clock's rising edge, by the data's edge.
struct Limit {
  int pin = 0;
  bool hold = false;
  Edges<Table> time;
};

/// The energy (pJ) of a pin's edge in addition to its load: Liberty's internal_power.
struct Power {
  int pin = 0;
  int related = -1;  ///< input whose edge causes it; -1: not stated
  std::string when;  ///< condition, an expression of pins; empty: always
  Edges<Table> pj;
};

/// The state of a flip-flop as expressions of its pins (logic.h); the cell is not a flip-flop if
/// `next` is empty.
struct Storage {
  std::string state, inverse;  ///< names of the state in the functions of its outputs
  std::string next, clocked_on, clear, preset;
};

/// A pin of a cell.
struct Pin {
  std::string name;
  std::string function;  ///< function of an output; empty: not stated
  bool output = false, clock = false;
  /// Maximum and minimum over all states of the cell.
  Edges<float> capacitance{}, least_capacitance{};
  float max_capacitance = 0, max_slew = 0;  ///< 0: no limit

  /// Returns the larger capacitance of both edges.
  float most_capacitance() const { return std::max(capacitance[kRise], capacitance[kFall]); }
};

/// A cell of a library.
struct Cell {
  std::string name;
  float um2 = 0;
  bool gates_clock = false;  ///< true for an integrated clock gate
  std::vector<Pin> pins;
  std::vector<Arc> arcs;
  std::vector<Limit> limits;
  std::vector<Power> powers;
  Storage storage;
  float leakage_nw = 0;
  std::vector<int> sizes;  ///< cells with the same function, this one included, by area

  int pin(const std::string& name) const;  ///< index of a pin; -1: it does not exist
};

/// All cells of one or more libraries.
class Cells {
 public:
  /// Adds all cells of a library. @param file  for messages. @throws Error
  void add(const Group& library, const std::string& file);

  /// Returns the index of a cell; -1: it does not exist.
  int find(const std::string& name) const;
  const Cell& operator[](int index) const { return cells_[static_cast<std::size_t>(index)]; }

  /// Supply of the library that was added first; 0: not stated.
  double volts() const { return volts_; }

  /// Returns the weakest buffer; -1: none.
  int buffer() const { return buffer_; }
  /// Returns the slowest cell with the function of a buffer; -1: none.
  int delay() const { return delay_; }

 private:
  std::vector<Cell> cells_;
  std::map<std::string, int> index_;
  std::map<std::string, std::vector<int>> families_;
  int buffer_ = -1, delay_ = -1;
  double volts_ = 0;
};

}  // namespace trine::synth
