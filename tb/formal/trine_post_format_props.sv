// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_post_format gives each number its nearest value of the format, by the
// definitions of the codes. Codes are decoded here: E3M4 from exponent and mantissa, a posit from
// its run of equal bits. The border between two codes is the middle between their values. Between
// two posits, it is the posit with one more bit. A number above a code's upper border has a larger
// value. A number below it does not have a larger value. A number on the border has the even code's
// value. A number that equals the value of a code is therefore unchanged, and no number except 0
// becomes the posit 0.
//
// Sizes are in 256ths of 1, so a unit is four of them.

module trine_post_format_props (
  input logic        posit_i,
  input logic [19:0] t_i,
  input logic        below_i,
  input logic [6:0]  code_i
);

  localparam logic [6:0] LastE3m4 = 7'd111, LastPosit = 7'd127;

  logic signed [19:0] value;
  logic signed [21:0] number;
  logic        [21:0] size, found, most, here, next, border, largest;
  logic [6:0]         last;

  trine_post_format u_dut (
    .posit_i (posit_i),
    .t_i     (t_i),
    .below_i (below_i),
    .value_o (value)
  );

  function automatic [21:0] e3m4(input [6:0] code);
    e3m4 = code[6:4] == 3'd0 ? {16'd0, code[3:0], 2'd0}
                             : {17'd0, 1'b1, code[3:0]} << ({1'b0, code[6:4]} + 4'd1);
  endfunction

  // A positive posit of nine bits without exponent bits; one of eight has a 0 appended.
  function automatic [21:0] posit(input [7:0] code);
    reg [3:0] run;
    reg       ended;
    reg [7:0] fraction;
    run   = '0;
    ended = 1'b0;
    for (int i = 7; i >= 0; i--) begin
      if (code[i] != code[7]) ended = 1'b1;
      if (!ended) run = run + 4'd1;
    end
    fraction = code << (run + 4'd1);
    posit    = code == '0 ? '0
               : code[7]  ? {13'd0, 1'b1, fraction} << (run - 4'd1)
                          : {13'd0, 1'b1, fraction} >> run;
  endfunction

  assign last    = posit_i ? LastPosit : LastE3m4;
  assign here    = posit_i ? posit({code_i, 1'b0}) : e3m4(code_i);
  assign next    = posit_i ? posit({code_i + 7'd1, 1'b0}) : e3m4(code_i + 7'd1);
  assign border  = !posit_i ? (here + next) >> 1 : code_i == '0 ? '0 : posit({code_i, 1'b1});
  assign largest = posit_i ? posit({LastPosit, 1'b0}) : e3m4(LastE3m4);

  assign number = $signed({t_i[19], t_i, below_i});
  assign size   = number[21] ? -number : number;
  assign found  = (value[19] ? -$unsigned({value[19], value[19], value}) : {2'b00, value}) << 2;
  assign most   = found > largest ? largest : found;  // the reader's clamp

  always_comb begin
    assume (code_i <= last);
    a_sign: assert (number == '0 ? value == '0 : value == '0 || value[19] == number[21]);
    if (code_i != last) begin
      a_order: assert (here < border || code_i == '0);
      a_above: assert (size <= border || most >= next);
      a_below: assert (size >= border || most <= here);
      a_tie:   assert (size != border || size == '0 || most == (code_i[0] ? next : here));
    end
    a_same: assert (size != here || most == here);
  end

endmodule
