// SPDX-License-Identifier: Apache-2.0

#include "synth/timing/repair.h"

#include <algorithm>
#include <queue>

#include "sw/base/error.h"

namespace trine::synth {
namespace {

constexpr int kSizingRounds = 60;
constexpr int kHoldRounds = 8;
constexpr int kMendRounds = 8;
constexpr float kMargin = 0.04f;  ///< of the period: cells with less slack are sized
constexpr float kLeastMargin = 0.002f;
constexpr float kWorthIt = 0.001f;  ///< ns that another strength must save

class Repair {
 public:
  Repair(Netlist& netlist, const Cells& cells, const RepairWires* wires)
      : netlist_(netlist),
        cells_(cells),
        wires_(wires),
        timer_(cells, netlist, wires == nullptr ? nullptr : &wires->model) {
    if (cells.buffer() < 0) throw_error("timing: the library has no buffer");
  }

  Repairs run(const std::function<void(const std::string&)>& progress) {
    progress("buffering");
    buffer();
    for (int round = 0; round < kSizingRounds; ++round) {
      progress(fmt::format("sizing: {} of {}", round + 1, kSizingRounds));
      if (!size()) break;
    }
    progress("holding");
    mend();
    hold();
    if (mend()) hold();
    for (const int net : overloads())
      repairs_.too_heavy +=
          is_heavy(netlist_.instance(netlist_.net(net).driver.instance).cell, net);
    return repairs_;
  }

 private:
  const Cell& cell(int instance) const { return cells_[netlist_.instance(instance).cell]; }

  int insert(int net, const std::vector<PinOf>& sinks, int buffer, std::int64_t& count,
             double& um2) {
    ++count;
    um2 += cells_[buffer].um2;
    const int behind = netlist_.insert(net, sinks, buffer, cells_);
    if (wires_ != nullptr) wires_->added(netlist_.net(behind).driver.instance);
    return behind;
  }

  /// Inserts buffer trees. The sinks with the most slack get a buffer, buffers again get buffers:
  /// the slack at the tree's root is then the largest possible for equal buffers (Golumbic,
  /// "Combinational merging", IEEE Trans. Computers 1976).
  void buffer() {
    Timer timer(cells_, netlist_);
    timer.update(kMostLoads);
    const int middle = strength_of(cells_.buffer(), 4);
    const Arc& arc = cells_[middle].arcs[0];
    const float load = static_cast<float>(kMostLoads) * 0.004f;
    const float delay =
        std::max(arc.delay[kRise].at(0.05f, load), arc.delay[kFall].at(0.05f, load));
    struct Entry {
      float slack;
      PinOf pin;
      bool operator<(const Entry& other) const { return slack < other.slack; }
    };
    const int nets = static_cast<int>(netlist_.nets().size());
    for (int net = 0; net < nets; ++net) {
      if (netlist_.net(net).clock || netlist_.net(net).constant >= 0 ||
          netlist_.net(net).sinks.size() <= kMostLoads)
        continue;
      std::priority_queue<Entry> queue;
      for (const PinOf& sink : netlist_.release(net)) queue.push({timer.slack(sink), sink});
      // The size of the first group makes all later groups, and the driver, full.
      std::size_t take = (queue.size() - kMostLoads - 1) % (kMostLoads - 1) + 2;
      while (queue.size() > kMostLoads) {
        std::vector<PinOf> group;
        for (; take > 0; --take) {
          group.push_back(queue.top().pin);
          if (take == 1) break;
          queue.pop();
        }
        const float least = queue.top().slack;
        queue.pop();
        const int behind = insert(net, group, middle, repairs_.buffers, repairs_.buffers_um2);
        queue.push({least - delay, {netlist_.net(behind).driver.instance, arc.from}});
        take = kMostLoads;
      }
      netlist_.release(net);  // drops the buffers that insert() attached
      for (; !queue.empty(); queue.pop()) netlist_.attach(net, queue.top().pin);
    }
  }

  /// Returns the cell of a family with the n-th strength (ordered approximately by area).
  int strength_of(int cell, std::size_t n) const {
    const std::vector<int>& sizes = cells_[cell].sizes;
    return sizes[std::min(n, sizes.size()) - 1];
  }

  int worst_output(const Instance& instance) const {
    int worst = -1;
    for (const Arc& arc : cells_[instance.cell].arcs) {
      const int net = instance.nets[static_cast<std::size_t>(arc.to)];
      if (net >= 0 && (worst < 0 || timer_.slack(net) < timer_.slack(worst))) worst = net;
    }
    return worst;
  }

