// SPDX-License-Identifier: Apache-2.0

#include "sw/host/tflite/host_form.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "sw/base/error.h"
#include "sw/host/onnx/host_op.h"
#include "sw/host/onnx/node/windows.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/indices.h"
#include "sw/model/graph/refusal.h"

namespace trine::host {
namespace {

using model::DataType, model::op_of, model::OpKind, model::Quantization, model::Reason,
    model::steps_of, model::Tensor, model::walk, model::Window;

using onnx::Constant;
using onnx::ConstantPointer;
using Numbers = std::map<std::string, std::vector<double>>;
using Words = std::map<std::string, std::string>;

constexpr double kOpset = 18;  ///< opset of these operators

/// Returns a remedy for an operator that neither the machine nor the host supports.
std::string_view remedy_of(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> kRemedies[] = {
      {"IF", "export without control flow, for fixed shapes"},
      {"WHILE", "export without control flow, for fixed shapes"},
      {"CALL_ONCE", "export without variables"},
      {"VAR_HANDLE", "export without variables"},
      {"READ_VARIABLE", "export without variables"},
      {"ASSIGN_VARIABLE", "export without variables"}};
  for (const auto& [which, remedy] : kRemedies)
    if (which == name) return remedy;
  return "replace it, or cut the network there";
}

/// The operands that a form supports: kAny includes codes, which are moved or compared unchanged;
/// kPlain means numbers without a scale.
enum Takes { kAny, kPlain };

/// Writes a TFLite operator as ONNX nodes. Methods throw an Error with only the text.
class HostForm {
 public:
  HostForm(Graph& graph, const Op& op) : graph_(graph), op_(op), first_(graph.ops.size()) {}

  bool write();

 private:
  using Method = void (HostForm::*)();
  struct Row {
    std::string_view name;
    Method write;
    const char* onnx;
    Takes takes;
  };
  static const Row kRows[];

  int operand(int position) const {
    if (op_.input(position) < 0) throw_error("input {} is absent", position);
    return op_.input(position);
  }
  const Tensor& in(int position) const { return graph_.tensor(operand(position)); }
  const Tensor& out(std::size_t position = 0) const {
    return graph_.out(op_, static_cast<int>(position));
  }
  bool of_floats() const { return in(0).type == DataType::kFloat32; }

  int add(Tensor tensor) { return graph_.add(std::move(tensor)); }
  /// Adds a constant of any type. @pre the type can hold the values
  int constant(DataType type, std::vector<int> shape, const std::vector<double>& values);
  int number(DataType type, double value) { return constant(type, {1}, {value}); }
  int list(const std::vector<int>& values) {
    return constant(DataType::kInt32, {static_cast<int>(values.size())},
                    {values.begin(), values.end()});
  }
  /// Returns the numbers of a constant operand.
  std::vector<std::int64_t> constants(int position) const {
    if (!in(position).is_constant)
      throw_error("input {} '{}' is computed, but the host needs a constant", position,
                  in(position).name);
    return in(position).integers();
  }
  std::vector<int> inputs() const { return op_.inputs; }

  /// Returns the result of a node, which is a constant if all operands are. @param output  of
  /// `outputs`
  int node(const char* type, std::vector<int> inputs, Numbers numbers = {}, Words words = {},
           int output = 0, int outputs = 1);
  int cast(int tensor, DataType type) {
    if (graph_.tensor(tensor).type == type) return tensor;
    return node("Cast", {tensor}, {}, {{"type", std::string(name_of(type))}});
  }
  int reshaped(int tensor, std::vector<int> shape);
  /// Makes a tensor the operator's result.
  void give(int tensor, int position = 0);
  /// Applies the bounds of the fused activation.
  int activated(int tensor);

