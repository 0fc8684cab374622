// SPDX-License-Identifier: Apache-2.0
//
// Computes the addends for sums and products of two codes, in front of the first stage of
// trine_post_lane. It computes the differences of the codes from their zero points. One of the
// differences is scaled.
//
//   a, b       v - z: of the pair that in_pair_i brings or, in a fused addition, of code_i and the
//              waiting residual; with int16 codes v
//   add        A + B = addend_a_o + addend_b_o + carry_o: the operand whose factor is 1/2, shifted,
//              and M((v - z) << 20, multiplier, shift), whose rounding is the carry
//   square_i   the same with v - z shifted by 7 instead of 20
//   int16_i    the same with v shifted by 15; with subtract A - B
//   mul_i      u * v = u * (v + 256) + (~u << 8 | 255) + 1, u = other, v = half; multiplier and
//              shift are not used. With int16 codes v + 32768
//
//   cycle            t                  t + 1               t + 2
//   load_a_i         the registers of   operand_valid_i     the addends
//                    v - z are loaded
//
// The multiplier does not process the 20 zeros of the shift. Bit 30 of the full product is
// therefore bit 10 here. For a square, which has 7 zeros, it is bit 23. For a product of two codes,
// bit 11 is the lowest bit, and nothing is rounded. With Int16, all these positions are five bits
// higher: int16 codes are shifted by only 15, so an 8-bit difference includes five of its 20 zeros.
//
// The rounding term 2^30 is also added to negative products. A subtraction (a sign extension) costs
// more in a small tree than the detection of ties. A negative tie, where t[0] = 1 and all bits
// below are 0, is not rounded up.
//
// Timing    The latency is two cycles.
// Contract  In a fused addition, load_b_i comes one cycle before load_a_i: when the previous a has
//           left, and before the next residual arrives. The configuration holds while values are in
//           the module.
//
// Check     trine_post_lane_tb

