// SPDX-License-Identifier: Apache-2.0
//
// From operators to layers. Each kind of operator is a row of rule_of() and two methods beside each
// other in lower_*.cpp: x_problem() answers why the machine cannot compute it on this design and
// changes nothing; x() makes the layers of one without a problem. What depends on where codes lie
// shows only as they are moved: note() takes that down, and the work goes on.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sw/compiler/lower/findings.h"
#include "sw/compiler/lower/lower.h"
#include "sw/compiler/network/network.h"
#include "sw/model/refusal.h"
#include "sw/model/shapes.h"

namespace trine::compiler {

constexpr int kMostLayers = 1024;  ///< of an operator

using model::Graph;
using model::Op;
using model::OpKind;
using model::Reason;
using model::Tensor;
using reference::ChannelScale;

inline constexpr ChannelScale kOne{1 << 30, 1};

using model::is_product;
using model::is_requantization;
using model::is_reshape;

inline bool is_convolution(OpKind kind) {
  return kind == OpKind::kConv2D || kind == OpKind::kDepthwiseConv2D;
}

/// "model.tflite: op 3 CONV_2D: tensor 4 'x'"
std::string with_tensor(const Graph& graph, const Op& op, int tensor);

/// 1/n, just above it, so that one rounding of sum/n sends halves away from zero.
ChannelScale reciprocal(std::int64_t n);

/// A window of one tap over the whole map.
inline Geometry pointwise(const Shape& s) { return {.H = s.H, .W = s.W, .P = s.H, .Q = s.W}; }

/// A shape with as many axes, the first of one element.
inline std::vector<int> aligned(std::vector<int> shape, std::size_t axes) {
  shape.insert(shape.begin(), axes - shape.size(), 1);
  return shape;
}

/// Positions of a product's activations and bias among its operands.
inline int activations_of(const Op& op) { return op.kind == OpKind::kTransposeConv ? 2 : 0; }
inline int bias_of(const Op& op) { return op.kind == OpKind::kTransposeConv ? 3 : 2; }

/// Elements of a tensor in another order than they have in the map: code
/// first + sum of index * stride, counted over y, x, channel.
struct Axes {
  int map = -1;
  std::int64_t first = 0;
  std::vector<int> extents;
  std::vector<std::int64_t> strides;
};

/// All of them, the last axis the fastest.
std::vector<std::int64_t> codes_of(const Axes& axes);

/// Elements of an operand's axes, in any order.
struct Elements {
  std::vector<int> extents;               ///< of the operand
  std::vector<std::vector<int>> sources;  ///< for each axis of the result the operand's elements
};

/// The first problem that there is.
template <typename... Others>
Problem first_of(Problem first, Others... others) {
  if constexpr (sizeof...(others) > 0)
    return first ? first : first_of(std::move(others)...);
  else
    return first;
}

class Lowering {
 public:
  Lowering(const Graph& graph, const machine::Config& config,
           const reference::RoundingPolicy& rounding)
      : graph_(graph), config_(config), rounding_(rounding) {}

  Lowered run();

 private:
  /// What an operator needs, and what becomes of it.
  struct Rule {
    Problem (Lowering::*problem)(const Op& o) const = nullptr;
    void (Lowering::*lower)(const Op& o) = nullptr;  ///< @pre no problem
    constexpr bool operator==(const Rule&) const = default;
  };
  /// nullptr: the machine has no such operator, or it is a function of one code.
  static const Rule* rule_of(OpKind kind);

  struct FoldedPad {
    int map, top, left, code;
  };

  // ---- maps and layers --------------------------------------------------------------------------

