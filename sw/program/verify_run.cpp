// SPDX-License-Identifier: Apache-2.0
//
// Verifies the rules for single RUNs.

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "spec/group_rows.h"
#include "spec/lanes.h"
#include "spec/precision.h"
#include "sw/base/division.h"
#include "sw/program/reach.h"
#include "sw/program/verify.h"
#include "sw/reference/quantized_params.h"
#include "sw/reference/requantize.h"

namespace trine::program {
namespace {

using isa::ComputeRegisters;
using isa::difference;
using isa::Engine;
using isa::field;
using isa::LaneRegisters;
using isa::output_of;
using isa::Pairs;
using isa::TransferRegisters;
using isa::VectorRegisters;
using reference::ChannelScale;
using reference::OutputRange;
namespace agu = isa::agu;
namespace limit = isa::limit;
namespace post = isa::post;
using post::Output;

template <typename... Args>
[[noreturn]] void object(fmt::format_string<Args...> format, Args&&... args) {
  throw Objection{"", fmt::format(format, std::forward<Args>(args)...)};
}

/// Objects to a RUN that the hardware ends with a cause.
template <typename... Args>
[[noreturn]] void end_with(std::string_view cause, fmt::format_string<Args...> format,
                           Args&&... args) {
  throw Objection{cause, fmt::format(format, std::forward<Args>(args)...)};
}

void check_range(const char* what, std::int64_t first, std::int64_t count, std::int64_t size) {
  if (first + count > size)
    object("{} {}..{}, allowed 0..{}", what, first, first + count - 1, size - 1);
}

/// Checks that `end` entries fit the memories of parameters.
void check_parameters(const spec::Config& config, std::int64_t end) {
  if (end > config.param_channels)
    object("bias and scale entry {}, allowed 0..{}", end - 1, config.param_channels - 1);
}

// ---- load, store --------------------------------------------------------------------------------

/// A load or store; `row` is checked for each of its rows.
class Transfer {
 public:
  Transfer(const spec::Config& config, std::int64_t dram_bytes, Engine engine,
           const TransferRegisters& r, const isa::Run& run)
      : config_(config), dram_bytes_(dram_bytes), engine_(engine), r_(r), run_(run) {}

  void check() const {
    const std::int64_t rows = isa::dram_rows(r_, run_);
    if (words_ == kMostWords && from_dmem_) object("a transfer of 0 words, allowed 1 and above");
    if (transposed_ && rows > config_.cols / 4)
      object("transposes {} channel words, allowed a fourth of the {} columns", rows, config_.cols);
    if (rows > 1 && beats_line_up_ &&
        (r_.get(dma::kDramStride) % (4 * data_words_) != 0 ||
         r_.get(dma::kLocalStride) % data_words_ != 0))
      object("strides of {} bytes and {} words: not multiples of {} words",
             r_.get(dma::kDramStride), r_.get(dma::kLocalStride), data_words_);
    for (std::int64_t i = 0; i < rows; ++i)
      check_row(r_.get(dma::kDram) + i * r_.get(dma::kDramStride),
                (r_.get(dma::kLocal) + i * difference(r_, dma::kLocalStride)) & isa::kAddressMask);
  }

 private:
  static constexpr std::int64_t kMostWords = std::int64_t{1} << isa::dma::kWords.width;

