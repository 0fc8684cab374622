// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/edges/edges.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "sw/base/index.h"
#include "sw/compiler/lower/findings.h"
#include "sw/compiler/network/movement.h"
#include "sw/compiler/network/subgraph.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/graph/view.h"

namespace trine::compiler {
namespace {

using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Tensor;

/// Returns the view of the operator's input for a view of its result.
std::optional<model::View> moved_back(const Graph& graph, const Op& op, const model::View& view) {
  if (op.kind != OpKind::kTranspose) return model::reshaped(view, graph.in(op, 0).shape);
  const auto order = *model::permutation(graph, op);
  std::vector<int> back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) back[at(order[i])] = static_cast<int>(i);
  return model::permuted(view, back);
}

bool is_byte(const Tensor& t) { return t.type == DataType::kInt8 || t.type == DataType::kUInt8; }

/// Returns true if movement may be exchanged with the operator.
bool on_elements(const Graph& graph, const Op& op) {
  return element_operand(graph, op) >= 0 && op.kind != OpKind::kOnnx;
}

/// The host operators on one side of the machine, and the tensors at their border to the machine.
class Side {
 public:
  Side(Graph* graph, bool before, const reference::RoundingPolicy& rounding)
      : graph_(*graph), before_(before), rounding_(rounding) {
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
      for (const int t : graph_.ops[i].inputs) readers_[t].push_back(i);
      for (const int t : graph_.ops[i].outputs) maker_[t] = i;
    }
  }

  void lay_out(std::vector<TensorLayout>* layouts) {
    for (std::size_t i = graph_.ops.size(); i-- > 0;) push_out(i);
    for (std::size_t i = 0; i < layouts->size(); ++i) take(&(*layouts)[i], &border()[i]);
    drop_unread();
  }

 private:
  std::vector<int>& border() { return before_ ? graph_.outputs : graph_.inputs; }

  const Op* maker(int tensor) const {
    const auto found = maker_.find(tensor);
    return found == maker_.end() ? nullptr : &graph_.ops[found->second];
  }

  /// Returns the tensor's reader if it is the only one and the tensor is not an output.
  const Op* only_reader(int tensor) const {
    const auto found = readers_.find(tensor);
    if (found == readers_.end() || found->second.size() != 1) return nullptr;
    const bool is_output = std::ranges::count(graph_.outputs, tensor) > 0;
    return is_output ? nullptr : &graph_.ops[found->second[0]];
  }

  /// Returns the operator on the other side of a border's tensor, away from the machine.
  const Op* next(int tensor) const { return before_ ? maker(tensor) : only_reader(tensor); }
  int beyond(const Op& op) const {
    return before_ ? op.input(std::max(element_operand(graph_, op), 0)) : op.outputs[0];
  }

  /// Moves movement towards the machine, past elementwise operators.
  void push_out(std::size_t i) {
    while (const Op* reader = only_reader(graph_.ops[i].outputs.at(0))) {
      const Op& first = graph_.ops[i];
      if (before_ ? !only_moves(first.kind) || !on_elements(graph_, *reader)
                  : !on_elements(graph_, first) || !only_moves(reader->kind))
        return;
      const std::size_t k = at(reader - graph_.ops.data());
      exchange(i, k);
      i = k;
    }
  }

  /// Exchanges two consecutive operators at those positions.
  void exchange(std::size_t i, std::size_t k) {
    Op first = graph_.ops[i], second = graph_.ops[k];
    int& read = first.inputs[at(std::max(element_operand(graph_, first), 0))];
    int& passed = second.inputs[at(std::max(element_operand(graph_, second), 0))];
    const int from = read, to = second.outputs[0];
    // The tensor between has the shape of one side of the movement and the codes of the other side.
    Tensor between = graph_.tensor(before_ ? to : from);
    between.shape = graph_.tensor(before_ ? from : to).shape;
    passed = from;
    second.outputs[0] = read = graph_.add(std::move(between));
    first.outputs[0] = to;
    maker_[read] = i;
    readers_[read] = {k};
    drop_ranks(before_ ? &second : &first);
    graph_.ops[i] = std::move(second);
    graph_.ops[k] = std::move(first);
  }

