// SPDX-License-Identifier: Apache-2.0
//
// Random instructions of the compute and vector engine for the post unit: every kind of result and
// encoding, by plain loops over channels, and the jobs that offer them (trine_post_tb.cpp).

#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <random>
#include <vector>

#include "tb/golden/gather.h"
#include "tb/golden/parameters.h"
#include "tb/golden/ports.h"
#include "tb/golden/post.h"
#include "tb/golden/post_cfg.h"
#include "tb/golden/stimulus.h"

namespace trine::tb::post {

using namespace trine::golden;

constexpr unsigned kRows = TB_Rows, kCols = TB_Cols, kAddrBits = TB_AddrBits;
constexpr unsigned kChannels = TB_Channels, kMaxCols = std::max(kCols, 4u);
constexpr std::uint32_t kMask = (1u << kAddrBits) - 1;
// A result: mask, data, active lanes, addresses.
constexpr unsigned kWordData = 32, kWordLanes = kWordData + 32 * kRows,
                   kWordAddr = kWordLanes + kRows;

/// True for arrays as wide as `edge1024`.
constexpr bool kEdge1024 = kRows == 16 && kCols == 16;
/// Blocks of PEs that the unit knows; otherwise it treats several blocks as one.
#ifdef TB_PipeRows
constexpr bool kBlocks = true;
constexpr unsigned kPipeRows = TB_PipeRows, kPipeCols = TB_PipeCols;
#else
constexpr bool kBlocks = false;
constexpr unsigned kPipeRows = kRows, kPipeCols = kMaxCols;
#endif
#ifdef TB_Int16
constexpr bool kBetween = TB_Int16;  ///< vector jobs are taken between groups of a tile
#else
constexpr bool kBetween = false;
#endif
/// Number of seeds of the test of short tiles.
constexpr unsigned kShortSeeds = kEdge1024 ? 1000 : 200;
constexpr int kShortCycles = 500;

using Lanes = std::vector<std::uint32_t>;

/// One RUN: its configuration by value, and the memory after it.
struct Instruction {
  bool vector = false, drain = true;
  std::array<std::int64_t, cfg::kFields> cfg{};
  unsigned bits = 8;   ///< of a code in its word
  unsigned steps = 0;  ///< of each of its tiles; 0: drawn for each tile
  std::map<std::uint32_t, std::uint32_t> expected, mask;

  void write(std::uint32_t address, std::uint32_t data, std::uint32_t bits_written) {
    address &= kMask;
    expected[address] = (expected[address] & ~bits_written) | (data & bits_written);
    mask[address] |= bits_written;
  }
};

struct Job {
  std::size_t instruction = 0;
  Lanes out;
  std::vector<bool> active;
  bool tile_first = false, tile_last = false, first = false, last = false;
  std::vector<Lanes> columns;                      ///< compute: [column][lane]
  std::vector<std::array<std::int32_t, 4>> slots;  ///< vector: [lane]
  // The operands of the post unit in a softmax: [code or product][lane].
  bool reciprocal = false, normalize = false, tile_end = false;
  std::vector<Lanes> values, factors;
  Lanes shifts;
};

/// Random instructions of both engines, and the memory after each of them.
struct Work {
  std::mt19937 random;
  Lanes bias = Lanes(kChannels), multiplier = Lanes(kChannels), shift = Lanes(kChannels);
  std::array<int, 256> table{};
  std::map<std::uint32_t, std::uint32_t> memory;
  std::vector<Instruction> instructions;
  std::deque<Job> compute_jobs, vector_jobs;
  std::deque<std::size_t> compute_retires, vector_retires;
  std::uint32_t next_address = 0;
  bool far = false;  ///< words of a tile are far from each other
  bool promised_early = false;
  std::size_t early = 0;  ///< promises in the cycle before a job's results are taken

