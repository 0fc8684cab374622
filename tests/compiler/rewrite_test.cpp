// SPDX-License-Identifier: Apache-2.0
//
// Checks networks that the compiler rewrites first (uint8 codes, weights with a zero point) against
// the golden layers of the original network.

#include "sw/compiler/rewrite/rewrite.h"

#include <functional>

#include "sw/model/graph/refusal.h"
#include "tests/compiler/rewrite_testing.h"
#include "tests/compiler/testing.h"
#include "tools/random/networks.h"

namespace trine::sim {
namespace {

using fuzz::make_unsigned;
using fuzz::shift_weights;
using fuzz::use_one_scale;
using model::DataType;
using model::OpKind;
using model::Padding;
using testing::Builder;
using testing::random_config;
using testing::random_shape;
using namespace trine::sim::testing;

int random_network(Builder& b) {
  int x = b.input(random_shape(b));
  for (int i = b.number(1, 3); i > 0; --i) {
    x = random_product(b, x);
    if (b.number(0, 3) == 0) x = b.pool(x, b.number(0, 2) == 0, 2, 2, 1, 1, Padding::kSame);
    if (b.number(0, 3) == 0) x = b.unary(x, OpKind::kHardSwish, "HARD_SWISH");
    if (b.number(0, 3) == 0) x = b.addition(x, x);
  }
  const int K = static_cast<int>(b.graph.tensor(x).elements());
  return b.number(0, 2) == 0 && K < 2000 ? b.fully_connected(b.reshape(x, {1, K}), K, 7) : x;
}

TEST_CASE("uint8 networks equal the golden layers", "[arch][random][rewrite]") {
  for (unsigned seed = 1; seed <= 3 * kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const spec::Config config = random_config(b);
    b.graph.outputs = {random_network(b)};
    use_one_scale(b.graph);
    shift_weights(b);
    make_unsigned(b.graph);
    require_exact(b, config);
  }
}

TEST_CASE("MACs of split weights are counted once", "[arch][rewrite]") {
  for (unsigned seed = 1; seed <= kSeeds / 4; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    b.graph.outputs = {random_product(b, b.input(random_shape(b)), false)};
    use_one_scale(b.graph);
    shift_weights(b);
    make_unsigned(b.graph);
    const auto program = compiler::compile(b.graph, testing::small_config(8, 8, 64, 64, 64));
    CHECK(program.macs() == model::macs(b.graph));
  }
}

/// Returns queries, keys and values of one product as exporters write them: axes of a RESHAPE, each
/// part cut from them or from their transposition, functions and a residual sum after it.
std::vector<int> random_parts(Builder& b) {
  const int tokens = b.number(1, 12), heads = b.number(1, 3), size = b.number(1, 9);
  const int parts = b.number(1, 3), K = 4 * b.number(1, 4), width = parts * heads * size;
  const int x = b.input({tokens, K});
  const int y = b.fully_connected(x, K, width);
  std::vector<int> split{1, tokens, parts, heads, size};
  int all = b.reshape(y, split);
  std::vector<int> order{0, 1, 2, 3, 4};
  if (b.number(0, 1) == 0) all = b.transpose(all, order = {2, 0, 3, 1, 4});
  const auto axis = std::ranges::find(order, 2) - order.begin();
  std::vector<int> results;
  for (int part = 0; part < parts; ++part) {
    std::vector<int> begin(5, 0), end = b.shape(all);
    begin[static_cast<std::size_t>(axis)] = part;
    end[static_cast<std::size_t>(axis)] = part + b.number(1, parts - part);
    int z = b.strided_slice(all, begin, end, {1, 1, 1, 1, 1});
    const int count = static_cast<int>(b.graph.tensor(z).elements());
    if (b.number(0, 1) == 0) z = b.reshape(z, {1, count / size, size});
    if (b.number(0, 1) == 0) z = b.unary(z, OpKind::kHardSwish, "HARD_SWISH");
    results.push_back(b.reshape(z, {1, count}));
  }
  int sum = b.reshape(b.fully_connected(x, K, 8), {1, tokens, 8});
  if (b.number(0, 1) == 0) sum = b.unary(sum, OpKind::kLogistic, "LOGISTIC");
  results.push_back(b.addition(sum, b.input({1, tokens, 8})));
  if (b.number(0, 1) == 0) results.push_back(b.unary(sum, OpKind::kTanh, "TANH"));
  return results;
}

TEST_CASE("parts, functions and sums after a RESHAPE equal the golden layers",
          "[arch][random][rewrite]") {
  for (unsigned seed = 1; seed <= 4 * kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const spec::Config config = random_config(b);
    b.graph.outputs = random_parts(b);
    require_exact(b, config);
  }
}

TEST_CASE("a RESHAPE follows functions, sums and slices of a product", "[arch][rewrite]") {
  Builder b(1);
  const auto kinds = [&] {
    std::string text;
    for (const model::Op& op : compiler::with_late_reshapes(b.graph).ops)
      text += (text.empty() ? "" : " ") + std::string(model::name_of(op.kind));
    return text;
  };
  const int y = b.reshape(b.fully_connected(b.input({6, 8}), 8, 24), {1, 6, 24});
  b.graph.outputs = {b.addition(b.unary(y, OpKind::kLogistic), b.input({1, 6, 24}))};
  CHECK(kinds() == "FULLY_CONNECTED LOGISTIC RESHAPE ADD RESHAPE");
  b.graph.outputs.push_back(y);  // both forms of the product's codes would be stored
  CHECK(kinds() == "FULLY_CONNECTED RESHAPE LOGISTIC ADD");

  b = Builder(1);
  const int parts = b.transpose(
      b.reshape(b.fully_connected(b.input({6, 8}), 8, 24), {1, 6, 3, 2, 4}), {2, 0, 3, 1, 4});
  b.graph.outputs = {b.strided_slice(parts, {1, 0, 0, 0, 0}, {2, 1, 2, 6, 4}, {1, 1, 1, 1, 1})};
  CHECK(kinds() == "FULLY_CONNECTED STRIDED_SLICE RESHAPE TRANSPOSE RESHAPE");
}

TEST_CASE("weights of FULLY_CONNECTED and of ONNX have zero points", "[arch][random][rewrite]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const spec::Config config = random_config(b);
    const int rows = b.number(1, 9), K = b.number(1, 40);
    int x = b.input({rows, K});
    const bool onnx = b.number(0, 1) == 0;
    if (onnx) {
      x = random_product(b, b.input(random_shape(b)), false);
      b.graph.ops.back().half_even = true;
      b.graph.outputs = {x};
    } else {
      b.graph.outputs = {b.fully_connected(x, K, b.number(1, 20))};
      use_one_scale(b.graph);
    }
    shift_weights(b);
    require_exact(b, config);
  }
}

TEST_CASE("layers at the edge of a special case equal the golden layers", "[arch][rewrite]") {
  const auto exact = [](const char* what, const std::function<int(Builder&)>& make,
                        const reference::RoundingPolicy& rounding = {}) {
    CAPTURE(what);
    Builder b(5);
    const spec::Config config = testing::small_config(8, 8, 64, 64, 64);
    b.graph.outputs = {make(b)};
    std::vector<Array> inputs;
    for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
    testing::require_exact_with_room(b.graph, config, inputs, rounding);
  };
  exact("three channels, dilated rows", [](Builder& b) {
    return b.convolution(b.input({1, 21, 19, 3}), 8, 7, 7, 2, 2, 2, 1, Padding::kSame, true);
  });
  exact("three channels, dilated columns", [](Builder& b) {
    return b.convolution(b.input({1, 21, 19, 3}), 8, 7, 7, 2, 2, 1, 2, Padding::kSame, true);
  });
  exact("one channel, a stride that is no part of a word", [](Builder& b) {
    return b.convolution(b.input({1, 9, 17, 1}), 8, 3, 7, 1, 3, 1, 1, Padding::kSame, true);
  });
  exact("two groups do not divide three", [](Builder& b) {
    return b.convolution(b.input({1, 4, 5, 18}), 6, 3, 3, 1, 1, 1, 1, Padding::kSame, true, 3);
  });
  exact("rows of half of the channels, which are no words", [](Builder& b) {
    return b.fully_connected(b.input({1, 1, 1, 12}), 6, 5);
  });
  exact("rows of pixels across the image's rows", [](Builder& b) {
    const int x = b.unary(b.input({1, 3, 5, 4}), OpKind::kRelu, "RELU");
    return b.fully_connected(b.reshape(x, {5, 12}), 12, 7);
  });
  exact(
      "a product that is rounded otherwise than its sum",
      [](Builder& b) {
        const int x = b.input({64, 16});
        return b.addition(b.fully_connected(x, 16, 16), x);
      },
      reference::kMixedPolicy);
}

TEST_CASE("uint8 codes at the ends of an int8 network cost no layer", "[arch][rewrite]") {
  Builder b(1);
  const spec::Config config = testing::small_config(8, 8, 64, 64, 64);
  const int outer = b.input({1, 4, 4, 4});
  const int x = b.unary(outer, OpKind::kQuantize, "QUANTIZE");
  const int y = b.convolution(x, 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  const int last = b.unary(y, OpKind::kQuantize, "QUANTIZE");
  b.graph.outputs = {last};
  for (const auto& [codes, like] : {std::pair{outer, x}, {last, y}}) {
    model::Tensor& t = b.graph.tensors[static_cast<std::size_t>(codes)];
    t.type = DataType::kUInt8;
    t.quantization = b.graph.tensor(like).quantization;
    t.quantization.zero_point[0] += 128;
  }
  require_exact(b, config);
  CHECK(compiler::compile(b.graph, config).layers.size() == 1);
}

/// The codes only move, either between the user's codes or as the last of several operators.
TEST_CASE("uint8 codes that only move equal the golden layers", "[arch][rewrite]") {
  const auto order = GENERATE(std::vector<int>{0, 2, 3, 1}, std::vector<int>{0, 3, 1, 2},
                              std::vector<int>{0, 2, 1, 3});
  const auto shape = GENERATE(std::vector<int>{1, 1, 1, 1}, std::vector<int>{1, 3, 5, 6});
  const bool behind = GENERATE(false, true);
  CAPTURE(order, shape, behind);
  Builder b(3);
  const spec::Config config = testing::small_config(4, 4, 16, 16, 64);
  int x = b.input(shape);
  if (behind) x = b.unary(x, OpKind::kRelu);
  b.graph.outputs = {b.transpose(x, order)};
  make_unsigned(b.graph);
  require_exact(b, config);
}

TEST_CASE("a QUANTIZE from uint8 that moves the zero point stays", "[arch][rewrite]") {
  Builder b(7);
  const int in = b.input({1, 4, 4, 8});
  const int out = b.unary(in, OpKind::kQuantize, "QUANTIZE");
  b.graph.tensors[static_cast<std::size_t>(in)].type = DataType::kUInt8;
  // As int8 code 3.
  b.graph.tensors[static_cast<std::size_t>(in)].quantization = {{0.5f}, {131}, 0};
  b.graph.tensors[static_cast<std::size_t>(out)].quantization = {{0.5f}, {-5}, 0};
  b.graph.outputs = {b.convolution(out, 4, 1, 1, 1, 1, 1, 1, Padding::kSame, false)};
  require_exact(b, testing::small_config(8, 8, 64, 64, 64));
}

TEST_CASE("uint8 codes joined at any scales equal the golden layers", "[arch][random][rewrite]") {
  unsigned refused = 0;  // near halves of the result's codes
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const int x = b.input({1, b.number(1, 5), b.number(1, 5), b.number(1, 9)});
    std::vector<int> parts{
        b.convolution(x, b.number(1, 9), 1, 1, 1, 1, 1, 1, Padding::kSame, false)};
    parts.push_back(b.unary(parts[0], OpKind::kTanh, "TANH"));
    if (seed % 3 == 0) parts.push_back(b.constant(b.shape(parts[0])));
    b.graph.outputs = {b.concatenation(parts, b.number(1, 3)), parts[1]};
    float& scale =
        b.graph.tensors[static_cast<std::size_t>(b.graph.outputs[0])].quantization.scale[0];
    scale *= 1 + 1e-5f * static_cast<float>(b.number(1, 9999));
    make_unsigned(b.graph);
    try {
      require_exact(b, random_config(b));
    } catch (const model::Refusal& refusal) {
      REQUIRE_THAT(refusal.what(), Catch::Matchers::ContainsSubstring("are ties at scale"));
      ++refused;
    }
  }
  CHECK(refused <= kSeeds / 20);
}

TEST_CASE("uint8 codes joined at twice their scale are refused", "[arch][rewrite][error]") {
  Builder b(1);
  const int x = b.input({1, 4, 4, 8}), y = b.unary(x, OpKind::kRelu, "RELU");
  const int z = b.concatenation({x, y}, 3);
  b.graph.outputs = {z};
  for (const int t : {x, y, z})
    b.graph.tensors[static_cast<std::size_t>(t)].quantization = {{t == y ? 0.5f : 1.0f}, {0}, 0};
  make_unsigned(b.graph);
  REQUIRE_THROWS_WITH(
      compiler::compile(b.graph, testing::small_config(8, 8, 16, 16, 64)),
      Catch::Matchers::Equals("random.tflite: op 1 CONCATENATION: tensor 1 't1': some codes of "
                              "scale 0.5 are ties at scale 1"));
}

TEST_CASE("a pixel of uint8 codes that RESIZE_BILINEAR repeats runs on the machine",
          "[arch][rewrite]") {
  for (const bool corners : {false, true}) {
    Builder b(1);
    b.graph.outputs = {b.resize(b.input({1, 1, 1, 8}), true, 9, 7, corners, false)};
    make_unsigned(b.graph);
    require_exact(b, testing::small_config(8, 8, 16, 16, 64));
  }
}

TEST_CASE("uint8 RESIZE_BILINEAR is refused because LiteRT computes floats",
          "[arch][rewrite][error]") {
  Builder b(1);
  b.graph.outputs = {b.resize(b.input({1, 4, 4, 8}), true, 8, 8, false, false)};
  make_unsigned(b.graph);
  REQUIRE_THROWS_WITH(
      compiler::compile(b.graph, testing::small_config(8, 8, 16, 16, 64)),
      Catch::Matchers::Equals("random.tflite: op 0 RESIZE_BILINEAR: tensor 2 't2': uint8 "
                              "codes are resized in float32, which the machine does not support"));
}

}  // namespace
}  // namespace trine::sim
