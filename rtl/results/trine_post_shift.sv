// SPDX-License-Identifier: Apache-2.0
//
// Stages 3 and 4 of trine_post_lane: the product's carry-save form is added up and shifted.
//
//   t = product >> amount, saturated to 10 bits: beyond them every clamp saturates too
//   below     one of the bits that were shifted out, below t[0], is 1
//
// The shift goes down by 32 and 16 in the first stage, by 8, 4, 2 and 1 in the second one. Each
// step keeps the bits that the remaining steps can bring down; if it does not shift, the bits that
// it drops must repeat the sign, or t saturates.
//
// Timing    two cycles: values that are there with first_i are in t_o two enabled cycles later;
//           second_i is first_i one cycle later. product_o is combinational.
// Contract  first_i and second_i only say which registers are worth loading.
//
// Check     trine_post_lane_tb

module trine_post_shift #(
  parameter int unsigned Low = 24  // bits of the product that are added already
) (
  input  logic          clk_i,

  input  logic          first_i,
  input  logic [Low:0]  low_i,     // with the carry into bit Low
  input  logic [62:Low] sum_i,
  input  logic [62:Low] carry_i,
  input  logic [5:0]    amount_i,  // 0..61
  output logic [61:0]   product_o,

  input  logic          second_i,
  output logic [9:0]    t_o,
  output logic          below_o
);

  logic [62:0] product;
  logic [40:0] by_32;
  logic [24:0] by_16_d, by_16_q;
  logic [16:0] by_8;
  logic [12:0] by_4;
  logic [10:0] by_2;
  logic [9:0]  by_1, t_d, t_q;
  logic [3:0]  amount_q;
  logic        minus_q, over_high_d, over_high_q, over_low, below_high_q, below_q;

  assign product   = {sum_i + carry_i + {{(62-Low){1'b0}}, low_i[Low]}, low_i[Low-1:0]};
  assign product_o = product[61:0];

  assign by_32   = amount_i[5] ? {{10{product[62]}}, product[62:32]} : product[40:0];
  assign by_16_d = amount_i[4] ? by_32[40:16] : by_32[24:0];

  assign over_high_d = (!amount_i[5] && product[62:40] != {23{product[62]}}) ||
                       (!amount_i[4] && by_32[40:24] != {17{by_32[40]}});

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

  assign by_8 = amount_q[3] ? by_16_q[24:8] : by_16_q[16:0];
  assign by_4 = amount_q[2] ? by_8[16:4] : by_8[12:0];
  assign by_2 = amount_q[1] ? by_4[12:2] : by_4[10:0];
  assign by_1 = amount_q[0] ? by_2[10:1] : by_2[9:0];

  assign over_low = (!amount_q[3] && by_16_q[24:16] != {9{by_16_q[24]}}) ||
                    (!amount_q[2] && by_8[16:12] != {5{by_8[16]}}) ||
                    (!amount_q[1] && by_4[12:10] != {3{by_4[12]}}) ||
                    (!amount_q[0] && by_2[10] != by_2[9]);
  assign t_d      = over_high_q || over_low ? {minus_q, {9{!minus_q}}} : by_1;

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
  // Values that were here one and two enabled cycles ago, and what a shift without steps says.
  logic               first_q, second_q, in_range;
  logic signed [62:0] floor_q, floor_q2;

  assign in_range = floor_q2 >= -63'sd512 && floor_q2 < 63'sd512;

  initial {first_q, second_q} = 2'b00;

  always_ff @(posedge clk_i) begin
    first_q  <= first_i;
    second_q <= second_i;
    if (first_i) floor_q <= $signed(product) >>> amount_i;
    if (second_i) floor_q2 <= floor_q;
    if (second_i) m_second: assume (first_q);
    if (second_q) begin
      if (in_range) a_floor: assert (t_q == floor_q2[9:0]);
      if (!in_range) a_saturated: assert (t_q == {floor_q2[62], {9{!floor_q2[62]}}});
      c_saturated: cover (!in_range);
    end
  end
`endif

endmodule
