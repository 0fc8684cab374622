// SPDX-License-Identifier: Apache-2.0
//
// ONNX nodes in order: constants are folded, everything else becomes a Value (onnx_emit.h).

#include <algorithm>
#include <cmath>
#include <list>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "sw/model/graph.h"
#include "sw/model/import.h"
#include "sw/model/indices.h"
#include "sw/model/onnx_constant.h"
#include "sw/model/onnx_emit.h"
#include "sw/model/onnx_evaluate.h"
#include "sw/model/onnx_file.h"
#include "sw/model/onnx_forms.h"
#include "sw/model/onnx_host.h"
#include "sw/model/onnx_nodes.h"
#include "sw/model/onnx_problems.h"
#include "sw/model/onnx_qoperator.h"
#include "sw/model/shapes.h"

namespace trine::model {
namespace {

using namespace onnx_file;  // NOLINT: this file is about nothing else
using Kind = FloatStep::Kind;

constexpr std::int64_t kMaxAverage = std::int64_t{1} << 22;  ///< weights of ones

/// A Conv or pool with filter, stride and dilation, and its border.
struct Sliding {
  Op op;
  int top = 0, left = 0, bottom = 0, right = 0;
  bool borders() const { return top != 0 || left != 0 || bottom != 0 || right != 0; }
  Window over(int H, int W, Padding padding) const {
    return window(H, W, op.filter_h, op.filter_w, op.stride_h, op.stride_w, op.dilation_h,
                  op.dilation_w, padding);
  }
};

class Importer {
 public:
  Importer(File file, Graph* graph, bool host)
      : file_(std::move(file)),
        graph_(*graph),
        images_(has_images(file_) || !multiplies_maps(file_)),
        host_(host),
        emit_(graph, images_, host) {}

  void run() {
    require_qdq(file_);
    for (const Input& input : file_.inputs) add_input(input);
    for (const auto& [name, constant] : file_.constants) {
      folded_ += static_cast<std::int64_t>(constant->elements());
      values_[name] = of_constant(constant);
    }
    limit_ = 16 * folded_ + (1 << 20);
    for (const Node& node : file_.nodes) import(node);
    for (const std::string& name : file_.outputs)
      if (lost_.count(name) == 0) add_output(name);
    if (is_float()) refuse_float(file_.name, kFloat32);
    problems_.raise(file_.name);
  }

 private:
  static Value of_constant(ConstantPointer constant) {
    Value value;
    value.shape = constant->shape;
    value.constant = std::move(constant);
    return value;
  }

  void add_input(const Input& input) {
    if (input.type != DataType::kFloat32)
      throw_error("{}: input '{}': allowed is float", file_.name, input.name);
    Value value;
    value.shape = input.shape;
    value.channel_axis = channel_axis_of(input.shape.size());
    value.tensor = emit_.add_tensor(input.name, DataType::kFloat32, input.shape);
    graph_.inputs.push_back(value.tensor);
    annotated_[value.tensor] = input.data_type;
    values_[input.name] = value;
  }

  int channel_axis_of(std::size_t rank) const {
    return images_ && rank != 3 ? 1 : static_cast<int>(rank) - 1;
  }

  /// Whether nothing is quantized and nothing of whole numbers: training's output.
  bool is_float() const {
    const auto is_product = [](const Op& op) {
      return op.kind == OpKind::kConv2D || op.kind == OpKind::kDepthwiseConv2D ||
             op.kind == OpKind::kFullyConnected;
    };
    return !quantizes_activations(file_) && std::ranges::none_of(graph_.ops, is_product);
  }

  void add_output(const std::string& name) try {
    const Value& value = value_of(name);
    int tensor = value.tensor;
    if (value.constant) {
      tensor = copied(name, *value.constant);
    } else if (value.raw_codes) {
      tensor = emit_.to_plain(value, last_node()).tensor;
    } else if (tensor < 0 || emit_.is_codes(value) || !value.steps.empty() ||
               value.layout != Layout::kPlain) {
      tensor = emit_.floats(value, name, last_node()).tensor;
    }
    graph_.tensors[tensor].name = name;
    graph_.outputs.push_back(tensor);
  } catch (const Error& error) {
    if (!problems_.empty()) return;
    throw_error("{}: output '{}': {}", file_.name, name, error.what());
  }

  /// A constant as an output: the host copies it.
  int copied(const std::string& name, const Constant& constant) {
    if (constant.values.empty()) throw_error("has no elements");
    Node node;
    node.type = "Identity";
    node.index = last_node();
    node.outputs = {name};
    Op op = host_op(node, file_.opset, 0);
    op.inputs = {emit_.add_constant(name + ":constant", constant)};
    const DataType type = emit_.tensor(op.inputs[0]).type;
    return emit_.add_op(std::move(op), emit_.add_tensor(name, type, constant.shape));
  }

  int last_node() const { return static_cast<int>(file_.nodes.size()) - 1; }

  const Value& value_of(const std::string& name) const {
    const auto found = values_.find(name);
    if (found == values_.end()) throw_error("tensor '{}' does not exist before this", name);
    return found->second;
  }

  const Value& in(std::size_t position) const {
    if (position >= node_->inputs.size() || node_->inputs[position].empty())
      throw_error("input {} is absent", position);
    return value_of(node_->inputs[position]);
  }
  bool has(std::size_t position) const {
    return position < node_->inputs.size() && !node_->inputs[position].empty();
  }
  const Constant& constant(std::size_t position) const {
    if (!in(position).constant)
      throw_error("input {} '{}' must be a constant", position, node_->inputs[position]);
    return *in(position).constant;
  }
  const std::string& out() const { return node_->outputs[0]; }
  bool reads_output(std::size_t position) const {
    return position < node_->outputs.size() && is_read(file_, node_->outputs[position]);
  }
  /// An operator of this node.
  Op op(OpKind kind, std::vector<int> inputs = {}) const {
    return op_of(kind, node_->index, std::move(inputs));
  }
  double scalar(std::size_t position) const {
    if (constant(position).elements() != 1)
      throw_error("input {} '{}' has {} elements, allowed 1", position, node_->inputs[position],
                  constant(position).elements());
    return constant(position).values[0];
  }

  void import(const Node& node) {
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
      if (node.outputs.empty() || (node.outputs[0].empty() && node.type != "TopK"))
        throw_error("has no output");
      if (fold_constants()) return;
      Value value = made();
      values_[node.type == "TopK" ? node.outputs.at(1) : out()] = std::move(value);
    } catch (const Error& error) {
      node_ = &node;
      emit_.back_to(mark);
      if (is_float()) refuse_float(file_.name, kFloat32);
      const bool hosted = on_host(mark);
      if (!hosted) lost_.insert(node.outputs.begin(), node.outputs.end());
      // Of an operator that is the host's alone, what the host lacks.
      const bool of_host = !hosted && method_of(node.type) == nullptr && !refused_.empty();
      if (!hosted || !host_) problems_.add(node, of_host ? refused_ : error.what(), hosted);
    }
  }

