// SPDX-License-Identifier: Apache-2.0
//
// Queues the instructions of one engine and issues them in order (trine_queue, trine_issue).
//
// Timing    ready is a register of the queue. A word reaches the engine two cycles after it enters
//           an empty queue. Offers are combinational from the queue's output register and the
//           tokens.
// Contract  See trine_issue.
// Check     trine_queue_tb, trine_issue_tb, trine_control_tb

module trine_issue_queue #(
  parameter int unsigned Depth = 64  // words
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,
  input  logic                       clear_i,

  // Words: {is RUN, register, payload}.
  input  logic                       word_valid_i,
  output logic                       word_ready_o,
  input  logic [60:0]                word_i,

  // Tokens: available, taken, given (bit e: the other engine).
  input  logic [3:0]                 token_avail_i,
  output logic [3:0]                 token_pop_o,
  output logic [3:0]                 token_push_o,

  // The engine.
  output trine_engine_pkg::command_t command_o,
  input  trine_engine_pkg::answer_t  answer_i,

  output logic                       run_started_o,  // a RUN is taken in this cycle
  output logic                       busy_o,         // a RUN is in flight
  output logic                       idle_o          // nothing queued, offered or in flight
);

  logic                       valid, ready, empty;
  logic [60:0]                word;
  trine_engine_pkg::command_t command;

  if ($bits(command_o) != trine_engine_pkg::CommandBits ||
      $bits(answer_i) != trine_engine_pkg::AnswerBits) begin : gen_bad_bits
    $error("trine_issue_queue: widths of trine_engine_pkg");
  end

  trine_queue #(
    .Width (61),
    .Depth (Depth)
  ) u_queue (
    .clk_i,
    .rst_ni,
    .clear_i,
    .in_valid_i  (word_valid_i),
    .in_ready_o  (word_ready_o),
    .in_data_i   (word_i),
    .out_valid_o (valid),
    .out_ready_i (ready),
    .out_data_o  (word),
    .empty_o     (empty)
  );

  trine_issue u_issue (
    .clk_i,
    .rst_ni,
    .clear_i,
    .word_valid_i     (valid),
    .word_ready_o     (ready),
    .word_i           (word),
    .queue_empty_i    (empty),
    .token_avail_i,
    .token_pop_o,
    .token_push_o,
    .cfg_valid_o      (command.cfg_valid),
    .cfg_ready_i      (answer_i.cfg_ready),
    .cfg_reg_o        (command.cfg_reg),
    .cfg_payload_o    (command.cfg_payload),
    .run_valid_o      (command.run_valid),
    .run_ready_i      (answer_i.run_ready),
    .run_op_o         (command.run_op),
    .run_flags_o      (command.run_flags),
    .retire_i         (answer_i.retire),
    .start_o          (run_started_o),
    .missing_tokens_o (command.missing_tokens),
    .busy_o,
    .idle_o
  );

  assign command_o = command;

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      // One word is in front: a SET, a RUN that may start, or a RUN that lacks tokens.
      a_one_word: assert (!(command.cfg_valid &&
                            (command.run_valid || command.missing_tokens != '0)) &&
                          !(command.run_valid && command.missing_tokens != '0));
      a_busy:     assert (!(busy_o && idle_o));
      c_lacks:    cover (command.missing_tokens != '0 && busy_o);
    end
  end
`endif

endmodule
