// SPDX-License-Identifier: Apache-2.0

#include "tools/random/random_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include "spec/group_rows.h"
#include "spec/minifloat.h"
#include "spec/packed.h"
#include "spec/precision.h"
#include "sw/compiler/schedule/schedule.h"
#include "sw/reference/ops/norm.h"
#include "sw/reference/quantized_params.h"

namespace trine::fuzz {
namespace {

using compiler::Instruction;
using compiler::Region;
using compiler::Space;
using isa::Engine;
namespace agu = isa::agu;
namespace post = isa::post;

/// Scale memory: the largest left shift that overflows no accumulator of a program (see Sum).
constexpr int kLargestShift = 6;

constexpr int kOrigin = -77;  ///< of RMSNorms

int bits_of(std::int64_t magnitude) {
  int bits = 0;
  while (magnitude >> bits != 0) ++bits;
  return bits;
}

/// A map in DMEM.
struct Shape {
  int H = 0, W = 0, words = 0, pitch = 0, plane = 0, base = 0;

  Region region() const { return {Space::kDmem, base, (H - 1) * pitch + W, plane, words}; }
  int size() const { return plane * (words - 1) + (H - 1) * pitch + W; }
};

struct Lanes {
  Shape in, out;
};

class Generator {
 public:
  Generator(const spec::Config& config, unsigned seed)
      : config_(config), seed_(seed), random_(seed) {
    beat_ = config.data_words();
    // Ternary values need three codes: weights, and a quarter of DMEM that nothing overwrites.
    ternary_ = config.ternary && (seed % 3 == 0 || !(config.int8 || config.binary));
  }

  RandomProgram make(int instructions) {
    result_.program.config = config_;
    result_.program.config_hash = config_.hash();
    result_.program.name = fmt::format("random{}", seed_);
    result_.program.layers.push_back({"all", "RANDOM", 0, ""});
    first_loads();
    // Instructions that need a feature that the design lacks are not added.
    for (int i = 0, tries = 0; i < instructions && tries < 100 * instructions; ++tries) {
      const std::size_t before = result_.instructions.size();
      if (any() && result_.instructions.size() > before) ++i;
    }
    store_all();
    finish();
    return std::move(result_);
  }

