// SPDX-License-Identifier: Apache-2.0

#include "synth/place/buffer_trees.h"

#include <algorithm>
#include <cmath>

#include "synth/timing/repair.h"

namespace trine::synth {
namespace {

constexpr float kNsAUm = 0.00022f;  ///< of a buffered wire
constexpr float kFanOutNs = 0.06f;  ///< for each doubling of loads above kMostLoads
constexpr float kShortUm = 300;     ///< length of a buffered wire that loads its driver
constexpr float kStar = 0.3f;       ///< 0..1: weight of a sink's distance from the driver in a tree
constexpr float kPieceUm = 250;     ///< distance between possible buffer positions
constexpr float kMostPf = 0.35f;    ///< load of a driver: keeps transitions short
constexpr float kSlew = 0.08f;      ///< ns, typical at a buffer's input
constexpr float kLeastPrice = 0.003f, kMostPrice = 0.1f;  ///< ns that a buffer must save
constexpr float kPriceOfSpare = 0.1f;                     ///< of the slack
/// Nets with more slack than this share of the period, and a light load, are unchanged.
constexpr float kUrgent = 0.3f;
constexpr std::size_t kMost = 24;  ///< solutions of a subtree that are kept
constexpr float kUnasked = 1e3f;   ///< ns of slack without a constraint
constexpr float kTooMuch = 1e6f;   ///< penalty for a load above the driver's limit

using Pins = std::vector<PinOf>;

/// A solution for a subtree: its input load, the time left at its root, the number of loads there.
struct Way {
  float pf = 0, left = 0;
  std::size_t loads = 0;
  int step = -1, other = -1;  ///< step to be joined with `step`; a step for both does not exist yet
};
using Ways = std::vector<Way>;

/// The origin of a solution: a sink, two joined solutions, or a buffer in front of one.
struct Step {
  int a = -1, b = -1;
  int sink = -1, buffer = -1;
  Point at;
};

float distance(const Point& a, const Point& b) {
  return std::fabs(a.x - b.x) + std::fabs(a.y - b.y);
}

/// Returns the delay of a cell's output for the slower edge at a load, plus the delay that its
/// transition adds to the next cell.
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

  /// Computes the solutions for the whole tree, from the leaves to the root.
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

  /// Returns the solution with the most time left, if possible one whose load the driver supports.
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

  /// Joins the solutions of two subtrees at one point.
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

  /// Moves solutions along the wire from a node to its parent, with buffers on the way.
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

  /// Adds solutions with a buffer of each strength in front of the best solution for it.
  /// @param alone  returns only buffered solutions; the strongest buffer then drives any load
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

  /// Removes solutions that are heavier than another with as much time left; keeps a sample if many
  /// remain.
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

  /// Inserts the buffers of a solution. @param pins  receives the pins at its root
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
