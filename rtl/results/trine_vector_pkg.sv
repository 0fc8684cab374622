// SPDX-License-Identifier: Apache-2.0
//
// Defines the structs that the parts of the vector engine exchange.

package trine_vector_pkg;

  // A RUN and its registers, besides what the post unit is told (trine_job_pkg::cfg_t).
  typedef struct packed {
    logic [2:0] op;         // of the lanes; a squared difference adds
    logic       softmax;    // or a normalization
    logic       reduce;
    logic       invert;
    logic       narrows;    // int16 codes of which only the low bytes are written
    logic       five;       // the third tap lies above the second
    logic       widens;     // to int16: odd lanes have codes of 8 bits, even ones nothing
    logic       row;        // the first group is a window of all int16 codes of a pixel
    logic       exponential;  // of int16 codes less the largest
    logic [7:0] pad;
    logic [1:0] last_byte;  // of a softmax's last word
  } run_t;

  // A normalization's constants, as docs/numerics.md has them.
  typedef struct packed {
    logic        normalize;    // it is one
    logic        center;       // takes the mean off
    logic [7:0]  origin;       // w = origin - code
    logic [12:0] count;        // channels, of a softmax too
    logic [30:0] mean_factor;  // 2^(30 + log2) / count
    logic [5:0]  log2;         // 4 bits; of a softmax that is rescaled a shift, and mean_factor
                               // its multiplier
    logic        rescale;      // a softmax whose reciprocal is multiplied
    logic [30:0] epsilon;
  } norm_t;

  // What a softmax lane does with a row of int16 codes.
  typedef struct packed {
    logic row;    // it has one
    logic works;  // of which the reciprocal of the sum is made
    logic high;   // the sum of the high bytes is added,
    logic low;    // that of the low ones,
    logic round;  // and half of what is cut
  } share_t;

  // An entry of the exponentials is written.
  typedef struct packed {
    logic        we;
    logic [7:0]  addr;
    logic [31:0] data;
  } exp_write_t;

endpackage