  /// Tables, fusions, packings and places that follow from the graph alone.
  void find_facts();
  /// Asks `ask(index)`, which returns a Problem, for the machine's operators in order, those whose
  /// inputs exist or have a stand-in. @return all problems; nothing if there are none
  template <typename Ask>
  std::optional<Unsupported> judge(Ask ask);
  bool stand_in(const Op& o);
  /// Why the operator is none for the machine as things lie; operators before it are layers.
  Problem problem(const Op& o) const;
  /// Makes the operator's layers if it has no problem.
  Problem lower(int index);
  /// A problem that shows in the work: codes lie where the machine does not read them, sums are too
  /// wide. The operator is refused when its work is done; the network is worth nothing then.
  void note(model::Refusal problem);
  const Op& op(int i) const { return graph_.ops[at(i)]; }
  int index_of(const Op& o) const { return static_cast<int>(&o - graph_.ops.data()); }
  /// "model.tflite: op 3 CONV_2D: tensor 4 'x'" and the text
  template <typename... Args>
  model::Refusal refusal(const Op& o, int tensor, Reason reason, fmt::format_string<Args...> text,
                         Args&&... args) const {
    return {reason,
            with_tensor(graph_, o, tensor) + fmt::format(text, std::forward<Args>(args)...)};
  }

  // ---- questions that operators share -----------------------------------------------------------

  Problem no_such_operator(const Op& o) const;
  /// Operators that only the host has.
  Problem host_problem(const Op& o) const;
  /// The configuration needs every precision in which an operator's codes are packed.
  Problem precisions_problem(const Op& o) const;
  /// Sums of convolutions may stay int32.
  Problem types_problem(const Op& o) const;
  /// @pre constant weights
  Problem half_even_problem(const Op& o) const;
  /// A tensor as an image; the operator's result as one.
  Problem tensor_problem(int tensor) const;
  Problem out_problem(const Op& o) const;
  /// What output_map() needs of a tensor; of an operator's result, or its function.
  Problem written_problem(int tensor) const;
  Problem result_problem(const Op& o) const;
  /// What map_of(), image(), pixels() need of an operand, add_input() of an input.
  Problem map_problem(int tensor) const;
  Problem image_problem(const Op& o, int tensor) const;
  Problem pixels_problem(const Op& o, int position) const;
  Problem input_problem(int tensor) const;

  // ---- maps -------------------------------------------------------------------------------------

  int add_map(int tensor, const Shape& shape);
  /// An input that is only reshaped has the new shape from the start: the host lays it out.
  void add_input(int tensor);
  /// The tensor that reshapes make of an input for those who do more.
  int shaped_from(int tensor) const;
  /// What a state held before is a part of what it holds afterwards.
  void add_state(const model::State& state);
  /// Lets an input of up to 3 channels that only one convolution reads lie folded, where a filter
  /// takes fewer steps then. @param shaped  the tensor it reads
  void fold_input(int map, int shaped);
  /// Codes of a word.
  int packing_of(int tensor) const;
  /// Whether an int8 map's bytes beyond the last channel are zero: the vector unit's are not.
  bool zero_beyond(int tensor) const;
  /// Precision of a product's weights, by that of its activations: the same, but int8 activations
  /// take weights of any.
  const machine::Precision& weight_precision(const Op& o,
                                             const machine::Precision& activations) const;
  /// The map that holds a tensor; constants become maps when they are read.
  int map_of(int tensor);
  /// The same for an output of the machine: a part of another map is copied.
  int own_map(int tensor);
  int new_output(const Op& o, const Shape& shape);
  int output_map(int tensor, const Shape& shape);
  /// A map that lies inside of another one.
  int add_part(int whole, const Part& part, const Shape& shape);
  /// The map as channels first..first+count-1 of `from`. @pre first is a multiple of a word's codes
  int channels_of(int from, int first, int count);
  const Shape& shape(int map) const { return net_.maps[at(map)].shape; }
  /// Shape of the operator's output, as an image.
  Shape out_shape(const Op& o) const {
    return shape_of(graph_.out(o).shape, with_tensor(graph_, o, o.outputs[0]));
  }
  /// The map of an image operator's input, whose shape must be the tensor's own.
  int image(const Op& o, int position);
  /// The same where pixels may lie in other rows, for a layer that takes each alone.
  int pixels(const Op& o, int position);
  /// A layer with a window of one tap over the whole map.
  Layer start(const Op& o, LayerKind kind, int input) const;
  /// Whether the machine has to round halves to even for the operator's codes. @pre constant
  /// weights
  bool needs_half_even(const Op& o) const;
  /// Shape of the layer's result.
  Shape shape_after(const Layer& layer) const {
    return {layer.kind == LayerKind::kConv ? layer.channels : shape(layer.input).C, layer.window.P,
            layer.window.Q};
  }
  void add_layer(const Op& o, Layer layer);
  /// A layer into a map that only other layers read, or a part.
  void add_layer_to(int map, Layer layer);
  void set_window(const Op& o, Layer& layer, int R, int S) const;
  /// One scale for all channels, no bias.
  static void set_scale(Layer& layer, int channels, const ChannelScale& scale);
  /// A code in all places of a byte.
  static int packed_byte(int code, int per_word);
  int producer_of(int tensor) const;
  /// Indices of the machine's operators that read it.
  std::vector<int> readers_of(int tensor) const;
  /// The operator that reads it first and alone; nullptr: there is none.
  const Op* only_reader(int tensor) const;
  /// Its only reader, if that is of this kind.
  const Op* reader_of(int tensor, OpKind kind) const;

