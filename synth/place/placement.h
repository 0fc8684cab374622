// SPDX-License-Identifier: Apache-2.0
//
// The positions of a netlist's instances and ports. Units: um.

#pragma once

#include <vector>

#include "synth/place/lef.h"
#include "synth/read/netlist.h"

namespace trine::synth {

/// The position of an instance: its lower left corner; whether it is mirrored horizontally or
/// vertically; whether it is rotated by 90 degrees counterclockwise before that.
struct Place {
  float x = 0, y = 0;
  bool flip_x = false, flip_y = false, turned = false;
};

/// The division of the die: rows of standard cells in the core, and macros around it.
struct Floorplan {
  float die_width = 0, die_height = 0;
  float core_x = 0, core_y = 0, core_width = 0, core_height = 0;
  float cells_um2 = 0, macros_um2 = 0;

  /// Returns the fraction of the core that standard cells occupy.
  float utilization() const { return cells_um2 / (core_width * core_height); }
};

/// The positions of all instances and ports.
class Placement {
 public:
  Placement(const Netlist& netlist, const Cells& cells, const Lef& lef);

  Floorplan plan;

  bool is_macro(int instance) const;  ///< true if it is higher than a row
  /// Returns the LEF cell of an instance.
  const LefCell& lef(int instance) const { return *shape(instance).lef; }
  Place& at(int instance) { return places_[static_cast<std::size_t>(instance)]; }
  const Place& at(int instance) const { return places_[static_cast<std::size_t>(instance)]; }
  /// Returns the number of instances.
  int size() const { return static_cast<int>(places_.size()); }

  /// Keeps only the first `instances` and `nets`, for the netlist without the cells inserted after
  /// them.
  void keep(std::size_t instances, std::size_t nets);
  /// Adds the position of the netlist's next instance, whose center is `middle`.
  void add(const Point& middle);

  /// Returns the position of a pin in its cell, not mirrored.
  const Point& offset(const PinOf& pin) const {
    return shape(pin.instance).pins[static_cast<std::size_t>(pin.pin)];
  }
  float width(int instance) const {  ///< width as it is placed
    return at(instance).turned ? lef(instance).height : lef(instance).width;
  }
  float height(int instance) const {
    return at(instance).turned ? lef(instance).width : lef(instance).height;
  }
  /// Returns the position of a pin; for instance -1, the position of the net's port.
  Point point(const PinOf& pin, int net) const;
  /// Returns the center of an instance.
  Point middle(int instance) const;
  Point middle(const std::vector<PinOf>& pins) const;  ///< center of these instances

  /// Returns true for a net with a wire to be considered: neither the clock nor a constant.
  bool has_wire(int net) const;
  /// Returns the pins of a net, the driver first. A port is PinOf{}.
  std::vector<PinOf> pins(int net) const;

  std::vector<Point> ports;  ///< by net, for nets that are ports

 private:
  /// LEF data by the numbers of cells and pins.
  struct Shape {
    const LefCell* lef = nullptr;
    std::vector<Point> pins;
  };
  const Shape& shape(int instance) const;

  const Netlist& netlist_;
  const Cells& cells_;
  const Lef& lef_;
  std::vector<Place> places_;
  mutable std::vector<Shape> shapes_;  // filled on demand
};

/// Makes the floor plan. The core is nearly square, and its area follows from `utilization`. Macros
/// form columns at the sides of the core, and rows below and above the core. The highest macros are
/// closest to the core. Pins point towards the core. Ports are placed along the core.
void make_floorplan(const Netlist& netlist, double utilization, const Lef& lef,
                    Placement& placement);

}  // namespace trine::synth
