// SPDX-License-Identifier: Apache-2.0
//
// Defines the structs between the program fetch, the instruction memory and the bus.

package trine_dma_pkg;

  // A burst of the fetch: len + 1 beats; address apart. Its answer; data apart.
  typedef struct packed {
    logic        valid;
    logic [7:0]  len;
  } fetch_request_t;

  typedef struct packed {
    logic        ready;    // the request is taken
    logic        outside;  // it never is: not in the allowed range
    logic        valid;
    logic        error;
    logic        last;     // of its burst
  } fetch_response_t;

  localparam int unsigned FetchBits = 2048;  // of a burst, at most

endpackage
