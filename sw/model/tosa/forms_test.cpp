// SPDX-License-Identifier: Apache-2.0
//
// Checks that the two forms of a TOSA file, binary and JSON, are read as the same file.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <functional>

#include "sw/base/catch.h"
#include "sw/model/tosa/file.h"
#include "tosa_generated.h"

namespace trine::model::tosa {
namespace {

namespace form = tosa_format;
using Fbb = flatbuffers::FlatBufferBuilder;
using Names = std::vector<std::string>;
using Bytes = std::vector<std::uint8_t>;

/// An operator with its attribute in both forms.
struct Written {
  int number;
  std::string name, json;
  form::Attribute type;
  std::function<flatbuffers::Offset<void>(Fbb&)> binary;
};

Written of_axis(int number, const std::string& name, form::Attribute type, int axis) {
  return {number, name, fmt::format(R"({{"axis": {}}})", axis), type,
          [axis](Fbb& b) { return form::CreateAxis(b, axis).Union(); }};
}

/// Returns an operator for each attribute, with numbers of both signs where the format has them.
std::vector<Written> all_operators() {
  const std::string pool =
      R"({"kernel": [2, 3], "stride": [4, 5], "pad": [6, 7, 8, 9], "acc_type": "INT32"})";
  const std::string convolution =
      R"({"pad": [1, 2, 3, 4], "stride": [5, 6], "dilation": [7, 8], "acc_type": "INT48"})";
  const auto pool_of = [](Fbb& b) {
    const auto kernel = b.CreateVector(std::vector{2, 3}),
               stride = b.CreateVector(std::vector{4, 5}),
               pad = b.CreateVector(std::vector{6, 7, 8, 9});
    return form::CreatePool(b, kernel, stride, pad, 5).Union();
  };
  const auto convolution_of = [](Fbb& b) {
    const auto pad = b.CreateVector(std::vector{1, 2, 3, 4}),
               stride = b.CreateVector(std::vector{5, 6}),
               dilation = b.CreateVector(std::vector{7, 8});
    return form::CreateConvolution(b, pad, stride, dilation, false, 6).Union();
  };
  using form::Attribute;
  return {
      {2, "AVG_POOL2D", pool, Attribute::Attribute_AveragePool, pool_of},
      {8, "MAX_POOL2D", pool, Attribute::Attribute_MaxPool, pool_of},
      {3, "CONV2D", convolution, Attribute::Attribute_Convolution, convolution_of},
      {5, "DEPTHWISE_CONV2D", convolution, Attribute::Attribute_Depthwise, convolution_of},
      {10, "TRANSPOSE_CONV2D",
       R"({"out_pad": [-1, 2, -3, 4], "stride": [5, 6], "acc_type": "INT32"})",
       Attribute::Attribute_TransposedConvolution,
       [](Fbb& b) {
         const auto pad = b.CreateVector(std::vector{-1, 2, -3, 4}),
                    stride = b.CreateVector(std::vector{5, 6});
         return form::CreateTransposedConvolution(b, pad, stride, false, 5).Union();
       }},
      {11, "CLAMP", R"({"min_val": [128], "max_val": [1, 2, 3, 255]})", Attribute::Attribute_Clamp,
       [](Fbb& b) {
         const auto low = b.CreateVector(Bytes{128}), high = b.CreateVector(Bytes{1, 2, 3, 255});
         return form::CreateClamp(b, low, high).Union();
       }},
      {16, "ARITHMETIC_RIGHT_SHIFT", R"({"round": true})", Attribute::Attribute_Shift,
       [](Fbb& b) { return form::CreateShift(b, true).Union(); }},
      {61, "TRANSPOSE", R"({"perms": [2, 0, 1]})", Attribute::Attribute_Transpose,
       [](Fbb& b) {
         return form::CreateTranspose(b, b.CreateVector(std::vector{2, 0, 1})).Union();
       }},
      {64, "RESIZE", R"({"mode": "BILINEAR"})", Attribute::Attribute_Resize,
       [](Fbb& b) { return form::CreateResize(b, 2).Union(); }},
      {66, "RESCALE",
       R"({"scale32": true, "rounding_mode": "DOUBLE_ROUND", "per_channel": false,
           "input_unsigned": true, "output_unsigned": false})",
       Attribute::Attribute_Rescale,
       [](Fbb& b) { return form::CreateRescale(b, true, 3, false, true, false).Union(); }},
      of_axis(1, "ARGMAX", Attribute::Attribute_ArgMax, 1),
      of_axis(49, "REDUCE_ALL", Attribute::Attribute_ReduceAll, 2),
      of_axis(50, "REDUCE_ANY", Attribute::Attribute_ReduceAny, -1),
      of_axis(51, "REDUCE_MAX", Attribute::Attribute_ReduceMax, 3),
      of_axis(52, "REDUCE_MIN", Attribute::Attribute_ReduceMin, 0),
      of_axis(53, "REDUCE_PRODUCT", Attribute::Attribute_ReduceProduct, -7),
      of_axis(54, "REDUCE_SUM", Attribute::Attribute_ReduceSum, 1),
      of_axis(55, "CONCAT", Attribute::Attribute_Concat, 2),
      of_axis(58, "REVERSE", Attribute::Attribute_Reverse, 1),
  };
}

