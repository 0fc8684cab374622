// SPDX-License-Identifier: Apache-2.0
//
// Tests small ONNX networks, which are made here, against a plain float32 evaluation that shares no
// line with the importer: sums, batch normalization, and quantizers as QONNX and FINN define them.

#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <tuple>

#include "sw/base/catch.h"
#include "sw/base/error.h"
#include "sw/model/import/import.h"
#include "sw/reference/golden.h"
#include "sw/reference/onnx_testing.h"

using namespace trine;
using namespace trine::reference;
using namespace trine::reference::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

TEST_CASE("ONNX normalizations equal float normalizations to the nearest code", "[onnx][norm]") {
  constexpr int kRows = 5, kChannels = 40;
  constexpr float kIn = 0.05f, kOut = 0.03f, kEpsilon = 1e-3f;
  std::mt19937 random{3};
  std::normal_distribution<float> normal;
  for (const char* type :
       {"LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"}) {
    const bool center = type[0] == 'L';
    CAPTURE(type);
    Floats x(kRows * kChannels), gamma(kChannels), beta(kChannels);
    for (float& value : x) value = std::rint(20 * normal(random) + 4) * kIn;
    for (float& value : gamma) value = 1 + normal(random) / 4;
    for (float& value : beta) value = center ? normal(random) / 4 : 0;
    Builder b({kRows, kChannels});
    const std::string y =
        b.norm(type, b.quant("in", kIn, 8, true, false), gamma, center ? beta : Floats{}, kEpsilon);
    const model::Graph graph = model::parse_onnx(b.bytes(b.quant(y, kOut, 8, true, false)), "m");
    const Floats actual = outputs(graph, x, {kRows, kChannels});
    for (int row = 0; row < kRows; ++row) {
      const auto at = [&](int c) { return static_cast<std::size_t>(row * kChannels + c); };
      double mean = 0, square = 0;
      for (int c = 0; c < kChannels; ++c) mean += center ? double{x[at(c)]} / kChannels : 0;
      for (int c = 0; c < kChannels; ++c)
        square += (x[at(c)] - mean) * (x[at(c)] - mean) / kChannels;
      for (int c = 0; c < kChannels; ++c) {
        const double y_c = (x[at(c)] - mean) / std::sqrt(square + double{kEpsilon}) *
                               double{gamma[static_cast<std::size_t>(c)]} +
                           double{beta[static_cast<std::size_t>(c)]};
        CHECK(std::abs(double{actual[at(c)]} - y_c) < 0.51 * double{kOut});
      }
    }
  }
  const auto refused = [](const Floats& factors, bool codes, bool quantized) {
    Builder b({2, 4});
    const std::string x = codes ? b.quant("in", 1, 8, true, false) : "in";
    const std::string y = b.norm("LayerNormalization", x, factors, {}, 0);
    return refusal(&b, quantized ? b.quant(y, 1, 8, true, false) : y);
  };
  CHECK(refused({1, 1, 1, 1}, true, true) == "accepted");
  CHECK_THAT(refused({1, 1, 1}, true, true), ContainsSubstring("has 3 elements, allowed 4"));
  CHECK_THAT(refused({1, 1, 1, 1}, true, false),
             ContainsSubstring("normalization of codes has no"));
  CHECK_THAT(refused({1, 1, 1, 1}, false, true),
             ContainsSubstring("its tensor is not the output of a quantizer"));
}

void give(onnx::NodeProto* node, const std::string& key, const std::vector<int>& values,
          bool list = true) {
  auto* attribute = node->add_attribute();
  attribute->set_name(key);
  if (!list) attribute->set_i(values.at(0));
  for (const int value : values)
    if (list) attribute->add_ints(value);
}

TEST_CASE("a tensor divided by its length is normalized to the nearest code", "[onnx][norm]") {
  constexpr float kOut = 1.0f / 127;
  Builder b({2, 3});
  const std::string x = b.quant("in", 0.5f, 8, true, false);
  auto* length = b.node("ReduceL2", {x});
  give(length, "axes", {1});
  const std::string bounded = b.op("Clip", {length->output(0), b.scalar(1e-12f)});
  const std::string by = b.op("Expand", {bounded, b.constant({2}, {2, 3})});
  const std::string y = b.quant(b.op("Div", {x, by}), kOut, 8, true, false);
  const model::Graph graph = model::parse_onnx(b.bytes(y), "m");
  const Floats actual = outputs(graph, {3, 4, -12, 0, 0, 0}, {2, 3});
  const Floats expected{3.0f / 13, 4.0f / 13, -12.0f / 13, 0, 0, 0};
  for (std::size_t i = 0; i < actual.size(); ++i)
    CHECK(std::abs(actual[i] - expected[i]) < 0.51f * kOut);
}

