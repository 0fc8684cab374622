// SPDX-License-Identifier: Apache-2.0
//
// The model as the machine sees it: feature maps and layers that each slide one window over a map.
// Reshapes, paddings and additions are folded where they can be; operators at the graph's ends that
// have no hardware are cut off for the host.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/index.h"
#include "base/rounding.h"
#include "base/shared_vector.h"
#include "machine/config.h"
#include "machine/group_rows.h"
#include "machine/isa.h"
#include "machine/precision.h"
#include "sw/model/graph.h"
#include "sw/program/layout.h"
#include "sw/reference/ops/norm.h"
#include "sw/reference/quantized_params.h"

namespace trine::compiler {

/// Fields stride_x, stride_y and out_skip of the address generator.
constexpr int kMostStride = (1 << isa::agu::kStrideX.width) - 1;

/// Where a map lies inside of another one: its pixel (y, x) is that map's pixel
/// (part.y + y * stride_y, part.x + x * stride_x), its channel c that map's channel
/// part.channel + c.
struct Part {
  int whole = -1;  ///< which is no part itself; -1: a map of its own
  int channel = 0, y = 0, x = 0, stride_y = 1, stride_x = 1;
  /// Unless 0: all lies in that one pixel of the whole; the part's pixels are so many words of its
  /// channels each, one after the other.
  int pixel_words = 0;

  /// Whether pixels or codes of others lie between its own.
  bool scattered(int per_word) const {
    return stride_y != 1 || stride_x != 1 || channel % per_word != 0;
  }
};

/// The relation of a map to DRAM. The first that holds counts: an output that other maps reload is
/// an output.
enum class Residence {
  kOutput,    ///< layers make it and store it for the host
  kInput,     ///< the host stores it before the first layer
  kConstant,  ///< the image of constants holds it
  kKept,      ///< layers make it and store it for the maps that reload it
  kReload,    ///< comes from where another map is stored
  kInDram,    ///< stays in DRAM, and layers work on parts of it: a state, or a map that leaves DMEM
              ///< to others
  kChip,      ///< only layers know it: it leaves DMEM only where the plan finds no place for it
};
/// Returns true if the host or the image of constants knows the map.
constexpr bool at_edge(Residence r) {
  return r == Residence::kOutput || r == Residence::kInput || r == Residence::kConstant;
}
/// Returns true if layers make the map and store it.
constexpr bool is_stored(Residence r) { return r == Residence::kOutput || r == Residence::kKept; }
/// Returns true if DRAM holds the map whether or not DMEM does.
constexpr bool is_in_dram(Residence r) { return r < Residence::kInDram; }

/// A feature map. A layer writes it, or a layer for each of its parts. Layers read maps of their
/// own and parts that are whole channel words.
struct Map {
  std::string name;
  Shape shape;
  bool transposed = false;  ///< its rows are the tensor's columns
  Fold fold;                ///< of an input with few channels
  /// For a state: the room of its place in DRAM; it begins there in every run.
  std::optional<Shape> capacity;
  Part part;
  int tensor = -1;                     ///< of the graph
  std::vector<std::int8_t> codes;      ///< of a constant, HWC, of int16 two bytes each; else empty
  bool input = false, output = false;  ///< at the edge of the machine
  bool kept = false;                   ///< stored as well, for maps that reload it
  int reloads = -1;                    ///< the map whose codes it has, from where that is stored
  bool in_dram = false;                ///< in DRAM, as it leaves DMEM to others there
  bool moved = false;                  ///< rows go or come Layer::by_dma: they are whole beats
  int core_rows = 0;                   ///< rows that each core makes of it; 0: all have all rows
  int rows_above = 0, rows_below = 0;  ///< of the neighbours', which its readers need besides
  /// Pixels of a row that each core has where Network::tokens share them; in DRAM they lie one
  /// core's behind the other's. 0: all cores have the same.
  int core_pixels = 0;
  int row_room = 0;                   ///< pixels that a row has room for in DRAM; 0: its own
  bool weights = false;               ///< some layer's weights: rows and planes are whole beats
  int producer = -1;                  ///< first layer that writes it, -1: input or constant
  int last_write = -1;                ///< last layer that writes it or a part of it
  int first_use = -1, last_use = -1;  ///< layers that read it or a part of it
  bool has_parts = false;             ///< other maps are parts of it

