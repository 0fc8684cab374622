// SPDX-License-Identifier: Apache-2.0
//
// Executes compute RUNs: feeds the PE array from DMEM and PMEM and hands finished tiles to the post
// unit.
//
//   trine_agu -> gather -> trine_operands -> array;   trine_weight_rows -> PMEM -> array
//       `--------> trine_jobs -> post
//
// The last step of a tile overwrites the array's drain registers. It therefore waits in front of
// the array until the post unit grants it with drain_ok or drain_soon. drain_ok means that the
// registers may be overwritten. drain_soon allows it earlier: in the cycle in which the post unit
// accepts the previous results, or one cycle before. With `window` (depthwise convolution), lane r
// uses the words of lanes r to r+3: four taps of four channels.
//
// As soon as the last step of the current RUN is issued, the engine accepts SETs of the next RUN
// and fills its lanes. The last step may still be waiting then.
//
// Timing    Throughput is one step per cycle. Without conflicts, a step reaches the array's input 4
//           cycles after its issue. results_o.valid comes JobDelay cycles after the last step
//           entered the array, which is one cycle before the first column may be read.
// Contract  Gather responses come in order. Once high, drain_ok stays high until the next last
//           step. The post unit accepts a job before it accepts the job's results.
// Check     trine_compute_tb; random_program_test (whole core)

