// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_unpack_pair decodes what an encoder packed into the bits of a block. Short
// codes: any 16 bytes, packed with any k that can represent them. The bits after the block have no
// effect. Trits: any 64 trits, also in the fifth block, packed as base-3 numbers. Sparse words: any
// words with two bytes at ascending positions, where all other bytes are 0. Palettes: the bytes of
// the table.

module trine_unpack_pair_props (
  input logic clk_i,
  input logic rst_ni
);

  (* anyconst *) logic [127:0] data;
  (* anyconst *) logic [2:0]   k;
  (* anyconst *) logic [15:0]  behind;
  (* anyconst *) logic [1:0]   format;
  (* anyconst *) logic         kept;
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

  // ---------------------------------------------------------------------------------------------
  // Sparse words, of any places; a palette, of any codes into the bytes.
  // ---------------------------------------------------------------------------------------------
  (* anyconst *) logic [15:0] places;
  (* anyconst *) logic [63:0] colours;
  logic [63:0]                values;
  logic [127:0]               looked_up;
  logic                       are_sparse;

  always_comb begin
    are_sparse = 1'b1;
    values     = '0;
    for (int w = 0; w < 4; w++) begin
      logic [1:0] first, second;
      first      = places[4*w +: 2];
      second     = places[4*w + 2 +: 2];
      are_sparse = are_sparse && first < second;
      for (int i = 0; i < 4; i++) begin
        if (first == 2'(i))       values[16*w +: 8]     = data[32*w + 8*i +: 8];
        else if (second == 2'(i)) values[16*w + 8 +: 8] = data[32*w + 8*i +: 8];
        else are_sparse = are_sparse && data[32*w + 8*i +: 8] == 8'd0;
      end
    end
    for (int i = 0; i < 16; i++) looked_up[8*i +: 8] = data[8*32'(colours[4*i +: 4]) +: 8];
  end

  logic         is_short, is_trits, is_sparse;
  logic [146:0] bits;
  logic [127:0] data_o;
  logic [1:0]   fifth_o;

  trine_unpack_pair u_dut (
    .format_i     (format),
    .bits_i       (bits),
    .colours_i    (colours),
    .kept_i       (kept),
    .kept_trits_i (data[127:120]),
    .data_o       (data_o),
    .fifth_o      (fifth_o)
  );

  assign is_short  = format == 2'(trine_isa_pkg::DmaTargetShort);
  assign is_trits  = format == 2'(trine_isa_pkg::DmaTargetTrits);
  assign is_sparse = format == 2'(trine_isa_pkg::DmaTargetSparse);

  always_comb begin
    bits = is_short ? packed_bits : is_trits ? {43'd0, sums} :
           is_sparse ? {67'd0, places, values} : {19'd0, data};
    if (is_short)  assume (fits);
    if (is_trits)  assume (are_trits);
    if (is_sparse) assume (are_sparse);
    a_data: assert (data_o == (is_short || is_trits || is_sparse ? data : looked_up));
    if (is_trits) a_fifth: assert (fifth_o == fifth);
    c_wide:   cover (is_short && k == 3'd2 && longer == '1);
    c_sparse: cover (is_sparse && values[63:56] != 8'd0);
  end

  logic unused;
  assign unused = ^{clk_i, rst_ni};

endmodule
