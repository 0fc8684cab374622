// SPDX-License-Identifier: Apache-2.0
//
// Checks networks with a batch, which the compiler writes as one image after the other or as rows,
// against the golden layers of the original network.

#include <functional>
#include <optional>

#include "sw/compiler/rewrite/rewrite.h"
#include "sw/model/graph/refusal.h"
#include "sw/model/rewrite/batch.h"
#include "tests/compiler/rewrite_testing.h"
#include "tests/compiler/testing.h"
#include "tools/random/networks.h"

namespace trine::sim {
namespace {

using fuzz::make_batch;
using fuzz::make_unsigned;
using fuzz::shift_weights;
using fuzz::use_one_scale;
using model::DataType;
using model::OpKind;
using model::Padding;
using testing::Builder;
using testing::random_config;
using testing::random_shape;
using testing::text_of;
using namespace trine::sim::testing;

/// Adds all sorts of operators on images, and rows of matrices at the end.
void random_images(Builder& b) {
  std::vector<int> known{b.input(random_shape(b))};
  int x = known[0];
  for (int i = b.number(1, 5); i > 0; --i) {
    const std::vector<int> s = b.shape(x);
    switch (b.number(0, 8)) {
      case 0:
        x = b.pad(x, b.number(0, 2), 1, 0, b.number(0, 2));
        break;
      case 1:
        x = b.strided_slice(x, {0, 0, 0, 0}, {1, s[1], s[2], (s[3] + 1) / 2}, {1, 1, 1, 1});
        break;
      case 2:
        x = b.binary(x, b.mean(x, {1, 2}), OpKind::kMul, "MUL");
        break;
      case 3:
        if (b.one_scale) x = b.concatenation({x, x}, b.number(1, 3));
        break;
      case 4:
        x = b.resize(x, false, s[1] + 1, 2 * s[2], false, false);
        break;
      case 5:
        x = b.addition(x, b.constant({s[1], 1, s[3]}));
        break;
      case 6:
        x = b.unary(x, OpKind::kTanh, "TANH");
        break;
      default:
        x = random_product(b, x);
    }
    known.push_back(x);
  }
  if (x == known[0] || b.number(0, 2) == 0) x = b.mean(x, {1, 2});
  const int K = static_cast<int>(b.graph.tensor(x).elements());
  if (b.number(0, 1) == 0 && K < 3000) x = b.fully_connected(b.reshape(x, {1, K}), K, 7);
  b.graph.outputs = {x};
  if (b.number(0, 2) == 0 && known[1] != known[0]) b.graph.outputs.push_back(known[1]);
}

TEST_CASE("batches equal the golden layers", "[arch][random][rewrite][batch]") {
  for (unsigned seed = 1; seed <= 2 * kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const spec::Config config = random_config(b);
    b.one_scale = b.number(0, 1) == 0;
    const bool unsigned_codes = b.number(0, 3) == 0;
    random_images(b);
    make_batch(b, b.number(2, 4));
    if (unsigned_codes) {
      use_one_scale(b.graph);
      shift_weights(b);
      make_unsigned(b.graph);
    }
    require_exact(b, config);
  }
}

TEST_CASE("batches of constants and of matrices equal the golden layers",
          "[arch][rewrite][batch]") {
  Builder b(1);
  b.one_scale = true;
  const int x = b.input({3, 4, 5, 6});
  const int y = b.maximum(x, b.constant({3, 1, 5, 1}));
  const int rows = b.reshape(y, {12, 30});
  const int z = b.fully_connected(rows, 30, 8);
  b.graph.outputs = {b.reshape(z, {3, 2, 2, 8}), rows};
  require_exact(b, testing::small_config(4, 4, 16, 8, 64));
}

/// Uses only the golden layers: nothing is compiled.
TEST_CASE("operators that mix the images of a batch are not cut into images",
          "[arch][rewrite][batch]") {
  const auto arg_max = [](Builder& b, int x, int axis) {
    std::vector<int> shape = b.shape(x);
    shape.erase(shape.begin() + axis);
    model::Tensor found = b.graph.tensor(x);
    found.type = DataType::kInt32;
    found.quantization = {};
    found.shape = shape;
    b.graph.tensors.push_back(found);
    const int y = static_cast<int>(b.graph.tensors.size()) - 1;
    b.graph.ops.push_back(model::op_of(OpKind::kArgMax, 9, {x, b.integers({axis}, {1})}, {y}));
    return y;
  };
  const auto joined = [](Builder& b, int x, int axis) {
    const int y = b.concatenation({x, x}, axis);
    b.graph.ops.back().axis = axis - 4;
    return y;
  };
  const auto [what, make] = GENERATE_COPY(table<std::string, std::function<int(Builder&, int)>>({
      {"mean 0 1", [](Builder& b, int x) { return b.mean(x, {0, 1}); }},
      {"mean 0", [](Builder& b, int x) { return b.mean(x, {0}); }},
      {"mean 0, which goes",
       [](Builder& b, int x) {
         const int y = b.mean(x, {0});
         b.graph.ops.back().keep_dims = false;
         b.tensor(y).shape = {4, 4, 8};
         return y;
       }},
      {"mean 1 3", [](Builder& b, int x) { return b.mean(x, {1, 3}); }},
      {"max 0", [](Builder& b, int x) { return b.reduce_max(x, {0}); }},
      {"transpose 0 1", [](Builder& b, int x) { return b.transpose(x, {1, 0, 2, 3}); }},
      {"transpose 1 3", [](Builder& b, int x) { return b.transpose(x, {0, 3, 2, 1}); }},
      {"concatenation -4", [=](Builder& b, int x) { return joined(b, x, 0); }},
      {"concatenation 0", [](Builder& b, int x) { return b.concatenation({x, x}, 0); }},
      {"concatenation -1", [=](Builder& b, int x) { return joined(b, x, 3); }},
      {"pad", [](Builder& b, int x) { return b.pad(x, {2, 2, 0, 1, 0, 0, 0, 0}); }},
      {"pad pixels", [](Builder& b, int x) { return b.pad(x, {0, 0, 0, 1, 2, 0, 0, 0}); }},
      {"every other image",
       [](Builder& b, int x) {
         return b.strided_slice(x, {0, 0, 0, 0}, {4, 4, 4, 8}, {2, 1, 1, 1});
       }},
      {"slice within",
       [](Builder& b, int x) {
         return b.strided_slice(x, {0, 1, 0, 0}, {4, 4, 4, 6}, {1, 1, 2, 1});
       }},
      {"gather 0",
       [](Builder& b, int x) {
         return b.expandable("GATHER", {x, b.integers({3, 0, 0, 1})}, x, {{4, 4, 4, 8}}, 0)[0];
       }},
      {"gather -4",
       [](Builder& b, int x) {
         return b.expandable("GATHER", {x, b.integers({3, 0, 0, 1})}, x, {{4, 4, 4, 8}}, -4)[0];
       }},
      {"gather -3",
       [](Builder& b, int x) {
         return b.expandable("GATHER", {x, b.integers({2, 0})}, x, {{4, 2, 4, 8}}, -3)[0];
       }},
      {"matrices",
       [](Builder& b, int x) {
         const int rows = b.reshape(x, {4, 128});
         return b.batch_matmul(rows, rows, false, true);
       }},
      {"matrices of each image",
       [](Builder& b, int x) {
         const int rows = b.reshape(x, {4, 16, 8});
         return b.batch_matmul(rows, rows, true, false);
       }},
      {"a constant of lower rank",
       [](Builder& b, int x) { return b.addition(x, b.constant({4, 8})); }},
      {"a constant of each image",
       [](Builder& b, int x) { return b.maximum(x, b.constant({4, 1, 1, 8})); }},
      {"largest image", [=](Builder& b, int x) { return arg_max(b, x, 0); }},
      {"largest row", [=](Builder& b, int x) { return arg_max(b, x, 1); }},
  }));
  CAPTURE(what);
  Builder b(3);
  b.one_scale = true;
  const int x = b.unary(b.input({4, 4, 4, 8}), OpKind::kRelu, "RELU");
  b.graph.outputs = {make(b, x)};
  const model::Graph graph = model::expanded(b.graph);
  const std::vector<Array> inputs = {b.random_array(graph.inputs[0])};
  const auto outputs = [&](const model::Graph& g) {
    return reference::outputs_of(g, reference::run_graph(g, inputs)).at(0).bytes;
  };
  CHECK(outputs(compiler::rewritten(graph, {})) == outputs(graph));
}

TEST_CASE("a batch that a RESHAPE makes of other rows equals the golden layers",
          "[arch][rewrite][batch]") {
  for (const bool behind : {false, true}) {
    Builder b(4);
    const spec::Config config = testing::small_config(4, 4, 16, 16, 64);
    int x = b.reshape(b.unary(b.input({1, 3, 10, 4}), OpKind::kRelu), {2, 5, 3, 4});
    if (behind) x = b.unary(x, OpKind::kRelu);
    b.graph.outputs = {x};
    require_exact(b, config);
  }
}

std::vector<Array> random_inputs(Builder& b, const model::Graph& graph) {
  std::vector<Array> inputs;
  for (const int t : graph.inputs) {
    const model::Tensor& tensor = graph.tensor(t);
    Array& input = inputs.emplace_back();
    input.dtype = tensor.type == DataType::kUInt8 ? "u1" : "i1";
    input.shape.assign(tensor.shape.begin(), tensor.shape.end());
    for (std::int64_t i = 0; i < tensor.elements(); ++i)
      input.bytes.push_back(static_cast<std::uint8_t>(b.content(0, 255)));
  }
  return inputs;
}

/// Returns image n of each batch.
std::vector<Array> image_of(const std::vector<Array>& batches, std::size_t n, std::size_t count) {
  std::vector<Array> images = batches;
  for (Array& image : images) {
    const auto bytes = static_cast<std::ptrdiff_t>(image.bytes.size() / count);
    const auto first = image.bytes.begin() + static_cast<std::ptrdiff_t>(n) * bytes;
    image.bytes = {first, first + bytes};
    image.shape[0] /= static_cast<std::int64_t>(count);
  }
  return images;
}

TEST_CASE("a network for a batch gives the results of each image",
          "[arch][random][rewrite][batch]") {
  int refused = 0;
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const spec::Config config = random_config(b);
    b.number(0, 3) == 0 ? fuzz::make_matrices(b) : fuzz::make_images(b);
    fuzz::set_outputs(b);
    const model::Graph one = model::expanded(b.graph);
    const int count = b.number(2, 9);
    CAPTURE(text_of(one), count);
    std::optional<model::Graph> all;
    try {
      all = model::batched(one, count);
    } catch (const model::Refusal& e) {
      CHECK(std::string(e.what()).find("of a batch") != std::string::npos);
      ++refused;
      continue;
    }
    const std::vector<Array> inputs = random_inputs(b, *all);
    const auto outputs = reference::outputs_of(*all, reference::run_graph(*all, inputs));
    const auto images = static_cast<std::size_t>(count);
    for (std::size_t n = 0; n < images; ++n) {
      const auto own =
          reference::outputs_of(one, reference::run_graph(one, image_of(inputs, n, images)));
      const auto part = image_of(outputs, n, images);
      for (std::size_t o = 0; o < own.size(); ++o) CHECK(own[o].bytes == part[o].bytes);
    }
    try {
      testing::require_exact_with_room(*all, config, inputs);
    } catch (const model::Refusal&) {  // refused for the batch
    }
  }
  CHECK(refused < static_cast<int>(kSeeds) * 2 / 3);
}

/// Builds a stem with large maps, which must process images one by one, and a classifier.
model::Graph stem_and_classifier(int images) {
  Builder b(1);
  int x = b.convolution(b.input({1, 32, 32, 8}), 16, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  x = b.convolution(x, 16, 3, 3, 2, 2, 1, 1, Padding::kSame, true);
  x = b.pool(x, true, 4, 4, 4, 4, Padding::kValid);
  const int y = b.fully_connected(b.reshape(x, {1, 256}), 256, 10);
  b.graph.outputs = {b.softmax(y)};
  return model::batched(b.graph, images);
}

TEST_CASE("rows of a batch that become images are cut by the host", "[arch][rewrite][batch]") {
  const spec::Config config = testing::small_config(8, 8, 64, 16, 64);
  std::vector<RunResult> results;
  for (const int count : {1, 3}) {
    Builder b(1);
    const int image = b.reshape(b.input({1, 240}), {1, 16, 15, 1});
    b.graph.outputs = {b.convolution(image, 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true)};
    const model::Graph graph = model::batched(b.graph, count);
    Builder values(7);
    results.push_back(testing::require_exact(graph, config, random_inputs(values, graph)));
    const compiler::Program program = compiler::compile(graph, config);
    CHECK(std::ranges::count(program.layers, "STRIDED_SLICE", &compiler::ProgramLayer::op) == 0);
  }
  CHECK(results[1].cycles < 3 * results[0].cycles);
}

TEST_CASE("images of a batch share weights, and none leaves the chip", "[arch][rewrite][batch]") {
  const spec::Config config = testing::small_config(8, 8, 64, 16, 64);
  std::vector<RunResult> results;
  for (const int count : {1, 6}) {
    const model::Graph graph = stem_and_classifier(count);
    Builder b(7);
    results.push_back(testing::require_exact(graph, config, random_inputs(b, graph)));
    const compiler::Program program = compiler::compile(graph, config);
    const auto layers = [&](const std::string& op) {
      return std::ranges::count(program.layers, op, &compiler::ProgramLayer::op);
    };
    CHECK(layers("FULLY_CONNECTED") == 1);
    CHECK(layers("SOFTMAX") == 1);
    CHECK(layers("CONCATENATION") == 0);
    CHECK(program.image.size() < 12'000);
  }
  const std::uint64_t pixels = 32 * 32 * 8;
  CHECK(results[1].dram_bytes_written < 6 * 64);
  CHECK(results[1].dram_bytes_read - 6 * pixels < 2 * (results[0].dram_bytes_read - pixels));
  CHECK(results[1].cycles < 6 * results[0].cycles);
}

/// Runs `layers` convolutions of 1x1 or 3x3 on maps of 7x7 pixels, from input to output.
RunResult run_small_maps(int images, int layers, int size, const spec::Config& config,
                         compiler::Program* program) {
  Builder b(3);
  int x = b.input({1, 7, 7, 64});
  for (int i = 0; i < layers; ++i) {
    const int taps = i > 0 && i + 1 < layers ? size : 1;
    x = b.convolution(x, 64, taps, taps, 1, 1, 1, 1, Padding::kSame, true);
  }
  b.graph.outputs = {x};
  const model::Graph graph = model::batched(b.graph, images);
  *program = compiler::compile(graph, config);
  Builder values(7);
  return testing::require_exact(graph, config, random_inputs(values, graph));
}

TEST_CASE("small maps of a batch fill lanes together", "[arch][rewrite][batch]") {
  const spec::Config config = testing::small_config(8, 8, 64, 64, 64);
  compiler::Program program;
  const RunResult one = run_small_maps(1, 6, 1, config, &program);
  REQUIRE(program.layers.size() == 6);
  const RunResult all = run_small_maps(8, 6, 1, config, &program);
  // Layers between the ends process all images at once: 49 tiles of 8 pixels instead of 8 times 7.
  CHECK(program.layers.size() == 2 * 8 + 4);
  CHECK(all.cycles * 100 < 8 * one.cycles * 93);
}

TEST_CASE("weights that exceed PMEM are loaded once for a batch", "[arch][rewrite][batch]") {
  const spec::Config config = testing::small_config(8, 8, 64, 16, 64);
  const std::uint64_t weights = 2 * 64 * 64 * 9, map = 7 * 8 * 64;
  compiler::Program program;
  const RunResult one = run_small_maps(1, 4, 3, config, &program);
  REQUIRE(one.dram_bytes_read > weights);
  const RunResult all = run_small_maps(4, 4, 3, config, &program);
  CHECK(all.dram_bytes_read < one.dram_bytes_read + weights / 2 + 4 * map);
}

/// Adds bottlenecks of residual networks, some with a stride.
void random_blocks(Builder& b) {
  const int C = 8 * b.number(1, 6);
  int x = b.input({1, b.number(3, 9), b.number(3, 9), 4 * b.number(1, 4)});
  const auto conv = [&](int from, int channels, int size, int stride) {
    return b.convolution(from, channels, size, size, stride, stride, 1, 1, Padding::kSame, true);
  };
  x = conv(x, C, 1, 1);
  for (int i = b.number(1, 4); i > 0; --i) {
    const int stride = b.number(0, 2) == 0 ? 2 : 1, middle = 4 * b.number(1, 16);
    int y = conv(x, middle, 1, stride);
    y = conv(y, middle, b.number(0, 3) == 0 ? 1 : 3, 1);
    y = conv(y, C, 1, 1);
    const int shortcut = stride > 1 || b.number(0, 2) == 0 ? conv(x, C, 1, stride) : x;
    x = b.addition(y, shortcut);
  }
  b.graph.outputs = {b.number(0, 1) == 0 ? x : b.mean(x, {1, 2})};
}

TEST_CASE("blocks of a batch are exact with memories of any size",
          "[arch][random][rewrite][batch]") {
  int shared = 0;
  for (unsigned seed = 1; seed <= kSeeds / 4; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    const int lanes = 4 << b.number(0, 2), columns = 4 << b.number(0, 1);
    const spec::Config config = testing::small_config(lanes, columns, 8 << b.number(0, 3),
                                                      8 << b.number(0, 2), 64 << b.number(0, 1));
    random_blocks(b);
    const std::size_t alone = compiler::compile(b.graph, config).layers.size();
    const int images = b.number(2, 9);
    make_batch(b, images);
    if (compiler::compile(b.graph, config).layers.size() < alone * at(images)) ++shared;
    require_exact(b, config);
  }
  CHECK(shared > 0);
}

TEST_CASE("the cores of a cluster share a batch, as equally as they can",
          "[arch][batch][cluster]") {
  spec::Config config = testing::small_config(8, 8, 64, 16, 64);
  const model::Graph graph = stem_and_classifier(5);
  Builder b(7);
  const std::vector<Array> inputs = random_inputs(b, graph);
  const std::uint64_t one = testing::require_exact(graph, config, inputs).cycles;
  for (const auto& [cores, images] : {std::pair{2, 3}, {3, 2}, {4, 2}, {5, 1}, {8, 1}}) {
    CAPTURE(cores);
    config.cores = cores;
    const RunResult result = testing::require_exact(graph, config, inputs);
    CHECK(result.cycles < static_cast<std::uint64_t>(images) * one / 5 * 13 / 10 + 3000);
    const compiler::Program program = compiler::compile(graph, config);
    CHECK(static_cast<int>(program.inputs.size()) % ((5 + images - 1) / images) == 0);
    CHECK(program.inputs.back().offset > program.inputs.front().offset);
  }
}

TEST_CASE("random batches are exact on random clusters", "[arch][random][batch][cluster]") {
  for (unsigned seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Builder b(seed);
    spec::Config config = random_config(b);
    config.cores = b.number(2, 8);
    random_images(b);
    if (b.number(0, 1) == 0) make_batch(b, b.number(2, 9));
    CAPTURE(config.cores);
    require_exact(b, config, {.sharing = compiler::Sharing::kAlways});
  }
}

TEST_CASE("the cores of a cluster share the rows of an image", "[arch][cluster]") {
  spec::Config config = testing::small_config(4, 8, 64, 16, 64);
  const model::Graph graph = stem_and_classifier(1);
  Builder b(7);
  const std::vector<Array> inputs = random_inputs(b, graph);
  const std::uint64_t one = testing::require_exact(graph, config, inputs).cycles;
  for (const int cores : {2, 3, 4, 5, 7, 8}) {
    CAPTURE(cores);
    config.cores = cores;
    const RunResult result = testing::require_exact(graph, config, inputs);
    CHECK(static_cast<double>(result.cycles) < (cores < 4 ? 1 : 0.7) * static_cast<double>(one));
  }
}

TEST_CASE("the cores of a cluster share the tokens of a sequence", "[arch][cluster]") {
  spec::Config config = testing::small_config(4, 4, 64, 32, 64);
  Builder b(3);
  const int x = b.input({1, 53, 24});
  const auto product = [&](int from, int terms, int channels) {
    return b.reshape(b.fully_connected(from, terms, channels), {1, 53, channels});
  };
  const int scores = b.batch_matmul(product(x, 24, 24), product(x, 24, 24), false, true);
  const int mixed = b.batch_matmul(b.softmax(scores), product(x, 24, 24), false, false);
  const int sum = b.addition(product(mixed, 24, 24), x);
  b.graph.outputs = {product(product(sum, 24, 192), 192, 24)};
  const model::Graph graph = b.graph;
  const std::vector<Array> inputs = random_inputs(b, graph);
  const auto one = static_cast<double>(testing::require_exact(graph, config, inputs).cycles);
  for (const int cores : {2, 3, 4, 5, 8}) {
    CAPTURE(cores);
    config.cores = cores;
    CHECK(static_cast<double>(testing::require_exact(graph, config, inputs).cycles) <
          (cores == 2 ? 0.6 : 0.5) * one);
  }
}

TEST_CASE("rows of maps that cores share and others do not begin with whole beats",
          "[arch][cluster]") {
  spec::Config config = testing::small_config(4, 4, 64, 32, 64);
  config.cores = 2;
  Builder b(1);
  const int pooled = b.pool(b.input({1, 2, 11, 4}), false, 3, 3, 1, 1, Padding::kSame);
  b.graph.outputs = {b.convolution(pooled, 8, 1, 1, 1, 1, 1, 1, Padding::kSame, true),
                     b.fully_connected(b.input({1, 64, 64}), 64, 64)};
  require_exact(b, config);
}

TEST_CASE("parts of channels that other parts have loaded are not loaded again",
          "[arch][cluster]") {
  const auto bytes = [](int parts) {
    spec::Config config = testing::small_config(4, 4, 64, 32, 64);
    config.cores = 2;
    Builder b(1);
    const int x = b.fully_connected(b.input({1, 64, 64}), 64, 512);
    const int row = b.reshape(b.fully_connected(x, 512, 64), {1, 1, 64, 64});
    for (int k = 1; k <= parts; ++k)  // neighbouring parts: all cores compute all pixels
      b.graph.outputs.push_back(
          b.pool(b.strided_slice(row, {0, 0, 0, 0}, {1, 1, 64, 64 * k / parts}, {1, 1, 1, 1}), true,
                 1, 3, 1, 1, Padding::kSame));
    const model::Graph graph = b.graph;
    return testing::require_exact(graph, config, random_inputs(b, graph)).dram_bytes_read;
  };
  CHECK(bytes(8) < bytes(1) + 7 * 2'000);  // each part adds program words
}

TEST_CASE("tokens of a core that the host reads are not fused away", "[arch][cluster]") {
  spec::Config config = testing::small_config(2, 8, 64, 32, 64);
  config.cores = 2;
  Builder b(1);
  const int x = b.unary(b.input({1, 3}), model::OpKind::kRelu);
  const int y = b.batch_matmul(x, b.input({1, 1}), true, false);
  b.graph.outputs = {b.strided_slice(y, {0, 0}, {3, 1}, {1, 1}), y};
  require_exact(b, config, {.sharing = compiler::Sharing::kAlways});
}

TEST_CASE("a pixel whose words are rows of a product is loaded as a whole", "[arch][cluster]") {
  spec::Config config = testing::small_config(4, 4, 64, 32, 64);
  config.cores = 2;
  Builder b(1);
  const int x = b.fully_connected(b.input({9, 24}), 24, 24);  // each core computes its own tokens
  b.graph.outputs = {b.batch_matmul(b.reshape(x, {9, 3, 8}), b.constant({9, 8, 4}), false, false)};
  require_exact(b, config);
}

TEST_CASE("weights of a chunk that fills PMEM are loaded while the previous chunk is used",
          "[arch][plan]") {
  Builder b(1);
  b.graph.outputs = {
      b.convolution(b.input({1, 6, 6, 1024}), 40, 1, 1, 1, 1, 1, 1, Padding::kSame, true)};
  const model::Graph graph = b.graph;
  const std::vector<Array> inputs = random_inputs(b, graph);
  const auto cycles = [&](int pmem_kib) {  // 8 KiB are 256 rows
    return static_cast<double>(
        testing::require_exact(graph, testing::small_config(8, 8, 128, pmem_kib, 256), inputs)
            .cycles);
  };
  CHECK(cycles(8) < 1.1 * cycles(64));
}

/// Runs a graph on a cluster. @return the bytes written to DRAM
std::uint64_t written_by(Builder& b, int cores, int dmem_kib) {
  spec::Config config = testing::small_config(4, 8, dmem_kib, 16, 64);
  config.cores = cores;
  const model::Graph graph = b.graph;
  return testing::require_exact(graph, config, random_inputs(b, graph), {},
                                {.sharing = compiler::Sharing::kAlways})
      .dram_bytes_written;
}

TEST_CASE("rows that windows of two cores read go from core to core", "[arch][cluster]") {
  const auto [cores, kernel, stride] = GENERATE(
      table<int, int, int>({{2, 3, 1}, {4, 3, 1}, {4, 5, 1}, {4, 3, 2}, {6, 3, 2}, {3, 2, 1}}));
  CAPTURE(cores, kernel, stride);
  Builder b(1);
  int x = b.convolution(b.input({1, 24, 24, 4}), 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  x = b.convolution(x, 8, kernel, kernel, stride, stride, 1, 1, Padding::kSame, true);
  x = b.depthwise(x, 1, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  b.graph.outputs = {b.convolution(x, 12, 1, 1, 1, 1, 1, 1, Padding::kSame, true)};
  const int side = 24 / stride;
  CHECK(written_by(b, cores, 32) == static_cast<std::uint64_t>(side * side * 12));
}

TEST_CASE("a map of one pixel has no rows to share", "[arch][cluster]") {
  Builder b(1);
  b.graph.outputs = {b.pad(b.input({1, 1, 1, 4}), 4, 0, 0, 0)};
  CHECK(written_by(b, 3, 32) == 5 * 4);
}

TEST_CASE("a map that a convolution both reads and adds does not go through DRAM",
          "[arch][cluster]") {
  Builder b(1);
  int x = b.convolution(b.input({1, 24, 24, 4}), 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  x = b.addition(b.convolution(x, 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true), x);
  b.graph.outputs = {b.convolution(x, 8, 3, 3, 2, 2, 1, 1, Padding::kSame, true)};
  CHECK(written_by(b, 3, 32) == 12 * 12 * 8);
}

TEST_CASE("bands that do not fit together, and windows beyond a neighbour, go through DRAM",
          "[arch][cluster]") {
  Builder b(1);
  const bool wide =
      GENERATE(false, true);  // windows with more rows than a core has; or rows of 14 / 4
  int x =
      b.convolution(b.input({1, wide ? 8 : 28, 8, 4}), 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  const int kernel = wide ? 7 : 3, stride = wide ? 1 : 2;
  b.graph.outputs = {
      b.convolution(x, 4, kernel, kernel, stride, stride, 1, 1, Padding::kSame, true)};
  const std::uint64_t output = wide ? 8 * 8 * 4 : 14 * 4 * 4, map = (wide ? 8 : 28) * 8 * 8;
  CHECK(written_by(b, 4, 32) == output + map);
}

TEST_CASE("channels of a map that does not fit on chip are computed and read in parts",
          "[arch][cluster]") {
  Builder b(1);
  int x = b.convolution(b.input({1, 16, 16, 8}), 64, 1, 1, 1, 1, 1, 1, Padding::kSame, true);
  x = b.depthwise(x, 1, 3, 3, 2, 2, 1, 1, Padding::kSame, true);
  b.graph.outputs = {b.convolution(x, 8, 1, 1, 1, 1, 1, 1, Padding::kSame, true)};
  CHECK(written_by(b, 2, 8) == 8 * 8 * 8);  // a core's half of the map takes 8 KiB
}

TEST_CASE("rows of a batch fill the lanes", "[arch][rewrite][batch]") {
  const bool images = GENERATE(false, true);  // the host flattens images
  Builder b(1);
  const int x = images ? b.reshape(b.input({1, 4, 8, 8}), {1, 256}) : b.input({1, 256});
  b.graph.outputs = {b.fully_connected(x, 256, 128)};
  const auto cycles = [&](int count) {
    const model::Graph graph = model::batched(b.graph, count);
    return testing::require_exact(graph, testing::small_config(8, 8, 64, 64, 64),
                                  random_inputs(b, graph))
        .cycles;
  };
  const auto one = cycles(1);
  CHECK(cycles(8) < one + one / 8);
  CHECK(cycles(16) < one + one / 4);
}

TEST_CASE("a constant is stored in the layout of the reshaped map that it is added to",
          "[arch][elementwise]") {
  Builder b(1);
  const int x = b.unary(b.input({1, 4, 5, 6}), OpKind::kRelu, "RELU");
  b.graph.outputs = {b.addition(b.reshape(x, {12, 10}), b.constant({12, 1}))};
  require_exact(b, testing::small_config(4, 4, 16, 8, 64));
}

TEST_CASE("an operator that mixes the images of a batch is refused",
          "[arch][rewrite][batch][error]") {
  Builder b(1);
  const int x = b.input({2, 3, 3, 4});
  const int y = b.convolution(x, 4, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
  b.graph.tensors[static_cast<std::size_t>(y)].shape[0] = 2;
  b.graph.outputs = {b.mean(y, {0, 1})};
  REQUIRE_THROWS_WITH(compiler::compile(b.graph, testing::small_config(4, 4, 16, 8, 64)),
                      Catch::Matchers::ContainsSubstring("batch 2, allowed 1"));
}

TEST_CASE("tensors of four axes are rows unless an image operator uses them",
          "[arch][rewrite][batch]") {
  const auto network = GENERATE(as<std::string>(), "mean", "stacked", "windows");
  CAPTURE(network);
  Builder b(1);
  if (network == "mean") {
    b.graph.outputs = {b.mean(b.input({2, 3, 3, 4}), {0, 1})};
  } else if (network == "stacked") {  // queries, keys and values have tokens before the batch
    const int x = b.transpose(b.reshape(b.input({6, 24}), {6, 1, 3, 8}), {2, 0, 1, 3});
    std::vector<int> parts;
    for (int i = 0; i < 3; ++i) {
      const int part = b.strided_slice(x, {i, 0, 0, 0}, {i + 1, 6, 1, 8}, {1, 1, 1, 1});
      parts.push_back(b.transpose(b.reshape(part, {6, 2, 4}), {1, 0, 2}));
    }
    const int scores = b.batch_matmul(parts[0], parts[1], false, true);
    b.graph.outputs = {b.batch_matmul(scores, parts[2], false, false)};
  } else {  // of an image
    const int x = b.convolution(b.input({1, 4, 4, 8}), 8, 3, 3, 1, 1, 1, 1, Padding::kSame, true);
    const int rows = b.transpose(b.reshape(x, {2, 2, 2, 16}), {0, 2, 1, 3});
    const int y = b.addition(b.reshape(rows, {4, 2, 2, 8}), b.constant({1, 2, 2, 8}));
    b.graph.outputs = {b.transpose(y, {3, 0, 1, 2})};
  }
  require_exact(b, testing::small_config(4, 4, 32, 16, 64));
}

TEST_CASE("a batch that the machine cannot treat as rows is treated as images",
          "[arch][rewrite][batch]") {
  Builder b(1);
  b.graph.outputs = {b.reshape(b.reshape(b.input({2, 1, 1, 2}), {2, 2, 1, 1}), {4, 1})};
  require_exact(b, testing::small_config(4, 4, 32, 16, 64));
}

TEST_CASE("an operand repeats along some axes of rows", "[arch][rewrite][elementwise]") {
  const auto [first, second] =
      GENERATE(std::pair{std::vector{1, 4, 1}, std::vector{1, 1, 6}},
               std::pair{std::vector{2, 1, 3, 8}, std::vector{2, 5, 3, 8}},
               std::pair{std::vector{3, 1, 5, 1, 4}, std::vector{3, 2, 5, 6, 4}},
               std::pair{std::vector{4, 1, 4}, std::vector{4, 3, 1}});
  CAPTURE(first, second);
  Builder b(1);
  const int x = b.unary(b.input(first), OpKind::kRelu, "RELU");
  const int y = b.unary(b.input(second), OpKind::kRelu, "RELU");
  b.graph.outputs = {b.addition(x, y), b.binary(y, x, OpKind::kMul)};
  require_exact(b, testing::small_config(4, 4, 32, 16, 64));
}

TEST_CASE("a reshaped map is broadcast by its new shape", "[arch][elementwise]") {
  Builder b(1);
  const int x = b.unary(b.input({1, 4, 5, 8}), OpKind::kRelu, "RELU");
  const int weights = b.unary(b.input({1, 8, 1}), OpKind::kRelu, "RELU");
  b.graph.outputs = {b.binary(x, b.reshape(weights, {1, 1, 1, 8}), OpKind::kMul)};
  require_exact(b, testing::small_config(4, 4, 16, 8, 64));
}

}  // namespace
}  // namespace trine::sim
