// SPDX-License-Identifier: Apache-2.0
//
// Rewrites a network as another one with the same results, in forms that the machine supports.
// Lowering would otherwise refuse its types, weights or batches.

#pragma once

#include <cstdint>

#include "sw/compiler/rewrite/image_groups.h"
#include "sw/model/graph/graph.h"
#include "sw/program/program.h"
#include "sw/reference/golden.h"

namespace trine::compiler {

constexpr int kWord = 4;  ///< channels in a word

/// Rewrites UNIDIRECTIONAL_SEQUENCE_LSTM step by step, in operators on int16 codes. An LSTM stays
/// unchanged if all rewritten LSTMs together would exceed 256 steps, or if its initial states are
/// constants other than 0.
/// @param pairs  pairs of lanes: this many int16 streams, or twice as many int8 streams, go through
/// a step together
/// @pre the rounding policy has tflite-micro's LSTM
model::Graph with_steps(model::Graph graph, int pairs);

/// Rewrites SPIKING step by step, in operators on int16 codes. An operator stays unchanged if all
/// rewritten operators together would exceed 1,024 steps.
/// @pre array.activations16, vector.enable
model::Graph with_spikes(model::Graph graph);

/// Rewrites int8 SVDF with an int16 memory, in operators on int16 codes.
/// @pre two roundings
model::Graph with_memories(model::Graph graph);

/// Lets FULLY_CONNECTED and CONV_2D read int8 codes instead of the int16 codes that QUANTIZE makes
/// of them.
/// @pre array.activations16
model::Graph with_narrow_products(model::Graph graph);

/// Gives each CONCATENATION of uint8 codes operands of one scale.
/// @throws Refusal  if integers would give codes that differ from float32
model::Graph with_joined_scales(model::Graph graph, reference::RoundingPolicy rounding);

/// Replaces uint8 codes by int8 codes, which are 128 less. QUANTIZE at the graph's ends (on the
/// host) keeps the user's types. Operators remember their kernels: Op::of_uint8.
model::Graph with_signed_codes(model::Graph graph);

/// Rewrites products with constant weights so that their zero point is 0. The amount by which w -
/// zero_point exceeds int8 becomes another weight, for the same channels, which the input then
/// contains twice.
model::Graph with_symmetric_weights(model::Graph graph);

/// Some tensors of four axes are not images but rows along several axes. Adds an axis of 1 in front
/// of such a tensor, so that its first axis does not count as a batch.
model::Graph with_rows(model::Graph graph);

/// Exchanges each RESHAPE of a product's codes with the operators on single elements that read it,
/// so that they follow the product.
model::Graph with_late_reshapes(model::Graph graph);

/// Expands operands that repeat along some axes of the result's rows.
model::Graph with_broadcasts(model::Graph graph);

/// Returns true if there are images [N, H, W, C] with N > 1 to split.
bool has_batch(const model::Graph& graph);

/// Rewrites operators on a batch as operators on single images [N, H, W, C] with N = 1, in the
/// order of order_of_images().
model::Graph with_single_images(model::Graph graph, BatchRoom room = {});

/// Removes channels that carry no information. Results do not change. Channels with one code in
/// every pixel become part of their readers' biases (unless a border differs from the code), and
/// channels without a reader are dropped. Channels at the graph's ends stay.
/// @param rounding  of the codes of constant channels
model::Graph without_idle_channels(model::Graph graph, reference::RoundingPolicy rounding,
                                   program::Removed& removed);

/// Applies all rewrites.
/// @pre model::check(graph)
/// @param rows  true: with_rows(), too
/// @param room  as in with_single_images()
model::Graph rewritten(const model::Graph& graph, reference::RoundingPolicy rounding,
                       program::Removed* removed = nullptr, bool rows = true, BatchRoom room = {});

}  // namespace trine::compiler
