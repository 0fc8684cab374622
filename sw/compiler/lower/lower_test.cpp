// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/lower/lower.h"

#include <catch2/catch.hpp>

#include "tools/fuzz/testing.h"

namespace trine::compiler {
namespace {

using fuzz::Builder;
using model::OpKind;
using model::Reason;

TEST_CASE("refusals come back as a value, all at once, those found in the work as well",
          "[compiler][lower][error]") {
  Builder b(1);
  const int turned = b.transpose(b.unary(b.input({2, 5}), OpKind::kRelu, "RELU"), {1, 0});
  const int ordered = b.unary(turned, OpKind::kRelu6, "RELU6");  // channels that were pixels
  b.graph.outputs = {b.batch_matmul(ordered, b.input({3, 2}), false, true)};
  machine::Config config = fuzz::small_config(4, 4, 32, 16, 64);
  CHECK_FALSE(try_lower(b.graph, config, reference::kDoublePolicy).refused);
  config.matmul = false;
  const Lowered lowered = try_lower(b.graph, config, reference::kDoublePolicy);
  REQUIRE(lowered.refused);
  CHECK(lowered.refused->ops == std::vector{2, 3});
  CHECK(lowered.refused->reasons() == std::vector{Reason::kConfiguration, Reason::kConfiguration});
  const std::string text = lowered.refused->what();
  CHECK_THAT(text, Catch::Contains("op 1 TRANSPOSE") && Catch::Contains("op 3 BATCH_MATMUL"));
  CHECK_THROWS_AS(lower(b.graph, config, reference::kDoublePolicy), Unsupported);
}

TEST_CASE("outputs of a transposed convolution whose taps lie outside have layers without them",
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
  CHECK(taps(2) == Taps{{0, 3}, {0, 3}});  // their weights would come twice
  CHECK(taps(40) ==
        Taps{{0, 1}, {0, 1}, {1, 2}, {1, 2}, {2, 3}, {2, 3}, {40, 2}, {40, 2}, {41, 1}, {41, 1}});
}

}  // namespace
}  // namespace trine::compiler
