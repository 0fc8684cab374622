// SPDX-License-Identifier: Apache-2.0
//
// Checks random layers and small random networks on random configurations against the golden
// layers.

#include <set>
#include <utility>

#include "sw/base/error.h"
#include "sw/compiler/network/former.h"
#include "tests/compiler/testing.h"

namespace trine::sim {
namespace {

using model::Padding;
using testing::Builder;
using testing::random_config;
using testing::random_padding;

void random_convolution(unsigned seed) {
  CAPTURE(seed);
  Builder b(seed);
  const spec::Config config = random_config(b);
  const int R = b.number(1, 5), S = b.number(1, 5);
  const int dilation_h = b.number(0, 3) == 0 ? b.number(2, 3) : 1;
  const int dilation_w = b.number(0, 3) == 0 ? b.number(2, 3) : 1;
  const int H = (R - 1) * dilation_h + b.number(1, 24), W = (S - 1) * dilation_w + b.number(1, 24);
  // Inputs with one or two channels are folded.
  const int C = b.number(0, 2) == 0 ? b.number(1, 130) : b.number(1, b.number(0, 1) == 0 ? 2 : 20);
  const int M = b.number(0, 2) == 0 ? b.number(1, 150) : b.number(1, 20);
  const int in = b.input({1, H, W, C});
  const int out = b.convolution(in, M, R, S, b.number(1, 3), b.number(1, 3), dilation_h, dilation_w,
                                random_padding(b), b.number(0, 3) != 0);
  b.graph.outputs = {out};
  CAPTURE(config.to_toml(), H, W, C, M, R, S);
  const auto rounding = b.number(0, 1) == 0 ? reference::kDoublePolicy : reference::kSinglePolicy;
  testing::require_exact(b.graph, config, {b.random_array(in)}, rounding);
}

/// Tests groups of any size, down to one channel. With few columns or without depthwise.enable they
/// do not use the window former.
void random_groups(unsigned seed) {
  CAPTURE(seed);
  Builder b(seed);
  spec::Config config = random_config(b);
  config.depthwise = b.number(0, 3) != 0;
  const int R = b.number(1, 5), S = b.number(0, 9) == 0 ? b.number(6, 11) : b.number(1, 5);
  const int dilation_h = b.number(0, 3) == 0 ? b.number(2, 3) : 1;
  const int dilation_w = b.number(0, 3) == 0 ? b.number(2, 3) : 1;
  const int H = (R - 1) * dilation_h + b.number(1, 20), W = (S - 1) * dilation_w + b.number(1, 20);
  const int kind = b.number(0, 3);  // mostly depthwise
  const int most = b.number(0, 2) == 0 ? 70 : 16;
  const bool wide =
      kind == 0 && b.number(0, 1) == 0;  // several columns share their words of channels
  const int depth = kind == 0 ? b.number(1, wide ? 12 : 6) : 1;
  const int multiplier = wide ? 4 * b.number(2, 12) : kind < 2 ? b.number(1, 5) : 1;
  const int groups = b.number(1, wide ? 4 : most);
  const int in = b.input({1, H, W, groups * depth});
  const int U = b.number(1, 3), V = b.number(1, 3);
  const Padding padding = random_padding(b);
  const bool per_channel = b.number(0, 3) != 0;
  int t = kind == 0 ? b.convolution(in, groups * multiplier, R, S, V, U, dilation_h, dilation_w,
                                    padding, per_channel, groups)
                    : b.depthwise(in, multiplier, R, S, V, U, dilation_h, dilation_w, padding,
                                  per_channel);
  if (b.number(0, 2) == 0) t = b.addition(b.unary(t, model::OpKind::kRelu, "RELU"), t);
  if (b.number(0, 2) == 0) t = b.pool(t, true, 2, 2, 2, 2, Padding::kSame);
  b.graph.outputs = {t};
  CAPTURE(config.to_toml(), H, W, groups, depth, multiplier, R, S, U, V);
  testing::require_exact_with_room(b.graph, config, {b.random_array(in)});
}

/// Builds convolutions, residual additions, pools, pads, requantizations and a classifier.
void random_network(unsigned seed) {
  CAPTURE(seed);
  Builder b(seed);
  const spec::Config config = random_config(b);
  CAPTURE(config.to_toml());
  const int in = b.input({1, b.number(4, 20), b.number(4, 20), b.number(1, 20)});
  int t = in;
  const auto same_conv = [&](int from, int channels) {
    const int K = b.number(0, 2) == 0 ? 1 : 3;
    return b.convolution(from, channels, K, K, 1, 1, 1, 1, Padding::kSame, true);
  };
  // Its end omits pixels of the map before it, and of a residual, too.
  const auto bottleneck = [&](int from) {
    const int branch = same_conv(same_conv(from, b.number(1, 24)), b.shape(from)[3]);
    const int sum = b.number(0, 1) == 0 ? branch : b.addition(branch, from);
    const int channels = b.number(1, 24), U = b.number(1, 3), V = b.number(1, 3);
    const auto project = [&] {
      return b.convolution(sum, channels, 1, 1, U, V, 1, 1, random_padding(b), true);
    };
    const int one = project();
    return b.number(0, 1) == 0 ? one : b.addition(one, project());
  };
  const int layers = b.number(2, 6);
  for (int i = 0; i < layers; ++i) {
    const std::vector<int> shape = b.shape(t);
    switch (b.number(0, 9)) {
      case 0:
        t = b.convolution(t, b.number(1, 24), 3, 3, 2, 2, 1, 1, Padding::kSame, true);
        break;
      case 7:
      case 8:
        t = bottleneck(t);
        break;
      case 1: {  // residual block; other layers read the map, too
        const int branch = same_conv(same_conv(t, b.number(1, 24)), shape[3]);
        t = b.number(0, 1) == 0 ? b.addition(t, branch) : b.addition(branch, t);
        break;
      }
      case 2: {  // two branches that are not convolutions
        const int left = b.unary(t, model::OpKind::kRelu, "RELU");
        t = b.addition(left, b.unary(t, model::OpKind::kQuantize, "QUANTIZE"));
        break;
      }
      case 3:
        t = b.pool(t, true, b.number(1, 3), b.number(1, 3), b.number(1, 2), b.number(1, 2),
                   random_padding(b));
        break;
      case 4:
        t = b.pool(t, false, b.number(1, 3), b.number(1, 3), b.number(1, 2), b.number(1, 2),
                   random_padding(b));
        break;
      case 5: {
        const int padded = b.pad(t, b.number(0, 2), b.number(0, 2), b.number(0, 2), b.number(0, 2));
        t = b.number(0, 1) == 0
                ? b.convolution(padded, b.number(1, 12), 3, 3, 1, 1, 1, 1, Padding::kSame, true)
                : b.unary(padded, model::OpKind::kRelu6, "RELU6");
        break;
      }
      case 6:
        t = b.addition(t, t);
        break;
      default:
        t = same_conv(t, b.number(1, 40));
    }
    const std::vector<int> now = b.shape(t);
    if (now[1] < 3 || now[2] < 3) break;
  }
  const std::vector<int> shape = b.shape(t);
  switch (b.number(0, 3)) {
    case 0:
      t = b.mean(t, {1, 2});
      break;
    case 1:
      t = b.pool(t, false, shape[1], shape[2], 1, 1, Padding::kValid);
      break;
    case 2:
      t = b.mean(t, {b.number(1, 2)});
      break;
    default:
      break;
  }
  if (b.number(0, 1) == 0) {
    const int K = static_cast<int>(b.graph.tensor(t).elements());
    t = b.fully_connected(b.reshape(t, {1, K}), K, b.number(1, 40));
    t = b.fully_connected(t, b.shape(t)[1], b.number(1, 12));
  }
  b.graph.outputs = {t};
  testing::require_exact(b.graph, config, {b.random_array(in)});
}

#ifdef TRINE_SLOW_TESTS
constexpr unsigned kSeeds = 3000;
#else
constexpr unsigned kSeeds = 120;
#endif

TEST_CASE("random convolutions equal the golden layer", "[arch][random]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) random_convolution(seed);
}

TEST_CASE("random depthwise and grouped convolutions equal the golden layer", "[arch][random]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed) random_groups(seed);
}

/// A quarter of PMEM holds the filters of six or twelve channels, so that groups do not consist of
/// whole chunks.
TEST_CASE("groups whose last chunk is smaller equal the golden layer", "[arch][random]") {
  for (const int channels : {8, 20, 32, 44})
    for (const bool small : {false, true}) {
      Builder b(7);
      const int in = b.input({1, 9, 11, 32});
      const int out = b.convolution(in, 2 * channels, 3, 3, 1, 1, 1, 1, Padding::kSame, true, 2);
      b.graph.outputs = {out};
      spec::Config config = fuzz::small_config(7, 6, small ? 8 : 128, 4, 64);
      CAPTURE(channels, small);
      testing::require_exact(b.graph, config, {b.random_array(in)});
    }
}

TEST_CASE("random networks equal the golden layers", "[arch][random]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) random_network(seed);
}

/// Images of few channels with any strides, and maps that are longer than wide, or wider than long.
/// Both layouts must occur: blocks of pixels in a word, and exchanged rows and columns.
TEST_CASE("folded inputs and transposed networks equal the golden layers", "[arch][random]") {
  int folded = 0, blocks = 0, turned = 0;
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const int stride_h = b.number(1, 4), stride_w = b.number(1, 4);
    const int R = b.number(1, 11), S = b.number(1, 11);
    const bool tall = b.number(0, 1) == 0;
    const int H = (R + stride_h) + b.number(0, tall ? 40 : 4),
              W = S + stride_w + b.number(0, tall ? 4 : 40);
    int x = b.input({1, H, W, b.number(1, 3)});
    x = b.convolution(x, b.number(1, 12), R, S, stride_h, stride_w, 1, 1,
                      testing::random_padding(b), true);
    x = b.depthwise(x, 1, b.number(1, 3), 3, 1, b.number(1, 2), 1, 1, Padding::kSame, true);
    if (b.number(0, 1) == 0) {
      const std::vector<int> s = b.shape(x);
      x = b.pool(x, b.number(0, 1) == 0, s[1], s[2], 1, 1, Padding::kValid);
    }
    b.graph.outputs = {x};
    CAPTURE(testing::text_of(b.graph));
    spec::Config config = testing::random_config(b);
    CAPTURE(config.to_toml());
    const compiler::Program program = compiler::compile(b.graph, config);
    const compiler::TensorLayout& layout = program.inputs.at(0);
    folded += layout.fold.folded();
    blocks += layout.fold.rows > 1;
    turned += layout.transposed;
    const std::vector<Array> inputs{b.random_array(0)};
    const std::string bytes = compiler::serialize(program);
    const compiler::Program read = compiler::parse_program({bytes.begin(), bytes.end()}, "x");
    const RunResult result = run_arch(read, inputs);
    const auto expected = reference::outputs_of(b.graph, reference::run_graph(b.graph, inputs, {}));
    REQUIRE(compiler::first_difference(read, result.outputs, expected) == "");
  }
  CHECK(folded > 0);
  CHECK(blocks > 0);
  CHECK(turned > 0);
}

/// Fewer lanes are idle if the border is as wide as the halo.
TEST_CASE("rows of depthwise layers borrow the next row's border", "[arch][random]") {
  const spec::Config config = testing::small_config(2, 8, 64, 64, 64);
  std::set<std::pair<int, int>> ways;
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    Builder b(seed);
    const int S = b.number(2, 5), stride = b.number(1, 2), dilation = b.number(1, 2);
    const int W = (S - 1) * dilation + b.number(1, 9);
    CAPTURE(seed, S, stride, dilation, W);
    int x = b.input({1, b.number(3, 9), W, 8});
    if (b.number(0, 1) == 0) x = b.pad(x, 0, 0, b.number(0, 3), b.number(0, 3));
    b.graph.outputs = {b.depthwise(x, 1, 3, S, 1, stride, 1, dilation, random_padding(b), true)};
    testing::require_exact(b.graph, config, {b.random_array(0)});
    const model::Window w = model::window(b.graph, b.graph.ops.back());
    compiler::Geometry g;
    g.H = b.shape(x)[1];
    g.P = w.P;
    g.R = 3;
    g.W = b.shape(x)[2];
    g.Q = w.Q;
    g.S = S;
    g.stride_x = stride;
    g.dil_x = dilation;
    g.pad_left = w.pad_left;
    const compiler::Former former = compiler::best_former(g, config);
    if (former.halo > 0) ways.insert({former.halo - former.idle, stride});
  }
  CHECK(ways.count({0, 1}) == 1);
  CHECK(ways.count({0, 2}) == 1);
  CHECK(ways.count({1, 1}) == 1);
}

