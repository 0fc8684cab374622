// SPDX-License-Identifier: Apache-2.0
//
// Defines the structs of the jobs that compute and vector engine hand to the post unit, and of
// their status. The configuration is registers 10 to 15 and flags, as docs/architecture.md names
// them.

// A design reads some of these.
// verilator lint_off UNUSEDPARAM
package trine_job_pkg;

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

  // What values int16 codes have; else whole numbers. machine/minifloat.h
  localparam logic [1:0] FormatE3M4   = 2'd1;
  localparam logic [1:0] FormatPosit8 = 2'd2;
  localparam logic [1:0] FormatE4M3   = 2'd3;  // places of values in their order

  typedef struct packed {
    logic [2:0]  kind;
    logic        window;        // four columns a group
    logic        max;           // maximum with the residual: requantized or thresholds
    logic        lookup;        // a requantized code is looked up in the table
    logic        square;        // KindAdd: the square of what add_... give, requantized
    logic        int16;         // codes of 16 bits, of two lanes; of their bounds add_act_min and
                                // add_act_max are the low bytes
    logic        by_row;        // each lane has a sum of its own: even ones go first, then odd ones
    logic        leaky;         // KindRequant: below 0 the scale is add_multiplier, add_shift
    logic        subtract;      // KindAdd: of int16 codes the second is subtracted
    logic        line;          // KindRequant: LOGISTIC of an int16 code (trine_line)
    logic        tanh;          // TANH instead
    logic        groups;        // sums of parts, each by a factor
    logic        exponential;   // exponential instead, of what is 0 at most
    logic        shares;        // a vector job's scale is that of its lane, as of a softmax
    logic        words;         // a vector job of int32 words: one column, the last of its word
    logic        third;         // to the upper row's word another one is added, times 256
    logic        fifth;         // and 2^16 of one more, and 2^32 of one of the lower row's
    logic [1:0]  encoding;
    logic [1:0]  format;        // of int16 codes
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
    logic part_first;  // of a reduction in parts, each of which is a job
    logic part_last;
    logic bank;        // where its factors are
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
    logic [1:0] read;  // factors of these banks have been used
    logic bank;        // of the factors of the job in front
    logic pairs;       // results are those of pairs of lanes
    logic odd;         // of two columns that are read the first is odd
    logic drain_ok;
    logic drain_soon;  // the same, as its results are taken, or in the cycle before
    logic fetch_busy;  // residuals are yet to be read
    logic retire;      // an instruction has ended
  } compute_status_t;

endpackage
// verilator lint_on UNUSEDPARAM
