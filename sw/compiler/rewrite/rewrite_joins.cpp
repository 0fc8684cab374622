// SPDX-License-Identifier: Apache-2.0
//
// Rewrites CONCATENATION of uint8 codes, which brings its operands to the scale of its result, in
// float32. A QUANTIZE before it gives the same codes in integers, with one rounding, or with two at
// ratios that produce halves. Near halves, float32 may give other codes.

#include <algorithm>

#include "sw/compiler/rewrite/rewrite.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/rewrite/rewriter.h"
#include "sw/reference/quantized_params.h"

namespace trine::compiler {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Rewriter;
using model::Tensor;

class JoinedScales : Rewriter {
 public:
  JoinedScales(Graph graph, reference::RoundingPolicy rounding)
      : Rewriter(std::move(graph)), rounding_(rounding) {}

  Graph run() {
    for (Op& op : ops_) {
      if (op.kind == OpKind::kConcatenation && graph_.out(op).type == DataType::kUInt8)
        for (int& t : op.inputs)
          if (!graph_.tensor(t).has_scale_of(graph_.out(op))) t = at_scale_of(op, t);
      graph_.ops.push_back(std::move(op));
    }
    return std::move(graph_);
  }

 private:
  int at_scale_of(const Op& whole, int t) {
    const auto codes = reference::joined_codes(graph_.tensor(t), graph_.out(whole));
    const int to = add_like(whole.outputs[0], graph_.tensor(t).shape);
    if (graph_.tensor(t).is_constant) {
      Tensor& constant = graph_.tensors[at(to)];
      constant.is_constant = true;
      constant.data = graph_.tensor(t).data;
      for (std::uint8_t& code : constant.data.edit()) code = codes[code];
      return to;
    }
    Op op = op_of(OpKind::kQuantize, whole.index, {t}, {to});
    for (const bool once : {true, false}) {
      op.half_even = once;
      const auto integers = reference::code_table(graph_, op, rounding_.of(op));
      if (!std::ranges::equal(integers, codes)) continue;
      graph_.ops.push_back(op);
      return to;
    }
    refuse(model::Reason::kRounding,
           "{}: tensor {} '{}': some codes of scale {} are ties at scale {}", label(graph_, whole),
           t, graph_.tensor(t).name, graph_.tensor(t).scale(), graph_.out(whole).scale());
  }

  reference::RoundingPolicy rounding_;
};

}  // namespace

Graph with_joined_scales(Graph graph, reference::RoundingPolicy rounding) {
  return JoinedScales(std::move(graph), rounding).run();
}

}  // namespace trine::compiler
