// SPDX-License-Identifier: Apache-2.0
//
// Tests the vector engine against plain loops: each window's maximum, sum, folded sum or pair, and
// its signals to the post unit, while gather and post unit stall at random; and the operands of
// softmaxes and normalizations.

#include <algorithm>
#include <deque>
#include <iterator>
#include <random>

#include "Vtrine_vector.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/engine.h"
#include "tb/golden/gather.h"
#include "tb/golden/lanes.h"
#include "tb/golden/norm.h"
#include "tb/golden/parameters.h"
#include "tb/golden/post_cfg.h"
#include "tb/golden/softmax.h"
#include "tb/golden/taps.h"

using namespace trine;
using namespace trine::golden;

namespace {

constexpr unsigned kRows = TB_Rows, kAddrBits = TB_AddrBits;
constexpr std::uint32_t kMask = (1u << kAddrBits) - 1;
using Op = isa::vector::Op;

bool of_int16(Op op) {
  const isa::Code* code = isa::kVectorOps.find(isa::Engine::kVector, static_cast<int>(op));
  return (code->needs & isa::feature::kInt16) != 0;
}

bool triples(Op op) {
  return op == Op::kTriple16 || op == Op::kTripleNarrow16 || op == Op::kFiveNarrow16;
}
bool of_words(Op op) { return op == Op::kJoin16 || op == Op::kWord16 || triples(op); }
bool narrows(Op op) {
  return op == Op::kNarrow16 || op == Op::kMulNarrow16 || op == Op::kTripleNarrow16 ||
         op == Op::kFiveNarrow16;
}

struct Job {
  std::vector<std::uint32_t> out;
  std::vector<bool> active;
  std::vector<std::array<int, 4>> slots;
  bool tile_first = false, first = false, last = false;
  isa::VectorRegisters registers;
  isa::Run run;
};

std::vector<Job> jobs_of(const isa::VectorRegisters& r, const isa::Run& run) {
  const auto op = static_cast<Op>(run.op);
  const bool reduce = (run.flags >> isa::vector::kReduce & 1) != 0;
  const bool pairs = of_int16(op);
  const bool invert = (run.flags >> isa::vector::kInvert & 1) != 0 && op != Op::kAdd16;
  const std::uint32_t pad = 0x01010101u * static_cast<std::uint8_t>(r.get(isa::post::kPadCode));
  std::vector<Job> jobs;
  Job job;
  std::vector<std::vector<std::uint32_t>> taps(kRows);
  for (const Step& step : loop_nest(r, kRows, false, pairs)) {
    if (step.word_first) {
      job = {step.out, step.active, {}, step.first, jobs.empty(), false, r, run};
      for (auto& lane : taps) lane.clear();
    }
    for (unsigned l = 0; l < kRows; ++l) {
      const bool reads =
          step.inside[l] && ((op != Op::kWiden16 && op != Op::kWord16) || l % 2 != 0);
      taps[l].push_back(reads ? memory_word(step.address[l] & kMask) : pad);
      if (narrows(op) && l % 2 == 0) job.active[l] = false;
    }
    if (!step.window_last) continue;
    for (unsigned l = 0; l < kRows; ++l)
      job.slots.push_back(slots_of(op, taps[l], invert, pairs && op != Op::kWiden16 && l % 2 != 0));
    for (unsigned l = 0; l < kRows && (op == Op::kMax16 || op == Op::kMin16); l += 2) {
      const auto both = extrema_of(taps[l], taps[l + 1], op == Op::kMin16, invert);
      std::ranges::copy(both, job.slots.begin() + l);
    }
    const unsigned planes = pairs ? 2 : 1;
    if (reduce)
      for (unsigned l = planes; l < kRows; ++l) {
        job.active[l] = false;
        for (unsigned b = 0; b < 4; ++b) job.slots[l % planes][b] += job.slots[l][b];
      }
    jobs.push_back(job);
  }
  jobs.back().last = true;
  return jobs;
}

/// Returns a flag of a packed struct in a port.
bool flag(std::uint64_t port, unsigned bit) { return (port >> bit & 1) != 0; }

/// Bits of trine_post_pkg::word_t.
constexpr unsigned kRunLast = 0, kRunFirst = 1, kTileFirst = 2;

void check(const Vtrine_vector& dut, const Job& job) {
  const auto op = static_cast<Op>(job.run.op);
  const bool reduce = (job.run.flags >> isa::vector::kReduce & 1) != 0 && is_sum(op);
  const unsigned reduced = of_int16(op) ? 2 : 1;  // lanes that remain after a sum over them
  REQUIRE(flag(dut.job_word_o, kTileFirst) == job.tile_first);
  REQUIRE(flag(dut.job_word_o, kRunFirst) == job.first);
  REQUIRE(flag(dut.job_word_o, kRunLast) == job.last);
  for (unsigned l = 0; l < kRows; ++l) {
    CAPTURE(l);
    const bool active = job.active[l];
    REQUIRE(get_bits(dut.job_active_o, l, 1) == active);
    if (active) REQUIRE(get_bits(dut.job_out_o, l * kAddrBits, kAddrBits) == (job.out[l] & kMask));
    const unsigned width = slot_bits(op);
    for (unsigned b = 0; b < 4 && (l < reduced || !reduce); ++b)
      REQUIRE(get_bits(dut.job_slots_o, l * 96 + b * 24, width) ==
              (static_cast<std::uint32_t>(job.slots[l][b]) & ((1u << width) - 1)));
  }
}

std::uint64_t bits(std::int64_t value, cfg::Field field) {
  return static_cast<std::uint64_t>(value) & ((std::uint64_t{1} << cfg::kWidths[field]) - 1);
}

/// Checks the configuration that comes with a job.
void check_cfg(const Vtrine_vector& dut, const Job& job) {
  const auto field = [&](cfg::Field f, std::int64_t value) {
    CAPTURE(f);
    REQUIRE(get_cfg(dut.job_cfg_o, f) == bits(value, f));
  };
  const auto& r = job.registers;
  const auto op = static_cast<Op>(job.run.op);
  const bool square = op == Op::kSquaredDifference;
  const bool inverts = (job.run.flags >> isa::vector::kInvert & 1) != 0;
  field(cfg::kKind, op == Op::kAdd || op == Op::kAdd16 || square                   ? cfg::kAdd
                    : op == Op::kMul || op == Op::kMul16 || op == Op::kMulNarrow16 ? cfg::kMul
                    : is_sum(op) || of_words(op)                                   ? cfg::kRequant
                                                                                   : cfg::kDirect);
  field(cfg::kSquare, square ? 1 : 0);
  field(cfg::kInt16, of_int16(op) ? 1 : 0);
  field(cfg::kLeaky, op == Op::kLeaky16 ? 1 : 0);
  const bool exponential = op == Op::kExponential16;
  field(cfg::kLine, op == Op::kLogistic16 || op == Op::kTanh16 || exponential ? 1 : 0);
  field(cfg::kTanh, op == Op::kTanh16 ? 1 : 0);
  field(cfg::kExponential, exponential ? 1 : 0);
  field(cfg::kShares, op == Op::kShare16 ? 1 : 0);
  field(cfg::kWords, of_words(op) ? 1 : 0);
  field(cfg::kThird, triples(op) ? 1 : 0);
  field(cfg::kFifth, op == Op::kFiveNarrow16 ? 1 : 0);
  field(cfg::kPosition, of_words(op) ? r.get(isa::post::kPosition) % 4 : 0);
  field(cfg::kSubtract, op == Op::kAdd16 && inverts ? 1 : 0);
  field(cfg::kEncoding, 0);
  field(cfg::kMax, 0);
  field(cfg::kLookup, r.get(isa::post::kOutput) == 3 ? 1 : 0);
  field(cfg::kWindow, 0);
  field(cfg::kHalfEven, job.run.flags >> isa::vector::kHalfEven & 1);
  field(cfg::kSingle, job.run.flags >> isa::vector::kSingle & 1);
  field(cfg::kStaticScale, 1);
  field(cfg::kStaticBias, 1);
  field(cfg::kZeroPoint, r.get(isa::post::kZeroPoint));
  field(cfg::kActMin, r.get(isa::post::kActMin));
  field(cfg::kActMax, r.get(isa::post::kActMax));
  field(cfg::kBias, r.get(isa::vector::kBias));
  field(cfg::kMultiplier, r.get(isa::post::kMultiplier));
  field(cfg::kShift, r.get(isa::post::kShift));
  field(cfg::kAddOperandMultiplier, r.get(isa::post::kAddOperandMultiplier));
  field(cfg::kAddOperandShift, r.get(isa::post::kAddOperandShift));
  field(cfg::kAddAIsHalf, r.get(isa::post::kAddAIsHalf));
  field(cfg::kAddZeroA, r.get(isa::post::kAddZeroA));
  field(cfg::kAddZeroB, r.get(isa::post::kAddZeroB));
  field(cfg::kAddMultiplier, r.get(isa::post::kAddMultiplier));
  field(cfg::kAddShift, r.get(isa::post::kAddShift));
  field(cfg::kAddZeroPoint, r.get(isa::post::kAddZeroPoint));
  field(cfg::kAddActMin, r.get(isa::post::kAddActMin));
  field(cfg::kAddActMax, r.get(isa::post::kAddActMax));
  field(cfg::kOutPlane, r.get(isa::agu::kOutPlane) & kMask);
}

}  // namespace

