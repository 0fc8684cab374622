// SPDX-License-Identifier: Apache-2.0

#include "sw/model/print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/text.h"

namespace trine::model {
namespace {

std::string text_of(const Tensor& t) {
  std::string text =
      fmt::format("'{}' {} [{}]", fitted(t.name, 40), name_of(t.type), fmt::join(t.shape, ", "));
  if (t.encoding != Encoding::kInt8) text += fmt::format(", {}", name_of(t.encoding));
  if (t.is_constant) text += ", constant";
  const Quantization& q = t.quantization;
  if (q.per_channel())
    text += fmt::format(", {} scales", q.scale.size());
  else if (!q.scale.empty())
    text += fmt::format(", {:g} * (code {} {})", t.scale(), t.zero_point() < 0 ? '+' : '-',
                        t.zero_point() < 0 ? -t.zero_point() : t.zero_point());
  return text;
}

std::string attributes_of(const Op& op) {
  std::string text;
  const auto pair = [&](const char* what, int y, int x) {
    if (y != 1 || x != 1) text += fmt::format(", {} {}x{}", what, y, x);
  };
  pair("filter", op.filter_h, op.filter_w);
  pair("stride", op.stride_h, op.stride_w);
  pair("dilation", op.dilation_h, op.dilation_w);
  if (op.padding == Padding::kSame) text += ", same";
  if (op.activation == Activation::kRelu) text += ", relu";
  if (op.activation == Activation::kRelu6) text += ", relu6";
  if (op.activation == Activation::kReluN1To1) text += ", relu -1..1";
  if (op.code_min != -128 || op.code_max != 127)
    text += fmt::format(", codes {}..{}", op.code_min, op.code_max);
  if (op.axis != 0) text += fmt::format(", axis {}", op.axis);
  if (op.block != 1) text += fmt::format(", block {}", op.block);
  const auto flag = [&](bool is, const char* what) {
    if (is) text += fmt::format(", {}", what);
  };
  flag(op.adjoint_a, "adjoint a");
  flag(op.adjoint_b, "adjoint b");
  flag(op.half_even, "half even");
  flag(op.of_uint8, "of uint8");
  flag(op.on_host, "on the host");
  return text;
}

}  // namespace

std::string to_text(const Graph& graph) {
  std::string text = fmt::format("graph {}: {} tensors, {} operators\n", graph.name,
                                 graph.tensors.size(), graph.ops.size());
  std::set<int> named;
  const auto tensors = [&](const std::vector<int>& which) {
    for (const int t : which)
      if (t >= 0 && named.insert(t).second)
        text += fmt::format("    {} {}\n", t, text_of(graph.tensor(t)));
  };
  text += fmt::format("  inputs {}\n", fmt::join(graph.inputs, ", "));
  tensors(graph.inputs);
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const Op& op = graph.ops[i];
    text += fmt::format("  op {} {}: {} -> {}{}\n", i, fitted(op.name, 30),
                        fmt::join(op.inputs, ", "), fmt::join(op.outputs, ", "), attributes_of(op));
    tensors(op.inputs);
    tensors(op.outputs);
  }
  return text + fmt::format("  outputs {}\n", fmt::join(graph.outputs, ", "));
}

}  // namespace trine::model
