// SPDX-License-Identifier: Apache-2.0
//
// Compute engine: feeds the PE array from DMEM (gather) and PMEM, and hands finished tiles to the
// post unit.
//
//   trine_agu -> gather -> operands -> array;   PMEM row -> array;   tile -> job -> post
//
// The step that ends a tile overwrites the drain registers, so it waits in front of the array until
// the tile before has been read: drain_ok_i, or drain_soon_i as its results are taken, grant the
// next last step, in a register. There is room for three steps' operands; with a step that waits
// for its grant and two behind it on the way, the gather holds the next one. A tile's job is
// offered to the post unit as soon as its last step is issued, so that parameters and residuals are
// there when its results are; those follow with a handshake of their own (data).
//
// With int8 activations and ternary or binary weights a PMEM row serves 4 or 8 steps: weight_part_o
// says which part, weight_bits_o how it is packed (trine_expand).
//
// With `window` (depthwise convolution) a step of lane r brings the words of lanes r to r+3: the
// array makes four taps of each of four channels of them. A PMEM row then serves WindowParts steps.
//
// A RUN that still waits for its tokens already fills the lanes.
//
// Timing    one step a cycle; 4 cycles from a step's issue to the array's input without
//           conflicts. data_valid_o comes JobDelay cycles after the last step entered the array,
//           one cycle before the first column may be read.
// Contract  responses come in order; drain_ok_i, once high, stays high until the next last step.
//           A job is taken before its data, data not before its job.
//
// Check     tb/trine_compute_tb.cpp; tests/random_program_test.cpp (whole core)