  // ---- products ---------------------------------------------------------------------------------

  void set_arithmetic(const Op& o, Layer& layer) const;
  /// Sums that stay int32 have no scale.
  void set_scales(const Op& o, Layer& layer) const;
  /// Activations are packed as their map is; weights no wider, where an operation has them.
  void set_precision(const Op& o, Layer& layer) const;
  /// Sum of the weights of channel m.
  static std::int64_t weight_sum(const Layer& layer, int m);
  /// sum (x - z) * w = sum x * w - z * sum w
  void fold_zero_point(Layer& layer) const;
  static std::int8_t& weight(Layer& layer, int m, int ky, int kx, int c);
  /// The weight of input channel c of the whole map, where groups read words of their own.
  static std::int8_t& tap_weight(Layer& layer, int m, int ky, int kx, int c);
  void find_fused_thresholds();
  Layer product_layer(const Op& o);
  /// A product's operands and scales.
  Problem weights_problem(const Op& o) const;
  Problem product_problem(const Op& o) const;
  void product(const Op& o);
  Problem threshold_problem(const Op& o) const;
  void threshold(const Op& o);
  Problem thresholds_problem(const Op& t) const;
  /// Whether a THRESHOLD's codes are bits.
  bool makes_bits(const Op& t) const;
  /// acc + bias >= T as acc >= T - bias. A code `step` above the one before takes as many
  /// thresholds, but a bit is one, whatever it stands for.
  void set_thresholds(const Op& t, Layer& layer) const;
  Layer convolution(const Op& o);
  /// Over [N, K]: a 1x1 filter on N pixels, or, where K is some pixels or rows of an image, or all
  /// of it, a filter of that size. Other rows are put in order first.
  Layer fully_connected(const Op& o);

  // ---- products of two maps (lower_matmul.cpp) --------------------------------------------------

  Problem batch_matmul_problem(const Op& o) const;
  void batch_matmul(const Op& o);
  /// Codes of one matrix for each batch, rows of K neighbouring channels.
  struct Matrices {
    Axes axes;  ///< batch, row, channel
    int rows = 1, channels = 1;
    bool transposed = false;  ///< weights: rows are channels of the map, channels are pixels
    bool in_words = false;    ///< rows are words of the map's only pixel
  };
  Matrices matrices(const Op& o, int position, bool adjoint);
  /// The first code of each batch, as the output's batches take them.
  std::vector<std::int64_t> batches(const Op& o, int position, const Matrices& from) const;
  /// Channels and row of a matrix that begins with that code of the map.
  struct Place {
    int channel, y, x;
  };
  Place code_place(int map, std::int64_t code) const;
  /// Whether a layer can read the rows as they lie: whole words of channels, rows equally far
  /// apart; as weights neighbours from a whole beat on.
  bool readable(const Matrices& m, const std::vector<std::int64_t>& first, bool weights) const;
  bool readable_transposed(const Matrices& m, const std::vector<std::int64_t>& first) const;
  bool begins_beat(const Map& map, const Place& place) const;
  /// Whether rows are neighbouring words of a map's only pixel (heads of one token).
  bool lie_in_words(const Matrices& m, const std::vector<std::int64_t>& first) const;
  /// Rows of the second operand as weights.
  void set_weights(const Op& o, Layer& layer, int map, const Place& place, int channels);
  /// Whether the bytes beyond the last channel are zero.
  bool zero_behind(int map) const;
  /// The map whose pixels have all batches of a product as channels, if that is what its reader
  /// makes of it.
  std::optional<int> joined_batches(const Op& o, int batches);
  /// The RESHAPE behind the TRANSPOSE that alone read the product; nullptr: there is none.
  const Op* joiner_of(const Op& o) const;

