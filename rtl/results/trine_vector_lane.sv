// SPDX-License-Identifier: Apache-2.0
//
// Computes max-pool, minimum or sum of one lane's taps, or pairs them for element-wise operations.
// Each lane of the vector engine has four 24-bit slots, one for each byte of the lane's word.
//
//   max, min      slot = max(slot, byte), min(slot, byte)
//   sum           slot = slot + byte
//   add, mul      slot = {second byte, first byte}; with third_i the third byte above them
//   max_ternary, max_binary   the same as max on the four or eight values of a byte
//   fold          slot = slot + other slot
//
// With invert_i, the taps after the first one are complemented: a byte counts as -1 - byte. With
// low_i, the bytes are the low bytes of int16 codes. In a sum, a low byte counts as byte - 128 or,
// with whole_i, as an unsigned byte. With wide_i, max and min compare int16 codes, whose two bytes
// may come in different cycles. A tap waits in bits 15:8 of its slot until the cycle after done_i.
// In that cycle, greater_i shows whether the tap's code is above the code in the slots of the pair.
// The two bits of done_i belong to slots 3 and 2, and to slots 1 and 0.
//
// Timing    Throughput is one tap per cycle.
// Contract  The taps of a window start with first_i. Sums stay below 2^23 in magnitude (65,536
//           taps).
//
// Check     trine_vector_lane_tb; random_program_test (whole core)

module trine_vector_lane #(
  parameter bit Ternary = 1'b0,
  parameter bit Binary  = 1'b0,
  parameter bit Int16   = 1'b0,
  parameter bit Formats = 1'b0  // supports third_i
) (
  input  logic        clk_i,

  input  logic [2:0]  op_i,  // VectorOp of trine_isa_pkg
  input  logic        invert_i,
  input  logic        low_i,
  input  logic        whole_i,
  input  logic        wide_i,
  input  logic        tap_i,
  input  logic        first_i,
  input  logic        third_i,
  input  logic [31:0] word_i,
  input  logic        fold_i,
  input  logic [95:0] other_i,
  output logic [95:0] slots_o,

  // With Int16: done_i: all lanes have the tap. greater_o: the tap's bytes are above the slots'
  // bytes. equal_o: the bytes are equal. greater_i: the codes of the pair of lanes are above the
  // slots' codes.
  input  logic [1:0]  done_i,
  output logic [3:0]  greater_o,
  output logic [3:0]  equal_o,
  input  logic [3:0]  greater_i
);

  localparam logic [2:0] OpMax        = trine_isa_pkg::VectorOpMax[2:0];
  localparam logic [2:0] OpSum        = trine_isa_pkg::VectorOpSum[2:0];
  localparam logic [2:0] OpAdd        = trine_isa_pkg::VectorOpAdd[2:0];
  localparam logic [2:0] OpMin        = trine_isa_pkg::VectorOpMin[2:0];
  localparam logic [2:0] OpMul        = trine_isa_pkg::VectorOpMul[2:0];
  localparam logic [2:0] OpMaxTernary = trine_isa_pkg::VectorOpMaxTernary[2:0];
  localparam logic [2:0] OpMaxBinary  = trine_isa_pkg::VectorOpMaxBinary[2:0];

  logic [31:0] word;
  logic [1:0]  compare_q;

  always_ff @(posedge clk_i) compare_q <= {2{Int16 && wide_i && !first_i}} & done_i;

  assign word = word_i ^ {32{invert_i && !first_i}} ^
                {4{low_i && !(Int16 && whole_i) && op_i == OpSum, 7'd0}};

  // The effect of a tap: the first tap loads its codes, and later taps apply the operation. A slot
  // that remains the extremum is not written.
  logic later, extremum, pair, max_ternary, max_binary, sum;

  assign later       = tap_i && !first_i;
  assign extremum    = later && (op_i == OpMax || op_i == OpMin);
  assign pair        = later && (op_i == OpAdd || op_i == OpMul);
  assign max_ternary = Ternary && later && op_i == OpMaxTernary;
  assign max_binary  = Binary && later && op_i == OpMaxBinary;
  assign sum         = fold_i || (later && !extremum && !pair && !max_ternary && !max_binary);

  for (genvar b = 0; b < 4; b++) begin : gen_slot
    logic signed [7:0]  code;
    logic signed [23:0] slot_q, slot_d, coded, addend, total;
    logic [7:0]         ternary;
    logic signed [7:0]  tap, best;
    logic               write;

    assign code   = $signed(word[8*b +: 8]);
    assign coded  = {{16{code[7] && !(Int16 && low_i && whole_i)}}, code};
    assign addend = fold_i ? $signed(other_i[24*b +: 24]) : coded;
    assign total  = slot_q + addend;

    // Low bytes have no sign.
    assign tap          = Int16 && wide_i ? slot_q[15:8] ^ {low_i, 7'd0} : code;
    assign best         = slot_q[7:0] ^ {Int16 && wide_i && low_i, 7'd0};
    assign greater_o[b] = tap > best;
    assign equal_o[b]   = Int16 && tap == best;

    // Values of 2 bits: 1 is the largest value, and 3 (-1) is the smallest.
    always_comb begin
      for (int unsigned i = 0; i < 4; i++) begin
        ternary[2*i +: 2] = ($signed(code[2*i +: 2]) > $signed(slot_q[2*i +: 2]))
                            ? code[2*i +: 2] : slot_q[2*i +: 2];
      end
    end

    always_comb begin
      slot_d = ({24{(!later && !fold_i) || extremum}} & coded) | ({24{sum}} & total) |
               ({24{pair}} & (Formats && third_i ? {code, slot_q[15:0]}
                                                 : {8'd0, code, slot_q[7:0]}));
      if (Ternary) slot_d = slot_d | {16'd0, {8{max_ternary}} & ternary};
      if (Binary) slot_d = slot_d | {16'd0, {8{max_binary}} & (slot_q[7:0] | code)};
      write = fold_i || (tap_i && !(extremum && greater_o[b] != (op_i == OpMax)));
      if (Int16 && wide_i) write = tap_i && first_i;
    end

    always_ff @(posedge clk_i) begin
      if (write) slot_q <= slot_d;
      if (Int16 && wide_i && later) slot_q[15:8] <= code;
      if (Int16 && compare_q[b/2] && greater_i[b] == (op_i == OpMax)) slot_q[7:0] <= slot_q[15:8];
    end

    assign slots_o[24*b +: 24] = slot_q;
  end

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    m_tap_or_fold: assume (!(tap_i && fold_i));
  end
`endif

endmodule
