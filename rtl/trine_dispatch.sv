// SPDX-License-Identifier: Apache-2.0
//
// Routes the program's words to the queues of the engines, and ends the program.
//
//   SET, RUN   to the engine's queue, as {is RUN, register, payload}
//   END        done_o, once all engines are idle
//   others     illegal_o: an unknown opcode or operation, or a program without END
//
// Timing    combinational from the fetched word; done_o and illegal_o stay until the machine clears.
// Check     tb/trine_control_tb.cpp

module trine_dispatch (
  // Fetched words; out_of_words_i: all words of the program have been taken.
  input  logic        word_valid_i,
  output logic        word_ready_o,
  input  logic [63:0] word_i,
  input  logic        out_of_words_i,

  // The queues (bit = engine) share the word.
  output logic [3:0]  queue_valid_o,
  input  logic [3:0]  queue_ready_i,
  output logic [60:0] queue_word_o,
  input  logic [3:0]  idle_i,

  output logic        done_o,
  output logic        illegal_o
);

  logic [1:0] opcode, engine;
  logic [7:0] op, op_last;
  logic       is_run, legal;

  assign opcode = word_i[63:62];
  assign engine = word_i[61:60];
  assign op     = word_i[trine_isa_pkg::RunOpLsb +: 8];
  assign is_run = opcode == trine_isa_pkg::OpcodeRun;

  always_comb begin
    unique case (engine)
      trine_isa_pkg::EngineLoad:    op_last = trine_isa_pkg::DmaTargetTransposed;
      trine_isa_pkg::EngineCompute: op_last = trine_isa_pkg::ComputeOpMatmul;
      trine_isa_pkg::EngineVector:  op_last = trine_isa_pkg::VectorOpNormalize;
      default:                      op_last = trine_isa_pkg::DmaTargetDmem;  // store
    endcase
  end

  assign legal = opcode == trine_isa_pkg::OpcodeSet || (is_run && op <= op_last);

  assign queue_word_o  = {is_run, word_i[59:0]};
  assign queue_valid_o = word_valid_i && legal ? 4'd1 << engine : 4'd0;
  assign word_ready_o  = legal && queue_ready_i[engine];

  assign done_o    = word_valid_i && opcode == trine_isa_pkg::OpcodeEnd && (&idle_i);
  assign illegal_o = out_of_words_i ||
                     (word_valid_i && !legal && opcode != trine_isa_pkg::OpcodeEnd);

endmodule
