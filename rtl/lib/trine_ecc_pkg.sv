// SPDX-License-Identifier: Apache-2.0
//
// Defines the error-correcting code of memory words (memory.ecc): a Hsiao (39,32) code. It corrects
// single errors and detects double errors. A stored word is {7 check bits, 32 data bits}.
//
//   check = XOR of the columns of all data bits that are 1
//
// Each data bit has a column of the check matrix with three ones. There are 35 such columns, and
// the code uses 32 of them. The column of a check bit has a single one. A double error gives a
// syndrome with an even number of ones, which no single error gives. The three unused columns are
// chosen so that each check bit is the XOR of 13 or 14 data bits. The check bits of zero are zero.
//
// Check     trine_ecc_encode_tb, trine_ecc_decode_tb, trine_ecc_props

// A design uses only some of these.
// verilator lint_off UNUSEDPARAM
package trine_ecc_pkg;

  localparam int unsigned CheckBits = 7;
  localparam int unsigned WordBits  = 32 + CheckBits;

  // Data bit d has the column Columns[7*d +: 7].
  localparam logic [7*32-1:0] Columns = {
    7'b1110000, 7'b1101000, 7'b1011000, 7'b1100100,  // bits 31 .. 28
    7'b1010100, 7'b0110100, 7'b1001100, 7'b0101100,  // bits 27 .. 24
    7'b0011100, 7'b1100010, 7'b1010010, 7'b0110010,  // bits 23 .. 20
    7'b1001010, 7'b0101010, 7'b0011010, 7'b1000110,  // bits 19 .. 16
    7'b0100110, 7'b0010110, 7'b0001110, 7'b1100001,  // bits 15 .. 12
    7'b1010001, 7'b0110001, 7'b0101001, 7'b0011001,  // bits 11 .. 8
    7'b1000101, 7'b0100101, 7'b0010101, 7'b0001101,  // bits 7 .. 4
    7'b1000011, 7'b0100011, 7'b0010011, 7'b0001011    // bits 3 .. 0
  };

endpackage
// verilator lint_on UNUSEDPARAM
