// SPDX-License-Identifier: Apache-2.0
//
// What a network's weights do without: zeros, and channels of which all weights are zeros.

#pragma once

#include <cstdint>
#include <optional>
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

/// @return nothing if `op` is no CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV or FULLY_CONNECTED with
/// constant weights of whole numbers
std::optional<DeadWeights> dead_weights(const Graph& graph, const Op& op);
/// Those of all operators, in the graph's order.
std::vector<DeadWeights> dead_weights(const Graph& graph);

}  // namespace trine::model
