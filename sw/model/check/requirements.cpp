// SPDX-License-Identifier: Apache-2.0

#include "sw/model/check/requirements.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "sw/model/graph/shapes.h"

namespace trine::model::rules {
namespace {

bool is_code(DataType type) { return type == DataType::kInt8 || type == DataType::kUInt8; }

/// Returns true if the operator can round int16 codes' halves to even, as ONNX's quantizers do.
bool rounds_wide(OpKind kind) {
  constexpr OpKind kKindsOf16[] = {
      OpKind::kAdd,  OpKind::kBatchMatMul, OpKind::kConv2D,       OpKind::kDepthwiseConv2D,
      OpKind::kMean, OpKind::kLeakyRelu,   OpKind::kMul,          OpKind::kFullyConnected,
      OpKind::kSub,  OpKind::kQuantize,    OpKind::kTransposeConv};
  return std::ranges::find(kKindsOf16, kind) != std::end(kKindsOf16);
}

}  // namespace

void require_operands(const Context& ctx, std::size_t least, std::size_t most) {
  const std::vector<int>& inputs = ctx.op.inputs;
  if (inputs.size() < least || inputs.size() > most)
    fail(ctx, Reason::kOperands, "{} inputs, allowed {}..{}", inputs.size(), least, most);
  for (std::size_t i = 0; i < least; ++i)
    if (inputs[i] < 0) fail(ctx, Reason::kOperands, "input {} is absent", i);
}

void require_constant(const Context& ctx, const Tensor& tensor) {
  if (!tensor.is_constant) fail(ctx, Reason::kOperands, tensor, "must be a constant");
}

void require_integers(const Context& ctx, int position, std::int64_t count) {
  const Tensor& tensor = ctx.in(position);
  require_constant(ctx, tensor);
  if (tensor.type != DataType::kInt32 && tensor.type != DataType::kInt64)
    fail(ctx, Reason::kType, tensor, "type {}, allowed int32 int64", name_of(tensor.type));
  if (count >= 0 && tensor.elements() != count)
    fail(ctx, tensor, "{} elements, allowed {}", tensor.elements(), count);
}

void require_step(const Context& ctx, const char* what, int value) {
  if (value < 1 || value > kMaxStep) fail(ctx, "{} {}, allowed 1..{}", what, value, kMaxStep);
}

void require_extents(const Context& ctx, const Tensor& tensor, bool is_output) {
  for (const int extent : tensor.shape)
    if (extent < 1 && (is_output || !tensor.is_constant || is_code(tensor.type)))
      fail(ctx, tensor, "shape [{}] contains an axis of extent 0", fmt::join(tensor.shape, ", "));
}

void require_rank(const Context& ctx, const Tensor& tensor, int expected) {
  if (tensor.rank() != expected) fail(ctx, tensor, "rank {}, allowed {}", tensor.rank(), expected);
}

void require_shape(const Context& ctx, const Tensor& tensor, const std::vector<int>& expected) {
  if (tensor.shape != expected)
    fail(ctx, tensor, "shape [{}], expected [{}]", fmt::join(tensor.shape, ", "),
         fmt::join(expected, ", "));
}

void require_last_axis(const Context& ctx) {
  if (ctx.out().rank() < 1) fail(ctx, ctx.out(), "rank 0, allowed 1 and above");
}

void require_broadcast(const Context& ctx) {
  const auto expected = broadcast_shape(ctx.in(0).shape, ctx.in(1).shape);
  if (!expected) fail(ctx, Reason::kShape, "the shapes of the inputs do not broadcast");
  require_shape(ctx, ctx.out(), *expected);
}

bool holds_codes(const Tensor& tensor) {
  return is_code(tensor.type) || (tensor.type == DataType::kInt16 && tensor.scale() > 0);
}

void require_type(const Context& ctx, const Tensor& tensor, DataType expected) {
  if (tensor.type != expected)
    fail(ctx, Reason::kType, tensor, "type {}, expected {}", name_of(tensor.type),
         name_of(expected));
}

void require_positive_scales(const Context& ctx, const Tensor& tensor) {
  for (const float scale : tensor.quantization.scale)
    if (!std::isfinite(scale) || scale <= 0)
      fail(ctx, Reason::kQuantization, tensor, "scale {}, allowed above 0", scale);
}

void require_scales(const Context& ctx, const Tensor& tensor) {
  require_positive_scales(ctx, tensor);
  const int low = tensor.type == DataType::kInt8 ? -128 : 0;
  const int high = tensor.type == DataType::kInt8 ? 127 : tensor.type == DataType::kUInt8 ? 255 : 0;
  for (const std::int64_t zero_point : tensor.quantization.zero_point)
    if (zero_point < low || zero_point > high)
      fail(ctx, Reason::kQuantization, tensor, "zero point {}, allowed {}..{}", zero_point, low,
           high);
}

void require_scale_count(const Context& ctx, const Tensor& tensor) {
  const std::size_t count = tensor.quantization.scale.size();
  if (count != 1) fail(ctx, Reason::kQuantization, tensor, "{} scales, allowed 1", count);
}

void require_one_scale(const Context& ctx, const Tensor& tensor) {
  require_scale_count(ctx, tensor);
  require_scales(ctx, tensor);
}

void require_codes(const Context& ctx, const Tensor& tensor) {
  const Op& op = ctx.op;
  const bool wide = tensor.type == DataType::kInt16;
  if (wide && (!computes_wide(op.kind) || (op.half_even && !rounds_wide(op.kind))))
    fail(ctx, Reason::kType, tensor,
         "type int16, allowed int8 uint8: quantize 16x8 networks to int8");
  if (!wide && !is_code(tensor.type))
    fail(ctx, Reason::kType, tensor, "type {}, allowed int8 uint8", name_of(tensor.type));
  require_one_scale(ctx, tensor);
}

void require_codes_alike(const Context& ctx, std::initializer_list<int> inputs) {
  require_codes(ctx, ctx.out());
  for (const int position : inputs) {
    require_codes(ctx, ctx.in(position));
    require_type(ctx, ctx.in(position), ctx.out().type);
  }
}

void require_same_quantization(const Context& ctx, const Tensor& tensor) {
  const Tensor& out = ctx.out();
  // TOSA's average has both zero points.
  if (ctx.op.of_tosa != 0 && ctx.op.kind == OpKind::kAveragePool2D) return;
  if ((holds_codes(out) || holds_codes(tensor)) &&
      (tensor.scale() != out.scale() || tensor.zero_point() != out.zero_point()))
    fail(ctx, Reason::kQuantization, tensor,
         "scale {} and zero point {} differ from the output's {} and {}", tensor.scale(),
         tensor.zero_point(), out.scale(), out.zero_point());
}

bool changes_type(const Context& ctx, DataType from, DataType to) {
  if (ctx.in(0).type != from || ctx.out().type != to) return false;
  require_codes(ctx, ctx.in(0));
  require_codes(ctx, ctx.out());
  return true;
}

}  // namespace trine::model::rules
