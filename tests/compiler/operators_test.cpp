// SPDX-License-Identifier: Apache-2.0
//
// Checks operators that combine and reduce maps, products and attention, drawn at random, on random
// configurations against the golden layers.

#include <numeric>

#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using model::OpKind;
using model::Padding;
using testing::Builder;
using testing::check;
using testing::check_wide;
using testing::kSeeds;
using testing::random_map;
using testing::random_operand;
using testing::random_shape;

TEST_CASE("additions and maxima broadcast as the golden layers", "[arch][random][elementwise]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> shape = random_shape(b);
      b.one_scale = b.number(0, 1) == 0;
      const bool whole = b.number(0, 3) != 0;  // otherwise both may have to be repeated
      const int left = whole ? random_map(b, shape) : random_operand(b, shape);
      const int right = random_operand(b, shape);
      const bool swap = b.number(0, 1) == 0;
      const int x = swap ? right : left, y = swap ? left : right;
      return b.one_scale ? b.maximum(x, y) : b.addition(x, y);
    });
}

TEST_CASE("gates equal the golden layer", "[arch][random][elementwise]") {
  static constexpr int kZeros[] = {-128, -128, -127, -1, 0, 1, 127};
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> shape{1, b.number(1, 14), b.number(1, 14), b.number(1, 90)};
      const int x =
          b.number(0, 1) == 0 ? random_map(b, shape) : b.unary(b.input(shape), OpKind::kRelu);
      const int gate = b.number(0, 3) == 0   ? b.constant({shape[3]})
                       : b.number(0, 2) == 0 ? b.input({1, 1, 1, shape[3]})
                       : b.number(0, 1) == 0 ? b.mean(x, {1, 2})
                                             : b.unary(b.mean(x, {1, 2}), OpKind::kLogistic);
      const auto quantization = [&](int t) -> model::Quantization& {
        return b.graph.tensors[static_cast<std::size_t>(t)].quantization;
      };
      for (const int t : {x, gate})
        if (b.number(0, 2) != 0) quantization(t).zero_point = {kZeros[b.number(0, 6)]};
      const bool swap = b.number(0, 3) == 0;
      const int out = b.binary(swap ? gate : x, swap ? x : gate, OpKind::kMul);
      quantization(out).scale = {quantization(x).scale[0] * quantization(gate).scale[0] *
                                 static_cast<float>(b.number(1, 255))};
      switch (b.number(0, 3)) {
        case 0:
          return b.addition(out, x);
        case 1:
          return b.convolution(out, b.number(1, 9), 3, 3, 1, 1, 1, 1, Padding::kSame, true);
        case 2:  // the same gate again
          return b.binary(out, gate, OpKind::kMul);
        default:
          return out;
      }
    });
}

TEST_CASE("squared differences broadcast as the golden layer", "[arch][random][elementwise]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> shape = random_shape(b);
      b.one_scale = b.number(0, 4) == 0;
      const bool whole = b.number(0, 3) != 0;  // otherwise both may have to be repeated
      const int left = whole ? random_map(b, shape) : random_operand(b, shape);
      const int right = random_operand(b, shape);
      const bool swap = b.number(0, 1) == 0;
      const int out = b.binary(swap ? right : left, swap ? left : right, OpKind::kSquaredDifference,
                               "SQUARED_DIFFERENCE");
      const auto scale = [&](int t) -> float& {
        return b.graph.tensors[static_cast<std::size_t>(t)].quantization.scale[0];
      };
      if (b.number(0, 1) == 0)
        scale(right) = scale(left) * static_cast<float>(b.number(1, 999)) / 99;
      const float largest = std::max(scale(left), scale(right));
      scale(out) = largest * largest * static_cast<float>(b.number(1, 60'000)) / 99;
      return out;
    });
}

