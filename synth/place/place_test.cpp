// SPDX-License-Identifier: Apache-2.0
//
// Checks LEF, floor plan, wires and position-dependent buffers on a library whose figures can be
// added by hand. tests/place checks the placer itself.

#include "synth/place/place.h"

#include <set>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/base/process.h"
#include "synth/place/boost.h"
#include "synth/place/buffer_trees.h"
#include "synth/place/placer.h"
#include "synth/place/swap.h"
#include "synth/timing/repair.h"

using namespace trine;
using namespace trine::synth;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

constexpr const char* kTechnology = R"(# a comment: LAYER x
UNITS
  DATABASE MICRONS 1000 ;
END UNITS
LAYER m1
  TYPE ROUTING ;
  WIDTH 0.1 ; RESISTANCE RPERSQ 9 ; CAPACITANCE CPERSQDIST 9 ; EDGECAPACITANCE 9 ;
END m1
LAYER v1
  TYPE CUT ; RESISTANCE 7 ;
END v1
LAYER m2
  TYPE ROUTING ;
  WIDTH 0.2 ; RESISTANCE RPERSQ 0.1 ; CAPACITANCE CPERSQDIST 0.0001 ; EDGECAPACITANCE 0.00004 ;
END m2
LAYER v2
  TYPE CUT ; RESISTANCE 20 ;
END v2
LAYER m3
  TYPE ROUTING ;
  WIDTH 0.2 ; RESISTANCE RPERSQ 0.3 ; CAPACITANCE CPERSQDIST 0.0001 ; EDGECAPACITANCE 0.00004 ;
END m3
LAYER thick
  TYPE ROUTING ;
  WIDTH 2 ; RESISTANCE RPERSQ 0.01 ; CAPACITANCE CPERSQDIST 0.1 ; EDGECAPACITANCE 0.1 ;
END thick
Via v1_a DEFAULT
  LAYER m1 ; RECT -1 -1 1 1 ;
END v1_a
SITE s
  CLASS CORE ; SIZE 0.5 BY 4 ;
END s
)";

std::string lef_cell(const std::string& name, double width, double height,
                     const std::vector<std::string>& pins) {
  std::string text =
      fmt::format("MACRO {}\n  SIZE {} BY {} ;\n  ORIGIN 0 0 ;\n", name, width, height);
  double x = 0;
  for (const std::string& pin : pins) {
    text += fmt::format(
        "  PIN {0}\n    PORT\n LAYER m1 ; RECT {1} 0 {2} 1 ; RECT {1} 1 {2} 2 ;\n    END\n  END "
        "{0}\n",
        pin, x, x + 1);
    x += 1;
  }
  return text + fmt::format("  OBS\n    LAYER m1 ; RECT 0 0 99 99 ;\n  END\nEND {}\n", name);
}

Lef lef() {
  Lef lef;
  add_lef(kTechnology, "t.lef", lef);
  for (const char* name : {"buf_1", "buf_4", "inv_1"})
    add_lef(lef_cell(name, 2, 4, {"A", "Y"}), "c.lef", lef);
  add_lef(lef_cell("ff_1", 10, 4, {"CK", "D", "Q"}), "c.lef", lef);
  add_lef(lef_cell("ram", 100, 60, {"CLK", "DIN", "DOUT"}), "m.lef", lef);
  return lef;
}

/// Delay = base + resistance * load.
std::string arc(const std::string& from, double base, double resistance, const std::string& more) {
  std::string text = fmt::format("timing () {{ related_pin : \"{}\"; {}\n", from, more);
  for (const char* edge : {"rise", "fall"})
    text += fmt::format(
        "cell_{0} (by_load) {{ values (\"{1}, {2}\", \"{1}, {2}\"); }} {0}_transition (by_load) {{ "
        "values (\"0.1, 0.1\", \"0.1, 0.1\"); }}\n",
        edge, base, base + resistance);
  return text + "}\n";
}

