// SPDX-License-Identifier: Apache-2.0
//
// Turns what LSTM and SVDF keep from run to run into inputs and outputs of the graph. The caller
// passes each run the states of the run before.

#pragma once

#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// An output of a run that is an input of the next run. Both are positions in the graph's lists.
struct Carry {
  int input = 0, output = 0;
};

/// A graph with its states as inputs and outputs.
struct WithStates {
  Graph graph;  ///< the states are its last inputs and last outputs
  std::vector<Carry> carries;
};

/// Returns true if the state is a constant that holds only its zero point.
bool begins_with_zeros(const Tensor& state);

/// Turns states of LSTM and SVDF that begin with zeros into inputs. Other states stay constants.
/// @pre check() accepts the graph
WithStates with_states(Graph graph);

/// Turns each carry whose output extends its input into one memory of the graph (Graph::states).
/// The memory holds codes even if input and output are float32. If the memory is empty at first,
/// Carry::input must be -1. Carries of another form stay unchanged.
/// @param capacity  elements along the axis that grows
Graph with_growing(Graph graph, const std::vector<Carry>& carries, int capacity);

}  // namespace trine::model
