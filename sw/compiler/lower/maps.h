// SPDX-License-Identifier: Apache-2.0
//
// Builds the network: adds maps of tensors and the layers that write them, and puts codes in
// another order.

#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "sw/compiler/lower/graph_facts.h"

namespace trine::compiler {

/// The elements of a tensor whose order differs from the map's. An element's code is first + sum of
/// index * stride, counted over y, x, channel.
struct Axes {
  int map = -1;
  std::int64_t first = 0;
  std::vector<int> extents;
  std::vector<std::int64_t> strides;
};

/// Returns the codes of all elements. The last axis changes fastest.
std::vector<std::int64_t> codes_of(const Axes& axes);

/// The maps of a graph's tensors.
class Maps : protected GraphFacts {
 protected:
  using GraphFacts::GraphFacts;

  bool stand_in(const Op& o);
  int add_map(int tensor, const Shape& shape);
  /// Adds the map of an input. If the input is only reshaped, its map has the new shape, because
  /// the host lays it out.
  void add_input(int tensor);
  /// Adds the maps of a state. Its contents before a run are a part of its contents after the run.
  void add_state(const model::State& state);
  /// Folds an input of up to 3 channels if only one convolution reads it and its filter then needs
  /// fewer steps.
  /// @param shaped  the tensor that the convolution reads
  void fold_input(int map, int shaped);
  /// Returns the map of a tensor. Constants become maps when they are first read.
  int map_of(int tensor);
  /// Returns the map of an output of the machine. If it is a part of another map, it is copied.
  int own_map(int tensor);
  int new_output(const Op& o, const Shape& shape);
  int output_map(int tensor, const Shape& shape);
  /// Adds a map that is a part of another map.
  int add_part(int whole, const Part& part, const Shape& shape);
  /// Returns channels first..first+count-1 of `from` as a map.
  /// @pre first is a multiple of a word's codes
  int channels_of(int from, int first, int count);
  const Shape& shape(int map) const { return net_.maps[at(map)].shape; }
  /// Returns the map of an image operator's input in the tensor's own shape.
  int image(const Op& o, int position);
  /// Returns the map of an input whose pixels may be in other rows, for a layer that works pixel by
  /// pixel.
  int pixels(const Op& o, int position);

  // ---- whether there can be a map ---------------------------------------------------------------

  /// Return the problem of a tensor's output map: of the tensor, or of an operator's result or its
  /// function.
  Problem written_problem(int tensor) const;
  Problem result_problem(const Op& o) const;
  /// Return the problem of an operand's map, image or pixels, or of an input.
  Problem map_problem(int tensor) const;
  Problem image_problem(const Op& o, int tensor) const;
  Problem pixels_problem(const Op& o, int position) const;
  Problem input_problem(int tensor) const;

  // ---- layers -----------------------------------------------------------------------------------

  /// Records a problem that shows only while layers are made: codes are stored where the machine
  /// cannot read them, or sums are too wide. Lowering the operator goes on, then it is refused, and
  /// the network is not used.
  void note(model::Refusal problem);
  /// Returns a layer with a window of one tap over the whole map.
  Layer start(const Op& o, LayerKind kind, int input) const;
  /// Returns the shape of the layer's result.
  Shape shape_after(const Layer& layer) const {
    return {layer.kind == LayerKind::kConv ? layer.channels : shape(layer.input).C, layer.window.P,
            layer.window.Q};
  }
  void add_layer(const Op& o, Layer layer);
  /// Adds a layer whose result is a part, or a map that only other layers read.
  void add_layer_to(int map, Layer layer);
  void set_window(const Op& o, Layer& layer, int R, int S) const;
  /// Sets one scale for all channels, and no biases.
  static void set_scale(Layer& layer, int channels, const ChannelScale& scale);
  /// Returns a byte in which all places hold the code.
  static int packed_byte(int code, int per_word);
  static std::int8_t& weight(Layer& layer, int m, int ky, int kx, int c);
  /// Sets the weights of all channels of a tap.
  static void set_weights(Layer& layer, int m, int ky, int kx,
                          std::span<const std::int8_t> channels);
  void set_table(const Function& function, Layer& layer) const;
  /// Adds a lookup table to the layer that computes a tensor, if only the table's function of that
  /// tensor is read.
  /// @return the tensor that the layer then computes
  int look_up_result(int tensor, Layer& layer) const;

  // ---- codes in another order (lower_axes.cpp, lower_matmul.cpp, lower_movement.cpp) ------------

  /// Matrices of a product of two maps, one for each batch: rows of K neighbouring channels.
  struct Matrices {
    Axes axes;  ///< batch, row, channel
    int rows = 1, channels = 1;
    bool transposed = false;  ///< weights: rows are the map's channels, channels its pixels
    bool in_words = false;    ///< rows are words of one pixel
  };
  /// The channel and the pixel at which a matrix begins.
  struct Place {
    int channel, y, x;
  };
  /// Returns the channel and pixel of a code of the map.
  Place code_place(int map, std::int64_t code) const;
  /// Returns true if a layer can read the rows in place: they are whole words of channels and
  /// equally far apart. Weights must be neighbours that start on a whole beat.
  bool readable(const Matrices& m, const std::vector<std::int64_t>& first, bool weights) const;
  bool begins_beat(const Map& map, const Place& place) const;
  /// Sets the rows of the second operand as the layer's weights.
  void set_weights(const Op& o, Layer& layer, int map, const Place& place, int channels);
  /// Returns true if the bytes after the last channel are zero.
  bool zero_behind(int map) const;
  /// Returns the tensor's axes over the map that holds its codes.
  Axes axes_of(int tensor);
  /// Writes the codes of `axes` in order to the map `to`, whose channels join the last axes.
  void put_in_order(const Op& o, const Axes& axes, int to, bool zero_behind);
  int in_order(const Op& o, const Axes& axes, const Shape& shape, bool zero_behind);
  void put_constant(const Axes& axes, int to);
  struct Order;
  struct Line;
  void copy_lines(const Op& o, const Order& order, int to, bool zero_behind);
  void exchange(const Op& o, const Order& order, std::size_t channel, int to);
  void exchange_wide(const Op& o, const Order& order, int to);
  /// Returns a constant map with the codes 1 on its diagonal: `size` pixels, in a row or a column,
  /// times `size` channels.
  int identity(int tensor, int size, bool column);
  /// Returns a convolution of one tap whose channel m is input channel `channel_of[m]`, unchanged
  /// (-1: 0).
  Layer selection(const Op& o, int from, const std::vector<int>& channel_of) const;
  /// Sets the weights so that channel m is the code of input channel c at a tap.
  void take_code(Layer& layer, int m, int ky, int kx, int c) const;
  /// Copies pixels according to the window. `to` is a map or a part, and pixels outside of the
  /// input have the code `outside`.
  /// @param zero_behind  true if the bytes after the last channel must become zero
  void move(const Op& o, int from, const model::Slice& channels, const Geometry& window, int to,
            int outside, bool zero_behind = false);

  Problem noted_;                                   ///< of the operator that is being lowered
  std::map<int, Axes> axes_;                        ///< by tensor that has no map yet
  std::map<std::pair<int, bool>, int> identities_;  ///< by size and column
  std::map<int, int> map_of_;                       ///< by tensor
};

}  // namespace trine::compiler
