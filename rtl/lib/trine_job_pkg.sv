// SPDX-License-Identifier: Apache-2.0
//
// Defines the structs of the jobs that the compute and the vector engine hand to the post unit, and
// the structs of their status. A job is one group of a tile (compute engine), or one word in each
// lane (vector engine). The configuration of a job consists of registers 10 to 15 and of flags,
// with the names of docs/architecture.md.

// A design uses only some of these.
// verilator lint_off UNUSEDPARAM
package trine_job_pkg;

  // Operation on a job's values. The first four are operations of trine_post_lane.
  localparam logic [2:0] KindRequant   = 3'd0;  // requantize
  localparam logic [2:0] KindAdd       = 3'd1;  // add two codes
  localparam logic [2:0] KindFused     = 3'd2;  // requantize, then add the residual
  localparam logic [2:0] KindMul       = 3'd3;  // multiply two codes
  localparam logic [2:0] KindThreshold = 3'd4;  // count the thresholds that are reached
  localparam logic [2:0] KindRaw       = 3'd5;  // acc + bias, one word each
  localparam logic [2:0] KindDirect    = 3'd6;  // whole words, unchanged

  // Codes in an output word.
  localparam logic [1:0] EncodingInt8    = 2'd0;  // 4 of 8 bits
  localparam logic [1:0] EncodingTernary = 2'd1;  // 16 of 2 bits
  localparam logic [1:0] EncodingBinary  = 2'd2;  // 32 of 1 bit

  // Formats of int16 codes; 0 is an integer. See spec/minifloat.h.
  localparam logic [1:0] FormatE3M4   = 2'd1;
  localparam logic [1:0] FormatPosit8 = 2'd2;
  localparam logic [1:0] FormatE4M3   = 2'd3;  // indices of values in their order

  typedef struct packed {
    logic [2:0]  kind;
    logic        window;        // four columns a group
    logic        max;           // maximum with the residual: requantized or thresholds
    logic        sums;          // int32 sums in DMEM replace the biases: KindRequant or KindRaw
    logic        lookup;        // a requantized code is looked up in the table
    logic        square;        // KindAdd: square of the sum of add_..., then requantize
    logic        int16;         // 16-bit codes of two lanes; add_act_min and add_act_max are the
                                // low bytes of bounds
    logic        by_row;        // each lane has its own sum: even lanes first, then odd lanes
    logic        leaky;         // KindRequant: negative codes use scale add_multiplier, add_shift
    logic        subtract;      // KindAdd of int16 codes: subtract the second
    logic        line;          // KindRequant: LOGISTIC of an int16 code (trine_interpolate)
    logic        tanh;          // with line: TANH instead of LOGISTIC
    logic        groups;        // sums of parts, each times a factor
    logic        exponential;   // with line: exponential of an argument <= 0
    logic        shares;        // a vector job with a separate scale for each lane
    logic        words;         // a vector job of int32 words: one column, the last of its word
    logic        third;         // adds 2^8 * another word to the word of the upper row
    logic        fifth;         // adds 2^16 * one more word, and 2^32 * a word of the lower row
    logic [1:0]  encoding;
    logic [1:0]  format;        // of int16 codes
    logic [3:0]  passes_last;   // pairs of thresholds, minus 1
    logic [7:0]  low;           // code below all thresholds
    logic        single;        // one rounding
    logic        half_even;     // the last rounding rounds halves to even
    logic        static_scale;  // multiplier and shift are here, not in the scale memory
    logic        static_bias;   // bias is here, not in the bias memory
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
    logic [4:0]  position;      // of the first channel, in its word
  } cfg_t;

  // A job: a group of a tile (compute), or a word in each lane (vector; with tile_last and drain).
  typedef struct packed {
    logic part_first;  // first job of a reduction in parts (one job each)
    logic part_last;
    logic bank;        // of its factors
    logic tile_first;  // first group, or word, of its tile
    logic tile_last;
    logic first;       // of its instruction
    logic last;
    logic drain;       // the instruction has results
    cfg_t cfg;
  } job_t;

  // Results of a compute job: in the drain registers now (valid), in the next cycle (valid_next).
  typedef struct packed {
    logic valid;
    logic valid_next;
  } results_t;

  // To the compute engine. With drain_ok or drain_soon a step that enters the array in the next
  // cycle may overwrite the front job's results.
  typedef struct packed {
    logic [1:0] read;  // the factors of these banks were used
    logic bank;        // of the front job's factors
    logic pairs;       // results belong to pairs of lanes
    logic odd;         // the first of two columns read is odd
    logic drain_ok;
    logic drain_soon;  // as drain_ok, but already when the results are taken, or a cycle before
    logic fetch_busy;  // residuals are still to be read
    logic retire;      // an instruction has ended
  } compute_status_t;

endpackage
// verilator lint_on UNUSEDPARAM
