// SPDX-License-Identifier: Apache-2.0

#include "sim/arch/machine.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>

#include "base/rounding.h"
#include "machine/memories.h"
#include "machine/packed.h"
#include "machine/precision.h"
#include "machine/timing.h"
#include "sw/reference/ops/softmax.h"
#include "sw/reference/requantize.h"

namespace trine::sim {
namespace {

using isa::ComputeRegisters;
using isa::Engine;
using isa::LaneRegisters;
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

/// The bounds of int16 codes, whose low bytes are those of a sum.
OutputRange wide_range_of(const LaneRegisters& r) {
  return {field(r, post::kZeroPoint),
          field(r, post::kActMin) * 256 + (field(r, post::kAddActMin) & 0xff),
          field(r, post::kActMax) * 256 + (field(r, post::kAddActMax) & 0xff),
          static_cast<machine::Format>(field(r, post::kFormat))};
}

/// An entry of the scale memory.
ChannelScale unpack_scale(std::uint64_t packed) {
  const int shift = static_cast<int>(packed >> 31 & 63);
  return {static_cast<std::int32_t>(packed & 0x7fffffff), shift >= 32 ? shift - 64 : shift};
}

/// The post unit's settings, read once for a RUN.
struct Post {
  /// @param wide  codes are int16
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

  /// What no scale or range of the hardware is, or nothing. @param wide  the bounds are of int16
  std::optional<std::string> fault(bool wide) const {
    if (operand.shift < -31 || operand.shift > 0)
      return fmt::format("an operand's shift {}, allowed -31..0", operand.shift);
    const auto first = reference::check(scale, range);
    return first ? first : reference::check(sum, wide ? range : sum_range);
  }
  int requantize(std::int32_t acc, const ChannelScale& s) const {
    return reference::requantize(acc, s, range, last_rounding);
  }
  /// What a line takes: four times the bounds of a code, without zero point.
  int argument(std::int32_t sum) const {
    const OutputRange wider{0, 4 * range.act_min, 4 * range.act_max};
    return reference::requantize(sum, scale, wider, last_rounding);
  }
  int mul(int a, int b) const { return requantize((a - zero_a) * (b - zero_b), scale); }
  int add(int a, int b) const {
    return reference::requantize(both(a, b, left_shift), sum, sum_range, last_rounding);
  }
  /// a - b, int16 codes.
  int subtract(int a, int b) const {
    const std::int32_t difference = operand_term(a * (1 << left_shift), a_is_half) -
                                    operand_term(b * (1 << left_shift), !a_is_half);
    return reference::requantize(difference, sum, sum_range, last_rounding);
  }
  bool squares_fit() const { return operand.shift < 0 || operand.multiplier <= 1 << 30; }
  int square(int a, int b) const {
    const std::int32_t d = both(a, b, 7);
    return requantize(d * d, scale);
  }

  Rounding rounding, last_rounding;  ///< of an addition's operand; of the result
  ChannelScale scale;
  OutputRange range;

  ChannelScale sum;  ///< of an addition

 private:
  /// A + B, the operands shifted left first.
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

/// The n-th word of a memory.
std::uint32_t word_at(const std::vector<std::uint8_t>& memory, std::int64_t n) {
  std::uint32_t word;
  std::memcpy(&word, &memory[4 * n], 4);
  return word;
}

/// Sum of products of codes; the compiler turns it into 16-bit multiply-adds, whose sums of 2^16
/// products of at most 2^14 fit 32 bits.
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

/// Two's complement of the `bits` wide code at `place` of a word.
int code_at(std::uint32_t word, int bits, int place) {
  const auto code = static_cast<int>(word >> bits * place & ((1U << bits) - 1));
  return code >= 1 << (bits - 1) ? code - (1 << bits) : code;
}

/// An operand of the array: what it makes of each pattern, that of no code as well.
std::int16_t value_at(std::uint32_t word, const machine::Precision& precision, int place) {
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

/// Codes of an output word.
struct Encoding {
  explicit Encoding(const machine::Precision& p) : bits(p.bits) {}

  int bits;
  int per_word() const { return 32 / bits; }
  std::uint32_t mask(int place) const { return ((1U << bits) - 1) << bits * place; }
  std::uint32_t with(std::uint32_t word, int place, int code) const {
    return (word & ~mask(place)) | (static_cast<std::uint32_t>(code) << bits * place & mask(place));
  }
  /// The residual's code, as thresholds give it: 0 or 1 for a single bit.
  int code(std::uint32_t word, int place) const {
    return bits == 1 ? static_cast<int>(word >> place & 1) : code_at(word, bits, place);
  }
};

int window_taps(const LaneRegisters& r) {
  return (field(r, agu::kRLast) + 1) * (field(r, agu::kSLast) + 1);
}

/// Normalizes one lane's codes over its channels.
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
    result.push_back(reference::norm_code(reference::normalized(p.origin - codes[c], factor),
                                          p.channels[c], p.output));
  return result;
}

/// The precision whose packed codes the operation compares, or null.
const machine::Precision* packed_by(isa::vector::Op op) {
  return machine::find_precision(
      [=](const machine::Precision& p) { return p.bits < 8 && p.maximum == op; });
}

/// Maximum of ternary or binary values.
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

/// Zero points of activations and weights, in a product of two maps.
struct Machine::ZeroPoints {
  int act = 0, wgt = 0;

