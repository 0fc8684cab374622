// SPDX-License-Identifier: Apache-2.0
//
// Tests rewrites of small graphs: expansion, batches, states.

#include <cmath>
#include <vector>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/model_testing.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/rewrite/batch.h"
#include "sw/model/rewrite/expand.h"
#include "sw/model/rewrite/states.h"

using namespace trine;
using namespace trine::model;
using Catch::Matchers::ContainsSubstring;
using namespace trine::model::testing;

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
        "g.tflite: op 0 SLICE: begin 5 and size 2 exceed axis 1 with extent 6");
  CHECK_THAT(refused("SLICE", {x, codes({2}), integers({2}, {-1, 2}), y}),
             ContainsSubstring("tensor 1 't' must be an integer constant of 2 elements"));
  CHECK_THAT(refused("SPLIT", {integers({}, {2}), x, y}),
             ContainsSubstring("axis 2, allowed -2..1"));
  CHECK_THAT(refused("SPLIT_V", {x, integers({1}, {2}), integers({}, {1}), y}),
             ContainsSubstring("the outputs contain 2 of the 6 elements of axis 1"));
  CHECK(refused("SPLIT_V", {x, integers({1}, {-1}), integers({}, {1}), x}) == "");
  CHECK_THAT(refused("SPLIT_V", {x, integers({1}, {7}), integers({}, {1}), y}),
             ContainsSubstring("size 7, allowed -1..6"));
  Op op;
  op.axis = 3;
  CHECK_THAT(refused("PACK", {x, y}, op), ContainsSubstring("axis 3, allowed -3..2"));
  CHECK_THAT(refused("UNPACK", {x, y}, op), ContainsSubstring("axis 3, allowed -2..1"));
}

TEST_CASE("expand handles each axis that is named", "[model][expand]") {
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
  computed.data.edit().clear();
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
  Graph graph{"g", "g.tflite", {}, {}, {0, 1, 2}, {3, 4, 5, 6}, {}, {}};
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
  CHECK_THROWS_WITH(expanded(graph), ContainsSubstring("(the host supports it)"));
  const auto [option, value, message] = GENERATE(table<std::string, double, std::string>(
      {{"max_detections", 0, "option max_detections 0, allowed 1..32768"},
       {"max_classes_per_detection", -1, "option max_classes_per_detection -1, allowed 1..32768"},
       {"detections_per_class", 0, "option detections_per_class 0, allowed 1..2147483647"},
       {"num_classes", 4, "option num_classes 4, allowed 2..3"},
       {"nms_iou_threshold", 1.5, "option nms_iou_threshold 1.5, allowed above 0 to 1"},
       {"nms_score_threshold", NAN, "nms_score_threshold nan, allowed finite numbers"},
       {"w_scale", 0, "option w_scale 0, allowed above 0"}}));
  graph.ops[0].numbers[option] = {value};
  CHECK_THROWS_WITH(expanded(graph, true),
                    ContainsSubstring("g.tflite: op 0 CUSTOM:TFLite_Detection_PostProcess") &&
                        ContainsSubstring(message));
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
  SECTION("a crop reduces the border") {
    graph = expanded(std::move(graph));
    REQUIRE(graph.ops.size() == 2);
    CHECK(graph.ops[0].kind == OpKind::kPad);
    CHECK(graph.in(graph.ops[0], 1).integers() ==
          std::vector<std::int64_t>{0, 0, 2, 2, 1, 1, 0, 0});
    CHECK(graph.ops[1].dilation_h == 2);
    CHECK(graph.ops[1].dilation_w == 2);
    CHECK_NOTHROW(check(graph));
  }
  SECTION("a SAME border counts pixels of each batch") {
    graph.ops[1].padding = Padding::kSame;
    graph.tensors[3].shape = {4, 4, 4, 6};
    graph.tensors[static_cast<std::size_t>(out)].shape = {1, 8, 7, 6};
    graph = expanded(std::move(graph));
    REQUIRE(graph.ops.size() == 2);
    CHECK(graph.in(graph.ops[0], 1).integers() ==
          std::vector<std::int64_t>{0, 0, 4, 4, 3, 3, 0, 0});
    CHECK_NOTHROW(check(graph));
  }
  SECTION("a convolution whose result has another scale or zero point stays") {
    if (GENERATE(true, false))
      graph.tensors[3].quantization.zero_point = {1};
    else
      graph.tensors[3].quantization.scale = {1};
    CHECK_THROWS_WITH(expanded(std::move(graph)), ContainsSubstring("BATCH_TO_SPACE_ND: tensor"));
  }
  SECTION("a convolution between blocks of two sizes stays") {
    graph.ops[2].inputs[1] = add(integers({2}, {2, 1}));
    CHECK_THROWS_WITH(expanded(std::move(graph)), ContainsSubstring("BATCH_TO_SPACE_ND: tensor"));
  }
  SECTION("a convolution with a stride or dilation of its own stays") {
    (GENERATE(true, false) ? graph.ops[1].stride_w : graph.ops[1].dilation_h) = 2;
    CHECK_THROWS_WITH(expanded(std::move(graph)),
                      ContainsSubstring("OP: tensor 3") || ContainsSubstring("OP: the window"));
  }
  SECTION("a convolution with other readers stays") {
    graph.outputs.push_back(3);
    graph = expanded(std::move(graph));
    CHECK(graph.ops[0].kind == OpKind::kPad);  // blocks are transposed: 4 and 4 operators
    CHECK(graph.ops.size() == 9);
    CHECK_NOTHROW(check(graph));
  }
}

