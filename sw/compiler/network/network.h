// SPDX-License-Identifier: Apache-2.0
//
// The model as the machine computes it: feature maps, and layers that each slide one window over a
// map. Reshapes, paddings and additions are folded where possible. Operators at the graph's ends
// that the hardware does not support are cut off for the host.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "spec/config.h"
#include "spec/group_rows.h"
#include "spec/isa.h"
#include "spec/precision.h"
#include "sw/base/division.h"
#include "sw/base/index.h"
#include "sw/base/shared_vector.h"
#include "sw/compiler/network/loop_nest.h"
#include "sw/compiler/network/objective.h"
#include "sw/model/graph/graph.h"
#include "sw/program/layout.h"
#include "sw/reference/ops/norm.h"
#include "sw/reference/quantized_params.h"

namespace trine::compiler {

/// The largest value of the address generator's fields stride_x, stride_y and out_skip.
constexpr int kMostStride = (1 << isa::agu::kStrideX.width) - 1;

/// The place of a map inside of an outer map. Pixel (y, x) of the part is pixel (part.y + y *
/// stride_y, part.x + x * stride_x) of the outer map, and channel c of the part is channel
/// part.channel + c of the outer map.
struct Part {
  int whole = -1;  ///< the outer map, which is not a part itself; -1: the map is not a part
  int channel = 0, y = 0, x = 0, stride_y = 1, stride_x = 1;
  /// Unless 0, the whole part is stored in the channels of one pixel of the outer map. There, the
  /// part's pixels follow each other, and each of them occupies this many words.
  int pixel_words = 0;

  /// Returns true if pixels or codes of other maps are between the pixels or codes of the part.
  bool scattered(int per_word) const {
    return stride_y != 1 || stride_x != 1 || channel % per_word != 0;
  }
};

/// The part of a map that each core of a cluster has.
struct CoreShare {
  int rows = 0;                        ///< rows that each core makes; 0: each core has all rows
  int rows_above = 0, rows_below = 0;  ///< neighbours' rows that the map's readers also need
  /// Pixels of a row that each core has if the cores share tokens (Network::tokens). In DRAM, the
  /// pixels of one core follow the pixels of the core before. 0: all cores have the same pixels.
  int pixels = 0;
};

/// The first and the last layer that do something; -1: no layer.
struct LayerRange {
  int first = -1, last = -1;
  constexpr bool operator==(const LayerRange&) const = default;
};

/// A feature map. One layer writes it, or one layer for each of its parts. Layers read whole maps,
/// and parts that are whole channel words.
struct Map {
  std::string name;
  Shape shape;
  bool transposed = false;  ///< rows of the map are columns of the tensor
  Fold fold;                ///< the fold of an input with few channels
  /// For a state: the shape of its place in DRAM. In every run, the state is at the start of this
  /// place.
  std::optional<Shape> capacity;
  Part part;
  int tensor = -1;                     ///< index in the graph
  std::vector<std::int8_t> codes;      ///< of a constant: HWC, two bytes each for int16; else empty
  bool input = false, output = false;  ///< at the edge of the machine
  /// Also stored for maps that reload it. Inputs and constants are in DRAM without it.
  bool kept = false;
  int reloads = -1;  ///< the map whose stored codes it loads, or -1
  /// A pass forbids a place in DMEM, which it leaves to other maps, or because cores exchange rows
  /// of the map.
  bool spill = false;
  /// Layers that are by_dma move its rows, which are whole beats.
  bool moved = false;
  CoreShare core;
  int row_room = 0;        ///< pixels per row reserved in DRAM; 0: the row's own
  bool weights = false;    ///< weights of some layer; rows and planes are whole beats
  LayerRange written;      ///< layers that write it or a part of it; none: input or constant
  LayerRange read;         ///< layers that read it or a part of it
  bool has_parts = false;  ///< other maps are parts of it

