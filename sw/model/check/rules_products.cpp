// SPDX-License-Identifier: Apache-2.0

#include "sw/model/check/rules_products.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <vector>

#include "sw/base/division.h"
#include "sw/model/check/requirements.h"
#include "sw/model/check/rules_windows.h"
#include "sw/model/graph/groups.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/graph/svdf.h"

namespace trine::model::rules {
namespace {

/// Requires an output of codes of the input's type, or of accumulators.
/// @param input  position of the activations
void require_product_output(const Context& ctx, int input) {
  require_codes(ctx, ctx.in(input));
  if (ctx.out().type != DataType::kInt32) return require_codes_alike(ctx, {input});
  require_type(ctx, ctx.in(input), DataType::kInt8);
  if (ctx.op.activation != Activation::kNone) fail(ctx, "fused activation of int32, allowed NONE");
}

/// Requires that the constant's codes fit its encoding.
void require_encoding(const Context& ctx, const Tensor& tensor) {
  if (tensor.encoding == Encoding::kInt8 || !tensor.is_constant) return;
  require_type(ctx, tensor, DataType::kInt8);
  const auto codes = tensor.values<std::int8_t>();
  const auto [low, high] = std::ranges::minmax(codes.empty() ? decltype(codes){0} : codes);
  if (tensor.encoding != Encoding::kBinary && holds(tensor.encoding, low) &&
      holds(tensor.encoding, high))
    return;
  for (const std::int8_t code : codes)
    if (!holds(tensor.encoding, code))
      fail(ctx, Reason::kAttribute, tensor, "code {} is not {}", code, name_of(tensor.encoding));
}

/// Requires fixed-point weights of up to 19 bits, which E4M3 needs.
void require_fixed_weights(const Context& ctx, const Tensor& tensor, DataType activations) {
  constexpr std::int64_t kMost = (1 << 18) - 1;
  if (activations != DataType::kInt8 && activations != DataType::kInt16)
    fail(ctx, Reason::kType, tensor, "int32 with {}, allowed int8 and int16", name_of(activations));
  require_constant(ctx, tensor);
  for (const std::int64_t w : tensor.integers())
    if (w < -kMost || w > kMost)
      fail(ctx, Reason::kRange, tensor, "weight {}, allowed -{}..{}", w, kMost, kMost);
}

void require_weight_type(const Context& ctx, const Tensor& tensor) {
  const DataType activations = ctx.in(ctx.op.kind == OpKind::kTransposeConv ? 2 : 0).type;
  if (has_fixed_weights(ctx.graph, ctx.op)) return require_fixed_weights(ctx, tensor, activations);
  const bool narrow = activations == DataType::kInt16 && !svdf::has_wide_weights(ctx.op) &&
                      !has_format_weights(ctx.graph, ctx.op);
  require_type(ctx, tensor, narrow ? DataType::kInt8 : activations);
}

/// Requires one scale for each output channel along `axis`, without zero points.
void require_channel_scales(const Context& ctx, const Tensor& tensor, int axis) {
  const Quantization& q = tensor.quantization;
  if (tensor.type == DataType::kUInt8)
    fail(ctx, Reason::kQuantization, tensor, "uint8 weights per channel, allowed 1 scale");
  if (q.axis != axis)
    fail(ctx, Reason::kQuantization, tensor, "scales along axis {}, allowed {}", q.axis, axis);
  if (static_cast<int>(q.scale.size()) != tensor.extent(axis))
    fail(ctx, Reason::kQuantization, tensor, "{} scales for {} channels", q.scale.size(),
         tensor.extent(axis));
  for (const std::int64_t zero_point : q.zero_point)
    if (zero_point != 0)
      fail(ctx, Reason::kQuantization, tensor, "zero point {} per channel, allowed 0", zero_point);
}

/// Requires weights, a constant or computed, with one scale, or one per output channel along
/// `axis`.
void require_weights(const Context& ctx, const Tensor& tensor, int axis) {
  require_weight_type(ctx, tensor);
  require_encoding(ctx, tensor);
  if (tensor.quantization.scale.empty())
    fail(ctx, Reason::kQuantization, tensor, "weights have no scale");
  require_scales(ctx, tensor);
  if (tensor.quantization.per_channel()) require_channel_scales(ctx, tensor, axis);
}

/// Requires int8 weights without a zero point, unless ONNX or TOSA defines the operator.
void require_symmetric_weights(const Context& ctx, const Tensor& tensor) {
  if (tensor.type == DataType::kInt8 && tensor.zero_point() != 0 && !ctx.op.half_even &&
      ctx.op.of_tosa == 0)
    fail(ctx, Reason::kQuantization, tensor, "zero point {} of int8 weights, allowed 0",
         tensor.zero_point());
}

/// Requires the bias of a 16x8 operator: int64 (40-bit sums) or int32, which is an option of
/// converters and ONNX's type.
void require_wide_bias(const Context& ctx, const Tensor& tensor) {
  constexpr std::int64_t kMost = std::int64_t{1} << 39;  // sums have 40 bits
  if (ctx.op.half_even) return require_type(ctx, tensor, DataType::kInt32);
  if (tensor.type == DataType::kInt32 && ctx.op.kind != OpKind::kDepthwiseConv2D) return;
  require_type(ctx, tensor, DataType::kInt64);
  require_constant(ctx, tensor);
  for (const std::int64_t value : tensor.integers())
    if (value < -kMost || value >= kMost)
      fail(ctx, Reason::kRange, tensor, "bias {}, allowed 40 bits", value);
}

/// Requires the bias of a product of values of a format.
void require_format_bias(const Context& ctx, const Tensor& tensor) {
  constexpr std::int64_t kMost = std::int64_t{1} << 47;
  require_constant(ctx, tensor);
  for (const std::int64_t value : tensor.integers())
    if (value < -kMost || value >= kMost)
      fail(ctx, Reason::kRange, tensor, "bias {}, allowed 48 bits", value);
}

/// Requires sums of each output channel that fit, whatever the activations.
/// @param factors  int16 [M, groups]
void require_group_sums(const Context& ctx, const Tensor& factors, int M, int K) {
  const auto weights = ctx.in(1).values<std::int8_t>();
  const auto all = factors.values<std::int16_t>();
  const auto rows = static_cast<std::size_t>(K), groups = all.size() / static_cast<std::size_t>(M);
  for (std::size_t m = 0; m < static_cast<std::size_t>(M); ++m)
    if (!fits_group_sum(std::span(weights).subspan(m * rows, rows),
                        std::span(all).subspan(m * groups, groups), ctx.op.block))
      fail(ctx, Reason::kRange, factors, "the sums of channel {} may need more than {} bits", m,
           kGroupSumBits);
}

/// Requires the factors of groups of input channels.
void require_factors(const Context& ctx, const Tensor& tensor, int M, int K) {
  require_type(ctx, ctx.in(0), DataType::kInt8);
  require_type(ctx, tensor, DataType::kInt16);
  for (const Tensor* t : {&tensor, &ctx.in(1)}) require_constant(ctx, *t);
  if (ctx.op.block < 1) fail(ctx, "groups of {} input channels, allowed 1 and above", ctx.op.block);
  if (ctx.in(1).zero_point() != 0)
    fail(ctx, Reason::kQuantization, ctx.in(1), "zero point {} of weights in groups, allowed 0",
         ctx.in(1).zero_point());
  require_shape(ctx, tensor, {M, divide_up(K, ctx.op.block)});
  for (const std::int64_t factor : tensor.integers())
    if (std::abs(factor) > kMostFactor)
      fail(ctx, Reason::kQuantization, tensor, "factor {}, allowed -{}..{}", factor, kMostFactor,
           kMostFactor);
  require_group_sums(ctx, tensor, M, K);
}

/// Requires filters that fit the channels of the input. @param M  output channels
void require_filter_channels(const Context& ctx, bool depthwise, int M) {
  const Tensor& filter = ctx.in(1);
  const int C = ctx.in(0).extent(3), filter_c = filter.extent(3);
  if (depthwise) {
    if (filter.extent(0) != 1) fail(ctx, filter, "first extent {}, allowed 1", filter.extent(0));
    if (M % C != 0) fail(ctx, filter, "{} channels are not a multiple of the input's {}", M, C);
  } else if (C % filter_c != 0 || M % (C / filter_c) != 0) {
    fail(ctx, filter,
         "{} filter channels and {} outputs do not divide {} input channels into groups", filter_c,
         M, C);
  }
}

}  // namespace

void require_bias(const Context& ctx, int position, int channels) {
  if (!ctx.has(position)) return;
  const Tensor& tensor = ctx.in(position);
  if (ctx.out().type == DataType::kInt16)
    require_wide_bias(ctx, tensor);
  else if (of_format(ctx.graph, ctx.op) && tensor.type == DataType::kInt64)
    require_format_bias(ctx, tensor);
  else
    require_type(ctx, tensor, DataType::kInt32);
  if (tensor.elements() != channels)
    fail(ctx, tensor, "{} elements, allowed {}", tensor.elements(), channels);
  require_positive_scales(ctx, tensor);
  for (const std::int64_t zero_point : tensor.quantization.zero_point)
    if (zero_point != 0)
      fail(ctx, Reason::kQuantization, tensor, "zero point {}, allowed 0", zero_point);
}

void convolution(const Context& ctx) {
  const bool depthwise = ctx.op.kind == OpKind::kDepthwiseConv2D;
  require_operands(ctx, 2, 3);
  const Tensor &input = ctx.in(0), &filter = ctx.in(1);
  const bool widens = !depthwise && ctx.op.half_even;
  if (!widens || !changes_type(ctx, DataType::kInt8, DataType::kInt16))
    require_product_output(ctx, 0);
  require_rank(ctx, input, 4);
  require_rank(ctx, filter, 4);
  require_extents(ctx, filter, true);
  const int axis = depthwise ? 3 : 0, M = filter.extent(axis);
  require_weights(ctx, filter, axis);
  require_symmetric_weights(ctx, filter);
  require_bias(ctx, 2, M);
  require_filter_channels(ctx, depthwise, M);
  require_window_output(ctx, M);
}

void transpose_convolution(const Context& ctx) {
  require_operands(ctx, 3, 4);
  require_product_output(ctx, 2);
  const Tensor &size = ctx.in(0), &filter = ctx.in(1), &input = ctx.in(2), &out = ctx.out();
  const bool computed = out.type == DataType::kInt16 && !size.is_constant;
  if (computed) {
    require_type(ctx, size, DataType::kInt32);
    require_shape(ctx, size, {4});
  } else {
    require_integers(ctx, 0, 4);
  }
  for (const Tensor* t : {&filter, &input, &out}) require_rank(ctx, *t, 4);
  require_extents(ctx, filter, true);
  require_weights(ctx, filter, 0);
  require_symmetric_weights(ctx, filter);
  require_bias(ctx, 3, filter.extent(0));
  require_steps(ctx);
  const auto wanted =
      computed ? std::vector<std::int64_t>(out.shape.begin(), out.shape.end()) : size.integers();
  if (!std::equal(wanted.begin(), wanted.end(), out.shape.begin()))
    fail(ctx, size, "contains [{}], but the output's shape is [{}]", fmt::join(wanted, ", "),
         fmt::join(out.shape, ", "));
  if (out.extent(3) != filter.extent(0) || out.extent(0) != input.extent(0))
    fail(ctx, out, "shape [{}] does not fit weights and input", fmt::join(out.shape, ", "));
  const Window w = window(ctx.graph, ctx.op);
  require_shape(ctx, input, {out.extent(0), w.P, w.Q, filter.extent(3)});
}

void fully_connected(const Context& ctx) {
  require_operands(ctx, 2, 4);
  if (!changes_type(ctx, DataType::kInt8, DataType::kInt16)) require_product_output(ctx, 0);
  const Tensor &input = ctx.in(0), &weights = ctx.in(1), &out = ctx.out();
  require_rank(ctx, weights, 2);
  require_extents(ctx, weights, true);
  require_weights(ctx, weights, 0);
  if (out.type == DataType::kInt16) require_symmetric_weights(ctx, weights);
  const int M = weights.extent(0), K = weights.extent(1);
  require_bias(ctx, 2, M);
  if (ctx.has(3)) require_factors(ctx, ctx.in(3), M, K);
  if (input.elements() % K != 0)
    fail(ctx, input, "{} elements are not a multiple of the weights' {} columns", input.elements(),
         K);
  if (out.rank() < 1 || out.extent(-1) != M || out.elements() != input.elements() / K * M)
    fail(ctx, out, "shape [{}] does not fit {} rows of {} outputs", fmt::join(out.shape, ", "),
         input.elements() / K, M);
}

void batch_matmul(const Context& ctx) {
  require_operands(ctx, 2, 2);
  require_codes_alike(ctx, {0, 1});
  const Tensor &a = ctx.in(0), &b = ctx.in(1);
  for (const Tensor* t : {&a, &b})
    if (t->rank() < 2) fail(ctx, *t, "rank {}, allowed 2 and above", t->rank());
  const auto batch = [](const Tensor& t) {
    return std::vector<int>(t.shape.begin(), t.shape.end() - 2);
  };
  std::optional<std::vector<int>> expected = broadcast_shape(batch(a), batch(b));
  if (!expected) fail(ctx, Reason::kShape, "the batch axes of the inputs do not fit");
  if (a.extent(ctx.op.adjoint_a ? -2 : -1) != b.extent(ctx.op.adjoint_b ? -1 : -2))
    fail(ctx, Reason::kShape, "the inner extents of the inputs differ");
  expected->push_back(a.extent(ctx.op.adjoint_a ? -1 : -2));
  expected->push_back(b.extent(ctx.op.adjoint_b ? -2 : -1));
  require_shape(ctx, ctx.out(), *expected);
}

}  // namespace trine::model::rules
