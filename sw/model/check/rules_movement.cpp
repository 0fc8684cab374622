// SPDX-License-Identifier: Apache-2.0

#include "sw/model/check/rules_movement.h"

#include <fmt/ranges.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sw/model/check/requirements.h"
#include "sw/model/graph/shapes.h"

namespace trine::model::rules {
namespace {

/// Requires a tensor with the output's type, scale and zero point.
void require_output_type(const Context& ctx, const Tensor& tensor) {
  require_type(ctx, tensor, ctx.out().type);
  require_same_quantization(ctx, tensor);
}

/// Requires an operand whose elements move unchanged. The operator must support their codes.
void require_moved(const Context& ctx, int position) {
  require_type(ctx, ctx.in(position), ctx.out().type);
  if (holds_codes(ctx.out())) require_codes_alike(ctx, {position});
  require_same_quantization(ctx, ctx.in(position));
}

/// Requires the output's shape. @param most_of  elements that may be added at either side of an
/// axis
template <typename F>
void require_padded_shape(const Context& ctx, const F& most_of) {
  std::vector<int> expected;
  const auto sides = paddings(ctx.graph, ctx.op);
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const auto [before, after] = sides[i];
    const std::int64_t most = most_of(i);
    if (before < 0 || after < 0 || before > most || after > most)
      fail(ctx, ctx.in(1), "padding {} and {} of axis {}, allowed 0..{}", before, after, i, most);
    expected.push_back(static_cast<int>(ctx.in(0).shape[i] + before + after));
  }
  require_shape(ctx, ctx.out(), expected);
}

/// Returns the index of the operator's axis in a tensor, counted from the first axis.
int axis_of(const Context& ctx, const Tensor& tensor) {
  const int axis = ctx.op.axis < 0 ? ctx.op.axis + tensor.rank() : ctx.op.axis;
  if (axis < 0 || axis >= tensor.rank())
    fail(ctx, "axis {}, allowed {}..{}", ctx.op.axis, -tensor.rank(), tensor.rank() - 1);
  return axis;
}

/// Requires an operand of CONCATENATION that equals the output except for the extent of `axis`.
void require_joined(const Context& ctx, int position, int axis) {
  if (!ctx.has(position)) fail(ctx, Reason::kOperands, "input {} is absent", position);
  const Tensor &input = ctx.in(position), &out = ctx.out();
  require_type(ctx, input, out.type);
  if (holds_codes(out)) require_codes_alike(ctx, {position});
  if (out.type != DataType::kUInt8) require_same_quantization(ctx, input);  // uint8 is rescaled
  require_rank(ctx, input, out.rank());
  std::vector<int> expected = out.shape;
  expected[axis] = input.extent(axis);
  require_shape(ctx, input, expected);
}

}  // namespace

void reshape(const Context& ctx) {
  require_operands(ctx, 1, 2);
  const Tensor &input = ctx.in(0), &out = ctx.out();
  require_type(ctx, input, out.type);
  if (input.elements() != out.elements())
    fail(ctx, out, "{} elements, but the input has {}", out.elements(), input.elements());
  require_same_quantization(ctx, input);
}

void pad(const Context& ctx) {
  const bool valued = ctx.op.kind == OpKind::kPadV2;
  require_operands(ctx, valued ? 3 : 2, valued ? 3 : 2);
  require_moved(ctx, 0);
  require_integers(ctx, 1, 2 * std::int64_t{ctx.in(0).rank()});
  if (valued) {
    require_moved(ctx, 2);
    const Tensor& value = ctx.in(2);
    if (value.elements() != 1) fail(ctx, value, "{} elements, allowed 1", value.elements());
  }
  require_padded_shape(ctx, [&](std::size_t) { return ctx.out().elements(); });
}

void mirror_pad(const Context& ctx) {
  require_operands(ctx, 2, 2);
  require_moved(ctx, 0);
  const Tensor& input = ctx.in(0);
  require_integers(ctx, 1, 2 * std::int64_t{input.rank()});
  require_padded_shape(
      ctx, [&](std::size_t axis) { return input.shape[axis] - (ctx.op.symmetric ? 0 : 1); });
}