module trine_post_operand #(
  parameter bit          Int16      = 1'b0,  // int16_i
  parameter int          Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned CodeBits = Int16 ? 16 : 8
) (
  input  logic                clk_i,

  // Fields read: single, subtract and add_..
  input  trine_job_pkg::cfg_t cfg_i,
  input  logic                square_i,
  input  logic                mul_i,
  input  logic                int16_i,

  // A pair of values, or the values of a fused addition.
  input  logic                in_pair_i,
  input  logic [CodeBits-1:0] a_i,
  input  logic [CodeBits-1:0] b_i,
  input  logic [7:0]          code_i,
  input  logic [7:0]          residual_i,
  input  logic                load_a_i,
  input  logic                load_b_i,

  // The registers hold both operands.
  input  logic                operand_valid_i,
  output logic signed [31:0]  addend_a_o,
  output logic signed [31:0]  addend_b_o,
  output logic                carry_o
);

  // The shift and width of an operand; the width of its product from the bit below the point on.
  localparam int unsigned Up         = Int16 ? 5 : 0;
  localparam int unsigned Bits       = Int16 ? 16 : 9;
  localparam int unsigned HalfBits   = Int16 ? 17 : 9;  // -half may be 32768
  localparam int unsigned ScaledBits = Int16 ? 33 : 30;
  localparam int unsigned Point      = 10 + Up, SquarePoint = 23 + Up;

  // ---------------------------------------------------------------------------------------------
  // v - z.
  // ---------------------------------------------------------------------------------------------
  logic                         load_half, load_other;
  logic signed [8:0]            byte_a, byte_b;
  logic signed [Bits-1:0]       diff_a, diff_b;
  logic signed [Bits-1:0]       half_q, other_q;  // the operand with scale 1/2; the other one
  logic signed [HalfBits-1:0]   half_q2;          // add: half_q; mul: ~u
  logic signed [ScaledBits-1:0] scaled_d, scaled_q;
  logic [Bits+30:0]             sum, carry, product;
  logic [30:0]                  factor;
  logic [5:0]                   shift;
  logic                         two_roundings, minus_half, minus_scaled;

  assign byte_a = 9'($signed(in_pair_i ? a_i[7:0] : code_i)) - 9'($signed(cfg_i.add_zero_a));
  assign byte_b = 9'($signed(in_pair_i ? b_i[7:0] : residual_i)) - 9'($signed(cfg_i.add_zero_b));

  if (Int16) begin : gen_int16
    assign diff_a = int16_i ? $signed(a_i) : $signed({{2{byte_a[8]}}, byte_a, 5'd0});
    assign diff_b = int16_i ? $signed(b_i) : $signed({{2{byte_b[8]}}, byte_b, 5'd0});
    assign factor = !mul_i   ? cfg_i.add_operand_multiplier
                  : int16_i ? {!half_q[15], half_q[14:0], 15'd0}
                            : {11'd0, !half_q[13], half_q[12:5], 11'd0};
  end else begin : gen_int8
    assign diff_a = byte_a;
    assign diff_b = byte_b;
    assign factor = mul_i ? {11'd0, !half_q[8], half_q[7:0], 11'd0} : cfg_i.add_operand_multiplier;
  end

  assign load_half  = cfg_i.add_a_is_half ? load_a_i : load_b_i;
  assign load_other = cfg_i.add_a_is_half ? load_b_i : load_a_i;

  always_ff @(posedge clk_i) begin
    if (load_half) half_q <= cfg_i.add_a_is_half ? diff_a : diff_b;
    if (load_other) other_q <= cfg_i.add_a_is_half ? diff_b : diff_a;
  end

  // ---------------------------------------------------------------------------------------------
  // The scaled operand.
  // ---------------------------------------------------------------------------------------------
  assign shift         = mul_i ? 6'd0 : cfg_i.add_operand_shift;
  assign two_roundings = !cfg_i.single && shift[5];

  trine_mul #(
    .AWidth     (Bits),
    .BWidth     (31),
    .HalfBit    (Point),
    .HighBit    (SquarePoint),
    .Multiplier (Multiplier)
  ) u_mul (
    .a_i     (other_q),
    .b_i     (factor),
    .upper_i ('0),
    .nudge_i (1'b0),
    .half_i  (two_roundings && !square_i),
    .high_i  (two_roundings && square_i),
    .sum_o   (sum),
    .carry_o (carry)
  );

  assign product = sum + carry;

  // The lowest bit is already rounded, or becomes t[0].
  always_comb begin
    scaled_d = ScaledBits'($signed({product[Bits+30:Point+1], product[Point] && !two_roundings}));
    if (square_i) begin
      scaled_d = ScaledBits'($signed({product[Bits+30:SquarePoint+1],
                                      product[SquarePoint] && !two_roundings}));
    end
    // A 16-bit factor occupies the highest of the 31 bits, and is one bit lower than a 9-bit
    // factor.
    if (Int16 && mul_i && int16_i) scaled_d = ScaledBits'($signed(product[Bits+30:Point-1]));
  end

  logic signed [HalfBits-1:0] half, other;
  assign half  = HalfBits'(half_q);
  assign other = HalfBits'(other_q);

  // With subtract, the second operand is subtracted, which is either the half or the scaled one.
  assign minus_half   = Int16 && cfg_i.subtract && !cfg_i.add_a_is_half;
  assign minus_scaled = Int16 && cfg_i.subtract && cfg_i.add_a_is_half;

  always_ff @(posedge clk_i) begin
    if (operand_valid_i) begin
      scaled_q <= scaled_d;
      half_q2  <= half;
      if (minus_half) half_q2 <= -half;
      if (mul_i) half_q2 <= ~other;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The addends. |A + B| is below 2^28, with int16 codes 2^31, for a square 2^15.
  // ---------------------------------------------------------------------------------------------
  logic signed [ScaledBits-1:0] t_operand;
  logic [4:0]                   right;
  logic                         below;

  assign right = 5'd0 - shift[4:0];

  always_comb begin
    t_operand = scaled_q;
    below     = 1'b0;
    for (int unsigned i = 0; i < 5; i++) begin
      if (right[i]) begin
        below     = below || (t_operand & ~({ScaledBits{1'b1}} << (1 << i))) != '0;
        t_operand = t_operand >>> (1 << i);
      end
    end
  end

  always_comb begin
    addend_a_o = 32'($signed({half_q2, {(19-Up){1'b0}}}));
    addend_b_o = 32'($signed(t_operand[ScaledBits-1:1])) ^ {32{minus_scaled}};
    carry_o    = (t_operand[0] && !(two_roundings && scaled_q[ScaledBits-1] && !below)) ^
                 minus_scaled;
    if (square_i) addend_a_o = 32'($signed({half_q2, {(6-Up){1'b0}}}));
    if (mul_i) begin
      addend_a_o = 32'($signed({half_q2, {(8-Up){1'b1}}}));
      if (Int16 && int16_i) addend_a_o = 32'($signed({half_q2, {15{1'b1}}}));
      carry_o = 1'b1;
    end
  end

  logic unused_bits;
  assign unused_bits = ^{cfg_i, int16_i, product[Point-1:0]};

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    if (in_pair_i) m_pair_loads: assume (load_a_i && load_b_i);
    if (int16_i && operand_valid_i) m_int16_alone: assume (!square_i);
    if (mul_i) a_mul_exact: assert (!two_roundings && right == '0);
    c_fused: cover (load_a_i && !load_b_i);
  end
`endif

endmodule
