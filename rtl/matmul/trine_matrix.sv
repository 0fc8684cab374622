// SPDX-License-Identifier: Apache-2.0
//
// Multiplies by the weights in PMEM: connects weight memory, expander, PE array, factors and
// zero-point correction.
//
//   PMEM -> trine_expand -> trine_array -> trine_zero_points -> column_o, in 32 bits
//                  act_i -----^
//
// Timing    See trine_pmem, trine_array and trine_zero_points. The expander is combinational,
//           between PMEM and the array.
// Contract  step_i comes only when its weight row is available. A step that ends a tile comes only
//           when the columns of the previous tile have been read.
// Check     trine_array_tb, trine_zero_points_tb, trine_pmem_tb;
//           random_program_test

module trine_matrix #(
  parameter int unsigned Rows        = 8,
  parameter int unsigned Cols        = 8,
  parameter int unsigned PmemRows    = 2048,
  parameter bit          Ecc         = 1'b0,
  parameter bit          Int8        = 1'b1,
  parameter bit          Ternary     = 1'b0,
  parameter bit          Binary      = 1'b0,
  parameter bit          Window      = 1'b0,
  parameter int unsigned WindowParts = 1,     // 1..8
  parameter bit          Weights4    = 1'b0,
  parameter bit          Groups      = 1'b0,
  parameter int unsigned Drain       = 1,     // columns drained per cycle: 1, 2
  parameter bit          ZeroPoints  = 1'b0,
  parameter bit          Int16       = 1'b0,  // enables pairs_i
  parameter int unsigned PipeRows    = 8,
  parameter int unsigned PipeCols    = 8,
  parameter int unsigned PeStages    = 2,     // stages of a PE: 1, 2
  parameter int unsigned AccBits     = 32,    // accumulator width: 20..32
  parameter bit          ClockGates  = 1'b0,  // clock gates of PEs and zero points
  parameter int          Multiplier  = trine_mul_pkg::Operator,
  localparam int unsigned Lanes        = Rows + (Window ? 3 : 0),
  localparam int unsigned PmemAddrBits = $clog2(PmemRows),
  localparam int unsigned Quads        = (Cols + 3) / 4
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     test_en_i,  // opens the clock gates for scan
  input  logic                     clear_i,

  // Rows for the array, their packing, and the part that the step uses: trine_weight_rows.
  input  logic                     w_en_i,
  input  logic [PmemAddrBits-1:0]  w_row_i,
  input  logic                     w_next_i,
  input  logic [2:0]               weight_bits_i,
  input  logic [2:0]               weight_part_i,
  // Factors: a row for a bank; factors of the columns that are read.
  input  logic                     factors_i,
  input  logic                     factors_second_i,
  input  logic                     factors_bank_i,
  output logic [1:0]               factors_free_o,
  input  logic [1:0]               factors_read_i,
  input  logic                     bank_i,
  output logic [Drain*16-1:0]      factor_o,

  // A step.
  input  trine_matmul_pkg::step_t  step_i,
  input  logic [Lanes*(Binary ? 33 : 32)-1:0] act_i,

  // Drain neighbouring columns.
  input  logic [Cols-1:0]          cols_i,
  input  logic                     odd_i,
  input  logic                     pairs_i,  // pairs of lanes: int16
  output logic [Drain*Rows*32-1:0] column_o,

  // PMEM writes: a whole row or some quads of columns; zeros of a scrub.
  input  logic                     pmem_wvalid_i,
  output logic                     pmem_wready_o,
  input  logic [PmemAddrBits-1:0]  pmem_wrow_i,
  input  logic [32*Cols-1:0]       pmem_wdata_i,
  input  logic [Quads-1:0]         pmem_wquads_i,
  input  logic                     init_i,
  input  logic [PmemAddrBits-2:0]  init_row_i,

  // PMEM errors (Ecc).
  output logic [Cols-1:0]          ecc_corrected_o,
  output logic                     ecc_fatal_o,
  output logic [7:0]               ecc_column_o,
  output logic [PmemAddrBits-1:0]  ecc_row_o
);

  logic [Cols*32-1:0]            packed_weights, raw_row, weights, entry_wgt;
  logic [Rows*32-1:0]            entry_act;
  logic [Drain*Rows*AccBits-1:0] raw_column, whole_column;  // before and after zero points
  logic [7:0]                    act_zero, wgt_zero;
  logic                          valid, first, last;

  // Yosys does not accept struct fields in a generate block.
  assign valid    = step_i.valid;
  assign first    = step_i.first;
  assign last     = step_i.last;
  assign act_zero = step_i.act_zero;
  assign wgt_zero = step_i.wgt_zero;

  trine_pmem #(.Cols(Cols), .Depth(PmemRows), .Ecc(Ecc)) u_pmem (
    .clk_i,
    .rst_ni,
    .clear_i,
    .r_en_i    (w_en_i),
    .r_row_i   (w_row_i),
    .r_next_i  (w_next_i),
    .r_data_o  (packed_weights),
    .r_raw_o   (raw_row),
    .w_valid_i (pmem_wvalid_i),
    .w_ready_o (pmem_wready_o),
    .w_row_i   (pmem_wrow_i),
    .w_data_i  (pmem_wdata_i),
    .w_quads_i (pmem_wquads_i),
    .init_i,
    .init_row_i,
    .ecc_corrected_o,
    .ecc_fatal_o,
    .ecc_column_o,
    .ecc_row_o
  );

  if (Groups) begin : gen_factors
    trine_factor_buffer #(.Cols(Cols), .Drain(Drain)) u_factor_buffer (
      .clk_i,
      .rst_ni,
      .clear_i,
      .load_i      (factors_i),
      .second_i    (factors_second_i),
      .load_bank_i (factors_bank_i),
      .row_i       (raw_row),
      .bank_free_o (factors_free_o),
      .cols_i,
      .bank_i,
      .read_i      (factors_read_i),
      .factor_o
    );
  end else begin : gen_no_factors
    logic unused_factors;
    assign factors_free_o = '0;
    assign factor_o       = '0;
    assign unused_factors = ^{factors_i, factors_second_i, factors_bank_i, factors_read_i, bank_i,
                              raw_row};
  end

  if ((Int8 && (Ternary || Binary)) || Weights4 || WindowParts > 1) begin : gen_expand
    trine_expand #(
      .Cols    (Cols),
      .Ternary (Ternary),
      .Binary  (Binary),
      .Int4    (Weights4),
      .Parts   (WindowParts)
    ) u_expand (
      .bits_i    (weight_bits_i),
      .part_i    (weight_part_i),
      .packed_i  (packed_weights),
      .weights_o (weights)
    );
  end else begin : gen_no_expand
    logic unused_weight;
    assign weights       = packed_weights;
    assign unused_weight = ^{weight_bits_i, weight_part_i};
  end

  trine_array #(
    .Rows       (Rows),
    .Cols       (Cols),
    .PipeRows   (PipeRows),
    .PipeCols   (PipeCols),
    .PeStages   (PeStages),
    .AccBits    (AccBits),
    .Int8       (Int8),
    .Ternary    (Ternary),
    .Binary     (Binary),
    .Window     (Window),
    .Drain      (Drain),
    .ClockGates (ClockGates),
    .Multiplier (Multiplier)
  ) u_array (
    .clk_i,
    .rst_ni,
    .test_en_i,
    .valid_i  (valid),
    .first_i  (first),
    .last_i   (last),
    .mode_i   (step_i.mode),
    .window_i (step_i.window),
    .act_i,
    .wgt_i    (weights),
    .act_o    (entry_act),
    .wgt_o    (entry_wgt),
    .cols_i,
    .odd_i,
    .column_o (raw_column)
  );

  if (ZeroPoints) begin : gen_zero_points
    trine_zero_points #(
      .Rows       (Rows),
      .Cols       (Cols),
      .PipeCols   (PipeCols),
      .PeStages   (PeStages),
      .AccBits    (AccBits),
      .Drain      (Drain),
      .Int16      (Int16),
      .ClockGates (ClockGates),
      .Multiplier (Multiplier)
    ) u_zero_points (
      .clk_i,
      .rst_ni,
      .test_en_i,
      .valid_i    (valid),
      .first_i    (first),
      .last_i     (last),
      .act_zero_i (act_zero),
      .wgt_zero_i (wgt_zero),
      .act_i      (entry_act),
      .wgt_i      (entry_wgt),
      .cols_i,
      .odd_i,
      .pairs_i,
      .column_i   (raw_column),
      .column_o   (whole_column)
    );
  end else begin : gen_no_zero_points
    logic unused_zeros;
    assign whole_column = raw_column;
    assign unused_zeros = ^{act_zero, wgt_zero, entry_act, entry_wgt, pairs_i};
  end

  for (genvar k = 0; k < Drain * Rows; k++) begin : gen_column
    assign column_o[32*k +: 32] = 32'($signed(whole_column[AccBits*k +: AccBits]));
  end

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q && valid) begin
      a_precision: assert (Binary || !step_i.mode[1]);
      a_window:    assert (!step_i.window || weight_bits_i == 3'd3);
      c_short:     cover (first && last);  // a tile of one step
    end
  end
`endif

endmodule
