// SPDX-License-Identifier: Apache-2.0
//
// Checks whether a list of operators can be run, before anything uses its indices, and whether each
// operator is one that Trine defines.

#pragma once

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Checks that every index exists, and that every tensor is written once and known before it is
/// read.
/// @throws Error  names what cannot be run
void check_order(const Graph& graph);

/// Checks one operator for check().
/// @throws Refusal  its first fault
void check_op(const Graph& graph, const Op& op);

/// Checks shapes, types and quantization of every operator against what Trine defines.
/// @throws Error  one line for each operator at fault, with its index and the tensor
void check(const Graph& graph);

}  // namespace trine::model
