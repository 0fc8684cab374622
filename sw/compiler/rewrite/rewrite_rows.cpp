// SPDX-License-Identifier: Apache-2.0
//
// Turns some tensors of four axes into rows. Such tensors count as images [N, H, W, C]. Attention
// has others: tokens before the batch, heads and windows as batch, or queries, keys and values one
// after the other. If no image operator uses them and one operator mixes elements along axis 0,
// they get an axis of 1 in front and become rows, like tensors of five axes.

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "sw/compiler/rewrite/rewrite.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/model/rewrite/batch.h"
#include "sw/model/rewrite/rewriter.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;
using model::OpKind;
using model::Rewriter;
using model::Tensor;

/// Returns true if the operand and the result may have different axes.
bool parts_ranks(const Op& op) {
  return model::is_reshape(op.kind) || op.kind == OpKind::kFullyConnected;
}

/// Returns true if a RESHAPE may be inserted between the operator's operand and result.
bool stands_between(const Op& op) { return parts_ranks(op) || op.kind == OpKind::kTranspose; }

bool is_reduction(const Op& op) { return model::class_of(op.kind) == model::OpClass::kReduction; }

/// Returns true if the operator works with an axis of 1 in front of its tensors.
bool takes_rows(const Op& op) {
  switch (op.kind) {
    case OpKind::kTranspose:
    case OpKind::kConcatenation:
    case OpKind::kGather:
    case OpKind::kBatchMatMul:
    case OpKind::kSoftmax:
    case OpKind::kNormalization:
    case OpKind::kDequantize:
    case OpKind::kFloat:
      return true;
    case OpKind::kStridedSlice:
      return (op.shrink_axis_mask | op.ellipsis_mask | op.new_axis_mask) == 0;
    case OpKind::kOnnx:
      return host::onnx::is_elementwise(op.name);
    default:
      return parts_ranks(op) || model::is_binary(op.kind) || model::is_unary(op.kind) ||
             (is_reduction(op) && op.keep_dims);
  }
}

class RowsRewriter : Rewriter {
 public:
  using Rewriter::Rewriter;

  Graph run() {
    find_groups();
    for (Op& op : ops_) write(std::move(op));
    for (int& t : graph_.outputs) {
      if (!rows_.contains(t)) continue;
      t = reshaped(t, rows_.at(t), old_shape(t));
      graph_.ops.back().on_host = graph_.tensor(t).type == model::DataType::kFloat32;
    }
    return std::move(graph_);
  }

 private:
  bool is_image(int t) const {
    return t >= 0 && !graph_.tensor(t).is_constant && graph_.tensor(t).rank() == 4;
  }
  bool is_input(int t) const { return std::ranges::count(graph_.inputs, t) > 0; }

  /// Returns the operator's image tensors. They are separate groups if a RESHAPE may be inserted
  /// between them.
  std::vector<std::vector<int>> groups_of(const Op& op) const {
    std::vector<std::vector<int>> groups(1);
    for (const auto* tensors : {&op.inputs, &op.outputs}) {
      if (stands_between(op)) groups.emplace_back();
      for (const int t : *tensors)
        if (is_image(t)) groups.back().push_back(t);
    }
    return groups;
  }

  int root(int t) {
    const auto found = same_.find(t);
    return found == same_.end() ? t : found->second = root(found->second);
  }

  /// Finds tensors whose axes must stay alike, and the groups that become rows.
  void find_groups() {
    for (const Op& op : ops_)
      for (const std::vector<int>& group : groups_of(op))
        for (const int t : group)
          if (root(t) != root(group[0])) same_[root(t)] = root(group[0]);
    std::set<int> fixed, mixed;
    for (const model::State& state : graph_.states)
      for (const int t : {state.before, state.after}) fixed.insert(root(t));
    for (const Op& op : ops_)
      for (const std::vector<int>& group : groups_of(op))
        for (const int t : group) {
          if (!takes_rows(op)) fixed.insert(root(t));
          if (graph_.tensor(t).shape[0] > 1 && mixes(op)) mixed.insert(root(t));
        }
    // Tensors that are made from rows, or from which rows are made, are not batches either.
    const auto are_rows = [&](int t) {
      return mixed.contains(root(t)) && !fixed.contains(root(t));
    };
    for (bool more = true; std::exchange(more, false);)
      for (const Op& op : ops_)
        for (const auto& [from, to] :
             {std::pair{op.input(0), op.outputs[0]}, std::pair{op.outputs[0], op.input(0)}})
          if (stands_between(op) && is_image(from) && is_image(to) && are_rows(from) &&
              graph_.tensor(to).shape[0] > 1 && mixed.insert(root(to)).second)
            more = true;
    for (int t = 0; t < static_cast<int>(graph_.tensors.size()); ++t)
      if (is_image(t) && are_rows(t)) becomes_.insert(t);
  }

