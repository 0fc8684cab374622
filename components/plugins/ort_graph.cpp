// SPDX-License-Identifier: Apache-2.0

#include "components/plugins/ort_graph.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <set>

#include "sw/base/error.h"
#include "sw/base/index.h"

namespace trine::abi::ort {
namespace {

struct ElementName {
  int type;
  const char* code;  ///< NumPy's; empty: not supported
  bool is_code;
};
constexpr ElementName kElements[] = {
    {onnx::TensorProto::FLOAT, "f4", false}, {onnx::TensorProto::UINT8, "u1", true},
    {onnx::TensorProto::INT8, "i1", true},   {onnx::TensorProto::UINT16, "u2", true},
    {onnx::TensorProto::INT16, "i2", true},  {onnx::TensorProto::INT32, "i4", false},
    {onnx::TensorProto::INT64, "i8", false}, {onnx::TensorProto::BOOL, "b1", false},
    {onnx::TensorProto::DOUBLE, "f8", false}};

const ElementName* element(int type) {
  const auto found = std::ranges::find(kElements, type, &ElementName::type);
  return found == std::end(kElements) ? nullptr : found;
}

/// Writes tensors of the runtime as tensors of a file.
class Writer {
 public:
  explicit Writer(const Api& api) : api_(api) {}

  void write(const Value* value, const std::string& name, onnx::TensorProto& tensor) const {
    TensorInfo* info = api_.get<TensorInfo*, TensorOf>(value);
    const auto axes = api_.list<std::int64_t, AxisCount, Axes>(info);
    tensor.set_data_type(api_.get<int, ElementType>(info));
    ReleaseTensorInfo::call(api_.table(), info);
    tensor.set_name(name);
    for (const std::int64_t extent : axes) tensor.add_dims(extent);
    void* data = nullptr;
    api_.call<TensorData>(const_cast<Value*>(value), &data);
    tensor.set_raw_data(data, api_.get<std::size_t, TensorBytes>(value));
  }

  void write(const Node* node, onnx::NodeProto& written) const {
    written.set_name(api_.get<const char*, NodeName>(node));
    written.set_op_type(api_.get<const char*, NodeType>(node));
    written.set_domain(api_.get<const char*, NodeDomain>(node));
    for (const ValueInfo* input : api_.list<const ValueInfo*, InputCount, Inputs>(node))
      written.add_input(input ? api_.get<const char*, ValueName>(input) : "");
    for (const ValueInfo* output : api_.list<const ValueInfo*, OutputCount, Outputs>(node))
      written.add_output(output ? api_.get<const char*, ValueName>(output) : "");
    for (const Attribute* attribute :
         api_.list<const Attribute*, AttributeCount, ort::Attributes>(node))
      write(attribute, *written.add_attribute());
  }

 private:
  void write(const Attribute* attribute, onnx::AttributeProto& written) const {
    written.set_name(api_.get<const char*, AttributeName>(attribute));
    const int type = api_.get<int, AttributeType>(attribute);
    switch (type) {
      case kInt:
        written.set_type(onnx::AttributeProto::INT);
        return written.set_i(values<std::int64_t>(attribute, type).at(0));
      case kInts:
        written.set_type(onnx::AttributeProto::INTS);
        for (const std::int64_t v : values<std::int64_t>(attribute, type)) written.add_ints(v);
        return;
      case kFloat:
        written.set_type(onnx::AttributeProto::FLOAT);
        return written.set_f(values<float>(attribute, type).at(0));
      case kFloats:
        written.set_type(onnx::AttributeProto::FLOATS);
        for (const float v : values<float>(attribute, type)) written.add_floats(v);
        return;
      case kString:
        written.set_type(onnx::AttributeProto::STRING);
        return written.set_s(text(attribute));
      case kTensor:
        return write_tensor(attribute, written);
      default:
        throw_error("attribute {} is of kind {}, which is not supported", written.name(), type);
    }
  }

  void write_tensor(const Attribute* attribute, onnx::AttributeProto& written) const {
    written.set_type(onnx::AttributeProto::TENSOR);
    Value* value = api_.get<Value*, AttributeTensor>(attribute);
    write(value, written.name(), *written.mutable_t());
    ReleaseValue::call(api_.table(), value);
  }

  template <typename T>
  std::vector<T> values(const Attribute* attribute, int type) const {
    std::size_t bytes = 0;  // calling without a buffer is an error unless there are none
    ReleaseStatus::call(api_.table(),
                        ReadAttribute::call(api_.table(), attribute, type, nullptr, 0, &bytes));
    std::vector<T> all(bytes / sizeof(T));
    if (!all.empty())
      api_.call<ReadAttribute>(attribute, type, static_cast<void*>(all.data()), bytes, &bytes);
    return all;
  }

