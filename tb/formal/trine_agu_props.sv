// SPDX-License-Identifier: Apache-2.0
//
// Proves that the steps of trine_agu are the steps of the loop nest, each once and in order. In
// each step, every lane has the address and the flags of its position. The reference uses the
// formulas of docs/architecture.md with their products and quotients:
//
//   position p = tile * Rows + lane is column p mod Q of row p div Q
//   x = x_start + column * stride_x + kx * dil_x,  y = y_start + row * stride_y + ky * dil_y
//   address = origin + word * plane + y * pitch + x,
//   inside if p < P * Q and 0 <= x < width and 0 <= y < height
//
// The geometry is any geometry that is small enough for a solver. Addresses are modulo 2^AddrBits.
// The registers are set through the port, to the values that the compiler computes for that
// geometry (sw/compiler). The proof assumes the contract, and SETs of all registers before fill_i.

module trine_agu_props #(
  parameter int unsigned Rows   = 2,  // 2 to 4
  parameter bit          Window = 1'b0
) (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        clear_i,
  input logic        cfg_we_i,
  input logic [3:0]  cfg_reg_i,
  input logic        fill_i,
  input logic        start_i,
  input logic        step_ready_i
);

  localparam int unsigned AddrBits  = 3;
  localparam int unsigned CoordBits = 14;
  localparam int unsigned Lanes     = Rows + (Window ? 3 : 0);
  localparam int unsigned Filled    = Rows % 2 == 0 ? 2 : 1;  // lanes a cycle

  // ---------------------------------------------------------------------------------------------
  // The geometry.
  // ---------------------------------------------------------------------------------------------
  (* anyconst *) logic [AddrBits-1:0] origin, pitch, plane, out, out_pitch, out_plane;
  (* anyconst *) logic [2:0] P, Q;
  (* anyconst *) logic [1:0] stride_x, stride_y, dil_x, dil_y, skip;
  (* anyconst *) logic [1:0] s_last, r_last, words_last, groups_last, tiles_last;
  (* anyconst *) logic [3:0] width, height, halo, idle, x_pad, y_pad;
  (* anyconst *) logic       window;

  logic signed [CoordBits-1:0] x_start, y_start, x_end, y_end, W, H, reach, behind;
  assign W       = width;
  assign H       = height;
  assign reach   = halo;
  assign behind  = x_end - idle;
  assign x_start = -x_pad;
  assign y_start = -y_pad;
  assign x_end   = x_start + Q * stride_x;
  assign y_end   = y_start + P * stride_y;

  // Word `w` of a map's row y.
  function automatic logic [AddrBits-1:0] at(input logic [AddrBits-1:0] w,
                                             input logic signed [CoordBits-1:0] y);
    at = origin + w * plane + y[AddrBits-1:0] * pitch;
  endfunction

  // A tile is `rows_down` rows and `columns_right` columns further: quotient and remainder of Rows
  // / Q.
  (* anyconst *) logic [1:0] rows_down, columns_right;

  logic [AddrBits-1:0] base, kx_step, ky_step, cw_step, row_wrap, out_wrap, tile_base, tile_out;
  assign base      = at(AddrBits'(0), y_start) + x_start;
  assign kx_step   = AddrBits'(dil_x);
  assign ky_step   = AddrBits'(dil_y) * pitch - AddrBits'(s_last) * kx_step;
  assign cw_step   = plane - AddrBits'(r_last) * AddrBits'(dil_y) * pitch -
                     AddrBits'(s_last) * kx_step;
  assign row_wrap  = AddrBits'(stride_y) * pitch - AddrBits'(Q) * AddrBits'(stride_x);
  assign out_wrap  = out_pitch - AddrBits'(Q) * (AddrBits'(skip) + AddrBits'(1));
  assign tile_base = AddrBits'(rows_down) * AddrBits'(stride_y) * pitch +
                     AddrBits'(columns_right) * AddrBits'(stride_x);
  assign tile_out  = AddrBits'(rows_down) * out_pitch +
                     AddrBits'(columns_right) * (AddrBits'(skip) + AddrBits'(1));

  logic [15:0] tile_x, tile_y;
  assign tile_x = 16'(columns_right) * 16'(stride_x);
  assign tile_y = 16'(rows_down) * 16'(stride_y);

  trine_isa_pkg::agu_payload_t payload;
  always_comb begin
    payload = '0;
    case (cfg_reg_i)
      4'd0: begin
        payload.r0.base     = base;
        payload.r0.row_wrap = row_wrap;
      end
      4'd1: begin
        payload.r1.tile_base = tile_base;
        payload.r1.kx_step   = kx_step;
      end
      4'd2: begin
        payload.r2.ky_step = ky_step;
        payload.r2.cw_step = cw_step;
      end
      4'd3: begin
        payload.r3.x_start = x_start;
        payload.r3.x_end   = x_end;
        payload.r3.y_start = y_start;
      end
      4'd4: begin
        payload.r4.y_end  = y_end;
        payload.r4.height = height;
        payload.r4.width  = width;
        payload.r4.halo   = halo;
      end
      4'd5: begin
        payload.r5.tile_x   = tile_x;
        payload.r5.tile_y   = tile_y;
        payload.r5.stride_x = stride_x;
        payload.r5.stride_y = stride_y;
        payload.r5.out_skip = skip;
      end
      4'd6: begin
        payload.r6.s_last = s_last;
        payload.r6.r_last = r_last;
        payload.r6.dil_x  = dil_x;
        payload.r6.dil_y  = dil_y;
      end
      4'd7: begin
        payload.r7.words_last  = words_last;
        payload.r7.groups_last = groups_last;
        payload.r7.tiles_last  = tiles_last;
      end
      4'd8: begin
        payload.r8.out      = out;
        payload.r8.out_wrap = out_wrap;
        payload.r8.idle     = idle;
      end
      default: begin
        payload.r9.tile_out  = tile_out;
        payload.r9.out_plane = out_plane;
      end
    endcase
  end

  // ---------------------------------------------------------------------------------------------
  // The design.
  // ---------------------------------------------------------------------------------------------
  logic filled, running, valid, first, window_last, word_first, last, group_last, tile_first,
        tile_last;
  logic [Lanes*AddrBits-1:0] addr;
  logic [Lanes-1:0]          inside;
  logic [Rows*AddrBits-1:0]  out_addr;
  logic [Rows-1:0]           active;
  logic [AddrBits-1:0]       plane_out;

  trine_agu #(
    .Rows     (Rows),
    .AddrBits (AddrBits),
    .Window   (Window)
  ) u_dut (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .clear_i       (clear_i),
    .y_shift_i     (14'd0),
    .cfg_we_i      (cfg_we_i),
    .cfg_reg_i     (cfg_reg_i),
    .cfg_payload_i (payload),
    .fill_i        (fill_i),
    .pairs_i       (1'b0),
    .filled_o      (filled),
    .start_i       (start_i),
    .running_o     (running),
    .window_i      (window),
    .step_valid_o  (valid),
    .step_ready_i  (step_ready_i),
    .addr_o        (addr),
    .inside_o      (inside),
    .first_o       (first),
    .window_last_o (window_last),
    .word_first_o  (word_first),
    .last_o        (last),
    .group_last_o  (group_last),
    .tile_first_o  (tile_first),
    .tile_last_o   (tile_last),
    .out_o         (out_addr),
    .active_o      (active),
    .out_plane_o   (plane_out)
  );

  // The registers of the module, for the invariant.
  (* hierconn *) logic [AddrBits-1:0] \u_dut.base_q , \u_dut.row_wrap_q , \u_dut.tile_base_q ,
      \u_dut.kx_step_q ;
  (* hierconn *) logic [AddrBits-1:0] \u_dut.ky_step_q , \u_dut.cw_step_q , \u_dut.out_q ,
      \u_dut.out_wrap_q ;
  (* hierconn *) logic [AddrBits-1:0] \u_dut.tile_out_q , \u_dut.out_plane_q ,
      \u_dut.u_nest.offset_q ;
  (* hierconn *) logic [AddrBits-1:0] \u_dut.chain_base_q , \u_dut.chain_out_q ;
  (* hierconn *) logic signed [CoordBits-1:0] \u_dut.x_start_q , \u_dut.x_end_q , \u_dut.y_start_q ,
      \u_dut.y_end_q ;
  (* hierconn *) logic signed [CoordBits-1:0] \u_dut.height_q , \u_dut.width_q , \u_dut.tile_x_q ,
      \u_dut.tile_y_q ;
  (* hierconn *) logic signed [CoordBits-1:0] \u_dut.chain_x_q , \u_dut.chain_y_q ,
      \u_dut.u_nest.tap_x_q , \u_dut.u_nest.tap_y_q ;
  (* hierconn *) logic [7:0]  \u_dut.halo_q , \u_dut.idle_q , \u_dut.stride_x_q ,
      \u_dut.stride_y_q , \u_dut.out_skip_q ;
  (* hierconn *) logic [11:0] \u_dut.dil_x_q , \u_dut.dil_y_q ;
  (* hierconn *) logic [75:0] \u_dut.trips_q ;  // trine_agu_pkg::trips_t
  (* hierconn *) logic [11:0] \u_dut.u_nest.kx_q , \u_dut.u_nest.ky_q , \u_dut.u_nest.group_q ;
  (* hierconn *) logic [15:0] \u_dut.u_nest.cw_q ;
  (* hierconn *) logic [23:0] \u_dut.u_nest.tile_q ;
  (* hierconn *) logic [$clog2(Rows+1)-1:0] \u_dut.fill_count_q ;
  (* hierconn *) logic        \u_dut.filling_q ;
  (* hierconn *) logic signed [CoordBits-1:0] \u_dut.gen_lane[0].x_q , \u_dut.gen_lane[1].x_q ,
      \u_dut.gen_lane[2].x_q , \u_dut.gen_lane[3].x_q ;
  (* hierconn *) logic signed [CoordBits-1:0] \u_dut.gen_lane[0].y_q , \u_dut.gen_lane[1].y_q ,
      \u_dut.gen_lane[2].y_q , \u_dut.gen_lane[3].y_q ;
  (* hierconn *) logic [AddrBits-1:0]  \u_dut.gen_lane[0].lane_base_q ,
      \u_dut.gen_lane[1].lane_base_q , \u_dut.gen_lane[2].lane_base_q ,
      \u_dut.gen_lane[3].lane_base_q ;
  (* hierconn *) logic [AddrBits-1:0]  \u_dut.gen_lane[0].lane_out_q ,
      \u_dut.gen_lane[1].lane_out_q , \u_dut.gen_lane[2].lane_out_q ,
      \u_dut.gen_lane[3].lane_out_q ;

  logic [75:0] trips;
  assign trips = \u_dut.trips_q ;

  logic [4*CoordBits-1:0] lane_x, lane_y;
  logic [4*AddrBits-1:0]  lane_base, lane_out;
  assign lane_x    = {\u_dut.gen_lane[3].x_q , \u_dut.gen_lane[2].x_q , \u_dut.gen_lane[1].x_q ,
                      \u_dut.gen_lane[0].x_q };
  assign lane_y    = {\u_dut.gen_lane[3].y_q , \u_dut.gen_lane[2].y_q , \u_dut.gen_lane[1].y_q ,
                      \u_dut.gen_lane[0].y_q };
  assign lane_base = {\u_dut.gen_lane[3].lane_base_q , \u_dut.gen_lane[2].lane_base_q ,
                      \u_dut.gen_lane[1].lane_base_q , \u_dut.gen_lane[0].lane_base_q };
  assign lane_out  = {\u_dut.gen_lane[3].lane_out_q , \u_dut.gen_lane[2].lane_out_q ,
                      \u_dut.gen_lane[1].lane_out_q , \u_dut.gen_lane[0].lane_out_q };

  // ---------------------------------------------------------------------------------------------
  // The reference: which registers were set, how many positions were filled in, and the loop nest,
  // moved only by what is handed over.
  // ---------------------------------------------------------------------------------------------
  logic [9:0] set_q;
  logic       filling_q, filled_q, running_q;
  logic [2:0] filled_in_q;
  logic [1:0] kx_q, ky_q, word_q, group_q, tile_q;
  logic       step, kx_ends, ky_ends, word_ends, group_ends, tile_ends;

  assign step       = valid && step_ready_i;
  assign kx_ends    = kx_q == s_last;
  assign ky_ends    = kx_ends && ky_q == r_last;
  assign word_ends  = ky_ends && word_q == words_last;
  assign group_ends = word_ends && group_q == groups_last;
  assign tile_ends  = group_ends && tile_q == tiles_last;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      set_q     <= '0;
      filling_q <= 1'b0;
      filled_q  <= 1'b0;
      running_q <= 1'b0;
    end else begin
      if (cfg_we_i && cfg_reg_i < 4'd10) set_q[cfg_reg_i] <= 1'b1;
      if (clear_i) begin
        filling_q <= 1'b0;
        filled_q  <= 1'b0;
        running_q <= 1'b0;
      end else begin
        if (fill_i) filling_q <= 1'b1;
        else if (filling_q && filled_in_q == 3'(Rows - Filled)) {filling_q, filled_q} <= 2'b01;
        if (start_i) {filled_q, running_q} <= 2'b01;
        else if (step && tile_ends) running_q <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    filled_in_q <= fill_i ? 3'd0 : filled_in_q + 3'(Filled);
    if (start_i) begin
      {kx_q, ky_q, word_q, group_q, tile_q} <= '0;
    end else if (step) begin
      kx_q <= kx_ends ? 2'd0 : kx_q + 2'd1;
      if (kx_ends)    ky_q    <= ky_ends ? 2'd0 : ky_q + 2'd1;
      if (ky_ends)    word_q  <= word_ends ? 2'd0 : word_q + 2'd1;
      if (word_ends)  group_q <= group_ends ? 2'd0 : group_q + 2'd1;
      if (group_ends) tile_q  <= tile_q + 2'd1;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The formulas.
  // ---------------------------------------------------------------------------------------------
  function automatic logic signed [CoordBits-1:0] x_of(input logic [2:0] column);
    x_of = x_start + column * stride_x;
  endfunction

  function automatic logic signed [CoordBits-1:0] y_of(input logic [3:0] row);
    y_of = y_start + row * stride_y;
  endfunction

  function automatic logic [AddrBits-1:0] out_of(input logic [3:0] row, input logic [2:0] column);
    out_of = out + row * out_pitch + column * (skip + 1'b1);
  endfunction

  // Row and column of a position are computed by recurrence and asserted to be quotient and
  // remainder.
  function automatic logic is_place(input logic [3:0] position, input logic [3:0] row,
                                    input logic [2:0] column);
    is_place = column < Q && {3'd0, position} == row * Q + column;
  endfunction

  // Row and column `down` and `right` (at most Q) of those.
  function automatic logic [6:0] moved(input logic [3:0] row, input logic [2:0] column,
                                       input logic [1:0] down,
                                       input logic [2:0] right);
    logic [3:0] sum;
    sum   = column + right;
    moved = sum < Q ? {row + down, sum[2:0]} : {row + down + 4'd1, 3'(sum - Q)};
  endfunction

  // The word of a step: with `window` each group has words of its own, one group after the other.
  logic        [AddrBits-1:0] word;
  logic signed [CoordBits-1:0] tap_dx, tap_dy;
  assign word   = AddrBits'(word_q) +
                  (Window && window ? AddrBits'(group_q) * (AddrBits'(words_last) + AddrBits'(1)) :
                   AddrBits'(0));
  assign tap_dx = kx_q * dil_x;
  assign tap_dy = ky_q * dil_y;

  // The position that is shifted in next, and the positions after it.
  logic [3:0]                  chain_row_q;
  logic [2:0]                  chain_column_q;
  logic signed [CoordBits-1:0] chain_x, chain_y;
  logic [AddrBits-1:0]         chain_base;

  for (genvar k = 0; k <= Filled; k++) begin : gen_chain
    logic [6:0] place;
    if (k == 0) begin : gen_first
      assign place = {chain_row_q, chain_column_q};
    end else begin : gen_follower
      assign place = moved(gen_chain[k-1].place[6:3], gen_chain[k-1].place[2:0], 2'd0, 3'd1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (fill_i) {chain_row_q, chain_column_q} <= '0;
    else if (filling_q) {chain_row_q, chain_column_q} <= gen_chain[Filled].place;
  end

  assign chain_x    = x_of(chain_column_q);
  assign chain_y    = y_of(chain_row_q);
  assign chain_base = at(AddrBits'(0), chain_y) + chain_x;

  logic [Rows-1:0]  place_ok, x_ok, y_ok, base_ok, out_ok, active_ok;
  logic [Lanes-1:0] addr_ok, inside_ok;

  for (genvar l = 0; l < Rows; l++) begin : gen_lane
    logic [3:0] position, row_q;
    logic [2:0] column_q;
    logic       there;   // holds its position: from the top down while it is filled

    always_comb begin
      there    = filled_q || running_q;
      position = (running_q ? 4'(tile_q) * 4'(Rows) : 4'd0) + 4'(l);
      if (filling_q) begin
        there    = l >= Rows - 32'(filled_in_q);
        position = 4'(l) - 4'(Rows) + 4'(filled_in_q);
      end
    end

    logic [6:0] above;
    if (l + Filled >= Rows) begin : gen_top
      assign above = gen_chain[l+Filled-Rows].place;
    end else begin : gen_below
      assign above = {gen_lane[l+Filled].row_q, gen_lane[l+Filled].column_q};
    end

    always_ff @(posedge clk_i) begin
      if (filling_q) {row_q, column_q} <= above;
      else if (step && group_ends) {row_q, column_q} <= moved(row_q, column_q, rows_down,
                                                              3'(columns_right));
    end

    logic signed [CoordBits-1:0] x, y, x_column, y_row;
    logic [AddrBits-1:0]         own_base, tap;
    logic                        in_rows, in_columns;

    assign x_column   = x_of(column_q);
    assign y_row      = y_of(row_q);
    assign x          = x_column + tap_dx;
    assign y          = y_row + tap_dy;
    assign own_base   = at(AddrBits'(0), y_row) + x_column;
    assign tap        = at(word, y) + x;
    assign in_rows    = row_q < 4'(P);
    assign in_columns = !(Window && window) || x_column < behind;

    assign place_ok[l]  = !there || is_place(position, row_q, column_q);
    assign x_ok[l]      = !there ||
                          lane_x[l*CoordBits +: CoordBits] == CoordBits'(x_column - x_end);
    assign y_ok[l]      = !there || lane_y[l*CoordBits +: CoordBits] == CoordBits'(y_row - y_end);
    assign base_ok[l]   = !there || lane_base[l*AddrBits +: AddrBits] == own_base;
    assign out_ok[l]    = !there || lane_out[l*AddrBits +: AddrBits] == out_of(row_q, column_q);
    assign addr_ok[l]   = addr[l*AddrBits +: AddrBits] == tap;
    assign inside_ok[l] = inside[l] == (in_rows && x >= 0 && x < W && y >= 0 && y < H);
    assign active_ok[l] = active[l] == (in_rows && in_columns) &&
                          out_addr[l*AddrBits +: AddrBits] == out_of(row_q, column_q);
  end

  if (Window) begin : gen_window
    for (genvar k = 1; k <= 3; k++) begin : gen_neighbour
      logic signed [CoordBits-1:0] away, x;
      logic [AddrBits-1:0]         tap;
      assign away = 4'(k) * stride_x;
      assign x    = gen_lane[Rows-1].x + away;
      assign tap  = gen_lane[Rows-1].tap + away;
      assign addr_ok[Rows+k-1]   = addr[(Rows+k-1)*AddrBits +: AddrBits] == tap;
      assign inside_ok[Rows+k-1] = inside[Rows+k-1] ==
                                   (window && away <= reach && gen_lane[Rows-1].in_rows && x >= 0 &&
                                    x < W &&
                                    gen_lane[Rows-1].y >= 0 && gen_lane[Rows-1].y < H);
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The rest.
  // ---------------------------------------------------------------------------------------------
  logic [AddrBits-1:0] offset;
  assign offset = word * plane + tap_dy * pitch + tap_dx;

  always_comb begin
    if ($initstate) assume (!rst_ni);
    assume (rows_down * Q + columns_right == 5'(Rows) && columns_right < Q);
    assume (P != 3'd0 && Q != 3'd0 && stride_x != 2'd0 && stride_y != 2'd0);
    assume (!(cfg_we_i && (fill_i || filling_q || filled_q || running_q)));
    assume (!(fill_i && (filling_q || filled_q || running_q || set_q != '1)));
    assume (!(start_i && !filled_q));
    if (rst_ni) begin
      a_filled:  assert (filled == filled_q && \u_dut.filling_q == filling_q);
      a_running: assert (running == running_q && valid == running_q);
      a_place:   assert (place_ok == '1);
      a_x:       assert (x_ok == '1);
      a_y:       assert (y_ok == '1);
      a_base:    assert (base_ok == '1);
      a_out:     assert (out_ok == '1);
      a_phase:   assert (2'(filling_q) + 2'(filled_q) + 2'(running_q) <= 2'd1);
      if (filling_q || filled_q || running_q) a_all_set: assert (set_q == '1);
      if (filling_q) begin
        a_count:      assert (filled_in_q < 3'(Rows) && filled_in_q % 3'(Filled) == 3'd0 &&
                              3'(\u_dut.fill_count_q ) == 3'(Rows) - filled_in_q);
        a_chain:      assert (is_place(4'(filled_in_q), chain_row_q, chain_column_q));
        a_chain_x:    assert (\u_dut.chain_x_q == CoordBits'(chain_x - x_end));
        a_chain_y:    assert (\u_dut.chain_y_q == CoordBits'(chain_y - y_end));
        a_chain_base: assert (\u_dut.chain_base_q == chain_base);
        a_chain_out:  assert (\u_dut.chain_out_q == out_of(chain_row_q, chain_column_q));
      end
      if (running_q) begin
        a_addr:   assert (addr_ok == '1);
        a_inside: assert (inside_ok == '1);
        a_active: assert (active_ok == '1);
        a_nest:   assert (\u_dut.u_nest.kx_q == 12'(kx_q) && \u_dut.u_nest.ky_q == 12'(ky_q) &&
                          \u_dut.u_nest.cw_q == 16'(word_q) &&
                          \u_dut.u_nest.group_q == 12'(group_q) &&
                          \u_dut.u_nest.tile_q == 24'(tile_q));
        a_range:  assert (kx_q <= s_last && ky_q <= r_last && word_q <= words_last &&
                          group_q <= groups_last &&
                          tile_q <= tiles_last);
        a_offset: assert (\u_dut.u_nest.offset_q == offset);
        a_tap:    assert (\u_dut.u_nest.tap_x_q == CoordBits'(x_end + tap_dx) &&
                          \u_dut.u_nest.tap_y_q == CoordBits'(y_end + tap_dy));
        a_first:  assert (word_first == ({kx_q, ky_q} == '0) &&
                          first == ({kx_q, ky_q, word_q} == '0));
        a_tile:   assert (tile_first == (group_q == '0));
        a_last:   assert (window_last == ky_ends && last == word_ends);
        a_ends:   assert (group_last == (group_q == groups_last) &&
                          tile_last == (tile_q == tiles_last));
        a_plane:  assert (plane_out == out_plane);
      end
      if (set_q[0]) a_set_0: assert (\u_dut.base_q == base && \u_dut.row_wrap_q == row_wrap);
      if (set_q[1]) a_set_1: assert (\u_dut.tile_base_q == tile_base &&
                                     \u_dut.kx_step_q == kx_step);
      if (set_q[2]) a_set_2: assert (\u_dut.ky_step_q == ky_step && \u_dut.cw_step_q == cw_step);
      if (set_q[3]) a_set_3: assert (\u_dut.x_start_q == x_start && \u_dut.x_end_q == x_end &&
                                     \u_dut.y_start_q == y_start);
      if (set_q[4]) a_set_4: assert (\u_dut.y_end_q == y_end &&
                                     \u_dut.height_q == CoordBits'(height) &&
                                     \u_dut.width_q == CoordBits'(width) &&
                                     \u_dut.halo_q == 8'(halo));
      if (set_q[5]) a_set_5: assert (\u_dut.tile_x_q == CoordBits'(tile_x) &&
                                     \u_dut.tile_y_q == CoordBits'(tile_y) &&
                                     \u_dut.stride_x_q == 8'(stride_x) &&
                                     \u_dut.stride_y_q == 8'(stride_y) &&
                                     \u_dut.out_skip_q == 8'(skip));
      if (set_q[6]) a_set_6: assert (trips[75:52] == {12'(s_last), 12'(r_last)} &&
                                     \u_dut.dil_x_q == 12'(dil_x) && \u_dut.dil_y_q == 12'(dil_y));
      if (set_q[7]) a_set_7: assert (trips[51:0] == {16'(words_last), 12'(groups_last),
                                                      24'(tiles_last)});
      if (set_q[8]) a_set_8: assert (\u_dut.out_q == out && \u_dut.out_wrap_q == out_wrap &&
                                     \u_dut.idle_q == 8'(idle));
      if (set_q[9]) a_set_9: assert (\u_dut.tile_out_q == tile_out &&
                                     \u_dut.out_plane_q == out_plane);
      c_wraps: cover (running_q && tile_ends && step && Q == 3'd3 && tiles_last == 2'd1);
      c_stays: cover (running_q && inside == '1 && !step_ready_i);
      c_idle:  cover (running_q && active[0] && !active[1] && inside[0]);
    end
  end

endmodule
