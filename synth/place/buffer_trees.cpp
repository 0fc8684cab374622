// SPDX-License-Identifier: Apache-2.0

#include "synth/place/buffer_trees.h"

#include <algorithm>
#include <cmath>

#include "synth/timing/repair.h"

namespace trine::synth {
namespace {

constexpr float kNsAUm = 0.00022f;  ///< of a wire with buffers
constexpr float kFanOutNs = 0.06f;  ///< for each doubling of loads above kMostLoads
constexpr float kShortUm = 300;     ///< of a wire with buffers, what its driver sees
constexpr float kStar = 0.3f;       ///< how much the way to the driver counts in a tree, 0..1
constexpr float kPieceUm = 250;     ///< between places for buffers
constexpr float kMostPf = 0.35f;    ///< behind a driver: transitions that wires let through
constexpr float kSlew = 0.08f;      ///< ns, at a buffer's input, about
constexpr float kLeastPrice = 0.003f, kMostPrice = 0.1f;  ///< ns that a buffer must win
constexpr float kPriceOfSpare = 0.1f;                     ///< of the time left
constexpr float kUrgent = 0.3f;    ///< of the period: nets with more left and a light load stay
constexpr std::size_t kMost = 24;  ///< ways of a subtree that are kept
constexpr float kUnasked = 1e3f;   ///< ns left where nothing is asked
constexpr float kTooMuch = 1e6f;   ///< what a load above the driver's costs

using Pins = std::vector<PinOf>;

/// A way to drive a subtree: the load that it is, the time left at its root, the loads there.
struct Way {
  float pf = 0, left = 0;
  std::size_t loads = 0;
  int step = -1, other = -1;  ///< joined with another's step, for which there is none yet
};
using Ways = std::vector<Way>;

/// How a way came about: a sink, two ways joined, or a buffer before a way.
struct Step {
  int a = -1, b = -1;
  int sink = -1, buffer = -1;
  Point at;
};

float distance(const Point& a, const Point& b) {
  return std::fabs(a.x - b.x) + std::fabs(a.y - b.y);
}

/// Delay of a cell's output at a load, the slower edge; with what its transition costs the next
/// cell.
float delay_of(const Cell& cell, int output, float pf) {
  float most = 0;
  for (const Arc& arc : cell.arcs) {
    if (arc.to != output) continue;
    for (const Edge e : {kRise, kFall})
      if (!arc.delay[e].empty())
        most = std::max(most, arc.delay[e].at(kSlew, pf) + kNextStage * arc.slew[e].at(kSlew, pf));
  }
  return most;
}

class Trees {
 public:
  Trees(Netlist& netlist, const Cells& cells, Placement& placement, const WireCost& cost,
        const Timer& timer)
      : netlist_(netlist), cells_(cells), placement_(placement), cost_(cost), timer_(timer) {
    for (const int size : cells[cells.buffer()].sizes) {
      const Cell& cell = cells[size];
      const Arc& arc = cell.arcs[0];
      const float most = cell.pins[static_cast<std::size_t>(arc.to)].max_capacitance;
      buffers_.push_back({size, arc.to,
                          cell.pins[static_cast<std::size_t>(arc.from)].most_capacitance(),
                          most > 0 ? std::min(most, kMostPf) : kMostPf, cell.um2});
    }
  }

  WireBuffers run() {
    const int nets = static_cast<int>(netlist_.nets().size());
    for (int net = 0; net < nets; ++net)
      if (placement_.has_wire(net)) buffer(net);
    return result_;
  }

 private:
  struct Buffer {
    int cell, out;
    float pf, most_pf, um2;
  };

  void buffer(int net) {
    const Pins sinks = netlist_.net(net).sinks;
    if (sinks.empty()) return;
    const PinOf driver = netlist_.net(net).driver;
    std::vector<Point> points{placement_.point(driver, net)};
    for (const PinOf& sink : sinks) points.push_back(placement_.point(sink, net));
    const WireTree tree = tree_over(points, kStar);
    if (may_stay(net, tree)) return;
    price_ = std::clamp(kPriceOfSpare * timer_.slack(net), kLeastPrice, kMostPrice);
    steps_.clear();
    Pins pins;
    build(net, best_for(driver, ways_of(tree, points, sinks)).step, sinks, pins);
  }

