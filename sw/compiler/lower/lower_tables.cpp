// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower_tables.h"

#include <numeric>

#include "sw/compiler/lower/graph_facts.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/maps.h"

namespace trine::compiler {
namespace {

void set_table(const Function& function, Layer& layer) {
  layer.result = Output::kLookup;
  layer.table.assign(function.values.bytes.begin(), function.values.bytes.end());
}

std::string text_of(const GraphFacts& facts, const Function& function) {
  std::string text;
  for (const int i : function.ops) text += (text.empty() ? "" : "+") + facts.op(i).name;
  return text;
}

/// Returns true if QUANTIZE or a similar operator needs no table.
bool is_rescaled(const Lowering& ctx, const Op& o) {
  return is_requantization(o.kind) && ctx.map_by_tensor.contains(o.input(0)) && ctx.config.vector &&
         !half_even_problem(ctx, o);
}

}  // namespace

void find_tables(GraphFacts& facts) {
  const auto& outputs = facts.part.outputs;
  facts.stored.insert(outputs.begin(), outputs.end());
  if (!facts.config.table) return;
  facts.functions = find_functions(facts.graph, facts.part.ops, facts.rounding);
  // Last operators first: a table cannot produce int16 codes that another operator reads as such.
  for (auto i = facts.part.ops.rbegin(); i != facts.part.ops.rend(); ++i) {
    const Op& o = facts.op(*i);
    if (is_wide(facts, o) && facts.stored.contains(o.outputs[0]))
      facts.functions.erase(o.outputs[0]);
    if (!is_function(facts, o)) facts.stored.insert(o.inputs.begin(), o.inputs.end());
  }
  std::map<int, std::vector<int>> results;  // by root
  for (const auto& [tensor, function] : facts.functions)
    if (facts.stored.contains(tensor)) results[function.root].push_back(tensor);
  for (const auto& [root, tensors] : results)
    if (tensors.size() == 1 && !facts.stored.contains(root) &&
        facts.graph.tensor(tensors[0]).type == model::DataType::kInt8)
      facts.looked_up[root] = tensors[0];
}

bool is_function(const GraphFacts& facts, const Op& o) {
  return facts.functions.contains(o.outputs[0]);
}

int look_up_result(const Lowering& ctx, int tensor, Layer& layer) {
  const auto found = ctx.looked_up.find(tensor);
  if (found == ctx.looked_up.end() || !layer.can_look_up()) return tensor;
  const Function& function = ctx.functions.at(found->second);
  set_table(function, layer);
  layer.op += "+" + text_of(ctx, function);
  layer.name = ctx.graph.tensor(found->second).name;
  return found->second;
}

Problem function_problem(const Lowering& ctx, const Op& o) {
  const int tensor = o.outputs[0];
  if (!ctx.stored.contains(tensor) || ctx.map_by_tensor.contains(tensor)) return std::nullopt;
  if (auto problem = types_problem(ctx, o)) return problem;
  if (is_rescaled(ctx, o)) return requantize_problem(ctx, o);
  return first_of(map_problem(ctx, ctx.functions.at(tensor).root), result_problem(ctx, o));
}

void function(Lowering& ctx, const Op& o) {
  const int tensor = o.outputs[0];
  if (!ctx.stored.contains(tensor) || ctx.map_by_tensor.contains(tensor)) return;
  if (is_rescaled(ctx, o)) return requantize(ctx, o);
  const Function& function = ctx.functions.at(tensor);
  const int root = map_of(ctx, function.root);
  std::vector<int> channels(at(ctx.shape(root).C));
  std::iota(channels.begin(), channels.end(), 0);
  Layer layer = ctx.config.vector ? copy(ctx, o, root) : selection(ctx, o, root, channels);
  set_table(function, layer);
  layer.op = text_of(ctx, function);
  add_layer(ctx, o, std::move(layer));
}

}  // namespace trine::compiler
