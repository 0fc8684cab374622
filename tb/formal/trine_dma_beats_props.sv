// SPDX-License-Identifier: Apache-2.0
//
// Proves that the addresses, masks and ends of trine_dma_beats follow the formula in its header,
// beat by beat.
//
// The proof assumes the contract, and that the address advances with each beat, as in both DMA
// engines for DMEM.

module trine_dma_beats_props #(
  parameter int unsigned DataWords = 4
) (
  input logic clk_i,
  input logic rst_ni,
  input logic clear_i,
  input logic start_i,
  input logic beat_taken_i
);

  localparam int unsigned WordShift = $clog2(DataWords);

  (* anyseq *) logic [5:0]           local_addr, stride, step;
  (* anyseq *) logic [3:0]           beats_last;
  (* anyseq *) logic [15:0]          rows_last;
  (* anyseq *) logic [WordShift-1:0] offset, last_word;

  logic                 busy, row_end, ends;
  logic [5:0]           addr;
  logic [DataWords-1:0] mask;
  logic [3:0]           left;

  trine_dma_beats #(
    .AddrBits  (6),
    .CountBits (4),
    .DataWords (DataWords)
  ) u_dut (
    .clk_i            (clk_i),
    .rst_ni           (rst_ni),
    .clear_i          (clear_i),
    .start_i          (start_i),
    .local_i          (local_addr),
    .beats_last_i     (beats_last),
    .rows_last_i      (rows_last),
    .stride_i         (stride),
    .step_i           (step),
    .offset_i         (offset),
    .end_i            (last_word),
    .busy_o           (busy),
    .row_advance_i    (beat_taken_i),
    .beat_taken_i     (beat_taken_i),
    .addr_o           (addr),
    .mask_o           (mask),
    .row_beats_left_o (left),
    .row_end_o        (row_end),
    .end_o            (ends)
  );

  // The registers of the module, for the invariant.
  (* hierconn *) logic [5:0]  \u_dut.row_q ;
  (* hierconn *) logic [15:0] \u_dut.rows_q ;
  (* hierconn *) logic        \u_dut.first_q ;

  logic        live_q;
  logic [5:0]  row_q, next_q, stride_q, step_q;
  logic [3:0]  beat_q, beats_last_q;
  logic [15:0] rows_q;
  logic [2*WordShift-1:0] ends_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else if (clear_i) live_q <= 1'b0;
    else if (start_i) live_q <= 1'b1;
    else if (beat_taken_i && beat_q == beats_last && rows_q == 16'd0) live_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    stride_q     <= stride;
    step_q       <= step;
    beats_last_q <= beats_last;
    ends_q       <= {offset, last_word};
    if (start_i) begin
      row_q  <= local_addr;
      next_q <= local_addr;
      beat_q <= 4'd0;
      rows_q <= rows_last;
    end else if (beat_taken_i && beat_q == beats_last) begin
      row_q  <= row_q + stride;
      next_q <= row_q + stride;
      beat_q <= 4'd0;
      rows_q <= rows_q - 16'd1;
    end else if (beat_taken_i) begin
      next_q <= next_q + step;
      beat_q <= beat_q + 4'd1;
    end
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    assume (!(start_i && busy));
    assume (!(beat_taken_i && !busy));
    if (live_q) begin
      assume (stride == stride_q && step == step_q && beats_last == beats_last_q &&
              {offset, last_word} == ends_q);
    end
    if (rst_ni) begin
      a_busy: assert (busy == live_q);
      if (live_q) begin
        a_addr: assert (addr == next_q);
        a_beat: assert (beat_q <= beats_last && left == beats_last - beat_q);
        a_row:  assert (\u_dut.row_q == row_q && \u_dut.rows_q == rows_q);
        a_first: assert (\u_dut.first_q == (beat_q == 4'd0));
        a_end:  assert (ends == (beat_q == beats_last && rows_q == 16'd0));
        a_row_end: assert (row_end == (beat_taken_i && beat_q == beats_last));
        for (int unsigned w = 0; w < DataWords; w++) begin
          assert (mask[w] == ((beat_q != 4'd0 || w >= 32'(offset)) &&
                              (beat_q != beats_last || w <= 32'(last_word))));
        end
      end
      c_last: cover (live_q && beat_taken_i && ends && rows_last == 16'd2 && beats_last == 4'd2);
    end
  end

endmodule
