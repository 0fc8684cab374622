// SPDX-License-Identifier: Apache-2.0
//
// Checks cells, timer, buffers and sizes on a library whose figures can be added by hand.

#include "synth/timing/clock.h"

#include <set>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "synth/macro.h"
#include "synth/read/netlist.h"
#include "synth/timing/paths.h"
#include "synth/timing/timer.h"

using namespace trine;
using namespace trine::synth;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Returns an arc with delay = base + resistance * load for both edges and a transition of 0.1 ns.
std::string arc(const std::string& from, double base, double resistance, const std::string& more) {
  const auto values = [&](double at0, double at1) {
    return fmt::format("values (\"{0}, {1}\", \"{0}, {1}\");", at0, at1);
  };
  std::string text = fmt::format("timing () {{ related_pin : \"{}\"; {}\n", from, more);
  for (const char* edge : {"rise", "fall"})
    text += fmt::format("cell_{0} (by_load) {{ {1} }} {0}_transition (by_load) {{ {2} }}\n", edge,
                        values(base, base + resistance), values(0.1, 0.1));
  return text + "}\n";
}

std::string gate(const std::string& name, double area, double load, double base, double resistance,
                 const std::string& function, const std::string& sense, double most_pf) {
  return fmt::format(
      "cell ({}) {{ area : {}; pin (A) {{ direction : input; capacitance : {}; }}\n"
      "pin (Y) {{ direction : output; max_capacitance : {}; function : \"{}\";\n{}}} }}\n",
      name, area, load, most_pf, function,
      arc("A", base, resistance, "timing_sense : " + sense + ";"));
}

/// Returns a flip-flop of 0.5 ns, setup 0.2 and hold 0.1 ns; buffers of three strengths and a slow
/// one; and a memory pin that requires 2 ns of hold.
Cells library(double most_pf = 10) {
  const std::string limits = [] {
    std::string text;
    for (const auto& [type, time] : {std::pair{"setup_rising", 0.2}, {"hold_rising", 0.1}})
      text += fmt::format(
          "timing () {{ related_pin : \"CK\"; timing_type : {0}; rise_constraint (scalar) {{ "
          "values "
          "(\"{1}\"); }} fall_constraint (scalar) {{ values (\"{1}\"); }} }}\n",
          type, time);
    return text;
  }();
  const std::string text =
      "library (t) { /* a\n comment */ time_unit : \"1ns\"; capacitive_load_unit (1, pf);\n"
      "lu_table_template (by_load) { variable_1 : input_net_transition;\n"
      "  variable_2 : total_output_net_capacitance; index_1 (\"0, 1\"); index_2 (\"0, 1\"); }\n" +
      gate("buf_1", 2, 0.01, 0.2, 4, "A", "positive_unate", most_pf) +
      gate("buf_2", 3, 0.02, 0.2, 2, "(A)", "positive_unate", most_pf) +
      gate("buf_4", 5, 0.04, 0.2, 1, "A", "positive_unate", most_pf) +
      gate("slow_1", 4, 0.01, 0.9, 4, "A", "positive_unate", most_pf) +
      gate("inv_1", 1, 0.01, 0.1, 4, "!A", "negative_unate", most_pf) +
      "cell (ff_1) { area : 9; ff (IQ, IQN) { clocked_on : \"CK\"; next_state : \"D\"; }\n"
      "pin (CK) { direction : input; clock : true; capacitance : 0.01; }\n"
      "pin (D) { direction : input; capacitance : 0.01; " +
      limits +
      "}\n"
      "pin (Q) { direction : output; function : \"IQ\"; max_capacitance : " +
      std::to_string(most_pf) + ";\n" + arc("CK", 0.5, 4, "timing_type : rising_edge;") +
      "} }\n"
      "type (b2) { bit_width : 2; } cell (M_1P_4x2) { area : 99;\n"
      "pin (CLK) { direction : input; clock : true; }\n"
      "bus (DIN) { bus_type : b2; direction : input; capacitance : 0.02;\n"
      "  pin (DIN[1]) { capacitance : 0.03; }\n"
      "  timing () { related_pin : \"CLK\"; timing_type : hold_rising;\n"
      "    rise_constraint (scalar) { values (\"2\"); } fall_constraint (scalar) { values (\"2\"); "
      "} } }\n"
      "bus (ADDR) { bus_type : b2; direction : input; } pin (MEN) { direction : input; }\n"
      "bus (DOUT) { bus_type : b2; direction : output;\n" +
      arc("CLK", 3, 1, "timing_type : rising_edge;") +
      "} }\ncell (not_used) { dont_use : true; } }\n";
  Cells cells;
  cells.add(parse_groups(text, "t.lib"), "t.lib");
  return cells;
}

