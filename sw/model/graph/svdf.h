// SPDX-License-Identifier: Apache-2.0
//
// Names the operands of SVDF, and recognizes the product that replaces its weights in time.

#pragma once

#include "sw/model/graph/graph.h"

namespace trine::model::svdf {

constexpr int kFeatures = 1, kTime = 2, kBias = 3, kMemory = 4;

/// Returns true for the CONV_2D that replaces the weights in time of an SVDF, which are int16.
inline bool has_wide_weights(const Op& op) {
  return op.kind == OpKind::kConv2D && op.numbers.contains("rank");
}

}  // namespace trine::model::svdf
