// SPDX-License-Identifier: Apache-2.0
//
// Defines the structs of the signals between the program fetch, the instruction memory and the bus.

package trine_dma_pkg;

  // A burst of the fetch: len + 1 beats, without its address. Its answer, without its data.
  typedef struct packed {
    logic        valid;
    logic [7:0]  len;
  } fetch_request_t;

  typedef struct packed {
    logic        ready;    // the request is taken
    logic        outside;  // the request is never taken: it is outside the allowed range
    logic        valid;
    logic        error;
    logic        last;     // last of its burst
  } fetch_response_t;

  localparam int unsigned FetchBits = 2048;  // bits of a burst, at most

endpackage
