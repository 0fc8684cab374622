// SPDX-License-Identifier: Apache-2.0
//
// Lookup table of one lane: 256 codes.
//
//   code_o = table[code_i], code_i taken as unsigned: entries 128..255 belong to codes -128..-1
//
// A beat of 4 * DataWords entries is written at once, the lowest in its lowest byte.
//
// Timing    a lookup answers one cycle later and holds until the next one.
// Contract  no lookup in the cycle of a write (its answer would be the one before).
//
// Check     tb/trine_post_tb.cpp

module trine_table #(
  parameter int unsigned DataWords = 2,  // power of two, 2..16
  localparam int unsigned DataBits = 32 * DataWords,
  localparam int unsigned Depth    = trine_isa_pkg::TableWords / DataWords,
  localparam int unsigned AddrBits = $clog2(Depth)
) (
  input  logic                clk_i,

  input  logic                en_i,
  input  logic [7:0]          code_i,
  output logic [7:0]          code_o,

  input  logic                we_i,
  input  logic [AddrBits-1:0] addr_i,
  input  logic [DataBits-1:0] wdata_i
);

  localparam int unsigned PlaceBits = 8 - AddrBits;  // of an entry in its beat

  logic [PlaceBits-1:0] place_q;
  logic [DataBits-1:0]  beat;

  always_ff @(posedge clk_i) begin
    if (en_i) place_q <= code_i[PlaceBits-1:0];
  end

  trine_sram #(.Width(DataBits), .Depth(Depth)) u_entries (
    .clk_i,
    .en_i    (en_i || we_i),
    .we_i    (we_i),
    .addr_i  (we_i ? addr_i : code_i[7:PlaceBits]),
    .mask_i  ('1),
    .wdata_i (wdata_i),
    .rdata_o (beat)
  );

  assign code_o = beat[{place_q, 3'd0} +: 8];

endmodule
