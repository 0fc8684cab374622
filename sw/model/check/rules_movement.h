// SPDX-License-Identifier: Apache-2.0
//
// Rules of operators that move elements without computing: reshapes, paddings, transpositions,
// slices and concatenations.

#pragma once

#include "sw/model/check/context.h"

namespace trine::model::rules {

/// The rule of RESHAPE and similar operators, which only the output's shape determines.
void reshape(const Context& ctx);
void pad(const Context& ctx);
void mirror_pad(const Context& ctx);
/// The rule of SPACE_TO_DEPTH and DEPTH_TO_SPACE.
void blocks(const Context& ctx);
void transpose(const Context& ctx);
void strided_slice(const Context& ctx);
void concatenation(const Context& ctx);
void gather(const Context& ctx);
void broadcast_to(const Context& ctx);

}  // namespace trine::model::rules
