// SPDX-License-Identifier: Apache-2.0

#include "sw/model/check/rules_windows.h"

#include <fmt/ranges.h>

#include <cstdint>
#include <vector>

#include "sw/model/check/requirements.h"
#include "sw/model/graph/shapes.h"

namespace trine::model::rules {
namespace {

constexpr std::int64_t kMaxReach = 1 << 24;  ///< extent of a dilated filter

/// Requires a dilated filter of at most kMaxReach rows and columns.
void require_reach(const Context& ctx) {
  const Op& op = ctx.op;
  const bool pooling = op.kind == OpKind::kMaxPool2D || op.kind == OpKind::kAveragePool2D;
  const std::int64_t R = pooling ? op.filter_h : ctx.in(1).extent(1);
  const std::int64_t S = pooling ? op.filter_w : ctx.in(1).extent(2);
  if (R * op.dilation_h > kMaxReach || S * op.dilation_w > kMaxReach)
    fail(ctx, "the dilated filter spans more than {}", kMaxReach);
}

}  // namespace

void require_steps(const Context& ctx) {
  require_step(ctx, "stride_h", ctx.op.stride_h);
  require_step(ctx, "stride_w", ctx.op.stride_w);
  require_step(ctx, "dilation_h", ctx.op.dilation_h);
  require_step(ctx, "dilation_w", ctx.op.dilation_w);
  require_step(ctx, "filter_h", ctx.op.filter_h);
  require_step(ctx, "filter_w", ctx.op.filter_w);
  require_reach(ctx);
}

void require_window_output(const Context& ctx, int channels) {
  require_steps(ctx);
  const Window w = window(ctx.graph, ctx.op);
  if (w.P < 1 || w.Q < 1) fail(ctx, Reason::kShape, "the window is larger than the input");
  require_shape(ctx, ctx.out(), {ctx.in(0).shape[0], w.P, w.Q, channels});
}

void pool(const Context& ctx) {
  require_operands(ctx, 1, 1);
  require_codes_alike(ctx, {0});
  require_same_quantization(ctx, ctx.in(0));
  require_rank(ctx, ctx.in(0), 4);
  require_window_output(ctx, ctx.in(0).extent(3));
}

void resize(const Context& ctx) {
  require_operands(ctx, 2, 2);
  require_codes_alike(ctx, {0});
  const Tensor &input = ctx.in(0), &out = ctx.out();
  require_same_quantization(ctx, input);
  require_rank(ctx, input, 4);
  require_rank(ctx, out, 4);
  require_integers(ctx, 1, 2);
  if (ctx.op.align_corners && ctx.op.half_pixel_centers)
    fail(ctx, "align_corners and half_pixel_centers exclude each other");
  const auto size = ctx.in(1).integers();
  if (size[0] != out.extent(1) || size[1] != out.extent(2))
    fail(ctx, ctx.in(1), "contains [{}], but the output's shape is [{}]", fmt::join(size, ", "),
         fmt::join(out.shape, ", "));
  require_shape(ctx, out, {input.extent(0), out.extent(1), out.extent(2), input.extent(3)});
}

void reduction(const Context& ctx) {
  const bool rescales = ctx.op.kind == OpKind::kMean || ctx.op.kind == OpKind::kSum;
  require_operands(ctx, 2, 2);
  require_codes_alike(ctx, {0});
  const Tensor& input = ctx.in(0);
  if (!rescales) require_same_quantization(ctx, input);
  require_integers(ctx, 1, -1);
  const auto reduced = reduced_axes(ctx.graph, ctx.op);
  if (!reduced) fail(ctx, ctx.in(1), "an axis is out of range for rank {}", input.rank());
  std::vector<int> expected;
  for (std::size_t i = 0; i < reduced->size(); ++i)
    if (!(*reduced)[i] || ctx.op.keep_dims) expected.push_back((*reduced)[i] ? 1 : input.shape[i]);
  require_shape(ctx, ctx.out(), expected);
}

void arg_max(const Context& ctx) {
  require_operands(ctx, 1, 2);
  const Tensor& input = ctx.in(0);
  if (input.type != DataType::kFloat32) require_codes(ctx, input);
  if (ctx.out().type != DataType::kInt32) require_type(ctx, ctx.out(), DataType::kInt64);
  if (ctx.has(1)) require_integers(ctx, 1, 1);
  const auto axis = searched_axis(ctx.graph, ctx.op);
  if (!axis) fail(ctx, "the axis is out of range for rank {}", input.rank());
  std::vector<int> expected = input.shape;
  if (ctx.has(1))
    expected.erase(expected.begin() + *axis);
  else
    expected.back() = 1;
  require_shape(ctx, ctx.out(), expected);
}

}  // namespace trine::model::rules
