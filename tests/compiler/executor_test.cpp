// SPDX-License-Identifier: Apache-2.0
//
// Checks refusals of what the hardware cannot do, and the timeline's counts, on programs written by
// hand.

#include <cstring>
#include <numeric>
#include <tuple>

#include "sw/base/error.h"
#include "sw/reference/ops/norm.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using isa::Engine;
namespace dma = isa::dma;
using isa::compares16;
using isa::narrows16;
using isa::takes_words;

spec::Config config_8x8() { return testing::small_config(8, 8, 8, 8, 64); }

/// Returns a load of `words` words.
isa::TransferRegisters transfer(std::int64_t dram, std::int64_t local, std::int64_t words) {
  isa::TransferRegisters r;
  r.set(dma::kDram, dram);
  r.set(dma::kLocal, local);
  r.set(dma::kWords, words);
  return r;
}

void require_refused(const isa::Registers& registers, Engine engine, int op, const char* what) {
  std::vector<std::uint8_t> dram(4096);
  Executor machine(config_8x8(), dram);
  isa::Run run;
  run.op = op;
  REQUIRE_THROWS_WITH(
      machine.execute(engine, registers, run, 3),
      Catch::Matchers::ContainsSubstring("RUN 3") && Catch::Matchers::ContainsSubstring(what));
}

TEST_CASE("transfers outside of a memory or off their beat are refused", "[arch][error]") {
  require_refused(transfer(4094 * 4, 0, 1), Engine::kLoad, 0, "DRAM bytes");
  require_refused(transfer(4092, 1, 2), Engine::kLoad, 0, "DRAM bytes");
  require_refused(transfer(0, 2048, 1), Engine::kLoad, 0, "DMEM word 2048");
  require_refused(transfer(0, 2047, 2), Engine::kStore, 0, "congruent");
  require_refused(transfer(4, 0, 2), Engine::kLoad, 1, "not a multiple");
  require_refused(transfer(0, 255, 16), Engine::kLoad, 1, "PMEM rows 255..256, allowed 0..255");
  require_refused(transfer(0, 512, 2), Engine::kLoad, 2, "bias");
  require_refused(transfer(0, 0, 2), Engine::kStore, 1,
                  "operation 1 of the store engine does not exist");
}

/// Rows descend from the first one: the second row starts before the memory.
TEST_CASE("rows that a negative stride puts before a memory are refused", "[arch][error]") {
  const auto down = [](std::int64_t local, std::int64_t words, std::int64_t stride) {
    isa::TransferRegisters r = transfer(0, local, words);
    r.set(dma::kRowsLast, 1);
    r.set(dma::kLocalStride, (std::int64_t{1} << isa::kAddressBits) - stride);
    return r;
  };
  require_refused(down(0, 8, 8), Engine::kLoad, 0, "DMEM word 16777208");
  require_refused(down(0, 8, 8), Engine::kStore, 0, "DMEM word 16777208");
  require_refused(down(0, 8, 8'000'000), Engine::kLoad, 1, "PMEM rows");
  require_refused(down(0, 8, 8), Engine::kLoad, 2, "bias");
  require_refused(down(0, 8, 4), Engine::kLoad, 3, "scale");
  require_refused(down(0, 8, 8), Engine::kLoad, 4, "table");
  require_refused(down(0, 8, 8), Engine::kLoad, 5, "exponential");
  std::vector<std::uint8_t> dram(64, 7);
  Executor machine(config_8x8(), dram);
  machine.execute(Engine::kLoad, down(8, 8, 8), {}, 0);  // to word 0
  CHECK(machine.dmem()[15 * 4] == 7);
}

/// A RUN at the limit of what is permitted, or one unit beyond.
struct Asked {
  Asked(Engine e, int op_, int flags_, std::vector<std::pair<isa::Field, std::int64_t>> fields_,
        std::string refused_ = "")
      : engine(e),
        op(op_),
        flags(flags_),
        fields(std::move(fields_)),
        refused(std::move(refused_)) {}
  Engine engine;
  int op, flags;
  std::vector<std::pair<isa::Field, std::int64_t>> fields;
  std::string refused;  ///< the reason; empty: accepted
};

void check_all(const std::vector<Asked>& rows, std::vector<std::uint8_t> dram,
               const std::vector<Asked>& before = {}, const spec::Config& config = config_8x8()) {
  int index = 0;
  for (const Asked& row : rows) {
    Executor machine(config, dram);
    const auto execute = [&](const Asked& asked) {
      isa::Registers registers;
      // One channel per group unless the row states otherwise.
      const auto groups =
          std::ranges::find(asked.fields, isa::agu::kGroupsLast.lsb, [](const auto& f) {
            return f.first.reg == isa::agu::kGroupsLast.reg ? f.first.lsb : -1;
          });
      if (asked.engine == Engine::kCompute)
        registers.value[isa::compute::kChannels.reg] =
            static_cast<std::uint64_t>(groups == asked.fields.end() ? 1 : 8 * groups->second + 1)
            << isa::compute::kChannels.lsb;
      for (const auto& [field, value] : asked.fields) {
        const std::uint64_t mask = (std::uint64_t{1} << field.width) - 1;
        std::uint64_t& word = registers.value[static_cast<std::size_t>(field.reg)];
        word = (word & ~(mask << field.lsb)) | (static_cast<std::uint64_t>(value) & mask)
                                                   << field.lsb;
      }
      isa::Run run;
      run.op = asked.op;
      run.flags = asked.flags;
      machine.execute(asked.engine, registers, run, 3);
    };
    for (const Asked& first : before) execute(first);
    std::string error;
    try {
      execute(row);
    } catch (const Error& e) {
      error = e.what();
    }
    CAPTURE(index++, row.refused);
    if (row.refused.empty())
      CHECK(error.empty());
    else
      CHECK_THAT(error, Catch::Matchers::StartsWith("RUN 3: ") &&
                            Catch::Matchers::ContainsSubstring(row.refused));
  }
}

