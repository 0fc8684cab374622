// SPDX-License-Identifier: Apache-2.0
//
// Generates the on-chip addresses and word masks of a 2-D copy, beat by beat.
//
//   address  Row i starts at local + i * stride, i = 0 .. rows_last. row_advance_i adds step to the
//            address.
//   beat     beat_taken_i moves to the next beat, and after a row's last beat to the next row.
//   mask     selects the words of the beat that belong to the row: from offset_i on in the row's
//            first beat, up to end_i in its last beat.
//
// Timing    The first beat is valid in the cycle after start_i. There are no bubbles between rows.
// Contract  start_i comes only while busy_o is low, or with the copy's last beat_taken_i. The other
//           inputs hold while busy_o is high.
// Check     trine_control_tb

module trine_dma_beats #(
  parameter int unsigned AddrBits  = 16,
  parameter int unsigned CountBits = 16,
  parameter int unsigned DataWords = 2,  // of a beat
  localparam int unsigned WordShift = $clog2(DataWords)
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 clear_i,

  input  logic                 start_i,
  input  logic [AddrBits-1:0]  local_i,
  input  logic [CountBits-1:0] beats_last_i,  // sampled with start_i and after each row
  input  logic [15:0]          rows_last_i,   // sampled with start_i
  input  logic [AddrBits-1:0]  stride_i,
  input  logic [AddrBits-1:0]  step_i,
  input  logic [WordShift-1:0] offset_i,
  input  logic [WordShift-1:0] end_i,
  output logic                 busy_o,

  input  logic                 row_advance_i,
  input  logic                 beat_taken_i,
  output logic [AddrBits-1:0]  addr_o,
  output logic [DataWords-1:0] mask_o,
  output logic [CountBits-1:0] row_beats_left_o,  // beats of the row after this one
  output logic                 row_end_o,         // beat_taken_i ends a row
  output logic                 end_o              // the last beat of the copy
);

  logic [AddrBits-1:0]  addr_d, addr_q, row_q;
  logic [CountBits-1:0] left_d, left_q;
  logic [15:0]          rows_q;
  logic                 busy_d, busy_q, first_q, last, row_ends;

  assign last     = left_q == '0;
  assign end_o    = last && rows_q == 16'd0;
  assign row_ends = beat_taken_i && last;

  always_comb begin
    addr_d = row_advance_i ? addr_q + step_i : addr_q;
    left_d = left_q - CountBits'(1);
    busy_d = busy_q;
    if (row_ends) begin
      addr_d = row_q + stride_i;
      left_d = beats_last_i;
      busy_d = !end_o;
    end
    if (start_i) begin
      addr_d = local_i;
      left_d = beats_last_i;
      busy_d = 1'b1;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
    end else if (clear_i) begin
      busy_q <= 1'b0;
    end else begin
      busy_q <= busy_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_i || beat_taken_i || row_advance_i) addr_q <= addr_d;
    if (start_i || beat_taken_i) begin
      left_q  <= left_d;
      first_q <= start_i || last;
    end
    if (start_i || row_ends) begin
      row_q  <= addr_d;
      rows_q <= start_i ? rows_last_i : rows_q - 16'd1;
    end
  end

  assign busy_o           = busy_q;
  assign row_beats_left_o = left_q;
  assign row_end_o        = row_ends;
  assign addr_o           = addr_q;
  assign mask_o           = (first_q ? {DataWords{1'b1}} << offset_i : {DataWords{1'b1}}) &
                            (last ? {DataWords{1'b1}} >> ~end_i : {DataWords{1'b1}});

`ifdef TRINE_ASSERT
  logic                live_q, still_q;
  logic [AddrBits-1:0] held_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, still_q} <= '0;
    end else begin
      live_q  <= 1'b1;
      still_q <= busy_q && !start_i && !beat_taken_i && !row_advance_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    held_q <= addr_o;
    if (live_q) begin
      if (start_i) m_start_idle: assume (!busy_q || (beat_taken_i && end_o));
      if (still_q) a_addr_held: assert (busy_o && addr_o == held_q);
      if (busy_q) a_in_row: assert (row_beats_left_o <= beats_last_i);
    end
  end
`endif

endmodule