TEST_CASE("operators that Trine does not define are named at once, each with advice",
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
        "g.tflite: op 0 CUMSUM: operator is not supported (the host supports it)\n"
        "g.tflite: op 1 WHILE: operator is not supported (export without control flow, for fixed "
        "shapes)\n"
        "g.tflite: op 2 WHERE: operator is not supported (the shape of its result depends on the "
        "data: export for fixed shapes)\n"
        "g.tflite: op 3 ADD: tensor 5 'i': type int32, allowed int8 uint8 (the host supports it)\n"
        "g.tflite: op 4 FLOOR_MOD: operator is not supported (of codes with a scale)");
  }
  SECTION("with the host") {
    CHECK_THROWS_WITH(expanded(graph, true), ContainsSubstring("op 1 WHILE") &&
                                                 !ContainsSubstring("CUMSUM") &&
                                                 ContainsSubstring("op 4 FLOOR_MOD"));
    std::erase_if(graph.ops, [](const Op& op) { return op.name != "CUMSUM" && op.name != "ADD"; });
    graph.outputs = {2, 5};
    const Graph hosted = expanded(graph, true);
    CHECK(hosted.ops.size() == 2);
    CHECK(hosted.ops[1].kind == OpKind::kOnnx);
    CHECK(hosted.ops[1].name == "Add");
    CHECK_NOTHROW(check(hosted));
  }
}