  void same() { give(node(onnx_, inputs(), op_.numbers)); }
  void function() { give(activated(node(onnx_, {operand(0)}))); }
  void pair() { give(activated(node(onnx_, {operand(0), operand(1)}))); }
  void negated_pair() { give(node("Not", {node(onnx_, {operand(0), operand(1)})})); }
  void negative() { give(negative_of(operand(0))); }
  int negative_of(int t) { return node("Sub", {number(graph_.tensor(t).type, 0), t}); }
  void absolute() { give(node("Max", {operand(0), negative_of(operand(0))})); }
  void square() { give(node("Mul", {operand(0), operand(0)})); }
  void squared_difference() {
    const int d = node("Sub", {operand(0), operand(1)});
    give(node("Mul", {d, d}));
  }
  void floor_div();
  void floor_mod();
  void cast_result() { give(cast(operand(0), out().type)); }
  void copy() { give(reshaped(operand(0), out().shape)); }
  void shape_of() { give(cast(list(in(0).shape), out().type)); }
  void rank_of() { give(constant(out().type, out().shape, {double(in(0).rank())})); }
  void zeros() {
    give(constant(out().type, out().shape, std::vector<double>(at(out().elements()))));
  }
  void fill();
  void range();
  void extreme_index();
  void top_k();
  void one_hot();
  void select();
  void gather();
  void embedding() { give(node("Gather", {operand(1), operand(0)}, {{"axis", {0}}, kForward})); }
  void gather_nd() { give(node("GatherND", inputs(), {kForward})); }
  void scatter_nd();
  void sparse_to_dense();
  void reduction();
  void non_max_suppression();
  // Operators of float32.
  int transposed(int tensor, const std::vector<int>& order);
  int planes(int position);  ///< an image as [N, C, H, W]
  int pixels(int tensor) { return transposed(tensor, {0, 2, 3, 1}); }
  Numbers sliding() const;
  void give_product(int tensor);
  void convolution();
  void transposed_convolution();
  void fully_connected();
  void batch_matmul();
  void pool();
  void softmax();
  void l2_normalization();
  void attributed();
  void hard_swish();
  void clamped();
  void resize();
  void dequantized();
  void detections();
  void lies_in_data() {
    throw_error("the shape of its result depends on the data: export for fixed shapes");
  }

  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

  /// An attribute that forbids indices that count from the end.
  static const Numbers::value_type kForward;

