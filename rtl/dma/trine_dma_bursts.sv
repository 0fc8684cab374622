// SPDX-License-Identifier: Apache-2.0
//
// Splits the rows of a 2-D copy into bus bursts that never cross a 4 KiB boundary, in order, one
// per cycle.
//
//   row i:  beats_last + 1 beats from address addr + i * stride, i = 0 .. rows_last
//
// A burst ends at the end of its row or at a multiple of MaxBeats beats. It therefore never crosses
// a 4 KiB boundary, and the address within a row needs only an incrementer.
//
// Timing    The first burst is offered in the cycle after start_i. There are no bubbles between
//           rows.
// Contract  start_i comes only while busy_o is low. stride_i, beats_last_i and rows_last_i hold
//           while busy_o is high.
// Check     trine_dma_bursts_tb

module trine_dma_bursts #(
  parameter int unsigned AddrBits  = 32,  // of a byte
  parameter int unsigned BeatBytes = 8,
  parameter int unsigned MaxBeats  = 64,  // a power of two, MaxBeats * BeatBytes <= 4096
  parameter int unsigned CountBits = 16,  // width of a count of a row's beats
  parameter bit          Rows2D    = 1'b1,  // 0: one row, stride_i and rows_last_i are unused
  localparam int unsigned BeatShift = $clog2(BeatBytes),
  localparam int unsigned BeatAddrBits = AddrBits - BeatShift
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  // The copy; addresses in beats.
  input  logic                    start_i,
  input  logic [BeatAddrBits-1:0] addr_i,
  input  logic [BeatAddrBits-1:0] stride_i,
  input  logic [CountBits-1:0]    beats_last_i,
  input  logic [15:0]             rows_last_i,
  output logic                    busy_o,

  // Bursts: byte address, beats - 1.
  output logic                    valid_o,
  input  logic                    ready_i,
  output logic [AddrBits-1:0]     addr_o,
  output logic [7:0]              len_o
);

  localparam int unsigned ChunkBits = $clog2(MaxBeats);

  if (MaxBeats < 2 || MaxBeats * BeatBytes > 4096) begin : gen_bad_max_beats
    $error("trine_dma_bursts: MaxBeats must be 2 .. 4096 / BeatBytes");
  end

  logic [BeatAddrBits-1:0] addr_d, addr_q, next_row;
  logic [CountBits-1:0]    left_d, left_q;  // beats left in the row, minus 1
  logic [ChunkBits-1:0]    room, len;       // beats to the boundary, of the burst, minus 1
  logic                    busy_d, busy_q, take, row_ends, last_row;

  assign room     = ~addr_q[ChunkBits-1:0];
  assign row_ends = left_q <= CountBits'(room);
  assign len      = row_ends ? left_q[ChunkBits-1:0] : room;
  assign take     = busy_q && ready_i;

  always_comb begin
    addr_d = addr_q;
    left_d = left_q;
    busy_d = busy_q;
    if (start_i) begin
      addr_d = addr_i;
      left_d = beats_last_i;
      busy_d = 1'b1;
    end else if (take && row_ends) begin
      addr_d = next_row;
      left_d = beats_last_i;
      busy_d = !last_row;
    end else if (take) begin
      addr_d = {addr_q[BeatAddrBits-1:ChunkBits] + (BeatAddrBits - ChunkBits)'(1),
                {ChunkBits{1'b0}}};
      left_d = left_q - CountBits'(room) - CountBits'(1);
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
    if (start_i || take) begin
      addr_q <= addr_d;
      left_q <= left_d;
    end
  end

  if (Rows2D) begin : gen_rows
    logic [BeatAddrBits-1:0] row_q;
    logic [15:0]             rows_q;  // rows after this one

    assign next_row = row_q + stride_i;
    assign last_row = rows_q == 16'd0;

    always_ff @(posedge clk_i) begin
      if (start_i || (take && row_ends)) begin
        row_q  <= addr_d;
        rows_q <= start_i ? rows_last_i : rows_q - 16'd1;
      end
    end
  end else begin : gen_row
    logic unused_rows;
    assign next_row    = addr_i;
    assign last_row    = 1'b1;
    assign unused_rows = ^{stride_i, rows_last_i};
  end

  assign busy_o  = busy_q;
  assign valid_o = busy_q;
  assign addr_o  = {addr_q, {BeatShift{1'b0}}};
  assign len_o   = 8'(len);

`ifdef TRINE_ASSERT
  logic                live_q, waits_q;
  logic [AddrBits-1:0] held_addr_q;
  logic [7:0]          held_len_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, waits_q} <= '0;
    end else begin
      live_q  <= 1'b1;
      waits_q <= valid_o && !ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    held_addr_q <= addr_o;
    held_len_q  <= len_o;
    if (live_q) begin
      if (start_i) m_start_idle: assume (!busy_q);
      if (waits_q) a_held: assert (valid_o && addr_o == held_addr_q && len_o == held_len_q);
      if (valid_o) a_one_page: assert (32'(addr_q[ChunkBits-1:0]) + 32'(len_o) < MaxBeats);
    end
  end
`endif

endmodule
