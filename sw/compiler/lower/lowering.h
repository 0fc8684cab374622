// SPDX-License-Identifier: Apache-2.0
//
// Turns operators into layers. Each kind of operator has a row in rule_of() and two methods next to
// each other in lower_*.cpp. x_problem() returns why the machine cannot compute the operator on
// this design, and changes nothing. x() makes the layers of an operator without a problem. Problems
// that depend on where codes are stored show only while codes are moved: note() records them, and
// lowering continues.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sw/compiler/lower/lower.h"
#include "sw/compiler/lower/maps.h"

namespace trine::compiler {

/// The elements of an operand that a selection takes along each axis, in any order.
struct Elements {
  std::vector<int> extents;               ///< extents of the operand's axes
  std::vector<std::vector<int>> sources;  ///< by axis of the result: the operand's elements
};

/// Returns the k-th signed byte of a value: v = v0 + 256 v1 + 65,536 v2.
std::int8_t signed_byte(std::int64_t value, int k);

/// Merges the regions of the channels into one if all have the same scale and bias.
void be_one(std::vector<SumRegion>& regions);

/// The lowering of one graph.
class Lowering : private Maps {
 public:
  Lowering(const Graph& graph, const MachinePart& part, const spec::Config& config,
           const reference::RoundingPolicy& rounding)
      : Maps(graph, part, config, rounding) {}

  Lowered run();

 private:
  /// The two methods of a kind of operator.
  struct Rule {
    Problem (Lowering::*problem)(const Op& o) const = nullptr;
    void (Lowering::*lower)(const Op& o) = nullptr;  ///< @pre no problem
    constexpr bool operator==(const Rule&) const = default;
  };
  /// Returns the rule, or nullptr if the machine has no such operator, or if it is a function of
  /// one code.
  static const Rule* rule_of(OpKind kind);

  // ---- one operator after the other -------------------------------------------------------------

  /// Calls `ask(index)`, which returns a Problem, for the machine's operators in order. Skips
  /// operators whose inputs have neither a map nor a stand-in.
  /// @return all problems, or nothing if there are none
  template <typename Ask>
  std::optional<Unsupported> judge(Ask ask);
  /// Returns why the machine cannot compute the operator with its codes stored as they are. The
  /// operators before it are layers already.
  Problem problem(const Op& o) const;
  /// Makes the operator's layers, or returns its problem.
  Problem lower(int index);

  // ---- products ---------------------------------------------------------------------------------

