// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/executor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>

#include "spec/memories.h"
#include "spec/packed.h"
#include "spec/precision.h"
#include "spec/timing.h"
#include "sw/base/division.h"
#include "sw/reference/ops/softmax.h"
#include "sw/reference/requantize.h"

namespace trine::sim {
namespace {

using isa::compares16;
using isa::ComputeRegisters;
using isa::Engine;
using isa::has_lines;
using isa::kAddressMask;
using isa::LaneRegisters;
using isa::multiplies16;
using isa::narrows16;
using isa::takes_words;
using isa::TransferRegisters;
using isa::VectorRegisters;
using reference::ChannelScale;
using reference::OutputRange;
using reference::Rounding;
namespace agu = isa::agu;
namespace post = isa::post;
using post::Output;

ChannelScale scale_of(const LaneRegisters& r, const isa::LaneField& multiplier,
                      const isa::LaneField& shift) {
  return {static_cast<std::int32_t>(r.get(multiplier)), field(r, shift)};
}

OutputRange range_of(const LaneRegisters& r) {
  return {field(r, post::kZeroPoint), field(r, post::kActMin), field(r, post::kActMax)};
}

/// Returns the bounds of int16 codes; their low bytes are in the fields of an addition.
OutputRange wide_range_of(const LaneRegisters& r) {
  return {field(r, post::kZeroPoint),
          field(r, post::kActMin) * 256 + (field(r, post::kAddActMin) & 0xff),
          field(r, post::kActMax) * 256 + (field(r, post::kAddActMax) & 0xff),
          static_cast<spec::Format>(field(r, post::kFormat))};
}

/// Unpacks an entry of the scale memory.
ChannelScale unpack_scale(std::uint64_t packed) {
  const int shift = static_cast<int>(packed >> 31 & 63);
  return {static_cast<std::int32_t>(packed & 0x7fffffff), shift >= 32 ? shift - 64 : shift};
}

/// The post unit's settings, read once for a RUN.
struct Post {
  /// @param wide  for int16 codes
  Post(const LaneRegisters& r, bool single, bool half_even, bool wide = false)
      : rounding(single ? Rounding::kSingle : Rounding::kDouble),
        last_rounding(half_even ? Rounding::kHalfEven : rounding),
        scale(scale_of(r, post::kMultiplier, post::kShift)),
        range(wide ? wide_range_of(r) : range_of(r)),
        sum(scale_of(r, post::kAddMultiplier, post::kAddShift)),
        operand(scale_of(r, post::kAddOperandMultiplier, post::kAddOperandShift)),
        a_is_half(r.get(post::kAddAIsHalf) != 0),
        zero_a(wide ? 0 : field(r, post::kAddZeroA)),
        zero_b(wide ? 0 : field(r, post::kAddZeroB)),
        sum_range(wide ? range
                       : OutputRange{field(r, post::kAddZeroPoint), field(r, post::kAddActMin),
                                     field(r, post::kAddActMax)}),
        left_shift(wide ? 15 : 20) {}

  int requantize(std::int32_t acc, const ChannelScale& s) const {
    return reference::requantize(acc, s, range, last_rounding);
  }
  /// Returns the argument of an interpolated function: bounded by four times the code range,
  /// without zero point.
  int argument(std::int32_t sum) const {
    const OutputRange wider{0, 4 * range.act_min, 4 * range.act_max};
    return reference::requantize(sum, scale, wider, last_rounding);
  }
  int mul(int a, int b) const { return requantize((a - zero_a) * (b - zero_b), scale); }
  int add(int a, int b) const {
    return reference::requantize(both(a, b, left_shift), sum, sum_range, last_rounding);
  }
  /// Returns a - b for int16 codes.
  int subtract(int a, int b) const {
    const std::int32_t difference = operand_term(a * (1 << left_shift), a_is_half) -
                                    operand_term(b * (1 << left_shift), !a_is_half);
    return reference::requantize(difference, sum, sum_range, last_rounding);
  }
  int square(int a, int b) const {
    const std::int32_t d = both(a, b, 7);
    return requantize(d * d, scale);
  }

  Rounding rounding, last_rounding;  ///< of an addition's operand; of the result
  ChannelScale scale;
  OutputRange range;

  ChannelScale sum;  ///< of an addition

 private:
  /// Returns A + B after shifting both operands left.
  std::int32_t both(int a, int b, int left) const {
    return operand_term((a - zero_a) * (1 << left), a_is_half) +
           operand_term((b - zero_b) * (1 << left), !a_is_half);
  }
  std::int32_t operand_term(std::int32_t value, bool half) const {
    return half ? value / 2 : reference::scaled(value, operand, rounding);
  }

  ChannelScale operand;
  bool a_is_half;
  int zero_a, zero_b;
  OutputRange sum_range;
  int left_shift;  ///< of an addition's operands
};

std::int8_t byte_of(std::uint32_t word, int b) { return static_cast<std::int8_t>(word >> 8 * b); }

std::uint32_t with_byte(std::uint32_t word, int b, int code) {
  return (word & ~(0xffU << 8 * b)) | static_cast<std::uint32_t>(code & 0xff) << 8 * b;
}

/// Returns the n-th word of a memory.
std::uint32_t word_at(const std::vector<std::uint8_t>& memory, std::int64_t n) {
  std::uint32_t word;
  std::memcpy(&word, &memory[4 * n], 4);
  return word;
}

/// Sums products of codes. The compiler vectorizes this with 16-bit multiply-adds: sums of 2^16
/// products of at most 2^14 fit into 32 bits.
std::int64_t dot(const std::int16_t* a, const std::int16_t* b, std::size_t n) {
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  std::int64_t total = 0;
  for (std::size_t first = 0; first < n; first += kPiece) {
    const std::size_t end = std::min(n, first + kPiece);
    std::int32_t sum = 0;
    for (std::size_t i = first; i < end; ++i) sum += a[i] * b[i];
    total += sum;
  }
  return total;
}

/// Returns the signed code of `bits` bits at `place` of a word.
int code_at(std::uint32_t word, int bits, int place) {
  const auto code = static_cast<int>(word >> bits * place & ((1U << bits) - 1));
  return code >= 1 << (bits - 1) ? code - (1 << bits) : code;
}

/// Returns the value that the array uses for a code, even for a bit pattern that is not a code.
std::int16_t value_at(std::uint32_t word, const spec::Precision& precision, int place) {
  const int code = code_at(word, precision.bits, place);
  switch (precision.encoding) {
    case post::Encoding::kInt8:
      return static_cast<std::int16_t>(code);
    case post::Encoding::kTernary:  // 0 unless its low bit is set
      return static_cast<std::int16_t>(code == -2 ? 0 : code);
    case post::Encoding::kBinary:
      return static_cast<std::int16_t>(code != 0 ? 1 : -1);
  }
  return 0;
}

/// Reads and writes the codes of an output word.
struct Encoding {
  explicit Encoding(const spec::Precision& p) : bits(p.bits) {}