std::string gate(const std::string& name, double area, double load, double base, double resistance,
                 const std::string& function) {
  return fmt::format(
      "cell ({}) {{ area : {}; pin (A) {{ direction : input; capacitance : {}; }}\n"
      "pin (Y) {{ direction : output; max_capacitance : 2; function : \"{}\";\n{}}} }}\n",
      name, area, load, function, arc("A", base, resistance, ""));
}

Cells cells() {
  const std::string text =
      "library (t) { time_unit : \"1ns\"; capacitive_load_unit (1, pf);\n"
      "lu_table_template (by_load) { variable_1 : input_net_transition;\n"
      "  variable_2 : total_output_net_capacitance; index_1 (\"0, 1\"); index_2 (\"0, 1\"); }\n" +
      gate("buf_1", 2, 0.01, 0.2, 4, "A") + gate("buf_4", 5, 0.04, 0.2, 1, "A") +
      gate("inv_1", 1, 0.01, 0.1, 4, "!A") +
      "cell (ff_1) { area : 9; ff (IQ, IQN) { clocked_on : \"CK\"; next_state : \"D\"; }\n"
      "pin (CK) { direction : input; clock : true; capacitance : 0.01; }\n"
      "pin (D) { direction : input; capacitance : 0.01; timing () { related_pin : \"CK\";\n"
      "  timing_type : setup_rising; rise_constraint (scalar) { values (\"0.2\"); }\n"
      "  fall_constraint (scalar) { values (\"0.2\"); } } }\n"
      "pin (Q) { direction : output; function : \"IQ\"; max_capacitance : 2;\n" +
      arc("CK", 0.5, 4, "timing_type : rising_edge;") +
      "} }\ncell (ram) { area : 99; pin (CLK) { direction : input; clock : true; }\n"
      "pin (DIN) { direction : input; capacitance : 0.02; } pin (DOUT) { direction : output;\n" +
      arc("CLK", 3, 1, "timing_type : rising_edge;") + "} } }\n";
  Cells cells;
  cells.add(parse_groups(text, "t.lib"), "t.lib");
  return cells;
}

/// Returns BLIF: q0's output drives the data of `loads` flip-flops; `rams` memories are unconnected
/// to it.
std::string blif(int loads, int rams = 0) {
  std::string text =
      ".model top\n.inputs clk_i rst_ni a\n.outputs y\n.names $false\n"
      ".subckt ff_1 CK=clk_i D=a Q=n\n.cname q0\n";
  for (int i = 0; i < loads; ++i)
    text += fmt::format(".subckt ff_1 CK=clk_i D=n Q={}\n.cname l{}\n",
                        i == 0 ? "y" : fmt::format("l{}", i), i);
  for (int i = 0; i < rams; ++i)
    text += fmt::format(".subckt ram CLK=clk_i DIN=n DOUT=d{0}\n.cname r{0}\n", i);
  return text + ".end\n";
}

/// A netlist with all instances at given positions.
struct Placed {
  const Cells library = cells();
  const Lef shapes = lef();
  Netlist netlist;
  Placement placement;

  explicit Placed(const std::string& text)
      : netlist(text, library), placement(netlist, library, shapes) {}

  void put(int instance, float x, float y) { placement.at(instance) = {x, y, false, false}; }
  int net_n() const { return netlist.instance(0).nets[2]; }
};

void quiet(const std::string&) {}

}  // namespace

TEST_CASE("LEF gives sizes, pins and the cost of a wire", "[synth][place]") {
  const Lef l = lef();
  CHECK(l.site_width == 0.5f);
  CHECK(l.row_height == 4);
  CHECK(l.cell("ff_1").width == 10);
  CHECK(l.cell("ff_1").pins.at("Q").x == 2.5f);
  CHECK(l.cell("ff_1").pins.at("Q").y == 1);
  CHECK(l.cell("ram").height == 60);
  // The mean of m2 and m3: 0.5 and 1.5 ohm; 0.2 * 0.1 + 2 * 0.04 fF, times 2.15 for neighbours.
  CHECK(l.wire.kohm == Approx(1e-3));
  CHECK(l.wire.pf == Approx(2.15 * 1e-4));
  CHECK(l.wire.via_kohm == Approx(0.02));
  CHECK_THROWS_WITH(l.cell("nand"), "--lef: no LEF file contains cell nand");
  Lef other;
  CHECK_THROWS_WITH(add_lef("MACRO a\n SIZE 1 BY x ;\nEND a\n", "x.lef", other),
                    "x.lef: not a LEF file: 'x' is not a number");
  CHECK_THROWS_WITH(add_lef("MACRO a\n SIZE 1 BY 1 ;\n", "x.lef", other),
                    "x.lef: not a LEF file: it ends too soon");
}

