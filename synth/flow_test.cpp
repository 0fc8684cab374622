// SPDX-License-Identifier: Apache-2.0
//
// Runs whole flows with Yosys: area, clock, gates and netlists of designs, and failures.

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "gen/generate.h"
#include "spec/memories.h"
#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "synth/partition.h"
#include "synth/read/rtlil.h"
#include "synth/synthesize.h"
#include "synth/testing.h"
#include "synth/yosys.h"

using namespace trine;
using namespace trine::synth;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;
using namespace trine::synth::testing;

TEST_CASE("the longest path of all modules is reported and no path from the reset",
          "[synth][flow]") {
  const Source source(
      "module trine_child (input logic [31:0] a_i, input logic [31:0] b_i, output logic y_o);\n"
      "  logic [32:0] x;\n  assign x[0] = 1'b1;\n"
      "  for (genvar i = 0; i < 32; i++) assign x[i+1] = (x[i] & a_i[i]) ^ b_i[i];\n"
      "  assign y_o = x[32];\nendmodule\n"
      "module trine_top (input logic clk_i, input logic rst_ni, input logic [31:0] a_i,\n"
      "                  input logic [31:0] b_i, output logic q_o, output logic [7:0] y_o);\n"
      "  logic \\odd_reg_reg ;\n  logic z;\n"
      "  trine_child u_child (.a_i, .b_i, .y_o(z));\n"
      "  always_ff @(posedge clk_i) \\odd_reg_reg <= a_i[0];\n"
      "  assign q_o = \\odd_reg_reg ^ z;\n"
      "  assign y_o = a_i[7:0] + {8{rst_ni}} + {{6{rst_ni}}, \\odd_reg_reg , z};\nendmodule\n");
  const SynthReport report = source.synthesize();
  REQUIRE(report.modules.size() == 2);
  double child = 0, top = 0;
  for (const ModuleReport& module : report.modules) {
    CHECK(module.path.start != "rst_ni");
    (module.name == "trine_top" ? top : child) = module.path.ns;
  }
  CHECK(top > 0.3);
  CHECK(child > 2 * top);
  CHECK(report.path.ns == child);
  CHECK(report.path.end == "y_o");
  CHECK(report.library == "sg13g2_stdcell_typ_1p20V_25C");
  const nlohmann::json json = to_json(report);
  CHECK(json["wire_load"] == "zero");
  CHECK(json["worst_path"]["ns"] == child);
  // The path runs through both modules, from a port and back to one.
  CHECK(json["clock_ns"].get<double>() > child + 0.1);
  double sum = 0, in_child = 0;
  for (const PathPart& part : report.clock.parts) {
    sum += part.ns;
    if (part.module == "trine_child") in_child += part.ns;
  }
  CHECK(sum == Approx(report.clock.ns));
  CHECK(in_child > top);
  CHECK(report.clock.parts.back().module == "trine_top");
  CHECK_THAT(to_text(report),
             ContainsSubstring("clock of the whole design") && ContainsSubstring("trine_child  "));
}

TEST_CASE("a small design gives cells, area and its longest path", "[synth][flow]") {
  const Source source(
      "module trine_top (input logic clk_i, input logic [7:0] a_i, output logic [7:0] sum_o);\n"
      "  logic [7:0] sum_q;\n"
      "  always_ff @(posedge clk_i) sum_q <= sum_q + a_i;\n"
      "  assign sum_o = sum_q;\nendmodule\n");
  const SynthReport report = source.synthesize();
  REQUIRE(report.modules.size() == 1);
  const ModuleReport& module = report.modules[0];
  REQUIRE(module.cell_types.count(kFlipFlop) == 1);
  CHECK(module.cell_types.at(kFlipFlop) == 8);
  CHECK(report.gate_equivalents == Approx(report.area_um2 / report.nand2_um2));
  CHECK(report.nand2_um2 == 7.2576);  // sg13g2_nand2_1
  CHECK(module.path.ns > 0.3);
  CHECK(module.path.ns < 5);
  CHECK(module.path.end.rfind("sum_q[", 0) == 0);
  const nlohmann::json json = to_json(report);
  for (const char* key :
       {"cells", "area_um2", "gate_equivalents", "nand2_um2", "sram_bits", "modules", "seconds"})
    CHECK(json.contains(key));
  CHECK(json["modules"][0]["name"] == "trine_top");
  CHECK(json["modules"][0]["instances"] == 1);
  std::istringstream lines(to_text(report));
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 100);
}

