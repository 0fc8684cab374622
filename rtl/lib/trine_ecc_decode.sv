// SPDX-License-Identifier: Apache-2.0
//
// Decodes a stored word (trine_ecc_pkg): corrects one wrong bit and detects two. The syndrome has
// these cases:
//
//   0                        no error
//   a column, or a single 1  corrected_o: a data or check bit was wrong
//   anything else            fatal_o: two or more bits are wrong; data_o is not corrected
//
// Timing    The outputs are combinational: check bits, a comparison with a column, an inversion.
// Check     trine_ecc_decode_tb, trine_ecc_props

module trine_ecc_decode (
  input  logic [trine_ecc_pkg::WordBits-1:0] word_i,
  output logic [31:0]                         data_o,
  output logic                                corrected_o,
  output logic                                fatal_o
);

  localparam int unsigned CheckBits = trine_ecc_pkg::CheckBits;

  logic [trine_ecc_pkg::WordBits-1:0] again;
  logic [CheckBits-1:0]                syndrome;
  logic [31:0]                         wrong;

  trine_ecc_encode u_encode (
    .data_i (word_i[31:0]),
    .word_o (again)
  );

  assign syndrome = again[32 +: CheckBits] ^ word_i[32 +: CheckBits];

  for (genvar d = 0; d < 32; d++) begin : gen_bit
    assign wrong[d] = syndrome == trine_ecc_pkg::Columns[CheckBits*d +: CheckBits];
  end

  assign data_o      = word_i[31:0] ^ wrong;
  assign corrected_o = wrong != '0 || $onehot(syndrome);
  assign fatal_o     = syndrome != '0 && !corrected_o;

  logic unused_data;
  assign unused_data = ^again[31:0];

endmodule