  void check_row(std::int64_t dram, std::int64_t local) const {
    const char* name = from_dmem_ ? "DMEM" : "DRAM";
    const std::int64_t size = from_dmem_ ? 4 * config_.dmem_words() : dram_bytes_;
    const std::int64_t end = dram + 4 * words_;
    const bool outside = dram < 0 || end > size;
    if (!from_dmem_ && outside)
      end_with(engine_ == Engine::kStore ? "store_window" : "load_window",
               "{} bytes {}..{}, but there are {}", name, dram, end - 1, size);
    if (dram % 4 != 0 || outside)
      object("{} bytes {}..{}, but there are {}", name, dram, end - 1, size);
    if (target_ == Target::kDmem16 && (dram % 8 != 0 || words_ % 2 != 0))
      object("{} byte {}, {} words: not whole int16 codes", name, dram, words_);
    if (beats_line_up_) {
      if ((dram / 4 - local) % data_words_ != 0)
        object("{} byte {} and DMEM word {} are not congruent modulo {} words", name, dram, local,
               data_words_);
      if (local + words_ > config_.dmem_words())
        object("DMEM word {}, allowed 0..{}", std::max<std::int64_t>(local, config_.dmem_words()),
               config_.dmem_words() - 1);
    } else if (dram / 4 % data_words_ != 0 || (words_ % data_words_ != 0 && !transposed_)) {
      object("{} byte {}, {} words: not a multiple of {} words", name, dram, words_, data_words_);
    }
    if (isa::is_packed(run_)) return check_stream();
    if (transposed_)
      return check_range("PMEM rows", local, divide_up(words_, std::int64_t{4}),
                         config_.pmem_rows());
    if (engine_ == Engine::kLoad) check_target(local);
  }

  /// Checks entries of `entry_bytes` bytes that begin at the start of a beat.
  void check_entries(const char* what, std::int64_t local, std::int64_t entry_bytes,
                     std::int64_t size) const {
    const std::int64_t unit = 4 * data_words_ / entry_bytes;
    if (local % unit != 0) object("{} entry {}: not a multiple of {}", what, local, unit);
    check_range(what, local, 4 * words_ / entry_bytes, size);
  }

  void check_target(std::int64_t local) const {
    switch (target_) {
      case Target::kPmem: {
        const std::int64_t beats = words_ / data_words_;
        if (beats % config_.beats_per_row() != 0) object("{} beats are not whole PMEM rows", beats);
        return check_range("PMEM rows", local,
                           beats / config_.beats_per_row() * config_.rows_per_beat(),
                           config_.pmem_rows());
      }
      case Target::kBias:
        return check_entries("bias", local, 4, config_.param_channels);
      case Target::kScale:
        return check_entries("scale", local, 8, config_.param_channels);
      case Target::kTable:
        return check_entries("table", local, 4, limit::kTableWords);
      case Target::kPoints:  // one entry per word
        if (local % data_words_ != 0) object("point {}: not a multiple of {}", local, data_words_);
        return check_range("point", local, words_, 4 * limit::kTableWords);
      case Target::kExponentials:
        return check_entries("exponential", local, 4, limit::kExponentialWords);
      default:
        return;
    }
  }

  void check_stream() const {
    const std::int64_t rows = r_.get(dma::kRowsLast) + 1;
    if (words_ > 2 * config_.pmem_rows() * config_.cols)
      object("a stream of {} words is too long for {} rows of PMEM", words_, config_.pmem_rows());
    check_range("PMEM rows", r_.get(dma::kLocal), rows, config_.pmem_rows());
  }

  struct dma {  // the fields, next to Target
    static constexpr auto& kDram = isa::dma::kDram;
    static constexpr auto& kLocal = isa::dma::kLocal;
    static constexpr auto& kDramStride = isa::dma::kDramStride;
    static constexpr auto& kLocalStride = isa::dma::kLocalStride;
    static constexpr auto& kRowsLast = isa::dma::kRowsLast;
  };
  using Target = isa::dma::Target;

