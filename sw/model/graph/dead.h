// SPDX-License-Identifier: Apache-2.0
//
// Finds dead weights of a network: zeros, and channels whose weights are all zeros.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// The dead weights among the constant weights of an operator.
struct DeadWeights {
  std::string layer;            ///< the name of its output
  std::int64_t weights = 0;     ///< all weights
  std::int64_t zeros = 0;       ///< weights that add nothing to a sum
  int outputs = 0, inputs = 0;  ///< output channels; input channels of a group
  int dead_outputs = 0;         ///< channels whose sum is only the bias
  int dead_inputs = 0;          ///< inputs that no output channel reads; 0 for DEPTHWISE_CONV_2D
};

/// Returns the dead weights of all CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED
/// with constant integer weights, in the graph's order.
std::vector<DeadWeights> dead_weights(const Graph& graph);

/// Returns true if the operator has dead outputs or inputs. Reads only a few weights of most
/// operators.
bool has_dead_channels(const Graph& graph, const Op& op);

}  // namespace trine::model
