// SPDX-License-Identifier: Apache-2.0
//
// Dot product of two 32-bit words: the arithmetic of one PE.
//
//   mode_i 0  int8     4 signed lanes of 8 bits: sum of the products
//          1  ternary  16 lanes of 2 bits, 00 = 0, 01 = +1, 11 = -1 (10 must not occur)
//          2  binary   32 lanes of 1 bit, 1 = +1, 0 = -1: 32 - 2 * popcount(act ^ wgt)
//
// Two bodies, the only ones in the design: `*` in simulation, which Verilator evaluates five times
// faster, and radix-4 Booth rows in one sum where SYNTHESIS is defined (Yosys does that), which
// Yosys turns into one carry-save tree, a third smaller than products and adders.
//
// Timing    combinational.
// Contract  mode_i names a precision that the parameters include.
//
// Check     verilator --lint-only -Wall [-DSYNTHESIS] trine_dot.sv
//           tb/trine_dot_tb.cpp: both bodies and the netlist against the golden model

module trine_dot #(
  parameter bit Int8    = 1'b1,
  parameter bit Ternary = 1'b1,
  parameter bit Binary  = 1'b1
) (
  input  logic        [1:0]  mode_i,
  input  logic        [31:0] act_i,
  input  logic        [31:0] wgt_i,
  output logic signed [17:0] dot_o  // -65,024 .. 65,536
);

  if (!Int8 && !Ternary && !Binary) begin : gen_bad_precisions
    $error("trine_dot: at least one of Int8, Ternary and Binary must be 1");
  end

  // The selected precision; constants where the parameters leave no choice. Neither: binary.
  logic int8, ternary;
  assign int8    = Int8 && ((!Ternary && !Binary) || mode_i == 2'd0);
  assign ternary = Ternary && (!Binary || mode_i[0]);

  // ---------------------------------------------------------------------------------------------
  // Ternary and binary count ones in 32 votes, of which 16 stand for zero. A ternary lane gives
  // one vote for "the product is +1" and one for "it is not -1"; a binary lane one, doubled.
  // ---------------------------------------------------------------------------------------------
  localparam logic [31:0] Low = 32'h5555_5555;  // the low bits of the ternary lanes

  logic        [31:0] equal, nonzero, votes;
  logic        [5:0]  count;
  logic signed [17:0] counted;

  assign equal   = act_i ~^ wgt_i;
  assign nonzero = act_i & wgt_i & Low;
  assign votes   = ternary ? (nonzero & (equal >> 1)) | ~(((nonzero & ~(equal >> 1)) << 1) | Low)
                           : equal;

  always_comb begin
    count   = 6'($countones(votes));
    counted = ternary ? 18'(count) - 18'sd16 : (18'(count) - 18'sd16) <<< 1;
  end

  // ---------------------------------------------------------------------------------------------
  // int8
  // ---------------------------------------------------------------------------------------------
  logic signed [17:0] products;

`ifndef SYNTHESIS
  always_comb begin
    products = 18'sd0;
    for (int unsigned lane = 0; lane < 4; lane++) begin
      products = products + 18'($signed(act_i[8*lane +: 8])) * 18'($signed(wgt_i[8*lane +: 8]));
    end
  end
`else
  // Booth digit j of a weight w is d = w[2j-1] + w[2j] - 2*w[2j+1]; its row is d * act in 9 bits,
  // negated by inversion plus a one at its foot. A row's sign bit s weighs -2^8 and
  // -s * 2^8 = (1 - s) * 2^8 - 2^8, so it enters inverted, and all the constants are one.
  localparam logic [17:0] RowSigns = 18'd0 - 18'd4 * 18'd256 * 18'd85;  // 85 = 1 + 4 + 16 + 64

  logic [8:0] digits, row;
  logic       negate, one, two;

  always_comb begin
    products = 18'd0;
    digits   = 9'd0;
    row      = 9'd0;
    negate   = 1'b0;
    one      = 1'b0;
    two      = 1'b0;
    for (int unsigned lane = 0; lane < 4; lane++) begin
      digits = {wgt_i[8*lane +: 8], 1'b0};
      for (int unsigned j = 0; j < 4; j++) begin
        negate   = digits[2*j+2];
        one      = digits[2*j+1] ^ digits[2*j];
        two      = (digits[2*j+2] ^ digits[2*j+1]) & ~one;
        row      = {9{negate}} ^ (({9{one}} & {act_i[8*lane+7], act_i[8*lane +: 8]}) |
                                  ({9{two}} & {act_i[8*lane +: 8], 1'b0}));
        products = products + (18'({~row[8], row[7:0]}) << (2 * j)) + (18'(negate) << (2 * j));
      end
    end
    products = products + RowSigns;
  end
`endif

  assign dot_o = int8 ? products : counted;

endmodule