  const spec::Config& config_;
  std::int64_t dram_bytes_;
  Engine engine_;
  const TransferRegisters& r_;
  const isa::Run& run_;
  Target target_ = static_cast<Target>(run_.op);
  std::int64_t words_ = r_.get(isa::dma::kWords) == 0 ? kMostWords : r_.get(isa::dma::kWords);
  std::int64_t data_words_ = config_.data_words();
  bool transposed_ = target_ == Target::kTransposed;
  bool from_dmem_ = isa::reads_dmem(run_);
  bool beats_line_up_ = isa::is_of_maps(run_);
};

// ---- lanes --------------------------------------------------------------------------------------

OutputRange wide_range_of(const LaneRegisters& r) {
  return {field(r, post::kZeroPoint),
          field(r, post::kActMin) * 256 + (field(r, post::kAddActMin) & 0xff),
          field(r, post::kActMax) * 256 + (field(r, post::kAddActMax) & 0xff),
          static_cast<spec::Format>(field(r, post::kFormat))};
}

/// Checks scales and ranges of results. @param wide  true if bounds are int16 codes
void check_post(const LaneRegisters& r, bool wide) {
  const auto scale = [&](const isa::LaneField& multiplier, const isa::LaneField& shift) {
    return ChannelScale{static_cast<std::int32_t>(r.get(multiplier)), field(r, shift)};
  };
  // With int16 codes these fields are the high bytes.
  const OutputRange range{field(r, post::kZeroPoint), field(r, post::kActMin),
                          field(r, post::kActMax)};
  const OutputRange sum = wide
                              ? range
                              : OutputRange{field(r, post::kAddZeroPoint),
                                            field(r, post::kAddActMin), field(r, post::kAddActMax)};
  const int operand = field(r, post::kAddOperandShift);
  if (operand < -31 || operand > 0) object("shift {} of an operand, allowed -31..0", operand);
  for (const auto& fault : {reference::check(scale(post::kMultiplier, post::kShift), range),
                            reference::check(scale(post::kAddMultiplier, post::kAddShift), sum)})
    if (fault) object("{}", *fault);
  if (const OutputRange codes = wide_range_of(r); wide && codes.act_min > codes.act_max)
    object("activation range {}..{} is empty", codes.act_min, codes.act_max);
}

/// Checks the results of a RUN that writes an eight-bit format.
void check_format(const spec::Config& config, const LaneRegisters& r, bool single) {
  const OutputRange range = wide_range_of(r);
  if (range.format == spec::Format::kNone) return;
  if (!config.formats)
    object("codes of format {}, which requires array.formats", static_cast<int>(range.format));
  const std::int32_t most = spec::largest_code(range.format);
  if (!single || range.act_min < -most || range.act_max > most)
    object("codes of a format must be rounded once, with bounds within -{0}..{0}", most);
}

void check_steps(const spec::Config& config, const LaneRegisters& r) {
  constexpr std::int64_t kMostWords = std::int64_t{1} << 28;  // of a tile, held at once
  if (isa::steps_of(r) > kMostWords / config.rows)
    object("{} steps of {} lanes need more than the {} words that the simulator holds",
           isa::steps_of(r), config.rows, kMostWords);
}

/// Checks the addresses, modulo 2^24, of words that the RUN accesses.
void check_dmem(const spec::Config& config, const Extent& words) {
  if (words.empty()) return;
  const std::int64_t first = words.low & isa::kAddressMask, last = first + words.high - words.low;
  if (last >= config.dmem_words())
    object("DMEM words {}..{}, allowed 0..{}", first, last, config.dmem_words() - 1);
}

/// Checks the RUN's coordinates and addresses on each core. @param residual  distance from each
/// written word to another word that is read
void check_reach(const spec::Config& config, const LaneRegisters& r, const Walk& walk,
                 std::int64_t& visits, std::optional<std::int64_t> residual = {}) {
  for (int core = 0; core < config.cores; ++core) {
    const std::int64_t rows = core * r.get(agu::kCoreY);
    if (core > 0 && rows == 0) return;
    for (const isa::LaneField& row : {agu::kYStart, agu::kYEnd})
      if (r.get(row) + rows > limit::kMostSpan)
        object("core {} begins or ends at row {}, allowed up to {}", core, r.get(row) + rows,
               limit::kMostSpan);
    const LaneRegisters own(isa::moved_down(r, core));
    const Reached reached = reach(own, walk, visits);
    if (reached.problem) object("{}", *reached.problem);
    check_dmem(config, reached.read);
    check_dmem(config, reached.written);
    if (residual && !reached.written.empty())
      check_dmem(config, reached.written + Extent{*residual, *residual});
  }
}

Extent words_of_pair(Pairs pairs, Pairs odd) {
  return pairs == Pairs::kNone ? Extent{0, 0} : pairs == odd ? Extent{1, 1} : Extent{0, 1};
}

/// Returns the extent of `words` words, each `step` after the word before.
Extent repeated(std::int64_t words, std::int64_t step) {
  Extent all;
  all.add(0, (words - 1) * step);
  return all;
}

// ---- compute ------------------------------------------------------------------------------------

class Compute {
 public:
  Compute(const spec::Config& config, const ComputeRegisters& r, const isa::Run& run)
      : config_(config), r_(r), run_(run) {}

