// SPDX-License-Identifier: Apache-2.0
//
// Tests each operator on a few values that were computed by hand. Scales are 1 unless stated, so
// that codes are values. The arithmetic of scales has separate cases and the recorded vectors.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/model/graph/spiking.h"
#include "sw/model/rewrite/expand.h"
#include "sw/reference/golden.h"
#include "sw/reference/ops/softmax.h"
#include "sw/reference/quantized_params.h"
#include "tb/golden/softmax.h"

using namespace trine;
using namespace trine::reference;
using Catch::Matchers::ContainsSubstring;
using model::DataType;
using model::Graph;
using model::Op;
using model::OpKind;
using model::Tensor;

namespace {

/// An operand: a tensor and its values.
struct Operand {
  Tensor tensor;
  Codes values;
};

Operand codes(std::vector<int> shape, Codes values, float scale = 1.0f, int zero_point = 0,
              DataType type = DataType::kInt8) {
  return {{"x", type, std::move(shape), {{scale}, {zero_point}, 0}, false, {}}, std::move(values)};
}

Operand constant(std::vector<int> shape, Codes values) {
  Operand operand{{"k", DataType::kInt32, std::move(shape), {}, true, {}}, values};
  operand.tensor.data.edit().resize(values.size() * 4);
  std::memcpy(operand.tensor.data.edit().data(), values.data(), operand.tensor.data.size());
  return operand;
}

Tensor result(std::vector<int> shape, float scale = 1.0f, int zero_point = 0,
              DataType type = DataType::kInt8) {
  return codes(std::move(shape), {}, scale, zero_point, type).tensor;
}

Array array_of(const Operand& operand) {
  Array array{std::string(model::npy_code(operand.tensor.type)),
              {operand.tensor.shape.begin(), operand.tensor.shape.end()},
              {}};
  for (const std::int32_t value : operand.values)
    for (int byte = 0; byte < model::bytes_of(operand.tensor.type); ++byte)
      array.bytes.push_back(static_cast<std::uint8_t>(value >> (8 * byte) & 0xff));
  return array;
}

Graph graph_of(OpKind kind, const std::vector<Operand>& operands, Tensor output, Op op = {}) {
  Graph graph;
  graph.file = "g.tflite";
  op.kind = kind;
  op.name = "OP";
  for (const Operand& operand : operands) {
    const int t = static_cast<int>(graph.tensors.size());
    op.inputs.push_back(t);
    if (!operand.tensor.is_constant) graph.inputs.push_back(t);
    graph.tensors.push_back(operand.tensor);
  }
  op.outputs = graph.outputs = {static_cast<int>(graph.tensors.size())};
  graph.tensors.push_back(std::move(output));
  graph.ops = {op};
  return graph;
}

/// Returns the output codes of one operator; run_graph() includes check().
Codes run(OpKind kind, const std::vector<Operand>& operands, Tensor output, Op op = {}) {
  const Graph graph = graph_of(kind, operands, std::move(output), std::move(op));
  std::vector<Array> inputs;
  for (const Operand& operand : operands)
    if (!operand.tensor.is_constant) inputs.push_back(array_of(operand));
  const Array out = outputs_of(graph, run_graph(graph, inputs)).at(0);
  Codes codes;
  for (const std::uint8_t byte : out.bytes)
    codes.push_back(out.dtype == "u1" ? byte : static_cast<std::int8_t>(byte));
  return codes;
}

Codes run_table(OpKind kind, const Codes& values, float in_scale, float out_scale, int in_zero = 0,
                int out_zero = 0, Op op = {}) {
  const int n = static_cast<int>(values.size());
  return run(kind, {codes({n}, values, in_scale, in_zero)}, result({n}, out_scale, out_zero), op);
}

Op same() {
  Op op;
  op.padding = model::Padding::kSame;
  return op;
}

Op pooling(int h, int w, model::Padding padding) {
  Op op;
  op.filter_h = h;
  op.filter_w = w;
  op.padding = padding;
  return op;
}

}  // namespace

TEST_CASE("CONV_2D sees its zero point in the border", "[reference][conv]") {
  // A 3x3 filter of ones over a 2x2 image: every output is the sum of the image, 1+2+3+4.
  const Operand x = codes({1, 2, 2, 1}, {11, 12, 13, 14}, 1.0f, 10);
  const Operand w = codes({1, 3, 3, 1}, Codes(9, 1));
  CHECK(run(OpKind::kConv2D, {x, w}, result({1, 2, 2, 1}, 1.0f, -5), same()) == Codes(4, 5));
  CHECK(run(OpKind::kConv2D, {x, w, constant({1}, {100})}, result({1, 2, 2, 1}), same()) ==
        Codes(4, 110));
  CHECK(run(OpKind::kConv2D, {x, w, constant({1}, {1000})}, result({1, 2, 2, 1}), same()) ==
        Codes(4, 127));
}