  bool constant() const { return !codes.empty(); }
  bool is_state() const { return capacity.has_value(); }
  /// Returns true if the map is loaded from where another map is stored.
  bool is_copy() const { return reloads >= 0; }
  /// Returns true if the host or the image of constants knows the map.
  bool at_edge() const { return input || output || constant(); }
  /// Returns true if codes of the map exist before all layers.
  bool exists_at_start() const { return input || constant() || is_state(); }
  /// Returns true if layers make the map and store it, for the host or for copies.
  bool is_stored() const { return output || kept; }
  /// Returns true if the codes that layers write are loaded again: for copies, or in the next run.
  bool is_loaded_again() const { return kept || is_state(); }
  /// Returns true if the map and other maps, or other runs, use the same codes in DRAM.
  bool is_linked() const { return is_loaded_again() || is_copy(); }
  /// Returns true if DRAM contains the codes of the map even if DMEM contains them.
  bool has_copy_in_dram() const { return at_edge() || kept || is_copy(); }
  /// Returns true if only the layers of one run use the codes. The map may still be spilled.
  bool is_temporary() const { return !at_edge() && !is_linked(); }
  /// Returns true if the codes leave DMEM only if the plan finds no place for the map.
  bool is_on_chip() const { return is_temporary() && !spill; }

  /// Returns a map of the same shape, part and `spill` that only the layers of one run use, and
  /// that no layer by_dma moves.
  Map inner_copy() const;

  int width_in_dram() const { return std::max(row_room, capacity.value_or(shape).W); }
  /// Returns the position of the first channel in the first word.
  int position() const { return part.channel % shape.per_word; }
  /// Returns the number of words that contain the first `channels` channels.
  int words_of(int channels) const { return divide_up(position() + channels, shape.per_word); }
};

/// A window of R x S taps over H x W pixels, at P x Q positions. A stride of 0 repeats the only row
/// or column (kMax with one tap).
struct Geometry {
  int H = 1, W = 1, P = 1, Q = 1, R = 1, S = 1;
  int stride_y = 1, stride_x = 1, dil_y = 1, dil_x = 1;
  int pad_top = 0, pad_left = 0;
  int reach_y = 0, reach_x = 0;  ///< pixels by which the sweeps of a fused pool move the window

  int span_y() const { return (R - 1) * dil_y + 1 + reach_y; }
  int span_x() const { return (S - 1) * dil_x + 1 + reach_x; }
};

/// The use of the window former in a depthwise convolution (former.cpp).
struct Former {
  int steps = 0;  ///< steps of a filter row; 0: not used
  int dil = 1;    ///< input columns from step to step
  int halo = 0;   ///< neighbours whose words a lane uses
  int idle = 0;   ///< positions at the end of a full output row that only lend their words

  /// Returns the number of lending positions after each row of a rectangle with `cols` columns. The
  /// whole output has Q columns.
  int behind(int cols, int Q) const { return cols == Q ? idle : halo; }
};

/// The output positions y0 <= y < y1, x0 <= x < x1.
struct Rect {
  int y0 = 0, y1 = 0, x0 = 0, x1 = 0;

