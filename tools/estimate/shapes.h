// SPDX-License-Identifier: Apache-2.0
//
// Estimates a table of shapes: its rows become layers of the compiler without weights and are
// planned like a model's.

#pragma once

#include "tools/estimate/estimate.h"
#include "tools/estimate/shape_table.h"

namespace trine::estimate {

/// Chooses the forms of a convolution without weights whose window, channels and words are set:
/// the fold of its input if that may be folded, its groups, and its sweep.
void set_product(compiler::Layer& layer, compiler::Map& input, int groups, bool may_fold,
                 const spec::Config& config);

/// Estimates a table for a batch of images. Rows that read rows with the same `times` keep their
/// maps on the chip like a model's. Rows that read rows with a different `times`, or whose input no
/// row above defines, read from DRAM. Images share the weights of products, as images of a model's
/// batch do. Fully connected rows at the end read the images as pixels of one map.
/// @throws Error  a feature that the design lacks
Estimate of_shapes(const ShapeTable& table, const spec::Config& config, int images = 1);

}  // namespace trine::estimate
