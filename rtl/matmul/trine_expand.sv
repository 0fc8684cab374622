// SPDX-License-Identifier: Apache-2.0
//
// Expands packed weights on their way into the array: part p of each column's word becomes four
// int8 values.
//
//   bits_i 0: the word unchanged
//   bits_i 1, ternary: values 4p .. 4p+3 of 16, 2 bits each, as in trine_dot   -> -1, 0, +1
//   bits_i 2, binary:  values 4p .. 4p+3 of 32, 1 is +1 and 0 is -1            -> -1, +1
//   bits_i 4, int4:    values 4p .. 4p+3 of 8, in two's complement
//   bits_i 3, window:  columns 0 to 3 get words 4p .. 4p+3 of the row, for the four channels of a
//                      depthwise convolution; the other columns are not used
//
// Timing    The output is combinational: a multiplexer of the word's parts, and one of the
//           packings.
// Contract  bits_i is 0 if the configuration does not support the precision. part_i < 4 for
//           ternary, part_i < 2 for int4.
//
// Check     trine_expand_tb, random_program_test

module trine_expand #(
  parameter int unsigned Cols    = 8,
  parameter bit          Ternary = 1'b1,
  parameter bit          Binary  = 1'b1,
  parameter bit          Int4    = 1'b1,
  parameter int unsigned Parts   = 1  // parts of a depthwise row, 1..8
) (
  input  logic [2:0]         bits_i,
  input  logic [2:0]         part_i,
  input  logic [Cols*32-1:0] packed_i,
  output logic [Cols*32-1:0] weights_o
);

  for (genvar c = 0; c < Cols; c++) begin : gen_col
    logic [31:0] word, block;
    logic [7:0]  ternary;
    logic [3:0]  binary;
    logic [15:0] nibbles;

    assign word    = packed_i[c*32 +: 32];
    assign ternary = word[{part_i[1:0], 3'd0} +: 8];
    assign binary  = word[{part_i, 2'd0} +: 4];
    assign nibbles = word[{part_i[0], 4'd0} +: 16];

    if (Parts > 1 && c < 4) begin : gen_block
      always_comb begin
        block = word;
        for (int unsigned p = 1; p < Parts; p++) begin
          if (part_i == 3'(p)) block = packed_i[(4*p + c)*32 +: 32];
        end
      end
    end else begin : gen_no_block
      assign block = word;
    end

    for (genvar i = 0; i < 4; i++) begin : gen_lane
      always_comb begin
        weights_o[c*32 + 8*i +: 8] = word[8*i +: 8];
        if (Ternary && bits_i == 3'd1) begin
          weights_o[c*32 + 8*i +: 8] = {{7{ternary[2*i+1] && ternary[2*i]}}, ternary[2*i]};
        end
        if (Binary && bits_i == 3'd2) begin
          weights_o[c*32 + 8*i +: 8] = {{7{!binary[i]}}, 1'b1};
        end
        if (Int4 && bits_i == 3'd4) begin
          weights_o[c*32 + 8*i +: 8] = 8'($signed(nibbles[4*i +: 4]));
        end
        if (Parts > 1 && c < 4 && bits_i == 3'd3) begin
          weights_o[c*32 + 8*i +: 8] = block[8*i +: 8];
        end
      end
    end
  end

  logic unused_expand;  // unused without the precision
  assign unused_expand = ^{bits_i, part_i, gen_col[0].block};

endmodule
