// SPDX-License-Identifier: Apache-2.0

#include "synth/fpga/ecp5.h"

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "synth/yosys.h"

using namespace trine;
using namespace trine::synth;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

TEST_CASE("a harness connects each port to a register", "[synth][fpga]") {
  Module top;
  top.name = "thing";
  top.stub =
      "attribute \\src \"x\"\nmodule \\thing\n  wire input 1 \\clk_i\n  wire input 2 \\rst_ni\n"
      "  wire width 3 input 3 \\a_i\n  wire output 4 \\b_o\n  wire width 7 output 5 \\c_o\n"
      "  wire input 6 \\d_i\n  wire width 9 \\inner\nend\n";
  const std::string text = harness_of(top);
  for (const char* part :
       {"reg [3:0] in_q;", "reg [7:0] out_q;",
        "thing u_top (.clk_i(clk_i), .rst_ni(rst_q), .a_i(in_q[2:0]), .b_o(out[0:0]), "
        ".c_o(out[7:1]), .d_i(in_q[3:3]));"})
    CHECK_THAT(text, ContainsSubstring(part));
}

TEST_CASE("nextpnr's report gives the clock, its path by instance and the used resources",
          "[synth][fpga]") {
  const FpgaReport r = read_nextpnr(R"({
    "fmax": {"$glbnet$clk": {"achieved": 40.5, "constraint": 100}},
    "utilization": {"DP16KD": {"used": 7, "available": 208}, "DCCA": {"used": 0, "available": 4}},
    "critical_paths": [
      {"from": "async", "to": "posedge", "path": [
        {"type": "routing", "delay": 1.0, "from": {"cell": "in"}, "to": {"cell": "x"}}]},
      {"from": "posedge", "to": "posedge", "path": [
        {"type": "clk-to-q", "delay": 0.5, "from": {"cell": "u_top.u_core.a_q"}, "to": {"cell": "u_top.u_core.a_q"}},
        {"type": "routing", "delay": 2.0, "from": {"cell": "u_top.u_core.a_q"}, "to": {"cell": "u_top.u_core.u_post.l"}},
        {"type": "logic", "delay": 0.25, "from": {"cell": "u_top.u_core.u_post.l"}, "to": {"cell": "u_top.u_core.u_post.l"}},
        {"type": "setup", "delay": 0.0, "from": {"cell": "u_top.q"}, "to": {"cell": "u_top.q"}}]}]})");
  CHECK(r.mhz == 40.5);
  CHECK(r.utilization.size() == 1);
  CHECK(r.utilization.at("DP16KD") == std::pair<std::int64_t, std::int64_t>{7, 208});
  CHECK(r.timed.ns == Approx(2.75));
  CHECK(r.timed.path.start == "u_top.u_core.a_q");
  CHECK(r.timed.path.end == "u_top.q");
  REQUIRE(r.timed.parts.size() == 3);
  CHECK(r.timed.parts[0].module == "core");
  CHECK(r.timed.parts[0].ns == 2.5);
  CHECK(r.timed.parts[1].module == "core.post");
  CHECK(r.timed.parts[2].module == "top");
  CHECK_THROWS_WITH(read_nextpnr("{}"), ContainsSubstring("no clock"));
  CHECK_THROWS_WITH(read_nextpnr("not JSON"), ContainsSubstring("is not valid JSON"));
}

/// ABC 1.01 aborts on this size of the module if it maps structural choices.
TEST_CASE("modules that ABC cannot map with choices are mapped without", "[synth][fpga][flow]") {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path source = fs::path(TRINE_SOURCE_DIR) / "rtl/maps/trine_dmem_dma.sv";
  run_yosys(fmt::format("read_verilog -sv {}\nchparam -set Banks 8 -set RowBits 12 trine_dmem_dma\n"
                        "synth_ecp5 -top trine_dmem_dma -abc9\ntee -q -o top.stat stat -json\n",
                        source.string()),
            "map", scratch.path(), "test");
  CHECK(parse_stat(read_text(scratch.path() / "top.stat")).at("LUT4") > 100);
}

TEST_CASE("the FPGA's memory becomes block RAM, products DSPs", "[synth][fpga][flow]") {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path sram = fs::path(TRINE_SOURCE_DIR) / "rtl/lib/trine_sram.sv";
  const int mask = GENERATE(1, 8, 32);
  write_file(
      scratch.path() / "trine_top.sv",
      fmt::format(
          "module trine_top #(parameter int Multiplier = 1) (input logic clk_i, en_i, we_i,\n"
          "  input logic [9:0] addr_i, input logic [31:0] mask_i, wdata_i, output logic [31:0] "
          "rdata_o,\n"
          "  input logic signed [15:0] a_i, b_i, output logic signed [31:0] product_o);\n"
          "  trine_sram #(.Width(32), .Depth(1024), .MaskBits({})) u_sram (.*);\n"
          "  if (Multiplier == 0) begin : gen_dsp assign product_o = a_i * b_i; end\n"
          "  else begin : gen_none assign product_o = '0; end\nendmodule\n",
          mask));
  run_yosys(elaborate_script({sram.string(), (scratch.path() / "trine_top.sv").string()},
                             "trine_top", Target::kEcp5),
            "elaborate", scratch.path(), "test");
  run_yosys("read_rtlil design.il\nsynth_ecp5 -top trine_top\ntee -q -o top.stat stat -json\n",
            "map", scratch.path(), "test");
  const auto cells = parse_stat(read_text(scratch.path() / "top.stat"));
  CAPTURE(mask);
  REQUIRE(cells.count("DP16KD") == 1);
  CHECK(cells.at("DP16KD") == (mask == 8 ? 4 : 2));  // a memory for each group
  CHECK(cells.at("MULT18X18D") == 1);
  CHECK((cells.count("TRELLIS_FF") == 1) == (mask == 1));
}