TEST_CASE("LEF is found next to the Liberty file or requested", "[synth][place][error]") {
  const TemporaryFolder scratch(fs::temp_directory_path());
  const fs::path own = scratch.path() / "liberty", lib = own / "abc_stdcell_typ.lib.gz";
  fs::create_directories(own);
  CHECK_THROWS_WITH(lef_folder_of(lib),
                    ContainsSubstring("no LEF file next to abc_stdcell_typ.lib.gz") &&
                        ContainsSubstring("--lef"));
  for (const fs::path& folder : {scratch.path() / "lef", own / "lef", own}) {
    fs::create_directories(folder);
    write_file(folder / "other.lef", kTechnology);
    write_file(folder / "abc_stdcell.lef", kTechnology);
    CHECK(lef_folder_of(lib) == folder);
  }
  CHECK(read_lef(own).row_height == 4);
  write_file(own / "no_site.lef", "MACRO a\n SIZE 1 BY 1 ;\nEND a\n");
  CHECK_THROWS_WITH(read_lef(own / "no_site.lef"), ContainsSubstring("no SITE of class CORE"));
  write_file(own / "no_wire.lef", "SITE s\n CLASS CORE ; SIZE 1 BY 2 ;\nEND s\n");
  CHECK_THROWS_WITH(read_lef(own / "no_wire.lef"),
                    ContainsSubstring("no resistance and capacitance"));
}

TEST_CASE("a wire is the shortest tree over its pins", "[synth][place]") {
  const WireTree tree = tree_over({{0, 0}, {100, 10}, {100, 0}, {40, 0}});
  CHECK(tree.order == std::vector<int>{0, 3, 2, 1});
  CHECK(tree.parent == std::vector<int>{0, 2, 3, 0});
  CHECK(tree.um == std::vector<float>{0, 10, 60, 40});
  CHECK(tree.length() == 110);
}

TEST_CASE("wires load their driver and delay their sinks", "[synth][place]") {
  Placed p(blif(2));
  p.put(0, 0, 0);     // Q at 2.5
  p.put(1, 1001, 0);  // D at 1.5: 1,000 um away
  p.put(2, 2001, 0);  // 1,000 more
  Wires wires(p.netlist, p.library, p.placement, p.shapes.wire);
  wires.update();
  const double edge = 0.215;  // pF
  CHECK(wires.pf(p.net_n()) == Approx(2 * edge));
  CHECK(wires.ns({1, 1}) == Approx(1.04 * (edge / 2 + 0.01 + edge + 0.01)));
  CHECK(wires.ns({2, 1}) == Approx(wires.ns({1, 1}) + 1.04 * (edge / 2 + 0.01)));
  Timer timer(p.library, p.netlist, &wires);
  timer.update();
  const float arrival = timer.times(p.net_n()).arrival[kRise];
  CHECK(arrival == Approx(0.5 + 4 * (2 * edge + 0.02)));
  CHECK(timer.wire_ns({2, 1}) == wires.ns({2, 1}));
  for (const char* line : {"0.430000\n*CONN\n*I i0:Q O\n*I i1:D I\n*I i2:D I\n",
                           "1 i0:Q 0.107500\n2 i1:D 0.215000\n3 i2:D 0.107500\n",
                           "1 i0:Q i1:D 1.040000\n2 i1:D i2:D 1.040000\n"})
    CHECK_THAT(wires.spef(), ContainsSubstring(line));
}

