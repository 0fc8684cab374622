// SPDX-License-Identifier: Apache-2.0
//
// Post unit: takes finished tiles, sends them column by column through Rows requantizing lanes, packs
// four codes to a word and scatters the words to DMEM.
//
//   job (compute: Cols columns of the array; vector: four slots a lane)
//     -> parameters, residual bytes -> Rows x trine_post_lane -> packing -> scatter
//
// A compute job is taken before its results are there (c_data): parameters and residuals come
// meanwhile. One job at a time is read; the next may follow without a gap if it belongs to the same instruction,
// else when the lanes are empty, because the configuration is not pipelined. Codes leave in order; a
// tag for each column travels beside the lanes.
//
// Residual words are gathered one ahead: the word in front gives bytes 0 to 2, byte 3 is kept aside, so
// that its successor can arrive while byte 3 is still to come.
//
// Timing    one column a cycle (fused addition: every second cycle), from the cycle after job and data
//           are taken on. A word leaves 5 (requantize), 7 (add) or 12 (fused) cycles after
//           its last column, if the scatter port takes it; else everything here stands still.
// Contract  v_slots_i hold from the taking of a vector job to v_done_o.
//
// Check     tests/random_program_test.cpp (whole core)

module trine_post #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned Cols     = 8,
  parameter int unsigned AddrBits = 15,
  parameter int unsigned Channels = 512,
  localparam int unsigned ColBits     = Cols > 1 ? $clog2(Cols) : 1,
  localparam int unsigned ChannelBits = $clog2(Channels)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // A tile of the compute engine. The array's next results may overwrite this job's when
  // drain_ok_o; residuals are still to be read while fetch_busy_o.
  input  logic                     c_valid_i,
  output logic                     c_ready_o,
  input  logic [Rows*AddrBits-1:0] c_out_i,
  input  logic [Rows-1:0]          c_active_i,
  input  logic                     c_tile_first_i,
  input  logic                     c_tile_last_i,
  input  logic                     c_new_i,
  input  logic                     c_final_i,
  input  logic                     c_drain_i,
  input  trine_post_pkg::cfg_t     c_cfg_i,
  input  logic                     c_data_valid_i,
  output logic                     c_data_ready_o,
  output logic                     drain_ok_o,
  output logic                     fetch_busy_o,
  output logic                     c_retire_o,

  // The array's drain registers.
  output logic [ColBits-1:0]       col_o,
  input  logic [Rows*32-1:0]       column_i,

  // A word in each lane of the vector engine.
  input  logic                     v_valid_i,
  output logic                     v_ready_o,
  output logic                     v_done_o,
  input  logic [Rows*AddrBits-1:0] v_out_i,
  input  logic [Rows-1:0]          v_active_i,
  input  logic                     v_tile_first_i,
  input  logic                     v_new_i,
  input  logic                     v_final_i,
  input  logic [Rows*96-1:0]       v_slots_i,
  input  trine_post_pkg::cfg_t     v_cfg_i,
  output logic                     v_retire_o,

  // Parameters of a channel, one cycle later.
  output logic                     p_valid_o,
  input  logic                     p_ready_i,
  output logic [ChannelBits-1:0]   p_channel_o,
  input  logic [31:0]              bias_i,
  input  logic [30:0]              multiplier_i,
  input  logic [5:0]               shift_i,

  // Residual words.
  output logic                     r_valid_o,
  input  logic                     r_ready_i,
  output logic [Rows*AddrBits-1:0] r_addr_o,
  output logic [Rows-1:0]          r_lanes_o,
  input  logic [Rows-1:0]          rsp_lanes_i,
  input  logic [Rows*32-1:0]       rsp_data_i,
  input  logic                     rsp_done_i,

  // Results.
  output logic                     s_valid_o,
  input  logic                     s_ready_i,
  input  logic                     s_empty_i,
  output logic [Rows*AddrBits-1:0] s_addr_o,
  output logic [Rows-1:0]          s_lanes_o,
  output logic [Rows*32-1:0]       s_data_o,
  output logic [3:0]               s_bytes_o
);

  localparam int unsigned MaxCols  = Cols > 4 ? Cols : 4;
  localparam int unsigned LeftBits = $clog2(MaxCols + 1);

  // Latencies of trine_post_lane.
  localparam int unsigned LatencyRequant = 5, LatencyAdd = 7, LatencyFused = 12;

  // ---------------------------------------------------------------------------------------------
  // The job in front.
  // ---------------------------------------------------------------------------------------------
  trine_post_pkg::cfg_t     cfg_q, cfg_d;
  logic                     vector_q;       // whose job it is
  logic                     tile_first_q, final_q, aligned_q;
  logic [Rows*AddrBits-1:0] out_q;
  logic [Rows-1:0]          active_q;
  logic [LeftBits-1:0]      left_q, count;  // columns not yet issued
  logic [ColBits-1:0]       col_q;
  logic [1:0]               byte_q, byte_now, byte_first;
  logic [15:0]              channels_q, channels_now, channels_first;  // not yet issued
  logic [15:0]              channel_q, channel_now, channel_first;
  logic                     fresh_q;        // no column issued yet
  logic                     await_q;        // its first code has not left the lanes
  logic                     open_q;         // compute's tile is not complete: groups to come
  logic                     data_q;         // its results are in the drain registers

  logic en, issue, direct, direct_take, done, slot_free, pipe_empty, first_out;
  logic c_same, c_take, v_take, take, take_vector, take_tile_first, bare_take;

  // While one source waits for the other's job to finish, they take turns. A tile of the compute
  // engine is taken as a whole: its groups continue each other's words. (Not so the vector
  // engine's words: the gather may be full of the steps that wait for the compute engine's turn.)
  assign slot_free = (left_q == '0 || done) && (!await_q || first_out);
  assign c_same    = !c_new_i && !vector_q;
  assign c_take    = c_valid_i && c_drain_i && slot_free && (c_same || (pipe_empty && left_q == '0)) &&
                     !(v_valid_i && !vector_q && !open_q && pipe_empty && left_q == '0);
  assign bare_take = c_valid_i && !c_drain_i && c_data_valid_i && left_q == '0 && pipe_empty &&
                     !retire_q;
  assign v_take    = v_valid_i && slot_free && !c_take && !bare_take && !open_q &&
                     ((!v_new_i && vector_q) || (pipe_empty && left_q == '0));
  assign c_ready_o = c_take || bare_take;
  assign v_ready_o = v_take;
  assign c_data_ready_o = c_take || bare_take || (!data_q && !vector_q && left_q != '0);
  assign take      = c_take || v_take;

  assign take_vector     = v_take;
  assign take_tile_first = take_vector ? v_tile_first_i : c_tile_first_i;

  always_comb begin
    cfg_d = take_vector ? v_cfg_i : c_cfg_i;
  end

  // Channel, channels left and byte continue from group to group of a tile. A vector job is a whole
  // word.
  assign channel_now    = issue ? channel_q + 16'd1 : channel_q;
  assign channels_now   = issue ? channels_q - 16'd1 : channels_q;
  assign byte_now       = issue ? byte_q + 2'd1 : byte_q;
  assign channel_first  = take_tile_first ? cfg_d.param : channel_now;
  assign channels_first = take_tile_first ? cfg_d.channels : channels_now;

  always_comb begin
    byte_first = take_tile_first ? cfg_d.first_byte : byte_now;
    if (take_vector) byte_first = 2'd0;
  end

  always_comb begin
    if (take_vector) count = cfg_d.kind == trine_post_pkg::KindDirect ? LeftBits'(1) : LeftBits'(4);
    else if (channels_first < 16'(Cols)) count = LeftBits'(channels_first);
    else count = LeftBits'(Cols);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q   <= '0;
      await_q  <= 1'b0;
      data_q   <= 1'b0;
      vector_q <= 1'b0;
    end else if (clear_i) begin
      left_q   <= '0;
      await_q  <= 1'b0;
      data_q   <= 1'b0;
      vector_q <= 1'b0;
    end else begin
      if (take) begin
        left_q   <= count;
        open_q   <= c_take && !c_tile_last_i;
        vector_q <= take_vector;
        await_q  <= cfg_d.kind != trine_post_pkg::KindDirect;
        data_q   <= take_vector || c_data_valid_i;
      end else begin
        if (c_data_valid_i && c_data_ready_o) data_q <= 1'b1;
        if (issue || direct_take) left_q <= left_q - LeftBits'(1);
        if (first_out) await_q <= 1'b0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      if (take_vector ? v_new_i || !vector_q : c_new_i || vector_q) cfg_q <= cfg_d;
      out_q        <= take_vector ? v_out_i : c_out_i;
      active_q     <= take_vector ? v_active_i : c_active_i;
      tile_first_q <= take_tile_first;
      final_q      <= take_vector ? v_final_i : c_final_i;
      aligned_q    <= count[1:0] == '0 && byte_first == '0;
      col_q        <= '0;
      byte_q       <= byte_first;
      channel_q    <= channel_first;
      channels_q   <= channels_first;
      fresh_q      <= 1'b1;
    end else if (issue) begin
      col_q      <= col_q + ColBits'(1);
      byte_q     <= byte_now;
      channel_q  <= channel_now;
      channels_q <= channels_now;
      fresh_q    <= 1'b0;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Issue of a column: parameters there, residual there, and in fused addition every second cycle.
  // ---------------------------------------------------------------------------------------------
  logic fused, phase_q, params_q, residual_ok;

  assign fused  = cfg_q.kind == trine_post_pkg::KindFused;
  assign direct = cfg_q.kind == trine_post_pkg::KindDirect;
  assign issue  = en && left_q != '0 && data_q && !direct && (params_q || cfg_q.static_bias) &&
                  (!fused || (phase_q && residual_ok));
  assign done   = left_q == LeftBits'(1) && (issue || direct_take);
  assign col_o  = col_q;

  assign v_done_o = done && vector_q;

  // The array's next results may come when the last column is read now, or, if nothing can stop
  // it, in the next cycle. An empty scatter port takes the next word at once. Only registers here:
  // the gather waits for this, and the scatter's ready depends on the gather.
  assign drain_ok_o = vector_q || left_q == '0 || !data_q ||
                      (cfg_q.kind == trine_post_pkg::KindRequant && params_q && s_empty_i &&
                       (left_q == LeftBits'(1) ||
                        (left_q == LeftBits'(2) && p_ready_i && aligned_q)));

  assign p_valid_o   = c_take || (left_q != '0 && !vector_q &&
                                  (issue ? left_q != LeftBits'(1) : !params_q));
  assign p_channel_o = c_take ? channel_first[ChannelBits-1:0] : channel_now[ChannelBits-1:0];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      params_q <= 1'b0;
      phase_q  <= 1'b0;
    end else begin
      if (p_valid_o) params_q <= p_ready_i;
      else if (issue || take) params_q <= 1'b0;
      if (en) phase_q <= !phase_q;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Residual words.
  // ---------------------------------------------------------------------------------------------
  logic [LeftBits-1:0] fetch_left_q, fetch_covered;
  logic [1:0]          fetch_byte_q;
  logic [2:0]          fetch_room;
  logic [AddrBits-1:0] fetch_offset_q;
  logic                fetch_wait_q, word_valid_q, keep_valid_q, from_keep, keep, word_free;

  assign fetch_busy_o  = fetch_left_q != '0;
  assign fetch_room    = 3'd4 - {1'b0, fetch_byte_q};
  assign fetch_covered = fetch_left_q < LeftBits'(fetch_room) ? fetch_left_q : LeftBits'(fetch_room);
  assign r_valid_o     = fetch_left_q != '0 && !fetch_wait_q && !word_valid_q;
  assign r_lanes_o     = active_q;

  assign from_keep   = byte_q == 2'd3 && keep_valid_q;
  assign residual_ok = from_keep || word_valid_q;
  assign keep        = issue && fused && byte_q == 2'd2 && left_q != LeftBits'(1);
  assign word_free   = issue && fused && !from_keep && (byte_q >= 2'd2 || left_q == LeftBits'(1));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fetch_left_q <= '0;
      fetch_wait_q <= 1'b0;
      word_valid_q <= 1'b0;
      keep_valid_q <= 1'b0;
    end else if (clear_i) begin
      fetch_left_q <= '0;
      fetch_wait_q <= 1'b0;
      word_valid_q <= 1'b0;
      keep_valid_q <= 1'b0;
    end else begin
      if (c_take && cfg_d.kind == trine_post_pkg::KindFused) fetch_left_q <= count;
      else if (rsp_done_i) fetch_left_q <= fetch_left_q - fetch_covered;
      if (rsp_done_i) fetch_wait_q <= 1'b0;
      else if (r_valid_o && r_ready_i) fetch_wait_q <= 1'b1;
      if (rsp_done_i) word_valid_q <= 1'b1;
      else if (word_free) word_valid_q <= 1'b0;
      if (keep) keep_valid_q <= 1'b1;
      else if (issue && from_keep) keep_valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (c_take) begin
      fetch_byte_q <= byte_first;
      if (c_tile_first_i) fetch_offset_q <= cfg_d.residual_delta[AddrBits-1:0];
    end else if (rsp_done_i) begin
      fetch_byte_q <= fetch_byte_q + 2'(fetch_covered);
      if (fetch_covered == LeftBits'(fetch_room)) begin
        fetch_offset_q <= fetch_offset_q + cfg_q.out_plane[AddrBits-1:0];
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Tags beside the lanes: one place for each cycle of the longest latency.
  // ---------------------------------------------------------------------------------------------
  typedef struct packed {
    logic [1:0] byte_index;
    logic       flush;       // the word leaves
    logic       rest;        // and its higher bytes are zero: no channels beyond
    logic       first;       // column of its job
    logic       tile_first;  // job of its tile
    logic       final_word;  // of its instruction
  } tag_t;

  localparam int unsigned Places = LatencyFused;

  tag_t       tag_d, tag_out;
  logic [6:0] tag_q [Places];
  logic [3:0] inflight_q;
  logic       code_valid;

  assign tag_d.byte_index = byte_q;
  assign tag_d.flush      = byte_q == 2'd3 || left_q == LeftBits'(1);
  assign tag_d.rest       = !vector_q && channels_q == 16'd1;
  assign tag_d.first      = fresh_q;
  assign tag_d.tile_first = tile_first_q;
  assign tag_d.final_word = final_q && left_q == LeftBits'(1);
  assign tag_out          = tag_q[Places-1];
  assign pipe_empty       = inflight_q == '0;

  always_ff @(posedge clk_i) begin
    if (en) begin
      tag_q[0] <= tag_d;
      for (int unsigned k = 1; k < Places; k++) begin
        if ((k == Places - LatencyRequant && cfg_q.kind == trine_post_pkg::KindRequant) ||
            (k == Places - LatencyAdd && cfg_q.kind == trine_post_pkg::KindAdd)) begin
          tag_q[k] <= tag_d;
        end else begin
          tag_q[k] <= tag_q[k-1];
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) inflight_q <= '0;
    else if (clear_i) inflight_q <= '0;
    else if (en) inflight_q <= inflight_q + 4'(issue) - 4'(code_valid);
  end

  // ---------------------------------------------------------------------------------------------
  // Lanes.
  // ---------------------------------------------------------------------------------------------
  logic [Rows-1:0]          lane_valid;
  logic [Rows*8-1:0]        code;
  logic [Rows*AddrBits-1:0] pack_out_q;
  logic [Rows-1:0]          pack_active_q;
  logic [AddrBits-1:0]      c_offset_q, v_offset_q, offset, offset_d;  // from the tile's first word
  logic [3:0]               bytes_q;
  logic                     front, leave;
  logic [30:0]              multiplier;
  logic [5:0]               shift;
  logic [31:0]              bias;

  assign bias       = cfg_q.static_bias ? cfg_q.bias : bias_i;
  assign multiplier = cfg_q.static_scale ? cfg_q.multiplier : multiplier_i;
  assign shift      = cfg_q.static_scale ? cfg_q.shift : shift_i;
  assign code_valid = lane_valid[0];
  assign front      = direct_take || tag_out.first;  // out_q is this word's, not pack_out_q

  always_comb begin
    offset = vector_q ? v_offset_q : c_offset_q;
    if (direct_take ? tile_first_q : tag_out.first && tag_out.tile_first) offset = '0;
    offset_d = offset;
    if (direct_take || tag_out.byte_index == 2'd3) offset_d = offset + cfg_q.out_plane[AddrBits-1:0];
  end

  for (genvar l = 0; l < Rows; l++) begin : gen_lane
    logic [31:0]         word_q, acc;
    logic [7:0]          keep_q, residual;
    logic [23:0]         slot, pack_q;
    logic [AddrBits-1:0] out;

    always_ff @(posedge clk_i) begin
      if (rsp_lanes_i[l]) word_q <= rsp_data_i[l*32 +: 32];
      if (keep) keep_q <= word_q[31:24];
    end

    assign slot = v_slots_i[l*96 + 24*32'(byte_q) +: 24];
    assign acc  = vector_q ? 32'($signed(slot)) : column_i[l*32 +: 32];

    always_comb begin
      residual = word_q[{byte_q, 3'd0} +: 8];
      if (from_keep) residual = keep_q;
      if (vector_q) residual = slot[15:8];
    end

    trine_post_lane u_lane (
      .clk_i,
      .rst_ni,
      .en_i                     (en),
      .single_i                 (cfg_q.single),
      .zero_point_i             (cfg_q.zero_point),
      .act_min_i                (cfg_q.act_min),
      .act_max_i                (cfg_q.act_max),
      .add_zero_a_i             (cfg_q.add_zero_a),
      .add_zero_b_i             (cfg_q.add_zero_b),
      .add_a_is_half_i          (cfg_q.add_a_is_half),
      .add_operand_multiplier_i (cfg_q.add_operand_multiplier),
      .add_operand_shift_i      (cfg_q.add_operand_shift),
      .add_multiplier_i         (cfg_q.add_multiplier),
      .add_shift_i              (cfg_q.add_shift),
      .add_zero_point_i         (cfg_q.add_zero_point),
      .add_act_min_i            (cfg_q.add_act_min),
      .add_act_max_i            (cfg_q.add_act_max),
      .in_valid_i               (issue),
      .in_op_i                  (cfg_q.kind),
      .acc_i                    (acc),
      .bias_i                   (bias),
      .multiplier_i             (multiplier),
      .shift_i                  (shift),
      .residual_i               (residual),
      .out_valid_o              (lane_valid[l]),
      .code_o                   (code[l*8 +: 8])
    );

    // Packing: the code that leaves, behind the bytes kept.
    always_comb begin
      s_data_o[l*32 +: 32] = {v_slots_i[l*96 + 72 +: 8], v_slots_i[l*96 + 48 +: 8],
                              v_slots_i[l*96 + 24 +: 8], v_slots_i[l*96 +: 8]};
      if (!direct_take) begin
        unique case (tag_out.byte_index)
          2'd0:    s_data_o[l*32 +: 32] = {24'd0, code[l*8 +: 8]};
          2'd1:    s_data_o[l*32 +: 32] = {16'd0, code[l*8 +: 8], pack_q[7:0]};
          2'd2:    s_data_o[l*32 +: 32] = {8'd0, code[l*8 +: 8], pack_q[15:0]};
          default: s_data_o[l*32 +: 32] = {code[l*8 +: 8], pack_q};
        endcase
      end
    end

    always_ff @(posedge clk_i) begin
      if (en && code_valid) pack_q <= s_data_o[l*32 +: 24];
      if (en && code_valid && tag_out.first) begin
        pack_out_q[l*AddrBits +: AddrBits] <= out_q[l*AddrBits +: AddrBits];
        pack_active_q[l]                   <= active_q[l];
      end
    end

    assign out = front ? out_q[l*AddrBits +: AddrBits] : pack_out_q[l*AddrBits +: AddrBits];
    assign s_addr_o[l*AddrBits +: AddrBits] = out + offset;
    assign s_lanes_o[l]                     = front ? active_q[l] : pack_active_q[l];
    assign r_addr_o[l*AddrBits +: AddrBits] = out_q[l*AddrBits +: AddrBits] + fetch_offset_q;
  end

  // ---------------------------------------------------------------------------------------------
  // Words leave.
  // ---------------------------------------------------------------------------------------------
  assign direct_take = left_q != '0 && direct && pipe_empty && s_ready_i;
  assign leave       = code_valid && tag_out.flush;
  assign en          = !leave || s_ready_i;
  assign first_out   = en && code_valid && tag_out.first;
  assign s_valid_o   = leave || direct_take;

  always_comb begin
    s_bytes_o = bytes_q;
    for (int unsigned i = 0; i < 4; i++) begin
      if (tag_out.byte_index == 2'(i) || (tag_out.rest && tag_out.byte_index < 2'(i))) begin
        s_bytes_o[i] = 1'b1;
      end
    end
    if (direct_take) s_bytes_o = '1;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      bytes_q <= '0;
    end else if (clear_i) begin
      bytes_q <= '0;
    end else if (en && code_valid) begin
      bytes_q <= tag_out.flush ? '0 : s_bytes_o;
    end
  end

  always_ff @(posedge clk_i) begin
    if (direct_take || (en && code_valid)) begin
      if (vector_q) v_offset_q <= offset_d;
      else          c_offset_q <= offset_d;
    end
  end

  // An instruction has ended when its last word is in DMEM; one without results, at once.
  logic retire_q, retire_vector_q, bare_q;

  assign c_retire_o = (retire_q && !retire_vector_q && s_ready_i) || bare_q;
  assign v_retire_o = retire_q && retire_vector_q && s_ready_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      retire_q        <= 1'b0;
      retire_vector_q <= 1'b0;
      bare_q          <= 1'b0;
    end else if (clear_i) begin
      retire_q        <= 1'b0;
      retire_vector_q <= 1'b0;
      bare_q          <= 1'b0;
    end else begin
      bare_q <= bare_take && c_final_i;
      if ((leave && s_ready_i && tag_out.final_word) || (direct_take && final_q)) begin
        retire_q        <= 1'b1;
        retire_vector_q <= vector_q;
      end else if (s_ready_i) begin
        retire_q <= 1'b0;
      end
    end
  end

  logic unused_post;
  assign unused_post = ^{lane_valid, channel_first, channel_now, cfg_q.param, cfg_q.channels,
                         cfg_q.first_byte, cfg_q.residual_delta, cfg_q.out_plane};

endmodule
