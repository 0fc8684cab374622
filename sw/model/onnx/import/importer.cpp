// SPDX-License-Identifier: Apache-2.0
//
// Imports ONNX nodes in order. Constants are folded, and everything else becomes a Value. A node
// without an integer form becomes a host operator, or a problem.

#include "sw/model/onnx/import/importer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "sw/base/error.h"
#include "sw/base/file.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/host/onnx/host_op.h"
#include "sw/host/onnx/node/operands.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/onnx/import/qoperator.h"
#include "sw/model/onnx/onnx.h"
#include "sw/model/onnx/read/constant.h"

namespace trine::model::onnx_file {

using host::onnx::decides_shape, host::onnx::evaluates, host::onnx::is_elementwise,
    host::onnx::kMaxHostElements;

void Importer::run() {
  require_qdq(file_);
  for (const Input& input : file_.inputs) add_input(input);
  for (const auto& [name, constant] : file_.constants) {
    folded_ += static_cast<std::int64_t>(constant->elements());
    values_[name] = of_constant(constant);
  }
  limit_ = 16 * folded_ + (1 << 20);
  for (const Node& node : file_.nodes) import(node);
  for (const std::string& name : file_.outputs) add_output(name);
  drop_unread_moves();
  if (file_.format != spec::Format::kNone && problems_.empty()) set_format(file_.format);
  if (problems_.empty()) check_values();
  if (is_float()) refuse_float(file_.name, kFloat32);
  problems_.raise(file_.name);
}

/// Makes all int16 codes values of the format.
/// @throws Error  if an operator makes such codes by interpolation, or from whole numbers
void Importer::set_format(spec::Format format) {
  static constexpr OpKind kRounds[] = {OpKind::kConv2D,
                                       OpKind::kDepthwiseConv2D,
                                       OpKind::kFullyConnected,
                                       OpKind::kTransposeConv,
                                       OpKind::kAdd,
                                       OpKind::kSub,
                                       OpKind::kMul,
                                       OpKind::kMean,
                                       OpKind::kMaxPool2D,
                                       OpKind::kMaximum,
                                       OpKind::kMinimum,
                                       OpKind::kQuantize};
  for (Tensor& t : graph_.tensors)
    if (t.type == DataType::kInt16 && !t.is_constant) t.format = format;
  for (const Op& op : graph_.ops) {
    const OpClass type = class_of(op.kind);
    if (graph_.out(op).format == spec::Format::kNone || std::ranges::count(kRounds, op.kind) > 0 ||
        type == OpClass::kReshape || type == OpClass::kMovement)
      continue;
    throw_error("{}: node {}: {} cannot give {} codes", file_.name, op.index, name_of(op.kind),
                spec::row_of(format).name);
  }
}

/// @throws Error  if an operator reads or makes E4M3 codes that it does not support
void Importer::check_values() const {
  static constexpr OpKind kComputes[] = {
      OpKind::kConv2D,  OpKind::kFullyConnected, OpKind::kDepthwiseConv2D, OpKind::kAdd,
      OpKind::kSub,     OpKind::kMean,           OpKind::kMaxPool2D,       OpKind::kMaximum,
      OpKind::kMinimum, OpKind::kQuantize,       OpKind::kDequantize};
  const auto is_of_values = [&](int t) { return t >= 0 && of_format(graph_.tensor(t)); };
  for (const Op& op : graph_.ops) {
    const OpClass type = class_of(op.kind);
    const bool moves = type == OpClass::kReshape || type == OpClass::kMovement;
    const bool reads = std::ranges::any_of(op.inputs, is_of_values);
    const bool makes = std::ranges::any_of(op.outputs, is_of_values);
    if (!reads && !makes) continue;
    if (!moves && std::ranges::count(kComputes, op.kind) == 0)
      throw_error(
          "{}: node {}: {} of e4m3 codes, allowed Conv, Gemm and MatMul with weights, Add, Sub, "
          "global averages, maxima, quantizers and movement",
          file_.name, op.index, name_of(op.kind));
    const bool selects = op.kind == OpKind::kMaximum || op.kind == OpKind::kMinimum;
    for (const int t : op.inputs)
      if ((moves || selects) && t >= 0 && graph_.tensor(t).type == DataType::kInt8 &&
          !is_of_values(t))
        throw_error("{}: node {}: {} of e4m3 and other codes, allowed one format", file_.name,
                    op.index, name_of(op.kind));
  }
}

/// Removes RESHAPEs that no operator reads, because a later RESHAPE reads their input.
void Importer::drop_unread_moves() {
  std::set<int> read(graph_.outputs.begin(), graph_.outputs.end());
  for (const Op& op : graph_.ops) read.insert(op.inputs.begin(), op.inputs.end());
  std::erase_if(graph_.ops, [&](const Op& op) {
    return op.kind == OpKind::kReshape && !read.contains(op.outputs[0]);
  });
}

void Importer::add_input(const Input& input) {
  if (input.holds_bytes() && !(input.scale > 0))
    throw_error("{}: input '{}' is {}, allowed with a DequantizeLinear that gives its scale",
                file_.name, input.name, name_of(input.type));
  Value value;
  value.shape = input.shape;
  value.channel_axis = channel_axis_of(input.shape.size());
  Quantization quantization;
  if (input.holds_bytes()) quantization = {{input.scale}, {input.zero_point}};
  value.tensor = emit_.add_tensor(input.name, input.type, input.shape, quantization);
  graph_.inputs.push_back(value.tensor);
  if (input.type == DataType::kUInt8) value.tensor = signed_codes(value.tensor);
  annotated_[value.tensor] = input.data_type;
  value.raw_codes = input.type == DataType::kInt16 || input.holds_bytes();
  values_[input.name] = value;
}

/// Returns a uint8 input as int8 codes of the same values.
int Importer::signed_codes(int input) {
  const Tensor from = emit_.tensor(input);
  return emit_.add_op(op_of(OpKind::kQuantize, 0, {input}),
                      emit_.add_tensor(from.name + ":int8", DataType::kInt8, from.shape,
                                       {{from.scale()}, {from.zero_point() - 128}}));
}

int Importer::channel_axis_of(std::size_t rank) const {
  return images_ && rank != 3 ? 1 : static_cast<int>(rank) - 1;
}

/// Returns true if no activation is quantized and there are no integer products: the output of
/// training.
bool Importer::is_float() const {
  const auto is_product = [](const Op& op) {
    return op.kind == OpKind::kConv2D || op.kind == OpKind::kDepthwiseConv2D ||
           op.kind == OpKind::kFullyConnected;
  };
  return !quantizes_activations(file_) && std::ranges::none_of(graph_.ops, is_product);
}

/// Adds an output. If a refused operator would have made it, the fault is reported with that
/// operator.
void Importer::add_output(const std::string& name) try {
  const Value& value = value_of(name);
  int tensor = value.tensor;
  if (value.constant) {
    tensor = copied(name, *value.constant);
  } else if (value.raw_codes && of_format(emit_.tensor(value.tensor))) {
    throw_error("reads FLOAT8 codes, allowed only after DequantizeLinear");
  } else if (value.raw_codes) {
    tensor = as_declared(name, emit_.to_plain(value, last_node()).tensor);
  } else if (tensor < 0 || emit_.is_codes(value) || !value.steps.empty() ||
             value.layout != Layout::kPlain) {
    tensor = emit_.floats(value, name, last_node()).tensor;
  }
  check_declared(name, graph_.tensors[tensor].shape);
  graph_.tensors[tensor].name = name;
  graph_.outputs.push_back(tensor);
} catch (const Error& error) {
  if (!problems_.empty()) return;
  throw_error("{}: output '{}': {}", file_.name, name, error.what());
}

/// Returns the codes of QuantizeLinear in the file's type: uint8 where the graph has int8.
int Importer::as_declared(const std::string& name, int codes) {
  if (emit_.tensor(codes).type == DataType::kInt16) return codes;
  const auto maker = std::ranges::find_if(
      file_.nodes, [&](const Node& node) { return std::ranges::count(node.outputs, name) != 0; });
  if (maker == file_.nodes.end() || maker->type != "QuantizeLinear") return codes;
  const auto zero = maker->inputs.size() > 2 ? values_.find(maker->inputs[2]) : values_.end();
  const bool is_uint8 = maker->inputs.size() < 3 || maker->inputs[2].empty() ||
                        (zero != values_.end() && zero->second.constant &&
                         zero->second.constant->type == DataType::kUInt8);
  if (!is_uint8) return codes;
  const Tensor from = emit_.tensor(codes);
  return emit_.add_op(op_of(OpKind::kQuantize, maker->index, {codes}),
                      emit_.add_tensor(name, DataType::kUInt8, from.shape,
                                       {{from.scale()}, {from.zero_point() + 128}}));
}

/// @throws Error  if the file declares another shape for an output: then the file or this import is
/// wrong
void Importer::check_declared(const std::string& output, const std::vector<int>& computed) const {
  const auto found = file_.declared.find(output);
  if (found == file_.declared.end()) return;
  const auto fits = [](int extent, int declared) { return declared < 0 || extent == declared; };
  if (!std::ranges::equal(computed, found->second, fits))
    throw_error("has shape [{}], but the file declares [{}]", fmt::join(computed, ", "),
                fmt::join(found->second, ", "));
}

/// Returns a constant as an output, which the host copies.
int Importer::copied(const std::string& name, const Constant& constant) {
  if (constant.values.empty()) throw_error("has no elements");
  Node node;
  node.type = "Identity";
  node.index = last_node();
  node.outputs = {name};
  Op op = host_op(node, file_.opset, 0);
  op.inputs = {emit_.add_constant(name + ":constant", constant, constant.type)};
  return emit_.add_op(std::move(op), emit_.add_tensor(name, constant.type, constant.shape));
}

const Value& Importer::value_of(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw_error("tensor '{}' does not exist before this node", name);
  return found->second;
}

const Value& Importer::in(std::size_t position) const {
  if (position >= node_->inputs.size() || node_->inputs[position].empty())
    throw_error("input {} is absent", position);
  return value_of(node_->inputs[position]);
}

const Constant& Importer::constant(std::size_t position) const {
  if (!in(position).constant)
    throw_error("input {} '{}' must be a constant", position, node_->inputs[position]);
  return *in(position).constant;
}

double Importer::scalar(std::size_t position) const {
  if (constant(position).elements() != 1)
    throw_error("input {} '{}' has {} elements, allowed 1", position, node_->inputs[position],
                constant(position).elements());
  return constant(position).values[0];
}

/// Returns true if a node may omit its first output.
bool Importer::names_others(const std::string& type) {
  return type == "TopK" || method_of(type) == &Importer::recurrent;
}

void Importer::import(const Node& node) {
  node_ = whole_ = &node;
  const auto lost = [&](const std::string& input) { return lost_.count(input) != 0; };
  const Emitter::Mark mark = emit_.mark();
  try {
    if (std::ranges::any_of(node.inputs, lost)) {
      lost_.insert(node.outputs.begin(), node.outputs.end());
      if (method_of(node.type) == nullptr && !evaluates(node.type))
        throw_error("operator is not supported");
      return;
    }
    if (node.outputs.empty() || (node.outputs[0].empty() && !names_others(node.type)))
      throw_error("has no output");
    if (node.type == "QuantizeLinear" && !is_read(file_, out())) return;
    if (fold_constants()) return require_all_read(node);
    if (host_.types.contains(node.type)) throw_error("the host does not run it as --host requires");
    Value value = made();
    require_all_read(node);
    values_[node.type == "TopK" ? node.outputs.at(1) : out()] = std::move(value);
  } catch (const Error& error) {
    node_ = &node;
    emit_.back_to(mark);
    if (is_float()) refuse_float(file_.name, kFloat32);
    const bool hosted = on_host(mark);
    if (!hosted) lost_.insert(node.outputs.begin(), node.outputs.end());
    // If only the host could run the operator, the problem is what the host does not support.
    const bool of_host = !hosted && method_of(node.type) == nullptr && !refused_.empty();
    if (!hosted || !host_.allowed) problems_.add(node, of_host ? refused_ : error.what(), hosted);
  }
}

/// Imports the node as an operator of the host. @return false if that is not possible either
bool Importer::on_host(const Emitter::Mark& mark) try {
  refused_.clear();
  if (node_->outputs.empty() || !evaluates(node_->type)) return false;
  std::vector<int> inputs;
  std::vector<ConstantPointer> zeros;
  for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
    if (has(i) && decides_shape(node_->type, i)) constant(i);
    inputs.push_back(has(i) ? host_input(i) : -1);
    zeros.push_back(has(i) ? stand_in(i, inputs.back()) : nullptr);
  }
  for (std::size_t i = 0; i < node_->outputs.size(); ++i) {
    const std::string& name = node_->outputs[i];
    if (name.empty() || (node_->outputs.size() > 1 && !is_read(file_, name))) continue;
    Op op = host_op(*node_, file_.opset, i);
    const Constant shaped = run_host_op(op, zeros, true);
    if (shaped.values.empty()) {  // nothing is known in advance
      values_[name] = of_constant(std::make_shared<const Constant>(shaped));
      continue;
    }
    op.inputs = inputs;
    Value value;
    value.shape = shaped.shape;
    value.channel_axis = channel_axis_of(shaped.shape.size());
    value.tensor = emit_.add_op(std::move(op), emit_.add_tensor(name, shaped.type, shaped.shape));
    values_[name] = std::move(value);
  }
  return true;
} catch (const Error& error) {
  refused_ = error.what();
  emit_.back_to(mark);
  return false;
}