TEST_CASE("macros surround the core with pins towards it and ports are at the die's edge",
          "[synth][place]") {
  struct Box {
    float x0, y0, x1, y1;
    bool meets(const Box& b) const {
      return x0 < b.x1 - 0.01f && b.x0 < x1 - 0.01f && y0 < b.y1 - 0.01f && b.y0 < y1 - 0.01f;
    }
    float distance(const Point& p) const {
      return std::max({x0 - p.x, p.x - x1, 0.0f}) + std::max({y0 - p.y, p.y - y1, 0.0f});
    }
  };
  std::set<bool> turned;
  for (const int rams : {0, 1, 2, 7, 40, 200}) {
    CAPTURE(rams);
    Placed p(blif(900, rams));
    make_floorplan(p.netlist, 0.5, p.shapes, p.placement);
    const Floorplan& plan = p.placement.plan;
    CHECK(plan.utilization() <= 0.5f);
    CHECK(plan.utilization() > 0.45f);
    CHECK(plan.macros_um2 == Approx(rams * 6000));
    CHECK(plan.die_height / plan.die_width < 2);
    CHECK(plan.die_width / plan.die_height < 2);
    const Box die{0, 0, plan.die_width, plan.die_height};
    const Box core{plan.core_x, plan.core_y, plan.core_x + plan.core_width,
                   plan.core_y + plan.core_height};
    std::vector<Box> boxes{core};
    for (int i = 0; i < p.placement.size(); ++i) {
      if (!p.placement.is_macro(i)) continue;
      const Place& at = p.placement.at(i);
      turned.insert(at.turned);
      const Box box{at.x, at.y, at.x + (at.turned ? 60 : 100), at.y + (at.turned ? 100 : 60)};
      CHECK(die.distance({box.x0, box.y0}) < 0.01f);
      CHECK(die.distance({box.x1, box.y1}) < 0.01f);
      for (const Box& other : boxes) CHECK_FALSE(box.meets(other));
      boxes.push_back(box);
      const Point pin = p.placement.point({i, 1}, -1);
      CHECK(box.distance(pin) == 0);
      const Point middle = p.placement.middle(i);
      if (rams == 1) {  // the only macro of its row is centred
        const float off = at.turned ? middle.y - plan.core_y - plan.core_height / 2
                                    : middle.x - plan.die_width / 2;
        CHECK(std::abs(off) < 0.01f);
      }
      if (at.turned)
        CHECK((pin.x > middle.x) == (box.x1 <= core.x0));
      else
        CHECK((pin.y > middle.y) == (box.y1 <= core.y0));
    }
    CHECK(boxes.size() == static_cast<std::size_t>(rams) + 1);
    for (std::size_t n = 0; n < p.netlist.nets().size(); ++n)
      if (p.netlist.nets()[n].input || p.netlist.nets()[n].output) {
        const float x = p.placement.ports[n].x;
        CHECK((x == 0 || x == plan.die_width));
      }
  }
  CHECK(turned.size() == 2);  // columns and rows
}

TEST_CASE("macros of one kind exchange places for shorter wires", "[synth][place]") {
  // Two flip-flops, each with a memory; a third memory is connected to a port between them.
  std::string text = ".model top\n.inputs clk_i rst_ni a\n.outputs y\n.names $false\n";
  for (int i = 0; i < 2; ++i)
    text += fmt::format(
        ".subckt ff_1 CK=clk_i D=a Q=n{0}\n.cname q{0}\n"
        ".subckt ram CLK=clk_i DIN=n{0} DOUT=d{0}\n.cname r{0}\n",
        i);
  Placed p(text + ".subckt ram CLK=clk_i DIN=$false DOUT=y\n.cname r2\n.end\n");
  p.put(0, 0, 0);
  p.put(2, 1000, 0);
  p.put(1, 1000, 100);  // memory of the first flip-flop, next to the second one
  p.put(3, 500, 100);
  p.put(4, 0, 100);
  p.placement.ports[static_cast<std::size_t>(p.netlist.instance(4).nets[2])] = {500, 200};
  CHECK(swap_macros(p.netlist, p.placement) > 0);
  CHECK(p.placement.at(1).x == 0);
  CHECK(p.placement.at(3).x == 1000);
  CHECK(p.placement.at(4).x == 500);
  CHECK(swap_macros(p.netlist, p.placement) == 0);
}

