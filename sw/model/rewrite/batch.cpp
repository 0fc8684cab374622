// SPDX-License-Identifier: Apache-2.0

#include "sw/model/rewrite/batch.h"

#include <fmt/format.h>

#include <algorithm>

#include "sw/host/onnx/evaluate.h"
#include "sw/model/graph/lstm.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/rewrite/rewriter.h"

namespace trine::model {
namespace {

class Batch : Rewriter {
 public:
  using Rewriter::Rewriter;

  /// @param of  the number of images that the graph already has
  Graph run(int n, int of = 1) {
    Faults faults;
    const auto each = [&](auto what) {
      try {
        what();
      } catch (const Error& e) {
        faults.add(e);
      }
    };
    if (of == 1) add_axes();
    if (!graph_.states.empty())
      refuse(Reason::kOther, "{}: has states, which do not support a batch", graph_.file);
    for (const int t : graph_.inputs)
      each([&] { check_rank(graph_.file + ": input", graph_.tensor(t)); });
    for (const Op& op : ops_) each([&] { check(op); });
    if (!faults.empty()) throw faults.joined();
    for (Op& op : ops_)
      for (int i = 0; i < static_cast<int>(op.inputs.size()); ++i) {
        int& t = op.inputs[static_cast<std::size_t>(i)];
        if (t >= 0 && graph_.tensor(t).is_constant && is_each(op, i)) t = repeated(first(t, of), n);
      }
    for (Tensor& t : graph_.tensors)
      if (!t.is_constant && t.rank() > 0) t.shape[0] = t.shape[0] / of * n;
    for (Op& op : ops_) {
      set_shape(graph_, op, graph_.out(op).shape);
      if (op.counted_macs > 0) op.counted_macs = op.counted_macs / of * n;
    }
    graph_.ops = std::move(ops_);
    return std::move(graph_);
  }

 private:
  /// Adds an axis of extent 1 to computed operands with fewer axes than their result, because they
  /// lack the axis of the images.
  void add_axes() {
    std::vector<Op> ops;
    for (Op& op : ops_) {
      const std::size_t rank = op.outputs.empty() ? 0 : graph_.out(op).shape.size();
      for (int& t : op.inputs) {
        if (!is_elementwise(op) || t < 0 || graph_.tensor(t).is_constant) continue;
        std::vector<int> shape = graph_.tensor(t).shape;
        if (shape.empty() || shape.size() >= rank) continue;
        shape.insert(shape.begin(), rank - shape.size(), 1);
        ops.push_back(op_of(OpKind::kReshape, op.index, {t}, {add_like(t, std::move(shape))}));
        t = ops.back().outputs[0];
      }
      ops.push_back(std::move(op));
    }
    ops_ = std::move(ops);
  }

  static void check_rank(const std::string& what, const Tensor& t) {
    if (t.rank() == 0)
      refuse(Reason::kShape, "{} '{}' has rank 0, but a batch needs an axis", what, t.name);
  }

  void check(const Op& op) const {
    const std::string name = label(graph_, op);
    if (!keeps_images_separate(graph_, op))
      refuse(Reason::kOperator, "{}: mixes the images of a batch", name);
    for (const int t : op.outputs) check_rank(name + ": output", graph_.tensor(t));
    bool reads = false;
    for (int i = 0; i < static_cast<int>(op.inputs.size()); ++i) {
      if (op.input(i) < 0 || graph_.in(op, i).is_constant) continue;
      reads = true;
      if (!has_images(op, i))
        refuse(Reason::kOperands,
               "{}: tensor {} '{}' is computed for each image of a batch, allowed a constant", name,
               op.input(i), graph_.in(op, i).name);
    }
    if (!reads) refuse(Reason::kOperands, "{}: reads only constants, so it has no batch", name);
  }

