// SPDX-License-Identifier: Apache-2.0
//
// Operands of SVDF, and the product that stands for its weights in time.

#pragma once

#include "sw/model/graph.h"

namespace trine::model::svdf {

constexpr int kFeatures = 1, kTime = 2, kBias = 3, kMemory = 4;

/// CONV_2D that is SVDF's weights in time, which are int16.
inline bool has_wide_weights(const Op& op) {
  return op.kind == OpKind::kConv2D && op.numbers.contains("rank");
}

}  // namespace trine::model::svdf