  int bits;
  int per_word() const { return 32 / bits; }
  std::uint32_t mask(int place) const { return ((1U << bits) - 1) << bits * place; }
  std::uint32_t with(std::uint32_t word, int place, int code) const {
    return (word & ~mask(place)) | (static_cast<std::uint32_t>(code) << bits * place & mask(place));
  }
  /// Returns the residual's code in the range of the thresholds: 0 or 1 for a single bit.
  int code(std::uint32_t word, int place) const {
    return bits == 1 ? static_cast<int>(word >> place & 1) : code_at(word, bits, place);
  }
};

int window_taps(const LaneRegisters& r) {
  return (field(r, agu::kRLast) + 1) * (field(r, agu::kSLast) + 1);
}

/// Normalizes the codes of one lane over its channels.
std::vector<int> normalized(const reference::NormParams& p, const std::vector<int>& codes) {
  std::int64_t sum = 0, squares = 0;
  for (const int code : codes) {
    const int distance = p.origin - code;
    if (p.center) sum += distance;
    squares += distance * distance;
  }
  const reference::NormFactor factor = reference::norm_factor(sum, squares, p);
  std::vector<int> result;
  for (std::size_t c = 0; c < codes.size(); ++c)
    result.push_back(reference::norm_code(reference::normalized(p.origin - codes[c], factor, p),
                                          p.channels[c], p.output));
  return result;
}

/// Returns the precision whose packed codes the operation compares, or null.
const spec::Precision* packed_by(isa::vector::Op op) {
  return spec::find_precision(
      [=](const spec::Precision& p) { return p.bits < 8 && p.maximum == op; });
}

/// Returns the maximum of ternary or binary values.
std::uint32_t combine(isa::vector::Op op, const std::uint32_t* words, int taps) {
  const Encoding encoding(*packed_by(op));
  std::uint32_t word = words[0];
  for (int k = 1; k < taps; ++k)
    for (int place = 0; place < encoding.per_word(); ++place)
      word = encoding.with(word, place,
                           std::max(encoding.code(word, place), encoding.code(words[k], place)));
  return word;
}

}  // namespace

/// The zero points of activations and weights in a product of two maps.
struct Executor::ZeroPoints {
  int act = 0, wgt = 0;

  /// Returns the sum of a*b - act*b - wgt*a; the bias includes the term act*wgt.
  std::int64_t dot(const std::int16_t* a, const std::int16_t* b, std::size_t n) const {
    if (act == 0 && wgt == 0) return sim::dot(a, b, n);
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i] - act * b[i] - wgt * a[i];
    return sum;
  }
};

/// The words of all taps of a tile: [lane][step].
struct Executor::Tile {
  std::vector<std::uint32_t> words;
  std::vector<std::int16_t> values;  ///< compute: [lane][step][value]
  std::vector<char> masked;          ///< one per word
  std::int64_t steps = 0;
};

Executor::Executor(const spec::Config& config, std::span<std::uint8_t> dram)
    : config_(config),
      dram_(dram),
      verify_run_(config, std::ssize(dram)),
      dmem_(4 * config.dmem_words()),
      pmem_(4 * config.pmem_rows() * config.cols),
      bias_(config.param_channels),
      scale_(config.param_channels),
      accumulators_(config.rows * config.cols) {}

void Executor::execute(Engine engine, const isa::Registers& registers, const isa::Run& run,
                       int run_index) {
  require(verify_run_(engine, registers, run), run_index);
  execute_verified(engine, registers, run, run_index, *this);
}

void Executor::execute_verified(Engine engine, const isa::Registers& registers, const isa::Run& run,
                                int run_index, const Executor& maps) {
  run_index_ = run_index;
  const isa::Registers read = isa::as_read(engine, registers, run);
  switch (engine) {
    case Engine::kLoad:
    case Engine::kStore:
      return transfer(engine, TransferRegisters(read), run, maps);
    case Engine::kCompute:
      return compute(ComputeRegisters(read), run);
    case Engine::kVector:
      return vector(VectorRegisters(read), run);
  }
}

void require(const std::optional<program::Objection>& objection, int run_index) {
  if (!objection) return;
  if (objection->cause.empty()) throw_error("RUN {}: {}", run_index, objection->text);
  stop(objection->cause, "RUN {}: {}", run_index, objection->text);
}

// ---- memories ---------------------------------------------------------------------------------

std::uint32_t Executor::read_dmem(std::int64_t address) const {
  return word_at(dmem_, address & kAddressMask);
}

void Executor::write_dmem(std::int64_t address, std::uint32_t data, std::uint32_t mask) {
  address &= kAddressMask;
  std::memcpy(&dmem_[4 * address], &data, 4);
  if (on_dmem_write) on_dmem_write({static_cast<std::uint32_t>(address), data, mask, run_index_});
}

// ---- load, store ------------------------------------------------------------------------------

void Executor::transfer(Engine engine, const TransferRegisters& r, const isa::Run& run,
                        const Executor& maps) {
  namespace dma = isa::dma;
  const auto target = static_cast<dma::Target>(run.op);
  const std::int64_t words = r.get(dma::kWords);
  const std::span<const std::uint8_t> source = isa::reads_dmem(run) ? std::span(maps.dmem_) : dram_;
  for (std::int64_t i = 0; i < isa::dram_rows(r, run); ++i) {
    const std::int64_t dram = r.get(dma::kDram) + i * r.get(dma::kDramStride);
    const std::int64_t local =
        (r.get(dma::kLocal) + i * difference(r, dma::kLocalStride)) & kAddressMask;
    const std::uint8_t* from = &source[dram];
    if (run.has(dma::kLowBytes) && engine == Engine::kLoad) {
      low_bytes_.assign(from, from + 4 * words);
      for (std::uint8_t& byte : low_bytes_) byte ^= 0x80;  // subtracts 128
      from = low_bytes_.data();
    }
    if (isa::is_packed(run)) {
      load_packed(target, from, r);
    } else if (target == dma::Target::kTransposed) {
      load_columns(from, local, words, static_cast<int>(4 * i));
    } else if (engine == Engine::kLoad) {
      load_row(target, from, local, words);
    } else if (target == dma::Target::kDmem16) {
      for (std::int64_t w = 0; w < words; w += 2)
        for (std::int64_t c = 0; c < 4; ++c) {  // little endian
          dram_[dram + 4 * w + 2 * c] = dmem_[4 * (local + w + 1) + c];
          dram_[dram + 4 * w + 2 * c + 1] = dmem_[4 * (local + w) + c];
        }
    } else {
      std::memcpy(&dram_[dram], &dmem_[4 * local], 4 * words);
    }
  }
}

