// SPDX-License-Identifier: Apache-2.0
//
// Post unit: takes finished tiles, turns them column by column into codes in Rows lanes, packs 4
// int8, 16 ternary or 32 binary codes to a word and scatters the words to DMEM. With Drain = 2
// there are two lanes a row, and two columns go together if their codes belong at an even place and
// the next: so a first column at an odd place and an odd last one go alone, and so do several
// passes of thresholds. The second lane only requantizes: sums and products of operands go alone,
// and what is looked up.
//
//   requantize   trine_post_lane; with a residual also the sum or the maximum with it
//   threshold    low + number of thresholds that the sum reaches, two a cycle (bias and scale entry
//                hold a pair); with a residual the maximum with it
//   raw          sum + bias, a word of its own
//
// A requantized, added or multiplied code may be looked up in a table, of which each row has a
// copy.
//
//   job (compute: Cols columns of the array; vector: four slots a lane)
//     -> operand register (with parameters, residual bytes) -> Rows x trine_post_lane -> packing
//     -> scatter
//
// A compute job is taken before its results are there (c_data): parameters and residuals come
// meanwhile. One job at a time is read; the next may follow without a gap if it belongs to the same
// instruction, else when the lanes are empty, because the configuration is not pipelined. Codes
// leave in order; a tag for each issue travels beside the lanes.
//
// A softmax has no jobs: whenever the lanes have no column to take, they take a product of its
// reciprocal, or one or two of its codes, which are packed and scattered beside the job's. Its
// configuration, addresses and operands are those on the ports, its factors those of the cycle
// after the issue. So with a normalization; but as its values go through the lanes twice, they do
// while no column is there to be read, and columns wait until they have left. Each meets the
// parameters of its channel in its second pass.
//
// Residual words are gathered one ahead: what goes last of the word in front is kept aside, so that
// its successor can arrive while that is still to come.
//
// Timing    Drain columns a cycle (fused addition: every second cycle; squares: two cycles of
//           four), from the cycle after job and data are taken on. A word leaves 1 (raw, direct), 2
//           (thresholds), 6 (requantize), 8 (add, multiply), 10 (square) or 13 (fused) cycles after
//           its last column, with a lookup one more. One word can wait for the scatter port beside
//           the lanes; when a second one has to, everything here stands still.
// Contract  v_slots_i hold from the taking of a vector job to v_done_o; a softmax's configuration
//           and addresses until v_left_o of the tile's last word; its factors from an issue until
//           the product is out, or the tile's last word. No lookups with a
//           residual. The table is not written while codes are looked up.
//
// Check     tb/trine_post_tb.cpp; tests/random_program_test.cpp (whole core)

