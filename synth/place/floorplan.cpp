// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cmath>

#include "synth/place/placement.h"

namespace trine::synth {
namespace {

constexpr float kGap = 10;        ///< um between macros, and between them and the core
constexpr int kMostColumns = 32;  ///< of macros, on each side

/// Macros next to each other along an edge of the core; a column is a rotated row.
struct Row {
  std::vector<int> macros;
  float length = 0, depth = 0;
};

/// The rows on one side of the core, the innermost first.
using Side = std::vector<Row>;

float depth_of(const Side& side) {
  float depth = 0;
  for (const Row& row : side) depth += row.depth + kGap;
  return depth;
}

class Planner {
 public:
  Planner(const Netlist& netlist, const Lef& lef, Placement& placement)
      : lef_(lef), placement_(placement), plan_(placement.plan) {
    plan_ = {};
    for (int i = 0; i < placement.size(); ++i) {
      const LefCell& cell = placement.lef(i);
      if (placement.is_macro(i)) macros_.push_back(i);
      (placement.is_macro(i) ? plan_.macros_um2 : plan_.cells_um2) += cell.width * cell.height;
    }
    // The highest macros come first, macros of one module next to each other.
    std::stable_sort(macros_.begin(), macros_.end(), [&](int a, int b) {
      const float ha = placement.lef(a).height, hb = placement.lef(b).height;
      return ha != hb ? ha > hb : netlist.instance(a).name < netlist.instance(b).name;
    });
  }

  void run(double utilization) {
    const float um2 = plan_.cells_um2 / static_cast<float>(utilization);
    float width = std::sqrt(um2);
    for (const int macro : macros_) width = std::max(width, placement_.lef(macro).width);
    plan_.core_width = std::ceil(width / lef_.site_width) * lef_.site_width;
    plan_.core_height = std::ceil(um2 / plan_.core_width / lef_.row_height) * lef_.row_height;
    // Adds columns until the die is as wide as it is high.
    int columns = 0;
    do divide(columns++);
    while (die_width() < die_height() && columns <= kMostColumns);
    lay();
  }

 private:
  float die_width() const { return depth_of(left_) + plan_.core_width + depth_of(right_); }
  float die_height() const { return depth_of(below_) + plan_.core_height + depth_of(above_); }

  /// Fills `columns` columns on each side and puts the remaining macros into rows as wide as the
  /// die.
  void divide(int columns) {
    left_ = right_ = below_ = above_ = {};
    std::size_t next = 0;
    for (int i = 0; i < 2 * columns && next < macros_.size(); ++i) {
      Side& side = i % 2 == 0 ? left_ : right_;
      side.push_back(fill(next, plan_.core_height));
      if (side.back().macros.empty()) side.pop_back();  // wider than the core is high
    }
    while (next < macros_.size()) {
      Side& side = depth_of(below_) <= depth_of(above_) ? below_ : above_;
      side.push_back(fill(next, die_width()));
    }
  }

  Row fill(std::size_t& next, float most) const {
    Row row;
    for (; next < macros_.size(); ++next) {
      const LefCell& cell = placement_.lef(macros_[next]);
      const float length = row.length + (row.macros.empty() ? 0 : kGap) + cell.width;
      if (length > most) break;
      row.length = length;
      row.depth = std::max(row.depth, cell.height);
      row.macros.push_back(macros_[next]);
    }
    return row;
  }

  void lay() {
    plan_.core_x = depth_of(left_);
    plan_.core_y = depth_of(below_);
    plan_.die_width = die_width();
    plan_.die_height = die_height();
    // From the core outwards: arguments are the core's edge and the direction.
    lay(left_, true, plan_.core_x, -1);
    lay(right_, true, plan_.core_x + plan_.core_width, 1);
    lay(below_, false, plan_.core_y, -1);
    lay(above_, false, plan_.core_y + plan_.core_height, 1);
  }

  void lay(const Side& side, bool turned, float edge, float outwards) {
    for (const Row& row : side) {
      edge += outwards * kGap;
      float along = turned ? plan_.core_y + (plan_.core_height - row.length) / 2
                           : (plan_.die_width - row.length) / 2;
      for (const int macro : row.macros) {
        const LefCell& cell = placement_.lef(macro);
        Place& place = placement_.at(macro);
        place.turned = turned;
        const float low = outwards > 0 ? edge : edge - cell.height;
        (turned ? place.x : place.y) = low;
        (turned ? place.y : place.x) = along;
        face(macro, turned, outwards > 0);
        along += cell.width + kGap;
      }
      edge += outwards * row.depth;
    }
  }

  /// Turns pins towards the core. LEF macros mostly have their pins at the lower edge, which a
  /// quarter turn makes the right edge.
  void face(int macro, bool turned, bool is_beyond) {
    const LefCell& cell = placement_.lef(macro);
    const auto above = std::count_if(cell.pins.begin(), cell.pins.end(), [&](const auto& pin) {
      return pin.second.y > cell.height / 2;
    });
    const bool has_pins_above = 2 * static_cast<std::size_t>(above) > cell.pins.size();
    Place& place = placement_.at(macro);
    if (turned)
      place.flip_x = is_beyond != has_pins_above;
    else
      place.flip_y = is_beyond == has_pins_above;
  }

  const Lef& lef_;
  Placement& placement_;
  Floorplan& plan_;
  std::vector<int> macros_;
  Side left_, right_, below_, above_;
};

/// Places the ports along the left and right edge of the die, in the order of the nets.
void lay_ports(const Netlist& netlist, Placement& placement) {
  std::vector<std::size_t> ports;
  for (std::size_t n = 0; n < netlist.nets().size(); ++n)
    if (netlist.nets()[n].input || netlist.nets()[n].output) ports.push_back(n);
  const Floorplan& plan = placement.plan;
  const std::size_t half = ports.size() / 2;
  for (std::size_t i = 0; i < ports.size(); ++i) {
    const bool left = i < half;
    const auto count = static_cast<float>(left ? half : ports.size() - half);
    const auto k = static_cast<float>(left ? i : i - half);
    placement.ports[ports[i]] = {left ? 0 : plan.die_width,
                                 plan.core_y + plan.core_height * (k + 0.5f) / count};
  }
}

}  // namespace

void make_floorplan(const Netlist& netlist, double utilization, const Lef& lef,
                    Placement& placement) {
  Planner(netlist, lef, placement).run(utilization);
  lay_ports(netlist, placement);
}

}  // namespace trine::synth
