// SPDX-License-Identifier: Apache-2.0
//
// Requantizes a sum, adds or multiplies two codes, or squares their difference, on one multiplier.
// It is the post-processing lane. Its requantization equals TFLite's, bit by bit.
//
//   op 0, requant   y = clamp(zero_point + M(acc + bias, multiplier, shift), act_min, act_max)
//   op 1, add       y = clamp(add_zero_point + M(A + B, add_multiplier, add_shift),
//                             add_act_min, add_act_max),  operand a is acc_i[7:0]
//   op 2, fused     op 1 with op 0's y as operand a; with max instead max(y, residual)
//   op 3, mul       y = clamp(zero_point + M((a - add_zero_a) * (b - add_zero_b), multiplier,
//                             shift), act_min, act_max),  operands as in op 1
//   op 1, square  y = clamp(zero_point + M(d * d, multiplier, shift), act_min, act_max), d = A+B
//                 with v - z shifted by 7 instead of 20
//
//   op 0, normalize_i  y = clamp(zero_point + M(n + bias, multiplier, -32 + shift[4:0]), ..),
//                   n = (acc * multiplier + 2^26) >> 27, negated if shift[5] = 0; the first
//                   multiplier is the value's, the second the channel's
//
//   op 0, int16_i   16-bit y of 256 acc + low + bias (trine_post_factors, trine_post_clamp). This
//                   sum has 32 bits, 40 with single and without static_scale, or 48 with fifth.
//                   With leaky, add_multiplier and add_shift are the scale where acc < 0. With
//                   line, the result is line_o
//   ops 1, 3, int16_i   16-bit codes without zero points; A, B of v << 15, with subtract A - B
//
//   product         with product_i, op 0 gives only bits 61..20 of (acc + bias) * multiplier, in
//                   the cycle of product_valid_o; then shift_i >= 0. With normalize_i, no bias is
//                   added
//
//   A, B            M((v - z) << 20, s) of operand a (v = a, z = add_zero_a) and of operand b (v =
//                   residual, z = add_zero_b). One of the two scales is exactly 1/2: operand a's if
//                   add_a_is_half_i; the other is add_operand_multiplier, add_operand_shift
//   M(x, q, shift)  double (single = 0): rdpot(rdhm(x << max(shift, 0), q), max(-shift, 0)), the
//                   two roundings of TFLite's reference (rounding_doubling_high_multiply and
//                   rounding_divide_by_pot); single: (x*q + 2^(30-shift)) >> (31-shift)
//
// half_even applies to the last rounding of the requantization or of the sum. In a tie, t[0] is 1
// and all bits below t[0] are 0. A tie then rounds to even: y = t >> 1 if t[1] is 0.
//
// Both roundings are done in one step. For shift >= 0, double equals single. For shift < 0:
//
//   rdpot(rdhm(x, q), -shift) = (x*q + n*2^30 + 2^(30-shift)) >> (31-shift),  n = x < 0 ? -1 : 1
//
// The term n*2^30 is added in the carry-save tree of the product (trine_mul's nudge). The other
// term is t[0] of t = sum >> (30-shift), where y = (t >> 1) + t[0].
//
// A square passes the multiplier twice. Its second factor is d modulo 2^31. The low 31 bits of the
// product contain all of d * d < 2^30, and do not depend on the sign of d.
//
// Timing    Throughput is 1 value per cycle for ops 0, 1 and 3, and 1/2 for op 2, squares and
//           normalized values. The constants Lane.. of trine_post_pkg are the numbers of cycles
//           from in_valid_i to out_valid_o:
//             LaneRequant = 5 (also op 2 with max), LaneAdd = 7 (also op 3), LaneFused = 12,
//             LaneSquare = 9, LaneNormalize = 7
//           From in_valid_i to product_valid_o there are 2 cycles. Values of ops 0 and 2 enter the
//           multiplier in the cycle of in_valid_i, and values of ops 1 and 3 enter 2 cycles later.
//           Values of op 2 enter again 7 cycles later. This distance is odd, so that op 2 in every
//           second cycle interleaves with itself. Squares and normalized values enter again after 2
//           cycles.
// Contract  Op 2 comes at most in every second cycle. Squares and normalized values do not come in
//           two cycles n and n + 2. The pipeline must be empty before the op changes, and before
//           op 2 changes from even to odd cycles or back. An assertion checks that no two
//           values enter the multiplier at once. bias, multiplier and shift belong to the value's
//           output channel. For op 3, squares and normalized values, they must be equal for all
//           values, because they are used later than in_valid_i. Op 3 and normalized values use
//           them 2 cycles later (normalized values also the bias), and squares 4 cycles later. x <<
//           max(shift, 0) fits in 32 bits. add_operand_shift <= 0, and for a square the operand's
//           factor is at most 1/2. act_min <= act_max. half_even comes only with single. The
//           configuration and in_op_i are stable while values are in flight. Op 0 is an exception:
//           it uses `single` in the cycle of in_valid_i, and half_even, zero point and bounds 4
//           cycles later.
//
// Check     trine_post_lane_tb