TEST_CASE("transfers may fill each memory but not exceed it", "[arch][error]") {
  using dma::kDram, dma::kDramStride, dma::kLocal, dma::kWords, dma::kRowsLast;
  constexpr Engine kIn = Engine::kLoad, kOut = Engine::kStore;
  check_all(
      {
          {kIn, 0, 0, {{kDram, 4}, {kLocal, 2047}, {kWords, 1}}},
          {kIn, 0, 0, {{kDram, 0}, {kLocal, 2046}, {kWords, 2}}},
          {kIn, 0, 0, {{kDram, 0}, {kLocal, 2046}, {kWords, 3}}, "DMEM word 2048, allowed 0..2047"},
          {kIn, 0, 0, {{kDram, 4088}, {kWords, 2}}},
          {kIn, 0, 0, {{kDram, 4088}, {kWords, 3}}, "DRAM bytes 4088..4099, but there are 4096"},
          {kOut, 0, 0, {{kDram, 4088}, {kWords, 2}}},
          {kOut, 0, 0, {{kDram, 4088}, {kWords, 3}}, "DRAM bytes 4088..4099, but there are 4096"},
          {kOut, 0, 0, {{kDram, 0}, {kLocal, 2046}, {kWords, 3}}, "DMEM word 2048"},
          {kIn, 1, 0, {{kWords, 8}, {kRowsLast, 1}, {kDramStride, -32}}, "DRAM bytes -32..-1"},
          {kIn, 1, 1, {{kWords, 8}, {kRowsLast, 1}, {kDramStride, -32}}, "DMEM bytes -32..-1"},
          {kOut, 0, 0, {{kWords, 2}, {kRowsLast, 1}, {kDramStride, -8}}, "DRAM bytes -8..-1"},
          {kIn, 1, 0, {{kDram, 32}, {kWords, 8}, {kRowsLast, 1}, {kDramStride, -32}}},
          {kIn, 0, 0, {{kDram, 2}, {kWords, 1}}, "DRAM bytes 2..5"},
          {kIn, 0, 0, {{kWords, 0}}, "DRAM bytes 0..67108863, but there are 4096"},
          {kIn, 0, 0, {{kDram, 4}, {kLocal, 0}, {kWords, 1}}, "are not congruent modulo 2 words"},
          {kIn, 1, 0, {{kLocal, 254}, {kWords, 16}}},
          {kIn, 1, 0, {{kLocal, 255}, {kWords, 8}}},
          {kIn, 1, 0, {{kLocal, 256}, {kWords, 8}}, "PMEM rows 256..256, allowed 0..255"},
          {kIn, 1, 0, {{kWords, 6}}, "3 beats are not whole PMEM rows"},
          {kIn, 1, 0, {{kWords, 7}}, "DRAM byte 0, 7 words: not a multiple of 2 words"},
          {kIn, 1, 0, {{kDram, 4}, {kWords, 8}}, "DRAM byte 4, 8 words: not a multiple of 2 words"},
          {kIn, 1, 1, {{kDram, 8160}, {kWords, 8}}},  // from DMEM
          {kIn, 1, 1, {{kDram, 8168}, {kWords, 8}}, "DMEM bytes 8168..8199, but there are 8192"},
          {kIn, 2, 0, {{kLocal, 510}, {kWords, 2}}},
          {kIn, 2, 0, {{kLocal, 510}, {kWords, 4}}, "bias 510..513, allowed 0..511"},
          {kIn, 2, 0, {{kLocal, 509}, {kWords, 2}}, "bias entry 509: not a multiple of 2"},
          {kIn, 3, 0, {{kLocal, 511}, {kWords, 2}}},
          {kIn, 3, 0, {{kLocal, 511}, {kWords, 4}}, "scale 511..512, allowed 0..511"},
          {kIn, 4, 0, {{kLocal, 62}, {kWords, 2}}},
          {kIn, 4, 0, {{kLocal, 62}, {kWords, 4}}, "table 62..65, allowed 0..63"},
          {kIn, 4, 0, {{kLocal, 1}, {kWords, 2}}, "table entry 1: not a multiple of 2"},
          {kIn, 5, 0, {{kLocal, 254}, {kWords, 2}}},
          {kIn, 5, 0, {{kLocal, 254}, {kWords, 4}}, "exponential 254..257, allowed 0..255"},
          {kIn, 6, 0, {{kLocal, 254}, {kWords, 5}, {kRowsLast, 1}}},
          {kIn, 6, 0, {{kLocal, 255}, {kWords, 5}}, "PMEM rows 255..256, allowed 0..255"},
          {kIn,
           6,
           0,
           {{kWords, 4}, {kRowsLast, 2}},
           "3 channel words, allowed a fourth of the 8 columns"},
      },
      std::vector<std::uint8_t>(4096));
}

