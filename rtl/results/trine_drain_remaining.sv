// SPDX-License-Identifier: Apache-2.0
//
// Counts the words and the issues to the lanes that the current job has left, for the drain grant.
//
//   words  = ceil((slot + left) / codes of a word)
//   issues = left                              one column per issue
//          = (slot % 2 + left + 1) / 2         two columns per issue, from an even slot on
//          = (left + Drain - 1) / Drain        parts of a reduction with factors
//
// The word counts saturate at all ones, which must be larger than the number of places. With int16
// results by row, each word is read twice: first for the even lanes, then for the odd lanes. The
// issue count is then an upper bound for a job of eight issues or less, and 16 or more for longer
// jobs.
//
// last_block_o is the block of PEs that contains the last column of the offered job. If the last
// two columns are read together, it is the block that contains the first of the two.
//
// Timing    The outputs are combinational. The clock is only for assertions.
// Contract  slot_i <= last_slot_o.
// Check     trine_drain_remaining_tb, trine_post_tb; trine_post_props

module trine_drain_remaining #(
  parameter bit          Ternary   = 1'b0,
  parameter bit          Binary    = 1'b0,
  parameter bit          Int16     = 1'b0,
  parameter int unsigned Drain     = 1,  // columns per cycle: 1, 2
  parameter int unsigned LeftBits  = 6,  // of a number of columns
  parameter int unsigned WordsBits = 3,  // of a number of words
  parameter int unsigned PipeCols  = 8,
  parameter int unsigned MaxLate   = 0,
  parameter int unsigned LateBits  = 1
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // The current job: the slot of its next code, and its remaining columns. The offered job: the
  // slot of its first code, and its columns.
  input  logic [4:0]           slot_i,
  input  logic [LeftBits-1:0]  columns_left_i,
  input  logic [4:0]           next_slot_i,
  input  logic [LeftBits-1:0]  count_i,
  input  logic [1:0]           encoding_i,

  input  logic                 one_lane_i,  // one column per issue
  input  logic                 part_i,      // columns are parts of a reduction with factors
  input  logic                 twice_i,     // by row: even lanes are read, odd lanes follow
  input  logic                 second_i,    // by row: odd lanes are read

  output logic [4:0]           last_slot_o,   // of a word
  output logic [WordsBits-1:0] words_o,       // of the current job
  output logic [WordsBits-1:0] next_words_o,  // of the offered job
  output logic [LeftBits-1:0]  issue_count_o,
  output logic [LateBits-1:0]  last_block_o
);

  localparam int unsigned EndBits   = LeftBits + 1;
  localparam int unsigned MostWords = 2**WordsBits - 1;

  // Position of the last code, counted from the start of the first code's word; number of words
  // before the last word.
  logic [EndBits-1:0]  last, next_last, words_before, next_words_before;
  logic [2:0]          log2_codes;  // of a word
  logic [LeftBits-1:0] once, most;
  logic                in_word;     // by row: this word is the last one

  always_comb begin
    log2_codes = 3'd2;
    if (Ternary && encoding_i == trine_job_pkg::EncodingTernary) log2_codes = 3'd4;
    if (Binary && encoding_i == trine_job_pkg::EncodingBinary) log2_codes = 3'd5;
    last_slot_o = 5'((6'd1 << log2_codes) - 6'd1);
  end

  // This is a separate block because count_i depends on last_slot_o, and simulators evaluate a
  // block as a whole.
  always_comb begin
    last_block_o = '0;
    for (int unsigned b = 1; b <= MaxLate; b++) begin
      if (count_i > LeftBits'(b * PipeCols + Drain - 1)) last_block_o = LateBits'(b);
    end
  end

  // 31 + 2^LeftBits - 1 fits in EndBits, as LeftBits >= 6.
  assign last        = EndBits'(slot_i) + EndBits'(columns_left_i) - EndBits'(1);
  assign next_last   = EndBits'(next_slot_i) + EndBits'(count_i) - EndBits'(1);
  assign words_before      = last >> log2_codes;
  assign next_words_before = next_last >> log2_codes;

  // left + 2 needs one bit more than left.
  always_comb begin
    if (part_i) once = LeftBits'(({1'b0, columns_left_i} + EndBits'(Drain - 1)) >> (Drain - 1));
    else if (one_lane_i) once = columns_left_i;
    else once = LeftBits'(({1'b0, columns_left_i} + EndBits'(1) + EndBits'(slot_i[0])) >> 1);
  end

  assign in_word = words_before == '0;
  assign most    = once > LeftBits'(8) ? LeftBits'(8) : once;

  always_comb begin
    issue_count_o = once;
    words_o       = words_before >= EndBits'(MostWords) ? '1
                    : WordsBits'(words_before) + WordsBits'(1);
    if (Int16 && (twice_i || (second_i && !in_word))) begin
      issue_count_o = (most << 1) + LeftBits'(slot_i[1:0]);
      words_o       = in_word ? WordsBits'(2) : WordsBits'(3);
    end
  end

  assign next_words_o = next_words_before >= EndBits'(MostWords) ? '1
                        : WordsBits'(next_words_before) + WordsBits'(1);

  logic unused_remaining;
  assign unused_remaining = ^{clk_i, rst_ni, encoding_i, twice_i, second_i, in_word, most};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic        live_q, by_row;
  logic [15:0] odd, codes, next_codes, per_word;  // wider than any count here

  assign by_row     = Int16 && (twice_i || second_i);
  assign odd        = 16'(slot_i[0]);
  assign codes      = 16'(slot_i) + 16'(columns_left_i);
  assign next_codes = 16'(next_slot_i) + 16'(count_i);
  assign per_word   = 16'(last_slot_o) + 16'd1;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q && columns_left_i != '0) begin
      m_slot: assume (slot_i <= last_slot_o);
      if (!by_row) begin
        // The words hold all codes, and one word less does not.
        a_words:      assert (words_o == '1 || 16'(words_o) * per_word >= codes);
        a_words_most: assert ((16'(words_o) - 16'd1) * per_word < codes);
        // Issues read all columns, and one issue less does not.
        if (part_i) begin
          a_parts: assert (16'(issue_count_o) * 16'(Drain) >= 16'(columns_left_i) &&
                           (16'(issue_count_o) - 16'd1) * 16'(Drain) < 16'(columns_left_i));
        end else if (one_lane_i) begin
          a_columns: assert (issue_count_o == columns_left_i);
        end else begin
          a_pairs: assert (16'd2 * 16'(issue_count_o) >= 16'(columns_left_i) + odd &&
                           16'd2 * 16'(issue_count_o) < 16'(columns_left_i) + odd + 16'd2);
        end
      end else begin
        a_by_row: assert (16'(issue_count_o) >= 16'(most) && issue_count_o != '0);
      end
    end
    if (live_q && count_i != '0) begin
      a_next_words: assert ((next_words_o == '1 || 16'(next_words_o) * per_word >= next_codes) &&
                            (16'(next_words_o) - 16'd1) * per_word < next_codes);
    end
    if (live_q) c_saturated: cover (words_o == '1);
  end
`endif

endmodule
