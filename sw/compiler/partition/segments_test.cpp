// SPDX-License-Identifier: Apache-2.0
//
// Checks the segments of random graphs, in which the host and the machine alternate.

#include "sw/compiler/partition/segments.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

#include "sw/base/catch.h"

namespace trine::compiler {
namespace {

using model::DataType;
using Names = std::vector<std::string>;

/// Makes a graph of operators that read any earlier tensors. The host makes floats or codes, the
/// machine makes codes.
model::Graph random_graph(unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<int>(random() % n); };
  model::Graph graph;
  const auto add = [&](DataType type) {
    model::Tensor& t = graph.tensors.emplace_back();
    t.name = "t" + std::to_string(graph.tensors.size() - 1);
    t.type = type;
    return static_cast<int>(graph.tensors.size()) - 1;
  };
  for (int i = below(2); i >= 0; --i) graph.inputs.push_back(add(DataType::kInt8));
  std::set<int> unread;
  for (int i = below(10) + 2; i > 0; --i) {
    model::Op op;
    op.on_host = below(2) == 0;
    for (int k = below(2); k >= 0; --k) op.inputs.push_back(below(graph.tensors.size()));
    for (const int t : op.inputs) unread.erase(t);
    op.outputs = {add(op.on_host && below(3) != 0 ? DataType::kFloat32 : DataType::kInt8)};
    unread.insert(op.outputs[0]);
    graph.ops.push_back(op);
  }
  graph.outputs.assign(unread.begin(), unread.end());
  return graph;
}

Names names_of(const model::Graph& graph, const std::vector<int>& tensors) {
  Names names;
  for (const int t : tensors) names.push_back(graph.tensor(t).name);
  return names;
}

/// Checks that each operator of a segment finds its inputs, and that the machine need not wait for
/// the host.
void check_segment(const model::Graph& segment) {
  const std::set<int> inputs(segment.inputs.begin(), segment.inputs.end());
  std::set<int> available = inputs, of_host;
  for (const model::Op& op : segment.ops) {
    for (const int t : op.inputs) {
      CAPTURE(segment.tensor(t).name);
      CHECK(available.contains(t));
      CHECK((op.on_host || inputs.contains(t) || !of_host.contains(t)));
    }
    available.insert(op.outputs.begin(), op.outputs.end());
    if (op.on_host) of_host.insert(op.outputs.begin(), op.outputs.end());
  }
  for (const int t : segment.outputs) {
    CAPTURE(segment.tensor(t).name);
    CHECK(available.contains(t));
  }
}

}  // namespace

TEST_CASE("each operator of a segment finds what it reads", "[compiler][segments][random]") {
  std::size_t most = 0, repeated = 0;
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    const model::Graph graph = random_graph(seed);
    const std::vector<Segment> segments = segments_of(graph, {});
    Names handed = names_of(graph, graph.inputs);
    std::map<int, int> runs;
    for (std::size_t s = 0; s < segments.size(); ++s) {
      CAPTURE(seed, s);
      const model::Graph& segment = segments[s].graph;
      CHECK(names_of(segment, segment.inputs) == handed);
      handed = names_of(segment, segment.outputs);
      REQUIRE(segments[s].ops.size() == segment.ops.size());
      check_segment(segment);
      for (std::size_t i = 0; i < segment.ops.size(); ++i) {
        const model::Op& whole = graph.ops[static_cast<std::size_t>(segments[s].ops[i])];
        CHECK(names_of(segment, segment.ops[i].inputs) == names_of(graph, whole.inputs));
        CHECK(names_of(segment, segment.ops[i].outputs) == names_of(graph, whole.outputs));
        ++runs[segments[s].ops[i]];
      }
    }
    CAPTURE(seed);
    CHECK(handed == names_of(graph, graph.outputs));
    CHECK(runs.size() == graph.ops.size());
    for (const auto& [op, times] : runs) {
      if (graph.out(graph.ops[static_cast<std::size_t>(op)]).type == DataType::kInt8)
        CHECK(times == 1);  // codes pass through the machine
      repeated += times > 1 ? 1 : 0;
    }
    most = std::max(most, segments.size());
  }
  CHECK(most > 3);
  CHECK(repeated > 100);
}

}  // namespace trine::compiler