TEST_CASE("products use PMEM and parameters up to their ends and only in legal forms",
          "[arch][error]") {
  using isa::compute::kChannels, isa::compute::kParam, isa::compute::kRow;
  using namespace isa::agu;
  constexpr Engine kArray = Engine::kCompute;
  constexpr int kWhole = 3, kAdd = 4, kMaximum = 32, kFormer = 64;
  check_all(
      {
          {kArray, 0, kWhole, {{kRow, 255}, {kChannels, 8}}},
          {kArray, 0, kWhole, {{kRow, 256}, {kChannels, 8}}, "PMEM rows 256..256, allowed 0..255"},
          {kArray, 0, kWhole, {{kRow, 254}, {kWordsLast, 1}}},
          {kArray, 0, kWhole, {{kRow, 255}, {kWordsLast, 1}}, "PMEM rows 255..256"},
          {kArray, 0, kWhole, {{kRow, 254}, {kGroupsLast, 1}}},
          {kArray, 0, kWhole, {{kRow, 255}, {kGroupsLast, 1}}, "PMEM rows 255..256"},
          {kArray, 0, kWhole, {{kRow, 250}, {kRLast, 1}, {kSLast, 2}}},
          {kArray, 0, kWhole, {{kRow, 251}, {kRLast, 1}, {kSLast, 2}}, "PMEM rows 251..256"},
          {kArray, 0, kWhole, {{kParam, 504}, {kChannels, 8}}},
          {kArray, 0, kWhole, {{kParam, 505}, {kChannels, 8}}, "scale entry 512, allowed 0..511"},
          {kArray, 0, kWhole, {{kParam, 496}, {kChannels, 16}, {kGroupsLast, 1}}},
          {kArray, 0, kWhole, {{kParam, 497}, {kChannels, 16}, {kGroupsLast, 1}}, "entry 512"},
          {kArray, 0, 1, {}},
          {kArray, 0, 2, {}},
          {kArray, 0, 1, {{kGroupsLast, 1}}, "in pieces must have one tile and one group"},
          {kArray, 0, 2, {{kTilesLast, 1}}, "in pieces must have one tile and one group"},
          {kArray, 0, kWhole, {{kTilesLast, 1}, {kGroupsLast, 1}}},
          {kArray, 5, kWhole, {}},
          {kArray, 5, kWhole + kAdd, {}, "which needs the same registers"},
          {kArray, 0, kWhole + kAdd, {}},
          {kArray,
           0,
           kWhole + kAdd,
           {{isa::post::kOutput, 3}},
           "a residual is not supported with a lookup"},
          {kArray,
           0,
           kWhole,
           {{isa::compute::kChannels, 0}},
           "0 channels do not reach the last of 1 groups of 8"},
          {kArray,
           0,
           kWhole + 128,
           {},
           "operation 0 of the compute engine does not exist with these flags"},
          {kArray,
           0,
           kWhole + kMaximum,
           {{isa::post::kOutput, 3}},
           "a residual is not supported with a lookup"},
          {kArray, 0, kWhole, {{isa::post::kOutput, 3}}},
          {kArray, 0, kWhole + kFormer, {{kRow, 255}, {kSLast, 1}, {kChannels, 4}}},
          {kArray, 0, kWhole + kFormer, {{kRow, 255}, {kSLast, 2}}, "PMEM rows 255..256"},
          {kArray, 0, kWhole + kFormer, {{kWordsLast, 1}}, "supports one channel word"},
          {kArray, 0, 1 + kFormer, {}, "the window former does not support a reduction in pieces"},
          {kArray, 0, 2 + kFormer, {}, "the window former does not support a reduction in pieces"},
          {kArray, 5, kWhole + kFormer, {}},
          {kArray, 0, kWhole, {{isa::post::kAddOperandShift, 1}}},  // not read by the operation
          {kArray, 0, kWhole + kAdd, {{isa::post::kAddOperandShift, -31}}},
          {kArray,
           0,
           kWhole + kAdd,
           {{isa::post::kAddOperandShift, -32}},
           "shift -32 of an operand"},
      },
      std::vector<std::uint8_t>(64));
}

TEST_CASE("sums of earlier parts are added only where the machine can read them", "[arch][error]") {
  using namespace isa::agu;
  using isa::post::kOutput, isa::post::kResidualDelta;
  constexpr Engine kArray = Engine::kCompute;
  constexpr int kWhole = 3, kAdd = 4, kMaximum = 32, kFormer = 64, kSums = 256;
  const char* form = "sums are not supported with a residual, thresholds, factors, int16";
  spec::Config config = config_8x8();
  config.partial_sums = config.activations16 = config.ternary = true;
  using Fields = std::vector<std::pair<isa::Field, std::int64_t>>;
  const auto with = [](Fields fields) {  // one position of eight channels
    for (const isa::Field& one : {kXEnd, kYEnd, kHeight, kWidth, kStrideX, kStrideY})
      fields.emplace_back(one, 1);
    fields.emplace_back(isa::compute::kChannels, 8);
    return fields;
  };
  check_all(
      {
          {kArray, 0, kWhole + kSums, {}},
          {kArray, 0, kWhole + kSums, {{kOutput, 2}}},
          {kArray, 0, kWhole + kSums, {{kOutput, 3}}},
          {kArray, 0, kWhole + kSums, {{kOutput, 1}}, form},
          {kArray, 0, kWhole + kSums + kAdd, {}, form},
          {kArray, 0, kWhole + kSums + kMaximum, {}, form},
          {kArray, 0, kWhole + kSums + kFormer, {}, form},
          {kArray, static_cast<int>(isa::compute::Op::kInt16), kWhole + kSums, {}, form},
          {kArray, 0, 1 + kSums, {}, "sums are added to results, which this RUN does not have"},
          // Channel n's sum is n planes after the lane's first sum.
          {kArray, 0, kWhole + kSums, with({{kOut, 10}, {kResidualDelta, 2037}})},
          {kArray, 0, kWhole + kSums, with({{kOut, 10}, {kResidualDelta, 2038}}),
           "DMEM words 2048"},
          {kArray, 0, kWhole + kSums, with({{kOutPlane, 256}, {kResidualDelta, 255}})},
          {kArray, 0, kWhole + kSums, with({{kOutPlane, 256}, {kResidualDelta, 256}}),
           "DMEM words 256..2048, allowed 0..2047"},
      },
      std::vector<std::uint8_t>(64), {}, config);
  check_all({{kArray, 0, kWhole + kSums, {}, "the configuration lacks sums (post.partial_sums)"}},
            std::vector<std::uint8_t>(64));
}