  explicit Work(unsigned seed) : random(seed) {
    for (unsigned c = 0; c < kChannels; ++c) {
      bias[c] = any_word(random);
      const Scale scale = random_scale(-30, 2);
      multiplier[c] = static_cast<std::uint32_t>(scale.multiplier);
      shift[c] = static_cast<std::uint32_t>(scale.shift) & 63;
    }
  }
  std::uint32_t draw(std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); }
  int uniform(int low, int high) {
    return low + static_cast<int>(draw(static_cast<std::uint32_t>(high - low + 1)));
  }
  int code() { return uniform(-128, 127); }
  /// Draws a value of any magnitude up to `bits` bits and the sign.
  std::int32_t magnitude(int bits) {
    return static_cast<std::int32_t>(random()) >> uniform(31 - bits, 31);
  }
  /// Draws a shift in this range; a fifth of the multipliers is small, so that each bit matters,
  /// and a fifth is a power of two, which produces halves.
  Scale random_scale(int low, int high) {
    Scale scale{static_cast<std::int32_t>(draw(1 << 30) | 1u << 30), uniform(low, high)};
    if (chance(random, 20)) scale.multiplier = 1 << 30;
    if (!chance(random, 20)) return scale;
    const int zeros = uniform(8, 22);
    scale.multiplier >>= zeros;
    scale.shift = std::min(scale.shift + zeros, 2);
    return scale;
  }

  void random_cfg(Instruction& i) {
    auto& c = i.cfg;
    c[cfg::kSingle] = draw(2);
    c[cfg::kHalfEven] = c[cfg::kSingle] != 0 ? draw(2) : 0;
    c[cfg::kZeroPoint] = code();
    c[cfg::kActMin] = chance(random, 50) ? -128 : code();
    c[cfg::kActMax] = chance(random, 50) ? 127 : uniform(static_cast<int>(c[cfg::kActMin]), 127);
    const Scale scale = random_scale(-28, 0);
    c[cfg::kMultiplier] = scale.multiplier;
    c[cfg::kShift] = scale.shift;
    c[cfg::kAddOperandMultiplier] = draw(1 << 30) | 1 << 30;
    c[cfg::kAddOperandShift] = uniform(-6, 0);
    c[cfg::kAddAIsHalf] = draw(2);
    c[cfg::kAddZeroA] = code();
    c[cfg::kAddZeroB] = code();
    c[cfg::kAddMultiplier] = draw(1 << 30) | 1 << 30;
    c[cfg::kAddShift] = uniform(-21, -17);
    c[cfg::kAddZeroPoint] = code();
    c[cfg::kAddActMin] = -128;
    c[cfg::kAddActMax] = chance(random, 50) ? 127 : code();
  }

  static Rounding rounding_of(const Instruction& i) {
    return i.cfg[cfg::kHalfEven] != 0 ? Rounding::kHalfEven
           : i.cfg[cfg::kSingle] != 0 ? Rounding::kSingle
                                      : Rounding::kDouble;
  }

  /// Looks up a code. Whole words, thresholds and codes with a residual are not looked up.
  int looked_up(const Instruction& i, int code) const {
    const auto kind = i.cfg[cfg::kKind];
    const bool may = kind == cfg::kRequant || kind == cfg::kAdd || kind == cfg::kMul;
    return may && i.cfg[cfg::kLookup] != 0 ? table[static_cast<std::uint8_t>(code)] : code;
  }
  int requantized(const Instruction& i, std::int32_t sum, const Scale& scale) const {
    const auto& c = i.cfg;
    const Range range{static_cast<int>(c[cfg::kZeroPoint]), static_cast<int>(c[cfg::kActMin]),
                      static_cast<int>(c[cfg::kActMax])};
    return looked_up(i, requantize(sum, scale, range, rounding_of(i)));
  }
  int multiplied(const Instruction& i, int a, int b) const {
    const auto& c = i.cfg;
    const int product =
        (a - static_cast<int>(c[cfg::kAddZeroA])) * (b - static_cast<int>(c[cfg::kAddZeroB]));
    return requantized(
        i, product,
        {static_cast<std::int32_t>(c[cfg::kMultiplier]), static_cast<int>(c[cfg::kShift])});
  }
  /// Returns the sum, or its square.
  int added(const Instruction& i, int a, int b) {
    const auto& c = i.cfg;
    const auto value = [&](cfg::Field f) { return static_cast<int>(c[f]); };
    const Scale half{1 << 30, 0};
    const Scale other{value(cfg::kAddOperandMultiplier), value(cfg::kAddOperandShift)};
    Add add;
    add.zero_a = value(cfg::kAddZeroA);
    add.zero_b = value(cfg::kAddZeroB);
    add.scale_a = value(cfg::kAddAIsHalf) != 0 ? half : other;
    add.scale_b = value(cfg::kAddAIsHalf) != 0 ? other : half;
    add.scale_sum = {value(cfg::kAddMultiplier), value(cfg::kAddShift)};
    add.range = {value(cfg::kAddZeroPoint), value(cfg::kAddActMin), value(cfg::kAddActMax)};
    if (c[cfg::kSquare] == 0) return looked_up(i, trine::golden::add(a, b, add, rounding_of(i)));
    const Range range{value(cfg::kZeroPoint), value(cfg::kActMin), value(cfg::kActMax)};
    return looked_up(i, squared_sum(a, b, add, {value(cfg::kMultiplier), value(cfg::kShift)}, range,
                                    rounding_of(i)));
  }

