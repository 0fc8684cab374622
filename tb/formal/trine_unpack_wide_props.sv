// SPDX-License-Identifier: Apache-2.0
//
// Proves that a copy of trine_unpack_wide ends, for any bits of the stream. Parts of rows go only
// to the rows of their copy. Each quad is written once and in order, each row receives as many
// quads as it contains, and the last part is marked. When all beats have been accepted, and parts
// are accepted as they come, each cycle writes a part, forms a group, or reports the error. A copy
// also ends with an error if its stream has beats left after its last block. The proof covers
// nothing after an error, because clear_i follows.
//
// The proof assumes the contract.

module trine_unpack_wide_props #(
  parameter int unsigned QuadsPerRow = 3
) (
  input logic clk_i,
  input logic rst_ni,
  input logic clear_i,
  input logic start_i
);

  localparam int unsigned AddrBits = 4;
  localparam int unsigned DataBits = 256;

  (* anyseq *) logic                more, beat_valid, ready;
  (* anyseq *) logic [AddrBits-1:0] local_addr;
  (* anyseq *) logic [15:0]         rows_last;
  (* anyseq *) logic [2:0]          from;
  (* anyseq *) logic [DataBits-1:0] beat;

  logic                       beat_ready, busy, error, valid, last;
  logic [128*QuadsPerRow-1:0] data;
  logic [QuadsPerRow-1:0]     quads;
  logic [AddrBits-1:0]        addr;
  logic [2:0]                 stream_addr_o;

  trine_unpack_wide #(
    .AddrBits    (AddrBits),
    .QuadsPerRow (QuadsPerRow),
    .DataBits    (DataBits),
    .FromBits    (3)
  ) u_dut (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .clear_i       (clear_i),
    .start_i       (start_i),
    .local_i       (local_addr),
    .rows_last_i   (rows_last),
    .stream_addr_i (from),
    .busy_o        (busy),
    .error_o       (error),
    .stream_addr_o (stream_addr_o),
    .more_beats_i  (more),
    .beat_valid_i  (beat_valid),
    .beat_ready_o  (beat_ready),
    .beat_i        (beat),
    .valid_o       (valid),
    .ready_i       (ready),
    .data_o        (data),
    .quads_o       (quads),
    .addr_o        (addr),
    .last_o        (last)
  );

  // The registers of the module, for the invariant.
  (* hierconn *) logic                \u_dut.active_q ;
  (* hierconn *) logic                \u_dut.waits_q ;
  (* hierconn *) logic                \u_dut.group_valid_q ;
  (* hierconn *) logic [1:0]          \u_dut.slot_q ;
  (* hierconn *) logic [2:0]          \u_dut.turn_q ;
  (* hierconn *) logic [2:0]          \u_dut.done_q ;
  (* hierconn *) logic [AddrBits-1:0] \u_dut.row_q ;
  (* hierconn *) logic [15:0]         \u_dut.left_q ;
  (* hierconn *) logic [1:0]          \u_dut.count_q ;
  (* hierconn *) logic                \u_dut.form ;
  (* hierconn *) logic                \u_dut.ends ;
  (* hierconn *) logic                \u_dut.wrong ;

  // One copy, from its start to its last part; the quads of its row that are written.
  logic                   followed_q, ended_q, more_q, wrong_q, row_full;
  logic [AddrBits-1:0]    row_q;
  logic [15:0]            left_q;
  logic [QuadsPerRow-1:0] quads_q;

  assign row_full = (quads_q | quads) == '1;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      {followed_q, ended_q, wrong_q} <= '0;
    else if (clear_i) {followed_q, ended_q, wrong_q} <= '0;
    else begin
      ended_q    <= \u_dut.ends ;
      wrong_q    <= \u_dut.wrong ;
      followed_q <= start_i && !busy ? 1'b1 : followed_q && !(valid && ready && last);
    end
  end

  always_ff @(posedge clk_i) begin
    more_q <= more;
    if (start_i && !busy) begin
      row_q   <= local_addr;
      left_q  <= rows_last;
      quads_q <= '0;
    end else if (valid && ready) begin
      quads_q <= row_full ? '0 : quads_q | quads;
      if (row_full) begin
        row_q  <= row_q + 1'b1;
        left_q <= left_q - 16'd1;
      end
    end
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    assume (!(start_i && busy));            // copies one by one: what waits is the bench's
    assume (!(beat_valid && !more));        // a beat is one of those to come
    if (!busy) assume (!beat_valid);
    if (error) assume (clear_i || !rst_ni);
    if (rst_ni) begin
      a_waits: assert (!\u_dut.waits_q );
      a_count: assert (\u_dut.count_q <= 2'd2);
      a_busy:  assert (busy == followed_q && \u_dut.active_q == followed_q);
      if (!error && valid) a_valid: assert (followed_q);
      if (!error && !followed_q) a_none: assert (!valid && \u_dut.count_q == '0);
      if (followed_q) begin
        a_row:   assert (\u_dut.row_q == row_q && \u_dut.left_q == left_q);
        a_slot:  assert (32'(\u_dut.slot_q ) < QuadsPerRow &&
                         quads_q == QuadsPerRow'((1 << \u_dut.slot_q ) - 1));
        a_done:  assert (\u_dut.done_q < 3'd5 && (valid || \u_dut.done_q == '0));
        a_turn:  assert (\u_dut.turn_q < 3'd5 &&
                         (\u_dut.turn_q + 32'(\u_dut.slot_q )) % 5 == 32'(\u_dut.done_q ) % 5);
        if (valid) begin
          a_part: assert (quads != '0 && (quads & quads_q) == '0 && addr == row_q);
          a_last: assert (last == (row_full && left_q == 16'd0));
        end
        // It ends: a part is written, a group is made, or the error is reported.
        if (!more && ready) a_on: assert (valid || \u_dut.form || \u_dut.wrong );
      end
      if (ended_q && more_q) a_long: assert (error);
      if (wrong_q) a_error: assert (error);
      c_ends: cover (followed_q && valid && ready && last && rows_last == 16'd1 && !error);
      c_error: cover (error && !valid);
    end
  end

  logic unused;
  assign unused = ^{data, stream_addr_o, beat_ready, \u_dut.group_valid_q };

endmodule
