// SPDX-License-Identifier: Apache-2.0
//
// Defines the structs and constants of the post unit, and of its interface to the vector engine.

// A design uses only some of these.
// verilator lint_off UNUSEDPARAM
package trine_post_pkg;

  // To the vector engine.
  typedef struct packed {
    logic prefetch_ok;  // the next window's taps may be requested: almost_done follows
    logic almost_done;  // the job's slots will have been read in two cycles
    logic done;         // the slots have been read
    logic retire;
  } vector_status_t;

  // A word of each lane of the vector engine, for the post unit.
  typedef struct packed {
    logic tile_first;  // first word of its tile
    logic run_first;   // first word of its RUN
    logic run_last;    // last word of its RUN
  } word_t;

  // A softmax's request to the post unit: operands of a product, or the code in a slot of a word
  // and, with pair, the next code.
  typedef struct packed {
    logic       normalize;   // for a normalization
    logic       reciprocal;  // operands of a product
    logic [1:0] slot;
    logic       pair;
    logic       word_first;  // the word is the tile's first
    logic       word_end;    // this code, or the next one, is the word's last
    logic       tile_end;    // and the word the tile's last
    logic       run_end;     // and the tile the RUN's last
  } softmax_t;

  typedef struct packed {
    logic issue;      // the request is taken
    logic tile_done;  // the tile's last word has left
    logic product;    // a product is there
  } softmax_status_t;

  // A write of an entry of the lookup table.
  typedef struct packed {
    logic        we;
    logic [7:0]  addr;
    logic [15:0] wdata;  // high byte for lanes of high bytes, else low byte
  } table_write_t;

  // Operations of trine_post_lane, and their cycles from in_valid_i to out_valid_o.
  localparam int unsigned OpBits = 2;
  typedef logic [OpBits-1:0] op_t;
  localparam op_t OpRequant = 2'd0, OpAdd = 2'd1, OpFused = 2'd2, OpMul = 2'd3;
  localparam int unsigned LaneRequant = 5, LaneAdd = 7, LaneFused = 12, LaneSquare = 9,
                          LaneNormalize = 7, LaneLine = 11, LaneExponential = 12;

  // Width of an int16 value before clamping, as a line (trine_interpolate) uses it.
  localparam int unsigned LineBits = 19;

  // Width of the value before rounding to an eight-bit format.
  localparam int unsigned FormatBits = 20;

  // A line's request for an entry of the exponential's points: {valid, index}.
  localparam int unsigned PointBits = 9;

  // Inside the post unit. How the lanes process the job in front, as far as the design supports it:
  // a row of trine_post_kind's table.
  typedef struct packed {
    logic       requant;
    logic       fused;
    logic       threshold;
    logic       whole;    // whole words, raw or direct
    logic       raw;
    logic       sums;     // adds int32 sums from DMEM
    logic       lookup;
    logic       line;     // interpolated between two entries of the table
    op_t        op;
    logic       pairs;    // the second lane of a row supports it
    logic [3:0] phases;   // codes may enter in these of four cycles
    logic [3:0] latency;  // cycles from entry to code
  } kind_t;

  // Configurations of the jobs whose codes are in the lanes, {cfg_t of trine_job_pkg}. Int16 codes
  // of both engines may be in the lanes if the two configurations allow it (mixed). Otherwise, both
  // are the configuration of the job in front.
  localparam int unsigned CfgBits = 333;

  typedef struct packed {
    logic [CfgBits-1:0] c_cfg;
    logic [CfgBits-1:0] v_cfg;
    logic               v_lookup;  // the vector engine's codes are looked up
    logic               v_line;    // between two points
    logic               v_tanh;
    logic               mixed;
  } cfg_pair_t;

  // A word gets a place in the queue after the lanes when its last code enters the lanes. There is
  // one place for each word that is in flight without bank conflicts at the scatter port, plus one.
  // In arrays of three or more blocks of PEs, the drain grants come earlier, when more words are
  // left.
  localparam int unsigned Places1 = 4, Places2 = 6, Places2Blocks = 8;  // Drain = 1, 2

  // State of the columns of the job in front in a reduction with factors; else all 0.
  typedef struct packed {
    logic part;     // columns are multiplied by factors and added to sums
    logic first;    // the columns are the first terms of the sums
    logic whole;    // the columns are the last terms of the sums
    logic bank;     // of the factors
    logic sums;     // the columns are the complete sums
    logic pending;  // the next sum is not there yet
    logic open;     // more parts follow
  } parts_t;

  // The columns that are read, for sums of parts.
  typedef struct packed {
    parts_t parts;
    logic   part;  // they go into sums now
    logic   pair;  // two columns do
  } read_t;

  // The next column of the job in front.
  typedef struct packed {
    logic       valid;         // a column is left
    logic       data;          // it can be read
    logic       from_vector;   // slots of the vector engine
    logic [4:0] slot;          // of its code, in the word
    logic [4:0] last_slot;     // of a word
    logic       pair;          // the next column goes with it
    logic       first_pass;    // first pair of its thresholds
    logic       last_pass;
    logic       first;         // first code at these addresses
    logic       tile_first;    // first job of its tile
    logic       word_end;
    logic       channels_end;  // no channels follow
    logic       last;          // last column of the job
    logic       final_word;    // and of the instruction
    logic       pops;          // its code is the last of its word in this job
    parts_t     parts;         // its state, with factors
    logic       ends;          // it is read as the last one now
    logic       odd_rows;      // with by_row: sums of odd lanes
    logic       again;         // with by_row: sums of odd lanes follow
  } column_t;

  // The value that enters the lanes in this cycle.
  typedef struct packed {
    logic pass;         // a pass of the column in front
    logic part;         // without a code: the product is for a sum
    logic column;       // its last pass: the column has been read
    logic done;         // its job ends
    logic softmax;      // a product, or codes, of a softmax
    logic product;      // a product, without a code
    logic word;         // the last code of a word
    logic value;        // of a normalization; it uses its channel's parameters
    logic normalizing;  // a value enters or is in the lanes
    logic phase;        // a line enters now or two cycles later
  } issue_t;

  // Index of stored tile addresses. There are two tiles, or four with int16. With int16, a word of
  // the vector engine is a tile, and up to three of them are in the lanes.
  typedef logic [1:0] side_t;

  // The tag of a code while it is in the lanes.
  localparam int unsigned TagBits = 18;

  typedef struct packed {
    logic [4:0] slot;
    logic       pair;          // with the slot above
    logic       word_end;
    logic       pop;           // the word leaves
    logic       channels_end;  // all slots above are zero: no channels follow
    logic       first;         // first code at its addresses
    side_t      side;          // index of these addresses
    logic       tile_first;    // of the tile's first job
    logic       final_word;    // of the instruction's last word
    logic       softmax;       // of a softmax
    logic       tile_end;      // of the last word of its tile
    logic       odd_rows;      // with by_row: of odd lanes
    logic       of_vector;     // of the vector engine
  } tag_t;

  // The tag of a word.
  localparam int unsigned WordTagBits = 8;

  typedef struct packed {
    side_t side;      // addresses of its tile
    logic  softmax;   // of a softmax
    logic  tile_end;  // last word of a softmax's tile
    logic  c_end;     // last word of a compute instruction
    logic  v_end;     // last word of a vector instruction
    logic  by_row;    // int16 codes, by row: of even or of odd lanes
    logic  odd_rows;
  } word_tag_t;

endpackage
// verilator lint_on UNUSEDPARAM
