// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/partition/partition.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "sw/base/index.h"
#include "sw/compiler/network/codes.h"
#include "sw/compiler/network/movement.h"
#include "sw/compiler/partition/ends.h"
#include "sw/compiler/partition/segments.h"
#include "sw/host/onnx/evaluate.h"

namespace trine::compiler {
namespace {

using model::Graph;
using model::Reason;

/// Returns true if the operator computes or moves int16 codes.
bool is_wide(const Graph& graph, const model::Op& op) {
  const auto wide = [&](int t) {
    return t >= 0 && !graph.tensor(t).is_constant && graph.tensor(t).scale() > 0 &&
           graph.tensor(t).type == model::DataType::kInt16;
  };
  return std::ranges::any_of(op.inputs, wide) || std::ranges::any_of(op.outputs, wide);
}

/// Returns these operators and all that depend on their results.
std::vector<int> with_followers(const Graph& graph, const std::vector<int>& ops) {
  std::set<int> tensors;
  std::vector<int> result;
  for (int i = 0; i < static_cast<int>(graph.ops.size()); ++i) {
    const model::Op& op = graph.ops[at(i)];
    const auto follows = [&](int t) { return tensors.contains(t); };
    if (std::ranges::count(ops, i) == 0 && std::ranges::none_of(op.inputs, follows)) continue;
    tensors.insert(op.outputs.begin(), op.outputs.end());
    result.push_back(i);
  }
  return result;
}

/// Returns true if the operator makes codes from floats, or floats that never become codes again.
/// The host computes these at the network's edges, as it does for int8.
bool is_edge(const Graph& graph, const model::Op& op) {
  const auto from_floats = [&](const model::Op& o) {
    return o.kind == model::OpKind::kQuantize && graph.in(o, 0).type == model::DataType::kFloat32;
  };
  if (op.kind != model::OpKind::kDequantize) return from_floats(op);
  const int index = static_cast<int>(&op - graph.ops.data());
  return std::ranges::none_of(with_followers(graph, {index}),
                              [&](int i) { return from_floats(graph.ops[at(i)]); });
}

/// Returns true if the machine can execute the operator on int16 codes.
bool has_wide(const Graph& graph, const model::Op& op, const spec::Config& config) {
  if (op.kind == model::OpKind::kBatchMatMul)
    return graph.in(op, 0).type == model::DataType::kInt16 &&
           graph.in(op, 1).type == model::DataType::kInt16;
  if (quantizes_words(graph, op, config)) return true;
  if (op.kind == model::OpKind::kSoftmax)
    return graph.out(op).type == model::DataType::kInt16;  // lowering checks the rest
  if (model::is_product(op.kind) || op.kind == model::OpKind::kTransposeConv)
    return graph.in(op, 1).is_constant && graph.out(op).type == model::DataType::kInt16;
  static constexpr model::OpKind kKinds[] = {
      model::OpKind::kAdd,       model::OpKind::kAveragePool2D,
      model::OpKind::kLeakyRelu, model::OpKind::kMaximum,
      model::OpKind::kMaxPool2D, model::OpKind::kMean,
      model::OpKind::kMinimum,   model::OpKind::kMul,
      model::OpKind::kQuantize,  model::OpKind::kReduceMax,
      model::OpKind::kReduceMin, model::OpKind::kLogistic,
      model::OpKind::kTanh,      model::OpKind::kRelu,
      model::OpKind::kRelu6,     model::OpKind::kResizeNearestNeighbor,
      model::OpKind::kSub};
  const auto of_codes = [](const model::Tensor& t) {
    return t.type == model::DataType::kInt8 || t.type == model::DataType::kInt16;
  };
  const model::OpClass type = model::class_of(op.kind);
  return type == model::OpClass::kReshape || type == model::OpClass::kMovement ||
         (std::ranges::count(kKinds, op.kind) > 0 && of_codes(graph.in(op, 0)) &&
          of_codes(graph.out(op)));
}

/// Gives int16 operators that the configuration does not support to the host, if the user allows
/// that.
/// @throws Refusal  one line, whatever the number of layers
void place_wide(Graph* graph, const spec::Config& config, HostPart host) {
  for (model::Op& op : graph->ops) {
    if ((op.kind == model::OpKind::kLstm || op.kind == model::OpKind::kSpiking) &&
        host != HostPart::kAnywhere)
      continue;  // lowering says which of them the machine supports
    const bool has = has_wide(*graph, op, config) &&
                     (config.formats || graph->out(op).format == spec::Format::kNone);
    if (host != HostPart::kAnywhere && is_edge(*graph, op)) continue;
    if (!is_wide(*graph, op) || (config.activations16 && has)) continue;
    if (op.kind == model::OpKind::kSvdf && host != HostPart::kAnywhere)
      model::refuse(Reason::kConfiguration,
                    "{}: an int16 state requires array.activations16, vector.enable, "
                    "matmul.enable, two roundings and zeros at the start",
                    label(*graph, op));
    const spec::Format format = graph->out(op).format;
    if (host != HostPart::kAnywhere && config.activations16 && !config.formats &&
        format != spec::Format::kNone)
      model::refuse(Reason::kConfiguration, "{}: {} values require array.formats",
                    label(*graph, op), spec::row_of(format).name);
    const bool lacks = !config.activations16 && has;
    if (host != HostPart::kAnywhere)
      model::refuse(lacks ? Reason::kConfiguration : Reason::kType,
                    "{}: int16 activations, but the machine computes int8{}", label(*graph, op),
                    config.activations16
                        ? ", and in int16 products with int8 weights or int16 maps, sums, maxima, "
                          "LOGISTIC, TANH, SOFTMAX and movement"
                        : " (array.activations16)");
    op.on_host = true;
  }
}

/// Marks operators on floats that no table can replace, and the operators that make their operands
/// or read their results.
void mark_host(Graph* graph, const spec::Config& config) {
  std::set<int> floats;  // tensors that the host makes or reads
  const auto is_host = [&](const model::Op& op) {
    const auto found = [&](int t) { return floats.contains(t); };
    const bool joins_floats = op.kind == model::OpKind::kConcatenation &&
                              graph->out(op).type == model::DataType::kFloat32;
    // Lowering decides about operators that a table of one code could replace.
    const auto is_number = [&](int t) {
      return t >= 0 && !graph->tensor(t).is_constant &&
             graph->tensor(t).type != model::DataType::kFloat32 &&
             graph->tensor(t).type != model::DataType::kBool;
    };
    const bool whole =
        op.kind == model::OpKind::kOnnx &&
        (!host::onnx::is_elementwise(op.name) || std::ranges::any_of(op.inputs, is_number) ||
         std::ranges::any_of(op.outputs, is_number));
    return whole || joins_floats || std::ranges::any_of(op.inputs, found) ||
           std::ranges::any_of(op.outputs, found);
  };
  const auto add = [&](const model::Op& op) {
    const model::OpClass type = model::class_of(op.kind);
    const bool moves = type == model::OpClass::kMovement || type == model::OpClass::kReshape;
    const auto add_if = [&](int t, bool numbers) {
      if (t < 0 || graph->tensor(t).is_constant) return;
      const model::Tensor& of = graph->tensor(t);
      if (of.type == model::DataType::kFloat32 || (numbers && !is_code(of, config)))
        floats.insert(t);
    };
    for (const int t : op.inputs) add_if(t, op.kind == model::OpKind::kOnnx);
    for (const int t : op.outputs) add_if(t, op.kind == model::OpKind::kOnnx || moves);
  };
  for (const model::Op& op : graph->ops)
    if (op.on_host) add(op);
  for (bool more = true; std::exchange(more, false);)
    for (model::Op& op : graph->ops) {
      if (op.on_host || !is_host(op)) continue;
      op.on_host = more = true;
      add(op);
    }
}

/// Passes inputs through the machine as bytes if the host reads them after the machine and their
/// type is not a type of the machine.
/// @return true if there are such inputs
bool pass_as_bytes(Graph* graph, const spec::Config& config) {
  std::vector<model::Op> ops;
  for (int& input : graph->inputs) {
    const model::Tensor tensor = graph->tensor(input);
    const auto on_host = [&](const model::Op& op) {
      return op.on_host && std::ranges::count(op.inputs, input) > 0;
    };
    if (is_code(tensor, config) || std::ranges::none_of(graph->ops, on_host)) continue;
    const int size = model::bytes_of(tensor.type),
              t = std::exchange(input, static_cast<int>(graph->tensors.size()));
    model::Tensor bytes = tensor;
    graph->tensors.push_back(tensor);
    bytes.type = model::DataType::kInt8;
    bytes.quantization = {{1.0f}, {0}, 0};
    bytes.shape = {1, 1, static_cast<int>(tensor.elements()), size};
    graph->tensors.push_back(bytes);
    for (const auto& [from, to] : {std::pair{input, input + 1}, std::pair{input + 1, t}}) {
      model::Op& op = ops.emplace_back(op_of(model::OpKind::kOnnx, 0, {from}, {to}));
      op.name = "Bitcast";
      op.words["type"] = name_of(graph->tensor(to).type);
      const std::vector<int>& shape = graph->tensor(to).shape;
      op.numbers["shape"].assign(shape.begin(), shape.end());
      op.on_host = true;
    }
  }
  graph->ops.insert(graph->ops.begin(), ops.begin(), ops.end());
  return !ops.empty();
}

/// @return true if the graph changes
bool give_to_host(Graph* graph, const Segment& segment, const std::vector<int>& ops) {
  bool changes = false;
  for (const int op : ops) {
    const int of_graph = segment.ops[at(op)];
    bool& on_host = graph->ops[at(of_graph)].on_host;
    changes = !std::exchange(on_host, true) || changes;
  }
  return changes;
}

/// Returns the refusal of a segment if the host already has all its operators. The problem is then
/// a tensor between the operators, for example a batch of images.
Unsupported between_segments(const Unsupported& refused) {
  const auto is_shape = [](Reason reason) { return reason == Reason::kShape; };
  if (!std::ranges::all_of(refused.reasons(), is_shape)) return refused;
  return {model::Refusal(Reason::kLayout,
                         fmt::format("{}, between stages of the machine", refused.what())),
          refused.ops};
}

/// Returns the segments of the graph, or nothing if it has changed: refused operators go to the
/// host, which makes other segments.
/// @throws Unsupported  if that does not help, because tensors that only pass through the machine
/// must be int8, too
std::optional<std::vector<LoweredSegment>> try_segments(Graph* graph, const spec::Config& config,
                                                        const reference::RoundingPolicy& rounding) {
  std::vector<LoweredSegment> result;
  for (Segment& segment : segments_of(*graph, config)) {
    Lowered answer = try_lower(segment.graph, config, rounding);
    if (answer.refused) {
      if (!give_to_host(graph, segment, answer.refused->ops) && !pass_as_bytes(graph, config))
        throw between_segments(*answer.refused);
      return std::nullopt;
    }
    result.push_back({std::move(segment.graph), std::move(answer.network)});
  }
  return result;
}

/// Returns the graph as one segment. Refused operators and all that follow from them go to the
/// host.
/// @throws Unsupported  the first refusal, if products follow from it (the host is slow, so the
/// user decides) or if the host cannot help
LoweredSegment with_host_at_end(Graph graph, const spec::Config& config,
                                const reference::RoundingPolicy& rounding) {
  std::optional<Unsupported> first;
  for (;;) {
    mark_host(&graph, config);
    Lowered all = try_lower(graph, config, rounding);
    if (!all.refused) return {std::move(graph), std::move(all.network)};
    if (!first) first = *all.refused;
    bool changes = false;
    for (const int i : with_followers(graph, all.refused->ops)) {
      model::Op& op = graph.ops[at(i)];
      if (model::macs(graph, op) > 0) throw Unsupported(*first);
      changes = !std::exchange(op.on_host, true) || changes;
    }
    if (!changes && !pass_as_bytes(&graph, config)) throw Unsupported(*first);
  }
}

std::vector<LoweredSegment> alone(LoweredSegment segment) {
  std::vector<LoweredSegment> only;
  only.push_back(std::move(segment));
  return only;
}

}  // namespace

std::vector<LoweredSegment> partition(Graph graph, const spec::Config& config,
                                      const reference::RoundingPolicy& rounding, HostPart host) {
  place_wide(&graph, config, host);
  while (host == HostPart::kAnywhere) {
    mark_host(&graph, config);
    if (auto segments = try_segments(&graph, config, rounding)) return std::move(*segments);
  }
  if (host == HostPart::kEnd) return alone(with_host_at_end(std::move(graph), config, rounding));
  Network network = lower(graph, config, rounding);
  return alone({std::move(graph), std::move(network)});
}

}  // namespace trine::compiler
