// SPDX-License-Identifier: Apache-2.0
//
// Sets the registers of single RUNs.

#include <algorithm>

#include "spec/precision.h"
#include "sw/base/division.h"
#include "sw/base/error.h"
#include "sw/compiler/emit/emitter.h"

namespace trine::compiler {
namespace {

using isa::Engine;
namespace agu = isa::agu;
namespace post = isa::post;

constexpr int kMostCoordinate = 8191;  ///< in a nest; the machine truncates larger ones
constexpr int kNeighbours = 3;         ///< after the last position, for the window former
constexpr int kMostWords = kMostCoordinate - kNeighbours;  ///< as rows of one pixel

/// @param in, out  shapes of the layer's maps
isa::vector::Op operation_of(const Layer& l, const Shape& in, const Shape& out) {
  using Op = isa::vector::Op;
  switch (l.kind) {
    case LayerKind::kSum:
      return !l.wide                              ? Op::kSum
             : !in.wide                           ? Op::kWiden16
             : !out.wide                          ? Op::kNarrow16
             : l.pool().negative                  ? Op::kLeaky16
             : l.pool().curve == Curve::kTanh     ? Op::kTanh16
             : l.pool().curve == Curve::kLogistic ? Op::kLogistic16
                                                  : Op::kSum16;
    case LayerKind::kAdd:
      return l.wide ? Op::kAdd16 : Op::kAdd;
    case LayerKind::kSquare:
      return Op::kSquaredDifference;
    case LayerKind::kMul:
      return !l.wide ? Op::kMul : out.wide ? Op::kMul16 : Op::kMulNarrow16;
    case LayerKind::kMinimum:
      return l.wide ? Op::kMin16 : Op::kMin;
    case LayerKind::kSoftmax:
      return !l.wide ? Op::kSoftmax : l.over().shares ? Op::kShare16 : Op::kExponential16;
    case LayerKind::kNormalize:
      return Op::kNormalize;
    case LayerKind::kWords:
      return !l.pool().joins   ? Op::kWord16
             : l.window.R == 1 ? Op::kJoin16
             : l.window.R == 3 ? Op::kFiveNarrow16
             : out.wide        ? Op::kTriple16
                               : Op::kTripleNarrow16;
    default:
      if (l.pairs_lanes())
        return l.kind == LayerKind::kMax && l.pool().smallest ? Op::kMin16 : Op::kMax16;
      return spec::precision_of_codes(out.per_word).maximum;
  }
}

}  // namespace

/// A loop nest in coordinates of the whole map.
struct Emitter::Nest {
  int x_start = 0, y_start = 0;  ///< input coordinates of lane 0's first tap
  int P = 1, Q = 1;              ///< positions
  int stride_y = 1, stride_x = 1;
  int R = 1, S = 1, dil_y = 1, dil_x = 1;
  int height = 1, width = 1;  ///< taps outside are masked
  int word = 0, words = 1;    ///< input channel words
  int out_y = 0, out_x = 0, out_word = 0;
  bool two_operands = false;  ///< tap 1 is `tap_distance` words after tap 0
  std::int64_t tap_distance = 0;

  /// Returns the nest of a window over the positions of a rectangle.
  static Nest of(const Geometry& g, const Rect& rect) {
    return {.x_start = rect.x0 * g.stride_x - g.pad_left,
            .y_start = rect.y0 * g.stride_y - g.pad_top,
            .P = rect.rows(),
            .Q = rect.cols(),
            .stride_y = g.stride_y,
            .stride_x = g.stride_x,
            .R = g.R,
            .S = g.S,
            .dil_y = g.dil_y,
            .dil_x = g.dil_x,
            .height = g.H,
            .width = g.W,
            .out_y = rect.y0,
            .out_x = rect.x0};
  }

  /// Returns true if the pixels that are copied or multiplied are a row of the map.
  bool is_row() const {
    return P * R * S == 1 && !two_operands && y_start >= 0 && y_start < height;
  }

  /// Returns the nest of the same pixels in a map that is a column.
  Nest as_column() const {
    return {.y_start = x_start,
            .P = Q,
            .stride_y = stride_x,
            .dil_y = dil_y,
            .dil_x = dil_x,
            .height = width,
            .word = word,
            .words = words,
            .out_y = out_x,
            .out_word = out_word};
  }
};

namespace {

/// Returns the strips of a rectangle that are outside of a part of it.
std::vector<Rect> around(const Rect& r, const Rect& part) {
  if (part.empty()) return {r};
  std::vector<Rect> strips;
  for (const Rect& strip :
       {Rect{r.y0, part.y0, r.x0, r.x1}, Rect{part.y1, r.y1, r.x0, r.x1},
        Rect{part.y0, part.y1, r.x0, part.x0}, Rect{part.y0, part.y1, part.x1, r.x1}})
    if (!strip.empty()) strips.push_back(strip);
  return strips;
}

/// The input rows, or columns, of a RUN. A lane's coordinates and its taps must not exceed
/// kMostCoordinate, from the first position's tap to the end of the last position.
struct Reach {
  std::int64_t count = 1, stride = 1;  ///< of positions
  std::int64_t taps = 1, dil = 1;      ///< of a position