TEST_CASE("int16 codes are moved whole and unsupported forms of operations are refused",
          "[arch][error]") {
  using dma::kDram, dma::kLocal, dma::kWords;
  using isa::compute::kFuseAdd, isa::compute::kFuseMax, isa::compute::kHalfEven,
      isa::compute::kPerTensor, isa::compute::kSingle;
  constexpr int kInt16 = static_cast<int>(isa::compute::Op::kInt16), kWhole = 3;
  constexpr int kTarget = static_cast<int>(dma::Target::kDmem16);
  constexpr auto kArray = Engine::kCompute;
  const char* form = "int16 codes must be requantized, without zero point or residual";
  spec::Config config = config_8x8();
  config.activations16 = config.formats = config.ternary = config.binary = true;
  std::vector<Asked> rows{
      {kArray, kInt16, kWhole, {}},
      {kArray, static_cast<int>(isa::compute::Op::kInt8Int16), kWhole, {}},
      {kArray,
       static_cast<int>(isa::compute::Op::kInt8Int16),
       kWhole,
       {{isa::post::kZeroPoint, 1}},
       form},
      {kArray, kInt16, kWhole + (1 << kSingle), {}},
      {kArray, kInt16, kWhole + (1 << kPerTensor), {}},
      {kArray, kInt16, kWhole + (1 << kHalfEven | 1 << kSingle), {}},
      {kArray, kInt16, kWhole + (1 << kHalfEven | 1 << kSingle | 1 << kPerTensor), {}},
      {kArray, kInt16, kWhole, {{isa::post::kZeroPoint, 1}}, form}};
  for (const int flags : {1 << kFuseAdd, 1 << kFuseMax, 1 << kSingle | 1 << kPerTensor})
    rows.push_back({kArray, kInt16, kWhole + flags, {}, form});
  for (const int output : {1, 2, 3})
    rows.push_back({kArray, kInt16, kWhole, {{isa::post::kOutput, output}}, form});
  for (const int encoding : {1, 2})
    rows.push_back({kArray, kInt16, kWhole, {{isa::post::kEncoding, encoding}}, form});
  // Only the last RUN of a reduction writes codes of a format.
  const char* rounding = "codes of a format must be rounded once";
  rows.push_back({kArray, kInt16, kWhole, {{isa::post::kFormat, 1}}, rounding});
  rows.push_back({kArray, kInt16, 1 << isa::compute::kDrain, {{isa::post::kFormat, 1}}, rounding});
  rows.push_back({kArray, kInt16, 1 << isa::compute::kClear, {{isa::post::kFormat, 1}}});
  using isa::vector::Op;
  const char* whole = "int16 codes must be requantized, without zero point";
  for (const Op op : {Op::kSum16, Op::kAdd16, Op::kMul16, Op::kLeaky16, Op::kNarrow16, Op::kWiden16,
                      Op::kLogistic16, Op::kTanh16, Op::kJoin16, Op::kTriple16, Op::kTripleNarrow16,
                      Op::kWord16, Op::kMulNarrow16}) {
    const int taps = isa::kVectorOps.find(Engine::kVector, static_cast<int>(op))->taps == 2 ? 2 : 1;
    const auto ask = [&](int flags, decltype(Asked::fields) more, const char* error = "") {
      decltype(Asked::fields) set{{isa::agu::kSLast, taps - 1}};
      set.insert(set.end(), more.begin(), more.end());
      rows.push_back({Engine::kVector, static_cast<int>(op), flags, set, error});
    };
    ask(0, {});
    ask(0, {{isa::post::kActMin, 1}, {isa::post::kActMax, 1}});
    ask(0, {{isa::post::kActMin, 1}, {isa::post::kActMax, 1}, {isa::post::kAddActMin, 1}},
        "activation range 257..256 is empty");
    ask(0, {{isa::post::kZeroPoint, 1}}, narrows16(op) ? "" : whole);
    ask(0, {{isa::post::kOutput, 3}}, whole);
    ask(1 << isa::vector::kReduce, {},
        op == Op::kSum16 ? "" : "only sum16 supports a sum over the lanes");
    if (!takes_words(op)) continue;
    ask(1 << isa::vector::kSingle, {{isa::post::kPosition, 3}});
    ask(0, {{isa::post::kPosition, 4}}, "a code in an int32 word is not in 0..3");
    ask(1 << isa::vector::kSingle | 1 << isa::vector::kHalfEven, {});
    ask(1 << isa::vector::kHalfEven, {}, "of the vector engine does not exist with these flags");
    ask(0, {{isa::agu::kSLast, 2 - taps}}, taps == 2 ? "1 taps of" : "2 taps of");
  }
  const int one = 1 << isa::vector::kSingle, all = 1 << isa::vector::kReduce;
  for (const Op op : {Op::kExponential16, Op::kShare16, Op::kMax16, Op::kMin16}) {
    const int flags = op == Op::kShare16 ? one : compares16(op) ? all : 0;
    const int groups = compares16(op) ? 0 : 1;
    const auto ask = [&](int set, int walks, int channels, const char* error = "") {
      rows.push_back({Engine::kVector,
                      static_cast<int>(op),
                      set,
                      {{isa::agu::kGroupsLast, walks}, {isa::vector::kChannels, channels}},
                      error});
    };
    ask(flags, groups, 4);
    ask(flags | 1 << isa::vector::kInvert, groups, 4, "with a row of int16 codes");
    ask(flags, 1 - groups, 4, "must have one tap and two passes (maximum and minimum: one pass)");
    ask(flags, groups, 5, "a row of 5 channels does not fit 1 words");
    ask(flags, groups, 0, "a row of 0 channels");
    if (op == Op::kShare16) ask(0, 1, 4, "with a row of int16 codes");
  }
  constexpr int kMatmul16 = static_cast<int>(isa::compute::Op::kMatmul16);
  const char* words = "int16 sums must be written as words, without residual";
  rows.push_back({kArray, kMatmul16, kWhole, {{isa::post::kOutput, 2}}});
  rows.push_back({kArray, kMatmul16, kWhole, {}, words});
  rows.push_back({kArray, kMatmul16, kWhole + (1 << kFuseMax), {{isa::post::kOutput, 2}}, words});
  rows.push_back({Engine::kVector,
                  static_cast<int>(Op::kAdd16),
                  0,
                  {{isa::agu::kSLast, 1}, {isa::post::kAddZeroPoint, 1}},
                  whole});
  rows.push_back({Engine::kVector,
                  static_cast<int>(Op::kLeaky16),
                  0,
                  {{isa::post::kAddShift, 31}},
                  "shift 31 is out of range"});
  for (const Engine engine : {Engine::kLoad, Engine::kStore}) {
    rows.push_back({engine, kTarget, 0, {{kDram, 8}, {kWords, 2}}});
    rows.push_back(
        {engine, kTarget, 0, {{kDram, 8}, {kWords, 3}}, "3 words: not whole int16 codes"});
    rows.push_back({engine,
                    kTarget,
                    0,
                    {{kDram, 4}, {kLocal, 1}, {kWords, 2}},
                    "byte 4, 2 words: not whole int16 codes"});
  }
  check_all(rows, std::vector<std::uint8_t>(64), {}, config);
}