TEST_CASE("a squared difference of too fine a scale is refused", "[arch][elementwise][error]") {
  Builder b(1);
  const int x = b.input({1, 2, 2, 4}), y = b.input({1, 2, 2, 4});
  const int out = b.binary(x, y, OpKind::kSquaredDifference, "SQUARED_DIFFERENCE");
  for (const int t : {x, y}) b.graph.tensors[static_cast<std::size_t>(t)].quantization.scale = {1};
  const auto compile = [&](float scale) {
    b.graph.tensors[static_cast<std::size_t>(out)].quantization.scale = {scale};
    b.graph.outputs = {out};
    compiler::compile(b.graph, testing::small_config(4, 4, 16, 8, 64));
  };
  CHECK_NOTHROW(compile(0x1.01p-13f));
  CHECK_THROWS_WITH(compile(0x0.ffp-13f),
                    Catch::Matchers::ContainsSubstring("op 0 SQUARED_DIFFERENCE: ") &&
                        Catch::Matchers::ContainsSubstring("scale is too small"));
}

int softmax(Builder& b, int from) {
  const int result = b.unary(from, OpKind::kSoftmax, "SOFTMAX");
  auto& quantization = b.graph.tensors[static_cast<std::size_t>(result)].quantization;
  quantization.scale = {1.0f / 256};
  quantization.zero_point = {-128};
  return result;
}

/// Adds a softmax of any steepness.
int random_softmax(Builder& b, int from) {
  static constexpr float kScales[] = {1e-6f, 0.002f, 0.1f, 0.25f, 3.0f, 1e6f};
  if (b.number(0, 1) == 0)
    b.graph.tensors[static_cast<std::size_t>(from)].quantization.scale = {kScales[b.number(0, 5)]};
  const int result = softmax(b, from);
  b.graph.ops.back().beta = b.number(0, 2) == 0 ? static_cast<float>(b.number(2, 300)) / 100 : 1;
  return result;
}

TEST_CASE("SOFTMAX equals the golden layer", "[arch][random][softmax]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      if (b.number(0, 7) == 0)
        return random_softmax(b, b.input({b.number(1, 20), b.number(1, 200)}));
      const int from = random_map(b, random_shape(b));
      const int result = random_softmax(b, from);
      switch (b.number(0, 3)) {
        case 0:
          return b.convolution(result, b.number(1, 9), 3, 3, 1, 1, 1, 1, Padding::kSame, true);
        case 1:
          return b.addition(result, random_softmax(b, from));  // a second table
        default:
          return result;
      }
    });
}

TEST_CASE("SOFTMAX over many channels equals the golden layer", "[arch][random][softmax]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const int channels = b.number(0, 7) == 0 ? b.number(601, 4095) : b.number(1, 600);
    const int from = b.input({1, 1, b.number(1, 9), channels});
    b.graph.outputs = {random_softmax(b, from)};
    Array codes = b.random_array(from);
    if (b.number(0, 2) == 0)  // almost all values equal
      for (auto& code : codes.bytes) code = b.number(0, 50) == 0 ? code : std::uint8_t{0x80};
    testing::require_exact(b.graph, testing::small_config(b.number(1, 9), 4, 128, 8, 64), {codes});
  }
}

TEST_CASE("normalizations equal the golden layer", "[arch][random][norm]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const auto norm = [&](int from) { return b.normalization(from, b.number(0, 1) == 0); };
      const bool rows = b.number(0, 3) == 0;
      std::vector<int> shape = random_shape(b);
      shape[3] = std::min(shape[3], 60);  // each channel needs parameters
      const int from = rows ? b.input({b.number(1, 20), b.number(1, 60)}) : random_map(b, shape);
      const int result = norm(from);
      switch (rows ? 3 : b.number(0, 3)) {
        case 0:
          return b.convolution(result, b.number(1, 9), 3, 3, 1, 1, 1, 1, Padding::kSame, true);
        case 1:
          return b.addition(result, norm(from));  // a second table
        case 2:
          return softmax(b, norm(result));
        default:
          return result;
      }
    });
}

TEST_CASE("normalizations over many channels equal the golden layer", "[arch][random][norm]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    static constexpr int kChannels[] = {1, 2, 7, 64, 172, 511, 768, 2048, 4095, 4096};
    Builder b(seed);
    const int from = b.input({1, 1, b.number(1, 9), kChannels[b.number(0, 9)]});
    b.graph.outputs = {b.normalization(from, seed % 2 == 0)};
    Array codes = b.random_array(from);
    if (b.number(0, 2) == 0)  // almost all values equal
      for (auto& code : codes.bytes) code = b.number(0, 50) == 0 ? code : std::uint8_t{0x75};
    spec::Config config = testing::small_config(b.number(1, 9), 4, 128, 8, 64);
    config.param_channels = 4096;
    testing::require_exact(b.graph, config, {codes});
  }
}