/// Loads a channel word of `words` tokens as four columns: byte a of word w becomes byte w mod 4 of
/// column a. Bytes after the last token are zero.
void Executor::load_columns(const std::uint8_t* from, std::int64_t local, std::int64_t words,
                            int column) {
  const std::int64_t rows = (words + 3) / 4;
  for (std::int64_t w = 0; w < 4 * rows; ++w)
    for (int a = 0; a < 4; ++a) {
      const std::int64_t place = (local + w / 4) * config_.cols + column + a;
      pmem_[4 * place + w % 4] = w < words ? from[4 * w + a] : std::uint8_t{0};
    }
}

/// Unpacks a stream into rows of PMEM.
void Executor::load_packed(isa::dma::Target target, const std::uint8_t* from,
                           const TransferRegisters& r) {
  namespace dma = isa::dma;
  const std::int64_t words = r.get(dma::kWords), rows = r.get(dma::kRowsLast) + 1;
  const std::int64_t row_bytes = 4 * config_.cols;
  const std::int64_t blocks = rows * row_bytes / spec::kBlockBytes;
  const auto bytes =
      spec::unpacked(target, std::span(from, 4 * words), blocks, config_.data_bytes());
  if (!bytes)
    stop_with("stream", "{} words are not a valid stream for {} rows of PMEM", words, rows);
  std::ranges::copy(*bytes, &pmem_[r.get(dma::kLocal) * row_bytes]);
}

void Executor::load_row(isa::dma::Target target, const std::uint8_t* from, std::int64_t local,
                        std::int64_t words) {
  using isa::dma::Target;
  const std::int64_t data_words = config_.data_words();
  // Copies entries of `entry_bytes` bytes.
  const auto fill = [&](auto& memory, std::int64_t entry_bytes) {
    const auto bytes = std::as_writable_bytes(std::span(memory));
    std::memcpy(&bytes[entry_bytes * local], from, 4 * words);
  };
  switch (target) {
    case Target::kDmem:
    case Target::kCore:
      for (std::int64_t i = 0; i < words; ++i) {
        std::uint32_t word;
        std::memcpy(&word, from + 4 * i, 4);
        write_dmem(local + i, word, ~0U);
      }
      break;
    case Target::kDmem16:
      for (std::int64_t i = 0; i < words; i += 2) {
        std::uint32_t high = 0, low = 0;
        for (int c = 0; c < 4; ++c) {
          low = with_byte(low, c, from[4 * i + 2 * c]);
          high = with_byte(high, c, from[4 * i + 2 * c + 1]);
        }
        write_dmem(local + i, high, ~0U);
        write_dmem(local + i + 1, low, ~0U);
      }
      break;
    case Target::kPmem: {
      const std::int64_t beats = words / data_words;
      const std::int64_t rows = beats / config_.beats_per_row() * config_.rows_per_beat();
      const std::int64_t row_bytes = 4 * config_.cols;
      for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t beat = row / config_.rows_per_beat() * config_.beats_per_row();
        std::memcpy(&pmem_[(local + row) * row_bytes],
                    from + 4 * beat * data_words + row % config_.rows_per_beat() * row_bytes,
                    row_bytes);
      }
      break;
    }
    case Target::kBias:
      return fill(bias_, 4);
    case Target::kScale:
      return fill(scale_, 8);
    case Target::kTable:
      for (auto& table : tables_) fill(table, 4);
      return;
    case Target::kPoints:
      for (std::int64_t i = 0; i < words; ++i)
        for (const std::size_t parity : {0U, 1U})
          tables_[parity][local + i] = static_cast<std::int8_t>(from[4 * i + 1 - parity]);
      return;
    case Target::kExponentials:
      return fill(exponentials_, 4);
    case Target::kTransposed:
    case Target::kShort:
    case Target::kTrits:
    case Target::kSparse:
    case Target::kPalette:
      break;
  }
}

// ---- lanes ------------------------------------------------------------------------------------

/// Reads the words of all lanes and steps.
void Executor::gather(const LaneRegisters& r, const Lanes& lanes, Tile& tile,
                      std::int64_t offset) const {
  const std::int64_t height = r.get(agu::kHeight), width = r.get(agu::kWidth);
  const std::int64_t dil_x = r.get(agu::kDilX), dil_y = r.get(agu::kDilY);
  const int s_last = field(r, agu::kSLast), r_last = field(r, agu::kRLast);
  const int words_last = field(r, agu::kWordsLast);
  const std::int64_t kx_step = difference(r, agu::kKxStep), ky_step = difference(r, agu::kKyStep),
                     cw_step = difference(r, agu::kCwStep);
  const std::uint32_t pad = 0x01010101U * static_cast<std::uint8_t>(r.get(post::kPadCode));
  tile.steps = steps_of(r);
  tile.words.resize(lanes.lanes.size() * tile.steps);
  tile.masked.resize(tile.words.size());
  std::size_t step = 0;
  for (int cw = 0; cw <= words_last; ++cw)
    for (int ky = 0; ky <= r_last; ++ky)
      for (int kx = 0; kx <= s_last; ++kx) {
        for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
          const auto& lane = lanes.lanes[l];
          const std::int64_t y = lane.y + ky * dil_y, x = lane.x + kx * dil_x;
          const bool inside = lanes.gathers(l) && y >= 0 && y < height && x >= 0 && x < width;
          const std::uint32_t word = inside ? read_dmem(lane.base + offset) : pad;
          tile.words[l * tile.steps + step] = word;
          tile.masked[l * tile.steps + step] = !inside;
        }
        ++step;
        offset += kx < s_last ? kx_step : ky < r_last ? ky_step : cw_step;
      }
}

// ---- compute ----------------------------------------------------------------------------------

void Executor::compute(const ComputeRegisters& r, const isa::Run& run) {
  using namespace isa::compute;
  const bool clear = run.has(kClear), drains = run.has(kDrain);
  const spec::Operands operands = spec::operands_of(static_cast<Op>(run.op));
  const int groups = field(r, agu::kGroupsLast) + 1;
  const std::int64_t tiles = r.get(agu::kTilesLast) + 1;
  const bool window = run.has(kWindow);
  const bool wide = pairs_lanes(Engine::kCompute, run);
  const auto op = static_cast<Op>(run.op);
  const bool in_groups = op == Op::kInt8Groups;
  const bool matmul = op == Op::kMatmul || op == Op::kMatmul16;
  const ZeroPoints zero =
      matmul ? ZeroPoints{field(r, post::kAddZeroA), field(r, post::kAddZeroB)} : ZeroPoints{};
  const int per_word = operands.activations.codes_per_word();
  const int steps_per_row =
      window ? config_.window_steps_per_row() : operands.activations.bits / operands.weights.bits;

  const std::int64_t row = r.get(kRow);

  Lanes lanes(r, config_.rows, window ? 3 : 0, pairs_of(Engine::kCompute, run));
  Tile tile;
  for (std::int64_t t = 0; t < tiles; ++t) {
    gather(r, lanes, tile);
    if (t == 0 && in_groups)
      read_groups(r, row, groups);
    else if (t == 0 && !window)
      read_weights(row, groups, tile.steps, steps_per_row, per_word, operands.weights);
    if (!window) {
      for (std::size_t i = 0; wide && i < tile.words.size(); ++i)
        if (i / tile.steps % 2 != 0) tile.words[i] ^= 0x80808080U;  // subtracts 128 from low bytes
      tile.values.resize(tile.words.size() * per_word);
      for (std::size_t i = 0; i < tile.words.size(); ++i)
        for (int v = 0; v < per_word; ++v)
          tile.values[i * per_word + v] = op == Op::kBinaryInside && tile.masked[i] != 0
                                              ? std::int16_t{0}
                                              : value_at(tile.words[i], operands.activations, v);
    }
    for (int g = 0; g < groups; ++g) {
      if (clear) std::ranges::fill(accumulators_, 0);
      if (window && g > 0) gather(r, lanes, tile, g * window_step(r));
      if (window)
        window_group(lanes, tile, row, g, zero);
      else if (in_groups)
        scaled_group(r, lanes, tile, g);
      else
        dense_group(lanes, tile, per_word, g, zero, op == Op::kMatmul16);
      if (drains) drain(r, run, lanes, g);
    }
    if (t + 1 < tiles) lanes.next_tile(r);
  }
}

