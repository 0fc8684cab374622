// SPDX-License-Identifier: Apache-2.0
//
// Exchanges a RESHAPE of a product's codes with the operators on single elements that read it.
// Exporters put one between a product of tokens and its function or residual sum. Next to the
// product, both belong to its layer and cost no pass of their own. A slice after a RESHAPE that
// splits channels becomes a slice of channels, which moves whole words of all tokens at once.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "sw/compiler/network/movement.h"
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

class LateReshapes : Rewriter {
 public:
  using Rewriter::Rewriter;

  Graph run() {
    for (std::size_t i = 0; i < ops_.size(); ++i)
      while (ops_[i].kind == OpKind::kStridedSlice && cut_first(i)) {
      }
    for (bool more = true; std::exchange(more, false);)
      for (std::size_t i = 0; i < ops_.size(); ++i)
        if (only_moves(ops_[i].kind) && !residuals_.contains(ops_[i].outputs[0])) more |= move(i);
    for (std::size_t i = ops_.size(); i-- > 0;)
      if (cut_.contains(ops_[i].outputs[0]) && !is_read_outside(ops_[i].outputs[0], {}))
        ops_.erase(ops_.begin() + static_cast<std::ptrdiff_t>(i));
    graph_.ops = std::move(ops_);
    return std::move(graph_);
  }

 private:
  // ---- slices -----------------------------------------------------------------------------------

  /// Slices before a TRANSPOSE, or before a RESHAPE that splits channels into axes, as for queries,
  /// keys and values of one product. @return true if a slice now stands before one
  bool cut_first(std::size_t place) {
    const int cut = ops_[place].inputs[0];
    const auto made_by = std::ranges::find_if(
        ops_, [&](const Op& op) { return only_moves(op.kind) && op.outputs[0] == cut; });
    if (made_by == ops_.end() || !is_codes(made_by->inputs[0])) return false;
    const Op move = *made_by, whole = ops_[place];
    graph_.ops.clear();
    if (move.kind == OpKind::kTranspose ? !cut_transpose(move, whole) : !cut_reshape(move, whole))
      return false;
    ops_[place] = std::move(graph_.ops.back());
    graph_.ops.pop_back();
    ops_.insert(ops_.begin() + static_cast<std::ptrdiff_t>(place), graph_.ops.begin(),
                graph_.ops.end());
    cut_.insert(cut);
    return true;
  }

  /// Writes a slice of whole words of channels, and the RESHAPE after it.
  bool cut_reshape(const Op& reshape, const Op& whole) {
    const int from = reshape.inputs[0];
    const auto channels = channels_of(whole, graph_.tensor(from).shape);
    if (!channels) return false;
    const int axis = graph_.tensor(from).rank() - 1;
    const int some = slice(whole, from, axis, channels->first, channels->second);
    graph_.ops.push_back(op_of(OpKind::kReshape, whole.index, {some}, whole.outputs));
    return true;
  }

