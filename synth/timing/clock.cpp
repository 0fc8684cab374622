// SPDX-License-Identifier: Apache-2.0

#include "synth/timing/clock.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <sstream>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "synth/macro.h"
#include "synth/place/place.h"
#include "synth/read/netlist.h"
#include "synth/timing/paths.h"
#include "synth/yosys.h"

namespace trine::synth {
namespace fs = std::filesystem;
namespace {

constexpr int kRounds = 6;
/// Ns of slack that a memory keeps, because estimates are inexact.
constexpr double kTilingMargin = 0.05;
constexpr double kSpare = 0.15;  ///< of the period: a module with more slack may become slower
constexpr double kSameClock = 1.005;

class Clock {
 public:
  Clock(const fs::path& folder, const std::string& top, const Plan& plan, const Library& library,
        std::vector<Macro> macros, const SynthOptions& options,
        const std::function<void(const std::string&)>& progress)
      : folder_(folder),
        top_(top),
        plan_(plan),
        macros_(std::move(macros)),
        options_(options),
        progress_(progress) {
    cells_.add(parse_groups(timing_text(library), library.name), library.name);
    for (Macro& macro : macros_) {
      const std::string text = make_readable(read_maybe_gzipped(macro.file));
      cells_.add(parse_groups(text, macro.file.string()), macro.file.string());
      write_file(folder_ / (macro.name + ".lib"), without_wire_load(text));
      macro.ns = access_ns(cells_[cells_.find(macro.name)]);
    }
    report_.macros = macros_;
  }

  ClockReport run() {
    for (const Memory& memory : plan_.memories)
      report_.tilings[memory.name] = tile(macros_, memory.width, memory.depth, options_.memory_ns);
    for (const Partition& partition : plan_.partitions) report_.fast.insert(partition.name);
    const Repaired best = with_less_area(repaired());
    progress_("timing");
    add_areas(best.netlist, best.repairs);
    write_file(folder_ / "timed.v", best.netlist.verilog(cells_));
    time(best.netlist);
    if (options_.inspect && !report_.memories_timed)
      throw_error("{}: no usable memory macros next to the library", top_);
    const bool placed = !options_.place.python.empty();
    if (options_.inspect && !placed) options_.inspect({best.netlist, cells_, report_.ns});
    if (options_.paths > 0) {
      Timer timer(cells_, best.netlist);
      timer.update();
      report_.paths =
          longest_paths(best.netlist, cells_, timer, static_cast<std::size_t>(options_.paths));
    }
    if (placed) place(std::move(best));
    return report_;
  }

 private:
  struct Repaired {
    Netlist mapped, netlist;  ///< before and after
    Repairs repairs;
  };

  Repaired repaired() {
    progress_("memories");
    std::string text = modules();
    for (const Memory& memory : plan_.memories) text += wrapper(memory);
    progress_("joining the modules");
    Netlist netlist(text, cells_);
    netlist.drop_unread();
    Netlist mapped = netlist;
    const Repairs repairs = repair(netlist, cells_, progress_);
    return {std::move(mapped), std::move(netlist), repairs};
  }

  /// Saves area. All modules start mapped for speed and all memories with fast macros. Modules with
  /// time left are then mapped for area; those that become late are made fast again.
  Repaired with_less_area(Repaired best) {
    double period = 0;
    for (int round = 0; round < kRounds; ++round) {
      progress_(fmt::format("saving area: {}", round + 1));
      Timer timer(cells_, best.netlist);
      timer.update();
      if (round == 0) period = std::max<double>(timer.period() * kSameClock, options_.clock_ns);
      report_.wanted_ns = period;
      const double more = period - timer.period();
      const bool tiled = options_.memory_ns == 0 && retile(best.netlist, timer, more, round == 0);
      if (!remap(best.netlist, timer, more, round == 0) && !tiled) break;
      best = repaired();
    }
    return best;
  }

  /// Selects modules to map for speed.
  /// @param more  ns that every path may take longer
  /// @param save  true: modules may become slower; false: late modules become faster
  /// @return true if anything changed
  bool remap(const Netlist& netlist, const Timer& timer, double more, bool save) {
    const auto size = report_.fast.size();
    const auto left = time_left(netlist, timer);
    for (const Partition& partition : plan_.partitions) {
      const auto found = left.find(partition.name);
      const double spare = found == left.end() ? 1e9 : found->second + more;
      if (save && spare > kSpare * (timer.period() + more)) report_.fast.erase(partition.name);
      if (!save && spare < 0) report_.fast.insert(partition.name);
    }
    return report_.fast.size() != size;
  }