  int rows() const { return y1 - y0; }
  int cols() const { return x1 - x0; }
  bool empty() const { return y0 >= y1 || x0 >= x1; }
  /// Returns the intersection with `o`.
  Rect within(const Rect& o) const {
    return {std::max(y0, o.y0), std::min(y1, o.y1), std::max(x0, o.x0), std::min(x1, o.x1)};
  }
};

/// A rectangle of positions whose sums are requantized alike. Average pooling has one region for
/// each number of taps inside the image.
struct SumRegion {
  Rect rect;
  reference::ChannelScale scale;
  std::int32_t bias = 0;
};

/// One pass of a convolution over its outputs. A fused MAX_POOL_2D needs one pass for each position
/// of the pool's window, which moves the convolution's window. The first pass covers all outputs,
/// and the others take the maximum with the code already stored.
struct Sweep {
  int down = 0, right = 0;  ///< pixels by which the window is moved
  Rect rect;                ///< outputs whose pool window has this position inside of the map
};

/// The kinds of layers. kWords computes codes from int32 words. kMax and kSum reduce the taps of a
/// window. kAdd, kSquare (of the sum), kMul, kMaximum and kMinimum combine two maps word by word.
/// kSoftmax and kNormalize work over the channels of a pixel.
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
enum class Output { kRequantized, kThresholds, kRaw, kLookup };  ///< encoded as the field `output`

/// The properties that only kConv layers have.
struct Conv {
  /// With Layer::weights_map: pixel n after (weights_y, weights_x) holds the weights of output
  /// channel n. If transposed, channel n holds them, in the pixels from (weights_y, weights_x) on.
  /// The filter has one tap.
  bool weights_transposed = false;
  /// The weights are low bytes of int16 codes, which the array reads with an offset of -128.
  bool weights_are_low = false;
  int weights_y = 0, weights_x = 0;
  int weights_zero = 0;  ///< zero point of the weights
  /// With Layer::weights_map and the window former: the number of the map's channel words that one
  /// load copies. The words of a load belong to consecutive groups: word i is lane 0 of step i in
  /// the i-th of these groups. `weights` holds all other lanes.
  int gate_words = 0;
  isa::compute::Op precision = isa::compute::Op::kInt8;
  int step_codes = 4;     ///< codes of an input word
  int steps_per_row = 1;  ///< steps in a PMEM row: 4 or 8 if weights are narrower than activations
  int zero_point = 0;     ///< zero point of the input
  int outside = 0;        ///< code of a tap outside of the image
  /// The weights as [channel][step][codes of an input word], where step = (channel word, ky, kx).
  /// The input's zero point is folded into the bias or the thresholds. With the window former:
  /// [channel][step][lane], where step = (ky, step of the filter row).
  SharedVector<std::int8_t> weights;
  /// Without `weights` (compile_shapes.h): layers with the same number have the same weights. -1:
  /// no other layer has them.
  std::int64_t weights_like = -1;
  /// The approximate number of DRAM bytes for a PMEM byte; less than 1 if the weights are packed.
  double stored_share = 1;
  /// The number of steps in a group. The reduction is split into groups, and the sum of each group
  /// has its own factor. 0: no factors.
  int group_steps = 0;
  std::vector<std::int16_t> factors;  ///< [channel][group]
  /// Biases of 40-bit sums while lowering makes the layer. In a finished layer, `bias` holds their
  /// low 32 bits, and `scales` their high 8 bits, above the multipliers.
  std::vector<std::int64_t> long_bias;
  /// The layer multiplies a binary map by ternary weights. It has two taps with binary weights, and
  /// both taps read the same input word. A ternary weight is half the sum of two binary weights, so
  /// sums and biases are twice as large.
  bool twice = false;
  int low = 0;                           ///< the code below all thresholds
  std::vector<std::int32_t> thresholds;  ///< [channel][2 * passes]
};

/// A function of an int16 code that the vector unit interpolates between points.
enum class Curve { kNone, kLogistic, kTanh };

/// The properties that only kMax, kSum and kWords layers have.
struct Pool {
  /// kSum; kWords has one, or one for each channel.
  std::vector<SumRegion> regions;
  /// kSum of one int16 tap: scale of codes below 0.
  std::optional<reference::ChannelScale> negative;
  bool smallest = false;       ///< kMax of int16: takes the minimum
  Curve curve = Curve::kNone;  ///< kSum of one int16 tap or of two maps: the function of the sum
  /// kWords: the words of two columns form one sum, 256 * first + second. With two rows, 65,536
  /// times the second row's first word is added. With three rows, 2^24 and 2^32 times the third
  /// row's words are added too.
  bool joins = false;
};

/// The properties that only layers of two operands have.
struct Pair {
  bool invert = false;       ///< complements the second operand; kAdd of int16 subtracts it
  reference::MulParams mul;  ///< of kMul; input 0 is the first tap
};

/// The properties that only kSoftmax and kNormalize layers have. An int16 SOFTMAX is two layers:
/// one computes the exponentials, the other the share of each in their sum.
struct OverChannels {
  /// kSoftmax: exponentials of the differences 0..-255 to the largest code; for int16, points of
  /// lines. kNormalize: reference::norm_entry().
  std::vector<std::uint32_t> exponentials;
  bool shares = false;  ///< int16 kSoftmax: the second layer
  /// Int16 kSoftmax, first layer: scale of a code minus the largest.
  reference::ChannelScale difference;
  /// kNormalize, in addition to `scales` (with signs) and `bias`.
  reference::NormParams norm;
  std::optional<reference::ChannelScale> rescale;  ///< kSoftmax: SoftmaxParams::rescale
};

/// A layer: the properties that all kinds share, and the properties of its own kind.
struct Layer {
  explicit Layer(LayerKind of = LayerKind::kConv) : kind(of) {
    if (kind == LayerKind::kMax || kind == LayerKind::kSum || kind == LayerKind::kWords)
      own.emplace<Pool>();
    if (two_operands()) own.emplace<Pair>();
    if (over_channels()) own.emplace<OverChannels>();
  }

