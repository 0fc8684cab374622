// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <map>
#include <random>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "sw/model/formats.h"
#include "sw/model/graph.h"
#include "sw/model/refusal.h"
#include "sw/model/rewrite/batch.h"
#include "sw/model/rewrite/expand.h"
#include "sw/model/shapes.h"
#include "sw/model/testing.h"
#include "tflite_generated.h"

using namespace trine;
using namespace trine::model;
using Catch::Matchers::Contains;

namespace {

Tensor codes(std::vector<int> shape, float scale = 0.5f, int zero_point = 0) {
  return {"t", DataType::kInt8, std::move(shape), {{scale}, {zero_point}, 0}, false, {}};
}

Tensor integers(std::vector<int> shape, const std::vector<std::int32_t>& values) {
  Tensor tensor{"i", DataType::kInt32, std::move(shape), {}, true, {}};
  tensor.data.resize(values.size() * 4);
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

/// One operator that reads tensors 0..n-2 and writes the last.
Graph one_op(OpKind kind, std::vector<Tensor> tensors, Op op = {}) {
  Graph graph{"g", "g.tflite", std::move(tensors), {}, {0}, {}, {}};
  const int last = static_cast<int>(graph.tensors.size()) - 1;
  op.kind = kind;
  op.name = "OP";
  for (int t = 0; t < last; ++t) op.inputs.push_back(t);
  op.outputs = {last};
  graph.outputs = {last};
  graph.ops = {op};
  return graph;
}

Tensor weights(std::vector<int> shape, int axis) {
  Tensor tensor = codes(std::move(shape));
  const auto channels = static_cast<std::size_t>(tensor.extent(axis));
  tensor.quantization = {std::vector<float>(channels, 0.25f),
                         std::vector<std::int64_t>(channels, 0), axis};
  tensor.is_constant = true;
  tensor.data.resize(static_cast<std::size_t>(tensor.elements()));
  return tensor;
}

Graph small_conv() {
  Tensor bias = integers({6}, {1, 2, 3, 4, 5, 6});
  return one_op(OpKind::kConv2D,
                {codes({1, 5, 5, 4}), weights({6, 3, 3, 4}, 0), bias, codes({1, 3, 3, 6})});
}

/// The text between the first `begin` and the next `end`; "" where there is none.
std::string between(const std::string& line, const std::string& begin, const std::string& end) {
  const std::size_t from = line.find(begin);
  if (from == std::string::npos) return {};
  const std::size_t to = line.find(end, from + begin.size());
  return to == std::string::npos ? "" : line.substr(from + begin.size(), to - from - begin.size());
}

bool is_tflite(const std::string& name) {
  return std::filesystem::path(name).extension() == ".tflite";
}

/// name -> MACs, as the README of the shared models states them: "- **name**" with "; N MACs,"
/// below, and a table "| name | shapes | N |".
std::vector<std::pair<std::string, std::int64_t>> documented_macs() {
  std::istringstream lines(read_text(shared_folder() / "models" / "README.md"));
  const auto number = [](std::string text) {
    text.erase(std::remove(text.begin(), text.end(), ','), text.end());
    return std::stoll(text);
  };
  std::vector<std::pair<std::string, std::int64_t>> result;
  for (std::string line, name; std::getline(lines, line);) {
    if (line.rfind("- **", 0) == 0) name = between(line, "**", "**");
    if (line.rfind("  Net: ", 0) == 0 && is_tflite(name))
      result.emplace_back(name, number(between(line, "; ", " MACs")));
    const std::string layer = between(line, "| ", " |");
    if (is_tflite(layer))
      result.emplace_back("layers/" + layer, number(between(line, "] | ", " | ")));
  }
  return result;
}

/// Loads and checks, or says why not: anything else (crash, hang, other exception) fails the test.
bool loads(const std::vector<std::uint8_t>& bytes) {
  try {
    check(parse_tflite(bytes, "m.tflite"));
    return true;
  } catch (const Error& error) {
    REQUIRE(std::string(error.what()).rfind("m.tflite: ", 0) == 0);
    return false;
  }
}

}  // namespace

TEST_CASE("constants, scales and attributes are checked alone", "[model][check][error]") {
  const float infinite = std::numeric_limits<float>::infinity();
  Graph graph = small_conv();
  REQUIRE_NOTHROW(check(graph));
  SECTION("a constant shorter than its shape") {
    graph.tensors[1].data.pop_back();
    CHECK_THROWS_WITH(check(graph), Contains("g.tflite: tensor 1 't': a constant of 215 bytes, "
                                             "shape [6, 3, 3, 4] needs 216"));
  }
  SECTION("a float tensor's scale") {
    graph.tensors.push_back(codes({1}, infinite));
    graph.tensors.back().type = DataType::kFloat32;
    CHECK_THROWS_WITH(check(graph), Contains("scale inf"));
  }
  SECTION("an attribute") {
    graph.ops[0].alpha = infinite;
    CHECK_THROWS_WITH(check(graph), Contains("attribute inf"));
  }
  SECTION("codes") {
    graph.ops[0].code_min = 1000;
    CHECK_THROWS_WITH(check(graph), Contains("codes 1000..127"));
  }
  SECTION("extents") {
    graph.tensors[0].shape = {1, 65536, 65536, 65536};
    CHECK_THROWS_WITH(check(graph), Contains("more than 2147483648 elements"));
  }
}

TEST_CASE("window follows the SAME and VALID rules", "[model][window]") {
  struct Row {
    int H, R, stride, dilation;
    Padding padding;
    int P, top, bottom;
  };
  const auto row = GENERATE(
      Row{9, 3, 1, 1, Padding::kSame, 9, 1, 1}, Row{9, 3, 2, 1, Padding::kSame, 5, 1, 1},
      Row{8, 3, 2, 1, Padding::kSame, 4, 0, 1}, Row{9, 3, 2, 1, Padding::kValid, 4, 0, 0},
      Row{12, 3, 1, 2, Padding::kSame, 12, 2, 2}, Row{12, 3, 1, 2, Padding::kValid, 8, 0, 0},
      Row{5, 1, 2, 1, Padding::kSame, 3, 0, 0}, Row{2, 3, 1, 1, Padding::kValid, 0, 0, 0},
      Row{25, 25, 25, 1, Padding::kValid, 1, 0, 0});
  CAPTURE(row.H, row.R, row.stride, row.dilation);
  const Window w = window(row.H, 7, row.R, 1, row.stride, 1, row.dilation, 1, row.padding);
  CHECK(w.P == row.P);
  CHECK(w.pad_top == row.top);
  CHECK(w.pad_bottom == row.bottom);
  CHECK(w.Q == 7);
}

TEST_CASE("macs count padded taps", "[model][macs]") {
  const Graph graph = small_conv();
  CHECK(macs(graph) == 3 * 3 * 6 * (3 * 3 * 4));
}

TEST_CASE("shapes broadcast from the last axis", "[model][shapes]") {
  CHECK(broadcast_shape({1, 6, 6, 8}, {8}) == std::vector<int>{1, 6, 6, 8});
  CHECK(broadcast_shape({6, 1}, {1, 5}) == std::vector<int>{6, 5});
  CHECK(broadcast_shape({}, {2}) == std::vector<int>{2});
  CHECK_FALSE(broadcast_shape({2, 3}, {2}));
}

TEST_CASE("slices walk both ways and drop axes", "[model][shapes]") {
  Op op;
  op.end_mask = 1;
  op.shrink_axis_mask = 4;
  const Graph graph = one_op(OpKind::kStridedSlice,
                             {codes({9, 9, 4}), integers({3}, {1, -1, -2}),
                              integers({3}, {0, 0, 0}), integers({3}, {2, -3, 1}), codes({4, 3})},
                             op);
  const auto axes = slices(graph, graph.ops[0]);
  CHECK(axes[0].begin == 1);  // 1 3 5 7
  CHECK(axes[0].size == 4);
  CHECK(axes[1].begin == 8);  // 8 5 2, stops before 0
  CHECK(axes[1].size == 3);
  CHECK(axes[2].begin == 2);
  CHECK(axes[2].dropped);
  CHECK_NOTHROW(check(graph));
}

TEST_CASE("check accepts a sound convolution and names what is wrong with another",
          "[model][check][error]") {
  Graph graph = small_conv();
  CHECK_NOTHROW(check(graph));
  SECTION("scales along the wrong axis") {
    graph.tensors[1].quantization.axis = 3;
    CHECK_THROWS_WITH(check(graph),
                      "g.tflite: op 0 OP: tensor 1 't': scales along axis 3, allowed 0");
  }
  SECTION("a scale that is no scale") {
    graph.tensors[0].quantization.scale[0] = -1.0f;
    CHECK_THROWS_WITH(check(graph), Contains("tensor 0 't': scale -1, allowed above 0"));
  }
  SECTION("a zero point out of range") {
    graph.tensors[3].quantization.zero_point[0] = 128;
    CHECK_THROWS_WITH(check(graph), Contains("zero point 128, allowed -128..127"));
  }
  SECTION("channels that form no groups") {
    graph.tensors[0].shape[3] = 7;
    CHECK_THROWS_WITH(check(graph), Contains("do not divide 7 input channels into groups"));
  }
  SECTION("an output of another size") {
    graph.tensors[3].shape[1] = 4;
    CHECK_THROWS_WITH(check(graph), Contains("shape [1, 4, 3, 6], expected [1, 3, 3, 6]"));
  }
  SECTION("a short bias") {
    graph.tensors[2] = integers({5}, {1, 2, 3, 4, 5});
    CHECK_THROWS_WITH(check(graph), Contains("tensor 2 'i': 5 elements, allowed 6"));
  }
  SECTION("a stride of nothing") {
    graph.ops[0].stride_w = 0;
    CHECK_THROWS_WITH(check(graph), Contains("stride_w 0, allowed 1..65535"));
  }
  SECTION("a window that does not fit") {
    graph.ops[0].dilation_h = 9;
    CHECK_THROWS_WITH(check(graph), Contains("window is larger than the input"));
  }
  SECTION("all operators at fault are reported") {
    graph.ops.push_back(graph.ops[0]);
    graph.ops[1].index = 1;
    graph.ops[0].stride_h = graph.ops[1].stride_h = -1;
    CHECK_THROWS_WITH(check(graph), Contains("op 0") && Contains("\ng.tflite: op 1"));
  }
}

TEST_CASE("check refuses operators that nobody defines", "[model][check][error]") {
  CHECK_THROWS_WITH(check(one_op(OpKind::kUnknown, {codes({1}), codes({1})})),
                    Contains("operator is not supported"));
  CHECK_THROWS_WITH(check(one_op(OpKind::kMaximum, {codes({2}), codes({2}, 0.25f), codes({2})})),
                    Contains("differ from the output's"));
  CHECK_THROWS_WITH(check(one_op(OpKind::kSoftmax, {codes({2}), codes({2})})),
                    Contains("allowed 1/256 and -128"));
}

TEST_CASE("expand refuses operands that don't fit", "[model][expand][error]") {
  const auto refused = [](const std::string& name, std::vector<Tensor> tensors, Op op = {}) {
    Graph graph = one_op(OpKind::kUnknown, std::move(tensors), op);
    graph.ops[0].name = name;
    std::string message;
    try {
      graph = expanded(std::move(graph));
    } catch (const Error& error) {
      message = error.what();
    }
    return message;
  };
  const Tensor x = codes({4, 6}), y = codes({4, 2});
  CHECK(refused("SLICE", {x, integers({2}, {0, 4}), integers({2}, {-1, 2}), y}) == "");
  CHECK(refused("SLICE", {x, integers({2}, {0, 5}), integers({2}, {-1, 2}), y}) ==
        "g.tflite: op 0 SLICE: begin 5 and size 2 of axis 1 with extent 6");
  CHECK_THAT(refused("SLICE", {x, codes({2}), integers({2}, {-1, 2}), y}),
             Contains("tensor 1 't' must be an integer constant of 2 elements"));
  CHECK_THAT(refused("SPLIT", {integers({}, {2}), x, y}), Contains("axis 2, allowed -2..1"));
  CHECK_THAT(refused("SPLIT_V", {x, integers({1}, {2}), integers({}, {1}), y}),
             Contains("the outputs have 2 of 6 elements of axis 1"));
  CHECK(refused("SPLIT_V", {x, integers({1}, {-1}), integers({}, {1}), x}) == "");
  CHECK_THAT(refused("SPLIT_V", {x, integers({1}, {7}), integers({}, {1}), y}),
             Contains("size 7, allowed -1..6"));
  Op op;
  op.axis = 3;
  CHECK_THAT(refused("PACK", {x, y}, op), Contains("axis 3, allowed -3..2"));
  CHECK_THAT(refused("UNPACK", {x, y}, op), Contains("axis 3, allowed -2..1"));
}

TEST_CASE("expand walks each axis that is named", "[model][expand]") {
  const auto parts = [](const std::string& name, std::vector<Tensor> tensors, int axis = 0) {
    Op op;
    op.axis = axis;
    Graph graph = one_op(OpKind::kUnknown, std::move(tensors), op);
    graph.ops[0].name = name;
    return expanded(std::move(graph));
  };
  const Graph reversed =
      parts("REVERSE_V2", {codes({2, 3}), integers({2}, {0, -1}), codes({2, 3})});
  REQUIRE(reversed.ops.size() == 2);
  CHECK(reversed.ops[0].axis == 0);
  CHECK(reversed.in(reversed.ops[0], 1).integers() == std::vector<std::int64_t>{1, 0});
  CHECK(reversed.ops[1].axis == 1);
  CHECK(reversed.in(reversed.ops[1], 1).integers() == std::vector<std::int64_t>{2, 1, 0});
  const Graph unpacked = parts("UNPACK", {codes({2, 1}), codes({2})}, -1);
  REQUIRE(unpacked.ops.size() == 1);
  CHECK(unpacked.ops[0].shrink_axis_mask == 2);
  const Graph packed = parts("PACK", {codes({2, 3}), codes({2, 3}), codes({2, 3, 2})}, -1);
  REQUIRE(packed.ops.size() == 3);
  CHECK(packed.out(packed.ops[0]).shape == std::vector<int>{2, 3, 1});
  CHECK(packed.ops[2].axis == 2);
  const Graph tiled = parts("TILE", {codes({2, 1}), integers({2}, {3, 4}), codes({6, 4})});
  REQUIRE(tiled.ops.size() == 2);
  CHECK(tiled.ops[0].kind == OpKind::kBroadcastTo);
  CHECK(tiled.ops[1].inputs.size() == 3);
  CHECK(tiled.ops[1].axis == 0);
  Tensor computed = integers({2}, {});
  computed.is_constant = false;
  computed.data.clear();
  Graph resized =
      one_op(OpKind::kResizeBilinear, {codes({1, 2, 3, 4}), computed, codes({1, 7, 9, 4})});
  resized.inputs = {0, 1};
  resized = expanded(std::move(resized));
  CHECK(resized.in(resized.ops[0], 1).integers() == std::vector<std::int64_t>{7, 9});
}

TEST_CASE("options of TFLite_Detection_PostProcess are checked", "[model][expand][error]") {
  const auto real = [](std::vector<int> shape) {
    return Tensor{"t", DataType::kFloat32, std::move(shape), {}, false, {}};
  };
  Graph graph{"g", "g.tflite", {}, {}, {0, 1, 2}, {3, 4, 5, 6}, {}};
  graph.tensors = {real({1, 6, 4}), real({1, 6, 3}), real({6, 4}), real({1, 8, 4}),
                   real({1, 8}),    real({1, 8}),    real({1})};
  Op op = op_of(OpKind::kUnknown, 0, graph.inputs, graph.outputs);
  op.name = "CUSTOM:TFLite_Detection_PostProcess";
  op.numbers = {{"max_detections", {4}}, {"max_classes_per_detection", {2}},
                {"num_classes", {2}},    {"y_scale", {10}},
                {"x_scale", {10}},       {"h_scale", {5}},
                {"w_scale", {5}},        {"nms_iou_threshold", {0.5}}};
  graph.ops = {op};
  CHECK(expanded(graph, true).ops.size() == 4);
  CHECK_THROWS_WITH(expanded(graph), Contains("(the host has it)"));
  const auto [option, value, message] = GENERATE(table<std::string, double, std::string>(
      {{"max_detections", 0, "option max_detections 0, allowed 1..32768"},
       {"max_classes_per_detection", -1, "option max_classes_per_detection -1, allowed 1..32768"},
       {"detections_per_class", 0, "option detections_per_class 0, allowed 1..2147483647"},
       {"num_classes", 4, "option num_classes 4, allowed 2..3"},
       {"nms_iou_threshold", 1.5, "option nms_iou_threshold 1.5, allowed above 0 to 1"},
       {"nms_score_threshold", NAN, "nms_score_threshold nan, allowed finite numbers"},
       {"w_scale", 0, "option w_scale 0, allowed above 0"}}));
  graph.ops[0].numbers[option] = {value};
  CHECK_THROWS_WITH(
      expanded(graph, true),
      Contains("g.tflite: op 0 CUSTOM:TFLite_Detection_PostProcess") && Contains(message));
}

TEST_CASE("expand folds batches around a convolution into its dilation", "[model][expand]") {
  Graph graph = one_op(OpKind::kConv2D, {codes({4, 4, 4, 4}), weights({6, 3, 3, 4}, 0),
                                         integers({6}, {1, 2, 3, 4, 5, 6}), codes({4, 2, 2, 6})});
  const auto add = [&](const Tensor& t) {
    graph.tensors.push_back(t);
    return static_cast<int>(graph.tensors.size()) - 1;
  };
  const int block = add(integers({2}, {2, 2}));
  const int image = add(codes({1, 4, 5, 4})), out = add(codes({1, 4, 3, 6}));
  Op begin, end;
  begin.name = "SPACE_TO_BATCH_ND";
  begin.inputs = {image, block, add(integers({2, 2}, {2, 2, 1, 2}))};
  begin.outputs = {0};
  end.name = "BATCH_TO_SPACE_ND";
  end.inputs = {3, block, add(integers({2, 2}, {0, 0, 0, 1}))};
  end.outputs = graph.outputs = {out};
  graph.inputs = {image};
  graph.ops = {begin, graph.ops[0], end};
  SECTION("the crop is a border less") {
    graph = expanded(std::move(graph));
    REQUIRE(graph.ops.size() == 2);
    CHECK(graph.ops[0].kind == OpKind::kPad);
    CHECK(graph.in(graph.ops[0], 1).integers() ==
          std::vector<std::int64_t>{0, 0, 2, 2, 1, 1, 0, 0});
    CHECK(graph.ops[1].dilation_h == 2);
    CHECK(graph.ops[1].dilation_w == 2);
    CHECK_NOTHROW(check(graph));
  }
  SECTION("a border is as many pixels of each batch") {
    graph.ops[1].padding = Padding::kSame;
    graph.tensors[3].shape = {4, 4, 4, 6};
    graph.tensors[static_cast<std::size_t>(out)].shape = {1, 8, 7, 6};
    graph = expanded(std::move(graph));
    REQUIRE(graph.ops.size() == 2);
    CHECK(graph.in(graph.ops[0], 1).integers() ==
          std::vector<std::int64_t>{0, 0, 4, 4, 3, 3, 0, 0});
    CHECK_NOTHROW(check(graph));
  }
  SECTION("a convolution whose result is scaled otherwise stays") {
    if (GENERATE(true, false))
      graph.tensors[3].quantization.zero_point = {1};
    else
      graph.tensors[3].quantization.scale = {1};
    CHECK_THROWS_WITH(expanded(std::move(graph)), Contains("BATCH_TO_SPACE_ND: tensor"));
  }
  SECTION("a convolution between blocks of two sizes stays") {
    graph.ops[2].inputs[1] = add(integers({2}, {2, 1}));
    CHECK_THROWS_WITH(expanded(std::move(graph)), Contains("BATCH_TO_SPACE_ND: tensor"));
  }
  SECTION("a convolution with a stride or dilation of its own stays") {
    (GENERATE(true, false) ? graph.ops[1].stride_w : graph.ops[1].dilation_h) = 2;
    CHECK_THROWS_WITH(expanded(std::move(graph)),
                      Contains("OP: tensor 3") || Contains("OP: the window"));
  }
  SECTION("a convolution with other readers stays") {
    graph.outputs.push_back(3);
    graph = expanded(std::move(graph));
    CHECK(graph.ops[0].kind == OpKind::kPad);  // blocks are transposed: 4 and 4 operators
    CHECK(graph.ops.size() == 9);
    CHECK_NOTHROW(check(graph));
  }
}

TEST_CASE("operators that Trine does not define are named at once, each with what helps",
          "[model][expand][error]") {
  Tensor numbers = integers({2, 6}, {});
  numbers.is_constant = false;
  Graph graph = one_op(OpKind::kUnknown, {numbers, integers({}, {1}), numbers});
  graph.ops[0].name = "CUMSUM";
  const auto with = [&](const std::string& name, OpKind kind, std::vector<int> inputs,
                        Tensor output) {
    graph.tensors.push_back(std::move(output));
    graph.outputs.push_back(static_cast<int>(graph.tensors.size()) - 1);
    Op op =
        op_of(kind, static_cast<int>(graph.ops.size()), std::move(inputs), {graph.outputs.back()});
    op.name = name;
    graph.ops.push_back(op);
  };
  with("WHILE", OpKind::kUnknown, {2}, numbers);
  with("WHERE", OpKind::kUnknown, {2}, numbers);
  with("ADD", OpKind::kAdd, {2, 1}, numbers);
  with("FLOOR_MOD", OpKind::kUnknown, {0, 1}, codes({2, 6}));
  SECTION("without the host") {
    CHECK_THROWS_WITH(
        expanded(graph),
        "g.tflite: op 0 CUMSUM: operator is not supported (the host has it)\n"
        "g.tflite: op 1 WHILE: operator is not supported (export without control flow, for fixed "
        "shapes)\n"
        "g.tflite: op 2 WHERE: operator is not supported (its result's shape lies in the data: "
        "export for fixed shapes)\n"
        "g.tflite: op 3 ADD: tensor 5 'i': type int32, allowed int8 uint8 (the host has it)\n"
        "g.tflite: op 4 FLOOR_MOD: operator is not supported (of codes with a scale)");
  }
  SECTION("with it") {
    CHECK_THROWS_WITH(expanded(graph, true),
                      Contains("op 1 WHILE") && !Contains("CUMSUM") && Contains("op 4 FLOOR_MOD"));
    std::erase_if(graph.ops, [](const Op& op) { return op.name != "CUMSUM" && op.name != "ADD"; });
    graph.outputs = {2, 5};
    const Graph hosted = expanded(graph, true);
    CHECK(hosted.ops.size() == 2);
    CHECK(hosted.ops[1].kind == OpKind::kOnnx);
    CHECK(hosted.ops[1].name == "Add");
    CHECK_NOTHROW(check(hosted));
  }
}

TEST_CASE("names and codes of operators lead back to their kinds", "[model][operators]") {
  for (std::size_t i = 0; i < kKinds; ++i) {
    const OpKind kind = static_cast<OpKind>(i);
    CAPTURE(name_of(kind));
    CHECK(kind_of(name_of(kind)) == kind);
    const int code = facts_of(kind).code;
    CHECK(kind_of_tflite(code).has_value() == (code >= 0));
    if (code >= 0) CHECK(kind_of_tflite(code) == std::pair{kind, name_of(kind)});
  }
  CHECK(kind_of_onnx("Sigmoid") == OpKind::kLogistic);
  CHECK(kind_of_onnx("") == std::nullopt);
  CHECK(kind_of("SPLIT") == std::nullopt);
  CHECK(kind_of_tflite(49) == std::pair{OpKind::kUnknown, std::string_view("SPLIT")});
  CHECK(kind_of_tflite(29) == std::nullopt);
}

TEST_CASE("each fault of a network has its reason", "[model][check][error]") {
  Graph graph = one_op(OpKind::kMaximum, {codes({2}), codes({2}, 0.25f), codes({2})});
  const auto with = [&](OpKind kind, std::vector<int> inputs, int output) {
    graph.ops.push_back(op_of(kind, 1, std::move(inputs), {output}));
  };
  with(OpKind::kUnknown, {0}, 2);
  with(OpKind::kTranspose, {0, 1}, 2);
  with(OpKind::kRelu, {0, 1}, 2);
  graph.tensors.push_back(codes({3}));
  with(OpKind::kRelu, {0}, 3);
  graph.tensors.push_back(integers({2}, {1, 1}));
  with(OpKind::kRelu, {4}, 2);
  try {
    check(graph);
    FAIL("accepted");
  } catch (const Refusal& refusal) {
    CHECK(refusal.reasons() == std::vector{Reason::kQuantization, Reason::kOperator,
                                           Reason::kOperands, Reason::kOperands, Reason::kShape,
                                           Reason::kType});
  }
}

namespace {

/// An operator that check() accepts, and what it says of it once something is spoilt.
struct Sound {
  OpKind kind;
  std::vector<Tensor> tensors;  ///< operands, and the output
  Op op;
  std::vector<std::pair<void (*)(Graph&), const char*>> faults;
};

Op with(int Op::*field, int value) {
  Op op;
  op.*field = value;
  return op;
}

Tensor floats(std::vector<int> shape, const std::vector<float>& values = {}) {
  Tensor tensor{"f", DataType::kFloat32, std::move(shape), {}, !values.empty(), {}};
  tensor.data.resize(values.size() * 4);
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), tensor.data.size());
  return tensor;
}

