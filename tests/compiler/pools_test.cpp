// SPDX-License-Identifier: Apache-2.0
//
// Checks pools as maxima of rows and columns, in parts of a concatenation, and in parallel with the
// array. Codes do not change, and forms that the search chooses need fewer cycles.

#include <algorithm>

#include "tests/compiler/testing.h"
#include "tools/random/networks.h"

namespace trine::sim {
namespace {

using compiler::Cascading;
using model::Padding;
using testing::Builder;

class Modules : public Builder {
 public:
  using Builder::Builder;

  int conv(int from, int channels, int size = 1) {
    const int t = convolution(from, channels, size, size, 1, 1, 1, 1, Padding::kSame, true);
    tensor(t).quantization = tensor(graph.inputs[0]).quantization;
    return t;
  }
  int max_pool(int from, int R, int S, int down, int right, Padding padding = Padding::kSame) {
    const int t = pool(from, true, R, S, down, right, padding);
    graph.ops.back().activation = model::Activation::kNone;
    return t;
  }
  int max_pool(int from, int size, int stride = 1) {
    return max_pool(from, size, size, stride, stride);
  }
  int joined(const std::vector<int>& maps) {
    const int t = concatenation(maps, 3);
    same_quantization(maps[0], t);
    return t;
  }
  /// Adds GoogLeNet's inception block, with its pool after all convolutions that do not read it.
  int inception(int x, int channels) {
    const int a = conv(x, channels), b = conv(conv(x, channels), channels, 3),
              c = conv(conv(x, channels / 4), channels / 2, 5), d = conv(max_pool(x, 3), channels);
    return joined({a, b, c, d});
  }
  /// Adds Redmon's pyramid: maxima of several sizes joined with their input.
  int pyramid(int x) { return joined({x, max_pool(x, 5), max_pool(x, 9), max_pool(x, 13)}); }
};

struct Pooled {
  std::vector<std::string> names;
  std::uint64_t cycles = 0;
};

Pooled run(const Modules& b, const spec::Config& config, Cascading cascading) {
  compiler::CompileOptions options;
  options.ways.cascading = cascading;
  const compiler::Program program = compiler::compile(b.graph, config, options);
  std::vector<Array> inputs;
  Modules codes = b;
  for (const int t : b.graph.inputs) inputs.push_back(codes.random_array(t));
  const RunResult result = run_arch(program, inputs);
  const std::vector<Array> golden = reference::outputs_of(
      b.graph, reference::run_graph(b.graph, inputs, reference::kDoublePolicy));
  CHECK(compiler::first_difference(program, result.outputs, golden).empty());
  Pooled ran;
  ran.cycles = result.cycles;
  for (const compiler::ProgramLayer& l : program.layers) ran.names.push_back(l.op);
  return ran;
}

TEST_CASE("layers of the vector unit run while the array computes", "[arch][pools]") {
  const spec::Config config = testing::small_config(16, 16, 128, 64, 256);
  Modules b(3);
  b.graph.outputs = {b.conv(b.inception(b.conv(b.input({1, 14, 14, 32}), 64), 64), 16)};
  const Pooled before = run(b, config, Cascading::kNever);
  const Pooled after = run(b, config, Cascading::kEstimated);
  CHECK(after.cycles < before.cycles);
  const auto place = [](const Pooled& ran) {
    return std::ranges::find(ran.names, "MAX_POOL_2D") - ran.names.begin();
  };
  CHECK(place(after) < place(before));
}

TEST_CASE("large windows become rows and columns", "[arch][pools]") {
  const spec::Config config = testing::small_config(16, 16, 128, 64, 256);
  Modules b(4);
  b.graph.outputs = {b.conv(b.pyramid(b.conv(b.input({1, 13, 13, 32}), 32)), 16)};
  const Pooled before = run(b, config, Cascading::kNever);
  const Pooled after = run(b, config, Cascading::kEstimated);
  CHECK(std::ranges::count(before.names, "MAX_POOL_2D") == 3);
  CHECK(std::ranges::count(after.names, "MAX_POOL_2D") == 6);
  CHECK(2 * after.cycles < before.cycles);
}

TEST_CASE("a pool over a concatenation follows each branch", "[arch][pools]") {
  const spec::Config config = testing::small_config(16, 16, 64, 64, 256);
  Modules b(5);
  b.graph.outputs = {
      b.conv(b.max_pool(b.inception(b.conv(b.input({1, 20, 20, 8}), 32), 48), 3, 2), 8)};
  const Pooled before = run(b, config, Cascading::kNever);
  const Pooled after = run(b, config, Cascading::kEstimated);
  CHECK(std::ranges::count(after.names, "MAX_POOL_2D") >
        std::ranges::count(before.names, "MAX_POOL_2D"));
  CHECK(after.cycles < before.cycles);
}

TEST_CASE("pools of any shape keep their codes", "[arch][pools]") {
  const spec::Config config = testing::small_config(8, 8, 32, 32, 64);
  for (const auto& [R, S, down, right] :
       {std::array{5, 5, 1, 1}, std::array{4, 6, 1, 1}, std::array{7, 7, 2, 2},
        std::array{6, 5, 2, 1}, std::array{5, 7, 1, 3}, std::array{9, 9, 2, 1}})
    for (const Padding padding : {Padding::kSame, Padding::kValid}) {
      CAPTURE(R, S, down, right, static_cast<int>(padding));
      Modules b(6);
      const int x = b.input({1, 13, 11, 9});
      const int parts = b.joined({b.conv(x, 8), b.conv(x, 4, 3), b.conv(x, 5)});
      b.graph.outputs = {b.max_pool(parts, R, S, down, right, padding)};
      run(b, config, Cascading::kEstimated);
      const Pooled always = run(b, config, Cascading::kAlways);
      CHECK(std::ranges::count(always.names, "MAX_POOL_2D") >= 3);
    }
}

}  // namespace
}  // namespace trine::sim