  /// Returns the least slack of all paths through each module.
  std::map<std::string, double> time_left(const Netlist& netlist, const Timer& timer) const {
    std::vector<double> least(netlist.partitions().size(), 1e9);
    for (const Instance& instance : netlist.instances())
      for (std::size_t pin = 0; pin < instance.nets.size(); ++pin) {
        double& so_far = least[static_cast<std::size_t>(instance.partition)];
        if (instance.nets[pin] >= 0 && cells_[instance.cell].pins[pin].output)
          so_far = std::min<double>(so_far, timer.slack(instance.nets[pin]));
      }
    std::map<std::string, double> left;
    for (std::size_t p = 0; p < least.size(); ++p) left[netlist.partitions()[p]] = least[p];
    return left;
  }

  /// Does the same as remap() for tilings of memories.
  bool retile(const Netlist& netlist, const Timer& timer, double more, bool save) {
    bool changed = false;
    for (const Memory& memory : plan_.memories) {
      Tiling& now = report_.tilings.at(memory.name);
      const double left = time_left(netlist, timer, memory.name) + more;
      if (now.macro.empty() || (left >= 0 && !save)) continue;
      const double most = now.ns + (save ? std::max(0.0, left - kTilingMargin) : left);
      if (save) report_.most_ns[memory.name] = most;
      const Tiling then = tile(macros_, memory.width, memory.depth, most);
      changed |= then.macro != now.macro;
      now = then;
    }
    return changed;
  }

  /// Returns the least slack of the outputs of a memory's macros.
  double time_left(const Netlist& netlist, const Timer& timer, const std::string& memory) const {
    double least = std::numeric_limits<double>::infinity();
    for (const Instance& instance : netlist.instances()) {
      const Cell& cell = cells_[instance.cell];
      if (!is_macro(cell) || partition_of(netlist, instance) != memory) continue;
      for (std::size_t pin = 0; pin < instance.nets.size(); ++pin)
        if (cell.pins[pin].output && instance.nets[pin] >= 0)
          least = std::min<double>(least, timer.slack(instance.nets[pin]));
    }
    return least;
  }

  /// Returns the cached BLIF of a memory made of macros; empty if no macro can be used.
  std::string wrapper(const Memory& memory) {
    const Tiling& tiling = report_.tilings.at(memory.name);
    if (tiling.macro.empty() || buses_of(cells_[cells_.find(tiling.macro)]).data == 0) {
      report_.memories_timed = false;
      return {};
    }
    std::string& blif = wrappers_[memory.name + " " + tiling.macro];
    if (!blif.empty()) return blif;
    const Cell& macro = cells_[cells_.find(tiling.macro)];
    write_file(folder_ / (memory.name + ".sv"),
               macro_stub(macro) + macro_wrapper(memory, tiling, macro));
    run_yosys(fmt::format("read_verilog -sv {0}.sv\nproc\nwrite_rtlil {0}.il\ndesign -reset\n{1}"
                          "{2}",
                          memory.name, simple_script(memory.name),
                          map_script(memory.name, {Effort::kSpeed})),
              memory.name, folder_, memory.name);
    blif = read_text(folder_ / (mapped_name(memory.name, Effort::kSpeed) + ".blif"));
    return blif;
  }

  /// Returns the mapped modules, the top first.
  std::string modules() const {
    std::string text;
    for (const Partition& partition : plan_.partitions) {
      const Effort effort =
          report_.fast.count(partition.name) != 0 ? Effort::kSpeed : Effort::kArea;
      text += read_text(folder_ / (mapped_name(partition.name, effort) + ".blif"));
    }
    return text;
  }

  static const std::string& partition_of(const Netlist& netlist, const Instance& instance) {
    return netlist.partitions().at(static_cast<std::size_t>(instance.partition));
  }

  void add_areas(const Netlist& netlist, const Repairs& repairs) {
    for (const Instance& instance : netlist.instances()) {
      const Cell& cell = cells_[instance.cell];
      if (is_macro(cell)) continue;
      report_.logic_um2 += cell.um2;
      ++report_.cells;
      report_.clock_gates += cell.gates_clock;
      report_.gated += !cell.gates_clock && is_gated(netlist, instance);
      report_.module_um2[partition_of(netlist, instance)] += cell.um2;
    }
    report_.buffers = repairs.buffers;
    report_.buffers_um2 = repairs.buffers_um2;
    report_.hold_buffers = repairs.hold_buffers;
    report_.hold_um2 = repairs.hold_um2;
    report_.too_early = repairs.too_early;
    report_.too_heavy = repairs.too_heavy;
  }

  /// Returns true if the instance's clock comes from a gate.
  bool is_gated(const Netlist& netlist, const Instance& instance) const {
    for (std::size_t pin = 0; pin < instance.nets.size(); ++pin) {
      const int net = instance.nets[pin];
      if (cells_[instance.cell].pins[pin].output || net < 0) continue;
      if (netlist.net(net).clock && net != netlist.clock()) return true;
    }
    return false;
  }