namespace {

WireBuffers buffer_all(Placed& p) {
  const BufferedWires expected(p.netlist, p.placement, p.shapes.wire);
  Timer timer(p.library, p.netlist, &expected);
  timer.update(kMostLoads);
  return buffer_trees(p.netlist, p.library, p.placement, p.shapes.wire, timer);
}

double period_of(const Placed& p) {
  Wires wires(p.netlist, p.library, p.placement, p.shapes.wire);
  wires.update();
  Timer timer(p.library, p.netlist, &wires);
  timer.update();
  return timer.period();
}

}  // namespace

TEST_CASE("a wire tree has shorter paths where they count", "[synth][place]") {
  const std::vector<Point> points{{0, 0}, {100, 0}, {100, 60}, {20, 60}};
  CHECK(tree_over(points).parent == std::vector<int>{0, 2, 3, 0});
  CHECK(tree_over(points, 0.3f).parent == std::vector<int>{0, 0, 1, 0});
  CHECK(tree_over(points, 1).parent == std::vector<int>{0, 0, 0, 0});
}

TEST_CASE("many loads are driven by trees of buffers", "[synth][place]") {
  const int loads = GENERATE(1, 16, 17, 100, 400);
  CAPTURE(loads);
  Placed p(blif(loads));
  for (int i = 0; i < loads; ++i)
    p.put(i + 1, static_cast<float>(i % 20) * 150, static_cast<float>(i / 20) * 40);
  const double before = period_of(p);
  const WireBuffers buffers = buffer_all(p);
  CHECK((buffers.count > 0) == (loads >= 16));
  CHECK(p.placement.size() == static_cast<int>(p.netlist.instances().size()));
  CHECK(static_cast<int>(p.netlist.instances().size()) == 1 + loads + buffers.count);
  for (const Net& net : p.netlist.nets())
    if (!net.clock && net.constant < 0) CHECK(net.sinks.size() <= kMostLoads);
  std::set<int> reached;  // q0 still drives each load, and nothing else does
  for (int i = 1; i <= loads; ++i) {
    int net = p.netlist.instance(i).nets[1];
    for (int steps = 0; p.netlist.net(net).driver.instance != 0; ++steps) {
      REQUIRE(steps < 20);
      net = p.netlist.instance(p.netlist.net(net).driver.instance).nets[0];
    }
    reached.insert(net);
  }
  CHECK(reached == std::set<int>{p.net_n()});
  if (buffers.count > 0) CHECK(period_of(p) < before);
}

TEST_CASE("a long wire gets repeaters", "[synth][place]") {
  Placed p(blif(1));
  p.put(1, 3501, 0);
  buffer_all(p);
  REQUIRE(p.placement.size() > 3);
  float most = 0;  // no wire is longer than the driver's load limit allows
  Wires wires(p.netlist, p.library, p.placement, p.shapes.wire);
  wires.update();
  for (int net = 0; net < static_cast<int>(p.netlist.nets().size()); ++net)
    if (!p.netlist.net(net).output) most = std::max(most, wires.pf(net));
  CHECK(most < 0.36f);
  for (int i = 2; i < p.placement.size(); ++i) {
    CHECK(p.placement.middle(i).x > 0);
    CHECK(p.placement.middle(i).x < 3501);
  }
}

TEST_CASE("the expected delay of buffered wires grows with the distance and the loads",
          "[synth][place]") {
  const auto expected = [](int loads, float um) {
    Placed p(blif(loads));
    for (int i = 1; i <= loads; ++i) p.put(i, um, 0);
    return BufferedWires(p.netlist, p.placement, p.shapes.wire).ns({1, 1});
  };
  CHECK(expected(1, 2000) > expected(1, 1000) + 0.2f);
  CHECK(expected(64, 1000) > expected(16, 1000) + 0.1f);
  CHECK(expected(16, 1000) == expected(1, 1000));
}