  void set_arithmetic(const Op& o, Layer& layer) const;
  /// Sets the scales of a product. Sums that stay int32 have none.
  void set_scales(const Op& o, Layer& layer) const;
  /// Sets the precision of a product. Activations are packed as in their map; weights are not
  /// wider, if there is such an operation.
  void set_precision(const Op& o, Layer& layer) const;
  /// Returns the sum of the weights of channel m.
  static std::int64_t weight_sum(const Layer& layer, int m);
  /// Folds the input's zero point into the bias: sum (x - z) * w = sum x * w - z * sum w.
  void fold_zero_point(Layer& layer) const;
  static void cancel_beyond(Layer& layer);
  static void read_twice(Layer& layer);
  void fold_low_bytes(Layer& layer);
  bool has_long_sums(const Op& o) const;
  Problem wide_problem(const Op& o) const;
  Problem half_even_sums_problem(const Op& o) const;
  /// Returns the problem of an int16 scale that scales a signed value of `bits` bits beyond 32
  /// bits.
  Problem scale_problem(const Op& o, const ChannelScale& scale, int bits) const;
  /// Returns the problem of a sum over more int16 codes than fit.
  Problem count_problem(const Op& o, std::int64_t count, std::int64_t most) const;
  /// Returns the weight of input channel c of the whole map, if groups read their own words.
  static std::int8_t& tap_weight(Layer& layer, int m, int ky, int kx, int c);
  Layer product_layer(const Op& o);
  /// Returns the problem of a product's operands and scales.
  Problem weights_problem(const Op& o) const;
  Problem factors_problem(const Op& o) const;
  Problem product_problem(const Op& o) const;
  void product(const Op& o);
  Problem threshold_problem(const Op& o) const;
  void threshold(const Op& o);
  /// Sets the thresholds of a product: acc + bias >= T becomes acc >= T - bias. A code that is
  /// `step` above the one before needs `step` thresholds. A bit needs one, whatever its step.
  void set_thresholds(const Op& t, Layer& layer) const;
  /// Splits format weights of more than eight bits: w = 2^bits high + low. `high` multiplies the
  /// activations times 2^bits, `low` the activations themselves.
  struct Split {
    int bits = 0;
    static std::optional<Split> of(std::span<const std::int16_t> weights);
    int high(int w) const;
    int low(int w) const { return w - (high(w) << bits); }
  };
  std::optional<Split> split_of(const Op& o) const;
  Problem split_problem(const Op& o) const;
  /// Makes a map whose lower half of channels is `from`, and whose upper half is `from` times
  /// 2^bits.
  int scaled_beside(const Op& o, int from, int bits);
  /// The layers of a product with fixed-point weights: one for the lowest bytes of the weights, one
  /// for the next bytes, one for the highest.
  using Bytes = std::array<Layer, 3>;
  Layer convolution(const Op& o, Bytes* bytes = nullptr);
  void set_factors(const Op& o, Layer& layer);
  /// Makes the layer of a product over [N, K]: a 1x1 filter on N pixels, or, if K is some pixels or
  /// rows of an image, or all of it, a filter of that size. Rows in other layouts are put in order
  /// first.
  Layer fully_connected(const Op& o, Bytes* bytes = nullptr);
  bool rows_meet(const Shape& s, int K, int channels) const;

  // ---- products of two maps (lower_matmul.cpp) --------------------------------------------------

  Problem batch_matmul_problem(const Op& o) const;
  void batch_matmul(const Op& o);
  /// Returns the number of channels in each block of a block-diagonal constant second operand, as
  /// in a rotation: an output depends only on the inputs of its block. Returns 0 if the operand is
  /// not block-diagonal or blocks gain nothing.
  int block_of(const Op& o, const Matrices& a) const;
  /// Sets the weights of a layer from its diagonal blocks.
  /// @param matrix  the second operand of the layer's batch: [output][input]
  static void set_block_weights(std::span<const std::int8_t> matrix, int block, Layer& layer);
  Problem wide_matmul_problem(const Op& o) const;
  int byte_plane(const Op& o, int map, bool low);
  Layer wide_sums(const Op& o, std::array<Layer, 2> products, bool long_sums);
  Problem wide_weights_problem(const Op& o) const;
  void wide_weights(const Op& o);
  Problem fixed_problem(const Op& o) const;
  void fixed_weights(const Op& o);
  Layer with_sums_folded(Layer layer, Bytes* bytes);
  void begin_bytes(const Op& o, const Layer& layer, Bytes* bytes) const;
  void be_words(Layer& layer) const;
  /// The sums that become words, three or five: word k has weight 256^k.
  using Words = std::vector<Layer>;
  /// A block of output rows and channels whose words are in DMEM together.
  struct Block {
    int first = 0, channels = 0, row = 0, rows = 0;
  };
  /// The parameters by which words are joined to codes.
  struct Joint {
    std::vector<ChannelScale> scales;  ///< one, or one for each channel
    reference::OutputRange output;
    std::vector<std::int64_t> bias;  ///< added to the sum in addition to the words
  };
  std::vector<Block> blocks_of(const Layer& layer, int rows_of_words) const;
  void join_words(const Op& o, const Words& sums, const Joint& joint);
  int words_of_sums(const Op& o, const Words& sums, const Block& block);
  void join_block(const Op& o, int words, const Joint& joint, const Block& block, int codes);
  /// Makes a map of the three bytes of format values: all first bytes, then all second bytes, then
  /// all third bytes.
  int byte_planes(const Op& o, const std::vector<int>& maps);
  Layer product_of_plane(const Op& o, int planes, int k, int channels);
  Words products_of_planes(const Op& o, Bytes bytes);
  Problem planes_problem(const Op& o) const;
  Problem short_scales_problem(const Op& o, std::span<const ChannelScale> scales) const;
  Problem value_sum_problem(const Op& o) const;
  void value_sum(const Op& o);
  Problem value_mean_problem(const Op& o) const;
  void value_mean(const Op& o);
  Matrices matrices(const Op& o, int position, bool adjoint);
  /// Returns the first code of each matrix of the operand, in the order of the output's batches.
  std::vector<std::int64_t> batches(const Op& o, int position, const Matrices& from) const;
  bool readable_transposed(const Matrices& m, const std::vector<std::int64_t>& first) const;
  /// Returns true if rows are neighbouring words of a map's only pixel (heads of one token).
  bool lie_in_words(const Matrices& m, const std::vector<std::int64_t>& first) const;
  /// Returns the map in which a pixel has the channels of all batches, if the product's reader
  /// joins the batches that way.
  std::optional<int> joined_batches(const Op& o, int batches);

