// SPDX-License-Identifier: Apache-2.0
//
// Packs codes into words of 4 int8, 16 ternary or 32 binary codes. A code is packed above the
// earlier codes of its word. Each code leaves the lanes with a tag. The tag gives the slot of the
// code, and whether the word is complete and moves to trine_writeback_queue. Bits of a word without
// a code are not written. After the last channel, they are written as zeros. Softmax codes are
// interleaved with the codes of a job, so they have their own word.
//
//   offset of a word from the first word of its tile: grows by out_plane with each word
//
// Timing    s_word_o is combinational from a code if no word waits.
// Contract  The configuration and the addresses of a softmax hold until softmax_done_o.
//
// Check     trine_post_tb; trine_post_props; random_program_test (whole core)

module trine_pack #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned AddrBits = 15,
  parameter bit          Ternary  = 1'b0,
  parameter bit          Binary   = 1'b0,
  parameter bit          Softmax  = 1'b0,
  parameter bit          Int16    = 1'b0,
  parameter int unsigned Drain    = 1,
  parameter int unsigned Places   = 3,  // places for words
  parameter int unsigned Tiles    = 2,  // tiles whose addresses are stored
  localparam int unsigned LaneBits = Rows * (AddrBits + 1),
  localparam int unsigned WordBits = Rows * (AddrBits + 33) + 32,
  localparam int unsigned FreeBits = $clog2(Places + 1)
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       clear_i,

  // A new tile is in front, with these {active lanes, addresses}; the index of the stored tile.
  input  logic                       tile_i,
  output logic                       tile_free_o,
  input  logic [LaneBits-1:0]        lanes_i,
  output logic [LaneBits-1:0]        lanes_o,
  output trine_post_pkg::side_t      side_o,

  // Issues, and free places.
  input  trine_post_pkg::issue_t     issue_i,
  output logic [FreeBits-1:0]        free_places_o,

  // A code for each row, second lanes after first lanes, or a whole word; its tag.
  input  logic                       valid_i,
  input  trine_post_pkg::tag_t       tag_i,
  input  logic [Drain*Rows*8-1:0]    code_i,
  input  logic [Rows*32-1:0]         word_i,

  // The job in front; a softmax's configuration and lanes.
  input  trine_job_pkg::cfg_t       cfg_i,
  input  trine_post_pkg::kind_t      kind_i,
  input  logic                       vector_i,
  input  trine_post_pkg::cfg_pair_t  cfg_pair_i,
  input  trine_job_pkg::cfg_t       softmax_cfg_i,
  input  logic [LaneBits-1:0]        softmax_lanes_i,

  // No word is on its way; instructions retire; a softmax's tile has left.
  input  logic                       no_result_end_i,  // compute's instruction ends without results
  output logic                       queue_idle_o,
  output logic                       c_retire_o,
  output logic                       v_retire_o,
  output logic                       softmax_done_o,

  // {addresses, active lanes, data, mask}.
  output logic                       s_valid_o,
  input  logic                       s_ready_i,
  output logic [WordBits-1:0]        s_word_o
);

  trine_post_pkg::word_tag_t word_tag;
  logic [Rows*32-1:0]        data;
  logic        pair, of_vector;
  trine_job_pkg::cfg_t c_cfg, v_cfg;
  logic [AddrBits-1:0] out_plane;
  logic        softmax;  // a code that leaves belongs to a softmax
  logic [31:0] mask_q, slot_mask, below_mask;  // bits written; bits of this code; bits below it
  logic [31:0] out_mask;
  logic [AddrBits-1:0] c_offset_q, v_offset_q, offset, offset_d;  // from the tile's first word

  // With Int16, the code may belong to a different engine than the job in front.
  assign of_vector    = Int16 ? tag_i.of_vector : vector_i;
  assign {c_cfg, v_cfg} = Int16 ? {cfg_pair_i.c_cfg, cfg_pair_i.v_cfg} : {cfg_i, cfg_i};
  assign out_plane = of_vector ? v_cfg.out_plane[AddrBits-1:0] : c_cfg.out_plane[AddrBits-1:0];
  assign pair    = Drain == 2 && tag_i.pair;
  assign softmax = Softmax && tag_i.softmax;

  // ---------------------------------------------------------------------------------------------
  // Slots and addresses.
  // ---------------------------------------------------------------------------------------------
  always_comb begin
    slot_mask  = (pair ? 32'hffff : 32'hff) << {tag_i.slot[1:0], 3'd0};
    below_mask = (32'd1 << {tag_i.slot[1:0], 3'd0}) - 32'd1;
    if (Ternary && cfg_i.encoding == trine_job_pkg::EncodingTernary && !softmax) begin
      slot_mask  = (pair ? 32'hf : 32'h3) << {tag_i.slot[3:0], 1'b0};
      below_mask = (32'd1 << {tag_i.slot[3:0], 1'b0}) - 32'd1;
    end
    if (Binary && cfg_i.encoding == trine_job_pkg::EncodingBinary && !softmax) begin
      slot_mask  = (pair ? 32'h3 : 32'h1) << tag_i.slot;
      below_mask = (32'd1 << tag_i.slot) - 32'd1;
    end
  end

  always_comb begin
    out_mask = mask_q | slot_mask | (tag_i.channels_end ? ~below_mask : '0);
    if (softmax || kind_i.whole) out_mask = '1;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) mask_q <= '0;
    else if (clear_i) mask_q <= '0;
    else if (valid_i && !softmax) mask_q <= tag_i.pop ? '0 : out_mask;
  end

  always_comb begin
    offset = of_vector || softmax ? v_offset_q : c_offset_q;
    if ((tag_i.first || softmax) && tag_i.tile_first) offset = '0;
    offset_d = offset;
    if (tag_i.word_end) begin
      offset_d = offset + (softmax ? softmax_cfg_i.out_plane[AddrBits-1:0]
                                   : out_plane);
    end
  end

  always_ff @(posedge clk_i) begin
    if (valid_i) begin
      if (of_vector || softmax) v_offset_q <= offset_d;
      else c_offset_q <= offset_d;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Packing: codes that leave the lanes are placed above the stored codes. A single code may go
  // into any slot.
  // ---------------------------------------------------------------------------------------------
  for (genvar l = 0; l < Rows; l++) begin : gen_row
    logic [31:0] copies, packed_word, pack_q, softmax_pack_q;
    logic [7:0]  code, above;

    assign code  = code_i[l*8 +: 8];
    assign above = pair ? code_i[((Drain-1)*Rows+l)*8 +: 8] : code;

    always_comb begin
      copies = {2{above, code}};
      if (Ternary && cfg_i.encoding == trine_job_pkg::EncodingTernary && !softmax) begin
        copies = {8{above[1:0], code[1:0]}};
      end
      if (Binary && cfg_i.encoding == trine_job_pkg::EncodingBinary && !softmax) begin
        copies = {16{above[0], code[0]}};
      end
    end

    assign packed_word = (copies & slot_mask) |
                         ((softmax ? softmax_pack_q : pack_q) & below_mask);

    always_ff @(posedge clk_i) begin
      if (valid_i && !softmax) pack_q <= packed_word;
      if (valid_i && softmax) softmax_pack_q <= packed_word;
    end

    assign data[l*32 +: 32] = kind_i.whole && !softmax ? word_i[l*32 +: 32] : packed_word;
  end

  assign word_tag.side     = Int16 ? tag_i.side : {1'b0, tag_i.side[0]};
  assign word_tag.softmax  = softmax;
  assign word_tag.tile_end = tag_i.tile_end;
  assign word_tag.c_end    = tag_i.final_word && !(of_vector || softmax);
  assign word_tag.v_end    = tag_i.final_word && (of_vector || softmax);
  assign word_tag.by_row   = Int16 && c_cfg.by_row && !(of_vector || softmax);
  assign word_tag.odd_rows = Int16 && tag_i.odd_rows && !softmax;

  trine_writeback_queue #(
    .Rows     (Rows),
    .AddrBits (AddrBits),
    .Softmax  (Softmax),
    .Places   (Places),
    .Tiles    (Tiles)
  ) u_writeback_queue (
    .clk_i,
    .rst_ni,
    .clear_i,
    .tile_i,
    .tile_free_o,
    .lanes_i,
    .lanes_o,
    .side_o,
    .softmax_lanes_i,
    .alloc_i   (issue_i.word),
    .softmax_i (issue_i.softmax),
    .free_places_o,
    .push_i    (valid_i && tag_i.pop),
    .tag_i     (word_tag),
    .data_i    (data),
    .mask_i    (out_mask),
    .offset_i  (offset),
    .no_result_end_i,
    .queue_idle_o,
    .c_retire_o,
    .v_retire_o,
    .softmax_done_o,
    .s_valid_o,
    .s_ready_i,
    .s_word_o
  );

  logic unused_pack;
  assign unused_pack = ^{vector_i, cfg_pair_i, c_cfg, v_cfg, cfg_i, kind_i,
                         softmax_cfg_i, tag_i, issue_i};

`ifdef TRINE_ASSERT
  // softmax_q: words hold softmax codes that have not left.
  logic                 live_q, softmax_q;
  logic [LaneBits-1:0]  softmax_lanes_q;
  trine_job_pkg::cfg_t  held_cfg_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, softmax_q} <= '0;
    end else begin
      live_q    <= 1'b1;
      softmax_q <= !clear_i && !softmax_done_o && (softmax_q || (valid_i && softmax));
    end
  end

  always_ff @(posedge clk_i) begin
    softmax_lanes_q <= softmax_lanes_i;
    held_cfg_q      <= softmax_cfg_i;
    if (live_q) begin
      if (softmax_q) begin
        m_softmax_held: assume (softmax_lanes_i == softmax_lanes_q &&
                                softmax_cfg_i == held_cfg_q);
      end
      if (valid_i && pair) a_even: assert (!tag_i.slot[0]);
      if (valid_i && !softmax && !kind_i.whole) a_above: assert ((mask_q & slot_mask) == '0);
    end
  end
`endif

endmodule
