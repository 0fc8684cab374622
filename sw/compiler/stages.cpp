// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/stages.h"

#include <algorithm>
#include <map>

#include "base/index.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;

/// Stage of each operator: as early as its inputs allow; the machine does not wait for the host
/// within a stage.
std::vector<int> stage_of_ops(const Graph& graph) {
  std::map<int, int> ready;  // tensor -> first stage in which the machine can read it
  std::map<int, int> made;   // tensor -> stage
  std::vector<int> stages;
  for (const Op& op : graph.ops) {
    int stage = 0;
    for (const int t : op.inputs) {
      const auto& known = op.on_host ? made : ready;
      const auto found = known.find(t);
      if (found != known.end()) stage = std::max(stage, found->second);
    }
    for (const int t : op.outputs) {
      made[t] = stage;
      ready[t] = stage + (op.on_host ? 1 : 0);
    }
    stages.push_back(stage);
  }
  return stages;
}

/// Host's operators whose results the machine cannot pass through (floats) as late as their readers
/// allow.
void postpone(const Graph& graph, std::vector<int>* stages) {
  std::map<int, int> first_read;  // tensor -> last stage in which the host may make it
  for (std::size_t i = graph.ops.size(); i-- > 0;) {
    const Op& op = graph.ops[i];
    int& stage = (*stages)[i];
    if (op.on_host && graph.out(op).type != model::DataType::kInt8)
      if (const auto found = first_read.find(op.outputs[0]); found != first_read.end())
        stage = std::max(stage, found->second);
    for (const int t : op.inputs) {
      const int latest = stage - (op.on_host ? 0 : 1);  // in which the host may make it
      int& entry = first_read.try_emplace(t, latest).first->second;
      entry = std::min(entry, latest);
    }
  }
}

}  // namespace

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

std::vector<Stage> stages_of(const Graph& graph) {
  std::vector<int> stage = stage_of_ops(graph);
  postpone(graph, &stage);
  const int count = stage.empty() ? 1 : *std::ranges::max_element(stage) + 1;
  std::map<int, int> last_read;  // tensor -> stage
  for (std::size_t i = 0; i < graph.ops.size(); ++i)
    for (const int t : graph.ops[i].inputs) last_read[t] = std::max(last_read[t], stage[i]);
  for (const int t : graph.outputs) last_read[t] = count;
  std::vector<Stage> result;
  std::vector<int> available = graph.inputs;
  for (int s = 0; s < count; ++s) {
    std::vector<int> ops, outputs;
    std::vector<int> made = available;
    for (int i = 0; i < static_cast<int>(graph.ops.size()); ++i) {
      if (stage[at(i)] != s) continue;
      ops.push_back(i);
      made.insert(made.end(), graph.ops[at(i)].outputs.begin(), graph.ops[at(i)].outputs.end());
    }
    for (const int t : made)
      if (last_read.contains(t) && last_read[t] > s) outputs.push_back(t);
    if (s + 1 == count) outputs = graph.outputs;
    result.push_back({subgraph(graph, ops, available, outputs), ops});
    available = outputs;
  }
  return result;
}

}  // namespace trine::compiler
