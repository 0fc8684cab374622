// SPDX-License-Identifier: Apache-2.0
//
// Delays words on their way to a block of PEs by one cycle. All words share one broadcast register.
// With ClockGates, this register has its own clock gate.
//
// Timing    The latency is 1 cycle (trine_broadcast).
// Clock     The gate is open while a step arrives or is in the register.
//
// Check     verilator --lint-only -Wall trine_delay.sv; trine_array_tb

module trine_delay #(
  parameter int unsigned Flags      = 4,
  parameter int unsigned Bits       = 256,  // of the words
  parameter bit          ClockGates = 1'b0
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             test_en_i,  // opens the clock gate for scan

  input  logic             valid_i,
  input  logic [Flags-1:0] flags_i,
  input  logic [Bits-1:0]  words_i,

  output logic             valid_o,
  output logic [Flags-1:0] flags_o,
  output logic [Bits-1:0]  words_o
);

  logic clk;

  if (ClockGates) begin : gen_gate
    trine_clock_gate u_gate (.clk_i, .en_i(valid_i || valid_o), .test_en_i, .clk_o(clk));
  end else begin : gen_no_gate
    logic unused_test;
    assign clk         = clk_i;
    assign unused_test = test_en_i;
  end

  trine_broadcast #(
    .Flags (Flags),
    .Bits  (Bits)
  ) u_words (
    .clk_i   (clk),
    .rst_ni  (rst_ni),
    .valid_i (valid_i),
    .flags_i (flags_i),
    .word_i  (words_i),
    .valid_o (valid_o),
    .flags_o (flags_o),
    .word_o  (words_o)
  );

`ifdef TRINE_ASSERT
  logic live_q, valid_q;  // of the ungated clock

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, valid_q} <= '0;
    end else begin
      live_q  <= 1'b1;
      valid_q <= valid_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) a_latency: assert (valid_o == valid_q);
  end
`endif

endmodule
