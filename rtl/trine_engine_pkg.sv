// SPDX-License-Identifier: Apache-2.0
//
// What control and the four engines (trine_isa_pkg::Engine...) tell each other.

package trine_engine_pkg;

  // To an engine, from its issue unit: a SET or a RUN, each with a handshake.
  typedef struct packed {
    logic        cfg_valid;
    logic [3:0]  cfg_reg;
    logic [55:0] cfg_payload;
    logic        run_valid;
    logic [7:0]  run_op;
    logic [7:0]  run_flags;
    logic [3:0]  lacks;  // engines whose token the RUN at the front lacks
  } command_t;

  // From an engine; retire: a pulse for each RUN, in order, a cycle after it was taken or later.
  typedef struct packed {
    logic        cfg_ready;
    logic        run_ready;
    logic        retire;
  } answer_t;

  // A beat of the load engine for one of the small memories, data apart; held until it is taken.
  typedef struct packed {
    logic        bias_valid;
    logic [15:0] bias_addr;
    logic        scale_valid;
    logic [15:0] scale_addr;
    logic        table_valid;
    logic [7:0]  table_addr;
    logic        exp_valid;
    logic [7:0]  exp_addr;
  } param_t;

endpackage
