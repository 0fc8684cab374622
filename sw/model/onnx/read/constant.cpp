// SPDX-License-Identifier: Apache-2.0

#include "sw/model/onnx/read/constant.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <utility>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/model/graph/indices.h"
#include "sw/model/graph/shapes.h"

namespace trine::model::onnx_file {
namespace {

using host::onnx::evaluates;

using Place = std::function<std::size_t(std::size_t)>;  ///< by an element: its parameter

/// Returns the elements of `from` at `order`, with their quantization.
ConstantPointer pick(const ConstantPointer& from, std::vector<int> shape, const Indices& order) {
  const auto places =
      std::make_shared<const std::vector<std::uint32_t>>(order.begin(), order.end());
  const auto picked = [&]<typename T>(NumberList<T> Constant::*part) {
    const std::size_t size = (from.get()->*part).empty() ? 0 : places->size();
    return NumberList<T>(size, [from, places, part](std::size_t i) {
      return (std::as_const(*from).*part)[(*places)[i]];
    });
  };
  auto result = std::make_shared<Constant>();
  result->type = from->type;
  result->shape = std::move(shape);
  result->values = picked(&Constant::values);
  result->codes = picked(&Constant::codes);
  result->zero_points = picked(&Constant::zero_points);
  result->scales = picked(&Constant::scales);
  return result;
}

ConstantPointer with_shape(const Constant& from, std::vector<int> shape) {
  auto result = std::make_shared<Constant>(from);
  result->shape = std::move(shape);
  return result;
}

/// Returns the index of parameters for each block of `block` indices along the axis, with separate
/// ones for all indices of other axes.
Place by_blocks(const Constant& parameter, const std::vector<int>& shape, std::size_t axis,
                std::int64_t block) {
  std::vector<int> blocks = shape;
  if (block > 0) blocks[axis] = static_cast<int>((shape[axis] + block - 1) / block);
  if (block < 0 || parameter.shape != blocks)
    throw_error("scales [{}] do not fit blocks of {} along axis {} of [{}]",
                fmt::join(parameter.shape, ", "), block, axis, fmt::join(shape, ", "));
  return [shape, axis, block, steps = steps_of(shape), to = steps_of(blocks)](std::size_t i) {
    std::size_t at = 0;
    for (std::size_t a = 0; a < shape.size(); ++a) {
      const std::size_t place = i / steps[a] % static_cast<std::size_t>(shape[a]);
      at += (a == axis ? place / static_cast<std::size_t>(block) : place) * to[a];
    }
    return at;
  };
}

/// Returns the index of QuantizeLinear's and DequantizeLinear's parameters: one, one for each index
/// along the axis, or one for each block of indices.
Place along_axis(const Node& node, const Constant& parameter, const std::vector<int>& shape) {
  if (const std::int64_t block = node.integer("block_size", 0); block != 0)
    return by_blocks(parameter, shape,
                     axis_of(node.integer("axis", 1), static_cast<int>(shape.size())), block);
  if (parameter.elements() == 1) return [](std::size_t) { return std::size_t{0}; };
  const int axis = axis_of(node.integer("axis", 1), static_cast<int>(shape.size()));
  if (parameter.rank() != 1 || parameter.shape[0] != shape[axis])
    throw_error("{} scales along an axis of {} elements, allowed one for each",
                parameter.elements(), shape[axis]);
  return
      [step = steps_of(shape)[static_cast<std::size_t>(axis)],
       extent = static_cast<std::size_t>(shape[axis])](std::size_t i) { return i / step % extent; };
}

/// Sets the quantization of a constant of codes. Parameters are looked up when they are read.
/// @param parameters  all scales, and as many zero points or none
void set_quantization(const Place& at, std::vector<float> scales,
                      std::vector<std::int32_t> zero_points, Constant* result) {
  const std::size_t size = result->codes.size();
  result->scales = {size,
                    [at, scales = std::move(scales)](std::size_t i) { return scales[at(i)]; }};
  result->zero_points = {size, [at, zero_points = std::move(zero_points)](std::size_t i) {
                           return zero_points.empty() ? 0 : zero_points[at(i)];
                         }};
}

/// Returns what to change in a network with a quantizer of this scale, or "".
const char* remedy_of(double scale) {
  return std::isinf(scale)
             ? ": a mask of -inf or -3.4e38 has no codes: use -24, as trine quantize does"
             : "";
}

ConstantPointer dequantized(const Node& node, const ConstantPointer& x, const Constant& scale,
                            const ConstantPointer& zero_point) {
  auto result = std::make_shared<Constant>();
  result->shape = x->shape;
  const Place at = along_axis(node, scale, x->shape);
  if (zero_point && zero_point->elements() != scale.elements())
    throw_error("{} zero points for {} scales", zero_point->elements(), scale.elements());
  std::vector<float> scales;
  std::vector<std::int32_t> zeros;
  for (std::size_t i = 0; i < scale.elements(); ++i) {
    scales.push_back(real(scale.values[i]) * x->unit);
    if (!std::isfinite(scales.back()))
      throw_error("scale {}, allowed finite numbers{}", scales.back(), remedy_of(scales.back()));
    if (zero_point) zeros.push_back(static_cast<std::int32_t>(zero_point->values[i]));
  }
  if (bytes_of(x->type) > 4)
    for (const double value : x->values)
      if (!(std::abs(value) <= 0x1p31)) throw_error("code {} is out of range", value);
  result->codes = {x->elements(), [x](std::size_t i) {
                     return static_cast<std::int32_t>(
                         std::clamp(std::as_const(*x).values[i], -0x1p31, 0x1p31 - 1));
                   }};
  result->values = {
      x->elements(), [x, at, scales, zeros](std::size_t i) -> double {
        const std::size_t place = at(i);
        const double code = std::clamp(std::as_const(*x).values[i], -0x1p31, 0x1p31 - 1);
        const int zero = zeros.empty() ? 0 : zeros[place];
        return double{real(static_cast<double>(static_cast<std::int64_t>(code) - zero)) *
                      scales[place]};
      }};
  set_quantization(at, std::move(scales), std::move(zeros), result.get());
  return result;
}

/// Evaluates QuantizeLinear, which returns codes.
ConstantPointer quantized_linear(const Node& node, const Constant& x, const Constant& scale,
                                 const ConstantPointer& zero_point) {
  auto result = std::make_shared<Constant>();
  result->shape = x.shape;
  result->type = codes_type(node, zero_point.get());
  const Place at = along_axis(node, scale, x.shape);
  if (zero_point && zero_point->elements() != scale.elements())
    throw_error("{} zero points for {} scales", zero_point->elements(), scale.elements());
  std::vector<QuantRule> rules;
  for (std::size_t i = 0; i < scale.elements() && x.elements() > 0; ++i)
    rules.push_back(quant_rule(node, scale.values[i], zero_point ? zero_point->values[i] : 0.0, 8,
                               result->type));
  const auto codes = std::make_shared<std::vector<std::int16_t>>();
  codes->reserve(x.elements());
  for (std::size_t i = 0; i < x.elements(); ++i)
    codes->push_back(static_cast<std::int16_t>(rules[at(i)].code(real(x.values[i]))));
  result->values = {codes->size(), [codes](std::size_t i) { return double((*codes)[i]); }};
  return result;
}

/// Evaluates Quant and BipolarQuant, which quantize and scale back.
ConstantPointer quantized(const Node& node, const std::vector<ConstantPointer>& inputs) {
  const Constant& x = *inputs[0];
  const bool bipolar = node.type == "BipolarQuant";
  const Indices scale_at = broadcast(inputs[1]->shape, x.shape);
  const Indices zero_at = bipolar ? Indices{} : broadcast(inputs[2]->shape, x.shape);
  if (!bipolar && inputs[3]->elements() != 1) throw_error("the number of bits is not a scalar");
  auto result = std::make_shared<Constant>();
  result->shape = x.shape;
  for (std::size_t i = 0; i < x.elements(); ++i) {
    const double zero = bipolar ? 0 : inputs[2]->values[zero_at[i]];
    const double bits = bipolar ? 1 : inputs[3]->values[0];
    const QuantRule rule =
        quant_rule(node, inputs[1]->values[scale_at[i]], zero, bits, DataType::kFloat32);
    const int code = rule.code(real(x.values[i]));
    result->codes.push_back(code);
    result->zero_points.push_back(static_cast<std::int32_t>(rule.zero_point));
    result->scales.push_back(rule.scale);
    result->values.push_back((static_cast<float>(code) - rule.zero_point) * rule.scale);
  }
  return result;
}

ConstantPointer transposed(const Node& node, const ConstantPointer& from) {
  const Constant& x = *from;
  std::vector<std::int64_t> order = node.integers("perm");
  if (order.empty())
    for (int axis = x.rank(); axis-- > 0;) order.push_back(axis);
  std::vector<bool> seen(x.shape.size());
  if (order.size() != seen.size())
    throw_error("perm of {} axes, allowed {}", order.size(), x.rank());
  const std::vector<std::size_t> steps = steps_of(x.shape);
  std::vector<std::size_t> permuted;
  std::vector<int> shape;
  for (const std::int64_t entry : order) {
    const auto axis = static_cast<std::size_t>(axis_of(entry, x.rank()));
    if (seen[axis]) throw_error("perm names axis {} twice", entry);
    seen[axis] = true;
    permuted.push_back(steps[axis]);
    shape.push_back(x.shape[axis]);
  }
  return pick(from, shape, walk(shape, permuted));
}

/// Returns the axes of Squeeze and Unsqueeze: an attribute, or an input from opset 13 on.
std::vector<std::int64_t> axes(const Node& node, const ConstantPointer& input) {
  std::vector<std::int64_t> result = node.integers("axes");
  if (input)
    for (const double axis : input->values)
      result.push_back(static_cast<std::int64_t>(std::clamp(axis, -1e9, 1e9)));
  return result;
}

std::vector<int> unsqueezed(const std::vector<int>& from, const std::vector<std::int64_t>& axes) {
  if (axes.size() > 8) throw_error("{} axes, allowed 1..8", axes.size());
  const int rank = static_cast<int>(from.size() + axes.size());
  std::vector<bool> added(static_cast<std::size_t>(rank));
  for (const std::int64_t axis : axes) added[axis_of(axis, rank)] = true;
  if (std::ranges::count(added, true) != static_cast<std::ptrdiff_t>(axes.size()))
    throw_error("an axis is named twice");
  std::vector<int> result;
  std::size_t next = 0;
  for (const bool is_new : added) result.push_back(is_new ? 1 : from[next++]);
  return result;
}

std::vector<int> squeezed(const std::vector<int>& from, const std::vector<std::int64_t>& axes) {
  std::vector<bool> dropped(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) dropped[i] = axes.empty() && from[i] == 1;
  for (const std::int64_t axis : axes) {
    const auto at = static_cast<std::size_t>(axis_of(axis, static_cast<int>(from.size())));
    if (from[at] != 1) throw_error("axis {} of extent {} is squeezed, allowed 1", axis, from[at]);
    dropped[at] = true;
  }
  std::vector<int> result;
  for (std::size_t i = 0; i < from.size(); ++i)
    if (!dropped[i]) result.push_back(from[i]);
  return result;
}

std::vector<int> flattened(const std::vector<int>& from, std::int64_t axis) {
  const int rank = static_cast<int>(from.size());
  if (axis < -rank || axis > rank) throw_error("axis {}, allowed {}..{}", axis, -rank, rank);
  const auto split = from.begin() + (axis < 0 ? axis + rank : axis);
  const auto product = [](auto first, auto last) {
    return static_cast<int>(elements_of(std::vector<int>(first, last)));
  };
  return {product(from.begin(), split), product(split, from.end())};
}

/// Checks the inputs that the operator requires.
void require(const std::vector<ConstantPointer>& inputs, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (i >= inputs.size() || !inputs[i]) throw_error("input {} is absent", i);
}

QuantRule::Round round_of(const std::string& name) {
  using Round = QuantRule::Round;
  static const std::map<std::string, Round> kRounds = {
      {"ROUND", Round::kHalfEven}, {"HALF_EVEN", Round::kHalfEven},
      {"CEIL", Round::kCeil},      {"FLOOR", Round::kFloor},
      {"UP", Round::kUp},          {"DOWN", Round::kDown},
      {"HALF_UP", Round::kHalfUp}, {"HALF_DOWN", Round::kHalfDown}};
  if (const auto found = kRounds.find(name); found != kRounds.end()) return found->second;
  throw_error("rounding_mode '{}', allowed ROUND HALF_EVEN CEIL FLOOR UP DOWN HALF_UP HALF_DOWN",
              name);
}

/// Evaluates ConstantOfShape: zeros, or the node's number.
ConstantPointer filled(const Node& node, const Constant& shape, std::int64_t limit) {
  Constant result;
  if (node.attributes.contains("value")) {
    const ConstantPointer value = node.tensor("value");
    if (!value || value->elements() != 1) throw_error("value is not a tensor of one element");
    result = *value;
  }
  result.shape.clear();
  for (const double extent : shape.values) {
    if (!(extent >= 1 && extent <= 0x1p30)) throw_error("extent {}", extent);
    result.shape.push_back(static_cast<int>(extent));
  }
  const std::int64_t all = elements_of(result.shape);
  if (all < 0 || all > limit) throw_error("more than {} elements", limit);
  result.values.resize(1);
  result.values.resize(static_cast<std::size_t>(all), result.values[0]);
  return std::make_shared<const Constant>(std::move(result));
}

}  // namespace

void require_symmetric(const Node& node, double zero_point) {
  if (zero_point == 0) return;
  throw_error(
      "int16 codes have zero point {} ('{}'), allowed 0: quantize activations symmetrically "
      "(onnxruntime's ActivationSymmetric)",
      zero_point, node.inputs.at(2));
}

DataType codes_type(const Node& node, const Constant* zero_point) {
  if (zero_point != nullptr) return zero_point->type;
  return node.integer("output_dtype", 0) == 0 ? DataType::kUInt8 : DataType::kInt16;
}

QuantRule quant_rule(const Node& node, double scale, double zero_point, double bits,
                     DataType zero_point_type) {
  QuantRule rule;
  rule.scale = real(scale);
  rule.zero_point = real(zero_point);
  if (!std::isfinite(rule.scale) || rule.scale <= 0)
    throw_error("scale {}, allowed above 0{}", scale, remedy_of(scale));
  if (node.type == "QuantizeLinear") {
    if (zero_point_type == DataType::kUInt8) rule.low = 0, rule.high = 255;
    if (zero_point_type == DataType::kInt16) {
      rule.low = INT16_MIN, rule.high = INT16_MAX;
      require_symmetric(node, zero_point);
    } else if (zero_point_type != DataType::kInt8 && zero_point_type != DataType::kUInt8) {
      throw_error("quantizes to another type than int8, uint8 or int16");
    }
    return rule;
  }
  if (bits != std::trunc(bits) || bits < 1 || bits > 8) throw_error("{} bits, allowed 1..8", bits);
  const bool is_signed = node.integer("signed", 1) != 0, narrow = node.integer("narrow", 0) != 0;
  rule.kind = QuantRule::Kind::kQuant;
  if (node.type == "BipolarQuant" || (bits == 1 && is_signed)) {
    rule.kind = QuantRule::Kind::kBipolar;
    rule.zero_point = 0;
    rule.low = -1;
    rule.high = 1;
    return rule;
  }
  if (rule.zero_point != std::trunc(rule.zero_point) || std::abs(rule.zero_point) > 255)
    throw_error("zero point {}, allowed whole numbers -255..255", zero_point);
  rule.round = round_of(node.text("rounding_mode", "ROUND"));
  const int span = 1 << static_cast<int>(bits);
  rule.low = is_signed ? -span / 2 + (narrow ? 1 : 0) : 0;
  rule.high = is_signed ? span / 2 - 1 : span - (narrow ? 2 : 1);
  if (rule.high <= rule.low) throw_error("{} bits leave one level, allowed two or more", bits);
  return rule;
}

std::vector<int> reshaped(const std::vector<int>& from, const NumberList<double>& wanted) {
  std::vector<int> result;
  int open = -1;
  if (wanted.size() > 16) throw_error("a shape of {} axes, allowed 0..16", wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == -1 && open < 0) {
      open = static_cast<int>(i);
      result.push_back(1);
    } else if (wanted[i] == 0 && i < from.size()) {
      result.push_back(from[i]);
    } else if (wanted[i] >= 1 && wanted[i] < 0x1p31) {
      result.push_back(static_cast<int>(wanted[i]));
    } else {
      throw_error("extent {} of the new shape, allowed -1 and above", wanted[i]);
    }
  }
  const std::int64_t all = elements_of(from), rest = elements_of(result);
  if (open >= 0 && rest > 0 && all % rest == 0) result[open] = static_cast<int>(all / rest);
  if (elements_of(result) != all) throw_error("{} elements do not fit the new shape", all);
  return result;
}

