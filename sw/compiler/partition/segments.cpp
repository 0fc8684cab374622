// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/partition/segments.h"

#include <algorithm>
#include <map>
#include <set>

#include "sw/base/index.h"
#include "sw/compiler/network/codes.h"
#include "sw/compiler/network/subgraph.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;

/// Returns the segment of each operator: the first one that its inputs allow. Within a segment, the
/// machine does not wait for the host.
std::vector<int> segment_of_ops(const Graph& graph) {
  std::map<int, int> ready;  // tensor -> first segment in which the machine can read it
  std::map<int, int> made;   // tensor -> segment
  std::vector<int> segments;
  for (const Op& op : graph.ops) {
    int segment = 0;
    for (const int t : op.inputs) {
      const auto& known = op.on_host ? made : ready;
      const auto found = known.find(t);
      if (found != known.end()) segment = std::max(segment, found->second);
    }
    for (const int t : op.outputs) {
      made[t] = segment;
      ready[t] = segment + (op.on_host ? 1 : 0);
    }
    segments.push_back(segment);
  }
  return segments;
}

/// The segments in which operators run, and the segments that pass on each tensor.
struct Runs {
  std::vector<std::set<int>> segments;  ///< by operator
  std::map<int, std::set<int>> handed;  ///< tensor that cannot pass: segments before its readers
};

/// Assigns each operator to one segment. Tensors that cannot pass through the machine (floats,
/// indices) are computed again in every segment that reads them, as late as their readers allow.
Runs runs_of(const Graph& graph, const spec::Config& config, const std::vector<int>& earliest,
             int last) {
  std::set<int> hosted;  // tensors that the host makes
  for (const Op& op : graph.ops)
    if (op.on_host) hosted.insert(op.outputs.begin(), op.outputs.end());
  std::map<int, std::set<int>> reads;  // tensor -> segments in which it is read
  for (const int t : graph.outputs) reads[t].insert(last);
  Runs runs;
  runs.segments.resize(graph.ops.size());
  for (std::size_t i = graph.ops.size(); i-- > 0;) {
    const Op& op = graph.ops[i];
    const auto found = reads.find(op.outputs[0]);
    const bool passes = is_code(graph.out(op), config) || found == reads.end();
    runs.segments[i] = passes ? std::set<int>{earliest[i]} : found->second;
    for (const int t : op.inputs)
      for (const int segment : runs.segments[i]) {
        const bool before = !op.on_host && hosted.contains(t);  // the machine waits for a segment
        reads[t].insert(before ? segment - 1 : segment);
        if (before && !is_code(graph.tensor(t), config)) runs.handed[t].insert(segment - 1);
      }
  }
  return runs;
}

}  // namespace

std::vector<Segment> segments_of(const Graph& graph, const spec::Config& config) {
  const std::vector<int> earliest = segment_of_ops(graph);
  const int count = earliest.empty() ? 1 : *std::ranges::max_element(earliest) + 1;
  Runs runs = runs_of(graph, config, earliest, count - 1);
  std::map<int, int> last_read;  // tensor -> segment
  for (std::size_t i = 0; i < graph.ops.size(); ++i)
    for (const int t : graph.ops[i].inputs)
      last_read[t] = std::max(last_read[t], *runs.segments[i].rbegin());
  for (const int t : graph.outputs) last_read[t] = count;
  const auto made_once = [&](int t) {
    return is_code(graph.tensor(t), config) ||
           std::ranges::find(graph.inputs, t) != graph.inputs.end();
  };
  std::vector<Segment> result;
  std::vector<int> available = graph.inputs;
  for (int s = 0; s < count; ++s) {
    std::vector<int> ops, outputs;
    std::vector<int> passed;
    for (const int t : available)
      if (made_once(t)) passed.push_back(t);
    for (int i = 0; i < static_cast<int>(graph.ops.size()); ++i) {
      if (!runs.segments[at(i)].contains(s)) continue;
      ops.push_back(i);
      for (const int t : graph.ops[at(i)].outputs)
        if (made_once(t) || runs.handed[t].contains(s)) passed.push_back(t);
    }
    for (const int t : passed)
      if (last_read.contains(t) && last_read[t] > s) outputs.push_back(t);
    if (s + 1 == count) outputs = graph.outputs;
    result.push_back({subgraph(graph, ops, available, outputs), ops});
    available = outputs;
  }
  return result;
}

}  // namespace trine::compiler
