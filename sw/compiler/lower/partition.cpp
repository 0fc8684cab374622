// SPDX-License-Identifier: Apache-2.0
//
// Which operators run on the host: those on float inputs down to the first codes, what lays an
// image of planes (N C H W) out as the machine has it, or back, and at the other end SOFTMAX that
// the machine cannot compute, DEQUANTIZE, operators on floats, and what only moves their codes.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/index.h"
#include "sw/compiler/lower/findings.h"
#include "sw/compiler/stages.h"
#include "sw/model/shapes.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;
using model::OpKind;

bool is_float(const Graph& graph, int tensor) {
  return graph.tensor(tensor).type == model::DataType::kFloat32;
}

/// QUANTIZE from uint8, at the graph's inputs.
bool from_uint8(const Graph& graph, const Op& op) {
  return op.kind == OpKind::kQuantize && graph.in(op, 0).type == model::DataType::kUInt8;
}

/// QUANTIZE to uint8, at its outputs.
bool to_uint8(const Graph& graph, const Op& op) {
  return op.kind == OpKind::kQuantize && graph.out(op).type == model::DataType::kUInt8;
}

/// An input of another type as bytes that pass through the machine.
bool makes_bytes(const Graph& graph, const Op& op) {
  return op.kind == OpKind::kOnnx && op.name == "Bitcast" &&
         graph.out(op).type == model::DataType::kInt8;
}

/// Cuts an image out of a batch.
bool takes_image(const Graph& graph, const Op& op) {
  return op.kind == OpKind::kStridedSlice && graph.in(op, 0).rank() == 4 &&
         graph.in(op, 0).extent(0) > 1;
}

bool moves_codes(OpKind kind) { return model::is_reshape(kind) || kind == OpKind::kTranspose; }

/// Whether it turns an image of one order of axes into the other.
bool turns_image(const Graph& graph, const Op& op, const std::vector<int>& order) {
  if (op.kind != OpKind::kTranspose || graph.out(op).type != model::DataType::kInt8) return false;
  return model::permutation(graph, op) == order;
}

/// Readers and makers of tensors.
struct Uses {
  explicit Uses(const Graph& graph) {
    for (const Op& op : graph.ops) {
      for (const int t : op.inputs) readers[t].push_back(&op);
      for (const int t : op.outputs) maker[t] = &op;
    }
  }
  std::map<int, std::vector<const Op*>> readers;
  std::map<int, const Op*> maker;
};

/// Operators from codes N C H W to N H W C that the host does to an input as it lays it out anyway.
/// Before a product of maps, and alone, the machine does it.
std::set<const Op*> lay_out_inputs(const Graph& graph) {
  const Uses uses(graph);
  std::set<const Op*> result;
  const auto of_machine = [&](const Op* op) {
    return op->kind == OpKind::kBatchMatMul || moves_codes(op->kind) || to_uint8(graph, *op);
  };
  for (auto op = graph.ops.rbegin(); op != graph.ops.rend(); ++op) {
    const auto found = uses.readers.find(op->outputs[0]);
    const bool is_output = std::ranges::count(graph.outputs, op->outputs[0]);
    if (is_output || found == uses.readers.end()) continue;
    const auto& readers = found->second;
    const bool turns =
        turns_image(graph, *op, {0, 2, 3, 1}) && std::ranges::none_of(readers, of_machine);
    const bool before =
        (op->kind == OpKind::kQuantize || moves_codes(op->kind)) &&
        std::ranges::all_of(readers, [&](const Op* reader) { return result.contains(reader); });
    if (turns || before) result.insert(&*op);
  }
  return result;
}

bool is_state(const Graph& graph, int tensor) {
  return std::ranges::any_of(graph.states,
                             [&](const model::State& state) { return state.before == tensor; });
}

bool on_host_at_end(const Graph& graph, const Op& op) {
  return op.on_host || model::class_of(op.kind) == model::OpClass::kHost || from_uint8(graph, op) ||
         to_uint8(graph, op) ||
         ((op.kind == OpKind::kQuantize || op.kind == OpKind::kThreshold ||
           model::computes_floats(op.kind)) &&
          is_float(graph, op.input(0)));
}

void add_once(std::vector<int>& list, int value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

/// Whether no reshape before it moves codes between pixels and channels.
bool keeps_channels(const Graph& graph, const Uses& uses, int tensor) {
  for (;;) {
    const auto found = uses.maker.find(tensor);
    if (found == uses.maker.end() || !moves_codes(found->second->kind)) return true;
    const int from = found->second->input(0);
    if (found->second->kind == OpKind::kTranspose ||
        graph.tensor(from).extent(-1) != graph.tensor(tensor).extent(-1))
      return false;
    tensor = from;
  }
}

/// The last operator of an attention: its products write their channels.
bool joins_heads(const Graph& graph, const Uses& uses, const Op& op) {
  const auto maker = [&](const Op& of) -> const Op* {
    const auto found = uses.maker.find(of.input(0));
    return found == uses.maker.end() ? nullptr : found->second;
  };
  const Op* transpose = maker(op);
  if (transpose == nullptr || transpose->kind != OpKind::kTranspose) return false;
  const Op* product = maker(*transpose);
  const model::Tensor& joined = graph.out(*transpose);
  const auto order = model::permutation(graph, *transpose);
  if (!order || order->back() != joined.rank() - 1 || joined.extent(-1) % 4 != 0) return false;
  return product != nullptr && product->kind == OpKind::kBatchMatMul;
}

}  // namespace

