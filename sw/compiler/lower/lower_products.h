// SPDX-License-Identifier: Apache-2.0
//
// Lowers CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED, with their thresholds.

#pragma once

#include <array>
#include <cstdint>

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

/// The layers of a product with fixed-point weights: one for the lowest bytes of the weights, one
/// for the next bytes, one for the highest.
using WeightBytes = std::array<Layer, 3>;

/// Finds the thresholds that the product before them applies.
void find_fused_thresholds(GraphFacts& facts);

/// Returns the weight of output channel m at tap (ky, kx) for an input channel. `c` counts input
/// channels from the first word that the group of output channel m reads.
std::int8_t& weight(Layer& layer, int m, int ky, int kx, int c);
void set_arithmetic(const Lowering& ctx, const Op& o, Layer& layer);
/// Folds the input's zero point into the bias: sum (x - z) * w = sum x * w - z * sum w.
void fold_zero_point(const Lowering& ctx, Layer& layer);

void fold_low_bytes(Lowering& ctx, Layer& layer);
/// Returns the same weight, but `c` counts input channels from the beginning of the map, even if
/// groups read their own words.
std::int8_t& tap_weight(Layer& layer, int m, int ky, int kx, int c);

Layer product_layer(Lowering& ctx, const Op& o);
/// Returns the problem of a product's operands and scales.
Problem weights_problem(const Lowering& ctx, const Op& o);

Problem product_problem(const Lowering& ctx, const Op& o);
void product(Lowering& ctx, const Op& o);
Problem threshold_problem(const Lowering& ctx, const Op& o);
void threshold(Lowering& ctx, const Op& o);
Layer convolution(Lowering& ctx, const Op& o, WeightBytes* bytes = nullptr);
/// Makes the layer of a product over [N, K]. If K covers one pixel, the layer has a 1x1 filter on N
/// pixels. If K covers several pixels or rows of an image, the filter has their size. Rows with any
/// other layout are put in order first.
Layer fully_connected(Lowering& ctx, const Op& o, WeightBytes* bytes = nullptr);

}  // namespace trine::compiler
