// SPDX-License-Identifier: Apache-2.0

#include "synth/place/wires.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace trine::synth {
namespace {

constexpr float kViasAPin = 2;

float distance(const Point& a, const Point& b) {
  return std::fabs(a.x - b.x) + std::fabs(a.y - b.y);
}

}  // namespace

float WireTree::length() const { return std::accumulate(um.begin(), um.end(), 0.0f); }

WireTree tree_over(const std::vector<Point>& points, float star) {  // Prim's, Dijkstra's
  const std::size_t count = points.size();
  WireTree tree;
  tree.parent.assign(count, 0);
  tree.um.assign(count, 1e30f);
  std::vector<float> way(count, 0), cost(count, 1e30f);
  std::vector<bool> done(count, false);
  tree.um[0] = cost[0] = 0;
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t next = count;
    for (std::size_t k = 0; k < count; ++k)
      if (!done[k] && (next == count || cost[k] < cost[next])) next = k;
    done[next] = true;
    tree.order.push_back(static_cast<int>(next));
    if (i > 0) way[next] = way[static_cast<std::size_t>(tree.parent[next])] + tree.um[next];
    for (std::size_t k = 0; k < count; ++k) {
      const float um = distance(points[k], points[next]);
      if (done[k] || um + star * way[next] >= cost[k]) continue;
      cost[k] = um + star * way[next];
      tree.um[k] = um;
      tree.parent[k] = static_cast<int>(next);
    }
  }
  return tree;
}

WireTree Wires::tree(int net) const {
  std::vector<PinOf> pins = placement_.pins(net);
  std::vector<Point> points;
  for (const PinOf& pin : pins) points.push_back(placement_.point(pin, net));
  WireTree tree = tree_over(points);
  tree.pins = std::move(pins);
  return tree;
}

/// Returns the resistance of the edge to a pin's parent, including the vias at both ends.
float Wires::edge_kohm(const WireTree& tree, int pin) const {
  return tree.um[static_cast<std::size_t>(pin)] * cost_.kohm + kViasAPin * cost_.via_kohm;
}

void Wires::update() {
  um_.clear();
  ns_.clear();
  grow();
  for (int net = 0; net < static_cast<int>(um_.size()); ++net) measure(net);
}

void Wires::update(int net) {
  grow();
  measure(net);
}

/// Allocates entries for inserted instances and nets.
void Wires::grow() {
  um_.resize(netlist_.nets().size(), 0);
  for (std::size_t i = ns_.size(); i < netlist_.instances().size(); ++i)
    ns_.emplace_back(netlist_.instances()[i].nets.size(), 0.0f);
}

void Wires::measure(int net) {
  if (!placement_.has_wire(net)) return;
  const WireTree tree = this->tree(net);
  um_[static_cast<std::size_t>(net)] = tree.length();
  std::vector<float> behind(tree.pins.size(), 0), delay(tree.pins.size(), 0);
  for (std::size_t i = 1; i < tree.pins.size(); ++i) {
    const PinOf& pin = tree.pins[i];
    if (pin.instance >= 0)
      behind[i] = cells_[netlist_.instance(pin.instance).cell]
                      .pins[static_cast<std::size_t>(pin.pin)]
                      .most_capacitance();
  }
  for (auto k = tree.order.rbegin(); k + 1 != tree.order.rend(); ++k) {
    const auto i = static_cast<std::size_t>(*k);
    const float half = tree.um[i] * cost_.pf / 2;
    behind[i] += half;
    behind[static_cast<std::size_t>(tree.parent[i])] += behind[i] + half;
  }
  for (const int k : tree.order) {
    const auto i = static_cast<std::size_t>(k);
    if (i == 0) continue;
    delay[i] = delay[static_cast<std::size_t>(tree.parent[i])] + edge_kohm(tree, k) * behind[i];
    const PinOf& pin = tree.pins[i];
    if (pin.instance >= 0)
      ns_[static_cast<std::size_t>(pin.instance)][static_cast<std::size_t>(pin.pin)] = delay[i];
  }
}

float Wires::pf(int net) const {
  const auto at = static_cast<std::size_t>(net);
  return at < um_.size() ? um_[at] * cost_.pf : 0;
}

float Wires::ns(const PinOf& sink) const {
  const auto at = static_cast<std::size_t>(sink.instance);
  return at < ns_.size() ? ns_[at][static_cast<std::size_t>(sink.pin)] : 0;
}

double Wires::um() const { return std::accumulate(um_.begin(), um_.end(), 0.0); }

std::string Wires::node(const PinOf& pin, int net) const {
  if (pin.instance < 0) return fmt::format("n{}", net);
  return fmt::format(
      "i{}:{}", pin.instance,
      cells_[netlist_.instance(pin.instance).cell].pins[static_cast<std::size_t>(pin.pin)].name);
}

std::string Wires::spef() const {
  std::string text =
      "*SPEF \"IEEE 1481-1998\"\n*DESIGN \"design\"\n*DATE \"\"\n*VENDOR \"\"\n*PROGRAM \"trine\"\n"
      "*VERSION \"1\"\n*DESIGN_FLOW \"\"\n*DIVIDER /\n*DELIMITER :\n*BUS_DELIMITER [ ]\n"
      "*T_UNIT 1 NS\n*C_UNIT 1 PF\n*R_UNIT 1 KOHM\n*L_UNIT 1 HENRY\n";
  const auto out = std::back_inserter(text);
  for (int net = 0; net < static_cast<int>(netlist_.nets().size()); ++net) {
    if (!placement_.has_wire(net)) continue;
    const WireTree tree = this->tree(net);
    fmt::format_to(out, "\n*D_NET n{} {:.6f}\n*CONN\n", net, tree.length() * cost_.pf);
    for (std::size_t i = 0; i < tree.pins.size(); ++i)
      fmt::format_to(out, "*{} {} {}\n", tree.pins[i].instance < 0 ? 'P' : 'I',
                     node(tree.pins[i], net), (i == 0) != (tree.pins[i].instance < 0) ? 'O' : 'I');
    text += "*CAP\n";
    std::vector<float> pf(tree.pins.size(), 0);
    for (std::size_t i = 1; i < tree.pins.size(); ++i)
      for (const std::size_t end : {i, static_cast<std::size_t>(tree.parent[i])})
        pf[end] += tree.um[i] * cost_.pf / 2;
    for (std::size_t i = 0; i < pf.size(); ++i)
      fmt::format_to(out, "{} {} {:.6f}\n", i + 1, node(tree.pins[i], net), pf[i]);
    text += "*RES\n";
    for (std::size_t i = 1; i < tree.pins.size(); ++i)
      fmt::format_to(out, "{} {} {} {:.6f}\n", i,
                     node(tree.pins[static_cast<std::size_t>(tree.parent[i])], net),
                     node(tree.pins[i], net), edge_kohm(tree, static_cast<int>(i)));
    text += "*END\n";
  }
  return text;
}

}  // namespace trine::synth
