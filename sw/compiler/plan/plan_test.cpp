// SPDX-License-Identifier: Apache-2.0
//
// Checks how much work a plan is. It counts steps, because seconds depend on what else runs.

#include "sw/compiler/plan/plan.h"

#include "sw/base/catch.h"
#include "sw/base/ties.h"
#include "sw/compiler/partition/ends.h"
#include "sw/compiler/rewrite/rewrite.h"
#include "tests/compiler/testing.h"
#include "tools/random/networks.h"

namespace trine::compiler {
namespace {

using sim::testing::Builder;

/// Returns a graph of convolutions whose results are added to their inputs.
model::Graph chain(int blocks) {
  Builder b(1);
  int x = b.input({1, 64, 64, 32});
  for (int i = 0; i < blocks; ++i)
    x = b.addition(b.convolution(x, 32, 1, 1, 1, 1, 1, 1, model::Padding::kSame, false), x);
  b.graph.outputs = {x};
  return b.graph;
}

/// Returns a graph in which the images of a batch go through the same convolutions one by one.
model::Graph images(int count) {
  Builder b(1);
  int x = b.input({1, 32, 32, 16});
  for (int i = 0; i < 10; ++i)
    x = b.convolution(x, 16, 3, 3, 1, 1, 1, 1, model::Padding::kSame, false);
  b.graph.outputs = {x};
  fuzz::make_batch(b, count);
  return rewritten(b.graph, {});
}

Plan plan_of(const model::Graph& graph, const char* preset) {
  const spec::Config config = spec::load_config(preset);
  return plan(lower(graph, config, reference::kDoublePolicy), config).value();
}

TEST_CASE("planning effort grows in proportion to the layers of a chain", "[compiler][plan]") {
  const Plan small = plan_of(chain(20), "edge256"), large = plan_of(chain(60), "edge256");
  CHECK(small.spilled > 0);
  CAPTURE(small.tiled, large.tiled, small.visited, large.visited);
  CHECK(large.tiled < 4 * small.tiled);
  CHECK(large.visited < 4 * small.visited);
}

/// All images are alive at once, so each placement checks against each other one, and 26 plans are
/// compared.
TEST_CASE("planning a batch cuts each layer a few times", "[compiler][plan]") {
  constexpr int kImages = 64;
  const Plan plan = plan_of(images(kImages), "edge64");
  const auto layers = static_cast<std::int64_t>(plan.tilings.size());
  CHECK(plan.spilled > kImages);
  CAPTURE(plan.tiled, plan.visited, layers);
  CHECK(plan.tiled < 5 * layers);
  CHECK(plan.visited < 100 * layers * layers);
}

TEST_CASE("a chain of ties is followed once", "[compiler][plan]") {
  constexpr int kCount = 20'000;
  Ties ties(kCount);
  for (int i = 0; i + 1 < kCount; ++i) ties.tie(i, i + 1);
  for (int i = 0; i < kCount; ++i) REQUIRE(ties.root(i) == kCount - 1);
  CHECK(ties.steps() < 10 * kCount);
}

}  // namespace
}  // namespace trine::compiler