  // ---- order of axes (lower_axes.cpp) -----------------------------------------------------------

  Problem reshape_problem(const Op& o) const;
  void reshape(const Op& o);
  Problem transpose_problem(const Op& o) const;
  void transpose(const Op& o);

  // ---- functions of one code (lower_tables.cpp) ------------------------------------------------

  bool is_rescaled(const Op& o) const;
  Problem function_problem(const Op& o) const;
  void function(const Op& o);

  // ---- functions of int16 codes (lower_lines.cpp) ----------------------------------------------

  const Op* sum_of(const Op& line) const;
  Problem line_problem(const Op& o) const;
  void line(const Op& o);

  // ---- elementwise operators --------------------------------------------------------------------

  Problem addition_problem(const Op& o) const;
  void addition(const Op& o);
  Problem sum_problem(const Op& o) const;
  Problem subtraction_problem(const Op& o) const;
  void subtraction(const Op& o);
  Problem squared_difference_problem(const Op& o) const;
  void squared_difference(const Op& o);
  Problem multiplication_problem(const Op& o) const;
  void multiplication(const Op& o);
  const Map* gated_map(const Op& o, int position) const;
  bool gate_pays(const Shape& s, int steps, bool computed) const;
  Layer gate(const Op& o, int position, int steps);
  /// Returns the operand, computed or constant, that the array can use as weights, one for each
  /// channel.
  std::optional<int> gate_of(const Op& o) const;
  void computed_gate(const Op& o, int position);
  static std::vector<std::int8_t> shares_of(int weight);
  std::optional<int> constant_gate_of(const Op& o) const;
  void constant_gate(const Op& o, int position);
  Problem two_maps_problem(const Op& o) const;
  void maximum(const Op& o) { add_layer(o, two_maps(o, LayerKind::kMaximum)); }
  void minimum(const Op& o) { add_layer(o, two_maps(o, LayerKind::kMinimum)); }
  /// Makes a layer of the operator's two maps.
  Layer two_maps(const Op& o, LayerKind kind);
  /// Returns the map in the layout of `other`: the map itself, or a copy.
  int lain_as(const Op& o, int map, Shape other);
  /// Returns an operand as a map with the output's extents. Constants are expanded, other operands
  /// repeated.
  int operand(const Op& o, int position);
  Problem operand_problem(const Op& o, int position) const;
  /// Repeats a map's only channel, column or row wherever `to` has more.
  int repeated(const Op& o, int map, const Shape& to);
  /// Makes a layer that copies a map's codes unchanged.
  Layer copy(const Op& o, int map) const;
  Problem requantize_problem(const Op& o) const;
  void requantize(const Op& o);
  Problem word_problem(const Op& o) const;
  void codes_of_words(const Op& o);
  void words_of_codes(const Op& o);
  Problem softmax_problem(const Op& o) const;
  /// Makes a layer that reads the input's pixels in place if they are lines of a map; else puts
  /// them in order first.
  Layer reading_pixels(const Op& o, LayerKind kind);
  void softmax(const Op& o);
  void wide_softmax(const Op& o);
  Problem normalization_problem(const Op& o) const;
  void normalization(const Op& o);

