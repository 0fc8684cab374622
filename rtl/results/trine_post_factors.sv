// SPDX-License-Identifier: Apache-2.0
//
// Computes the sum to be scaled and the multiplier's factors: stage 1 of trine_post_lane.
//
//   int16    x = (high << 8) + low + bias. x has 40 bits with long_i, and 32 bits without. With
//            five_i, x has 48 bits: above_i extends high, and top_i * 2^32 replaces the bias
//   other    x = addend_a + addend_b + carry, in 32 bits
//
//   product of trine_mul (Split)    a       b           upper
//   x of 32 bits, m of 31           x       m           m (without Int16 not read)
//   x of 48 bits, m of 15           {m, m}  x, 16 low   x, 32 high
//   x twice                         x       x           x
//
// A 15-bit multiplier leaves 16 bits of its scale entry unused. The highest byte of the bias is
// stored above the multiplier.
//
// Timing    The outputs are registers that start_i loads.
// Check     trine_post_lane_tb

module trine_post_factors #(
  parameter bit Int16   = 1'b0,  // sums of two lanes
  parameter bit Formats = 1'b0   // five_i
) (
  input  logic        clk_i,
  input  logic        start_i,

  input  logic        int16_i,   // the value is an int16 code
  input  logic        long_i,
  input  logic [31:0] high_i,    // sums of high and of low bytes
  input  logic [31:0] low_i,
  input  logic        five_i,
  input  logic [7:0]  above_i,
  input  logic [15:0] top_i,
  input  logic [31:0] bias_i,
  input  logic [31:0] addend_a_i,
  input  logic [31:0] addend_b_i,
  input  logic        carry_i,
  input  logic [30:0] multiplier_i,
  input  logic        root_i,    // the product is x * x, x of 31 bits

  output logic [31:0] a_o,
  output logic [30:0] b_o,
  output logic [31:0] upper_o
);

  if (Int16) begin : gen_pair
    localparam int unsigned Bits = Formats ? 48 : 40;

    logic [Bits-1:0] high, low, bias, a, b, x;
    logic            long;
    logic [14:0]     m;
    logic [15:0]     upper;  // x[47:32]; 40 bits are extended

    assign long = int16_i && long_i;
    assign m    = multiplier_i[14:0];
    assign low  = Bits'($signed(low_i));

    if (Formats) begin : gen_five
      // above_i is used only with five_i. Otherwise, it may be X in four-value simulation.
      assign high  = {above_i & {8{five_i}}, high_i, 8'd0};
      assign bias  = five_i ? {top_i, 32'd0} : {8'd0, multiplier_i[22:15], bias_i};
      assign upper = {five_i ? x[Bits-1 -: 8] : {8{x[39]}}, x[39:32]};
    end else begin : gen_three
      logic unused_five;
      assign unused_five = ^{five_i, above_i, top_i};
      assign high        = {high_i, 8'd0};
      assign bias        = {multiplier_i[22:15], bias_i};
      assign upper       = 16'($signed(x[39:32]));
    end

    // Three terms become two in front of the adder that all values use.
    always_comb begin
      a = Bits'(addend_a_i);
      b = Bits'(addend_b_i);
      if (int16_i) begin
        a = high ^ low ^ bias;
        b = ((high & low) | (bias & (high ^ low))) << 1;
      end
    end

    assign x = a + b + Bits'(carry_i && !int16_i);

    logic        long_q;
    logic [31:0] a_q;
    logic [15:0] lowest_q, middle_q, highest_q;  // of the multiplicands
    logic [30:0] factor;

    assign factor = root_i ? x[30:0] : multiplier_i;

    always_ff @(posedge clk_i) begin
      if (start_i) begin
        long_q    <= long;
        a_q       <= long ? {1'b0, m, 1'b0, m} : x[31:0];
        lowest_q  <= long ? x[15:0] : factor[15:0];
        middle_q  <= long ? x[31:16] : factor[15:0];
        highest_q <= long ? upper : {1'b0, factor[30:16]};
      end
    end

    assign a_o     = a_q;
    assign b_o     = {highest_q[14:0] & ~{15{long_q}}, lowest_q};
    assign upper_o = {Formats ? highest_q[15] : long_q && highest_q[14], highest_q[14:0], middle_q};
  end else begin : gen_one
    logic signed [31:0] x_d, x_q;
    logic        [30:0] multiplier_q;
    logic               unused_pair;

    assign x_d = $signed(addend_a_i) + $signed(addend_b_i) + $signed({31'd0, carry_i});

    always_ff @(posedge clk_i) begin
      if (start_i) begin
        x_q          <= x_d;
        multiplier_q <= root_i ? $unsigned(x_d[30:0]) : multiplier_i;
      end
    end

    assign a_o         = $unsigned(x_q);
    assign b_o         = multiplier_q;
    assign upper_o     = '0;
    assign unused_pair = ^{int16_i, long_i, high_i, low_i, bias_i, five_i, above_i, top_i};
  end

`ifdef TRINE_ASSERT
  logic started_q;

  initial started_q = 1'b0;

  // trine_mul requires this with Split.
  always_ff @(posedge clk_i) begin
    if (start_i) started_q <= 1'b1;
    if (started_q && Int16) a_split: assert (upper_o == {1'b0, b_o} || !a_o[15]);
  end
`endif

endmodule
