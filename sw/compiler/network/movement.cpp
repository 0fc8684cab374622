// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network/movement.h"

#include <algorithm>

#include "sw/host/onnx/evaluate.h"
#include "sw/model/graph/shapes.h"

namespace trine::compiler {

bool only_moves(model::OpKind kind) {
  return model::is_reshape(kind) || kind == model::OpKind::kTranspose;
}

std::optional<model::View> moved(const model::Graph& graph, const model::Op& op,
                                 const model::View& view) {
  return op.kind == model::OpKind::kTranspose
             ? model::permuted(view, *model::permutation(graph, op))
             : model::reshaped(view, graph.out(op).shape);
}

std::optional<Steps> steps_of(const model::View& view, const std::vector<int>& image) {
  const model::View dense = model::dense_view(image);
  auto result = model::reshaped(view, image);
  if (!result) return std::nullopt;
  for (std::size_t i = 0; i < image.size(); ++i)
    if (image[i] == 1) result->strides[i] = dense.strides[i];  // the only index is 0
  return Steps{result->strides[0], result->strides[1], result->strides[2]};
}

bool is_elementwise(const model::Op& op) {
  if (op.kind == model::OpKind::kFloat)
    return std::ranges::all_of(op.steps,
                               [](const model::FloatStep& step) { return step.value.size() == 1; });
  if (op.kind == model::OpKind::kOnnx) return host::onnx::is_elementwise(op.name);
  return model::is_unary(op.kind) || model::is_binary(op.kind) ||
         op.kind == model::OpKind::kDequantize;
}

bool is_single(const model::Graph& graph, int tensor) {
  const model::Tensor& t = graph.tensor(tensor);
  return t.is_constant && t.elements() == 1;
}

}  // namespace trine::compiler
