// SPDX-License-Identifier: Apache-2.0
//
// Checks toggles and their energies on a library whose figures can be added by hand.

#include <fstream>
#include <optional>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/base/process.h"
#include "synth/power/gates.h"
#include "synth/power/logic.h"
#include "synth/power/price.h"
#include "synth/power/replay.h"

using namespace trine;
using namespace trine::power;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string delays(const std::string& from, double ns, const std::string& more) {
  std::string text = fmt::format("timing () {{ related_pin : \"{}\"; {}\n", from, more);
  for (const char* edge : {"rise", "fall"})
    text += fmt::format(
        "cell_{0} (scalar) {{ values (\"{1}\"); }} {0}_transition (scalar) {{ values (\"0.1\"); }}",
        edge, ns);
  return text + "}\n";
}

std::string energy(const std::string& where, double rise, double fall) {
  return fmt::format(
      "internal_power () {{ {} rise_power (scalar) {{ values (\"{}\"); }}\n"
      "fall_power (scalar) {{ values (\"{}\"); }} }}\n",
      where, rise, fall);
}

std::string input(const std::string& name, double pf, const std::string& more = "") {
  return fmt::format("pin ({}) {{ direction : input; capacitance : {}; {} }}\n", name, pf, more);
}

/// 2 V; an inverter of 0.1 ns, an XOR, a multiplexer, a flip-flop with clear, a clock gate, and a
/// memory of four words of two bits.
synth::Cells library() {
  std::string text =
      "library (t) { time_unit : \"1ns\"; capacitive_load_unit (1, pf); nom_voltage : 2;\n"
      "leakage_power_unit : \"1pW\";\n";
  text += "cell (inv) { area : 1; cell_leakage_power : 500;\n" + input("A", 0.01) +
          "pin (Y) { direction : output; function : \"!A\";\n" +
          delays("A", 0.1, "timing_sense : negative_unate;") +
          energy("related_pin : \"A\";", 0.03, 0.05) + "} }\n";
  text += "cell (xor) { area : 2;\n" + input("A", 0.02) + input("B", 0.03) +
          "pin (Y) { direction : output; function : \"A^B\";\n" + delays("A", 0.1, "") +
          delays("B", 0.1, "") + energy("related_pin : \"A\"; when : \"B\";", 0.1, 0.1) +
          energy("related_pin : \"A\"; when : \"!B\";", 0.2, 0.2) +
          energy("related_pin : \"B\";", 0.3, 0.3) + "} }\n";
  text += "cell (mux) { area : 2;\n" + input("A", 0.01) + input("B", 0.01) + input("S", 0.01) +
          "pin (Y) { direction : output; function : \"(A !S) + (B S)\";\n" + delays("A", 0.1, "") +
          delays("B", 0.1, "") + delays("S", 0.1, "") + "} }\n";
  text +=
      "cell (ff) { area : 9; ff (IQ, IQN) { clocked_on : \"CK\"; next_state : \"D\";\n"
      "clear : \"!R\"; }\n" +
      input("CK", 0.01,
            "clock : true;" + energy("when : \"D * R * Q\";", 0.2, 0.1) +
                energy("when : \"!D * R * !Q\";", 0.3, 0.1) +
                energy("when : \"D * R * !Q\";", 0, 0.5) + energy("when : \"!R\";", 9, 9) +
                energy("", 0.04, 0.06)) +
      input("D", 0.02, energy("", 0.01, 0.03)) + input("R", 0.01) +
      "pin (Q) { direction : output; function : \"IQ\";\n" +
      delays("CK", 0.2, "timing_type : rising_edge;") + energy("related_pin : \"CK\";", 0.4, 0.6) +
      energy("related_pin : \"R\";", 7, 7) + "} }\n";
  text += "cell (icg) { area : 3; clock_gating_integrated_cell : \"latch_posedge\";\n" +
          input("CK", 0.01, "clock : true;" + energy("", 0.5, 0.5)) + input("EN", 0.01) +
          input("TE", 0.01) + "pin (GCK) { direction : output; " +
          energy("related_pin : \"CK\";", 1, 2) + "} }\n";
  text += "type (b2) { bit_width : 2; } cell (M_1P_4x2) { area : 99;\n" +
          input("A_CLK", 0.05,
                "clock : true;" + energy("when : \"A_MEN & A_WEN & !A_REN\";", 33, 0) +
                    energy("when : \"A_MEN & !A_WEN & A_REN\";", 26, 0) +
                    energy("when : \"!A_MEN & !A_WEN & A_REN\";", 0.5, 0)) +
          input("A_MEN", 0.01) + input("A_WEN", 0.01) + input("A_REN", 0.01) +
          "bus (A_ADDR) { bus_type : b2; direction : input; capacitance : 0.01; }\n"
          "bus (A_BM) { bus_type : b2; direction : input; capacitance : 0.01; }\n"
          "bus (A_DIN) { bus_type : b2; direction : input; capacitance : 0.01;\n"
          "pin (A_DIN[1:0]) {" +
          energy("when : \"A_MEN\";", 0.1, 0.3) + energy("when : \"!A_MEN\";", 0.3, 0.5) +
          "} }\nbus (A_DOUT) { bus_type : b2; direction : output;\n" +
          delays("A_CLK", 1, "timing_type : rising_edge;") + "} }\n}\n";
  synth::Cells cells;
  cells.add(synth::parse_groups(text, "t.lib"), "t.lib");
  return cells;
}

