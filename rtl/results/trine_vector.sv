// SPDX-License-Identifier: Apache-2.0
//
// Executes vector RUNs: pooling, element-wise operations, requantization and softmax. The engine
// processes one window of taps at a time, in all lanes.
//
//   taps -> gather -> lanes (extremum, sum or pair) -> [fold over the lanes] -> job -> post unit
//
// The last tap of a window is acknowledged to the address generator only when the post unit has
// accepted the job. The output addresses of the tile hold until then.
//
// A softmax (trine_softmax.sv) iterates over a tile's channel words three times: for the maxima of
// the lanes, for the sums, and for the codes. In the last two passes, each word goes through the
// lanes' tables. If the lanes store the words, the softmax iterates only once. A normalization
// iterates twice. A softmax of int16 codes consists of jobs, after an iteration for the maxima or
// the sums of the lanes.
//
// Timing    A window of T taps takes T + 4 cycles or more, plus log2(Rows) with reduce. The taps of
//           the next window start when the post unit has read the lanes. With Int16, they are
//           requested earlier, and the gather holds them back until the lanes are nearly read. A
//           tile of a softmax takes 0.25 + 2 / Codes cycles per channel and some 45 cycles more. A
//           tile of a normalization takes 3 cycles per channel and 51 cycles more.
// Contract  Responses come in order.
//
// Check     trine_vector_tb; random_program_test (whole core)

