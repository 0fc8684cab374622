// SPDX-License-Identifier: Apache-2.0
//
// One lane of the vector engine: four 24-bit slots, one for each byte of the lane's word.
//
//   max, min      slot = max(slot, byte), min(slot, byte)
//   sum           slot = slot + byte
//   add, mul      slot = {second byte, first byte}
//   max_ternary, max_binary   the same as max on the four or eight values of a byte
//   add_int32     slots together: saturate(first word + second word)
//   fold          slot = slot + other slot
//
// With invert_i the taps after the first count as ~word: for bytes -1 - byte.
//
// Timing    one tap a cycle.
// Contract  taps of a window start with first_i; sums stay below 2^23 in magnitude (65,536 taps).
//
// Check     tb/trine_vector_lane_tb.cpp; tests/random_program_test.cpp (whole core)

module trine_vector_lane #(
  parameter bit Ternary = 1'b0,
  parameter bit Binary  = 1'b0
) (
  input  logic        clk_i,

  input  logic [2:0]  op_i,  // VectorOp of trine_isa_pkg
  input  logic        invert_i,
  input  logic        tap_i,
  input  logic        first_i,
  input  logic [31:0] word_i,
  input  logic        fold_i,
  input  logic [95:0] other_i,
  output logic [95:0] slots_o
);

  localparam logic [2:0] OpMax        = trine_isa_pkg::VectorOpMax[2:0];
  localparam logic [2:0] OpAdd        = trine_isa_pkg::VectorOpAdd[2:0];
  localparam logic [2:0] OpMin        = trine_isa_pkg::VectorOpMin[2:0];
  localparam logic [2:0] OpMul        = trine_isa_pkg::VectorOpMul[2:0];
  localparam logic [2:0] OpMaxTernary = trine_isa_pkg::VectorOpMaxTernary[2:0];
  localparam logic [2:0] OpMaxBinary  = trine_isa_pkg::VectorOpMaxBinary[2:0];
  localparam logic [2:0] OpAddInt32   = trine_isa_pkg::VectorOpAddInt32[2:0];

  logic [31:0] word;

  assign word = word_i ^ {32{invert_i && !first_i}};

  // Sum of the kept word and this one, in 33 bits, saturated.
  logic [31:0] saturated;

  if (Ternary || Binary) begin : gen_add_int32
    logic [31:0] kept_word;
    logic [32:0] sum;
    assign kept_word = {slots_o[72 +: 8], slots_o[48 +: 8], slots_o[24 +: 8], slots_o[0 +: 8]};
    assign sum       = {kept_word[31], kept_word} + {word[31], word};
    assign saturated = sum[32] == sum[31] ? sum[31:0] : {sum[32], {31{!sum[32]}}};
  end else begin : gen_no_add_int32
    assign saturated = '0;
  end

  for (genvar b = 0; b < 4; b++) begin : gen_slot
    logic signed [7:0]  code;
    logic signed [23:0] slot_q, slot_d, kept, addend;

    assign code   = $signed(word[8*b +: 8]);
    assign kept   = (tap_i && first_i) ? '0 : slot_q;
    assign addend = fold_i ? $signed(other_i[24*b +: 24]) : 24'(code);

    always_comb begin
      slot_d = kept + addend;
      if (!fold_i && (op_i == OpMax || op_i == OpMin)) begin
        slot_d = (first_i || (code > $signed(slot_q[7:0])) == (op_i == OpMax)) ? 24'(code) : slot_q;
      end else if (!fold_i && (op_i == OpAdd || op_i == OpMul) && !first_i) begin
        slot_d = {8'd0, code, slot_q[7:0]};
      end else if (Binary && op_i == OpMaxBinary && !first_i) begin
        slot_d = {16'd0, slot_q[7:0] | code};
      end else if (Ternary && op_i == OpMaxTernary && !first_i) begin
        slot_d = '0;
        for (int unsigned i = 0; i < 4; i++) begin  // 2 bits: 1 is the largest, 3 (-1) the least
          slot_d[2*i +: 2] = ($signed(code[2*i +: 2]) > $signed(slot_q[2*i +: 2]))
                             ? code[2*i +: 2] : slot_q[2*i +: 2];
        end
      end else if ((Ternary || Binary) && op_i == OpAddInt32 && !first_i) begin
        slot_d = {16'd0, saturated[8*b +: 8]};
      end
    end

    always_ff @(posedge clk_i) begin
      if (tap_i || fold_i) slot_q <= slot_d;
    end

    assign slots_o[24*b +: 24] = slot_q;
  end

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    m_tap_or_fold: assume (!(tap_i && fold_i));
  end
`endif

endmodule
