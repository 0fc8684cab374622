// SPDX-License-Identifier: Apache-2.0
//
// Post unit against plain loops over channels: random instructions of both engines at once, every
// kind of result and encoding, residuals, parts of words, while all its neighbours stall. The
// array's registers are overwritten as early as drain_ok_o allows. An instruction's words are
// compared when it retires; sometimes everything is dropped in the middle. A test of its own has
// short tiles, softmax RUNs of a word or two between their columns, and a scatter port that waits.

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <random>
#include <vector>

#include "Vtrine_post.h"
#include "tb/golden/gather.h"
#include "tb/golden/parameters.h"
#include "tb/golden/ports.h"
#include "tb/golden/post.h"
#include "tb/golden/post_cfg.h"
#include "tb/golden/stimulus.h"

using namespace trine::golden;

namespace {

constexpr unsigned kRows = TB_Rows, kCols = TB_Cols, kAddrBits = TB_AddrBits;
constexpr unsigned kChannels = TB_Channels, kMaxCols = std::max(kCols, 4u);
constexpr std::uint32_t kMask = (1u << kAddrBits) - 1;
// A result: mask, data, active lanes, addresses.
constexpr unsigned kWordData = 32, kWordLanes = kWordData + 32 * kRows,
                   kWordAddr = kWordLanes + kRows;

/// As wide as `edge1024`: blocks of eight rows and columns, as its pipeline has them.
constexpr bool kEdge1024 = kRows == 16 && kCols == 16;
/// Seeds of the test of short tiles.
constexpr unsigned kShortSeeds = kEdge1024 ? 1000 : 200;
constexpr int kShortCycles = 500;

using Lanes = std::vector<std::uint32_t>;

/// One RUN: its configuration by value, and the memory it must leave behind.
struct Instruction {
  bool vector = false, drain = true;
  std::array<std::int64_t, cfg::kFields> cfg{};
  unsigned bits = 8;   ///< of a code in its word
  unsigned steps = 0;  ///< of each of its tiles; 0: drawn for each
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
  // Softmax: what the post unit multiplies, [code or product][lane].
  bool reciprocal = false, normalize = false, tile_end = false;
  std::vector<Lanes> values, factors;
  Lanes shifts;
};

struct Bench {
  Vtrine_post dut;
  std::mt19937 random;
  Lanes bias = Lanes(kChannels), multiplier = Lanes(kChannels), shift = Lanes(kChannels);
  std::array<int, 256> table{};
  std::map<std::uint32_t, std::uint32_t> memory;
  std::vector<Instruction> instructions;
  std::deque<Job> compute_jobs, vector_jobs;
  std::deque<std::size_t> compute_retires, vector_retires;
  std::uint32_t next_address = 0;
  bool far = false;  ///< words of a tile lie far from each other
  bool was_soon = false, promised_early = false;
  std::size_t early = 0;  ///< promises in the cycle before a job's results are taken

  explicit Bench(unsigned seed) : random(seed) {
    for (unsigned c = 0; c < kChannels; ++c) {
      bias[c] = any_word(random);
      multiplier[c] = draw(1 << 30) | 1u << 30;
      shift[c] = static_cast<std::uint32_t>(uniform(-30, 2)) & 63;
    }
  }
  std::uint32_t draw(std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); }
  int uniform(int low, int high) {
    return low + static_cast<int>(draw(static_cast<std::uint32_t>(high - low + 1)));
  }
  int code() { return uniform(-128, 127); }

