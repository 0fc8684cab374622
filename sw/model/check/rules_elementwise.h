// SPDX-License-Identifier: Apache-2.0
//
// Rules of operators on the elements of one or two tensors: functions, pairs, comparisons, changes
// of scale and thresholds.

#pragma once

#include "sw/model/check/context.h"

namespace trine::model::rules {

/// Requires the output's scale that the int16 tables determine: 1/32768.
void require_fraction_of_one(const Context& ctx);

void unary(const Context& ctx);
void binary(const Context& ctx);
/// The rule of operators that TFLite defines only for float32.
void floats_only(const Context& ctx);
void comparison(const Context& ctx);
void convert(const Context& ctx);
void threshold(const Context& ctx);
void float_steps(const Context& ctx);

}  // namespace trine::model::rules
