// SPDX-License-Identifier: Apache-2.0
//
// What is left of the job in front, for who promises the array its drain registers: words that end
// in its last eight columns, and issues. By row, even lanes' columns of a word go first, then odd
// lanes': 2 left + slot issues before those, and behind them at most as many.
//
// late_o: the block of PEs of the offered job's last column, or of two that go together the first
// one's.
//
// Timing    combinational.
// Check     trine_post_tb; trine_post_props

module trine_drain_left #(
  parameter bit          Ternary  = 1'b0,
  parameter bit          Binary   = 1'b0,
  parameter bit          Int16    = 1'b0,
  parameter int unsigned Drain    = 1,  // columns a cycle: 1, 2
  parameter int unsigned LeftBits = 6,
  parameter int unsigned PipeCols = 8,
  parameter int unsigned MaxLate  = 0,
  parameter int unsigned LateBits = 1
) (
  // The job in front: slot of its next code, columns; the same of the job on offer.
  input  logic [4:0]          slot_i,
  input  logic [LeftBits-1:0] left_i,
  input  logic [4:0]          next_slot_i,
  input  logic [LeftBits-1:0] count_i,
  input  logic [1:0]          encoding_i,

  input  logic                one_lane_i,  // a column goes alone
  input  logic                part_i,      // of a reduction with factors
  input  logic                twice_i,     // by row: even lanes' are in front, odd ones' to come
  input  logic                second_i,    // odd ones'

  output logic [4:0]          last_slot_o,  // of a word
  output logic [1:0]          words_o,
  output logic [1:0]          next_words_o,
  output logic [LeftBits-1:0] issues_o,
  output logic [LateBits-1:0] late_o
);

  logic [5:0]          ends [2];  // slots from the first code's word on, the last code's
  logic [1:0]          words [2];
  logic [LeftBits-1:0] once, most;
  logic                in_word;   // by row: no other word is to come

  always_comb begin
    last_slot_o = 5'd3;
    if (Ternary && encoding_i == trine_job_pkg::EncodingTernary) last_slot_o = 5'd15;
    if (Binary && encoding_i == trine_job_pkg::EncodingBinary) last_slot_o = 5'd31;
    late_o = '0;
    for (int unsigned b = 1; b <= MaxLate; b++) begin
      if (count_i > LeftBits'(b * PipeCols + Drain - 1)) late_o = LateBits'(b);
    end
  end

  always_comb begin
    ends[0] = 6'(slot_i) + 6'(left_i) - 6'd1;
    ends[1] = 6'(next_slot_i) + 6'(count_i) - 6'd1;
    for (int unsigned k = 0; k < 2; k++) begin
      words[k] = 2'd1 + (last_slot_o == 5'd3 ? ends[k][3:2] : 2'(ends[k] > 6'(last_slot_o)));
    end
  end

  assign once = part_i ? (left_i + LeftBits'(Drain - 1)) >> (Drain - 1)
                : one_lane_i ? left_i
                : (left_i + LeftBits'(1) + LeftBits'(slot_i[0])) >> 1;

  // More than eight are as good as any number.
  assign in_word = ends[0][5:2] == '0;
  assign most    = once > LeftBits'(8) ? LeftBits'(8) : once;

  always_comb begin
    issues_o = once;
    words_o  = words[0];
    if (Int16 && (twice_i || (second_i && !in_word))) begin
      issues_o = (most << 1) + LeftBits'(slot_i[1:0]);
      words_o  = in_word ? 2'd2 : 2'd3;
    end
  end

  assign next_words_o = words[1];

  logic unused_left;
  assign unused_left = ^{encoding_i, ends[0], ends[1], twice_i, second_i, in_word, most};

endmodule