TEST_CASE("Yosys elaborates every module of a design", "[synth][flow]") {
  const std::string drain = GENERATE("1", "2");
  const spec::Config config = spec::load_config(
      "edge256", {"array.rows=2", "array.cols=2", "memory.dmem_kib=8", "memory.pmem_kib=8",
                  "memory.param_channels=64", "post.columns_per_cycle=" + drain,
                  "array.precisions=[\"int8\",\"ternary\",\"binary\"]"});
  const TemporaryFolder scratch{fs::temp_directory_path()};
  const fs::path& folder = scratch.path();
  gen::generate(config, folder / "design");
  run_yosys(elaborate_script(read_file_list(folder / "design" / "trine.f"), "trine_top"),
            "elaborate", folder, "2x2");
  const std::string design = read_text(folder / "design.il");
  for (const char* module : {"trine_pe", "trine_expand", "trine_compute", "trine_vector_lane"})
    CHECK_THAT(design, ContainsSubstring(module));
  // The multipliers are Booth rows; a `*` would appear as a multiplier cell.
  std::size_t multipliers = 0;
  for (std::size_t at = design.find("\nmodule "); at != std::string::npos;) {
    const std::size_t next = design.find("\nmodule ", at + 1);
    const std::string module = design.substr(at, next - at);
    at = next;
    const std::string name = module.substr(0, module.find('\n', 1));
    if (name.find("trine_dot") == std::string::npos && name.find("trine_mul") == std::string::npos)
      continue;
    ++multipliers;
    CAPTURE(name);
    CHECK(module.find("cell $mul") == std::string::npos);
  }
  CHECK(multipliers == 3);

  // The bits of DMEM and PMEM in the hierarchy are those of the configuration.
  const auto bits_of = [](const auto& memory, std::int64_t instances) {
    const std::int64_t bits = std::int64_t{memory.width} * memory.depth;
    return bits < kMacroBits ? 0 : bits * instances;
  };
  std::int64_t maps_and_weights = 0, others = 0;
  for (const Memory& m : make_plan(parse_rtlil(design), "trine_top").memories) {
    maps_and_weights += bits_of(m, m.dmem_pmem);
    others += bits_of(m, m.instances - m.dmem_pmem);
  }
  const std::vector<spec::Memory> memories = spec::memories(config);  // maps, weights, all others
  CHECK(maps_and_weights == 8 * 1024 * (config.dmem_kib + config.pmem_kib));
  for (std::size_t i = 2; i < memories.size(); ++i)
    others -= bits_of(memories[i], memories[i].instances);
  CHECK(others == 0);
}

