// SPDX-License-Identifier: Apache-2.0
//
// Schedules the jobs of compute and vector engine, one after the other, and selects the next column
// of a job. Each column comes with its channel, and with the slot of its code in the result word.
//
//   job (compute: Cols columns of the array, or four; vector: four slots a lane)
//     -> the job in front -> column_o, until issue_i.done
//
// A compute job is accepted before its results arrive (c_data), so that its parameters
// (trine_drain_params) and residuals (trine_drain_residual) are read in the meantime. The next job
// follows without a gap if it belongs to the same instruction. Otherwise it waits until the lanes
// are empty, because the configuration is not pipelined. If both engines have jobs, they alternate
// (round robin). Without Int16, no vector job comes between the groups of a compute tile, because
// each group continues the words of the group before it. With Int16, a product of one vector is a
// single long tile. Vector jobs may therefore come between its groups when no word is begun. A
// compute job may come between the jobs of a vector tile. Otherwise, the gather could be full of
// steps that wait for the compute job.
//
// With Drain = 2, two columns are issued together if their codes belong in an even slot and the
// next slot. Otherwise, a column is issued by itself. This applies to a first column whose code
// belongs in an odd slot, and to a last column without a partner. It also applies to operations
// that the second lane does not support: several passes of thresholds, sums and products of
// operands, whole words, lookups.
//
//   cycle            0    1    2    3    4    5    6    Cols = 2: one tile's job and then its data;
//   c_valid_i        A                   B              the next tile's job and data at once, as
//   c_data_valid_i             A         B              issue_i takes a column per cycle
//   column_o                        A0   A1   B0   B1
//
// Timing    column_o comes in the cycle after job and data are accepted. Both ready outputs are
//           combinational from issue_i (the job's last column) and from the status of the lanes.
// Contract  v_slots_i of the post unit hold from the acceptance of a vector job until the job has
//           been read. A vector job has tile_last and drain set. The configuration of an
//           instruction is the configuration of its first job. After a clear, the first job is the
//           first job of its instruction.
//
// Check     trine_post_tb; random_program_test (whole core)

