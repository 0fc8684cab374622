// SPDX-License-Identifier: Apache-2.0

#include "sw/model/rewrite/states.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sw/model/lstm.h"
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
  /// The operand is an input of the graph. One tensor may be the state of many.
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

  /// The same operator once more, which yields its state.
  int state_of(const Op& op, int position) {
    Op twin = op;
    twin.of_state = true;
    twin.counted_macs = 0;
    twin.outputs = {add_like(op.input(position), graph_.in(op, position).shape)};
    graph_.ops.push_back(twin);
    return twin.outputs[0];
  }

  /// [batch, cells] of an LSTM's outputs.
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
  std::map<int, int> inputs_;  ///< of the operator at hand: operand, input of the graph
};

}  // namespace

bool begins_with_zeros(const Tensor& state) {
  return state.is_constant && std::ranges::all_of(state.integers(), [&](auto code) {
           return code == state.zero_point();
         });
}

WithStates with_states(Graph graph) { return States(std::move(graph)).run(); }

}  // namespace trine::model