TEST_CASE("a normalization of more channels than parameters is refused", "[arch][norm][error]") {
  Builder b(1);
  b.graph.outputs = {b.normalization(b.input({1, 1, 2, 300}), true)};
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.param_channels = 256;
  CHECK_THROWS_WITH(compiler::compile(b.graph, config),
                    Catch::Matchers::ContainsSubstring(
                        "op 0 LAYER_NORM: tensor 3 't3': 300 elements in each row, "
                        "memory.param_channels is 256"));
}

TEST_CASE("an unsupported SOFTMAX runs on the host at the end and is refused elsewhere",
          "[arch][softmax]") {
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  const auto operators = [&](int channels, bool reshaped) {  // operators on the machine
    Builder b(1);
    b.one_scale = true;
    const int pixels = reshaped ? 2 : 1;
    const int relu = b.unary(b.input({1, 1, pixels, channels}), OpKind::kRelu, "RELU");
    b.graph.outputs = {softmax(b, b.reshape(relu, {1, pixels * channels}))};
    testing::require_exact(b.graph, config, {b.random_array(b.graph.inputs[0])});
    return compiler::compile(b.graph, config).layers.size();
  };
  CHECK(operators(12, false) == 2);
  CHECK(operators(4095, false) == 2);
  CHECK(operators(12, true) == 1);  // its channels are spread over two pixels
  for (bool spec::Config::*key : {&spec::Config::softmax, &spec::Config::vector}) {
    config = testing::small_config(4, 4, 32, 16, 64);
    config.*key = false;
    CHECK(operators(12, false) == 1);
  }
  Builder b(1);
  const int first = softmax(b, b.input({1, 3, 3, 4}));
  b.graph.outputs = {b.convolution(first, 4, 1, 1, 1, 1, 1, 1, Padding::kSame, true)};
  CHECK_THROWS_WITH(compiler::compile(b.graph, config),
                    Catch::Matchers::ContainsSubstring(
                        "op 0 SOFTMAX: tensor 1 't1': a softmax requires vector.softmax"));
}

TEST_CASE("means, sums and maxima over any axes equal the golden layers",
          "[arch][random][reduction]") {
  for (unsigned seed = 1; seed <= 4 * kSeeds; ++seed)
    check(seed, [](Builder& b) {
      std::vector<int> axes;
      int from = 0;
      const int kind = b.number(0, 3);
      if (b.number(0, 2) == 0) {  // not an image
        std::vector<int> shape;
        for (int rank = b.number(1, 5); rank > 0; --rank)
          shape.push_back(rank == 1 ? b.number(1, 40) : b.number(1, 5));
        if (shape.size() == 4) shape[0] = 1;
        from = b.unary(b.input(shape), OpKind::kRelu, "RELU");
        const int last = static_cast<int>(shape.size()) - 1;
        const int first = b.number(0, last), end = b.number(first, last);
        for (int axis = first; axis < end; ++axis) axes.push_back(axis);
        if (kind > 1 && last > 2 && first > 1) axes.push_back(first - 2);
        if (axes.empty() || b.number(0, 2) == 0) axes.push_back(last);
      } else {
        from = random_map(b, random_shape(b));
        for (int axis = 1; axis < 4; ++axis)
          if (b.number(0, 1) == 0) axes.push_back(axis);
        if (axes.empty()) axes = {3};
      }
      switch (kind) {
        case 0:
          return b.mean(from, axes);
        case 1:
          return b.sum(from, axes);
        case 2:
          return b.reduce_min(from, axes);
        default:
          return b.reduce_max(from, axes);
      }
    });
}

/// The window of a maximum over an outer axis is dilated, so that it is not fused as a pool.
TEST_CASE("a maximum over an outer axis after a mean equals the golden layer",
          "[arch][reduction]") {
  for (const int rows : {1, 4}) {
    Builder b(1);
    const int x = b.mean(b.input({2, 6, 5}), {2});
    b.graph.outputs = {b.reduce_max(x, {0})};
    testing::require_exact(b.graph, testing::small_config(rows, 4, 16, 8, 64), {b.random_array(0)});
  }
}