namespace {

/// Two memories in DMEM, an identical one elsewhere, and a wider one.
const char* const kMemories =
    "module trine_sram #(parameter int Width = 8, parameter int Depth = 512) (\n"
    "  input logic clk_i, input logic we_i, input logic [$clog2(Depth)-1:0] addr_i,\n"
    "  input logic [Width-1:0] wdata_i, output logic [Width-1:0] rdata_o);\n"
    "  logic [Width-1:0] mem [Depth];\n"
    "  always_ff @(posedge clk_i)\n"
    "    if (we_i) mem[addr_i] <= wdata_i;\n"
    "    else rdata_o <= mem[addr_i];\n"
    "endmodule\n"
    "module trine_dmem (input logic clk_i, input logic we_i, input logic [8:0] addr_i,\n"
    "  input logic [15:0] wdata_i, output logic [15:0] rdata_o);\n"
    "  trine_sram u_a (.clk_i, .we_i, .addr_i, .wdata_i(wdata_i[7:0]), .rdata_o(rdata_o[7:0]));\n"
    "  trine_sram u_b (.clk_i, .we_i, .addr_i, .wdata_i(wdata_i[15:8]), "
    ".rdata_o(rdata_o[15:8]));\n"
    "endmodule\n"
    "module trine_top (input logic clk_i, input logic we_i, input logic [8:0] addr_i,\n"
    "  input logic [19:0] wdata_i, output logic [15:0] maps_o, output logic [7:0] same_o,\n"
    "  output logic [19:0] wide_o);\n"
    "  trine_dmem u_dmem (.clk_i, .we_i, .addr_i, .wdata_i(wdata_i[15:0]), .rdata_o(maps_o));\n"
    "  trine_sram u_same (.clk_i, .we_i, .addr_i, .wdata_i(~wdata_i[7:0]), .rdata_o(same_o));\n"
    "  trine_sram #(.Width(20)) u_wide (.clk_i, .we_i, .addr_i, .wdata_i, .rdata_o(wide_o));\n"
    "endmodule\n";

}  // namespace

TEST_CASE("macros are reported in gate equivalents next to the logic", "[synth][flow]") {
  const Source source(kMemories);
  SynthOptions options;
  options.timing = false;
  options.liberty = source.folder.path() / "cells.lib";  // a folder without macros
  write_file(options.liberty, library_text());
  options.netlist = source.folder.path() / "gates";
  const SynthReport bare = source.synthesize(options);
  options.netlist.clear();
  const std::string list = read_text(source.folder.path() / "gates" / "trine.f");
  CHECK(list == "cells.v\ntrine_sram__1.v\ntrine_sram__2.v\ntrine_top.v\n");
  for (const char* memory : {"trine_sram__1", "trine_sram__2"})
    CHECK_THAT(
        read_text(source.folder.path() / "gates" / (std::string(memory) + ".v")),
        ContainsSubstring(std::string("module ") + memory + "(") && ContainsSubstring("[511:0]"));
  const nlohmann::json without = to_json(bare);
  CHECK(without["macro_gate_equivalents"].is_null());
  CHECK(without["macro_gate_equivalents_other"].is_null());
  CHECK(without["total_um2"].is_null());
  CHECK(without["sram_bits"] == 3 * 8 * 512 + 20 * 512);
  CHECK_THAT(to_text(bare), ContainsSubstring("no macros in the library"));

  options.macros = source.folder.path() / "macros";
  fs::create_directory(options.macros);
  write_file(options.macros / "a.lib", "library (a) { cell (M_1P_512x8_x) { area : 4800; } }");
  write_file(options.macros / "b.lib", "library (b) { cell (M_1P_512x16_x) { area : 7200; } }");
  const SynthReport report = source.synthesize(options);
  const nlohmann::json json = to_json(report);
  // Computed by hand: 8 bits are one small macro of 4800 um2 (NAND2: 7.2576 um2), 20 bits two of
  // 7200.
  constexpr double kNand2 = 7.2576;
  CHECK(json["macro_gate_equivalents"] == Approx((3 * 4800 + 2 * 7200) / kNand2));
  CHECK(json["macro_gate_equivalents_other"] == Approx((4800 + 2 * 7200) / kNand2));
  CHECK(json["logic_gate_equivalents"] == without["logic_gate_equivalents"]);
  CHECK(json["logic_gate_equivalents"] > 0);  // the inverters
  CHECK(json["total_um2"] ==
        Approx(kNand2 * json["logic_gate_equivalents"].get<double>() + 3 * 4800 + 2 * 7200));
  auto expected = nlohmann::json::parse(R"([
    {"name": "", "instances": 3, "width": 8, "depth": 512, "dmem_pmem": 2,
     "macro": "1 x M_1P_512x8_x", "area_um2": 14400.0, "access_ns": 0.0, "most_ns": 0.0},
    {"name": "", "instances": 1, "width": 20, "depth": 512, "dmem_pmem": 0,
     "macro": "2 x M_1P_512x16_x", "area_um2": 14400.0, "access_ns": 0.0, "most_ns": 0.0}])");
  if (json["memories"][0]["width"] == 20) std::swap(expected[0], expected[1]);
  expected[0]["name"] = "trine_sram__1";
  expected[1]["name"] = "trine_sram__2";
  CHECK(json["memories"] == expected);
  CHECK_THAT(to_text(report),
             ContainsSubstring("macros: 3,968 GE, 2,646 GE without DMEM and PMEM"));
}