/// Reads weights ordered by group and column, so that a sum reads consecutive values.
void Executor::read_weights(std::int64_t row, int groups, std::int64_t steps, int steps_per_row,
                            int values, const spec::Precision& precision) {
  weights_.resize(groups * config_.cols * steps * values);
  std::int16_t* to = weights_.data();
  const std::int64_t group_rows = divide_up(steps, steps_per_row);
  const bool bytes =
      // The usual case: a third of LeNet's time.
      precision.bits == 8 && values == 4 && steps_per_row == 1;
  for (int g = 0; g < groups; ++g)
    for (int c = 0; c < config_.cols; ++c)
      for (std::int64_t step = 0; step < steps; ++step) {
        if (bytes) {
          const std::uint32_t four =
              word_at(pmem_, (row + g * group_rows + step) * config_.cols + c);
          for (int i = 0; i < 4; ++i) *to++ = static_cast<std::int16_t>(byte_of(four, i));
          continue;
        }
        const std::int64_t at = row + g * group_rows + step / steps_per_row;
        const std::uint32_t word = word_at(pmem_, at * config_.cols + c);
        for (int i = 0; i < values; ++i)
          *to++ = value_at(word, precision, static_cast<int>(step % steps_per_row) * values + i);
      }
}

spec::GroupRows Executor::group_rows(const ComputeRegisters& r) {
  return {(r.get(agu::kRLast) + 1) * (r.get(agu::kSLast) + 1)};
}

/// Reads weights like read_weights(), and the words of their factors.
void Executor::read_groups(const ComputeRegisters& r, std::int64_t row, int groups) {
  constexpr int kValues = 4;
  const spec::GroupRows lie = group_rows(r);
  const std::int64_t parts = r.get(agu::kWordsLast) + 1, steps = parts * lie.steps;
  weights_.resize(groups * config_.cols * steps * kValues);
  factors_.resize(groups * config_.cols * parts);
  std::int16_t* to = weights_.data();
  std::uint32_t* factor = factors_.data();
  for (int g = 0; g < groups; ++g, row += lie.rows(parts))
    for (int c = 0; c < config_.cols; ++c) {
      for (std::int64_t step = 0; step < steps; ++step)
        for (int i = 0; i < kValues; ++i)
          *to++ = value_at(word_at(pmem_, (row + lie.row_of_step(step)) * config_.cols + c),
                           spec::kInt4, static_cast<int>(step % 2) * kValues + i);
      for (std::int64_t part = 0; part < parts; ++part)
        *factor++ = word_at(pmem_, (row + lie.row_of_factor(part)) * config_.cols + c);
    }
}

/// Sums the parts of a reduction, each multiplied by its factor.
void Executor::scaled_group(const ComputeRegisters& r, const Lanes& lanes, const Tile& tile,
                            int group) {
  const std::int64_t parts = r.get(agu::kWordsLast) + 1, n = tile.steps * 4, of_part = n / parts;
  for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
    if (!lanes.active(l)) continue;  // never drained
    for (int c = 0; c < config_.cols; ++c) {
      const std::int64_t column = std::int64_t{group} * config_.cols + c;
      std::int32_t& acc = accumulators_[l * config_.cols + c];
      for (std::int64_t part = 0; part < parts; ++part) {
        const std::int64_t at = part * of_part;
        const std::int32_t sum = accumulated(
            ZeroPoints{}.dot(&tile.values[l * n + at], &weights_[column * n + at], of_part));
        const std::uint32_t word = factors_[column * parts + part];
        const auto counts = static_cast<std::int32_t>(
            std::int64_t{sum} * std::abs(spec::factor_of(word, part)) >> spec::GroupRows::kShift);
        acc = reference::wrap(std::int64_t{acc} + (spec::is_minus(word, part) ? ~counts : counts));
      }
      constexpr int kUnused = 32 - spec::GroupRows::kSumBits;
      acc = reference::wrap(std::int64_t{acc} << kUnused) >> kUnused;
    }
  }
}

/// @param low  the activations' zero point only applies to odd lanes, which contain low bytes
void Executor::dense_group(const Lanes& lanes, const Tile& tile, int per_word, int group,
                           const ZeroPoints& zero, bool low) {
  const std::size_t n = tile.steps * per_word;
  const ZeroPoints even{0, zero.wgt};
  for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
    if (!lanes.active(l)) continue;  // never drained
    for (int c = 0; c < config_.cols; ++c) {
      const std::int16_t* w = &weights_[(group * config_.cols + c) * n];
      std::int32_t& acc = accumulators_[l * config_.cols + c];
      const ZeroPoints& own = low && l % 2 == 0 ? even : zero;
      acc = accumulated(acc + own.dot(&tile.values[l * n], w, n));
    }
  }
}

/// Returns the value that an accumulator of the array keeps: the low bits of a sum, in two's
/// complement.
std::int32_t Executor::accumulated(std::int64_t sum) const {
  const int unused = 32 - config_.acc_bits;
  return reference::wrap(sum << unused) >> unused;
}

/// Sums four channels: column c multiplies byte c of the words of a lane and of the next three
/// lanes. The zero point of the weights is subtracted for the lane's own word.
void Executor::window_group(const Lanes& lanes, const Tile& tile, std::int64_t row, int group,
                            const ZeroPoints& zero) {
  const int parts = config_.window_steps_per_row();
  const std::int64_t first = row + group * divide_up(tile.steps, parts);
  for (int l = 0; l < config_.rows; ++l) {
    if (!lanes.active(l)) continue;
    for (int c = 0; c < 4; ++c) {
      std::int64_t sum = 0;
      for (std::int64_t step = 0; step < tile.steps; ++step) {
        const std::int64_t at = (first + step / parts) * config_.cols + 4 * (step % parts) + c;
        const std::uint32_t weights = word_at(pmem_, at);
        const std::uint32_t own = tile.words[l * tile.steps + step];
        for (int i = 0; i < 4; ++i)
          sum += byte_of(tile.words[(l + i) * tile.steps + step], c) * byte_of(weights, i) -
                 zero.act * byte_of(weights, i) - zero.wgt * byte_of(own, i);
      }
      accumulators_[l * config_.cols + c] = accumulated(sum);
    }
  }
}