  std::string text(const Attribute* attribute) const {
    const std::vector<char> all = values<char>(attribute, kString);
    std::string text(all.begin(), all.end());
    while (text.ends_with('\0')) text.pop_back();
    return text;
  }

  const Api& api_;
};

}  // namespace

void Api::check(Status* status) const {
  if (status == nullptr) return;
  const std::string text = ErrorText::call(table_, status);
  ReleaseStatus::call(table_, status);
  throw_error("trine: ONNX Runtime says: {}", text);
}

Array Api::shape_of(const TensorInfo* info) const {
  const ElementName* name = element(get<int, ElementType>(info));
  return {name != nullptr ? name->code : "?", list<std::int64_t, AxisCount, Axes>(info), {}};
}

Array Api::array_of(const Value* value) const {
  TensorInfo* info = get<TensorInfo*, TensorOf>(value);
  Array array = shape_of(info);
  ReleaseTensorInfo::call(table_, info);
  void* data = nullptr;
  call<TensorData>(const_cast<Value*>(value), &data);
  const auto* bytes = static_cast<const std::uint8_t*>(data);
  array.bytes.assign(bytes, bytes + get<std::size_t, TensorBytes>(value));
  return array;
}

bool is_code(int type) { return element(type) != nullptr && element(type)->is_code; }

OrtGraph::OrtGraph(const Api& api, const Graph* graph)
    : api_(api), graph_(graph), nodes_(api.list<const Node*, NodeCount, ort::Nodes>(graph)) {
  for (const Node* node : nodes_) described_.push_back(described(node));
}

std::vector<abi::Node> OrtGraph::nodes() const { return described_; }

bool OrtGraph::holds_codes(int tensor) const {
  return tensor < 0 || tensors_[at(tensor)].is_constant || is_code(tensors_[at(tensor)].type);
}

abi::Node OrtGraph::described(const Node* node) {
  abi::Node result;
  result.op = api_.get<const char*, NodeType>(node);
  result.name = api_.get<const char*, NodeName>(node);
  result.dequantizes = result.op == "DequantizeLinear";
  for (const ValueInfo* input : api_.list<const ValueInfo*, InputCount, Inputs>(node))
    result.inputs.push_back(number(input));
  for (const ValueInfo* output : api_.list<const ValueInfo*, OutputCount, Outputs>(node))
    result.outputs.push_back(number(output));
  if (api_.get<std::size_t, SubgraphCount>(node) > 0) result.refused = "it contains subgraphs";
  result.macs = macs(result);
  return result;
}

int OrtGraph::number(const ValueInfo* info) {
  const std::string name = info != nullptr ? api_.get<const char*, ValueName>(info) : "";
  if (name.empty()) return -1;
  const auto [found, is_new] = numbers_.try_emplace(name, static_cast<int>(tensors_.size()));
  if (is_new) tensors_.push_back(tensor_of(info, name));
  return found->second;
}

OrtGraph::Tensor OrtGraph::tensor_of(const ValueInfo* info, const std::string& name) const {
  Tensor tensor{info, name, api_.get<bool, IsConstant>(info), api_.get<bool, IsGraphOutput>(info),
                0,    {}};
  const auto* type = api_.get<const TypeInfo*, ValueType>(info);
  const auto* of_tensor = type ? api_.get<const TensorInfo*, AsTensor>(type) : nullptr;
  if (of_tensor == nullptr) return tensor;
  tensor.type = api_.get<int, ElementType>(of_tensor);
  tensor.shape = api_.list<std::int64_t, AxisCount, Axes>(of_tensor);
  return tensor;
}

std::int64_t OrtGraph::elements(int tensor, std::size_t from) const {
  if (tensor < 0) return 0;
  std::int64_t product = 1;
  const std::vector<std::int64_t>& shape = tensors_[at(tensor)].shape;
  for (std::size_t i = from; i < shape.size(); ++i) product *= std::max<std::int64_t>(shape[i], 1);
  return product;
}

std::int64_t OrtGraph::macs(const abi::Node& node) const {
  const bool is_operator = node.op.starts_with("QLinear");  // scales are between its operands
  const std::size_t second = is_operator ? 3 : 1;
  if (node.inputs.size() <= second || node.outputs.empty()) return 0;
  const int a = node.inputs[0], b = node.inputs[second], out = node.outputs[0];
  if (node.op == "Conv" || node.op == "QLinearConv" || node.op == "ConvInteger")
    return elements(out, 0) * elements(b, 1);
  if (node.op == "ConvTranspose") return elements(a, 0) * elements(b, 1);
  if (!node.op.ends_with("MatMul") && node.op != "Gemm" && node.op != "MatMulInteger") return 0;
  const std::int64_t columns = out < 0 || tensors_[at(out)].shape.empty()
                                   ? 1
                                   : std::max<std::int64_t>(tensors_[at(out)].shape.back(), 1);
  const std::size_t rank = b < 0 ? 0 : tensors_[at(b)].shape.size();
  return elements(out, 0) * (elements(b, rank < 2 ? 0 : rank - 2) / columns);
}

std::vector<int> OrtGraph::read(const abi::Nodes& nodes) const {
  std::set<int> known;
  std::vector<int> tensors;
  for (const int n : nodes)
    known.insert(described_[at(n)].outputs.begin(), described_[at(n)].outputs.end());
  for (const int n : nodes)
    for (const int t : described_[at(n)].inputs)
      if (t >= 0 && known.insert(t).second) tensors.push_back(t);
  return tensors;
}

std::vector<int> OrtGraph::made(const abi::Nodes& nodes) const {
  std::set<int> outside, inside;
  for (std::size_t n = 0; n < described_.size(); ++n) {
    const std::vector<int>& inputs = described_[n].inputs;
    (std::ranges::binary_search(nodes, static_cast<int>(n)) ? inside : outside)
        .insert(inputs.begin(), inputs.end());
  }
  std::vector<int> tensors;
  for (const int n : nodes)
    for (const int t : described_[at(n)].outputs)
      if (t >= 0 && (outside.contains(t) || !inside.contains(t) || tensors_[at(t)].is_output))
        tensors.push_back(t);
  return tensors;
}

std::vector<const Node*> OrtGraph::nodes_of(const abi::Nodes& nodes) const {
  std::vector<const Node*> result;
  for (const int n : nodes) result.push_back(nodes_[at(n)]);
  return result;
}

std::vector<std::size_t> OrtGraph::ids(const abi::Nodes& nodes) const {
  std::vector<std::size_t> ids;
  for (const Node* node : nodes_of(nodes)) ids.push_back(api_.get<std::size_t, NodeId>(node));
  std::ranges::sort(ids);
  return ids;
}

std::vector<std::string> OrtGraph::inputs(const abi::Nodes& nodes) const {
  std::vector<std::string> names;
  for (const int t : read(nodes))
    if (!tensors_[at(t)].is_constant) names.push_back(tensors_[at(t)].name);
  return names;
}

std::vector<std::string> OrtGraph::outputs(const abi::Nodes& nodes) const {
  std::vector<std::string> names;
  for (const int t : made(nodes)) names.push_back(tensors_[at(t)].name);
  return names;
}

std::vector<std::uint8_t> OrtGraph::file(const abi::Nodes& nodes) const {
  onnx::ModelProto model;
  model.set_ir_version(api_.get<std::int64_t, IrVersion>(graph_));
  std::vector<const char*> domains(api_.get<std::size_t, OpsetCount>(graph_));
  std::vector<std::int64_t> versions(domains.size());
  api_.call<Opsets>(graph_, domains.data(), versions.data(), domains.size());
  for (std::size_t i = 0; i < domains.size(); ++i) {
    model.add_opset_import()->set_domain(domains[i]);
    model.mutable_opset_import(static_cast<int>(i))->set_version(versions[i]);
  }
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("graph");
  const Writer writer(api_);
  const auto declare = [&](int t, onnx::ValueInfoProto& value) {
    const Tensor& tensor = tensors_[at(t)];
    value.set_name(tensor.name);
    auto& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(tensor.type);
    for (const std::int64_t extent : tensor.shape) {
      auto& axis = *type.mutable_shape()->add_dim();
      if (extent >= 0) axis.set_dim_value(extent);
    }
  };
  for (const int t : read(nodes)) {
    const Tensor& tensor = tensors_[at(t)];
    if (tensor.is_constant)
      writer.write(api_.get<const Value*, Initializer>(tensor.info), tensor.name,
                   *graph.add_initializer());
    else
      declare(t, *graph.add_input());
  }
  for (const int t : made(nodes)) declare(t, *graph.add_output());
  for (const Node* node : nodes_of(nodes)) writer.write(node, *graph.add_node());
  const std::string bytes = model.SerializeAsString();
  return {bytes.begin(), bytes.end()};
}

}  // namespace trine::abi::ort