/// Returns an input's tensor with ONNX's type: float32 for codes and products.
int Importer::host_input(std::size_t position) {
  const Value& value = in(position);
  const std::string& name = node_->inputs[position];
  if (value.constant) return emit_.add_constant(name, *value.constant);
  if (value.raw_codes) throw_error("of codes");
  const bool is_other = value.tensor >= 0 && !emit_.is_codes(value) &&
                        emit_.tensor(value.tensor).type != DataType::kFloat32;
  if (is_other && value.layout == Layout::kPlain && value.steps.empty()) return value.tensor;
  return emit_.floats(value, name, node_->index).tensor;
}

/// Returns the constant that replaces an input while its node is evaluated for the shape of its
/// result.
ConstantPointer Importer::stand_in(std::size_t position, int tensor) const {
  if (in(position).constant) return in(position).constant;
  const Tensor& t = emit_.tensor(tensor);
  if (t.elements() > kMaxHostElements) throw_error("more than {} elements", kMaxHostElements);
  Constant zeros;
  zeros.type = t.type;
  zeros.shape = t.shape;
  zeros.values.resize(t.elements());
  return std::make_shared<const Constant>(std::move(zeros));
}

/// Imports the node Shape.
Value Importer::shape() const {
  const std::vector<int>& all = in(0).shape;
  const auto rank = static_cast<std::int64_t>(all.size());
  const auto bound = [&](const char* key, std::int64_t otherwise) {
    const std::int64_t axis = node_->integer(key, otherwise);
    return std::clamp<std::int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  Constant result;
  result.type = DataType::kInt64;
  for (auto i = bound("start", 0); i < bound("end", rank); ++i) result.values.push_back(all[i]);
  result.shape = {static_cast<int>(result.values.size())};
  return of_constant(std::make_shared<const Constant>(std::move(result)));
}

bool Importer::fold_constants() {
  if (node_->type == "Shape") {
    values_[out()] = shape();
    return true;
  }
  std::vector<ConstantPointer> inputs;
  for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
    inputs.push_back(has(i) ? in(i).constant : nullptr);
    if (has(i) && !inputs.back()) return false;
  }
  for (std::size_t i = 0; i < node_->outputs.size(); ++i) {
    const ConstantPointer result = fold(*node_, file_.opset, inputs, i, limit_);
    if (!result) throw_error("operator is not supported on constants");
    folded_ += static_cast<std::int64_t>(result->elements());
    if (folded_ > limit_) throw_error("constants grow beyond {} elements", limit_);
    values_[node_->outputs[i]] = of_constant(result);
  }
  return true;
}

