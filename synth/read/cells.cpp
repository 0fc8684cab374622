// SPDX-License-Identifier: Apache-2.0

#include "synth/read/cells.h"

#include <algorithm>
#include <cctype>

#include "sw/base/error.h"

namespace trine::synth {
namespace {

/// Returns the index of the interval that contains `at`, or the nearest one.
std::size_t interval(const std::vector<float>& points, float at) {
  if (points.size() < 2) return 0;
  const auto above = std::upper_bound(points.begin() + 1, points.end() - 1, at);
  return static_cast<std::size_t>(above - points.begin()) - 1;
}

float part(const std::vector<float>& points, std::size_t i, float at) {
  return points.size() < 2 ? 0 : (at - points[i]) / (points[i + 1] - points[i]);
}

/// Removes the strength, the number at the end of a name: "nand2_4", "NAND2X4".
std::string family_of(std::string name) {
  while (!name.empty() && std::isdigit(static_cast<unsigned char>(name.back())) != 0)
    name.pop_back();
  return name;
}

std::string without_blanks(std::string text) {
  std::erase(text, ' ');
  return text;
}

bool gates_clock(const Group& cell) { return !cell.text("clock_gating_integrated_cell").empty(); }

/// Transitions are scaled to this part of the swing, in percent, because libraries of memories and
/// of gates define them differently.
constexpr double kSwing = 60;

class Reader {
 public:
  Reader(const Group& library, const std::string& file) : library_(library), file_(file) {
    const auto unit = library.attributes.find("capacitive_load_unit");
    if (unit != library.attributes.end() && unit->second.size() == 2)
      farads_ = std::stof(unit->second[0]) * (unit->second[1] == "ff" ? 1e-3f : 1);
    const double swing = library.number("slew_upper_threshold_pct_rise", 80) -
                         library.number("slew_lower_threshold_pct_rise", 20);
    slews_ = static_cast<float>(kSwing * library.number("slew_derate_from_library", 1) / swing);
    const std::string& watts = library.text("leakage_power_unit");
    nanowatts_ = watts.ends_with("pW") ? 1e-3f : watts.ends_with("uW") ? 1e3f : 1;
    const std::string& time = library.text("time_unit");
    if (!time.empty() && time != "1ns") throw_error("{}: time_unit {}, allowed 1ns", file, time);
    for (const Group& group : library.groups) {
      if (group.type.ends_with("_template")) templates_[group.name] = &group;
      if (group.type == "type") widths_[group.name] = &group;
    }
  }

  Cell cell(const Group& group) {
    Cell cell;
    cell.name = group.name;
    cell.um2 = static_cast<float>(group.number("area", 0));
    cell.gates_clock = gates_clock(group);
    for (const Group& g : group.groups)
      if (g.type == "pin" || g.type == "bus") add_pins(g, cell);
    for (const auto& [g, pins] : timed_)
      for (const int pin : pins) {
        for (const Group& timing : g->groups)
          if (timing.type == "timing") add_timing(timing, pin, cell);
        add_powers(*g, pin, cell);
      }
    timed_.clear();
    cell.leakage_nw = static_cast<float>(group.number("cell_leakage_power", 0)) * nanowatts_;
    for (const Group& g : group.groups)
      if (g.type == "ff") cell.storage = storage(g);
    return cell;
  }

 private:
  Pin pin(const Group& group, const std::string& name) const {
    Pin pin;
    pin.name = name;
    pin.output = group.text("direction") == "output";
    pin.function = group.text("function");
    pin.clock = group.text("clock") == "true";
    const char* standard = pin.output ? "default_output_pin_cap" : "default_input_pin_cap";
    const double both = group.number("capacitance", library_.number(standard, 0));
    for (const Edge e : {kRise, kFall}) {
      const std::string key = e == kRise ? "rise_capacitance" : "fall_capacitance";
      const auto range = group.attributes.find(key + "_range");
      std::vector<float> bounds{static_cast<float>(group.number(key, both))};
      if (range != group.attributes.end()) bounds = numbers_of(range->second);
      pin.least_capacitance[e] = bounds.front() * farads_;
      pin.capacitance[e] = bounds.back() * farads_;
    }
    pin.max_capacitance = static_cast<float>(group.number(
        "max_capacitance", pin.output ? library_.number("default_max_capacitance", 0) : 0));
    pin.max_slew = static_cast<float>(
        group.number("max_transition", library_.number("default_max_transition", 0)));
    pin.max_capacitance *= farads_;
    pin.max_slew *= slews_;
    return pin;
  }