TEST_CASE("a bound above the shortest row of codes is not treated as a normalization",
          "[onnx][norm][error]") {
  for (const auto& [scale, fits] : {std::pair{1e-5f, true}, {1e-8f, false}}) {
    Builder b({2, 3});
    const std::string x = b.quant("in", scale, 8, true, false);
    auto* length = b.node("ReduceL2", {x});
    give(length, "axes", {1});
    const std::string bounded = b.op("Clip", {length->output(0), b.scalar(1e-7f)});
    const std::string by = b.op("Expand", {bounded, b.constant({2}, {2, 3})});
    const auto bytes = b.bytes(b.quant(b.op("Div", {x, by}), 1.0f / 127, 8, true, false));
    CAPTURE(scale);
    if (fits)
      CHECK_NOTHROW(model::parse_onnx(bytes, "m"));
    else
      CHECK_THROWS_AS(model::parse_onnx(bytes, "m"), Error);
  }
}

TEST_CASE("other spellings of supported operators are accepted", "[onnx]") {
  Builder b({1, 1, 2, 3});
  const std::string x = b.quant("in", 1, 8, true, false);
  const Floats input{1, 2, 3, 4, 5, 6};
  const auto made = [&](const std::string& y) {
    const auto bytes = b.bytes(b.quant(y, 1, 8, true, false));
    return outputs(model::parse_onnx(bytes, "m"), input, {1, 1, 2, 3});
  };
  const auto quantized = [&](const std::vector<int>& shape, const Floats& values) {
    return b.quant(b.constant(shape, values), 1, 8, true, false);
  };
  const std::string rows = b.op("Reshape", {x, b.constant({2}, {2, 3})});
  SECTION("a constant matrix from the left") {
    CHECK(made(b.op("MatMul", {quantized({2, 2}, {1, 2, 0, -1}), rows})) ==
          Floats{9, 12, 15, -4, -5, -6});
  }
  SECTION("constants of three axes from either side, and one of fewer axes from the left") {
    const std::string pair = b.op("Reshape", {x, b.constant({3}, {2, 1, 3})});
    CHECK(made(b.op("MatMul", {quantized({2, 1, 1}, {2, -1}), pair})) ==
          Floats{2, 4, 6, -4, -5, -6});
    CHECK(made(b.op("MatMul", {pair, quantized({2, 3, 1}, {1, 0, 2, 0, 1, -1})})) == Floats{7, -1});
    CHECK(made(b.op("MatMul", {quantized({2, 1}, {2, -1}), pair})) ==
          Floats{2, 4, 6, -1, -2, -3, 8, 10, 12, -4, -5, -6});
  }
  SECTION("elements of a grid, and any others") {
    CHECK(made(b.op("GatherND", {rows, b.constant({2, 2, 2}, {1, 2, 1, 0, 0, 2, 0, 0})})) ==
          Floats{6, 4, 3, 1});
    CHECK(made(b.op("GatherND", {rows, b.constant({3, 2}, {1, -1, 0, 1, 0, 0})})) ==
          Floats{6, 2, 1});
  }
  SECTION("a range of constants") {
    const std::string odd = b.op("Range", {b.scalar(0), b.scalar(3), b.scalar(2)});
    auto* gather = b.node("Gather", {rows, odd});
    give(gather, "axis", {1}, false);
    CHECK(made(gather->output(0)) == Floats{1, 3, 4, 6});
  }
  SECTION("a constant with more axes or along another axis than the channels") {
    CHECK(made(b.op("Add", {rows, quantized({1, 1, 3}, {1, 0, 2})})) == Floats{2, 2, 5, 5, 5, 8});
    CHECK(made(b.op("Mul", {x, quantized({3}, {1, 0, 2})})) == Floats{1, 0, 6, 4, 0, 12});
  }
  SECTION("a scalar plus a constant") {
    auto* least = b.node("ReduceMin", {rows});
    give(least, "keepdims", {0}, false);
    CHECK(made(b.op("Add", {least->output(0), quantized({}, {7})})) == Floats{8});
  }
  SECTION("one pixel, resized between itself and itself") {
    const std::string pixel = b.op(
        "Slice", {x, b.constant({2}, {1, 2}), b.constant({2}, {2, 3}), b.constant({2}, {2, 3})});
    auto* resize = b.node("Resize", {pixel, "", b.constant({4}, {1, 1, 2, 3})});
    auto* mode = resize->add_attribute();
    mode->set_name("mode");
    mode->set_s("linear");
    CHECK(made(resize->output(0)) == Floats(6, 6));
  }
}

