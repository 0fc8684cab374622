// SPDX-License-Identifier: Apache-2.0
//
// Assembles the int32 words of up to three taps from the byte slots of a vector lane. With third_i,
// the upper row of a pair adds the words up.
//
//   word = first + 2^8 second (with fifth_i also + 2^16 third), the lower 32 bits of this sum
//   above_o, of the word that entered last: in an upper row bits 39:32 of the sum, in a lower row
//            the low half of the third word
//
// Timing    word_o is combinational. above_o is a register that enters_i loads.
// Check     trine_post_tb; random_program_test (whole core)

module trine_lane_words #(
  parameter bit Formats = 1'b0,  // sums of several words
  parameter bit Upper   = 1'b0
) (
  input  logic        clk_i,
  input  logic        third_i,
  input  logic        fifth_i,
  input  logic        enters_i,
  input  logic [95:0] slots_i,
  output logic [31:0] word_o,
  output logic [15:0] above_o
);

  logic [31:0] first, second, third;

  always_comb begin
    for (int unsigned b = 0; b < 4; b++) begin
      first[8*b +: 8]  = slots_i[24*b +: 8];
      second[8*b +: 8] = slots_i[24*b + 8 +: 8];
      third[8*b +: 8]  = slots_i[24*b + 16 +: 8];
    end
  end

  if (Formats && Upper) begin : gen_sum
    logic [39:0] later, sum;
    logic [7:0]  above_q;
    logic        unused_third;

    assign later = {second, 8'd0} + (fifth_i ? {third[23:0], 16'd0} : '0);
    assign sum   = 40'($signed(first)) + later;

    always_ff @(posedge clk_i) if (enters_i) above_q <= sum[39:32];

    assign word_o       = third_i ? sum[31:0] : first;
    assign above_o      = {8'd0, above_q};
    assign unused_third = ^third[31:24];
  end else if (Formats) begin : gen_lower
    logic [15:0] above_q;
    logic        unused_words;

    always_ff @(posedge clk_i) if (enters_i) above_q <= third[15:0];

    assign word_o       = first;
    assign above_o      = above_q;
    assign unused_words = ^{third_i, fifth_i, second, third[31:16]};
  end else begin : gen_one
    logic unused_words;
    assign word_o       = first;
    assign above_o      = '0;
    assign unused_words = ^{clk_i, third_i, fifth_i, enters_i, second, third};
  end

endmodule
