// SPDX-License-Identifier: Apache-2.0
//
// Imports operators along an axis: reductions, normalizations, softmax, largest elements.

#include <algorithm>

#include "sw/base/error.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/indices.h"
#include "sw/model/onnx/import/importer.h"

namespace trine::model::onnx_file {
namespace {

/// Returns true if an axis attribute names the last axis.
bool is_last(std::int64_t axis, std::size_t rank) {
  return axis == -1 || axis == static_cast<std::int64_t>(rank) - 1;
}

}  // namespace

/// Imports a reduction over any axes, which are kept with extent 1.
Value Importer::reduction() {
  const std::string& type = node_->type;
  std::vector<std::int64_t> axes = integers_of(1, "axes");
  for (std::int64_t& axis : axes) axis = model::axis_of(axis, static_cast<int>(in(0).shape.size()));
  std::ranges::sort(axes);
  if (type == "ReduceMean" && in(0).shape.size() == 4 && images_ &&
      axes == std::vector<std::int64_t>{2, 3})
    return average_pool();
  if (const Value* root = root_of(node_->inputs[0]); root != nullptr && type == "ReduceMean" &&
                                                     axes.size() == 1 &&
                                                     is_last(axes[0], in(0).shape.size()))
    return mean_square(*root);
  if (in(0).own && in(0).steps.empty() &&
      in(0).own->op.kind == (type == "ReduceMean"  ? OpKind::kMean
                             : type == "ReduceSum" ? OpKind::kSum
                                                   : OpKind::kOnnx))
    return further_reduction(axes);
  Value value = any_codes(0);
  std::vector<int> lies = emit_.tensor(value.tensor).shape;
  std::vector<std::int32_t> places;
  for (const std::int64_t given : axes) {
    const auto [axis, place] = axis_of(value, given);
    places.push_back(place);
    value.shape[axis] = lies[place] = 1;
  }
  const OpKind kind = type == "ReduceMean"  ? OpKind::kMean
                      : type == "ReduceSum" ? OpKind::kSum
                      : type == "ReduceMax" ? OpKind::kReduceMax
                                            : OpKind::kReduceMin;
  Op reduce = op(kind, {value.tensor, emit_.add_integers(places)});
  reduce.keep_dims = true;
  if (kind == OpKind::kSum) refuse_wide(value);
  if (kind == OpKind::kReduceMax || kind == OpKind::kReduceMin) {
    value.tensor = emit_.add_move(std::move(reduce), out(), lies);
    return value;
  }
  value.tensor = -1;
  value.own = std::make_shared<const Own>(Own{std::move(reduce), hosted(out())});
  return value;
}

/// Imports a mean of means, or a sum of sums, that no quantizer has rounded, as one operator.
Value Importer::further_reduction(const std::vector<std::int64_t>& axes) {
  Value value = in(0);
  Op reduce = value.own->op;
  const Tensor& known = emit_.tensor(reduce.inputs[1]);
  auto places = elements_as<std::int32_t>(known.type, known.data.all());
  for (const std::int64_t given : axes) {
    const auto [axis, place] = axis_of(value, given);
    if (value.shape[axis] > 1) places.push_back(place);
    value.shape[axis] = 1;
  }
  reduce.inputs[1] = emit_.add_integers(places);
  value.own = std::make_shared<const Own>(Own{std::move(reduce), hosted(out())});
  return value;
}

/// Returns the codes whose square a tensor is, by Pow or Mul.
const Value* Importer::root_of(const std::string& square) const {
  for (const Node& n : file_.nodes) {
    if (n.inputs.size() != 2 || std::ranges::count(n.outputs, square) == 0) continue;
    const Value& exponent = value_of(n.inputs[1]);
    const bool two = exponent.constant && exponent.constant->elements() == 1 &&
                     exponent.constant->values[0] == 2;
    if (!(n.type == "Pow" && two) && !(n.type == "Mul" && n.inputs[0] == n.inputs[1])) continue;
    const Value& root = value_of(n.inputs[0]);
    return emit_.is_codes(root) && root.steps.empty() && !root.raw_codes ? &root : nullptr;
  }
  return nullptr;
}

/// Emits the mean of x^2 over the last axis: each line of codes is multiplied by itself.
Value Importer::mean_square(Value x) {
  x = emit_.to_plain(x, node_->index);
  std::vector<int> shape = x.shape;
  const int length = std::exchange(shape.back(), 1);
  const auto lines = static_cast<int>(elements_of(shape));
  const int codes =
      emit_.add_move(op(OpKind::kReshape, {x.tensor}), out() + ":lines", {lines, 1, length});
  Sum sum{node_->index, codes, codes, out(), OpKind::kBatchMatMul, hosted(out()), true};
  Value products = of_sum(std::move(sum), {}, {lines, 1, 1});
  return later(
      std::move(products), shape,
      [this, shape](Value made) { return reshaped_to(std::move(made), shape); }, out());
}

/// Imports a normalization of codes over the last axis: LayerNorm, or RMSNorm under either name.
Value Importer::normalization() {
  Value value = plain_codes(0);
  refuse_wide(value);
  if (value.shape.empty() || !is_last(node_->integer("axis", -1), value.shape.size()))
    throw_error("works over another axis than the last, allowed only the last");
  if (reads_output(1) || reads_output(2))
    throw_error("its output of means is read, allowed only its first output");
  const bool center = node_->type == "LayerNormalization";
  Op norm = op(OpKind::kNormalization, {value.tensor});
  norm.name = center ? "LAYER_NORM" : "RMS_NORM";
  norm.center = center;
  norm.epsilon = node_->real("epsilon", 1e-5f);
  const int channels = value.shape.back();
  constexpr int kMostChannels = 4096;
  if (channels > kMostChannels)
    throw_error("{} elements in each row, allowed {}", channels, kMostChannels);
  for (std::size_t i = 1; i < 3 && has(i); ++i) {
    const Constant& c = constant(i);
    if (c.elements() != static_cast<std::size_t>(channels))
      throw_error("input {} '{}' has {} elements, allowed {}", i, node_->inputs[i], c.elements(),
                  channels);
    norm.inputs.push_back(emit_.add_constant<float>(
        node_->inputs[i], DataType::kFloat32, {channels}, {c.values.begin(), c.values.end()}));
  }
  if (norm.inputs.size() == 1)
    norm.inputs.push_back(emit_.add_constant<float>(
        out() + ":scale", DataType::kFloat32, {channels}, std::vector<float>(channels, 1.0f)));
  value.tensor = -1;
  value.own = std::make_shared<const Own>(Own{std::move(norm), hosted(out())});
  return value;
}

Value Importer::softmax() {
  const bool of_codes = is_quantized(file_, whole_->outputs[0]);
  Value value = of_codes ? plain_codes(0) : host_floats();
  if (value.shape.empty() ||
      !is_last(node_->integer("axis", file_.opset < 13 ? 1 : -1), value.shape.size()))
    throw_error("works over another axis than the last, allowed only the last");
  Op softmax = op(OpKind::kSoftmax, {value.tensor});
  if (is_wide(value)) return of_words(std::move(softmax), value);
  if (of_codes) {
    value.tensor = -1;
    value.own = std::make_shared<const Own>(Own{std::move(softmax), hosted(out())});
  } else {
    value.tensor = emit_.add_real(softmax, out());
  }
  return value;
}

Value Importer::largest(const std::string& name) {
  Value value = host_floats();
  if (value.shape.empty()) throw_error("its input is a scalar");
  value.shape.back() = 1;
  value.tensor = emit_.add_op(op(OpKind::kArgMax, {value.tensor}),
                              emit_.add_tensor(name, DataType::kInt64, value.shape));
  return value;
}

Value Importer::arg_max() {
  if (!is_last(node_->integer("axis", 0), in(0).shape.size()) ||
      node_->integer("keepdims", 1) != 1 || node_->integer("select_last_index", 0) != 0)
    throw_error("allowed only the last axis, keepdims 1, select_last_index 0");
  return largest(out());
}

Value Importer::top_k() {
  if (node_->outputs.size() != 2 || node_->outputs[1].empty())
    throw_error("{} outputs, allowed 2", node_->outputs.size());
  if (reads_output(0)) throw_error("its output of values is read, allowed only its indices");
  if (scalar(1) != 1 || !is_last(node_->integer("axis", -1), in(0).shape.size()) ||
      node_->integer("largest", 1) != 1)
    throw_error("allowed only the index of the largest element of the last axis");
  return largest(node_->outputs[1]);
}

}  // namespace trine::model::onnx_file