  LayerKind kind;
  std::variant<Conv, Pool, Pair, OverChannels> own;
  std::string label;   ///< "model.tflite: op 3 CONV_2D", for messages
  std::string op;      ///< "CONV_2D+ADD"
  std::string name;    ///< name of the output tensor
  std::string module;  ///< model::module_of() the operator
  std::int64_t macs = 0;

  /// The layer of a cascade's first stripe, whose weights this stripe uses, or -1. A stripe with
  /// such a layer has no weights of its own.
  int like = -1;
  int rows_of_all = 0;  ///< of a stripe: output rows of all stripes; 0: not a stripe
  int part_of = -1;     ///< the layer that makes the first channels of the same output, or -1
  bool by_dma = false;  ///< a kMax of one tap between DMEM and DRAM that no unit computes
  int input = -1;
  int second = -1;  ///< the residual or the second operand, or -1
  int output = -1;
  int weights_map = -1;  ///< kConv: the map whose codes are the weights, or -1
  /// The only loops that a plan may have. Empty: the plan chooses.
  std::optional<LoopNest> nest;
  /// Each core computes `window`.P rows of its own. The rows of the next core are below them.
  bool by_rows = false;
  Geometry window;
  int words = 1;  ///< input channel words that the window covers
  /// Output channels that read the same `words` input words. The next ones read the next words. 0:
  /// all channels read all words.
  int group_channels = 0;
  Former former;
  std::vector<Sweep> sweeps;  ///< kConv: one unless a pool is fused
  bool wide = false;          ///< the input is int16, or the layer is a QUANTIZE to int16
  /// The value of each byte in the word of a tap outside of the image. For kMax over int16, the
  /// code.
  int pad_code = 0;
  bool single = false;
  bool half_even = false;  ///< with `single`
  reference::OutputRange range;
  Output result = Output::kRequantized;  ///< kinds other than kConv have kRequantized or kLookup
  std::vector<std::int8_t> table;        ///< kLookup: by code, 0..127, then -128..-1
  std::vector<std::uint16_t> points;     ///< points of the Curve

  // kConv and kNormalize.
  int channels = 0;
  std::vector<std::int32_t> bias;
  std::vector<reference::ChannelScale> scales;
  bool per_tensor = false;
  int passes = 1;  ///< pairs of thresholds; 1 if there are none

  /// kAdd, kSquare and fuse_add(): input 0 is the first tap, or with fuse_add() the product's code;
  /// input 1 is the other operand.
  reference::AddParams add;

  Conv& conv() { return std::get<Conv>(own); }
  const Conv& conv() const { return std::get<Conv>(own); }
  Pool& pool() { return std::get<Pool>(own); }
  const Pool& pool() const { return std::get<Pool>(own); }
  Pair& pair() { return std::get<Pair>(own); }
  const Pair& pair() const { return std::get<Pair>(own); }
  OverChannels& over() { return std::get<OverChannels>(own); }
  const OverChannels& over() const { return std::get<OverChannels>(own); }

