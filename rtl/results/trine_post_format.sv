// SPDX-License-Identifier: Apache-2.0
//
// Rounds a number to the nearest value of an eight-bit format, E3M4 or posit<8,0>
// (spec/minifloat.h). The module is a part of trine_post_clamp. t has one bit below its unit. Ties
// round to the even code.
//
//   E3M4       a size of 32 or more keeps its five highest bits: e = length - 5 bits are dropped,
//              and bit e of t is half of the lowest kept bit
//   posit<8,0> from 64 on, each further bit of the size drops two more bits; from 2048 on, a code's
//              parity is not the parity of the multiple; only 0 becomes 0
//
// The size is the magnitude of t, and the length of a size is its number of bits. Negative values
// are complemented only to find their length: a value below -2^n is as long as 2^n.
//
// Timing    The output is combinational.
// Contract  The module that reads value_o clamps it to the largest value of the format.
// Check     trine_post_format_tb: every input, against the rule; trine_post_format_props;
//           trine_post_lane_int16_tb

module trine_post_format #(
  localparam int unsigned Bits = trine_post_pkg::FormatBits
) (
  input  logic            posit_i,
  input  logic [Bits-1:0] t_i,
  input  logic            below_i,  // bits below t are not all 0
  output logic [Bits-1:0] value_o
);

  localparam int unsigned Lengths = 14;  // lengths of sizes; longer ones are clamped

  logic               minus, rest, tie, odd_tie, nothing;
  logic [Bits-1:0]    size, dropped, half, below;
  logic [Bits:0]      wide, addend, rounded;  // one more bit for the carry
  logic [Lengths-1:0] longer;  // [n]: longer than n bits

  assign minus = t_i[Bits-1];
  assign size  = t_i ^ {Bits{minus}};

  always_comb begin
    for (int n = 0; n < Lengths; n++) longer[n] = (size >> n) != '0;
  end

  // [k]: bit k is dropped. The highest dropped bit is half of the lowest kept bit.
  always_comb begin
    dropped    = '0;
    dropped[0] = 1'b1;
    for (int k = 1; k < 12; k++) begin
      if (posit_i)              dropped[k] = longer[7 + k / 2];
      else if (k + 5 < Lengths) dropped[k] = longer[5 + k];
    end
  end

  assign below   = dropped >> 1;
  assign half    = dropped & ~below;
  assign rest    = below_i || (t_i & below) != '0;
  assign tie     = (t_i & half) != '0 && !rest;
  assign odd_tie = tie && posit_i && half[11];

  assign wide   = {minus, t_i};
  assign addend = odd_tie && !minus ? '0 : {1'b0, half};

  always_comb begin
    rounded = (wide + addend) & {2'b11, ~dropped[Bits-2:0]};
    if (tie && !odd_tie) rounded = rounded & ~({1'b0, half} << 1);
  end

  assign nothing = rounded == '0 && posit_i && (below_i || t_i != '0);
  assign value_o = nothing ? {{(Bits-1){minus}}, 1'b1}
                           : rounded[Bits:1];

endmodule
