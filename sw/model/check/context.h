// SPDX-License-Identifier: Apache-2.0
//
// The context of the rules of check(): one operator and its graph. Each kind of operator has a row
// in operators.def, which names its rule: a function of rules_*.h that throws a Refusal for the
// first fault of the operator.

#pragma once

#include <fmt/format.h>

#include <utility>

#include "sw/model/graph/graph.h"
#include "sw/model/graph/refusal.h"

namespace trine::model::rules {

/// The operator to check.
struct Context {
  const Graph& graph;
  const Op& op;

  const Tensor& in(int position) const { return graph.in(op, position); }
  const Tensor& out() const { return graph.out(op); }
  /// Returns true if the input is present.
  bool has(int position) const { return op.input(position) >= 0; }
};

/// Throws the refusal of the operator, with its label before the text.
template <typename... Args>
[[noreturn]] void fail(const Context& ctx, Reason reason, fmt::format_string<Args...> text,
                       Args&&... args) {
  throw Refusal(reason,
                label(ctx.graph, ctx.op) + ": " + fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
[[noreturn]] void fail(const Context& ctx, fmt::format_string<Args...> text, Args&&... args) {
  fail(ctx, Reason::kAttribute, text, std::forward<Args>(args)...);
}

/// Throws the refusal of one tensor of the operator.
template <typename... Args>
[[noreturn]] void fail(const Context& ctx, Reason reason, const Tensor& tensor,
                       fmt::format_string<Args...> text, Args&&... args) {
  fail(ctx, reason, "tensor {} '{}': {}", &tensor - ctx.graph.tensors.data(), tensor.name,
       fmt::format(text, std::forward<Args>(args)...));
}
template <typename... Args>
[[noreturn]] void fail(const Context& ctx, const Tensor& tensor, fmt::format_string<Args...> text,
                       Args&&... args) {
  fail(ctx, Reason::kShape, tensor, text, std::forward<Args>(args)...);
}

}  // namespace trine::model::rules
