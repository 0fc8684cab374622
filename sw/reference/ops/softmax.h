// SPDX-License-Identifier: Apache-2.0
//
// The parts of SOFTMAX that the compiler and the architecture simulator share with the golden
// layer:
//
//   code = to_code(scaled(e, reciprocal_of_sum(sum of e / 2^12, each rounded))),  e = exponential

#pragma once

#include <cstdint>

#include "sw/reference/quantized_params.h"

namespace trine::reference {

/// exp(difference of a code to the largest) in Q0.31; 0 below diff_min. @pre -255..0
std::int32_t exponential(std::int32_t difference, const SoftmaxParams& p);

/// 1 / (256 sum), for a code of 256ths. @param sum  of exponentials in Q12.19, at least 2^19
ChannelScale reciprocal_of_sum(std::int32_t sum);

}  // namespace trine::reference
