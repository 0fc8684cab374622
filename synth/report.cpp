// SPDX-License-Identifier: Apache-2.0

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sw/base/text.h"
#include "synth/synthesize.h"

namespace trine::synth {
namespace {

constexpr std::size_t kColumns = 100;

std::string_view name_of(Target target) {
  return target == Target::kAsic ? "asic" : target == Target::kIce40 ? "ice40" : "ecp5";
}

nlohmann::json to_json(const Path& path) {
  if (path.ns == 0) return nullptr;
  return {{"ns", path.ns}, {"start", path.start}, {"end", path.end}};
}

nlohmann::json to_json(const std::vector<PathPart>& parts) {
  nlohmann::json list = nlohmann::json::array();
  for (const PathPart& part : parts) list.push_back({{"module", part.module}, {"ns", part.ns}});
  return list;
}

/// Wraps words into lines; lines after the first are indented.
std::string wrapped(const std::vector<std::string>& words, const std::string& indent) {
  std::string text, line;
  for (const std::string& word : words) {
    if (!line.empty() && line.size() + word.size() + 1 > kColumns) {
      text += line + "\n";
      line = indent + word;
    } else {
      line += (line.empty() ? "" : " ") + word;
    }
  }
  return text + line + "\n";
}

std::string asic_table(const SynthReport& r) {
  std::string text = fmt::format("{:<30}{:>10}{:>11}{:>11}{:>13}{:>8}{:>9}\n", "module",
                                 "instances", "cells", "GE", "GE total", "share", "ns");
  for (const ModuleReport& m : r.modules) {
    const double total = static_cast<double>(m.instances) * m.gate_equivalents;
    text += fmt::format("{:<30}{:>10}{:>11}{:>11}{:>13}{:>7.1f}%{:>9}\n", fitted(m.name, 29),
                        grouped(m.instances), grouped(m.cells), grouped(m.gate_equivalents),
                        grouped(total), 100 * total / r.gate_equivalents,
                        m.path.ns > 0 ? fmt::format("{:.2f}", m.path.ns) : "-");
  }
  return text;
}

std::string fpga_table(const SynthReport& r) {
  std::string text =
      fmt::format("{:<30}{:>10}{:>11}{:>14}\n", "module", "instances", "cells", "cells total");
  for (const ModuleReport& m : r.modules)
    text += fmt::format("{:<30}{:>10}{:>11}{:>14}\n", fitted(m.name, 29), grouped(m.instances),
                        grouped(m.cells), grouped(m.instances * m.cells));
  text += "\nprimitives:\n";
  for (const auto& [type, count] : r.cell_types)
    text += fmt::format("  {:<28}{:>10}\n", type, grouped(count));
  return text;
}

/// Returns the report of nextpnr's results.
std::string fpga_lines(const SynthReport& r) {
  const FpgaReport& f = r.fpga;
  if (f.mhz == 0) return {};
  std::string text =
      fmt::format("\nplaced and routed: {:.1f} MHz ({:.2f} ns)\n  {} -> {}\n", f.mhz, 1000 / f.mhz,
                  fitted(f.timed.path.start, 46), fitted(f.timed.path.end, 46));
  for (const PathPart& part : f.timed.parts)
    text += fmt::format("  {:<40}{:>7.2f} ns\n", fitted(part.module, 39), part.ns);
  for (const auto& [type, use] : f.utilization)
    text += fmt::format("  {:<28}{:>10} of {:>8}\n", type, grouped(use.first), grouped(use.second));
  return text;
}

nlohmann::json to_json(const FpgaReport& f) {
  nlohmann::json use = nlohmann::json::object();
  for (const auto& [type, count] : f.utilization)
    use[type] = {{"used", count.first}, {"available", count.second}};
  return use;
}

std::string memory_table(const SynthReport& r) {
  if (r.memories.empty()) return {};
  std::string text = "\nmemories (not included):\n";
  for (const MemoryReport& m : r.memories) {
    text += fmt::format("  {:<24}{:>5} x {:>5} words x {:>4} bits", m.name, m.instances, m.depth,
                        m.width);
    if (!m.macro.empty())
      text += fmt::format("{:>12} um2\n    each {}{}", grouped(m.um2), fitted(m.macro, 72),
                          m.ns > 0 ? fmt::format(", read in {:.2f} ns", m.ns) : "");
    text += "\n";
  }
  return text;
}

std::string path_lines(const SynthReport& r) {
  const std::string wires =
      r.wire_load == "zero" ? "without wires" : "wire load " + r.wire_load + " of the library";
  std::string text =
      fmt::format("\nlongest path inside of each module, before placement, {}:\n", wires);
  const auto add = [&text](const std::string& name, const Path& path) {
    if (path.ns == 0) return;
    const std::string head = fmt::format("  {:<26}{:>7.2f} ns  ", fitted(name, 25), path.ns);
    const std::size_t left = (kColumns - head.size() - 4) / 2;
    text += head + fitted(path.start, left) + " -> " + fitted(path.end, left) + "\n";
  };
  for (const ModuleReport& m : r.modules) add(m.name, m.path);
  return text;
}

/// Returns the clock of the whole design, and the modules on its longest path.
std::string clock_lines(const SynthReport& r) {
  const ClockReport& c = r.clock;
  if (c.ns == 0) return {};
  std::string text = fmt::format(
      "\nclock of the whole design, buffered and sized, {}: {:.2f} ns, {:.0f} MHz\n  {} -> {}\n",
      c.memories_timed ? "macros timed" : "memories not timed (the library has no macros)", c.ns,
      1000 / c.ns, fitted(c.path.start, 46), fitted(c.path.end, 46));
  for (const PathPart& part : c.parts)
    text += fmt::format("  {:<26}{:>7.2f} ns\n", fitted(part.module, 25), part.ns);
  std::vector<std::string> fast{"  mapped for speed:"};
  fast.insert(fast.end(), c.fast.begin(), c.fast.end());
  if (!c.fast.empty()) text += wrapped(fast, "    ");
  text += fmt::format("  {} buffers for fan-out ({} GE), {} for hold times ({} GE)",
                      grouped(c.buffers), grouped(c.buffers_um2 / r.nand2_um2),
                      grouped(c.hold_buffers), grouped(c.hold_um2 / r.nand2_um2));
  if (c.too_early > 0) text += fmt::format("; {} pins change too early", grouped(c.too_early));
  text += fmt::format("\n  above max_transition {}, above max_capacitance {}", grouped(c.too_slow),
                      grouped(c.too_heavy));
  text +=
      fmt::format("; logic {} GE with them and the sizes\n", grouped(c.logic_um2 / r.nand2_um2));
  if (c.clock_gates > 0)
    text += fmt::format("  {} clock gates for {} flip-flops\n", grouped(c.clock_gates),
                        grouped(c.gated));
  return text;
}

/// Returns the clock of the placed design.
std::string placed_lines(const SynthReport& r) {
  const PlacedReport& p = r.clock.placed;
  if (p.timed.ns == 0) return {};
  std::string text = fmt::format(
      "\nplaced, estimated wires: {:.2f} ns, {:.0f} MHz (without wires {:.2f} ns)\n  {} -> {}\n",
      p.timed.ns, 1000 / p.timed.ns, r.clock.ns, fitted(p.timed.path.start, 46),
      fitted(p.timed.path.end, 46));
  for (const PathPart& part : p.timed.parts)
    text += fmt::format("  {:<26}{:>7.2f} ns\n", fitted(part.module, 25), part.ns);
  text += fmt::format("  die {} x {} um, core {} x {} um, {:.0f} % of it cells; {:.2f} m of wire\n",
                      grouped(p.die_width_um), grouped(p.die_height_um), grouped(p.core_width_um),
                      grouped(p.core_height_um), 100 * p.utilization, p.wire_mm / 1000);
  text += fmt::format("  {} cells, {} GE; {} buffers ({} GE), {} for hold times ({} GE)",
                      grouped(p.cells), grouped(p.logic_um2 / r.nand2_um2), grouped(p.buffers),
                      grouped(p.buffers_um2 / r.nand2_um2), grouped(p.hold_buffers),
                      grouped(p.hold_um2 / r.nand2_um2));
  if (p.too_early > 0) text += fmt::format("; {} pins change too early", grouped(p.too_early));
  if (p.seeds_ns.size() > 1)
    text += fmt::format("\n  the median of {} seeds: {:.2f} ns; the worst is {:.2f}",
                        p.seeds_ns.size(), fmt::join(p.seeds_ns, ", "),
                        *std::max_element(p.seeds_ns.begin(), p.seeds_ns.end()));
  return text + "\n";
}

nlohmann::json to_json(const PlacedReport& p) {
  if (p.timed.ns == 0) return nullptr;
  return {{"die_width_um", p.die_width_um},
          {"die_height_um", p.die_height_um},
          {"core_width_um", p.core_width_um},
          {"core_height_um", p.core_height_um},
          {"utilization", p.utilization},
          {"wire_mm", p.wire_mm},
          {"cells", p.cells},
          {"cells_um2", p.logic_um2},
          {"buffers", p.buffers},
          {"hold_buffers", p.hold_buffers},
          {"hold_violations", p.too_early},
          {"seeds_ns", p.seeds_ns}};
}

/// Returns the longest path of each pair of register groups, with the modules on its way.
std::string group_path_lines(const SynthReport& r) {
  if (r.clock.paths.empty()) return {};
  std::string text = "\nlongest paths between registers, by Trine's own timer (ns, gates):\n";
  for (const GroupPath& path : r.clock.paths) {
    const std::size_t half = (kColumns - 20) / 2;
    text += fmt::format("{:>7.2f}{:>5}  {} -> {}\n", path.ns, path.gates, fitted(path.from, half),
                        fitted(path.to, half));
    std::vector<std::string> parts;
    for (const PathPart& part : path.parts)
      parts.push_back(fmt::format("{}{} {:.2f}{}", parts.empty() ? "              " : "",
                                  part.module, part.ns, &part == &path.parts.back() ? "" : ","));
    if (!parts.empty()) text += wrapped(parts, "              ");
  }
  return text;
}

/// Returns the memories in bits, and their gate equivalents separately for DMEM and PMEM and all
/// others.
std::string macro_lines(const SynthReport& r) {
  std::string text = fmt::format("\nmemories, not included: {} bits", grouped(r.sram_bits));
  if (!r.has_macros) return text + ", no macros in the library: their area is not known";
  text += fmt::format(", {} um2\nmacros: {} GE", grouped(r.sram_um2),
                      grouped(r.macro_gate_equivalents()));
  text += fmt::format(", {} GE without DMEM and PMEM", grouped(r.macro_gate_equivalents_other()));
  if (r.macs_per_cycle > 0)
    text += fmt::format(" (with the logic {:.0f} GE per MAC)",
                        (r.gate_equivalents + r.macro_gate_equivalents_other()) /
                            static_cast<double>(r.macs_per_cycle));
  return text;
}

}  // namespace

nlohmann::json to_json(const SynthReport& r) {
  nlohmann::json modules = nlohmann::json::array(), memories = nlohmann::json::array();
  for (const ModuleReport& m : r.modules) {
    const double total = static_cast<double>(m.instances) * m.gate_equivalents;
    modules.push_back({{"name", m.name},
                       {"instances", m.instances},
                       {"cells", m.cells},
                       {"area_um2", m.area_um2},
                       {"gate_equivalents", m.gate_equivalents},
                       {"gate_equivalents_total", total},
                       {"share", r.gate_equivalents > 0 ? total / r.gate_equivalents : 0},
                       {"mapped_for", m.fast ? "speed" : "area"},
                       {"children", m.children},
                       {"worst_path", to_json(m.path)}});
  }
  for (const MemoryReport& m : r.memories)
    memories.push_back({{"name", m.name},
                        {"instances", m.instances},
                        {"width", m.width},
                        {"depth", m.depth},
                        {"dmem_pmem", m.dmem_pmem},
                        {"macro", m.macro},
                        {"area_um2", m.um2},
                        {"access_ns", m.ns},
                        {"most_ns", m.most_ns}});
  nlohmann::json macros = nlohmann::json::array();
  for (const Macro& m : r.clock.macros)
    macros.push_back({{"name", m.name},
                      {"depth", m.depth},
                      {"width", m.width},
                      {"area_um2", m.um2},
                      {"access_ns", m.ns}});
  nlohmann::json clock_paths = nlohmann::json::array();
  for (const GroupPath& path : r.clock.paths)
    clock_paths.push_back({{"ns", path.ns},
                           {"gates", path.gates},
                           {"from", path.from},
                           {"to", path.to},
                           {"path", to_json(path.parts)}});
  const TimedPath& placed = r.fpga.mhz > 0 ? r.fpga.timed : r.clock.placed.timed;
  const bool timed = r.clock.ns > 0;
  const double logic_um2 = timed ? r.clock.logic_um2 : r.area_um2;
  const double macs = static_cast<double>(r.macs_per_cycle);
  const auto known = [&r](double value) {  // null if the library has no macros
    return r.has_macros ? nlohmann::json(value) : nlohmann::json(nullptr);
  };
  return {{"target", name_of(r.target)},
          {"library", r.library},
          {"tool", r.tool},
          {"cells", r.cells},
          {"area_um2", r.area_um2},
          {"gate_equivalents", r.gate_equivalents},
          {"nand2_um2", r.nand2_um2},
          {"logic_gate_equivalents", r.nand2_um2 > 0 ? logic_um2 / r.nand2_um2 : 0},
          {"macro_gate_equivalents", known(r.macro_gate_equivalents())},
          {"macro_gate_equivalents_other", known(r.macro_gate_equivalents_other())},
          {"total_um2", known(logic_um2 + r.sram_um2)},
          {"clock_ns", timed ? nlohmann::json(r.clock.ns) : nlohmann::json(nullptr)},
          {"clock_wanted_ns", timed ? nlohmann::json(r.clock.wanted_ns) : nlohmann::json(nullptr)},
          {"clock_from", r.clock.path.start},
          {"clock_to", r.clock.path.end},
          {"clock_path", to_json(r.clock.parts)},
          {"clock_paths", clock_paths},
          {"clock_placed_ns", placed.ns > 0 ? nlohmann::json(placed.ns) : nlohmann::json(nullptr)},
          {"clock_placed_from", placed.path.start},
          {"clock_placed_to", placed.path.end},
          {"clock_placed_path", to_json(placed.parts)},
          {"mhz", r.fpga.mhz > 0 ? nlohmann::json(r.fpga.mhz) : nlohmann::json(nullptr)},
          {"utilization", to_json(r.fpga)},
          {"placement", to_json(r.clock.placed)},
          {"buffers", r.clock.buffers},
          {"hold_buffers", r.clock.hold_buffers},
          {"hold_violations", r.clock.too_early},
          {"clock_gates", r.clock.clock_gates},
          {"gated_flip_flops", r.clock.gated},
          {"clock_gates_missing", r.gates_missing},
          {"violations",
           {{"max_transition", r.clock.too_slow}, {"max_capacitance", r.clock.too_heavy}}},
          {"wire_load", r.wire_load},
          {"gate_equivalents_per_mac", macs > 0 ? r.gate_equivalents / macs : 0},
          {"sram_bits", r.sram_bits},
          {"sram_um2", r.sram_um2},
          {"worst_path", to_json(r.path)},
          {"modules", modules},
          {"memories", memories},
          {"macros", macros},
          {"cell_types", r.cell_types},
          {"seconds", r.seconds}};
}

std::string to_text(const SynthReport& r) {
  std::string text = fmt::format("{}: {}{}{}\n\n", r.configuration, name_of(r.target),
                                 r.library.empty() ? "" : ", ", r.library);
  if (r.target != Target::kAsic)
    return text + fpga_table(r) + memory_table(r) + fpga_lines(r) +
           fmt::format("\ntotal {} cells, without {} memory bits, {:.0f} s\n", grouped(r.cells),
                       grouped(r.sram_bits), r.seconds);
  text += asic_table(r) + memory_table(r) + path_lines(r) + clock_lines(r) + placed_lines(r) +
          group_path_lines(r);
  if (r.gates_missing)
    text += fmt::format("\n{} has no clock gate: registers keep their enables\n", r.library);
  text += fmt::format("\ntotal {} cells, {} um2, {} GE (NAND2 of {} um2)", grouped(r.cells),
                      grouped(r.area_um2), grouped(r.gate_equivalents), r.nand2_um2);
  if (r.macs_per_cycle > 0)
    text += fmt::format(", {:.0f} GE per MAC",
                        r.gate_equivalents / static_cast<double>(r.macs_per_cycle));
  return text + macro_lines(r) + fmt::format("; {:.0f} s\n", r.seconds);
}

}  // namespace trine::synth
