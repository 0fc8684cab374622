// SPDX-License-Identifier: Apache-2.0
//
// Prints the descriptions of a design for other tools: the wrapper with the port names of vendors'
// tools, FuseSoC's core file, Bender's manifest, IP-XACT's component.

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "gen/emit.h"
#include "gen/ports.h"
#include "spec/csr.h"

namespace trine::gen {
namespace {

constexpr const char* kVersion = "0.1.0";

std::string design_name(const Config& config) {
  return fmt::format("trine_{}_{:016x}", config.name, config.identity());
}

/// A port of trine_axi_top and its bus.
struct VendorPort {
  bool is_input;
  int bits;
  std::string name;
  std::string bus;      ///< "s_axi", "m_axi", or its own name
  std::string logical;  ///< its name in the bus definition: "AWADDR"
  std::string top;      ///< the port of trine_top; empty: none
};

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return text;
}

VendorPort vendor_port(const Port& port) {
  const std::string& name = port.name;
  if (name == "clk_i") return {true, 1, "aclk", "aclk", "CLK", name};
  if (name == "rst_ni") return {true, 1, "aresetn", "aresetn", "RST", name};
  if (name == "irq_o") return {false, 1, "irq", "irq", "INTERRUPT", name};
  const bool lite = name.starts_with("s_axil_");
  const std::string bus = lite ? "s_axi" : "m_axi";
  const std::string plain = name.substr(lite ? 7 : 6, name.size() - (lite ? 9 : 8));
  return {port.is_input, port.bits, bus + "_" + plain, bus, upper(plain), name};
}

/// Returns all ports except for trace and test pin, and the AXI4 ports that trine_top lacks, as
/// constants.
std::vector<VendorPort> vendor_ports(const Config& config) {
  std::vector<VendorPort> all;
  for (const Interface& interface : interfaces(config))
    for (const Port& port : interface.ports) {
      if (port.name.starts_with("trace_") || port.name == "test_en_i") continue;
      all.push_back(vendor_port(port));
      const VendorPort& last = all.back();
      if (last.bus != "m_axi" || !last.logical.ends_with("QOS")) continue;
      const std::string channel = last.name.substr(0, last.name.size() - 3);
      const std::string logical = last.logical.substr(0, 2);
      all.push_back({false, 1, channel + "lock", "m_axi", logical + "LOCK", ""});
      all.push_back({false, 4, channel + "region", "m_axi", logical + "REGION", ""});
    }
  return all;
}

/// A bus of trine_axi_top, described in terms of IP-XACT and Vivado.
struct Bus {
  std::string name, vendor, library, type, version, abstraction;
  std::string vivado, parameters;
};

std::vector<Bus> buses(const Config& config) {
  const auto signal = [](const char* name, const char* type, const char* parameters) {
    return Bus{name,
               "xilinx.com",
               "signal",
               type,
               "1.0",
               fmt::format("{}_rtl", type),
               fmt::format("xilinx.com:signal:{}:1.0", type),
               parameters};
  };
  const auto axi = [](const char* name, const char* type, const std::string& parameters) {
    return Bus{name,
               "amba.com",
               "AMBA4",
               type,
               "r0p0_0",
               fmt::format("{}_rtl", type),
               "xilinx.com:interface:aximm:1.0",
               parameters};
  };
  return {signal("aclk", "clock", "ASSOCIATED_BUSIF s_axi:m_axi, ASSOCIATED_RESET aresetn"),
          signal("aresetn", "reset", "POLARITY ACTIVE_LOW"),
          signal("irq", "interrupt", "SENSITIVITY LEVEL_HIGH"),
          axi("s_axi", "AXI4-Lite", "PROTOCOL AXI4LITE, DATA_WIDTH 32, ADDR_WIDTH 12"),
          axi("m_axi", "AXI4",
              fmt::format("PROTOCOL AXI4, DATA_WIDTH {}, ADDR_WIDTH {}, ID_WIDTH {}, "
                          "SUPPORTS_NARROW_BURST 0",
                          config.axi_data_bits, config.axi_addr_bits, config.axi_id_bits))};
}

/// Returns the attributes that Vivado reads. The first port of a bus also gets the bus parameters.
std::string attributes(const VendorPort& port, const std::vector<Bus>& all,
                       std::vector<std::string>& described) {
  std::string text;
  for (const Bus& bus : all) {
    if (bus.name != port.bus) continue;
    if (std::find(described.begin(), described.end(), bus.name) == described.end()) {
      text += fmt::format("  (* X_INTERFACE_PARAMETER =\n     \"XIL_INTERFACENAME {}, {}\" *)\n",
                          bus.name, bus.parameters);
      described.push_back(bus.name);
    }
    text += fmt::format("  (* X_INTERFACE_INFO = \"{} {} {}\" *)\n", bus.vivado, bus.name,
                        port.logical);
  }
  return text;
}

std::string wire_range(int bits) { return bits == 1 ? "" : fmt::format("[{}:0] ", bits - 1); }

std::string tag(const std::string& name, const std::string& content) {
  return fmt::format("<ipxact:{0}>{1}</ipxact:{0}>", name, content);
}

std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text)
    result += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  return result;
}

