// SPDX-License-Identifier: Apache-2.0
//
// Decodes a block of a packed weight stream into sixteen bytes of PMEM. spec/packed.h specifies the
// four formats.
//
//   short codes  The block contains k in bits [2:0], the mask `longer` in bits [18:3], k bit planes
//                of 16 bits, and one extra bit for each byte in `longer`. The lowest k bits of byte
//                i are bit i of the planes. The bits above are 0 or, for a byte in `longer`, 1 plus
//                the extra bit. With k = 7 there are no extra bits. The decoded numbers 0, 1, 2,
//                ... represent the codes 0, -1, 1, ...
//   trits        A byte contains five base-3 digits, which represent 0, 1 and -1. Twelve bytes give
//                the first 60 trits. In four of five blocks, a 13th byte gives the last four trits
//                and a fifth trit, which is kept. The fifth block has no 13th byte: the four kept
//                trits are its last four trits.
//   sparse       The block contains two bytes for each of four words, then the two-bit position of
//                each byte in its word. All other bytes are 0.
//   palette      The block contains four-bit codes, which index a table of 16 bytes. The stream's
//                first block is the table.
//
// Timing    The output is combinational.
// Check     trine_unpack_tb

module trine_unpack_pair (
  input  logic [1:0]   format_i,       // the target's lowest bits
  input  logic [146:0] bits_i,         // palette: the table
  input  logic [63:0]  colours_i,      // palette: the codes
  input  logic         kept_i,         // the last four trits are kept_trits_i
  input  logic [7:0]   kept_trits_i,
  output logic [127:0] data_o,
  output logic [1:0]   fifth_o         // trit of the 13th byte
);

  logic is_short, is_trits, is_sparse, is_palette;

  assign is_short   = format_i == 2'(trine_isa_pkg::DmaTargetShort);
  assign is_trits   = format_i == 2'(trine_isa_pkg::DmaTargetTrits);
  assign is_sparse  = format_i == 2'(trine_isa_pkg::DmaTargetSparse);
  assign is_palette = format_i == 2'(trine_isa_pkg::DmaTargetPalette);

  // ---------------------------------------------------------------------------------------------
  // Short codes; zeros for other formats.
  // ---------------------------------------------------------------------------------------------
  logic [2:0]   k;
  logic [15:0]  longer, twice, left;
  logic [127:0] body, codes;
  logic [7:0]   below, at_k, above;  // bits of a code

  assign k      = bits_i[2:0];
  assign at_k   = {7'd0, is_short} << k;
  assign below  = is_short ? (8'd1 << k) - 8'd1 : 8'd0;
  assign above  = {at_k[6:0], 1'b0};
  assign longer = bits_i[18:3];
  assign body   = bits_i[146:19];

  always_comb begin
    left = k == 3'd7 ? 16'd0 : body[16*k +: 16];
    for (int unsigned i = 0; i < 16; i++) begin
      twice[i] = longer[i] && left[0];
      if (longer[i]) left = left >> 1;
    end
  end

  for (genvar i = 0; i < 16; i++) begin : gen_code
    logic [7:0] folded;

    for (genvar j = 0; j < 8; j++) begin : gen_bit
      assign folded[j] = (below[j] && body[16*j + i]) || (at_k[j] && longer[i] && !twice[i]) ||
                         (above[j] && twice[i]);
    end
    assign codes[8*i +: 8] = {1'b0, folded[7:1]} ^ {8{folded[0]}};
  end

  // ---------------------------------------------------------------------------------------------
  // Trits.
  // ---------------------------------------------------------------------------------------------
  logic [129:0] trits;

  for (genvar b = 0; b < 13; b++) begin : gen_byte
    trine_trits u_trits (
      .byte_i  (bits_i[8*b +: 8]),
      .trits_o (trits[10*b +: 10])
    );
  end

  assign fifth_o = trits[129:128];

  // ---------------------------------------------------------------------------------------------
  // Sparse words and palettes: a byte is the OR of the selected bytes; zeros for other formats.
  // ---------------------------------------------------------------------------------------------
  logic [127:0] words, looked_up;

  always_comb begin
    for (int unsigned i = 0; i < 16; i++) begin
      words[8*i +: 8] = 8'd0;
      for (int unsigned n = 0; n < 2; n++) begin
        words[8*i +: 8] |= bits_i[8*(i/4*2 + n) +: 8] &
                           {8{is_sparse && bits_i[64 + 4*(i/4) + 2*n +: 2] == 2'(i)}};
      end
    end
  end

  always_comb begin
    for (int unsigned i = 0; i < 16; i++) begin
      looked_up[8*i +: 8] = 8'd0;
      for (int unsigned n = 0; n < 16; n++) begin
        looked_up[8*i +: 8] |= bits_i[8*n +: 8] &
                               {8{is_palette && colours_i[4*i +: 4] == 4'(n)}};
      end
    end
  end

  assign data_o = codes | words | looked_up |
                  ({kept_i ? kept_trits_i : trits[127:120], trits[119:0]} & {128{is_trits}});

endmodule