void set_scale(Graph& g, std::size_t t, float scale) { g.tensors[t].quantization.scale = {scale}; }
void set_zero(Graph& g, std::size_t t, int zero) { g.tensors[t].quantization.zero_point = {zero}; }

}  // namespace

TEST_CASE("a graph for a batch keeps images apart, or names what does not", "[model][batch]") {
  const auto mean = [](int axis) {
    Graph g =
        one_op(OpKind::kMean, {codes({1, 4, 4, 8}), integers({1}, {axis}), codes({1, 1, 1, 8})});
    g.ops[0].keep_dims = true;
    return g;
  };
  const Graph sums = batched(mean(1), 3);
  CHECK(sums.tensors[0].shape == std::vector{3, 4, 4, 8});
  CHECK(sums.tensors[2].shape == std::vector{3, 1, 1, 8});
  CHECK_THROWS_WITH(batched(mean(0), 3), Contains("op 0 OP: mixes the images of a batch"));
  CHECK_NOTHROW(batched(mean(0), 1));

  // What begins at the last of one image begins at the first of three.
  Graph slice = one_op(OpKind::kStridedSlice, {codes({1, 4, 4, 8}), integers({4}, {-1, 0, 0, 0}),
                                               integers({4}, {1, 4, 4, 8}),
                                               integers({4}, {1, 1, 1, 1}), codes({1, 4, 4, 8})});
  slice = batched(std::move(slice), 3);
  CHECK(slice.tensors[4].shape == std::vector{3, 4, 4, 8});
  CHECK_NOTHROW(check(slice));

  // An operator that is not known to keep images apart is refused.
  for (const OpKind kind : {OpKind::kOnnx, OpKind::kUnknown})
    CHECK_THROWS_WITH(batched(one_op(kind, {codes({1, 4}), codes({1, 4})}), 3),
                      Contains("op 0 OP: mixes the images of a batch"));

  // A constant for each row is one for each row of all images; one for all rows stays.
  const auto product = [](std::vector<int> shape) {
    Tensor factors = codes(std::move(shape));
    factors.is_constant = true;
    factors.data.assign(static_cast<std::size_t>(factors.elements()), 7);
    return one_op(OpKind::kMul, {codes({2, 3}), factors, codes({2, 3})});
  };
  const Graph rows = batched(product({2, 3}), 4), all = batched(product({1, 3}), 4);
  CHECK(rows.in(rows.ops[0], 1).shape == std::vector{8, 3});
  CHECK(rows.in(rows.ops[0], 1).data.size() == 24);
  CHECK(all.in(all.ops[0], 1).shape == std::vector{1, 3});

  // One row of an image beside two of another.
  CHECK_THROWS_WITH(batched(one_op(OpKind::kMul, {codes({2, 3}), codes({1, 3}), codes({2, 3})}), 2),
                    Contains("tensor 1 ") && Contains("is computed for each image of a batch"));
  CHECK_THROWS_WITH(batched(one_op(OpKind::kRelu, {codes({}), codes({})}), 2),
                    Contains("has rank 0, a batch needs an axis"));
}