  void add_pins(const Group& group, Cell& cell) {
    std::vector<int> pins;
    const auto add = [&](const std::string& name) {
      pins.push_back(static_cast<int>(cell.pins.size()));
      cell.pins.push_back(pin(group, name));
    };
    if (group.type == "pin") {
      add(group.name);
    } else {
      const auto type = widths_.find(group.text("bus_type"));
      if (type == widths_.end())
        throw_error("{}: cell {}: bus {} has no type", file_, cell.name, group.name);
      const int width = static_cast<int>(type->second->number("bit_width", 1));
      for (int i = 0; i < width; ++i) add(fmt::format("{}[{}]", group.name, i));
      for (const Group& bit : group.groups) {
        const int at = bit.type == "pin" ? cell.pin(bit.name) : -1;
        if (at < 0 || bit.text("capacitance").empty()) continue;
        Pin& pin = cell.pins[static_cast<std::size_t>(at)];
        const float load = static_cast<float>(bit.number("capacitance", 0)) * farads_;
        pin.capacitance = pin.least_capacitance = {load, load};
      }
    }
    timed_.emplace_back(&group, pins);
  }

  Table table(const Group& timing, const std::string& kind) const {
    Table table;
    for (const Group& g : timing.groups) {
      if (g.type != kind) continue;
      const auto found = templates_.find(g.name);
      const Group* shape = found == templates_.end() ? nullptr : found->second;
      const auto axis = [&](const char* key) {
        const Group& source = g.attributes.count(key) != 0 || shape == nullptr ? g : *shape;
        const auto points = source.attributes.find(key);
        return points == source.attributes.end() ? std::vector<float>{}
                                                 : numbers_of(points->second);
      };
      table.x = axis("index_1");
      table.y = axis("index_2");
      table.value = numbers_of(g.attributes.at("values"));
      const std::string& first = shape == nullptr ? "" : shape->text("variable_1");
      table.load_first =
          first == "total_output_net_capacitance" || first == "constrained_pin_transition";
      const bool limit = kind.find("constraint") != std::string::npos;
      const bool loads = first == "total_output_net_capacitance";
      for (float& x : table.x) x *= loads ? farads_ : slews_;
      for (float& y : table.y) y *= limit || loads ? slews_ : farads_;
      if (kind.find("transition") != std::string::npos)
        for (float& slew : table.value) slew *= slews_;
      const std::size_t size =
          std::max<std::size_t>(1, table.x.size()) * std::max<std::size_t>(1, table.y.size());
      if (table.value.size() == 1)
        table.x = table.y = {};
      else if (table.value.size() != size)
        throw_error("{}: {} ({}): {} values, expected {}", file_, kind, g.name, table.value.size(),
                    size);
    }
    return table;
  }

  void add_timing(const Group& timing, int pin, Cell& cell) const {
    const std::string& type = timing.text("timing_type");
    const bool setup = type == "setup_rising", hold = type == "hold_rising";
    if (setup || hold) {
      cell.limits.push_back(
          {pin, hold, {table(timing, "rise_constraint"), table(timing, "fall_constraint")}});
      return;
    }
    const bool launches = type == "rising_edge";
    if (!launches && !type.empty() && type != "combinational") return;  // resets, tri-states
    Arc arc;
    arc.from = cell.pin(timing.text("related_pin"));
    arc.to = pin;
    if (arc.from < 0) return;
    arc.launches = launches;
    const std::string& sense = timing.text("timing_sense");
    arc.same = launches || sense != "negative_unate";
    arc.opposite = !launches && sense != "positive_unate";
    arc.delay = {table(timing, "cell_rise"), table(timing, "cell_fall")};
    arc.slew = {table(timing, "rise_transition"), table(timing, "fall_transition")};
    if (!arc.delay[kRise].empty() || !arc.delay[kFall].empty()) cell.arcs.push_back(arc);
  }

  /// Adds the energies of a pin. A bus includes the energies given for a range of its bits, which
  /// apply to all bits.
  void add_powers(const Group& group, int pin, Cell& cell) const {
    for (const Group& g : group.groups) {
      if (g.type == "pin" && g.name.find(':') != std::string::npos) add_powers(g, pin, cell);
      if (g.type != "internal_power") continue;
      Power power{pin, cell.pin(g.text("related_pin")), g.text("when"), {}};
      power.pj = {energies(g, "rise_power"), energies(g, "fall_power")};
      cell.powers.push_back(std::move(power));
    }
  }

