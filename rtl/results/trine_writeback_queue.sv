// SPDX-License-Identifier: Apache-2.0
//
// Queues result words on their way to DMEM (write-back queue), adds their addresses and retires
// instructions. The queue reserves a place for a word when the word's last code enters the lanes,
// so the lanes never wait for the scatter port. free_places_o counts the places that are not
// reserved. The queue stores the addresses of Tiles tiles: the tile in front, and earlier tiles
// until their last words have left.
//
//   address of a word = address of its tile in its lane + offset
//
// An instruction retires one cycle after its last word went to DMEM. Words of the next instruction
// may have left by then. An instruction without results retires after all instructions before it.
//
//   cycle          0    1    2    3    4    5    6
//   alloc_i        A         B                        each reserves a place, Places = 2
//   free_places_o  2    1    1    0    0    1    2
//   push_i                             A         B    the word comes out of the lanes
//   s_valid_o                          A    A    B
//   s_ready_i                          0    1    1
//
// Timing    s_word_o is combinational from push_i if no word waits.
// Contract  alloc_i comes only if a place is free. Each alloc_i is followed by one push_i, in
//           order. tile_i comes only with tile_free_o. The addresses of a softmax hold until
//           softmax_done_o.
// Check     trine_post_tb; trine_post_props

module trine_writeback_queue #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned AddrBits = 15,
  parameter bit          Softmax  = 1'b0,
  parameter int unsigned Places   = 3,
  parameter int unsigned Tiles    = 2,  // 2; 4, with int16: Rows is even
  localparam int unsigned LaneBits  = Rows * (AddrBits + 1),
  localparam int unsigned WordBits  = Rows * (AddrBits + 33) + 32,
  localparam int unsigned CountBits = $clog2(Places + 1)
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       clear_i,

  // A new tile is in front: {active lanes, their addresses}; the index of the stored tile.
  input  logic                       tile_i,
  output logic                       tile_free_o,
  input  logic [LaneBits-1:0]        lanes_i,
  output logic [LaneBits-1:0]        lanes_o,
  output trine_post_pkg::side_t      side_o,
  input  logic [LaneBits-1:0]        softmax_lanes_i,

  // The last code of a word enters the lanes; it is a softmax's.
  input  logic                       alloc_i,
  input  logic                       softmax_i,
  output logic [CountBits-1:0]       free_places_o,

  // The word leaves the lanes, {data, mask, offset from the tile's first word}.
  input  logic                       push_i,
  input  trine_post_pkg::word_tag_t  tag_i,
  input  logic [Rows*32-1:0]         data_i,
  input  logic [31:0]                mask_i,
  input  logic [AddrBits-1:0]        offset_i,

  // No word is in the queue or on its way to it; instructions retire; the last word of a softmax's
  // tile leaves.
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

  localparam int unsigned PlaceBits = trine_post_pkg::WordTagBits + AddrBits + 32 + Rows * 32;

  // ---------------------------------------------------------------------------------------------
  // Places in a ring: in_q is the next place to be written, and out_q the next place to leave.
  // ---------------------------------------------------------------------------------------------
  logic [PlaceBits-1:0]      place_q [Places];
  logic [Places-1:0]         held_q, in_q, out_q;  // the place has a word; is next in; is next out
  logic [PlaceBits-1:0]      in, stored;
  trine_post_pkg::word_tag_t tag, tag_in;
  logic [AddrBits-1:0]       offset;
  logic [Rows*32-1:0]        data;
  logic [31:0]               mask;
  logic                      waits, leaves, keep;

  // Without int16 codes these fields are constant, so they need no registers.
  always_comb begin
    tag_in = tag_i;
    if (Tiles == 2) {tag_in.side[1], tag_in.by_row, tag_in.odd_rows} = '0;
  end
  assign in                        = {tag_in, offset_i, mask_i, data_i};
  assign waits                     = held_q != '0;
  assign {tag, offset, mask, data} = waits ? stored : in;
  assign s_valid_o                 = waits || push_i;
  assign leaves                    = s_valid_o && s_ready_i;
  assign keep                      = push_i && (waits || !leaves);

  always_comb begin
    stored = {PlaceBits{out_q[0]}} & place_q[0];
    for (int unsigned p = 1; p < Places; p++) begin
      stored = stored | ({PlaceBits{out_q[p]}} & place_q[p]);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      held_q <= '0;
      in_q   <= Places'(1);
      out_q  <= Places'(1);
    end else if (clear_i) begin
      held_q <= '0;
      in_q   <= Places'(1);
      out_q  <= Places'(1);
    end else begin
      held_q <= (held_q & ~({Places{leaves}} & out_q)) | ({Places{keep}} & in_q);
      if (keep) in_q <= {in_q[Places-2:0], in_q[Places-1]};
      if (leaves && waits) out_q <= {out_q[Places-2:0], out_q[Places-1]};
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned p = 0; p < Places; p++) begin
      if (keep && in_q[p]) place_q[p] <= in;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Free places, and words of the tiles that have not left.
  // ---------------------------------------------------------------------------------------------
  logic [CountBits-1:0]  free_places_q;
  logic                  entered, left;  // a word of a tile
  trine_post_pkg::side_t side_q, next_side;

  assign free_places_o = free_places_q;
  assign entered       = alloc_i && !softmax_i;
  assign left          = leaves && !tag.softmax;
  assign next_side     = (side_q + 2'd1) & 2'(Tiles - 1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) free_places_q <= CountBits'(Places);
    else if (clear_i) free_places_q <= CountBits'(Places);
    else free_places_q <= free_places_q + CountBits'(leaves) - CountBits'(alloc_i);
  end

  if (Tiles == 2) begin : gen_two
    logic [CountBits-1:0] words_q, words_d, older_q;

    assign tile_free_o = older_q == '0;
    assign words_d     = words_q + CountBits'(entered) - CountBits'(left && older_q == '0);

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        words_q <= '0;
        older_q <= '0;
      end else if (clear_i) begin
        words_q <= '0;
        older_q <= '0;
      end else begin
        words_q <= tile_i ? '0 : words_d;
        if (tile_i) older_q <= words_d;
        else if (left && older_q != '0) older_q <= older_q - CountBits'(1);
      end
    end
  end else begin : gen_more
    logic [Tiles-1:0] taken;  // tiles with words that have not left
    logic [1:0]       left_side;

    assign left_side   = tag.side;
    assign tile_free_o = !taken[next_side];

    for (genvar t = 0; t < Tiles; t++) begin : gen_tile
      logic [CountBits-1:0] words_q;

      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) words_q <= '0;
        else if (clear_i) words_q <= '0;
        else begin
          words_q <= words_q + CountBits'(entered && side_q == 2'(t)) -
                     CountBits'(left && left_side == 2'(t));
        end
      end

      assign taken[t] = words_q != '0;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Addresses.
  // ---------------------------------------------------------------------------------------------
  logic [LaneBits-1:0] lanes_q [Tiles], out;

  assign side_o  = side_q;

  always_comb begin
    lanes_o = lanes_q[0];
    out     = lanes_q[0];
    for (int unsigned t = 1; t < Tiles; t++) begin
      if (side_q == 2'(t)) lanes_o = lanes_q[t];
      if (tag.side == 2'(t)) out = lanes_q[t];
    end
    if (Softmax && tag.softmax) out = softmax_lanes_i;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) side_q <= '0;
    else if (tile_i) side_q <= next_side;
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned t = 0; t < Tiles; t++) begin
      if (tile_i && next_side == 2'(t)) lanes_q[t] <= lanes_i;
    end
  end

  assign s_word_o[Rows*32+31:0] = {data, mask};

  // With results by row, both lanes of a pair write the code of the even lane, or of the odd lane:
  // {high, low} bytes.
  for (genvar l = 0; l < Rows; l++) begin : gen_row
    localparam int unsigned Even = Tiles == 2 ? l : l - l % 2, Odd = Tiles == 2 ? l : l - l % 2 + 1;
    logic [AddrBits-1:0] first;
    logic                active, other;

    assign other  = Tiles != 2 && tag.by_row;
    assign first  = other ? out[(tag.odd_rows ? Odd : Even)*AddrBits +: AddrBits]
                          : out[l*AddrBits +: AddrBits];
    assign active = other ? out[Rows*AddrBits + (tag.odd_rows ? Odd : Even)]
                          : out[Rows*AddrBits + l];
    assign s_word_o[Rows*32 + 32 + l]                      = active;
    assign s_word_o[Rows*33 + 32 + l*AddrBits +: AddrBits] =
        first + offset + AddrBits'(other && l % 2 != 0);
  end

  // ---------------------------------------------------------------------------------------------
  // Ends of instructions: when the scatter port is ready again, it has written the last word.
  // ---------------------------------------------------------------------------------------------
  logic c_end_q, v_end_q, no_result_end_q, c_retired_q, v_retired_q;

  assign queue_idle_o   = free_places_q == CountBits'(Places) && !c_end_q && !v_end_q;
  assign c_retire_o     = c_retired_q;
  assign v_retire_o     = v_retired_q;
  assign softmax_done_o = Softmax && leaves && tag.softmax && tag.tile_end;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      c_end_q         <= 1'b0;
      v_end_q         <= 1'b0;
      no_result_end_q <= 1'b0;
      c_retired_q     <= 1'b0;
      v_retired_q     <= 1'b0;
    end else if (clear_i) begin
      c_end_q         <= 1'b0;
      v_end_q         <= 1'b0;
      no_result_end_q <= 1'b0;
      c_retired_q     <= 1'b0;
      v_retired_q     <= 1'b0;
    end else begin
      no_result_end_q <= no_result_end_i;
      c_retired_q     <= (c_end_q && s_ready_i) || no_result_end_q;
      v_retired_q     <= v_end_q && s_ready_i;
      if (s_ready_i) begin
        c_end_q <= leaves && tag.c_end;
        v_end_q <= leaves && tag.v_end;
      end
    end
  end

  logic unused_words;
  assign unused_words = ^{softmax_lanes_i, tag};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic                live_q, stalled_q;
  logic [WordBits-1:0] held_word_q;

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
    held_word_q <= s_word_o;
    if (live_q && !clear_i) begin
      // No place is reserved twice or freed without being reserved, and each word has its own
      // place.
      if (alloc_i) a_free: assert (free_places_q != '0);
      if (leaves) a_given: assert (free_places_q != CountBits'(Places));
      if (keep) a_place: assert ((held_q & in_q) == '0);
      if (tile_i) a_side_free: assert (tile_free_o);
      // No bit of a word changes before it is taken.
      if (stalled_q) begin
        a_word_valid: assert (s_valid_o);
        a_word_held: assert (s_word_o == held_word_q);
      end
      if (no_result_end_q) a_one_retire: assert (!c_end_q);
      c_none_free: cover (free_places_q == '0);
      c_ends_follow: cover (c_end_q && s_ready_i && leaves && tag.c_end);
      c_tile_waits: cover (!tile_free_o && waits);
    end
  end
`endif

endmodule