TEST_CASE("a float constant of three axes in a product of codes is refused", "[onnx][error]") {
  Builder b({2, 1, 3});
  const std::string x = b.quant("in", 1, 8, true, false);
  const std::string y = b.op("MatMul", {b.constant({2, 1, 1}, {2, -1}), x});
  CHECK_THROWS_WITH(model::parse_onnx(b.bytes(b.quant(y, 1, 8, true, false)), "m"),
                    Catch::Matchers::ContainsSubstring(
                        "input 0 is a constant without a quantizer, allowed constants of codes"));
}

TEST_CASE("only operators on images turn a tensor of four axes, and share the result", "[onnx]") {
  const auto turns = [](bool pools) {
    Builder b({1, 8});
    const std::string x = b.quant("in", 0.05f, 8, true, false);
    const std::string image = b.op("Reshape", {x, b.constant({4}, {1, 2, 2, 2})});
    const auto part = [&](const char* type) {
      auto* node = b.node(type, {image});
      if (pools) give(node, "kernel_shape", {2, 1});
      return b.quant(node->output(0), 0.05f, 8, true, false);
    };
    const std::string y = pools ? b.op("Add", {part("MaxPool"), part("AveragePool")})
                                : b.op("Mul", {image, b.op("Sigmoid", {image})});
    const model::Graph graph = model::parse_onnx(b.bytes(b.quant(y, 0.05f, 8, true, false)), "m");
    return std::ranges::count(graph.ops, model::OpKind::kTranspose, &model::Op::kind);
  };
  CHECK(turns(false) == 0);
  CHECK(turns(true) == 2);  // one to the image, one back at the end
}

TEST_CASE("a map and a constant map are subtracted in the given order", "[onnx]") {
  Builder b({1, 2, 2});
  const std::string x = b.quant("in", 1, 8, true, false);
  const std::string map = b.quant(b.constant({1, 2, 2}, {1, 2, 3, 4}), 1, 8, true, false);
  for (const bool first : {true, false}) {
    const std::string y = first ? b.op("Sub", {map, x}) : b.op("Sub", {x, map});
    const model::Graph graph = model::parse_onnx(b.bytes(b.quant(y, 1, 8, true, false)), "m");
    const Floats difference = outputs(graph, {10, 20, -30, 5}, {1, 2, 2});
    CHECK(difference == (first ? Floats{-9, -18, 33, -1} : Floats{9, 18, -33, 1}));
  }
}

TEST_CASE("the border of a window counts on each side", "[onnx]") {
  const auto sums = [](const std::vector<int>& pads) {
    Builder b({1, 1, 3, 3});
    const std::string x = b.quant("in", 1, 8, true, false);
    const std::string ones = b.quant(b.constant({1, 1, 3, 3}, Floats(9, 1)), 1, 8, true, false);
    auto* conv = b.node("Conv", {x, ones});
    auto* attribute = conv->add_attribute();
    attribute->set_name("pads");
    for (const int side : pads) attribute->add_ints(side);
    const std::string y = b.quant(conv->output(0), 1, 8, true, false);
    return outputs(model::parse_onnx(b.bytes(y), "m"), Floats(9, 1), {1, 1, 3, 3});
  };
  CHECK(sums({1, 1, 1, 1}) == Floats{4, 6, 4, 6, 9, 6, 4, 6, 4});
  CHECK(sums({1, 1, 1, 0}) == Floats{4, 6, 6, 9, 4, 6});
  CHECK(sums({1, 0, 1, 1}) == Floats{6, 4, 9, 6, 6, 4});
  CHECK(sums({1, 1, 0, 1}) == Floats{4, 6, 4, 6, 9, 6});
  CHECK(sums({0, 1, 1, 1}) == Floats{6, 9, 6, 4, 6, 4});
}