  /// Returns true if the operand has a separate part for each image, which the operator uses for
  /// the same image.
  bool has_images(const Op& op, int position) const {
    const Tensor &x = graph_.in(op, position), &out = graph_.out(op);
    if (is_elementwise(op) || op.kind == OpKind::kBatchMatMul || op.kind == OpKind::kBroadcastTo)
      return x.rank() == out.rank() && x.shape[0] == out.shape[0] &&
             (op.kind != OpKind::kBatchMatMul || x.rank() > 2 || position == 0);
    return op.kind == OpKind::kConcatenation || position == position_of_images(op);
  }

  /// Returns true if each image needs its own copy of a constant.
  bool is_each(const Op& op, int position) const {
    if (op.kind == OpKind::kConcatenation || is_state(op, position)) return true;
    const Tensor& constant = graph_.in(op, position);
    const bool rows = op.kind == OpKind::kBatchMatMul && constant.rank() > 2;
    return (is_elementwise(op) || rows) && constant.rank() == graph_.out(op).rank() &&
           constant.shape[0] > 1;
  }

  /// Returns the part of the first image, because all images' parts are equal.
  int first(int constant, int images) {
    if (images == 1) return constant;
    Tensor one = graph_.tensor(constant);
    one.shape[0] /= images;
    one.data.edit().resize(one.data.size() / static_cast<std::size_t>(images));
    return add(std::move(one));
  }

