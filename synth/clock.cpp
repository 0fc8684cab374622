// SPDX-License-Identifier: Apache-2.0

#include "synth/clock.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "synth/netlist.h"
#include "synth/paths.h"
#include "synth/yosys.h"

namespace trine::synth {
namespace fs = std::filesystem;
namespace {

/// Bits of a bus of a macro; 0: it has none of that name.
std::int64_t bus_width(const Cell& macro, const std::string& bus) {
  return std::count_if(macro.pins.begin(), macro.pins.end(),
                       [&](const Pin& pin) { return pin.name.starts_with(bus + "["); });
}

/// Pins by their name without the index, each once, in order.
std::vector<std::pair<std::string, const Pin*>> ports_of(const Cell& cell) {
  std::vector<std::pair<std::string, const Pin*>> ports;
  for (const Pin& pin : cell.pins) {
    const std::string name = pin.name.substr(0, pin.name.find('['));
    if (ports.empty() || ports.back().first != name) ports.emplace_back(name, &pin);
  }
  return ports;
}

bool ends_with(const std::string& name, std::string_view end) {
  return name == end || name.ends_with("_" + std::string(end));
}

/// What a pin of a macro is connected to, by the common names of single-port memories.
std::string connection(const std::string& port, const std::string& enable, std::int64_t address,
                       std::int64_t low, std::int64_t bits) {
  if (port.find("BIST") != std::string::npos) return "0";
  if (ends_with(port, "CLK")) return "clk_i";
  if (ends_with(port, "MEN")) return enable;
  if (ends_with(port, "WEN")) return "we_i";
  if (ends_with(port, "REN")) return "~we_i";
  if (ends_with(port, "ADDR")) return fmt::format("{}'(addr_i)", address);
  if (ends_with(port, "BM")) return fmt::format("mask[{}+:{}]", low, bits);
  if (ends_with(port, "DIN")) return fmt::format("wdata[{}+:{}]", low, bits);
  return "0";
}

std::string stub(const Cell& macro) {
  std::string names, text;
  for (const auto& [name, pin] : ports_of(macro)) {
    names += (names.empty() ? "" : ", ") + name;
    const std::int64_t width = bus_width(macro, name);
    text += fmt::format("  {} {}{};\n", pin->output ? "output" : "input",
                        width > 0 ? fmt::format("[{}:0] ", width - 1) : "", name);
  }
  return fmt::format("(* blackbox *)\nmodule {} ({});\n{}endmodule\n", macro.name, names, text);
}

/// Bits of a macro's address and of its words; 0: it has no such pins.
struct Buses {
  std::int64_t address = 0, data = 0;
};

Buses buses_of(const Cell& macro) {
  Buses buses;
  for (const auto& [name, pin] : ports_of(macro)) {
    if (name.find("BIST") != std::string::npos) continue;
    if (ends_with(name, "ADDR")) buses.address = bus_width(macro, name);
    if (ends_with(name, "DIN")) buses.data = bus_width(macro, name);
  }
  return buses;
}

class Clock {
 public:
  Clock(const fs::path& folder, const std::string& top, const Plan& plan, const Library& library,
        const std::vector<Macro>& macros, int paths,
        const std::function<void(const std::string&)>& progress)
      : folder_(folder),
        top_(top),
        plan_(plan),
        macros_(macros),
        paths_(static_cast<std::size_t>(paths)),
        progress_(progress) {
    cells_.add(parse_groups(library.text, library.name), library.name);
  }

  ClockReport run() {
    progress_("memories");
    for (const Memory& memory : plan_.memories) add_memory(memory);
    progress_("putting the design together");
    Netlist netlist(modules(), cells_);
    netlist.drop_unread();
    const Repairs repairs = repair(netlist, cells_, progress_);
    progress_("timing");
    add_areas(netlist, repairs);
    write_file(folder_ / "timed.v", netlist.verilog(cells_));
    time(netlist);
    if (paths_ > 0) {
      Timer timer(cells_, netlist);
      timer.update();
      report_.paths = longest_paths(netlist, cells_, timer, paths_);
    }
    return report_;
  }

 private:
  void add_memory(const Memory& memory) {
    const Tiling tiling = tile(macros_, memory.width, memory.depth);
    if (!tiling.macro.empty() && cells_.find(tiling.macro) < 0) add_macro(tiling.macro);
    if (tiling.macro.empty() || buses_of(cells_[cells_.find(tiling.macro)]).data == 0) {
      report_.memories_timed = false;
      return;
    }
    const Cell& macro = cells_[cells_.find(tiling.macro)];
    write_file(folder_ / (memory.name + ".sv"), stub(macro) + macro_wrapper(memory, tiling, macro));
    run_yosys(fmt::format("read_verilog -sv {0}.sv\nproc\nwrite_rtlil {0}.il\ndesign -reset\n{1}",
                          memory.name, map_script(memory.name, Target::kAsic)),
              memory.name, folder_, memory.name);
    wrappers_ += read_text(folder_ / (memory.name + ".blif"));
  }

  void add_macro(const std::string& name) {
    const auto macro = std::find_if(macros_.begin(), macros_.end(),
                                    [&](const Macro& m) { return m.name == name; });
    const std::string text = make_readable(read_maybe_gzipped(macro->file));
    cells_.add(parse_groups(text, macro->file.string()), macro->file.string());
    write_file(folder_ / (name + ".lib"), without_wire_load(text));
    libraries_ += fmt::format("read_liberty {}.lib\n", name);
  }

  /// The mapped modules, the top first.
  std::string modules() const {
    std::string text;
    for (const Partition& partition : plan_.partitions)
      text += read_text(folder_ / (partition.name + ".blif"));
    return text + wrappers_;
  }