/// A netlist that can be simulated.
struct Bench {
  explicit Bench(const std::string& body, const std::string& inputs = "a b",
                 const Assumptions& assumptions = {10, 1.5}, const std::string& outputs = "")
      : cells(library()),
        netlist(".model core\n.inputs clk_i rst_ni " + inputs + "\n.outputs y trace_cause_o[3] " +
                    outputs + "\n.names $false\n.names $true\n1\n" + body + ".end\n",
                cells),
        assumed(assumptions),
        wires(assumed.wire_ff),
        timer(cells, netlist, &wires) {
    timer.update();
    gates.emplace(netlist, cells, timer);
    prices.emplace(netlist, cells, timer, *gates, wires, assumed);
  }

  int net(const std::string& name) const {
    for (std::size_t n = 0; n < netlist.nets().size(); ++n)
      if (netlist.nets()[n].name == name) return static_cast<int>(n);
    FAIL("no net " << name);
    return -1;
  }
  void cycle(std::initializer_list<std::pair<const char*, bool>> inputs, bool timed = false) {
    for (const auto& [name, value] : inputs) gates->set(net(name), value);
    gates->cycle(timed);
  }
  Energy energy() const {
    return prices->of(gates->counts(), std::vector<int>(netlist.instances().size(), 0), 1)[0];
  }

  synth::Cells cells;
  synth::Netlist netlist;
  Assumptions assumed;
  EqualWires wires;
  synth::Timer timer;
  std::optional<Gates> gates;
  std::optional<Prices> prices;
};

}  // namespace

TEST_CASE("expressions become truth tables, by Liberty's precedence", "[power]") {
  const std::vector<std::string> abc{"A", "B", "C"};
  const auto rows = [&](const std::string& text) { return truth_table(text, abc) & 0xff; };
  CHECK(rows("A") == 0xaa);
  CHECK(rows("!(A&B)+C") == ((~0x88U & 0xff) | 0xf0));
  CHECK(rows("A' B") == (0x55 & 0xcc));
  CHECK(rows("A^B*C") == ((0xaaU ^ 0xcc) & 0xf0));
  CHECK(rows("1") == 0xff);
  CHECK(names_in("(!B * A[1])|B") == std::vector<std::string>{"B", "A[1]"});
  for (const char* text : {"A+", "(A", "D", "A)", ""}) CHECK_THROWS_AS(rows(text), Error);
  CHECK_THROWS_WITH(truth_table("A", {"A", "B", "C", "D", "E", "F", "G"}),
                    ContainsSubstring("7 inputs, allowed up to 6"));
}