void blocks(const Context& ctx) {
  require_operands(ctx, 1, 1);
  require_moved(ctx, 0);
  const Tensor &input = ctx.in(0), &out = ctx.out();
  // The shape with larger pixels has block x block times the channels.
  const bool to_depth = ctx.op.kind == OpKind::kSpaceToDepth;
  const Tensor &fine = to_depth ? input : out, &coarse = to_depth ? out : input;
  require_rank(ctx, fine, 4);
  require_rank(ctx, coarse, 4);
  require_step(ctx, "block size", ctx.op.block);
  const std::int64_t b = ctx.op.block;
  if (fine.extent(0) != coarse.extent(0) || fine.extent(1) != coarse.extent(1) * b ||
      fine.extent(2) != coarse.extent(2) * b || fine.extent(3) * b * b != coarse.extent(3))
    fail(ctx, out, "shape [{}] does not fit the input's [{}] and block size {}",
         fmt::join(out.shape, ", "), fmt::join(input.shape, ", "), b);
}

void transpose(const Context& ctx) {
  require_operands(ctx, 2, 2);
  const Tensor& input = ctx.in(0);
  require_output_type(ctx, input);
  require_integers(ctx, 1, input.rank());
  const auto axes = permutation(ctx.graph, ctx.op);
  if (!axes) fail(ctx, ctx.in(1), "is not a permutation of the input's {} axes", input.rank());
  std::vector<int> expected;
  for (const int axis : *axes) expected.push_back(input.extent(axis));
  require_shape(ctx, ctx.out(), expected);
}

void strided_slice(const Context& ctx) {
  require_operands(ctx, 4, 4);
  const Op& op = ctx.op;
  require_output_type(ctx, ctx.in(0));
  for (int i = 1; i < 4; ++i) require_integers(ctx, i, ctx.in(0).rank());
  if (op.ellipsis_mask != 0 || op.new_axis_mask != 0)
    fail(ctx, "ellipsis_mask {} and new_axis_mask {}, allowed 0", op.ellipsis_mask,
         op.new_axis_mask);
  for (const std::int64_t stride : ctx.in(3).integers())
    if (stride == 0 || stride < -kMaxStep || stride > kMaxStep)
      fail(ctx, Reason::kAttribute, ctx.in(3), "stride {}, allowed -{}..{} except 0", stride,
           kMaxStep, kMaxStep);
  std::vector<int> expected;
  for (const Slice& slice : slices(ctx.graph, op)) {
    if (slice.size < 1) fail(ctx, Reason::kShape, "selects no element of an axis");
    if (!slice.dropped) expected.push_back(static_cast<int>(slice.size));
  }
  require_shape(ctx, ctx.out(), expected);
}

void concatenation(const Context& ctx) {
  require_operands(ctx, 1, ctx.op.inputs.size());
  const int axis = axis_of(ctx, ctx.out());
  if (ctx.op.activation != Activation::kNone) fail(ctx, "fused activation, allowed NONE");
  std::int64_t sum = 0;
  for (int i = 0; i < static_cast<int>(ctx.op.inputs.size()); ++i) {
    require_joined(ctx, i, axis);
    sum += ctx.in(i).extent(axis);
  }
  const int extent = ctx.out().extent(axis);
  if (sum != extent)
    fail(ctx, ctx.out(), "extent {} of axis {}, but the inputs have {}", extent, axis, sum);
}

void gather(const Context& ctx) {
  require_operands(ctx, 2, 2);
  const Tensor &input = ctx.in(0), &indices = ctx.in(1);
  require_output_type(ctx, input);
  require_integers(ctx, 1, -1);
  require_rank(ctx, indices, 1);
  const int axis = axis_of(ctx, input);
  for (const std::int64_t i : indices.integers())
    if (i < 0 || i >= input.extent(axis))
      fail(ctx, Reason::kAttribute, indices, "element {}, allowed 0..{}", i,
           input.extent(axis) - 1);
  std::vector<int> expected = input.shape;
  expected[axis] = static_cast<int>(indices.elements());
  require_shape(ctx, ctx.out(), expected);
}

void broadcast_to(const Context& ctx) {
  require_operands(ctx, 1, 2);
  const Tensor &input = ctx.in(0), &out = ctx.out();
  require_output_type(ctx, input);
  if (broadcast_shape(input.shape, out.shape) != out.shape)
    fail(ctx, out, "shape [{}] does not fit the input's [{}]", fmt::join(out.shape, ", "),
         fmt::join(input.shape, ", "));
}

}  // namespace trine::model::rules