std::string blif(const std::string& body) {
  return ".model core\n.inputs clk_i rst_ni a\n.outputs y\n.names $false\n" + body + ".end\n";
}

/// Returns BLIF of flip-flop q0, whose output drives q1 through `inverters`, and `loads` more.
std::string fan_out(int loads, int inverters) {
  std::string text = ".subckt ff_1 CK=clk_i D=a Q=n0\n.cname q0\n";
  for (int i = 0; i < inverters; ++i)
    text += fmt::format(".subckt inv_1 A=n{} Y=n{}\n.cname inv{}\n", i, i + 1, i);
  text += fmt::format(".subckt ff_1 CK=clk_i D=n{} Q=q\n.cname q1\n.names q y\n1 1\n", inverters);
  for (int i = 0; i < loads; ++i)
    text += fmt::format(".subckt ff_1 CK=clk_i D=n0 Q=l{0}\n.cname load{0}\n", i);
  return blif(text);
}

/// A module with a register between its ports.
constexpr const char* kEdge =
    ".model edge\n.inputs clk_i d\n.outputs q\n"
    ".subckt ff_1 CK=clk_i D=d Q=l\n.cname taken_q_reg\n.names l q\n1 1\n.end\n";

int named(const Netlist& netlist, const std::string& name) {
  for (std::size_t i = 0; i < netlist.instances().size(); ++i)
    if (netlist.instances()[i].name == name) return static_cast<int>(i);
  FAIL("no instance " << name);
  return -1;
}

/// Counts the cells between a flip-flop's data pin and q0; -1 if the path does not lead there.
int distance(const Netlist& netlist, const Cells& cells, int instance) {
  int steps = 0;
  for (int net = netlist.instance(instance).nets[1];; ++steps) {
    const PinOf driver = netlist.net(net).driver;
    if (driver.instance < 0) return -1;
    const Instance& from = netlist.instance(driver.instance);
    if (from.name == "q0") return steps;
    if (cells[from.cell].pins.size() != 2) return -1;
    net = from.nets[0];
  }
}

void quiet(const std::string&) {}

}  // namespace

TEST_CASE("tables are linear between and beyond their points", "[synth][timer]") {
  Table table{false, {1, 3}, {10, 20, 40}, {0, 10, 30, 100, 110, 130}};
  CHECK(table.at(1, 10) == 0);
  CHECK(table.at(2, 15) == Approx(55));
  CHECK(table.at(3, 30) == Approx(120));
  CHECK(table.at(5, 50) == Approx(240));
  CHECK(table.at(0, 0) == Approx(-60));
  table.load_first = true;
  CHECK(table.at(15, 2) == Approx(55));
  CHECK(Table{}.at(1, 1) == 0);
  CHECK(Table{false, {}, {}, {7}}.at(1, 1) == 7);
  CHECK(Table{false, {0, 2}, {}, {4, 8}}.at(1, 99) == 6);
}

TEST_CASE("Liberty's groups are read, and a damaged file refused by line", "[synth][timer]") {
  const Group group = parse_groups(
      "library (l) {\n // note\n a : \"x y\"; f : !b & c ;\n g (\"1, 2\", \\\n \"3\");\n"
      " cell (\"n\") { area : 1.5 }\n}\n",
      "l.lib");
  CHECK(group.name == "l");
  CHECK(group.text("a") == "x y");
  CHECK(group.text("f") == "!b&c");
  CHECK(numbers_of(group.attributes.at("g")) == std::vector<float>{1, 2, 3});
  REQUIRE(group.groups.size() == 1);
  CHECK(group.groups[0].name == "n");
  CHECK(group.groups[0].number("area", 0) == 1.5);
  CHECK(group.groups[0].number("none", 7) == 7);
  CHECK_THROWS_WITH(group.number("a", 0), "Liberty library l: a: 'x y' is not a number");
  for (const auto& [text, message] :
       {std::pair{"library (l) {\n\n cell (a) {",
                  "b.lib:3: not a Liberty file: it ends within a group"},
        {"module (l) {}", "b.lib:1: not a Liberty file: expected 'library'"},
        {"library (l) {\n a : \"b; }", "b.lib:2: not a Liberty file: a string does not end"},
        {"library l {}", "b.lib:1: not a Liberty file: expected '('"}})
    CHECK_THROWS_WITH(parse_groups(text, "b.lib"), message);
}

