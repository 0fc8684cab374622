// SPDX-License-Identifier: Apache-2.0
//
// Expands operands that repeat along some axes. The vector engine repeats a map along its channels,
// columns and rows. It sees rows along several axes as one line of pixels. If an operand repeats
// along some of these axes, BROADCAST_TO expands it first.

#include <algorithm>

#include "sw/compiler/rewrite/rewrite.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/rewrite/rewriter.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;
using model::OpKind;
using model::Rewriter;
using model::Tensor;

class Broadcasts : Rewriter {
 public:
  using Rewriter::Rewriter;

  Graph run() {
    for (Op& op : ops_) {
      if (model::is_binary(op.kind) && graph_.out(op).type == model::DataType::kInt8)
        for (int& t : op.inputs)
          if (repeats_some_axes(graph_.tensor(t), graph_.out(op))) t = whole(op, t);
      graph_.ops.push_back(std::move(op));
    }
    return std::move(graph_);
  }

 private:
  /// Returns true if the operand repeats along some, but not all, axes before the channels.
  static bool repeats_some_axes(const Tensor& t, const Tensor& out) {
    if (t.is_constant || out.rank() == 4 || out.rank() < 2 || t.rank() < 1) return false;
    const auto pixels = [](const Tensor& x) { return x.elements() / x.extent(-1); };
    return pixels(t) != 1 && pixels(t) != pixels(out);
  }

  int whole(const Op& op, int t) {
    std::vector<int> shape = graph_.out(op).shape;
    shape.back() = graph_.tensor(t).extent(-1);
    const int size = add_integers(shape), to = add_like(t, shape);
    graph_.ops.push_back(model::op_of(OpKind::kBroadcastTo, op.index, {t, size}, {to}));
    return to;
  }
};

}  // namespace

Graph with_broadcasts(Graph graph) { return Broadcasts(std::move(graph)).run(); }

}  // namespace trine::compiler