TEST_CASE("each operator's own faults are named", "[model][check][error]") {
  const auto scaled = [](Graph& g) { set_scale(g, 0, 0.25f); };
  const auto moved = [](Graph& g) { set_zero(g, 0, 1); };
  constexpr const char* kDiffer = "differ from the output's";
  Op pool = with(&Op::filter_h, 2);
  pool.filter_w = 2;
  const Tensor image = codes({1, 5, 5, 4});
  const Tensor one_256 = codes({1, 8}, 1.0f / 256, -128);
  Tensor padding = codes({1});
  padding.is_constant = true;
  padding.data = {3};
  Tensor thresholds = integers({1, 3}, {-1, 0, 5});
  for (const Sound& row : {
           Sound{OpKind::kConv2D,
                 {image, weights({6, 3, 3, 4}, 0), integers({6}, {1, 2, 3, 4, 5, 6}),
                  codes({1, 3, 3, 6})},
                 {},
                 {{[](Graph& g) { g.tensors[1].quantization.zero_point[2] = 1; },
                   "zero point 1 per channel, allowed 0"},
                  {[](Graph& g) {
                     g.tensors[1].quantization.scale.pop_back(),
                         g.tensors[1].quantization.zero_point.pop_back();
                   },
                   "5 scales for 6 channels"},
                  {[](Graph& g) {
                     g.tensors[1].quantization = {{0.5f}, {3}, 0};
                   },
                   "zero point 3 of int8 weights, allowed 0"},
                  {[](Graph& g) { g.tensors[1].quantization = {}; }, "weights have no scale"},
                  {[](Graph& g) { g.tensors[1].type = DataType::kUInt8; },
                   "type uint8, expected int8"},
                  {[](Graph& g) {
                     g.tensors[2].quantization = {{0.5f}, {1}, 0};
                   },
                   "tensor 2 'i': zero point 1, allowed 0"},
                  {[](Graph& g) {
                     g.tensors[2].quantization = {{-0.5f}, {0}, 0};
                   },
                   "tensor 2 'i': scale -0.5, allowed above 0"},
                  {[](Graph& g) { g.tensors[0].type = DataType::kUInt8; },
                   "type uint8, expected int8"},
                  {[](Graph& g) { g.ops[0].dilation_w = 0; }, "dilation_w 0, allowed"},
                  {[](Graph& g) {
                     g.tensors[3].type = DataType::kInt32, g.ops[0].activation = Activation::kRelu;
                   },
                   "fused activation of int32"}}},
           Sound{
               OpKind::kDepthwiseConv2D,
               {image, weights({1, 3, 3, 8}, 3), codes({1, 3, 3, 8})},
               {},
               {{[](Graph& g) { g.tensors[1].quantization.axis = 0; }, "scales along axis 0"},
                {[](Graph& g) {
                   g.tensors[1].shape = {2, 3, 3, 4}, g.tensors[1].quantization = {{1.0f}, {0}, 0};
                 },
                 "first extent 2, allowed 1"},
                {[](Graph& g) { g.tensors[0].shape[3] = 3; },
                 "8 channels are no multiple of the input's 3"}}},
           Sound{OpKind::kTransposeConv,
                 {integers({4}, {1, 3, 3, 6}), weights({6, 3, 3, 4}, 0), codes({1, 1, 1, 4}),
                  codes({1, 3, 3, 6})},
                 {},
                 {{[](Graph& g) {
                     g.tensors[0] = integers({4}, {1, 3, 4, 6});
                   },
                   "holds [1, 3, 4, 6]"},
                  {[](Graph& g) { g.tensors[2].shape[1] = 2; }, "expected [1, 1, 1, 4]"},
                  {[](Graph& g) { g.tensors[0].is_constant = false, g.tensors[0].data = {}; },
                   "must be a constant"}}},
           Sound{OpKind::kFullyConnected,
                 {codes({2, 4}), weights({3, 4}, 0), codes({2, 3})},
                 {},
                 {{[](Graph& g) {
                     g.tensors[0].shape = {3, 3};
                   },
                   "9 elements are no multiple of the weights' 4 columns"},
                  {[](Graph& g) {
                     g.tensors[2].shape = {3, 3};
                   },
                   "does not fit 2 rows"}}},
           Sound{OpKind::kBatchMatMul,
                 {codes({2, 3, 4}), codes({1, 4, 5}), codes({2, 3, 5})},
                 {},
                 {{[](Graph& g) { g.ops[0].adjoint_a = true; }, "inner extents"},
                  {[](Graph& g) { g.ops[0].adjoint_b = true; }, "inner extents"},
                  {[](Graph& g) { g.tensors[1].shape[0] = 3; }, "batch axes"}}},
           Sound{OpKind::kMaxPool2D,
                 {image, codes({1, 4, 4, 4})},
                 pool,
                 {{scaled, kDiffer},
                  {moved, kDiffer},
                  {[](Graph& g) { g.ops[0].filter_w = 9; }, "window is larger"}}},
           Sound{OpKind::kReduceMax,
                 {image, integers({2}, {1, -2}), codes({1, 4})},
                 {},
                 {{scaled, kDiffer},
                  {[](Graph& g) {
                     g.tensors[1] = integers({2}, {1, 4});
                   },
                   "axis is out of range"},
                  {[](Graph& g) { g.ops[0].keep_dims = true; }, "expected [1, 1, 1, 4]"}}},
           Sound{OpKind::kReshape,
                 {image, codes({25, 4})},
                 {},
                 {{scaled, kDiffer},
                  {moved, kDiffer},
                  {[](Graph& g) {
                     g.tensors[1].shape = {25, 5};
                   },
                   "the input has 100"}}},
           Sound{OpKind::kPadV2,
                 {codes({2, 3}), integers({2, 2}, {0, 1, 2, 0}), padding, codes({3, 5})},
                 {},
                 {{scaled, kDiffer},
                  {[](Graph& g) { set_scale(g, 2, 0.25f); }, kDiffer},
                  {[](Graph& g) {
                     g.tensors[1] = integers({2, 2}, {-1, 1, 2, 0});
                   },
                   "padding -1 and 1 of axis 0"},
                  {[](Graph& g) {
                     g.tensors[3].shape = {5, 3};
                   },
                   "expected [3, 5]"}}},
           Sound{OpKind::kMirrorPad,
                 {codes({2, 3}), integers({2, 2}, {0, 1, 2, 0}), codes({3, 5})},
                 {},
                 {{scaled, kDiffer},
                  {[](Graph& g) {
                     g.tensors[1] = integers({2, 2}, {0, 2, 2, 0});
                   },
                   "padding 0 and 2 of axis 0, allowed 0..1"}}},
           Sound{OpKind::kSpaceToDepth,
                 {codes({1, 4, 6, 2}), codes({1, 2, 3, 8})},
                 with(&Op::block, 2),
                 {{scaled, kDiffer},
                  {[](Graph& g) { g.ops[0].block = 0; }, "block size 0"},
                  {[](Graph& g) {
                     g.tensors[1].shape = {1, 3, 2, 8};
                   },
                   "does not fit"}}},
           Sound{OpKind::kTranspose,
                 {codes({2, 3}), integers({2}, {1, 0}), codes({3, 2})},
                 {},
                 {{scaled, kDiffer},
                  {[](Graph& g) {
                     g.tensors[1] = integers({2}, {1, 1});
                   },
                   "no permutation"}}},
           Sound{OpKind::kStridedSlice,
                 {codes({4, 6}), integers({2}, {0, 1}), integers({2}, {4, 6}),
                  integers({2}, {1, 2}), codes({4, 3})},
                 {},
                 {{scaled, kDiffer},
                  {[](Graph& g) { g.ops[0].ellipsis_mask = 1; }, "ellipsis_mask 1"},
                  {[](Graph& g) { g.ops[0].new_axis_mask = 2; }, "new_axis_mask 2"},
                  {[](Graph& g) {
                     g.tensors[3] = integers({2}, {0, 2});
                   },
                   "stride 0"},
                  {[](Graph& g) {
                     g.tensors[2] = integers({2}, {4, 1});
                   },
                   "selects nothing"},
                  {[](Graph& g) {
                     g.tensors[1] = integers({2}, {9, 1}), g.ops[0].shrink_axis_mask = 1;
                   },
                   "selects nothing"}}},
           Sound{OpKind::kConcatenation,
                 {codes({2, 3}), codes({2, 4}), codes({2, 7})},
                 with(&Op::axis, 1),
                 {{scaled, kDiffer},
                  {[](Graph& g) { set_zero(g, 1, 2); }, kDiffer},
                  {[](Graph& g) { g.ops[0].activation = Activation::kRelu; }, "fused activation"},
                  {[](Graph& g) { g.ops[0].axis = 2; }, "axis 2, allowed -2..1"},
                  {[](Graph& g) { g.tensors[2].shape[1] = 8; }, "the inputs have 7"}}},
           Sound{OpKind::kResizeBilinear,
                 {image, integers({2}, {7, 9}), codes({1, 7, 9, 4})},
                 {},
                 {{scaled, kDiffer},
                  {[](Graph& g) { g.ops[0].align_corners = g.ops[0].half_pixel_centers = true; },
                   "exclude each other"},
                  {[](Graph& g) {
                     g.tensors[1] = integers({2}, {9, 7});
                   },
                   "holds [9, 7]"}}},
           Sound{OpKind::kAdd,
                 {codes({2, 3}), codes({3}), codes({2, 3})},
                 {},
                 {{[](Graph& g) { g.tensors[1].shape = {2}; }, "do not broadcast"},
                  {[](Graph& g) { g.tensors[1].type = DataType::kUInt8; }, "type uint8, expected"},
                  {[](Graph& g) {
                     g.tensors[0].quantization = {{1, 2}, {0, 0}, 0};
                   },
                   "2 scales, allowed 1"}}},
           Sound{OpKind::kDiv,
                 {floats({2}), floats({2}), floats({2})},
                 {},
                 {{[](Graph& g) { g.ops[0].activation = Activation::kRelu; },
                   "fused activation of float32"},
                  {[](Graph& g) { g.tensors[2] = codes({2}); }, "type int8, expected float32"}}},
           Sound{OpKind::kGather,
                 {codes({4, 6}), integers({2}, {3, 0}), codes({2, 6})},
                 {},
                 {{scaled, kDiffer},
                  {[](Graph& g) {
                     g.tensors[1] = integers({2}, {4, 0});
                   },
                   "element 4, allowed"},
                  {[](Graph& g) {
                     g.tensors[1] = integers({2}, {-1, 0});
                   },
                   "element -1, allowed"},
                  {[](Graph& g) { g.ops[0].axis = 1; }, "expected [4, 2]"}}},
           Sound{OpKind::kBroadcastTo,
                 {codes({3, 1}), codes({2, 3, 4})},
                 {},
                 {{scaled, kDiffer},
                  {[](Graph& g) {
                     g.tensors[1].shape = {2, 4, 4};
                   },
                   "does not fit the input's"},
                  {[](Graph& g) { g.tensors[1].shape = {3}; }, "does not fit the input's"}}},
           Sound{OpKind::kThreshold,
                 {codes({2, 3}), thresholds, codes({2, 3}, 1, -1)},
                 with(&Op::low, -1),
                 {{[](Graph& g) {
                     g.tensors[1] = integers({1, 3}, {0, -1, 5});
                   },
                   "not ascending"},
                  {[](Graph& g) { g.ops[0].low = 126; }, "code 128 is not int8"},
                  {[](Graph& g) { g.tensors[2].encoding = Encoding::kTernary; },
                   "code 2 is not ternary"}}},
           Sound{OpKind::kSoftmax,
                 {codes({1, 8}), one_256},
                 {},
                 {{[](Graph& g) { set_scale(g, 1, 1.0f / 128); }, "allowed 1/256 and -128"},
                  {[](Graph& g) { set_zero(g, 1, 0); }, "allowed 1/256 and -128"},
                  {[](Graph& g) {
                     g.tensors[0].shape = g.tensors[1].shape = {1, 4096};
                   },
                   "4096 classes, allowed 1..4095"},
                  {[](Graph& g) { g.ops[0].beta = 0; }, "beta 0 times scale"}}},
           Sound{OpKind::kLogSoftmax,
                 {codes({1, 8}), codes({1, 8}, 1.0f / 16, 127)},
                 {},
                 {{[](Graph& g) { set_zero(g, 1, 126); }, "allowed 1/16 and 127"},
                  {[](Graph& g) { set_scale(g, 1, 1.0f / 32); }, "allowed 1/16 and 127"}}},
           Sound{OpKind::kNormalization,
                 {codes({2, 2}), floats({2}, {1, 2}), floats({2}, {0, 1}), codes({2, 2})},
                 {},
                 {{[](Graph& g) { g.ops[0].epsilon = -1; }, "epsilon -1"},
                  {[](Graph& g) { g.ops[0].epsilon = 1e9f; }, "epsilon 1000000000 with 2"},
                  {[](Graph& g) {
                     g.tensors[1] = floats({2}, {1, 4096});
                   },
                   "value 4096, allowed below 2^13"},
                  {[](Graph& g) { g.tensors[2] = floats({1}, {1}); }, "expected [2]"}}},
           Sound{OpKind::kArgMax,
                 {codes({2, 3}), integers({}, {0}), integers({3}, {0, 0, 0})},
                 {},
                 {{[](Graph& g) { g.tensors[1] = integers({}, {2}); }, "axis is out of range"},
                  {[](Graph& g) { g.tensors[1] = integers({}, {1}); }, "expected [2]"}}},
           Sound{OpKind::kQuantize,
                 {floats({3}), codes({3})},
                 {},
                 {{[](Graph& g) {
                     g.tensors[0] = integers({3}, {1, 2, 3});
                   },
                   "allowed int8 uint8"},
                  {[](Graph& g) {
                     g.tensors[1].shape = {1, 3};
                   },
                   "expected [3]"}}},
       }) {
    Graph sound = one_op(row.kind, row.tensors, row.op);
    sound.tensors.back().is_constant = false;
    sound.tensors.back().data.clear();
    CAPTURE(name_of(row.kind));
    CHECK_NOTHROW(check(sound));
    for (const auto& [spoil, message] : row.faults) {
      Graph graph = sound;
      spoil(graph);
      CAPTURE(message);
      CHECK_THROWS_WITH(check(graph), Contains(message));
    }
  }
}