  bool is_macro(const Cell& cell) const {
    return std::any_of(macros_.begin(), macros_.end(),
                       [&](const Macro& m) { return m.name == cell.name; });
  }

  /// Returns OpenSTA's commands that read the libraries.
  std::string read_libraries() const {
    std::set<std::string> macros;
    for (const auto& [memory, tiling] : report_.tilings)
      if (!tiling.macro.empty()) macros.insert(tiling.macro);
    std::string libraries = "read_liberty timing.lib\n";
    for (const std::string& macro : macros)
      libraries += fmt::format("read_liberty {}.lib\n", macro);
    return libraries;
  }

  /// Returns commands that give gated clocks ideal edges, like the ungated clock: the clock tree
  /// does not exist yet.
  static std::string ideal_clocks(const Netlist& netlist) {
    std::string commands;
    for (std::size_t n = 0; n < netlist.nets().size(); ++n)
      if (netlist.nets()[n].clock && static_cast<int>(n) != netlist.clock())
        commands +=
            fmt::format("set_assigned_transition 0 [get_pins -of_objects [get_nets n{}]]\n", n);
    return commands;
  }

  void time(const Netlist& netlist) {
    const PathPorts ports = ports_of(netlist);
    write_file(folder_ / "timed.tcl", read_libraries() + "read_verilog timed.v\n" +
                                          constraints("design", ports.clock, ports.reset) +
                                          ideal_clocks(netlist) +
                                          "report_checks -path_delay max -format full -digits 4\n"
                                          "report_check_types -all_violators -max_transition\n"
                                          "exit\n");
    const std::string text = run_sta("timed", folder_, top_);
    const TimedPath timed = read_path(text, netlist);
    report_.too_slow = count_violations(text);
    report_.ns = timed.ns;
    report_.path = timed.path;
    report_.parts = timed.parts;
  }

  /// Places the netlist without its buffers, which are inserted again for the placed wires. The
  /// cell sizes remain as a start.
  void place(Repaired best) {
    for (int i = 0; i < static_cast<int>(best.mapped.instances().size()); ++i)
      best.mapped.resize(i, best.netlist.instance(i).cell);
    report_.placed = place_design(best.mapped, cells_, options_.place,
                                  {folder_, read_libraries(), options_.inspect}, progress_);
  }

  const fs::path folder_;
  const std::string top_;
  const Plan& plan_;
  std::vector<Macro> macros_;
  const SynthOptions& options_;
  const std::function<void(const std::string&)>& progress_;
  Cells cells_;
  std::map<std::string, std::string> wrappers_;  ///< by memory and macro
  ClockReport report_;
};

}  // namespace

PathPorts ports_of(const Netlist& netlist) {
  const auto port = [&](int net) {
    return net < 0 || !netlist.net(net).input ? std::string() : fmt::format("n{}", net);
  };
  return {port(netlist.clock()), port(netlist.reset())};
}

/// Parses lines such as "  0.1234  5.6789 ^ i42/Y (cell)" and adds the cell's delay to its module.
TimedPath read_path(const std::string& text, const Netlist& netlist) {
  const auto instance_of = [&](const std::string& pin) -> const Instance* {
    if (pin.size() < 2 || pin[0] != 'i') return nullptr;
    const int i = std::atoi(pin.c_str() + 1);
    return i < static_cast<int>(netlist.instances().size()) ? &netlist.instance(i) : nullptr;
  };
  const auto name_of = [&](const std::string& pin) {
    const Instance* instance = instance_of(pin);
    return instance == nullptr ? pin : instance->name;
  };
  const Path path = parse_timing(text);
  TimedPath timed{path.ns, {path.ns, name_of(path.start), name_of(path.end)}, {}};
  std::vector<PathPart>& parts = timed.parts;
  std::istringstream lines(text);
  double spent = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    double delay = 0, time = 0;
    std::string edge, pin;
    if (!(words >> delay >> time >> edge >> pin) || (edge != "^" && edge != "v")) continue;
    const Instance* instance = instance_of(pin);
    if (instance == nullptr) continue;
    const std::string& module =
        netlist.partitions().at(static_cast<std::size_t>(instance->partition));
    if (parts.empty() || parts.back().module != module) parts.push_back({module, 0});
    parts.back().ns += time - spent;
    spent = time;
  }
  if (!parts.empty()) parts.back().ns += path.ns - spent;  // setup
  return timed;
}

ClockReport time_design(const fs::path& folder, const std::string& top, const Plan& plan,
                        const Library& library, const std::vector<Macro>& macros,
                        const SynthOptions& options,
                        const std::function<void(const std::string&)>& progress) {
  return Clock(folder, top, plan, library, macros, options, progress).run();
}

}  // namespace trine::synth