  /// Runs one round of sizing over late or overloaded cells. @return true if another round may help
  bool size() {
    timer_.update();
    const float period = timer_.period();
    if (period < best_ * 0.9998f) {
      keep(period);
    } else {
      restore();
      timer_.update();
      margin_ /= 2;
      if (margin_ < kLeastMargin) return false;
    }
    for (const int i : timer_.order()) {
      const Instance& instance = netlist_.instance(i);
      if (cells_[instance.cell].sizes.size() < 2) continue;
      const int out = worst_output(instance);
      if (out >= 0 && (timer_.slack(out) < margin_ * best_ || overloaded(instance.cell, out)))
        choose(i, out);
    }
    return true;
  }

  /// Returns the slowest transition that all sinks of the net support; 0: no limit.
  float slew_limit(int net) const {
    float least = 0;
    for (const PinOf& sink : netlist_.net(net).sinks) {
      const float limit = cell(sink.instance).pins[static_cast<std::size_t>(sink.pin)].max_slew;
      if (limit > 0 && (least == 0 || limit < least)) least = limit;
    }
    return least;
  }

  bool is_heavy(int cell, int net) const {
    const PinOf driver = netlist_.net(net).driver;
    const float most = cells_[cell].pins[static_cast<std::size_t>(driver.pin)].max_capacitance;
    return most > 0 && timer_.most_load(net) > most;
  }

  bool overloaded(int cell, int net) const {
    const Edges<float>& slew = timer_.times(net).slew;
    const float limit = slew_limit(net);
    return is_heavy(cell, net) || (limit > 0 && std::max(slew[kRise], slew[kFall]) > limit);
  }

  std::vector<int> overloads() const {
    std::vector<int> nets;
    for (int n = 0; n < static_cast<int>(netlist_.nets().size()); ++n) {
      const Net& net = netlist_.net(n);
      if (!net.clock && net.driver.instance >= 0 && !net.sinks.empty() &&
          overloaded(netlist_.instance(net.driver.instance).cell, n))
        nets.push_back(n);
    }
    return nets;
  }

  /// Strengthens drivers, or inserts buffers after them, until no load and no transition exceeds
  /// its limit.
  bool mend() {
    bool changed = false;
    for (int round = 0; round < kMendRounds; ++round) {
      timer_.update();
      const std::vector<int> nets = overloads();
      if (nets.empty()) break;
      for (const int net : nets) relieve(net);
      changed = true;
    }
    return changed;
  }

  /// Chooses the weakest cell that is strong enough. If there is none, a buffer takes half of the
  /// load, or all of it if the wire is placed and the driver is not a buffer.
  void relieve(int net) {
    const int driver = netlist_.net(net).driver.instance;
    for (const int size : cell(driver).sizes)
      if (is_enough(driver, size, net)) {
        resize(driver, size);
        return;
      }
    const std::vector<PinOf> sinks = netlist_.net(net).sinks;
    const bool weak = wires_ != nullptr && !is_buffer(driver);
    const auto first = weak ? 0 : static_cast<std::ptrdiff_t>(sinks.size() / 2);
    insert(net, {sinks.begin() + first, sinks.end()}, strength_of(cells_.buffer(), 4),
           repairs_.buffers, repairs_.buffers_um2);
  }

  bool is_buffer(int instance) const {
    const std::vector<int>& sizes = cells_[cells_.buffer()].sizes;
    return std::find(sizes.begin(), sizes.end(), netlist_.instance(instance).cell) != sizes.end();
  }

  bool is_enough(int instance, int size, int net) const {
    const Cell& then = cells_[size];
    const PinOf driver = netlist_.net(net).driver;
    if (is_heavy(size, net)) return false;
    const float limit = slew_limit(net);
    float slowest = 0;
    for (const Arc& arc : then.arcs) {
      const int in = netlist_.instance(instance).nets[static_cast<std::size_t>(arc.from)];
      if (arc.to != driver.pin || in < 0) continue;
      const Edges<float> slew = arc.launches ? Edges<float>{0, 0} : timer_.times(in).slew;
      for (const Edge e : {kRise, kFall})
        slowest = std::max(slowest,
                           arc.slew[e].at(std::max(slew[kRise], slew[kFall]), timer_.load(net)[e]));
    }
    return limit <= 0 || slowest <= limit;
  }