  void random_cfg(Instruction& i) {
    auto& c = i.cfg;
    c[cfg::kSingle] = draw(2);
    c[cfg::kHalfEven] = c[cfg::kSingle] != 0 ? draw(2) : 0;
    c[cfg::kZeroPoint] = code();
    c[cfg::kActMin] = chance(random, 50) ? -128 : code();
    c[cfg::kActMax] = chance(random, 50) ? 127 : uniform(static_cast<int>(c[cfg::kActMin]), 127);
    c[cfg::kMultiplier] = draw(1 << 30) | 1 << 30;
    c[cfg::kShift] = uniform(-28, -8);
    if (chance(random, 20)) {  // a small one, of which each bit shows
      const int zeros = uniform(8, 22);
      c[cfg::kMultiplier] >>= zeros;
      c[cfg::kShift] = std::min(c[cfg::kShift] + zeros, std::int64_t{2});
    }
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

  int looked_up(const Instruction& i, int code) const {
    return i.cfg[cfg::kLookup] != 0 ? table[static_cast<std::uint8_t>(code)] : code;
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
  /// The sum, or its square.
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

  /// A value in a place of a word: two's complement, but one bit is 0 or 1.
  static int place_value(std::uint32_t word, unsigned place, unsigned bits) {
    const std::uint32_t code = word >> place * bits & ((1u << bits) - 1);
    if (bits == 1) return static_cast<int>(code);
    return static_cast<int>(code << (32 - bits)) >> (32 - bits);
  }

  /// Channel n of a lane: the code, its place, and zeros above the last channel.
  void expect_channel(Instruction& i, std::uint32_t out, unsigned n, std::int32_t acc) {
    const auto& c = i.cfg;
    const auto param = static_cast<unsigned>(c[cfg::kParam]);
    const auto plane = static_cast<std::uint32_t>(c[cfg::kOutPlane]);
    if (c[cfg::kKind] == cfg::kRaw) {
      i.write(out + n * plane, static_cast<std::uint32_t>(acc) + bias[param + n], ~0u);
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
      const auto sum = static_cast<std::int32_t>(static_cast<std::uint32_t>(acc) + bias[param + n]);
      code = requantized(i, sum, scale);
      if (c[cfg::kKind] == cfg::kFused && c[cfg::kMax] == 0) code = added(i, code, residual);
    }
    if (c[cfg::kMax] != 0) code = std::max(code, residual);
    const std::uint32_t low = ((std::uint32_t{1} << place * i.bits) - 1);
    const std::uint32_t here = ((1u << i.bits) - 1) << place * i.bits;
    i.write(address, static_cast<std::uint32_t>(code) << place * i.bits, here);
    if (n + 1 == static_cast<unsigned>(c[cfg::kChannels])) i.write(address, 0, ~(low | here));
  }

  /// Room for words of `tiles` tiles, where no other instruction writes. @return where the first
  /// word lies
  std::uint32_t place(Instruction& i, unsigned tiles, unsigned words) {
    constexpr std::uint32_t kPage = 1u << (kAddrBits - 4);  // far: each word in another one
    const std::uint32_t base = next_address,
                        gap = draw(far && instructions.empty() && words <= 3 ? 128 : 3);
    i.cfg[cfg::kOutPlane] = far ? (2 * draw(8) + 1) * kPage + gap : tiles * kRows + gap;
    next_address += far ? tiles * kRows + gap * words : (tiles * kRows + gap) * words;
    return base;
  }

  /// Lanes' addresses of a tile, side by side, behind everything before.
  void tile_lanes(Job& job, std::uint32_t base, unsigned tile) {
    const bool all = chance(random, 60);
    for (unsigned l = 0; l < kRows; ++l) {
      job.out.push_back((base + tile * kRows + l) & kMask);
      job.active.push_back(all || chance(random, 60));
    }
  }

  void add_compute() {
    Instruction i;
    auto& c = i.cfg;
    random_cfg(i);
    i.drain = !chance(random, 15);
    const cfg::Kind kinds[] = {cfg::kRequant, cfg::kRequant,   cfg::kFused,
                               cfg::kFused,   cfg::kThreshold, cfg::kRaw};
    const cfg::Kind kind = kinds[draw(6)];
    c[cfg::kKind] = kind;
    const unsigned max_percent = kind == cfg::kFused ? 40 : kind == cfg::kThreshold ? 70 : 0;
    c[cfg::kMax] = chance(random, max_percent) ? 1 : 0;
    c[cfg::kLookup] = kTable && kind == cfg::kRequant ? draw(2) : 0;
    c[cfg::kEncoding] = kind == cfg::kThreshold || kind == cfg::kRequant ? draw(3) : 0;
    i.bits = c[cfg::kEncoding] == 0 ? 8 : c[cfg::kEncoding] == 1 ? 2 : 1;
    const unsigned passes = kind == cfg::kThreshold ? 1 + draw(3) : 1;
    c[cfg::kPassesLast] = passes - 1;
    c[cfg::kLow] = i.bits == 8 ? uniform(-8, 8) : i.bits == 2 ? -1 : 0;
    c[cfg::kStaticScale] = draw(2);
    const unsigned per_word = kind == cfg::kRaw ? 1 : 32 / i.bits;
    const unsigned channels = 1 + draw(std::min(3 * kCols + 2, kChannels / passes));
    c[cfg::kChannels] = channels;
    c[cfg::kPosition] = chance(random, 50) ? draw(per_word) : 0;
    if (chance(random, c[cfg::kMax] != 0 ? 50 : 15))
      c[cfg::kPosition] = per_word - 1 - draw(std::min(per_word, 3u));
    c[cfg::kParam] = draw(kChannels - channels * passes + 1);
    c[cfg::kResidualDelta] = draw(kMask + 1);
    c[cfg::kWindow] = kWindow ? draw(2) : 0;
    add_tiles(i, 1 + draw(3));
  }

  /// Requantized codes of short tiles, of one group or more, whose words end off the group.
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
    c[cfg::kPosition] = chance(random, 50) ? draw(4) : 0;
    c[cfg::kParam] = draw(kChannels - static_cast<unsigned>(c[cfg::kChannels]) + 1);
    i.steps = 1 + draw(1 + draw(20));
    add_tiles(i, 8 + draw(24));
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
            // Sums of every magnitude that a left shift allows, whatever the bias.
            std::uint32_t acc =
                static_cast<std::uint32_t>(static_cast<std::int32_t>(random()) >> uniform(4, 31));
            if (n < channels && kind != cfg::kThreshold)
              acc -= bias[static_cast<unsigned>(c[cfg::kParam]) + n];
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

  /// Equal to one of an entry's two thresholds, or off by any power of two.
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

  /// A value of a normalization: its product with the factor, from bit 24 on, meets its channel's
  /// parameters; bit 5 of the shift is the sign of gamma.
  int normalized(const Instruction& i, std::uint32_t value, std::uint32_t factor,
                 unsigned channel) const {
    const std::int64_t product = std::int64_t{static_cast<std::int32_t>(value)} * factor;
    const auto n = static_cast<std::uint32_t>(product >> 24);
    const std::uint32_t sum = ((shift[channel] & 32) == 0 ? ~n : n) + bias[channel];
    return requantized(i, static_cast<std::int32_t>(sum),
                       {static_cast<std::int32_t>(multiplier[channel]),
                        static_cast<int>(shift[channel] & 31) - 32});
  }

  /// For each tile the products of its reciprocals, then words, the last of 1 to 4 codes.
  /// @param brief  a word or two, mostly without the products: RUNs end often
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
      for (int n = 0; n < (normalize ? 8 : 7); ++n) {
        products.values.push_back(any_lanes(0));
        products.factors.push_back(any_lanes(1));
      }
      products.shifts = Lanes(kRows);
      if (!bare) vector_jobs.push_back(products);
      const Lanes factor = any_lanes(1);
      for (unsigned word = 0; word < words; ++word) {
        Job job = lanes;
        job.instruction = instructions.size();
        job.normalize = normalize;
        job.tile_first = word == 0;
        job.tile_end = word == words - 1;
        job.last = tile == tiles - 1 && job.tile_end;
        for (unsigned l = 0; l < kRows; ++l)
          job.shifts.push_back(static_cast<unsigned>(-23) - l % 10);
        for (unsigned b = 0; b < (word + 1 < words ? 4 : last_codes); ++b) {
          job.values.push_back(any_lanes(uniform(1, 8)));
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
    c[cfg::kLookup] = kTable && kind != cfg::kDirect ? draw(2) : 0;
    c[cfg::kSquare] = kind == cfg::kAdd ? draw(2) : 0;
    if (c[cfg::kSquare] != 0) {
      c[cfg::kAddOperandShift] = uniform(-6, -1);
      c[cfg::kShift] = uniform(-26, -18);
    }
    c[cfg::kStaticScale] = c[cfg::kStaticBias] = 1;
    c[cfg::kBias] = uniform(-5000, 5000);
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
              slots[b] = uniform(-400'000, 400'000);
              value = requantized(i, slots[b] + static_cast<std::int32_t>(c[cfg::kBias]),
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

  // ---- the neighbours ---------------------------------------------------------------------------
  unsigned percent = 100;  ///< of the cycles in which a neighbour moves
  unsigned scatter_percent = 100;
  int scatter_conflicts = 0;    ///< above 0: every word takes so many cycles more than one
  bool scatter_varies = false;  ///< up to so many
  int scatter_left = 0;
  bool go() { return chance(random, percent); }

  // The compute engine: a job is offered, its data follows.
  bool offered = false, granted = false;
  int jobs_taken = 0, data_taken = 0;
  std::deque<Job> coming;  // jobs offered (and taken) whose last step has not entered the array
  bool data = false;       // results in the drain registers, not taken
  int entering = 0;        // cycles until the next job's results are offered
  unsigned steps = 0;      // cycles in which the array is yet at the next job
  // PEs of blocks behind the first show a step later, by a cycle for each block in their way, and
  // the job is offered when the last row's do.
  unsigned pipe_rows = kRows, pipe_cols = kMaxCols;
  struct Overwrite {
    unsigned cycles = 0;  ///< since the last step entered
    std::vector<Lanes> columns;
  };
  std::deque<Overwrite> overwrites;
  std::vector<Lanes> columns = std::vector<Lanes>(kMaxCols, Lanes(kRows));
  // The vector engine.
  bool vector_offered = false, vector_reading = false;
  int overtaken = 0;  // times that the compute engine was first while it waited
  // Scatter port, parameters, residuals.
  struct Fetch {
    std::uint32_t pending = (1u << kRows) - 1;  ///< lanes that are yet to come
    Lanes data = Lanes(kRows);
  };
  bool scatter_busy = false, answered = false;
  std::deque<Fetch> fetches;  // residual words that were asked for
  std::uint32_t rsp_lanes = 0;
  int words = 0;
  // The softmax in front: codes or products taken, and whether its tile's last word is yet to
  // leave.
  std::size_t issued = 0;
  bool leaving = false;
  std::deque<std::pair<Lanes, Lanes>> products;  // on their way

  template <typename Port>
  void set_lanes(Port& port, const Job& job) {
    for (unsigned l = 0; l < kRows; ++l) {
      set_bits(port, l * kAddrBits, kAddrBits, job.out[l]);
      set_bits(port, kRows * kAddrBits + l, 1, job.active[l] ? 1 : 0);
    }
  }
  template <typename Port>
  void set_configuration(Port& port, const Job& job) {
    for (unsigned f = 0; f < cfg::kFields; ++f)
      set_cfg(port, static_cast<cfg::Field>(f), instructions[job.instruction].cfg[f]);
  }

  void drive_compute() {
    if (!offered && !compute_jobs.empty() && coming.size() < 2 &&
        (dut.c_status_o & status::kFetchBusy) == 0 && go()) {
      const Job& job = compute_jobs.front();
      coming.push_back(job);
      offered = true;
      set_lanes(dut.c_lanes_i, job);
      set_configuration(dut.c_job_i, job);
      set_job(dut.c_job_i, job::kTileFirst, job.tile_first);
      set_job(dut.c_job_i, job::kTileLast, job.tile_last);
      set_job(dut.c_job_i, job::kFirst, job.first);
      set_job(dut.c_job_i, job::kLast, job.last);
      set_job(dut.c_job_i, job::kDrain, instructions[job.instruction].drain);
    }
    dut.c_valid_i = offered;
    dut.c_results_i = (data ? 2 : 0) | (entering == 1 ? 1 : 0);  // valid, soon
  }
  /// Softmax: the next product, or code and the one behind it. What the tile's codes need holds
  /// until the last word has left, a product's factors until it is there.
  void drive_operands() {
    const bool offers = !vector_offered && !vector_reading && !vector_jobs.empty() &&
                        !vector_jobs.front().values.empty() && !leaving && products.empty();
    dut.softmax_valid_i = offers && go();
    const std::size_t count = offers ? vector_jobs.front().values.size() : 0;
    const bool normalize = offers && vector_jobs.front().normalize;
    const bool pair = kDrain == 2 && !normalize && issued + 1 < count;
    if (offers) {
      const Job& job = vector_jobs.front();
      const bool word_end = issued + (pair ? 2 : 1) == count, tile_end = word_end && job.tile_end;
      set_lanes(dut.v_lanes_i, job);
      set_configuration(dut.v_job_i, job);
      set_softmax(dut.softmax_i, softmax::kNormalize, normalize ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kReciprocal, job.reciprocal ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kSlot, issued & 3);
      set_softmax(dut.softmax_i, softmax::kPair, pair ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kWordFirst, job.tile_first ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kWordEnd, word_end ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kTileEnd, tile_end ? 1 : 0);
      set_softmax(dut.softmax_i, softmax::kRunEnd, tile_end && job.last ? 1 : 0);
    }
    for (unsigned l = 0; l < kRows; ++l) {
      for (unsigned d = 0; d < kDrain; ++d)
        set_bits(dut.softmax_acc_i, 32 * (d * kRows + l), 32,
                 issued + d < count ? vector_jobs.front().values[issued + d][l] : any_word(random));
      if (leaving || !products.empty()) continue;
      set_bits(dut.factors_i, 6 * kRows + 31 * l, 31,
               offers ? vector_jobs.front().factors[issued][l] : any_word(random) >> 1);
      set_bits(dut.factors_i, 6 * l, 6, offers ? vector_jobs.front().shifts[l] & 63 : draw(64));
    }
  }
  void check_products() {
    if ((dut.softmax_o & status::kLeft) != 0) {
      REQUIRE(leaving);
      leaving = false;
      vector_jobs.pop_front();
    }
    if ((dut.softmax_o & status::kIssue) != 0) {
      REQUIRE(dut.softmax_valid_i != 0);
      const Job& job = vector_jobs.front();
      if (job.reciprocal) products.push_back({job.values[issued], job.factors[issued]});
      issued += !job.reciprocal && get_softmax(dut.softmax_i, softmax::kPair) ? 2 : 1;
      if (issued == job.values.size()) {
        issued = 0;
        leaving = job.tile_end;
        if (!leaving) vector_jobs.pop_front();
      }
    }
    if ((dut.softmax_o & status::kProduct) == 0) return;
    if (products.empty()) return;  // of a program that was dropped
    for (unsigned l = 0; l < kRows; ++l) {
      const std::int64_t product =
          std::int64_t{static_cast<std::int32_t>(products.front().first[l])} *
          products.front().second[l];
      REQUIRE(get_bits(dut.product_o, 42 * l, 42) ==
              static_cast<std::uint64_t>(product) << 2 >> 22);
    }
    products.pop_front();
  }

  void drive_vector() {
    if (!vector_offered && !vector_reading && !vector_jobs.empty() &&
        vector_jobs.front().values.empty() && go()) {
      const Job& job = vector_jobs.front();
      vector_offered = true;
      set_lanes(dut.v_lanes_i, job);
      set_configuration(dut.v_job_i, job);
      set_job(dut.v_job_i, job::kTileFirst, job.tile_first);
      set_job(dut.v_job_i, job::kTileLast, true);
      set_job(dut.v_job_i, job::kFirst, job.first);
      set_job(dut.v_job_i, job::kLast, job.last);
      set_job(dut.v_job_i, job::kDrain, true);
      for (unsigned l = 0; l < kRows; ++l)
        for (unsigned b = 0; b < 4; ++b)
          set_bits(dut.v_slots_i, 96 * l + 24 * b, 24,
                   job.slots.empty() ? any_word(random) & 0xffffff
                                     : static_cast<std::uint32_t>(job.slots[l][b]) & 0xffffff);
    } else if (!vector_offered && !vector_reading) {  // nobody may look at the slots now
      for (unsigned l = 0; l < kRows; ++l)
        set_bits(dut.v_slots_i, 96 * l, 64, any_word(random) * 0x100000001ull);
    }
    dut.v_valid_i = vector_offered;
  }
  void drive_ports() {
    dut.s_empty_i = !scatter_busy;
    const bool conflicts = scatter_conflicts > 0;
    dut.s_ready_i =
        !scatter_busy || (conflicts ? scatter_left == 0 : chance(random, scatter_percent));
    if (scatter_left > 0) --scatter_left;
    dut.p_ready_i = dut.p_lock_o != 0 || go();
    dut.r_ready_i = go();
    // A residual's lanes come in pieces, the last with done.
    rsp_lanes = 0;
    dut.rsp_done_i = 0;
    if (!fetches.empty() && go()) {
      std::uint32_t& pending = fetches.front().pending;
      rsp_lanes = chance(random, 60) ? pending : pending & draw(1u << kRows);
      pending &= ~rsp_lanes;
      if (pending == 0) dut.rsp_done_i = 1;
    }
    set_bits(dut.rsp_lanes_i, 0, kRows, rsp_lanes);
    for (unsigned l = 0; l < kRows; ++l)
      set_bits(dut.rsp_data_i, 32 * l, 32,
               (rsp_lanes >> l & 1) != 0 ? fetches.front().data[l] : any_word(random));
  }
  unsigned job_delay() const { return kPeStages + (kRows - 1) / pipe_rows; }
  void overwrite_columns() {
    for (Overwrite& o : overwrites) {
      for (unsigned col = 0; col < kMaxCols; ++col)
        for (unsigned l = 0; l < kRows; ++l)
          if (o.cycles == kPeStages + l / pipe_rows + col / pipe_cols)
            columns[col][l] = col < o.columns.size() ? o.columns[col][l] : any_word(random);
      ++o.cycles;
    }
    const unsigned last = kPeStages + (kRows - 1) / pipe_rows + (kMaxCols - 1) / pipe_cols;
    while (!overwrites.empty() && overwrites.front().cycles > last) overwrites.pop_front();
  }
  /// The array: column_i follows col_o. Behind the last column is none.
  void drive_column() {
    for (unsigned i = 0; i < kDrain * kRows; ++i) {
      const unsigned col = static_cast<unsigned>(dut.col_o) + i / kRows;
      set_bits(dut.column_i, 32 * i, 32,
               col < columns.size() ? columns[col][i % kRows] : any_word(random));
    }
  }

  void check_retired(std::deque<std::size_t>& retires) {
    REQUIRE(!retires.empty());
    const Instruction& i = instructions[retires.front()];
    retires.pop_front();
    for (const auto& [address, data_expected] : i.expected) {
      CAPTURE(i.vector, i.cfg[cfg::kKind], i.cfg[cfg::kMax], i.cfg[cfg::kEncoding], address);
      const std::uint32_t written = i.mask.at(address);
      REQUIRE((memory[address] & written) == data_expected);
      // What was not to be written still holds what a word holds at first.
      REQUIRE((memory[address] & ~written) == (memory_word(address + 77) & ~written));
      ++words;
    }
  }

  void cycle() {
    drive_compute();
    drive_vector();
    drive_operands();
    drive_ports();
    dut.eval();
    drive_column();
    dut.eval();
    check_products();

    // The last step of the job that comes next enters when the registers were free before, or, with
    // a promise, as the results in them are taken.
    const bool taken = data && dut.c_data_ready_o != 0;
    const bool waiting = !coming.empty() && !data && entering == 0;
    const bool pass = !coming.empty() && (!data || taken) && entering == 0 && granted &&
                      steps == 0 && !(offered && coming.size() == 1 && dut.c_valid_i == 0) && go();
    if (steps > 0) --steps;
    const bool promised = (dut.c_status_o & status::kDrainSoon) != 0;
    const bool soon = !coming.empty() && promised;
    const bool grants = soon || (waiting && (dut.c_status_o & status::kDrainOk) != 0);
    if (promised_early) REQUIRE(taken);
    promised_early = promised && !data;
    if (promised_early) {
      REQUIRE(entering == 1);
      REQUIRE(jobs_taken + (dut.c_valid_i & dut.c_ready_o) == data_taken + 1);
      ++early;
    }
    if (was_soon) REQUIRE(dut.p_lock_o != 0);  // the next tile enters: parameters may not wait
    was_soon = promised && data;

    if ((dut.c_status_o & status::kRetire) != 0) check_retired(compute_retires);
    if ((dut.v_status_o & status::kVectorRetire) != 0) check_retired(vector_retires);
    if (dut.s_valid_o != 0 && dut.s_ready_i != 0) {
      for (unsigned l = 0; l < kRows; ++l) {
        if (get_bits(dut.s_word_o, kWordLanes + l, 1) == 0) continue;
        const auto address = static_cast<std::uint32_t>(
            get_bits(dut.s_word_o, kWordAddr + l * kAddrBits, kAddrBits));
        const auto [word, inserted] = memory.try_emplace(address, memory_word(address + 77));
        const auto mask = static_cast<std::uint32_t>(get_bits(dut.s_word_o, 0, 32));
        word->second =
            (word->second & ~mask) |
            (static_cast<std::uint32_t>(get_bits(dut.s_word_o, kWordData + 32 * l, 32)) & mask);
        (void)inserted;
      }
      scatter_busy = true;
      scatter_left = scatter_varies ? uniform(0, scatter_conflicts) : scatter_conflicts;
    } else if (dut.s_ready_i != 0) {
      scatter_busy = false;
    }
    const bool parameters = dut.p_valid_o != 0 && dut.p_ready_i != 0;
    const unsigned channel = static_cast<unsigned>(dut.p_channel_o) % kChannels;
    if (dut.rsp_done_i != 0) fetches.pop_front();
    if (dut.r_valid_o != 0 && dut.r_ready_i != 0) {
      REQUIRE(fetches.size() < kDrain);
      Fetch& fetch = fetches.emplace_back();
      for (unsigned l = 0; l < kRows; ++l)
        fetch.data[l] = get_bits(dut.r_lanes_o, kRows * kAddrBits + l, 1) == 0
                            ? 0
                            : memory_word(static_cast<std::uint32_t>(
                                  get_bits(dut.r_lanes_o, l * kAddrBits, kAddrBits)));
    }
    const bool job_taken = dut.c_valid_i != 0 && dut.c_ready_o != 0;
    if (taken) {
      REQUIRE(jobs_taken + (job_taken ? 1 : 0) == ++data_taken);  // data not before its job
      data = false;
    }
    if (job_taken) {
      compute_jobs.pop_front();
      offered = false;
      ++jobs_taken;
    }
    // A waiting tile of the vector engine goes, round robin, behind one instruction of the other.
    if (job_taken && get_job(dut.c_job_i, job::kFirst) && get_job(dut.c_job_i, job::kDrain) &&
        dut.v_valid_i != 0)
      REQUIRE(++overtaken <= 1);
    if (dut.v_ready_o != 0) overtaken = 0;
    if ((dut.v_status_o & status::kDone) != 0) {
      REQUIRE(vector_reading);
      vector_reading = false;
    }
    if (dut.v_valid_i != 0 && dut.v_ready_o != 0) {
      vector_jobs.pop_front();
      vector_offered = false;
      vector_reading = true;
    }

    dut.clk_i = 1;
    dut.eval();
    dut.clk_i = 0;
    if (parameters) {
      for (unsigned d = 0; d < kDrain; ++d) {
        const unsigned c = (channel + d) % kChannels;
        set_bits(dut.params_i, 37 * kDrain + 32 * d, 32, bias[c]);
        set_bits(dut.params_i, 6 * kDrain + 31 * d, 31, multiplier[c]);
        set_bits(dut.params_i, 6 * d, 6, shift[c]);
      }
    }
    // After the stages of a PE a tile's data is offered; one cycle later, it is in the registers.
    overwrite_columns();
    if (pass) {
      const unsigned tile_steps = instructions[coming.front().instruction].steps;
      steps = tile_steps > 0 ? tile_steps - 1 : chance(random, 50) ? 0 : draw(200);
      overwrites.push_back({1, coming.front().columns});
      coming.pop_front();
      entering = static_cast<int>(job_delay());
      granted = false;
    } else if (grants) {
      granted = true;
    }
    if (entering > 0 && --entering == 0) data = true;
  }

  bool done() const {
    return compute_jobs.empty() && vector_jobs.empty() && compute_retires.empty() &&
           vector_retires.empty();
  }
  void drop() {
    dut.clear_i = dut.p_ready_i = 1;
    dut.c_results_i = dut.rsp_done_i = 0;
    set_bits(dut.rsp_lanes_i, 0, kRows, 0);
    dut.eval();
    dut.clk_i = 1;
    dut.eval();
    dut.clk_i = 0;
    dut.clear_i = 0;
    dut.eval();
  }
  /// The table, while what was dropped may still be on its way to it.
  void load_table() {
    for (auto& code : table) code = this->code();
    for (unsigned entry = 0; entry < table.size(); ++entry) {
      const unsigned code = static_cast<std::uint8_t>(table[entry]);
      set_bits(dut.table_i, 0, 17, 1u << 16 | entry << 8 | code);
      cycle();
    }
    set_bits(dut.table_i, 0, 17, 0);
  }
  /// Everything that is on its way is forgotten, here and there.
  void restart() {
    drop();
    memory.clear();
    instructions.clear();
    compute_jobs.clear();
    vector_jobs.clear();
    compute_retires.clear();
    vector_retires.clear();
    coming.clear();
    products.clear();
    issued = 0;
    leaving = false;
    offered = granted = data = vector_offered = vector_reading = scatter_busy = false;
    fetches.clear();
    overwrites.clear();
    pipe_rows = kEdge1024 ? 8 : chance(random, 50) ? kRows : 1 + draw(kRows);
    pipe_cols = kEdge1024            ? 8
                : chance(random, 50) ? kMaxCols
                                     : kDrain + draw(kMaxCols - kDrain + 1);
    entering = 0;
    was_soon = promised_early = false;
    jobs_taken = data_taken = overtaken = 0;
    next_address = draw(kMask + 1);
    far = kRows <= 4 && kCols <= 4 && chance(random, 50);
    load_table();
  }
};

}  // namespace

TEST_CASE("trine_post packs and scatters what each channel's sum becomes", "[tb][post]") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto percent = GENERATE(100u, 60u, 25u);
  const auto source = GENERATE(1, 2, 3);  // bit 0: compute, bit 1: vector
  Bench b(seed);
  b.percent = percent;
  b.dut.rst_ni = 0;
  b.drop();
  b.dut.rst_ni = 1;
  for (int episode = 0; episode < 16; ++episode) {
    b.scatter_percent = chance(b.random, 30) ? 8 : percent;
    b.scatter_conflicts = chance(b.random, 25) ? b.uniform(1, 9) : 0;
    b.restart();
    // After a drop of both, often one of them alone.
    const int now = source == 3 && chance(b.random, 40) ? b.uniform(1, 2) : source;
    for (int n = 0; n < 8; ++n) {
      if ((now & 1) != 0) b.add_compute();
      if ((now & 2) != 0) b.add_vector();
    }
    const int end = chance(b.random, 40) ? b.uniform(1, 300) : 100'000;
    for (int cycle = 0; !b.done() && cycle < end; ++cycle) {
      CAPTURE(seed, percent, source, episode, cycle, b.compute_jobs.size(), b.vector_jobs.size());
      REQUIRE(cycle < 30'000);
      b.cycle();
    }
  }
  CHECK(b.words > 80);
  // A window's groups follow each other closely where nothing is in the way.
  if (kWindow && kDrain == 2 && source == 1 && percent == 100) CHECK(b.early > 0);
}

/// What a promise to the array must foresee: tiles of 1 to 20 steps, so that the next one's results
/// come while columns are read, and between the columns words that end a RUN, each of which stops
/// the lanes until the scatter port, which waits for banks, has taken it.
TEST_CASE("trine_post's short tiles are read in time beside softmax RUNs", "[tb][post]") {
  const auto seed = GENERATE(Catch::Generators::range(1u, kShortSeeds + 1));
  Bench b(seed);
  b.percent = chance(b.random, 90) ? 100 : 60;
  b.scatter_conflicts = b.uniform(1, 8);
  b.scatter_varies = true;
  b.dut.rst_ni = 0;
  b.drop();
  b.dut.rst_ni = 1;
  b.restart();
  b.far = false;
  for (int cycle = 0; cycle < kShortCycles || !b.done(); ++cycle) {
    CAPTURE(seed, b.percent, b.scatter_conflicts, b.pipe_rows, b.pipe_cols, cycle);
    REQUIRE(cycle < 30'000);
    if (cycle < kShortCycles && b.compute_jobs.empty()) b.add_short_tiles();
    if (cycle < kShortCycles && kSoftmax && b.vector_jobs.empty()) b.add_softmax(true);
    b.cycle();
  }
  CHECK(b.words > 10);
}