/// Sends the columns of one group through the post unit; columns that share an output word are
/// written together.
void Executor::drain(const ComputeRegisters& r, const isa::Run& run, const Lanes& lanes,
                     int group) {
  using namespace isa::compute;
  const Post unit(r, run.has(kSingle), run.has(kHalfEven));
  const bool add = run.has(kFuseAdd), max = run.has(kFuseMax), add_sums = run.has(kAddSums);
  const bool per_tensor = run.has(kPerTensor);
  const bool wide = pairs_lanes(Engine::kCompute, run), by_row = is_by_row(run);
  // Even lanes write sums of both lanes.
  const bool matmul16 = static_cast<Op>(run.op) == Op::kMatmul16;
  const int channels = field(r, kChannels);
  const std::int64_t delta = difference(r, post::kResidualDelta);
  const std::int64_t out_plane = difference(r, agu::kOutPlane);
  const Output output = output_of(r);
  const Encoding encoding(encoding_of(r));
  const int passes = passes_of(r);
  const int position = field(r, post::kPosition);
  const int columns = group_columns(config_, run);
  const int first = group * columns;
  const int last = std::min(channels, first + columns);
  const auto result = [&](std::size_t l, int n) {
    const std::int32_t* sums = &accumulators_[l * config_.cols + n - first];
    if (output == Output::kThresholds) return threshold(r, *sums, field(r, kParam) + n * passes);
    const std::int64_t entry = r.get(kParam) + n;
    const ChannelScale scale = per_tensor ? unit.scale : unpack_scale(scale_[entry]);
    if (matmul16) return reference::wrap(std::int64_t{*sums} * 256 + sums[config_.cols]);
    const std::int32_t added =
        add_sums ? static_cast<std::int32_t>(
                       read_dmem(lanes.lanes[l].out + delta + std::int64_t{n} * out_plane))
                 : bias_[entry];
    const std::int32_t sum = reference::wrap(std::int64_t{*sums} + added);
    if (output == Output::kRaw) return sum;
    if (scale.shift < -31 || scale.shift > 30)
      fail("scale entry {} has shift {}, allowed -31..30", entry, scale.shift);
    if (by_row) return wide_code(r, run, entry, scale, *sums);
    if (wide) {  // each lane of a pair packs its own byte
      const bool upper = l % 2 == 0;
      const std::int32_t* high = upper ? sums : sums - config_.cols;
      const std::int64_t sum = std::int64_t{*high} * 256 + high[config_.cols];
      const std::int32_t code = wide_code(r, run, entry, scale, sum);
      return upper ? code >> 8 : code;
    }
    const int code = unit.requantize(sum, scale);
    return output == Output::kTable ? lookup(l, code) : code;
  };
  for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
    if (!lanes.active(l) || (matmul16 && l % 2 != 0)) continue;
    for (int n = first; output == Output::kRaw && n < last; ++n)
      write_dmem(lanes.lanes[l].out + n * out_plane, static_cast<std::uint32_t>(result(l, n)), ~0U);
    for (int n = first; output != Output::kRaw && n < last;) {
      const std::int64_t address =
          lanes.lanes[l].out + (position + n) / encoding.per_word() * out_plane;
      std::uint32_t word = read_dmem(address);
      std::uint32_t low = by_row ? read_dmem(address + 1) : 0;
      const std::uint32_t residual = add || max ? read_dmem(address + delta) : 0;
      std::uint32_t mask = 0;
      for (bool same_word = true; same_word && n < last; ++n) {
        const int place = (position + n) % encoding.per_word();
        int code = result(l, n);
        if (max) code = std::max(code, encoding.code(residual, place));
        if (add && !max) code = unit.add(code, byte_of(residual, place));
        word = encoding.with(word, place, by_row ? code >> 8 : code);
        low = encoding.with(low, place, code);
        mask |= encoding.mask(place);
        if (n == channels - 1)
          for (int tail = place + 1; tail < encoding.per_word(); ++tail) {
            word = encoding.with(word, tail, 0);
            low = encoding.with(low, tail, 0);
            mask |= encoding.mask(tail);
          }
        same_word = place != encoding.per_word() - 1;
      }
      write_dmem(address, word, mask);
      if (by_row) write_dmem(address + 1, low, mask);
    }
  }
}

/// Returns an int16 code. With `single` and without `half_even` the sum has 40 bits and the
/// multiplier 15; the scale entry then contains the bias' highest byte above the multiplier.
std::int32_t Executor::wide_code(const ComputeRegisters& r, const isa::Run& run, std::int64_t entry,
                                 const ChannelScale& s, std::int64_t sum) const {
  const OutputRange range = wide_range_of(r);
  const bool half_even = run.has(isa::compute::kHalfEven);
  if (half_even || !run.has(isa::compute::kSingle))
    return reference::requantize(reference::wrap(sum + bias_[entry]), s, range,
                                 half_even ? Rounding::kHalfEven : Rounding::kDouble);
  return long_code(sum, bias_[entry], s, range, false);
}

/// Returns the code of a 40-bit sum. The bias' highest byte is above the multiplier's 15 bits.
std::int32_t Executor::long_code(std::int64_t sum, std::int32_t bias, const ChannelScale& s,
                                 const OutputRange& range, bool half_even) {
  const std::int64_t added =
      std::int64_t{s.multiplier >> 15 & 0xff} << 32 | static_cast<std::uint32_t>(bias);
  return short_code((sum + added) << 24 >> 24, s, range, half_even);  // bits 39:0
}

/// Returns the code of a sum of up to 48 bits with a 15-bit multiplier.
std::int32_t Executor::short_code(std::int64_t kept, const ChannelScale& s,
                                  const OutputRange& range, bool half_even) {
  if (range.format != spec::Format::kNone)
    return reference::to_format(kept, s.multiplier & 0x7fff, 31 - s.shift, range);
  const std::int32_t multiplier = s.multiplier & 0x7fff;
  const int right = 31 - s.shift;
  return reference::to_code(
      half_even ? reference::saturate(reference::half_even_divide_by_pot(kept * multiplier, right))
                : reference::scaled_short(kept, multiplier, right),
      range);
}

/// Returns `low` plus the number of thresholds that the sum reaches. @param entry  first pair of
/// thresholds of the channel
int Executor::threshold(const ComputeRegisters& r, std::int32_t acc, int entry) const {
  int code = field(r, post::kLow);
  for (const int last = entry + field(r, post::kPassesLast); entry <= last; ++entry) {
    code += acc >= bias_[entry] ? 1 : 0;
    code += acc >= static_cast<std::int32_t>(scale_[entry] & 0xffffffffU) ? 1 : 0;
  }
  return code;
}