  Graph& graph_;
  const Op op_;
  const std::size_t first_;  ///< first of this operator's nodes in the graph
  const char* onnx_ = nullptr;
  std::size_t given_ = 0;  ///< outputs
};

const Numbers::value_type HostForm::kForward{"forward", {1}};

int HostForm::constant(DataType type, std::vector<int> shape, const std::vector<double>& values) {
  Tensor t;
  t.name = op_.name;
  t.type = type;
  t.shape = std::move(shape);
  t.is_constant = true;
  t.data = bytes_as(type, values);
  return add(std::move(t));
}

int HostForm::node(const char* type, std::vector<int> inputs, Numbers numbers, Words words,
                   int output, int outputs) {
  Op op = op_of(OpKind::kOnnx, op_.index, std::move(inputs));
  op.name = type;
  op.numbers = std::move(numbers);
  op.numbers["opset"] = {kOpset};
  op.numbers["output"] = {double(output)};
  op.numbers["outputs"] = {double(outputs)};
  op.words = std::move(words);
  std::vector<ConstantPointer> values;
  bool known = true;
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    values.push_back(nullptr);
    if (op.inputs[i] < 0) continue;
    const Tensor& t = graph_.tensor(op.inputs[i]);
    if (t.elements() > onnx::kMaxHostElements)
      throw_error("more than {} elements", onnx::kMaxHostElements);
    if (!t.is_constant && onnx::decides_shape(type, i))
      throw_error("input '{}' decides the result's shape and is computed: export for fixed shapes",
                  t.name);
    auto value = std::make_shared<Constant>();
    value->type = t.type;
    value->shape = t.shape;
    if (t.is_constant)
      value->values = elements_as<double>(t.type, t.data);
    else
      value->values.resize(at(t.elements()));
    known = known && t.is_constant;
    values.back() = std::move(value);
  }
  const Constant result = run_host_op(op, values, !known);
  if (known)
    return constant(result.type, result.shape, {result.values.begin(), result.values.end()});
  Tensor t;
  t.name = out().name;
  t.type = result.type;
  t.shape = result.shape;
  op.outputs = {add(std::move(t))};
  graph_.ops.push_back(op);
  return op.outputs[0];
}

int HostForm::reshaped(int tensor, std::vector<int> shape) {
  Tensor t = graph_.tensor(tensor);
  if (t.shape == shape) return tensor;
  const std::int64_t before = t.elements();
  t.shape = std::move(shape);
  if (t.elements() != before)
    throw_error("cannot give shape [{}] to {} elements", fmt::join(t.shape, ", "), before);
  const bool known = t.is_constant;
  const int to = add(std::move(t));
  if (!known) graph_.ops.push_back(op_of(OpKind::kReshape, op_.index, {tensor}, {to}));
  return to;
}

void HostForm::give(int tensor, int position) {
  const std::size_t target = at(op_.outputs.at(at(position)));
  ++given_;
  tensor = cast(tensor, graph_.tensors[target].type);
  Tensor& to = graph_.tensors[target];
  Tensor& from = graph_.tensors[at(tensor)];
  if (from.shape != to.shape && !from.is_constant)
    throw_error("gives shape [{}], but its tensor '{}' has [{}]", fmt::join(from.shape, ", "),
                to.name, fmt::join(to.shape, ", "));
  if (from.is_constant) {  // a file may leave the shape of a computed tensor open
    to.shape = from.shape;
    to.data = from.data;
    to.is_constant = true;
    return;
  }
  const bool made = graph_.ops.size() > first_ && graph_.ops.back().outputs[0] == tensor;
  if (made)
    graph_.ops.back().outputs[0] = op_.outputs[at(position)];
  else
    graph_.ops.push_back(op_of(OpKind::kReshape, op_.index, {tensor}, {op_.outputs[at(position)]}));
}

int HostForm::activated(int tensor) {
  static constexpr std::pair<double, double> kBounds[] = {
      {-INFINITY, INFINITY}, {0, INFINITY}, {0, 6}, {-1, 1}};
  const auto [low, high] = kBounds[static_cast<std::size_t>(op_.activation)];
  const DataType type = graph_.tensor(tensor).type;
  if (std::isfinite(low)) tensor = node("Max", {tensor, number(type, low)});
  if (std::isfinite(high)) tensor = node("Min", {tensor, number(type, high)});
  return tensor;
}

/// Writes floor(a / b) of integers as (a - a mod b) / b.
void HostForm::floor_div() {
  const int a = operand(0), b = operand(1);
  if (of_floats()) return give(node("Floor", {node("Div", {a, b})}));
  give(node("Div", {node("Sub", {a, node("Mod", {a, b})}), b}));
}

void HostForm::floor_mod() {
  const int a = operand(0), b = operand(1);
  if (!of_floats()) return give(node("Mod", {a, b}));
  const int rest = node("Mod", {a, b}, {{"fmod", {1}}}), zero = number(DataType::kFloat32, 0);
  const int signs_differ = node("Xor", {node("Less", {b, zero}), node("Less", {rest, zero})});
  const int turns = node("And", {signs_differ, node("Not", {node("Equal", {rest, zero})})});
  give(node("Where", {turns, node("Add", {rest, b}), rest}));
}

void HostForm::fill() { give(node("Expand", {operand(1), operand(0)})); }

/// Adds the steps one by one, because LiteRT rounds floats in this way.
void HostForm::range() {
  const int first = reshaped(operand(0), {1}), step = reshaped(operand(2), {1});
  std::int64_t count = out().rank() == 1 ? out().shape[0] : 0;
  if (in(0).is_constant && in(1).is_constant && in(2).is_constant) {
    const auto one = [&](int i) { return elements_as<double>(in(i).type, in(i).data).at(0); };
    count = static_cast<std::int64_t>(
        std::clamp(std::ceil((one(1) - one(0)) / one(2)), 0.0, double(1 << 20)));
  }
  if (count < 1) throw_error("a range without elements");
  const int steps = node("Expand", {step, list({static_cast<int>(count)})});
  const int all = node("Concat", {first, steps}, {{"axis", {0}}});
  const int sums = node("CumSum", {all, number(DataType::kInt32, 0)});
  give(node("Slice", {sums, list({0}), list({static_cast<int>(count)})}));
}

void HostForm::extreme_index() {
  const std::vector<std::int64_t> axis = constants(1);
  if (axis.size() != 1) throw_error("{} axes", axis.size());
  give(node(onnx_, {operand(0)}, {{"axis", {double(axis[0])}}, {"keepdims", {0}}}));
}

void HostForm::top_k() {
  for (int i = 0; i < static_cast<int>(op_.outputs.size()); ++i)
    give(node("TopK", {operand(0), operand(1)}, {}, {}, i, 2), i);
}

/// Writes ONE_HOT. An index below 0 selects nothing, as an index after the last one does.
void HostForm::one_hot() {
  const std::vector<std::int64_t> depth = constants(1);
  if (depth.size() != 1) throw_error("{} depths", depth.size());
  const int indices = operand(0);
  const DataType type = in(0).type;
  const int below = node("Less", {indices, number(type, 0)});
  const int inside = node("Where", {below, number(type, double(depth[0])), indices});
  const int values =
      node("Concat", {reshaped(operand(3), {1}), reshaped(operand(2), {1})}, {{"axis", {0}}});
  give(node("OneHot", {reshaped(inside, in(0).shape), operand(1), values}, op_.numbers));
}

/// Writes SELECT. A condition with one axis selects rows.
void HostForm::select() {
  int condition = operand(0);
  const std::vector<int> shape = in(1).shape;
  if (op_.name == "SELECT" && in(0).rank() == 1 && shape.size() > 1) {
    std::vector<int> rows(shape.size(), 1);
    rows[0] = in(0).shape[0];
    condition = reshaped(condition, rows);
  }
  give(node("Where", {condition, operand(1), operand(2)}));
}

void HostForm::gather() {
  const auto found = op_.numbers.find("batch_dims");
  double batches = found == op_.numbers.end() ? 0 : found->second[0];
  if (batches < 0) batches += in(1).rank();
  const int axis = op_.axis < 0 ? op_.axis + in(0).rank() : op_.axis;
  if (batches == 0) {
    give(node("Gather", {operand(0), operand(1)}, {{"axis", {double(axis)}}, kForward}));
    return;
  }
  if (batches != axis) throw_error("batch_dims {} with axis {}, allowed equal", batches, axis);
  std::vector<int> shape = in(1).shape;
  shape.push_back(1);
  give(node("GatherND", {operand(0), reshaped(operand(1), shape)},
            {{"batch_dims", {batches}}, kForward}));
}

/// Adds up all updates of an element.
void HostForm::scatter_nd() {
  const int zeros = node("Expand", {number(in(1).type, 0), operand(2)});
  give(node("ScatterND", {zeros, operand(0), operand(1)}, {kForward}, {{"reduction", "add"}}));
}

void HostForm::sparse_to_dense() {
  const int rows = static_cast<int>(in(0).rank() == 0 ? 1 : in(0).shape[0]);
  const int depth = in(0).rank() == 2 ? in(0).shape[1] : 1;
  const int dense = node("Expand", {reshaped(operand(3), {1}), operand(1)});
  const int values = node("Expand", {operand(2), list({rows})});
  give(node("ScatterND", {dense, reshaped(operand(0), {rows, depth}), values}, {kForward}));
}

void HostForm::reduction() {
  std::vector<double> axes;
  for (const std::int64_t axis : constants(1)) axes.push_back(double(axis));
  if (axes.empty()) return copy();
  give(node(onnx_, {operand(0)}, {{"axes", axes}, {"keepdims", {op_.keep_dims ? 1.0 : 0.0}}}));
}

/// Selects boxes of one class, followed by zeros.
void HostForm::non_max_suppression() {
  const std::vector<std::int64_t> most = constants(2);
  const bool scored = op_.name.ends_with("V5");
  if (!in(3).is_constant || (scored && !in(5).is_constant))
    throw_error("its threshold is computed, allowed a constant");
  const auto first = [&](int i) { return elements_as<double>(in(i).type, in(i).data).at(0); };
  if (scored && first(5) != 0) throw_error("soft_nms_sigma {}, allowed 0", first(5));
  // Boxes whose overlap equals the threshold are suppressed by TFLite but not by ONNX.
  const int share =
      number(DataType::kFloat32, double{std::nextafter(static_cast<float>(first(3)), -INFINITY)});
  const int count = in(0).shape.at(0),
            rows = node("NonMaxSuppression",
                        {reshaped(operand(0), {1, count, 4}), reshaped(operand(1), {1, 1, count}),
                         number(DataType::kInt64, double(most.at(0))), share, operand(4)});
  const int column = node("Gather", {rows, constant(DataType::kInt32, {}, {2})}, {{"axis", {1}}});
  const int zero = number(DataType::kInt64, 0), valid = node("Not", {node("Less", {column, zero})});
  const int indices = node("Max", {column, zero});
  const int missing = static_cast<int>(most[0]) - graph_.tensor(column).shape[0];
  const auto filled = [&](int t) { return missing > 0 ? node("Pad", {t, list({0, missing})}) : t; };
  give(filled(indices), 0);
  if (scored) {
    const int scores = node("Gather", {operand(1), indices});
    give(filled(node("Where", {valid, scores, number(DataType::kFloat32, 0)})), 1);
  }
  give(node("ReduceSum", {cast(valid, DataType::kInt32)}, {{"keepdims", {0}}}), scored ? 2 : 1);
}

int HostForm::transposed(int tensor, const std::vector<int>& order) {
  const Tensor from = graph_.tensor(tensor);
  if (from.rank() != static_cast<int>(order.size()))
    throw_error("input '{}' of rank {}, allowed {}", from.name, from.rank(), order.size());
  std::vector<std::size_t> steps;
  Tensor to{out().name, from.type, {}, {}, false, {}};
  for (const int axis : order) {
    steps.push_back(steps_of(from.shape)[at(axis)]);
    to.shape.push_back(from.shape[at(axis)]);
  }
  if (from.is_constant) {
    const auto values = elements_as<double>(from.type, from.data);
    std::vector<double> picked;
    for (const std::size_t i : walk(to.shape, steps)) picked.push_back(values.at(i));
    return constant(from.type, to.shape, picked);
  }
  const int result = add(std::move(to));
  graph_.ops.push_back(op_of(OpKind::kTranspose, op_.index, {tensor, list(order)}, {result}));
  return result;
}

int HostForm::planes(int position) { return transposed(operand(position), {0, 3, 1, 2}); }

/// Returns strides and borders in ONNX's form.
Numbers HostForm::sliding() const {
  for (const int step :
       {op_.stride_h, op_.stride_w, op_.dilation_h, op_.dilation_w, op_.filter_h, op_.filter_w})
    if (step < 1 || step > onnx::kMaxWindow)
      throw_error("step {}, allowed 1..{}", step, onnx::kMaxWindow);
  const Window w = window(graph_, op_);
  return {
      {"strides", {double(op_.stride_h), double(op_.stride_w)}},
      {"dilations", {double(op_.dilation_h), double(op_.dilation_w)}},
      {"pads", {double(w.pad_top), double(w.pad_left), double(w.pad_bottom), double(w.pad_right)}}};
}

/// Makes the result of the last matrix product the operator's result.
void HostForm::give_product(int tensor) {
  for (std::size_t i = first_; i < graph_.ops.size(); ++i)
    if (graph_.ops[i].kind == OpKind::kOnnx && graph_.ops[i].name == onnx_)
      graph_.ops[i].counted_macs = macs(graph_, op_);
  give(activated(tensor));
}

void HostForm::convolution() {
  const bool depthwise = op_.kind == OpKind::kDepthwiseConv2D;
  if (in(0).rank() != 4 || in(1).rank() != 4 || in(1).elements() == 0)
    throw_error("its tensors are not images");
  const int weights =
      transposed(operand(1), depthwise ? std::vector{3, 0, 1, 2} : std::vector{0, 3, 1, 2});
  std::vector<int> operands{planes(0), weights};
  if (op_.input(2) >= 0) operands.push_back(op_.input(2));
  Numbers numbers = sliding();
  numbers["group"] = {double(depthwise ? in(0).extent(3) : groups(graph_, op_))};
  give_product(pixels(node(onnx_, operands, numbers)));
}

void HostForm::transposed_convolution() {
  if (in(1).rank() != 4 || in(2).rank() != 4 || out().rank() != 4)
    throw_error("its tensors are not images");
  std::vector<int> operands{planes(2), transposed(operand(1), {3, 0, 1, 2})};
  if (op_.input(3) >= 0) operands.push_back(op_.input(3));
  Numbers numbers = sliding();
  const std::vector<double>& pads = numbers["pads"];
  const auto left_over = [&](int axis, int stride, std::size_t pad) {
    return out().extent(axis) + pads[pad] + pads[pad + 2] -
           ((in(2).extent(axis) - 1.0) * stride + in(1).extent(axis));
  };
  numbers["output_padding"] = {left_over(1, op_.stride_h, 0), left_over(2, op_.stride_w, 1)};
  give_product(pixels(node(onnx_, operands, numbers)));
}

void HostForm::fully_connected() {
  if (in(1).rank() != 2 || in(1).elements() == 0)
    throw_error("weights of rank {}, allowed 2", in(1).rank());
  const int K = in(1).extent(1), rows = static_cast<int>(in(0).elements() / K);
  std::vector<int> operands{reshaped(operand(0), {rows, K}), operand(1)};
  if (op_.input(2) >= 0) operands.push_back(op_.input(2));
  give_product(reshaped(node(onnx_, operands, {{"transB", {1}}}), out().shape));
}

void HostForm::batch_matmul() {
  const auto turned = [&](int position, bool adjoint) {
    std::vector<int> order(at(in(position).rank()));
    if (order.size() < 2) throw_error("rank {}, allowed 2 and above", order.size());
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[order.size() - 2], order.back());
    return adjoint ? transposed(operand(position), order) : operand(position);
  };
  give_product(node(onnx_, {turned(0, op_.adjoint_a), turned(1, op_.adjoint_b)}));
}

