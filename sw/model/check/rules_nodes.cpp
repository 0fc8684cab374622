// SPDX-License-Identifier: Apache-2.0

#include "sw/model/check/rules_nodes.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "sw/host/onnx/evaluate.h"
#include "sw/host/tosa/evaluate.h"
#include "sw/model/check/rules_elementwise.h"
#include "sw/model/graph/tosa_attributes.h"

namespace trine::model::rules {
namespace {

constexpr int kMaxPad = 8192;  ///< the limit of TOSA

/// Requires an attribute that is a list of whole numbers.
void require_numbers(const Context& ctx, const char* name, std::size_t count, double least,
                     double most) {
  const auto found = ctx.op.numbers.find(name);
  if (found == ctx.op.numbers.end() || found->second.size() != count)
    fail(ctx, "{} of {} numbers, allowed {}", name,
         found == ctx.op.numbers.end() ? 0 : found->second.size(), count);
  for (const double value : found->second)
    if (!(value >= least && value <= most && value == std::floor(value)))
      fail(ctx, "{} {}, allowed whole numbers of {}..{}", name, value, least, most);
}

/// Requires that ADD or SUB halves one operand and does not enlarge the other.
void require_half(const Context& ctx) {
  const auto& scale = ctx.op.numbers.at(tosa::kMultiplier);
  const auto& shift = ctx.op.numbers.at(tosa::kShift);
  const auto halves = [&](std::size_t i) { return scale[i] == 1 << 30 && shift[i] == 0; };
  if ((!halves(0) && !halves(1)) || shift[0] > 0 || shift[1] > 0)
    fail(ctx, "neither operand has the factor 1/2, or one has a larger factor");
}

void require_tosa_node(const Context& ctx) {
  try {
    host::tosa::check_node(host::tosa::node_of(ctx.graph, ctx.op));
  } catch (const Refusal& refusal) {
    throw Refusal(refusal.reasons(), label(ctx.graph, ctx.op) + ": " + refusal.what());
  }
}

}  // namespace

void require_tosa_attributes(const Context& ctx) {
  const Op& op = ctx.op;
  const bool sums = op.kind == OpKind::kAdd || op.kind == OpKind::kSub;
  const bool one = op.kind == OpKind::kMul || op.kind == OpKind::kSum;
  const bool products = is_product(op.kind) || op.kind == OpKind::kTransposeConv;
  const bool matmul = op.kind == OpKind::kBatchMatMul;
  const bool average = op.kind == OpKind::kAveragePool2D;
  if (op.numbers.contains(tosa::kPad)) require_numbers(ctx, tosa::kPad, 4, -kMaxPad, kMaxPad);
  if (average) require_numbers(ctx, tosa::kZeroPoints, 1, INT8_MIN, INT8_MAX);
  if (average) require_numbers(ctx, tosa::kZeroPoint, 1, INT8_MIN, INT8_MAX);
  if (!sums && !one && !((products || matmul) && ctx.out().type == DataType::kInt8)) return;
  const auto found = op.numbers.find(tosa::kMultiplier);
  const bool several = products && found != op.numbers.end() && found->second.size() > 1;
  const std::size_t count = sums ? 3 : several ? static_cast<std::size_t>(ctx.out().extent(-1)) : 1;
  require_numbers(ctx, tosa::kMultiplier, count, 0, INT32_MAX);
  require_numbers(ctx, tosa::kShift, count, -31, 30);
  require_numbers(ctx, tosa::kZeroPoint, 1, INT8_MIN, INT8_MAX);
  if (sums || one)
    require_numbers(ctx, tosa::kZeroPoints, op.kind == OpKind::kSum ? 1 : 2, INT8_MIN, INT8_MAX);
  if (sums) require_half(ctx);
}

void table(const Context& ctx) {
  unary(ctx);
  require_numbers(ctx, tosa::kTable, 256, INT8_MIN, INT8_MAX);
}

void onnx(const Context& ctx) {
  if (ctx.op.name.starts_with(host::tosa::kPrefix)) return require_tosa_node(ctx);
  if (!host::onnx::evaluates(ctx.op.name)) unknown(ctx);
}

void unknown(const Context& ctx) { fail(ctx, Reason::kOperator, "operator is not supported"); }

}  // namespace trine::model::rules
