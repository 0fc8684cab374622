// SPDX-License-Identifier: Apache-2.0
//
// Computes the row offset between the lanes of a core and the lanes of core 0, for each engine. All
// cores execute the same RUN, and each core processes its own input rows.
//
//   shift = core * core_y     in input rows; compute engine in the lower half, vector engine in the
//                             upper half
//
// Timing    The output is a register. The engine's SET of core_y loads it many cycles before a step
//           needs it.
// Contract  core_i is a constant.
// Check     random_program_test

module trine_core_rows (
  input  logic                                       clk_i,
  input  logic [2:0]                                 core_i,
  input  logic [2*trine_engine_pkg::CommandBits-1:0] commands_i,
  input  logic [2*trine_engine_pkg::AnswerBits-1:0]  answers_i,
  output logic [27:0]                                shift_o
);

  localparam int unsigned CommandBits = trine_engine_pkg::CommandBits;
  localparam int unsigned AnswerBits  = trine_engine_pkg::AnswerBits;
  localparam int unsigned PayloadAt   = trine_engine_pkg::CfgPayloadAt;
  localparam int unsigned PayloadBits = trine_isa_pkg::PayloadBits;
  localparam int unsigned FieldBits   = trine_isa_pkg::AguCoreYWidth;

  trine_isa_pkg::agu_payload_t compute, vector;
  logic [2*FieldBits-1:0]      core_y;

  assign compute = commands_i[PayloadAt +: PayloadBits];
  assign vector  = commands_i[CommandBits + PayloadAt +: PayloadBits];
  assign core_y  = {vector.r3.core_y, compute.r3.core_y};

  for (genvar e = 0; e < 2; e++) begin : gen_engine
    logic       valid, ready;
    logic [3:0] number;

    assign {valid, number} = commands_i[CommandBits*e + PayloadAt + PayloadBits +: 5];
    assign ready           = answers_i[AnswerBits*e + 2];

    always_ff @(posedge clk_i) begin
      if (valid && ready && number == 4'(trine_isa_pkg::AguCoreYReg)) begin
        shift_o[14*e +: 14] <= 14'(core_i) * 14'(core_y[FieldBits*e +: FieldBits]);
      end
    end
  end

  logic unused_rows;
  assign unused_rows = ^{commands_i, answers_i, compute, vector};

endmodule
