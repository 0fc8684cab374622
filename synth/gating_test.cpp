// SPDX-License-Identifier: Apache-2.0
//
// Checks clock gates: gates of the RTL as the library's cell, and gates inserted for registers with
// enables.

#include "synth/gating.h"

#include <nlohmann/json.hpp>

#include "sw/base/catch.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "synth/stages.h"
#include "synth/synthesize.h"
#include "synth/testing.h"
#include "synth/yosys.h"

using namespace trine;
using namespace trine::synth;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// Returns a clock gate with an enable setup time of 5 ns.
std::string gate(const std::string& name, double area, const std::string& test) {
  const auto tables = [](const char* a, const char* b, double ns) {
    return fmt::format("{} (scalar) {{ values (\"{}\"); }} {} (scalar) {{ values (\"{}\"); }}", a,
                       ns, b, ns);
  };
  return fmt::format(
      "cell ({}) {{ area : {}; dont_use : true;\n"
      "clock_gating_integrated_cell : \"latch_posedge\";\n"
      "pin (CP) {{ direction : input; clock : true; clock_gate_clock_pin : true;\n"
      "  capacitance : 0.01; }}\n"
      "pin (E) {{ direction : input; clock_gate_enable_pin : true; capacitance : 0.01;\n"
      "  timing () {{ related_pin : \"CP\"; timing_type : setup_rising; {} }} }}\n{}"
      "pin (Z) {{ direction : output; clock_gate_out_pin : true; max_capacitance : 0.1;\n"
      "  timing () {{ related_pin : \"CP\"; timing_sense : positive_unate; {} {} }} }} }}\n",
      name, area, tables("rise_constraint", "fall_constraint", 5), test,
      tables("cell_rise", "cell_fall", 0.1), tables("rise_transition", "fall_transition", 0.1));
}

/// Writes the default library with our gate, a larger one, and one without a test pin.
void write_library(const fs::path& file) {
  std::string text = testing::bare_library_text();
  const std::string test =
      "pin (TE) { direction : input; clock_gate_test_pin : true; capacitance : 0.01; }\n";
  text.insert(text.rfind('}'),
              gate("LARGE_GATE", 200, test) + gate("GATE", 100, test) + gate("BARE_GATE", 50, ""));
  write_file(file, text);
}

/// A design with the RTL's clock gate.
struct Gated {
  TemporaryFolder folder{fs::temp_directory_path(), "trine-gate"};
  fs::path library = folder.path() / "gates.lib";

  /// @param body  of trine_top, which has 40 bits in and out, two more inputs and a test pin
  explicit Gated(const std::string& body) {
    write_file(folder.path() / "trine_top.sv",
               "module trine_top #(parameter int Multiplier = 0) (\n"
               "  input logic clk_i, input logic rst_ni, input logic test_en_i, input logic a_i,\n"
               "  input logic b_i, input logic [39:0] d_i, output logic [39:0] q_o,\n"
               "  output logic other_o);\n" +
                   body + "endmodule\n");
    fs::copy_file(fs::path(TRINE_SOURCE_DIR) / "rtl/lib/trine_clock_gate.sv",
                  folder.path() / "trine_clock_gate.sv");
    write_file(folder.path() / "trine.f", "trine_clock_gate.sv\ntrine_top.sv\n");
    write_library(library);
  }

  SynthReport synthesize(const fs::path& liberty, Target target = Target::kAsic,
                         SynthOptions options = {}) const {
    options.liberty = liberty;
    options.target = target;
    if (target == Target::kAsic) options.netlist = folder.path() / "netlist";
    options.stages = &all_stages();
    return synthesize_design(folder.path(), "trine_top", "test", 4, options);
  }
};

/// Returns a body with a gated clock `clk` for the flip-flops in `body`.
std::string gated_body(const std::string& body) {
  return "  logic a_q, b_q, clk;\n"
         "  always_ff @(posedge clk_i) {other_o, a_q, b_q} <= {a_q, a_i, b_i};\n"
         "  trine_clock_gate u_gate (.clk_i, .en_i(a_q ^ b_q), .test_en_i, .clk_o(clk));\n" +
         body;
}

}  // namespace

