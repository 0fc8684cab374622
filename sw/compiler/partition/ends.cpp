// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/partition/ends.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sw/base/index.h"
#include "sw/compiler/lower/findings.h"
#include "sw/compiler/network/codes.h"
#include "sw/compiler/network/movement.h"
#include "sw/compiler/network/subgraph.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/shapes.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Op;
using model::OpKind;

bool is_float(const Graph& graph, int tensor) {
  return graph.tensor(tensor).type == model::DataType::kFloat32;
}

/// Returns true for positions, categories and truth values.
bool is_number(const Graph& graph, int tensor) {
  const model::DataType type = graph.tensor(tensor).type;
  return type == model::DataType::kInt32 || type == model::DataType::kInt64 ||
         type == model::DataType::kBool;
}

/// Returns true for QUANTIZE from uint8, which is at the graph's inputs.
bool from_uint8(const Graph& graph, const Op& op) {
  return op.kind == OpKind::kQuantize && graph.in(op, 0).type == model::DataType::kUInt8;
}

/// Returns true for QUANTIZE to uint8, which is at the graph's outputs.
bool to_uint8(const Graph& graph, const Op& op) {
  return op.kind == OpKind::kQuantize && graph.out(op).type == model::DataType::kUInt8;
}

/// Returns true if the operator makes an input of another type bytes that pass through the machine.
bool makes_bytes(const Graph& graph, const Op& op) {
  return op.kind == OpKind::kOnnx && op.name == "Bitcast" &&
         graph.out(op).type == model::DataType::kInt8;
}

/// The readers and makers of tensors.
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

/// Returns true if the operator cuts an image, or codes that become one, out of a batch.
bool takes_image(const Graph& graph, const Uses& uses, const Op& op) {
  if (op.kind != OpKind::kStridedSlice) return false;
  const model::Tensor& batch = graph.in(op, 0);
  if (batch.rank() == 0 || batch.extent(0) == 1) return false;
  const auto is_image = [&](const Op* reader) {
    const model::Tensor& out = graph.out(*reader);
    return model::is_reshape(reader->kind) && out.rank() == 4 && out.extent(0) == 1;
  };
  const auto readers = uses.readers.find(op.outputs[0]);
  return batch.rank() == 4 ||
         (readers != uses.readers.end() && std::ranges::all_of(readers->second, is_image));
}

/// The position of a tensor's codes in the tensor from which movement operators made it.
struct Moved {
  int from = -1;
  std::optional<model::View> view;
  bool turned = false;  ///< by a TRANSPOSE
};

/// Returns the movement of each tensor. @param across  true to pass over QUANTIZE, too
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

/// Returns rows, columns and channels, or nothing for a batch of images.
std::optional<std::vector<int>> image_of(const model::Tensor& t) {
  if (t.rank() < 1 || (t.rank() == 4 && t.extent(0) != 1)) return std::nullopt;
  if (t.rank() == 4) return std::vector<int>{t.extent(1), t.extent(2), t.extent(3)};
  return std::vector<int>{1, static_cast<int>(t.elements() / t.extent(-1)), t.extent(-1)};
}

/// Returns true if the host can lay out the image that the movement makes of another tensor
/// (before), or the other tensor that it makes of the image.
bool lays_out(const Graph& graph, const spec::Config& config, const Moved& path, int tensor,
              bool before) {
  const model::Tensor& t = graph.tensor(before ? tensor : path.from);
  const auto image = image_of(t);
  if (!image || !is_code(t, config) || !path.turned || !path.view) return false;
  const auto view = before ? path.view : model::inverse(*path.view);
  return view && steps_of(*view, *image);
}

/// Returns true if only the next operator reads the tensor.
bool is_passed_on(const Graph& graph, const Uses& uses, int tensor) {
  const auto found = uses.readers.find(tensor);
  return found != uses.readers.end() && found->second.size() == 1 &&
         std::ranges::count(graph.outputs, tensor) == 0;
}

/// Returns true for an operator on single codes between an input and products if only products read
/// it. The host then looks the codes up.
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