TEST_CASE("pixels that nobody reads are not computed", "[arch]") {
  Builder b(1);
  spec::Config config;
  const int in = b.input({1, 16, 16, 32});
  const int first = b.convolution(in, 32, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  const int second = b.convolution(first, 32, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  const int sum = b.addition(second, first);
  const auto project = [&] {
    return b.convolution(sum, 8, 1, 1, 2, 2, 1, 1, Padding::kSame, true);
  };
  const int one = project();
  b.graph.outputs = {b.addition(one, project())};
  testing::require_exact(b.graph, config, {b.random_array(in)});
  const compiler::Program program = compiler::compile(b.graph, config, {});
  std::vector<std::string> ops;
  for (const compiler::ProgramLayer& layer : program.layers) ops.push_back(layer.op);
  CHECK(ops ==
        std::vector<std::string>{"CONV_2D", "COPY", "CONV_2D+ADD", "CONV_2D", "CONV_2D+ADD"});
  const RunResult result = run_arch(program, {b.random_array(in)}, {});
  CHECK(result.layers[2].cycles < result.layers[0].cycles / 3);
  CHECK(program.layers[2].macs == program.layers[0].macs / 4);
}

TEST_CASE("fully connected layers over several rows equal the golden layer", "[arch][random]") {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const spec::Config config = random_config(b);
    CAPTURE(config.to_toml());
    const int K = b.number(1, 400);
    const int in = b.input({b.number(1, 40), K});
    int t = b.fully_connected(in, K, b.number(1, 90));
    t = b.fully_connected(t, b.shape(t)[1], b.number(1, 20));
    b.graph.outputs = {t};
    testing::require_exact(b.graph, config, {b.random_array(in)});
  }
}

}  // namespace
}  // namespace trine::sim
