// SPDX-License-Identifier: Apache-2.0
//
// Iterates over the loop nest of the address generator and outputs the flags, offset and tap of
// each step.
//
//   for tile, for group, for cw, ky, kx:
//     offset = sum of kx_step, ky_step, cw_step up to this step; starts at 0 in each group or, with
//              continuous_i, in each tile
//     tap    = (x_end + kx * dil_x, y_end + ky * dil_y); a lane adds its position relative to
//              (x_end, y_end)
//
//   cycle         t         t + 1 ..                          last step taken
//   start_i       1
//   valid_o       0         1                                 1, then 0
//   advance_o                        1 with a tile's last step
//
// Timing    The first step is valid in the cycle after start_i, and each next step in the cycle
//           after ready_i. The flags come from registers through comparisons. All other outputs
//           except advance_o are registers. ready_i reaches only registers and advance_o.
// Contract  The inputs of the nest hold from start_i to the last step. start_i comes only while
//           valid_o is low.
//
// Check     trine_agu_tb, trine_agu_props

module trine_nest #(
  parameter int unsigned AddrBits  = 15,
  parameter int unsigned CoordBits = trine_isa_pkg::CoordBits
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  clear_i,

  // The nest.
  input  logic                  start_i,
  input  trine_agu_pkg::trips_t trips_i,
  input  logic [AddrBits-1:0]   kx_step_i,
  input  logic [AddrBits-1:0]   ky_step_i,
  input  logic [AddrBits-1:0]   cw_step_i,
  input  logic [11:0]           dil_x_i,
  input  logic [11:0]           dil_y_i,
  input  logic [CoordBits-1:0]  x_end_i,
  input  logic [CoordBits-1:0]  y_end_i,
  input  logic                  continuous_i,  // the offset continues from group to group

  // Steps.
  output logic                  valid_o,
  input  logic                  ready_i,
  output trine_agu_pkg::flags_t flags_o,
  output logic [AddrBits-1:0]   offset_o,
  output logic [CoordBits-1:0]  tap_x_o,
  output logic [CoordBits-1:0]  tap_y_o,
  output logic                  advance_o  // lanes move to the next tile
);

  logic                 running_q, step, kx_last, ky_last, cw_last, group_last, tile_last;
  logic [11:0]          kx_q, ky_q, group_q;
  logic [15:0]          cw_q;
  logic [23:0]          tile_q;
  logic [AddrBits-1:0]  offset_q;
  logic [CoordBits-1:0] tap_x_q, tap_y_q;

  assign kx_last    = kx_q == trips_i.s_last;
  assign ky_last    = ky_q == trips_i.r_last;
  assign cw_last    = cw_q == trips_i.words_last;
  assign group_last = group_q == trips_i.groups_last;
  assign tile_last  = tile_q == trips_i.tiles_last;
  assign step       = running_q && ready_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)                     running_q <= 1'b0;
    else if (clear_i)                running_q <= 1'b0;
    else if (start_i)                running_q <= 1'b1;
    else if (advance_o && tile_last) running_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      kx_q     <= '0;
      ky_q     <= '0;
      cw_q     <= '0;
      group_q  <= '0;
      tile_q   <= '0;
      offset_q <= '0;
      tap_x_q  <= x_end_i;
      tap_y_q  <= y_end_i;
    end else if (step) begin
      if (!kx_last) begin
        kx_q     <= kx_q + 12'd1;
        offset_q <= offset_q + kx_step_i;
        tap_x_q  <= tap_x_q + CoordBits'(dil_x_i);
      end else begin
        kx_q    <= '0;
        tap_x_q <= x_end_i;
        if (!ky_last) begin
          ky_q     <= ky_q + 12'd1;
          offset_q <= offset_q + ky_step_i;
          tap_y_q  <= tap_y_q + CoordBits'(dil_y_i);
        end else begin
          ky_q    <= '0;
          tap_y_q <= y_end_i;
          if (!cw_last) begin
            cw_q     <= cw_q + 16'd1;
            offset_q <= offset_q + cw_step_i;
          end else begin
            cw_q     <= '0;
            offset_q <= continuous_i && !group_last ? offset_q + cw_step_i : '0;
            group_q  <= group_last ? '0 : group_q + 12'd1;
            if (group_last) tile_q <= tile_q + 24'd1;
          end
        end
      end
    end
  end

  assign valid_o   = running_q;
  assign offset_o  = offset_q;
  assign tap_x_o   = tap_x_q;
  assign tap_y_o   = tap_y_q;
  assign advance_o = step && kx_last && ky_last && cw_last && group_last;

  assign flags_o.first       = kx_q == '0 && ky_q == '0 && cw_q == '0;
  assign flags_o.last        = kx_last && ky_last && cw_last;
  assign flags_o.word_first  = kx_q == '0 && ky_q == '0;
  assign flags_o.window_last = kx_last && ky_last;
  assign flags_o.tile_first  = group_q == '0;
  assign flags_o.group_last  = group_last;
  assign flags_o.tile_last   = tile_last;

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (start_i) m_start_idle: assume (!running_q);
      if (running_q) begin
        a_in_trips: assert (kx_q <= trips_i.s_last && ky_q <= trips_i.r_last &&
                            cw_q <= trips_i.words_last && group_q <= trips_i.groups_last &&
                            tile_q <= trips_i.tiles_last);
        if (flags_o.first && flags_o.tile_first) a_offset_0: assert (offset_q == '0);
      end
      c_run_on: cover (step && continuous_i && flags_o.last && !group_last);
    end
  end
`endif

endmodule
