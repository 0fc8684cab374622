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

}  // namespace
}  // namespace trine::compiler
