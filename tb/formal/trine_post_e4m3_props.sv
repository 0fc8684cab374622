// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_post_e4m3 gives each number the place of its nearest value, by the definition
// of the codes. Codes are decoded here, from exponent and mantissa. The border between two codes is
// the middle between their values. A number above a code's upper border has a higher place. A
// number below it does not have a higher place. A number on the border has the even place. A number
// that equals the value of a code therefore has the place of that code.
//
// Sizes are in quarters of a unit.

module trine_post_e4m3_props (
  input logic [19:0] t_i,
  input logic        below_i,
  input logic [6:0]  code_i
);

  localparam logic [6:0] Last = 7'd126;

  logic signed [8:0]  place;
  logic signed [21:0] number;
  logic        [21:0] size, here, next, border;
  logic        [8:0]  found, most;

  trine_post_e4m3 u_dut (
    .t_i     (t_i),
    .below_i (below_i),
    .place_o (place)
  );

  function automatic [21:0] e4m3(input [6:0] code);
    e4m3 = code[6:3] == 4'd0 ? {17'd0, code[2:0], 2'd0}
                             : {18'd0, 1'b1, code[2:0]} << ({1'b0, code[6:3]} + 5'd1);
  endfunction

  assign here   = e4m3(code_i);
  assign next   = e4m3(code_i + 7'd1);
  assign border = (here + next) >> 1;
  assign number = $signed({t_i[19], t_i, below_i});
  assign size   = number[21] ? -number : number;
  assign found  = place[8] ? -$unsigned(place) : place;
  assign most   = found > {2'd0, Last} ? {2'd0, Last} : found;  // the reader's clamp

  always_comb begin
    assume (code_i <= Last);
    a_sign: assert (place == '0 || place[8] == number[21]);
    if (code_i != Last) begin
      a_order: assert (here < border);
      a_above: assert (size <= border || most > {2'd0, code_i});
      a_below: assert (size >= border || most <= {2'd0, code_i});
      a_tie:   assert (size != border || most == {2'd0, code_i} + {8'd0, code_i[0]});
    end
    a_same: assert (size != here || most == {2'd0, code_i});
  end

endmodule