  bool constant() const { return !codes.empty(); }
  Residence residence() const {
    return output                ? Residence::kOutput
           : input               ? Residence::kInput
           : constant()          ? Residence::kConstant
           : kept                ? Residence::kKept
           : reloads >= 0        ? Residence::kReload
           : in_dram || capacity ? Residence::kInDram
                                 : Residence::kChip;
  }
  int width_in_dram() const { return std::max(row_room, capacity.value_or(shape).W); }
  /// Place of the first channel in the first word.
  int position() const { return part.channel % shape.per_word; }
  /// Words that so many channels from the first one on lie in.
  int words_of(int channels) const { return divide_up(position() + channels, shape.per_word); }
};

/// Window of R x S taps over H x W pixels, P x Q positions. A stride of 0 repeats the only row or
/// column (kMax of one tap).
struct Geometry {
  int H = 1, W = 1, P = 1, Q = 1, R = 1, S = 1;
  int stride_y = 1, stride_x = 1, dil_y = 1, dil_x = 1;
  int pad_top = 0, pad_left = 0;
  int reach_y = 0, reach_x = 0;  ///< by how many pixels the sweeps of a fused pool move the window

  int span_y() const { return (R - 1) * dil_y + 1 + reach_y; }
  int span_x() const { return (S - 1) * dil_x + 1 + reach_x; }
};

/// Depthwise convolution by the window former (former.cpp).
struct Former {
  int steps = 0;  ///< of a filter row; 0: not used
  int dil = 1;    ///< input columns from step to step
  int halo = 0;   ///< neighbours whose words a lane uses
  int idle = 0;  ///< positions at the end of a row, all of the output's, that only lend their words

  /// Positions behind a row of so many columns of the output that has Q.
  int behind(int cols, int Q) const { return cols == Q ? idle : halo; }
};

/// Output positions y0 <= y < y1, x0 <= x < x1.
struct Rect {
  int y0 = 0, y1 = 0, x0 = 0, x1 = 0;

  int rows() const { return y1 - y0; }
  int cols() const { return x1 - x0; }
  bool empty() const { return y0 >= y1 || x0 >= x1; }
  /// What lies in both.
  Rect within(const Rect& o) const {
    return {std::max(y0, o.y0), std::min(y1, o.y1), std::max(x0, o.x0), std::min(x1, o.x1)};
  }
};

/// Requantized sums over the positions of a rectangle: average pooling has one for each number of
/// taps inside the image.
struct SumRegion {
  Rect rect;
  reference::ChannelScale scale;
  std::int32_t bias = 0;
};

/// One pass of a convolution over its outputs. With a fused MAX_POOL_2D there is one for each
/// position of the pool's window, which moves the convolution's; the first one covers all outputs,
/// the others take the maximum with what is there.
struct Sweep {
  int down = 0, right = 0;  ///< pixels that the window is moved
  Rect rect;                ///< outputs whose pool window has this position inside
};

/// kWords: codes of int32 words; kMax and kSum: of a window's taps; kAdd, kSquare (of the sum),
/// kMul, kMaximum and kMinimum: of two maps, word by word; kSoftmax and kNormalize: over the
/// channels of a pixel.
enum class LayerKind {
  kConv,
  kMax,
  kSum,
  kAdd,
  kSquare,
  kMul,
  kMaximum,
  kMinimum,
  kSoftmax,
  kNormalize,
  kWords
};
enum class Output { kRequantized, kThresholds, kRaw, kLookup };  ///< coded as the field `output`

/// What only kConv has.
struct Conv {
  /// With Layer::weights_map: output channel n's weights are the pixel n behind (weights_y,
  /// weights_x); transposed: its channel n, in the pixels from there on. The filter has one tap.
  bool weights_transposed = false;
  bool weights_are_low = false;  ///< low bytes of int16: the array takes 128 off each
  int weights_y = 0, weights_x = 0;
  int weights_zero = 0;  ///< their zero point
  /// With Layer::weights_map, by the window former: so many of its channel words, one behind the
  /// other, are lane 0 of the steps 0, 1, ... of their groups; all other lanes are in `weights`.
  int gate_words = 0;
  isa::compute::Op precision = isa::compute::Op::kInt8;
  int step_codes = 4;     ///< of an input word
  int steps_per_row = 1;  ///< of a PMEM row: 4 or 8 when weights are narrower than activations
  int zero_point = 0;     ///< of the input
  int outside = 0;        ///< code of a tap outside of the image
  /// [channel][step][codes of an input word], step = (channel word, ky, kx); the input's zero point
  /// is folded into the bias or the thresholds. By the window former: [channel][step][lane], step =
  /// (ky, step of the filter row).
  SharedVector<std::int8_t> weights;
  /// Bytes of DRAM for a byte of PMEM, about: less where they are packed.
  double stored_share = 1;
  /// Steps of a group of the reduction that counts by a factor; 0: all count alike.
  int group_steps = 0;
  std::vector<std::int16_t> factors;  ///< [channel][group]
  /// Biases of sums of 40 bits, while the layer is made: then they are in `bias` and above the
  /// multipliers of `scales`.
  std::vector<std::int64_t> long_bias;
  /// Ternary weights of a binary map, in steps of two taps of one word: a weight is half the sum of
  /// its two, so sums and biases count twice.
  bool twice = false;
  int low = 0;                           ///< code below all thresholds
  std::vector<std::int32_t> thresholds;  ///< [channel][2 * passes]
};

/// A function of an int16 code on lines between points, of the vector unit.
enum class Curve { kNone, kLogistic, kTanh };

/// What only kMax, kSum and kWords have.
struct Pool {
  std::vector<SumRegion> regions;                   ///< kSum; kWords one, or one a channel
  std::optional<reference::ChannelScale> negative;  ///< kSum of one tap of int16: of codes below 0
  bool smallest = false;                            ///< kMax of int16: the minimum
  Curve curve = Curve::kNone;  ///< kSum of one tap of int16, or of two maps: what a line takes
  /// kWords: two columns' words, 256 first + second, are one sum; with two rows 65,536 of the
  /// second row's first as well, with three 2^24 and 2^32 of the third row's.
  bool joins = false;
};

/// What only layers of two operands have.
struct Pair {
  bool invert = false;       ///< complements the second operand; kAdd of int16: subtracts it
  reference::MulParams mul;  ///< of kMul: input 0 is the first tap
};

/// What only kSoftmax and kNormalize have. A SOFTMAX of int16 is two layers: exponentials, and what
/// each is of their sum.
struct OverChannels {
  /// kSoftmax: of differences 0..-255 to the largest, of int16 points of lines; kNormalize:
  /// reference::norm_entry().
  std::vector<std::uint32_t> exponentials;
  bool shares = false;                 ///< kSoftmax of int16: the second layer
  reference::ChannelScale difference;  ///< and of the first one, of a code less the largest
  reference::NormParams norm;          ///< kNormalize, besides `scales` (with signs) and `bias`
  std::optional<reference::ChannelScale> rescale;  ///< kSoftmax: SoftmaxParams::rescale
};

/// A layer: what all are asked for, and what only its kind has.
struct Layer {
  explicit Layer(LayerKind of = LayerKind::kConv) : kind(of) {
    if (kind == LayerKind::kMax || kind == LayerKind::kSum || kind == LayerKind::kWords)
      own.emplace<Pool>();
    if (two_operands()) own.emplace<Pair>();
    if (over_channels()) own.emplace<OverChannels>();
  }

