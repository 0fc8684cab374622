// SPDX-License-Identifier: Apache-2.0
//
// The operands of a sum or a product in trine_post_lane: differences to their zero points, of which
// one is scaled.
//
//   a, b       (v - z): of the value in_pair_i brings, or of a fused addition of code_i and the
//              residual that waits
//   add        half_o: the operand whose factor is 1/2; scaled_o: the other one's product,
//              M((v - z) << 20, multiplier, shift) before the shift and the last rounding
//   square_i   the same with v - z shifted by 7 instead of 20
//   mul_i      with u = other, v = half: half_o = ~u, scaled_o = u * (v + 256); multiplier and
//              shift do not count
//
//   cycle            t                  t + 1               t + 2
//   load_a_i         the registers of   operand_valid_i     half_o, scaled_o
//                    v - z are loaded
//
// The 20 zeros need no multiplier, so bit 30 of the product is bit 10 here; of a square, with 7
// zeros, bit 23. Of a product bit 11 is the lowest, and nothing is rounded.
//
// Timing    two cycles.
// Contract  of a fused addition load_b_i is one cycle before load_a_i: with a's predecessor gone,
//           and before the next residual arrives. The configuration holds while values are here.
//
// Check     trine_post_lane_tb

module trine_post_operand #(
  parameter int Multiplier = trine_mul_pkg::Operator
) (
  input  logic               clk_i,

  // Configuration.
  input  logic               single_i,
  input  logic               square_i,
  input  logic               mul_i,
  input  logic [7:0]         zero_a_i,
  input  logic [7:0]         zero_b_i,
  input  logic               a_is_half_i,
  input  logic [30:0]        multiplier_i,
  input  logic [5:0]         shift_i,

  // A pair of values; or those of a fused addition.
  input  logic               in_pair_i,
  input  logic [7:0]         a_i,
  input  logic [7:0]         b_i,
  input  logic [7:0]         code_i,
  input  logic [7:0]         residual_i,
  input  logic               load_a_i,
  input  logic               load_b_i,

  // The registers hold both operands.
  input  logic               operand_valid_i,
  output logic               two_roundings_o,  // of the scaled one, that differ from one
  output logic [4:0]         right_o,          // it is to be shifted right by
  output logic signed [8:0]  half_o,
  output logic signed [29:0] scaled_o          // product >> 10, square: >> 23
);

  logic               load_half, load_other;
  logic signed [8:0]  diff_a, diff_b;
  logic signed [8:0]  half_q, other_q;  // v - z: the operand scaled by 1/2, and the other one
  logic signed [8:0]  half_q2;          // add: half_q; mul: ~u
  logic signed [29:0] scaled_d, scaled_q;
  logic [39:0]        sum, carry, product;
  logic [30:0]        factor;
  logic [5:0]         shift;

  assign diff_a     = 9'($signed(in_pair_i ? a_i : code_i)) - 9'($signed(zero_a_i));
  assign diff_b     = 9'($signed(in_pair_i ? b_i : residual_i)) - 9'($signed(zero_b_i));
  assign load_half  = a_is_half_i ? load_a_i : load_b_i;
  assign load_other = a_is_half_i ? load_b_i : load_a_i;

  always_ff @(posedge clk_i) begin
    if (load_half) half_q <= a_is_half_i ? diff_a : diff_b;
    if (load_other) other_q <= a_is_half_i ? diff_b : diff_a;
  end

  assign factor          = mul_i ? {11'd0, !half_q[8], half_q[7:0], 11'd0} : multiplier_i;
  assign shift           = mul_i ? 6'd0 : shift_i;
  assign two_roundings_o = !single_i && shift[5];
  assign right_o         = 5'd0 - shift[4:0];

  trine_mul #(
    .AWidth     (9),
    .BWidth     (31),
    .HalfBit    (10),
    .HighBit    (23),
    .Multiplier (Multiplier)
  ) u_mul (
    .a_i     (other_q),
    .b_i     (factor),
    .upper_i ('0),
    .nudge_i (1'b0),
    .half_i  (two_roundings_o && !square_i),
    .high_i  (two_roundings_o && square_i),
    .sum_o   (sum),
    .carry_o (carry)
  );

  assign product = sum + carry;

  logic unused_product;
  assign unused_product = ^product[9:0];

  // The lowest bit has been rounded away already, or it will be t[0].
  always_comb begin
    scaled_d = $signed({product[39:11], product[10] && !two_roundings_o});
    if (square_i) begin
      scaled_d = 30'($signed({product[39:24], product[23] && !two_roundings_o}));
    end
  end

  always_ff @(posedge clk_i) begin
    if (operand_valid_i) begin
      scaled_q <= scaled_d;
      half_q2  <= mul_i ? ~other_q : half_q;
    end
  end

  assign half_o   = half_q2;
  assign scaled_o = scaled_q;

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    if (in_pair_i) m_pair_loads: assume (load_a_i && load_b_i);
    if (mul_i) a_mul_exact: assert (!two_roundings_o && right_o == '0);
    c_fused: cover (load_a_i && !load_b_i);
  end
`endif

endmodule