  void check(std::int64_t& visits) const {
    using namespace isa::compute;
    if (!(clear_ && drains_) && (groups_ != 1 || r_.get(agu::kTilesLast) != 0))
      object("a reduction in pieces must have one tile and one group");
    if (window_) check_window();
    // The post unit waits for the last channel, which is not in the last group.
    if (drains_ && channels_ <= (groups_ - 1) * columns_)
      end_with("progress", "{} channels do not reach the last of {} groups of {}", channels_,
               groups_, columns_);
    const bool lookup = drains_ && output_of(r_) == Output::kTable;
    if (lookup && run_.has(kFuseMax)) object("a residual is not supported with a lookup");
    // The lane's latency exceeds its table of tags, so the word never leaves the lane.
    if (lookup && run_.has(kFuseAdd))
      end_with("progress", "a residual is not supported with a lookup");
    if (wide_ || by_row_) check_wide();
    if (in_groups_) check_groups();
    if (run_.has(kAddSums)) check_sums();
    if (op_ == Op::kBinaryInside && r_.get(post::kPadCode) != 0)
      object("masked taps that add nothing must have pad code 0");
    if ((op_ == Op::kMatmul || op_ == Op::kMatmul16) && run_.has(kFuseAdd))
      object("a product of two maps does not support an addition, which needs the same registers");
    check_post(r_, wide_ || by_row_);
    check_steps(config_, r_);
    check_range("PMEM rows", r_.get(kRow), pmem_rows(), config_.pmem_rows());
    if (drains_)
      check_parameters(config_, r_.get(kParam) + std::int64_t{drained()} * isa::passes_of(r_));
    std::optional<std::int64_t> residual;
    if (drains_ && (run_.has(kFuseAdd) || run_.has(kFuseMax)))
      residual = difference(r_, post::kResidualDelta);
    check_reach(config_, r_, walk(), visits, residual);
    if (run_.has(kAddSums)) check_reach(config_, r_, walk_of_sums(), visits);
  }

 private:
  using Op = isa::compute::Op;

  int drained() const { return std::min(channels_, groups_ * columns_); }

  Walk walk() const {
    Walk walk;
    walk.positions = wide_ ? config_.rows / 2 : config_.rows;
    walk.window = window_;
    const Extent pair = words_of_pair(pairs_, Pairs::kOddReads);
    walk.taps = repeated(window_ ? groups_ : r_.get(agu::kWordsLast) + 1, isa::window_step(r_));
    walk.taps = walk.taps + pair;
    if (!drains_) return walk;
    const bool raw = output_of(r_) == Output::kRaw;
    const int position = raw ? 0 : field(r_, post::kPosition), per_word = isa::codes_per_word(r_);
    const std::int64_t plane = difference(r_, agu::kOutPlane);
    walk.written.add(position / per_word * plane, (position + drained() - 1) / per_word * plane);
    const bool both = by_row_ || (wide_ && op_ != Op::kMatmul16);
    walk.written = walk.written + Extent{0, both ? 1 : 0};
    return walk;
  }

  /// Returns the sums that the RUN reads, as words that it writes.
  Walk walk_of_sums() const {
    Walk walk;
    walk.positions = config_.rows;
    const std::int64_t delta = difference(r_, post::kResidualDelta);
    walk.written = repeated(drained(), difference(r_, agu::kOutPlane)) + Extent{delta, delta};
    return walk;
  }

