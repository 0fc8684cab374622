// SPDX-License-Identifier: Apache-2.0
//
// Defines the structs that the parts of the vector engine exchange.

package trine_vector_pkg;

  // A RUN and its registers, except the post unit's configuration (trine_job_pkg::cfg_t).
  typedef struct packed {
    logic [2:0] op;         // operation of the lanes; a squared difference adds
    logic       softmax;    // or a normalization
    logic       reduce;
    logic       invert;
    logic       narrows;    // only low bytes of int16 codes are written
    logic       five;       // the third tap is above the second
    logic       widens;     // to int16: odd lanes have 8-bit codes, even lanes nothing
    logic       row;        // the first group is a window of all int16 codes of a pixel
    logic       exponential;  // of int16 codes minus the largest
    logic [7:0] pad;
    logic [1:0] last_byte;  // of a softmax's last word
  } run_t;

  // Formats of a normalization (docs/numerics.md), which follow from its number of codes.
  typedef struct packed {
    logic [2:0]  fraction;  // half of the variance's fraction bits: 0, 2, 3 or 4
    logic [4:0]  scale;     // log2 + fraction
    logic [30:0] count;     // the number of codes, times 2^(18 + 2 fraction)
    logic        coarse;    // means have 18 fraction bits, not 22
  } norm_format_t;

  // Constants of a normalization (docs/numerics.md).
  typedef struct packed {
    logic        normalize;    // it is a normalization
    logic        center;       // subtract the mean
    logic [7:0]  origin;       // w = origin - code
    logic [12:0] count;        // channels, of a softmax too
    logic [30:0] mean_factor;  // 2^(30 + log2) / count
    logic [5:0]  log2;         // 4 bits; bit 4: values have 16 fraction bits, not 20. In a
                               // rescaled softmax, log2 and mean_factor are shift and multiplier
    logic        rescale;      // a softmax whose reciprocal is multiplied
    logic [30:0] epsilon;
    norm_format_t format;
  } norm_t;

  // Steps of a softmax lane with a row of int16 codes.
  typedef struct packed {
    logic row;    // there is such a row
    logic works;  // the reciprocal of its sum is computed
    logic high;   // add the sum of the high bytes
    logic low;    // add the sum of the low bytes
    logic round;  // add half of the last bit that is kept
  } share_t;

  // A write of an entry of the exponentials.
  typedef struct packed {
    logic        we;
    logic [7:0]  addr;
    logic [31:0] data;
  } exp_write_t;

endpackage
