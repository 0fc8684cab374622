// SPDX-License-Identifier: Apache-2.0
//
// Stores the residual words of a row and selects the codes of a column in them. One word is in
// front. With Drain = 2, the next word is stored as well. The codes in the last slots of a word can
// be kept before the next word replaces it.
//
// Timing    codes_o and sum_o are combinational, from a word that was written in an earlier cycle.
// Check     trine_post_tb

module trine_lane_residual #(
  parameter bit          Ternary = 1'b0,
  parameter bit          Binary  = 1'b0,
  parameter int unsigned Drain   = 1  // codes at once: 1, 2
) (
  input  logic               clk_i,

  input  logic [1:0]         encoding_i,

  // A word arrives at this place.
  input  logic               we_i,
  input  logic               wplace_i,
  input  logic [31:0]        wdata_i,

  // The slot of the first code, and the place of its word. keep_i: keep the last slots.
  // from_keep_i: use the kept slots.
  input  logic [4:0]         slot_i,
  input  logic               place_i,
  input  logic               keep_i,
  input  logic               from_keep_i,
  output logic [8*Drain-1:0] codes_o,

  // The whole word in this place: the sum of one channel.
  input  logic               sum_place_i,
  output logic [31:0]        sum_o
);

  localparam int unsigned Words = Drain;  // as in trine_drain_residual

  logic [31:0]        words_q [Words];
  logic [31:0]        word;            // the word in front
  logic [8*Drain-1:0] keep_d, keep_q;  // codes of the last slots

  assign word  = words_q[Words == 1 ? 0 : place_i];
  assign sum_o = words_q[Words == 1 ? 0 : sum_place_i];

  // The codes in the last slots.
  always_comb begin
    for (int unsigned d = 0; d < Drain; d++) begin
      keep_d[8*d +: 8] = word[32 - 8*Drain + 8*d +: 8];
      if (Ternary && encoding_i == trine_job_pkg::EncodingTernary) begin
        keep_d[8*d +: 8] = {{6{word[33 - 2*Drain + 2*d]}}, word[32 - 2*Drain + 2*d +: 2]};
      end
      if (Binary && encoding_i == trine_job_pkg::EncodingBinary) begin
        keep_d[8*d +: 8] = 8'(word[32 - Drain + d]);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned w = 0; w < Words; w++) begin
      if (we_i && (Words == 1 || 1'(w) == wplace_i)) words_q[w] <= wdata_i;
    end
    if (keep_i) keep_q <= keep_d;
  end

  for (genvar d = 0; d < Drain; d++) begin : gen_code
    logic [4:0] slot;
    logic [7:0] from_word, kept;

    assign slot = slot_i | 5'(d);  // the second slot is odd
    assign kept = Drain == 1 || !slot[0] ? keep_q[7:0] : keep_q[8*Drain-1 -: 8];

    always_comb begin
      from_word = word[{slot[1:0], 3'd0} +: 8];
      if (Ternary && encoding_i == trine_job_pkg::EncodingTernary) begin
        from_word = {{7{word[{slot[3:0], 1'b1}]}}, word[{slot[3:0], 1'b0}]};
      end
      if (Binary && encoding_i == trine_job_pkg::EncodingBinary) from_word = 8'(word[slot]);
    end

    assign codes_o[8*d +: 8] = from_keep_i ? kept : from_word;
  end

  logic unused_place;
  assign unused_place = ^{place_i, sum_place_i, wplace_i, encoding_i};

endmodule