TEST_CASE("vector operations are refused in unsupported forms", "[arch][error]") {
  using namespace isa::agu;
  using isa::post::kOutput, isa::post::kAddOperandMultiplier, isa::post::kAddOperandShift;
  using isa::vector::kChannels;
  constexpr Engine kLanes = Engine::kVector;
  constexpr int kMax = 0, kSum = 1, kAdd = 2, kMul = 6, kMin = 7, kSoftmax = 8, kSquare = 9;
  std::vector<std::uint8_t> ones(1024);
  for (std::size_t i = 0; i < ones.size(); ++i) ones[i] = i % 4 == 3 ? 0x7f : 0xff;
  const std::vector<Asked> load{{Engine::kLoad, 5, 0, {{dma::kWords, 256}}}};
  check_all(
      {
          {kLanes, kAdd, 0, {}, "1 taps of add, allowed 2"},
          {kLanes, kAdd, 0, {{kSLast, 1}}},
          {kLanes, kAdd, 0, {{kRLast, 1}}},
          {kLanes, kAdd, 0, {{kSLast, 2}}, "3 taps of add, allowed 2"},
          {kLanes, kMul, 0, {{kSLast, 1}, {kRLast, 1}}, "4 taps of mul, allowed 2"},
          {kLanes, kSquare, 0, {}, "1 taps of squared_difference, allowed 2"},
          {kLanes, kMax, 0, {{kSLast, 4}}},
          {kLanes,
           kMax,
           128,
           {{kSLast, 4}},
           "operation 0 of the vector engine does not exist with these"},
          {kLanes, kMax, 0, {{kOutput, 3}}, "output 3 is not supported by vector operation 0"},
          {kLanes, kMin, 0, {{kOutput, 3}}, "output 3 is not supported by vector operation 7"},
          {kLanes, kSum, 0, {{kOutput, 3}}},
          {kLanes, kAdd, 0, {{kSLast, 1}, {kOutput, 3}}},
          {kLanes, kSquare, 0, {{kSLast, 1}, {kAddOperandMultiplier, 1 << 30}}},
          {kLanes, kSquare, 0, {{kSLast, 1}, {kAddOperandMultiplier, (1 << 30) + 1}}, "above 1/2"},
          {kLanes,
           kSquare,
           0,
           {{kSLast, 1}, {kAddOperandMultiplier, 0x7fffffff}, {kAddOperandShift, -1}}},
          {kLanes, kSoftmax, 0, {{kChannels, 1}}},
          {kLanes, kSoftmax, 0, {{kChannels, 4}}},
          {kLanes, kSoftmax, 0, {{kChannels, 0}}, "a softmax of 0 channels does not fit 1 words"},
          {kLanes, kSoftmax, 0, {{kChannels, 5}}, "a softmax of 5 channels does not fit 1 words"},
          {kLanes, kSoftmax, 0, {{kChannels, 5}, {kWordsLast, 1}}},
          {kLanes,
           kSoftmax,
           0,
           {{kChannels, 4}, {kWordsLast, 1}},
           "of 4 channels does not fit 2 words"},
          {kLanes, kSoftmax, 0, {{kChannels, 1024}, {kWordsLast, 255}}},
          {kLanes, kSoftmax, 0, {{kChannels, 1025}, {kWordsLast, 256}}, "a softmax of 257 words"},
          {kLanes, kSoftmax, 0, {{kChannels, 1025}, {kWordsLast, 256}, {kGroupsLast, 2}}},
          {kLanes, kSoftmax, 0, {{kChannels, 4}, {kGroupsLast, 1}}, "one or three passes"},
          {kLanes, kSoftmax, 0, {{kChannels, 4}, {kGroupsLast, 3}}, "one or three passes"},
          {kLanes, kSoftmax, 0, {{kChannels, 4095}, {kWordsLast, 1023}, {kGroupsLast, 2}}},
          {kLanes,
           kSoftmax,
           0,
           {{kChannels, 4096}, {kWordsLast, 1023}, {kGroupsLast, 2}},
           "a softmax of 4096 channels"},
          {kLanes, kSoftmax, 1, {{kChannels, 4}}, "a softmax supports only the flag"},
          {kLanes, kSoftmax, 8, {{kChannels, 4}, {isa::post::kMultiplier, 1 << 30}}},
          {kLanes,
           kSoftmax,
           8,
           {{kChannels, 4}, {isa::post::kMultiplier, (1 << 30) - 1}},
           "rescale multiplier"},
          {kLanes, kSoftmax, 8, {{kChannels, 4}, {isa::post::kMultiplier, 0x7fffffc0}}},
          {kLanes,
           kSoftmax,
           8,
           {{kChannels, 4}, {isa::post::kMultiplier, 0x7fffffc1}},
           "rescale multiplier"},
          {kLanes,
           kSoftmax,
           0,
           {{kChannels, 4}, {kOutput, 3}},
           "a softmax does not support a lookup"},
      },
      ones, load);
  const std::vector<Asked> softmax{
      {kLanes, kSoftmax, 0, {{kChannels, 4}}, "the exponential 0x80000000"}};
  ones[1020] = ones[1021] = ones[1022] = 0;
  ones[1023] = 0x80;
  check_all(softmax, ones, load);
  ones.assign(1024, 0);
  check_all({{kLanes, kSoftmax, 0, {{kChannels, 4}}, "the first exponential is not 1"}}, ones,
            load);
}

