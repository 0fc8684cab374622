// SPDX-License-Identifier: Apache-2.0
//
// A batch: images that lie one behind the other along axis 0 of every tensor that is computed.

#pragma once

#include <optional>

#include "sw/model/graph.h"

namespace trine::model {

/// Whether an operator takes elements of all its operands together, one by one: as they lie, or
/// repeated along axes of extent 1.
bool is_elementwise(const Op& op);

/// The operand that has the images; of is_elementwise(), CONCATENATION and BATCH_MATMUL each may.
int position_of_images(const Op& op);

/// Whether the operand is what an LSTM or SVDF begins with: a constant that each image has its own
/// of.
bool is_state(const Op& op, int position);

/// Whether the output for operands that are joined along axis 0 is the outputs for each, joined.
/// Operands that all images share, and extents, are the caller's concern. An operator that nobody
/// thought of does not.
bool keeps_images_separate(const Graph& graph, const Op& op);

/// Lets the operands that say so (of RESHAPE, TRANSPOSE_CONV, STRIDED_SLICE) say that the output
/// has this shape. @pre keeps_images_separate(), and only the extent of axis 0 is another one
void set_shape(Graph& graph, Op& op, const std::vector<int>& shape);

/// The graph for `n` images instead of one: the axis 0 of every input and output is n times as
/// long, and image i has the i-th part of each. Same codes as `n` runs.
/// @pre check() accepts the graph
/// @throws Refusal  all operators that would mix the images
Graph batched(Graph graph, int n);

/// The images of a batch: the extent of axis 0 of every input and output. @return nothing where
/// they are not equal, or operators would mix images
std::optional<int> images_of(const Graph& graph);

/// The graph for `n` images instead of `images`. @pre images_of(graph) == images
Graph batched(Graph graph, int images, int n);

}  // namespace trine::model