/// Returns the largest element of each 3x3 window with stride 2, of 0, 1, 2, ... in rows and
/// columns. The last window may be partly outside.
Floats largest_of_windows(int H, int W) {
  Floats result;
  for (int y = 0; y == 0 || 2 * (y - 1) + 3 < H; ++y)
    for (int x = 0; x == 0 || 2 * (x - 1) + 3 < W; ++x)
      result.push_back(
          static_cast<float>(std::min(2 * y + 2, H - 1) * W + std::min(2 * x + 2, W - 1)));
  return result;
}

TEST_CASE("ceil_mode counts rows by the height and columns by the width", "[onnx]") {
  const auto [H, W, rows, columns] =
      GENERATE(std::tuple{7, 6, 3, 3}, std::tuple{6, 7, 3, 3}, std::tuple{7, 7, 3, 3},
               std::tuple{8, 5, 4, 2}, std::tuple{5, 8, 2, 4});
  CAPTURE(H, W);
  Builder b({1, 1, H, W});
  auto* pool = b.node("MaxPool", {b.quant("in", 1, 8, true, false)});
  const auto add = [&](const char* name, const std::vector<int>& values) {
    auto* attribute = pool->add_attribute();
    attribute->set_name(name);
    if (values.size() == 1) attribute->set_i(values[0]);
    for (const int value : values) attribute->add_ints(value);
  };
  add("kernel_shape", {3, 3});
  add("strides", {2, 2});
  add("ceil_mode", {1});
  const std::string y = b.quant(pool->output(0), 1, 8, true, false);
  Floats x(static_cast<std::size_t>(H * W));
  std::iota(x.begin(), x.end(), 0.0f);
  const Floats expected = largest_of_windows(H, W);
  REQUIRE(static_cast<int>(expected.size()) == rows * columns);
  const model::Graph graph = model::parse_onnx(b.bytes(y, {1, 1, rows, columns}), "m");
  CHECK(graph.tensor(graph.outputs[0]).shape == std::vector{1, 1, rows, columns});
  CHECK(outputs(graph, x, {1, 1, H, W}) == expected);
  // The network is refused if the computed shape differs from the file's.
  CHECK_THROWS_WITH(model::parse_onnx(b.bytes(y, {1, 1, rows, columns - 1}), "m.onnx"),
                    ContainsSubstring(fmt::format(
                        "m.onnx: output '{}': has shape [1, 1, {}, {}], but the file declares [1, "
                        "1, {}, {}]",
                        y, rows, columns, rows, columns - 1)));
  CHECK_NOTHROW(model::parse_onnx(b.bytes(y, {1, 1, 0, columns}), "m"));  // 0: open
}

/// Returns a quantizer's result, at scale `out`, for a function of codes of scale 1/20 in 256
/// columns.
Floats of_all_codes(Builder* b, const std::string& result, float out) {
  Floats x;
  for (int code = -128; code <= 127; ++code) x.push_back(static_cast<float>(code) / 20);
  const model::Graph graph =
      model::parse_onnx(b->bytes(b->quant(result, out, 8, true, false)), "m");
  return outputs(graph, x, {1, 256});
}

TEST_CASE("ONNX GELUs equal float GELUs, whole or decomposed", "[onnx][transformer]") {
  const std::string form = GENERATE("none", "tanh", "decomposed");
  CAPTURE(form);
  Builder b({1, 256});
  const std::string x = b.quant("in", 0.05f, 8, true, false);
  std::string y;
  if (form == "decomposed") {
    y = b.op("Erf", {b.op("Div", {x, b.scalar(1.41421356f)})});
    y = b.op("Mul", {b.op("Mul", {x, b.op("Add", {y, b.scalar(1)})}), b.scalar(0.5f)});
  } else {
    auto* n = b.node("Gelu", {x});
    n->add_attribute()->set_name("approximate");
    n->mutable_attribute(0)->set_s(form);
    y = n->output(0);
  }
  constexpr float kOut = 0.06f;
  const Floats actual = of_all_codes(&b, y, kOut);
  for (int code = -128; code <= 127; ++code) {
    const double v = code / 20.0;
    const double t = form == "tanh"
                         ? std::tanh(std::sqrt(2 / 3.14159265) * (v + 0.044715 * v * v * v))
                         : std::erf(v / std::sqrt(2.0));
    const double real = double{actual[static_cast<std::size_t>(code + 128)]};
    CHECK(std::abs(real - 0.5 * v * (1 + t)) < 0.501 * double{kOut});
  }
}

/// The layer normalization of rows of 6, in the form in which exporters decompose it.
struct Decomposed {
  bool multiplied = false;  ///< the square is written as a Mul
  bool beta = true;
  bool read = false;  ///< something else reads the difference

