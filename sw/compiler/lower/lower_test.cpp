// SPDX-License-Identifier: Apache-2.0

#include <numeric>

#include "sw/base/catch.h"
#include "sw/compiler/partition/ends.h"
#include "tools/random/testing.h"

namespace trine::compiler {
namespace {

using fuzz::Builder;
using model::OpKind;
using model::Reason;

TEST_CASE("all refusals are returned as one value, including those found while lowering",
          "[compiler][lower][error]") {
  Builder b(1);
  const int turned = b.transpose(b.unary(b.input({2, 5}), OpKind::kRelu, "RELU"), {1, 0});
  const int ordered = b.unary(turned, OpKind::kRelu6, "RELU6");  // channels that were pixels
  b.graph.outputs = {b.batch_matmul(ordered, b.input({3, 2}), false, true)};
  spec::Config config = fuzz::small_config(4, 4, 32, 16, 64);
  CHECK_FALSE(try_lower(b.graph, config, reference::kDoublePolicy).refused);
  config.matmul = false;
  const Lowered lowered = try_lower(b.graph, config, reference::kDoublePolicy);
  REQUIRE(lowered.refused);
  CHECK(lowered.refused->ops == std::vector{2, 3});
  CHECK(lowered.refused->reasons() == std::vector{Reason::kConfiguration, Reason::kConfiguration});
  const std::string text = lowered.refused->what();
  CHECK_THAT(text, Catch::Matchers::ContainsSubstring("op 1 TRANSPOSE") &&
                       Catch::Matchers::ContainsSubstring("op 3 BATCH_MATMUL"));
  CHECK_THROWS_AS(lower(b.graph, config, reference::kDoublePolicy), Unsupported);
}

TEST_CASE("layers of a transposed convolution leave out taps outside of the input",
          "[compiler][lower]") {
  const auto taps = [](int rows) {
    Builder b(1);
    const int x = b.input({1, rows, 12, 64});
    b.graph.outputs = {
        b.transpose_convolution(x, 64, 3, 4, 1, 2, rows + 2, 26, model::Padding::kValid, false)};
    const Network net =
        lower(b.graph, fuzz::small_config(8, 8, 4096, 1024, 64), reference::kDoublePolicy);
    std::vector<std::pair<int, int>> found;  // first row of the output, rows of the filter
    std::int64_t macs = 0;
    for (const Layer& l : net.layers) {
      found.emplace_back(net.maps[at(l.output)].part.y, l.window.R);
      macs += l.macs;
    }
    CHECK(macs == std::int64_t{rows} * 12 * 3 * 4 * 64 * 64);
    return found;
  };
  using Taps = std::vector<std::pair<int, int>>;
  CHECK(taps(1) == Taps{{0, 1}, {0, 1}, {1, 1}, {1, 1}, {2, 1}, {2, 1}});
  CHECK(taps(2) == Taps{{0, 3}, {0, 3}});  // else their weights would be loaded twice
  CHECK(taps(40) ==
        Taps{{0, 1}, {0, 1}, {1, 2}, {1, 2}, {2, 3}, {2, 3}, {40, 2}, {40, 2}, {41, 1}, {41, 1}});
}

TEST_CASE("a map of one channel times a scalar without axes is lowered", "[compiler][lower]") {
  Builder b(1);
  const int scalar = b.constant({1});
  b.graph.tensors[at(scalar)].shape.clear();
  b.graph.outputs = {b.binary(b.input({1, 4, 4, 1}), scalar, OpKind::kMul)};
  spec::Config config = fuzz::small_config(8, 8, 64, 32, 64);
  config.table = false;
  CHECK_NOTHROW(lower(b.graph, config, reference::kDoublePolicy));
}

TEST_CASE("a code per channel becomes weights of the array where that saves cycles",
          "[compiler][lower]") {
  struct Case {
    std::vector<int> map{1, 7, 7, 24}, gate{1, 1, 1, 24};
    int zero_point = -128;
    bool constant = false;
    spec::Config config = fuzz::small_config(8, 8, 64, 32, 64);
  };
  /// Returns the steps of a group and the number of steps with computed codes, or nothing for MUL
  /// of the vector unit.
  const auto steps = [](const Case& c) {
    Builder b(1);
    const int x = b.input(c.map), gate = c.constant ? b.constant(c.gate) : b.input(c.gate);
    b.graph.tensors[at(gate)].quantization.zero_point = {c.zero_point};
    b.graph.outputs = {b.binary(gate, x, OpKind::kMul)};
    const Network net = lower(b.graph, c.config, reference::kDoublePolicy);
    const Layer& l = net.layers.back();
    if (l.kind == LayerKind::kMul) return std::pair(0, 0);
    CHECK(net.layers.size() == 1);
    CHECK(l.is_gate() == !c.constant);
    if (l.is_gate()) CHECK((net.maps[at(l.weights_map)].shape == Shape{24, 1, 1}));
    for (int m = 0; m < l.channels; ++m) {
      const auto first = l.conv().weights.begin();
      const int code = c.constant ? b.graph.tensors[at(gate)].values<std::int8_t>()[at(m)] : 0;
      CHECK(std::accumulate(first + l.weight_at(m, 0), first + l.weight_at(m + 1, 0), 0) ==
            code - c.zero_point);
    }
    return std::pair(l.steps(), l.conv().gate_words);
  };
  const auto with = [](int rows, int cols, int columns_per_cycle = 1) {
    Case c;
    c.config = fuzz::small_config(rows, cols, 64, 32, 64);
    c.config.columns_per_cycle = columns_per_cycle;
    return c;
  };
  using Steps = std::pair<int, int>;
  CHECK(steps(with(2, 4)) == Steps{3, 1});
  CHECK(steps(with(8, 8)) == Steps{3, 2});
  CHECK(steps(with(8, 16)) == Steps{4, 4});
  CHECK(steps(with(16, 16, 2)) == Steps{3, 3});
  CHECK(steps(with(8, 64)) == Steps{4, 4});
  Case c;
  SECTION("zero points of seven bits take two steps") {
    for (const int zero_point : {-127, -1, 0, 1, 127}) {
      c.zero_point = zero_point;
      CHECK(steps(c) == Steps{2, 2});
    }
  }
  SECTION("few pixels") {
    for (const int pixels : {1, 2}) {
      c.map = {1, 1, pixels, 24};
      CHECK(steps(c) == Steps{});
    }
  }
  SECTION("no window former") {
    c.config.depthwise = false;
    CHECK(steps(c) == Steps{});
  }
  SECTION("no products of two maps") {
    c.config.matmul = false;
    CHECK(steps(c) == Steps{});
  }
  SECTION("constants do not need products of two maps") {
    c.constant = true;
    c.config.matmul = false;
    for (const int zero_point : {-128, 0, 127}) {
      c.zero_point = zero_point;
      CHECK(steps(c) == Steps{zero_point == 0 ? 1 : 2, 0});
    }
  }
}

}  // namespace
}  // namespace trine::compiler