  /// Sum of a*b - act*b - wgt*a: the term act*wgt is in the bias.
  std::int64_t dot(const std::int16_t* a, const std::int16_t* b, std::size_t n) const {
    if (act == 0 && wgt == 0) return sim::dot(a, b, n);
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i] - act * b[i] - wgt * a[i];
    return sum;
  }
};

/// The words of all taps of a tile: [lane][step].
struct Machine::Tile {
  std::vector<std::uint32_t> words;
  std::vector<std::int16_t> values;  ///< compute: [lane][step][value]
  std::vector<char> masked;          ///< of each word
  std::int64_t steps = 0;
};

Machine::Machine(const machine::Config& config, std::span<std::uint8_t> dram)
    : config_(config),
      dram_(dram),
      dmem_(4 * config.dmem_words()),
      pmem_(4 * config.pmem_rows() * config.cols),
      bias_(config.param_channels),
      scale_(config.param_channels),
      accumulators_(config.rows * config.cols) {}

/// @throws Error  for scales and ranges that requantization does not have, and tiles too large
void Machine::check_lanes(const LaneRegisters& r, bool wide) const {
  if (const auto fault = Post(r, false, false).fault(wide)) fail("{}", *fault);
  if (const OutputRange range = wide_range_of(r); wide && range.act_min > range.act_max)
    fail("activation range {}..{} is empty", range.act_min, range.act_max);
  constexpr std::int64_t kMostWords = std::int64_t{1} << 28;  // of a tile, held at once
  if (steps_of(r) > kMostWords / config_.rows)
    fail("{} steps of {} lanes, the simulator holds {} words", steps_of(r), config_.rows,
         kMostWords);
}

/// The registers that the RUN reads, with values that the machine has.
isa::Registers Machine::checked(Engine engine, const isa::Registers& registers,
                                const isa::Run& run) const {
  const isa::Registers read = isa::as_read(engine, registers, run);
  for (const isa::Word word :
       {isa::encode_run(engine, run),
        isa::encode_set(engine, post::kOutput.reg, read.value[post::kOutput.reg])})
    if (isa::fault_of(word, config_.features()) != isa::Fault::kNone)
      fail("{}", isa::fault_text(word, config_.features()));
  return read;
}

void Machine::execute(Engine engine, const isa::Registers& registers, const isa::Run& run,
                      int run_index, const Machine* maps) {
  run_index_ = run_index;
  const isa::Registers read = checked(engine, registers, run);
  switch (engine) {
    case Engine::kLoad:
    case Engine::kStore:
      return transfer(engine, TransferRegisters(read), run, maps == nullptr ? *this : *maps);
    case Engine::kCompute:
      return compute(ComputeRegisters(read), run);
    case Engine::kVector:
      return vector(VectorRegisters(read), run);
  }
}

// ---- memories ---------------------------------------------------------------------------------

std::int64_t Machine::checked(std::int64_t address) const {
  address &= kAddressMask;
  if (address >= config_.dmem_words())
    fail("DMEM word {}, allowed 0..{}", address, config_.dmem_words() - 1);
  return address;
}

void Machine::check_range(const char* what, std::int64_t first, std::int64_t count,
                          std::int64_t size) const {
  if (first + count > size)
    fail("{} {}..{}, allowed 0..{}", what, first, first + count - 1, size - 1);
}

/// Checks that `end` entries fit the memories of parameters.
void Machine::check_entries(std::int64_t end) const {
  if (end > config_.param_channels)
    fail("bias and scale entry {}, allowed 0..{}", end - 1, config_.param_channels - 1);
}

std::uint32_t Machine::read_dmem(std::int64_t address) const {
  return word_at(dmem_, checked(address));
}

void Machine::write_dmem(std::int64_t address, std::uint32_t data, std::uint32_t mask) {
  address = checked(address);
  std::memcpy(&dmem_[4 * address], &data, 4);
  if (on_dmem_write) on_dmem_write({static_cast<std::uint32_t>(address), data, mask, run_index_});
}

// ---- load, store ------------------------------------------------------------------------------

void Machine::transfer(Engine engine, const TransferRegisters& r, const isa::Run& run,
                       const Machine& maps) {
  namespace dma = isa::dma;
  const auto target = static_cast<dma::Target>(run.op);
  const std::int64_t rows = isa::dram_rows(r, run);
  constexpr std::int64_t kMostWords = std::int64_t{1} << dma::kWords.width;
  const std::int64_t words = r.get(dma::kWords) == 0 ? kMostWords : r.get(dma::kWords);
  const std::int64_t data_words = config_.data_words();
  const bool transposed = target == dma::Target::kTransposed;
  const bool from_dmem = isa::reads_dmem(run);
  if (words == kMostWords && from_dmem) fail("a transfer of no words");
  if (transposed && rows > config_.cols / 4)
    fail("{} channel words for {} columns", rows, config_.cols);
  const bool beats_line_up = isa::is_of_maps(run);
  if (rows > 1 && beats_line_up &&
      (r.get(dma::kDramStride) % (4 * data_words) != 0 ||
       r.get(dma::kLocalStride) % data_words != 0))
    fail("strides of {} bytes and {} words: not multiples of {} words", r.get(dma::kDramStride),
         r.get(dma::kLocalStride), data_words);
  const std::span<const std::uint8_t> source = from_dmem ? std::span(maps.dmem_) : dram_;
  const char* name = from_dmem ? "DMEM" : "DRAM";
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t dram = r.get(dma::kDram) + i * r.get(dma::kDramStride);
    const std::int64_t end = dram + 4 * words;
    const std::int64_t local =
        (r.get(dma::kLocal) + i * difference(r, dma::kLocalStride)) & kAddressMask;
    if (!from_dmem && end > std::ssize(source))
      stop_with(engine == Engine::kStore ? "store_window" : "load_window",
                "{} bytes {}..{}, there are {}", name, dram, end - 1, source.size());
    if (dram % 4 != 0 || end > std::ssize(source))
      fail("{} bytes {}..{}, there are {}", name, dram, end - 1, source.size());
    if (target == dma::Target::kDmem16 && (dram % 8 != 0 || words % 2 != 0))
      fail("{} byte {}, {} words: not whole codes of int16", name, dram, words);
    if (beats_line_up) {
      if ((dram / 4 - local) % data_words != 0)
        fail("{} byte {} and DMEM word {} are not congruent modulo {} words", name, dram, local,
             data_words);
      checked(local);
      if (local + words > config_.dmem_words()) checked(config_.dmem_words());
    } else if (dram / 4 % data_words != 0 || (words % data_words != 0 && !transposed)) {
      fail("{} byte {}, {} words: not a multiple of {} words", name, dram, words, data_words);
    }
    const std::uint8_t* from = &source[dram];
    if (run.has(dma::kLowBytes) && engine == Engine::kLoad) {
      low_bytes_.assign(from, from + 4 * words);
      for (std::uint8_t& byte : low_bytes_) byte ^= 0x80;  // less 128
      from = low_bytes_.data();
    }
    if (isa::is_packed(run)) {
      load_packed(target, from, r);
    } else if (transposed) {
      load_columns(from, local, words, static_cast<int>(4 * i));
    } else if (engine == Engine::kLoad) {
      load_row(target, from, local, words);
    } else if (target == dma::Target::kDmem16) {
      for (std::int64_t i = 0; i < words; i += 2)
        for (std::int64_t c = 0; c < 4; ++c) {  // little endian
          dram_[dram + 4 * i + 2 * c] = dmem_[4 * (local + i + 1) + c];
          dram_[dram + 4 * i + 2 * c + 1] = dmem_[4 * (local + i) + c];
        }
    } else {
      std::memcpy(&dram_[dram], &dmem_[4 * local], 4 * words);
    }
  }
}

/// A channel word of `words` tokens as four columns: byte a of word w becomes byte w mod 4 of
/// column a. Bytes of tokens behind the last one are zero.
void Machine::load_columns(const std::uint8_t* from, std::int64_t local, std::int64_t words,
                           int column) {
  const std::int64_t rows = (words + 3) / 4;
  check_range("PMEM rows", local, rows, config_.pmem_rows());
  for (std::int64_t w = 0; w < 4 * rows; ++w)
    for (int a = 0; a < 4; ++a) {
      const std::int64_t place = (local + w / 4) * config_.cols + column + a;
      pmem_[4 * place + w % 4] = w < words ? from[4 * w + a] : std::uint8_t{0};
    }
}

/// A stream that is as many rows of PMEM.
void Machine::load_packed(isa::dma::Target target, const std::uint8_t* from,
                          const TransferRegisters& r) {
  namespace dma = isa::dma;
  const std::int64_t words = r.get(dma::kWords), rows = r.get(dma::kRowsLast) + 1;
  const std::int64_t row_bytes = 4 * config_.cols;
  if (words > 2 * config_.pmem_rows() * config_.cols)
    fail("a stream of {} words, for {} rows of PMEM", words, config_.pmem_rows());
  const std::int64_t blocks = rows * row_bytes / machine::kBlockBytes;
  const auto bytes =
      machine::unpacked(target, std::span(from, 4 * words), blocks, config_.data_bytes());
  if (!bytes) stop_with("stream", "{} words are no stream of {} rows", words, rows);
  check_range("PMEM rows", r.get(dma::kLocal), rows, config_.pmem_rows());
  std::ranges::copy(*bytes, &pmem_[r.get(dma::kLocal) * row_bytes]);
}

void Machine::load_row(isa::dma::Target target, const std::uint8_t* from, std::int64_t local,
                       std::int64_t words) {
  using isa::dma::Target;
  const std::int64_t data_words = config_.data_words();
  // Entries of so many bytes, from the first of a beat on.
  const auto fill = [&](auto& memory, std::int64_t entry_bytes, const char* what) {
    const auto bytes = std::as_writable_bytes(std::span(memory));
    const std::int64_t unit = 4 * data_words / entry_bytes;
    if (local % unit != 0) fail("{} entry {}: not a multiple of {}", what, local, unit);
    check_range(what, local, 4 * words / entry_bytes, std::ssize(bytes) / entry_bytes);
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
      if (beats % config_.beats_per_row() != 0) fail("{} beats are not whole PMEM rows", beats);
      check_range("PMEM rows", local, rows, config_.pmem_rows());
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
      return fill(bias_, 4, "bias");
    case Target::kScale:
      return fill(scale_, 8, "scale");
    case Target::kTable:
      for (auto& table : tables_) fill(table, 4, "table");
      return;
    case Target::kPoints:
      if (local % data_words != 0) fail("point {}: not a multiple of {}", local, data_words);
      check_range("point", local, words, std::ssize(tables_[0]));
      for (std::int64_t i = 0; i < words; ++i)
        for (const std::size_t parity : {0U, 1U})
          tables_[parity][local + i] = static_cast<std::int8_t>(from[4 * i + 1 - parity]);
      return;
    case Target::kExponentials:
      return fill(exponentials_, 4, "exponential");
    case Target::kTransposed:
    case Target::kShort:
    case Target::kTrits:
    case Target::kSparse:
    case Target::kPalette:
      break;
  }
}

// ---- lanes ------------------------------------------------------------------------------------

/// Reads the words of every lane and step.
void Machine::gather(const LaneRegisters& r, const Lanes& lanes, Tile& tile,
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

void Machine::compute(const ComputeRegisters& r, const isa::Run& run) {
  using namespace isa::compute;
  const bool clear = run.has(kClear), drains = run.has(kDrain);
  const machine::Operands operands = machine::operands_of(static_cast<Op>(run.op));
  const int groups = field(r, agu::kGroupsLast) + 1;
  const std::int64_t tiles = r.get(agu::kTilesLast) + 1;
  if (!(clear && drains) && (groups != 1 || tiles != 1))
    fail("a reduction in pieces has one tile and one group");
  const bool window = run.has(kWindow);
  if (window) check_window(r, run);
  // The post unit waits for the last channel, which is none of the last group's.
  const int columns = group_columns(config_, run);
  if (drains && field(r, kChannels) <= (groups - 1) * columns)
    stop_with("progress", "{} channels, but {} groups of {}", field(r, kChannels), groups, columns);
  const bool lookup = drains && output_of(r) == Output::kTable;
  if (lookup && run.has(kFuseMax)) fail("no residual with a lookup");
  // The lane's latency is longer than its table of tags: the word never leaves.
  if (lookup && run.has(kFuseAdd)) stop_with("progress", "no residual with a lookup");
  const bool wide = pairs_lanes(Engine::kCompute, run);
  if (wide || is_by_row(run)) check_wide(r, run);
  const auto op = static_cast<Op>(run.op);
  const bool in_groups = op == Op::kInt8Groups;
  if (in_groups) check_groups(r, run);
  if (op == Op::kBinaryInside && r.get(post::kPadCode) != 0)
    fail("masked taps that add nothing have a pad code");
  const bool matmul = op == Op::kMatmul || op == Op::kMatmul16;
  if (matmul && run.has(kFuseAdd))
    fail("the zero points of a product and of an addition share their registers");
  const ZeroPoints zero =
      matmul ? ZeroPoints{field(r, post::kAddZeroA), field(r, post::kAddZeroB)} : ZeroPoints{};
  const int per_word = operands.activations.codes_per_word();
  const int steps_per_row =
      window ? config_.window_steps_per_row() : operands.activations.bits / operands.weights.bits;

  check_lanes(r, wide || is_by_row(run));
  const std::int64_t row = r.get(kRow);
  const std::int64_t rows = groups * (in_groups ? group_rows(r).rows(r.get(agu::kWordsLast) + 1)
                                                : divide_up(steps_of(r), steps_per_row));
  check_range("PMEM rows", row, rows, config_.pmem_rows());

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
        if (i / tile.steps % 2 != 0) tile.words[i] ^= 0x80808080U;  // low bytes less 128
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

/// Weights by group and column, so that a sum runs over neighbours.
void Machine::read_weights(std::int64_t row, int groups, std::int64_t steps, int steps_per_row,
                           int values, const machine::Precision& precision) {
  weights_.resize(groups * config_.cols * steps * values);
  std::int16_t* to = weights_.data();
  const std::int64_t group_rows = divide_up(steps, steps_per_row);
  const bool bytes =
      precision.bits == 8 && values == 4 && steps_per_row == 1;  // most: a third of LeNet's time
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

machine::GroupRows Machine::group_rows(const ComputeRegisters& r) {
  return {(r.get(agu::kRLast) + 1) * (r.get(agu::kSLast) + 1)};
}

/// What a RUN with factors must be.
void Machine::check_groups(const ComputeRegisters& r, const isa::Run& run) const {
  using namespace isa::compute;
  if (!run.has(kClear) || !run.has(kDrain)) fail("a reduction with factors is whole");
  if (run.has(kFuseAdd) || run.has(kFuseMax) || run.has(kWindow) ||
      output_of(r) == Output::kThresholds)
    fail("sums with factors have no residual, no window and no thresholds");
  if (const std::int64_t steps = group_rows(r).steps; steps % machine::GroupRows::kFewest != 0)
    fail("groups of {} steps, allowed multiples of {}", steps, machine::GroupRows::kFewest);
}

/// Weights as read_weights() has them, and the words of their factors.
void Machine::read_groups(const ComputeRegisters& r, std::int64_t row, int groups) {
  constexpr int kValues = 4;
  const machine::GroupRows lie = group_rows(r);
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
                           machine::kInt4, static_cast<int>(step % 2) * kValues + i);
      for (std::int64_t part = 0; part < parts; ++part)
        *factor++ = word_at(pmem_, (row + lie.row_of_factor(part)) * config_.cols + c);
    }
}

/// Sums of the parts of a reduction, each by its factor.
void Machine::scaled_group(const ComputeRegisters& r, const Lanes& lanes, const Tile& tile,
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
            std::int64_t{sum} * std::abs(machine::factor_of(word, part)) >>
            machine::GroupRows::kShift);
        acc =
            reference::wrap(std::int64_t{acc} + (machine::is_minus(word, part) ? ~counts : counts));
      }
      constexpr int kUnused = 32 - machine::GroupRows::kSumBits;
      acc = reference::wrap(std::int64_t{acc} << kUnused) >> kUnused;
    }
  }
}