  // ---- order of axes (lower_axes.cpp) -----------------------------------------------------------

  Problem reshape_problem(const Op& o) const;
  void reshape(const Op& o);
  Problem transpose_problem(const Op& o) const;
  void transpose(const Op& o);
  /// The tensor's axes over the map that holds its codes.
  Axes axes_of(int tensor);
  /// A map with the codes of `axes` in order, the last ones joined to its channels.
  void put_in_order(const Op& o, const Axes& axes, int to, bool zero_behind);
  int in_order(const Op& o, const Axes& axes, const Shape& shape, bool zero_behind);
  void put_constant(const Axes& axes, int to);
  struct Order;
  void copy_lines(const Op& o, const Order& order, int to, bool zero_behind);
  void exchange(const Op& o, const Order& order, std::size_t channel, int to);
  /// codes 1 on the diagonal of `size` pixels, in a row or a column, and channels.
  int identity(int tensor, int size, bool column);

  // ---- functions of one code (lower_tables.cpp) ------------------------------------------------

  void find_tables();
  /// Whether the operator's codes are functions of another tensor's.
  bool is_function(const Op& o) const;
  bool is_rescaled(const Op& o) const;
  Problem function_problem(const Op& o) const;
  void function(const Op& o);
  void set_table(const Function& function, Layer& layer) const;
  std::string text_of(const Function& function) const;
  /// Lets the layer that computes a tensor look up its function, if that is all that is read.
  /// @return the tensor that it then computes
  int look_up_result(int tensor, Layer& layer) const;

  // ---- elementwise operators --------------------------------------------------------------------

  /// The convolution that can take an ADD into its post unit: its code has no other reader.
  std::optional<int> fusable(const Op& add, int position);
  /// The longer reduction hides more of the second pass.
  void find_fused_additions();
  Problem addition_problem(const Op& o) const;
  void addition(const Op& o);
  Problem subtraction_problem(const Op& o) const;
  void subtraction(const Op& o);
  Problem squared_difference_problem(const Op& o) const;
  void squared_difference(const Op& o);
  Problem multiplication_problem(const Op& o) const;
  void multiplication(const Op& o);
  Problem two_maps_problem(const Op& o) const;
  void maximum(const Op& o) { add_layer(o, two_maps(o, LayerKind::kMaximum)); }
  void minimum(const Op& o) { add_layer(o, two_maps(o, LayerKind::kMinimum)); }
  /// A layer of the operator's maps.
  Layer two_maps(const Op& o, LayerKind kind);
  /// The map with its codes lying as `other` has them: itself, or a copy.
  int lain_as(const Op& o, int map, Shape other);
  /// An operand as a map of the output's extents: constants are expanded, others repeated.
  int operand(const Op& o, int position);
  Problem operand_problem(const Op& o, int position) const;
  /// Repeats a map's only channel, column and row where `to` has more.
  int repeated(const Op& o, int map, const Shape& to);
  /// A pass over a map's codes as they are.
  Layer copy(const Op& o, int map) const;
  Problem requantize_problem(const Op& o) const;
  void requantize(const Op& o);
  Problem softmax_problem(const Op& o) const;
  void softmax(const Op& o);
  Problem normalization_problem(const Op& o) const;
  void normalization(const Op& o);

