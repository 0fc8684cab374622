// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/graph_facts.h"

#include <algorithm>

#include "spec/precision.h"
#include "sw/compiler/lower/lower_elementwise.h"
#include "sw/compiler/lower/lower_movement.h"
#include "sw/compiler/lower/lower_products.h"
#include "sw/compiler/lower/lower_tables.h"
#include "sw/compiler/network/movement.h"
#include "sw/host/onnx/evaluate.h"

namespace trine::compiler {
namespace {

/// Returns true if a table could replace the operator on a machine with tables.
bool is_table(const Op& o) {
  return o.kind == OpKind::kDequantize || o.kind == OpKind::kFloat ||
         model::computes_floats(o.kind) ||
         (o.kind == OpKind::kOnnx && host::onnx::is_elementwise(o.name));
}

/// Returns true if the bytes after the last channel of an int8 map are zero. The vector unit does
/// not write zeros there.
bool zero_beyond(const GraphFacts& facts, int tensor) {
  const int from = producer_of(facts, tensor);
  if (from < 0) return true;
  const OpKind kind = facts.op(from).kind;
  if (is_reshape(kind) || kind == OpKind::kMaxPool2D || kind == OpKind::kPad)
    return zero_beyond(facts, facts.op(from).input(0));
  return is_product(kind) || kind == OpKind::kThreshold;
}

/// Returns the most compact precision of such weights that the configuration supports.
const spec::Precision& narrowest(const GraphFacts& facts, model::Encoding weights) {
  const spec::Precision& own = precision_of(weights);
  const bool is_there = &own != &spec::kInt8 && facts.config.*own.enabled;
  const bool fits = weights != model::Encoding::kInt8;
  return facts.config.weights4 && fits && !is_there ? spec::kInt4 : own;
}

}  // namespace

std::string with_tensor(const Graph& graph, const Op& op, int tensor) {
  return fmt::format("{}: tensor {} '{}'", model::label(graph, op), tensor,
                     graph.tensor(tensor).name);
}

GraphFacts find_facts(const Graph& graph, const MachinePart& part, const spec::Config& config,
                      const reference::RoundingPolicy& rounding) {
  GraphFacts facts(graph, part, config, rounding);
  for (const int i : facts.part.ops) {
    for (const int t : facts.op(i).inputs)
      if (t >= 0) ++facts.readers[t];
    if (!facts.op(i).inputs.empty()) facts.first_readers[facts.op(i).input(0)].push_back(i);
    for (const int t : facts.op(i).outputs) facts.producer[t] = i;
  }
  for (const int t : facts.part.outputs) ++facts.readers[t];
  find_tables(facts);
  find_fused_additions(facts);
  find_fused_thresholds(facts);
  find_concatenated(facts);
  facts.packing = choose_packing(facts.graph, facts.part.ops, facts.config);
  return facts;
}

Problem no_such_operator(const GraphFacts& facts, const Op& o) {
  return refusal(facts, o, o.outputs[0], Reason::kOperator,
                 ": the machine does not support this operator");
}

Problem host_problem(const GraphFacts& facts, const Op& o) {
  if (o.kind == OpKind::kLstm)  // supported ones have been rewritten as steps
    return refusal(
        facts, o, o.outputs[0],
        facts.config.activations16 && facts.config.vector && facts.config.table
            ? Reason::kOperator
            : Reason::kConfiguration,
        ": the machine supports only LSTMs of tflite-micro, with array.activations16, "
        "vector.enable, vector.table, at most 256 steps, two roundings and states that start at 0");
  if (o.kind == OpKind::kSpiking)
    return refusal(facts, o, o.outputs[0], Reason::kConfiguration,
                   ": spiking neurons require array.activations16, vector.enable and at most 1,024 "
                   "steps over all layers");
  const bool of_host = model::class_of(o.kind) == model::OpClass::kHost;
  const bool lacks_table = is_table(o) && !facts.config.table;
  return of_host && !is_function(facts, o) && !lacks_table ? no_such_operator(facts, o)
                                                           : std::nullopt;
}

Problem tensor_problem(const GraphFacts& facts, int tensor) {
  const Tensor& t = facts.graph.tensor(tensor);
  return shape_problem(t.shape, "tensor '" + t.name + "'");
}

Problem out_problem(const GraphFacts& facts, const Op& o) {
  return shape_problem(facts.graph.out(o).shape, with_tensor(facts.graph, o, o.outputs[0]));
}

std::vector<int> readers_of(const GraphFacts& facts, int tensor) {
  std::vector<int> readers;
  for (const int i : facts.part.ops)
    if (std::ranges::count(facts.op(i).inputs, tensor) > 0) readers.push_back(i);
  return readers;
}

int shaped_from(const GraphFacts& facts, int tensor) {
  int shaped = tensor;
  for (;;) {
    const Op* reader = only_reader(facts, shaped);
    if (reader == nullptr || !is_reshape(reader->kind) ||
        reader_of(facts, reader->outputs[0], OpKind::kTranspose) != nullptr)
      return shaped;
    shaped = reader->outputs[0];
  }
}

int packing_of(const GraphFacts& facts, int tensor) {
  const auto found = facts.packing.find(tensor);
  return found == facts.packing.end() ? 4 : found->second;
}

Problem precisions_problem(const GraphFacts& facts, const Op& o) {
  const auto lacking = [&](int tensor, const spec::Precision& p) -> Problem {
    if (facts.config.*p.enabled) return std::nullopt;
    return refusal(facts, o, tensor, Reason::kConfiguration,
                   " is {}, but array.precisions lacks \"{}\"", p.name, p.name);
  };
  const auto is_map = [&](int t) {
    return t >= 0 && facts.graph.tensor(t).type == model::DataType::kInt8;
  };
  if (is_product(o.kind) && is_map(o.input(0)) && is_map(o.input(1))) {
    const spec::Precision& in = spec::precision_of_codes(packing_of(facts, o.input(0)));
    if (auto problem = lacking(o.input(1), weight_precision(facts, o, in))) return problem;
  }
  for (const auto* tensors : {&o.inputs, &o.outputs})
    for (const int t : *tensors)
      if (is_map(t) && !facts.graph.tensor(t).is_constant)
        if (auto problem = lacking(t, spec::precision_of_codes(packing_of(facts, t))))
          return problem;
  return std::nullopt;
}

const spec::Precision& weight_precision(const GraphFacts& facts, const Op& o,
                                        const spec::Precision& in) {
  if (&in != &spec::kInt8) return in;
  // The window former reads whole int8 codes, even if the weights fit fewer bits: an average's are
  // ones.
  if (o.kind == OpKind::kDepthwiseConv2D) return spec::kInt8;
  const int activations = o.input(activations_of(o));
  const Tensor& x = facts.graph.tensor(activations);
  const spec::Precision& weights = narrowest(facts, facts.graph.in(o, 1).encoding);
  // Binary weights after the last channel, or for channels of other groups, are -1; ternary ones
  // are 0.
  const int from = producer_of(facts, activations);
  const bool reshaped = from >= 0 && is_reshape(facts.op(from).kind);  // then channels differ
  const bool grouped = o.kind == OpKind::kConv2D && model::groups(facts.graph, o) != 1;
  const bool full = x.extent(-1) % 4 == 0 && !reshaped;
  const bool zeros = x.zero_point() == 0 && zero_beyond(facts, activations);
  if (weights.has_zero || (!grouped && (full || zeros))) return weights;
  const spec::Precision* with_zero = &spec::kInt8;
  for (const spec::Precision& p : spec::kPrecisions)
    if (facts.config.*p.enabled && p.has_zero && p.bits < with_zero->bits) with_zero = &p;
  return *with_zero;
}

Problem types_problem(const GraphFacts& facts, const Op& o) {
  const bool sums = is_product(o.kind) || o.kind == OpKind::kTransposeConv;
  if (sums && facts.graph.out(o).type == model::DataType::kInt32) return std::nullopt;
  if (quantizes_words(facts.graph, o, facts.config)) return std::nullopt;
  const bool no_table = is_table(o) && !facts.config.table;
  for (const int t : o.outputs)
    if (!is_map(facts, t))
      return refusal(facts, o, t, no_table ? Reason::kConfiguration : Reason::kType,
                     " is {}, but the machine computes int8{}",
                     model::name_of(facts.graph.tensor(t).type),
                     no_table ? ", floats only in the lookup table (vector.table)" : "");
  return std::nullopt;
}

Problem half_even_problem(const GraphFacts& facts, const Op& o) {
  if (!o.half_even || half_even(facts.graph, o) != HalfEven::kNoWay) return std::nullopt;
  const bool of_one = is_requantization(o.kind);
  return refusal(facts, o, o.outputs[0], Reason::kRounding, "{}",
                 of_one
                     ? ": at these scales float32 rounds some ties differently, which requires a "
                       "table (vector.table)"
                     : " rounds halves to even, but the machine sums rounded terms, which can "
                       "differ by one code");
}

bool needs_half_even(const GraphFacts& facts, const Op& o) {
  return o.half_even && half_even(facts.graph, o) == HalfEven::kNeeded;
}

const Op* only_reader(const GraphFacts& facts, int tensor) {
  const auto first = facts.first_readers.find(tensor);
  if (first == facts.first_readers.end() || facts.readers.at(tensor) != 1) return nullptr;
  return &facts.op(first->second.front());
}

const Op* reader_of(const GraphFacts& facts, int tensor, OpKind kind) {
  const Op* reader = only_reader(facts, tensor);
  return reader != nullptr && reader->kind == kind ? reader : nullptr;
}

int producer_of(const GraphFacts& facts, int tensor) {
  const auto found = facts.producer.find(tensor);
  return found == facts.producer.end() ? -1 : found->second;
}

}  // namespace trine::compiler
