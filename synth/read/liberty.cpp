// SPDX-License-Identifier: Apache-2.0

#include "synth/read/liberty.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cstring>
#include <memory>
#include <optional>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "synth/read/liberty_groups.h"

namespace trine::synth {
namespace fs = std::filesystem;
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// Returns the position after the group that opens at or after `at`; npos if it never closes.
std::size_t end_of_group(std::string_view text, std::size_t at) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = at; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted) continue;
    if (text[i] == '{') ++depth;
    if (text[i] == '}' && --depth == 0) return i + 1;
  }
  return std::string_view::npos;
}

/// Returns true if a word may begin at `at`.
bool begins_at(std::string_view text, std::size_t at) {
  return at == 0 || std::strchr(" \t\n\r{};/", text[at - 1]) != nullptr;
}

/// Returns the position of the next "cell (" that is a whole word; npos if there is none.
std::size_t find_cell(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find("cell", from); at != std::string_view::npos;
       at = text.find("cell", at + 1)) {
    const std::size_t next = text.find_first_not_of(" \t", at + 4);
    if (begins_at(text, at) && next != std::string_view::npos && text[next] == '(') return at;
  }
  return std::string_view::npos;
}

/// Returns the value of a simple attribute directly inside of a cell group, empty if absent.
std::string attribute(std::string_view group, std::string_view key) {
  for (std::size_t at = group.find(key); at != std::string_view::npos;
       at = group.find(key, at + 1)) {
    std::size_t i = group.find_first_not_of(" \t", at + key.size());
    if (!begins_at(group, at) || i == std::string_view::npos || group[i] != ':') continue;
    i = group.find_first_not_of(" \t\"", i + 1);
    const std::size_t end = group.find_first_of(" \t\";\n\r", i);
    return std::string(group.substr(i, end - i));
  }
  return {};
}

/// @param cell  its text. @return the clock gate, without a name if the cell is not one
ClockGate gate_of(const std::string& cell, const std::string& file) {
  if (!attribute(cell, "clock_gating_integrated_cell").starts_with("latch_posedge")) return {};
  const Group group = parse_groups("library (x) {\n" + cell + "\n}\n", file).groups.at(0);
  ClockGate gate{group.name, cell, "", "", "", "", group.number("area", 0)};
  for (const Group& pin : group.groups)
    for (const auto& [key, member] : {std::pair{"clock_gate_clock_pin", &ClockGate::clock},
                                      {"clock_gate_enable_pin", &ClockGate::enable},
                                      {"clock_gate_test_pin", &ClockGate::test},
                                      {"clock_gate_out_pin", &ClockGate::output}})
      if (pin.type == "pin" && pin.text(key) == "true") gate.*member = pin.name;
  return gate;
}

/// Returns the smallest gate, if possible one with a test pin: without it the enable needs an OR.
ClockGate find_gate(const std::string& text, const std::string& file) {
  ClockGate best;
  const auto cost = [](const ClockGate& g) { return std::pair(g.test.empty(), g.um2); };
  for (std::size_t at = find_cell(text, 0); at != std::string::npos;) {
    const std::size_t end = end_of_group(text, at);
    const ClockGate gate = gate_of(text.substr(at, end - at), file);
    if (!gate.cell.empty() && (best.cell.empty() || cost(gate) < cost(best))) best = gate;
    at = find_cell(text, end);
  }
  return best;
}

/// Approximate delay of one multiplexer level between memories.
constexpr double kMultiplexerNs = 0.2;

/// Attributes that select the wire loads of a library, the higher priority first.
constexpr std::string_view kWireLoads[] = {"default_wire_load_selection", "default_wire_load"};

/// Parses words and bits from a memory's name: the first "1024x32".
std::optional<std::pair<long, long>> size_in(const std::string& name) {
  const auto is_digit = [&](std::size_t at) {
    return at < name.size() && name[at] >= '0' && name[at] <= '9';
  };
  for (std::size_t x = name.find('x'); x != std::string::npos; x = name.find('x', x + 1)) {
    std::size_t begin = x;
    while (begin > 0 && is_digit(begin - 1)) --begin;
    if (begin < x && is_digit(x + 1))
      return std::pair(std::stol(name.substr(begin)), std::stol(name.substr(x + 1)));
  }
  return {};
}

}  // namespace

