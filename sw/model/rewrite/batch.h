// SPDX-License-Identifier: Apache-2.0
//
// Handles batches: images that follow each other along axis 0 of every computed tensor.

#pragma once

#include <optional>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Returns true if an operator combines all its operands element by element, where axes of extent 1
/// may be repeated.
bool is_elementwise(const Op& op);

/// Returns the position of the operand that contains the images. In is_elementwise() operators,
/// CONCATENATION and BATCH_MATMUL, each operand may contain images.
int position_of_images(const Op& op);

/// Returns true if the operand is the initial state of an LSTM or SVDF. It is a constant with a
/// separate state for each image.
bool is_state(const Op& op, int position);

/// Returns true if the operator processes images separately: its output for operands joined along
/// axis 0 equals its joined outputs for the single operands. The caller handles operands that all
/// images share, and extents. Returns false for operators that are not listed.
bool keeps_images_separate(const Graph& graph, const Op& op);

/// Changes the operands that specify the output's shape (of RESHAPE, TRANSPOSE_CONV,
/// STRIDED_SLICE).
/// @pre keeps_images_separate(), and only the extent of axis 0 changes
void set_shape(Graph& graph, Op& op, const std::vector<int>& shape);

/// Returns the graph for `n` images instead of one. Axis 0 of every input and output is n times as
/// long, and image i has the i-th part of each. The codes equal those of `n` runs.
/// @pre check() accepts the graph
/// @throws Refusal  names all operators that would mix the images
Graph batched(Graph graph, int n);

/// Returns the images of a batch: the extent of axis 0 of every input and output.
/// @return nothing if the extents are not equal, or if operators would mix images
std::optional<int> images_of(const Graph& graph);

/// Returns the graph for `n` images instead of `images`.
/// @pre images_of(graph) == images
Graph batched(Graph graph, int images, int n);

}  // namespace trine::model
