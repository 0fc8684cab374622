// SPDX-License-Identifier: Apache-2.0
//
// Generates the DMEM addresses of all lanes for each step of a RUN's loop nest (address generator).
//
//   for tile, for group, for cw, ky, kx:  one step: in each lane, the DMEM address of a tap
//     address = base + offset,
//     inside  = active && 0 <= y + ky*dil_y < height && 0 <= x + kx*dil_x < width
//
// This module contains the registers and the lanes. trine_nest is the loop nest.
//
// docs/architecture.md defines how the position of lane r+1 follows from the position of lane r. To
// move to the next tile, each lane adds constants and wraps at most once, so there is no divider.
// Before the first step, the start positions are shifted in from the top lane, two lanes per cycle,
// or one lane per cycle if Rows is odd. This filling needs the SETs of the RUN, but it may run
// before the RUN starts.
//
// Window adds 3 lanes that only gather. They are the right-hand neighbours of the last lane at
// distances of one, two and three positions. `inside` is set for them only up to distance `halo`.
// With window_i, the offset continues from group to group, because each group has its own channel
// word. Lanes in the last `idle` columns of a row gather for their neighbours, but have no output.
//
// Timing    With Filled lanes per cycle, filled_o comes Rows / Filled cycles after fill_i. start_i
//           lasts one cycle and requires filled_o. After start_i, the throughput is one step per
//           cycle. step_valid_o, addresses and flags come from registers through two adders
//           (offset, comparison). step_ready_i reaches only registers.
// Contract  No SET comes from fill_i to the last step. x_start + tile_x < x_end. x_end - x_start,
//           and the number of rows from y_end to the last lane, fit in CoordBits (program::verify
//           checks this).
// Check     trine_agu_tb

