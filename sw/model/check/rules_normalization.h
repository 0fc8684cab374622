// SPDX-License-Identifier: Apache-2.0
//
// Rules of SOFTMAX and of normalizations, which compute over the last axis.

#pragma once

#include "sw/model/check/context.h"

namespace trine::model::rules {

/// The rule of SOFTMAX and LOG_SOFTMAX.
void softmax(const Context& ctx);
void l2_normalization(const Context& ctx);
/// The rule of NORMALIZATION: the limits of its integer form (docs/numerics.md).
void normalization(const Context& ctx);

}  // namespace trine::model::rules
