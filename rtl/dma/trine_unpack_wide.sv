// SPDX-License-Identifier: Apache-2.0
//
// Unpacks ternary weights on a bus wider than 64 bits: 64 bytes of the stream become 80 bytes of
// PMEM rows. Rows may have any length (spec/packed.h).
//
//   beats -> their trits -> a group, which is five blocks -> quads of a row
//
// A block becomes a quad, which is four words. A group of 64 bytes contains five blocks: 13 bytes
// for each of the first four blocks, and 12 bytes for the last one. Each byte contains five trits
// of its block. The 13th bytes are an exception: they contain four trits of their own block and one
// trit of the last block. In a cycle, a row accepts as many of the group's remaining blocks as it
// has room for. The blocks without room go to the next row, after a rotation.
//
// A stream is invalid if it ends before its rows, if it continues for a beat or more after them, or
// if a byte does not represent five trits. The error is reported from the next cycle on. The
// outputs are then undefined, and no copy begins until clear_i.
//
// Timing    Throughput is one beat per cycle. A group is ready in the cycle after its last beat. It
//           occupies one cycle for each row that contains a part of it, while beats of the next
//           group arrive. beat_ready_o depends on ready_i.
// Contract  See trine_unpack.
// Check     trine_unpack_wide_tb, trine_unpack_wide_props

