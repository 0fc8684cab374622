// SPDX-License-Identifier: Apache-2.0

#include "synth/place/placement.h"

namespace trine::synth {

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

void Placement::keep(std::size_t instances, std::size_t nets) {
  places_.resize(instances);
  ports.resize(nets);
}

void Placement::add(const Point& middle) {
  const LefCell& cell = lef(size());
  places_.push_back({middle.x - cell.width / 2, middle.y - cell.height / 2});
}

Point Placement::middle(int instance) const {
  return {at(instance).x + width(instance) / 2, at(instance).y + height(instance) / 2};
}

Point Placement::middle(const std::vector<PinOf>& pins) const {
  Point middle;
  for (const PinOf& pin : pins) {
    const Point at = point(pin, -1);
    middle.x += at.x / static_cast<float>(pins.size());
    middle.y += at.y / static_cast<float>(pins.size());
  }
  return middle;
}

Point Placement::point(const PinOf& pin, int net) const {
  if (pin.instance < 0) return ports[static_cast<std::size_t>(net)];
  const Place& place = at(pin.instance);
  Point own = offset(pin);
  if (place.turned) own = {lef(pin.instance).height - own.y, own.x};
  return {place.x + (place.flip_x ? width(pin.instance) - own.x : own.x),
          place.y + (place.flip_y ? height(pin.instance) - own.y : own.y)};
}

bool Placement::has_wire(int net) const {
  const Net& n = netlist_.net(net);
  if (n.clock || n.constant >= 0) return false;
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

}  // namespace trine::synth
