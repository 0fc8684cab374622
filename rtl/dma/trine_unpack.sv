// SPDX-License-Identifier: Apache-2.0
//
// Unpacks packed weights on their way from DRAM to PMEM: blocks of the stream become pairs of
// beats. The rows of the copy determine the number of pairs. Blocks follow each other without gaps,
// from the lowest bit of the stream on. Each block contains the bits of one pair, in the format of
// trine_unpack_pair.
//
//   beats -> a buffer of four beats -> the bits of a block -> a pair
//
// The first block of a palette stream is the table and gives no pair. bits_q stores the table, and
// colours_q the codes of the other blocks.
//
// A stream is invalid if it ends before its rows, or if it continues for a beat or more after them.
// It is also invalid if a byte does not represent five trits, or if the positions within a word are
// not in ascending order. The error is reported from the next cycle on. The outputs are then
// undefined, and no copy begins until clear_i.
//
// Timing    Throughput is one beat and one pair per cycle. A block becomes a pair two cycles after
//           its last beat. beat_ready_o comes from registers. The next copy may start while pairs
//           of the previous copy are left. It then begins in the cycle in which the last block of
//           the previous copy becomes a pair.
// Contract  start_i comes in the cycle before a stream's first beat, and after the last beat of the
//           previous stream. The inputs of a copy hold from start_i until its first beat is
//           accepted. more_beats_i falls when the last beat is accepted.
// Check     trine_unpack_tb, trine_unpack_props

