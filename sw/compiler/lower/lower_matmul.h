// SPDX-License-Identifier: Apache-2.0
//
// Lowers products of two maps. Each batch is a convolution of one tap whose weights are codes of
// the second map. Each pixel of that map contains the weights of one output channel. int16 maps
// need two convolutions, one with the high and one with the low bytes of the second map. The int32
// results of both are joined to one sum.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

/// Matrices of a product of two maps, one for each batch: rows of K neighbouring channels.
struct Matrices {
  Axes axes;  ///< batch, row, channel
  int rows = 1, channels = 1;
  bool transposed = false;  ///< weights: rows are the map's channels, channels its pixels
  bool in_words = false;    ///< rows are words of one pixel
};

/// The channel and the pixel at which a matrix begins.
struct CodePlace {
  int channel, y, x;
};

/// Returns the channel and pixel of a code of the map.
CodePlace code_place(const Lowering& ctx, int map, std::int64_t code);

/// Returns true if a layer can read the rows in place: they are whole words of channels and equally
/// far apart. Rows of weights must also be next to each other and start at the beginning of a beat.
bool readable(const Lowering& ctx, const Matrices& m, const std::vector<std::int64_t>& first,
              bool weights);

bool begins_beat(const Lowering& ctx, const Map& map, const CodePlace& place);
/// Sets the rows of the second operand as the layer's weights.
void set_weight_map(Lowering& ctx, const Op& o, Layer& layer, int map, const CodePlace& place,
                    int channels);

Problem batch_matmul_problem(const Lowering& ctx, const Op& o);
void batch_matmul(Lowering& ctx, const Op& o);

}  // namespace trine::compiler
