// SPDX-License-Identifier: Apache-2.0
//
// Defines step_t: the control signals of a step, from the compute engine to the array.

package trine_matmul_pkg;

  // A step at the array's input, without its words.
  typedef struct packed {
    logic       valid;
    logic       first;     // sums restart at 0
    logic       last;      // sums go to the drain registers
    logic [1:0] mode;      // int8, ternary, binary, binary with masked lanes
    logic       window;    // four taps of each of four channels
    logic [7:0] act_zero;  // zero points of a product of two maps, else 0
    logic [7:0] wgt_zero;
  } step_t;

endpackage
