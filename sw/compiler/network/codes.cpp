// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network/codes.h"

namespace trine::compiler {

bool is_code(const model::Tensor& tensor, const spec::Config& config) {
  return tensor.type == model::DataType::kInt8 ||
         (tensor.type == model::DataType::kInt16 && config.activations16);
}

bool quantizes_words(const model::Graph& graph, const model::Op& op, const spec::Config& config) {
  if (op.kind != model::OpKind::kQuantize || op.half_even || !config.activations16) return false;
  const model::Tensor &in = graph.in(op, 0), &out = graph.out(op);
  const auto is = [](const model::Tensor& t, model::DataType type) {
    return t.type == type && t.zero_point() == 0 && t.scale() > 0;
  };
  return (is(in, model::DataType::kInt32) && is(out, model::DataType::kInt16)) ||
         (is(in, model::DataType::kInt16) && is(out, model::DataType::kInt32));
}

}  // namespace trine::compiler