  LayerKind kind;
  std::variant<Conv, Pool, Pair, OverChannels> own;
  std::string label;  ///< "model.tflite: op 3 CONV_2D", for messages
  std::string op;     ///< "CONV_2D+ADD"
  std::string name;   ///< of the output tensor
  std::int64_t macs = 0;

  /// A stripe of a cascade: the layer of the first stripe, whose weights it has. Its own are empty.
  int like = -1;
  int rows_of_all = 0;  ///< of the output, of all stripes; 0: a layer that is no stripe
  int part_of = -1;     ///< the layer that makes the first channels of the same output
  bool by_dma = false;  ///< kMax of one tap, between DMEM and DRAM: no unit computes it
  int input = -1;
  int second = -1;  ///< residual, or the second operand
  int output = -1;
  int weights_map = -1;  ///< kConv: the map whose codes are the weights, or -1
  /// Each core computes rows of its own, `window`.P of them: those of the next core lie below.
  bool by_rows = false;
  Geometry window;
  int words = 1;  ///< input channel words that the window runs over
  /// Output channels that read the same `words` input words; the next ones read the next words. 0:
  /// all channels read all words.
  int group_channels = 0;
  Former former;
  std::vector<Sweep> sweeps;  ///< kConv: one without a fused pool
  bool wide = false;          ///< the input's codes are int16, or, of QUANTIZE, the output's
  /// Each byte of the word of a tap outside of the image; of kMax over int16 the code itself.
  int pad_code = 0;
  bool single = false;
  bool half_even = false;  ///< with `single`
  reference::OutputRange range;
  Output result = Output::kRequantized;  ///< of other kinds than kConv: kRequantized or kLookup
  std::vector<std::int8_t> table;        ///< kLookup: of codes 0..127, -128..-1
  std::vector<std::uint16_t> points;     ///< of a Curve