namespace {

/// Returns the Liberty text of a macro with 8-bit words.
std::string macro_library(const std::string& name, int address, double um2, double access) {
  const auto always = [](const std::string& table, double value) {
    const char* of = table.ends_with("constraint") ? "by_data" : "by_load";
    return fmt::format("{} ({}) {{ values (\"{}, {}\"); }} ", table, of, value, value);
  };
  std::string buses, text =
                         "library (a) { delay_model : table_lookup; time_unit : \"1ns\"; "
                         "capacitive_load_unit (1, pf);\n";
  for (const char* edge : {"rise", "fall"})
    text += fmt::format(
        "input_threshold_pct_{0} : 50; output_threshold_pct_{0} : 50;\n"
        "slew_lower_threshold_pct_{0} : 20; slew_upper_threshold_pct_{0} : 80;\n",
        edge);
  for (const int bits : {8, 9})
    text += fmt::format(
        "type (w{}) {{ base_type : array; data_type : bit; bit_width : {}; bit_from : {}; "
        "bit_to : 0; }}\n",
        bits, bits, bits - 1);
  for (const auto& [bus, width] : {std::pair{"ADDR", address}, {"DIN", 8}, {"BM", 8}})
    buses += fmt::format("bus ({}) {{ bus_type : w{}; direction : input; capacitance : 0.01; }}\n",
                         bus, width);
  for (const char* pin : {"MEN", "WEN", "REN"})
    buses += fmt::format(
        "pin ({}) {{ direction : input; capacitance : 0.01; timing () {{ related_pin : \"CLK\"; "
        "timing_type : hold_rising; {}{}}} }}\n",
        pin, always("rise_constraint", 0.9), always("fall_constraint", 0.9));
  return text +
         fmt::format(
             "lu_table_template (by_load) {{ variable_1 : total_output_net_capacitance; "
             "index_1 (\"0, 1\"); }}\nlu_table_template (by_data) {{ variable_1 : "
             "constrained_pin_transition; index_1 (\"0, 1\"); }}\n"
             "cell ({}) {{ area : {};\n"
             "pin (CLK) {{ direction : input; clock : true; capacitance : 0.01; }}\n{}"
             "bus (DOUT) {{ bus_type : w8; direction : output; timing () {{ related_pin : "
             "\"CLK\"; timing_type : rising_edge; timing_sense : non_unate;\n{}{}{}{}}} }} }} }}\n",
             name, um2, buses, always("cell_rise", access), always("cell_fall", access),
             always("rise_transition", 0.1), always("fall_transition", 0.1));
}

}  // namespace