module trine_compute #(
  parameter int unsigned Rows         = 8,
  parameter int unsigned AddrBits     = 15,
  parameter int unsigned PmemAddrBits = 11,
  parameter int unsigned PipeRows     = 8,
  parameter int unsigned PeStages     = 2,  // of a PE: 1, 2
  parameter bit          Window       = 1'b0,
  parameter int unsigned WindowParts  = 1,  // 1..8
  localparam int unsigned Lanes   = Rows + (Window ? 3 : 0),
  localparam int unsigned TagBits = 4
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
  output logic [Lanes*AddrBits-1:0] g_addr_o,
  output logic [Lanes-1:0]         g_lanes_o,
  output logic [7:0]               g_pad_o,
  output logic [TagBits-1:0]       g_tag_o,
  output logic                     g_hold_o,
  input  logic [Lanes-1:0]         rsp_lanes_i,
  input  logic [Lanes*32-1:0]      rsp_data_i,
  input  logic [TagBits-1:0]       rsp_tag_i,
  input  logic                     rsp_done_i,
  input  logic                     soon_i,       // rsp_done_i of the next cycle

  // PMEM; its answer goes straight to the array. With w_next_o the row that was read takes the
  // place of the one that the array sees.
  output logic                     w_en_o,
  output logic [PmemAddrBits-1:0]  w_row_o,
  output logic                     w_next_o,
  // 0: as they are, 1: ternary, 2: binary, 3: window
  output logic [1:0]               weight_bits_o,
  output logic [2:0]               weight_part_o,

  // Array.
  output logic                     array_valid_o,
  output logic                     array_first_o,
  output logic                     array_last_o,
  output logic [1:0]               array_mode_o,
  output logic                     array_window_o,
  output logic [Lanes*32-1:0]      array_act_o,
  output logic [7:0]               act_zero_o,  // of a product of two maps, else 0
  output logic [7:0]               wgt_zero_o,

  // A tile for the post unit.
  output logic                     job_valid_o,
  input  logic                     job_ready_i,
  output logic [Rows*AddrBits-1:0] job_out_o,
  output logic [Rows-1:0]          job_active_o,
  output logic                     job_tile_first_o,  // first group of its tile
  output logic                     job_tile_last_o,   // last group of its tile
  output logic                     job_new_o,         // first tile of its instruction
  output logic                     job_final_o,       // last tile of its instruction
  output logic                     job_drain_o,       // the instruction has results
  output trine_post_pkg::cfg_t     job_cfg_o,
  output logic                     data_valid_o,      // its results are in the drain registers
  input  logic                     data_ready_i,
  input  logic                     drain_ok_i,
  input  logic                     drain_soon_i,  // as drain_ok_i, while data is taken
  input  logic                     fetch_busy_i,      // residuals of the current job not all read

  // For the cause of a cycle.
  output logic                     running_o,
  output logic                     drain_wait_o,  // the last step waits in front of the array
  output logic                     last_wait_o    // the last step is not issued yet
);

  localparam int unsigned JobDelay = PeStages + (Rows - 1) / PipeRows;

  // Tag of a step: first, last, last of its tile (weights start again), last of the instruction.
  localparam int unsigned TagFirst = 0, TagLast = 1, TagRewind = 2, TagFinal = 3;

  // ---------------------------------------------------------------------------------------------
  // Registers 10 to 15, RUN.
  // ---------------------------------------------------------------------------------------------
  trine_post_pkg::cfg_t    cfg_q;
  logic [7:0]              pad_q;
  logic [PmemAddrBits-1:0] row_q;
  logic [1:0]              mode_q, weight_bits_q, output_q;
  logic                    clear_flag_q, drain_flag_q, residual_q, matmul_q;
  logic                    busy_q, fill, filling_q, filled, start, agu_running;
  logic [AddrBits-1:0]     out_plane;

  assign cfg_ready_o = !busy_q && !filling_q && !filled;
  assign run_ready_o = !busy_q && filled;
  assign start       = run_valid_i && run_ready_o;
  assign fill        = (run_valid_i || wait_i) && cfg_ready_o;
  assign running_o   = busy_q;

  always_ff @(posedge clk_i) begin
    if (cfg_valid_i && cfg_ready_o) begin
      if (cfg_reg_i == 4'd10) begin
        pad_q            <= cfg_payload_i[trine_isa_pkg::PostPadCodeLsb +: 8];
        cfg_q.zero_point <= cfg_payload_i[trine_isa_pkg::PostZeroPointLsb +: 8];
        cfg_q.act_min    <= cfg_payload_i[trine_isa_pkg::PostActMinLsb +: 8];
        cfg_q.act_max    <= cfg_payload_i[trine_isa_pkg::PostActMaxLsb +: 8];
        output_q          <= cfg_payload_i[trine_isa_pkg::PostOutputLsb +: 2];
        cfg_q.lookup      <= cfg_payload_i[trine_isa_pkg::PostOutputLsb +: 2] == 2'd3;
        cfg_q.encoding    <= cfg_payload_i[trine_isa_pkg::PostEncodingLsb +: 2];
        cfg_q.passes_last <= cfg_payload_i[trine_isa_pkg::PostPassesLastLsb +: 4];
        cfg_q.low         <= cfg_payload_i[trine_isa_pkg::PostLowLsb +: 8];
        cfg_q.position    <= cfg_payload_i[trine_isa_pkg::PostPositionLsb +: 5];
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
        cfg_q.add_act_min    <= cfg_payload_i[trine_isa_pkg::PostAddActMinLsb +: 8];
        cfg_q.add_act_max    <= cfg_payload_i[trine_isa_pkg::PostAddActMaxLsb +: 8];
        cfg_q.residual_delta <= cfg_payload_i[trine_isa_pkg::PostResidualDeltaLsb +: 24];
      end
      if (cfg_reg_i == 4'd15) begin
        row_q            <= cfg_payload_i[trine_isa_pkg::ComputeRowLsb +: PmemAddrBits];
        cfg_q.param      <= cfg_payload_i[trine_isa_pkg::ComputeParamLsb +: 16];
        cfg_q.channels   <= cfg_payload_i[trine_isa_pkg::ComputeChannelsLsb +: 16];
      end
    end
    if (start) begin
      unique case (run_op_i)
        trine_isa_pkg::ComputeOpTernary: mode_q <= 2'd1;
        trine_isa_pkg::ComputeOpBinary:  mode_q <= 2'd2;
        default:                         mode_q <= 2'd0;
      endcase
      unique case (run_op_i)
        trine_isa_pkg::ComputeOpInt8Ternary: weight_bits_q <= 2'd1;
        trine_isa_pkg::ComputeOpInt8Binary:  weight_bits_q <= 2'd2;
        default:                             weight_bits_q <= 2'd0;
      endcase
      if (Window && run_flags_i[trine_isa_pkg::ComputeFlagWindow]) weight_bits_q <= 2'd3;
      matmul_q           <= run_op_i == trine_isa_pkg::ComputeOpMatmul;
      cfg_q.window       <= Window && run_flags_i[trine_isa_pkg::ComputeFlagWindow];
      clear_flag_q       <= run_flags_i[trine_isa_pkg::ComputeFlagClear];
      drain_flag_q       <= run_flags_i[trine_isa_pkg::ComputeFlagDrain];
      cfg_q.single       <= run_flags_i[trine_isa_pkg::ComputeFlagSingle];
      cfg_q.half_even    <= run_flags_i[trine_isa_pkg::ComputeFlagHalfEven];
      cfg_q.static_scale <= run_flags_i[trine_isa_pkg::ComputeFlagPerTensor];
      cfg_q.square       <= 1'b0;
      cfg_q.max          <= run_flags_i[trine_isa_pkg::ComputeFlagFuseMax];
      residual_q         <= run_flags_i[trine_isa_pkg::ComputeFlagFuseAdd] ||
                            run_flags_i[trine_isa_pkg::ComputeFlagFuseMax];
      if (output_q == 2'd1) cfg_q.kind <= trine_post_pkg::KindThreshold;
      else if (output_q == 2'd2) cfg_q.kind <= trine_post_pkg::KindRaw;
      else if (run_flags_i[trine_isa_pkg::ComputeFlagFuseAdd] ||
               run_flags_i[trine_isa_pkg::ComputeFlagFuseMax]) begin
        cfg_q.kind <= trine_post_pkg::KindFused;
      end else begin
        cfg_q.kind <= trine_post_pkg::KindRequant;
      end
      cfg_q.static_bias  <= 1'b0;
      cfg_q.bias         <= '0;
      cfg_q.out_plane    <= '0;
    end
  end

  always_comb begin
    job_cfg_o           = cfg_q;
    job_cfg_o.out_plane = 24'(out_plane);
  end

  // ---------------------------------------------------------------------------------------------
  // Steps. The last step of a tile needs a place where its output addresses wait: there are two, so
  // that reductions shorter than the way to the array follow each other without a gap. With
  // residuals (of this instruction or the one before) those of the tile before must have been taken
  // and read, because their reads could otherwise queue up behind steps that wait for them.
  // ---------------------------------------------------------------------------------------------
  logic                     step_valid, step_ready, step_first, step_last, group_last, tile_first,
                            tile_last, window_last, word_first;
  logic [Rows*AddrBits-1:0] out;
  logic [Rows-1:0]          active;
  logic                     pend_q, pend2_q, pend_add, pend_take, last_allowed, new_q;

  trine_agu #(.Rows(Rows), .AddrBits(AddrBits), .Window(Window)) u_agu (
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
    .window_i      (cfg_q.window),
    .step_valid_o  (step_valid),
    .step_ready_i  (step_ready),
    .addr_o        (g_addr_o),
    .inside_o      (g_lanes_o),
    .first_o       (step_first),
    .window_last_o (window_last),
    .word_first_o  (word_first),
    .last_o        (step_last),
    .group_last_o  (group_last),
    .tile_first_o  (tile_first),
    .tile_last_o   (tile_last),
    .out_o         (out),
    .active_o      (active),
    .out_plane_o   (out_plane)
  );

  assign last_allowed = !fetch_busy_i && (!pend_q || (!pend2_q && !residual_q));
  assign g_valid_o  = step_valid && (!step_last || last_allowed);
  assign step_ready = g_ready_i && (!step_last || last_allowed);
  assign g_pad_o    = pad_q;
  assign last_wait_o = step_valid && step_last && !last_allowed;

  always_comb begin
    g_tag_o            = '0;
    g_tag_o[TagFirst]  = step_first && clear_flag_q;
    g_tag_o[TagLast]   = step_last;
    g_tag_o[TagRewind] = step_last && group_last;
    g_tag_o[TagFinal]  = step_last && group_last && tile_last;
  end

  // ---------------------------------------------------------------------------------------------
  // Operands of some steps, filled lane by lane. A grant lets one last step pass. All that decides
  // whether the gather goes on comes from registers.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned Places = 3;

  logic [Places-1:0]       full_q, write_q, read_q, second, third;  // of the last four: one place
  logic [TagBits-1:0]      place_tag_q [Places];
  logic [Places-1:0]       places_last;  // hold a tile's last step
  logic                    in_valid, granted_q, pass, pass_last, weights_q;
  logic [TagBits-1:0]      in_tag;
  logic [PmemAddrBits-1:0] w_row_q;
  logic [JobDelay:1]       delay_q;    // a last step is on its way through the array
  logic                    arrived_q;  // its results are there, and not taken

  assign second       = {read_q[Places-2:0], read_q[Places-1]};
  assign third        = {second[Places-2:0], second[Places-1]};
  assign in_valid     = (full_q & read_q) != '0;

  always_comb begin
    in_tag       = '0;
    places_last  = '0;
    for (int unsigned p = 0; p < Places; p++) begin
      if (read_q[p]) in_tag = in_tag | place_tag_q[p];
      places_last[p] = full_q[p] && place_tag_q[p][TagLast];
    end
  end

  assign pass         = in_valid && weights_q && (!in_tag[TagLast] || granted_q);
  assign pass_last    = pass && in_tag[TagLast];
  assign drain_wait_o = in_valid && in_tag[TagLast] && !granted_q;

  assign array_valid_o = pass;
  assign array_first_o = in_tag[TagFirst];
  assign array_last_o  = in_tag[TagLast];
  assign array_mode_o  = mode_q;
  assign array_window_o = cfg_q.window;
  assign act_zero_o     = matmul_q ? cfg_q.add_zero_a : '0;
  assign wgt_zero_o     = matmul_q ? cfg_q.add_zero_b : '0;

  // Steps on the way behind the first, the oldest first; of the first three those that end a tile;
  // of these the ones without a grant.
  logic [4:1] steps;
  logic [2:0] lasts, stuck;

  assign steps = {soon_i, rsp_done_i, (full_q & third) != '0, (full_q & second) != '0};
  assign lasts = {(places_last & third) != '0, (places_last & second) != '0,
                  (places_last & read_q) != '0};
  assign stuck = lasts & ({3{!granted_q}} | {lasts[1] || lasts[0], lasts[0], 1'b0});

  // Two steps behind a last one that waits find places.
  function automatic logic several(input logic [3:0] some);
    several = (some & (some - 4'd1)) != '0;
  endfunction
  assign g_hold_o = (stuck[0] && several(steps[4:1])) ||
                    (stuck[1] && several({1'b0, steps[4:2]})) ||
                    (stuck[2] && steps[4] && steps[3]);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      full_q    <= '0;
      write_q   <= Places'(1);
      read_q    <= Places'(1);
      granted_q <= 1'b0;
    end else if (clear_i) begin
      full_q    <= '0;
      write_q   <= Places'(1);
      read_q    <= Places'(1);
      granted_q <= 1'b0;
    end else begin
      full_q    <= (full_q & ~({Places{pass}} & read_q)) | ({Places{rsp_done_i}} & write_q);
      if (rsp_done_i) write_q <= {write_q[Places-2:0], write_q[Places-1]};
      if (pass)       read_q  <= second;
      granted_q <= !pass_last && (granted_q || drain_soon_i ||
                                  (drain_ok_i && delay_q == '0 && !arrived_q));
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned p = 0; p < Places; p++) begin
      if (rsp_done_i && write_q[p]) place_tag_q[p] <= rsp_tag_i;
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [31:0] act_q [Places];
    logic [31:0] act;
    always_ff @(posedge clk_i) begin
      for (int unsigned p = 0; p < Places; p++) begin
        if (rsp_lanes_i[l] && write_q[p]) act_q[p] <= rsp_data_i[l*32 +: 32];
      end
    end
    always_comb begin
      act = '0;
      for (int unsigned p = 0; p < Places; p++) act = act | (act_q[p] & {32{read_q[p]}});
    end
    assign array_act_o[l*32 +: 32] = act;
  end

  // ---------------------------------------------------------------------------------------------
  // Weights. Which rows the steps need is known as they are issued: a row is asked for as the step
  // before its first one is issued (or the RUN starts), read when the memory's output is free, and
  // stays in the register behind until the steps of the row have passed. A tile's last step ends
  // its row.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned Asked = 8;  // rows asked for: steps between issue and array, and one

  logic [2:0] issue_part_q, part_q, part_last;
  logic       issued, issue_row_end, row_end, ask, rewind, fetch, fetched_q;
  logic [3:0] asked_q;

  always_comb begin
    unique case (weight_bits_q)
      2'd1:    part_last = 3'd3;
      2'd2:    part_last = 3'd7;
      2'd3:    part_last = 3'(WindowParts - 1);
      default: part_last = 3'd0;
    endcase
  end

  assign issued        = step_valid && step_ready;
  assign issue_row_end = step_last || issue_part_q == part_last;
  assign row_end       = in_tag[TagLast] || part_q == part_last;
  assign weight_bits_o = weight_bits_q;
  assign weight_part_o = part_q;

  always_ff @(posedge clk_i) begin
    if (start) issue_part_q <= '0;
    else if (issued) issue_part_q <= issue_row_end ? '0 : issue_part_q + 3'd1;
    if (start) part_q <= '0;
    else if (pass) part_q <= row_end ? '0 : part_q + 3'd1;
  end

  // What is kept of a row asked for: whether it is the first one of a tile's.
  assign ask = start || (issued && issue_row_end && !(step_last && group_last && tile_last));

  trine_fifo #(.Width(1), .Depth(Asked)) u_asked (
    .clk_i,
    .rst_ni,
    .clear_i,
    .push_i (ask),
    .data_i (start || (step_last && group_last)),
    .pop_i  (fetch),
    .head_o (rewind)
  );

  assign w_next_o = !weights_q || (pass && row_end);
  assign fetch    = asked_q != '0 && (!fetched_q || w_next_o);
  assign w_en_o   = fetch;
  assign w_row_o  = rewind ? row_q : w_row_q + PmemAddrBits'(1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      asked_q   <= '0;
      fetched_q <= 1'b0;
      weights_q <= 1'b0;
    end else if (clear_i) begin
      asked_q   <= '0;
      fetched_q <= 1'b0;
      weights_q <= 1'b0;
    end else begin
      asked_q   <= asked_q + 4'(ask) - 4'(fetch);
      fetched_q <= fetch || (fetched_q && !w_next_o);
      weights_q <= w_next_o ? fetched_q : weights_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (fetch) w_row_q <= w_row_o;
  end

  // ---------------------------------------------------------------------------------------------
  // Jobs: offered from the issue of a tile's last step on; its results when they are through the
  // array. The engine is free when the last job is taken and the last step is in the array.
  // ---------------------------------------------------------------------------------------------
  logic taken_q, passed_q, final_taken, final_passed;

  typedef struct packed {
    logic [Rows*AddrBits-1:0] out;
    logic [Rows-1:0]          active;
    logic                     tile_first;
    logic                     tile_last;
    logic                     final_tile;
  } job_t;

  job_t job_d, job_q, job2_q;  // in front, and behind it

  assign pend_add     = step_valid && step_ready && step_last;
  assign job_d.out        = out;
  assign job_d.active     = active;
  assign job_d.tile_first = tile_first;
  assign job_d.tile_last  = group_last;
  assign job_d.final_tile = group_last && tile_last;
  assign job_valid_o  = pend_q;
  assign pend_take    = job_valid_o && job_ready_i;
  assign job_out_o    = job_q.out;
  assign job_active_o = job_q.active;
  assign job_tile_first_o = job_q.tile_first;
  assign job_tile_last_o  = job_q.tile_last;
  assign job_final_o  = job_q.final_tile;
  assign job_drain_o  = drain_flag_q;
  assign data_valid_o = arrived_q || delay_q[JobDelay];
  assign final_taken  = taken_q || (pend_take && job_q.final_tile);
  assign final_passed = passed_q || (pass && in_tag[TagFinal]);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      pend_q    <= 1'b0;
      pend2_q   <= 1'b0;
      delay_q   <= '0;
      arrived_q <= 1'b0;
      busy_q    <= 1'b0;
      taken_q   <= 1'b0;
      passed_q  <= 1'b0;
      filling_q <= 1'b0;
      new_q     <= 1'b0;
    end else if (clear_i) begin
      pend_q    <= 1'b0;
      pend2_q   <= 1'b0;
      delay_q   <= '0;
      arrived_q <= 1'b0;
      busy_q    <= 1'b0;
      taken_q   <= 1'b0;
      passed_q  <= 1'b0;
      filling_q <= 1'b0;
      new_q     <= 1'b0;
    end else begin
      pend_q  <= pend_add || pend2_q || (pend_q && !pend_take);
      pend2_q <= (pend2_q && !pend_take) || (pend_add && pend_q && !pend_take);

      delay_q[1] <= pass_last;
      for (int unsigned k = 2; k <= JobDelay; k++) delay_q[k] <= delay_q[k-1];

      arrived_q <= data_valid_o && !data_ready_i;

      if (start) begin
        busy_q   <= 1'b1;
        taken_q  <= 1'b0;
        passed_q <= 1'b0;
      end else begin
        taken_q  <= final_taken;
        passed_q <= final_passed;
        if (final_taken && final_passed) busy_q <= 1'b0;
      end

      if (fill) filling_q <= 1'b1;
      else if (start) filling_q <= 1'b0;

      if (start) new_q <= 1'b1;
      else if (pend_take) new_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (pend_take && pend2_q) job_q <= job2_q;
    else if (pend_add && (!pend_q || pend_take)) job_q <= job_d;
    if (pend_add) job2_q <= job_d;
  end

  assign job_new_o = new_q;

  logic unused_agu;
  assign unused_agu = ^{agu_running, window_last, word_first, cfg_q.out_plane, cfg_payload_i};

  // ---------------------------------------------------------------------------------------------
  // Assertions.
  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  logic job_stalled_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) job_stalled_q <= 1'b0;
    else job_stalled_q <= job_valid_o && !job_ready_i && !clear_i;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      // Operands find a place that is free.
      if (rsp_lanes_i != '0) a_place_free: assert ((full_q & write_q) == '0);
      if (rsp_done_i) a_soon: assert (full_q != '1);
      a_asked: assert (asked_q <= 4'(Asked) && !(ask && asked_q == 4'(Asked)));
      if (in_valid) a_weights_there: assert (weights_q);
      // The drain registers are overwritten only after the results before were taken.
      if (pass_last) a_last_waits: assert (delay_q == '0 && !arrived_q);
      if (job_stalled_q) a_job_held: assert (job_valid_o);
      if (step_valid && step_ready && step_last) begin
        a_job_free:     assert (!pend_q || (!pend2_q && !residual_q));
        a_residuals_in: assert (!fetch_busy_i);
      end
      if (rsp_done_i) m_answer_wanted: assume (busy_q);
    end
  end
`endif

endmodule
