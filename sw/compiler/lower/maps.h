// SPDX-License-Identifier: Apache-2.0
//
// The network that is made: maps of tensors, layers into them, and codes put in another order.

#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "sw/compiler/lower/graph_facts.h"

namespace trine::compiler {

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

class Maps : protected GraphFacts {
 protected:
  using GraphFacts::GraphFacts;

  bool stand_in(const Op& o);
  int add_map(int tensor, const Shape& shape);
  /// An input that is only reshaped has the new shape from the start: the host lays it out.
  void add_input(int tensor);
  /// What a state held before is a part of what it holds afterwards.
  void add_state(const model::State& state);
  /// Lets an input of up to 3 channels that only one convolution reads lie folded, where a filter
  /// takes fewer steps then. @param shaped  the tensor it reads
  void fold_input(int map, int shaped);
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
  /// The map of an image operator's input, whose shape must be the tensor's own.
  int image(const Op& o, int position);
  /// The same where pixels may lie in other rows, for a layer that takes each alone.
  int pixels(const Op& o, int position);

  // ---- whether there can be a map ---------------------------------------------------------------

  /// What output_map() needs of a tensor; of an operator's result, or its function.
  Problem written_problem(int tensor) const;
  Problem result_problem(const Op& o) const;
  /// What map_of(), image(), pixels() need of an operand, add_input() of an input.
  Problem map_problem(int tensor) const;
  Problem image_problem(const Op& o, int tensor) const;
  Problem pixels_problem(const Op& o, int position) const;
  Problem input_problem(int tensor) const;

  // ---- layers -----------------------------------------------------------------------------------

  /// A problem that shows in the work: codes lie where the machine does not read them, sums are too
  /// wide. The operator is refused when its work is done; the network is worth nothing then.
  void note(model::Refusal problem);
  /// A layer with a window of one tap over the whole map.
  Layer start(const Op& o, LayerKind kind, int input) const;
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
  static std::int8_t& weight(Layer& layer, int m, int ky, int kx, int c);
  /// Those of all channels of a tap.
  static void set_weights(Layer& layer, int m, int ky, int kx,
                          std::span<const std::int8_t> channels);
  void set_table(const Function& function, Layer& layer) const;
  /// Lets the layer that computes a tensor look up its function, if that is all that is read.
  /// @return the tensor that it then computes
  int look_up_result(int tensor, Layer& layer) const;

  // ---- codes in another order (lower_axes.cpp, lower_matmul.cpp, lower_movement.cpp) ------------

  /// Codes of one matrix for each batch, rows of K neighbouring channels.
  struct Matrices {
    Axes axes;  ///< batch, row, channel
    int rows = 1, channels = 1;
    bool transposed = false;  ///< weights: rows are channels of the map, channels are pixels
    bool in_words = false;    ///< rows are words of one pixel
  };
  /// Channels and row of a matrix that begins with that code of the map.
  struct Place {
    int channel, y, x;
  };
  Place code_place(int map, std::int64_t code) const;
  /// Whether a layer can read the rows as they lie: whole words of channels, rows equally far
  /// apart; as weights neighbours from a whole beat on.
  bool readable(const Matrices& m, const std::vector<std::int64_t>& first, bool weights) const;
  bool begins_beat(const Map& map, const Place& place) const;
  /// Rows of the second operand as weights.
  void set_weights(const Op& o, Layer& layer, int map, const Place& place, int channels);
  /// Whether the bytes beyond the last channel are zero.
  bool zero_behind(int map) const;
  /// The tensor's axes over the map that holds its codes.
  Axes axes_of(int tensor);
  /// A map with the codes of `axes` in order, the last ones joined to its channels.
  void put_in_order(const Op& o, const Axes& axes, int to, bool zero_behind);
  int in_order(const Op& o, const Axes& axes, const Shape& shape, bool zero_behind);
  void put_constant(const Axes& axes, int to);
  struct Order;
  struct Line;
  void copy_lines(const Op& o, const Order& order, int to, bool zero_behind);
  void exchange(const Op& o, const Order& order, std::size_t channel, int to);
  void exchange_wide(const Op& o, const Order& order, int to);
  /// codes 1 on the diagonal of `size` pixels, in a row or a column, and channels.
  int identity(int tensor, int size, bool column);
  /// A convolution of one tap whose channel m is input channel `channel_of[m]`, as it is (-1: 0).
  Layer selection(const Op& o, int from, const std::vector<int>& channel_of) const;
  /// Lets channel m be the code of input channel c at a tap.
  void take_code(Layer& layer, int m, int ky, int kx, int c) const;
  /// Copies pixels as the window says. `to` is a map or a part; outside of the map is `outside`.
  /// @param zero_behind  the bytes beyond the last channel must become zero
  void move(const Op& o, int from, const model::Slice& channels, const Geometry& window, int to,
            int outside, bool zero_behind = false);

  Problem noted_;                                   ///< of the operator that is lowered
  std::map<int, Axes> axes_;                        ///< of tensors that are no maps yet
  std::map<std::pair<int, bool>, int> identities_;  ///< size, column -> map
  std::map<int, int> map_of_;                       ///< of tensors
};

}  // namespace trine::compiler
