// SPDX-License-Identifier: Apache-2.0
//
// Defines the instruction set: operations, fields of registers, flags and limits.
// Printed from spec/isa.def; do not edit. Semantics: docs/architecture.md.
// Example of a field: x_start of group agu is the member r3.x_start of agu_payload_t.
// AguXStartReg (3) is its register, and AguXStartWidth (16) its number of bits. A member
// whose name would be a keyword ends in _. A flag is the index of a bit of a RUN's flags.
// P and Q are the rows and columns of output positions, ROWS is array.rows.
//
//   63:62 opcode | 61:60 engine | 59:56 register | 55:0 payload

// A design reads some of these.
// verilator lint_off UNUSEDPARAM
package trine_isa_pkg;

  localparam int unsigned IsaVersion = 15;
  localparam int unsigned Engines = 4;
  localparam int unsigned EngineRegisters = 16;
  localparam int unsigned PayloadBits = 56;

  // Limits: what counters and memories hold. program::verify checks them, too.
  localparam int unsigned AddressBits = 24;  // bits of the address of a 32-bit word in DMEM
  localparam int unsigned TokenBits = 6;  // bits of a token counter, which holds 0..63
  localparam int unsigned TableWords = 64;  // words of the lookup table: 256 codes, 4 a word
  // words of the table of exponentials: one for each difference of two codes
  localparam int unsigned ExponentialWords = 256;
  localparam int unsigned SoftmaxWords = 256;  // words that a lane keeps for a softmax in one pass
  localparam int unsigned MostSoftmaxChannels = 4095;  // channels of a softmax
  localparam int unsigned MostNormChannels = 4096;  // channels of a normalization
  localparam int unsigned CoordBits = 14;  // bits of a lane's coordinates, with sign: -8192..8191
  // columns from x_start to x_end, rows from y_start to y_end, and rows from y_end to a lane below
  // it: a lane stores its distances from x_end and y_end
  localparam int unsigned MostSpan = 8191;
  // column or row of a tap: a larger one would wrap and could count as inside of the map
  localparam int unsigned MostTap = 16383;
  // right shift of a softmax with flag rescale: with 31, the total shift for 2,048 equal codes
  // would overflow
  localparam int unsigned MostRescaleRight = 30;

  localparam logic [1:0] OpcodeEnd = 2'd0;  // end of program
  localparam logic [1:0] OpcodeSet = 2'd1;  // write a register of an engine
  localparam logic [1:0] OpcodeRun = 2'd2;  // start an engine
  localparam logic [1:0] OpcodeBegin = 2'd3;  // the first word: the hash of the configuration
  localparam logic [1:0] EngineLoad = 2'd0;  // engine, and bit of token masks
  localparam logic [1:0] EngineCompute = 2'd1;  // engine, and bit of token masks
  localparam logic [1:0] EngineVector = 2'd2;  // engine, and bit of token masks
  localparam logic [1:0] EngineStore = 2'd3;  // engine, and bit of token masks
  localparam logic [7:0] DmaTargetDmem = 8'd0;  // feature maps
  localparam logic [7:0] DmaTargetPmem = 8'd1;  // weights; load only
  localparam logic [7:0] DmaTargetBias = 8'd2;  // biases; load only
  localparam logic [7:0] DmaTargetScale = 8'd3;  // scales; load only
  localparam logic [7:0] DmaTargetTable = 8'd4;  // lookup table; load only
  localparam logic [7:0] DmaTargetExponentials = 8'd5;  // exponentials of the softmax; load only
  // PMEM, transposed: the four bytes of a word go to four columns; load only
  localparam logic [7:0] DmaTargetTransposed = 8'd6;
  // int16 feature maps: two words of DMEM contain the high and the low bytes of four codes
  localparam logic [7:0] DmaTargetDmem16 = 8'd7;
  // lookup table of 256 points of 16 bits, one per word: lanes of high bytes keep the high byte,
  // other lanes the low byte; load only
  localparam logic [7:0] DmaTargetPoints = 8'd8;
  // PMEM, unpacked from a stream of short codes: `words` counts the stream in DRAM, rows_last the
  // rows of PMEM; load only
  localparam logic [7:0] DmaTargetShort = 8'd9;
  // as short, but the stream has a byte for each five ternary weights; load only
  localparam logic [7:0] DmaTargetTrits = 8'd10;
  // as short, but the stream has two bytes of each word; the other bytes are 0; load only
  localparam logic [7:0] DmaTargetSparse = 8'd11;
  // as short, but the stream has a table of 16 bytes, then 4-bit indices into it; load only
  localparam logic [7:0] DmaTargetPalette = 8'd12;
  // feature maps, from the DMEM of from_core; load only
  localparam logic [7:0] DmaTargetCore = 8'd13;
  // subtracts 128 from each byte (low bytes of int16 codes); pmem and transposed only
  localparam int unsigned DmaFlagLowBytes = 1;
  localparam int unsigned DmaFlagFromDmem = 0;  // the source is DMEM; pmem and transposed only
  localparam logic [7:0] ComputeOpInt8 = 8'd0;  // 4 channels a word
  localparam logic [7:0] ComputeOpTernary = 8'd1;  // 16 channels a word
  localparam logic [7:0] ComputeOpBinary = 8'd2;  // 32 channels a word
  localparam logic [7:0] ComputeOpInt8Ternary = 8'd3;  // int8 activations, 16 weights a word
  localparam logic [7:0] ComputeOpInt8Binary = 8'd4;  // int8 activations, 32 weights a word
  localparam logic [7:0] ComputeOpMatmul = 8'd5;  // int8, both operands with zero points
  // int16 activations, in two lanes each; int8 weights
  localparam logic [7:0] ComputeOpInt16 = 8'd6;
  // int16 activations, sums as int32 words; both operands with zero points, add_zero_a only for low
  // bytes of activations
  localparam logic [7:0] ComputeOpMatmul16 = 8'd7;
  localparam logic [7:0] ComputeOpInt8Int4 = 8'd8;  // int8 activations, 8 weights a word
  // as int8_int4, but the sum of the taps of each channel word is multiplied by a factor
  localparam logic [7:0] ComputeOpInt8Groups = 8'd9;
  // int8 activations and weights; result codes are int16, two words a lane
  localparam logic [7:0] ComputeOpInt8Int16 = 8'd10;
  // as binary, but masked taps add nothing; pad_code must be 0
  localparam logic [7:0] ComputeOpBinaryInside = 8'd11;
  localparam int unsigned ComputeFlagClear = 0;  // accumulators start at zero
  localparam int unsigned ComputeFlagDrain = 1;  // results leave through the post unit
  localparam int unsigned ComputeFlagFuseAdd = 2;  // the post unit adds the residual
  // uses the scale of register 11 and a bias per channel
  localparam int unsigned ComputeFlagPerTensor = 3;
  localparam int unsigned ComputeFlagSingle = 4;  // one rounding instead of two
  localparam int unsigned ComputeFlagFuseMax = 5;  // maximum with the residual instead of the sum
  // depthwise, by the window former: each group has a channel word of its own
  localparam int unsigned ComputeFlagWindow = 6;
  // with single: the last rounding rounds halves to even
  localparam int unsigned ComputeFlagHalfEven = 7;
  // adds an int32 sum from DMEM to each result instead of the bias; output 0, 2 or 3
  localparam int unsigned ComputeFlagAddSums = 8;
  localparam logic [7:0] VectorOpMax = 8'd0;  // maximum of the taps
  localparam logic [7:0] VectorOpSum = 8'd1;  // requantized sum of the taps
  localparam logic [7:0] VectorOpAdd = 8'd2;  // TFLite ADD of two taps
  localparam logic [7:0] VectorOpMaxTernary = 8'd3;  // maximum of ternary taps
  localparam logic [7:0] VectorOpMaxBinary = 8'd4;  // maximum of binary taps
  localparam logic [7:0] VectorOpMul = 8'd6;  // requantized product of two taps
  localparam logic [7:0] VectorOpMin = 8'd7;  // minimum of the taps
  localparam logic [7:0] VectorOpSoftmax = 8'd8;  // softmax over the channels of a lane
  // square of the sum of two taps; with invert, TFLite SQUARED_DIFFERENCE
  localparam logic [7:0] VectorOpSquaredDifference = 8'd9;
  // LayerNorm or RMSNorm over the channels of a lane
  localparam logic [7:0] VectorOpNormalize = 8'd10;
  // sum of int16 codes; odd lanes contain the low bytes and subtract 128 from each
  localparam logic [7:0] VectorOpSum16 = 8'd11;
  localparam logic [7:0] VectorOpAdd16 = 8'd12;  // ADD of int16 codes; with invert, SUB
  localparam logic [7:0] VectorOpMul16 = 8'd13;  // requantized product of int16 codes
  // sum16 of one tap; negative codes are scaled by add_multiplier and add_shift
  localparam logic [7:0] VectorOpLeaky16 = 8'd14;
  // sum16 of one tap; only the low bytes are written: int8 codes
  localparam logic [7:0] VectorOpNarrow16 = 8'd15;
  // sum16 of one tap; odd lanes contain int8 codes, even lanes pad_code
  localparam logic [7:0] VectorOpWiden16 = 8'd16;
  // LOGISTIC of sum16, interpolated between the table's points; the bounds of sum16 are multiplied
  // by 4
  localparam logic [7:0] VectorOpLogistic16 = 8'd17;
  localparam logic [7:0] VectorOpTanh16 = 8'd18;  // as logistic16, for TANH
  // maximum of the taps' int16 codes; no tap may be masked
  localparam logic [7:0] VectorOpMax16 = 8'd19;
  localparam logic [7:0] VectorOpMin16 = 8'd20;  // as max16, for the minimum
  // requantizes the int32 sum 256 * even lane's word + odd lane's word to the code at position
  localparam logic [7:0] VectorOpJoin16 = 8'd21;
  localparam logic [7:0] VectorOpWord16 = 8'd22;  // as join16, but even lanes contain pad_code
  // exponential of (int16 code - largest code of its pixel), interpolated
  localparam logic [7:0] VectorOpExponential16 = 8'd23;
  // int16 codes divided by the sum of the codes of their pixel
  localparam logic [7:0] VectorOpShare16 = 8'd24;
  // as mul16, but only the low bytes are written: int8 codes
  localparam logic [7:0] VectorOpMulNarrow16 = 8'd25;
  // join16 of two taps; the even word of the second tap is multiplied by 65,536
  localparam logic [7:0] VectorOpTriple16 = 8'd26;
  // as triple16, but only the low byte is written: an int8 code
  localparam logic [7:0] VectorOpTripleNarrow16 = 8'd27;
  // triple_narrow16 of three taps without bias; the even word of the third tap is multiplied by
  // 2^24, its odd word by 2^32; the sum has 48 bits
  localparam logic [7:0] VectorOpFiveNarrow16 = 8'd28;
  // also sums over the active lanes, and only lane 0 writes; max16, min16: over all channels
  localparam int unsigned VectorFlagReduce = 0;
  // inverts all bits of a window's taps after the first one: ~b = -1 - b
  localparam int unsigned VectorFlagInvert = 1;
  localparam int unsigned VectorFlagCenter = 2;  // normalize: subtracts the mean
  // softmax: the reciprocal is multiplied by the scale of register 11, 1 / (256 * output scale)
  localparam int unsigned VectorFlagRescale = 3;
  localparam int unsigned VectorFlagSingle = 4;  // one rounding instead of two
  // with single: the last rounding rounds halves to even
  localparam int unsigned VectorFlagHalfEven = 7;
  localparam logic [1:0] PostOutputRequantized = 2'd0;  // a code
  localparam logic [1:0] PostOutputThresholds = 2'd1;  // a code, by comparisons; compute only
  localparam logic [1:0] PostOutputRaw = 2'd2;  // the int32 sum as a word; compute only
  localparam logic [1:0] PostOutputTable = 2'd3;  // a code, requantized and looked up
  localparam logic [1:0] PostEncodingInt8 = 2'd0;  // 4 codes a word
  localparam logic [1:0] PostEncodingTernary = 2'd1;  // 16 codes a word
  localparam logic [1:0] PostEncodingBinary = 2'd2;  // 32 codes a word

  // A program word.
  typedef struct packed {
    logic [1:0]  opcode;
    logic [1:0]  engine;
    logic [3:0]  reg_index;
    logic [55:0] payload;
  } word_t;

  // Load and store
  localparam int unsigned DmaDramReg = 0, DmaDramWidth = 40;
  localparam int unsigned DmaLocalReg = 1, DmaLocalWidth = 24;
  localparam int unsigned DmaWordsReg = 1, DmaWordsWidth = 24;
  localparam int unsigned DmaRowsLastReg = 2, DmaRowsLastWidth = 16;
  localparam int unsigned DmaLocalStrideReg = 2, DmaLocalStrideWidth = 24;
  localparam int unsigned DmaCoresReg = 2, DmaCoresWidth = 8;
  localparam int unsigned DmaFromCoreReg = 2, DmaFromCoreWidth = 3;
  localparam int unsigned DmaDramStrideReg = 3, DmaDramStrideWidth = 40;
  typedef union packed {
    struct packed {
      logic [15:0] unused_40;
      // byte address of the first row, a multiple of 4: in DRAM, relative to BASE; with flag
      // from_dmem or target core, in DMEM
      logic [39:0] dram;
    } r0;
    struct packed {
      logic [7:0]  unused_48;
      logic [23:0] words;  // 32-bit words of a row, at least 1
      logic [23:0] local_;  // first DMEM word, PMEM row, bias or scale entry, or word of a table
    } r1;
    struct packed {
      logic [4:0]  unused_51;
      // in a cluster: the core whose DMEM a store or a load reads; otherwise 0
      logic [2:0]  from_core;
      // in a cluster: one bit for each core into whose DMEM or PMEM a load writes; 0: all cores
      logic [7:0]  cores;
      logic [23:0] local_stride;  // distance from row to row, in units of `local`
      logic [15:0] rows_last;  // number of rows - 1
    } r2;
    struct packed {
      logic [15:0]        unused_40;
      logic signed [39:0] dram_stride;  // distance from row to row, in bytes; may be negative
    } r3;
  } dma_payload_t;

  // Compute and vector: lanes, loop nest, outputs
  localparam int unsigned AguBaseReg = 0, AguBaseWidth = 24;
  localparam int unsigned AguRowWrapReg = 0, AguRowWrapWidth = 24;
  localparam int unsigned AguTileBaseReg = 1, AguTileBaseWidth = 24;
  localparam int unsigned AguKxStepReg = 1, AguKxStepWidth = 24;
  localparam int unsigned AguKyStepReg = 2, AguKyStepWidth = 24;
  localparam int unsigned AguCwStepReg = 2, AguCwStepWidth = 24;
  localparam int unsigned AguXStartReg = 3, AguXStartWidth = 16;
  localparam int unsigned AguXEndReg = 3, AguXEndWidth = 16;
  localparam int unsigned AguYStartReg = 3, AguYStartWidth = 16;
  localparam int unsigned AguCoreYReg = 3, AguCoreYWidth = 8;
  localparam int unsigned AguYEndReg = 4, AguYEndWidth = 16;
  localparam int unsigned AguHeightReg = 4, AguHeightWidth = 16;
  localparam int unsigned AguWidthReg = 4, AguWidthWidth = 16;
  localparam int unsigned AguHaloReg = 4, AguHaloWidth = 8;
  localparam int unsigned AguTileXReg = 5, AguTileXWidth = 16;
  localparam int unsigned AguTileYReg = 5, AguTileYWidth = 16;
  localparam int unsigned AguStrideXReg = 5, AguStrideXWidth = 8;
  localparam int unsigned AguStrideYReg = 5, AguStrideYWidth = 8;
  localparam int unsigned AguOutSkipReg = 5, AguOutSkipWidth = 8;
  localparam int unsigned AguSLastReg = 6, AguSLastWidth = 12;
  localparam int unsigned AguRLastReg = 6, AguRLastWidth = 12;
  localparam int unsigned AguDilXReg = 6, AguDilXWidth = 12;
  localparam int unsigned AguDilYReg = 6, AguDilYWidth = 12;
  localparam int unsigned AguWordsLastReg = 7, AguWordsLastWidth = 16;
  localparam int unsigned AguGroupsLastReg = 7, AguGroupsLastWidth = 12;
  localparam int unsigned AguTilesLastReg = 7, AguTilesLastWidth = 24;
  localparam int unsigned AguOutReg = 8, AguOutWidth = 24;
  localparam int unsigned AguOutWrapReg = 8, AguOutWrapWidth = 24;
  localparam int unsigned AguIdleReg = 8, AguIdleWidth = 8;
  localparam int unsigned AguTileOutReg = 9, AguTileOutWidth = 24;
  localparam int unsigned AguOutPlaneReg = 9, AguOutPlaneWidth = 24;
  typedef union packed {
    struct packed {
      logic [7:0]  unused_48;
      logic [23:0] row_wrap;  // added to a lane's base when the lane goes to the next output row
      // DMEM address of lane 0's first tap (modulo 2^24; may be before the tensor)
      logic [23:0] base;
    } r0;
    struct packed {
      logic [7:0]  unused_48;
      logic [23:0] kx_step;  // added to the tap offset from kx to kx + 1
      logic [23:0] tile_base;  // added to every lane's base from tile to tile
    } r1;
    struct packed {
      logic [7:0]  unused_48;
      // added to the tap offset from the last (ky, kx) to the next channel word
      logic [23:0] cw_step;
      logic [23:0] ky_step;  // added to the tap offset from the last kx to the next ky
    } r2;
    struct packed {
      // in a cluster: core k adds k * core_y to the input rows of its lanes (only for masking)
      logic [7:0]         core_y;
      logic signed [15:0] y_start;  // input row of lane 0's first tap: -pad_top
      logic signed [15:0] x_end;  // x_start + Q * stride_x: where an output row ends
      logic signed [15:0] x_start;  // input column of lane 0's first tap: -pad_left
    } r3;
    struct packed {
      // window former: input columns that are read to the right of the last lane (vector: 0)
      logic [7:0]         halo;
      logic [15:0]        width;  // taps outside 0 <= x < width are masked
      logic [15:0]        height;  // taps outside 0 <= y < height are masked
      // y_start + P * stride_y: lanes in this row or below it are inactive
      logic signed [15:0] y_end;
    } r4;
    struct packed {
      logic [7:0]  out_skip;  // words left out between the outputs of two lanes: output stride - 1
      logic [7:0]  stride_y;  // input rows from output row to output row
      logic [7:0]  stride_x;  // input columns from lane to lane
      logic [15:0] tile_y;  // (ROWS div Q) * stride_y
      logic [15:0] tile_x;  // (ROWS mod Q) * stride_x
    } r5;
    struct packed {
      logic [7:0]  unused_48;
      logic [11:0] dil_y;  // rows from tap to tap, for masking
      logic [11:0] dil_x;  // columns from tap to tap, for masking
      logic [11:0] r_last;  // vertical taps - 1
      logic [11:0] s_last;  // horizontal taps - 1
    } r6;
    struct packed {
      logic [3:0]  unused_52;
      logic [23:0] tiles_last;  // tiles of ROWS output positions - 1
      // column groups - 1 (vector: 0; softmax: 0 or 2; normalize, exponential16, share16: 1)
      logic [11:0] groups_last;
      logic [15:0] words_last;  // channel words - 1
    } r7;
    struct packed {
      // window former: input columns at a row's end whose lanes have no output (vector: 0)
      logic [7:0]  idle;
      logic [23:0] out_wrap;  // output row pitch - Q * (1 + out_skip)
      logic [23:0] out;  // DMEM address of lane 0's first output word
    } r8;
    struct packed {
      logic [7:0]  unused_48;
      logic [23:0] out_plane;  // distance from an output channel word to the next
      logic [23:0] tile_out;  // (ROWS div Q) * output row pitch + (ROWS mod Q) * (1 + out_skip)
    } r9;
  } agu_payload_t;

  // Compute and vector: requantization and residual addition
  localparam int unsigned PostPadCodeReg = 10, PostPadCodeWidth = 8;
  localparam int unsigned PostZeroPointReg = 10, PostZeroPointWidth = 8;
  localparam int unsigned PostActMinReg = 10, PostActMinWidth = 8;
  localparam int unsigned PostActMaxReg = 10, PostActMaxWidth = 8;
  localparam int unsigned PostOutputReg = 10, PostOutputWidth = 2;
  localparam int unsigned PostEncodingReg = 10, PostEncodingWidth = 2;
  localparam int unsigned PostPassesLastReg = 10, PostPassesLastWidth = 4;
  localparam int unsigned PostLowReg = 10, PostLowWidth = 8;
  localparam int unsigned PostPositionReg = 10, PostPositionWidth = 5;
  localparam int unsigned PostFormatReg = 10, PostFormatWidth = 2;
  localparam int unsigned PostMultiplierReg = 11, PostMultiplierWidth = 31;
  localparam int unsigned PostShiftReg = 11, PostShiftWidth = 6;
  localparam int unsigned PostAddOperandMultiplierReg = 12, PostAddOperandMultiplierWidth = 31;
  localparam int unsigned PostAddOperandShiftReg = 12, PostAddOperandShiftWidth = 6;
  localparam int unsigned PostAddAIsHalfReg = 12, PostAddAIsHalfWidth = 1;
  localparam int unsigned PostAddZeroAReg = 12, PostAddZeroAWidth = 8;
  localparam int unsigned PostAddZeroBReg = 12, PostAddZeroBWidth = 8;
  localparam int unsigned PostAddMultiplierReg = 13, PostAddMultiplierWidth = 31;
  localparam int unsigned PostAddShiftReg = 13, PostAddShiftWidth = 6;
  localparam int unsigned PostAddZeroPointReg = 13, PostAddZeroPointWidth = 8;
  localparam int unsigned PostAddActMinReg = 14, PostAddActMinWidth = 8;
  localparam int unsigned PostAddActMaxReg = 14, PostAddActMaxWidth = 8;
  localparam int unsigned PostResidualDeltaReg = 14, PostResidualDeltaWidth = 24;
  typedef union packed {
    struct packed {
      logic              unused_55;
      // format of int16 codes (array.formats): 0 whole numbers, 1 values of E3M4, 2 values of
      // posit<8,0>, 3 ranks of E4M3 values; 1 to 3 require flag single
      logic [1:0]        format;
      logic [4:0]        position;  // position of the first channel in the first output word
      logic signed [7:0] low;  // code below all thresholds
      logic [3:0]        passes_last;  // pairs of thresholds per channel - 1
      logic [1:0]        encoding;  // precision of output words: 0 int8, 1 ternary, 2 binary
      // form of a result: 0 requantized, 1 thresholds, 2 the int32 sum as a word, 3 requantized and
      // looked up (vector: 0 or 3)
      logic [1:0]        output_;
      logic signed [7:0] act_max;  // upper bound of the requantized code
      logic signed [7:0] act_min;  // lower bound of the requantized code
      logic signed [7:0] zero_point;  // zero point of the requantized code
      logic signed [7:0] pad_code;  // each byte of a masked tap's word
    } r10;
    struct packed {
      logic [18:0]       unused_37;
      logic signed [5:0] shift;  // -31..30, positive shifts left
      logic [30:0]       multiplier;  // Q31 multiplier (vector, and compute with flag per_tensor)
    } r11;
    struct packed {
      logic [1:0]        unused_54;
      // zero point of b: the residual, the vector's second tap, or matmul's weights
      logic signed [7:0] add_zero_b;
      // zero point of a: the convolution's code, the vector's first tap, or matmul's activations
      logic signed [7:0] add_zero_a;
      // 1: the factor of a is 1/2; 0: the factor of b is 1/2; int16 products do not depend on the
      // bit, but the program must set it
      logic              add_a_is_half;
      logic signed [5:0] add_operand_shift;  // -31..0
      // Q31 multiplier of the operand whose factor is not 1/2
      logic [30:0]       add_operand_multiplier;
    } r12;
    struct packed {
      logic [10:0]       unused_45;
      logic signed [7:0] add_zero_point;  // zero point of the added code
      logic signed [5:0] add_shift;  // shift of the sum
      logic [30:0]       add_multiplier;  // Q31 multiplier of the sum
    } r13;
    struct packed {
      logic [15:0]       unused_40;
      // residual word's address - output word's address (modulo 2^24)
      logic [23:0]       residual_delta;
      // upper bound of the added code; int16 codes: low byte of their upper bound (high: act_max)
      logic signed [7:0] add_act_max;
      // lower bound of the added code; int16 codes: low byte of their lower bound (high: act_min)
      logic signed [7:0] add_act_min;
    } r14;
  } post_payload_t;

  // Compute only
  localparam int unsigned ComputeRowReg = 15, ComputeRowWidth = 20;
  localparam int unsigned ComputeParamReg = 15, ComputeParamWidth = 16;
  localparam int unsigned ComputeChannelsReg = 15, ComputeChannelsWidth = 16;
  typedef union packed {
    struct packed {
      logic [3:0]  unused_52;
      logic [15:0] channels;  // output channels, at least 1
      logic [15:0] param;  // bias and scale entry of the first channel
      logic [19:0] row;  // PMEM row of group 0's first step
    } r15;
  } compute_payload_t;

  // Vector only
  localparam int unsigned VectorBiasReg = 15, VectorBiasWidth = 32;
  localparam int unsigned VectorParamReg = 14, VectorParamWidth = 16;
  localparam int unsigned VectorChannelsReg = 15, VectorChannelsWidth = 16;
  typedef union packed {
    struct packed {
      logic [15:0] param;  // normalize: bias and scale entry of the first channel
      logic [39:0] unused_0;
    } r14;
    struct packed {
      logic [7:0]         unused_48;
      // number of channels, in operations over the channels of a pixel
      logic [15:0]        channels;
      logic signed [31:0] bias;  // added to a sum before it is requantized; normalize: epsilon
    } r15;
  } vector_payload_t;

  // Payload of RUN
  typedef struct packed {
    logic [30:0] unused_25;
    logic [8:0]  flags;  // flags of the engine: dma, compute or vector
    logic [7:0]  op;  // dma: target; compute: precision; vector: operation
    logic [3:0]  signal;  // engines to which one token each is given after the end
    logic [3:0]  wait_;  // engines (bit = code) from which one token each is taken before the start
  } run_payload_t;

  // Features that a configuration may lack: indices of bits.
  localparam int unsigned Features = 18;
  localparam int unsigned FeatureInt8 = 0;  // array.precisions
  localparam int unsigned FeatureTernary = 1;  // array.precisions
  localparam int unsigned FeatureBinary = 2;  // array.precisions
  localparam int unsigned FeatureThresholds = 3;  // array.precisions: ternary or binary
  localparam int unsigned FeatureVector = 4;  // vector.enable
  localparam int unsigned FeatureTable = 5;  // vector.table
  localparam int unsigned FeatureSoftmax = 6;  // vector.softmax, vector.enable
  // depthwise.enable, array.precisions: int8, array.cols: 4 or more
  localparam int unsigned FeatureWindow = 7;
  localparam int unsigned FeatureMaps = 8;  // matmul.enable, array.precisions: int8
  localparam int unsigned FeatureQuad = 9;  // array.cols: 4 or more
  localparam int unsigned FeatureInt16 = 10;  // array.activations16
  localparam int unsigned FeatureInt4 = 11;  // array.weights4
  localparam int unsigned FeatureGroups = 12;  // array.groups
  localparam int unsigned FeaturePacked = 13;  // memory.packed_weights
  // memory.packed_weights, bus.axi_data_bits: 32 or 64
  localparam int unsigned FeatureStreams = 14;
  localparam int unsigned FeatureCluster = 15;  // cluster.cores: 2 or more
  localparam int unsigned FeatureFormats = 16;  // array.formats
  localparam int unsigned FeatureSums = 17;  // post.partial_sums

  // Valid codes and the features that each needs, the lowest code in the lowest bits.
  localparam int unsigned DmaTargetCodes = 14;
  localparam logic [13:0] DmaTargetKnown = 14'b11111111111111;
  localparam logic [251:0] DmaTargetNeeds = {
    18'b001000000000000000,  // core
    18'b000100000000000000,  // palette
    18'b000100000000000000,  // sparse
    18'b000010000000000000,  // trits
    18'b000100000000000000,  // short
    18'b000000010000100000,  // points
    18'b000000010000000000,  // dmem16
    18'b000000001100000000,  // transposed
    18'b000000000001000000,  // exponentials
    18'b000000000000100000,  // table
    18'b000000000000000000,  // scale
    18'b000000000000000000,  // bias
    18'b000000000000000000,  // pmem
    18'b000000000000000000  // dmem
  };
  localparam int unsigned ComputeOpCodes = 12;
  localparam logic [11:0] ComputeOpKnown = 12'b111111111111;
  localparam logic [215:0] ComputeOpNeeds = {
    18'b000000000000000100,  // binary_inside
    18'b000000010000000001,  // int8_int16
    18'b000001100000000001,  // int8_groups
    18'b000000100000000001,  // int8_int4
    18'b000000010100000001,  // matmul16
    18'b000000010000000001,  // int16
    18'b000000000100000001,  // matmul
    18'b000000000000000101,  // int8_binary
    18'b000000000000000011,  // int8_ternary
    18'b000000000000000100,  // binary
    18'b000000000000000010,  // ternary
    18'b000000000000000001  // int8
  };
  localparam int unsigned VectorOpCodes = 29;
  localparam logic [28:0] VectorOpKnown = 29'b11111111111111111111111011111;
  localparam logic [521:0] VectorOpNeeds = {
    18'b010000010000010000,  // five_narrow16
    18'b010000010000010000,  // triple_narrow16
    18'b010000010000010000,  // triple16
    18'b000000010000010000,  // mul_narrow16
    18'b000000010001010000,  // share16
    18'b000000010001110000,  // exponential16
    18'b000000010000010000,  // word16
    18'b000000010000010000,  // join16
    18'b000000010000010000,  // min16
    18'b000000010000010000,  // max16
    18'b000000010000110000,  // tanh16
    18'b000000010000110000,  // logistic16
    18'b000000010000010000,  // widen16
    18'b000000010000010000,  // narrow16
    18'b000000010000010000,  // leaky16
    18'b000000010000010000,  // mul16
    18'b000000010000010000,  // add16
    18'b000000010000010000,  // sum16
    18'b000000000001010000,  // normalize
    18'b000000000000010000,  // squared_difference
    18'b000000000001010000,  // softmax
    18'b000000000000010000,  // min
    18'b000000000000010000,  // mul
    18'b000000000000000000,  // none
    18'b000000000000010100,  // max_binary
    18'b000000000000010010,  // max_ternary
    18'b000000000000010000,  // add
    18'b000000000000010000,  // sum
    18'b000000000000010000  // max
  };
  localparam int unsigned PostOutputCodes = 4;
  localparam logic [3:0] PostOutputKnown = 4'b1111;
  localparam logic [71:0] PostOutputNeeds = {
    18'b000000000000100000,  // table
    18'b000000000000000000,  // raw
    18'b000000000000001000,  // thresholds
    18'b000000000000000000  // requantized
  };
  localparam int unsigned PostEncodingCodes = 3;
  localparam logic [2:0] PostEncodingKnown = 3'b111;
  localparam logic [53:0] PostEncodingNeeds = {
    18'b000000000000000100,  // binary
    18'b000000000000000010,  // ternary
    18'b000000000000000000  // int8
  };

endpackage
// verilator lint_on UNUSEDPARAM