  /// Returns the lateness of `out`, and of the other sinks of its drivers, if the instance were
  /// `size`.
  float cost(int i, int size, int out) const {
    const Instance& instance = netlist_.instance(i);
    const Cell& now = cells_[instance.cell];
    const Cell& then = cells_[size];
    const Edges<float>& load = timer_.load(out);
    const Times& at_out = timer_.times(out);
    float late = -1e9f;
    for (const Arc& arc : then.arcs) {
      if (instance.nets[static_cast<std::size_t>(arc.to)] != out) continue;
      const int in = instance.nets[static_cast<std::size_t>(arc.from)];
      const auto pin = static_cast<std::size_t>(arc.from);
      float slower = 0;
      if (!arc.launches && in >= 0) {
        slower = slowed(in, now.pins[pin], then.pins[pin]);
        for (const PinOf& sink : netlist_.net(in).sinks)
          if (sink.instance != i) late = std::max(late, slower - timer_.slack(sink));
      }
      for (const Edge e : {kRise, kFall}) {
        const auto from = [&](std::size_t f) {
          Edges<float> t{0, 0};  // arrival, slew
          if (!arc.launches && in >= 0) t = {timer_.times(in).arrival[f], timer_.times(in).slew[f]};
          if (t[0] < 0) return;  // a constant
          if (!arc.launches) t[0] += timer_.wire_ns({i, arc.from});
          late = std::max(late, t[0] + slower + arc.delay[e].at(t[1], load[e]) +
                                    kNextStage * (arc.slew[e].at(t[1], load[e]) - at_out.slew[e]) -
                                    at_out.required[e]);
        };
        if (arc.same) from(e);
        if (arc.opposite) from(1 - std::size_t{e});
      }
    }
    return late;
  }

  /// Returns the additional delay of a net if a sink's pin is replaced by another.
  float slowed(int net, const Pin& from, const Pin& to) const {
    const PinOf driver = netlist_.net(net).driver;
    if (driver.instance < 0) return 0;
    const Edges<float>& load = timer_.load(net);
    float most = -1e9f;
    for (const Arc& arc : cell(driver.instance).arcs)
      if (arc.to == driver.pin)
        for (const Edge e : {kRise, kFall})
          most = std::max(
              most, arc.delay[e].at(0.05f, load[e] + to.capacitance[e] - from.capacitance[e]) -
                        arc.delay[e].at(0.05f, load[e]));
    return std::max(most, -1.0f);
  }

  void choose(int i, int out) {
    const Instance& instance = netlist_.instance(i);
    int best = instance.cell;
    float least = cost(i, best, out) - kWorthIt;
    const bool heavy = overloaded(best, out);
    if (heavy) least = 1e9f;
    for (const int size : cells_[instance.cell].sizes) {
      const PinOf driver = netlist_.net(out).driver;
      const float most = cells_[size].pins[static_cast<std::size_t>(driver.pin)].max_capacitance;
      if (size == instance.cell || (most > 0 && timer_.most_load(out) > most)) continue;
      const float time = cost(i, size, out);
      if (time < least) {
        least = time;
        best = size;
      }
    }
    if (best != instance.cell) resize(i, best);
  }

  void resize(int i, int size) {
    const Instance& instance = netlist_.instance(i);
    for (std::size_t p = 0; p < instance.nets.size(); ++p)
      if (instance.nets[p] >= 0 && !cells_[size].pins[p].output)
        timer_.change_load(instance.nets[p], cells_[instance.cell].pins[p], cells_[size].pins[p]);
    netlist_.resize(i, size);
  }

  void keep(float period) {
    best_ = period;
    kept_.clear();
    for (const Instance& instance : netlist_.instances()) kept_.push_back(instance.cell);
  }

  void restore() {
    for (std::size_t i = 0; i < kept_.size(); ++i) netlist_.resize(static_cast<int>(i), kept_[i]);
  }

  /// Inserts slow cells before pins that change too early, as long as there is slack.
  void hold() {
    if (cells_.delay() < 0) return;
    for (int round = 0; round < kHoldRounds; ++round) {
      timer_.update();
      repairs_.too_early = 0;
      const int instances = static_cast<int>(netlist_.instances().size());
      for (int i = 0; i < instances; ++i)
        for (std::size_t p = 0; p < netlist_.instance(i).nets.size(); ++p) {
          const PinOf pin{i, static_cast<int>(p)};
          const int net = netlist_.instance(i).nets[p];
          if (net < 0 || cell(i).pins[p].output || netlist_.net(net).input ||
              timer_.too_early(pin) <= 0)
            continue;
          ++repairs_.too_early;
          if (round + 1 < kHoldRounds)
            insert(net, {pin}, cells_.delay(), repairs_.hold_buffers, repairs_.hold_um2);
        }
      if (repairs_.too_early == 0) return;
    }
  }

  Netlist& netlist_;
  const Cells& cells_;
  const RepairWires* const wires_;
  Timer timer_;
  Repairs repairs_;
  float best_ = 1e9f;
  float margin_ = kMargin;
  std::vector<int> kept_;
};

}  // namespace

Repairs repair(Netlist& netlist, const Cells& cells,
               const std::function<void(const std::string&)>& progress, const RepairWires* wires) {
  return Repair(netlist, cells, wires).run(progress);
}

}  // namespace trine::synth
