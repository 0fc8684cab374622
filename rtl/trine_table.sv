// SPDX-License-Identifier: Apache-2.0
//
// Table of one lane: 256 entries, of codes (lookup) or of 32 bits (exponentials).
//
//   entry_o = table[code_i], code_i taken as unsigned: entries 128..255 belong to codes -128..-1
//
// A beat of entries is written at once, the lowest in its lowest bits.
//
// Timing    a lookup answers one cycle later and holds until the next one.
// Contract  no lookup in the cycle of a write (its answer would be the one before).
//
// Check     tb/trine_post_tb.cpp, tb/trine_vector_tb.cpp

module trine_table #(
  parameter int unsigned DataWords = 2,  // power of two, 2..16
  parameter int unsigned EntryBits = 8,  // power of two, 8..32
  localparam int unsigned DataBits = 32 * DataWords,
  localparam int unsigned Depth    = 256 * EntryBits / DataBits,
  localparam int unsigned AddrBits = $clog2(Depth)
) (
  input  logic                clk_i,

  input  logic                en_i,
  input  logic [7:0]          code_i,
  output logic [EntryBits-1:0] entry_o,

  input  logic                we_i,
  input  logic [AddrBits-1:0] addr_i,
  input  logic [DataBits-1:0] wdata_i
);

  localparam int unsigned PlaceBits  = 8 - AddrBits;  // of an entry in its beat
  localparam int unsigned EntryShift = $clog2(EntryBits);

  logic [PlaceBits-1:0] place_q;
  logic [DataBits-1:0]  beat;

  always_ff @(posedge clk_i) begin
    if (en_i) place_q <= code_i[PlaceBits-1:0];
  end

  trine_sram #(.Width(DataBits), .Depth(Depth), .MaskBits(DataBits)) u_entries (
    .clk_i,
    .en_i    (en_i || we_i),
    .we_i    (we_i),
    .addr_i  (we_i ? addr_i : code_i[7:PlaceBits]),
    .mask_i  ('1),
    .wdata_i (wdata_i),
    .rdata_o (beat)
  );

  assign entry_o = beat[{place_q, {EntryShift{1'b0}}} +: EntryBits];

endmodule
