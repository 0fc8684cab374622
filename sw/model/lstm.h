// SPDX-License-Identifier: Apache-2.0
//
// Where UNIDIRECTIONAL_SEQUENCE_LSTM has what, by TFLite's schema: four gates each of weights,
// recurrent weights and biases, in this order: input, forget, cell, output.

#pragma once

namespace trine::model::lstm {

constexpr int kGates = 4;
constexpr int kWeights = 1, kRecurrent = 5, kBias = 12;  ///< the first gate's
constexpr int kHidden = 18, kState = 19;                 ///< h and c before the first step

}  // namespace trine::model::lstm
