// SPDX-License-Identifier: Apache-2.0
//
// Checks what each pass makes of a small network, in printed form. The text contains all maps and
// layers that change, so that it shows if a pass misses one or moves a window wrongly.

#include "sw/compiler/transform/passes.h"

#include <string>

#include "sw/base/catch.h"
#include "sw/compiler/partition/ends.h"
#include "sw/compiler/search/search.h"
#include "sw/compiler/transform/cascade.h"
#include "sw/compiler/transform/interleave.h"
#include "sw/compiler/transform/section.h"
#include "sw/compiler/transform/tokens_of_cores.h"
#include "tools/random/testing.h"

namespace trine::compiler {
namespace {

using fuzz::Builder;
using model::Padding;

const spec::Config kMachine = fuzz::small_config(8, 8, 32, 32, 64);

Network lowered(Builder& b, const std::vector<int>& outputs) {
  b.graph.outputs = outputs;
  return lower(b.graph, kMachine, reference::kDoublePolicy);
}

using Next = decltype(Pass::next);

/// Returns the network with the first change, or "nothing".
std::string changed(Next next, const Network& network, int place = 0) {
  const std::optional<Network> other = next(network, kMachine, place);
  return other ? "\n" + to_text(*other) : "nothing";
}

int convolution(Builder& b, int from, int channels, int size, int stride = 1) {
  return b.convolution(from, channels, size, size, stride, stride, 1, 1, Padding::kSame, true);
}

TEST_CASE("thin removes pixels that no reader needs", "[compiler][transform]") {
  Builder b(1);
  const int x = convolution(b, b.input({1, 8, 8, 4}), 8, 3);
  const int y = convolution(b, x, 4, 1, 2), z = convolution(b, x, 4, 1, 2);
  CHECK(changed(thin, lowered(b, {y, z})) == R"(
network: 4 maps, 3 layers
  map 0 'input' 8x8x4, input
  map 1 't2' 4x4x8
  map 2 't5' 4x4x4, output
  map 3 't8' 4x4x4, output
  layer 0 CONV_2D 't2': 0 -> 1
    conv 4x4 of 8x8, taps 3x3, stride 2x2, pad 1x1
    8 channels x 9 steps of 4 int8 codes, codes -128..127
  layer 1 CONV_2D 't5': 1 -> 2
    conv 4x4 of 4x4
    4 channels x 2 steps of 4 int8 codes, codes -128..127
  layer 2 CONV_2D 't8': 1 -> 3
    conv 4x4 of 4x4
    4 channels x 2 steps of 4 int8 codes, codes -128..127
)");
  Builder c(1);  // one reader uses all of them
  const int w = convolution(c, c.input({1, 8, 8, 4}), 8, 3);
  CHECK(changed(thin, lowered(c, {convolution(c, w, 4, 1, 2), convolution(c, w, 4, 1)})) ==
        "nothing");
}

TEST_CASE("thin copies the pixels of a residual", "[compiler][transform]") {
  Builder b(1);
  const int in = b.input({1, 8, 8, 4});
  const int sum = b.addition(convolution(b, in, 4, 3), in);
  CHECK(changed(thin, lowered(b, {convolution(b, sum, 4, 1, 2)})) == R"(
network: 4 maps, 3 layers
  map 0 'input' 8x8x4, input
  map 1 't4' 4x4x4
  map 2 't7' 4x4x4, output
  map 3 'input' 4x4x4
  layer 0 COPY 'input': 0 -> 3
    max 4x4 of 8x8, stride 2x2, codes -128..127
  layer 1 CONV_2D+ADD 't4': 0 + 3 -> 1
    conv 4x4 of 8x8, taps 3x3, stride 2x2, pad 1x1
    4 channels x 9 steps of 4 int8 codes, codes -128..127
  layer 2 CONV_2D 't7': 1 -> 2
    conv 4x4 of 4x4
    4 channels x 1 steps of 4 int8 codes, codes -128..127
)");
}

/// Adds a softmax over tokens, with the scale that the operator requires.
int softmax(Builder& b, int from) {
  const int result = b.unary(from, model::OpKind::kSoftmax, "SOFTMAX");
  b.graph.tensors[static_cast<std::size_t>(result)].quantization = {{1.0f / 256}, {-128}};
  return result;
}

TEST_CASE("attention becomes units and each mixture follows the scores of two later units",
          "[compiler][transform]") {
  Builder b(1);
  const int q = b.input({2, 16, 16}), k = b.input({2, 16, 16}), v = b.input({2, 16, 16});
  const int weights = softmax(b, b.batch_matmul(q, k, false, true));
  CHECK(changed(cut_attention, lowered(b, {b.batch_matmul(weights, v, false, false)})) == R"(
network: 14 maps, 6 layers
  map 0 'input' 1x32x16, input
  map 1 'input' 1x32x16, input, weights
  map 2 'input' 1x32x16, input, weights
  map 3 't3' 1x32x16
  map 4 't3' 1x16x16 of map 3 at 0,0
  map 5 't3' 1x16x16 of map 3 at 0,16
  map 6 't4' 1x32x16
  map 7 't5' 1x32x16, output
  map 8 't5' 1x16x16 of map 7 at 0,0
  map 9 't5' 1x16x16 of map 7 at 0,16
  map 10 't3' 1x16x16
  map 11 't4' 1x16x16
  map 12 't3' 1x16x16
  map 13 't4' 1x16x16
  layer 0 BATCH_MATMUL 't3': 0 x 1 at 0,0 -> 10
    conv 1x16 of 1x32
    16 channels x 4 steps of 4 matmul codes, codes -128..127
  layer 1 SOFTMAX 't4': 10 -> 11
    softmax 1x16 of 1x16, codes -128..127
  layer 2 BATCH_MATMUL 't3': 0 x 1 at 0,16 -> 12
    conv 1x16 of 1x32, pad 0x-16
    16 channels x 4 steps of 4 matmul codes, codes -128..127
  layer 3 SOFTMAX 't4': 12 -> 13
    softmax 1x16 of 1x16, codes -128..127
  layer 4 BATCH_MATMUL 't5': 11 x 2 transposed at 0,0 -> 8
    conv 1x16 of 1x16
    16 channels x 4 steps of 4 matmul codes, codes -128..127
  layer 5 BATCH_MATMUL 't5': 13 x 2 transposed at 0,16 -> 9
    conv 1x16 of 1x16
    16 channels x 4 steps of 4 matmul codes, codes -128..127
)");
}

TEST_CASE("units are larger where keys and values are loaded once for each unit",
          "[compiler][transform]") {
  const auto [channels, tokens] = GENERATE(std::pair(32, 16), std::pair(128, 32));
  Builder b(1);
  const auto map = [&b, n = channels] { return b.input({1, 256, n}); };
  const int q = map(), k = map(), v = map();
  const int weights = softmax(b, b.batch_matmul(q, k, false, true));
  int place = 0;
  const std::optional<Network> cut =
      cut_attention(lowered(b, {b.batch_matmul(weights, v, false, false)}), kMachine, place);
  REQUIRE(cut);
  CHECK(cut->layers.front().window.Q == tokens);
  // The scores of a unit come before the mixture of the unit before.
  CHECK(cut->layers[4].output != cut->layers[2].output);
  CHECK(cut->whole_of(cut->layers[4].output) == cut->whole_of(cut->layers.back().output));
}

std::optional<Network> on_cores(const Network& network, int cores) {
  spec::Config config = kMachine;
  config.cores = cores;
  return tokens_of_cores(network, config);
}

TEST_CASE("each core gets its own tokens and the keys and values of all tokens",
          "[compiler][transform][cluster]") {
  Builder b(1);
  const int x = b.input({1, 21, 16});
  const int k = b.fully_connected(x, 16, 16), v = b.fully_connected(x, 16, 8);
  const int weights = softmax(b, b.batch_matmul(x, k, false, true));
  const Network net = lowered(b, {b.batch_matmul(weights, v, false, false)});
  const std::optional<Network> shared = on_cores(net, 4);
  REQUIRE(shared);
  CHECK("\n" + to_text(*shared) == R"(
network: 10 maps, 5 layers
  map 0 'input' 1x21x16, input
  map 1 't3' 1x6x16, pixels of one core, kept
  map 2 't6' 1x6x8, pixels of one core, kept
  map 3 't7' 1x6x21, pixels of one core
  map 4 't8' 1x6x21, pixels of one core
  map 5 't9' 1x6x8, pixels of one core, kept
  map 6 'input' 1x6x16, reloads map 0, pixels of one core
  map 7 't3' 1x21x16, reloads map 1, weights
  map 8 't6' 1x21x8, reloads map 2, weights
  map 9 't9' 1x21x8, reloads map 5, output
  layer 0 FULLY_CONNECTED 't3': 6 -> 1
    conv 1x6 of 1x6
    16 channels x 4 steps of 4 int8 codes, codes -128..127
  layer 1 FULLY_CONNECTED 't6': 6 -> 2
    conv 1x6 of 1x6
    8 channels x 4 steps of 4 int8 codes, codes -128..127
  layer 2 BATCH_MATMUL 't7': 6 x 7 at 0,0 -> 3
    conv 1x6 of 1x6
    21 channels x 4 steps of 4 matmul codes, codes -128..127
  layer 3 SOFTMAX 't8': 3 -> 4
    softmax 1x6 of 1x6, codes -128..127
  layer 4 BATCH_MATMUL 't9': 4 x 8 transposed at 0,0 -> 5
    conv 1x6 of 1x6
    8 channels x 6 steps of 4 matmul codes, codes -128..127
)");
  // Weights and host see the cores' pixels one after the other.
  CHECK(shared->maps[at(shared->inputs[0])].row_room == 24);
  CHECK(shared->maps[at(shared->outputs[0])].shape.W == 21);
  Builder few(1);  // a beat of pixels for a single core
  CHECK_FALSE(on_cores(lowered(few, {few.fully_connected(few.input({1, 2, 16}), 16, 8)}), 4));
}

TEST_CASE("a layer whose window reads neighbours is computed by all cores",
          "[compiler][transform][cluster]") {
  Builder b(1);
  const int x = b.input({1, 1, 24, 16});
  const int y = convolution(b, x, 32, 1);
  const int z = b.convolution(y, 8, 1, 3, 1, 1, 1, 1, Padding::kSame, true);
  const int more = GENERATE(8, 128);  // channels of the product after it
  const std::optional<Network> shared = on_cores(lowered(b, {convolution(b, z, more, 1)}), 2);
  REQUIRE(bool(shared) == (more == 128));  // otherwise most MACs are in the window
  if (!shared) return;
  const auto pixels = [&](int m) { return shared->maps[at(m)].core.pixels; };
  CHECK(pixels(shared->layers[0].output) == 12);
  CHECK(pixels(shared->layers[1].input) == 0);
  CHECK(shared->source_of(shared->layers[1].input) == shared->layers[0].output);
  CHECK(pixels(shared->layers[1].output) == 0);
  CHECK(pixels(shared->layers[2].input) == 12);
}

TEST_CASE("a layer that reads a mixture from DRAM stays after its attention",
          "[compiler][transform][cluster]") {
  Builder b(1);
  const int x = b.input({1, 64, 16});
  const int weights = softmax(b, b.batch_matmul(x, x, false, true));
  const int mixed = b.reshape(b.batch_matmul(weights, x, false, false), {1, 1, 64, 16});
  const int window = b.convolution(mixed, 4, 1, 3, 1, 1, 1, 1, Padding::kSame, true);
  std::optional<Network> shared = on_cores(lowered(b, {window}), 2);
  REQUIRE(shared);
  int place = 0;
  shared = cut_attention(*shared, kMachine, place);
  REQUIRE(shared);
  CHECK(shared->layers.back().window.S == 3);
}

TEST_CASE("maps of a core's pixels are not transposed", "[compiler][transform][cluster]") {
  Builder b(1);
  const Network net = lowered(b, {b.fully_connected(b.input({1, 21, 16}), 16, 8)});
  const std::optional<Network> shared = on_cores(net, 4);
  REQUIRE(shared);
  CHECK(changed(transpose, net) != "nothing");
  CHECK(changed(transpose, *shared) == "nothing");
}

TEST_CASE("a SOFTMAX of scores from outside is not treated as attention",
          "[compiler][transform][cluster]") {
  Builder b(1);
  const int weights = softmax(b, b.input({1, 21, 8}));
  const int x = b.fully_connected(b.input({1, 21, 16}), 16, 8);
  const std::optional<Network> shared = on_cores(lowered(b, {weights, x}), 4);
  REQUIRE(shared);  // the input and the output of a core's tokens are separate maps without a layer
  CHECK(changed(cut_attention, *shared) == "nothing");
}

TEST_CASE("a layer that writes other channels of a mixture's words stays after it",
          "[compiler][transform]") {
  // A concatenation's first channel clears the others of its words.
  const bool longer = GENERATE(false, true);
  Builder b(1);
  const auto join = [&](int first, int second, int axis) {
    const int whole = b.concatenation({first, second}, axis);
    b.graph.tensors[static_cast<std::size_t>(whole)].quantization =
        b.graph.tensors[static_cast<std::size_t>(first)].quantization;
    b.graph.tensors[static_cast<std::size_t>(second)].quantization =
        b.graph.tensors[static_cast<std::size_t>(first)].quantization;
    return whole;
  };
  const int q = b.input({1, 16, 4}), k = b.input({1, 16, 4}), v = b.input({1, 16, 1});
  int out = b.batch_matmul(softmax(b, b.batch_matmul(q, k, false, true)), v, false, false);
  if (longer) out = join(out, b.input({1, 1, 1}), 1);
  const Network net = lowered(b, {join(out, b.input({1, longer ? 17 : 16, 1}), 2)});
  int place = 0;
  const std::optional<Network> cut = cut_attention(net, kMachine, place);
  REQUIRE(cut);
  std::string channels;  // of the result, in the order of the layers that write them
  for (const Layer& l : cut->layers) {
    const Map& whole = cut->maps[static_cast<std::size_t>(cut->whole_of(l.output))];
    if (whole.output)
      channels += std::to_string(cut->maps[static_cast<std::size_t>(l.output)].part.channel);
  }
  CHECK(channels == (longer ? "001" : "01"));
}

TEST_CASE("transpose exchanges rows and columns of maps and windows", "[compiler][transform]") {
  Builder b(1);
  const int x = b.convolution(b.input({1, 4, 12, 8}), 8, 1, 3, 1, 2, 1, 1, Padding::kSame, true);
  const int y = b.depthwise(x, 1, 3, 2, 1, 1, 1, 1, Padding::kSame, true);
  CHECK(changed(transpose, lowered(b, {y})) == R"(
network: 3 maps, 2 layers
  map 0 'input' 12x4x8, transposed, input
  map 1 't2' 6x4x8, transposed
  map 2 't5' 6x4x8, transposed, output
  layer 0 CONV_2D 't2': 0 -> 1
    conv 6x4 of 12x4, taps 3x1, stride 2x1
    8 channels x 6 steps of 4 int8 codes, codes -128..127
  layer 1 DEPTHWISE_CONV_2D 't5': 1 -> 2
    conv 6x4 of 6x4, taps 2x3, pad 0x1
    8 channels in groups of 4 x 4 steps of 4 int8 codes, codes -128..127
    former: 2 steps of 1 columns, halo 1, idle 1
)");
  Builder square(1);
  CHECK(changed(transpose, lowered(square, {convolution(square, square.input({1, 6, 6, 8}), 8,
                                                        3)})) == "nothing");
}

TEST_CASE("fuse puts a pool's taps into sweeps of the convolution", "[compiler][transform]") {
  Builder b(1);
  const int x = convolution(b, b.input({1, 6, 6, 4}), 8, 3);
  const int y = b.pool(x, true, 2, 2, 2, 2, Padding::kSame);
  CHECK(changed(fuse, lowered(b, {y})) == R"(
network: 3 maps, 1 layers
  map 0 'input' 6x6x4, input
  map 1 't2' 6x6x8
  map 2 't3' 3x3x8, output
  layer 0 CONV_2D+MAX_POOL_2D 't3': 0 -> 2
    conv 3x3 of 6x6, taps 3x3, stride 2x2, pad 1x1
    8 channels x 9 steps of 4 int8 codes, codes -128..127
    sweep at 0,0: rows 0..2, columns 0..2
    sweep at 0,1: rows 0..2, columns 0..2
    sweep at 1,0: rows 0..2, columns 0..2
    sweep at 1,1: rows 0..2, columns 0..2
)");
  Builder c(1);  // the map has another reader
  const int w = convolution(c, c.input({1, 6, 6, 4}), 8, 3);
  CHECK(changed(fuse, lowered(c, {c.pool(w, true, 2, 2, 2, 2, Padding::kSame), w})) == "nothing");
}

/// Adds a MAX_POOL_2D without an activation.
int max_pool(Builder& b, int from, int size, int stride) {
  const int t = b.pool(from, true, size, size, stride, stride, Padding::kSame);
  b.graph.ops.back().activation = model::Activation::kNone;
  return t;
}

/// Adds a convolution with the quantization of the input, so that a concatenation moves nothing.
int branch(Builder& b, int from, int channels, int size) {
  const int t = convolution(b, from, channels, size);
  b.tensor(t).quantization = b.tensor(b.graph.inputs[0]).quantization;
  return t;
}

int joined(Builder& b, const std::vector<int>& maps) {
  const int t = b.concatenation(maps, 3);
  b.same_quantization(maps[0], t);
  return t;
}

TEST_CASE("split gives each branch of a concatenation a pool", "[compiler][transform]") {
  Builder b(1);
  const int x = b.input({1, 6, 6, 4});
  const int all = joined(b, {branch(b, x, 8, 1), branch(b, x, 6, 1)});
  CHECK(changed(split_pool, lowered(b, {max_pool(b, all, 3, 2)})) == R"(
network: 7 maps, 4 layers
  map 0 'input' 6x6x4, input
  map 1 't7' 6x6x14
  map 2 't7' 6x6x8
  map 3 't7' 6x6x6
  map 4 't8' 3x3x14, output
  map 5 't8' 3x3x8 of map 4 at 0,0
  map 6 't8' 3x3x6 of map 4 at 0,0 channel 8
  layer 0 CONV_2D 't3': 0 -> 2
    conv 6x6 of 6x6
    8 channels x 1 steps of 4 int8 codes, codes -128..127
  layer 1 MAX_POOL_2D 't8': 2 -> 5
    max 3x3 of 6x6, taps 3x3, stride 2x2, codes -128..127
  layer 2 CONV_2D 't6': 0 -> 3
    conv 6x6 of 6x6
    6 channels x 1 steps of 4 int8 codes, codes 127..127
  layer 3 MAX_POOL_2D 't8': 3 -> 6
    max 3x3 of 6x6, taps 3x3, stride 2x2, codes -128..127
)");
  Builder c(1);  // another layer reads all branches
  const int y = c.input({1, 6, 6, 4});
  const int both = joined(c, {branch(c, y, 8, 1), branch(c, y, 6, 1)});
  CHECK(changed(split_pool, lowered(c, {max_pool(c, both, 3, 2), branch(c, both, 4, 1)})) ==
        "nothing");
  Builder d(1);  // branches share a word
  const int z = d.input({1, 6, 6, 4});
  const int odd = joined(d, {branch(d, z, 6, 1), branch(d, z, 8, 1)});
  CHECK(changed(split_pool, lowered(d, {max_pool(d, odd, 3, 2)})) == "nothing");
}

TEST_CASE("separate splits a window into one of rows and one of columns", "[compiler][transform]") {
  Builder b(1);
  CHECK(changed(separate, lowered(b, {max_pool(b, b.input({1, 8, 8, 4}), 5, 1)})) == R"(
network: 3 maps, 2 layers
  map 0 'input' 8x8x4, input
  map 1 't1' 8x8x4, output
  map 2 't1' 8x8x4
  layer 0 MAX_POOL_2D 't1': 0 -> 2
    max 8x8 of 8x8, taps 1x5, pad 0x2, codes -128..127
  layer 1 MAX_POOL_2D 't1': 2 -> 1
    max 8x8 of 8x8, taps 5x1, pad 2x0, codes -128..127
)");
  Builder c(1);  // not fewer cycles
  CHECK(changed(separate, lowered(c, {max_pool(c, c.input({1, 8, 8, 4}), 3, 1)})) == "nothing");
}

TEST_CASE("unfuse gives an addition a layer of its own where weights exceed PMEM",
          "[compiler][transform]") {
  Builder b(1);
  const int x = b.input({1, 6, 6, 128});  // 288 of 1,024 rows a group
  const Network network =
      lowered(b, {b.binary(convolution(b, x, 128, 3), x, model::OpKind::kAdd, "ADD")});
  CHECK(changed(unfuse, network) == "nothing");  // the machine adds no sums
  spec::Config machine = kMachine;
  machine.partial_sums = true;
  int place = 0;
  const std::optional<Network> other = unfuse(network, machine, place);
  REQUIRE(other);
  CHECK("\n" + to_text(*other) == R"(
network: 3 maps, 2 layers
  map 0 'input' 6x6x128, input
  map 1 't4' 6x6x128, output
  map 2 't4' 6x6x128
  layer 0 CONV_2D 't4': 0 -> 2
    conv 6x6 of 6x6, taps 3x3, pad 1x1
    128 channels x 288 steps of 4 int8 codes, codes -128..127
  layer 1 ADD 't4': 2 + 0 -> 1
    add 6x6 of 6x6, codes -128..127
)");
  machine.cores = 2;  // the map between has no shares of the cores
  CHECK_FALSE(unfuse(network, machine, place = 0));
  machine.cores = 1;
  machine.pmem_kib = 64;
  CHECK_FALSE(unfuse(network, machine, place = 0));
  machine.pmem_kib = 32;
  machine.vector = false;
  CHECK_FALSE(unfuse(network, machine, place = 0));
}

TEST_CASE("interleave moves a pool after the first layer of the other branch",
          "[compiler][transform]") {
  Builder b(1);
  const int x = b.input({1, 16, 16, 16});
  const int y = branch(b, branch(b, branch(b, x, 16, 3), 16, 3), 16, 3);
  const int z = branch(b, max_pool(b, x, 3, 1), 16, 1);
  const Network network = lowered(b, {y, z});
  const std::optional<Plan> plan = compiler::plan(network, kMachine);
  REQUIRE(plan);
  const std::vector<int> order = interleaved(network, *plan);
  CHECK(order == std::vector{0, 3, 1, 2, 4});
  const std::vector<Stretch> stretches = stretches_of(network, order);
  REQUIRE(stretches.size() == 1);
  CHECK(stretches[0].first == 1);
  CHECK(stretches[0].last == 3);
  const Network other = reordered(network, order, stretches);
  CHECK(other.layers[1].kind == LayerKind::kMax);
  CHECK(cycles_beside(other, *compiler::plan(other, kMachine)) > cycles_beside(network, *plan));
}

TEST_CASE("interleave keeps the order of dependent layers", "[compiler][transform]") {
  Builder b(1);
  const int x = b.input({1, 16, 16, 16});
  const int pooled = max_pool(b, branch(b, x, 16, 3), 3, 1);
  const Network network =
      lowered(b, {branch(b, max_pool(b, branch(b, pooled, 16, 3), 3, 1), 8, 1)});
  CHECK(stretches_of(network, interleaved(network, *compiler::plan(network, kMachine))).empty());
}

/// Adds `count` blocks, each the sum of two products and their input.
int blocks(Builder& b, int count) {
  int x = b.fully_connected(b.input({8, 16}), 16, 16);
  for (int i = 0; i < count; ++i)
    x = b.addition(b.fully_connected(b.fully_connected(x, 16, 16), 16, 16), x);
  return x;
}

TEST_CASE("reload gives a residual a second map for its sum", "[compiler][transform]") {
  Builder b(1);
  CHECK(changed(reload, lowered(b, {blocks(b, 1)})) == R"(
network: 5 maps, 3 layers
  map 0 'input' 1x8x16, input
  map 1 't3' 1x8x16, kept
  map 2 't6' 1x8x16
  map 3 't10' 1x8x16, output
  map 4 't3' 1x8x16, reloads map 1
  layer 0 FULLY_CONNECTED 't3': 0 -> 1
    conv 1x8 of 1x8
    16 channels x 4 steps of 4 int8 codes, codes -128..127
  layer 1 FULLY_CONNECTED 't6': 1 -> 2
    conv 1x8 of 1x8
    16 channels x 4 steps of 4 int8 codes, codes -128..127
  layer 2 FULLY_CONNECTED+ADD 't10': 2 + 4 -> 3
    conv 1x8 of 1x8
    16 channels x 4 steps of 4 int8 codes, codes -128..127
)");
  Builder many(1);
  const Network network = lowered(many, {blocks(many, 9)});
  const auto copies = [&](int place) {
    const std::optional<Network> other = reload(network, kMachine, place);
    REQUIRE(other);
    return other->maps.size() - network.maps.size();
  };
  CHECK(copies(0) == 9);
  CHECK(copies(1) == 1);
}

TEST_CASE("sections that are alike are planned once", "[compiler][transform]") {
  const spec::Config narrow = fuzz::small_config(8, 8, 32, 32, 64);
  const auto sections = [&](int blocks) {
    Builder b(1);
    int x = b.input({1, 32, 32, 8});
    for (int i = 0; i < blocks; ++i)
      x = b.addition(convolution(b, convolution(b, x, 48, 1), 8, 3), x);
    const Network network = lowered(b, {x});
    std::size_t count = 0;
    CHECK(!cascades_of(network, narrow, *plan(network, narrow), true, &count).empty());
    return count;
  };
  CHECK(sections(40) == sections(20));
}

TEST_CASE("sections that differ in anything a plan depends on have different keys",
          "[compiler][transform]") {
  Builder b(1);
  const int x = convolution(b, b.input({1, 8, 8, 8}), 8, 3);
  const Network network = lowered(b, {b.pool(x, false, 3, 3, 2, 2, Padding::kSame)});
  REQUIRE(network.layers.size() == 2);
  REQUIRE(network.layers[1].pool().regions.size() > 1);
  const std::vector<std::pair<const char*, void (*)(Network&)>> edits{
      {"height", [](Network& n) { ++n.layers[0].window.H; }},
      {"width", [](Network& n) { ++n.layers[0].window.W; }},
      {"dilation", [](Network& n) { ++n.layers[0].window.dil_y; }},
      {"dilation by the former", [](Network& n) { ++n.layers[0].former.dil; }},
      {"a sweep's place", [](Network& n) { ++n.layers[0].sweeps[0].down; }},
      {"a region of a pool", [](Network& n) { ++n.layers[1].pool().regions[0].rect.y1; }},
      {"regions of a pool", [](Network& n) { n.layers[1].pool().regions.pop_back(); }},
      {"where weights begin", [](Network& n) { ++n.layers[0].conv().weights_x; }},
      {"a map that is transposed", [](Network& n) { n.maps[0].transposed = true; }},
      {"a map of a core's pixels", [](Network& n) { n.maps[0].core.pixels = 8; }}};
  for (const auto& [what, edit] : edits) {
    CAPTURE(what);
    Network other = network;
    edit(other);
    CHECK(key_of(other) != key_of(network));
  }
}

TEST_CASE("maps of a section use as much of the bus as maps of the network",
          "[compiler][cluster]") {
  Builder b(1);
  const Network network =
      lowered(b, {convolution(b, convolution(b, b.input({1, 64, 64, 8}), 32, 3), 32, 1)});
  spec::Config config = kMachine;
  config.cores = 4;
  const auto cycles = [&](int cores) {
    Network shared = network;
    shared.cores = cores;
    return quick_plan(section(shared, {0, 1}, nullptr), config)->cycles;
  };
  CHECK(cycles(4) > 2 * cycles(1));
}

TEST_CASE("the search fuses where the plan gets shorter", "[compiler][transform]") {
  const spec::Config narrow = fuzz::small_config(8, 8, 8, 32, 64);
  Builder b(1);
  const int x = convolution(b, b.input({1, 32, 32, 4}), 16, 3);
  const Network network = lowered(b, {b.pool(x, true, 2, 2, 2, 2, Padding::kValid)});
  const Planned unfused = search(network, narrow, {Fusion::kNever, Cascading::kNever}, "fuse");
  const Planned fused = search(network, narrow, {Fusion::kEstimated, Cascading::kNever}, "fuse");
  CHECK(unfused.network.layers.size() == 3);  // the convolution, the pool, its clamp
  CHECK(fused.network.layers.size() == 1);
  CHECK(fused.plan.cycles < unfused.plan.cycles);
  CHECK(unfused.printed == to_text(network));
  CHECK(fused.printed == to_text(fused.network));
}

}  // namespace
}  // namespace trine::compiler
