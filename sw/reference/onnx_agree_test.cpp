// SPDX-License-Identifier: Apache-2.0
//
// Operators of ONNX twice: as the importer writes them for the machine, of codes, and folded, of
// the same numbers as constants, by the float evaluation. Both share the file's reader and little
// else. Numbers are small and whole, so that sums, and their codes, are exact.

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "sw/reference/run.h"

using namespace trine;
using namespace trine::reference;

namespace {

std::vector<float> numbers(const std::string& text) {
  std::vector<float> result;
  std::istringstream stream(text);
  for (std::string entry; std::getline(stream, entry, ',');) result.push_back(std::stof(entry));
  return result;
}

/// A network in words, its nodes apart by ";". A node is its type, its inputs in order (x: the
/// network's, of that shape; ^: what the node before made; c: whole numbers of that shape; w: such
/// as codes; v: this list; -: none) and its attributes; "@": the opset, if not 13; "/" and "%":
/// what a code of the result is, if not 1, and of how many bits, if not 8.
class Model {
 public:
  /// @param folded  the input is a constant
  Model(const std::string& row, bool folded) : folded_(folded) {
    proto_.set_ir_version(8);
    auto* opset = proto_.add_opset_import();
    opset->set_version(13);
    std::istringstream words(row);
    onnx::NodeProto node;
    float step = 1, bits = 8;
    for (std::string word; words >> word;) {
      const std::string rest = word.substr(1);
      const auto equals = word.find('=');
      if (node.op_type().empty())
        node.set_op_type(word);
      else if (word == ";")
        add(&node);
      else if (word.starts_with("outputs="))
        outputs_ = std::stoi(word.substr(equals + 1));
      else if (equals != std::string::npos)
        attribute(&node, word.substr(0, equals), word.substr(equals + 1));
      else if (word[0] == '@')
        opset->set_version(std::stoi(rest));
      else if (word[0] == '/')
        step = std::stof(rest);
      else if (word[0] == '%')
        bits = std::stof(rest);
      else
        node.add_input(operand(word[0], rest));
    }
    add(&node);
    for (int i = 0; i < outputs_; ++i) {
      const std::string name = fmt::format("{}.{}", made_, i);
      proto_.mutable_graph()->add_output()->set_name(quantized(name, step, bits, name + ":codes"));
    }
  }

  std::vector<Array> run() const {
    const std::string text = proto_.SerializeAsString();
    const model::Graph graph = model::parse_onnx({text.begin(), text.end()}, "m");
    Array x{"f4", {shape_.begin(), shape_.end()}, std::vector<std::uint8_t>(4 * values_.size())};
    std::memcpy(x.bytes.data(), values_.data(), x.bytes.size());
    return outputs_of(graph, run_graph(graph, {x}));
  }

 private:
  /// Appends the node, and begins another one.
  void add(onnx::NodeProto* node) {
    ++made_;
    for (int i = 0; i < outputs_; ++i) node->add_output(fmt::format("{}.{}", made_, i));
    *proto_.mutable_graph()->add_node() = std::exchange(*node, {});
  }

  std::string operand(char kind, const std::string& rest) {
    if (kind == '-') return "";
    if (kind == '^') return fmt::format("{}.0", made_);
    const std::vector<float> values = numbers(rest);
    if (kind == 'x') return input(values);
    const std::string name = fmt::format("{}{}", kind, ++count_);
    if (kind == 'v') return constant(name, {static_cast<float>(values.size())}, values);
    constant(name, values, whole_numbers(values, 2));
    return kind == 'w' ? quantized(name, 1, 8, name + ":codes") : name;
  }

  static void attribute(onnx::NodeProto* node, const std::string& key, const std::string& value) {
    auto* a = node->add_attribute();
    a->set_name(key);
    if (std::isalpha(static_cast<unsigned char>(value[0])) != 0) return a->set_s(value);
    if (value.find('.') != std::string::npos) return a->set_f(std::stof(value));
    for (const float number : numbers(value)) a->add_ints(static_cast<std::int64_t>(number));
    a->set_i(a->ints(0));
  }