TEST_CASE("cells have their pins, strengths and loads", "[synth][timer]") {
  const Cells cells = library();
  CHECK(cells.find("not_used") == -1);
  CHECK(cells[cells.find("buf_2")].sizes.size() == 1);  // its function text differs
  CHECK(cells[cells.find("buf_4")].sizes ==
        std::vector<int>{cells.find("buf_1"), cells.find("buf_4")});
  CHECK(cells[cells.buffer()].name == "buf_1");
  CHECK(cells[cells.delay()].name == "slow_1");
  const Cell& macro = cells[cells.find("M_1P_4x2")];
  CHECK(macro.pins[static_cast<std::size_t>(macro.pin("DIN[0]"))].capacitance[kRise] == 0.02f);
  CHECK(macro.pins[static_cast<std::size_t>(macro.pin("DIN[1]"))].capacitance[kFall] == 0.03f);
  CHECK(macro.limits.size() == 2);
  CHECK(macro.arcs.size() == 2);
}

TEST_CASE("a period is the longest path from register to register", "[synth][timer]") {
  const Cells cells = library();
  const Netlist netlist(fan_out(3, 2), cells);
  CHECK(netlist.partitions() == std::vector<std::string>{"core"});
  Timer timer(cells, netlist);
  timer.update();
  // 0.5 and 4 loads of 0.01; two inverters of 0.1 with one load each; setup 0.2.
  CHECK(timer.period() == Approx(0.5 + 4 * 0.04 + 2 * (0.1 + 4 * 0.01) + 0.2));
  const int late = netlist.instance(named(netlist, "q1")).nets[1];
  CHECK(timer.slack(late) == Approx(0).margin(1e-6));
  CHECK(timer.slack(PinOf{named(netlist, "load0"), 1}) == Approx(2 * 0.14));
  CHECK(timer.too_early({named(netlist, "load0"), 1}) == 0);
}

TEST_CASE("modules are put together, nets that meet at a port are one", "[synth][netlist]") {
  const Cells cells = library();
  Netlist netlist(blif(".subckt edge clk_i=clk_i d=a q=r\n.cname u_a\n"
                       ".subckt edge clk_i=clk_i d=r q=s\n.cname u_b\n.names r y\n1 1\n"
                       ".subckt edge clk_i=clk_i d=$true\n.cname u_c\n"
                       ".subckt unknown p=s z=t\n.cname u_d\n.subckt inv_1 A=t Y=u\n.cname i\n") +
                      kEdge,
                  cells);
  CHECK(netlist.partitions() == std::vector<std::string>{"core", "edge"});
  REQUIRE(netlist.instances().size() == 4);
  const int a = named(netlist, "u_a.taken_q_reg"), b = named(netlist, "u_b.taken_q_reg");
  CHECK(netlist.instance(a).partition == 1);
  const int between = netlist.instance(a).nets[2];
  CHECK(netlist.instance(b).nets[1] == between);
  CHECK(netlist.net(between).output);
  CHECK(netlist.net(between).name == "y");
  CHECK(netlist.net(netlist.instance(a).nets[0]).sinks.size() == 3);
  CHECK(netlist.instance(a).nets[0] == netlist.clock());
  CHECK(netlist.net(netlist.instance(named(netlist, "u_c.taken_q_reg")).nets[1]).constant == 1);
  CHECK(netlist.net(netlist.instance(b).nets[2]).output);  // drives a cell without timing
  // Driven by a cell without timing.
  CHECK(netlist.net(netlist.instance(named(netlist, "i")).nets[0]).input);
  netlist.drop_unread();
  REQUIRE(netlist.instances().size() == 2);  // the inverter and u_c drive nothing
  CHECK(netlist.net(netlist.clock()).sinks.size() == 2);
  CHECK(netlist.net(between).driver.instance == named(netlist, "u_a.taken_q_reg"));
  for (const auto& [text, message] :
       {std::pair{".names a\n", "netlist: not BLIF: it begins with .names"},
        {"", "netlist: not BLIF: it is empty"},
        {".model m\n.names a b c\n", "netlist: m: contains a function that is not a cell"},
        {".model m\n.subckt inv_1 Q=c\n", "netlist: inv_1 has no pin Q"}})
    CHECK_THROWS_WITH(Netlist(text, cells), message);
}