  bool may_stay(int net, const WireTree& tree) const {
    const Pins& sinks = netlist_.net(net).sinks;
    float load = tree.length() * cost_.pf;
    for (const PinOf& sink : sinks) load += capacitance(sink);
    return timer_.slack(net) > kUrgent * timer_.period() && sinks.size() <= kMostLoads &&
           load <= most_pf(netlist_.net(net).driver);
  }

  float most_pf(const PinOf& driver) const {
    if (driver.instance < 0) return kMostPf;
    const float own = cell_of(driver).pins[static_cast<std::size_t>(driver.pin)].max_capacitance;
    return own > 0 ? std::min(own, kMostPf) : kMostPf;
  }

  /// Ways of the whole tree at its root, from the leaves on.
  Ways ways_of(const WireTree& tree, const std::vector<Point>& points, const Pins& sinks) {
    std::vector<Ways> ways(points.size());
    for (auto k = tree.order.rbegin(); k + 1 != tree.order.rend(); ++k) {
      const auto i = static_cast<std::size_t>(*k);
      const auto parent = static_cast<std::size_t>(tree.parent[i]);
      const PinOf& sink = sinks[i - 1];
      const float left = std::min(timer_.slack(sink) + timer_.wire_ns(sink), kUnasked);
      const Ways leaf{
          {capacitance(sink), left, 1, step({-1, -1, static_cast<int>(i) - 1, -1, {}})}};
      Ways all = ways[i].empty() ? leaf : join(ways[i], leaf, points[i]);
      all = along(std::move(all), points[i], points[parent]);
      ways[parent] = ways[parent].empty() ? all : join(ways[parent], all, points[parent]);
    }
    return ways[0];
  }

  /// That leaves the most time, if any with a load that the driver may have.
  Way best_for(const PinOf& driver, const Ways& ways) const {
    const Way* best = nullptr;
    float best_left = 0;
    for (const Way& way : ways) {
      float left = way.left;
      if (driver.instance >= 0) left -= delay_of(cell_of(driver), driver.pin, way.pf);
      if (way.pf > most_pf(driver) || way.loads > kMostLoads) left -= kTooMuch * (1 + way.pf);
      if (best != nullptr && left <= best_left) continue;
      best = &way;
      best_left = left;
    }
    return *best;
  }

  const Cell& cell_of(const PinOf& pin) const {
    return cells_[netlist_.instance(pin.instance).cell];
  }
  float capacitance(const PinOf& pin) const {
    return cell_of(pin).pins[static_cast<std::size_t>(pin.pin)].most_capacitance();
  }

  int step(const Step& step) {
    steps_.push_back(step);
    return static_cast<int>(steps_.size()) - 1;
  }

  /// Both at one place.
  Ways join(const Ways& a, const Ways& b, const Point& at) {
    Ways all;
    for (const Way& x : a)
      for (const Way& y : b)
        if (x.loads + y.loads <= kMostLoads)
          all.push_back({x.pf + y.pf, std::min(x.left, y.left), x.loads + y.loads, x.step, y.step});
    if (all.empty()) return join(buffered(a, at, true), buffered(b, at, true), at);
    prune(all);
    for (Way& way : all) {
      way.step = step({way.step, way.other, -1, -1, {}});
      way.other = -1;
    }
    return all;
  }

  /// From a node to the one above it.
  Ways along(Ways ways, const Point& from, const Point& to) {
    const float um = distance(from, to);
    const int pieces = std::max(1, static_cast<int>(std::ceil(um / kPieceUm)));
    if (um > 0) ways = buffered(ways, from, false);
    for (int k = 1; k <= pieces; ++k) {
      const float share = static_cast<float>(k) / static_cast<float>(pieces);
      const float piece = um / static_cast<float>(pieces);
      const float kohm = piece * cost_.kohm + (k == 1 ? 2 * cost_.via_kohm : 0);
      for (Way& way : ways) {
        way.left -= kohm * (piece * cost_.pf / 2 + way.pf);
        way.pf += piece * cost_.pf;
      }
      ways = buffered(ways, {from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share},
                      false);
    }
    return ways;
  }