/// Returns the method that imports a node, or null.
Importer::Method Importer::method_of(const std::string& type) {
  static const std::map<std::string, Method> kMethods = {
      {"ArgMax", &Importer::arg_max},
      {"AveragePool", &Importer::average_pool},
      {"BatchNormalization", &Importer::batch_normalization},
      {"BipolarQuant", &Importer::quantize},
      {"Clip", &Importer::clip},
      {"Concat", &Importer::concat},
      {"Conv", &Importer::conv},
      {"ConvTranspose", &Importer::conv_transpose},
      {"DepthToSpace", &Importer::blocks},
      {"DequantizeLinear", &Importer::dequantize},
      {"Dropout", &Importer::identity},
      {"Flatten", &Importer::reshape},
      {"Gelu", &Importer::gelu},
      {"GRU", &Importer::recurrent},
      {"Gemm", &Importer::matmul},
      {"Gather", &Importer::gather},
      {"GlobalAveragePool", &Importer::average_pool},
      {"HardSigmoid", &Importer::hard_sigmoid},
      {"HardSwish", &Importer::hard_swish},
      {"Identity", &Importer::identity},
      {"LSTM", &Importer::recurrent},
      {"LayerNormalization", &Importer::normalization},
      {"LeakyRelu", &Importer::leaky_relu},
      {"MatMul", &Importer::matmul},
      {"MatMulNBits", &Importer::matmul},
      {"Max", &Importer::extreme},
      {"MaxPool", &Importer::max_pool},
      {"Min", &Importer::extreme},
      {"MultiThreshold", &Importer::multi_threshold},
      {"Pad", &Importer::pad},
      {"Quant", &Importer::quantize},
      {"RMSNormalization", &Importer::normalization},
      {"QuantizeLinear", &Importer::quantize},
      {"RNN", &Importer::recurrent},
      {"ReduceMax", &Importer::reduction},
      {"ReduceMean", &Importer::reduction},
      {"ReduceMin", &Importer::reduction},
      {"ReduceSum", &Importer::reduction},
      {"Relu", &Importer::clip},
      {"Reshape", &Importer::reshape},
      {"Resize", &Importer::resize},
      {"SimplifiedLayerNormalization", &Importer::normalization},
      {"Slice", &Importer::slice},
      {"Softmax", &Importer::softmax},
      {"SpaceToDepth", &Importer::blocks},
      {"Spiking", &Importer::spiking},
      {"Split", &Importer::split},
      {"Squeeze", &Importer::reshape},
      {"TopK", &Importer::top_k},
      {"Transpose", &Importer::transpose},
      {"Unsqueeze", &Importer::reshape},
      {"Upsample", &Importer::resize},
  };
  if (const auto found = kMethods.find(type); found != kMethods.end()) return found->second;
  const auto kind = kind_of_onnx(type);
  if (!kind) return is_elementwise(type) ? &Importer::table : nullptr;
  return is_binary(*kind) ? &Importer::arithmetic : &Importer::function;
}