  std::vector<std::uint8_t> bytes() const {
    Builder b({4, 6});
    const auto mean = [&](const std::string& x) {
      auto* n = b.node("ReduceMean", {x});
      n->add_attribute()->set_name("axes");
      n->mutable_attribute(0)->add_ints(-1);
      return n->output(0);
    };
    const std::string x = b.quant("in", 0.05f, 8, true, false);
    const std::string d = b.op("Sub", {x, mean(x)});
    const std::string square = multiplied ? b.op("Mul", {d, d}) : b.op("Pow", {d, b.scalar(2)});
    const std::string variance = b.op("Add", {mean(square), b.scalar(1e-3f)});
    std::string y = b.op("Div", {d, b.op("Sqrt", {variance})});
    y = b.op("Mul", {b.constant({6}, {1, 2, 0.5f, 1, 1, -1}), y});
    if (beta) y = b.op("Add", {y, b.constant({6}, {0, 0, 0.5f, 0, -0.25f, 0})});
    if (read) y = b.op("Add", {y, d});
    return b.bytes(b.quant(y, 0.03f, 8, true, false));
  }
};

TEST_CASE("a decomposed layer normalization of ONNX is one operator", "[onnx][transformer]") {
  std::mt19937 random{5};
  Floats x(24);
  for (float& value : x) value = static_cast<float>(static_cast<int>(random() % 200) - 100) / 20;
  for (const bool multiplied : {false, true})
    for (const bool beta : {false, true}) {
      CAPTURE(multiplied, beta);
      const model::Graph graph = model::parse_onnx(Decomposed{multiplied, beta}.bytes(), "m");
      REQUIRE(graph.ops.size() == 3);  // QUANTIZE, LAYER_NORM, DEQUANTIZE
      CHECK(graph.ops[1].kind == model::OpKind::kNormalization);
      CHECK(graph.ops[1].epsilon == 1e-3f);
      CHECK(graph.ops[1].inputs.size() == (beta ? 3 : 2));
      const Floats y = outputs(graph, x, {4, 6});
      double mean = 0, square = 0;
      for (std::size_t c = 0; c < 6; ++c) mean += double{x[c]} / 6;
      for (std::size_t c = 0; c < 6; ++c)
        square += (double{x[c]} - mean) * (double{x[c]} - mean) / 6;
      const double second = (double{x[1]} - mean) / std::sqrt(square + 1e-3) * 2;
      CHECK(std::abs(double{y[1]} - second) < 0.51 * 0.03);
    }
  CHECK_THROWS_WITH(model::parse_onnx(Decomposed{false, true, true}.bytes(), "m"),
                    ContainsSubstring("its tensors are not the outputs of quantizers"));
}

std::string mean_of(Builder* b, const std::string& x, int axis) {
  auto* n = b->node("ReduceMean", {x});
  n->add_attribute()->set_name("axes");
  n->mutable_attribute(0)->add_ints(axis);
  return n->output(0);
}

std::string last_mean(Builder* b, const std::string& x) { return mean_of(b, x, -1); }

TEST_CASE("a decomposed ONNX normalization uses only the axis of its means",
          "[onnx][transformer]") {
  const bool center = GENERATE(true, false);
  const int axis = GENERATE(1, 2, 3);
  const bool scalar = GENERATE(false, true);
  CAPTURE(center, axis, scalar);
  const std::vector<int> shape{1, 2, 3, 4};
  const int L = shape[static_cast<std::size_t>(axis)];
  Builder b(shape);
  const std::string x = b.quant("in", 0.05f, 8, true, false);
  const std::string d = center ? b.op("Sub", {x, mean_of(&b, x, axis)}) : x;
  const std::string square = mean_of(&b, b.op("Pow", {d, b.scalar(2)}), axis);
  std::vector<int> extents{1, 1, 1, 1};
  Floats gamma{2};
  if (!scalar) {
    extents[static_cast<std::size_t>(axis)] = L;
    gamma = Floats{2, -1, 0.5f, 1};
    gamma.resize(static_cast<std::size_t>(L));
  }
  const std::string y = b.op("Div", {d, b.op("Sqrt", {b.op("Add", {square, b.scalar(1e-3f)})})});
  const std::string scaled = b.op("Mul", {y, scalar ? b.scalar(2) : b.constant(extents, gamma)});
  const model::Graph graph =
      model::parse_onnx(b.bytes(b.quant(scaled, 0.03f, 8, true, false)), "m");
  Floats in(24);
  for (std::size_t i = 0; i < 24; ++i)
    in[i] = static_cast<float>(static_cast<int>(i * 37 % 97) - 48) / 20;
  const Floats actual = outputs(graph, in, {shape.begin(), shape.end()});
  const std::size_t step = axis == 1 ? 12 : axis == 2 ? 4 : 1;
  for (std::size_t i = 0; i < 24; ++i) {
    const std::size_t at = i / step % static_cast<std::size_t>(L), first = i - at * step;
    double mean = 0, variance = 0;
    for (std::size_t k = 0; center && k < static_cast<std::size_t>(L); ++k)
      mean += double{in[first + k * step]} / L;
    for (std::size_t k = 0; k < static_cast<std::size_t>(L); ++k)
      variance += std::pow(double{in[first + k * step]} - mean, 2) / L;
    const double wanted =
        (double{in[i]} - mean) / std::sqrt(variance + 1e-3) * double{gamma[scalar ? 0 : at]};
    CHECK(std::abs(double{actual[i]} - wanted) < 0.51 * 0.03);
  }
}

