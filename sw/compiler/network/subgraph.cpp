// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network/subgraph.h"

#include <map>

#include "sw/base/index.h"

namespace trine::compiler {

using model::Graph;
using model::Op;

Graph subgraph(const Graph& graph, const std::vector<int>& ops, const std::vector<int>& inputs,
               const std::vector<int>& outputs) {
  Graph part;
  part.name = graph.name;
  part.file = graph.file;
  std::map<int, int> place;
  const auto keep = [&](int tensor) {
    if (tensor < 0) return -1;
    const auto [entry, is_new] = place.try_emplace(tensor, static_cast<int>(part.tensors.size()));
    if (is_new) part.tensors.push_back(graph.tensor(tensor));
    return entry->second;
  };
  for (const int t : inputs) part.inputs.push_back(keep(t));
  for (const int index : ops) {
    Op op = graph.ops[at(index)];
    for (int& t : op.inputs) t = keep(t);
    for (int& t : op.outputs) t = keep(t);
    part.ops.push_back(op);
  }
  for (const int t : outputs) part.outputs.push_back(keep(t));
  return part;
}

}  // namespace trine::compiler