Operand Importer::operand(const Value& value) const {
  Operand known{false, value.shape, DataType::kFloat32, value.constant};
  if (value.tensor >= 0 && !emit_.is_codes(value)) known.type = emit_.tensor(value.tensor).type;
  if (!emit_.is_codes(value) || !value.steps.empty()) return known;
  known.scale = double{emit_.tensor(value.tensor).scale()};
  known.zero_point = static_cast<double>(emit_.tensor(value.tensor).zero_point());
  return known;
}

/// Returns the node's result, imported directly or in another form.
Value Importer::made() {
  std::vector<Operand> operands;
  for (std::size_t i = 0; i < node_->inputs.size(); ++i)
    operands.push_back(has(i) ? operand(in(i)) : Operand{});
  std::optional<Form> form = form_of(*node_, file_.opset, operands);
  if (!form) return lowered();
  const Node* const whole = node_;
  for (const auto& [name, constant] : form->constants) values_[name] = of_constant(constant);
  for (Node& node : form->nodes) {
    node_ = &forms_.emplace_back(std::move(node));
    if (!fold_constants()) values_[out()] = made();
  }
  node_ = whole;
  return values_.at(out());
}

/// Returns true if a value consists of whole numbers that are not codes: positions, categories,
/// truth values.
bool Importer::is_number(const Value& value) const {
  if (value.constant || value.tensor < 0) return false;
  const DataType type = emit_.tensor(value.tensor).type;
  return type == DataType::kInt32 || type == DataType::kInt64 || type == DataType::kUInt8;
}

