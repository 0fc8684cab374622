// SPDX-License-Identifier: Apache-2.0
//
// Defines program_event_t: the events that end a program, from the sequencer to the registers and
// the error logic.

package trine_control_pkg;

  // Events that stop a program. The cause is its front word, its tokens, or its fetch.
  typedef struct packed {
    logic        done;
    logic        foreign;
    logic        illegal;
    logic        unsupported;
    logic        deadlock;
    logic        overflow;
    logic        fetch_error;
    logic        fetch_outside;
  } program_event_t;

endpackage