  /// Returns the value at a place of a word in two's complement, except for one bit, which is 0 or
  /// 1.
  static int place_value(std::uint32_t word, unsigned place, unsigned bits) {
    const std::uint32_t code = word >> place * bits & ((1u << bits) - 1);
    if (bits == 1) return static_cast<int>(code);
    return static_cast<int>(code << (32 - bits)) >> (32 - bits);
  }

  /// Returns what is added to channel n of a lane: its bias, or a sum in DMEM.
  std::uint32_t addend(const Instruction& i, std::uint32_t out, unsigned n) const {
    const auto& c = i.cfg;
    if (c[cfg::kSums] == 0) return bias[static_cast<unsigned>(c[cfg::kParam]) + n];
    const auto at = c[cfg::kResidualDelta] + std::int64_t{n} * c[cfg::kOutPlane];
    return memory_word((out + static_cast<std::uint32_t>(at)) & kMask);
  }

  /// Expects channel n of a lane: the code, its place, and zeros above the last channel.
  void expect_channel(Instruction& i, std::uint32_t out, unsigned n, std::int32_t acc) {
    const auto& c = i.cfg;
    const auto param = static_cast<unsigned>(c[cfg::kParam]);
    const auto plane = static_cast<std::uint32_t>(c[cfg::kOutPlane]);
    if (c[cfg::kKind] == cfg::kRaw) {
      i.write(out + n * plane, static_cast<std::uint32_t>(acc) + addend(i, out, n), ~0u);
      return;
    }
    const unsigned per_word = 32 / i.bits;
    const unsigned at = static_cast<unsigned>(c[cfg::kPosition]) + n, place = at % per_word;
    const std::uint32_t address = out + at / per_word * plane;
    const std::uint32_t residual_word =
        memory_word((address + static_cast<std::uint32_t>(c[cfg::kResidualDelta])) & kMask);
    const int residual = place_value(residual_word, place, i.bits);
    int code = 0;
    if (c[cfg::kKind] == cfg::kThreshold) {
      const unsigned passes = static_cast<unsigned>(c[cfg::kPassesLast]) + 1;
      code = static_cast<int>(c[cfg::kLow]);
      for (unsigned p = 0; p < passes; ++p) {
        const unsigned entry = param + n * passes + p;
        code += acc >= static_cast<std::int32_t>(bias[entry]) ? 1 : 0;
        code += acc >= static_cast<std::int32_t>(shift[entry] << 31 | multiplier[entry]) ? 1 : 0;
      }
    } else {
      Scale scale{static_cast<std::int32_t>(multiplier[param + n]),
                  static_cast<int>(shift[param + n] << 26) >> 26};
      if (c[cfg::kStaticScale] != 0)
        scale = {static_cast<std::int32_t>(c[cfg::kMultiplier]), static_cast<int>(c[cfg::kShift])};
      const auto sum =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(acc) + addend(i, out, n));
      code = requantized(i, sum, scale);
      if (c[cfg::kKind] == cfg::kFused && c[cfg::kMax] == 0) code = added(i, code, residual);
    }
    if (c[cfg::kMax] != 0) code = std::max(code, residual);
    const std::uint32_t low = ((std::uint32_t{1} << place * i.bits) - 1);
    const std::uint32_t here = ((1u << i.bits) - 1) << place * i.bits;
    i.write(address, static_cast<std::uint32_t>(code) << place * i.bits, here);
    if (n + 1 == static_cast<unsigned>(c[cfg::kChannels])) i.write(address, 0, ~(low | here));
  }

  /// Reserves words of `tiles` tiles that no other instruction writes. @return the address of the
  /// first word
  std::uint32_t place(Instruction& i, unsigned tiles, unsigned words) {
    constexpr std::uint32_t kPage = 1u << (kAddrBits - 4);  // far: each word on another page
    const std::uint32_t base = next_address,
                        gap = draw(far && instructions.empty() && words <= 3 ? 128 : 3);
    i.cfg[cfg::kOutPlane] = far ? (2 * draw(8) + 1) * kPage + gap : tiles * kRows + gap;
    next_address += far ? tiles * kRows + gap * words : (tiles * kRows + gap) * words;
    return base;
  }

  /// Sets the lanes' addresses of a tile: consecutive, after all previous ones.
  void tile_lanes(Job& job, std::uint32_t base, unsigned tile) {
    const bool all = chance(random, 60);
    for (unsigned l = 0; l < kRows; ++l) {
      job.out.push_back((base + tile * kRows + l) & kMask);
      job.active.push_back(all || chance(random, 60));
    }
  }

  /// Returns an encoding that the design has.
  unsigned draw_encoding() {
    const unsigned encoding = draw(3);
    return (encoding == 1 && !kTernary) || (encoding == 2 && !kBinary) ? 0 : encoding;
  }

  void add_compute() {
    Instruction i;
    auto& c = i.cfg;
    random_cfg(i);
    i.drain = !chance(random, 15);
    constexpr cfg::Kind kThird = kTernary || kBinary ? cfg::kThreshold : cfg::kRequant;
    constexpr cfg::Kind kinds[] = {cfg::kRequant, cfg::kRequant, cfg::kFused,
                                   cfg::kFused,   kThird,        cfg::kRaw};
    const cfg::Kind kind = kinds[draw(6)];
    c[cfg::kKind] = kind;
    const unsigned max_percent = kind == cfg::kFused ? 40 : kind == cfg::kThreshold ? 70 : 0;
    c[cfg::kMax] = chance(random, max_percent) ? 1 : 0;
    c[cfg::kLookup] = kTable ? draw(2) : 0;
    c[cfg::kEncoding] = kind == cfg::kThreshold || kind == cfg::kRequant ? draw_encoding() : 0;
    i.bits = c[cfg::kEncoding] == 0 ? 8 : c[cfg::kEncoding] == 1 ? 2 : 1;
    const unsigned passes = kind != cfg::kThreshold ? 1 : 1 + draw(chance(random, 80) ? 3 : 16);
    c[cfg::kPassesLast] = passes - 1;
    c[cfg::kLow] = i.bits == 8 ? uniform(-8, 8) : i.bits == 2 ? -1 : 0;
    c[cfg::kStaticScale] = draw(2);
    const unsigned per_word = kind == cfg::kRaw ? 1 : 32 / i.bits;
    const bool many = !far && chance(random, 5);
    const unsigned most = many ? kChannels : 3 * kCols + 2;
    const unsigned channels = 1 + draw(std::min(most, kChannels / passes));
    c[cfg::kChannels] = channels;
    c[cfg::kPosition] = chance(random, 50) ? draw(per_word) : 0;
    if (chance(random, c[cfg::kMax] != 0 ? 50 : 15))
      c[cfg::kPosition] = per_word - 1 - draw(std::min(per_word, 3u));
    c[cfg::kParam] = draw(kChannels - channels * passes + 1);
    c[cfg::kResidualDelta] = draw(kMask + 1);
    const bool sums = kSums && (kind == cfg::kRaw || kind == cfg::kRequant);
    c[cfg::kSums] = sums && chance(random, 60) ? 1 : 0;
    c[cfg::kWindow] = kWindow ? draw(2) : 0;
    add_tiles(i, many ? 1 : 1 + draw(3));
  }

  /// Adds requantized codes of short tiles with one or more groups. Their words end at the end of a
  /// group or inside of a group.
  void add_short_tiles() {
    Instruction i;
    auto& c = i.cfg;
    random_cfg(i);
    c[cfg::kKind] = cfg::kRequant;
    c[cfg::kStaticScale] = draw(2);
    c[cfg::kWindow] = kWindow ? draw(2) : 0;
    const unsigned channels =
        chance(random, 70) ? kCols * (1 + draw(3)) : 1 + draw(std::min(3 * kCols, kChannels));
    c[cfg::kChannels] = std::min(channels, kChannels);
    c[cfg::kEncoding] = draw_encoding();
    i.bits = c[cfg::kEncoding] == 0 ? 8 : c[cfg::kEncoding] == 1 ? 2 : 1;
    const unsigned per_word = 32 / i.bits;
    c[cfg::kPosition] = chance(random, 70) ? per_word - 1 - draw(4) : 0;
    c[cfg::kParam] = draw(kChannels - static_cast<unsigned>(c[cfg::kChannels]) + 1);
    i.steps = 1 + draw(1 + draw(20));
    add_tiles(i, 8 + draw(24));
  }

  /// Adds tiles of one group. The first code of a tile is the first code of a word.
  void add_groups(cfg::Kind kind, unsigned channels, unsigned passes, bool lookup, unsigned tiles) {
    Instruction i;
    auto& c = i.cfg;
    random_cfg(i);
    c[cfg::kKind] = kind;
    c[cfg::kLookup] = lookup ? 1 : 0;
    c[cfg::kPassesLast] = passes - 1;
    c[cfg::kChannels] = channels;
    c[cfg::kParam] = draw(kChannels - channels * passes + 1);
    i.steps = 1;
    add_tiles(i, tiles);
  }

  void add_tiles(Instruction& i, unsigned tiles) {
    auto& c = i.cfg;
    const auto kind = static_cast<cfg::Kind>(c[cfg::kKind]);
    const unsigned passes = static_cast<unsigned>(c[cfg::kPassesLast]) + 1;
    const unsigned per_word = kind == cfg::kRaw ? 1 : 32 / i.bits;
    const auto channels = static_cast<unsigned>(c[cfg::kChannels]);
    const unsigned cols = c[cfg::kWindow] != 0 ? 4 : kCols;  // of a group
    const unsigned groups = (channels + cols - 1) / cols;
    const unsigned words = (static_cast<unsigned>(c[cfg::kPosition]) + channels - 1) / per_word + 1;
    const std::uint32_t base = place(i, tiles, words);
    if (!i.drain) c[cfg::kKind] = cfg::kRequant;
    for (unsigned tile = 0; tile < (i.drain ? tiles : 1); ++tile) {
      Job lanes;
      tile_lanes(lanes, base, tile);
      for (unsigned group = 0; group < (i.drain ? groups : 1); ++group) {
        Job job = lanes;
        job.instruction = instructions.size();
        job.tile_first = group == 0;
        job.tile_last = !i.drain || group == groups - 1;
        job.first = tile == 0 && group == 0;
        job.last = !i.drain || (tile == tiles - 1 && group == groups - 1);
        for (unsigned col = 0; col < cols; ++col) {
          const unsigned n = group * cols + col;
          job.columns.emplace_back();
          for (unsigned l = 0; l < kRows; ++l) {
            // Sums of every magnitude that a left shift permits, whatever the bias.
            std::uint32_t acc =
                static_cast<std::uint32_t>(static_cast<std::int32_t>(random()) >> uniform(4, 31));
            if (n < channels && kind != cfg::kThreshold)
              acc -= addend(i, job.out[l], n);
            else if (n < channels && chance(random, 60))
              acc =
                  near_threshold(static_cast<unsigned>(c[cfg::kParam]) + n * passes + draw(passes));
            job.columns[col].push_back(acc);
            if (i.drain && n < channels && job.active[l])
              expect_channel(i, job.out[l], n, static_cast<std::int32_t>(acc));
          }
        }
        compute_jobs.push_back(job);
      }
    }
    compute_retires.push_back(instructions.size());
    instructions.push_back(i);
  }

  /// Returns one of an entry's two thresholds, or a value that differs by any power of two.
  std::uint32_t near_threshold(unsigned entry) {
    const std::uint32_t threshold =
        draw(2) != 0 ? bias[entry] : shift[entry] << 31 | multiplier[entry];
    const std::uint32_t distance = draw(3) == 0 ? 0 : 1u << draw(32);
    return draw(2) != 0 ? threshold + distance : threshold - distance;
  }

  Lanes any_lanes(int shift) {
    Lanes lanes(kRows);
    for (auto& value : lanes) value = any_word(random) >> shift;
    return lanes;
  }

  /// Normalizes a value: its product with the factor, rounded at bit 27, is combined with its
  /// channel's parameters; bit 5 of the shift is the sign of gamma.
  int normalized(const Instruction& i, std::uint32_t value, std::uint32_t factor,
                 unsigned channel) const {
    const std::int64_t product = std::int64_t{static_cast<std::int32_t>(value)} * factor;
    const auto n = static_cast<std::uint32_t>((product + (1 << 26)) >> 27);
    const std::uint32_t sum = ((shift[channel] & 32) == 0 ? 0 - n : n) + bias[channel];
    return requantized(i, static_cast<std::int32_t>(sum),
                       {static_cast<std::int32_t>(multiplier[channel]),
                        static_cast<int>(shift[channel] & 31) - 32});
  }

  /// Draws a value, often one whose product is near the channel's bias, so that each bit of both
  /// matters.
  std::uint32_t value_to_normalize(std::uint32_t factor, unsigned channel) {
    const auto sum = static_cast<std::uint32_t>(magnitude(24)) - bias[channel];
    const std::int64_t high = static_cast<std::int32_t>((shift[channel] & 32) == 0 ? 0 - sum : sum);
    const std::int64_t value = (high << 27) / factor;
    if (chance(random, 30) || value != static_cast<std::int32_t>(value)) return any_word(random);
    return static_cast<std::uint32_t>(value);
  }

  /// Adds a softmax: for each tile the products of its reciprocals, then words of codes. The last
  /// word has 1 to 4 codes.
  /// @param brief  true: a RUN has one tile of one or two words, mostly without the products, so
  /// that RUNs end often
  void add_softmax(bool brief = false) {
    Instruction i;
    auto& c = i.cfg;
    i.vector = true;
    random_cfg(i);
    const bool normalize = chance(random, brief ? 5 : 50);
    c[cfg::kKind] = cfg::kRequant;
    c[cfg::kSingle] = normalize ? 1 : 0;
    c[cfg::kHalfEven] = 0;
    c[cfg::kStaticScale] = c[cfg::kStaticBias] = 1;
    c[cfg::kChannels] = 0xffff;
    const unsigned tiles = brief ? 1 : 1 + draw(3), words = 1 + draw(brief ? 2 : 4);
    const unsigned last_codes = brief && chance(random, 80) ? 4 : 1 + draw(4);
    const bool bare = brief && !normalize && chance(random, 90);  // channels begin with products
    c[cfg::kParam] = draw(kChannels - 4 * words + 1);
    const std::uint32_t base = place(i, tiles, words);
    for (unsigned tile = 0; tile < tiles; ++tile) {
      Job products;
      tile_lanes(products, base, tile);
      const Job lanes = products;
      products.instruction = instructions.size();
      products.first = tile == 0;
      products.reciprocal = true;
      products.normalize = normalize;
      for (int n = 0; n < (normalize ? 9 : 7); ++n) {
        products.values.push_back(any_lanes(0));
        products.factors.push_back(any_lanes(1));
      }
      products.shifts = Lanes(kRows);
      if (!bare) vector_jobs.push_back(products);
      // Factors of each magnitude, and shifts that turn the tile's values into codes of some bits.
      Lanes factor(kRows), shifts(kRows);
      const int bits = uniform(8, 31);
      for (unsigned l = 0; l < kRows; ++l) {
        const int factor_bits = chance(random, 50) ? 31 : uniform(std::max(8, 34 - bits), 31);
        factor[l] = (draw(1u << 30) | 1u << 30) >> (31 - factor_bits);
        shifts[l] =
            static_cast<std::uint32_t>(std::clamp(uniform(33, 39) - bits - factor_bits, -32, -1));
      }
      for (unsigned word = 0; word < words; ++word) {
        Job job = lanes;
        job.instruction = instructions.size();
        job.normalize = normalize;
        job.tile_first = word == 0;
        job.tile_end = word == words - 1;
        job.last = tile == tiles - 1 && job.tile_end;
        job.shifts = shifts;
        for (unsigned b = 0; b < (word + 1 < words ? 4 : last_codes); ++b) {
          const auto channel = static_cast<unsigned>(c[cfg::kParam]) + 4 * word + b;
          job.values.emplace_back();
          for (unsigned l = 0; l < kRows; ++l)
            job.values[b].push_back(normalize ? value_to_normalize(factor[l], channel)
                                              : any_word(random) >> (32 - bits));
          job.factors.push_back(factor);
        }
        for (unsigned l = 0; l < kRows; ++l) {
          std::uint32_t result = 0;
          for (unsigned b = 0; b < job.values.size(); ++b) {
            const Scale scale{static_cast<std::int32_t>(factor[l]),
                              static_cast<int>(job.shifts[l])};
            const std::uint32_t code = job.values[b][l];
            const unsigned channel = static_cast<unsigned>(c[cfg::kParam]) + 4 * word + b;
            const int value = normalize ? normalized(i, code, factor[l], channel)
                                        : requantized(i, static_cast<std::int32_t>(code), scale);
            result |= static_cast<std::uint32_t>(value & 0xff) << 8 * b;
          }
          if (job.active[l])
            i.write(job.out[l] + word * static_cast<std::uint32_t>(c[cfg::kOutPlane]), result, ~0u);
        }
        vector_jobs.push_back(job);
      }
    }
    vector_retires.push_back(instructions.size());
    instructions.push_back(i);
  }

  void add_vector() {
    Instruction i;
    auto& c = i.cfg;
    i.vector = true;
    random_cfg(i);
    if (kSoftmax && chance(random, 30)) return add_softmax();
    const cfg::Kind kinds[] = {cfg::kRequant, cfg::kAdd, cfg::kMul, cfg::kDirect};
    const cfg::Kind kind = kinds[draw(4)];
    c[cfg::kKind] = kind;
    c[cfg::kLookup] = kTable ? draw(2) : 0;
    c[cfg::kSquare] = kind == cfg::kAdd ? draw(2) : 0;
    if (c[cfg::kSquare] != 0) {
      c[cfg::kAddOperandShift] = uniform(-6, -1);
      c[cfg::kShift] = uniform(-26, -18);
    }
    c[cfg::kStaticScale] = c[cfg::kStaticBias] = 1;
    c[cfg::kBias] = magnitude(22);
    c[cfg::kChannels] = 0xffff;
    const unsigned tiles = 1 + draw(3), words = 1 + draw(3);
    const std::uint32_t base = place(i, tiles, words);
    for (unsigned tile = 0; tile < tiles; ++tile) {
      Job lanes;
      tile_lanes(lanes, base, tile);
      for (unsigned word = 0; word < words; ++word) {
        Job job = lanes;
        job.instruction = instructions.size();
        job.tile_first = word == 0;
        job.first = tile == 0 && word == 0;
        job.last = tile == tiles - 1 && word == words - 1;
        for (unsigned l = 0; l < kRows; ++l) {
          std::array<std::int32_t, 4> slots{};
          std::uint32_t result = 0;
          for (unsigned b = 0; b < 4; ++b) {
            const int a = code(), second = code();
            int value = 0;
            if (kind == cfg::kRequant) {
              const std::int32_t sum = magnitude(22);
              slots[b] = sum - static_cast<std::int32_t>(c[cfg::kBias]);
              value = requantized(i, sum,
                                  {static_cast<std::int32_t>(c[cfg::kMultiplier]),
                                   static_cast<int>(c[cfg::kShift])});
            } else {
              slots[b] = (second & 0xff) << 8 | (a & 0xff);
              value = kind == cfg::kAdd   ? added(i, a, second)
                      : kind == cfg::kMul ? multiplied(i, a, second)
                                          : a;
            }
            result |= static_cast<std::uint32_t>(value & 0xff) << 8 * b;
          }
          job.slots.push_back(slots);
          if (job.active[l])
            i.write(job.out[l] + word * static_cast<std::uint32_t>(c[cfg::kOutPlane]), result, ~0u);
        }
        vector_jobs.push_back(job);
      }
    }
    vector_retires.push_back(instructions.size());
    instructions.push_back(i);
  }
};

}  // namespace trine::tb::post
