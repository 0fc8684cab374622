// SPDX-License-Identifier: Apache-2.0
//
// Recodes a weight word into radix-4 Booth digits, once for all PEs of a column. With Booth rows,
// trine_dot uses these digits instead of the word.
//
//   digits_o = {two, word}: digit k is (word[2k] + 2 * two[k]) * (word[2k+1] ? -1 : +1)
//
//   int8             digit k of a byte w is w[2k-1] + w[2k] - 2 * w[2k+1] with w[-1] = 0, so
//                    word[2k] = w[2k] ^ w[2k-1], and odd bits stay as they are
//   ternary, binary  word = word_i
//
// The odd bits are unchanged. Recoding the word in digits_o therefore gives word_i again.
//
// Timing    The output is combinational.
// Check     trine_dot_tb, trine_array_tb with Booth rows; trine_dot_props

module trine_booth_digits #(
  parameter bit Int8    = 1'b1,
  parameter bit Ternary = 1'b1,
  parameter bit Binary  = 1'b1
) (
  input  logic [1:0]  mode_i,
  input  logic [31:0] word_i,
  output logic [47:0] digits_o
);

  localparam logic [31:0] Joined = 32'h5454_5454;  // even bits that have a bit below in their byte

  logic        int8;
  logic [31:0] word;
  logic [15:0] two;

  assign int8 = Int8 && ((!Ternary && !Binary) || mode_i == 2'd0);
  assign word = word_i ^ ({word_i[30:0], 1'b0} & Joined & {32{int8}});

  always_comb begin
    for (int unsigned k = 0; k < 16; k++) begin
      two[k] = (word_i[2*k+1] ^ word_i[2*k]) & ~word[2*k];
    end
  end

  assign digits_o = {two, word};

endmodule