void HostForm::pool() {
  if (in(0).rank() != 4) throw_error("its input is not an image");
  Numbers numbers = sliding();
  numbers["kernel_shape"] = {double(op_.filter_h), double(op_.filter_w)};
  give(activated(pixels(node(onnx_, {planes(0)}, numbers))));
}

void HostForm::softmax() {
  int x = operand(0);
  if (op_.beta != 1) x = node("Mul", {x, number(DataType::kFloat32, double{op_.beta})});
  give(node(onnx_, {x}, {{"axis", {-1}}}));
}

void HostForm::l2_normalization() {
  constexpr float kLeast = 1e-6f;
  const int sum = node("ReduceSumSquare", {operand(0)}, {{"axes", {-1}}, {"keepdims", {1}}});
  const int length = node("Max", {node("Sqrt", {sum}), number(DataType::kFloat32, double{kLeast})});
  give(activated(node("Div", {operand(0), length})));
}

void HostForm::attributed() {
  if (onnx_ == std::string_view("Gelu"))
    give(node(onnx_, {operand(0)}, {}, {{"approximate", op_.approximate ? "tanh" : "none"}}));
  else
    give(node(onnx_, {operand(0)}, {{"alpha", {double{op_.alpha}}}}));
}

void HostForm::hard_swish() {
  const int up = node("Add", {operand(0), number(DataType::kFloat32, 3)});
  const int gate = node(
      "Min", {node("Max", {up, number(DataType::kFloat32, 0)}), number(DataType::kFloat32, 6)});
  give(node("Div", {node("Mul", {operand(0), gate}), number(DataType::kFloat32, 6)}));
}