TEST_CASE("the constants, table and scales of a normalization must match", "[arch][error]") {
  using namespace isa::agu;
  using isa::post::kAddZeroA, isa::post::kMultiplier, isa::post::kOutput, isa::post::kShift;
  using isa::vector::kBias, isa::vector::kChannels, isa::vector::kParam;
  constexpr Engine kLanes = Engine::kVector;
  constexpr int kNorm = 10, kSingle = 16, kCenter = 4;
  // The table for origin 127, then scales of 2^-31, except for the first, whose shift is smaller by
  // one.
  std::vector<std::uint8_t> dram(1024 + 512);
  for (int i = 0; i < 256; ++i) {
    const std::uint32_t entry = reference::norm_entry(i, 127);
    std::memcpy(&dram[static_cast<std::size_t>(4 * i)], &entry, 4);
  }
  for (std::size_t n = 1; n < 64; ++n) dram[1024 + 8 * n + 3] = 0x80;
  const std::vector<Asked> load{
      {Engine::kLoad, 5, 0, {{dma::kWords, 256}}},
      {Engine::kLoad, 3, 0, {{dma::kDram, 1024}, {dma::kLocal, 448}, {dma::kWords, 128}}}};
  using Fields = std::vector<std::pair<isa::Field, std::int64_t>>;
  const auto with = [](const Fields& changed) {  // a later value replaces an earlier one
    Fields fields{{kChannels, 4}, {kParam, 456}, {kShift, 2}, {kGroupsLast, 1}, {kAddZeroA, 127}};
    fields.insert(fields.end(), changed.begin(), changed.end());
    return fields;
  };
  const char *const constants = "constants of a normalization do not match",
                    *const one = "must have one rounding";
  check_all(
      {
          {kLanes, kNorm, kSingle, with({})},
          {kLanes, kNorm, kSingle + kCenter, with({})},
          {kLanes, kNorm, 0, with({}), one},
          {kLanes, kNorm, kCenter, with({}), one},
          {kLanes, kNorm, kSingle + 1, with({}), one},
          {kLanes, kNorm, kSingle + 2, with({}), one},
          {kLanes, kNorm, kSingle + 128, with({}), one},
          {kLanes, kNorm, kSingle, with({{kGroupsLast, 0}}),
           "a normalization must have two passes"},
          {kLanes, kNorm, kSingle, with({{kGroupsLast, 2}}),
           "a normalization must have two passes"},
          {kLanes, kNorm, kSingle, with({{kOutput, 3}}),
           "a normalization does not support a lookup"},
          {kLanes, kNorm, kSingle, with({{kSLast, 1}}), "2 taps of normalize, allowed 1"},
          {kLanes, kNorm, kSingle, with({{kChannels, 5}}), "5 channels does not fit 1 words"},
          {kLanes, kNorm, kSingle, with({{kChannels, 5}, {kWordsLast, 1}})},
          {kLanes, kNorm, kSingle, with({{kChannels, 7}, {kWordsLast, 1}})},
          {kLanes, kNorm, kSingle, with({{kChannels, 8}, {kWordsLast, 1}}), constants},
          {kLanes, kNorm, kSingle, with({{kChannels, 8}, {kWordsLast, 1}, {kShift, 3}})},
          {kLanes, kNorm, kSingle, with({{kChannels, 0}}), "0 channels does not fit 1 words"},
          {kLanes, kNorm, kSingle, with({{kParam, 508}})},
          {kLanes, kNorm, kSingle, with({{kParam, 509}}), "scale entry 512, allowed 0..511"},
          {kLanes, kNorm, kSingle, with({{kParam, 449}})},
          {kLanes, kNorm, kSingle, with({{kParam, 448}}), "scale entry 448 has shift -32"},
          {kLanes, kNorm, kSingle, with({{kShift, 1}}), constants},
          {kLanes, kNorm, kSingle, with({{kShift, 3}}), constants},
          {kLanes, kNorm, kSingle, with({{kShift, -1}}), constants},
          {kLanes, kNorm, kSingle, with({{isa::post::kMultiplier, 1 << 30}})},
          {kLanes, kNorm, kSingle, with({{isa::post::kMultiplier, (1 << 30) + 1}}), constants},
          {kLanes, kNorm, kSingle, with({{kBias, 0x7fffffff}})},
          {kLanes, kNorm, kSingle, with({{kBias, -1}}), constants},
          {kLanes, kNorm, kSingle + kCenter, with({{kAddZeroA, 126}}), "must have origin 127"},
          {kLanes, kNorm, kSingle, with({{kAddZeroA, 126}}),
           "of the table is not valid for a normalization"},
      },
      dram, load);
  dram[4 * 255] ^= 1;
  check_all({{kLanes, kNorm, kSingle, with({}),
              "entry 255 of the table is not valid for a normalization"}},
            dram, load);
}