  /// With a buffer of each strength before the best way for it, too. @param alone  nothing else,
  /// the strongest before any load
  Ways buffered(const Ways& ways, const Point& at, bool alone) {
    Ways all;
    if (!alone) all = ways;
    for (const Buffer& buffer : buffers_) {
      const Way* best = nullptr;
      float best_left = 0;
      for (const Way& way : ways) {
        if (way.pf > buffer.most_pf && !(alone && &buffer == &buffers_.back())) continue;
        const float left = way.left - delay_of(cells_[buffer.cell], buffer.out, way.pf) -
                           price_ * buffer.um2 / buffers_[0].um2 / 2;
        if (best != nullptr && left <= best_left) continue;
        best = &way;
        best_left = left;
      }
      if (best != nullptr)
        all.push_back({buffer.pf, best_left, 1, step({best->step, -1, -1, buffer.cell, at})});
    }
    if (all.empty()) return ways;
    prune(all);
    return all;
  }

  /// Without those that are heavier than another with as much time; of many, some.
  static void prune(Ways& ways) {
    std::sort(ways.begin(), ways.end(), [](const Way& a, const Way& b) {
      return a.pf != b.pf ? a.pf < b.pf : a.left > b.left;
    });
    float most = -1e30f;
    std::erase_if(ways, [&](const Way& way) {
      if (way.left <= most) return true;
      most = way.left;
      return false;
    });
    if (ways.size() <= kMost) return;
    Ways some;
    for (std::size_t i = 0; i < kMost; ++i)
      some.push_back(ways[i * (ways.size() - 1) / (kMost - 1)]);
    ways = std::move(some);
  }

  /// Puts in the buffers of a way. @param pins  those at its root, added to
  void build(int net, int at, const Pins& sinks, Pins& pins) {
    const Step step = steps_[static_cast<std::size_t>(at)];
    if (step.sink >= 0) {
      pins.push_back(sinks[static_cast<std::size_t>(step.sink)]);
      return;
    }
    if (step.buffer < 0) {
      build(net, step.a, sinks, pins);
      build(net, step.b, sinks, pins);
      return;
    }
    Pins behind;
    build(net, step.a, sinks, behind);
    const int next = netlist_.insert(net, behind, step.buffer, cells_);
    placement_.add(step.at);
    ++result_.count;
    result_.um2 += cells_[step.buffer].um2;
    pins.push_back({netlist_.net(next).driver.instance, cells_[step.buffer].arcs[0].from});
  }

  Netlist& netlist_;
  const Cells& cells_;
  Placement& placement_;
  const WireCost& cost_;
  const Timer& timer_;
  std::vector<Buffer> buffers_;
  std::vector<Step> steps_;  // of one net
  float price_ = 0;
  WireBuffers result_;
};

}  // namespace

BufferedWires::BufferedWires(const Netlist& netlist, const Placement& placement,
                             const WireCost& cost)
    : pf_(netlist.nets().size(), 0) {
  for (const Instance& instance : netlist.instances()) ns_.emplace_back(instance.nets.size(), 0.0f);
  for (std::size_t n = 0; n < pf_.size(); ++n) {
    const int net = static_cast<int>(n);
    if (!placement.has_wire(net)) continue;
    const Point driver = placement.point(netlist.net(net).driver, net);
    const auto& sinks = netlist.net(net).sinks;
    const float more = std::log2(
        std::max(1.0f, static_cast<float>(sinks.size()) / static_cast<float>(kMostLoads)));
    float um = 0;
    for (const PinOf& sink : sinks) {
      const float way = distance(driver, placement.point(sink, net));
      um = std::max(um, way);
      const float kohm = std::min(way, kShortUm) * cost.kohm;
      ns_[static_cast<std::size_t>(sink.instance)][static_cast<std::size_t>(sink.pin)] =
          std::max(0.0f, way - kShortUm) * kNsAUm + kohm * kShortUm * cost.pf / 2 +
          more * kFanOutNs;
    }
    pf_[n] = std::min(um, kShortUm) * cost.pf;
  }
}

float BufferedWires::pf(int net) const { return pf_[static_cast<std::size_t>(net)]; }

float BufferedWires::ns(const PinOf& sink) const {
  return ns_[static_cast<std::size_t>(sink.instance)][static_cast<std::size_t>(sink.pin)];
}

WireBuffers buffer_trees(Netlist& netlist, const Cells& cells, Placement& placement,
                         const WireCost& cost, const Timer& timer) {
  return Trees(netlist, cells, placement, cost, timer).run();
}

}  // namespace trine::synth