  /// Returns true if a product adds a residual to its codes.
  bool fuse_add() const { return kind == LayerKind::kConv && second >= 0; }
  /// Returns true if the layer is a gate: its weights are codes of a map, next to constants.
  bool is_gate() const { return kind == LayerKind::kConv && conv().gate_words > 0; }
  bool two_operands() const {
    return kind == LayerKind::kAdd || kind == LayerKind::kSquare || kind == LayerKind::kMul ||
           kind == LayerKind::kMaximum || kind == LayerKind::kMinimum ||
           (kind == LayerKind::kSum && second >= 0);
  }
  bool over_channels() const {
    return kind == LayerKind::kSoftmax || kind == LayerKind::kNormalize;
  }
  /// Returns true if a lookup table can follow the layer.
  bool can_look_up() const {
    return result == Output::kRequantized && !fuse_add() && !wide &&
           (kind == LayerKind::kConv || kind == LayerKind::kSum || kind == LayerKind::kAdd ||
            kind == LayerKind::kSquare || kind == LayerKind::kMul);
  }
  /// Returns true if an int16 code uses two lanes. Copies (kMax of one tap) move bytes.
  bool pairs_lanes() const {
    return kind == LayerKind::kConv ? conv().precision == isa::compute::Op::kInt16 ||
                                          conv().precision == isa::compute::Op::kMatmul16
                                    : wide && (kind != LayerKind::kMax || window.R * window.S > 1);
  }
  /// Returns true if the results are int16.
  bool wide_codes() const {
    return wide || (kind == LayerKind::kConv && conv().precision == isa::compute::Op::kInt8Int16);
  }
  /// Returns the number of positions that the lanes compute at once.
  int lanes(const spec::Config& config) const {
    return pairs_lanes() ? config.rows / 2 : config.rows;
  }
  /// Returns the largest stride in pixels. Columns of int16 maps count double.
  int most_stride() const { return pairs_lanes() ? kMostStride / 2 : kMostStride; }
  int steps_x() const { return former.steps > 0 ? former.steps : window.S; }
  int steps() const { return words * window.R * steps_x(); }
  /// Returns how many output channels are cut into chunks together: the channels of one group if a
  /// chunk is smaller than a group, else all channels.
  int chunked_channels(int chunk, int all) const {
    return group_channels > chunk && former.steps == 0 ? group_channels : all;
  }
  /// Returns the number of chunks of all channels; each group ends with a chunk.
  int chunks(int chunk, int all) const {
    const int together = chunked_channels(chunk, all);
    return divide_up(all, together) * divide_up(together, chunk);
  }
  /// Returns the first input word that the group of this output channel reads.
  int first_word(int channel) const {
    return group_channels == 0 ? 0 : channel / group_channels * words;
  }
  /// Returns the number of input words that `count` output channels read.
  int words_of(int count) const {
    return former.steps == 0 ? words : divide_up(count, group_channels);
  }
  /// Returns the number of output channels that the array computes at once.
  int columns(const spec::Config& config) const {
    if (weights_map >= 0 && !is_gate()) {
      const int unit = conv().weights_transposed ? 4 : config.data_words();
      return config.cols / unit * unit;
    }
    return former.steps > 0 ? group_channels : config.cols;
  }
  /// Returns the index of the first weight of output channel m in a step.
  std::ptrdiff_t weight_at(int m, int step) const {
    return (std::ptrdiff_t{m} * steps() + step) * conv().step_codes;
  }
  void clear_weights() { conv().weights.edit().assign(at(weight_at(channels, 0)), 0); }
  bool fuses_max() const { return sweeps.size() > 1; }
  /// Returns the layer's window, moved as in `sweep`.
  Geometry window_of(const Sweep& sweep) const {
    Geometry g = window;
    g.pad_top -= sweep.down;
    g.pad_left -= sweep.right;
    g.reach_y = g.reach_x = 0;
    return g;
  }
  /// Returns the PMEM rows of all constant weights.
  std::int64_t weight_rows(const spec::Config& config) const {
    if (kind != LayerKind::kConv || weights_map >= 0) return 0;
    return divide_up(channels, columns(config)) * rows_of(steps());
  }
  /// Returns the PMEM rows of a group for this many steps.
  std::int64_t rows_of(std::int64_t steps_done) const {
    if (const int group = conv().group_steps; group > 0)
      return spec::GroupRows{group}.rows(steps_done / group);
    return divide_up(steps_done, conv().steps_per_row);
  }
};

class TileMemo;

/// A network: its maps, its layers, and the operators before and after them on the host.
struct Network {
  std::vector<Map> maps;
  std::vector<Layer> layers;         ///< in execution order
  std::vector<int> inputs, outputs;  ///< map indices, in the order of the machine's tensors
  std::vector<int> input_tensors, output_tensors;
  model::Graph before, after;  ///< operators on the host
  /// The number of cores that each work on different images. 1 if all cores do the same or share
  /// rows.
  int cores = 1;
  int row_cores = 1;  ///< cores that share the rows of maps in layers that are by_rows
  /// The cores share the pixels of rows, in maps with CoreShare::pixels, instead of images.
  bool tokens = false;
  /// Some layers are steps of an LSTM. They follow each other, and their order is kept.
  bool in_steps = false;
  /// Images of a batch go together through layers whose weights exceed PMEM, so that each chunk of
  /// weights is loaded once for all images (image_runs()).
  bool chunks_together = false;
  Objective objective = Objective::kCycles;
  /// The tilings of copies of this network that a search has planned, see plan/tile_memo.h.
  std::shared_ptr<TileMemo> tilings;