TEST_CASE("clock gates become the library's cell, their enables are endpoints", "[synth][flow]") {
  const Gated design(gated_body("  always_ff @(posedge clk) q_o <= d_i;\n"));
  const SynthReport report = design.synthesize(design.library);
  const fs::path netlist = design.folder.path() / "netlist";
  CHECK_THAT(read_text(netlist / "clock_gate.v"), ContainsSubstring("module GATE (input CP,"));
  CHECK(report.cell_types.at("GATE") == 1);
  CHECK(report.cell_types.count("LARGE_GATE") + report.cell_types.count("BARE_GATE") == 0);
  CHECK_THAT(read_text(netlist / "trine_top.v"), ContainsSubstring(".TE(test_en_i)"));
  CHECK(report.clock.clock_gates == 1);
  CHECK(report.clock.gated == 40);
  CHECK(report.clock.buffers == 0);  // the clock tree drives the 40 loads, not buffers
  CHECK(report.clock.too_heavy + report.clock.too_slow == 0);
  CHECK(report.clock.ns > 5);
  CHECK_THAT(report.clock.path.end, ContainsSubstring("u_gate"));
  CHECK_THAT(to_text(report), ContainsSubstring("1 clock gates for 40 flip-flops"));

  const SynthReport fpga = design.synthesize({}, Target::kIce40);  // its flip-flops have enables
  CHECK(fpga.cells == 42);                                         // b_q is not read
}

TEST_CASE("a library without a clock gate lets the clock pass, and the report says so",
          "[synth][flow]") {
  const Gated design(
      gated_body("  always_ff @(posedge clk) if (a_q ^ b_q) q_o[7:0] <= d_i[7:0];\n"
                 "  assign q_o[39:8] = '0;\n"));
  const fs::path without = design.folder.path() / "without.lib";
  write_file(without, testing::bare_library_text());
  const SynthReport report = design.synthesize(without);
  CHECK(report.gates_missing);
  CHECK(report.clock.clock_gates == 0);
  CHECK(report.clock.gated == 0);
  CHECK(to_json(report)["clock_gates_missing"] == true);
  CHECK_THAT(to_text(report),
             ContainsSubstring("without has no clock gate: registers keep their enables"));
  CHECK_FALSE(design.synthesize(design.library).gates_missing);
}

namespace {

/// Proves by induction that outputs that were equal for a while stay equal, whatever clock and
/// inputs do. All registers are outputs, except for those of the clock gates.
bool stays_equal(const fs::path& folder, const std::string& source) {
  std::string netlist;
  for (const std::string& file : read_file_list(folder / "netlist/trine.f")) netlist += " " + file;
  const auto flat = [](const std::string& sources, const std::string& name) {
    return "read_verilog -sv" + sources +
           "\nhierarchy -top trine_top\nproc\nflatten\nopt_clean\nrename trine_top " + name +
           "\ndesign -stash " + name + "\n";
  };
  write_file(folder / "prove.ys",
             flat(" trine_clock_gate.sv " + source, "gold") + flat(netlist, "gate") +
                 "design -copy-from gold -as gold gold\ndesign -copy-from gate -as gate gate\n"
                 "miter -equiv -flatten -make_assert gold gate miter\n"
                 "hierarchy -top miter\nclk2fflogic\nopt_clean\n"
                 "sat -verify -tempinduct -tempinduct-inductonly -prove-asserts -maxsteps 10 "
                 "miter\n");
  const fs::path log = folder / "prove.log";
  const bool proven = run_process({"yosys", "-s", "prove.ys"}, folder, log) == 0;
  const std::string text = read_text(log);
  INFO(tail_of(log, 12));
  CHECK_THAT(text,
             ContainsSubstring(proven ? "Induction step proven: SUCCESS!" : "proof did fail"));
  return proven;
}

}  // namespace

