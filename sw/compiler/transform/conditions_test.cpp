// SPDX-License-Identifier: Apache-2.0
//
// Checks the conditions that keep a pass from changing what a network computes. Each row makes one
// condition fail in a network that the pass changes otherwise.

#include <functional>
#include <string>

#include "sw/base/catch.h"
#include "sw/compiler/partition/ends.h"
#include "sw/compiler/transform/passes.h"
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

std::size_t layers_after(decltype(Pass::next) pass, const Network& network,
                         const spec::Config& config = kMachine) {
  int place = 0;
  const std::optional<Network> other = pass(network, config, place);
  return other ? other->layers.size() : 0;
}

/// A change that makes one condition fail.
struct Row {
  const char* what;
  std::function<void(Network&)> edit;
};

/// Checks that the pass changes the network, and that it does not with any of the changes.
void check_rows(decltype(Pass::next) pass, const Network& network, const std::vector<Row>& rows) {
  REQUIRE(layers_after(pass, network) > 0);
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Network edited = network;
    row.edit(edited);
    CHECK(layers_after(pass, edited) == 0);
  }
}

/// Appends a copy of a layer between other maps.
Layer& again(Network& n, int layer, int input, int output) {
  Layer copy = n.layers[at(layer)];
  copy.input = input;
  copy.output = output;
  n.layers.push_back(copy);
  return n.layers.back();
}

/// Adds a copy of a map, without relations to other maps.
int another(Network& n, int map) {
  Map m = n.maps[at(map)];
  m.part = {};
  m.input = m.output = false;
  return n.add(std::move(m));
}

TEST_CASE("attention stays where units would compute something else", "[compiler][transform]") {
  Builder b(1);
  const int q = b.input({2, 16, 16}), k = b.input({2, 16, 16}), v = b.input({2, 16, 16});
  const int weights =
      b.unary(b.batch_matmul(q, k, false, true), model::OpKind::kSoftmax, "SOFTMAX");
  b.set_quantization(weights, 1.0f / 256, -128);
  // Maps: 0 q, 1 k, 2 v, 3 scores (4 and 5 of the heads), 6 weights, 7 result (8 and 9).
  // Layers: 0 and 1 scores, 2 softmax, 3 and 4 mixtures.
  const Network network = lowered(b, {b.batch_matmul(weights, v, false, false)});
  REQUIRE(network.layers.size() == 5);
  check_rows(
      cut_attention, network,
      {{"scores are an output", [](Network& n) { n.maps[3].output = true; }},
       {"scores are an input", [](Network& n) { n.maps[3].input = true; }},
       {"scores are a part", [](Network& n) { n.maps[3].part.whole = 0; }},
       {"weights are an output", [](Network& n) { n.maps[6].output = true; }},
       {"weights are constant", [](Network& n) { n.maps[6].codes = {1}; }},
       {"another layer reads the scores", [](Network& n) { again(n, 2, 3, another(n, 6)); }},
       {"another layer reads a head's scores", [](Network& n) { again(n, 3, 4, another(n, 8)); }},
       {"another layer writes the weights", [](Network& n) { again(n, 0, 0, 6); }},
       {"one more layer writes scores", [](Network& n) { again(n, 0, 0, 4); }},
       {"one more layer reads the weights", [](Network& n) { again(n, 3, 6, another(n, 8)); }},
       {"one product less", [](Network& n) { n.layers.pop_back(); }},
       {"scores of every other token", [](Network& n) { n.maps[4].part.stride_x = 2; }},
       {"scores of some keys", [](Network& n) { n.layers[0].channels = 12; }},
       {"scores with a residual", [](Network& n) { n.layers[0].second = 0; }},
       {"scores of weights that are constant", [](Network& n) { n.layers[1].weights_map = -1; }},
       {"scores in rows", [](Network& n) { n.layers[0].window.P = 2; }},
       {"scores in sweeps", [](Network& n) { n.layers[0].sweeps.resize(2); }},
       {"a mixture in rows", [](Network& n) { n.layers[3].window.P = 2; }},
       {"a mixture of every other token", [](Network& n) { n.layers[3].window.stride_x = 2; }},
       {"a mixture of a head's own map", [](Network& n) { n.layers[3].weights_map = 6; }},
       {"a mixture between two heads", [](Network& n) { n.layers[4].window.pad_left = -8; }},
       {"a mixture below the head", [](Network& n) { n.layers[4].window.pad_top = -1; }},
       {"a mixture of fewer tokens", [](Network& n) { n.layers[4].window.Q = 8; }},
       {"a mixture of what another makes", [](Network& n) {
          // A layer in between needs the first head's result, and the second head needs that
          // layer's result.
          Layer between = n.layers[2];
          between.input = 7;
          between.output = n.layers[4].weights_map = another(n, 2);
          n.layers.insert(n.layers.begin() + 4, between);
        }}});
  // Short heads leave lanes idle.
  Builder c(1);
  const int r = c.input({2, 4, 16}), s = c.input({2, 4, 16}), t = c.input({2, 4, 16});
  const int few = c.unary(c.batch_matmul(r, s, false, true), model::OpKind::kSoftmax, "SOFTMAX");
  c.set_quantization(few, 1.0f / 256, -128);
  CHECK(layers_after(cut_attention, lowered(c, {c.batch_matmul(few, t, false, false)})) == 0);
}

