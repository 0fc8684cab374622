// SPDX-License-Identifier: Apache-2.0
//
// Proves trine_dma_requests with its trine_dma_bursts: the bursts cover each beat of each row once,
// in order. No burst crosses the end of its row, or a multiple of MaxBeats beats. With MaxBeats *
// BeatBytes <= 4096, no burst therefore crosses a 4 KiB boundary. An offered burst does not change.
// From the second cycle after the start on, one burst is offered in each cycle, until the last
// burst is accepted.
//
// The reference iterates over the beats. `next` is the address of the first beat that is not
// covered yet, and `row` is the start of its row. `left` is the number of beats of the row from
// `next` on. trine_dma_bursts is ahead of the reference: its state is the reference's state after
// the offered burst. The proof assumes the contract.

module trine_dma_requests_props #(
  parameter bit          Rows2D   = 1'b1,
  parameter int unsigned MaxBeats = 4
) (
  input logic       clk_i,
  input logic       rst_ni,
  input logic       clear_i,
  input logic       start_i,
  input logic [5:0] addr_i,
  input logic       ready_i
);

  localparam int unsigned AddrBits = 9;  // of a byte: 64 beats of 8

  // The registers hold any values during a copy.
  (* anyseq *) logic [5:0]  stride;
  (* anyseq *) logic [3:0]  beats_last;
  (* anyseq *) logic [15:0] rows_last;

  logic                busy, valid;
  logic [AddrBits-1:0] addr;
  logic [7:0]          len;

  trine_dma_requests #(
    .AddrBits  (AddrBits),
    .BeatBytes (8),
    .MaxBeats  (MaxBeats),
    .CountBits (4),
    .Rows2D    (Rows2D)
  ) u_dut (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .clear_i      (clear_i),
    .start_i      (start_i),
    .addr_i       (addr_i),
    .stride_i     (stride),
    .beats_last_i (beats_last),
    .rows_last_i  (rows_last),
    .busy_o       (busy),
    .valid_o      (valid),
    .ready_i      (ready_i),
    .addr_o       (addr),
    .len_o        (len)
  );

  // The registers of the module, for the invariant.
  (* hierconn *) logic        \u_dut.u_bursts.busy_q ;
  (* hierconn *) logic [5:0]  \u_dut.u_bursts.addr_q ;
  (* hierconn *) logic [3:0]  \u_dut.u_bursts.left_q ;
  (* hierconn *) logic [5:0]  \u_dut.u_bursts.gen_rows.row_q ;
  (* hierconn *) logic [15:0] \u_dut.u_bursts.gen_rows.rows_q ;

  logic                live_q, started_q, offered_q;
  logic [5:0]          next_q, row_q, stride_q, next_after, row_after;
  logic [4:0]          left_q, left_after;  // beats
  logic [15:0]         rows_q, rows_last_q, rows_after;
  logic [3:0]          beats_last_q;
  logic [AddrBits-1:0] held_addr_q;
  logic [7:0]          held_len_q;
  logic                take, row_done, done, live_after;

  assign take     = valid && ready_i;
  assign row_done = 5'(len) + 5'd1 == left_q;
  assign done     = row_done && rows_q == 16'd0;

  // The reference after the burst that is offered, if one is.
  always_comb begin
    {live_after, next_after, row_after} = {live_q, next_q, row_q};
    {left_after, rows_after}            = {left_q, rows_q};
    if (valid && row_done) begin
      live_after = !done;
      next_after = row_q + stride;
      row_after  = row_q + stride;
      left_after = 5'(beats_last) + 5'd1;
      rows_after = rows_q - 16'd1;
    end else if (valid) begin
      next_after = next_q + 6'(len) + 6'd1;
      left_after = left_q - 5'(len) - 5'd1;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q    <= 1'b0;
      started_q <= 1'b0;
      offered_q <= 1'b0;
    end else if (clear_i) begin
      live_q    <= 1'b0;
      started_q <= 1'b0;
      offered_q <= 1'b0;
    end else begin
      started_q <= start_i;
      offered_q <= valid && !ready_i;
      if (start_i) live_q <= 1'b1;
      else if (take) live_q <= live_after;
    end
  end

  always_ff @(posedge clk_i) begin
    stride_q     <= stride;
    beats_last_q <= beats_last;
    rows_last_q  <= rows_last;
    held_addr_q  <= addr;
    held_len_q   <= len;
    if (start_i) begin
      next_q <= addr_i;
      row_q  <= addr_i;
      left_q <= 5'(beats_last) + 5'd1;
      rows_q <= Rows2D ? rows_last : 16'd0;
    end else if (take) begin
      next_q <= next_after;
      row_q  <= row_after;
      left_q <= left_after;
      rows_q <= rows_after;
    end
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    assume (!(start_i && busy));
    if (live_q) begin
      assume (stride == stride_q && beats_last == beats_last_q && rows_last == rows_last_q);
    end
    if (rst_ni) begin
      a_busy:  assert (busy == live_q);
      a_valid: assert (valid == (live_q && !started_q));
      if (offered_q) a_held: assert (valid && addr == held_addr_q && len == held_len_q);
      if (live_q && !Rows2D) a_one: assert (rows_q == 16'd0);
      if (valid) begin
        a_next:   assert (addr == {next_q, 3'd0});
        a_inside: assert (5'(len) < left_q);
        a_cut:    assert (6'(next_q % MaxBeats) + 6'(len) < 6'(MaxBeats));
        // As long as it may be: the row's end or the boundary.
        a_whole:  assert (row_done || 6'(next_q % MaxBeats) + 6'(len) == 6'(MaxBeats - 1));
      end
      a_ahead: assert (\u_dut.u_bursts.busy_q == live_after);
      if (live_after) begin
        a_addr: assert (\u_dut.u_bursts.addr_q == next_after);
        a_left: assert (left_after != 5'd0 && left_after == 5'(\u_dut.u_bursts.left_q ) + 5'd1);
        if (Rows2D) a_row: assert (\u_dut.u_bursts.gen_rows.row_q == row_after &&
                                   \u_dut.u_bursts.gen_rows.rows_q == rows_after);
      end
      c_cut:  cover (live_q && take && !row_done);
      c_last: cover (live_q && take && done && row_q != next_q);
      if (Rows2D) c_rows: cover (live_q && take && done && rows_last == 16'd2);
    end
  end

endmodule