std::string reference(const char* element, const Bus& bus, const std::string& name) {
  return fmt::format("<ipxact:{} vendor=\"{}\" library=\"{}\" name=\"{}\" version=\"{}\"/>\n",
                     element, bus.vendor, bus.library, name, bus.version);
}

std::string bus_interface(const Bus& bus, const std::vector<VendorPort>& ports) {
  std::string maps, role = "<ipxact:slave/>";
  for (const VendorPort& port : ports)
    if (port.bus == bus.name)
      maps += "            " +
              tag("portMap", tag("logicalPort", tag("name", port.logical)) +
                                 tag("physicalPort", tag("name", port.name))) +
              "\n";
  if (bus.name == "s_axi")
    role = "<ipxact:slave><ipxact:memoryMapRef memoryMapRef=\"registers\"/></ipxact:slave>";
  if (bus.name == "m_axi")
    role = "<ipxact:master><ipxact:addressSpaceRef addressSpaceRef=\"memory\"/></ipxact:master>";
  if (bus.name == "irq") role = "<ipxact:master/>";
  return fmt::format(
      "    <ipxact:busInterface>\n      {}\n      {}      <ipxact:abstractionTypes>\n"
      "        <ipxact:abstractionType>\n          {}          <ipxact:portMaps>\n{}"
      "          </ipxact:portMaps>\n        </ipxact:abstractionType>\n"
      "      </ipxact:abstractionTypes>\n      {}\n    </ipxact:busInterface>\n",
      tag("name", bus.name), reference("busType", bus, bus.type),
      reference("abstractionRef", bus, bus.abstraction), maps, role);
}

std::string field(std::string_view name, std::string_view doc, int bit, int bits, bool clears) {
  return fmt::format("          <ipxact:field>{}{}{}{}{}</ipxact:field>\n",
                     tag("name", upper_snake(name)), tag("description", escaped(doc)),
                     tag("bitOffset", std::to_string(bit)), tag("bitWidth", std::to_string(bits)),
                     clears ? tag("modifiedWriteValue", "oneToClear") : "");
}

/// Returns registers of the slave's width: a 64-bit register becomes two, an array one per entry.
std::string bus_register(const csr::Register& r, const std::string& name, std::uint32_t offset) {
  const bool clears = r.access.ends_with("W1C");
  const char* access = r.access == "R"   ? "read-only"
                       : r.access == "W" ? "write-only"
                                         : "read-write";
  std::string fields;
  for (const csr::Bit& b : r.fields) fields += field(b.name, b.doc, b.bit, 1, clears);
  if (fields.empty()) fields = field("value", r.doc, 0, 32, clears);
  return fmt::format(
      "        <ipxact:register>\n          {}\n          {}\n          {}{}{}\n{}"
      "        </ipxact:register>\n",
      tag("name", name), tag("description", escaped(r.doc)),
      tag("addressOffset", fmt::format("'h{:03X}", offset)), tag("size", "32"),
      tag("access", access), fields);
}

std::string bus_registers() {
  std::string text;
  for (const csr::Register& r : csr::registers())
    for (int entry = 0; entry < r.entries; ++entry)
      for (int half = 0; half < r.bits / 32; ++half) {
        std::string name = upper_snake(r.name);
        if (r.entries > 1) name += fmt::format("_{}", entry);
        if (r.bits == 64) name += half == 0 ? "_LOW" : "_HIGH";
        text += bus_register(r, name,
                             r.offset + static_cast<std::uint32_t>(entry * r.bits / 8 + half * 4));
      }
  return text;
}

std::string component_ports(const std::vector<VendorPort>& ports) {
  std::string text;
  for (const VendorPort& port : ports) {
    const std::string vectors =
        port.bits == 1
            ? ""
            : tag("vectors",
                  tag("vector", tag("left", std::to_string(port.bits - 1)) + tag("right", "0")));
    text += fmt::format("      <ipxact:port>{}{}</ipxact:port>\n", tag("name", port.name),
                        tag("wire", tag("direction", port.is_input ? "in" : "out") + vectors));
  }
  return text;
}

