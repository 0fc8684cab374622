// SPDX-License-Identifier: Apache-2.0
//
// What the rewritings of rewrite.h share: a graph whose operators are written anew.

#pragma once

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "sw/model/graph.h"

namespace trine::compiler {

/// A graph whose operators are written anew.
class Rewriter {
 public:
  explicit Rewriter(model::Graph graph) : graph_(std::move(graph)) { ops_.swap(graph_.ops); }

 protected:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  int add(model::Tensor tensor) {
    graph_.tensors.push_back(std::move(tensor));
    return static_cast<int>(graph_.tensors.size()) - 1;
  }

  /// As tensor `like`, of another shape, computed.
  int add_like(int like, std::vector<int> shape) {
    model::Tensor t = graph_.tensor(like);
    t.shape = std::move(shape);
    t.is_constant = false;
    t.data.clear();
    return add(std::move(t));
  }

  int add_integers(const std::vector<int>& values) {
    model::Tensor t;
    t.name = "integers";
    t.type = model::DataType::kInt32;
    t.shape = {static_cast<int>(values.size())};
    t.is_constant = true;
    t.data.resize(4 * values.size());
    std::memcpy(t.data.data(), values.data(), t.data.size());
    return add(std::move(t));
  }

  static model::Op op_of(const model::Op& whole, model::OpKind kind, const char* name) {
    model::Op op;
    op.kind = kind;
    op.name = name;
    op.index = whole.index;
    return op;
  }

  /// Elements begin <= i < end of one axis.
  int slice(const model::Op& whole, int from, int axis, int begin, int end) {
    std::vector<int> shape = graph_.tensor(from).shape;
    if (begin == 0 && end == shape[at(axis)]) return from;
    std::vector<int> first(shape.size(), 0), last = shape;
    first[at(axis)] = begin;
    last[at(axis)] = end;
    shape[at(axis)] = end - begin;
    model::Op op = op_of(whole, model::OpKind::kStridedSlice, "STRIDED_SLICE");
    op.inputs = {from, add_integers(first), add_integers(last),
                 add_integers(std::vector<int>(shape.size(), 1))};
    op.outputs = {add_like(from, shape)};
    graph_.ops.push_back(op);
    return op.outputs[0];
  }

  /// Into `to`, or a tensor of its own.
  int join(const model::Op& whole, const std::vector<int>& parts, int axis, int to = -1) {
    if (to < 0) {
      std::vector<int> shape = graph_.tensor(parts[0]).shape;
      for (std::size_t i = 1; i < parts.size(); ++i)
        shape[at(axis)] += graph_.tensor(parts[i]).shape[at(axis)];
      to = add_like(parts[0], shape);
    }
    model::Op op = op_of(whole, model::OpKind::kConcatenation, "CONCATENATION");
    op.axis = axis;
    op.inputs = parts;
    op.outputs = {to};
    graph_.ops.push_back(op);
    return to;
  }

  model::Graph graph_;
  std::vector<model::Op> ops_;  ///< as they were
};

}  // namespace trine::compiler
