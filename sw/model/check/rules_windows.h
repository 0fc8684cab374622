// SPDX-License-Identifier: Apache-2.0
//
// Rules of windows that slide over an image (pools and resizes), and of reductions of axes.

#pragma once

#include "sw/model/check/context.h"

namespace trine::model::rules {

/// Requires strides, dilations and filter extents in their ranges.
void require_steps(const Context& ctx);
/// Requires steps and the output's shape of a window that slides over the first input.
void require_window_output(const Context& ctx, int channels);

void pool(const Context& ctx);
void resize(const Context& ctx);
void reduction(const Context& ctx);
/// The rule of ARG_MAX. ONNX keeps the last axis; TFLite's operand names the axis that is removed.
void arg_max(const Context& ctx);

}  // namespace trine::model::rules
