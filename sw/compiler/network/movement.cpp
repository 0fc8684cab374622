// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network/movement.h"

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

}  // namespace trine::compiler