  std::int64_t size() const { return (count + kNeighbours) * stride + (taps - 1) * dil; }
  bool fits() const { return size() <= kMostCoordinate; }
};

/// Makes coordinates that are too large for the lanes relative to the first tap inside of the map,
/// and drops the map after the RUN's last tap.
void count_from_first(int& start, int& size, const Reach& reach) {
  if (size <= kMostCoordinate && start + reach.size() <= kMostCoordinate) return;
  const int skipped = std::max(start, 0);
  start -= skipped;
  size = std::clamp(size - skipped, 0, kMostCoordinate);
}

void check_coordinates(int start, const Reach& reach, const std::string& label) {
  if (!reach.fits() || start < -kMostCoordinate || start + reach.size() > kMostCoordinate)
    throw_error("{}: a RUN needs {} rows or columns from {} on, allowed coordinates up to {}",
                label, reach.size(), start, kMostCoordinate);
}

/// Splits the rectangle into parts whose coordinates fit the lanes. @param step  words from pixel
/// to pixel of the input; @param idle  positions of a row that have no output
std::vector<Rect> countable(const Geometry& g, const Rect& rect, int step, int idle = 0) {
  const Reach rows{rect.rows(), std::max(g.stride_y, 1), g.R, g.dil_y};
  const Reach cols{std::int64_t{rect.cols()} + idle, std::int64_t{std::max(g.stride_x, 1)} * step,
                   g.S, std::int64_t{g.dil_x} * step};
  const bool by_rows = !rows.fits() && rect.rows() > 1;
  if (!by_rows && (cols.fits() || rect.cols() == 1)) return {rect};
  Rect first = rect, last = rect;
  if (by_rows)
    first.y1 = last.y0 = rect.y0 + rect.rows() / 2;
  else
    first.x1 = last.x0 = rect.x0 + rect.cols() / 2;
  std::vector<Rect> parts = countable(g, first, step, idle);
  for (const Rect& part : countable(g, last, step, idle)) parts.push_back(part);
  return parts;
}

/// Returns the words from pixel to pixel of a view as a RUN counts them. A row may be iterated as a
/// column.
int counted_step(const Geometry& g, const Rect& rect, const View& in, const View& out) {
  const bool is_row = rect.rows() * g.R * g.S == 1;
  return is_row && std::max(in.step * g.stride_x, out.step - 1) > kMostStride
             ? 1
             : std::max(in.step, 1);
}

int flags_of(const Layer& l) {
  return (l.single ? 1 << isa::vector::kSingle : 0) |
         (l.half_even ? 1 << isa::vector::kHalfEven : 0) |
         (l.two_operands() && l.kind != LayerKind::kSum && l.pair().invert
              ? 1 << isa::vector::kInvert
              : 0);
}

/// Returns true if all taps of the rectangle's positions are inside of the map.
bool within_map(const Geometry& g, const Rect& rect) {
  return rect.y0 * g.stride_y >= g.pad_top && rect.x0 * g.stride_x >= g.pad_left &&
         (rect.y1 - 1) * g.stride_y - g.pad_top + g.span_y() <= g.H &&
         (rect.x1 - 1) * g.stride_x - g.pad_left + g.span_x() <= g.W;
}

/// Returns a row's pixels as a column, because the pitch of rows is not limited.
View column_of(const View& v, int y) { return {v.at(0, y, 0), v.step, v.plane}; }

}  // namespace

Instruction Emitter::start(Engine engine) const {
  Instruction i;
  i.engine = engine;
  i.layer = layer_;
  return i;
}

void Emitter::set_nest(isa::LaneRegisters& r, Nest n, View in, const View& out) const {
  const std::string& label = layer().label;
  if (n.is_row() && std::max(in.step * n.stride_x, out.step - 1) > kMostStride)
    return set_nest(r, n.as_column(), column_of(in, n.y_start), column_of(out, n.out_y));
  // The machine treats steps by columns and by words alike.
  for (int* columns : {&n.x_start, &n.stride_x, &n.dil_x, &n.width}) *columns *= in.step;
  in.step = 1;
  const auto field = [&](const isa::LaneField& f, std::int64_t v) { r.set(f, v, label); };
  const auto address = [&](const isa::LaneField& f, std::int64_t v) { r.set_address(f, v); };
  const int lanes = layer().lanes(config_);
  const std::int64_t kx_step = n.two_operands ? n.tap_distance : n.dil_x;
  const std::int64_t ky_step = std::int64_t{n.dil_y} * in.pitch - (n.S - 1) * kx_step;
  address(agu::kBase, in.at(n.word, n.y_start, n.x_start));
  address(agu::kRowWrap, std::int64_t{n.stride_y} * in.pitch - std::int64_t{n.Q} * n.stride_x);
  address(agu::kTileBase, std::int64_t{lanes / n.Q} * n.stride_y * in.pitch +
                              std::int64_t{lanes % n.Q} * n.stride_x);
  address(agu::kKxStep, kx_step);
  address(agu::kKyStep, ky_step);
  const Reach rows{n.P, n.stride_y, n.R, n.dil_y}, cols{n.Q, n.stride_x, n.S, n.dil_x};
  count_from_first(n.y_start, n.height, rows);
  count_from_first(n.x_start, n.width, cols);
  check_coordinates(n.y_start, rows, label);
  check_coordinates(n.x_start, cols, label);
  address(agu::kCwStep,
          in.plane - std::int64_t{n.R - 1} * n.dil_y * in.pitch - (n.S - 1) * kx_step);
  field(agu::kXStart, n.x_start);
  field(agu::kXEnd, n.x_start + std::int64_t{n.Q} * n.stride_x);
  field(agu::kYStart, n.y_start);
  field(agu::kCoreY, input_row_step());
  field(agu::kYEnd, n.y_start + std::int64_t{n.P} * n.stride_y);
  field(agu::kHeight, n.height);
  field(agu::kWidth, n.width);
  field(agu::kTileX, std::int64_t{lanes % n.Q} * n.stride_x);
  field(agu::kTileY, std::int64_t{lanes / n.Q} * n.stride_y);
  field(agu::kStrideX, n.stride_x);
  field(agu::kStrideY, n.stride_y);
  field(agu::kOutSkip, out.step - 1);
  field(agu::kSLast, n.S - 1);
  field(agu::kRLast, n.R - 1);
  field(agu::kDilX, n.two_operands ? 0 : n.dil_x);
  field(agu::kDilY, n.dil_y);
  field(agu::kWordsLast, n.words - 1);
  field(agu::kTilesLast, divide_up(std::int64_t{n.P} * n.Q, lanes) - 1);
  address(agu::kOut, out.at(n.out_word, n.out_y, n.out_x));
  address(agu::kOutWrap, out.pitch - std::int64_t{n.Q} * out.step);
  address(agu::kTileOut,
          std::int64_t{lanes / n.Q} * out.pitch + std::int64_t{lanes % n.Q} * out.step);
  address(agu::kOutPlane, out.plane);
}

void Emitter::set_post(isa::LaneRegisters& r) const {
  const Layer& l = layer();
  r.set(post::kPadCode, static_cast<std::int8_t>(l.pad_code));
  r.set(post::kZeroPoint, l.range.zero_point);
  r.set(post::kActMin, l.wide_codes() ? l.range.act_min >> 8 : l.range.act_min);
  r.set(post::kActMax, l.wide_codes() ? l.range.act_max >> 8 : l.range.act_max);
  if (l.pairs_lanes() || l.wide_codes()) {
    r.set(post::kAddActMin, static_cast<std::int8_t>(l.range.act_min));
    r.set(post::kAddActMax, static_cast<std::int8_t>(l.range.act_max));
    r.set(post::kFormat, static_cast<int>(l.range.format));
  }
  r.set(post::kOutput, static_cast<int>(l.result));
  if (l.kind == LayerKind::kMul) {
    r.set(post::kMultiplier, l.pair().mul.scale.multiplier);
    r.set(post::kShift, l.pair().mul.scale.shift);
    r.set(post::kAddZeroA, l.pair().mul.zero_point[0]);
    r.set(post::kAddZeroB, l.pair().mul.zero_point[1]);
  }
  if (l.kind == LayerKind::kConv && (l.conv().precision == isa::compute::Op::kMatmul ||
                                     l.conv().precision == isa::compute::Op::kMatmul16)) {
    r.set(post::kAddZeroA, l.conv().zero_point);
    r.set(post::kAddZeroB, l.conv().weights_zero);
  }
  if (l.kind == LayerKind::kSquare) {
    r.set(post::kMultiplier, l.add.result.multiplier);
    r.set(post::kShift, l.add.result.shift);
  }
  if (l.kind == LayerKind::kSum && l.pool().negative) {
    r.set(post::kAddMultiplier, l.pool().negative->multiplier);
    r.set(post::kAddShift, l.pool().negative->shift);
  }
  if (!l.fuse_add() && l.kind != LayerKind::kAdd && l.kind != LayerKind::kSquare) return;
  // The operand with the larger scale has factor 1/2.
  const bool a_is_half = l.add.input[0] == reference::ChannelScale{1 << 30, 0};
  const reference::ChannelScale& other = l.add.input[a_is_half ? 1 : 0];
  r.set(post::kAddAIsHalf, a_is_half ? 1 : 0);
  r.set(post::kAddOperandMultiplier, other.multiplier);
  r.set(post::kAddOperandShift, other.shift);
  r.set(post::kAddZeroA, l.add.zero_point[0]);
  r.set(post::kAddZeroB, l.add.zero_point[1]);
  r.set(post::kAddMultiplier, l.add.result.multiplier);
  r.set(post::kAddShift, l.add.result.shift);
  if (l.wide) return;
  r.set(post::kAddZeroPoint, l.add.output.zero_point);
  r.set(post::kAddActMin, l.add.output.act_min);
  r.set(post::kAddActMax, l.add.output.act_max);
}

/// @param param  entry of the first channel's bias and scale
void Emitter::set_normalization(isa::VectorRegisters& r, std::int64_t param) const {
  namespace vector = isa::vector;
  const Layer& l = layer();
  r.set(agu::kGroupsLast, 1);
  r.set(post::kAddZeroA, l.over().norm.origin);
  r.set(post::kMultiplier, l.over().norm.reciprocal);
  r.set(post::kShift, l.over().norm.shift_field());
  r.set(vector::kBias, l.over().norm.epsilon);
  r.set(vector::kChannels, l.channels);
  r.set(vector::kParam, param, l.label);
}

/// Sets the registers of an operation over the channels of int16 codes. The largest code is
/// subtracted by adding its complement.
void Emitter::set_row(isa::VectorRegisters& r, int channels) const {
  const OverChannels& over = layer().over();
  r.set(agu::kGroupsLast, 1);
  r.set(isa::vector::kChannels, channels);
  r.set(isa::vector::kBias, over.shares ? 0 : 1);
  if (over.shares) return;
  r.set(post::kMultiplier, over.difference.multiplier);
  r.set(post::kShift, over.difference.shift);
}

void Emitter::read_tables(Instruction& i) const {
  if (layer().result == Output::kLookup || !layer().points.empty())
    i.reads.push_back({Space::kTable, 0, isa::dma::kTableWords});
  if (layer().over_channels())
    i.reads.push_back({Space::kExponentials, 0, isa::dma::kExponentialWords});
}

void Emitter::emit_transfer(Engine engine, isa::dma::Target target, std::int64_t dram_word,
                            std::int64_t local, std::int64_t words, std::int64_t rows,
                            std::int64_t dram_stride, std::int64_t local_stride,
                            Region local_region) {
  namespace dma = isa::dma;
  const std::string label = net_.layers.empty() ? "program" : layer().label;
  Instruction i = start(engine);
  isa::TransferRegisters r;
  r.set(dma::kDram, 4 * dram_word, label);
  r.set(dma::kLocal, local, label);
  r.set(dma::kWords, words, label);
  r.set(dma::kRowsLast, rows - 1, label);
  r.set_address(dma::kLocalStride, local_stride);
  r.set(dma::kDramStride, 4 * dram_stride, label);
  i.registers = r;
  i.run.op = static_cast<int>(target);
  const Region dram{Space::kDram, dram_word, words, dram_stride, rows};
  if (engine == Engine::kLoad) {
    i.reads.push_back(dram);
    i.writes.push_back(local_region);
  } else {
    i.reads.push_back(local_region);
    i.writes.push_back(dram);
  }
  instructions.push_back(std::move(i));
}

void Emitter::set_core(isa::TransferRegisters& r, Engine engine, int core) {
  if (engine == Engine::kLoad) r.set(isa::dma::kCores, 1 << core);
  r.set(isa::dma::kFromCore, core);
}

/// Repeats the last transfer, which is of this map, for each core that has its own part of the map.
void Emitter::for_each_core(int map) {
  namespace dma = isa::dma;
  const Map& whole = map_at(net_.whole_of(map));
  const std::int64_t step =
      net_.tokens ? whole.core.pixels * whole.shape.pixel_words() : plan_.core_words;
  if (net_.cores == 1 || whole.constant() || step == 0) return;
  const Instruction first = std::move(instructions.back());
  instructions.pop_back();
  for (int core = 0; core < net_.cores; ++core) {
    Instruction own = first;
    isa::TransferRegisters r(own.registers);
    set_core(r, own.engine, core);
    const std::int64_t words = core * step;
    if (!own.run.has(dma::kFromDmem))
      r.set(dma::kDram, r.get(dma::kDram) + 4 * words, layer().label);
    own.registers = r;
    for (std::vector<Region>* regions : {&own.reads, &own.writes})
      for (Region& region : *regions)
        if (region.space == Space::kDram) region.start += words;
    instructions.push_back(std::move(own));
  }
}

void Emitter::emit_conv(const ConvRun& run) {
  const Geometry g = layer().window_of(*run.sweep);
  const int step = counted_step(g, run.rect, run.in, run.out);
  for (const Rect& part : countable(g, run.rect, step, layer().former.halo)) {
    ConvRun own = run;
    own.rect = part;
    emit_conv_run(own);
  }
}

void Emitter::emit_conv_run(const ConvRun& run) {
  namespace compute = isa::compute;
  const Layer& l = layer();
  const auto& [sweep, rect, channels, part, in, out, residual_delta, row, param, clear, drain,
               writes_sums, sums] = run;
  const bool maximum = sweep != &l.sweeps[0];  // with the output of the previous sweeps
  Geometry g = l.window_of(*sweep);
  g.pad_top -= part.row * g.dil_y;
  g.R = part.rows;
  Instruction i = start(Engine::kCompute);
  isa::ComputeRegisters r;
  Nest n = Nest::of(g, rect);
  n.S = l.steps_x();
  n.word = l.first_word(channels.first) + part.word;
  n.words = part.words;
  const bool former = l.former.steps > 0;
  if (former) {
    n.dil_x = l.former.dil;
    n.Q += l.former.behind(rect.cols(), g.Q);
  }
  const int per_word = writes_sums ? 1 : out_per_word();
  const int first_place = writes_sums ? 0 : output().position() + channels.first;
  n.out_word = first_place / per_word;
  set_nest(r, n, in, out);
  if (const int group = l.conv().group_steps; group > 0) {  // words: taps of one channel word
    r.set(agu::kSLast, group - 1);
    r.set(agu::kDilX, 0);
    r.set(agu::kWordsLast, part.words / group - 1);
    for (const isa::LaneField& step : {agu::kKxStep, agu::kKyStep, agu::kCwStep})
      r.set_address(step, in.plane);
  }
  set_post(r);
  r.set(agu::kHalo, std::int64_t{l.former.halo} * g.stride_x, l.label);
  r.set(agu::kIdle, std::int64_t{l.former.behind(rect.cols(), g.Q)} * g.stride_x, l.label);
  const std::int64_t groups = divide_up(channels.size(), l.columns(config_));
  r.set(agu::kGroupsLast, groups - 1, l.label);
  r.set(compute::kRow, row, l.label);
  r.set(compute::kParam, param, l.label);
  r.set(compute::kChannels, channels.size(), l.label);
  r.set(post::kPosition, first_place % per_word, l.label);
  r.set(post::kEncoding, per_word == 1 ? 0 : spec::encoding_of(spec::precision_of_codes(per_word)));
  if (l.result == Output::kThresholds) {
    r.set(post::kPassesLast, l.passes - 1);
    r.set(post::kLow, l.conv().low);
  }
  if (l.per_tensor) {
    r.set(post::kMultiplier, l.scales[0].multiplier);
    r.set(post::kShift, l.scales[0].shift);
  }
  if (writes_sums) r.set(post::kOutput, static_cast<int>(Output::kRaw));
  if (l.fuse_add()) r.set_address(post::kResidualDelta, residual_delta);  // 0 for a maximum
  if (sums) r.set_address(post::kResidualDelta, sums->at(0, 0, 0) - out.at(n.out_word, 0, 0));
  i.registers = r;
  i.run.op = static_cast<int>(l.conv().precision);
  i.run.flags =
      (clear ? 1 << compute::kClear : 0) | (drain ? 1 << compute::kDrain : 0) |
      (drain && l.fuse_add() ? 1 << compute::kFuseAdd : 0) |
      (drain && maximum ? 1 << compute::kFuseMax : 0) | (sums ? 1 << compute::kAddSums : 0) |
      (l.per_tensor ? 1 << compute::kPerTensor : 0) | (l.single ? 1 << compute::kSingle : 0) |
      (l.half_even ? 1 << compute::kHalfEven : 0) | (former ? 1 << compute::kWindow : 0);

  const std::int64_t steps = std::int64_t{part.words} * part.rows * l.steps_x();
  i.reads.push_back(
      map_region(in, n.word, former ? l.words_of(channels.size()) : part.words, read_by(g, rect)));
  i.reads.push_back({Space::kPmem, row, groups * l.rows_of(steps)});
  if (drain) {
    read_tables(i);
    i.reads.push_back({Space::kParams, param, std::int64_t{channels.size()} * l.passes});
    const int words = writes_sums ? channels.size() : output().words_of(channels.last) - n.out_word;
    Region written = map_region(out, n.out_word, words, rect);
    if (sums) i.reads.push_back(map_region(*sums, 0, channels.size(), rect));
    i.writes.push_back(written);
    if (l.fuse_add() || maximum) {
      written.start += residual_delta;
      i.reads.push_back(written);
    }
  }
  instructions.push_back(std::move(i));
}

// ---- vector -------------------------------------------------------------------------------------

/// Copies a map between DMEM and DRAM for a layer that only moves it.
void Emitter::emit_by_dma(int words) {
  const int from = layer().input, to = layer().output;
  const bool out = place(from).resident;
  const Shape& s = shape(from);
  copy(out ? Engine::kStore : Engine::kLoad, out ? to : from, {0, s.H, 0, s.W}, 0, words,
       place(out ? from : to).dmem, true);
}

void Emitter::emit_vector_part(const Rect& rect, const Channels& channels) {
  const Layer& l = layer();
  const int word = channels.first / out_per_word();
  const int words = divide_up(channels.size(), out_per_word());
  if (l.by_dma) return emit_by_dma(words);
  if (tiling().direct) return emit_moved(rect, channels);
  const bool of_words = l.kind == LayerKind::kWords;
  const View in = of_words ? input_view(rect, channels.first, channels.size(), 0, l.window.R)
                           : input_view(rect, word, words, 0, l.window.R);
  VectorPart v{channels, word, words, in, {}, {}, l.window, l.pad_code};
  if (l.two_operands()) v.second = l.second == l.input ? v.in : second_view(rect, channels);
  v.out = output_view(rect, channels);
  for (const Rect& part : countable(l.window, rect, counted_step(l.window, rect, v.in, v.out)))
    emit_vector_runs(part, v);
  finish_output(rect, channels);
}

void Emitter::emit_vector_runs(const Rect& rect, const VectorPart& v) {
  const Layer& l = layer();
  if (l.wide && !l.pairs_lanes()) return emit_planes(rect, v);
  if (l.kind == LayerKind::kWords) return emit_word_codes(rect, v);
  if (l.window.stride_y == 0 || l.window.stride_x == 0) return emit_repeated(rect, v);
  if (l.kind != LayerKind::kSum) return emit_windows(rect, nullptr, v);
  for (const SumRegion& region : l.pool().regions) {
    const Rect part = rect.within(region.rect);
    if (!part.empty()) emit_windows(part, &region, v);
  }
}

/// Loads codes from DRAM to their place in the output; the vector unit writes the border around
/// them.
void Emitter::emit_moved(const Rect& rect, const Channels& channels) {
  const Layer& l = layer();
  const Geometry& g = l.window;
  const int word = channels.first / out_per_word();
  const int words = divide_up(channels.size(), out_per_word());
  const View out = output_view(rect, channels);
  const Rect moved = moved_part(g, rect);
  View place = out;
  place.origin = out.at(0, g.pad_top, g.pad_left);
  if (!moved.empty()) copy(Engine::kLoad, l.input, input_of(g, moved), word, words, place, true);
  const VectorPart v{channels, word, words, {}, {}, out, g, l.pad_code};
  for (const Rect& strip : around(rect, moved))
    for (const Rect& part : countable(g, strip, l.wide ? 2 : 1)) {
      if (l.wide)
        emit_planes(part, v);
      else
        emit_positions(part, nullptr, v);
    }
  finish_output(rect, channels);
}

/// Copies int16 codes as bytes: the words of a row are the columns of a map that is twice as wide.
/// If pixels are not adjacent, or the two bytes of the pad code differ, the high bytes are copied
/// first.
/// @pre a window of one tap
void Emitter::emit_planes(const Rect& rect, const VectorPart& v) {
  if (rect.rows() * rect.cols() == 1 && v.words <= kMostWords && within_map(v.window, rect)) {
    const Rect tap = input_of(v.window, rect);
    const View in{v.in.at(v.word, tap.y0, tap.x0), static_cast<int>(v.in.plane)};
    const View out{v.out.at(v.word, rect.y0, rect.x0), static_cast<int>(v.out.plane)};
    const Nest n{.P = v.words, .Q = 2, .height = v.words, .width = 2};
    return emit_vector(vector_registers(n, in, out, nullptr), 0, v, rect);
  }
  VectorPart bytes = v;
  const int high = v.pad_code >> 8, low = static_cast<std::int8_t>(v.pad_code);
  if (v.window.stride_x == 1 && v.window.stride_y > 0 && high == low && v.in.step == v.in.width &&
      v.out.step == v.out.width) {
    for (int* columns : {&bytes.window.W, &bytes.window.Q, &bytes.window.pad_left}) *columns *= 2;
    for (View* view : {&bytes.in, &bytes.out}) view->step = view->width = 1;
    bytes.pad_code = low;
    return emit_positions({rect.y0, rect.y1, 2 * rect.x0, 2 * rect.x1}, nullptr, bytes);
  }
  for (View* view : {&bytes.in, &bytes.out}) view->width = 1;
  for (const int code : {high, low}) {
    bytes.pad_code = code;
    if (v.window.stride_y == 0 || v.window.stride_x == 0)
      emit_repeated(rect, bytes);
    else
      emit_positions(rect, nullptr, bytes);
    for (View* view : {&bytes.in, &bytes.out}) ++view->origin;
  }
}

/// Emits a RUN for each position in a word of codes, or for each channel if the channels differ.
/// The order is ascending, because each RUN writes the last code of a word. For a single output
/// pixel, each lane computes one word.
void Emitter::emit_word_codes(const Rect& rect, const VectorPart& v) {
  const std::vector<SumRegion>& regions = layer().pool().regions;
  const bool alike = regions.size() == 1;
  Geometry g = v.window;
  g.S = 1;  // the odd lanes read the second of two words
  const int runs = alike ? std::min(4, v.channels.size()) : v.channels.size();
  for (int run = 0; run < runs; ++run) {
    const int channel = v.channels.first + run, place = run % 4;
    View in = v.in, out = v.out;
    in.origin = in.at(channel, 0, 0);
    in.plane *= 4;
    Nest n = Nest::of(g, rect);
    n.words = alike ? divide_up(v.channels.size() - place, 4) : 1;
    n.out_word = v.word + run / 4;
    if (rect.rows() * rect.cols() == 1 && n.words <= kMostWords && g.R == 1) {
      in = {in.at(0, n.y_start, n.x_start), static_cast<int>(in.plane)};
      out = {out.at(n.out_word, rect.y0, rect.x0), static_cast<int>(out.plane)};
      n = {.P = n.words, .height = n.words};
    }
    isa::VectorRegisters r = vector_registers(n, in, out, &regions[alike ? 0 : at(channel)]);
    r.set(post::kPosition, place);
    emit_vector(r, flags_of(layer()), v, rect);
  }
}

/// @param region  of a sum, or null
void Emitter::emit_windows(const Rect& rect, const SumRegion* region, const VectorPart& v) {
  const Lanes way = best_lanes(rect, v);
  if (way == Lanes::kPositions) return emit_positions(rect, region, v);
  for (int y = rect.y0; y < rect.y1; ++y)
    for (int x = rect.x0; x < rect.x1; ++x) {
      const Rect position{y, y + 1, x, x + 1};
      if (way == Lanes::kWords)
        emit_words(region, position, v);
      else
        emit_reduced(*region, position, v);
    }
}

/// @param region  of a sum, or null
isa::VectorRegisters Emitter::vector_registers(const Nest& nest, const View& in, const View& out,
                                               const SumRegion* region) const {
  isa::VectorRegisters r;
  set_nest(r, nest, in, out);
  set_post(r);
  if (region != nullptr) {
    r.set(post::kMultiplier, region->scale.multiplier);
    r.set(post::kShift, region->scale.shift);
    // Low bytes of int16 codes are stored 128 less than their value.
    r.set(isa::vector::kBias, region->bias + (input().shape.wide ? 128 * nest.R * nest.S : 0));
  }
  // Odd lanes read int8 codes or words. Their addresses are one word after their neighbours'.
  const bool joins = layer().kind == LayerKind::kWords && layer().pool().joins;
  if (layer().wide && !input().shape.wide && !joins)
    r.set_address(agu::kBase, r.get(agu::kBase) - 1);
  if (layer().wide && !output().shape.wide) r.set_address(agu::kOut, r.get(agu::kOut) - 1);
  return r;
}

/// Emits a RUN that computes the rectangle `written`. @param reads  further regions that it reads
/// besides maps and tables
void Emitter::emit_vector(const isa::VectorRegisters& r, int flags, const VectorPart& v,
                          const Rect& written, std::vector<Region> reads) {
  const Rect read = read_by(v.window, written);
  Instruction i = start(Engine::kVector);
  i.registers = r;
  i.run.op = static_cast<int>(operation_of(layer(), input().shape, output().shape));
  i.run.flags = flags;
  i.reads = std::move(reads);
  read_tables(i);
  if (layer().kind == LayerKind::kWords)
    i.reads.push_back(map_region(v.in, v.channels.first, v.channels.size(), read));
  else
    i.reads.push_back(map_region(v.in, v.word, v.words, read));
  if (layer().two_operands()) i.reads.push_back(map_region(v.second, v.word, v.words, read));
  i.writes.push_back(map_region(v.out, v.word, v.words, written));
  instructions.push_back(std::move(i));
}

/// Emits one RUN in which each lane computes a position.
void Emitter::emit_positions(const Rect& part, const SumRegion* region, const VectorPart& v) {
  namespace vector = isa::vector;
  const Layer& l = layer();
  Nest n = Nest::of(v.window, part);
  n.word = n.out_word = v.word;
  n.words = v.words;
  int flags = flags_of(l);
  if (l.two_operands()) {
    n.two_operands = true;
    n.S = 2;
    n.tap_distance = v.second.origin - v.in.origin;
  }
  std::vector<Region> reads;
  const bool norm = l.kind == LayerKind::kNormalize;
  if (norm) reads = {{Space::kParams, require_parameters(v.channels), l.channels}};
  isa::VectorRegisters r = vector_registers(n, v.in, v.out, region);
  r.set(post::kPadCode, v.pad_code);
  if (l.kind == LayerKind::kSoftmax && l.wide) {
    set_row(r, v.channels.size());
  } else if (l.kind == LayerKind::kSoftmax) {
    r.set(vector::kChannels, v.channels.size());
    r.set(agu::kGroupsLast, v.words <= isa::dma::kSoftmaxWords ? 0 : 2);
    if (const auto& rescale = l.over().rescale) {
      r.set(post::kMultiplier, rescale->multiplier);
      r.set(post::kShift, rescale->shift);
      flags |= 1 << vector::kRescale;
    }
  }
  if (norm) {
    set_normalization(r, reads[0].start);
    if (l.over().norm.center) flags |= 1 << vector::kCenter;
  }
  emit_vector(r, flags, v, part, std::move(reads));
}

/// Repeats one row or column, by means of a row pitch of 0 words. To repeat a column, each output
/// row is written as a column of such rows.
void Emitter::emit_repeated(const Rect& rect, const VectorPart& v) {
  const View &in = v.in, &out = v.out;
  const Geometry& g = layer().window;
  const auto emit = [&](int P, int Q, std::int64_t from, const View& to, const Rect& written) {
    const Nest n{.P = P,
                 .Q = Q,
                 .height = P,
                 .width = Q,
                 .word = v.word,
                 .words = v.words,
                 .out_word = v.word};
    emit_vector(vector_registers(n, {from, 0, in.plane, in.step}, to), 0, v, written);
  };
  if (g.stride_x != 0)
    return emit(rect.rows(), rect.cols(), in.at(0, 0, rect.x0),
                {out.at(0, rect.y0, rect.x0), out.pitch, out.plane, out.step}, rect);
  for (int y = rect.y0; y < rect.y1; ++y)
    emit(rect.cols(), 1, in.at(0, y * g.stride_y, 0), {out.at(0, y, rect.x0), out.step, out.plane},
         {y, y + 1, rect.x0, rect.x1});
}

namespace {

/// A split of the H x W taps of one sum: each lane adds `rows` x `cols` of them.
struct Split {
  int rows = 1, cols = 1, P = 1, Q = 1;
  int cycles = 0;  ///< per word: taps times the lanes that share a bank

