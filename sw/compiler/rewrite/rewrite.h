// SPDX-License-Identifier: Apache-2.0
//
// A network in the forms that the machine has, written as another network with the same results:
// what lowering would otherwise refuse by type, weight or batch.

#pragma once

#include <cstdint>

#include "sw/model/graph.h"
#include "sw/program/program.h"
#include "sw/reference/run.h"

namespace trine::compiler {

constexpr int kWord = 4;  ///< channels that lie in a word

/// UNIDIRECTIONAL_SEQUENCE_LSTM step by step, in operators of int16 codes. Those beyond 256 steps
/// in all, and those with states that are not 0, stay as they are.
/// @param pairs  of lanes: as many streams of int16, twice as many of int8, go through a step
/// together
/// @pre it is tflite-micro's kernel that is wanted
model::Graph with_steps(model::Graph graph, int pairs);

/// SPIKING step by step, in operators of int16 codes. Those beyond 1,024 steps in all stay as they
/// are.
/// @pre array.activations16, vector.enable
model::Graph with_spikes(model::Graph graph);

/// SVDF of int8 with an int16 memory, in operators of int16 codes.
/// @pre two roundings
model::Graph with_memories(model::Graph graph);

/// FULLY_CONNECTED and CONV_2D of int8 codes, not of the int16 ones that QUANTIZE makes of them.
/// @pre array.activations16
model::Graph with_narrow_products(model::Graph graph);

/// CONCATENATION of uint8 codes at one scale alone.
/// @throws Refusal  integers would give other codes than float32
model::Graph with_joined_scales(model::Graph graph, reference::RoundingPolicy rounding);

/// int8 codes, 128 less, in place of uint8 ones; QUANTIZE at the graph's ends (on the host) keeps
/// the user's types. Operators remember their kernels: Op::of_uint8.
model::Graph with_signed_codes(model::Graph graph);

/// Products with constant weights whose zero point is 0. What w - zero_point exceeds int8 by is a
/// weight of its own, on the same channels, which the input has once more.
model::Graph with_symmetric_weights(model::Graph graph);

/// Tensors of four axes that are no images, but rows along several axes, with an axis of 1 in
/// front: they are no batch.
model::Graph with_rows(model::Graph graph);

/// Operands that repeat along some axes of the result's rows are made whole before.
model::Graph with_broadcasts(model::Graph graph);

/// Whether there are images [N, H, W, C] with N > 1 to take apart.
bool has_batch(const model::Graph& graph);

/// Operators on images [N, H, W, C] with N = 1. So many images go through an operator one after the
/// other, which then needs its weights once, as have room; early operators have large maps, so that
/// groups of few images may come together to larger ones behind them.
struct BatchRoom {
  std::int64_t words = INT64_MAX;  ///< for the maps of a group, and of those that wait for it
  /// Unless 0: an operator with more weights than that takes a chunk of them for all images of a
  /// group; what it reads and writes may come from DRAM and go there.
  std::int64_t weight_bytes = 0;
  std::int64_t chunk_words = 0;  ///< as `words`, for such an operator
};
model::Graph with_single_images(model::Graph graph, BatchRoom room = {});

/// Channels that say nothing go, exactly: those with one code in every pixel, which become part of
/// the biases of those who read them (unless a border tells them from its zero point), and those
/// that nobody reads. The graph's ends stay whole.
/// @param rounding  of the codes of constant channels
model::Graph without_idle_channels(model::Graph graph, reference::RoundingPolicy rounding,
                                   program::Removed& removed);

/// All of them. @pre model::check(graph)
/// @param rows  with_rows(), too
/// @param room  as of with_single_images()
model::Graph rewritten(const model::Graph& graph, reference::RoundingPolicy rounding,
                       program::Removed* removed = nullptr, bool rows = true, BatchRoom room = {});

}  // namespace trine::compiler