TEST_CASE("an epsilon out of its range is a limit, not an operator that nobody knows",
          "[model][error]") {
  Graph graph =
      one_op(OpKind::kNormalization,
             {codes({2, 2}), floats({2}, {1, 2}), floats({2}, {0, 1}), codes({2, 2})}, {});
  graph.ops[0].epsilon = 1e9f;
  try {
    check(graph);
    FAIL("accepted");
  } catch (const Refusal& refusal) {
    CHECK(refusal.reasons() == std::vector{Reason::kRange});
  }
}

TEST_CASE("bytes that are no model are refused", "[model][tflite][error]") {
  CHECK_THROWS_WITH(parse_tflite({}, "m.tflite"), Contains("identifier TFL3 is missing"));
  std::vector<std::uint8_t> bytes(64, 0xff);
  std::memcpy(bytes.data() + 4, "TFL3", 4);
  CHECK_THROWS_WITH(parse_tflite(bytes, "m.tflite"), Contains("truncated or damaged"));
  CHECK_THROWS_WITH(import_tflite("no/such/file.tflite"), Contains("no/such/file.tflite"));
}

TEST_CASE("formats that are known but not read are refused by name", "[model][formats][error]") {
  const auto bytes_of = [](const std::string& text) {
    return std::vector<std::uint8_t>(text.begin(), text.end());
  };
  const std::string allowed = ", allowed TFLite, ONNX, a program of trine compile; ";
  const std::string zeros(32, '\0');
  const auto [file, content, format] = GENERATE_REF(table<std::string, std::string, std::string>(
      {{"m.gguf", "GGUF" + zeros, "GGUF"},
       {"m.onnx", "GGUF" + zeros, "GGUF"},  // the content says it, whatever the name
       {"m", '\2' + std::string(7, '\0') + "{}" + zeros, "safetensors"},
       {"m", "PK\3\4" + zeros, "PyTorch"},
       {"m.pt", "", "PyTorch"},
       {"m.PTH", "", "PyTorch"}}));
  CAPTURE(file, format);
  CHECK_THROWS_WITH(parse_model(bytes_of(content), file),
                    Catch::StartsWith(file + ": " + format + allowed));
}

