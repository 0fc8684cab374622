// SPDX-License-Identifier: Apache-2.0
//
// Registers a broadcast word, the flags that travel with it, and their valid bit.
//
// This is a separate module so that synthesis keeps one valid bit for each row and column, close to
// the registers and PEs that the bit drives. A single shared bit would drive thousands of gates.
//
// Timing    The latency is 1 cycle. The word and the flags are loaded only with valid_i.
//
// Check     verilator --lint-only -Wall trine_broadcast.sv; trine_array_tb

module trine_broadcast #(
  parameter int unsigned Flags = 4,
  parameter int unsigned Bits  = 32  // of the word
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             valid_i,
  input  logic [Flags-1:0] flags_i,
  input  logic [Bits-1:0]  word_i,

  output logic             valid_o,
  output logic [Flags-1:0] flags_o,
  output logic [Bits-1:0]  word_o
);

  logic             valid_q;
  logic [Flags-1:0] flags_q;
  logic [Bits-1:0]  word_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else         valid_q <= valid_i;
  end

  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      flags_q <= flags_i;
      word_q  <= word_i;
    end
  end

  assign valid_o = valid_q;
  assign flags_o = flags_q;
  assign word_o  = word_q;

endmodule
