// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lowering.h"

#include <algorithm>
#include <optional>
#include <set>

#include "sw/compiler/lower/lower_axes.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_lines.h"
#include "sw/compiler/lower/lower_matmul.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/lower_pools.h"
#include "sw/compiler/lower/lower_products.h"
#include "sw/compiler/lower/lower_reductions.h"
#include "sw/compiler/lower/lower_resize.h"
#include "sw/compiler/lower/lower_tables.h"
#include "sw/compiler/lower/maps.h"

namespace trine::compiler {
namespace {

/// The two functions of a kind of operator.
struct Rule {
  Problem (*problem)(const Lowering& ctx, const Op& o) = nullptr;
  void (*lower)(Lowering& ctx, const Op& o) = nullptr;  ///< @pre no problem
  constexpr bool operator==(const Rule&) const = default;
};

/// Returns the rule, or nullptr if the machine has no such operator, or if it is a function of one
/// code.
const Rule* rule_of(OpKind kind) {
  static constexpr std::pair<OpKind, Rule> kRows[] = {
      {OpKind::kAdd, {addition_problem, addition}},
      {OpKind::kAveragePool2D, {average_pool_problem, average_pool}},
      {OpKind::kBatchMatMul, {batch_matmul_problem, batch_matmul}},
      {OpKind::kBroadcastTo, {broadcast_to_problem, broadcast_to}},
      {OpKind::kConcatenation, {concatenation_problem, concatenation}},
      {OpKind::kConv2D, {product_problem, product}},
      {OpKind::kDepthToSpace, {blocks_problem, depth_to_space}},
      {OpKind::kDepthwiseConv2D, {product_problem, product}},
      {OpKind::kExpandDims, {reshape_problem, reshape}},
      {OpKind::kFullyConnected, {product_problem, product}},
      {OpKind::kGather, {gather_problem, gather}},
      {OpKind::kLeakyRelu, {requantize_problem, requantize}},
      {OpKind::kLogistic, {line_problem, line}},
      {OpKind::kMaximum, {two_maps_problem, maximum}},
      {OpKind::kMaxPool2D, {max_pool_problem, max_pool}},
      {OpKind::kMean, {mean_problem, mean}},
      {OpKind::kMinimum, {two_maps_problem, minimum}},
      {OpKind::kMirrorPad, {mirror_pad_problem, mirror_pad}},
      {OpKind::kMul, {multiplication_problem, multiplication}},
      {OpKind::kNormalization, {normalization_problem, normalization}},
      {OpKind::kPad, {pad_problem, pad}},
      {OpKind::kPadV2, {pad_problem, pad}},
      {OpKind::kQuantize, {requantize_problem, requantize}},
      {OpKind::kReduceMax, {reduce_max_problem, reduce_max}},
      {OpKind::kReduceMin, {reduce_max_problem, reduce_max}},
      {OpKind::kRelu, {requantize_problem, requantize}},
      {OpKind::kRelu6, {requantize_problem, requantize}},
      {OpKind::kReluN1To1, {requantize_problem, requantize}},
      {OpKind::kReshape, {reshape_problem, reshape}},
      {OpKind::kResizeBilinear, {resize_problem, resize}},
      {OpKind::kResizeNearestNeighbor, {resize_problem, resize}},
      {OpKind::kSoftmax, {softmax_problem, softmax}},
      {OpKind::kSpaceToDepth, {blocks_problem, space_to_depth}},
      {OpKind::kSquaredDifference, {squared_difference_problem, squared_difference}},
      {OpKind::kSqueeze, {reshape_problem, reshape}},
      {OpKind::kStridedSlice, {strided_slice_problem, strided_slice}},
      {OpKind::kSub, {subtraction_problem, subtraction}},
      {OpKind::kSum, {mean_problem, mean}},
      {OpKind::kTanh, {line_problem, line}},
      {OpKind::kThreshold, {threshold_problem, threshold}},
      {OpKind::kTranspose, {transpose_problem, transpose}},
      {OpKind::kTransposeConv, {transpose_convolution_problem, transpose_convolution}},
  };
  static constexpr auto kRules = model::table_of<Rule>(kRows, [](OpKind needed) {
    const model::OpClass type = model::class_of(needed);
    return type != model::OpClass::kFunction && type != model::OpClass::kHost &&
           type != model::OpClass::kNone && needed != OpKind::kLstm && needed != OpKind::kSpiking &&
           model::computes_codes(needed);
  });
  const Rule& rule = kRules[static_cast<std::size_t>(kind)];
  return rule == Rule{} ? nullptr : &rule;
}

/// Returns why the machine cannot compute the operator with its codes stored as they are. The
/// operators before it are layers already.
Problem problem_of(const Lowering& ctx, const Op& o) {
  if (is_function(ctx, o)) return function_problem(ctx, o);
  if (auto problem = types_problem(ctx, o)) return problem;
  const bool table = model::class_of(o.kind) == model::OpClass::kFunction && !is_wide(ctx, o);
  if (const Rule* rule = rule_of(o.kind); rule != nullptr && !table) return rule->problem(ctx, o);
  if (table && !ctx.config.table && model::computes_codes(o.kind))
    return refusal(ctx, o, o.outputs[0], Reason::kConfiguration,
                   " needs the lookup table (vector.table)");
  return no_such_operator(ctx, o);
}

/// Makes the operator's layers, or returns its problem.
Problem lower_operator(Lowering& ctx, int index) {
  const Op& o = ctx.op(index);
  if (ctx.fused_into.contains(index)) return std::nullopt;  // with the ADD
  if (range_of_sum(ctx, o)) return std::nullopt;            // with LOGISTIC or TANH
  if (auto found = problem_of(ctx, o)) return found;
  if (is_function(ctx, o))
    function(ctx, o);
  else
    rule_of(o.kind)->lower(ctx, o);
  return std::exchange(ctx.noted, std::nullopt);
}

/// Calls `ask(index)`, which returns a Problem, for the machine's operators in order. Skips
/// operators whose inputs have neither a map nor a stand-in.
/// @return all problems, or nothing if there are none
template <typename Ask>
std::optional<Unsupported> judge(Lowering& ctx, Ask ask) {
  model::Faults faults;
  std::vector<int> refused;
  std::set<int> missing;                      // tensors
  std::set<std::pair<int, OpKind>> reported;  // reported once for all steps of an operator
  for (const int i : ctx.part.ops) {
    const Op& o = ctx.op(i);
    const bool hopeless = std::ranges::any_of(o.inputs, [&](int t) { return missing.contains(t); });
    Problem problem = host_problem(ctx, o);
    if (!problem && !hopeless) problem = ask(i);
    if (problem) {
      if (reported.emplace(o.index, o.kind).second) faults.add(*problem);
      refused.push_back(i);
    }
    if ((problem || hopeless) && !stand_in(ctx, o))
      missing.insert(o.outputs.begin(), o.outputs.end());
  }
  if (faults.empty()) return std::nullopt;
  return Unsupported(faults.joined(), std::move(refused));
}

Lowered run(Lowering& ctx) {
  Network& net = ctx.net;
  net.in_steps = std::ranges::any_of(ctx.part.ops, [&](int i) { return ctx.op(i).of_cell; });
  if (auto refused = judge(ctx, [&](int i) { return precisions_problem(ctx, ctx.op(i)); }))
    return {{}, std::move(refused)};
  for (const model::State& state : ctx.graph.states) add_state(ctx, state);
  for (const int t : ctx.part.inputs)
    if (auto problem = input_problem(ctx, t))
      return {{}, Unsupported(*problem, readers_of(ctx, t))};
    else
      add_input(ctx, t);
  if (auto refused = judge(ctx, [&](int i) { return lower_operator(ctx, i); }))
    return {{}, std::move(refused)};
  for (const int t : ctx.part.outputs) {
    net.outputs.push_back(own_map(ctx, t));
    net.maps[at(net.outputs.back())].output = true;
  }
  if (ctx.noted) throw model::Refusal(*ctx.noted);
  set_lifetimes(net);
  if (ctx.config.packed) set_stored_shares(net, ctx.config);
  return {std::move(net), std::nullopt};
}

}  // namespace

Lowered lower(const Graph& graph, const MachinePart& part, const spec::Config& config,
              const reference::RoundingPolicy& rounding) {
  Lowering ctx(find_facts(graph, part, config, rounding));
  return run(ctx);
}

}  // namespace trine::compiler
