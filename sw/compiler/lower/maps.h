// SPDX-License-Identifier: Apache-2.0
//
// Adds maps of tensors, and the layers that write them, to the network under construction.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

/// Adds a map for the result of a refused operator, as if it were an input. The operators after it
/// are then checked as well, so that all faults are reported at once.
bool stand_in(Lowering& ctx, const Op& o);

/// Adds a map of a tensor. A tensor may have several maps.
int add_map(Lowering& ctx, int tensor, const Shape& shape);

/// Adds the map of an input. If the input is only reshaped, its map has the new shape, because
/// the host lays it out.
void add_input(Lowering& ctx, int tensor);

/// Adds the maps of a state. The map of its contents before a run is a part of the map of its
/// contents after the run.
void add_state(Lowering& ctx, const model::State& state);

/// Returns the map of a tensor. Constants become maps when they are first read.
int map_of(Lowering& ctx, int tensor);

/// Add the map of an operator's result. If the tensor is written into a concatenation, the map is a
/// part of the concatenation's map. After new_output(), map_of() returns this map for the
/// tensor.
int new_output(Lowering& ctx, const Op& o, const Shape& shape);
int output_map(Lowering& ctx, int tensor, const Shape& shape);

/// Adds a map that is a part of another map.
int add_part(Lowering& ctx, int whole, const Part& part, const Shape& shape);

/// Returns channels first..first+count-1 of `from` as a map.
/// @pre first is a multiple of a word's codes
int channels_of(Lowering& ctx, int from, int first, int count);

/// Returns the map of an image operator's input in the tensor's own shape.
int image(Lowering& ctx, const Op& o, int position);

/// Returns the map of an input for a layer that works pixel by pixel. The map's rows of pixels may
/// differ from the tensor's.
int pixels(Lowering& ctx, const Op& o, int position);

// ---- whether there can be a map -----------------------------------------------------------------

/// Returns the problem of the map of an operator's result, or of the function that its layer looks
/// up.
Problem result_problem(const Lowering& ctx, const Op& o);

/// Return the problem of an operand's map, image or pixels, or of an input.
Problem map_problem(const Lowering& ctx, int tensor);
Problem image_problem(const Lowering& ctx, const Op& o, int tensor);
Problem pixels_problem(const Lowering& ctx, const Op& o, int position);
Problem input_problem(const Lowering& ctx, int tensor);

// ---- layers -------------------------------------------------------------------------------------

/// Records a problem that shows only while layers are made: codes are stored where the machine
/// cannot read them, or sums are too wide. Lowering the operator goes on, then it is refused, and
/// the network is not used.
void note(Lowering& ctx, model::Refusal problem);

/// Returns a layer with a window of one tap over the whole map.
Layer start(const Lowering& ctx, const Op& o, LayerKind kind, int input);

/// Adds the layer that computes the operator's result.
void add_layer(Lowering& ctx, const Op& o, Layer layer);

/// Adds a layer whose result is a part, or a map that only other layers read.
void add_layer_to(Lowering& ctx, int map, Layer layer);

/// Sets the window of an operator on images, with a filter of R x S.
void set_window(const Lowering& ctx, const Op& o, Layer& layer, int R, int S);

/// Sets one scale for all channels, and no biases.
void set_scale(Layer& layer, int channels, const ChannelScale& scale);

/// Returns a byte in which all places hold the code.
int packed_byte(int code, int per_word);

/// Returns the shape of the layer's result.
inline Shape shape_after(const Lowering& ctx, const Layer& layer) {
  return {layer.kind == LayerKind::kConv ? layer.channels : ctx.shape(layer.input).C,
          layer.window.P, layer.window.Q};
}

}  // namespace trine::compiler