  /// The node as an operator of the host. @return false if that is not possible either
  bool on_host(const Emitter::Mark& mark) try {
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
      if (shaped.values.empty()) {  // nothing is known at once
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

  /// An input's tensor as ONNX has it: float32 of codes and products.
  int host_input(std::size_t position) {
    const Value& value = in(position);
    const std::string& name = node_->inputs[position];
    if (value.constant) return emit_.add_constant(name, *value.constant);
    if (value.raw_codes) throw_error("of codes");
    const bool is_other = value.tensor >= 0 && !emit_.is_codes(value) &&
                          emit_.tensor(value.tensor).type != DataType::kFloat32;
    if (is_other && value.layout == Layout::kPlain && value.steps.empty()) return value.tensor;
    return emit_.floats(value, name, node_->index).tensor;
  }

  /// What stands for an input while its node is evaluated for the shape of its result.
  ConstantPointer stand_in(std::size_t position, int tensor) const {
    if (in(position).constant) return in(position).constant;
    const Tensor& t = emit_.tensor(tensor);
    if (t.elements() > kMaxHostElements) throw_error("more than {} elements", kMaxHostElements);
    Constant zeros;
    zeros.type = t.type;
    zeros.shape = t.shape;
    zeros.values.resize(t.elements());
    return std::make_shared<const Constant>(std::move(zeros));
  }

  bool fold_constants() {
    if (node_->type == "Shape") {
      auto shape = std::make_shared<Constant>();
      shape->type = DataType::kInt64;
      const std::vector<int>& all = in(0).shape;
      const auto rank = static_cast<std::int64_t>(all.size());
      const auto bound = [&](const char* key, std::int64_t otherwise) {
        const std::int64_t axis = node_->integer(key, otherwise);
        return std::clamp<std::int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
      };
      for (auto i = bound("start", 0); i < bound("end", rank); ++i) shape->values.push_back(all[i]);
      shape->shape = {static_cast<int>(shape->values.size())};
      values_[out()] = of_constant(shape);
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

  using Method = Value (Importer::*)();
  /// How a node is imported. @return nothing if it cannot be
  static Method method_of(const std::string& type) {
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
        {"Gemm", &Importer::matmul},
        {"Gather", &Importer::gather},
        {"GlobalAveragePool", &Importer::average_pool},
        {"HardSigmoid", &Importer::hard_sigmoid},
        {"HardSwish", &Importer::hard_swish},
        {"Identity", &Importer::identity},
        {"LayerNormalization", &Importer::normalization},
        {"LeakyRelu", &Importer::leaky_relu},
        {"MatMul", &Importer::matmul},
        {"Max", &Importer::extreme},
        {"MaxPool", &Importer::max_pool},
        {"Min", &Importer::extreme},
        {"MultiThreshold", &Importer::multi_threshold},
        {"Pad", &Importer::pad},
        {"Quant", &Importer::quantize},
        {"RMSNormalization", &Importer::normalization},
        {"QuantizeLinear", &Importer::quantize},
        {"ReduceMax", &Importer::reduction},
        {"ReduceMean", &Importer::reduction},
        {"ReduceMin", &Importer::reduction},
        {"ReduceSum", &Importer::reduction},
        {"Relu", &Importer::relu},
        {"Reshape", &Importer::reshape},
        {"Resize", &Importer::resize},
        {"SimplifiedLayerNormalization", &Importer::normalization},
        {"Slice", &Importer::slice},
        {"Softmax", &Importer::softmax},
        {"SpaceToDepth", &Importer::blocks},
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

  Operand operand(const Value& value) const {
    Operand known{false, value.shape, DataType::kFloat32, value.constant};
    if (value.tensor >= 0 && !emit_.is_codes(value)) known.type = emit_.tensor(value.tensor).type;
    if (!emit_.is_codes(value) || !value.steps.empty()) return known;
    known.scale = double{emit_.tensor(value.tensor).scale()};
    known.zero_point = static_cast<double>(emit_.tensor(value.tensor).zero_point());
    return known;
  }

  /// What the node makes, as it stands or in another form.
  Value made() {
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

  Value lowered() try {
    const Method method = method_of(node_->type);
    if (method == nullptr) throw_error("operator is not supported");
    return (this->*method)();
  } catch (const std::out_of_range&) {
    throw_error("too few outputs");
  }

  // --- Float32 operators: steps --------------------------------------------------------------

  /// One, or one for each channel of `value`.
  static std::vector<float> per_channel(const Constant& c, const Value& value) {
    const auto rank = static_cast<int>(value.shape.size());
    if (c.rank() > rank) throw_error("a constant with more axes than the tensor");
    for (int axis = 0; axis < c.rank(); ++axis) {
      const int in_value = axis + rank - c.rank();
      const int extent = c.shape[axis];
      if (extent != 1 && (in_value != value.channel_axis || extent != value.shape[in_value]))
        throw_error("a constant that is neither one nor one for each channel");
    }
    std::vector<float> result;
    for (const double x : c.values) {
      if (!std::isfinite(x)) throw_error("a constant that is not finite");
      result.push_back(static_cast<float>(x));
    }
    if (result.empty()) throw_error("a constant without elements");
    return result;
  }

  Value stepped(Value value, Kind kind, std::vector<float> constants,
                ConstantPointer origin = nullptr) {
    if (value.raw_codes) throw_error("codes without DequantizeLinear");
    if (constants.size() > 1 && value.moved)
      throw_error("a constant for each channel of what was moved before a quantizer made codes");
    for (const float x : constants)
      if (!std::isfinite(x)) throw_error("a constant that is not finite");
    if (constants.size() > 1 && value.tensor >= 0) value = emit_.to_nhwc(value, node_->index);
    value.steps.push_back({{kind, std::move(constants)},
                           fmt::format("node {} {}", node_->index, node_->type),
                           std::move(origin)});
    return value;
  }

  Value arithmetic() {
    const bool first = !in(0).constant, second = !in(1).constant;
    const std::string& type = node_->type;
    if (first && second) return of_two();
    Value value = in(first ? 0 : 1);
    const ConstantPointer c = in(first ? 1 : 0).constant;
    if (is_map(*c) && emit_.is_codes(value) && type != "Div") return with_map(value, *c, first);
    std::vector<float> constants = per_channel(*c, value);
    if (type == "Add") return stepped(value, Kind::kAdd, constants, c);
    if (type == "Mul") return stepped(value, Kind::kMul, constants);
    if (type == "Sub") return stepped(value, first ? Kind::kSub : Kind::kSubFrom, constants);
    if (type != "Div") return value;
    if (!first) throw_error("of a constant by a tensor");
    if (std::ranges::count(constants, 0.0f) != 0) throw_error("by zero");
    return stepped(value, Kind::kDiv, constants);
  }

  /// A quantized constant with more axes than one: positions, masks.
  static bool is_map(const Constant& c) {
    return !c.codes.empty() &&
           std::ranges::count_if(c.shape, [](int extent) { return extent > 1; }) > 1;
  }

  Value with_map(Value value, const Constant& c, bool first) {
    if (!value.steps.empty() || value.raw_codes) throw_error("of tensors that no quantizer made");
    Value constant;
    constant.shape = c.shape;
    constant.shape.insert(constant.shape.begin(),
                          value.shape.size() - std::min(value.shape.size(), c.shape.size()), 1);
    constant.tensor = emit_.add_code_constant(out() + ":constant", c, constant.shape);
    return first ? of_two(std::move(value), std::move(constant))
                 : of_two(std::move(constant), std::move(value));
  }

  Value relu() { return stepped(in(0), Kind::kMax, {0.0f}); }

  Value clip() {
    Value value = in(0);
    const bool old = file_.opset < 11 && node_->inputs.size() == 1;
    constexpr float kMost = 3.4028234663852886e38f;
    const auto bound = [&](std::size_t position, const char* key, float otherwise) {
      if (old) return node_->bound(key, otherwise);
      return has(position) ? static_cast<float>(scalar(position)) : otherwise;
    };
    const float low = bound(1, "min", -kMost), high = bound(2, "max", kMost);
    if (!(low <= high)) throw_error("min {} and max {}", low, high);
    if (low > -kMost) value = stepped(value, Kind::kMax, {low});
    if (high < kMost) value = stepped(value, Kind::kMin, {high});
    return value;
  }

  /// As ONNX Runtime: x * s + b with s = (1 / sqrt(var + epsilon)) * scale, b = bias - mean * s.
  Value batch_normalization() {
    if (node_->integer("training_mode", 0) != 0) throw_error("training_mode 1, allowed 0");
    const Value& value = in(0);
    if (value.shape.size() < 2 || value.channel_axis != 1)
      throw_error("channels are not on axis 1");
    const auto C = static_cast<std::size_t>(value.shape[1]);
    std::vector<std::vector<float>> p;
    for (std::size_t i = 1; i <= 4; ++i) {
      if (constant(i).elements() != C)
        throw_error("{} values for {} channels", constant(i).elements(), C);
      p.emplace_back(constant(i).values.begin(), constant(i).values.end());
    }
    std::vector<float> scale, offset;
    for (std::size_t c = 0; c < C; ++c) {
      const float inverse = 1.0f / std::sqrt(p[3][c] + node_->real("epsilon", 1e-5f));
      const float s = inverse * p[0][c];
      scale.push_back(s);
      offset.push_back(p[1][c] - p[2][c] * s);
      if (!std::isfinite(scale.back()) || !std::isfinite(offset.back()))
        throw_error("channel {}: parameters are not finite", c);
    }
    return stepped(stepped(value, Kind::kMul, scale), Kind::kAdd, offset);
  }

  Value identity() { return in(0); }

  // --- Quantizers ----------------------------------------------------------------------------

  Value quantize() {
    const bool linear = node_->type == "QuantizeLinear", bipolar = node_->type == "BipolarQuant";
    const double scale = scalar(1);
    const double zero_point = bipolar || (linear && !has(2)) ? 0.0 : scalar(2);
    const double bits = linear || bipolar ? 8 : scalar(3);
    const DataType type = linear && has(2) ? constant(2).type : DataType::kUInt8;
    const QuantRule rule = quant_rule(*node_, scale, zero_point, bits, type);
    Quantizer q;
    q.scale = rule.scale;
    q.step = rule.kind == QuantRule::Kind::kBipolar ? 2 : 1;
    q.count = (rule.high - rule.low) / q.step;
    q.first = rule.low - static_cast<int>(rule.zero_point);
    q.nearest = rule.round == QuantRule::Round::kHalfEven && q.step == 1;
    q.level = [rule, step = q.step](float x, std::size_t) {
      return (rule.code(x) - rule.low) / step;
    };
    Value value = emit_.quantized(in(0), q, out(), node_->index);
    value.raw_codes = linear;
    return value;
  }

  Value dequantize() {
    Value value = in(0);
    if (!value.raw_codes)
      throw_error("input 0 '{}' is no QuantizeLinear's output", node_->inputs[0]);
    const Tensor& t = emit_.tensor(value.tensor);
    double zero_point = has(2) ? scalar(2) : 0.0;
    if (!has(2) || constant(2).type == DataType::kUInt8) zero_point -= 128;
    if (static_cast<float>(scalar(1)) != t.scale() || zero_point != t.zero_point())
      throw_error("scale {} and zero point differ from those of QuantizeLinear", scalar(1));
    value.raw_codes = false;
    return value;
  }

  Value multi_threshold() {
    const Value& value = in(0);
    const Constant& table = constant(1);
    const auto rank = value.shape.size();
    const std::string layout = node_->text("data_layout", rank == 4   ? "NCHW"
                                                          : rank == 3 ? "NWC"
                                                                      : "NC");
    if (layout.find('C') != static_cast<std::size_t>(value.channel_axis))
      throw_error("data_layout '{}' puts channels on another axis than {}", layout,
                  value.channel_axis);
    const int channels = value.shape.at(value.channel_axis);
    if (table.rank() != 2 || table.shape[1] < 1 || table.shape[1] > 255 ||
        (table.shape[0] != 1 && table.shape[0] != channels))
      throw_error("thresholds must be [1 or {}, 1..255]", channels);
    const auto K = static_cast<std::size_t>(table.shape[1]);
    const bool shared = table.shape[0] == 1;
    Quantizer q;
    q.count = static_cast<int>(K);
    q.level = [ts = table.values, K, shared](float x, std::size_t m) {
      const auto row = ts.begin() + (shared ? 0 : m * K);
      return static_cast<int>(
          std::count_if(row, row + K, [&](double t) { return double{x} >= t; }));
    };
    const float scale = node_->real("out_scale", 1.0f), bias = node_->real("out_bias", 0.0f);
    if (!std::isfinite(scale) || scale <= 0) throw_error("out_scale {}, allowed above 0", scale);
    const float first = bias / scale;
    if (K == 1 && first == -0.5f) {  // -s, +s: binary
      q.scale = scale / 2;
      q.first = -1;
      q.step = 2;
    } else {
      if (first != std::trunc(first) || std::abs(first) > 255)
        throw_error("out_bias {} is no multiple of out_scale {}", bias, scale);
      q.scale = scale;
      q.first = static_cast<int>(first);
    }
    if (!shared && value.steps.empty() && value.tensor >= 0)
      throw_error("thresholds for each channel on codes or inputs");
    return emit_.quantized(value, q, out(), node_->index);
  }

  // --- Matrix products -----------------------------------------------------------------------

  Value codes_of_input() {
    Value value = in(0);
    if (value.constant) throw_error("input 0 is a constant");
    if (value.raw_codes) throw_error("codes without DequantizeLinear");
    if (!emit_.is_codes(value) && value.tensor >= 0 && !is_input(value.tensor))
      throw_error("float operators without a quantizer before a matrix product");
    const auto found = annotated_.find(value.tensor);
    return emit_.whole_numbers(value, found == annotated_.end() ? "" : found->second, node_->index);
  }

  /// Whether a tensor is an input of the graph, however it lies.
  bool is_input(int tensor) const {
    for (auto op = graph_.ops.rbegin(); op != graph_.ops.rend(); ++op) {
      if (op->outputs[0] != tensor) continue;
      if (op->kind != OpKind::kReshape && op->kind != OpKind::kTranspose) return false;
      tensor = op->input(0);
    }
    return true;
  }

  /// Codes, scales and zero point of constant weights. @param order  element of each weight,
  /// channel by channel
  void set_weights(const Constant& c, const std::vector<std::size_t>& order, Product* p) const {
    const std::size_t taps = order.size() / static_cast<std::size_t>(p->channels);
    const bool plain = c.codes.empty();  // whole numbers as they are
    int shift = 0;                       // uint8 weights: 128 less
    if (!plain && *std::ranges::max_element(c.codes) > 127) shift = 128;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::size_t at = order[i];
      const double code = plain ? c.values[at] : c.codes[at] - shift;
      if (code != std::trunc(code) || code < -128 || code > 127)
        throw_error("weight {} is no quantized value of 8 bits", c.values[at]);
      const float scale = plain ? 1.0f : c.scales[at];
      const int zero_point = plain ? 0 : c.zero_points[at] - shift;
      if (!std::isfinite(scale) || scale <= 0)
        throw_error("weights' scale {}, allowed above 0", scale);
      if (i % taps == 0) p->scales.push_back(scale);
      if (i == 0) p->zero_point = zero_point;
      if (scale != p->scales.back() || zero_point != p->zero_point)
        throw_error("weights of one channel with several scales or zero points");
      p->weights.push_back(static_cast<std::int8_t>(code));
    }
    if (p->zero_point < -128 || p->zero_point > 127)
      throw_error("weights' zero point {}, allowed -128..127", p->zero_point);
  }

  void set_bias(std::size_t position, Product* p) const {
    if (!has(position)) return;
    const Constant& c = constant(position);
    if (c.elements() != static_cast<std::size_t>(p->channels) && c.elements() != 1)
      throw_error("bias of {} elements, allowed {}", c.elements(), p->channels);
    for (int m = 0; m < p->channels; ++m) {
      const double b = c.values[c.elements() == 1 ? 0 : static_cast<std::size_t>(m)];
      if (!std::isfinite(b)) throw_error("bias {} is not finite", b);
      p->bias.push_back(static_cast<float>(b));
    }
  }

  static Value of_product(Product product, std::vector<int> shape) {
    Value value;
    value.shape = std::move(shape);
    value.layout = product.shape.size() == 4 ? Layout::kNhwc : Layout::kPlain;
    value.channel_axis = value.shape.size() == 4 ? 1 : static_cast<int>(value.shape.size()) - 1;
    value.product = std::make_shared<const Product>(std::move(product));
    return value;
  }

  Value matmul() {
    const bool gemm = node_->type == "Gemm";
    const bool transposed = gemm && node_->integer("transB", 0) != 0;
    if (gemm && (node_->integer("transA", 0) != 0 || node_->real("alpha", 1) != 1 ||
                 node_->real("beta", 1) != 1))
      throw_error("transA, alpha or beta other than 0, 1, 1");
    if (!gemm && !in(0).constant && !in(1).constant) return product_of_two();
    Value input = codes_of_input();
    const Constant& c = constant(1);
    if (c.rank() != 2 || input.shape.size() < 2) throw_error("operands of rank below 2");
    if (input.layout == Layout::kNhwc) input = emit_.to_plain(input, node_->index);
    const int K = c.shape[transposed ? 1 : 0], M = c.shape[transposed ? 0 : 1];
    if (K < 1 || M < 1 || input.shape.back() != K)
      throw_error("{} columns meet {} rows", input.shape.back(), K);
    Product p;
    p.op = op_of(OpKind::kFullyConnected, node_->index, {input.tensor});
    p.name = out();
    p.channels = M;
    p.filter = {M, K};
    p.shape = input.shape;
    p.shape.back() = M;
    const std::vector<std::size_t> steps = steps_of(c.shape);
    const std::size_t column = steps[transposed ? 0 : 1], row = steps[transposed ? 1 : 0];
    // Pixels, and their channels, of a flattened image: in ONNX's rows all pixels of a channel.
    const int C = input.layout == Layout::kFlat ? input.image[0] : 1, pixels = K / C;
    const Indices order = walk({M, pixels, C}, {column, row, row * pixels});
    set_weights(c, order, &p);
    if (gemm) set_bias(2, &p);
    const std::vector<int> shape = p.shape;
    return of_product(std::move(p), shape);
  }

  /// MatMul of two tensors of codes: a BATCH_MATMUL, once a quantizer follows.
  Value product_of_two() {
    const Value a = plain_codes(0), b = plain_codes(1);
    const std::size_t rank = a.shape.size();
    if (rank < 2 || rank != b.shape.size())
      throw_error("operands of rank {} and {}", rank, b.shape.size());
    if (a.shape[rank - 1] != b.shape[rank - 2])
      throw_error("{} columns meet {} rows", a.shape[rank - 1], b.shape[rank - 2]);
    auto shape =
        broadcast_shape({a.shape.begin(), a.shape.end() - 2}, {b.shape.begin(), b.shape.end() - 2});
    if (!shape) throw_error("of tensors of unequal shapes");
    shape->push_back(a.shape[rank - 2]);
    shape->push_back(b.shape[rank - 1]);
    if (elements_of(*shape) < 0) throw_error("more than 2^31 elements");
    return of_sum({node_->index, a.tensor, b.tensor, out(), OpKind::kBatchMatMul}, a, *shape);
  }

  static Value of_sum(Sum sum, Value like, std::vector<int> shape) {
    like.shape = std::move(shape);
    like.tensor = -1;
    like.sum = std::make_shared<const Sum>(std::move(sum));
    return like;
  }

  Value conv() {
    Value input = codes_of_input();
    if (input.shape.size() != 4) throw_error("input of rank {}, allowed 4", input.shape.size());
    input = emit_.to_nhwc(input, node_->index);
    const Constant& c = constant(1);
    if (c.rank() != 4) throw_error("weights of rank {}, allowed 4", c.rank());
    const int M = c.shape[0], filter_c = c.shape[1], C = input.shape[1];
    const std::int64_t group = node_->integer("group", 1);
    if (c.elements() == 0 || group < 1 || group > C || C != filter_c * group || M % group != 0)
      throw_error("{} input channels, weights [{}, {}, ...] and group {} do not fit", C, M,
                  filter_c, group);
    const bool depthwise = group > 1 && filter_c == 1;
    const int R = c.shape[2], S = c.shape[3];
    Sliding s = sliding(depthwise ? OpKind::kDepthwiseConv2D : OpKind::kConv2D, input.shape, R, S);
    s.op.depth_multiplier = depthwise ? M / C : 1;
    Product p;
    p.name = out();
    p.channels = M;
    p.filter = depthwise ? std::vector<int>{1, R, S, M} : std::vector<int>{M, R, S, filter_c};
    const std::vector<std::size_t> steps = steps_of(c.shape);
    const Indices order = walk({M, R, S, filter_c}, {steps[0], steps[2], steps[3], steps[1]});
    set_weights(c, order, &p);
    set_bias(2, &p);
    return placed(std::move(p), bordered(std::move(input), 0, &s), s);
  }

  /// A transposed convolution without borders, which are cut off the codes. Groups and dilations
  /// are weights of 0.
  Value conv_transpose() {
    Value input = codes_of_input();
    if (input.shape.size() != 4) throw_error("input of rank {}, allowed 4", input.shape.size());
    input = emit_.to_nhwc(input, node_->index);
    const Constant& c = constant(1);
    const std::int64_t group = node_->integer("group", 1);
    const int C = input.shape[1];
    if (c.rank() != 4 || c.elements() == 0 || group < 1 || group > C || c.shape[0] != C ||
        C % group != 0 || c.shape[1] > kMaxWindow)
      throw_error("weights [{}] and group {} do not fit {} channels", fmt::join(c.shape, ", "),
                  group, C);
    const int of_group = c.shape[1], M = of_group * static_cast<int>(group);
    const int R = c.shape[2], S = c.shape[3];
    const auto [dilation_h, dilation_w] = pair_of("dilations", 1, 1);
    const Span rows = span(0, input.shape[2], reach_of(R, dilation_h));
    const Span cols = span(1, input.shape[3], reach_of(S, dilation_w));
    if (double{1} * M * rows.taps * cols.taps * C > static_cast<double>(kMaxAverage))
      throw_error("more than {} weights, zeros of groups and dilations included", kMaxAverage);
    Product p;
    p.name = out();
    p.channels = M;
    const std::vector<std::size_t> steps = steps_of(c.shape);
    const int inputs = C / static_cast<int>(group);
    Indices order;
    for (int m = 0; m < M; ++m) {
      const Indices taps = walk({R, S, inputs}, {steps[2], steps[3], steps[0]},
                                m / of_group * inputs * steps[0] + m % of_group * steps[1]);
      order.insert(order.end(), taps.begin(), taps.end());
    }
    set_weights(c, order, &p);
    set_bias(2, &p);
    p.filter = {M, rows.taps, cols.taps, C};
    std::vector<std::int8_t> spread(count_of(p.filter), static_cast<std::int8_t>(p.zero_point));
    const std::vector<std::size_t> to = steps_of(p.filter);
    std::size_t next = 0;
    for (int m = 0; m < M; ++m)
      for (const std::size_t at : walk({R, S, inputs}, {dilation_h * to[1], dilation_w * to[2], 1},
                                       m * to[0] + static_cast<std::size_t>(m / of_group * inputs)))
        spread[at] = p.weights[next++];
    p.weights = std::move(spread);
    p.op = op(OpKind::kTransposeConv);
    std::tie(p.op.stride_h, p.op.stride_w) = pair_of("strides", 1, 1);
    p.op.padding = Padding::kValid;
    p.shape = {input.shape[0], rows.whole, cols.whole, M};
    p.op.inputs = {emit_.add_integers(p.shape), input.tensor};
    Value whole = of_product(std::move(p), {input.shape[0], M, rows.whole, cols.whole});
    return cut(std::move(whole), rows, cols);
  }

  /// Along an axis of a transposed convolution: all outputs, and those that are left.
  struct Span {
    int whole, first, size;
    int taps;  ///< of the filter, zeros behind it included
  };
  Span span(std::size_t i, int extent, int taps) const {
    const auto entry = [&](const char* key, std::size_t at) {
      const std::vector<std::int64_t> values = node_->integers(key);
      return values.size() > at ? bounded(values[at], 0, key) : 0;
    };
    const int stride = std::max(entry("strides", i), 1), added = entry("output_padding", i);
    const std::string automatic = node_->text("auto_pad", "NOTSET");
    const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
    const std::int64_t most = std::int64_t{extent - 1} * stride + taps;
    const bool shaped = !node_->integers("output_shape").empty();
    std::int64_t first = entry("pads", i), size = most + added - first - entry("pads", i + 2);
    if (automatic == "VALID") first = 0, size = most + added;
    if (shaped || same) {
      size = shaped ? entry("output_shape", i) : std::int64_t{extent} * stride;
      const std::int64_t border = std::max<std::int64_t>(most + added - size, 0);
      first = automatic == "SAME_UPPER" ? border / 2 : border - border / 2;
    }
    if (size < 1 || size > kMaxWindow || first > kMaxWindow)
      throw_error("{} outputs along an axis, from {} on", size, first);
    const std::int64_t beyond = std::max<std::int64_t>(first + size - most, 0);
    const auto more = static_cast<int>(std::max<std::int64_t>(beyond - (stride - 1), 0));
    return {static_cast<int>(most + beyond), static_cast<int>(first), static_cast<int>(size),
            taps + more};
  }

  /// Rows and columns of an image, of its codes once there are some.
  Value cut(Value value, const Span& rows, const Span& cols) {
    const auto whole = [](const Span& s) { return s.first == 0 && s.size == s.whole; };
    if (whole(rows) && whole(cols)) return value;
    const std::vector<int> shape = {value.shape[0], value.shape[1], rows.size, cols.size};
    if (is_pending(value))
      return later(
          std::move(value), shape,
          [this, rows, cols](Value codes) { return cut(std::move(codes), rows, cols); }, out());
    if (!whole(rows)) value = sliced(value, 2, rows.first, rows.size, 1, out());
    return whole(cols) ? value : sliced(value, 3, cols.first, cols.size, 1, out());
  }

  /// Shape of a product over windows of `input`.
  Value placed(Product p, const Value& input, const Sliding& s) const {
    const Tensor& t = emit_.tensor(input.tensor);
    const Window w = s.over(t.shape[1], t.shape[2], s.op.padding);
    if (w.P < 1 || w.Q < 1) throw_error("the window is larger than the input");
    p.op = s.op;
    p.op.inputs = {input.tensor};
    p.shape = {t.shape[0], w.P, w.Q, p.channels};
    const std::vector<int> shape = {t.shape[0], p.channels, w.P, w.Q};
    return of_product(std::move(p), shape);
  }

  /// An operator of two tensors: codes, once a quantizer follows; functions of codes, as floats.
  Value of_two() { return of_two(in(0), in(1)); }

  Value of_two(Value a, Value b) {
    const OpKind kind = kind_of_onnx(node_->type).value();
    for (Value* value : {&a, &b}) {
      if (value->tensor < 0 || value->raw_codes) throw_error("of tensors that no quantizer made");
      *value = emit_.to_nhwc(*value, node_->index);
    }
    if (a.layout != b.layout)
      for (Value* value : {&a, &b}) *value = emit_.to_plain(*value, node_->index);
    const auto shape = broadcast_shape(a.shape, b.shape);
    if (!shape || a.shape.size() != b.shape.size() || a.layout != b.layout || a.image != b.image)
      throw_error("of tensors of unequal shapes");
    const bool of_codes = emit_.is_codes(a) && a.steps.empty() && emit_.is_codes(b) &&
                          b.steps.empty() && kind != OpKind::kDiv;
    if (!of_codes) return of_floats(kind, a, b);
    return of_sum({node_->index, a.tensor, b.tensor, out(), kind}, a, *shape);
  }

  // --- Functions of codes --------------------------------------------------------------------

  Value of_floats(OpKind kind, const Value& given_a, const Value& given_b) {
    if (given_a.shape != given_b.shape) throw_error("of float tensors of unequal shapes");
    Value a = emit_.reals(given_a, node_->index);
    const Value b = emit_.reals(given_b, node_->index);
    a.tensor = emit_.add_real(op(kind, {a.tensor, b.tensor}), out() + ":real");
    return a;
  }

  Value function() {
    if (node_->real("alpha", 1.0f) != 1.0f) return table();
    return function_of(kind_of_onnx(node_->type).value(), in(0));
  }

  /// A function that has no kind of its own: a table, if all of its operands are functions of the
  /// same codes, or numbers.
  Value table() {
    std::optional<Value> value;
    std::vector<int> inputs;
    std::vector<ConstantPointer> zeros;
    for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
      const ConstantPointer& c = in(i).constant;
      if (c && c->elements() != 1) throw_error("with a constant of {} elements", c->elements());
      const Value operand = c ? in(i) : emit_.reals(in(i), node_->index);
      if (!c && value && (value->shape != operand.shape || value->layout != operand.layout))
        throw_error("of tensors of unequal shapes");
      inputs.push_back(c ? emit_.add_constant(node_->inputs[i], *c) : operand.tensor);
      zeros.push_back(stand_in(i, inputs.back()));
      if (!c) value = operand;
    }
    Op op = host_op(*node_, file_.opset, 0);
    const Constant shaped = run_host_op(op, zeros, true);
    if (shaped.type != DataType::kFloat32 && shaped.type != DataType::kBool)
      throw_error("of whole numbers");
    op.inputs = inputs;
    value.value().tensor = emit_.add_op(
        std::move(op),
        emit_.add_tensor(out() + ":real", shaped.type, emit_.tensor(value->tensor).shape));
    return *value;
  }

  Value function_of(OpKind kind, const Value& given) {
    Value value = emit_.reals(given, node_->index);
    value.tensor = emit_.add_real(op(kind, {value.tensor}), out() + ":real");
    return value;
  }

  /// x / 2 (1 + erf(x / sqrt 2)), or with tanh(sqrt(2 / pi) (x + 0.044715 x^3)).
  Value gelu() {
    const Value x = in(0);
    const std::string form = node_->text("approximate", "none");
    if (form != "none" && form != "tanh") throw_error("approximate '{}'", form);
    Value inner = x;
    if (form == "tanh") {
      inner = of_floats(OpKind::kMul, x, of_floats(OpKind::kMul, x, x));
      inner = of_floats(OpKind::kAdd, x, stepped(inner, Kind::kMul, {0.044715f}));
    }
    inner = stepped(inner, Kind::kMul, {form == "tanh" ? 0.7978845608f : 0.7071067812f});
    inner = function_of(form == "tanh" ? OpKind::kTanh : OpKind::kErf, inner);
    inner = stepped(inner, Kind::kAdd, {1.0f});
    return stepped(of_floats(OpKind::kMul, x, inner), Kind::kMul, {0.5f});
  }

  Value clipped_line(float alpha, float beta) {
    const Value line = stepped(stepped(in(0), Kind::kMul, {alpha}), Kind::kAdd, {beta});
    return stepped(stepped(line, Kind::kMax, {0.0f}), Kind::kMin, {1.0f});
  }
  Value hard_sigmoid() {
    return clipped_line(node_->real("alpha", 0.2f), node_->real("beta", 0.5f));
  }
  Value hard_swish() { return of_floats(OpKind::kMul, in(0), clipped_line(1.0f / 6.0f, 0.5f)); }

  /// max(x, alpha x)
  Value leaky_relu() {
    const float alpha = node_->real("alpha", 0.01f);
    if (!(alpha >= 0 && alpha <= 1)) throw_error("alpha {}, allowed 0..1", alpha);
    return of_floats(OpKind::kMaximum, in(0), stepped(in(0), Kind::kMul, {alpha}));
  }

  // --- Movement ------------------------------------------------------------------------------

  const Value& codes_in(std::size_t position) const {
    const Value& value = in(position);
    if (!emit_.is_codes(value) || !value.steps.empty() || value.raw_codes)
      throw_error("of a tensor that no quantizer made");
    return value;
  }

  Value any_codes(std::size_t position) {
    const Value& value = codes_in(position);
    if (value.layout == Layout::kFlat) return emit_.to_plain(value, node_->index);
    return emit_.to_nhwc(value, node_->index);
  }

  /// The same in ONNX's order.
  Value plain_codes(std::size_t position) {
    return emit_.to_plain(codes_in(position), node_->index);
  }

  /// ONNX's axis, and where it lies in the graph.
  static std::pair<std::size_t, int> axis_of(const Value& value, std::int64_t axis) {
    const auto rank = static_cast<std::int64_t>(value.shape.size());
    if (axis < -rank || axis >= rank) throw_error("axis {} of rank {}", axis, rank);
    const auto at = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
    const bool image = value.layout == Layout::kNhwc;
    return {at, image ? place_of(at, value.shape.size()) : static_cast<int>(at)};
  }

  Value concat() {
    const auto axis = static_cast<std::size_t>(
        model::axis_of(node_->integer("axis", 1), static_cast<int>(in(0).shape.size())));
    std::vector<int> shape = in(0).shape;
    shape[axis] = 0;
    for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
      std::vector<int> part = in(i).shape;
      if (part.size() != shape.size()) throw_error("of tensors of unequal ranks");
      shape[axis] += std::exchange(part[axis], shape[axis]);
      part[axis] = shape[axis];
      if (part != shape) throw_error("of tensors of unequal shapes");
    }
    return joined(OpKind::kConcatenation, static_cast<int>(axis), shape);
  }

  /// The largest or least of tensors and constants.
  Value extreme() {
    const bool most = node_->type == "Max";
    if (node_->inputs.size() == 2)
      for (const std::size_t i : {0, 1})
        if (in(i).constant && in(i).constant->elements() == 1)
          return stepped(in(1 - i), most ? Kind::kMax : Kind::kMin, {real_of(i)});
    std::vector<int> shape = in(0).shape;
    for (std::size_t i = 1; i < node_->inputs.size(); ++i) {
      const auto wider = broadcast_shape(shape, in(i).shape);
      if (!wider) throw_error("of tensors of unequal shapes");
      shape = *wider;
    }
    return joined(most ? OpKind::kMaximum : OpKind::kMinimum, 0, shape);
  }
  float real_of(std::size_t position) const {
    const double x = scalar(position);
    constexpr double kMost = std::numeric_limits<float>::max();
    if (std::isnan(x)) throw_error("a constant that is not a number");
    return static_cast<float>(std::clamp(x, -kMost, kMost));
  }

  /// All inputs, in codes of one scale once a quantizer follows.
  Value joined(OpKind kind, int axis, const std::vector<int>& shape) {
    Joined all{node_->index, kind, axis, {}, node_->inputs};
    Value result;
    result.shape = shape;
    result.channel_axis = channel_axis_of(shape.size());
    for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
      Value part = in(i);
      if (part.raw_codes) throw_error("codes without DequantizeLinear");
      if (part.constant && kind != OpKind::kConcatenation) {
        Constant whole = *part.constant;
        whole.shape = shape;
        whole.values.clear();
        for (const std::size_t at : broadcast(part.constant->shape, shape))
          whole.values.push_back(part.constant->values[at]);
        part = of_constant(std::make_shared<const Constant>(std::move(whole)));
      } else if (!part.constant) {
        if (kind != OpKind::kConcatenation && part.shape.size() != shape.size())
          throw_error("of tensors of unequal ranks");
        result.channel_axis = part.channel_axis;
      }
      if (part.tensor >= 0 && part.layout == Layout::kPlain)
        part = emit_.to_nhwc(std::move(part), node_->index);
      all.parts.push_back(std::move(part));
    }
    result.joined = std::make_shared<const Joined>(std::move(all));
    return result;
  }

  /// Elements of an axis, by a constant list; those in a row by a slice.
  Value gather() {
    std::vector<int> indices;
    const int extent = in(0).shape[axis_of(in(0), node_->integer("axis", 0)).first];
    for (const double x : constant(1).values) {
      if (x != std::trunc(x) || x < -extent || x >= extent)
        throw_error("index {}, allowed {}..{}", x, -extent, extent - 1);
      indices.push_back(static_cast<int>(x < 0 ? x + extent : x));
    }
    if (indices.empty()) throw_error("selects nothing");
    return gathered(in(0), node_->integer("axis", 0), indices);
  }

  Value gathered(Value value, std::int64_t given, const std::vector<int>& indices) {
    std::vector<int> shape = value.shape;
    shape[axis_of(value, given).first] = static_cast<int>(indices.size());
    if (is_pending(value) || !emit_.is_codes(value))
      return later(
          std::move(value), shape,
          [this, given, indices](Value codes) {
            return gathered(std::move(codes), given, indices);
          },
          out());
    if (value.raw_codes) throw_error("codes without DequantizeLinear");
    if (value.layout == Layout::kFlat) value = emit_.to_plain(value, node_->index);
    value = emit_.to_nhwc(std::move(value), node_->index);
    const int step = indices.size() > 1 ? indices[1] - indices[0] : 1;
    bool even = step > 0;
    for (std::size_t i = 1; i < indices.size(); ++i)
      even = even && indices[i] - indices[i - 1] == step;
    if (even)
      return sliced(value, given, indices[0], static_cast<std::int64_t>(indices.size()), step,
                    out());
    return picked(std::move(value), given, indices);
  }

  /// By a GATHER. @pre codes
  Value picked(Value value, std::int64_t given, const std::vector<int>& indices) {
    const auto [axis, place] = axis_of(value, given);
    std::vector<int> lies = emit_.tensor(value.tensor).shape;
    lies[place] = value.shape[axis] = static_cast<int>(indices.size());
    Op gather = op(OpKind::kGather, {value.tensor, emit_.add_integers(indices)});
    gather.axis = place;
    value.tensor = emit_.add_move(std::move(gather), out(), lies);
    return value;
  }

  /// DepthToSpace, SpaceToDepth. @pre an image
  Value blocks() {
    const std::int64_t size = node_->integer("blocksize", 0);
    const bool depth = node_->type == "DepthToSpace";
    const std::vector<int>& from = in(0).shape;
    if (from.size() != 4) throw_error("input of rank {}, allowed 4", from.size());
    const std::string mode = node_->text("mode", "DCR");
    if (size < 1 || size > kMaxWindow || (mode != "DCR" && mode != "CRD"))
      throw_error("blocksize {}, mode '{}'", size, mode);
    const int b = static_cast<int>(size);
    const bool fits = depth ? from[1] % (size * size) == 0 : from[2] % b == 0 && from[3] % b == 0;
    if (!fits) throw_error("blocks of {} in [{}]", b, fmt::join(from, ", "));
    Value value = in(0);
    if (mode == "CRD" && depth && b > 1) {  // channels of a pixel's block lie apart
      const int blocks = b * b, C = from[1] / blocks;
      std::vector<int> order;
      for (int i = 0; i < from[1]; ++i) order.push_back(i % C * blocks + i / C);
      value = gathered(std::move(value), 1, order);
    }
    return in_blocks(std::move(value), b, depth);
  }

  Value in_blocks(Value value, int b, bool depth) {
    std::vector<int> shape = value.shape;
    const auto grown = [&](int extent, int by, bool grows) {
      return grows ? extent * by : extent / by;
    };
    shape = {shape[0], grown(shape[1], b * b, !depth), grown(shape[2], b, depth),
             grown(shape[3], b, depth)};
    if (is_pending(value))
      return later(
          std::move(value), shape,
          [this, b, depth](Value codes) { return in_blocks(std::move(codes), b, depth); }, out());
    if (value.raw_codes) throw_error("codes without DequantizeLinear");
    value = emit_.to_nhwc(std::move(value), node_->index);
    if (value.layout != Layout::kNhwc) throw_error("of what is no image");
    Op move = op(depth ? OpKind::kDepthToSpace : OpKind::kSpaceToDepth, {value.tensor});
    move.block = b;
    value.tensor = emit_.add_move(std::move(move), out(), {shape[0], shape[2], shape[3], shape[1]});
    value.shape = shape;
    return value;
  }

  /// Elements begin, begin + step, ..., `size` of them, of one axis.
  Value sliced(Value value, std::int64_t axis_given, std::int64_t begin, std::int64_t size,
               std::int64_t step, const std::string& name) {
    if (value.raw_codes) throw_error("codes without DequantizeLinear");
    if (!emit_.is_codes(value) || is_pending(value)) {
      std::vector<int> shape = value.shape;
      shape[axis_of(value, axis_given).first] = static_cast<int>(size);
      return later(
          std::move(value), shape,
          [=, this](Value codes) {
            return sliced(std::move(codes), axis_given, begin, size, step, name);
          },
          name);
    }
    if (value.layout == Layout::kFlat) value = emit_.to_plain(value, node_->index);
    value = emit_.to_nhwc(std::move(value), node_->index);
    const auto [axis, place] = axis_of(value, axis_given);
    if (size < 1) throw_error("selects nothing of axis {}", axis);
    std::vector<int> shape = emit_.tensor(value.tensor).shape, end = shape;
    std::vector<int> first(shape.size(), 0), steps(shape.size(), 1);
    first[place] = static_cast<int>(begin);
    const std::int64_t last = begin + (size - 1) * step;
    // Before the first element is -1 - extent: negative ones count from the end.
    end[place] = static_cast<int>(step > 0 ? last + 1 : last - 1 - shape[place]);
    steps[place] = static_cast<int>(step);
    shape[place] = value.shape[axis] = static_cast<int>(size);
    Op slice = op(OpKind::kStridedSlice, {value.tensor});
    for (const auto* list : {&first, &end, &steps})
      slice.inputs.push_back(emit_.add_integers(*list));
    value.tensor = emit_.add_move(std::move(slice), name, shape);
    return value;
  }

  std::vector<std::int64_t> integers_of(std::size_t position, const char* key) const {
    if (!has(position)) return node_->integers(key);
    std::vector<std::int64_t> values;
    for (const double x : constant(position).values)
      values.push_back(static_cast<std::int64_t>(std::clamp(x, -0x1p31, 0x1p31)));
    return values;
  }

  Value slice() {
    Value value = in(0);
    const auto starts = integers_of(1, "starts"), ends = integers_of(2, "ends");
    auto axes = integers_of(3, "axes"), steps = integers_of(4, "steps");
    for (std::size_t i = axes.size(); i < starts.size(); ++i)
      axes.push_back(static_cast<std::int64_t>(i));
    steps.resize(std::max(steps.size(), starts.size()), 1);
    if (ends.size() != starts.size() || axes.size() != starts.size())
      throw_error("{} starts, {} ends, {} axes", starts.size(), ends.size(), axes.size());
    for (std::size_t i = 0; i < starts.size(); ++i) {
      const std::int64_t extent = value.shape[axis_of(value, axes[i]).first], step = steps[i];
      if (step == 0 || std::abs(step) > kMaxWindow) throw_error("step {}", step);
      const Slice part = slice_of(starts[i], ends[i], step, extent);
      if (part.begin == 0 && step == 1 && part.size == extent) continue;
      value = sliced(value, axes[i], part.begin, part.size, step, out());
    }
    return value;
  }

  Value split() {
    const Value value = in(0);
    const std::int64_t axis = node_->integer("axis", 0);
    const std::int64_t extent = value.shape[axis_of(value, axis).first];
    auto sizes = integers_of(1, "split");
    const auto count = static_cast<std::int64_t>(node_->outputs.size());
    if (sizes.empty())
      for (std::int64_t i = 0, rest = extent; i < count; ++i) {
        sizes.push_back(std::min(rest, (extent + count - 1) / count));
        rest -= sizes.back();
      }
    if (static_cast<std::int64_t>(sizes.size()) != count) throw_error("{} sizes", sizes.size());
    std::int64_t begin = 0;
    Value first;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] < 1 || begin + sizes[i] > extent) throw_error("size {}", sizes[i]);
      const std::string& name = node_->outputs[i];
      Value part = sliced(value, axis, begin, sizes[i], 1, name);
      begin += sizes[i];
      if (i == 0)
        first = std::move(part);
      else
        values_[name] = std::move(part);
    }
    return first;
  }