TEST_CASE("pixels that some reader needs stay", "[compiler][transform]") {
  Builder b(1);
  const auto convolution = [&b](int from, int size, int stride) {
    return b.convolution(from, 8, size, size, stride, stride, 1, 1, Padding::kSame, true);
  };
  const int x = convolution(b.input({1, 8, 8, 8}), 3, 1);
  // Maps: 0 input, 1 thinned, 2 and 3 outputs. Layers: 0 writes map 1, 1 and 2 read it.
  const Network network = lowered(b, {convolution(x, 1, 2), convolution(x, 1, 2)});
  REQUIRE(network.layers.size() == 3);
  check_rows(
      thin, network,
      {{"an output", [](Network& n) { n.maps[1].output = true; }},
       {"a residual", [](Network& n) { n.layers[2].second = 1; }},
       {"weights", [](Network& n) { n.layers[2].weights_map = 1; }},
       {"another has parts of it", [](Network& n) { n.maps[1].has_parts = true; }},
       {"all columns", [](Network& n) { n.layers[2].window.stride_x = 1; }},
       {"all rows", [](Network& n) { n.layers[2].window.stride_y = 1; }},
       {"fewer columns", [](Network& n) { n.layers[2].window.Q = 3; }},
       {"fewer rows", [](Network& n) { n.layers[1].window.P = 3; }},
       {"two taps", [](Network& n) { n.layers[1].window.R = 2; }},
       {"two taps in a row", [](Network& n) { n.layers[1].window.S = 2; }},
       {"a row above", [](Network& n) { n.layers[1].window.pad_top = 1; }},
       {"a column before", [](Network& n) { n.layers[1].window.pad_left = 1; }},
       {"the window former", [](Network& n) { n.layers[1].former.steps = 1; }},
       {"sums", [](Network& n) { n.layers[1].kind = LayerKind::kSum; }},
       {"a row behind", [](Network& n) { n.layers[1].window.P = n.layers[2].window.P = 5; }},
       {"a column behind", [](Network& n) { n.layers[1].window.Q = n.layers[2].window.Q = 5; }},
       {"made by the window former", [](Network& n) { n.layers[0].former.steps = 1; }},
       {"made in sweeps", [](Network& n) { n.layers[0].sweeps.resize(2); }},
       {"made in two layers", [](Network& n) { n.maps[1].written.last = 1; }},
       {"made by the vector unit", [](Network& n) { n.layers[0].kind = LayerKind::kMax; }},
       {"strides too far", [](Network& n) { n.layers[0].window.stride_x = kMostStride; }},
       {"strides too far down", [](Network& n) { n.layers[0].window.stride_y = kMostStride; }}});
  spec::Config plain = kMachine;
  plain.vector = false;
  CHECK(layers_after(thin, network, plain) == 3);
  Network sum = network;
  sum.layers[0].second = 0;
  CHECK(layers_after(thin, sum) == 4);         // the residual's pixels are copied,
  CHECK(layers_after(thin, sum, plain) == 0);  // which needs the vector unit
}

