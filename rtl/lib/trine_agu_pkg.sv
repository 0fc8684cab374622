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

  // Position of a step in the nest.
  typedef struct packed {
    logic first;        // first step of its (tile, group)
    logic last;
    logic word_first;   // first (ky, kx) of its channel word
    logic window_last;
    logic tile_first;   // step of the first group of its tile
    logic group_last;   // step of the last group of its tile
    logic tile_last;    // step of the last tile
  } flags_t;

endpackage
