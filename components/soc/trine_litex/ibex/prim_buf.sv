// SPDX-License-Identifier: Apache-2.0
//
// A wire with the name of the buffer that ibex instantiates to keep synthesis from changing a net.

module prim_buf #(
  parameter int Width = 1
) (
  input  logic [Width-1:0] in_i,
  output logic [Width-1:0] out_o
);

  assign out_o = in_i;

endmodule