  int taps() const { return rows * cols; }
};

/// Returns the largest number of lanes whose words of one tap are in the same bank.
int lanes_of_a_bank(const Split& s, std::int64_t pitch, const spec::Config& config) {
  const spec::BankOf bank_of = config.bank_of();
  std::vector<int> count(at(config.banks()));
  int most = 0;
  for (int p = 0; p < s.P; ++p)
    for (int q = 0; q < s.Q; ++q)
      most = std::max(most, ++count[at(bank_of(p * s.rows * pitch + q * s.cols))]);
  return most;
}

Split best_split(int height, int width, int pitch, int lanes, const spec::Config& config) {
  Split best;
  for (int cols = 1; cols <= std::min(width, 255); ++cols) {
    Split s;
    s.cols = cols;
    s.Q = divide_up(width, cols);
    if (s.Q > lanes) continue;
    const int least = divide_up(height, std::min(height, lanes / s.Q));
    for (s.rows = least; s.rows <= std::min(height, 255); ++s.rows) {
      s.P = divide_up(height, s.rows);
      if (s.taps() > 4096 || (best.cycles > 0 && s.taps() >= best.cycles)) break;
      s.cycles = s.taps() * lanes_of_a_bank(s, pitch, config);
      if (best.cycles == 0 || s.cycles < best.cycles) best = s;
    }
  }
  return best;
}

}  // namespace

/// Returns the work distribution with the fewest cycles. Each lane computes a position; or, for one
/// position at a time, a channel word or (sums) a share of the taps.
Emitter::Lanes Emitter::best_lanes(const Rect& rect, const VectorPart& v) const {
  const Layer& l = layer();
  const Geometry& g = l.window;
  const View& in = v.in;
  const int words = v.words, lanes = l.lanes(config_);
  const bool single = g.R * g.S == 1, inside = within_map(g, rect);
  if (l.by_rows || l.over_channels() || g.dil_y != 1 || g.dil_x != 1 || (single && !inside) ||
      (l.two_operands() && v.second.plane != in.plane))
    return Lanes::kPositions;
  const bool sum = l.kind == LayerKind::kSum;
  const std::int64_t positions = std::int64_t{rect.rows()} * rect.cols();
  const std::int64_t each = sum ? 3 + 4 / config_.columns_per_cycle : 4;  // besides taps
  const std::int64_t setup = lanes + 16, taps = l.two_operands() ? 2 : std::int64_t{g.R} * g.S;
  const std::int64_t first = single ? setup : 0;  // one RUN is needed anyway
  Lanes best = Lanes::kPositions;
  std::int64_t least = divide_up(positions, lanes) * words * (taps + each);
  const auto consider = [&](Lanes way, std::int64_t cycles) {
    const std::int64_t all = positions * (cycles + setup) - first;
    if (all >= least) return;
    least = all;
    best = way;
  };
  const int words_of_a_bank = lanes_of_a_bank({.P = lanes}, in.plane, config_);
  if (words <= kMostWords)
    consider(Lanes::kWords, divide_up(words, lanes) * (taps * words_of_a_bank + each));
  if (single) return best;
  const Split s = best_split(g.R, g.S, in.pitch, lanes, config_);
  std::int64_t folds = 0;
  while (1 << folds < lanes) ++folds;
  if (sum && s.P * s.Q > 1) consider(Lanes::kTaps, words * (s.cycles + each + folds));
  return best;
}

/// Computes one position; lanes iterate over the channel words as if these were rows of one pixel.
void Emitter::emit_words(const SumRegion* region, const Rect& position, const VectorPart& v) {
  const Rect taps = input_of(layer().window, position);
  const View in{v.in.at(v.word, taps.y0, taps.x0), static_cast<int>(v.in.plane)};
  const View out{v.out.at(v.word, position.y0, position.x0), static_cast<int>(v.out.plane)};
  const Nest n{.P = v.words,
               .R = taps.rows(),
               .S = taps.cols(),
               .dil_y = 0,  // all taps are inside
               .dil_x = 0,
               .height = v.words};
  if (layer().two_operands()) {
    Nest pair = n;
    pair.two_operands = true;
    pair.S = 2;
    pair.tap_distance = v.second.at(v.word, taps.y0, taps.x0) - in.origin;
    return emit_vector(vector_registers(pair, in, out, region), flags_of(layer()), v, position);
  }
  isa::VectorRegisters r = vector_registers(n, in, out, region);
  r.set_address(agu::kKxStep, v.in.step);
  r.set_address(agu::kKyStep, v.in.pitch - (n.S - 1) * v.in.step);
  emit_vector(r, flags_of(layer()), v, position);
}

void Emitter::emit_reduced(const SumRegion& region, const Rect& position, const VectorPart& v) {
  const Rect taps = input_of(layer().window, position);
  const int lanes = layer().lanes(config_);
  const Split s = best_split(taps.rows(), taps.cols(), v.in.pitch, lanes, config_);
  const Nest n{.x_start = taps.x0,
               .y_start = taps.y0,
               .P = s.P,
               .Q = s.Q,
               .stride_y = s.rows,
               .stride_x = s.cols,
               .R = s.rows,
               .S = s.cols,
               .height = taps.y1,
               .width = taps.x1,
               .word = v.word,
               .words = v.words,
               .out_y = position.y0,
               .out_x = position.x0,
               .out_word = v.word};
  SumRegion all = region;  // lanes without a position also add their offset
  if (layer().wide) all.bias += 128 * (lanes - 1) * s.taps();
  emit_vector(vector_registers(n, v.in, v.out, &all), 1 << isa::vector::kReduce | flags_of(layer()),
              v, position);
}

}  // namespace trine::compiler
