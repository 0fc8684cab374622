// SPDX-License-Identifier: Apache-2.0
//
// Tests what check() refuses: the faults of each operator, with their reasons.

#include "sw/model/check/check.h"

#include <fmt/format.h>

#include <limits>

#include "sw/base/catch.h"
#include "sw/model/graph/graph.h"
#include "sw/model/graph/model_testing.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/graph/shapes.h"
#include "sw/model/graph/spiking.h"
#include "sw/model/import/import.h"
#include "sw/model/import/testing.h"

using namespace trine;
using namespace trine::model;
using Catch::Matchers::ContainsSubstring;
using namespace trine::model::testing;

TEST_CASE("constants, scales and attributes are checked on their own", "[model][check][error]") {
  const float infinite = std::numeric_limits<float>::infinity();
  Graph graph = small_conv();
  REQUIRE_NOTHROW(check(graph));
  SECTION("a constant shorter than its shape") {
    graph.tensors[1].data.edit().pop_back();
    CHECK_THROWS_WITH(check(graph),
                      ContainsSubstring("g.tflite: tensor 1 't': a constant of 215 bytes, "
                                        "but shape [6, 3, 3, 4] needs 216"));
  }
  SECTION("a float tensor's scale") {
    graph.tensors.push_back(codes({1}, infinite));
    graph.tensors.back().type = DataType::kFloat32;
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("scale inf"));
  }
  SECTION("an attribute") {
    graph.ops[0].alpha = infinite;
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("attribute inf"));
  }
  SECTION("codes") {
    graph.ops[0].code_min = 1000;
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("codes 1000..127"));
  }
  SECTION("extents") {
    graph.tensors[0].shape = {1, 65536, 65536, 65536};
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("more than 2147483648 elements"));
  }
}

TEST_CASE("check accepts a sound convolution and names the fault of a wrong one",
          "[model][check][error]") {
  Graph graph = small_conv();
  CHECK_NOTHROW(check(graph));
  SECTION("scales along the wrong axis") {
    graph.tensors[1].quantization.axis = 3;
    CHECK_THROWS_WITH(check(graph),
                      "g.tflite: op 0 OP: tensor 1 't': scales along axis 3, allowed 0");
  }
  SECTION("a negative scale") {
    graph.tensors[0].quantization.scale[0] = -1.0f;
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("tensor 0 't': scale -1, allowed above 0"));
  }
  SECTION("a zero point out of range") {
    graph.tensors[3].quantization.zero_point[0] = 128;
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("zero point 128, allowed -128..127"));
  }
  SECTION("channels that cannot be divided into groups") {
    graph.tensors[0].shape[3] = 7;
    CHECK_THROWS_WITH(check(graph),
                      ContainsSubstring("do not divide 7 input channels into groups"));
  }
  SECTION("an output of another size") {
    graph.tensors[3].shape[1] = 4;
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("shape [1, 4, 3, 6], expected [1, 3, 3, 6]"));
  }
  SECTION("a short bias") {
    graph.tensors[2] = integers({5}, {1, 2, 3, 4, 5});
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("tensor 2 'i': 5 elements, allowed 6"));
  }
  SECTION("a stride of 0") {
    graph.ops[0].stride_w = 0;
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("stride_w 0, allowed 1..65535"));
  }
  SECTION("a window that does not fit") {
    graph.ops[0].dilation_h = 9;
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("window is larger than the input"));
  }
  SECTION("all operators at fault are reported") {
    graph.ops.push_back(graph.ops[0]);
    graph.ops[1].index = 1;
    graph.ops[0].stride_h = graph.ops[1].stride_h = -1;
    CHECK_THROWS_WITH(check(graph),
                      ContainsSubstring("op 0") && ContainsSubstring("\ng.tflite: op 1"));
  }
}

