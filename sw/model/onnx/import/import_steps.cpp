// SPDX-License-Identifier: Apache-2.0
//
// Imports float32 operators on one tensor and constants as steps of its value.

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/model/onnx/import/importer.h"

namespace trine::model::onnx_file {
namespace {

/// Returns one value, or one for each channel of `value`.
std::vector<float> per_channel(const Constant& c, const Value& value) {
  const auto rank = static_cast<int>(value.shape.size());
  if (c.rank() > rank) throw_error("a constant with more axes than the tensor");
  for (int axis = 0; axis < c.rank(); ++axis) {
    const int in_value = axis + rank - c.rank();
    const int extent = c.shape[axis];
    if (extent != 1 && (in_value != value.channel_axis || extent != value.shape[in_value]))
      throw_error("a constant that is neither one number nor one for each channel");
  }
  std::vector<float> result;
  for (const double x : c.values) {
    if (!std::isfinite(x)) throw_error("a constant that is not finite");
    result.push_back(static_cast<float>(x));
  }
  if (result.empty()) throw_error("a constant without elements");
  return result;
}

/// Returns true for a quantized constant that differs within a channel: positions, masks, or scales
/// after channels that are not on the channel axis.
bool is_map(const Constant& c, const Value& value) {
  if (c.codes.empty() || c.shape.size() > value.shape.size()) return false;
  const std::size_t first = value.shape.size() - c.shape.size();
  for (std::size_t axis = 0; axis < c.shape.size(); ++axis)
    if (c.shape[axis] > 1 && static_cast<int>(axis + first) != value.channel_axis) return true;
  return false;
}

}  // namespace

Value Importer::stepped(Value value, Kind kind, std::vector<float> constants,
                        ConstantPointer origin) {
  if (value.raw_codes) throw_error("codes without DequantizeLinear");
  if (constants.size() > 1 && value.moved)
    throw_error("a constant for each channel, allowed only before elements are moved");
  for (const float x : constants)
    if (!std::isfinite(x)) throw_error("a constant that is not finite");
  if (constants.size() > 1 && value.tensor >= 0) value = emit_.to_nhwc(value, node_->index);
  value.steps.push_back({{kind, std::move(constants)},
                         fmt::format("node {} {}", node_->index, node_->type),
                         std::move(origin)});
  return value;
}

Value Importer::arithmetic() {
  const bool first = !in(0).constant, second = !in(1).constant;
  const std::string& type = node_->type;
  if (first && second) return of_two();
  Value value = in(first ? 0 : 1);
  const ConstantPointer c = in(first ? 1 : 0).constant;
  const bool takes_codes = is_map(*c, value) || (is_wide(value) && !c->codes.empty());
  if (takes_codes && emit_.is_codes(value) && type != "Div") return with_map(value, *c, first);
  std::vector<float> constants = per_channel(*c, value);
  if (type == "Add") return stepped(value, Kind::kAdd, constants, c);
  if (type == "Mul") return stepped(value, Kind::kMul, constants);
  if (type == "Sub") return stepped(value, first ? Kind::kSub : Kind::kSubFrom, constants);
  if (type != "Div") return value;
  if (!first) throw_error("it divides a constant by a tensor, which is not supported");
  if (std::ranges::count(constants, 0.0f) != 0) throw_error("it divides by zero");
  return stepped(value, Kind::kDiv, constants);
}

Value Importer::with_map(Value value, const Constant& c, bool first) {
  if (!value.steps.empty() || value.raw_codes) throw_error(kFloatBetween);
  Value constant;
  constant.shape = c.shape;
  constant.shape.insert(constant.shape.begin(),
                        value.shape.size() - std::min(value.shape.size(), c.shape.size()), 1);
  constant.tensor = emit_.add_code_constant(out() + ":constant", c, constant.shape, is_wide(value));
  const OpKind kind = kind_of_onnx(node_->type).value();
  return first ? of_two(kind, std::move(value), std::move(constant))
               : of_two(kind, std::move(constant), std::move(value));
}

Value Importer::clip() {
  if (node_->type == "Relu") return stepped(in(0), Kind::kMax, {0.0f});
  Value value = in(0);
  const bool old = file_.opset < 11 && node_->inputs.size() == 1;
  constexpr float kMost = 3.4028234663852886e38f;
  const auto bound = [&](std::size_t position, const char* key, float otherwise) {
    if (old) return node_->bound(key, otherwise);
    return has(position) ? static_cast<float>(scalar(position)) : otherwise;
  };
  const float low = bound(1, "min", -kMost), high = bound(2, "max", kMost);
  if (!(low <= high)) throw_error("min {} is above max {}", low, high);
  if (low > -kMost) value = stepped(value, Kind::kMax, {low});
  if (high < kMost) value = stepped(value, Kind::kMin, {high});
  return value;
}

/// Computes as ONNX Runtime does: x * s + b with s = (1 / sqrt(var + epsilon)) * scale, b = bias -
/// mean * s.
Value Importer::batch_normalization() {
  if (node_->integer("training_mode", 0) != 0) throw_error("training_mode 1, allowed 0");
  const Value& value = in(0);
  if (value.shape.size() < 2 || value.channel_axis != 1) throw_error("channels are not on axis 1");
  const auto C = static_cast<std::size_t>(value.shape[1]);
  std::vector<std::vector<float>> p;
  for (std::size_t i = 1; i <= 4; ++i) {
    if (constant(i).elements() != C)
      throw_error("{} values for {} channels, allowed one for each", constant(i).elements(), C);
    p.emplace_back(constant(i).values.begin(), constant(i).values.end());
  }
  std::vector<float> scale, offset;
  for (std::size_t c = 0; c < C; ++c) {
    const float inverse = 1.0f / std::sqrt(p[3][c] + node_->real("epsilon", 1e-5f));
    const float s = inverse * p[0][c];
    scale.push_back(s);
    offset.push_back(p[1][c] - p[2][c] * s);
    if (!std::isfinite(scale.back()) || !std::isfinite(offset.back()))
      throw_error("channel {}: parameters are not finite", c);
  }
  return stepped(stepped(value, Kind::kMul, scale), Kind::kAdd, offset);
}

Value Importer::clipped_line(float alpha, float beta) {
  const Value line = stepped(stepped(in(0), Kind::kMul, {alpha}), Kind::kAdd, {beta});
  return stepped(stepped(line, Kind::kMax, {0.0f}), Kind::kMin, {1.0f});
}

Value Importer::hard_sigmoid() {
  return clipped_line(node_->real("alpha", 0.2f), node_->real("beta", 0.5f));
}

/// Imports x times a clipped line. With int16, the line has its own codes with scale 1/32767.
Value Importer::hard_swish() {
  const Value line = clipped_line(1.0f / 6.0f, 0.5f);
  if (!is_wide(in(0))) return of_floats(OpKind::kMul, in(0), line);
  Quantizer words;
  words.scale = 1.0f / INT16_MAX;
  words.first = INT16_MIN;
  words.count = UINT16_MAX;
  words.nearest = true;
  return of_two(OpKind::kMul, in(0), emit_.quantized(line, words, out() + ":line", node_->index));
}

/// Imports max(x, alpha x).
Value Importer::leaky_relu() {
  const float alpha = node_->real("alpha", 0.01f);
  if (!(alpha >= 0 && alpha <= 1)) throw_error("alpha {}, allowed 0..1", alpha);
  if (is_wide(in(0))) {
    Op leaky = op(OpKind::kLeakyRelu);
    leaky.alpha = alpha;
    return of_words(std::move(leaky), in(0));
  }
  return of_floats(OpKind::kMaximum, in(0), stepped(in(0), Kind::kMul, {alpha}));
}

}  // namespace trine::model::onnx_file
