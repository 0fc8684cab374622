// SPDX-License-Identifier: Apache-2.0
//
// Decodes a byte of five base-3 digits, the lowest digit first, into five trits of two bits. Digits
// 0, 1 and 2 become 00, 01 and 11 (-1). Bytes above 242 are invalid, and trits_o is then undefined.
//
// Timing    The output is combinational.
// Check     trine_unpack_tb

module trine_trits (
  input  logic [7:0] byte_i,
  output logic [9:0] trits_o
);

  // The remainders after subtracting each digit, from the highest digit down.
  logic [7:0] left4, left3, left2, left1;
  logic [1:0] digit [5];

  always_comb begin
    digit[4] = byte_i >= 8'd162 ? 2'd2 : byte_i >= 8'd81 ? 2'd1 : 2'd0;
    left4    = byte_i - (digit[4][1] ? 8'd162 : digit[4][0] ? 8'd81 : 8'd0);
    digit[3] = left4 >= 8'd54 ? 2'd2 : left4 >= 8'd27 ? 2'd1 : 2'd0;
    left3    = left4 - (digit[3][1] ? 8'd54 : digit[3][0] ? 8'd27 : 8'd0);
    digit[2] = left3 >= 8'd18 ? 2'd2 : left3 >= 8'd9 ? 2'd1 : 2'd0;
    left2    = left3 - (digit[2][1] ? 8'd18 : digit[2][0] ? 8'd9 : 8'd0);
    digit[1] = left2 >= 8'd6 ? 2'd2 : left2 >= 8'd3 ? 2'd1 : 2'd0;
    left1    = left2 - (digit[1][1] ? 8'd6 : digit[1][0] ? 8'd3 : 8'd0);
    digit[0] = left1[1:0];
    for (int unsigned i = 0; i < 5; i++) begin
      trits_o[2*i +: 2] = {digit[i][1], digit[i] != 2'd0};
    end
  end

  logic unused_left;
  assign unused_left = ^left1;

endmodule
