// SPDX-License-Identifier: Apache-2.0
//
// Where the instances of a netlist lie, and where its ports are. Units: um.

#pragma once

#include <vector>

#include "synth/place/lef.h"
#include "synth/read/netlist.h"

namespace trine::synth {

/// Lower left corner; whether right and left, top and bottom are exchanged, and whether the cell
/// was turned by a quarter before that (counterclockwise: what was below is at the right).
struct Place {
  float x = 0, y = 0;
  bool flip_x = false, flip_y = false, turned = false;
};

/// What the die is divided into: the core's rows of standard cells, and macros around it.
struct Floorplan {
  float die_width = 0, die_height = 0;
  float core_x = 0, core_y = 0, core_width = 0, core_height = 0;
  float cells_um2 = 0, macros_um2 = 0;

  /// Share of the core that standard cells take.
  float utilization() const { return cells_um2 / (core_width * core_height); }
};

class Placement {
 public:
  Placement(const Netlist& netlist, const Cells& cells, const Lef& lef);

  Floorplan plan;

  bool is_macro(int instance) const;  ///< higher than a row
  const LefCell& lef(int instance) const { return *shape(instance).lef; }
  Place& at(int instance) { return places_[static_cast<std::size_t>(instance)]; }
  const Place& at(int instance) const { return places_[static_cast<std::size_t>(instance)]; }
  int size() const { return static_cast<int>(places_.size()); }

  /// Without those of what was put in behind the first ones, for a netlist without it.
  void keep(std::size_t instances, std::size_t nets);
  /// A place for the netlist's next instance, its middle there.
  void add(const Point& middle);

  /// Where a pin is in its cell, not flipped.
  const Point& offset(const PinOf& pin) const {
    return shape(pin.instance).pins[static_cast<std::size_t>(pin.pin)];
  }
  float width(int instance) const {  ///< as it lies
    return at(instance).turned ? lef(instance).height : lef(instance).width;
  }
  float height(int instance) const {
    return at(instance).turned ? lef(instance).width : lef(instance).height;
  }
  /// Where a pin is; of the instance -1 the port of the net.
  Point point(const PinOf& pin, int net) const;
  Point middle(int instance) const;
  Point middle(const std::vector<PinOf>& pins) const;  ///< of instances

  /// Whether anything but the clock and constants: a wire that counts.
  bool has_wire(int net) const;
  /// The driver first. Ports take part as PinOf{}.
  std::vector<PinOf> pins(int net) const;

  std::vector<Point> ports;  ///< by net, for those that are ports

 private:
  /// LEF's facts by a cell's and a pin's number.
  struct Shape {
    const LefCell* lef = nullptr;
    std::vector<Point> pins;
  };
  const Shape& shape(int instance) const;

  const Netlist& netlist_;
  const Cells& cells_;
  const Lef& lef_;
  std::vector<Place> places_;
  mutable std::vector<Shape> shapes_;  // filled where asked for
};

/// The size of the core by `utilization`, a square about; macros in columns at its sides and in
/// rows below and above, the highest beside it, pins towards it; ports along it.
void make_floorplan(const Netlist& netlist, double utilization, const Lef& lef,
                    Placement& placement);

}  // namespace trine::synth