std::vector<int> shape_after(const Node& node, const std::vector<int>& from,
                             const ConstantPointer& input) {
  if (node.type == "Flatten") return flattened(from, node.integer("axis", 1));
  if (node.type == "Squeeze") return squeezed(from, axes(node, input));
  if (node.type == "Unsqueeze") return unsqueezed(from, axes(node, input));
  if (!input) throw_error("the new shape is not a constant");
  if (node.integer("allowzero", 0) != 0 && std::ranges::count(input->values, 0.0) > 0)
    throw_error("allowzero 1 with extent 0, allowed extents of 1 and above");
  return reshaped(from, input->values);
}

namespace {

/// Returns first, first + step, ..., before `end`.
ConstantPointer range(const Constant& first, const Constant& end, const Constant& step,
                      std::int64_t limit) {
  for (const Constant* c : {&first, &end, &step})
    if (c->elements() != 1) throw_error("bounds of {} elements, allowed 1", c->elements());
  const double by = step.values[0];
  const double count = std::max(0.0, std::ceil((end.values[0] - first.values[0]) / by));
  if (!(count <= static_cast<double>(limit))) throw_error("more than {} elements", limit);
  Constant result;
  result.type = first.type;
  result.shape = {static_cast<int>(count)};
  for (int i = 0; i < count; ++i) result.values.push_back(first.values[0] + i * by);
  return std::make_shared<const Constant>(std::move(result));
}

}  // namespace