  int repeated(int constant, int n) {
    Tensor all = graph_.tensor(constant);
    all.shape[0] *= n;
    for (int i = 1; i < n; ++i) {
      const auto& one = graph_.tensor(constant).data;
      all.data.edit().insert(all.data.end(), one.begin(), one.end());
    }
    return add(std::move(all));
  }
};

bool is_comparison(OpKind kind) {
  return kind == OpKind::kEqual || kind == OpKind::kNotEqual || kind == OpKind::kLess ||
         kind == OpKind::kLessEqual || kind == OpKind::kGreater || kind == OpKind::kGreaterEqual;
}

/// Returns true if an axis, which may be counted from either end, is not the first one.
bool is_inner(int axis, int rank) { return axis != 0 && axis != -rank; }

}  // namespace

bool is_elementwise(const Op& op) {
  return is_binary(op.kind) || is_comparison(op.kind) ||
         (op.kind == OpKind::kOnnx && host::onnx::is_elementwise(op.name));
}

bool is_state(const Op& op, int position) {
  return (op.kind == OpKind::kLstm && (position == lstm::kHidden || position == lstm::kState)) ||
         (op.kind == OpKind::kSvdf && position == 4);
}

int position_of_images(const Op& op) { return op.kind == OpKind::kTransposeConv ? 2 : 0; }

namespace {

/// Returns true if operators of this class keep images separate, unless keeps_images_separate()
/// below has an exception.
bool keeps_images_separate(OpClass type) {
  return type == OpClass::kProduct || type == OpClass::kWindow || type == OpClass::kReshape ||
         type == OpClass::kPair || type == OpClass::kRequantization || type == OpClass::kFunction;
}

}  // namespace

bool keeps_images_separate(const Graph& graph, const Op& op) {
  if (op.outputs.size() != 1) return false;
  const int images = op.input(position_of_images(op));
  if (!is_elementwise(op) && (images < 0 || graph.tensor(images).rank() == 0)) return false;
  switch (op.kind) {
    case OpKind::kConcatenation:
      return is_inner(op.axis, graph.out(op).rank());
    case OpKind::kMean:
    case OpKind::kSum:
    case OpKind::kReduceMax:
    case OpKind::kReduceMin:
      return !reduced_axes(graph, op)->at(0);
    case OpKind::kPad:
    case OpKind::kPadV2:
    case OpKind::kMirrorPad:
      return paddings(graph, op)[0] == std::pair<std::int64_t, std::int64_t>{0, 0};
    case OpKind::kStridedSlice: {
      const Slice s = slices(graph, op)[0];
      return s.begin == 0 && s.stride == 1 && s.size == graph.in(op, 0).shape[0] && !s.dropped;
    }
    case OpKind::kTranspose:
      return permutation(graph, op)->at(0) == 0;
    case OpKind::kBatchMatMul:  // for two matrices: rows of the first one
      return graph.out(op).rank() > 2 || (!op.adjoint_a && graph.in(op, 1).is_constant);
    case OpKind::kL2Normalization:
    case OpKind::kLogSoftmax:
    case OpKind::kNormalization:
    case OpKind::kSoftmax:
      return graph.out(op).rank() > 1;
    case OpKind::kGather:
      return is_inner(op.axis, graph.in(op, 0).rank());
    case OpKind::kArgMax:
      return *searched_axis(graph, op) > 0;
    case OpKind::kLstm:
      return !op.time_major;
    case OpKind::kOnnx:  // of others any axis may have any meaning
      return is_elementwise(op);
    case OpKind::kBroadcastTo:
    case OpKind::kDepthToSpace:
    case OpKind::kDequantize:
    case OpKind::kFloat:
    case OpKind::kSpaceToDepth:
    case OpKind::kSvdf:
    case OpKind::kThreshold:
    case OpKind::kTransposeConv:
      return true;
    default:
      return is_comparison(op.kind) || keeps_images_separate(class_of(op.kind));
  }
}

namespace {

/// Returns true if the operand is a shape or the start of parts, as set_shape() writes it.
bool says_shape(const Op& op, int position) {
  return (op.kind == OpKind::kTransposeConv && position == 0) ||
         (op.kind == OpKind::kReshape && position == 1) ||
         (op.kind == OpKind::kStridedSlice && (position == 1 || position == 2));
}

}  // namespace

void set_shape(Graph& graph, Op& op, const std::vector<int>& shape) {
  if (op.kind == OpKind::kTransposeConv) op.inputs[0] = graph.add(constant_integers(shape));
  if (op.kind == OpKind::kReshape) op.inputs.resize(1);  // the output's shape decides
  if (op.kind != OpKind::kStridedSlice) return;
  // A negative begin counts from the end, which has moved.
  for (const auto& [position, place] : {std::pair{1, 0}, std::pair{2, shape[0]}}) {
    std::vector<std::int64_t> places = graph.in(op, position).integers();
    places[0] = place;
    op.inputs[static_cast<std::size_t>(position)] = graph.add(constant_integers(places));
  }
}

Graph batched(Graph graph, int n) {
  return n == 1 ? std::move(graph) : Batch(std::move(graph)).run(n);
}

Graph batched(Graph graph, int images, int n) {
  return n == images ? std::move(graph) : Batch(std::move(graph)).run(n, images);
}

std::optional<int> images_of(const Graph& graph) {
  int images = 0;
  for (const std::vector<int>* ends : {&graph.inputs, &graph.outputs})
    for (const int t : *ends) {
      const Tensor& tensor = graph.tensor(t);
      const int extent = tensor.rank() == 0 ? 0 : tensor.shape[0];
      if (extent < 2 || (images != 0 && extent != images)) return std::nullopt;
      images = extent;
    }
  // Checks that repeating one image gives the same graph again. Codes that images share are the
  // same in all parts.
  try {
    const Graph again = batched(batched(graph, images, 1), images);
    const auto same = [&](const Tensor& a, const Tensor& b) {
      return a.shape == b.shape && (!a.is_constant || a.data == b.data);
    };
    for (std::size_t i = 0; i < graph.ops.size(); ++i)
      for (std::size_t k = 0; k < graph.ops[i].inputs.size(); ++k)
        if (const int t = graph.ops[i].inputs[k];
            t >= 0 &&
            (k >= again.ops[i].inputs.size() ||
             !same(graph.tensor(t), again.tensor(again.ops[i].inputs[k]))) &&
            !says_shape(graph.ops[i], static_cast<int>(k)))
          return std::nullopt;
  } catch (const Error&) {
    return std::nullopt;
  }
  return images;
}

}  // namespace trine::model
