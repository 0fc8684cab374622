// SPDX-License-Identifier: Apache-2.0
//
// Which operators run on the host: those on float inputs down to the first codes, what layouts can
// do at both ends (edges.h), and at the other end SOFTMAX that the machine cannot compute,
// DEQUANTIZE, operators on floats, and what only moves their codes.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/index.h"
#include "sw/compiler/lower/edges.h"
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

/// Where a tensor's codes lie in that which operators that only move make it of.
struct Moved {
  int from = -1;
  std::optional<model::View> view;
  bool turned = false;  ///< by a TRANSPOSE
};

/// How each tensor was moved. @param across  whether QUANTIZE is passed by, too
std::map<int, Moved> movement(const Graph& graph, bool across) {
  std::map<int, Moved> result;
  const auto of = [&](int t) -> Moved {
    const auto found = result.find(t);
    if (found != result.end()) return found->second;
    return {t, model::dense_view(graph.tensor(t).shape), false};
  };
  for (const Op& op : graph.ops) {
    if (!only_moves(op.kind) && !(across && op.kind == OpKind::kQuantize)) continue;
    Moved next = of(op.input(0));
    if (only_moves(op.kind) && next.view) next.view = moved(graph, op, *next.view);
    next.turned = next.turned || op.kind == OpKind::kTranspose;
    result[op.outputs[0]] = std::move(next);
  }
  return result;
}

/// Rows, columns, channels; nothing for a batch of images.
std::optional<std::vector<int>> image_of(const model::Tensor& t) {
  if (t.rank() < 1 || (t.rank() == 4 && t.extent(0) != 1)) return std::nullopt;
  if (t.rank() == 4) return std::vector<int>{t.extent(1), t.extent(2), t.extent(3)};
  return std::vector<int>{1, static_cast<int>(t.elements() / t.extent(-1)), t.extent(-1)};
}

/// Whether the host can lay out the image that they make of another tensor (before), or the other
/// tensor that they make of the image.
bool lays_out(const Graph& graph, const Moved& path, int tensor, bool before) {
  const model::Tensor& t = graph.tensor(before ? tensor : path.from);
  const auto image = image_of(t);
  if (!image || t.type != model::DataType::kInt8 || !path.turned || !path.view) return false;
  const auto view = before ? path.view : model::inverse(*path.view);
  return view && steps_of(*view, *image);
}

/// Whether nobody but the next operator reads the tensor.
bool is_passed_on(const Graph& graph, const Uses& uses, int tensor) {
  const auto found = uses.readers.find(tensor);
  return found != uses.readers.end() && found->second.size() == 1 &&
         std::ranges::count(graph.outputs, tensor) == 0;
}

/// An operator on single codes between an input and products alone: the host looks them up.
bool input_is_looked_up(const Graph& graph, const Uses& uses, const Op& op) {
  const auto is_first_layer = [&](const Op* reader) {
    return model::is_product(reader->kind) && reader->input(0) == op.outputs[0] &&
           std::ranges::count(reader->inputs, op.outputs[0]) == 1;
  };
  if (element_operand(graph, op) < 0 || graph.out(op).type != model::DataType::kInt8 ||
      !std::ranges::all_of(uses.readers.at(op.outputs[0]), is_first_layer))
    return false;
  const Op* first = &op;
  for (;;) {
    const int from = first->input(std::max(element_operand(graph, *first), 0));
    if (!is_passed_on(graph, uses, from)) return false;
    const model::DataType type = graph.tensor(from).type;
    if (std::ranges::count(graph.inputs, from) > 0)
      return type == model::DataType::kInt8 || type == model::DataType::kUInt8;
    const auto maker = uses.maker.find(from);
    if (maker == uses.maker.end()) return false;
    first = maker->second;
    if (!only_moves(first->kind) && element_operand(graph, *first) < 0) return false;
  }
}

/// Operators between the codes of an input and what the machine wants, other codes or another order
/// of them (N C H W to N H W C), which the host does as it lays the input out anyway. Before a
/// product of maps, and alone, the machine does it.
std::set<const Op*> lay_out_inputs(const Graph& graph) {
  const Uses uses(graph);
  const std::map<int, Moved> paths = movement(graph, true);
  std::set<const Op*> result;
  const auto of_host = [&](const Op* op) { return result.contains(op); };
  const auto of_machine = [&](const Op* op) {
    return !of_host(op) &&
           (op->kind == OpKind::kBatchMatMul || only_moves(op->kind) || to_uint8(graph, *op));
  };
  for (auto op = graph.ops.rbegin(); op != graph.ops.rend(); ++op) {
    const auto found = uses.readers.find(op->outputs[0]);
    const bool is_output = std::ranges::count(graph.outputs, op->outputs[0]);
    if (is_output || found == uses.readers.end()) continue;
    const auto& readers = found->second;
    const bool before = (only_moves(op->kind) || element_operand(graph, *op) >= 0) &&
                        std::ranges::all_of(readers, of_host);
    const auto path = paths.find(op->outputs[0]);
    const bool turns = only_moves(op->kind) && std::ranges::none_of(readers, of_machine) &&
                       std::ranges::count(graph.inputs, path->second.from) > 0 &&
                       lays_out(graph, path->second, op->outputs[0], true);
    if (before || turns || input_is_looked_up(graph, uses, *op)) result.insert(&*op);
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

/// TRANSPOSE whose result the host reads out of an image that a layer stores.
bool reads_image(const Graph& graph, const Uses& uses, const std::map<int, Moved>& paths,
                 const Op& op) {
  if (op.kind != OpKind::kTranspose) return false;
  const Moved& path = paths.at(op.outputs[0]);
  const auto maker = uses.maker.find(path.from);
  return maker != uses.maker.end() && maker->second->kind != OpKind::kBatchMatMul &&
         lays_out(graph, path, op.outputs[0], false);
}

void add_once(std::vector<int>& list, int value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

/// Whether no reshape before it moves codes between pixels and channels.
bool keeps_channels(const Graph& graph, const Uses& uses, int tensor) {
  for (;;) {
    const auto found = uses.maker.find(tensor);
    if (found == uses.maker.end() || !only_moves(found->second->kind)) return true;
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
                        model::computes_floats(op.kind) || only_moves(op.kind) ||
                        takes_image(graph, op);
    const auto is_known = [&](int t) {
      return t < 0 || graph.tensor(t).is_constant || known.contains(t);
    };
    const bool is_laid_out = laid_out.contains(&op) && !is_state(graph, op.input(0));
    if ((!hosted && !is_laid_out) || !std::ranges::all_of(op.inputs, is_known) ||
        !(is_float(graph, op.input(0)) || from_uint8(graph, op) || takes_image(graph, op) ||
          makes_bytes(graph, op) || is_laid_out))
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
    const bool moved = only_moves(op.kind) && from_host[op.input(0)];
    for (const int t : op.outputs) from_host[t] = moved || at_end(op);
  }
  // Backwards: an operator whose readers are all on the host can follow them there.
  const std::map<int, Moved> paths = movement(graph, false);
  std::set<int> read_by_machine;
  for (int i = count; i-- > 0;) {
    const Op& op = op_at(i);
    if (before.contains(i)) continue;
    const bool free =
        std::ranges::none_of(op.outputs, [&](int t) { return read_by_machine.contains(t); });
    const bool cheap = reads_image(graph, uses, paths, op) ||
                       (op.kind != OpKind::kTranspose && !joins_heads(graph, uses, op));
    const bool moved = only_moves(op.kind) && (cheap || from_host[op.input(0)] ||
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
