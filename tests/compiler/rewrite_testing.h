// SPDX-License-Identifier: Apache-2.0
//
// Helpers of the tests of networks that the compiler rewrites.

#pragma once

#include "tests/compiler/testing.h"

namespace trine::sim::testing {

using model::DataType;
using model::Padding;

/// Checks that the graph's program gives the golden layers' outputs for random inputs.
inline void require_exact(Builder& b, const spec::Config& config, const compiler::Ways& ways = {}) {
  CAPTURE(config.to_toml(), text_of(b.graph));
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) {
    inputs.push_back(b.random_array(t));
    if (b.graph.tensor(t).type == DataType::kUInt8) inputs.back().dtype = "u1";
  }
  testing::require_exact_with_room(
      b.graph, config, inputs,
      b.number(0, 1) == 0 ? reference::kDoublePolicy : reference::kSinglePolicy, ways);
}

/// Adds a random product of any kind whose weights have one scale per tensor.
inline int random_product(Builder& b, int from, bool transposed = true) {
  const int C = b.shape(from)[3], R = b.number(1, 3), S = b.number(1, 3);
  switch (b.number(transposed ? 0 : 1, 4)) {
    case 1:
      return b.depthwise(from, b.number(1, 3), R, S, 1, b.number(1, 2), 1, 1, Padding::kSame,
                         false);
    case 2: {
      const int groups = C % 3 == 0 ? 3 : C % 2 == 0 ? 2 : 1;
      return b.convolution(from, groups * b.number(1, 8), R, S, 1, 1, 1, 2, Padding::kSame, false,
                           groups);
    }
    case 0:
      return b.transpose_convolution(from, b.number(1, 9), R, S, 2, 2, 2 * b.shape(from)[1],
                                     2 * b.shape(from)[2], Padding::kSame, false);
    default:
      return b.convolution(from, b.number(1, 20), R, S, b.number(1, 2), 1, 1, 1, Padding::kSame,
                           false);
  }
}

}  // namespace trine::sim::testing