  // ---- pools ------------------------------------------------------------------------------------

  Problem max_pool_problem(const Op& o) const;
  void max_pool(const Op& o);
  void add_border(const Op& o, Layer& layer);
  Problem average_pool_problem(const Op& o) const;
  void average_pool(const Op& o);

  // ---- reductions -----------------------------------------------------------------------------

  struct Span;
  std::vector<Span> spans_of(const Op& o) const;
  bool reduces_channels(const Op& o) const;
  static Geometry window_of(const Shape& s, const Span& span);
  Problem parts_problem(const Op& o, const Span& span) const;
  void add_parts(Layer layer, const Span& span, int whole);
  Problem mean_problem(const Op& o) const;
  void mean(const Op& o);
  Layer sum_of_channels(const Op& o, int from, const Geometry& window,
                        const reference::MeanParams& p);
  Problem reduce_max_problem(const Op& o) const;
  void reduce_max(const Op& o);
  /// Adds a layer whose result only other layers of the operator read.
  /// @return the result's map
  int add_step(const Op& o, Layer layer);
  Layer complement(const Op& o, int map) const;
  Layer largest_channel(const Op& o, int map);

  // ---- transposed convolutions and resizes ----------------------------------------------------

  Problem transpose_convolution_problem(const Op& o) const;
  void transpose_convolution(const Op& o);
  void set_phase_weights(const Op& o, Layer& layer, int first_row, int first_col) const;
  Problem resize_problem(const Op& o) const;
  void resize(const Op& o);
  /// Makes a depthwise convolution with the weights rows[ky] * cols[kx], divided by their sum.
  Layer weighted_sum(const Op& o, int from, const Geometry& window, const std::vector<int>& rows,
                     const std::vector<int>& cols) const;

  // ---- movement --------------------------------------------------------------------------------

  Problem concatenation_problem(const Op& o) const;
  void concatenation(const Op& o);
  int row_of_pixel(const Op& o, int position);
  Problem strided_slice_problem(const Op& o) const;
  bool read_in_any_order(int tensor) const;
  void strided_slice(const Op& o);
  /// Pads channels in addition to rows and columns.
  void pad_channels(const Op& o, int map, const Geometry& window, int before, int code);
  void join_between(const Op& o, int position, int axis, int begin);
  bool is_part_of(int map, int whole, const Part& place) const;
  Problem pad_problem(const Op& o) const;
  void pad(const Op& o);
  Problem mirror_pad_problem(const Op& o) const;
  void mirror_pad(const Op& o);
  Problem gather_problem(const Op& o) const;
  void gather(const Op& o);
  Problem select_problem(const Op& o, const Elements& elements) const;
  void select(const Op& o, const Elements& elements);
  Problem broadcast_to_problem(const Op& o) const;
  void broadcast_to(const Op& o);
  /// Copies row (or column) sources[i] of `from` to row (or column) i of `to`.
  void move_lines(const Op& o, int from, const std::vector<int>& sources, bool rows, int to);
  Problem blocks_problem(const Op& o) const;
  void space_to_depth(const Op& o);
  void depth_to_space(const Op& o);

  /// The map before a PAD that convolutions use as their own border.
  struct FoldedPad {
    int map, top, left, code;
  };
  std::map<int, FoldedPad> folded_pads_;  ///< by tensor without a map
};

}  // namespace trine::compiler
