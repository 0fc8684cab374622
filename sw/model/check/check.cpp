// SPDX-License-Identifier: Apache-2.0
//
// Checks that graphs are legal. Reference and compiler index tensors and quantize scales without
// further checks.

#include "sw/model/check/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "sw/base/error.h"
#include "sw/model/check/context.h"
#include "sw/model/check/requirements.h"
#include "sw/model/check/rules_elementwise.h"
#include "sw/model/check/rules_movement.h"
#include "sw/model/check/rules_nodes.h"
#include "sw/model/check/rules_normalization.h"
#include "sw/model/check/rules_products.h"
#include "sw/model/check/rules_recurrent.h"
#include "sw/model/check/rules_windows.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/graph/tosa_attributes.h"

namespace trine::model {
namespace {

constexpr int kMaxRank = 16;  ///< masks of axes are ints
constexpr std::int64_t kMaxElements = std::int64_t{1} << 31;
constexpr std::int64_t kMaxMacs = std::int64_t{1} << 48;

using Rule = void (*)(const rules::Context& ctx);

/// The rule of each kind, in the order of the kinds.
constexpr Rule kRules[] = {
#define OPERATOR(kind, name, code, onnx, type, numbers, rule) rules::rule,
#define NAME_ONLY(...)
#include "sw/model/graph/operators.def"
};

/// Checks the attributes that any operator may have.
void check_attributes(const rules::Context& ctx) {
  using rules::fail;
  const Op& op = ctx.op;
  for (const float value :
       {op.beta, op.alpha, op.epsilon, op.divisor, op.cell_clip, op.hidden_scale})
    if (!std::isfinite(value)) fail(ctx, "attribute {}, allowed finite numbers", value);
  const bool wide = op.half_even && ctx.out().type == DataType::kInt16;
  const int most = op.of_cell || wide ? INT16_MAX : INT8_MAX;
  if (op.code_min < -most - 1 || op.code_min > op.code_max || op.code_max > most)
    fail(ctx, "codes {}..{}, allowed {}..{}", op.code_min, op.code_max, -most - 1, most);
  if (op.of_tosa < 0 || op.of_tosa > tosa::kDouble) fail(ctx, "of_tosa {}", op.of_tosa);
  if (op.of_tosa != 0 && op.kind != OpKind::kOnnx) rules::require_tosa_attributes(ctx);
  if (!(op.divisor > 0)) fail(ctx, "divisor {}, allowed above 0", op.divisor);
  if (op.counted_macs > kMaxMacs) fail(ctx, "{} MACs", op.counted_macs);
}

/// Checks a tensor's size, constant and quantization.
void check_tensor(const Graph& graph, std::size_t t) {
  const Tensor& tensor = graph.tensors[t];
  const auto fail = [&]<typename... Args>(Reason reason, fmt::format_string<Args...> text,
                                          Args&&... args) {
    refuse(reason, "{}: tensor {} '{}': {}", graph.file, t, tensor.name,
           fmt::format(text, std::forward<Args>(args)...));
  };
  const Quantization& q = tensor.quantization;
  if (tensor.rank() > kMaxRank)
    fail(Reason::kShape, "rank {}, allowed 0..{}", tensor.rank(), kMaxRank);
  std::int64_t elements = 1;
  for (const int extent : tensor.shape) {
    if (extent < 0) fail(Reason::kShape, "extent {}, allowed 0 and above", extent);
    elements *= extent;  // both factors are at most 2^31
    if (elements > kMaxElements) fail(Reason::kShape, "more than {} elements", kMaxElements);
  }
  const std::int64_t bytes = elements * bytes_of(tensor.type);
  if (tensor.is_constant && static_cast<std::int64_t>(tensor.data.size()) != bytes)
    fail(Reason::kShape, "a constant of {} bytes, but shape [{}] needs {}", tensor.data.size(),
         fmt::join(tensor.shape, ", "), bytes);
  if (!q.zero_point.empty() && q.zero_point.size() != q.scale.size())
    fail(Reason::kQuantization, "{} zero points for {} scales", q.zero_point.size(),
         q.scale.size());
  for (const float scale : q.scale)
    if (!std::isfinite(scale))
      fail(Reason::kQuantization, "scale {}, allowed finite numbers", scale);
}

}  // namespace

void check_order(const Graph& graph) {
  const int count = static_cast<int>(graph.tensors.size());
  const auto exists = [&](int t, const char* what) {
    if (t < 0 || t >= count)
      throw_error("{}: graph {} {} does not exist, allowed 0..{}", graph.file, what, t, count - 1);
  };
  std::vector<bool> known(graph.tensors.size());
  for (std::size_t t = 0; t < known.size(); ++t) known[t] = graph.tensors[t].is_constant;
  for (const int t : graph.inputs) {
    exists(t, "input");
    known[t] = true;
  }
  for (const Op& op : graph.ops) {
    for (const int t : op.inputs) {
      if (t < -1 || t >= count)
        throw_error("{}: input tensor {} does not exist, allowed -1..{}", label(graph, op), t,
                    count - 1);
      if (t >= 0 && !known[t])
        throw_error("{}: reads tensor {} '{}' before any operator writes it", label(graph, op), t,
                    graph.tensor(t).name);
    }
    for (const int t : op.outputs) {
      if (t < 0 || t >= count)
        throw_error("{}: output tensor {} does not exist, allowed 0..{}", label(graph, op), t,
                    count - 1);
      if (known[t] && graph.tensor(t).elements() > 0)
        throw_error("{}: writes tensor {} '{}', which already has a value", label(graph, op), t,
                    graph.tensor(t).name);
      known[t] = true;
    }
  }
  for (const int t : graph.outputs) {
    exists(t, "output");
    if (!known[t])
      throw_error("{}: graph output {} '{}' is never written", graph.file, t, graph.tensor(t).name);
  }
}

void check_op(const Graph& graph, const Op& op) {
  const rules::Context ctx{graph, op};
  if (op.kind == OpKind::kUnknown) rules::unknown(ctx);
  if (op.outputs.size() != 1)
    rules::fail(ctx, Reason::kOperands, "{} outputs, allowed 1", op.outputs.size());
  for (const int t : op.inputs)
    if (t >= 0) rules::require_extents(ctx, graph.tensor(t), false);
  rules::require_extents(ctx, ctx.out(), true);
  check_attributes(ctx);
  kRules[static_cast<std::size_t>(op.kind)](ctx);
}

void check(const Graph& graph) {
  for (std::size_t t = 0; t < graph.tensors.size(); ++t) check_tensor(graph, t);
  Faults faults;
  for (const Op& op : graph.ops) {
    try {
      check_op(graph, op);
    } catch (const Refusal& refusal) {
      faults.add(refusal);
    }
  }
  if (!faults.empty()) throw faults.joined();
}

}  // namespace trine::model