TEST_CASE("a constant for each channel after a sum or product of ONNX is refused",
          "[onnx][error]") {
  const std::string type = GENERATE("Add", "MatMul");
  const Floats factors = GENERATE(Floats{1, 3}, Floats{2, 3});
  CAPTURE(type, factors);
  Builder b({1, 2, 2});
  const std::string x = b.quant("in", 1, 8, true, false);
  const std::string scaled = b.op("Mul", {b.op(type, {x, x}), b.constant({2}, factors)});
  CHECK_THAT(
      refusal(&b, b.quant(scaled, 1, 8, true, false)),
      ContainsSubstring("a float operator between Add, Sub, Mul or MatMul and its quantizer"));
}

TEST_CASE("boolean masks are gathered, joined and used for a choice on the host", "[onnx][host]") {
  // As transformers' attention makes them: positions of a line, which GatherND repeats as an image.
  Builder b({1, 3});
  auto* cast = b.node("Cast", {"in"});
  cast->add_attribute()->set_name("to");
  cast->mutable_attribute(0)->set_i(onnx::TensorProto::BOOL);
  const std::string places = b.constant({1, 1, 1, 3, 2}, {0, 2, 0, 1, 0, 0});
  const std::string seen = b.op("GatherND", {cast->output(0), places});
  const std::string row = b.constant({1, 1, 2, 1}, {1, 0});
  const std::string both = b.op("And", {b.op("Greater", {row, b.scalar(0.5f)}), seen});
  const std::string y = b.op("Where", {both, b.scalar(0), b.scalar(-24)});
  const model::Graph graph =
      model::parse_onnx(b.bytes(b.quant(y, 0.5f, 8, true, false)), "m", true);
  CHECK(outputs(graph, {1, 0, 1}, {1, 3}) == Floats{0, -24, 0, -24, -24, -24});
}

TEST_CASE("an ONNX node without outputs next to a mean of squares is refused", "[onnx][error]") {
  Builder b({1, 4});
  const std::string x = b.quant("in", 1, 8, true, false);
  b.node("Mul", {x, x})->clear_output();
  const std::string square = b.op("Mul", {x, x});
  CHECK_THAT(refusal(&b, b.quant(last_mean(&b, square), 1, 8, true, false)),
             ContainsSubstring("has no output"));
}