  /// Writes a slice of some axes, the TRANSPOSE after it, and a RESHAPE that leaves axes out.
  bool cut_transpose(const Op& transpose, const Op& whole) {
    const bool only_slices = std::ranges::all_of(ops_, [&](const Op& op) {
      return op.kind == OpKind::kStridedSlice || !reads(op, transpose.outputs[0]);
    });
    if (!only_slices || std::ranges::count(graph_.outputs, transpose.outputs[0]) > 0) return false;
    const std::vector<model::Slice> taken = model::slices(graph_, whole);
    const std::vector<std::int64_t> order = graph_.in(transpose, 1).integers();
    std::vector<int> begin(taken.size()), end(taken.size()), shape, cut(taken.size());
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const std::size_t axis = static_cast<std::size_t>(order[i]);
      if (taken[i].stride != 1) return false;
      begin[axis] = static_cast<int>(taken[i].begin);
      cut[axis] = static_cast<int>(taken[i].size);
      end[axis] = begin[axis] + cut[axis];
      shape.push_back(cut[axis]);
    }
    Op some = slice_of(whole.index, transpose.inputs[0], begin, end);
    some.outputs = {add_like(transpose.inputs[0], cut)};
    Op turned = transpose;
    turned.inputs[0] = some.outputs[0];
    turned.outputs = {add_like(whole.outputs[0], shape)};
    graph_.ops = {some, turned,
                  op_of(OpKind::kReshape, whole.index, turned.outputs, whole.outputs)};
    return true;
  }

  static bool reads(const Op& op, int tensor) { return std::ranges::count(op.inputs, tensor) > 0; }

  /// Returns the first of the channels that a slice after a RESHAPE of this shape takes, and the
  /// one after the last.
  std::optional<std::pair<int, int>> channels_of(const Op& op, const std::vector<int>& from) const {
    const std::vector<int>& shape = graph_.in(op, 0).shape;
    const std::vector<model::Slice> taken = model::slices(graph_, op);
    std::int64_t inner = 1;  // channels of an element of the axis
    for (std::size_t axis = shape.size(); axis-- > 0; inner *= shape[axis]) {
      const model::Slice& s = taken[axis];
      if (s.size == shape[axis] && s.stride == 1) continue;
      const std::int64_t first = s.begin * inner, last = (s.begin + s.size) * inner;
      const bool whole =
          std::equal(taken.begin(), taken.begin() + static_cast<std::ptrdiff_t>(axis),
                     shape.begin(), [](const model::Slice& other, int extent) {
                       return other.size == extent && other.stride == 1;
                     });
      if (from.empty() || inner * shape[axis] != from.back() || s.stride != 1 || !whole ||
          first % kWord != 0)
        return std::nullopt;
      return std::pair{static_cast<int>(first), static_cast<int>(last)};
    }
    return std::nullopt;
  }

  // ---- functions and sums -----------------------------------------------------------------------

  /// The operators that a RESHAPE is exchanged with, and the codes with which they end.
  struct Group {
    std::set<std::size_t> ops;
    std::set<int> tensors;  ///< those codes, what is between, and the result of the RESHAPE
    int end = -1;
  };

  bool is_codes(int t) const {
    const Tensor& tensor = graph_.tensor(t);
    return !tensor.is_constant &&
           (tensor.type == model::DataType::kInt8 || tensor.type == model::DataType::kInt16);
  }

  /// Returns true if the RESHAPE only changes how tokens are counted, so that all operands can be
  /// reshaped for nothing.
  bool keeps_channels(const Op& reshape) const {
    const Tensor &from = graph_.in(reshape, 0), &to = graph_.out(reshape);
    return model::is_reshape(reshape.kind) && from.rank() > 1 && to.rank() > 1 &&
           from.extent(-1) == to.extent(-1);
  }

  /// Returns true if the operator may work on the elements in the shape before the RESHAPE.
  bool takes_any_shape(const Op& op, const Op& reshape, const Group& group) const {
    if (!is_elementwise(op) || op.on_host || op.outputs.size() != 1) return false;
    const std::vector<int>& shape = graph_.out(reshape).shape;
    return graph_.out(op).shape == shape && std::ranges::all_of(op.inputs, [&](int t) {
             if (t < 0 || group.tensors.contains(t) || is_single(graph_, t)) return true;
             return is_codes(t) && graph_.tensor(t).shape == shape && keeps_channels(reshape);
           });
  }

  bool is_read_outside(int t, const Group& group) const {
    if (std::ranges::count(graph_.outputs, t) > 0) return true;
    for (std::size_t i = 0; i < ops_.size(); ++i)
      if (!group.ops.contains(i) && reads(ops_[i], t)) return true;
    return false;
  }

  /// Returns the fewest operators after a RESHAPE with a single result, which is codes.
  Group group_of(std::size_t reshape) const {
    Group group;
    group.tensors = {ops_[reshape].outputs[0]};
    for (std::size_t i = reshape + 1; i < ops_.size(); ++i) {
      const auto in_group = [&](int t) { return group.tensors.contains(t); };
      if (std::ranges::none_of(ops_[i].inputs, in_group)) continue;
      if (!takes_any_shape(ops_[i], ops_[reshape], group)) return {};
      group.ops.insert(i);
      group.tensors.insert(ops_[i].outputs[0]);
      std::vector<int> ends;
      for (const int t : group.tensors)
        if (is_read_outside(t, group)) ends.push_back(t);
      if (ends.size() != 1 || ends[0] == ops_[reshape].outputs[0] || !is_codes(ends[0])) continue;
      group.end = ends[0];
      return group;
    }
    return {};
  }

  /// Returns true for what a product computes, also if functions, sums, slices and movement follow.
  bool is_of_product(int t) const {
    while (!moved_.contains(t)) {
      const auto op = std::ranges::find_if(ops_, [&](const Op& o) { return o.outputs[0] == t; });
      if (op == ops_.end()) return false;
      if (model::is_product(op->kind)) return true;
      if (!only_moves(op->kind) && op->kind != OpKind::kStridedSlice) return false;
      t = op->inputs[0];
    }
    return true;
  }

  /// @return true if operators were moved before the RESHAPE or TRANSPOSE
  bool move(std::size_t place) {
    const Op reshape = ops_[place];
    const int from = reshape.inputs[0];
    if (!is_codes(from) || !is_of_product(from) || graph_.out(reshape).rank() < 1) return false;
    const Group group = group_of(place);
    if (group.end < 0) return false;
    const std::vector<int> shape = graph_.tensor(from).shape;
    std::map<int, int> other{{reshape.outputs[0], from}};
    std::vector<Op> before;
    const auto in_shape = [&](int t) {
      if (t < 0 || is_single(graph_, t)) return t;
      const auto [found, is_new] = other.try_emplace(t, -1);
      if (!is_new) return found->second;
      found->second = add_like(t, shape);
      if (group.tensors.contains(t)) return found->second;
      before.push_back(op_of(OpKind::kReshape, reshape.index, {t}, {found->second}));
      residuals_.insert(found->second);
      return found->second;
    };
    std::vector<Op> ops(ops_.begin(), ops_.begin() + static_cast<std::ptrdiff_t>(place));
    for (std::size_t i = place + 1; i < ops_.size(); ++i) {
      if (!group.ops.contains(i)) {
        ops.push_back(ops_[i]);
        continue;
      }
      Op op = ops_[i];
      before.clear();
      for (int& t : op.inputs) t = in_shape(t);
      op.outputs[0] = in_shape(op.outputs[0]);
      ops.insert(ops.end(), before.begin(), before.end());
      ops.push_back(std::move(op));
      if (ops_[i].outputs[0] != group.end) continue;
      Op late = reshape;
      late.inputs[0] = other.at(group.end);
      late.outputs = {group.end};
      if (model::is_reshape(late.kind)) late.inputs.resize(1);  // the output's shape decides
      ops.push_back(std::move(late));
    }
    ops_ = std::move(ops);
    moved_.insert(other.at(group.end));
    return true;
  }

  std::set<int> residuals_;  ///< operands reshaped for a sum, which stay where they are
  std::set<int> cut_;        ///< results of a RESHAPE whose slices are taken before
  std::set<int> moved_;      ///< results of the operators that were moved
};

}  // namespace

Graph with_late_reshapes(Graph graph) { return LateReshapes(std::move(graph)).run(); }

}  // namespace trine::compiler