TEST_CASE("CONV_2D strides, dilates and groups", "[reference][conv]") {
  const Operand row = codes({1, 1, 5, 1}, {1, 2, 3, 4, 5});
  Op op;
  op.stride_w = 2;
  CHECK(run(OpKind::kConv2D, {row, codes({1, 1, 2, 1}, {1, 10})}, result({1, 1, 2, 1}), op) ==
        Codes{21, 43});
  op = {};
  op.dilation_w = 3;
  CHECK(run(OpKind::kConv2D, {row, codes({1, 1, 2, 1}, {1, 10})}, result({1, 1, 2, 1}), op) ==
        Codes{41, 52});
  // Four channels in two groups: output 0 reads channels 0 and 1, output 1 the others.
  CHECK(run(OpKind::kConv2D, {codes({1, 1, 1, 4}, {1, 2, 3, 4}), codes({2, 1, 1, 2}, {1, 2, 3, 4})},
            result({1, 1, 1, 2})) == Codes{5, 25});
}

TEST_CASE("CONV_2D scales each channel", "[reference][conv]") {
  Operand w = codes({2, 1, 1, 1}, {1, 1});
  w.tensor.quantization = {{0.5f, 2.0f}, {0, 0}, 0};
  CHECK(run(OpKind::kConv2D, {codes({1, 1, 1, 1}, {10}), w}, result({1, 1, 1, 2})) == Codes{5, 20});
}

TEST_CASE("uint8 convolutions subtract the weights' zero point", "[reference][conv]") {
  const auto u8 = DataType::kUInt8;
  const Operand x = codes({1, 1, 1, 2}, {130, 120}, 1.0f, 128, u8);
  const Operand w = codes({1, 1, 1, 2}, {103, 101}, 1.0f, 100, u8);
  // 2*3 - 8*1
  CHECK(run(OpKind::kConv2D, {x, w}, result({1, 1, 1, 1}, 1.0f, 50, u8)) == Codes{48});
  CHECK(run(OpKind::kConv2D, {x, w}, result({1, 1, 1, 1}, 1.0f, 1, u8)) == Codes{0});
}

TEST_CASE("DEPTHWISE_CONV_2D gives each channel its multiples", "[reference][conv]") {
  CHECK(run(OpKind::kDepthwiseConv2D,
            {codes({1, 1, 2, 2}, {1, 2, 3, 4}), codes({1, 1, 2, 4}, {1, 2, 3, 4, 10, 20, 10, 20})},
            result({1, 1, 1, 4})) == Codes{31, 62, 46, 88});
}

TEST_CASE("TRANSPOSE_CONV spreads each input over a window", "[reference][conv]") {
  Op op;
  op.stride_h = op.stride_w = 2;
  CHECK(run(OpKind::kTransposeConv,
            {constant({4}, {1, 2, 4, 1}), codes({1, 2, 2, 1}, {1, 2, 3, 4}),
             codes({1, 1, 2, 1}, {1, 10})},
            result({1, 2, 4, 1}), op) == Codes{1, 2, 10, 20, 3, 4, 30, 40});
}

TEST_CASE("FULLY_CONNECTED flattens rows and takes any weight zero point", "[reference][fc]") {
  CHECK(run(OpKind::kFullyConnected,
            {codes({2, 2}, {1, 2, 3, 4}), codes({2, 2}, {1, 1, 2, 3}, 1.0f, 1),
             constant({2}, {5, 0})},
            result({2, 2})) == Codes{5, 5, 5, 11});
}

TEST_CASE("BATCH_MATMUL transposes and broadcasts", "[reference][matmul]") {
  const Operand a = codes({2, 1, 2}, {1, 2, 3, 4}), b = codes({2, 2}, {1, 2, 3, 4});
  CHECK(run(OpKind::kBatchMatMul, {a, b}, result({2, 1, 2})) == Codes{7, 10, 15, 22});
  Op op;
  op.adjoint_b = true;
  CHECK(run(OpKind::kBatchMatMul, {a, b}, result({2, 1, 2}), op) == Codes{5, 11, 11, 25});
  op = {};
  op.adjoint_a = true;
  CHECK(run(OpKind::kBatchMatMul, {codes({2, 1}, {1, 2}), b}, result({1, 2}), op) == Codes{7, 10});
}

