// SPDX-License-Identifier: Apache-2.0
//
// A static timer for one clock without skew. It computes the latest and earliest change of each net
// and the slack, without wires unless a model is given. OpenSTA decides about the result (clock.h);
// this timer is called some dozen times while buffers are inserted and sizes chosen.
//
// Source: Liberty's nonlinear delay model; the later edge and the slower transition are propagated.

#pragma once

#include <algorithm>
#include <vector>

#include "synth/read/netlist.h"

namespace trine::synth {

inline constexpr float kNever = -1e9f;  ///< ns, if no edge arrives

/// Times of a net, by edge, ns.
struct Times {
  Edges<float> arrival, slew;      ///< latest, slowest
  Edges<float> early, early_slew;  ///< earliest, fastest
  Edges<float> required;           ///< latest arrival that is in time
};

/// The cost of wires whose positions are known (synth/place).
class WireModel {
 public:
  virtual ~WireModel() = default;
  virtual float pf(int net) const = 0;  ///< capacitance added to the load of the net's driver
  virtual float ns(const PinOf& sink) const = 0;  ///< delay from the driver to a sink
};

/// The timer of a netlist.
class Timer {
 public:
  /// @param wires  null: there are none. @throws Error  a combinational loop
  Timer(const Cells& cells, const Netlist& netlist, const WireModel* wires = nullptr);

  /// Computes all times again. @param most_loads  maximum number of loads that a net counts (0:
  /// all)
  void update(std::size_t most_loads = 0);

  /// Returns the shortest clock period that meets all limits, ns.
  float period() const { return period_; }
  /// Returns the times of a net.
  const Times& times(int net) const { return times_[static_cast<std::size_t>(net)]; }
  /// Returns the load of a net's driver, pF.
  const Edges<float>& load(int net) const { return loads_[static_cast<std::size_t>(net)]; }
  /// Returns the larger load of both edges, pF.
  float most_load(int net) const { return std::max(load(net)[kRise], load(net)[kFall]); }
  /// Updates a net's load when a sink changes from one strength to another.
  void change_load(int net, const Pin& from, const Pin& to);
  /// Returns the delay of the wire to a sink.
  float wire_ns(const PinOf& sink) const { return wires_ == nullptr ? 0 : wires_->ns(sink); }

  /// Returns the slack of a net; large if there is no limit.
  float slack(int net) const;
  /// Returns the slack of a net at one of its sinks.
  float slack(const PinOf& sink) const;
  /// Returns by how much the earliest change at a pin violates its hold time; 0: it does not.
  float too_early(const PinOf& sink) const;

  /// Returns the setup time of a register's pin, by edge of the data; -1e9: none.
  Edges<float> setup(const PinOf& sink) const;

  /// Calls f(arc, input net, its edge, output net, its edge, delay) for all timed arcs of an
  /// instance. An arc that launches begins at the clock's net.
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

  /// Returns the instances in an order with drivers before their loads; those that launch from the
  /// clock come first.
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