module trine_agu #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned AddrBits = 15,
  parameter bit          Window   = 1'b0,
  parameter bit          Pairs    = 1'b0,
  parameter bit          Cluster  = 1'b0,
  localparam int unsigned Lanes     = Rows + (Window ? 3 : 0),
  localparam int unsigned CoordBits = trine_isa_pkg::CoordBits
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,
  input  logic                        clear_i,

  input  logic [CoordBits-1:0]        y_shift_i,  // Cluster: row shift of this core's lanes

  // SETs of the engine. Registers 0 to 9 are stored here.
  input  logic                        cfg_we_i,
  input  logic [3:0]                  cfg_reg_i,
  input  trine_isa_pkg::agu_payload_t cfg_payload_i,

  // Control.
  input  logic                        fill_i,
  input  logic                        pairs_i,  // lanes form pairs; valid with fill_i
  output logic                        filled_o,
  input  logic                        start_i,
  output logic                        running_o,
  input  logic                        window_i,

  // Steps.
  output logic                        step_valid_o,
  input  logic                        step_ready_i,
  output logic [Lanes*AddrBits-1:0]   addr_o,
  output logic [Lanes-1:0]            inside_o,
  output logic                        first_o,        // first step of its (tile, group)
  output logic                        window_last_o,  // last (ky, kx) of its channel word
  output logic                        word_first_o,   // first (ky, kx) of its channel word
  output logic                        last_o,         // last step of its (tile, group)
  output logic                        group_last_o,   // step of the last group of its tile
  output logic                        tile_first_o,   // step of the first group of its tile
  output logic                        tile_last_o,    // step of the last tile

  // The tile of the current step.
  output logic [Rows*AddrBits-1:0]    out_o,
  output logic [Rows-1:0]             active_o,
  output logic [AddrBits-1:0]         out_plane_o
);

  localparam int unsigned LaneBits = $clog2(Rows + 1);
  localparam int unsigned Filled   = Rows % 2 == 0 ? 2 : 1;  // lanes filled in a cycle

  // ---------------------------------------------------------------------------------------------
  // Registers. Addresses are stored modulo the address width.
  // ---------------------------------------------------------------------------------------------
  logic [AddrBits-1:0]           base_q;
  logic [AddrBits-1:0]           row_wrap_q;
  logic [AddrBits-1:0]           tile_base_q;
  logic [AddrBits-1:0]           kx_step_q;
  logic [AddrBits-1:0]           ky_step_q;
  logic [AddrBits-1:0]           cw_step_q;
  logic signed [CoordBits-1:0]   x_start_q;
  logic signed [CoordBits-1:0]   x_end_q;
  logic signed [CoordBits-1:0]   y_start_q;
  logic signed [CoordBits-1:0]   y_end_q;
  logic [CoordBits-1:0]          height_q, width_q;
  logic [7:0]                    halo_q, idle_q;
  logic [CoordBits-1:0]          tile_x_q, tile_y_q;
  logic [7:0]                    stride_x_q, stride_y_q, out_skip_q;
  trine_agu_pkg::trips_t         trips_q;
  logic [11:0]                   dil_x_q, dil_y_q;
  logic [AddrBits-1:0]           out_q;
  logic [AddrBits-1:0]           out_wrap_q;
  logic [AddrBits-1:0]           tile_out_q;
  logic [AddrBits-1:0]           out_plane_q;

  always_ff @(posedge clk_i) begin
    if (cfg_we_i) begin
      if (cfg_reg_i == 4'(trine_isa_pkg::AguBaseReg)) begin
        base_q <= cfg_payload_i.r0.base[AddrBits-1:0];
        row_wrap_q <= cfg_payload_i.r0.row_wrap[AddrBits-1:0];
      end
      if (cfg_reg_i == 4'(trine_isa_pkg::AguTileBaseReg)) begin
        tile_base_q <= cfg_payload_i.r1.tile_base[AddrBits-1:0];
        kx_step_q <= cfg_payload_i.r1.kx_step[AddrBits-1:0];
      end
      if (cfg_reg_i == 4'(trine_isa_pkg::AguKyStepReg)) begin
        ky_step_q <= cfg_payload_i.r2.ky_step[AddrBits-1:0];
        cw_step_q <= cfg_payload_i.r2.cw_step[AddrBits-1:0];
      end
      if (cfg_reg_i == 4'(trine_isa_pkg::AguXStartReg)) begin
        x_start_q <= cfg_payload_i.r3.x_start[CoordBits-1:0];
        x_end_q <= cfg_payload_i.r3.x_end[CoordBits-1:0];
        y_start_q <= cfg_payload_i.r3.y_start[CoordBits-1:0];
      end
      if (cfg_reg_i == 4'(trine_isa_pkg::AguYEndReg)) begin
        y_end_q <= cfg_payload_i.r4.y_end[CoordBits-1:0];
        height_q <= cfg_payload_i.r4.height[CoordBits-1:0];
        width_q <= cfg_payload_i.r4.width[CoordBits-1:0];
        halo_q <= cfg_payload_i.r4.halo;
      end
      if (cfg_reg_i == 4'(trine_isa_pkg::AguTileXReg)) begin
        tile_x_q <= cfg_payload_i.r5.tile_x[CoordBits-1:0];
        tile_y_q <= cfg_payload_i.r5.tile_y[CoordBits-1:0];
        stride_x_q <= cfg_payload_i.r5.stride_x;
        stride_y_q <= cfg_payload_i.r5.stride_y;
        out_skip_q <= cfg_payload_i.r5.out_skip;
      end
      if (cfg_reg_i == 4'(trine_isa_pkg::AguSLastReg)) begin
        trips_q.s_last <= cfg_payload_i.r6.s_last;
        trips_q.r_last <= cfg_payload_i.r6.r_last;
        dil_x_q <= cfg_payload_i.r6.dil_x;
        dil_y_q <= cfg_payload_i.r6.dil_y;
      end
      if (cfg_reg_i == 4'(trine_isa_pkg::AguWordsLastReg)) begin
        trips_q.words_last <= cfg_payload_i.r7.words_last;
        trips_q.groups_last <= cfg_payload_i.r7.groups_last;
        trips_q.tiles_last <= cfg_payload_i.r7.tiles_last;
      end
      if (cfg_reg_i == 4'(trine_isa_pkg::AguOutReg)) begin
        out_q <= cfg_payload_i.r8.out[AddrBits-1:0];
        out_wrap_q <= cfg_payload_i.r8.out_wrap[AddrBits-1:0];
        idle_q <= cfg_payload_i.r8.idle;
      end
      if (cfg_reg_i == 4'(trine_isa_pkg::AguTileOutReg)) begin
        tile_out_q <= cfg_payload_i.r9.tile_out[AddrBits-1:0];
        out_plane_q <= cfg_payload_i.r9.out_plane[AddrBits-1:0];
      end
    end
  end

  assign out_plane_o = out_plane_q;

  logic unused_payload;  // bits above the fields and above the address width
  assign unused_payload = ^cfg_payload_i;

  // ---------------------------------------------------------------------------------------------
  // Filling: the chain begins with the lane that is shifted in next and continues with its
  // followers. Coordinates are stored relative to the end of their row and column, so that a sign
  // bit shows whether to wrap, or whether a lane is active.
  // ---------------------------------------------------------------------------------------------
  logic                        filling_q, filled_q, advance, pairs_q;
  logic [LaneBits-1:0]         fill_count_q;
  logic signed [CoordBits-1:0] chain_x_q, chain_y_q, x_span;
  logic [AddrBits-1:0]         chain_base_q, chain_out_q;

  assign x_span   = x_end_q - x_start_q;
  assign filled_o = filled_q;

  for (genvar k = 0; k <= Filled; k++) begin : gen_chain
    logic signed [CoordBits-1:0] x, y;
    logic [AddrBits-1:0]         base, out;

    if (k == 0) begin : gen_first
      assign x    = chain_x_q;
      assign y    = chain_y_q;
      assign base = chain_base_q;
      assign out  = chain_out_q;
    end else begin : gen_follower
      // The base of a pair's second lane is the first lane's base + 1. The next pair follows from
      // the first lane.
      logic signed [CoordBits-1:0] x_next;
      logic                        wrap, second, third;
      assign second = Pairs && k == 1 && pairs_q;
      assign third  = Pairs && k == 2 && pairs_q;
      assign x_next = gen_chain[k-1].x + (second ? '0 : CoordBits'(stride_x_q));
      assign wrap   = !x_next[CoordBits-1];
      assign x      = wrap ? x_next - x_span : x_next;
      assign y      = gen_chain[k-1].y + (wrap ? CoordBits'(stride_y_q) : '0);
      assign base   = gen_chain[k-1].base + (second ? AddrBits'(1) : AddrBits'(stride_x_q)) -
                      AddrBits'(third) + (wrap ? row_wrap_q : '0);
      assign out    = gen_chain[k-1].out + (second ? '0 : AddrBits'(out_skip_q)) +
                      AddrBits'(!third) + (wrap ? out_wrap_q : '0);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      filling_q <= 1'b0;
      filled_q  <= 1'b0;
    end else if (clear_i) begin
      filling_q <= 1'b0;
      filled_q  <= 1'b0;
    end else begin
      if (fill_i) begin
        filling_q <= 1'b1;
      end else if (filling_q && fill_count_q == LaneBits'(Filled)) begin
        filling_q <= 1'b0;
        filled_q  <= 1'b1;
      end
      if (start_i) filled_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (fill_i) begin
      fill_count_q                <= LaneBits'(Rows);
      {chain_x_q, chain_y_q}      <= {-x_span, y_start_q - y_end_q};
      {chain_base_q, chain_out_q} <= {base_q, out_q};
      pairs_q                     <= Pairs && pairs_i;  // pairs_i arrives late
    end else if (filling_q) begin
      fill_count_q                <= fill_count_q - LaneBits'(Filled);
      {chain_x_q, chain_y_q}      <= {gen_chain[Filled].x, gen_chain[Filled].y};
      {chain_base_q, chain_out_q} <= {gen_chain[Filled].base, gen_chain[Filled].out};
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The loop nest.
  // ---------------------------------------------------------------------------------------------
  trine_agu_pkg::flags_t flags;
  logic [AddrBits-1:0]   offset;
  logic [CoordBits-1:0]  x_end, y_end, nest_x, nest_y;  // of the tap, in all lanes

  assign x_end = $unsigned(x_end_q);
  assign y_end = $unsigned(y_end_q) + (Cluster ? y_shift_i : '0);

  trine_nest #(
    .AddrBits  (AddrBits),
    .CoordBits (CoordBits)
  ) u_nest (
    .clk_i,
    .rst_ni,
    .clear_i,
    .start_i,
    .trips_i      (trips_q),
    .kx_step_i    (kx_step_q),
    .ky_step_i    (ky_step_q),
    .cw_step_i    (cw_step_q),
    .dil_x_i      (dil_x_q),
    .dil_y_i      (dil_y_q),
    .x_end_i      (x_end),
    .y_end_i      (y_end),
    .continuous_i (Window && window_i),
    .valid_o      (running_o),
    .ready_i      (step_ready_i),
    .flags_o      (flags),
    .offset_o     (offset),
    .tap_x_o      (nest_x),
    .tap_y_o      (nest_y),
    .advance_o    (advance)
  );

  assign step_valid_o  = running_o;
  assign first_o       = flags.first;
  assign last_o        = flags.last;
  assign word_first_o  = flags.word_first;
  assign window_last_o = flags.window_last;
  assign tile_first_o  = flags.tile_first;
  assign group_last_o  = flags.group_last;
  assign tile_last_o   = flags.tile_last;

  // ---------------------------------------------------------------------------------------------
  // The lanes. For each tile, all lanes add the same constants: one set with a wrap, and one set
  // without.
  // ---------------------------------------------------------------------------------------------
  logic [CoordBits-1:0] tile_x_wrapped, tile_y_wrapped;
  logic [AddrBits-1:0]  tile_base_wrapped, tile_out_wrapped;

  assign tile_x_wrapped    = tile_x_q - $unsigned(x_span);
  assign tile_y_wrapped    = tile_y_q + CoordBits'(stride_y_q);
  assign tile_base_wrapped = tile_base_q + row_wrap_q;
  assign tile_out_wrapped  = tile_out_q + out_wrap_q;

  logic [Rows-1:0] in_rows;  // lanes above the end of the last row of positions

  for (genvar l = 0; l < Rows; l++) begin : gen_lane
    logic [CoordBits-1:0] x_q, y_q, x_in, y_in, x_next, tap_x, tap_y;
    logic [AddrBits-1:0]  lane_base_q, lane_out_q, base_in, out_in;
    logic                 wrap;

    if (l + Filled >= Rows) begin : gen_top
      localparam int unsigned Link = l + Filled - Rows;
      assign x_in    = gen_chain[Link].x;
      assign y_in    = gen_chain[Link].y;
      assign base_in = gen_chain[Link].base;
      assign out_in  = gen_chain[Link].out;
    end else begin : gen_below
      assign x_in    = gen_lane[l+Filled].x_q;
      assign y_in    = gen_lane[l+Filled].y_q;
      assign base_in = gen_lane[l+Filled].lane_base_q;
      assign out_in  = gen_lane[l+Filled].lane_out_q;
    end

    assign x_next = x_q + tile_x_q;
    assign wrap   = !x_next[CoordBits-1];

    always_ff @(posedge clk_i) begin
      if (filling_q) begin
        {x_q, y_q, lane_base_q, lane_out_q} <= {x_in, y_in, base_in, out_in};
      end else if (advance) begin
        x_q         <= wrap ? x_q + tile_x_wrapped : x_next;
        y_q         <= y_q + (wrap ? tile_y_wrapped : tile_y_q);
        lane_base_q <= lane_base_q + (wrap ? tile_base_wrapped : tile_base_q);
        lane_out_q  <= lane_out_q + (wrap ? tile_out_wrapped : tile_out_q);
      end
    end

    // As an unsigned number, a negative coordinate is larger than any height or width.
    assign tap_x = x_q + nest_x;
    assign tap_y = y_q + nest_y;

    assign in_rows[l]  = y_q[CoordBits-1];
    assign inside_o[l] = in_rows[l] && tap_x < width_q && tap_y < height_q;

    if (Window) begin : gen_halo
      logic [CoordBits-1:0] x_idle;
      logic                 unused_idle;
      assign x_idle      = x_q + CoordBits'(idle_q);
      assign active_o[l] = in_rows[l] && (!window_i || x_idle[CoordBits-1]);
      assign unused_idle = ^x_idle;
    end else begin : gen_no_halo
      assign active_o[l] = in_rows[l];
    end
    assign addr_o[l*AddrBits +: AddrBits] = lane_base_q + offset;
    assign out_o[l*AddrBits +: AddrBits]  = lane_out_q;
  end

  // The right-hand neighbours of the last lane. They never wrap: if the last lane ends its row, no
  // lane uses them.
  if (Window) begin : gen_window
    for (genvar k = 1; k <= 3; k++) begin : gen_neighbour
      logic [CoordBits-1:0] tap_x;
      logic [9:0]           distance;
      assign distance = 10'(stride_x_q) * 10'(k);
      assign tap_x    = gen_lane[Rows-1].tap_x + CoordBits'(distance);
      assign inside_o[Rows+k-1] = window_i && distance <= 10'(halo_q) && in_rows[Rows-1] &&
                                  tap_x < width_q && gen_lane[Rows-1].tap_y < height_q;
      assign addr_o[(Rows+k-1)*AddrBits +: AddrBits] =
          gen_lane[Rows-1].lane_base_q + offset + AddrBits'(distance);
    end
  end else begin : gen_no_window
    logic unused_window;
    assign unused_window = ^{window_i, halo_q, idle_q};
  end

  // ---------------------------------------------------------------------------------------------
  // Assertions.
  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  logic                      stalled_q;  // the step of the previous cycle was not accepted
  logic [Lanes*AddrBits-1:0] held_addr_q;
  logic [Lanes-1:0]          held_inside_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) stalled_q <= 1'b0;
    else stalled_q <= step_valid_o && !step_ready_i && !clear_i;
  end

  always_ff @(posedge clk_i) begin
    held_addr_q   <= addr_o;
    held_inside_q <= inside_o;
    if (live_q) begin
      if (cfg_we_i) m_set_when_idle: assume (!fill_i && !filling_q && !filled_q && !running_o);
      if (fill_i) m_fill_when_idle: assume (!filling_q && !filled_q && !running_o);
      if (start_i) begin
        m_start_when_filled: assume (filled_q && !running_o);
        m_one_wrap: assume ($signed(tile_x_q) >= 0 && $signed(tile_x_q) < x_span);
      end
      if (stalled_q) begin
        a_valid_held:  assert (step_valid_o);
        a_addr_held:   assert (addr_o == held_addr_q);
        a_inside_held: assert (inside_o == held_inside_q);
      end
      a_inside_rows: assert ((inside_o[Rows-1:0] & ~in_rows) == '0);
    end
  end
`endif

endmodule
