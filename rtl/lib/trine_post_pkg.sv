// SPDX-License-Identifier: Apache-2.0
//
// What an engine tells the post unit about its instruction: registers 10 to 15 and flags, as
// docs/architecture.md names them.

package trine_post_pkg;

  // What becomes of a job's values; the first four are operations of trine_post_lane.
  localparam logic [2:0] KindRequant   = 3'd0;  // requantize
  localparam logic [2:0] KindAdd       = 3'd1;  // add two codes
  localparam logic [2:0] KindFused     = 3'd2;  // requantize, then add the residual
  localparam logic [2:0] KindMul       = 3'd3;  // multiply two codes
  localparam logic [2:0] KindThreshold = 3'd4;  // count the thresholds that are reached
  localparam logic [2:0] KindRaw       = 3'd5;  // acc + bias, a word each
  localparam logic [2:0] KindDirect    = 3'd6;  // whole words, as they are

  // Codes of an output word.
  localparam logic [1:0] EncodingInt8    = 2'd0;  // 4 of 8 bits
  localparam logic [1:0] EncodingTernary = 2'd1;  // 16 of 2 bits
  localparam logic [1:0] EncodingBinary  = 2'd2;  // 32 of 1 bit

  typedef struct packed {
    logic [2:0]  kind;
    logic        window;        // four columns a group
    logic        max;           // maximum with the residual: requantized or thresholds
    logic        lookup;        // a requantized code is looked up in the table
    logic        square;        // KindAdd: the square of what add_... give, requantized
    logic [1:0]  encoding;
    logic [3:0]  passes_last;   // pairs of thresholds - 1
    logic [7:0]  low;           // code below all thresholds
    logic        single;        // one rounding
    logic        half_even;     // the last rounding sends halves to even
    logic        static_scale;  // multiplier and shift from here, not from the scale memory
    logic        static_bias;   // bias from here, not from the bias memory
    logic [7:0]  zero_point;
    logic [7:0]  act_min;
    logic [7:0]  act_max;
    logic [31:0] bias;
    logic [30:0] multiplier;
    logic [5:0]  shift;
    logic [30:0] add_operand_multiplier;
    logic [5:0]  add_operand_shift;
    logic        add_a_is_half;
    logic [7:0]  add_zero_a;
    logic [7:0]  add_zero_b;
    logic [30:0] add_multiplier;
    logic [5:0]  add_shift;
    logic [7:0]  add_zero_point;
    logic [7:0]  add_act_min;
    logic [7:0]  add_act_max;
    logic [23:0] residual_delta;
    logic [23:0] out_plane;
    logic [15:0] param;
    logic [15:0] channels;
    logic [4:0]  position;      // of the first channel in its word
  } cfg_t;

  // A job: a group of a tile (compute), or a word in each lane (vector; with tile_last and drain).
  typedef struct packed {
    logic tile_first;  // first group, or word, of its tile
    logic tile_last;
    logic first;       // of its instruction
    logic last;
    logic drain;       // the instruction has results
    cfg_t cfg;
  } job_t;

  // Results of a compute job: they are in the drain registers; they will be in the next cycle.
  typedef struct packed {
    logic valid;
    logic soon;
  } results_t;

  // To the compute engine. With drain_ok or drain_soon a step that enters the array in the next
  // cycle may overwrite the results of the job in front.
  typedef struct packed {
    logic drain_ok;
    logic drain_soon;  // the same, as its results are taken, or in the cycle before
    logic fetch_busy;  // residuals are yet to be read
    logic retire;      // an instruction has ended
  } compute_status_t;

  // To the vector engine.
  typedef struct packed {
    logic done;    // the job's slots have been read
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
    logic       we;
    logic [7:0] addr;
    logic [7:0] wdata;
  } table_write_t;

  // Inside of the post unit. What becomes of the job in front, as far as the design can do it.
  typedef struct packed {
    logic requant;
    logic fused;
    logic threshold;
    logic whole;     // whole words, raw or direct
    logic raw;
    logic lookup;
  } kind_t;

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
  } column_t;

  // What enters the lanes in this cycle.
  typedef struct packed {
    logic pass;         // of the column in front
    logic column;       // its last pass: it has been read
    logic done;         // and its job with it
    logic softmax;      // a product, or codes, of a softmax
    logic product;      // without a code
    logic value;        // of a normalization, which takes the parameters of its channel
    logic normalizing;  // it does, or values are in the lanes
  } issue_t;

  // Of a code, while it is in the lanes.
  localparam int unsigned TagBits = 14;

  typedef struct packed {
    logic [4:0] slot;
    logic       pair;        // and the slot above
    logic       word_end;
    logic       pop;         // the word leaves
    logic       rest;        // and what lies above is zero: no channels behind
    logic       first;       // under its addresses
    logic       tile_first;  // of its tile
    logic       final_word;  // of its instruction
    logic       softmax;     // of a softmax
    logic       tile_end;    // of its last word
  } tag_t;

endpackage