  // kConv and kNormalize.
  int channels = 0;
  std::vector<std::int32_t> bias;
  std::vector<reference::ChannelScale> scales;
  bool per_tensor = false;
  int passes = 1;  ///< pairs of thresholds; 1 without

  /// kAdd, kSquare and fuse_add(): input 0 is the code (first tap), 1 the other.
  reference::AddParams add;

  Conv& conv() { return std::get<Conv>(own); }
  const Conv& conv() const { return std::get<Conv>(own); }
  Pool& pool() { return std::get<Pool>(own); }
  const Pool& pool() const { return std::get<Pool>(own); }
  Pair& pair() { return std::get<Pair>(own); }
  const Pair& pair() const { return std::get<Pair>(own); }
  OverChannels& over() { return std::get<OverChannels>(own); }
  const OverChannels& over() const { return std::get<OverChannels>(own); }

  /// Whether a product adds a residual to its codes.
  bool fuse_add() const { return kind == LayerKind::kConv && second >= 0; }
  /// Whether the weights are a map's codes and constants, side by side: a gate.
  bool is_gate() const { return kind == LayerKind::kConv && conv().gate_words > 0; }
  bool two_operands() const {
    return kind == LayerKind::kAdd || kind == LayerKind::kSquare || kind == LayerKind::kMul ||
           kind == LayerKind::kMaximum || kind == LayerKind::kMinimum ||
           (kind == LayerKind::kSum && second >= 0);
  }
  bool over_channels() const {
    return kind == LayerKind::kSoftmax || kind == LayerKind::kNormalize;
  }
  /// Whether a table can follow.
  bool can_look_up() const {
    return result == Output::kRequantized && !fuse_add() && !wide &&
           (kind == LayerKind::kConv || kind == LayerKind::kSum || kind == LayerKind::kAdd ||
            kind == LayerKind::kSquare || kind == LayerKind::kMul);
  }
  /// Whether an int16 code takes two lanes; copies (kMax of one tap) are of bytes.
  bool pairs_lanes() const {
    return kind == LayerKind::kConv ? conv().precision == isa::compute::Op::kInt16 ||
                                          conv().precision == isa::compute::Op::kMatmul16
                                    : wide && (kind != LayerKind::kMax || window.R * window.S > 1);
  }
  /// Whether the results are int16.
  bool wide_codes() const {
    return wide || (kind == LayerKind::kConv && conv().precision == isa::compute::Op::kInt8Int16);
  }
  /// Positions that the lanes take at once.
  int lanes(const machine::Config& config) const {
    return pairs_lanes() ? config.rows / 2 : config.rows;
  }
  /// Columns of int16 count double.
  int most_stride() const { return pairs_lanes() ? kMostStride / 2 : kMostStride; }
  int steps_x() const { return former.steps > 0 ? former.steps : window.S; }
  int steps() const { return words * window.R * steps_x(); }
  /// Output channels that chunks of that size divide, one behind the other: those of a group that a
  /// chunk is less than, else all.
  int chunked_channels(int chunk, int all) const {
    return group_channels > chunk && former.steps == 0 ? group_channels : all;
  }
  /// First word of the input for the group of that output channel.
  int first_word(int channel) const {
    return group_channels == 0 ? 0 : channel / group_channels * words;
  }
  /// Input words that so many channels read.
  int words_of(int count) const {
    return former.steps == 0 ? words : divide_up(count, group_channels);
  }
  /// Output channels that the array computes at once.
  int columns(const machine::Config& config) const {
    if (weights_map >= 0 && !is_gate()) {
      const int unit = conv().weights_transposed ? 4 : config.data_words();
      return config.cols / unit * unit;
    }
    return former.steps > 0 ? group_channels : config.cols;
  }
  /// Where output channel m's weights of a step begin.
  std::ptrdiff_t weight_at(int m, int step) const {
    return (std::ptrdiff_t{m} * steps() + step) * conv().step_codes;
  }
  void clear_weights() { conv().weights.edit().assign(at(weight_at(channels, 0)), 0); }
  bool fuses_max() const { return sweeps.size() > 1; }
  /// Window of one sweep, over all outputs.
  Geometry window_of(const Sweep& sweep) const {
    Geometry g = window;
    g.pad_top -= sweep.down;
    g.pad_left -= sweep.right;
    g.reach_y = g.reach_x = 0;
    return g;
  }
  /// PMEM rows of all constant weights.
  std::int64_t weight_rows(const machine::Config& config) const {
    if (kind != LayerKind::kConv || weights_map >= 0) return 0;
    return divide_up(channels, columns(config)) * rows_of(steps());
  }
  /// PMEM rows of a group for so many steps.
  std::int64_t rows_of(std::int64_t steps_done) const {
    if (const int group = conv().group_steps; group > 0)
      return machine::GroupRows{group}.rows(steps_done / group);
    return divide_up(steps_done, conv().steps_per_row);
  }
};

struct Network {
  std::vector<Map> maps;
  std::vector<Layer> layers;         ///< in execution order
  std::vector<int> inputs, outputs;  ///< maps, in the order of the machine's tensors
  std::vector<int> input_tensors, output_tensors;
  model::Graph before, after;  ///< on the host
  /// Cores of the cluster that work on images of their own; else all do the same, or share rows.
  int cores = 1;
  int row_cores = 1;  ///< that share the rows of maps, where a layer is by_rows
  /// The cores have pixels of one map's rows, of those that have core_pixels, instead of images.
  bool tokens = false;
  /// The layers' order is known to be good: steps of an LSTM, one behind the other.
  bool in_steps = false;
  /// Images of a batch go together through layers whose weights exceed PMEM: each chunk of weights
  /// comes once for all (image_runs()).
  bool chunks_together = false;

