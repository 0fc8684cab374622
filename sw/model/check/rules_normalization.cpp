// SPDX-License-Identifier: Apache-2.0

#include "sw/model/check/rules_normalization.h"

#include <cmath>

#include "sw/model/check/requirements.h"
#include "sw/model/check/rules_elementwise.h"
#include "sw/model/graph/norm.h"

namespace trine::model::rules {
namespace {

void softmax_of_floats(const Context& ctx) {
  require_operands(ctx, 1, 1);
  if (ctx.op.beta != 1) fail(ctx, "beta {} of float32, allowed 1", ctx.op.beta);
  require_type(ctx, ctx.in(0), DataType::kFloat32);
  require_shape(ctx, ctx.out(), ctx.in(0).shape);
  require_last_axis(ctx);
}

void require_log_softmax_scale(const Context& ctx) {
  const Tensor& out = ctx.out();
  require_type(ctx, out, DataType::kInt8);
  if (out.scale() != 1.0f / 16 || out.zero_point() != 127)
    fail(ctx, Reason::kQuantization, out, "scale {} and zero point {}, allowed 1/16 and 127",
         out.scale(), out.zero_point());
}

void require_softmax_scale(const Context& ctx) {
  const Tensor& out = ctx.out();
  const int lowest = out.type == DataType::kInt8 ? -128 : 0;
  if (out.type == DataType::kInt16) return require_fraction_of_one(ctx);
  if (ctx.op.kind == OpKind::kLogSoftmax) return require_log_softmax_scale(ctx);
  if (ctx.op.half_even) {  // ONNX's quantizer
    if (!(out.scale() > 0x1p-30f) || !std::isfinite(out.scale()))
      fail(ctx, Reason::kQuantization, out, "scale {}, allowed above 2^-30", out.scale());
  } else if (out.scale() != 1.0f / 256 || out.zero_point() != lowest) {
    fail(ctx, Reason::kQuantization, out, "scale {} and zero point {}, allowed 1/256 and {}",
         out.scale(), out.zero_point(), lowest);
  }
}

/// Requires gamma or beta: constants that fit the integer form.
void require_parameters(const Context& ctx, const Tensor& tensor, int channels) {
  if (!tensor.is_constant) fail(ctx, Reason::kOperands, tensor, "not a constant");
  require_type(ctx, tensor, DataType::kFloat32);
  require_shape(ctx, tensor, {channels});
  const float scale = ctx.out().scale();
  for (const float value : tensor.values<float>())
    if (!(std::abs(value) < 0x1p13f * scale))
      fail(ctx, Reason::kQuantization, tensor,
           "value {}, allowed below 2^13 times the output's scale {}", value, scale);
}

}  // namespace

void softmax(const Context& ctx) {
  const Tensor& out = ctx.out();
  if (ctx.op.kind == OpKind::kSoftmax && out.type == DataType::kFloat32)
    return softmax_of_floats(ctx);
  unary(ctx);
  require_last_axis(ctx);
  const int depth = out.extent(-1);
  if (depth > 4095) fail(ctx, out, "{} classes, allowed 1..4095", depth);  // the sum is Q12.19
  require_softmax_scale(ctx);
  const float scale = ctx.in(0).scale();
  const double gain = double{ctx.op.beta} * double{scale} * 0x1p26;
  if (!std::isfinite(gain) || gain <= 1)
    fail(ctx, "beta {} times scale {}, allowed above 2^-26", ctx.op.beta, scale);
}

void l2_normalization(const Context& ctx) {
  unary(ctx);
  if (ctx.op.activation != Activation::kNone) fail(ctx, "fused activation, allowed NONE");
  const Tensor& out = ctx.out();
  const int middle = out.type == DataType::kUInt8 ? 128 : 0;
  if (out.rank() < 1 || out.extent(-1) > 1 << 15)
    fail(ctx, out, "rows of more than {} elements, or of rank 0",
         1 << 15);  // sums of 2^16 squares fit 32 bits
  if (out.scale() != 1.0f / 128 || out.zero_point() != middle)
    fail(ctx, Reason::kQuantization, out, "scale {} and zero point {}, allowed 1/128 and {}",
         out.scale(), out.zero_point(), middle);
}

void normalization(const Context& ctx) {
  require_operands(ctx, 2, 3);
  const Tensor &input = ctx.in(0), &out = ctx.out();
  for (const Tensor* t : {&input, &out}) {
    require_codes(ctx, *t);
    require_type(ctx, *t, DataType::kInt8);
  }
  require_shape(ctx, out, input.shape);
  require_last_axis(ctx);
  const int channels = out.extent(-1);
  if (channels > 4096) fail(ctx, out, "{} channels, allowed 1..4096", channels);
  const double unit = double{input.scale()} / channels;
  const int bits = 31 - norm_fraction_bits(channels);
  const float epsilon = ctx.op.epsilon;
  if (!(epsilon >= 0) || double{epsilon} / (unit * unit) >= std::ldexp(1.0, bits) - 1)
    fail(ctx, Reason::kRange,
         "epsilon {} with {} channels of scale {}, allowed 0 to 2^{} (scale / channels)^2", epsilon,
         channels, input.scale(), bits);
  for (int i = 1; i < 3 && ctx.has(i); ++i) require_parameters(ctx, ctx.in(i), channels);
}

}  // namespace trine::model::rules
