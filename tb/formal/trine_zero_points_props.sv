// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_zero_points computes the same sums as a reference that processes all steps,
// although the module skips some of them. The proof starts from any consistent values of the
// module's two registers: if sums_q is 0, the sums are 0. If tile_q is 0, the tile had no zero
// point yet, and no sum was begun.
//
// The proof covers one row and one column. The reference adds the module's own product for each
// step that the module processes, and 0 for each step that the module skips. This is correct
// because the zero points of a skipped step are 0 (a_left_out).

module trine_zero_points_props (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        valid_i,
  input logic        first_i,
  input logic        last_i,
  input logic [7:0]  act_zero_i,
  input logic [7:0]  wgt_zero_i,
  input logic [31:0] act_i,
  input logic [31:0] wgt_i
);

  localparam int unsigned PeStages = 2, AccBits = 20;

  logic [AccBits-1:0] column;

  trine_zero_points #(
    .Rows       (1),
    .Cols       (1),
    .PipeCols   (1),
    .PeStages   (PeStages),
    .AccBits    (AccBits),
    .Multiplier (trine_mul_pkg::Operator)
  ) u_dut (
    .clk_i      (clk_i),
    .rst_ni     (rst_ni),
    .test_en_i  (1'b0),
    .valid_i    (valid_i),
    .first_i    (first_i),
    .last_i     (last_i),
    .act_zero_i (act_zero_i),
    .wgt_zero_i (wgt_zero_i),
    .act_i      (act_i),
    .wgt_i      (wgt_i),
    .cols_i     (1'b1),
    .odd_i      (1'b0),
    .column_i   ('0),
    .column_o   (column)
  );

  // The registers of the module, for the invariant.
  (* hierconn *) logic \u_dut.sums_q , \u_dut.tile_q ;
  (* hierconn *) logic [PeStages-1:0] \u_dut.valid_q , \u_dut.first_q , \u_dut.last_q ;
  (* hierconn *) logic [7:0] \u_dut.act_zero_q , \u_dut.wgt_zero_q ;
  (* hierconn *) logic [AccBits-1:0] \u_dut.gen_col[0].u_sum.acc_q ,
      \u_dut.gen_col[0].u_sum.drain_q , \u_dut.gen_row[0].u_sum.acc_q ,
      \u_dut.gen_row[0].u_sum.drain_q ;
  (* hierconn *) logic signed [17:0] \u_dut.gen_col[0].u_sum.gen_registers.chain_q ,
      \u_dut.gen_row[0].u_sum.gen_registers.chain_q , \u_dut.gen_col[0].u_sum.product ,
      \u_dut.gen_row[0].u_sum.product ;

  // ---------------------------------------------------------------------------------------------
  // All steps, in the pipeline that the module has.
  // ---------------------------------------------------------------------------------------------
  logic [PeStages-1:0] valid_q, first_q, last_q;
  logic [7:0]          act_zero_q, wgt_zero_q;
  logic signed [17:0]  col, row, col_q, row_q;  // of the step whose words are here; before
  logic                seen_q;                  // since a reset a tile has begun

  assign col = \u_dut.valid_q [0] ? \u_dut.gen_col[0].u_sum.product : '0;
  assign row = \u_dut.valid_q [0] ? \u_dut.gen_row[0].u_sum.product : '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
      seen_q  <= 1'b0;
    end else begin
      valid_q <= PeStages'({valid_q, valid_i});
      if (valid_i) seen_q <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    first_q <= PeStages'({first_q, first_i});
    last_q  <= PeStages'({last_q, last_i});
    if (valid_i) begin
      act_zero_q <= act_zero_i;
      wgt_zero_q <= wgt_zero_i;
    end
    if (valid_q[0]) begin
      col_q <= col;
      row_q <= row;
    end
  end

  logic [AccBits-1:0] col_acc_q, col_drain_q, row_acc_q, row_drain_q;
  logic [AccBits-1:0] col_late, row_late;

  assign col_late = AccBits'(PeStages == 2 ? col_q : col);
  assign row_late = AccBits'(PeStages == 2 ? row_q : row);

  always_ff @(posedge clk_i) begin
    if (valid_q[PeStages-1]) begin
      col_acc_q <= (first_q[PeStages-1] ? '0 : col_acc_q) - col_late;
      row_acc_q <= (first_q[PeStages-1] ? '0 : row_acc_q) - row_late;
      if (last_q[PeStages-1]) begin
        col_drain_q <= (first_q[PeStages-1] ? '0 : col_acc_q) - col_late;
        row_drain_q <= (first_q[PeStages-1] ? '0 : row_acc_q) - row_late;
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // What accumulator and drain register will be, of both, once what is under way has come.
  // ---------------------------------------------------------------------------------------------
  function automatic [2*AccBits-1:0] due(
      input [AccBits-1:0] acc, input [AccBits-1:0] drain, input [PeStages-1:0] valid,
      input [PeStages-1:0] first, input [PeStages-1:0] last, input signed [17:0] here,
      input signed [17:0] late);
    reg [AccBits-1:0] a, d;
    a = acc;
    d = drain;
    for (int unsigned k = 0; k < PeStages; k++) begin
      if (valid[PeStages-1-k]) begin
        a = (first[PeStages-1-k] ? '0 : a) - AccBits'(k + 1 == PeStages ? here : late);
        if (last[PeStages-1-k]) d = a;
      end
    end
    due = {a, d};
  endfunction

  logic [2*AccBits-1:0] col_is, col_should, row_is, row_should;

  assign col_is = due(\u_dut.gen_col[0].u_sum.acc_q , \u_dut.gen_col[0].u_sum.drain_q ,
                      \u_dut.valid_q , \u_dut.first_q , \u_dut.last_q ,
                      \u_dut.gen_col[0].u_sum.product ,
                      PeStages == 2 ? \u_dut.gen_col[0].u_sum.gen_registers.chain_q : '0);
  assign row_is = due(\u_dut.gen_row[0].u_sum.acc_q , \u_dut.gen_row[0].u_sum.drain_q ,
                      \u_dut.valid_q , \u_dut.first_q , \u_dut.last_q ,
                      \u_dut.gen_row[0].u_sum.product ,
                      PeStages == 2 ? \u_dut.gen_row[0].u_sum.gen_registers.chain_q : '0);
  assign col_should = due(col_acc_q, col_drain_q, valid_q, first_q, last_q, col, col_q);
  assign row_should = due(row_acc_q, row_drain_q, valid_q, first_q, last_q, row, row_q);

  logic in_tile_q;  // after a first step, before its last one
  logic ended_q;    // a tile has ended

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {in_tile_q, ended_q} <= '0;
    else if (valid_i) begin
      in_tile_q <= !last_i;
      if (last_i) ended_q <= 1'b1;
    end
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    if (valid_i) assume (first_i == !in_tile_q);
    if (rst_ni) begin
      if (valid_q[0] && !\u_dut.valid_q [0]) a_left_out: assert ({act_zero_q, wgt_zero_q} == '0);
      if (\u_dut.valid_q [0]) a_same: assert (valid_q[0] && {act_zero_q, wgt_zero_q} ==
                                              {\u_dut.act_zero_q , \u_dut.wgt_zero_q });
      a_begun: assert ((!in_tile_q && !ended_q) || seen_q);
      if (seen_q) a_sums: assert (col_is[AccBits +: AccBits] == col_should[AccBits +: AccBits] &&
                                  row_is[AccBits +: AccBits] == row_should[AccBits +: AccBits]);
      if (ended_q) a_ends: assert (col_is[0 +: AccBits] == col_should[0 +: AccBits] &&
                                   row_is[0 +: AccBits] == row_should[0 +: AccBits]);
      if (!\u_dut.sums_q ) a_none: assert ({col_is, row_is} == '0 && !\u_dut.tile_q && ended_q);
      if (in_tile_q && !\u_dut.tile_q )
        a_nothing_yet: assert ({col_is[AccBits +: AccBits], row_is[AccBits +: AccBits]} == '0);
      if (ended_q && valid_q == '0 && \u_dut.valid_q == '0)
        a_column: assert (column == col_drain_q + row_drain_q);
      c_left_out: cover (ended_q && valid_i && !\u_dut.sums_q && {act_zero_i, wgt_zero_i} == '0);
      c_again: cover (ended_q && valid_i && !\u_dut.sums_q && act_zero_i == 8'd3 && in_tile_q);
    end
  end

endmodule