TEST_CASE("what is nearly the magic of a format is not it", "[model][formats][error]") {
  const auto text = GENERATE(std::string(), std::string("GGU"), std::string("PK\3"),
                             std::string("\x1\0\0\0\0\0\0\x1{}", 10),  // a header beyond the end
                             std::string("\x8\x7{", 3));
  CHECK(format_of(std::vector<std::uint8_t>(text.begin(), text.end())) == nullptr);
  CHECK_THROWS_WITH(parse_model({text.begin(), text.end()}, "m.onnx"),
                    Contains("m.onnx: is no ONNX model"));
}

TEST_CASE("a graph's images lie as its format says", "[model][formats]") {
  const std::map<std::string_view, std::string> samples{{"TFLite", "networks/curve.tflite"},
                                                        {"ONNX", "lowbit/thresholds.onnx"}};
  for (const Format& format : formats()) {
    if (format.read == nullptr) continue;
    CAPTURE(format.name);
    const Sample sample = own_sample(samples.at(format.name));
    CHECK(&format_named(sample.file.string()) == &format);
    CHECK(&format_of(read_file(sample.file), "without.name") == &format);
    CHECK(import_model(sample.file).channels_first == format.channels_first);
  }
  CHECK(format_named("saved_model").name == "TFLite");
  CHECK_THROWS_WITH(format_named("m.gguf"), Contains("m.gguf: GGUF, allowed"));
}

