// SPDX-License-Identifier: Apache-2.0
//
// Stores the table of one lane: 256 entries, of codes (lookup) or of 32 bits (exponentials). The
// memory is as wide as an entry.
//
//   entry_o = table[code_i], code_i unsigned: entries 128..255 belong to codes -128..-1
//
// Timing    A lookup is answered one cycle later. The entry holds until the next lookup.
// Contract  There is no lookup in the cycle of a write. Its answer would be the previous entry.
//
// Check     trine_post_tb, trine_vector_tb

module trine_table #(
  parameter int unsigned EntryBits = 8
) (
  input  logic                 clk_i,

  input  logic                 en_i,
  input  logic [7:0]           code_i,
  output logic [EntryBits-1:0] entry_o,

  // Write of an entry.
  input  logic                 we_i,
  input  logic [7:0]           addr_i,
  input  logic [EntryBits-1:0] wdata_i
);

  trine_sram #(.Width(EntryBits), .Depth(256), .MaskBits(EntryBits)) u_entries (
    .clk_i,
    .en_i    (en_i || we_i),
    .we_i,
    .addr_i  (we_i ? addr_i : code_i),
    .mask_i  ('1),
    .wdata_i,
    .rdata_o (entry_o)
  );

endmodule
