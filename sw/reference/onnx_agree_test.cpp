// SPDX-License-Identifier: Apache-2.0
//
// Tests ONNX operators in two ways: as the importer writes them for the machine, on codes, and
// folded by the float evaluation, with the same numbers as constants. Both share little besides the
// file's reader. Numbers are small integers, so that sums and their codes are exact.

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <random>
#include <sstream>
#include <utility>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/model/import/import.h"
#include "sw/reference/golden.h"

using namespace trine;
using namespace trine::reference;

namespace {

std::vector<float> numbers(const std::string& text) {
  std::vector<float> result;
  std::istringstream stream(text);
  for (std::string entry; std::getline(stream, entry, ',');) result.push_back(std::stof(entry));
  return result;
}

/// A network in words, with nodes separated by ";". A node is its type, its inputs in order and its
/// attributes. Inputs are x: the network's input of that shape; ^: the result of the node before;
/// c: whole numbers of that shape; w: such codes; v: this list; -: none. "@" is the opset, if not
/// 13. "/" and "%" are the value of a code of the result, if not 1, and its bits, if not 8.
class Model {
 public:
  /// @param folded  true: the input is a constant
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
    const bool recorded = values_.empty();  // only constants: results without a quantizer
    if (recorded) input({1});
    for (int i = 0; i < outputs_; ++i) {
      const std::string name = fmt::format("{}.{}", made_, i);
      proto_.mutable_graph()->add_output()->set_name(
          recorded ? name : quantized(name, step, bits, name + ":codes"));
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
  /// Appends the node, and begins the next one.
  void add(onnx::NodeProto* node) {
    ++made_;
    for (int i = 0; i < outputs_; ++i) node->add_output(fmt::format("{}.{}", made_, i));
    *proto_.mutable_graph()->add_node() = std::exchange(*node, {});
  }

  std::string operand(char kind, const std::string& rest) {
    if (kind == '-') return "";
    if (kind == '^') return fmt::format("{}.0", made_);
    if (std::string("nmijb[(").find(kind) != std::string::npos) return pattern(kind, rest);
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
  /// Returns the values of a recorded row. n: whole numbers of that shape, m: eighths of them;
  /// integers i, j, bytes b; [shape]list, (shape)list: integers, floats.
  std::string pattern(char kind, const std::string& rest) {
    const bool listed = kind == '[' || kind == '(', floats = kind == 'n' || kind == 'm';
    const std::size_t end = rest.find(kind == '[' ? ']' : ')');
    std::vector<float> shape = numbers(listed ? rest.substr(0, end) : rest), values;
    if (listed) values = numbers(rest.substr(end + 1));
    if (listed && shape == std::vector<float>{0}) shape.clear();
    for (const int i : some_numbers(listed ? std::vector<float>{0} : shape))
      values.push_back(static_cast<float>(kind == 'm' ? i / 8.0 : kind == 'b' ? i + 9 : i));
    if (kind == 'j') {
      std::ranges::reverse(values);
      for (float& value : values) value = 2 * value + 3;
    }
    const std::string name = constant(fmt::format("{}{}", kind, ++count_), shape, values);
    auto* tensor =
        proto_.mutable_graph()->mutable_initializer(proto_.graph().initializer_size() - 1);
    if (floats || kind == '(') return name;
    tensor->clear_float_data();
    tensor->set_data_type(kind == 'b' ? onnx::TensorProto::UINT8 : onnx::TensorProto::INT64);
    for (const float value : values)
      kind == 'b' ? tensor->add_int32_data(static_cast<int>(value))
                  : tensor->add_int64_data(static_cast<int>(value));
    return name;
  }
  static std::vector<int> some_numbers(const std::vector<float>& shape) {
    std::size_t count = 1;
    for (const float extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<int> result;
    for (std::size_t i = 0; i < count; ++i)
      result.push_back(static_cast<int>((7 * i + 5) % 11) - 5);
    return result;
  }
  std::vector<float> whole_numbers(const std::vector<float>& shape, int most) {
    std::size_t count = 1;
    for (const float extent : shape) count *= static_cast<std::size_t>(extent);
    std::vector<float> result(count);
    for (float& value : result)
      value = static_cast<float>(static_cast<int>(random_() % (2 * most + 1)) - most);
    return result;
  }
  /// Adds a quantizer. Returns its result.
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

TEST_CASE("each ONNX operator gives the same result on codes as on floats", "[onnx]") {
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
      "Mul x2,3,1 c4",
      "Sub c4 x3,1",
      "PRelu x1,4,3 v0.5,0.25,-0.5 /0.25",
      "Pad x1,2,3,4 v0,0,1,2,0,0,3,0",
      "Pad x1,2,3,4 v0,0,1,2,0,0,2,1 mode=reflect",
      "Pad x1,2,3,4 v0,0,1,2,0,0,2,1 mode=edge",
      "Pad x1,2,3,4 v0,1,0,0,0,2,0,0 v3",
      "Pad x1,2,3,4 v1,0,2,3 v3 v-1,2 @18",
      "Pad x1,2,5,6 v0,0,-1,2,0,0,1,-2 v3",
      "Pad x3,4 v-1,0,0,1",
      "Pad x3,4 pads=0,-1,1,-2 @10",
      "Pad x1,2,5 v1,-2 - v-1 mode=edge @18",
      "ReduceMax x1,3,4,2 axes=1,-1 keepdims=0",
      "ReduceMin x1,3,4,2 axes=2",
      "ReduceSum x2,3,4 v1",
      "ReduceSum x2,3,4 v-1 keepdims=0",
      "ReduceSum x2,3,4 v1 ; ReduceSum ^ v-1",
      "ReduceMean x2,4,4 axes=2 ; ReduceMean ^ axes=1 /0.0625",
      "ReduceMean x2,4,2,4 axes=-1 ; ReduceMean ^ axes=1,3 /0.0625",
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
      "Resize x1,2,1,1 - v1,1,3,2 mode=linear coordinate_transformation_mode=asymmetric",
      "Resize x1,2,3,4 - v3,2 axes=3,2 @18",
      "Resize x1,2,3,4 v1,1,1.5,2 @10",
      "ScatterND x4,3 [2,1]2,0 c2,3",
      "ScatterND c4,3 [2,1]-1,1 x2,3",
      "ScatterND x3,4 [3,2]0,1,2,3,1,-2 c3",
      "ScatterND x2,3,4 [2,2,2]0,1,0,2,1,0,1,0 c2,2,4",
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
      "Resize x1,2,3,6 v1,1,1,0.34 @10",
      "MaxPool x1,2,6,6 kernel_shape=3,2 strides=2,2 pads=0,1,1,0 ceil_mode=1",
      "Quant x1,1,3,3 v1 v0 v2 ; Pad ^ v0,0,1,1,0,0,1,1 v3",
      "Quant x1,1,3,3 v1 v0 v2 ; Pad ^ v0,0,1,1,0,0,1,1 v-2",
      "MatMul x3,4 w4,5 ; Add ^ v0.75",
      "Identity x1,9 %2",
      "QuantizeLinear x1,4 (1)0.5 ; DequantizeLinear ^ (1)0.5",
      "QuantizeLinear x1,1,2,3 (1)1 b1 ; Pad ^ v0,0,1,1,0,0,1,1 ; DequantizeLinear ^ (1)1 b1",
      "QuantizeLinear x1,9 (1)1 b1 ; Clip ^ ; Relu ^ ; DequantizeLinear ^ (1)1 b1",
      "QuantizeLinear x2,3,4 (1)1 b1 ; QLinearSoftmax ^ (1)1 b1 (1)0.0625 b1 ; "
      "DequantizeLinear ^ (1)0.0625 b1 /0.0625",
      "QuantizeLinear x1,4 (1)0.5 b1 ; DequantizeLinear ^ (1)0.5 b1 ; MatMul ^ w4,3 /0.5",
      "Einsum x3,3,3 x equation=abc,acd->dab",
      "Quant x1,9 v0.5 v0 v3 rounding_mode=FLOOR signed=0 narrow=1 /0.5",
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

TEST_CASE("unsupported forms of ONNX operators are refused", "[onnx][error]") {
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
           "Resize x1,2,1,1 - v1,1,3,2 mode=linear "
           "coordinate_transformation_mode=tf_crop_and_resize",
           "Relu x1,9 ; Add ^ w9",
       }) {
    CAPTURE(row);
    CHECK_THROWS_AS(Model(row, false).run(), Error);
  }
}

TEST_CASE("ONNX operators on constants give the results of ONNX Runtime", "[onnx]") {
  struct Recorded {
    const char* row;
    std::vector<double> values;
  };
  // Recorded with ONNX Runtime 1.31.1.
  static const Recorded kRows[] = {
      {"Div i2,3 j2,3", {0, 0, 3, 0, 1, 0}},
      {"Mod i2,3 j2,3", {0, -4, 0, 8, 0, 2}},
      {"Mod i2,3 j2,3 fmod=1", {0, -4, 0, -1, 0, 2}},
      {"ScatterND n4,2 [2,1]2,0 n2,2 reduction=max @18", {3, -1, 3, -1, 0, 2, -2, 5}},
      {"ScatterND n4,2 [2,1]2,-1 n2,2 reduction=add @18", {0, -4, 3, -1, -5, -2, 1, 4}},
      {"ScatterElements n3,3 [2,3]1,0,2,-1,2,1 n2,3 axis=0 reduction=min @18",
       {0, -4, 3, -1, -5, 2, -2, -5, 1}},
      {"GatherND n2,3,2 [2,2,1]1,0,2,-1 batch_dims=1", {3, -1, 0, -4, 4, 0, 4, 0}},
      {"GatherElements n3,3 [2,3]1,0,2,-1,2,1 axis=0", {-1, -4, 1, -2, 5, 2}},
      {"LogSoftmax n2,2,3 @11",
       {-3.362717, -7.362718, -0.3627174, -4.362718, -8.362718, -1.362717, -7.332307, -0.3323067,
        -4.332307, -8.332307, -1.332307, -5.332307}},
      {"Softmax n2,2,3 @11",
       {0.03464099, 0.000634472, 0.695783, 0.01274371, 0.0002334092, 0.2559643, 0.0006540631,
        0.7172673, 0.01313721, 0.0002406164, 0.2638679, 0.004832909}},
      {"Hardmax n2,2,3 @11", {0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0}},
      {"Hardmax n2,2,3 axis=1", {1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0}},
      {"TopK n2,4,2 v2 axis=1 outputs=2", {3, 5, 0, 2, 4, 3, 1, 0, 1, 3, 0, 2, 1, 2, 0, 1}},
      {"TopK n3,4 v2 axis=0 largest=0 outputs=2",
       {-5, -4, -2, -1, 0, -3, 3, 0, 1, 0, 1, 0, 0, 2, 0, 2}},
      {"Celu n2,3 alpha=2.5", {0, -1.995259, 3, -0.8241999, -2.161662, 2}},
      {"Cast m2,3 to=9", {0, 1, 1, 1, 1, 1}},
      {"MaxPool n1,1,4,4 kernel_shape=2,2 outputs=2",
       {2, 3, 5, 2, 4, 5, 3, 4, 4, 5, 2, 7, 5, 10, 7, 13, 10, 10}},
      {"LRN n1,5,2,1 size=3 alpha=0.5 beta=0.5 bias=2.0",
       {0, -1.819435, 1.083473, -0.4264014, -1.732051, 0.7559289, -0.7559289, 1.732051, 0.5940884,
        -1.083473}},
      {"Resize n1,1,4,4 - - [4]1,1,4,7 mode=cubic @18",
       {0.3968649, -1.793459,  -4.09448, -0.5,    3.09448,   0.7934591, -1.396865,
        -5.694513, -2.368805,  1.784256, 0,       -1.784256, 2.368805,  5.694512,
        1.396865,  -0.7934589, -3.09448, 0.5,     4.09448,   1.793459,  -0.3968658,
        -4.694513, -1.368805,  2.784256, 2.03125, -1.413631, -3.883018, -5.396863}},
      {"Resize n1,1,5 - - [3]1,1,1 mode=linear coordinate_transformation_mode=pytorch_half_pixel "
       "@18",
       {0}},
      {"Resize n1,1,5 (6)0,0,0.25,1,1,0.8 - [3]1,1,3 mode=linear "
       "coordinate_transformation_mode=tf_crop_and_resize",
       {-4, 2.6, -1.8}},
      {"Resize n1,1,3,5 - - [2]4,8 mode=linear axes=2,3 keep_aspect_ratio_policy=not_smaller @18",
       {0,     -1.75,  -3.5625,    0.8125,    1.75,        -0.75,    -3.25,  -5,
        0.875, -0.875, -2.6875,    1.6875,    2.625,       0.125,    -2.375, -4.125,
        2.125, 0.375,  -1.480469,  2.464844,  3.402344,    1.332031, -1.125, -2.875,
        3.375, 1.625,  -0.6601562, -1.011719, -0.07421875, 2.152344, 0.125,  -1.625,
        4,     2.25,   -0.25,      -2.75,     -1.8125,     2.5625,   0.75,   -1}},
      {"Resize n1,1,4 - - [3]1,1,6 mode=nearest "
       "coordinate_transformation_mode=half_pixel_symmetric @19",
       {0, 0, -4, 3, 3, -1}},
      {"DequantizeLinear b2,3 (3)0.5,1,2", {4.5, 5, 24, 4, 4, 22}},
      {"DequantizeLinear b2,3 (2)0.5,1 axis=0", {4.5, 2.5, 6, 8, 4, 11}},
      {"Squeeze n1,3,1,2", {0, -4, 3, -1, -5, 2}},
      {"Unsqueeze n2,3 [1]-2", {0, -4, 3, -1, -5, 2}},
      {"Flatten n2,3,4 axis=-2",
       {0, -4, 3, -1, -5, 2, -2, 5, 1, -3, 4, 0, -4, 3, -1, -5, 2, -2, 5, 1, -3, 4, 0, -4}},
      {"Shape n2,3,4,5 start=1 end=-1 @15", {3, 4}},
      {"Trilu n3,4 [0]-1 upper=0 @14", {0, 0, 0, 0, -5, 0, 0, 0, 1, -3, 0, 0}},
      {"Trilu n3,4 [0]1 @14", {0, -4, 3, -1, 0, 0, -2, 5, 0, 0, 0, 0}},
      {"CumSum n2,4 [0]1 exclusive=1 reverse=1", {-2, 2, -1, 0, 5, 3, 5, 0}},
      {"ReverseSequence n4,2 [2]3,2", {-5, -1, 3, -4, 0, 2, -2, 5}},
      {"OneHot [3]1,-1,0 [0]4 (2)2,5 axis=0", {2, 2, 5, 5, 2, 2, 2, 2, 2, 2, 5, 2}},
      {"DepthToSpace n1,8,1,2 blocksize=2 mode=CRD",
       {0, 3, -4, -1, -5, -2, 2, 5, 1, 4, -3, 0, -4, -1, 3, -5}},
      {"ReduceLogSumExp n2,3 axes=1", {3.049456, 2.049456}},
      {"ReduceL1 n2,3 axes=0 keepdims=0", {1, 9, 5}},
      {"ArgMin n2,4 axis=1 select_last_index=1", {1, 0}},
      {"GridSample n1,1,3,3 (1,1,4,2)-1,-1,0.5,-0.25,1,1.5,-2,0 padding_mode=reflection @16",
       {0, 0.625, 1.25, -5}},
      {"GridSample n1,1,3,3 (1,1,4,2)-1,-1,0.5,-0.25,1,1.5,-2,0 mode=nearest padding_mode=border "
       "align_corners=1 @16",
       {0, 2, 1, -1}},
      {"NonMaxSuppression (1,4,4)0,0,2,2,0,1,2,3,5,5,7,7,5,5,7,8 (1,1,4)0.5,0.75,0.5,0.25 [1]4 "
       "(1)0.4 (1)0.25",
       {0, 0, 1, 0, 0, 0, 0, 0, 2, -1, -1, -1}},
      {"NonMaxSuppression (1,3,4)0,0,2,2,0,0,2,1,5,5,7,7 (1,1,3)0.5,0.75,0.25 [1]3 (1)0.5",
       {0, 0, 1, 0, 0, 0, 0, 0, 2}},
      {"NonMaxSuppression (1,3,4)1,1,2,2,1,2,2,2,6,1,2,2 (1,1,3)0.5,0.75,0.25 [1]3 (1)0.2 "
       "center_point_box=1",
       {0, 0, 1, 0, 0, 2, -1, -1, -1}},
      {"GRU n3,2,2 m1,6,2 m1,6,2 m1,12 [2]3,2 direction=reverse hidden_size=2 clip=0.5 outputs=2",
       {0.03641881, -0.06137713, 0.01435448, -0.004581824, -0.2217803, -0.2217803, -0.2876491,
        -0.2876491, 0.174468, 0.174468, 0, 0, 0.03641881, -0.06137713, 0.01435448, -0.004581824}},
      {"LSTM n3,2,2 m1,8,2 m1,8,2 m1,16 - m1,2,2 m1,2,2 m1,6 hidden_size=2 outputs=3",
       {-0.2542402,  0.008289785, -0.0727483, 0.009908304, 0.1809109,   -0.0003841999, 0.05591549,
        -0.0623947,  -0.1800017,  0.03705855, -0.06297829, -0.08194833, -0.1800017,    0.03705855,
        -0.06297829, -0.08194833, -0.7165782, 0.4557145,   -0.5105553,  -0.3503602}},
      {"RNN n3,2,2 m1,2,2 m1,2,2 - [2]1,3 direction=reverse hidden_size=2 outputs=2",
       {0.9640275, 0.4621172, 0.7404574, 0.7573246, 0, 0, -0.9945641, -0.9029826, 0, 0, 0,
        0.9051483, 0.9640275, 0.4621172, 0.7404574, 0.7573246}},
      {"BatchNormalization n1,3,2 (3)1,2,-1 (3)0,1,2 (3)0.5,1,0 (3)0.001,4,0.25",
       {-15.73292, -141.5963, 2.999998, -0.9999976, 11.9998, -1.99992}},
      {"GroupNormalization n1,4,2 (4)1,2,-1,0.5 (4)0,1,2,3 num_groups=2 @21",
       {0.1999999, -1.399999, 3.799998, 0.6000003, 3.313064, 1.474774, 2.737387, 3.656532}},
      {"LayerNormalization n2,3,2 (3,2)1,2,-1,0.5,1,1 (3,2)0,1,2,3,0,0 axis=1 @17",
       {0.286299, -1.175873, 0.6830246, 2.97137, -1.431495, 0.9734166, -0.9734166, 3.86299, 1.94274,
        2.341512, 1.087936, -0.286299}},
      {"InstanceNormalization n1,2,4 (2)1,-2 (2)0,1",
       {0.1999999, -1.399999, 1.399999, -0.1999999, 3.626128, -0.05045116, 2.050451, -1.626128}},
      {"ConvTranspose n1,2,2,3 m2,1,3,2 strides=2,2 output_shape=4,7",
       {-0.25, 0.75,   -0.875, -1.375, 1.25,  -0.75, 0,      -0.25,  -1.375, 4,
        4,     -1.375, -0.25,  0,      -0.75, 1.25,  -1.375, -0.875, 0.75,   -0.25,
        0,     -0.875, -0.25,  5.125,  -1.25, -1.25, 0.5,    0}},
      {"ConvTranspose (1,1,2,2)1,2,3,4 (1,1,2,2)1,2,3,4 strides=2,2 output_padding=1,1 "
       "output_shape=4,4",
       {4, 6, 8, 0, 6, 4, 8, 0, 12, 12, 16, 0, 0, 0, 0, 0}},
      {"Gemm n4,3 n4,2 (2)1,2 transA=1 alpha=0.5 beta=2.0", {8.5, -5, -22, 29.5, 2.5, -2}},
      {"TopK (2,4)1,3,3,1,2,0,2,2 v2 outputs=2", {3, 3, 2, 2, 1, 2, 0, 2}},
      {"TopK (2,4)1,3,3,1,2,0,2,2 v2 largest=0 outputs=2", {1, 1, 0, 2, 0, 3, 1, 0}},
      {"MaxPool (1,1,3,3)1,2,2,2,1,2,2,2,0 kernel_shape=2,2 outputs=2", {2, 2, 2, 2, 1, 1, 3, 5}},
      {"ArgMax (2,4)1,3,3,1,2,0,2,2 axis=1 keepdims=0", {1, 0}},
      {"LSTM n3,2,2 m1,8,2 m1,8,2 m1,16 - m1,2,2 (1,2,2)0.5,-0.25,1,-2 m1,6 hidden_size=2 clip=1.5 "
       "input_forget=1 outputs=3",
       {-0.2164258,  0.0486998,   -0.04770223, -0.0255145,  -0.1609229,  0.09931332, -0.04390011,
        -0.2232902,  -0.2208595,  0.07893772,  -0.08848789, -0.07125959, -0.2208595, 0.07893772,
        -0.08848789, -0.07125959, -0.7764076,  0.4632286,   -0.5295839,  -0.3216901}},
      {"GRU n3,2,2 m1,6,2 m1,6,2 m1,12 - m1,2,2 hidden_size=2 linear_before_reset=1 outputs=2",
       {0.0960436, -0.2507581, 0.3011231, 0.06503845, -0.6455433, -0.8844227, -0.9041032,
        -0.3949489, -0.4356921, -0.3976735, -0.455594, -0.1097821, -0.4356921, -0.3976735,
        -0.455594, -0.1097821}},
      {"NonMaxSuppression (1,3,4)0,0,2,2,0,1,2,3,5,5,7,7 (1,1,3)0.5,0.75,0.25 [1]3 (1)0.4 (1)0.5",
       {0, 0, 1, -1, -1, -1, -1, -1, -1}},
      {"AveragePool n1,1,5,4 kernel_shape=3,2 strides=2,2 pads=1,0,1,1 count_include_pad=1",
       {-1.166667, 0.8333333, -1, 0.1666667, -0.1666667, 0}},
      {"AveragePool n1,1,5,4 kernel_shape=3,2 strides=2,2 pads=1,0,1,1 ceil_mode=1",
       {-1.75, 1.25, -1, 0.1666667, -0.25, 0}},
      {"Pad n1,1,2,3 [8]0,0,0,1,0,0,1,0 (1)7", {7, 0, -4, 3, 7, -1, -5, 2, 7, 7, 7, 7}},
      {"Slice n4,6 [2]-1,4 [2]-100,1 [2]0,-1 [2]-2,-2", {0, -3, 4, 1}},
      {"Gather n3,4 [2,1]-1,0 axis=1", {-1, 0, 5, -5, 0, 1}},
      {"Einsum n2,3 n3,4 equation=ij,jk->ki", {23, 27, -17, -12, 20, 15, -20, -24}},
      {"Resize n1,1,2,3 - (4)1,1,2.5,2 mode=linear coordinate_transformation_mode=align_corners",
       {0,    -1.6, -3.2, -2.6, 0.2000002,  3,   -0.25, -1.85, -3.45, -2.85,     -0.04999986, 2.75,
        -0.5, -2.1, -3.7, -3.1, -0.2999998, 2.5, -0.75, -2.35, -3.95, -3.349999, -0.5499998,  2.25,
        -1,   -2.6, -4.2, -3.6, -0.7999998, 2}},
      {"Resize n1,1,4,6 - (4)1,1,0.5,0.6 nearest_mode=ceil "
       "coordinate_transformation_mode=asymmetric",
       {0, 3, -5, -4, -1, 2}},
      {"Resize n1,1,4,4 - (4)1,1,0.5,0.5 mode=linear antialias=1 @18",
       {-1.328125, 0.953125, -0.796875, -0.578125}},
      {"OneHot [2,2]1,-1,0,3 [0]4 (2)2,5", {2, 5, 2, 2, 2, 2, 2, 5, 5, 2, 2, 2, 2, 2, 2, 5}},
      {"CumSum n2,4 [0]-1 reverse=1", {-2, -2, 2, -1, 0, 5, 3, 5}},
      {"Clip n2,4 (0)-1 (0)2", {0, -1, 2, -1, -1, 2, -1, 2}},
      {"Shrink n2,4 lambd=1.5 bias=0.5", {0, -3.5, 2.5, 0, -4.5, 1.5, -1.5, 4.5}},
      {"Selu m2,4",
       {0, -0.6917582, 0.3940129, -0.2065821, -0.8170565, 0.2626753, -0.3888902, 0.6566882}},
      {"HardSigmoid n2,4 alpha=0.3 beta=0.4", {0.4, 0, 1, 0.09999999, 0, 1, 0, 1}},
      {"ThresholdedRelu n2,4 alpha=2.0", {0, 0, 3, 0, 0, 0, 0, 5}},
      {"PRelu n2,2,2 (2,1)0.5,-2", {0, -2, 3, 2, -2.5, 2, 4, 5}},
      {"Mean n2,3 m2,3 m1,3", {0, -1.666667, 1.25, -0.375, -2.041667, 0.875}},
      {"Sum n2,3 m2,3 m1,3", {0, -5, 3.75, -1.125, -6.125, 2.625}},
      {"Expand n2,1,3 [2]4,1",
       {0, -4, 3, 0, -4, 3, 0, -4, 3, 0, -4, 3, -1, -5, 2, -1, -5, 2, -1, -5, 2, -1, -5, 2}},
      {"Tile n2,3 [2]2,3", {0, -4, 3, 0, -4, 3, 0, -4, 3, -1, -5, 2, -1, -5, 2, -1, -5, 2,
                            0, -4, 3, 0, -4, 3, 0, -4, 3, -1, -5, 2, -1, -5, 2, -1, -5, 2}},
      {"SpaceToDepth n1,1,4,4 blocksize=2",
       {0, 3, 1, 4, -4, -1, -3, 0, -5, -2, -4, -1, 2, 5, 3, -5}},

      {"Unsqueeze n2,3 [1]-2 ; Shape ^", {2, 1, 3}},
      {"Flatten n2,3,4 axis=-2 ; Shape ^", {2, 12}},
      {"Squeeze n1,3,1,2 ; Shape ^", {3, 2}},
      {"Quant (4)9,-2,3,2.5 (1)1 (1)0 (1)3 signed=0 narrow=1", {6, 0, 3, 2}},
      {"Quant (4)9,-9,3.5,-2.5 (1)1 (1)0 (1)3 narrow=1", {3, -3, 3, -2}},
  };
  for (const auto& [row, values] : kRows) {
    CAPTURE(row);
    std::vector<double> actual;
    for (const Array& array : Model(row, false).run())
      for (std::int64_t i = 0; i < array.elements(); ++i)
        actual.push_back(array.value(static_cast<std::size_t>(i)));
    REQUIRE(actual.size() == values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      CHECK(actual[i] == Approx(values[i]).epsilon(1e-5).margin(1e-5));
  }
}

TEST_CASE("equivalent ONNX operators give the same results", "[onnx]") {
  for (const auto& [one, other] : {
           std::pair{"Pad x1,2,1,4 v0,0,0,2,0,0,0,3 mode=wrap @19",
                     "Gather x1,2,1,4 v2,3,0,1,2,3,0,1,2 axis=3"},
           std::pair{"Softmax x2,3,4 @12 axis=1 /0.125", "Softmax x2,12 /0.125"},
       }) {
    CAPTURE(one, other);
    CHECK(Model(one, false).run().at(0).bytes == Model(other, false).run().at(0).bytes);
  }
}