TEST_CASE("a late driver with a large load gets a buffer next to it", "[synth][place]") {
  Placed p(blif(16));
  for (int i = 1; i <= 16; ++i) p.put(i, 800, static_cast<float>(i) * 20);
  Wires wires(p.netlist, p.library, p.placement, p.shapes.wire);
  wires.update();
  const WireBuffers buffers = boost(p.netlist, p.library, p.placement, wires);
  // 4 ns/pF of about 0.4 pF against 0.2 ns and 1 ns/pF.
  CHECK(buffers.count == 1);
  REQUIRE(p.netlist.net(p.net_n()).sinks.size() == 1);
  const Instance& buffer = p.netlist.instance(p.netlist.net(p.net_n()).sinks[0].instance);
  CHECK(p.library[buffer.cell].name == "buf_4");
  CHECK(p.placement.middle(17).x == Approx(p.placement.middle(0).x));
  wires.update();
  CHECK(boost(p.netlist, p.library, p.placement, wires).count == 0);
}

TEST_CASE("sizes follow the load of wires", "[synth][place][repair]") {
  const std::string text =
      ".model top\n.inputs clk_i a\n.outputs y\n.names $false\n"
      ".subckt ff_1 CK=clk_i D=a Q=n\n.cname q0\n.subckt buf_1 A=n Y=b\n.cname b\n"
      ".subckt ff_1 CK=clk_i D=b Q=y\n.cname q1\n.end\n";
  for (const bool far : {false, true}) {
    Placed p(text);
    p.put(2, far ? 900 : 10, 0);
    Wires wires(p.netlist, p.library, p.placement, p.shapes.wire);
    wires.update();
    const RepairWires model{wires, [&](int) { p.placement.add({0, 0}); }};
    repair(p.netlist, p.library, quiet, &model);
    CHECK(p.library[p.netlist.instance(1).cell].name == (far ? "buf_4" : "buf_1"));
  }
}

TEST_CASE("a wire above a driver's limit gets as many buffers as it needs",
          "[synth][place][repair]") {
  Placed p(blif(1));
  p.put(1, 12000, 0);  // 2.58 pF, the limit is 2
  Wires wires(p.netlist, p.library, p.placement, p.shapes.wire);
  wires.update();
  const RepairWires model{wires, [&](int buffer) {
                            const int out = p.netlist.instance(buffer).nets[1];
                            p.placement.add({6000, 0});
                            wires.update(p.net_n());
                            wires.update(out);
                          }};
  const Repairs repairs = repair(p.netlist, p.library, quiet, &model);
  CHECK(repairs.buffers == 1);
  CHECK(repairs.too_heavy == 0);
}

TEST_CASE("an output after a buffer no longer loads its net", "[synth][place]") {
  Placed p(blif(1));
  const int y = p.netlist.instance(1).nets[2];
  REQUIRE(p.netlist.net(y).output);
  const int behind = p.netlist.insert_output(y, p.library.buffer(), p.library);
  CHECK_FALSE(p.netlist.net(y).output);
  CHECK(p.netlist.net(behind).output);
  CHECK(p.netlist.net(behind).driver.instance == 2);
  CHECK_THAT(p.netlist.verilog(p.library), ContainsSubstring(fmt::format("output n{};", behind)));
}

TEST_CASE("a Python without Coloquinte is reported in one line", "[synth][place][error]") {
  const TemporaryFolder scratch(fs::temp_directory_path());
  Placed p(blif(3));
  make_floorplan(p.netlist, 0.5, p.shapes, p.placement);
  const auto even = [](int) { return 1.0f; };
  write_file(scratch.path() / "python",
             "#!/bin/sh\necho first\necho ModuleNotFoundError >&2\nexit 1\n");
  fs::permissions(scratch.path() / "python", fs::perms::owner_all);
  CHECK_THROWS_WITH((Placer{scratch.path() / "python", scratch.path(), 1, quiet}.place(
                        p.netlist, p.shapes, true, even, p.placement)),
                    ContainsSubstring("cannot run Coloquinte: ModuleNotFoundError"));
}