void HostForm::clamped() {
  const int x = node("Max", {operand(0), number(DataType::kFloat32, 0)});
  give(node("Min", {x, number(DataType::kFloat32, 1)}));
}

void HostForm::resize() {
  if (in(0).rank() != 4 || out().rank() != 4) throw_error("its input is not an image");
  const std::string where = op_.align_corners        ? "align_corners"
                            : op_.half_pixel_centers ? "half_pixel"
                                                     : "asymmetric";
  const bool turns_up = op_.align_corners || op_.half_pixel_centers;
  give(node("Resize", {operand(0), -1, -1, list(out().shape)}, {},
            {{"mode", onnx_},
             {"coordinate_transformation_mode", where},
             {"nearest_mode", turns_up ? "round_prefer_ceil" : "floor"}}));
}

/// Dequantizes a constant with a scale for each channel; check() handles the others.
void HostForm::dequantized() {
  const Tensor& codes = in(0);
  const Quantization& q = codes.quantization;
  if (!codes.is_constant || q.axis < 0 || q.axis >= codes.rank() ||
      q.scale.size() != at(codes.shape[at(q.axis)]))
    throw_error("a scale for each channel, allowed only for constants");
  std::vector<double> values = elements_as<double>(codes.type, codes.data);
  const std::size_t inner = steps_of(codes.shape)[at(q.axis)];
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t channel = i / inner % q.scale.size();
    values[i] = (values[i] - static_cast<double>(q.zero_point[channel])) * double{q.scale[channel]};
  }
  give(constant(DataType::kFloat32, codes.shape, values));
}