  std::int64_t pmem_rows() const {
    const spec::Operands operands = spec::operands_of(op_);
    const std::int64_t of_row = window_ ? config_.window_steps_per_row()
                                        : operands.activations.bits / operands.weights.bits;
    return groups_ * (in_groups_ ? group_rows().rows(r_.get(agu::kWordsLast) + 1)
                                 : divide_up(isa::steps_of(r_), of_row));
  }
  spec::GroupRows group_rows() const {
    return {(r_.get(agu::kRLast) + 1) * (r_.get(agu::kSLast) + 1)};
  }

  void check_window() const {
    if (op_ != Op::kInt8 && op_ != Op::kMatmul) object("the window former supports only int8");
    if (r_.get(agu::kWordsLast) != 0)
      object("the window former supports one channel word per group");
    if (!clear_ || !drains_) object("the window former does not support a reduction in pieces");
  }

  /// Checks a RUN that adds sums of earlier parts.
  void check_sums() const {
    using namespace isa::compute;
    if (!drains_) object("sums are added to results, which this RUN does not have");
    if (run_.has(kFuseAdd) || run_.has(kFuseMax) || window_ || in_groups_ || wide_ || by_row_ ||
        output_of(r_) == Output::kThresholds)
      object(
          "sums are not supported with a residual, thresholds, factors, int16 or the window "
          "former");
  }

  /// Checks a RUN with factors.
  void check_groups() const {
    using namespace isa::compute;
    if (!clear_ || !drains_) object("factors do not support a reduction in pieces");
    if (run_.has(kFuseAdd) || run_.has(kFuseMax) || window_ || output_of(r_) == Output::kThresholds)
      object("factors support neither a residual nor the window former nor thresholds");
    if (const std::int64_t steps = group_rows().steps; steps % spec::GroupRows::kFewest != 0)
      object("groups of {} steps, allowed multiples of {}", steps, spec::GroupRows::kFewest);
  }

  /// Checks a RUN of int16 activations or results.
  void check_wide() const {
    using namespace isa::compute;
    const bool residual = run_.has(kFuseAdd) || run_.has(kFuseMax);
    if (op_ == Op::kMatmul16) {
      if (residual || output_of(r_) != Output::kRaw)
        object("int16 sums must be written as words, without residual");
      return;
    }
    if (residual || output_of(r_) != Output::kRequantized || r_.get(post::kEncoding) != 0 ||
        r_.get(post::kZeroPoint) != 0 ||
        (run_.has(kSingle) && run_.has(kPerTensor) && !run_.has(kHalfEven)))
      object("int16 codes must be requantized, without zero point or residual");
    if (drains_) check_format(config_, r_, run_.has(kSingle));
  }

  const spec::Config& config_;
  const ComputeRegisters& r_;
  const isa::Run& run_;
  Op op_ = static_cast<Op>(run_.op);
  bool clear_ = run_.has(isa::compute::kClear), drains_ = run_.has(isa::compute::kDrain);
  bool window_ = run_.has(isa::compute::kWindow);
  Pairs pairs_ = isa::pairs_of(Engine::kCompute, run_);
  bool wide_ = pairs_ != Pairs::kNone, by_row_ = isa::is_by_row(run_);
  bool in_groups_ = op_ == Op::kInt8Groups;
  int groups_ = field(r_, agu::kGroupsLast) + 1;
  int columns_ = isa::group_columns(config_, run_);
  int channels_ = field(r_, isa::compute::kChannels);
};

// ---- vector -------------------------------------------------------------------------------------

class Vector {
 public:
  Vector(const spec::Config& config, const VectorRegisters& r, const isa::Run& run)
      : config_(config), r_(r), run_(run) {}

  void check(std::int64_t& visits) const {
    check_post(r_, wide_);
    check_steps(config_, r_);
    if (wide_) check_wide();
    const isa::Code& operation = *isa::kVectorOps.find(Engine::kVector, run_.op);
    if (operation.taps != 0 && taps_ != operation.taps)
      object("{} taps of {}, allowed {}", taps_, operation.name, operation.taps);
    if (op_ == Op::kSoftmax)
      check_softmax();
    else if (op_ == Op::kNormalize)
      check_normalization();
    else if (!wide_)
      check_word();
    check_reach(config_, r_, walk(), visits);
  }

