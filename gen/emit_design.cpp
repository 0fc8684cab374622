// SPDX-License-Identifier: Apache-2.0
//
// Prints the files of one design: its parameters, its top module, its file lists and README.

#include <fmt/format.h>

#include <bit>
#include <string>
#include <vector>

#include "gen/emit.h"
#include "gen/ports.h"
#include "spec/memories.h"
#include "spec/precision.h"
#include "spec/schema.h"

namespace trine::gen {
namespace {

using spec::Parameter;

Parameter number(const char* name, int value, const char* doc) {
  return {"int unsigned", name, std::to_string(value), doc};
}

/// Lists the constants of the top module that describe each burst to the interconnect.
std::vector<Parameter> attributes(const Config& c) {
  const auto constant = [](const char* name, int bits, int value, const char* doc) {
    return Parameter{fmt::format("logic [{}:0]", bits - 1), name,
                     fmt::format("{}'d{}", bits, value), doc};
  };
  return {
      number("AxiIdBits", c.axi_id_bits, "ID width of the AXI4 master"),
      number("AxiUserBits", c.axi_user_bits, "AxUSER width of the AXI4 master"),
      constant("AxiId", c.axi_id_bits, c.axi_id, "ID of fetches and writes; loads use the next ID"),
      constant("AxiProt", 3, c.axi_prot,
               "AxPROT: bits 0, 1, 2: privileged, non-secure, instruction"),
      constant("AxiReadCache", 4, c.axi_read_cache, "ARCACHE; bit 0: bufferable"),
      constant("AxiWriteCache", 4, c.axi_write_cache, "AWCACHE; bit 0: bufferable"),
      constant("AxiQos", 4, c.axi_qos, "AxQOS of reads and writes"),
      constant("AxiUser", c.axi_user_bits, c.axi_user, "AxUSER of reads and writes")};
}

std::string range(int bits) { return bits == 1 ? "" : fmt::format("[{}:0]", bits - 1); }

}  // namespace

std::string pes_text(const Config& config) {
  const std::string of = config.cores == 1 ? "" : fmt::format("{} cores of ", config.cores);
  return fmt::format("{}{} x {} PEs", of, config.rows, config.cols);
}

std::string config_package(const Config& config) {
  std::string text =
      "// SPDX-License-Identifier: Apache-2.0\n"
      "//\n"
      "// Parameters of this design; some are for its user to read.\n"
      "// verilator lint_off UNUSEDPARAM\n"
      "package trine_config_pkg;\n\n";
  std::vector<Parameter> all = spec::parameters(config);
  for (const Parameter& p : attributes(config)) all.push_back(p);
  for (const Parameter& p : all)
    text += commented(fmt::format("localparam {} {} = {};", p.type, p.name, p.value), p.doc);
  return text + "\nendpackage\n// verilator lint_on UNUSEDPARAM\n";
}

std::string top_module(const Config& config) {
  std::string ports, connections, assigns;
  for (const Interface& interface : interfaces(config)) {
    if (!interface.comment.empty()) ports += fmt::format("\n  // {}\n", interface.comment);
    for (const Port& port : interface.ports) {
      ports += fmt::format("  {} logic {:<7} {},\n", port.is_input ? "input " : "output",
                           range(port.bits), port.name);
      const bool is_field = port.core.find('.') != std::string::npos;
      const std::string& to = port.is_input ? port.core : port.name;
      const std::string& from = port.is_input ? port.name : port.core;
      if (!is_field && !port.core.empty()) connections += fmt::format("    .{},\n", port.core);
      if (is_field || !port.value.empty())
        assigns +=
            fmt::format("  assign {:<22} = {};\n", to, port.value.empty() ? from : port.value);
    }
  }
  if (!config.clock_gates) connections += "    .test_en_i (1'b0),\n";
  std::string values;
  for (const Parameter& p : spec::parameters(config))
    values += fmt::format("    .{0:<13} (trine_config_pkg::{0}),\n", p.name);
  values += "    .Multiplier    (Multiplier),\n";
  for (std::string* list : {&ports, &connections, &values}) list->erase(list->size() - 2, 1);
  return fmt::format(
      "// SPDX-License-Identifier: Apache-2.0\n"
      "//\n"
      "// {}, {} int8 MACs per cycle. A program for this design carries its "
      "configuration's\n"
      "// hash.\n"
      "//\n"
      "// Timing    one clock; all outputs come from registers or shallow logic after them\n"
      "// Contract  architecture.md\n"
      "// Check     verilator --lint-only -Wall --top-module trine_top -f trine.f\n\n"
      "module trine_top #(\n"
      "  parameter int Multiplier = trine_mul_pkg::Operator  // of the products: trine_mul_pkg\n"
      ") (\n{});\n\n"
      "  trine_axi_pkg::lite_request_t   lite_request;\n"
      "  trine_axi_pkg::lite_response_t  lite_response;\n"
      "  trine_axi_pkg::read_request_t   read_request;\n"
      "  trine_axi_pkg::read_response_t  read_response;\n"
      "  trine_axi_pkg::write_request_t  write_request;\n"
      "  trine_axi_pkg::write_response_t write_response;\n"
      "  logic                           unused_inputs;\n\n{}"
      "  assign unused_inputs = ^{{m_axi_bid_i, m_axi_rid_i, s_axil_awprot_i, "
      "s_axil_arprot_i}};\n\n"
      "  trine_machine #(\n{}  ) u_machine (\n"
      "    .s_axil_i      (lite_request),\n"
      "    .s_axil_o      (lite_response),\n"
      "    .m_axi_read_o  (read_request),\n"
      "    .m_axi_read_i  (read_response),\n"
      "    .m_axi_write_o (write_request),\n"
      "    .m_axi_write_i (write_response),\n{}  );\n\n"
      "endmodule\n",
      pes_text(config), config.int8 ? config.peak_macs_per_cycle() : 0, ports, assigns, values,
      connections);
}

namespace {

std::string written_at_once(const spec::Memory& m) {
  if (m.mask == m.width) return "words";
  if (m.mask == 8) return "bytes";
  return m.mask == 1 ? "bits" : fmt::format("{} bits", m.mask);
}

/// Suggests memory sizes whose depth is a power of two, for depths that are not.
std::string usual_depths(const Config& config) {
  std::string text;
  const auto suggest = [&](const char* key, const char* memory, int depth, int row_bytes) {
    const int usual = static_cast<int>(std::bit_ceil(static_cast<unsigned>(depth)));
    if (usual == depth || usual * row_bytes % 1024 != 0) return;
    text += fmt::format("// A depth of {} for the {} is {} = {}.\n", usual, memory, key,
                        usual * row_bytes / 1024);
  };
  suggest("memory.dmem_kib", "feature maps", config.bank_rows(), 4 * config.banks());
  suggest("memory.pmem_kib", "weights", config.pmem_rows() / 2, 2 * 4 * config.cols);
  return text;
}

}  // namespace

std::string file_list(const Config& config, const std::vector<std::string>& sources) {
  std::string text =
      "// SPDX-License-Identifier: Apache-2.0\n"
      "// Paths relative to this folder: verilator -F trine.f. Top module: trine_top.\n"
      "// Memories (trine_sram), instances x Width x Depth, what is written at once:\n";
  for (const spec::Memory& m : spec::memories(config))
    text += fmt::format("//   {} x {} x {}  {}: {}\n", m.instances, m.width, m.depth, m.name,
                        written_at_once(m));
  text += usual_depths(config);
  for (const std::string& source : sources) text += source + "\n";
  return text;
}

std::string constraints(const Config& config) {
  const std::string scan =
      config.clock_gates
          ? "\n# The clock gates' test pin is constant in function: a scan mode has its own "
            "constraints.\nset_input_delay [expr {$trine_input * "
            "$trine_period}] -clock trine_clk [get_ports test_en_i]\n"
            "set_case_analysis 0 [get_ports test_en_i]\n"
          : "";
  return "# SPDX-License-Identifier: Apache-2.0\n"
         "#\n"
         "# Constraints of trine_top as a block, read by synthesis and timing (SDC). "
         "Set these variables before, if the defaults do not fit:\n"
         "#\n"
         "#   trine_period  of clk_i, in the library's unit of time (mostly ns)\n"
         "#   trine_input   part of the period that is over when an input arrives\n"
         "#   trine_output  part of the period that is left for the outside "
         "when an output leaves\n\n"
         "if {![info exists trine_period]} { set trine_period 10.0 }\n"
         "if {![info exists trine_input]} { set trine_input 0.5 }\n"
         "if {![info exists trine_output]} { set trine_output 0.5 }\n\n"
         "create_clock -name trine_clk -period $trine_period [get_ports clk_i]\n\n"
         "# The reset begins at any time, and ends in step with the clock: "
         "recovery and removal of its end are\n"
         "# checked, its beginning is not. A reset synchronizer in the SoC meets both.\n"
         "set_input_delay [expr {$trine_input * $trine_period}] -clock trine_clk [get_ports "
         "rst_ni]\n"
         "set_false_path -fall_from [get_ports rst_ni]\n\n"
         "set_input_delay [expr {$trine_input * $trine_period}] -clock trine_clk \\\n"
         "  [get_ports {s_axil_*_i m_axi_*_i}]\n"
         "set_output_delay [expr {$trine_output * $trine_period}] -clock trine_clk [get_ports "
         "*_o]\n" +
         scan;
}

std::string design_header(const Config& c) {
  int precisions = 0;
  for (const spec::Precision& p : spec::kPrecisions)
    if (c.*p.enabled) precisions |= 1 << spec::encoding_of(p);
  return fmt::format(
      "/* SPDX-License-Identifier: Apache-2.0 */\n"
      "/* The design as trine_vmm.h has to know it: a value of trine_design. */\n\n"
      "#ifndef TRINE_DESIGN_H\n"
      "#define TRINE_DESIGN_H\n\n"
      "/* hash, rows, cols, data_words, dmem_words, pmem_rows, param_channels, acc_bits, "
      "precisions */\n"
      "#define TRINE_DESIGN \\\n"
      "  {{ UINT64_C(0x{:016x}), {}, {}, {}, {}, {}, {}, {}, {} }}\n\n"
      "#endif /* TRINE_DESIGN_H */\n",
      c.hash(), c.rows, c.cols, c.data_words(), c.dmem_words(), c.pmem_rows(), c.param_channels,
      c.acc_bits, precisions);
}

std::string readme(const Config& config, const std::vector<std::string>& sources) {
  std::string keys, files;
  for (const spec::Key& key : spec::schema())
    keys += fmt::format("| `{}` | `{}` | {} |\n", key.name, value_text(key, config), key.doc);
  for (const std::string& source : sources) files += fmt::format("- `{}`\n", source);
  return fmt::format(
      "# {}\n\n"
      "A neural-network accelerator written by Trine: {}. It needs nothing from outside "
      "this folder.\n\n"
      "| file | what |\n|---|---|\n"
      "| `trine_top.sv` | top module; `trine_machine.sv` is the same with parameters, buses "
      "as structs |\n"
      "| `trine.f`, `trine.core`, `trine.sdc` | file list, FuseSoC core, timing constraints |\n"
      "| `trine_axi_top.v` | `trine_top` with the port names of vendors' tools |\n"
      "| `component.xml`, `Bender.yml` | IP-XACT, Bender |\n"
      "| `trine_tb.sv` | the smallest system around it: `fusesoc run --target sim` |\n"
      "| `trine_sram.sv` | the only memory: replace it by your library's macros |\n"
      "| `trine_runtime.h`, `trine_runtime.c`, `trine_tensor.c` | the driver, C99 |\n"
      "| `trine_stages.h`, `trine_stages.c` | part of the driver: programs with host operators |\n"
      "| `trine_vmm.h`, `trine_vmm.c` | products of a matrix and vectors by one call |\n"
      "| `trine_csr.h`, `trine_isa.h`, `trine_design.h` | their headers: registers, instruction "
      "set, the design's sizes |\n"
      "| `integrate.md` | from here to a running system |\n"
      "| `architecture.md`, `instructions.md`, `registers.md` | what the machine does |\n"
      "| `config.toml`, `manifest.json` | the configuration, and all files |\n\n"
      "```\n"
      "verilator --lint-only -Wall --top-module trine_top -f trine.f\n"
      "yosys -p \"read_verilog -sv $(grep '\\.sv$' trine.f | tr '\\n' ' '); chparam -set "
      "Multiplier 1 trine_top; synth -top trine_top\"\n"
      "trine regress --config config.toml\n"
      "trine compile --config config.toml MODEL.tflite --out model.trine\n"
      "```\n\n"
      "## Configuration\n\n| key | value | meaning |\n|---|---|---|\n{}\n"
      "## Sources, in the order of reading\n\n{}",
      config.name, pes_text(config), keys, files);
}

}  // namespace trine::gen