TEST_CASE("a flip-flop that divides the clock costs what its tables say", "[power]") {
  Bench bench(".subckt ff CK=clk_i D=d R=rst_ni Q=y\n.cname r\n.subckt inv A=y Y=d\n.cname i\n");
  bench.cycle({{"rst_ni", false}});
  bench.cycle({{"rst_ni", true}});
  bench.gates->reset_counts();
  for (int i = 0; i < 10; ++i) bench.cycle({});
  const Energy e = bench.energy();
  // Both nets change ten times: Q (0.4 + 0.6) / 2 and the inverter's (0.03 + 0.05) / 2 pJ, D (0.01
  // + 0.03) / 2; pins of 10 and 20 fF and two wires of 10 fF, each 1/2 C 4 V^2.
  CHECK(e.cells == Approx(10 * (0.5 + 0.04 + 0.02)));
  CHECK(e.pins == Approx(10 * 2 * (0.01 + 0.02)));
  CHECK(e.wires == Approx(10 * 2 * (0.01 + 0.01)));
  CHECK(e.glitches == 0);
  // Edges find D = !Q. Up: 0 for state D, or 0.04, which has no condition; down: 0.5 or 0.06. The
  // condition of the reset state does not count. The tree: 10 fF of pin and 10 of wire, times 1.5.
  CHECK(e.clock == Approx(10 * 4 * 0.02 * 1.5 + 5 * (0.04 + 0.5 + 0.06)));
  CHECK(e.leakage_nw == Approx(0.5));
  CHECK(bench.gates->counts().cycles == 10);
}

TEST_CASE("registers after a closed clock gate use only the energy of the gate", "[power]") {
  Bench bench(
      ".subckt icg CK=clk_i EN=a TE=$false GCK=g\n.cname g\n"
      ".subckt ff CK=g D=b R=rst_ni Q=y\n.cname r\n");
  bench.cycle({{"rst_ni", true}});
  bench.gates->reset_counts();
  for (int i = 0; i < 4; ++i) bench.cycle({});
  // The gate's pin: clock tree and 2 x 0.5 pJ.
  CHECK(bench.energy().clock == Approx(4 * (4 * 0.02 * 1.5 + 1)));
  bench.cycle({{"b", true}, {"a", true}});
  CHECK_FALSE(bench.gates->value(bench.net("y")));
  bench.cycle({{"a", false}});
  CHECK(bench.gates->value(bench.net("y")));
  bench.cycle({{"b", false}});
  bench.cycle({});
  CHECK(bench.gates->value(bench.net("y")));
  CHECK(bench.gates->counts().opened.at(0) == 1);
}