  /// Returns the energy tables, in units of capacitance x 1 V^2; `power` is one table for both
  /// edges.
  Table energies(const Group& group, const std::string& kind) const {
    Table table = this->table(group, kind);
    if (table.empty()) table = this->table(group, "power");
    for (float& pj : table.value) pj *= farads_;
    return table;
  }

  static Storage storage(const Group& ff) {
    return {ff.name,          ff.second,        ff.text("next_state"), ff.text("clocked_on"),
            ff.text("clear"), ff.text("preset")};
  }

  const Group& library_;
  const std::string file_;
  float nanowatts_ = 1;
  float farads_ = 1;
  float slews_ = 1;  ///< scales transitions to kSwing of the swing
  std::map<std::string, const Group*> templates_, widths_;
  std::vector<std::pair<const Group*, std::vector<int>>> timed_;
};

/// Returns a cell's function as text: cells of one family and one function differ only in strength.
std::string function_of(const Group& cell) {
  std::string text = family_of(cell.name);
  for (const Group& g : cell.groups) {
    if (g.type == "pin") text += "|" + g.name + "=" + without_blanks(g.text("function"));
    if (g.type == "ff") text += "|ff " + without_blanks(g.text("next_state"));
  }
  return text;
}

/// Returns true if the function is "A" or "(A)" for the only input A.
bool repeats(const Group& cell) {
  std::string input, function;
  int inputs = 0, outputs = 0;
  for (const Group& g : cell.groups) {
    if (g.type == "ff" || g.type == "latch" || g.type == "bus") return false;
    if (g.type != "pin") continue;
    if (!g.text("three_state").empty()) return false;
    const bool output = g.text("direction") == "output";
    (output ? outputs : inputs) += 1;
    (output ? function : input) = output ? without_blanks(g.text("function")) : g.name;
  }
  std::erase_if(function, [](char c) { return c == '(' || c == ')'; });
  return inputs == 1 && outputs == 1 && function == input;
}

}  // namespace

float Table::at(float slew, float load) const {
  if (value.size() < 2) return value.empty() ? 0 : value[0];
  const float u = load_first ? load : slew, v = load_first ? slew : load;
  const std::size_t i = interval(x, u), j = interval(y, v);
  const float p = part(x, i, u), q = part(y, j, v);
  const std::size_t columns = std::max<std::size_t>(1, y.size());
  const auto row = [&](std::size_t k) {
    const float* r = &value[k * columns];
    return columns < 2 ? r[0] : r[j] + q * (r[j + 1] - r[j]);
  };
  const float low = row(i);
  return x.size() < 2 ? low : low + p * (row(i + 1) - low);
}

int Cell::pin(const std::string& wanted) const {
  for (std::size_t i = 0; i < pins.size(); ++i)
    if (pins[i].name == wanted) return static_cast<int>(i);
  return -1;
}

void Cells::add(const Group& library, const std::string& file) {
  Reader reader(library, file);
  if (volts_ == 0) volts_ = library.number("nom_voltage", 0);
  float slowest = 0;
  for (const Group& group : library.groups) {
    if (group.type != "cell" || (group.text("dont_use") == "true" && !gates_clock(group))) continue;
    const int index = static_cast<int>(cells_.size());
    cells_.push_back(reader.cell(group));
    index_[group.name] = index;
    families_[function_of(group)].push_back(index);
    const Cell& cell = cells_.back();
    if (!repeats(group) || cell.arcs.size() != 1) continue;
    const float time = cell.arcs[0].delay[kRise].at(0.05f, 0.005f);
    if (buffer_ < 0 || cell.um2 < (*this)[buffer_].um2) buffer_ = index;
    if (time > slowest) {
      slowest = time;
      delay_ = index;
    }
  }
  for (auto& [function, members] : families_) {
    std::sort(members.begin(), members.end(),
              [this](int a, int b) { return (*this)[a].um2 < (*this)[b].um2; });
    for (const int member : members) cells_[static_cast<std::size_t>(member)].sizes = members;
  }
}

int Cells::find(const std::string& name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? -1 : found->second;
}

}  // namespace trine::synth
