// SPDX-License-Identifier: Apache-2.0
//
// A network in the forms that the machine has, written as another network with the same results:
// what lowering would otherwise refuse by type, weight or batch.

#pragma once

#include "sw/model/graph.h"

namespace trine::compiler {

/// int8 codes, 128 less, in place of uint8 ones; QUANTIZE at the graph's ends (on the host) keeps
/// the user's types. Operators remember their kernels: Op::of_uint8.
model::Graph with_signed_codes(model::Graph graph);

/// Products with constant weights whose zero point is 0. What w - zero_point exceeds int8 by is a
/// weight of its own, on the same channels, which the input has once more.
model::Graph with_symmetric_weights(model::Graph graph);

/// Operators on images [N, H, W, C] with N = 1.
model::Graph with_single_images(model::Graph graph);

/// All of them. @pre model::check(graph)
model::Graph rewritten(const model::Graph& graph);

}  // namespace trine::compiler