// ---- vector -----------------------------------------------------------------------------------

/// Checks the exponentials that a softmax reads.
void Executor::check_exponentials() const {
  if (exponentials_[0] != INT32_MAX) fail("the first exponential is not 1");
  for (const std::uint32_t e : exponentials_)
    if (e > INT32_MAX) fail("the exponential {:#x} exceeds 1", e);
}

void Executor::vector(const VectorRegisters& r, const isa::Run& run) {
  const bool wide = pairs_lanes(Engine::kVector, run);
  Lanes lanes(r, config_.rows, 0, pairs_of(Engine::kVector, run));
  Tile tile;
  const std::int64_t tiles = r.get(agu::kTilesLast) + 1;
  const std::int64_t out_words = r.get(agu::kWordsLast) + 1;
  const auto op = static_cast<isa::vector::Op>(run.op);
  const bool invert = run.has(isa::vector::kInvert) && op != isa::vector::Op::kAdd16;
  const int taps = window_taps(r);
  const bool softmaxes = op == isa::vector::Op::kSoftmax, norm = op == isa::vector::Op::kNormalize;
  if (softmaxes) check_exponentials();
  const reference::NormParams params = norm ? norm_params(r, run) : reference::NormParams{};
  for (std::int64_t t = 0; t < tiles; ++t) {
    gather(r, lanes, tile);
    for (std::size_t i = 0; invert && i < tile.words.size(); ++i)
      if (i % taps != 0) tile.words[i] = ~tile.words[i];
    if (softmaxes || norm)
      over_channels(r, run, norm ? &params : nullptr, lanes, tile);
    else if (is_row(run))
      row(r, run, lanes, tile);
    else if (takes_words(op))
      for (std::int64_t cw = 0; cw < out_words; ++cw) word_code(r, run, lanes, tile, cw);
    else if (wide)
      for (std::int64_t cw = 0; cw < out_words; ++cw) wide_word(r, run, lanes, tile, cw);
    else
      for (std::int64_t cw = 0; cw < out_words; ++cw) vector_word(r, run, lanes, tile, cw);
    if (t + 1 < tiles) lanes.next_tile(r);
  }
}

/// Collects the parameters of a normalization from registers, parameter memory and table.
reference::NormParams Executor::norm_params(const VectorRegisters& r, const isa::Run& run) const {
  namespace vector = isa::vector;
  const std::int64_t channels = r.get(vector::kChannels);
  const std::int64_t first = r.get(vector::kParam);
  reference::NormParams p;
  p.center = run.has(vector::kCenter);
  p.origin = field(r, post::kAddZeroA);
  p.count = static_cast<int>(channels);
  p.set_shift_field(field(r, post::kShift));
  p.reciprocal = static_cast<std::int32_t>(r.get(post::kMultiplier));
  p.epsilon = r.get(vector::kBias);
  p.output = range_of(r);
  for (int i = 0; i < isa::dma::kExponentialWords; ++i)
    if (exponentials_[i] != reference::norm_entry(i, p.origin))
      fail("entry {} of the table is not valid for a normalization", i);
  for (std::int64_t n = first; n < first + channels; ++n) {
    const std::uint64_t packed = scale_[n];
    const int shift = static_cast<int>(packed >> 31 & 31) - 32;
    if (shift < -31) fail("scale entry {} has shift {}, allowed -31..-1", n, shift);
    p.channels.push_back(
        {{unpack_scale(packed).multiplier, shift}, bias_[n], (packed >> 36 & 1) == 0});
  }
  return p;
}

/// Computes the softmax of one lane's codes over its channels.
std::vector<int> Executor::softmax(const VectorRegisters& r, bool rescales,
                                   const std::vector<int>& codes) const {
  const int largest = std::ranges::max(codes);
  const auto exponential = [&](int code) {
    return static_cast<std::int32_t>(exponentials_[largest - code]);
  };
  std::int32_t sum = 0;
  for (const int code : codes) sum += reference::rounding_divide_by_pot(exponential(code), 12);
  std::optional<ChannelScale> rescale;
  if (rescales)
    rescale = {static_cast<std::int32_t>(r.get(post::kMultiplier)), field(r, post::kShift)};
  const ChannelScale reciprocal = reference::reciprocal_of_sum(sum, rescale);
  std::vector<int> result;
  for (const int code : codes)
    result.push_back(reference::requantize(exponential(code), reciprocal, range_of(r)));
  return result;
}

/// Normalizes each lane over its channels, or without `norm` computes a softmax.
void Executor::over_channels(const VectorRegisters& r, const isa::Run& run,
                             const reference::NormParams* norm, const Lanes& lanes,
                             const Tile& tile) {
  const std::int64_t out_plane = difference(r, agu::kOutPlane);
  std::vector<int> codes(r.get(isa::vector::kChannels));
  for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
    if (!lanes.active(l)) continue;
    for (std::size_t c = 0; c < codes.size(); ++c)
      codes[c] = byte_of(tile.words[l * tile.steps + c / 4], static_cast<int>(c % 4));
    const std::vector<int> result =
        norm ? normalized(*norm, codes) : softmax(r, run.has(isa::vector::kRescale), codes);
    std::vector<std::uint32_t> words(divide_up(result.size(), 4));
    for (std::size_t c = 0; c < result.size(); ++c)
      words[c / 4] = with_byte(words[c / 4], static_cast<int>(c % 4), result[c]);
    for (std::size_t w = 0; w < words.size(); ++w)
      write_dmem(lanes.lanes[l].out + w * out_plane, words[w], ~0U);
  }
}