TEST_CASE("pools that sweeps cannot express stay", "[compiler][transform]") {
  Builder b(1);
  const int x = b.convolution(b.input({1, 8, 8, 8}), 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  const int y = b.pool(x, true, 2, 2, 2, 2, Padding::kSame);
  b.graph.ops.back().activation = model::Activation::kNone;
  // Maps: 0 input, 1 between, 2 output. Layers: 0 convolution, 1 pool.
  const Network network = lowered(b, {y});
  REQUIRE(network.layers.size() == 2);
  check_rows(
      fuse, network,
      {{"the map is an output", [](Network& n) { n.maps[1].output = true; }},
       {"the map is a part", [](Network& n) { n.maps[1].part.whole = 0; }},
       {"another reads the map", [](Network& n) { again(n, 1, 1, another(n, 2)); }},
       {"another adds the map", [](Network& n) { again(n, 0, 0, another(n, 2)).second = 1; }},
       {"another has it as weights",
        [](Network& n) { again(n, 0, 0, another(n, 2)).weights_map = 1; }},
       {"another reads a part",
        [](Network& n) {
          const int part = another(n, 1);
          n.maps[at(part)].part.whole = 1;
          again(n, 1, part, another(n, 2));
        }},
       {"of an average", [](Network& n) { n.layers[1].kind = LayerKind::kSum; }},
       {"of the machine's input", [](Network& n) { n.layers[1].input = 0; }},
       {"of a part that the layer writes", [](Network& n) { n.layers[0].output = another(n, 1); }},
       {"dilated rows", [](Network& n) { n.layers[1].window.dil_y = 2; }},
       {"dilated columns", [](Network& n) { n.layers[1].window.dil_x = 2; }},
       {"repeated rows", [](Network& n) { n.layers[1].window.stride_y = 0; }},
       {"repeated columns", [](Network& n) { n.layers[1].window.stride_x = 0; }},
       {"a border as high as the window", [](Network& n) { n.layers[1].window.pad_top = 2; }},
       {"a border as wide as the window", [](Network& n) { n.layers[1].window.pad_left = 2; }},
       {"no tap in all rows", [](Network& n) { n.layers[1].window.P = 5; }},
       {"no tap in all columns", [](Network& n) { n.layers[1].window.Q = 5; }},
       {"the window former", [](Network& n) { n.layers[0].former.steps = 1; }},
       {"a residual", [](Network& n) { n.layers[0].second = 0; }},
       {"raw sums", [](Network& n) { n.layers[0].result = Output::kRaw; }},
       {"a table", [](Network& n) { n.layers[0].result = Output::kLookup; }},
       {"sweeps already", [](Network& n) { n.layers[0].sweeps.resize(2); }},
       {"rows moved already", [](Network& n) { n.layers[0].window.reach_y = 1; }},
       {"columns moved already", [](Network& n) { n.layers[0].window.reach_x = 1; }},
       {"strides too far", [](Network& n) { n.layers[0].window.stride_x = kMostStride; }},
       {"strides too far down", [](Network& n) { n.layers[0].window.stride_y = kMostStride; }}});
}

TEST_CASE("a clamp after a pool stays if it does more than clamp", "[compiler][transform]") {
  Builder b(1);
  const int x = b.convolution(b.input({1, 8, 8, 8}), 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  b.graph.outputs = {b.pool(x, true, 2, 2, 2, 2, Padding::kSame)};
  b.graph.ops.back().activation = model::Activation::kRelu;
  b.set_quantization(x, 0.1f, -20);
  b.set_quantization(b.graph.outputs[0], 0.1f, -20);
  const Network network = lower(b.graph, kMachine, reference::kDoublePolicy);
  // Maps: 0 input, 1 between, 2 and 3. Layers: 0 convolution, 1 pool, 2 clamp.
  REQUIRE(network.layers.size() == 3);
  REQUIRE(network.layers[2].range.act_min == -20);
  int place = 0;
  const Network fused = fuse(network, kMachine, place).value();
  REQUIRE(fused.layers.size() == 1);
  CHECK(fused.layers[0].range.act_min == -20);
  CHECK(fused.layers[0].range.act_max == network.layers[2].range.act_max);
  CHECK(fused.layers[0].output == network.layers[2].output);
  Network low = network;  // all codes of the convolution are below the clamp's range
  low.layers[0].range.act_max = -60;
  place = 0;
  CHECK(fuse(low, kMachine, place).value().layers[0].range.act_max == -20);
  const auto clamp = [](Network& n) -> SumRegion& { return n.layers[2].pool().regions[0]; };
  const std::vector<Row> rows{
      {"it moves the zero point", [](Network& n) { n.layers[2].range.zero_point = 1; }},
      {"it adds", [&](Network& n) { clamp(n).bias = 1; }},
      {"it scales", [&](Network& n) { clamp(n).scale.multiplier -= 1; }},
      {"it halves", [&](Network& n) { clamp(n).scale.shift = 0; }},
      {"it has two regions", [&](Network& n) { n.layers[2].pool().regions.push_back(clamp(n)); }},
      {"it has a table", [](Network& n) { n.layers[2].result = Output::kLookup; }},
      {"it has two taps", [](Network& n) { n.layers[2].window.S = 2; }},
      {"it takes fewer rows", [](Network& n) { n.layers[2].window.P = 2; }},
      {"it takes fewer columns", [](Network& n) { n.layers[2].window.Q = 2; }},
      {"it is no sum", [](Network& n) { n.layers[2].kind = LayerKind::kMax; }},
      {"it clamps another map", [](Network& n) { n.layers[2].input = another(n, 2); }},
      {"another reads the map", [](Network& n) { again(n, 1, 2, another(n, 2)); }},
      {"the map is an output", [](Network& n) { n.maps[2].output = true; }},
      {"codes come of thresholds", [](Network& n) { n.layers[0].result = Output::kThresholds; }}};
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Network edited = network;
    row.edit(edited);
    CHECK(layers_after(fuse, edited) == edited.layers.size() - 1);  // only the pool is fused
  }
}

TEST_CASE("residuals that cannot be loaded again stay", "[compiler][transform]") {
  Builder b(1);
  int x = b.fully_connected(b.input({8, 16}), 16, 16);
  x = b.addition(b.fully_connected(b.fully_connected(x, 16, 16), 16, 16), x);
  // Maps: 0 input, 1 residual, 2 between, 3 output. Layers: 0, 1, 2 with the sum.
  const Network network = lowered(b, {x});
  REQUIRE(network.layers.size() == 3);
  check_rows(reload, network,
             {{"rows of pixels", [](Network& n) { n.maps[1].shape.H = 2; }},
              {"a constant", [](Network& n) { n.maps[1].codes = {1}; }},
              {"weights", [](Network& n) { n.maps[1].weights = true; }},
              {"a state", [](Network& n) { n.maps[1].capacity = n.maps[1].shape; }},
              {"loaded again already", [](Network& n) { n.maps[1].reloads = 0; }},
              {"a part", [](Network& n) { n.maps[1].part.whole = 0; }},
              {"others are parts of it",
               [](Network& n) {
                 n.maps[2].part.whole = 1;
                 set_lifetimes(n);
               }},
              {"the other operand", [](Network& n) { n.layers[2].input = 1; }},
              {"made by the layer before", [](Network& n) { n.maps[1].written.first = 1; }}});
  Network edge = network;  // the copy is not at the edge, and not stored again
  edge.maps[1].output = true;
  int place = 0;
  const Network after = reload(edge, kMachine, place).value();
  CHECK(after.maps[1].output);
  CHECK(after.maps[1].kept);
  CHECK(!after.maps.back().output);
  CHECK(!after.maps.back().kept);
}

TEST_CASE("networks with weight maps or pixels inside of one pixel are not transposed",
          "[compiler][transform]") {
  Builder b(1);
  const int x = b.input({1, 4, 12, 8});
  const Network network = lowered(b, {b.convolution(x, 8, 1, 3, 1, 2, 1, 1, Padding::kSame, true)});
  check_rows(transpose, network,
             {{"weights", [](Network& n) { n.maps[1].weights = true; }},
              {"pixels of one", [](Network& n) { n.maps[1].part.pixel_words = 1; }}});
}

}  // namespace
}  // namespace trine::compiler