/// 3 turns of 63 taps instead of 17 words of 8 or 16, without bank conflicts.
TEST_CASE("each lane computes a channel word of a window that covers the map", "[arch][pool]") {
  Builder b(1);
  const int x = b.convolution(b.input({1, 7, 9, 8}), 66, 1, 1, 1, 1, 1, 1, Padding::kSame, true);
  b.graph.outputs = {b.pool(x, false, 7, 9, 1, 1, Padding::kValid)};
  const spec::Config config = testing::small_config(8, 8, 64, 64, 64);
  const RunResult result = testing::require_exact(b.graph, config, {b.random_array(0)});
  CHECK(result.layers.at(1).cycles < 300);
}

/// Adds a matrix or batches of them: an input, a function of one code, or a constant.
int random_matrices(Builder& b, const std::vector<int>& shape) {
  switch (b.number(0, 5)) {
    case 0:
      return b.constant(shape);
    case 1:
    case 2:
      return b.input(shape);
    default:
      return b.unary(b.input(shape), OpKind::kRelu, "RELU");
  }
}

TEST_CASE("products of two maps equal the golden layer", "[arch][random][matmul]") {
  for (unsigned seed = 1; seed <= 3 * kSeeds; ++seed)
    check_wide(seed, [](Builder& b) {
      const bool large = b.number(0, 3) == 0;
      const auto extent = [&] { return b.number(0, 5) == 0 ? 1 : b.number(1, large ? 90 : 20); };
      const int T = extent(), K = extent(), N = extent();
      std::vector<int> left, right;
      for (int rank = b.number(0, 2); rank > 0; --rank) {
        const int batch = rank == 2 ? 1 : b.number(1, 4);
        left.push_back(b.number(0, 4) == 0 ? 1 : batch);
        right.push_back(b.number(0, 4) == 0 ? 1 : batch);
      }
      const bool adjoint_a = b.number(0, 3) == 0, adjoint_b = b.number(0, 1) == 0;
      left.insert(left.end(), {adjoint_a ? K : T, adjoint_a ? T : K});
      right.insert(right.end(), {adjoint_b ? N : K, adjoint_b ? K : N});
      const int product =
          b.batch_matmul(b.number(0, 1) == 0 ? b.input(left) : random_matrices(b, left),
                         random_matrices(b, right), adjoint_a, adjoint_b);
      return b.number(0, 2) == 0 ? b.unary(product, OpKind::kRelu6, "RELU6") : product;
    });
}

TEST_CASE("rows that are stored in another layout are put in order", "[arch][elementwise]") {
  Builder b(1);
  const auto map = [&](int rows, int channels) {
    return b.unary(b.input({rows, channels}), OpKind::kRelu, "RELU");
  };
  const spec::Config config = testing::small_config(5, 7, 16, 8, 64);
  enum Rows { kOperandOfTwo, kSumOfProduct, kPartsOfPixels };
  const auto rows = GENERATE(kOperandOfTwo, kSumOfProduct, kPartsOfPixels);
  CAPTURE(rows);
  if (rows == kOperandOfTwo) {
    const int x = b.reshape(map(6, 8), {12, 4}), y = map(12, 4);
    const bool swap = GENERATE(false, true);
    const auto kind = GENERATE(OpKind::kAdd, OpKind::kMul, OpKind::kSquaredDifference);
    b.graph.outputs = {b.binary(swap ? y : x, swap ? x : y, kind, "binary")};
    b.set_quantization(b.graph.outputs[0], 1.0f, 3);
  } else if (rows == kSumOfProduct) {
    const int x = b.reshape(map(6, 8), {12, 4});
    b.graph.outputs = {b.addition(b.fully_connected(map(12, 9), 9, 4), x)};
  } else {  // for FULLY_CONNECTED
    b.graph.outputs = {b.fully_connected(b.reshape(map(6, 24), {18, 8}), 8, 9)};
  }
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
  testing::require_exact(b.graph, config, inputs);
}

