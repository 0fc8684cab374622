// SPDX-License-Identifier: Apache-2.0
//
// Executes a program: routes each word to the queue of its engine and issues a RUN when its tokens
// are available.
//
//   word_i -> trine_dispatch -> 4 x trine_issue_queue -> engines
//                                   |  trine_tokens  |
//
// Timing    Commands are combinational, through shallow logic, from the queues' output registers
//           and the token counters. Events refer to the current cycle.
// Contract  An engine accepts SETs and RUNs with ready. For each RUN the engine gives one retire
//           pulse, in order, at least one cycle after it accepted the RUN. At most four RUNs of an
//           engine are in flight. The program's words come in order, and none after clear_i.
// Check     trine_control_tb

module trine_sequencer #(
  parameter logic [63:0] ConfigHash = 64'd0,  // the first word of programs
  parameter logic [trine_isa_pkg::Features-1:0] Features = {trine_isa_pkg::Features{1'b1}},
  localparam int unsigned Engines = trine_isa_pkg::Engines
) (
  input  logic                              clk_i,
  input  logic                              rst_ni,
  input  logic                              clear_i,

  // The program, word by word.
  input  trine_engine_pkg::program_word_t   word_i,
  output logic                              word_ready_o,

  // Engines, engine 0 in the low bits: command_t, answer_t.
  output logic [Engines*trine_engine_pkg::CommandBits-1:0] commands_o,
  input  logic [Engines*trine_engine_pkg::AnswerBits-1:0]  answers_i,

  // A RUN was accepted; a RUN is in flight; nothing is queued, offered or in flight.
  output logic [Engines-1:0]                run_started_o,
  output logic [Engines-1:0]                busy_o,
  output logic [Engines-1:0]                idle_o,

  // Events that stop the program.
  output trine_control_pkg::program_event_t  event_o
);

  localparam int unsigned CommandBits = trine_engine_pkg::CommandBits;
  localparam int unsigned AnswerBits  = trine_engine_pkg::AnswerBits;

  logic [Engines-1:0]   queue_valid, queue_ready, stuck;
  logic [60:0]          queue_word;
  logic [4*Engines-1:0] token_avail, token_pop, token_push;

  assign event_o.fetch_error   = word_i.error;
  assign event_o.fetch_outside = word_i.outside;

  trine_dispatch #(
    .ConfigHash (ConfigHash),
    .Features   (Features)
  ) u_dispatch (
    .word_valid_i   (word_i.valid),
    .word_ready_o,
    .word_i         (word_i.word),
    .first_i        (word_i.offset == '0),
    .out_of_words_i (word_i.out_of_words),
    .queue_valid_o  (queue_valid),
    .queue_ready_i  (queue_ready),
    .queue_word_o   (queue_word),
    .idle_i         (idle_o & {Engines{!event_o.overflow}}),  // overflow is late: blocks END
    .token_wait_i   (stuck),
    .done_o         (event_o.done),
    .foreign_o      (event_o.foreign),
    .illegal_o      (event_o.illegal),
    .unsupported_o  (event_o.unsupported),
    .deadlock_o     (event_o.deadlock)
  );

  for (genvar e = 0; e < Engines; e++) begin : gen_engine
    logic [3:0] missing_tokens;

    trine_issue_queue u_queue (
      .clk_i,
      .rst_ni,
      .clear_i,
      .word_valid_i  (queue_valid[e]),
      .word_ready_o  (queue_ready[e]),
      .word_i        (queue_word),
      .token_avail_i (token_avail[4*e +: 4]),
      .token_pop_o   (token_pop[4*e +: 4]),
      .token_push_o  (token_push[4*e +: 4]),
      .command_o     (commands_o[CommandBits*e +: CommandBits]),
      .answer_i      (answers_i[AnswerBits*e +: AnswerBits]),
      .run_started_o (run_started_o[e]),
      .busy_o        (busy_o[e]),
      .idle_o        (idle_o[e])
    );

    // A RUN of the engine itself cannot give the tokens that its next RUN lacks.
    assign missing_tokens = commands_o[CommandBits*e +: 4];
    assign stuck[e]       = missing_tokens != 4'd0 && !busy_o[e];
  end

  trine_tokens u_tokens (
    .clk_i,
    .rst_ni,
    .clear_i,
    .token_pop_i   (token_pop),
    .token_push_i  (token_push),
    .token_avail_o (token_avail),
    .overflow_o    (event_o.overflow)
  );

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (event_o.done) a_done: assert (&idle_o);
      // A word goes only to a queue that accepts it.
      if (word_i.valid && word_ready_o) a_routed: assert ((queue_valid & ~queue_ready) == '0);
      c_stuck: cover (stuck != '0 && idle_o != '0);
    end
  end
`endif

endmodule