  std::string constant(const std::string& name, const std::vector<float>& shape,
                       const std::vector<float>& values) {
    auto* tensor = proto_.mutable_graph()->add_initializer();
    tensor->set_name(name);
    tensor->set_data_type(onnx::TensorProto::FLOAT);
    for (const float extent : shape) tensor->add_dims(static_cast<std::int64_t>(extent));
    for (const float value : values) tensor->add_float_data(value);
    return name;
  }
  std::vector<float> whole_numbers(const std::vector<float>& shape, int most) {
    std::size_t count = 1;
    for (const float extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> result(count);
    for (float& value : result)
      value = static_cast<float>(static_cast<int>(random_() % (2 * most + 1)) - most);
    return result;
  }
  /// A quantizer, and what it gives.
  std::string quantized(const std::string& from, float step, float bits, const std::string& to) {
    auto* node = proto_.mutable_graph()->add_node();
    node->set_op_type("Quant");
    node->add_input(from);
    const std::string tag = "q" + std::to_string(++count_);
    for (const float parameter : {step, 0.0f, bits}) {
      const std::string name = tag + ":" + std::to_string(node->input_size());
      node->add_input(constant(name, {}, {parameter}));
    }
    node->add_output(to);
    return to;
  }

  std::string input(const std::vector<float>& shape) {
    if (!values_.empty()) return "x";
    shape_ = shape;
    values_ = whole_numbers(shape, 3);
    auto* info = proto_.mutable_graph()->add_input();
    info->set_name("in");
    auto* type = info->mutable_type()->mutable_tensor_type();
    type->set_elem_type(onnx::TensorProto::FLOAT);
    for (const float extent : shape)
      type->mutable_shape()->add_dim()->set_dim_value(static_cast<std::int64_t>(extent));
    return quantized(folded_ ? constant("same", shape, values_) : "in", 1, 8, "x");
  }

  onnx::ModelProto proto_;
  bool folded_;
  int count_ = 0, made_ = 0, outputs_ = 1;
  std::vector<float> shape_, values_;
  std::mt19937 random_{5};
};

}  // namespace

TEST_CASE("each operator of ONNX on codes is what it is on floats", "[onnx]") {
  static constexpr const char* kRows[] = {
      "Add x1,2,3,4 x",
      "AveragePool x1,2,5,6 kernel_shape=2,2 strides=2,1 /0.25",
      "AveragePool x1,2,5,6 kernel_shape=2,2 strides=1,2 pads=1,0,0,1 /0.25",
      "AveragePool x1,2,5,6 kernel_shape=2,2 pads=0,1,1,0 count_include_pad=1 /0.25",
      "AveragePool x1,2,2,4 kernel_shape=2,4 pads=0,1,0,1 count_include_pad=1 /0.125",
      "AveragePool x1,2,5,6 kernel_shape=2,2 strides=2,1 auto_pad=SAME_LOWER /0.25",
      "AveragePool x1,2,5,6 kernel_shape=2,2 strides=2,1 auto_pad=SAME_UPPER /0.25",
      "AveragePool x1,2,5,7 kernel_shape=2,2 strides=2,2 ceil_mode=1 /0.25",
      "AveragePool x1,3,7 kernel_shape=2 strides=2 pads=0,1 /0.5",
      "BatchNormalization x1,3,2,2 v1,0.5,-0.25 v0,0,0 v0,0,0 v0.001,0.002,0.003",
      "BatchNormalization x2,3 v1,0.5,-0.25 v0,0,0 v0,0,0 v0.001,0.002,0.003",
      "Clip x1,9 v-1 v2",
      "Clip x1,9 - v2",
      "Clip x1,9 min=-1.0 max=2.0 @10",
      "Concat x1,2,3,3 c1,1,3,3 x axis=1",
      "Concat x1,2,3,3 c1,2,2,3 axis=2",
      "Concat c1,2,3,4 x1,2,3,3 axis=-1",
      "Concat x1,4 c1,3 axis=1 /2",
      "Conv x1,4,6,7 w3,4,3,2 strides=2,1 dilations=1,2 pads=1,0,2,1",
      "Conv x1,4,6,7 w6,2,3,3 c6 group=2",
      "Conv x1,4,6,7 w8,1,3,3 c8 group=4 strides=1,2 auto_pad=SAME_UPPER",
      "Conv x1,4,6,7 w3,4,2,3 strides=2,2 auto_pad=SAME_LOWER",
      "Conv x1,2,9 w3,2,3 strides=2 dilations=2 pads=2,1",
      "ConvTranspose x1,4,3,4 w4,2,3,2 group=2 strides=2,3 dilations=2,1 pads=1,0,2,1 "
      "output_padding=1,2",
      "ConvTranspose x1,2,3,4 w2,3,3,3 c3 dilations=1,2 strides=2,1",
      "ConvTranspose x1,2,3,4 w2,3,3,3 strides=2,2 output_shape=6,8",
      "ConvTranspose x1,2,3,4 w2,3,3,3 strides=2,2 output_shape=6,8 auto_pad=SAME_UPPER",
      "ConvTranspose x1,2,3,4 w2,3,3,3 strides=2,2 auto_pad=SAME_LOWER",
      "ConvTranspose x1,2,3,4 w2,3,3,3 strides=2,2 auto_pad=VALID output_padding=1,1",
      "ConvTranspose x1,2,5 w2,3,3 strides=2 pads=1,0",
      "DepthToSpace x1,12,2,3 blocksize=2",
      "DepthToSpace x1,12,2,3 blocksize=2 mode=CRD",
      "Div x1,6 v2 /0.5",
      "Einsum x2,3,3 x equation=bij,bjk->bki",
      "Expand x1,1,3 v2,4,3",
      "Expand x2,1,4 v3,1",
      "Flatten x1,2,3,4 axis=2",
      "Flatten x1,2,3,4 axis=-2",
      "Gather x1,4,2,3 v1,3 axis=1",
      "Gather x1,5 v-1,0,2,-2 axis=-1",
      "Gemm x3,4 w4,5 c5",
      "Gemm x3,4 w5,4 transB=1",
      "GlobalAveragePool x1,3,2,4 /0.125",
      "GlobalAveragePool x1,3,8 /0.125",
      "GlobalMaxPool x1,3,2,4",
      "LeakyRelu x1,20 alpha=0.25 /0.25",
      "MatMul x2,3,3 x",
      "MatMul x3,4 w4,2",
      "Max x1,6 c1,6 x",
      "Max x1,2,3 c3",
      "Min x1,6 v1",
      "MaxPool x1,2,5,6 kernel_shape=3,2 strides=2,2 pads=1,0,1,1",
      "MaxPool x1,2,6,5 kernel_shape=3,2 strides=2,2 pads=0,1,1,0 ceil_mode=1",
      "MaxPool x1,2,5,6 kernel_shape=2,3 strides=2,2 auto_pad=SAME_LOWER",
      "MaxPool x1,2,9 kernel_shape=3 strides=2 pads=0,1",
      "Mul x1,2,3 x",
      "PRelu x1,4,3 v0.5,0.25,-0.5 /0.25",
      "Pad x1,2,3,4 v0,0,1,2,0,0,3,0",
      "Pad x1,2,3,4 v0,0,1,2,0,0,2,1 mode=reflect",
      "Pad x1,2,3,4 v0,0,1,2,0,0,2,1 mode=edge",
      "Pad x1,2,3,4 v0,1,0,0,0,2,0,0 v3",
      "Pad x1,2,3,4 v1,0,2,3 v3 v-1,2 @18",
      "ReduceMax x1,3,4,2 axes=1,-1 keepdims=0",
      "ReduceMin x1,3,4,2 axes=2",
      "ReduceSum x2,3,4 v1",
      "ReduceSum x2,3,4 v-1 keepdims=0",
      "ReduceMean x1,4,3 axes=1 /0.25",
      "ReduceMean x1,3,2,4 axes=3,2 /0.125",
      "ReduceMean x1,3,2,4 axes=-1,-2 keepdims=0 /0.125",
      "Reshape x1,2,3,4 v1,0,-1",
      "Reshape x1,2,3,4 v2,12",
      "Resize x1,2,3,4 - v1,1,2,3",
      "Resize x1,2,3,4 - - v1,2,5,7",
      "Resize x1,2,4,6 - - v1,2,3,4 nearest_mode=floor",
      "Resize x1,2,3,4 - v1,1,2,3 coordinate_transformation_mode=align_corners nearest_mode=ceil",
      "Resize x1,2,3,4 - v1,1,2,2 mode=linear /0.0625",
      "Resize x1,2,3,4 - v1,1,2,2 mode=linear coordinate_transformation_mode=asymmetric /0.25",
      "Resize x1,2,3,4 - v3,2 axes=3,2 @18",
      "Resize x1,2,3,4 v1,1,1.5,2 @10",
      "Slice x1,2,5,6 v-1,4 v-100,1 v2,3 v-1,-2",
      "Slice x1,2,5,6 v1,-3 v100,-1 v2,-1",
      "Slice x1,2,5,6 v3,0 v1,2 v2,1 v-1,1",
      "SpaceToDepth x1,2,4,6 blocksize=2",
      "Split x1,7,2 axis=1 outputs=3 @18",
      "Split x1,7,2 v2,5 axis=1 outputs=2",
      "Squeeze x1,3,1,2 v2",
      "Sub w1,2,3 x1,2,3",
      "Sub x1,4 x",
      "Tile x1,2,3,2 v1,2,1,3",
      "Transpose x2,3,4",
      "Transpose x1,2,3,4 perm=0,2,3,1",
      "Transpose x1,2,3,4 perm=0,3,1,2",
      "Unsqueeze x2,3 v-2",
      "Upsample x1,1,2,3 v1,1,2,3 @9",
      "Where c1,2,3 x1,2,3 c1,2,3",
      "Where c1,1,3 c1,2,1 x1,2,3",
      "MatMul x3,4 w4,5 ; Relu ^ ; Clip ^ v-1 v6",
      "MatMul x3,4 w4,5 ; Clip ^ v-3 v6 ; Clip ^ v2 v9",
      "MatMul x3,4 w4,5 ; Clip ^ v-9 v-3 ; Relu ^",
      "MatMul x3,4 w4,5 ; Add ^ c5 ; Mul ^ v2 ; Add ^ v-4 ; Relu ^",
      "MatMul x3,4 w4,5 ; Sub v3 ^ ; Div ^ v-2 /0.5",
      "MatMul x3,4 w4,5 ; Mul ^ v-1 ; Add ^ v2 %4",
      "MatMul x3,4 w4,5 ; Relu ^ ; Sub ^ v3 %3",
      "Mul x1,9 v-2 ; Add ^ v1 %4",
      "Mul x1,9 v2 %2",
      "Conv x1,2,4,4 w3,2,3,3 c3 pads=1,1,1,1 ; Clip ^ v0 v6",
      "Conv x1,2,4,4 w3,2,3,3 pads=1,1,1,1 ; Add ^ c3,1,1 ; Relu ^ %4",
      "MaxPool x1,2,5,6 kernel_shape=3,3 pads=1,1,1,1 ; Relu ^ ; Clip ^ v-2 v1",
      "Add x1,9 w9 ; Relu ^",
      "Concat x1,4 c1,3 axis=1 ; Mul ^ v2 ; Relu ^",
      "Concat x1,2,3,3 c1,2,3,1 axis=3 ; Add ^ v-1 ; Clip ^ v-2 v1",
      "Max x1,6 c1,6 ; Mul ^ v2",
      "MatMul x2,4 w4,5 ; Transpose ^ ; Relu ^",
      "Conv x1,2,4,4 w3,2,2,2 ; Flatten ^ ; Relu ^",
      "Conv x1,2,4,4 w3,2,2,2 ; Slice ^ v-1,0 v-9,2 v2,3 v-2,1",
      "Conv x1,2,4,4 w8,2,2,2 ; DepthToSpace ^ blocksize=2 mode=CRD",
      "Reshape x1,3,2,2 v1,12 ; MatMul ^ w12,3",
      "Flatten x1,3,2,2 ; Gemm ^ w5,12 c5 transB=1",
      "Unsqueeze x3,4 v0 ; Squeeze ^ v0 ; MatMul ^ w4,2",
      "Transpose x2,3,4 perm=1,0,2 ; ReduceMax ^ axes=0 keepdims=0",
  };
  for (const char* row : kRows) {
    CAPTURE(row);
    const std::vector<Array> codes = Model(row, false).run(), floats = Model(row, true).run();
    for (std::size_t i = 0; i < codes.size(); ++i) {
      CHECK(codes[i].shape == floats[i].shape);
      CHECK(codes[i].bytes == floats[i].bytes);
    }
  }
}

TEST_CASE("what the machine cannot do of an operator of ONNX is refused", "[onnx][error]") {
  for (const char* row : {
           "AveragePool x1,2,5,6 kernel_shape=2,2 pads=0,1,1,0 dilations=9,9",
           "Gemm x3,4 w4,5 alpha=0.5",
           "Gemm x3,4 w4,5 c5 beta=0.5",
           "Gemm x4,3 w4,5 transA=1",
           "LeakyRelu x1,20 alpha=-0.5",
           "LeakyRelu x1,20 alpha=1.5",
           "Max x1,6 c1,6 ; Mul ^ v-1",
           "MaxPool x1,2,5,6 kernel_shape=2,2 dilations=2,1",
           "PRelu x1,4,3 v0.5,0.25,1.5",
           "Resize x1,2,3,4 - v1,1,2,3 mode=linear",
           "Relu x1,9 ; Add ^ w9",
       }) {
    CAPTURE(row);
    CHECK_THROWS_AS(Model(row, false).run(), Error);
  }
}
