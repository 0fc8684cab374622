// SPDX-License-Identifier: Apache-2.0
//
// What LSTM and SVDF keep from run to run, as inputs and outputs of the graph: whoever runs it
// hands a run what the one before gave.

#pragma once

#include <vector>

#include "sw/model/graph.h"

namespace trine::model {

/// Output `output` of a run is input `input` of the next one; positions in the graph's lists.
struct Carry {
  int input = 0, output = 0;
};

struct WithStates {
  Graph graph;  ///< states are its last inputs and its last outputs
  std::vector<Carry> carries;
};

/// Whether the state is a constant of nothing but its zero point's codes.
bool begins_with_zeros(const Tensor& state);

/// States of LSTM and SVDF that begin with zeros are inputs; others stay constants.
/// @pre check() accepts the graph
WithStates with_states(Graph graph);

/// Each carry whose output has more behind what its input has becomes one memory of the graph
/// (Graph::states), in codes where its ends are float32; `input` is -1 where it holds nothing yet.
/// A carry that does not lie so stays as it is.
/// @param capacity  elements along the axis that it grows along
Graph with_growing(Graph graph, const std::vector<Carry>& carries, int capacity);

}  // namespace trine::model