  // ---- pools ------------------------------------------------------------------------------------

  Problem max_pool_problem(const Op& o) const;
  void max_pool(const Op& o);
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
                        const reference::MeanParams& p) const;
  Problem reduce_max_problem(const Op& o) const;
  void reduce_max(const Op& o);
  /// A layer whose result only other layers of the operator read. @return the map
  int add_step(const Op& o, Layer layer);
  Layer complement(const Op& o, int map) const;
  Layer largest_channel(const Op& o, int map);

  // ---- transposed convolutions and resizes ----------------------------------------------------

  Problem transpose_convolution_problem(const Op& o) const;
  void transpose_convolution(const Op& o);
  void set_phase_weights(const Op& o, Layer& layer, int first_row, int first_col) const;
  Problem resize_problem(const Op& o) const;
  void resize(const Op& o);
  /// A depthwise convolution with weights rows[ky] * cols[kx] over their sum.
  Layer weighted_sum(const Op& o, int from, const Geometry& window, const std::vector<int>& rows,
                     const std::vector<int>& cols) const;

  // ---- movement --------------------------------------------------------------------------------

  Problem concatenation_problem(const Op& o) const;
  void concatenation(const Op& o);
  int row_of_pixel(const Op& o, int position);
  Problem strided_slice_problem(const Op& o) const;
  void strided_slice(const Op& o);
  /// Pads channels as well.
  void pad_channels(const Op& o, int map, const Geometry& window, int before, int code);
  void join_between(const Op& o, int position, int axis, int begin);
  bool is_part_of(int map, int whole, const Part& place) const;
  /// Finds the tensors that their producers can write right into a concatenation.
  void find_concatenated();
  /// A convolution of one tap whose channel m is input channel `channel_of[m]`, as it is (-1: 0).
  Layer selection(const Op& o, int from, const std::vector<int>& channel_of) const;
  /// Copies pixels as the window says. `to` is a map or a part; outside of the map is `outside`.
  /// @param zero_behind  the bytes beyond the last channel must become zero
  void move(const Op& o, int from, const model::Slice& channels, const Geometry& window, int to,
            int outside, bool zero_behind = false);
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
  /// Row (or column) i of `to` is row sources[i] of `from`.
  void move_lines(const Op& o, int from, const std::vector<int>& sources, bool rows, int to);
  Problem blocks_problem(const Op& o) const;
  void space_to_depth(const Op& o);
  void depth_to_space(const Op& o);
  /// Whether a convolution over the tensor has a border of its own, which is the zero point.
  bool padded_again(int tensor) const;
  bool only_convolutions_read(int tensor) const;
  /// Whether convolutions take the border as their own.
  bool folds_pad(const Op& o) const;

  const Graph& graph_;
  const machine::Config& config_;
  reference::RoundingPolicy rounding_;
  Network net_;
  Problem noted_;  ///< of the operator that is lowered
  std::vector<int> machine_;
  std::map<int, std::vector<int>> first_readers_;  ///< of a tensor as their input 0
  std::map<int, int> readers_, producer_, map_of_;
  std::map<int, int> fused_into_, fused_, fused_position_;  ///< conv -> add, add -> conv
  std::map<int, int> threshold_of_;                         ///< conv -> threshold
  std::map<int, int> packing_;                              ///< tensor -> codes of a word
  std::map<int, FoldedPad> folded_pads_;
  std::map<int, Axes> axes_;                        ///< of tensors that are no maps yet
  std::map<std::pair<int, bool>, int> identities_;  ///< size, column -> map
  std::map<int, Function> functions_;
  std::set<int> stored_;          ///< tensors that others than functions read
  std::map<int, int> looked_up_;  ///< root -> its only function in memory, where it is not itself
  /// By tensor: the concatenation that it is written into, as tensor, and its place there.
  std::map<int, std::pair<int, Part>> concatenated_;
};

}  // namespace trine::compiler