module trine_unpack_wide #(
  parameter int unsigned AddrBits    = 11,   // of a row of PMEM
  parameter int unsigned QuadsPerRow = 10,
  parameter int unsigned DataBits    = 256,  // 128, 256, 512
  parameter int unsigned FromBits    = 29    // width of the address to report
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       clear_i,

  // The copy: rows of PMEM, from local on.
  input  logic                       start_i,
  input  logic [AddrBits-1:0]        local_i,
  input  logic [15:0]                rows_last_i,
  input  logic [FromBits-1:0]        stream_addr_i,
  output logic                       busy_o,         // blocks are still to come
  output logic                       error_o,
  output logic [FromBits-1:0]        stream_addr_o,  // of the copy that is being unpacked

  // Its stream.
  input  logic                       more_beats_i,  // beats are still to come
  input  logic                       beat_valid_i,
  output logic                       beat_ready_o,
  input  logic [DataBits-1:0]        beat_i,

  output logic                       valid_o,
  input  logic                       ready_i,
  output logic [128*QuadsPerRow-1:0] data_o,
  output logic [QuadsPerRow-1:0]     quads_o,  // quads of the row that are written
  output logic [AddrBits-1:0]        addr_o,   // of the row
  output logic                       last_o    // last of the copy
);

  localparam int unsigned Bytes     = DataBits / 8;
  localparam int unsigned Beats     = 64 / Bytes;  // beats of a group
  localparam int unsigned CountBits = $clog2(Beats + 1);
  localparam int unsigned Blocks    = 5;
  localparam int unsigned OfBlock   = 13;          // bytes, except for the last block
  localparam int unsigned Turn      = QuadsPerRow % Blocks;  // rotation from a row to the next
  localparam int unsigned SlotBits  = $clog2(QuadsPerRow + 1);

  // A beat: two bits per trit; flags of invalid bytes.
  logic [10*Bytes-1:0] beat_trits;
  logic [Bytes-1:0]    beat_invalid;

  // The group that is being filled: its trits, its invalid bytes and its number of beats.
  logic [10*64-1:0]     held_d, held_q;
  logic [63:0]          invalid_d, invalid_q;
  logic [CountBits-1:0] count_d, count_q;
  logic                 take, full, group_free, form;

  // The group that goes to the rows.
  logic [10*64-1:0]     group_q;
  logic [63:0]          group_invalid_q;
  logic [CountBits-1:0] beat_count_q;  // beats of the group
  logic                 group_valid_q;
  logic [2:0]           done_q;   // blocks of the group that are written
  logic [128*Blocks-1:0] blocks;
  logic [Blocks-1:0]    block_invalid, block_complete;  // invalid bytes; all beats arrived

  // The copy.
  logic                 begins, began_q, waits_q, active_q, more, error_q, wrong;
  logic [SlotBits-1:0]  slot_q;   // quads of the row that are written
  logic [2:0]           turn_q;   // block that goes to quads 0, 5, 10, ...
  logic [AddrBits-1:0]  row_q;
  logic [15:0]          left_q;
  logic [FromBits-1:0]  stream_addr_q;
  logic [2:0]           of_group;             // blocks left
  logic [SlotBits-1:0]  of_row;               // quads left
  logic                 row_ends, group_ends, group_transfer, ends;
  logic [Blocks-1:0]    written;              // blocks written with group_transfer
  logic                 excess;               // a beat that the last block does not need

  for (genvar b = 0; b < Bytes; b++) begin : gen_byte
    trine_trits u_trits (
      .byte_i  (beat_i[8*b +: 8]),
      .trits_o (beat_trits[10*b +: 10])
    );
    assign beat_invalid[b] = beat_i[8*b +: 8] >= 8'd243;
  end

  // ---------------------------------------------------------------------------------------------
  // Beats become groups; the last group of a stream may have fewer beats.
  // ---------------------------------------------------------------------------------------------
  assign more         = more_beats_i && !waits_q;
  assign group_free   = !group_valid_q || group_ends;
  assign full         = count_q == CountBits'(Beats);
  assign beat_ready_o = !waits_q && (!full || group_free);
  assign take         = beat_valid_i && beat_ready_o;
  assign count_d      = full ? count_q : count_q + CountBits'(take);
  assign form         = group_free &&
                        (count_d == CountBits'(Beats) || (count_q != '0 && !more && !take));

  always_comb begin
    held_d    = held_q;
    invalid_d = invalid_q;
    for (int unsigned i = 0; i < Beats; i++) begin
      if (count_q == CountBits'(i) || (full && i == 0)) begin
        held_d[10*Bytes*i +: 10*Bytes] = beat_trits;
        invalid_d[Bytes*i +: Bytes]    = beat_invalid;
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Groups become parts of rows.
  // ---------------------------------------------------------------------------------------------
  for (genvar b = 0; b < Blocks; b++) begin : gen_block
    localparam int unsigned First = OfBlock * b;
    localparam int unsigned Size  = b == Blocks - 1 ? OfBlock - 1 : OfBlock;

    if (b == Blocks - 1) begin : gen_last
      assign blocks[128*b +: 128] = {group_q[10*51+8 +: 2], group_q[10*38+8 +: 2],
                                     group_q[10*25+8 +: 2], group_q[10*12+8 +: 2],
                                     group_q[10*First +: 120]};
    end else begin : gen_whole
      assign blocks[128*b +: 128] = group_q[10*First +: 128];
    end
    assign block_invalid[b]  = |group_invalid_q[First +: Size];
    assign block_complete[b] = beat_count_q >= CountBits'((First + Size + Bytes - 1) / Bytes);
  end

  assign of_group = 3'(Blocks) - done_q;
  assign of_row   = SlotBits'(QuadsPerRow) - slot_q;

  always_comb begin  // negative differences are large, modulo 2^32
    for (int unsigned b = 0; b < Blocks; b++) begin
      written[b] = 32'(b) - 32'(done_q) < 32'(of_row);
    end
    for (int unsigned q = 0; q < QuadsPerRow; q++) begin
      quads_o[q] = 32'(q) - 32'(slot_q) < 32'(of_group);
    end
    excess = 1'b0;
    for (int unsigned b = 0; b < Blocks; b++) begin  // the last written block counts
      if (written[b]) begin
        excess = beat_count_q > CountBits'((OfBlock * (b + 1) + Bytes - 1) / Bytes) &&
                 b < Blocks - 1;
      end
    end
  end

  for (genvar q = 0; q < QuadsPerRow; q++) begin : gen_quad
    if (Turn == 0) begin : gen_fixed
      assign data_o[128*q +: 128] = blocks[128*(q % Blocks) +: 128];
    end else begin : gen_turned
      always_comb begin
        data_o[128*q +: 128] = '0;
        for (int unsigned b = 0; b < Blocks; b++) begin
          if (turn_q == 3'((b + Blocks - q % Blocks) % Blocks)) begin
            data_o[128*q +: 128] = blocks[128*b +: 128];
          end
        end
      end
    end
  end

  assign row_ends       = 32'(of_row) <= 32'(of_group);
  assign group_transfer = group_valid_q && ready_i;
  assign ends           = group_transfer && row_ends && left_q == 16'd0;
  assign group_ends     = group_transfer && (32'(of_group) <= 32'(of_row) || ends);
  assign wrong          = (group_valid_q && (written & ~block_complete) != '0) ||
                          (active_q && !group_valid_q && count_q == '0 && !more) ||
                          (group_transfer && (written & block_invalid) != '0) ||
                          (ends && (more || count_q != '0 || excess));
  assign begins     = (start_i || waits_q) && (!active_q || ends) && !error_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      {count_q, began_q, waits_q, active_q, error_q, group_valid_q} <= '0;
    else if (clear_i) {count_q, began_q, waits_q, active_q, error_q, group_valid_q} <= '0;
    else begin
      count_q       <= begins ? '0 : form ? CountBits'(full && take) : count_d;
      began_q       <= begins;
      waits_q       <= (start_i || waits_q) && !begins;
      active_q      <= begins || (active_q && !ends);
      group_valid_q <= form || (group_valid_q && !group_ends);
      error_q       <= error_q || wrong;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) {held_q, invalid_q} <= {held_d, invalid_d};
    if (form) begin
      {group_q, group_invalid_q} <= take && !full ? {held_d, invalid_d} : {held_q, invalid_q};
      beat_count_q               <= count_d;
    end
    if (begins || group_ends) done_q <= '0;
    else if (group_transfer)  done_q <= done_q + 3'(of_row);
    if (begins) begin
      {slot_q, turn_q} <= '0;
      row_q  <= local_i;
      left_q <= rows_last_i;
    end else if (group_transfer) begin
      slot_q <= row_ends ? '0 : slot_q + SlotBits'(of_group);
      if (row_ends) begin
        turn_q <= turn_q >= 3'(Blocks - Turn) ? turn_q - 3'(Blocks - Turn) : turn_q + 3'(Turn);
        row_q  <= row_q + AddrBits'(1);
        left_q <= left_q - 16'd1;
      end
    end
    if (began_q && !error_q) stream_addr_q <= stream_addr_i;  // errors belong to the previous copy
  end

  assign valid_o       = group_valid_q;
  assign addr_o        = row_q;
  assign last_o        = row_ends && left_q == 16'd0;
  assign busy_o        = active_q;
  assign error_o       = error_q;
  assign stream_addr_o = stream_addr_q;

`ifdef TRINE_ASSERT
  logic                   live_q, stalled_q, failed_q;
  logic [QuadsPerRow-1:0] held_quads_q;
  logic [AddrBits-1:0]    held_addr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, stalled_q, failed_q} <= '0;
    end else begin
      live_q    <= 1'b1;
      stalled_q <= valid_o && !ready_i && !clear_i;
      failed_q  <= error_o && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    held_quads_q <= quads_o;
    held_addr_q  <= addr_o;
    if (live_q) begin
      if (start_i) m_one_waits: assume (!waits_q);
      if (stalled_q) begin
        a_held: assert (valid_o && quads_o == held_quads_q && addr_o == held_addr_q);
      end
      if (failed_q) a_error_stays: assert (error_o);
      if (active_q) a_in_row: assert (32'(slot_q) < QuadsPerRow && turn_q < 3'(Blocks));
      if (group_valid_q) a_in_group: assert (done_q < 3'(Blocks));
      a_beats: assert (32'(count_q) <= Beats);
    end
  end
`endif

endmodule