  /// @return its index
  int add(Map map) {
    maps.push_back(std::move(map));
    return static_cast<int>(maps.size()) - 1;
  }
  /// The first stripe of the layer, which has its weights; itself where there is one.
  int first_stripe(int layer) const {
    const int like = layers[at(layer)].like;
    return like >= 0 ? like : layer;
  }
  /// The map itself, or that of which it is a part.
  int whole_of(int map) const {
    const int whole = maps[at(map)].part.whole;
    return whole >= 0 ? whole : map;
  }
  /// The whole map whose codes it has, from where that is stored; else whole_of().
  int source_of(int map) const {
    const int whole = whole_of(map);
    return maps[at(whole)].reloads >= 0 ? source_of(maps[at(whole)].reloads) : whole;
  }
  /// Whether it is no part, and has none.
  bool is_separate(int map) const { return whole_of(map) == map && !maps[at(map)].has_parts; }
  /// Whether only layers know the map, in DMEM, and it shares memory with no other.
  bool is_private(int map) const;
};

/// Calls `visit` with the rectangle of each sweep, and of each region of sums.
template <typename L, typename Visit>
void for_each_rect(L& layer, Visit visit) {
  for (auto& sweep : layer.sweeps) visit(sweep.rect);
  if (auto* pool = std::get_if<Pool>(&layer.own))
    for (auto& region : pool->regions) visit(region.rect);
}

/// Sets which layers write and read each map, and which maps have parts.
void set_lifetimes(Network& network);
/// Conv::stored_share of all layers. @pre config.packed
void set_stored_shares(Network& network, const machine::Config& config);

/// For each layer the first one whose constant weights PMEM holds as the same rows: itself, or that
/// of another image of a batch or of a cascade's first stripe.
std::vector<int> equal_weights(const Network& network);

/// Neighbouring layers first..last, convolutions with the same constant weights of which none reads
/// what another one writes: what one layer of a model is for the images of a batch.
struct ImageRun {
  int first = 0, last = 0;
  int size() const { return last - first + 1; }
};
/// Those of at least two layers, in order. @param weights_of  equal_weights()
std::vector<ImageRun> image_runs(const Network& network, const std::vector<int>& weights_of);
/// Those that share chunks of weights, of Network::chunks_together; of each layer, or one alone.
std::vector<ImageRun> runs_together(const Network& network, const std::vector<int>& weights_of,
                                    const machine::Config& config);

/// Makes the sweeps of a convolution (sweeps.cpp).
void set_sweeps(Layer& layer);
/// The same with a MAX_POOL_2D fused behind it: `pool` slides over the convolution's positions.
/// @pre can_pool(layer, pool)
void set_sweeps(Layer& layer, const Geometry& pool);
/// The sweeps of the output's rows first..last-1. @pre the window is already that of these rows
void cut_sweeps(Layer& layer, int first, int last);
/// Whether the instructions can express it.
bool can_pool(const Layer& layer, const Geometry& pool);

/// Bits of two's complement that hold each of the array's sums, whatever codes its maps have,
/// without the bias (sums.cpp). @pre kConv
int sum_bits(const Layer& layer);

/// A line for each map, two or more for each layer. What is as usual (a stride of 1, no padding) is
/// left out (print.cpp).
std::string to_text(const Network& network);

}  // namespace trine::compiler
