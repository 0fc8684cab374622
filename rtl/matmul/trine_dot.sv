// SPDX-License-Identifier: Apache-2.0
//
// Computes the dot product of two words of int8, ternary or binary values and adds it to a base.
// This is the arithmetic of one PE.
//
//   sum_o = base_i + dot(act_i, wgt_i)          modulo 2^32
//
//   mode_i 0  int8     4 signed lanes of 8 bits: sum of the products
//          1  ternary  16 lanes of 2 bits, 00 = 0, 01 = +1, 11 = -1 (10 counts as 0)
//          2  binary   32 lanes of 1 bit, 1 = +1, 0 = -1: 32 - 2 * popcount(act ^ wgt)
//          3  none     a masked tap, whose act_i is 0: the product is 0, computed as ternary or,
//                      without Ternary, as a constant
//
// Multiplier selects one of two implementations. `*` is five times faster in Verilator and suits
// FPGAs and tools with datapath generators. Radix-4 Booth rows in one sum become a single
// carry-save tree in Yosys, which is a third smaller than products and adders. With Booth rows,
// wgt_i contains the digits of the word. trine_booth_digits computes them once for all PEs of a
// column.
//
// Timing    The output is combinational.
// Contract  mode_i selects a precision that the parameters include.
//
// Check     verilator --lint-only -Wall [-GMultiplier=1] trine_mul_pkg.sv trine_dot.sv
//           trine_dot_tb: both bodies and the netlists against the golden model

module trine_dot #(
  parameter bit Int8       = 1'b1,
  parameter bit Ternary    = 1'b1,
  parameter bit Binary     = 1'b1,
  parameter int Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned WgtBits = Multiplier == trine_mul_pkg::Booth ? 48 : 32
) (
  input  logic [1:0]         mode_i,
  input  logic [31:0]        base_i,
  input  logic [31:0]        act_i,
  input  logic [WgtBits-1:0] wgt_i,
  output logic [31:0]        sum_o
);

  if (!Int8 && !Ternary && !Binary) begin : gen_bad_precisions
    $error("trine_dot: at least one of Int8, Ternary and Binary must be 1");
  end
  if (Multiplier != trine_mul_pkg::Operator &&
      Multiplier != trine_mul_pkg::Booth) begin : gen_bad_multiplier
    $error("trine_dot: Multiplier must be one of trine_mul_pkg");
  end

  // The selected precision, which is constant if the parameters leave no choice. Neither int8 nor
  // ternary means binary.
  logic int8, ternary, nothing;
  assign int8    = Int8 && ((!Ternary && !Binary) || mode_i == 2'd0);
  assign ternary = Ternary && (!Binary || mode_i[0]);
  assign nothing = !Ternary && Binary && mode_i[0];

  // ---------------------------------------------------------------------------------------------
  // Ternary and binary modes count the ones in 32 votes. 16 ones mean zero. A ternary lane votes
  // once if the product is +1 and once if it is not -1; a binary lane has one vote, which counts
  // double.
  // ---------------------------------------------------------------------------------------------
  localparam logic [31:0] Low = 32'h5555_5555;  // the low bits of the ternary lanes

  logic [31:0] equal, nonzero, votes;
  logic [5:0]  count;

  assign equal   = act_i ~^ wgt_i[31:0];
  assign nonzero = act_i & wgt_i[31:0] & Low;
  assign votes   = ternary ? (nonzero & (equal >> 1)) | ~(((nonzero & ~(equal >> 1)) << 1) | Low)
                           : equal;

  if (Multiplier == trine_mul_pkg::Operator) begin : gen_operator
    // Products by `*`. Products of 32 bits need no masks. The branch lets simulation count ones
    // only in modes that need it.
    logic [31:0] products, counted;

    assign products = 32'($signed(act_i[7:0])) * 32'($signed(wgt_i[7:0])) +
                      32'($signed(act_i[15:8])) * 32'($signed(wgt_i[15:8])) +
                      32'($signed(act_i[23:16])) * 32'($signed(wgt_i[23:16])) +
                      32'($signed(act_i[31:24])) * 32'($signed(wgt_i[31:24]));

    always_comb begin
      count   = 6'd0;
      counted = 32'd0;
      if (!int8) begin
        count   = nothing ? 6'd16 : 6'($countones(votes));
        counted = ternary ? {26'd0, count} - 32'd16 : {25'd0, count, 1'b0} - 32'd32;
      end
    end

    assign sum_o = base_i + (int8 ? products : counted);
  end else begin : gen_booth
    // A digit's row is digit * act in 9 bits, negated by inversion plus a one at its lowest bit. A
    // row's sign bit s weighs -2^8, and -s * 2^8 = (1 - s) * 2^8 - 2^8: the sign bit enters
    // inverted, and the -2^8 of all rows are one constant.
    //
    // biased = dot + 2^17 is never negative, so the high bits of the sum need an increment and a
    // decrement (ready early) instead of a sign extension's adder: 2 ns less at the same area.
    localparam logic [17:0] Signs = 18'd4 * 18'd256 * 18'd85;  // 4 lanes, 85 = 1 + 4 + 16 + 64
    localparam logic [17:0] Bias  = 18'h2_0000;

    logic [7:0]  act;
    logic [8:0]  row;
    logic        negate, one, two;
    logic [17:0] products, counted, biased;
    logic [18:0] low;

    always_comb begin
      products = 18'd0;
      act      = 8'd0;
      row      = 9'd0;
      {two, negate, one} = 3'd0;
      for (int unsigned k = 0; k < 16; k++) begin
        act      = act_i[8*(k/4) +: 8];
        {two, negate, one} = {wgt_i[32+k], wgt_i[2*k +: 2]};
        row      = {9{negate}} ^ (({9{one}} & {act[7], act}) | ({9{two}} & {act, 1'b0}));
        products = products + (18'({~row[8], row[7:0]}) << (2 * (k % 4))) +
                   (18'(negate) << (2 * (k % 4)));
      end
      products = products + (Bias - Signs);
    end

    assign count   = nothing ? 6'd16 : 6'($countones(votes));
    assign counted = ternary ? (Bias - 18'd16) + {12'd0, count}
                             : (Bias - 18'd32) + {11'd0, count, 1'b0};
    assign biased  = int8 ? products : counted;

    assign low   = {2'd0, base_i[16:0]} + {1'b0, biased};
    assign sum_o = {base_i[31:17] + {13'd0, low[18:17]} - 15'd1, low[16:0]};
  end

endmodule