TEST_CASE("check refuses operators that are not defined", "[model][check][error]") {
  CHECK_THROWS_WITH(check(one_op(OpKind::kUnknown, {codes({1}), codes({1})})),
                    ContainsSubstring("operator is not supported"));
  CHECK_THROWS_WITH(check(one_op(OpKind::kMaximum, {codes({2}), codes({2}, 0.25f), codes({2})})),
                    ContainsSubstring("differ from the output's"));
  CHECK_THROWS_WITH(check(one_op(OpKind::kSoftmax, {codes({2}), codes({2})})),
                    ContainsSubstring("allowed 1/256 and -128"));
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

/// An operator that check() accepts, and the message for each change that makes it invalid.
struct Sound {
  OpKind kind;
  std::vector<Tensor> tensors;  ///< operands, then the output
  Op op;
  std::vector<std::pair<void (*)(Graph&), const char*>> faults;
};

void set_scale(Graph& g, std::size_t t, float scale) { g.tensors[t].quantization.scale = {scale}; }

void set_zero(Graph& g, std::size_t t, int zero) { g.tensors[t].quantization.zero_point = {zero}; }

}  // namespace

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
  Tensor factors = integers({3, 2}, {});
  factors.type = DataType::kInt16;
  factors.data.edit().resize(12);
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
                 "8 channels are not a multiple of the input's 3"}}},
           Sound{OpKind::kTransposeConv,
                 {integers({4}, {1, 3, 3, 6}), weights({6, 3, 3, 4}, 0), codes({1, 1, 1, 4}),
                  codes({1, 3, 3, 6})},
                 {},
                 {{[](Graph& g) {
                     g.tensors[0] = integers({4}, {1, 3, 4, 6});
                   },
                   "contains [1, 3, 4, 6]"},
                  {[](Graph& g) { g.tensors[2].shape[1] = 2; }, "expected [1, 1, 1, 4]"},
                  {[](Graph& g) { g.tensors[0].is_constant = false, g.tensors[0].data = {}; },
                   "must be a constant"}}},
           Sound{OpKind::kFullyConnected,
                 {codes({2, 4}), weights({3, 4}, 0), codes({2, 3})},
                 {},
                 {{[](Graph& g) {
                     g.tensors[0].shape = {3, 3};
                   },
                   "9 elements are not a multiple of the weights' 4 columns"},
                  {[](Graph& g) {
                     g.tensors[2].shape = {3, 3};
                   },
                   "does not fit 2 rows"}}},
           Sound{OpKind::kFullyConnected,
                 {codes({2, 4}), weights({3, 4}, 0), integers({3}, {1, 2, 3}), factors,
                  codes({2, 3})},
                 with(&Op::block, 2),
                 {{[](Graph& g) { g.ops[0].block = 0; }, "groups of 0 input channels"},
                  {[](Graph& g) { g.ops[0].block = 4; }, "shape [3, 2], expected [3, 1]"},
                  {[](Graph& g) { g.tensors[3].data.edit()[1] = 0x41; }, "factor 16640, allowed"},
                  {[](Graph& g) {
                     g.tensors[1].is_constant = false, g.tensors[1].data.edit().clear();
                   },
                   "tensor 1 't': must be a constant"}}},
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
           Sound{OpKind::kDepthToSpace,
                 {codes({1, 2, 3, 8}), codes({1, 4, 6, 2})},
                 with(&Op::block, 2),
                 {{scaled, kDiffer},
                  {[](Graph& g) { g.ops[0].inputs = {-1}; }, "input 0 is absent"},
                  {[](Graph& g) {
                     g.tensors[1].shape = {1, 6, 4, 2};
                   },
                   "does not fit"}}},
           Sound{OpKind::kTranspose,
                 {codes({2, 3}), integers({2}, {1, 0}), codes({3, 2})},
                 {},
                 {{scaled, kDiffer},
                  {[](Graph& g) {
                     g.tensors[1] = integers({2}, {1, 1});
                   },
                   "not a permutation"}}},
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
                   "selects no element"},
                  {[](Graph& g) {
                     g.tensors[1] = integers({2}, {9, 1}), g.ops[0].shrink_axis_mask = 1;
                   },
                   "selects no element"}}},
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
                   "contains [9, 7]"}}},
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
    sound.tensors.back().data.edit().clear();
    CAPTURE(name_of(row.kind));
    CHECK_NOTHROW(check(sound));
    for (const auto& [spoil, message] : row.faults) {
      Graph graph = sound;
      spoil(graph);
      CAPTURE(message);
      CHECK_THROWS_WITH(check(graph), ContainsSubstring(message));
    }
  }
}

