// SPDX-License-Identifier: Apache-2.0
//
// Checks whether a burst is inside the window of allowed byte addresses, from first_i to last_i
// inclusive.
//
// Timing    The output is combinational.
// Contract  The burst does not cross a 4 KiB boundary.
// Check     trine_window_tb, trine_control_tb, trine_window_props

module trine_window #(
  parameter int unsigned AddrBits  = 32,
  parameter int unsigned BeatBytes = 8
) (
  input  logic [AddrBits-1:0] first_i,
  input  logic [AddrBits-1:0] last_i,
  input  logic [AddrBits-1:0] addr_i,  // address of the burst's first byte, a multiple of BeatBytes
  input  logic [7:0]          len_i,   // beats - 1
  output logic                inside_o
);

  localparam int unsigned BeatShift = $clog2(BeatBytes);

  logic [11:BeatShift] last_beat;
  logic [AddrBits-1:0] end_addr;

  assign last_beat = addr_i[11:BeatShift] + (12 - BeatShift)'(len_i);
  assign end_addr  = {addr_i[AddrBits-1:12], last_beat, {BeatShift{1'b1}}};
  logic unused_len;  // of bursts that cross a page
  assign unused_len = ^len_i;

  assign inside_o  = addr_i >= first_i && end_addr <= last_i;

endmodule
