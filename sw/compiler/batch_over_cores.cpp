// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/batch_over_cores.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "sw/base/division.h"
#include "sw/base/index.h"
#include "sw/model/rewrite/batch.h"
#include "sw/model/rewrite/rewriter.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::OpKind;
using model::Tensor;

/// Repeats the host's operators, which are for one core's images, for each core.
class HostSplit : model::Rewriter {
 public:
  /// @param at_edge  true if the outer tensors (inputs before the machine, outputs after it) are
  /// those of the whole network, and not of another segment
  HostSplit(Graph graph, const BatchOverCores& shares, bool at_edge)
      : Rewriter(std::move(graph)), shares_(shares), at_edge_(at_edge) {}

  /// Returns the graph before the machine, from the batch to each core's inputs, core by core.
  Graph before() {
    std::vector<int> outputs;
    const std::vector<int> ends = graph_.outputs, inputs = graph_.inputs;
    std::vector<int> batches;
    for (const int t : inputs) batches.push_back(add_like(t, of_all(t, images_in(t))));
    for (int core = 0; core < shares_.cores; ++core) {
      std::map<int, int> own;
      for (std::size_t i = 0; i < inputs.size(); ++i)
        own[inputs[i]] = images_of(batches[i], inputs[i], core);
      write(own);
      for (const int t : ends) outputs.push_back(own.at(t));
    }
    graph_.inputs = batches;
    graph_.outputs = outputs;
    return std::move(graph_);
  }

  /// Returns the graph after the machine, from each core's outputs to the batch.
  Graph after() {
    const std::vector<int> ends = graph_.outputs, inputs = graph_.inputs;
    std::vector<std::vector<int>> parts(ends.size());
    graph_.inputs.clear();
    for (int core = 0; core < shares_.cores; ++core) {
      std::map<int, int> own;
      for (const int t : inputs) {
        own[t] = add_like(t, graph_.tensor(t).shape);
        graph_.inputs.push_back(own[t]);
      }
      write(own);
      for (std::size_t i = 0; i < ends.size(); ++i) parts[i].push_back(own.at(ends[i]));
    }
    graph_.outputs.clear();
    for (std::size_t i = 0; i < ends.size(); ++i)
      graph_.outputs.push_back(joined(parts[i], ends[i]));
    return std::move(graph_);
  }

 private:
  std::vector<int> of_all(int tensor, int extent) const {
    std::vector<int> shape = graph_.tensor(tensor).shape;
    shape[0] = extent;
    return shape;
  }

  int of_core(int tensor) const { return graph_.tensor(tensor).shape[0]; }

  /// Returns the extent of axis 0 for all cores. Between two segments all parts are kept, including
  /// parts that contain no image, because the axis of a single image may have another meaning
  /// there.
  int images_in(int tensor) const {
    const bool batch = at_edge_ && of_core(tensor) == shares_.of_core;
    return batch ? shares_.images : shares_.cores * of_core(tensor);
  }

  /// Returns the core's images of a batch, with zeros after the last image.
  int images_of(int batch, int like, int core) {
    const int each = of_core(like);
    const int first = core * each, last = std::min(first + each, images_in(like));
    model::Op part;
    part.kind = OpKind::kStridedSlice;
    const int there = slice(part, batch, 0, first, last);
    if (last == first + each) return there;
    std::vector<int> behind(2 * graph_.tensor(like).shape.size(), 0);
    behind[1] = first + each - last;
    const int rank = graph_.tensor(like).rank();
    model::Op pad = op_of(OpKind::kPad, 0, {there, add_integers(behind, {rank, 2})});
    pad.outputs = {add_like(like, graph_.tensor(like).shape)};
    graph_.ops.push_back(pad);
    return pad.outputs[0];
  }

  /// Joins parts of a batch, without the parts that contain no image.
  int joined(const std::vector<int>& parts, int like) {
    model::Op join = op_of(OpKind::kConcatenation, 0, parts);
    join.axis = 0;
    join.outputs = {add_like(like, of_all(like, shares_.cores * of_core(like)))};
    graph_.ops.push_back(join);
    return slice(join, join.outputs[0], 0, 0, images_in(like));
  }

  /// Writes all operators for the tensors of a core.
  void write(std::map<int, int>& own) {
    for (model::Op op : ops_) {
      for (int& t : op.inputs)
        if (const auto found = own.find(t); found != own.end()) t = found->second;
      for (int& t : op.outputs) {
        own[t] = add_like(t, graph_.tensor(t).shape);
        t = own[t];
      }
      graph_.ops.push_back(std::move(op));
    }
  }

  BatchOverCores shares_;
  bool at_edge_;
};

/// Repeats the layouts for each core, one after the other.
void repeat(std::vector<TensorLayout>& layouts, int cores, std::int64_t core_bytes) {
  const std::vector<TensorLayout> one = std::move(layouts);
  layouts.clear();
  for (int core = 0; core < cores; ++core)
    for (TensorLayout layout : one) {
      layout.name += fmt::format("@{}", core);
      layout.offset += core * core_bytes;
      layouts.push_back(std::move(layout));
    }
}

}  // namespace

BatchOverCores batch_over_cores(const model::Graph& graph, const spec::Config& config) {
  if (config.cores == 1) return {};
  const int images = model::images_of(graph).value_or(1);
  const int of_core = divide_up(images, config.cores);
  return {images, of_core, divide_up(images, of_core)};
}

Graph graph_of_one_core(Graph graph, const BatchOverCores& shares) {
  return shares.cores == 1 ? std::move(graph)
                           : model::batched(std::move(graph), shares.images, shares.of_core);
}

void distribute_program(Program& program, const BatchOverCores& shares, std::int64_t core_bytes,
                        bool first, bool last) {
  program.before = HostSplit(std::move(program.before), shares, first).before();
  program.after = HostSplit(std::move(program.after), shares, last).after();
  repeat(program.inputs, shares.cores, core_bytes);
  repeat(program.outputs, shares.cores, core_bytes);
  for (program::ProgramLayer& layer : program.layers) {
    layer.macs = layer.macs / shares.of_core * shares.images;
  }
}

}  // namespace trine::compiler
