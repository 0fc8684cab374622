// SPDX-License-Identifier: Apache-2.0
//
// Checks when the compiler needs rounding of halves to even: at the first tie, but not one step
// before.

#include <cstring>
#include <numeric>
#include <tuple>

#include "sw/compiler/lower/findings.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using compiler::HalfEven;
using testing::Builder;

model::Tensor& tensor(Builder& net, int t) {
  return net.graph.tensors[static_cast<std::size_t>(t)];
}

/// Returns true if the last operator requires rounding half to even with an output scale of 1.
bool needs(Builder& net) {
  model::Op& op = net.graph.ops.back();
  op.half_even = true;
  op.activation = model::Activation::kNone;
  tensor(net, op.outputs[0]).quantization = {{1}, {0}, 0};
  const HalfEven need = compiler::half_even(net.graph, op);
  CHECK(need != HalfEven::kNoWay);
  return need == HalfEven::kNeeded;
}

TEST_CASE("ties of a product depend on the weights of each channel", "[arch][half_even]") {
  // Channel 0: 2^-9, ties at 2^8. Channel 1: 2^-12, ties at 2^11, out of reach.
  struct Row {
    bool depthwise;
    int zero_point, weight_zero_point;
    std::vector<std::int8_t> weights;
    bool needed;
  };
  for (const Row& row : std::vector<Row>{{true, -128, 0, {1, 3, 0, 3}, false},
                                         {true, -128, 0, {1, 0, 1, 0}, true},
                                         {false, -128, 0, {1, 0, 3, 3}, false},
                                         {false, -128, 0, {1, 1, 0, 0}, true},
                                         {false, -128, 0, {0, -1, 0, 0}, false},
                                         {false, -128, 0, {0, -2, 0, 0}, true},
                                         {false, 0, 0, {1, 0, 0, 0}, false},
                                         {false, 0, 0, {2, 0, 0, 0}, true},
                                         {false, 1, 0, {0, 1, 0, 0}, false},
                                         {false, -1, 0, {1, -1, 0, 0}, true},
                                         {false, -128, 1, {2, 1, 1, 1}, false},
                                         {false, -128, -1, {1, -1, -1, -1}, true}}) {
    Builder net(1);
    const int x = net.input({1, 1, 2, row.depthwise ? 2 : 1});
    if (row.depthwise)
      net.depthwise(x, 1, 1, 2, 1, 1, 1, 1, model::Padding::kValid, true);
    else
      net.convolution(x, 2, 1, 2, 1, 1, 1, 1, model::Padding::kValid, true);
    model::Op& op = net.graph.ops[0];
    op.inputs[2] = -1;
    tensor(net, x).quantization = {{1}, {row.zero_point}, 0};
    model::Tensor& weights = tensor(net, op.input(1));
    weights.quantization.scale = {1.0f / 512, 1.0f / 4096};
    weights.quantization.zero_point = {row.weight_zero_point, row.weight_zero_point};
    std::memcpy(weights.data.edit().data(), row.weights.data(), 4);
    CAPTURE(row.depthwise, row.zero_point, row.weights);
    CHECK(needs(net) == row.needed);
  }
}

TEST_CASE("ties of sums and differences are found at the first and the last codes",
          "[arch][half_even]") {
  // 3/512 of -256 is -1.5 and of 256 is 1.5, which both roundings make 2; 1/512 of 256 is 0.5.
  struct Row {
    model::OpKind kind;
    float scale;
    int a, b;  // zero points
    bool needed;
  };
  constexpr model::OpKind kAdd = model::OpKind::kAdd, kSub = model::OpKind::kSub;
  constexpr float kLow = 3.0f / 512, kHigh = 1.0f / 512;
  for (const Row& row :
       {Row{kAdd, kLow, 0, 0, true}, Row{kAdd, kLow, 0, -1, false}, Row{kAdd, kLow, -1, 0, false},
        Row{kSub, kLow, 0, -1, true}, Row{kSub, kLow, 0, 0, false}, Row{kSub, kLow, -1, -1, false},
        Row{kAdd, kHigh, -1, -1, true}, Row{kAdd, kHigh, 0, -1, false},
        Row{kAdd, kHigh, -1, 0, false}, Row{kSub, kHigh, -1, 0, true},
        Row{kSub, kHigh, 0, 0, false}, Row{kSub, kHigh, -1, -1, false}}) {
    Builder net(1);
    const int a = net.input({1, 1, 1, 1}), b = net.input({1, 1, 1, 1});
    net.binary(a, b, row.kind, row.kind == kAdd ? "ADD" : "SUB");
    tensor(net, a).quantization = {{row.scale}, {row.a}, 0};
    tensor(net, b).quantization = {{row.scale}, {row.b}, 0};
    CAPTURE(row.kind == kAdd, row.scale, row.a, row.b);
    CHECK(needs(net) == row.needed);
  }
}