/// @param more  further elements of the file
std::string component_file(const std::string& name, const char* type,
                           const std::string& more = "") {
  return fmt::format("      <ipxact:file>{}{}</ipxact:file>\n", tag("name", name),
                     tag("fileType", type) + more);
}

std::string indented(const std::vector<std::string>& names, const char* prefix) {
  std::string text;
  for (const std::string& name : names) text += prefix + name + "\n";
  return text;
}

}  // namespace

std::string vendor_top(const Config& config) {
  const std::vector<Bus> all = buses(config);
  std::vector<std::string> described;
  std::string ports, connections, ties;
  for (const VendorPort& port : vendor_ports(config)) {
    ports += attributes(port, all, described) + fmt::format("  {} wire {}{},\n",
                                                            port.is_input ? "input" : "output",
                                                            wire_range(port.bits), port.name);
    if (port.top.empty())
      ties += fmt::format("  assign {} = {}'d0;\n", port.name, port.bits);
    else
      connections += fmt::format("    .{} ({}),\n", port.top, port.name);
  }
  if (config.clock_gates) connections += "    .test_en_i (1'b0),\n";
  ports.erase(ports.size() - 2, 1);
  return fmt::format(
      "// SPDX-License-Identifier: Apache-2.0\n"
      "//\n"
      "// trine_top in plain Verilog (2001) with the port names that vendors' tools know: AXI4 "
      "and\n"
      "// AXI4-Lite without suffixes, aclk, aresetn, irq, and the attributes by which Vivado "
      "finds\n"
      "// its interfaces. The trace stays open, nothing is scanned.\n"
      "//\n"
      "// Timing    only wires\n"
      "// Contract  integrate.md: aresetn rises in step with aclk\n"
      "// Check     verilator --lint-only -Wall --top-module trine_axi_top -f trine.f "
      "trine_axi_top.v\n\n"
      "module trine_axi_top #(\n"
      "  parameter MULTIPLIER = 0  // of the products: trine_mul_pkg\n"
      ") (\n{});\n\n  wire [3:0] unused_cause, unused_start, unused_retire;\n\n{}\n"
      "  trine_top #(\n    .Multiplier (MULTIPLIER)\n  ) u_top (\n{}"
      "    .trace_cause_o (unused_cause),\n    .trace_start_o (unused_start),\n"
      "    .trace_retire_o (unused_retire)\n  );\n\n"
      "endmodule\n",
      ports, ties, connections);
}

/// Returns FuseSoC's conditions: memories are block RAM in the tools of FPGAs.
std::string block_ram_parameters() {
  std::string text;
  for (const char* tool : {"apicula", "diamond", "icestorm", "openfpga", "quartus", "radiant",
                           "symbiflow", "trellis", "vivado"})
    text += fmt::format("      - \"tool_{} ? (TRINE_BLOCK_RAM=true)\"\n", tool);
  return text;
}

std::string core_file(const Config& config, const std::vector<std::string>& sources) {
  return fmt::format(
      "CAPI=2:\n"
      "# SPDX-License-Identifier: Apache-2.0\n"
      "name: trine:design:{}:{}\n"
      "description: Neural-network accelerator, {}\n\n"
      "filesets:\n"
      "  rtl:\n    files:\n{}      - trine_axi_top.v: {{file_type: verilogSource}}\n"
      "    file_type: systemVerilogSource\n"
      "  bench:\n    files:\n      - trine_tb.sv\n    file_type: systemVerilogSource\n\n"
      "targets:\n"
      "  default: &default\n"
      "    filesets: [rtl]\n"
      "    toplevel: trine_top\n"
      "    parameters:\n{}"
      "  lint:\n"
      "    filesets: [rtl]\n"
      "    toplevel: trine_axi_top\n"
      "    flow: lint\n"
      "    flow_options: {{tool: verilator, verilator_options: [-Wall]}}\n"
      "  sim:\n"
      "    filesets: [rtl, bench]\n"
      "    toplevel: trine_tb\n"
      "    flow: sim\n"
      "    flow_options: {{tool: verilator, mode: binary, verilator_options: [-Wall]}}\n"
      "    parameters: [before, after, program_at, program_words]\n\n"
      "parameters:\n"
      "  TRINE_BLOCK_RAM: {{datatype: bool, paramtype: vlogdefine, "
      "description: Memories as block RAM}}\n"
      "  before: {{datatype: file, paramtype: plusarg, description: Memory at the beginning}}\n"
      "  after: {{datatype: file, paramtype: plusarg, description: Memory at the end}}\n"
      "  program_at: {{datatype: int, paramtype: plusarg, description: Byte of its first word}}\n"
      "  program_words: {{datatype: int, paramtype: plusarg, description: Its words of 64 bits}}\n",
      design_name(config), kVersion, pes_text(config), indented(sources, "      - "),
      block_ram_parameters());
}