TEST_CASE("an epsilon out of its range is a limit and not an unknown operator", "[model][error]") {
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

TEST_CASE("an SVDF memory of size 0 is refused", "[model][check][error]") {
  Graph graph = import_tflite(own_sample("operators/host_rest.tflite").file, true);
  const auto svdf = std::ranges::find(graph.ops, OpKind::kSvdf, &Op::kind);
  REQUIRE(svdf != graph.ops.end());
  for (const int position : {2, 4}) {  // weights of time, state
    Tensor& tensor = graph.tensors[static_cast<std::size_t>(svdf->input(position))];
    tensor.shape[1] = 0;
    tensor.data.edit().clear();
  }
  CHECK_THROWS_WITH(check(graph), ContainsSubstring("SVDF") && ContainsSubstring("no memory"));
}

TEST_CASE("an attribute without numbers is refused and not read", "[model][check][error]") {
  Graph graph = import_tflite(own_sample("operators/host_rest.tflite").file, true);
  int changed = 0;
  for (Op& op : graph.ops)
    if (op.kind == OpKind::kSvdf) {
      op.numbers["rank"].clear();  // as a program file may have it
      ++changed;
    }
  REQUIRE(changed > 0);
  CHECK_THROWS_AS(check(graph), Refusal);
  CHECK_THROWS_WITH(check(graph),
                    ContainsSubstring("SVDF") && ContainsSubstring("rank 0, allowed divisors"));
}

TEST_CASE("attributes of neurons must be whole numbers in their ranges",
          "[model][check][spikes][error]") {
  Tensor currents = codes({4, 3}, 0.5f);
  currents.type = DataType::kInt16;
  Graph graph = one_op(OpKind::kSpiking, {currents, codes({4, 3}, 1.0f)}, {});
  Op& op = graph.ops[0];
  spiking::Neuron neuron;
  const auto refused = [&](const char* text) {
    spiking::set_neuron(&op, neuron);
    CHECK_THROWS_WITH(check(graph), ContainsSubstring(text));
  };
  CHECK_THROWS_WITH(check(graph), ContainsSubstring("leak nan, allowed 0..16384"));
  spiking::set_neuron(&op, neuron);
  CHECK_NOTHROW(check(graph));
  SECTION("leak") {
    neuron.leak = 16385;
    refused("leak 16385, allowed 0..16384");
  }
  SECTION("drop") {
    neuron.drop = 0;
    refused("drop 0, allowed 1..16384");
  }
  SECTION("half a level") {
    op.numbers[spiking::kLevel] = {0.5};
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("level 0.5, allowed -32767..32767"));
  }
  SECTION("a delay") {
    neuron.reset = spiking::Reset::kZero;
    neuron.delay = true;
    refused("a delay is supported only with a reset that subtracts");
  }
  SECTION("the membrane has the currents' type") {
    neuron.reset = spiking::Reset::kNone;
    refused("type int8, expected int16");
  }
  SECTION("spikes are 0 and 1") {
    graph.tensors[1].quantization.scale = {0.5f};
    refused("scale 0.5, zero point 0");
  }
  SECTION("recurrent weights of a wrong shape") {
    Tensor weights = codes({3, 4}, 0.1f);
    weights.is_constant = true;
    weights.data.edit().resize(12);
    op.inputs.push_back(graph.add(weights));
    refused("shape [3, 4], expected [3, 3]");
  }
}

namespace {

Tensor wide(std::vector<int> shape, float scale = 0.5f) {
  Tensor tensor = codes(std::move(shape), scale);
  tensor.type = DataType::kInt16;
  return tensor;
}

Tensor wide_bias(const std::vector<std::int64_t>& values) {
  Tensor tensor{"b", DataType::kInt64, {static_cast<int>(values.size())}, {}, true, {}};
  tensor.data.edit().resize(values.size() * 8);
  std::memcpy(tensor.data.edit().data(), values.data(), tensor.data.size());
  return tensor;
}

Graph wide_conv(const Tensor& bias) {
  Graph graph = small_conv();
  graph.tensors[2] = bias;
  for (const std::size_t t : {0, 3}) graph.tensors[t].type = DataType::kInt16;
  return graph;
}

}  // namespace

