// SPDX-License-Identifier: Apache-2.0
//
// Proves that each word leaves trine_writeback_queue with the addresses of its tile, in the order
// of the words. The addresses of a tile hold until its last word has left. The queue never reserves
// more places than it has. A new tile is stored on the one of the two sides that is not in front.
// The proof starts from either side.
//
// The proof covers one row and two address bits, without a softmax. The bench counts the words
// between alloc_i and push_i. The proof assumes the contract, and that the side in a tag is the
// side that was in front at alloc_i.

module trine_writeback_queue_props (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        clear_i,
  input logic        tile_i,
  input logic [2:0]  lanes_i,
  input logic        alloc_i,
  input logic        push_i,
  input logic [1:0]  offset_i,
  input logic        s_ready_i
);

  localparam int unsigned Places = 3, AddrBits = 2, PlaceBits = 8 + AddrBits + 64;

  trine_post_pkg::word_tag_t tag;
  logic                      tile_free, s_valid, settled, c_retire, v_retire, left;
  trine_post_pkg::side_t     side;
  logic [2:0]                lanes;
  logic [1:0]                free;
  logic [66:0]               word;

  trine_writeback_queue #(
    .Rows     (1),
    .AddrBits (AddrBits),
    .Places   (Places)
  ) u_dut (
    .clk_i           (clk_i),
    .rst_ni          (rst_ni),
    .clear_i         (clear_i),
    .tile_i          (tile_i),
    .tile_free_o     (tile_free),
    .lanes_i         (lanes_i),
    .lanes_o         (lanes),
    .side_o          (side),
    .softmax_lanes_i ('0),
    .alloc_i         (alloc_i),
    .softmax_i       (1'b0),
    .free_places_o   (free),
    .push_i          (push_i),
    .tag_i           (tag),
    .data_i          ('0),
    .mask_i          ('0),
    .offset_i        (offset_i),
    .no_result_end_i (1'b0),
    .queue_idle_o    (settled),
    .c_retire_o      (c_retire),
    .v_retire_o      (v_retire),
    .softmax_done_o  (left),
    .s_valid_o       (s_valid),
    .s_ready_i       (s_ready_i),
    .s_word_o        (word)
  );

  // The registers of the module, for the invariant.
  (* hierconn *) logic [Places-1:0]    \u_dut.held_q , \u_dut.in_q , \u_dut.out_q ;
  (* hierconn *) logic [1:0]           \u_dut.gen_two.words_q , \u_dut.gen_two.older_q ;
  (* hierconn *) logic [2:0]           \u_dut.lanes_q[0] , \u_dut.lanes_q[1] ;
  (* hierconn *) logic [PlaceBits-1:0] \u_dut.place_q[0] , \u_dut.place_q[1] , \u_dut.place_q[2] ;

  // Words in the lanes, of the tile in front and of the one before; tiles that began, up to 2, and
  // the addresses of the last two.
  logic [1:0] front_q, older_q, begun_q;
  logic [2:0] lanes_q, older_lanes_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {front_q, older_q, begun_q} <= '0;
    end else if (clear_i) begin
      {front_q, older_q, begun_q} <= '0;
    end else begin
      if (tile_i) begin
        older_q       <= front_q + 2'(alloc_i) - 2'(push_i);
        front_q       <= '0;
        lanes_q       <= lanes_i;
        older_lanes_q <= lanes_q;
        if (!begun_q[1]) begun_q <= begun_q + 2'd1;
      end else begin
        if (older_q != '0) older_q <= older_q - 2'(push_i);
        front_q <= front_q + 2'(alloc_i) - 2'(push_i && older_q == '0);
      end
    end
  end

  always_comb begin
    tag      = '0;
    tag.side = older_q != '0 ? {1'b0, !side[0]} : side;
  end

  // Words that wait, from the next to leave on: how many, whether the ring is one, and whether the
  // first ones, of the older tile, and only those have its side.
  logic [1:0]                waiting, older;
  logic                      ring, sides;
  logic [PlaceBits-1:0]      place;
  trine_post_pkg::word_tag_t place_tag;
  logic [Places-1:0]         at, next;

  assign older = \u_dut.gen_two.older_q - older_q;  // that wait here

  always_comb begin
    waiting = '0;
    ring    = \u_dut.out_q == 3'd1 || \u_dut.out_q == 3'd2 || \u_dut.out_q == 3'd4;
    sides   = 1'b1;
    at      = \u_dut.out_q ;
    next    = at;
    for (int unsigned k = 0; k < Places; k++) begin
      place = ({PlaceBits{at[0]}} & \u_dut.place_q[0] ) |
              ({PlaceBits{at[1]}} & \u_dut.place_q[1] ) |
              ({PlaceBits{at[2]}} & \u_dut.place_q[2] );
      place_tag = place[PlaceBits-1 -: 8];
      if ((\u_dut.held_q & at) != '0) begin
        if (waiting != 2'(k)) ring = 1'b0;
        if (place_tag.softmax) sides = 1'b0;
        if (place_tag.side != (side ^ 2'(waiting < older))) sides = 1'b0;
        waiting = waiting + 2'd1;
        next    = {at[1:0], at[2]};
      end
      at = {at[1:0], at[2]};
    end
    if (\u_dut.in_q != next) ring = 1'b0;
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    m_tile: assume (!tile_i || tile_free);
    m_take: assume (!alloc_i || (free != '0 && begun_q != '0));
    m_push: assume (!push_i || front_q + older_q != '0);
    if (rst_ni) begin
      a_ring:   assert (ring);
      a_sides:  assert (sides);
      a_places: assert (3'(free) + 3'(waiting) + 3'(front_q) + 3'(older_q) == 3'(Places));
      a_counts: assert (older_q <= \u_dut.gen_two.older_q && older <= waiting &&
                        3'(\u_dut.gen_two.words_q ) == 3'(front_q) + 3'(waiting) - 3'(older));
      a_order:  assert (older_q == '0 || older == waiting);
      a_begun:  assert (begun_q <= 2'd2 && (begun_q != '0 || free == 2'(Places)) &&
                        (begun_q == 2'd2 || \u_dut.gen_two.older_q == '0));
      if (begun_q != '0) a_front: assert (lanes == lanes_q);
      if (begun_q == 2'd2 && \u_dut.gen_two.older_q != '0)
        a_older: assert ((side[0] ? \u_dut.lanes_q[0] : \u_dut.lanes_q[1] ) == older_lanes_q);
      // {active lane, address} of the word that leaves.
      if (s_valid && \u_dut.held_q == '0)
        a_passes: assert (word[66:65] == (older_q != '0 ? older_lanes_q[1:0] : lanes_q[1:0]) +
                                         offset_i &&
                          word[64] == (older_q != '0 ? older_lanes_q[2] : lanes_q[2]));
      if (s_valid && \u_dut.held_q != '0)
        a_leaves: assert (word[64] == (\u_dut.gen_two.older_q != '0 ? older_lanes_q[2]
                                                                    : lanes_q[2]));
      c_two: cover (waiting == 2'd3 && \u_dut.gen_two.older_q == 2'd2 && older_lanes_q != lanes_q);
    end
  end

endmodule
