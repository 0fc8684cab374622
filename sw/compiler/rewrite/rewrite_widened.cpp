// SPDX-License-Identifier: Apache-2.0
//
// Widens products of int8 codes to int16 results. FULLY_CONNECTED and CONV_2D read x instead of
// QUANTIZE(x), which makes int16 codes of the same scale without the zero point. Their sums are the
// same, and each lane of the array computes a position instead of each pair of lanes. QUANTIZE
// without another reader is removed.

#include <algorithm>
#include <map>

#include "sw/compiler/rewrite/rewrite.h"

namespace trine::compiler {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Tensor;

bool widens(const Graph& graph, const Op& op) {
  if (op.kind != OpKind::kQuantize) return false;
  const Tensor &from = graph.in(op, 0), &to = graph.out(op);
  return from.type == DataType::kInt8 && to.type == DataType::kInt16 && to.zero_point() == 0 &&
         from.scale() == to.scale() && from.encoding == model::Encoding::kInt8;
}

/// Returns true if the product's sums have 32 bits, which is the case with a 32-bit bias or with
/// halves to even.
bool takes_bytes(const Graph& graph, const Op& op) {
  if ((op.kind != OpKind::kFullyConnected && op.kind != OpKind::kConv2D) ||
      !graph.in(op, 1).is_constant || graph.out(op).type != DataType::kInt16)
    return false;
  return op.half_even || (op.kind == OpKind::kFullyConnected && op.input(2) >= 0 &&
                          graph.in(op, 2).type == DataType::kInt32);
}

}  // namespace

Graph with_narrow_products(Graph graph) {
  std::map<int, int> narrow;  // by int16 tensor
  for (const Op& op : graph.ops)
    if (widens(graph, op)) narrow[op.outputs[0]] = op.inputs[0];
  if (narrow.empty()) return graph;
  for (Op& op : graph.ops)
    if (takes_bytes(graph, op) && narrow.contains(op.inputs[0]))
      op.inputs[0] = narrow.at(op.inputs[0]);
  const auto is_read = [&](int tensor) {
    return std::ranges::count(graph.outputs, tensor) > 0 ||
           std::ranges::any_of(
               graph.ops, [&](const Op& op) { return std::ranges::count(op.inputs, tensor) > 0; });
  };
  std::erase_if(narrow, [&](const auto& of) { return is_read(of.first); });
  std::erase_if(graph.ops, [&](const Op& op) {
    return !op.outputs.empty() && narrow.contains(op.outputs[0]);
  });
  return graph;
}

}  // namespace trine::compiler