TEST_CASE("ADD, SUB, MUL and SQUARED_DIFFERENCE broadcast", "[reference][elementwise]") {
  const Operand a = codes({2, 2}, {3, 4, 5, -6}), b = codes({2}, {2, 7});
  CHECK(run(OpKind::kAdd, {a, b}, result({2, 2})) == Codes{5, 11, 7, 1});
  CHECK(run(OpKind::kSub, {a, b}, result({2, 2})) == Codes{1, -3, 3, -13});
  CHECK(run(OpKind::kMul, {a, b}, result({2, 2})) == Codes{6, 28, 10, -42});
  CHECK(run(OpKind::kSquaredDifference, {a, codes({2}, {2, 1})}, result({2, 2})) ==
        Codes{1, 9, 9, 49});
  Op relu6;
  relu6.activation = model::Activation::kRelu6;
  CHECK(run(OpKind::kAdd, {a, codes({}, {2})}, result({2, 2}, 1.0f, -1), relu6) ==
        Codes{4, 5, 5, -1});
}

TEST_CASE("ADD brings operands of other scales together", "[reference][elementwise]") {
  // (4-2)*0.5 + (8+1)*2 = 19; in steps of 0.25, zero point -100: 76 - 100
  CHECK(run(OpKind::kAdd, {codes({1}, {4}, 0.5f, 2), codes({1}, {8}, 2.0f, -1)},
            result({1}, 0.25f, -100)) == Codes{-24});
}

TEST_CASE("MAXIMUM and MINIMUM keep codes", "[reference][elementwise]") {
  const Operand a = codes({3}, {1, -5, 7}), b = codes({}, {-1});
  CHECK(run(OpKind::kMaximum, {a, b}, result({3})) == Codes{1, -1, 7});
  CHECK(run(OpKind::kMinimum, {a, b}, result({3})) == Codes{-1, -5, -1});
}

TEST_CASE("AVERAGE_POOL_2D rounds halves away from zero and counts only real taps",
          "[reference][pool]") {
  const auto valid = pooling(1, 2, model::Padding::kValid);
  CHECK(run(OpKind::kAveragePool2D, {codes({1, 1, 3, 1}, {1, 2, -3})}, result({1, 1, 2, 1}),
            valid) == Codes{2, -1});
  CHECK(run(OpKind::kAveragePool2D, {codes({1, 1, 2, 1}, {-1, -2})}, result({1, 1, 1, 1}), valid) ==
        Codes{-2});
  CHECK(run(OpKind::kAveragePool2D, {codes({1, 1, 3, 1}, {2, 4, 9})}, result({1, 1, 3, 1}),
            pooling(1, 3, model::Padding::kSame)) == Codes{3, 5, 7});
}

TEST_CASE("MAX_POOL_2D ignores the border", "[reference][pool]") {
  CHECK(run(OpKind::kMaxPool2D, {codes({1, 2, 2, 1}, {-9, -8, -7, -6})}, result({1, 2, 2, 1}),
            pooling(2, 2, model::Padding::kSame)) == Codes{-6, -6, -6, -6});
}

TEST_CASE("MEAN and REDUCE_MAX reduce any axes", "[reference][reduce]") {
  const Operand x = codes({2, 3}, {1, 2, 6, -4, -5, -9}, 1.0f, 0);
  CHECK(run(OpKind::kMean, {x, constant({1}, {-1})}, result({2})) == Codes{3, -6});
  CHECK(run(OpKind::kMean, {x, constant({}, {0})}, result({3})) == Codes{-1, -1, -1});  // ties up
  CHECK(run(OpKind::kReduceMax, {x, constant({2}, {0, 1})}, result({})) == Codes{6});
  Op keep;
  keep.keep_dims = true;
  CHECK(run(OpKind::kReduceMax, {x, constant({1}, {1})}, result({2, 1}), keep) == Codes{6, -4});
  // Zero points: the mean of (1, 3) - 1 is 1 real, with steps of 0.5 and zero point 10.
  CHECK(run(OpKind::kMean, {codes({2}, {1, 3}, 1.0f, 1), constant({1}, {0})},
            result({}, 0.5f, 10)) == Codes{12});
}

TEST_CASE("SUM is a MEAN without its division", "[reference][reduce]") {
  // (1 + 3 + 8) - 3 is 9 real, with steps of 0.5 and zero point 10.
  CHECK(run(OpKind::kSum, {codes({3}, {1, 3, 8}, 1.0f, 1), constant({1}, {0})},
            result({}, 0.5f, 10)) == Codes{28});
  CHECK(run(OpKind::kSum, {codes({2, 2}, {100, 100, -100, -101}), constant({1}, {1})},
            result({2})) == Codes{127, -128});
}