std::string timing_text(const Library& library) {
  std::string all = library.text;
  return all.insert(all.rfind('}'), library.gate.text + "\n");
}

std::string clock_gate_model(const ClockGate& gate, bool ports_only) {
  const bool tests = !gate.test.empty();
  const std::string ports = fmt::format(
      "{}module {} (input {}, input {}{}, output {});\n", ports_only ? "(* blackbox *)\n" : "",
      gate.cell, gate.clock, gate.enable, tests ? ", input " + gate.test : "", gate.output);
  if (ports_only) return ports + "endmodule\n";
  return ports + fmt::format(
                     "  reg open;\n  always @* if (!{0}) open = {1}{2};\n"
                     "  assign {3} = {0} & open;\nendmodule\n",
                     gate.clock, gate.enable, tests ? " | " + gate.test : "", gate.output);
}

std::string clock_gate_module(const Library& library) {
  const ClockGate& gate = library.gate;
  const std::string head =
      "module trine_clock_gate (input logic clk_i, input logic en_i, input logic test_en_i, "
      "output logic clk_o);\n  ";
  if (gate.cell.empty()) return "(* blackbox *)\n" + head + "endmodule\n";
  return clock_gate_model(gate, true) + head +
         fmt::format("{} u_cell (.{}(clk_i), .{}({}), .{}(clk_o));\nendmodule\n", gate.cell,
                     gate.clock, gate.enable,
                     gate.test.empty() ? "en_i || test_en_i"
                                       : fmt::format("en_i), .{}(test_en_i", gate.test),
                     gate.output);
}

std::string without_wire_load(const std::string& text) {
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = text.find(kWireLoads[1]); at != std::string::npos;
       at = text.find(kWireLoads[1], at + 1)) {
    const std::size_t end = text.find_first_of(";\n", at);
    const std::string_view name =
        std::string_view(text).substr(at, text.find_first_of(" \t:", at) - at);
    if (end == std::string::npos || (name != kWireLoads[0] && name != kWireLoads[1])) continue;
    result.append(text, done, at - done);
    done = text[end] == ';' ? end + 1 : end;
  }
  return result.append(text, done, std::string::npos);
}

std::string read_maybe_gzipped(const fs::path& file) {
  const std::string bytes = read_text(file);  // its error messages are better than zlib's
  if (!bytes.starts_with("\x1f\x8b")) return bytes;
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(file.c_str(), "rb"), gzclose);
  std::string text;
  std::array<char, 1 << 16> buffer;
  int count = 0, code = Z_MEM_ERROR;  // kept if gzopen() fails
  while ((count = gzread(in.get(), buffer.data(), buffer.size())) > 0)
    text.append(buffer.data(), static_cast<std::size_t>(count));
  gzerror(in.get(), &code);  // a truncated file is Z_BUF_ERROR
  if (code != Z_OK) throw_error("{}: cannot be gunzipped: {}", file.string(), zError(code));
  return text;
}

std::string make_readable(std::string text) {
  std::string result;
  result.reserve(text.size() + 1024);
  std::size_t done = 0;
  for (std::size_t at = text.find(": !"); at != std::string::npos; at = text.find(": !", done)) {
    const std::size_t end = text.find_first_of(" ;\n", at + 3);
    result.append(text, done, at + 2 - done);
    result += '"' + text.substr(at + 2, end - at - 2) + '"';
    done = end;
  }
  return result.append(text, done, std::string::npos);
}

