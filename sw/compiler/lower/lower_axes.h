// SPDX-License-Identifier: Apache-2.0
//
// Lowers RESHAPE and TRANSPOSE. A tensor in another order has no map yet: Axes describe where its
// codes are in another map. Some operators can read the codes there (heads of an attention are
// channels of a map). For all other operators, the codes are put in order. Copies move pixels and
// channel words. A product of the identity and the map, as weights, turns pixels into channels.

#pragma once

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

/// Returns the position of each element's code in the map. The last axis changes fastest.
std::vector<std::int64_t> codes_of(const Axes& axes);

/// Returns the tensor's axes over the map that holds its codes.
Axes axes_of(Lowering& ctx, int tensor);

/// Writes the codes of `axes` into the map `to`, in order. The channels of `to` join the last axes.
void put_in_order(Lowering& ctx, const Op& o, const Axes& axes, int to, bool zero_behind);

int in_order(Lowering& ctx, const Op& o, const Axes& axes, const Shape& shape, bool zero_behind);
Problem reshape_problem(const Lowering& ctx, const Op& o);
void reshape(Lowering& ctx, const Op& o);
Problem transpose_problem(const Lowering& ctx, const Op& o);
void transpose(Lowering& ctx, const Op& o);
/// Makes a layer that reads the input's pixels in place if they are a rectangle of a map, or else
/// puts them in order first.
Layer reading_pixels(Lowering& ctx, const Op& o, LayerKind kind);

}  // namespace trine::compiler
