// SPDX-License-Identifier: Apache-2.0
//
// One lane of the vector engine: four 24-bit slots, one for each byte of the lane's word.
//
//   max   slot = max(slot, byte)         sum   slot = slot + byte       fold  slot = slot + other slot
//   add   slot = {second byte, first byte}
//
// Timing    one tap a cycle.
// Contract  taps of a window start with first_i; sums stay below 2^23 in magnitude (65,536 taps).
//
// Check     tests/random_program_test.cpp (whole core)

module trine_vector_lane (
  input  logic        clk_i,

  input  logic [1:0]  op_i,  // VectorOp of trine_isa_pkg
  input  logic        tap_i,
  input  logic        first_i,
  input  logic [31:0] word_i,
  input  logic        fold_i,
  input  logic [95:0] other_i,
  output logic [95:0] slots_o
);

  localparam logic [1:0] OpMax = trine_isa_pkg::VectorOpMax[1:0];
  localparam logic [1:0] OpAdd = trine_isa_pkg::VectorOpAdd[1:0];

  for (genvar b = 0; b < 4; b++) begin : gen_slot
    logic signed [7:0]  code;
    logic signed [23:0] slot_q, slot_d, kept, addend;

    assign code   = $signed(word_i[8*b +: 8]);
    assign kept   = (tap_i && first_i) ? '0 : slot_q;
    assign addend = fold_i ? $signed(other_i[24*b +: 24]) : 24'(code);

    always_comb begin
      slot_d = kept + addend;
      if (!fold_i && op_i == OpMax) begin
        slot_d = (first_i || code > $signed(slot_q[7:0])) ? 24'(code) : slot_q;
      end else if (!fold_i && op_i == OpAdd && !first_i) begin
        slot_d = {8'd0, code, slot_q[7:0]};
      end
    end

    always_ff @(posedge clk_i) begin
      if (tap_i || fold_i) slot_q <= slot_d;
    end

    assign slots_o[24*b +: 24] = slot_q;
  end

endmodule