  /// For each output along an axis the input that is nearest, as ONNX says.
  std::vector<std::int32_t> nearest(int in, int out, double scale) const {
    const bool old = node_->type == "Upsample" || file_.opset < 11;
    const std::string from =
        old ? "asymmetric" : node_->text("coordinate_transformation_mode", "half_pixel");
    const std::string to = old ? "floor" : node_->text("nearest_mode", "round_prefer_floor");
    std::vector<std::int32_t> sources;
    for (int p = 0; p < out; ++p)
      sources.push_back(nearest_of(to, source_of(from, p, in, out, scale), in));
    return sources;
  }

  Value resize() {
    if (node_->text("mode", "nearest") != "nearest") throw_error("mode other than nearest");
    if (!node_->integers("axes").empty()) throw_error("of chosen axes");
    if (node_->text("keep_aspect_ratio_policy", "stretch") != "stretch")
      throw_error("keep_aspect_ratio_policy other than stretch");
    Value value = image_codes();
    const bool upsample = node_->type == "Upsample" || node_->inputs.size() == 2;
    const bool sized = !upsample && has(3);
    const Constant& given = constant(upsample ? 1 : sized ? 3 : 2);
    if (given.values.size() != 4) throw_error("{} scales or sizes, allowed 4", given.values.size());
    std::vector<int> shape = value.shape;
    std::vector<double> scales(4, 1);
    for (std::size_t i = 0; i < 4; ++i) {
      const double extent = sized ? given.values[i] : std::floor(shape[i] * given.values[i]);
      if (!(extent >= 1 && extent <= kMaxWindow) || (i < 2 && extent != shape[i]))
        throw_error("extent {} of axis {}", extent, i);
      scales[i] = sized ? extent / shape[i] : given.values[i];
      shape[i] = static_cast<int>(extent);
    }
    const auto rows = nearest(value.shape[2], shape[2], scales[2]),
               cols = nearest(value.shape[3], shape[3], scales[3]);
    const auto plain = [](const std::vector<std::int32_t>& list, int extent) {
      const std::size_t factor = list.size() / static_cast<std::size_t>(extent);
      if (factor * static_cast<std::size_t>(extent) != list.size()) return false;
      for (std::size_t i = 0; i < list.size(); ++i)
        if (list[i] != static_cast<std::int32_t>(i / factor)) return false;
      return true;
    };
    if (!plain(rows, value.shape[2]) || !plain(cols, value.shape[3]))
      return picked(picked(std::move(value), 2, rows), 3, cols);
    const int size = emit_.add_integers({shape[2], shape[3]});
    value.tensor = emit_.add_move(op(OpKind::kResizeNearestNeighbor, {value.tensor, size}), out(),
                                  {shape[0], shape[2], shape[3], shape[1]});
    value.shape = shape;
    return value;
  }

