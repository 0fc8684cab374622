// SPDX-License-Identifier: Apache-2.0
//
// Sum of the codes of one stream of words, times a zero point, taken off a reduction's result:
//
//   step              acc = (first_i ? 0 : acc) - zero_i * (sum of the four bytes of word_i)
//       modulo 2^AccBits
//   step with last_i  drain = the new acc
//
// valid_i, first_i and last_i belong to the word of Stages - 1 + Delay cycles before; load_i to the
// word itself. With two stages the product has a register.
//
// Timing    drain_o is valid in the cycle after a step with last_i and holds until the next one.
// Check     tb/trine_zero_points_tb.cpp

module trine_zero_sum #(
  parameter int unsigned Delay  = 0,
  parameter int unsigned Stages = 1,  // 1, 2
  parameter int unsigned AccBits = 32
) (
  input  logic        clk_i,

  input  logic        load_i,
  input  logic [7:0]  zero_i,
  input  logic [31:0] word_i,

  input  logic        valid_i,
  input  logic        first_i,
  input  logic        last_i,
  output logic [AccBits-1:0] drain_o
);

  localparam int unsigned Registers = Stages - 1 + Delay;  // between product and accumulator

  logic signed [9:0]  sum;
  logic signed [17:0] product, late;
  logic [AccBits-1:0] acc_d, acc_q, drain_q;

  assign sum = 10'($signed(word_i[7:0])) + 10'($signed(word_i[15:8])) +
               10'($signed(word_i[23:16])) + 10'($signed(word_i[31:24]));

  assign product = 18'(sum) * 18'($signed(zero_i));

  if (Registers > 0) begin : gen_registers
    logic signed [17:0] chain_q [Registers];
    always_ff @(posedge clk_i) begin
      if (load_i) chain_q[0] <= product;
      for (int unsigned k = 1; k < Registers; k++) chain_q[k] <= chain_q[k-1];
    end
    assign late = chain_q[Registers-1];
  end else begin : gen_none
    logic unused_load;
    assign late        = product;
    assign unused_load = load_i;
  end

  assign acc_d = (first_i ? '0 : acc_q) - AccBits'(late);

  always_ff @(posedge clk_i) begin
    if (valid_i) acc_q <= acc_d;
    if (valid_i && last_i) drain_q <= acc_d;
  end

  assign drain_o = drain_q;

endmodule