ConstantPointer fold(const Node& node, std::int64_t opset,
                     const std::vector<ConstantPointer>& inputs, std::size_t output,
                     std::int64_t limit) {
  const std::string& type = node.type;
  const auto second = [&] { return inputs.size() > 1 ? inputs[1] : ConstantPointer{}; };
  if (type == "Constant") {
    const ConstantPointer value = node.tensor("value");
    if (!value) throw_error("has no value tensor");
    return value;
  }
  if (inputs.empty()) return nullptr;
  require(inputs, 1);
  if (type == "ConstantOfShape") return filled(node, *inputs[0], limit);
  if (type == "Range") {
    require(inputs, 3);
    return range(*inputs[0], *inputs[1], *inputs[2], limit);
  }
  const Constant& x = *inputs[0];
  if (type == "Identity") return inputs[0];
  if (type == "Reshape" || type == "Flatten" || type == "Squeeze" || type == "Unsqueeze")
    return with_shape(x, shape_after(node, x.shape, second()));
  if (type == "Transpose") return transposed(node, inputs[0]);
  if (type == "BipolarQuant" || type == "Quant") {
    require(inputs, type == "Quant" ? 4 : 2);
    return quantized(node, inputs);
  }
  if (type == "DequantizeLinear" || type == "QuantizeLinear") {
    require(inputs, 2);
    const ConstantPointer zero_point = inputs.size() > 2 ? inputs[2] : nullptr;
    return type == "QuantizeLinear" ? quantized_linear(node, x, *inputs[1], zero_point)
                                    : dequantized(node, inputs[0], *inputs[1], zero_point);
  }
  if (evaluates(type))
    return std::make_shared<Constant>(evaluate(node, opset, inputs, output, limit));
  return nullptr;
}

