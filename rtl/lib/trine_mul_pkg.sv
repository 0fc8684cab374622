// SPDX-License-Identifier: Apache-2.0
//
// Defines the codes of parameter Multiplier: products by the `*` operator or as radix-4 Booth rows.
// trine_dot, trine_mul and all modules that contain them have this parameter, up to the top. Both
// codes give the same results, bit by bit.

package trine_mul_pkg;

  localparam int Operator = 0;  // `*`: simulation, FPGAs, tools with datapath generators
  // radix-4 Booth rows in one sum: a third smaller than `*` after Yosys
  localparam int Booth    = 1;

endpackage