 private:
  using Op = isa::vector::Op;

  Walk walk() const {
    Walk walk;
    walk.positions = wide_ ? config_.rows / 2 : config_.rows;
    const std::int64_t words = r_.get(agu::kWordsLast) + 1;
    walk.taps = repeated(words, isa::window_step(r_)) + words_of_pair(pairs_, Pairs::kOddReads);
    const bool one_word = isa::is_row(run_) && isa::compares16(op_);
    walk.written = repeated(one_word ? 1 : words, difference(r_, agu::kOutPlane)) +
                   words_of_pair(pairs_, Pairs::kOddWrites);
    walk.first = run_.has(isa::vector::kReduce) && !isa::is_row(run_) && !is_packed_maximum();
    return walk;
  }

  bool is_packed_maximum() const {
    return spec::find_precision(
               [&](const spec::Precision& p) { return p.bits < 8 && p.maximum == op_; }) != nullptr;
  }

  /// Checks sums, products and extrema of int8 codes.
  void check_word() const {
    const bool pair = op_ == Op::kAdd || op_ == Op::kMul || op_ == Op::kSquaredDifference;
    if (op_ == Op::kSquaredDifference && r_.get(post::kAddOperandShift) == 0 &&
        r_.get(post::kAddOperandMultiplier) > 1 << 30)
      object("the factor of an operand is above 1/2");
    if (output_of(r_) != Output::kRequantized && op_ != Op::kSum && !pair)
      object("output {} is not supported by vector operation {}", static_cast<int>(output_of(r_)),
             run_.op);
  }

  /// Checks a RUN of int16 codes.
  void check_wide() const {
    if (output_of(r_) != Output::kRequantized || r_.get(post::kAddZeroPoint) != 0 ||
        (r_.get(post::kZeroPoint) != 0 && !isa::narrows16(op_)))
      object("int16 codes must be requantized, without zero point");
    if (run_.has(isa::vector::kReduce) && op_ != Op::kSum16 && !isa::compares16(op_))
      object("only sum16 supports a sum over the lanes");
    if (isa::is_row(run_)) check_row();
    if (!isa::compares16(op_)) check_format(config_, r_, run_.has(isa::vector::kSingle));
    if (isa::has_lines(op_) && r_.get(post::kFormat) != 0)
      object("codes of interpolated functions must be whole numbers");
    if (op_ == Op::kFiveNarrow16 &&
        (!run_.has(isa::vector::kSingle) || r_.get(post::kMultiplier) >> 15 != 0))
      object("a sum of five words must be rounded once, with a multiplier of 15 bits");
    if (isa::takes_words(op_) && r_.get(post::kPosition) > 3)
      object("the position of a code in an int32 word is not in 0..3");
  }

  /// Checks a RUN over the channels of int16 codes.
  void check_row() const {
    const int single = 1 << isa::vector::kSingle;
    const int flags = op_ == Op::kExponential16 ? run_.flags & ~single : run_.flags;
    const int allowed = isa::compares16(op_)  ? 1 << isa::vector::kReduce
                        : op_ == Op::kShare16 ? single
                                              : 0;
    if (flags != allowed)
      object("flags {:#x} are not supported with a row of int16 codes", run_.flags);
    if (r_.get(agu::kGroupsLast) != (isa::compares16(op_) ? 0 : 1) || taps_ != 1)
      object(
          "a row of int16 codes must have one tap and two passes (maximum and minimum: one pass)");
    check_channels("a row", UINT16_MAX);
  }

  void check_channels(const char* what, std::int64_t most) const {
    const std::int64_t channels = r_.get(isa::vector::kChannels),
                       words = r_.get(agu::kWordsLast) + 1;
    if (channels < 1 || channels > most || divide_up(channels, std::int64_t{4}) != words)
      object("{} of {} channels does not fit {} words, or is not within 1..{}", what, channels,
             words, most);
  }