TEST_CASE("the longest path of each pair of register groups is reported", "[synth][paths]") {
  const Cells cells = library();
  std::string text = fan_out(0, 2);
  std::string taken = ".subckt edge clk_i=clk_i d=n0\n.cname u_edge[7]\n";
  for (int i = 1; i < 3; ++i)
    taken +=
        fmt::format(".subckt ff_1 CK=clk_i D=n{0} Q=l{0}\n.cname u_x[{0}].taken_q[{0}]_reg\n", i);
  text.insert(text.find(".end"), taken);
  text += kEdge;
  const Netlist netlist(text, cells);
  Timer timer(cells, netlist);
  timer.update();
  const std::vector<GroupPath> paths = longest_paths(netlist, cells, timer, 9);
  std::vector<std::string> printed;
  for (const GroupPath& path : paths)
    printed.push_back(fmt::format("{} -> {} {} {:.2f}", path.from, path.to, path.gates, path.ns));
  // 0.5 and two loads; inverters of 0.1 with two loads (n2: q1 and a bit); setup 0.2.
  CHECK(printed ==
        std::vector<std::string>{"core q0 -> core q1 2 1.14", "core q0 -> core taken_q 2 1.14",
                                 "core q0 -> edge taken_q 0 0.78", "core q1 -> port y 0 0.50",
                                 "port a -> core q0 0 0.20"});
  for (const GroupPath& path : paths) {
    double sum = 0;
    for (const PathPart& part : path.parts) sum += part.ns;
    if (!path.parts.empty()) CHECK(sum == Approx(path.ns));
  }
  CHECK(paths.at(0).ns == Approx(timer.period()));
  CHECK(longest_paths(netlist, cells, timer, 2).size() == 2);
}

TEST_CASE("a loop without a register has no period", "[synth][timer][error]") {
  const Cells cells = library();
  const Netlist netlist(
      blif(".subckt inv_1 A=p Y=q\n.cname one\n.subckt inv_1 A=q Y=p\n.cname two\n"), cells);
  Timer timer(cells, netlist);
  CHECK_THROWS_WITH(timer.update(), "timing: a combinational loop through one");
}

TEST_CASE("no driver keeps more loads than it may, the latest stay near", "[synth][repair]") {
  const Cells cells = library();
  for (const int loads : {10, 16, 17, 31, 100, 700}) {
    CAPTURE(loads);
    Netlist netlist(fan_out(loads, 3), cells);
    const Repairs repairs = repair(netlist, cells, quiet);
    // q0 drives the loads and the first inverter; each buffer of 16 reduces the loads by 15.
    const int too_many = std::max(0, loads + 1 - 16);
    CHECK(repairs.buffers == (too_many + 14) / 15);
    CHECK(repairs.too_early == 0);
    for (std::size_t n = 0; n < netlist.nets().size(); ++n)
      if (static_cast<int>(n) != netlist.clock())
        CHECK(netlist.nets()[n].sinks.size() <= kMostLoads);
    for (int i = 0; i < loads; ++i)
      CHECK(distance(netlist, cells, named(netlist, fmt::format("load{}", i))) >= 0);
    CHECK(distance(netlist, cells, named(netlist, "q1")) == 3);  // no buffer before the inverters
  }
}

TEST_CASE("no driver keeps more load than it may", "[synth][repair]") {
  const Cells cells = library(0.125);
  Netlist netlist(fan_out(15, 3), cells);
  const Repairs repairs = repair(netlist, cells, quiet);
  CHECK(repairs.too_heavy == 0);
  CHECK(repairs.buffers == 1);  // q0 keeps 8 loads of 0.01 and a buf_4 of 0.04
  for (const Net& net : netlist.nets()) {
    if (net.driver.instance < 0) continue;
    float load = 0;
    for (const PinOf& sink : net.sinks)
      load += cells[netlist.instance(sink.instance).cell]
                  .pins[static_cast<std::size_t>(sink.pin)]
                  .most_capacitance();
    CHECK(load < 0.125f);
  }
  Netlist heavy(fan_out(15, 3), cells);
  CHECK(repair(heavy, library(0.005), quiet).too_heavy > 0);  // a single pin already exceeds it
}