TEST_CASE("ARG_MAX finds the first of the largest along any axis", "[reference][reduce]") {
  const auto found = [](DataType type, int axis, std::vector<int> shape) {
    Tensor out = result(std::move(shape), 1.0f, 0, type);
    out.quantization = {};
    const Operand x = codes({2, 3}, {5, -3, 5, 4, 9, 9});
    const Graph graph = graph_of(OpKind::kArgMax, {x, constant({}, {axis})}, out);
    return outputs_of(graph, run_graph(graph, {array_of(x)})).at(0).bytes;
  };
  using Bytes = std::vector<std::uint8_t>;
  CHECK(found(DataType::kInt32, -1, {2}) == Bytes{0, 0, 0, 0, 1, 0, 0, 0});
  CHECK(found(DataType::kInt64, 0, {3}) ==
        Bytes{0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0});
  CHECK_THROWS_WITH(found(DataType::kInt32, 2, {2}), ContainsSubstring("out of range for rank 2"));
}

TEST_CASE("mean_params folds the count into the scale", "[reference][params]") {
  const Graph graph =
      graph_of(OpKind::kMean, {codes({6, 2}, {}, 1.0f, 3), constant({1}, {0})}, result({2}));
  const MeanParams p = mean_params(graph, graph.ops[0]);
  CHECK(p.count == 6);
  CHECK(p.bias == -18);
  // scale 1 = 2^30 * 2^(1-31); floor(log2 6) = 2: 2^32 / 6 and two shifts less.
  CHECK(p.scale == ChannelScale{715827882, -1});
}

TEST_CASE("PAD and PADV2 fill", "[reference][movement]") {
  const Operand x = codes({1, 2}, {5, 6}, 1.0f, -7), sides = constant({2, 2}, {1, 0, 0, 2});
  CHECK(run(OpKind::kPad, {x, sides}, result({2, 4}, 1.0f, -7)) ==
        Codes{-7, -7, -7, -7, 5, 6, -7, -7});
  CHECK(run(OpKind::kPadV2, {x, sides, codes({}, {9}, 1.0f, -7)}, result({2, 4}, 1.0f, -7)) ==
        Codes{9, 9, 9, 9, 5, 6, 9, 9});
}