module trine_vector #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned AddrBits = 15,
  parameter bit          Ternary  = 1'b0,
  parameter bit          Binary   = 1'b0,
  parameter bit          Softmax  = 1'b0,
  parameter bit          Int16    = 1'b0, Formats = 1'b0,  // Rows is even
  parameter bit          Cluster  = 1'b0,
  parameter int unsigned Codes    = 1,     // codes of a softmax at once: 1, 2
  localparam int unsigned TagBits = 3
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // The core's row shift in a Cluster (trine_agu). Instructions; wait_i: the next RUN lacks tokens.
  input  logic [13:0]              y_shift_i,
  input  logic                     cfg_valid_i,
  output logic                     cfg_ready_o,
  input  logic [3:0]               cfg_reg_i,
  input  logic [55:0]              cfg_payload_i,
  input  logic                     run_valid_i,
  output logic                     run_ready_o,
  input  logic [15:0]              run_i,  // {flags, operation}
  input  logic                     wait_i,

  // Gather.
  output logic                     g_valid_o,
  input  logic                     g_ready_i,
  output logic [Rows*AddrBits-1:0] g_addr_o,
  output logic [Rows-1:0]          g_lanes_o,
  output logic [7:0]               g_pad_o,
  output logic [TagBits-1:0]       g_tag_o,
  output logic                     g_hold_o,  // the access at the front must wait
  input  logic [Rows-1:0]          rsp_lanes_i,
  input  logic [Rows*32-1:0]       rsp_data_i,
  input  logic [TagBits-1:0]       rsp_tag_i,
  input  logic                     rsp_done_i,

  // A word of each lane for the post unit. job_done_i: the word has been read. job_early_i[0]: the
  // word will have been read in two cycles. job_early_i[1]: job_early_i[0] will follow.
  output logic                     job_valid_o,
  input  logic                     job_ready_i,
  input  logic                     job_done_i,
  input  logic [1:0]               job_early_i,
  output logic [Rows*AddrBits-1:0] job_out_o,
  output logic [Rows-1:0]          job_active_o,
  output trine_post_pkg::word_t    job_word_o,
  output logic [Rows*96-1:0]       job_slots_o,
  output trine_job_pkg::cfg_t     job_cfg_o,

  // Softmax: operands of the post lanes for a product of the reciprocals, or for the code at a slot
  // of a word and the next code. sm_status_i: the post unit accepts the operands; a tile's last
  // word has left the post unit; product_i is valid. The addresses are job_out_o and job_active_o.
  output logic                     sm_req_valid_o,
  input  trine_post_pkg::softmax_status_t sm_status_i,
  output trine_post_pkg::softmax_t sm_req_o,
  output logic [Codes*Rows*32-1:0] sm_acc_o,
  output logic [Rows*37-1:0]       sm_factors_o,  // {multipliers, shifts}
  input  logic [Rows*42-1:0]       product_i,
  input  logic [Rows*trine_post_pkg::PointBits-1:0] point_req_i,

  // Exponentials.
  input  trine_vector_pkg::exp_write_t exp_i
);

  // With softmax, `first` and `last` refer to a pass over the channel words, and the words of the
  // passes after the first one are stored.
  localparam int unsigned TagFirst = 0, TagLast = 1, TagKeep = 2, Folds = $clog2(Rows),
                          FoldBits = $clog2(Folds + 2);
  localparam logic [2:0]  OpMax    = trine_isa_pkg::VectorOpMax[2:0];
  localparam logic [2:0]  OpMin    = trine_isa_pkg::VectorOpMin[2:0];

  // ---------------------------------------------------------------------------------------------
  // Registers 10 to 15, RUN.
  // ---------------------------------------------------------------------------------------------
  trine_job_pkg::cfg_t    cfg;
  trine_vector_pkg::run_t  run;
  trine_vector_pkg::norm_t norm;
  logic                    busy_q, filling_q, first_word_q, fill, filled, start, pairs;
  logic                    reading, lanes_busy;  // a RUN's last job still needs the lanes
  logic                    prefetch_ok, taps_allowed;  // taps may be requested
  logic [AddrBits-1:0]     out_plane;

  assign cfg_ready_o = !busy_q && !filling_q && !filled;
  assign run_ready_o = !busy_q && filled && !lanes_busy;
  assign start       = run_valid_i && run_ready_o;
  assign fill        = (run_valid_i || wait_i) && cfg_ready_o;

  trine_vector_regs #(.Softmax(Softmax), .Int16(Int16), .Formats(Formats)) u_regs (
    .clk_i,
    .we_i      (cfg_valid_i && cfg_ready_o),
    .reg_i     (cfg_reg_i),
    .payload_i (cfg_payload_i),
    .start_i   (start),
    .op_i      (run_i[7:0]),
    .flags_i   (run_i[15:8]),
    .pairs_o   (pairs),
    .run_o     (run),
    .norm_o    (norm),
    .cfg_o     (cfg)
  );

  always_comb begin
    job_cfg_o           = cfg;
    job_cfg_o.out_plane = 24'(out_plane);
  end

  // ---------------------------------------------------------------------------------------------
  // Windows.
  // ---------------------------------------------------------------------------------------------
  typedef enum logic [2:0] {StTaps, StWait, StFold, StJob, StRead, StShares} state_e;

  state_e              state_q, state_d;
  logic [FoldBits-1:0] fold_q, last_fold;
  logic [2:0]          lane_op;
  logic                step_valid, step_ready, window_last, word_first, group_last, tile_first,
                       tile_last, first, last, agu_running, job_take, tile_end, extremes, in_row,
                       tap_first, tap_last, turned, row_end, shares, shared,
                       job_first_q;  // a tile's first word: its first tap began a (tile, group)
  logic                sm_g_valid, sm_step_ready, sm_done;
  logic [Rows-1:0]     active, taken, odd;

  always_comb for (int unsigned l = 0; l < Rows; l++) odd[l] = l % 2 != 0;

  trine_agu #(.Rows(Rows), .AddrBits(AddrBits), .Pairs(Int16), .Cluster(Cluster)) u_agu (
    .clk_i, .rst_ni, .clear_i, .y_shift_i,
    .cfg_we_i      (cfg_valid_i && cfg_ready_o),
    .cfg_reg_i,
    .cfg_payload_i,
    .fill_i        (fill),
    .pairs_i       (pairs),
    .filled_o      (filled),
    .start_i       (start),
    .running_o     (agu_running),
    .window_i      (1'b0),
    .step_valid_o  (step_valid),
    .step_ready_i  (step_ready),
    .addr_o        (g_addr_o),
    .inside_o      (taken),
    .first_o       (first),
    .window_last_o (window_last),
    .word_first_o  (word_first),
    .last_o        (last),
    .group_last_o  (group_last),
    .tile_first_o  (tile_first),
    .tile_last_o   (tile_last),
    .out_o         (job_out_o),
    .active_o      (active),
    .out_plane_o   (out_plane)
  );

  assign taps_allowed = state_q == StTaps && !(reading && !prefetch_ok);
  assign g_valid_o    = run.softmax ? sm_g_valid : step_valid && taps_allowed;
  assign g_pad_o      = run.pad;
  assign g_lanes_o    = Int16 && run.widens ? taken & odd : taken;
  assign job_take     = job_valid_o && job_ready_i;
  assign tile_end     = last && group_last;
  assign last_fold    = FoldBits'(Int16 && cfg.int16);
  assign extremes     = Int16 && cfg.int16 && (lane_op == OpMax || lane_op == OpMin);

  // A row of int16 codes: a tile's first group is one window of all its words. The extremum or sum
  // of this window is the job, or the jobs of a second group need it.
  assign in_row    = Int16 && run.row && tile_first;
  assign shares    = Softmax && cfg.shares;
  assign lane_op   = run.softmax || (in_row && run.exponential) ? OpMax : run.op;
  assign tap_first = in_row ? first : word_first;
  assign tap_last  = in_row ? last : window_last;
  assign row_end   = in_row && !group_last && (shares ? shared : turned);

  always_comb begin
    step_ready        = tap_last ? job_take || row_end : g_ready_i && taps_allowed;
    g_tag_o           = '0;
    g_tag_o[TagFirst] = tap_first;
    g_tag_o[TagLast]  = tap_last;
    if (run.softmax) begin
      step_ready        = sm_step_ready;
      g_tag_o[TagFirst] = first;
      g_tag_o[TagLast]  = last;
      g_tag_o[TagKeep]  = !tile_first || norm.normalize;
    end
  end

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StTaps: if (!run.softmax && g_valid_o && g_ready_i && tap_last) state_d = StWait;
      StWait: if (rsp_done_i && rsp_tag_i[TagLast]) begin
        state_d = (run.reduce && FoldBits'(Folds) != last_fold) || extremes || in_row ||
                  (Int16 && run.exponential) ? StFold : StJob;
      end
      StFold: begin
        if (fold_q == last_fold + FoldBits'(1) || extremes || run.row) state_d = StJob;
        if (in_row) state_d = !turned ? StFold : group_last ? StJob : shares ? StShares : StTaps;
      end
      StShares: if (shared) state_d = StTaps;
      StJob:  if (job_ready_i) state_d = Int16 ? StTaps : StRead;
      StRead: if (job_done_i) state_d = StTaps;
      default: state_d = StTaps;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q <= StTaps;
      {busy_q, filling_q, first_word_q} <= '0;
    end else if (clear_i) begin
      state_q <= StTaps;
      {busy_q, filling_q, first_word_q} <= '0;
    end else begin
      state_q <= state_d;
      if (start) busy_q <= 1'b1;
      else if (run.softmax ? sm_done : job_take && job_word_o.run_last) busy_q <= 1'b0;
      if (fill) filling_q <= 1'b1;
      else if (start) filling_q <= 1'b0;
      if (start) first_word_q <= 1'b1;
      else if (job_take) first_word_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StWait) fold_q <= FoldBits'(Folds);
    else if (state_q == StFold) fold_q <= fold_q - FoldBits'(1);
  end

  // With Int16, the taps of the next window are requested while a job is read.
  if (Int16) begin : gen_ahead
    logic       reading_q;
    logic [3:0] lines_q;  // cycles in which lines may request points
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) {reading_q, lines_q} <= '0;
      else begin
        reading_q <= !clear_i && (job_take || (reading_q && !job_done_i));
        lines_q   <= Softmax && job_done_i && run.exponential ? 4'd10 : lines_q - 4'(lines_q != '0);
      end
    end
    assign {reading, g_hold_o} = {reading_q, reading_q && !job_early_i[0]};
    assign {prefetch_ok, lanes_busy} = {job_early_i[1], (run.row && reading_q) || lines_q != '0};
  end else begin : gen_behind
    assign {reading, g_hold_o, lanes_busy, prefetch_ok} = {state_q == StRead, 3'd1};
  end

  assign job_valid_o           = state_q == StJob;
  assign job_word_o.tile_first = job_first_q;
  assign job_word_o.run_first  = first_word_q;
  assign job_word_o.run_last   = tile_end && tile_last;

  always_comb begin
    job_active_o = active;
    if (run.reduce) job_active_o = Rows'(Int16 && cfg.int16 ? 3 : 1) & active;
    if (Int16 && run.narrows) job_active_o = odd & active;
  end

  always_ff @(posedge clk_i) begin
    if (g_valid_o && g_ready_i && tap_first) job_first_q <= first;
  end

  logic [Rows-1:0]   tap_lanes;
  logic [Rows*8-1:0] largest;  // of each row
  logic              cut;
  assign tap_lanes = run.softmax && rsp_tag_i[TagKeep] ? '0 : rsp_lanes_i;
  assign cut       = (run.softmax || in_row) && rsp_tag_i[TagLast];

  trine_vector_lanes #(
    .Rows    (Rows),
    .Ternary (Ternary),
    .Binary  (Binary),
    .Softmax (Softmax),
    .Int16   (Int16),
    .Formats (Formats)
  ) u_lanes (
    .clk_i,
    .op_i        (lane_op),
    .invert_i    (run.invert),
    .int16_i     (Int16 && cfg.int16),
    .widens_i    (run.widens),
    .extremes_i  (extremes),
    .lanes_i     (tap_lanes),
    .data_i      (rsp_data_i),
    .first_i     (rsp_tag_i[TagFirst]),
    .third_i     (run.five && rsp_tag_i[TagLast]),
    .done_i      (rsp_done_i),
    .cut_i       (cut),
    .last_byte_i (run.last_byte),
    .fold_i      (state_q == StFold),
    .fold_step_i (fold_q),
    .row_i       (run.row),
    .rest_i      (!in_row),
    .largest_i   (largest),
    .turned_o    (turned),
    .slots_o     (job_slots_o)
  );

  logic sm_issue, sm_tile_done, sm_product;
  assign {sm_issue, sm_tile_done, sm_product} = sm_status_i;
  if (Softmax) begin : gen_softmax
    trine_softmax #(.Rows(Rows), .Codes(Codes), .Int16(Int16)) u_softmax (
      .clk_i,
      .rst_ni,
      .clear_i,
      .enable_i          (run.softmax && busy_q),
      .last_byte_i       (run.last_byte),
      .norm_i            (norm),
      .step_valid_i      (step_valid),
      .step_ready_o      (sm_step_ready),
      .first_pass_i      (tile_first && !norm.normalize),
      .kept_i            (tile_first && group_last),
      .tile_end_i        (tile_end),
      .tile_last_i       (tile_last),
      .g_valid_o         (sm_g_valid),
      .g_ready_i,
      .rsp_lanes_i,
      .rsp_data_i,
      .rsp_last_i        (rsp_tag_i[TagLast]),
      .rsp_keep_i        (rsp_tag_i[TagKeep]),
      .rsp_done_i,
      .slots_i           (job_slots_o),
      .row_i             (Int16 && run.row),
      .turned_i          (turned && !group_last),
      .shares_i          (shares),
      .shared_o          (shared),
      .largest_o         (largest),
      .point_req_i,
      .req_valid_o       (sm_req_valid_o),
      .issue_i           (sm_issue),
      .req_o             (sm_req_o),
      .tile_done_i       (sm_tile_done),
      .acc_o             (sm_acc_o),
      .factors_o         (sm_factors_o),
      .product_valid_i   (sm_product),
      .product_i,
      .done_o            (sm_done),
      .exp_i
    );
  end else begin : gen_no_softmax
    logic unused_softmax;
    assign sm_step_ready    = 1'b0;
    assign sm_g_valid       = 1'b0;
    assign sm_done          = 1'b0;
    assign sm_req_valid_o   = 1'b0;
    assign sm_req_o         = '0;
    assign shared           = 1'b0;
    assign largest          = '0;
    for (genvar l = 0; l < Codes * Rows; l++) begin : gen_no_acc
      assign sm_acc_o[32*l +: 32] = '0;  // by word: more than 8,192 bits give a warning
    end
    for (genvar l = 0; l < Rows; l++) begin : gen_no_factors
      assign sm_factors_o[37*l +: 37] = '0;
    end
    assign unused_softmax   = ^{sm_issue, sm_tile_done, sm_product, product_i, point_req_i, exp_i,
                                norm};
  end

  logic unused_vector;
  assign unused_vector = ^{agu_running, cfg, reading, job_early_i};
`ifdef TRINE_ASSERT
  logic               live_q, kept_q;  // kept_q: a job is not read to its end
  logic [Rows*96-1:0] kept_slots_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    live_q <= rst_ni;
    if (!rst_ni) kept_q <= 1'b0;
    else kept_q <= (state_q == StJob || (reading && !job_done_i)) && !clear_i;
  end

  always_ff @(posedge clk_i) begin
    kept_slots_q <= job_slots_o;
    if (live_q) begin
      if (kept_q) begin
        a_job_held:   assert (state_q == StJob || reading);
        a_slots_held: assert (job_slots_o == kept_slots_q);
      end
      if (rsp_done_i || rsp_lanes_i != '0) begin
        m_answer_wanted: assume (state_q == StTaps || state_q == StWait);
      end
      if (job_done_i && !run.softmax) m_done_when_read: assume (reading);
    end
  end
`endif

endmodule
