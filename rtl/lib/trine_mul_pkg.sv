// SPDX-License-Identifier: Apache-2.0
//
// Bodies of the multipliers: parameter Multiplier of trine_dot, trine_mul and all that hold them,
// up to the top. All give the same bits.

package trine_mul_pkg;

  localparam int Operator = 0;  // `*`: simulation, FPGAs, tools with datapath generators
  // radix-4 Booth rows in one sum: Yosys makes of them a third less than of `*`
  localparam int Booth    = 1;

endpackage
