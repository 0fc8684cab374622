// SPDX-License-Identifier: Apache-2.0
//
// Vector engine: pooling, element-wise operations and requantization, one window of taps in each
// lane at a time.
//
//   taps -> gather -> lanes (extremum, sum or pair) -> [fold over the lanes] -> job -> post unit
//
// A window's last tap is acknowledged to the address generator only when the post unit has taken
// the job, so that the output addresses of its tile are still there.
//
// Softmax (trine_softmax.sv) walks over a tile's channel words three times: the lanes' maxima,
// then, word by word through the lanes' tables, the sums and the codes; or once, if the lanes keep
// the words.
//
// A normalization takes the same way, with two walks.
//
// Timing    a window of T taps takes T + 4 cycles or more (plus log2(Rows) with reduce); the next
//           window's taps start when the post unit has read the lanes. A tile of a softmax takes
//           0.25 + 2 / Codes cycles a channel and some 45 more, of a normalization 3 and 55.
// Contract  responses come in order.
//
// Check     tb/trine_vector_tb.cpp; tests/random_program_test.cpp (whole core)

module trine_vector #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned AddrBits = 15,
  parameter bit          Ternary  = 1'b0,
  parameter bit          Binary   = 1'b0,
  parameter bit          Softmax  = 1'b0,
  parameter int unsigned Codes    = 1,     // of a softmax, at once: 1, 2
  localparam int unsigned TagBits = 3
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // Instructions; wait_i: the RUN in front lacks tokens.
  input  logic                     cfg_valid_i,
  output logic                     cfg_ready_o,
  input  logic [3:0]               cfg_reg_i,
  input  logic [55:0]              cfg_payload_i,
  input  logic                     run_valid_i,
  output logic                     run_ready_o,
  input  logic [7:0]               run_op_i,
  input  logic [7:0]               run_flags_i,
  input  logic                     wait_i,

  // Gather.
  output logic                     g_valid_o,
  input  logic                     g_ready_i,
  output logic [Rows*AddrBits-1:0] g_addr_o,
  output logic [Rows-1:0]          g_lanes_o,
  output logic [7:0]               g_pad_o,
  output logic [TagBits-1:0]       g_tag_o,
  input  logic [Rows-1:0]          rsp_lanes_i,
  input  logic [Rows*32-1:0]       rsp_data_i,
  input  logic [TagBits-1:0]       rsp_tag_i,
  input  logic                     rsp_done_i,

  // A word of each lane for the post unit; job_done_i when it has been read.
  output logic                     job_valid_o,
  input  logic                     job_ready_i,
  input  logic                     job_done_i,
  output logic [Rows*AddrBits-1:0] job_out_o,
  output logic [Rows-1:0]          job_active_o,
  output logic                     job_tile_first_o,  // first word of its tile
  output logic                     job_new_o,         // first word of its instruction
  output logic                     job_final_o,       // last word of its instruction
  output logic [Rows*96-1:0]       job_slots_o,
  output trine_post_pkg::cfg_t     job_cfg_o,

  // Softmax: operands of the post lanes for a product of the reciprocals, or for the code at a
  // place of a word and the next one. sm_issue_i: the post unit takes them; sm_left_i: the last
  // word of a tile has left it. Addresses are those of job_out_o and job_active_o.
  output logic                     sm_go_o,
  input  logic                     sm_issue_i,
  output logic                     sm_normalize_o,   // of a normalization
  output logic                     sm_reciprocal_o,
  output logic [1:0]               sm_place_o,
  output logic                     sm_pair_o,
  output logic                     sm_word_first_o,  // the word is the tile's first
  output logic                     sm_word_end_o,    // the code, or the next, is the word's last
  output logic                     sm_tile_end_o,    // and the word the tile's last
  output logic                     sm_end_o,         // and the tile the instruction's
  input  logic                     sm_left_i,
  output logic [Codes*Rows*32-1:0] sm_acc_o,
  output logic [Rows*31-1:0]       sm_multiplier_o,
  output logic [Rows*6-1:0]        sm_shift_o,
  input  logic                     product_valid_i,
  input  logic [Rows*42-1:0]       product_i,

  // Exponentials.
  input  logic                     exp_we_i,
  input  logic [7:0]               exp_addr_i,
  input  logic [31:0]              exp_wdata_i
);

  // With softmax `first` and `last` speak of a pass over the channel words, and words of the passes
  // after the first are kept.
  localparam int unsigned TagFirst = 0, TagLast = 1, TagKeep = 2;
  localparam logic [2:0]  OpMax    = trine_isa_pkg::VectorOpMax[2:0];
  localparam logic [2:0]  OpAdd    = trine_isa_pkg::VectorOpAdd[2:0];
  localparam int          Folds    = $clog2(Rows);
  localparam int unsigned FoldBits = $clog2(Folds + 2);

  // ---------------------------------------------------------------------------------------------
  // Registers 10 to 15, RUN.
  // ---------------------------------------------------------------------------------------------
  trine_post_pkg::cfg_t cfg_q;
  logic [7:0]           pad_q;
  logic [2:0]           op_q;
  logic [1:0]           last_byte_q;  // of a softmax's last word
  logic [12:0]          count_q;  // channels of a normalization
  logic                 normalize_q, center_q;  // a normalization is a softmax, too
  logic                 softmax_q, reduce_q, invert_q, busy_q, filling_q, fill, filled, start,
                        new_q,
                        softmax, normalize;
  logic [AddrBits-1:0]  out_plane;

  assign cfg_ready_o = !busy_q && !filling_q && !filled;
  assign run_ready_o = !busy_q && filled;
  assign start       = run_valid_i && run_ready_o;
  assign fill        = (run_valid_i || wait_i) && cfg_ready_o;
  assign normalize   = Softmax && run_op_i == trine_isa_pkg::VectorOpNormalize;
  assign softmax     = normalize || (Softmax && run_op_i == trine_isa_pkg::VectorOpSoftmax);

  always_ff @(posedge clk_i) begin
    if (cfg_valid_i && cfg_ready_o) begin
      if (cfg_reg_i == 4'd10) begin
        pad_q            <= cfg_payload_i[trine_isa_pkg::PostPadCodeLsb +: 8];
        cfg_q.zero_point <= cfg_payload_i[trine_isa_pkg::PostZeroPointLsb +: 8];
        cfg_q.act_min    <= cfg_payload_i[trine_isa_pkg::PostActMinLsb +: 8];
        cfg_q.act_max    <= cfg_payload_i[trine_isa_pkg::PostActMaxLsb +: 8];
        cfg_q.lookup     <= cfg_payload_i[trine_isa_pkg::PostOutputLsb +: 2] == 2'd3;
      end
      if (cfg_reg_i == 4'd11) begin
        cfg_q.multiplier <= cfg_payload_i[trine_isa_pkg::PostMultiplierLsb +: 31];
        cfg_q.shift      <= cfg_payload_i[trine_isa_pkg::PostShiftLsb +: 6];
      end
      if (cfg_reg_i == 4'd12) begin
        cfg_q.add_operand_multiplier <=
            cfg_payload_i[trine_isa_pkg::PostAddOperandMultiplierLsb +: 31];
        cfg_q.add_operand_shift <= cfg_payload_i[trine_isa_pkg::PostAddOperandShiftLsb +: 6];
        cfg_q.add_a_is_half     <= cfg_payload_i[trine_isa_pkg::PostAddAIsHalfLsb];
        cfg_q.add_zero_a        <= cfg_payload_i[trine_isa_pkg::PostAddZeroALsb +: 8];
        cfg_q.add_zero_b        <= cfg_payload_i[trine_isa_pkg::PostAddZeroBLsb +: 8];
      end
      if (cfg_reg_i == 4'd13) begin
        cfg_q.add_multiplier <= cfg_payload_i[trine_isa_pkg::PostAddMultiplierLsb +: 31];
        cfg_q.add_shift      <= cfg_payload_i[trine_isa_pkg::PostAddShiftLsb +: 6];
        cfg_q.add_zero_point <= cfg_payload_i[trine_isa_pkg::PostAddZeroPointLsb +: 8];
      end
      if (cfg_reg_i == 4'd14) begin
        cfg_q.add_act_min <= cfg_payload_i[trine_isa_pkg::PostAddActMinLsb +: 8];
        cfg_q.add_act_max <= cfg_payload_i[trine_isa_pkg::PostAddActMaxLsb +: 8];
        cfg_q.param       <= cfg_payload_i[trine_isa_pkg::VectorParamLsb +: 16];
      end
      if (cfg_reg_i == 4'd15) begin
        cfg_q.bias  <= cfg_payload_i[trine_isa_pkg::VectorBiasLsb +: 32];
        last_byte_q <= cfg_payload_i[trine_isa_pkg::VectorChannelsLsb +: 2] - 2'd1;
        count_q     <= cfg_payload_i[trine_isa_pkg::VectorChannelsLsb +: 13];
      end
    end
    if (start) begin
      op_q               <= run_op_i == trine_isa_pkg::VectorOpSquaredDifference ? OpAdd
                                                                                 : run_op_i[2:0];
      softmax_q          <= softmax;
      normalize_q        <= normalize;
      center_q           <= run_flags_i[trine_isa_pkg::VectorFlagCenter];
      reduce_q           <= run_flags_i[trine_isa_pkg::VectorFlagReduce];
      invert_q           <= run_flags_i[trine_isa_pkg::VectorFlagInvert];
      cfg_q.single       <= run_flags_i[trine_isa_pkg::VectorFlagSingle];
      cfg_q.half_even    <= run_flags_i[trine_isa_pkg::VectorFlagHalfEven];
      cfg_q.static_scale <= 1'b1;
      cfg_q.static_bias  <= 1'b1;
      // What only the compute engine has.
      cfg_q.residual_delta <= '0;
      cfg_q.out_plane      <= '0;
      cfg_q.channels       <= '1;
      cfg_q.position       <= '0;
      cfg_q.max            <= 1'b0;
      cfg_q.square         <= run_op_i == trine_isa_pkg::VectorOpSquaredDifference;
      cfg_q.window         <= 1'b0;
      cfg_q.encoding       <= trine_post_pkg::EncodingInt8;
      cfg_q.passes_last    <= '0;
      cfg_q.low            <= '0;
      unique case (run_op_i)
        trine_isa_pkg::VectorOpSum,
        trine_isa_pkg::VectorOpSoftmax,
        trine_isa_pkg::VectorOpNormalize: cfg_q.kind <= trine_post_pkg::KindRequant;
        trine_isa_pkg::VectorOpAdd,
        trine_isa_pkg::VectorOpSquaredDifference: cfg_q.kind <= trine_post_pkg::KindAdd;
        trine_isa_pkg::VectorOpMul: cfg_q.kind <= trine_post_pkg::KindMul;
        default:                    cfg_q.kind <= trine_post_pkg::KindDirect;
      endcase
    end
  end

  always_comb begin
    job_cfg_o           = cfg_q;
    job_cfg_o.out_plane = 24'(out_plane);
  end

  // ---------------------------------------------------------------------------------------------
  // Windows.
  // ---------------------------------------------------------------------------------------------
  typedef enum logic [2:0] {StTaps, StWait, StFold, StJob, StRead} state_e;

  state_e              state_q, state_d;
  logic [FoldBits-1:0] fold_q;
  logic                step_valid, step_ready, window_last, word_first, group_last, tile_first,
                       tile_last, first, last, agu_running, job_take, tile_end;
  logic                sm_g_valid, sm_step_ready, sm_done;
  logic [Rows-1:0]     active;

  trine_agu #(.Rows(Rows), .AddrBits(AddrBits)) u_agu (
    .clk_i,
    .rst_ni,
    .clear_i,
    .cfg_we_i      (cfg_valid_i && cfg_ready_o),
    .cfg_reg_i,
    .cfg_payload_i,
    .fill_i        (fill),
    .filled_o      (filled),
    .start_i       (start),
    .running_o     (agu_running),
    .window_i      (1'b0),
    .step_valid_o  (step_valid),
    .step_ready_i  (step_ready),
    .addr_o        (g_addr_o),
    .inside_o      (g_lanes_o),
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

  assign g_valid_o  = softmax_q ? sm_g_valid : step_valid && state_q == StTaps;
  assign g_pad_o    = pad_q;
  assign job_take   = job_valid_o && job_ready_i;
  assign tile_end   = last && group_last;
  assign sm_end_o   = sm_tile_end_o && tile_last;
  assign sm_normalize_o = normalize_q;

  always_comb begin
    step_ready        = window_last ? job_take : g_ready_i && state_q == StTaps;
    g_tag_o           = '0;
    g_tag_o[TagFirst] = word_first;
    g_tag_o[TagLast]  = window_last;
    if (softmax_q) begin
      step_ready        = sm_step_ready;
      g_tag_o[TagFirst] = first;
      g_tag_o[TagLast]  = last;
      g_tag_o[TagKeep]  = !tile_first || normalize_q;
    end
  end

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StTaps: if (!softmax_q && g_valid_o && g_ready_i && window_last) state_d = StWait;
      StWait: if (rsp_done_i && rsp_tag_i[TagLast]) begin
        state_d = (reduce_q && Folds != 0) ? StFold : StJob;
      end
      StFold: if (fold_q == FoldBits'(1)) state_d = StJob;
      StJob:  if (job_ready_i) state_d = StRead;
      StRead: if (job_done_i) state_d = StTaps;
      default: state_d = StTaps;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q   <= StTaps;
      busy_q    <= 1'b0;
      filling_q <= 1'b0;
      new_q     <= 1'b0;
    end else if (clear_i) begin
      state_q   <= StTaps;
      busy_q    <= 1'b0;
      filling_q <= 1'b0;
      new_q     <= 1'b0;
    end else begin
      state_q <= state_d;
      if (start) busy_q <= 1'b1;
      else if (softmax_q ? sm_done : job_take && job_final_o) busy_q <= 1'b0;
      if (fill) filling_q <= 1'b1;
      else if (start) filling_q <= 1'b0;
      if (start) new_q <= 1'b1;
      else if (job_take) new_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StWait) fold_q <= FoldBits'(Folds);
    else if (state_q == StFold) fold_q <= fold_q - FoldBits'(1);
  end

  logic job_first_q;  // the first channel word of a tile: its first tap began a (tile, group)

  assign job_valid_o      = state_q == StJob;
  assign job_active_o     = reduce_q ? Rows'(1) & active : active;
  assign job_tile_first_o = job_first_q;
  assign job_new_o        = new_q;
  assign job_final_o      = tile_end && tile_last;

  always_ff @(posedge clk_i) begin
    if (g_valid_o && g_ready_i && word_first) job_first_q <= first;
  end

  // ---------------------------------------------------------------------------------------------
  // Lanes. Folding adds the upper half of the lanes to the lower half, again and again.
  // ---------------------------------------------------------------------------------------------
  for (genvar l = 0; l < Rows; l++) begin : gen_lane
    logic [95:0] other;
    logic [31:0] word;
    logic        fold, tap;

    // In the last word's bytes beyond the last channel no maximum lies.
    always_comb begin
      tap  = rsp_lanes_i[l] && !(softmax_q && rsp_tag_i[TagKeep]);
      word = rsp_data_i[l*32 +: 32];
      for (int unsigned b = 1; b < 4; b++) begin
        if (softmax_q && rsp_tag_i[TagLast] && 2'(b) > last_byte_q) word[8*b +: 8] = 8'h80;
      end
    end

    always_comb begin
      other = '0;
      fold  = 1'b0;
      for (int k = 0; k < Folds; k++) begin
        if (l < (1 << k) && l + (1 << k) < Rows && state_q == StFold &&
            fold_q == FoldBits'(k + 1)) begin
          fold  = 1'b1;
          other = job_slots_o[(l + (1 << k) < Rows ? l + (1 << k) : 0)*96 +: 96];
        end
      end
    end

    trine_vector_lane #(.Ternary(Ternary), .Binary(Binary)) u_lane (
      .clk_i,
      .op_i     (softmax_q ? OpMax : op_q),
      .invert_i (invert_q),
      .tap_i    (tap),
      .first_i  (rsp_tag_i[TagFirst]),
      .word_i   (word),
      .fold_i   (fold),
      .other_i  (other),
      .slots_o  (job_slots_o[l*96 +: 96])
    );
  end

  // ---------------------------------------------------------------------------------------------
  // Softmax.
  // ---------------------------------------------------------------------------------------------
  if (Softmax) begin : gen_softmax
    trine_softmax #(.Rows(Rows), .Codes(Codes)) u_softmax (
      .clk_i,
      .rst_ni,
      .clear_i,
      .enable_i          (softmax_q && busy_q),
      .last_byte_i       (last_byte_q),
      .normalize_i       (normalize_q),
      .center_i          (center_q),
      .origin_i          (cfg_q.add_zero_a),
      .count_i           (count_q),
      .mean_factor_i     (cfg_q.multiplier),
      .log2_i            (cfg_q.shift[3:0]),
      .epsilon_i         (cfg_q.bias[30:0]),
      .step_valid_i      (step_valid),
      .step_ready_o      (sm_step_ready),
      .first_pass_i      (tile_first && !normalize_q),
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
      .go_o              (sm_go_o),
      .issue_i           (sm_issue_i),
      .reciprocal_o      (sm_reciprocal_o),
      .place_o           (sm_place_o),
      .pair_o            (sm_pair_o),
      .word_first_o      (sm_word_first_o),
      .word_end_o        (sm_word_end_o),
      .tile_end_o        (sm_tile_end_o),
      .left_i            (sm_left_i),
      .acc_o             (sm_acc_o),
      .multiplier_o      (sm_multiplier_o),
      .shift_o           (sm_shift_o),
      .product_valid_i,
      .product_i,
      .done_o            (sm_done),
      .exp_we_i,
      .exp_addr_i,
      .exp_wdata_i
    );
  end else begin : gen_no_softmax
    logic unused_softmax;
    assign sm_step_ready    = 1'b0;
    assign sm_g_valid       = 1'b0;
    assign sm_done          = 1'b0;
    assign sm_go_o          = 1'b0;
    assign sm_reciprocal_o  = 1'b0;
    assign sm_place_o       = '0;
    assign sm_pair_o        = 1'b0;
    assign sm_word_first_o  = 1'b0;
    assign sm_word_end_o    = 1'b0;
    assign sm_tile_end_o    = 1'b0;
    assign sm_acc_o         = '0;
    assign sm_multiplier_o  = '0;
    assign sm_shift_o       = '0;
    assign unused_softmax   = ^{sm_issue_i, sm_left_i, product_valid_i, product_i, exp_we_i,
                                exp_addr_i, exp_wdata_i, count_q, center_q};
  end

  logic unused_vector;
  assign unused_vector = ^{agu_running, run_flags_i, cfg_q.out_plane, cfg_payload_i};

  // ---------------------------------------------------------------------------------------------
  // Assertions.
  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  logic               kept_q;  // a job that nobody has read to its end
  logic [Rows*96-1:0] kept_slots_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) kept_q <= 1'b0;
    else kept_q <= (state_q == StJob || (state_q == StRead && !job_done_i)) && !clear_i;
  end

  always_ff @(posedge clk_i) begin
    kept_slots_q <= job_slots_o;
    if (live_q) begin
      if (kept_q) begin
        a_job_held:   assert (state_q == StJob || state_q == StRead);
        a_slots_held: assert (job_slots_o == kept_slots_q);
      end
      if (rsp_done_i || rsp_lanes_i != '0) begin
        m_answer_wanted: assume (state_q == StTaps || state_q == StWait);
      end
      if (job_done_i && !softmax_q) m_done_when_read: assume (state_q == StRead);
    end
  end
`endif

endmodule