/// @param low  the activations' zero point is that of odd lanes, which have low bytes
void Machine::dense_group(const Lanes& lanes, const Tile& tile, int per_word, int group,
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

/// What an accumulator of the array is of a sum: its low bits, in two's complement.
std::int32_t Machine::accumulated(std::int64_t sum) const {
  const int unused = 32 - config_.acc_bits;
  return reference::wrap(sum << unused) >> unused;
}

/// What a depthwise RUN must be.
void Machine::check_window(const ComputeRegisters& r, const isa::Run& run) const {
  using namespace isa::compute;
  const auto op = static_cast<Op>(run.op);
  if (op != Op::kInt8 && op != Op::kMatmul) fail("the window former takes int8");
  if (r.get(agu::kWordsLast) != 0) fail("a group of the window former has one channel word");
  if (!run.has(kClear) || !run.has(kDrain)) fail("a reduction of the window former is whole");
}

/// Sums of four channels: column c takes byte c of the words of a lane and of the three after it.
/// Zero points count what the lane's own words hold.
void Machine::window_group(const Lanes& lanes, const Tile& tile, std::int64_t row, int group,
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

/// Columns of one group through the post unit; columns that share an output word are one write.
void Machine::drain(const ComputeRegisters& r, const isa::Run& run, const Lanes& lanes, int group) {
  using namespace isa::compute;
  const Post unit(r, run.has(kSingle), run.has(kHalfEven));
  const bool add = run.has(kFuseAdd), max = run.has(kFuseMax);
  const bool per_tensor = run.has(kPerTensor);
  const bool wide = pairs_lanes(Engine::kCompute, run), by_row = is_by_row(run);
  const bool matmul16 = static_cast<Op>(run.op) == Op::kMatmul16;  // even lanes write for two
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
  check_entries(r.get(kParam) + last * passes);
  const auto result = [&](std::size_t l, int n) {
    const std::int32_t* sums = &accumulators_[l * config_.cols + n - first];
    if (output == Output::kThresholds) return threshold(r, *sums, field(r, kParam) + n * passes);
    const std::int64_t entry = r.get(kParam) + n;
    const ChannelScale scale = per_tensor ? unit.scale : unpack_scale(scale_[entry]);
    if (matmul16) return reference::wrap(std::int64_t{*sums} * 256 + sums[config_.cols]);
    const std::int32_t sum = reference::wrap(std::int64_t{*sums} + bias_[entry]);
    if (output == Output::kRaw) return sum;
    if (scale.shift < -31 || scale.shift > 30)
      fail("scale entry {} has shift {}, allowed -31..30", entry, scale.shift);
    if (by_row) return wide_code(r, run, entry, scale, *sums);
    if (wide) {  // each lane of a pair packs its byte
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

/// What a RUN of int16 activations, or results, must be.
void Machine::check_wide(const ComputeRegisters& r, const isa::Run& run) const {
  using namespace isa::compute;
  if (static_cast<Op>(run.op) == Op::kMatmul16) {
    if (run.has(kFuseAdd) || run.has(kFuseMax) || output_of(r) != Output::kRaw)
      fail("sums of int16 are words of their own, without residual");
    return;
  }
  if (run.has(kFuseAdd) || run.has(kFuseMax) || output_of(r) != Output::kRequantized ||
      r.get(post::kEncoding) != 0 || field(r, post::kZeroPoint) != 0 ||
      (run.has(kSingle) && run.has(kPerTensor) && !run.has(kHalfEven)))
    fail("int16 codes are requantized, without zero point or residual");
  if (run.has(kDrain)) check_format(r, run.has(kSingle));
}

/// What int16 codes of an eight-bit format ask for.
void Machine::check_format(const LaneRegisters& r, bool single) const {
  const OutputRange range = wide_range_of(r);
  if (range.format == machine::Format::kNone) return;
  if (!config_.formats) fail("codes of format {}", static_cast<int>(range.format));
  const std::int32_t most = machine::largest_code(range.format);
  if (!single || range.act_min < -most || range.act_max > most)
    fail("codes of a format are rounded once, their bounds are -{0}..{0} at most", most);
}

/// An int16 code. With `single`, without `half_even`, its sum has 40 bits and the multiplier 15:
/// above it in the scale's entry lies the bias' highest byte.
std::int32_t Machine::wide_code(const ComputeRegisters& r, const isa::Run& run, std::int64_t entry,
                                const ChannelScale& s, std::int64_t sum) const {
  const OutputRange range = wide_range_of(r);
  const bool half_even = run.has(isa::compute::kHalfEven);
  if (half_even || !run.has(isa::compute::kSingle))
    return reference::requantize(reference::wrap(sum + bias_[entry]), s, range,
                                 half_even ? Rounding::kHalfEven : Rounding::kDouble);
  return long_code(sum, bias_[entry], s, range, false);
}

/// A code of a sum of 40 bits: above the multiplier's 15 bits lies the bias' highest byte.
std::int32_t Machine::long_code(std::int64_t sum, std::int32_t bias, const ChannelScale& s,
                                const OutputRange& range, bool half_even) {
  const std::int64_t added =
      std::int64_t{s.multiplier >> 15 & 0xff} << 32 | static_cast<std::uint32_t>(bias);
  return short_code((sum + added) << 24 >> 24, s, range, half_even);  // bits 39:0
}

/// A code of a sum of up to 48 bits, by a multiplier of 15.
std::int32_t Machine::short_code(std::int64_t kept, const ChannelScale& s, const OutputRange& range,
                                 bool half_even) {
  if (range.format != machine::Format::kNone)
    return reference::to_format(kept, s.multiplier & 0x7fff, 31 - s.shift, range);
  const std::int32_t multiplier = s.multiplier & 0x7fff;
  const int right = 31 - s.shift;
  return reference::to_code(
      half_even ? reference::saturate(reference::half_even_divide_by_pot(kept * multiplier, right))
                : reference::scaled_short(kept, multiplier, right),
      range);
}

/// Code of a sum: thresholds reached, counted from `low`. @param entry  first pair of the channel
int Machine::threshold(const ComputeRegisters& r, std::int32_t acc, int entry) const {
  int code = field(r, post::kLow);
  for (const int last = entry + field(r, post::kPassesLast); entry <= last; ++entry) {
    code += acc >= bias_[entry] ? 1 : 0;
    code += acc >= static_cast<std::int32_t>(scale_[entry] & 0xffffffffU) ? 1 : 0;
  }
  return code;
}

// ---- vector -----------------------------------------------------------------------------------

/// What a RUN of int16 codes must be.
void Machine::check_wide(const VectorRegisters& r, const isa::Run& run) const {
  const auto op = static_cast<isa::vector::Op>(run.op);
  const bool to_int8 = narrows16(op);
  if (output_of(r) != Output::kRequantized || field(r, post::kAddZeroPoint) != 0 ||
      (field(r, post::kZeroPoint) != 0 && !to_int8))
    fail("int16 codes are requantized, without zero point");
  if (run.has(isa::vector::kReduce) && op != isa::vector::Op::kSum16 && !compares16(op))
    fail("the lanes' sum is that of sum16");
  if (is_row(run)) check_row(r, run);
  if (!compares16(op)) check_format(r, run.has(isa::vector::kSingle));
  if (has_lines(op) && field(r, post::kFormat) != 0) fail("codes of lines are whole numbers");
  if (op == isa::vector::Op::kFiveNarrow16 &&
      (!run.has(isa::vector::kSingle) || r.get(post::kMultiplier) >> 15 != 0))
    fail("a sum of five words is rounded once, by a multiplier of 15 bits");
  if (takes_words(op) && field(r, post::kPosition) > 3)
    fail("a code of an int32 word is none of 0..3");
}

/// What a RUN over the channels of int16 codes must be.
void Machine::check_row(const VectorRegisters& r, const isa::Run& run) const {
  const auto op = static_cast<isa::vector::Op>(run.op);
  const std::int64_t channels = r.get(isa::vector::kChannels);
  const int single = 1 << isa::vector::kSingle;
  const int flags = op == isa::vector::Op::kExponential16 ? run.flags & ~single : run.flags;
  const int allowed = compares16(op)                    ? 1 << isa::vector::kReduce
                      : op == isa::vector::Op::kShare16 ? single
                                                        : 0;
  if (flags != allowed) fail("flags {:#x} of a row of int16 codes", run.flags);
  if (r.get(agu::kGroupsLast) != (compares16(op) ? 0 : 1) || window_taps(r) != 1)
    fail("a row is one walk for an extremum, else two, of one tap");
  if (channels < 1 || (channels + 3) / 4 != r.get(agu::kWordsLast) + 1)
    fail("a row of {} channels in {} words", channels, r.get(agu::kWordsLast) + 1);
}

/// What a softmax RUN must be.
void Machine::check_softmax(const VectorRegisters& r, const isa::Run& run) const {
  const std::int64_t channels = r.get(isa::vector::kChannels);
  if ((run.flags & ~(1 << isa::vector::kRescale)) != 0) fail("a softmax has one flag: rescale");
  if (run.has(isa::vector::kRescale) &&
      (r.get(post::kMultiplier) < 1 << 30 ||
       r.get(post::kMultiplier) > reference::SoftmaxParams::kMostRescale))
    fail("a softmax is rescaled by {}, allowed {}..{}", r.get(post::kMultiplier), 1 << 30,
         reference::SoftmaxParams::kMostRescale);
  if (output_of(r) != Output::kRequantized) fail("no lookup of a softmax");
  const bool kept = r.get(agu::kGroupsLast) == 0;
  if (!kept && r.get(agu::kGroupsLast) != 2) fail("a softmax has one or three passes");
  if (kept && r.get(agu::kWordsLast) >= isa::dma::kSoftmaxWords)
    fail("{} words of a softmax, lanes keep {}", r.get(agu::kWordsLast) + 1,
         isa::dma::kSoftmaxWords);
  if (channels < 1 || channels > 4095 || (channels + 3) / 4 != r.get(agu::kWordsLast) + 1)
    fail("a softmax of {} channels in {} words", channels, r.get(agu::kWordsLast) + 1);
  if (exponentials_[0] != INT32_MAX) fail("the first exponential is not 1");
  for (const std::uint32_t e : exponentials_)
    if (e > INT32_MAX) fail("an exponential of {:#x}, allowed up to 1", e);
}

void Machine::vector(const VectorRegisters& r, const isa::Run& run) {
  const bool wide = pairs_lanes(Engine::kVector, run);
  check_lanes(r, wide);
  if (wide) check_wide(r, run);
  Lanes lanes(r, config_.rows, 0, pairs_of(Engine::kVector, run));
  Tile tile;
  const std::int64_t tiles = r.get(agu::kTilesLast) + 1;
  const std::int64_t out_words = r.get(agu::kWordsLast) + 1;
  const auto op = static_cast<isa::vector::Op>(run.op);
  const bool invert = run.has(isa::vector::kInvert) && op != isa::vector::Op::kAdd16;
  const int taps = window_taps(r);
  const bool softmaxes = op == isa::vector::Op::kSoftmax, norm = op == isa::vector::Op::kNormalize;
  const isa::Code& operation = *isa::kVectorOps.find(Engine::kVector, run.op);
  if (operation.taps != 0 && taps != operation.taps)
    fail("{} taps of {}, which has {}", taps, operation.name, operation.taps);
  if (softmaxes) check_softmax(r, run);
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

/// What a normalization's registers, parameters and table say.
reference::NormParams Machine::norm_params(const VectorRegisters& r, const isa::Run& run) const {
  namespace vector = isa::vector;
  const std::int64_t channels = r.get(vector::kChannels);
  const std::int64_t first = r.get(vector::kParam);
  if ((run.flags & ~(1 << vector::kCenter)) != 1 << vector::kSingle)
    fail("a normalization has one rounding");
  if (output_of(r) != Output::kRequantized) fail("no lookup of a normalization");
  if (r.get(agu::kGroupsLast) != 1) fail("a normalization has two passes");
  if (channels < 1 || channels > 4096 || (channels + 3) / 4 != r.get(agu::kWordsLast) + 1)
    fail("{} channels in {} words", channels, r.get(agu::kWordsLast) + 1);
  check_entries(first + channels);
  reference::NormParams p;
  p.center = run.has(vector::kCenter);
  p.origin = field(r, post::kAddZeroA);
  p.count = static_cast<int>(channels);
  p.log2 = field(r, post::kShift);
  p.reciprocal = static_cast<std::int32_t>(r.get(post::kMultiplier));
  p.epsilon = r.get(vector::kBias);
  p.output = range_of(r);
  if (p.log2 < 0 || channels >> p.log2 != 1 || p.reciprocal > 1 << 30 || p.epsilon < 0)
    fail("constants that do not belong to the channels");
  if (p.center && p.origin != 127) fail("an origin that leaves negative distances");
  for (int i = 0; i < isa::dma::kExponentialWords; ++i)
    if (exponentials_[i] != reference::norm_entry(i, p.origin))
      fail("entry {} of the table is no normalization's", i);
  for (std::int64_t n = first; n < first + channels; ++n) {
    const std::uint64_t packed = scale_[n];
    const int shift = static_cast<int>(packed >> 31 & 31) - 32;
    if (shift < -31) fail("scale entry {} has shift {}, allowed -31..-1", n, shift);
    p.channels.push_back(
        {{unpack_scale(packed).multiplier, shift}, bias_[n], (packed >> 36 & 1) == 0});
  }
  return p;
}

/// Softmaxes one lane's codes over its channels.
std::vector<int> Machine::softmax(const VectorRegisters& r, bool rescales,
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

/// A normalization of each lane's channels, or, without `norm`, a softmax.
void Machine::over_channels(const VectorRegisters& r, const isa::Run& run,
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

void Machine::vector_word(const VectorRegisters& r, const isa::Run& run, const Lanes& lanes,
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
  const bool requantized = op == Op::kSum || pair;
  if (op == Op::kSquaredDifference && !unit.squares_fit()) fail("an operand's factor is above 1/2");
  if (output != Output::kRequantized && !requantized)
    fail("no output {} of vector operation {}", static_cast<int>(output), run.op);
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

/// LOGISTIC or TANH between the points of the lanes' tables, as rtl/results/trine_line.sv has it.
/// @param x  steps between two points are 512, with tanh 256
int Machine::on_line(std::int64_t x, bool tanh) const {
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

/// The exponential of x, 0 at most, between 513 points, of which an entry of the exponentials has
/// two, as rtl/results/trine_line.sv has it; the last one is 32767.
int Machine::exponential_on_line(std::int64_t x) const {
  const auto point = [&](std::int64_t n) -> std::int64_t {
    return exponentials_[n / 2] >> (n % 2 * 16) & 0xffff;
  };
  const std::int64_t place = 0xffff - std::min<std::int64_t>(std::abs(x), 0xffff), n = place >> 7;
  const std::int64_t next = n == 511 ? 32767 : point(n + 1);
  const std::int64_t rise = (next - point(n)) & 0x3ff;
  return static_cast<std::int16_t>(((point(n) << 9) + (place & 0x7f) * 4 * rise + 256) >> 9);
}

/// The reciprocal of the sum of a row's codes, which is that of high and of low bytes, as
/// rtl/results/trine_softmax_lane.sv has it.
ChannelScale Machine::share_of(std::int64_t high, std::int64_t low) const {
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

/// int16 codes over the channels of each pair's pixel: the largest or the smallest one, the
/// exponentials of what they are less than the largest, or their shares in the sum.
void Machine::row(const VectorRegisters& r, const isa::Run& run, const Lanes& lanes,
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
    std::array<int, 4> best{};  // of the channels in each byte
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
    // The bytes beyond the last channel are read, too.
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

/// A code of the five words of a pair of lanes.
std::int32_t Machine::five_code(const std::uint32_t* even, const std::uint32_t* odd,
                                const ChannelScale& s, const OutputRange& range, bool half_even) {
  const auto word = [](std::uint32_t w) { return std::int64_t{static_cast<std::int32_t>(w)}; };
  const auto sum = static_cast<std::uint64_t>(word(odd[0])) +
                   (static_cast<std::uint64_t>(word(even[0])) << 8) +
                   (static_cast<std::uint64_t>(word(even[1])) << 16) +
                   (static_cast<std::uint64_t>(word(even[2])) << 24) +
                   (static_cast<std::uint64_t>(word(odd[2])) << 32);
  return short_code(static_cast<std::int64_t>(sum << 16) >> 16, s, range, half_even);
}

/// A code of each pair's int32 words, 256 even + odd, of a second tap 65,536 even, of a third 2^24
/// even + 2^32 odd. With `single` the sum has 40 bits and the multiplier 15, of three taps 48. It
/// is its word's last: what lies above is zero.
void Machine::word_code(const VectorRegisters& r, const isa::Run& run, const Lanes& lanes,
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

/// Words of int16 codes: a lane's are the high bytes, the next one's the low ones. Sums take these
/// less 128, which the bias makes up for.
void Machine::wide_word(const VectorRegisters& r, const isa::Run& run, const Lanes& lanes,
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
    const bool other = op == Op::kLeaky16 && sum < -128;  // the high byte is below 0
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