TEST_CASE("scales, ranges and steps that the hardware does not support are refused",
          "[arch][error]") {
  isa::LaneRegisters r;
  r.set(isa::post::kShift, 31);
  require_refused(r, Engine::kVector, 1, "shift 31");
  r.set(isa::post::kShift, 0);
  r.set(isa::post::kAddOperandShift, 1);
  require_refused(r, Engine::kVector, 2, "shift 1 of an operand");
  r.set(isa::post::kAddOperandShift, 0);
  r.set(isa::post::kActMin, 1);
  require_refused(r, Engine::kVector, 0, "activation range 1..0");
  r.set(isa::post::kActMin, 0);
  for (const isa::LaneField& field : {isa::agu::kWordsLast, isa::agu::kRLast, isa::agu::kSLast})
    r.set(field, 4095);
  require_refused(r, Engine::kVector, 0, "68719476736 steps");
  require_refused(r, Engine::kCompute, 0, "68719476736 steps");
}

TEST_CASE("two columns are issued together if their codes are at an even place and the next",
          "[arch]") {
  spec::Config config = config_8x8();
  config.columns_per_cycle = 2;
  const auto issues = [&](int position, int channels, bool add = false) {
    isa::ComputeRegisters r;
    r.set(isa::compute::kChannels, channels);
    r.set(isa::post::kPosition, position);
    isa::Run run;
    run.flags = 3;  // a whole reduction
    if (add) run.flags |= 1 << isa::compute::kFuseAdd;
    return Walk(config).run(Engine::kCompute, r, run).group_issues.at(0);
  };
  CHECK(issues(0, 4) == 2);
  CHECK(issues(1, 4) == 3);
  CHECK(issues(1, 5) == 3);
  CHECK(issues(2, 5) == 3);
  CHECK(issues(3, 1) == 1);
  CHECK(issues(3, 2) == 2);
  CHECK(issues(0, 4, true) == 4);  // sums with a residual are issued one by one
}