TEST_CASE("a decomposed RMS normalization of ONNX is one operator", "[onnx][transformer]") {
  Floats x(24);
  for (std::size_t i = 0; i < 24; ++i)
    x[i] = static_cast<float>(static_cast<int>(i * 37 % 97) - 48) / 20;
  const Floats gamma{1, 2, 0.5f, 1, 1, -1};
  const auto made = [&](bool reciprocal, bool scaled, bool read) {
    Builder b({4, 6});
    const std::string in = b.quant("in", 0.05f, 8, true, false);
    const std::string square = reciprocal ? b.op("Mul", {in, in}) : b.op("Pow", {in, b.scalar(2)});
    const std::string root = b.op("Sqrt", {b.op("Add", {last_mean(&b, square), b.scalar(1e-3f)})});
    std::string y =
        reciprocal ? b.op("Mul", {in, b.op("Reciprocal", {root})}) : b.op("Div", {in, root});
    if (scaled) y = b.op("Mul", {y, b.constant({6}, gamma)});
    if (read) y = b.op("Add", {y, root});
    return b.bytes(b.quant(y, 0.03f, 8, true, false));
  };
  for (const bool reciprocal : {false, true})
    for (const bool scaled : {false, true}) {
      CAPTURE(reciprocal, scaled);
      const model::Graph graph = model::parse_onnx(made(reciprocal, scaled, false), "m");
      REQUIRE(graph.ops.size() == 3);  // QUANTIZE, RMS_NORM, DEQUANTIZE
      CHECK(graph.ops[1].name == "RMS_NORM");
      CHECK(graph.ops[1].epsilon == 1e-3f);
      CHECK(graph.ops[1].inputs.size() == 2);
      const Floats y = outputs(graph, x, {4, 6});
      double square = 0;
      for (std::size_t c = 0; c < 6; ++c) square += double{x[c]} * double{x[c]} / 6;
      const double second = double{x[1]} / std::sqrt(square + 1e-3) * (scaled ? 2 : 1);
      CHECK(std::abs(double{y[1]} - second) < 0.51 * 0.03);
    }
  CHECK_THROWS_WITH(model::parse_onnx(made(false, true, true), "m"),
                    ContainsSubstring("quantizer"));
}

TEST_CASE("a mean of squares of ONNX becomes a product of each row with itself",
          "[onnx][transformer]") {
  const bool power = GENERATE(true, false);
  Builder b({2, 3, 4});
  const std::string x = b.quant("in", 0.5f, 8, true, false);
  const std::string square = power ? b.op("Pow", {x, b.scalar(2)}) : b.op("Mul", {x, x});
  const std::string y = b.quant(last_mean(&b, square), 0.0625f, 8, true, false);
  const model::Graph graph = model::parse_onnx(b.bytes(y), "m");
  REQUIRE(std::ranges::count(graph.ops, model::OpKind::kBatchMatMul, &model::Op::kind) == 1);
  Floats in(24), expected;
  for (std::size_t i = 0; i < 24; ++i)
    in[i] = static_cast<float>(static_cast<int>(i * 7 % 11) - 5) / 2;
  for (std::size_t line = 0; line < 6; ++line) {
    float sum = 0;
    for (std::size_t i = 0; i < 4; ++i) sum += in[4 * line + i] * in[4 * line + i];
    expected.push_back(std::min(sum / 4, 127 * 0.0625f));
  }
  CHECK(outputs(graph, in, {2, 3, 4}) == expected);
}

TEST_CASE("a number times a product of two ONNX tensors becomes part of the product",
          "[onnx][transformer]") {
  const std::string type = GENERATE("Mul", "Div");
  Builder b({1, 2, 2});
  const std::string x = b.quant("in", 1, 8, true, false);
  const std::string scaled =
      b.op(type.c_str(), {b.op("MatMul", {x, x}), b.scalar(type == "Mul" ? 0.25f : 4)});
  const model::Graph graph =
      model::parse_onnx(b.bytes(b.quant(scaled, 0.25f, 8, true, false)), "m");
  CHECK(outputs(graph, {1, 2, 3, -1}, {1, 2, 2}) == Floats{1.75f, 0, 0, 1.75f});
  CHECK_THAT(
      refusal(&b, b.quant(b.op("Mul", {b.op("MatMul", {x, x}), b.scalar(-1)}), 1, 8, true, false)),
      ContainsSubstring("a float operator between Add, Sub, Mul or MatMul and its quantizer"));
}