/// Reads a network in which every operator reads and writes tensors t0 and t1.
File from_json(const std::vector<Written>& ops, const Names& tensors) {
  std::string text = R"({"version": {"_major": 1, "_minor": 0}, "regions": [{"blocks": [{)";
  for (const char* key : {"inputs", "outputs"})
    text += fmt::format("\"{}\": [\"{}\"],", key, fmt::join(tensors, "\",\""));
  text += R"("tensors": [)";
  for (const std::string& name : tensors)
    text += fmt::format(R"({}{{"name": "{}", "shape": [2, 3], "type": "INT16"}})",
                        text.back() == '[' ? "" : ",", name);
  text += R"(], "operators": [)";
  for (const Written& op : ops)
    text += fmt::format(R"({}{{"op": "{}", "attribute": {}, "inputs": ["t0", "t1"],
                               "outputs": ["t1"]}})",
                        text.back() == '[' ? "" : ",", op.name, op.json);
  text += "]}]}]}";
  return read_file({text.begin(), text.end()}, "m.json");
}

File from_binary(const std::vector<Written>& ops, const Names& tensors) {
  Fbb b;
  std::vector<flatbuffers::Offset<form::Tensor>> made;
  for (const std::string& name : tensors) {
    const auto text = b.CreateString(name);
    const auto shape = b.CreateVector(std::vector{2, 3});
    made.push_back(form::CreateTensor(b, text, shape, 4));
  }
  std::vector<flatbuffers::Offset<form::Operator>> operators;
  for (const Written& op : ops) {
    const auto attribute = op.binary(b);
    const auto in = b.CreateVectorOfStrings({"t0", "t1"}), out = b.CreateVectorOfStrings({"t1"});
    operators.push_back(form::CreateOperator(b, static_cast<std::uint32_t>(op.number), op.type,
                                             attribute, in, out));
  }
  const auto all = b.CreateVector(operators);
  const auto of_tensors = b.CreateVector(made);
  const auto inputs = b.CreateVectorOfStrings(tensors), outputs = b.CreateVectorOfStrings(tensors);
  const auto block = form::CreateBlock(b, 0, all, of_tensors, inputs, outputs);
  const auto blocks = b.CreateVector(std::vector{block});
  const auto regions = b.CreateVector(std::vector{form::CreateRegion(b, 0, blocks)});
  b.Finish(form::CreateNetwork(b, form::CreateVersion(b, 1, 0, 0, false), regions), "TOSA");
  return read_file({b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize()}, "m.tosa");
}

}  // namespace

TEST_CASE("every attribute is the same in the binary form and in the text", "[model][tosa]") {
  const std::vector<Written> ops = all_operators();
  const File text = from_json(ops, {"t0", "t1"}), binary = from_binary(ops, {"t0", "t1"});
  REQUIRE(text.ops.size() == ops.size());
  REQUIRE(binary.ops.size() == ops.size());
  for (std::size_t i = 0; i < ops.size(); ++i) {
    CAPTURE(ops[i].name);
    CHECK(text.ops[i].type == ops[i].name);
    CHECK(binary.ops[i].type == ops[i].name);
    CHECK(text.ops[i].attributes == binary.ops[i].attributes);
    CHECK(text.ops[i].inputs == std::vector{0, 1});
    CHECK(binary.ops[i].inputs == std::vector{0, 1});
    CHECK(text.ops[i].outputs == std::vector{1});
    CHECK(binary.ops[i].outputs == std::vector{1});
  }
}

TEST_CASE("both forms may have more inputs and outputs than an operator has operands",
          "[model][tosa]") {
  Names names;
  for (int i = 0; i < 700; ++i) names.push_back(fmt::format("t{}", i));
  for (const File& file : {from_json({}, names), from_binary({}, names)}) {
    REQUIRE(file.tensors.size() == names.size());
    REQUIRE(file.inputs.size() == names.size());
    CHECK(file.outputs == file.inputs);
    for (std::size_t i = 0; i < names.size(); ++i) {
      CHECK(file.inputs[i] == static_cast<int>(i));
      CHECK(file.tensors[i].name == names[i]);
      CHECK(file.tensors[i].type == DataType::kInt16);
      CHECK(file.tensors[i].shape == std::vector{2, 3});
    }
  }
}

}  // namespace trine::model::tosa
