// SPDX-License-Identifier: Apache-2.0
//
// Proves that the requantization of trine_post_lane (op 0) equals the reference kernels of gemmlowp
// and TFLite, with one rounding or two:
//
//   y = clamp(zero_point + rdpot(rdhm((acc + bias) << max(shift, 0), multiplier), max(-shift, 0)),
//       act_min, act_max)
//   single: y = clamp(zero_point + ((x * multiplier + 2^(30 - shift)) >> (31 - shift)), act_min,
//       act_max)
//
// The formulas are written here as in those kernels. The result comes five cycles after its value.
// The inputs are reduced: accumulators have AccBits bits, multipliers have MulBits leading bits,
// and each proof covers one shift. Zero point and clamp are arbitrary. The multipliers are Booth
// rows.

module trine_post_lane_props #(
  parameter int unsigned AccBits = 6,
  parameter int unsigned MulBits = 3,
  parameter bit          Single  = 1'b0,
  parameter int unsigned Shift   = 61  // modulo 64: -3
) (
  input logic clk_i,
  input logic rst_ni,
  input logic in_valid_i
);

  localparam bit         single = Single;
  localparam logic [5:0] shift  = 6'(Shift);

  (* anyconst *) logic [AccBits-1:0] acc;
  (* anyconst *) logic [MulBits-1:0] top;
  (* anyconst *) logic [7:0]         zero_point, act_min, act_max;

  logic [31:0] x;
  logic [30:0] multiplier;
  logic        out_valid, product_valid;
  logic [7:0]  code;
  logic [41:0] product;

  assign x          = {{(32-AccBits){acc[AccBits-1]}}, acc};
  assign multiplier = {top, {(31-MulBits){1'b0}}};

  trine_job_pkg::cfg_t cfg;

  always_comb begin
    cfg            = '0;
    cfg.single     = single;
    cfg.zero_point = zero_point;
    cfg.act_min    = act_min;
    cfg.act_max    = act_max;
  end

  trine_post_lane #(.Multiplier(trine_mul_pkg::Booth)) u_dut (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .cfg_i           (cfg),
    .normalize_i     (1'b0),
    .in_valid_i      (in_valid_i),
    .in_op_i         (trine_post_pkg::OpRequant),
    .int16_i         (1'b0),
    .acc_i           (x),
    .low_i           (32'd0),
    .bias_i          (32'd0),
    .multiplier_i    (multiplier),
    .shift_i         (shift),
    .residual_i      (8'd0),
    .low_residual_i  (8'd0),
    .product_i       (1'b0),
    .out_valid_o     (out_valid),
    .code_o          (code),
    .int16_o         (),
    .low_o           (),
    .product_valid_o (product_valid),
    .product_o       (product)
  );

  // ---------------------------------------------------------------------------------------------
  // The reference, in 64 bits.
  // ---------------------------------------------------------------------------------------------
  logic signed [63:0] wide, factor, shifted, ab, nudged, high, rounded, one, value;
  logic signed [63:0] ones, remainder, threshold, half, zero, low, up;
  logic        [5:0]  left, right, total;

  assign wide   = {{32{x[31]}}, x};
  assign factor = {33'd0, multiplier};
  assign left   = shift[5] ? 6'd0 : shift;
  assign right  = shift[5] ? 6'd0 - shift : 6'd0;
  assign total  = 6'd31 - shift;

  // SaturatingRoundingDoublingHighMul: (ab + nudge) / 2^31, truncated towards zero; the multiplier
  // is never -2^31.
  assign shifted = wide <<< left;
  assign ab      = shifted * factor;
  assign nudged  = ab[63] ? ab + 64'sd1 - 64'sd1073741824 : ab + 64'sd1073741824;
  assign high    = nudged[63] ? -((-nudged) >>> 31) : nudged >>> 31;
  // RoundingDivideByPOT: ties away from zero.
  assign ones      = (64'sd1 <<< right) - 64'sd1;
  assign remainder = high & ones;
  assign threshold = (ones >>> 1) + {63'd0, high[63]};
  assign rounded   = (high >>> right) + (remainder > threshold ? 64'sd1 : 64'sd0);
  // One rounding, ties up.
  assign half = 64'sd1 <<< (total - 6'd1);
  assign one  = (wide * factor + half) >>> total;

  assign zero = {{56{zero_point[7]}}, zero_point};
  assign low  = {{56{act_min[7]}}, act_min};
  assign up   = {{56{act_max[7]}}, act_max};

  logic signed [7:0] clamped;
  always_comb begin
    value   = (single ? one : rounded) + zero;
    clamped = value[7:0];
    if (value < low) clamped = $signed(act_min);
    if (value > up) clamped = $signed(act_max);
  end

  // The values on their way.
  logic [4:0] flight_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) flight_q <= 5'd0;
    else flight_q <= {flight_q[3:0], in_valid_i};
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    else assume (rst_ni);
    assume ($signed(act_min) <= $signed(act_max));
    if (rst_ni) begin
      a_latency: assert (out_valid == flight_q[4]);
      if (out_valid) a_code: assert (code == $unsigned(clamped));
      c_code: cover (out_valid && code == 8'd5 && zero_point == 8'd4);
      c_up:   cover (out_valid && code == act_max && act_max == 8'd7 && top == MulBits'(5));
    end
  end

endmodule
