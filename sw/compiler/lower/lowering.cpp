// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lowering.h"

#include <algorithm>

namespace trine::compiler {

Lowered Lowering::run() {
  net_.in_steps = std::ranges::any_of(machine_, [this](int i) { return op(i).of_cell; });
  find_facts();
  if (auto refused = judge([this](int i) { return precisions_problem(op(i)); }))
    return {{}, std::move(refused)};
  for (const model::State& state : graph_.states) add_state(state);
  for (const int t : net_.input_tensors)
    if (auto problem = input_problem(t))
      return {{}, Unsupported(*problem, readers_of(t))};
    else
      add_input(t);
  if (auto refused = judge([this](int i) { return lower(i); })) return {{}, std::move(refused)};
  for (const int t : net_.output_tensors) {
    net_.outputs.push_back(own_map(t));
    net_.maps[at(net_.outputs.back())].output = true;
  }
  if (noted_) throw model::Refusal(*noted_);
  set_lifetimes(net_);
  if (config_.packed) set_stored_shares(net_, config_);
  return {std::move(net_), std::nullopt};
}

template <typename Ask>
std::optional<Unsupported> Lowering::judge(Ask ask) {
  model::Faults faults;
  std::vector<int> refused;
  std::set<int> missing;                      // tensors
  std::set<std::pair<int, OpKind>> reported;  // reported once for all steps of an operator
  for (const int i : machine_) {
    const bool hopeless =
        std::ranges::any_of(op(i).inputs, [&](int t) { return missing.contains(t); });
    Problem problem = host_problem(op(i));
    if (!problem && !hopeless) problem = ask(i);
    if (problem) {
      if (reported.emplace(op(i).index, op(i).kind).second) faults.add(*problem);
      refused.push_back(i);
    }
    if ((problem || hopeless) && !stand_in(op(i)))
      missing.insert(op(i).outputs.begin(), op(i).outputs.end());
  }
  if (faults.empty()) return std::nullopt;
  return Unsupported(faults.joined(), std::move(refused));
}

const Lowering::Rule* Lowering::rule_of(OpKind kind) {
  static constexpr std::pair<OpKind, Rule> kRows[] = {
      {OpKind::kAdd, {&Lowering::addition_problem, &Lowering::addition}},
      {OpKind::kAveragePool2D, {&Lowering::average_pool_problem, &Lowering::average_pool}},
      {OpKind::kBatchMatMul, {&Lowering::batch_matmul_problem, &Lowering::batch_matmul}},
      {OpKind::kBroadcastTo, {&Lowering::broadcast_to_problem, &Lowering::broadcast_to}},
      {OpKind::kConcatenation, {&Lowering::concatenation_problem, &Lowering::concatenation}},
      {OpKind::kConv2D, {&Lowering::product_problem, &Lowering::product}},
      {OpKind::kDepthToSpace, {&Lowering::blocks_problem, &Lowering::depth_to_space}},
      {OpKind::kDepthwiseConv2D, {&Lowering::product_problem, &Lowering::product}},
      {OpKind::kExpandDims, {&Lowering::reshape_problem, &Lowering::reshape}},
      {OpKind::kFullyConnected, {&Lowering::product_problem, &Lowering::product}},
      {OpKind::kGather, {&Lowering::gather_problem, &Lowering::gather}},
      {OpKind::kLeakyRelu, {&Lowering::requantize_problem, &Lowering::requantize}},
      {OpKind::kLogistic, {&Lowering::line_problem, &Lowering::line}},
      {OpKind::kMaximum, {&Lowering::two_maps_problem, &Lowering::maximum}},
      {OpKind::kMaxPool2D, {&Lowering::max_pool_problem, &Lowering::max_pool}},
      {OpKind::kMean, {&Lowering::mean_problem, &Lowering::mean}},
      {OpKind::kMinimum, {&Lowering::two_maps_problem, &Lowering::minimum}},
      {OpKind::kMirrorPad, {&Lowering::mirror_pad_problem, &Lowering::mirror_pad}},
      {OpKind::kMul, {&Lowering::multiplication_problem, &Lowering::multiplication}},
      {OpKind::kNormalization, {&Lowering::normalization_problem, &Lowering::normalization}},
      {OpKind::kPad, {&Lowering::pad_problem, &Lowering::pad}},
      {OpKind::kPadV2, {&Lowering::pad_problem, &Lowering::pad}},
      {OpKind::kQuantize, {&Lowering::requantize_problem, &Lowering::requantize}},
      {OpKind::kReduceMax, {&Lowering::reduce_max_problem, &Lowering::reduce_max}},
      {OpKind::kReduceMin, {&Lowering::reduce_max_problem, &Lowering::reduce_max}},
      {OpKind::kRelu, {&Lowering::requantize_problem, &Lowering::requantize}},
      {OpKind::kRelu6, {&Lowering::requantize_problem, &Lowering::requantize}},
      {OpKind::kReluN1To1, {&Lowering::requantize_problem, &Lowering::requantize}},
      {OpKind::kReshape, {&Lowering::reshape_problem, &Lowering::reshape}},
      {OpKind::kResizeBilinear, {&Lowering::resize_problem, &Lowering::resize}},
      {OpKind::kResizeNearestNeighbor, {&Lowering::resize_problem, &Lowering::resize}},
      {OpKind::kSoftmax, {&Lowering::softmax_problem, &Lowering::softmax}},
      {OpKind::kSpaceToDepth, {&Lowering::blocks_problem, &Lowering::space_to_depth}},
      {OpKind::kSquaredDifference,
       {&Lowering::squared_difference_problem, &Lowering::squared_difference}},
      {OpKind::kSqueeze, {&Lowering::reshape_problem, &Lowering::reshape}},
      {OpKind::kStridedSlice, {&Lowering::strided_slice_problem, &Lowering::strided_slice}},
      {OpKind::kSub, {&Lowering::subtraction_problem, &Lowering::subtraction}},
      {OpKind::kSum, {&Lowering::mean_problem, &Lowering::mean}},
      {OpKind::kTanh, {&Lowering::line_problem, &Lowering::line}},
      {OpKind::kThreshold, {&Lowering::threshold_problem, &Lowering::threshold}},
      {OpKind::kTranspose, {&Lowering::transpose_problem, &Lowering::transpose}},
      {OpKind::kTransposeConv,
       {&Lowering::transpose_convolution_problem, &Lowering::transpose_convolution}},
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

Problem Lowering::problem(const Op& o) const {
  if (is_function(o)) return function_problem(o);
  if (auto problem = types_problem(o)) return problem;
  const bool table = model::class_of(o.kind) == model::OpClass::kFunction && !is_wide(o);
  if (const Rule* rule = rule_of(o.kind); rule != nullptr && !table)
    return (this->*rule->problem)(o);
  if (table && !config_.table && model::computes_codes(o.kind))
    return refusal(o, o.outputs[0], Reason::kConfiguration,
                   " needs the lookup table (vector.table)");
  return no_such_operator(o);
}

Problem Lowering::lower(int index) {
  const Op& o = op(index);
  if (fused_into_.contains(index)) return std::nullopt;  // with the ADD
  if (range_of_sum(o)) return std::nullopt;              // with LOGISTIC or TANH
  if (auto found = problem(o)) return found;
  if (is_function(o))
    function(o);
  else
    (this->*rule_of(o.kind)->lower)(o);
  return std::exchange(noted_, std::nullopt);
}

Lowered lower(const Graph& graph, const MachinePart& part, const spec::Config& config,
              const reference::RoundingPolicy& rounding) {
  return Lowering(graph, part, config, rounding).run();
}

}  // namespace trine::compiler
