// SPDX-License-Identifier: Apache-2.0
//
// Subtracts the zero-point terms of products of two maps from the array's sums as columns are read.
//
//   sum (a - za) * (b - zb) = sum a*b - zb * sum a - za * sum b + channels * za * zb
//
// Each row has a sum of its activation words, multiplied by the zero point of the weights. Each
// column has a sum of its weight words, multiplied by the zero point of the activations. Both sums
// are subtracted from a column as it is read. The compiler adds the last term, which is a constant,
// to the biases. If both zero points are 0, nothing changes.
//
//   column_o[r] = column_i[r] - wgt_zero * sum of row r - act_zero * sum of the column read
//       modulo 2^AccBits
//
// With pairs_i, act_zero applies only to odd rows, which contain the low bytes of int16 codes minus
// 128. The high bytes in even rows have no zero point.
//
// Most steps have no zero points and change no sum. A tile of such steps is processed only if the
// sums still have to be cleared after the previous tile.
//
// With Drain = 2, two neighbouring columns are read together.
//
// The sums are ready in the same cycle as the array's results. The sum of column c is overwritten
// together with the result of PE(0, c), c / PipeCols cycles after the sum of column 0. The sum of a
// row is needed until the last column is read. With more than PipeCols columns, it is therefore
// copied when column 0 is read.
//
// Timing    column_o is combinational from column_i and cols_i. Let last_i come in cycle t, and the
//           next last_i in cycle u. Column c may be read from cycle t + 1 + D(c) through cycle u +
//           D(c), with D(c) = PeStages + c / PipeCols.
// Contract  The columns of a tile are read in ascending order from 0, or have no zero points. The
//           zero points belong to the step.
//
// Check     trine_zero_points_tb; random_program_test (whole core)