TEST_CASE("registers that share an enable get a clock gate and keep their values",
          "[synth][flow]") {
  // Covers active-high and active-low enables, both kinds of reset, a reset that the enable
  // overrides, flip-flops downstream of another gate, and three bits, which are too few.
  const Gated design(
      "  logic clk;\n  assign other_o = 1'b0;\n"
      "  trine_clock_gate u_gate (.clk_i, .en_i(a_i ^ b_i), .test_en_i, .clk_o(clk));\n"
      "  always_ff @(posedge clk_i) if (a_i) q_o[7:0] <= d_i[7:0];\n"
      "  always_ff @(posedge clk_i or negedge rst_ni)\n"
      "    if (!rst_ni) q_o[15:8] <= 8'h5a; else if (!b_i) q_o[15:8] <= d_i[15:8];\n"
      "  always_ff @(posedge clk_i)\n"
      "    if (d_i[39]) q_o[23:16] <= 8'h3c; else if (a_i) q_o[23:16] <= d_i[23:16];\n"
      "  always_ff @(posedge clk_i)\n"
      "    if (b_i) begin if (!d_i[38]) q_o[31:24] <= '0; else q_o[31:24] <= d_i[31:24]; end\n"
      "  always_ff @(posedge clk) if (d_i[37]) q_o[36:32] <= d_i[36:32];\n"
      "  always_ff @(posedge clk_i) if (d_i[36]) q_o[39:37] <= d_i[39:37];\n");
  const SynthReport report = design.synthesize(design.library);
  CHECK(report.clock.clock_gates == 6);
  CHECK(report.clock.gated == 4 * 8 + 5);
  SynthOptions none;
  none.no_clock_gates = true;
  const SynthReport without = design.synthesize(design.library, Target::kAsic, none);
  CHECK(without.clock.clock_gates == 1);  // the RTL's own
  CHECK(without.clock.gated == 5);
  design.synthesize(design.library);
  const fs::path& folder = design.folder.path();
  CHECK(stays_equal(folder, "trine_top.sv"));
  std::string other = read_text(folder / "trine_top.sv");
  other.replace(other.find("if (!d_i[38])"), 13, "if (d_i[38])");
  write_file(folder / "other.sv", other);
  CHECK_FALSE(stays_equal(folder, "other.sv"));
}

TEST_CASE("a gate drives 32 flip-flops at most, and a gate's flip-flops share their reset",
          "[synth]") {
  const ClockGate cell{"GATE", "", "CP", "E", "", "Z", 1};
  std::string rtlil = "module \\other\n  wire input 1 \\a\nend\nmodule \\m\n  wire \\clk\n";
  const auto ff = [](int i, const std::string& type, const std::string& reset) {
    return fmt::format(
        "  cell {} $ff{}\n    connect \\C \\clk\n    connect \\D \\d [{}]\n"
        "    connect \\E \\en\n    connect \\Q \\q [{}]\n{}  end\n",
        type, i, i, i, reset.empty() ? "" : "    connect \\R " + reset + "\n");
  };
  for (int i = 0; i < 70; ++i) rtlil += ff(i, "$_DFFE_PP_", "");
  for (int i = 70; i < 76; ++i) rtlil += ff(i, "$_SDFFE_PP0P_", i < 73 ? "\\r" : "\\s");
  for (int i = 76; i < 80; ++i) rtlil += ff(i, "$_DFFE_NP_", "");  // at the falling edge
  rtlil += "end\n";
  const std::string text = with_gated_enables(rtlil, cell);
  const auto count = [&](const std::string& what) {
    int n = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
      ++n;
    return n;
  };
  CHECK(count("cell \\GATE") == 3);
  CHECK(count("cell $_DFF_P_ ") == 70);
  CHECK(count("cell $_SDFFE_PP0P_") == 6);  // three with a reset: too few
  CHECK(count("cell $_DFFE_NP_") == 4);
  CHECK(text.starts_with("module \\other\n  wire input 1 \\a\nend\nmodule \\m\n  wire $gated$"));
}