module trine_post #(
  parameter int unsigned Rows       = 8,
  parameter int unsigned Cols       = 8,
  parameter int unsigned AddrBits   = 15,
  parameter int unsigned Channels   = 512,
  parameter bit          Ternary    = 1'b0,
  parameter bit          Binary     = 1'b0,
  parameter bit          Table      = 1'b0,
  parameter bit          Window     = 1'b0,
  parameter bit          Softmax    = 1'b0,
  parameter int unsigned Drain      = 1,     // columns a cycle: 1, 2
  parameter int unsigned PeStages   = 2,     // of a PE: 1, 2
  parameter int          Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned ColBits     = Cols > 1 ? $clog2(Cols) : 1,
  localparam int unsigned ChannelBits = $clog2(Channels)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // A tile of the compute engine. With drain_ok_o or drain_soon_o a step that enters the array in
  // the next cycle may overwrite this job's results: they are read within 1 + PeStages cycles.
  // Residuals are still to be read while fetch_busy_o.
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
  output logic                     drain_soon_o,
  output logic                     fetch_busy_o,
  output logic                     c_retire_o,

  // The array's drain registers: this column, and the next.
  output logic [ColBits-1:0]       col_o,
  input  logic [Drain*Rows*32-1:0] column_i,

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

  // Softmax: a product without a code, or the code at a place of a word, and the next; whether that
  // is the tile's first word, the word's last code, the tile's last and the instruction's last
  // word.
  input  logic                     v_go_i,
  output logic                     v_issue_o,
  input  logic                     v_normalize_i,  // a normalization's
  input  logic                     v_reciprocal_i,
  input  logic [1:0]               v_place_i,
  input  logic                     v_pair_i,
  input  logic                     v_word_first_i,
  input  logic                     v_word_end_i,
  input  logic                     v_tile_end_i,
  input  logic                     v_end_i,
  output logic                     v_left_o,  // the tile's last word has left
  input  logic [Drain*Rows*32-1:0] v_acc_i,
  input  logic [Rows*31-1:0]       v_multiplier_i,
  input  logic [Rows*6-1:0]        v_shift_i,
  output logic                     v_product_valid_o,
  output logic [Rows*42-1:0]       v_product_o,

  // Parameters of a channel, and the next, one cycle later. With p_lock_o they must be ready: loads
  // wait while columns are read, but for every eighth cycle.
  output logic                     p_valid_o,
  input  logic                     p_ready_i,
  output logic                     p_lock_o,
  output logic [ChannelBits-1:0]   p_channel_o,
  input  logic [Drain*32-1:0]      bias_i,
  input  logic [Drain*31-1:0]      multiplier_i,
  input  logic [Drain*6-1:0]       shift_i,

  // The table's entries.
  input  logic                     table_we_i,
  input  logic [7:0]               table_addr_i,
  input  logic [7:0]               table_wdata_i,

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
  output logic [31:0]              s_mask_o
);

  localparam int unsigned MaxCols  = Cols > 4 ? Cols : 4;
  localparam int unsigned LeftBits = $clog2(MaxCols + 1) > 6 ? $clog2(MaxCols + 1) : 6;
  localparam bit          LowBit   = Ternary || Binary;
  localparam int unsigned Places   = 1 + 12;  // of tags: the longest latency

  // The operand register, and behind it trine_post_lane or the threshold counters; a lookup.
  localparam int unsigned LatencyRequant = 1 + 5, LatencyAdd = 1 + 7, LatencyFused = 1 + 12,
                          LatencySquare = 1 + 9, LatencyNormalize = 1 + 7,
                          LatencyThreshold = 1 + 1, LatencyWhole = 1, LatencyTable = 1;

  // ---------------------------------------------------------------------------------------------
  // The job in front.
  // ---------------------------------------------------------------------------------------------
  trine_post_pkg::cfg_t     cfg_q, cfg_d;
  logic                     vector_q;       // whose job it is
  logic                     tile_first_q, final_q;
  logic [Rows*AddrBits-1:0] out_q;
  logic [Rows-1:0]          active_q;
  logic [LeftBits-1:0]      left_q, count;  // columns not yet issued
  logic [ColBits-1:0]       col_q;
  logic [4:0]               place_q, place_now, place_first, place_last;  // of a code in its word
  logic [3:0]               pass_q;         // pair of thresholds
  logic [15:0]              channels_q, channels_now, channels_first;  // not yet issued
  logic [15:0]              channel_q, channel_now, channel_first, group_columns;
  logic                     fresh_q;        // no column issued yet
  logic                     pair;           // the next column goes with this one
  logic [1:0]               step;           // columns of an issue
  logic                     last_issue;     // of the job
  logic                     await_q;        // under new addresses, and no code has left the lanes
  logic                     open_q;         // compute's tile is not complete: groups to come
  logic                     data_q;         // its results are in the drain registers

  logic en, issue, column, direct, raw, whole, threshold, done, slot_free, pipe_empty, first_out,
        pass_last, word_end;
  logic beside, beside_free;  // an issue of a softmax, or a normalization
  logic plain, mixes;         // the job's codes take as long as a softmax's; and go among them
  logic value, normalizing;   // of a normalization: not a product; some are in the lanes
  logic awaits, more_free, c_same, c_take, v_take, take, take_vector, take_tile_first, bare_take;

  // From the lanes and behind them, driven below.
  logic [3:0]            inflight_q;  // codes of jobs
  logic [2:0]            beside_q;    // codes of a softmax
  // what is still in the lanes belongs to a program that was dropped
  logic                  drop_q;
  logic                  entered_q, again_q, v_params;  // a normalized value: one cycle ago, two
  logic [Drain*Rows-1:0] lane_valid, lane_product;
  logic                  leave, leaves_beside;
  logic [4:2]            flushes;  // a word leaves 1, 2, 3 cycles from now
  logic                  room, room_for_two, held_none, retire_q;

  // While one source waits for the other's job to finish, they take turns. A tile of the compute
  // engine is taken as a whole: its groups continue each other's words. (Not so the vector
  // engine's words: the gather may be full of the steps that wait for the compute engine's turn.)
  // The next group of a tile has the same output addresses; others wait until the first code under
  // the addresses before has left, and taken them along.
  assign awaits    = await_q && !first_out;
  assign slot_free = (left_q == '0 || done) && !awaits;
  assign more_free = (left_q == '0 || done) && open_q && c_same && !c_tile_first_i;
  assign c_same    = !c_new_i && !vector_q;
  assign c_take    = c_valid_i && c_drain_i && (slot_free || more_free) &&
                     (c_same || (pipe_empty && left_q == '0)) &&
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

  // Channel, channels left and place continue from group to group of a tile. A vector job is a
  // whole word.
  assign channel_now    = issue ? channel_q + 16'(step) : channel_q;
  assign channels_now   = column ? channels_q - 16'(step) : channels_q;
  assign place_now      = !column ? place_q : word_end ? 5'd0 : place_q + 5'(step);
  assign channel_first  = take_tile_first ? cfg_d.param : channel_now;
  assign channels_first = take_tile_first ? cfg_d.channels : channels_now;
  assign word_end       = (place_q | 5'(pair)) == place_last;

  always_comb begin
    place_first = take_tile_first ? cfg_d.position : place_now;
    if (take_vector) place_first = 5'd0;
    place_last = 5'd3;
    if (Ternary && cfg_q.encoding == trine_post_pkg::EncodingTernary) place_last = 5'd15;
    if (Binary && cfg_q.encoding == trine_post_pkg::EncodingBinary) place_last = 5'd31;
  end

  assign group_columns = Window && cfg_d.window ? 16'd4 : 16'(Cols);

  always_comb begin
    if (take_vector) begin
      count = cfg_d.kind == trine_post_pkg::KindDirect ? LeftBits'(1) : LeftBits'(4);
    end else if (channels_first < group_columns) count = LeftBits'(channels_first);
    else count = LeftBits'(group_columns);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q   <= '0;
      await_q  <= 1'b0;
      open_q   <= 1'b0;
      data_q   <= 1'b0;
      vector_q <= 1'b0;
    end else if (clear_i) begin
      left_q   <= '0;
      await_q  <= 1'b0;
      open_q   <= 1'b0;
      data_q   <= 1'b0;
      vector_q <= 1'b0;
    end else begin
      if (take && (take_vector || take_tile_first)) begin
        await_q <= 1'b1;
      end else if (first_out && !drop_q) begin
        await_q <= 1'b0;
      end
      if (take) begin
        left_q   <= count;
        open_q   <= c_take && !c_tile_last_i;
        vector_q <= take_vector;
        data_q   <= take_vector || c_data_valid_i;
      end else begin
        if (c_data_valid_i && c_data_ready_o) data_q <= 1'b1;
        if (column) left_q <= left_q - LeftBits'(step);
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
      col_q        <= '0;
      place_q      <= place_first;
      pass_q       <= '0;
      channel_q    <= channel_first;
      channels_q   <= channels_first;
      fresh_q      <= 1'b1;
    end else begin
      channel_q <= channel_now;
      if (issue) pass_q <= pass_last ? '0 : pass_q + 4'd1;
      if (column) begin
        col_q      <= col_q + ColBits'(step);
        place_q    <= place_now;
        channels_q <= channels_now;
        fresh_q    <= 1'b0;
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Issue: parameters there, residual there, and in fused addition every second cycle. A column is
  // issued once, but once for each pair of thresholds. Whole words (direct, raw) leave behind the
  // operand register.
  // ---------------------------------------------------------------------------------------------
  logic fused, lookup, operands, alone, residuals, params_q, residual_ok, sure;
  logic [LeftBits-1:0] issues;  // that are left
  logic [1:0] words;                  // that find room
  logic [2:0] leaving;                // that leave meanwhile
  logic [4:1] certain;                // so many issues cannot be stopped, from now on
  logic [1:0] phase_q;

  assign fused     = cfg_q.kind == trine_post_pkg::KindFused;
  assign direct    = cfg_q.kind == trine_post_pkg::KindDirect;
  assign raw       = cfg_q.kind == trine_post_pkg::KindRaw;
  assign whole     = direct || raw;
  assign threshold = LowBit && cfg_q.kind == trine_post_pkg::KindThreshold;
  assign lookup    = Table && cfg_q.lookup;
  assign operands  = cfg_q.kind == trine_post_pkg::KindAdd ||
                     cfg_q.kind == trine_post_pkg::KindMul || (fused && !cfg_q.max);
  assign residuals = fused || (threshold && cfg_q.max);
  assign issue     = en && left_q != '0 && data_q &&
                     (params_q || cfg_q.static_bias) && (!fused || phase_q[0]) &&
                     (!cfg_q.square || !phase_q[1]) &&
                     (mixes || beside_q == '0) && (!residuals || residual_ok);
  assign pass_last = !threshold || pass_q == cfg_q.passes_last;
  assign column     = issue && pass_last;
  assign alone      = Drain == 1 || whole || operands || lookup ||
                      (threshold && cfg_q.passes_last != '0);
  assign pair       = !alone && !place_q[0] && left_q >= LeftBits'(2);
  assign step       = pair ? 2'd2 : 2'd1;
  assign last_issue = left_q == LeftBits'(step);
  assign done       = last_issue && column;
  assign col_o     = col_q;

  assign v_done_o  = done && vector_q;

  // Codes of a softmax go when no column does, and not when a job waits for the lanes to be empty.
  // Those of other latencies than theirs keep them out, and wait for them; so with a
  // normalization's.
  assign plain       = cfg_q.kind == trine_post_pkg::KindRequant && !lookup;
  assign mixes       = plain && !(Softmax && v_normalize_i);
  assign value       = Softmax && v_go_i && v_normalize_i && !v_reciprocal_i;
  assign beside_free = (plain && !value) ||
                       (inflight_q == '0 && (left_q == '0 || !(data_q || c_data_valid_i)));
  assign beside      = Softmax && en && v_go_i && !issue && beside_free && !v_valid_i && !drop_q &&
                       (!value || !phase_q[1]) &&
                       !(c_valid_i && (!c_drain_i || !c_same));
  assign v_issue_o   = beside;
  assign normalizing = Softmax && v_normalize_i && ((value && beside) || beside_q != '0);

  // The array's next results may come if all columns will have been read within 1 + PeStages
  // cycles: in this one the last is, or the `issues` to come cannot be stopped, as parameters are
  // there and locked, and words that leave until then find room. Two words do if the scatter port
  // is empty, one beside it.
  assign issues = alone ? left_q : (left_q + LeftBits'(1) + LeftBits'(place_q[0])) >> 1;
  assign sure   = left_q != '0 && cfg_q.kind == trine_post_pkg::KindRequant && params_q &&
                  (mixes || beside_q == '0);
  assign words  = room_for_two ? 2'd2 : 2'(room);

  always_comb begin
    leaving = 3'(leave);
    for (int unsigned k = 1; k <= 4; k++) begin
      if (k > 1) leaving = leaving + 3'(flushes[k]);
      certain[k] = leaving <= 3'(words);
    end
  end

  always_comb begin
    drain_ok_o   = vector_q || left_q == '0 || !data_q || done;
    drain_soon_o = 1'b0;
    for (int unsigned k = 1; k <= 2 + PeStages; k++) begin
      if (sure && issues == LeftBits'(k) && certain[k]) drain_ok_o = 1'b1;
    end
    // As data is taken, the first column is read in the next cycle.
    for (int unsigned k = 1; k <= 1 + PeStages; k++) begin
      if (sure && issues == LeftBits'(k) && certain[k+1]) begin
        drain_soon_o = c_data_valid_i && !data_q && !vector_q;
      end
    end
  end

  logic [2:0] locked_q;

  assign p_lock_o = entered_q ||
                    (left_q != '0 && data_q &&
                     (locked_q != '1 || (issues >= LeftBits'(2) &&
                                         issues <= LeftBits'(2 + PeStages))));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) locked_q <= '0;
    else if (!p_lock_o) locked_q <= '0;
    else if (locked_q != '1) locked_q <= locked_q + 3'd1;
  end

  // A normalized value's parameters are read one cycle after it, and used the cycle after that.
  // Until then, if the lanes stand still, nobody else reads.
  logic [ChannelBits-1:0] v_channel_q;

  assign v_params = entered_q && en;

  always_comb begin
    p_valid_o   = c_take || (left_q != '0 && !vector_q && (issue ? !done : !params_q));
    p_channel_o = c_take ? channel_first[ChannelBits-1:0] : channel_now[ChannelBits-1:0];
    if (v_params) begin
      p_valid_o   = 1'b1;
      p_channel_o = v_channel_q;
    end else if (entered_q || (again_q && !en)) begin
      p_valid_o = 1'b0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      entered_q <= 1'b0;
      again_q   <= 1'b0;
    end else if (en) begin
      entered_q <= value && beside;
      again_q   <= entered_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (v_reciprocal_i) v_channel_q <= v_cfg_i.param[ChannelBits-1:0];
    else if (v_params) v_channel_q <= v_channel_q + ChannelBits'(1);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      params_q <= 1'b0;
      phase_q  <= '0;
    end else begin
      if (p_valid_o) params_q <= p_ready_i && !v_params;
      else if (issue || take) params_q <= 1'b0;
      if (en) phase_q <= phase_q + 2'd1;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Residual words.
  // ---------------------------------------------------------------------------------------------
  logic [LeftBits-1:0] fetch_left_q, fetch_covered, fetch_room;
  logic [4:0]          fetch_place_q;
  logic [AddrBits-1:0] fetch_offset_q;
  logic                fetch_wait_q, word_valid_q, keep_valid_q, from_keep, at_end, keep, word_free,
                       use_residual;

  assign fetch_busy_o  = fetch_left_q != '0;
  assign fetch_room    = LeftBits'(place_last) - LeftBits'(fetch_place_q) + LeftBits'(1);
  assign fetch_covered = fetch_left_q < fetch_room ? fetch_left_q : fetch_room;
  assign r_valid_o     = fetch_left_q != '0 && !fetch_wait_q && !word_valid_q;
  assign r_lanes_o     = active_q;

  assign use_residual = residuals && column;
  assign from_keep    = at_end && keep_valid_q;
  assign residual_ok  = from_keep || word_valid_q;
  assign at_end       = place_q >> (Drain - 1) == place_last >> (Drain - 1);
  assign keep         = use_residual && !at_end && !last_issue &&
                        (place_q + 5'(step)) >> (Drain - 1) == place_last >> (Drain - 1);
  assign word_free    = use_residual && !from_keep && (keep || word_end || last_issue);

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
      if (c_take && (cfg_d.kind == trine_post_pkg::KindFused || cfg_d.max)) fetch_left_q <= count;
      else if (rsp_done_i) fetch_left_q <= fetch_left_q - fetch_covered;
      if (rsp_done_i) fetch_wait_q <= 1'b0;
      else if (r_valid_o && r_ready_i) fetch_wait_q <= 1'b1;
      if (rsp_done_i) word_valid_q <= 1'b1;
      else if (word_free) word_valid_q <= 1'b0;
      if (keep) keep_valid_q <= 1'b1;
      else if (use_residual && from_keep && (word_end || last_issue)) keep_valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (c_take) begin
      fetch_place_q <= place_first;
      if (c_tile_first_i) fetch_offset_q <= cfg_d.residual_delta[AddrBits-1:0];
    end else if (rsp_done_i) begin
      fetch_place_q <= fetch_place_q + 5'(fetch_covered);
      if (fetch_covered == fetch_room) begin
        fetch_place_q  <= '0;
        fetch_offset_q <= fetch_offset_q + cfg_q.out_plane[AddrBits-1:0];
      end
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Tags beside the lanes: one place for each cycle of the longest latency.
  // ---------------------------------------------------------------------------------------------
  typedef struct packed {
    logic [4:0] place;
    logic       pair;        // and the place above
    logic       word_end;
    logic       flush;       // the word leaves
    logic       rest;        // and what lies above is zero: no channels beyond
    logic       first;       // under its addresses
    logic       tile_first;  // of its tile
    logic       final_word;  // of its instruction
    logic       beside;      // of a softmax
    logic       tile_end;    // its last word
  } tag_t;

  tag_t        tag_d, tag_out, tag_next, tag_after, tag_third;
  logic [3:0]  latency;
  logic [13:0] tag_q [Places];
  logic        from_beside;  // the code that leaves is one of a softmax
  logic        code_valid, found_q;
  logic        whole_q;    // in the operand register
  logic [2:1]  counted_q;  // there, and in the counters

  assign tag_d.place      = beside ? 5'(v_place_i) : place_q;
  assign tag_d.pair       = beside ? Drain == 2 && v_pair_i : pair;
  assign tag_d.word_end   = beside ? v_word_end_i : word_end || whole;
  assign tag_d.flush      = beside ? v_word_end_i && !v_reciprocal_i
                                   : column && (word_end || last_issue || whole);
  assign tag_d.rest       = !beside && !vector_q && channels_q == 16'(step);
  assign tag_d.first      = !beside && fresh_q && (vector_q || tile_first_q);
  assign tag_d.tile_first = beside ? v_word_first_i : tile_first_q;
  assign tag_d.final_word = beside ? v_end_i : final_q && last_issue;
  assign tag_d.beside     = beside;
  assign tag_d.tile_end   = v_tile_end_i;
  assign tag_out          = tag_q[Places-1];
  assign tag_next         = tag_q[Places-2];
  assign tag_after        = tag_q[Places-3];
  assign tag_third        = tag_q[Places-4];
  assign flushes          = {tag_third.flush, tag_after.flush, tag_next.flush};
  assign pipe_empty       = inflight_q == '0 && beside_q == '0;
  assign from_beside      = Softmax && tag_out.beside;

  always_comb begin
    latency = 4'(LatencyRequant);  // also of the maximum with a residual
    if (cfg_q.kind == trine_post_pkg::KindAdd || cfg_q.kind == trine_post_pkg::KindMul) begin
      latency = cfg_q.square ? 4'(LatencySquare) : 4'(LatencyAdd);
    end
    if (fused && !cfg_q.max) latency = 4'(LatencyFused);
    if (threshold) latency = 4'(LatencyThreshold);
    if (whole) latency = 4'(LatencyWhole);
    if (lookup) latency = latency + 4'(LatencyTable);
    if (beside || beside_q != '0) begin
      latency = normalizing ? 4'(LatencyNormalize) : 4'(LatencyRequant);
    end
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      tag_q[0] <= tag_d;
      if (beside) tag_q[0] <= '0;  // a copy that nobody overwrites would come out, too
      for (int unsigned k = 1; k < Places; k++) begin
        tag_q[k] <= latency == 4'(Places - k) ? tag_d : tag_q[k-1];
      end
    end
  end

  // The lanes know no clear: their codes come out, and are counted, but go nowhere.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      inflight_q <= '0;
      beside_q   <= '0;
      whole_q    <= 1'b0;
      counted_q  <= '0;
      found_q    <= 1'b0;
    end else if (en) begin
      inflight_q <= inflight_q + 4'(column) - 4'(code_valid && !from_beside);
      beside_q   <= beside_q + 3'(beside && !v_reciprocal_i) - 3'(code_valid && from_beside);
      whole_q    <= column && whole;
      counted_q  <= {counted_q[1], column && threshold};
      found_q    <= lookup && beside_q == '0 && lane_valid[0];
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) drop_q <= 1'b0;
    else if (clear_i) drop_q <= 1'b1;
    else if (pipe_empty) drop_q <= 1'b0;
  end

  // ---------------------------------------------------------------------------------------------
  // Lanes.
  // ---------------------------------------------------------------------------------------------
  logic [Rows*AddrBits-1:0] pack_out_q;
  logic [Rows-1:0]          pack_active_q;
  logic [AddrBits-1:0]      c_offset_q, v_offset_q, offset, offset_d;  // from the tile's first word
  // of the word: written, this code, below it
  logic [31:0]              mask_q, place_mask, below_mask;

  // The word that leaves.
  logic [Rows*AddrBits-1:0] out_addr;
  logic [Rows-1:0]          out_lanes;
  logic [Rows*32-1:0]       out_data;
  logic [31:0]              out_mask;

  assign v_product_valid_o = en && lane_product[0];
  assign v_left_o          = leave && room && from_beside && tag_out.tile_end;

  assign code_valid = lookup && beside_q == '0 ? found_q
                                               : lane_valid[0] || counted_q[2] || whole_q;

  always_comb begin
    place_mask = (tag_out.pair ? 32'hffff : 32'hff) << {tag_out.place[1:0], 3'd0};
    below_mask = (32'd1 << {tag_out.place[1:0], 3'd0}) - 32'd1;
    if (Ternary && cfg_q.encoding == trine_post_pkg::EncodingTernary && !from_beside) begin
      place_mask = (tag_out.pair ? 32'hf : 32'h3) << {tag_out.place[3:0], 1'b0};
      below_mask = (32'd1 << {tag_out.place[3:0], 1'b0}) - 32'd1;
    end
    if (Binary && cfg_q.encoding == trine_post_pkg::EncodingBinary && !from_beside) begin
      place_mask = (tag_out.pair ? 32'h3 : 32'h1) << tag_out.place;
      below_mask = (32'd1 << tag_out.place) - 32'd1;
    end
  end

  assign leaves_beside = code_valid && from_beside;

  always_comb begin
    offset = vector_q || leaves_beside ? v_offset_q : c_offset_q;
    if ((tag_out.first || from_beside) && tag_out.tile_first) offset = '0;
    offset_d = offset;
    if (tag_out.word_end) begin
      offset_d = offset + (leaves_beside ? v_cfg_i.out_plane[AddrBits-1:0]
                                         : cfg_q.out_plane[AddrBits-1:0]);
    end
  end

  // The operand register: what goes into the lanes in the next cycle. Parameters are those of the
  // channel, for all rows. A softmax has factors of its own for each row: they hold, and are taken
  // from its ports.
  logic        lane_go_q, threshold_go_q, product_go_q, normalizing_q, single_q, pass_first_q;
  logic        factors_go_q;
  logic [1:0]  op_q;
  logic [31:0] bias_q [Drain];
  logic [30:0] multiplier_q [Drain];
  logic [5:0]  shift_q [Drain];
  logic        static_scale;

  // Zero point and bounds of the codes that are clamped in the next cycle.
  logic        clamp_beside, half_even_q;
  logic [7:0]  zero_point_q, act_min_q, act_max_q;

  assign clamp_beside = Softmax && tag_after.beside;

  assign static_scale = cfg_q.static_scale && !again_q && !threshold;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      lane_go_q      <= 1'b0;
      threshold_go_q <= 1'b0;
    end else if (en) begin
      lane_go_q      <= (issue && !threshold && !whole) || beside;
      threshold_go_q <= issue && threshold;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      product_go_q  <= beside && v_reciprocal_i;
      factors_go_q  <= Softmax && beside;
      normalizing_q <= normalizing;
      single_q      <= normalizing || (cfg_q.single && !beside);
      op_q          <= beside || normalizing ? 2'd0 : cfg_q.kind[1:0];
      pass_first_q  <= pass_q == '0;
      half_even_q   <= cfg_q.half_even && !clamp_beside;
      zero_point_q  <= clamp_beside ? v_cfg_i.zero_point : cfg_q.zero_point;
      act_min_q     <= clamp_beside ? v_cfg_i.act_min : cfg_q.act_min;
      act_max_q     <= clamp_beside ? v_cfg_i.act_max : cfg_q.act_max;
      for (int unsigned d = 0; d < Drain; d++) begin
        bias_q[d] <= cfg_q.static_bias && !again_q ? cfg_q.bias : bias_i[d*32 +: 32];
        if (beside) bias_q[d] <= '0;
        multiplier_q[d] <= static_scale ? cfg_q.multiplier : multiplier_i[d*31 +: 31];
        shift_q[d]      <= static_scale ? cfg_q.shift : shift_i[d*6 +: 6];
      end
    end
  end

  for (genvar l = 0; l < Rows; l++) begin : gen_row
    logic [31:0]         word_q, copies, packed_word, pack_q, beside_pack_q, whole_word;
    logic [8*Drain-1:0]  keep_d, keep_q;  // what goes last of the word before
    logic [31:0]         acc_q [Drain];
    logic [7:0]          code [Drain];
    logic [AddrBits-1:0] out;

    // The codes in the last places.
    always_comb begin
      for (int unsigned d = 0; d < Drain; d++) begin
        keep_d[8*d +: 8] = word_q[32 - 8*Drain + 8*d +: 8];
        if (Ternary && cfg_q.encoding == trine_post_pkg::EncodingTernary) begin
          keep_d[8*d +: 8] = {{6{word_q[33 - 2*Drain + 2*d]}}, word_q[32 - 2*Drain + 2*d +: 2]};
        end
        if (Binary && cfg_q.encoding == trine_post_pkg::EncodingBinary) begin
          keep_d[8*d +: 8] = 8'(word_q[32 - Drain + d]);
        end
      end
    end

    always_ff @(posedge clk_i) begin
      if (rsp_lanes_i[l]) word_q <= rsp_data_i[l*32 +: 32];
      if (keep) keep_q <= keep_d;
    end

    for (genvar d = 0; d < Drain; d++) begin : gen_lane
      logic [4:0]  place;
      logic [23:0] slot;
      logic [31:0] acc;
      logic [7:0]  from_word, kept, residual, residual_q, lane_code, found;
      logic [41:0] product;
      logic [30:0] multiplier;
      logic [5:0]  shift;

      assign multiplier = factors_go_q ? v_multiplier_i[l*31 +: 31] : multiplier_q[d];
      assign shift      = factors_go_q ? v_shift_i[l*6 +: 6] : shift_q[d];

      assign place = place_q | 5'(d);  // the second lane's is odd

      always_comb begin
        unique case (place[1:0])
          2'd0:    slot = v_slots_i[l*96 +: 24];
          2'd1:    slot = v_slots_i[l*96 + 24 +: 24];
          2'd2:    slot = v_slots_i[l*96 + 48 +: 24];
          default: slot = v_slots_i[l*96 + 72 +: 24];
        endcase
      end

      always_comb begin
        acc = column_i[(d*Rows+l)*32 +: 32];
        if (vector_q) acc = 32'($signed(slot));
        if (direct) begin
          acc = {v_slots_i[l*96 + 72 +: 8], v_slots_i[l*96 + 48 +: 8], v_slots_i[l*96 + 24 +: 8],
                 v_slots_i[l*96 +: 8]};
        end
        if (Softmax && beside) acc = v_acc_i[(d*Rows+l)*32 +: 32];
      end

      always_ff @(posedge clk_i) begin
        if (en) begin
          acc_q[d]   <= acc;
          residual_q <= residual;
        end
      end

      always_comb begin
        from_word = word_q[{place[1:0], 3'd0} +: 8];
        if (Ternary && cfg_q.encoding == trine_post_pkg::EncodingTernary) begin
          from_word = {{7{word_q[{place[3:0], 1'b1}]}}, word_q[{place[3:0], 1'b0}]};
        end
        if (Binary && cfg_q.encoding == trine_post_pkg::EncodingBinary) begin
          from_word = 8'(word_q[place]);
        end
        kept     = Drain == 1 || !place[0] ? keep_q[7:0] : keep_q[8*Drain-1 -: 8];
        residual = from_keep ? kept : from_word;
        if (vector_q) residual = slot[15:8];
      end

      // Thresholds reached; the residual waits for the last pair.
      if (LowBit) begin : gen_threshold
        logic [5:0]        count_q;
        logic [7:0]        other_q;
        logic signed [7:0] counted;

        always_ff @(posedge clk_i) begin
          if (en && threshold_go_q) begin
            count_q <= (pass_first_q ? 6'd0 : count_q) +
                       6'($signed(acc_q[d]) >= $signed(bias_q[d])) +
                       6'($signed(acc_q[d]) >= $signed({shift_q[d][0], multiplier_q[d]}));
            other_q <= residual_q;
          end
        end

        assign counted = $signed(cfg_q.low) + $signed({2'd0, count_q});
        assign code[d] = !threshold || from_beside ? found
                         : (cfg_q.max && $signed(other_q) > counted) ? other_q : $unsigned(counted);
      end else begin : gen_no_threshold
        assign code[d] = found;
      end

      trine_post_lane #(
        .Products   (Softmax && d == 0),
        .Pairs      (d == 0),
        .Multiplier (Multiplier)
      ) u_lane (
        .clk_i,
        .rst_ni,
        .en_i                     (en),
        .single_i                 (single_q),
        .half_even_i              (half_even_q),
        .max_i                    (cfg_q.max),
        .square_i                 (cfg_q.square),
        .normalize_i              (normalizing_q),
        .zero_point_i             (zero_point_q),
        .act_min_i                (act_min_q),
        .act_max_i                (act_max_q),
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
        .in_valid_i               (lane_go_q),
        .in_op_i                  (op_q),
        .acc_i                    (acc_q[d]),
        .bias_i                   (bias_q[d]),
        .multiplier_i             (multiplier),
        .shift_i                  (shift),
        .residual_i               (residual_q),
        .product_i                (product_go_q),
        .out_valid_o              (lane_valid[d*Rows+l]),
        .code_o                   (lane_code),
        .product_valid_o          (lane_product[d*Rows+l]),
        .product_o                (product)
      );

      // One product a row.
      if (d == 0) begin : gen_product
        assign v_product_o[l*42 +: 42] = product;
      end else begin : gen_no_product
        logic unused_product;
        assign unused_product = ^product;
      end

      if (Table && d == 0) begin : gen_table
        logic [7:0] entry;

        trine_table u_table (
          .clk_i,
          .en_i    (en && lane_valid[l] && lookup),
          .code_i  (lane_code),
          .entry_o (entry),
          .we_i    (table_we_i),
          .addr_i  (table_addr_i),
          .wdata_i (table_wdata_i)
        );

        assign found = lookup && !from_beside ? entry : lane_code;
      end else begin : gen_no_table
        assign found = lane_code;
      end
    end

    // Packing: the codes that leave, above the ones kept. One that goes alone may belong at any
    // place.
    logic [7:0] above;
    assign above = tag_out.pair ? code[Drain-1] : code[0];

    always_comb begin
      copies = {2{above, code[0]}};
      if (Ternary && cfg_q.encoding == trine_post_pkg::EncodingTernary && !from_beside) begin
        copies = {8{above[1:0], code[0][1:0]}};
      end
      if (Binary && cfg_q.encoding == trine_post_pkg::EncodingBinary && !from_beside) begin
        copies = {16{above[0], code[0][0]}};
      end
    end

    assign packed_word = (copies & place_mask) |
                         ((leaves_beside ? beside_pack_q : pack_q) & below_mask);

    always_comb begin
      whole_word           = raw ? acc_q[0] + bias_q[0] : acc_q[0];
      out_data[l*32 +: 32] = whole && !leaves_beside ? whole_word : packed_word;
    end

    always_ff @(posedge clk_i) begin
      if (en && code_valid && !from_beside) pack_q <= packed_word;
      if (Softmax && en && leaves_beside) beside_pack_q <= packed_word;
      if (en && code_valid && tag_out.first) begin
        pack_out_q[l*AddrBits +: AddrBits] <= out_q[l*AddrBits +: AddrBits];
        pack_active_q[l]                   <= active_q[l];
      end
    end

    assign out = leaves_beside   ? v_out_i[l*AddrBits +: AddrBits]
                 : tag_out.first ? out_q[l*AddrBits +: AddrBits]
                                 : pack_out_q[l*AddrBits +: AddrBits];
    assign out_addr[l*AddrBits +: AddrBits] = out + offset;
    assign out_lanes[l] = leaves_beside   ? v_active_i[l]
                          : tag_out.first ? active_q[l]
                                          : pack_active_q[l];
    assign r_addr_o[l*AddrBits +: AddrBits] = out_q[l*AddrBits +: AddrBits] + fetch_offset_q;
  end

  // ---------------------------------------------------------------------------------------------
  // Words leave.
  // ---------------------------------------------------------------------------------------------
  assign leave       = code_valid && tag_out.flush && !drop_q;
  assign en          = !leave || room;
  assign first_out   = en && code_valid && tag_out.first;

  always_comb begin
    out_mask = mask_q | place_mask | (tag_out.rest ? ~below_mask : '0);
    if (leaves_beside || whole) out_mask = '1;
  end

  // One instruction ends at a time. An empty scatter port takes what waits here in this cycle.
  trine_skid #(.Width(Rows * (AddrBits + 33) + 32)) u_skid (
    .clk_i,
    .rst_ni,
    .clear_i,
    .in_valid_i  (leave && !retire_q),
    .in_ready_o  (held_none),
    .in_data_i   ({out_addr, out_lanes, out_data, out_mask}),
    .out_valid_o (s_valid_o),
    .out_ready_i (s_ready_i),
    .out_data_o  ({s_addr_o, s_lanes_o, s_data_o, s_mask_o})
  );
  assign room         = held_none && !retire_q;
  assign room_for_two = room && s_empty_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      mask_q <= '0;
    end else if (clear_i) begin
      mask_q <= '0;
    end else if (en && code_valid && !from_beside && !drop_q) begin
      mask_q <= tag_out.flush ? '0 : out_mask;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en && code_valid) begin
      if (vector_q || leaves_beside) v_offset_q <= offset_d;
      else          c_offset_q <= offset_d;
    end
  end

  // An instruction has ended when its last word is in DMEM; one without results, at once.
  logic retire_vector_q, bare_q, settled;

  assign settled    = s_ready_i && held_none;
  assign c_retire_o = (retire_q && !retire_vector_q && settled) || bare_q;
  assign v_retire_o = retire_q && retire_vector_q && settled;

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
      if (leave && room && tag_out.final_word) begin
        retire_q        <= 1'b1;
        retire_vector_q <= vector_q || leaves_beside;
      end else if (settled) begin
        retire_q <= 1'b0;
      end
    end
  end

  logic unused_post;
  assign unused_post = ^{lane_valid, lane_product, threshold_go_q, pass_first_q, v_normalize_i,
                         v_channel_q, v_reciprocal_i, v_go_i, v_place_i, v_pair_i, v_word_first_i,
                         v_word_end_i, v_tile_end_i, v_end_i, v_acc_i, v_multiplier_i, v_shift_i,
                         cfg_q.window, tag_next, tag_after, tag_third, certain, channel_first,
                         channel_now, cfg_q.param, cfg_q.channels, cfg_q.position,
                         cfg_q.residual_delta, cfg_q.out_plane, cfg_q.encoding, cfg_q.passes_last,
                         cfg_q.low, cfg_q.lookup, table_we_i, table_addr_i, table_wdata_i};

  // ---------------------------------------------------------------------------------------------
  // Assertions.
  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  logic                     word_stalled_q, c_stalled_q, v_stalled_q, slots_kept_q;
  logic [2+PeStages:1]      promised_q;
  logic [Rows*AddrBits-1:0] held_addr_q;
  logic [Rows*32-1:0]       held_data_q;
  logic [31:0]              held_mask_q;
  logic [Rows*96-1:0]       held_slots_q;
  logic [Rows*37-1:0]       held_factors_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      word_stalled_q <= 1'b0;
      c_stalled_q    <= 1'b0;
      v_stalled_q    <= 1'b0;
      slots_kept_q   <= 1'b0;
      promised_q     <= '0;
    end else begin
      word_stalled_q <= s_valid_o && !s_ready_i && !clear_i;
      c_stalled_q    <= c_valid_i && !c_ready_o && !clear_i;
      v_stalled_q    <= v_valid_i && !v_ready_o && !clear_i;
      slots_kept_q   <= (v_take || (vector_q && left_q != '0 && !done)) && !clear_i;
      promised_q     <= take || clear_i ? '0
                        : {promised_q[1+PeStages:1],
                           (drain_ok_o && !vector_q && left_q != '0 && data_q) || drain_soon_o};
    end
  end

  always_ff @(posedge clk_i) begin
    held_addr_q  <= s_addr_o;
    held_data_q  <= s_data_o;
    held_mask_q  <= s_mask_o;
    held_slots_q <= v_slots_i;
    held_factors_q <= {v_multiplier_i, v_shift_i};
    if (live_q) begin
      // Neighbours hold what they offer.
      if (c_stalled_q) m_c_held: assume (c_valid_i);
      if (v_stalled_q) m_v_held: assume (v_valid_i);
      if (Softmax && factors_go_q && !drop_q) begin
        m_factors_held: assume ({v_multiplier_i, v_shift_i} == held_factors_q);
      end
      if (slots_kept_q) m_slots_held: assume (v_slots_i == held_slots_q);
      if (rsp_done_i) m_residual_wanted: assume (fetch_wait_q);
      if (c_take) m_channels: assume (channels_first != '0);
      if (s_empty_i) m_empty_takes: assume (s_ready_i);
      if (lookup && inflight_q != '0) begin
        m_lookup_kind: assume (cfg_q.kind == trine_post_pkg::KindRequant ||
                               cfg_q.kind == trine_post_pkg::KindAdd ||
                               cfg_q.kind == trine_post_pkg::KindMul);
        if (!drop_q) m_table_kept: assume (!table_we_i);
      end
      // So does this unit: no byte of a word changes before it is taken.
      if (word_stalled_q) begin
        a_word_held: assert (s_valid_o);
        a_addr_held: assert (s_addr_o == held_addr_q);
        a_data_held: assert (s_data_o == held_data_q);
        a_mask_held: assert (s_mask_o == held_mask_q);
      end
      // The array's results may change 2 + PeStages cycles after the promise: by then they are
      // read.
      if (promised_q[2+PeStages]) a_drained: assert (left_q == '0);
      if (p_lock_o) m_locked: assume (p_ready_i);
      // Every code has its tag, and lanes go together.
      a_lanes_together: assert (lane_valid[Rows-1:0] == '0 || lane_valid[Rows-1:0] == '1);
      if (code_valid && tag_out.pair && !threshold) a_both: assert (lane_valid == '1);
      if (code_valid && !from_beside) a_counted: assert (inflight_q != '0);
      a_tags_fit: assert (inflight_q <= 4'(Places));
      if (code_valid && from_beside) a_beside: assert (beside_q != '0);
      if (normalizing) a_normalized_alone: assert (!issue && inflight_q == '0);
      a_one_source: assert (!(c_take && v_take));
      if (open_q) a_tile_whole: assert (!v_take);
      if (use_residual) a_residual_there: assert (residual_ok);
    end
  end
`endif

endmodule
