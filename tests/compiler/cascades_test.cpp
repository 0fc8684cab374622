// SPDX-License-Identifier: Apache-2.0
//
// Checks layers computed in stripes: which ones the compiler finds, that codes do not change, and
// which DRAM traffic disappears.

#include <algorithm>
#include <functional>

#include "sw/model/rewrite/batch.h"
#include "tests/compiler/testing.h"
#include "tools/random/networks.h"

namespace trine::sim {
namespace {

using compiler::Cascading;
using model::Padding;
using testing::Builder;

/// Builds convolutions and their neighbours in the relevant sizes.
class Images : public Builder {
 public:
  using Builder::Builder;

  int conv(int from, int channels, int size = 1, int stride = 1) {
    return convolution(from, channels, size, size, stride, stride, 1, 1, Padding::kSame, true);
  }
  int depth(int from, int stride = 1, int size = 3) {
    return depthwise(from, 1, size, size, stride, stride, 1, 1, Padding::kSame, true);
  }
  /// Adds an inverted bottleneck: expand, depthwise, project.
  int inverted(int from, int channels, int stride) {
    return conv(depth(conv(from, 6 * shape(from).back()), stride), channels);
  }
};

struct Ran {
  std::vector<int> stripes;  ///< of each layer
  int copied = 0;            ///< maps of which rows are copied from stripe to stripe
  RunResult result;
};

Ran run(const Images& b, const std::vector<Array>& inputs, const spec::Config& config,
        Cascading cascading) {
  compiler::CompileOptions options;
  options.ways.cascading = cascading;
  const compiler::Program program = compiler::compile(b.graph, config, options);
  Ran ran;
  for (const compiler::ProgramLayer& l : program.layers) {
    if (l.op == "COPY")
      ++ran.copied;
    else
      ran.stripes.push_back(l.stripes);
  }
  ran.result = run_arch(program, inputs);
  const std::vector<Array> golden = reference::outputs_of(
      b.graph, reference::run_graph(b.graph, inputs, reference::kDoublePolicy));
  CHECK(compiler::first_difference(program, ran.result.outputs, golden).empty());
  return ran;
}

/// Checks that all ways to compile give the golden codes.
/// @param stripes  of each layer if cascades are used wherever possible
void check(const char* what, const std::vector<int>& stripes,
           const std::function<std::vector<int>(Images&)>& make) {
  CAPTURE(what);
  Images b(7);
  b.graph.outputs = make(b);
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
  for (const int lanes : {3, 8}) {
    const spec::Config config = testing::small_config(lanes, 8, 32, 32, 64);
    run(b, inputs, config, Cascading::kNever);
    run(b, inputs, config, Cascading::kEstimated);
    CHECK(run(b, inputs, config, Cascading::kAlways).stripes == stripes);
  }
}

TEST_CASE("stripes of all cores read rows of the same constant", "[arch][cascades][cluster]") {
  Images b(7);
  const int x = b.input({1, 7, 4, 4});
  b.graph.outputs = {b.depth(b.addition(x, b.constant({1, 7, 4, 4})))};
  b.graph = model::batched(b.graph, 2);
  std::vector<Array> inputs;
  for (const int t : b.graph.inputs) inputs.push_back(b.random_array(t));
  spec::Config config = testing::small_config(4, 8, 32, 32, 64);
  config.cores = 2;
  const std::vector<int> stripes = run(b, inputs, config, Cascading::kAlways).stripes;
  CHECK(stripes == std::vector{2, 2});
}

TEST_CASE("rows of a one-pixel map that stripes keep are whole beats", "[arch][cascades]") {
  Images b(7);
  const int x = b.convolution(b.input({1, 1, 1, 6}), 18, 2, 4, 1, 1, 1, 1, Padding::kSame, true);
  b.graph.outputs = {b.pad(x, 0, 2, 1, 0)};
  const std::vector<Array> inputs{b.random_array(b.graph.inputs[0])};
  const Ran ran = run(b, inputs, testing::small_config(2, 4, 32, 32, 64), Cascading::kAlways);
  CHECK(ran.copied > 0);
}

TEST_CASE("layers in stripes give the same codes", "[arch][cascades]") {
  check("windows, and their borders", {3, 3, 3}, [](Images& b) {
    return std::vector{b.conv(b.depth(b.conv(b.input({1, 13, 9, 5}), 8, 5)), 6)};
  });
  check("strides", {3, 3, 3}, [](Images& b) {
    return std::vector{b.conv(b.depth(b.conv(b.input({1, 23, 23, 3}), 8, 3, 2), 2, 5), 4)};
  });
  check("a block's input, as its residual", {3, 3, 3}, [](Images& b) {
    const int x = b.input({1, 12, 10, 8});
    return std::vector{b.addition(b.inverted(x, 8, 1), x)};
  });
  check("a residual of a map inside", {3, 3, 3}, [](Images& b) {
    const int x = b.conv(b.input({1, 12, 10, 8}), 8);
    return std::vector{b.addition(b.conv(b.depth(x), 8), x)};
  });
  check("residuals of what comes in stripes, and of what leaves in them", {2, 3, 3}, [](Images& b) {
    int x = b.input({1, 13, 11, 8});
    for (const int kernel : {3, 5, 3}) x = b.addition(b.conv(x, 8, kernel), x);
    return std::vector{x};
  });
  check("a product of a map inside and one that comes in stripes", {3, 3, 3}, [](Images& b) {
    const int x = b.input({1, 12, 9, 8});
    return std::vector{b.conv(b.binary(b.conv(x, 8, 3), x, model::OpKind::kMul), 8, 3)};
  });
  check("pools, and sums of two maps", {2, 2, 2, 2}, [](Images& b) {
    const int x = b.conv(b.input({1, 14, 6, 4}), 8, 3);
    const int y = b.pool(x, false, 3, 3, 2, 2, Padding::kSame);
    const int z = b.pool(y, true, 3, 3, 1, 1, Padding::kSame);
    return std::vector{b.conv(z, 8, 3, 4)};
  });
  // Both readers' rows, in either order: a downsampling shortcut.
  for (const bool wide_first : {true, false})
    check("a map inside that a wide and a narrow window read", {3, 3, 3, 3, 1}, [&](Images& b) {
      const int x = b.conv(b.input({1, 13, 9, 8}), 8);
      const int first = b.conv(x, 8, wide_first ? 3 : 1, 2);
      const int second = b.conv(x, 8, wide_first ? 1 : 3, 2);
      return std::vector{b.conv(b.binary(first, second, model::OpKind::kMul), 4)};
    });
  check("a gate, but not what makes its codes", {1, 1, 3, 3}, [](Images& b) {
    const int x = b.input({1, 13, 9, 24});
    const int gate = b.unary(b.mean(b.conv(x, 24), {1, 2}), model::OpKind::kLogistic);
    return std::vector{b.conv(b.binary(x, gate, model::OpKind::kMul), 8)};
  });
  check("maps joined inside, read before the last of them is made", {3, 3, 3}, [](Images& b) {
    const int x = b.conv(b.input({1, 12, 9, 4}), 8), y = b.conv(x, 8, 3);
    b.same_quantization(x, y);
    const int both = b.concatenation({x, y}, 3);
    b.same_quantization(x, both);
    return std::vector{b.conv(both, 4)};
  });
  check("channels of a map beside those that are read", {1, 3, 3, 1}, [](Images& b) {
    const int x = b.conv(b.input({1, 12, 9, 4}), 8, 3), y = b.conv(b.conv(x, 16), 8, 3);
    b.same_quantization(x, y);
    const int both = b.concatenation({x, y}, 3);
    b.same_quantization(x, both);
    return std::vector{b.conv(both, 4), both};
  });
  check("what others read stays whole", {3, 3, 3, 3}, [](Images& b) {
    const int x = b.conv(b.conv(b.input({1, 9, 7, 4}), 8, 3), 8);
    return std::vector{b.conv(b.depth(x), 4), x};
  });
}

TEST_CASE("consecutive sums stay on chip in stripes", "[arch][cascades]") {
  Images b(5);
  int x = b.input({1, 40, 40, 16});
  for (int i = 0; i < 6; ++i) x = b.addition(b.conv(x, 16, 3), x);
  b.graph.outputs = {x};
  const std::vector<Array> inputs{b.random_array(b.graph.inputs[0])};
  const spec::Config config = testing::small_config(8, 8, 32, 32, 64);
  const Ran whole = run(b, inputs, config, Cascading::kNever);
  const Ran stripes = run(b, inputs, config, Cascading::kEstimated);
  CHECK(stripes.result.cycles < whole.result.cycles);
  const std::uint64_t map = 40 * 40 * 16;
  CHECK(whole.result.dram_bytes_written == 6 * map);
  CHECK(stripes.result.dram_bytes_written < 2 * map);
}

TEST_CASE("stripes write channels of a map next to the channels that they read",
          "[arch][cascades]") {
  Images b(9);
  int joined = b.conv(b.input({1, 40, 40, 3}), 8, 3);
  for (int i = 0; i < 9; ++i) {
    const int more = b.conv(b.conv(joined, 32), 8, 3);
    b.same_quantization(joined, more);
    const int both = b.concatenation({joined, more}, 3);
    b.same_quantization(joined, both);
    joined = both;
  }
  b.graph.outputs = {b.conv(joined, 8)};
  const std::vector<Array> inputs{b.random_array(b.graph.inputs[0])};
  const spec::Config config = testing::small_config(8, 8, 40, 32, 64);
  const Ran whole = run(b, inputs, config, Cascading::kNever);
  const Ran stripes = run(b, inputs, config, Cascading::kEstimated);
  CHECK(stripes.result.cycles < whole.result.cycles);
  const std::uint64_t channel = 40 * 40;
  CHECK(whole.result.dram_bytes_written >= 9 * 32 * channel);
  CHECK(stripes.result.dram_bytes_written < 6 * 32 * channel);
}

TEST_CASE("a map that does not fit on chip stays there in stripes", "[arch][cascades]") {
  Images b(3);
  b.graph.outputs = {b.inverted(b.conv(b.input({1, 64, 64, 3}), 16, 3, 1), 24, 2)};
  const std::vector<Array> inputs{b.random_array(b.graph.inputs[0])};
  const spec::Config config = testing::small_config(8, 8, 64, 32, 64);
  const Ran whole = run(b, inputs, config, Cascading::kNever);
  const Ran stripes = run(b, inputs, config, Cascading::kEstimated);
  CHECK(std::ranges::max(whole.stripes) == 1);
  CHECK(std::ranges::max(stripes.stripes) > 1);
  // Only input, weights and output remain in DRAM.
  CHECK(3 * stripes.result.dram_bytes_written < whole.result.dram_bytes_written);
  CHECK(stripes.result.cycles < whole.result.cycles);
}

TEST_CASE("rows that the next stripe reads are kept where that saves cycles", "[arch][cascades]") {
  Images b(9);
  b.graph.outputs = {b.inverted(b.conv(b.input({1, 48, 48, 3}), 16, 3, 1), 16, 1)};
  const std::vector<Array> inputs{b.random_array(b.graph.inputs[0])};
  const spec::Config config = testing::small_config(8, 8, 32, 64, 64);
  const Ran stripes = run(b, inputs, config, Cascading::kEstimated);
  CHECK(stripes.copied > 0);
  CHECK(std::ranges::max(stripes.stripes) > 1);
  // Needs about as many cycles as with memory for all maps.
  const Ran whole = run(b, inputs, testing::small_config(8, 8, 512, 64, 64), Cascading::kNever);
  CHECK(100 * stripes.result.cycles < 120 * whole.result.cycles);
}

TEST_CASE("channels are computed in chunks where the map between two layers does not fit",
          "[arch][cascades]") {
  Images b(11);  // 24 + 24 of 32 KiB
  const int x = b.conv(b.input({1, 16, 16, 8}), 16);
  b.graph.outputs = {b.conv(b.depth(b.conv(x, 96)), 16)};
  const std::vector<Array> inputs{b.random_array(b.graph.inputs[0])};
  const Ran chunks = run(b, inputs, testing::small_config(8, 8, 48, 32, 64), Cascading::kEstimated);
  const Ran whole = run(b, inputs, testing::small_config(8, 8, 512, 32, 64), Cascading::kNever);
  CHECK(chunks.stripes == std::vector{1, 1, 1, 1});
  CHECK(chunks.result.dram_bytes_written == whole.result.dram_bytes_written);
  CHECK(100 * chunks.result.cycles < 110 * whole.result.cycles);
}

TEST_CASE("stripes leave DMEM to a map that is gated", "[arch][cascades]") {
  Images b(6);  // 36 of 64 KiB
  const int x = b.depth(b.conv(b.input({1, 48, 48, 3}), 16, 3));
  const int codes = b.conv(b.mean(x, {1, 2}), 16);
  b.graph.outputs = {b.conv(b.binary(x, codes, model::OpKind::kMul), 4)};
  const std::vector<Array> inputs{b.random_array(b.graph.inputs[0])};
  const spec::Config config = testing::small_config(8, 8, 64, 32, 32);
  const Ran whole = run(b, inputs, config, Cascading::kNever);
  const Ran stripes = run(b, inputs, config, Cascading::kEstimated);
  CHECK(stripes.stripes[0] > 1);
  CHECK(stripes.stripes[1] > 1);
  // Only the output is written.
  CHECK(stripes.result.dram_bytes_written < 2 * 48 * 48 * 4);
  CHECK(stripes.result.dram_bytes_written < whole.result.dram_bytes_written);
  CHECK(stripes.result.cycles < whole.result.cycles);
}

TEST_CASE("rows leave DMEM when all layers have written their pixels", "[arch][cascades]") {
  const auto resized = [](Images& b, bool bilinear) {
    return b.resize(b.conv(b.input({1, 24, 24, 4}), 32), bilinear, 48, 48, false, true);
  };
  const std::vector<std::function<int(Images&)>> nets{
      [&](Images& b) { return resized(b, true); }, [&](Images& b) { return resized(b, false); },
      [](Images& b) {
        const int x = b.conv(b.input({1, 25, 24, 4}), 16);
        return b.transpose_convolution(x, 16, 3, 3, 2, 2, 50, 48, Padding::kSame, true);
      }};
  for (const auto& make : nets) {
    Images b(5);  // 72 of 48 KiB, or 37
    b.graph.outputs = {b.conv(make(b), 4, 3)};
    const std::vector<Array> inputs{b.random_array(b.graph.inputs[0])};
    const spec::Config config = testing::small_config(8, 8, 32, 32, 64);
    const Ran whole = run(b, inputs, config, Cascading::kNever);
    const Ran rows = run(b, inputs, config, Cascading::kEstimated);
    CHECK(run(b, inputs, config, Cascading::kAlways).copied > 0);
    if (&make == &nets[1]) continue;  // copies cost the saved time
    CHECK(2 * rows.result.dram_bytes_read < whole.result.dram_bytes_read);
    CHECK(rows.result.cycles < whole.result.cycles);
  }
}

TEST_CASE("an image that fits in DMEM gives its place to stripes", "[arch][cascades]") {
  Images b(5);  // 16 of 32 KiB; an intermediate row takes 4, and two output rows read five
  b.graph.outputs = {b.conv(b.conv(b.input({1, 64, 64, 3}), 64, 3), 8, 3, 2)};
  const std::vector<Array> inputs{b.random_array(b.graph.inputs[0])};
  const Ran ran = run(b, inputs, testing::small_config(8, 8, 32, 32, 64), Cascading::kEstimated);
  CHECK(ran.stripes[0] > 1);
  CHECK(ran.stripes[1] > 1);
}

TEST_CASE("a pool is not fused where stripes save more cycles", "[arch][cascades]") {
  Images b(4);
  b.graph.outputs = {
      b.pool(b.conv(b.input({1, 24, 24, 8}), 64), true, 3, 3, 3, 3, Padding::kValid)};
  const std::vector<Array> inputs{b.random_array(b.graph.inputs[0])};
  const spec::Config config = testing::small_config(16, 16, 16, 64, 32);
  CHECK(run(b, inputs, config, Cascading::kNever).stripes.size() == 1);
  CHECK(run(b, inputs, config, Cascading::kEstimated).stripes.size() > 1);
}

}  // namespace
}  // namespace trine::sim
