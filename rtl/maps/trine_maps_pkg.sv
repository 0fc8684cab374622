// SPDX-License-Identifier: Apache-2.0
//
// Defines gather_t: what DMEM's gather port reports to its arbiter about the access in front and
// about answers.

package trine_maps_pkg;

  // The gather without its data: the access at its front, the answer of this cycle, and the answer
  // of the next cycle. Tags are those of trine_gather_arb.
  typedef struct packed {
    logic [5:0] front_tag;
    logic       rsp_done;       // all lanes were answered
    logic [5:0] rsp_tag;
    logic       rsp_done_next;  // rsp_done comes one cycle later
    logic [5:0] rsp_tag_next;
  } gather_t;

endpackage