module trine_post_lane #(
  parameter bit Products   = 1'b1,  // supports product_i and normalize_i
  parameter bit Pairs      = 1'b1,  // supports ops 1 and 3, and op 2 without max
  parameter bit Again      = 1'b1,  // supports op 2 without max, with Pairs
  parameter bit Int16      = 1'b0,  // supports int16_i
  parameter bit Formats    = 1'b0,  // codes of eight-bit formats; requires Int16
  parameter int Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned CodeBits = Int16 ? 16 : 8,
  localparam int unsigned TBits    = !Int16 ? 10 : Formats ? trine_post_pkg::FormatBits
                                     : trine_post_pkg::LineBits,
  localparam int unsigned OutBits  = Int16 ? trine_post_pkg::LineBits : CodeBits
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  // The job's configuration (max, square, single, static_scale, half_even, zero_point, act_.. and
  // add_.. are read); a normalized value.
  input  trine_job_pkg::cfg_t cfg_i,
  input  logic                normalize_i,

  input  logic                in_valid_i,
  input  trine_post_pkg::op_t in_op_i,
  input  logic                int16_i,
  input  logic [31:0]         acc_i,
  input  logic [31:0]         low_i,  // sum of the low bytes; acc_i has weight 256
  input  logic [7:0]          above_i,  // with fifth: bits above acc_i
  input  logic [15:0]         top_i,    // with fifth: has weight 2^32
  input  logic [31:0]         bias_i,
  input  logic [30:0]         multiplier_i,
  input  logic [5:0]          shift_i,
  input  logic [7:0]          residual_i,
  input  logic [7:0]          low_residual_i,
  input  logic                product_i,

  output logic                out_valid_o,
  output logic [7:0]          code_o,
  output logic                int16_o,  // code_o is a high byte, low_o its low byte
  output logic [7:0]          low_o,
  output logic [trine_post_pkg::LineBits-1:0] line_o,  // for trine_interpolate, with int16_o
  output logic                product_valid_o,
  output logic [41:0]         product_o
);

  // A pass through the multiplier. These flags travel with their value.
  localparam int unsigned Stages = 5;

  logic [Stages:1] valid_q;  // [k]: the registers after stage k hold a value
  logic [2:1]      product_q;  // a product without a code
  logic [4:1]      add_q;    // the value is the sum of two operands
  logic [Stages:1] again_q;  // its code becomes operand a
  logic [Stages:1] int16_q;  // its code has 16 bits
  logic            operand_valid_q, scaled_valid_q;
  // the product enters again: a difference to be squared, or a normalized value
  logic [2:1]      twice_q;

  logic in_requant, in_pair, in_product, mul, square, root, normalize, twice, start;
  logic second;  // the code becomes operand a, unless max is set

  assign in_requant = in_valid_i && !in_op_i[0];
  assign in_pair    = in_valid_i && in_op_i[0] && Pairs;  // add, mul
  assign in_product = in_requant && product_i && Products;
  assign mul        = in_op_i == trine_post_pkg::OpMul && Pairs;
  assign square     = cfg_i.square && in_op_i == trine_post_pkg::OpAdd && Pairs;
  assign normalize  = normalize_i && Products;
  assign root       = square && scaled_valid_q;
  assign twice      = root || (in_requant && normalize && !in_product);
  assign second     = Again && Pairs && valid_q[Stages] && again_q[Stages];
  assign start      = in_requant || scaled_valid_q || twice_q[2];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q         <= '0;
      product_q       <= '0;
      twice_q         <= '0;
      operand_valid_q <= 1'b0;
      scaled_valid_q  <= 1'b0;
    end else begin
      valid_q         <= {valid_q[Stages-1:1], start && !in_product && !twice};
      product_q       <= {product_q[1], in_product};
      twice_q         <= {twice_q[1], twice};
      operand_valid_q <= in_pair || (second && !cfg_i.max);
      scaled_valid_q  <= operand_valid_q;
    end
  end

  always_ff @(posedge clk_i) begin
    add_q   <= {add_q[3:1], Pairs && !in_requant && !mul && !square && !normalize};
    again_q <= {again_q[Stages-1:1], in_requant && in_op_i == trine_post_pkg::OpFused};
    int16_q <= {int16_q[Stages-1:1], Int16 && int16_i};
  end

  // ---------------------------------------------------------------------------------------------
  // Operands of addition and product. The residual waits for operand a. Op 2 comes at most every
  // second cycle, so one register that holds its value for two cycles replaces two registers.
  // ---------------------------------------------------------------------------------------------
  logic [OutBits-1:0] code_d, code_q;
  logic [7:0] residual_q, residual_q2;

  always_ff @(posedge clk_i) begin
    if (in_requant && in_op_i == trine_post_pkg::OpFused) residual_q <= residual_i;
    if (valid_q[2] && again_q[2]) residual_q2 <= residual_q;
  end

  logic signed [31:0] pair_a, pair_b;  // addends of stage 1
  logic               pair_carry;

  if (Pairs) begin : gen_operand
    logic [CodeBits-1:0] operand_a, operand_b;

    if (Int16) begin : gen_whole
      assign operand_a = int16_i ? {acc_i[7:0], low_i[7:0]} : CodeBits'(acc_i[7:0]);
      assign operand_b = int16_i ? {residual_i, low_residual_i} : CodeBits'(residual_i);
    end else begin : gen_code
      assign operand_a = acc_i[7:0];
      assign operand_b = residual_i;
    end

    trine_post_operand #(.Int16(Int16), .Multiplier(Multiplier)) u_operand (
      .clk_i,
      .cfg_i,
      .square_i        (square),
      .mul_i           (mul),
      .int16_i         (int16_i),
      .in_pair_i       (in_pair),
      .a_i             (operand_a),
      .b_i             (operand_b),
      .code_i          (Again ? code_q[7:0] : acc_i[7:0]),
      .residual_i      (Again ? residual_q2 : residual_i),
      .load_a_i        (in_pair || second),
      .load_b_i        (in_pair || (Again && valid_q[4] && again_q[4])),
      .operand_valid_i (operand_valid_q),
      .addend_a_o      (pair_a),
      .addend_b_o      (pair_b),
      .carry_o         (pair_carry)
    );
  end else begin : gen_no_operand
    logic unused_operand;
    assign {pair_a, pair_b, pair_carry} = '0;
    assign unused_operand = ^{residual_q2, operand_valid_q};
  end

  // ---------------------------------------------------------------------------------------------
  // Stage 1: acc + bias, or the addends of a pair. There is one adder: the rounding of B is its
  // carry. A square passes this stage twice. With leaky the sign of the high bytes' sum selects the
  // scale.
  // ---------------------------------------------------------------------------------------------
  logic               carry_in;
  logic signed [31:0] addend_a, addend_b;
  logic        [30:0] multiplier_d;
  logic        [5:0]  shift_d, amount_d, amount_q, amount_q2;
  logic               own_scale;  // multiplier_i, shift_i instead of add_..
  logic               nudge_d, nudge_q;

  logic        [61:0] product;  // of stage 2

  always_comb begin
    addend_a = pair_a;
    addend_b = pair_b;
    carry_in = pair_carry;
    if (twice_q[2]) begin
      addend_a = $signed({1'b0, product[30:0]});
      addend_b = '0;
      carry_in = 1'b0;
    end
    if (in_requant || !(Pairs || Products)) begin
      addend_a = $signed(acc_i);
      addend_b = $signed(bias_i);
      carry_in = 1'b0;
    end
    if (normalize) begin
      if (twice_q[2]) begin
        addend_a = $signed(product[58:27] ^ {32{!shift_i[5]}});
        carry_in = product[26] ^ !shift_i[5];
      end
      addend_b = twice_q[2] ? $signed(bias_i) : '0;
    end
    multiplier_d = own_scale ? multiplier_i : cfg_i.add_multiplier;
    shift_d      = own_scale ? shift_i : cfg_i.add_shift;
    if (normalize && twice_q[2]) shift_d[5] = 1'b1;
  end

  assign own_scale = (in_requant && !(Int16 && cfg_i.leaky && int16_i && acc_i[31])) || mul ||
                     square || normalize || !(Pairs || Int16);
  assign amount_d = 6'd30 - shift_d;  // of t = sum >> amount: 0..61
  assign nudge_d  = !cfg_i.single && shift_d[5] && !root;

  always_ff @(posedge clk_i) begin
    if (start) begin
      amount_q <= amount_d;
      nudge_q  <= nudge_d;
    end
  end

  logic [31:0] factor_a, factor_upper;
  logic [30:0] factor_b;

  trine_post_factors #(.Int16(Int16), .Formats(Formats)) u_factors (
    .clk_i,
    .start_i      (start),
    .int16_i      (int16_i && in_requant),
    .long_i       (cfg_i.single && (!cfg_i.static_scale || cfg_i.words)),
    .high_i       (acc_i),
    .low_i,
    .five_i       (cfg_i.fifth),
    .above_i,
    .top_i,
    .bias_i,
    .addend_a_i   (addend_a),
    .addend_b_i   (addend_b),
    .carry_i      (carry_in),
    .multiplier_i (multiplier_d),
    .root_i       (root),
    .a_o          (factor_a),
    .b_o          (factor_b),
    .upper_o      (factor_upper)
  );

  // ---------------------------------------------------------------------------------------------
  // Stage 2: the product in carry-save form. Its low bits are ready early, so they are added in
  // this stage. Each added bit saves a register.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned Low = 24;

  logic [62:0]     sum, carry;
  logic [Low:0]    low_q;
  logic [62:Low]   sum_q, carry_q;

  trine_mul #(
    .AWidth     (32),
    .BWidth     (31),
    .Split      (Int16),
    .Multiplier (Multiplier)
  ) u_mul (
    .a_i     (factor_a),
    .b_i     (factor_b),
    .upper_i (factor_upper),
    .nudge_i (nudge_q),
    .half_i  (1'b0),
    .high_i  (1'b0),
    .sum_o   (sum),
    .carry_o (carry)
  );

  always_ff @(posedge clk_i) begin
    if (valid_q[1] || product_q[1] || twice_q[1]) begin
      low_q     <= {1'b0, sum[Low-1:0]} + {1'b0, carry[Low-1:0]};
      sum_q     <= sum[62:Low];
      carry_q   <= carry[62:Low];
      amount_q2 <= amount_q;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Stages 3 and 4: t = product >> amount, two bits wider than a code, three for a line.
  // ---------------------------------------------------------------------------------------------
  logic [TBits-1:0] t;
  logic             below_t;

  trine_post_shift #(.Low(Low), .Bits(TBits)) u_shift (
    .clk_i,
    .first_i   (valid_q[2]),
    .low_i     (low_q),
    .sum_i     (sum_q),
    .carry_i   (carry_q),
    .amount_i  (amount_q2),
    .product_o (product),
    .second_i  (valid_q[3]),
    .t_o       (t),
    .below_o   (below_t)
  );

  assign product_valid_o = product_q[2];
  assign product_o       = product[61:20];

  // Stage 5: the last rounding, zero point, clamp.
  trine_post_clamp #(.CodeBits(CodeBits), .Formats(Formats)) u_clamp (
    .cfg_i,
    .add_i      (add_q[4]),
    .int16_i    (int16_q[4]),
    .max_i      (cfg_i.max && again_q[4]),
    .residual_i (residual_q2),
    .t_i        (t),
    .below_i    (below_t),
    .code_o     (code_d)
  );

  always_ff @(posedge clk_i) begin
    if (valid_q[4]) code_q <= code_d;
  end

  assign out_valid_o = valid_q[5] && (!again_q[5] || cfg_i.max);
  assign code_o      = int16_q[5] ? code_q[CodeBits-1 -: 8] : code_q[7:0];
  assign int16_o     = int16_q[5];
  assign low_o       = code_q[7:0];
  assign line_o      = Int16 ? trine_post_pkg::LineBits'(code_q) : '0;

  logic unused_cfg;
  assign unused_cfg = ^{cfg_i, low_residual_i};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  logic       held_q;  // a value of this op is on its way to the multiplier
  trine_post_pkg::op_t op_q;
  assign held_q = operand_valid_q || scaled_valid_q || twice_q != '0;

  logic [4:1] single_q, byte_q;  // of the values after each stage; 8-bit codes

  always_ff @(posedge clk_i) begin
    if (in_valid_i) op_q <= in_op_i;
    single_q <= {single_q[3:1], cfg_i.single};
    byte_q   <= {byte_q[3:1], !int16_i};
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      m_act_order: assume ($signed(cfg_i.act_min) <= $signed(cfg_i.act_max));
      m_add_act_order: assume (!(valid_q[4] && add_q[4] && byte_q[4]) ||
                               $signed(cfg_i.add_act_min) <= $signed(cfg_i.add_act_max));
      m_entry_free: assume (!((in_requant || twice_q[2]) && scaled_valid_q) &&
                            !(in_requant && twice_q[2]));
      m_operands_free: assume (!(in_pair && |(valid_q & again_q)));
      m_one_operation: assume (!(square && |(valid_q & again_q)));
      if (held_q) m_op_held: assume (in_op_i == op_q);
      if (cfg_i.half_even && valid_q[4]) m_one_rounding: assume (single_q[4]);
    end
  end
`endif

endmodule
