// SPDX-License-Identifier: Apache-2.0
//
// Checks operators in forms that random networks rarely contain.

#include "sw/base/catch.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using testing::Builder;

std::vector<Array> random_inputs(Builder& b) {
  std::vector<Array> inputs;
  for (const int input : b.graph.inputs) inputs.push_back(b.random_array(input));
  return inputs;
}

/// The last piece has fewer tokens than words, and on a wide bus each piece must begin with a beat.
TEST_CASE("products of two maps in pieces equal the golden layer", "[arch][matmul]") {
  int pieces = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const int bus = 32 << seed % 4, cols = b.number(0, 1) == 0 ? 12 : 16;
    const spec::Config config = testing::small_config(b.number(3, 8), cols, 64, 2, bus);
    const int T = b.number(1, 9), K = b.number(130, 300), N = b.number(1, 20);
    const bool adjoint = b.number(0, 3) == 0;
    const std::vector<int> right = adjoint ? std::vector{N, K} : std::vector{K, N};
    b.graph.outputs = {b.batch_matmul(b.input({T, K}), b.input(right), false, adjoint)};
    CAPTURE(T, K, N, adjoint, config.to_toml());
    const compiler::Program program = compiler::compile(b.graph, config, {});
    pieces += program.layers[0].placement.find("pieces") != std::string::npos ? 1 : 0;
    testing::require_exact(b.graph, config, random_inputs(b));
  }
  CHECK(pieces > 100);
}

/// There are few positions and many channel words. Lanes would share the words, except that the
/// taps are not adjacent.
TEST_CASE("reductions over an outer axis equal the golden layers", "[arch][pool]") {
  using Reduction = int (Builder::*)(int, const std::vector<int>&);
  for (const Reduction reduction : {&Builder::reduce_max, &Builder::reduce_min, &Builder::sum})
    for (const std::vector<int>& shape :
         {std::vector{1, 9, 2, 150}, {9, 2, 150}, {1, 4, 3, 90}, {1, 30, 2, 64}}) {
      CAPTURE(shape);
      Builder b(7);
      const int axis = static_cast<int>(shape.size()) - 3;
      b.graph.outputs = {(b.*reduction)(b.input(shape), {axis})};
      testing::require_exact(b.graph, testing::small_config(8, 8, 64, 8, 64), random_inputs(b));
    }
}

}  // namespace
}  // namespace trine::sim
