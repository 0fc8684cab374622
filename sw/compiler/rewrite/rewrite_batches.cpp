// SPDX-License-Identifier: Apache-2.0
//
// An image has a batch of one on the machine. Operators that keep the images of a batch apart
// become one for each; tensors are cut and joined along axis 0 only where others read or write
// them, on the host at the graph's ends.

#include <algorithm>
#include <map>

#include "sw/compiler/rewrite/rewrite.h"
#include "sw/model/batch.h"
#include "sw/model/rewriter.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;
using model::OpKind;
using model::Rewriter;
using model::Tensor;

class SingleImages : Rewriter {
 public:
  using Rewriter::Rewriter;

  Graph run() {
    for (const Op& op : ops_) {
      const int parts = parts_of(op);
      if (parts > 1 && keeps_apart(op, parts))
        write_each(op, parts);
      else if (model::is_reshape(op.kind) && is_batch(op.outputs[0]) && !is_batch(op.input(0)))
        write_images(op, parts);
      else
        write_whole(op);
    }
    for (const int t : graph_.outputs)
      if (images_.contains(t)) join_images(t);
    return std::move(graph_);
  }

 private:
  bool computed(int t) const { return t >= 0 && !graph_.tensor(t).is_constant; }
  bool is_batch(int t) const {
    return computed(t) && graph_.tensor(t).rank() == 4 && graph_.tensor(t).shape[0] > 1;
  }

  /// Into how many the operator is divided: the batch of its images, or of what it reads.
  int parts_of(const Op& op) const {
    for (const auto* tensors : {&op.inputs, &op.outputs})
      for (const int t : *tensors)
        if (is_batch(t)) return graph_.tensor(t).shape[0];
    for (const int t : op.inputs)
      if (images_.contains(t)) return static_cast<int>(images_.at(t).size());
    return 1;
  }

  bool divides(int t, int parts) const {
    const Tensor& tensor = graph_.tensor(t);
    return tensor.rank() > 0 && tensor.shape[0] % parts == 0 &&
           (!images_.contains(t) || static_cast<int>(images_.at(t).size()) == parts);
  }

  /// An operand that all images read: without a batch of its own, or no map at all.
  bool is_shared(const Op& op, int position) const {
    const Tensor& t = graph_.in(op, position);
    if (op.kind == OpKind::kBatchMatMul && graph_.out(op).rank() == 2) return position == 1;
    if (model::is_elementwise(op) || op.kind == OpKind::kBroadcastTo ||
        op.kind == OpKind::kBatchMatMul)
      return t.rank() < graph_.out(op).rank() || t.shape[0] == 1;
    if (op.kind == OpKind::kConcatenation) return false;
    return position != model::position_of_images(op);
  }

  /// Whether parts of the output along axis 0 are those of the operands.
  bool keeps_apart(const Op& op, int parts) const {
    if (!model::keeps_images_apart(graph_, op) || !divides(op.outputs[0], parts)) return false;
    for (int i = 0; i < static_cast<int>(op.inputs.size()); ++i)
      if (op.input(i) >= 0 && !is_shared(op, i) && !divides(op.input(i), parts)) return false;
    return true;
  }

  void write_whole(const Op& op) {
    for (const int t : op.inputs)
      if (images_.contains(t)) join_images(t);
    graph_.ops.push_back(op);
  }

  /// Images that the operand does not have: rows of a single one, which is cut.
  void write_images(const Op& op, int parts) {
    if (images_.contains(op.input(0))) join_images(op.input(0));
    std::vector<int> shape = graph_.out(op).shape;
    const int H = shape[1];
    shape[0] = 1;
    shape[1] = parts * H;
    Op rows = op;
    model::set_shape(graph_, rows, shape);
    rows.outputs = {add_like(op.outputs[0], shape)};
    graph_.ops.push_back(rows);
    for (int n = 0; n < parts; ++n)
      images_[op.outputs[0]].push_back(slice(op, rows.outputs[0], 1, n * H, (n + 1) * H));
  }

  void write_each(const Op& op, int parts) {
    std::vector<int> outputs;
    for (int n = 0; n < parts; ++n) {
      Op one = op;
      for (int i = 0; i < static_cast<int>(op.inputs.size()); ++i)
        if (op.input(i) >= 0 && !is_shared(op, i))
          one.inputs[at(i)] = image_of(op, op.inputs[at(i)], parts, n);
      if (op.counted_macs > 0) one.counted_macs = op.counted_macs / parts;
      std::vector<int> shape = graph_.out(op).shape;
      shape[0] /= parts;
      model::set_shape(graph_, one, shape);
      one.outputs = {add_like(op.outputs[0], shape)};
      outputs.push_back(one.outputs[0]);
      graph_.ops.push_back(std::move(one));
    }
    images_[op.outputs[0]] = outputs;
  }

  int image_of(const Op& op, int t, int parts, int n) {
    std::vector<int>& images = images_[t];
    const int extent = graph_.tensor(t).shape[0] / parts;
    while (static_cast<int>(images.size()) < parts) {
      const int first = static_cast<int>(images.size()) * extent;
      images.push_back(computed(t) ? slice(op, t, 0, first, first + extent)
                                   : constant_part(t, first, extent));
    }
    return images[at(n)];
  }

  int constant_part(int t, int first, int extent) {
    Tensor part = graph_.tensor(t);
    const std::size_t row = part.data.size() / at(part.shape[0]);
    part.data.erase(part.data.begin() + static_cast<std::ptrdiff_t>(at(first + extent) * row),
                    part.data.end());
    part.data.erase(part.data.begin(),
                    part.data.begin() + static_cast<std::ptrdiff_t>(at(first) * row));
    part.shape[0] = extent;
    return add(std::move(part));
  }

  /// Computes a tensor that so far is images only.
  void join_images(int t) {
    if (is_input(t) || !computed(t)) return;
    const auto written = [&](const Op& op) {
      return std::ranges::find(op.outputs, t) != op.outputs.end();
    };
    if (std::ranges::any_of(graph_.ops, written)) return;
    const Op& source = *std::ranges::find_if(ops_, written);
    join(source, images_.at(t), 0, t);
    graph_.ops.back().on_host = true;  // where nobody on the machine reads it
  }

  bool is_input(int t) const { return std::ranges::find(graph_.inputs, t) != graph_.inputs.end(); }

  std::map<int, std::vector<int>> images_;  ///< a tensor's parts along axis 0, in order
};

}  // namespace

Graph with_single_images(Graph graph) { return SingleImages(std::move(graph)).run(); }

}  // namespace trine::compiler