Value Importer::lowered() try {
  const Method method = method_of(node_->type);
  if (method == nullptr) throw_error("operator is not supported");
  const bool moves = method == &Importer::reshape || method == &Importer::transpose ||
                     method == &Importer::identity;
  for (std::size_t i = 0; i < node_->inputs.size() && !moves; ++i)
    if (has(i) && is_number(in(i)))
      throw_error("input {} '{}' is {}, allowed float", i, node_->inputs[i],
                  name_of(emit_.tensor(in(i).tensor).type));
  return (this->*method)();
} catch (const std::out_of_range&) {
  throw_error("too few outputs");
}

std::vector<std::int64_t> Importer::integers_of(std::size_t position, const char* key) const {
  return host::onnx::integers_of(*node_, key, has(position) ? &constant(position) : nullptr);
}

/// Returns a function that makes an output of this node on the host.
std::function<Value()> Importer::hosted(const std::string& output) {
  return [this, output, node = node_] {
    const Node* const now = std::exchange(node_, node);
    std::map<std::string, Value> kept;  // other readers keep the pending values
    for (const std::string& name : node->outputs) kept[name] = values_[name];
    const bool done = on_host(emit_.mark());
    Value value = values_[output];
    for (auto& [name, pending] : kept) values_[name] = std::move(pending);
    node_ = now;
    if (!done) throw_error("a float operator that the host does not support");
    return value;
  };
}

