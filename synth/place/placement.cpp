// SPDX-License-Identifier: Apache-2.0

#include "synth/place/placement.h"

#include <algorithm>
#include <cmath>

namespace trine::synth {
namespace {

constexpr float kGap = 10;  ///< um between macros, and between them and the core

/// Macros side by side.
struct Row {
  std::vector<int> instances;
  float width = 0, height = 0;
};

/// Rows of at most `width`, the highest macros first, those of one module side by side.
std::vector<Row> rows_of(std::vector<int> macros, float width, const Netlist& netlist,
                         const Placement& placement) {
  std::stable_sort(macros.begin(), macros.end(), [&](int a, int b) {
    const float ha = placement.lef(a).height, hb = placement.lef(b).height;
    return ha != hb ? ha > hb : netlist.instance(a).name < netlist.instance(b).name;
  });
  std::vector<Row> rows;
  for (const int macro : macros) {
    const LefCell& cell = placement.lef(macro);
    if (rows.empty() || rows.back().width + kGap + cell.width > width) rows.emplace_back();
    Row& row = rows.back();
    row.width += (row.instances.empty() ? 0 : kGap) + cell.width;
    row.height = std::max(row.height, cell.height);
    row.instances.push_back(macro);
  }
  return rows;
}

float height_of(const std::vector<Row>& rows) {
  float height = 0;
  for (const Row& row : rows) height += row.height + kGap;
  return height;
}

/// Whether most pins are in the upper half.
bool has_pins_above(const LefCell& cell) {
  const auto above = std::count_if(cell.pins.begin(), cell.pins.end(),
                                   [&](const auto& pin) { return pin.second.y > cell.height / 2; });
  return 2 * static_cast<std::size_t>(above) > cell.pins.size();
}

}  // namespace

Placement::Placement(const Netlist& netlist, const Cells& cells, const Lef& lef)
    : netlist_(netlist), cells_(cells), lef_(lef), places_(netlist.instances().size()) {
  ports.resize(netlist.nets().size());
}

const Placement::Shape& Placement::shape(int instance) const {
  const int index = netlist_.instance(instance).cell;
  const auto at = static_cast<std::size_t>(index);
  if (at >= shapes_.size()) shapes_.resize(at + 1);
  Shape& shape = shapes_[at];
  if (shape.lef != nullptr) return shape;
  const Cell& cell = cells_[index];
  shape.lef = &lef_.cell(cell.name);
  for (const Pin& pin : cell.pins) {
    const auto found = shape.lef->pins.find(pin.name);
    shape.pins.push_back(found != shape.lef->pins.end()
                             ? found->second
                             : Point{shape.lef->width / 2, shape.lef->height / 2});
  }
  return shape;
}

bool Placement::is_macro(int instance) const { return lef(instance).height > lef_.row_height; }

void Placement::add(const Point& middle) {
  const LefCell& cell = lef(size());
  places_.push_back({middle.x - cell.width / 2, middle.y - cell.height / 2});
}

Point Placement::middle(int instance) const {
  return {at(instance).x + lef(instance).width / 2, at(instance).y + lef(instance).height / 2};
}

Point Placement::point(const PinOf& pin, int net) const {
  if (pin.instance < 0) return ports[static_cast<std::size_t>(net)];
  const LefCell& cell = lef(pin.instance);
  const Place& place = at(pin.instance);
  const Point& own = offset(pin);
  return {place.x + (place.flip_x ? cell.width - own.x : own.x),
          place.y + (place.flip_y ? cell.height - own.y : own.y)};
}

bool Placement::has_wire(int net) const {
  const Net& n = netlist_.net(net);
  if (net == netlist_.clock() || n.constant >= 0) return false;
  const std::size_t ends =
      n.sinks.size() + (n.driver.instance >= 0 || n.input ? 1 : 0) + (n.output ? 1 : 0);
  return ends > 1;
}

std::vector<PinOf> Placement::pins(int net) const {
  const Net& n = netlist_.net(net);
  std::vector<PinOf> pins{n.driver};
  pins.insert(pins.end(), n.sinks.begin(), n.sinks.end());
  if (n.output && n.driver.instance >= 0) pins.emplace_back();
  return pins;
}

void make_floorplan(const Netlist& netlist, double utilization, const Lef& lef,
                    Placement& placement) {
  Floorplan& plan = placement.plan;
  plan = {};
  std::vector<int> macros;
  float widest = 0;
  for (int i = 0; i < placement.size(); ++i) {
    const LefCell& cell = placement.lef(i);
    if (placement.is_macro(i)) {
      macros.push_back(i);
      widest = std::max(widest, cell.width);
      plan.macros_um2 += cell.width * cell.height;
    } else {
      plan.cells_um2 += cell.width * cell.height;
    }
  }
  const float core_um2 = plan.cells_um2 / static_cast<float>(utilization);
  // A square, about, of all.
  const float side = std::max(widest, std::sqrt(core_um2 + plan.macros_um2));
  plan.core_width = std::ceil(side / lef.site_width) * lef.site_width;
  plan.core_height = std::ceil(core_um2 / plan.core_width / lef.row_height) * lef.row_height;
  const std::vector<Row> rows = rows_of(macros, plan.core_width, netlist, placement);
  std::vector<Row> below, above;  // the highest beside the core, on both sides about as many
  for (const Row& row : rows) (height_of(below) < height_of(above) ? below : above).push_back(row);
  plan.core_y = height_of(below);
  plan.die_width = plan.core_width;
  plan.die_height = plan.core_y + plan.core_height + height_of(above);
  const auto lay = [&](const Row& row, float y, bool is_above) {
    float x = (plan.core_width - row.width) / 2;
    for (const int macro : row.instances) {
      const LefCell& cell = placement.lef(macro);
      placement.at(macro) = {x, is_above ? y : y + row.height - cell.height, false,
                             has_pins_above(cell) == is_above};
      x += cell.width + kGap;
    }
  };
  float y = plan.core_y;
  for (const Row& row : below) lay(row, y -= kGap + row.height, false);
  y = plan.core_y + plan.core_height + kGap;
  for (const Row& row : above) {
    lay(row, y, true);
    y += row.height + kGap;
  }
  std::vector<std::size_t> ports;
  for (std::size_t n = 0; n < netlist.nets().size(); ++n)
    if (netlist.nets()[n].input || netlist.nets()[n].output) ports.push_back(n);
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const bool left = i < ports.size() / 2;
    const std::size_t count = left ? ports.size() / 2 : ports.size() - ports.size() / 2;
    const std::size_t k = left ? i : i - ports.size() / 2;
    placement.ports[ports[i]] = {left ? 0 : plan.die_width,
                                 plan.core_y + plan.core_height * (static_cast<float>(k) + 0.5f) /
                                                   static_cast<float>(count)};
  }
}

}  // namespace trine::synth
