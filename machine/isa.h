// SPDX-License-Identifier: Apache-2.0
//
// The one description of Trine's instruction set. The compiler, the disassembler and the
// architecture simulator use it directly; gen/ prints it as rtl/trine_isa_pkg.sv, as a C header and
// as docs/instructions.md. Semantics: docs/architecture.md.
//
// An instruction word has 64 bits. SET writes 56 bits into one of the 16 registers of an engine,
// which keep their values; RUN starts the engine with its registers; END ends the program.
//
//   63:62 opcode | 61:60 engine | 59:56 register | 55:0 payload
//
// The first word of a program, BEGIN, is the hash of the configuration that it was compiled for
// (machine::Config::hash(), whose bits 63:62 are BEGIN's opcode): the machine runs no other
// program.

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace trine::isa {

inline constexpr int kVersion = 12;

enum class Opcode : int { kEnd = 0, kSet = 1, kRun = 2, kBegin = 3 };
enum class Engine : int { kLoad = 0, kCompute = 1, kVector = 2, kStore = 3 };
inline constexpr int kEngines = 4;
inline constexpr int kRegisters = 16;
inline constexpr int kPayloadBits = 56;
inline constexpr std::array<std::string_view, kEngines> kEngineNames{"load", "compute", "vector",
                                                                     "store"};

// ---- what a configuration may lack --------------------------------------------------------------
/// A bit each; machine::Config::features() are those of a configuration.
namespace feature {
inline constexpr unsigned kInt8 = 1 << 0, kTernary = 1 << 1, kBinary = 1 << 2, kThresholds = 1 << 3,
                          kVector = 1 << 4, kTable = 1 << 5, kSoftmax = 1 << 6, kWindow = 1 << 7,
                          kMaps = 1 << 8, kQuad = 1 << 9;
struct Feature {
  std::string_view name;
  std::string_view keys;  ///< of the configuration
};
inline constexpr std::array<Feature, 10> kAll{{
    {"int8", "array.precisions"},
    {"ternary", "array.precisions"},
    {"binary", "array.precisions"},
    {"thresholds", "array.precisions: ternary or binary"},
    {"vector", "vector.enable"},
    {"table", "vector.table"},
    {"softmax", "vector.softmax, vector.enable"},
    {"window", "depthwise.enable, array.precisions: int8, array.cols: 4 or more"},
    {"maps", "matmul.enable, array.precisions: int8"},
    {"quad", "array.cols: 4 or more"},
}};
}  // namespace feature

/// A code of an operation or of a register that selects hardware; its value is the index.
struct Choice {
  std::string_view name;
  std::string_view doc;
  unsigned needs = 0;  ///< features
};

/// Bits [lsb + width - 1 : lsb] of register `reg`. Signed fields are two's complement.
struct Field {
  std::string_view name;
  int reg;
  int lsb;
  int width;
  bool is_signed;
  std::string_view doc;
};

inline constexpr int kAddressBits = 24;  ///< of a 32-bit word in DMEM

// ---- load, store: 2-D copies between DRAM and on-chip memory --------------------------------
namespace dma {
inline constexpr Field kDram{
    "dram",
    0,
    0,
    40,
    false,
    "byte address of the first row, a multiple of 4: in DRAM relative to the BASE "
    "registers, with from_dmem in DMEM"};
inline constexpr Field kLocal{
    "local", 1, 0, 24, false, "first DMEM word, PMEM row, bias or scale entry, or word of a table"};
inline constexpr Field kWords{"words", 1, 24, 24, false, "32-bit words of a row, at least 1"};
inline constexpr Field kRowsLast{"rows_last", 2, 0, 16, false, "number of rows - 1"};
inline constexpr Field kLocalStride{
    "local_stride", 2, 16, 24, false, "from row to row, in local units"};
inline constexpr Field kDramStride{"dram_stride", 3, 0, 40, false, "from row to row, in bytes"};
inline constexpr std::array kFields{kDram, kLocal, kWords, kRowsLast, kLocalStride, kDramStride};
}  // namespace dma

// ---- compute and vector: the lanes' coordinates, the loop nest, the outputs ------------------
namespace agu {
inline constexpr Field kBase{
    "base", 0,     0,
    24,     false, "DMEM address of lane 0's first tap (modulo 2^24; may lie before the tensor)"};
inline constexpr Field kRowWrap{
    "row_wrap", 0, 24, 24, false, "added to a lane's base when it goes to the next output row"};
inline constexpr Field kTileBase{
    "tile_base", 1, 0, 24, false, "added to every lane's base from tile to tile"};
inline constexpr Field kKxStep{"kx_step", 1,     24,
                               24,        false, "added to the tap offset from kx to kx + 1"};
inline constexpr Field kKyStep{
    "ky_step", 2, 0, 24, false, "added to the tap offset from the last kx to the next ky"};
inline constexpr Field kCwStep{
    "cw_step", 2,     24,
    24,        false, "added to the tap offset from the last (ky, kx) to the next channel word"};
inline constexpr Field kXStart{"x_start", 3,    0,
                               16,        true, "input column of lane 0's first tap: -pad_left"};
inline constexpr Field kXEnd{"x_end", 3,    16,
                             16,      true, "x_start + Q * stride_x: where an output row ends"};
inline constexpr Field kYStart{"y_start", 3,    32,
                               16,        true, "input row of lane 0's first tap: -pad_top"};
inline constexpr Field kYEnd{
    "y_end", 4, 0, 16, true, "y_start + P * stride_y: lanes at or below are inactive"};
inline constexpr Field kHeight{"height", 4,     16,
                               16,       false, "taps outside 0 <= y < height are masked"};
inline constexpr Field kWidth{"width", 4, 32, 16, false, "taps outside 0 <= x < width are masked"};
inline constexpr Field kHalo{
    "halo", 4, 48, 8, false, "columns that the last lane's neighbours reach (compute; else 0)"};
inline constexpr Field kTileX{"tile_x", 5, 0, 16, false, "(ROWS mod Q) * stride_x"};
inline constexpr Field kTileY{"tile_y", 5, 16, 16, false, "(ROWS div Q) * stride_y"};
inline constexpr Field kStrideX{"stride_x", 5, 32, 8, false, "input columns from lane to lane"};
inline constexpr Field kStrideY{"stride_y", 5,     40,
                                8,          false, "input rows from output row to output row"};
inline constexpr Field kOutSkip{
    "out_skip", 5,     48,
    8,          false, "words left out between the outputs of two lanes: output stride - 1"};
inline constexpr Field kSLast{"s_last", 6, 0, 12, false, "taps in x - 1"};
inline constexpr Field kRLast{"r_last", 6, 12, 12, false, "taps in y - 1"};
inline constexpr Field kDilX{"dil_x", 6, 24, 12, false, "columns from tap to tap, for masking"};
inline constexpr Field kDilY{"dil_y", 6, 36, 12, false, "rows from tap to tap, for masking"};
inline constexpr Field kWordsLast{"words_last", 7, 0, 16, false, "channel words - 1"};
inline constexpr Field kGroupsLast{"groups_last",
                                   7,
                                   16,
                                   12,
                                   false,
                                   "column groups - 1 (vector: 0; softmax: 0 or 2; normalize: 1)"};
inline constexpr Field kTilesLast{"tiles_last", 7, 28, 24, false, "vectors of ROWS pixels - 1"};
inline constexpr Field kOut{"out", 8, 0, 24, false, "DMEM address of lane 0's first output word"};
inline constexpr Field kOutWrap{"out_wrap", 8,     24,
                                24,         false, "output row pitch - Q * (1 + out_skip)"};
inline constexpr Field kIdle{
    "idle", 8, 48, 8, false, "columns at a row's end whose lanes have no output (compute; else 0)"};
inline constexpr Field kTileOut{
    "tile_out", 9, 0, 24, false, "(ROWS div Q) * output row pitch + (ROWS mod Q) * (1 + out_skip)"};
inline constexpr Field kOutPlane{
    "out_plane", 9, 24, 24, false, "from output channel word to output channel word"};
}  // namespace agu

// ---- compute and vector: requantization and residual addition --------------------------------
namespace post {
inline constexpr std::array<Choice, 4> kOutputs{{
    {"requantized", "a code"},
    {"thresholds", "a code, by comparisons; compute only", feature::kThresholds},
    {"raw", "the int32 sum as a word of its own; compute only"},
    {"table", "a code, requantized and looked up", feature::kTable},
}};
inline constexpr std::array<Choice, 3> kEncodings{{
    {"int8", "4 codes a word"},
    {"ternary", "16 codes a word", feature::kTernary},
    {"binary", "32 codes a word", feature::kBinary},
}};
inline constexpr Field kPadCode{"pad_code", 10, 0, 8, true, "each byte of a masked tap's word"};
inline constexpr Field kZeroPoint{"zero_point", 10, 8, 8, true, "of the requantized code"};
inline constexpr Field kActMin{"act_min", 10, 16, 8, true, "lower bound of the requantized code"};
inline constexpr Field kActMax{"act_max", 10, 24, 8, true, "upper bound of the requantized code"};
inline constexpr Field kOutput{
    "output",
    10,
    32,
    2,
    false,
    "what becomes of a result: 0 requantized, 1 thresholds, 2 the int32 sum as a word of its own, "
    "3 requantized and looked up (vector: 0 or 3)"};
inline constexpr Field kEncoding{"encoding", 10,    34,
                                 2,          false, "of output words: 0 int8, 1 ternary, 2 binary"};
inline constexpr Field kPassesLast{
    "passes_last", 10, 36, 4, false, "pairs of thresholds of a channel - 1"};
inline constexpr Field kLow{"low", 10, 40, 8, true, "code below all thresholds"};
inline constexpr Field kPosition{
    "position", 10, 48, 5, false, "place of the first channel in the first output word"};
inline constexpr Field kMultiplier{"multiplier", 11,    0,
                                   31,           false, "Q31; vector, or compute with per_tensor"};
inline constexpr Field kShift{"shift", 11, 31, 6, true, "-31..30, positive shifts left"};
inline constexpr Field kAddOperandMultiplier{
    "add_operand_multiplier", 12, 0, 31, false, "of the operand whose factor is not 1/2"};
inline constexpr Field kAddOperandShift{"add_operand_shift", 12, 31, 6, true, "-31..0"};
inline constexpr Field kAddAIsHalf{
    "add_a_is_half", 12, 37, 1, false, "1: a's factor is 1/2; 0: b's"};
inline constexpr Field kAddZeroA{
    "add_zero_a",
    12,
    38,
    8,
    true,
    "zero point of a: the convolution's code, the vector's first tap, or activations"};
inline constexpr Field kAddZeroB{
    "add_zero_b", 12,
    46,           8,
    true,         "zero point of b: the residual, the vector's second tap, or weights"};
inline constexpr Field kAddMultiplier{"add_multiplier", 13, 0, 31, false, "of the sum, Q31"};
inline constexpr Field kAddShift{"add_shift", 13, 31, 6, true, "of the sum"};
inline constexpr Field kAddZeroPoint{"add_zero_point", 13, 37, 8, true, "of the added code"};
inline constexpr Field kAddActMin{"add_act_min", 14, 0, 8, true, "lower bound of the added code"};
inline constexpr Field kAddActMax{"add_act_max", 14, 8, 8, true, "upper bound of the added code"};
inline constexpr Field kResidualDelta{
    "residual_delta",
    14,
    16,
    24,
    false,
    "residual word's address - output word's address (modulo 2^24)"};
}  // namespace post

namespace compute {
inline constexpr Field kRow{"row", 15, 0, 20, false, "PMEM row of group 0's first step"};
inline constexpr Field kParam{"param", 15,    20,
                              16,      false, "bias and scale entry of the first channel"};
inline constexpr Field kChannels{"channels", 15, 36, 16, false, "output channels, at least 1"};
inline constexpr std::array kFields{kRow, kParam, kChannels};
/// Operation: the precision; the mixed ones have int8 activations and packed weights. kMatmul:
/// int8, with the zero points add_zero_a (activations) and add_zero_b (weights).
enum class Op : int {
  kInt8 = 0,
  kTernary = 1,
  kBinary = 2,
  kInt8Ternary = 3,
  kInt8Binary = 4,
  kMatmul = 5
};
inline constexpr std::array<Choice, 6> kOps{{
    {"int8", "4 channels a word", feature::kInt8},
    {"ternary", "16 channels a word", feature::kTernary},
    {"binary", "32 channels a word", feature::kBinary},
    {"int8_ternary", "int8 activations, 16 weights a word", feature::kInt8 | feature::kTernary},
    {"int8_binary", "int8 activations, 32 weights a word", feature::kInt8 | feature::kBinary},
    {"matmul", "int8, both operands with zero points", feature::kInt8 | feature::kMaps},
}};
/// RUN flags.
inline constexpr int kClear = 0;      ///< accumulators start at zero
inline constexpr int kDrain = 1;      ///< results leave through the post unit
inline constexpr int kFuseAdd = 2;    ///< post adds the residual
inline constexpr int kPerTensor = 3;  ///< multiplier and shift from register 11, bias per channel
inline constexpr int kSingle = 4;     ///< one rounding instead of two
inline constexpr int kFuseMax = 5;    ///< maximum with the residual instead of the sum
inline constexpr int kWindow = 6;     ///< depthwise: each group has a channel word of its own
inline constexpr int kHalfEven = 7;   ///< with `single`: the last rounding sends halves to even
}  // namespace compute

namespace vector {
inline constexpr Field kBias{
    "bias", 15, 0, 32, true, "added to a sum before it is requantized; normalize: epsilon"};
inline constexpr Field kParam{
    "param", 14, 40, 16, false, "normalize: bias and scale entry of the first channel"};
inline constexpr Field kChannels{"channels", 15, 32, 16, false, "softmax, normalize: channels"};
inline constexpr std::array kFields{kBias, kChannels, kParam};
/// kMax, kMin: maximum (of int8, ternary or binary values), minimum (int8) of the taps. kSum:
/// requantized sum of the taps. kAdd: tap 0 + tap 1, as TFLite ADD. kAddInt32: as 32-bit integers,
/// saturating. kMul: tap 0 times tap 1, requantized. kSoftmax: over all channels of a lane.
/// kSquaredDifference: (tap 0 + tap 1)^2, as TFLite SQUARED_DIFFERENCE with `invert`. kNormalize:
/// LayerNorm or RMSNorm over all channels of a lane.
enum class Op : int {
  kMax = 0,
  kSum = 1,
  kAdd = 2,
  kMaxTernary = 3,
  kMaxBinary = 4,
  kAddInt32 = 5,
  kMul = 6,
  kMin = 7,
  kSoftmax = 8,
  kSquaredDifference = 9,
  kNormalize = 10
};
inline constexpr std::array<Choice, 11> kOps{{
    {"max", "maximum of the taps", feature::kVector},
    {"sum", "requantized sum of the taps", feature::kVector},
    {"add", "TFLite ADD of two taps", feature::kVector},
    {"max_ternary", "maximum of ternary taps", feature::kVector | feature::kTernary},
    {"max_binary", "maximum of binary taps", feature::kVector | feature::kBinary},
    {"add_int32", "saturated sum of two int32 taps", feature::kVector},
    {"mul", "requantized product of two taps", feature::kVector},
    {"min", "minimum of the taps", feature::kVector},
    {"softmax", "softmax over the channels", feature::kVector | feature::kSoftmax},
    {"squared_difference", "squared sum of two taps, as TFLite SQUARED_DIFFERENCE",
     feature::kVector},
    {"normalize", "LayerNorm or RMSNorm over the channels", feature::kVector | feature::kSoftmax},
}};
inline constexpr int kReduce = 0;    ///< sum over the active lanes as well; only lane 0 writes
inline constexpr int kInvert = 1;    ///< all bits of the taps after a window's first: ~b = -1 - b
inline constexpr int kCenter = 2;    ///< normalize: takes the mean off
inline constexpr int kSingle = 4;    ///< one rounding instead of two
inline constexpr int kHalfEven = 7;  ///< with `single`: the last rounding sends halves to even
}  // namespace vector

namespace dma {
enum class Target : int {
  kDmem = 0,
  kPmem = 1,
  kBias = 2,
  kScale = 3,
  kTable = 4,
  kExponentials = 5,
  kTransposed = 6  ///< PMEM, each four words as four columns
};
/// Targets of the load engine; the store engine has the first alone.
inline constexpr std::array<Choice, 7> kTargets{{
    {"dmem", "feature maps"},
    {"pmem", "weights; load only"},
    {"bias", "biases; load only"},
    {"scale", "scales; load only"},
    {"table", "lookup table; load only", feature::kTable},
    {"exponentials", "exponentials of the softmax; load only", feature::kSoftmax},
    {"transposed", "PMEM, four words as four columns; load only", feature::kMaps | feature::kQuad},
}};
/// RUN flags.
inline constexpr int kFromDmem = 0;            ///< load into PMEM: the source is DMEM
inline constexpr int kTableWords = 64;         ///< the lookup table: 256 codes, 4 a word
inline constexpr int kExponentialWords = 256;  ///< softmax: one for each difference of two codes
inline constexpr int kSoftmaxWords = 256;      ///< that a lane keeps: then one pass
}  // namespace dma

// ---- RUN's payload ----------------------------------------------------------------------------
namespace run {
inline constexpr Field kWait{
    "wait", 0,     0,
    4,      false, "engines (bit = code) from which one token each is taken before the start"};
inline constexpr Field kSignal{
    "signal", 0, 4, 4, false, "engines to which one token each is given after the end"};
inline constexpr Field kOp{"op", 0,     8,
                           8,    false, "dma: target; compute: precision; vector: operation"};
inline constexpr Field kFlags{"flags", 0, 16, 8, false, "see the engine"};
inline constexpr std::array kFields{kWait, kSignal, kOp, kFlags};
}  // namespace run

inline constexpr int kTokenBits = 6;  ///< a token counter holds 0..63; the compiler stays below

/// The fields shared by compute and vector, in register order.
inline constexpr std::array kLaneFields{agu::kBase,
                                        agu::kRowWrap,
                                        agu::kTileBase,
                                        agu::kKxStep,
                                        agu::kKyStep,
                                        agu::kCwStep,
                                        agu::kXStart,
                                        agu::kXEnd,
                                        agu::kYStart,
                                        agu::kYEnd,
                                        agu::kHeight,
                                        agu::kWidth,
                                        agu::kHalo,
                                        agu::kTileX,
                                        agu::kTileY,
                                        agu::kStrideX,
                                        agu::kStrideY,
                                        agu::kOutSkip,
                                        agu::kSLast,
                                        agu::kRLast,
                                        agu::kDilX,
                                        agu::kDilY,
                                        agu::kWordsLast,
                                        agu::kGroupsLast,
                                        agu::kTilesLast,
                                        agu::kOut,
                                        agu::kOutWrap,
                                        agu::kIdle,
                                        agu::kTileOut,
                                        agu::kOutPlane,
                                        post::kPadCode,
                                        post::kZeroPoint,
                                        post::kActMin,
                                        post::kActMax,
                                        post::kOutput,
                                        post::kEncoding,
                                        post::kPassesLast,
                                        post::kLow,
                                        post::kPosition,
                                        post::kMultiplier,
                                        post::kShift,
                                        post::kAddOperandMultiplier,
                                        post::kAddOperandShift,
                                        post::kAddAIsHalf,
                                        post::kAddZeroA,
                                        post::kAddZeroB,
                                        post::kAddMultiplier,
                                        post::kAddShift,
                                        post::kAddZeroPoint,
                                        post::kAddActMin,
                                        post::kAddActMax,
                                        post::kResidualDelta};

/// All fields of an engine's registers.
std::vector<Field> fields_of(Engine engine);

// ---- Encoding ---------------------------------------------------------------------------------
using Word = std::uint64_t;

/// The registers of one engine, as the hardware holds them.
struct Registers {
  std::array<std::uint64_t, kRegisters> value{};

  /// @pre v fits the field (asserted); addresses are passed modulo 2^24
  void set(const Field& field, std::int64_t v);
  std::int64_t get(const Field& field) const;
  bool operator==(const Registers& other) const { return value == other.value; }
};

struct Run {
  int wait = 0, signal = 0, op = 0, flags = 0;
};

inline constexpr Word encode_begin(std::uint64_t hash) { return hash | Word{3} << 62; }
Word encode_set(Engine engine, int reg, std::uint64_t payload);
Word encode_run(Engine engine, const Run& run);
inline constexpr Word kEndWord = 0;

/// Why the machine does not take a word that is not the program's first.
enum class Fault { kNone, kIllegal, kLacking };
/// @param features  of the configuration. kIllegal: no configuration takes the word; kLacking: this
/// one has not what it asks for.
Fault fault_of(Word word, unsigned features);
/// "operation max_ternary: needs vector (vector.enable), ternary (array.precisions)" of a word that
/// is not kNone.
std::string fault_text(Word word, unsigned features);

Opcode opcode_of(Word word);
Engine engine_of(Word word);
int register_of(Word word);
std::uint64_t payload_of(Word word);
Run decode_run(Word word);

}  // namespace trine::isa
