// SPDX-License-Identifier: Apache-2.0
//
// Routes program words to the queues of the engines; detects the program's end, invalid words and
// deadlocks.
//
//   BEGIN      The first word must be ConfigHash; otherwise foreign_o is set.
//   SET, RUN   go to the engine's queue, as {is RUN, register, payload}.
//   END        sets done_o when all engines are idle.
//   others     set illegal_o: an unknown opcode or operation, or a program without END.
//
// unsupported_o stops a program at a word that the configuration does not support (trine_legal).
// deadlock_o stops a program that cannot continue: no queue accepts the front word until an engine
// proceeds, and no engine can proceed. An engine cannot proceed if it is idle. It also cannot
// proceed if it has no RUN in flight and its front RUN waits for tokens.
//
// Timing    Outputs are combinational from the fetched word and the engines' state. done_o and the
//           errors stay until the machine clears.
// Check     trine_control_tb

module trine_dispatch #(
  parameter logic [63:0]                        ConfigHash = 64'd0,
  parameter logic [trine_isa_pkg::Features-1:0] Features   = {trine_isa_pkg::Features{1'b1}}
) (
  // Fetched words. first_i: this is the program's first word. out_of_words_i: all words have been
  // taken.
  input  logic        word_valid_i,
  output logic        word_ready_o,
  input  trine_isa_pkg::word_t word_i,
  input  logic        first_i,
  input  logic        out_of_words_i,

  // The queues (bit e: engine e) share the word. idle_i: nothing is queued, offered or in flight.
  // token_wait_i: nothing is in flight, and the front RUN lacks tokens.
  output logic [3:0]  queue_valid_o,
  input  logic [3:0]  queue_ready_i,
  output logic [60:0] queue_word_o,
  input  logic [3:0]  idle_i,
  input  logic [3:0]  token_wait_i,

  output logic        done_o,
  output logic        foreign_o,
  output logic        illegal_o,
  output logic        unsupported_o,
  output logic        deadlock_o
);

  logic valid, is_begin, is_end, illegal, unsupported, legal, blocked;

  trine_legal #(
    .Int16  (Features[trine_isa_pkg::FeatureInt16]),
    .Int4   (Features[trine_isa_pkg::FeatureInt4]),
    .Groups (Features[trine_isa_pkg::FeatureGroups]),
    .Packed (Features[trine_isa_pkg::FeaturePacked]),
    .Cluster (Features[trine_isa_pkg::FeatureCluster]),
    .Formats (Features[trine_isa_pkg::FeatureFormats]),
    .Sums    (Features[trine_isa_pkg::FeatureSums])
  ) u_legal (
    .features_i    (Features),
    .word_i        (word_i),
    .illegal_o     (illegal),
    .unsupported_o (unsupported)
  );

  assign valid    = word_valid_i && !first_i;
  assign is_begin = first_i && word_i == ConfigHash;
  assign is_end   = word_i.opcode == trine_isa_pkg::OpcodeEnd;
  assign legal    = !first_i && !is_end && !illegal && !unsupported;

  assign queue_word_o  = {word_i.opcode == trine_isa_pkg::OpcodeRun, word_i.reg_index,
                          word_i.payload};
  assign queue_valid_o = word_valid_i && legal ? 4'd1 << word_i.engine : 4'd0;
  assign word_ready_o  = is_begin || (legal && queue_ready_i[word_i.engine]);

  assign done_o        = valid && is_end && (&idle_i);
  assign foreign_o     = word_valid_i && first_i && !is_begin;
  assign illegal_o     = out_of_words_i || (valid && illegal);
  assign unsupported_o = valid && unsupported;
  assign blocked       = valid && (is_end || (legal && !queue_ready_i[word_i.engine]));
  assign deadlock_o    = blocked && (&(idle_i | token_wait_i)) && token_wait_i != 4'd0;

endmodule