TEST_CASE("a graph for a batch keeps images apart or names the operator that mixes them",
          "[model][batch]") {
  const auto mean = [](int axis) {
    Graph g =
        one_op(OpKind::kMean, {codes({1, 4, 4, 8}), integers({1}, {axis}), codes({1, 1, 1, 8})});
    g.ops[0].keep_dims = true;
    return g;
  };
  const Graph sums = batched(mean(1), 3);
  CHECK(sums.tensors[0].shape == std::vector{3, 4, 4, 8});
  CHECK(sums.tensors[2].shape == std::vector{3, 1, 1, 8});
  CHECK_THROWS_WITH(batched(mean(0), 3), ContainsSubstring("op 0 OP: mixes the images of a batch"));
  CHECK_NOTHROW(batched(mean(0), 1));
  CHECK(images_of(sums) == 3);
  CHECK(batched(sums, 3, 2).tensor(sums.inputs[0]).shape[0] == 2);
  CHECK(!images_of(mean(1)));

  // A slice that begins at the last of one image begins at the first of three.
  Graph slice = one_op(OpKind::kStridedSlice, {codes({1, 4, 4, 8}), integers({4}, {-1, 0, 0, 0}),
                                               integers({4}, {1, 4, 4, 8}),
                                               integers({4}, {1, 1, 1, 1}), codes({1, 4, 4, 8})});
  slice = batched(std::move(slice), 3);
  CHECK(slice.tensors[4].shape == std::vector{3, 4, 4, 8});
  CHECK_NOTHROW(check(slice));

  // An operator that may mix images is refused.
  for (const OpKind kind : {OpKind::kOnnx, OpKind::kUnknown})
    CHECK_THROWS_WITH(batched(one_op(kind, {codes({1, 4}), codes({1, 4})}), 3),
                      ContainsSubstring("op 0 OP: mixes the images of a batch"));

  // A constant for each row is repeated for all images' rows; a constant for all rows is kept.
  const auto product = [](std::vector<int> shape) {
    Tensor factors = codes(std::move(shape));
    factors.is_constant = true;
    factors.data.edit().assign(static_cast<std::size_t>(factors.elements()), 7);
    return one_op(OpKind::kMul, {codes({2, 3}), factors, codes({2, 3})});
  };
  const Graph rows = batched(product({2, 3}), 4), all = batched(product({1, 3}), 4);
  CHECK(rows.in(rows.ops[0], 1).shape == std::vector{8, 3});
  CHECK(rows.in(rows.ops[0], 1).data.size() == 24);
  CHECK(all.in(all.ops[0], 1).shape == std::vector{1, 3});

  // Rows of a matrix are added to a map with a leading axis: the matrix gets that axis.
  const Graph lifted =
      batched(one_op(OpKind::kAdd, {codes({1, 3, 4}), codes({3, 4}), codes({1, 3, 4})}), 2);
  REQUIRE(lifted.ops.size() == 2);
  CHECK(lifted.ops[0].kind == OpKind::kReshape);
  CHECK(lifted.in(lifted.ops[0], 0).shape == std::vector{6, 4});
  CHECK(lifted.in(lifted.ops[1], 1).shape == std::vector{2, 3, 4});
  CHECK_NOTHROW(check(lifted));

  // One row of an image with two rows of another.
  CHECK_THROWS_WITH(
      batched(one_op(OpKind::kMul, {codes({2, 3}), codes({1, 3}), codes({2, 3})}), 2),
      ContainsSubstring("tensor 1 ") && ContainsSubstring("is computed for each image of a batch"));
  CHECK_THROWS_WITH(batched(one_op(OpKind::kRelu, {codes({}), codes({})}), 2),
                    ContainsSubstring("has rank 0, but a batch needs an axis"));
}

namespace {

/// Returns float32 [1, n, 4] -> QUANTIZE, followed by one row of codes -> DEQUANTIZE float32 [1, n
/// + 1, 4].
Graph appending(float scale_before) {
  Graph graph{"g", "g.tflite", {}, {}, {0, 2}, {4}, {}, {}};
  graph.tensors = {floats({1, 3, 4}), codes({1, 3, 4}, scale_before), codes({1, 1, 4}),
                   codes({1, 4, 4}), floats({1, 4, 4})};
  Op join = op_of(OpKind::kConcatenation, 1, {1, 2}, {3});
  join.axis = 1;
  graph.ops = {op_of(OpKind::kQuantize, 0, {0}, {1}), join,
               op_of(OpKind::kDequantize, 2, {3}, {4})};
  return graph;
}

}  // namespace

TEST_CASE("an output that appends to an input becomes one memory with it", "[model][states]") {
  const Graph graph = with_growing(appending(0.5f), {{0, 0}}, 20);
  CHECK(graph.inputs == std::vector<int>{1, 2});
  CHECK(graph.outputs == std::vector<int>{3});
  REQUIRE(graph.ops.size() == 1);
  CHECK(graph.ops[0].kind == OpKind::kConcatenation);
  REQUIRE(graph.states.size() == 1);
  const State& state = graph.states[0];
  CHECK((state.before == 1 && state.after == 3 && state.axis == 1 && state.capacity == 20));
  check(graph);

  const Graph other = with_growing(appending(0.25f), {{0, 0}}, 20);
  CHECK(other.states.empty());
  CHECK(other.ops.size() == 3);
}

TEST_CASE("a memory that is empty at first begins as a concatenation of one tensor",
          "[model][states]") {
  Graph graph{"g", "g.tflite", {codes({1, 1, 4}), codes({1, 1, 4}), floats({1, 1, 4})},
              {},  {0},        {2},
              {},  {}};
  graph.ops = {op_of(OpKind::kRelu, 0, {0}, {1}), op_of(OpKind::kDequantize, 1, {1}, {2})};
  graph = with_growing(std::move(graph), {{-1, 0}}, 20);
  REQUIRE(graph.ops.size() == 2);
  CHECK((graph.ops[1].kind == OpKind::kConcatenation && graph.ops[1].axis == 1));
  REQUIRE(graph.states.size() == 1);
  CHECK((graph.states[0].before == -1 && graph.states[0].after == graph.outputs[0]));
  check(graph);
}
