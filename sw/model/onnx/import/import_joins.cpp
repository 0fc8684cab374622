// SPDX-License-Identifier: Apache-2.0
//
// Imports operators that join tensors into one, with codes of one scale once a quantizer follows.

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sw/base/error.h"
#include "sw/model/graph/indices.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/onnx/import/importer.h"

namespace trine::model::onnx_file {

Value Importer::concat() {
  const auto axis = static_cast<std::size_t>(
      model::axis_of(node_->integer("axis", 1), static_cast<int>(in(0).shape.size())));
  std::vector<int> shape = in(0).shape;
  shape[axis] = 0;
  for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
    std::vector<int> part = in(i).shape;
    if (part.size() != shape.size()) throw_error("its tensors have different ranks");
    shape[axis] += std::exchange(part[axis], shape[axis]);
    part[axis] = shape[axis];
    if (part != shape) throw_error("its tensors have different shapes");
  }
  std::optional<std::size_t> only;  // the only part with elements
  int parts = 0;
  for (std::size_t i = 0; i < node_->inputs.size(); ++i)
    if (in(i).shape[axis] > 0) {
      only = i;
      ++parts;
    }
  return parts == 1 ? in(*only) : joined(OpKind::kConcatenation, static_cast<int>(axis), shape);
}

/// Imports the maximum or minimum of tensors and constants.
Value Importer::extreme() {
  const bool most = node_->type == "Max";
  if (node_->inputs.size() == 2)
    for (const std::size_t i : {0, 1})
      if (in(i).constant && in(i).constant->elements() == 1)
        return stepped(in(1 - i), most ? Kind::kMax : Kind::kMin, {real_of(i)});
  std::vector<int> shape = in(0).shape;
  for (std::size_t i = 1; i < node_->inputs.size(); ++i) {
    const auto wider = broadcast_shape(shape, in(i).shape);
    if (!wider) throw_error("its tensors have different shapes");
    shape = *wider;
  }
  return joined(most ? OpKind::kMaximum : OpKind::kMinimum, 0, shape);
}

float Importer::real_of(std::size_t position) const {
  const double x = scalar(position);
  constexpr double kMost = std::numeric_limits<float>::max();
  if (std::isnan(x)) throw_error("a constant that is not a number");
  return static_cast<float>(std::clamp(x, -kMost, kMost));
}

/// Joins all inputs, in codes of one scale when a quantizer follows.
Value Importer::joined(OpKind kind, int axis, const std::vector<int>& shape) {
  Joined all{node_->index, kind, axis, {}, node_->inputs};
  Value result;
  result.shape = shape;
  result.channel_axis = channel_axis_of(shape.size());
  for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
    Value part = in(i);
    if (part.raw_codes) throw_error("codes without DequantizeLinear");
    if (part.constant && kind != OpKind::kConcatenation) {
      Constant whole = *part.constant;
      whole.shape = shape;
      whole.values.clear();
      for (const std::size_t at : broadcast(part.constant->shape, shape))
        whole.values.push_back(part.constant->values[at]);
      part = of_constant(std::make_shared<const Constant>(std::move(whole)));
    } else if (!part.constant) {
      if (kind != OpKind::kConcatenation && part.shape.size() != shape.size())
        throw_error("its tensors have different ranks");
      result.channel_axis = part.channel_axis;
    }
    if (part.tensor >= 0 && part.layout == Layout::kPlain)
      part = emit_.to_nhwc(std::move(part), node_->index);
    all.parts.push_back(std::move(part));
  }
  result.joined = std::make_shared<const Joined>(std::move(all));
  return result;
}

}  // namespace trine::model::onnx_file