TEST_CASE("moves reorder elements", "[reference][movement]") {
  const Operand x = codes({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(run(OpKind::kTranspose, {x, constant({2}, {1, 0})}, result({3, 2})) ==
        Codes{1, 4, 2, 5, 3, 6});
  CHECK(run(OpKind::kReshape, {x}, result({6})) == x.values);
  CHECK(run(OpKind::kSqueeze, {codes({1, 3}, {1, 2, 3})}, result({3})) == Codes{1, 2, 3});
  CHECK(run(OpKind::kExpandDims, {x, constant({}, {0})}, result({1, 2, 3})) == x.values);
  CHECK(run(OpKind::kStridedSlice,
            {x, constant({2}, {0, 2}), constant({2}, {2, 0}), constant({2}, {1, -1})},
            result({2, 2})) == Codes{3, 2, 6, 5});
  Op axis;
  axis.axis = -1;
  CHECK(run(OpKind::kConcatenation, {x, codes({2, 1}, {7, 8})}, result({2, 4}), axis) ==
        Codes{1, 2, 3, 7, 4, 5, 6, 8});
}

TEST_CASE("MIRROR_PAD reflects with or without the border", "[reference][movement]") {
  const Operand x = codes({2, 3}, {1, 2, 3, 4, 5, 6}), sides = constant({2, 2}, {1, 0, 2, 1});
  CHECK(run(OpKind::kMirrorPad, {x, sides}, result({3, 6})) ==
        Codes{6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5});
  Op op;
  op.symmetric = true;
  CHECK(run(OpKind::kMirrorPad, {x, sides}, result({3, 6}), op) ==
        Codes{2, 1, 1, 2, 3, 3, 2, 1, 1, 2, 3, 3, 5, 4, 4, 5, 6, 6});
  CHECK_THROWS_WITH(run(OpKind::kMirrorPad, {x, constant({2, 2}, {0, 0, 3, 0})}, result({2, 6})),
                    ContainsSubstring("padding 3 and 0 of axis 1, allowed 0..2"));
}

TEST_CASE("blocks of pixels become channels and back", "[reference][movement]") {
  const Operand fine = codes({1, 2, 4, 1}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Operand coarse = codes({1, 1, 2, 4}, {1, 2, 5, 6, 3, 4, 7, 8});
  Op op;
  op.block = 2;
  CHECK(run(OpKind::kSpaceToDepth, {fine}, coarse.tensor, op) == coarse.values);
  CHECK(run(OpKind::kDepthToSpace, {coarse}, fine.tensor, op) == fine.values);
  op.block = 3;
  CHECK_THROWS_WITH(run(OpKind::kSpaceToDepth, {fine}, coarse.tensor, op),
                    ContainsSubstring("does not fit the input's [1, 2, 4, 1] and block size 3"));
}

TEST_CASE("resizing repeats or blends", "[reference][resize]") {
  const Operand x = codes({1, 1, 2, 1}, {0, 100}), size = constant({2}, {1, 4});
  CHECK(run(OpKind::kResizeNearestNeighbor, {x, size}, result({1, 1, 4, 1})) ==
        Codes{0, 0, 100, 100});
  CHECK(run(OpKind::kResizeBilinear, {x, size}, result({1, 1, 4, 1})) == Codes{0, 50, 100, 100});
  Op half;
  half.half_pixel_centers = true;
  CHECK(run(OpKind::kResizeBilinear, {x, size}, result({1, 1, 4, 1}), half) ==
        Codes{0, 25, 75, 100});
}

/// The golden operators are LiteRT's (docs/numerics.md); the host computes floats with ONNX's
/// operators.
TEST_CASE("the host moves floats to the same places as codes", "[reference][resize][host]") {
  std::mt19937 random{7};
  const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  for (int n = 0; n < 300; ++n) {
    const std::vector<int> from{1, 1 + below(6), 1 + below(6), 2};
    const std::vector<int> to{1, 1 + below(9), 1 + below(9), 2};
    Op op;
    op.align_corners = n % 3 == 1;
    op.half_pixel_centers = n % 3 == 2;
    Codes values(static_cast<std::size_t>(2 * from[1] * from[2]));
    for (auto& value : values) value = below(256) - 128;
    const Operand x = codes(from, values), size = constant({2}, {to[1], to[2]});
    const Codes expected = run(OpKind::kResizeNearestNeighbor, {x, size}, result(to), op);

    Operand real = x;
    real.tensor.type = DataType::kFloat32;
    real.tensor.quantization = {};
    Tensor output = real.tensor;
    output.shape = to;
    Graph graph = graph_of(OpKind::kResizeNearestNeighbor, {real, size}, std::move(output), op);
    graph.ops[0].name = "RESIZE_NEAREST_NEIGHBOR";
    graph = model::expanded(std::move(graph), true);
    Array input{"f4", {from.begin(), from.end()}, {}};
    input.bytes.resize(4 * values.size());
    const std::vector<float> floats(values.begin(), values.end());
    std::memcpy(input.bytes.data(), floats.data(), input.bytes.size());
    const Array out = outputs_of(graph, run_graph(graph, {input})).at(0);
    std::vector<float> moved(out.bytes.size() / 4);
    std::memcpy(moved.data(), out.bytes.data(), out.bytes.size());
    CAPTURE(n, from, to);
    REQUIRE(Codes(moved.begin(), moved.end()) == expected);
  }
}

TEST_CASE("rectifiers clamp in output codes", "[reference][unary]") {
  CHECK(run_table(OpKind::kRelu, {-10, 0, 10}, 1.0f, 0.5f, 0, -20) == Codes{-20, -20, 0});
  CHECK(run_table(OpKind::kRelu6, {-1, 3, 9}, 1.0f, 0.5f) == Codes{0, 6, 12});
  CHECK(run_table(OpKind::kReluN1To1, {-3, 1, 9}, 0.5f, 0.1f) == Codes{-10, 5, 10});
  Op leaky;
  leaky.alpha = 0.5f;
  CHECK(run_table(OpKind::kLeakyRelu, {-10, 8}, 1.0f, 1.0f, 0, 1, leaky) == Codes{-4, 9});
  leaky.alpha = -0.5f;
  CHECK(run_table(OpKind::kLeakyRelu, {-10, 8}, 1.0f, 1.0f, 0, 1, leaky) == Codes{6, 9});
  CHECK(run_table(OpKind::kAbs, {-10, 8, 2}, 1.0f, 2.0f, 2) == Codes{6, 3, 0});
}

TEST_CASE("smooth functions are rounded tables", "[reference][unary]") {
  CHECK(run_table(OpKind::kLogistic, {0, 127, -128}, 0.5f, 1.0f / 256, 0, -128) ==
        Codes{0, 127, -128});
  CHECK(run_table(OpKind::kTanh, {0, 2, -2}, 0.5f, 1.0f / 128) == Codes{0, 97, -97});  // 0.76159
  CHECK(run_table(OpKind::kExp, {0, 1, -1}, 1.0f, 0.1f) == Codes{10, 27, 4});
  CHECK(run_table(OpKind::kGelu, {0, 1, -1}, 1.0f, 0.01f) == Codes{0, 84, -16});
  CHECK(run_table(OpKind::kElu, {1, 0, -1}, 1.0f, 0.01f) == Codes{100, 0, -63});
  CHECK(run_table(OpKind::kLog, {1, 2, 0, -5}, 1.0f, 0.01f) == Codes{0, 69, -128, -128});
  CHECK(run_table(OpKind::kSqrt, {4, 3, 0, -5}, 1.0f, 0.125f, 0, 1) == Codes{17, 14, 1, 1});
  CHECK(run_table(OpKind::kSquare, {-3, 2, 99}, 0.5f, 0.25f) == Codes{9, 4, 127});
  CHECK(run_table(OpKind::kRsqrt, {4, 1, 0}, 1.0f, 0.01f) == Codes{50, 100, 127});
  CHECK(run_table(OpKind::kHardSwish, {96, -96, 0, 32}, 1.0f / 32, 1.0f / 32) ==
        Codes{96, 0, 0, 21});  // 3, -3, 0, 1 -> 3, 0, 0, 2/3
}

TEST_CASE("HARD_SWISH of any scale is near its real values", "[reference][unary]") {
  Codes all(256);
  for (int i = 0; i < 256; ++i) all[static_cast<std::size_t>(i)] = i - 128;
  for (const float in : {1.0f / 1024, 1.0f / 256, 1.0f / 100, 1.0f / 32, 1.0f / 7}) {
    CAPTURE(in);
    const float out = in / 1.5f;
    const Codes actual = run_table(OpKind::kHardSwish, all, in, out);
    for (std::size_t i = 0; i < 256; ++i) {
      const double x = double{in} * all[i];
      const double y = x * std::clamp(x + 3, 0.0, 6.0) / 6 / double{out};
      CHECK(std::abs(actual[i] - std::clamp(y, -128.0, 127.0)) <= 1);
    }
  }
}

namespace {

/// Returns the spikes of several neurons. @param currents  by step
Codes spikes(const model::spiking::Neuron& neuron, const Codes& currents, int neurons,
             const std::vector<Operand>& weights = {}) {
  Op op;
  model::spiking::set_neuron(&op, neuron);
  const std::vector<int> shape{static_cast<int>(currents.size()) / neurons, neurons};
  std::vector<Operand> operands{codes(shape, currents, 1.0f, 0, DataType::kInt16)};
  operands.insert(operands.end(), weights.begin(), weights.end());
  return run(OpKind::kSpiking, operands, result(shape), op);
}

}  // namespace

TEST_CASE("SPIKING leaks, fires and is reset", "[reference][spikes]") {
  using model::spiking::Neuron, model::spiking::Reset;
  constexpr int kOne = 1 << model::spiking::kLeakBits;
  Neuron neuron{.leak = kOne, .level = 100, .drop = 100};
  CHECK(spikes(neuron, {60, 40, 0, 99, 1}, 1) == Codes{0, 1, 0, 0, 1});
  SECTION("a rest above the threshold stays or is reset") {
    CHECK(spikes(neuron, {190, 10, 0}, 1) == Codes{1, 1, 0});
    neuron.reset = Reset::kZero;
    CHECK(spikes(neuron, {190, 10, 0, 90}, 1) == Codes{1, 0, 0, 1});
  }
  SECTION("halves are rounded to even, 25 to 12 and 27 to 14") {
    neuron.leak = kOne / 2;
    neuron.level = 13;
    CHECK(spikes(neuron, {10, 20}, 1) == Codes{0, 1});  // 25
    neuron.level = 33;
    CHECK(spikes(neuron, {25, 20}, 1) == Codes{0, 0});  // 12.5 + 20 = 32.5: 32
    CHECK(spikes(neuron, {27, 19}, 1) == Codes{0, 0});  // 13.5 + 19 = 32.5
    CHECK(spikes(neuron, {27, 20}, 1) == Codes{0, 1});  // 33.5: 34
  }
  SECTION("a delayed drop is subtracted after the leak") {
    neuron.leak = kOne / 2;
    CHECK(spikes(neuron, {200, 49, 76}, 1) == Codes{1, 0, 1});  // 100, then 50 + 49, 49.5 + 76
    neuron.delay = true;
    CHECK(spikes(neuron, {200, 99, 50}, 1) == Codes{1, 0, 1});  // 100 - 100 + 99, 49.5 + 50: 100
    CHECK(spikes(neuron, {200, 100, 149}, 1) == Codes{1, 1, 0});
  }
  SECTION("currents may leak before the membrane") {
    neuron.synapse = kOne / 2;
    CHECK(spikes(neuron, {60, 0, 0, 0}, 1) == Codes{0, 0, 1, 0});  // 60, 90, 105
  }
  SECTION("recurrent spikes arrive a step later") {
    Operand back = codes({2, 2}, {});  // neuron 0 to neuron 1
    back.tensor.is_constant = true;
    back.tensor.data = {0, 0, 100, 0};
    CHECK(spikes(neuron, {100, 0, 0, 0, 0, 0}, 2, {back}) == Codes{1, 0, 0, 1, 0, 0});
  }
  SECTION("states keep 16 bits") {
    CHECK(spikes(neuron, {-32768, -32768, 32767, 100, 1}, 1) == Codes{0, 0, 0, 0, 1});
  }
}

TEST_CASE("SOFTMAX of equal codes is uniform", "[reference][softmax]") {
  const Tensor probabilities = result({2, 4}, 1.0f / 256, -128);
  CHECK(run(OpKind::kSoftmax, {codes({2, 4}, {3, 3, 3, 3, 127, 0, 0, 0}, 0.5f)}, probabilities) ==
        Codes{-64, -64, -64, -64, 127, -128, -128, -128});
  CHECK(run(OpKind::kSoftmax, {codes({1}, {5})}, result({1}, 1.0f / 256, -128)) == Codes{127});
}

TEST_CASE("exponentials equal real exponentials and sums the bench's oracle",
          "[reference][softmax]") {
  std::mt19937 random{5};
  for (const float scale : {0.01f, 0.0703f, 0.5f, 3.0f}) {
    const Graph graph =
        graph_of(OpKind::kSoftmax, {codes({1}, {0}, scale)}, result({1}, 1.0f / 256, -128));
    const SoftmaxParams p = softmax_params(graph, graph.ops[0]);
    golden::Exponentials table{};
    for (int d = 0; d < 256; ++d) {
      const std::int32_t e = exponential(-d, p);
      table[static_cast<std::size_t>(d)] = static_cast<std::uint32_t>(e);
      CAPTURE(scale, d);
      // Below exp(-16) the kernel returns 0.
      CHECK(e * 0x1p-31 == Approx(std::exp(-double{scale} * d)).margin(1.2e-7));
    }
    for (int trial = 0; trial < 200; ++trial) {
      std::vector<int> row(1 + random() % 300);
      for (int& code : row) code = static_cast<int>(random() % (1 + random() % 256)) - 128;
      const golden::SoftmaxOperands expected = golden::softmax_operands(row, table);
      std::int64_t sum = 0;
      for (const std::uint32_t e : expected.values) sum += golden::nearest(e, 12);
      const ChannelScale reciprocal = reciprocal_of_sum(static_cast<std::int32_t>(sum));
      CAPTURE(scale, trial, sum);
      REQUIRE(reciprocal.multiplier == expected.multiplier);
      REQUIRE(reciprocal.shift == expected.shift);
      REQUIRE(std::ldexp(reciprocal.multiplier, reciprocal.shift + 4) * double(sum) ==
              Approx(0x1p31).epsilon(1e-7));
    }
  }
}

TEST_CASE("LOG_SOFTMAX is the logarithm in sixteenths", "[reference][softmax]") {
  // log(1/4) = -1.386; from -255/16 on, the lowest code.
  const Tensor logarithms = result({2, 4}, 1.0f / 16, 127);
  CHECK(run(OpKind::kLogSoftmax, {codes({2, 4}, {3, 3, 3, 3, 127, 0, 125, 0}, 0.5f)}, logarithms) ==
        Codes{105, 105, 105, 105, 122, -128, 106, -128});
  CHECK_THROWS_WITH(run(OpKind::kLogSoftmax, {codes({1}, {5})}, result({1}, 1.0f / 256, -128)),
                    ContainsSubstring("allowed 1/16 and 127"));
}

TEST_CASE("QUANTIZE converts between code types", "[reference][quantize]") {
  CHECK(run(OpKind::kQuantize, {codes({2}, {130, 0}, 0.5f, 128, DataType::kUInt8)},
            result({2}, 0.5f, 0)) == Codes{2, -128});
  // 1.5 -> 2, -1.5 -> -1: without a right shift only the high multiply rounds, ties up.
  CHECK(run(OpKind::kQuantize, {codes({3}, {3, -3, 100})}, result({3}, 2.0f, 1)) ==
        Codes{3, 0, 51});
}

TEST_CASE("QUANTIZE rounds floats away from zero, DEQUANTIZE gives them back",
          "[reference][quantize]") {
  const std::vector<float> values{0.25f, -0.25f, 1e30f, -1e30f, 3.0f};
  Tensor x = result({5});
  x.type = DataType::kFloat32;
  x.quantization = {};
  Array input{"f4", {5}, std::vector<std::uint8_t>(20)};
  std::memcpy(input.bytes.data(), values.data(), 20);
  const Graph to = graph_of(OpKind::kQuantize, {{x, {}}}, result({5}, 0.5f, 1));
  const Array out = outputs_of(to, run_graph(to, {input})).at(0);
  CHECK(out.bytes == std::vector<std::uint8_t>{2, 0, 127, 128, 7});

  const Graph from = graph_of(OpKind::kDequantize, {codes({5}, {}, 0.5f, 1)}, x);
  const Array back = outputs_of(from, run_graph(from, {out})).at(0);
  std::vector<float> reals(5);
  std::memcpy(reals.data(), back.bytes.data(), 20);
  CHECK(reals == std::vector<float>{0.5f, -0.5f, 63.0f, -64.5f, 3.0f});
}

TEST_CASE("scales are combined in the width of each kernel", "[reference][params]") {
  // The product of these two float32 scales is not a float32, so the two orders differ.
  const float a = 0.023529412f, b = 0.0039370079f, c = 0.037f;
  REQUIRE(double{a} * double{b} != double{a * b});
  const Graph conv =
      graph_of(OpKind::kConv2D, {codes({1, 1, 1, 1}, {}, a), codes({1, 1, 1, 1}, {}, b)},
               result({1, 1, 1, 1}, c));
  const Graph fc = graph_of(OpKind::kFullyConnected, {codes({1, 1}, {}, a), codes({1, 1}, {}, b)},
                            result({1, 1}, c));
  const Graph mul = graph_of(OpKind::kMul, {codes({1}, {}, a), codes({1}, {}, b)}, result({1}, c));
  CHECK(conv_params(conv, conv.ops[0]).scales[0] ==
        quantize_scale(double{a} * double{b} / double{c}));
  CHECK(conv_params(fc, fc.ops[0]).scales[0] == quantize_scale(double{a * b} / double{c}));
  CHECK(mul_params(mul, mul.ops[0]).scale == quantize_scale(double{a * b / c}));
  CHECK_FALSE(conv_params(conv, conv.ops[0]).scales[0] == conv_params(fc, fc.ops[0]).scales[0]);
}

TEST_CASE("add_params halves the larger input", "[reference][params]") {
  const Graph graph =
      graph_of(OpKind::kAdd, {codes({1}, {}, 0.5f), codes({1}, {}, 0.125f)}, result({1}, 0.25f));
  const AddParams p = add_params(graph, graph.ops[0]);
  CHECK(p.left_shift == 20);
  CHECK(p.input[0] == ChannelScale{1 << 30, 0});   // 1/2
  CHECK(p.input[1] == ChannelScale{1 << 30, -2});  // 1/8
  CHECK(p.result == ChannelScale{1 << 30, -17});   // 2^-18 = 1 / (2^20 * 0.25)
}

TEST_CASE("output_range clamps an activation in codes", "[reference][params]") {
  const Tensor out = result({1}, 0.1f, -20);
  CHECK(output_range(out, model::Activation::kRelu).act_min == -20);
  CHECK(output_range(out, model::Activation::kRelu).act_max == 127);
  CHECK(output_range(out, model::Activation::kRelu6).act_max == 40);
  CHECK(output_range(out, model::Activation::kReluN1To1).act_min == -30);
  CHECK(output_range(result({1}, 1e-9f), model::Activation::kRelu6).act_max == 127);
}

TEST_CASE("run_graph refuses inputs that do not match the model", "[reference][run][error]") {
  const Operand x = codes({2}, {1, 2});
  const Graph graph = graph_of(OpKind::kRelu, {x}, result({2}));
  CHECK_THROWS_WITH(run_graph(graph, {}), "g.tflite: 0 inputs given, but the model has 1");
  CHECK_THROWS_WITH(
      run_graph(graph, {Array{"i1", {3}, {1, 2, 3}}}),
      ContainsSubstring("input 0 is int8 [3], but the model's tensor 'x' is int8 [2]"));
  CHECK_THROWS_WITH(run_graph(graph, {Array{"u1", {2}, {1, 2}}}),
                    ContainsSubstring("is uint8 [2]"));
}

TEST_CASE("run_graph reports each operator", "[reference][run]") {
  const Operand x = codes({2}, {-1, 2});
  const Graph graph = graph_of(OpKind::kRelu, {x}, result({2}));
  int calls = 0;
  run_graph(graph, {array_of(x)}, {}, [&](const Op& op, const Array& output) {
    ++calls;
    CHECK(op.kind == OpKind::kRelu);
    CHECK(output.bytes == std::vector<std::uint8_t>{0, 2});
  });
  CHECK(calls == 1);
}