std::map<std::string, double> take_cells(std::string& text, const std::string& file) {
  std::map<std::string, double> cells;
  std::string kept;
  kept.reserve(text.size());
  std::size_t done = 0;
  for (std::size_t at = find_cell(text, 0); at != std::string::npos; at = find_cell(text, done)) {
    const std::size_t open = text.find('(', at), close = text.find(')', at);
    const std::size_t end = end_of_group(text, at);
    if (close == std::string::npos || end == std::string::npos)
      throw_error("{}: not a Liberty file: a cell does not end", file);
    std::string name = text.substr(open + 1, close - open - 1);
    name.erase(std::remove_if(name.begin(), name.end(),
                              [](char c) { return c == '"' || c == ' ' || c == '\t'; }),
               name.end());
    const std::string_view group = std::string_view(text).substr(close, end - close);
    const bool unwanted = attribute(group, "dont_use") == "true";
    kept.append(text, done, (unwanted ? at : end) - done);
    done = end;
    if (unwanted) continue;
    const std::string area = attribute(group, "area");
    char* rest = nullptr;
    cells[name] = std::strtod(area.c_str(), &rest);
    if (area.empty() || *rest != '\0') throw_error("{}: cell {} has no area", file, name);
  }
  kept.append(text, done, std::string::npos);
  text = std::move(kept);
  return cells;
}

Library read_library(const fs::path& file) {
  Library library;
  library.text = make_readable(read_maybe_gzipped(file));
  library.name = file.filename().string();
  library.name.resize(std::min(library.name.find(".lib"), library.name.size()));
  library.gate = find_gate(library.text, file.string());
  library.area = take_cells(library.text, file.string());
  if (!library.gate.cell.empty() &&
      !library.area.emplace(library.gate.cell, library.gate.um2).second)
    library.gate.text.clear();  // `text` still contains it
  if (library.area.empty())
    throw_error("{}: not a Liberty file: it contains no cells", file.string());
  for (const std::string_view key : kWireLoads)
    if (library.wire_load.empty()) library.wire_load = attribute(library.text, key);
  for (const auto& [name, um2] : library.area) {
    if (lower(name).find("nand2") == std::string::npos) continue;
    if (!library.nand2.empty() && um2 >= library.nand2_um2) continue;
    library.nand2 = name;
    library.nand2_um2 = um2;
  }
  if (library.nand2_um2 <= 0)
    throw_error("{}: contains no cell with NAND2 in its name, which gate equivalents need",
                file.string());
  return library;
}

std::vector<Macro> read_macros(const fs::path& folder) {
  std::vector<Macro> all, single;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().find(".lib") == std::string::npos) continue;
    std::string text = read_maybe_gzipped(entry.path());
    for (const auto& [name, um2] : take_cells(text, entry.path().string())) {
      const auto size = size_in(name);
      if (!size) continue;
      all.push_back({name, size->first, size->second, um2, entry.path()});
      if (name.find("_1P_") != std::string::npos) single.push_back(all.back());
    }
  }
  std::vector<Macro>& macros = single.empty() ? all : single;
  std::sort(macros.begin(), macros.end(),
            [](const Macro& a, const Macro& b) { return a.name < b.name; });
  return macros;
}

fs::path macro_folder_of(const fs::path& liberty) {
  const std::string name = liberty.filename().string();
  std::error_code ignored;
  const fs::path parent = fs::absolute(liberty).parent_path();
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    const std::string folder = entry.path().filename().string();
    const std::size_t stem = folder.rfind("_sram");
    if (entry.is_directory() && stem != std::string::npos && stem > 0 &&
        name.compare(0, stem, folder, 0, stem) == 0)
      return entry.path();
  }
  return {};
}

Tiling tile(const std::vector<Macro>& macros, std::int64_t width, std::int64_t depth,
            double most_ns) {
  Tiling best;
  const auto is_better = [&](const Tiling& t) {
    if (best.macro.empty()) return true;
    const bool in_time = t.ns <= most_ns, best_in_time = best.ns <= most_ns;
    if (in_time != best_in_time) return in_time;
    return in_time ? std::pair(t.um2, t.ns) < std::pair(best.um2, best.ns)
                   : std::pair(t.ns, t.um2) < std::pair(best.ns, best.um2);
  };
  for (const Macro& macro : macros) {
    const std::int64_t across = (width + macro.width - 1) / macro.width;
    const std::int64_t down = (depth + macro.depth - 1) / macro.depth;
    const auto levels = static_cast<int>(std::bit_width(static_cast<std::uint64_t>(down - 1)));
    const Tiling tiling{macro.name, across, down, static_cast<double>(across * down) * macro.um2,
                        macro.ns > 0 ? macro.ns + kMultiplexerNs * levels : 0};
    if (is_better(tiling)) best = tiling;
  }
  return best;
}

}  // namespace trine::synth