void Executor::vector_word(const VectorRegisters& r, const isa::Run& run, const Lanes& lanes,
                           const Tile& tile, std::int64_t cw) {
  using isa::vector::Op;
  const Post unit(r, run.has(isa::vector::kSingle), run.has(isa::vector::kHalfEven));
  const auto op = static_cast<Op>(run.op);
  const bool reduce = run.has(isa::vector::kReduce);
  const auto bias = static_cast<std::int32_t>(r.get(isa::vector::kBias));
  const int taps = window_taps(r);
  const std::int64_t offset = cw * difference(r, agu::kOutPlane);
  const Output output = output_of(r);
  const bool pair = op == Op::kAdd || op == Op::kMul || op == Op::kSquaredDifference;
  const auto sum_code = [&](std::int64_t sum) {
    return unit.requantize(reference::wrap(sum + bias), unit.scale);
  };
  const auto final_code = [&](std::size_t l, int code) {
    return output == Output::kTable ? lookup(l, code) : code;
  };
  std::array<std::int64_t, 4> reduced{};
  for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
    const std::uint32_t* words = &tile.words[l * tile.steps + cw * taps];
    std::uint32_t result = 0;
    if (packed_by(op) != nullptr) {
      if (lanes.active(l)) write_dmem(lanes.lanes[l].out + offset, combine(op, words, taps), ~0U);
      continue;
    }
    for (int b = 0; b < 4; ++b) {
      std::int64_t sum = 0;
      int extremum = byte_of(words[0], b);
      for (int k = 0; k < taps; ++k) {
        const int tap = byte_of(words[k], b);
        sum += tap;
        extremum = op == Op::kMin ? std::min(extremum, tap) : std::max(extremum, tap);
      }
      reduced[b] += sum;
      const int first = byte_of(words[0], b), second = pair ? byte_of(words[1], b) : 0;
      const int code = op == Op::kMax || op == Op::kMin ? extremum
                       : op == Op::kAdd                 ? unit.add(first, second)
                       : op == Op::kMul                 ? unit.mul(first, second)
                       : op == Op::kSquaredDifference   ? unit.square(first, second)
                                                        : sum_code(sum);
      result = with_byte(result, b, final_code(l, code));
    }
    if (!reduce && lanes.active(l)) write_dmem(lanes.lanes[l].out + offset, result, ~0U);
  }
  if (!reduce || !lanes.active(0)) return;
  std::uint32_t result = 0;
  for (int b = 0; b < 4; ++b) result = with_byte(result, b, final_code(0, sum_code(reduced[b])));
  write_dmem(lanes.lanes[0].out + offset, result, ~0U);
}

/// Interpolates LOGISTIC or TANH between the points of the lanes' tables, like
/// rtl/results/trine_interpolate.sv.
/// @param x  two points are 512 apart, for tanh 256
int Executor::on_line(std::int64_t x, bool tanh) const {
  const auto point = [&](std::int64_t n) {
    const auto byte = [&](std::size_t parity) {
      return static_cast<std::uint8_t>(tables_[parity][static_cast<std::size_t>(n & 0xff)]);
    };
    return std::int64_t{byte(0)} << 8 | byte(1);
  };
  const std::int64_t size = std::abs(x) << (tanh ? 1 : 0), n = size >> 9;
  const std::int64_t rise = (point(n + 1) - point(n)) & 0x3ff;
  const std::int64_t sum = n >= 255 ? std::int64_t{tanh ? 0xffff : 0xfffe} << 9
                                    : (point(n) << 9) + (size & 0x1ff) * rise;
  const std::int64_t half = tanh ? 1 << 24 : 0, whole = tanh ? half : 1 << 25;
  const std::int64_t value = x < 0 ? ~sum + whole : sum - half;
  return static_cast<std::int16_t>((value + (tanh ? 256 : 512)) >> (tanh ? 9 : 10));
}

/// Interpolates the exponential of x <= 0 between 513 points, like
/// rtl/results/trine_interpolate.sv. Each entry of the exponentials contains two points; the last
/// point is 32767.
int Executor::exponential_on_line(std::int64_t x) const {
  const auto point = [&](std::int64_t n) -> std::int64_t {
    return exponentials_[n / 2] >> (n % 2 * 16) & 0xffff;
  };
  const std::int64_t place = 0xffff - std::min<std::int64_t>(std::abs(x), 0xffff), n = place >> 7;
  const std::int64_t next = n == 511 ? 32767 : point(n + 1);
  const std::int64_t rise = (next - point(n)) & 0x3ff;
  return static_cast<std::int16_t>(((point(n) << 9) + (place & 0x7f) * 4 * rise + 256) >> 9);
}

/// Returns the reciprocal of the sum of a row's codes, given as the sums of their high and low
/// bytes, like rtl/results/trine_softmax_lane.sv.
ChannelScale Executor::share_of(std::int64_t high, std::int64_t low) const {
  std::uint32_t sum = (static_cast<std::uint32_t>(high & 0x3ffff) << 13) +
                      (static_cast<std::uint32_t>(low & 0x7ffff) << 5);
  int zeros = 0;
  sum &= 0x7fffffff;
  for (const int step : {4, 4, 1, 1, 1})
    if (sum >> (31 - step) == 0) {
      sum <<= step;
      zeros += step;
    }
  sum = (sum + (1 << 13)) & 0x7fffffff;
  const std::uint32_t place = sum >> 30 == 0 ? 0xffff : sum >> 14 & 0xffff;
  const std::uint32_t entry = exponentials_[place >> 8];
  const std::int64_t slope = entry >> ((place & 0x80) != 0 ? 24 : 16) & 0x7f;
  const std::int64_t from_point = static_cast<std::int64_t>(place & 0xff) - 128;
  const std::int64_t factor = std::int64_t{entry & 0x7fff} * 128 + 64 - slope * from_point;
  return {static_cast<std::int32_t>(factor & 0x7fffff80), zeros - 1};
}

/// Processes int16 codes over the channels of each pair's pixel. Writes the largest or the smallest
/// code, the exponentials of the distances from the largest, or each code's share of the sum.
void Executor::row(const VectorRegisters& r, const isa::Run& run, const Lanes& lanes,
                   const Tile& tile) {
  using isa::vector::Op;
  const auto op = static_cast<Op>(run.op);
  const Post unit(r, run.has(isa::vector::kSingle), false, true);
  const std::int64_t bias = static_cast<std::int32_t>(r.get(isa::vector::kBias));
  const std::int64_t channels = r.get(isa::vector::kChannels);
  for (std::size_t l = 0; l < lanes.lanes.size(); l += 2) {
    if (!lanes.active(l)) continue;
    const auto high_of = [&](std::int64_t c) {
      return byte_of(tile.words[l * tile.steps + c / 4], static_cast<int>(c % 4));
    };
    const auto low_of = [&](std::int64_t c) {
      return byte_of(tile.words[(l + 1) * tile.steps + c / 4], static_cast<int>(c % 4)) & 0xff;
    };
    const auto better = [&](int a, int b) {
      return op == Op::kMin16 ? std::min(a, b) : std::max(a, b);
    };
    std::array<int, 4> best{};  // by byte of the channel word
    best.fill(op == Op::kMin16 ? INT16_MAX : INT16_MIN);
    std::int64_t high = 0, low = 0;
    for (std::int64_t c = 0; c < channels; ++c) {
      best[c % 4] = better(best[c % 4], high_of(c) * 256 + low_of(c));
      high += high_of(c);
      low += low_of(c);
    }
    best[0] = better(best[0], best[2]);
    best[1] = better(best[1], best[3]);
    best[0] = better(best[0], best[1]);
    const ChannelScale share = op == Op::kShare16 ? share_of(high, low) : ChannelScale{};
    const auto write = [&](std::int64_t word, const std::array<int, 4>& codes) {
      for (const int plane : {0, 1}) {
        std::uint32_t bytes = 0;
        for (int b = 0; b < 4; ++b) bytes = with_byte(bytes, b, codes[b] >> (plane == 0 ? 8 : 0));
        write_dmem(lanes.lanes[l + static_cast<std::size_t>(plane)].out +
                       word * difference(r, agu::kOutPlane),
                   bytes, ~0U);
      }
    };
    if (compares16(op)) {
      write(0, best);
      continue;
    }
    // The bytes after the last channel are processed, too.
    for (std::int64_t word = 0; word < divide_up(channels, 4); ++word) {
      std::array<int, 4> codes{};
      for (int b = 0; b < 4; ++b) {
        const std::int64_t code = high_of(4 * word + b) * 256 + low_of(4 * word + b);
        codes[b] =
            op == Op::kShare16
                ? unit.requantize(reference::wrap(code + bias), share)
                : exponential_on_line(unit.argument(reference::wrap(code - best[0] - 1 + bias)));
      }
      write(word, codes);
    }
  }
}