TEST_CASE("transitions count over the same part of the swing in all libraries", "[synth][timer]") {
  const auto cell = [](const std::string& thresholds) {
    Cells cells;
    cells.add(parse_groups("library (t) { " + thresholds +
                               "lu_table_template (t) { variable_1 : input_net_transition; index_1 "
                               "(\"0, 1\"); }\ncell (c) { area : 1; pin (A) { direction : input; "
                               "max_transition : 0.4; } pin (Y) { direction : output; timing () { "
                               "related_pin : \"A\"; cell_rise (t) { values (\"0, 1\"); } "
                               "rise_transition (t) { values (\"0, 1\"); } } } } }",
                           "t.lib"),
              "t.lib");
    return cells[0];
  };
  const Cell plain = cell("");
  CHECK(plain.pins[0].max_slew == Approx(0.4));
  CHECK(plain.arcs.at(0).delay[kRise].at(0.5, 0) == Approx(0.5));
  const Cell other = cell(
      "slew_lower_threshold_pct_rise : 30; slew_upper_threshold_pct_rise : 70; "
      "slew_derate_from_library : 0.5; ");
  CHECK(other.pins[0].max_slew == Approx(0.3));
  CHECK(other.arcs.at(0).delay[kRise].at(0.75, 0) == Approx(1));
  CHECK(other.arcs.at(0).slew[kRise].at(0.75, 0) == Approx(0.75));
}

TEST_CASE("strengths are chosen where they shorten the period", "[synth][repair]") {
  const Cells cells = library();
  std::string text =
      ".subckt ff_1 CK=clk_i D=a Q=n0\n.cname q0\n.subckt buf_1 A=n0 Y=b\n.cname b\n";
  for (int i = 0; i < 16; ++i)
    text += fmt::format(".subckt ff_1 CK=clk_i D=b Q=l{0}\n.cname load{0}\n", i);
  Netlist netlist(blif(text), cells);
  repair(netlist, cells, quiet);
  // buf_1: 0.54 + 0.2 + 0.64; buf_4: 0.66 + 0.2 + 0.16.
  CHECK(cells[netlist.instance(named(netlist, "b")).cell].name == "buf_4");
}

TEST_CASE("signals that arrive too early are delayed", "[synth][repair]") {
  const Cells cells = library();
  Netlist netlist(blif(".subckt ff_1 CK=clk_i D=a Q=n0\n.cname q0\n"
                       ".subckt M_1P_4x2 CLK=clk_i DIN[0]=n0 DIN[1]=$false DOUT[0]=y\n.cname m\n"),
                  cells);
  const Repairs repairs = repair(netlist, cells, quiet);
  // 0.5 + 0.04, then two delay cells of 0.9 and their loads: 2 ns are reached.
  CHECK(repairs.hold_buffers == 2);
  CHECK(repairs.hold_um2 == 8);
  CHECK(repairs.too_early == 0);
}

TEST_CASE("a memory becomes macros side by side and in rows", "[synth][clock]") {
  const Cells cells = library();
  const Memory memory{"trine_sram__1", 1, 3, 16, 0, ""};
  const std::string text =
      macro_wrapper(memory, {"M_1P_4x2", 2, 4, 0}, cells[cells.find("M_1P_4x2")]);
  for (const char* line :
       {"input [3:0] addr_i", "input [2:0] mask_i", "wire [1:0] row = addr_i >> 2;",
        "M_1P_4x2 u_3_1 (.CLK(clk_i), .DIN(wdata[2+:2]), .ADDR(2'(addr_i)), .MEN(en_i & (row == "
        "3)), "
        ".DOUT(rdata_3[2+:2]));",
        "assign rdata_o = row_q == 3 ? rdata_3 : row_q == 2 ? rdata_2 : row_q == 1 ? rdata_1 : "
        "rdata_0;"})
    CHECK_THAT(text, ContainsSubstring(line));
}
