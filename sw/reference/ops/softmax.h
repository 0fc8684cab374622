// SPDX-License-Identifier: Apache-2.0
//
// The parts of SOFTMAX that the compiler and the architecture simulator share with the golden
// layer:
//
//   code = to_code(scaled(e, reciprocal_of_sum(sum of e / 2^12, each rounded))),  e = exponential
//
// for TFLite's codes of 1/256. Where ONNX's quantizer says the scale, the reciprocal is multiplied
// by 1 / (256 scale): one rounding from the sum of exponentials to the code.

#pragma once

#include <cstdint>
#include <optional>

#include "sw/reference/quantized_params.h"

namespace trine::reference {

/// exp(difference of a code to the largest) in Q0.31; 0 below diff_min. @pre -255..0
std::int32_t exponential(std::int32_t difference, const SoftmaxParams& p);

/// 1 / (256 sum), for a code of 256ths, or times `rescale`.
/// @param sum  of exponentials in Q12.19, at least 2^19
/// @param rescale  SoftmaxParams::rescale
ChannelScale reciprocal_of_sum(std::int32_t sum, const std::optional<ChannelScale>& rescale = {});

}  // namespace trine::reference