  void add_areas(const Netlist& netlist, const Repairs& repairs) {
    for (const Instance& instance : netlist.instances()) {
      const Cell& cell = cells_[instance.cell];
      if (is_macro(cell)) continue;
      report_.logic_um2 += cell.um2;
      ++report_.cells;
      report_.module_um2[netlist.partitions().at(static_cast<std::size_t>(instance.partition))] +=
          cell.um2;
    }
    report_.buffers = repairs.buffers;
    report_.buffers_um2 = repairs.buffers_um2;
    report_.hold_buffers = repairs.hold_buffers;
    report_.hold_um2 = repairs.hold_um2;
    report_.too_early = repairs.too_early;
  }

  bool is_macro(const Cell& cell) const {
    return std::any_of(macros_.begin(), macros_.end(),
                       [&](const Macro& m) { return m.name == cell.name; });
  }

  void time(const Netlist& netlist) {
    const auto port = [&](int net) {
      return net < 0 || !netlist.net(net).input ? std::string() : fmt::format("n{}", net);
    };
    write_file(folder_ / "timed.tcl",
               "read_liberty timing.lib\n" + libraries_ + "read_verilog timed.v\n" +
                   constraints("design", port(netlist.clock()), port(netlist.reset())) +
                   "report_checks -path_delay max -format full -digits 4\nexit\n");
    const std::string text = run_sta("timed", folder_, top_);
    read_path(text, netlist);
  }

  /// Lines "  0.1234  5.6789 ^ i42/Y (cell)": what the cell adds belongs to its module.
  void read_path(const std::string& text, const Netlist& netlist) {
    const Path path = parse_timing(text);
    report_.ns = path.ns;
    const auto instance_of = [&](const std::string& pin) -> const Instance* {
      if (pin.size() < 2 || pin[0] != 'i') return nullptr;
      const int i = std::atoi(pin.c_str() + 1);
      return i < static_cast<int>(netlist.instances().size()) ? &netlist.instance(i) : nullptr;
    };
    const auto name_of = [&](const std::string& pin) {
      const Instance* instance = instance_of(pin);
      return instance == nullptr ? pin : instance->name;
    };
    report_.path = {path.ns, name_of(path.start), name_of(path.end)};
    std::istringstream lines(text);
    double spent = 0;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      double delay = 0, time = 0;
      std::string edge, pin;
      if (!(words >> delay >> time >> edge >> pin) || (edge != "^" && edge != "v")) continue;
      const Instance* instance = instance_of(pin);
      if (instance == nullptr) continue;
      add_part(netlist.partitions().at(static_cast<std::size_t>(instance->partition)),
               time - spent);
      spent = time;
    }
    if (!report_.parts.empty()) report_.parts.back().ns += path.ns - spent;  // setup
  }

  void add_part(const std::string& module, double ns) {
    if (report_.parts.empty() || report_.parts.back().module != module)
      report_.parts.push_back({module, 0});
    report_.parts.back().ns += ns;
  }

  const fs::path folder_;
  const std::string top_;
  const Plan& plan_;
  const std::vector<Macro>& macros_;
  const std::size_t paths_;
  const std::function<void(const std::string&)>& progress_;
  Cells cells_;
  std::string wrappers_, libraries_;  ///< BLIF of the memories; macros for OpenSTA
  ClockReport report_;
};

}  // namespace

std::string macro_wrapper(const Memory& memory, const Tiling& tiling, const Cell& macro) {
  const auto [address, data] = buses_of(macro);
  std::int64_t address_bits = 1;
  while (std::int64_t{1} << address_bits < memory.depth) ++address_bits;
  const std::int64_t padded = tiling.across * data;
  std::string text = fmt::format(
      "module {} (input clk_i, en_i, we_i, input [{}:0] addr_i, input [{}:0] mask_i, wdata_i,\n"
      "  output [{}:0] rdata_o);\n"
      "  wire [{}:0] mask = mask_i, wdata = wdata_i;\n",
      memory.name, address_bits - 1, memory.width - 1, memory.width - 1, padded - 1);
  if (tiling.down > 1)
    text += fmt::format(
        "  wire [{0}:0] row = addr_i >> {1};\n  reg [{0}:0] row_q;\n"
        "  always @(posedge clk_i) if (en_i & ~we_i) row_q <= row;\n",
        address_bits - address - 1, address);
  std::string chosen = "0";
  for (std::int64_t d = 0; d < tiling.down; ++d) {
    text += fmt::format("  wire [{}:0] rdata_{};\n", padded - 1, d);
    const std::string enable = tiling.down > 1 ? fmt::format("en_i & (row == {})", d) : "en_i";
    for (std::int64_t a = 0; a < tiling.across; ++a) {
      std::string pins;
      for (const auto& [port, pin] : ports_of(macro))
        pins += fmt::format("{}.{}({})", pins.empty() ? "" : ", ", port,
                            pin->output ? fmt::format("rdata_{}[{}+:{}]", d, a * data, data)
                                        : connection(port, enable, address, a * data, data));
      text += fmt::format("  {} u_{}_{} ({});\n", macro.name, d, a, pins);
    }
    chosen = d == 0 ? "rdata_0" : fmt::format("row_q == {} ? rdata_{} : {}", d, d, chosen);
  }
  return text + fmt::format("  assign rdata_o = {};\nendmodule\n", chosen);
}

ClockReport time_design(const fs::path& folder, const std::string& top, const Plan& plan,
                        const Library& library, const std::vector<Macro>& macros, int paths,
                        const std::function<void(const std::string&)>& progress) {
  return Clock(folder, top, plan, library, macros, paths, progress).run();
}

}  // namespace trine::synth
