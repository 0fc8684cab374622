// SPDX-License-Identifier: Apache-2.0
//
// Sum of the codes of one stream of words, times a zero point, taken off a reduction's result:
//
//   step              acc = (first_i ? 0 : acc) - zero_i * (sum of the four bytes of word_i)
//       modulo 2^32
//   step with last_i  drain = the new acc
//
// valid_i, first_i and last_i belong to the word of Delay + 1 cycles before, whose product they
// find registered; load_i to the word itself.
//
// Timing    drain_o is valid in the cycle after a step with last_i and holds until the next one.
// Check     tb/trine_zero_points_tb.cpp

module trine_zero_sum #(
  parameter int unsigned Delay = 0
) (
  input  logic        clk_i,

  input  logic        load_i,
  input  logic [7:0]  zero_i,
  input  logic [31:0] word_i,

  input  logic        valid_i,
  input  logic        first_i,
  input  logic        last_i,
  output logic [31:0] drain_o
);

  logic signed [9:0]  sum;
  logic signed [17:0] product_q, late;
  logic [31:0]        acc_d, acc_q, drain_q;

  assign sum = 10'($signed(word_i[7:0])) + 10'($signed(word_i[15:8])) +
               10'($signed(word_i[23:16])) + 10'($signed(word_i[31:24]));

  always_ff @(posedge clk_i) begin
    if (load_i) product_q <= 18'(sum) * 18'($signed(zero_i));
  end

  if (Delay > 0) begin : gen_delay
    logic [18*Delay-1:0] chain_q;
    if (Delay > 1) begin : gen_chain
      always_ff @(posedge clk_i) chain_q <= {chain_q[18*(Delay-1)-1:0], product_q};
    end else begin : gen_one
      always_ff @(posedge clk_i) chain_q <= product_q;
    end
    assign late = chain_q[18*Delay-1 -: 18];
  end else begin : gen_none
    assign late = product_q;
  end

  assign acc_d = (first_i ? 32'd0 : acc_q) - 32'(late);

  always_ff @(posedge clk_i) begin
    if (valid_i) acc_q <= acc_d;
    if (valid_i && last_i) drain_q <= acc_d;
  end

  assign drain_o = drain_q;

endmodule
