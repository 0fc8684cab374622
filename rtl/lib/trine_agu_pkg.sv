// SPDX-License-Identifier: Apache-2.0
//
// Defines the trip counts and step flags of the address generator's loop nest.

package trine_agu_pkg;

  // Trips of the loops, minus 1: taps in x and y, channel words, groups, tiles.
  typedef struct packed {
    logic [11:0] s_last;
    logic [11:0] r_last;
    logic [15:0] words_last;
    logic [11:0] groups_last;
    logic [23:0] tiles_last;
  } trips_t;

  // Where in the nest a step is.
  typedef struct packed {
    logic first;        // of its (tile, group)
    logic last;
    logic word_first;   // (ky, kx) of its channel word
    logic window_last;
    logic tile_first;   // in the first group of its tile
    logic group_last;   // in the last group of its tile
    logic tile_last;    // in the last tile
  } flags_t;

endpackage
