// SPDX-License-Identifier: Apache-2.0
//
// Rules of convolutions and matrix products.

#pragma once

#include "sw/model/check/context.h"

namespace trine::model::rules {

/// Requires a bias with one element for each channel, if the operand is present.
void require_bias(const Context& ctx, int position, int channels);

void convolution(const Context& ctx);
void transpose_convolution(const Context& ctx);
void fully_connected(const Context& ctx);
void batch_matmul(const Context& ctx);

}  // namespace trine::model::rules
