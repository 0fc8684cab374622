// SPDX-License-Identifier: Apache-2.0
//
// Attributes each cycle to one cause: either a step enters the array, or there is a reason why none
// does. docs/architecture.md defines the causes. A cause is determined at the array's input. An
// event in the gather reaches the array's input 3 cycles later, and an event at the issue of a step
// 4 cycles later. activity_t also reports whether anything moved in the cycle.
//
//   first condition that holds                             cause
//   a step enters the array                                compute
//   a tile's last step waits for the drain registers       drain
//   the gather replayed an access 3 cycles ago             bank
//   the gather took another client's access 4 cycles ago   bank
//   a tile's last step could not be issued 4 cycles ago    drain
//   a RUN is in flight                                     control
//   the next RUN lacks a token of an engine                memory, vector or store, by the engine
//   the next RUN lacks another token, or words are queued  control
//   compute has no work, but another engine does           vector, load or store
//   no engine has work                                     control
//
// Timing    The output is combinational from the engines' states, except for these delays. A read
//           of the vector engine or a result word counts as movement one cycle later, because its
//           handshake is late in the cycle.
// Check     cycles_test, random_program_test

module trine_cause (
  input  logic                             clk_i,

  input  trine_engine_pkg::compute_state_t compute_i,
  input  logic                             replay_i,          // compute's access waits for banks
  input  logic                             arb_lost_i,        // another client went first
  input  logic [3:0]                       missing_tokens_i,  // engines whose token compute lacks
  input  logic [3:0]                       idle_i,            // bit e: engine e
  input  logic [3:0]                       busy_i,
  input  logic                             reads_i,           // a vector engine access is taken
  input  logic                             writes_i,          // a result word is taken

  output trine_engine_pkg::activity_t      activity_o
);

  logic [2:0] cause;
  logic [3:1] replay_q;
  logic [4:1] taken_q, last_wait_q;
  logic       word_q;  // a word was read or written

  always_ff @(posedge clk_i) begin
    replay_q    <= {replay_q[2:1], replay_i};
    taken_q     <= {taken_q[3:1], arb_lost_i};
    last_wait_q <= {last_wait_q[3:1], compute_i.last_wait};
    word_q      <= reads_i || writes_i;
  end

  always_comb begin
    cause = trine_csr_pkg::CauseControl;
    if (compute_i.enters) cause = trine_csr_pkg::CauseCompute;
    else if (compute_i.drain_wait) cause = trine_csr_pkg::CauseDrain;
    else if (compute_i.running && (replay_q[3] || taken_q[4])) cause = trine_csr_pkg::CauseBank;
    else if (compute_i.running && last_wait_q[4]) cause = trine_csr_pkg::CauseDrain;
    else if (compute_i.running) cause = trine_csr_pkg::CauseControl;
    else if (missing_tokens_i[trine_isa_pkg::EngineLoad]) cause = trine_csr_pkg::CauseMemory;
    else if (missing_tokens_i[trine_isa_pkg::EngineVector]) cause = trine_csr_pkg::CauseVector;
    else if (missing_tokens_i[trine_isa_pkg::EngineStore]) cause = trine_csr_pkg::CauseStore;
    else if (missing_tokens_i != '0 || !idle_i[trine_isa_pkg::EngineCompute])
      cause = trine_csr_pkg::CauseControl;
    else if (busy_i[trine_isa_pkg::EngineVector]) cause = trine_csr_pkg::CauseVector;
    else if (busy_i[trine_isa_pkg::EngineLoad]) cause = trine_csr_pkg::CauseLoad;
    else if (busy_i[trine_isa_pkg::EngineStore]) cause = trine_csr_pkg::CauseStore;
  end

  assign activity_o.cause    = cause;
  assign activity_o.progress = compute_i.enters || word_q;

  logic unused_engines;
  assign unused_engines = ^{idle_i, busy_i};

`ifdef TRINE_ASSERT
  // The delayed events are valid from four cycles after reset on.
  logic [4:1] live_q, due_q;

  initial live_q = '0;

  always_ff @(posedge clk_i) begin
    live_q <= {live_q[3:1], 1'b1};
    due_q  <= {due_q[3:2], due_q[1] || replay_i, arb_lost_i};
    if (live_q[4]) begin
      a_enters: assert (!compute_i.enters ||
                        (cause == trine_csr_pkg::CauseCompute && activity_o.progress));
      a_bank:   assert ((cause == trine_csr_pkg::CauseBank) ==
                        (compute_i.running && due_q[4] && !compute_i.enters &&
                         !compute_i.drain_wait));
      if (compute_i.running) begin
        a_of_compute: assert (cause == trine_csr_pkg::CauseCompute ||
                              cause == trine_csr_pkg::CauseDrain ||
                              cause == trine_csr_pkg::CauseBank ||
                              cause == trine_csr_pkg::CauseControl);
      end
    end
  end
`endif

endmodule
