// SPDX-License-Identifier: Apache-2.0
//
// Imports quantizers, and provides codes in the form that operators need.

#include <algorithm>
#include <cmath>

#include "sw/base/error.h"
#include "sw/model/onnx/import/importer.h"
#include "sw/model/onnx/read/constant.h"

namespace trine::model::onnx_file {

namespace {

/// Returns the quantizer to E4M3 codes, whose values are -448 to 448.
Quantizer e4m3_quantizer(float scale) {
  constexpr spec::Format kFormat = spec::Format::kE4M3;
  Quantizer q;
  q.format = kFormat;
  q.scale = std::ldexp(scale, -spec::row_of(kFormat).fraction);
  q.first = -spec::largest_code(kFormat);
  q.count = -2 * q.first;
  q.nearest = true;
  q.level = [unit = q.scale, first = q.first](float x, std::size_t) {
    return spec::as_code(kFormat, spec::nearest_real(kFormat, double{x / unit})) - first;
  };
  return q;
}

}  // namespace

/// Returns true if the codes of QuantizeLinear or DequantizeLinear are E4M3.
bool Importer::is_of_e4m3() const {
  const spec::Format by_type = spec::format_of_onnx(
      static_cast<int>(node_->type == "QuantizeLinear" ? node_->integer("output_dtype", 0) : 0));
  return (has(2) ? constant(2).format : by_type) == spec::Format::kE4M3;
}

Value Importer::quantize() {
  if (node_->type == "QuantizeLinear" && is_of_e4m3()) {
    if (node_->integer("saturate", 1) != 1)
      throw_error("saturate 0, allowed 1: larger values become the largest one");
    const double scale = scalar(1);
    if (!std::isfinite(scale) || scale <= 0) throw_error("scale {}, allowed above 0", scale);
    Value value =
        emit_.quantized(in(0), e4m3_quantizer(static_cast<float>(scale)), out(), node_->index);
    value.raw_codes = true;
    return value;
  }
  const bool linear = node_->type == "QuantizeLinear", bipolar = node_->type == "BipolarQuant";
  const double scale = scalar(1);
  const double zero_point = bipolar || (linear && !has(2)) ? 0.0 : scalar(2);
  const double bits = linear || bipolar ? 8 : scalar(3);
  const DataType type =
      linear ? codes_type(*node_, has(2) ? &constant(2) : nullptr) : DataType::kUInt8;
  const QuantRule rule = quant_rule(*node_, scale, zero_point, bits, type);
  Quantizer q;
  q.scale = rule.scale;
  q.step = rule.kind == QuantRule::Kind::kBipolar ? 2 : 1;
  q.count = (rule.high - rule.low) / q.step;
  q.first = rule.low - static_cast<int>(rule.zero_point);
  q.nearest = rule.round == QuantRule::Round::kHalfEven && q.step == 1;
  q.level = [rule, step = q.step](float x, std::size_t) {
    return (rule.code(x) - rule.low) / step;
  };
  Value value = emit_.quantized(in(0), q, out(), node_->index);
  value.raw_codes = linear;
  return value;
}

Value Importer::dequantize() {
  Value value = in(0);
  if (!value.raw_codes)
    throw_error("input 0 '{}' is not the output of QuantizeLinear", node_->inputs[0]);
  if (const std::int64_t block = node_->integer("block_size", 0); block != 0)
    throw_error("block_size {} of activations, allowed 0", block);
  const bool wide = emit_.tensor(value.tensor).type == DataType::kInt16;
  const spec::Format format = emit_.tensor(value.tensor).format;
  if (format == spec::Format::kE4M3) {
    const float unit = std::ldexp(static_cast<float>(scalar(1)), -spec::row_of(format).fraction);
    if (unit != emit_.tensor(value.tensor).scale() || (has(2) && !is_of_e4m3()))
      throw_error("scale {} or type differs from that of QuantizeLinear", scalar(1));
    value.raw_codes = false;
    return value;
  }
  double zero_point = has(2) ? scalar(2) : 0.0;
  if (!wide && (!has(2) || constant(2).type == DataType::kUInt8)) zero_point -= 128;
  if (wide) require_symmetric(*node_, zero_point);
  if (wide && emit_.tensor(value.tensor).scale() == 0)  // an input of the graph
    emit_.set_scale(value.tensor, static_cast<float>(scalar(1)));
  const Tensor& t = emit_.tensor(value.tensor);
  if (static_cast<float>(scalar(1)) != t.scale() || zero_point != t.zero_point())
    throw_error("scale {} or zero point differs from that of QuantizeLinear", scalar(1));
  value.raw_codes = false;
  return value;
}

Value Importer::multi_threshold() {
  const Value& value = in(0);
  const Constant& table = constant(1);
  const auto rank = value.shape.size();
  const std::string layout = node_->text("data_layout", rank == 4   ? "NCHW"
                                                        : rank == 3 ? "NWC"
                                                                    : "NC");
  if (layout.find('C') != static_cast<std::size_t>(value.channel_axis))
    throw_error("data_layout '{}' puts channels on another axis than {}", layout,
                value.channel_axis);
  const int channels = value.shape.at(value.channel_axis);
  if (table.rank() != 2 || table.shape[1] < 1 || table.shape[1] > 255 ||
      (table.shape[0] != 1 && table.shape[0] != channels))
    throw_error("thresholds must be [1 or {}, 1..255]", channels);
  const auto K = static_cast<std::size_t>(table.shape[1]);
  const bool shared = table.shape[0] == 1;
  Quantizer q;
  q.count = static_cast<int>(K);
  q.level = [ts = table.values, K, shared](float x, std::size_t m) {
    const auto row = ts.begin() + (shared ? 0 : m * K);
    return static_cast<int>(std::count_if(row, row + K, [&](double t) { return double{x} >= t; }));
  };
  const float scale = node_->real("out_scale", 1.0f), bias = node_->real("out_bias", 0.0f);
  if (!std::isfinite(scale) || scale <= 0) throw_error("out_scale {}, allowed above 0", scale);
  const float first = bias / scale;
  if (K == 1 && first == -0.5f) {  // two levels, -s and +s: binary
    q.scale = scale / 2;
    q.first = -1;
    q.step = 2;
  } else {
    if (first != std::trunc(first) || std::abs(first) > 255)
      throw_error("out_bias {} is not a multiple of out_scale {}", bias, scale);
    q.scale = scale;
    q.first = static_cast<int>(first);
  }
  if (!shared && value.steps.empty() && value.tensor >= 0)
    throw_error("thresholds for each channel of codes or inputs, allowed only of sums");
  return emit_.quantized(value, q, out(), node_->index);
}

Value Importer::codes_of_input() {
  Value value = in(0);
  if (value.constant) throw_error("input 0 is a constant");
  if (value.raw_codes) throw_error("codes without DequantizeLinear");
  if (!emit_.is_codes(value) && value.tensor >= 0 && !is_input(value.tensor))
    throw_error("a matrix product reads a float operator, allowed a quantizer in between");
  const auto found = annotated_.find(value.tensor);
  return emit_.whole_numbers(value, found == annotated_.end() ? "" : found->second, node_->index);
}

/// Returns true if a tensor is an input of the graph, possibly after movement.
bool Importer::is_input(int tensor) const {
  for (auto op = graph_.ops.rbegin(); op != graph_.ops.rend(); ++op) {
    if (op->outputs[0] != tensor) continue;
    if (op->kind != OpKind::kReshape && op->kind != OpKind::kTranspose) return false;
    tensor = op->input(0);
  }
  return true;
}

const Value& Importer::codes_in(std::size_t position) const {
  const Value& value = in(position);
  if (!emit_.is_codes(value) || !value.steps.empty() || value.raw_codes)
    throw_error("its tensor is not the output of a quantizer");
  return value;
}

void Importer::refuse_wide(const Value& value) const {
  if (is_wide(value)) throw_error("its input is int16 codes");
}

Value Importer::any_codes(std::size_t position) {
  const Value& value = codes_in(position);
  return value.layout == Layout::kFlat ? emit_.to_plain(value, node_->index) : value;
}

/// Returns the codes in ONNX's order.
Value Importer::plain_codes(std::size_t position) {
  return emit_.to_plain(codes_in(position), node_->index);
}

Value Importer::image_codes() {
  const Value& value = codes_in(0);
  if (value.shape.size() != 4) throw_error("input of rank {}, allowed 4", value.shape.size());
  return emit_.to_nhwc(value, node_->index);
}

}  // namespace trine::model::onnx_file
