// SPDX-License-Identifier: Apache-2.0
//
// Gates a clock without glitches: clk_o pulses in a cycle if en_i or test_en_i was high at the
// start of that cycle.
//
//   clk_i   _/--\__/--\__/--\__/--\__
//   en_i    ____/-----------\________
//   clk_o   _______/--\__/--\________
//
// The latch is open while the clock is low. Both enables may therefore change at any time without
// cutting or adding a pulse. test_en_i serves scan chains, which need every clock pulse.
//
// Technology hook: replace this file with one that instantiates your library's integrated clock
// gate, as `trine synth` does. On an FPGA, define the macro TRINE_NO_CLOCK_GATES: clk_i then passes
// through ungated. The gated registers work with either clock, because their flip-flops have
// enables.
//
// Timing    The rising edge of clk_i samples both enables, as a register would.
// Contract  In a cycle without en_i, the registers on clk_o would keep their values even with an
//           ungated clock, or nothing reads them.
// Check     verilator --lint-only -Wall [-DTRINE_NO_CLOCK_GATES] trine_clock_gate.sv;
//           trine_clock_gate_tb

module trine_clock_gate (
  input  logic clk_i,
  input  logic en_i,
  input  logic test_en_i,
  output logic clk_o
);

`ifdef TRINE_NO_CLOCK_GATES
  logic unused_en;
  assign unused_en = en_i ^ test_en_i;
  assign clk_o     = clk_i;
`else
  logic en_q;

  // The only latch of the design.
  always_latch begin
    if (!clk_i) en_q = en_i | test_en_i;
  end

  assign clk_o = clk_i & en_q;
`endif

endmodule
