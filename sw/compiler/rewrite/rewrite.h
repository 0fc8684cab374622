// SPDX-License-Identifier: Apache-2.0
//
// A network in the forms that the machine has, written as another network with the same results:
// what lowering would otherwise refuse by type, weight or batch.

#pragma once

#include "sw/model/graph.h"
#include "sw/program/program.h"
#include "sw/reference/run.h"

namespace trine::compiler {

constexpr int kWord = 4;  ///< channels that lie in a word

/// int8 codes, 128 less, in place of uint8 ones; QUANTIZE at the graph's ends (on the host) keeps
/// the user's types. Operators remember their kernels: Op::of_uint8.
model::Graph with_signed_codes(model::Graph graph);

/// Products with constant weights whose zero point is 0. What w - zero_point exceeds int8 by is a
/// weight of its own, on the same channels, which the input has once more.
model::Graph with_symmetric_weights(model::Graph graph);

/// Operators on images [N, H, W, C] with N = 1.
model::Graph with_single_images(model::Graph graph);

/// Channels that say nothing go, exactly: those with one code in every pixel, which become part of
/// the biases of those who read them (unless a border tells them from its zero point), and those
/// that nobody reads. The graph's ends stay whole.
/// @param rounding  of the codes of constant channels
model::Graph without_idle_channels(model::Graph graph, reference::RoundingPolicy rounding,
                                   program::Removed& removed);

/// All of them. @pre model::check(graph)
model::Graph rewritten(const model::Graph& graph, reference::RoundingPolicy rounding,
                       program::Removed* removed = nullptr);

}  // namespace trine::compiler
