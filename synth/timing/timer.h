// SPDX-License-Identifier: Apache-2.0
//
// A static timer of one clock without skew: how late and how early each net changes, and what time
// is left; without wires unless a model of them is given. OpenSTA has the last word on the result
// (clock.h); this one is asked some dozen times while buffers are put in and sizes chosen.
//
// Source: Liberty's nonlinear delay model; the later edge and the slower transition are carried on.

#pragma once

#include <algorithm>
#include <vector>

#include "synth/read/netlist.h"

namespace trine::synth {

inline constexpr float kNever = -1e9f;  ///< ns, where no edge arrives

struct Times {
  Edges<float> arrival, slew;      ///< latest, slowest
  Edges<float> early, early_slew;  ///< earliest, fastest
  Edges<float> required;           ///< latest that is in time
};

/// What wires add where places are known (synth/place).
class WireModel {
 public:
  virtual ~WireModel() = default;
  virtual float pf(int net) const = 0;            ///< to the load of the net's driver
  virtual float ns(const PinOf& sink) const = 0;  ///< from the driver to a sink
};

class Timer {
 public:
  /// @param wires  null: there are none. @throws Error  a combinational loop
  Timer(const Cells& cells, const Netlist& netlist, const WireModel* wires = nullptr);

  /// All anew. @param most_loads  no net counts more loads than that (0: all)
  void update(std::size_t most_loads = 0);

  /// Longest time from one clock edge to the next that all limits need, ns.
  float period() const { return period_; }
  const Times& times(int net) const { return times_[static_cast<std::size_t>(net)]; }
  const Edges<float>& load(int net) const { return loads_[static_cast<std::size_t>(net)]; }
  float most_load(int net) const { return std::max(load(net)[kRise], load(net)[kFall]); }
  /// By what another strength of a sink brings.
  void change_load(int net, const Pin& from, const Pin& to);
  /// Delay of the wire to a sink.
  float wire_ns(const PinOf& sink) const { return wires_ == nullptr ? 0 : wires_->ns(sink); }

  /// Time left at a net, at one of its sinks; large where nothing is asked.
  float slack(int net) const;
  float slack(const PinOf& sink) const;
  /// By how much the earliest change at a pin comes too early; 0: it does not.
  float too_early(const PinOf& sink) const;

  /// Setup time that a register asks for at a pin, by edge of the data; -1e9: none.
  Edges<float> setup(const PinOf& sink) const;

  /// Calls f(arc, net at its input, edge there, net at its output, edge there, delay) for all of an
  /// instance that are timed. An arc that launches begins at the clock's net.
  template <typename F>
  void for_each_delay(int instance, const F& f) const {
    const Instance& at = netlist_.instance(instance);
    for (const Arc& arc : cells_[at.cell].arcs) {
      const int from = at.nets[static_cast<std::size_t>(arc.from)];
      const int to = at.nets[static_cast<std::size_t>(arc.to)];
      if (to < 0 || (!arc.launches && !is_timed(from))) continue;
      for_each_edge(arc, [&](std::size_t in, std::size_t out) {
        if (!arc.launches && times(from).arrival[in] < 0) return;
        const float slew = arc.launches ? 0 : times(from).slew[in];
        f(arc, from, in, to, out, arc.delay[out].at(slew, load(to)[out]));
      });
    }
  }

  /// Instances, each behind those that drive it; those that begin at the clock first.
  const std::vector<int>& order() const { return order_; }

 private:
  bool is_timed(int net) const;
  void sort();
  PinOf pin_of(const Instance& instance, int pin) const;
  void forward(const Instance& instance);
  void backward(const Instance& instance);
  Edges<float> required_at(const PinOf& sink) const;
  Edges<float> limit(const PinOf& sink, bool hold, const Edges<float>& slew, float none) const;
  Times& at(int net) { return times_[static_cast<std::size_t>(net)]; }

  const Cells& cells_;
  const Netlist& netlist_;
  const WireModel* const wires_;
  std::vector<int> order_;
  std::vector<Times> times_;
  std::vector<Edges<float>> loads_, least_loads_;  ///< pF, by net
  float period_ = 0;
};

}  // namespace trine::synth