/// Adds products whose rows are a pixel's channels, and turns the rows into a pixel's channels
/// again.
int products_of_channels(Builder& b) {
  b.one_scale = true;
  const int shared = b.number(1, 3), heads = b.number(1, 4), head = 4 * b.number(1, 6);
  const int row = shared * heads * head;
  const int x = b.fully_connected(b.input({1, 20}), 20, row);
  if (b.number(0, 1) == 0)
    return b.batch_matmul(b.reshape(x, {heads, shared, head}),
                          random_matrices(b, {heads, b.number(1, 40), head}), false, true);
  const int turned = b.fully_connected(b.reshape(x, {heads * shared, head}), head, head);
  return b.concatenation({b.reshape(turned, {1, row}), b.input({b.number(1, 9), row})}, 0);
}

TEST_CASE("products whose rows are channels of a pixel equal the golden layer",
          "[arch][random][matmul]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed) check_wide(seed, products_of_channels);
}

TEST_CASE("products that become channels of a pixel are never transposed", "[arch][matmul]") {
  // There, where this network was cheaper, eleven of twelve rows were not stored. Upright they are
  // 288 words apart: a column to the machine.
  check(202'684, products_of_channels);
}

TEST_CASE("products of two maps need their hardware and at least two columns",
          "[arch][matmul][error]") {
  Builder b(1);
  b.graph.outputs = {b.batch_matmul(b.input({3, 4}), b.input({5, 4}), false, true)};
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.matmul = false;
  REQUIRE_THROWS_WITH(compiler::compile(b.graph, config),
                      Catch::Matchers::ContainsSubstring("(matmul.enable)"));
  config = testing::small_config(4, 1, 32, 16, 64);
  REQUIRE_THROWS_WITH(compiler::compile(b.graph, config),
                      Catch::Matchers::ContainsSubstring("2 columns or more"));
}

TEST_CASE("channels that were pixels need products of two maps", "[arch][transpose][error]") {
  Builder b(1);
  const int x = b.transpose(b.unary(b.input({2, 5}), OpKind::kRelu, "RELU"), {1, 0});
  b.graph.outputs = {b.unary(x, OpKind::kRelu6, "RELU6")};
  spec::Config config = testing::small_config(4, 4, 32, 16, 64);
  config.matmul = false;
  REQUIRE_THROWS_WITH(compiler::compile(b.graph, config),
                      Catch::Matchers::ContainsSubstring("(matmul.enable)"));
}

TEST_CASE("axes in any order equal the golden layers", "[arch][random][transpose]") {
  unsigned refused = 0;
  for (unsigned seed = 1; seed <= 3 * kSeeds; ++seed) {
    const auto make = [](Builder& b) {
      const int rank = b.number(2, 5);
      std::vector<int> shape;
      for (int i = 0; i < rank; ++i)
        shape.push_back(b.number(0, 4) == 0 ? 1 : b.number(1, rank > 3 ? 7 : 24));
      if (rank == 4) shape[0] = 1;
      int x = b.unary(b.input(shape), OpKind::kRelu, "RELU");
      for (int i = b.number(1, 3); i > 0; --i) {
        std::vector<int> order(b.shape(x).size());
        std::iota(order.begin(), order.end(), 0);
        const int first = order.size() == 4 ? 1 : 0;  // one image
        for (int k = static_cast<int>(order.size()) - 1; k > first; --k)
          std::swap(order[static_cast<std::size_t>(k)],
                    order[static_cast<std::size_t>(b.number(first, k))]);
        x = b.transpose(x, order);
        if (b.number(0, 2) != 0) continue;
        // Two neighbours joined, or one split.
        std::vector<int> to = b.shape(x);
        const auto axis = static_cast<std::size_t>(b.number(0, static_cast<int>(to.size()) - 2));
        if (b.number(0, 1) == 0) {
          to[axis] *= to[axis + 1];
          to.erase(to.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
        } else if (to[axis] % 2 == 0) {
          to[axis] /= 2;
          to.insert(to.begin() + static_cast<std::ptrdiff_t>(axis), 2);
        }
        if (to.size() < 2 || (to.size() == 4 && to[0] != 1)) continue;
        x = b.reshape(x, to);
      }
      return b.unary(x, OpKind::kRelu6, "RELU6");
    };
    try {
      check_wide(seed, make);
    } catch (const Error& e) {
      CAPTURE(seed);
      REQUIRE_THAT(e.what(), Catch::Matchers::ContainsSubstring("splits channels"));
      ++refused;
    }
  }
  CHECK(refused < kSeeds / 10);
}

TEST_CASE("attention equals the golden layers", "[arch][random][matmul][transpose]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed)
    check_wide(seed, [](Builder& b) {
      const int T = b.number(1, 24), heads = b.number(1, 4),
                d = b.number(1, 12) * (b.number(0, 2) == 0 ? 1 : 4);
      const int D = heads * d;
      const bool adjoint = b.number(0, 1) == 0;
      const int x = b.unary(b.input({T, b.number(1, 20)}), OpKind::kRelu, "RELU");
      const auto head = [&](const std::vector<int>& order) {
        const int all = b.fully_connected(x, b.shape(x)[1], D);
        return b.transpose(b.reshape(all, {1, T, heads, d}), order);
      };
      const int q = head({0, 2, 1, 3}),
                k = head(adjoint ? std::vector<int>{0, 2, 1, 3} : std::vector<int>{0, 2, 3, 1});
      const int scores = b.batch_matmul(q, k, false, adjoint);
      const int weights = b.number(0, 1) == 0 ? b.unary(scores, OpKind::kLogistic, "LOGISTIC")
                                              : random_softmax(b, scores);
      const int mixed = b.batch_matmul(weights, head({0, 2, 1, 3}), false, false);
      const int joined = b.reshape(b.transpose(mixed, {0, 2, 1, 3}), {T, D});
      return b.fully_connected(joined, D, b.number(1, 20));
    });
}

TEST_CASE("a product of SOFTMAX results with themselves equals the golden layer",
          "[arch][matmul][softmax]") {
  Builder b(1);
  const int x = b.input({6, 6});
  const int shares = softmax(b, b.batch_matmul(x, x, false, true));
  b.graph.outputs = {b.batch_matmul(shares, shares, false, true)};
  b.set_quantization(b.graph.outputs[0], 1.0f / 128, -128);
  for (const int rows : {1, 4})
    testing::require_exact(b.graph, testing::small_config(rows, 4, 16, 8, 64), {b.random_array(x)});
}

/// Heads of that size over maps of [tokens][channels].
int attention(Builder& b, int tokens, int heads, int size) {
  const auto head = [&] {
    const int x = b.input({1, tokens, heads * size});
    const int from = b.number(0, 1) == 0 ? x : b.unary(x, OpKind::kRelu, "RELU");
    return b.transpose(b.reshape(from, {1, tokens, heads, size}), {0, 2, 1, 3});
  };
  const int q = head(), k = head();
  const int weights = random_softmax(b, b.batch_matmul(q, k, false, true));
  const int mixed = b.batch_matmul(weights, head(), false, false);
  if (b.number(0, 2) == 0) return mixed;
  return b.reshape(b.transpose(mixed, {0, 2, 1, 3}), {1, tokens, heads * size});
}

TEST_CASE("attention of any length and size of heads equals the golden layers",
          "[arch][random][matmul][softmax]") {
  static constexpr int kArrays[][2] = {{3, 5}, {8, 8}, {16, 16}, {5, 7}};
  static constexpr int kKib[] = {32, 64, 256};
  unsigned seed = 0;
  for (const int tokens : {1, 7, 128, 511})
    for (const int size : {16, 32, 64, 80}) {
      CAPTURE(tokens, size, ++seed);
      Builder b(seed);
      const auto& array = kArrays[b.number(0, 3)];
      const spec::Config config =
          testing::small_config(array[0], array[1], kKib[b.number(0, 2)], kKib[b.number(0, 2)], 64);
      CAPTURE(config.to_toml());
      b.graph.outputs = {attention(b, tokens, b.number(1, 3), size)};
      b.graph = model::expanded(std::move(b.graph));
      std::vector<Array> inputs;
      for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
      testing::require_exact(b.graph, config, inputs);
    }
}

TEST_CASE("PRELU equals TFLite's, with one slope or many", "[arch][random][elementwise]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed)
    check(seed, [](Builder& b) {
      const std::vector<int> s = random_shape(b);
      const int x = random_map(b, s);
      std::vector<int> slopes{1, 1, s[3]};
      if (b.number(0, 2) == 0) slopes = {s[1], s[2], 1};
      if (b.number(0, 2) == 0) slopes = {1};
      const int like = b.activation("out", s);
      return b.expandable("PRELU", {x, b.constant(slopes)}, like, {s})[0];
    });
}

}  // namespace
}  // namespace trine::sim
