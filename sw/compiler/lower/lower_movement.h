// SPDX-License-Identifier: Apache-2.0
//
// Lowers operators that only move codes. They become copies by the vector unit, several words at a
// time, or convolutions of one tap that select channels. They need no layer if a map can be a part
// of another one.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

/// Finds the tensors that their producers can write directly into a concatenation.
void find_concatenated(GraphFacts& facts);

/// Returns the map of an output of the machine. If it is a part of another map, it is copied.
int own_map(Lowering& ctx, int tensor);

/// Returns a convolution of one tap whose channel m is input channel `channel_of[m]`, unchanged. If
/// `channel_of[m]` is -1, channel m is 0.
Layer selection(const Lowering& ctx, const Op& o, int from, const std::vector<int>& channel_of);

/// Sets the weights so that channel m is the code of input channel c at tap (ky, kx).
void take_code(const Lowering& ctx, Layer& layer, int m, int ky, int kx, int c);

/// Copies pixels according to the window. `to` is a map or a part, and pixels outside of the
/// input have the code `outside`.
/// @param zero_behind  true if the bytes after the last channel must become zero
void move(Lowering& ctx, const Op& o, int from, const model::Slice& channels,
          const Geometry& window, int to, int outside, bool zero_behind = false);

Problem concatenation_problem(const Lowering& ctx, const Op& o);
void concatenation(Lowering& ctx, const Op& o);
Problem strided_slice_problem(const Lowering& ctx, const Op& o);
void strided_slice(Lowering& ctx, const Op& o);
Problem pad_problem(const Lowering& ctx, const Op& o);
void pad(Lowering& ctx, const Op& o);
Problem mirror_pad_problem(const Lowering& ctx, const Op& o);
void mirror_pad(Lowering& ctx, const Op& o);
Problem gather_problem(const Lowering& ctx, const Op& o);
void gather(Lowering& ctx, const Op& o);
Problem broadcast_to_problem(const Lowering& ctx, const Op& o);
void broadcast_to(Lowering& ctx, const Op& o);
Problem blocks_problem(const Lowering& ctx, const Op& o);
void space_to_depth(Lowering& ctx, const Op& o);
void depth_to_space(Lowering& ctx, const Op& o);

}  // namespace trine::compiler