module trine_unpack #(
  parameter int unsigned AddrBits    = 11,  // of a row of PMEM
  parameter int unsigned PairsPerRow = 2,
  parameter int unsigned FromBits    = 29   // width of the address to report
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                clear_i,

  // The copy: rows of PMEM, from local on.
  input  logic                start_i,
  input  logic [1:0]          format_i,     // the target's lowest bits
  input  logic [AddrBits-1:0] local_i,
  input  logic [15:0]         rows_last_i,
  input  logic [FromBits-1:0] stream_addr_i,
  output logic                busy_o,         // pairs are still to come
  output logic                error_o,
  output logic [FromBits-1:0] stream_addr_o,  // of the copy that is being unpacked

  // Its stream.
  input  logic                more_beats_i,  // beats are still to come
  input  logic                beat_valid_i,
  output logic                beat_ready_o,
  input  logic [63:0]         beat_i,

  output logic                valid_o,
  input  logic                ready_i,
  output logic [127:0]        data_o,
  output logic [AddrBits-1:0] addr_o,   // row of the pair
  output logic                last_o    // last of the copy
);

  localparam int unsigned Most     = 147;  // width of a block's bits
  localparam int unsigned Least    = 19;   // of a block of short codes
  localparam int unsigned SlotBits = PairsPerRow > 1 ? $clog2(PairsPerRow) : 1;

  // Four beats, the oldest in the low bits; its first `offset` bits are consumed.
  logic [255:0]    beats_d, beats_q;
  logic [2:0]      count_d, count_q, place;
  logic [5:0]      offset_q;
  logic [Most-1:0] bits;
  logic            take, issue, free;  // free: the output register

  // Size of the next block.
  logic [1:0] ones2 [8];   // longer bytes in two bits, four, eight
  logic [2:0] ones4 [4];
  logic [3:0] ones8 [2];
  logic       is_counted;  // longer bytes have extra bits
  logic [7:0] base_q;      // bits without planes and longer bytes
  logic [4:0] more_bits;   // bits of longer bytes
  logic [7:0] early;       // end of the block in the buffer, without more_bits
  logic [7:0] reach;       // the same with more_bits
  logic [9:0] room;        // bits available after `early`, signed
  logic [1:0] beats_used;  // consumed beats
  logic       bits_valid;
  logic       no_trits;   // a byte is not five trits
  logic       no_places;  // the second place is not after the first one

  // The copy whose pairs are still to come; the next one may wait.
  logic                begins, began_q, waits_q, active_q, row_ends, ends, more;
  logic                wrong, error_q, is_short, is_trits, is_sparse, is_palette;
  logic                table_q, cut;  // the next block is a table; a pair is cut
  logic [1:0]          format_q;
  logic [SlotBits-1:0] slot_q;
  logic [AddrBits-1:0] row_q;
  logic [15:0]         left_q;
  logic [2:0]          turn_q;  // of trits: the fifth block has no 13th byte
  logic [FromBits-1:0] stream_addr_q;

  // A block.
  logic                valid_q, last_q, kept_q;
  logic [1:0]          of_format_q;
  logic [Most-1:0]     bits_q;     // palette: the table
  logic [63:0]         colours_q;  // palette: the codes
  logic [AddrBits-1:0] addr_q;
  logic [7:0]          fifths_q;  // the last four trits of a fifth block
  logic [1:0]          fifth;

  assign bits = Most'(beats_q[Most+62:0] >> offset_q);

  always_comb begin
    for (int unsigned i = 0; i < 8; i++) ones2[i] = 2'(bits[3 + 2*i]) + 2'(bits[4 + 2*i]);
    is_counted = is_short && bits[2:0] != 3'd7;
    for (int unsigned i = 0; i < 4; i++) begin
      ones4[i] = (3'(ones2[2*i]) + 3'(ones2[2*i + 1])) & {3{is_counted}};
    end
    for (int unsigned i = 0; i < 2; i++) ones8[i] = 4'(ones4[2*i]) + 4'(ones4[2*i + 1]);
    more_bits = 5'(ones8[0]) + 5'(ones8[1]);
    no_trits  = 1'b0;
    for (int unsigned b = 0; b < 13; b++) begin
      if (is_trits && bits[8*b +: 8] >= 8'd243 && (b != 12 || turn_q != 3'd4)) no_trits = 1'b1;
    end
    no_places = 1'b0;
    for (int unsigned i = 0; i < 4; i++) begin
      if (is_sparse && bits[64 + 4*i +: 2] >= bits[66 + 4*i +: 2]) no_places = 1'b1;
    end
  end

  assign is_short   = format_q == 2'(trine_isa_pkg::DmaTargetShort);
  assign is_trits   = format_q == 2'(trine_isa_pkg::DmaTargetTrits);
  assign is_sparse  = format_q == 2'(trine_isa_pkg::DmaTargetSparse);
  assign is_palette = format_q == 2'(trine_isa_pkg::DmaTargetPalette);

  // more_bits arrives last. It is therefore compared with the available bits instead of being added
  // first.
  assign early      = 8'(offset_q) + base_q + {1'b0, bits[2:0] & {3{is_short}}, 4'd0};
  assign reach      = early + 8'(more_bits);
  assign room       = {1'b0, count_q, 6'd0} - 10'(early);
  assign bits_valid = !room[9] && (room[8:5] != '0 || room[4:0] >= more_bits);
  assign free       = !valid_q || ready_i;
  assign issue      = active_q && bits_valid && free;
  assign cut        = issue && !table_q;
  assign beats_used = issue ? reach[7:6] : 2'd0;
  assign take       = beat_valid_i && beat_ready_o;
  assign place      = count_q - 3'(beats_used);

  always_comb begin
    beats_d = beats_q >> {beats_used, 6'd0};
    for (int unsigned i = 0; i < 4; i++) begin
      if (place == 3'(i)) beats_d[64*i +: 64] = beat_i;
    end
    count_d = place + 3'(take);
  end

  assign beat_ready_o = !count_q[2] && !waits_q;
  assign row_ends     = slot_q == SlotBits'(PairsPerRow - 1);
  assign ends         = cut && row_ends && left_q == 16'd0;
  assign more         = more_beats_i && !waits_q;
  // After the last block, nothing or only a part of one beat is left.
  assign wrong        = (active_q && !bits_valid && !more) || (cut && (no_trits || no_places)) ||
                        (ends && (more || place > 3'd1 || (place == 3'd1 && reach[5:0] == '0)));
  assign begins       = (start_i || waits_q) && (!active_q || ends) && !error_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      {count_q, began_q, waits_q, active_q, error_q, valid_q} <= '0;
    else if (clear_i) {count_q, began_q, waits_q, active_q, error_q, valid_q} <= '0;
    else begin
      count_q  <= begins ? '0 : count_d;
      began_q  <= begins;
      waits_q  <= (start_i || waits_q) && !begins;
      active_q <= begins || (active_q && !ends);
      valid_q  <= cut || (valid_q && !ready_i);
      error_q  <= error_q || wrong;
    end
  end

  always_ff @(posedge clk_i) begin
    // These registers are loaded with early signals instead of issue, which arrives late. Without
    // issue, their content is not used.
    if (active_q) beats_q <= beats_d;
    if (begins) begin
      {offset_q, slot_q, turn_q} <= '0;
      format_q <= format_i;
      table_q  <= format_i == 2'(trine_isa_pkg::DmaTargetPalette);
      row_q    <= local_i;
      left_q   <= rows_last_i;
      base_q   <= format_i == 2'(trine_isa_pkg::DmaTargetShort)   ? 8'(Least) :
                  format_i == 2'(trine_isa_pkg::DmaTargetPalette) ? 8'd128 :
                  format_i == 2'(trine_isa_pkg::DmaTargetSparse)  ? 8'd80 : 8'd104;
    end else if (issue) begin
      offset_q <= reach[5:0];
      table_q  <= 1'b0;
      turn_q   <= turn_q == 3'd4 ? 3'd0 : turn_q + 3'd1;
      if (is_palette) base_q <= 8'd64;
      if (is_trits)   base_q <= turn_q == 3'd3 ? 8'd96 : 8'd104;
      if (cut) slot_q <= row_ends ? '0 : slot_q + SlotBits'(1);
      if (cut && row_ends) begin
        row_q  <= row_q + AddrBits'(1);
        left_q <= left_q - 16'd1;
      end
    end
    if (free && (!is_palette || table_q)) bits_q <= bits;
    if (free) begin
      colours_q   <= bits[63:0];
      addr_q      <= row_q;
      last_q      <= ends;
      of_format_q <= format_q;
      kept_q      <= turn_q == 3'd4;
    end
    if (began_q && !error_q) stream_addr_q <= stream_addr_i;  // errors belong to the previous copy
    if (valid_q && ready_i) fifths_q <= {fifth, fifths_q[7:2]};
  end

  trine_unpack_pair u_pair (
    .format_i     (of_format_q),
    .bits_i       (bits_q),
    .colours_i    (colours_q),
    .kept_i       (kept_q),
    .kept_trits_i (fifths_q),
    .data_o,
    .fifth_o      (fifth)
  );

  assign valid_o       = valid_q;
  assign addr_o        = addr_q;
  assign last_o        = last_q;
  assign busy_o        = active_q || valid_q;
  assign stream_addr_o = stream_addr_q;

  assign error_o = error_q;

`ifdef TRINE_ASSERT
  logic                live_q, stalled_q, failed_q;
  logic [127:0]        held_q;
  logic [AddrBits-1:0] held_addr_q;

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
    held_q      <= data_o;
    held_addr_q <= addr_o;
    if (live_q) begin
      if (start_i) m_one_waits: assume (!waits_q);
      if (stalled_q) a_held: assert (valid_o && data_o == held_q && addr_o == held_addr_q);
      if (failed_q) a_error_stays: assert (error_o);
      a_four_beats: assert (count_q <= 3'd4);
    end
  end
`endif

endmodule
