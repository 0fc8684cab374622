// SPDX-License-Identifier: Apache-2.0
//
// Provides what all rewrites of a graph share (expand.h, sw/compiler/rewrite). They read the
// operators in order and write them again.

#pragma once

#include <utility>
#include <vector>

#include "sw/model/graph/graph.h"

namespace trine::model {

/// Base of the rewrites.
class Rewriter {
 public:
  explicit Rewriter(Graph graph) : graph_(std::move(graph)) { ops_.swap(graph_.ops); }

 protected:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  int add(Tensor tensor) { return graph_.add(std::move(tensor)); }

  /// Adds a computed tensor like `like` with another shape.
  int add_like(int like, std::vector<int> shape) {
    const Tensor& from = graph_.tensor(like);
    Tensor t;
    t.name = from.name;
    t.type = from.type;
    t.quantization = from.quantization;
    t.format = from.format;
    t.encoding = from.encoding;
    t.shape = std::move(shape);
    return add(std::move(t));
  }

  template <typename Integer>
  int add_integers(const std::vector<Integer>& values, std::vector<int> shape = {}) {
    return add(constant_integers(values, std::move(shape)));
  }

  /// Makes a slice of the elements begin <= i < end along each axis of tensor `from`. The caller
  /// sets the output.
  template <typename Integer>
  Op slice_of(int index, int from, const std::vector<Integer>& begin,
              const std::vector<Integer>& end) {
    const int first = add_integers(begin), last = add_integers(end);
    const int strides = add_integers(std::vector<int>(begin.size(), 1));
    return op_of(OpKind::kStridedSlice, index, {from, first, last, strides});
  }

  /// Adds a slice of the elements begin <= i < end along one axis.
  int slice(const Op& whole, int from, int axis, int begin, int end) {
    std::vector<int> shape = graph_.tensor(from).shape;
    if (begin == 0 && end == shape[at(axis)]) return from;
    std::vector<int> first(shape.size(), 0), last = shape;
    first[at(axis)] = begin;
    last[at(axis)] = end;
    shape[at(axis)] = end - begin;
    Op op = slice_of(whole.index, from, first, last);
    op.outputs = {add_like(from, std::move(shape))};
    graph_.ops.push_back(op);
    return op.outputs[0];
  }

  /// Joins parts into `to`, or into a new tensor.
  int join(const Op& whole, const std::vector<int>& parts, int axis, int to = -1) {
    if (to < 0) {
      std::vector<int> shape = graph_.tensor(parts[0]).shape;
      for (std::size_t i = 1; i < parts.size(); ++i)
        shape[at(axis)] += graph_.tensor(parts[i]).shape[at(axis)];
      to = add_like(parts[0], shape);
    }
    Op op = op_of(OpKind::kConcatenation, whole.index, parts, {to});
    op.axis = axis;
    graph_.ops.push_back(std::move(op));
    return to;
  }

  Graph graph_;
  std::vector<Op> ops_;  ///< operators of the original graph
};

}  // namespace trine::model
