// SPDX-License-Identifier: Apache-2.0
//
// Defines the structs and constants within the post unit, and between it and the vector engine.

// A design reads some of these.
// verilator lint_off UNUSEDPARAM
package trine_post_pkg;

  // To the vector engine.
  typedef struct packed {
    logic nearly;  // the next window's taps may be asked for: it will be soon
    logic soon;    // the job's slots will have been read two cycles later at the latest
    logic done;    // they have been read
    logic retire;
  } vector_status_t;

  // A word of each lane of the vector engine, for the post unit.
  typedef struct packed {
    logic tile_first;  // first word of its tile
    logic run_first;   // first word of its RUN
    logic run_last;    // last word of its RUN
  } word_t;

  // What the post unit may take of a softmax: operands of a product, or the code in a slot of a
  // word and, as a pair, the next one.
  typedef struct packed {
    logic       normalize;   // of a normalization
    logic       reciprocal;  // of a product
    logic [1:0] slot;
    logic       pair;
    logic       word_first;  // the word is the tile's first
    logic       word_end;    // the code, or the next, is the word's last
    logic       tile_end;    // and the word the tile's last
    logic       run_end;     // and the tile the RUN's last
  } softmax_t;

  typedef struct packed {
    logic issue;    // it is taken
    logic left;     // the tile's last word has left
    logic product;  // a product is there
  } softmax_status_t;

  // An entry of the lookup table is written.
  typedef struct packed {
    logic        we;
    logic [7:0]  addr;
    logic [15:0] wdata;  // high byte for lanes of high bytes, low one for all others
  } table_write_t;

  // Operations of trine_post_lane, and their cycles from in_valid_i to out_valid_o.
  localparam int unsigned OpBits = 2;
  typedef logic [OpBits-1:0] op_t;
  localparam op_t OpRequant = 2'd0, OpAdd = 2'd1, OpFused = 2'd2, OpMul = 2'd3;
  localparam int unsigned LaneRequant = 5, LaneAdd = 7, LaneFused = 12, LaneSquare = 9,
                          LaneNormalize = 7, LaneLine = 11, LaneExponential = 12;

  // What a lane has of an int16 code before its bounds, and a line takes.
  localparam int unsigned LineBits = 19;

  // The same for the value of a format that is nearest.
  localparam int unsigned FormatBits = 20;

  // A line's question for an entry of points of the exponential: {it asks, index}.
  localparam int unsigned AskBits = 9;

  // Inside of the post unit. What becomes of the job in front, as far as the design can do it: a
  // row of trine_post_kind's table.
  typedef struct packed {
    logic       requant;
    logic       fused;
    logic       threshold;
    logic       whole;    // whole words, raw or direct
    logic       raw;
    logic       lookup;
    logic       line;     // two entries of each code's table, and what lies between
    op_t        op;
    logic       pairs;    // the second lane of a row does it, too
    logic [3:0] phases;   // it may enter in these of four cycles
    logic [3:0] latency;  // cycles from there to the code
  } kind_t;

  // What codes in the lanes need of their job, {cfg_t of trine_job_pkg}. With int16 those of both
  // engines may be there, where the two configurations mix; else both are of the job in front.
  localparam int unsigned CfgBits = 332;

  typedef struct packed {
    logic [CfgBits-1:0] c_cfg;
    logic [CfgBits-1:0] v_cfg;
    logic               v_lookup;  // the vector engine's are looked up,
    logic               v_line;    // between two points
    logic               v_tanh;
    logic               mixes;
  } both_t;

  // A word is given a place after the lanes as its last code enters: as many as there are words in
  // flight where the scatter port has no conflicts of banks, and one more. Arrays of three blocks
  // of PEs or more are granted their drain registers earlier, with more words left.
  localparam int unsigned Places1 = 4, Places2 = 6, Places2Blocks = 8;  // Drain = 1, 2

  // What the columns of the job in front are in a reduction with factors; else all 0.
  typedef struct packed {
    logic part;     // they go by their factors into sums,
    logic first;    // which begin,
    logic whole;    // and are complete then
    logic bank;     // of the factors
    logic sums;     // they are sums,
    logic pending;  // of which the next one is not there yet
    logic open;     // parts are to come
  } parts_t;

  // The columns that are read, for sums of parts.
  typedef struct packed {
    parts_t parts;
    logic   part;  // they go into sums now,
    logic   pair;  // two of them
  } read_t;

  // The next column of the job in front.
  typedef struct packed {
    logic       left;        // there is one
    logic       data;        // it can be read
    logic       from_vector; // slots of the vector engine
    logic [4:0] slot;        // of its code, in the word
    logic [4:0] last_slot;   // of a word
    logic       pair;        // the column behind it goes with it
    logic       first_pass;  // of its thresholds
    logic       last_pass;
    logic       first;       // code under these addresses
    logic       tile_first;  // job of its tile
    logic       word_end;
    logic       rest;        // no channels behind
    logic       last;        // of the job
    logic       final_word;  // and of the instruction
    logic       pops;        // its code is the last of its word here
    parts_t     parts;       // what it is, with factors
    logic       ends;        // it is the last one, as which it is read now
    logic       odd_rows;    // with by_row: sums of odd lanes
    logic       again;       // and those of odd lanes are to come
  } column_t;

  // What enters the lanes in this cycle.
  typedef struct packed {
    logic pass;         // of the column in front
    logic part;         // without a code: its product is for a sum
    logic column;       // its last pass: it has been read
    logic done;         // and its job with it
    logic softmax;      // a product, or codes, of a softmax
    logic product;      // without a code
    logic word;         // the last code of a word
    logic value;        // of a normalization, which takes the parameters of its channel
    logic normalizing;  // it does, or values are in the lanes
    logic phase;        // a line enters now or two cycles later
  } issue_t;

  // Addresses of tiles: two, or with int16 four, as a word of the vector engine is a tile there and
  // up to three are in the lanes.
  typedef logic [1:0] side_t;

  // The tag of a code while it is in the lanes.
  localparam int unsigned TagBits = 18;

  typedef struct packed {
    logic [4:0] slot;
    logic       pair;        // and the slot above
    logic       word_end;
    logic       pop;         // the word leaves
    logic       rest;        // and what lies above is zero: no channels behind
    logic       first;       // under its addresses,
    side_t      side;        // which are these
    logic       tile_first;  // of its tile
    logic       final_word;  // of its instruction
    logic       softmax;     // of a softmax
    logic       tile_end;    // of its last word
    logic       odd_rows;    // of cfg_t's by_row
    logic       of_vector;   // of the vector engine
  } tag_t;

  // What leaves with a word.
  localparam int unsigned WordTagBits = 8;

  typedef struct packed {
    side_t side;      // addresses of its tile
    logic  softmax;   // a softmax's
    logic  tile_end;  // last word of a softmax's tile
    logic  c_end;     // of an instruction of the compute engine
    logic  v_end;     // of the vector engine
    logic  by_row;    // int16 codes of even lanes' tiles, or of odd lanes'
    logic  odd_rows;
  } word_tag_t;

endpackage
// verilator lint_on UNUSEDPARAM
