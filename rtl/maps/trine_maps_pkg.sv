// SPDX-License-Identifier: Apache-2.0
//
// Defines gather_t: the access at the front and the answers that DMEM's gather port reports to its
// arbiter.

package trine_maps_pkg;

  // The gather, but for its data: the access at its front, the answer of this cycle, and the one of
  // the next. Tags are trine_gather_arb's.
  typedef struct packed {
    logic [5:0] front_tag;
    logic       rsp_done;  // all lanes have come
    logic [5:0] rsp_tag;
    logic       soon;      // rsp_done of the next cycle
    logic [5:0] soon_tag;
  } gather_t;

endpackage