  /// Removes the axes of operands of one element. They could add axes to a result with fewer.
  void drop_ranks(Op* op) {
    for (int& t : op->inputs) {
      if (t < 0 || !is_single(graph_, t) || graph_.tensor(t).shape.empty()) continue;
      Tensor single = graph_.tensor(t);
      single.shape.clear();
      t = graph_.add(std::move(single));
    }
  }

  /// Follows operators away from the machine as far as the layout can replace them.
  void take(TensorLayout* layout, int* tensor) const {
    std::vector<std::uint8_t> codes;
    int reached = *tensor;
    std::optional<model::View> view = model::dense_view(graph_.tensor(reached).shape);
    while (const Op* op = next(reached)) {
      std::vector<const Op*> looked_up;
      if (only_moves(op->kind)) {
        view = before_ ? moved_back(graph_, *op, *view) : moved(graph_, *op, *view);
        reached = beyond(*op);
      } else if (const auto end = byte_beyond(reached, &looked_up)) {
        if (layout->element_bytes() != 1) return;
        codes = joined(codes, table_of(looked_up));
        reached = *end;
        view = model::reshaped(*view, graph_.tensor(reached).shape);  // of another rank
      } else {
        return;
      }
      if (!view) return;
      const auto host_view = model::inverse(*view);
      const auto steps =
          host_view ? steps_of(*host_view, {layout->rows(), layout->columns(), layout->channels()})
                    : std::nullopt;
      const Tensor& host = graph_.tensor(reached);
      if (!steps || host.is_constant || (is_byte(host) != (layout->element_bytes() == 1))) continue;
      layout->steps = *steps;
      layout->codes = codes;
      layout->name = host.name;
      layout->extents = host.shape;
      *tensor = reached;
    }
  }

  /// Returns the next tensor of bytes from this one on, if there are only operators on single
  /// elements in between.
  std::optional<int> byte_beyond(int tensor, std::vector<const Op*>* ops) const {
    do {
      const Op* op = next(tensor);
      if (op == nullptr || element_operand(graph_, *op) < 0) return std::nullopt;
      ops->insert(before_ ? ops->begin() : ops->end(), op);
      tensor = beyond(*op);
    } while (!is_byte(graph_.tensor(tensor)));
    return tensor;
  }

  /// Returns the result of the operators for each byte, computed by their golden layers.
  std::vector<std::uint8_t> table_of(const std::vector<const Op*>& ops) const {
    Array row = all_codes();
    for (const Op* op : ops) {
      const int operand = op->input(element_operand(graph_, *op));
      row.dtype = model::npy_code(graph_.tensor(operand).type);
      row = on_rows(graph_, *op, {{operand, row}}, rounding_);
    }
    return row.bytes;
  }

  /// Composes both tables; the first one is next to the machine.
  std::vector<std::uint8_t> joined(const std::vector<std::uint8_t>& machine,
                                   const std::vector<std::uint8_t>& host) const {
    if (machine.empty()) return host;
    const auto& [first, second] = before_ ? std::tie(host, machine) : std::tie(machine, host);
    std::vector<std::uint8_t> result;
    for (const std::uint8_t code : first) result.push_back(second[code]);
    return result;
  }

  void drop_unread() {
    std::set<int> read(graph_.outputs.begin(), graph_.outputs.end());
    std::vector<int> kept;
    for (int i = static_cast<int>(graph_.ops.size()); i-- > 0;) {
      const Op& op = graph_.ops[at(i)];
      const auto is_needed = [&](int t) {  // and no layout makes it
        return read.contains(t) && std::ranges::count(graph_.inputs, t) == 0;
      };
      if (std::ranges::none_of(op.outputs, is_needed)) continue;
      read.insert(op.inputs.begin(), op.inputs.end());
      kept.push_back(i);
    }
    std::ranges::reverse(kept);
    graph_ = subgraph(graph_, kept, graph_.inputs, graph_.outputs);
  }

  Graph& graph_;
  bool before_;
  const reference::RoundingPolicy& rounding_;
  std::map<int, std::size_t> maker_;                 ///< by tensor: position of the operator
  std::map<int, std::vector<std::size_t>> readers_;  ///< by tensor: positions of its readers
};

}  // namespace

void lay_out_edges(Program& program) {
  Side(&program.before, true, program.rounding).lay_out(&program.inputs);
  Side(&program.after, false, program.rounding).lay_out(&program.outputs);
}

}  // namespace trine::compiler
