// SPDX-License-Identifier: Apache-2.0

#include <onnx/onnx_pb.h>

#include <set>
#include <utility>

#include "tools/random/onnx/exported.h"

namespace trine::fuzz {
namespace {

using model::DataType;
using model::onnx_file::Attribute;
using model::onnx_file::Constant;

int code_of(DataType type) {
  static constexpr std::pair<DataType, int> kCodes[] = {
      {DataType::kFloat32, onnx::TensorProto::FLOAT}, {DataType::kUInt8, onnx::TensorProto::UINT8},
      {DataType::kInt8, onnx::TensorProto::INT8},     {DataType::kInt32, onnx::TensorProto::INT32},
      {DataType::kInt64, onnx::TensorProto::INT64},   {DataType::kBool, onnx::TensorProto::BOOL}};
  for (const auto& [known, code] : kCodes)
    if (known == type) return code;
  return 0;
}

void set(onnx::TensorProto* to, const std::string& name, const Constant& c) {
  to->set_name(name);
  to->set_data_type(code_of(c.type));
  for (const int extent : c.shape) to->add_dims(extent);
  for (const double value : c.values)
    if (c.type == DataType::kFloat32)
      to->add_float_data(static_cast<float>(value));
    else if (c.type == DataType::kInt64)
      to->add_int64_data(static_cast<std::int64_t>(value));
    else
      to->add_int32_data(static_cast<int>(value));
}

void set(onnx::AttributeProto* to, const std::string& name, const Attribute& a) {
  static const std::set<std::string> kLists{"axes",    "dilations",      "kernel_shape", "pads",
                                            "strides", "output_padding", "perm",         "split"};
  to->set_name(name);
  if (!a.s.empty()) {
    to->set_type(onnx::AttributeProto::STRING);
    to->set_s(a.s);
  } else if (kLists.contains(name)) {
    to->set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t value : a.ints) to->add_ints(value);
  } else {
    to->set_type(onnx::AttributeProto::INT);
    to->set_i(a.i);
  }
}

onnx::TensorShapeProto* float_shape(onnx::ValueInfoProto* info, const std::string& name) {
  info->set_name(name);
  auto* type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  return type->mutable_shape();
}

}  // namespace

std::string onnx_bytes(const model::onnx_file::File& file) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(file.opset);
  auto* extra = model.add_opset_import();
  extra->set_domain("com.microsoft");
  extra->set_version(1);
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name(file.name);
  for (const auto& input : file.inputs) {
    auto* shape = float_shape(graph.add_input(), input.name);
    for (const int extent : input.shape) shape->add_dim()->set_dim_value(extent);
  }
  for (const auto& [name, constant] : file.constants) set(graph.add_initializer(), name, *constant);
  for (const auto& node : file.nodes) {
    onnx::NodeProto* to = graph.add_node();
    to->set_op_type(node.type);
    to->set_domain(node.domain);
    for (const std::string& name : node.inputs) to->add_input(name);
    for (const std::string& name : node.outputs) to->add_output(name);
    for (const auto& [name, attribute] : node.attributes) set(to->add_attribute(), name, attribute);
  }
  for (const std::string& name : file.outputs) graph.add_output()->set_name(name);
  return model.SerializeAsString();
}

}  // namespace trine::fuzz