TEST_CASE("the clock counts the time of the library's memories", "[synth][flow]") {
  const Source source(kMemories);
  SynthOptions options;
  options.macros = source.folder.path() / "macros";
  fs::create_directory(options.macros);
  write_file(options.macros / "a.lib", macro_library("M_1P_256x8_x", 8, 4800, 7));
  const SynthReport report = source.synthesize(options);
  CHECK(report.clock.memories_timed);
  // 512 words: two rows of macros; the row of the last read selects the output.
  CHECK(report.clock.ns > 7.1);
  CHECK(report.clock.ns < 8.5);
  CHECK(report.clock.parts.at(0).module.starts_with("trine_sram__"));
  CHECK(report.clock.too_early == 0);
  const nlohmann::json json = to_json(report);
  CHECK(json["logic_gate_equivalents"] > json["gate_equivalents"]);  // the multiplexer of the rows

  // A smaller but slower macro is not used where it lengthens the clock period, unless that is
  // allowed.
  write_file(options.macros / "b.lib", macro_library("M_1P_512x8_y", 9, 5000, 9));
  const SynthReport same = source.synthesize(options);
  CHECK(same.clock.ns == Approx(report.clock.ns));
  CHECK(same.sram_um2 == report.sram_um2);
  CHECK_THAT(to_text(same), ContainsSubstring("x M_1P_256x8_x, read in 7.20 ns"));
  options.memory_ns = 9;
  const SynthReport smaller = source.synthesize(options);
  CHECK(smaller.clock.ns >= 9);
  CHECK(smaller.sram_um2 == Approx(report.sram_um2 * 5000 / 9600));
  options.memory_ns = 0;
  const Source slow(std::regex_replace(
      std::regex_replace(kMemories, std::regex("wide_o\\);"), "wide_o, output logic [19:0] p_o);"),
      std::regex("  trine_dmem u_dmem"),
      "  always_ff @(posedge clk_i) p_o <= p_o * wdata_i * p_o * p_o * p_o * p_o;\n  trine_dmem "
      "u_dmem"));
  const SynthReport slower = slow.synthesize(options);
  CHECK(slower.clock.ns > 9.5);
  CHECK(slower.sram_um2 == smaller.sram_um2);

  options.macros = source.folder.path();
  const SynthReport bare = source.synthesize(options);
  CHECK_FALSE(bare.clock.memories_timed);
  CHECK_THAT(to_text(bare), ContainsSubstring("memories not timed"));
}

TEST_CASE("paths are without wires unless the library's wire load is requested", "[synth][flow]") {
  const Source source(
      "module trine_top (input logic [1:0] a_i, output logic y_o);\n"
      "  assign y_o = !(&a_i);\nendmodule\n");
  const auto ns = [&source](const fs::path& liberty, WireLoad wire_load) {
    SynthOptions options;
    options.liberty = liberty;
    options.wire_load = wire_load;
    return source.synthesize(options).path.ns;
  };
  const std::string plain = bare_library_text();
  const auto with_loads = [&](const std::string& file, const std::string& loads) {
    std::string text = plain;
    text.insert(text.find('{') + 1, "\n" + loads);
    write_file(source.folder.path() / file, text);
    return source.folder.path() / file;
  };
  const std::string models =
      "wire_load (\"far\") { capacitance : 1; resistance : 0; slope : 0.1; fanout_length (1, 0.5); "
      "}\nwire_load (\"farther\") { capacitance : 1; resistance : 0; slope : 0.1; "
      "fanout_length (1, 1); }\ndefault_wire_load_mode : top;\n";
  const fs::path far = with_loads("far.lib", models + "default_wire_load : \"far\";\n");
  const fs::path farther =
      with_loads("farther.lib", models + "default_wire_load : \"farther\" ;\n");
  const double alone = ns("", WireLoad::kZero);
  CHECK(ns(far, WireLoad::kZero) == Approx(alone));
  const double one = ns(far, WireLoad::kLibrary), two = ns(farther, WireLoad::kLibrary);
  CHECK(one > alone + 0.1);
  // The cell's delay is nearly linear in its load: twice the wire adds twice the delay.
  CHECK(two - alone == Approx(2 * (one - alone)).epsilon(0.1));

  SynthOptions options;
  options.liberty = far;
  options.wire_load = WireLoad::kLibrary;
  const SynthReport report = source.synthesize(options);
  CHECK(to_json(report)["wire_load"] == "far");
  CHECK_THAT(to_text(report), ContainsSubstring("wire load far of the library"));
  options.wire_load = WireLoad::kZero;
  const SynthReport zero = source.synthesize(options);
  CHECK(to_json(zero)["wire_load"] == "zero");
  CHECK_THAT(to_text(zero), ContainsSubstring("without wires"));
  options.wire_load = WireLoad::kLibrary;
  options.liberty = with_loads("bare.lib", "");
  CHECK_THROWS_WITH(source.synthesize(options),
                    ContainsSubstring("bare has no default wire load, allowed zero"));
  CHECK_THROWS_WITH(parse_wire_load("none"), ContainsSubstring("allowed zero, library"));
}