 private:
  // ---- draws ------------------------------------------------------------------------------------
  int draw(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  int between(int low, int high) { return low + draw(high - low + 1); }
  bool chance(int percent) { return draw(100) < percent; }
  int code() {
    static constexpr int kCorners[] = {-128, 127, 0, -1};
    return chance(20) ? kCorners[draw(4)] : between(-128, 127);
  }
  std::int64_t multiplier() {
    static constexpr std::int64_t kCorners[] = {1 << 30, 0x7fffffff, 0x40000001, 0};
    return chance(10) ? kCorners[draw(4)] : std::int64_t{1} << 30 | random_() >> 2;
  }
  /// Draws a shift: half of the shifts scale sums of that magnitude to about int8, the others are
  /// any legal shift.
  int shift(int sum_bits) {
    const int largest = std::min(30, 30 - sum_bits);
    if (chance(30)) return between(-31, largest);
    return between(std::clamp(4 - sum_bits, -31, largest), std::clamp(10 - sum_bits, -31, largest));
  }

  // ---- loads and stores -------------------------------------------------------------------------
  /// Returns true if the design has the features that the instruction needs.
  bool is_supported(Engine engine, const Instruction& i) const {
    const unsigned features = config_.features();
    const auto runs = [&](isa::Word word) {
      return isa::fault_of(word, features) == isa::Fault::kNone;
    };
    const unsigned read = isa::registers_read(engine, i.registers, i.run);
    for (int r = 0; r < isa::kRegisters; ++r)
      if ((read >> r & 1) != 0 &&
          !runs(isa::encode_set(engine, r, i.registers.value[static_cast<std::size_t>(r)])))
        return false;
    return runs(isa::encode_run(engine, i.run));
  }

  void add(Engine engine, Instruction instruction) {
    if (!is_supported(engine, instruction)) return;
    instruction.engine = engine;
    result_.instructions.push_back(std::move(instruction));
    result_.program.run_layer.push_back(0);
  }

  /// Lays out DRAM: images of DMEM, PMEM, biases, scales and tables (all loaded), then an area for
  /// stores.
  void first_loads() {
    const std::int64_t channels = config_.param_channels;
    pmem_image_rows_ = config_.pmem_rows() / config_.rows_per_beat() * config_.rows_per_beat();
    pmem_at_ = 4LL * config_.dmem_words();
    bias_at_ = pmem_at_ + 4 * config_.pmem_dram_words(pmem_image_rows_);
    scales_at_ = bias_at_ + 4 * channels;
    table_at_ = scales_at_ + 8 * channels;
    exponentials_at_ = table_at_ + 4 * isa::dma::kTableWords;
    const std::int64_t end = make_streams(exponentials_at_ + 3LL * 4 * isa::dma::kExponentialWords);
    store_at_ = (end + 4095) / 4096 * 4096;
    load(isa::dma::Target::kDmem, 0, 0, config_.dmem_words());
    load(isa::dma::Target::kPmem, pmem_at_, 0, config_.pmem_dram_words(pmem_image_rows_));
    load(isa::dma::Target::kBias, bias_at_, 0, channels);
    load(isa::dma::Target::kScale, scales_at_, 0, 2 * channels);
    load(isa::dma::Target::kTable, table_at_, 0, isa::dma::kTableWords);
    load(isa::dma::Target::kExponentials, exponentials_at_, 0, isa::dma::kExponentialWords);
  }

  /// Packs weights into two streams of each kind. @return the byte after them
  std::int64_t make_streams(std::int64_t at) {
    using isa::dma::Target;
    for (std::size_t n = 0; n < 2 * spec::kStreams.size(); ++n) {
      Stream s{spec::kStreams.at(n / 2), at, between(1, std::min(40, config_.pmem_rows())), {}};
      if (!spec::unpacks(config_, s.target)) continue;
      const int bits = between(1, 7);
      std::vector<std::uint8_t> rows(static_cast<std::size_t>(4 * config_.cols * s.rows));
      for (std::uint8_t& byte : rows) {
        byte = static_cast<std::uint8_t>(between(-1 << bits, (1 << bits) - 1));
        if (s.target == Target::kPalette) byte &= 0x55;
        if (ternary_ || s.target == Target::kTrits) byte = no_high_only(byte);
      }
      if (s.target == Target::kSparse) keep_two_of_four(rows);
      s.bytes = *spec::packed(s.target, rows, config_.data_bytes());
      at += static_cast<std::int64_t>(s.bytes.size());
      streams_.push_back(std::move(s));
    }
    return at;
  }

  /// Names some of the cores, or none, which means all.
  void name_cores(isa::TransferRegisters& r) {
    if (config_.cores == 1) return;
    if (chance(80)) r.set(isa::dma::kCores, draw(256));
    r.set(isa::dma::kFromCore, draw(8));
  }

  /// Returns rows of `words` words from byte `dram`, for some cores.
  isa::TransferRegisters rows_of(std::int64_t dram, int local, int words, int rows,
                                 int local_stride, int dram_stride) {
    isa::TransferRegisters r;
    r.set(isa::dma::kDram, dram);
    r.set(isa::dma::kLocal, local);
    r.set(isa::dma::kWords, words);
    r.set(isa::dma::kRowsLast, rows - 1);
    r.set(isa::dma::kLocalStride, local_stride);
    r.set(isa::dma::kDramStride, dram_stride);
    name_cores(r);
    return r;
  }

  void load_stream() {
    const Stream& s = streams_[static_cast<std::size_t>(draw(static_cast<int>(streams_.size())))];
    Instruction i;
    isa::TransferRegisters r;
    const int local = draw(config_.pmem_rows() - s.rows + 1);
    const auto bytes = static_cast<std::int64_t>(s.bytes.size());
    r.set(isa::dma::kDram, s.at);
    r.set(isa::dma::kLocal, local);
    r.set(isa::dma::kWords, bytes / 4);
    r.set(isa::dma::kRowsLast, s.rows - 1);
    r.set(isa::dma::kLocalStride, draw(9));  // not read, like the next one
    r.set(isa::dma::kDramStride, 8 * draw(9));
    name_cores(r);
    i.registers = r;
    i.run.op = static_cast<int>(s.target);
    i.reads.push_back({Space::kDram, s.at, bytes, 0, 1});
    i.writes.push_back({Space::kPmem, local, s.rows, 0, 1});
    add(Engine::kLoad, std::move(i));
  }

  /// Loads consecutive words. @param words  in DRAM
  void load(isa::dma::Target target, std::int64_t dram, std::int64_t local, std::int64_t words) {
    Instruction i;
    isa::TransferRegisters r;
    r.set(isa::dma::kDram, dram);
    r.set(isa::dma::kLocal, local);
    r.set(isa::dma::kWords, words);
    i.registers = r;
    i.run.op = static_cast<int>(target);
    i.reads.push_back({Space::kDram, dram, 4 * words, 0, 1});
    const bool pmem = target == isa::dma::Target::kPmem;
    const std::int64_t units =
        pmem ? words / beat_ / config_.beats_per_row() * config_.rows_per_beat()
             : words / (target == isa::dma::Target::kScale ? 2 : 1);
    // Biases and scales share one address space, in entries.
    static constexpr Space kSpaces[] = {Space::kDmem,   Space::kPmem,  Space::kParams,
                                        Space::kParams, Space::kTable, Space::kExponentials};
    if (target == isa::dma::Target::kPoints)
      i.writes.push_back({Space::kTable, 0, isa::dma::kTableWords, 0, 1});
    else
      i.writes.push_back({kSpaces[static_cast<int>(target)], local, units, 0, 1});
    add(Engine::kLoad, std::move(i));
  }

  void load_weights() {
    const int unit = config_.rows_per_beat();  // rows that fill whole beats
    const int count = between(1, std::max(1, static_cast<int>(pmem_image_rows_) / unit / 4)) * unit;
    const int from = draw((static_cast<int>(pmem_image_rows_) - count) / unit + 1) * unit;
    load(isa::dma::Target::kPmem, pmem_at_ + 4 * config_.pmem_dram_words(from),
         draw(config_.pmem_rows() - count + 1), config_.pmem_dram_words(count));
  }

  /// Loads rows of a map as weights, from DMEM or its image: beats that are PMEM rows, or words of
  /// four channels, each channel becoming a column.
  bool load_map() {
    const bool transposed = config_.cols >= 4 && chance(60), from_dmem = chance(70);
    const int rows = between(1, transposed ? config_.cols / 4 : 4);
    const int unit = config_.beats_per_row() * beat_;  // words of whole PMEM rows
    const int words = transposed ? between(1, 40) : unit * between(1, 2);
    const int pmem_rows = transposed ? (words + 3) / 4 : words / unit * config_.rows_per_beat();
    const int stride = (words + draw(20) + beat_ - 1) / beat_ * beat_;
    const int room = config_.dmem_words() - rows * stride;
    const int local_stride = transposed && chance(70) ? 0 : pmem_rows + draw(3);
    const int local_room = config_.pmem_rows() - (rows - 1) * local_stride - pmem_rows;
    if (room < 0 || local_room < 0 || ternary_) return false;
    const int from = draw(room / beat_ + 1) * beat_, local = draw(local_room + 1);
    Instruction i;
    i.registers = rows_of(4 * from, local, words, rows, local_stride, 4 * stride);
    i.run.op =
        static_cast<int>(transposed ? isa::dma::Target::kTransposed : isa::dma::Target::kPmem);
    i.run.flags = from_dmem ? 1 << isa::dma::kFromDmem : 0;
    if (config_.activations16 && chance(40)) i.run.flags |= 1 << isa::dma::kLowBytes;
    i.reads.push_back(from_dmem ? Region{Space::kDmem, from, words, stride, rows}
                                : Region{Space::kDram, 4 * from, 4 * words, 4 * stride, rows});
    i.writes.push_back({Space::kPmem, local, pmem_rows, local_stride, rows});
    add(Engine::kLoad, std::move(i));
    return true;
  }

  void load_parameters() {
    const bool scale = chance(50);
    const int unit = scale ? beat_ / 2 : beat_;  // entries of a beat
    const int units = config_.param_channels / unit;
    const int count = between(1, units), from = draw(units - count + 1),
              to = draw(units - count + 1);
    load(scale ? isa::dma::Target::kScale : isa::dma::Target::kBias,
         scale ? scales_at_ + 8LL * from * unit : bias_at_ + 4LL * from * unit, to * unit,
         static_cast<std::int64_t>(count) * beat_);
  }

  /// Loads any part of the table, from anywhere in its image.
  void load_table() {
    const int beats = isa::dma::kTableWords / beat_, count = between(1, beats);
    load(isa::dma::Target::kTable, table_at_ + 4LL * beat_ * draw(beats - count + 1),
         beat_ * draw(beats - count + 1), beat_ * count);
  }

  /// Loads points of interpolated functions: any part of the exponentials' image into any part of
  /// the table.
  void load_points() {
    const int beats = isa::dma::kExponentialWords / beat_, count = between(1, beats);
    load(isa::dma::Target::kPoints, exponentials_at_ + 4LL * beat_ * draw(beats - count + 1),
         beat_ * draw(beats - count + 1), beat_ * count);
  }

  /// Loads any exponentials except for the first, which is 1.
  void load_exponentials() {
    const int beats = isa::dma::kExponentialWords / beat_, count = between(1, beats - 1);
    load(isa::dma::Target::kExponentials, exponentials_at_ + 4LL * beat_ * draw(beats - count + 1),
         beat_ * between(1, beats - count), beat_ * count);
  }

  static void look_up(Instruction& i, isa::LaneRegisters& r) {
    r.set(post::kOutput, static_cast<int>(post::Output::kTable));
    i.reads.push_back({Space::kTable, 0, isa::dma::kTableWords, 0, 1});
  }

  /// Transfers rows of DMEM words between DRAM and one area, at any word that both sides support.
  bool transfer(Engine engine) {
    const bool store = engine == Engine::kStore;
    const Area area = any_area(store || !ternary_);
    const bool wide = config_.activations16 && chance(40);  // whole int16 codes
    const int unit = wide ? 2 : 1;
    const int rows = chance(50) ? 1 : between(2, 6), words = unit * between(1, 40 / unit);
    const int local_stride = (words + draw(20) + beat_ - 1) / beat_ * beat_;
    const int dram_stride = 4 * ((words + draw(100) + beat_ - 1) / beat_ * beat_);
    const int room = area.words - (rows - 1) * local_stride - words;
    if (room < 0) return false;
    const int local = (area.start + draw(room + 1)) / unit * unit;
    // Uses the image of DMEM, or the area of stores, which is also read again.
    const std::int64_t place = store || chance(50) ? store_at_ : 0;
    const std::int64_t bytes = 4LL * config_.dmem_words() - (rows - 1) * dram_stride - 4LL * words;
    std::int64_t dram = place + 4 * (draw(static_cast<int>(bytes / 4) + 1) / beat_ * beat_);
    dram += 4 * (local % beat_);
    if (dram > place + bytes) return false;
    Instruction i;
    const bool backwards = chance(25);  // the last row of DRAM first
    i.registers = rows_of(dram + (backwards ? (rows - 1) * dram_stride : 0), local, words, rows,
                          local_stride, backwards ? -dram_stride : dram_stride);
    i.run.op = static_cast<int>(wide ? isa::dma::Target::kDmem16 : isa::dma::Target::kDmem);
    const Region bus{Space::kDram, dram, 4 * words, dram_stride, rows};
    const Region maps{Space::kDmem, local, words, local_stride, rows};
    i.reads.push_back(store ? maps : bus);
    i.writes.push_back(store ? bus : maps);
    add(engine, std::move(i));
    return true;
  }

  /// Copies rows of an area from a core to others, at any word that both sides support.
  bool copy_to_cores() {
    const int source = draw(4), words = between(1, 40), rows = between(1, 5);
    const Area from = area(source, 4);
    const Area to = area((source + between(1, 3)) % 4, 4);
    if (ternary_ && to.start == 0) return false;
    const int from_stride = (words + draw(20) + beat_ - 1) / beat_ * beat_;
    const int to_stride = (words + draw(20) + beat_ - 1) / beat_ * beat_;
    const int offset = draw(beat_);
    const int room = from.words - (rows - 1) * from_stride - words - offset;
    const int to_room = to.words - (rows - 1) * to_stride - words - offset;
    if (room < 0 || to_room < 0) return false;
    const int at = from.start + draw(room / beat_ + 1) * beat_ + offset;
    const int local = to.start + draw(to_room / beat_ + 1) * beat_ + offset;
    Instruction i;
    i.registers = rows_of(4 * at, local, words, rows, to_stride, 4 * from_stride);
    i.run.op = static_cast<int>(isa::dma::Target::kCore);
    i.reads.push_back({Space::kDmem, at, words, from_stride, rows});
    i.writes.push_back({Space::kDmem, local, words, to_stride, rows});
    add(Engine::kLoad, std::move(i));
    return true;
  }

  void store_all() {
    const std::int64_t bytes = 4LL * config_.dmem_words();
    for (int core = 0; core < config_.cores; ++core) {
      Instruction i;
      isa::TransferRegisters r;
      r.set(isa::dma::kDram, store_at_ + (core + 1) * bytes);
      r.set(isa::dma::kWords, config_.dmem_words());
      r.set(isa::dma::kFromCore, core);
      i.registers = r;
      i.reads.push_back({Space::kDmem, 0, config_.dmem_words(), 0, 1});
      i.writes.push_back({Space::kDram, store_at_ + (core + 1) * bytes, bytes, 0, 1});
      add(Engine::kStore, std::move(i));
    }
  }

  // ---- lanes ------------------------------------------------------------------------------------
  struct Area {
    int start, words;
  };

  /// Returns the n-th of `parts` parts of DMEM.
  Area area(int n, int parts) const {
    const int words = config_.dmem_words() / parts;
    return {n * words, words};
  }
  /// Returns a quarter; the first one only with `all`.
  Area any_area(bool all) { return area(all ? draw(4) : between(1, 3), 4); }

  std::optional<Shape> place(Area where, int H, int W, int words) {
    Shape s{H, W, words, W + draw(4), 0, 0};
    s.plane = H * s.pitch + draw(6);
    if (s.size() > where.words) return std::nullopt;
    s.base = where.start + draw(where.words - s.size() + 1);
    return s;
  }

  /// Draws different parts for input and output: halves for large maps, quarters for more overlap.
  bool areas(bool constant_input, Area& in, Area& out) {
    const int parts = ternary_ || chance(50) ? 4 : 2;
    const int from = constant_input ? 0 : draw(parts);
    int to = draw(parts - 1);
    to += to >= from ? 1 : 0;
    if (ternary_ && to == 0) return false;
    in = area(from, parts);
    out = area(to, parts);
    return true;
  }

  /// Draws the lanes' registers, and determines what they read and write; nothing if it does not
  /// fit.
  std::optional<Lanes> lanes(Instruction& i, isa::LaneRegisters& r, bool constant_input, int words,
                             int out_words, int R, int S, bool pair = false, bool wide = false,
                             bool widens = false) {
    const int unit = wide ? 2 : 1, out_unit = wide || widens ? 2 : 1;  // words per pixel
    int U = unit * between(1, 3), V = between(1, 3);
    const int dy = between(1, 3), dx = unit * between(1, 3);
    const int H = chance(15) ? 1 : between(1, 12), W = unit * (chance(15) ? 1 : between(1, 14));
    int top = draw(R), left = unit * draw(S);
    int P = chance(20) ? 1 : between(1, 8), Q = chance(20) ? 1 : between(1, 11);
    if (!pair && chance(6)) {
      // Positions over as many columns as lanes can count, or nearly; few of them are inside of the
      // map. The window former's halo is three strides.
      U = unit * between(64 / unit, 85 / unit);
      Q = isa::limit::kMostSpan / U;
      P = std::min(P, 2);
      left += U * draw(Q);
    } else if (!pair && chance(6)) {  // the same along rows
      V = between(200, 255);
      P = isa::limit::kMostSpan / V;
      Q = std::min(Q, 2);
      top += V * draw(P);
    }
    Area in_area, out_area;
    if (!areas(constant_input, in_area, out_area)) return std::nullopt;
    const int step = out_unit * (chance(20) ? between(2, 3) : 1);  // from output to output
    const auto in = place(in_area, H, W, words);
    const auto out = place(out_area, P, (Q - 1) * step + out_unit, out_words);
    if (!in || !out) return std::nullopt;
    // The second tap of a pair is another map of the same shape.
    int kx_step = dx;
    if (pair) {
      const int room = in_area.words - in->size();
      const int other = in_area.start + draw(room + 1);
      kx_step = other - in->base;
      Shape second = *in;
      second.base = other;
      i.reads.push_back(second.region());
    }
    const int rows = config_.rows / unit;
    const int first = pair ? 0 : top * in->pitch + left;  // offset of lane 0's tap in the map
    r.set_address(agu::kBase, in->base - first);
    r.set_address(agu::kRowWrap, V * in->pitch - Q * U);
    r.set_address(agu::kTileBase, rows / Q * V * in->pitch + rows % Q * U);
    r.set_address(agu::kKxStep, kx_step);
    r.set_address(agu::kKyStep, dy * in->pitch - (S - 1) * kx_step);
    r.set_address(agu::kCwStep, in->plane - (R - 1) * dy * in->pitch - (S - 1) * kx_step);
    const int x = pair ? 0 : -left, y = pair ? 0 : -top;
    r.set(agu::kXStart, x);
    r.set(agu::kXEnd, x + Q * U);
    r.set(agu::kYStart, y);
    r.set(agu::kYEnd, y + P * V);
    r.set(agu::kHeight, H);
    r.set(agu::kWidth, W);
    r.set(agu::kTileX, rows % Q * U);
    r.set(agu::kTileY, rows / Q * V);
    r.set(agu::kStrideX, U);
    r.set(agu::kStrideY, V);
    r.set(agu::kSLast, S - 1);
    r.set(agu::kRLast, R - 1);
    r.set(agu::kDilX, pair ? 0 : dx);
    r.set(agu::kDilY, dy);
    r.set(agu::kWordsLast, words - 1);
    r.set(agu::kTilesLast, (P * Q + rows - 1) / rows - 1);
    r.set_address(agu::kOut, out->base);
    r.set(agu::kOutSkip, step - 1);
    r.set_address(agu::kOutWrap, out->pitch - Q * step);
    r.set_address(agu::kTileOut, rows / Q * out->pitch + rows % Q * step);
    r.set_address(agu::kOutPlane, out->plane);
    // Other cores may read the rows above, if there are any.
    if (const int above = in->base - first;
        config_.cores > 1 && above >= in_area.start && y + P * V < isa::limit::kMostSpan - 40) {
      r.set(agu::kCoreY, between(0, 5));
      i.reads.push_back({Space::kDmem, above, first, in->plane, words});
    }
    i.reads.push_back(in->region());
    i.writes.push_back(out->region());
    return Lanes{*in, *out};
  }

  // ---- compute and vector -----------------------------------------------------------------------
  void range(isa::LaneRegisters& r, const isa::LaneField& low, const isa::LaneField& high) {
    const int a = code(), b = code();
    r.set(low, chance(30) ? std::min(a, b) : -128);
    r.set(high, chance(30) ? std::max(a, std::max(b, static_cast<int>(r.get(low)))) : 127);
  }

  void quantization(isa::LaneRegisters& r, int sum_bits) {
    r.set(post::kPadCode, code());
    r.set(post::kZeroPoint, code());
    range(r, post::kActMin, post::kActMax);
    r.set(post::kMultiplier, multiplier());
    r.set(post::kShift, shift(sum_bits));
    r.set(post::kAddOperandMultiplier, multiplier());
    r.set(post::kAddOperandShift, between(-6, 0));
    r.set(post::kAddAIsHalf, draw(2));
    r.set(post::kAddZeroA, code());
    r.set(post::kAddZeroB, code());
    r.set(post::kAddMultiplier, multiplier());
    r.set(post::kAddShift, chance(20) ? between(-31, 1) : between(-21, -17));
    r.set(post::kAddZeroPoint, code());
    range(r, post::kAddActMin, post::kAddActMax);
  }

  /// Draws quantization for int16 codes: no zero points, two-byte bounds, or bounds of an eight-bit
  /// format.
  void quantization16(isa::LaneRegisters& r, int sum_bits, bool formats = true) {
    quantization(r, sum_bits);
    r.set(post::kZeroPoint, 0);
    r.set(post::kAddZeroPoint, 0);
    const int format = formats && config_.formats && chance(40) ? between(1, 3) : 0;
    const int most = format == 0 ? 32767 : spec::largest_code(static_cast<spec::Format>(format));
    r.set(post::kFormat, format);
    const int least = format == 0 ? -most - 1 : -most;
    const int a = between(least, most), b = chance(50) ? most : between(a, most);
    const int low = chance(50) ? least : a;
    r.set(post::kActMin, low >> 8);
    r.set(post::kAddActMin, static_cast<std::int8_t>(low));
    r.set(post::kActMax, b >> 8);
    r.set(post::kAddActMax, static_cast<std::int8_t>(b));
  }

  /// Disables formats, which only support single rounding.
  static void whole_numbers(isa::LaneRegisters& r) { r.set(post::kFormat, 0); }

  /// Draws the residual's place: elsewhere, or in place of the output.
  bool residual(Instruction& i, isa::ComputeRegisters& r, const Shape& out) {
    Shape from = out;
    if (!chance(20)) {
      const Area where = any_area(true);
      if (from.size() > where.words) return false;
      from.base = where.start + draw(where.words - from.size() + 1);
      const bool partly = compiler::overlap(from.region(), out.region());
      if (partly && from.base != out.base) return false;
    }
    r.set_address(post::kResidualDelta, from.base - out.base);
    i.reads.push_back(from.region());
    return true;
  }

  /// Draws the place of sums that are added to results: elsewhere, or in place of raw results.
  bool sums(Instruction& i, isa::ComputeRegisters& r, const Shape& out, int channels) {
    Shape from = out;
    from.words = channels;
    if (!(from.words == out.words && chance(30))) {
      const Area where = any_area(true);
      if (from.size() > where.words) return false;
      from.base = where.start + draw(where.words - from.size() + 1);
      if (compiler::overlap(from.region(), out.region())) return false;
    }
    r.set_address(post::kResidualDelta, from.base - out.base);
    i.reads.push_back(from.region());
    return true;
  }

  bool compute() {
    using namespace isa::compute;
    static_assert(isa::kComputeOps.codes.size() == 12 && spec::kPrecisions.size() == 3,
                  "the random choices below must cover each operation and encoding");
    if (config_.activations16 && !ternary_ && chance(30)) return compute16();
    Instruction i;
    isa::ComputeRegisters r;
    const Op any = ternary_          ? Op::kTernary
                   : !config_.binary ? Op::kInt8
                                     : static_cast<Op>(draw(config_.ternary ? 5 : 1));
    const Op op = any == Op::kBinary && chance(50) ? Op::kBinaryInside
                  : any != Op::kInt8               ? any
                  : config_.groups && chance(30)   ? Op::kInt8Groups
                  : config_.weights4 && chance(30) ? Op::kInt8Int4
                  : chance(40)                     ? Op::kMatmul
                                                   : any;
    const bool window = (op == Op::kInt8 || op == Op::kMatmul) && config_.window() && chance(35);
    const spec::Operands operands = spec::operands_of(op);
    const int steps_per_row =
        window ? config_.window_steps_per_row() : operands.activations.bits / operands.weights.bits;
    // Results: requantized, thresholds, raw sums, or looked up; codes in every encoding.
    const bool every = config_.binary && config_.ternary;
    const bool parts = op == Op::kInt8Groups;  // the taps of a window
    const int drawn = every ? draw(4) : 3 * draw(2);
    const int output = parts && drawn == 1 ? 0 : drawn;
    const int encoding = every && output % 2 == 1 ? draw(3) : 0;
    const int per_word =
        output == 2 ? 1 : spec::kPrecisions.at(static_cast<std::size_t>(encoding)).codes_per_word();
    const int passes = output == 1 ? between(1, 3) : 1;
    const int words = between(1, 5), R = parts ? 2 << draw(2) : between(1, 4);
    const int S = parts ? 4 : between(1, 4);
    const int position = chance(30) ? draw(per_word) : 0;
    const int channels = window ? between(4 * words - 3, 4 * words)
                         : chance(20)
                             ? 1
                             : between(1, (encoding != 0 && chance(30) ? 9 : 3) * config_.cols + 1);
    const int columns = window ? 4 : config_.cols;
    const int groups = (channels + columns - 1) / columns;
    const int steps = (window ? 1 : words) * R * S;
    const int rows = groups * (parts ? static_cast<int>(spec::GroupRows{R * S}.rows(words))
                                     : (steps + steps_per_row - 1) / steps_per_row);
    const int out_words = (position + channels + per_word - 1) / per_word;
    if (rows > config_.pmem_rows() || channels * passes > config_.param_channels) return false;
    const auto map = lanes(i, r, op == Op::kTernary, words, out_words, R, S);
    if (!map) return false;
    if (window) {  // one group per word; the last lanes of a row may have no output
      r.set(agu::kWordsLast, 0);
      const std::int64_t U = r.get(agu::kStrideX);
      const std::int64_t Q = (r.get(agu::kXEnd) - r.get(agu::kXStart)) / U;
      for (const isa::LaneField& columns : {agu::kHalo, agu::kIdle})
        r.set(columns, U * draw(static_cast<int>(std::min<std::int64_t>(Q, 4))));
    }
    const bool one = !window && !parts && groups == 1 && r.get(agu::kTilesLast) == 0;
    const int pieces = one && chance(50) ? between(2, 3) : 1;
    const int per_step = op == Op::kMatmul
                             ? 4 << 16
                             : operands.activations.codes_per_word() * operands.activations.most() *
                                   operands.weights.most();
    const int counts = parts ? 128 : 1;  // factors, after the shift
    const int sum_bits =
        bits_of(std::int64_t{per_step} * counts * steps * pieces + words + (1 << 15));
    if (30 - sum_bits < kLargestShift) return false;
    quantization(r, sum_bits);
    if (op == Op::kTernary) r.set(post::kPadCode, -draw(2));  // 0, or sixteen times -1
    if (op == Op::kBinaryInside) r.set(post::kPadCode, 0);
    r.set(agu::kGroupsLast, groups - 1);
    r.set(kChannels, channels);
    r.set(post::kPosition, position);
    r.set(post::kOutput, output);
    if (output == 3) look_up(i, r);
    r.set(post::kEncoding, encoding);
    r.set(post::kPassesLast, passes - 1);
    r.set(post::kLow, encoding == 0 ? between(-8, 8) : encoding == 1 ? -1 : 0);
    const int param = draw(config_.param_channels - channels * passes + 1);
    r.set(kParam, param);
    i.run.op = static_cast<int>(op);
    int flags = window ? 1 << kWindow : 0;
    if (config_.partial_sums && output != 1 && !parts && !window && chance(40)) {
      if (!sums(i, r, map->out, channels)) return false;
      flags |= 1 << kAddSums;
      if (output != 2) {  // any sums: a left shift would exceed 32 bits
        flags |= 1 << kPerTensor;
        r.set(post::kShift, between(-31, 0));
      }
    } else if (output < 2 && !parts && chance(35)) {
      if (!residual(i, r, map->out)) return false;
      const bool maximum = output == 1 || op == Op::kMatmul || (config_.binary && chance(50));
      flags |= 1 << (maximum ? kFuseMax : kFuseAdd);
    }
    if (chance(35)) flags |= 1 << kPerTensor;
    if (chance(50)) flags |= 1 << kSingle | (chance(40) ? 1 << kHalfEven : 0);
    add_pieces(i, r, pieces, rows, flags, {Space::kParams, param, channels * passes, 0, 1});
    return true;
  }

  /// Adds a reduction in pieces of `rows` rows of weights each; the last piece drains.
  void add_pieces(const Instruction& i, isa::ComputeRegisters& r, int pieces, int rows, int flags,
                  const Region& parameters) {
    using namespace isa::compute;
    for (int piece = 0; piece < pieces; ++piece) {
      Instruction part = i;
      const int row = draw(config_.pmem_rows() - rows + 1);
      r.set(kRow, row);
      part.registers = r;
      part.reads.push_back({Space::kPmem, row, rows, 0, 1});
      part.run.flags = piece == 0 ? 1 << kClear : 0;
      if (piece == pieces - 1) {
        part.run.flags |= flags | 1 << kDrain;
        part.reads.push_back(parameters);
      } else {
        part.writes.clear();
      }
      add(Engine::kCompute, std::move(part));
    }
  }

  /// Draws int16 activations with two lanes per position, or int16 codes of int8 activations.
  bool compute16() {
    using namespace isa::compute;
    Instruction i;
    isa::ComputeRegisters r;
    const int words = between(1, 4), R = between(1, 3), S = between(1, 3);
    const bool narrow = chance(40);
    const bool sums = !narrow && config_.zero_points() && chance(40);  // words of its own
    const int position = !sums && chance(30) ? draw(4) : 0;
    const int channels = chance(20) ? 1 : between(1, 3 * config_.cols + 1);
    const int groups = (channels + config_.cols - 1) / config_.cols;
    const int rows = groups * words * R * S;
    if (rows > config_.pmem_rows() || channels > config_.param_channels) return false;
    const int out_words = sums ? channels : (position + channels + 3) / 4;
    const auto map = lanes(i, r, false, words, out_words, R, S, false, !narrow, narrow);
    if (!map) return false;
    const int pieces = groups == 1 && r.get(agu::kTilesLast) == 0 && chance(50) ? 2 : 1;
    quantization16(r, narrow ? 20 : 30);
    r.set(agu::kGroupsLast, groups - 1);
    r.set(kChannels, channels);
    r.set(post::kPosition, position);
    const int param = draw(config_.param_channels - channels + 1);
    r.set(kParam, param);
    if (sums) r.set(post::kOutput, static_cast<int>(post::Output::kRaw));
    i.run.op = static_cast<int>(narrow ? Op::kInt8Int16 : sums ? Op::kMatmul16 : Op::kInt16);
    const int whole = !sums && chance(40) ? 1 << kSingle | 1 << kHalfEven : 0;  // sums of 32 bits
    const int flags = chance(50) ? 1 << kSingle : chance(35) ? whole | 1 << kPerTensor : whole;
    if ((flags >> kSingle & 1) == 0) whole_numbers(r);
    add_pieces(i, r, pieces, rows, flags, {Space::kParams, param, channels, 0, 1});
    return true;
  }

  /// Draws int16 codes with two lanes per position.
  bool vector16() {
    using isa::vector::Op;
    Instruction i;
    isa::VectorRegisters r;
    static constexpr Op kOps[] = {Op::kSum16,     Op::kAdd16,   Op::kMul16,       Op::kLeaky16,
                                  Op::kNarrow16,  Op::kWiden16, Op::kMax16,       Op::kMin16,
                                  Op::kJoin16,    Op::kWord16,  Op::kMulNarrow16, Op::kTanh16,
                                  Op::kLogistic16};
    const bool triple = config_.formats && chance(15);
    const bool five = triple && chance(40);
    const Op op = five     ? Op::kFiveNarrow16
                  : triple ? (chance(50) ? Op::kTriple16 : Op::kTripleNarrow16)
                           : kOps[draw(config_.table ? 13 : 11)];
    const bool of_words = triple || op == Op::kJoin16 || op == Op::kWord16;
    const bool line = op == Op::kTanh16 || op == Op::kLogistic16;
    const int words = between(1, 4);
    const int taps = isa::kVectorOps.find(Engine::kVector, static_cast<int>(op))->taps;
    const int R = taps == 0 ? between(1, 5) : five && chance(50) ? taps : 1;
    const int S = taps == 0 ? between(1, 5) : taps / R;
    if (!lanes(i, r, false, words, words, R, S, taps == 2, true)) return false;
    const bool reduce = op == Op::kSum16 && chance(40);
    const std::int64_t summands = std::int64_t{R} * S * (reduce ? config_.rows / 2 : 1);
    // The argument of an interpolated function has up to two bits more than a code.
    quantization16(r,
                   bits_of(taps == 2 && op != Op::kAdd16 && !triple ? 1LL << 31
                           : of_words                               ? INT32_MAX
                                                                    : 32768 * summands + 3000) -
                       (line ? draw(5) : 0),
                   !line);
    if (of_words) r.set(post::kPosition, draw(4));
    if (line) i.reads.push_back({Space::kTable, 0, isa::dma::kTableWords, 0, 1});
    if (op == Op::kNarrow16 || op == Op::kMulNarrow16 || op == Op::kTripleNarrow16 || five)
      r.set(post::kZeroPoint, code());
    if (five) {  // 48 bits times 15
      r.set(post::kMultiplier, chance(50) ? 1 << 14 : draw(1 << 15));
      r.set(post::kShift, between(-31, -4));
    }
    r.set(post::kAddShift, op == Op::kLeaky16 ? shift(16) : between(-18, -13));
    r.set(isa::vector::kBias, 128 * summands + between(-3000, 3000));
    i.run.op = static_cast<int>(op);
    i.run.flags = five || chance(50) ? 1 << isa::vector::kSingle : 0;
    if (i.run.flags == 0) whole_numbers(r);
    if (i.run.flags != 0 && chance(40)) i.run.flags |= 1 << isa::vector::kHalfEven;
    if (chance(40)) i.run.flags |= 1 << isa::vector::kInvert;
    if (reduce) i.run.flags |= 1 << isa::vector::kReduce;
    i.registers = r;
    add(Engine::kVector, std::move(i));
    // After codes with another latency.
    if (line && config_.softmax && chance(60)) return softmax();
    return true;
  }

  /// Draws an operation over the channels of int16 codes.
  bool row16() {
    Instruction i;
    isa::VectorRegisters r;
    using isa::vector::Op;
    static constexpr Op kOps[] = {Op::kMax16, Op::kMin16, Op::kShare16, Op::kExponential16};
    const Op op = kOps[draw(!config_.softmax ? 2 : config_.table ? 4 : 3)];
    const bool extremum = op == Op::kMax16 || op == Op::kMin16;
    const int words = chance(20) ? between(9, 40) : between(1, 8);
    if (!lanes(i, r, false, words, extremum ? 1 : words, 1, 1, false, true)) return false;
    quantization16(r, 17, op == Op::kShare16);
    r.set(isa::vector::kBias, between(-3000, 3000));
    r.set(isa::vector::kChannels, 4 * words - draw(4));
    r.set(agu::kGroupsLast, extremum ? 0 : 1);
    if (!extremum) i.reads.push_back({Space::kExponentials, 0, isa::dma::kExponentialWords, 0, 1});
    i.run.op = static_cast<int>(op);
    i.run.flags = extremum             ? 1 << isa::vector::kReduce
                  : op == Op::kShare16 ? 1 << isa::vector::kSingle
                                       : draw(2) << isa::vector::kSingle;
    i.registers = r;
    add(Engine::kVector, std::move(i));
    return true;
  }

  bool vector() {
    if (config_.activations16 && chance(50)) return chance(25) ? row16() : vector16();
    Instruction i;
    isa::VectorRegisters r;
    using isa::vector::Op;
    const bool every = config_.ternary && config_.binary;
    static constexpr Op kInt8Ops[] = {Op::kMax, Op::kSum, Op::kAdd,
                                      Op::kMul, Op::kMin, Op::kSquaredDifference};
    const Op op =
        every && chance(40) ? chance(50) ? Op::kMaxTernary : Op::kMaxBinary : kInt8Ops[draw(6)];
    const int words = between(1, 4);
    const bool square = op == Op::kSquaredDifference;
    const bool codes = op == Op::kSum || op == Op::kAdd || op == Op::kMul || square;
    const bool pair = isa::kVectorOps.find(Engine::kVector, static_cast<int>(op))->taps == 2;
    const int R = pair ? 1 : between(1, 5), S = pair ? 2 : between(1, 5);
    if (!lanes(i, r, false, words, words, R, S, pair)) return false;
    int flags = chance(50) ? 1 << isa::vector::kSingle : 0;
    if (flags != 0 && chance(40)) flags |= 1 << isa::vector::kHalfEven;
    if (chance(40)) flags |= 1 << isa::vector::kInvert;
    const bool reduce = op == Op::kSum && chance(50);
    quantization(r, bits_of(op == Op::kMul ? 256LL * 256
                            : square       ? 1LL << 29
                                           : 128LL * R * S * (reduce ? config_.rows : 1) + 3000));
    if (square) r.set(post::kAddOperandShift, between(-6, -1));
    if (reduce) {
      flags |= 1 << isa::vector::kReduce;
      r.set(post::kPadCode, 0);
    }
    r.set(isa::vector::kBias, between(-3000, 3000));
    if (codes && chance(40)) look_up(i, r);
    i.run.op = static_cast<int>(op);
    i.run.flags = flags;
    i.registers = r;
    add(Engine::kVector, std::move(i));
    return true;
  }

  bool softmax() {
    Instruction i;
    isa::VectorRegisters r;
    const int words = chance(20) ? between(9, 40) : between(1, 8);
    if (!lanes(i, r, false, words, words, 1, 1)) return false;
    quantization(r, 8);
    r.set(isa::vector::kBias, between(-3000, 3000));
    r.set(isa::vector::kChannels, 4 * words - draw(4));
    r.set(agu::kGroupsLast, chance(50) ? 0 : 2);
    i.reads.push_back({Space::kExponentials, 0, isa::dma::kExponentialWords, 0, 1});
    if (chance(50)) {
      r.set(post::kMultiplier, between(1 << 30, reference::SoftmaxParams::kMostRescale));
      r.set(post::kShift, between(-12, 12));
      i.run.flags = 1 << isa::vector::kRescale;
    }
    i.run.op = static_cast<int>(isa::vector::Op::kSoftmax);
    i.registers = r;
    add(Engine::kVector, std::move(i));
    return true;
  }

  /// Draws a normalization with one of the two tables: for a mean, or for an origin.
  bool normalize() {
    Instruction i;
    isa::VectorRegisters r;
    const int words = chance(20) ? between(9, 40) : between(1, 8);
    const int channels = 4 * words - draw(4);
    if (channels > config_.param_channels || !lanes(i, r, false, words, words, 1, 1)) return false;
    quantization(r, 8);
    const bool center = chance(50);
    const int param = draw(config_.param_channels - channels + 1);
    int log2 = 0;
    while (channels >> (log2 + 1) != 0) ++log2;
    r.set(post::kAddZeroA, center ? 127 : kOrigin);
    r.set(post::kMultiplier, std::lround(std::ldexp(1.0 / channels, 30 + log2)));
    r.set(post::kShift, log2 + 16 * draw(2));
    r.set(isa::vector::kBias,
          chance(30) ? 0 : static_cast<std::int64_t>(random_() >> 1) >> draw(31));
    r.set(isa::vector::kChannels, channels);
    r.set(isa::vector::kParam, param);
    r.set(agu::kGroupsLast, 1);
    i.reads.push_back({Space::kExponentials, 0, isa::dma::kExponentialWords, 0, 1});
    i.reads.push_back({Space::kParams, param, channels, 0, 1});
    i.run.op = static_cast<int>(isa::vector::Op::kNormalize);
    i.run.flags = 1 << isa::vector::kSingle | (center ? 1 << isa::vector::kCenter : 0);
    load(isa::dma::Target::kExponentials,
         exponentials_at_ + (center ? 1 : 2) * 4LL * isa::dma::kExponentialWords, 0,
         isa::dma::kExponentialWords);
    i.registers = r;
    add(Engine::kVector, std::move(i));
    load(isa::dma::Target::kExponentials, exponentials_at_, 0, isa::dma::kExponentialWords);
    return true;
  }

  bool any() {
    const int kind = draw(100);
    if (kind < 47) return compute();
    if (kind < 67) return vector();
    if (kind < 73) return softmax();
    if (kind < 78) return normalize();
    if (kind < 80 && config_.cores > 1 && chance(40)) return copy_to_cores();
    if (kind < 80) return transfer(Engine::kLoad);
    if (kind < 86) return load_map();
    if (kind < 93) return transfer(Engine::kStore);
    if (kind < 96 && config_.packed && chance(60))
      load_stream();
    else if (kind < 96)
      load_weights();
    else if (kind < 98)
      load_parameters();
    else if (kind < 99 && config_.activations16 && chance(50))
      load_points();
    else if (kind < 99)
      load_table();
    else
      load_exponentials();
    return true;
  }

  // ---- the whole --------------------------------------------------------------------------------
  void finish() {
    auto& runs = result_.instructions;
    if (seed_ % 2 == 0) {  // one after the other
      for (std::size_t i = 1; i < runs.size(); ++i) {
        runs[i].run.wait = 1 << static_cast<int>(runs[i - 1].engine);
        runs[i - 1].run.signal = 1 << static_cast<int>(runs[i].engine);
      }
    } else {
      compiler::insert_tokens(runs);
    }
    encode(runs);
    result_.program.dram_bytes = store_at_ + 4LL * (config_.cores + 1) * config_.dmem_words();
    result_.program.dram_bytes = (result_.program.dram_bytes + 4095) / 4096 * 4096;
    fill_dram();
  }

  /// Sometimes sets registers again, and sets registers that a RUN does not read to values of
  /// another RUN.
  void encode(const std::vector<Instruction>& runs) {
    isa::Encoder encoder(result_.program.config_hash);
    for (const Instruction& i : runs) {
      const unsigned read = isa::registers_read(i.engine, i.registers, i.run);
      for (int reg = 0; reg < isa::kRegisters; ++reg) {
        const Instruction& other =
            runs[static_cast<std::size_t>(draw(static_cast<int>(runs.size())))];
        const Instruction& from = (read >> reg & 1) != 0 ? i : other;
        if (from.engine == i.engine && chance(20))
          encoder.set(i.engine, reg, from.registers.value[static_cast<std::size_t>(reg)]);
      }
      encoder.run(i.engine, i.registers, i.run);
    }
    result_.program.words = encoder.end();
  }

  /// Fills DRAM with random bits; biases and scales are within the hardware's limits.
  void fill_dram() {
    random_.seed(seed_ + 1'000'000);  // the same for every number of instructions
    auto& bits = random_;
    auto& dram = result_.dram;
    dram.resize(static_cast<std::size_t>(result_.program.dram_bytes));
    for (auto& byte : dram) byte = static_cast<std::uint8_t>(bits());
    const auto put = [&](std::int64_t at, std::uint64_t value, int bytes) {
      for (int b = 0; b < bytes; ++b)
        dram[static_cast<std::size_t>(at + b)] = static_cast<std::uint8_t>(value >> 8 * b);
    };
    for (int c = 0; c < config_.param_channels; ++c) {
      put(bias_at_ + 4 * c, static_cast<std::uint64_t>(between(-32768, 32767)), 4);
      // Not 0: a normalization reads 0 as -32, which the simulator refuses.
      const int drawn = chance(20) ? between(-31, kLargestShift) : between(-14, 0);
      const int s = drawn == 0 ? -1 : drawn;
      const auto shift = static_cast<std::uint64_t>(s & 63);
      // The bits above the scale are ignored.
      put(scales_at_ + 8 * c,
          static_cast<std::uint64_t>(multiplier()) | shift << 31 | std::uint64_t{bits()} << 37, 8);
    }
    put(exponentials_at_, INT32_MAX, 4);
    for (int k = 1; k < isa::dma::kExponentialWords; ++k)  // of any magnitude
      put(exponentials_at_ + 4 * k, (bits() >> 1) >> draw(31), 4);
    for (int k = 0; k < isa::dma::kExponentialWords; ++k)
      for (const int table : {1, 2})
        put(exponentials_at_ + 4 * (table * isa::dma::kExponentialWords + k),
            reference::norm_entry(k, table == 1 ? 127 : kOrigin), 4);
    for (const Stream& s : streams_) std::ranges::copy(s.bytes, dram.begin() + s.at);
    if (!ternary_) return;
    const auto legal = [&](std::size_t byte) { dram[byte] = no_high_only(dram[byte]); };
    for (std::int64_t b = 0; b < config_.dmem_words(); ++b) legal(static_cast<std::size_t>(b));
    for (std::int64_t b = pmem_at_; b < bias_at_; ++b) legal(static_cast<std::size_t>(b));
  }

  void keep_two_of_four(std::vector<std::uint8_t>& bytes) {
    for (std::size_t word = 0; word < bytes.size(); word += 4) {
      const int one = draw(4), other = draw(4);
      for (int i = 0; i < 4; ++i)
        if (i != one && i != other) bytes[word + static_cast<std::size_t>(i)] = 0;
    }
  }

  /// Removes the code 10, which is not a trit.
  static std::uint8_t no_high_only(std::uint8_t byte) {
    const int high_only = byte >> 1 & ~byte & 0x55;
    return static_cast<std::uint8_t>(byte & ~(high_only << 1));
  }

  struct Stream {
    isa::dma::Target target;
    std::int64_t at;  ///< byte of DRAM
    int rows;         ///< of PMEM
    std::vector<std::uint8_t> bytes;
  };

  const spec::Config config_;
  const unsigned seed_;
  std::mt19937 random_;
  RandomProgram result_;
  int beat_ = 2;
  bool ternary_ = false;
  std::vector<Stream> streams_;
  std::int64_t pmem_image_rows_ = 0, pmem_at_ = 0, bias_at_ = 0, scales_at_ = 0, table_at_ = 0,
               exponentials_at_ = 0, store_at_ = 0;
};

}  // namespace

RandomProgram random_program(const spec::Config& config, unsigned seed, int instructions) {
  return Generator(config, seed).make(instructions);
}

}  // namespace trine::fuzz