  /// Returns true if parts of the result along axis 0 depend on other parts of the operand, or if
  /// rows become four axes.
  bool mixes(const Op& op) const {
    if (!model::keeps_images_separate(graph_, op)) return true;
    if (!parts_ranks(op)) return false;
    const Tensor &from = graph_.in(op, 0), &to = graph_.out(op);
    const bool of_rows = model::is_reshape(op.kind) && from.rank() == 2 && to.rank() == 4;
    return from.rank() < 1 || to.rank() < 1 || from.shape[0] != to.shape[0] || of_rows;
  }

  static std::vector<int> with_axis(std::vector<int> shape) {
    shape.insert(shape.begin(), 1);
    return shape;
  }
  std::vector<int> old_shape(int t) const { return graph_.tensor(t).shape; }

  int reshaped(int like, int from, const std::vector<int>& shape) {
    const int to = add_like(like, shape);
    graph_.ops.push_back(model::op_of(OpKind::kReshape, 0, {from}, {to}));
    return to;
  }

  /// Returns the tensor as rows.
  int rows_of(int t) {
    const auto [found, is_new] = rows_.try_emplace(t, -1);
    if (is_new) {
      const std::vector<int> shape = with_axis(old_shape(t));
      found->second = is_input(t) ? reshaped(t, t, shape) : add_like(t, shape);
    }
    return rows_.at(t);
  }

  /// Adds an axis to a constant operand of rows.
  int constant_rows(int t) {
    Tensor constant = graph_.tensor(t);
    constant.shape = with_axis(constant.shape);
    return add(std::move(constant));
  }

  template <typename Change>
  void change_integers(int* t, Change change) {
    std::vector<std::int64_t> values = graph_.tensor(*t).integers();
    change(values);
    *t = add_integers(values);
  }

  /// Writes a TRANSPOSE. Either its operand or its result may be an image while the other is rows.
  void write_transpose(Op op) {
    const int from = op.inputs[0], to = op.outputs[0];
    const bool reads = becomes_.contains(from), makes = becomes_.contains(to);
    if (reads || makes) {
      add_axis(&op);
      op.inputs[0] = reads ? rows_of(from) : reshaped(from, from, with_axis(old_shape(from)));
      op.outputs[0] = makes ? rows_of(to) : add_like(to, with_axis(old_shape(to)));
    }
    const int rows = op.outputs[0];
    graph_.ops.push_back(std::move(op));
    if (reads && !makes)
      graph_.ops.push_back(model::op_of(OpKind::kReshape, graph_.ops.back().index, {rows}, {to}));
  }

  void write(Op op) {
    if (op.kind == OpKind::kTranspose) return write_transpose(std::move(op));
    if (!parts_ranks(op) && becomes_.contains(op.outputs[0])) add_axis(&op);
    for (int& t : op.inputs)
      if (becomes_.contains(t)) t = rows_of(t);
    if (becomes_.contains(op.outputs[0])) {
      op.outputs[0] = rows_of(op.outputs[0]);
      if (op.kind == OpKind::kReshape) op.inputs.resize(1);  // the output's shape decides
    }
    graph_.ops.push_back(std::move(op));
  }

  /// Changes the operator's attributes for one more axis.
  void add_axis(Op* op) {
    const auto behind = [](int axis) { return axis < 0 ? axis : axis + 1; };
    op->axis = behind(op->axis);
    if (op->kind == OpKind::kTranspose)
      change_integers(&op->inputs[1], [](auto& order) {
        for (std::int64_t& axis : order) ++axis;
        order.insert(order.begin(), 0);
      });
    if (is_reduction(*op))
      change_integers(&op->inputs[1], [](auto& axes) {
        for (std::int64_t& axis : axes) axis += axis < 0 ? 0 : 1;
      });
    if (op->kind == OpKind::kStridedSlice) {
      for (int i = 1; i < 4; ++i)
        change_integers(&op->inputs[at(i)],
                        [&](auto& list) { list.insert(list.begin(), i == 1 ? 0 : 1); });
      op->begin_mask <<= 1;
      op->end_mask <<= 1;
    }
    const bool beside = model::is_elementwise(*op) || op->kind == OpKind::kConcatenation ||
                        op->kind == OpKind::kBatchMatMul;
    for (int& t : op->inputs)
      if (beside && t >= 0 && graph_.tensor(t).is_constant && graph_.tensor(t).rank() == 4)
        t = constant_rows(t);
  }

  std::map<int, int> same_;  ///< by tensor: another tensor of its group
  std::set<int> becomes_;    ///< tensors that become rows
  std::map<int, int> rows_;
};

}  // namespace

Graph with_rows(Graph graph) { return RowsRewriter(std::move(graph)).run(); }

}  // namespace trine::compiler