module trine_drain #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned Cols     = 8,
  parameter int unsigned AddrBits = 15,
  parameter int unsigned Channels = 512,
  parameter bit          Ternary  = 1'b0,
  parameter bit          Binary   = 1'b0,
  parameter bit          Table    = 1'b0,
  parameter bit          Groups   = 1'b0,
  parameter bit          Int16    = 1'b0,
  parameter bit          Softmax  = 1'b0, Window = 1'b0, Sums = 1'b0,
  parameter int unsigned Drain    = 1,  // columns per cycle: 1, 2
  parameter int unsigned LeftBits = 6,  // width of counts of columns
  parameter int unsigned FreeBits = 2,
  parameter int unsigned PeStages = 2,     // stages of a PE: 1, 2
  parameter int unsigned PipeCols = Cols,  // columns of a block of PEs
  parameter int unsigned MaxLate  = 0,     // as in trine_post
  localparam int unsigned LaneBits = Rows * (AddrBits + 1),
  localparam int unsigned ChannelBits = $clog2(Channels)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // A tile of the compute engine: {active lanes, their output addresses}.
  input  logic                     c_valid_i,
  output logic                     c_ready_o,
  input  trine_job_pkg::job_t     c_job_i,
  input  logic [LaneBits-1:0]      c_lanes_i,
  input  trine_job_pkg::results_t c_results_i,
  output logic                     c_data_ready_o,
  output logic                     no_result_end_o,  // an instruction without results has ended

  // A word in each lane of the vector engine.
  input  logic                     v_valid_i,
  input  trine_job_pkg::job_t     v_job_i,
  input  logic [LaneBits-1:0]      v_lanes_i,

  // Status of the lanes and of the queue after them: no code is in the lanes; the addresses of a
  // new tile can be stored; no word is on its way to DMEM.
  input  logic                     lanes_empty_i,
  input  logic [3:0]               lanes_busy_cycles_i,  // cycles until the last code leaves them
  input  logic                     tile_free_i,
  input  logic                     queue_idle_i,

  // The job in front.
  output trine_job_pkg::cfg_t     cfg_o,
  output trine_post_pkg::kind_t     kind_o,
  output trine_post_pkg::cfg_pair_t cfg_pair_o,
  output logic                      barrier_o,  // its successor needs empty lanes

  // The next column of the job in front, which issue_i takes. cols_o: a bit for each array column
  // that is read now. odd_o: the first of two columns is odd. words_o: words that the job has left.
  output trine_post_pkg::column_t  column_o,
  output logic [Cols-1:0]          cols_o,
  output logic                     odd_o,
  output logic [FreeBits-1:0]      words_o,  // saturated
  input  trine_post_pkg::issue_t   issue_i,

  // Conditions for a column: places for words, parameters, lanes that no softmax blocks.
  input  logic [FreeBits-1:0]      free_places_i,
  input  logic                     params_i,
  input  logic                     lanes_i,

  // The array may overwrite its drain registers (trine_drain_grant). prefetch_ok: v_slots_i will
  // have been read soon. almost_done: they will have been read in two cycles at the latest.
  output logic                     drain_ok_o,
  output logic                     drain_soon_o,
  output logic [1:0]               v_early_o,  // {prefetch_ok, almost_done}

  // A job is accepted; it is a compute job; it has new {active lanes, addresses}; the number of its
  // columns, and the slot of its first code.
  output logic                     job_taken_o,
  output logic                     c_job_taken_o,
  output logic                     tile_o,
  output logic [LaneBits-1:0]      lanes_o,
  output logic [LeftBits-1:0]      count_o,
  output logic [4:0]               first_slot_o,

  // Channel of the next parameters.
  output logic [ChannelBits-1:0]   channel_o,
  output logic                     channel_rewind_o  // channel_o goes back for odd lanes
);

  localparam int unsigned LateBits  = MaxLate == 0 ? 1 : $clog2(MaxLate + 1);
  localparam logic [Rows-1:0] OddLanes = Rows'({(Rows + 1) / 2{2'b10}});

  logic                 v_take, no_result_take, c_same, job_free, group_free;
  logic                 v_fits, resumes;  // a vector job may be taken; compute's tile resumes
  logic                 results_near, c_mixed, v_mixed;  // without empty lanes
  logic [3:0]           c_latency, v_latency;
  logic                 channel_held, parts_start, sums_start;  // columns restart
  trine_job_pkg::job_t job_d;
  trine_job_pkg::cfg_t cfg_q;
  trine_post_pkg::kind_t kind_q;
  logic                 vector_q;       // the job is the vector engine's
  logic                 tile_first_q, last_q;
  logic [LeftBits-1:0]  left_q, count;  // columns not yet issued
  logic [Cols-1:0]      cols_q, rewind_column;  // a bit for each port of the multiplexers
  logic                 odd_q;
  logic [4:0]           slot_q, slot_now, slot_first, last_slot;
  logic [3:0]           pass_q;         // pair of thresholds
  logic [15:0]          channels_q, channels_now, channels_first;  // columns not yet issued
  logic [15:0]          group_columns;
  logic [ChannelBits-1:0] channel_q, channel_now, channel_first;
  logic                 first_q;        // no column issued yet
  logic                 by_row_q, odd_rows_q;  // by row: odd lanes follow; odd lanes are read
  logic [1:0]           begin_q, moved;  // by row: the word's first slot; columns since
  logic                 row_end;        // the last column, of even or of odd lanes
  logic                 open_q;         // the compute tile has more groups
  logic                 data_q;         // the job's results are in the drain registers
  logic [LateBits-1:0]  last_block_d, last_block_q;  // blocks of PEs before the last column's
  logic [LeftBits-1:0]  issue_count;                 // issues left
  logic [FreeBits-1:0]  next_words;                  // of the job on offer
  logic                 follows;                     // a group of at most two issues comes next
  logic                 begins, one_lane, pair, last_pass, word_end, last_column;
  logic [1:0]           step;           // columns of an issue
  trine_post_pkg::parts_t own_parts, parts;  // parts with factors

  // ---------------------------------------------------------------------------------------------
  // Accepting a job. The next group of a tile has the same output addresses. Other jobs wait until
  // their addresses can be stored.
  // ---------------------------------------------------------------------------------------------
  assign job_free      = (left_q == '0 || issue_i.done) && tile_free_i;
  assign group_free    = (left_q == '0 || issue_i.done) && open_q && c_same && !c_job_i.tile_first;
  assign c_same        = !c_job_i.first && !vector_q;
  assign c_job_taken_o = c_valid_i && c_job_i.drain && (job_free || group_free) &&
                         (c_same || (lanes_empty_i && left_q == '0) || c_mixed) &&
                         !(v_valid_i && !vector_q && v_fits && lanes_empty_i && left_q == '0);
  assign no_result_take = c_valid_i && !c_job_i.drain && c_results_i.valid && left_q == '0 &&
                          lanes_empty_i && queue_idle_i;
  // Vector jobs go between the groups of a compute tile if no word is begun, and until results
  // come.
  assign resumes    = Int16 && open_q && vector_q;
  assign v_fits     = Int16 && vector_q ? !(c_valid_i && results_near)
                      : !open_q || (Int16 && !parts.open && slot_now == '0 && !kind_q.fused &&
                                     !kind_q.sums);
  assign v_take     = v_valid_i && job_free && !c_job_taken_o && !no_result_take && v_fits &&
                      ((!v_job_i.first && vector_q) || (lanes_empty_i && left_q == '0) || v_mixed);

  // If the lanes are not empty, the new codes must leave after the codes in the lanes. A compute
  // job also needs its results, because the vector engine may have other jobs until they come.
  assign results_near = c_results_i.valid || c_results_i.valid_next;
  assign c_mixed      = Int16 && cfg_pair_o.mixed && vector_q && !c_job_i.first && left_q == '0 &&
                        lanes_busy_cycles_i <= c_latency && results_near;
  assign v_mixed = Int16 && cfg_pair_o.mixed && !vector_q && !v_job_i.first && left_q == '0 &&
                   lanes_busy_cycles_i <= v_latency;
  assign job_taken_o = c_job_taken_o || v_take;
  assign tile_o      = v_take || (c_job_taken_o && (c_job_i.tile_first || resumes));
  assign lanes_o     = v_take ? v_lanes_i : c_lanes_i;

  assign c_ready_o       = c_job_taken_o || no_result_take;
  assign c_data_ready_o  = c_job_taken_o || no_result_take ||
                           (!data_q && !vector_q && left_q != '0);
  assign no_result_end_o = no_result_take && c_job_i.last;
  assign barrier_o       = v_valid_i || (c_valid_i && (!c_job_i.drain || !c_same));

  assign job_d = v_take ? v_job_i : c_job_i;

  // Channel, channels left and slot continue from group to group of a tile. A vector job is a
  // whole word.
  assign channel_held     = parts.part || resumes;
  assign moved            = slot_q[1:0] - begin_q;
  assign rewind_column    = (cols_q >> moved) & ~(Cols'({cols_q >> moved, 1'b0}));  // first column
  assign channel_rewind_o = by_row_q && !odd_rows_q && issue_i.column && (word_end || row_end);
  assign channel_now      = channel_rewind_o ? channel_q - ChannelBits'(moved)
                            : issue_i.pass && !channel_held ? channel_q + ChannelBits'(step)
                            : channel_q;
  assign channels_now     = channel_rewind_o ? channels_q + 16'(moved)
                            : issue_i.column && !channel_held ? channels_q - 16'(step) : channels_q;
  assign slot_now       = !issue_i.column || parts.part ? slot_q
                          : channel_rewind_o ? 5'(begin_q) : word_end ? 5'd0 : slot_q + 5'(step);
  assign begins         = job_d.tile_first && !(Int16 && open_q);
  assign channel_first  = begins ? job_d.cfg.param[ChannelBits-1:0] : channel_now;
  assign channels_first = begins ? job_d.cfg.channels : channels_now;
  assign slot_first     = (v_take ? !Int16 : resumes) ? 5'd0
                          : v_take || job_d.tile_first ? job_d.cfg.position : slot_now;

  assign group_columns = Window && job_d.cfg.window ? 16'd4 : 16'(Cols);

  always_comb begin
    if (v_take) begin
      count = LeftBits'(4);
      if (job_d.cfg.kind == trine_job_pkg::KindDirect) count = LeftBits'(1);
      if (Int16 && job_d.cfg.words) count = LeftBits'(1);
    end else if (channels_first < group_columns) count = LeftBits'(channels_first);
    else count = LeftBits'(group_columns);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {left_q, open_q, data_q, vector_q} <= '0;
    else if (clear_i) begin  // codes in the lanes keep their configuration
      {left_q, open_q, data_q, vector_q} <= (LeftBits + 3)'(Int16 && vector_q);
    end else begin
      if (job_taken_o) begin
        left_q   <= count;
        if (!(Int16 && v_take)) open_q <= !job_d.tile_last;
        vector_q <= v_take;
        data_q   <= v_take || c_results_i.valid;
      end else begin
        if (c_results_i.valid && c_data_ready_o) data_q <= 1'b1;
        if (channel_rewind_o) left_q <= left_q + LeftBits'(moved);
        else if (issue_i.column) left_q <= left_q - LeftBits'(step);
        if (sums_start) left_q <= LeftBits'(channels_q < 16'(Cols) ? channels_q : 16'(Cols));
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (job_taken_o) begin
      tile_first_q <= job_d.tile_first || (parts.open && c_job_taken_o && tile_first_q);
      last_q       <= job_d.last;
      last_block_q <= last_block_d;
      cols_q       <= Cols'((1 << Drain) - 1);
      odd_q        <= 1'b0;
      slot_q       <= slot_first;
      {odd_rows_q, begin_q} <= {1'b0, slot_first[1:0]};
      by_row_q     <= Int16 && c_job_taken_o && job_d.cfg.by_row &&
                      (c_lanes_i[LaneBits-1 -: Rows] & OddLanes) != '0;
      pass_q       <= '0;
      channel_q    <= channel_first;
      channels_q   <= channels_first;
      first_q      <= 1'b1;
    end else begin
      channel_q <= channel_now;
      if (issue_i.pass) pass_q <= last_pass ? '0 : pass_q + 4'd1;
      if (issue_i.column) begin
        cols_q     <= channel_rewind_o ?
                      rewind_column | (Drain == 2 ? Cols'({rewind_column, 1'b0}) : '0)
                      : Cols'(pair ? {cols_q, 2'b00} : {1'b0, cols_q, 1'b0});
        odd_q      <= odd_q ^ (channel_rewind_o ? moved[0] : !pair);
        slot_q     <= slot_now;
        odd_rows_q <= by_row_q && (odd_rows_q ? !(word_end || row_end) : channel_rewind_o);
        if (word_end && !channel_rewind_o) begin_q <= '0;
        channels_q <= channels_now;
        first_q    <= parts.part;
      end
      if (sums_start) {cols_q, odd_q} <= {Cols'((1 << Drain) - 1), 1'b0};
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The next column. It is issued once; with thresholds, once for each pair.
  // ---------------------------------------------------------------------------------------------
  trine_drain_cfg #(
    .AddrBits (AddrBits), .Ternary (Ternary), .Binary (Binary), .Table (Table), .Int16 (Int16),
    .Softmax (Softmax), .Sums (Sums), .Drain (Drain)
  ) u_cfg (
    .clk_i, .rst_ni, .c_first_i (c_job_taken_o && job_d.first), .v_first_i (v_take && job_d.first),
    .other_i (job_taken_o && v_take != vector_q), .cfg_i (job_d.cfg), .vector_i (vector_q),
    .cfg_o (cfg_q), .kind_o (kind_q), .cfg_pair_o,
    .c_latency_o (c_latency), .v_latency_o (v_latency)
  );

  assign one_lane    = Drain == 1 || !kind_q.pairs;
  assign pair        = (parts.part ? Drain == 2 : !one_lane && !slot_q[0]) &&
                       left_q >= LeftBits'(2);
  assign step        = pair ? 2'd2 : 2'd1;
  assign last_pass   = !kind_q.threshold || pass_q == cfg_q.passes_last;
  assign row_end     = left_q == LeftBits'(step);
  assign last_column = row_end && (odd_rows_q || !by_row_q);
  assign word_end    = (slot_q | 5'(pair)) == last_slot;

  assign column_o.valid      = left_q != '0;
  assign column_o.data       = data_q;
  assign column_o.from_vector     = vector_q;
  assign column_o.slot         = slot_q;
  assign column_o.last_slot    = last_slot;
  assign column_o.pair         = pair;
  assign column_o.first_pass   = pass_q == '0;
  assign column_o.last_pass    = last_pass;
  assign column_o.first        = first_q && (vector_q || tile_first_q);
  assign column_o.tile_first   = tile_first_q;
  assign column_o.word_end     = word_end;
  assign column_o.channels_end = vector_q ? Int16 && cfg_q.words : channels_q == 16'(step);
  assign column_o.last         = last_column && !(parts.part && parts.whole);
  assign column_o.final_word   = last_q && last_column;
  assign column_o.pops         = last_pass && (word_end || row_end || kind_q.whole) &&
                                 !parts.part;
  assign {column_o.parts, column_o.ends} = {parts, last_column};
  assign {column_o.odd_rows, column_o.again} = {odd_rows_q, by_row_q && !odd_rows_q};

  trine_drain_parts #(.Groups(Groups), .Drain(Drain), .LeftBits(LeftBits)) u_parts (
    .clk_i, .rst_ni, .clear_i, .job_taken_i (job_taken_o), .job_i (c_job_i),
    .c_job_taken_i (c_job_taken_o), .issue_i, .columns_left_i (left_q),
    .last_column_i (last_column), .parts_o (own_parts), .sums_start_o (parts_start)
  );
  assign parts      = own_parts & {$bits(own_parts){Groups}};
  assign sums_start = parts_start && Groups;

  // Columns go in each or every second cycle; with kind_q.line now and two cycles later.
  assign v_early_o[0] = Int16 && vector_q && !first_q &&
                        (kind_q.phases == '1 || left_q <= LeftBits'(1) ||
                         (kind_q.line && issue_i.phase && left_q <= LeftBits'(2)));
  assign v_early_o[1] = Int16 && vector_q && (kind_q.phases == '1 || left_q <= LeftBits'(2));
  assign kind_o       = kind_q;
  assign cols_o       = cols_q;
  assign odd_o        = odd_q;

  trine_drain_remaining #(
    .Ternary (Ternary), .Binary (Binary), .Int16 (Int16), .Drain (Drain), .LeftBits (LeftBits),
    .WordsBits (FreeBits), .PipeCols (PipeCols), .MaxLate (MaxLate), .LateBits (LateBits)
  ) u_remaining (
    .clk_i, .rst_ni, .encoding_i (cfg_q.encoding),
    .slot_i (slot_q), .columns_left_i (left_q), .next_slot_i (slot_first),
    .count_i (count), .one_lane_i (one_lane), .part_i (parts.part),
    .twice_i (by_row_q && !odd_rows_q), .second_i (odd_rows_q), .last_slot_o (last_slot),
    .words_o, .next_words_o (next_words), .issue_count_o (issue_count), .last_block_o (last_block_d)
  );

  assign follows = Window && cfg_q.window && pair && issue_i.done && c_job_taken_o && c_same &&
                   !slot_first[0];

  trine_drain_grant #(
    .Groups (Groups), .LeftBits (LeftBits), .FreeBits (FreeBits), .LateBits (LateBits),
    .PeStages (PeStages)
  ) u_grant (
    .clk_i, .rst_ni, .kind_i (kind_q), .column_i (column_o), .issue_count_i (issue_count),
    .last_block_i (last_block_q & {LateBits{!by_row_q}}),
    .words_i (words_o), .follows_i (follows), .follower_words_i (next_words),
    .params_i, .done_i (issue_i.done), .lanes_i, .results_i (c_results_i),
    .free_places_i, .drain_ok_o, .drain_soon_o
  );

  assign count_o      = count;
  assign first_slot_o = slot_first;
  assign channel_o    = c_job_taken_o ? channel_first : channel_now;

  assign cfg_o        = vector_q ? cfg_pair_o.v_cfg : cfg_pair_o.c_cfg;

  logic unused_drain;
  assign unused_drain = ^{cfg_q, job_d, v_job_i, issue_i, c_results_i};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q, c_stalled_q, v_stalled_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {live_q, c_stalled_q, v_stalled_q} <= '0;
    else begin
      live_q      <= 1'b1;
      c_stalled_q <= c_valid_i && !c_ready_o && !clear_i;
      v_stalled_q <= v_valid_i && !v_take && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      // The engines hold what they offer.
      if (c_stalled_q) m_c_held: assume (c_valid_i);
      if (v_stalled_q) m_v_held: assume (v_valid_i);
      if (v_valid_i) m_v_whole: assume (v_job_i.tile_last && v_job_i.drain);
      if (c_job_taken_o) m_channels: assume (channels_first != '0);
      if (issue_i.pass) m_column_left: assume (column_o.valid && data_q);
      if (issue_i.column) m_last_pass: assume (issue_i.pass && last_pass);
      a_one_source: assert (!(c_job_taken_o && v_take));
      if (open_q && !Int16) a_tile_whole: assert (!v_take);
      if (job_taken_o) a_count: assert (count != '0);
      if (left_q != '0) a_issues: assert (issue_count != '0);
      if (left_q != '0) a_in_word: assert (slot_q <= last_slot);
      c_follows: cover (c_job_taken_o && issue_i.done);  // jobs without a gap
      c_ahead: cover (drain_ok_o && left_q != '0 && data_q && !issue_i.done);
      if (follows) a_follows: assert (count <= LeftBits'(4));
      c_early: cover (c_job_taken_o && !c_results_i.valid);
      c_round_robin: cover (v_take && c_valid_i);
      c_resumes: cover (c_job_taken_o && resumes);
    end
  end
`endif

endmodule