/// The sum of products exceeds 32 bits; like the hardware, the simulator keeps the low bits.
TEST_CASE("a reduction of 204,800 wraps as the golden layer does", "[arch]") {
  testing::Builder b(3);
  const int in = b.input({1, 16, 16, 800});
  b.graph.outputs = {b.fully_connected(in, 204'800, 4)};
  auto& weights = b.graph.tensors[static_cast<std::size_t>(b.graph.ops[0].inputs[1])].data;
  std::ranges::fill(weights.edit(), std::uint8_t{0x80});
  Array input = b.random_array(in);
  std::fill(input.bytes.begin(), input.bytes.end(), std::uint8_t{0x80});
  spec::Config config = testing::small_config(8, 8, 256, 8192, 64);
  testing::require_exact(b.graph, config, {input});
}

TEST_CASE("loads copy masked rows into DMEM and whole rows into PMEM", "[arch]") {
  std::vector<std::uint8_t> dram(64);
  for (std::size_t i = 0; i < dram.size(); ++i) dram[i] = static_cast<std::uint8_t>(i);
  Executor machine(config_8x8(), dram);
  isa::TransferRegisters r = transfer(4, 11, 3);
  r.set(dma::kRowsLast, 1);
  r.set(dma::kLocalStride, 8);
  r.set(dma::kDramStride, 16);
  std::vector<DmemWrite> writes;
  machine.on_dmem_write = [&](const DmemWrite& w) { writes.push_back(w); };
  machine.execute(Engine::kLoad, r, {}, 0);
  const Work work = Walk(config_8x8()).run(Engine::kLoad, r, {});
  CHECK(work.bytes == 24);
  CHECK(work.beats == 4);  // one word is one beat in each row
  REQUIRE(writes.size() == 6);
  CHECK(writes[0].address == 11);
  CHECK(writes[0].data == 0x07060504);
  CHECK(writes[3].address == 19);
  CHECK(writes[3].data == 0x17161514);
  CHECK(machine.dmem()[10 * 4] == 0);
}

TEST_CASE("trits on a wide bus are written in parts that end with a row or five blocks", "[arch]") {
  for (const int cols : {4, 8, 12, 20, 40, 48})
    for (const int rows : {1, 2, 3, 5, 8, 37}) {
      spec::Config config = testing::small_config(4, cols, 64, 1024, 256);
      config.ternary = config.packed = true;
      isa::TransferRegisters r = transfer(0, 0, 8);
      r.set(dma::kRowsLast, rows - 1);
      int parts = 0;
      for (int block = 0, of_row = cols / 4; block < rows * of_row; ++parts)
        block += std::min(5 - block % 5, of_row - block % of_row);
      CAPTURE(cols, rows);
      const isa::Run run{.op = static_cast<int>(dma::Target::kTrits)};
      CHECK(Walk(config).run(Engine::kLoad, r, run).writes == parts);
      config.axi_data_bits = 64;
      CHECK(Walk(config).run(Engine::kLoad, r, run).writes == rows * cols / 4);
    }
}

/// A program of RUNs only, with the work of each for its engine.
struct Script {
  std::vector<isa::Word> words{isa::encode_begin(0)};
  std::vector<std::tuple<Engine, isa::Run, Work>> runs;

  void run(Engine engine, const isa::Run& run, const Work& work) {
    words.push_back(isa::encode_run(engine, run));
    runs.emplace_back(engine, run, work);
  }
  Timeline timeline() {
    words.push_back(isa::kEndWord);
    Timeline timeline(config_8x8(), {}, words);
    timeline.begin();
    for (const auto& [engine, run, work] : runs) timeline.run(engine, run, work);
    timeline.finish();
    return timeline;
  }
};

Work one_beat() {
  Work work;
  work.beats = 1;
  work.bursts = {1};
  work.bytes = 8;
  return work;
}

TEST_CASE("a RUN that waits for a token nobody gives is a deadlock", "[arch][error]") {
  Script script;
  isa::Run run;
  run.wait = 1;
  script.run(Engine::kCompute, run, Work{});
  REQUIRE_THROWS_WITH(script.timeline(), Catch::Matchers::ContainsSubstring("RUN 0") &&
                                             Catch::Matchers::ContainsSubstring("token of load"));
}

/// With latency 32 and a beat per cycle, two bursts of the program arrive together. A third burst
/// is requested meanwhile and arrives between the load's bursts of 64 beats.
TEST_CASE("bursts of the program and of loads take turns on the bus", "[arch]") {
  const auto end_of_load = [](int more) {
    Script script;
    Work work;
    work.bursts = {64, 64};
    work.beats = 128;
    script.run(Engine::kLoad, {}, work);
    for (int i = 0; i < more; ++i) script.run(Engine::kStore, {}, one_beat());
    return script.timeline().runs()[0];
  };
  const RunTiming alone = end_of_load(10), shared = end_of_load(80);
  constexpr int kAlone = 3 + 32 + 128 + 3 + 1;  // the last cycle writes the beat
  CHECK(alone.end - alone.start == kAlone);
  CHECK(shared.end - shared.start == kAlone + 19);  // 83 words: the last burst has 19
}

TEST_CASE("tokens that are left over or too many are errors", "[arch][error]") {
  const int compute = 1 << static_cast<int>(Engine::kCompute);
  {
    Script script;
    isa::Run run;
    run.signal = compute;
    script.run(Engine::kLoad, run, one_beat());
    REQUIRE_THROWS_WITH(script.timeline(), Catch::Matchers::ContainsSubstring("never taken"));
  }
  Script script;
  isa::Run give, take;
  give.signal = compute;
  take.wait = 1 << static_cast<int>(Engine::kLoad);
  // All loads end long before the last transfer, for which every compute RUN waits.
  for (int i = 0; i < 64; ++i) script.run(Engine::kLoad, give, one_beat());
  Work slow;
  slow.tile_cycles = {1000000};
  slow.steps = 1000000;
  slow.group_columns = slow.group_issues = {8};
  slow.group_residuals = {0};
  script.run(Engine::kCompute, isa::Run{}, slow);
  for (int i = 0; i < 64; ++i) script.run(Engine::kCompute, take, slow);
  REQUIRE_THROWS_WITH(script.timeline(), Catch::Matchers::ContainsSubstring("more than 63 tokens"));
}

/// Uses a program of very many short RUNs: a search of all intervals for each gap would take
/// minutes.
TEST_CASE("each cycle has one cause, among thousands of gaps", "[arch]") {
  constexpr int kGaps = 20000, kLoads = 40;
  Script script;
  Work tile;
  tile.steps = 1;
  tile.tile_cycles = {1};
  tile.group_columns = tile.group_issues = {8};
  tile.group_residuals = {0};
  for (int gap = 0; gap < kGaps; ++gap) {
    for (int i = 0; i < kLoads; ++i) script.run(Engine::kLoad, {}, one_beat());
    script.run(Engine::kCompute, {}, tile);
  }
  const Timeline timeline = script.timeline();
  const CauseCycles causes = timeline.causes(0, timeline.cycles());
  CHECK(std::accumulate(causes.begin(), causes.end(), std::uint64_t{0}) == timeline.cycles());
  CHECK(causes[static_cast<std::size_t>(Cause::kCompute)] == kGaps);
  CHECK(causes[static_cast<std::size_t>(Cause::kLoad)] > timeline.cycles() / 2);
}

TEST_CASE("bytes read are the words of the program and the data of its loads", "[arch]") {
  compiler::Program program;
  program.config = config_8x8();
  isa::Encoder encoder(program.config.hash());
  encoder.run(Engine::kLoad, transfer(0, 0, 16), {});
  program.words = encoder.end();
  program.run_layer = {0};
  program.layers.resize(1);
  std::vector<std::uint8_t> dram(4096);
  CHECK(run_arch_dram(program, dram, {}).dram_bytes_read == 8 * program.words.size() + 4 * 16);
}

TEST_CASE("a slower bus and a longer latency cost cycles", "[arch]") {
  testing::Builder b(5);
  const int in = b.input({1, 16, 16, 8});
  b.graph.outputs = {b.convolution(in, 16, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true)};
  const compiler::Program program = compiler::compile(b.graph, spec::load_config("edge256"));
  const Array input = b.random_array(in);
  const auto cycles = [&](int latency, double bytes) {
    ArchOptions options;
    options.bus = {latency, bytes};
    return run_arch(program, {input}, options).cycles;
  };
  CHECK(cycles(32, 8) == cycles(32, 0));
  CHECK(cycles(100, 8) > cycles(32, 8) + 60);
  CHECK(cycles(32, 2) > cycles(32, 8) + 500);
}

/// Lanes of a gather in the same bank take turns: stride 32 with 16 banks and two kinds of rows.
TEST_CASE("bank conflicts are counted from the lanes' addresses", "[arch]") {
  testing::Builder b(6);
  const int in = b.input({1, 1, 256, 4});
  b.graph.outputs = {b.convolution(in, 8, 1, 1, 32, 32, 1, 1, model::Padding::kValid, true)};
  const RunResult result =
      testing::require_exact(b.graph, spec::load_config("edge256"), {b.random_array(in)});
  // One tile of 8 positions and one step: 8 lanes read one bank.
  CHECK(result.causes[static_cast<std::size_t>(Cause::kCompute)] == 1);
  CHECK(result.causes[static_cast<std::size_t>(Cause::kBank)] == 7);
}

}  // namespace
}  // namespace trine::sim
