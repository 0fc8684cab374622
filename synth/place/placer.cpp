// SPDX-License-Identifier: Apache-2.0

#include "synth/place/placer.h"

#include <fmt/format.h>

#include <cmath>

#include "sw/base/file.h"
#include "sw/base/json.h"
#include "sw/base/root.h"
#include "synth/watched.h"

namespace trine::synth {
namespace fs = std::filesystem;
namespace {

constexpr float kUnits = 100;  ///< Coloquinte's integer units per um
constexpr int kEffort = 2;     ///< 1 to 9

int units(float um) { return static_cast<int>(std::lround(um * kUnits)); }

std::string flip_name(const Place& place) {
  return place.flip_x ? (place.flip_y ? "S" : "FN") : (place.flip_y ? "FS" : "N");
}

Json cells_of(const Netlist& netlist, const Placement& placement) {
  Json cells;
  const auto add = [&](float width, float height, float x, float y, const std::string& flip,
                       bool fixed) {
    cells["width"].push_back(units(width));
    cells["height"].push_back(units(height));
    cells["x"].push_back(units(x));
    cells["y"].push_back(units(y));
    cells["flip"].push_back(flip);
    cells["fixed"].push_back(fixed);
  };
  for (int i = 0; i < placement.size(); ++i)
    add(placement.width(i), placement.height(i), placement.at(i).x, placement.at(i).y,
        placement.is_macro(i) ? "N" : flip_name(placement.at(i)), placement.is_macro(i));
  for (std::size_t n = 0; n < netlist.nets().size(); ++n)  // ports come after the cells
    if (netlist.nets()[n].input || netlist.nets()[n].output)
      add(0, 0, placement.ports[n].x, placement.ports[n].y, "N", true);
  return cells;
}

/// Returns the offset of a pin from its cell's corner: unflipped for a cell, as placed for a macro.
Point offset_of(const PinOf& pin, int net, const Placement& placement) {
  if (pin.instance < 0) return {};
  if (!placement.is_macro(pin.instance)) return placement.offset(pin);
  const Point at = placement.point(pin, net);
  return {at.x - placement.at(pin.instance).x, at.y - placement.at(pin.instance).y};
}

Json nets_of(const Netlist& netlist, const Placement& placement,
             const std::function<float(int)>& weight) {
  Json nets = Json::array();
  int next_port = placement.size();
  for (int net = 0; net < static_cast<int>(netlist.nets().size()); ++net) {
    const bool is_port = netlist.net(net).input || netlist.net(net).output;
    const int port = is_port ? next_port++ : -1;
    if (!placement.has_wire(net)) continue;
    std::vector<int> cells, dx, dy;
    for (const PinOf& pin : placement.pins(net)) {
      const Point offset = offset_of(pin, net, placement);
      cells.push_back(pin.instance < 0 ? port : pin.instance);
      dx.push_back(units(offset.x));
      dy.push_back(units(offset.y));
    }
    nets.push_back({weight(net), cells, dx, dy});
  }
  return nets;
}

}  // namespace

void Placer::place(const Netlist& netlist, const Lef& lef, bool fresh,
                   const std::function<float(int)>& weight, Placement& placement) const {
  const Floorplan& plan = placement.plan;
  Json design = cells_of(netlist, placement);
  design["nets"] = nets_of(netlist, placement, weight);
  design["site"] = units(lef.site_width);
  design["row_height"] = units(lef.row_height);
  design["core"] = {units(plan.core_x), units(plan.core_y), units(plan.core_width),
                    units(plan.core_height)};
  design["effort"] = kEffort;
  design["seed"] = seed;
  design["new"] = fresh;
  const fs::path in = folder / "place.in", out = folder / "place.out";
  write_file(in, json_text(design));
  run_watched({python.string(), "-B", (project_root() / "synth/place/place.py").string(),
               in.string(), out.string()},
              folder, "place", fmt::format("--place: {} cannot run Coloquinte", python.string()),
              progress);
  const Json places = parse_json(read_text(out), out.string());
  for (int i = 0; i < placement.size(); ++i) {
    if (placement.is_macro(i)) continue;
    const auto k = static_cast<std::size_t>(i);
    const std::string flip = places["flip"][k];
    placement.at(i) = {places["x"][k].get<float>() / kUnits, places["y"][k].get<float>() / kUnits,
                       flip == "S" || flip == "FN", flip == "S" || flip == "FS"};
  }
}

}  // namespace trine::synth
