// SPDX-License-Identifier: Apache-2.0
//
// What a network's weights do without: zeros, and channels of which all weights are zeros.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/model/graph.h"

namespace trine::model {

/// The constant weights of an operator.
struct DeadWeights {
  std::string layer;            ///< its output
  std::int64_t weights = 0;     ///< all of them
  std::int64_t zeros = 0;       ///< those that add nothing to a sum
  int outputs = 0, inputs = 0;  ///< channels, inputs of a group
  int dead_outputs = 0;         ///< whose sum is the bias alone
  int dead_inputs = 0;          ///< that no output channel reads; 0 of DEPTHWISE_CONV_2D
};

/// Those of all CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED whose weights are
/// constant whole numbers, in the graph's order.
std::vector<DeadWeights> dead_weights(const Graph& graph);

/// Whether one of them has dead outputs or inputs: most have none, which the first rows tell.
bool has_dead_channels(const Graph& graph, const Op& op);

}  // namespace trine::model
