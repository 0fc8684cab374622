// SPDX-License-Identifier: Apache-2.0
//
// Small graphs for the tests of models.

#pragma once

#include <cstring>

#include "sw/model/graph/graph.h"

namespace trine::model::testing {

inline Tensor codes(std::vector<int> shape, float scale = 0.5f, int zero_point = 0) {
  return {"t", DataType::kInt8, std::move(shape), {{scale}, {zero_point}, 0}, false, {}};
}

inline Tensor integers(std::vector<int> shape, const std::vector<std::int32_t>& values) {
  Tensor tensor{"i", DataType::kInt32, std::move(shape), {}, true, {}};
  tensor.data.edit().resize(values.size() * 4);
  if (!values.empty()) std::memcpy(tensor.data.edit().data(), values.data(), tensor.data.size());
  return tensor;
}

/// Returns a graph of one operator that reads tensors 0..n-2 and writes the last tensor.
inline Graph one_op(OpKind kind, std::vector<Tensor> tensors, Op op = {}) {
  Graph graph{"g", "g.tflite", std::move(tensors), {}, {0}, {}, {}, {}};
  const int last = static_cast<int>(graph.tensors.size()) - 1;
  op.kind = kind;
  op.name = "OP";
  for (int t = 0; t < last; ++t) op.inputs.push_back(t);
  op.outputs = {last};
  graph.outputs = {last};
  graph.ops = {op};
  return graph;
}

inline Tensor weights(std::vector<int> shape, int axis) {
  Tensor tensor = codes(std::move(shape));
  const auto channels = static_cast<std::size_t>(tensor.extent(axis));
  tensor.quantization = {std::vector<float>(channels, 0.25f),
                         std::vector<std::int64_t>(channels, 0), axis};
  tensor.is_constant = true;
  tensor.data.edit().resize(static_cast<std::size_t>(tensor.elements()));
  return tensor;
}

inline Graph small_conv() {
  Tensor bias = integers({6}, {1, 2, 3, 4, 5, 6});
  return one_op(OpKind::kConv2D,
                {codes({1, 5, 5, 4}), weights({6, 3, 3, 4}, 0), bias, codes({1, 3, 3, 6})});
}

inline Op with(int Op::*field, int value) {
  Op op;
  op.*field = value;
  return op;
}

inline Tensor floats(std::vector<int> shape, const std::vector<float>& values = {}) {
  Tensor tensor{"f", DataType::kFloat32, std::move(shape), {}, !values.empty(), {}};
  tensor.data.edit().resize(values.size() * 4);
  if (!values.empty()) std::memcpy(tensor.data.edit().data(), values.data(), tensor.data.size());
  return tensor;
}

}  // namespace trine::model::testing
