// SPDX-License-Identifier: Apache-2.0
//
// Imports operators of two tensors, and functions of codes, which become tables.

#include <optional>

#include "sw/base/error.h"
#include "sw/host/onnx/evaluate.h"
#include "sw/host/onnx/host_op.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/onnx/import/importer.h"

namespace trine::model::onnx_file {

/// Imports an operator of two tensors. Its codes are made when a quantizer follows; functions of
/// codes are floats.
Value Importer::of_two() { return of_two(kind_of_onnx(node_->type).value(), in(0), in(1)); }

Value Importer::of_two(OpKind kind, Value a, Value b) {
  for (Value* value : {&a, &b}) {
    *value = emit_.summed(*value, out() + ":sum", node_->index);
    if (value->tensor < 0 || value->raw_codes) throw_error(kFloatBetween);
  }
  if (b.layout == Layout::kNhwc) a = emit_.to_nhwc(a, node_->index);
  if (a.layout == Layout::kNhwc) b = emit_.to_nhwc(b, node_->index);
  if (a.layout != b.layout)
    for (Value* value : {&a, &b}) *value = emit_.to_plain(*value, node_->index);
  const auto shape = broadcast_shape(a.shape, b.shape);
  if (!shape || a.shape.size() != b.shape.size() || a.layout != b.layout || a.image != b.image)
    throw_error("its tensors have different shapes");
  if (is_wide(a)) b = emit_.widened(std::move(b), node_->index);
  if (is_wide(b)) a = emit_.widened(std::move(a), node_->index);
  const bool of_codes = emit_.is_codes(a) && a.steps.empty() && emit_.is_codes(b) &&
                        b.steps.empty() && kind != OpKind::kDiv;
  if (!of_codes) return of_floats(kind, a, b);
  return of_sum({node_->index, a.tensor, b.tensor, out(), kind}, a, *shape);
}

Value Importer::of_floats(OpKind kind, const Value& given_a, const Value& given_b) {
  if (given_a.shape != given_b.shape) throw_error("its float tensors have different shapes");
  Value a = emit_.reals(given_a, node_->index);
  const Value b = emit_.reals(given_b, node_->index);
  a.tensor = emit_.add_real(op(kind, {a.tensor, b.tensor}), out() + ":real");
  return a;
}

Value Importer::function() {
  if (node_->real("alpha", 1.0f) != 1.0f) return table();
  const OpKind kind = kind_of_onnx(node_->type).value();
  if (is_wide(in(0)) && (kind == OpKind::kLogistic || kind == OpKind::kTanh))
    return of_words(op(kind), in(0));
  if (is_wide(in(0)) && kind == OpKind::kNeg) return stepped(in(0), Kind::kSubFrom, {0.0f});
  return function_of(kind, in(0));
}

/// Imports a function of int16 codes with int16 results.
Value Importer::of_words(Op function, const Value& given) {
  function.inputs = {given.tensor};
  Value value = given.made(-1);
  value.shape = given.shape;
  value.own = std::make_shared<const Own>(Own{std::move(function), hosted(out())});
  return value;
}

/// Imports a function without an operator kind as a table, if all of its operands are functions of
/// the same codes, or numbers.
Value Importer::table() {
  std::optional<Value> value;
  std::vector<int> inputs;
  std::vector<ConstantPointer> zeros;
  for (std::size_t i = 0; i < node_->inputs.size(); ++i) {
    const ConstantPointer& c = in(i).constant;
    if (c && c->elements() != 1)
      throw_error("reads a constant of {} elements, allowed 1", c->elements());
    const Value operand = c ? in(i) : emit_.reals(in(i), node_->index);
    if (!c && value && (value->shape != operand.shape || value->layout != operand.layout))
      throw_error("its tensors have different shapes");
    inputs.push_back(c ? emit_.add_constant(node_->inputs[i], *c) : operand.tensor);
    zeros.push_back(stand_in(i, inputs.back()));
    if (!c) value = operand;
  }
  Op op = host_op(*node_, file_.opset, 0);
  const Constant shaped = run_host_op(op, zeros, true);
  if (shaped.type != DataType::kFloat32 && shaped.type != DataType::kBool)
    throw_error("its operands are whole numbers");
  op.inputs = inputs;
  value.value().tensor = emit_.add_op(
      std::move(op),
      emit_.add_tensor(out() + ":real", shaped.type, emit_.tensor(value->tensor).shape));
  return *value;
}

Value Importer::function_of(OpKind kind, const Value& given) {
  Value value = emit_.reals(given, node_->index);
  value.tensor = emit_.add_real(op(kind, {value.tensor}), out() + ":real");
  return value;
}

/// Imports x / 2 (1 + erf(x / sqrt 2)), or the form with tanh(sqrt(2 / pi) (x + 0.044715 x^3)).
Value Importer::gelu() {
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

}  // namespace trine::model::onnx_file
