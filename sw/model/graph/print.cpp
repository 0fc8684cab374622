// SPDX-License-Identifier: Apache-2.0

#include "sw/model/graph/print.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <type_traits>

#include "sw/base/text.h"
#include "sw/model/graph/op_fields.h"

namespace trine::model {
namespace {

std::string text_of(const Tensor& t) {
  std::string text =
      fmt::format("'{}' {} [{}]", fitted(t.name, 40), name_of(t.type), fmt::join(t.shape, ", "));
  if (t.encoding != Encoding::kInt8) text += fmt::format(", {}", name_of(t.encoding));
  if (t.format != spec::Format::kNone) text += fmt::format(", {}", spec::row_of(t.format).name);
  if (t.is_constant) text += ", constant";
  const Quantization& q = t.quantization;
  if (q.per_channel())
    text += fmt::format(", {} scales", q.scale.size());
  else if (!q.scale.empty())
    text += fmt::format(", {:g} * (code {} {})", t.scale(), t.zero_point() < 0 ? '+' : '-',
                        t.zero_point() < 0 ? -t.zero_point() : t.zero_point());
  return text;
}

std::string text_of(Padding padding) { return padding == Padding::kSame ? "same" : "valid"; }

std::string text_of(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "no activation";
    case Activation::kRelu:
      return "relu";
    case Activation::kRelu6:
      return "relu6";
    case Activation::kReluN1To1:
      return "relu -1..1";
  }
  return "";
}

/// Returns the attributes that differ from their defaults.
std::string attributes_of(const Op& op) {
  const Op none;
  std::string text;
  for_each_field([&]<typename T>(const char* name, T Op::*field) {
    if (op.*field == none.*field) return;
    std::string words = name;
    std::ranges::replace(words, '_', ' ');
    if constexpr (std::is_same_v<T, bool>)
      text += fmt::format(", {}{}", op.*field ? "" : "no ", words);
    else if constexpr (std::is_enum_v<T>)
      text += ", " + text_of(op.*field);
    else
      text += fmt::format(", {} {}", words, op.*field);
  });
  return op.on_host ? text + ", on the host" : text;
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