  /// Adds a map.
  /// @return its index
  int add(Map map) {
    maps.push_back(std::move(map));
    return static_cast<int>(maps.size()) - 1;
  }
  /// Adds `copy`, which loads the codes of `map` from where they are stored. Stores them there if
  /// they are not in DRAM already.
  /// @return its index
  int add_copy_of(int map, Map copy) {
    copy.reloads = map;
    maps[at(map)].kept = !maps[at(map)].input && !maps[at(map)].constant();
    return add(std::move(copy));
  }
  /// Returns the layer of the first stripe, whose weights `layer` uses, or `layer` itself.
  int first_stripe(int layer) const {
    const int like = layers[at(layer)].like;
    return like >= 0 ? like : layer;
  }
  /// Returns the whole map of a part, or the map itself.
  int whole_of(int map) const {
    const int whole = maps[at(map)].part.whole;
    return whole >= 0 ? whole : map;
  }
  /// Returns the whole map whose stored codes `map` loads, or whole_of() if `map` loads none.
  int source_of(int map) const {
    const int whole = whole_of(map);
    return maps[at(whole)].is_copy() ? source_of(maps[at(whole)].reloads) : whole;
  }
  /// Returns true if the map is not a part and has no parts.
  bool is_separate(int map) const { return whole_of(map) == map && !maps[at(map)].has_parts; }
  /// Returns true if only layers use the map, in DMEM, and no other map shares its memory.
  bool is_private(int map) const;
};

/// Calls `visit` with the rectangle of each sweep and of each region of sums.
template <typename L, typename Visit>
void for_each_rect(L& layer, Visit visit) {
  for (auto& sweep : layer.sweeps) visit(sweep.rect);
  if (auto* pool = std::get_if<Pool>(&layer.own))
    for (auto& region : pool->regions) visit(region.rect);
}

/// Sets Map::written, Map::read and Map::has_parts of all maps.
void set_lifetimes(Network& network);
/// Sets Conv::stored_share of all layers.
/// @pre config.packed
void set_stored_shares(Network& network, const spec::Config& config);

/// Returns for each layer the first layer whose constant weights are the same rows of PMEM: itself,
/// the layer of another image of a batch, or the layer of a cascade's first stripe.
std::vector<int> equal_weights(const Network& network);

/// A run of neighbouring layers first..last, all convolutions with the same constant weights. None
/// reads what another one writes. Together they are one layer of the model, for the images of a
/// batch.
struct ImageRun {
  int first = 0, last = 0;
  int size() const { return last - first + 1; }
};
/// Returns the runs of at least two layers, in order.
/// @param weights_of  result of equal_weights()
std::vector<ImageRun> image_runs(const Network& network, const std::vector<int>& weights_of);
/// Returns for each layer the run that shares chunks of weights with it, according to
/// Network::chunks_together. The run may be only that layer.
std::vector<ImageRun> runs_together(const Network& network, const std::vector<int>& weights_of,
                                    const spec::Config& config);

/// Sets the only sweep of a convolution (sweeps.cpp).
void set_sweeps(Layer& layer);
/// Sets the sweeps of a convolution followed by a fused MAX_POOL_2D, whose window `pool` slides
/// over the convolution's positions.
/// @pre can_pool(layer, pool)
void set_sweeps(Layer& layer, const Geometry& pool);
/// Cuts the sweeps to the output rows first..last-1.
/// @pre the window already covers only these rows
void cut_sweeps(Layer& layer, int first, int last);
/// Returns true if instructions can express the pool.
bool can_pool(const Layer& layer, const Geometry& pool);

/// Returns the number of two's complement bits that hold each of the array's sums without the bias,
/// for all codes that the layer's maps can have (sums.cpp).
/// @pre kConv
int sum_bits(const Layer& layer);

/// Returns the network as text: a line for each map, and two or more for each layer. Defaults (a
/// stride of 1, no padding) are left out (print.cpp).
std::string to_text(const Network& network);

}  // namespace trine::compiler
