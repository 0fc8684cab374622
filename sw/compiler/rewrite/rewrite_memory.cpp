// SPDX-License-Identifier: Apache-2.0
//
// Rewrites int8 SVDF with an int16 memory, in operators of the machine. The memory of `filters`
// features over time is stored as an image: rows are the batch, columns the time, channels the
// filters.
//
//   feature   CONV_2D(QUANTIZE(x)) with biases of 0, of the memory's scale
//   memory    CONCATENATION(columns of the old one but the first, feature)
//   y         QUANTIZE(CONV_2D(memory)), weights of int16, a group of `rank` filters a unit
//
// The int8 codes become int16 codes minus their zero point. Products of these with int32 biases
// have the sums and the two roundings of int8 products. The memory's owner stores it filter by
// filter.

#include <algorithm>
#include <map>

#include "sw/compiler/rewrite/rewrite.h"
#include "sw/model/graph/svdf.h"
#include "sw/model/rewrite/rewriter.h"
#include "sw/model/rewrite/states.h"

namespace trine::compiler {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Rewriter;
using model::Tensor;
namespace svdf = model::svdf;

/// Returns true if the machine can keep the memory. Memories that are constants other than zeros
/// are left to the host.
bool has_memory(const Graph& graph, const Op& op) {
  if (op.kind != OpKind::kSvdf || op.of_state) return false;
  const Tensor& memory = graph.in(op, svdf::kMemory);
  return !memory.is_constant || model::begins_with_zeros(memory);
}

class Memories : Rewriter {
 public:
  explicit Memories(Graph graph) : Rewriter(std::move(graph)) {}

  Graph run() {
    for (Op& op : ops_)
      if (has_memory(graph_, op))
        written(op);
      else if (op.kind == OpKind::kSvdf && op.of_state && memories_.contains(op.index))
        kept(op, memories_.at(op.index));
      else
        graph_.ops.push_back(std::move(op));
    return std::move(graph_);
  }

 private:
  void written(const Op& op) {
    op_ = &op;
    const Tensor x = graph_.in(op, 0), out = graph_.out(op);
    const int batch = x.extent(0), inputs = x.extent(1);
    const int filters = graph_.in(op, svdf::kTime).extent(0),
              time = graph_.in(op, svdf::kTime).extent(1);
    const int units = out.extent(1);
    const int wide = made(OpKind::kQuantize, {reshape(op.input(0), {1, batch, 1, inputs})},
                          codes({1, batch, 1, inputs}, x.scale()));
    const Tensor memory = graph_.in(op, svdf::kMemory);
    const float scale = memory.scale();
    int features = made(OpKind::kConv2D,
                        {wide, constant(svdf::kFeatures, {filters, 1, 1, inputs}),
                         add_integers(std::vector<int>(at(filters), 0))},
                        codes({1, batch, 1, filters}, scale));
    int columns = 1;  // of the memory that are not 0
    if (!memory.is_constant && time > 1) {
      const int old =
          turned(op.input(svdf::kMemory), {batch, filters, time}, {1, batch, time, filters});
      features = join(op, {slice(op, old, 2, 1, time), features}, 2);
      columns = time;
    }
    memories_[op.index] = features;
    const int sums =
        made(OpKind::kConv2D, {features, time_weights(units, columns), op.input(svdf::kBias)},
             codes({1, batch, 1, units}, out.scale()));
    graph_.ops.back().numbers["rank"] = op.numbers.at("rank");
    const int y = made(OpKind::kQuantize, {sums}, add_like(op.outputs[0], {1, batch, 1, units}));
    reshape(y, out.shape, op.outputs[0]);
  }

  /// Writes the new memory in the caller's layout.
  void kept(const Op& op, int memory) {
    const std::vector<int> s = graph_.tensor(memory).shape;
    turned(memory, {s[1], s[2], s[3]}, graph_.out(op).shape, op.outputs[0]);
  }

  /// Returns weights [unit, 1, time, filter of the unit] for the last columns.
  int time_weights(int units, int columns) {
    const Tensor& from = graph_.in(*op_, svdf::kTime);
    const int rank = from.extent(0) / units, time = from.extent(1);
    const auto values = from.values<std::int16_t>();
    Tensor t = from;
    t.shape = {units, 1, columns, rank};
    t.data.edit().resize(2 * at(units * columns * rank));
    std::size_t to = 0;
    for (int unit = 0; unit < units; ++unit)
      for (int column = time - columns; column < time; ++column)
        for (int f = unit * rank; f < (unit + 1) * rank; ++f, to += 2) {
          const auto code = static_cast<std::uint16_t>(values[at(f * time + column)]);
          t.data.edit()[to] = static_cast<std::uint8_t>(code & 0xff);
          t.data.edit()[to + 1] = static_cast<std::uint8_t>(code >> 8);
        }
    return add(std::move(t));
  }
  int constant(int position, std::vector<int> shape) {
    Tensor t = graph_.in(*op_, position);
    t.shape = std::move(shape);
    return add(std::move(t));
  }

  int made(OpKind kind, std::vector<int> inputs, int to) {
    graph_.ops.push_back(op_of(kind, op_->index, std::move(inputs), {to}));
    return to;
  }
  /// Adds a tensor of int16 codes without a zero point.
  int codes(std::vector<int> shape, float scale) {
    Tensor t;
    t.name = graph_.out(*op_).name;
    t.type = DataType::kInt16;
    t.shape = std::move(shape);
    t.quantization = {{scale}, {0}, 0};
    return add(std::move(t));
  }
  int reshape(int from, const std::vector<int>& shape, int to = -1) {
    if (to < 0 && graph_.tensor(from).shape == shape) return from;
    made(OpKind::kReshape, {from}, to < 0 ? add_like(from, shape) : to);
    graph_.ops.back().new_shape = shape;
    return graph_.ops.back().outputs[0];
  }
  /// Exchanges the last two of three axes. @param to  the result's tensor, or -1
  int turned(int from, const std::vector<int>& axes, const std::vector<int>& shape, int to = -1) {
    const int rows = reshape(from, axes);
    const int order = add_integers(std::vector<int>{0, 2, 1});
    const int other =
        made(OpKind::kTranspose, {rows, order}, add_like(from, {axes[0], axes[2], axes[1]}));
    return reshape(other, shape, to);
  }

  const Op* op_ = nullptr;
  std::map<int, int> memories_;  ///< by an SVDF's index in the file: its new memory
};

}  // namespace

Graph with_memories(Graph graph) { return Memories(std::move(graph)).run(); }

}  // namespace trine::compiler