module trine_zero_points #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned Cols     = 8,
  parameter int unsigned PipeCols = 8,
  parameter int unsigned PeStages = 2,  // as in trine_array
  parameter int unsigned AccBits  = 32,  // as in trine_array
  parameter int unsigned Drain    = 1,  // columns read at once: 1, 2
  parameter bit Int16             = 1'b0,  // pairs_i; Rows is even
  parameter bit ClockGates        = 1'b0,
  parameter int Multiplier        = trine_mul_pkg::Operator
) (
  input  logic               clk_i,
  input  logic               rst_ni,
  input  logic               test_en_i,  // opens the clock gate for scan

  // A step of the reduction, as the array gets it; its words come one cycle later.
  input  logic               valid_i,
  input  logic               first_i,
  input  logic               last_i,
  input  logic [7:0]         act_zero_i,
  input  logic [7:0]         wgt_zero_i,
  input  logic [Rows*32-1:0] act_i,
  input  logic [Cols*32-1:0] wgt_i,

  // As in trine_array: the columns that are read; odd_i: the first of two columns is odd.
  input  logic [Cols-1:0]    cols_i,
  input  logic               odd_i,
  input  logic               pairs_i,  // int16 results: even rows have no act_zero
  input  logic [Drain*Rows*AccBits-1:0] column_i,
  output logic [Drain*Rows*AccBits-1:0] column_o
);

  localparam int unsigned ColGroups = (Cols + PipeCols - 1) / PipeCols;
  localparam int unsigned Cycles    = PeStages - 1 + ColGroups;
  localparam int unsigned ZeroBits  = Multiplier == trine_mul_pkg::Booth ? 12 : 8;

  // A step is processed (counts) if the sums are not 0, or will not be 0 after it. tile_q: earlier
  // steps of the tile had zero points.
  logic counts, zeros, tile_q, sums_q;

  assign zeros  = {act_zero_i, wgt_zero_i} == '0;
  assign counts = valid_i && (!zeros || sums_q);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      tile_q <= 1'b0;
      sums_q <= 1'b1;
    end else if (counts) begin
      tile_q <= !zeros || (tile_q && !first_i);
      sums_q <= !(last_i && zeros && (first_i || !tile_q));
    end
  end

  // Bit k is the step's control k + 1 cycles later. The zero points of a step come with its words.
  logic [Cycles-1:0] valid_q, first_q, last_q;
  logic              clk;  // open while there are steps
  logic [ZeroBits-1:0] act_zero, wgt_zero, act_zero_q, wgt_zero_q;

  if (Multiplier == trine_mul_pkg::Operator) begin : gen_operator
    assign act_zero = act_zero_i;
    assign wgt_zero = wgt_zero_i;
  end else begin : gen_booth
    logic [31:0] word;
    logic [15:0] two;
    logic        unused_digits;  // digits of zeros
    trine_booth_digits #(.Ternary(1'b0), .Binary(1'b0)) u_booth_digits (
      .mode_i   (2'd0),
      .word_i   ({16'd0, wgt_zero_i, act_zero_i}),
      .digits_o ({two, word})
    );
    assign act_zero      = {two[3:0], word[7:0]};
    assign wgt_zero      = {two[7:4], word[15:8]};
    assign unused_digits = ^{two[15:8], word[31:16]};
  end

  if (ClockGates) begin : gen_gate
    trine_clock_gate u_gate (.clk_i, .en_i(counts || valid_q != '0), .test_en_i, .clk_o(clk));
  end else begin : gen_no_gate
    logic unused_test;
    assign clk         = clk_i;
    assign unused_test = test_en_i;
  end

  always_ff @(posedge clk or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else         valid_q <= Cycles'({valid_q, counts});
  end
  always_ff @(posedge clk) begin
    first_q <= Cycles'({first_q, first_i});
    last_q  <= Cycles'({last_q, last_i});
    if (counts) begin
      act_zero_q <= act_zero;
      wgt_zero_q <= wgt_zero;
    end
  end

  logic [Drain*AccBits-1:0] ports;    // even column, odd column
  logic [Drain*AccBits-1:0] col_sum;  // first column, second column

  for (genvar c = 0; c < Cols; c++) begin : gen_col
    localparam int unsigned At = PeStages - 1 + c / PipeCols;
    logic [AccBits-1:0] sum, read;
    trine_zero_sum #(
      .Delay(c / PipeCols), .Stages(PeStages), .AccBits(AccBits), .Multiplier(Multiplier)
    ) u_sum (
      .clk_i   (clk),
      .load_i  (valid_q[0]),
      .zero_i  (act_zero_q),
      .word_i  (wgt_i[32*c +: 32]),
      .valid_i (valid_q[At]),
      .first_i (first_q[At]),
      .last_i  (last_q[At]),
      .drain_o (sum)
    );

    if (c < Drain) begin : gen_first
      assign read = sum & {AccBits{cols_i[c]}};
    end else begin : gen_next
      assign read = gen_col[c-Drain].read | (sum & {AccBits{cols_i[c]}});
    end
    if (c + Drain >= Cols) begin : gen_port
      assign ports[AccBits*(c%Drain) +: AccBits] = read;
    end
  end

  logic unused_pairs;
  assign unused_pairs = pairs_i;

  for (genvar k = Cols; k < Drain; k++) begin : gen_no_column
    assign ports[AccBits*k +: AccBits] = '0;
  end

  if (Drain == 1) begin : gen_one
    logic unused_odd;
    assign col_sum    = ports;
    assign unused_odd = odd_i;
  end else begin : gen_two
    assign col_sum = odd_i ? {ports[0 +: AccBits], ports[AccBits +: AccBits]} : ports;
  end

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    logic [AccBits-1:0] live, row_sum;

    trine_zero_sum #(
      .Stages(PeStages), .AccBits(AccBits), .Multiplier(Multiplier)
    ) u_sum (
      .clk_i   (clk),
      .load_i  (valid_q[0]),
      .zero_i  (wgt_zero_q),
      .word_i  (act_i[32*r +: 32]),
      .valid_i (valid_q[PeStages-1]),
      .first_i (first_q[PeStages-1]),
      .last_i  (last_q[PeStages-1]),
      .drain_o (live)
    );

    if (ColGroups == 1) begin : gen_live
      assign row_sum = live;
    end else begin : gen_kept
      logic [AccBits-1:0] kept_q;
      always_ff @(posedge clk_i) begin
        if (cols_i[0]) kept_q <= live;
      end
      assign row_sum = cols_i[0] ? live : kept_q;
    end

    for (genvar d = 0; d < Drain; d++) begin : gen_drain
      localparam int unsigned At = AccBits * (d*Rows + r);
      logic [AccBits-1:0] other;
      assign other = col_sum[AccBits*d +: AccBits] & {AccBits{!(Int16 && r % 2 == 0 && pairs_i)}};
      assign column_o[At +: AccBits] = column_i[At +: AccBits] + (row_sum + other);
    end
  end

`ifdef TRINE_ASSERT
  logic [Cols-1:0] cols_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) cols_q <= '1;
    else         cols_q <= cols_i;
  end

  // Columns are read from 0 upwards, and never below the columns of the previous cycle. Int16 codes
  // of int8 products read a word's columns twice, without zero points.
  always_ff @(posedge clk_i) begin
    m_upwards: assume (cols_i[0] || (cols_i & ~cols_q & (cols_q - Cols'(1))) == '0 ||
                       (Int16 && column_o == column_i));
  end
`endif

endmodule
