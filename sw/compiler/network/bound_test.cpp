// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/network/bound.h"

#include "sw/base/catch.h"
#include "sw/compiler/partition/ends.h"
#include "tools/random/testing.h"

namespace trine::compiler {
namespace {

using fuzz::Builder;
using model::OpKind;
using model::Padding;

/// Returns the bound of the network's last layer on 8 lanes and 8 columns.
std::int64_t bound(Builder& b, int output, int columns_per_cycle = 1) {
  b.graph.outputs = {output};
  spec::Config config = fuzz::small_config(8, 8, 64, 64, 64);
  config.columns_per_cycle = columns_per_cycle;
  const Network network = lower(b.graph, config, reference::kDoublePolicy);
  return bound_of(network.layers.back(), network, config);
}

TEST_CASE("the bound of a layer counts whole tiles and draining", "[compiler][bound]") {
  Builder b(1);
  const int x = b.input({1, 10, 9, 12});
  const auto convolution = [&](int from, int filters, int window, int stride) {
    return b.convolution(from, filters, window, window, stride, stride, 1, 1, Padding::kSame, true);
  };
  // 90 pixels are 12 tiles of 8; 9 filters are 2 of 8 columns; 9 taps of 3 words.
  CHECK(bound(b, convolution(x, 9, 3, 1)) == 12 * 2 * 27);
  // 3 words are fewer steps than columns to drain, at one or two per cycle.
  const int one = convolution(x, 8, 1, 1);
  CHECK(bound(b, one) == 12 * 8);
  CHECK(bound(b, one, 2) == 12 * 4);
  // 5 x 5 outputs.
  CHECK(bound(b, convolution(x, 16, 3, 2)) == 4 * 2 * 27);
  CHECK(bound(b, b.fully_connected(b.input({1, 1080}), 1080, 20)) == 3 * 270);
}

TEST_CASE("the bound of a depthwise layer counts lanes that row ends lose", "[compiler][bound]") {
  Builder b(2);
  const int x = b.input({1, 12, 20, 12});
  const auto depthwise = [&](int stride) {
    return b.depthwise(x, 1, 3, 3, stride, stride, 1, 1, Padding::kSame, true);
  };
  // Three groups of 4 columns that are drained in 4 cycles: 240 pixels on 8 lanes; 6 rows of 10.
  CHECK(bound(b, depthwise(1)) == 30 * 3 * 4);
  CHECK(bound(b, depthwise(1), 2) == 30 * 3 * 3);
  CHECK(bound(b, depthwise(2)) == 6 * 2 * 3 * 4);
}

TEST_CASE("a layer without products is bound by one element per lane and cycle",
          "[compiler][bound]") {
  Builder b(3);
  const int x = b.input({1, 8, 8, 6});
  CHECK(bound(b, b.pool(x, true, 2, 2, 2, 2, Padding::kValid)) == 4 * 4 * 6 / 8);
  CHECK(bound(b, b.addition(x, b.input({1, 8, 8, 6}))) == 8 * 8 * 6 / 8);
  // The average of 8 x 8: two words of channels, 16 steps.
  CHECK(bound(b, b.pool(x, false, 8, 8, 8, 8, Padding::kValid)) == 2 * 16);
}

}  // namespace
}  // namespace trine::compiler
