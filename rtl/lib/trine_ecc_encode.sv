// SPDX-License-Identifier: Apache-2.0
//
// Appends seven check bits to a 32-bit word (trine_ecc_pkg).
//
// Timing    The output is combinational. Each check bit is the XOR of 13 or 14 bits.
// Check     trine_ecc_encode_tb, trine_ecc_props

module trine_ecc_encode (
  input  logic [31:0]                         data_i,
  output logic [trine_ecc_pkg::WordBits-1:0] word_o
);

  localparam int unsigned CheckBits = trine_ecc_pkg::CheckBits;

  logic [CheckBits-1:0] check;

  always_comb begin
    check = '0;
    for (int unsigned d = 0; d < 32; d++) begin
      if (data_i[d]) check = check ^ trine_ecc_pkg::Columns[CheckBits*d +: CheckBits];
    end
  end

  assign word_o = {check, data_i};

endmodule