std::string bender_manifest(const Config& config, const std::vector<std::string>& sources) {
  return fmt::format(
      "# SPDX-License-Identifier: Apache-2.0\n"
      "package:\n"
      "  name: {}\n"
      "  description: Neural-network accelerator, {}\n\n"
      "sources:\n"
      "{}  - trine_axi_top.v\n"
      "  - target: simulation\n    files:\n      - trine_tb.sv\n",
      design_name(config), pes_text(config), indented(sources, "  - "));
}

std::string ip_xact(const Config& config, const std::vector<std::string>& sources) {
  const std::vector<VendorPort> ports = vendor_ports(config);
  std::string interfaces_text, files;
  for (const Bus& bus : buses(config)) interfaces_text += bus_interface(bus, ports);
  // IP-XACT goes to tools of FPGAs.
  const std::string block_ram = tag("define", tag("name", "TRINE_BLOCK_RAM") + tag("value", "1"));
  for (const std::string& source : sources)
    files += component_file(source, "systemVerilogSource",
                            source.ends_with("trine_sram.sv") ? block_ram : "");
  files += component_file("trine_axi_top.v", "verilogSource-2001");
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
      "<ipxact:component xmlns:ipxact=\"http://www.accellera.org/XMLSchema/IPXACT/1685-2014\">\n"
      "  {}\n  {}\n  {}\n  {}\n"
      "  <ipxact:busInterfaces>\n{}  </ipxact:busInterfaces>\n"
      "  <ipxact:addressSpaces>\n    <ipxact:addressSpace>{}{}{}{}</ipxact:addressSpace>\n"
      "  </ipxact:addressSpaces>\n"
      "  <ipxact:memoryMaps>\n    <ipxact:memoryMap>\n      {}\n      <ipxact:addressBlock>\n"
      "        {}{}{}{}{}\n{}      </ipxact:addressBlock>\n      {}\n    </ipxact:memoryMap>\n"
      "  </ipxact:memoryMaps>\n"
      "  <ipxact:model>\n    <ipxact:views>\n      {}\n    </ipxact:views>\n"
      "    <ipxact:instantiations>\n      {}\n    </ipxact:instantiations>\n"
      "    <ipxact:ports>\n{}    </ipxact:ports>\n  </ipxact:model>\n"
      "  <ipxact:fileSets>\n    <ipxact:fileSet>\n      {}\n{}    </ipxact:fileSet>\n"
      "    <ipxact:fileSet>\n      {}\n{}    </ipxact:fileSet>\n"
      "    <ipxact:fileSet>\n      {}\n{}    </ipxact:fileSet>\n  </ipxact:fileSets>\n"
      "  {}\n</ipxact:component>\n",
      tag("vendor", "trine"), tag("library", "design"), tag("name", design_name(config)),
      tag("version", kVersion), interfaces_text,  //
      tag("name", "memory"),
      tag("range",
          fmt::format("'h{:x}{}", 1 << config.axi_addr_bits % 4,
                      std::string(static_cast<std::size_t>(config.axi_addr_bits / 4), '0'))),
      tag("width", std::to_string(config.axi_data_bits)), tag("addressUnitBits", "8"),  //
      tag("name", "registers"), tag("name", "csr"), tag("baseAddress", "'h0"),
      tag("range", "'h1000"), tag("width", "32"), tag("usage", "register"), bus_registers(),
      tag("addressUnitBits", "8"),
      tag("view", tag("name", "rtl") + tag("componentInstantiationRef", "verilog")),
      tag("componentInstantiation", tag("name", "verilog") + tag("language", "verilog") +
                                        tag("moduleName", "trine_axi_top") +
                                        tag("fileSetRef", tag("localName", "sources"))),
      component_ports(ports), tag("name", "sources"), files, tag("name", "simulation"),
      component_file("trine_tb.sv", "systemVerilogSource"), tag("name", "constraints"),
      component_file("trine.sdc", "SDC"),
      tag("description", fmt::format("Neural-network accelerator, {}", pes_text(config))));
}

}  // namespace trine::gen
