// SPDX-License-Identifier: Apache-2.0
//
// Rounds a number to the nearest value of E4M3 (spec/minifloat.h) and outputs the index of this
// value in ascending order. This index is called `place`. The module is a part of trine_post_clamp.
// t has one bit below the unit. Ties round to the even place.
//
//   place = 8 s + q, where s is the number of dropped bits, and q is the upper four bits of the
//           size (below 16 units the whole size), plus 1 if the dropped bits round up
//
// The size is the magnitude of t. If the bits below t are 0, the size of a negative t is ~t + 1.
// The 1 changes q, or the bit below q, only if all dropped bits are ones. The module therefore
// needs no adder for the 1.
//
// Timing    The output is combinational.
// Contract  The module that reads place_o clamps it to 126, the place of the largest value.
// Check     trine_post_e4m3_tb: every input, against the rule; trine_post_e4m3_props;
//           trine_post_lane_int16_tb

module trine_post_e4m3 #(
  localparam int unsigned Bits = trine_post_pkg::FormatBits  // 20
) (
  input  logic [Bits-1:0]   t_i,
  input  logic              below_i,  // bits below t are not all 0
  output logic signed [8:0] place_o
);

  logic            minus, whole, rest, ones, carry, half, up, drops_8, drops_4, drops_2, drops_1;
  logic [Bits-1:0] size;
  logic [11:0]     by_8;
  logic [7:0]      by_4;
  logic [5:0]      by_2;
  logic [4:0]      by_1;
  logic [7:0]      place;

  assign minus = t_i[Bits-1];
  assign whole = !below_i;
  assign size  = t_i ^ {Bits{minus}};

  // Five bits remain: four of q, and one below.
  assign drops_8 = size[Bits-1:12] != '0;
  assign by_8    = drops_8 ? size[Bits-1:8] : size[11:0];
  assign drops_4 = by_8[11:8] != '0;
  assign by_4    = drops_4 ? by_8[11:4] : by_8[7:0];
  assign drops_2 = by_4[7:6] != '0;
  assign by_2    = drops_2 ? by_4[7:2] : by_4[5:0];
  assign drops_1 = by_2[5];
  assign by_1    = drops_1 ? by_2[5:1] : by_2[4:0];

  // rest: the dropped bits are not all 0. ones: they are all 1.
  assign rest = (drops_8 && size[7:0] != '0) || (drops_4 && by_8[3:0] != '0) ||
                (drops_2 && by_4[1:0] != '0) || (drops_1 && by_2[0]) || minus || below_i;
  assign ones = (!drops_8 || size[7:0] == '1) && (!drops_4 || by_8[3:0] == '1) &&
                (!drops_2 || by_4[1:0] == '1) && (!drops_1 || by_2[0]);

  assign half  = by_1[0];
  assign carry = minus && whole && ones;
  assign up    = carry ? half || by_1[1] : half && (rest || by_1[1]);

  assign place   = {1'b0, drops_8, drops_4, drops_2, drops_1, 3'd0} + {4'd0, by_1[4:1]} +
                   {7'd0, up};
  assign place_o = minus ? -$signed({1'b0, place}) : $signed({1'b0, place});

endmodule