std::optional<std::string> softmax_problem(const Graph& graph, const Op& op,
                                           const machine::Config& config) {
  if (!config.has_softmax()) return "the machine has no softmax (vector.softmax)";
  for (const int t : {op.input(0), op.outputs[0]})
    if (graph.tensor(t).type != model::DataType::kInt8)
      return fmt::format("'{}' is {}, the machine computes int8", graph.tensor(t).name,
                         model::name_of(graph.tensor(t).type));
  return std::nullopt;
}

std::vector<int> partition(const Graph& graph, const machine::Config& config, Network& network) {
  const int count = static_cast<int>(graph.ops.size());
  const auto op_at = [&](int i) -> const Op& { return graph.ops[at(i)]; };
  const std::set<const Op*> laid_out = lay_out_inputs(graph);
  const Uses uses(graph);
  std::set<int> before, after;
  std::set<int> known(graph.inputs.begin(), graph.inputs.end());
  for (int i = 0; i < count; ++i) {
    const Op& op = op_at(i);
    const bool hosted = op.kind == OpKind::kQuantize || op.kind == OpKind::kThreshold ||
                        op.kind == OpKind::kFloat || op.kind == OpKind::kOnnx ||
                        model::computes_floats(op.kind) || moves_codes(op.kind) ||
                        takes_image(graph, op);
    const auto is_known = [&](int t) {
      return t < 0 || graph.tensor(t).is_constant || known.contains(t);
    };
    const bool lays_out = laid_out.contains(&op) && !is_state(graph, op.input(0));
    if (!hosted || !std::ranges::all_of(op.inputs, is_known) ||
        !(is_float(graph, op.input(0)) || from_uint8(graph, op) || takes_image(graph, op) ||
          makes_bytes(graph, op) || lays_out))
      continue;
    before.insert(i);
    known.insert(op.outputs[0]);
  }
  const auto on_machine = [&](const Op& op) {
    return op.kind == OpKind::kSoftmax && !op.on_host && !softmax_problem(graph, op, config) &&
           keeps_channels(graph, uses, op.input(0));
  };
  const auto at_end = [&](const Op& op) {
    return on_host_at_end(graph, op) || (op.kind == OpKind::kSoftmax && !on_machine(op));
  };
  // What only moves codes follows those that it gets from the host.
  std::map<int, bool> from_host;  // of tensors
  for (const Op& op : graph.ops) {
    const bool moved = moves_codes(op.kind) && from_host[op.input(0)];
    for (const int t : op.outputs) from_host[t] = moved || at_end(op);
  }
  // Backwards: an operator whose readers are all on the host can follow them there.
  std::set<int> read_by_machine;
  for (int i = count; i-- > 0;) {
    const Op& op = op_at(i);
    if (before.contains(i)) continue;
    const bool free =
        std::ranges::none_of(op.outputs, [&](int t) { return read_by_machine.contains(t); });
    const auto maker = uses.maker.find(op.input(0));  // of codes that a layer stores as an image
    const bool lays_out = turns_image(graph, op, {0, 3, 1, 2}) && maker != uses.maker.end() &&
                          maker->second->kind != OpKind::kBatchMatMul &&
                          !moves_codes(maker->second->kind);
    const bool cheap = lays_out || (op.kind != OpKind::kTranspose && !joins_heads(graph, uses, op));
    const bool moved = moves_codes(op.kind) && (cheap || from_host[op.input(0)] ||
                                                graph.out(op).type != model::DataType::kInt8);
    const bool hosted = at_end(op) || moved;
    if (free && hosted)
      after.insert(i);
    else
      for (const int t : op.inputs) read_by_machine.insert(t);
  }

  std::vector<int> machine;
  std::set<int> produced;  // by the host, after
  for (int i = 0; i < count; ++i) {
    if (after.contains(i))
      for (const int t : op_at(i).outputs) produced.insert(t);
    else if (!before.contains(i))
      machine.push_back(i);
  }
  // The machine's ends: what its operators read from outside, what the host reads of it.
  std::set<int> computed;
  for (const int i : machine)
    for (const int t : op_at(i).outputs) computed.insert(t);
  network.input_tensors.clear();
  network.output_tensors.clear();
  const auto read = [&](int t) {
    if (t >= 0 && !graph.tensor(t).is_constant && !computed.contains(t) && !produced.contains(t))
      add_once(network.input_tensors, t);
  };
  for (const int i : machine)
    for (const int t : op_at(i).inputs) read(t);
  for (const int i : after)
    for (const int t : op_at(i).inputs)
      if (t >= 0 && !graph.tensor(t).is_constant && !produced.contains(t)) {
        read(t);
        add_once(network.output_tensors, t);
      }
  for (const int t : graph.outputs)
    if (!produced.contains(t)) {
      read(t);
      add_once(network.output_tensors, t);
    }
  network.before =
      subgraph(graph, {before.begin(), before.end()}, graph.inputs, network.input_tensors);
  network.after =
      subgraph(graph, {after.begin(), after.end()}, network.output_tensors, graph.outputs);
  return machine;
}

}  // namespace trine::compiler