TEST_CASE("int16 activations require int8 weights, symmetric codes and sums of 40 bits",
          "[model][check][maps16][error]") {
  constexpr std::int64_t kMost = (std::int64_t{1} << 39) - 1;
  Graph graph = wide_conv(wide_bias({1, 2, 3, 4, kMost, -kMost - 1}));
  CHECK_NOTHROW(check(graph));
  CHECK_NOTHROW(check(wide_conv(integers({6}, {1, 2, 3, 4, 5, 6}))));
  SECTION("a zero point") {
    graph.tensors[0].quantization.zero_point[0] = 3;
    CHECK_THROWS_WITH(check(graph), "g.tflite: op 0 OP: tensor 0 't': zero point 3, allowed 0..0");
  }
  SECTION("biases") {
    for (const std::int64_t beyond : {kMost + 1, -kMost - 2})
      CHECK_THROWS_WITH(
          check(wide_conv(wide_bias({1, 2, 3, 4, 5, beyond}))),
          fmt::format("g.tflite: op 0 OP: tensor 2 'b': bias {}, allowed 40 bits", beyond));
    graph.tensors[2].is_constant = false;
    graph.inputs.push_back(2);
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("tensor 2 'b': must be a constant"));
    graph.tensors[2] = wide({6});
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("tensor 2 't': type int16, expected int64"));
  }
  SECTION("mixed types") {
    graph.tensors[3].type = DataType::kInt8;
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("tensor 0 't': type int16, expected int8"));
    graph.tensors[3].type = DataType::kInt32;
    CHECK_THROWS_WITH(check(graph), ContainsSubstring("tensor 0 't': type int16, expected int8"));
    Graph narrow = small_conv();
    narrow.tensors[2] = wide_bias({1, 2, 3, 4, 5, 6});
    CHECK_THROWS_WITH(check(narrow), ContainsSubstring("tensor 2 'b': type int64, expected int32"));
    narrow.tensors[1].type = DataType::kInt16;
    narrow.tensors[1].data.edit().resize(2 * narrow.tensors[1].data.size());
    CHECK_THROWS_WITH(check(narrow), ContainsSubstring("tensor 1 't': type int16, expected int8"));
    CHECK_THROWS_WITH(check(one_op(OpKind::kAdd, {wide({2}), codes({2}), wide({2})})),
                      ContainsSubstring("tensor 1 't': type int8, expected int16"));
  }
}

TEST_CASE("operators that LiteRT does not support in int16 are refused",
          "[model][check][maps16][error]") {
  CHECK_THROWS_WITH(
      check(one_op(OpKind::kHardSwish, {wide({2}), wide({2})})),
      ContainsSubstring("tensor 1 't': type int16, allowed int8 uint8: quantize 16x8"));
  const Tensor filters = weights({1, 1, 1, 2}, 3), map = wide({1, 2, 2, 2});
  CHECK_NOTHROW(check(one_op(OpKind::kDepthwiseConv2D, {map, filters, wide_bias({1, 2}), map})));
  CHECK_THROWS_WITH(
      check(one_op(OpKind::kDepthwiseConv2D, {map, filters, integers({2}, {1, 2}), map})),
      ContainsSubstring("tensor 2 'i': type int32, expected int64"));
  for (const OpKind kind : {OpKind::kLogistic, OpKind::kTanh, OpKind::kSoftmax}) {
    CHECK_NOTHROW(check(one_op(kind, {wide({2}), wide({2}, 1.0f / 32768)})));
    CHECK_THROWS_WITH(check(one_op(kind, {wide({2}), wide({2})})),
                      ContainsSubstring("tensor 1 't': scale 0.5, allowed 1/32768"));
  }
  Tensor bytes = codes({2});
  bytes.type = DataType::kUInt8;
  CHECK_THROWS_WITH(
      check(one_op(OpKind::kQuantize, {bytes, wide({2})})),
      ContainsSubstring("tensor 0 't': type uint8 together with int16, allowed int8 int16 int32"));
}

TEST_CASE("int16 codes round halves to even where ONNX's quantizers do", "[model][check][maps16]") {
  Op half_even;
  half_even.half_even = true;
  half_even.code_min = -32768;
  half_even.code_max = 32767;
  CHECK_NOTHROW(check(one_op(OpKind::kAdd, {wide({2}), wide({2}), wide({2})}, half_even)));
  CHECK_NOTHROW(check(one_op(OpKind::kQuantize, {wide({2}), wide({2})}, half_even)));
  for (const OpKind kind : {OpKind::kRelu, OpKind::kLogistic})
    CHECK_THROWS_WITH(check(one_op(kind, {wide({2}), wide({2}, 1.0f / 32768)}, half_even)),
                      ContainsSubstring("type int16, allowed int8 uint8"));
  const Tensor filters = weights({1, 1, 1, 2}, 3), map = wide({1, 2, 2, 2});
  CHECK_NOTHROW(check(
      one_op(OpKind::kDepthwiseConv2D, {map, filters, integers({2}, {1, 2}), map}, half_even)));
  CHECK_THROWS_WITH(
      check(one_op(OpKind::kDepthwiseConv2D, {map, filters, wide_bias({1, 2}), map}, half_even)),
      ContainsSubstring("type int64, expected int32"));
  half_even.code_max = 32768;
  CHECK_THROWS_WITH(check(one_op(OpKind::kAdd, {wide({2}), wide({2}), wide({2})}, half_even)),
                    ContainsSubstring("codes -32768..32768, allowed -32768..32767"));
}