/// Returns the code of the five words of a pair of lanes.
std::int32_t Executor::five_code(const std::uint32_t* even, const std::uint32_t* odd,
                                 const ChannelScale& s, const OutputRange& range, bool half_even) {
  const auto word = [](std::uint32_t w) { return std::int64_t{static_cast<std::int32_t>(w)}; };
  const auto sum = static_cast<std::uint64_t>(word(odd[0])) +
                   (static_cast<std::uint64_t>(word(even[0])) << 8) +
                   (static_cast<std::uint64_t>(word(even[1])) << 16) +
                   (static_cast<std::uint64_t>(word(even[2])) << 24) +
                   (static_cast<std::uint64_t>(word(odd[2])) << 32);
  return short_code(static_cast<std::int64_t>(sum << 16) >> 16, s, range, half_even);
}

/// Writes the code of each pair's int32 words. The sum is 256 even + odd; a second tap adds 65,536
/// even, a third 2^24 even + 2^32 odd. With `single` the sum has 40 bits, with three taps 48, and
/// the multiplier 15. The code is the last one of its word, so the bytes above it are zero.
void Executor::word_code(const VectorRegisters& r, const isa::Run& run, const Lanes& lanes,
                         const Tile& tile, std::int64_t cw) {
  const Post unit(r, false, false, true);
  const auto bias = static_cast<std::int32_t>(r.get(isa::vector::kBias));
  const int position = field(r, post::kPosition), taps = window_taps(r);
  const bool half_even = run.has(isa::vector::kHalfEven);
  const bool narrows = narrows16(static_cast<isa::vector::Op>(run.op));
  for (std::size_t l = 0; l < lanes.lanes.size(); l += 2) {
    if (!lanes.active(l + 1)) continue;
    const std::uint32_t* word = &tile.words[l * tile.steps + cw * taps];
    const std::uint32_t even = taps == 2 ? word[0] + 256 * word[1] : word[0];
    const std::int64_t sum = std::int64_t{static_cast<std::int32_t>(even)} * 256 +
                             static_cast<std::int32_t>(word[tile.steps]);
    const std::int32_t code =
        taps == 3 ? five_code(word, word + tile.steps, unit.scale, unit.range, half_even)
        : run.has(isa::vector::kSingle) ? long_code(sum, bias, unit.scale, unit.range, half_even)
                                        : unit.requantize(reference::wrap(sum + bias), unit.scale);
    for (int plane = narrows ? 1 : 0; plane < 2; ++plane) {
      const std::int64_t to =
          lanes.lanes[l + static_cast<std::size_t>(plane)].out + cw * difference(r, agu::kOutPlane);
      const std::uint32_t mask = ~0U << 8 * position;
      const auto byte = static_cast<std::uint32_t>(code >> (plane == 0 ? 8 : 0) & 0xff);
      write_dmem(to, (read_dmem(to) & ~mask) | byte << 8 * position, mask);
    }
  }
}

/// Processes words of int16 codes. A lane contains the high bytes, the next lane the low bytes.
/// Sums use low bytes less 128, which the bias compensates.
void Executor::wide_word(const VectorRegisters& r, const isa::Run& run, const Lanes& lanes,
                         const Tile& tile, std::int64_t cw) {
  using isa::vector::Op;
  const Post unit(r, run.has(isa::vector::kSingle), run.has(isa::vector::kHalfEven), true);
  const auto op = static_cast<Op>(run.op);
  const bool compares = op == Op::kMax16 || op == Op::kMin16;
  const bool sums = op != Op::kAdd16 && !multiplies16(op) && !compares;
  const bool reduce = run.has(isa::vector::kReduce);
  const bool widens = op == Op::kWiden16;
  const std::int64_t bias = static_cast<std::int32_t>(r.get(isa::vector::kBias));
  const int taps = window_taps(r);
  const auto code_of = [&](std::int64_t sum) {
    if (has_lines(op))
      return on_line(unit.argument(reference::wrap(sum + bias)), op == Op::kTanh16);
    const bool other = op == Op::kLeaky16 && sum < -128;  // the high byte is negative
    return unit.requantize(reference::wrap(sum + bias), other ? unit.sum : unit.scale);
  };
  const auto write = [&](std::size_t l, const std::array<int, 4>& codes) {
    for (const int plane : {0, 1}) {
      const std::size_t own = l + static_cast<std::size_t>(plane);
      if (!lanes.active(own)) continue;
      const Lanes::Lane& lane = lanes.lanes[own];
      std::uint32_t word = 0;
      for (int b = 0; b < 4; ++b) word = with_byte(word, b, codes[b] >> (plane == 0 ? 8 : 0));
      write_dmem(lane.out + cw * difference(r, agu::kOutPlane), word, ~0U);
    }
  };
  std::array<std::int64_t, 4> reduced{};
  std::array<int, 4> codes{};
  for (std::size_t l = 0; l < lanes.lanes.size(); l += 2) {
    for (int b = 0; b < 4; ++b) {
      const auto tap = [&](int k) {
        const std::uint32_t* word = &tile.words[l * tile.steps + cw * taps + k];
        const int low = byte_of(word[tile.steps], b);
        return byte_of(word[0], b) * 256 + (widens ? low : low & 0xff);
      };
      std::int64_t sum = 0;
      int extremum = tap(0);
      for (int k = 0; sums && k < taps; ++k) sum += tap(k) - (widens ? 0 : 128);
      for (int k = 1; compares && k < taps; ++k)
        extremum = op == Op::kMin16 ? std::min(extremum, tap(k)) : std::max(extremum, tap(k));
      reduced[b] += sum;
      codes[b] = sums                            ? code_of(sum)
                 : compares                      ? extremum
                 : multiplies16(op)              ? unit.mul(tap(0), tap(1))
                 : run.has(isa::vector::kInvert) ? unit.subtract(tap(0), tap(1))
                                                 : unit.add(tap(0), tap(1));
    }
    if (!reduce) write(l, codes);
  }
  if (!reduce) return;
  for (int b = 0; b < 4; ++b) codes[b] = code_of(reduced[b]);
  write(0, codes);
}

}  // namespace trine::sim
