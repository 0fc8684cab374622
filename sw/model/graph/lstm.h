// SPDX-License-Identifier: Apache-2.0
//
// Names the operands of UNIDIRECTIONAL_SEQUENCE_LSTM in TFLite's schema. Weights, recurrent weights
// and biases each have four gates, in this order: input, forget, cell, output.

#pragma once

namespace trine::model::lstm {

constexpr int kGates = 4;
constexpr int kWeights = 1, kRecurrent = 5, kBias = 12;  ///< of the first gate
constexpr int kHidden = 18, kState = 19;                 ///< h and c before the first step

}  // namespace trine::model::lstm
