// SPDX-License-Identifier: Apache-2.0

#include "synth/timing/timer.h"

#include <algorithm>

#include "sw/base/error.h"

namespace trine::synth {
namespace {

constexpr float kAlways = 1e9f;

}  // namespace

Timer::Timer(const Cells& cells, const Netlist& netlist, const WireModel* wires)
    : cells_(cells), netlist_(netlist), wires_(wires) {}

void Timer::change_load(int net, const Pin& from, const Pin& to) {
  for (const Edge e : {kRise, kFall})
    loads_[static_cast<std::size_t>(net)][e] += to.capacitance[e] - from.capacitance[e];
}

bool Timer::is_timed(int net) const { return net >= 0 && net != netlist_.reset(); }

void Timer::sort() {
  const auto& instances = netlist_.instances();
  if (order_.size() == instances.size()) return;  // nothing has been inserted since
  std::vector<int> waits(instances.size(), 0);
  order_.clear();
  const auto each_input = [&](std::size_t i, const auto& f) {
    for (const Arc& arc : cells_[instances[i].cell].arcs) {
      const int net = instances[i].nets[static_cast<std::size_t>(arc.from)];
      if (!arc.launches && net >= 0 && netlist_.net(net).driver.instance >= 0) f(net);
    }
  };
  for (std::size_t i = 0; i < instances.size(); ++i) {
    each_input(i, [&](int) { ++waits[i]; });
    if (waits[i] == 0) order_.push_back(static_cast<int>(i));
  }
  for (std::size_t next = 0; next < order_.size(); ++next) {
    const Instance& done = netlist_.instance(order_[next]);
    for (std::size_t pin = 0; pin < done.nets.size(); ++pin) {
      const int net = done.nets[pin];
      if (net < 0 || netlist_.net(net).driver.instance != order_[next] ||
          netlist_.net(net).driver.pin != static_cast<int>(pin))
        continue;
      for (const PinOf& sink : netlist_.net(net).sinks)
        for (const Arc& arc : cells_[netlist_.instance(sink.instance).cell].arcs)
          if (!arc.launches && arc.from == sink.pin &&
              --waits[static_cast<std::size_t>(sink.instance)] == 0)
            order_.push_back(sink.instance);
    }
  }
  if (order_.size() == instances.size()) return;
  const auto stuck = std::find_if(waits.begin(), waits.end(), [](int w) { return w > 0; });
  throw_error("timing: a combinational loop through {}",
              instances[static_cast<std::size_t>(stuck - waits.begin())].name);
}

void Timer::update(std::size_t most_loads) {
  sort();
  const auto& nets = netlist_.nets();
  loads_.assign(nets.size(), {0, 0});
  least_loads_.assign(nets.size(), {0, 0});
  const Times unknown{
      {kNever, kNever}, {0, 0}, {kAlways, kAlways}, {kAlways, kAlways}, {kAlways, kAlways}};
  times_.assign(nets.size(), unknown);
  for (std::size_t n = 0; n < nets.size(); ++n) {
    for (const PinOf& sink : nets[n].sinks) {
      const Pin& pin =
          cells_[netlist_.instance(sink.instance).cell].pins[static_cast<std::size_t>(sink.pin)];
      for (const Edge e : {kRise, kFall}) {
        loads_[n][e] += pin.capacitance[e];
        least_loads_[n][e] += pin.least_capacitance[e];
      }
    }
    if (wires_ != nullptr)
      for (const Edge e : {kRise, kFall}) {
        loads_[n][e] += wires_->pf(static_cast<int>(n));
        least_loads_[n][e] += wires_->pf(static_cast<int>(n));
      }
    if (most_loads > 0 && nets[n].sinks.size() > most_loads)
      for (float& load : loads_[n])
        load *= static_cast<float>(most_loads) / static_cast<float>(nets[n].sinks.size());
    if (nets[n].input && is_timed(static_cast<int>(n)))
      times_[n] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}, {kAlways, kAlways}};
  }
  for (const int i : order_) forward(netlist_.instance(i));
  // The period at which the latest path just meets its setup time.
  period_ = 0;
  for (std::size_t n = 0; n < nets.size(); ++n) {
    if (nets[n].output)
      for (const float arrival : times_[n].arrival) period_ = std::max(period_, arrival);
    for (const PinOf& sink : nets[n].sinks) {
      const Edges<float> setup = limit(sink, false, times_[n].slew, kNever);
      for (const Edge e : {kRise, kFall})
        if (setup[e] > kNever && times_[n].arrival[e] > kNever)
          period_ = std::max(period_, times_[n].arrival[e] + wire_ns(sink) + setup[e]);
    }
  }
  for (std::size_t n = 0; n < nets.size(); ++n) {
    if (nets[n].output) times_[n].required = {period_, period_};
    for (const PinOf& sink : nets[n].sinks) {
      const Edges<float> setup = limit(sink, false, times_[n].slew, kNever);
      for (const Edge e : {kRise, kFall})
        if (setup[e] > kNever)
          times_[n].required[e] =
              std::min(times_[n].required[e], period_ - setup[e] - wire_ns(sink));
    }
  }
  for (auto i = order_.rbegin(); i != order_.rend(); ++i) backward(netlist_.instance(*i));
}

