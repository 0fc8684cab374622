// SPDX-License-Identifier: Apache-2.0
//
// Computes the parts of SOFTMAX that the compiler and the architecture simulator share with the
// golden layer:
//
//   code = to_code(scaled(e, reciprocal_of_sum(sum of e / 2^12, each rounded))),  e = exponential
//
// for TFLite's codes of 1/256. If ONNX's quantizer gives the scale, the reciprocal is multiplied by
// 1 / (256 scale), so that there is one rounding from the sum of exponentials to the code.

#pragma once

#include <cstdint>
#include <optional>

#include "sw/reference/quantized_params.h"

namespace trine::reference {

/// Returns exp(difference of a code to the largest) in Q0.31, and 0 below diff_min.
/// @pre -255..0
std::int32_t exponential(std::int32_t difference, const SoftmaxParams& p);

/// Returns 1 / (256 sum) for codes of 1/256, or this times `rescale`.
/// @param sum  of exponentials in Q12.19, at least 2^19
/// @param rescale  SoftmaxParams::rescale
ChannelScale reciprocal_of_sum(std::int32_t sum, const std::optional<ChannelScale>& rescale = {});

}  // namespace trine::reference
