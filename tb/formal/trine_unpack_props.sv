// SPDX-License-Identifier: Apache-2.0
//
// Proves that a copy of trine_unpack ends, for any bits of the stream. Pairs go only to the rows of
// their copy. Each row receives as many pairs as it contains, in order, and the last pair is
// marked. When all beats have been accepted, and pairs are accepted as they come, each cycle
// decodes a block or reports the error. A copy also ends with an error if its stream has beats left
// after its last block. The proof covers nothing after an error, because clear_i follows.
//
// The proof assumes the contract.

module trine_unpack_props #(
  parameter int unsigned PairsPerRow = 2
) (
  input logic clk_i,
  input logic rst_ni,
  input logic clear_i,
  input logic start_i
);

  localparam int unsigned AddrBits = 4;

  (* anyseq *) logic                more, beat_valid, ready;
  (* anyseq *) logic [1:0]          format;
  (* anyseq *) logic [AddrBits-1:0] local_addr;
  (* anyseq *) logic [15:0]         rows_last;
  (* anyseq *) logic [2:0]          from;
  (* anyseq *) logic [63:0]         beat;

  logic                beat_ready, busy, error, valid, last;
  logic [127:0]        data;
  logic [AddrBits-1:0] addr;
  logic [2:0]          stream_addr_o;

  trine_unpack #(
    .AddrBits    (AddrBits),
    .PairsPerRow (PairsPerRow),
    .FromBits    (3)
  ) u_dut (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .clear_i       (clear_i),
    .start_i       (start_i),
    .format_i      (format),
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
    .addr_o        (addr),
    .last_o        (last)
  );

  // The registers of the module, for the invariant.
  (* hierconn *) logic                \u_dut.active_q ;
  (* hierconn *) logic                \u_dut.waits_q ;
  (* hierconn *) logic [0:0]          \u_dut.slot_q ;
  (* hierconn *) logic [AddrBits-1:0] \u_dut.row_q ;
  (* hierconn *) logic [15:0]         \u_dut.left_q ;
  (* hierconn *) logic [2:0]          \u_dut.count_q ;
  (* hierconn *) logic                \u_dut.issue ;
  (* hierconn *) logic                \u_dut.ends ;
  (* hierconn *) logic                \u_dut.wrong ;

  // One copy, from its start to its last pair; another one may have started after it.
  logic                followed_q, ended_q, more_q, wrong_q;
  logic [AddrBits-1:0] local_q, row_q;
  logic [15:0]         left_q;
  logic [0:0]          slot_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      {followed_q, ended_q, wrong_q} <= '0;
    else if (clear_i) {followed_q, ended_q, wrong_q} <= '0;
    else begin
      ended_q    <= \u_dut.ends ;
      wrong_q     <= \u_dut.wrong ;
      followed_q <= start_i && !busy ? 1'b1 : followed_q && !(valid && ready && last);
    end
  end

  always_ff @(posedge clk_i) begin
    more_q <= more;
    if (start_i && !busy) begin
      row_q  <= local_addr;
      left_q <= rows_last;
      slot_q <= '0;
    end else if (valid && ready) begin
      slot_q <= slot_q == 1'(PairsPerRow - 1) ? '0 : slot_q + 1'b1;
      if (slot_q == 1'(PairsPerRow - 1)) begin
        row_q  <= row_q + 1'b1;
        left_q <= left_q - 16'd1;
      end
    end
  end

  // The pair that the module has already cut is in its register.
  logic [AddrBits-1:0] cut_row;
  logic [15:0]         cut_left;
  logic [0:0]          cut_slot;
  logic                row_full;

  always_comb begin
    row_full = slot_q == 1'(PairsPerRow - 1);
    cut_slot = !valid ? slot_q : row_full ? '0 : slot_q + 1'b1;
    cut_row  = valid && row_full ? row_q + 1'b1 : row_q;
    cut_left = valid && row_full ? left_q - 16'd1 : left_q;
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    assume (!(start_i && busy));            // copies one by one: what waits is the bench's
    assume (!(beat_valid && !more));        // a beat is one of those to come
    if (!busy) assume (!beat_valid);
    if (error) assume (clear_i || !rst_ni);
    if (rst_ni) begin
      a_waits: assert (!\u_dut.waits_q );
      a_count: assert (\u_dut.count_q <= 3'd4);
      a_busy:  assert (busy == followed_q);
      if (followed_q) begin
        a_active: assert (\u_dut.active_q || (valid && last));
        if (valid) begin
          a_row:  assert (addr == row_q);
          a_last: assert (last == (row_full && left_q == 16'd0));
        end
        if (\u_dut.active_q ) begin
          a_cut: assert (\u_dut.slot_q == cut_slot && \u_dut.row_q == cut_row &&
                         \u_dut.left_q == cut_left && !(valid && last));
        end
        a_slots: assert (32'(slot_q) < PairsPerRow);
        // It ends: a block is cut, or the error is reported.
        if (\u_dut.active_q && !more && ready) a_on: assert (\u_dut.issue || \u_dut.wrong );
      end
      if (ended_q && more_q) a_long: assert (error);
      if (wrong_q) a_error: assert (error);
      c_ends: cover (followed_q && valid && ready && last && rows_last == 16'd1 && !error);
      c_error: cover (error && !valid);
    end
  end

  logic unused;
  assign unused = ^{data, stream_addr_o};

endmodule