module trine_compute #(
  parameter int unsigned Rows         = 8,
  parameter int unsigned AddrBits     = 15,
  parameter int unsigned PmemAddrBits = 11,
  parameter int unsigned PipeRows     = 8,
  parameter int unsigned Jobs         = 2,  // places for jobs under way
  parameter int unsigned PeStages     = 2,  // stages of a PE: 1, 2
  parameter bit          Window       = 1'b0, Binary = 1'b0,
  parameter bit          Weights4     = 1'b0,
  parameter bit          Groups       = 1'b0,
  parameter bit          Int16        = 1'b0, Formats = 1'b0,  // Rows is even
  parameter bit          Sums         = 1'b0,
  parameter bit          Cluster      = 1'b0,
  parameter int unsigned WindowParts  = 1,  // 1..8
  localparam int unsigned Lanes   = Rows + (Window ? 3 : 0),
  localparam int unsigned TagBits = 4
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  logic                             clear_i,

  // Instructions, and the core's row shift in a Cluster (trine_agu).
  input  logic [13:0]                      y_shift_i,
  input  trine_engine_pkg::command_t       command_i,
  output trine_engine_pkg::answer_t        answer_o,

  // Gather.
  output logic                             g_valid_o,
  input  logic                             g_ready_i,
  output logic [Lanes*AddrBits-1:0]        g_addr_o,
  output logic [Lanes-1:0]                 g_lanes_o,
  output logic [7:0]                       g_pad_o,
  output logic [TagBits-1:0]               g_tag_o,
  output logic                             g_hold_o,
  input  logic [Lanes-1:0]                 rsp_lanes_i,
  input  logic [Lanes*33-1:0]              rsp_data_i,  // {masked lanes, words}
  input  logic [TagBits-1:0]               rsp_tag_i,
  input  logic                             rsp_done_i,
  input  logic                             rsp_done_next_i,  // rsp_done_i comes one cycle later

  // PMEM: its rows go straight to the array. w_next_o moves the row that was read into the register
  // that the array sees.
  output logic                             w_en_o,
  output logic [PmemAddrBits-1:0]          w_row_o,
  output logic                             w_next_o,
  output logic [2:0]                       weight_bits_o,  // trine_weight_rows
  output logic [2:0]                       weight_part_o,
  // Factors are in PMEM's output. factors_second_o: in the second halves of the words.
  // factors_bank_o: their bank. factors_free_i: free banks.
  output logic                             factors_o,
  output logic                             factors_second_o,
  output logic                             factors_bank_o,
  input  logic [1:0]                       factors_free_i,

  // Array.
  output trine_matmul_pkg::step_t          step_o,
  output logic [Lanes*(Binary ? 33 : 32)-1:0] act_o,

  // A tile for the post unit.
  output logic                             job_valid_o,
  input  logic                             job_ready_i,
  output trine_job_pkg::job_t             job_o,
  output logic [Rows*AddrBits-1:0]         job_out_o,
  output logic [Rows-1:0]                  job_active_o,
  output trine_job_pkg::results_t         results_o,
  input  logic                             data_ready_i,
  input  trine_job_pkg::compute_status_t  status_i,

  output trine_engine_pkg::compute_state_t state_o
);

  localparam int unsigned JobDelay = PeStages + (Rows - 1) / PipeRows;
  localparam logic [Rows-1:0] Odd  = Rows'({(Rows + 1) / 2{2'b10}});

  // Tag of a step: first, last; last of its tile (weights restart), last of the RUN.
  localparam int unsigned TagFirst = 0, TagLast = 1, TagRewind = 2, TagFinal = 3;

  // ---------------------------------------------------------------------------------------------
  // RUNs. The lanes are filled, and then the RUN starts. It ends when its last job has been
  // accepted and its last step is in the array. The lanes of the next RUN are filled after the last
  // issue.
  // ---------------------------------------------------------------------------------------------
  logic                    busy_q, filling_q, taken_q, passed_q;
  logic                    cfg_ready, run_ready, cfg_we, fill, filled, start;
  logic                    final_taken, final_passed;
  trine_job_pkg::cfg_t    cfg;
  logic [PmemAddrBits-1:0] row;
  logic [1:0]              mode;
  logic [2:0]              weight_bits;
  logic                    clear_sums, drain, residual, pairs, matmul, matmul16;
  logic [AddrBits-1:0]     next_out_plane;
  logic                    agu_running;

  assign cfg_ready = !agu_running && !filling_q && !filled;
  assign run_ready = !busy_q && filled;
  assign cfg_we    = command_i.cfg_valid && cfg_ready;
  assign fill      = (command_i.run_valid || command_i.missing_tokens != '0) && cfg_ready;
  assign start     = command_i.run_valid && run_ready;

  assign answer_o.cfg_ready = cfg_ready;
  assign answer_o.run_ready = run_ready;
  assign answer_o.retire    = status_i.retire;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q    <= 1'b0;
      filling_q <= 1'b0;
      taken_q   <= 1'b0;
      passed_q  <= 1'b0;
    end else if (clear_i) begin
      busy_q    <= 1'b0;
      filling_q <= 1'b0;
      taken_q   <= 1'b0;
      passed_q  <= 1'b0;
    end else begin
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
    end
  end

  trine_compute_regs #(
    .AddrBits     (AddrBits),
    .PmemAddrBits (PmemAddrBits),
    .Window       (Window),
    .Weights4     (Weights4),
    .Groups       (Groups),
    .Int16        (Int16), .Formats (Formats), .Sums (Sums)
  ) u_regs (
    .clk_i,
    .we_i          (cfg_we),
    .start_i       (start),
    .command_i,
    .out_plane_i   (next_out_plane),
    .cfg_o         (cfg),
    .pad_o         (g_pad_o),
    .row_o         (row),
    .mode_o        (mode),
    .weight_bits_o (weight_bits),
    .pairs_o       (pairs),
    .matmul_o      (matmul),
    .matmul16_o    (matmul16),
    .clear_sums_o  (clear_sums),
    .drain_o       (drain),
    .residual_o    (residual)
  );

  // ---------------------------------------------------------------------------------------------
  // Steps. The last step of a tile is issued only if the queue has a place for its job.
  // ---------------------------------------------------------------------------------------------
  logic                     step_valid, step_ready, first, last, group_last, tile_first, tile_last;
  logic                     issued, may_issue, allowed;
  logic [Rows*AddrBits-1:0] out;
  logic [Rows-1:0]          active;
  logic                     window_last, word_first;

  trine_agu #(
    .Rows     (Rows),
    .AddrBits (AddrBits),
    .Window   (Window),
    .Pairs    (Int16),
    .Cluster  (Cluster)
  ) u_agu (
    .clk_i,
    .rst_ni,
    .clear_i,
    .y_shift_i,
    .cfg_we_i      (cfg_we),
    .cfg_reg_i     (command_i.cfg_reg),
    .cfg_payload_i (command_i.cfg_payload),
    .fill_i        (fill),
    .pairs_i       (pairs),
    .filled_o      (filled),
    .start_i       (start),
    .running_o     (agu_running),
    .window_i      (cfg.window),
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
    .out_o         (out),
    .active_o      (active),
    .out_plane_o   (next_out_plane)
  );

  // Parts with factors: a job follows the taps of each channel word.
  logic in_parts, ends, begins;
  logic whole_first_q, second_q, bank_q;  // the part: is its reduction's first, is odd

  assign in_parts = Groups && cfg.groups;
  assign ends     = in_parts ? window_last : last;
  assign begins   = in_parts ? word_first : first;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) bank_q <= 1'b0;
    else if (clear_i) bank_q <= 1'b0;
    else bank_q <= bank_q ^ (in_parts && issued && ends);
  end

  always_ff @(posedge clk_i) begin
    if (issued && word_first) begin
      whole_first_q <= Groups && first;
      second_q      <= Groups && !first && !second_q;
    end
  end

  assign may_issue  = !ends || allowed;
  assign g_valid_o  = step_valid && may_issue;
  assign step_ready = g_ready_i && may_issue;
  assign issued     = step_valid && step_ready;

  always_comb begin
    g_tag_o            = '0;
    g_tag_o[TagFirst]  = begins && clear_sums;
    g_tag_o[TagLast]   = ends;
    g_tag_o[TagRewind] = last && group_last;
    g_tag_o[TagFinal]  = last && group_last && tile_last;
  end

  // ---------------------------------------------------------------------------------------------
  // Operands and weights meet in front of the array.
  // ---------------------------------------------------------------------------------------------
  logic               pass, pass_last, weights_valid, drain_wait, drained;
  logic [TagBits-1:0] tag;

  trine_operands #(
    .Lanes   (Lanes),
    .TagBits (TagBits),
    .LastBit (TagLast),
    .Int16   (Int16), .Binary (Binary)
  ) u_operands (
    .clk_i,
    .rst_ni,
    .clear_i,
    .rsp_lanes_i,
    .rsp_data_i,
    .rsp_tag_i,
    .rsp_done_i,
    .rsp_done_next_i,
    .hold_o       (g_hold_o),
    .int16_i      (Int16 && cfg.int16 && !cfg.by_row), .mode_i (mode),
    .tag_o        (tag),
    .act_o,
    .weights_i    (weights_valid),
    .pass_o       (pass),
    .grant_i      (status_i.drain_soon || (status_i.drain_ok && drained)),
    .drain_wait_o (drain_wait)
  );

  trine_weight_rows #(
    .PmemAddrBits (PmemAddrBits),
    .WindowParts  (WindowParts),
    .Groups       (Groups)
  ) u_weight_rows (
    .clk_i,
    .rst_ni,
    .clear_i,
    .start_i     (start),
    .row_i       (row),
    .bits_i      (weight_bits),
    .issued_i    (issued),
    .last_i      (ends),
    .rewind_i    (g_tag_o[TagRewind]),
    .final_i     (g_tag_o[TagFinal]),
    .part_i      (in_parts && ends),
    .second_i    (second_q),
    .bank_i      (bank_q),
    .bank_free_i (factors_free_i),
    .pass_i      (pass),
    .pass_last_i (tag[TagLast]),
    .row_en_o    (w_en_o),
    .row_o       (w_row_o),
    .row_next_o  (w_next_o),
    .factors_o,
    .factors_second_o,
    .factors_bank_o,
    .row_valid_o (weights_valid),
    .part_o      (weight_part_o)
  );

  assign weight_bits_o   = weight_bits;
  assign pass_last       = pass && tag[TagLast];
  assign step_o.valid    = pass;
  assign step_o.first    = tag[TagFirst];
  assign step_o.last     = tag[TagLast];
  assign step_o.mode     = mode;
  assign step_o.window   = cfg.window;
  assign step_o.act_zero = matmul ? cfg.add_zero_a : '0;
  assign step_o.wgt_zero = matmul ? cfg.add_zero_b : '0;

  // ---------------------------------------------------------------------------------------------
  // Jobs.
  // ---------------------------------------------------------------------------------------------
  logic job_final_taken;

  trine_jobs #(
    .Rows     (Rows),
    .AddrBits (AddrBits),
    .Places   (Jobs),
    .JobDelay (JobDelay),
    .Groups   (Groups)
  ) u_jobs (
    .clk_i,
    .rst_ni,
    .clear_i,
    .start_i       (start),
    .residual_i    (residual),
    .fetch_busy_i  (status_i.fetch_busy),
    .allowed_o     (allowed),
    .add_i         (issued && ends),
    .out_i         (out),
    .active_i      (active & ~({Rows{Int16 && matmul16}} & Odd)),
    .tile_first_i  (tile_first && (whole_first_q || !in_parts)),
    .tile_last_i   (group_last && (last || !in_parts)),
    .final_i       (group_last && tile_last && (last || !in_parts)),
    .part_i        ({bank_q, last, whole_first_q}),
    .pass_i        (pass_last),
    .job_valid_o,
    .job_ready_i,
    .out_o         (job_out_o),
    .active_o      (job_active_o),
    .tile_first_o  (job_o.tile_first),
    .tile_last_o   (job_o.tile_last),
    .run_first_o   (job_o.first),
    .run_last_o    (job_o.last),
    .part_o        ({job_o.bank, job_o.part_last, job_o.part_first}),
    .results_o,
    .data_ready_i,
    .final_taken_o (job_final_taken),
    .drained_o     (drained)
  );

  assign job_o.drain  = drain;
  assign job_o.cfg    = cfg;
  assign final_taken  = taken_q || job_final_taken;
  assign final_passed = passed_q || (pass && tag[TagFinal]);

  assign state_o.running    = busy_q;
  assign state_o.enters     = pass;
  assign state_o.drain_wait = drain_wait;
  assign state_o.last_wait  = step_valid && ends && !allowed;

  logic unused_bits;
  assign unused_bits = ^{window_last, word_first, tag, status_i.odd, status_i.pairs,
                         status_i.read, status_i.bank, whole_first_q, second_q, bank_q};

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (rsp_done_i) m_answer_wanted: assume (busy_q);
      if (drain_wait) a_not_idle: assert (busy_q);
      c_overlap: cover (job_valid_o && !drained);  // a job is offered during a drain
    end
  end
`endif

endmodule
