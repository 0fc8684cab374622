// SPDX-License-Identifier: Apache-2.0
//
// What an engine tells the post unit about its instruction: registers 10 to 15 and flags, as
// docs/architecture.md names them.

package trine_post_pkg;

  // What becomes of a job's values.
  localparam logic [1:0] KindRequant = 2'd0;  // requantize
  localparam logic [1:0] KindAdd     = 2'd1;  // add two codes
  localparam logic [1:0] KindFused   = 2'd2;  // requantize, then add the residual
  localparam logic [1:0] KindDirect  = 2'd3;  // whole words, as they are

  typedef struct packed {
    logic [1:0]  kind;
    logic        single;        // one rounding
    logic        static_scale;  // multiplier and shift from here, not from the scale memory
    logic        static_bias;   // bias from here, not from the bias memory
    logic [7:0]  zero_point;
    logic [7:0]  act_min;
    logic [7:0]  act_max;
    logic [31:0] bias;
    logic [30:0] multiplier;
    logic [5:0]  shift;
    logic [30:0] add_operand_multiplier;
    logic [5:0]  add_operand_shift;
    logic        add_a_is_half;
    logic [7:0]  add_zero_a;
    logic [7:0]  add_zero_b;
    logic [30:0] add_multiplier;
    logic [5:0]  add_shift;
    logic [7:0]  add_zero_point;
    logic [7:0]  add_act_min;
    logic [7:0]  add_act_max;
    logic [23:0] residual_delta;
    logic [23:0] out_plane;
    logic [15:0] param;
    logic [15:0] channels;
    logic [1:0]  first_byte;
  } cfg_t;

endpackage
