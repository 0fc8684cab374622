// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_window reports a burst as inside exactly if its first byte and its last byte
// are inside. The reference computes both addresses without wrapping. The proof assumes that the
// burst does not cross a 4 KiB boundary.

module trine_window_props #(
  parameter int unsigned AddrBits  = 20,
  parameter int unsigned BeatBytes = 8
) (
  input logic [AddrBits-1:0] first_i,
  input logic [AddrBits-1:0] last_i,
  input logic [AddrBits-1:0] addr_i,
  input logic [7:0]          len_i
);

  localparam int unsigned Wide = AddrBits + 2;

  logic            inside;
  logic [Wide-1:0] last_byte;

  trine_window #(
    .AddrBits  (AddrBits),
    .BeatBytes (BeatBytes)
  ) u_dut (
    .first_i  (first_i),
    .last_i   (last_i),
    .addr_i   (addr_i),
    .len_i    (len_i),
    .inside_o (inside)
  );

  assign last_byte = Wide'(addr_i) + (Wide'(len_i) + Wide'(1)) * Wide'(BeatBytes) - Wide'(1);

  always_comb begin
    assume (addr_i % AddrBits'(BeatBytes) == '0);
    assume (last_byte[Wide-1:12] == Wide'(addr_i) >> 12);
    a_inside: assert (inside == (addr_i >= first_i && last_byte <= Wide'(last_i)));
  end

endmodule
