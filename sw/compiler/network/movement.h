// SPDX-License-Identifier: Apache-2.0
//
// Follows the elements of a tensor through operators that only move them.

#pragma once

#include <optional>
#include <vector>

#include "sw/model/graph/graph.h"
#include "sw/model/graph/view.h"
#include "sw/program/layout.h"

namespace trine::compiler {

/// Returns true for operators that only move elements: RESHAPE and its relatives, and TRANSPOSE.
bool only_moves(model::OpKind kind);

/// Returns the view of the result of an operator that only moves elements, given a view of its
/// operand.
/// @return nothing if the result's elements would not be equally far apart
std::optional<model::View> moved(const model::Graph& graph, const model::Op& op,
                                 const model::View& view);

/// Returns the distances between rows, columns and channels.
/// @param image  the numbers of rows, columns and channels
std::optional<Steps> steps_of(const model::View& view, const std::vector<int>& image);

/// Returns true if each element of the result depends on only one element of each operand.
bool is_elementwise(const model::Op& op);

/// Returns true if the tensor is a constant of one element.
bool is_single(const model::Graph& graph, int tensor);

}  // namespace trine::compiler
