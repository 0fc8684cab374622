// SPDX-License-Identifier: Apache-2.0
//
// The context of a lowering: the facts about the graph, and the network under construction. Each
// kind of operator has a row in rule_of() (lowering.cpp) and two functions next to each other in
// lower_*.cpp. x_problem() returns why the machine cannot compute the operator on this design, and
// changes nothing. x() makes the layers of an operator without a problem. Problems that depend on
// where codes are stored show only while codes are moved: note() (maps.h) records them, and
// lowering continues.

#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "sw/compiler/lower/graph_facts.h"

namespace trine::compiler {

/// The elements of a tensor whose order differs from the map's. The position of an element's code
/// in the map is first + sum of index * stride, counted in the order y, x, channel.
struct Axes {
  int map = -1;
  std::int64_t first = 0;
  std::vector<int> extents;
  std::vector<std::int64_t> strides;
};

/// A PAD that convolutions apply as their own border: the map that it pads, border and code.
struct FoldedPad {
  int map, top, left, code;
};

/// The lowering of one graph.
struct Lowering : GraphFacts {
  explicit Lowering(GraphFacts facts) : GraphFacts(std::move(facts)) {
    net.input_tensors = part.inputs;
    net.output_tensors = part.outputs;
  }

  const Shape& shape(int map) const { return net.maps[at(map)].shape; }

  Network net;
  Problem noted;                                   ///< of the operator that is being lowered
  std::map<int, Axes> axes;                        ///< by tensor that has no map yet
  std::map<std::pair<int, bool>, int> identities;  ///< by size and column
  std::map<int, int> map_by_tensor;
  std::map<int, FoldedPad> folded_pads;  ///< by tensor without a map
};

}  // namespace trine::compiler
