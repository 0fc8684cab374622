// SPDX-License-Identifier: Apache-2.0
//
// Tests shapes, windows, MACs, names of operators and zero weights on small graphs.

#include "sw/model/graph/graph.h"

#include <cmath>
#include <limits>
#include <type_traits>
#include <vector>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/model/check/check.h"
#include "sw/model/graph/dead.h"
#include "sw/model/graph/elements.h"
#include "sw/model/graph/model_testing.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/graph/shapes.h"

using namespace trine;
using namespace trine::model;
using Catch::Matchers::ContainsSubstring;
using namespace trine::model::testing;

TEST_CASE("numbers beyond the range of a type become its bounds", "[model]") {
  const std::vector<double> numbers{-1e30, -0x1p63, 0x1p63, 1e30, NAN, -7, 100};
  const auto ends = [&]<typename T>(T) {
    constexpr T kLow = std::numeric_limits<T>::min(), kHigh = std::numeric_limits<T>::max();
    const T below = std::is_signed_v<T> ? T(-7) : T(0);
    return std::vector<T>{kLow, kLow, kHigh, kHigh, 0, below, 100};
  };
  for (const DataType type :
       {DataType::kInt8, DataType::kUInt8, DataType::kInt16, DataType::kInt32, DataType::kInt64}) {
    CAPTURE(static_cast<int>(type));
    with_type(type, [&]<typename T>(T value) {
      if constexpr (std::is_integral_v<T>)
        CHECK(elements_as<T>(type, bytes_as(type, numbers)) == ends(value));
    });
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

TEST_CASE("floats are not read as whole numbers", "[model][error]") {
  Tensor axes;
  axes.name = "axes";
  axes.type = DataType::kFloat32;
  axes.data.edit().resize(4);
  CHECK_THROWS_WITH(axes.integers(), ContainsSubstring("'axes' is float32, allowed whole numbers"));
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

TEST_CASE("zero weights and channels with only zero weights are found", "[model]") {
  Tensor filter = codes({3, 1, 1, 4});
  filter.is_constant = true;
  for (const int code : {1, 0, 0, 2, /**/ 0, 0, 0, 0, /**/ 3, 0, 0, 0})
    filter.data.edit().push_back(static_cast<std::uint8_t>(code));
  const auto of = [&](OpKind kind, std::vector<int> output) {
    return dead_weights(one_op(kind, {codes({1, 1, 1, 4}), filter, codes(std::move(output))}))
        .at(0);
  };
  const auto has_dead = [&](OpKind kind, std::vector<int> output) {
    const Graph graph = one_op(kind, {codes({1, 1, 1, 4}), filter, codes(std::move(output))});
    return has_dead_channels(graph, graph.ops[0]);
  };
  CHECK(has_dead(OpKind::kConv2D, {1, 1, 1, 3}));
  const DeadWeights conv = of(OpKind::kConv2D, {1, 1, 1, 3});
  CHECK(conv.weights == 12);
  CHECK(conv.zeros == 9);
  CHECK(conv.dead_outputs == 1);
  CHECK(conv.dead_inputs == 2);
  for (std::uint8_t& code : filter.data.edit()) code = static_cast<std::uint8_t>(code + 200);
  filter.type = DataType::kUInt8;
  filter.quantization = {{1}, {200}};
  CHECK(of(OpKind::kConv2D, {1, 1, 1, 3}).dead_inputs == 2);
  filter.shape = {1, 1, 3, 4};
  const DeadWeights depthwise = of(OpKind::kDepthwiseConv2D, {1, 1, 1, 4});
  CHECK(depthwise.dead_outputs == 2);
  CHECK(depthwise.dead_inputs == 0);
  CHECK(has_dead(OpKind::kDepthwiseConv2D, {1, 1, 1, 4}));
  for (const std::size_t i : {1, 2}) filter.data.edit()[i] = 7;
  CHECK_FALSE(has_dead(OpKind::kDepthwiseConv2D, {1, 1, 1, 4}));
  filter.shape = {3, 1, 1, 4};
  CHECK(has_dead(OpKind::kConv2D, {1, 1, 1, 3}));  // the second output
  filter.data.edit()[5] = 7;
  CHECK_FALSE(has_dead(OpKind::kConv2D, {1, 1, 1, 3}));
  CHECK(dead_weights(one_op(OpKind::kAdd, {codes({4}), codes({4}), codes({4})})).empty());
}
