// SPDX-License-Identifier: Apache-2.0
//
// Adds up the product's carry-save form and shifts it right with saturation: stages 3 and 4 of
// trine_post_lane.
//
//   t = product >> amount, saturated to Bits: beyond them every clamp saturates too
//   below     one of the bits that were shifted out, below t[0], is 1
//
// The first stage shifts by 32 and 16, and the second stage by 8, 4, 2 and 1. Each step keeps only
// the bits that the remaining steps can shift down into t. If a step does not shift, the bits that
// it drops must equal the sign. Otherwise t saturates.
//
// Timing    The latency is two cycles: values that come with first_i are in t_o two enabled cycles
//           later. second_i is first_i one cycle later. product_o is combinational.
// Contract  first_i and second_i only select the registers to be loaded.
//
// Check     trine_post_lane_tb

module trine_post_shift #(
  parameter int unsigned Low  = 24,  // bits of the product that are already added
  parameter int unsigned Bits = 10   // of t: two more than a code
) (
  input  logic          clk_i,

  input  logic          first_i,
  input  logic [Low:0]  low_i,     // with the carry into bit Low
  input  logic [62:Low] sum_i,
  input  logic [62:Low] carry_i,
  input  logic [5:0]    amount_i,  // 0..61
  output logic [61:0]   product_o,

  input  logic          second_i,
  output logic [Bits-1:0] t_o,
  output logic          below_o
);

  logic [62:0]      product;
  logic [Bits+30:0] by_32;
  logic [Bits+14:0] by_16_d, by_16_q;
  logic [Bits+6:0]  by_8;
  logic [Bits+2:0]  by_4;
  logic [Bits:0]    by_2;
  logic [Bits-1:0]  by_1, t_d, t_q;
  logic [3:0]       amount_q;
  logic             minus_q, over_high_d, over_high_q, over_low, below_high_q, below_q;

  assign product   = {sum_i + carry_i + {{(62-Low){1'b0}}, low_i[Low]}, low_i[Low-1:0]};
  assign product_o = product[61:0];

  assign by_32   = amount_i[5] ? {{Bits{product[62]}}, product[62:32]} : product[Bits+30:0];
  assign by_16_d = amount_i[4] ? by_32[Bits+30:16] : by_32[Bits+14:0];

  assign over_high_d = (!amount_i[5] && product[62:Bits+30] != {(33-Bits){product[62]}}) ||
                       (!amount_i[4] && by_32[Bits+30:Bits+14] != {17{by_32[Bits+30]}});

  always_ff @(posedge clk_i) begin
    if (first_i) begin
      by_16_q      <= by_16_d;
      over_high_q  <= over_high_d;
      minus_q      <= product[62];
      below_high_q <= (amount_i[5] && product[31:0] != '0) ||
                      (amount_i[4] && by_32[15:0] != '0);
      amount_q     <= amount_i[3:0];
    end
  end

  assign by_8 = amount_q[3] ? by_16_q[Bits+14:8] : by_16_q[Bits+6:0];
  assign by_4 = amount_q[2] ? by_8[Bits+6:4] : by_8[Bits+2:0];
  assign by_2 = amount_q[1] ? by_4[Bits+2:2] : by_4[Bits:0];
  assign by_1 = amount_q[0] ? by_2[Bits:1] : by_2[Bits-1:0];

  assign over_low = (!amount_q[3] && by_16_q[Bits+14:Bits+6] != {9{by_16_q[Bits+14]}}) ||
                    (!amount_q[2] && by_8[Bits+6:Bits+2] != {5{by_8[Bits+6]}}) ||
                    (!amount_q[1] && by_4[Bits+2:Bits] != {3{by_4[Bits+2]}}) ||
                    (!amount_q[0] && by_2[Bits] != by_2[Bits-1]);
  assign t_d      = over_high_q || over_low ? {minus_q, {(Bits-1){!minus_q}}} : by_1;

  always_ff @(posedge clk_i) begin
    if (second_i) begin
      t_q     <= t_d;
      below_q <= below_high_q || (amount_q[3] && by_16_q[7:0] != '0) ||
                 (amount_q[2] && by_8[3:0] != '0) || (amount_q[1] && by_4[1:0] != '0) ||
                 (amount_q[0] && by_2[0]);
    end
  end

  assign t_o     = t_q;
  assign below_o = below_q;

`ifdef TRINE_ASSERT
  // Values of one and two enabled cycles ago, and the result of a shift in one step.
  logic               first_q, second_q, in_range;
  logic signed [62:0] floor_q, floor_q2;

  localparam logic signed [62:0] Limit = 63'sd1 <<< (Bits - 1);

  assign in_range = floor_q2 >= -Limit && floor_q2 < Limit;

  initial {first_q, second_q} = 2'b00;

  always_ff @(posedge clk_i) begin
    first_q  <= first_i;
    second_q <= second_i;
    if (first_i) floor_q <= $signed(product) >>> amount_i;
    if (second_i) floor_q2 <= floor_q;
    if (second_i) m_second: assume (first_q);
    if (second_q) begin
      if (in_range) a_floor: assert (t_q == floor_q2[Bits-1:0]);
      if (!in_range) a_saturated: assert (t_q == {floor_q2[62], {(Bits-1){!floor_q2[62]}}});
      c_saturated: cover (!in_range);
    end
  end
`endif

endmodule