  void check_softmax() const {
    if ((run_.flags & ~(1 << isa::vector::kRescale)) != 0)
      object("a softmax supports only the flag rescale");
    constexpr std::int64_t kLeast = 1 << 30;
    if (run_.has(isa::vector::kRescale) &&
        (r_.get(post::kMultiplier) < kLeast ||
         r_.get(post::kMultiplier) > reference::SoftmaxParams::kMostRescale))
      object("a softmax has rescale multiplier {}, allowed {}..{}", r_.get(post::kMultiplier),
             kLeast, reference::SoftmaxParams::kMostRescale);
    if (run_.has(isa::vector::kRescale) && r_.get(post::kShift) < -limit::kMostRescaleRight)
      object("a softmax has rescale shift {}, allowed -{}..30", r_.get(post::kShift),
             limit::kMostRescaleRight);
    if (output_of(r_) != Output::kRequantized) object("a softmax does not support a lookup");
    const std::int64_t words = r_.get(agu::kWordsLast) + 1;
    const bool kept = r_.get(agu::kGroupsLast) == 0;
    if (!kept && r_.get(agu::kGroupsLast) != 2) object("a softmax must have one or three passes");
    if (kept && words > limit::kSoftmaxWords)
      object("a softmax of {} words in one pass, allowed at most {}", words, limit::kSoftmaxWords);
    check_channels("a softmax", limit::kMostSoftmaxChannels);
  }

  void check_normalization() const {
    namespace vector = isa::vector;
    const std::int64_t channels = r_.get(vector::kChannels), shift = r_.get(post::kShift);
    if ((run_.flags & ~(1 << vector::kCenter)) != 1 << vector::kSingle)
      object("a normalization must have one rounding");
    if (output_of(r_) != Output::kRequantized) object("a normalization does not support a lookup");
    if (r_.get(agu::kGroupsLast) != 1) object("a normalization must have two passes");
    check_channels("a normalization", limit::kMostNormChannels);
    check_parameters(config_, r_.get(vector::kParam) + channels);
    if (shift < 0 || channels >> shift % 16 != 1 || r_.get(post::kMultiplier) > 1 << 30 ||
        r_.get(vector::kBias) < 0)
      object("the constants of a normalization do not match its channels");
    if (run_.has(vector::kCenter) && r_.get(post::kAddZeroA) != 127)
      object("a normalization that subtracts the mean must have origin 127");
  }

  const spec::Config& config_;
  const VectorRegisters& r_;
  const isa::Run& run_;
  Op op_ = static_cast<Op>(run_.op);
  Pairs pairs_ = isa::pairs_of(Engine::kVector, run_);
  bool wide_ = pairs_ != Pairs::kNone;
  std::int64_t taps_ = (r_.get(agu::kRLast) + 1) * (r_.get(agu::kSLast) + 1);
};

/// Checks the RUN's word, and the word of its register that selects hardware.
void check_words(const spec::Config& config, Engine engine, const isa::Registers& read,
                 const isa::Run& run) {
  for (const isa::Word word :
       {isa::encode_run(engine, run),
        isa::encode_set(engine, post::kOutput.reg, read.value[post::kOutput.reg])})
    if (isa::fault_of(word, config.features()) != isa::Fault::kNone)
      object("{}", isa::fault_text(word, config.features()));
}

}  // namespace

std::optional<Objection> RunVerifier::operator()(Engine engine, const isa::Registers& registers,
                                                 const isa::Run& run) try {
  const isa::Registers read = isa::as_read(engine, registers, run);
  check_words(config_, engine, read, run);
  switch (engine) {
    case Engine::kLoad:
    case Engine::kStore: {
      const TransferRegisters r(read);
      Transfer(config_, dram_bytes_, engine, r, run).check();
      break;
    }
    case Engine::kCompute: {
      const ComputeRegisters r(read);
      Compute(config_, r, run).check(visits_);
      break;
    }
    case Engine::kVector: {
      const VectorRegisters r(read);
      Vector(config_, r, run).check(visits_);
      break;
    }
  }
  return std::nullopt;
} catch (const Objection& objection) {
  return objection;
}

}  // namespace trine::program
