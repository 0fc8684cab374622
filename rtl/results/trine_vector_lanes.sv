// SPDX-License-Identifier: Apache-2.0
//
// Reduces between the lanes of the vector engine: folds sums, compares int16 codes, combines
// channels. It also contains the lanes.
//
//   fold    the upper half of the lanes is added to the lower half, repeatedly; with int16 codes
//           lanes of high and of low bytes remain
//   pairs   lanes 2n and 2n + 1 compare int16 codes
//   row     the four slots of a lane, which contain a pixel's channels, are reduced to slot 0:
//           slots 2 and 3 go to 0 and 1, then 1 to 0, by the current operation
//   minus   the largest code is subtracted from all slots, as a complemented tap
//
// Timing    Throughput is one tap, or one fold, per cycle. A row takes 6 cycles of fold_i, because
//           extrema use every second cycle.
// Contract  See trine_vector_lane. There are no answers with fold_i.
//
// Check     trine_vector_tb; random_program_test (whole core)

module trine_vector_lanes #(
  parameter int unsigned Rows    = 8,
  parameter bit          Ternary = 1'b0,
  parameter bit          Binary  = 1'b0,
  parameter bit          Softmax = 1'b0,
  parameter bit          Int16   = 1'b0,  // Rows is even
  parameter bit          Formats = 1'b0,  // pairs may have a third tap
  localparam int         Folds    = $clog2(Rows),
  localparam int unsigned FoldBits = $clog2(Folds + 2)
) (
  input  logic                clk_i,

  input  logic [2:0]          op_i,
  input  logic                invert_i,
  input  logic                int16_i,    // 16-bit codes of pairs of lanes
  input  logic                widens_i,   // odd lanes have 8-bit codes
  input  logic                extremes_i, // extrema of 16-bit codes

  // Answers of the gather: words of these lanes. first_i: the first tap of a window. done_i: all
  // lanes have arrived.
  input  logic [Rows-1:0]     lanes_i,
  input  logic [Rows*32-1:0]  data_i,
  input  logic                first_i,
  input  logic                third_i,    // the third tap of a pair
  input  logic                done_i,

  // With cut_i, the word has no codes in the bytes after last_byte_i. These bytes are never the
  // extremum, and add nothing to a sum of int16 codes.
  input  logic                cut_i,
  input  logic [1:0]          last_byte_i,

  // With row_i (int16 codes, whose low bytes are unsigned in sums), fold_i reduces a row until the
  // cycle of turned_o. With rest_i, fold_i subtracts the largest code instead.
  input  logic                fold_i,
  input  logic [FoldBits-1:0] fold_step_i,  // half of the lanes, as a power of two, + 1

  input  logic                row_i,
  input  logic                rest_i,
  input  logic [Rows*8-1:0]   largest_i,
  output logic                turned_o,

  output logic [Rows*96-1:0]  slots_o
);

  localparam logic [2:0] OpMin = trine_isa_pkg::VectorOpMin[2:0];

  logic [3:0] greater [Rows], equal [Rows];  // a tap's bytes are above the slots', equal
  logic       row, two, turn, minus, extremes;
  logic [2:0] turn_q;

  always_ff @(posedge clk_i) turn_q <= fold_i ? turn_q + 3'd1 : '0;

  assign row      = Int16 && row_i;
  assign extremes = Int16 && extremes_i;
  assign two      = row && fold_i && !rest_i && turn_q == 3'd1;
  assign turn     = two || (row && fold_i && !rest_i && turn_q == 3'd3);
  assign turned_o = row && fold_i && !rest_i && turn_q == 3'd5;
  assign minus    = Softmax && row && fold_i && rest_i;

  for (genvar l = 0; l < Rows; l++) begin : gen_lane
    localparam int High = Int16 ? l / 2 * 2 : l, Low = Int16 ? l / 2 * 2 + 1 : l;
    localparam bit Odd  = l % 2 != 0;
    logic [71:0] above;  // slots 1 to 3
    logic [95:0] other;
    logic [31:0] word;
    logic [7:0]  filler;
    logic        fold, tap;

    assign above = slots_o[l*96 + 24 +: 72];

    // In the sums of a row, bytes without a code are 0. In maxima, they are the smallest code.
    always_comb begin
      filler = 8'h80;
      if (row) filler = {8{op_i == OpMin}} ^ {!Odd, 7'd0};
      if (row && !extremes) filler = '0;
    end

    always_comb begin
      tap  = lanes_i[l] || (turn && extremes) || minus;
      word = data_i[l*32 +: 32];
      for (int unsigned b = 1; b < 4; b++) begin
        if (cut_i && 2'(b) > last_byte_i) word[8*b +: 8] = filler;
      end
      if (turn) word[15:0] = {above[48 +: 8], two ? above[24 +: 8] : above[0 +: 8]};
      if (minus) word = ~{4{largest_i[l*8 +: 8]}};
    end

    always_comb begin
      other = '0;
      fold  = 1'b0;
      for (int k = 0; k < Folds; k++) begin
        if (l < (1 << k) && l + (1 << k) < Rows && fold_i && !extremes && !row &&
            fold_step_i == FoldBits'(k + 1)) begin
          fold  = 1'b1;
          other = slots_o[(l + (1 << k) < Rows ? l + (1 << k) : 0)*96 +: 96];
        end
      end
      if (turn && !extremes) begin
        fold        = 1'b1;
        other[47:0] = {above[48 +: 24], two ? above[24 +: 24] : above[0 +: 24]};
      end
    end

    trine_vector_lane #(
      .Ternary (Ternary), .Binary (Binary), .Int16 (Int16), .Formats (Formats)
    ) u_lane (
      .clk_i,
      .op_i,
      .invert_i,
      .low_i     (Int16 && int16_i && !widens_i && Odd),
      .whole_i   (row),
      .wide_i    (extremes),
      .done_i    ({done_i, done_i || turn}),
      .tap_i     (tap),
      .first_i   (first_i && !turn && !minus),
      .third_i,
      .word_i    (word),
      .fold_i    (fold),
      .other_i   (other),
      .slots_o   (slots_o[l*96 +: 96]),
      .greater_o (greater[l]),
      .equal_o   (equal[l]),
      .greater_i (greater[High] | (equal[High] & greater[Low]))
    );
  end

  logic unused_lanes;
  assign unused_lanes = ^{row_i, extremes_i, rest_i, largest_i, turn_q};

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    if (fold_i) m_no_answer: assume (lanes_i == '0);
  end
`endif

endmodule
