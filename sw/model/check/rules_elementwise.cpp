// SPDX-License-Identifier: Apache-2.0

#include "sw/model/check/rules_elementwise.h"

#include <cmath>
#include <cstdint>
#include <vector>

#include "sw/model/check/requirements.h"

namespace trine::model::rules {
namespace {

/// Returns true for float32 inputs and output, if the operator supports them.
bool of_floats(const Context& ctx) {
  if (!computes_floats(ctx.op.kind) || ctx.out().type != DataType::kFloat32) return false;
  for (int i = 0; i < static_cast<int>(ctx.op.inputs.size()); ++i)
    require_type(ctx, ctx.in(i), DataType::kFloat32);
  if (ctx.op.activation != Activation::kNone)
    fail(ctx, "fused activation of float32, allowed NONE");
  return true;
}

/// Requires one side of QUANTIZE to be codes. If the other side is int16, uint8 is not allowed, but
/// int32 is.
void require_requantized(const Context& ctx, const Tensor& tensor, const Tensor& other) {
  const bool with_wide = other.type == DataType::kInt16;
  if (with_wide && tensor.type == DataType::kUInt8)
    fail(ctx, Reason::kType, tensor, "type uint8 together with int16, allowed int8 int16 int32");
  if (with_wide && tensor.type == DataType::kInt32)
    require_one_scale(ctx, tensor);
  else
    require_codes(ctx, tensor);
}

/// Returns true if each row of `columns` values ascends.
template <typename T>
bool ascending(const std::vector<T>& values, int columns) {
  const auto K = static_cast<std::size_t>(columns);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (i % K != 0 && !(values[i - 1] <= values[i])) return false;
  return true;
}

/// Requires ascending thresholds in one row, or in one row for each channel.
void require_threshold_table(const Context& ctx) {
  const Tensor &table = ctx.in(1), &out = ctx.out();
  require_constant(ctx, table);
  const bool real = ctx.in(0).type == DataType::kFloat32;
  require_type(ctx, table, real ? DataType::kFloat32 : DataType::kInt32);
  require_rank(ctx, table, 2);
  require_extents(ctx, table, true);
  const int rows = table.extent(0), K = table.extent(1);
  if (rows != 1 && rows != out.extent(-1))
    fail(ctx, table, "{} rows of thresholds, allowed 1 or {}", rows, out.extent(-1));
  if (K > 255) fail(ctx, table, "{} thresholds, allowed 1..255", K);
  if (!(real ? ascending(table.values<float>(), K) : ascending(table.values<std::int32_t>(), K)))
    fail(ctx, Reason::kAttribute, table, "thresholds are not ascending");
}

}  // namespace

void require_fraction_of_one(const Context& ctx) {
  const float scale = ctx.out().scale();
  if (scale != 1.0f / 32768)
    fail(ctx, Reason::kQuantization, ctx.out(), "scale {}, allowed 1/32768", scale);
}

void unary(const Context& ctx) {
  require_operands(ctx, 1, 1);
  require_shape(ctx, ctx.out(), ctx.in(0).shape);
  if (of_floats(ctx)) return;
  require_codes_alike(ctx, {0});
  const bool interpolated = ctx.op.kind == OpKind::kLogistic || ctx.op.kind == OpKind::kTanh;
  if (interpolated && ctx.out().type == DataType::kInt16) require_fraction_of_one(ctx);
}

void binary(const Context& ctx) {
  require_operands(ctx, 2, 2);
  const OpKind kind = ctx.op.kind;
  if (kind == OpKind::kMul && changes_type(ctx, DataType::kInt16, DataType::kInt8))
    require_type(ctx, ctx.in(1), ctx.in(0).type);
  else if (!of_floats(ctx))
    require_codes_alike(ctx, {0, 1});
  if (kind == OpKind::kMaximum || kind == OpKind::kMinimum)
    for (const Tensor* t : {&ctx.in(0), &ctx.in(1)}) require_same_quantization(ctx, *t);
  require_broadcast(ctx);
}

void floats_only(const Context& ctx) {
  require_type(ctx, ctx.out(), DataType::kFloat32);
  is_binary(ctx.op.kind) ? binary(ctx) : unary(ctx);
}

void comparison(const Context& ctx) {
  require_operands(ctx, 2, 2);
  require_type(ctx, ctx.out(), DataType::kBool);
  for (const Tensor* t : {&ctx.in(0), &ctx.in(1)}) {
    require_codes(ctx, *t);
    require_type(ctx, *t, ctx.in(0).type);
    if (t->scale() >= 1)
      fail(ctx, Reason::kQuantization, *t, "scale {}, allowed below 1", t->scale());
  }
  require_broadcast(ctx);
}

void convert(const Context& ctx) {
  require_operands(ctx, 1, 1);
  const Tensor &input = ctx.in(0), &out = ctx.out();
  require_shape(ctx, out, input.shape);
  if (ctx.op.kind == OpKind::kDequantize) {
    require_codes(ctx, input);
    return require_type(ctx, out, DataType::kFloat32);
  }
  require_requantized(ctx, out, input);
  if (input.type != DataType::kFloat32) require_requantized(ctx, input, out);
}

void threshold(const Context& ctx) {
  require_operands(ctx, 2, 2);
  const Tensor &input = ctx.in(0), &table = ctx.in(1), &out = ctx.out();
  require_shape(ctx, out, input.shape);
  require_last_axis(ctx);
  require_codes(ctx, out);
  require_type(ctx, out, DataType::kInt8);
  if (input.type != DataType::kInt8 && input.type != DataType::kInt32 &&
      input.type != DataType::kFloat32)
    fail(ctx, Reason::kType, input, "type {}, allowed int8 int32 float32", name_of(input.type));
  require_threshold_table(ctx);
  const int low = ctx.op.low, step = ctx.op.step;
  if (step < -255 || step > 255 || low < -128 || low > 127)
    fail(ctx, "low {} and step {}, allowed -128..127 and -255..255", low, step);
  for (int k = 0; k <= table.extent(1); ++k)
    if (!holds(out.encoding, low + step * k))
      fail(ctx, Reason::kAttribute, out, "code {} is not {}", low + step * k,
           name_of(out.encoding));
}

void float_steps(const Context& ctx) {
  require_operands(ctx, 1, 1);
  const Tensor &input = ctx.in(0), &out = ctx.out();
  require_shape(ctx, out, input.shape);
  require_type(ctx, out, DataType::kFloat32);
  require_last_axis(ctx);
  if (input.type != DataType::kFloat32 && input.type != DataType::kInt32) require_codes(ctx, input);
  for (const FloatStep& step : ctx.op.steps) {
    for (const float value : step.value)
      if (!std::isfinite(value))
        fail(ctx, "a step with the constant {}, allowed finite numbers", value);
    if (step.value.size() != 1 && static_cast<int>(step.value.size()) != out.extent(-1))
      fail(ctx, "a step has {} values, allowed 1 or {}", step.value.size(), out.extent(-1));
  }
}

}  // namespace trine::model::rules