TEST_CASE("products of maps, means and single codes have ties only from a bound on",
          "[arch][half_even]") {
  for (const auto& [scale, needed] : {std::pair{1.0f / 512, false}, {1.0f / 256, true}}) {
    Builder net(1);  // 255 * 255 is below 2^16, not below 2^15
    const int a = net.input({1, 1, 1, 1}), b = net.input({1, 1, 1, 1});
    net.binary(a, b, model::OpKind::kMul, "MUL");
    tensor(net, a).quantization = {{scale}, {0}, 0};
    tensor(net, b).quantization = {{1.0f / 256}, {0}, 0};
    CHECK(needs(net) == needed);
  }
  for (const auto& [count, scale, needed] : {std::tuple{2, 1.0f / 512, false},
                                             {4, 1.0f / 512, false},
                                             {4, 1.0f / 256, true},
                                             {8, 1.0f / 512, false},
                                             {8, 1.0f / 256, true}}) {
    Builder net(1);  // 255 * count is below 256 * count
    const int x = net.input({1, 1, count, 1});
    net.mean(x, {1, 2});
    tensor(net, x).quantization = {{scale}, {0}, 0};
    CAPTURE(count, scale);
    CHECK(needs(net) == needed);
  }
  for (const auto& [scale, zero_point, needed] : {std::tuple{0.5f, 0, true},
                                                  {1.0f / 256, -1, true},
                                                  {1.0f / 256, 0, false},
                                                  {1.0f / 256, 1, false},
                                                  {3.0f / 256, 0, true},
                                                  {3.0f / 256, -1, false},
                                                  {1.0f, 5, false}}) {
    Builder net(1);  // 128 / 256 is 1/2, -3 * 128 / 256 is -1.5
    const int x = net.input({1, 1, 1, 1});
    net.unary(x, model::OpKind::kQuantize, "QUANTIZE");
    tensor(net, x).quantization = {{scale}, {zero_point}, 0};
    CAPTURE(scale, zero_point);
    CHECK(needs(net) == needed);
  }
}

TEST_CASE("ties that float32 rounds in its own way need a table", "[arch][half_even]") {
  Builder net(1);
  const int x = net.input({1, 1, 2, 128});
  const int y = net.unary(x, model::OpKind::kQuantize, "QUANTIZE");
  net.graph.outputs = {y};
  model::Op& op = net.graph.ops.back();
  op.half_even = true;
  Array all{"i1", {1, 1, 2, 128}, std::vector<std::uint8_t>(256)};
  std::iota(all.bytes.begin(), all.bytes.end(), std::uint8_t{0});
  int found = 0;
  for (int i = 3; i < 40; ++i) {
    const float scale = 1.0f / static_cast<float>(i);
    tensor(net, x).quantization = {{scale}, {0}, 0};
    tensor(net, y).quantization = {{2 * scale}, {0}, 0};
    if (compiler::half_even(net.graph, op) != HalfEven::kNoWay) continue;
    ++found;
    CAPTURE(i);
    spec::Config config = testing::small_config(3, 5, 16, 8, 64);
    testing::require_exact(net.graph, config, {all});
    config.table = false;
    CHECK_THROWS_WITH(compiler::compile(net.graph, config),
                      Catch::Matchers::ContainsSubstring("requires a table (vector.table)"));
  }
  CHECK(found > 0);
}

}  // namespace
}  // namespace trine::sim