TEST_CASE("a nested clock gate has a clock when the outer gate is open, also by a test pin",
          "[power]") {
  // The downstream gate comes first in the netlist.
  Bench bench(
      ".subckt icg CK=g EN=b TE=$false GCK=h\n.cname g2\n"
      ".subckt icg CK=clk_i EN=a TE=t GCK=g\n.cname g1\n"
      ".subckt ff CK=h D=d R=rst_ni Q=y\n.cname r\n",
      "a b d t");
  bench.cycle({{"rst_ni", true}, {"d", true}});
  bench.gates->reset_counts();
  bench.cycle({{"a", true}});
  bench.cycle({{"a", false}, {"b", true}});
  bench.cycle({{"t", true}});
  CHECK_FALSE(bench.gates->value(bench.net("y")));
  bench.cycle({{"t", false}});  // both gates were open
  CHECK(bench.gates->value(bench.net("y")));
  const auto& gates = bench.gates->clock_gates();
  REQUIRE(gates.size() == 2);
  CHECK(gates[0].parent == 1);
  CHECK(gates[1].parent == -1);
  CHECK(bench.gates->counts().opened == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("glitches are counted separately and end in the values without delays", "[power]") {
  const std::string body =
      ".subckt inv A=a Y=n\n.cname i\n.subckt inv A=n Y=m\n.cname j\n"
      ".subckt inv A=m Y=k\n.cname k\n.subckt xor A=a B=k Y=y\n.cname x\n";
  const auto toggles = [&](bool timed) {
    Bench bench(body);
    for (int i = 0; i < 8; ++i) bench.cycle({{"a", i % 2 == 0}}, timed);
    const auto n = static_cast<std::size_t>(bench.net("y"));
    CHECK(bench.gates->value(bench.net("y")));
    return std::pair{bench.gates->counts().toggles[n], bench.gates->counts().glitches[n]};
  };
  CHECK(toggles(false) == std::pair{0U, 0U});
  // y = a ^ !a falls when a changes, and rises three inverters later.
  CHECK(toggles(true) == std::pair{0U, 16U});
  // With one inverter, the pulse is as long as the gate's delay and is suppressed.
  Bench bench(".subckt inv A=a Y=n\n.cname i\n.subckt xor A=a B=n Y=y\n.cname x\n");
  bench.cycle({{"a", true}}, true);
  CHECK(bench.gates->counts().glitches[static_cast<std::size_t>(bench.net("y"))] <= 2);
  // Energy of a change of y: the mean of three conditions; the wire has no load.
  CHECK(bench.prices->cells_pj(bench.net("y")) == Approx((0.1 + 0.2 + 0.3) / 3));
}

TEST_CASE("accesses of a memory are priced by their kind", "[power]") {
  Bench bench(
      ".subckt inv A=w Y=r\n.cname i\n"
      ".subckt M_1P_4x2 A_CLK=clk_i A_MEN=e A_WEN=w A_REN=r A_ADDR[0]=p A_ADDR[1]=$false "
      "A_BM[0]=$true A_BM[1]=b A_DIN[0]=a A_DIN[1]=$true A_DOUT[0]=y A_DOUT[1]=z\n.cname m\n"
      ".subckt inv A=z Y=zz\n.cname j\n",
      "a b e w p");
  bench.cycle({{"e", true}, {"w", true}, {"a", true}, {"b", false}});
  bench.cycle({{"p", true}, {"a", false}});   // word 0 = 01
  bench.cycle({{"p", false}, {"w", false}});  // word 1 = 00
  bench.gates->reset_counts();
  bench.cycle({{"p", true}});  // reads word 0
  CHECK(bench.gates->value(bench.net("y")));
  bench.cycle({{"w", true}, {"e", false}}, true);  // reads word 1
  CHECK_FALSE(bench.gates->value(bench.net("y")));
  bench.cycle({});  // no access: write without enable
  bench.cycle({{"e", true}, {"a", true}});
  CHECK(bench.energy().memories == Approx(26 + 26));
  bench.cycle({{"w", false}});
  CHECK(bench.energy().memories == Approx(26 + 26 + 33));
  // Energy of a change of DIN: the mean of both edges and both conditions, plus half of 4 V^2 of 10
  // fF.
  CHECK(bench.prices->cells_pj(bench.net("a")) == Approx((0.1 + 0.3 + 0.3 + 0.5) / 4));
  CHECK(bench.prices->pins_pj(bench.net("a")) == Approx(2 * 0.01));
}

TEST_CASE("a netlist that behaves differently from the RTL is refused", "[power][error]") {
  const TemporaryFolder scratch(std::filesystem::temp_directory_path(), "power");
  const auto vcd = [&](bool output) {
    const std::string file = (scratch.path() / "ports.vcd").string();
    std::ofstream out(file);
    out << "$scope module trine_top $end\n$var wire 1 ! clk_i $end\n$var wire 1 \" rst_ni $end\n"
           "$var wire 1 # a $end\n$var wire 4 % trace_cause_o [3:0] $end\n$upscope $end\n"
           "$enddefinitions $end\n";
    for (int t = 0; t < 20; ++t)
      out << "#" << 10 * t << "\n1!\n1\"\nb" << (t > 9 && output ? "1000" : "0000") << " %\n#"
          << 10 * t + 5 << "\n0!\n";
    out << "#999\n";
    return file;
  };
  Bench bench(".subckt ff CK=clk_i D=trace_cause_o[3] R=rst_ni Q=trace_cause_o[3]\n.cname r\n",
              "a");
  CHECK_THROWS_WITH(Replay((scratch.path() / "none.vcd"), bench.netlist, *bench.gates),
                    ContainsSubstring("none.vcd: cannot be read"));
  {
    Replay replay(vcd(false), bench.netlist, *bench.gates);
    int cycles = 0;
    while (replay.cycle(false)) ++cycles;
    CHECK(cycles >= 19);
    CHECK_FALSE(replay.running());
  }
  Replay replay(vcd(true), bench.netlist, *bench.gates);
  CHECK_THROWS_WITH(
      [&] {
        while (replay.cycle(false)) continue;
      }(),
      ContainsSubstring("trace_cause_o[3] of the netlist differs from the RTL's"));
}

TEST_CASE("data with a valid are compared and bytes only where their strobe is set",
          "[power][error]") {
  const TemporaryFolder scratch(std::filesystem::temp_directory_path(), "power");
  // The netlist's data come from a: 1 in bit 0, 0 in bit 8.
  const auto run = [&](bool valid, const char* strobes, const char* data) {
    const std::string file = (scratch.path() / "ports.vcd").string();
    std::ofstream(file) << fmt::format(
        "$scope module trine_top $end\n$var wire 1 ! clk_i $end\n$var wire 1 \" rst_ni $end\n"
        "$var wire 1 # a_i $end\n$var wire 4 % trace_cause_o [3:0] $end\n"
        "$var wire 1 & m_axi_wvalid_o $end\n$var wire 2 ' m_axi_wstrb_o [1:0] $end\n"
        "$var wire 16 ( m_axi_wdata_o [15:0] $end\n$upscope $end\n$enddefinitions $end\n");
    std::ofstream out(file, std::ios::app);
    for (int t = 0; t < 20; ++t)
      out << fmt::format("#{}\n1!\n1\"\n1#\nb0000 %\n{}&\nb{} '\nb{} (\n#{}\n0!\n", 10 * t,
                         valid ? 1 : 0, strobes, data, 10 * t + 5);
    out << "#999\n";
    out.close();
    Bench bench(fmt::format(".subckt inv A={} Y=m_axi_wvalid_o\n.cname v\n"
                            ".subckt inv A={} Y=m_axi_wstrb_o[0]\n.cname s0\n"
                            ".subckt inv A={} Y=m_axi_wstrb_o[1]\n.cname s1\n"
                            ".subckt inv A=n Y=m_axi_wdata_o[0]\n.cname d0\n"
                            ".subckt inv A=a_i Y=n\n.cname n\n"
                            ".subckt inv A=a_i Y=m_axi_wdata_o[8]\n.cname d8\n"
                            ".subckt ff CK=clk_i D=trace_cause_o[3] R=rst_ni Q=trace_cause_o[3]\n"
                            ".cname r\n",
                            valid ? "$false" : "$true", strobes[1] == '1' ? "$false" : "$true",
                            strobes[0] == '1' ? "$false" : "$true"),
                "a_i", {10, 1.5},
                "m_axi_wvalid_o m_axi_wstrb_o[0] m_axi_wstrb_o[1] m_axi_wdata_o[0] "
                "m_axi_wdata_o[8]");
    Replay replay(file, bench.netlist, *bench.gates);
    while (replay.cycle(false)) continue;
  };
  CHECK_NOTHROW(run(true, "11", "0000000000000001"));
  CHECK_THROWS_WITH(run(true, "11", "0000000100000001"),
                    ContainsSubstring("m_axi_wdata_o[8] of the netlist differs from the RTL's"));
  CHECK_THROWS_WITH(run(true, "11", "0000000000000000"), ContainsSubstring("m_axi_wdata_o[0]"));
  CHECK_NOTHROW(run(true, "01", "0000000100000001"));
  CHECK_NOTHROW(run(false, "11", "0000000100000000"));
}