TEST_CASE("a blank in TMPDIR is allowed", "[synth][flow]") {
  const TemporaryFolder parent(fs::temp_directory_path());
  const fs::path blank = parent.path() / "with blank";
  fs::create_directory(blank);
  const char* before = std::getenv("TMPDIR");
  const std::string restored = before != nullptr ? before : fs::temp_directory_path().string();
  ::setenv("TMPDIR", blank.c_str(), 1);
  const SynthReport report =
      Source(
          "module trine_top (input logic a_i, input logic b_i, output logic c_o);\n"
          "  assign c_o = a_i & b_i;\nendmodule\n")
          .synthesize();
  ::setenv("TMPDIR", restored.c_str(), 1);
  CHECK(report.cells > 0);
  CHECK(fs::is_empty(blank));
}

TEST_CASE("latches, loops and undriven wires fail", "[synth][flow][error]") {
  const std::string head =
      "module trine_top (input logic a_i, input logic b_i, output logic c_o);\n";
  const auto failure = [](const std::string& text) {
    try {
      Source(text).synthesize();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK_THAT(failure(head + "  always_latch if (a_i) c_o = b_i;\nendmodule\n"),
             ContainsSubstring(": the design has a latch"));
  CHECK_THAT(failure(head + "  logic x, y;\n  assign x = y & a_i;\n  assign y = x | b_i;\n"
                            "  assign c_o = y;\nendmodule\n"),
             ContainsSubstring("loop"));
  CHECK_THAT(failure(head + "  logic x;\n  assign c_o = x & a_i & b_i;\nendmodule\n"),
             ContainsSubstring("no driver"));
  CHECK_THAT(failure(head + "  trine_absent u_a (.x(a_i));\nendmodule\n"),
             ContainsSubstring("trine_absent"));
}

TEST_CASE("FPGA targets count primitives", "[synth][flow]") {
  const Source source(
      "module trine_top (input logic clk_i, input logic [7:0] a_i, output logic [7:0] sum_o);\n"
      "  always_ff @(posedge clk_i) sum_o <= sum_o + a_i;\nendmodule\n");
  SynthOptions options;
  options.target = Target::kIce40;
  const SynthReport report = source.synthesize(options);
  CHECK(report.cell_types.at("SB_DFF") == 8);
  CHECK(report.cell_types.count("SB_CARRY") == 1);
  CHECK(report.area_um2 == 0);
}

namespace {

/// Counts the cells of each type below a module, using only the text of the written netlists.
std::map<std::string, int> cells_below(const std::string& text, const std::string& module) {
  const std::size_t begin = text.find("module " + module + "(");
  REQUIRE(begin != std::string::npos);
  std::istringstream body(text.substr(begin, text.find("endmodule", begin) - begin));
  std::map<std::string, int> cells;
  static const std::regex instance("  ([A-Za-z_][A-Za-z0-9_]*) \\\\?[^ ]+ +\\($");
  for (std::string line; std::getline(body, line);) {
    std::smatch match;
    if (!std::regex_match(line, match, instance)) continue;
    const std::string type = match[1];
    if (text.find("module " + type + "(") == std::string::npos) {
      ++cells[type];
      continue;
    }
    for (const auto& [below, count] : cells_below(text, type)) cells[below] += count;
  }
  return cells;
}

}  // namespace

TEST_CASE("figures equal a second calculation from netlist and library", "[synth][netlist]") {
  std::string sums;  // a child of many cells with three instances: synthesized once
  for (int i = 1; i < 30; ++i) sums += fmt::format(" + (a_i * 8'd{})", 2 * i + 1);
  const Source source(
      "module trine_child (input logic clk_i, input logic [7:0] a_i, output logic [7:0] q_o);\n"
      "  always_ff @(posedge clk_i) q_o <= (a_i ^ 8'd90)" +
      sums +
      ";\nendmodule\n"
      "module trine_top (input logic clk_i, input logic [7:0] a_i, output logic [7:0] q_o);\n"
      "  logic [7:0] x, y, z;\n"
      "  trine_child u_x (.clk_i, .a_i, .q_o(x));\n"
      "  trine_child u_y (.clk_i, .a_i(x), .q_o(y));\n"
      "  trine_child u_z (.clk_i, .a_i(y), .q_o(z));\n"
      "  assign q_o = z & x;\nendmodule\n");
  SynthOptions options;
  options.timing = false;
  options.netlist = source.folder.path() / "gates";
  const SynthReport report = source.synthesize(options);
  REQUIRE(report.modules.size() == 2);
  CHECK((report.modules[0].name == "trine_child" && report.modules[0].instances == 3));
  CHECK((report.modules[1].name == "trine_top" && report.modules[1].instances == 1));

  std::string text;
  for (const ModuleReport& module : report.modules)
    text += read_text(options.netlist / (module.name + ".v"));
  // Each cell line is followed by its area; the smallest two-input NAND is a gate equivalent.
  std::map<std::string, double> areas;
  std::istringstream library(library_text());
  std::string cell, word, colon;
  double nand2 = 1e9;
  for (std::string line; std::getline(library, line);) {
    std::smatch match;
    if (std::regex_search(line, match, std::regex("^ *cell *\\(\"?(\\w+)"))) cell = match[1];
    std::istringstream words(line);
    if (!(words >> word >> colon) || word != "area" || areas.count(cell) != 0) continue;
    words >> areas[cell];
    if (cell.starts_with("sg13g2_nand2_")) nand2 = std::min(nand2, areas[cell]);
  }
  double area = 0;
  int count = 0;
  for (const auto& [type, cells] : cells_below(text, "trine_top")) {
    CAPTURE(type);
    REQUIRE(areas.count(type) == 1);
    CHECK(report.cell_types.at(type) == cells);
    area += areas[type] * cells;
    count += cells;
  }
  CHECK(count > 300);
  CHECK(report.cells == count);
  CHECK(report.area_um2 == Approx(area));
  CHECK(report.nand2_um2 == nand2);
  CHECK(report.gate_equivalents == Approx(area / nand2));
  const nlohmann::json json = to_json(report);
  CHECK(json["gate_equivalents"] == Approx(area / nand2));
  double total = 0, share = 0;
  for (const auto& module : json["modules"]) {
    total += module["gate_equivalents_total"].get<double>();
    share += module["share"].get<double>();
  }
  CHECK(total == Approx(area / nand2));
  CHECK(share == Approx(1));
}

TEST_CASE("the measured netlist is written to a separate folder", "[synth][netlist]") {
  const Source source(
      "module trine_top (input logic clk_i, input logic d_i, output logic q_o);\n"
      "  always_ff @(posedge clk_i) q_o <= ~d_i;\n"
      "endmodule\n");
  SynthOptions options;
  options.timing = false;
  options.netlist = source.folder.path() / "gates";
  source.synthesize(options);
  const std::string list = read_text(options.netlist / "trine.f");
  CHECK(list == "cells.v\ntrine_top.v\n");
  CHECK_THAT(read_text(options.netlist / "trine_top.v"), ContainsSubstring(kFlipFlop));
  CHECK_THAT(read_text(options.netlist / "cells.v"),
             ContainsSubstring(std::string("module ") + kFlipFlop));

  write_file(options.netlist / "mine.txt", "x");
  CHECK_THROWS_WITH(source.synthesize(options), ContainsSubstring("contains mine.txt"));
  options.target = Target::kIce40;
  CHECK_THROWS_WITH(source.synthesize(options),
                    ContainsSubstring("--netlist: needs --target asic"));
}
