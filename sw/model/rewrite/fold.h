// SPDX-License-Identifier: Apache-2.0
//
// Folds what a file computes from constants: sizes and positions derived from a shape.

#pragma once

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Turns the result of a RESHAPE, STRIDED_SLICE or CONCATENATION of constant integers into a
/// constant.
/// @pre check_op() accepts it
/// @return true if the result is a constant
bool fold_moved_integers(Graph& graph, const Op& op);

}  // namespace trine::model
