// SPDX-License-Identifier: Apache-2.0
//
// Provides small programs and checks refusals of damaged ones.

#pragma once

#include "sw/base/catch.h"
#include "sw/program/program.h"
#include "tests/compiler/testing.h"

namespace trine::program::testing {

using compiler::compile;
using sim::testing::Builder;

/// Compiles a small network whose SOFTMAX runs on the host.
inline Program small_program(unsigned seed = 3) {
  Builder b(seed);
  const int in = b.input({1, 9, 9, 5});
  const int t = b.convolution(in, 12, 3, 3, 1, 1, 1, 1, model::Padding::kSame, true);
  b.graph.outputs = {b.unary(b.mean(t, {1, 2}), model::OpKind::kSoftmax, "SOFTMAX")};
  auto& softmax = b.graph.tensors.back();
  softmax.quantization.scale = {1.0f / 256};
  softmax.quantization.zero_point = {-128};
  spec::Config config = sim::testing::small_config(4, 4, 16, 8, 64);
  config.softmax = false;  // that is for the host
  return compile(b.graph, config);
}

inline std::vector<std::uint8_t> bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

/// Requires that parse_program() refuses the bytes with one line that contains `what`.
inline void require_refused(const std::vector<std::uint8_t>& bytes, const std::string& what) {
  REQUIRE_THROWS_WITH(parse_program(bytes, "net.trine"),
                      Catch::Matchers::StartsWith("net.trine:") &&
                          Catch::Matchers::ContainsSubstring(what) &&
                          !Catch::Matchers::ContainsSubstring("\n"));
}

}  // namespace trine::program::testing
