// SPDX-License-Identifier: Apache-2.0
//
// Codes become words: 4 int8, 16 ternary or 32 binary codes each, scattered to DMEM. A code goes
// above those of its word that came before; the tag that left the lanes with it says into which
// slot, and whether the word leaves with it. Bits of a word without a code are not written; behind
// the last channel they are zero. A softmax's codes, interleaved with the job's, have a word and
// addresses of their own.
//
//   address of a word = that of the tile in its lane + offset; offset += out_plane behind each word
//
// One word finds room in front of the scatter port (trine_skid); when a second one has to wait, or
// the one before ended an instruction that is yet to retire, en_o stops the lanes.
//
// An instruction retires a cycle after its last word went to DMEM, one at a time; one without
// results at once.
//
//   cycle       0    1    2    3    4
//   pop_o       A    B    B         C      A finds the port, B waits behind it
//   s_ready_i   1    0    1    1    1
//   en_o        1    1    1    1    1      (and 0 in cycle 2, if a third word came in it)
//
// Timing    combinational from a code to s_word_o; en_o from the tag and registers.
// Contract  s_empty_i only if the port takes a word; a softmax's addresses and configuration hold
//           until left_o.
//
// Check     trine_post_tb; trine_post_props; random_program_test (whole
//           core)

module trine_pack #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned AddrBits = 15,
  parameter bit          Ternary  = 1'b0,
  parameter bit          Binary   = 1'b0,
  parameter bit          Softmax  = 1'b0,
  parameter int unsigned Drain    = 1,
  localparam int unsigned LaneBits = Rows * (AddrBits + 1),
  localparam int unsigned WordBits = Rows * (AddrBits + 33) + 32
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       clear_i,
  output logic                       en_o,  // the lanes move

  // A code a row, those of the second lanes above, or a whole word; what becomes of it.
  input  logic                       valid_i,
  input  trine_post_pkg::tag_t       tag_i,
  input  logic [Drain*Rows*8-1:0]    code_i,
  input  logic [Rows*32-1:0]         word_i,

  // The job in front: {active lanes, addresses}; a softmax's.
  input  trine_post_pkg::cfg_t       cfg_i,
  input  trine_post_pkg::kind_t      kind_i,
  input  logic                       vector_i,
  input  logic [LaneBits-1:0]        lanes_i,
  input  trine_post_pkg::cfg_t       softmax_cfg_i,
  input  logic [LaneBits-1:0]        softmax_lanes_i,
  input  logic                       bare_i,  // compute's instruction ends, and has no results

  // A word leaves; so many find room; it is the first code under its addresses; the last word of a
  // softmax's tile.
  output logic                       pop_o,
  output logic [1:0]                 room_o,
  output logic                       first_o,
  output logic                       left_o,

  output logic                       retiring_o,  // the last word is on its way
  output logic                       c_retire_o,
  output logic                       v_retire_o,

  // {addresses, active lanes, data, mask}.
  output logic                       s_valid_o,
  input  logic                       s_ready_i,
  input  logic                       s_empty_i,
  output logic [WordBits-1:0]        s_word_o
);

  logic        pair;
  logic        softmax;  // the code, if there is one, is a softmax's
  logic        skid_free, room;
  logic        retire_q, retire_vector_q, bare_q, settled;
  logic        c_retired_q, v_retired_q;
  logic [31:0] mask_q, slot_mask, below_mask;  // of the word: written, this code, below it
  logic [AddrBits-1:0] c_offset_q, v_offset_q, offset, offset_d;  // from the tile's first word

  // The word that leaves.
  logic [Rows*AddrBits-1:0] out_addr;
  logic [Rows-1:0]          out_lanes;
  logic [Rows*32-1:0]       out_data;
  logic [31:0]              out_mask;

  assign pair    = Drain == 2 && tag_i.pair;
  assign softmax = Softmax && tag_i.softmax;

  // ---------------------------------------------------------------------------------------------
  // Slots and addresses.
  // ---------------------------------------------------------------------------------------------
  always_comb begin
    slot_mask  = (pair ? 32'hffff : 32'hff) << {tag_i.slot[1:0], 3'd0};
    below_mask = (32'd1 << {tag_i.slot[1:0], 3'd0}) - 32'd1;
    if (Ternary && cfg_i.encoding == trine_post_pkg::EncodingTernary && !softmax) begin
      slot_mask  = (pair ? 32'hf : 32'h3) << {tag_i.slot[3:0], 1'b0};
      below_mask = (32'd1 << {tag_i.slot[3:0], 1'b0}) - 32'd1;
    end
    if (Binary && cfg_i.encoding == trine_post_pkg::EncodingBinary && !softmax) begin
      slot_mask  = (pair ? 32'h3 : 32'h1) << tag_i.slot;
      below_mask = (32'd1 << tag_i.slot) - 32'd1;
    end
  end

  always_comb begin
    out_mask = mask_q | slot_mask | (tag_i.rest ? ~below_mask : '0);
    if (softmax || kind_i.whole) out_mask = '1;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) mask_q <= '0;
    else if (clear_i) mask_q <= '0;
    else if (en_o && valid_i && !softmax) mask_q <= tag_i.pop ? '0 : out_mask;
  end

  always_comb begin
    offset = vector_i || softmax ? v_offset_q : c_offset_q;
    if ((tag_i.first || softmax) && tag_i.tile_first) offset = '0;
    offset_d = offset;
    if (tag_i.word_end) begin
      offset_d = offset + (softmax ? softmax_cfg_i.out_plane[AddrBits-1:0]
                                   : cfg_i.out_plane[AddrBits-1:0]);
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_o && valid_i) begin
      if (vector_i || softmax) v_offset_q <= offset_d;
      else c_offset_q <= offset_d;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Packing: the codes that leave, above the ones kept. A single one may belong in any slot.
  // ---------------------------------------------------------------------------------------------
  for (genvar l = 0; l < Rows; l++) begin : gen_row
    logic [31:0]         copies, packed_word, pack_q, softmax_pack_q;
    logic [7:0]          code, above;
    logic [AddrBits-1:0] out, out_q;
    logic                active_q;

    assign code  = code_i[l*8 +: 8];
    assign above = pair ? code_i[((Drain-1)*Rows+l)*8 +: 8] : code;

    always_comb begin
      copies = {2{above, code}};
      if (Ternary && cfg_i.encoding == trine_post_pkg::EncodingTernary && !softmax) begin
        copies = {8{above[1:0], code[1:0]}};
      end
      if (Binary && cfg_i.encoding == trine_post_pkg::EncodingBinary && !softmax) begin
        copies = {16{above[0], code[0]}};
      end
    end

    assign packed_word = (copies & slot_mask) |
                         ((softmax ? softmax_pack_q : pack_q) & below_mask);

    always_ff @(posedge clk_i) begin
      if (en_o && valid_i && !softmax) pack_q <= packed_word;
      if (en_o && valid_i && softmax) softmax_pack_q <= packed_word;
      if (en_o && valid_i && tag_i.first) begin
        out_q    <= lanes_i[l*AddrBits +: AddrBits];
        active_q <= lanes_i[Rows*AddrBits + l];
      end
    end

    // A tile's addresses are taken along by its first code: the next job may be in front before
    // the last one leaves.
    assign out = softmax       ? softmax_lanes_i[l*AddrBits +: AddrBits]
                 : tag_i.first ? lanes_i[l*AddrBits +: AddrBits]
                               : out_q;
    assign out_addr[l*AddrBits +: AddrBits] = out + offset;
    assign out_lanes[l] = softmax       ? softmax_lanes_i[Rows*AddrBits + l]
                          : tag_i.first ? lanes_i[Rows*AddrBits + l]
                                        : active_q;
    assign out_data[l*32 +: 32] = kind_i.whole && !softmax ? word_i[l*32 +: 32] : packed_word;
  end

  // ---------------------------------------------------------------------------------------------
  // Words leave. An empty scatter port takes what waits here in this cycle.
  // ---------------------------------------------------------------------------------------------
  assign pop_o   = valid_i && tag_i.pop;
  assign en_o    = !pop_o || room;
  assign first_o = en_o && valid_i && tag_i.first;
  assign left_o  = pop_o && room && softmax && tag_i.tile_end;
  assign room    = skid_free && !retire_q;
  assign room_o  = room && s_empty_i ? 2'd2 : 2'(room);

  trine_skid #(.Width(WordBits)) u_skid (
    .clk_i,
    .rst_ni,
    .clear_i,
    .in_valid_i  (pop_o && !retire_q),
    .in_ready_o  (skid_free),
    .in_data_i   ({out_addr, out_lanes, out_data, out_mask}),
    .out_valid_o (s_valid_o),
    .out_ready_i (s_ready_i),
    .out_data_o  (s_word_o)
  );

  // ---------------------------------------------------------------------------------------------
  // Ends of instructions.
  // ---------------------------------------------------------------------------------------------
  assign settled    = s_ready_i && skid_free;
  assign retiring_o = retire_q;
  assign c_retire_o = c_retired_q;
  assign v_retire_o = v_retired_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      retire_q        <= 1'b0;
      retire_vector_q <= 1'b0;
      bare_q          <= 1'b0;
      c_retired_q     <= 1'b0;
      v_retired_q     <= 1'b0;
    end else if (clear_i) begin
      retire_q        <= 1'b0;
      retire_vector_q <= 1'b0;
      bare_q          <= 1'b0;
      c_retired_q     <= 1'b0;
      v_retired_q     <= 1'b0;
    end else begin
      bare_q      <= bare_i;
      c_retired_q <= (retire_q && !retire_vector_q && settled) || bare_q;
      v_retired_q <= retire_q && retire_vector_q && settled;
      if (pop_o && room && tag_i.final_word) begin
        retire_q        <= 1'b1;
        retire_vector_q <= vector_i || softmax;
      end else if (settled) begin
        retire_q <= 1'b0;
      end
    end
  end

  logic unused_pack;
  assign unused_pack = ^{cfg_i, kind_i, softmax_cfg_i, softmax_lanes_i, tag_i};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q, stalled_q;
  logic [WordBits-1:0] held_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q    <= 1'b0;
      stalled_q <= 1'b0;
    end else begin
      live_q    <= 1'b1;
      stalled_q <= s_valid_o && !s_ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    held_q <= s_word_o;
    if (live_q) begin
      if (s_empty_i) m_empty_takes: assume (s_ready_i);
      // No bit of a word changes before it is taken.
      if (stalled_q) begin
        a_word_valid: assert (s_valid_o);
        a_word_held: assert (s_word_o == held_q);
      end
      if (bare_q) a_one_retire: assert (!retire_q);
      c_stops: cover (!en_o && !retire_q);
      c_stops_for_retirement: cover (!en_o && retire_q);
      c_waits: cover (pop_o && room && !s_ready_i);
    end
  end
`endif

endmodule