PinOf Timer::pin_of(const Instance& instance, int pin) const {
  return {static_cast<int>(&instance - netlist_.instances().data()), pin};
}

void Timer::forward(const Instance& instance) {
  for (const Arc& arc : cells_[instance.cell].arcs) {
    const int from = instance.nets[static_cast<std::size_t>(arc.from)];
    const int to = instance.nets[static_cast<std::size_t>(arc.to)];
    if (to < 0 || (!arc.launches && !is_timed(from))) continue;
    static const Times edge{{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}};
    const Times& in = arc.launches ? edge : times(from);
    Times& out = at(to);
    const float wire = arc.launches ? 0 : wire_ns(pin_of(instance, arc.from));
    for_each_edge(arc, [&](std::size_t f, std::size_t e) {
      const float load = loads_[static_cast<std::size_t>(to)][e];
      const float least = least_loads_[static_cast<std::size_t>(to)][e];
      if (in.arrival[f] > kNever) {
        out.arrival[e] =
            std::max(out.arrival[e], in.arrival[f] + wire + arc.delay[e].at(in.slew[f], load));
        out.slew[e] = std::max(out.slew[e], arc.slew[e].at(in.slew[f], load));
      }
      if (in.early[f] < kAlways) {
        out.early[e] =
            std::min(out.early[e], in.early[f] + wire + arc.delay[e].at(in.early_slew[f], least));
        out.early_slew[e] = std::min(out.early_slew[e], arc.slew[e].at(in.early_slew[f], least));
      }
    });
  }
}

void Timer::backward(const Instance& instance) {
  for (const Arc& arc : cells_[instance.cell].arcs) {
    const int from = instance.nets[static_cast<std::size_t>(arc.from)];
    if (arc.launches || !is_timed(from)) continue;
    const PinOf pin = pin_of(instance, arc.from);
    const Edges<float> required = required_at(pin);
    for (const Edge e : {kRise, kFall})
      at(from).required[e] = std::min(at(from).required[e], required[e] - wire_ns(pin));
  }
}

/// Computes the required time at a pin, through its cell.
Edges<float> Timer::required_at(const PinOf& sink) const {
  Edges<float> required{kAlways, kAlways};
  const Instance& instance = netlist_.instance(sink.instance);
  const Times& in = times(instance.nets[static_cast<std::size_t>(sink.pin)]);
  for (const Arc& arc : cells_[instance.cell].arcs) {
    const int to = instance.nets[static_cast<std::size_t>(arc.to)];
    if (arc.from != sink.pin || arc.launches || to < 0) continue;
    for_each_edge(arc, [&](std::size_t f, std::size_t e) {
      required[f] =
          std::min(required[f], times(to).required[e] - arc.delay[e].at(in.slew[f], load(to)[e]));
    });
  }
  return required;
}

Edges<float> Timer::limit(const PinOf& sink, bool hold, const Edges<float>& slew,
                          float none) const {
  Edges<float> time{none, none};
  for (const Limit& limit : cells_[netlist_.instance(sink.instance).cell].limits)
    if (limit.pin == sink.pin && limit.hold == hold)
      for (const Edge e : {kRise, kFall})
        if (!limit.time[e].empty()) time[e] = std::max(time[e], limit.time[e].at(0, slew[e]));
  return time;
}

Edges<float> Timer::setup(const PinOf& sink) const {
  const int net = netlist_.instance(sink.instance).nets[static_cast<std::size_t>(sink.pin)];
  return limit(sink, false, times(net).slew, kNever);
}

float Timer::slack(int net) const {
  const Times& t = times(net);
  return std::min(t.required[kRise] - t.arrival[kRise], t.required[kFall] - t.arrival[kFall]);
}

float Timer::slack(const PinOf& sink) const {
  const int net = netlist_.instance(sink.instance).nets[static_cast<std::size_t>(sink.pin)];
  const Times& t = times(net);
  Edges<float> required = required_at(sink);
  const Edges<float> setup = limit(sink, false, t.slew, kNever);
  float slack = kAlways;
  for (const Edge e : {kRise, kFall}) {
    if (setup[e] > kNever) required[e] = std::min(required[e], period_ - setup[e]);
    slack = std::min(slack, required[e] - t.arrival[e] - wire_ns(sink));
  }
  return slack;
}

float Timer::too_early(const PinOf& sink) const {
  const Times& t = times(netlist_.instance(sink.instance).nets[static_cast<std::size_t>(sink.pin)]);
  const Edges<float> hold = limit(sink, true, t.early_slew, kNever);
  float time = 0;
  for (const Edge e : {kRise, kFall})
    if (hold[e] > kNever && t.early[e] < kAlways)
      time = std::max(time, hold[e] - t.early[e] - wire_ns(sink));
  return time;
}

}  // namespace trine::synth