TEST_CASE("a model without codes of activations is told how to get them",
          "[model][tflite][error]") {
  const auto [name, says] = GENERATE(table<std::string, std::string>(
      {{"float32", "the model is float32, the machine computes int8: quantize it with examples"},
       {"float16", "the model is float16, "},
       {"dynamic", "the model is quantized dynamically, "},
       {"weights", "the model is quantized in its weights alone, "},
       {"weights_int4", "the model is quantized in its weights alone, "}}));
  const Sample sample = own_sample("litert/float/" + name + ".tflite");
  const bool ready = name == "float32";
  CHECK_THROWS_WITH(import_model(sample.file, true),
                    Contains(says) && Contains("trine quantize " +
                                               (ready ? sample.file.string() : "FLOAT.tflite") +
                                               " --calibration DIR --out INT8.tflite"));
}

/// What import says of a model with an LSTM that is changed.
template <typename Change>
std::string lstm_message(Change change) {
  format::ModelT model;
  format::GetModel(read_file(own_sample("operators/lstm_sequence.tflite").file).data())
      ->UnPackTo(&model);
  change(model);
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(format::Model::Pack(builder, &model), format::ModelIdentifier());
  const auto* bytes = builder.GetBufferPointer();
  try {
    check(parse_tflite({bytes, bytes + builder.GetSize()}, "m.tflite", true));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("networks of other makers that cannot run are told what helps",
          "[model][tflite][error]") {
  CHECK(lstm_message([](format::ModelT&) {}).empty());
  const auto tensors = [](format::ModelT & m) -> auto& { return m.subgraphs[0]->tensors; };
  CHECK_THAT(lstm_message([&](format::ModelT& m) { tensors(m)[0]->type = 0; }),
             Contains("op 0 UNIDIRECTIONAL_SEQUENCE_LSTM: computes in float32, as `trine "
                      "quantize` leaves it: TFLiteConverter with a representative_dataset"));
  CHECK_THAT(lstm_message([&](format::ModelT& m) {
               for (auto& tensor : tensors(m)) tensor->type = 0;
             }),
             Contains("m.tflite: the model is in floats, and so is its LSTM behind"));
  CHECK_THAT(lstm_message([&](format::ModelT& m) { tensors(m)[0]->type = 7; }),
             Contains("type int16, allowed int8 uint8: quantize 16x8 networks to int8"));
  CHECK_THAT(lstm_message([&](format::ModelT& m) { tensors(m)[0]->type = 5; }),
             Contains("tensor 0 't0': type string is not supported, allowed int8"));
  for (const std::string custom : {"ethos-u", "edgetpu-custom-op"})
    CHECK_THAT(lstm_message([&](format::ModelT& m) {
                 m.operator_codes[0]->builtin_code = 32;
                 m.operator_codes[0]->deprecated_builtin_code = 32;
                 m.operator_codes[0]->custom_code = custom;
               }),
               Contains("op 0 CUSTOM:" + custom + ": compiled for another accelerator: give"));
}

TEST_CASE("the import says what the file holds", "[model][tflite]") {
  const Graph graph = import_tflite(own_sample("networks/ds_cnn.tflite").file);
  CHECK(graph.name == "ds_cnn");
  REQUIRE(graph.ops.size() == 11);
  const Op& conv = graph.ops[0];
  CHECK(conv.name == "CONV_2D");
  CHECK(conv.kind == OpKind::kConv2D);
  CHECK(conv.padding == Padding::kSame);
  CHECK(conv.stride_h == 2);
  CHECK(conv.activation == Activation::kRelu);
  CHECK(graph.in(conv, 0).shape == std::vector<int>{1, 33, 10, 1});
  CHECK(graph.in(conv, 0).scale() == 0.0348089337348938f);
  CHECK(graph.in(conv, 0).zero_point() == -31);
  CHECK(graph.in(conv, 1).quantization.scale.size() == 24);
  CHECK(graph.in(conv, 2).values<std::int32_t>().size() == 24);
}

TEST_CASE("every model is legal and has the MACs that its maker counted", "[model][tflite][macs]") {
  // As tests/networks/make.py and tests/layers/make.py print them.
  std::vector<std::pair<std::filesystem::path, std::int64_t>> counted;
  for (const auto& [name, macs] : {std::pair<const char*, std::int64_t>{"resnet8", 12'501'632},
                                   {"residual", 203'008},
                                   {"unpadded", 52'000},
                                   {"ds_cnn", 283'848},
                                   {"mobilenet", 835'968},
                                   {"mobilenet_uint8", 114'688},
                                   {"streaming", 58'912},
                                   {"speech", 84'000},
                                   {"autoencoder", 29'696},
                                   {"curve", 288},
                                   {"gru", 2'160}})
    counted.emplace_back(own_sample(std::string("networks/") + name + ".tflite").file, macs);
  for (const auto& [name, macs] : {std::pair<const char*, std::int64_t>{"convolutions", 990'868},
                                   {"depthwise", 65'492},
                                   {"dense", 44'837},
                                   {"blocks", 318'048},
                                   {"pools", 0}})
    counted.emplace_back(own_sample(std::string("layers/") + name + ".tflite").file, macs);
  const std::size_t own = counted.size();
  if (has_shared())
    for (const auto& [name, macs] : documented_macs())
      counted.emplace_back(shared_folder() / "models" / name, macs);
  CHECK((counted.size() == own + 12 + 78 || !has_shared()));
  for (const auto& [file, expected] : counted) {
    CAPTURE(file.string());
    const Graph graph = import_tflite(file);
    CHECK_NOTHROW(check(graph));
    CHECK(macs(graph) == expected);
  }
}

TEST_CASE("a truncated model is refused, whatever its length", "[model][tflite][error]") {
  for (const Sample& sample : samples({"networks/curve.tflite"}, {"hello_world_int8.tflite"})) {
    const auto whole = read_file(sample.file);
    REQUIRE(loads(whole));
    for (std::size_t size = 0; size < whole.size(); size += 3)
      CHECK_FALSE(loads({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}));
  }
}

TEST_CASE("an attribute without numbers is refused, not looked into", "[model][check][error]") {
  Graph graph = import_tflite(own_sample("operators/host_rest.tflite").file, true);
  int changed = 0;
  for (Op& op : graph.ops)
    if (op.kind == OpKind::kSvdf) {
      op.numbers["rank"].clear();  // as a program file may have it
      ++changed;
    }
  REQUIRE(changed > 0);
  CHECK_THROWS_AS(check(graph), Refusal);
  CHECK_THROWS_WITH(check(graph), Contains("SVDF") && Contains("rank 0 of "));
}

TEST_CASE("constants may be as large as the file is, shared ones not without end",
          "[model][tflite][error]") {
  constexpr int kRows = 160, kCols = 1 << 20;  // of a buffer
  flatbuffers::FlatBufferBuilder builder(std::size_t{kRows} * kCols + 4096);
  std::uint8_t* codes = nullptr;
  const auto data = builder.CreateUninitializedVector(std::size_t{kRows} * kCols, &codes);
  std::memset(codes, 1, std::size_t{kRows} * kCols);
  const std::vector buffers{format::CreateBuffer(builder), format::CreateBuffer(builder, data)};
  const int constants = GENERATE(2, 3);
  const std::vector<float> scale{1};
  const std::vector<std::int64_t> zero_point{0};
  std::vector<flatbuffers::Offset<format::Tensor>> tensors;
  for (int i = 0; i <= constants; ++i) {
    const std::vector<std::int32_t> shape{kRows, kCols};
    const auto quantization = format::CreateQuantizationParameters(
        builder, 0, 0, builder.CreateVector(scale), builder.CreateVector(zero_point));
    tensors.push_back(format::CreateTensor(builder, builder.CreateVector(shape), 9, i > 0 ? 1 : 0,
                                           builder.CreateString("t"), quantization));
  }
  const std::vector<std::int32_t> edge{0};
  const std::vector graphs{format::CreateSubGraph(builder, builder.CreateVector(tensors),
                                                  builder.CreateVector(edge),
                                                  builder.CreateVector(edge))};
  builder.Finish(format::CreateModel(builder, 3, 0, builder.CreateVector(graphs), 0,
                                     builder.CreateVector(buffers)),
                 "TFL3");
  const std::vector<std::uint8_t> bytes(builder.GetBufferPointer(),
                                        builder.GetBufferPointer() + builder.GetSize());
  if (constants == 2)  // 320 MiB in a file of 160
    CHECK(parse_tflite(bytes, "m.tflite").tensors.size() == 3);
  else
    CHECK_THROWS_WITH(parse_tflite(bytes, "m.tflite"), Contains("bytes of constants, in a file"));
}

TEST_CASE("a model with damaged bytes loads or is refused", "[model][tflite][error]") {
  const auto models =
      samples({"networks/curve.tflite", "networks/unpadded.tflite", "layers/movement.tflite",
               "layers/depthwise.tflite", "layers/elementwise.tflite", "layers/pools.tflite"},
              {"hello_world_int8.tflite", "mnist_valid_q.tflite", "layers/strided_slice.tflite",
               "layers/conv_grouped_g4.tflite", "layers/tconv_2x2_s2.tflite",
               "layers/batch_matmul_tb.tflite", "layers/pad.tflite"});
  for (const Sample& sample : models) {
    CAPTURE(sample.file.string());
    const auto whole = read_file(sample.file);
    REQUIRE(loads(whole));
    std::mt19937 random{1};
    int refused = 0;
    for (int i = 0; i < 2000; ++i) {
      CAPTURE(i);
      auto bytes = whole;
      for (unsigned n = 1 + random() % 4; n-- > 0;) {
        constexpr std::uint8_t kNasty[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
        bytes[random() % bytes.size()] =
            random() % 2 != 0 ? kNasty[random() % 5] : static_cast<std::uint8_t>(random());
      }
      refused += loads(bytes) ? 0 : 1;
    }
    CHECK(refused > 100);
  }
}
