// SPDX-License-Identifier: Apache-2.0
//
// Proves trine_ecc_encode and trine_ecc_decode for all data. A word without errors decodes to the
// data. A word with a single error decodes to the data and is reported as corrected. A word with
// two errors is reported as fatal.
//
// Positions 0 .. 38 of a flip are the bits of the stored word. Two flips at equal positions are a
// single flip.

module trine_ecc_props (
  input logic [31:0] data_i,
  input logic [5:0]  one_i,
  input logic [5:0]  two_i,
  input logic        none_i
);

  logic [38:0] stored, flips;
  logic [31:0] data;
  logic        corrected, fatal;

  trine_ecc_encode u_encode (
    .data_i (data_i),
    .word_o (stored)
  );

  assign flips = none_i ? '0 : (39'd1 << one_i) | (39'd1 << two_i);

  trine_ecc_decode u_decode (
    .word_i      (stored ^ flips),
    .data_o      (data),
    .corrected_o (corrected),
    .fatal_o     (fatal)
  );

  always_comb begin
    assume (one_i < 6'd39 && two_i < 6'd39);
    a_data:  assert (stored[31:0] == data_i);
    if (none_i) begin
      a_none: assert (data == data_i && !corrected && !fatal);
    end else if (one_i == two_i) begin
      a_single: assert (data == data_i && corrected && !fatal);
    end else begin
      a_double: assert (!corrected && fatal);
    end
  end

endmodule
