// SPDX-License-Identifier: Apache-2.0
//
// The cores of a cluster that a copy concerns: those whose bit is set, all where none is; and the
// first of them.
//
// Timing    combinational.
// Check     random_program_test

module trine_dma_core #(
  parameter int unsigned Cores = 1,
  localparam int unsigned CoreBits = Cores > 1 ? $clog2(Cores) : 1
) (
  input  logic [7:0]          cores_i,
  output logic [Cores-1:0]    cores_o,
  output logic [CoreBits-1:0] first_o
);

  assign cores_o = Cores == 1 || cores_i[Cores-1:0] == '0 ? '1 : cores_i[Cores-1:0];

  always_comb begin
    first_o = '0;
    for (int unsigned c = Cores; c > 0; c--) begin
      if (cores_o[c-1]) first_o = CoreBits'(c - 1);
    end
  end

  logic unused_cores;
  assign unused_cores = ^cores_i;

endmodule
