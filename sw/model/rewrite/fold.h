// SPDX-License-Identifier: Apache-2.0
//
// What a file computes of constants: sizes and places from a shape.

#pragma once

#include "sw/model/graph.h"

namespace trine::model {

/// Makes the result of a RESHAPE, STRIDED_SLICE or CONCATENATION of constant integers a constant.
/// @pre check_op() accepts it
/// @return whether it is one
bool fold_moved_integers(Graph& graph, const Op& op);

}  // namespace trine::model
