// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/graph_facts.h"

#include <algorithm>

#include "spec/precision.h"
#include "sw/model/onnx/evaluate/evaluate.h"

namespace trine::compiler {
namespace {

/// Returns true if a table could replace the operator on a machine with tables.
bool is_table(const Op& o) {
  return o.kind == OpKind::kDequantize || o.kind == OpKind::kFloat ||
         model::computes_floats(o.kind) ||
         (o.kind == OpKind::kOnnx && model::onnx_file::is_elementwise(o.name));
}

}  // namespace

std::string with_tensor(const Graph& graph, const Op& op, int tensor) {
  return fmt::format("{}: tensor {} '{}'", model::label(graph, op), tensor,
                     graph.tensor(tensor).name);
}

void GraphFacts::find_facts() {
  for (const int i : machine_) {
    for (const int t : op(i).inputs)
      if (t >= 0) ++readers_[t];
    if (!op(i).inputs.empty()) first_readers_[op(i).input(0)].push_back(i);
    for (const int t : op(i).outputs) producer_[t] = i;
  }
  for (const int t : net_.output_tensors) ++readers_[t];
  find_tables();
  find_fused_additions();
  find_fused_thresholds();
  find_concatenated();
  packing_ = choose_packing(graph_, machine_, config_);
}

Problem GraphFacts::no_such_operator(const Op& o) const {
  return refusal(o, o.outputs[0], Reason::kOperator,
                 ": the machine does not support this operator");
}

Problem GraphFacts::host_problem(const Op& o) const {
  if (o.kind == OpKind::kLstm)  // supported ones have been rewritten as steps
    return refusal(
        o, o.outputs[0],
        config_.activations16 && config_.vector && config_.table ? Reason::kOperator
                                                                 : Reason::kConfiguration,
        ": the machine supports only LSTMs of tflite-micro, with array.activations16, "
        "vector.enable, vector.table, at most 256 steps, two roundings and zero constant states");
  if (o.kind == OpKind::kSpiking)
    return refusal(o, o.outputs[0], Reason::kConfiguration,
                   ": the machine supports neurons with array.activations16 and vector.enable, at "
                   "most 1,024 steps over all layers");
  const bool of_host = model::class_of(o.kind) == model::OpClass::kHost;
  const bool lacks_table = is_table(o) && !config_.table;
  return of_host && !is_function(o) && !lacks_table ? no_such_operator(o) : std::nullopt;
}

Problem GraphFacts::tensor_problem(int tensor) const {
  const Tensor& t = graph_.tensor(tensor);
  return shape_problem(t.shape, "tensor '" + t.name + "'");
}

Problem GraphFacts::out_problem(const Op& o) const {
  return shape_problem(graph_.out(o).shape, with_tensor(graph_, o, o.outputs[0]));
}

std::vector<int> GraphFacts::readers_of(int tensor) const {
  std::vector<int> readers;
  for (const int i : machine_)
    if (std::ranges::count(op(i).inputs, tensor) > 0) readers.push_back(i);
  return readers;
}

int GraphFacts::shaped_from(int tensor) const {
  int shaped = tensor;
  for (;;) {
    const Op* reader = only_reader(shaped);
    if (reader == nullptr || !is_reshape(reader->kind) ||
        reader_of(reader->outputs[0], OpKind::kTranspose) != nullptr)
      return shaped;
    shaped = reader->outputs[0];
  }
}

int GraphFacts::packing_of(int tensor) const {
  const auto found = packing_.find(tensor);
  return found == packing_.end() ? 4 : found->second;
}

Problem GraphFacts::precisions_problem(const Op& o) const {
  const auto lacking = [&](int tensor, const spec::Precision& p) -> Problem {
    if (config_.*p.enabled) return std::nullopt;
    return refusal(o, tensor, Reason::kConfiguration, " is {}, but array.precisions lacks \"{}\"",
                   p.name, p.name);
  };
  const auto is_map = [&](int t) {
    return t >= 0 && graph_.tensor(t).type == model::DataType::kInt8;
  };
  if (is_product(o.kind) && is_map(o.input(0)) && is_map(o.input(1))) {
    const spec::Precision& in = spec::precision_of_codes(packing_of(o.input(0)));
    if (auto problem = lacking(o.input(1), weight_precision(o, in))) return problem;
  }
  for (const auto* tensors : {&o.inputs, &o.outputs})
    for (const int t : *tensors)
      if (is_map(t) && !graph_.tensor(t).is_constant)
        if (auto problem = lacking(t, spec::precision_of_codes(packing_of(t)))) return problem;
  return std::nullopt;
}

bool GraphFacts::zero_beyond(int tensor) const {
  const int from = producer_of(tensor);
  if (from < 0) return true;
  const OpKind kind = op(from).kind;
  if (is_reshape(kind) || kind == OpKind::kMaxPool2D || kind == OpKind::kPad)
    return zero_beyond(op(from).input(0));
  return is_product(kind) || kind == OpKind::kThreshold;
}

const spec::Precision& GraphFacts::narrowest(model::Encoding weights) const {
  const spec::Precision& own = precision_of(weights);
  const bool is_there = &own != &spec::kInt8 && config_.*own.enabled;
  const bool fits = weights != model::Encoding::kInt8;
  return config_.weights4 && fits && !is_there ? spec::kInt4 : own;
}

const spec::Precision& GraphFacts::weight_precision(const Op& o, const spec::Precision& in) const {
  if (&in != &spec::kInt8) return in;
  // The window former reads whole int8 codes, even if the weights fit fewer bits: an average's are
  // ones.
  if (o.kind == OpKind::kDepthwiseConv2D) return spec::kInt8;
  const int activations = o.input(activations_of(o));
  const Tensor& x = graph_.tensor(activations);
  const spec::Precision& weights = narrowest(graph_.in(o, 1).encoding);
  // Binary weights after the last channel, or for channels of other groups, are -1; ternary ones
  // are 0.
  const int from = producer_of(activations);
  const bool reshaped = from >= 0 && is_reshape(op(from).kind);  // then channels differ
  const bool grouped = o.kind == OpKind::kConv2D && model::groups(graph_, o) != 1;
  const bool full = x.extent(-1) % 4 == 0 && !reshaped;
  const bool zeros = x.zero_point() == 0 && zero_beyond(activations);
  if (weights.has_zero || (!grouped && (full || zeros))) return weights;
  const spec::Precision* with_zero = &spec::kInt8;
  for (const spec::Precision& p : spec::kPrecisions)
    if (config_.*p.enabled && p.has_zero && p.bits < with_zero->bits) with_zero = &p;
  return *with_zero;
}

Problem GraphFacts::types_problem(const Op& o) const {
  const bool sums = is_product(o.kind) || o.kind == OpKind::kTransposeConv;
  if (sums && graph_.out(o).type == model::DataType::kInt32) return std::nullopt;
  if (quantizes_words(graph_, o, config_)) return std::nullopt;
  const bool no_table = is_table(o) && !config_.table;
  for (const int t : o.outputs)
    if (!is_map(t))
      return refusal(o, t, no_table ? Reason::kConfiguration : Reason::kType,
                     " is {}, but the machine computes int8{}",
                     model::name_of(graph_.tensor(t).type),
                     no_table ? ", floats only in the lookup table (vector.table)" : "");
  return std::nullopt;
}

Problem GraphFacts::half_even_problem(const Op& o) const {
  if (!o.half_even || half_even(graph_, o) != HalfEven::kNoWay) return std::nullopt;
  const bool of_one = is_requantization(o.kind);
  return refusal(o, o.outputs[0], Reason::kRounding, "{}",
                 of_one
                     ? ": at these scales float32 rounds some ties differently, which requires a "
                       "table (vector.table)"
                     : " rounds halves to even, but the machine sums rounded terms, which can "
                       "differ by one code");
}

bool GraphFacts::needs_half_even(const Op& o) const {
  return o.half_even && half_even(graph_, o) == HalfEven::kNeeded;
}

const Op* GraphFacts::only_reader(int tensor) const {
  const auto first = first_readers_.find(tensor);
  if (first == first_readers_.end() || readers_.at(tensor) != 1) return nullptr;
  return &op(first->second.front());
}

const Op* GraphFacts::reader_of(int tensor, OpKind kind) const {
  const Op* reader = only_reader(tensor);
  return reader != nullptr && reader->kind == kind ? reader : nullptr;
}

int GraphFacts::producer_of(int tensor) const {
  const auto found = producer_.find(tensor);
  return found == producer_.end() ? -1 : found->second;
}

}  // namespace trine::compiler