/// @throws Error  a type that no node of the file has
void check_types(const File& file, const std::set<std::string>& types) {
  std::set<std::string> known;
  for (const Node& node : file.nodes) known.insert(node.type);
  for (const std::string& type : types)
    if (!known.contains(type))
      throw_error("--host {}: {} has no such operator, allowed {}", type, file.name,
                  fmt::join(known, " "));
}

Graph graph_of(File file, const HostUse& host) {
  if (file.inputs.empty()) throw_error("{}: the graph has no input", file.name);
  Graph graph;
  graph.file = file.name;
  graph.name = std::filesystem::path(file.name).stem().string();
  graph.notes = file.notes;
  to_qdq(&file);
  fuse(&file);
  check_types(file, host.types);
  Importer(std::move(file), &graph, host).run();
  return graph;
}

}  // namespace trine::model::onnx_file

namespace trine::model {

Graph parse_onnx(const std::vector<std::uint8_t>& bytes, const std::string& file, bool host) {
  return parse_onnx(bytes, file, host, {});
}

Graph parse_onnx(const std::vector<std::uint8_t>& bytes, const std::string& file,
                 const HostUse& host, const GivenShapes& shapes) {
  Graph graph = onnx_file::graph_of(onnx_file::parse(bytes, file, shapes), host);
  graph.channels_first = true;
  return graph;
}

Graph import_onnx(const std::filesystem::path& path, bool host) {
  return parse_onnx(read_file(path), path.string(), host);
}

}  // namespace trine::model