namespace {

constexpr std::int64_t kMostResults = std::int64_t{1} << 26;  ///< of a tensor of evaluate_file()

/// Requires whole sizes where ONNX Runtime, and so evaluate(), rounds a size first, and the
/// standard does not.
void require_whole(const Node& node, const std::vector<ConstantPointer>& inputs) {
  if (node.type != "Resize" || inputs.size() < 3 || inputs[2] == nullptr ||
      node.text("coordinate_transformation_mode", "half_pixel") != "align_corners")
    return;
  const std::vector<int>& shape = inputs[0]->shape;
  for (std::size_t i = 0; i < inputs[2]->elements() && i < shape.size(); ++i)
    if (const double size = inputs[2]->values[i] * shape[i]; size != std::floor(size))
      throw_error("align_corners with a result of {} elements, allowed whole numbers", size);
}

/// Keeps only the chosen boxes. A host's list has a fixed length, whatever is chosen.
void trim(const Node& node, Constant* boxes) {
  if (node.type != "NonMaxSuppression") return;
  std::erase(boxes->values.all(), -1.0);
  boxes->shape[0] = static_cast<int>(boxes->values.size() / 3);
}

}  // namespace

std::vector<ConstantPointer> evaluate_file(const File& file) {
  std::map<std::string, ConstantPointer> values = file.constants;
  const auto value = [&](const std::string& name) -> ConstantPointer {
    if (name.empty()) return nullptr;
    const auto found = values.find(name);
    if (found == values.end()) throw_error("'{}' has no value", name);
    return found->second;
  };
  for (const Node& node : file.nodes) try {
      if (!evaluates(node.type)) throw_error("the host does not support it");
      std::vector<ConstantPointer> inputs;
      for (const std::string& name : node.inputs) inputs.push_back(value(name));
      require_whole(node, inputs);
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i].empty()) continue;
        Constant result = evaluate(node, file.opset, inputs, i, kMostResults);
        trim(node, &result);
        values[node.outputs[i]] = std::make_shared<Constant>(std::move(result));
      }
    } catch (const Error& error) {
      throw_error("{}: node {} {}: {}", file.name, node.index, node.type, error.what());
    }
  std::vector<ConstantPointer> outputs;
  for (const std::string& name : file.outputs) outputs.push_back(value(name));
  return outputs;
}

}  // namespace trine::model::onnx_file