TEST_CASE("products of two tensors of ONNX, transposes, softmax and maps of constants are exact",
          "[onnx][transformer]") {
  // softmax((x + p) (x + p)^T) of 3 tokens with 4 channels; every step has few digits.
  Builder b({1, 3, 4});
  const Floats positions{1, 0, -1, 2, 0, 1, 0, -2, 2, -1, 1, 0};
  const std::string map = b.quant(b.constant({3, 4}, positions), 1, 8, true, false);
  const std::string x =
      b.quant(b.op("Add", {b.quant("in", 1, 8, true, false), map}), 1, 8, true, false);
  auto* n = b.node("Transpose", {x});
  n->add_attribute()->set_name("perm");
  for (const int axis : {0, 2, 1}) n->mutable_attribute(0)->add_ints(axis);
  const std::string scores = b.quant(b.op("MatMul", {x, n->output(0)}), 0.5f, 8, true, false);
  const Floats input{1, 2, 0, -1, 0, 0, 3, 1, -1, 0, 2, 2};
  const auto score = [&](std::size_t i, std::size_t j) {
    float sum = 0;
    for (std::size_t c = 0; c < 4; ++c)
      sum += (input[4 * i + c] + positions[4 * i + c]) * (input[4 * j + c] + positions[4 * j + c]);
    return sum;
  };
  const Floats actual = outputs(model::parse_onnx(b.bytes(scores), "m"), input, {1, 3, 4});
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) CHECK(actual[3 * i + j] == score(i, j));

  const std::string weights = b.quant(b.op("Softmax", {scores}), 1.0f / 128, 8, true, false);
  const Floats shares = outputs(model::parse_onnx(b.bytes(weights), "m"), input, {1, 3, 4});
  for (std::size_t i = 0; i < 3; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < 3; ++j) sum += std::exp(double{score(i, j)});
    for (std::size_t j = 0; j < 3; ++j) {
      const double share = std::min(std::exp(double{score(i, j)}) / sum, 127.0 / 128);
      CHECK(std::abs(double{shares[3 * i + j]} - share) < 1.01 / 128);
    }
  }
  Builder product = b;
  CHECK_THAT(refusal(&product, product.quant(product.op("MatMul", {x, x}), 1, 8, true, false)),
             ContainsSubstring("4 columns times 3 rows, allowed equal numbers"));
  n = b.node("Transpose", {x});
  n->add_attribute()->set_name("perm");
  for (const int axis : {0, 2, 2}) n->mutable_attribute(0)->add_ints(axis);
  CHECK_THAT(refusal(&b, b.quant(n->output(0), 1, 8, true, false)),
             ContainsSubstring("perm is not an order of 3 axes"));
}

/// Appends nodes to a tensor that no quantizer has made codes of yet.

}  // namespace

TEST_CASE("a normalization that no convolution absorbs becomes a product with ones", "[onnx]") {
  Builder b({1, 4});
  const std::string codes = b.quant("in", 1, 8, true, false);
  const std::string p = b.constant({4}, {1, 1, 1, 2});
  const std::string y = b.op("BatchNormalization", {codes, p, p, p, p});
  const model::Graph graph = model::parse_onnx(b.bytes(b.quant(y, 1, 8, true, false)), "m.onnx");
  // The last value is 2 + 2 (x - 2) / sqrt 2.
  CHECK(outputs(graph, {3, -4, 100, 7}, {1, 4}) == Floats{3, -4, 100, 9});
  CHECK(outputs(graph, {0, 1, -128, -7}, {1, 4}) == Floats{0, 1, -128, -11});
}

TEST_CASE("a normalization alone gives the codes of float32 for all inputs of each channel",
          "[onnx]") {
  constexpr int C = 1024, N = 256;
  std::mt19937 random{86};
  const auto draw = [&](float low, float high) {
    Floats values(C);
    for (float& v : values) v = low + (high - low) * static_cast<float>(random() >> 8) / (1u << 24);
    return values;
  };
  const Floats gamma = draw(0.5f, 1.5f), beta = draw(-0.5f, 0.5f), mean = draw(-1, 1),
               variance = draw(0.2f, 3);
  constexpr float kIn = 0.0314f, kOut = 0.0627f;
  Builder b({N, C});
  const auto each = [&](const Floats& values) { return b.constant({C}, values); };
  const std::string y = b.op("BatchNormalization", {b.quant("in", kIn, 8, true, false), each(gamma),
                                                    each(beta), each(mean), each(variance)});
  const model::Graph graph = model::parse_onnx(b.bytes(b.quant(y, kOut, 8, true, false)), "m.onnx");
  Floats x, expected;
  for (int code = -128; code < 128; ++code)
    for (std::size_t c = 0; c < C; ++c) {
      x.push_back(static_cast<float>(code) * kIn);
      const float s = 1.0f / std::sqrt(variance[c] + 1e-5f) * gamma[c];
      expected.push_back(
          quantized({"", kOut, -128, 127, {}}, x.back() * s + (beta[c] - mean[c] * s)));
    }
  const Floats actual = outputs(graph, x, {N, C});
  int differ = 0;
  for (std::size_t i = 0; i < x.size(); ++i) differ += actual[i] == expected[i] ? 0 : 1;
  // With only the most accurate bias of each channel, 10 codes differ.
  CHECK(differ == 0);
}
