// SPDX-License-Identifier: Apache-2.0
//
// trine_unpack_pair: what the bits of a block are made of comes out again. Of short codes: any 16
// bytes, packed with any k that has them; what lies behind the block does not matter. Of trits: any
// 64 and the fifth block's, packed as sums of their digits.

module trine_unpack_pair_props (
  input logic clk_i,
  input logic rst_ni
);

  (* anyconst *) logic [127:0] data;
  (* anyconst *) logic [2:0]   k;
  (* anyconst *) logic [15:0]  behind;
  (* anyconst *) logic         trits, kept;
  (* anyconst *) logic [1:0]   fifth;

  // ---------------------------------------------------------------------------------------------
  // Short codes: folded, and packed bit by bit.
  // ---------------------------------------------------------------------------------------------
  logic [146:0] packed_bits;
  logic [15:0]  longer, twos;
  logic         fits;

  always_comb begin
    packed_bits        = '0;
    packed_bits[2:0]   = k;
    twos               = behind;
    fits               = 1'b1;
    for (int i = 15; i >= 0; i--) begin
      logic [7:0] folded, above;
      folded    = {data[8*i +: 7], 1'b0} ^ {8{data[8*i + 7]}};
      above     = folded >> k;
      longer[i] = above != 8'd0;
      fits      = fits && above <= 8'd2;
      if (above != 8'd0) twos = {twos[14:0], above == 8'd2};
      for (int j = 0; j < 7; j++) packed_bits[19 + 16*j + i] = folded[j];
    end
    packed_bits[18:3] = longer;
    if (k != 3'd7) packed_bits[19 + 16*k +: 16] = twos;
  end

  // ---------------------------------------------------------------------------------------------
  // Trits.
  // ---------------------------------------------------------------------------------------------
  logic [103:0] sums;
  logic [129:0] codes;
  logic         are_trits;

  assign codes = {fifth, data};

  always_comb begin
    are_trits = 1'b1;
    for (int b = 0; b < 13; b++) begin
      logic [7:0] sum;
      sum = 8'd0;
      for (int t = 4; t >= 0; t--) begin
        are_trits = are_trits && codes[10*b + 2*t +: 2] != 2'b10;
        sum       = 8'(3 * sum) + (codes[10*b + 2*t + 1] ? 8'd2 : {7'd0, codes[10*b + 2*t]});
      end
      sums[8*b +: 8] = sum;
    end
  end

  logic [127:0] data_o;
  logic [1:0]   fifth_o;

  trine_unpack_pair u_dut (
    .bits_i       (trits ? {43'd0, sums} : packed_bits),
    .trits_i      (trits),
    .kept_i       (kept),
    .kept_trits_i (data[127:120]),
    .data_o       (data_o),
    .fifth_o      (fifth_o)
  );

  always_comb begin
    assume (trits ? are_trits : fits);
    a_data: assert (data_o == data);
    if (trits) a_fifth: assert (fifth_o == fifth);
    c_wide: cover (!trits && k == 3'd2 && longer == '1);
  end

  logic unused;
  assign unused = ^{clk_i, rst_ni};

endmodule