/// Its codes are converted to floats first.
void HostForm::detections() {
  std::vector<int> operands;
  for (int i = 0; i < 3; ++i) {
    const Tensor& t = in(i);
    operands.push_back(operand(i));
    if (t.type == DataType::kFloat32) continue;
    if (t.quantization.scale.size() != 1) throw_error("input {} has no scale", i);
    const int real = add({t.name, DataType::kFloat32, t.shape, {}, false, {}});
    graph_.ops.push_back(op_of(OpKind::kDequantize, op_.index, {operands.back()}, {real}));
    operands.back() = real;
  }
  for (int i = 0; i < static_cast<int>(op_.outputs.size()); ++i) {
    const int result = node("TFLite_Detection_PostProcess", operands, op_.numbers, {}, i, 4);
    Tensor& to = graph_.tensors[at(op_.outputs[at(i)])];
    if (to.shape.empty()) to.shape = graph_.tensor(result).shape;  // writers omit it
    give(result, i);
  }
}

const HostForm::Row HostForm::kRows[] = {
    {"ABS", &HostForm::absolute, "", kPlain},
    {"ADD", &HostForm::pair, "Add", kPlain},
    {"ARG_MAX", &HostForm::extreme_index, "ArgMax", kAny},
    {"ARG_MIN", &HostForm::extreme_index, "ArgMin", kAny},
    {"AVERAGE_POOL_2D", &HostForm::pool, "AveragePool", kPlain},
    {"BATCH_MATMUL", &HostForm::batch_matmul, "MatMul", kPlain},
    {"CAST", &HostForm::cast_result, "", kAny},
    {"CONV_2D", &HostForm::convolution, "Conv", kPlain},
    {"CUMSUM", &HostForm::same, "CumSum", kPlain},
    {"CUSTOM:TFLite_Detection_PostProcess", &HostForm::detections, "", kAny},
    {"DEPTHWISE_CONV_2D", &HostForm::convolution, "Conv", kPlain},
    {"DEQUANTIZE", &HostForm::dequantized, "", kAny},
    {"DIV", &HostForm::pair, "Div", kPlain},
    {"EMBEDDING_LOOKUP", &HostForm::embedding, "", kAny},
    {"EQUAL", &HostForm::pair, "Equal", kPlain},
    {"FILL", &HostForm::fill, "", kAny},
    {"FLOOR_DIV", &HostForm::floor_div, "", kPlain},
    {"FLOOR_MOD", &HostForm::floor_mod, "", kPlain},
    {"FULLY_CONNECTED", &HostForm::fully_connected, "Gemm", kPlain},
    {"GATHER", &HostForm::gather, "", kAny},
    {"GATHER_ND", &HostForm::gather_nd, "", kAny},
    {"GELU", &HostForm::attributed, "Gelu", kPlain},
    {"GREATER", &HostForm::pair, "Greater", kPlain},
    {"GREATER_EQUAL", &HostForm::pair, "GreaterOrEqual", kPlain},
    {"HARD_SWISH", &HostForm::hard_swish, "", kPlain},
    {"L2_NORMALIZATION", &HostForm::l2_normalization, "", kPlain},
    {"LEAKY_RELU", &HostForm::attributed, "LeakyRelu", kPlain},
    {"LESS", &HostForm::pair, "Less", kPlain},
    {"LESS_EQUAL", &HostForm::pair, "LessOrEqual", kPlain},
    {"LOGICAL_AND", &HostForm::pair, "And", kPlain},
    {"LOGICAL_NOT", &HostForm::function, "Not", kPlain},
    {"LOGICAL_OR", &HostForm::pair, "Or", kPlain},
    {"LOG_SOFTMAX", &HostForm::softmax, "LogSoftmax", kPlain},
    {"MAXIMUM", &HostForm::pair, "Max", kPlain},
    {"MAX_POOL_2D", &HostForm::pool, "MaxPool", kPlain},
    {"MEAN", &HostForm::reduction, "ReduceMean", kPlain},
    {"MINIMUM", &HostForm::pair, "Min", kPlain},
    {"MUL", &HostForm::pair, "Mul", kPlain},
    {"NEG", &HostForm::negative, "", kPlain},
    {"NON_MAX_SUPPRESSION_V4", &HostForm::non_max_suppression, "", kPlain},
    {"NON_MAX_SUPPRESSION_V5", &HostForm::non_max_suppression, "", kPlain},
    {"NOT_EQUAL", &HostForm::negated_pair, "Equal", kPlain},
    {"ONE_HOT", &HostForm::one_hot, "", kAny},
    {"POW", &HostForm::pair, "Pow", kPlain},
    {"PRELU", &HostForm::pair, "PRelu", kPlain},
    {"RANGE", &HostForm::range, "", kPlain},
    {"RANK", &HostForm::rank_of, "", kAny},
    {"REDUCE_ALL", &HostForm::reduction, "ReduceMin", kPlain},
    {"REDUCE_ANY", &HostForm::reduction, "ReduceMax", kPlain},
    {"REDUCE_MAX", &HostForm::reduction, "ReduceMax", kAny},
    {"REDUCE_MIN", &HostForm::reduction, "ReduceMin", kAny},
    {"REDUCE_PROD", &HostForm::reduction, "ReduceProd", kPlain},
    {"RELU", &HostForm::function, "Relu", kPlain},
    {"RELU_0_TO_1", &HostForm::clamped, "", kPlain},
    {"RESIZE_BILINEAR", &HostForm::resize, "linear", kPlain},
    {"RESIZE_NEAREST_NEIGHBOR", &HostForm::resize, "nearest", kPlain},
    {"REVERSE_SEQUENCE", &HostForm::same, "ReverseSequence", kAny},
    {"SCATTER_ND", &HostForm::scatter_nd, "", kAny},
    {"SELECT", &HostForm::select, "", kAny},
    {"SELECT_V2", &HostForm::select, "", kAny},
    {"SHAPE", &HostForm::shape_of, "", kAny},
    {"SIGN", &HostForm::function, "Sign", kPlain},
    {"SOFTMAX", &HostForm::softmax, "Softmax", kPlain},
    {"SPARSE_TO_DENSE", &HostForm::sparse_to_dense, "", kAny},
    {"SQUARE", &HostForm::square, "", kPlain},
    {"SQUARED_DIFFERENCE", &HostForm::squared_difference, "", kPlain},
    {"SUB", &HostForm::pair, "Sub", kPlain},
    {"SUM", &HostForm::reduction, "ReduceSum", kPlain},
    {"TOPK_V2", &HostForm::top_k, "", kAny},
    {"TRANSPOSE_CONV", &HostForm::transposed_convolution, "ConvTranspose", kPlain},
    {"UNIQUE", &HostForm::lies_in_data, "", kAny},
    {"WHERE", &HostForm::lies_in_data, "", kAny},
    {"ZEROS_LIKE", &HostForm::zeros, "", kAny},
};

/// Returns true if an operand or result holds codes with a scale.
bool has_codes(const Graph& graph, const Op& op) {
  const auto is_code = [&](int t) {
    return t >= 0 && !graph.tensor(t).quantization.scale.empty() &&
           graph.tensor(t).type != DataType::kFloat32;
  };
  return std::ranges::any_of(op.inputs, is_code) || std::ranges::any_of(op.outputs, is_code);
}

bool HostForm::write() {
  const auto* row = std::ranges::find(kRows, op_.name, &Row::name);
  if (row == std::end(kRows)) refuse(Reason::kOperator, "{}", remedy_of(op_.name));
  if (row->takes == kPlain && has_codes(graph_, op_)) throw_error("of codes with a scale");
  onnx_ = row->onnx;
  try {
    (this->*row->write)();
  } catch (const std::out_of_range&) {
    throw_error("an operand with too few elements or axes");
  }
  if (given_ != op_.outputs.size()) throw_error("{} outputs", op_.outputs.size());
  return graph_.ops.size() > first_;
}

}  // namespace

bool write_host_form(Graph& graph, const Op& op) { return HostForm(graph, op).write(); }

}  // namespace trine::host
