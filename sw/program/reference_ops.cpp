// SPDX-License-Identifier: Apache-2.0

#include "sw/program/reference_ops.h"

#include <cstring>
#include <exception>
#include <span>
#include <string>

#include "sw/base/error.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/op_fields.h"
#include "sw/reference/golden.h"

namespace trine::program {
namespace {

void set_attribute(const trine_host_attribute& a, model::Op* op,
                   reference::RoundingPolicy* policy) {
  const std::string name = a.name;
  if (a.text != nullptr) {
    op->words[name.substr(name.find(':') + 1)] = a.text;
    return;
  }
  const std::span values(a.numbers, a.count);
  if (name.starts_with("onnx:")) {
    op->numbers[name.substr(5)] = {values.begin(), values.end()};
  } else if (name.starts_with("step:")) {
    model::FloatStep& step = op->steps.emplace_back();
    step.kind = static_cast<model::FloatStep::Kind>(static_cast<int>(values[0]));
    for (const double value : values.subspan(1)) step.value.push_back(static_cast<float>(value));
  } else if (name == "new_shape") {
    for (const double extent : values) op->new_shape.push_back(static_cast<int>(extent));
  } else if (name == "rounding") {
    const auto rounding = static_cast<reference::Rounding>(static_cast<int>(values[0]));
    policy->fully_connected = policy->others = rounding;
  } else if (name == "lstm") {
    policy->lstm = static_cast<reference::LstmKernel>(static_cast<int>(values[0]));
  }
  model::for_each_field([&]<typename T>(const char* field, T model::Op::*member) {
    if (name == field) op->*member = static_cast<T>(values[0]);
  });
}

model::Tensor tensor_of(const trine_host_tensor& from) {
  model::Tensor t;
  t.type = static_cast<model::DataType>(from.type);
  t.shape.assign(from.extents, from.extents + from.rank);
  t.quantization.scale.assign(from.scales, from.scales + from.scale_count);
  t.quantization.zero_point.assign(from.zero_points, from.zero_points + from.scale_count);
  t.quantization.axis = static_cast<int>(from.axis);
  t.encoding = static_cast<model::Encoding>(from.encoding & 0xff);
  t.format = static_cast<spec::Format>(from.encoding >> 8 & 0xff);
  t.is_constant = from.constant != 0;
  const auto* bytes = static_cast<const std::uint8_t*>(from.data);
  if (t.is_constant) t.data.edit().assign(bytes, bytes + from.bytes);
  return t;
}

/// The operator as a separate graph, and the values that it reads.
struct Alone {
  model::Graph graph;
  reference::Values values;
  reference::RoundingPolicy policy{.lstm = reference::LstmKernel::kLiteRt};  // of older files

  explicit Alone(const trine_host_op& from) {
    graph.name = graph.file = from.kind;
    model::Op op = model::op_of(model::kind_of(from.kind).value_or(model::OpKind::kOnnx), 0);
    op.name = from.kind;
    trine_host_tensor tensor;
    for (std::uint32_t i = 0; i < from.inputs; ++i)
      op.inputs.push_back(trine_host_input(&from, i, &tensor) == TRINE_OK ? input(tensor) : -1);
    for (std::uint32_t i = 0; i < from.outputs; ++i)
      if (trine_host_output(&from, i, &tensor) == TRINE_OK)
        op.outputs.push_back(graph.add(tensor_of(tensor)));
    graph.outputs = op.outputs;
    trine_host_attribute attribute;
    for (std::uint32_t i = 0; trine_host_attribute_at(&from, i, &attribute) == TRINE_OK; ++i)
      set_attribute(attribute, &op, &policy);
    graph.ops.push_back(std::move(op));
    model::check(graph);
    reference::check_policy(graph, policy);
  }
  int input(const trine_host_tensor& from) {
    const model::Tensor tensor = tensor_of(from);
    const auto* bytes = static_cast<const std::uint8_t*>(from.data);
    const int index = graph.add(tensor);
    if (tensor.is_constant) return index;
    graph.inputs.push_back(index);
    values[index] = {.dtype = std::string(model::npy_code(tensor.type)),
                     .shape = {tensor.shape.begin(), tensor.shape.end()},
                     .bytes = {bytes, bytes + from.bytes}};
    return index;
  }
};

}  // namespace

int run_reference_op(void*, const trine_host_op* op) noexcept {
  try {
    const Alone alone(*op);
    const model::Op& only = alone.graph.ops.at(0);
    const Array result = reference::run_op(alone.graph, only, alone.values, alone.policy.of(only),
                                           alone.policy.lstm);
    trine_host_tensor output;
    if (trine_host_output(op, 0, &output) != TRINE_OK || output.bytes != result.bytes.size())
      return TRINE_E_OPERATOR;
    std::memcpy(output.data, result.bytes.data(), output.bytes);
    return TRINE_OK;
  } catch (const std::exception&) {
    return TRINE_E_OPERATOR;
  }
}

}  // namespace trine::program
