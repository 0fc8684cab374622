// SPDX-License-Identifier: Apache-2.0
//
// Lowers functions of one code to the lookup table. The table follows the layer that computes the
// code if no other layer reads it. Otherwise it is a pass of the vector unit.

#include <numeric>

#include "sw/compiler/lower/lowering.h"

namespace trine::compiler {

void GraphFacts::find_tables() {
  const auto& outputs = net_.output_tensors;
  stored_.insert(outputs.begin(), outputs.end());
  if (!config_.table) return;
  functions_ = find_functions(graph_, machine_, rounding_);
  // Last operators first: a table cannot produce int16 codes that another operator reads as such.
  for (auto i = machine_.rbegin(); i != machine_.rend(); ++i) {
    const Op& o = op(*i);
    if (is_wide(o) && stored_.contains(o.outputs[0])) functions_.erase(o.outputs[0]);
    if (!is_function(o)) stored_.insert(o.inputs.begin(), o.inputs.end());
  }
  std::map<int, std::vector<int>> results;  // by root
  for (const auto& [tensor, function] : functions_)
    if (stored_.contains(tensor)) results[function.root].push_back(tensor);
  for (const auto& [root, tensors] : results)
    if (tensors.size() == 1 && !stored_.contains(root) &&
        graph_.tensor(tensors[0]).type == model::DataType::kInt8)
      looked_up_[root] = tensors[0];
}

bool GraphFacts::is_function(const Op& o) const { return functions_.contains(o.outputs[0]); }

void Maps::set_table(const Function& function, Layer& layer) const {
  layer.result = Output::kLookup;
  layer.table.assign(function.values.bytes.begin(), function.values.bytes.end());
}

std::string GraphFacts::text_of(const Function& function) const {
  std::string text;
  for (const int i : function.ops) text += (text.empty() ? "" : "+") + op(i).name;
  return text;
}

int Maps::look_up_result(int tensor, Layer& layer) const {
  const auto found = looked_up_.find(tensor);
  if (found == looked_up_.end() || !layer.can_look_up()) return tensor;
  const Function& function = functions_.at(found->second);
  set_table(function, layer);
  layer.op += "+" + text_of(function);
  layer.name = graph_.tensor(found->second).name;
  return found->second;
}

/// Returns true if QUANTIZE or a similar operator needs no table.
bool Lowering::is_rescaled(const Op& o) const {
  return is_requantization(o.kind) && map_of_.contains(o.input(0)) && config_.vector &&
         !half_even_problem(o);
}

Problem Lowering::function_problem(const Op& o) const {
  const int tensor = o.outputs[0];
  if (!stored_.contains(tensor) || map_of_.contains(tensor)) return std::nullopt;
  if (auto problem = types_problem(o)) return problem;
  if (is_rescaled(o)) return requantize_problem(o);
  return first_of(map_problem(functions_.at(tensor).root), result_problem(o));
}

void Lowering::function(const Op& o) {
  const int tensor = o.outputs[0];
  if (!stored_.contains(tensor) || map_of_.contains(tensor)) return;
  if (is_rescaled(o)) return requantize(o);
  const Function& function = functions_.at(tensor);
  const int root = map_of(function.root);
  std::vector<int> channels(at(shape(root).C));
  std::iota(channels.begin(), channels.end(), 0);
  Layer layer = config_.vector ? copy(o, root) : selection(o, root, channels);
  set_table(function, layer);
  layer.op = text_of(function);
  add_layer(o, std::move(layer));
}

}  // namespace trine::compiler
