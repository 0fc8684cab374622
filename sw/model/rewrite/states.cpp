// SPDX-License-Identifier: Apache-2.0

#include "sw/model/rewrite/states.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sw/model/graph/lstm.h"
#include "sw/model/rewrite/batch.h"
#include "sw/model/rewrite/rewriter.h"

namespace trine::model {
namespace {

constexpr int kMemory = 4;  ///< of SVDF

class States : Rewriter {
 public:
  explicit States(Graph graph) : Rewriter(std::move(graph)) {}

  WithStates run() {
    for (Op& op : ops_) {
      for (int i = 0; i < static_cast<int>(op.inputs.size()); ++i)
        if (is_state(op, i) && begins_with_zeros(graph_.in(op, i))) begun(op, i);
      graph_.ops.push_back(op);
      for (const auto& [position, input] : std::exchange(inputs_, {}))
        ended(input, position == lstm::kHidden ? last_step(op) : state_of(op, position));
    }
    return {std::move(graph_), std::move(carries_)};
  }

 private:
  /// Makes the operand an input of the graph. Operators may share a tensor as their state.
  void begun(Op& op, int position) {
    const int state = op.inputs[at(position)];
    op.inputs[at(position)] = add_like(state, graph_.tensor(state).shape);
    inputs_[position] = static_cast<int>(graph_.inputs.size());
    graph_.inputs.push_back(op.inputs[at(position)]);
  }

  void ended(int input, int tensor) {
    graph_.tensors[at(tensor)].name += "/next";
    carries_.push_back({input, static_cast<int>(graph_.outputs.size())});
    graph_.outputs.push_back(tensor);
  }

  /// Adds the same operator again with its state as the output.
  int state_of(const Op& op, int position) {
    Op twin = op;
    twin.of_state = true;
    twin.counted_macs = 0;
    twin.outputs = {add_like(op.input(position), graph_.in(op, position).shape)};
    graph_.ops.push_back(twin);
    return twin.outputs[0];
  }

  /// Returns [batch, cells] of an LSTM's outputs.
  int last_step(const Op& op) {
    const int out = op.outputs[0], axis = op.time_major ? 0 : 1;
    const int steps = graph_.tensor(out).shape[at(axis)];
    const int last = slice(op, out, axis, steps - 1, steps);
    const std::vector<int> shape = graph_.in(op, lstm::kHidden).shape;
    Op flat = op_of(OpKind::kReshape, op.index, {last}, {add_like(op.input(lstm::kHidden), shape)});
    flat.new_shape = shape;
    graph_.ops.push_back(flat);
    return flat.outputs[0];
  }

  std::vector<Carry> carries_;
  std::map<int, int> inputs_;  ///< for the current operator: operand to input of the graph
};

}  // namespace

bool begins_with_zeros(const Tensor& state) {
  return state.is_constant && std::ranges::all_of(state.integers(), [&](auto code) {
           return code == state.zero_point();
         });
}

WithStates with_states(Graph graph) { return States(std::move(graph)).run(); }

namespace {

/// Finds memory to which a graph appends: for each carry, the codes at both ends.
class Growing {
 public:
  Growing(Graph graph, int capacity) : graph_(std::move(graph)), capacity_(capacity) {}

  void add(const Carry& carry) {
    int& to = graph_.outputs.at(at(carry.output));
    const int after = codes_before(to);
    if (after < 0) return;
    if (carry.input < 0) {
      begin(after, to);
      return;
    }
    int& from = graph_.inputs.at(at(carry.input));
    const int before = codes_behind(from);
    const Op* join = maker(after);
    if (before < 0 || join == nullptr || join->kind != OpKind::kConcatenation ||
        join->inputs.size() != 2 || join->inputs[0] != before ||
        !graph_.tensor(before).has_scale_of(graph_.tensor(after)))
      return;
    grow(before, after, to, from);
  }

  Graph run() {
    std::erase_if(graph_.ops, [&](const Op& op) { return gone_.contains(op.outputs[0]); });
    return std::move(graph_);
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  const Op* maker(int tensor) const {
    const auto found = std::ranges::find_if(
        graph_.ops, [&](const Op& op) { return std::ranges::count(op.outputs, tensor) > 0; });
    return found == graph_.ops.end() ? nullptr : &*found;
  }

  std::vector<const Op*> readers(int tensor) const {
    std::vector<const Op*> found;
    for (const Op& op : graph_.ops)
      if (std::ranges::count(op.inputs, tensor) > 0) found.push_back(&op);
    return found;
  }

  /// Returns the int8 tensor that an output is, or is dequantized from, or -1.
  int codes_before(int output) const {
    if (graph_.tensor(output).type == DataType::kInt8)
      return maker(output) == nullptr ? -1 : output;
    const Op* op = maker(output);
    const bool is_end = op != nullptr && op->kind == OpKind::kDequantize && readers(output).empty();
    return is_end && graph_.in(*op, 0).type == DataType::kInt8 ? op->input(0) : -1;
  }

  /// Returns the int8 tensor that an input is, or is quantized to, or -1.
  int codes_behind(int input) const {
    if (graph_.tensor(input).type == DataType::kInt8) return input;
    const std::vector<const Op*> by = readers(input);
    const bool is_end = by.size() == 1 && by[0]->kind == OpKind::kQuantize;
    return is_end && graph_.out(*by[0]).type == DataType::kInt8 ? by[0]->outputs[0] : -1;
  }

  void grow(int before, int after, int& to, int& from) {
    const std::vector<int>& shape = graph_.tensor(after).shape;
    State state{before, after, 0, capacity_};
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      if (graph_.tensor(before).shape[axis] != shape[axis]) state.axis = static_cast<int>(axis);
    if (to != after) gone_.insert(to);
    to = after;
    if (from != before) gone_.insert(before);
    from = before;
    graph_.states.push_back(state);
  }

  /// Begins a state. Nothing precedes it, so it is a concatenation of one operand.
  void begin(int first, int& to) {
    Tensor whole = graph_.tensor(first);
    whole.name += "/state";
    State state{-1, graph_.add(std::move(whole)), axis_of_one(graph_.tensor(first).shape),
                capacity_};
    for (Op& op : graph_.ops)
      if (op.outputs[0] != to) std::ranges::replace(op.inputs, first, state.after);
    const auto made = std::ranges::find_if(
        graph_.ops, [&](const Op& op) { return std::ranges::count(op.outputs, first) > 0; });
    Op join = op_of(OpKind::kConcatenation, made->index, {first}, {state.after});
    join.axis = state.axis;
    graph_.ops.insert(made + 1, join);
    if (to != first) gone_.insert(to);
    to = state.after;
    graph_.states.push_back(state);
  }

  /// Returns the axis of the first element: the last axis of one element before the channels.
  static int axis_of_one(const std::vector<int>& shape) {
    int axis = 0;
    for (std::size_t i = 0; i + 1 < shape.size(); ++i)
      if (shape[i] == 1) axis = static_cast<int>(i);
    return axis;
  }

  Graph graph_;
  int capacity_;
  std::set<int> gone_;  ///< tensors whose operators are at the removed edges
};

}  // namespace

Graph with_growing(Graph graph, const std::vector<Carry>& carries, int capacity) {
  Growing growing(std::move(graph), capacity);
  for (const Carry& carry : carries) growing.add(carry);
  return growing.run();
}

}  // namespace trine::model