  /// Over any axes, which stay with extent 1.
  Value reduction() {
    const std::string& type = node_->type;
    std::vector<std::int64_t> axes = integers_of(1, "axes");
    for (std::int64_t& axis : axes)
      axis = model::axis_of(axis, static_cast<int>(in(0).shape.size()));
    std::ranges::sort(axes);
    if (type == "ReduceMean" && in(0).shape.size() == 4 && images_ &&
        axes == std::vector<std::int64_t>{2, 3})
      return average_pool();
    Value value = any_codes(0);
    std::vector<int> lies = emit_.tensor(value.tensor).shape;
    std::vector<std::int32_t> places;
    for (const std::int64_t given : axes) {
      const auto [axis, place] = axis_of(value, given);
      places.push_back(place);
      value.shape[axis] = lies[place] = 1;
    }
    const OpKind kind = type == "ReduceMean"  ? OpKind::kMean
                        : type == "ReduceSum" ? OpKind::kSum
                        : type == "ReduceMax" ? OpKind::kReduceMax
                                              : OpKind::kReduceMin;
    Op reduce = op(kind, {value.tensor, emit_.add_integers(places)});
    reduce.keep_dims = true;
    if (kind == OpKind::kReduceMax || kind == OpKind::kReduceMin) {
      value.tensor = emit_.add_move(std::move(reduce), out(), lies);
      return value;
    }
    value.tensor = -1;
    value.own = std::make_shared<const Own>(Own{std::move(reduce), hosted(out())});
    return value;
  }

