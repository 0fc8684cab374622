// SPDX-License-Identifier: Apache-2.0
//
// Checks shapes at the edges of what a model can contain, on arrays of every proportion, against
// the golden layers.

#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using model::OpKind;
using model::Padding;
using testing::Builder;
using testing::small_config;
using testing::text_of;

#ifdef TRINE_SLOW_TESTS
constexpr unsigned kShapeSeeds = 1000;
#else
constexpr unsigned kShapeSeeds = 40;
#endif

constexpr int kArrays[][2] = {{1, 1}, {1, 8}, {8, 1}, {3, 5}, {32, 32}};

/// Returns mostly 1, or a number that fits no array, or a large one.
int odd(Builder& b, int most) {
  switch (b.number(0, 3)) {
    case 0:
      return b.number(1, 3);
    case 1:
      return b.number(1, most);
    default:
      return 1;
  }
}

Padding padding_for(Builder& b, int extent, int reach) {
  return extent >= reach && b.number(0, 1) == 0 ? Padding::kValid : Padding::kSame;
}

/// Adds a window that is larger than the image, dilated beyond it, or moved beyond it.
int odd_window(Builder& b, int x) {
  const std::vector<int> s = b.shape(x);
  const int R = odd(b, 9), S = odd(b, 9), stride_h = odd(b, 40), stride_w = odd(b, 255);
  const int dil_h = odd(b, 30), dil_w = odd(b, 30);
  const bool valid = s[1] >= (R - 1) * dil_h + 1 && s[2] >= (S - 1) * dil_w + 1;
  const Padding padding = valid && b.number(0, 1) == 0 ? Padding::kValid : Padding::kSame;
  switch (b.number(0, 3)) {
    case 0:
      return b.depthwise(x, odd(b, 4), R, S, stride_h, stride_w, dil_h, dil_w, padding, true);
    case 1:
      return b.pool(x, b.number(0, 1) == 0, R, S, stride_h, stride_w,
                    padding_for(b, std::min(s[1] - R, s[2] - S), 0));
    default:
      return b.convolution(x, odd(b, 70), R, S, stride_h, stride_w, dil_h, dil_w, padding, true);
  }
}

int odd_operator(Builder& b, int x) {
  const std::vector<int> s = b.shape(x);
  switch (b.number(0, 11)) {
    case 0:
      return b.unary(x, OpKind::kHardSwish, "HARD_SWISH");
    case 1:
      return b.addition(x, b.constant({s[3]}));
    case 2:
      return b.pad(x, {0, 0, odd(b, 5), 0, 0, odd(b, 9), 0, 0});
    case 3:
      return b.mean(x, {1, 2});
    case 4:
      return b.reduce_max(x, {b.number(1, 3)});
    case 5:
      return b.resize(x, false, odd(b, 9), odd(b, 9), false, b.number(0, 1) == 0);
    case 6:
      return b.transpose_convolution(x, odd(b, 9), odd(b, 4), odd(b, 4), 3, 2, 3 * s[1], 2 * s[2],
                                     Padding::kSame, true);
    case 7:
      return b.concatenation({x, x}, b.number(1, 3));
    default:
      return odd_window(b, x);
  }
}

TEST_CASE("odd shapes equal the golden layers on odd arrays", "[arch][random][odd]") {
  for (unsigned seed = 1; seed <= kShapeSeeds; ++seed)
    for (const auto& array : kArrays) {
      CAPTURE(seed);
      Builder b(seed);
      const spec::Config config = small_config(array[0], array[1], 16, 16, 64);
      b.one_scale = true;
      int x = b.input({1, odd(b, 20), odd(b, 40), odd(b, 1000)});
      for (int i = b.number(1, 3); i > 0 && b.graph.tensor(x).elements() < 30000; --i)
        x = odd_operator(b, x);
      b.graph.outputs = {x};
      CAPTURE(config.to_toml(), text_of(b.graph));
      testing::require_exact(b.graph, config, {b.random_array(b.graph.inputs[0])});
    }
}

TEST_CASE("a thousand channels of one pixel equal the golden layers", "[arch][odd]") {
  for (const auto& array : kArrays) {
    Builder b(1);
    const int x = b.input({1, 1, 1, 1000});
    const int y = b.convolution(x, 1001, 1, 1, 1, 1, 1, 1, Padding::kValid, true);
    b.graph.outputs = {b.depthwise(y, 1, 5, 5, 2, 2, 3, 3, Padding::kSame, true)};
    testing::require_exact(b.graph, small_config(array[0], array[1], 16, 16, 64),
                           {b.random_array(x)});
  }
}

}  // namespace
/// Lanes can represent distances of up to 8,191 rows or columns.
TEST_CASE("rows and columns longer than the lane counters are cut into RUNs", "[arch][shapes]") {
  const auto check = [](const std::vector<int>& shape, const auto& layer) {
    Builder b(1);
    const int in = b.input(shape);
    b.graph.outputs = {layer(b, in)};
    CAPTURE(shape);
    testing::require_exact(b.graph, small_config(8, 8, 128, 64, 64), {b.random_array(in)});
  };
  const auto convolution = [](Builder& b, int x) {
    return b.convolution(x, 4, 1, 1, 1, 1, 1, 1, Padding::kValid, true);
  };
  const auto wide = [&](Builder& b, int x) { return convolution(b, b.pad(x, 0, 0, 20, 20)); };
  const auto tall = [&](Builder& b, int x) { return convolution(b, b.pad(x, 20, 20, 0, 0)); };
  const auto pool = [](Builder& b, int x) { return b.pool(x, true, 1, 3, 1, 1, Padding::kSame); };
  const auto strided = [](Builder& b, int x) {
    return b.pool(x, true, 1, 3, 1, 3, Padding::kSame);
  };
  const auto sum = [&](Builder& b, int x) { return b.addition(x, pool(b, x)); };
  const auto padded = [](Builder& b, int x) { return b.pad(x, 0, 0, 900, 900); };
  check({1, 1, 8165, 4}, wide);
  check({1, 8165, 1, 4}, tall);
  check({1, 1, 8000, 4}, padded);
  check({1, 1, 9000, 4}, convolution);
  check({1, 1, 20000, 4}, pool);
  check({1, 1, 8190, 4}, strided);
  check({1, 1, 9001, 4}, sum);
}

}  // namespace trine::sim
