// SPDX-License-Identifier: Apache-2.0

#include "synth/macro.h"

#include <fmt/format.h>

#include <algorithm>

namespace trine::synth {
namespace {

/// Returns the width of a macro's bus, or 0 if there is no bus of that name.
std::int64_t bus_width(const Cell& macro, const std::string& bus) {
  return std::count_if(macro.pins.begin(), macro.pins.end(),
                       [&](const Pin& pin) { return pin.name.starts_with(bus + "["); });
}

/// Returns the pin names without index, each once, in order.
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

/// Returns the connection of a macro's pin, by the usual names of single-port memories.
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

}  // namespace

Buses buses_of(const Cell& macro) {
  Buses buses;
  for (const auto& [name, pin] : ports_of(macro)) {
    if (name.find("BIST") != std::string::npos) continue;
    if (ends_with(name, "ADDR")) buses.address = bus_width(macro, name);
    if (ends_with(name, "DIN")) buses.data = bus_width(macro, name);
  }
  return buses;
}

std::string macro_stub(const Cell& macro) {
  std::string names, text;
  for (const auto& [name, pin] : ports_of(macro)) {
    names += (names.empty() ? "" : ", ") + name;
    const std::int64_t width = bus_width(macro, name);
    text += fmt::format("  {} {}{};\n", pin->output ? "output" : "input",
                        width > 0 ? fmt::format("[{}:0] ", width - 1) : "", name);
  }
  return fmt::format("(* blackbox *)\nmodule {} ({});\n{}endmodule\n", macro.name, names, text);
}

double access_ns(const Cell& macro) {
  constexpr float kEdge = 0, kLoad = 0.02f;  // of the clock; a few gates
  float ns = 0;
  for (const Arc& arc : macro.arcs)
    if (arc.launches)
      for (const Table& delay : arc.delay) ns = std::max(ns, delay.at(kEdge, kLoad));
  return ns;
}

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

}  // namespace trine::synth