  // --- Windows -------------------------------------------------------------------------------

  static int bounded(std::int64_t value, std::int64_t least, const char* what) {
    if (value < least || value > kMaxWindow)
      throw_error("{} {}, allowed {}..{}", what, value, least, kMaxWindow);
    return static_cast<int>(value);
  }

  std::pair<int, int> pair_of(const char* key, int first, int second) const {
    const std::vector<std::int64_t> given = node_->integers(key);
    if (given.empty()) return {first, second};
    if (given.size() != 2) throw_error("{} of {} axes, allowed 2", key, given.size());
    return {bounded(given[0], 1, key), bounded(given[1], 1, key)};
  }

  /// Attributes of a window over [N, C, H, W]. @param R, S  filter, 0: from kernel_shape
  Sliding sliding(OpKind kind, const std::vector<int>& shape, int R, int S) const {
    Sliding s{op(kind)};
    std::tie(s.op.filter_h, s.op.filter_w) = pair_of("kernel_shape", R, S);
    bounded(s.op.filter_h, 1, "filter");
    bounded(s.op.filter_w, 1, "filter");
    if (R != 0 && (s.op.filter_h != R || s.op.filter_w != S))
      throw_error("kernel_shape differs from the weights");
    std::tie(s.op.stride_h, s.op.stride_w) = pair_of("strides", 1, 1);
    std::tie(s.op.dilation_h, s.op.dilation_w) = pair_of("dilations", 1, 1);
    const std::string automatic = node_->text("auto_pad", "NOTSET");
    std::vector<std::int64_t> pads = node_->integers("pads");
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      const Window w = s.over(shape[2], shape[3], Padding::kSame);
      pads = {w.pad_top, w.pad_left, w.pad_bottom, w.pad_right};
      if (automatic == "SAME_LOWER") pads = {w.pad_bottom, w.pad_right, w.pad_top, w.pad_left};
    } else if (automatic != "NOTSET" && automatic != "VALID") {
      throw_error("auto_pad '{}', allowed NOTSET SAME_UPPER SAME_LOWER VALID", automatic);
    } else if (pads.empty() || automatic == "VALID") {
      pads = {0, 0, 0, 0};
    }
    if (pads.size() != 4) throw_error("pads of {} entries, allowed 4", pads.size());
    s.top = bounded(pads[0], 0, "pads");
    s.left = bounded(pads[1], 0, "pads");
    s.bottom = bounded(pads[2], 0, "pads");
    s.right = bounded(pads[3], 0, "pads");
    if (node_->integer("ceil_mode", 0) != 0) {  // a border that the last window needs
      s.bottom += beyond(shape[2], s.op.filter_h, s.op.stride_h, s.op.dilation_h, s.top, s.bottom);
      s.right += beyond(shape[3], s.op.filter_w, s.op.stride_w, s.op.dilation_w, s.left, s.right);
    }
    return s;
  }

  /// How far the last window, if it begins in the image or its border before, stands out.
  static int beyond(int extent, int taps, int stride, int dilation, int before, int after) {
    const int reach = reach_of(taps, dilation);
    const int count = windows_of(extent, before, after, reach, stride, true);
    return std::max((count - 1) * stride + reach - (extent + before + after), 0);
  }

  /// SAME or VALID where that is the border, else the border becomes a PAD before.
  /// @param real  value of the border: 0, or -infinity of a maximum
  Value bordered(Value input, double real, Sliding* s) {
    s->op.padding = Padding::kValid;
    if (!s->borders()) return input;
    const Window same = s->over(input.shape[2], input.shape[3], Padding::kSame);
    if (same.pad_top == s->top && same.pad_bottom == s->bottom && same.pad_left == s->left &&
        same.pad_right == s->right) {
      s->op.padding = Padding::kSame;
      return input;
    }
    return padded(std::move(input), {0, 0, s->top, s->left, 0, 0, s->bottom, s->right}, real);
  }

  /// @param pads  as ONNX's Pad on [N, C, H, W]: before all axes, then after
  Value padded(Value value, const std::vector<std::int64_t>& pads, double real) {
    const Tensor from = emit_.tensor(value.tensor);
    if (value.layout != Layout::kNhwc || pads.size() != 8 || pads[0] != 0 || pads[1] != 0 ||
        pads[4] != 0 || pads[5] != 0)
      throw_error("borders on other axes than height and width of an image");
    const int top = bounded(pads[2], 0, "pads"), left = bounded(pads[3], 0, "pads");
    const int bottom = bounded(pads[6], 0, "pads"), right = bounded(pads[7], 0, "pads");
    const double code = std::isinf(real) ? range_of(from.encoding).first
                                         : real / double{from.scale()} + from.zero_point();
    if (code != std::trunc(code) || code < -128 || code > 127)
      throw_error("border {} is no code of the tensor", real);
    Encoding encoding = from.encoding;
    for (const Encoding wider :
         {Encoding::kTernary, Encoding::kInt2, Encoding::kInt4, Encoding::kInt8})
      if (!holds(encoding, static_cast<std::int64_t>(code))) encoding = wider;
    const std::vector<int> shape = {from.shape[0], from.shape[1] + top + bottom,
                                    from.shape[2] + left + right, from.shape[3]};
    if (elements_of(shape) < 0) throw_error("more than 2^31 elements");
    const int sides = emit_.add_integers({0, 0, top, bottom, left, right, 0, 0}, {4, 2});
    const bool zero = code == from.zero_point();
    Op pad = op(zero ? OpKind::kPad : OpKind::kPadV2, {value.tensor, sides});
    if (!zero)
      pad.inputs.push_back(emit_.add_constant<std::int8_t>(
          "", DataType::kInt8, {1}, {static_cast<std::int8_t>(code)}, from.quantization));
    value.shape = {shape[0], shape[3], shape[1], shape[2]};
    value.tensor = emit_.add_op(pad, emit_.add_tensor(from.name + ":padded", DataType::kInt8, shape,
                                                      from.quantization, encoding));
    return value;
  }

  Value image_codes() {
    const Value& value = codes_in(0);
    if (value.shape.size() != 4) throw_error("input of rank {}, allowed 4", value.shape.size());
    return emit_.to_nhwc(value, node_->index);
  }

  Value pad() {
    if (node_->text("mode", "constant") != "constant") throw_error("mode other than constant");
    const double border = has(2) ? scalar(2) : double{node_->real("value", 0.0f)};
    if (!std::isfinite(border)) throw_error("border {}", border);
    return padded(image_codes(), integers_of(1, "pads"), border);
  }

  Value max_pool() {
    if (reads_output(1)) throw_error("of which the indices are read");
    Value input = image_codes();
    Sliding s = sliding(OpKind::kMaxPool2D, input.shape, 0, 0);
    if (s.op.dilation_h != 1 || s.op.dilation_w != 1) throw_error("dilations other than 1");
    input = bordered(std::move(input), -INFINITY, &s);
    const int N = input.shape[0], C = input.shape[1];
    const Window w = s.over(input.shape[2], input.shape[3], s.op.padding);
    if (w.P < 1 || w.Q < 1) throw_error("the window is larger than the input");
    s.op.inputs = {input.tensor};
    input.shape = {N, C, w.P, w.Q};
    input.tensor = emit_.add_move(std::move(s.op), out(), {N, w.P, w.Q, C});
    return input;
  }

  /// A depthwise convolution with ones; over all of an image a mean.
  Value average_pool() {
    Value input = image_codes();
    const bool global = node_->type == "GlobalAveragePool" || node_->type == "ReduceMean";
    Sliding s{op(OpKind::kDepthwiseConv2D)};
    if (global)
      s.op.filter_h = input.shape[2], s.op.filter_w = input.shape[3];
    else
      s = sliding(OpKind::kDepthwiseConv2D, input.shape, 0, 0);
    if (s.borders() && node_->integer("count_include_pad", 0) == 0)
      throw_error("borders that do not count");
    const int C = input.shape[1], R = s.op.filter_h, S = s.op.filter_w;
    Product p;
    p.name = out();
    p.channels = C;
    p.filter = {1, R, S, C};
    const std::int64_t taps = std::int64_t{R} * S;
    if (taps * C > kMaxAverage || taps > 65536) throw_error("a window of {} elements", taps * C);
    p.weights.assign(taps * C, 1);
    p.scales.assign(C, 1.0f);
    p.divisor = static_cast<float>(taps);
    p.is_mean = R == input.shape[2] && S == input.shape[3] && !s.borders();
    return placed(std::move(p), bordered(std::move(input), 0, &s), s);
  }

  // --- Shapes --------------------------------------------------------------------------------

  Value reshape() {
    const ConstantPointer second = has(1) ? in(1).constant : nullptr;
    return reshaped_to(in(0), shape_after(*node_, in(0).shape, second));
  }

  Value reshaped_to(Value value, const std::vector<int>& shape) {
    if (shape == value.shape) return value;
    if (keeps_channels(value, shape) || is_line(value, shape)) {
      value.shape = shape;
      value.channel_axis = 1;
      return value;
    }
    if (is_pending(value))
      return later(std::move(value), shape,
                   [this, shape](Value codes) { return reshaped_to(std::move(codes), shape); });
    const std::vector<int> from = value.shape;
    const bool flattens = value.layout == Layout::kNhwc && shape.size() == 2 && shape[0] == from[0];
    if (!flattens) value = emit_.to_plain(value, node_->index);
    const std::string name = out() + (flattens ? ":nhwc" : value.steps.empty() ? "" : ":input");
    value.tensor = emit_.add_move(op(OpKind::kReshape, {value.tensor}), name, shape);
    value.layout = Layout::kPlain;
    const int H = from.size() == 4 ? from[2] : 1;
    if (flattens && from[1] != 1 && H * from.back() != 1) {
      value.layout = Layout::kFlat;
      value.image = {from[1], H, from.back()};
    }
    value.shape = shape;
    value.channel_axis = channel_axis_of(shape.size());
    return value;
  }

  /// Whether elements can move only once a quantizer has made codes of them: functions of codes are
  /// tables, but not of what is moved.
  bool is_pending(const Value& value) const {
    if (value.tensor < 0 || step_needs_channels(value)) return true;
    const bool real = emit_.tensor(value.tensor).type == DataType::kFloat32;
    return !moving_ && real && !is_input(value.tensor);
  }

  /// `value` in a new shape, once a quantizer follows. @param move  what this node makes of codes
  /// @param output  of the node, which the host makes where none follows; "": `move` does
  Value later(Value value, std::vector<int> shape, const std::function<Value(Value)>& move,
              const std::string& output = "") {
    Value result;
    result.shape = std::move(shape);
    result.channel_axis = channel_axis_of(result.shape.size());
    const auto moves = [this, move, node = node_](Value codes) {
      const Node* const now = std::exchange(node_, node);
      const bool moving = std::exchange(moving_, true);
      Value moved = move(std::move(codes));
      moving_ = moving;
      node_ = now;
      return moved;
    };
    result.moved = std::make_shared<const Moved>(
        Moved{std::move(value), node_->inputs[0], moves,
              output.empty() ? std::function<Value()>() : hosted(output)});
    return result;
  }

  /// Makes an output of this node on the host.
  std::function<Value()> hosted(const std::string& output) {
    return [this, output, node = node_] {
      const Node* const now = std::exchange(node_, node);
      std::map<std::string, Value> kept;  // others go on with what is pending
      for (const std::string& name : node->outputs) kept[name] = values_[name];
      const bool done = on_host(emit_.mark());
      Value value = values_[output];
      for (auto& [name, pending] : kept) values_[name] = std::move(pending);
      node_ = now;
      if (!done) throw_error("a float operator that the host does not have");
      return value;
    };
  }

  static bool step_needs_channels(const Value& value) {
    return std::ranges::any_of(value.steps, [](const Step& s) { return s.step.value.size() > 1; });
  }

  /// A product [N, M] may gain and lose trailing extents of 1: FINN's batch normalization.
  static bool keeps_channels(const Value& value, const std::vector<int>& shape) {
    if (!value.product || value.product->shape.size() != 2) return false;
    const std::vector<int>& product = value.product->shape;
    return shape.size() >= 2 && shape[0] == product[0] && shape[1] == product[1] &&
           std::all_of(shape.begin() + 2, shape.end(), [](int extent) { return extent == 1; });
  }

  /// [N, C, 1, W] as [N, C, W] or the other way round: as it lies, both are images.
  static bool is_line(const Value& value, std::vector<int> shape) {
    const bool image = value.layout == Layout::kNhwc && !value.moved;
    std::vector<int> from = value.shape;
    if (!image || from.size() + shape.size() != 7) return false;
    std::vector<int>& longer = from.size() == 4 ? from : shape;
    if (longer.size() != 4 || longer[2] != 1) return false;
    longer.erase(longer.begin() + 2);
    return from == shape;
  }

  Value transpose() {
    const std::vector<std::int64_t> given = node_->integers("perm");
    const std::size_t rank = in(0).shape.size();
    std::vector<std::int32_t> order(rank);
    std::iota(order.rbegin(), order.rend(), 0);  // unless the node says
    if (!given.empty()) {
      if (!std::ranges::is_permutation(given, order))
        throw_error("perm is no order of {} axes", rank);
      order.assign(given.begin(), given.end());
    }
    return transposed(in(0), order);
  }

  Value transposed(Value value, const std::vector<std::int32_t>& order) {
    std::vector<int> shape;
    for (const std::int32_t axis : order) shape.push_back(value.shape[axis]);
    if (is_pending(value))
      return later(std::move(value), shape,
                   [this, order](Value codes) { return transposed(std::move(codes), order); });
    const bool to_nchw = order == std::vector<std::int32_t>{0, 3, 1, 2};
    const bool to_nhwc = order == std::vector<std::int32_t>{0, 2, 3, 1};
    if (value.layout == Layout::kNhwc && order == std::vector<std::int32_t>{0, 2, 1}) {
      value.layout = Layout::kPlain;  // but for the axis between
      value.tensor = emit_.add_move(op(OpKind::kReshape, {value.tensor}), out(), shape);
      value.shape = shape;
      value.channel_axis = 2;
      return value;
    }
    if ((to_nchw && value.layout == Layout::kPlain) || (to_nhwc && value.layout == Layout::kNhwc)) {
      value.layout = to_nchw ? Layout::kNhwc : Layout::kPlain;  // it lies so already
      value.shape = shape;
      return value;
    }
    return reordered(emit_.to_plain(value, node_->index), order, shape);
  }

  /// Codes or floats in any other order.
  Value reordered(Value value, const std::vector<std::int32_t>& order,
                  const std::vector<int>& shape) {
    if (value.raw_codes) throw_error("of a tensor that no quantizer made");
    const int axes = emit_.add_integers(order);
    value.tensor = emit_.add_move(op(OpKind::kTranspose, {value.tensor, axes}), out(), shape);
    value.shape = shape;
    return value;
  }

  /// A normalization of codes over the last axis: LayerNorm, or RMSNorm by either of its names.
  Value normalization() {
    Value value = plain_codes(0);
    if (value.shape.empty() || !is_last(node_->integer("axis", -1), value.shape.size()))
      throw_error("over another axis than the last");
    if (reads_output(1) || reads_output(2)) throw_error("of which the mean is read");
    const bool center = node_->type == "LayerNormalization";
    Op norm = op(OpKind::kNormalization, {value.tensor});
    norm.name = center ? "LAYER_NORM" : "RMS_NORM";
    norm.center = center;
    norm.epsilon = node_->real("epsilon", 1e-5f);
    const int channels = value.shape.back();
    for (std::size_t i = 1; i < 3 && has(i); ++i) {
      const Constant& c = constant(i);
      if (c.elements() != static_cast<std::size_t>(channels))
        throw_error("input {} '{}' has {} elements, allowed {}", i, node_->inputs[i], c.elements(),
                    channels);
      norm.inputs.push_back(emit_.add_constant<float>(
          node_->inputs[i], DataType::kFloat32, {channels}, {c.values.begin(), c.values.end()}));
    }
    value.tensor = -1;
    value.own = std::make_shared<const Own>(Own{std::move(norm), hosted(out())});
    return value;
  }

  // --- Operators of the host -----------------------------------------------------------------

  Value host_floats() { return emit_.floats(in(0), node_->inputs[0], node_->index); }

  /// Whether an axis attribute means the last axis.
  static bool is_last(std::int64_t axis, std::size_t rank) {
    return axis == -1 || axis == static_cast<std::int64_t>(rank) - 1;
  }

  Value softmax() {
    const bool of_codes = is_quantized(file_, whole_->outputs[0]);
    Value value = of_codes ? plain_codes(0) : host_floats();
    if (value.shape.empty() ||
        !is_last(node_->integer("axis", file_.opset < 13 ? 1 : -1), value.shape.size()))
      throw_error("over another axis than the last");
    // As in TFLite: codes of 1/256, which the quantizer may ask to have in another scale.
    const Op softmax = op(OpKind::kSoftmax, {value.tensor});
    value.tensor =
        of_codes ? emit_.add_op(softmax, emit_.add_tensor(out() + ":codes", DataType::kInt8,
                                                          value.shape, {{1.0f / 256}, {-128}}))
                 : emit_.add_real(softmax, out());
    return value;
  }

  Value largest(const std::string& name) {
    Value value = host_floats();
    if (value.shape.empty()) throw_error("of a scalar");
    value.shape.back() = 1;
    value.tensor = emit_.add_op(op(OpKind::kArgMax, {value.tensor}),
                                emit_.add_tensor(name, DataType::kInt64, value.shape));
    return value;
  }

  Value arg_max() {
    if (!is_last(node_->integer("axis", 0), in(0).shape.size()) ||
        node_->integer("keepdims", 1) != 1 || node_->integer("select_last_index", 0) != 0)
      throw_error("allowed is the last axis, keepdims 1, the first index");
    return largest(out());
  }

  Value top_k() {
    if (node_->outputs.size() != 2 || node_->outputs[1].empty())
      throw_error("{} outputs, allowed 2", node_->outputs.size());
    if (reads_output(0)) throw_error("of which the values are read");
    if (scalar(1) != 1 || !is_last(node_->integer("axis", -1), in(0).shape.size()) ||
        node_->integer("largest", 1) != 1)
      throw_error("allowed is the index of the largest of the last axis");
    return largest(node_->outputs[1]);
  }

  File file_;
  Graph& graph_;
  bool images_;  ///< tensors of four axes are images
  bool host_;    ///< what has no integer form becomes an operator of the host
  Emitter emit_;
  Problems problems_;
  std::set<std::string> lost_;  ///< outputs of nodes that are refused, and what depends on them
  std::string refused_;         ///< why the host cannot run a node
  const Node *node_ = nullptr, *whole_ = nullptr;  ///< now: what is imported, the file's
  bool moving_ = false;                            ///< elements, of floats as well
  std::list<Node> forms_;                          ///< nodes in place of the file's
  std::map<std::string, Value> values_;
  std::map<int, std::string> annotated_;  ///< FINN's data types of inputs
  std::int64_t folded_ = 0, limit_ = 0;   ///< elements of constants
};

}  // namespace

Graph onnx_file::graph_of(File file, bool host) {
  Graph graph;
  graph.file = file.name;
  graph.name = std::filesystem::path(file.name).stem().string();
  to_qdq(&file);
  fuse(&file);
  Importer(std::move(file), &graph, host).run();
  return graph;
}

Graph parse_onnx(const std::vector<std::uint8_t>& bytes, const std::string& file, bool host) {
  return onnx_file::graph_of(onnx_file::parse(bytes, file), host);
}

Graph import_onnx(const std::filesystem::path& path, bool host) {
  return parse_onnx(read_file(path), path.string(), host);
}

}  // namespace trine::model