/// Returns the operators that the host can do when it lays out an input: they change the codes or
/// their order (N C H W to N H W C). The machine does them before a product of maps, or if they are
/// the only operators.
std::set<const Op*> lay_out_inputs(const Graph& graph, const spec::Config& config) {
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
                       lays_out(graph, config, path->second, op->outputs[0], true);
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

/// Returns true for a TRANSPOSE whose result the host reads out of an image that a layer stores.
bool reads_image(const Graph& graph, const spec::Config& config, const Uses& uses,
                 const std::map<int, Moved>& paths, const Op& op) {
  if (op.kind != OpKind::kTranspose) return false;
  const Moved& path = paths.at(op.outputs[0]);
  const auto maker = uses.maker.find(path.from);
  return maker != uses.maker.end() && maker->second->kind != OpKind::kBatchMatMul &&
         lays_out(graph, config, path, op.outputs[0], false);
}

void add_once(std::vector<int>& list, int value) {
  if (std::ranges::find(list, value) == list.end()) list.push_back(value);
}

/// Returns true if no reshape before the tensor moves codes between pixels and channels.
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

/// Returns true for the last operator of an attention, whose products write the channels of their
/// head.
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

bool is_constant(const Graph& graph, int tensor) {
  return tensor < 0 || graph.tensor(tensor).is_constant;
}

/// The passes, in the order in which ends_of() runs them.
class EndFinder {
 public:
  EndFinder(const Graph& graph, const spec::Config& config)
      : graph_(graph), config_(config), uses_(graph) {}

  /// Finds, forwards, the operators that make the machine's codes of an input. Excludes those whose
  /// numbers are also read by others, because these numbers do not pass through the machine.
  void find_before() {
    const std::set<const Op*> laid_out = lay_out_inputs(graph_, config_);
    std::set<int> others;
    do collect_before(laid_out, others);
    while (makes_numbers_for_others(others));
  }

  /// Finds, forwards, the tensors that the host makes at the end, including movement of their
  /// codes.
  void find_hosted() {
    for (const Op& op : graph_.ops) {
      const bool moved = only_moves(op.kind) && hosted_.contains(op.input(0));
      if (moved || is_for_host(op)) hosted_.insert(op.outputs.begin(), op.outputs.end());
    }
  }

  /// Finds, backwards, operators whose readers are all on the host and that can also run there.
  void find_after() {
    const std::map<int, Moved> paths = movement(graph_, false);
    std::set<int> read_by_machine;
    for (int i = count(); i-- > 0;) {
      if (before_.contains(i)) continue;
      const auto is_read = [&](int t) { return read_by_machine.contains(t); };
      if (std::ranges::none_of(op(i).outputs, is_read) &&
          (is_for_host(op(i)) || moves_on_host(op(i), paths)))
        after_.insert(i);
      else
        read_by_machine.insert(op(i).inputs.begin(), op(i).inputs.end());
    }
  }

  /// Returns the other operators.
  std::vector<int> machine() const {
    std::vector<int> machine;
    for (int i = 0; i < count(); ++i)
      if (!before_.contains(i) && !after_.contains(i)) machine.push_back(i);
    return machine;
  }

  /// Finds the tensors that the machine reads from outside, and the machine's tensors that the host
  /// reads.
  void find_borders(MachinePart& machine) const {
    const std::set<int> computed = made_by(machine.ops), produced = made_by(after_);
    const auto read = [&](int t) {
      if (!is_constant(graph_, t) && !computed.contains(t) && !produced.contains(t))
        add_once(machine.inputs, t);
    };
    const auto hand_over = [&](int t) {
      if (produced.contains(t)) return;
      read(t);
      add_once(machine.outputs, t);
    };
    for (const int i : machine.ops) std::ranges::for_each(op(i).inputs, read);
    for (const int i : after_)
      for (const int t : op(i).inputs)
        if (!is_constant(graph_, t)) hand_over(t);
    std::ranges::for_each(graph_.outputs, hand_over);
  }

  /// Returns separate graphs of the host's operators before and after the machine.
  Graph before(const MachinePart& machine) const {
    return subgraph(graph_, {before_.begin(), before_.end()}, graph_.inputs, machine.inputs);
  }
  Graph after(const MachinePart& machine) const {
    return subgraph(graph_, {after_.begin(), after_.end()}, machine.outputs, graph_.outputs);
  }

 private:
  void collect_before(const std::set<const Op*>& laid_out, const std::set<int>& others) {
    before_.clear();
    std::set<int> known(graph_.inputs.begin(), graph_.inputs.end());
    for (int i = 0; i < count(); ++i) {
      const auto is_known = [&](int t) { return is_constant(graph_, t) || known.contains(t); };
      const bool is_laid_out = laid_out.contains(&op(i)) && !is_state(graph_, op(i).input(0));
      if (others.contains(i) || !std::ranges::all_of(op(i).inputs, is_known)) continue;
      if (!is_laid_out && !makes_codes(op(i))) continue;
      before_.insert(i);
      known.insert(op(i).outputs[0]);
    }
  }

  /// @return true if there are new ones
  bool makes_numbers_for_others(std::set<int>& others) const {
    const std::size_t known = others.size();
    for (const int i : before_) {
      const int t = op(i).outputs[0];
      if ((is_number(graph_, t) || casts_bytes(op(i))) &&
          (std::ranges::count(graph_.outputs, t) > 0 || is_read_by_others(t)))
        others.insert(i);
    }
    return others.size() > known;
  }

  /// Returns true if an operator that is not before the machine reads the tensor.
  bool is_read_by_others(int t) const {
    for (int k = 0; k < count(); ++k)
      if (!before_.contains(k) && std::ranges::count(op(k).inputs, t) > 0) return true;
    return false;
  }

  int count() const { return static_cast<int>(graph_.ops.size()); }
  const Op& op(int i) const { return graph_.ops[at(i)]; }

  /// Returns true if the operator makes numbers of bytes without a scale.
  bool casts_bytes(const Op& op) const {
    return op.kind == OpKind::kOnnx && op.name == "Cast" &&
           graph_.in(op, 0).type == model::DataType::kUInt8;
  }

  /// Returns true if the operator may be between an input that does not contain codes of the
  /// machine and the first codes.
  bool makes_codes(const Op& op) const {
    if (takes_image(graph_, uses_, op)) return true;
    if (quantizes_words(graph_, op, config_) && !op.on_host) return false;
    const bool of_host = op.kind == OpKind::kQuantize || op.kind == OpKind::kThreshold ||
                         op.kind == OpKind::kFloat || op.kind == OpKind::kOnnx ||
                         model::computes_floats(op.kind) || only_moves(op.kind);
    return of_host && (is_float(graph_, op.input(0)) || is_number(graph_, op.input(0)) ||
                       from_uint8(graph_, op) || casts_bytes(op) || makes_bytes(graph_, op));
  }

  /// Returns true if the host must run the operator when it is at the end.
  bool is_for_host(const Op& op) const {
    if (on_host_at_end(graph_, op)) return true;
    return op.kind == OpKind::kSoftmax &&
           (softmax_problem(graph_, op, config_) || !keeps_channels(graph_, uses_, op.input(0)));
  }

  /// Returns true for movement of codes that the host has, of types that the machine does not
  /// support, or that the host does while it reads codes out.
  bool moves_on_host(const Op& op, const std::map<int, Moved>& paths) const {
    if (!only_moves(op.kind)) return false;
    const bool cheap = reads_image(graph_, config_, uses_, paths, op) ||
                       (op.kind != OpKind::kTranspose && !joins_heads(graph_, uses_, op));
    return cheap || hosted_.contains(op.input(0)) || !is_code(graph_.out(op), config_);
  }

  template <typename Ops>
  std::set<int> made_by(const Ops& ops) const {
    std::set<int> tensors;
    for (const int i : ops) tensors.insert(op(i).outputs.begin(), op(i).outputs.end());
    return tensors;
  }

  const Graph& graph_;
  const spec::Config& config_;
  Uses uses_;
  std::set<int> before_, after_;  ///< operators
  std::set<int> hosted_;          ///< tensors of the host at the end
};

}  // namespace

Ends ends_of(const Graph& graph, const spec::Config& config) {
  EndFinder passes(graph, config);
  passes.find_before();
  passes.find_hosted();
  passes.find_after();
  MachinePart machine{.ops = passes.machine(), .inputs = {}, .outputs = {}};
  passes.find_borders(machine);
  Graph before = passes.before(machine), after = passes.after(machine);
  return {std::move(machine), std::move(before), std::move(after)};
}

Lowered try_lower(const Graph& graph, const spec::Config& config,
                  const reference::RoundingPolicy& rounding) {
  model::check(graph);
  Ends ends = ends_of(graph, config);
  Lowered lowered = lower(graph, ends.machine, config, rounding);
  lowered.network.before = std::move(ends.before);
  lowered.network.after = std::move(ends.after);
  return lowered;
}

Network lower(const Graph& graph, const spec::Config& config,
              const reference::RoundingPolicy& rounding) {
  Lowered lowered = try_lower(graph, config, rounding);
  if (lowered.refused) throw Unsupported(*lowered.refused);
  return std::move(lowered.network);
}

}  // namespace trine::compiler
