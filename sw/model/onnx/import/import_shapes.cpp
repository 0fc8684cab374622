// SPDX-License-Identifier: Apache-2.0
//
// Imports reshapes and transposes, also of values that have no codes yet.

#include <algorithm>
#include <numeric>
#include <utility>

#include "sw/base/error.h"
#include "sw/model/onnx/import/importer.h"
#include "sw/model/onnx/read/constant.h"

namespace trine::model::onnx_file {
namespace {

bool step_needs_channels(const Value& value) {
  return std::ranges::any_of(value.steps, [](const Step& s) { return s.step.value.size() > 1; });
}

/// Returns true if a product [N, M] only gains or loses trailing extents of 1, as in FINN's batch
/// normalization.
bool keeps_channels(const Value& value, const std::vector<int>& shape) {
  if (!value.product || value.product->shape.size() != 2) return false;
  const std::vector<int>& product = value.product->shape;
  return shape.size() >= 2 && shape[0] == product[0] && shape[1] == product[1] &&
         std::all_of(shape.begin() + 2, shape.end(), [](int extent) { return extent == 1; });
}

/// Returns true if [N, C, 1, W] becomes [N, C, W] or the reverse. Both are the same image.
bool is_line(const Value& value, std::vector<int> shape) {
  const bool image = value.layout == Layout::kNhwc && !value.moved;
  std::vector<int> from = value.shape;
  if (!image || from.size() + shape.size() != 7) return false;
  std::vector<int>& longer = from.size() == 4 ? from : shape;
  if (longer.size() != 4 || longer[2] != 1) return false;
  longer.erase(longer.begin() + 2);
  return from == shape;
}

}  // namespace

Value Importer::identity() {
  if (node_->type == "Dropout" && has(2) && scalar(2) != 0)
    throw_error("training_mode true, allowed false: export for inference");
  return in(0);
}

Value Importer::reshape() {
  const ConstantPointer second = has(1) ? in(1).constant : nullptr;
  return reshaped_to(in(0), shape_after(*node_, in(0).shape, second));
}

Value Importer::reshaped_to(Value value, const std::vector<int>& shape) {
  if (shape == value.shape) return value;
  if (keeps_channels(value, shape) || is_line(value, shape)) {
    value.shape = shape;
    value.channel_axis = 1;
    return value;
  }
  if (is_pending(value))
    return later(std::move(value), shape,
                 [this, shape](Value codes) { return reshaped_to(std::move(codes), shape); });
  const std::vector<int> from = value.shape;
  const bool flattens = value.layout == Layout::kNhwc && shape.size() == 2 && shape[0] == from[0];
  if (!flattens) value = emit_.to_plain(value, node_->index);
  const std::string name = out() + (flattens ? ":nhwc" : value.steps.empty() ? "" : ":input");
  value.tensor = emit_.add_move(op(OpKind::kReshape, {value.tensor}), name, shape);
  value.layout = Layout::kPlain;
  const int H = from.size() == 4 ? from[2] : 1;
  if (flattens && from[1] != 1 && H * from.back() != 1) {
    value.layout = Layout::kFlat;
    value.image = {from[1], H, from.back()};
  }
  value.shape = shape;
  value.channel_axis = channel_axis_of(shape.size());
  return value;
}

/// Returns true if elements can only be moved after a quantizer has made codes of them. Functions
/// of codes are tables, but functions of moved codes are not.
bool Importer::is_pending(const Value& value) const {
  if (value.tensor < 0 || step_needs_channels(value)) return true;
  const bool real = emit_.tensor(value.tensor).type == DataType::kFloat32;
  return !moving_ && real && !is_input(value.tensor);
}

/// Returns `value` in a new shape, which is computed when a quantizer follows.
/// @param move  moves the codes as this node does
/// @param output  the node's output, which the host makes if no quantizer follows; "": `move` does
Value Importer::later(Value value, std::vector<int> shape, const Move& move,
                      const std::string& output) {
  Value result;
  result.shape = std::move(shape);
  result.channel_axis = channel_axis_of(result.shape.size());
  const auto moves = [this, move, node = node_](Value codes) {
    const Node* const now = std::exchange(node_, node);
    const bool moving = std::exchange(moving_, true);
    Value moved = move(std::move(codes));
    moving_ = moving;
    node_ = now;
    return moved;
  };
  result.moved = std::make_shared<const Moved>(
      Moved{std::move(value), node_->inputs[0], moves,
            output.empty() ? std::function<Value()>() : hosted(output)});
  return result;
}

Value Importer::transpose() {
  const std::vector<std::int64_t> given = node_->integers("perm");
  const std::size_t rank = in(0).shape.size();
  std::vector<std::int32_t> order(rank);
  std::iota(order.rbegin(), order.rend(), 0);  // default order
  if (!given.empty()) {
    if (!std::ranges::is_permutation(given, order))
      throw_error("perm is not an order of {} axes", rank);
    order.assign(given.begin(), given.end());
  }
  return transposed(in(0), order);
}

Value Importer::transposed(Value value, const std::vector<std::int32_t>& order) {
  std::vector<int> shape;
  for (const std::int32_t axis : order) shape.push_back(value.shape[axis]);
  if (is_pending(value))
    return later(std::move(value), shape,
                 [this, order](Value codes) { return transposed(std::move(codes), order); });
  const bool to_nchw = order == std::vector<std::int32_t>{0, 3, 1, 2};
  const bool to_nhwc = order == std::vector<std::int32_t>{0, 2, 3, 1};
  if (value.layout == Layout::kNhwc && order == std::vector<std::int32_t>{0, 2, 1}) {
    value.layout = Layout::kPlain;  // except for the axis in between
    value.tensor = emit_.add_move(op(OpKind::kReshape, {value.tensor}), out(), shape);
    value.shape = shape;
    value.channel_axis = 2;
    return value;
  }
  if ((to_nchw && value.layout == Layout::kPlain) || (to_nhwc && value.layout == Layout::kNhwc)) {
    value.layout = to_nchw ? Layout::kNhwc : Layout::kPlain;  // it already has this layout
    value.shape = shape;
    return value;
  }
  return reordered(emit_.to_plain(value, node_->index), order, shape);
}

/// Reorders codes or floats.
Value Importer::reordered(Value value, const std::vector<std::int32_t>& order,
                          const std::vector<int>& shape) {
  if (value.raw_codes) throw_error("its tensor is not the output of a quantizer");
  std::vector<std::int32_t> long_axes;  // axes of one element may have any position
  for (const std::int32_t axis : order)
    if (value.shape[axis] > 1) long_axes.push_back(axis);
  Op move = op(OpKind::kReshape, {value.tensor});
  if (!std::ranges::is_sorted(long_axes))
    move = op(OpKind::kTranspose, {value.tensor, emit_.add_integers(order)});
  value.tensor = emit_.add_move(std::move(move), out(), shape);
  value.shape = shape;
  return value;
}

}  // namespace trine::model::onnx_file