TEST_CASE("trine_vector hands every window of taps to the post unit", "[tb][vector]") {
  const auto seed = GENERATE(1u, 2u);
  const auto gather_percent = GENERATE(100u, 50u);
  const auto post_percent = GENERATE(100u, 30u);
  std::mt19937 random{seed};
  Vtrine_vector dut;
  Gather gather(kRows, kAddrBits);
  Issue issue;
  std::deque<Job> jobs;
  const auto edge = [&dut] {
    dut.clk_i = 1;
    dut.eval();
    dut.clk_i = 0;
    dut.eval();
  };
  dut.rst_ni = 0;
  edge();
  dut.rst_ni = 1;
  edge();

  int runs = 0, taken = 0, reading = 0;
  int ends_in = -1;  // cycles until the job has been read; -1: not reported yet
  bool near = false;
  Job current;
  constexpr int kRuns = 25;
  for (int cycle = 0; runs < kRuns || !issue.done() || !jobs.empty() || reading > 0; ++cycle) {
    CAPTURE(seed, gather_percent, post_percent, cycle, runs, taken);
    REQUIRE(cycle < 400'000);
    if (issue.done() && runs < kRuns) {
      ++runs;
      isa::VectorRegisters r(random_geometry(random, kRows, 1));
      random_post(r, random);
      r.set(isa::vector::kBias, static_cast<std::int32_t>(random()));
      isa::Run run;
      constexpr Op kOps[] = {Op::kMax,
                             Op::kSum,
                             Op::kAdd,
                             Op::kMaxTernary,
                             Op::kMaxBinary,
                             Op::kMul,
                             Op::kMin,
                             Op::kSquaredDifference,
                             Op::kSum16,
                             Op::kAdd16,
                             Op::kMul16,
                             Op::kLeaky16,
                             Op::kNarrow16,
                             Op::kWiden16,
                             Op::kLogistic16,
                             Op::kTanh16,
                             Op::kMax16,
                             Op::kMin16,
                             Op::kJoin16,
                             Op::kWord16,
                             Op::kMulNarrow16,
                             Op::kTriple16,
                             Op::kTripleNarrow16,
                             Op::kFiveNarrow16};
      run.op = static_cast<int>(kOps[random() % (std::size(kOps) - (kInt16 ? 0 : 16))]);
      run.flags = static_cast<int>(random() % 2) << isa::vector::kSingle;
      if ((run.op == static_cast<int>(Op::kMaxTernary) && !kTernary) ||
          (run.op == static_cast<int>(Op::kMaxBinary) && !kBinary))
        run.op = static_cast<int>(Op::kMax);
      const auto op = static_cast<Op>(run.op);
      if ((op == Op::kSum || op == Op::kSum16) && chance(random, 50))
        run.flags |= 1 << isa::vector::kReduce;
      run.flags |= static_cast<int>(random() % 2) << isa::vector::kInvert;
      run.flags |= static_cast<int>(random() % 2) << isa::vector::kHalfEven;
      if (is_pair(op) || of_words(op)) {
        r.set(isa::agu::kSLast, op == Op::kFiveNarrow16 ? 2 : of_words(op) && !triples(op) ? 0 : 1);
        r.set(isa::agu::kRLast, 0);
      }
      issue.start(r, run, random);
      for (Job& job : jobs_of(r, run)) jobs.push_back(std::move(job));
    }
    issue.drive_word(dut);
    gather.answer(dut);
    dut.job_ready_i = chance(random, post_percent);
    // The end is announced at most two cycles ahead.
    if (reading > 0 && ends_in < 0 && chance(random, post_percent))
      ends_in = static_cast<int>(random() % 3);
    near = reading > 0 && (near || ends_in >= 0 || chance(random, post_percent));
    dut.job_early_i = (near ? 2 : 0) | (ends_in >= 0 ? 1 : 0);
    dut.job_done_i = ends_in == 0;
    if (ends_in >= 0) --ends_in;
    dut.eval();
    gather.serve(dut, random, gather_percent, dut.g_hold_o != 0);
    dut.eval();
    if (dut.job_valid_o != 0) {
      REQUIRE(!jobs.empty());
      REQUIRE(reading == 0);
      check(dut, jobs.front());
      check_cfg(dut, jobs.front());
    }
    if (reading > 0)  // the post unit reads the slots one after the other: they hold
      for (unsigned l = 0; l < kRows && current.run.flags % 2 == 0; ++l)
        for (unsigned b = 0; b < 4; ++b)
          REQUIRE(get_bits(dut.job_slots_o, l * 96 + b * 24, 8) == (current.slots[l][b] & 0xff));
    const bool job_taken = dut.job_valid_o != 0 && dut.job_ready_i != 0;
    if (dut.job_done_i != 0) reading = 0;
    issue.clock(dut);
    gather.clock(dut);
    if (job_taken) {
      current = jobs.front();
      jobs.pop_front();
      reading = 1;
      ++taken;
    }
    edge();
  }
  CHECK(taken > 50);
}

namespace {

#ifdef TB_Codes
constexpr unsigned kCodes = TB_Codes;
#else
constexpr unsigned kCodes = 1;
#endif

/// Bits of trine_post_pkg::softmax_t.
constexpr unsigned kRunEnd = 0, kTileEnd = 1, kWordEnd = 2, kWordFirst = 3, kPair = 4, kSlot = 5,
                   kReciprocal = 7, kNormalize = 8;

/// A word of a softmax in the form that the post unit reads: [code][lane].
struct SoftmaxJob {
  std::vector<std::uint32_t> out;
  std::vector<bool> active;
  std::vector<SoftmaxOperands> lanes;  ///< of all channels
  unsigned first_code = 0, codes = 0;
  bool tile_first = false, tile_end = false, last = false, norm = false;
};

/// Returns the operands of a tile's codes in a lane. @param norm  of a normalization; null: softmax
SoftmaxOperands operands_of(const std::vector<int>& codes, const Exponentials& table,
                            const NormRow* norm, const Rescale* rescale) {
  if (norm == nullptr) return softmax_operands(codes, table, rescale);
  const NormResult row = normalize(codes, *norm);
  SoftmaxOperands result;
  for (const std::int64_t value : row.values)
    result.values.push_back(static_cast<std::uint32_t>(value));
  result.multiplier = row.factor;
  return result;
}

std::vector<SoftmaxJob> softmax_jobs(const isa::VectorRegisters& r, const Exponentials& table,
                                     const NormRow* norm, const Rescale* rescale) {
  const auto channels = static_cast<unsigned>(r.get(isa::vector::kChannels));
  const std::uint32_t pad = 0x01010101u * static_cast<std::uint8_t>(r.get(isa::post::kPadCode));
  std::vector<SoftmaxJob> jobs;
  std::vector<std::vector<int>> codes(kRows);
  for (const Step& step : loop_nest(r, kRows)) {
    if (!step.tile_first) continue;  // the other passes read the same again
    if (step.first)
      for (auto& lane : codes) lane.clear();
    for (unsigned l = 0; l < kRows; ++l) {
      const std::uint32_t word = step.inside[l] ? memory_word(step.address[l] & kMask) : pad;
      for (unsigned b = 0; b < 4 && codes[l].size() < channels; ++b)
        codes[l].push_back(byte_of(word, b));
    }
    if (!step.last) continue;
    SoftmaxJob job{step.out, step.active, {}, 0, 0, false, false, false, norm != nullptr};
    for (const auto& lane : codes) job.lanes.push_back(operands_of(lane, table, norm, rescale));
    for (unsigned c = 0; c < channels; c += 4) {
      job.first_code = c;
      job.codes = std::min(4u, channels - c);
      job.tile_first = c == 0;
      job.tile_end = c + 4 >= channels;
      job.last = step.tile_last && job.tile_end;
      jobs.push_back(job);
    }
  }
  return jobs;
}

/// Returns a lane's multiplier.
std::uint64_t multiplier_of(const Vtrine_vector& dut, unsigned l) {
  return get_bits(dut.sm_factors_o, 6 * kRows + 31 * l, 31);
}
std::uint64_t shift_of(const Vtrine_vector& dut, unsigned l) {
  return get_bits(dut.sm_factors_o, 6 * l, 6);
}

/// The post unit: takes codes, or products that it multiplies; words leave later.
class PostUnit {
 public:
  /// Drives this cycle. @param percent  of the cycles in which it moves
  void drive(Vtrine_vector& dut, std::mt19937& random, unsigned percent) {
    if (delay_ >= 0 || leaving_) REQUIRE(factors_of(dut) == factors_);
    const bool issue = dut.sm_req_valid_o != 0 && chance(random, percent);
    const bool left = leaving_ && chance(random, percent);
    const bool product = delay_ == 0 && chance(random, percent);
    dut.sm_status_i = (issue ? status::kIssue : 0) | (left ? status::kLeft : 0) |
                      (product ? status::kProduct : 0);
    for (unsigned l = 0; l < kRows; ++l)
      set_bits(dut.product_i, 42 * l, 42,
               product ? products_[l] : std::uint64_t{any_word(random)} << 10);
    delay_ = product ? -1 : std::max(delay_ - 1, delay_ < 0 ? -1 : 0);
  }

  /// Applies the rising edge.
  void clock(const Vtrine_vector& dut) {
    if ((dut.sm_status_i & status::kLeft) != 0) leaving_ = false;
    if ((dut.sm_status_i & status::kIssue) == 0) return;
    factors_ = factors_of(dut);
    const bool reciprocal = flag(dut.sm_req_o, kReciprocal);
    if (reciprocal) multiply(dut);
    leaving_ = leaving_ || (!reciprocal && flag(dut.sm_req_o, kTileEnd));
  }

  bool idle() const { return !leaving_; }

 private:
  using Factors = std::array<std::uint64_t, kRows>;

  /// Returns multiplier and shift of each lane: they hold until the product, or the last word, is
  /// finished.
  static Factors factors_of(const Vtrine_vector& dut) {
    Factors factors{};
    for (unsigned l = 0; l < kRows; ++l) factors[l] = multiplier_of(dut, l) << 6 | shift_of(dut, l);
    return factors;
  }
  void multiply(const Vtrine_vector& dut) {
    for (unsigned l = 0; l < kRows; ++l) {
      REQUIRE(shift_of(dut, l) == 0);
      const auto a = static_cast<std::int32_t>(get_bits(dut.sm_acc_o, 32 * l, 32));
      const auto b = static_cast<std::int64_t>(multiplier_of(dut, l));
      products_[l] = static_cast<std::uint64_t>(a * b) << 2 >> 22;
    }
    delay_ = 1;  // cycles in between
  }

  int delay_ = -1;
  bool leaving_ = false;  ///< the tile's last word
  Factors products_{}, factors_{};
};

Exponentials random_exponentials(std::mt19937& random) {
  Exponentials table{INT32_MAX};
  const unsigned most = any_word(random) % 31;
  for (std::size_t k = 1; k < table.size(); ++k)
    table[k] = static_cast<std::uint32_t>(random() >> 1) >> random() % (most + 1);
  return table;
}

/// Draws a normalization of that many channels, with any epsilon.
NormRow random_norm(std::mt19937& random, int channels) {
  NormRow row;
  row.center = chance(random, 50);
  row.origin = row.center ? 127 : static_cast<int>(random() % 256) - 128;
  row.channels = channels;
  row.epsilon = (any_word(random) >> 1) >> random() % 32;
  row.value_bits = chance(random, 50) ? 20 : 16;
  return row;
}

Exponentials norm_table(const NormRow& row) {
  Exponentials table{};
  for (std::size_t k = 0; k < table.size(); ++k)
    table[k] = norm_word(static_cast<int>(k), row.origin);
  return table;
}

/// Draws a RUN over a pixel's channels.
isa::VectorRegisters one_tap(std::mt19937& random) {
  isa::VectorRegisters r(random_geometry(random, kRows, 1));
  random_post(r, random);
  r.set(isa::vector::kBias, static_cast<std::int32_t>(random()));
  r.set(isa::agu::kSLast, 0);
  r.set(isa::agu::kRLast, 0);
  if (chance(random, 30)) r.set(isa::agu::kWordsLast, static_cast<std::int64_t>(random() % 80));
  return r;
}

void set_norm(isa::VectorRegisters& r, const NormRow& row) {
  r.set(isa::agu::kGroupsLast, 1);
  r.set(isa::post::kAddZeroA, row.origin);
  r.set(isa::post::kShift, row.log2() + (row.value_bits == 16 ? 16 : 0));
  r.set(isa::post::kMultiplier, row.reciprocal());
  r.set(isa::vector::kBias, row.epsilon);
}

}  // namespace

TEST_CASE("trine_vector computes the operands of softmaxes and normalizations",
          "[tb][vector][softmax]") {
  if (!kSoftmax) {
    SUCCEED("no softmax");
    return;
  }
  const auto seed = GENERATE(1u, 2u);
  const auto gather_percent = GENERATE(100u, 50u);
  const auto post_percent = GENERATE(100u, 40u);
  std::mt19937 random{seed};
  Clocked<Vtrine_vector> unit;
  auto& dut = unit.dut;
  Gather gather(kRows, kAddrBits);
  Issue issue;
  PostUnit post;
  std::deque<SoftmaxJob> jobs;
  unsigned code = 0;
  int runs = 0, codes = 0;
  constexpr int kRuns = 50;
  for (int cycle = 0; runs < kRuns || !issue.done() || !jobs.empty() || !post.idle(); ++cycle) {
    CAPTURE(seed, gather_percent, post_percent, cycle, runs);
    REQUIRE(cycle < 400'000);
    if (issue.done() && jobs.empty() && post.idle() && runs < kRuns) {
      ++runs;
      isa::VectorRegisters r = one_tap(random);
      r.set(isa::agu::kGroupsLast, chance(random, 50) ? 0 : 2);
      const bool norm = chance(random, 50), large = runs > kRuns - 3;
      if (large) {  // the maximum number of channels
        r.set(isa::agu::kWordsLast, 1'023 - static_cast<std::int64_t>(random() % 200));
        r.set(isa::agu::kTilesLast, 0);
        r.set(isa::agu::kGroupsLast, 2);  // more words than the lanes keep
      }
      const bool border = norm && !large && chance(random, 25);
      // The variance has another format from 32, 128 and 512 channels on.
      const int near = std::array{32, 128, 512}[random() % 3] - static_cast<int>(random() % 2);
      if (border) {
        r.set(isa::agu::kWordsLast, (near - 1) / 4);
        r.set(isa::agu::kTilesLast, 0);
      }
      const auto words = static_cast<int>(r.get(isa::agu::kWordsLast)) + 1;
      const int drawn = std::min(4 * words - static_cast<int>(random() % 4), norm ? 4096 : 4095);
      const int channels = border ? near : drawn;
      r.set(isa::vector::kChannels, channels);
      isa::Run run;
      run.op = static_cast<int>(norm ? Op::kNormalize : Op::kSoftmax);
      NormRow constants = random_norm(random, channels);
      if (norm) {
        if (chance(random, large ? 60 : 20)) {  // all codes equal: only epsilon remains
          r.set(isa::agu::kWidth, 0);
          if (large) constants.epsilon >>= random() % 31;
        }
        set_norm(r, constants);
        run.flags = 1 << isa::vector::kSingle | int{constants.center} << isa::vector::kCenter;
      }
      Rescale rescale{(1 << 30) + static_cast<std::int64_t>(random() % 0x3fffffc1),
                      static_cast<int>(random() % 40) - 20};
      if (chance(random, 20)) rescale.multiplier = chance(random, 50) ? 1 << 30 : 0x7fffffc0;
      const bool rescales = !norm && chance(random, 50);
      if (rescales) {
        r.set(isa::post::kMultiplier, rescale.multiplier);
        r.set(isa::post::kShift, rescale.shift);
        run.flags = 1 << isa::vector::kRescale;
      }
      const Exponentials table = norm ? norm_table(constants) : random_exponentials(random);
      for (unsigned k = 0; k < table.size(); ++k) {
        dut.exp_i = (std::uint64_t{1} << 8 | k) << 32 | table[k];  // trine_vector_pkg::exp_write_t
        unit.tick();
      }
      dut.exp_i = 0;
      issue.start(r, run, random);
      for (SoftmaxJob& job :
           softmax_jobs(r, table, norm ? &constants : nullptr, rescales ? &rescale : nullptr))
        jobs.push_back(std::move(job));
    }
    issue.drive_word(dut);
    gather.answer(dut);
    dut.eval();
    post.drive(dut, random, post_percent);
    dut.eval();
    gather.serve(dut, random, gather_percent, dut.g_hold_o != 0);
    dut.eval();
    const bool codes_taken =
        (dut.sm_status_i & status::kIssue) != 0 && !flag(dut.sm_req_o, kReciprocal);
    if (codes_taken) {
      REQUIRE(!jobs.empty());
      const SoftmaxJob& job = jobs.front();
      const bool pairs = kCodes == 2 && !flag(dut.sm_req_o, kNormalize);
      const unsigned count = pairs && code + 1 < job.codes ? 2 : 1;
      const bool word_end = code + count == job.codes;
      REQUIRE(flag(dut.sm_req_o, kNormalize) == job.norm);
      REQUIRE((dut.sm_req_o >> kSlot & 3) == code);
      REQUIRE(flag(dut.sm_req_o, kPair) == (count == 2));
      REQUIRE(flag(dut.sm_req_o, kWordFirst) == job.tile_first);
      REQUIRE(flag(dut.sm_req_o, kWordEnd) == word_end);
      REQUIRE(flag(dut.sm_req_o, kTileEnd) == (word_end && job.tile_end));
      REQUIRE(flag(dut.sm_req_o, kRunEnd) == (word_end && job.last));
      for (unsigned l = 0; l < kRows; ++l) {
        REQUIRE(get_bits(dut.job_active_o, l, 1) == job.active[l]);
        if (!job.active[l]) continue;
        CAPTURE(l, code);
        const SoftmaxOperands& lane = job.lanes[l];
        REQUIRE(get_bits(dut.job_out_o, l * kAddrBits, kAddrBits) == (job.out[l] & kMask));
        for (unsigned k = 0; k < count; ++k)
          REQUIRE(get_bits(dut.sm_acc_o, 32 * (k * kRows + l), 32) ==
                  lane.values[job.first_code + code + k]);
        REQUIRE(multiplier_of(dut, l) == static_cast<std::uint64_t>(lane.multiplier));
        REQUIRE(shift_of(dut, l) == static_cast<std::uint64_t>(lane.shift & 63));
      }
      code += count;
      codes += static_cast<int>(count);
      if (code == job.codes) {
        jobs.pop_front();
        code = 0;
      }
    }
    REQUIRE(dut.job_valid_o == 0);
    post.clock(dut);
    issue.clock(dut);
    gather.clock(dut);
    unit.tick();
  }
  CHECK(codes > 500);
}

namespace {

/// The lanes' int16 codes of a tile, [pair]: all codes by channel.
using Codes16 = std::vector<std::vector<int>>;

/// Returns the slots of a pair: extrema of the channels in each byte, of which the first two are
/// combined.
std::array<std::array<int, 4>, 2> row_extrema(const std::vector<int>& codes, bool smallest) {
  std::array<int, 4> best{};
  best.fill(smallest ? INT16_MAX : INT16_MIN);
  const auto better = [&](int& a, int b) { a = smallest ? std::min(a, b) : std::max(a, b); };
  for (std::size_t c = 0; c < codes.size(); ++c) better(best[c % 4], codes[c]);
  better(best[0], best[2]);
  better(best[1], best[3]);
  better(best[0], best[1]);
  std::array<std::array<int, 4>, 2> slots{};
  for (unsigned b = 0; b < 4; ++b) slots[0][b] = best[b] >> 8 & 0xff, slots[1][b] = best[b] & 0xff;
  return slots;
}

/// Returns multiplier and shift that turn a code into its share of the sum: the reciprocal
/// interpolated between `points` (docs/numerics.md). The sum has 26 bits; sums of less than 15 bits
/// never occur and give 0.
std::pair<std::uint64_t, int> share_of(const std::vector<int>& codes,
                                       const std::array<int, 513>& points) {
  std::int64_t sum = 0;
  for (const int code : codes) sum += code;
  sum &= (1 << 26) - 1;
  if (sum < 1 << 14) return {};
  int zeros = 32;
  for (std::int64_t rest = sum; rest > 0; rest /= 2) --zeros;
  const std::int64_t whole = ((sum << (zeros - 1)) + (1 << 13)) >> 14;
  const auto place = static_cast<int>(std::min<std::int64_t>(whole - (1 << 16), 0xffff));
  const auto n = static_cast<std::size_t>(place / 128);
  const int line = points[n] + (((points[n + 1] - points[n]) * (place % 128) + 64) >> 7);
  return {static_cast<std::uint64_t>(line) << 7, zeros - 7};
}

}  // namespace

TEST_CASE("trine_vector walks over the int16 codes of a pixel", "[tb][vector][int16]") {
  if (!kInt16) {
    SUCCEED("no int16");
    return;
  }
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto gather_percent = GENERATE(100u, 50u);
  const auto post_percent = GENERATE(100u, 40u);
  std::mt19937 random{seed};
  Clocked<Vtrine_vector> unit;
  auto& dut = unit.dut;
  Gather gather(kRows, kAddrBits);
  Issue issue;
  PostUnit post;
  std::deque<Job> jobs;
  std::deque<std::vector<std::pair<std::uint64_t, int>>> shares;  // of each job's pairs
  std::array<int, 513> points{};
  Exponentials table{};
  std::array<std::uint64_t, 2> asked{};  // entries, two cycles ago and one
  int runs = 0, taken = 0, reading = 0, ends_in = -1;
  bool near = false;
  constexpr int kRuns = 40;
  for (int cycle = 0; runs < kRuns || !issue.done() || !jobs.empty() || reading > 0; ++cycle) {
    CAPTURE(seed, gather_percent, post_percent, cycle, runs, taken);
    REQUIRE(cycle < 400'000);
    if (issue.done() && jobs.empty() && reading == 0 && runs < kRuns) {
      ++runs;
      constexpr Op kOps[] = {Op::kMax16, Op::kMin16, Op::kExponential16, Op::kShare16};
      const Op op = kOps[random() % (kSoftmax ? 4 : 2)];
      const bool extremum = op == Op::kMax16 || op == Op::kMin16;
      isa::VectorRegisters r = one_tap(random);
      r.set(isa::agu::kGroupsLast, extremum ? 0 : 1);
      const auto words = static_cast<int>(r.get(isa::agu::kWordsLast)) + 1;
      const auto channels = static_cast<std::size_t>(4 * words - static_cast<int>(random() % 4));
      r.set(isa::vector::kChannels, static_cast<std::int64_t>(channels));
      isa::Run run;
      run.op = static_cast<int>(op);
      run.flags = extremum ? 1 << isa::vector::kReduce : 1 << isa::vector::kSingle;
      dut.job_done_i = dut.job_ready_i = 0;
      dut.sm_status_i = 0;
      points[0] = 32767;
      for (std::size_t n = 1; n < points.size(); ++n)
        points[n] = points[n - 1] - static_cast<int>(random() % 64);
      for (std::size_t n = 0; n < table.size(); ++n)
        table[n] = static_cast<std::uint32_t>(points[2 * n + 1] |
                                              (points[2 * n] - points[2 * n + 1]) << 16 |
                                              (points[2 * n + 1] - points[2 * n + 2]) << 24);
      for (unsigned k = 0; k < table.size(); ++k) {
        dut.exp_i = (std::uint64_t{1} << 8 | k) << 32 | table[k];
        unit.tick();
      }
      dut.exp_i = 0;
      issue.start(r, run, random);
      const std::uint32_t pad = 0x01010101u * static_cast<std::uint8_t>(r.get(isa::post::kPadCode));
      Codes16 codes(kRows / 2);
      bool first_job = true;
      for (const Step& step : loop_nest(r, kRows, false, true)) {
        const auto word = [&](unsigned l) {
          return step.inside[l] ? memory_word(step.address[l] & kMask) : pad;
        };
        if (step.first && step.tile_first)
          for (auto& pair : codes) pair.clear();
        for (unsigned p = 0; p < kRows / 2 && step.tile_first; ++p)
          for (unsigned b = 0; b < 4 && codes[p].size() < channels; ++b)
            codes[p].push_back(byte_of(word(2 * p), b) * 256 +
                               (byte_of(word(2 * p + 1), b) & 0xff));
        if (step.tile_first && !(extremum && step.last)) continue;
        Job job{step.out, step.active, {}, extremum || step.first, first_job, false, r, run};
        std::vector<std::pair<std::uint64_t, int>> factors;
        for (unsigned p = 0; p < kRows / 2; ++p) {
          const auto best = row_extrema(codes[p], op == Op::kMin16);
          std::array<std::array<int, 4>, 2> slots{};
          for (unsigned b = 0; b < 4; ++b) {
            slots[0][b] = byte_of(word(2 * p), b);
            slots[1][b] = byte_of(word(2 * p + 1), b) & 0xff;
            if (op != Op::kExponential16) continue;
            slots[0][b] += static_cast<std::int8_t>(~best[0][0]);
            slots[1][b] += ~best[1][0] & 0xff;
          }
          if (extremum) slots = best;
          std::ranges::copy(slots, std::back_inserter(job.slots));
          factors.push_back(op == Op::kShare16 ? share_of(codes[p], points)
                                               : std::pair<std::uint64_t, int>{});
        }
        first_job = false;
        jobs.push_back(job);
        shares.push_back(factors);
      }
      jobs.back().last = true;
    }
    issue.drive_word(dut);
    gather.answer(dut);
    dut.job_ready_i = chance(random, post_percent);
    if (reading > 0 && ends_in < 0 && chance(random, post_percent))
      ends_in = static_cast<int>(random() % 3);
    near = reading > 0 && (near || ends_in >= 0 || chance(random, post_percent));
    dut.job_early_i = (near ? 2 : 0) | (ends_in >= 0 ? 1 : 0);
    dut.job_done_i = ends_in == 0;
    if (ends_in >= 0) --ends_in;
    dut.eval();
    post.drive(dut, random, post_percent);
    dut.eval();
    gather.serve(dut, random, gather_percent, dut.g_hold_o != 0);
    dut.eval();
    if (dut.job_valid_o != 0) {
      REQUIRE(!jobs.empty());
      check(dut, jobs.front());
      check_cfg(dut, jobs.front());
      const auto op = static_cast<Op>(jobs.front().run.op);
      for (unsigned p = 0; p < kRows / 2 && op == Op::kShare16; ++p) {
        if (!jobs.front().active[2 * p] || shares.front()[p].first == 0) continue;
        CAPTURE(p);
        REQUIRE(multiplier_of(dut, 2 * p) == shares.front()[p].first);
        REQUIRE(shift_of(dut, 2 * p) == static_cast<std::uint64_t>(shares.front()[p].second & 63));
      }
    }
    // An interpolation reads entries.
    const bool asks =
        !jobs.empty() && static_cast<Op>(jobs.front().run.op) == Op::kExponential16 && reading > 0;
    if (asks && asked[0] != 0) REQUIRE(get_bits(dut.sm_acc_o, 0, 32) == table[asked[0] - 1]);
    asked[0] = asked[1];
    const auto at = static_cast<unsigned>(random() % 256);
    set_bits(dut.point_req_i, 0, 9, asks ? 256 | at : 0);
    asked[1] = asks ? at + 1 : 0;
    if (!asks) asked = {};
    const bool job_taken = dut.job_valid_o != 0 && dut.job_ready_i != 0;
    if (dut.job_done_i != 0) reading = 0;
    post.clock(dut);
    issue.clock(dut);
    gather.clock(dut);
    if (job_taken) {
      jobs.pop_front();
      shares.pop_front();
      reading = 1;
      ++taken;
    }
    unit.tick();
  }
  CHECK(taken > (kSoftmax ? 100 : 2 * kRuns));  // without softmax there are only extrema
}
