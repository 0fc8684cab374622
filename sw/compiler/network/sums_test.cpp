// SPDX-License-Identifier: Apache-2.0
//
// Checks how many bits the array's sums need, against all codes. Runs programs at the bound and
// beyond it.

#include <algorithm>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "sw/base/catch.h"
#include "sw/compiler/network/network.h"
#include "tests/compiler/testing.h"

namespace trine::compiler {
namespace {

/// Returns a convolution of int8 maps with one tap and one output channel.
Layer layer_of(std::vector<std::int8_t> weights) {
  Layer layer;
  layer.channels = 1;
  layer.words = static_cast<int>(weights.size()) / 4;
  layer.conv().weights = std::move(weights);
  return layer;
}

int bits_of(std::int64_t low, std::int64_t high) {
  int bits = 1;
  for (std::int64_t least = -1, most = 0; low < least || high > most; ++bits) {
    least *= 2;
    most = -least - 1;
  }
  return bits;
}

/// A product of 64 codes whose input and weights are all -128: 64 * 2^14 = 2^20.
struct Product {
  sim::testing::Builder b{3};
  int in = b.input({1, 1, 1, 64});
  Array codes;

  Product() {
    b.graph.outputs = {b.fully_connected(in, 64, 4)};
    auto& weights = b.graph.tensors[at(b.graph.ops[0].inputs[1])].data.edit();
    std::ranges::fill(weights, std::uint8_t{0x80});
    codes = b.random_array(in);
    std::ranges::fill(codes.bytes, std::uint8_t{0x80});
  }
};

spec::Config config_of(int acc_bits) {
  spec::Config config = sim::testing::small_config(3, 5, 8, 8, 64);
  config.acc_bits = acc_bits;
  return config;
}

}  // namespace

TEST_CASE("sums of constant weights need the bits of their extremes", "[compiler][sums]") {
  std::mt19937 random{5};
  for (int i = 0; i < 100; ++i) {
    std::vector<std::int8_t> weights(4 * (1 + random() % 40));
    for (auto& w : weights) w = static_cast<std::int8_t>(random());
    std::int64_t low = 0, high = 0;
    for (const int w : weights) {
      int least = 0, most = 0;
      for (int code = -128; code < 128; ++code) {
        least = std::min(least, w * code);
        most = std::max(most, w * code);
      }
      low += least;
      high += most;
    }
    CAPTURE(i, low, high);
    CHECK(sum_bits(layer_of(weights)) == bits_of(low, high));
  }
}

TEST_CASE("sums of two maps need the bits of all pairs of codes", "[compiler][sums]") {
  for (const auto& [za, zb] : {std::pair{0, 0}, {-128, 0}, {127, -128}, {-128, -128}, {5, -7}}) {
    std::int64_t low = 0, high = 0;
    for (int a = -128; a < 128; ++a)
      for (int b = -128; b < 128; ++b) {
        const std::int64_t term = std::int64_t{a} * b - za * b - zb * a;
        low = std::min(low, term);
        high = std::max(high, term);
      }
    Layer layer = layer_of({});
    layer.words = 9;
    layer.weights_map = 0;
    layer.conv().zero_point = za;
    layer.conv().weights_zero = zb;
    CAPTURE(za, zb);
    CHECK(sum_bits(layer) == bits_of(36 * low, 36 * high));
  }
}

TEST_CASE("sums of low bytes lack the zero points' product in every lane", "[compiler][sums]") {
  Layer layer = layer_of(std::vector<std::int8_t>(36, -128));  // weights of 0, zero point -128
  layer.conv().precision = isa::compute::Op::kMatmul16;
  layer.conv().zero_point = layer.conv().weights_zero = -128;
  CHECK(sum_bits(layer) == bits_of(-36 * 128 * 128, 0));
  layer.conv().weights_zero = 0;
  CHECK(sum_bits(layer) == bits_of(-36 * 128 * 255, 36 * 128 * 128));
}

TEST_CASE("sums of ternary and binary maps need the bits of their lanes", "[compiler][sums]") {
  Layer layer = layer_of(std::vector<std::int8_t>(128, 1));
  layer.words = 4;
  layer.conv().precision = isa::compute::Op::kBinary;
  layer.conv().step_codes = 32;
  CHECK(sum_bits(layer) == bits_of(-128, 128));
  std::ranges::fill(layer.conv().weights.edit(),
                    std::int8_t{0});  // unused lanes of a step are counted, too
  CHECK(sum_bits(layer) == bits_of(-128, 128));
  layer.words = 8;
  layer.conv().precision = isa::compute::Op::kTernary;
  layer.conv().step_codes = 16;
  for (const std::size_t i : {0, 127}) layer.conv().weights.edit()[i] = -1;
  CHECK(sum_bits(layer) == bits_of(-2, 2));
}

TEST_CASE("a sum that an accumulator holds is exact and one bit more is refused",
          "[compiler][sums][error]") {
  Product product;
  sim::testing::require_exact(product.b.graph, config_of(22), {product.codes});
  try {
    compile(product.b.graph, config_of(21), {});
    FAIL("compiled");
  } catch (const Error& e) {
    const std::string text = e.what();
    CHECK_THAT(text, Catch::Matchers::ContainsSubstring(
                         "op 0 FULLY_CONNECTED: its sums need 22 bits, but array.acc_bits "
                         "is 21"));
  }
}

TEST_CASE("an accumulator keeps the low bits of a sum", "[compiler][sums]") {
  Product product;
  Program program = compile(product.b.graph, config_of(32), {});
  program.config.acc_bits = 21;  // which the compiler refuses
  program.config_hash = program.words.front() = program.config.hash();
  const auto wrapped = sim::run_arch(program, {product.codes});
  const auto expected = reference::outputs_of(
      product.b.graph, reference::run_graph(product.b.graph, {product.codes}, {}));
  CHECK(first_difference(program, wrapped.outputs, expected) != "");
}

}  // namespace trine::compiler
