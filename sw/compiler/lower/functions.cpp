// SPDX-License-Identifier: Apache-2.0
//
// Finds operators that a table of 256 codes can replace. The golden layer of each evaluates it,
// separately, on all codes that its operands can have.

#include <algorithm>
#include <numeric>

#include "sw/base/index.h"
#include "sw/compiler/lower/findings.h"
#include "sw/compiler/network/movement.h"
#include "sw/reference/golden.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;
using model::OpKind;
using model::Tensor;

constexpr int kCodes = 256;

class Finder {
 public:
  Finder(const Graph& graph, const reference::RoundingPolicy& rounding)
      : graph_(graph), rounding_(rounding) {}

  void visit(int index) {
    const Op& op = graph_.ops[at(index)];
    const int root = is_elementwise(op) ? root_of(op) : -1;
    if (root < 0) return;
    Function f{root, {}, evaluate(op)};
    for (const int t : op.inputs)
      if (const auto found = functions_.find(t); found != functions_.end())
        f.ops.insert(found->second.ops.begin(), found->second.ops.end());
    f.ops.insert(index);
    functions_[op.outputs[0]] = std::move(f);
  }

  std::map<int, Function> result() { return std::move(functions_); }

 private:
  /// Returns the int8 tensor on which all operands except single constants depend, or -1.
  int root_of(const Op& op) const {
    int root = -1;
    for (const int t : op.inputs) {
      if (t < 0 || is_single(graph_, t)) continue;
      const auto found = functions_.find(t);
      const int from = found == functions_.end() ? t : found->second.root;
      const Tensor& tensor = graph_.tensor(from);
      if (tensor.is_constant || tensor.type != model::DataType::kInt8 ||
          graph_.tensor(t).elements() != graph_.out(op).elements() || (root >= 0 && root != from))
        return -1;
      root = from;
    }
    return root;
  }

  /// Evaluates the operator on a row of all codes.
  Array evaluate(const Op& op) const {
    std::map<int, Array> rows;
    for (const int t : op.inputs)
      if (t >= 0 && !is_single(graph_, t)) {
        const auto found = functions_.find(t);
        rows[t] = found == functions_.end() ? all_codes() : found->second.values;
      }
    return on_rows(graph_, op, rows, rounding_);
  }

  const Graph& graph_;
  const reference::RoundingPolicy& rounding_;
  std::map<int, Function> functions_;
};

}  // namespace

int element_operand(const Graph& graph, const Op& op) {
  if (!is_elementwise(op) || op.outputs.size() != 1 || graph.out(op).quantization.per_channel())
    return -1;
  int position = -1;
  for (int i = 0; i < static_cast<int>(op.inputs.size()); ++i) {
    if (op.input(i) < 0 || is_single(graph, op.input(i))) continue;
    const Tensor& t = graph.in(op, i);
    if (position >= 0 || t.is_constant || t.quantization.per_channel() ||
        t.elements() != graph.out(op).elements())
      return -1;
    position = i;
  }
  return position;
}

Array on_rows(const Graph& graph, const Op& op, const std::map<int, Array>& rows,
              const reference::RoundingPolicy& rounding) {
  Graph row;
  Op alone = op;
  reference::Values values;
  const auto add = [&](int tensor, const std::vector<int>& shape) {
    row.tensors.push_back(graph.tensor(tensor));
    row.tensors.back().shape = shape;
    return static_cast<int>(row.tensors.size()) - 1;
  };
  for (int& t : alone.inputs) {
    const int from = t;
    if (from < 0) continue;
    t = add(from, is_single(graph, from) ? std::vector<int>{} : std::vector<int>{kCodes});
    if (!is_single(graph, from)) values[t] = rows.at(from);
  }
  alone.outputs = {add(op.outputs[0], {kCodes})};
  return reference::run_op(row, alone, values, rounding.of(op));
}

Array all_codes() {
  Array codes{"i1", {kCodes}, std::vector<std::uint8_t>(kCodes)};
  std::iota(codes.bytes.begin(), codes.bytes.end(), std::uint8_t{0});
  return codes;
}

std::map<int, Function> find_functions(const Graph& graph, const std::vector<int>& machine,
                                       const reference::RoundingPolicy& rounding) {
  Finder finder(graph, rounding);
  for (const int i : machine) finder.visit(i);
  return finder.result();
}

}  // namespace trine::compiler
